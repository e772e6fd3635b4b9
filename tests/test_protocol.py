"""docs/protocol.md against the code: every name that the program gives is on the page, and no other."""

import ast
import importlib
import re
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path

import pytest
from raised import SOURCE, Function, assigned, collected, kernel_rules, modules

from veche.audit import archive, binding, ledger, receipt
from veche.ledger import rules

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")

# The page


def section(number: int) -> str:
    """The text of one section of the page."""
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no section {number}"
    return found.group()


def tables(text: str) -> Iterator[list[list[str]]]:
    """The tables of a text: the rows below each head, cell by cell."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]
        yield [[cell.strip().replace("\\|", "|") for cell in row] for row in rows[2:]]


def names(text: str) -> list[str]:
    """The first column of the tables of a text: one name a row, in this type."""
    listed = [row[0] for table in tables(text) for row in table]
    assert all(re.fullmatch(r"`[^`]+`", name) for name in listed), listed
    return [name.strip("`") for name in listed]


# Rules


def test_rules_are_those_of_the_page() -> None:
    listed = names(section(8))
    assert len(set(listed)) == len(listed)
    assert set(listed) == collected("Refused") | kernel_rules()


def test_rules_in_the_text_are_listed() -> None:
    """What stands alone in brackets and in this type is a rule's name (or the reason of a derived entry)."""
    listed = set(names(section(8)))
    body = PAGE.split("## 7. ")[0]
    found = set(re.findall(r"\(`([a-z-]+)`\)", body))
    found |= {name for row in list(tables(section(3)))[-1] for name in re.findall(r"`([a-z-]+)`", row[1])}
    assert len(found) >= 25
    assert found <= listed


def test_kinds_of_entry_are_those_of_the_code() -> None:
    kinds = {*rules.BY_KIND, *rules.DERIVED, "charter", "ballot", "result"}
    ledger_s = next(tables(section(8)))
    assert {kind for row in ledger_s for kind in re.findall(r"`([^`]+)`", row[2])} <= kinds
    listed = {row[0].strip("`") for table in tables(section(2)) for row in table if row[0].startswith("`")}
    described = listed | set(re.findall(r'\["([a-z-]+)"', section(2)))
    assert kinds <= described


# Steps


def test_steps_are_those_of_the_page() -> None:
    listed = names(section(9))
    assert len(set(listed)) == len(listed)
    assert set(listed) == collected("DoesNotHold")


@pytest.mark.parametrize(
    ("steps", "letter"), [(ledger.STEPS, "L"), (archive.STEPS, "A"), (binding.STEPS, "B"), ({receipt.STEP: ""}, "R")]
)
def test_steps_of_a_verifier_are_those_of_the_page(steps: dict[str, str], letter: str) -> None:
    assert list(steps) == [name for name in names(section(9)) if re.fullmatch(rf"{letter}\d*", name)]
    if letter != "R":
        explained = [row[0] for table in tables(section(6)) for row in table]
        assert list(steps) == [name for name in explained if re.fullmatch(rf"{letter}\d+", name)]


# Constants

PLACES = ("ledger", "log", "ballot", "permit", "audit", "voter", "clock")
"""The packages in which the constants of the protocol stand."""


def constant(name: str) -> object:
    """The value of a constant of the code: ``NAME``, or ``file.NAME`` where several have one name."""
    *file, name = name.split(".")
    places = [
        module.name
        for module in modules().values()
        if module.name.split(".")[1:2] and module.name.split(".")[1] in PLACES and (not file or module.name.split(".")[-1] == file[0])
        and any(_defines(node, name) for node in module.tree.body)
    ]  # fmt: skip
    assert len(places) == 1, f"{name} is defined in {places}"
    found = getattr(importlib.import_module(places[0]), name)
    return tuple(map(str, found)) if isinstance(found, EnumType) else found


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name == name
    return not isinstance(node, Function) and any(True for _ in assigned(node, name))


def value(text: str, like: object) -> object:
    """What the page says, in the type that the code has."""
    if isinstance(like, tuple):
        return tuple(text.split(", "))
    if isinstance(like, str):
        return text
    power = re.fullmatch(r"2\^(\d+)(?: - (\d+))?", text)
    return 2 ** int(power[1]) - int(power[2] or 0) if power else int(text.replace(",", ""))


def test_constants_have_the_values_of_the_page() -> None:
    constants = next(tables(section(7)))
    assert len(constants) > 30
    for name, said, *_ in constants:
        actual = constant(name.strip("`"))
        assert value(said, actual) == actual, name


def test_what_is_hashed_begins_as_the_page_says() -> None:
    """Each beginning on the page occurs in the code, and each of Veche's own in the code is on the page."""
    _, table = tables(section(7))
    listed = {text for row in table for text in re.findall(r"`([^`]+)`", row[0])}
    files = [*SOURCE.rglob("*.py"), *(ROOT / "kernel/core/src").rglob("*.rs")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    code = code.replace("|{GROUP}|", "|Ed25519|")
    assert {begins for begins in listed if begins not in code and f'"{begins[:-1]}"' not in code} == set()
    ours = set(re.findall(r'"(veche-[a-z-]+-v1\||veche-v1\|[a-z-]+\|)', code))
    assert len(ours) > 8
    assert ours == {begins for begins in listed if begins.startswith("veche-")}


# The page as text


@pytest.mark.parametrize("name", ["protocol.md", "threats.md", "glossary.md"])
def test_lines_are_short(name: str) -> None:
    """About 100 columns, so that a change shows in a diff; tables excepted."""
    lines = (ROOT / "docs" / name).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith("|")] == []


def test_every_section_that_is_named_is_there() -> None:
    headings = set(re.findall(r"^##+ ([\d.]+?)\.? ", PAGE, re.MULTILINE))
    for number in re.findall(r"\((\d\.\d)(?:, (?:\d\.\d))*\)|[Ss]ection (\d)", PAGE):
        assert (number[0] or number[1]) in headings, number
    for table in (list(tables(section(7))), list(tables(section(8))), list(tables(section(9)))):
        for row in (row for rows in table for row in rows):
            for number in re.findall(r"^(?:section )?(\d(?:\.\d)?)(?:, (\d\.\d))?$", row[-1]):
                assert {each for each in number if each} <= headings, row


def test_a_term_of_the_glossary_has_one_meaning() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    *terms, others = tables(text)
    rows = [row for table in terms for row in table]
    listed = [row[0] for row in rows]
    assert len(set(listed)) == len(listed) > 80
    headings = set(re.findall(r"^##+ ([\d.]+?)\.? ", PAGE, re.MULTILINE))
    for term, russian, meaning, place in rows:
        assert re.search("[а-яё]", russian) and meaning, term
        assert set(re.findall(r"(?<![\w.])\d(?:\.\d)?(?![\w.])", re.sub(r"C2SP.*|RFC.*", "", place))) <= headings, term
    assert all(len(row) == 3 for row in others)
