"""A trustee is shown two tallies.

Two totals that differ by one ballot give that ballot away by subtraction. Whoever runs the ledger has its key, and can sign a
second one, a fork, in which Fedor's last ballot is missing; everything in it is in order, and the auditor finds nothing. The
operator shows the fork to the trustees as well. A trustee who decrypts any tally that verifies has decrypted one person's vote. In Veche a
trustee's program writes the one tally of a poll down before it decrypts it and never decrypts a second; a share names the tally
that it is for, so the ledger takes no share of another.
"""

import shutil
from pathlib import Path

import pytest
from city import NO, YES, city, everybody_votes, fork_without_the_last_ballot, open_poll, verify_and_decrypt

from veche.errors import DoesNotHold, Refused, UserError
from veche.ledger.codec import decode


def test_the_story(tmp_path: Path) -> None:
    with city(tmp_path / "city") as world:
        poll = open_poll(world)
        fedor, *others = world.citizens
        everybody_votes(world, poll, others[:4], YES)
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", tmp_path / "fork")
        world.vote(fedor, poll, NO)
        world.wait_until(poll.definition.closes)
        true = world.view()
        forked = fork_without_the_last_ballot(world, poll, tmp_path / "fork", poll.definition.closes)

        # The naive rule: both ledgers hold, both tallies are decrypted, and the difference is how Fedor voted.
        first, second = verify_and_decrypt(world, true, poll.id), verify_and_decrypt(world, forked, poll.id)
        assert [a - b for a, b in zip(first, second, strict=True)] == NO[0]

        # Ours: the first trustee is shown the true one, then the fork.
        anton, bella, _ = world.trustees
        shares = anton.due(true)
        assert len(shares) == 1
        with pytest.raises(DoesNotHold, match="rewritten"):
            anton.due(forked)
        # The second is shown the fork first, and cannot be turned round either.
        wrong = bella.due(forked)
        with pytest.raises((DoesNotHold, UserError)):  # it was rewritten, or cut: an alarm in either case
            bella.due(true)
        assert anton.due(true) == shares

        # A share for the other tally is no use in the true ledger, nor the other way round.
        with pytest.raises(Refused) as refusal:
            world.submit(wrong[0])
        assert refusal.value.rule == "decryption"
        world.submit(shares[0])
        body = decode(wrong[0])[1]
        body[2] = decode(shares[0])[1][2]
        with pytest.raises(Refused) as refusal:
            world.say("decryption", body, bella.key)
        assert refusal.value.rule == "proof"


def test_an_honest_trustee_alone_has_one_result(tmp_path: Path) -> None:
    """With t = 2 of 3 one decrypts the true tally and one the fork; neither tally has two shares until the third decides."""
    with city(tmp_path / "city") as world:
        poll = open_poll(world)
        fedor, *others = world.citizens
        everybody_votes(world, poll, others[:4], YES)
        world.engine.tick()
        shutil.copytree(world.folder / "ledger", tmp_path / "fork")
        world.vote(fedor, poll, NO)
        world.wait_until(poll.definition.closes)
        forked = fork_without_the_last_ballot(world, poll, tmp_path / "fork", poll.definition.closes)
        anton, bella, vera = world.trustees
        assert bella.due(forked)
        for trustee in (anton, vera):
            for entry in trustee.due(world.view()):
                world.submit(entry)
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[1:3] == [[1, 3], [[4, 1]]]
