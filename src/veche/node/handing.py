"""Entries handed in at somebody else's door: posted, asked after, and answered once they are under a final head.

What a door says is no proof. Whoever handed in looks for the entry in a copy of the ledger that was checked.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256

import msgspec

from veche.engine.inbox import Unanswered
from veche.errors import Refused
from veche.node.progress import Failure, Progress, Refusal, Said, Stage
from veche.node.web import NoAnswer, Posted, Wire
from veche.texts import Message, Words, duration, one_line

ANSWER_BYTES = 256 << 10
"""Bytes of an answer: a promise of each validator, or two sentences."""
EVERY = 0.3
"""Seconds between two questions after an entry."""
SENTENCE = 2000
"""Characters of a sentence that a door says."""

_RULE = re.compile("[a-z-]{1,40}")

Heard = Callable[[Progress], None]
"""Called with each answer that says more than the one before, promises among it."""


class Window:
    """The place in a node's door where entries are handed in."""

    def __init__(self, wire: Wire, url: str, timeout: float = 60.0) -> None:
        """``timeout``: seconds until nothing is waited for any more."""
        self._wire, self._url, self._timeout = wire, url, timeout

    def outcomes(self, entries: Sequence[bytes], heard: Heard = lambda progress: None) -> list[int | Refused]:
        """Hand entries in, in this order: the number of each, once it is under a final head, or why it was refused.

        What is refused only because it came before another of them was in a block is handed in again behind it. Raises Unanswered if
        the node takes nothing in, or if an entry is in no block when the time is over.
        """
        end = time.monotonic() + self._timeout
        begun = [self._begin(entry, end, heard) for entry in entries]
        answers = [self._end(entry, first, end, heard) for entry, first in zip(entries, begun, strict=True)]
        for number, answer in enumerate(answers):
            if isinstance(answer, Refused) and any(isinstance(before, int) for before in answers[:number]):
                entry = entries[number]
                answers[number] = self._end(entry, self._begin(entry, end, heard), end, heard)
        return answers

    def _begin(self, entry: bytes, end: float, heard: Heard) -> Progress | Refused:
        """Hand in one, again and again while there is no room for it."""
        why = Unanswered(
            Message("{url} has not answered within {time}.", url=self._url, time=duration(round(self._timeout)))
        )
        while True:
            try:
                posted = self._wire.post_entry(self._url, entry, ANSWER_BYTES)
                if posted.status in (202, 422):
                    return self._read(entry, posted, heard)
                why, pause = self._busy(posted), posted.after
            except NoAnswer as error:
                why, pause = Unanswered(error.said, error.advice), 1.0
            if time.monotonic() + pause > end:
                raise why
            time.sleep(pause)

    def _end(self, entry: bytes, said: Progress | Refused, end: float, heard: Heard) -> int | Refused:
        """Ask until nothing follows."""
        while True:
            if isinstance(said, Refused):
                return said
            if said.stage is Stage.FINAL and said.number is not None:
                return said.number
            if time.monotonic() > end:
                raise Unanswered(
                    Message("What was handed in at {url} is in no block within {time}.", url=self._url, time=duration(round(self._timeout))),
                    Message("The node has it, and may still bring it into one. Look later, or hand it in at another node: that does no harm."),
                )  # fmt: skip
            time.sleep(EVERY)
            with suppress(NoAnswer):
                data = self._wire.get(self._url, f"entries/{sha256(entry).hexdigest()}", ANSWER_BYTES)
                if data is None:  # it has forgotten
                    said = self._begin(entry, end, heard)
                else:
                    said = self._read(entry, Posted(200, 0.0, data), heard)

    def _read(self, entry: bytes, posted: Posted, heard: Heard) -> Progress | Refused:
        """Raises NoAnswer if this is no answer."""
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            found = msgspec.json.decode(posted.body, type=Progress)
            if found.entry == sha256(entry).hexdigest():
                heard(found)
                if found.stage is not Stage.REFUSED:
                    return found
                if found.refusal is not None:
                    return _refused(found.refusal)
        if posted.status == 422:
            with suppress(msgspec.MsgspecError, ValueError, RecursionError):
                return _refused(msgspec.json.decode(posted.body, type=Refusal))
        raise NoAnswer(self._url, Message("this is no answer of a node"))

    def _busy(self, posted: Posted) -> Unanswered:
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            failure = msgspec.json.decode(posted.body, type=Failure)
            said, advice = _words(failure.message), _words(failure.hint)
            return Unanswered(Message("{url} takes nothing in now: {why}", url=self._url, why=said), advice)
        return Unanswered(
            Message(
                "{url} takes nothing in now: {why}",
                url=self._url,
                why=Message("HTTP {status}", status=str(posted.status)),
            ),
            Message("Try again later, or ask another node."),
        )


def _words(said: Said) -> Words:
    return Words(one_line(said.en)[:SENTENCE], one_line(said.ru)[:SENTENCE])


def _refused(refusal: Refusal) -> Refused:
    """Raises ValueError if no rule can be called so."""
    if not _RULE.fullmatch(refusal.rule):
        raise ValueError
    return Refused(refusal.rule, _words(refusal.message), _words(refusal.hint))
