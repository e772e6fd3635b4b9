"""Runs the real program, as people do: one process a command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemas
from click.testing import CliRunner

from veche.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "veche"]


@dataclass(frozen=True)
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def first(self) -> str:
        """The first line of the output."""
        return self.out.splitlines()[0]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VECHE_")}
    return kept | {"COLUMNS": "100", "PYTHONUTF8": "1"}


def veche(*args: object) -> Answer:
    """Run a command. Whatever it does, it never shows a traceback."""
    words = [*PROGRAM, *map(str, args)]
    done = subprocess.run(
        words, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment(), timeout=120
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "does not expect" not in done.stderr, done.stderr
    return documented(args, Answer(done.returncode, done.stdout, done.stderr))


def documented(args: tuple[object, ...], answer: Answer) -> Answer:
    """Whatever is answered in JSON is what docs/schema says, errors too."""
    words = tuple(map(str, args))
    if "--json" in words and answer.code in (0, 1, 2, 3):
        first, *more = documents(answer.out)
        assert not more, answer.out
        if "error" in first:
            schemas.check_error(first)
            assert first["error"]["exit"] == answer.code != 0
        else:
            schemas.check_answer(words, first)
    return answer


def documents(text: str) -> list[Any]:
    """The JSON documents in a text, one after another."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def inside(*args: object, stdin: str = "") -> Answer:
    """The same as :func:`veche` in this process: quicker, and a resource left open is an error."""
    result = CliRunner().invoke(main, [str(word) for word in args], input=stdin, catch_exceptions=False)
    assert "Traceback" not in result.output
    assert "does not expect" not in result.stderr, result.stderr
    return documented(args, Answer(result.exit_code, result.stdout, result.stderr))


Run = Callable[..., Answer]


def ok(*args: object, run: Run = veche) -> Answer:
    """Run a command that must succeed."""
    answer = run(*args)
    assert answer.code == 0, f"{args}: {answer.out}{answer.err}"
    return answer


def fails(code: int, sentence: str, *args: object, run: Run = veche) -> Answer:
    """Run a command that must fail with this exit code and say this."""
    answer = run(*args)
    assert answer.code == code, f"{args}: {answer.code}: {answer.out}{answer.err}"
    assert sentence in answer.err, answer.err
    return answer


def ok_inside(*args: object) -> Answer:
    """:func:`ok` in this process."""
    return ok(*args, run=inside)


def fails_inside(code: int, sentence: str, *args: object) -> Answer:
    """:func:`fails` in this process."""
    return fails(code, sentence, *args, run=inside)


class Engine:
    """``veche ledger run`` in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        words = [*PROGRAM, "ledger", "run", "--ledger", str(folder), *options]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        assert self.process.stdout is not None
        self.first = self.process.stdout.readline()

    def stop(self) -> Answer:
        """End it as Ctrl-C does."""
        self.process.terminate()
        out, err = self.process.communicate(timeout=30)
        return Answer(self.process.returncode, self.first + out, err)

    def crash(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def engines() -> Iterator[list[Engine]]:
    """Engines that a test starts, all of them ended with it."""
    started: list[Engine] = []
    yield started
    for engine in started:
        if engine.process.poll() is None:
            engine.crash()
