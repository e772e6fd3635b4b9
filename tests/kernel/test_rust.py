"""The kernel's own tests, in Rust: field arithmetic at the edge of its bounds, which are asserted in that build only."""

import os
import re
import subprocess
import sys
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[2] / "kernel"
# The tests call nothing of Python, so they are linked without it: not every machine has its library to link with.
WITHOUT_PYTHON = "-C relro-level=partial -C link-arg=-Wl,--unresolved-symbols=ignore-all -C link-arg=-Wl,-z,lazy"


def test_rust() -> None:
    environment = os.environ | {"CARGO_TERM_COLOR": "never", "PYO3_PYTHON": sys.executable, "RUSTFLAGS": WITHOUT_PYTHON}
    command = ["cargo", "test", "--quiet", "--lib", "--features", "pyo3/extension-module"]
    run = subprocess.run(command, cwd=KERNEL, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert sum(int(passed) for passed in re.findall(r"(\d+) passed; 0 failed", run.stdout)) >= 11
