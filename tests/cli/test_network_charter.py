"""A charter of a network, from its draft to the ledger of one of its validators."""

from pathlib import Path

import pytest

from veche.keys import SigningKey
from veche.ledger.entries.engine import Network
from veche.world import VALIDATORS

from .city import OFFICES, charter_draft
from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """A key file for each office, and for each of four validators."""
    files = {
        name: tmp_path / f"{number}.key"
        for number, name in enumerate([name for name, _ in OFFICES] + list(VALIDATORS[:4]))
    }
    for file in files.values():
        SigningKey.generate().save(file)
    return files


def draft(keys: dict[str, Path], *validators: str) -> str:
    """With these validators, each with a consensus key that is nobody's."""
    offices = {name: SigningKey.load(keys[name]).public.hex() for name, _ in OFFICES}
    text = charter_draft("", offices).replace('log_key = ""\n', "").replace('operator = "City hall: computing"\n', "")
    return text + "".join(
        f"""[[validator]]
institution = "{name}"
key = "{SigningKey.load(keys[name]).public.hex()}"
votes = "{SigningKey.generate().public.hex()}"
url = "https://n{number}.example"
peer = "{number:040x}@n{number}.example:26656"
"""
        for number, name in enumerate(validators)
    )


def test_all_sign_it_and_each_validator_begins_with_its_own_key(tmp_path: Path, keys: dict[str, Path]) -> None:
    file, entry = tmp_path / "charter.toml", tmp_path / "charter.entry"
    file.write_text(draft(keys, *reversed(VALIDATORS[:4])), encoding="utf-8")  # in whatever order
    first, *others = keys.values()
    shown = ok("charter", "sign", file, "--key", first).out
    for said in (
        "https://n3.example",
        f"{0:040x}@n0.example:26656",
        *VALIDATORS[:4],
        "over two thirds of its 4 validators together",
    ):
        assert said in " ".join(shown.split()), said
    for key in others:
        signed = ok("charter", "sign", entry, "--key", key).out
    assert "Everybody has signed" in signed
    engine = ok("charter", "show", file, "--json").json["engine"]
    assert [row["institution"] for row in engine["validators"]] == list(VALIDATORS[:4]) and engine[
        "name"
    ] == Network.name
    for number in range(2):
        folder = tmp_path / f"home-{number}"
        folder.mkdir()
        (folder / "log.key").write_bytes(keys[VALIDATORS[number]].read_bytes())
        (folder / "log.key").chmod(0o600)
        ok("ledger", "init", "--ledger", folder, entry)
        assert not (folder / "checkpoint").exists(), "no head is final yet"
    (folder := tmp_path / "stranger").mkdir()
    SigningKey.generate().save(folder / "log.key")
    fails(2, "not the key of a validator that the charter names", "ledger", "init", "--ledger", folder, entry)


@pytest.mark.parametrize(
    ("code", "change", "said"),
    [
        (2, ("\nk = 2", '\noperator = "City hall"\nk = 2'), "either operator and log_key, or validators"),
        (2, ("[[validator]]", "[[validators]]"), "'validators' is not known there"),
        (2, ("https://n0", "HTTPS://n0"), "is not the address of a node"),
        (2, ("n0.example:26656", "n0.example"), "is not the address of a peer"),
        (2, ("votes = ", "vote = "), "'vote' is not known there"),
        (2, ("https://n1", "https://n0"), "Two validators share"),
    ],
)
def test_a_draft_that_is_none(
    tmp_path: Path, keys: dict[str, Path], code: int, change: tuple[str, str], said: str
) -> None:
    file = tmp_path / "charter.toml"
    file.write_text(draft(keys, *VALIDATORS[:4]).replace(*change, 1), encoding="utf-8")
    answer = inside("charter", "show", file)
    assert answer.code != 0 and said in " ".join((answer.out + answer.err).split()), answer
