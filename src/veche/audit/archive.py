"""Checks a Belenios archive (.bel) strictly, from its first byte to its result, and says what an archive cannot show.

The steps are numbered; the first that does not hold is raised as ``DoesNotHold`` with its number, the place and what was
found. ``Unsupported`` is raised for what this program cannot check, never in place of a verdict that it could give: other
groups, kinds of questions and versions, shuffles, and a poll that has no result yet. (Such an archive is the beginning of a
good one, and just the same the end of one that somebody cut: it is neither good nor bad.)
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import veche_kernel

from veche.audit.poll_view import QuestionView, by_answer
from veche.ballot.archive.archive import Archive
from veche.ballot.archive.credentials import read_credentials
from veche.ballot.archive.parts import Ciphertext, TallyDocument
from veche.ballot.archive.records import MAX_RECORD
from veche.ballot.archive.shares import Pairs, check_result, check_share, combine
from veche.ballot.archive.trustees import Trustees
from veche.ballot.canonical import b64, decode, point_bytes, point_text, weight_value
from veche.ballot.election import Election
from veche.errors import DoesNotHold, Unsupported
from veche.texts import N_, Message, Words

STEPS = {
    "A1": N_(
        "The file is a sequence of records, byte for byte as Belenios writes them, each named by the hash of its content."
    ),
    "A2": N_("The events form one chain in the one order that a poll has, and each names the data right before it."),
    "A3": N_("Every document is JSON in the one canonical spelling, with all its numbers in range."),
    "A4": N_("The election asks questions that can be answered, in a group and a version that this program knows."),
    "A5": N_(
        "Each trustee proves to know the secret of their key, committees were formed as they had to be, and the election's key is the "
        "product of the trustees' keys."
    ),
    "A6": N_(
        "Each credential is an element of the group, not the neutral one, and is listed once, with a valid weight."
    ),
    "A7": N_(
        "Each ballot, superseded ones too, is by a listed credential, is signed, and proves that it holds a valid choice."
    ),
    "A8": N_(
        "The encrypted tally is the weighted sum of the last ballots of all who voted, and its size is what it says."
    ),
    "A9": N_("Each share of the decryption is by another trustee and proven, and there are enough of them."),
    "A10": N_("The result is what the tally and the shares decrypt to."),
}
"""What each step checks, in one sentence."""

CANNOT_SHOW = (
    N_(
        "That each credential was given to a person with the right to vote, and one to each: the list is only a list of keys."
    ),
    N_(
        "That the ballots are those that people cast, and that none is missing: each voter can look for their own tracker."
    ),
    N_("When ballots were cast: an archive has one time, and whoever wrote it chose it."),
    N_(
        "That no trustee and last voter arranged a false decryption together: Belenios's proof of a decryption hashes neither the "
        "ciphertext nor the factor. Veche's ledger holds a second proof that does, beside the archive."
    ),
    N_("That no quorum of trustees decrypted single ballots."),
)
"""What holds or not whatever an archive says: it is not in there."""

BATCH = 1024
BATCH_BYTES = 1 << 24

Progress = Callable[[str, int, int], None]
"""Called now and then with the step, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class ArchiveReport:
    """What a good archive says. ``result`` is its JSON; fingerprints are Belenios's, to compare with what was published."""

    name: str
    uuid: str
    result: bytes
    election: Election
    election_fingerprint: str
    trustees_fingerprint: str
    credentials_fingerprint: str
    trustees: str
    credentials: int
    ballots: int
    counted: int
    total_weight: int
    shares: int
    questions: list[QuestionView] = field(repr=False)
    cannot_show: tuple[str, ...] = field(default=CANNOT_SHOW, repr=False)


def verify_archive(path: str | Path, progress: Progress | None = None) -> ArchiveReport:
    """Checks the archive at ``path``, a file or a folder that holds exactly one.

    Raises UserError (no such file), DoesNotHold (step A1..A10) or Unsupported.
    """
    with Archive.open(Path(path)) as archive:
        return verify(archive, progress)


def verify(archive: Archive, progress: Progress | None = None) -> ArchiveReport:
    """As ``verify_archive``, for an archive that is open: its container and events (A1, A2) hold already."""
    report_progress = progress or (lambda step, done, total: None)
    report_progress("A4", 0, 1)
    election = Election.from_json(archive.read(archive.election))
    report_progress("A5", 0, 1)
    trustees_json = archive.read(archive.trustees)
    trustees = Trustees.from_json(trustees_json)
    if point_text(trustees.key) != election.public_key:
        raise DoesNotHold(
            "A5", Message("the election"), Message("The election's key is not the product of the trustees' keys.")
        )
    report_progress("A6", 0, 1)
    credentials_json = archive.read(archive.credentials, MAX_RECORD)
    weights = read_credentials(credentials_json)
    counted, total_weight, pairs = _check_ballots(archive, election, weights, report_progress)
    if archive.tally is None or archive.sized is None:
        raise _unfinished(archive)
    _check_tally(archive, pairs, counted, total_weight)
    shares = _check_shares(archive, trustees, election.fingerprint, pairs, report_progress)
    if archive.result is None:
        raise _unfinished(archive)
    opened = combine(trustees, shares)
    report_progress("A10", 0, 1)
    result = archive.read(archive.result)
    check_result(result, pairs, opened, total_weight)
    report_progress("A10", 1, 1)
    return ArchiveReport(
        name=election.name,
        uuid=election.uuid,
        result=result,
        election=election,
        election_fingerprint=election.fingerprint,
        trustees_fingerprint=b64(trustees_json),
        credentials_fingerprint=b64(credentials_json),
        trustees=", ".join(
            "1 single" if part.threshold is None else f"{part.threshold} of {len(part.keys)}" for part in trustees.parts
        ),
        credentials=len(weights),
        ballots=len(archive.ballots),
        counted=counted,
        total_weight=total_weight,
        shares=len(shares),
        questions=[
            QuestionView(
                _text(question.question), question.min, question.max, bool(question.blank),
                by_answer([_text(answer) for answer in question.answers], bool(question.blank), [int(n) for n in numbers]),
            )
            for question, numbers in zip(election.questions, json.loads(result)["result"], strict=True)
        ],
    )  # fmt: skip


def _text(said: str) -> Words:
    """An archive has each text once, whatever its languages."""
    return Words(said, said)


def _unfinished(archive: Archive) -> Unsupported:
    return Unsupported(
        Message("What is in this archive holds, but this poll {state}.", state=archive.state),
        Message("Check again when the poll is finished. If it is, somebody cut the archive: get it from elsewhere."),
    )


def _check_ballots(
    archive: Archive, election: Election, weights: dict[bytes, int], progress: Progress
) -> tuple[int, int, Pairs]:
    """Checks every ballot (A7). How many count, their total weight, and their weighted sum for each ciphertext."""
    shape = [(len(q.answers), q.min, q.max, bool(q.blank)) for q in election.questions]
    kernel = veche_kernel.Election(point_bytes(election.public_key), election.fingerprint, election.uuid, shape)
    count = sum(q.ciphertexts for q in election.questions)
    total = veche_kernel.ArchiveSums(count)
    total_weight = 0
    voted: set[bytes] = set()
    for start, batch in archive.ballot_batches(BATCH, BATCH_BYTES):
        progress("A7", len(archive.ballots) - start - len(batch), len(archive.ballots))
        by_weight: dict[int, list[veche_kernel.ArchiveBallot]] = {}
        valid: list[veche_kernel.ArchiveBallot] = []
        for number, checked in enumerate(kernel.verify_json_many(batch), start + 1):
            where = Message("ballot {number}", number=number)
            if isinstance(checked, veche_kernel.Failure):
                raise DoesNotHold(
                    "A7",
                    where,
                    Message("Ballot {number} is not valid. {reason}.", number=number, reason=checked.reason),
                )
            if checked.credential not in weights:
                raise DoesNotHold(
                    "A7", where, Message("Ballot {number} is by a credential that is not in the list.", number=number)
                )
            valid.append(checked)
        for ballot in reversed(valid):  # From the last ballot of all to the first, so that the first of a voter counts.
            if ballot.credential not in voted:
                voted.add(ballot.credential)
                by_weight.setdefault(weights[ballot.credential], []).append(ballot)
        for weight, ballots in by_weight.items():
            total.add(ballots, weight)
            total_weight += weight * len(ballots)
    progress("A7", len(archive.ballots), len(archive.ballots))
    flat = iter(total.pairs())
    return len(voted), total_weight, [[next(flat) for _ in range(q.ciphertexts)] for q in election.questions]


def _check_tally(archive: Archive, pairs: Pairs, counted: int, total_weight: int) -> None:
    assert archive.tally is not None and archive.sized is not None  # The caller has seen to it.
    where = Message("the encrypted tally")
    expected = [[Ciphertext(alpha=point_text(a), beta=point_text(b)) for a, b in question] for question in pairs]
    if decode(archive.read(archive.tally), TallyDocument, where) != expected:
        raise DoesNotHold("A8", where, Message("The encrypted tally is not the sum of the ballots that count."))
    sized = archive.sized
    if sized.num_tallied != counted:
        raise DoesNotHold(
            "A8",
            where,
            Message(
                "The tally says that {num_tallied} ballots count, but {counted} do.",
                num_tallied=sized.num_tallied,
                counted=counted,
            ),
        )
    if weight_value(sized.total_weight, Message("the sized tally")) != total_weight:
        raise DoesNotHold(
            "A8",
            where,
            Message(
                "The tally says that it weighs {total_weight}, but it weighs {total_weight2}.",
                total_weight=sized.total_weight,
                total_weight2=total_weight,
            ),
        )


def _check_shares(
    archive: Archive, trustees: Trustees, fingerprint: str, pairs: Pairs, progress: Progress
) -> dict[int, list[bytes]]:
    """The factors of each share, by owner."""
    keys = dict(trustees.owners())
    shares: dict[int, list[bytes]] = {}
    for number, share in enumerate(archive.shares):
        progress("A9", number, len(archive.shares))
        where = Message("the share of trustee {owner}", owner=share.owner)
        if share.owner not in keys:
            raise DoesNotHold(
                "A9", where, Message("There is a share of trustee {owner}, but no such trustee.", owner=share.owner)
            )
        if share.owner in shares:
            raise DoesNotHold("A9", where, Message("There are two shares of trustee {owner}.", owner=share.owner))
        raw = archive.read(share.span)
        shares[share.owner] = check_share(raw, share.owner, keys[share.owner], fingerprint, pairs)
    return shares
