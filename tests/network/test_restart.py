"""Two of four disks are destroyed: the network goes on from its last block, by real processes and the commands that people type."""

import shutil
import time
from pathlib import Path

from cli.conftest import inside, ok

from veche.audit.ledger import verify_ledger
from veche.audit.view import View
from veche.demo.content import EVERYONE
from veche.demo.network import Town
from veche.demo.nodes import Node
from veche.ledger.codec import decode
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.log.source import Folder
from veche.texts import Message

QUESTION = Choice(Text("Trams?", "Трамваи?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
PUBLIC = ("tile", "head", "attachment")


def copy_public(source: Path, target: Path, *names: str) -> None:
    for name in names or PUBLIC:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
    if not names:
        shutil.copy(source / "checkpoint", target)


def act(town: Town, at: Node) -> None:
    """Let the trustees do what is due until nothing is."""
    busy = True
    while busy:
        town.agreed(town.institutions)
        town.world.now = int(time.time())
        view = View(verify_ledger(Folder(at.home)))
        entries = [entry for trustee in town.world.trustees for entry in trustee.due(view)]
        for entry in [town.hand_in(entry, at) for entry in entries]:
            town.final(entry, at)
        busy = bool(entries)


def poll_of(town: Town, at: Node) -> None:
    """A poll that opens in some seconds and stays open for two minutes."""
    world = town.world
    committee = town.submit(sign(world.id, "committee", ["city", "pedersen", 0], [world.organisers[0]]), at)
    act(town, at)
    opens = int(time.time()) + world.charter.lasting(world.poll_class.notice) + 4
    text = Text("Trams", "Трамваи")
    poll = Poll("city", text, text, (QUESTION,), (Group(EVERYONE, 1),), opens, opens + 120, committee)
    made = town.submit(sign(world.id, "poll", poll.body(), list(world.organisers)), at)
    town.look_at_poll(made, at, Message("it is there"), lambda _: True)
    for entry in [town.hand_in(world.permit_keys(number, town.poll), at) for number in range(2)]:
        town.final(entry, at)
    town.look_at_poll(made, at, Message("keys are there"), lambda seen: len(seen.permit_keys) == 2)


def stopped(institution: Node) -> None:
    """As a person stops a node."""
    assert institution.process is not None
    institution.process.terminate()
    institution.process.wait(60)
    institution.process = None


def test_two_of_four_disks_are_destroyed(tmp_path: Path) -> None:
    town = Town(tmp_path / "town", "en")
    everybody = list(town.institutions)
    one, two, three, four = everybody
    for number, key in enumerate(town.world.organisers):
        key.save(tmp_path / f"{number}.key")
    organisers = [word for number in range(2) for word in ("--key", tmp_path / f"{number}.key")]
    with town.running():
        town.agreed(everybody)
        poll_of(town, one)
        ballots = [town.world.entry(citizen, town.poll, [[1, 0]]) for citizen in town.world.citizens[:12]]
        town.wait(Message("it is open"), lambda: one.ask("/status")["time"] >= town.poll.definition.opens or None)
        before = [town.hand_in(ballot, one) for ballot in ballots[:4]]
        numbers = [town.final(entry, one) for entry in before]
        receipts = [one.home / f"receipt-{number}" for number in numbers]
        for number, receipt in zip(numbers, receipts, strict=True):
            ok("ledger", "receipt", str(number), "--ledger", one.home, "-o", receipt, run=inside)

        for ballot in ballots[4:8]:  # on their way when two are gone
            town.hand_in(ballot, one)
        for lost in (three, four):
            lost.kill()
            shutil.rmtree(lost.home)
        town.institutions = [one, two]
        time.sleep(2)
        for left in (one, two):
            stopped(left)
        size = Folder(one.home).checkpoint().checkpoint.size

        # The third institution makes new keys on a new disk; the fourth does not come back.
        parts = [row for row in town.world.charter.engine.validators if row.institution == three.name]
        row, host = tmp_path / "three.toml", parts[0].peer.partition("@")[2]
        words = ("--institution", three.name, "--url", parts[0].url, "--peer", host)
        row.write_text(ok("network", "keys", "--ledger", three.home, *words, run=inside).out)

        entry, restart = tmp_path / "restart.entry", ("network", "restart", row, "--lost", four.name, "--yes")
        own = {
            institution.name: ("--ledger", institution.home, "--key", institution.home / "log.key")
            for institution in everybody
        }
        nobody = inside("network", "restart", "--lost", "Zoo", *own[one.name], "-o", entry)
        assert nobody.code == 2 and "Zoo is no validator" in nobody.err
        early = inside(*restart, *own[one.name], *organisers, "-o", entry)
        if early.code:  # the halt is not over yet
            assert early.code == 1 and "has not stood still" in early.err and not (one.home / "restart.entry").exists()
            time.sleep(10)
            ok(*restart, *own[one.name], *organisers, "-o", entry, run=inside)
        refused = inside("node", "run", "--ledger", one.home, "--seconds", "0")
        assert refused.code == 2 and "has signed a restart" in refused.err
        refused = inside("ledger", "submit", entry, "--ledger", one.home)
        assert refused.code == 1 and "1 of 4 validators signed" in refused.err

        copy_public(one.home, two.home, "tile")
        ok("ledger", "sign", entry, *own[two.name], "--yes", run=inside)
        copy_public(one.home, three.home)
        for institution in (one, two, three):
            for _ in range(2):  # again does no harm
                said = ok("ledger", "submit", entry, "--ledger", institution.home, run=inside).out
                assert "The restart entry is number" in said

        town.institutions = [one, two, three]
        for institution in town.institutions:
            town.start(institution)
        town.wait(Message("all answer"), lambda: all(each.ask("/status") for each in town.institutions) or None)
        after = [town.hand_in(ballot, at) for ballot, at in zip(ballots[8:], (one, two, three, one), strict=True)]
        for institution in town.institutions:
            for found in [*(before if institution is not three else ()), *after]:
                town.final(found, institution)
        on_their_way = [town.final(entry, three) for entry in after]
        assert min(on_their_way) > size
        town.agreed(town.institutions)

    logs = []
    for institution in (one, two, three):
        verified = verify_ledger(Folder(institution.home))
        assert verified.ledger == town.world.id
        logs.append(list(verified.log.entries()))
        poll = verified.state.poll(town.poll.id)
        assert poll is not None and sum(poll.counted) == 12, "also what was on its way"
    shortest = min(map(len, logs))
    assert all(log[:shortest] == logs[0][:shortest] for log in logs)
    kinds = [decode(data)[0] for data in logs[0]]
    at = kinds.index("restart")
    assert kinds[at - 1] == "block" and kinds[at + 1] == "validators" and at >= size
    for receipt in receipts:
        assert ok("verify", two.home, "--receipt", receipt, run=inside).code == 0
    # Whoever has accepted a final head finds it in the one that goes on.
    verdict = ok("verify", three.home, run=inside).out
    assert "The network was restarted on" in verdict and three.name in verdict
