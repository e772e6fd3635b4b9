"""A device that knows when it is checked.

Galina's program turns votes for yes into votes for no. It has a button *Check this program*: one enters a choice, the program
seals it, and another device opens what it sealed. The button is pressed before anything is sealed. So the program seals
honestly whenever it is pressed, and turns the votes when it is not: everybody checks, every check holds, and every vote is false.
(The same goes for a check with a throw-away credential, or before the permits are there: whatever tells the program beforehand.)

In Veche the device commits first. It shows the code of the ciphertexts, which another device takes down; only then does it hear
"cast" or "check". It has sealed yes or no by then, and the check opens these very ciphertexts. A device that turns every tenth
vote is caught by each check in one case of ten: n checks miss it with a chance of 0.9^n. What the check does not catch is the
device that cheats in a ballot that is not checked: if people check every c-th sealing at random, k turned votes go unseen with a
chance of (1 - 1/c)^k. And once "cast" is said the ballot in the ledger must have the code that was shown, or the receipt says so.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from city import NO, YES, city, close, open_poll

from veche.errors import DoesNotHold
from veche.ledger.codec import decode
from veche.ledger.poll_state import PollState
from veche.voter.voter import Sealed, check_opened, seal


@dataclass
class TurningDevice:
    """Turns the votes that it dares to turn, and shows whoever checks what they want to see, as far as it can."""

    poll: PollState
    dares: float
    dice: random.Random = field(default_factory=lambda: random.Random(12))

    def seal(self, choices: list[list[int]], checked: bool | None) -> Sealed:
        """``checked``: what the voter has said beforehand, if the program asks beforehand."""
        turned = not checked if checked is not None else self.dice.random() < self.dares
        return seal(self.poll.frozen, NO if turned and choices == YES else choices)


def holds(poll: PollState, code: bytes, sealed: Sealed, wanted: list[list[int]]) -> bool:
    """What the other device and the voter find: the code fits, and this is what was chosen."""
    try:
        check_opened(poll.frozen, code, sealed.choices, sealed.randomness)
    except DoesNotHold:
        return False
    return sealed.choices == wanted


def test_asked_beforehand_it_is_never_caught(tmp_path: Path) -> None:
    """The naive rule: a button, and then the sealing."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        device = TurningDevice(poll, dares=1)
        for _ in range(50):
            sealed = device.seal(YES, checked=True)
            assert holds(poll, sealed.code, sealed, YES), "every check holds"
        for citizen in world.citizens[:3]:
            sealed = device.seal(YES, checked=False)
            ballot = citizen.voter.prove(poll.frozen, sealed)
            world.submit(citizen.voter.cast(poll.id, 0, ballot, world.collect(citizen, poll), 1))
        close(world, poll)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.body()[2] == [[0, 3]], "and every vote is false"


def test_asked_afterwards_it_is_caught_as_often_as_it_cheats(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        device = TurningDevice(poll, dares=0.1)
        caught = 0
        for _ in range(1000):
            sealed = device.seal(YES, checked=None)
            code = sealed.code  # the other device has it now; only then the voter says "check"
            caught += not holds(poll, code, sealed, YES)
        assert 70 <= caught <= 130  # 100 expected; the dice are the same every time


def test_whatever_it_says_once_it_has_committed_does_not_fit(tmp_path: Path) -> None:
    """It sealed no. Asked to open, it claims yes, another randomness, a ballot that it seals now; or it keeps the poll's name."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        sealed, other = seal(poll.frozen, NO), seal(poll.frozen, YES)
        for claimed, randomness in (
            (YES, sealed.randomness),
            (YES, other.randomness),
            (NO, other.randomness),
            ([[0, 0]], sealed.randomness),
            ([[1, 1]], sealed.randomness),
            ([[0]], sealed.randomness),
            (NO, sealed.randomness[:-32]),
            (NO, b"\xff" * len(sealed.randomness)),
        ):
            with pytest.raises(DoesNotHold) as failure:
                check_opened(poll.frozen, sealed.code, claimed, randomness)
            assert failure.value.step == "code"
        check_opened(poll.frozen, sealed.code, NO, sealed.randomness)


def test_after_cast_another_ballot_has_another_code(tmp_path: Path) -> None:
    """It sealed yes, showed the code, and hears "cast": what it casts then for no is in the ledger under another code."""
    with city(tmp_path) as world:
        poll = open_poll(world)
        galina, olga = world.citizens[:2]
        sealed = seal(poll.frozen, YES)
        number = world.vote(galina, poll, NO)
        assert poll.frozen.kernel.codes([decode(world.ledger.entry(number))[3]]) != [sealed.code]
        # An honest device's is there, and everybody computes it from the entry alone.
        ballot = olga.voter.prove(poll.frozen, sealed)
        number = world.submit(olga.voter.cast(poll.id, 0, ballot, world.collect(olga, poll), 1))
        assert poll.frozen.kernel.codes([decode(world.ledger.entry(number))[3]]) == [sealed.code]


def test_the_arithmetic_of_threats_md() -> None:
    """The chances that docs/threats.md names: of turning k votes unseen where every c-th sealing is checked."""

    def unseen(c: int, k: int) -> float:
        return (1 - 1 / c) ** k

    assert round(unseen(10, 10), 2) == 0.35
    assert round(unseen(100, 100), 2) == 0.37
    assert round(unseen(100, 500), 3) == 0.007
    assert round(unseen(100, 1000), 5) == 0.00004
