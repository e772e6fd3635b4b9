"""Comparing two registrars' rolls without handing one over.

The registrars agree on a key in a file that nobody else has. One writes a comparison of its roll, the other holds its own roll
against it:

    ``veche-comparison-v1`` LF, a salt of 32 bytes, and, encrypted (ChaCha20-Poly1305, nonce zero) under a key that HKDF-SHA256 derives
    from the key and the salt: a line of JSON (the office's public key, the names of the districts), then 34 bytes a person, in the
    order of their digests: the first 16 bytes of HMAC-SHA256 of the person, the same of the person's likeness, and the number of the
    district (2 bytes)

Whoever has neither roll nor key learns about how many people are on the roll, from the length, and nothing else. Whoever has the
key learns the districts and their sizes, and of each person whom they guess whether they are on the roll and where: so the key is
for registrars, who know these people anyway, and both files are erased when the rolls agree. No names are in it.
"""

import hmac
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from veche.durable import read_private_as, write_private
from veche.errors import UserError
from veche.registrar.likeness import district_likeness, person_likeness
from veche.registrar.roll_file import clean
from veche.texts import Message

_MAGIC = b"veche-comparison-v1\n"
_SALT = _DIGEST_KEY = 32
_NONCE = bytes(12)
_DIGEST = 16
_ROW = 2 * _DIGEST + 2
_MOST_DISTRICTS = 1 << 16
MOST_BYTES = 1 << 30
"""How long a comparison may be: over thirty million people."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A person who is in another district on their roll than on ours."""

    person: str
    ours: str
    theirs: str


@dataclass(slots=True)
class Differences:
    """What our roll and theirs have not in common.

    districts: how many people live in each on ours and on theirs. only_ours: persons and their districts. respelt: those of them in
    whose place somebody stands on theirs who looks like them. only_theirs: how many in each district; who, only they know.
    alike: districts of the one that look like one of the other.
    """

    districts: dict[str, tuple[int, int]] = field(default_factory=dict)
    only_ours: dict[str, str] = field(default_factory=dict)
    respelt: set[str] = field(default_factory=set)
    only_theirs: dict[str, int] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    alike: list[tuple[str, str]] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not (self.only_ours or self.only_theirs or self.moved)


def make_key(path: Path) -> None:
    """A new key in a new file that only its owner reads. Raises UserError."""
    write_private(path, os.urandom(32).hex().encode() + b"\n")


def load_key(path: Path) -> bytes:
    """Raises UserError if the file is missing, readable by others, or no key."""

    def read(content: bytes) -> bytes:
        try:
            key = bytes.fromhex(content.decode("ascii").strip())
        except ValueError:
            key = b""
        if len(key) != 32:
            raise UserError(
                Message("{path} is not a key for comparing rolls.", path=str(path)),
                Message("Make one, and hand it to the other registrars alone: veche registrar compare-key FILE"),
            )
        return key

    return read_private_as(path, read)


def write_comparison(key: bytes, office: bytes, roll: Iterable[tuple[str, str]]) -> bytes:
    """The comparison of a roll: of persons and their districts, as they are cleaned. ``office``: our public key.

    Raises UserError for a roll with nobody on it, or with more than 65,536 districts.
    """
    salt = os.urandom(_SALT)
    cipher, digest_key = _derive(key, salt)
    numbers: dict[str, int] = {}
    rows = []
    for person, district in roll:
        number = numbers.setdefault(district, len(numbers))
        if number == _MOST_DISTRICTS:
            raise UserError(Message("The roll has more districts than can be compared."))
        rows.append(_digest(digest_key, person) + _like(digest_key, person) + number.to_bytes(2))
    if not rows:
        raise UserError(Message("The registrar has no roll yet."), Message("Import one first."))
    rows.sort()
    head = json.dumps({"office": office.hex(), "districts": list(numbers)}).encode()
    return _MAGIC + salt + cipher.encrypt(_NONCE, b"\n".join([head, b"".join(rows)]), _MAGIC)


def compare(key: bytes, office: bytes, roll: Iterable[tuple[str, str]], comparison: bytes) -> Differences:
    """Hold our roll against the comparison that another registrar wrote of theirs.

    Raises UserError for what is no comparison, was changed, was written with another key, or is our own.
    """
    if not comparison.startswith(_MAGIC):
        raise UserError(
            Message("This file is no comparison of a roll."),
            Message("The other registrar writes it with: veche registrar compare-file"),
        )
    salt = comparison[len(_MAGIC) : len(_MAGIC) + _SALT]
    cipher, digest_key = _derive(key, salt)
    try:
        content = cipher.decrypt(_NONCE, comparison[len(_MAGIC) + _SALT :], _MAGIC)
    except (InvalidTag, ValueError):
        raise UserError(
            Message("The comparison does not open with this key: it was changed or cut, or written with another key."),
            Message("Both registrars use the same key file."),
        ) from None
    theirs = _Theirs(content)
    if theirs.office == office:
        raise UserError(
            Message("This comparison was written by this registrar itself."),
            Message("Name the one that came from the other."),
        )
    return _compare(digest_key, roll, theirs)


def _compare(digest_key: bytes, roll: Iterable[tuple[str, str]], theirs: "_Theirs") -> Differences:
    found = Differences()
    ours: Counter[str] = Counter()
    rest = dict(theirs.people)
    for person, district in roll:
        ours[district] += 1
        other = rest.pop(_digest(digest_key, person), None)
        if other is None:
            found.only_ours[person] = district
        elif theirs.districts[other[1]] != district:
            found.moved.append(Moved(person, district, theirs.districts[other[1]]))
    if not ours:
        raise UserError(Message("The registrar has no roll yet."), Message("Import one first."))
    likenesses = {likeness for likeness, _ in rest.values()}
    found.respelt = {person for person in found.only_ours if _like(digest_key, person) in likenesses}
    sizes = Counter(number for _, number in theirs.people.values())
    their_sizes = {theirs.districts[number]: people for number, people in sizes.items()}
    missing = Counter(number for _, number in rest.values())
    found.only_theirs = {theirs.districts[number]: people for number, people in sorted(missing.items())}
    found.districts = {name: (ours[name], their_sizes.get(name, 0)) for name in sorted({*ours, *their_sizes})}
    likes = {district_likeness(name): name for name in their_sizes if name not in ours}
    found.alike = [
        (name, like)
        for name in sorted(ours.keys() - their_sizes.keys())
        if (like := likes.get(district_likeness(name))) is not None
    ]
    return found


class _Theirs:
    """What is in a comparison: ``people``, by their digests, each with the digest of the likeness and the district's number."""

    def __init__(self, content: bytes) -> None:
        """Raises UserError if another program than this one has written it."""
        head, _, rows = content.partition(b"\n")
        try:
            fields = json.loads(head)
            self.office = bytes.fromhex(fields["office"])
            self.districts: list[str] = [_cleaned(name) for name in fields["districts"]]
            self.people = {digest: (likeness, number) for digest, likeness, number in self._rows(rows)}
            if len(rows) % _ROW or len(self.people) * _ROW != len(rows):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UserError(
                Message("This comparison is not as this program writes it."),
                Message("Both registrars use the same version of the program."),
            ) from None

    def _rows(self, rows: bytes) -> Iterator[tuple[bytes, bytes, int]]:
        for start in range(0, len(rows), _ROW):
            row = rows[start : start + _ROW]
            number = int.from_bytes(row[2 * _DIGEST :])
            if number >= len(self.districts):
                raise ValueError
            yield row[:_DIGEST], row[_DIGEST : 2 * _DIGEST], number


def _cleaned(name: str) -> str:
    if clean(name) != name:
        raise ValueError
    return name


def _derive(key: bytes, salt: bytes) -> tuple[ChaCha20Poly1305, bytes]:
    """The cipher of a comparison, and the key of its digests."""
    derived = HKDF(algorithm=SHA256(), length=32 + _DIGEST_KEY, salt=salt, info=_MAGIC).derive(key)
    return ChaCha20Poly1305(derived[:32]), derived[32:]


def _digest(key: bytes, person: str) -> bytes:
    return hmac.digest(key, b"person|" + person.encode(), "sha256")[:_DIGEST]


def _like(key: bytes, person: str) -> bytes:
    return hmac.digest(key, b"likeness|" + person_likeness(person).encode(), "sha256")[:_DIGEST]
