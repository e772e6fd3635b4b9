"""The units in docs/: ones that systemd takes, which run a command that there is and restart what may be restarted."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche import errors
from veche.cli import main

DOCS = Path(__file__).parents[2] / "docs"
UNITS = {"veche-ledger.service": "veche ledger run", "veche-node.service": "veche node run"}
PROGRAM = "/opt/veche/bin/veche"


@pytest.fixture(params=list(UNITS))
def unit(request: pytest.FixtureRequest) -> Path:
    return DOCS / str(request.param)


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit, encoding="utf-8")
    return parser["Service"]


def test_there_are_no_others() -> None:
    assert {path.name for path in DOCS.glob("*.service")} == UNITS.keys()


def test_the_command_is_one_that_there_is(unit: Path) -> None:
    program, *words = service(unit)["ExecStart"].split()
    assert program == PROGRAM
    answer = CliRunner().invoke(main, [*words, "--help"])
    assert answer.exit_code == 0 and answer.output.startswith(f"Usage: {UNITS[unit.name]}")
    (folder,) = [word for word in words if word.startswith("/")]
    assert folder.startswith(f"/var/lib/{service(unit)['StateDirectory']}/"), "where it may write"


def test_what_has_refused_to_go_on_is_not_started_again(unit: Path) -> None:
    """A clock that is wrong, a disk that is full, a ledger that does not hold: a person looks at it first."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.VecheError)]
    codes = {str(kind.exit_code) for kind in kinds}
    assert len(kinds) >= 5 and codes <= set(service(unit)["RestartPreventExitStatus"].split())
    assert service(unit)["Restart"] == "on-failure"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_it_and_finds_it_hardened(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text(encoding="utf-8").replace(PROGRAM, sys.executable)
    copy = tmp_path / unit.name
    copy.write_text(re.sub("^(User|Group)=.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
    copy.write_text(text.replace("ProtectSystem=strict", "ProtectSistem=strict"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    assert "ProtectSistem" in done.stderr, "it looks at every line"
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:]
