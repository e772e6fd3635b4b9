"""Heads that somebody cosigned of whom the ledger says nothing: shown if they hold, passed over if not, and proof if they contradict."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from stranger.cbor import Refused
from stranger.verify import verify as stranger

from veche.durable import make_folder
from veche.engine.embedded import LOG_KEY
from veche.errors import DoesNotHold
from veche.keys import SigningKey
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign, sign
from veche.log.cosigned import with_cosignatures
from veche.log.note import COSIGNATURE, Verifier
from veche.log.source import Folder
from veche.world import World

NAME = "lite.example/w"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("city"), citizens={"Centre": 1}, registrars=(1, 1, 0)) as made:
        made.engine.tick()
        yield made


@pytest.fixture
def folder(world: World) -> Iterator[Path]:
    yield world.folder / "ledger"
    for file in (world.folder / "ledger" / "witness").iterdir():
        file.unlink()


def put(folder: Path, key: bytes, signed: SignedCheckpoint) -> None:
    make_folder(folder / "witness")
    (folder / "witness" / key.hex()).write_bytes(signed.to_bytes())


def test_what_holds_is_shown_with_its_key_and_stands_in_receipts(world: World, folder: Path) -> None:
    key = SigningKey.generate()
    signed = Folder(folder).checkpoint()
    put(folder, key.public, signed.add(cosign(signed.checkpoint, NAME, key, 12)))
    vkey = str(Verifier(NAME, COSIGNATURE, key.public))
    assert [(one.name, one.vkey, one.size, one.time) for one in world.check().witnesses.outside] == [
        (NAME, vkey, signed.checkpoint.size, 12)
    ]
    assert world.check().witnesses.quorum == 0 and not world.check().witnesses.vouch(1)
    line = with_cosignatures(Folder(folder), signed).signatures[-1]
    assert line.name == NAME and line not in signed.signatures
    stranger(folder)


def test_what_does_not_hold_is_in_no_receipt_is_not_shown_and_harms_nobody(world: World, folder: Path) -> None:
    """A false line, another's line, a head that the ledger's key has not signed, garbage."""
    signed, others = Folder(folder).checkpoint(), SigningKey.generate()
    head = signed.checkpoint
    false, foreign, unsigned, garbage = (SigningKey.generate() for _ in range(4))
    line = cosign(head, NAME, false, 12)
    put(
        folder,
        false.public,
        signed.add(type(line)(line.name, line.key_id, line.data[:-1] + bytes([line.data[-1] ^ 1]))),
    )
    put(folder, foreign.public, signed.add(cosign(head, NAME, others, 12)))
    other = Checkpoint(head.origin, head.size, bytes(32))
    put(folder, unsigned.public, SignedCheckpoint(other, (sign(other, others), cosign(other, NAME, unsigned, 12))))
    (folder / "witness" / garbage.public.hex()).write_bytes(b"nothing\n")
    assert world.check().witnesses.outside == ()
    assert with_cosignatures(Folder(folder), signed) == signed
    stranger(folder)


def test_a_second_history_that_the_ledgers_key_signed_is_proof_whoever_cosigned_it(world: World, folder: Path) -> None:
    head, key = Folder(folder).checkpoint().checkpoint, SigningKey.generate()
    other = Checkpoint(head.origin, head.size, bytes(32))
    log_key = SigningKey.load(folder / LOG_KEY)
    put(folder, key.public, SignedCheckpoint(other, (sign(other, log_key), cosign(other, NAME, key, 12))))
    with pytest.raises(DoesNotHold, match="cosigned another ledger") as found:
        world.check()
    assert found.value.step == "L9"
    with pytest.raises(Refused, match="from outside"):
        stranger(folder)
