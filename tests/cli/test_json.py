"""What commands answer with --json has a documented form, whatever happens. tests/cli/conftest.py holds every answer of every test of
this folder against docs/schema; here is what is left."""

import click
import pytest
from jsonschema import Draft202012Validator, ValidationError
from schemas import check_answer, commands, schema

from veche.ledger.life import Stage

from .test_help import ALL

TEXT = {"en": "Yes", "ru": "Да"}


def with_json() -> set[str]:
    return {" ".join(words) for words, one in ALL.items() if any(param.name == "as_json" for param in one.params)}


def test_the_schema_is_one_and_strict() -> None:
    Draft202012Validator.check_schema(schema())

    def walk(part: object, where: str) -> None:
        if isinstance(part, dict):
            if "properties" in part and not where.endswith("/poll-fields"):
                assert part.get("unevaluatedProperties") is False, f"{where} allows anything"
            for name, value in part.items():
                walk(value, f"{where}/{name}")
        elif isinstance(part, list):
            for value in part:
                walk(value, where)

    walk(schema()["$defs"], "")


def test_every_command_that_answers_in_json_is_documented() -> None:
    assert commands() == with_json()


NO_JSON = {
    "demo": "a story for people",
    "ledger init": "told to a person, once in a ledger's life",
    "ledger rebuild": "the same, after a fault",
    "ledger run": "a service: --verbose writes a line of JSON for whatever happens",
    "node run": "the same",
    "node join": "the same",
    "network init": "a network for a person to look at",
    "network keys": "prints a part of a charter's draft (TOML), for a person to put in",
    "ledger receipt": "answers with the receipt itself, a format of its own (C2SP)",
    "poll new": "a draft for a person to edit",
    "charter new": "the same",
    "poll preview": "for the eyes of whoever publishes; what it holds is in the draft",
    "trustee act": "says what it does as it goes; what it has done is in the ledger",
    "registrar act": "the same",
    "trustee clock": "asks a person",
    "trustee adopt": "asks a person",
    "registrar erase": "asks a person",
    "registrar issue": "answers with the signature itself, or with a file of JSON",
    "registrar proof": "answers with a file of JSON",
    "registrar compare-key": "answers with a key, in a file",
    "registrar compare-file": "answers with a file",
    "witness cosign": "answers with a head, a format of its own (C2SP); may stay",
    "witness publish": "puts that head beside the ledger",
}
"""Commands without --json, and why."""


def test_every_command_answers_in_json_unless_there_is_a_reason() -> None:
    leaves = {" ".join(words) for words, one in ALL.items() if not isinstance(one, click.Group)}
    assert leaves - with_json() == set(NO_JSON)


def test_the_stages_of_a_poll_are_all_named() -> None:
    assert set(schema()["$defs"]["stage"]["enum"]) == set(Stage)


def test_an_unknown_field_is_no_answer() -> None:
    good = {"poll": "a" * 64, "entry": 4, "test": 0}
    check_answer(("poll", "publish"), good)
    for bad in ({**good, "more": 1}, {"poll": "a" * 64, "entry": 4}, {**good, "entry": "4"}, [good]):
        with pytest.raises(ValidationError):
            check_answer(("poll", "publish"), bad)
