"""Collecting permits: the registrars of a poll whose folders are on this machine, and what they say of a voter."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veche.cli.permit_file import PermitFile
from veche.cli.reading import Reading
from veche.cli.voter_seed import VoterSeed
from veche.errors import Refused, UserError, VecheError
from veche.ledger.poll_state import PollState
from veche.permit.permit import Permit
from veche.voter.permits import Collected, RegistrarsRefused
from veche.voter.voter import Voter

if TYPE_CHECKING:
    from veche.registrar.registrar import Registrar


@contextmanager
def open_registrars(desks: tuple[Path, ...], reading: Reading, poll: PollState) -> Iterator[dict[int, "Registrar"]]:
    """Registrars' folders, by their place in the poll's class; those that are not in it are left out."""
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
                reading.holder(opened.office.public)
        yield registrars


def collect(
    voter: Voter,
    seed: VoterSeed,
    poll: PollState,
    kept: PermitFile,
    opened: Mapping[int, "Registrar"],
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
        raise UserError("Too few registrars have published permit keys for this poll yet.", "Try again later.")
    if person is None or (before is None and len(opened) < poll.poll_class.k):
        raise UserError(
            f"A first ballot in this poll needs permits of {poll.poll_class.k} registrars.",
            "Say who you are and where they are: --person ID, and --registrar FOLDER for each of them",
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
    kept.add_refusals(collected.refusals, datetime.now(UTC).date())
    if not collected.permits:
        if all(isinstance(refusal.error, Refused) for refusal in collected.refusals.values()):
            seed.take_back()
        for refusal in collected.refusals.values():
            raise refusal.error
    kept.write(group, collected.permits)
    return group, collected


def _group(poll: PollState, opened: Mapping[int, "Registrar"], person: str, despite_refusal: bool) -> int:
    """The group that k registrars name: so many that one of them is honest. Nobody is asked for a permit before that is clear, nor
    before the voter knows who names another group: a permit is for one group, and there is no second."""
    said: dict[int, list[str]] = {}
    failure: VecheError | None = None
    for registrar, desk in opened.items():
        try:
            said.setdefault(desk.group_of(person, poll.id), []).append(
                poll.poll_class.registrars[registrar].institution
            )
        except VecheError as error:
            failure = error
    groups = poll.definition.groups
    views = "; ".join(f"{', '.join(names)}: {groups[group].name.en}" for group, names in sorted(said.items()))
    for group, names in said.items():
        if len(names) >= poll.poll_class.k:
            if len(said) > 1 and not despite_refusal:
                raise UserError(
                    f"The registrars do not agree in which group you vote ({views}). None was asked for a permit.",
                    "Ask those that are wrong to correct their rolls before the next poll. "
                    f"To vote in {groups[group].name.en} all the same: --despite-refusal",
                )
            return group
    if len(said) > 1:
        raise UserError(
            f"The registrars do not agree in which group you vote ({views}). None was asked for a permit.",
            "Ask those that are wrong to correct their rolls.",
        )
    raise failure or UserError(
        f"Fewer than {poll.poll_class.k} registrars say in which group you vote.", "Name more of them with --registrar."
    )


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
        if kept.refusals.exists():
            refused.message += f" What they were asked and answered is in {kept.refusals}: show it to whom you like."
        if not ask:
            raise
        click.echo(refused.message, err=True)
        click.confirm("Vote all the same?", abort=True, err=True)
        return voter.choose_permits(poll.frozen, seen, collected, True)
