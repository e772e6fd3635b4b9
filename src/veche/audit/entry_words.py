"""How polls, entries and trackers are written for people and for scripts."""

import base64
import re
from typing import Any

from veche.audit.poll_view import question_views
from veche.audit.values import values
from veche.errors import Refused
from veche.ledger import entries
from veche.ledger.codec import decode, digest
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.committee import COMPLAINT, SILENT
from veche.ledger.entries.statements import OutcomeStatus
from veche.ledger.entries.tally import TOO_FEW_KEYS
from veche.ledger.life import CommitteePhase
from veche.ledger.poll_state import CommitteeState
from veche.ledger.shape import Text
from veche.ledger.signing import signatures
from veche.ledger.state import State
from veche.texts import (
    N_,
    SECOND,
    Listed,
    Localizable,
    Message,
    Moment,
    Number,
    Plural,
    Said,
    Verbatim,
    Words,
    one_line,
)


def both(text: Text) -> str:
    """A text in both languages, once if they are the same, in one line."""
    return one_line(text.en if text.en == text.ru else f"{text.en} / {text.ru}")


def short(id_: bytes) -> str:
    """An id as a person types it: twelve digits are enough anywhere an id is asked for."""
    return id_.hex()[:12]


def tracker(digest: bytes) -> str:
    """A ballot's tracker as Belenios writes it: 43 characters."""
    return base64.b64encode(digest).decode().rstrip("=")


def code_text(code: bytes) -> str:
    """All of a ballot's code in sixteen groups of four digits."""
    return code.hex(" ", 2)


STATUSES = {
    OutcomeStatus.WILL: N_("it will be done"),
    OutcomeStatus.DONE: N_("it is done"),
    OutcomeStatus.NOT: N_("it will not be done"),
}
"""What the city says of a poll, in a line."""
STEPS = {
    entries.CertificateStep.kind: N_("certificates"),
    entries.SharesStep.kind: N_("shares"),
    entries.KeyStep.kind: N_("keys"),
    entries.Complaint.kind: N_("complaints"),
}
"""What trustees do to make a key, by the kind of the entry."""


def committee_status(committee: CommitteeState) -> Localizable:
    if committee.phase == CommitteePhase.VOID:
        return Message("void: {reason}", reason=reason(committee.reason))
    if committee.finished is not None:
        return Message("finished {time}", time=Moment(committee.finished))
    steps = [
        Message("{step}: {done} of {size}", step=Message(STEPS[kind]), done=len(done), size=committee.size)
        for kind, done in committee.steps.items()
    ]
    return Message("waits for trustees ({steps})", steps=Listed(tuple(steps)) if steps else Message("nobody has begun"))


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


def describe(item: list[Any], state: State) -> Localizable:
    """A decoded entry in one line, after its kind; whatever it holds."""
    if item[0] == entries.BALLOT:
        return _describe_ballot(item)
    try:
        said = _describe(entries.parse_item(item), state)
    except Refused as refused:
        return Message("it is malformed: {why}", why=refused.said)
    return Listed((said, _signed_by(item, state)))


def _describe_ballot(item: list[Any]) -> Localizable:
    match item:
        case [_, bytes(poll), int(group), bytes(), list(permits), int(turn), bytes()]:
            permits_of = Plural("{count} permit", "{count} permits", len(permits))
            return Message(
                "in poll {poll}, group {group}, turn {turn}, {permits}",
                poll=short(poll), group=str(group), turn=turn, permits=permits_of,
            )  # fmt: skip
    return Message("it is malformed")


def _signed_by(item: list[Any], state: State) -> Said:
    keys = [pair[0] for pair in item[2]] if len(item) == 3 else []
    names = [state.offices[key].institution if key in state.offices else "?" for key in keys]
    return Message("by {names}", names=", ".join(dict.fromkeys(names))) if names else ""


def _numbers(result: entries.Result, state: State) -> Localizable:
    """A result in a line: each answer with its votes."""
    poll = state.poll(result.poll)
    if poll is None:
        return Message("a poll that is not here")
    questions = question_views(poll.definition.questions, result.total)
    return Listed(
        tuple(
            Listed(tuple(Listed((one.text, Number(one.votes or 0)), " ") for one in question.answers))
            for question in questions
        ),
        "; ",
    )


def reason(said: str) -> Localizable:
    """Why something is void: the ledger's rules say it in English, and in few words, which are known here."""
    if found := re.fullmatch(COMPLAINT.format(index=r"(\d+)", against=r"(\d+)"), said):
        return Message(COMPLAINT, index=found[1], against=found[2])
    return Message(said) if said in (SILENT, TOO_FEW_KEYS) else Verbatim(one_line(said))


def _describe(entry: entries.Entry, state: State) -> Localizable:
    match entry:
        case entries.BlockEntry(height, time):
            return Message("height {height}, {time}", height=height, time=Moment(time, SECOND))
        case entries.Charter():
            return Listed((Words(*entry.name),))
        case entries.Poll():
            return Listed((Words(*entry.title),))
        case entries.OfficeChange() | entries.OfficeEffect():
            return Message(
                "{action} {institution} as {role}", action=entry.action, institution=entry.institution, role=entry.role
            )
        case entries.NewClass():
            return Verbatim(entry.poll_class.name)
        case entries.Address():
            return Verbatim(entry.url)
        case entries.EngineChange():
            return Listed(tuple(founder.row.institution for founder in entry.founders))
        case entries.Restart():
            said = Listed(tuple(founder.row.institution for founder in entry.founders))
            return Message("from {size} entries on with {list}", size=entry.size, list=said)
        case entries.DoubleSigning():
            return Message("consensus key {key}, height {height}", key=entry.votes.hex()[:16], height=entry.height)
        case entries.Validators():
            return Listed(tuple(validator.institution for validator in entry.rows))
        case entries.CommitteeCall():
            return Message("class {name}, {mode}", name=entry.class_name, mode=entry.mode)
        case entries.Notice():
            return Listed((Words(*entry.text),))
        case entries.Outcome():
            return _of(entry.poll, Listed((Message(STATUSES[entry.status]), Words(*entry.text)), ": "))
        case entries.Cancel() | entries.Contest():
            return _of(entry.poll, Listed((Words(*entry.text),)))
        case entries.Void():
            return _of(entry.poll, reason(entry.reason))
        case entries.CommitteeVoid():
            return Message("committee {id}: {said}", id=short(entry.committee), said=reason(entry.reason))
        case entries.Tally() | entries.TooFew():
            return _of(entry.poll, Plural("{count} ballot counted", "{count} ballots counted", entry.counted))
        case entries.Result():
            return _of(entry.poll, _numbers(entry, state))
        case entries.RulesWithdrawal():
            return Message("version {version}", version=entry.version)
        case entries.RulesVersion():
            return Message("version {version} from {time}", version=entry.version, time=Moment(entry.since, SECOND))
        case entries.PermitKeys() | entries.Issuance() | entries.Decryption():
            return Message("poll {id}", id=short(entry.poll))
        case entries.CertificateStep() | entries.SharesStep() | entries.KeyStep() | entries.Complaint():
            return Message("committee {id}, trustee {index}", id=short(entry.committee), index=entry.index)
    raise AssertionError(f"a kind that nobody describes: {entry.kind}")


def _of(poll: bytes, said: Localizable) -> Localizable:
    """What an entry says of a poll."""
    return Message("poll {id}: {said}", id=short(poll), said=said)
