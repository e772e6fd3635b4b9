"""A person's proof of their own row: the file that a registrar hands to them, and how anyone checks it.

It shows, against the values in the ledger, that they are on the roll and, after closing, whether the registrar says that
it served them. Who was not served and reads *served* has found a permit issued in their name. The file names its person:
it is theirs to show. It says nothing about other rows, for they are salted (:mod:`veche.permit.roll`).

The file is one line of compact JSON and a newline, keys in this order, bytes as lowercase hex, paths from the leaf up:

    {"type":"veche-row-proof-v1","poll","group","key","person","index","size",
     "roll":{"salt","path":[...]},"issuance":null or {"salt","served":true or false,"path":[...]}}

``key`` is SHA-256 of the registrar's modulus for the group, ``index`` the number of the row among ``size``.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from veche.errors import DoesNotHold, UserError
from veche.log import merkle
from veche.texts import Message

_TYPE = "veche-row-proof-v1"
_MAX_FILE = 65536  # a path has at most 64 hashes


def roll_leaf(poll: bytes, group: int, salt: bytes, person: str) -> bytes:
    """The data of a row of the roll, before hashing."""
    return f"veche-roll-v1|{poll.hex()}|{group}|".encode() + salt + person.encode()


def issuance_leaf(poll: bytes, group: int, salt: bytes, served: bool, person: str) -> bytes:
    """The data of a row of the issuance, before hashing."""
    served_byte = b"\x01" if served else b"\x00"
    return f"veche-issuance-v1|{poll.hex()}|{group}|".encode() + salt + served_byte + person.encode()


@dataclass(frozen=True, slots=True)
class RollRow:
    """What opens a row of the roll. salt: 32 bytes; path: hashes of 32 bytes."""

    salt: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class IssuanceRow:
    """What opens a row of the issuance. ``served``: the registrar says that this person asked for their permit."""

    salt: bytes
    served: bool
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RowProof:
    """One person's row. Nothing in it is true before ``verify_on_roll`` and ``verify_issuance`` have run."""

    poll: bytes
    group: int
    key: bytes
    person: str
    index: int
    size: int
    roll: RollRow
    issuance: IssuanceRow | None

    def verify_on_roll(self, poll: bytes, group: int, modulus: bytes, people: int, root: bytes) -> None:
        """Check that the person is on the roll, against one group's row of the registrar's ``permit-key`` entry.

        Raises DoesNotHold: step ``roll`` if the proof is about something else, ``merkle`` if it does not lead there.
        """
        where = Message("row {index} of {size}", index=str(self.index), size=str(self.size))
        if (self.poll, self.group) != (poll, group):
            raise DoesNotHold("roll", where, Message("the proof is about another poll or group"))
        if self.key != hashlib.sha256(modulus).digest():
            raise DoesNotHold("roll", where, Message("the proof is about another registrar's key"))
        if self.size != people:
            raise DoesNotHold(
                "roll",
                where,
                Message("the proof is about {size} people, the ledger says {people}", size=self.size, people=people),
            )
        leaf = merkle.leaf_hash(roll_leaf(self.poll, self.group, self.roll.salt, self.person))
        merkle.verify_inclusion(leaf, self.index, self.size, self.roll.path, root)

    def verify_issuance(self, issuance_root: bytes) -> None:
        """Check ``issuance.served`` against the registrar's ``issuance`` entry. Call ``verify_on_roll`` before.

        Raises DoesNotHold: step ``issuance`` if the proof was made before closing, ``merkle`` if the row is not there.
        """
        if self.issuance is None:
            raise DoesNotHold("issuance", Message("the proof"), Message("the proof was made before the poll closed"))
        leaf = issuance_leaf(self.poll, self.group, self.issuance.salt, self.issuance.served, self.person)
        merkle.verify_inclusion(merkle.leaf_hash(leaf), self.index, self.size, self.issuance.path, issuance_root)

    def to_json(self) -> bytes:
        """The file."""
        issuance = None
        if self.issuance is not None:
            path = [node.hex() for node in self.issuance.path]
            issuance = {"salt": self.issuance.salt.hex(), "served": self.issuance.served, "path": path}
        content = {
            "type": _TYPE,
            "poll": self.poll.hex(),
            "group": self.group,
            "key": self.key.hex(),
            "person": self.person,
            "index": self.index,
            "size": self.size,
            "roll": {"salt": self.roll.salt.hex(), "path": [node.hex() for node in self.roll.path]},
            "issuance": issuance,
        }
        return msgspec.json.encode(content) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "RowProof":
        """Read the file. Raises UserError unless it is byte for byte what ``to_json`` writes."""
        try:
            proof = cls._read(msgspec.json.decode(data, type=dict[str, Any]) if len(data) <= _MAX_FILE else {})
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError):
            proof = None
        if proof is None or proof.to_json() != data:
            raise UserError(
                Message("This is not a proof of a row."), Message("Use the file as the registrar gave it, unchanged.")
            )
        return proof

    @classmethod
    def _read(cls, content: dict[str, Any]) -> "RowProof":
        roll, issuance = content["roll"], content["issuance"]
        return cls(
            poll=_hex32(content["poll"]),
            group=_index(content["group"]),
            key=_hex32(content["key"]),
            person=_text(content["person"]),
            index=_index(content["index"]),
            size=_index(content["size"]),
            roll=RollRow(_hex32(roll["salt"]), tuple(map(_hex32, roll["path"]))),
            issuance=None
            if issuance is None
            else IssuanceRow(
                _hex32(issuance["salt"]), _truth(issuance["served"]), tuple(map(_hex32, issuance["path"]))
            ),
        )


def _hex32(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != 32:
        raise ValueError("not 32 bytes")
    return value


def _index(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not an index")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("not a text")
    return value


def _truth(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError("neither true nor false")
    return value
