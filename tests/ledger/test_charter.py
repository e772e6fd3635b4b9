"""`charter`, `class`: what a ledger may be founded on."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries.charter import Charter, EngineChoice, OfficeSeat, PollClass, RegistrarSeat, read_charter
from veche.ledger.entries.office import Role
from veche.ledger.machine import Machine
from veche.ledger.signing import sign
from veche.ledger.state import State

from .life import Life, text

KEYS = [SigningKey.generate() for _ in range(6)]
CLASS = PollClass(
    "city",
    (RegistrarSeat("A", "bank"), RegistrarSeat("B", "post"), RegistrarSeat("C", "tax"), RegistrarSeat("D", "tax")),
    3,
    1,
    2,
    ("T", "U", "V"),
    2,
    0,
    20,
    3600,
    86_400,
    1,
)
CHARTER = Charter(
    "veche.example/test", text("A ledger"), 1_800_000_000, SigningKey.generate().public, "City hall",
    tuple(OfficeSeat(name, Role.OBSERVER, key.public) for name, key in zip("ABCDEF", KEYS, strict=True)), 3, (CLASS,),
    EngineChoice("embedded", 1),
)  # fmt: skip
VALIDATOR = SigningKey(bytes([7]) * 32).public
"""A key for votes that is nobody's office."""


def found(charter: Charter | list[Any], keys: list[SigningKey] = KEYS) -> Charter:
    """Found a ledger with it in a fresh state machine, as a node and a verifier do."""
    entry = sign(b"", "charter", charter if isinstance(charter, list) else charter.body(), keys)
    state = State(sqlite3.connect(":memory:"))
    state.prepare()
    machine = Machine(state, lambda _: b"")
    try:
        machine.genesis(entry)
    except Refused:
        assert not machine.state.has_charter
        assert machine.block.appended == []
        raise
    finally:
        machine.state.db.close()
    assert machine.block.appended[0] == entry
    assert machine.ledger == digest(entry)
    assert decode(machine.block.appended[1]) == ["block", [0, CHARTER.time, CHARTER.time]]
    return read_charter(entry)


def refused(rule: str, charter: Charter | list[Any], keys: list[SigningKey] = KEYS) -> None:
    with pytest.raises(Refused) as caught:
        found(charter, keys)
    assert caught.value.rule == rule, caught.value.message


def test_a_charter_is_read_as_it_was_written() -> None:
    assert found(CHARTER) == CHARTER


@pytest.mark.parametrize("n", range(1, 6))
def test_registrars_of_a_class(n: int) -> None:
    """2k > n + f and n - f >= k, for every k and f."""
    names = tuple(RegistrarSeat(f"Registrar {i}", f"source {i}") for i in range(n))
    for k in range(n + 2):
        for f in range(n + 1):
            poll_class = replace(CLASS, registrars=names, k=k, f=f, sources=1)
            if 1 <= k <= n and 2 * k > n + f and n - f >= k:
                found(replace(CHARTER, classes=(poll_class,)))
            else:
                refused("class", replace(CHARTER, classes=(poll_class,)))


@pytest.mark.parametrize("n", range(1, 8))
def test_trustees_of_a_class(n: int) -> None:
    """2t > n + f_t and n - f_t >= t: one corrupt trustee takes four, two take seven."""
    trustees = tuple(f"Trustee {i}" for i in range(n))
    possible = set()
    for t in range(n + 2):
        for f in range(n + 1):
            poll_class = replace(CLASS, trustees=trustees, t=t, f_t=f)
            if 1 <= t <= n and 2 * t > n + f and n - f >= t:
                found(replace(CHARTER, classes=(poll_class,)))
                possible.add(f)
            else:
                refused("class", replace(CHARTER, classes=(poll_class,)))
    assert possible == set(range((n - 1) // 3 + 1))


def test_no_f_registrars_stop_every_poll() -> None:
    """(4, 3, 1) with sources A A A B, two of them wanted: B alone could stop every poll."""
    for sources, wanted, holds in (
        ("AAAB", 2, False), ("AABB", 2, True), ("AABC", 2, True), ("AABC", 3, False), ("ABCD", 3, True), ("AAAB", 1, True),
    ):  # fmt: skip
        seats = tuple(RegistrarSeat(f"Registrar {i}", source) for i, source in enumerate(sources))
        charter = replace(CHARTER, classes=(replace(CLASS, registrars=seats, sources=wanted),))
        found(charter) if holds else refused("class", charter)


@pytest.mark.parametrize("watching", range(8))
def test_witnesses_are_observers_but_not_the_operators(watching: int) -> None:
    """w - f >= q, the smallest with 2q > w + f: w of them let (w - 1) / 3 be corrupt."""
    roles = [Role.OBSERVER] * watching + [Role.VALIDATOR] * (7 - watching)
    keys = [SigningKey.generate() for _ in range(8)]
    offices = [
        OfficeSeat(f"Office {i}", role, key.public) for i, (role, key) in enumerate(zip(roles, keys, strict=False))
    ]
    own = OfficeSeat(CHARTER.operator, Role.OBSERVER, keys[7].public)  # this one does not count
    for corrupt in range(4):
        charter = replace(CHARTER, offices=(*offices, own), witnesses=corrupt)
        if watching and corrupt <= (watching - 1) // 3:
            assert found(charter, keys).witnesses == corrupt
        else:
            with pytest.raises(Refused) as caught:
                found(charter, keys)
            assert caught.value.rule == "class", caught.value.message


def test_a_class_wants_witnesses_that_the_charter_asks_for() -> None:
    refused("charter", replace(CHARTER, classes=(replace(CLASS, witnessed=True),)))
    found(replace(CHARTER, classes=(replace(CLASS, witnessed=True),), witnesses=1))


def test_a_notice_that_no_committee_outlives() -> None:
    found(replace(CHARTER, classes=(replace(CLASS, notice=91 * 86_400),)))


def test_durations_of_a_test_ledger() -> None:
    """Divided and rounded up, but no halt is shorter than ten blocks."""
    assert CHARTER.lasting(14 * 86_400) == 14 * 86_400 and CHARTER.halt == 600
    test = replace(CHARTER, test=1000)
    assert [test.lasting(seconds) for seconds in (0, 1, 1000, 1001, 14 * 86_400)] == [0, 1, 1, 2, 1210]
    assert test.halt == 10 and replace(test, engine=EngineChoice("embedded", 60)).halt == 600
    assert replace(CHARTER, test=2).halt == 300
    refused("shape", replace(CHARTER, test=100_001))


@pytest.mark.parametrize(
    "change",
    [
        {"registrars": (("A", "bank"), ("A", "post"), ("C", "tax"), ("D", "tax"))},
        {"trustees": ("T", "T", "V")},
        {"trustees": ("T", "U", "A")},  # registrar and trustee of one poll
        {"sources": 0},
        {"sources": 4},  # more than k
        {"registrars": (("A", "bank"), ("B", "bank"), ("C", "bank"), ("D", "bank"))},  # two sources wanted
        {"t": 1},  # not more than half
        {"t": 4},
        {"trustees": ("T", "U", "V", "W"), "t": 2},  # half is not more than half
        {"smallest": 1},
        {"smallest": 0},
    ],
)
def test_classes_that_are_refused(change: dict[str, Any]) -> None:
    refused("class", replace(CHARTER, classes=(replace(CLASS, **change),)))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": " city"},
        {"name": "ci\nty"},
        {"name": "c" * 81},
        {"registrars": ()},
        {"trustees": ()},
        {"registrars": (("", "bank"),)},
        {"trustees": ("T\u202e", "U", "V")},
        {"organisers": 0},
        {"longest": 0},
        {"margin": 3601},
        {"challenge": 2**53},
        {"notice": 91 * 86_400 + 1},
        {"k": 2**60},
    ],
)
def test_classes_of_the_wrong_shape(change: dict[str, Any]) -> None:
    refused("shape", replace(CHARTER, classes=(replace(CLASS, **change),)))


def test_two_classes_of_one_name() -> None:
    refused("charter", replace(CHARTER, classes=(CLASS, replace(CLASS, notice=7))))
    found(replace(CHARTER, classes=(CLASS, replace(CLASS, name="district"))))


def test_no_name_is_spelt_in_two_ways() -> None:
    """Whatever counts institutions or identity sources would count one as two; classes nobody could tell apart."""
    seats, offices = CLASS.registrars, CHARTER.offices
    respelt: list[dict[str, Any]] = [
        {"classes": (CLASS, replace(CLASS, name="City"))},
        {"classes": (replace(CLASS, registrars=(*seats[:2], RegistrarSeat("C", "\uff34ax"), seats[3])),)},
        {"classes": (CLASS, replace(CLASS, name="district", registrars=(RegistrarSeat("A", "Bank"), *seats[1:])))},
        {"classes": (replace(CLASS, trustees=("T", "U", "a")),)},
        {"operator": "F", "offices": (*offices[:5], offices[5]._replace(institution="f"))},
        {"offices": (offices[0]._replace(institution="City\u2003Hall"), *offices[1:])},
        {"offices": (offices[0]._replace(institution="b"), *offices[1:])},
    ]
    for change in respelt:
        refused("charter", replace(CHARTER, **change))
    found(replace(CHARTER, operator="F"))


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("charter", {"origin": "two words"}),
        ("charter", {"origin": "a+b"}),
        ("shape", {"origin": ""}),
        ("shape", {"name": ("", "")}),
        ("shape", {"name": ("English only", "")}),
        ("shape", {"time": 2**53}),
        ("shape", {"log_key": bytes(31)}),
        ("shape", {"k": 0}),
        ("shape", {"operator": ""}),
        ("shape", {"k": 7}),  # more than there are institutions
        ("shape", {"classes": ()}),
        ("charter", {"engine": EngineChoice("cometbft", 1)}),
        ("charter", {"engine": EngineChoice("embedded", 1, VALIDATOR)}),
        ("charter", {"engine": EngineChoice("raft", 1)}),
        ("charter", {"engine": EngineChoice("cometbft", 1, CHARTER.log_key)}),
        ("charter", {"engine": EngineChoice("cometbft", 1, KEYS[0].public)}),
        ("shape", {"engine": EngineChoice("cometbft", 1, VALIDATOR[:-1])}),
        ("shape", {"engine": EngineChoice("cometbft", 1, b"\x01" + bytes(31))}),  # for which anybody can sign
        ("shape", {"engine": EngineChoice("embedded", 0)}),
        ("shape", {"engine": EngineChoice("cometbft", 61, VALIDATOR)}),
    ],
)
def test_charters_that_are_refused(rule: str, change: dict[str, Any]) -> None:
    refused(rule, replace(CHARTER, **change))


def test_a_charter_names_its_engine() -> None:
    choice = EngineChoice("cometbft", 5, VALIDATOR)
    assert found(replace(CHARTER, engine=choice), KEYS).engine == choice
    assert found(CHARTER, KEYS).engine == EngineChoice("embedded", 1)


def test_offices_are_different_and_all_sign() -> None:
    offices = CHARTER.offices
    refused("charter", CHARTER, KEYS[:-1])
    refused("charter", CHARTER, [*KEYS, SigningKey.generate()])
    refused("charter", replace(CHARTER, offices=(*offices, OfficeSeat("A", Role.OBSERVER, KEYS[0].public))))
    refused("charter", replace(CHARTER, offices=(*offices, OfficeSeat("A", Role.ORGANISER, KEYS[0].public))))
    refused("charter", replace(CHARTER, offices=(*offices[:-1], OfficeSeat("A", Role.OBSERVER, KEYS[5].public))))
    king = OfficeSeat("F", "king", KEYS[5].public)  # type: ignore[arg-type]  # there is no such role
    refused("charter", replace(CHARTER, offices=(*offices[:-1], king)))
    refused("shape", replace(CHARTER, offices=(*offices[:-1], OfficeSeat("F", Role.OBSERVER, KEYS[5].public[:31]))))


def test_a_bad_signature_under_the_charter() -> None:
    kind, body, pairs = decode(sign(b"", "charter", CHARTER.body(), KEYS))
    pairs[3][1] = pairs[3][1][:-1] + bytes([pairs[3][1][-1] ^ 1])
    with pytest.raises(Refused) as caught:
        read_charter(encode([kind, body, pairs]))
    assert caught.value.rule == "signature"


def test_a_charter_of_another_version_or_length() -> None:
    body = CHARTER.body()
    refused("shape", [2, *body[1:]])
    refused("shape", body[:-1])
    refused("shape", [*body, 0])


def test_only_a_charter_begins_a_ledger(life: Life) -> None:
    with pytest.raises(Refused) as caught:
        read_charter(life.formed.entries[2])
    assert caught.value.rule == "charter"


def test_a_ledger_is_founded_once(life: Life) -> None:
    branch = life.founded.branch()
    with pytest.raises(Refused) as caught:
        branch.machine.genesis(branch.entries[0])
    assert caught.value.rule == "charter"
    branch.close()
