"""``poll``: a poll as organisers publish it, parsed once, never changed. docs/protocol.md, section 2.5."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from veche.errors import Refused
from veche.ledger import shape
from veche.ledger.entries.entry import ByOffice
from veche.ledger.shape import Attachment, Text
from veche.texts import Message

MAX_GROUPS = 200  # a permit-key entry with as many keys of 2048 bits fits
MAX_CELLS = 900  # ciphertexts x groups: what fits into one tally entry
MAX_BALLOT = 60_000  # bytes of a packed ballot
BALLOT_ROOM = 65_418  # bytes of an entry that a first ballot and its permits have: all but 117
PERMIT_ROOM = 552  # bytes of a permit under a modulus of 4096 bits


@dataclass(frozen=True)
class Choice:
    """A homomorphic question: choose ``least`` to ``most`` of ``answers``, or leave it blank if that is allowed."""

    text: Text
    answers: tuple[Text, ...]
    least: int
    most: int
    blank: bool

    @property
    def ciphertexts(self) -> int:
        return len(self.answers) + self.blank

    def body(self) -> list[Any]:
        return ["choice", list(self.text), [list(a) for a in self.answers], self.least, self.most, int(self.blank)]

    @classmethod
    def parse(cls, item: Any, number: int = 1) -> Self:
        """``number``: of the question in its poll, from 1, for what is said of it."""
        row = shape.array(item, "A question", 6, 6)
        if row[0] != "choice":
            raise Refused("shape", Message("This program does not know questions of type {row!r}.", row=row[0]))
        said = shape.line(row[1], Message("Question {number}", number=number), 2000)
        answers = shape.lines(
            shape.array(row[2], "The answers", 1, 64),
            lambda place: Message("Question {number}, answer {place}", number=number, place=place),
            500,
        )
        least, most = shape.uint(row[3], "min", 0, len(answers)), shape.uint(row[4], "max", 1, len(answers))
        if least > most:
            raise Refused("shape", Message("A question's min is greater than its max."))
        shape.differ(answers, Message("Question {number}, answers", number=number))
        blank = bool(shape.uint(row[5], "blank", 0, 1))
        if not blank and (len(answers) == 1 or least == len(answers)):
            raise Refused(
                "shape",
                Message(
                    "There is nothing to choose in question {number}: it has one answer only, or wants them all.",
                    number=number,
                ),
                Message("Add an answer, want fewer, or let voters leave it blank."),
            )
        return cls(said, answers, least, most, blank)


@dataclass(frozen=True)
class Group:
    """A district or a share: its voters have permits of their own, and each ballot weighs ``weight``."""

    name: Text
    weight: int


@dataclass(frozen=True)
class Poll(ByOffice):
    """The frozen definition. Times are seconds since 1970; ``closes`` is as published (halts move the closing)."""

    class_name: str
    title: Text
    background: Text
    questions: tuple[Choice, ...]
    groups: tuple[Group, ...]
    opens: int
    closes: int
    committee: bytes
    attachments: tuple[Attachment, ...] = ()

    kind: ClassVar[str] = "poll"

    @property
    def ciphertexts(self) -> int:
        return sum(question.ciphertexts for question in self.questions)

    def body(self) -> list[Any]:
        return [self.class_name, list(self.title), list(self.background), [q.body() for q in self.questions],
                [[list(g.name), g.weight] for g in self.groups], self.opens, self.closes, self.committee,
                [list(row) for row in self.attachments]]  # fmt: skip

    @classmethod
    def parse(cls, body: Any) -> Self:
        row = shape.array(body, "A poll", 9, 9)
        questions = tuple(
            Choice.parse(question, number)
            for number, question in enumerate(shape.array(row[3], "The questions", 1, 64), 1)
        )
        pairs = [shape.array(pair, "A group", 2, 2) for pair in shape.array(row[4], "The groups", 1, MAX_GROUPS)]
        names = shape.lines(
            [name for name, _ in pairs], lambda place: Message("The name of group {place}", place=place), 200
        )
        shape.differ(names, "The names of groups")
        weights = [shape.uint(weight, "A group's weight", 1, 1 << 40) for _, weight in pairs]
        groups = tuple(map(Group, names, weights))
        made = cls(
            shape.word(row[0], "The class"), shape.line(row[1], "The title", 500),
            shape.text(row[2], "The background", 20_000, empty=True), questions, groups, shape.uint(row[5], "The opening"),
            shape.uint(row[6], "The closing"), shape.data(row[7], "The committee", 32), shape.attachments(row[8]),
        )  # fmt: skip
        if made.opens >= made.closes:
            raise Refused("poll-dates", Message("The poll closes before it opens."))
        if made.ciphertexts * len(groups) > MAX_CELLS:
            raise Refused("poll-size", Message("Answers times groups are {ciphertexts}; {max_cells} are the most.", ciphertexts=made.ciphertexts * len(groups), max_cells=MAX_CELLS),
                          Message("Use fewer answers or fewer groups, or split the poll."))  # fmt: skip
        return made
