"""Bring a new roll into the registrar's database, and see what it changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select

from veche.city import registrar_store as store
from veche.city.registrar_store import RegistrarStore
from veche.city.roll import BadLine, read_roll
from veche.errors import UserError

_BATCH = 10_000


@dataclass(slots=True)
class RollReport:
    """What an import did, or would do: people on the new roll, and compared with the one before.

    moved: people in another district than before. districts: how many live in each. bad: lines that cannot be used.
    """

    people: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    districts: dict[str, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)


class _TakeBack(Exception):
    """Ends a transaction that is not to be kept."""


def import_roll(database: RegistrarStore, path: Path, dry_run: bool) -> RollReport:
    """Make a roll of a CSV file, in one transaction. A dry run is the same transaction, taken back.

    Raises UserError, with nothing imported, if the file is no roll or empty, or, but for a dry run, if a line is bad.
    Other requests to an SQLite database wait meanwhile: about ten seconds for a million people.
    """
    report = RollReport()
    try:
        with database.writing() as connection:
            _fill(connection, path, report)
            if dry_run:
                raise _TakeBack
            if report.bad:
                first, count = report.bad[0], len(report.bad)
                raise UserError(
                    f"{count} line{'s'[: count - 1]} of the roll cannot be used; line {first.line}: {first.reason}.",
                    "Nothing was imported. A dry run lists them all.",
                )
            if report.people == 0:
                raise UserError("There is nobody on this roll.", "Nothing was imported.")
            delete_unused_rolls(connection)
    except _TakeBack:
        pass
    return report


def current_roll(connection: Connection) -> int | None:
    """The newest roll, which the next poll gets; None if nothing was ever imported."""
    newest: int | None = connection.execute(select(func.max(store.roll.c.id))).scalar()
    return newest


def delete_unused_rolls(connection: Connection) -> None:
    """Forget the rolls that no poll needs and that are not the newest."""
    used = select(store.poll.c.roll).where(store.poll.c.roll.is_not(None))
    newest = current_roll(connection)
    connection.execute(delete(store.roll).where(store.roll.c.id != newest, store.roll.c.id.not_in(used)))


def _fill(connection: Connection, path: Path, report: RollReport) -> None:
    """Write the file's residents into a new roll, and fill in the report."""
    before = current_roll(connection)
    new = connection.execute(insert(store.roll)).inserted_primary_key[0]  # type: ignore[index]

    def rows_of_residents() -> Iterator[dict[str, object]]:
        for line in read_roll(path):
            if isinstance(line, BadLine):
                report.bad.append(line)
            else:
                yield {"roll": new, "person": line.person, "name": line.name, "district": line.district}

    rows = rows_of_residents()
    while batch := list(islice(rows, _BATCH)):
        connection.execute(insert(store.resident), batch)
        report.people += len(batch)

    resident, old = store.resident, store.resident.alias()
    district = resident.c.district
    count = select(district, func.count()).where(resident.c.roll == new).group_by(district).order_by(district)
    report.districts = {row[0]: row[1] for row in connection.execute(count)}
    both = resident.join(old, (resident.c.person == old.c.person) & (old.c.roll == before))
    same = select(func.count()).select_from(both).where(resident.c.roll == new)
    stayed = connection.execute(same).scalar_one()
    report.moved = connection.execute(same.where(district != old.c.district)).scalar_one()
    report.added = report.people - stayed
    previous = select(func.count()).select_from(resident).where(resident.c.roll == before)
    report.removed = connection.execute(previous).scalar_one() - stayed
