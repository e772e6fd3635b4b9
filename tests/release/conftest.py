"""A folder as somebody has it who checks a city: its ledger, the file of it, a damaged copy, and a finished poll's archive."""

from pathlib import Path

import pytest

from veche.audit.export import write_archive
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.log.log import export
from veche.log.source import Export, Folder
from veche.world import DAY, World

STATION = Choice(
    Text("Which station is built first?", "Какую станцию построить первой?"),
    (Text("Park", "Парк"), Text("Harbour", "Порт")),
    1,
    1,
    False,
)


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    with World(folder, trustees=(2, 2)) as world:
        poll = world.poll([STATION], committee=world.form_committee("single"), days=1)
        world.wait(DAY // 12)
        for number, citizen in enumerate(world.citizens):
            world.vote(citizen, poll, [[1, 0] if number < 4 else [0, 1]])
        world.wait(2 * DAY)
        world.trustees_act()
        verified = world.check()
        decided = verified.state.poll(poll.id)
        assert decided is not None
        write_archive(verified, decided, folder / "station.bel")
    export(Folder(folder / "ledger"), folder / "city.tar")
    with Export(folder / "city.tar") as source:
        entries = source.read(source.names("tile/entries/")[0])
    whole = (folder / "city.tar").read_bytes()
    damaged = entries[:-1] + bytes([entries[-1] ^ 1])
    (folder / "damaged.tar").write_bytes(whole.replace(entries, damaged))
    return folder
