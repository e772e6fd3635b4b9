"""What ``veche`` offers to other programs is what its manual, the package's docstring, says."""

import doctest
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

import veche
from veche.cli import main

ROOT = Path(__file__).parents[2]
ROOMS = ("veche.log", "veche.permit", "veche.ballot")


def test_manual(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(city)
    done = doctest.testmod(veche, optionflags=doctest.ELLIPSIS)
    assert (done.attempted, done.failed) == (7, 0)


def test_manual_is_typed(tmp_path: Path) -> None:
    """Whoever copies from the manual gets types: nothing in it is ``Any`` to a strict checker."""
    program = tmp_path / "manual.py"
    program.write_text(doctest.script_from_examples(str(veche.__doc__)), encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--disallow-any-expr", "--config-file=", str(program)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_name_is_there() -> None:
    for name in veche.__all__:
        assert getattr(veche, name) is not None
        assert name in dir(veche)
    with pytest.raises(AttributeError, match="no attribute 'verify'"):
        veche.verify  # type: ignore[attr-defined]  # noqa: B018


def test_light_to_import() -> None:
    """The command line's help and other programs do not wait for what only some need."""
    code = "import sys, veche; print([name for name in ('sqlalchemy', 'rich', 'veche_kernel', 'cryptography') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
    code = "import sys, veche; veche.verify_ledger, veche.verify_archive, veche.report_ledger; print([name for name in ('sqlalchemy', 'rich', 'click') if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    kernel = tomllib.loads((ROOT / "kernel/Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]
    cometbft = tomllib.loads((ROOT / "cometbft/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert veche.__version__ == version("veche") == version("veche-kernel") == project["version"] == kernel["version"]
    assert veche.__version__ == version("veche-cometbft") == cometbft["version"]
    assert f"veche-kernel=={project['version']}" in project["dependencies"]
    (engine,) = [one for one in project["optional-dependencies"]["network"] if one.startswith("veche-cometbft")]
    assert engine.split(";")[0] == f"veche-cometbft=={project['version']}"
    assert CliRunner().invoke(main, ["--version"]).output == f"veche {veche.__version__}\n"
    assert f"\n## [{veche.__version__}] - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ROOMS)
def test_rooms(name: str) -> None:
    """A room says which of its modules others may use."""
    room = import_module(name)
    for module in room.__all__:
        assert import_module(f"{name}.{module}").__doc__
        assert f":mod:`{module}`" in str(room.__doc__)
