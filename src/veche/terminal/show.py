"""How polls, entries and trackers are written for people and for scripts."""

import base64
from collections.abc import Iterator
from typing import Any

from veche.audit.poll_view import question_views
from veche.audit.values import values
from veche.errors import Refused
from veche.ledger import entries
from veche.ledger.codec import decode, digest
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.poll import Choice, Poll
from veche.ledger.life import CommitteePhase
from veche.ledger.poll_state import CommitteeState
from veche.ledger.shape import Text
from veche.ledger.signing import signatures
from veche.ledger.state import State
from veche.terminal.foreign import beside, marked
from veche.texts import Localizable, Message, Verbatim, duration, iso_time, one_line


def both(text: Text) -> str:
    """A text in both languages, once if they are the same, in one line."""
    return one_line(text.en if text.en == text.ru else f"{text.en} / {text.ru}")


def short(id_: bytes) -> str:
    """An id as a person types it: twelve digits are enough anywhere an id is asked for."""
    return id_.hex()[:12]


def tracker(digest: bytes) -> str:
    """A ballot's tracker as Belenios writes it: 43 characters."""
    return base64.b64encode(digest).decode().rstrip("=")


def question_lines(question: Choice, number: int) -> Iterator[Localizable]:
    """A question and its answers, as a voter chooses among them."""
    yield Verbatim(beside(f"{number}. ", both(question.text)))
    if question.least == question.most:
        rule = Message("choose {most}", most=question.most)
    elif question.least == 0:
        rule = Message("choose up to {most}", most=question.most)
    else:
        rule = Message("choose {least} to {most}", least=question.least, most=question.most)
    yield Message("   ({rule}, or leave it blank)", rule=rule) if question.blank else Message("   ({rule})", rule=rule)
    for i, answer in enumerate(question.answers, 1):
        yield Verbatim(beside(f"   {i:>3}  ", both(answer)))


def poll_lines(poll: Poll) -> Iterator[Localizable]:
    """A poll's definition as voters see it. What is about to be signed is shown whole: :mod:`veche.terminal.whole`."""
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
    yield Message("Opens:     {time}", time=iso_time(poll.opens))
    yield Message("Closes:    {time}  ({lasts})", time=iso_time(poll.closes), lasts=duration(poll.closes - poll.opens))
    yield Message("Class:     {name}", name=poll.class_name)
    yield Message("Committee: {id}", id=short(poll.committee))
    for name, hashed in poll.attachments:
        yield Message("Attached:  {name}  {hash}", name=name, hash=hashed.hex())


def committee_status(committee: CommitteeState) -> str:
    if committee.phase == CommitteePhase.VOID:
        return f"void: {committee.reason}"
    if committee.finished is not None:
        return f"finished {iso_time(committee.finished)}"
    steps = ", ".join(
        f"{len(done)} of {committee.size} {kind.removeprefix('committee-')}" for kind, done in committee.steps.items()
    )
    return f"waits for trustees ({steps or 'nobody has begun'})"


def entry_json(number: int, data: bytes, state: State) -> dict[str, Any]:
    """An entry with its fields by name, byte strings in hexadecimal. A form that this program does not know is a ``problem``."""
    item = decode(data)
    shown: dict[str, Any] = {"entry": number, "kind": item[0], "hash": digest(data).hex(), "says": None}
    try:
        if item[0] == entries.BALLOT:
            ballot = read_ballot(data)
            permits = [
                {"registrar": registrar, "prefix": prefix.hex(), "signature": signature.hex()}
                for registrar, prefix, signature in item[4]
            ]
            names = ("poll", "group", "ballot", "permits", "turn", "signature")
            parts = (ballot.poll, ballot.group, ballot.ballot, permits, ballot.turn, item[6])
            return {**shown, "says": values(dict(zip(names, parts, strict=True)))}
        entry = entries.parse_item(item)
        shown["says"] = values(entry)
        if isinstance(entry, entries.Result) and (poll := state.poll(entry.poll)) is not None:
            shown["says"]["questions"] = values(question_views(poll.definition.questions, entry.total))
        if len(item) == 3:
            shown["signatures"] = [
                {"key": key.hex(), "institution": _institution(key, state), "signature": signature.hex()}
                for key, signature in signatures(item)
            ]
    except Refused as refused:
        shown["problem"] = refused.message
    return shown


def _institution(key: bytes, state: State) -> str | None:
    return state.offices[key].institution if key in state.offices else None


def describe(item: list[Any], state: State) -> str:
    """A decoded entry in one line, after its kind; whatever it holds."""
    if item[0] == entries.BALLOT:
        return _describe_ballot(item)
    try:
        text = _describe(entries.parse_item(item), state)
    except Refused as refused:
        return f"it is malformed: {refused.message}"
    return " ".join(text.split("\n")) + _signed_by(item, state)


def _describe_ballot(item: list[Any]) -> str:
    match item:
        case [_, bytes(poll), int(group), bytes(), list(permits), int(turn), bytes()]:
            return f"in poll {short(poll)}, group {group}, turn {turn}, {len(permits)} permits"
    return "it is malformed"


def _signed_by(item: list[Any], state: State) -> str:
    keys = [pair[0] for pair in item[2]] if len(item) == 3 else []
    names = [state.offices[key].institution if key in state.offices else "?" for key in keys]
    return f", by {' and '.join(dict.fromkeys(names))}" if names else ""


def _numbers(result: entries.Result, state: State) -> str:
    """A result in a line: each answer with its votes."""
    poll = state.poll(result.poll)
    if poll is None:
        return "a poll that is not here"
    questions = question_views(poll.definition.questions, result.total)
    return "; ".join(
        ", ".join(f"{answer.text} {answer.votes}" for answer in question.answers) for question in questions
    )


def _describe(entry: entries.Entry, state: State) -> str:
    match entry:
        case entries.BlockEntry(height, time):
            return f"height {height}, {iso_time(time)}"
        case entries.Charter():
            return entry.name.en
        case entries.Poll():
            return entry.title.en
        case entries.OfficeChange() | entries.OfficeEffect():
            return f"{entry.action} {entry.institution} as {entry.role}"
        case entries.CommitteeCall():
            return f"class {entry.class_name}, {entry.mode}"
        case entries.Notice():
            return entry.text.en
        case entries.Outcome():
            return f"poll {short(entry.poll)}: {entry.status}: {entry.text.en}"
        case entries.Cancel() | entries.Contest():
            return f"poll {short(entry.poll)}: {entry.text.en}"
        case entries.Void():
            return f"{short(entry.poll)}: {entry.reason}"
        case entries.CommitteeVoid():
            return f"{short(entry.committee)}: {entry.reason}"
        case entries.Tally() | entries.TooFew():
            return f"poll {short(entry.poll)}: {entry.counted} ballots counted"
        case entries.Result():
            return f"poll {short(entry.poll)}: {_numbers(entry, state)}"
        case entries.RulesVersion():
            return f"version {entry.version} from {iso_time(entry.since)}"
        case entries.PermitKeys() | entries.Issuance() | entries.Decryption():
            return f"poll {short(entry.poll)}"
        case entries.CertificateStep() | entries.SharesStep() | entries.KeyStep() | entries.Complaint():
            return f"committee {short(entry.committee)}, trustee {entry.index}"
    raise AssertionError(f"a kind that nobody describes: {entry.kind}")
