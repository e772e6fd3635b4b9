"""What people hand over, as mail, editors, file managers and copies that were cut short leave it: ignored, put right, or named."""

import quopri
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche.cli import main

from .city import City, found
from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok

LITTER = (
    ".DS_Store", "._checkpoint", "Thumbs.db", "desktop.ini", ".directory", "checkpoint~", ".checkpoint.swp", "#draft#", "~$roll.csv"
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A ledger with an entry that is no ballot behind its charter, a receipt of it, and everybody's folders."""
    made = found(tmp_path_factory.mktemp("handed"), run=inside)
    ok("committee", "form", "--class", "pilot", "--key", made.organisers[0], "--ledger", made.ledger)
    ok("ledger", "receipt", "--ledger", made.ledger, 2, "-o", made.folder / "r.tlog-proof")
    entry = CliRunner().invoke(main, ["ledger", "entry", "--ledger", str(made.ledger), "2", "--raw"])
    (made.folder / "r.entry").write_bytes(entry.stdout_bytes)
    return made


# Texts that were changed on the way

CHANGED: dict[str, Callable[[bytes], bytes]] = {
    "CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR": lambda data: data.replace(b"\n", b"\r"),
    "a byte-order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16, as Notepad saves it": lambda data: data.decode().replace("\n", "\r\n").encode("utf-16"),
    "an empty line more": lambda data: data + b"\n",
    "empty lines everywhere": lambda data: data.replace(b"\n", b"\r\n\r\n"),
    "no empty lines": lambda data: data.replace(b"\n\n", b"\n"),
    "no end of the last line": lambda data: data.rstrip(b"\n"),
    "spaces at the ends of lines": lambda data: data.replace(b"\n", b" \t\n"),
}
NAMED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda data: b"", "It is empty."),
    "zeros": (lambda data: bytes(len(data)), "nothing but zeros"),
    "quoted-printable": (quopri.encodestring, "quoted-printable"),
    "quoted": (lambda data: b"".join(b"> " + line for line in data.splitlines(keepends=True)), "begins with >"),
    "a mail": (lambda data: b"From: a@example\nSubject: receipt\n\n" + data, "a whole mail"),
    "a web page": (lambda data: b"<!DOCTYPE html>\n<html>Not found</html>", "a web page"),
    "a zip file": (lambda data: b"PK\x03\x04" + data, "a zip file"),
    "cut off": (lambda data: data[: len(data) // 2], ""),
}


@pytest.mark.parametrize("how", CHANGED)
def test_what_mail_and_editors_change_is_put_right(city: City, how: str, tmp_path: Path) -> None:
    receipt, checkpoint = tmp_path / "r.tlog-proof", tmp_path / "checkpoint"
    receipt.write_bytes(CHANGED[how]((city.folder / "r.tlog-proof").read_bytes()))
    checkpoint.write_bytes(CHANGED[how]((city.ledger / "checkpoint").read_bytes()))
    shutil.copy(city.folder / "r.entry", tmp_path)
    ok("verify", city.ledger, "--receipt", receipt)
    ok("ledger", "check-receipt", receipt, "--ledger", city.ledger)
    ok("ledger", "consistency", "--ledger", city.ledger, checkpoint)
    copy = tmp_path / "copy"
    shutil.copytree(city.ledger / "tile", copy / "tile")
    shutil.copy(checkpoint, copy)
    ok("verify", copy)
    ok("export", "--ledger", copy, tmp_path / "copy.tar")
    ok("export", "--ledger", city.ledger, tmp_path / "own.tar")
    assert (tmp_path / "copy.tar").read_bytes() == (tmp_path / "own.tar").read_bytes()


@pytest.mark.parametrize("how", NAMED)
def test_what_cannot_be_put_right_is_named_and_is_no_verdict(city: City, how: str, tmp_path: Path) -> None:
    change, said = NAMED[how]
    receipt, checkpoint = tmp_path / "r.tlog-proof", tmp_path / "old"
    receipt.write_bytes(change((city.folder / "r.tlog-proof").read_bytes()))
    checkpoint.write_bytes(change((city.ledger / "checkpoint").read_bytes()))
    shutil.copy(city.folder / "r.entry", tmp_path)
    for words in (
        ("verify", city.ledger, "--receipt", receipt),
        ("ledger", "check-receipt", receipt, "--ledger", city.ledger),
        ("ledger", "consistency", "--ledger", city.ledger, checkpoint),
        ("witness", "publish", checkpoint, "--ledger", city.ledger),
    ):
        answer = fails(2, "is not a receipt" if receipt in words else "is not a checkpoint", *words)
        assert said in answer.err


@pytest.mark.parametrize("content", [b"", b"\r\n", b"\xef\xbb\xbf", bytes(512)])
def test_a_ledger_with_an_empty_checkpoint_is_none(city: City, content: bytes, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(city.ledger / "tile", copy / "tile")
    (copy / "checkpoint").write_bytes(content)
    for words in (
        ("verify", copy), ("export", "--ledger", copy, tmp_path / "x.tar"), ("ledger", "show", "--ledger", copy), ("poll", "list", "-l", copy),
        ("witness", "cosign", tmp_path / "w", "-l", copy),
    ):  # fmt: skip
        if words[0] == "witness":
            ok("witness", "init", tmp_path / "w", "--institution", "Observers")
        fails(2, "has no checkpoint, or an empty one", *words)
    assert not (tmp_path / "x.tar").exists()


def test_secrets_with_other_line_ends_are_read(city: City, tmp_path: Path) -> None:
    key = tmp_path / "office.key"
    own = (city.organisers[0]).read_bytes()
    said = ok("office", "public", city.organisers[0]).out
    for change in (CHANGED["CR LF"], CHANGED["a byte-order mark"], CHANGED["UTF-16, as Notepad saves it"], bytes.strip):
        key.write_bytes(change(own))
        key.chmod(0o600)
        assert ok("office", "public", key).out == said


# Files that others leave


def test_litter_is_seen_nowhere(city: City, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(city.ledger / "tile", copy / "tile")
    shutil.copy(city.ledger / "checkpoint", copy)
    ok("export", "--ledger", copy, tmp_path / "clean.tar")
    for folder in ("", "tile", "tile/entries", "tile/0", "tile/0/000.p", "attachment", "witness"):
        (copy / folder).mkdir(exist_ok=True)
        for name in LITTER:
            (copy / folder / name).write_bytes(b"junk")
        (copy / folder / "__MACOSX").mkdir()
    assert ok("verify", copy).out == ok("verify", tmp_path / "clean.tar").out
    ok("export", "--ledger", copy, tmp_path / "littered.tar")
    assert (tmp_path / "littered.tar").read_bytes() == (tmp_path / "clean.tar").read_bytes()


def test_litter_does_not_keep_an_office_from_being_made(city: City, tmp_path: Path) -> None:
    for role in ("trustee", "witness", "registrar"):
        place = tmp_path / role
        place.mkdir(mode=0o700)
        for name in LITTER:
            (place / name).write_bytes(b"junk")
        ok(role, "init", place, *(() if role == "registrar" else ("--institution", "Observers")))
        ok(role, "show", place)


def test_litter_in_the_inbox_stops_nothing(city: City, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    shutil.copytree(city.ledger, ledger)
    for name in (*LITTER, f"._{'0' * 64}.entry"):
        (ledger / "inbox" / name).write_bytes(b"junk")
        (ledger / "outbox" / name).write_bytes(b"junk")
    ok("committee", "form", "--class", "pilot", "--key", city.organisers[0], "--ledger", ledger)
    ok("verify", ledger)


# Folders that are something else


def test_a_wrong_folder_is_named_as_such(city: City, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    trustee, registrar = city.trustees[0], city.registrars[0]
    for role, wrong in (("trustee", registrar), ("witness", registrar), ("registrar", trustee)):
        before = sorted(wrong.rglob("*"))
        for folder, said in (
            (tmp_path / "missing", "There is no folder"),
            (tmp_path / "empty", f"There is no {role} in the folder"),
            (city.ledger, f"There is no {role} in the folder"),
            (
                wrong,
                "is not a registrar's folder" if role == "registrar" else "is the folder of another office: registrar",
            ),
            (city.folder / "charter.entry", "There is no folder"),
        ):
            err = fails(2, said, role, "show", folder).err
            assert "office.key" not in err and "institution" not in err
        assert sorted(wrong.rglob("*")) == before
    fails(2, "There is no office's key in the folder", "office", "public", city.ledger)
