"""The deterministic state machine: which entries may be appended, and what follows from them. docs/protocol.md, sections 2 and 3.

The machine does no input or output besides its :class:`State`. A node drives it forward with new entries; a verifier
drives it with the entries of a log and compares. Both see in ``appended`` everything that the current block puts into the log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import veche_kernel

from veche.errors import Refused, Unsupported
from veche.ledger import rules
from veche.ledger.entry import check_signatures, decode, digest, encode, signatures, signed_message
from veche.ledger.rules import ballot, block, charter
from veche.ledger.rules.block import STANDSTILL
from veche.ledger.shape import MAX_NUMBER
from veche.ledger.state import PollState, State

RULES_VERSION = 1


@dataclass(frozen=True)
class Signed:
    """A decoded entry with its signatures checked. ``offices`` are the signers' (institution, role)."""

    data: bytes
    kind: str
    body: list[Any]
    offices: list[tuple[str, str]]

    @property
    def id(self) -> bytes:
        return digest(self.data)

    def by(self, role: str) -> list[str]:
        """The institutions that signed in this role."""
        return [institution for institution, kind in self.offices if kind == role]

    def only(self, role: str) -> str:
        """The one institution that signed, in this role. Raises Refused."""
        if len(self.offices) != 1 or self.offices[0][1] != role:
            raise Refused("authority", f"A {self.kind} entry is signed by one {role}, and nobody else.")
        return self.offices[0][0]

    def together(self, k: int) -> None:
        """Raise Refused unless offices of at least k institutions signed."""
        names = {institution for institution, _ in self.offices}
        if len(names) < k:
            raise Refused(
                "authority", f"{len(names)} institutions signed; the charter wants {k}.", "Collect more signatures."
            )


class Machine:
    """``size`` entries are in the log; ``time``, ``height`` are those of the current (or last) block.

    ``read(index)`` gives an entry of a block before the current one.
    """

    def __init__(self, state: State, read: Callable[[int], bytes]) -> None:
        self.state = state
        self._read = read
        self.appended: list[bytes] = []
        self.load()

    def load(self) -> None:
        """Take size, height and time from the state: at the start, and after a rollback."""
        self.size, self.height, self.time = (self.state.get(name) for name in ("size", "height", "time"))
        self.ledger = digest(self._charter_bytes()) if self.state.founded else b""

    def _charter_bytes(self) -> bytes:
        row = self.state.db.execute("SELECT value FROM meta WHERE name = 'charter'").fetchone()
        return bytes(row[0])

    # Blocks

    def found(self, data: bytes) -> None:
        """Begin a ledger: the charter and block 0. Raises Refused."""
        self.appended = []
        self.stood_still = False
        charter.found(self, data)
        self.ledger = digest(data)

    def begin(self, height: int, time: int, previous: int) -> None:
        """Begin a block: its entry, then everything that falls due by its time. Raises Refused, Unsupported."""
        if not self.height < height <= MAX_NUMBER or not self.time <= previous <= time <= MAX_NUMBER:
            raise Refused(
                "block",
                f"Block {height} at {time} after {previous} does not follow block {self.height} at {self.time}.",
            )
        self.check_version(time)
        block.check_previous(self, previous)
        self.height, self.time, self.appended = height, time, []
        self.stood_still = time - previous > STANDSTILL
        self.append(encode(["block", [height, time, previous]]))
        block.begin(self, previous)

    def check_version(self, time: int) -> None:
        row = self.state.db.execute("SELECT max(version) FROM version WHERE since <= ?", (time,)).fetchone()
        if row[0] is not None and row[0] > RULES_VERSION:
            raise Unsupported(
                f"This ledger follows rules version {row[0]} now, and this program knows version {RULES_VERSION}.",
                "Install a newer Veche; this one stops here so as not to decide wrongly.",
            )

    def end(self) -> None:
        """End the block: what it changed goes to the state (not yet committed)."""
        self.state.flush()
        for name, value in (("size", self.size), ("height", self.height), ("time", self.time)):
            self.state.put(name, value)

    @property
    def matters(self) -> bool:
        """Whether the current block belongs into the log: it appends something or follows a standstill."""
        return len(self.appended) > 1 or self.stood_still

    # Entries

    def append(self, data: bytes) -> int:
        """Put an entry into the current block; the answer is its number in the log."""
        self.appended.append(data)
        self.size += 1
        return self.size - 1

    def entry_at(self, index: int) -> bytes:
        before = self.size - len(self.appended)
        return self._read(index) if index < before else self.appended[index - before]

    def ballot_at(self, index: int, poll: PollState) -> veche_kernel.CheckedBallot:
        """The ciphertexts of an admitted ballot, to take them out of the sums again."""
        return poll.box.kernel.load(ballot.fields(self.entry_at(index)).ballot)

    def derive(self, kind: str, body: list[Any]) -> bytes:
        data = encode([kind, body])
        self.append(data)
        return data

    def check(self, entries: Sequence[bytes]) -> "ballot.Batch":
        """Prepare the expensive checks of the ballots among these entries; ``run()`` may go on in another thread."""
        return ballot.Batch(self, entries)

    def admit(self, data: bytes, checked: "ballot.Checked | Refused | None" = None) -> int:
        """Admit an entry with all that follows from it; the answer is its number. Raises Refused and changes nothing.

        ``checked``: what :meth:`check` found for this entry, if it was asked before.
        """
        if ballot.is_ballot(data):
            return ballot.admit(self, data, checked)
        item = decode(data)
        kind = item[0]
        if kind == "ballot":
            raise Refused("shape", "A ballot entry is an array of seven.")
        rule: ModuleType | None = rules.BY_KIND.get(kind)
        if rule is None:
            raise Refused("kind", f"Nobody can hand in an entry of kind {kind[:40]!r}.")
        signed = signatures(item)
        offices = []
        for key, _ in signed:
            institution, role, active = self.state.offices.get(key, ("", "", False))
            if not active:
                raise Refused("authority", f"Key {key.hex()[:16]}… is not the key of an active office.")
            offices.append((institution, role))
        message = signed_message(self.ledger, kind, item[1])
        body_hash = digest(message)
        if not self.state.is_new_body(body_hash):
            raise Refused("repeated", f"This {kind} entry is in the ledger already.")
        check_signatures(message, signed)  # last: strangers must not keep the node busy with signatures of their own
        entry = Signed(data, kind, item[1], offices)
        rule.admit(self, entry)
        index = self.append(data)
        self.state.remember_body(body_hash)
        if hasattr(rule, "then"):
            rule.then(self, entry)
        return index
