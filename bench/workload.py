"""A ledger's worth of ballots to measure with: one poll, one question, five options, choose one, two permits a ballot.

Made once and kept in build/bench, because making it takes longer than measuring with it. Permits are signed without
blinding (the verifier cannot tell, which is the point of blind signatures), and everything else is the real thing.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

import veche_kernel as kernel
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from rich.console import Console
from rich.progress import Progress

from veche.ballot.committee import Committee, make_single_key
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.entries import read_entry
from veche.ledger.entries.ballot import cast_ballot, unsigned_ballot
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat, read_charter
from veche.ledger.entries.committee import CommitteeCall, KeyStep
from veche.ledger.entries.engine import Embedded, Engine
from veche.ledger.entries.office import Role
from veche.ledger.entries.permit_key import GroupPermitKey, PermitKeys
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.shape import Text
from veche.permit.message import permit_message
from veche.permit.permit import Permit

GENESIS = 1_780_000_000
OPEN = GENESIS + 1000
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
TRUSTEES = 3


def text(words: str) -> Text:
    return Text(words, words)


def identified(checker: kernel.BallotChecker, entries: list[kernel.BallotEntry]) -> list[kernel.IdentifiedBallot]:
    """All of these, which have the form of the poll's ballots."""
    found = [ballot for ballot in checker.identify(entries) if isinstance(ballot, kernel.IdentifiedBallot)]
    assert len(found) == len(entries)
    return found


class Workload:
    """``setup``: the entries after the charter, up to the open poll; ``ballots(n)``: n ballot entries. ``log_key`` signs."""

    genesis, notice = GENESIS, OPEN - GENESIS

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log_key = self.key("log")
        if not (folder / "setup").exists():
            self._make_setup()
        self.charter, *self.setup = _read(folder / "setup")
        (poll_class,) = read_charter(self.charter).classes
        self.poll = FrozenPoll.of_entry(self.setup[-3], poll_class, (folder / "key").read_bytes())
        keys = [read_entry(entry) for entry in self.setup[-2:]]
        self.permit_keys = {i: entry for i, entry in enumerate(keys) if isinstance(entry, PermitKeys)}
        self.make(count)

    def engine(self) -> Engine:
        """What the charter says of it."""
        return Embedded(1, "Operator", self.log_key.public)

    def key(self, name: str) -> SigningKey:
        path = self.folder / f"{name}.key"
        if not path.exists():
            SigningKey.generate().save(path)
        return SigningKey.load(path)

    def _make_setup(self) -> None:
        organisers = [self.key(f"organiser-{i}") for i in range(2)]
        trustees = [self.key(f"trustee-{i}") for i in range(TRUSTEES)]
        registrars = [self.key(f"registrar-{i}") for i in range(2)]
        names = tuple(f"Trustee {i}" for i in range(TRUSTEES))
        sources = (RegistrarSeat("Registrar 0", "one"), RegistrarSeat("Registrar 1", "two"))
        poll_class = PollClass("city", sources, 2, 0, 2, names, TRUSTEES, 0, 20, 0, 10**7, 2)
        engine = self.engine()
        offices = (
            *((row.institution, Role.VALIDATOR, self.key(row.institution)) for row in engine.validators),
            *((f"Organiser {i}", Role.ORGANISER, key) for i, key in enumerate(organisers)),
            *((f"Trustee {i}", Role.TRUSTEE, key) for i, key in enumerate(trustees)),
            *((f"Registrar {i}", Role.REGISTRAR, key) for i, key in enumerate(registrars)),
        )
        charter = Charter(
            "bench.example/ledger", text("Bench"), self.genesis,
            tuple(OfficeSeat(name, role, key.public) for name, role, key in offices), 3, (poll_class,),
            engine,
        )  # fmt: skip
        entries = [charter.sign(b"", [key for _, _, key in offices])]
        ledger = digest(entries[0])
        entries.append(CommitteeCall("city", "single", 0).sign(ledger, organisers[:1]))
        committee = Committee(digest(entries[-1]), "single", TRUSTEES, TRUSTEES)
        keys = []
        for i, trustee in enumerate(trustees):
            key, _ = make_single_key()
            keys.append(key.key)
            entries.append(KeyStep(committee.id, i + 1, key).sign(ledger, [trustee]))
        question = Choice(text("Which?"), tuple(text(f"Answer {i}") for i in range(5)), 1, 1, False)
        opens, groups = self.genesis + self.notice, (Group(text("All"), 1),)
        poll = Poll("city", text("Poll"), text("About"), (question,), groups, opens, opens + 10**6, committee.id)
        entries.append(poll.sign(ledger, organisers))
        poll_id = digest(entries[-1])
        for i, registrar in enumerate(registrars):
            private = rsa.generate_private_key(65537, 2048)
            numbers = private.private_numbers()
            (self.folder / f"permit-{i}").write_text(f"{numbers.p} {numbers.q}")
            modulus = numbers.public_numbers.n.to_bytes(256, "big")
            row = GroupPermitKey(modulus, 10**6, bytes(32))
            entries.append(PermitKeys(poll_id, (row,)).sign(ledger, [registrar]))
        (self.folder / "key").write_bytes(kernel.point_sum(keys))
        _write(self.folder / "setup", entries)

    def make(self, count: int) -> None:
        """Make what is missing of so many ballots."""
        path = self.folder / "ballots"
        have = sum(1 for _ in _read(path)) if path.exists() else 0
        if have >= count:
            return
        part = 500
        with Progress(console=Console(stderr=True)) as progress, ProcessPoolExecutor() as pool, path.open("ab") as file:
            task = progress.add_task("Making ballots", total=count, completed=have)
            jobs = [(str(self.folder), min(part, count - start)) for start in range(have, count, part)]
            for entries in pool.map(_make_some, jobs):
                for entry in entries:
                    file.write(len(entry).to_bytes(2, "big") + entry)
                progress.advance(task, len(entries))

    def ballots(self, count: int) -> list[bytes]:
        return list(islice(_read(self.folder / "ballots"), count))


def _make_some(job: tuple[str, int]) -> list[bytes]:
    folder, count = Path(job[0]), job[1]
    return make_ballots(Workload(folder, 0), [kernel.scalar_random() for _ in range(count)])


def make_ballots(workload: Workload, secrets: list[bytes]) -> list[bytes]:
    """First ballots of the credentials with these secrets."""
    poll = workload.poll
    signers = [_load(workload.folder / f"permit-{i}") for i in range(2)]
    entries = []
    for number, secret in enumerate(secrets):
        choices = [[int(answer == number % 5) for answer in range(5)]]
        ballot = poll.kernel.prove(secret, choices, poll.kernel.randomness())
        message = permit_message(poll.id, 0, kernel.base_mul(secret))
        permits = []
        for i, signer in enumerate(signers):
            prefix = os.urandom(32)
            permits.append(Permit(i, prefix, signer.sign(prefix + message, PSS, hashes.SHA384())))
        entries.append(cast_ballot(secret, unsigned_ballot(poll.id, 0, ballot, permits, 1)))
    return entries


def _load(path: Path) -> rsa.RSAPrivateKey:
    p, q = map(int, path.read_text().split())
    d = pow(65537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65537, p * q)
    private = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    return private.private_key(unsafe_skip_rsa_key_validation=True)


def _write(path: Path, entries: list[bytes]) -> None:
    path.write_bytes(b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries))


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while head := file.read(2):
            yield file.read(int.from_bytes(head, "big"))
