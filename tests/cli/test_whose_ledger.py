"""Which ledger is it? One that holds may be another than the one that was meant, and a receipt of another is no forgery."""

from pathlib import Path

import pytest
from doctor import ORIGIN, publish
from doctored import FOLDER, INDEX, entries_of, unpack

from veche.keys import SigningKey
from veche.log.log import Log
from veche.log.source import Folder

from .conftest import fails, inside, ok

HONEST, ID = FOLDER / "honest.tar", INDEX["ledger"]


def test_a_ledger_can_be_pinned() -> None:
    for wanted in (ID, ID[:16], ID.upper()):
        assert "the ledger that you named" in ok("verify", HONEST, "--id", wanted, run=inside).out
    for words in ("City's ledger", "ГОРОДА реестр", "computing", "veche.example/city"):
        ok("verify", HONEST, "--charter", words, run=inside)


def test_another_ledger_is_refused_before_anything_else_is_checked() -> None:
    wrong = "0" * 64
    fails(1, f"its id is {ID}", "verify", HONEST, "--id", wrong, run=inside)
    fails(1, f"its id is {ID}", "verify", FOLDER / "tally-sums.tar", "--id", wrong, run=inside)
    fails(1, "does not say 'village'", "verify", HONEST, "--charter", "ledger village", run=inside)


@pytest.mark.parametrize("wanted", ["", "12345", ID[:15], ID + "0", "z" * 16])
def test_what_is_no_id(wanted: str) -> None:
    fails(2, "is not the id of a ledger", "verify", HONEST, "--id", wanted, run=inside)


def test_whose_ledger_it_is_is_said_if_it_was_not_pinned() -> None:
    said = ok("verify", HONEST, run=inside).out
    assert "Whose ledger this is: The city's ledger (veche.example/city), run by City hall: computing." in said
    assert f"--id {ID}" in said


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return unpack("honest.tar", tmp_path / "ledger")


def receipt(folder: Path, to: Path) -> Path:
    """Of the first ballot of this ledger, whoever signed its head; the entry is beside it."""
    log = Log(Folder(folder), Folder(folder).checkpoint().checkpoint)
    to.with_suffix(".entry").write_bytes(log.entry(2))
    to.with_suffix(".tlog-proof").write_bytes(log.receipt(2, Folder(folder).checkpoint()).to_bytes())
    return to.with_suffix(".tlog-proof")


@pytest.mark.parametrize(
    ("origin", "sentence"),
    [
        ("village.example/ledger", f"is of another ledger, village.example/ledger; this one is {ORIGIN}"),
        (ORIGIN, f"is of another ledger of the same name, {ORIGIN}"),
    ],
)
def test_a_receipt_of_another_ledger_is_no_forgery(origin: str, sentence: str, ledger: Path, tmp_path: Path) -> None:
    other = publish(tmp_path / "other", entries_of(ledger), origin, SigningKey.generate())
    made = receipt(other, tmp_path / "vote")
    for command in (
        ["ledger", "check-receipt", made, "-l", ledger],
        ["verify", ledger, "--receipt", made],
        ["ledger", "consistency", "--ledger", ledger, other / "checkpoint"],
    ):
        answer = fails(2, sentence, *command, run=inside)
        assert not any(word in answer.err for word in ("alarm", "forge", "evidence", "0 of 1"))


def test_a_forged_receipt_still_is_one(ledger: Path, tmp_path: Path) -> None:
    """Somebody else's signature under the name of this ledger's key: it says whose it is not."""
    made = receipt(ledger, tmp_path / "vote")
    data = made.read_bytes()
    own = Folder(ledger).checkpoint().signatures[0]
    forged = type(own)(own.name, own.key_id, bytes(64))
    made.write_bytes(data.replace(own.line().encode(), forged.line().encode()))
    fails(1, "not by this key", "ledger", "check-receipt", made, "-l", ledger, run=inside)
    fails(1, "✗ R", "verify", ledger, "--receipt", made, run=inside)
