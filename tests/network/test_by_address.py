"""Commands that are given a node's address where a ledger's folder could stand: a copy of one's own, and the node's door."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
from cli.conftest import fails_inside, inside, ok_inside
from cli.test_help import ALL
from engine.conftest import KINDS, run
from engine.stage import TRAMS, Stage

from veche.audit.framed import named_frame
from veche.cli.options import OwnLedgerPath
from veche.keys import SigningKey
from veche.ledger.frame import Framing, Item, bundles_of, by_block, frame_name, pack_items, unpack_items
from veche.ledger.heads import validator_verifier
from veche.ledger.state import State
from veche.log.checkpoint import SignedCheckpoint, cosign
from veche.log.log import Log
from veche.log.source import HEAD, WITNESS, Folder
from veche.log.tiles import CHECKPOINT
from veche.node.progress import Refusal, Said
from veche.node.service import Service
from veche.node.web import NoAnswer, Posted, Web, Wire
from veche.texts import Message
from veche.world import EMBEDDED, EngineKind, Played, World

from .others import serving

OPENS = 3760
"""Seconds from genesis to a moment at which the first poll is open."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device that has seen no ledger yet."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Town:
    """A city in which a poll has just opened, or (``poll`` is empty) in which nothing has been said yet."""

    def __init__(self, folder: Path, kind: EngineKind, opened: bool = True) -> None:
        self.folder, self.poll = folder, ""
        genesis = int(time.time()) - (OPENS if opened else 60)
        with World(folder, citizens={"Centre": 3}, registrars=(1, 1, 0), genesis=genesis, engine=kind) as world:
            world.organisers[0].save(folder / "organiser.key")
            if opened:
                poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
                world.wait_until(poll.definition.opens + 60)
                self.poll = poll.id.hex()
            world.engine.tick()
        self.stage = Stage(folder / "ledger", world.now, [])

    @contextmanager
    def node(self) -> Iterator[str]:
        """A node of it; its address."""
        with self.stage.open() as ledger:
            engine = run(ledger, self.stage.key, lambda: int(time.time()))
            service = Service(engine, self.stage.key, "127.0.0.1", 0)
            with engine, service:
                host, port = service.address
                yield f"http://{host}:{port}"
                service.check()


def _gone(door: Web) -> NoReturn:
    raise NoAnswer(door.url, Message("Connection refused"))


def _waiting(you: Path) -> bytes:
    """The ballot that is on its way."""
    (kept,) = (one for one in (you / "seed.sealed").iterdir() if "cast" in one.read_text())
    return bytes.fromhex(json.loads(kept.read_text())["entry"])


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_voter_needs_no_more_than_an_address(
    kind: EngineKind, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, you = Town(tmp_path / "town", kind), tmp_path / "you"
    you.mkdir()
    with town.node() as url:
        at = ("--ledger", url)
        first = ok_inside("poll", "list", *at)
        assert "More trams?" in first.out and "Compare it with what the city publishes" in first.err
        assert "Compare" not in ok_inside("ledger", "show", *at).err, "an address is introduced once"
        vote = ("vote", town.poll[:12], *at, "--seed", you / "seed", "--person", "Centre-0")
        ok_inside(*vote, "--ask", you / "request.json", "--group", "Everyone")
        ok_inside(  # at a desk that has no folder of a ledger either
            "registrar", "issue", town.folder / "registrar-1", *at, "--person", "Centre-0", "--request", you / "request.json",
            "-o", you / "answer.json",
        )  # fmt: skip
        ok_inside(*vote, "--collect", "--answer", you / "answer.json")
        ok_inside(*vote[:-2], "-c", "1", "--seal")
        casts = ("cast", town.poll[:12], *at, "--seed", you / "seed", "--receipts", you, "--json")
        refusal = Refusal("turn", Said("No such turn.", "Нет."), Said("", ""))
        with monkeypatch.context() as patch:  # a node that lies
            patch.setattr(Wire, "post_entry", lambda *_: Posted(422, 0.0, msgspec.json.encode(refusal)))
            fails_inside(1, "the ledger itself knows no reason", *casts)
            said = "".join(('{"entry":"', sha256(_waiting(you)).hexdigest(), '","stage":"final","number":2}'))
            patch.setattr(Wire, "post_entry", lambda *_: Posted(202, 0.0, said.encode()))
            fails_inside(1, "is entry 2 of the ledger, and it is not", *casts)
        cast = ok_inside(*casts).json
        receipt = Path(cast["receipt"])
        assert "holds" in ok_inside("ledger", "check-receipt", receipt, *at).out
        found = ok_inside("verify", url, "--receipt", receipt, "--json").json
        assert found["size"] > cast["entry"]
        assert cast["tracker"] in ok_inside("find", "--seed", you / "seed", *at).out
        if kind is EMBEDDED:
            assert cast["promises"] is None
        else:
            kept = ok_inside("verify", url, "--promise", cast["promises"], receipt.with_suffix(".entry"))
            assert "kept its promise" in kept.out
            assert Path(cast["promises"]).stat().st_mode & 0o777 == 0o600
    gone = inside("poll", "list", *at)
    assert gone.code == 2 and "does not answer" in gone.err


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_who_only_reads_takes_no_ballots(
    kind: EngineKind, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(tmp_path / "town", kind)
    asked: list[str] = []
    get = Wire.get

    def telling(self: Wire, at: str, path: str, *rest: object) -> bytes | None:
        asked.append(path)
        return get(self, at, path, *rest)  # type: ignore[arg-type]

    with town.node() as url:
        monkeypatch.setattr(Wire, "get", telling)
        listed = ok_inside("poll", "list", "--ledger", url)
        assert "More trams?" in listed.out and "ballots not read" in listed.out and f"veche verify {url}" in listed.err
        shown = ok_inside("poll", "show", town.poll[:12], "--ledger", url, "--json").json
        assert shown["recounted"] is False and shown["counted"] == 0
        for command in (("ledger", "show"), ("committee", "list")):
            ok_inside(*command, "--ledger", url)
        assert not list((home / "veche").glob("ledgers/*/checkpoint"))
        assert any(path.startswith("frame/") for path in asked)
        ok_inside("verify", url)  # from now on there is a copy, and it goes on
        assert "ballots not read" not in ok_inside("poll", "list", "--ledger", url).out
        assert ok_inside("poll", "show", town.poll[:12], "--ledger", url, "--json").json["recounted"] is True


def test_what_a_frame_lacks_is_not_shown(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that hides an entry has not the frame that its own newest block names."""
    town = Town(tmp_path / "town", EMBEDDED)
    get = Wire.get

    def hiding(self: Wire, url: str, path: str, *rest: object) -> bytes | None:
        data = get(self, url, path, *rest)  # type: ignore[arg-type]
        if not path.startswith("frame/") or data is None:
            return data
        width = int(path.rpartition("/")[2])
        items = unpack_items(path, data, width)
        return pack_items([*items[:-2], items[-1], items[-1]])

    with town.node() as url:
        monkeypatch.setattr(Wire, "get", hiding)
        fails_inside(1, "this is not the frame that the last block names", "poll", "list", "--ledger", url)


def test_trustees_act_on_copies_that_they_execute(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path / "town", EMBEDDED, opened=False)
    with town.node() as url:
        at = ("--ledger", url)
        said = ok_inside(
            "committee", "form", *at, "--class", "city", "--key", town.folder / "organiser.key", "--json"
        ).json
        trustees = sorted(town.folder.glob("trustee-*"))
        ok_inside("trustee", "act", trustees[0], *at)
        with monkeypatch.context() as patch:  # the node is gone while one waits for the others
            calls = iter((Web.checkpoint,))
            patch.setattr(Web, "checkpoint", lambda self: next(calls, _gone)(self))
            waited = ok_inside("trustee", "act", trustees[0], *at, "--timeout", "0.3")
        assert waited.err.count("It is asked again") == 1
        for _ in range(3):
            for office in trustees:
                ok_inside("trustee", "act", office, *at, "--also", url)
        assert ok_inside("committee", "show", said["committee"], *at, "--json").json["key"] is not None
        done = ok_inside("trustee", "act", trustees[0], *at)
        assert "nothing is due" in done.out
        notice = ("office", "notice", "--text", "A", "--text-ru", "А", "--key", town.folder / "organiser.key", *at)
        ok_inside(*notice, "-o", tmp_path / "one.entry")
        ok_inside(*notice, "-o", tmp_path / "two.entry")
        copy = ok_inside("ledger", "submit", tmp_path / "one.entry", *at, "--json").json
        assert ok_inside("ledger", "log", *at, "--last", "3").out.count("notice") == 1 and copy["entry"] > 0


# Nodes that hide something


class Lies:
    """A network's ledger before something was said in it, and after; whoever serves only the first hides it."""

    def __init__(self, folder: Path) -> None:
        self.before, self.after = folder / "before", folder / "after"
        genesis = int(time.time()) - OPENS
        with World(
            folder / "town", citizens={"Centre": 2}, registrars=(1, 1, 0), genesis=genesis, engine=Played(4)
        ) as world:
            poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
            world.wait_until(poll.definition.opens + 60)
            world.engine.tick()
            shutil.copytree(world.folder / "ledger", self.before)
            signers = *world.organisers, *world.head_keys[:2]
            seat = world.ledger.state.offices[world.organisers[0].public].institution
            world.say("cancel", [poll.id, ["Void.", "Отмена."]], *signers)
            world.say("office", ["rotate", seat, "organiser", SigningKey.generate().public, 0], *signers)
            world.engine.tick()
            shutil.copytree(world.folder / "ledger", self.after)
            self.poll, self.keys, self.trustee = poll.id.hex()[:12], world.head_keys, folder / "town" / "trustee-1"

    def aged(self, folder: Path, seconds: int) -> None:
        """Let the head of this copy be one that was signed so long ago, as it is where the newer ones are hidden."""
        head = Folder(folder).checkpoint().checkpoint
        when = int(time.time()) - seconds
        lines = [cosign(head, validator_verifier(head.origin, key.public).name, key, when) for key in self.keys]
        (folder / CHECKPOINT).write_bytes(SignedCheckpoint(head, tuple(lines)).to_bytes())


@contextmanager
def door(folder: Path, **more: bytes) -> Iterator[str]:
    """A door over HTTP, with this folder's files as they are now."""
    source = Folder(folder)
    files = {f"/{name}": source.read(name) for name in source.names()}
    sizes = [int(name.removeprefix(HEAD)) for name in source.names(HEAD)]
    charter = Log(source, source.checkpoint().checkpoint).entry(0)
    with serving(
        {
            **files,
            "/heads": msgspec.json.encode(sizes),
            "/charter": charter,
            **{f"/{name}": body for name, body in more.items()},
        }
    ) as url:
        yield url


@pytest.fixture(scope="module")
def lies(tmp_path_factory: pytest.TempPathFactory) -> Lies:
    return Lies(tmp_path_factory.mktemp("lies"))


@pytest.fixture
def honest(lies: Lies, tmp_path: Path) -> Iterator[str]:
    shutil.copytree(lies.after, tmp_path / "after")
    lies.aged(tmp_path / "after", 5)
    with door(tmp_path / "after") as url:
        yield url


@pytest.fixture
def liar(lies: Lies, tmp_path: Path) -> Iterator[str]:
    """Who hides the cancellation, and has had no newer head for an hour."""
    shutil.copytree(lies.before, tmp_path / "before")
    lies.aged(tmp_path / "before", 3600)
    with door(tmp_path / "before") as url:
        yield url


@pytest.fixture
def framed_liar(lies: Lies, tmp_path: Path) -> Iterator[str]:
    """The same, who serves the frame of what it shows, too."""
    shutil.copytree(lies.before, tmp_path / "framed")
    lies.aged(tmp_path / "framed", 3600)
    source = Folder(tmp_path / "framed")
    log = Log(source, source.checkpoint().checkpoint)
    size = named_frame(log).size
    framing, items = Framing(600), list[Item]()
    for block in by_block(Item(*one) for one in enumerate(log.entries())):
        items += framing.take(block)
    bundles = {frame_name(index, width): pack_items(items[index * 256 :][:width]) for index, width in bundles_of(size)}
    with door(tmp_path / "framed", **bundles) as url:
        yield url


def test_nor_does_it_hide_it_from_who_takes_no_ballots(lies: Lies, home: Path, framed_liar: str) -> None:
    shown = ok_inside("poll", "show", lies.poll, "--ledger", framed_liar)
    assert "were not read" in shown.err and "vouched 1 hour" in shown.err


def test_another_institution_is_asked_by_itself(
    lies: Lies, home: Path, framed_liar: str, honest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is ahead is named; whose answer does not hold is named, and the next is asked; two histories stop everything."""
    rows = State.validator_rows

    def named(*urls: str) -> None:
        monkeypatch.setattr(
            State, "validator_rows", lambda self: [rows(self)[0]._replace(url=url) for url in (framed_liar, *urls)]
        )

    show = "poll", "show", lies.poll, "--ledger", framed_liar
    named(honest)
    assert f"{honest} has newer entries than {framed_liar}" in " ".join(ok_inside(*show).err.split())
    with serving({"/checkpoint": b"junk"}) as junk:
        named(junk, "http://127.0.0.1:9", honest)
        said = " ".join(ok_inside(*show).err.split())
    assert f"what {junk} shows does not hold" in said and "has newer entries" in said
    head = Folder(lies.before).checkpoint().checkpoint
    false = replace(head, size=head.size - 1, root=bytes(32))
    lines = [cosign(false, validator_verifier(head.origin, key.public).name, key, 1) for key in lies.keys]
    with serving({"/checkpoint": SignedCheckpoint(false, tuple(lines)).to_bytes()}) as other:
        named(other)
        fails_inside(1, "Two nodes show two histories of this ledger", *show)


def test_a_node_that_hides_the_last_hour_is_told_by_the_age_of_its_head(
    lies: Lies, liar: str, home: Path, tmp_path: Path
) -> None:
    shown = ok_inside("poll", "show", lies.poll, "--ledger", liar)
    assert "vouched 1 hour" in shown.err and "ask another node" in shown.err
    fails_inside(
        2, "last vouched", "vote", lies.poll, "--ledger", liar, "--seed", tmp_path / "seed", "-c", "1", "--seal"
    )
    fails_inside(2, "last vouched", "trustee", "act", lies.trustee, "--ledger", liar)
    assert not (tmp_path / "seed.sealed").exists()


def test_what_one_node_hides_another_one_shows(lies: Lies, liar: str, honest: str, home: Path) -> None:
    assert "cancelled" not in ok_inside("poll", "show", lies.poll, "--ledger", liar, "--json").out
    assert "rotate" not in ok_inside("ledger", "log", "--ledger", liar, "--kind", "office").out
    both = ok_inside("trustee", "act", lies.trustee, "--ledger", liar, "--also", honest)
    assert "nothing is due" in both.out
    compared = ok_inside("compare", liar, honest)
    assert f"{honest} goes on from {liar}" in compared.out
    assert "cancelled" in ok_inside("poll", "show", lies.poll, "--ledger", honest, "--json").out
    assert "rotate" in ok_inside("ledger", "log", "--ledger", honest, "--kind", "office").out


def test_what_was_seen_is_not_forgotten(lies: Lies, liar: str, honest: str, home: Path) -> None:
    ok_inside("poll", "list", "--ledger", honest)
    shown = ok_inside("poll", "show", lies.poll, "--ledger", liar, "--json")
    assert "were seen before" in shown.err and "cancelled" in shown.out


def test_another_ledger_or_another_history_at_an_address(lies: Lies, honest: str, home: Path, tmp_path: Path) -> None:
    ok_inside("poll", "list", "--ledger", honest)
    (copy,) = (home / "veche" / "ledgers").iterdir()
    head = Folder(copy).checkpoint().checkpoint
    kept = (copy / CHECKPOINT).read_bytes()
    false = replace(head, size=head.size - 1, root=bytes(32))
    lines = [cosign(false, validator_verifier(head.origin, key.public).name, key, 1) for key in lies.keys]
    (copy / CHECKPOINT).write_bytes(SignedCheckpoint(false, tuple(lines)).to_bytes())
    fails_inside(1, "There are two histories of the ledger", "poll", "list", "--ledger", honest)
    (copy / CHECKPOINT).write_bytes(kept)
    said = fails_inside(1, "There are two histories of the ledger", "poll", "list", "--ledger", honest)
    assert "fork.json" in said.err, "it is kept until a person decides"
    (copy / "evidence" / "fork.json").unlink()
    ok_inside("poll", "list", "--ledger", honest)
    (known,) = (home / "veche" / "nodes").iterdir()
    known.write_text("ab" * 32)
    fails_inside(1, "has another ledger than before", "poll", "list", "--ledger", honest)


def test_what_names_no_node(home: Path, tmp_path: Path) -> None:
    fails_inside(2, "is not the address of a node", "poll", "list", "--ledger", "http://node.example/path")
    fails_inside(2, "does not answer", "poll", "list", "--ledger", "http://127.0.0.1:9")
    with serving({}) as url:
        fails_inside(2, "There is no ledger at", "poll", "list", "--ledger", url)
    for words in (("ledger", "run", "--once"), ("ledger", "rebuild"), ("node", "run"), ("ledger", "keygen")):
        fails_inside(2, "is a node's address", *words, "--ledger", "http://node.example")
    assert not home.exists()


READING = (
    "ledger show", "ledger log", "ledger entry 2", "poll list", "poll show {poll}", "charter show", "due", "committee list",
)  # fmt: skip


def test_what_is_read_at_an_address_is_what_is_read_in_the_folder(
    lies: Lies, honest: str, home: Path, tmp_path: Path
) -> None:
    for words in READING:
        command = [word.format(poll=lies.poll) for word in words.split()]
        there = ok_inside(*command, "--ledger", honest, "--json")
        assert there.json == ok_inside(*command, "--ledger", lies.after, "--json").json, words
    ok_inside("export", tmp_path / "copy.tar", "--ledger", honest)
    assert "equal" in ok_inside("compare", tmp_path / "copy.tar", honest).out
    ok_inside("ledger", "receipt", "2", "--ledger", honest, "-o", tmp_path / "two.tlog-proof")
    ok_inside("ledger", "consistency", lies.before / CHECKPOINT, "--ledger", honest)


def test_what_writes_a_folder_takes_no_address() -> None:
    own = {
        " ".join(words)
        for words, one in ALL.items()
        if any(isinstance(param.type, OwnLedgerPath) for param in one.params)
    }
    assert own == {
        "ledger keygen",
        "ledger init",
        "ledger run",
        "ledger rebuild",
        "node run",
        "network keys",
        "network restart",
        "node join",
        "node status",
    }


def test_nothing_is_put_into_a_copy(lies: Lies, honest: str, home: Path, tmp_path: Path) -> None:
    ok_inside("witness", "init", tmp_path / "witness", "--institution", "Observers")
    fails_inside(2, "nothing is put into its folder", "witness", "publish", lies.after / CHECKPOINT, "--ledger", honest)
    ok_inside("witness", "cosign", tmp_path / "witness", "--ledger", honest, "-o", tmp_path / "head")


def test_without_what_http_takes_a_sentence_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "veche.node.web", None)
    fails_inside(2, "pip install veche[node]", "poll", "list", "--ledger", "http://node.example")


# What a node has that does not hold, and what witnesses cosigned


def test_files_that_do_not_hold_are_no_copy(lies: Lies, home: Path, tmp_path: Path) -> None:
    (name,) = Folder(lies.after).names("tile/entries/")
    body = Folder(lies.after).read(name)
    with door(lies.after, **{name: body[:-1] + bytes([body[-1] ^ 1])}) as url:
        fails_inside(1, "Error", "ledger", "log", "--ledger", url)
    (copy,) = (home / "veche" / "ledgers").iterdir()
    assert not (copy / CHECKPOINT).exists()


def test_of_two_nodes_both_are_asked(lies: Lies, honest: str, home: Path) -> None:
    words = ("trustee", "act", lies.trustee, "--ledger", honest, "--also")
    gone = "http://127.0.0.1:9"
    fails_inside(2, "does not answer", *words, gone)
    with door(lies.after, checkpoint=b"junk") as other:
        assert inside(*words, other).code == 1


def test_what_witnesses_cosigned_comes_with_the_copy(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(tmp_path / "town", citizens={"Centre": 1}, registrars=(1, 1, 0), witnesses=(1, 0)) as world:
        world.cosign()
        (key,) = (one.key.public for one in world.witnesses)
    name, folder = f"{WITNESS}{key.hex()}", tmp_path / "town" / "ledger"
    with door(folder) as url:
        there = ok_inside("verify", url, "--json").json
    assert there["witnesses"] == ok_inside("verify", folder, "--json").json["witnesses"]
    (copy,) = (home / "veche" / "ledgers").iterdir()
    assert (copy / name).read_bytes() == (folder / name).read_bytes()
    by_another = Folder(folder).read(CHECKPOINT)  # a head that this witness has not cosigned
    for junk in (b"junk", by_another):
        with door(folder, **{name: junk}) as url:
            ok_inside("ledger", "show", "--ledger", url)
        assert (copy / name).read_bytes() == (folder / name).read_bytes()
