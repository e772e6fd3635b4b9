"""One key of votes on two machines, as when a standby is switched on: CometBFT sees it, the ledger says it, anybody can check it."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from cli.conftest import inside
from network.hosts import City, Host, Hosts, log_of
from network.proxy import Network

from veche.engine.cometbft.home import make_keys
from veche.ledger.codec import decode
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.signing import sign
from veche.world import VALIDATORS

pytestmark = pytest.mark.long
SECONDS = 600
"""For which two votes for two blocks of one height are waited for: it takes a height whose proposer the two are."""


@contextmanager
def standby(city: City, host: Host) -> Iterator[Host]:
    """A second machine with all keys of this one, but for its address."""
    host.stop()
    folder = Path(shutil.copytree(host.folder, host.folder.parent / "standby"))
    host.start()
    city.remote.wait(host.status)
    make_keys(beside := host.folder.parent / "beside")
    shutil.copy(beside / "cometbft" / "config" / "node_key.json", folder / "cometbft" / "config")
    twin = city.hosts.host(9, folder)
    twin.start()
    city.remote.wait(twin.status)
    try:
        yield twin
    finally:
        twin.kill()


def named(city: City) -> list[DoubleSigning]:
    entries = (decode(entry) for entry in log_of(city.hosts.all[0].folder))
    return [DoubleSigning.parse(body) for kind, body, *_ in entries if kind == DoubleSigning.kind]


def is_kept(file: Path) -> bool:
    """Whether both votes were taken out of the block."""
    return file.exists() and bool(json.loads(file.read_bytes())["votes"])


def notice(city: City, at: Host) -> None:
    """Something that only this node has at first, so that its blocks are others than those of its twin."""
    text = f"{time.monotonic_ns()}"
    at.client.hand_in(sign(city.id, "notice", [b"", [text, text], []], [city.organisers[0]]))


def test_one_key_of_votes_on_two_machines(tmp_path: Path) -> None:
    """The two vote for two blocks of one height. The ledger names the key; every other node keeps both votes from its next start on, which
    prove it to anybody; and k institutions retire the validator at once, whose two machines then decide nothing any more."""
    with Network() as network, City(tmp_path, Hosts(network), registrars=(1, 1, 0)) as city:
        *honest, four = city.hosts.all
        accused = city.ledger.state.validators()[3]
        city.say("notice", [b"", ["We begin.", "Начинаем."], []], city.organisers[0])
        with standby(city, four) as twin:
            end = time.monotonic() + SECONDS
            while not (found := named(city)):
                assert time.monotonic() < end, "nobody saw them vote twice"
                for host in (four, twin):
                    notice(city, host)
                city.remote.check()
                time.sleep(0.2)
        assert {one.votes for one in found} == {accused.votes}, "and nobody else"
        one, two, _ = honest
        for host in (one, two):
            host.stop()
            host.start()
            city.remote.wait(host.status)
            file = host.folder / "evidence" / f"votes-{accused.votes.hex()}.json"
            city.remote.wait(partial(is_kept, file))
            said = inside("verify", host.folder, "--votes", file)
            assert said.code == 0 and f"{VALIDATORS[3]} voted for two blocks of height" in said.out, said
            assert "the ledger names it for that" in said.out
        data = json.loads(file.read_bytes())
        votes = data["votes"]
        file.write_text(json.dumps(data | {"votes": [votes[0], votes[0]]}))
        assert inside("verify", one.folder, "--votes", file).code == 1, "one vote twice proves nothing"
        body = ["retire", VALIDATORS[3], "validator", accused.key, 0]
        city.say("office", body, *city.organisers, city.trustees[0].key)
        assert accused.key not in {each.key for each in city.ledger.state.validators()}, "at once"
        city.say("notice", [b"", ["We go on.", "Продолжаем."], []], city.organisers[0])
