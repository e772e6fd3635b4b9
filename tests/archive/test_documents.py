"""Step A3: one spelling for each document. Hashes, references and signatures are made to fit, so that only the spelling is wrong."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from belenios import SHARED

from veche.ballot.archive.parts import Event, Owned, ResultDocument, SetupData, SizedTally
from veche.ballot.canonical import SMALL, decode, encode, weight_json, weight_value
from veche.ballot.documents import KeyGeneration
from veche.ballot.election import Election
from veche.errors import DoesNotHold, Unsupported, VecheError

from .assemble import Parts, compact, take_apart
from .check import refused, verdict
from .forge import Town
from .slow_group import Q

DOCUMENTS = {
    "election": ("Setup", 0, 0),
    "trustees": ("Setup", 0, 1),
    "credentials": ("Setup", 0, 2),
    "setup data": ("Setup", 0, 3),
    "tally": ("EncryptedTally", 0, 0),
    "sized tally": ("EncryptedTally", 0, 1),
    "share": ("PartialDecryption", 1, 0),
    "owned share": ("PartialDecryption", 1, 1),
    "result": ("Result", 0, 0),
}


def first(pattern: str, new: str | Callable[["re.Match[str]"], str]) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, new, text, count=1)


def reversed_fields(text: str) -> str:
    def turn(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: turn(v) for k, v in reversed(value.items())}
        return [turn(v) for v in value] if isinstance(value, list) else value

    return compact(turn(json.loads(text))).decode()


def upper(text: str) -> str:
    """The first point or hash in upper case."""
    return re.sub(r"[0-9a-f]{64}", lambda match: match[0].upper(), text, count=1)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "a space at the end": lambda text: text + " ",
    "a newline at the end": lambda text: text + "\n",
    "a space in front": lambda text: " " + text,
    "a space after the first bracket": first(r"([\[{])", r"\1 "),
    "a space after a colon": first(":", ": "),
    "a comma too many": first(r"([\]}])$", r",\1"),
    "a byte-order mark": lambda text: "\ufeff" + text,
    "fields in reverse": reversed_fields,
    "an escaped letter": first('"([a-z])([a-z_]+)"', lambda m: f'"\\u{ord(m[1]):04x}{m[2]}"'),
    "an escaped digit in a text": first('"([0-9])([0-9a-f]+)', lambda m: f'"\\u{ord(m[1]):04x}{m[2]}'),
    "a field more": first(r"\{", '{"extra":0,'),
    "a field more at the end": first(r"\}", ',"extra":0}'),
    "the first field twice": first(r'\{("[a-z_]+":("[^"]*"|\d+),)', r"{\1\1"),
    "the first field missing": first(r'\{"[a-z_]+":("[^"]*"|\d+),', "{"),
    "null for the first text": first('"[0-9a-f,]{43,}"', "null"),
    "a leading zero": first('"([1-9][0-9]{60,})"', r'"0\1"'),
    "a plus sign": first('"([1-9][0-9]{60,})"', r'"+\1"'),
    "a minus sign": first('"([1-9][0-9]{60,})"', r'"-\1"'),
    "an underscore": first('"([1-9])([0-9]{60,})"', r'"\1_\2"'),
    "other digits": first('"[1-9]([0-9]{60,})"', '"\u0661\\1"'),
    "a number instead of a text": first('"([1-9][0-9]{60,})"', r"\1"),
    "a number with q added": first('"([1-9][0-9]{60,})"', lambda m: f'"{int(m[1]) + Q}"'),
    "a newline after a number": first('"([1-9][0-9]{60,})"', r'"\1\\n"'),
    "upper case": upper,
    "a digit more": first('"([0-9a-f]{64})', r'"\g<1>0'),
    "a digit less": first('"[0-9a-f]([0-9a-f]{63})', r'"\1'),
    "0x in front": first('"([0-9a-f]{64})', r'"0x\1'),
    "NaN": first(r"([:\[])(\d+|\"[^\"]*\")", r"\1NaN"),
    "a float": first(r"([:\[])(\d+)([,\]}])", r"\1\2.0\3"),
    "an exponent": first(r"([:\[])(\d+)([,\]}])", r"\1\2e0\3"),
    "a leading zero in a number": first(r"([:\[])(\d+)([,\]}])", r"\g<1>0\2\3"),
    "a text instead of a number": first(r"([:\[])(\d+)([,\]}])", r'\1"\2"\3'),
    "a negative number": first(r"([:\[])(\d+)([,\]}])", r"\1-\2\3"),
    "a huge number": first(r"([:\[])(\d+)([,\]}])", r"\g<1>" + "9" * 5000 + r"\3"),
    "a number over 2^63": first(r"([:\[])(\d+)([,\]}])", r"\g<1>9223372036854775808\3"),
    "true": first(r"([:\[])(\d+)([,\]}])", r"\1true\3"),
    "nested deeply": lambda text: "[" * 100_000,
    "nested deeply in the first value": first(r"([:\[])(\d+|\"[^\"]*\")", lambda m: m[1] + "[" * 100_000),
    "wrapped in a list": lambda text: f"[{text}]",
    "nothing": lambda text: "",
    "an empty list": lambda text: "[]",
    "an empty object": lambda text: "{}",
    "a lone surrogate": first('"([^"]*)"', r'"\\ud800"'),
    "a zero character": first('"([^"]*)"', r'"\\u0000\1"'),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_another_spelling_of_a_document(good: Parts, name: str) -> None:
    place = DOCUMENTS[name]
    text = good.data(*place).decode()
    tried = 0
    for spelling, change in SPELLINGS.items():
        changed = change(text).encode()
        if changed == text.encode() or (name, spelling) == ("credentials", "an empty list"):
            continue
        error = refused_for_spelling(good.with_data(*place, changed))
        assert len(error.message) < 400, spelling
        tried += 1
    assert tried > 12
    for raw in (b"\xff", text.encode().replace(b'"', b'"\xc3\x28', 1), text.encode("utf-16"), text.encode() + b"\0"):
        refused_for_spelling(good.with_data(*place, raw))


def refused_for_spelling(archive: Parts) -> VecheError:
    with pytest.raises((DoesNotHold, Unsupported)) as caught:
        verdict(archive)
    if isinstance(caught.value, DoesNotHold):
        # An empty list or a list too many can be a spelling of something else, which is then refused for that.
        assert caught.value.step in ("A3", "A5", "A8", "A10"), caught.value.message
    else:  # Of another version is not another spelling.
        assert "version" in caught.value.message
    return caught.value


def test_another_spelling_of_a_ballot_superseded_or_not(town: Town, votes: list[bytes], good: Parts) -> None:
    """The signature covers the changed text, so that nothing but the spelling is wrong."""
    for number, voter in ((1, 1), (3, 1)):
        text = votes[number].decode()
        for change in SPELLINGS.values():
            changed = change(text)
            if changed != text:
                refused(good.with_data("Ballot", number, 0, changed.encode()), "A7", f"Ballot {number + 1}")
        ballot = json.loads(text)
        del ballot["signature"]
        assert verdict(good.with_data("Ballot", 1, 0, town.sign(1, ballot)))
        for edited in edits(ballot):
            signed = town.sign(voter, edited)
            refused(good.with_data("Ballot", number, 0, signed), "A7", f"Ballot {number + 1}")


def edits(ballot: dict[str, Any]) -> list[dict[str, Any]]:
    """The ballot with fields reordered, added, repeated in another guise, or written differently."""
    found: list[dict[str, Any]] = []

    def at(value: Any, change: Callable[[Any], None]) -> None:
        copy = json.loads(json.dumps(value))
        change(copy)
        found.append(copy)

    def swap(pair: dict[str, Any]) -> None:
        for key in list(pair)[:-1]:
            pair[key] = pair.pop(key)

    at(ballot, lambda b: swap(b["answers"][0]))
    at(ballot, lambda b: swap(b["answers"][1]))
    at(ballot, lambda b: swap(b["answers"][0]["choices"][1]))
    at(ballot, lambda b: swap(b["answers"][1]["overall_proof"][0]))
    at(ballot, lambda b: swap(b["answers"][0]["individual_proofs"][0][1]))
    at(ballot, lambda b: b["answers"][0].update(extra=1))
    at(ballot, lambda b: b["answers"][0]["choices"][0].update(extra=1))
    at(ballot, lambda b: b["answers"][0]["overall_proof"][0].update(extra=1))
    at(ballot, lambda b: b["answers"][0].update(blank_proof=b["answers"][1]["blank_proof"]))
    at(ballot, lambda b: b["answers"][0].update(blank_proof=None))
    at(ballot, lambda b: b.update(extra=1))
    at(ballot, lambda b: swap(b))
    for name in ("alpha", "beta"):
        upper = {name: ballot["answers"][0]["choices"][0][name].upper()}
        at(ballot, partial(lambda new, b: b["answers"][0]["choices"][0].update(new), upper))
    for name in ("challenge", "response"):
        proof = ballot["answers"][1]["overall_proof"][0]
        for new in (
            f"0{proof[name]}",
            str(int(proof[name]) + Q),
            int(proof[name]),
            f"+{proof[name]}",
            f" {proof[name]}",
        ):
            at(ballot, partial(lambda new, b: b["answers"][1]["overall_proof"][0].update(new), {name: new}))
    at(ballot, lambda b: b.update(credential=b["credential"].upper()))
    at(ballot, lambda b: b.update(election_uuid=b["election_uuid"] + "1"))
    at(ballot, lambda b: b.update(election_hash=b["election_hash"] + "="))
    return found


# The spelling itself


def test_texts_are_escaped_as_belenios_does() -> None:
    """As belenios-tool 3.0 wrote this description (test_tool.py asks it again)."""
    text = "".join(map(chr, range(0x20))) + "\x7f\x80\u2028\ufeff\U0001f95a\"\\/'"
    expected = (
        '"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f'
        "\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"
        '\\u007f\x80\u2028\ufeff\U0001f95a\\"\\\\/\'"'
    )
    assert encode(text) == expected.encode()
    assert decode(expected.encode(), str, "a text") == text


@pytest.mark.parametrize(
    "raw", ['"\\/"', '"\\u0041"', '"\\u000A"', '"\\u007F"', '"\x7f"', '"\\u000a"', '"\\ud83e\\udd5a"']
)
def test_needless_or_other_escapes_are_refused(raw: str) -> None:
    with pytest.raises(DoesNotHold) as caught:
        decode(raw.encode(), str, "a text")
    assert caught.value.step == "A3"


@pytest.mark.parametrize(
    ("value", "json_value"), [(0, 0), (SMALL, 1073741823), (SMALL + 1, "1073741824"), (10**30, "1" + "0" * 30)]
)
def test_counts_are_numbers_up_to_30_bits_and_texts_above(value: int, json_value: int | str) -> None:
    assert weight_json(value) == json_value
    assert weight_value(json_value, "a count") == value


@pytest.mark.parametrize(
    "raw", ['"1073741823"', '"5"', "1073741824", '"01073741824"', '"-1073741824"', "-1", "true", "1.0", '""']
)
def test_counts_in_the_other_form_are_refused(raw: str) -> None:
    with pytest.raises(DoesNotHold):
        for row in decode(f'{{"result":[[{raw}]]}}'.encode(), ResultDocument, "the result").result:
            for value in row:
                weight_value(value, "the result")


@pytest.mark.parametrize("value", [1.5, object(), {"a": 1}, b"x", {1}])
def test_the_writer_refuses_what_is_not_in_belenios_json(value: object) -> None:
    with pytest.raises(TypeError):
        encode([value])


def test_every_kind_of_document_of_the_good_archives_is_written_back_byte_for_byte() -> None:
    for path in sorted((SHARED / "belenios" / "good").glob("*.bel")):
        parts = take_apart(path.read_bytes())
        assert parts.to_bytes() == path.read_bytes()
        election, trustees, _, setup = parts.steps[0].data
        assert Election.from_json(election).to_json() == election
        assert encode(decode(setup, SetupData, "it")) == setup
        for kind, content in json.loads(trustees):
            if kind == "Pedersen":
                assert encode(decode(compact(content), KeyGeneration, "it")) in trustees
        assert encode(decode(parts.data("EncryptedTally", 0, 1), SizedTally, "it")) == parts.data(
            "EncryptedTally", 0, 1
        )
        owned = parts.data("PartialDecryption", 0, 1)
        assert encode(decode(owned, Owned, "it")) == owned
        assert encode(Event(height=0, type="Setup", payload="0" * 64)) == compact(
            {"height": 0, "type": "Setup", "payload": "0" * 64}
        )
