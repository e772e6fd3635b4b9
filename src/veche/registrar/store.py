"""The registrar's database: who is on which roll, which polls are open, and who asked for a permit with what.

SQLite in the registrar's folder unless another database is named (any SQLAlchemy URL; PostgreSQL in a city). It is
the one place where a person stands beside a poll; it holds no times and no addresses, and never sees a vote.

- ``roll``, ``resident``: every import makes a new roll, which never changes. Polls keep the one they opened with.
- ``poll``, ``poll_group``: what was published about a poll, and the secret behind the salts of its trees.
- ``request``: person, poll, blinded message: written *before* signing. Its primary key is what keeps a person to one
  permit per poll, whatever the number of processes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    select,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from veche.errors import UserError
from veche.registrar.roll_file import MAX_LENGTH
from veche.texts import Message

OPEN, CLOSED, ERASED = "open", "closed", "erased"
DATABASE = "registrar.db"

_metadata = MetaData()

roll = Table("roll", _metadata, Column("id", Integer, primary_key=True))

resident = Table(
    "resident",
    _metadata,
    Column("roll", ForeignKey("roll.id", ondelete="CASCADE"), primary_key=True),
    Column("person", String(MAX_LENGTH), primary_key=True),
    Column("name", String(MAX_LENGTH), nullable=False),
    Column("district", String(MAX_LENGTH), nullable=False),
    Index("resident_by_district", "roll", "district"),
    sqlite_with_rowid=False,
)

# A roll that is being read: a temporary table, which ends with its connection.
incoming = Table(
    "incoming",
    MetaData(),
    Column("person", String(MAX_LENGTH), primary_key=True),
    Column("name", String(MAX_LENGTH), nullable=False),
    Column("district", String(MAX_LENGTH), nullable=False),
    prefixes=["TEMPORARY"],
)

poll = Table(
    "poll",
    _metadata,
    Column("id", String(64), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("everyone", Integer, nullable=False),
    Column("roll", ForeignKey("roll.id")),  # null once erased
    Column("secret", LargeBinary),  # of the salts; null once erased
)

poll_group = Table(
    "poll_group",
    _metadata,
    Column("poll", ForeignKey("poll.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(MAX_LENGTH), nullable=False),
    Column("modulus", LargeBinary, nullable=False),
    Column("people", Integer, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("issued", Integer),  # null until the issuance is made
    Column("issuance_root", LargeBinary),
    sqlite_with_rowid=False,
)

request = Table(
    "request",
    _metadata,
    Column("poll", ForeignKey("poll.id"), primary_key=True),
    Column("person", String(MAX_LENGTH), primary_key=True),
    Column("blinded", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


class RegistrarStore:
    """The database behind a registrar. Close it when done."""

    def __init__(self, url: str) -> None:
        """Connect and create the tables that are missing. Raises UserError if that cannot be done."""
        try:
            # Neither persons nor blinded messages belong in an error message.
            self._engine = create_engine(url, hide_parameters=True)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _set_up_sqlite)
                event.listen(self._engine, "begin", _begin_sqlite)
            with self._engine.begin() as connection:
                _metadata.create_all(connection)
        except (SQLAlchemyError, ArgumentError, ImportError) as error:
            reason = getattr(error, "orig", None) or type(error).__name__
            raise UserError(
                Message("The registrar's database cannot be opened: {reason}.", reason=str(reason)),
                Message("Check the database's address and whether its driver is installed."),
            ) from None

    @classmethod
    def in_folder(cls, folder: Path) -> "RegistrarStore":
        """The SQLite database of a registrar's folder, readable by its owner only."""
        path = folder / DATABASE
        path.touch(mode=0o600)
        return cls(f"sqlite:///{path}")

    def is_empty(self) -> bool:
        """Whether no roll was ever imported and no poll opened."""
        with self.reading() as connection:
            return all(connection.execute(select(table).limit(1)).first() is None for table in (roll, poll))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that may write; on SQLite one at a time, the others wait. It is durable when this returns."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Keep it short: on SQLite nobody's writing is finished before it ends."""
        with self._engine.connect().execution_options(veche_reading=True) as connection:
            yield connection

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A connection that is closed in the end, for temporary tables; a reading transaction is begun."""
        with self._engine.connect().execution_options(veche_reading=True) as connection:
            connection.detach()
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say, below
    for pragma in (
        "busy_timeout = 60000",
        "journal_mode = TRUNCATE",  # no write-ahead log, which several writers can damage (docs/adr/0009)
        "synchronous = EXTRA",  # written down means: still there after a power cut
        "foreign_keys = ON",
        "secure_delete = ON",  # erasing overwrites
        "temp_store = MEMORY",  # a roll that is being read touches no disk
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("veche_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
