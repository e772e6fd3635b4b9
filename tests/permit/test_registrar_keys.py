"""A registrar's RSA keys: for each group one key for good, wherever the program ends; and none when the poll is over."""

import shutil
from pathlib import Path

import pytest
from faults import AFTER, BEFORE, FULL, TORN, Disk, crashes

from veche.errors import UserError
from veche.permit.blind_rsa import IssuerKey
from veche.registrar.keys import RegistrarKeys
from veche.registrar.registrar import Registrar

POLL = "ab" * 32


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, key: IssuerKey, other_key: IssuerKey) -> None:
    """Every second key is the same, so that a test need not wait for new ones."""
    turns = [0]

    def generate(bits: int = 2048) -> IssuerKey:
        turns[0] += 1
        return (key, other_key)[turns[0] % 2]

    monkeypatch.setattr(IssuerKey, "generate", generate)


def test_a_key_is_one_for_good_wherever_the_program_ends(tmp_path: Path, quick: None) -> None:
    folder = tmp_path / "keys"
    told: list[bytes] = []

    def make() -> None:
        told[:] = []
        told.append(RegistrarKeys(folder).make(POLL, 0, 2048).modulus)

    for crash in crashes(make, lambda: shutil.rmtree(folder, ignore_errors=True), (BEFORE, AFTER, TORN, FULL)):
        path = folder / POLL / "0.pem"
        left = path.read_bytes() if path.exists() else None
        with Disk() as again:
            made = RegistrarKeys(folder).make(POLL, 0, 2048)
        assert not told or told == [made.modulus]
        assert left is None or left == path.read_bytes()
        assert RegistrarKeys(folder).make(POLL, 0, 2048).modulus == made.modulus
        assert {str(folder), str(folder / POLL), str(path)} <= crash.durable | again.durable
        assert [left.name for left in (folder / POLL).iterdir()] == ["0.pem"]


def test_keys_are_destroyed_wherever_the_program_ends(tmp_path: Path, quick: None) -> None:
    folder = tmp_path / "keys"

    def fill() -> None:
        for group in (0, 1):
            RegistrarKeys(folder).make(POLL, group, 2048)

    for crash in crashes(lambda: RegistrarKeys(folder).destroy(POLL), fill, (BEFORE, AFTER, FULL)):
        with Disk() as again:
            RegistrarKeys(folder).destroy(POLL)
        assert list(folder.iterdir()) == []
        assert str(folder) in crash.durable | again.durable
        with pytest.raises(UserError, match="cannot be read"):
            RegistrarKeys(folder).load(POLL, 0)


def test_a_registrar_whose_creation_was_cut_short_is_created_again(tmp_path: Path) -> None:
    folder = tmp_path / "registrar"

    def create() -> None:
        Registrar.create(folder, f"sqlite:///{tmp_path / 'people.db'}").close()

    for crash in crashes(create, lambda: shutil.rmtree(folder, ignore_errors=True), (BEFORE, AFTER, TORN, FULL)):
        there = (folder / "office.key").exists()
        with Disk() as again:
            if there:
                with pytest.raises(UserError, match="already"):
                    create()
            else:
                create()
            with Registrar(folder):
                pass
        names = {path.name for path in folder.iterdir()}
        assert names == {"office.key", "database.url"} or crash.could_not_remove
        durable = crash.durable | again.durable
        assert {str(tmp_path), str(folder / "office.key"), str(folder / "database.url")} <= durable
