"""A trustee's program that ends anywhere, or whose folder is damaged: nothing is done twice or forgotten."""

import errno
import itertools
import json
import os
import shutil
from pathlib import Path

import pytest
from faults import AFTER, BEFORE, FULL, TORN, Crash, Disk, crashes

from veche.durable import PRIVATE, UNFINISHED, write_new
from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import encode
from veche.trustee.journal import Journal
from veche.trustee.trustee import Trustee

from .city import City, Finished, another_tally, events, put_back

# Crashes


@pytest.mark.parametrize("how", [BEFORE, AFTER, TORN])
@pytest.mark.parametrize("mode", ["single", "pedersen"])
def test_a_crash_at_any_point_changes_nothing(tmp_path: Path, mode: str, how: str) -> None:
    """Each step of trustee 1 is killed at every file operation in turn; each time their program goes on from their folder."""
    city = City(tmp_path, 2, 2)
    committee = city.form(mode)
    folder = city.folder / "trustee-1"
    kills = 0

    def check_durable(before: Path, folder: Path, durable: set[str]) -> None:
        """Nothing left that a loss of power could take back: all that is new was made durable, its name too."""
        new = [path for path in folder.rglob("*") if not (before / path.relative_to(folder)).exists()]
        assert not [path for path in new if path.suffix == UNFINISHED]
        assert {str(path.parent) for path in new} <= durable
        assert {str(path) for path in new if path.is_file()} <= durable
        if (folder / "journal").read_bytes() != (before / "journal").read_bytes():
            assert {str(folder / "journal"), str(folder / "place")} <= durable

    def hand_in_despite_crashes() -> None:
        nonlocal kills
        before = shutil.copytree(folder, city.folder / "before", dirs_exist_ok=True)
        made: list[bytes] = []
        view = city.view()

        def work() -> None:
            made[:] = []
            made[:] = city.load(folder).due(view)

        # Each time once more from the start, killed one operation later.
        for disk in crashes(work, lambda: put_back(before, folder), (how,)):
            assert not made
            kills += 1
            with Disk() as recovery:
                again = city.load(folder).due(view)  # recovery, then the same for good
            check_durable(before, folder, disk.durable | recovery.durable)
            assert again and again == city.load(folder).due(view)
        shutil.rmtree(before)
        assert made
        for data in made:
            city.hand_in(data)

    while not city.committee(committee).finished:
        hand_in_despite_crashes()
        city.round(1)
    poll = city.closed_poll(committee, [[1, 2], [3, 4]])
    hand_in_despite_crashes()
    city.run()
    assert city.result(poll, [1, 2]) == [[4, 6], [1, 2], [3, 4]]
    assert kills > 15


def test_a_crash_after_the_journal_line_still_binds_the_tally(finished: Finished) -> None:
    """Written down, killed before any share was made: the other tally is refused nevertheless."""
    city, committee = finished()
    poll = city.open_poll(committee, [[1]])
    another = another_tally(city, poll)
    city.close(poll)
    folder, view = city.folder / "trustee-1", city.view()
    with Disk(lambda operation: folder / "decryptions" == operation.path) as disk, pytest.raises(Crash):
        city.trustees[0].due(view)
    assert {str(folder), str(folder / "journal"), str(folder / "place")} <= disk.durable
    assert len(events(folder, "decrypt")) == 1
    assert not (city.folder / "trustee-1" / "decryptions" / poll.hex() / "0").exists()
    city.lies[poll] = {"tally": another}
    with pytest.raises(DoesNotHold, match="another tally"):
        city.due(1)
    del city.lies[poll]
    assert len(city.due(1)) == 1


def test_the_journal_line_comes_before_any_use_of_the_secret(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, committee = finished()
    poll = city.closed_poll(committee, [[1]])

    def look(*_: object) -> None:
        assert poll.hex() in (city.folder / "trustee-1" / "journal").read_text()
        raise Crash

    monkeypatch.setattr("veche.trustee.trustee.make_share", look)
    with pytest.raises(Crash):
        city.due(1)


def full_disk(patch: pytest.MonkeyPatch, number: int) -> None:
    """From now on the disk refuses the operation of this number, once."""
    fsync, count = os.fsync, itertools.count(1)

    def refuse(fd: int) -> None:
        if next(count) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(fd)

    patch.setattr(os, "fsync", refuse)


def test_a_new_trustee_is_durable(tmp_path: Path) -> None:
    with Disk() as disk:
        folder = tmp_path / "new"
        Trustee.create(folder, "Trustee 1")
        names = ("", "office.key", "role", "institution", "place", "journal")
        assert {str(tmp_path), *(str(folder / name) for name in names)} <= disk.durable
    with Disk() as disk:
        write_new(folder / "file", b"x", PRIVATE)
        assert disk.durable == {str(folder / "file"), str(folder)}
        with pytest.raises(UserError, match="never replaced"):
            write_new(folder / "file", b"y", PRIVATE)


def test_a_trustee_whose_creation_was_cut_short_is_created_again(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    def ready() -> None:
        if folder.exists():
            shutil.rmtree(folder)

    names = {"office.key", "role", "institution", "place", "journal"}
    for crash in crashes(lambda: Trustee.create(folder, "Trustee 1"), ready, (BEFORE, AFTER, TORN, FULL)):
        with Disk() as again:
            if (folder / "office.key").exists():  # there is somebody: nobody else may be put in their place
                made = Trustee.load(folder)
                with pytest.raises(UserError, match="not empty"):
                    Trustee.create(folder, "Another")
            else:
                made = Trustee.create(folder, "Trustee 1")
        assert made.institution == "Trustee 1"
        assert {path.name for path in folder.iterdir()} == names or crash.could_not_remove
        assert {str(tmp_path), *(str(folder / name) for name in ("", *names))} <= crash.durable | again.durable
        with Journal.open(folder) as journal:
            journal.check_place()


def test_a_full_disk_is_a_plain_sentence(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever operation fails, nothing leaves; with room again all goes on."""
    city, committee = finished()
    journal = city.folder / "trustee-1" / "journal"
    city.closed_poll(committee, [[1], [2]])
    before, view = journal.read_bytes(), city.view()
    for number in itertools.count(1):
        with monkeypatch.context() as patch:
            full_disk(patch, number)
            try:
                made = city.trustees[0].due(view)
                break
            except UserError as error:
                assert error.message.endswith("cannot be written: No space left on device.")
        if number < 3:  # reading the journal, writing its line
            assert journal.read_bytes() == before
    assert len(made) == 3 and number > 5


# Damage and mistakes


def test_two_programs_do_not_work_in_one_folder(finished: Finished) -> None:
    city, _ = finished()
    with Journal.open(city.folder / "trustee-1"), pytest.raises(UserError, match="Another program"):
        city.due(1)
    city.due(1)


def test_a_torn_last_line_is_dropped(finished: Finished) -> None:
    city, committee = finished()
    path = city.folder / "trustee-1" / "journal"
    before = path.read_bytes()
    for torn in (b"0", b"0" * 64, b"\xff\xfe", b"0" * 64 + b" decrypt 00 00 1"):
        path.write_bytes(before + torn)
        assert city.due(1) == []
        assert path.read_bytes() == before
    city.closed_poll(committee, [[1]])
    assert city.round() == 3


def test_no_byte_of_the_journal_can_be_changed(finished: Finished) -> None:
    city, committee = finished()
    city.closed_poll(committee, [[1]])
    city.run()
    path = city.folder / "trustee-1" / "journal"
    before = path.read_bytes()
    last = before.rindex(b"\n", 0, -1)
    for at in range(0, len(before), 7):
        if at > last and before[at] == 10:
            continue  # without its newline the last line counts as torn
        path.write_bytes(before[:at] + bytes([before[at] ^ 2]) + before[at + 1 :])
        with pytest.raises(UserError, match="was changed or damaged"):
            city.due(1)
    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    with pytest.raises(UserError, match=r"Line 2 .* was changed or damaged"):
        city.due(1)


def test_missing_and_damaged_files(finished: Finished) -> None:
    city, committee = finished()
    folder = city.folder / "trustee-1"
    cases = {
        "journal": "journal .* cannot be opened",
        "office.key": "cannot be read",
        "institution": "cannot be read",
        "role": "cannot be read",
    }
    for name, message in cases.items():
        (folder / name).rename(folder / "aside")
        with pytest.raises(UserError, match=message):
            city.load(folder).due(city.view())
        (folder / "aside").rename(folder / name)
    (folder / "institution").write_bytes(b"\xff\n")
    with pytest.raises(UserError, match="damaged"):
        city.load(folder)
    (folder / "institution").write_bytes(b"Trustee 1\n")
    (folder / "office.key").chmod(0o644)
    with pytest.raises(UserError, match="read by others"):
        city.load(folder)
    (folder / "office.key").chmod(0o600)
    answer = folder / "committees" / committee.hex() / "answer.json"
    for text in (
        "",
        "{",
        "[]",
        "{}",
        '{"statement": 1}',
        '{"statement": "zz"}',
        '{"statement": "00"}',
        '{"statement": "81617a"}',
    ):
        answer.write_text(text)
        with pytest.raises(UserError, match=r"answer\.json is damaged|does not hold it"):
            city.due(1)
    city.closed_poll(committee, [[1]])
    answer.write_text(
        json.dumps(
            {"statement": encode(["committee-key", [committee, 1, *city.committee(committee).keys[1].fields()]]).hex()}
        )
    )
    with pytest.raises(UserError, match=r"answer\.json is damaged"):
        city.due(1)
    (folder / "place").rename(folder / "aside")  # the last one: put back, it has changed
    with pytest.raises(UserError, match="is a copy"):
        city.load(folder).due(city.view())


def test_creating(tmp_path: Path) -> None:
    trustee = Trustee.create(tmp_path / "new", "Университет")
    assert Trustee.load(tmp_path / "new").institution == trustee.institution == "Университет"
    assert Trustee.load(tmp_path / "new").key.public == trustee.key.public
    with pytest.raises(UserError, match="not empty"):
        Trustee.create(tmp_path / "new", "Another")
    for name in ("", "x" * 81):
        with pytest.raises(UserError, match="1 to 80"):
            Trustee.create(tmp_path / "other", name)
    assert not (tmp_path / "other").exists()
    with pytest.raises(UserError, match="There is no folder"):
        Trustee.load(tmp_path / "nowhere")
