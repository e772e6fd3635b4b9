"""The Makefile notices what it has to notice, and cleans up after itself."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "kernel"
COMETBFT = ROOT / "cometbft"


def make(*arguments: str) -> str:
    """What make says that it would do, without doing it."""
    return subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True).stdout


def prerequisites(target: str) -> set[str]:
    """The files whose change makes this target be made anew."""
    (rule,) = [line for line in make("--print-data-base", target).splitlines() if line.startswith(f"{target}: ")]
    return set(rule.removeprefix(f"{target}: ").split())


def files(*folders: Path) -> set[str]:
    """All files below these folders that are written by people: neither links nor made by a program."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    made = ("THIRD-PARTY.txt", "veche-cometbft")
    written = [path for path in found if path.suffix not in (".so", ".pyc") and path.name not in made]
    return {path.relative_to(ROOT).as_posix() for path in written}


def test_a_change_in_any_file_of_the_kernel_is_compiled() -> None:
    compiled = files(KERNEL / "core", KERNEL / "python") - files(KERNEL / "python" / "veche_kernel")
    assert "kernel/core/src/vartime/field.rs" in compiled and "kernel/python/pyproject.toml" in compiled
    compiled |= {"kernel/Cargo.toml", "pyproject.toml"}
    assert compiled <= prerequisites("build/.setup")
    assert "--reinstall-package veche-kernel" in make("--what-if", "kernel/core/src/vartime/field.rs", "setup")


def test_a_change_in_any_file_of_a_wheel_is_in_the_next_release() -> None:
    assert prerequisites("build/.setup") - {"cometbft/pyproject.toml"} | files(KERNEL / "python") <= prerequisites(
        "build/.kernel"
    )
    assert {"build/.kernel", "README.md", "LICENSE", "pyproject.toml"} | files(ROOT / "src") <= prerequisites(
        "dist/constraints.txt"
    )
    assert "maturin build" in make("--what-if", "LICENSE", "dist")
    in_no_wheel = {f"cometbft/{name}" for name in (".gitignore", "protos.py")}
    assert files(COMETBFT) - in_no_wheel <= prerequisites("build/.cometbft-wheel")
    assert "build/.cometbft-wheel" in prerequisites("dist/constraints.txt")
    compiled = {f"cometbft/{name}" for name in ("build.py", "go.mod", "go.sum", "main.go", "block.go", "begin.go")}
    assert compiled <= prerequisites("build/.cometbft")


def test_a_release_is_for_no_machine_in_particular() -> None:
    said = make("--what-if", "LICENSE", "dist").replace("\\\n", " ").splitlines()
    (build,) = [line for line in said if "maturin build" in line]
    assert "RUSTFLAGS=" in build and "target-cpu" not in build


def test_clean_removes_all_that_is_ignored() -> None:
    """What git ignores is what make makes."""
    removed = make("clean")
    for file in (ROOT / ".gitignore", KERNEL / ".gitignore", COMETBFT / ".gitignore"):
        for pattern in file.read_text(encoding="utf-8").split():
            assert pattern.strip("/") in removed, pattern
