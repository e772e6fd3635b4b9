"""The type stubs of the kernel say what the compiled module has, no more and no less."""

import subprocess
import sys
from pathlib import Path


def test_stubs_fit_the_module() -> None:
    repository = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "mypy.stubtest", "--ignore-disjoint-bases", "veche_kernel"]
    run = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
