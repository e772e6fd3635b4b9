"""A person's own row: it can be proved, it cannot be forged, and it says nothing about anybody else."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold, UserError
from veche.log import merkle
from veche.permit.roll import RollTree, row_salt
from veche.permit.row_proof import IssuanceRow, RowProof, issuance_leaf, roll_leaf

SECRET, POLL, MODULUS = b"\x01" * 32, b"\x02" * 32, b"\x03" * 256
PEOPLE = [f"resident-{i}" for i in range(11)] + ["Лидия"]
SERVED = {"Лидия", "resident-3"}


@pytest.fixture
def tree() -> RollTree:
    return RollTree(SECRET, POLL, 4, PEOPLE)


def test_everyone_finds_their_row_before_and_after_closing(tree: RollTree) -> None:
    for person in PEOPLE:
        tree.prove(person, MODULUS).verify_on_roll(POLL, 4, MODULUS, 12, tree.root)
    root = tree.close(SERVED)
    for person in PEOPLE:
        proof = RowProof.from_json(tree.prove(person, MODULUS).to_json())
        proof.verify_on_roll(POLL, 4, MODULUS, 12, tree.root)
        proof.verify_issuance(root)
        assert proof.issuance is not None
        assert proof.issuance.served == (person in SERVED)


@settings(max_examples=40, deadline=None)
@given(people=st.sets(st.text(max_size=8), min_size=1, max_size=70), data=st.data())
def test_any_size_of_roll(people: set[str], data: st.DataObject) -> None:
    served = data.draw(st.sets(st.sampled_from(sorted(people))))
    person = data.draw(st.sampled_from(sorted(people)))
    tree = RollTree(SECRET, POLL, 0, people)
    root = tree.close(served)
    proof = RowProof.from_json(tree.prove(person, MODULUS).to_json())
    proof.verify_on_roll(POLL, 0, MODULUS, len(people), tree.root)
    proof.verify_issuance(root)


def test_the_roots_are_those_of_rfc_6962_over_the_documented_bytes(tree: RollTree) -> None:
    salts = {person: row_salt(SECRET, "roll", 4, person) for person in PEOPLE}
    rows = sorted((merkle.leaf_hash(roll_leaf(POLL, 4, salts[p], p)), p) for p in PEOPLE)
    assert tree.root == merkle.root([leaf for leaf, _ in rows])
    assert roll_leaf(POLL, 4, b"S" * 32, "Ann") == b"veche-roll-v1|" + b"02" * 32 + b"|4|" + b"S" * 32 + b"Ann"
    assert issuance_leaf(POLL, 4, b"S" * 32, True, "Ann") == (
        b"veche-issuance-v1|" + b"02" * 32 + b"|4|" + b"S" * 32 + b"\x01Ann"
    )
    for index, (_, person) in enumerate(rows):
        proof = tree.prove(person, MODULUS)
        assert list(proof.roll.path) == merkle.inclusion_proof([leaf for leaf, _ in rows], index)


def test_a_forged_row_is_noticed(tree: RollTree) -> None:
    root = tree.close(SERVED)
    good = tree.prove("Лидия", MODULUS)
    assert good.issuance is not None
    denied = IssuanceRow(good.issuance.salt, False, good.issuance.path)
    for forged in [
        replace(good, issuance=denied),
        replace(good, issuance=replace(good.issuance, salt=bytes(32))),
        replace(good, issuance=replace(good.issuance, path=good.issuance.path[:-1])),
        replace(good, issuance=replace(good.issuance, path=(*good.issuance.path, bytes(32)))),
        replace(good, issuance=replace(good.issuance, path=good.roll.path)),
        replace(good, issuance=None),
        replace(good, person="Lydia"),
        replace(good, index=(good.index + 1) % 12),
        replace(good, group=5),
    ]:
        with pytest.raises(DoesNotHold):
            forged.verify_issuance(root)
    for forged in [
        replace(good, person="Lydia"),
        replace(good, index=(good.index + 1) % 12),
        replace(good, roll=replace(good.roll, salt=bytes(32))),
        replace(good, roll=replace(good.roll, path=())),
        replace(good, size=13),
        replace(good, poll=bytes(32)),
        replace(good, group=5),
        replace(good, key=bytes(32)),
    ]:
        with pytest.raises(DoesNotHold):
            forged.verify_on_roll(POLL, 4, MODULUS, 12, tree.root)
    for poll, group, modulus, size, other_root in [
        (bytes(32), 4, MODULUS, 12, tree.root),
        (POLL, 3, MODULUS, 12, tree.root),
        (POLL, 4, b"\x05" * 256, 12, tree.root),
        (POLL, 4, MODULUS, 11, tree.root),
        (POLL, 4, MODULUS, 12, root),
    ]:
        with pytest.raises(DoesNotHold):
            good.verify_on_roll(poll, group, modulus, size, other_root)


def test_nothing_published_is_the_same_in_two_polls_or_under_two_secrets(tree: RollTree) -> None:
    other_poll = RollTree(SECRET, bytes(32), 4, PEOPLE)
    other_secret = RollTree(b"\x09" * 32, POLL, 4, PEOPLE)
    assert len({tree.root, other_poll.root, other_secret.root, tree.close(set()), tree.close(SERVED)}) == 5
    orders = [[t.prove(p, MODULUS).index for p in PEOPLE] for t in (tree, other_secret)]
    assert orders[0] != orders[1]
    assert orders[0] != list(range(12))


def test_a_roll_of_nobody_and_of_one() -> None:
    assert RollTree(SECRET, POLL, 0, []).root == merkle.EMPTY_ROOT
    tree = RollTree(SECRET, POLL, 0, ["Ann"])
    tree.prove("Ann", MODULUS).verify_on_roll(POLL, 0, MODULUS, 1, tree.root)


def test_a_person_twice_or_a_stranger_served() -> None:
    with pytest.raises(ValueError, match="twice"):
        RollTree(SECRET, POLL, 0, ["Ann", "Ann"])
    with pytest.raises(ValueError, match="not on the roll"):
        RollTree(SECRET, POLL, 0, ["Ann"]).close({"Eve"})
    with pytest.raises(KeyError):
        RollTree(SECRET, POLL, 0, ["Ann"]).prove("Eve", MODULUS)


def test_only_the_exact_file_is_read(tree: RollTree) -> None:
    tree.close(SERVED)
    file = tree.prove("resident-3", MODULUS).to_json()
    assert RowProof.from_json(file).to_json() == file
    content = json.loads(file)
    variants = [
        b"",
        b"null\n",
        b"[]\n",
        b"{}\n",
        b"[" * 60000,
        b'{"type":' * 8000,
        file[:-1],
        file + b"\n",
        file.replace(b'"group":4', b'"group":4.0'),
        file.replace(b'"group":4', b'"group":-4'),
        file.replace(b'"group":4', b'"group":true'),
        file.replace(b'"group":4', b'"group":4,"group":4'),
        file.replace(b'"served":true', b'"served":1'),
        file.replace(b'"served":true', b'"served":true,"more":1'),
        file.replace(b'"resident-3"', b"3"),
        file.replace(b'"resident-3"', b'"\\u0072esident-3"'),
        file.replace(content["key"].encode(), content["key"].upper().encode()),
        file.replace(content["key"].encode(), content["key"][2:].encode()),
        file.replace(b"veche-row-proof-v1", b"veche-row-proof-v2"),
        json.dumps(content).encode() + b"\n",
        file + b" " * 70000,
    ]
    for variant in variants:
        assert variant != file
        with pytest.raises(UserError):
            RowProof.from_json(variant)
