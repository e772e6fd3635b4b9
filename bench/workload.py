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
from rich.progress import Progress

from veche.ballot.committee import Committee, make_single_key
from veche.keys import SigningKey
from veche.ledger.charter import Charter, PollClass
from veche.ledger.entry import decode, digest, encode, sign
from veche.ledger.poll import Ballotbox, Choice, Group, Poll
from veche.ledger.rules.ballot import cast_prefix
from veche.ledger.shape import Text
from veche.permit.message import permit_message

GENESIS = 1_795_000_000
OPEN = GENESIS + 1000
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
TRUSTEES = 3


def text(words: str) -> Text:
    return Text(words, words)


class Workload:
    """``setup``: the entries after the charter, up to the open poll; ``ballots(n)``: n ballot entries. ``log_key`` signs."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.log_key = self._key("log")
        if not (folder / "setup").exists():
            self._make_setup()
        self.charter, *self.setup = _read(folder / "setup")
        self.box = Ballotbox(self.setup[-3], (folder / "key").read_bytes())
        self.moduli = [decode(entry)[1][1][0][0] for entry in self.setup[-2:]]
        self._make_ballots(count)

    def _key(self, name: str) -> SigningKey:
        path = self.folder / f"{name}.key"
        if not path.exists():
            SigningKey.generate().save(path)
        return SigningKey.load(path)

    def _make_setup(self) -> None:
        organisers = [self._key(f"organiser-{i}") for i in range(2)]
        trustees = [self._key(f"trustee-{i}") for i in range(TRUSTEES)]
        registrars = [self._key(f"registrar-{i}") for i in range(2)]
        names = tuple(f"Trustee {i}" for i in range(TRUSTEES))
        sources = (("Registrar 0", "one"), ("Registrar 1", "two"))
        poll_class = PollClass("city", sources, 2, 0, 2, names, TRUSTEES, 20, 0, 10**7, 2)
        offices = (
            *((f"Organiser {i}", "organiser", key) for i, key in enumerate(organisers)),
            *((f"Trustee {i}", "trustee", key) for i, key in enumerate(trustees)),
            *((f"Registrar {i}", "registrar", key) for i, key in enumerate(registrars)),
        )
        charter = Charter(
            "bench.example/ledger", text("Bench"), GENESIS, self.log_key.public,
            tuple((name, role, key.public) for name, role, key in offices), 3, (poll_class,), ("embedded", 1),
        )  # fmt: skip
        entries = [sign(b"", "charter", charter.body(), [key for _, _, key in offices])]
        ledger = digest(entries[0])
        entries.append(sign(ledger, "committee", ["city", "single", 0], organisers[:1]))
        committee = Committee(digest(entries[-1]), "single", TRUSTEES, TRUSTEES)
        keys = []
        for i, trustee in enumerate(trustees):
            key, _ = make_single_key()
            keys.append(key.key)
            entries.append(sign(ledger, "committee-key", [committee.id, i + 1, *key.fields()], [trustee]))
        question = Choice(text("Which?"), tuple(text(f"Answer {i}") for i in range(5)), 1, 1, False)
        poll = Poll(
            "city", text("Poll"), text("About"), (question,), (Group(text("All"), 1),), OPEN, OPEN + 10**6, committee.id
        )
        entries.append(sign(ledger, "poll", poll.body(), organisers))
        poll_id = digest(entries[-1])
        for i, registrar in enumerate(registrars):
            private = rsa.generate_private_key(65537, 2048)
            numbers = private.private_numbers()
            (self.folder / f"permit-{i}").write_text(f"{numbers.p} {numbers.q}")
            modulus = numbers.public_numbers.n.to_bytes(256, "big")
            entries.append(sign(ledger, "permit-key", [poll_id, [[modulus, 10**6, bytes(32)]]], [registrar]))
        (self.folder / "key").write_bytes(kernel.point_sum(keys))
        _write(self.folder / "setup", entries)

    def _make_ballots(self, count: int) -> None:
        path = self.folder / "ballots"
        have = sum(1 for _ in _read(path)) if path.exists() else 0
        if have >= count:
            return
        part = 500
        with Progress() as progress, ProcessPoolExecutor() as pool, path.open("ab") as file:
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
    _, *setup = _read(folder / "setup")
    box = Ballotbox(setup[-3], (folder / "key").read_bytes())
    signers = [_load(folder / f"permit-{i}") for i in range(2)]
    entries = []
    for number in range(count):
        secret = kernel.scalar_random()
        choices = [[int(answer == number % 5) for answer in range(5)]]
        ballot, _ = box.kernel.prove(secret, choices)
        message = permit_message(box.id, 0, kernel.base_mul(secret))
        permits = []
        for i, signer in enumerate(signers):
            prefix = os.urandom(32)
            permits.append([i, prefix, signer.sign(prefix + message, PSS, hashes.SHA384())])
        item = ["ballot", box.id, 0, ballot, permits, 1]
        entries.append(encode([*item, kernel.cast_sign(secret, cast_prefix(item))]))
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
