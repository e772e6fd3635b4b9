"""Every command teaches: what it is for, an example, and what each option means."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import veche
from veche.cli import main
from veche.cli.group import COMMANDS
from veche.cli.options import LedgerPath

from .conftest import inside, ok

README = Path(__file__).parents[2] / "README.md"


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))


ALL = dict(commands(main))


def test_every_command_is_there() -> None:
    assert {words[0] for words in ALL} == set(COMMANDS)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_it_says_what_it_is_for(words: tuple[str, ...]) -> None:
    shown = ok(*words, "--help", run=inside).out
    assert shown.startswith(f"Usage: veche {' '.join(words)}")
    assert f"veche {words[0]}" in shown.split("Example:")[1]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_option_is_explained(words: tuple[str, ...]) -> None:
    options = [one for one in ALL[words].params if isinstance(one, click.Option)]
    assert all(option.help for option in options), [option.name for option in options if not option.help]


def test_the_ledger_is_named_in_one_way() -> None:
    """``--ledger FOLDER``, ``-l``, VECHE_LEDGER, else ``ledger``: in every command but the two whose object it is."""
    bare = {}
    for words, command in ALL.items():
        for param in command.params:
            if isinstance(param.type, LedgerPath) and param.opts not in (["--ledger", "-l"], ["--also"]):
                bare[words] = param.name
            elif param.opts == ["--ledger", "-l"]:
                assert (param.envvar, param.default) == ("VECHE_LEDGER", "ledger"), words
    assert set(bare) == {("verify",), ("compare",)}


def test_an_unknown_command_is_named() -> None:
    answer = inside("volte")
    assert answer.code == 2 and "volte" in answer.err


def test_the_package_is_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "veche", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == ok("--version", run=inside).out == f"veche {veche.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell: str) -> None:
    """What README says to put into a shell's beginning; and what the shell then asks for."""
    assert "_VECHE_COMPLETE=bash_source veche" in README.read_text(encoding="utf-8")
    program = [sys.executable, "-c", "from veche.cli import main; main(prog_name='veche')"]
    asked = {**os.environ, "COMP_WORDS": "veche led", "COMP_CWORD": "1"} | (
        {"COMP_CWORD": "led"} if shell == "fish" else {}
    )
    source = asked | {"_VECHE_COMPLETE": f"{shell}_source"}
    complete = asked | {"_VECHE_COMPLETE": f"{shell}_complete"}
    assert "_VECHE_COMPLETE" in subprocess.run(program, capture_output=True, text=True, env=source, check=True).stdout
    assert "ledger" in subprocess.run(program, capture_output=True, text=True, env=complete, check=True).stdout


def test_the_version() -> None:
    assert ok("--version", run=inside).out.startswith("veche ")
