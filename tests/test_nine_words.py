"""A code in nine words: the vectors, the lists, and what people type."""

import hashlib
import json
from itertools import combinations
from pathlib import Path

import pytest

from veche.errors import UserError
from veche.words import COUNT, LANGUAGES, LISTS, PREFIX, from_words, in_words, key_of, word_list

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/words.json").read_text(encoding="utf-8"))
PROTOCOL = (Path(__file__).parents[1] / "docs/protocol.md").read_text(encoding="utf-8")


def test_vectors() -> None:
    assert len(VECTORS["codes"]) == 10
    for row in VECTORS["codes"]:
        code = bytes.fromhex(row["code"])
        for language in LANGUAGES:
            assert in_words(code, language) == row[language]
            assert from_words(row[language]) == code[:PREFIX]


def test_by_hand() -> None:
    """Section 3.3 of docs/protocol.md, written out."""
    code = hashlib.sha256(b"a code").digest()
    bits = "".join(f"{byte:08b}" for byte in code[:10])
    check = f"{hashlib.sha256(b'veche-words-v1' + code[:10]).digest()[0]:08b}"
    check += f"{hashlib.sha256(b'veche-words-v1' + code[:10]).digest()[1]:08b}"[:2]
    for language in LANGUAGES:
        words = (LISTS / f"{language}.txt").read_text(encoding="utf-8").split("\n")
        places = [int(bits[i : i + 10], 2) for i in range(0, 80, 10)] + [int(check, 2)]
        assert in_words(code, language).split() == [words[place] for place in places]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists(language: str) -> None:
    """Frozen; four to seven letters, no two words near each other, told apart by four letters."""
    words = word_list(language)
    content = (LISTS / f"{language}.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == VECTORS["lists"][language]
    assert VECTORS["lists"][language] in PROTOCOL
    assert content.decode() == "\n".join(words) + "\n"
    assert len(words) == COUNT == len({key_of(word) for word in words})
    assert list(words) == sorted(words)
    alphabet = "abcdefghijklmnopqrstuvwxyz" if language == "en" else "абвгдежзийклмнопрстуфхцчшщъыьэюя"
    assert all(4 <= len(word) <= 7 and set(word) <= set(alphabet) for word in words)
    for a, b in combinations(words, 2):
        assert len(a) != len(b) or sum(x != y for x, y in zip(a, b, strict=True)) > 1, (a, b)


def test_what_people_type() -> None:
    row = VECTORS["codes"][3]
    code = bytes.fromhex(row["code"])
    english, russian = row["en"].split(), row["ru"].split()
    for typed in (
        row["en"].upper(),
        "  ".join(word[:4] for word in english),
        " ".join(word[:4] + "zzz" for word in english),
        " ".join(a if i % 2 else b for i, (a, b) in enumerate(zip(english, russian, strict=True))),
        row["ru"].replace("е", "ё"),
    ):
        assert from_words(typed) == code[:PREFIX]


def test_what_is_no_code() -> None:
    english = VECTORS["codes"][3]["en"].split()
    for typed, sentence in (
        (english[:8], "9 words, and 8 were given"),
        ([*english, "zebra"], "9 words, and 10 were given"),
        (["approve", *english[1:]], "Word 1, 'approve', is none"),
        ([english[0][:3], *english[1:]], "Word 1"),
        ([english[1], english[0], *english[2:]], "do not belong together"),
        ([*english[:8], "abbey"], "do not belong together"),
    ):
        with pytest.raises(UserError, match=sentence):
            from_words(" ".join(typed))
