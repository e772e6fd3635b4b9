"""The ballots counted a second time from the published bundles: beside the blocks, from what is durable, or nothing is tallied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import veche_kernel
from node import Node

from veche.audit.ledger import verify_ledger
from veche.audit.rebuild import rebuild
from veche.errors import UserError
from veche.ledger import follower
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.poll import Choice
from veche.ledger.group_sums import GroupSums
from veche.ledger.poll_state import Wrong
from veche.ledger.recount import Recount, compare
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.ledger.store import Disagrees
from veche.log.source import Folder
from veche.log.tiles import WIDTH
from veche.world import World

YES_NO = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
VOTERS = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, list[bytes]]:
    """A ledger at rest whose poll has ballots in two full bundles, some of them replaced; its closing; and notices to hand in."""
    base = tmp_path_factory.mktemp("city")
    with pytest.MonkeyPatch.context() as patch, World(
        base / "world", citizens={"Arbat": VOTERS, "Yakimanka": 2}, registrars=(1, 1, 0), smallest=2
    ) as world:  # fmt: skip
        patch.setattr(follower, "NOTED", 10**9)  # nothing is noted yet
        districts = [("Arbat", 1), ("Yakimanka", 3)]
        poll = world.poll([YES_NO], committee=world.form_committee(), districts=districts, days=1)
        notices = [sign(world.id, "notice", [b"", [f"{n}", "А"], []], [world.organisers[0]]) for n in range(3 * WIDTH)]
        world.wait_until(poll.definition.opens)

        def hand_in(count: int) -> None:
            for answer in [world.engine.submit(notices.pop()) for _ in range(count)]:
                answer.result()

        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.vote(world.citizens[0], poll, [[0, 1]])
        hand_in(WIDTH)
        for citizen in world.citizens[:3]:
            world.vote(citizen, poll, [[0, 1]])
        hand_in(WIDTH)
        world.vote(world.citizens[4], poll, [[0, 1]])
        world.wait_until(poll.definition.closes - 500)
        shutil.copytree(world.folder / "ledger", base / "ledger")
        return base / "ledger", poll.definition.closes, notices


@pytest.fixture
def node(made: tuple[Path, int, list[bytes]], tmp_path: Path) -> Iterator[Node]:
    with Node(shutil.copytree(made[0], tmp_path / "ledger")) as opened:
        yield opened


def counted(node: Node) -> Recount | None:
    """What is counted when the thread has done what it was asked for."""
    job = node.ledger._follower._job
    if job is not None:
        job.exception()
    return node.ledger._follower._recount


def close(node: Node, closes: int) -> None:
    """The closing: the ledger holds, or there is no tally."""
    try:
        node.block(closes)
    finally:
        node.publish()
        tally = verify_ledger(Folder(node.ledger.folder)).state.polls()[0].tally
        assert (tally is None) == (node.ledger.state.polls()[0].tally is None)
    assert tally is not None and tally.counted == VOTERS + 2


def test_only_the_last_bundle_is_left_at_the_closing(
    node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    closes = made[1]
    node.block(closes - 400)
    found = counted(node)
    assert found is not None and found.position == node.ledger._start >= 2 * WIDTH
    asked: list[int] = []
    entry = node.ledger.entry

    def ask(number: int) -> bytes:
        asked.append(number)
        return entry(number)

    monkeypatch.setattr(node.ledger, "entry", ask)
    close(node, closes)
    assert 0 < len(asked) < WIDTH
    assert sum(number < 2 * WIDTH for number in asked) == 1, "the ballot that one in the last bundle replaces"


def test_what_was_counted_is_kept(
    node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block writes it down; whoever opens the ledger goes on from there; a tallied poll is forgotten."""
    monkeypatch.setattr(follower, "NOTED", 1)
    node.block(made[1] - 400)
    found = counted(node)
    assert found is not None and node.ledger.state.recount() == []
    node.block(made[1] - 399, made[2][:1])
    assert node.ledger.state.recount() == found.rows() and len(found.rows()) == 2
    position = found.position
    node.publish()
    folder = node.ledger.folder
    node.close()
    with Node(folder) as again:
        first = again.ledger._follower._at_hand()
        assert (first.position, first.rows()) == (position, found.rows())
        close(again, made[1])
        again.block(made[1] + 1, made[2][1 : WIDTH + 1])
        again.publish()
        again.block(made[1] + 2)
        counted(again)
        again.block(made[1] + 3, made[2][WIDTH + 1 : WIDTH + 2])
        assert again.ledger.state.recount() == [] and again.ledger.state.get("recounted") > position
        again.publish()


@pytest.mark.parametrize("at", range(1, 516, 43))
def test_a_disk_that_fails_midway_counts_no_ballot_twice(
    at: int, node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins again from what is durable, though a part was added up already."""
    reads, original = 0, follower.Follower._reader

    def failing(self: follower.Follower) -> object:
        read = original(self)

        def fail(number: int) -> bytes:
            nonlocal reads
            reads += 1
            if reads == at:
                raise OSError(5, "Input/output error")
            return read(number)

        return fail

    monkeypatch.setattr(follower.Follower, "_reader", failing)
    node.block(made[1] - 400)
    counted(node)
    node.block(made[1] - 399)
    found = counted(node)
    assert reads > at and found is not None and found.position == node.ledger._start
    close(node, made[1])


def test_a_disk_that_fails_at_the_closing_stops_the_engine(
    node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(node.ledger, "entry", fail)
        with pytest.raises(UserError, match="Input/output error"):
            close(node, made[1])
    close(node, made[1])


@pytest.mark.parametrize("where", range(0, 160, 9))
def test_a_published_ballot_that_changed_stops_the_engine(
    where: int, node: Node, made: tuple[Path, int, list[bytes]]
) -> None:
    """A bit of it fell over on the disk after it was published: it is another ballot now, or none."""
    number = node.ledger.state.counted_ballots(node.ledger.state.polls()[0])[0]
    ballot = read_ballot(node.ledger.entry(number)).ballot
    bundle = node.ledger.folder / "tile" / "entries" / "000"
    content = bundle.read_bytes()
    at = content.index(ballot) + where
    bundle.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(Disagrees):
        for time in (made[1] - 400, made[1] - 399, made[1]):
            node.block(time)
            counted(node)
    assert node.ledger.state.polls()[0].tally is None


@pytest.mark.parametrize("wrong", ["NULL", "(SELECT min(number) FROM ballot)", "number"])
def test_whom_a_ballot_replaced_is_not_believed(
    wrong: str, node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the sums of the rows would not tell."""
    node.ledger.state.db.execute(
        f"UPDATE ballot SET replaced = {wrong} WHERE number = (SELECT max(number) FROM ballot WHERE replaced NOT NULL)"
    )
    monkeypatch.setattr("veche.ledger.ledger.Store.check_ballots", lambda *_: None)
    with pytest.raises(Disagrees, match=r"replace|remembered"):
        close(node, made[1])


def test_a_flaw_in_the_sums_is_found(
    node: Node, made: tuple[Path, int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the two codes one errs, or a bit of what is in memory fell over: nothing is tallied, and the way out is named."""
    group: GroupSums = node.ledger.state.polls()[0].groups[1]
    one = veche_kernel.Sums.from_bytes(veche_kernel.BASE * (2 * len(group._sums)))
    group._sums.add_scaled(one, 1)
    with pytest.raises(Disagrees, match="counted again") as caught:
        close(node, made[1])
    assert "veche ledger rebuild" in caught.value.hint
    folder = node.ledger.folder
    node.close()
    rebuild(folder)
    with Node(folder) as again:
        assert again.ledger.state.get("recounted") == again.ledger.size
        assert len(again.ledger.state.recount()) == 2
        close(again, made[1])


def test_a_wrong_count_is_found(node: Node, made: tuple[Path, int, list[bytes]]) -> None:
    poll = node.ledger.state.polls()[0]
    fresh = Recount(0, {})
    with pytest.raises(Wrong, match="are others"):
        compare(fresh, poll)
    node.ledger._follower.finish(node.ledger.size, [poll], node.ledger.entry)
    poll.groups[0].counted += 1
    with pytest.raises(Wrong, match="are others"):
        node.ledger._follower.finish(node.ledger.size, [poll], node.ledger.entry)
