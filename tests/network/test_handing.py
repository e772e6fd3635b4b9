"""Entries handed in at somebody else's door, who has no room, forgets, or says what is not so."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec
import pytest

from veche.engine.inbox import Unanswered
from veche.errors import Refused
from veche.node.handing import Window
from veche.node.progress import Failure, Progress, Refusal, Said, Stage
from veche.node.web import NoAnswer, Posted
from veche.texts import Message

URL, ENTRY = "http://node.example", b"entry"
NO = Refusal("turn", Said("No.", "Нет."), Said("Go.", "Идите."))


def at(stage: Stage, number: int | None = None, entry: bytes = ENTRY, refusal: Refusal | None = None) -> bytes:
    return msgspec.json.encode(Progress(sha256(entry).hexdigest(), stage, number, refusal))


class Wire:
    """A door that answers by a list: to what is posted, and to what is asked."""

    def __init__(self, posted: Sequence[Posted | Exception], asked: Sequence[bytes | Exception | None] = ()) -> None:
        self._posted, self._asked = list(posted), list(asked)
        self.entries: list[bytes] = []

    def post_entry(self, url: str, entry: bytes, most: int) -> Posted:
        self.entries.append(entry)
        said = self._posted.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    def get(self, url: str, path: str, most: int) -> bytes | None:
        assert path.startswith("entries/")
        said = self._asked.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veche.node.handing.time.sleep", lambda seconds: None)


def outcomes(wire: Wire, *entries: bytes, timeout: float = 60.0) -> list[int | Refused]:
    return Window(wire, URL, timeout).outcomes(entries or [ENTRY])  # type: ignore[arg-type]


def busy(status: int) -> Posted:
    return Posted(status, 1.0, msgspec.json.encode(Failure(Said("Full.", "Полно."), Said("Later.", "Позже."))))


def test_no_room_and_no_answer_are_waited_out() -> None:
    late = NoAnswer(URL, Message("it takes too long"))
    wire = Wire(
        [busy(429), busy(503), late, Posted(202, 0, at(Stage.KEPT))], [late, at(Stage.LEDGER, 7), at(Stage.FINAL, 7)]
    )
    assert outcomes(wire) == [7] and wire.entries == 4 * [ENTRY]


def test_whoever_has_no_room_for_long_is_left() -> None:
    with pytest.raises(Unanswered, match="takes nothing in now: Full"):
        outcomes(Wire([busy(429)]), timeout=0.5)
    with pytest.raises(Unanswered, match="HTTP 500"):
        outcomes(Wire([Posted(500, 1.0, b"")]), timeout=0.5)
    with pytest.raises(Unanswered, match="is in no block"):
        outcomes(Wire([Posted(202, 0, at(Stage.KEPT))]), timeout=-1)


def test_whoever_forgets_is_told_again() -> None:
    wire = Wire([Posted(202, 0, at(Stage.KEPT)), Posted(202, 0, at(Stage.FINAL, 9))], [None])
    assert outcomes(wire) == [9] and len(wire.entries) == 2


@pytest.mark.parametrize("body", [at(Stage.REFUSED, refusal=NO), msgspec.json.encode(NO)])
def test_a_refusal_is_one(body: bytes) -> None:
    (found,) = outcomes(Wire([Posted(422, 0, body)]))
    assert isinstance(found, Refused) and (found.rule, found.message, found.hint) == ("turn", "No.", "Go.")


def test_what_waits_for_another_is_handed_in_again() -> None:
    no = Posted(422, 0, msgspec.json.encode(NO))
    second = Posted(202, 0, at(Stage.FINAL, 2, b"two"))
    wire = Wire([Posted(202, 0, at(Stage.FINAL, 1, b"one")), no, second])
    assert outcomes(wire, b"one", b"two") == [1, 2] and wire.entries == [b"one", b"two", b"two"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 10_000, at(Stage.FINAL, 3, b"another"), at(Stage.REFUSED)])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    with pytest.raises(Unanswered, match="no answer of a node"):
        outcomes(Wire([Posted(202, 0, body)]), timeout=0.5)
