"""Which ballots a text means: a code or nine words of one, or a tracker."""

from collections.abc import Iterator

from veche.cli.reading import Reading
from veche.errors import UserError
from veche.ledger.entries.ballot import POLL_ID, is_ballot, read_ballot
from veche.ledger.poll_state import PollState
from veche.log.note import decode64
from veche.texts import Message
from veche.words import WORDS, from_words

_AT_ONCE = 1024
"""Ballots whose codes are computed together, on all cores."""


def find_ballots(reading: Reading, text: str) -> list[tuple[PollState, int]]:
    """The ballots that a text means, with their entries' numbers: one by its tracker, all of a code, all whose code begins as
    nine words say. A code is computed from each ballot of the ledger. Raises UserError if there is none."""
    if len(text.split()) == WORDS:
        found = list(_by_code(reading, from_words(text)))
    else:
        wanted = _parse(text)
        found = _by_tracker(reading, wanted)
        if not found and _is_hex(text):
            found = list(_by_code(reading, wanted))
    if not found:
        raise UserError(
            Message("No ballot in this ledger has this code or tracker."),
            Message(
                "Compare every character. If it is right, the ballot never arrived, or this copy of the ledger is older."
            ),
        )
    return found


def _by_tracker(reading: Reading, wanted: bytes) -> list[tuple[PollState, int]]:
    rows = ((poll, reading.state.find_tracker(poll, wanted)) for poll in reading.state.polls())
    return [(poll, number) for poll, number in rows if number is not None and number < reading.size]


def _by_code(reading: Reading, beginning: bytes) -> Iterator[tuple[PollState, int]]:
    polls = {poll.id: poll for poll in reading.state.polls()}
    waiting: dict[bytes, list[tuple[int, bytes]]] = {poll: [] for poll in polls}

    def matching(poll: bytes) -> Iterator[tuple[PollState, int]]:
        rows = waiting[poll]
        codes = polls[poll].frozen.kernel.codes([read_ballot(data).ballot for _, data in rows])
        yield from (
            (polls[poll], number) for (number, _), code in zip(rows, codes, strict=True) if code.startswith(beginning)
        )
        rows.clear()

    for number, data in enumerate(reading.log.entries(0)):
        if is_ballot(data):
            poll = data[POLL_ID]
            waiting[poll].append((number, data))
            if len(waiting[poll]) == _AT_ONCE:
                yield from matching(poll)
    for poll in polls:
        yield from matching(poll)


def _parse(text: str) -> bytes:
    """A code (64 hexadecimal digits, in groups or not), or a tracker as Belenios writes it (43 characters of base64)."""
    joined = "".join(text.split())
    try:
        data = bytes.fromhex(joined) if _is_hex(text) else decode64(f"{text}=")
    except ValueError:
        data = b""
    if len(data) != 32:
        raise UserError(
            Message("{text!r} is neither a code nor a tracker.", text=text[:80]),
            Message(
                "A code is 64 hexadecimal digits or {words} words; a tracker is 43 letters, digits and the signs + and /.",
                words=WORDS,
            ),
        )
    return data


def _is_hex(text: str) -> bool:
    return len("".join(text.split())) == 64
