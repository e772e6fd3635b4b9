"""A block while it is made: its time, and what it puts into the log. docs/protocol.md, section 2.2.

Rules read its time and append what they derive; it knows no rule and no state.
"""

from collections.abc import Callable, Mapping

from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.entry import Derived
from veche.log.merkle import leaf_hash

UNREAD = b"\x87\x66ballot"
"""Stands in a block for a ballot that was not read, where only the frame of the log is."""


class Block:
    """Block ``height`` at ``time`` (seconds since 1970), after one at ``previous``, in a log of ``start`` entries.

    ``appended`` are its entries so far. ``halt``: the seconds between two blocks above which the ledger halted. ``awaited``: it
    belongs into the log whatever it appends: the first whose head other validators sign. ``root`` gives that of the log before it.
    ``told``: of each poll whose ballots were not read what the log says of them, by the poll's id: a tally stands as it is there.
    ``complete``: nothing follows in it; ``ended``: the state knows all of it; ``handed_in``: something in it was; ``restarts``: a
    network begins again with it.
    """

    def __init__(
        self,
        height: int,
        time: int,
        previous: int,
        start: int,
        halt: int,
        awaited: bool = False,
        root: Callable[[], bytes] = bytes,
        told: Mapping[bytes, Derived] | None = None,
    ) -> None:
        self.height = height
        self.time = time
        self.previous = previous
        self.start = start
        self._halt = halt
        self._awaited = awaited
        self.root = root
        self.told = told
        self.restarts = False
        self.complete = self.ended = False
        self.handed_in = False
        self.appended: list[bytes] = []

    @property
    def size(self) -> int:
        """The size of the log with what the block has appended: the number of the next entry."""
        return self.start + len(self.appended)

    @property
    def after_halt(self) -> bool:
        """Whether the block ends a halt."""
        return self.time - self.previous > self._halt

    @property
    def matters(self) -> bool:
        """Whether the block belongs into the log: it appends more than its own entry, ends a halt, or is awaited."""
        return len(self.appended) > 1 or self.after_halt or self._awaited

    def framed(self) -> list[tuple[int, bytes]]:
        """Its entries that belong into the frame of the log, with their numbers: what there is besides ballots, if the block would
        belong into the log without these."""
        rest = [(self.start + at, data) for at, data in enumerate(self.appended) if not is_ballot(data)]
        return rest if len(rest) > 1 or self.after_halt or self._awaited else []

    def append(self, data: bytes) -> int:
        """Put an entry into the block; the answer is its number in the log."""
        self.appended.append(data)
        return self.size - 1

    def leaf_hashes(self) -> list[bytes]:
        """The hashes of its entries in the tree (RFC 6962)."""
        return [leaf_hash(data) for data in self.appended]

    def derive(self, entry: Derived) -> int:
        """Append what nobody hands in; its number in the log."""
        return self.append(entry.encode())
