"""Blocks of anything, in any rounds: two nodes say and do the same, and both verifiers find the log in order."""

import asyncio
from pathlib import Path
from random import Random

import cbor2
from engine.cometbft.node import Node
from engine.stage import Stage
from stranger.verify import verify

from veche.audit.ledger import verify_ledger
from veche.ledger.codec import decode
from veche.ledger.signing import sign
from veche.log.source import Folder

from .bent import bent, bent_item
from .conftest import Town
from .rounds import case, rounds


def any_entry(dice: Random, town: Town) -> bytes:
    good = [*town.stage.ballots, *town.signed]
    entry = dice.choice(good)
    match dice.randrange(8):
        case 0:
            return bent(dice, entry, good)
        case 1:
            return cbor2.dumps(bent_item(dice, decode(entry)))
        case 2 | 3:
            kind, body = decode(dice.choice(town.signed))[:2]
            return sign(town.id, kind, bent_item(dice, body), dice.sample(town.keys, dice.randrange(1, 5)))
        case _:
            return entry


async def play(dice: Random, town: Town, folder: Path) -> None:
    stage = town.stage
    nodes = [Node(stage.copy(folder / name / "ledger")) for name in "ab"]
    time = stage.now
    try:
        for _ in range(dice.randrange(2, 7)):
            time += dice.choice((0, 1, 60, 600, 601, 86_400))
            for node in nodes:
                node.now = time
            entries = [any_entry(dice, town) for _ in range(dice.randrange(8))]
            if dice.random() < 0.6:  # as one of them proposes
                await nodes[0].hand_in(*entries)
                entries = await nodes[0].propose(time)
            for _ in range(dice.randrange(3)):  # rounds that come to nothing, and perhaps this one
                tried = entries if dice.random() < 0.6 else [any_entry(dice, town) for _ in range(3)]
                said = [await node.accepts(tried, time) for node in nodes[: dice.randrange(1, 3)]]
                assert len(set(said)) == 1
            decided = [await node.decide(entries, time) for node in nodes]
            assert decided[0] == decided[1]
            for node in nodes:
                await node.commit()
            if dice.random() < 0.2:  # one of them starts again
                height = nodes[1].ledger.height
                nodes[1].close()
                nodes[1] = Node(Stage(folder / "b" / "ledger", time, []))
                for _ in range(nodes[1].ledger.height, height):  # blocks that appended nothing, not all written down
                    assert (await nodes[1].decide([], time)).app_hash == decided[0].app_hash
                    await nodes[1].commit()
        heads = [node.ledger.head for node in nodes]
        assert heads[0] == heads[1] and not any(node.failures for node in nodes)
        nodes[0].publishing.publish(time)
    finally:
        for node in nodes:
            node.close()
    verify_ledger(Folder(folder / "a" / "ledger"))
    verify(folder / "a" / "ledger", town.id.hex())


def test_two_nodes_never_part(town: Town, tmp_path: Path) -> None:
    for number in rounds(10):
        with case(number) as dice:
            asyncio.run(play(dice, town, tmp_path / f"{number}"))
