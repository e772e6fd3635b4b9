"""A Belenios election: what is asked, in which group, under which key.

The text of the election is hashed into every proof, so ``Election.from_json`` takes only what ``to_json`` writes back
byte for byte. Veche derives the election of a poll (docs/protocol.md, 2.5); an archive brings its own.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from veche.ballot.canonical import Hex, Record, b64, decode, encode
from veche.errors import DoesNotHold, Unsupported
from veche.texts import Message

GROUP = "Ed25519"
VERSION = 1
STEP = "A4"

Uuid = Annotated[str, Meta(pattern=r"\A[1-9A-HJ-NP-Za-km-z]{14,}\Z", max_length=200)]
"""At least 14 characters of Bitcoin's Base58 alphabet."""
MAX_CIPHERTEXTS = 10_000
"""The longest ballot paper that this program takes on, over all questions."""
Number = Annotated[int, Meta(ge=0, le=2**30 - 1)]


class Question(Record, frozen=True, kw_only=True):
    """A question whose answers are summed: ``min`` to ``max`` of the answers, or blank where that is allowed."""

    answers: list[str]
    blank: bool | None = None
    min: Number
    max: Number
    question: str

    @property
    def ciphertexts(self) -> int:
        """How many ciphertexts answer this question: one for each answer, and first the blank flag if there is one."""
        return len(self.answers) + bool(self.blank)


class Election(Record, frozen=True, kw_only=True):
    """The public parameters of an election. ``public_key`` is the text of a point."""

    version: int = VERSION
    description: str
    name: str
    group: str = GROUP
    public_key: Hex
    questions: list[Question]
    uuid: Uuid
    administrator: str | None = None
    credential_authority: str | None = None

    def to_json(self) -> bytes:
        """The election's text, of which ``fingerprint`` is the hash."""
        return encode(self)

    @classmethod
    def from_json(cls, raw: bytes) -> "Election":
        """Reads an election. Raises Unsupported for a kind of election that this program does not know,
        DoesNotHold (A3) for JSON that is not canonical, DoesNotHold (A4) for a question that nobody could answer."""
        try:
            election = decode(raw, cls, Message("the election"))
        except DoesNotHold:
            _refuse_unknown(raw)
            raise
        _refuse_unknown(raw)
        if not election.questions:
            raise _odd(Message("it asks nothing"))
        if sum(question.ciphertexts for question in election.questions) > MAX_CIPHERTEXTS:
            raise Unsupported(
                Message(
                    "The election has more than {max_ciphertexts} answers, too many for this program.",
                    max_ciphertexts=MAX_CIPHERTEXTS,
                )
            )
        for number, question in enumerate(election.questions, 1):
            if question.min > question.max:
                raise DoesNotHold(
                    STEP,
                    Message("question {number}", number=number),
                    Message(
                        "Nobody can answer question {number}: it wants at least {min} and at most {max}.",
                        number=number,
                        min=question.min,
                        max=question.max,
                    ),
                )
            if not question.answers or question.max > len(question.answers):
                raise _odd(
                    Message(
                        "question {number} allows {max} of {answers} answers",
                        number=number,
                        max=question.max,
                        answers=len(question.answers),
                    )
                )
        return election

    @property
    def fingerprint(self) -> str:
        """phi: the hash of the text, 43 characters, which every proof of this election hashes."""
        return b64(self.to_json())


class _QuestionKind(msgspec.Struct):
    type: str | None = None


class _Kind(msgspec.Struct):
    """As much of an election as says whether this program knows its kind."""

    version: int = VERSION
    group: str = GROUP
    questions: list[_QuestionKind] = []
    language: object = None


def _odd(why: Message) -> Unsupported:
    return Unsupported(
        Message("The election is of a kind that nobody makes, and this program cannot check it: {why}.", why=why)
    )


def _refuse_unknown(raw: bytes) -> None:
    try:
        kind = msgspec.json.decode(raw, type=_Kind)
    except (msgspec.MsgspecError, UnicodeError, ValueError, RecursionError):
        return  # Not a kind of election at all: the strict reader has said what is wrong.
    hint = Message("Use a verifier made for this kind of election.")
    if kind.version != VERSION:
        raise Unsupported(
            Message(
                "The election is of version {version}, and this program knows version 1 only.", version=kind.version
            ),
            hint,
        )
    if kind.group != GROUP:
        raise Unsupported(
            Message("The election uses the group {group}, and this program knows Ed25519 only.", group=kind.group[:60]),
            hint,
        )
    for question in kind.questions:
        if question.type is not None:
            raise Unsupported(
                Message(
                    "A question is of the type {type}, and this program knows homomorphic questions only.",
                    type=question.type[:60],
                ),
                hint,
            )
    if kind.language is not None:
        raise Unsupported(
            Message("The election names its language, which Belenios 3.0 did not; this program cannot check it."), hint
        )
