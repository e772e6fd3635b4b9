"""What is found, as JSON has it: every number and text under a name. docs/json.md says what each command answers."""

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from typing import Any

from veche.texts import Localizable

NAME = "json"
"""In the metadata of a field: its name in JSON, where that is another one."""
NAMES = {"class_name": "class", "least": "min", "most": "max"}
"""Fields that have another name in JSON wherever they are: the one of drafts, which Python keeps for itself."""


def values(of: Any) -> Any:
    """Dataclasses and named tuples by the names of their fields, bytes in hexadecimal, what people read in both languages."""
    if isinstance(of, Localizable):
        return {"en": of.text("en"), "ru": of.text("ru")}
    if is_dataclass(of) and not isinstance(of, type):
        return {_name(field): values(getattr(of, field.name)) for field in fields(of)}
    if isinstance(of, bytes):
        return of.hex()
    if isinstance(of, Enum):
        return of.value
    if isinstance(of, Mapping):
        return {str(name): values(value) for name, value in of.items()}
    if hasattr(of, "_fields"):
        return {name: values(getattr(of, name)) for name in of._fields}
    if isinstance(of, list | tuple | set | frozenset):
        return [values(item) for item in (of if isinstance(of, list | tuple) else sorted(of))]
    return of


def _name(field: Field[Any]) -> str:
    return str(field.metadata.get(NAME, NAMES.get(field.name, field.name)))
