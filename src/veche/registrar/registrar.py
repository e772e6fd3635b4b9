"""A registrar: it knows who may vote, and signs one permit per person and poll without seeing what it signs.

Its folder holds

    office.key            the Ed25519 key by which the ledger knows it (mode 0600)
    registrar.db          its database, unless database.url names another (mode 0600, for it may hold a password)
    keys/<poll>/<n>.pem   the RSA keys (mode 0600)

and all of its life is: ``create``, ``import_roll`` now and then; for each poll ``open_poll``, ``issue`` for everyone
who asks, ``issuance`` at closing, ``proof_for`` whoever asks for their row, and ``erase`` after the challenge window.

Who a person is was settled before they come here: ``person`` is always an authenticated name. The group in which they
may vote is the registrar's to say, never theirs. Nothing here keeps a time or an address.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from os import urandom
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from veche.durable import PRIVATE_FOLDER, UNFINISHED, make_folder, read_private, remove, settle, write_private
from veche.errors import DoesNotHold, Refused, UserError, because
from veche.handed import is_litter
from veche.keys import SigningKey
from veche.ledger.entries.permit_key import GroupIssuance, GroupPermitKey
from veche.office import must_be_office
from veche.permit.blind_rsa import blind_sign, check_blinded
from veche.permit.roll import RollTree
from veche.permit.row_proof import RowProof
from veche.registrar import store as store
from veche.registrar.comparison import Differences, compare, write_comparison
from veche.registrar.keys import RegistrarKeys
from veche.registrar.roll_file import clean
from veche.registrar.roll_import import RollReport, beyond_doubt, current_roll, delete_unused_rolls, import_roll
from veche.registrar.store import CLOSED, DATABASE, ERASED, OPEN, RegistrarStore
from veche.texts import Message

_KEY, _ADDRESS = "office.key", "database.url"
_BEFORE_THE_KEY = {
    DATABASE,
    f"{DATABASE}-journal",
    _ADDRESS,
    *(f".{name}{UNFINISHED}" for name in (_KEY, _ADDRESS)),
}
"""What is in a folder in which creating a registrar was cut short."""
_TREES_KEPT = 4  # in memory, up to 350 bytes a person (measured)


class Registrar:
    """A registrar's folder, opened. Threads and processes may share it. Use it in a ``with``, or ``close`` it."""

    def __init__(self, folder: Path) -> None:
        """Open a registrar. Raises UserError if the folder holds none or its database cannot be reached.

        Nothing is ever written into the folder of another office, nor is a database that was lost made anew: an empty one would
        sign a second permit for everybody.
        """
        must_be_office(folder, "registrar")
        self.office = SigningKey.load(folder / _KEY)
        address, database = folder / _ADDRESS, folder / DATABASE
        if not address.exists() and not database.exists():
            raise UserError(
                Message(
                    "{folder} is not a registrar's folder: it has no {database}.",
                    folder=str(folder),
                    database=DATABASE,
                ),
                Message("Name the folder of a registrar. If the database was lost, put its newest backup there."),
            )
        settle(folder / _KEY, folder)  # its creation may have been cut short at the last moment
        if address.exists():
            self._store = RegistrarStore(read_private(address).decode().strip())
        else:
            self._store = RegistrarStore.in_folder(folder)
        self._keys = RegistrarKeys(folder / "keys")
        self._trees: OrderedDict[tuple[str, int, str], RollTree] = OrderedDict()
        self._trees_lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, database: str | None = None) -> "Registrar":
        """Make the folder and the office key. ``database``: an SQLAlchemy URL, SQLite in the folder if None.

        Raises UserError if the folder holds a registrar already, or anything else. The office key comes last: a folder in
        which a crash stopped this holds no registrar yet, and creating it again goes through.
        """
        left = {path.name for path in folder.iterdir() if not is_litter(path.name)} if folder.is_dir() else set()
        if _KEY in left:
            raise UserError(
                Message("{folder} holds the key of an office already.", folder=str(folder)),
                Message("Choose a new folder for a new registrar."),
            )
        if not left <= _BEFORE_THE_KEY:
            raise UserError(
                Message("The folder {folder} is not empty.", folder=str(folder)),
                Message("Choose a new folder for a new registrar."),
            )
        if database is not None:
            with closing(RegistrarStore(database)) as store:  # says what is wrong with it before anything is kept
                if not store.is_empty():
                    raise UserError(
                        Message("The database holds the roll of a registrar already."),
                        Message(
                            "Name a database of its own for each registrar: two in one would sign for each other's people."
                        ),
                    )
        make_folder(folder, PRIVATE_FOLDER)
        for name in left:
            remove(folder / name)
        if database is None:
            RegistrarStore.in_folder(folder).close()
        else:
            write_private(folder / _ADDRESS, database.encode() + b"\n")
        SigningKey.generate().save(folder / _KEY)
        return cls(folder)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> "Registrar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def import_roll(
        self, path: Path, dry_run: bool = False, decide: Callable[[RollReport], None] = beyond_doubt
    ) -> RollReport:
        """Replace the roll by a CSV file (:mod:`veche.registrar.roll_file`) for all polls that open from now on.

        A dry run only reports. Otherwise one bad line refuses the whole file (UserError), so that nobody is left out
        unnoticed, and so does a doubt, unless ``decide`` says otherwise.
        """
        return import_roll(self._store, path, dry_run, decide)

    def open_poll(
        self,
        poll: bytes,
        groups: Sequence[str],
        *,
        everyone: bool = False,
        bits: int = 2048,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[GroupPermitKey]:
        """Make a poll's keys and fix its roll: what the ``permit-key`` entry says, one row per group.

        poll: 32 bytes. groups: names of districts on the roll, in the poll's order; a resident of any other district is
        not on the roll of this poll. With ``everyone`` there is one group, of any name, with all residents. progress:
        called with keys made and keys wanted; making one takes about 0.1 s.

        Asked again, also after a crash half-way, it gives the same answer. Raises Refused if the poll was opened with
        other groups or has been erased, and UserError for groups that cannot be.
        """
        name, names = _hex(poll), group_names(groups, everyone)
        moduli: list[bytes] = []
        while True:
            published = self._published(name, names, everyone)
            if published is not None:
                return published
            while len(moduli) < len(names):
                moduli.append(self._keys.make(name, len(moduli), bits).modulus)
                if progress is not None:
                    progress(len(moduli), len(names))
            with suppress(IntegrityError):  # another process opened it, or a new roll displaced ours: look again
                self._publish(poll, names, everyone, moduli)

    def published(self, poll: bytes) -> list[GroupPermitKey] | None:
        """What was made and fixed for a poll by :meth:`open_poll`, erased or not; None if nothing was."""
        with self._store.reading() as connection:
            groups = self._groups(connection, _hex(poll))
        return [GroupPermitKey(group.modulus, group.people, group.root) for group in groups] or None

    def group_of(self, person: str, poll: bytes) -> int:
        """The group in which this person votes. Raises Refused (``roll``) if they are not on the roll of this poll."""
        with self._store.reading() as connection:
            return int(self._group(connection, self._poll(connection, poll), person).number)

    def issue(self, person: str, poll: bytes, blinded: bytes, group: int | None = None) -> bytes:
        """The blind signature over ``blinded`` by the key of the person's group: as long as the modulus.

        group: the group for which the voter's device made the request. Give it always: a request for another group is
        then refused before it is written down, instead of using up the one permit that a person gets.

        The request is written down, durably, and only then signed. A crash between the two loses nothing: signing is
        deterministic, so asking again with the same blinded message runs the same code and gets the same answer.
        Raises Refused: ``unknown-poll``, ``roll`` (not on it), ``group``, ``shape`` (not a blinded message for this
        key), ``permit-once`` (a different one was signed before), ``closed``.
        """
        try:
            own = self._write_down(person, poll, blinded, group)
        except IntegrityError:  # another process wrote this person's row between our look and our write: look again
            own = self._write_down(person, poll, blinded, group)
        key = self._keys.load(_hex(poll), own.number)
        if key.modulus != own.modulus:
            raise UserError(
                Message("The key file of group {number} is not the published one.", number=own.number),
                Message("Restore the right file."),
            )
        return blind_sign(key, blinded)

    def issuance(self, poll: bytes) -> list[GroupIssuance]:
        """Close the poll and say who was served: what the ``issuance`` entry says, one row per group.

        From now on nobody new is served. Asked again, also after a crash half-way, it gives the same answer.
        """
        with self._store.writing() as connection:
            row = self._poll(connection, poll, lock="alone")
            if row.state == OPEN:
                connection.execute(update(store.poll).where(store.poll.c.id == row.id).values(state=CLOSED))
        with self._store.reading() as connection:
            groups = self._groups(connection, row.id)
        for group in [group for group in groups if group.issued is None]:
            tree = self._tree(poll, group.number)
            with self._store.writing() as connection:
                connection.execute(
                    update(store.poll_group)
                    .where(store.poll_group.c.poll == row.id, store.poll_group.c.number == group.number)
                    .values(issued=tree.issued, issuance_root=tree.issuance_root)
                )
        with self._store.reading() as connection:
            return [GroupIssuance(group.issued, group.issuance_root) for group in self._groups(connection, row.id)]

    def proof_for(self, person: str, poll: bytes) -> RowProof:
        """This person's own row: that they are on the roll and, after ``issuance``, whether they were served.

        Give it to them alone. Raises Refused: ``unknown-poll`` (also once erased), ``roll``.
        """
        with self._store.reading() as connection:
            group = self._group(connection, self._poll(connection, poll), person)
        tree = self._tree(poll, group.number)
        if tree.root != group.root or (group.issued is not None and tree.issuance_root != group.issuance_root):
            raise DoesNotHold(
                "roll",
                Message("group {number}", number=group.number),
                Message("the database no longer leads to the published roots"),
            )
        return tree.prove(clean(person), group.modulus)

    def erase(self, poll: bytes) -> None:
        """After the challenge window: forget who asked for a permit, the salts, and the keys. There is no way back.

        What was published stays, so that the poll can never be opened a second time. Raises Refused (``not-closed``)
        before ``issuance``. After a crash half-way, call it again. Backups are the operator's to destroy.
        """
        name = _hex(poll)
        with self._store.writing() as connection:
            row = connection.execute(select(store.poll).where(store.poll.c.id == name).with_for_update()).first()
            if row is None:
                raise Refused("unknown-poll", Message("This registrar has no such poll."))
            if row.state == OPEN or any(group.issued is None for group in self._groups(connection, name)):
                raise Refused(
                    "not-closed", Message("The issuance of this poll has not been made."), Message("Publish it first.")
                )
            connection.execute(delete(store.request).where(store.request.c.poll == name))
            connection.execute(
                update(store.poll).where(store.poll.c.id == name).values(state=ERASED, secret=None, roll=None)
            )
            delete_unused_rolls(connection)
        with self._trees_lock:
            for known in [known for known in self._trees if known[0] == name]:
                del self._trees[known]
        self._keys.destroy(name)

    def districts(self) -> dict[str, int]:
        """The districts of the roll as it stands, and how many people live in each."""
        column = store.resident.c.district
        with self._store.reading() as connection:
            query = select(column, func.count()).where(store.resident.c.roll == current_roll(connection))
            return {row[0]: row[1] for row in connection.execute(query.group_by(column).order_by(column))}

    def write_comparison(self, key: bytes) -> bytes:
        """What another registrar with this key needs to compare its roll with ours as it stands: :mod:`veche.registrar.comparison`."""
        with self._store.reading() as connection:
            return write_comparison(key, self.office.public, _residents(connection))

    def compare(self, key: bytes, comparison: bytes) -> Differences:
        """Compare our roll as it stands with the one of which another registrar wrote this. Raises UserError if it cannot be read."""
        with self._store.reading() as connection:
            return compare(key, self.office.public, _residents(connection), comparison)

    def _write_down(self, person: str, poll: bytes, blinded: bytes, group: int | None) -> "Row[Any]":
        """Note the request unless it is noted already; the row of the person's group. The transaction that decides."""
        with self._store.writing() as connection:
            row = self._poll(connection, poll, lock="share")
            own = self._group(connection, row, person)
            if group is not None and group != own.number:
                raise Refused(
                    "group",
                    Message("You vote in group {number} of this poll, not in {group}.", number=own.number, group=group),
                )
            check_blinded(own.modulus, blinded)
            key = {"poll": row.id, "person": clean(person)}
            noted = connection.execute(select(store.request.c.blinded).filter_by(**key)).scalar()
            if noted is None:
                if row.state != OPEN:
                    raise Refused("closed", Message("This poll is closed: no more permits are signed."))
                connection.execute(insert(store.request).values(**key, blinded=blinded))
            elif noted != blinded:
                raise Refused(
                    "permit-once",
                    Message("You already have a permit for this poll."),
                    Message("Recover your seed from the device on which you asked for it."),
                )
            return own

    def _poll(self, connection: Connection, poll: bytes, lock: Literal["share", "alone"] | None = None) -> "Row[Any]":
        """The poll's row. ``lock``: until the transaction ends it stays as it is (share), or is ours to change (alone)."""
        query = select(store.poll).where(store.poll.c.id == _hex(poll))
        if lock is not None:  # without effect on SQLite, where all who may write wait for each other
            query = query.with_for_update(read=lock == "share")
        row = connection.execute(query).first()
        if row is None:
            raise Refused("unknown-poll", Message("This registrar has no such poll."))
        if row.state == ERASED:
            raise Refused("unknown-poll", Message("The registrar has erased what it knew of this poll."))
        return row

    def _groups(self, connection: Connection, name: str) -> "Sequence[Row[Any]]":
        query = select(store.poll_group).where(store.poll_group.c.poll == name)
        return connection.execute(query.order_by(store.poll_group.c.number)).all()

    def _group(self, connection: Connection, poll: "Row[Any]", person: str) -> "Row[Any]":
        """The row of the group in which this person votes in this poll."""
        try:
            person = clean(person)
        except ValueError:
            person = ""  # stands on no roll
        district = connection.execute(
            select(store.resident.c.district).filter_by(roll=poll.roll, person=person)
        ).scalar()
        if district is not None:
            for group in self._groups(connection, poll.id):
                if poll.everyone or group.name == district:
                    return group
        raise Refused(
            "roll",
            Message("You are not on the electoral roll of this poll."),
            Message("Ask the registrar if that is wrong."),
        )

    def _published(self, name: str, names: list[str], everyone: bool) -> list[GroupPermitKey] | None:
        """What was published of this poll, None if nothing was."""
        with self._store.reading() as connection:
            row = connection.execute(select(store.poll).where(store.poll.c.id == name)).first()
            if row is None:
                return None
            groups = self._groups(connection, name)
        if row.state == ERASED:
            raise Refused("unknown-poll", Message("The registrar has erased what it knew of this poll."))
        if [group.name for group in groups] != names or bool(row.everyone) != everyone:
            raise Refused(
                "group", Message("This poll was opened with other groups."), Message("A changed poll is a new poll.")
            )
        return [GroupPermitKey(group.modulus, group.people, group.root) for group in groups]

    def _publish(self, poll: bytes, names: list[str], everyone: bool, moduli: list[bytes]) -> None:
        """Fix the roll of a poll and note all that is published of it, at once. IntegrityError: somebody else did."""
        name, secret = _hex(poll), urandom(32)
        with self._store.reading() as connection:
            roll = current_roll(connection)
            if roll is None:
                raise UserError(Message("The registrar has no roll yet."), Message("Import one first."))
            trees = [
                RollTree(secret, poll, number, _people(connection, roll, None if everyone else district))
                for number, district in enumerate(names)
            ]
        for district, tree in zip(names, trees, strict=True):
            if tree.size == 0:
                raise UserError(
                    Message("Nobody on the roll lives in {district!r}.", district=district),
                    Message("Compare the names with the roll's."),
                )
        rows = [
            {"poll": name, "number": number, "name": names[number], "modulus": moduli[number]}
            | {"people": tree.size, "root": tree.root}
            for number, tree in enumerate(trees)
        ]
        with self._store.writing() as connection:
            values = {"id": name, "state": OPEN, "everyone": int(everyone), "roll": roll, "secret": secret}
            connection.execute(insert(store.poll).values(**values))
            connection.execute(insert(store.poll_group), rows)

    def _tree(self, poll: bytes, number: int) -> RollTree:
        """The tree of a group, closed if the poll is. It is grown once and kept for the next who asks."""
        with self._trees_lock:
            with self._store.reading() as connection:
                row = self._poll(connection, poll)
                known = (row.id, number, row.state)
                if known in self._trees:
                    self._trees.move_to_end(known)
                    return self._trees[known]
                group = self._groups(connection, row.id)[number]
                people = _people(connection, row.roll, None if row.everyone else group.name)
                asked = select(store.request.c.person).where(store.request.c.poll == row.id)
                served = set(connection.execute(asked).scalars()).intersection(people)
            tree = RollTree(row.secret, poll, number, people)
            if row.state == CLOSED:
                tree.close(served)
            self._trees[known] = tree
            while len(self._trees) > _TREES_KEPT:
                self._trees.popitem(last=False)
            return tree


def _people(connection: Connection, roll: int, district: str | None) -> list[str]:
    """The people of one district, or of all."""
    query = select(store.resident.c.person).where(store.resident.c.roll == roll)
    if district is not None:
        query = query.where(store.resident.c.district == district)
    return list(connection.execute(query).scalars())


def _residents(connection: Connection) -> Iterator[tuple[str, str]]:
    """The people of the roll as it stands, and their districts, in order of the persons."""
    columns = store.resident.c
    query = select(columns.person, columns.district).where(columns.roll == current_roll(connection))
    for row in connection.execute(query.order_by(columns.person)):
        yield row[0], row[1]


def _hex(poll: bytes) -> str:
    if len(poll) != 32:
        raise UserError(Message("A poll id is 32 bytes, not {poll}.", poll=len(poll)), Message("Copy all of it."))
    return poll.hex()


def group_names(groups: Sequence[str], everyone: bool) -> list[str]:
    """The names of a poll's groups as districts are kept and compared. Raises UserError for groups that cannot be."""
    try:
        names = [clean(group) for group in groups]
    except ValueError as error:
        raise UserError(
            Message("The name of a group {error}.", error=because(error)),
            Message("Use the names of districts on the roll."),
        ) from None
    if not names or len(set(names)) != len(names) or (everyone and len(names) != 1):
        raise UserError(Message("The groups of a poll need different names; a poll for everyone has one group."))
    return names
