"""Key files: one key or none, wherever the program ends; never half of one that stays for good."""

import os
from pathlib import Path

import pytest
from faults import AFTER, BEFORE, FULL, TORN, Disk, crashes

from veche.errors import UserError
from veche.keys import SigningKey
from veche.permit.seed import Seed

EVERYTHING = (BEFORE, AFTER, TORN, FULL)


def clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("secret", [SigningKey(bytes(range(32))), Seed(bytes(range(32)))])
def test_a_crash_while_a_secret_is_written_blocks_nobody(tmp_path: Path, secret: SigningKey | Seed) -> None:
    path = tmp_path / "secret"
    for disk in crashes(lambda: secret.save(path), lambda: clear(tmp_path), EVERYTHING):
        with Disk() as again:
            if path.exists():
                with pytest.raises(UserError, match="exists already"):
                    secret.save(path)
            else:
                secret.save(path)
                assert {str(path), str(tmp_path)} <= again.durable
        loaded = type(secret).load(path)
        assert loaded == secret or (
            isinstance(loaded, SigningKey) and isinstance(secret, SigningKey) and loaded.public == secret.public
        ), disk.stopped
        assert [left.name for left in tmp_path.iterdir()] == ["secret"]
        assert path.stat().st_mode & 0o777 == 0o600


def test_what_the_old_program_left_of_a_key_is_named(tmp_path: Path) -> None:
    """Half a key under its own name is not ours any more: it is never taken for a key, and never replaced."""
    path = tmp_path / "key"
    path.write_bytes(b"0123")
    path.chmod(0o600)
    with pytest.raises(UserError, match="not a Veche key file"):
        SigningKey.load(path)
    with pytest.raises(UserError, match="exists already"):
        SigningKey.generate().save(path)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    umask = os.umask(0)
    try:
        SigningKey.generate().save(path)
    finally:
        os.umask(umask)
    SigningKey.load(path)
    path.chmod(0o604)
    with pytest.raises(UserError, match="read by others"):
        SigningKey.load(path)
