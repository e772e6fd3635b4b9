"""What a validator promises, what becomes of it, and when it promises nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.stage import TRAMS

from veche.audit import promise as judging
from veche.audit.promise import Verdict, judge, read_promises
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.poll_state import PollState
from veche.ledger.promise import Promise
from veche.world import Citizen, Played, World

HEIGHTS = 3


class Town:
    """A network that is played, with an open poll."""

    def __init__(self, world: World) -> None:
        self.world = world
        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        found = world.ledger.state.poll(poll.id)
        assert found is not None
        self.poll: PollState = found

    def entry(self, citizen: Citizen) -> bytes:
        return self.world.entry(citizen, self.poll, [[1, 0]])

    def twice(self, citizen: Citizen) -> tuple[bytes, bytes]:
        """One later ballot of a citizen under two turns."""
        sealed, last = self.world.ballot(citizen, self.poll, [[1, 0]]), citizen.turns[self.poll.id]
        group = self.world.group_of(citizen, self.poll)
        one, other = (citizen.voter.cast(self.poll.id, group, sealed, [], last + turn) for turn in (1, 2))
        citizen.turns[self.poll.id] = last + 2
        return one, other

    def promise(self, entry: bytes, key: SigningKey | None = None, ledger: bytes = b"") -> Promise:
        world = self.world
        return Promise.make(ledger or world.id, digest(entry), world.ledger.height, key or world.head_keys[0])

    def go_on(self, blocks: int = HEIGHTS + 1) -> None:
        """So many blocks, each with something in it."""
        for number in range(blocks):
            text = [f"Notice {number} of {self.world.ledger.height}.", "Извещение."]
            self.world.say("notice", [b"", text, []], self.world.organisers[0])

    def verdict(self, entry: bytes, promise: Promise) -> tuple[Verdict, str]:
        (found,) = judge(self.world.check(), entry, [promise])
        assert found.institution in str(found.said)
        return found.verdict, found.excuse


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setattr(judging, "HEIGHTS", HEIGHTS)
    world = World(tmp_path, citizens={"Centre": 4}, registrars=(1, 1, 0), engine=Played(4))
    with world:
        yield Town(world)


def test_kept_late_and_too_early(town: Town) -> None:
    one, two, *_ = town.world.citizens
    entry, late = town.entry(one), town.entry(two)
    promise, other = town.promise(entry), town.promise(late)
    assert town.verdict(entry, promise) == (Verdict.EARLY, "")
    number = town.world.submit(entry)
    town.go_on()
    assert town.verdict(late, other) == (Verdict.BROKEN, "")
    town.world.submit(late)
    assert town.verdict(entry, promise) == (Verdict.KEPT, "")
    assert town.verdict(late, other) == (Verdict.BROKEN, "")
    (found,) = judge(town.world.check(), entry, [promise])
    assert found.entry == number


def test_a_later_turn_excuses_if_it_came_in_time(town: Town) -> None:
    one, two, *_ = town.world.citizens
    first, again = town.entry(one), town.entry(one)
    town.world.submit(first)
    dropped, last = town.entry(one), again
    promise = town.promise(last)
    town.world.submit(dropped)  # turn 3, through another node
    town.go_on()
    assert town.verdict(last, promise) == (Verdict.EXCUSED, "turn")
    # One that came long after the end is no excuse.
    town.world.submit(town.entry(two))
    missed, later = town.entry(two), town.entry(two)
    promise = town.promise(missed)
    town.go_on()
    town.world.submit(later)
    assert town.verdict(missed, promise) == (Verdict.BROKEN, "")


def test_a_closing_and_a_halt_make_no_liar(town: Town) -> None:
    entry = town.entry(town.world.citizens[0])
    promise = town.promise(entry)
    town.world.stand_still(3600)  # heights count, not hours
    assert town.verdict(entry, promise) == (Verdict.EARLY, "")
    town.world.wait_until(town.poll.closing)
    town.go_on()
    assert town.verdict(entry, promise) == (Verdict.EXCUSED, "not-open")


def test_what_is_no_promise_of_this_is_refused(town: Town) -> None:
    one, two, *_ = town.world.citizens
    entry, other = town.entry(one), town.entry(two)
    verified = town.world.check()
    for wrong, why in (
        (town.promise(other), "another entry"),
        (town.promise(entry, SigningKey.generate()), "nobody who is a validator"),
        (town.promise(entry, ledger=bytes(32)), "does not hold"),
    ):
        with pytest.raises(DoesNotHold, match=why) as caught:
            judge(verified, entry, [wrong])
        assert caught.value.step == "promise"


def test_a_file_is_read_as_a_node_answered(town: Town) -> None:
    entry = town.entry(town.world.citizens[0])
    promise = town.promise(entry)
    fields = {name: getattr(promise, name) for name in promise.__struct_fields__}
    assert read_promises(json.dumps({"entry": "x", "stage": "sent", "promises": [fields]}).encode()) == [promise]
    for wrong in (b"", b"{}", b"[]", b'{"promises": []}', b'{"promises": [1]}', bytes(2 << 20), b"[" * 100_000):
        with pytest.raises(UserError, match="no promise"):
            read_promises(wrong)


def test_a_voter_makes_no_liar_of_a_validator(town: Town) -> None:
    """Who hands in one ballot under two turns, or goes on voting after the end of a promise."""
    world, (one, two, *_) = town.world, town.world.citizens
    world.submit(town.entry(one))
    first, again = town.twice(one)
    promise = town.promise(again)
    world.submit(first)
    with pytest.raises(Refused, match="This very ballot"):
        world.submit(again)
    town.go_on()
    assert town.verdict(again, promise) == (Verdict.EXCUSED, "tracker")
    # The later turn came in time, and another one long after.
    world.submit(town.entry(two))
    missed, later = town.entry(two), town.entry(two)
    promise = town.promise(missed)
    world.submit(later)
    with pytest.raises(Refused, match="is not greater"):
        world.submit(missed)
    town.go_on()
    assert town.verdict(missed, promise) == (Verdict.EXCUSED, "turn")
    world.submit(town.entry(two))
    assert town.verdict(missed, promise) == (Verdict.EXCUSED, "turn")
