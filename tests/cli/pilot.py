"""A city to make mistakes in: with a committee, and a poll that opens in an hour."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche.cli import main

from .city import City, announce, found
from .conftest import inside
from .conftest import ok_inside as ok


@dataclass(frozen=True)
class Pilot:
    """A city with a finished committee and one poll that opens in an hour, and nobody who runs the engine."""

    city: City
    committee: str
    poll: str

    @property
    def ledger(self) -> tuple[str, str]:
        return ("--ledger", str(self.city.ledger))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Pilot:
    city = found(tmp_path_factory.mktemp("pilot"), run=inside)
    committee, poll = announce(city, run=inside)
    for place in city.registrars:
        ok("registrar", "open", place, poll[:8], "--ledger", city.ledger)
    return Pilot(city, committee, poll)


@pytest.fixture
def pilot(made: Pilot, tmp_path: Path) -> Pilot:
    """A copy of the city, to be spoilt. (Its trustees notice that they are copies: they are left out.)"""
    folder = tmp_path / "pilot"
    shutil.copytree(made.city.folder, folder, ignore=shutil.ignore_patterns("*-trustee"))
    offices = {name: folder / path.relative_to(made.city.folder) for name, path in made.city.offices.items()}
    return Pilot(City(folder, offices), made.committee, made.poll)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".db-shm", ".db-wal")
    }


def raw_entry(pilot: Pilot) -> bytes:
    """The bytes of entry 3, as "veche ledger entry --raw" writes them."""
    return CliRunner().invoke(main, ["ledger", "entry", "--ledger", str(pilot.city.ledger), "3", "--raw"]).stdout_bytes
