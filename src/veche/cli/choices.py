"""What a voter chooses: numbers on the command line, and what a ballot wants."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import click

from veche.audit.entry_words import both
from veche.audit.poll_view import question_views
from veche.audit.values import values
from veche.errors import UserError
from veche.ledger.entries.poll import Choice, Poll
from veche.terminal.definition import how_many, question_lines
from veche.terminal.say import prompt, say
from veche.texts import Listed, Localizable, Message, Plural, Said, languages

A_BLANK = Message("Blank")
"""How a voter says that a question is left blank, in any language and case."""


def parse_choices(poll: Poll, texts: Sequence[str]) -> list[list[int]]:
    """One text a question: ``2``, ``1,3,5``, ``0`` (none) or ``blank``. The answer is as :meth:`veche.voter.voter.Voter.seal`
    wants it. Raises UserError with the question that it does not fit."""
    if len(texts) != len(poll.questions):
        count = len(poll.questions)
        wanted = Plural("The poll has {count} question", "The poll has {count} questions", count)
        given = Plural("{count} choice was given", "{count} choices were given", len(texts))
        raise UserError(
            Message("{wanted}, and {given}.", wanted=wanted, given=given),
            Message("Give --choose once for each question, in their order."),
        )
    return [
        parse_choice(question, text, i) for i, (question, text) in enumerate(zip(poll.questions, texts, strict=True), 1)
    ]


def parse_choice(question: Choice, text: str, number: int) -> list[int]:
    """One question's choice; see :func:`parse_choices`."""
    hint = Message('Its answers are numbered from 1 to {last}: see "veche poll show".', last=len(question.answers))
    flags = [0] * len(question.answers)
    if any(text.strip().casefold() == A_BLANK.text(language).casefold() for language in languages()):
        if not question.blank:
            raise UserError(Message("Question {number} cannot be left blank.", number=number), hint)
        return [1, *flags]
    for part in text.split(",") if text.strip() != "0" else []:
        if not re.fullmatch(r"\s*[0-9]{1,4}\s*", part) or not 1 <= int(part) <= len(flags):
            raise UserError(
                Message("{part!r} is not an answer to question {number}.", part=part.strip()[:40], number=number), hint
            )
        if flags[int(part) - 1]:
            raise UserError(
                Message("Answer {part} to question {number} was given twice.", part=int(part), number=number), hint
            )
        flags[int(part) - 1] = 1
    if not question.least <= sum(flags) <= question.most:
        raise UserError(
            Message("Question {number}: {rule}; {given}.", number=number, rule=how_many(question),
                    given=Plural("{count} answer was chosen", "{count} answers were chosen", sum(flags))),
            hint,
        )  # fmt: skip
    return [0, *flags] if question.blank else flags


def choice_lines(poll: Poll, choices: Sequence[Sequence[int]]) -> Iterator[Localizable]:
    """What was chosen, in words."""
    for number, (question, flags) in enumerate(zip(poll.questions, choices, strict=True), 1):
        answers = flags[1:] if question.blank else flags
        chosen: tuple[Said, ...] = tuple(both(one) for one, flag in zip(question.answers, answers, strict=True) if flag)
        if question.blank and flags[0]:
            chosen = (Message("left blank"),)
        said = Listed(chosen or (Message("none of the answers"),))
        yield Message("{number}. {question}  ->  {chosen}", number=number, question=both(question.text), chosen=said)


def choices_json(poll: Poll, choices: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """The same for scripts: each answer with whether it was chosen, a blank vote the last."""
    questions = question_views(poll.questions, tuple(map(tuple, choices)))
    return [
        {
            "text": values(question.text),
            "answers": [
                {"text": values(one.text), "blank": one.blank, "chosen": bool(one.votes)} for one in question.answers
            ],
        }
        for question in questions
    ]


def ask_choices(poll: Poll) -> list[list[int]]:
    """Show each question and ask until the answer fits."""
    say(Message("Title: {title}", title=both(poll.title)))
    choices = []
    for number, question in enumerate(poll.questions, 1):
        click.echo("")
        for line in question_lines(question, number):
            say(line)
        wanted = Message("Your choice, or “{blank}”", blank=A_BLANK) if question.blank else Message("Your choice")
        while True:
            try:
                choices.append(parse_choice(question, prompt(wanted), number))
                break
            except UserError as mistake:
                say(Listed((mistake.said, mistake.advice), " "))
    return choices
