"""The words of the sources: what docs/glossary.md and the docstrings of packages promise."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/veche"
TEXTS = {".css", ".html", ".json", ".md", ".po", ".py", ".pyi", ".rs", ".toml"}

PACKAGES = (
    "ballot", "ballot/archive", "log", "permit", "ledger", "engine", "engine/cometbft", "audit", "audit/page", "node", "node/dashboard", "node/explorer", "voter", "trustee", "registrar", "witness",
    "terminal", "demo",
)  # fmt: skip
"""Packages whose docstring says what is in them."""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_names_all_that_is_in_it(package: str) -> None:
    folder = SOURCE / package
    doc = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert modules | packages == set(re.findall(r":mod:`(\w+)`", doc))


def _sources() -> Iterator[Path]:
    kernel = ("kernel/core/src", "kernel/python/src", "kernel/python/veche_kernel")
    for folder in ("src", *kernel, "vectors", "bench", "scenarios", "tests"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in TEXTS)


def test_a_person_is_they_in_the_sources_too() -> None:
    found = re.compile(r"\b(she|hers?|herself|he|his|him|himself)\b", re.I)
    paths = [path for path in _sources() if path.name not in ("test_docs.py", "test_words.py")]  # which name them
    assert len(paths) > 150
    assert [path.name for path in paths if found.search(path.read_text(encoding="utf-8"))] == []
