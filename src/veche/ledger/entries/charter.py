"""The charter: entry 0, which fixes everything that no organiser may choose. docs/protocol.md, section 2.1."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.codec import decode
from veche.ledger.entries.engine import Engine, Validator, read_engine
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.office import Role
from veche.ledger.readable import fold, must_be_one_spelling
from veche.ledger.shape import Text
from veche.ledger.signing import check_signatures, signatures, signed_message
from veche.permit.threshold import REGISTRARS, TRUSTEES, WITNESSES, check_threshold, fewest_sources, quorum
from veche.texts import Message


class RegistrarSeat(NamedTuple):
    """A registrar of a class: the institution, and the identity source by which it knows people."""

    institution: str
    source: str


class OfficeSeat(NamedTuple):
    """An office of the charter: who holds it, in which role, with which Ed25519 key."""

    institution: str
    role: Role
    key: bytes


CHALLENGE = 14 * 86_400
"""Seconds of the challenge window unless a class says otherwise: two weeks."""
MARGIN = 3_600
"""Seconds by which a trustee's clock must have passed a tally's block, unless a class says less."""
MAX_NOTICE = 91 * 86_400
"""The longest notice in seconds: a committee serves polls that open in 92 days (``FRESH``), so that a day is left to publish one."""
HALT = 600
"""Seconds between two blocks above which the ledger halted in between."""
MAX_TEST = 100_000
"""The most by which a test ledger divides durations: 14 days become 13 seconds."""
HALT_BLOCKS = 10
"""A test ledger halts after so many times the seconds between two blocks at the earliest."""


@dataclass(frozen=True)
class PollClass:
    """A class of poll, as docs/protocol.md, section 2.1, explains each field.

    ``registrars`` and ``trustees`` are in order: ballots and committees name them by index. A ballot needs permits of
    ``k`` registrars, of whom ``f`` may cheat, from ``sources`` identity sources; ``t`` trustees decrypt, of whom ``f_t``
    may be corrupt; no tally has fewer than ``smallest`` ballots; ``organisers`` is how many sign a poll; ``witnessed``:
    nobody acts but under heads that witnesses cosigned. The rest are seconds, which :meth:`Charter.lasting` makes those of
    a test ledger: the ``notice`` before opening, the ``longest`` time open, the ``challenge`` window after the result, and
    the ``margin`` by which a trustee's clock must have passed the tally's block.
    """

    name: str
    registrars: tuple[RegistrarSeat, ...]
    k: int
    f: int
    sources: int
    trustees: tuple[str, ...]
    t: int
    f_t: int
    smallest: int
    notice: int
    longest: int
    organisers: int
    challenge: int = CHALLENGE
    margin: int = MARGIN
    witnessed: bool = False

    def body(self) -> list[Any]:
        return [self.name, [list(row) for row in self.registrars], self.k, self.f, self.sources, list(self.trustees), self.t,
                self.f_t, self.smallest, self.notice, self.longest, self.organisers, self.challenge, self.margin, int(self.witnessed)]  # fmt: skip

    @classmethod
    def parse(cls, item: Any) -> "PollClass":
        row = shape.array(item, "A class", 15, 15)
        registrars = tuple(
            RegistrarSeat(shape.word(pair[0], "A registrar's institution"), shape.word(pair[1], "An identity source"))
            for pair in (shape.array(p, "A registrar", 2, 2) for p in shape.array(row[1], "The registrars", 1, 32))
        )
        trustees = tuple(
            shape.word(name, "A trustee's institution") for name in shape.array(row[5], "The trustees", 1, 32)
        )
        made = cls(
            shape.word(row[0], "A class's name"), registrars, shape.uint(row[2], "k"), shape.uint(row[3], "f"),
            shape.uint(row[4], "The number of identity sources"), trustees, shape.uint(row[6], "t"),
            shape.uint(row[7], "The number of corrupt trustees"), shape.uint(row[8], "The smallest tally"),
            shape.uint(row[9], "The notice", 0, MAX_NOTICE), shape.uint(row[10], "The longest duration", 1),
            shape.uint(row[11], "The number of organisers", 1, 32), shape.uint(row[12], "The challenge window"),
            shape.uint(row[13], "The margin", 0, MARGIN), bool(shape.uint(row[14], "Whether heads are witnessed", 0, 1)),
        )  # fmt: skip
        made._check()
        return made

    @property
    def institutions(self) -> set[str]:
        """All in its lists."""
        return {*self.trustees, *(seat.institution for seat in self.registrars)}

    def _check(self) -> None:
        names = [institution for institution, _ in self.registrars]
        check_threshold(len(names), self.k, self.f, REGISTRARS)
        check_threshold(len(self.trustees), self.t, self.f_t, TRUSTEES)
        if len(set(names)) < len(names) or len(set(self.trustees)) < len(self.trustees):
            raise Refused("class", Message("Class {name!r} names an institution twice.", name=self.name))
        if set(names) & set(self.trustees):
            raise Refused(
                "class",
                Message("In class {name!r} an institution is registrar and trustee of the same polls.", name=self.name),
            )
        if not 1 <= self.sources <= min(self.k, len({source for _, source in self.registrars})):
            raise Refused(
                "class",
                Message(
                    "Class {name!r} wants {sources} identity sources, which k permits cannot give.",
                    name=self.name,
                    sources=self.sources,
                ),
            )
        left = fewest_sources([source for _, source in self.registrars], self.f)
        if left < self.sources:
            raise Refused(
                "class",
                Message(
                    "In class {name!r} {f} registrars who refuse leave {left} identity sources of the {sources} wanted: they could "
                    "stop every poll.",
                    name=self.name,
                    f=self.f,
                    left=left,
                    sources=self.sources,
                ),
                Message("Choose registrars with more sources, or fewer sources a ballot."),
            )
        if self.smallest < 2:
            raise Refused(
                "class",
                Message(
                    "Class {name!r}: the smallest tally must be at least 2, or single ballots are opened.",
                    name=self.name,
                ),
            )


@dataclass(frozen=True)
class Charter(ByOffice):
    """What a ledger begins with. ``k`` institutions act together; ``time`` is that of genesis, seconds since 1970.

    ``origin`` is the log's name in checkpoints (C2SP); ``engine`` says who makes its blocks and signs its heads. ``witnesses``:
    how many of the observers who cosign heads may be corrupt; None if nobody is asked to. ``test``: by what a test ledger
    divides all durations; 0 in earnest.
    """

    origin: str
    name: Text
    time: int
    offices: tuple[OfficeSeat, ...]
    k: int
    classes: tuple[PollClass, ...]
    engine: Engine
    witnesses: int | None = None
    test: int = 0

    kind: ClassVar[str] = "charter"

    def body(self) -> list[Any]:
        return [1, self.origin, list(self.name), self.time,
                [[name, str(role), key] for name, role, key in self.offices], self.k, [c.body() for c in self.classes], self.engine.body(),
                [] if self.witnesses is None else [self.witnesses], self.test]  # fmt: skip

    def lasting(self, seconds: int) -> int:
        """How long something lasts here that takes ``seconds`` in earnest: on a test ledger the ``test``-th part, rounded up."""
        return -(-seconds // max(self.test, 1))

    @property
    def operators(self) -> tuple[str, ...]:
        """The institutions that run the engine: one, or all validators."""
        return self.engine.operators

    @property
    def validators(self) -> tuple[Validator, ...]:
        """Those with which a network begins, in the order of their institutions; none on the embedded engine."""
        keys = {office.institution: office.key for office in self.offices if office.role is Role.VALIDATOR}
        return tuple(Validator(row.institution, keys[row.institution], row.votes) for row in self.engine.validators)

    @property
    def institutions(self) -> set[str]:
        """All that the charter names: those that run the engine, those that hold offices, and those in the lists of its classes."""
        listed = (name for one in self.classes for name in one.institutions)
        return {*self.operators, *(office.institution for office in self.offices), *listed}

    @property
    def halt(self) -> int:
        """Seconds between two blocks above which the ledger halted in between."""
        return max(self.lasting(HALT), HALT_BLOCKS * self.engine.seconds)

    @classmethod
    def parse(cls, body: Any) -> Self:
        """As for every entry; :func:`read_charter` checks the signatures too."""
        row = shape.array(body, "A charter", 10, 10)
        shape.uint(row[0], "The charter's version", 1, 1)
        origin = shape.word(row[1], "The origin", 100)
        if any(not "!" <= c <= "~" or c == "+" for c in origin):
            raise Refused(
                "charter",
                Message("The origin must be plain ASCII, without spaces and plus signs."),
                Message("For example: veche.city.example/ledger"),
            )
        offices = []
        for office in shape.array(row[4], "The offices", 1, 200):
            institution, role, key = shape.array(office, "An office", 3, 3)
            known = Role.named(role, "charter")
            offices.append(
                OfficeSeat(shape.word(institution, "An institution"), known, shape.office_key(key, "An office's key"))
            )
        if len({(o.institution, o.role) for o in offices}) < len(offices) or len({o.key for o in offices}) < len(
            offices
        ):
            raise Refused("charter", Message("An institution holds two keys of a kind, or two offices share a key."))
        classes = tuple(PollClass.parse(c) for c in shape.array(row[6], "The classes", 1, 100))
        if len({fold(c.name) for c in classes}) < len(classes):
            raise Refused("charter", Message("Two classes have the same name."))
        k = shape.uint(row[5], "k", 1, len({office.institution for office in offices}))
        engine = read_engine(row[7])
        witnesses = shape.array(row[8], "The witnesses", 0, 1)
        made = cls(
            origin, shape.line(row[2], "The ledger's name", 500), shape.uint(row[3], "The time of genesis"),
            tuple(offices), k, classes, engine, shape.uint(witnesses[0], "The number of corrupt witnesses") if witnesses else None,
            shape.uint(row[9], "The divisor of a test ledger", 0, MAX_TEST),
        )  # fmt: skip
        for names in (made.institutions, {seat.source for one in classes for seat in one.registrars}):
            must_be_one_spelling(names, "charter")
        made._check_validators()
        made.check_witnesses(sum(o.role is Role.OBSERVER and o.institution not in made.operators for o in offices))
        if made.witnesses is None and any(c.witnessed for c in classes):
            raise Refused(
                "charter",
                Message("A class wants witnessed heads, and the charter asks for no witnesses."),
                Message("Say in the charter how many witnesses may be corrupt, and name them as observers."),
            )
        return made

    def _check_validators(self) -> None:
        seats = [office.institution for office in self.offices if office.role is Role.VALIDATOR]
        if sorted(seats) != [row.institution for row in self.engine.validators]:
            raise Refused(
                "charter",
                Message("The institutions with an office as validator are not just those that the engine names."),
                Message("Give each validator one such office, and nobody else; the embedded engine has none."),
            )
        if {row.votes for row in self.engine.validators} & {office.key for office in self.offices}:
            raise Refused(
                "charter",
                Message("A validator votes with a key that has another use, too."),
                Message("Make one that has no other."),
            )

    def check_witnesses(self, count: int) -> None:
        """Raise Refused("class", ...) if so many witnesses are too few for this charter."""
        if self.witnesses is not None:
            check_threshold(count, quorum(count, self.witnesses), self.witnesses, WITNESSES)

    def witnesses_suffice(self, count: int) -> bool:
        """Whether so many witnesses are enough for this charter."""
        try:
            self.check_witnesses(count)
        except Refused:
            return False
        return True


def find_class(classes: Sequence[PollClass], name: str) -> PollClass:
    """The one of this name. Raises Refused("class", ...)."""
    for found in classes:
        if found.name == name:
            return found
    raise Refused(
        "class",
        Message("The ledger has no class {name!r}.", name=name),
        Message("It has: {list}.", list=", ".join(one.name for one in classes)),
    )


def read_charter(data: bytes) -> Charter:
    """The charter in these bytes, the log's entry 0, signed by all its offices and nobody else. Raises Refused."""
    item = decode(data)
    if item[0] != Charter.kind:
        raise Refused("charter", Message("A ledger must begin with its charter."))
    signed = signatures(item)
    charter = Charter.parse(item[1])
    keys = {key for key, _ in signed}
    if keys != {office.key for office in charter.offices}:
        missing = [f"{office.institution} ({office.role})" for office in charter.offices if office.key not in keys]
        raise Refused(
            "charter",
            Message("The charter must be signed by all its offices, and by nobody else."),
            Message("Still to sign: {list}.", list=", ".join(missing)) if missing else "",
        )
    check_signatures(signed_message(b"", item[0], item[1]), signed)
    return charter
