"""How polls, entries and trackers are written for people and for scripts."""

import base64
from collections.abc import Iterator
from typing import Any

from veche.ledger.entry import decode
from veche.ledger.poll import Choice, Poll
from veche.ledger.shape import Text
from veche.ledger.state import CommitteeState, PollState, State
from veche.texts import duration, iso_time


def both(text: Text) -> str:
    """A text in both languages, once if they are alike."""
    return text.en if text.en == text.ru else f"{text.en} / {text.ru}"


def short(id_: bytes) -> str:
    """An id as a person types it: twelve digits are enough anywhere an id is asked for."""
    return id_.hex()[:12]


def tracker(digest: bytes) -> str:
    """A ballot's tracker as Belenios writes it: 43 characters."""
    return base64.b64encode(digest).decode().rstrip("=")


def status_of(poll: PollState, now: float) -> str:
    """Where the poll stands, in one word; ``now`` in seconds since 1970."""
    if poll.status != "announced":
        return {"counting": "decrypting", "decided": "decided"}.get(poll.status, poll.status)
    if now < poll.poll.opens:
        return "announced"
    return "open" if now < poll.closing else "closed"


STATUS = {
    "announced": "not open yet",
    "open": "open: ballots are taken",
    "closed": "closed; the next block tallies it",
    "decrypting": "closed and tallied; the trustees decrypt",
    "decided": "decided",
    "too-few": "closed; too few voted, so it is never decrypted",
    "void": "void: a registrar published no permit keys in time",
    "cancelled": "cancelled; it is never decrypted",
}


def question_lines(question: Choice, number: int) -> Iterator[str]:
    yield f"{number}. {both(question.text)}"
    if question.least == question.most:
        rule = f"choose {question.most}"
    elif question.least == 0:
        rule = f"choose up to {question.most}"
    else:
        rule = f"choose {question.least} to {question.most}"
    yield f"   ({rule}{', or leave it blank' if question.blank else ''})"
    for i, answer in enumerate(question.answers, 1):
        yield f"   {i:>3}  {both(answer)}"


def poll_lines(poll: Poll) -> Iterator[str]:
    """A poll's definition, as it is seen before it is signed and after it is published."""
    yield both(poll.title)
    if poll.background != ("", ""):
        yield ""
        yield poll.background.en.strip()
        if poll.background.ru != poll.background.en:
            yield ""
            yield poll.background.ru.strip()
    for number, question in enumerate(poll.questions, 1):
        yield ""
        yield from question_lines(question, number)
    yield ""
    for i, group in enumerate(poll.groups):
        yield f"{'Who votes:' if i == 0 else '':<11}{both(group.name)}{f' (weight {group.weight})' if group.weight != 1 else ''}"
    yield f"Opens:     {iso_time(poll.opens)}"
    yield f"Closes:    {iso_time(poll.closes)}  ({duration(poll.closes - poll.opens)})"
    yield f"Class:     {poll.class_name}"
    yield f"Committee: {short(poll.committee)}"
    for name, hashed in poll.attachments:
        yield f"Attached:  {name}  {hashed.hex()}"


def result_of(poll: PollState) -> list[list[int]] | None:
    """The numbers of each question, the blank flag's first where there is one; None as long as there is no result."""
    if poll.result is None:
        return None
    total: list[list[int]] = decode(poll.result)[1][2]
    return total


def tally_of(poll: PollState) -> int | None:
    """How many ballots counted; None before closing, and if too few did."""
    return None if poll.tally is None else int(decode(poll.tally)[1][1])


def poll_json(poll: PollState, now: float) -> dict[str, Any]:
    definition, result = poll.poll, result_of(poll)
    return {
        "poll": poll.id.hex(),
        "entry": poll.entry,
        "status": status_of(poll, now),
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
        "voters": sum(poll.counted),
        "counted": tally_of(poll),
        "result": result,
    }  # fmt: skip


def committee_status(committee: CommitteeState) -> str:
    if committee.void is not None:
        return f"void: {committee.void}"
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
    """An entry in one line, after its kind; whatever it holds."""
    try:
        return _describe(item, state)
    except (TypeError, ValueError, LookupError, AttributeError):
        return "it is malformed"


def _describe(item: list[Any], state: State) -> str:
    kind, body = item[0], item[1]
    by = ""
    if len(item) == 3:
        names = [state.offices.get(key, ("?", "", False))[0] for key, _ in item[2]]
        by = f", by {' and '.join(dict.fromkeys(names))}" if names else ""
    match kind:
        case "block":
            text = f"height {body[0]}, {iso_time(body[1])}"
        case "charter":
            return str(body[2][0])
        case "ballot":
            return f"in poll {short(body)}, group {item[2]}, turn {item[5]}, {len(item[4])} permits"
        case "poll":
            text = f"{body[1][0]}"
        case "office":
            text = f"{body[0]} {body[1]} as {body[2]}"
        case "committee":
            text = f"class {body[0]}, {body[1]}"
        case "notice":
            text = body[1][0]
        case "outcome":
            text = f"poll {short(body[0])}: {body[1]}: {body[2][0]}"
        case "cancel":
            text = f"poll {short(body[0])}: {body[1][0]}"
        case "void" | "committee-void":
            text = f"{short(body[0])}: {body[1]}"
        case "tally" | "too-few":
            text = f"poll {short(body[0])}: {body[1]} ballots counted"
        case "result":
            text = f"poll {short(body[0])}: {body[2]}"
        case "rules":
            text = f"version {body[0]} from {iso_time(body[1])}"
        case _:
            text = short(body[0])
    return text.replace("\n", " ") + by
