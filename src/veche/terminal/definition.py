"""A poll's definition as voters see it in a terminal: texts, questions, who votes, and when."""

from collections.abc import Iterator

from veche.audit.entry_words import both, short
from veche.ledger.entries.poll import Choice, Poll
from veche.terminal.foreign import beside, marked
from veche.texts import Localizable, Message, Moment, Verbatim, duration


def how_many(question: Choice) -> Localizable:
    """How many of its answers a question wants."""
    if question.least == question.most:
        return Message("choose {most}", most=question.most)
    if question.least == 0:
        return Message("choose up to {most}", most=question.most)
    return Message("choose {least} to {most}", least=question.least, most=question.most)


def question_lines(question: Choice, number: int) -> Iterator[Localizable]:
    """A question and its answers, as a voter chooses among them."""
    yield Verbatim(beside(f"{number}. ", both(question.text)))
    rule = how_many(question)
    yield Message("   ({rule}, or leave it blank)", rule=rule) if question.blank else Message("   ({rule})", rule=rule)
    for i, answer in enumerate(question.answers, 1):
        yield Verbatim(beside(f"   {i:>3}  ", both(answer)))


def poll_lines(poll: Poll) -> Iterator[Localizable]:
    """A poll's definition as voters see it. What is about to be signed is shown whole: :mod:`veche.terminal.written`."""
    yield Message("Title: {title}", title=both(poll.title))
    for text in dict.fromkeys(poll.background):
        if text.strip():
            yield Verbatim("")
            yield Verbatim(marked(text))
    for number, question in enumerate(poll.questions, 1):
        yield Verbatim("")
        yield from question_lines(question, number)
    yield Verbatim("")
    for group in poll.groups:
        name = both(group.name)
        if group.weight == 1:
            yield Message("Who votes: {name}", name=name)
        else:
            yield Message("Who votes: {name} (weight {weight})", name=name, weight=group.weight)
    yield Message("Opens:     {time}", time=Moment(poll.opens))
    yield Message("Closes:    {time}  ({lasts})", time=Moment(poll.closes), lasts=duration(poll.closes - poll.opens))
    yield Message("Class:     {name}", name=poll.class_name)
    yield Message("Committee: {id}", id=short(poll.committee))
    for name, hashed in poll.attachments:
        yield Message("Attached:  {name}  {hash}", name=name, hash=hashed.hex())
