"""Exports: one plain tar file in one form, read without loading it, and refused if one byte is different."""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from veche.errors import DoesNotHold, UserError
from veche.log.checkpoint import verify_checkpoint
from veche.log.log import Log, check_tiles, export
from veche.log.source import Export, Folder, Source, open_source, size_limit, write_export

from .small_log import POLICY, entries_of, files_of, flip, publish

ATTACHMENT = "attachment/" + "ab" * 32


def ledger(folder: Path, count: int) -> Path:
    publish(folder, entries_of(count))
    (folder / "attachment").mkdir()
    (folder / ATTACHMENT).write_bytes(b"a long text")
    (folder / "veche.db").write_bytes(b"not public")
    return folder


def write(source: Source, path: Path) -> bytes:
    export(source, path)
    return path.read_bytes()


def test_an_export_is_the_ledger(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "ledger", 600)
    export(Folder(folder), tmp_path / "ledger.tar")
    with Export(tmp_path / "ledger.tar") as source:
        files = files_of(folder)
        del files["veche.db"]
        assert {name: source.read(name) for name in source.names()} == files
        assert source.names() == sorted(files)
        assert source.names("attachment/") == [ATTACHMENT]
        assert source.get("veche.db") is None
        head = source.checkpoint().checkpoint
        check_tiles(source, head.size, head.root)
        assert list(Log(source, head).entries()) == entries_of(600)


def test_equal_ledgers_give_equal_exports(tmp_path: Path) -> None:
    one = write(Folder(ledger(tmp_path / "a", 300)), tmp_path / "a.tar")
    two = write(Folder(ledger(tmp_path / "b", 300)), tmp_path / "b.tar")
    with Export(tmp_path / "a.tar") as source:
        again = write(source, tmp_path / "c.tar")
    assert one == two == again
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "a.tar", "b", "b.tar", "c.tar"]


def test_the_standard_library_reads_it(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "ledger", 300)
    export(Folder(folder), tmp_path / "ledger.tar")
    with tarfile.open(tmp_path / "ledger.tar", "r:") as tar:
        members = tar.getmembers()
        assert all(m.isreg() and (m.mode, m.uid, m.gid, m.mtime) == (0o644, 0, 0, 0) for m in members)
        tar.extractall(tmp_path / "out", filter="data")
    files = files_of(folder)
    del files["veche.db"]
    assert files_of(tmp_path / "out") == files


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar on this machine")
def test_tar_reads_it(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "ledger", 300)
    export(Folder(folder), tmp_path / "ledger.tar")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "ledger.tar", "-C", out], check=True)
    files = files_of(folder)
    del files["veche.db"]
    assert files_of(out) == files


def check(path: Path) -> None:
    """What an auditor does with an export, but for the attachments: the entries name their hashes."""
    with Export(path) as source:
        head = verify_checkpoint(source.read("checkpoint"), POLICY).checkpoint
        check_tiles(source, head.size, head.root)


def test_every_byte_counts(tmp_path: Path) -> None:
    """Of the headers, the padding and the contents."""
    publish(tmp_path / "ledger", entries_of(5))
    good = write(Folder(tmp_path / "ledger"), tmp_path / "good.tar")
    check(tmp_path / "good.tar")
    path = tmp_path / "bad.tar"
    path.write_bytes(good)
    with path.open("r+b") as file:
        for at in range(len(good)):
            os.pwrite(file.fileno(), flip(good[at : at + 1], 0, 1 << at % 8), at)
            with pytest.raises(DoesNotHold) as error:
                check(path)
            assert error.value.where
            os.pwrite(file.fileno(), good[at : at + 1], at)
    check(path)


def test_every_length_counts(tmp_path: Path) -> None:
    publish(tmp_path / "ledger", entries_of(5))
    good = write(Folder(tmp_path / "ledger"), tmp_path / "good.tar")
    path = tmp_path / "bad.tar"
    for at in [*range(0, len(good), 97), len(good) - 1]:
        path.write_bytes(good[:at])
        with pytest.raises(DoesNotHold, match="cut off") as error:
            check(path)
        assert error.value.step == "export"
    for more in (b"\0", bytes(512), bytes(10240), good):
        path.write_bytes(good + more)
        with pytest.raises(DoesNotHold, match="something follows"):
            check(path)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.USTAR_FORMAT) -> bytes:
    """A tar file as the standard library makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(name: str, **kwargs: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in kwargs.items():
        setattr(info, key, value)
    return info


def test_a_plain_tar_of_the_standard_library_is_an_export(tmp_path: Path) -> None:
    """So that the refusals below are for what is odd in them."""
    path = tmp_path / "plain.tar"
    path.write_bytes(tar_of((member(ATTACHMENT), b"1"), (member("checkpoint"), b"2")))
    with Export(path) as source:
        assert source.names() == [ATTACHMENT, "checkpoint"]


@pytest.mark.parametrize(
    "data",
    [
        tar_of((member("/checkpoint"), b"")),
        tar_of((member("../checkpoint"), b"")),
        tar_of((member("./checkpoint"), b"")),
        tar_of((member("tile/../checkpoint"), b"")),
        tar_of((member("attachment/../checkpoint"), b"")),
        tar_of((member("attachment/.."), b"")),
        tar_of((member("attachment/.hidden"), b"")),
        tar_of((member("attachment/a/b"), b"")),
        tar_of((member("attachment/a b"), b"")),
        tar_of((member("attachment/a\\b"), b"")),
        tar_of((member("attachment/ä"), b"")),
        tar_of((member("attachment/" + "a" * 63), b"")),
        tar_of((member("attachment/" + "a" * 65), b"")),
        tar_of((member("attachment/" + "A" * 64), b"")),
        tar_of((member("attachment/"), b"")),
        tar_of((member("veche.db"), b"")),
        tar_of((member("tile/0/1"), b"")),
        tar_of((member("checkpoint"), b""), (member("checkpoint"), b"")),
        tar_of((member("checkpoint"), b""), (member(ATTACHMENT), b"")),
        tar_of((member("checkpoint", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")),
        tar_of((member("checkpoint", type=tarfile.LNKTYPE, linkname="tile/0/000"), b"")),
        tar_of((member("checkpoint", type=tarfile.DIRTYPE), b"")),
        tar_of((member("checkpoint", type=tarfile.FIFOTYPE), b"")),
        tar_of((member("checkpoint", type=tarfile.AREGTYPE), b"")),
        tar_of((member("checkpoint", mtime=1), b"")),
        tar_of((member("checkpoint", mode=0o755), b"")),
        tar_of((member("checkpoint", uid=1000), b"")),
        tar_of((member("checkpoint", uname="somebody"), b"")),
        tar_of((member("checkpoint", linkname="x"), b"")),
        tar_of((member("checkpoint"), b""), format=tarfile.GNU_FORMAT),
        tar_of((member("checkpoint", mtime=0.5), b""), format=tarfile.PAX_FORMAT),
        tar_of((member("checkpoint"), bytes(200_000))),  # too long for what it is
        tar_of((member("tile/0/000.p/1"), bytes(33))),
        b"",
        bytes(100),
        b"hello" * 1000,
        b"\x1f\x8b\x08" + bytes(10_237),
    ],
)
def test_not_an_export(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.tar"
    path.write_bytes(data)
    with pytest.raises(DoesNotHold) as error:
        Export(path)
    assert error.value.step == "export"
    assert "Traceback" not in error.value.message


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    """A size beyond the end of the file, in base 256 too: nothing is allocated for it."""
    path = tmp_path / "bad.tar"
    for size in (10**6, 60 * 1024 * 1024):
        info = member(ATTACHMENT)
        info.size = size
        path.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240 - 512))
        with pytest.raises(DoesNotHold, match="cut off"):
            Export(path)
    header = bytearray(member(ATTACHMENT).tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\x80" + bytes(10) + b"\x05"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + bytes(10240 - 512))
    with pytest.raises(DoesNotHold, match="no place"):
        Export(path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = Folder(ledger(tmp_path / "ledger", 3))
    path = tmp_path / "ledger.tar"
    path.write_bytes(b"mine")
    with pytest.raises(UserError, match="exists already"):
        export(source, path)
    assert path.read_bytes() == b"mine"


def test_a_failed_export_leaves_nothing(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "ledger", 300)
    (folder / "tile/entries/000").unlink()
    with pytest.raises(DoesNotHold, match="missing"):
        export(Folder(folder), tmp_path / "ledger.tar")
    with pytest.raises(UserError, match="cannot be written"):
        write_export(tmp_path / "nowhere" / "ledger.tar", [], Folder(folder))
    assert [p.name for p in tmp_path.iterdir()] == ["ledger"]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        open_source(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        open_source(tmp_path / "pipe")
    with pytest.raises(UserError, match="no folder"):
        Folder(tmp_path / "nothing")
    with pytest.raises(UserError, match="has no checkpoint"):
        Folder(tmp_path).checkpoint()


def test_open_source(tmp_path: Path) -> None:
    folder = ledger(tmp_path / "ledger", 3)
    export(Folder(folder), tmp_path / "ledger.tar")
    source = open_source(tmp_path / "ledger.tar")
    assert isinstance(source, Export)
    source.close()
    assert isinstance(open_source(folder), Folder)


def test_the_index_is_small(tmp_path: Path) -> None:
    """Opening and reading one file of a large export does not read the others: here they are holes."""
    size = size_limit(ATTACHMENT) or 0
    path = tmp_path / "large.tar"
    with path.open("wb") as file:
        for i in range(100):
            info = member(f"attachment/{i:064}")
            info.size = size
            file.write(info.tobuf(tarfile.USTAR_FORMAT))
            file.seek(size, os.SEEK_CUR)
        info = member("checkpoint")
        info.size = 5
        file.write(info.tobuf(tarfile.USTAR_FORMAT) + b"hello")
        end = file.tell() + 507
        file.truncate(-(-(end + 1024) // 10240) * 10240)
    with Export(path) as source:
        assert len(source.names()) == 101
        assert source.read("checkpoint") == b"hello"
