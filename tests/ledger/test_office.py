"""`office`: seats and their keys. k institutions fill a seat that nobody holds, never one whose holder is awake. docs/protocol.md, section 2.1."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from veche.ballot.committee import Committee, make_certificate
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.entries.committee import CertificateStep
from veche.ledger.entries.office import OBJECTION, SUSPENSION
from veche.permit.blind_rsa import IssuerKey

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
DAY = 86_400
NOTICE = [b"", ["Hello.", "Здравствуйте."], []]
AGAIN = [b"", ["Again.", "Снова."], []]
REGISTRAR, TRUSTEE = ("Civil registry", "registrar"), ("University", "trustee")


def new() -> SigningKey:
    return SigningKey.generate()


def keys(life: Life) -> dict[tuple[str, str], SigningKey]:
    """Who holds which seat in the charter."""
    by_public = {key.public: key for key in life.world.office_keys}
    return {(name, str(role)): by_public[key] for name, role, key in life.world.charter.offices}


def ring(life: Life, *without: tuple[str, str]) -> list[SigningKey]:
    """Offices of k institutions, none of them those of these seats."""
    names = [name for name, _ in without]
    found = {name: key for (name, _), key in keys(life).items() if name not in names}
    return list(found.values())[: life.world.charter.k]


def effect(branch: Branch) -> int:
    """When the one change that waits takes effect."""
    (change,) = branch.state.office_changes.values()
    return change.due


def test_an_added_office_speaks_after_two_weeks(life: Life, at: At) -> None:
    branch, key = at("founded"), new()
    branch.refuses_to_say("authority", "notice", NOTICE, key)
    branch.say("office", ["add", "Newspaper", "observer", key.public, 0], *life.institutions)
    assert effect(branch) == branch.time + OBJECTION
    assert branch.beat_until(effect(branch) - 2) == []
    branch.refuses_to_say("authority", "notice", NOTICE, key)
    assert branch.beat_until(effect(branch)) == ["office-effect"]
    body = branch.last("office-effect")
    assert body == [
        digest(next(e for e in branch.entries if decode(e)[0] == "office")),
        "add",
        "Newspaper",
        "observer",
        key.public,
    ]
    branch.say("notice", NOTICE, key)


def test_it_takes_effect_before_what_its_block_brings(life: Life, at: At) -> None:
    branch, key = at("founded"), new()
    branch.say("office", ["add", "Newspaper", "observer", key.public, 0], *life.institutions)
    (answer,) = branch.block(branch.sign("notice", NOTICE, key), time=effect(branch))
    assert isinstance(answer, int)
    assert branch.kinds()[-3:] == ["block", "office-effect", "notice"]


@pytest.mark.parametrize("action", ["rotate", "retire"])
def test_the_holder_changes_their_key_at_once(action: str, life: Life, at: At) -> None:
    branch, key, held = at("founded"), new(), keys(life)[REGISTRAR]
    subject = key if action == "rotate" else held
    branch.say("office", [action, *REGISTRAR, subject.public, 0], *ring(life, REGISTRAR)[1:], held)
    assert branch.state.office_changes == {}
    branch.refuses_to_say("authority", "notice", NOTICE, held)
    if action == "rotate":
        branch.say("notice", NOTICE, key)


@pytest.mark.parametrize("action", ["rotate", "retire"])
def test_without_the_holder_it_waits(action: str, life: Life, at: At) -> None:
    branch, key, held = at("founded"), new(), keys(life)[REGISTRAR]
    subject = key if action == "rotate" else held
    branch.say("office", [action, *REGISTRAR, subject.public, 0], *ring(life, REGISTRAR))
    branch.say("notice", NOTICE, held)
    branch.refuses_to_say("authority", "notice", AGAIN, key)
    assert branch.beat_until(effect(branch)) == ["office-effect"]
    branch.refuses_to_say("authority", "notice", AGAIN, held)
    if action == "rotate":
        branch.say("notice", AGAIN, key)


def test_the_held_key_alone_stops_a_change(life: Life, at: At) -> None:
    """And as often as somebody tries."""
    branch, key, held = at("founded"), new(), keys(life)[REGISTRAR]
    others = ring(life, REGISTRAR)
    for number in range(2):
        branch.say("office", ["rotate", *REGISTRAR, key.public, number], *others)
        branch.refuses_to_say("authority", "office", ["object", *REGISTRAR, key.public, number], *others[1:])
        branch.refuses_to_say("office", "office", ["object", *REGISTRAR, held.public, number], held)  # no such change
        branch.refuses_to_say("office", "office", ["object", *TRUSTEE, key.public, number], held)
        branch.say("office", ["object", *REGISTRAR, key.public, number], held)
        branch.refuses_to_say("office", "office", ["object", *REGISTRAR, key.public, 10 + number], held)
    assert branch.beat_until(branch.time + 2 * OBJECTION) == []
    branch.say("notice", NOTICE, held)


def test_k_institutions_stop_a_change(life: Life, at: At) -> None:
    branch, key = at("founded"), new()
    branch.say("office", ["add", "Newspaper", "observer", key.public, 0], *life.institutions)
    branch.refuses_to_say("authority", "office", ["object", "Newspaper", "observer", key.public, 0], key)
    branch.say("office", ["object", "Newspaper", "observer", key.public, 0], *ring(life))
    assert branch.beat_until(branch.time + 2 * OBJECTION) == []
    branch.say(
        "office", ["add", "Newspaper", "observer", key.public, 1], *life.institutions
    )  # it was never an office's


def test_one_change_of_a_seat_waits(life: Life, at: At) -> None:
    branch, held = at("founded"), keys(life)[REGISTRAR]
    branch.say("office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR))
    branch.refuses_to_say("office", "office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR))
    branch.refuses_to_say("office", "office", ["retire", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR))
    branch.say("office", ["rotate", *TRUSTEE, new().public, 0], *ring(life, TRUSTEE))  # another seat


def test_the_holder_need_not_wait_for_a_change_that_others_began(life: Life, at: At) -> None:
    """Else k institutions that always keep one waiting could keep the holder from replacing their key."""
    branch, key, held = at("founded"), new(), keys(life)[REGISTRAR]
    branch.say("office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR))
    branch.say("office", ["rotate", *REGISTRAR, key.public, 0], *ring(life, REGISTRAR)[1:], held)
    assert branch.state.office_changes == {}
    assert branch.beat_until(branch.time + 2 * OBJECTION) == []
    branch.say("notice", NOTICE, key)


def test_the_holder_may_agree_later(life: Life, at: At) -> None:
    branch, key, held = at("founded"), new(), keys(life)[REGISTRAR]
    branch.say("office", ["rotate", *REGISTRAR, key.public, 0], *ring(life, REGISTRAR))
    branch.say("office", ["rotate", *REGISTRAR, key.public, 1], *ring(life, REGISTRAR)[1:], held)
    branch.say("notice", NOTICE, key)


def test_while_the_ledger_stands_still_nobody_can_object(life: Life, at: At) -> None:
    branch, held = at("founded"), keys(life)[REGISTRAR]
    branch.say("office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR))
    due = effect(branch)
    assert branch.stand_still(OBJECTION + DAY) == []
    assert effect(branch) == due + OBJECTION + DAY
    branch.say("office", ["object", *REGISTRAR, branch.last("office")[3], 0], held)


def test_a_key_is_one_offices_for_ever(life: Life, at: At) -> None:
    branch, key = at("founded"), new()
    branch.refuses_to_say("office", "office", ["add", "Newspaper", "observer", life.organisers[0].public, 0], *life.institutions)  # fmt: skip
    branch.say("office", ["add", "Newspaper", "observer", key.public, 0], *life.institutions)
    branch.refuses_to_say("office", "office", ["add", "Radio", "observer", key.public, 0], *life.institutions)
    branch.beat_until(effect(branch))
    branch.refuses_to_say("office", "office", ["add", "Radio", "observer", key.public, 0], *life.institutions)
    branch.refuses_to_say("office", "office", ["add", "Newspaper", "validator", key.public, 0], *life.institutions)
    branch.say("office", ["retire", "Newspaper", "observer", key.public, 0], *life.institutions, key)
    branch.refuses_to_say("office", "office", ["add", "Radio", "observer", key.public, 1], *life.institutions)
    branch.refuses_to_say("office", "office", ["rotate", "City hall: legal office", "organiser", key.public, 0], *life.institutions)  # fmt: skip


def test_an_institution_has_one_spelling(life: Life, at: At) -> None:
    """Also while its first seat waits, and when it has none any more."""
    branch, key = at("founded"), new()
    branch.say("office", ["add", "News agency", "observer", key.public, 0], *life.institutions)
    respelt = ["add", "news\u00a0Agency", "organiser", new().public, 0]
    branch.refuses_to_say("office", "office", respelt, *life.institutions)
    due = branch.branch()
    branch.say("office", ["object", "News agency", "observer", key.public, 1], *life.institutions)
    branch.say("office", respelt, *life.institutions)
    due.beat_until(effect(due))
    due.say("office", ["retire", "News agency", "observer", key.public, 2], *life.institutions, key)
    due.refuses_to_say("office", "office", respelt, *life.institutions)
    due.say("office", ["add", "News agency", "registrar", new().public, 0], *life.institutions)


def test_what_cannot_be_done_to_an_office(life: Life, at: At) -> None:
    branch, key = at("founded"), new().public
    organiser, own = life.world.charter.offices[0][0], life.organisers[0].public
    bodies: list[list[Any]] = [
        ["add", organiser, "organiser", key],  # it has one: one institution, one key of a kind
        ["rotate", "Newspaper", "observer", key],
        ["retire", "Newspaper", "observer", key],
        ["retire", organiser, "organiser", key],
        ["retire", organiser, "trustee", own],
        ["suspend", organiser, "organiser", key],
        ["suspend", organiser, "trustee", own],
        ["object", organiser, "organiser", key],
        ["crown", "Newspaper", "observer", key],
        ["add", "Newspaper", "king", key],
        [["add"], "Newspaper", "observer", key],
        ["add", "Newspaper", ["observer"], key],
    ]
    for body in bodies:
        branch.refuses_to_say("office", "office", [*body, 0], *life.institutions)
    for known in (organiser, life.world.charter.operators[0], life.world.charter.classes[0].trustees[0]):
        branch.refuses_to_say("office", "office", ["add", known.upper(), "observer", key, 0], *life.institutions)
    bodies = [
        ["add", "", "observer", key, 0],
        ["add", " Newspaper", "observer", key, 0],
        ["add", "News\u200dpaper", "observer", key, 0],
        ["add", "Newspaper", "observer", key[:31], 0],
        ["add", "Newspaper", "observer", key],
        ["add", "Newspaper", "observer", key, b"0"],
        ["add", "Newspaper", "observer", key, 2**53],
    ]
    for body in bodies:
        branch.refuses_to_say("shape", "office", body, *life.institutions)


def test_too_few_institutions(life: Life, at: At) -> None:
    branch = at("founded")
    for action, key in (("add", new()), ("suspend", keys(life)[TRUSTEE])):
        body = [action, *(("Newspaper", "observer") if action == "add" else TRUSTEE), key.public, 0]
        branch.refuses_to_say("authority", "office", body, *ring(life, TRUSTEE)[:-1])


def test_one_institution_counts_once(life: Life, at: At) -> None:
    """Three keys of two institutions are two institutions, whatever their roles."""
    branch, second = at("founded"), new()
    name, _, _ = next(office for office in life.world.charter.offices if office[2] == life.institutions[0].public)
    branch.say("office", ["add", name, "observer", second.public, 0], *life.institutions)
    branch.beat_until(effect(branch))
    body = ["add", "Newspaper", "observer", new().public, 0]
    branch.refuses_to_say("authority", "office", body, *life.institutions[:2], second)
    branch.say("office", body, *life.institutions, second)


def test_the_last_k_institutions_stay(life: Life, at: At) -> None:
    """Who has k keys for a day must not be able to lock everybody out for ever, nor they themselves by mistake."""
    branch = at("founded")
    held, k = keys(life), life.world.charter.k
    offices = list(life.world.charter.offices)
    last = [held[name, str(role)] for name, role, _ in offices[:k]]
    for name, role, key in offices[k:]:  # all together: that others are leaving is known while they wait
        branch.say("office", ["retire", name, role, key, 0], *last)
    for name, role, key in offices[:k]:
        branch.refuses_to_say("office", "office", ["retire", name, role, key, 0], *last)
    branch.beat_until(branch.time + OBJECTION)
    assert branch.state.office_changes == {}
    for name, role, key in offices[:k]:
        branch.refuses_to_say("office", "office", ["retire", name, role, key, 0], *last)
    branch.say("office", ["rotate", *offices[0][:2], new().public, 0], *last)


def certificate(committee: bytes, trustee: int = 1) -> list[Any]:
    """The first step of a trustee in a committee of 2 of 3."""
    made, _ = make_certificate(Committee(committee, "pedersen", 3, 2), trustee)
    return CertificateStep(committee, trustee, made).body()


# Suspended keys


def test_a_suspended_key_is_silent_for_thirty_days(life: Life, at: At) -> None:
    branch, key = at("founded"), keys(life)["City hall: polls office", "organiser"]
    others = ring(life, ("City hall: polls office", "organiser"))
    seat = ["City hall: polls office", "organiser", key.public]
    branch.say("office", ["suspend", *seat, 0], *others)
    since = branch.time
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 7], key)
    branch.refuses_to_say(
        "authority", "office", ["add", "Radio", "observer", new().public, 0], *others[1:], key
    )  # counts in no k
    branch.refuses_to_say("authority", "office", ["add", "Radio", "observer", new().public, 0], *others, key)
    branch.refuses_to_say("authority", "office", ["suspend", *seat, 1], key)
    branch.refuses_to_say("authority", "office", ["rotate", *seat[:2], new().public, 0], *others, key)
    branch.say("notice", NOTICE, key)
    branch.beat_until(since + SUSPENSION - 2)
    branch.say("office", ["suspend", *seat, 2], *others)  # renewed
    branch.beat_until(branch.time + SUSPENSION - 2)
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 7], key)
    (answer,) = branch.block(branch.sign("committee", ["city", "pedersen", 7], key), time=branch.time + 2)
    assert isinstance(answer, int)


def test_the_holder_of_a_stolen_key_suspends_it_alone(life: Life, at: At) -> None:
    branch, key, thief = at("founded"), new(), keys(life)[TRUSTEE]
    branch.refuses_to_say("authority", "office", ["suspend", *TRUSTEE, thief.public, 0], keys(life)[REGISTRAR])
    branch.say("office", ["suspend", *TRUSTEE, thief.public, 0], thief)
    branch.refuses_to_say("authority", "office", ["rotate", *TRUSTEE, key.public, 0], *ring(life, TRUSTEE)[1:], thief)
    branch.beat_until(branch.time + SUSPENSION)
    branch.say("office", ["rotate", *TRUSTEE, key.public, 1], *ring(life, TRUSTEE)[1:], thief)
    branch.say("notice", NOTICE, key)


def test_a_suspended_key_still_guards_its_seat(life: Life, at: At) -> None:
    """Else k institutions could suspend whom they cannot replace, and then replace them."""
    branch, key, held = at("founded"), new(), keys(life)[TRUSTEE]
    others = ring(life, TRUSTEE)
    branch.say("office", ["suspend", *TRUSTEE, held.public, 0], *others)
    branch.say("office", ["rotate", *TRUSTEE, key.public, 0], *others)
    branch.refuses_to_say("authority", "office", ["object", *TRUSTEE, key.public, 0], *others[1:])
    branch.say("office", ["object", *TRUSTEE, key.public, 0], held)
    branch.say("office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR, TRUSTEE))
    body = ["object", *REGISTRAR, branch.last("office")[3], 0]
    branch.refuses_to_say(
        "authority", "office", body, *ring(life, TRUSTEE)[1:], held
    )  # another seat: it counts in no k
    assert branch.beat_until(branch.time + 2 * OBJECTION) == ["office-effect"]


def test_a_suspended_trustee_decrypts_and_a_suspended_registrar_accounts(life: Life, at: At) -> None:
    branch, held = at("counting"), keys(life)
    for seat in (REGISTRAR, TRUSTEE):
        branch.say("office", ["suspend", *seat, held[seat].public, 0], *ring(life, REGISTRAR, TRUSTEE))
    branch.admit(life.decryptions[0])
    branch.say("issuance", [life.poll.id, [[4, bytes(32)], [3, bytes(32)]]], held[REGISTRAR])


def test_suspending_a_trustee_ends_no_key_generation(life: Life, at: At) -> None:
    """It says nothing meanwhile, and has a week when it may speak again."""
    branch, held = at("founded"), keys(life)[TRUSTEE]
    branch.say("committee", ["city", "pedersen", 7], life.organisers[0])
    committee = digest(branch.entries[-1])
    branch.say("office", ["suspend", *TRUSTEE, held.public, 0], *ring(life, TRUSTEE))
    end = branch.time + SUSPENSION
    branch.refuses_to_say("authority", "committee-certificate", certificate(committee), held)
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 8], life.organisers[0])
    assert branch.beat_until(end + 7 * DAY - 2) == []
    waiting = branch.branch()
    assert waiting.beat_until(end + 7 * DAY) == ["committee-void"]
    branch.say("committee-certificate", certificate(committee), held)


# What polls and committees keep


def announce(life: Life, branch: Branch) -> bytes:
    """A poll that opens in 40 days. Its id."""
    opens = branch.time + 40 * DAY
    branch.admit(life.publish(branch, opens=opens, closes=opens + DAY))
    return digest(branch.entries[-1])


def permit_keys(poll: bytes, number: int) -> list[Any]:
    """What a registrar could publish of a poll with one group."""
    return [poll, [[_modulus(number), 4, bytes(32)]]]


@cache
def _modulus(number: int) -> bytes:
    return IssuerKey.generate().modulus


def test_a_poll_keeps_its_registrars(life: Life, at: At) -> None:
    """Who takes a seat while a poll waits for its permit keys publishes none in it; whom they replaced does."""
    branch, key, held = at("formed"), new(), keys(life)[REGISTRAR]
    before = announce(life, branch)
    branch.say("office", ["rotate", *REGISTRAR, key.public, 0], *ring(life, REGISTRAR))
    branch.beat_until(effect(branch))
    branch.refuses_to_say("authority", "permit-key", permit_keys(before, 1), key)
    branch.refuses_to_say("authority", "notice", NOTICE, held)
    branch.say("permit-key", permit_keys(before, 1), held)
    after = announce(life, branch)
    branch.refuses_to_say("authority", "permit-key", permit_keys(after, 2), held)
    branch.say("permit-key", permit_keys(after, 2), key)


def test_a_poll_follows_the_holder_of_its_key(life: Life, at: At) -> None:
    branch, key, held = at("formed"), new(), keys(life)[REGISTRAR]
    poll = announce(life, branch)
    branch.say("office", ["rotate", *REGISTRAR, key.public, 0], *ring(life, REGISTRAR)[1:], held)
    branch.refuses_to_say("authority", "permit-key", permit_keys(poll, 1), held)
    branch.say("permit-key", permit_keys(poll, 1), key)


def test_a_retired_registrar_owes_its_keys_and_its_account(life: Life, at: At) -> None:
    branch, held = at("keyless"), keys(life)[REGISTRAR]
    branch.say("office", ["retire", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR)[1:], held)
    branch.refuses_to_say("authority", "notice", NOTICE, held)
    for entry in life.permit_keys:
        branch.admit(entry)
    branch.beat_until(life.poll.definition.closes)
    branch.say("issuance", [life.poll.id, [[0, bytes(32)], [0, bytes(32)]]], held)


def test_a_seat_that_nobody_holds_takes_no_part(life: Life, at: At) -> None:
    """All registrars of this class are needed, so no poll is announced without one of them: it would be void."""
    branch, key, held = at("formed"), new(), keys(life)[REGISTRAR]
    branch.say("office", ["suspend", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR))
    branch.refuses("authority", life.publish(branch))
    branch.beat_until(branch.time + SUSPENSION)
    branch.say("office", ["retire", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR)[1:], held)
    branch.refuses("authority", life.publish(branch))
    branch.say("office", ["add", *REGISTRAR, key.public, 0], *ring(life, REGISTRAR))
    branch.refuses("authority", life.publish(branch))
    branch.beat_until(effect(branch))
    branch.admit(life.publish(branch))


def test_a_suspended_registrar_publishes_no_keys(life: Life, at: At) -> None:
    """Whoever stole the key would be the registrar."""
    branch, held = at("formed"), keys(life)[REGISTRAR]
    poll = announce(life, branch)
    branch.say("office", ["suspend", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR))
    branch.refuses_to_say("authority", "permit-key", permit_keys(poll, 1), held)
    branch.beat_until(branch.time + SUSPENSION)
    branch.say("permit-key", permit_keys(poll, 1), held)


def test_a_key_that_was_replaced_can_be_suspended_where_it_still_owes_something(life: Life, at: At) -> None:
    """It was lost, and somebody found it: k institutions keep it from publishing permit keys."""
    branch, held = at("formed"), keys(life)[REGISTRAR]
    poll = announce(life, branch)
    branch.say("office", ["rotate", *REGISTRAR, new().public, 0], *ring(life, REGISTRAR))
    branch.beat_until(effect(branch))
    branch.refuses_to_say("authority", "office", ["suspend", *REGISTRAR, held.public, 0], held)
    branch.say("office", ["suspend", *REGISTRAR, held.public, 0], *ring(life, REGISTRAR))
    branch.refuses_to_say("authority", "permit-key", permit_keys(poll, 1), held)
    branch.refuses_to_say("authority", "notice", NOTICE, held)


def test_a_committee_keeps_its_trustees(life: Life, at: At) -> None:
    """Who takes a trustee's seat can neither decrypt nor stop it; whom they replaced decrypts."""
    branch, key, held = at("voted"), new(), keys(life)[TRUSTEE]
    branch.say("office", ["rotate", *TRUSTEE, key.public, 0], *ring(life, TRUSTEE))
    branch.beat_until(effect(branch))
    body = decode(life.decryptions[0])[1]
    branch.refuses_to_say("authority", "notice", NOTICE, held)
    branch.refuses_to_say("authority", "decryption", body, key)
    body[2] = branch.poll(life.poll.id).tally.hash  # type: ignore[union-attr]
    assert body == decode(life.decryptions[0])[1], "the same tally as in the life that was lived"
    branch.admit(life.decryptions[0])


def test_a_committee_follows_the_holder_of_its_key(life: Life, at: At) -> None:
    """The key by which the ledger knows the trustee; the one that decrypts is another and stays."""
    branch, key, third, held = at("counting"), new(), new(), keys(life)[TRUSTEE]
    body = decode(life.decryptions[0])[1]
    branch.say("office", ["rotate", *TRUSTEE, key.public, 0], *ring(life, TRUSTEE)[1:], held)
    branch.say("office", ["rotate", *TRUSTEE, third.public, 0], *ring(life, TRUSTEE)[1:], key)
    branch.refuses("authority", life.decryptions[0])
    branch.refuses_to_say("authority", "decryption", body, key)
    branch.say("decryption", body, third)


def test_a_retired_trustee_owes_its_steps(life: Life, at: At) -> None:
    branch, held = at("founded"), keys(life)[TRUSTEE]
    branch.say("committee", ["city", "pedersen", 7], life.organisers[0])
    committee = digest(branch.entries[-1])
    branch.say("office", ["retire", *TRUSTEE, held.public, 0], *ring(life, TRUSTEE)[1:], held)
    branch.refuses_to_say("authority", "committee-certificate", certificate(committee, 2), held)
    branch.say("committee-certificate", certificate(committee), held)


def test_whose_word_a_key_goes_back_to(life: Life, at: At) -> None:
    """The number of the entry by which a seat was filled without its holder stays with the keys that follow."""
    branch, first, second, held = at("founded"), new(), new(), keys(life)[REGISTRAR]
    branch.say("office", ["rotate", *REGISTRAR, first.public, 0], *ring(life, REGISTRAR)[1:], held)
    assert branch.state.offices[first.public].origin == 0
    branch.say("office", ["rotate", *REGISTRAR, second.public, 0], *ring(life, REGISTRAR))
    branch.beat_until(effect(branch))
    number = len(branch.entries) - 1
    assert branch.state.offices[second.public].origin == number
    third = new()
    branch.say("office", ["rotate", *REGISTRAR, third.public, 0], *ring(life, REGISTRAR)[1:], second)
    assert branch.state.offices[third.public].origin == number
