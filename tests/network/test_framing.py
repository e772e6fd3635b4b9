"""What is no ballot, taken from a node's door and read before the ballots: complete, or refused."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.stage import Stage

from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold
from veche.ledger.codec import decode
from veche.ledger.frame import bundles_of, frame_name, pack_items, unpack_items
from veche.log.log import Log
from veche.log.source import Folder
from veche.node.framing import NotFramed, check_agrees, fetch_frame, kept_frame
from veche.node.web import NoAnswer, Wire

from .conftest import Client, running
from .others import serving


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as made:
        yield made


def url_of(client: Client) -> str:
    return f"http://{client.address[0]}:{client.address[1]}"


def framed(client: Client, count: int) -> None:
    """Wait until the node has gone through its log."""
    end = time.monotonic() + 60
    while client.get(f"/frame/0/{min(count, 256)}").status == 404:
        assert time.monotonic() < end
        time.sleep(0.05)


def files_of(client: Client, folder: Path, count: int) -> dict[str, bytes]:
    """All that a node answers to who takes its frame."""
    names = [*Folder(folder).names(), *(frame_name(index, width) for index, width in bundles_of(count))]
    files = {f"/{name}": client.get(f"/{name}").body for name in names}
    return {**files, "/heads": client.get("/heads").body, "/charter": client.get("/charter").body}


def test_a_ledger_is_read_before_its_ballots(stage: Stage, wire: Wire, tmp_path: Path) -> None:
    with running(stage) as client:
        whole = verify_ledger(Folder(stage.folder))
        count = named_size(whole.log)
        framed(client, count)
        found = fetch_frame(wire, url_of(client), whole.ledger, keep=tmp_path)
        kept = kept_frame(tmp_path)
        assert kept is not None
        for one in (found, kept):
            assert one.state.unread and one.head == whole.head and one.time == whole.time
            assert [(poll.id, poll.phase, poll.tally) for poll in one.state.polls()] == [
                (poll.id, poll.phase, poll.tally) for poll in whole.state.polls()
            ]
        assert not check_agrees(found, wire, url_of(client))
        with pytest.raises(NoAnswer):
            fetch_frame(wire, url_of(client), whole.ledger, until=time.monotonic())
        with pytest.raises(DoesNotHold, match="another ledger"):
            fetch_frame(wire, url_of(client), bytes(32))


def test_who_lies_about_it_is_found_out(stage: Stage, wire: Wire) -> None:
    with running(stage) as client:
        whole = verify_ledger(Folder(stage.folder))
        count = named_size(whole.log)
        framed(client, count)
        files = files_of(client, stage.folder, count)
    name = f"/{frame_name(0, min(count, 256))}"
    items = unpack_items(name, files[name], min(count, 256))
    with serving(files) as url:
        assert fetch_frame(wire, url, whole.ledger).time == whole.time
    for wrong in (pack_items([*items[:-2], items[-1], items[-1]]), files[name][:-1], pack_items(items[:-1]), b""):
        with serving({**files, name: wrong}) as url, pytest.raises(DoesNotHold):
            fetch_frame(wire, url, whole.ledger)
    del files[name]
    with serving(files) as url, pytest.raises(NotFramed):
        fetch_frame(wire, url, whole.ledger)


def test_a_bundle_that_is_not_there(stage: Stage) -> None:
    with running(stage) as client:
        for path in ("/frame/0/0", "/frame/0/257", "/frame/99/1", "/frame/0/256"):
            assert client.get(path).status == 404
        framed(client, 2)
        answer = client.get("/frame/0/2")
        assert "immutable" in answer.headers["Cache-Control"] and len(unpack_items("", answer.body, 2)) == 2


def named_size(log: Log) -> int:
    """How many items the frame has that the last block names."""
    last = max(number for number, entry in enumerate(log.entries()) if decode(entry)[0] == "block")
    found = decode(log.entry(last))[1][3]
    assert isinstance(found, int)
    return found
