"""Validators that lack the old blocks join a network that runs: one that is new, and one that lost its whole folder."""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comet
import pytest

from veche.audit.ledger import verify_ledger
from veche.engine.cometbft.begin import Commits, begin, lacks_blocks
from veche.engine.cometbft.home import VOTED
from veche.engine.cometbft.launch import Launch
from veche.engine.publishing import LOG_KEY
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.source import Folder
from veche.node.joining import NEWEST, Joining, others
from veche.node.peers import Peers
from veche.node.progress import Stage
from veche.world import VALIDATORS

from .hosts import HOST, City, Host, Hosts, log_of
from .others import serving
from .proxy import Network
from .test_finality import Validator, validator
from .test_starting import Heard

__all__ = ["validator"]

KEPT = 6
"""Blocks that CometBFT keeps here."""
DAYS_14 = 13
"""Seconds of this test's ledger for which a change of a seat waits."""


class Forgetful(Hosts):
    """Hosts whose CometBFT keeps few blocks."""

    def host(self, number: int, folder: Path) -> Host:
        made = super().host(number, folder)
        made.program = (HOST, "--kept", str(KEPT))
        return made


def notice(city: City, what: str) -> int:
    return city.say("notice", [b"", [what, "Извещение"], []], city.organisers[0])


def newcomer(city: City, number: int, folder: Path, from_: list[Host]) -> tuple[Host, SigningKey, list[Any]]:
    """A host with keys and nothing else; its ledger key; and the rest of its row: votes, url, peer."""
    folder.mkdir()
    host, key = city.hosts.host(number, folder), SigningKey.generate()
    row = host.row(VALIDATORS[number])
    key.save(folder / LOG_KEY)
    charter = city.folder / "charter.entry"
    charter.write_bytes(city.ledger.entry(0))
    host.program = (*host.program, "--charter", str(charter))
    for other in from_:
        host.program = (*host.program, "--from", f"http://{other.place.inside}:{other.http}")
    return host, key, [row.votes, row.url, row.peer]


def forget_blocks(city: City, height: int) -> None:
    """Until nobody has the block of this height any more."""
    hosts = city.remote.running
    city.remote.wait(lambda: all(host.status()["height"] > height + KEPT + 2 for host in hosts))
    for number in range(2):
        notice(city, f"so that the height of a block is written down, {number} after {height}")
    city.remote.wait(lambda: all(host.client.get(f"/commits/{height}").status == 404 for host in hosts))
    assert all(host.client.get(f"/commits/{NEWEST}").status == 200 for host in hosts)


def is_behind(host: Host, other: Host) -> bool:
    one, two = host.status(), other.status()
    return one is None or two is None or one["final"] < two["final"]


def test_a_fifth_joins_and_one_that_lost_everything_comes_back(tmp_path: Path) -> None:
    with (
        Network() as network,
        City(tmp_path, Forgetful(network), citizens={"Centre": 1}, registrars=(1, 1, 0), test=100_000) as city,
    ):
        one, two, three, four = city.hosts.all
        forget_blocks(city, 2)

        # Its key is named by office entries. It starts before its seat takes effect, with a liar's address first, and follows.
        five, key, (votes, url, peer) = newcomer(city, 4, tmp_path / "validator-5", [two, three])
        city.say(
            "office", ["add", VALIDATORS[4], "validator", key.public, 0, votes], *city.organisers, *city.head_keys[:2]
        )
        five.start()
        city.hosts.all.append(five)
        city.remote.wait(lambda: not is_behind(five, one))
        assert five.client.get(f"/heads/{key.public.hex()}").status == 404 and "seat" not in five.said
        early = sign(city.id, "notice", [b"", ["Handed in there.", "Подано там."], []], city.organisers[:1])
        assert five.client.hand_in(early).status == 202
        five.client.wait(sha256(early).hexdigest(), "final")
        city.wait(DAYS_14 + 2)
        city.submit(sign(city.id, "address", [url, peer, 0], [key]))
        city.head_keys.append(key)
        assert len(city.ledger.state.validators()) == 5

        # Now heads are final with four of five: without the third, the fifth is needed. The third is away until its blocks are forgotten.
        away = three.status()["height"]
        three.kill()
        notice(city, "Of four.")
        lines = Folder(two.folder).checkpoint().signatures
        assert len(lines) == 4 and any(key.public.hex()[:16] in line.name for line in lines)
        forget_blocks(city, away)
        three.start()
        city.remote.wait(lambda: not is_behind(three, two))

        # The fourth loses its folder. What it voted last is lost with it, so its keys vote no more: the seat takes new ones.
        four.kill()
        shutil.rmtree(four.folder)
        city.hosts.all.remove(four)
        city.wait(DAYS_14 + 2)  # under a third of the validators change at a time
        back, new, (votes, url, peer) = newcomer(city, 3, tmp_path / "again-4", [one, five])
        body = ["rotate", VALIDATORS[3], "validator", new.public, 0, votes]
        city.say("office", body, *city.organisers, city.head_keys[1], city.head_keys[3])
        forget_blocks(city, one.status()["height"])
        back.start()
        city.hosts.all.append(back)
        city.remote.wait(lambda: not is_behind(back, one))
        city.submit(sign(city.id, "address", [url, peer, 1], [new]))
        two.kill()
        number = notice(city, "Of one, three, five, and the fourth that came back.")
        two.start()
        city.remote.wait(lambda: not any(is_behind(host, back) for host in city.hosts.all))
        commits = last_commits(city, one)
        city.remote.stop()
        logs = [log_of(host.folder) for host in city.hosts.all]
        size = min(len(log) for log in logs)
        assert size > number and len({tuple(log[:size]) for log in logs}) == 1
        verify_ledger(Folder(back.folder))
        for host in city.hosts.all:  # started again, each goes on from what it has
            assert not (host.folder / "cometbft" / "beginning").exists()
        check_liars_are_found_out(one.folder, commits)


def last_commits(city: City, host: Host) -> dict[str, Any]:
    """What a door says of the block in which the log's last entries stand."""
    blocks = [decode(entry)[1] for entry in log_of(host.folder) if decode(entry)[0] == "block"]
    answer = host.client.get(f"/commits/{blocks[-1][0]}")
    assert answer.status == 200
    return dict(answer.json)


ABSENT = {"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": None}


def lies(commits: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What somebody may say instead."""
    for which in ("at", "next"):
        for name, value in (("app_hash", 64 * "0"), ("time", "2020-01-01T00:00:00Z"), ("chain_id", "veche-other")):
            lie = deepcopy(commits)
            lie[which]["signed_header"]["header"][name] = value
            yield lie
        lie = deepcopy(commits)
        signatures = lie[which]["signed_header"]["commit"]["signatures"]
        signatures[0]["signature"] = signatures[-1]["signature"]
        yield lie
        lie = deepcopy(commits)
        lie[which]["signed_header"]["commit"]["signatures"][:3] = [ABSENT] * 3
        yield lie
        yield {**commits, which: {"signed_header": None, "canonical": True}}
    yield {"at": commits["next"], "next": commits["at"]}
    yield {"at": commits["at"], "next": commits["at"]}


def check_liars_are_found_out(folder: Path, commits: dict[str, Any]) -> None:
    """No such answer begins anything, and the true one does."""
    voted = folder / "cometbft" / "data" / VOTED
    before = voted.read_bytes()
    with Ledger(folder) as ledger:
        for lie in lies(commits):
            with pytest.raises(DoesNotHold):
                begin(ledger, Commits.read(json.dumps(lie).encode()), Launch([comet.program()]))
            assert not lacks_blocks(ledger)  # what there is was not touched
        begin(ledger, Commits.read(json.dumps(commits).encode()), Launch([comet.program()]))
        assert voted.read_bytes() == before and lacks_blocks(ledger)  # until a block is there
    for junk in (
        b"",
        b"[",
        b"[" * 100_000,
        b"{}",
        b'{"at": 1, "next": 2}',
        b'{"at": {"signed_header": {"header": {"height": "x"}}}, "next": 0}',
    ):
        with pytest.raises(DoesNotHold):
            Commits.read(junk)


def test_whoever_becomes_a_validator_gets_what_is_on_its_way(validator: Validator) -> None:
    """And is told of the newest head; who has another address is found there, and who is none any more is left alone."""
    heads = list[str]()

    def said(name: str) -> Callable[[], bytes]:
        def answer() -> bytes:
            heads.append(name)
            return b""

        return answer

    async def renewed(first: str, second: str) -> tuple[int, set[str]]:
        own: Any = SimpleNamespace(height=0, promised=lambda way, promise: None)
        these = Peers(validator.keys[0], [(b"\1" * 32, "http://127.0.0.1:1")], own, Heard(validator))  # type: ignore[arg-type]
        way: Any = SimpleNamespace(hash=b"\5" * 32, entry=b"entry", stage=Stage.KEPT, number=None, promises=[])
        await these.begin()
        try:
            these.pass_on(way)
            these.tell(b"a head")
            these.renew([(b"\2" * 32, first)])
            these.renew([(b"\2" * 32, second), (b"\3" * 32, first)])
            async with asyncio.timeout(20):
                while set(heads) != {"first", "second"}:
                    await asyncio.sleep(0.02)
            return len(these._by_peer), {peer.url for peer in these._all if list(peer.waiting)}
        finally:
            await these.end()

    with serving({"/heads": said("first")}) as first, serving({"/heads": said("second")}) as second:
        assert asyncio.run(renewed(first, second)) == (2, {first, second})


def test_a_liar_alone_keeps_nobody_from_the_blocks_that_there_are(
    validator: Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are started again at once, and only the liar's door answers: it says that it is far ahead."""
    validator.block()
    ledger, folder = validator.ledger, validator.ledger.folder
    (folder / "cometbft" / "data" / "blockstore.db").mkdir(parents=True)
    urls = [url for _, url in others(ledger.state, validator.keys[0].public)]
    said = {"signed_header": {"header": {"height": "999999"}}}
    far = Commits.read(json.dumps({"at": said, "next": said}).encode())
    ahead = urls[:1]
    monkeypatch.setattr(Joining, "_ask", lambda self, wire, url, what: far if what == NEWEST and url in ahead else None)
    wire: Any = None
    assert len(urls) == 3 and not Joining(folder)._needs(ledger, wire, urls) and not lacks_blocks(ledger)
    assert Joining(folder, urls=[*urls[:1]])._needs(ledger, wire, urls), "whom a person names is believed so far"
    shutil.rmtree(folder / "cometbft")
    (folder / "cometbft" / "data" / "blockstore.db").mkdir(parents=True)
    ahead += urls[1:2]
    assert Joining(folder)._needs(ledger, wire, urls) and lacks_blocks(ledger)


def test_a_liar_alone_keeps_nobody_from_joining(validator: Validator, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it has the block that follows; the two others have it no more, and are ahead."""
    validator.block()
    ledger, folder = validator.ledger, validator.ledger.folder
    (folder / "cometbft" / "data" / "blockstore.db").mkdir(parents=True)
    urls = [url for _, url in others(ledger.state, validator.keys[0].public)]

    def said(height: int) -> Commits:
        one = {"signed_header": {"header": {"height": str(height)}}}
        return Commits.read(json.dumps({"at": one, "next": one}).encode())

    has, ahead = urls[:1], urls[1:2]
    monkeypatch.setattr(
        Joining,
        "_ask",
        lambda self, wire, url, what: (
            said(ledger.height + 99) if what == NEWEST and url in ahead else said(ledger.height) if url in has else None
        ),
    )
    wire: Any = None
    assert not Joining(folder)._needs(ledger, wire, urls) and not lacks_blocks(ledger), "CometBFT gets them from there"
    ahead += urls[2:]
    assert Joining(folder)._needs(ledger, wire, urls) and lacks_blocks(ledger)
