"""The program that `make cometbft` compiled, and what was written from the CometBFT that it pins."""

import re
import subprocess
from pathlib import Path

import pytest
import veche_cometbft

ROOT = Path(__file__).parents[3]
COMETBFT = ROOT / "cometbft"


def test_one_version_is_pinned_exactly() -> None:
    """Newer tags of the module lead to versions that were taken back."""
    pinned = re.findall(r"^\s*(github.com/cometbft/cometbft) (v\S+)$", (COMETBFT / "go.mod").read_text(), re.MULTILINE)
    assert pinned == [("github.com/cometbft/cometbft", "v0.40.0")]
    assert "replace" not in (COMETBFT / "go.mod").read_text()


def test_the_program_is_there_and_answers() -> None:
    said = subprocess.run([veche_cometbft.PROGRAM, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert said.returncode == 0 and "The consensus engine of Veche" in said.stdout


def test_the_messages_are_those_of_the_pinned_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs the module, which compiling has fetched. Run cometbft/protos.py if this fails."""
    monkeypatch.syspath_prepend(COMETBFT)
    import protos

    assert (protos.INTO / "abci.proto").read_text(encoding="utf-8") == protos.gathered()
    generated = (protos.INTO / "abci_pb2.py").read_text(encoding="utf-8")
    for name in re.findall(r"^(?:message|enum) (\w+)", protos.gathered(), re.MULTILINE):
        assert name in generated


def test_every_module_that_is_compiled_in_comes_with_its_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(COMETBFT)
    import build

    text, linked = build.licences(), build.linked()
    assert {name for name, _ in linked} > {
        "github.com/cometbft/cometbft",
        "golang.org/x/sys",
        "google.golang.org/protobuf",
    }
    assert all(f"{name} {version}\n" in text for name, version in linked)
