"""What is known of a citizen's node at one moment. Times are seconds since 1970."""

from dataclasses import dataclass
from enum import StrEnum

from veche.audit.witnesses import Witnesses
from veche.texts import Localizable, Words


class Keeper(StrEnum):
    """Whose node it is: an institution's, one that this node's person named, or anybody's."""

    INSTITUTION = "institution"
    TYPED = "typed"
    CITIZEN = "citizen"


class Sight(StrEnum):
    """How another node's ledger looks from here: it agrees, it was not heard or is behind, or what it showed does not hold."""

    AGREES = "agrees"
    BEHIND = "behind"
    DIFFERS = "differs"


@dataclass(frozen=True)
class Seen:
    """Another node. ``agreed``: when it last showed a head that contradicts nothing here; 0 if it never did."""

    url: str
    keeper: Keeper
    sight: Sight
    agreed: int = 0


class Task(StrEnum):
    """What a node does before it follows: it takes all but the ballots first, then everything, which it checks."""

    FRAMING = "framing"
    FETCHING = "fetching"
    CHECKING = "checking"


@dataclass(frozen=True)
class Work:
    """A task under way: ``done`` of ``all`` entries."""

    task: Task
    done: int
    all: int

    @property
    def percent(self) -> int:
        """Whole percent, and 100 at the end alone."""
        return 0 if self.all <= 0 else min(99 if self.done < self.all else 100, 100 * self.done // self.all)


@dataclass(frozen=True)
class Fork:
    """Two final heads that do not go on from one another: both in words of their digests, their sizes, and when that was found."""

    heads: tuple[bytes, bytes]
    sizes: tuple[int, int]
    since: int


@dataclass(frozen=True)
class Broken:
    """Something that was signed and does not hold: what, and when that was found."""

    said: Localizable
    since: int


@dataclass(frozen=True)
class Accused:
    """An institution, or the beginning of its key, that signed two histories; ``file``: the evidence."""

    name: str
    file: str


@dataclass(frozen=True)
class Facts:
    """A node at the moment ``now``.

    ``ledger``: the charter's fingerprint, and ``head`` that of the newest final head, of ``size`` entries and with this ``root``; both empty if
    nothing is here yet. ``test``: the number of the test if the ledger is one. ``age``: seconds since over two thirds of the validators
    vouched for the head, None where nobody says when. ``running``: whether a node runs in the folder; ``follows``: whether it is one that does, and
    makes no blocks itself. ``checked``: when another node last agreed, 0 if none ever did; ``woke``: when this machine woke from a sleep, 0 if
    somebody has agreed since. ``used`` and ``free``: bytes. ``accused``: whoever signed two histories, by the ``keys`` in the same order.
    ``decided``: people know of the fork, and this copy is the right one. ``trouble``: what is wrong with what a witness cosigned.
    ``unchecked``: entries that are here and were not re-checked; ``pruned``: entries that are not kept; ``missing``: attachments that entries name
    and that are not here; ``framed``: all but the ballots is here and checked, while the rest still comes.
    """

    now: int
    origin: str
    name: Words
    test: int
    ledger: bytes
    size: int
    head: bytes
    root: bytes
    age: int | None
    running: bool
    work: Work | None
    checked: int
    woke: int
    nodes: tuple[Seen, ...]
    used: int
    free: int
    accused: tuple[Accused, ...] = ()
    keys: tuple[bytes, ...] = ()
    fork: Fork | None = None
    decided: bool = False
    broken: Broken | None = None
    witnesses: Witnesses | None = None
    trouble: Localizable | None = None
    unchecked: int = 0
    pruned: int = 0
    missing: int = 0
    follows: bool = True
    framed: bool = False

    @property
    def left(self) -> int:
        """Entries whose proofs are still to be checked here."""
        if self.work is None:
            return self.unchecked
        return max(0, self.work.all - self.work.done) if self.work.task is Task.CHECKING else self.work.all

    def count(self, sight: Sight) -> int:
        return sum(one.sight is sight for one in self.nodes)
