"""The groups of a poll held against the rolls before it is published: a name that is wrong then voids it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from veche.audit.entry_words import both
from veche.cli.desk import are_all, district_of
from veche.errors import UserError
from veche.ledger.shape import Text
from veche.registrar.registrar import Registrar, group_names
from veche.registrar.roll_file import BadLine, Resident, read_roll
from veche.terminal.say import say
from veche.texts import Message, Plural


def hold_against(groups: Sequence[Text], rolls: Sequence[Path]) -> None:
    """Show for each roll how many people each group has, and which districts are in none.

    Raises UserError if a registrar with one of these rolls could not open the poll: after all of them were shown.
    """
    wrong: UserError | None = None
    for roll in rolls:
        districts = _districts(roll)
        click.echo()
        say(Message("On the roll {roll}:", roll=roll))
        try:
            _show(groups, districts)
        except UserError as error:
            error.said = Message("{path}: {why}", path=roll, why=error.said)
            wrong = wrong or error
    if wrong is not None:
        raise wrong


def _show(groups: Sequence[Text], districts: Mapping[str, int]) -> None:
    if are_all(groups, districts):
        click.echo(f"  {sum(districts.values()):>8}  {both(groups[0])}")
        return
    served, wrong = set(), None
    for group in groups:
        try:
            district = district_of(group, districts)
        except UserError as error:
            wrong = wrong or error
            click.echo(f"  {0:>8}  {both(group)}")
            continue
        served.add(district)
        click.echo(f"  {districts[district]:>8}  {both(group)}")
    left = {district: people for district, people in districts.items() if district not in served}
    if left:
        say(Plural("{count} person lives in a district that is in no group of the poll, and cannot vote:",
                   "{count} people live in districts that are in no group of the poll, and cannot vote:", sum(left.values())))  # fmt: skip
        for district, people in left.items():
            click.echo(f"  {people:>8}  {district}")
    if wrong is not None:
        raise wrong
    group_names([district_of(group, districts) for group in groups], everyone=False)


def _districts(roll: Path) -> Mapping[str, int]:
    """How many people live in each district, by a registrar's folder or by a file. Raises UserError if it is neither, or is empty."""
    if roll.is_dir():
        with Registrar(roll) as opened:
            found: Mapping[str, int] = opened.districts()
    else:
        found = _of_file(roll)
    if not found:
        raise UserError(Message("There is nobody on the roll {roll}.", roll=roll))
    return found


def _of_file(roll: Path) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for line in read_roll(roll):
        if isinstance(line, BadLine):
            raise UserError(
                Message("{roll}, line {line}: {reason}.", roll=roll, line=str(line.line), reason=line.reason),
                Message("See all that is wrong with it: veche registrar import FOLDER {roll} --dry-run", roll=roll),
            )
        if isinstance(line, Resident):
            found[line.district] += 1
    return found
