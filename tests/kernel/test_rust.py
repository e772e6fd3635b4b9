"""The kernel's own tests, in Rust: field arithmetic at the edge of its bounds, which are asserted in that build only."""

import os
import re
import subprocess
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[2] / "kernel"


def test_rust() -> None:
    environment = os.environ | {"CARGO_TERM_COLOR": "never", "PYO3_PYTHON": "python3"}
    run = subprocess.run(
        ["cargo", "test", "--quiet"], cwd=KERNEL, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert sum(int(passed) for passed in re.findall(r"(\d+) passed; 0 failed", run.stdout)) >= 11
