"""Collecting permits: the registrars of a poll whose folders are on this machine, and what they say of a voter."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from veche.cli.permit_file import PermitFile
from veche.cli.reading import Reading
from veche.cli.voter_seed import VoterSeed
from veche.errors import Refused, UserError, VecheError, because
from veche.ledger.poll_state import PollState
from veche.permit.mail import AnswerFile
from veche.permit.permit import Permit
from veche.terminal.say import agreed, say
from veche.texts import Listed, Localizable, Message, Plural, Words
from veche.voter.permits import Collected, RegistrarsRefused, narrowed
from veche.voter.voter import Voter

if TYPE_CHECKING:
    from veche.registrar.registrar import Registrar


class Desk(Protocol):
    """Whoever answers for a registrar: the registrar, or a file in which it has answered."""

    def group_of(self, person: str, poll: bytes) -> int:
        """The group in which this person votes. Raises Refused."""

    def issue(self, person: str, poll: bytes, blinded: bytes, group: int | None = None) -> bytes:
        """The blind signature. Raises Refused."""


@dataclass(frozen=True)
class AnsweredDesk:
    """A registrar's answer in the place of the registrar, as :func:`veche.cli.collecting.collect` asks one."""

    path: Path
    answer: AnswerFile

    def group_of(self, person: str, poll: bytes) -> int:
        """In which group it says that they vote. Raises Refused as it did."""
        if self.answer.group is None:
            raise self._refused()
        return self.answer.group

    def issue(self, person: str, poll: bytes, blinded: bytes, group: int | None = None) -> bytes:
        """The blind signature, if it answers this very request. Raises Refused as the registrar did, and UserError."""
        if self.answer.signature is None:
            raise self._refused()
        if self.answer.blinded != blinded:
            raise UserError(
                Message(
                    "The answer in {path} is to another request: one of another seed, or for another group.",
                    path=self.path,
                ),
                Message("Give the answers to the request that was made with this seed last."),
            )
        return self.answer.signature

    def _refused(self) -> Refused:
        return Refused(self.answer.rule, Message("{said}", said=self.answer.message))


@contextmanager
def open_registrars(desks: tuple[Path, ...], reading: Reading, poll: PollState) -> Iterator[dict[int, "Registrar"]]:
    """Registrars' folders, by their place in the poll's class. Raises UserError for one that is not in it."""
    registrars: dict[int, Registrar] = {}
    with ExitStack() as stack:
        if desks:
            from veche.registrar import registrar  # only now: its database takes longer to load than all the rest
        for desk in desks:
            opened = stack.enter_context(registrar.Registrar(desk))
            place = poll.registrar(opened.office.public)
            if place is not None:
                registrars[place] = opened
            else:
                raise reading.no_registrar(opened.office.public)
        yield registrars


def collect(
    voter: Voter,
    seed: VoterSeed,
    poll: PollState,
    kept: PermitFile,
    opened: Mapping[int, Desk],
    person: str | None,
    despite_refusal: bool,
) -> tuple[int, Collected]:
    """The voter's group and all permits: those that are kept, and new ones of the registrars that are named; all are kept.

    Every registrar is asked whose permit is not there yet, at each visit. Raises UserError if the group is not known, or some
    registrar names another and the voter does not go on despite that, and what a registrar said if none gave a permit.
    """
    before = kept.read()
    if before is not None and not opened:
        return before[0], Collected(before[1])
    if not poll.has_enough_keys:
        raise UserError(
            Message("Too few registrars have published permit keys for this poll yet."), Message("Try again later.")
        )
    if person is None or (before is None and len(opened) < poll.poll_class.k):
        raise UserError(
            Message("A first ballot in this poll needs permits of {k} registrars.", k=poll.poll_class.k),
            Message(
                "Say who you are and where they are: --person ID, and --registrar FOLDER (or --answer FILE) for each of them"
            ),
        )
    group = _group(poll, opened, person, despite_refusal) if before is None else before[0]
    seed.keep(person)
    collected = voter.collect_permits(
        poll.frozen,
        {registrar: keys for registrar, keys in poll.permit_keys.items() if registrar in opened},
        group,
        lambda registrar, blinded: opened[registrar].issue(person, poll.id, blinded, group),
        before[1] if before is not None else None,
    )
    if not collected.permits and all(isinstance(refusal.error, Refused) for refusal in collected.refusals.values()):
        seed.take_back()
    else:
        seed.say_if_new()
    kept.add_refusals(collected.refusals, datetime.now(UTC).date())
    if not collected.permits:
        for refusal in collected.refusals.values():
            raise refusal.error
    kept.write(group, collected.permits)
    return group, collected


def _group(poll: PollState, opened: Mapping[int, Desk], person: str, despite_refusal: bool) -> int:
    """The group that k registrars name: so many that one of them is honest. Nobody is asked for a permit before that is clear, nor
    before the voter knows who names another group, or none: a permit is for one group, and there is no second."""
    k = poll.poll_class.k
    groups = [Words(group.name.en, group.name.ru) for group in poll.definition.groups]
    said: dict[int, list[str]] = {}
    without: list[str] = []
    failure: VecheError | None = None
    for registrar, desk in opened.items():
        institution = poll.poll_class.registrars[registrar].institution
        try:
            said.setdefault(desk.group_of(person, poll.id), []).append(institution)
        except VecheError as error:
            failure = error
            if isinstance(error, Refused) and error.rule == "roll":
                without.append(institution)
    enough = [group for group, names in said.items() if len(names) >= k]
    if said and (len(said) > 1 or without):
        views: list[Localizable] = [
            Message("{names}: {group}", group=groups[group], names=", ".join(names))
            for group, names in sorted(said.items())
        ]
        if without:
            views.append(Message("{names}: not on the roll", names=", ".join(without)))
        disagree = Message(
            "The registrars do not agree in which group you vote ({views}). {signed}",
            views=Listed(tuple(views), "; "),
            signed=Message("A permit is for one group, and you have some already, for the group that you asked for.")
            if any(isinstance(desk, AnsweredDesk) and desk.answer.signature is not None for desk in opened.values())
            else Message("None was asked for a permit."),
        )
        if len(enough) != 1:
            raise UserError(
                disagree,
                Plural("{count} of them must name one group: name more of them with --registrar, and ask those that are wrong to "
                       "correct their rolls for the next poll.",
                       "{count} of them must name one group: name more of them with --registrar, and ask those that are wrong to "
                       "correct their rolls for the next poll.", k),
            )  # fmt: skip
        if not despite_refusal:
            raise UserError(
                disagree,
                Message("Ask those that are wrong to correct their rolls before the next poll. To vote in {group} all the same: "
                        "--despite-refusal. {narrowed}", group=groups[enough[0]], narrowed=narrowed(poll.poll_class)),
            )  # fmt: skip
    if enough:
        return enough[0]
    raise failure or UserError(
        Message("Fewer than {k} registrars say in which group you vote.", k=k),
        Message("Name more of them with --registrar."),
    )


def said_by(registrar: int, collected: Collected) -> Localizable | None:
    """What a registrar said that gave no permit; None if it was not asked."""
    refusal = collected.refusals.get(registrar)
    return because(refusal.error) if refusal is not None else None


def permits_to_show(
    voter: Voter, poll: PollState, group: int, collected: Collected, kept: PermitFile, ask: bool, despite_refusal: bool
) -> list[Permit]:
    """The permits of a first ballot. If registrars refused, the voter is told so, and asked if ``ask``.

    Raises RegistrarsRefused if the voter does not want to vote despite that, and UserError if there are too few permits.
    """
    seen = poll.seen(group)
    try:
        return voter.choose_permits(poll.frozen, seen, collected, despite_refusal)
    except RegistrarsRefused as refused:
        for registrar in refused.registrars:
            if said := said_by(registrar, collected):
                name = poll.poll_class.registrars[registrar].institution
                refused.said = Listed(
                    (refused.said, Message("{registrar} says: {said}", registrar=name, said=said)), " "
                )
        if kept.refusals.exists():
            refused.said = Message(
                "{refused} What they were asked and answered is in {refusals}: show it to whom you like.",
                refused=refused.said,
                refusals=kept.refusals,
            )
        if not ask:
            raise
        say(refused.said, err=True)
        agreed(Message("Vote all the same?"), Message("Nothing was cast or sealed."), err=True)
        return voter.choose_permits(poll.frozen, seen, collected, True)
