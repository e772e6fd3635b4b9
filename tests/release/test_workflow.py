"""The workflow for a forge, which is not run here: it says so, and names the versions, targets and commands that there are."""

import re
import shlex
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from veche.cli import main

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github" / "workflows" / "wheels.yml"
TEXT = FILE.read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]
    return found


def test_it_says_that_it_was_never_run() -> None:
    assert TEXT.startswith("# NOT RUN HERE")


def test_versions_are_those_of_the_project() -> None:
    said: dict[str, Any] = yaml.safe_load(TEXT)["env"]
    assert f"UV_VERSION := {said['UV_VERSION']}\n" in MAKEFILE
    assert f'requires-python = ">={said["PYTHON"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_targets_and_commands_exist() -> None:
    steps = [step for job in jobs().values() for step in job["steps"]]
    matrix = jobs()["compiled"]["strategy"]["matrix"]["include"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()] + [
        f"make {one['packages']}" for one in matrix
    ]
    targets = {word for line in lines if line.startswith("make ") and "$" not in line for word in line.split()[1:]}
    assert targets == {"build/.kernel", "build/.cometbft-wheel", "dist"}
    assert all(re.search(rf"^{re.escape(target)}:", MAKEFILE, re.MULTILINE) for target in targets)
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("veche ")]
    assert len(commands) == 2
    for words in commands:
        answer = CliRunner().invoke(main, [words[0], "--help"])
        assert answer.exit_code == 0 and all(word in answer.output for word in words if word.startswith("--"))


def test_three_systems_and_only_validators_have_an_engine() -> None:
    machines = {one["machine"]: one["packages"] for one in jobs()["compiled"]["strategy"]["matrix"]["include"]}
    assert {name.split("-")[0] for name in (*machines, jobs()["release"]["runs-on"])} == {"ubuntu", "macos", "windows"}
    assert {name for name, packages in machines.items() if "cometbft" not in packages} == {"windows-2025"}
    assert {*machines, jobs()["release"]["runs-on"]} == set(jobs()["tried"]["strategy"]["matrix"]["machine"])


def test_actions_are_pinned() -> None:
    used = [step["uses"] for job in jobs().values() for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@([0-9a-f]{40}|v\d+\.\d+\.\d+)", one) for one in used)
