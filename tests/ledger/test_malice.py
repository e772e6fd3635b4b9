"""Offices and voters that hand in anything at all: refused in a sentence, or admitted; never an error that stops the ledger.

One entry that makes a rule fail in another way than by :class:`Refused` would stop every node at once, for it would be in every
node's next block. So valid entries of every kind are changed at random, signed anew by those who may sign them, and handed in.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from doctor import cast_anew
from veche_kernel import cast_sign

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger import rules
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import cast_prefix
from veche.ledger.signing import sign
from veche.log import merkle
from veche.permit.derive import credential_secret

from .branch import Branch, dump
from .life import Life

At = Callable[[str], Branch]
TRIES = 150
HALTED = 3600
"""Seconds for which a network stands still that is restarted."""

ODD: list[Any] = [
    0, 1, 2, 3, 23, 24, 255, 2**31, 2**32, 2**40, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1,
    b"", b"\0", bytes(31), bytes(32), bytes(33), bytes(64), bytes(80), bytes(256), b"\xff" * 32, b"\x01" + bytes(31),
    "", "a", "city", "pedersen", "single", "retire", "\0", "é" * 100, "\U0010ffff", "a" * 20_001,
    [], [[]], [0], [b""], [""], ["", ""], ["A", "А"], [[0, 0]], [[b"", b""]],
]  # fmt: skip


def change(random: random.Random, item: Any) -> Any:
    """One change somewhere: another value, one more, one fewer, two swapped, one byte."""
    places: list[tuple[list[Any], int]] = []

    def walk(part: list[Any]) -> None:
        for i, inner in enumerate(part):
            places.append((part, i))
            if isinstance(inner, list):
                walk(inner)

    copied = _copy(item)
    walk(copied)
    if not places:
        return [random.choice(ODD)]
    part, i = random.choice(places)
    match random.randrange(6):
        case 0:
            del part[i]
        case 1:
            part.insert(i, _copy(random.choice(ODD)))
        case 2:
            other, j = random.choice(places)
            part[i] = _copy(other[j])
        case 3 if isinstance(part[i], bytes) and part[i]:
            at = random.randrange(len(part[i]))
            part[i] = part[i][:at] + bytes([part[i][at] ^ 1 << random.randrange(8)]) + part[i][at + 1 :]
        case 4 if isinstance(part[i], int):
            part[i] = min(max(part[i] + random.choice([-1, 1]), 0), 2**64 - 1)
        case _:
            part[i] = _copy(random.choice(ODD))
    return copied


def _copy(item: Any) -> Any:
    return [_copy(part) for part in item] if isinstance(item, list) else item


def founders() -> list[list[Any]]:
    """Two validators of a network, with keys that everybody can make."""
    return [
        [f"Node {i}", SigningKey(bytes([i]) * 32).public, SigningKey(bytes([i + 9]) * 32).public, f"https://n{i}.example", f"{i:040x}@n{i}.example:1"]
        for i in (1, 2)
    ]  # fmt: skip


def restart(branch: Branch) -> list[Any]:
    """Both go on from here, after a halt."""
    root = merkle.root([merkle.leaf_hash(entry) for entry in branch.entries])
    return [len(branch.entries), root, branch.machine.height + 1, branch.time + HALTED, founders()]


def samples(life: Life) -> Iterator[tuple[str, str, list[Any], list[SigningKey]]]:
    """For each kind: a stage at which it is admitted, its body and who signs it."""
    world = life.world
    keys = {key.public: key for key in world.office_keys}
    formed, founded = life.formed, life.founded
    yield "founded", "notice", [b"", ["A", "А"], [["a.pdf", bytes(32)]]], [world.organisers[0]]
    yield "founded", "office", ["add", "Newspaper", "observer", SigningKey.generate().public, 0], life.institutions
    yield "founded", "engine", founders(), life.institutions
    yield "network", "address", ["https://n9.example", f"{9:040x}@n9.example:1", 0], [SigningKey(bytes([1]) * 32)]
    yield "founded", "class", replace(world.poll_class, name="another").body(), life.institutions
    yield (
        "halted",
        "restart",
        restart(before(life, "halted")),
        [*life.institutions, *(SigningKey(bytes([i]) * 32) for i in (1, 2))],
    )
    yield "announced", "rules-withdrawal", [2], life.institutions
    yield "founded", "rules", [2, founded.time + 15 * 86_400], life.institutions
    yield "formed", "committee", ["city", "pedersen", 77], [world.organisers[0]]
    yield "formed", "poll", life.definition(formed).body(), world.organisers
    yield "keyless", "permit-key", decode(life.permit_keys[0])[1], [keys[decode(life.permit_keys[0])[2][0][0]]]
    yield "counting", "decryption", decode(life.decryptions[1])[1], [world.trustees[0].key]
    yield "counting", "issuance", [life.poll.id, [[4, bytes(32)], [3, bytes(32)]]], [world.office_keys[5]]
    yield "counting", "outcome", [life.poll.id, "will", ["A", "А"], 0, [["a.pdf", bytes(32)]]], [world.organisers[0]]
    yield "counting", "contest", [life.poll.id, ["A", "А"]], life.institutions
    yield "voted", "cancel", [life.poll.id, ["A", "А"]], life.institutions
    for entry in formed.entries:
        kind, *rest = decode(entry)
        if kind in ("committee-certificate", "committee-shares", "committee-key") and rest[0][1] == 3:
            yield f"before {kind}", kind, rest[0], [world.trustees[2].key]
    yield "before committee-key", "committee-complaint", [life.committee, 3, 1, ["A", "А"]], [world.trustees[2].key]


def before(life: Life, stage: str) -> Branch:
    """The ledger before the third trustee takes this step."""
    if stage in ("network", "halted", "announced"):
        branch = life.founded.branch()
        body = [2, branch.time + 15 * 86_400] if stage == "announced" else founders()
        branch.say("rules" if stage == "announced" else "engine", body, *life.institutions)
        return branch
    if not stage.startswith("before "):
        template: Branch = getattr(life, stage)
        return template.branch()
    branch = life.founded.branch()
    for entry in life.formed.entries[len(branch.entries) :]:
        kind, body, *_ = decode(entry)
        if kind == stage.removeprefix("before ") and body[1] == 3:
            break
        if kind != "block":
            branch.admit(entry)
    return branch


def attempt(branch: Branch, entry: bytes, after: int = 1) -> bool:
    """Hand it in, in a block so many seconds later that is taken back; whether it was admitted. Whatever is not Refused is raised."""
    db, machine = branch.state.db, branch.machine
    db.execute("BEGIN")
    try:
        machine.begin(machine.height + 1, branch.time + after, branch.time)
        before = dump(db) if random.random() < 0.05 else None
        try:
            machine.admit(entry)
        except Refused as refusal:
            assert refusal.message.endswith(".") and "\n" not in refusal.message
            if before is not None:
                assert dump(db) == before
            return False
        machine.end()
        return True
    finally:
        db.execute("ROLLBACK")
        branch.state.forget()
        machine.load()


def test_every_kind_has_a_sample(life: Life) -> None:
    assert {kind for _, kind, _, _ in samples(life)} == set(rules.BY_KIND)


@pytest.mark.parametrize("kind", sorted(rules.BY_KIND))
def test_an_office_that_hands_in_anything(kind: str, life: Life) -> None:
    (stage, _, body, keys), *_ = [sample for sample in samples(life) if sample[1] == kind]
    branch, seed = before(life, stage), random.randrange(2**32)
    after = HALTED if stage == "halted" else 1
    assert attempt(branch, branch.sign(kind, body, *keys), after), "the sample itself must be good"
    dice, refused = random.Random(seed), 0
    for number in range(TRIES):
        bad = body
        for _ in range(dice.choice([1, 1, 1, 2, 5])):
            bad = change(dice, bad)
        try:
            refused += not attempt(branch, sign(branch.ledger, kind, bad, keys), after)
        except Exception as error:
            raise AssertionError(f"seed {seed}, try {number}: {bad!r}"[:2000]) from error
    assert refused > TRIES // 4
    branch.close()


def test_a_voter_that_hands_in_anything(life: Life) -> None:
    citizen, seed = life.citizens("Arbat")[0], random.randrange(2**32)
    secret = credential_secret(citizen.voter._seed, life.poll.id)
    for branch, good in (
        (life.open.branch(), life.ballot(citizen)),
        (life.voted.branch(), life.ballot(citizen, 3, (0, 1, 0), False)),
    ):
        assert attempt(branch, good)
        dice, refused = random.Random(seed), 0
        for number in range(TRIES):
            bad = ["ballot", *change(dice, decode(good)[1:6])]
            try:
                entry = encode([*bad, cast_sign(secret, cast_prefix(bad)) if dice.random() < 0.9 else bytes(64)])
                refused += not attempt(branch, entry)
            except Refused:
                refused += 1
            except Exception as error:
                raise AssertionError(f"seed {seed}, try {number}: {bad!r}"[:2000]) from error
        assert refused > TRIES // 2
        branch.close()


@pytest.mark.parametrize("modulus", [65537**128, 65537**255, 2**2203 - 1, (2**1279 - 1) * (2**2203 - 1)])
def test_a_permit_under_a_modulus_that_is_none(modulus: int, life: Life) -> None:
    """A registrar publishes a number that is no RSA key: permits under it do not hold, and nothing worse."""
    branch, office = life.keyless.branch(), life.world.office_keys[5]
    body = decode(life.permit_keys[0])[1]
    body[1][0][0] = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
    branch.say("permit-key", body, office)
    branch.admit(life.permit_keys[1])
    branch.beat_until(life.poll.definition.opens)
    citizen = life.citizens("Arbat")[0]
    for signature in (bytes(len(body[1][0][0])), b"\xff" * len(body[1][0][0]), b"\x01" * len(body[1][0][0]), b""):
        item = decode(life.ballot(citizen))
        item[4][0][2] = signature
        secret = credential_secret(citizen.voter._seed, life.poll.id)
        assert branch.refuses("permits", cast_anew(secret, encode(item)))
    branch.close()
