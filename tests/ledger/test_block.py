"""`block`: heights and times, what falls due and in which order, and that a block which fails leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from doctor import publish

from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold, Refused
from veche.ledger.codec import decode, digest, encode
from veche.log.source import Folder

from .branch import Branch, dump
from .life import Life

At = Callable[[str], Branch]


def test_a_block_says_its_height_its_time_and_the_time_before(life: Life, at: At) -> None:
    branch = at("founded")
    start, height = branch.time, branch.machine.height
    branch.block(branch.sign("notice", [b"", ["A", "А"], []], life.organisers[0]), time=start + 9, previous=start + 7)
    assert branch.last("block")[:3] == [height + 1, start + 9, start + 7]


def test_a_block_that_appends_nothing_is_not_logged(at: At) -> None:
    branch = at("founded")
    size = len(branch.entries)
    branch.block(time=branch.time + 600, previous=branch.time)  # ten minutes are no halt
    assert len(branch.entries) == size


def test_a_halt_is_logged(at: At) -> None:
    branch = at("founded")
    branch.block(time=branch.time + 601, previous=branch.time)
    assert branch.kinds()[-1] == "block"


@pytest.mark.parametrize(
    ("height", "time", "previous"),
    [
        (0, 0, 0),  # the same height
        (-1, 0, 0),
        (1, -1, -1),  # back in time
        (1, 5, -1),  # previous before the block before
        (1, 5, 6),  # previous after the block itself
        (2**53, 5, 5),
        (1, 2**53, 5),
    ],
)
def test_blocks_that_do_not_follow(height: int, time: int, previous: int, at: At) -> None:
    branch = at("founded")
    known, start = dump(branch.state.db), branch.time
    with pytest.raises(Refused) as caught:
        branch.machine.begin(branch.machine.height + height, start + time, start + previous)
    assert caught.value.rule == "block"
    assert dump(branch.state.db) == known


def test_heights_may_leap_and_times_may_stay(at: At, life: Life) -> None:
    branch = at("founded")
    branch.machine.begin(branch.machine.height + 1000, branch.time, branch.time)
    branch.machine.load()
    branch.block(branch.sign("notice", [b"", ["A", "А"], []], life.organisers[0]), time=branch.time)


@pytest.mark.parametrize(
    "block",
    [
        [2**64 - 1, 0, 0],
        [9, 2**64 - 1, 0],
        [9, 9],
        [9, 9, 9, 9],
        ["9", 9, 9],
        [9, 9, b""],
        [0, 0, 0],
        [9, 9, 9, 9, b""],
    ],
)
def test_the_auditor_says_what_is_wrong_with_a_block(block: list[object], life: Life, tmp_path: Path) -> None:
    """An operator can sign any log. The auditor answers in a sentence, whatever the numbers are."""
    notice = life.founded.sign("notice", [b"", ["A", "А"], []], life.organisers[0])
    entries = [*life.founded.entries, encode(["block", block]), notice]
    publish(tmp_path, entries, life.world.charter.origin, life.founded.log_key)
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(tmp_path))
    assert caught.value.step == "L4"


def test_the_auditor_refuses_a_block_that_had_no_reason_to_be_logged(life: Life, tmp_path: Path) -> None:
    time = life.founded.time
    entries = [*life.founded.entries, encode(["block", [7, time + 600, time]])]
    publish(tmp_path, entries, life.world.charter.origin, life.founded.log_key)
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(tmp_path))
    assert caught.value.step == "L4"


def test_what_falls_due_at_once_comes_in_order(life: Life, at: At) -> None:
    """Two silent committees, two polls without keys and the poll that closes, all due when the ledger runs again."""
    branch = at("voted")
    soon = branch.poll(life.poll.id).closing
    committees = []
    for number in (7, 8):
        branch.say("committee", ["city", "pedersen", number], life.organisers[0])
        committees.append(branch.entries[-1])
    polls = [life.publish(branch, title=life.poll.definition.title._replace(en=name), opens=soon - 9 + i)
             for i, name in enumerate("ab")]  # fmt: skip
    for entry in polls:
        branch.admit(entry)
    due = branch.stand_still(9 * 86_400)
    assert due == ["committee-void", "committee-void", "void", "void", "tally"]
    bodies = [decode(entry)[1] for entry in branch.entries[-5:]]
    assert [body[0] for body in bodies] == [*map(digest, committees), *map(digest, polls), life.poll.id]


def test_what_falls_due_comes_before_what_is_handed_in(life: Life, at: At) -> None:
    """The ballot in the closing block is too late, though it was handed in before."""
    branch = at("voted")
    ballot = life.ballot(life.world.citizens[1], turn=2, permits=False)
    (answer,) = branch.block(ballot, time=branch.poll(life.poll.id).closing)
    assert isinstance(answer, Refused) and answer.rule == "not-open"
    assert branch.kinds()[-2:] == ["block", "tally"]


@pytest.mark.parametrize("stage", ["announced", "open", "voted", "counting"])
def test_a_block_that_fails_in_the_middle_leaves_nothing(stage: str, life: Life, at: At, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Good entries, and then the disk dies, or the program has a mistake: disk and memory are as before, and go on."""
    branch = at(stage)
    good = [branch.sign("notice", [b"", [f"{i}", f"{i}"], []], life.organisers[0]) for i in range(2)]
    good += [life.ballot(life.world.citizens[1], turn=2 if stage == "voted" else 1, permits=stage != "voted")]
    last = "contest" if stage == "counting" else "cancel"
    good += [life.decryptions[0], branch.sign(last, [life.poll.id, ["Why", "Почему"]], *life.institutions)]
    known = dump(branch.state.db), branch.machine.size, branch.machine.height, branch.machine.time
    with monkeypatch.context() as patch:
        patch.setattr(branch.machine, "end", lambda: (_ for _ in ()).throw(OSError("the disk died")))
        with pytest.raises(OSError, match="died"):
            branch.block(*good)
    assert (dump(branch.state.db), branch.machine.size, branch.machine.height, branch.machine.time) == known
    answers = branch.block(*good)
    assert [type(answer) for answer in answers[:2]] == [int, int]
    assert isinstance(answers[4], int)
    assert branch.poll(life.poll.id).phase == ("counting" if stage == "counting" else "cancelled")
