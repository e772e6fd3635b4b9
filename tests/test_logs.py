"""What a long-running process says: to a person, to a machine, and what it never says."""

import json
import logging

import pytest

from veche import logs


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_level", logging.WARNING)


def test_json_for_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    logs.log().warning("dropped a file", reason="слишком длинно")
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    line = json.loads(said.err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "dropped a file", "level": "warning", "reason": "слишком длинно"}


def test_plain_lines_for_a_person(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    logs.log().warning("dropped a file", reason="it is too long")
    said = capsys.readouterr().err
    assert "dropped a file" in said and "it is too long" in said and "{" not in said and "\x1b" not in said


def test_what_is_only_of_interest_is_said_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.log().info("took entries", entries=3)
    assert capsys.readouterr().err == ""
    logs.verbose()
    logs.log().info("took entries", entries=3)
    assert json.loads(capsys.readouterr().err)["entries"] == 3


@pytest.mark.parametrize("field", ["person", "entry", "tracker", "seed", "name"])
def test_nothing_is_said_that_is_not_in_the_list(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        logs.log().warning("dropped a file", **{field: "x"})
