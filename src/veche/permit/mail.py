"""Permits by file: what a voter's device asks of registrars that are elsewhere, and what each answers. docs/protocol.md, section 4.5.

A request names the person and holds one blinded message for each registrar, so the same file goes to all of them; an answer holds the
blind signature, or the refusal. Neither is secret from registrars, and nothing in them leads to a ballot. What must not be changed on
the way is a request: whoever exchanges its blinded messages votes in the person's place. So both sides show its code, and the person
says theirs to the registrar.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from veche.errors import UserError
from veche.strict_json import read_json
from veche.texts import Message

REQUEST, ANSWER = "veche-permit-request-v1", "veche-permit-answer-v1"
LARGEST_REQUEST = 65_536
"""Bytes: 32 registrars with the longest moduli, and room."""
LARGEST_ANSWER = 16_384
_LONGEST = 512
"""Bytes of a blinded message or a blind signature: the longest modulus."""
_RULE = re.compile("[a-z-]{1,40}")
_SENTENCE = 2_000
"""Characters of a refusal."""


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    registrar: int
    blinded: str


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    ledger: str
    poll: str
    group: int
    person: str
    requests: list[_Asked]


class _Refusal(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    message: str


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    ledger: str
    poll: str
    registrar: int
    group: int | None
    blinded: str
    signature: str | None
    refused: _Refusal | None


@dataclass(frozen=True)
class RequestFile:
    """What a person's device asks: ``blinded`` goes from a registrar's index in the class to the message for it. ``ledger``, ``poll``: ids."""

    ledger: bytes
    poll: bytes
    group: int
    person: str
    blinded: dict[int, bytes]

    @property
    def code(self) -> bytes:
        """SHA-256 over all that it says, in its one spelling: what the person tells the registrar, in nine words."""
        return hashlib.sha256(b"veche-permit-request-v1|" + self._line()).digest()

    def to_json(self) -> bytes:
        return self._line() + b"\n"

    def _line(self) -> bytes:
        rows = [
            {"registrar": registrar, "blinded": self.blinded[registrar].hex()} for registrar in sorted(self.blinded)
        ]
        return _compact(
            {"type": REQUEST, "ledger": self.ledger.hex(), "poll": self.poll.hex(), "group": self.group, "person": self.person,
             "requests": rows}
        )  # fmt: skip

    @classmethod
    def from_json(cls, data: bytes) -> "RequestFile":
        """Raises UserError if it is no request."""
        what = Message("a request for permits")
        read = _read(data, LARGEST_REQUEST, _Request, REQUEST, what)
        rows = {row.registrar: _bytes(row.blinded, what) for row in read.requests}
        if not 1 <= len(rows) == len(read.requests) or min(rows) < 0 or read.group < 0 or not read.person:
            _wrong(what)
        return cls(_bytes(read.ledger, what, 32), _bytes(read.poll, what, 32), read.group, read.person, rows)


@dataclass(frozen=True)
class AnswerFile:
    """What one registrar answers. ``group``: in which the person votes by its roll, None if they are not on it. ``blinded``: what it was asked.

    ``signature``: the blind signature; None if it was refused, and then ``rule`` and ``message`` say why.
    """

    ledger: bytes
    poll: bytes
    registrar: int
    group: int | None
    blinded: bytes
    signature: bytes | None
    rule: str = ""
    message: str = ""

    def to_json(self) -> bytes:
        refused = None if self.signature is not None else {"rule": self.rule, "message": self.message[:_SENTENCE]}
        return (
            _compact(
                {"type": ANSWER, "ledger": self.ledger.hex(), "poll": self.poll.hex(), "registrar": self.registrar,
                 "group": self.group, "blinded": self.blinded.hex(),
                 "signature": None if self.signature is None else self.signature.hex(), "refused": refused}
            )
            + b"\n"
        )  # fmt: skip

    @classmethod
    def from_json(cls, data: bytes) -> "AnswerFile":
        """Raises UserError if it is no answer."""
        what = Message("a registrar's answer")
        read = _read(data, LARGEST_ANSWER, _Answer, ANSWER, what)
        if (read.signature is None) == (read.refused is None) or read.registrar < 0 or (read.group or 0) < 0:
            _wrong(what)
        rule, message = ("", "") if read.refused is None else (read.refused.rule, read.refused.message[:_SENTENCE])
        if read.refused is not None and not (_RULE.fullmatch(rule) and message):
            _wrong(what)
        signature = None if read.signature is None else _bytes(read.signature, what)
        ids = _bytes(read.ledger, what, 32), _bytes(read.poll, what, 32)
        return cls(*ids, read.registrar, read.group, _bytes(read.blinded, what), signature, rule, message)


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _read(data: bytes, most: int, kind: Any, name: str, what: Message) -> Any:
    try:
        if len(data) > most:
            _wrong(what)
        read = msgspec.convert(read_json(data), kind)
    except (ValueError, msgspec.ValidationError):
        _wrong(what)
    if read.type != name:
        _wrong(what)
    return read


def _bytes(text: str, what: Message, size: int = 0) -> bytes:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        _wrong(what)
    if len(data) != size if size else not 1 <= len(data) <= _LONGEST:
        _wrong(what)
    return data


def _wrong(what: Message) -> NoReturn:
    raise UserError(
        Message("This file is not {what}.", what=what), Message("Give the file as it was written, all of it.")
    ) from None
