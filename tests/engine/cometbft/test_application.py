"""The application without CometBFT: asked by a consensus of our own, which fails rounds, decides badly, and compares two nodes."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from comet import OnCometBFT

from veche.audit.ledger import verify_ledger
from veche.clock import WrongClock
from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft.home import MOST_BYTES, address, chain_id, genesis
from veche.engine.cometbft.server import read_request
from veche.engine.engine import Stopped
from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.checks import Verdict
from veche.ledger.codec import decode
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.evidence import votes_awaited
from veche.log.source import Folder
from veche.world import VALIDATORS, Played, World

from ..stage import Stage, make_stage
from .node import ACCEPT, Node


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(OnCometBFT(), tmp_path_factory.mktemp("city"))


@pytest.fixture
def stage(made: Stage, tmp_path: Path) -> Stage:
    return made.copy(tmp_path / "ledger")


@pytest.fixture
def node(stage: Stage) -> Iterator[Node]:
    node = Node(stage)
    yield node
    node.close()
    assert not node.failures


def together(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that awaits."""

    def run(**fixtures: Any) -> None:
        asyncio.run(asyncio.wait_for(test(**fixtures), 60))

    run.__name__, run.__doc__, run.__annotations__ = test.__name__, test.__doc__, test.__annotations__
    run.__signature__ = __import__("inspect").signature(test)  # type: ignore[attr-defined]
    return run


def app_hash(ledger: Ledger) -> bytes:
    """Said anew: SHA-256 of the three lines."""
    return hashlib.sha256(ledger.head.text().encode()).digest()


@together
async def test_what_they_agree_on_is_the_text_of_the_checkpoint(node: Node, stage: Stage) -> None:
    await node.hand_in(*stage.ballots)
    decided = await node.block()
    assert decided.app_hash == app_hash(node.ledger) and len(decided.tx_results) == len(stage.ballots)
    info = await node.ask(abci.RequestInfo())
    assert (info.last_block_height, info.last_block_app_hash) == (node.ledger.height, decided.app_hash)
    for result in decided.tx_results:
        assert result == abci.ExecTxResult(code=0), "nothing else may be in a result"


@together
async def test_nothing_is_public_and_nobody_answered_before_the_next_block(node: Node, stage: Stage) -> None:
    """Its header holds the hash: until then only this program believes in the head."""
    await node.block()
    before = node.published
    (answer,) = await node.hand_in(stage.ballots[0])
    await node.block()
    assert node.published == before and node.ledger.size > before and not answer.done()
    entries = await node.propose()
    assert await node.accepts(entries) and not answer.done()
    await node.decide(entries)
    assert node.published == node.ledger.size and not answer.done()
    await node.commit()
    assert node.ledger.entry(answer.result(0)) == stage.ballots[0]


@together
async def test_a_refusal_is_told_when_the_block_is_decided_and_not_in_a_round_that_failed(
    node: Node, stage: Stage
) -> None:
    first, second = stage.ballots[0], stage.ballots[8]  # of one citizen: handed in the wrong way round
    answers = await node.hand_in(second, first)
    await node.propose()
    assert not any(answer.done() for answer in answers)
    await node.block([])  # another validator's block: what was refused there was refused nowhere
    assert not any(answer.done() for answer in answers)
    proposed = await node.propose()
    await node.block()
    await node.block()
    outcomes = [answer.exception(0) for answer in answers]
    assert [outcome is None for outcome in outcomes] == [entry in proposed for entry in (second, first)]
    assert any(isinstance(outcome, Refused) for outcome in outcomes)


@together
async def test_a_round_that_fails_leaves_nothing_behind(node: Node, stage: Stage) -> None:
    """Executed in two rounds that came to nothing, then another block: as if they had not been."""
    size, head = node.ledger.size, node.ledger.head
    await node.hand_in(*stage.ballots[:2])
    assert await node.propose() == stage.ballots[:2]
    assert await node.accepts(stage.ballots[2:4]) and await node.accepts(stage.ballots[:1])
    assert (node.ledger.size, node.ledger.head) == (size, head)
    await node.block(stage.ballots[4:5])
    assert node.ledger.entry(node.ledger.size - 1) == stage.ballots[4]
    await node.block()
    assert [node.ledger.entry(node.ledger.size - at) for at in (2, 1)] == stage.ballots[:2]
    await node.block()
    verify_ledger(Folder(node.ledger.folder))


@together
async def test_a_block_of_another_validator_answers_whoever_waits_here(node: Node, stage: Stage) -> None:
    answers = await node.hand_in(*stage.ballots[:3])
    await node.block([stage.ballots[1], stage.ballots[5], stage.ballots[0]])
    await node.block([])
    assert [answer.done() for answer in answers] == [True, True, False]
    assert [node.ledger.entry(answer.result(0)) for answer in answers[:2]] == stage.ballots[:2]
    assert await node.propose() == [stage.ballots[2]], "it is offered until it is in a block"


@together
async def test_a_proposal_with_anything_that_the_rules_refuse_is_rejected(node: Node, stage: Stage) -> None:
    good = stage.ballots[0]
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    for bad in ([good, good], [stage.ballots[8], good], [flipped], [good, b""], [bytes(70_000)], [b"\x80"]):
        assert not await node.accepts(bad)
    assert not await node.accepts([good], time=node.ledger.time - 1)
    assert await node.accepts([good])


@together
async def test_what_is_decided_all_the_same_gets_a_code_and_no_entry(node: Node, stage: Stage) -> None:
    """Over two thirds lied; whoever follows must go on, the log is right, and what was in such a block is offered again."""
    size = node.ledger.size
    first, second = stage.ballots[:2]
    (answer,) = await node.hand_in(first)
    for junk in ([first, b"", second], [first, first, bytes(70_000)], [b""]):
        decided = await node.decide(junk)
        assert [result.code for result in decided.tx_results] == [1] * len(junk)
        assert decided.app_hash == app_hash(node.ledger)
        await node.commit()
    assert node.ledger.size == size and not answer.done()
    assert await node.propose() == [first]
    await node.block()
    await node.block()
    assert node.ledger.entry(answer.result(0)) == first
    verify_ledger(Folder(node.ledger.folder))


@together
async def test_what_is_accepted_depends_on_no_clock(node: Node, stage: Stage, made: Stage, tmp_path: Path) -> None:
    """A validator that says yes to a block and, later, no to the same one can keep a third of them from ever deciding the height."""
    other = Node(made.copy(tmp_path / "other" / "ledger"))
    try:
        for ahead in (-3600, 0, 30, 86_400):
            other.now = node.now + ahead
            for entries in ([], stage.ballots[:2], [stage.ballots[8]]):
                assert await other.accepts(entries, node.now) == await node.accepts(entries)
    finally:
        other.close()


@together
async def test_no_entry_is_proposed_under_a_time_long_past(node: Node, stage: Stage) -> None:
    """The first block after a halt carries the time from before it; ballots in it would count as of then."""
    await node.hand_in(*stage.ballots[:2])
    before = node.now
    node.now += 86_400 * 2
    assert await node.propose(before) == []
    await node.block([], before)
    assert await node.propose(node.now - 2) == []
    await node.block([], node.now - 2)
    assert await node.propose(node.now - 1) == stage.ballots[:2]
    await node.block(None, node.now - 1)
    assert node.ledger.time == node.now - 1 and node.ledger.entry(node.ledger.size - 1) == stage.ballots[1]


@together
async def test_a_clock_that_cannot_be_believed_proposes_nothing(node: Node, stage: Stage) -> None:
    def moved() -> int:
        raise WrongClock("This machine's clock was moved.")

    node.application._clock = moved
    with pytest.raises(WrongClock):
        await node.propose()


@together
async def test_a_proposal_fits(node: Node, stage: Stage) -> None:
    await node.hand_in(*stage.ballots)
    size = len(stage.ballots[0])
    for room, count in ((size - 1, 0), (size, 0), (size + 8, 1), (4 * size, 3)):
        proposed = await node.propose(room=room)
        assert len(proposed) == count or sum(map(len, proposed)) + 4 * len(proposed) <= room
        assert proposed == stage.ballots[: len(proposed)]
    assert await node.propose() == stage.ballots


@together
async def test_two_nodes_have_one_log(node: Node, stage: Stage, made: Stage, tmp_path: Path) -> None:
    """One proposes, the other hears of it in proposals, or only when all is decided."""
    others = [Node(made.copy(tmp_path / name / "ledger")) for name in ("voter", "follower")]
    await node.hand_in(*stage.ballots[:10], b"junk", *stage.ballots[10:])
    for step in range(0, 4000, 400):
        node.now += step
        proposed = await node.propose(room=4 * len(stage.ballots[0]))
        hashes = {(await node.block(proposed)).app_hash, (await others[0].block(proposed, node.now)).app_hash}
        hashes.add((await others[1].decide(proposed, node.now)).app_hash)
        await others[1].commit()
        assert hashes == {app_hash(node.ledger)}
    logs = [[one.ledger.entry(number) for number in range(one.ledger.size)] for one in (node, *others)]
    assert logs[0] == logs[1] == logs[2] and set(stage.ballots) <= set(logs[0])
    for other in others:
        other.close()


@together
async def test_a_replay_leads_to_the_same_hashes(node: Node, stage: Stage, made: Stage, tmp_path: Path) -> None:
    """A crash lost the height of blocks that append nothing: they come again, and are what they were."""
    blocks = []
    for step, entries in ((0, stage.ballots[:2]), (5, []), (7, []), (700, []), (3, stage.ballots[2:4])):
        node.now += step
        blocks.append((node.now, entries, (await node.block(entries)).app_hash))
    again = Node(made.copy(tmp_path / "again" / "ledger"))
    for number, (time, entries, expected) in enumerate(blocks):
        if number == 3:  # killed, when two blocks were not written down
            height = again.ledger.height
            again.close()
            again = Node(Stage(tmp_path / "again" / "ledger", stage.now, stage.ballots))
            assert again.ledger.height < height
            for late, (time_before, before, hash_before) in enumerate(blocks[:3]):
                if late >= 3 - (height - again.ledger.height):
                    assert (await again.decide(before, time_before)).app_hash == hash_before
                    await again.commit()
        assert (await again.decide(entries, time)).app_hash == expected
        await again.commit()
    again.close()


@together
async def test_a_block_that_is_not_decided_keeps_nothing_from_being_checked(
    node: Node, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veche.engine.cometbft.application.UNDECIDED", 0.05)
    first, second = stage.ballots[:2]
    await node.hand_in(first)
    proposed = await node.propose()
    assert proposed == [first] and await node.accepts(proposed)
    await node.hand_in(second)
    for _ in range(200):
        if len(node.application._ready) == 2:
            break
        await asyncio.sleep(0.01)
    assert len(node.application._ready) == 2
    await node.decide(proposed)
    await asyncio.sleep(0.1)
    await node.hand_in(stage.ballots[2])  # between the decision and the commit nothing is put off
    await node.commit()
    await node.block()
    assert [node.ledger.entry(node.ledger.size - 1)] == [second]


@together
async def test_a_chain_of_another_ledger_is_refused(node: Node, stage: Stage) -> None:
    (key,) = (one.votes for one in node.ledger.state.charter.validators)
    right = abci.RequestInitChain(chain_id=chain_id(node.ledger.id))
    right.validators.add(power=1000).pub_key.ed25519 = key
    assert (await node.ask(right)).app_hash == app_hash(node.ledger)
    for change in ("chain_id", "validators"):
        wrong = abci.RequestInitChain()
        wrong.CopyFrom(right)
        wrong.ClearField(change)
        with pytest.raises(Stopped, match="another ledger"):
            await node.ask(wrong)


@together
async def test_what_does_not_follow_stops_it(node: Node, stage: Stage) -> None:
    with pytest.raises(Stopped, match="not decided"):
        await node.commit()
    for height in (node.ledger.height, node.height + 1):
        with pytest.raises(Stopped, match="does not follow"):
            await node.ask(abci.RequestFinalizeBlock(height=height), node.now)


@together
async def test_a_head_that_changed_by_itself_is_not_signed(node: Node, stage: Stage) -> None:
    """A bit flips between Commit and the next block: that is seen before anything is signed, and nothing of it is public."""
    await node.block(stage.ballots[:1])
    before = node.published
    row = next(row for row in node.ledger._edge.rows if row)
    row[-1] = bytes([row[-1][0] ^ 1]) + row[-1][1:]
    with pytest.raises(Stopped, match="changed by itself"):
        await node.decide([])
    assert node.published == before


@together
async def test_every_request_has_its_answer(node: Node, stage: Stage) -> None:
    """Whatever a part of CometBFT that we do not use might ask."""
    for field in abci.Request.DESCRIPTOR.fields:
        asked = read_request(abci.Request(**{field.name: {}}).SerializeToString())
        try:
            answer = await node.ask(asked)
        except (Stopped, UserError, Refused):
            assert field.name in (
                "init_chain",
                "commit",
                "finalize_block",
                "extend_vote",
                "verify_vote_extension",
                "flush",
            )
        else:
            assert type(answer).__name__ == type(asked).__name__.replace("Request", "Response")
    assert (await node.ask(abci.RequestCheckTx(tx=stage.ballots[0]))).code == 1


@together
async def test_consensus_is_told_of_other_validators(tmp_path: Path) -> None:
    """Once, with the block that brings them, whatever was proposed before; old keys lose their power."""
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        world.engine.tick()
    old = world.ledger.state.succession.charter.validators
    new, votes = SigningKey.generate().public, SigningKey.generate().public
    signers = [*world.organisers, world.trustees[0].key, world.head_keys[1]]
    rotate = sign(world.id, "office", ["rotate", VALIDATORS[1], "validator", new, 0, votes], signers)
    retire = sign(
        world.id, "office", ["retire", VALIDATORS[2], "validator", old[2].key, 0], [*signers[:3], world.head_keys[2]]
    )
    node = Node(Stage(tmp_path / "ledger", world.now, []))
    try:
        assert await node.accepts([rotate])
        updates = [(await node.block(entries)).validator_updates for entries in ([], [rotate], [], [])]
        told = [[(one.pub_key.ed25519, one.power) for one in some] for some in updates]
        assert told == [[], [(old[1].votes, 0), (votes, 1000)], [], []]
        node.now += 14 * 86_400
        retired = await node.block([retire])
        assert [(one.pub_key.ed25519, one.power) for one in retired.validator_updates] == [(old[2].votes, 0)]
    finally:
        node.close()


@together
async def test_what_cometbft_finds_out_about_a_validator_is_in_the_log(tmp_path: Path) -> None:
    with World(tmp_path, registrars=(1, 1, 0), engine=Played(4)) as world:
        world.engine.tick()
    node = Node(Stage(tmp_path / "ledger", world.now, []))
    one, other, *_ = node.ledger.state.validators()

    def found(votes: bytes, height: int) -> abci.Misbehavior:
        made = abci.Misbehavior(type=abci.DUPLICATE_VOTE, height=height)
        made.validator.address, made.time.seconds = address(votes), node.now
        return made

    try:
        await node.block([])
        several = [found(other.votes, 1), found(one.votes, 1), found(other.votes, 1), found(one.key, 1)]
        asked = abci.RequestProcessProposal(height=node.height, misbehavior=several)
        assert (await node.ask(asked, node.now)).status == ACCEPT
        size = node.ledger.size
        without = abci.RequestFinalizeBlock(height=node.height)
        with_them = abci.RequestFinalizeBlock(height=node.height, misbehavior=reversed(several))
        hashes = [(await node.ask(request, node.now)).app_hash for request in (without, with_them)]
        assert hashes[0] != hashes[1], "what is said is part of the block"
        await node.commit()
        entries = [decode(node.ledger.entry(number)) for number in range(size, node.ledger.size)]
        assert [entry[0] for entry in entries] == ["block", "double-signing", "double-signing"]
        assert (
            sorted(entry[1][0] for entry in entries[1:])
            == sorted([one.votes, other.votes])
            == [entry[1][0] for entry in entries[1:]]
        )
        awaited = {said["validator"]: said["block"] for _, said in votes_awaited(node.ledger.folder)}
        assert awaited == dict.fromkeys((one.votes.hex(), other.votes.hex()), node.ledger.height), (
            "to be taken out of it"
        )
    finally:
        node.close()


def test_genesis_follows_from_the_charter(stage: Stage, made: Stage) -> None:
    with stage.open() as ledger:
        first = genesis(ledger)
        assert (stage.folder / "cometbft/config/genesis.json").read_bytes() == first
        assert len(chain_id(ledger.id)) <= 50 and chain_id(ledger.id).encode() in first


@together
async def test_a_block_full_of_nothing_is_refused_at_its_first_entry(node: Node, stage: Stage) -> None:
    for junk in (b"", b"\x80"):
        start = monotonic()
        assert not await node.accepts([junk] * 300_000)
        assert monotonic() - start < 3
    assert await node.accepts(stage.ballots[:2])
    assert not await node.accepts([*stage.ballots[:2], b""])


@together
async def test_a_decided_block_full_of_nothing_costs_next_to_nothing(
    node: Node, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as are in 4 MiB, by which over two thirds would delay whoever follows them."""
    admit, admitted = node.ledger.machine.admit, list[bytes]()

    def count(data: bytes, verdict: Verdict) -> int:
        admitted.append(data)
        return admit(data, verdict)

    monkeypatch.setattr(node.ledger.machine, "admit", count)
    size, (answer,) = node.ledger.size, await node.hand_in(stage.ballots[0])
    junk = [b""] * (MOST_BYTES // 2)
    decided = await node.decide([*stage.ballots[1:3], *junk])
    assert len(decided.tx_results) == 2 + len(junk) and {result.code for result in decided.tx_results} == {1}
    await node.commit()
    assert len(admitted) <= 3 and node.ledger.size == size and not answer.done()


@together
async def test_ballots_behind_one_that_does_not_hold_are_not_checked(
    node: Node, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veche.ledger.checks.TOGETHER", 2)
    spoiled = stage.ballots[0][:-1] + bytes([stage.ballots[0][-1] ^ 1])
    assert not await node.accepts([spoiled, *stage.ballots[1:8]])
    checked = [entry for entry in stage.ballots[1:8] if node.ledger._verdicts.get(entry)]
    assert len(checked) < 7
    assert await node.accepts(stage.ballots[:8])
