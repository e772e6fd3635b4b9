"""Two registrars hold their rolls against each other, and neither hands one over."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from veche.errors import UserError
from veche.registrar import comparison
from veche.registrar.comparison import Moved
from veche.registrar.registrar import Registrar

Make = Callable[..., Registrar]
KEY = bytes(range(32))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A registrar with this roll: a person and a district a word."""
    with ExitStack() as stack:

        def registrar(*rows: str) -> Registrar:
            place = tmp_path / f"registrar-{len(list(tmp_path.iterdir()))}"
            made = stack.enter_context(Registrar.create(place))
            if rows:
                roll = place / "roll.csv"
                roll.write_text("\n".join(["person,district", *rows]) + "\n", encoding="utf-8")
                made.import_roll(roll, decide=lambda _: None)
            return made

        yield registrar


def test_equal_rolls_whatever_their_order_and_spaces(make: Make) -> None:
    one, two = make("1001,Арбат", "1002,Presnya"), make("1002,  Presnya", "1001,Арбат\u00a0")
    for first, second in ((one, two), (two, one)):
        found = first.compare(KEY, second.write_comparison(KEY))
        assert found.equal and found.districts == {"Presnya": (1, 1), "Арбат": (1, 1)}
        assert not (found.only_ours or found.only_theirs or found.moved or found.respelt or found.alike)


def test_who_differs_is_seen_from_both_sides(make: Make) -> None:
    one = make("1001,Arbat", "1002,Arbat", "1003,Arbat", "0042,Presnya", "1005,Presnya")
    two = make("1001,Arbat", "1002,Presnya", "42,Presnya", "1005,Presnya", "1006,Khamovniki", "1007,Presnya")
    found = one.compare(KEY, two.write_comparison(KEY))
    assert not found.equal
    assert found.districts == {"Arbat": (3, 1), "Khamovniki": (0, 1), "Presnya": (2, 4)}
    assert found.only_ours == {"1003": "Arbat", "0042": "Presnya"} and found.respelt == {"0042"}
    assert found.moved == [Moved("1002", "Arbat", "Presnya")]
    assert found.only_theirs == {"Khamovniki": 1, "Presnya": 2}
    back = two.compare(KEY, one.write_comparison(KEY))
    assert back.only_ours == {"42": "Presnya", "1006": "Khamovniki", "1007": "Presnya"} and back.respelt == {"42"}
    assert back.moved == [Moved("1002", "Presnya", "Arbat")] and back.only_theirs == {"Arbat": 1, "Presnya": 1}


@pytest.mark.parametrize("other", ["1002,Presnya", "1003,Arbat", ""])
def test_one_difference_is_enough(make: Make, other: str) -> None:
    one, two = make("1001,Arbat", "1002,Arbat"), make("1001,Arbat", *([other] if other else []))
    assert not one.compare(KEY, two.write_comparison(KEY)).equal
    assert not two.compare(KEY, one.write_comparison(KEY)).equal


def test_districts_that_look_alike_are_named(make: Make) -> None:
    one, two = make("1,Нагатинский затон", "2,Арбат"), make("1,нагатинский-затон", "2,Арбат")
    found = one.compare(KEY, two.write_comparison(KEY))
    assert found.alike == [("Нагатинский затон", "нагатинский-затон")] and len(found.moved) == 1


def test_it_gives_away_neither_persons_nor_districts_and_each_is_another(make: Make) -> None:
    registrar = make("anna.ivanova,Arbat", "boris,Presnya")
    first, second = registrar.write_comparison(KEY), registrar.write_comparison(KEY)
    for content in (first, second):
        assert not any(word in content for word in (b"anna", b"boris", b"Arbat", registrar.office.public))
    rows = {first[at : at + 16] for at in range(20, len(first) - 16)}
    assert not rows & {second[at : at + 16] for at in range(20, len(second) - 16)}


def test_a_comparison_that_is_none(make: Make) -> None:
    one, two = make("1001,Arbat"), make("1001,Arbat")
    good = two.write_comparison(KEY)
    for content, said in (
        (b"", "no comparison"),
        (b"person,district\n1001,Arbat\n", "no comparison"),
        (good[:30], "does not open"),
        (good[:-1], "does not open"),
        (good + b"x", "does not open"),
        (bytes([*good[:60], good[60] ^ 1, *good[61:]]), "does not open"),
        (one.write_comparison(KEY), "by this registrar itself"),
    ):
        with pytest.raises(UserError, match=said):
            one.compare(KEY, content)
    with pytest.raises(UserError, match="another key"):
        one.compare(bytes(32), good)
    with pytest.raises(UserError, match="no roll"):
        make().compare(KEY, good)
    with pytest.raises(UserError, match="no roll"):
        make().write_comparison(KEY)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b'{"office": "00", "districts": 1}\n',
        b'{"office": "zz", "districts": ["Arbat"]}\n',
        b'{"office": "00", "districts": ["Ar\\u001bbat"]}\n',
        b'{"office": "00", "districts": ["Arbat"]}\n' + bytes(33),
        b'{"office": "00", "districts": ["Arbat"]}\n' + bytes(68),
        b'{"office": "00", "districts": ["Arbat"]}\n' + bytes(33) + b"\x01",
        b"[" * 100_000,
    ],
)
def test_what_another_program_wrote_with_the_right_key(content: bytes, make: Make) -> None:
    registrar = make("1001,Arbat")
    salt = bytes(32)
    cipher, _ = comparison._derive(KEY, salt)
    made = comparison._MAGIC + salt + cipher.encrypt(bytes(12), content, comparison._MAGIC)
    with pytest.raises(UserError, match="not as this program writes it"):
        registrar.compare(KEY, made)
