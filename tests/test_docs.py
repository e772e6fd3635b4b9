"""What the README says works when it is typed."""

import re
import shlex
from pathlib import Path

import click

from veche.cli import main
from veche.cli.group import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]


def commands() -> list[list[str]]:
    """Every veche command line in the README's code blocks."""
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line[1:] for line in lines if line and line[0] == ".venv/bin/veche"]


def test_the_readme_s_commands_exist() -> None:
    """Each command parses, options and all (the demo's own test runs such commands on a demo's ledger)."""
    found = commands()
    assert len(found) >= 3
    for words in found:
        group: click.Command = main
        rest = [word for word in words if word != "--help"]
        context = click.Context(group)
        while isinstance(group, click.Group) and rest and not rest[0].startswith("-"):
            inner = group.get_command(context, rest[0])
            assert inner is not None, words
            group, rest = inner, rest[1:]
        if not isinstance(group, click.Group):
            group.make_context(words[0], list(rest))  # raises click.UsageError for what does not exist


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"`make (\w+)`", page.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (page.name, target)


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), (page.name, link)


def test_every_command_group_has_a_file() -> None:
    assert all((ROOT / "src/veche/cli" / f"{name.replace('-', '_')}.py").exists() for name in COMMANDS)


def test_every_dependency_is_explained() -> None:
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    python = re.findall(r'^  "([a-z0-9-]+)(?:>=|")', project, re.MULTILINE)
    cargo = (ROOT / "kernel/Cargo.toml").read_text(encoding="utf-8")
    cargo = cargo.split("[workspace.dependencies]")[1].split("\n\n")[0]
    rust = re.findall(r"^([a-z0-9-]+) =", cargo, re.MULTILINE)
    assert len(python) > 10 and len(rust) > 5
    for name in [*python, *rust]:
        assert name == "veche-kernel" or re.search(rf"\b{name}\b", explained), name


def test_a_person_is_they() -> None:
    for page in [*PAGES, ROOT / "scenarios/README.md", ROOT / "vectors/README.md"]:
        assert not re.search(r"\b(she|hers?|herself|he|his|him|himself)\b", page.read_text(encoding="utf-8"), re.I), (
            page.name
        )
