"""Bring a new roll into the registrar's database, and see what it changes, and what in it may be wrong."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, literal, select

from veche.errors import UserError
from veche.registrar import store as store
from veche.registrar.likeness import alphabet, district_likeness, person_likeness
from veche.registrar.roll_file import BadLine, Doubt, read_roll
from veche.registrar.store import RegistrarStore
from veche.texts import Listed, Localizable, Message, Plural

_BATCH = 10_000
_EXAMPLES = 5
_LONG_NUMBER = 4
"""Digits from which on shorter numbers on the same roll are suspicious, unless nearly all of these are there: counted up from 1."""


@dataclass(slots=True)
class RollReport:
    """What an import did, or would do: people on the new roll, and compared with the one before.

    moved: people in another district than before. districts: how many live in each. bad: lines that cannot be used.
    doubts: questions, as plain sentences, that somebody must answer before this is the roll.
    """

    people: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    districts: dict[str, int] = field(default_factory=dict)
    bad: list[BadLine] = field(default_factory=list)
    doubts: list[Localizable] = field(default_factory=list)

    def check(self) -> None:
        """Raise UserError, which says what to do, if this cannot be a roll: a line is bad, or nobody is on it."""
        if self.bad:
            first, count = self.bad[0], len(self.bad)
            hints = {str(bad.hint): bad.hint for bad in self.bad if bad.hint}.values()
            raise UserError(
                Plural(
                    "{count} line of the roll cannot be used; line {line}: {reason}.",
                    "{count} lines of the roll cannot be used; line {line}: {reason}.",
                    count,
                    line=str(first.line),
                    reason=first.reason,
                ),
                Listed((*hints, Message("Nothing was imported.")), " "),
            )
        if self.people == 0:
            raise UserError(Message("There is nobody on this roll."), Message("Nothing was imported."))


def beyond_doubt(report: RollReport) -> None:
    """Raise UserError if this cannot be a roll, or if somebody would have to be asked whether it is."""
    report.check()
    if report.doubts:
        raise UserError(
            Message("This roll may be wrong: {doubts}", doubts=report.doubts[0]),
            Message("Nothing was imported. If it is right all the same, say --yes."),
        )


def import_roll(
    database: RegistrarStore, path: Path, dry_run: bool, decide: Callable[[RollReport], None] = beyond_doubt
) -> RollReport:
    """Read a roll aside, compare it with the current one, and unless this is a dry run put it in its place.

    decide: called with the report of what would be imported; it raises if that is not to be. The last step is one transaction:
    after a crash there is the new roll or the old one. Raises UserError, with nothing imported, if the file is no roll, or,
    but for a dry run, empty, with a bad line, or doubtful. Requests to an SQLite database wait for the comparison and the
    last step only, seconds for a million people, and not while somebody is asked.
    """
    with database.aside() as connection:
        report = _read_aside(connection, path)
        connection.commit()
        if dry_run:
            return report
        decide(report)
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
    doubtful: list[Doubt] = []
    lengths: Counter[int] = Counter()
    padded: Counter[int] = Counter()
    alphabets: Counter[str] = Counter()

    def rows_of_residents() -> Iterator[dict[str, str]]:
        for line in read_roll(path):
            if isinstance(line, BadLine):
                report.bad.append(line)
            elif isinstance(line, Doubt):
                doubtful.append(line)
            else:
                if line.person.isdecimal():
                    lengths[len(line.person)] += 1
                    if line.person.startswith("0"):
                        padded[len(line.person)] += 1
                elif written := alphabet(line.person):
                    alphabets[written] += 1
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
    everybody = connection.execute(select(func.count()).where(before)).scalar_one()
    report.removed = everybody - stayed
    report.doubts += (
        _doubts_of_lines(doubtful) + _doubts_of_districts(report.districts) + _doubts_of_numbers(lengths, padded)
    )
    report.doubts += _doubts_of_alphabets(alphabets)
    if report.removed and report.added:
        gone = select(resident.c.person).where(before, resident.c.person.not_in(select(incoming.c.person)))
        new = select(incoming.c.person).where(incoming.c.person.not_in(select(resident.c.person).where(before)))
        report.doubts += _doubts_of_spelling(connection.execute(gone).scalars(), connection.execute(new).scalars())
    if 2 * report.removed > everybody:
        report.doubts.append(
            Message(
                "{removed} of the {everybody} people who are on the roll now would be gone.",
                removed=report.removed,
                everybody=everybody,
            )
        )
    if 2 * report.moved > stayed:
        report.doubts.append(
            Message(
                "{moved} of the {stayed} people who stay on the roll would be in another district.",
                moved=report.moved,
                stayed=stayed,
            )
        )
    return report


def _doubts_of_lines(doubtful: list[Doubt]) -> list[Localizable]:
    more = len(doubtful) - _EXAMPLES
    said: list[Localizable] = [
        Message("Line {line}: {reason}.", line=str(doubt.line), reason=doubt.reason) for doubt in doubtful[:_EXAMPLES]
    ]
    return (
        [*said, Plural("There is {count} more line like these.", "There are {count} more lines like these.", more)]
        if more > 0
        else said
    )


def _doubts_of_districts(districts: dict[str, int]) -> list[Localizable]:
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for district, people in districts.items():
        alike[district_likeness(district)].append(f"{district!r} ({people})")
    return [
        Message("Districts look alike: {names}.", names=", ".join(names)) for names in alike.values() if len(names) > 1
    ]


def _doubts_of_numbers(lengths: Counter[int], padded: Counter[int]) -> list[Localizable]:
    """Numbers that are shorter than nearly all others, or than any that is filled up with zeros (``padded``): a spreadsheet takes
    the zeros at their beginning away. Both count numbers by their digits."""
    usual = max(padded) if padded else max(lengths.items(), key=lambda each: each[1], default=(0, 0))[0]
    people, shorter = lengths[usual], sum(count for length, count in lengths.items() if length < usual)
    few = usual >= _LONG_NUMBER and 5 * people >= 4 * lengths.total() and 10 * shorter <= 9 * (10 ** (usual - 1) - 1)
    if not shorter or not (padded or few):
        return []
    return [
        Message("{people} numbers of persons have {usual} digits and {shorter} fewer, as if zeros at the beginning were lost.",
                people=people, usual=usual, shorter=shorter)
    ]  # fmt: skip


def _doubts_of_alphabets(alphabets: Counter[str]) -> list[Localizable]:
    """Ids with a letter that looks like that of another alphabet, which nearly all others have."""
    cyrillic, latin = alphabets["cyrillic"], alphabets["latin"]
    if not cyrillic or not latin or 5 * min(cyrillic, latin) > max(cyrillic, latin):
        return []
    return [
        Plural("The letters of {count} id look like those of nearly all others, and are of another alphabet: {common}.",
               "The letters of {count} ids look like those of nearly all others, and are of another alphabet: {common}.",
               min(cyrillic, latin), common=Message("these are Latin") if latin > cyrillic else Message("these are Cyrillic"))
    ]  # fmt: skip


def _doubts_of_spelling(gone: Iterator[str], new: Iterator[str]) -> list[Localizable]:
    """People who would be gone, and in whose place somebody comes who looks like them."""
    likeness = {person_likeness(person): person for person in gone}
    pairs = [(likeness[like], person) for person in new if (like := person_likeness(person)) in likeness]
    if not pairs:
        return []
    shown = [Message("{new!r} instead of {gone!r}", new=new, gone=gone) for gone, new in pairs[:_EXAMPLES]]
    return [
        Plural("{count} person is spelt in another way than on the roll now: {shown}.",
               "{count} people are spelt in another way than on the roll now: {shown}.", len(pairs), shown=Listed(tuple(shown)))
    ]  # fmt: skip
