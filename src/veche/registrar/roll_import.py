"""Bring a new roll into the registrar's database, and see what it changes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, literal, select

from veche.errors import UserError
from veche.registrar import store as store
from veche.registrar.roll_file import BadLine, read_roll
from veche.registrar.store import RegistrarStore

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


def import_roll(database: RegistrarStore, path: Path, dry_run: bool) -> RollReport:
    """Read a roll aside, compare it with the current one, and unless this is a dry run put it in its place.

    The last step is one transaction: after a crash there is the new roll or the old one. Raises UserError, with
    nothing imported, if the file is no roll or empty, or, but for a dry run, if a line is bad. Requests to an SQLite
    database wait for the comparison and the last step only, seconds for a million people.
    """
    with database.aside() as connection:
        report = _read_aside(connection, path)
        if dry_run:
            return report
        if report.bad:
            first, count = report.bad[0], len(report.bad)
            raise UserError(
                f"{count} line{'s'[: count - 1]} of the roll cannot be used; line {first.line}: {first.reason}.",
                "Nothing was imported. A dry run lists them all.",
            )
        if report.people == 0:
            raise UserError("There is nobody on this roll.", "Nothing was imported.")
        connection.commit()
        connection.execution_options(veche_reading=False)
        with connection.begin():
            new = connection.execute(insert(store.roll)).inserted_primary_key[0]  # type: ignore[index]
            columns = store.incoming.c
            everybody = select(literal(new), columns.person, columns.name, columns.district).order_by(columns.person)
            names = ["roll", "person", "name", "district"]
            connection.execute(insert(store.resident).from_select(names, everybody))
            delete_unused_rolls(connection)
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


def _read_aside(connection: Connection, path: Path) -> RollReport:
    """Read the file into the temporary table, and compare."""
    report = RollReport()
    incoming, resident = store.incoming, store.resident
    incoming.create(connection)

    def rows_of_residents() -> Iterator[dict[str, str]]:
        for line in read_roll(path):
            if isinstance(line, BadLine):
                report.bad.append(line)
            else:
                yield {"person": line.person, "name": line.name, "district": line.district}

    rows = rows_of_residents()
    while batch := list(islice(rows, _BATCH)):
        connection.execute(insert(incoming), batch)
        report.people += len(batch)
    count = select(incoming.c.district, func.count()).group_by(incoming.c.district).order_by(incoming.c.district)
    report.districts = {row[0]: row[1] for row in connection.execute(count)}

    before = resident.c.roll == current_roll(connection)
    both = incoming.join(resident, (resident.c.person == incoming.c.person) & before)
    stayed = connection.execute(select(func.count()).select_from(both)).scalar_one()
    moved = select(func.count()).select_from(both).where(incoming.c.district != resident.c.district)
    report.moved = connection.execute(moved).scalar_one()
    report.added = report.people - stayed
    report.removed = connection.execute(select(func.count()).where(before)).scalar_one() - stayed
    return report
