"""`issuance`, `outcome`, `notice`: what is said when a poll is over."""

from collections.abc import Callable
from typing import Any

import pytest

from veche.keys import SigningKey

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
ROOT = bytes(32)


def office(life: Life, registrar: int) -> SigningKey:
    return life.world.office_keys[5 + registrar]


def rows(*issued: int) -> list[Any]:
    return [[number, ROOT] for number in issued]


def test_a_registrar_accounts_once(life: Life, at: At) -> None:
    branch = at("counting")
    branch.say("issuance", [life.poll.id, rows(4, 3)], office(life, 0))
    branch.refuses_to_say("issuance", "issuance", [life.poll.id, [[4, bytes([1]) * 32], [3, ROOT]]], office(life, 0))
    branch.say("issuance", [life.poll.id, [[4, bytes([2]) * 32], [3, ROOT]]], office(life, 1))
    stored = branch.state.db.execute("SELECT registrar, grp, issued FROM issuance ORDER BY 1, 2").fetchall()
    assert stored == [(0, 0, 4), (0, 1, 3), (1, 0, 4), (1, 1, 3)]


@pytest.mark.parametrize("issued", [(3, 3), (4, 2), (0, 0), (5, 3), (4, 4), (2**53 - 1, 3)])
def test_no_fewer_than_were_used_and_no_more_than_people(issued: tuple[int, int], life: Life, at: At) -> None:
    """Four and three voted, which was everybody: fewer permits cannot have been issued, nor more."""
    at("counting").refuses_to_say("issuance", "issuance", [life.poll.id, rows(*issued)], office(life, 0))


def test_permits_that_were_not_used(life: Life, at: At) -> None:
    """Somebody collected a permit and stayed at home."""
    branch = at("open")
    branch.admit(life.ballot(life.citizens("Arbat")[0]))
    branch.beat_until(branch.poll(life.poll.id).closing)
    for issued in ((0, 0), (5, 0), (1, 4)):
        branch.refuses_to_say("issuance", "issuance", [life.poll.id, rows(*issued)], office(life, 0))
    branch.say("issuance", [life.poll.id, rows(1, 0)], office(life, 0))
    branch.say("issuance", [life.poll.id, rows(4, 3)], office(life, 1))


def test_accounts_before_closing(life: Life, at: At) -> None:
    branch = at("voted")
    said = [life.poll.id, rows(4, 3)]
    branch.refuses_to_say("issuance", "issuance", said, office(life, 0))
    (answer,) = branch.block(branch.sign("issuance", said, office(life, 0)), time=branch.poll(life.poll.id).closing)
    assert isinstance(answer, int)


def test_accounts_of_a_cancelled_poll(life: Life, at: At) -> None:
    """It was cancelled with ballots in it: how many permits were issued is still said, after its closing."""
    branch = at("voted")
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    branch.refuses_to_say("issuance", "issuance", [life.poll.id, rows(4, 3)], office(life, 0))
    branch.beat_until(life.poll.definition.closes)
    branch.refuses_to_say("issuance", "issuance", [life.poll.id, rows(3, 3)], office(life, 0))
    branch.say("issuance", [life.poll.id, rows(4, 3)], office(life, 0))


def test_accounts_of_a_poll_cancelled_before_its_keys_were_there(life: Life, at: At) -> None:
    """A registrar without keys for it has nothing to account for, and must not be able to stop the ledger by trying."""
    branch = at("keyless")
    branch.admit(life.permit_keys[0])
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    branch.beat_until(life.poll.definition.closes)
    branch.refuses_to_say("issuance", "issuance", [life.poll.id, rows(0, 0)], office(life, 1))
    branch.say("issuance", [life.poll.id, rows(0, 0)], office(life, 0))


def test_who_accounts_and_how(life: Life, at: At) -> None:
    branch = at("counting")
    said = [life.poll.id, rows(4, 3)]
    branch.refuses_to_say("authority", "issuance", said, life.organisers[0])
    branch.refuses_to_say("authority", "issuance", said, office(life, 0), office(life, 1))
    branch.refuses_to_say("unknown-poll", "issuance", [ROOT, rows(4, 3)], office(life, 0))
    for bad in (rows(4), rows(4, 3, 0), [[4], [3, ROOT]], [[4, bytes(31)], [3, ROOT]], [[b"4", ROOT], [3, ROOT]], 7):
        branch.refuses_to_say("shape", "issuance", [life.poll.id, bad], office(life, 0))
    branch.refuses_to_say("shape", "issuance", [life.poll.id], office(life, 0))


def outcome(life: Life, status: object = "will", due: object = 0, files: object = ()) -> list[Any]:
    return [life.poll.id, status, ["We shall.", "Сделаем."], due, list(files) if isinstance(files, tuple) else files]


@pytest.mark.parametrize("stage", ["keyless", "announced", "open", "voted"])
def test_no_outcome_before_closing(stage: str, life: Life, at: At) -> None:
    at(stage).refuses_to_say("outcome", "outcome", outcome(life), life.organisers[0])


@pytest.mark.parametrize("stage", ["counting", "decided"])
@pytest.mark.parametrize("status", ["will", "done", "not"])
def test_the_city_answers(stage: str, status: str, life: Life, at: At) -> None:
    branch = at(stage)
    branch.say("outcome", outcome(life, status, 1_800_000_000, (["photo.jpg", ROOT],)), life.organisers[1])
    branch.refuses_to_say("repeated", "outcome", outcome(life, status, 1_800_000_000, (["photo.jpg", ROOT],)), life.organisers[0])  # fmt: skip
    branch.say("outcome", outcome(life, status, 1_900_000_000), life.organisers[0])


def test_no_outcome_of_a_cancelled_poll(life: Life, at: At) -> None:
    branch = at("voted")
    branch.say("cancel", [life.poll.id, ["Why", "Почему"]], *life.institutions)
    branch.beat_until(life.poll.definition.closes)
    branch.refuses_to_say("outcome", "outcome", outcome(life), life.organisers[0])


def test_an_outcome_of_a_poll_with_too_few(life: Life, at: At) -> None:
    branch = at("open")
    branch.beat_until(life.poll.definition.closes)
    branch.say("outcome", outcome(life, "not"), life.organisers[0])


def test_who_answers_and_how(life: Life, at: At) -> None:
    branch = at("decided")
    branch.refuses_to_say("authority", "outcome", outcome(life), office(life, 0))
    branch.refuses_to_say("authority", "outcome", outcome(life), *life.organisers)
    branch.refuses_to_say("outcome", "outcome", outcome(life, "maybe"), life.organisers[0])
    branch.refuses_to_say("outcome", "outcome", outcome(life, ["will"]), life.organisers[0])
    branch.refuses_to_say("shape", "outcome", outcome(life, due=b""), life.organisers[0])
    branch.refuses_to_say("shape", "outcome", outcome(life, due=2**53), life.organisers[0])
    branch.refuses_to_say("shape", "outcome", outcome(life, files=7), life.organisers[0])
    branch.refuses_to_say("shape", "outcome", outcome(life)[:4], life.organisers[0])
    branch.refuses_to_say("unknown-poll", "outcome", [ROOT, *outcome(life)[1:]], life.organisers[0])


@pytest.mark.parametrize("stage", ["founded", "voted", "decided"])
def test_any_office_gives_notice_at_any_time(stage: str, life: Life, at: At) -> None:
    branch = at(stage)
    about = b"" if stage == "founded" else life.poll.id
    for number, key in enumerate(life.world.office_keys):
        branch.say("notice", [about, [f"Notice {number}", f"Сообщение {number}"], [["log.txt", ROOT]]], key)


def test_notices_that_are_refused(life: Life, at: At) -> None:
    branch, key = at("voted"), life.organisers[0]
    text = ["A", "А"]
    branch.refuses_to_say("authority", "notice", [b"", text, []], *life.organisers)
    branch.refuses_to_say("unknown-poll", "notice", [ROOT, text, []], key)
    branch.refuses_to_say("shape", "notice", [bytes(31), text, []], key)
    branch.refuses_to_say("shape", "notice", [b"", ["A", ""], []], key)
    branch.refuses_to_say("shape", "notice", [b"", text, [["a", ROOT]] * 101], key)
    branch.refuses_to_say("shape", "notice", [b"", text], key)
    branch.refuses_to_say("shape", "notice", [0, text, []], key)
