"""A ledger as far as its frame goes: what is read of it without a ballot, and what a frame that lies comes to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from veche.audit.framed import check_frame, named_frame, read_frame
from veche.audit.ledger import verify_ledger
from veche.audit.report import report_with_warnings
from veche.errors import DoesNotHold
from veche.ledger.codec import decode, encode
from veche.ledger.frame import Framing, Item, bundles_of, by_block, frame_name, pack_items, unpack_items
from veche.log.log import Log
from veche.log.source import Source, open_source

DOCTORED = Path(__file__).parents[2] / "vectors" / "doctored"


def framed(log: Log, halt: int) -> list[Item]:
    framing = Framing(halt)
    items: list[Item] = []
    for block in by_block(Item(number, entry) for number, entry in enumerate(log.entries())):
        items += framing.take(block)
    return items


def test_a_ledger_from_its_frame() -> None:
    source = open_source(DOCTORED / "honest.tar")
    whole = verify_ledger(source)
    signed = source.checkpoint()
    log = Log(source, signed.checkpoint)
    named = named_frame(log)
    items = [item for item in framed(log, whole.state.charter.halt) if item.number < named.tail[0].number]
    check_frame(named, items)
    found = read_frame(source, signed, named, items)
    assert found.state.unread and not whole.state.unread
    assert (found.ledger, found.time, found.state.get("size")) == (whole.ledger, whole.time, log.size)
    for mine, other in zip(found.state.polls(), whole.state.polls(), strict=True):
        assert (mine.id, mine.phase, mine.tally, mine.result, mine.closing) == (
            other.id, other.phase, other.tally, other.result, other.closing,
        )  # fmt: skip


class Quiet(Source):
    """A source that answers no more once it is ``quiet``, as a node that has gone away, or a frame that is kept in a folder."""

    quiet = False

    def __init__(self, source: Source) -> None:
        self._source = source

    def names(self, prefix: str = "") -> list[str]:
        return self._source.names(prefix)

    def get(self, name: str) -> bytes | None:
        return None if self.quiet else self._source.get(name)


def test_what_was_said_of_a_poll_is_read_when_nobody_answers_any_more(honest: tuple[Log, list[Item]]) -> None:
    log, items = honest
    source = Quiet(log.source)
    found = read_frame(source, source.checkpoint(), named_frame(log), items)
    source.quiet = True
    whole = verify_ledger(log.source)
    said = 0
    for mine, other in zip(found.state.polls(), whole.state.polls(), strict=True):
        report, full = (report_with_warnings(one, poll, whole.time) for one, poll in ((found, mine), (whole, other)))
        assert report.statements == full.statements
        said += len(report.statements)
    assert said, "the ledger of the vectors has statements"


@pytest.fixture(scope="module")
def honest() -> tuple[Log, list[Item]]:
    source = open_source(DOCTORED / "honest.tar")
    log = Log(source, source.checkpoint().checkpoint)
    named = named_frame(log)
    return log, [item for item in framed(log, 600) if item.number < named.tail[0].number]


def without(kind: str) -> Callable[[list[Item]], list[Item]]:
    return lambda items: [item for item in items if decode(item.entry)[0] != kind]


def counted_more(items: list[Item]) -> list[Item]:
    """A tally that says of one ballot more."""
    place = next(place for place, item in enumerate(items) if decode(item.entry)[0] == "tally")
    kind, body = decode(items[place].entry)
    entry = encode([kind, [body[0], body[1] + 1, *body[2:]]])
    return [*items[:place], Item(items[place].number, entry), *items[place + 1 :]]


LIES: dict[str, Callable[[list[Item]], list[Item]]] = {
    "a cancellation is left out": without("cancel"),
    "an exchanged key is left out": without("office"),
    "the last is left out": lambda items: items[:-1],
    "nothing is there": lambda items: [],
    "two are exchanged": lambda items: [*items[:2], items[3], items[2], *items[4:]],
    "one stands elsewhere": lambda items: [*items[:-1], Item(items[-1].number - 1, items[-1].entry)],
    "a tally is another": counted_more,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_frame_that_lies_is_not_that_which_the_block_names(honest: tuple[Log, list[Item]], lie: str) -> None:
    log, items = honest
    wrong = LIES[lie](items)
    assert wrong != items
    with pytest.raises(DoesNotHold, match="not the frame that the last block names"):
        check_frame(named_frame(log), wrong)


@pytest.mark.parametrize("lie", ["a cancellation is left out", "an exchanged key is left out", "a tally is another"])
def test_what_two_thirds_have_signed_is_replayed_all_the_same(honest: tuple[Log, list[Item]], lie: str) -> None:
    log, items = honest
    with pytest.raises(DoesNotHold) as caught:
        read_frame(log.source, log.source.checkpoint(), named_frame(log), LIES[lie](items))
    assert caught.value.step == "L7"


def test_bundles_of_a_frame(honest: tuple[Log, list[Item]]) -> None:
    _, items = honest
    many = [Item(number, items[number % len(items)].entry) for number in range(600)]
    assert list(bundles_of(600)) == [(0, 256), (1, 256), (2, 88)]
    assert unpack_items("x", pack_items(many[:256]), 256) == many[:256]
    data = pack_items(many[:3])
    for wrong, width in ((data[:-1], 3), (data + b"\0", 3), (data, 2), (data, 4), (b"", 1), (data[:5], 1)):
        with pytest.raises(DoesNotHold) as caught:
            unpack_items(frame_name(0, width), wrong, width)
        assert caught.value.step == "tiles"
