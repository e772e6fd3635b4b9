"""How one copy of a ledger comes to the block behind which its network is restarted, and what it refuses to sign."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.audit.restarting import commit_to, height_of, lay_out, lead_on, reach, restart_ledger
from veche.cli.restarting import begin_restart
from veche.engine.cometbft.engine import CometEngine
from veche.engine.cometbft.home import VOTED
from veche.engine.cometbft.launch import Launch
from veche.engine.publishing import LOG_KEY, Publishing
from veche.engine.running import RESTART, any_engine
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.network import Founder
from veche.ledger.entries.restart import Restart
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.log.log import Log
from veche.log.source import Folder
from veche.world import VALIDATORS, Played, World, validator_row

HOUR = 3600


class Net:
    """Four validators of whom two are lost, two blocks after the last final head; the third is to come back with new keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with World(folder / "world", registrars=(1, 1, 0), engine=Played(4)) as world:
            self.institutions = [*world.organisers, world.trustees[0].key]
            self.keys, self.id = list(world.head_keys), world.id
            self.say(world, "one")
            world.engine.tick()
        home = folder / "world" / "ledger"
        self.new, self.consensus = SigningKey.generate(), SigningKey.generate()
        self.votes = self.consensus.public
        with Ledger(home) as ledger:
            for text in ("two", "three"):  # decided, and then over a third was lost before their heads were final
                ledger.execute(ledger.height + 1, ledger.time + 1, [self.notice(text)])
                ledger.commit()
            state, rows = ledger.state, {row.institution: row for row in ledger.state.validator_rows()}
            founders = [Founder(one.key, rows[one.institution]) for one in state.validators()[:2]]
            founders.append(Founder(self.new.public, validator_row(VALIDATORS[2], self.votes, 2)))
            head = lay_out(ledger)
            self.restart = Restart(head.size, head.root, ledger.height + 10, ledger.time + HOUR, tuple(founders))
        self.home = home
        self.entry = self.restart.sign(self.id, [*self.institutions, *self.keys[:2]])

    def notice(self, text: str) -> bytes:
        return sign(self.id, "notice", [b"", [text, text], []], self.institutions[:1])

    def say(self, world: World, text: str) -> None:
        world.submit(self.notice(text))

    def copy(self, name: str, key: SigningKey) -> Path:
        """What is public of it, as another machine has it, with this key beside it."""
        folder = self.folder / name
        shutil.copytree(self.home / "tile", folder / "tile")
        shutil.copy(self.home / "checkpoint", folder)
        key.save(folder / LOG_KEY)
        return folder


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    yield Net(tmp_path)


def log_of(folder: Path) -> Log:
    source = Folder(folder)
    return Log(source, source.checkpoint().checkpoint)


def test_each_copy_comes_to_the_same_log(net: Net) -> None:
    final = log_of(net.home)
    assert final.size < net.restart.size, "some is durable that is not final"
    folders = [net.home, net.copy("second", net.keys[1]), net.copy("third", net.new)]
    rebuild(folders[1])
    for folder in folders:
        for _ in range(2):
            assert restart_ledger(folder, net.entry) == net.restart.size + 1
    logs, heads = [], []
    for folder in folders:
        with Ledger(folder) as ledger:
            logs.append([ledger.entry(number) for number in range(ledger.size)])
            Publishing(ledger, [*net.keys[:2], net.new]).publish(ledger.time)
            heads.append(ledger.head)
        verified = verify_ledger(Folder(folder))
        assert verified.log.root(final.size) == final.head.root
        assert [one.key for one in verified.state.validators()] == [founder.key for founder in net.restart.founders]
    assert logs[0] == logs[1] == logs[2] and len(set(heads)) == 1
    assert [decode(data)[0] for data in logs[0][-7:]] == [
        "block", "notice", "block", "notice", "block", "restart", "validators",
    ]  # fmt: skip


def test_who_has_less_is_led_on_and_who_has_other_entries_signs_nothing(net: Net) -> None:
    second = net.copy("second", net.keys[1])
    known = verify_ledger(Folder(second))
    log = reach(Folder(second), known.log, net.restart)
    assert log.size == net.restart.size
    state = lead_on(known.state, log, known.head.size)
    assert (state.get("size"), known.state.get("size")) == (net.restart.size, known.head.size)
    state.db.close()

    shutil.rmtree(second / "tile")
    shutil.copytree(net.home / "tile", second / "tile")
    bare = net.folder / "bare"
    shutil.copytree(second, bare)
    for path in (bare / "tile" / "entries").rglob("*"):
        if path.is_file() and int(path.name) != known.head.size:
            path.unlink()
    with pytest.raises(UserError, match="does not have them"):
        reach(Folder(bare), known.log, net.restart)
    with pytest.raises(UserError, match="does not have them"):
        other = replace(net.restart, root=bytes(32))
        reach(Folder(second), known.log, other)

    for wrong in (
        replace(net.restart, size=known.head.size, root=bytes(32)),
        replace(net.restart, size=known.head.size - 2, root=known.log.root(known.head.size - 2)),
    ):
        with pytest.raises(DoesNotHold, match="leaves out or changes") as caught:
            reach(Folder(second), known.log, wrong)
        assert caught.value.step == "consistency"


def test_a_validator_that_signed_goes_on_with_it_or_not_at_all(net: Net) -> None:
    log = Log(Folder(net.home), Checkpoint(log_of(net.home).head.origin, net.restart.size, net.restart.root))
    commit_to(net.home, net.keys[0], net.restart, log)
    commit_to(net.home, net.keys[0], net.restart, log)
    assert (net.home / RESTART).read_bytes() == encode(["restart", net.restart.body()])
    with Ledger(net.home) as ledger, pytest.raises(UserError, match="has signed a restart"):
        any_engine(ledger, net.keys[0], None, 1)
    with pytest.raises(UserError, match="another restart already"):
        commit_to(net.home, net.keys[0], replace(net.restart, time=net.restart.time + 1), log)
    with Ledger(net.home), pytest.raises(UserError, match="Another program is writing"):
        commit_to(net.home, net.keys[0], net.restart, log)
    restart_ledger(net.home, net.entry)
    assert not (net.home / RESTART).exists()
    with Ledger(net.home) as ledger:
        assert isinstance(any_engine(ledger, net.keys[0], None, 1, Launch(["false"])), CometEngine)


def test_a_chain_begins_above_all_that_a_validator_voted_for(net: Net) -> None:
    """An idle network writes its height down once a minute: of blocks that appended nothing the vote tells."""
    with Ledger(net.home) as ledger:
        assert height_of(ledger) == ledger.height
        state = net.home / "cometbft" / "data" / VOTED
        state.parent.mkdir(parents=True, exist_ok=True)
        for damaged in (b"", b"[]", b"{}"):
            state.write_bytes(damaged)
            assert height_of(ledger) == ledger.height
        state.write_text(json.dumps({"height": str(net.restart.height), "round": 0, "step": 3}))
        assert height_of(ledger) == net.restart.height
    log = Log(Folder(net.home), Checkpoint(log_of(net.home).head.origin, net.restart.size, net.restart.root))
    with pytest.raises(UserError, match="further than the restart goes on from"):
        commit_to(net.home, net.keys[0], net.restart, log)
    assert not (net.home / RESTART).exists()
    state.write_text(json.dumps({"height": str(net.restart.height - 1), "round": 0, "step": 3}))
    commit_to(net.home, net.keys[0], net.restart, log)


def test_nothing_goes_back_behind_what_a_validator_has(net: Net) -> None:
    shorter = replace(net.restart, size=log_of(net.home).size, root=log_of(net.home).head.root)
    with pytest.raises(UserError, match="further than the restart goes on from"):
        commit_to(net.home, net.keys[0], shorter, log_of(net.home))
    with pytest.raises(UserError, match="further than the restart goes on from"):
        restart_ledger(net.home, shorter.sign(net.id, [*net.institutions, *net.keys[:2]]))
    log = Log(Folder(net.home), Checkpoint(log_of(net.home).head.origin, net.restart.size, net.restart.root))
    low = replace(net.restart, height=net.restart.height - 10)
    with pytest.raises(UserError, match="further than the restart goes on from"):
        commit_to(net.home, net.keys[0], low, log)
    # It has cosigned more than its log has, as after a backup was put back.
    cosigned = net.home / "cosigned" / net.keys[0].public.hex()
    assert cosigned.is_file()
    cosigned.write_text(Checkpoint(log.head.origin, net.restart.size + 1, bytes(32)).text())
    with pytest.raises(DoesNotHold, match="leaves out or changes"):
        commit_to(net.home, net.keys[0], net.restart, log)
    cosigned.write_text(Checkpoint(log.head.origin, net.restart.size - 1, bytes(32)).text())
    with pytest.raises(DoesNotHold, match="leaves out or changes"):
        commit_to(net.home, net.keys[0], net.restart, log)


def change_validators(net: Net) -> Restart:
    """The last durable block exchanges the second validator's keys, and the head under it is not final; the restart behind it."""
    new, votes = SigningKey.generate(), SigningKey.generate().public
    with Ledger(net.home) as ledger:
        body = ["rotate", VALIDATORS[1], "validator", new.public, 0, votes]
        ledger.execute(
            ledger.height + 1, ledger.time + 1, [sign(net.id, "office", body, [*net.institutions, net.keys[1]])]
        )
        ledger.commit()
        assert ledger.state.succession.changes[-1][0] + 1 == ledger.size
        head = lay_out(ledger)
        return replace(net.restart, size=head.size, root=head.root)


def head_of(net: Net, restart: Restart, *keys: SigningKey) -> bytes:
    head = Checkpoint(log_of(net.home).head.origin, restart.size, restart.root)
    lines = [cosign(head, validator_verifier(head.origin, key.public).name, key, 1) for key in keys]
    return SignedCheckpoint(head, tuple(lines)).to_bytes()


def test_nobody_goes_on_behind_a_change_of_validators_that_nobody_could_follow(net: Net) -> None:
    """Those before have to sign the head that ends with it, and of them too few are left."""
    before = net.copy("before", net.keys[0])
    rebuild(before)  # it has less than the change: that is in the log from which the restart goes on
    restart = change_validators(net)
    log = Log(Folder(net.home), Checkpoint(log_of(net.home).head.origin, restart.size, restart.root))
    kept = f"head/{restart.size}"
    for folder in (net.home, before):
        with pytest.raises(UserError, match=f"{kept} is not here"):
            commit_to(folder, net.keys[0], restart, log)
        assert not (folder / RESTART).exists()
    with pytest.raises(UserError, match=f"{kept} is not here"):
        begin_restart([], VALIDATORS[2:4], net.home, [], net.folder / "new", True, False)
    assert not (net.folder / "new").exists()

    (before / "head").mkdir(exist_ok=True)
    for wrong in (
        head_of(net, replace(restart, root=bytes(32)), *net.keys[:3]),
        head_of(net, replace(restart, size=restart.size - 1), *net.keys[:3]),
        head_of(net, restart, *net.keys[:2]),  # too few
        b"junk",
    ):
        (before / kept).write_bytes(wrong)
        with pytest.raises(DoesNotHold):
            commit_to(before, net.keys[0], restart, log)
    (before / kept).write_bytes(head_of(net, restart, *net.keys[:3]))  # where it became final after all
    commit_to(before, net.keys[0], restart, log)


def test_too_few_signatures_change_nothing(net: Net) -> None:
    few = net.restart.sign(net.id, [*net.institutions, net.keys[0]])
    with pytest.raises(Refused, match="1 of 4 validators signed"):
        restart_ledger(net.home, few)
    other = net.copy("other", SigningKey.generate())
    with pytest.raises(UserError, match="none with which the restart goes on"):
        restart_ledger(other, net.entry)
    with Ledger(net.home) as ledger:
        assert ledger.size == net.restart.size and not ledger.state.succession.restarts
