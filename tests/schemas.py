"""Whether what a command answers with --json is what docs/schema says of it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[1] / "docs" / "schema" / "veche.json"


@cache
def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def commands() -> set[str]:
    """The commands that the schema knows, by their words."""
    return set(schema()["$defs"]["commands"])


@cache
def _validator(where: str) -> Draft202012Validator:
    return Draft202012Validator({"$defs": schema()["$defs"], "$ref": f"#/$defs/{where}"})


def check_answer(words: tuple[str, ...], answer: Any) -> None:
    """What the command that begins with these words answered. Raises ValidationError."""
    (name,) = (name for name in (words[0], " ".join(words[:2])) if name in commands())
    _validator(f"commands/{name.replace(' ', '%20')}").validate(answer)


def check_error(answer: Any) -> None:
    """What any command answers that failed. Raises ValidationError."""
    _validator("error").validate(answer)
