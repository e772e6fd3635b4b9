"""A finished poll as a Belenios archive, out of a verified ledger: to be checked with software made by others.

The archive holds what Belenios knows: the election, its trustees, the credentials that voted (with the weights of their
groups), every accepted ballot in the order of the log (of each credential the last counts, there as here), the total of the
tally, the shares of the trustees who are named in the result, and the result. Beside it, ``binding_json`` keeps what
an archive has no place for (:mod:`veche.audit.binding`).

A poll with too few ballots is never decrypted, so its archive ends with EndBallots: belenios-tool accepts
that, and so says how many ballots there were and that they are valid, and nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from veche.audit.binding import binding_json
from veche.audit.ledger import Progress, VerifiedLedger
from veche.ballot.archive.parts import Ciphertext, ResultDocument
from veche.ballot.archive.writer import ArchiveWriter
from veche.ballot.canonical import encode, point_text, weight_json
from veche.ballot.committee import trustees_json
from veche.ballot.decryption import TOTAL, partial_decryption_json
from veche.durable import must_be_new, whole_file
from veche.errors import UserError
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState, in_order
from veche.ledger.shape import chunks
from veche.texts import Message

BINDING = ".bound.json"


@dataclass(frozen=True)
class Exported:
    """What was written: ``decided`` or not (then the archive ends with the ballots, and there is no second file)."""

    archive: Path
    binding: Path | None
    ballots: int
    counted: int


def binding_path(archive: Path) -> Path:
    """Where the file beside an archive is: ``poll.bel`` has ``poll.bound.json``."""
    return archive.with_name(archive.name.removesuffix(".bel") + BINDING)


def write_archive(verified: VerifiedLedger, poll: PollState, path: Path, progress: Progress | None = None) -> Exported:
    """Write a poll's archive to ``path`` and, if the poll is decided, the file beside it; both whole or not at all.

    Memory: the list of credentials that voted (about 150 bytes each), and one bundle of entries. ``progress`` counts ballots.
    Raises UserError if the poll is not finished, or if one of the files exists or cannot be written.
    """
    check_finished(poll)
    decided = poll.phase == Phase.DECIDED
    beside = binding_path(path) if decided else None
    must_be_new(path)
    if beside is not None:
        must_be_new(beside)
    with whole_file(path, new=True) as file:
        ballots = _write(verified, poll, file, progress)
        if beside is not None:
            with whole_file(beside, new=True) as other:
                other.write(binding_json(verified, poll))
    return Exported(path, beside, ballots, sum(poll.counted))


def check_finished(poll: PollState) -> None:
    """Raises UserError unless there will be nothing more to say about this poll's count."""
    reason = {
        Phase.ANNOUNCED: Message("it has not closed yet"),
        Phase.COUNTING: Message("the trustees have not decrypted it yet"),
        Phase.VOID: Message("it is void and was never open"),
        Phase.CANCELLED: Message("it was cancelled, so it has no result and never will"),
    }.get(poll.phase)
    if reason is not None:
        raise UserError(
            Message("Poll {id} cannot be exported: {reason}.", id=poll.id.hex(), reason=reason),
            Message("Export the whole ledger instead."),
        )


def _write(verified: VerifiedLedger, poll: PollState, out: BinaryIO, progress: Progress | None) -> int:
    """The archive; the answer is the number of ballots in it. Its time is that of the block that closed the poll."""
    kind = "tally" if poll.tally is not None else "too-few"
    writer = ArchiveWriter(out, verified.time_of(verified.derived[kind, poll.id]))
    writer.setup(poll.frozen.election.to_json(), committee_json(verified, poll), credentials_json(verified, poll))
    numbers = verified.state.accepted_ballots(poll)
    for done, ballot in enumerate(ballots_json(verified, poll, numbers), 1):
        writer.ballot(ballot)
        if progress is not None and done % 256 == 0:
            progress(done, len(numbers))
    writer.end_ballots()
    if poll.tally is not None and poll.result is not None:
        _write_count(verified, poll, writer)
    return len(numbers)


def _write_count(verified: VerifiedLedger, poll: PollState, writer: ArchiveWriter) -> None:
    assert poll.tally is not None and poll.result is not None
    shape = [question.ciphertexts for question in poll.definition.questions]
    pairs = iter(chunks(poll.tally.parts[0], 64))
    texts = [[(point_text(pair[:32]), point_text(pair[32:])) for pair in islice(pairs, count)] for count in shape]
    rows = [[Ciphertext(alpha=alpha, beta=beta) for alpha, beta in row] for row in texts]
    weight = sum(counted * group.weight for counted, group in zip(poll.counted, poll.definition.groups, strict=True))
    writer.encrypted_tally(encode(rows), sum(poll.counted), weight)
    for trustee in poll.result.trustees:
        share = poll.shares[trustee][TOTAL].share
        writer.partial_decryption(trustee, partial_decryption_json(share, shape))
    writer.result(encode(ResultDocument(result=[[weight_json(number) for number in row] for row in poll.result.total])))


def committee_json(verified: VerifiedLedger, poll: PollState) -> bytes:
    """The archive's list of trustees."""
    committee = verified.state.committee(poll.definition.committee)
    assert committee is not None, "a poll's committee is in the ledger"
    return trustees_json(
        committee.scheme, in_order(committee.keys), in_order(committee.certificates), in_order(committee.shares)
    )


def credentials_json(verified: VerifiedLedger, poll: PollState) -> bytes:
    """The archive's list of credentials: those that voted, with the weight of their group where that is not 1.

    In ascending order of their bytes, as belenios-tool sorts them.
    """
    suffixes = [f",{group.weight}" if group.weight != 1 else "" for group in poll.definition.groups]
    return encode([point_text(credential) + suffixes[group] for credential, group in verified.state.credentials(poll)])


def ballots_json(verified: VerifiedLedger, poll: PollState, numbers: list[int]) -> Iterator[bytes]:
    """The Belenios JSON of these ballots, read from the log one bundle after the other."""
    if not numbers:
        return
    wanted = iter(numbers)
    number = next(wanted)
    for at, data in enumerate(verified.log.entries(number, numbers[-1] + 1), number):
        if at == number:
            yield poll.frozen.kernel.to_json(read_ballot(data).ballot)
            number = next(wanted, -1)
