"""A ledger's frame, taken from a node's door: all that is no ballot, in a second, complete by the root that the last block names.

docs/adr/0028. It is kept in a folder of its own, with the head and the few tiles that it was held against, so that a ledger can be read
from it until the ballots are there.
"""

import time
from collections.abc import Callable
from pathlib import Path

from veche.audit.framed import Framed, Named, check_frame, named_frame, read_frame
from veche.durable import make_folder, remove_folder, replace
from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import digest
from veche.ledger.entries.charter import read_charter
from veche.ledger.frame import FRAMED, MOST_BYTES, Item, bundles_of, frame_name, pack_items, unpack_items
from veche.ledger.walk import walk
from veche.log.checkpoint import SignedCheckpoint
from veche.log.log import Log
from veche.log.source import HEAD, WITNESS, Folder, Source
from veche.log.tiles import CHECKPOINT, WIDTH, wrong
from veche.node.web import ONCE, Web, Wire
from veche.texts import Message

_TRIES = 0, 0.3, 1, 2
"""Seconds before a node is asked, and asked again, that has not framed its newest block yet."""

Progress = Callable[[int, int], None]


class NotFramed(UserError):
    """A node that does not serve the frame of its newest block: it says nothing of the ledger."""


class Kept(Source):
    """A door, of which everything is asked once: tiles for a frame are few."""

    def __init__(self, door: Source) -> None:
        self._door = door
        self._files: dict[str, bytes | None] = {}
        self._heads: list[str] | None = None

    def names(self, prefix: str = "") -> list[str]:
        """The kept and the cosigned heads: others of its files a door does not list."""
        if prefix.startswith(WITNESS):
            return self._door.names(prefix)
        if not prefix.startswith(HEAD):
            return []
        if self._heads is None:
            self._heads = self._door.names(HEAD)
        return [name for name in self._heads if name.startswith(prefix)]

    def get(self, name: str) -> bytes | None:
        if name not in self._files:
            self._files[name] = self._door.get(name)
        return self._files[name]

    def write(self, folder: Path) -> None:
        """Write down what was asked for, the head last."""
        for name, data in sorted(self._files.items(), key=lambda file: file[0] == CHECKPOINT):
            if data is not None:
                make_folder((folder / name).parent)
                replace(folder / name, data)


def fetch_frame(
    wire: Wire,
    url: str,
    ledger: bytes,
    progress: Progress | None = None,
    keep: Path | None = None,
    until: float | None = None,
) -> Framed:
    """The ledger with this id, as far as the frame goes that the node has. ``keep``: the folder in which it is kept (:func:`kept_frame`).
    ``until``: when it is too late for all of it, by the steady clock.

    Raises NoAnswer, and DoesNotHold with the step if what the node has does not hold, or is another ledger.
    """
    web = Web(wire, url, until)
    for pause in _TRIES:
        time.sleep(pause)
        source = Kept(web)
        signed = source.checkpoint()
        named = _head(source, signed, ledger)
        items: list[Item] = []
        for index, width in bundles_of(named.size):
            name = frame_name(index, width)
            data = wire.get(url, name, MOST_BYTES, () if until is None else ONCE, until)
            if data is None:
                break
            items += unpack_items(name, data, width)
            if progress is not None:
                progress(len(items), named.size)
        if len(items) == named.size:
            check_frame(named, items)
            found = read_frame(source, signed, named, items)
            if keep is not None:
                _keep(keep / FRAMED, source, items)
            return found
    raise NotFramed(
        Message("{url} has not the frame of its own newest block.", url=url),
        Message("Ask another node, or take all of the ledger: veche verify {url}", url=url),
    )


def _head(source: Source, signed: SignedCheckpoint, ledger: bytes) -> Named:
    """What the last block under a head names, once the head has been found final, and the ledger that which is wanted."""
    head = signed.checkpoint
    if head.size < 2:
        raise wrong(CHECKPOINT, Message("the log has not even a charter and its block"))
    log = Log(source, head)
    founding = log.entry(0)
    if digest(founding) != ledger:
        raise wrong(CHECKPOINT, Message("it is of another ledger than the charter's"))
    signed.verify(walk(source, read_charter(founding), signed).policy(head.size))
    return named_frame(log)


def _keep(folder: Path, source: Kept, items: list[Item]) -> None:
    """Write it down, the head last: until that is there, there is none."""
    remove_folder(folder)
    make_folder(folder)
    for index, width in bundles_of(len(items)):
        file = folder / frame_name(index, width)
        make_folder(file.parent)
        replace(file, pack_items(items[index * WIDTH : index * WIDTH + width]))
    source.write(folder)


def drop_frame(folder: Path) -> None:
    """Remove what was kept: the ballots are here now."""
    remove_folder(folder / FRAMED)


def kept_frame(folder: Path) -> Framed | None:
    """The ledger as far as the frame goes that is kept in its folder; None if there is none. Raises DoesNotHold if it does not hold."""
    place = folder / FRAMED
    if not (place / CHECKPOINT).is_file():
        return None
    source = Folder(place)
    signed = source.checkpoint()
    log = Log(source, signed.checkpoint)
    named = named_frame(log)
    items: list[Item] = []
    for index, width in bundles_of(named.size):
        name = frame_name(index, width)
        try:
            data = (place / name).read_bytes()
        except FileNotFoundError:  # the ballots are here meanwhile, and it is removed
            return None
        items += unpack_items(name, data, width)
    check_frame(named, items)
    return read_frame(source, signed, named, items)


def check_agrees(found: Framed, wire: Wire, url: str) -> bool:
    """Hold a ledger against what another node has; whether that is longer. Raises NoAnswer, and DoesNotHold (``consistency``) if one is no part
    of the other, or the other node's does not hold."""
    source = Kept(Web(wire, url))
    signed = source.checkpoint()
    head, own = signed.checkpoint, found.head
    longer = head.size > own.size
    if longer:
        signed.verify(walk(source, found.state.charter, signed).policy(head.size))
        same = Log(source, head).root(own.size) == own.root
    else:  # its signatures are enough, and nothing else is asked of who may be hiding it
        signed.verify(found.state.succession.policy(head.size))
        same = found.log.root(head.size) == head.root
    if not same:
        raise DoesNotHold(
            "consistency", url,
            Message("Two nodes show two histories of this ledger, both signed by those whose signatures count; the other is {url}.", url=url),
            Message("Do nothing by either. Show both to the institutions: veche compare"),
        )  # fmt: skip
    return longer
