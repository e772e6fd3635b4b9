"""Debian's belenios-tool, fetched once into build/belenios by the launcher in the shared folder; where it cannot be had, tests fail."""

import subprocess
from pathlib import Path

from filelock import FileLock

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


def belenios_tool() -> Path:
    """The path of the official tool. Workers of a test run that ask at once wait for one another."""
    folder = REPOSITORY / "build" / "belenios"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        fetch = ["bash", str(SHARED / "tools" / "get-belenios-tool"), str(folder)]
        done = subprocess.run(fetch, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"belenios-tool cannot be had: {done.stderr}"
    return folder / "belenios-tool"
