"""What each function of durable promises, and that it holds wherever the program ends."""

import os
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from faults import AFTER, BEFORE, FULL, TORN, Disk, crashes

from veche import durable
from veche.durable import AppendOnly, Batch, Exists, Held, Lock, draft, holder, replace, settle, whole_file, write_new
from veche.errors import UserError
from veche.texts import Message

EVERYTHING = (BEFORE, AFTER, TORN, FULL)
OLD, NEW = b"what was there", b"what is new, and longer"


def clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def in_pieces(path: Path, content: bytes, new: bool) -> None:
    with whole_file(path, new=new) as file:
        for byte in content:
            file.write(bytes([byte]))


@pytest.mark.parametrize("write", [write_new, lambda path, content: in_pieces(path, content, True)])
def test_a_new_file_is_whole_or_not_there(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    path = tmp_path / "file"
    for _ in crashes(lambda: write(path, NEW), lambda: clear(tmp_path), EVERYTHING):
        if path.exists():
            assert path.read_bytes() == NEW
            with pytest.raises(Exists, match="exists already"):
                write(path, OLD)
        else:
            write(path, NEW)
        assert path.read_bytes() == NEW
        assert names(tmp_path) == ["file"]  # what the crash left is swept


@pytest.mark.parametrize("write", [replace, lambda path, content: in_pieces(path, content, False)])
def test_a_file_is_the_old_or_the_new_one(tmp_path: Path, write: Callable[[Path, bytes], None]) -> None:
    path = tmp_path / "file"
    for _ in crashes(lambda: write(path, NEW), lambda: path.write_bytes(OLD), EVERYTHING):
        assert path.read_bytes() in (OLD, NEW)
        write(path, NEW)
        assert path.read_bytes() == NEW
        assert names(tmp_path) == ["file"]


def test_what_is_written_is_durable(tmp_path: Path) -> None:
    with Disk() as disk:
        durable.write_private(tmp_path / "a" / "b" / "key", NEW)
        assert {str(tmp_path / name) for name in ("", "a", "a/b", "a/b/key")} <= disk.durable
        replace(tmp_path / "a" / "b" / "key", OLD)
        assert {str(tmp_path / "a" / "b"), str(tmp_path / "a" / "b" / "key")} <= disk.durable
        replace(tmp_path / "a" / "x", OLD, drafts=tmp_path)
        assert {str(tmp_path / "a"), str(tmp_path / "a" / "x")} <= disk.durable
        flushed = [operation.name for operation in disk.done]
    assert flushed.index("fsync") < flushed.index("link")


def test_a_folder_is_durable_after_any_crash(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    for crash in crashes(lambda: durable.make_folder(folder, 0o700), lambda: clear(tmp_path), (BEFORE, AFTER)):
        with Disk() as again:
            durable.make_folder(folder, 0o700)
        assert folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.parents[:3]:  # which hold the names of all three
            assert str(path) in crash.durable | again.durable


def test_a_crash_leaves_no_second_name_of_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for _ in crashes(lambda: write_new(path, NEW), lambda: clear(tmp_path), (BEFORE, AFTER)):
        if path.exists():
            settle(path, tmp_path)
            assert names(tmp_path) == ["key"]


def test_a_folder_is_removed_in_the_end(tmp_path: Path) -> None:
    def fill() -> None:
        (tmp_path / "keys").mkdir(exist_ok=True)
        for name in ("1", "2"):
            (tmp_path / "keys" / name).write_bytes(NEW)

    for _ in crashes(lambda: durable.remove_folder(tmp_path / "keys"), fill, (BEFORE, AFTER, FULL)):
        with Disk() as disk:
            durable.remove_folder(tmp_path / "keys")
        assert not (tmp_path / "keys").exists() and str(tmp_path) in disk.durable


def test_a_batch_is_made_of_whole_files(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("tile/0/1", "tile/0/2", "tile/1/x/3")]

    def publish() -> None:
        batch = Batch(tmp_path, tmp_path / "drafts")
        for path in paths:
            batch.write(path, NEW)
        batch.finish()

    def ready() -> None:
        clear(tmp_path)
        (tmp_path / "tile" / "0").mkdir(parents=True)
        paths[0].write_bytes(OLD)

    for _ in crashes(publish, ready, EVERYTHING):
        assert all(path.read_bytes() in (OLD, NEW) for path in paths if path.exists())
        with Disk() as disk:
            publish()
        assert all(path.read_bytes() == NEW for path in paths)
        assert {str(path) for path in paths} <= disk.durable
        assert {str(folder) for path in paths for folder in path.parents if folder.is_relative_to(tmp_path)} <= disk.durable  # fmt: skip
        assert names(tmp_path / "drafts") == []


def test_a_file_that_grows_has_its_old_content_and_perhaps_a_part_of_the_new(tmp_path: Path) -> None:
    path = tmp_path / "journal"

    def append() -> None:
        with AppendOnly(path) as file:
            file.cut(len(OLD))
            file.append(NEW)

    for _ in crashes(append, lambda: path.write_bytes(OLD), EVERYTHING):
        left = path.read_bytes()
        assert left.startswith(OLD) and (OLD + NEW).startswith(left)
        append()
        assert path.read_bytes() == OLD + NEW
    with AppendOnly(path) as file:
        with Disk() as disk:
            file.cut(len(OLD))
        assert disk.durable == {str(path)}
        with Disk(stop=2, how=FULL), pytest.raises(UserError, match="No space left"):
            file.append(NEW)
        assert path.read_bytes() == OLD
        file.append(NEW)
        assert file.read() == OLD + NEW
        with pytest.raises(Held, match="Another program"):
            AppendOnly(path)


# More than one program


def test_of_many_who_write_one_new_file_one_does(tmp_path: Path) -> None:
    path, won, lost = tmp_path / "file", [], []

    def write(number: int) -> None:
        try:
            write_new(path, b"%d" % number)
            won.append(number)
        except Exists:
            lost.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and len(lost) == 19
    assert path.read_bytes() == b"%d" % won[0]
    assert names(tmp_path) == ["file"]


def test_of_many_who_replace_one_file_the_last_wins_and_each_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=replace, args=(path, content)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert not path.exists() or path.read_bytes() in contents
    for thread in threads:
        thread.join()
    assert path.read_bytes() in contents and names(tmp_path) == ["file"]


def test_a_draft_that_is_being_written_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft, "_PATIENCE", 0.1)
    with whole_file(tmp_path / "file", new=False) as file:
        file.write(OLD)
        with pytest.raises(Held, match="Another program is writing"):
            replace(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == OLD


HOLD = """
import os, sys
from pathlib import Path
from veche.durable import Lock
from veche.texts import Message
with Lock(Path(sys.argv[1]), Message("it is taken")):
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_a_lock_says_who_holds_it_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert holder(path) is None

    def leave(process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        process.stdin.close()

    ends: list[Callable[[subprocess.Popen[bytes]], None]] = [leave, lambda process: process.kill()]
    for end in ends:
        process = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None
        number = int(process.stdout.readline())
        assert holder(path) == f"process {number}"
        with pytest.raises(Held, match=rf"Another program is reading the news \(process {number}\)"), Lock(path, Message("Another program is reading the news")):  # fmt: skip
            pass
        end(process)
        process.wait()
        process.stdout.close()
        process.stdin.close()
        assert holder(path) is None
        with Lock(path, Message("It is taken")):
            assert holder(path) == f"process {os.getpid()}"
            with pytest.raises(Held), Lock(path, Message("It is taken")):
                pass
        assert holder(path) is None


def test_looking_who_holds_a_lock_takes_it_from_nobody(tmp_path: Path) -> None:
    path, stop = tmp_path / "lock", threading.Event()

    def look() -> None:
        while not stop.is_set():
            holder(path)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(200):
            with Lock(path, Message("It is taken")):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_lock_after_any_crash(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def work() -> None:
        with Lock(path, Message("It is taken")):
            (tmp_path / "made").mkdir(exist_ok=True)

    for _ in crashes(work):
        assert holder(path) is None
        with Lock(path, Message("It is taken")):
            assert holder(path) == f"process {os.getpid()}"


def test_a_draft_that_becomes_the_file_while_it_is_looked_at_is_not_taken_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening it and locking it: the next draft has its name by then, and is somebody's."""
    unfinished = tmp_path / ".file.unfinished"
    unfinished.write_bytes(OLD)

    def lock(descriptor: int, *, blocking: bool) -> bool:
        unfinished.rename(tmp_path / "file")
        unfinished.write_bytes(NEW)
        return True

    monkeypatch.setattr(draft, "lock_descriptor", lock)
    draft.sweep(unfinished)
    assert unfinished.read_bytes() == NEW and (tmp_path / "file").read_bytes() == OLD


# What cannot be done


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    for write in (write_new, replace):
        with pytest.raises(UserError, match="cannot be written: No such file"):
            write(tmp_path / "nowhere" / "file", NEW)
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        durable.make_folder(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        durable.make_folder(tmp_path / "file" / "below")
    with (
        pytest.raises(UserError, match="cannot be written"),
        Lock(tmp_path / "nowhere" / "lock", Message("It is taken")),
    ):
        pass
    with pytest.raises(UserError, match="no folder"):
        durable.must_be_new(tmp_path / "nowhere" / "file")
    with pytest.raises(Exists):
        durable.must_be_new(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be read"):
        durable.read_private(tmp_path / "nowhere")
    with pytest.raises(UserError, match="read by others"):
        durable.read_private(tmp_path / "file")


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    for error, raised in ((OSError(28, "No space left on device"), UserError), (KeyError("x"), KeyError)):
        with pytest.raises(raised), whole_file(tmp_path / "file", new=True) as file:
            file.write(NEW)
            raise error
        assert names(tmp_path) == []


def test_a_link_in_the_place_of_a_draft_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(OLD)
    (tmp_path / ".file.unfinished").symlink_to(tmp_path / "theirs")
    with pytest.raises(UserError, match="is a link"):
        write_new(tmp_path / "file", NEW)
    assert (tmp_path / "theirs").read_bytes() == OLD


def test_a_second_name_of_a_finished_file_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    os.link(tmp_path / "file", tmp_path / ".file.unfinished")
    os.link(tmp_path / "file", tmp_path / "kept")
    replace(tmp_path / "file", NEW)
    assert (tmp_path / "kept").read_bytes() == OLD


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW and names(tmp_path) == ["file"]
    with pytest.raises(Exists):
        write_new(tmp_path / "file", OLD)


def test_modes(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        durable.write_private(tmp_path / "secrets" / "key", NEW)
        write_new(tmp_path / "public", NEW)
        replace(tmp_path / "secrets" / "key", NEW, durable.PRIVATE)
    finally:
        os.umask(old)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("secrets", "secrets/key", "public")]
    assert modes == [0o700, 0o600, 0o644]


def test_nothing_is_imported_that_only_posix_has() -> None:
    code = """
import sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty"):
    sys.modules[name] = None
import warnings; warnings.simplefilter("ignore")  # filelock says that it has no flock
import importlib, pkgutil, veche
for module in pkgutil.walk_packages(veche.__path__, "veche."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def test_nobody_else_writes_files() -> None:
    """But the demo's operator, who forges, what its nodes say, the simulated city, what puts in place whole what CometBFT begins with, whose people hand in a table, and who keeps a closed stream's place."""
    source = Path(durable.__file__).parents[1]
    writes = re.compile(
        r"fsync|\.write_(bytes|text)\(|open\([^)]*[\"'][rb]*[wxa+]|\.rename\(|os\.(replace|link)|mkstemp|flock|fcntl"
    )
    found = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if path.parent.name != "durable"
        and any(writes.search(line) for line in path.read_text(encoding="utf-8").splitlines())
    }
    assert found == {"cli/streams.py", "demo/audit.py", "demo/nodes.py", "engine/cometbft/begin.py", "world.py"}


def test_what_is_gone_with_its_folder_is_gone(tmp_path: Path) -> None:
    durable.remove(tmp_path / "nowhere" / "file")
