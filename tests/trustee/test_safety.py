"""What a trustee's program must never do, whatever the ledger says that it is shown."""

from pathlib import Path

import pytest

from veche.errors import DoesNotHold, UserError
from veche.ledger.life import Phase

from .city import City, Finished, another_tally, events

# What is not decrypted


def test_nothing_is_decrypted_under_a_checkpoint_that_is_not_final(finished: Finished) -> None:
    city, committee = finished()
    poll = city.closed_poll(committee, [[1]])
    city.final = False
    assert city.round() == 0
    assert events(city.folder / "trustee-1", "decrypt") == []
    city.final = True
    assert city.round() == 3
    assert events(city.folder / "trustee-1", "decrypt") == [["decrypt", poll.hex(), city.tally(poll).hash.hex()]]
    _, size, root, *_ = events(city.folder / "trustee-1", "head")[-1]
    at = city.ledger.entries.index(city.tally(poll).encode()) + 1
    assert (int(size), root) == (at, city.view().root_at(at).hex())


def test_nothing_is_revealed_under_a_checkpoint_that_is_not_final(city: City) -> None:
    committee = city.form()
    for _ in range(3):
        city.final = False
        assert city.round() == 0
        city.final = True
        assert city.round() == 3
    assert city.committee(committee).finished


def test_cancelled_open_and_small_polls_are_not_decrypted(finished: Finished) -> None:
    city, committee = finished()
    still_open = city.open_poll(committee, [[1]], days=30)
    small = city.closed_poll(committee, [[1]], smallest=1)
    assert city.poll(small).phase == Phase.TOO_FEW
    cancelled = city.open_poll(committee, [[1]])
    city.cancel(cancelled)
    city.close(cancelled)
    assert city.round() == 0
    assert events(city.folder / "trustee-1", "decrypt") == []
    assert city.decryptions(small) == city.decryptions(still_open) == city.decryptions(cancelled) == set()


def test_a_share_that_the_result_did_not_wait_for_is_handed_in(finished: Finished) -> None:
    """Who gives none is named in reports; so a trustee who comes late still gives theirs."""
    city, committee = finished()
    poll = city.closed_poll(committee, [[1]])
    city.run(1)
    assert city.poll(poll).phase == Phase.DECIDED
    assert city.decryptions(poll) == {(2, 0), (3, 0)}
    city.run()
    assert city.poll(poll).complete == [1, 2, 3]
    assert city.due(1) == []


def test_other_committees_are_left_to_their_members(tmp_path: Path) -> None:
    city = City(tmp_path, others={"others": ["Somebody else"]})
    city.form()
    other = city.form(class_name="others")
    city.run()
    city.closed_poll(other, [[1]])
    assert city.round(4) == 0
    assert city.round() == 1


# One tally, one ledger


@pytest.mark.parametrize("handed_in", [False, True])
def test_a_second_tally_of_a_poll_is_refused(finished: Finished, handed_in: bool) -> None:
    city, committee = finished()
    poll = city.open_poll(committee, [[1, 0]])
    another = another_tally(city, poll)
    city.close(poll)
    first = city.due(1)
    if handed_in:
        city.hand_in(first[0])
    city.lies[poll] = {"tally": another}
    with pytest.raises(DoesNotHold, match="another tally"):
        city.due(1)
    with pytest.raises(DoesNotHold, match="another tally"):
        city.load(city.folder / "trustee-1").due(city.view())
    del city.lies[poll]
    assert city.due(1) == ([] if handed_in else first)


def test_a_rewritten_or_cut_ledger_is_refused(finished: Finished) -> None:
    """Each of these ledgers holds, as far as an auditor can see who has no other copy."""
    city, committee = finished()
    poll = city.open_poll(committee, [[1]])
    cut = city.ledger.branch()
    city.close(poll)
    tallied = city.ledger.branch()
    city.run()
    for shorter in (tallied, cut.branch()):
        city.ledger = shorter
        with pytest.raises(UserError, match="entries"):
            city.round()
    seen = int(events(city.folder / "trustee-1", "head")[-1][1])
    city.ledger = cut
    while len(city.ledger.entries) < seen:
        city.vote(poll, 0, [1])
    city.close(poll)
    with pytest.raises(DoesNotHold, match="rewritten"):
        city.round()


@pytest.mark.parametrize("seen", [True, False])
def test_a_copy_without_the_cancel_is_an_alarm_to_whoever_saw_it(finished: Finished, seen: bool) -> None:
    """The operator keeps a copy from before a ``cancel`` and leads it on. Nothing was ever decrypted in either."""
    city, committee = finished()
    poll = city.open_poll(committee, [[1]])
    copy = city.ledger.branch()
    city.cancel(poll)
    public = city.view().size
    if seen:
        assert city.round() == 0
    city.ledger = copy
    city.close(poll)
    while len(copy.entries) <= public:
        copy.say("committee", ["city", "pedersen", len(copy.state.committees())], city.organiser)
    if not seen:  # nobody can tell from one copy: witnesses are for that
        assert len(city.due(1)) > 0
        return
    for trustee in city.trustees:
        with pytest.raises(DoesNotHold, match="rewritten"):
            trustee.due(city.view())
        assert events(city.folder / trustee.institution.lower().replace(" ", "-"), "decrypt") == []


def test_a_trustee_serves_one_ledger(finished: Finished) -> None:
    city, _ = finished()
    city.ledger = city.another_ledger()
    with pytest.raises(UserError, match="serves ledger"):
        city.round()
