"""The trustees are shown a ledger of their own.

Whoever runs the log has its key. The operator hands on to the trustees a second ledger, begun as a copy before anybody voted, in which
Fedor's ballot stands between those of the operator's m - 1 helpers, and nobody else's. It is closed at the true time, all trustees see
the same, each verifies every byte of it, and all of them are honest. Who decrypts under whatever head the log's key signed has told the
operator how Fedor voted; that it costs the poll its result, because no share fits the true tally any more, is cheap. In Veche a charter can
ask for witnesses, observers other than the operator's, who cosign what goes on from all that they saw before: a quorum of them has
cosigned the true ledger, so none is left for the false one.
"""

import shutil
from pathlib import Path

import pytest
from city import NO, YES, begin, everybody_votes, open_poll, verify_and_decrypt
from node import Node

from veche.audit.ledger import verify_ledger
from veche.audit.view import View
from veche.clock import by_hand
from veche.errors import DoesNotHold
from veche.ledger.poll_state import PollState
from veche.log.source import Folder
from veche.witness.witness import put_cosigned
from veche.world import World


def one_ballot_and_helpers(world: World, poll: PollState, folder: Path) -> Path:
    """The operator's second ledger, led on from before the first ballot to the closing."""
    fedor, _, *helpers = world.citizens
    ballots = [world.entry(fedor, poll, NO), *(world.entry(helper, poll, YES) for helper in helpers[:2])]
    with Node(folder) as fork:
        fork.block(poll.definition.opens, ballots)
        fork.lead_on(poll.definition.closes)
        fork.publish()
    return folder


def test_the_naive_rule(tmp_path: Path) -> None:
    """Without witnesses: honest trustees, the true time, and Fedor's vote is read. docs/threats.md says so."""
    with begin(tmp_path / "city") as world:
        poll = open_poll(world)
        world.engine.tick()
        false = one_ballot_and_helpers(world, poll, Path(shutil.copytree(world.folder / "ledger", tmp_path / "false")))
        everybody_votes(world, poll, world.citizens[1:2], YES)
        world.wait_until(poll.definition.closes + 3600)
        view = View(verify_ledger(Folder(false)))
        assert all(trustee.due(view) for trustee in world.trustees), "nothing tells them that it is not the true one"
        # The helpers know their own two votes, so the rest is Fedor's.
        assert [a - b for a, b in zip(verify_and_decrypt(world, view, poll.id), [2, 0], strict=True)] == NO[0]


def test_ours(tmp_path: Path) -> None:
    with begin(tmp_path / "city", witnesses=(4, 1)) as world:
        poll = open_poll(world)
        world.cosign()
        false = one_ballot_and_helpers(world, poll, Path(shutil.copytree(world.folder / "ledger", tmp_path / "false")))
        everybody_votes(world, poll, [world.citizens[1], *world.citizens[4:]], YES)
        corrupt, *honest = world.witnesses
        world.cosign(absent=[corrupt])  # they see the true ledger before its closing ...
        world.wait_until(poll.definition.closes + 3600)
        for witness in honest:  # ... and so are not led into the false one, which is as long and as new
            with pytest.raises(DoesNotHold, match="rewritten"):
                witness.cosign(Folder(false), lambda: by_hand(world.now))
        signed = corrupt.cosign(Folder(false), lambda: by_hand(world.now))
        put_cosigned(false, corrupt.key.public, signed)
        view = View(verify_ledger(Folder(false)))
        assert [trustee.due(view) for trustee in world.trustees] == [[], [], []]


def test_the_true_ledger_goes_on(tmp_path: Path) -> None:
    """With one of four witnesses absent, and the trustees wait as long as two are missing."""
    with begin(tmp_path / "city", witnesses=(4, 1)) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens, YES)
        world.wait_until(poll.definition.closes + 3600)
        world.cosign(absent=world.witnesses[:2])
        assert [trustee.due(world.view()) for trustee in world.trustees] == [[], [], []]
        world.cosign(absent=world.witnesses[:1])
        for trustee in world.trustees[:2]:
            for entry in trustee.due(world.view()):
                world.submit(entry)
        decided = world.check().state.poll(poll.id)
        assert decided is not None and decided.result is not None and decided.result.total == ((6, 0),)
