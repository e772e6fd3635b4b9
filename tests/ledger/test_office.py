"""`office`: institutions add, rotate and retire keys together."""

from collections.abc import Callable
from typing import Any

from veche.keys import SigningKey
from veche.ledger.codec import decode

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
NOTICE = [b"", ["Hello.", "Здравствуйте."], []]


def test_an_added_office_speaks_and_a_retired_one_does_not(life: Life, at: At) -> None:
    branch, key = at("founded"), SigningKey.generate()
    branch.refuses_to_say("authority", "notice", NOTICE, key)
    branch.say("office", ["add", "Newspaper", "observer", key.public], *life.institutions)
    branch.say("notice", NOTICE, key)
    branch.say("office", ["retire", "Newspaper", "observer", key.public], *life.institutions)
    branch.refuses_to_say("authority", "notice", [b"", ["Again.", "Снова."], []], key)


def test_a_rotated_key(life: Life, at: At) -> None:
    branch, key = at("founded"), SigningKey.generate()
    name = life.world.charter.offices[0][0]
    branch.say("office", ["rotate", name, "organiser", key.public], *life.institutions)
    branch.refuses_to_say("authority", "notice", NOTICE, life.organisers[0])
    branch.say("notice", NOTICE, key)


def test_a_key_is_one_offices_for_ever(life: Life, at: At) -> None:
    branch, key = at("founded"), SigningKey.generate()
    branch.refuses_to_say("office", "office", ["add", "Newspaper", "observer", life.organisers[0].public], *life.institutions)  # fmt: skip
    branch.say("office", ["add", "Newspaper", "observer", key.public], *life.institutions)
    branch.refuses_to_say("office", "office", ["add", "Radio", "observer", key.public], *life.institutions)
    branch.refuses_to_say("office", "office", ["add", "Newspaper", "validator", key.public], *life.institutions)
    branch.say("office", ["retire", "Newspaper", "observer", key.public], *life.institutions)
    branch.refuses_to_say("office", "office", ["add", "Radio", "observer", key.public], *life.institutions)
    branch.refuses_to_say("office", "office", ["rotate", "City hall: legal office", "organiser", key.public], *life.institutions)  # fmt: skip


def test_what_cannot_be_done_to_an_office(life: Life, at: At) -> None:
    branch, key = at("founded"), SigningKey.generate().public
    organiser, own = life.world.charter.offices[0][0], life.organisers[0].public
    bodies: list[list[Any]] = [
        ["add", organiser, "organiser", key],  # it has one: one institution, one key of a kind
        ["rotate", "Newspaper", "observer", key],
        ["retire", "Newspaper", "observer", key],
        ["retire", organiser, "organiser", key],
        ["retire", organiser, "trustee", own],
        ["crown", "Newspaper", "observer", key],
        ["add", "Newspaper", "king", key],
        [["add"], "Newspaper", "observer", key],
        ["add", "Newspaper", ["observer"], key],
    ]
    for body in bodies:
        branch.refuses_to_say("office", "office", body, *life.institutions)
    bodies = [
        ["add", "", "observer", key],
        ["add", " Newspaper", "observer", key],
        ["add", "News\u200dpaper", "observer", key],
        ["add", "Newspaper", "observer", key[:31]],
        ["add", "Newspaper", "observer"],
    ]
    for body in bodies:
        branch.refuses_to_say("shape", "office", body, *life.institutions)


def test_too_few_institutions(life: Life, at: At) -> None:
    branch = at("founded")
    body = ["add", "Newspaper", "observer", SigningKey.generate().public]
    branch.refuses_to_say("authority", "office", body, *life.institutions[:-1])


def test_one_institution_counts_once(life: Life, at: At) -> None:
    """Three keys of two institutions are two institutions, whatever their roles."""
    branch, second = at("founded"), SigningKey.generate()
    name, _, _ = next(office for office in life.world.charter.offices if office[2] == life.institutions[0].public)
    branch.say("office", ["add", name, "observer", second.public], *life.institutions)
    body = ["add", "Newspaper", "observer", SigningKey.generate().public]
    branch.refuses_to_say("authority", "office", body, *life.institutions[:2], second)
    branch.say("office", body, *life.institutions, second)


def test_the_last_k_institutions_stay(life: Life, at: At) -> None:
    """An attacker who has k keys for a day must not be able to lock everybody out for ever, nor they themselves by mistake."""
    branch = at("founded")
    keys = {key.public: key for key in life.world.office_keys}
    offices, k = list(life.world.charter.offices), life.world.charter.k
    last = [keys[key] for _, _, key in offices[:k]]
    for name, role, key in offices[k:]:
        branch.say("office", ["retire", name, role, key], *last)
    for name, role, key in offices[:k]:
        branch.refuses_to_say("office", "office", ["retire", name, role, key], *last)
    branch.say("office", ["rotate", *offices[0][:2], SigningKey.generate().public], *last)


def test_a_registrar_that_lost_its_key_goes_on_with_another(life: Life, at: At) -> None:
    branch, key = at("keyless"), SigningKey.generate()
    body = decode(life.permit_keys[0])[1]
    branch.say("office", ["rotate", "Civil registry", "registrar", key.public], *life.institutions)
    branch.refuses("authority", life.permit_keys[0])
    branch.say("permit-key", body, key)


def test_a_trustee_that_lost_its_key_goes_on_with_another(life: Life, at: At) -> None:
    """The key by which the ledger knows the trustee; the one that decrypts is another and stays."""
    branch, key = at("counting"), SigningKey.generate()
    body = decode(life.decryptions[0])[1]
    branch.say("office", ["rotate", "University", "trustee", key.public], *life.institutions)
    branch.refuses("authority", life.decryptions[0])
    branch.say("decryption", body, key)
