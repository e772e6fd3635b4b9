"""A journal, its place, and what is neither a crash nor the same folder."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from backups import WAYS, copy_over, sync_in_place
from faults import AFTER, BEFORE, FULL, TORN, crashes

from veche.durable import Journal, journal
from veche.errors import UserError

MINUTE = 0.01
"""Seconds that stand for the minute in which a restored backup may look like a crash."""


class Diary(Journal):
    KINDS = {"settled": 0, "said": 1}
    NAME = "The diary"


def say(folder: Path, *words: str) -> None:
    with Diary.open(folder) as diary:
        assert diary.settled
        for word in words:
            diary.append("said", word)


def said(folder: Path) -> tuple[bool, list[str]]:
    with Diary.open(folder) as diary:
        return diary.settled, [words[1] for words in diary.events if words[0] == "said"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Diary.create(tmp_path / "diary")
    say(tmp_path / "diary", "one", "two")
    return tmp_path / "diary"


def test_what_was_written_is_there(folder: Path) -> None:
    assert said(folder) == (True, ["one", "two"])
    say(folder, "three")
    assert said(folder) == (True, ["one", "two", "three"])
    assert {path.name for path in folder.iterdir()} == {"journal", "place"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


@pytest.mark.parametrize("how", [BEFORE, AFTER, TORN, FULL])
def test_a_crash_at_any_point_leaves_the_folder_settled(folder: Path, how: str) -> None:
    kills, before = 0, said(folder)[1]
    for disk in crashes(lambda: say(folder, "more"), hows=(how,)):
        settled, words = said(folder)
        assert settled and words in (before, [*before, "more"]), disk.stopped
        kills, before = kills + 1, words
        say(folder)
    assert kills > (0 if how == TORN else 6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [BEFORE, AFTER, TORN])
def test_a_backup_of_any_moment_is_told_from_a_crash(
    tmp_path: Path, how: str, way: Callable[[Path, Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is killed, a backup is made, the program goes on; then, after more than a minute, the backup is restored."""
    folder, backup = tmp_path / "diary", tmp_path / "backup"
    refused = 0

    def ready() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        Diary.create(folder)
        say(folder, "one")

    for disk in crashes(lambda: say(folder, "two"), ready, (how,)):
        shutil.rmtree(backup, ignore_errors=True)
        shutil.copytree(backup.parent / "diary", backup)
        say(folder, "later")
        before = said(folder)
        with monkeypatch.context() as later:
            later.setattr(journal, "CRASH", MINUTE * 1e9)
            time.sleep(1.5 * MINUTE)
            way(backup, folder)
            after = said(folder)
        assert after == before or not after[0], disk.stopped
        refused += not after[0]
    assert refused > (0 if how == TORN else 8)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("events", [1, 2, 3])
def test_a_restored_backup_is_a_copy(folder: Path, way: Callable[[Path, Path], None], events: int) -> None:
    backup = shutil.copytree(folder, folder.with_name("backup"))
    say(folder, *"later"[:events])
    before = said(folder)
    way(backup, folder)
    assert said(folder) in (before, (False, ["one", "two"]))
    assert way in (copy_over, sync_in_place) or not said(folder)[0]


def test_nothing_is_lost_where_only_the_journal_is_restored(folder: Path) -> None:
    """One event is in ``place`` still; two are not."""
    old = (folder / "journal").read_bytes()
    say(folder, "three")
    (folder / "journal").write_bytes(old)
    assert said(folder) == (True, ["one", "two", "three"])
    say(folder, "four")
    (folder / "journal").write_bytes(old)
    assert said(folder) == (False, ["one", "two"])


@pytest.mark.parametrize("seconds", [0, 1.5 * MINUTE])
def test_a_place_put_back_into_its_own_file_is_no_crash_after_a_while(
    folder: Path, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made between the two writes and put back into the same inode, a backup can be told by the time alone."""
    between = folder.with_name("between")
    for _ in crashes(
        lambda: say(folder, "three"), hows=(BEFORE,), only=lambda operation: operation.path.name == "journal"
    ):
        if (folder / "place").read_bytes().endswith(b"three\n") and not between.exists():
            shutil.copytree(folder, between)
            assert said(folder) == (True, ["one", "two", "three"])
            break
    if seconds:
        monkeypatch.setattr(journal, "CRASH", MINUTE * 1e9)
    time.sleep(seconds)
    copy_over(between, folder)
    assert said(folder) == ((False, ["one", "two"]) if seconds else (True, ["one", "two", "three"]))


def test_damage(folder: Path) -> None:
    path = folder / "place"
    content = path.read_bytes()
    for damaged in (
        b"",
        b"\xff",
        content[:-2],
        content.replace(b"two", b"six"),
        b"0" * 5000,
        b"0 " + b"9" * 5000 + b" 1 said x",
    ):
        path.write_bytes(damaged)
        assert not said(folder)[0]
    path.unlink()
    assert not said(folder)[0]
    path.mkdir()
    assert not said(folder)[0]
    (folder / "journal").unlink()
    with pytest.raises(UserError, match=r"The diary .* cannot be opened"):
        said(folder)


def test_nothing_that_is_written_into_a_copy_settles_it(folder: Path) -> None:
    copy = shutil.copytree(folder, folder.with_name("copy"))
    for word in ("three", "four"):
        with Diary.open(copy) as diary:
            diary.append("said", word)
        assert not said(copy)[0]
    with Diary.open(copy) as diary:
        diary.settle()
    assert said(copy) == (True, ["one", "two", "three", "four"])
    assert said(folder) == (True, ["one", "two"])
