"""`charter`, `class`: what a ledger may be founded on."""

import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat, read_charter
from veche.ledger.entries.engine import Embedded, Engine, Network, ValidatorRow
from veche.ledger.entries.office import Role
from veche.ledger.frame import frame_leaf
from veche.ledger.machine import Machine
from veche.ledger.signing import sign
from veche.ledger.state import State
from veche.log.merkle import leaf_hash

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
    "veche.example/test", text("A ledger"), 1_800_000_000,
    tuple(OfficeSeat(name, Role.OBSERVER, key.public) for name, key in zip("ABCDEF", KEYS, strict=True)), 3, (CLASS,),
    Embedded(1, "City hall", SigningKey.generate().public),
)  # fmt: skip


def run_by(operator: str) -> Engine:
    return Embedded(1, operator, KEYS[0].public)


def row(number: int, **changes: Any) -> ValidatorRow:
    """A validator of a network: institutions M, N, ..., each with a consensus key and addresses of its own."""
    made = ValidatorRow(
        "MNOPQ"[number], SigningKey(bytes([number + 1]) * 32).public, f"https://n{number}.example", f"{number:040x}@n{number}.example:26656"
    )  # fmt: skip
    return made._replace(**changes)


def network(*rows: ValidatorRow, seconds: int = 1) -> tuple[Charter, list[SigningKey]]:
    """A charter of a network of these validators, and all keys that sign it."""
    ledger_keys = [SigningKey(bytes([number + 101]) * 32) for number in range(len(rows))]
    seats = [
        OfficeSeat(one.institution, Role.VALIDATOR, key.public) for one, key in zip(rows, ledger_keys, strict=True)
    ]
    return replace(CHARTER, offices=(*CHARTER.offices, *seats), engine=Network(seconds, rows)), [*KEYS, *ledger_keys]


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
    framed = 1, frame_leaf(0, leaf_hash(entry))
    assert decode(machine.block.appended[1]) == ["block", [0, CHARTER.time, CHARTER.time, *framed]]
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
    roles = [Role.OBSERVER] * watching + [Role.REGISTRAR] * (7 - watching)
    keys = [SigningKey.generate() for _ in range(8)]
    offices = [
        OfficeSeat(f"Office {i}", role, key.public) for i, (role, key) in enumerate(zip(roles, keys, strict=False))
    ]
    own = OfficeSeat(CHARTER.operators[0], Role.OBSERVER, keys[7].public)  # this one does not count
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
    assert test.halt == 10 and replace(test, engine=replace(CHARTER.engine, seconds=60)).halt == 600
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
        {"engine": run_by("F"), "offices": (*offices[:5], offices[5]._replace(institution="f"))},
        {"offices": (offices[0]._replace(institution="City\u2003Hall"), *offices[1:])},
        {"offices": (offices[0]._replace(institution="b"), *offices[1:])},
    ]
    for change in respelt:
        refused("charter", replace(CHARTER, **change))
    found(replace(CHARTER, engine=run_by("F")))


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("charter", {"origin": "two words"}),
        ("charter", {"origin": "a+b"}),
        ("shape", {"origin": ""}),
        ("shape", {"name": ("", "")}),
        ("shape", {"name": ("English only", "")}),
        ("shape", {"time": 2**53}),
        ("shape", {"engine": Embedded(1, "City hall", bytes(31))}),
        ("shape", {"k": 0}),
        ("shape", {"engine": run_by("")}),
        ("shape", {"k": 7}),  # more than there are institutions
        ("shape", {"classes": ()}),
        ("shape", {"engine": Embedded(0, "City hall", KEYS[0].public)}),
        ("shape", {"engine": Embedded(61, "City hall", KEYS[0].public)}),
        ("charter", {"engine": Network(1, (row(0),))}),  # which holds no office
        ("shape", {"engine": Network(1, ())}),
        ("charter", {"offices": (OfficeSeat("A", Role.VALIDATOR, KEYS[0].public), *CHARTER.offices[1:])}),  # of what?
    ],
)
def test_charters_that_are_refused(rule: str, change: dict[str, Any]) -> None:
    refused(rule, replace(CHARTER, **change))


def test_a_charter_names_its_engine() -> None:
    assert found(CHARTER, KEYS).operators == ("City hall",) and not CHARTER.validators
    rows = [row(number) for number in range(4)]
    charter, keys = network(*rows, seconds=5)
    read = found(charter, keys)
    assert read == charter and read.operators == ("M", "N", "O", "P") and read.engine.seconds == 5
    assert [(one.institution, one.key, one.votes) for one in read.validators] == [
        (one.institution, key.public, one.votes) for one, key in zip(rows, keys[6:], strict=True)
    ]
    for body in (
        ["raft", 1],
        ["cometbft", 1],
        ["embedded", 1],
        ["embedded", 1, "City hall"],
        [*charter.engine.body(), 0],
    ):
        refused("charter" if len(body) < 5 else "shape", [*charter.body()[:7], body, [], 0], keys)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("charter", {"institution": "P"}),  # not in order
        ("charter", {"institution": "M"}),  # twice
        ("charter", {"votes": row(0).votes}),
        ("charter", {"votes": KEYS[0].public}),
        ("charter", {"votes": SigningKey(bytes([102]) * 32).public}),  # its own ledger key
        ("charter", {"url": row(0).url}),
        ("charter", {"peer": row(0).peer.replace("n0", "n1")}),  # the same node elsewhere
        ("charter", {"institution": "n"}),  # twice, in two spellings
        ("shape", {"institution": ""}),
        ("shape", {"votes": bytes(31)}),
        ("shape", {"votes": b"\x01" + bytes(31)}),  # for which anybody can sign
        *(
            ("shape", {"url": url})
            for url in (
                "", "n1.example", "ftp://n1.example", "https://n1.example/", "https://N1.example", "https://n1.example:0",
                "https://n1.example:65536", "https://n1.example:080", "https://a@n1.example", "https://n1.example ", "https://дом.рф",
                "https://" + "a" * 193, "https://n1.example?a", "https://-n1.example",
            )
        ),
        *(
            ("shape", {"peer": peer})
            for peer in (
                "", "n1.example:26656", f"{1:040x}@n1.example", f"{1:039x}@n1.example:1", f"{0xA:040X}@n1.example:1",
                f"{1:040x}@n1.example:70000", f"{1:040x}@n1.example:1,{2:040x}@n2.example:1", f"{1:040x}@{'a' * 158}:1",
            )
        ),
    ],
)  # fmt: skip
def test_validators_that_are_refused(rule: str, changes: dict[str, Any]) -> None:
    """The second of three."""
    refused(rule, *network(row(0), row(1, **changes), row(2)))


def test_addresses_that_are_admitted() -> None:
    urls = ("http://127.0.0.2:8080", "https://n1.example", "http://[::1]:65535", "https://" + "a" * 192)
    peers = (f"{7:040x}@127.0.0.2:1", f"{7:040x}@[fe80::1]:65535", f"{7:040x}@{'a' * 157}:1")
    for url in urls:
        found(*network(row(0), row(1, url=url)))
    for peer in peers:
        found(*network(row(0), row(1, peer=peer)))


def test_a_network_has_64_validators_at_most() -> None:
    rows = [
        row(
            0,
            institution=f"V{i:02}",
            votes=SigningKey(bytes([i, 7] * 16)).public,
            url=f"http://n{i}",
            peer=f"{i:040x}@n:1",
        )
        for i in range(65)
    ]
    found(*network(*rows[:64]))
    refused("shape", *network(*rows))


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
