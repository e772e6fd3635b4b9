"""Two hundred nodes, of which one attacker has a hundred and ninety."""

import http.client
import random
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from engine.stage import make_stage
from network.conftest import running
from network.test_following import following, same_head, until
from network.test_node import log_of

from veche.node import addresses
from veche.node.addresses import OF_A_RANGE, network_range
from veche.world import EMBEDDED

from .doors import Door, about, door

pytestmark = pytest.mark.long
HONEST, ATTACKERS = 10, 190


def announce(at: tuple[str, int], url: str) -> int:
    """A node tells of itself, from where its address leads."""
    host = str(urlsplit(url).hostname)
    with closing(http.client.HTTPConnection(*at, timeout=60, source_address=(host, 0))) as connection:
        connection.request("POST", "/nodes", url.encode(), {"Content-Type": "text/plain"})
        return connection.getresponse().status


def test_most_addresses_are_one_attackers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the attacker's are in one range of the network, announce themselves and one another, and show an old head for ever. Few of
    them are known, at most one of them is asked at a time, honest ones always are, and what is new comes at once."""
    monkeypatch.setattr(addresses, "is_public", lambda ip: True)  # they are all on this machine
    stage = make_stage(EMBEDDED, tmp_path / "city")
    with running(stage) as client, ExitStack() as stack:
        old = client.get("/checkpoint").body
        theirs: list[str] = []

        def told() -> bytes:
            return ("[" + ",".join(f'"{url}"' for url in random.sample(theirs, 16)) + "]").encode()

        def lie(asked: Door, body: bytes | None) -> bytes | None:
            return {"/checkpoint": old, "/nodes": told()}.get(asked.path, body)

        theirs += [stack.enter_context(door(client, lie, f"127.66.{n // 200}.{n % 200 + 1}")) for n in range(ATTACKERS)]
        honest: list[str] = []
        honest += [
            stack.enter_context(
                door(client, about("/nodes", lambda *_: str(honest).replace("'", '"').encode()), f"127.{n + 1}.0.1")
            )
            for n in range(HONEST)
        ]
        first = urlsplit(honest[0])
        made, own = stack.enter_context(
            following(stage, tmp_path / "copy", (str(first.hostname), int(first.port or 0)))
        )
        mixed = [*theirs, *honest[1:6]]
        random.Random(10).shuffle(mixed)
        answers = [announce(made.address, url) for url in mixed]
        print(f"{answers.count(204)} of {len(mixed)} announcements were believed")
        until(lambda: sum(one.url in honest for one in made.book.all()) >= 6, made, seconds=120)

        def known() -> list[str]:
            return [one.url for one in made.book.all() if one.url in theirs]

        assert len(known()) <= OF_A_RANGE, "few of one range are known"
        for _ in range(50):
            chosen = made.book.choose()
            ranges = [network_range(str(urlsplit(url).hostname)) for url in chosen]
            assert ranges.count("127.66.0.0/16") <= 1 and len(set(chosen) & set(honest)) >= 3, chosen
        for ballot in stage.ballots[:3]:
            client.wait(client.hand_in(ballot).json["entry"], "final")
            until(lambda: same_head(client, own), made)
        assert len(known()) <= OF_A_RANGE and not made.book.left(), "an old head is no lie"
    assert log_of(tmp_path / "copy") == log_of(stage.folder)
