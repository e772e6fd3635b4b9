"""A rehearsal says beforehand what the ledger will say, whatever the entry, and leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.entries import BY_KIND, ByOffice
from veche.ledger.entries.poll import Group, Poll
from veche.ledger.machine import Machine
from veche.ledger.signing import sign
from veche.world import DAY

from .branch import Branch, dump
from .life import SPEED, Life, text

At = Callable[[str], Branch]
STAGES = ("founded", "formed", "announced", "open", "voted", "counting", "decided")
SAID = ["Why.", "Почему."]


def entries(life: Life, time: int) -> list[tuple[str, list[Any], list[SigningKey]]]:
    """Of every kind that people sign: kind, body, and whose signatures it bears."""
    offices, organisers, poll = life.institutions, life.organisers, life.poll.id
    fine = Poll(
        "city",
        text("A poll"),
        text(""),
        (SPEED,),
        (Group(text("Arbat"), 1),),
        time + 2 * DAY,
        time + 4 * DAY,
        life.committee,
    )
    polls = [
        replace(fine, background=fine.title), replace(fine, opens=time, background=fine.title), replace(fine, closes=time + 90 * DAY, background=fine.title),
        replace(fine, class_name="town", background=fine.title), replace(fine, committee=bytes(32), background=fine.title),
        replace(fine, opens=time + 200 * DAY, closes=time + 201 * DAY, background=fine.title),
    ]  # fmt: skip
    holder = life.world.charter.offices[0]
    new = SigningKey.generate().public
    return [
        *(("poll", one.body(), organisers) for one in polls),
        ("poll", polls[0].body(), [organisers[0], offices[0]]),
        ("notice", [b"", SAID, []], offices[:1]),
        ("notice", [poll, SAID, []], offices[:1]),
        ("notice", [b"", SAID, []], offices[:2]),
        ("cancel", [poll, SAID], offices),
        ("contest", [poll, SAID], offices),
        ("outcome", [poll, "will", SAID, 0, []], organisers[:1]),
        ("outcome", [poll, "will", SAID, 0, []], offices[:1]),
        ("committee", ["city", "pedersen", 99], organisers[:1]),
        ("committee", ["city", "single", 99], organisers[:1]),
        ("committee", ["town", "pedersen", 99], organisers[:1]),
        ("rules", [2, time + 20 * DAY], offices),
        ("rules", [2, time + DAY], offices),
        ("office", ["add", "Newspaper", "observer", new, 0], offices),
        ("office", ["add", holder.institution, str(holder.role), new, 0], offices),
        ("office", ["rotate", holder.institution, str(holder.role), new, 0], offices),
        ("office", ["rotate", "Newspaper", "observer", new, 0], offices),
        ("office", ["retire", holder.institution, str(holder.role), holder.key, 0], offices),
        ("office", ["suspend", holder.institution, str(holder.role), holder.key, 0], organisers[:1]),
        ("office", ["suspend", holder.institution, str(holder.role), new, 0], offices),
        ("office", ["object", "Newspaper", "observer", new, 0], offices),
        ("notice", [b"", SAID, []], [SigningKey.generate()]),
    ]


def rehearse(branch: Branch, kind: str, body: list[Any], keys: list[SigningKey], time: int) -> str:
    """The rule that a rehearsal names; empty if it names none."""
    entry = BY_KIND[kind].parse(body)
    assert isinstance(entry, ByOffice)
    before = dump(branch.state.db)
    copied = branch.state.copy()
    try:
        Machine(copied, branch.entries.__getitem__).rehearse(entry, [key.public for key in keys], time)
    except Refused as refused:
        return refused.rule
    finally:
        copied.db.close()
        assert dump(branch.state.db) == before
    return ""


@pytest.mark.parametrize("stage", STAGES)
def test_it_says_what_the_ledger_says(life: Life, at: At, stage: str) -> None:
    branch = at(stage)
    now = branch.time + 1
    said: dict[str, str] = {}
    for kind, body, keys in entries(life, now):
        tried = branch.branch()
        (answer,) = tried.block(sign(tried.ledger, kind, body, keys), time=now)
        tried.close()
        said[kind] = said.get(kind, "") + (answer.rule if isinstance(answer, Refused) else "+")
        assert rehearse(branch, kind, body, keys, now) == (answer.rule if isinstance(answer, Refused) else ""), (
            kind,
            body,
        )
    assert "+" in said["notice"] and "+" in said["office"]
    assert ("+" in said["poll"]) == (stage != "founded") and ("+" in said["contest"]) == (stage in STAGES[-2:])


@pytest.mark.parametrize("stage", ["announced", "decided"])
def test_too_few_signatures_are_no_refusal_yet(life: Life, at: At, stage: str) -> None:
    branch = at(stage)
    now = branch.time + 1
    for kind, body, keys in entries(life, now):
        whole = rehearse(branch, kind, body, keys, now)
        if len(keys) > 1 and not whole:
            tried = branch.branch()
            (answer,) = tried.block(sign(tried.ledger, kind, body, keys[:1]), time=now)
            tried.close()
            assert isinstance(answer, Refused) and answer.rule == "authority"
            assert rehearse(branch, kind, body, keys[:1], now) == "", kind


def test_a_second_time_is_one_too_many(life: Life, at: At) -> None:
    branch = at("founded")
    body, keys = [b"", SAID, []], life.institutions[:1]
    assert rehearse(branch, "notice", body, keys, branch.time + 1) == ""
    branch.say("notice", body, *keys)
    assert rehearse(branch, "notice", body, keys, branch.time + 1) == "repeated"


def test_what_is_due_comes_first(life: Life, at: At) -> None:
    """A poll whose closing has passed is tallied by the next block: it cannot be cancelled any more, and can be contested."""
    branch = at("voted")
    over = branch.state.polls()[0].closing + 1
    branch.beat_until(over - 2)
    assert rehearse(branch, "cancel", [life.poll.id, SAID], life.institutions, over - 2) == ""
    assert rehearse(branch, "contest", [life.poll.id, SAID], life.institutions, over - 2) == "contest"
    assert rehearse(branch, "cancel", [life.poll.id, SAID], life.institutions, over) == "cancel"
    assert rehearse(branch, "contest", [life.poll.id, SAID], life.institutions, over) == ""
