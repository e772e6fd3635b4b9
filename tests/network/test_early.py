"""The door of a node whose ballots are on their way: a browser sees polls, and a program hears that the rest comes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.stage import Stage

from veche.errors import UserError
from veche.ledger.codec import digest
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.frame import FRAMED
from veche.log.log import Log
from veche.log.source import Folder
from veche.log.tiles import CHECKPOINT
from veche.node.early import EarlyDoor
from veche.node.framing import fetch_frame
from veche.node.web import NoAnswer, Web, Wire

from .conftest import Client, running
from .test_explorer import played, shown, text_of  # noqa: F401 (a city with polls, a result and what was said of them)
from .test_framing import framed, url_of


@pytest.fixture
def kept(played: Stage, tmp_path: Path) -> Iterator[tuple[Path, Log]]:  # noqa: F811
    """The folder of a node that has all but the ballots, and the log that it copies."""
    stage, folder = played.copy(tmp_path / "ledger"), tmp_path / "copy"
    with running(stage) as client, Wire() as wire:
        framed(client, 2)
        fetch_frame(wire, url_of(client), digest(client.get("/charter").body), keep=folder)
    source = Folder(stage.folder)
    yield folder, Log(source, source.checkpoint().checkpoint)


def test_polls_are_shown_while_the_ballots_come(kept: tuple[Path, Log]) -> None:
    folder, log = kept
    with EarlyDoor(folder, "127.0.0.1:0") as door:
        client = Client(door.address)
        front = client.get("/explorer/en")
        text = text_of(shown(front))
        assert "The ballots are still on their way to this node" in text and "has checked itself" not in text
        polls = client.get("/explorer/en/polls")
        assert "ballots not read" in text_of(shown(polls))
        links = sorted({part.split('"')[0] for part in polls.body.decode().split('href="/explorer/en/polls/')[1:]})
        assert len(links) == 2
        pages = [text_of(shown(client.get(f"/explorer/en/polls/{number}"))) for number in links]
        assert sum("It will be done." in page for page in pages) == 1
        assert all("still on their way" in page for page in pages)
        assert "still on their way" not in text_of(shown(client.get("/explorer/ru")))
        assert text_of(shown(client.get(f"/explorer/en/entries/{links[0]}")))
        assert client.get("/charter").body == log.entry(0)


def test_what_takes_the_ballots_comes_later(kept: tuple[Path, Log]) -> None:
    folder, log = kept
    ballot = next(number for number, entry in enumerate(log.entries()) if is_ballot(entry))
    with EarlyDoor(folder, "127.0.0.1:0") as door, Wire() as wire:
        client = Client(door.address)
        for path in (f"entries/{ballot}", "codes", "codes/0/0"):
            page = client.get(f"/explorer/en/{path}")
            assert (page.status, page.headers["Retry-After"]) == (503, "60")
            assert "this takes them" in text_of(shown(page))
        for path in ("/checkpoint", "/heads", "/tile/0/000", "/status", "/nodes", "/frame/0/2"):
            answer = client.get(path)
            assert answer.status == 503 and "on their way" in answer.body.decode()
        assert client.hand_in(log.entry(ballot)).status == 503
        with pytest.raises(NoAnswer):  # and not DoesNotHold: whoever copies from it takes it for no liar
            Web(wire, f"http://{door.address[0]}:{door.address[1]}").get(CHECKPOINT)
        with pytest.raises(UserError, match="listen"), EarlyDoor(folder, f"127.0.0.1:{door.address[1]}"):
            pass


def test_a_frame_that_is_gone_opens_no_door(tmp_path: Path) -> None:
    (tmp_path / FRAMED).mkdir()
    with pytest.raises(UserError, match="no ledger"):
        EarlyDoor(tmp_path, "127.0.0.1:0")
