"""What the kernel and other libraries say reaches people in their language."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import veche_kernel as kernel

from veche.errors import because
from veche.kernel_words import SAID, of_kernel


@pytest.mark.parametrize(
    "refused",
    [
        lambda: kernel.point_check(bytes(31)),
        lambda: kernel.point_check(b"\xff" * 32),
        lambda: kernel.point_check(b"\x02" + bytes(31)),
        lambda: kernel.discrete_logs([kernel.IDENTITY[::-1]], 3),
        lambda: kernel.schnorr_verify(kernel.IDENTITY, b"", b"\xff" * 32, b"\xff" * 32),
    ],
)
def test_what_the_kernel_says_of_points_and_scalars_is_said_in_russian(refused: Callable[[], object]) -> None:
    with pytest.raises(ValueError) as error:
        refused()
    said = of_kernel(str(error.value))
    assert str(said) == str(error.value) and re.search("[А-Яа-я]{3}", said.text("ru")), said.text("ru")


def test_every_sentence_is_its_own() -> None:
    for sentence in SAID:
        said = of_kernel(sentence.replace("{number}", "3").replace("{other}", "5"))
        assert re.search("[А-Яа-я]{3}", said.text("ru")) and str(said) == sentence.format(number=3, other=5)


def test_what_libraries_say_of_files(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(b"no database at all " * 100)
    with pytest.raises(sqlite3.DatabaseError) as error:
        sqlite3.connect(tmp_path / "base").execute("PRAGMA user_version")
    with pytest.raises(ValueError) as null:
        Path("a\0b").read_bytes()
    assert [because(one.value).text("ru") for one in (error, null)] == [
        "это не база данных",
        "в имени есть нулевой байт",
    ]
