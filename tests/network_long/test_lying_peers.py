"""A citizen's node whose only peers lie, each in its own way."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from engine.stage import make_stage
from network.conftest import running
from network.test_following import following, same_head, until
from network.test_node import log_of

from veche.node.follower import Follower
from veche.world import EMBEDDED

from .doors import Lie, about, door, flipped, never_new, slowly

pytestmark = pytest.mark.long


def test_it_believes_none_of_them_and_goes_on_with_the_first_that_is_honest(tmp_path: Path) -> None:
    """All of them were honest until it had its copy. Of those who show what does not hold it says why they are left; those who say too
    little are asked again; nothing of what is new is taken from any of them. Once an honest one is named it has everything."""
    stage, strange = make_stage(EMBEDDED, tmp_path / "city"), make_stage(EMBEDDED, tmp_path / "elsewhere")
    lying = False
    with running(stage) as client, running(strange) as elsewhere, ExitStack() as stack:
        old = {"/checkpoint": client.get("/checkpoint").body}
        lies: dict[str, Lie] = {
            "a false bundle": about("/tile/entries", lambda _, body: body and flipped(body)),
            "a false hash tile": about("/tile/0", lambda _, body: body and flipped(body)),
            "a head that nobody signed": about("/checkpoint", lambda _, body: body and flipped(body)),
            "another ledger": lambda door, _: elsewhere.get(door.path).body,
            "an answer too large": about("/checkpoint", lambda *_: bytes(1 << 20)),
        }
        silent: dict[str, Lie] = {
            "elsewhere": lambda door, _: door.answer(302, Location=f"http://127.0.0.1:{client.address[1]}{door.path}"),
            "slowly": about("/checkpoint", slowly),
            "gone": lambda door, _: door.answer(410),
            "broken": lambda door, _: door.answer(500),
            "no tiles": about("/tile/", lambda *_: None),
            "no tiles any more": lambda door, body: door.answer(410) if door.path.startswith("/tile/") else body,
        }
        late: dict[str, Lie] = {
            "an old head": never_new(old, lambda _, body: body),
            "an old head, and nodes that are none": never_new(
                old, about("/nodes", lambda *_: b'[["http://x"], {"a": 1}, "http://127.0.0.1:1"' + b"[" * 2000)
            ),
        }

        def until_it_lies(lie: Lie) -> Lie:
            return lambda door, body: lie(door, body) if lying else body

        urls = {
            what: stack.enter_context(door(client, until_it_lies(lie))) for what, lie in (lies | silent | late).items()
        }
        made, own = stack.enter_context(following(stage, tmp_path / "copy", ("127.0.0.1", _port(urls["an old head"]))))
        made.book.type(urls.values())
        lying = True
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        until(lambda: {urls[what] for what in lies} <= made.book.left().keys(), made, seconds=150)
        until(lambda: all(_failed(made, urls[what]) for what in silent), made, seconds=150)
        time.sleep(1)
        assert own.get("/checkpoint").body == old["/checkpoint"], "nothing that is new is believed"
        left = made.book.left()
        assert left.keys() == {urls[what] for what in lies}, "who says too little is asked again"
        for what in lies:
            print(f"{what}: {left[urls[what]]}")
            assert str(left[urls[what]])
        made.book.type([f"http://127.0.0.1:{client.address[1]}"])
        until(lambda: same_head(client, own), made, seconds=150)
    assert log_of(tmp_path / "copy") == log_of(stage.folder)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _failed(made: Follower, url: str) -> bool:
    return any(one.url == url and one.failed for one in made.book.all())
