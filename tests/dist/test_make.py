"""The Makefile notices what it has to notice, and cleans up after itself."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "kernel"
COMPILED = [
    path.relative_to(ROOT).as_posix()
    for folder in (KERNEL / "core", KERNEL / "python" / "src")
    for path in sorted(folder.rglob("*"))
    if path.is_file()
]


def dry(*arguments: str) -> str:
    """What make would do."""
    return subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "name", [*COMPILED, "kernel/Cargo.toml", "kernel/python/Cargo.toml", "kernel/python/pyproject.toml"]
)
def test_a_change_in_the_kernel_is_compiled(name: str) -> None:
    assert "--reinstall-package veche-kernel" in dry("-W", name, "setup")
    assert "maturin build" in dry("-W", name, "dist")


def test_the_arithmetic_is_among_them() -> None:
    assert any("/vartime/" in name for name in COMPILED)


@pytest.mark.parametrize("name", ["kernel/python/veche_kernel/_veche_kernel.pyi", "LICENSE"])
def test_a_change_beside_the_kernel_is_in_its_next_wheel(name: str) -> None:
    assert "maturin build" in dry("-W", name, "dist")


@pytest.mark.parametrize("name", ["src/veche/errors.py", "src/veche/py.typed", "README.md", "pyproject.toml"])
def test_a_change_in_python_is_in_the_next_wheel(name: str) -> None:
    assert "build --quiet --out-dir dist" in dry("-W", name, "dist")


def test_a_release_is_for_no_machine_in_particular() -> None:
    (build,) = [
        line for line in dry("-W", "LICENSE", "dist").replace("\\\n", " ").splitlines() if "maturin build" in line
    ]
    assert "RUSTFLAGS=" in build and "target-cpu" not in build


def test_clean_removes_all_that_is_ignored() -> None:
    """What git ignores is what make makes."""
    removed = dry("clean")
    for file in (ROOT / ".gitignore", KERNEL / ".gitignore"):
        for pattern in file.read_text(encoding="utf-8").split():
            assert pattern.strip("/") in removed, pattern
