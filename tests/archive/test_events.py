"""Step A2: the chain of events, in the one order there is."""

from typing import Any

import pytest

from .assemble import Parts, Step, compact, sha
from .check import refused, unsupported, verdict


@pytest.mark.parametrize("kind", ["Setup", "EndBallots", "EncryptedTally", "PartialDecryption", "Result"])
def test_an_event_left_out(good: Parts, kind: str) -> None:
    index = good.find(kind)[0]
    if kind == "PartialDecryption":  # The single trustee's, who must decrypt.
        refused(good.with_step(index), "A9", "trustee 1 is missing")
    elif kind == "Result":
        unsupported(good.with_step(index), "no result")
    else:
        refused(good.with_step(index), "A2", "cannot come here")


@pytest.mark.parametrize("kind", ["Setup", "EndBallots", "EncryptedTally", "Result"])
def test_a_second_event_in_every_place(good: Parts, kind: str) -> None:
    first = good.steps[good.find(kind)[0]]
    other = good if not first.data else good.with_data(kind, 0, 0, first.data[0].replace(b"[", b"[ ", 1))
    for again in (first, other.steps[good.find(kind)[0]]):
        for index in range(len(good.steps) + 1):
            refused(Parts([*good.steps[:index], again, *good.steps[index:]], good.time), "A2", "")


@pytest.mark.parametrize("kind", ["Ballot", "PartialDecryption"])
def test_a_repeated_event_where_it_cannot_be(good: Parts, kind: str) -> None:
    first, last = good.find(kind)[0], good.find(kind)[-1]
    for index in range(len(good.steps) + 1):
        if not first <= index <= last + 1:
            step = Step(kind, [b"{}"] * len(good.steps[first].data))
            if kind == "PartialDecryption":
                step = Step(kind, [b"{}", compact({"owner": 1, "payload": sha(b"{}")})])
            refused(Parts([*good.steps[:index], step, *good.steps[index:]], good.time), "A2", "cannot come here")


def test_two_events_exchanged(good: Parts) -> None:
    for i in range(len(good.steps) - 1):
        if good.steps[i].kind != good.steps[i + 1].kind:
            refused(good.with_step(i, good.steps[i + 1]).with_step(i + 1, good.steps[i]), "A2", "cannot come here")


def test_a_ballot_twice(good: Parts) -> None:
    first = good.find("Ballot")[0]
    for later in range(first + 1, good.find("Ballot")[-1] + 2):
        again = Parts([*good.steps[:later], good.steps[first], *good.steps[later:]], good.time)
        refused(again, "A2", "Two ballots are the same")


def test_a_ballot_named_twice_but_stored_once(good: Parts) -> None:
    first = good.find("Ballot")[0]
    named = Step("Ballot", [], {"payload": sha(good.steps[first].data[0])})
    refused(good.with_step(first, good.steps[first], named), "A2", "1 data records must come, but 0 do")


CHANGES: list[tuple[dict[str, Any], str, str]] = [
    ({"height": 99}, "A2", "height"),
    ({"height": 0}, "A2", "height"),
    ({"height": -1}, "A3", "height"),
    ({"height": "2"}, "A3", "height"),
    ({"height": 2.0}, "A3", ""),
    ({"height": 10**30}, "A3", "height"),
    ({"parent": sha(b"another")}, "A2", "parent"),
    ({"parent": None}, "A3", ""),
    ({"payload": sha(b"another")}, "A2", "payload"),
    ({"payload": None}, "A3", ""),
    ({"payload": "x"}, "A3", "payload"),
    ({"type": "Cancel"}, "A3", "type"),
    ({"type": "ballot"}, "A3", "type"),
    ({"extra": 1}, "A3", "unknown field"),
]


@pytest.mark.parametrize(("changes", "step", "words"), CHANGES)
def test_an_event_that_says_something_else(good: Parts, changes: dict[str, Any], step: str, words: str) -> None:
    for index in range(1, len(good.steps)):
        event = good.steps[index]
        if ("payload" in changes and event.kind == "EndBallots") or changes.get("height") == index:
            continue
        refused(good.with_step(index, Step(event.kind, event.data, changes)), step, words)


def test_the_first_event_has_no_parent_and_height_zero(good: Parts) -> None:
    setup = good.steps[0]
    refused(good.with_step(0, Step("Setup", setup.data, {"parent": sha(b"")})), "A3", "canonical")
    refused(good.with_step(0, Step("Setup", setup.data, {"height": 1})), "A2", "height")


def test_end_of_ballots_names_nothing(good: Parts) -> None:
    index = good.find("EndBallots")[0]
    refused(good.with_step(index, Step("EndBallots", [], {"payload": sha(b"x")})), "A2", "payload")
    refused(good.with_step(index, Step("EndBallots", [b"x"])), "A2", "0 data records must come, but 1 do")


def test_data_that_no_event_names(good: Parts) -> None:
    for index, step in enumerate(good.steps):
        for at in range(len(step.data) + 1):
            data = [*step.data[:at], b"stray", *step.data[at:]]
            refused(
                good.with_step(index, Step(step.kind, data, {"payload": sha(step.data[-1]) if step.data else None})),
                *(("A3", "") if not step.data else ("A2", "")),
            )


def test_data_after_the_last_event(good: Parts) -> None:
    from .assemble import record

    refused(good.to_bytes() + record(f"{sha(b'x')}.data.json", b"x", good.time), "A2", "ends with data")


def test_an_event_as_long_as_a_book(good: Parts) -> None:
    index = good.find("EndBallots")[0]
    refused(good.with_step(index, Step("EndBallots", [], {"type": "E" * 5000})), "A2", "too long")


@pytest.mark.parametrize("kind", ["Shuffle", "EndShuffles"])
def test_shuffles_get_no_verdict_where_they_may_be_and_are_refused_elsewhere(good: Parts, kind: str) -> None:
    where = good.find("EncryptedTally")[0] + 1
    for index in range(len(good.steps) + 1):
        archive = Parts([*good.steps[:index], Step(kind), *good.steps[index:]], good.time)
        if good.steps[index - 1].kind in ("EncryptedTally", "PartialDecryption") and index >= where:
            unsupported(archive, "shuffles")
        else:
            refused(archive, "A2", "cannot come here")


def test_references_that_do_not_fit(good: Parts) -> None:
    setup = good.steps[0].data
    names = ("election", "trustees", "credentials")
    for order in ((1, 0, 2), (0, 2, 1), (0, 0, 2), (2, 1, 0)):
        text = compact({name: sha(setup[i]) for name, i in zip(names, order, strict=True)})
        refused(good.with_step(0, Step("Setup", [*setup[:3], text])), "A2", "election, trustees and credentials")
    refused(good.with_step(0, Step("Setup", [setup[1], setup[0], *setup[2:]])), "A2", "in this order")
    other = sha(b"other").encode()
    sized = good.data("EncryptedTally", 0, 1)
    tally = sha(good.data("EncryptedTally", 0, 0)).encode()
    refused(good.with_data("EncryptedTally", 0, 1, sized.replace(tally, other)), "A2", "the tally before it")
    owned = good.data("PartialDecryption", 0, 1)
    share = sha(good.data("PartialDecryption", 0, 0)).encode()
    refused(good.with_data("PartialDecryption", 0, 1, owned.replace(share, other)), "A2", "the share before it")


def test_a_poll_under_way_gets_no_verdict_but_what_is_there_is_checked(good: Parts) -> None:
    for length in range(1, len(good.steps)):
        state = {
            "Setup": "its ballot box was not closed",
            "Ballot": "its ballot box was not closed",
            "EndBallots": "its ballots were not summed",
            "EncryptedTally": "it has no result",
            "PartialDecryption": "it has no result",
        }[good.steps[length - 1].kind]
        unsupported(Parts(good.steps[:length], good.time), state)
    ballot = good.data("Ballot", 0, 0)
    bad = good.with_data("Ballot", 0, 0, ballot.replace(b'"response":"1', b'"response":"2', 1))
    assert bad.to_bytes() != good.to_bytes()
    refused(Parts(bad.steps[:2], good.time), "A7", "Ballot 1")


def test_shares_in_any_order_of_owners(good: Parts) -> None:
    shares = [good.steps[i] for i in good.find("PartialDecryption")]
    first = good.find("PartialDecryption")[0]
    order = [shares[i] for i in (3, 0, 2)]
    archive = Parts([*good.steps[:first], *order, good.steps[-1]], good.time)
    assert verdict(archive).result == verdict(good).result
