"""The guides for clerks and observers do what they say: every block of theirs is run, in a folder of its own, as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from belenios import SHARED, belenios_tool

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = ("clerk.md", "verify.md")
LONGEST = 420
"""Seconds that the walk may take, which is three times what it takes on two cores with nothing else to do."""


def blocks(page: Path) -> list[str]:
    """What a guide tells to paste."""
    return re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def run(script: str, folder: Path, *tools: Path) -> str:
    """Run a script as a person would, but that it ends where a command fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), *map(str, tools), os.environ["PATH"]])
    stopped = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"  # whatever happens, no engine is left behind
    done = subprocess.run(
        ["bash", "-e", "-c", stopped + script], cwd=folder, env={**os.environ, "PATH": path, "VECHE_LANG": "en"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LONGEST, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("guide", GUIDES)
def test_both_languages_say_the_same_commands(guide: str) -> None:
    said = blocks(DOCS / guide)
    assert said and said == blocks(DOCS / "ru" / guide)


def test_from_an_empty_folder_to_a_poll_that_everybody_verifies(tmp_path: Path) -> None:
    walk, check = ("".join(blocks(DOCS / guide)) for guide in GUIDES)
    if not SHARED.is_dir():
        check = "".join(line for line in check.splitlines(keepends=True) if not line.startswith("belenios-tool"))
    out = run(f"{walk}\n{check}", tmp_path, *([belenios_tool().parent] if SHARED.is_dir() else []))
    assert re.search(r"2 50 km/h +█+ +3 +100.0%", out) and "50 km/h from May." in out
    assert "Everything that is in this ledger holds." in out and "Whose ledger this is: A walk through" in out
    assert (tmp_path / "speed.bel").exists() and (tmp_path / "speed.bound.json").exists()
