"""The ballots counted a second time, from the published bundles of entries, beside the blocks.

The running sums (:mod:`veche.ledger.group_sums`) are added up as ballots are admitted, from what was decoded and looked up then. A
recount shares nothing of that: it reads the entries as they are published, takes each ballot's group and turn from its bytes, and adds
up with other arithmetic (``veche_kernel.Recount``). It follows the bundles as they fill, so that at a closing only the last ones
are left. A tally counts only if both say the same: how many ballots count, which (the sum of their rows' hashes), and their sums.

Which ballot another one replaces it has to ask the database, and believes nothing: a first ballot has permits and a later one has
none, the entry that was replaced must be an earlier one of the same credential and group, and the sum of the rows' hashes, in which
each step puts the one in the other's place, must come out as that of the rows that count.

What it has counted becomes durable with a block now and then. Whatever fails, it begins again from there, and not in the midst.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import veche_kernel

from veche.errors import Refused
from veche.ledger.checks import Checked, Verdict
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.group_sums import ROW, counted_row
from veche.ledger.poll_state import PollState, Wrong
from veche.log.tiles import WIDTH
from veche.texts import Message

_MODULUS = 2**256


class Counted(NamedTuple):
    """What a recount knows of one group: how many ballots count, their sums, and the sum of their rows' hashes."""

    counted: int
    sums: veche_kernel.Recount
    rows: int


class Asked(NamedTuple):
    """Of whom a recount asks what it needs. ``read``: an entry by its number. ``verdict``: what was found of an entry when it was
    checked, if that is remembered: it saves decoding its points. ``replaced``: the number of the ballot that a ballot of a
    poll (its number) replaced.
    """

    read: Callable[[int], bytes]
    verdict: Callable[[bytes], Verdict]
    replaced: Callable[[int, int], int | None]


class _Step(NamedTuple):
    """A ballot that is added, or taken away again."""

    row: bytes
    ciphertexts: veche_kernel.Ciphertexts


class Recount:
    """The ballots of some polls, counted up to the entry with number ``position``. One thread at a time may have it."""

    def __init__(self, position: int, groups: Mapping[tuple[int, int], Counted]) -> None:
        """``groups``: by the number of the poll and the group."""
        self.position = position
        self.groups = dict(groups)

    @classmethod
    def from_rows(cls, position: int, rows: Iterable[tuple[int, int, int, bytes, bytes]]) -> "Recount":
        """From what :meth:`rows` gave."""
        groups = {
            (poll, group): Counted(counted, veche_kernel.Recount.from_bytes(sums), int.from_bytes(hashes))
            for poll, group, counted, sums, hashes in rows
        }
        return cls(position, groups)

    def rows(self) -> list[tuple[int, int, int, bytes, bytes]]:
        """All that it knows: poll, group, how many ballots count, their sums, and that of their rows' hashes."""
        return [
            (*place, found.counted, found.sums.to_bytes(), found.rows.to_bytes(32))
            for place, found in sorted(self.groups.items())
        ]

    def keep(self, polls: Iterable[PollState]) -> None:
        """Forget all other polls: they are tallied."""
        numbers = {poll.number for poll in polls}
        self.groups = {place: found for place, found in self.groups.items() if place[0] in numbers}

    def follow(self, end: int, polls: Iterable[PollState], asked: Asked) -> None:
        """Count the entries up to ``end``, those of these polls. If it raises, this recount is good for nothing more.

        Raises Wrong if what the database says does not fit an entry, and whatever ``asked`` raises.
        """
        known = {poll.id: poll for poll in polls}
        while self.position < end:
            stop = min(end, self.position - self.position % WIDTH + WIDTH)
            self._count(range(self.position, stop), known, asked)
            self.position = stop

    def of(self, poll: PollState, group: int) -> Counted:
        """What was counted of a group of a poll."""
        place = poll.number, group
        if place not in self.groups:
            self.groups[place] = Counted(0, veche_kernel.Recount(poll.definition.ciphertexts), 0)
        return self.groups[place]

    def _count(self, numbers: range, polls: Mapping[bytes, PollState], asked: Asked) -> None:
        added: dict[tuple[bytes, int], list[_Step]] = {}
        taken: dict[tuple[bytes, int], list[_Step]] = {}
        for number in numbers:
            data = asked.read(number)
            if not is_ballot(data):
                continue
            found = asked.verdict(data)
            entry = found.entry if isinstance(found, Checked) else _read(data, number)
            poll = polls.get(entry.poll)
            if poll is None:
                continue  # it is tallied
            place = entry.poll, entry.group
            credential, step = _step(poll, entry, number, found)
            added.setdefault(place, []).append(step)
            replaced = None if entry.registrars else asked.replaced(poll.number, number)
            if replaced is None and entry.registrars:
                continue
            if replaced is None or not replaced < number:
                raise Wrong(
                    Message(
                        "ballot {number} of poll {number2} replaces none, and has no permits",
                        number=number,
                        number2=poll.number,
                    )
                )
            earlier = _read(asked.read(replaced), replaced)
            owner, step = _step(poll, earlier, replaced, None)
            if (earlier.poll, earlier.group, owner) != (*place, credential) or earlier.turn >= entry.turn:
                raise Wrong(
                    Message(
                        "ballot {number} of poll {number2} does not replace ballot {replaced}",
                        number=number,
                        number2=poll.number,
                        replaced=replaced,
                    )
                )
            taken.setdefault(place, []).append(step)
        for place, steps in added.items():
            poll_id, group = place
            self._apply(polls[poll_id], group, steps, taken.get(place, []))

    def _apply(self, poll: PollState, group: int, added: list[_Step], taken: list[_Step]) -> None:
        counted, sums, rows = self.of(poll, group)
        sums.add([step.ciphertexts for step in added])
        sums.subtract([step.ciphertexts for step in taken])
        rows += _sum([step.row for step in added]) - _sum([step.row for step in taken])
        self.groups[poll.number, group] = Counted(counted + len(added) - len(taken), sums, rows % _MODULUS)


def _step(poll: PollState, entry: veche_kernel.BallotEntry, number: int, verdict: Verdict) -> tuple[bytes, _Step]:
    """A ballot's credential, and the step that it is."""
    credential: bytes
    ciphertexts: veche_kernel.Ciphertexts
    if isinstance(verdict, Checked):
        credential, ciphertexts = verdict.ballot.credential, verdict.ballot
    else:
        try:
            credential, ciphertexts = poll.frozen.kernel.ciphertexts(entry.ballot)
        except ValueError:
            raise Wrong(
                Message("entry {number} as it is published is not the ballot that was admitted", number=str(number))
            ) from None
    return credential, _Step(counted_row(credential, entry.group, entry.turn, number), ciphertexts)


def _read(data: bytes, number: int) -> veche_kernel.BallotEntry:
    try:
        return read_ballot(data)
    except Refused:
        raise Wrong(
            Message("entry {number} as it is published is not the ballot that was admitted", number=str(number))
        ) from None


def _sum(rows: list[bytes]) -> int:
    return int.from_bytes(veche_kernel.sum_of_hashes(b"".join(rows), ROW))


def compare(recount: Recount, poll: PollState) -> None:
    """Raises Wrong unless the recount of a poll says what its running sums do."""
    for group, sums in enumerate(poll.groups):
        found = recount.of(poll, group)
        if (found.counted, found.rows) != (sums.counted, sums.rows.counted):
            raise Wrong(
                Message(
                    "the ballots of group {group} of poll {number} are others than its entries, counted again, have",
                    group=group,
                    number=poll.number,
                )
            )
        if found.sums.to_bytes() != sums.to_bytes():
            raise Wrong(
                Message(
                    "the sums of group {group} of poll {number} are not those of its ballots, counted again",
                    group=group,
                    number=poll.number,
                )
            )
