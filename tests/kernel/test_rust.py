"""The kernel's own tests, in Rust: field arithmetic at the edge of its bounds, and whole batches, with and without AVX2."""

import os
import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

KERNEL = Path(__file__).resolve().parents[2] / "kernel"


def test_rust() -> None:
    environment = os.environ | {"CARGO_TERM_COLOR": "never"}
    command = ["cargo", "test", "--quiet"]
    run = subprocess.run(command, cwd=KERNEL, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert sum(int(passed) for passed in re.findall(r"(\d+) passed; 0 failed", run.stdout)) >= 18


def test_no_circle_of_modules() -> None:
    source = KERNEL / "core/src"
    names = {file.stem for file in source.glob("*.rs")} - {"lib"}
    uses: dict[str, set[str]] = {}
    for name in names:
        text = "".join(file.read_text() for file in [source / f"{name}.rs", *source.glob(f"{name}/*.rs")])
        used = " ".join(re.findall(r"\bcrate::(\w+|\{[^}]*\})", text))
        uses[name] = {other for other in names - {name} if re.search(rf"\b{other}\b", used)}
    assert "point" in uses["batch"]
    TopologicalSorter(uses).prepare()  # raises CycleError
