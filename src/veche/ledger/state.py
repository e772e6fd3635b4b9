"""What the rules remember: the state that the log's entries lead to, in SQLite. All SQL of the rules is here and in ``institutions.py``.

The state is derived: it can be thrown away and rebuilt from the log. The node keeps it beside the log and writes it in the
same transaction as the log's tail; a verifier builds its own in memory. What rules change (:class:`PollState`,
:class:`CommitteeState`) is loaded once; :meth:`State.flush` at the end of a block writes down what is not yet; after a
transaction that is taken back :meth:`State.forget` drops all of it, so that the next block starts from what is on disk.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from veche.ledger.codec import decode
from veche.ledger.entries import parse_item
from veche.ledger.entries.committee import CertificateStep, Complaint, KeyStep, SharesStep, Step
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.permit_key import GroupIssuance, GroupPermitKey, Issuance, PermitKeys
from veche.ledger.entries.poll import Poll
from veche.ledger.entries.result import Result
from veche.ledger.entries.statements import Contest, Notice, Outcome
from veche.ledger.entries.tally import Tally
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.group_sums import GroupSums, RowSums, accepted_row, counted_row
from veche.ledger.institutions import Institutions, make_tables
from veche.ledger.life import CommitteePhase, Phase, Stage, stage
from veche.ledger.opening import Opening
from veche.ledger.poll_state import CommitteeState, LastBallot, PollState, Wrong
from veche.ledger.shape import Text
from veche.texts import Message

SCHEMA = """
CREATE TABLE IF NOT EXISTS kept_key (number INTEGER, place INTEGER, key BLOB, PRIMARY KEY (number, place)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by ON kept_key (key);
CREATE TABLE IF NOT EXISTS committee (
  id BLOB PRIMARY KEY, number INTEGER, class TEXT, mode TEXT, last INTEGER, phase TEXT, finished INTEGER, reason TEXT, key BLOB
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS step (
  committee BLOB, kind TEXT, member INTEGER, entry BLOB, PRIMARY KEY (committee, kind, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS poll (
  id BLOB PRIMARY KEY, number INTEGER, entry BLOB, key BLOB, version INTEGER, opens INTEGER, closing INTEGER, phase TEXT,
  tally BLOB, openers BLOB, result BLOB, decided INTEGER, awaits INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS poll_due ON poll (phase, closing);
CREATE TABLE IF NOT EXISTS modulus (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permit_key (
  poll INTEGER, registrar INTEGER, grp INTEGER, modulus BLOB, people INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credential (
  poll INTEGER, credential BLOB, grp INTEGER, turn INTEGER, number INTEGER, PRIMARY KEY (poll, credential)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ballot (
  poll INTEGER, number INTEGER, tracker BLOB, replaced INTEGER, PRIMARY KEY (poll, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sums (
  poll INTEGER, grp INTEGER, counted INTEGER, sums BLOB, rows BLOB, accepted BLOB, PRIMARY KEY (poll, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recount (
  poll INTEGER, grp INTEGER, counted INTEGER, sums BLOB, rows BLOB, PRIMARY KEY (poll, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS admission (
  poll INTEGER, registrar INTEGER, grp INTEGER, people INTEGER, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS share (
  poll INTEGER, member INTEGER, part INTEGER, entry BLOB, PRIMARY KEY (poll, member, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issuance (
  poll INTEGER, registrar INTEGER, grp INTEGER, issued INTEGER, root BLOB, PRIMARY KEY (poll, registrar, grp)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement (poll BLOB, kind TEXT, number INTEGER, PRIMARY KEY (poll, kind, number)) STRICT, WITHOUT ROWID;
"""


_LOOK_UP = 512
"""Ballots that one question to the database is about."""
_MOST_LOOKED_UP = 32_768
"""Answers of the database that are kept, about 200 bytes each: some batches of the engine."""


class _Accepted(NamedTuple):
    """An accepted ballot's tracker, and the number of the one that it replaced, if it replaced one."""

    tracker: bytes
    replaced: int | None


class State(Institutions):
    """The rules' memory over one SQLite connection, which its owner opens, commits and rolls back."""

    def __init__(self, connection: sqlite3.Connection, twice: bool = True) -> None:
        """``twice``: whether ballots are added up a second time at once, as they are admitted. A node has a recount of its own."""
        self._twice = twice
        super().__init__(connection)

    @property
    def unread(self) -> bool:
        """Whether the ballots were not read: tallies stand as they are in the log, and what else follows from ballots is not here."""
        return bool(self.get("unread"))

    def prepare(self) -> None:
        """Make the tables that are missing: by whoever writes them."""
        super().prepare()
        make_tables(self.db, SCHEMA)

    def copy(self) -> "State":
        """The same as it was written down last, in a private database: for trying out what would happen. Whoever asks closes it."""
        other = sqlite3.connect("", isolation_level=None)
        self.db.backup(other)
        return State(other, self._twice)

    def forget(self) -> None:
        """Drop everything loaded: after a rollback, memory must not know more than the disk."""
        super().forget()
        self._polls: dict[bytes, PollState] = {}
        self._committees: dict[bytes, CommitteeState] = {}
        self._openings: dict[bytes, Opening] = {}
        self._ballots: dict[tuple[int, bytes], LastBallot] = {}  # by poll and credential: not written down yet
        self._accepted: dict[tuple[int, int], _Accepted] = {}  # by poll and number: not written down yet
        self._looked_up: dict[tuple[int, bytes], LastBallot | None] = {}

    def flush(self) -> None:
        """Write down the ballots of this block, and the sums that they changed."""
        self._flush_ballots()
        for poll in self._polls.values():
            if not poll.changed:
                continue
            self.db.executemany(
                "INSERT OR REPLACE INTO sums VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (poll.number, g, found.counted, found.to_bytes(), *found.rows.to_bytes())
                    for g, found in ((g, poll.groups[g]) for g in sorted(poll.changed))
                ],
            )
            self.db.executemany(
                "INSERT OR REPLACE INTO admission VALUES (?, ?, ?, ?)",
                [(poll.number, r, g, n) for (r, g), n in poll.admitted.items() if g in poll.changed],
            )
            poll.changed.clear()

    # Keys that polls and committees keep

    def keep_keys(self, number: int, keys: Mapping[int, bytes]) -> None:
        """The keys of the registrars or trustees (by their place) from now on in the poll or committee with this number."""
        self.db.executemany(
            "INSERT INTO kept_key VALUES (?, ?, ?)", [(number, place, key) for place, key in keys.items()]
        )

    def _kept_keys(self, number: int) -> dict[int, bytes]:
        rows = self.db.execute("SELECT place, key FROM kept_key WHERE number = ? ORDER BY place", (number,))
        return dict(rows.fetchall())

    def exchange_kept_key(self, old: bytes, new: bytes) -> None:
        """The holder of a key replaced it themselves: polls and committees that keep it go on with the new one."""
        self.db.execute("UPDATE kept_key SET key = ? WHERE key = ?", (new, old))
        kept = [poll.registrar_keys for poll in self._polls.values()]
        kept += [committee.trustee_keys for committee in self._committees.values()]
        for keys in kept:
            keys.update((place, new) for place, key in keys.items() if key == old)

    # Committees

    def committee(self, committee_id: bytes) -> CommitteeState | None:
        found = self._committees.get(committee_id)
        if found is None:
            row = self.db.execute(
                "SELECT number, class, mode, last, phase, finished, reason, key FROM committee WHERE id = ?",
                (committee_id,),
            ).fetchone()
            if row is None:
                return None
            number, name, mode, last, phase, finished, reason, key = row
            poll_class = self.poll_class(name)
            found = CommitteeState(
                committee_id, number, poll_class, mode, last, CommitteePhase(phase), finished, reason, key
            )
            found.trustee_keys = self._kept_keys(number)
            for (entry,) in self.db.execute("SELECT entry FROM step WHERE committee = ?", (committee_id,)):
                step = parse_item(decode(entry))
                assert isinstance(step, CertificateStep | SharesStep | KeyStep | Complaint)
                found.take(step)
            self._committees[committee_id] = found
        return found

    def add_committee(self, committee: CommitteeState) -> None:
        """A committee that was asked for, with the keys of its trustees."""
        self.save_committee(committee)
        self.keep_keys(committee.number, committee.trustee_keys)

    def save_committee(self, committee: CommitteeState) -> None:
        self._committees[committee.id] = committee
        self.db.execute(
            "INSERT OR REPLACE INTO committee VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (committee.id, committee.number, committee.poll_class.name, committee.mode, committee.last, committee.phase,
             committee.finished, committee.reason, committee.key),
        )  # fmt: skip

    def add_step(self, committee: CommitteeState, step: Step, data: bytes) -> None:
        committee.take(step)
        self.db.execute("INSERT INTO step VALUES (?, ?, ?, ?)", (committee.id, step.kind, step.index, data))

    def forming_committees(self) -> list[CommitteeState]:
        """Key generations that are neither finished nor void, in the order of the log."""
        rows = self.db.execute("SELECT id FROM committee WHERE phase = ? ORDER BY number", (CommitteePhase.FORMING,))
        return self._committees_of(rows.fetchall())

    def committees(self) -> list[CommitteeState]:
        """All of them, in the order of the log."""
        return self._committees_of(self.db.execute("SELECT id FROM committee ORDER BY number").fetchall())

    def _committees_of(self, rows: Sequence[tuple[bytes]]) -> list[CommitteeState]:
        return [found for (committee_id,) in rows if (found := self.committee(committee_id)) is not None]

    # Polls

    def poll(self, poll_id: bytes) -> PollState | None:
        found = self._polls.get(poll_id)
        if found is None:
            found = self._load_poll(poll_id)
            if found is not None:
                self._polls[poll_id] = found
        return found

    def _load_poll(self, poll_id: bytes) -> PollState | None:
        row = self.db.execute(
            "SELECT number, entry, key, version, closing, phase, tally, openers, result, decided FROM poll WHERE id = ?",
            (poll_id,),
        ).fetchone()
        if row is None:
            return None
        number, entry, key, version, closing, phase, tally, openers, result, decided = row
        frozen = self._frozen(entry, key)
        found = PollState(frozen, number, version, closing, Phase(phase), decided=decided)
        found.tally = None if tally is None else Tally.parse(decode(tally)[1])
        found.openers = tuple(openers)
        found.result = None if result is None else Result.parse(decode(result)[1])
        keys: dict[int, list[GroupPermitKey]] = {}
        for registrar, *group in self.db.execute(
            "SELECT registrar, modulus, people, root FROM permit_key WHERE poll = ? ORDER BY registrar, grp", (number,)
        ):
            keys.setdefault(registrar, []).append(GroupPermitKey(*group))
        for registrar, groups in keys.items():
            found.publish(registrar, PermitKeys(poll_id, tuple(groups)))
        found.registrar_keys = self._kept_keys(number)
        found.groups = self._empty_groups(frozen)
        for group, counted, sums, *rows in self.db.execute(
            "SELECT grp, counted, sums, rows, accepted FROM sums WHERE poll = ?", (number,)
        ):
            found.groups[group] = GroupSums.from_bytes(counted, sums, RowSums.from_bytes(*rows), self._twice)
        for registrar, group, people in self.db.execute(
            "SELECT registrar, grp, people FROM admission WHERE poll = ?", (number,)
        ):
            found.admitted[registrar, group] = people
        for (data,) in self.db.execute("SELECT entry FROM share WHERE poll = ? ORDER BY member, part", (number,)):
            share = Decryption.parse(decode(data)[1])
            found.shares.setdefault(share.index, {})[share.part] = share
        found.contests = self.statements(poll_id, Contest.kind)
        return found

    def _frozen(self, entry: bytes, key: bytes) -> FrozenPoll:
        item = decode(entry)
        return FrozenPoll.of_entry(entry, self.poll_class(item[1][0]), key)

    def _empty_groups(self, frozen: FrozenPoll) -> list[GroupSums]:
        return [GroupSums(frozen.definition.ciphertexts, self._twice) for _ in frozen.definition.groups]

    def add_poll(
        self, frozen: FrozenPoll, entry: bytes, number: int, version: int, registrar_keys: Mapping[int, bytes]
    ) -> PollState:
        """A poll that was published with this entry, under this version of the rules, with the keys of its registrars."""
        poll = PollState(frozen, number, version, frozen.definition.closes, groups=self._empty_groups(frozen))
        poll.registrar_keys.update(registrar_keys)
        self.keep_keys(number, registrar_keys)
        self._polls[poll.id] = poll
        self.db.execute(
            "INSERT INTO poll VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, x'', NULL, NULL, 1)",
            (poll.id, number, entry, frozen.key, version, frozen.definition.opens, poll.closing, poll.phase),
        )
        return poll

    def save_poll(self, poll: PollState) -> None:
        """Write what the rules change in a poll, but for its ballots."""
        self.db.execute(
            "UPDATE poll SET closing = ?, phase = ?, tally = ?, openers = ?, result = ?, decided = ?, awaits = ? WHERE id = ?",
            (
                poll.closing,
                poll.phase,
                None if poll.tally is None else poll.tally.encode(),
                bytes(poll.openers),
                None if poll.result is None else poll.result.encode(),
                poll.decided,
                int(poll.phase == Phase.ANNOUNCED and not poll.has_enough_keys),
                poll.id,
            ),
        )

    def polls(self) -> list[PollState]:
        """All polls, in the order of the log."""
        return self._polls_where("1")

    def poll_stages(self, time: int) -> list[Stage]:
        """Where every poll stands at this time; nothing else of them is loaded."""
        return list(self.stages(time).values())

    def stages(self, time: int) -> dict[bytes, Stage]:
        """The same by the polls' ids, in the order of the log."""
        rows = self.db.execute("SELECT id, phase, opens, closing, awaits FROM poll ORDER BY number").fetchall()
        return {
            poll_id: stage(Phase(phase), opens, closing, time, not awaits)
            for poll_id, phase, opens, closing, awaits in rows
        }

    def polls_announced(self) -> list[PollState]:
        """Polls that are open or to be opened: those that may be tallied."""
        return self._polls_where("phase = ?", Phase.ANNOUNCED)

    def polls_opened(self) -> list[PollState]:
        """Polls that enough trustees have decrypted, and of which nobody has handed in the result yet."""
        return self._polls_where("phase = ? AND openers != x''", Phase.COUNTING)

    def polls_closing(self, time: int) -> list[PollState]:
        """Polls to be tallied in a block of this time."""
        return self._polls_where("phase = ? AND closing <= ?", Phase.ANNOUNCED, time)

    def polls_running(self, time: int) -> list[PollState]:
        """Polls that were to be open, or to open, after this time."""
        return self._polls_where("phase = ? AND closing > ?", Phase.ANNOUNCED, time)

    def polls_without_keys(self, time: int) -> list[PollState]:
        """Polls that open by this time and lack permit keys of too many registrars."""
        return self._polls_where("phase = ? AND awaits AND opens <= ?", Phase.ANNOUNCED, time)

    def poll_at(self, number: int) -> PollState | None:
        """The poll that the entry with this number is."""
        row = self.db.execute("SELECT id FROM poll WHERE number = ?", (number,)).fetchone()
        return None if row is None else self.poll(row[0])

    def titles(self, numbers: Collection[int]) -> dict[int, tuple[Text, Phase]]:
        """The titles and phases of the polls that these entries are; nothing else of them is loaded."""
        marks = ", ".join("?" * len(numbers))
        rows = self.db.execute(f"SELECT number, entry, phase FROM poll WHERE number IN ({marks})", tuple(numbers))
        return {number: (Poll.parse(decode(entry)[1]).title, Phase(phase)) for number, entry, phase in rows}

    def _polls_where(self, where: str, *parameters: int | str) -> list[PollState]:
        rows = self.db.execute(f"SELECT id FROM poll WHERE {where} ORDER BY number", parameters).fetchall()
        return [found for (poll_id,) in rows if (found := self.poll(poll_id)) is not None]

    # What registrars say

    def is_known_modulus(self, digest: bytes) -> bool:
        """Whether a permit key with this hash of its modulus was ever published."""
        return self.db.execute("SELECT 1 FROM modulus WHERE hash = ?", (digest,)).fetchone() is not None

    def add_permit_keys(self, poll: PollState, registrar: int, keys: PermitKeys, hashes: Sequence[bytes]) -> None:
        """``hashes``: SHA-256 of each modulus."""
        self.db.executemany("INSERT INTO modulus VALUES (?)", [(h,) for h in hashes])
        self.db.executemany(
            "INSERT INTO permit_key VALUES (?, ?, ?, ?, ?, ?)",
            [(poll.number, registrar, g, row.modulus, row.people, row.root) for g, row in enumerate(keys.groups)],
        )
        poll.publish(registrar, keys)
        self.save_poll(poll)

    def add_issuance(self, poll: PollState, registrar: int, account: Issuance) -> None:
        self.db.executemany(
            "INSERT INTO issuance VALUES (?, ?, ?, ?, ?)",
            [(poll.number, registrar, group, row.issued, row.root) for group, row in enumerate(account.groups)],
        )

    def issuances(self, poll: PollState) -> dict[int, Issuance]:
        """What registrars (by their index in the class) have accounted for."""
        found: dict[int, list[GroupIssuance]] = {}
        for registrar, issued, root in self.db.execute(
            "SELECT registrar, issued, root FROM issuance WHERE poll = ? ORDER BY registrar, grp", (poll.number,)
        ):
            found.setdefault(registrar, []).append(GroupIssuance(issued, root))
        return {registrar: Issuance(poll.id, tuple(groups)) for registrar, groups in found.items()}

    # What offices say in words

    def add_statement(self, poll: bytes, kind: str, number: int) -> None:
        """``poll``: its id, or empty if the statement is about none."""
        self.db.execute("INSERT INTO statement VALUES (?, ?, ?)", (poll, kind, number))

    def statements(self, poll: bytes = b"", kind: str | None = None) -> list[int]:
        """The numbers of the statements about a poll (of one kind: notice, outcome, ...), in the order of the log."""
        rows = self.db.execute(
            "SELECT number FROM statement WHERE poll = ? AND kind = coalesce(?, kind) ORDER BY number", (poll, kind)
        )
        return [number for (number,) in rows]

    def naming_files(self, start: int) -> list[int]:
        """The numbers, from ``start`` on, of the entries that may name attachments, in the order of the log."""
        rows = self.db.execute(
            "SELECT number FROM poll WHERE number >= ?1 UNION SELECT number FROM statement "
            "WHERE kind IN (?2, ?3) AND number >= ?1 ORDER BY number",
            (start, Notice.kind, Outcome.kind),
        )
        return [number for (number,) in rows]

    # Ballots

    def look_up(self, poll: PollState, credentials: Sequence[bytes]) -> None:
        """Find at once what :meth:`last_ballot` will be asked about these. It is kept, and kept up to date."""
        if len(self._looked_up) > _MOST_LOOKED_UP:
            self._looked_up.clear()
        known = self._looked_up
        unknown = [credential for credential in credentials if (poll.number, credential) not in known]
        for start in range(0, len(unknown), _LOOK_UP):
            asked = unknown[start : start + _LOOK_UP]
            marks = ", ".join("?" * len(asked))
            rows = self.db.execute(
                f"SELECT credential, grp, turn, number FROM credential WHERE poll = ? AND credential IN ({marks})",
                (poll.number, *asked),
            ).fetchall()
            self._looked_up.update(((poll.number, credential), None) for credential in asked)
            self._looked_up.update(((poll.number, credential), LastBallot(*row)) for credential, *row in rows)

    def last_ballot(self, poll: PollState, credential: bytes) -> LastBallot | None:
        """The credential's last accepted ballot in this poll."""
        key = poll.number, credential
        for known in (self._ballots, self._looked_up):
            if key in known:
                return known[key]
        row = self.db.execute(
            "SELECT grp, turn, number FROM credential WHERE poll = ? AND credential = ?", key
        ).fetchone()
        return None if row is None else LastBallot(*row)

    def has_cast(self, poll: PollState, last: LastBallot, tracker: bytes) -> bool:
        """Whether a credential, of which this is the last ballot, cast the ballot with this tracker before.

        Nobody else can have: the tracker is a hash over the credential, too. So the way back through the ballots that
        this one replaced, of which there are as many as turns at most, is all that has to be looked at.
        """
        return any(found == tracker for _, found in self.cast(poll, last))

    def cast(self, poll: PollState, last: LastBallot) -> Iterator[tuple[int, bytes]]:
        """Numbers and trackers of the ballots of a credential, from this one, its last, back to its first."""
        number: int | None = last.number
        while number is not None:
            accepted = self._accepted_at(poll, number)
            yield number, accepted.tracker
            number = accepted.replaced

    def _accepted_at(self, poll: PollState, number: int) -> _Accepted:
        key = poll.number, number
        if key in self._accepted:
            return self._accepted[key]
        row = self.db.execute("SELECT tracker, replaced FROM ballot WHERE poll = ? AND number = ?", key).fetchone()
        if row is None or (row[1] is not None and row[1] >= number):
            raise Wrong(
                Message(
                    "ballot {number} of poll {number2} is not remembered as it was accepted",
                    number=number,
                    number2=poll.number,
                )
            )
        return _Accepted(*row)

    def find_tracker(self, poll: PollState, tracker: bytes) -> int | None:
        """The number of the accepted ballot with this tracker. It looks through all of the poll: no rule asks this, and an
        index would cost each ballot a row at a random place."""
        self._flush_ballots()
        key = poll.number, tracker
        row = self.db.execute("SELECT number FROM ballot WHERE poll = ? AND tracker = ?", key).fetchone()
        return None if row is None else int(row[0])

    def set_ballot(
        self, poll: PollState, credential: bytes, ballot: LastBallot, tracker: bytes, replaced: LastBallot | None
    ) -> None:
        """Remember an accepted ballot, in the place of the credential's last one, ``replaced``, if it has one."""
        accepted = _Accepted(tracker, None if replaced is None else replaced.number)
        self._ballots[poll.number, credential] = ballot
        self._accepted[poll.number, ballot.number] = accepted
        poll.groups[ballot.group].note(
            counted_row(credential, *ballot),
            None if replaced is None else counted_row(credential, *replaced),
            accepted_row(ballot.number, *accepted),
        )

    def _flush_ballots(self) -> None:
        if self._accepted:
            rows = [(*place, *accepted) for place, accepted in self._accepted.items()]
            self.db.executemany("INSERT INTO ballot VALUES (?, ?, ?, ?)", rows)
            last = [(poll, credential, *ballot) for (poll, credential), ballot in self._ballots.items()]
            self.db.executemany("INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?)", last)
            self._looked_up.update(self._ballots)
            self._ballots, self._accepted = {}, {}

    def replaced_by(self, poll: int, number: int) -> int | None:
        """The number of the ballot that this one replaced, if it replaced one. ``poll``: the number of its entry. Raises Wrong."""
        row = self.db.execute("SELECT replaced FROM ballot WHERE poll = ? AND number = ?", (poll, number)).fetchone()
        if row is None:
            raise Wrong(Message("ballot {number} of poll {poll} is not remembered", number=number, poll=poll))
        return None if row[0] is None else int(row[0])

    def recount(self) -> list[tuple[int, int, int, bytes, bytes]]:
        """What :meth:`set_recount` has written."""
        return self.db.execute("SELECT poll, grp, counted, sums, rows FROM recount").fetchall()

    def set_recount(self, position: int, rows: Sequence[tuple[int, int, int, bytes, bytes]]) -> None:
        """Remember what was counted a second time of the entries before ``position``, and nothing else."""
        self.db.execute("DELETE FROM recount")
        self.db.executemany("INSERT INTO recount VALUES (?, ?, ?, ?, ?)", rows)
        self.put("recounted", position)

    def counted_ballots(self, poll: PollState) -> list[int]:
        """The numbers of the ballots that count, ascending."""
        self._flush_ballots()
        rows = self.db.execute("SELECT number FROM credential WHERE poll = ? ORDER BY number", (poll.number,))
        return [number for (number,) in rows]

    def accepted_ballots(self, poll: PollState) -> list[int]:
        """The numbers of all accepted ballots, replaced ones too, ascending."""
        self._flush_ballots()
        rows = self.db.execute("SELECT number FROM ballot WHERE poll = ? ORDER BY number", (poll.number,))
        return [number for (number,) in rows]

    def credentials(self, poll: PollState) -> Iterator[tuple[bytes, int]]:
        """The credentials that voted, ascending, each with its group."""
        self._flush_ballots()
        yield from self.db.execute(
            "SELECT credential, grp FROM credential WHERE poll = ? ORDER BY credential", (poll.number,)
        )

    # Decryption

    def opening(self, poll: PollState) -> Opening:
        """What the shares open of a poll that has ``openers``; made once."""
        found = self._openings.get(poll.id)
        if found is None:
            committee = self.committee(poll.definition.committee)
            assert committee is not None, "a poll has a committee"
            found = self._openings[poll.id] = Opening.of(poll, committee)
        return found

    def add_share(self, poll: PollState, share: Decryption, data: bytes) -> None:
        poll.shares.setdefault(share.index, {})[share.part] = share
        self.db.execute("INSERT INTO share VALUES (?, ?, ?, ?)", (poll.number, share.index, share.part, data))
