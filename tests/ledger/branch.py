"""A ledger at some moment, copied into memory, that tests lead on as they like: times, blocks and entries are theirs to choose.

It is driven through :class:`veche.ledger.machine.Machine`, as the node and the verifier are. :meth:`Branch.check` publishes what
came of it and lets the auditor judge, who knows nothing but the bytes.
"""

import sqlite3
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from doctor import publish

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.checks import Verdicts
from veche.ledger.codec import decode
from veche.ledger.guard import NOT_SEALED
from veche.ledger.ledger import Ledger
from veche.ledger.machine import Machine
from veche.ledger.poll_state import FROM_KEYS, PollState
from veche.ledger.rules.committee_steps import silent_from
from veche.ledger.signing import sign
from veche.ledger.state import State
from veche.log.source import Folder

NODE_ONLY = ("heartbeat_time", "heartbeat_height", "published", "recounted", "root")
"""What the node keeps in the table ``meta`` that is no part of the rules' state."""


def dump(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All that the rules remember, table by table, in one order."""
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    found = {
        name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for name in tables
        if name not in (*NOT_SEALED, "recount")
    }
    found["meta"] = [row for row in found["meta"] if row[0] not in NODE_ONLY]
    return found


def memory(state: State) -> str:
    """What the loaded objects know, which a refused entry must not change either."""
    polls = []
    for poll in state._polls.values():
        fields = {
            **vars(poll),
            "groups": [(group.counted, len(group._added), len(group._removed)) for group in poll.groups],
        }
        polls.append({name: copy(value) for name, value in fields.items() if name not in ("frozen", *FROM_KEYS)})
    ballots = sorted(state._ballots.items()), sorted(state._accepted.items())
    return repr(
        (
            polls,
            list(state._committees.values()),
            sorted(state.offices.items()),
            list(state.office_changes.items()),
            ballots,
        )
    )


class Branch:
    """``entries`` is the log so far. ``say`` signs and hands in; every entry gets a block of its own unless ``block`` is used."""

    def __init__(self, db: sqlite3.Connection, entries: list[bytes], log_key: SigningKey) -> None:
        self.entries = entries
        self.log_key = log_key
        self.state = State(db)
        self.machine = Machine(self.state, entries.__getitem__)
        self.time = self.machine.time
        self.ledger = self.machine.ledger

    @classmethod
    def begin(cls, charter: bytes, log_key: SigningKey) -> "Branch":
        """A ledger of its own, which begins with this charter entry."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        state = State(db)
        state.prepare()
        machine = Machine(state, lambda number: b"")
        machine.genesis(charter)
        machine.end()
        return cls(db, list(machine.block.appended), log_key)

    @classmethod
    def of(cls, ledger: Ledger, log_key: SigningKey) -> "Branch":
        """A copy of a ledger in a folder, which goes its own way."""
        copied = sqlite3.connect(":memory:", isolation_level=None)
        ledger.state.db.backup(copied)
        copied.execute("DROP TABLE tail")
        made = cls(copied, [ledger.entry(number) for number in range(ledger.size)], log_key)
        made.time = ledger.time
        return made

    def branch(self) -> "Branch":
        """A copy that goes its own way."""
        copied = sqlite3.connect(":memory:", isolation_level=None)
        self.state.db.backup(copied)
        made = Branch(copied, list(self.entries), self.log_key)
        made.time = self.time
        return made

    def close(self) -> None:
        self.state.db.close()

    # Blocks

    def block(
        self,
        *entries: bytes,
        time: int | None = None,
        previous: int | None = None,
        ahead: bool = False,
        known: Verdicts | None = None,
    ) -> list[int | Refused]:
        """A block with these entries, at ``time`` (a second later), after one at ``previous`` (the second before ``time``,
        as if the ledger had been beating all the while). The answers are as those of :meth:`Ledger.execute`. ``ahead``: ballots are
        checked all together before the block, as the verifier does it. ``known``: what was found before; what is missing is checked in the
        block, as the engine does it.
        """
        verdicts = self.machine.check(entries).run() if ahead else [None] * len(entries)
        time = self.time + 1 if time is None else time
        if previous is None:
            self._beat(time - 1)
            previous = max(time - 1, self.time)
        self.state.db.execute("BEGIN")
        try:
            self.machine.begin(self.machine.height + 1, time, previous)
            if known is not None:
                verdicts = self.machine.check(entries, known, ask=True).run()
            answers: list[int | Refused] = []
            for data, verdict in zip(entries, verdicts, strict=True):
                try:
                    answers.append(self.machine.admit(data, verdict))
                except Refused as refusal:
                    answers.append(refusal)
            self.machine.complete()
            if self.machine.block.matters:
                self.machine.end()
                self.entries += self.machine.block.appended
                self.state.db.execute("COMMIT")
            else:
                self.state.db.execute("ROLLBACK")
                self.machine.load()
        except BaseException:
            self.state.db.execute("ROLLBACK")
            self.state.forget()
            self.machine.load()
            raise
        self.time = time
        return answers

    def _beat(self, until: int) -> None:
        """The blocks that a ledger makes while it runs: none is logged but those in which something falls due."""
        while due := [
            moment
            for moment in (
                *(poll.closing for poll in self.state.polls_running(self.time)),
                *(poll.definition.opens for poll in self.state.polls_without_keys(until)),
                *(silent_from(self.state, committee) for committee in self.state.forming_committees()),
                *(change.due for change in self.state.office_changes.values()),
            )
            if self.time < moment <= until
        ]:
            self.block(time=min(due), previous=max(min(due) - 1, self.time))

    def beat_until(self, time: int) -> list[str]:
        """Let time pass while the ledger beats; the kinds of what fell due."""
        before = len(self.entries)
        self.block(time=time)
        return [kind for kind in self.kinds()[before:] if kind != "block"]

    def stand_still(self, seconds: int) -> list[str]:
        """Let time pass while the ledger does not run; the kinds of what fell due when it resumed."""
        before = len(self.entries)
        self.block(time=self.time + seconds, previous=self.time)
        return self.kinds()[before + 1 :]

    def admit(self, entry: bytes) -> int:
        """Hand an entry in, in a block of its own; its number. Raises Refused."""
        (answer,) = self.block(entry)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def say(self, kind: str, body: list[Any], *keys: SigningKey) -> int:
        return self.admit(self.sign(kind, body, *keys))

    def sign(self, kind: str, body: list[Any], *keys: SigningKey) -> bytes:
        return sign(self.ledger, kind, body, list(keys))

    def refuses(self, rule: str, entry: bytes, time: int | None = None) -> Refused:
        """Demand that this entry is refused, by this rule, and leaves no trace, not even in the middle of a block."""
        time = self.time + 1 if time is None else time
        self.state.db.execute("BEGIN")
        try:
            self.machine.begin(self.machine.height + 1, time, max(time - 1, self.time))
            _ = self.state.polls(), self.state.committees()  # all in memory, so that loading changes nothing
            before = dump(self.state.db), memory(self.state), list(self.machine.block.appended), self.machine.size
            with pytest.raises(Refused) as caught:
                self.machine.admit(entry)
            after = dump(self.state.db), memory(self.state), list(self.machine.block.appended), self.machine.size
        finally:
            self.state.db.execute("ROLLBACK")
            self.state.forget()
            self.machine.load()
        assert (caught.value.rule, after) == (rule, before), caught.value.message
        assert caught.value.message.endswith(".")
        return caught.value

    def refuses_to_say(self, rule: str, kind: str, body: list[Any], *keys: SigningKey) -> Refused:
        return self.refuses(rule, self.sign(kind, body, *keys))

    def find_result(self, poll_id: bytes) -> bytes:
        """The result of a poll that enough trustees have decrypted: what anybody can hand in."""
        return self.state.opening(self.poll(poll_id)).find().encode()

    # Looking

    def kinds(self) -> list[str]:
        return [decode(data)[0] for data in self.entries]

    def last(self, kind: str) -> list[Any]:
        """The body of the last entry of this kind."""
        return next(item[1] for data in reversed(self.entries) if (item := decode(data))[0] == kind)

    def poll(self, poll_id: bytes) -> PollState:
        found = self.state.poll(poll_id)
        assert found is not None
        return found

    def check(self, folder: Path) -> VerifiedLedger:
        """Publish this ledger into an empty folder and run the auditor there; what it finds is what this branch knows."""
        publish(folder, self.entries, self.state.charter.origin, self.log_key)
        verified = verify_ledger(Folder(folder))
        assert dump(verified.state.db) == dump(self.state.db)
        return verified
