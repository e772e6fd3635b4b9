"""A city around its trustees: a ledger in memory, which admits nothing but by the real rules, and polls that are really voted on.

Trustees are given what the auditor found in the ledger's published bytes. A lie that the rules refuse is told in the open:
``lies`` and ``final`` change the view and nothing else.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ledger.branch import Branch

from veche.audit.view import SeenCommittee, SeenPoll, View
from veche.ballot.decryption import Share, betas_of, open_tally
from veche.clock import Reading, by_hand
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.office import Role
from veche.ledger.entries.permit_key import GroupPermitKey, PermitKeys
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.entries.statements import Cancel
from veche.ledger.entries.tally import Tally
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.shape import Text
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.seed import Seed
from veche.trustee.journal import Journal
from veche.trustee.trustee import Trustee
from veche.trustee.view import LedgerView
from veche.voter.voter import Voter, seal
from veche.world import DAY, GENESIS

SMALLEST, NOTICE = 2, 60


@cache
def issuer_key(number: int) -> IssuerKey:
    """The registrar's key number so-and-so: one ledger takes each of them once, all tests share them."""
    return IssuerKey.generate()


def text(words: str) -> Text:
    return Text(words, words)


def _class(name: str, trustees: Sequence[str], t: int, margin: int) -> PollClass:
    seats = (RegistrarSeat("Civil registry", "source"),)
    return PollClass(name, seats, 1, 0, 1, tuple(trustees), t, 0, SMALLEST, NOTICE, 60 * DAY, 1, margin=margin)


@dataclass(frozen=True)
class Shown:
    """A view in which these polls stand."""

    truth: View
    final: bool
    polls: Sequence[SeenPoll]

    @property
    def ledger(self) -> bytes:
        return self.truth.ledger

    @property
    def size(self) -> int:
        return self.truth.size

    @property
    def trustee_keys(self) -> Mapping[bytes, str]:
        return self.truth.trustee_keys

    @property
    def committees(self) -> Sequence[SeenCommittee]:
        return self.truth.committees

    def root_at(self, size: int) -> bytes:
        return self.truth.root_at(size)


class City:
    """A ledger, and the trustees that serve it, each with a folder of their own.

    ``ledger`` may be exchanged for a branch of it: a fork, or what it was before. ``final``: whether the trustees are
    shown a final checkpoint. ``lies``: by a poll's id, what the view says of it instead of the truth.
    """

    def __init__(
        self,
        folder: Path,
        n: int = 3,
        t: int = 2,
        others: Mapping[str, Sequence[str]] = MappingProxyType({}),
        margin: int = 0,
    ) -> None:
        """n trustees, of whom t decrypt. ``others``: more classes of poll with their trustees, who decrypt all together.
        ``margin``: that of all classes, in seconds."""
        self.folder = folder
        names = [f"Trustee {number}" for number in range(1, n + 1)]
        self._classes = [
            _class("city", names, t, margin),
            *(_class(name, some, len(some), margin) for name, some in others.items()),
        ]
        self.trustees = [
            Trustee.create(folder / name.lower().replace(" ", "-"), name, self.clock)
            for name in dict.fromkeys(name for poll_class in self._classes for name in poll_class.trustees)
        ]
        self.organiser, self.registrar = SigningKey.generate(), SigningKey.generate()
        self.ahead = self.moved = self._latest = 0
        self.ledger = self.another_ledger()
        self.final = True
        self.lies: dict[bytes, dict[str, Any]] = {}
        self._views: dict[tuple[bytes, ...], View] = {}
        self._permit_keys: dict[bytes, list[IssuerKey]] = {}
        self._counting: dict[bytes, Branch] = {}
        self._handed_in: dict[bytes, list[bytes]] = {}

    def another_ledger(self) -> Branch:
        """A ledger of the same offices that has nothing but its charter."""
        offices = [
            ("City hall", Role.ORGANISER, self.organiser),
            ("Civil registry", Role.REGISTRAR, self.registrar),
            *((trustee.institution, Role.TRUSTEE, trustee.key) for trustee in self.trustees),
        ]
        log_key = SigningKey.generate()
        charter = Charter(
            "veche.example/city", text("The city's ledger"), GENESIS,
            tuple(OfficeSeat(name, role, key.public) for name, role, key in offices), 1, tuple(self._classes),
            Embedded(1, "City hall", log_key.public),
        )  # fmt: skip
        return Branch.begin(charter.sign(b"", [key for _, _, key in offices]), log_key)

    # Trustees

    def clock(self) -> Reading:
        """The trustees' clocks: the latest time of a ledger, ``ahead`` of it, and set wrong by ``moved`` since they started."""
        self._latest = max(self._latest, self.ledger.time)
        return by_hand(self._latest + self.ahead + self.moved, self.moved)

    def load(self, folder: Path) -> Trustee:
        """The trustee in this folder, as a program that has just been started finds them."""
        return Trustee.load(folder, self.clock)

    def view(self) -> LedgerView:
        """What the auditor finds in this ledger, published; and the lies about it."""
        key = tuple(self.ledger.entries)
        if key not in self._views:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "fsync", lambda descriptor: None)  # these files need survive no loss of power
                self._views[key] = View(self.ledger.check(self.folder / f"ledger-{len(self._views)}"))
        view = self._views[key]
        return Shown(view, self.final, [replace(poll, **self.lies.get(poll.id, {})) for poll in view.polls])

    def due(self, number: int) -> list[bytes]:
        """What this trustee (from 1) would hand in now."""
        return self.trustees[number - 1].due(self.view())

    def hand_in(self, entry: bytes) -> None:
        """Hand in a trustee's entry."""
        kind, body, _ = decode(entry)
        if kind == Decryption.kind:
            self._handed_in.setdefault(body[0], []).append(entry)
        self.ledger.admit(entry)
        for poll in self.ledger.state.polls_opened():
            self.ledger.admit(self.ledger.find_result(poll.id))

    def round(self, *absent: int) -> int:
        """Every trustee but these (from 1) looks, then all of them hand in what is due; how many entries that was."""
        view = self.view()
        present = [trustee for number, trustee in enumerate(self.trustees, 1) if number not in absent]
        entries = [entry for trustee in present for entry in trustee.due(view)]
        for entry in entries:
            self.hand_in(entry)
        return len(entries)

    def run(self, *absent: int) -> None:
        while self.round(*absent):
            pass

    # Committees and polls

    def form(self, mode: str = "pedersen", class_name: str = "city") -> bytes:
        """Begin a committee; ``run`` makes its key. Its id."""
        number = len(self.ledger.state.committees())
        return digest(self.ledger.entries[self.ledger.say("committee", [class_name, mode, number], self.organiser)])

    def committee(self, committee: bytes) -> CommitteeState:
        found = self.ledger.state.committee(committee)
        assert found is not None
        return found

    def poll(self, poll: bytes) -> PollState:
        return self.ledger.poll(poll)

    def open_poll(
        self, committee: bytes, cells: Sequence[Sequence[int]], days: int = 1, smallest: int = SMALLEST
    ) -> bytes:
        """An open poll: in each cell, a district each, so many have chosen each of the answers. Its id.

        In every district at least ``smallest`` people have voted, and be it for nothing.
        """
        ledger = self.ledger
        cells = [[*cell, 0] if len(cell) == 1 else cell for cell in cells]  # of one answer there is nothing to choose
        answers = tuple(text(f"Answer {number}") for number in range(len(cells[0])))
        groups = tuple(Group(text(f"District {number}"), 1) for number in range(len(cells)))
        opens = ledger.time + 2 * NOTICE
        definition = Poll(
            self.committee(committee).poll_class.name, text(f"Poll {len(ledger.state.polls())}"), Text("", ""),
            (Choice(text("Which?"), answers, 0, len(answers), False),), groups, opens, opens + days * DAY, committee,
        )  # fmt: skip
        poll = digest(ledger.entries[ledger.admit(definition.sign(ledger.ledger, [self.organiser]))])
        taken = sum(len(keys) for keys in self._permit_keys.values())
        self._permit_keys[poll] = keys = [issuer_key(taken + number) for number in range(len(cells))]
        rows = tuple(GroupPermitKey(key.modulus, 100, bytes(32)) for key in keys)
        ledger.admit(PermitKeys(poll, rows).sign(ledger.ledger, [self.registrar]))
        ledger.beat_until(opens)
        for group, cell in enumerate(cells):
            for ballot in range(max(*cell, smallest)):
                self.vote(poll, group, [int(ballot < number) for number in cell])
        return poll

    def vote(self, poll: bytes, group: int, choices: list[int]) -> None:
        """Somebody new votes."""
        choices = [*choices, 0] if len(choices) == 1 else choices
        voter, found, key = Voter(Seed.generate()), self.poll(poll), self._permit_keys[poll][group]
        collected = voter.collect_permits(
            found.frozen, found.permit_keys, group, lambda registrar, blinded: blind_sign(key, blinded)
        )
        permits = list(collected.permits.values())
        ballot = voter.prove(found.frozen, seal(found.frozen, [choices]))
        self.ledger.admit(voter.cast(poll, group, ballot, permits, 1))

    def close(self, poll: bytes) -> None:
        """Let time pass until the poll has its tally."""
        self.ledger.beat_until(self.poll(poll).closing)
        self._counting[poll] = self.ledger.branch()

    def closed_poll(self, committee: bytes, cells: Sequence[Sequence[int]], smallest: int = SMALLEST) -> bytes:
        """A closed poll whose cells hold these numbers."""
        poll = self.open_poll(committee, cells, smallest=smallest)
        self.close(poll)
        return poll

    def cancel(self, poll: bytes) -> None:
        self.ledger.admit(Cancel(poll, text("A mistake.")).sign(self.ledger.ledger, [self.organiser]))

    def tally(self, poll: bytes) -> Tally:
        found = self.poll(poll).tally
        assert found is not None
        return found

    # What was decrypted

    def decryptions(self, poll: bytes) -> set[tuple[int, int]]:
        """Whose share (from 1) of which part is in the ledger."""
        return {(index, part) for index, parts in self.poll(poll).shares.items() for part in parts}

    def share(self, poll: bytes, index: int, part: int) -> Share:
        return self.poll(poll).shares[index][part].share

    def result(self, poll: bytes, trustees: Collection[int]) -> list[list[int]]:
        """The numbers of every part, from the shares that these trustees handed in; so says the ledger too if it has only them.

        Raises DoesNotHold if these are too few: then the ledger takes no result.
        """
        entries = [(entry, Decryption.parse(decode(entry)[1])) for entry in self._handed_in[poll]]
        entries = [(entry, made) for entry, made in entries if made.index in trustees]
        committee = self.committee(self.poll(poll).definition.committee)
        branch = self._counting[poll].branch()
        for entry, _ in entries:
            branch.admit(entry)
        if branch.poll(poll).openers:
            branch.admit(branch.find_result(poll))
        result = branch.poll(poll).result
        branch.close()
        assert (result is None) == (len(trustees) < committee.threshold)
        numbers = []
        for part, sums in enumerate(self.tally(poll).parts):
            factors = {made.index: made.share.points() for _, made in entries if made.part == part}
            numbers.append(open_tally(betas_of(sums), factors, committee.mode, 1000))
        assert result is not None and numbers == [list(row) for (row,) in (result.total, *result.cells)]
        return numbers


Finished = Callable[..., tuple[City, bytes]]
"""The fixture: a city with a committee that is finished."""


def events(folder: Path, kind: str) -> list[list[str]]:
    """A trustee's journal: what of this kind is in it."""
    with Journal.open(folder) as journal:
        return [words for words in journal.events if words[0] == kind]


def another_tally(city: City, poll: bytes) -> Tally:
    """The tally of an open poll in a ledger where one more has voted."""
    ledger = city.ledger
    city.ledger = ledger.branch()
    city.vote(poll, 0, [1, *[0] * (city.poll(poll).definition.ciphertexts - 1)])
    city.ledger.beat_until(city.poll(poll).closing)
    tally = city.tally(poll)
    city.ledger = ledger
    return tally


def put_back(backup: Path, folder: Path) -> None:
    """The old contents in the old files, and newer files removed, by somebody who then makes the journal believe its folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            old = backup / path.relative_to(folder)
            if old.exists():
                path.write_bytes(old.read_bytes())
            else:
                path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    with Journal.open(folder) as journal:
        journal.settle()
