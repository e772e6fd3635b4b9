"""What commands answer with --json has a documented form, whatever happens. tests/cli/conftest.py holds every answer of every test of
this folder against docs/schema; here is what is left."""

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


def test_the_stages_of_a_poll_are_all_named() -> None:
    assert set(schema()["$defs"]["stage"]["enum"]) == set(Stage)


def test_an_unknown_field_is_no_answer() -> None:
    good = {"poll": "a" * 64, "entry": 4, "test": 0}
    check_answer(("poll", "publish"), good)
    for bad in ({**good, "more": 1}, {"poll": "a" * 64, "entry": 4}, {**good, "entry": "4"}, [good]):
        with pytest.raises(ValidationError):
            check_answer(("poll", "publish"), bad)
