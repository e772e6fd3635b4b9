"""The result of a poll as a table for spreadsheets: CSV as in RFC 4180, in UTF-8 with the mark by which spreadsheets know it.

A row is an answer to a question, of all ballots together (no ``group``) and of each group, or groups, that were counted apart.

Texts of the poll stand in “quotation marks”, always, and what is not in them is ours or a number. So no answer becomes a formula
(=1+1), a date (1-2) or a number (0123) in a spreadsheet, and none is changed: take the first and the last character away, and it
is what the ledger says. Programs better read the JSON.
"""

import csv
import io
from collections.abc import Sequence

from veche.audit.poll_view import PollView, QuestionView, people_of
from veche.texts import Localizable

COLUMNS = (
    "poll", "title", "group", "ballots", "weight", "people", "question", "question_text", "answer", "answer_text", "votes",
)  # fmt: skip
"""``ballots`` that were counted, what they weigh together (``weight``), of how many ``people`` on the roll; ``question`` and ``answer``
are numbers from 1, as on the ballot, and a blank vote has no number."""
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def result_csv(poll: PollView, language: str) -> bytes:
    """The whole file, of a poll that has a result, with texts in this language."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)

    def write(group: str, ballots: int, weight: int, people: int | None, questions: Sequence[QuestionView]) -> None:
        counts = (ballots, weight, "" if people is None else people)
        for number, question in enumerate(questions, 1):
            for place, answer in enumerate(question.answers, 1):
                text = answer.text.text(language) if answer.blank else quoted(answer.text, language)
                choice = ("" if answer.blank else place, text, answer.votes)
                writer.writerow([poll.id, title, group, *counts, number, quoted(question.text, language), *choice])

    title = quoted(poll.title, language)
    write("", poll.counted, poll.weight, poll.people, poll.questions)
    for cell in poll.cells:
        group = " + ".join(quoted(name, language) for name in cell.names)
        write(group, cell.counted, cell.weight, people_of([poll.groups[one] for one in cell.groups]), cell.questions)
    return (MARK + file.getvalue()).encode()


def quoted(text: Localizable, language: str) -> str:
    """Somebody else's text, whole, in quotation marks."""
    return f"“{text.text(language)}”"
