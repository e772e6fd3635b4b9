"""The command line speaks the language that is asked for, click's words and the help texts included."""

import ast
import inspect
from types import ModuleType

import click
import pytest
from click import core, decorators, exceptions, formatting, parser, termui, types
from click.testing import CliRunner

from veche.cli import main
from veche.cli.language import OF_CLICK, OF_CLICK_COUNTED, asked_for
from veche.terminal.say import of_environment, wrapped

MODULES = (core, decorators, exceptions, formatting, parser, termui, types)
NOT_SAID = {"[OPTIONS]", "COMMAND [ARGS]...", "required"}
"""What click shows of its own without asking a catalogue by these words."""


def run(*arguments: str, **environment: str) -> str:
    done = CliRunner().invoke(
        main, arguments, env={"VECHE_LANG": "", "LC_ALL": "", "LC_MESSAGES": "", "LANG": "", **environment}
    )
    assert "Traceback" not in done.output
    return done.output


def said_by(module: ModuleType) -> set[str]:
    return {
        argument.value
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext")
        for argument in node.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_click_says_what_is_translated() -> None:
    said = set().union(*map(said_by, MODULES))
    assert {*OF_CLICK, *(form for pair in OF_CLICK_COUNTED for form in pair)} - NOT_SAID <= said


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "ru_RU", "LANG": "en_GB.UTF-8"}, "ru"),
        ({"VECHE_LANG": "ru", "LC_ALL": "en_US.UTF-8"}, "ru"),
        ({"VECHE_LANG": "en", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"VECHE_LANG": "xx", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"LANG": "../../etc"}, "en"),
    ],
)
def test_the_environment_names_a_language(environment: dict[str, str], spoken: str) -> None:
    assert of_environment(environment) == spoken
    assert ("Использование" in run("poll", "--help", **environment)) == (spoken == "ru")


def test_an_option_is_before_the_environment_wherever_it_stands() -> None:
    assert asked_for(["poll", "list", "--lang", "ru"]) == asked_for(["--lang=ru"]) == "ru"
    assert asked_for(["--lang"]) is asked_for(["--lang", "xx"]) is asked_for([]) is None
    assert "Ошибка" in run("poll", "show", "--lang", "ru", "3fa9", "--ledger", "/nowhere")
    assert "Error" in run("poll", "show", "--lang", "en", "3fa9", "--ledger", "/nowhere", LANG="ru_RU.UTF-8")
    assert "Использование" in run("--lang", "ru") and "Использование" in run("poll", "--help", "--lang", "ru")


def test_a_mistake_on_the_command_line_is_named_in_the_language_that_is_asked_for() -> None:
    for arguments in (["poll", "sho"], ["poll", "show"], ["poll", "show", "--nothing"], ["verify", "a", "b"]):
        told = run(*arguments, LANG="ru_RU.UTF-8")
        words = [word for line in told.splitlines() for word in line.split() if word.isascii() and word.isalpha()]
        assert {*words} <= {"veche", "poll", "show", "verify", "PATH", "POLL", "b"}, told
    assert "Invalid value for '--lang'" in run("poll", "list", "--lang", "xx")


def test_one_command_does_not_choose_for_the_next() -> None:
    assert "Ошибка" in run("verify", "/nowhere", "--lang", "ru")
    assert "Error" in run("verify", "/nowhere")


def test_lines_are_no_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = "one two three " * 20
    assert wrapped(sentence) == sentence  # no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "50")
    lines = wrapped(f"{sentence}\n  veche {sentence}").splitlines()
    assert all(len(line) <= 50 for line in lines[:-1]) and len(lines) > 5
    assert lines[-1] == f"  veche {sentence}"
    assert wrapped("a" * 70) == "a" * 70  # what is one word stays one


def test_every_command_has_the_option() -> None:
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None and "--lang" in run(name, "--help")
        if isinstance(command, click.Group):
            assert all("--lang" in run(name, below, "--help") for below in command.list_commands(context))
