"""`decryption`, `result`, `cancel`, `contest`: shares of one tally, each part once per trustee, for ever. Section 2.6."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import veche_kernel as kernel

from veche.errors import Refused
from veche.ledger.codec import decode, digest, encode
from veche.world import DAY

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
POLL, INDEX, TALLY, PART, FACTORS, PROOFS, BINDING = range(7)


def shares(life: Life, trustee: int) -> list[bytes]:
    """Total and two cells, by this trustee (1..3)."""
    return life.decryptions[3 * (trustee - 1) : 3 * trustee]


def body(life: Life, part: int = 0) -> list[Any]:
    return list(decode(shares(life, 1)[part])[1])


def refused(branch: Branch, life: Life, rule: str, field: int, value: Any, part: int = 0, trustee: int = 1) -> None:
    changed = body(life, part)
    changed[field] = value
    branch.refuses_to_say(rule, "decryption", changed, life.world.trustees[trustee - 1].key)


@pytest.mark.parametrize("pair", [(1, 2), (1, 3), (2, 3), (3, 2)])
def test_any_two_trustees_find_the_same(pair: tuple[int, int], life: Life, at: At) -> None:
    branch = at("counting")
    for trustee in pair:
        for entry in shares(life, trustee):
            branch.admit(entry)
    branch.admit(branch.find_result(life.poll.id))
    assert branch.last("result") == [life.poll.id, sorted(pair), [[3, 3, 1]], [[[2, 1, 1]], [[1, 2, 0]]]]


def test_the_result_waits_for_every_part(life: Life, at: At) -> None:
    """In any order, of any trustees: three trustees with two parts each are no result."""
    branch = at("counting")
    for entry in [*shares(life, 3)[1:], *shares(life, 1)[::2], *shares(life, 2)[:2]]:
        branch.admit(entry)
        assert not branch.poll(life.poll.id).openers
    branch.admit(shares(life, 2)[2])
    assert not branch.poll(life.poll.id).openers
    branch.refuses("result", life.result)
    branch.admit(shares(life, 3)[0])
    branch.refuses("result", life.result)  # it is of other trustees
    branch.admit(branch.find_result(life.poll.id))
    assert branch.last("result")[1] == [2, 3]


def test_all_shares_in_one_block(life: Life, at: At) -> None:
    """The result is of those who were complete when there were enough; shares behind theirs are taken, and change nothing."""
    branch = at("counting")
    answers = branch.block(*life.decryptions[:6], life.result, *life.decryptions[6:])
    assert all(isinstance(answer, int) for answer in answers)
    assert branch.kinds()[-10:] == ["decryption"] * 6 + ["result"] + ["decryption"] * 3
    assert branch.last("result")[1] == [1, 2]
    late = at("counting")
    late.block(*life.decryptions)
    assert late.find_result(life.poll.id) == life.result


def test_anybody_hands_the_result_in_once(life: Life, at: At) -> None:
    branch = at("counting")
    branch.refuses("result", life.result)
    branch.block(*life.decryptions[:6])
    (first, again) = branch.block(life.result, life.result)
    assert isinstance(first, int) and isinstance(again, Refused) and again.rule == "result"
    poll = branch.poll(life.poll.id)
    assert poll.phase == "decided" and poll.decided == branch.time


def test_a_result_without_enough_shares(life: Life, at: At) -> None:
    for stage in ("announced", "voted", "counting"):
        at(stage).refuses("result", life.result)
    branch = at("counting")
    branch.refuses("unknown-poll", encode(["result", [bytes(32), *decode(life.result)[1][1:]]]))
    # The poll is asked for before anything is made of the numbers, which anybody can send.
    branch.refuses("unknown-poll", encode(["result", [bytes(32), *decode(life.result)[1][1:3], [["no number"]]]]))
    branch.refuses("shape", encode(["result", decode(life.result)[1], []]))
    branch.refuses("shape", encode(["result", b""]))
    branch.refuses("shape", encode(["result", decode(life.result)[1][:3]]))


FALSE_RESULTS = {
    "a vote more": ([2, 0, 1], 4),
    "a vote more in a cell": ([3, 0, 0, 1], 3),
    "a number that is greater than the group": ([2, 0, 0], 2**53 - 1),
    "numbers exchanged": ([2, 0], [1, 3, 3]),
    "a number missing": ([2, 0], [3, 3]),
    "a number too many": ([2, 0], [3, 3, 1, 0]),
    "a question too many": ([2], [[3, 3, 1], []]),
    "a cell missing": ([3], [[[2, 1, 1]]]),
    "cells exchanged": ([3], [[[1, 2, 0]], [[2, 1, 1]]]),
    "no cells": ([3], []),
    "one trustee": ([1], [1]),
    "other trustees": ([1], [1, 3]),
    "trustees in another order": ([1], [2, 1]),
}


@pytest.mark.parametrize(("place", "value"), FALSE_RESULTS.values(), ids=FALSE_RESULTS)
def test_a_false_result(place: list[int], value: Any, life: Life, at: At) -> None:
    branch = at("counting")
    branch.block(*life.decryptions[:6])
    item = decode(life.result)
    holder = item[1]
    for step in place[:-1]:
        holder = holder[step]
    assert holder[place[-1]] != value
    holder[place[-1]] = value
    (answer,) = branch.block(encode(item))
    assert isinstance(answer, Refused) and answer.rule in ("result", "shape")
    branch.admit(life.result)


def test_no_block_and_no_auditor_searches(life: Life, at: At, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the largest polls that takes half a minute, on all cores: it is done once, by somebody, beside the blocks."""

    def search(*_: object) -> list[int]:
        raise AssertionError("a search")

    monkeypatch.setattr(kernel, "discrete_logs", search)
    branch = at("counting")
    branch.block(*life.decryptions)
    branch.admit(life.result)
    branch.check(tmp_path / "ledger")


def test_none_before_closing(life: Life, at: At) -> None:
    at("voted").refuses("decryption", life.decryptions[0])


def test_shares_are_taken_for_ever(life: Life, at: At) -> None:
    """So that everybody sees who gave theirs; years later, each part once, and the result stays what it was."""
    branch = at("decided")
    result = branch.last("result")
    branch.beat_until(branch.time + 1000 * DAY)
    for entry in shares(life, 3):
        branch.admit(entry)
        branch.refuses("repeated", entry)
    assert branch.poll(life.poll.id).complete == [1, 2, 3]
    assert (branch.kinds().count("result"), branch.last("result")) == (1, result)
    again = decode(shares(life, 3)[0])[1]
    again[PROOFS] = again[PROOFS][:-1] + bytes([again[PROOFS][-1] ^ 1])
    branch.refuses_to_say("decryption", "decryption", again, life.world.trustees[2].key)


@pytest.mark.parametrize("stage", ["announced", "voted"])
def test_none_for_a_cancelled_poll(stage: str, life: Life, at: At) -> None:
    """It has no tally, so it is never decrypted."""
    branch = at(stage)
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    assert branch.beat_until(life.poll.definition.closes + 60) == []
    branch.refuses("decryption", life.decryptions[5])
    branch.refuses_to_say("cancel", "cancel", [life.poll.id, ["Twice", "Дважды"]], *life.institutions)
    assert branch.poll(life.poll.id).result is None


@pytest.mark.parametrize("known", [0, 1, 5, 6, 9])
def test_no_cancelling_from_the_tally_on(known: int, life: Life, at: At) -> None:
    """Whether or not a share is there: whoever carries them could have read the result before."""
    branch = at("counting")
    for entry in life.decryptions[:known]:
        branch.admit(entry)
    refusal = branch.refuses_to_say("cancel", "cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    assert "contest" in refusal.hint


def test_no_cancelling_in_the_block_of_the_tally(life: Life, at: At) -> None:
    branch = at("voted")
    said = branch.sign("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    (answer,) = branch.block(said, time=branch.poll(life.poll.id).closing)
    assert isinstance(answer, Refused) and answer.rule == "cancel"
    assert branch.kinds()[-1] == "tally"


def test_a_contested_poll_is_decided_all_the_same(life: Life, at: At) -> None:
    branch, why = at("counting"), ["A key was stolen.", "Украден ключ."]
    contested = [branch.say("contest", [life.poll.id, why], *life.institutions)]
    branch.refuses_to_say("repeated", "contest", [life.poll.id, why], *life.institutions)
    for entry in life.decryptions[:6]:
        branch.admit(entry)
    branch.admit(life.result)
    assert branch.poll(life.poll.id).phase == "decided"
    contested.append(branch.say("contest", [life.poll.id, [*why[:1], "И ещё."]], *life.institutions))
    assert branch.poll(life.poll.id).contests == contested
    branch.state.forget()
    assert branch.poll(life.poll.id).contests == contested == branch.state.statements(life.poll.id)
    branch.say("outcome", [life.poll.id, "not", why, 0, []], life.organisers[0])


@pytest.mark.parametrize("stage", ["keyless", "announced", "open", "voted"])
def test_nothing_is_contested_before_its_tally(stage: str, life: Life, at: At) -> None:
    at(stage).refuses_to_say("contest", "contest", [life.poll.id, ["Why", "Почему"]], *life.institutions)


def test_who_contests_and_what(life: Life, at: At) -> None:
    branch, said = at("counting"), [life.poll.id, ["Why", "Почему"]]
    branch.refuses_to_say("authority", "contest", said, *life.institutions[1:])
    branch.refuses_to_say("authority", "contest", said, *life.organisers)
    branch.refuses_to_say("shape", "contest", [life.poll.id, ["", ""]], *life.institutions)
    branch.refuses_to_say("shape", "contest", [life.poll.id], *life.institutions)
    branch.refuses_to_say("unknown-poll", "contest", [bytes(32), said[1]], *life.institutions)
    few = at("open")
    few.beat_until(life.poll.definition.closes)
    few.say("contest", said, *life.institutions)  # too few voted: that, too, can have come about wrongly
    void = at("keyless")
    void.beat_until(life.poll.definition.opens)
    void.refuses_to_say("contest", "contest", said, *life.institutions)
    cancelled = at("voted")
    cancelled.say("cancel", said, *life.institutions)
    cancelled.refuses_to_say("contest", "contest", [life.poll.id, ["So?", "И?"]], *life.institutions)


def test_who_cancels(life: Life, at: At) -> None:
    branch, said = at("voted"), [life.poll.id, ["Why", "Почему"]]
    branch.refuses_to_say("authority", "cancel", said, *life.institutions[1:])
    branch.refuses_to_say("authority", "cancel", said, *life.organisers)
    branch.refuses_to_say("shape", "cancel", [life.poll.id, ["", ""]], *life.institutions)
    branch.refuses_to_say("shape", "cancel", [life.poll.id], *life.institutions)
    branch.refuses_to_say("unknown-poll", "cancel", [bytes(32), said[1]], *life.institutions)
    branch.say("cancel", said, *life.institutions)


def test_each_part_once(life: Life, at: At) -> None:
    branch = at("counting")
    first = shares(life, 1)[0]
    branch.admit(first)
    branch.refuses("repeated", first)
    again = decode(shares(life, 1)[0])[1]
    again[PROOFS] = again[PROOFS][:-1] + bytes([again[PROOFS][-1] ^ 1])
    branch.refuses_to_say("decryption", "decryption", again, life.world.trustees[0].key)


def test_a_share_of_another_tally(life: Life, at: At) -> None:
    """Made on a fork of the ledger, where one ballot fewer was counted, say: sums that single ballots can be told from."""
    branch = at("counting")
    refused(branch, life, "decryption", TALLY, bytes(32))
    refused(branch, life, "decryption", TALLY, digest(branch.entries[-2]))
    refused(branch, life, "shape", TALLY, b"")
    forked = at("voted")
    forked.admit(life.ballot(life.world.citizens[1], turn=2, permits=False))
    forked.beat_until(forked.poll(life.poll.id).closing)
    forked.refuses("decryption", life.decryptions[0])
    refused(forked, life, "proof", TALLY, digest(forked.entries[-1]))


def test_a_share_in_another_trustees_name(life: Life, at: At) -> None:
    branch = at("counting")
    refused(branch, life, "authority", INDEX, 2)
    refused(branch, life, "authority", INDEX, 1, trustee=2)
    refused(branch, life, "proof", INDEX, 2, trustee=2)
    for index in (0, 4, 2**53):
        refused(branch, life, "shape", INDEX, index)
    branch.refuses_to_say("authority", "decryption", body(life), life.organisers[0])
    branch.refuses_to_say("authority", "decryption", body(life), life.world.trustees[0].key, life.world.trustees[1].key)


def test_a_share_of_another_part(life: Life, at: At) -> None:
    branch = at("counting")
    for part in (3, 2**53, 2**64 - 1):
        refused(branch, life, "shape", PART, part)
    refused(branch, life, "shape", PART, 1)  # the total has Belenios proofs, a cell has none
    refused(branch, life, "shape", PART, 0, part=1)
    refused(branch, life, "proof", PART, 2, part=1)


def test_an_unknown_poll(life: Life, at: At) -> None:
    refused(at("counting"), life, "unknown-poll", POLL, bytes(32))
    refused(at("counting"), life, "shape", POLL, b"")


@pytest.mark.parametrize("part", [0, 1])
def test_lengths(part: int, life: Life, at: At) -> None:
    branch, whole = at("counting"), body(life, part)
    for field in (FACTORS, PROOFS, BINDING):
        refused(branch, life, "shape", field, whole[field] + bytes(32), part)
        refused(branch, life, "shape", field, whole[field] + bytes(64), part)
        refused(branch, life, "shape", field, whole[field][:-1] if whole[field] else b"\0", part)
        refused(branch, life, "shape", field, 7, part)


@pytest.mark.parametrize("part", [0, 1])
def test_any_changed_scalar_or_point(part: int, life: Life, at: At) -> None:
    """Both proofs must hold, for each ciphertext: every 32 bytes of a share count."""
    branch, whole, rules = at("counting"), body(life, part), set()
    for field in (FACTORS, PROOFS, BINDING):
        for place in range(0, len(whole[field]), 32):
            changed = bytearray(whole[field])
            changed[place] ^= 1
            bad = [*whole[:field], bytes(changed), *whole[field + 1 :]]
            (answer,) = branch.branch().block(branch.sign("decryption", bad, life.world.trustees[0].key))
            assert isinstance(answer, Refused)
            rules.add(answer.rule)
    assert rules <= {"proof", "shape"}
    assert "proof" in rules


def test_factors_in_another_order(life: Life, at: At) -> None:
    """Belenios's proof alone would follow its factor to another answer; the binding one says where it stands."""
    branch, whole = at("counting"), body(life)
    for field, size in ((FACTORS, 32), (PROOFS, 64), (BINDING, 64)):
        whole[field] = whole[field][size : 2 * size] + whole[field][:size] + whole[field][2 * size :]
    branch.refuses_to_say("proof", "decryption", whole, life.world.trustees[0].key)
