"""One ballot: one question, five options, choose one. The baseline is belenios-tool 3.0 on the same machine, in turns."""

import json
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

import veche_kernel as kernel

from bench.rows import Row, child_cpu_ms, cpu_ms, medians
from bench.workload import Workload, identified
from veche.audit.archive import verify_archive
from veche.ballot.archive.writer import ArchiveWriter
from veche.ballot.committee import Committee, make_single_key, trustees_json
from veche.ballot.decryption import make_share, open_tally, partial_decryption_json
from veche.ballot.election import Election, Question
from veche.errors import Refused
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_prefix

ROUNDS = 5
BATCH = 1024
FEW, MANY = 20, 320
UUID = "1" * 22


def measure(workload: Workload, tool: str, folder: Path) -> list[Row]:
    """verify (batch and single), prove, bytes, and a whole archive."""
    election = workload.poll.kernel
    # Without permits, which the baseline has none of.
    entries = kernel.read_ballots([_without_permits(election, workload.poll.id) for _ in range(BATCH)])
    ballots = [entry for entry in entries if isinstance(entry, kernel.BallotEntry)]
    assert len(ballots) == BATCH
    checker = kernel.BallotChecker(election, workload.poll.id, [[bytes(256)]], 1, [0], 1)

    def batch() -> float:
        verdicts: list[object] = []
        used = cpu_ms(lambda: verdicts.extend(checker.check(identified(checker, ballots))))
        assert all(isinstance(verdict, kernel.CheckedBallot) for verdict in verdicts)
        return used / BATCH

    def single() -> float:
        return cpu_ms(lambda: [election.verify(entry.ballot) for entry in ballots[:100]]) / 100

    data = [entry.data for entry in ballots]
    held = [
        verdict for verdict in checker.check(identified(checker, ballots)) if isinstance(verdict, kernel.CheckedBallot)
    ]
    junk = [
        (b"\x87\x66ballot\x58\x20" + bytes(32) + b"\x00\x40\x99\x03\xfe" + 16_000 * b"\x83\x00\x40\x40")[:65_535]
    ] * 16

    def read() -> float:
        return cpu_ms(lambda: kernel.read_ballots(data)) / BATCH * 1000

    def decoded() -> float:
        return cpu_ms(lambda: [decode(entry) for entry in data]) / BATCH * 1000

    def junk_read() -> float:
        return cpu_ms(lambda: kernel.read_ballots(junk)) / len(junk) / 65_535 * 1_000_000

    def junk_decoded() -> float:
        return cpu_ms(lambda: _refused(junk)) / len(junk) / 65_535 * 1_000_000

    def recount() -> float:
        return cpu_ms(lambda: kernel.Recount(5).add(held)) / BATCH * 1000

    def sums() -> float:
        return cpu_ms(lambda: kernel.Sums(5).add(held)) / BATCH * 1000

    def prove() -> float:
        secret = kernel.scalar_random()
        return (
            cpu_ms(lambda: [election.prove(secret, [[0, 1, 0, 0, 0]], election.randomness()) for _ in range(100)]) / 100
        )

    archives = {count: _archive(folder / f"archive-{count}", count) for count in (FEW, MANY)}
    generate = _generate_ballot(tool, folder / "generate")

    def belenios_verify() -> float:
        few, many = (child_cpu_ms([tool, "election", "verify", "--dir", str(archives[n].parent)]) for n in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    def belenios_generate() -> float:
        return sum(child_cpu_ms(generate) - child_cpu_ms([tool, "--version"]) for _ in range(5)) / 5

    def veche_archive() -> float:
        few, many = (cpu_ms(partial(verify_archive, archives[n])) for n in (FEW, MANY))
        return (many - few) / (MANY - FEW)

    batch()  # warm
    ours, theirs, alone = medians(ROUNDS, batch, belenios_verify, single)
    one_read, one_decoded, bad_read, bad_decoded = medians(ROUNDS, read, decoded, junk_read, junk_decoded)
    again, first = medians(ROUNDS, recount, sums)
    proved, generated = medians(ROUNDS, prove, belenios_generate)
    whole, whole_theirs = medians(3, veche_archive, belenios_verify)
    plain = len(workload.ballots(1)[0])
    text = len(election.to_json(ballots[0].ballot))
    bare = len(ballots[0].data)
    unit = "ms CPU a ballot"
    return [
        Row("ballot.verify.batch", ours, unit, theirs, theirs / ours, "batches of 1,024; baseline `election verify`"),
        Row("ballot.verify.single", alone, unit, theirs, theirs / alone, "one by one; baseline `election verify`"),
        Row("ballot.prove", proved, unit, generated, generated / proved, "baseline `election generate-ballot`"),
        Row("ballot.read", one_read, "µs CPU an entry", one_decoded, one_decoded / one_read, "baseline `entry.decode`"),
        Row(
            "ballot.read.junk", bad_read, "ms CPU a MB", bad_decoded, bad_decoded / bad_read, "16,000 permits; the same"
        ),
        Row("ballot.recount", again, "µs CPU a ballot", first, first / again, "the second sum; baseline the first"),
        Row("ballot.bytes", bare, "bytes", text, text / bare, "the entry without permits; baseline the Belenios JSON"),
        Row("ballot.bytes.permits", plain, "bytes", text, text / plain, "the entry with two permits of 2,048 bits"),
        Row(
            "archive.verify",
            whole,
            unit,
            whole_theirs,
            whole_theirs / whole,
            "`veche verify FILE.bel`; baseline `election verify`",
        ),
    ]


def _refused(entries: list[bytes]) -> None:
    for entry in entries:
        with suppress(Refused):
            decode(entry)


def _without_permits(election: kernel.Election, poll: bytes) -> bytes:
    secret = kernel.scalar_random()
    item = ["ballot", poll, 0, election.prove(secret, [[0, 1, 0, 0, 0]], election.randomness()), [], 1]
    return encode([*item, kernel.cast_sign(secret, cast_prefix(item))])


def _archive(folder: Path, count: int) -> Path:
    """A finished Belenios election of so many ballots."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{UUID}.bel"
    committee = Committee(bytes(32), "single", 1, 1)
    key, secret = make_single_key()
    question = Question(answers=[f"Answer {i}" for i in range(5)], min=1, max=1, question="Which?")
    election = Election(description="", name="Bench", public_key=key.key[::-1].hex(), questions=[question], uuid=UUID)
    ours = kernel.Election(key.key, election.fingerprint, UUID, [(5, 1, 1, False)])
    credentials = [kernel.scalar_random() for _ in range(count)]
    texts = sorted(
        (kernel.base_mul(credential)[::-1].hex() for credential in credentials), key=lambda t: bytes.fromhex(t)[::-1]
    )
    sums = kernel.Sums(5)
    with path.open("wb") as file:
        writer = ArchiveWriter(file, 1_795_000_000)
        writer.setup(
            election.to_json(),
            trustees_json(committee, [key], [], []),
            json.dumps(texts, separators=(",", ":")).encode(),
        )
        for number, credential in enumerate(credentials):
            ballot = ours.prove(credential, [[int(number % 5 == answer) for answer in range(5)]], ours.randomness())
            sums.add([ours.load(ballot)])
            writer.ballot(ours.to_json(ballot))
        writer.end_ballots()
        pairs = sums.pairs()
        rows = [{"alpha": alpha[::-1].hex(), "beta": beta[::-1].hex()} for alpha, beta in pairs]
        writer.encrypted_tally(json.dumps([rows], separators=(",", ":")).encode(), count, count)
        share = make_share(secret, [alpha for alpha, _ in pairs], election.fingerprint, bytes(32), 0)
        writer.partial_decryption(1, partial_decryption_json(share, [5]))
        result = open_tally([beta for _, beta in pairs], {1: share.points()}, "single", count)
        writer.result(json.dumps({"result": [result]}, separators=(",", ":")).encode())
    return path


def _generate_ballot(tool: str, folder: Path) -> list[str]:
    """The command with which the tool makes one ballot."""
    _archive(folder, FEW)
    subprocess.run(
        [
            tool,
            "setup",
            "generate-credentials",
            "--dir",
            str(folder),
            "--uuid",
            UUID,
            "--count",
            "1",
            "--group",
            "Ed25519",
        ],
        check=True,
        capture_output=True,
    )
    private = json.loads(next(folder.glob("*.privcreds")).read_text())
    (folder / "credential").write_text(next(iter(private.values())))
    (folder / "choice").write_text("[[0,1,0,0,0]]")
    return [
        tool,
        "election",
        "generate-ballot",
        "--dir",
        str(folder),
        "--privcred",
        str(folder / "credential"),
        "--choice",
        str(folder / "choice"),
    ]
