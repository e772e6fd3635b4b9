"""Permits by file: a voter and registrars on different machines. The files: :mod:`veche.permit.mail`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from veche.cli import options
from veche.cli.collecting import AnsweredDesk
from veche.cli.entry_file import keep_entry
from veche.cli.permit_file import PermitFile
from veche.cli.reading import Reading
from veche.cli.voter_seed import VoterSeed
from veche.durable import PRIVATE
from veche.errors import Refused, UserError, VecheError, because
from veche.ledger.poll_state import PollState
from veche.permit.mail import LARGEST_ANSWER, LARGEST_REQUEST, AnswerFile, RequestFile
from veche.permit.request import PermitRequest
from veche.registrar.registrar import Registrar
from veche.registrar.roll_file import clean
from veche.terminal.say import say
from veche.texts import Listed, Message, Words
from veche.voter.voter import Voter
from veche.words import in_every_language


def ask(
    path: Path,
    reading: Reading,
    poll: PollState,
    voter: Voter,
    seed: VoterSeed,
    kept: PermitFile,
    person: str | None,
    group: str | None,
) -> RequestFile:
    """Write a request to all registrars that published keys and whose permit is not kept yet. Raises UserError.

    ``group``: as the poll calls it, in either language; it need not be given where there is one.
    """
    if not poll.has_enough_keys:
        raise UserError(
            Message("Too few registrars have published permit keys for this poll yet."), Message("Try again later.")
        )
    if person is None:
        raise UserError(
            Message("A request says for whom it is."),
            Message("Say who you are on the registrars' rolls: --person ID"),
        )
    before = kept.read()
    place = _group(poll, group, before[0] if before is not None else None)
    missing = sorted(poll.permit_keys.keys() - (before[1].keys() if before is not None else set()))
    if not missing:
        raise UserError(
            Message("The permits of all registrars are kept already."), Message("Vote when the poll opens.")
        )
    credential = voter.credential(poll.id)
    asked = {
        registrar: PermitRequest(
            seed.seed, poll.id, place, credential, poll.permit_keys[registrar].groups[place].modulus
        ).blinded
        for registrar in missing
    }
    try:
        made = RequestFile(reading.id, poll.id, place, clean(person), asked)
    except ValueError as error:
        raise UserError(
            Message("Who you are, --person, {error}.", error=because(error)),
            Message("Say it as the registrars' rolls do."),
        ) from None
    seed.keep(person)
    try:
        keep_entry(path, made.to_json(), PRIVATE)
    except VecheError:
        seed.take_back()
        raise
    seed.say_if_new()
    return made


def _group(poll: PollState, name: str | None, known: int | None) -> int:
    names = [group.name for group in poll.definition.groups]
    if name is None:
        if known is not None or len(names) == 1:
            return known or 0
        found = []
    else:
        wanted = name.strip().casefold()
        found = [place for place, both in enumerate(names) if wanted in (both.en.casefold(), both.ru.casefold())]
    if len(found) != 1:
        said = Listed(tuple(Words(both.en, both.ru) for both in names))
        raise UserError(
            Message("It is not clear in which group you vote."),
            Message("Say one with --group: {groups}", groups=said),
        )
    if known is not None and known != found[0]:
        raise UserError(
            Message("The permits that are kept are for the group {group}.", group=names[known].en),
            Message("Leave --group out."),
        )
    return found[0]


def answered(files: Sequence[Path], reading: Reading, poll: PollState) -> Mapping[int, AnsweredDesk]:
    """The registrars' answers in these files, by the registrar's place in the class. Raises UserError if one is for something else."""
    found: dict[int, AnsweredDesk] = {}
    for path in files:
        data = options.read_file(path, LARGEST_ANSWER)
        with options.naming(path):
            answer = AnswerFile.from_json(data)
        is_there = answer.registrar in poll.permit_keys and (answer.group or 0) < len(poll.definition.groups)
        if (answer.ledger, answer.poll) != (reading.id, poll.id) or not is_there:
            raise UserError(
                Message("The answer in {path} is not for this poll.", path=path),
                Message("Name the poll for which you asked."),
            )
        if answer.registrar in found:
            raise UserError(
                Message("Two of these answers are by the same registrar: {path} is the second.", path=path),
                Message("Give the newer one."),
            )
        found[answer.registrar] = AnsweredDesk(path, answer)
    return found


def read_request(path: Path, reading: Reading, person: str) -> RequestFile:
    """The request in this file, of this person and for a poll of this ledger. Raises UserError."""
    data = options.read_file(path, LARGEST_REQUEST)
    with options.naming(path):
        request = RequestFile.from_json(data)
    if request.ledger != reading.id:
        raise UserError(
            Message("The request in {path} is for another ledger.", path=path),
            Message("Ask the person which they mean."),
        )
    try:
        same = clean(person) == clean(request.person)
    except ValueError:
        same = False
    if not same:
        raise UserError(
            Message("The request in {path} is of somebody else: {person}.", path=path, person=request.person),
            Message("Nothing was signed. Serve each person with their own request."),
        )
    return request


def serve(
    opened: Registrar, reading: Reading, poll: PollState, request: RequestFile
) -> tuple[AnswerFile, Refused | None]:
    """Answer a request as the registrar would be asked in person; what it refuses is an answer, too, and is here beside it for
    whoever serves the person. Raises UserError."""
    place = poll.registrar(opened.office.public)
    if place not in request.blinded or place is None:
        raise UserError(
            Message("This request asks nothing of this registrar."),
            Message("The person has its permit already, or meant another one."),
        )
    blinded = request.blinded[place]
    ids = reading.id, poll.id, place
    group: int | None = None
    try:
        group = opened.group_of(request.person, poll.id)
        signature = opened.issue(request.person, poll.id, blinded, request.group)
    except Refused as refused:
        return AnswerFile(*ids, group, blinded, None, refused.rule, refused.message), refused
    return AnswerFile(*ids, group, blinded, signature), None


def show_request(request: RequestFile, poll: PollState, err: bool = False) -> None:
    """For whom and what a request is, and its code."""
    group = poll.definition.groups[request.group].name
    said = Message(
        "A request of {person} in the poll “{title}”, group {group}. Its code:",
        person=request.person, title=Words(*poll.definition.title), group=Words(*group),
    )  # fmt: skip
    say(said, err=err)
    for words in in_every_language(request.code).values():
        click.echo(f"  {words}", err=err)
