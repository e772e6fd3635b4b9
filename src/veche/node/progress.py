"""What becomes of an entry on its way, and how the API says it."""

from enum import StrEnum

import msgspec

from veche.errors import Refused
from veche.ledger.promise import Promise
from veche.texts import Localizable, Words


class Stage(StrEnum):
    """How far an entry has come: durable at this node, promised by over a third of the validators, in the ledger, under a final head."""

    KEPT = "kept"
    SENT = "sent"
    LEDGER = "ledger"
    FINAL = "final"
    REFUSED = "refused"

    @property
    def ends(self) -> bool:
        """Whether nothing follows."""
        return self in (Stage.FINAL, Stage.REFUSED)


class Said(msgspec.Struct, frozen=True):
    """A sentence in both languages: the node does not know its reader's."""

    en: str
    ru: str

    @classmethod
    def of(cls, said: Localizable) -> "Said":
        words = Words.of(said)
        return cls(words.en, words.ru)


class Refusal(msgspec.Struct, frozen=True):
    """Why an entry was refused: the rule's name (docs/protocol.md, section 8), a sentence, and what to do."""

    rule: str
    message: Said
    hint: Said

    @classmethod
    def of(cls, refused: Refused) -> "Refusal":
        return cls(refused.rule, Said.of(refused.said), Said.of(refused.advice))


class Failure(msgspec.Struct, frozen=True):
    """What was wrong with a request, or with this node."""

    message: Said
    hint: Said


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """``entry``: SHA-256 in hexadecimal digits. ``number``: in the log, from ``ledger`` on. ``promises``: of validators, if it is a ballot."""

    entry: str
    stage: Stage
    number: int | None = None
    refusal: Refusal | None = None
    promises: list[Promise] = []
