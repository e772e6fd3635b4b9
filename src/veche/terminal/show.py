"""How polls, entries and trackers are written for people and for scripts."""

import base64
from collections.abc import Iterator
from typing import Any

from veche.errors import Refused
from veche.ledger import entries
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.poll import Choice, Poll
from veche.ledger.entries.result import Numbers
from veche.ledger.life import CommitteePhase, Stage, stage
from veche.ledger.poll_state import CommitteeState, PollState
from veche.ledger.shape import Text
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


def stage_of(poll: PollState, now: float) -> Stage:
    """Where the poll stands; ``now`` in seconds since 1970."""
    return stage(poll.phase, poll.definition.opens, poll.closing, now)


STAGES = {
    Stage.ANNOUNCED: "not open yet",
    Stage.OPEN: "open: ballots are taken",
    Stage.CLOSED: "closed; the next block tallies it",
    Stage.COUNTING: "closed and tallied; the trustees decrypt",
    Stage.DECIDED: "decided",
    Stage.TOO_FEW: "closed; too few voted, so it is never decrypted",
    Stage.VOID: "void: too few registrars published permit keys in time",
    Stage.CANCELLED: "cancelled; it is never decrypted",
}


def stage_word(poll: PollState, now: float) -> str:
    """The same in one word, for lists and scripts."""
    found = stage_of(poll, now)
    return "decrypting" if found == Stage.COUNTING else str(found)


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


def result_of(poll: PollState) -> Numbers | None:
    """The numbers of each question, the blank flag's first where there is one; None as long as there is no result."""
    return None if poll.result is None else poll.result.total


def tally_of(poll: PollState) -> int | None:
    """How many ballots counted; None before closing, and if too few did."""
    return None if poll.tally is None else poll.tally.counted


def poll_json(poll: PollState, charter: Charter, now: float) -> dict[str, Any]:
    definition, result = poll.definition, result_of(poll)
    return {
        "poll": poll.id.hex(),
        "entry": poll.number,
        "status": stage_word(poll, now),
        "class": definition.class_name,
        "title": definition.title._asdict(),
        "background": definition.background._asdict(),
        "questions": [
            {
                "text": q.text._asdict(), "answers": [a._asdict() for a in q.answers],
                "min": q.least, "max": q.most, "blank": q.blank,
            }
            for q in definition.questions
        ],
        "groups": [{"name": g.name._asdict(), "weight": g.weight} for g in definition.groups],
        "opens": definition.opens,
        "closes": definition.closes,
        "closing": poll.closing,
        "committee": definition.committee.hex(),
        "attachments": [{"name": name, "hash": hashed.hex()} for name, hashed in definition.attachments],
        "contested": poll.contests,
        "voters": sum(poll.counted),
        "counted": tally_of(poll),
        "result": result,
        "challenge": poll.challenge_until(charter),
    }  # fmt: skip


def committee_status(committee: CommitteeState) -> str:
    if committee.phase == CommitteePhase.VOID:
        return f"void: {committee.reason}"
    if committee.finished is not None:
        return f"finished {iso_time(committee.finished)}"
    steps = ", ".join(
        f"{len(done)} of {committee.size} {kind.removeprefix('committee-')}" for kind, done in committee.steps.items()
    )
    return f"waits for trustees ({steps or 'nobody has begun'})"


def entry_json(item: Any) -> Any:
    """A decoded entry with its byte strings in hex."""
    if isinstance(item, bytes):
        return item.hex()
    if isinstance(item, list):
        return [entry_json(part) for part in item]
    return item


def describe(item: list[Any], state: State) -> str:
    """A decoded entry in one line, after its kind; whatever it holds."""
    if item[0] == entries.BALLOT:
        return _describe_ballot(item)
    try:
        text = _describe(entries.parse_item(item))
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


def _describe(entry: entries.Entry) -> str:
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
            return f"poll {short(entry.poll)}: {[list(row) for row in entry.total]}"
        case entries.RulesVersion():
            return f"version {entry.version} from {iso_time(entry.since)}"
        case entries.PermitKeys() | entries.Issuance() | entries.Decryption():
            return f"poll {short(entry.poll)}"
        case entries.CertificateStep() | entries.SharesStep() | entries.KeyStep() | entries.Complaint():
            return f"committee {short(entry.committee)}, trustee {entry.index}"
    raise AssertionError(f"a kind that nobody describes: {entry.kind}")
