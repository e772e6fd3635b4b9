"""What a trustee's program must never do, whatever happens to its folder, its machine and the ledger."""

import errno
import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from backups import sync_in_place
from faults import AFTER, BEFORE, FULL, TORN, Crash, Disk, crashes

from veche.durable import PRIVATE, UNFINISHED, write_new
from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import encode
from veche.ledger.entries.tally import Tally
from veche.ledger.life import Phase
from veche.trustee.journal import Journal
from veche.trustee.trustee import Trustee

from .city import City

Finished = Callable[..., tuple[City, bytes]]


def events(folder: Path, kind: str) -> list[list[str]]:
    with Journal.open(folder) as journal:
        return [words for words in journal.events if words[0] == kind]


def another_tally(city: City, poll: bytes) -> Tally:
    """The tally of an open poll in a ledger where one more has voted."""
    ledger = city.ledger
    city.ledger = ledger.branch()
    city.vote(poll, 0, [1, *[0] * (city.poll(poll).definition.ciphertexts - 1)])
    city.ledger.beat_until(city.poll(poll).closing)
    tally = city.tally(poll)
    city.ledger = ledger
    return tally


# What is not decrypted


def test_nothing_is_decrypted_under_a_checkpoint_that_is_not_final(finished: Finished) -> None:
    city, committee = finished()
    poll = city.closed_poll(committee, [[1]])
    city.final = False
    assert city.round() == 0
    assert events(city.folder / "trustee-1", "decrypt") == []
    city.final = True
    assert city.round() == 3
    assert events(city.folder / "trustee-1", "decrypt") == [["decrypt", poll.hex(), city.tally(poll).hash.hex()]]
    _, size, root, *_ = events(city.folder / "trustee-1", "head")[-1]
    at = city.ledger.entries.index(city.tally(poll).encode()) + 1
    assert (int(size), root) == (at, city.view().root_at(at).hex())


def test_nothing_is_revealed_under_a_checkpoint_that_is_not_final(city: City) -> None:
    committee = city.form()
    for _ in range(3):
        city.final = False
        assert city.round() == 0
        city.final = True
        assert city.round() == 3
    assert city.committee(committee).finished


def test_cancelled_open_and_small_polls_are_not_decrypted(finished: Finished) -> None:
    city, committee = finished()
    still_open = city.open_poll(committee, [[1]], days=30)
    small = city.closed_poll(committee, [[1]], smallest=1)
    assert city.poll(small).phase == Phase.TOO_FEW
    cancelled = city.open_poll(committee, [[1]])
    city.cancel(cancelled)
    city.close(cancelled)
    assert city.round() == 0
    assert events(city.folder / "trustee-1", "decrypt") == []
    assert city.decryptions(small) == city.decryptions(still_open) == city.decryptions(cancelled) == set()


def test_a_share_that_the_result_did_not_wait_for_is_handed_in(finished: Finished) -> None:
    """Who gives none is named in reports; so a trustee who comes late still gives theirs."""
    city, committee = finished()
    poll = city.closed_poll(committee, [[1]])
    city.run(1)
    assert city.poll(poll).phase == Phase.DECIDED
    assert city.decryptions(poll) == {(2, 0), (3, 0)}
    city.run()
    assert city.poll(poll).complete == [1, 2, 3]
    assert city.due(1) == []


def test_other_committees_are_left_to_their_members(tmp_path: Path) -> None:
    city = City(tmp_path, others={"others": ["Somebody else"]})
    city.form()
    other = city.form(class_name="others")
    city.run()
    city.closed_poll(other, [[1]])
    assert city.round(4) == 0
    assert city.round() == 1


# One tally, one ledger


@pytest.mark.parametrize("handed_in", [False, True])
def test_a_second_tally_of_a_poll_is_refused(finished: Finished, handed_in: bool) -> None:
    city, committee = finished()
    poll = city.open_poll(committee, [[1, 0]])
    another = another_tally(city, poll)
    city.close(poll)
    first = city.due(1)
    if handed_in:
        city.hand_in(first[0])
    city.lies[poll] = {"tally": another}
    with pytest.raises(DoesNotHold, match="another tally"):
        city.due(1)
    with pytest.raises(DoesNotHold, match="another tally"):
        city.load(city.folder / "trustee-1").due(city.view())
    del city.lies[poll]
    assert city.due(1) == ([] if handed_in else first)


def test_a_rewritten_or_cut_ledger_is_refused(finished: Finished) -> None:
    """Each of these ledgers holds, as far as an auditor can see who has no other copy."""
    city, committee = finished()
    poll = city.open_poll(committee, [[1]])
    cut = city.ledger.branch()
    city.close(poll)
    tallied = city.ledger.branch()
    city.run()
    for shorter in (tallied, cut.branch()):
        city.ledger = shorter
        with pytest.raises(UserError, match="entries"):
            city.round()
    seen = int(events(city.folder / "trustee-1", "head")[-1][1])
    city.ledger = cut
    while len(city.ledger.entries) < seen:
        city.vote(poll, 0, [1])
    city.close(poll)
    with pytest.raises(DoesNotHold, match="rewritten"):
        city.round()


@pytest.mark.parametrize("seen", [True, False])
def test_a_copy_without_the_cancel_is_an_alarm_to_whoever_saw_it(finished: Finished, seen: bool) -> None:
    """The operator keeps a copy from before a ``cancel`` and leads it on. Nothing was ever decrypted in either."""
    city, committee = finished()
    poll = city.open_poll(committee, [[1]])
    copy = city.ledger.branch()
    city.cancel(poll)
    public = city.view().size
    if seen:
        assert city.round() == 0
    city.ledger = copy
    city.close(poll)
    while len(copy.entries) <= public:
        copy.say("committee", ["city", "pedersen", len(copy.state.committees())], city.organiser)
    if not seen:  # nobody can tell from one copy: witnesses are for that
        assert len(city.due(1)) > 0
        return
    for trustee in city.trustees:
        with pytest.raises(DoesNotHold, match="rewritten"):
            trustee.due(city.view())
        assert events(city.folder / trustee.institution.lower().replace(" ", "-"), "decrypt") == []


def test_a_trustee_serves_one_ledger(finished: Finished) -> None:
    city, _ = finished()
    city.ledger = city.another_ledger()
    with pytest.raises(UserError, match="serves ledger"):
        city.round()


# Copies and backups


def test_a_copied_folder_is_refused_and_the_original_goes_on(finished: Finished) -> None:
    city, committee = finished()
    original = city.folder / "trustee-1"
    for copy in (shutil.copytree(original, city.folder / "copy"), city.folder / "cp"):
        if not copy.exists():
            assert os.system(f"cp -a {original} {copy}") == 0
        with pytest.raises(UserError, match="is a copy or a restored backup"):
            city.load(copy).due(city.view())
    city.closed_poll(committee, [[1]])
    assert city.round() == 3


def test_a_folder_may_be_renamed(finished: Finished) -> None:
    city, committee = finished()
    (city.folder / "trustee-1").rename(city.folder / "moved")
    city.trustees[0] = city.load(city.folder / "moved")
    city.closed_poll(committee, [[1]])
    assert city.round() == 3


def test_a_restored_backup_is_refused(finished: Finished) -> None:
    city, committee = finished()
    folder, backup = city.folder / "trustee-1", city.folder / "backup"
    shutil.copytree(folder, backup)
    city.closed_poll(committee, [[1]])
    assert len(city.due(1)) == 1  # made, perhaps sent, not in the ledger yet
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    with pytest.raises(UserError, match="is a copy or a restored backup"):
        city.load(folder).due(city.view())


def test_a_backup_restored_over_the_old_files_is_refused(finished: Finished) -> None:
    """The inodes are the old ones; then the time tells."""
    city, _ = finished()
    folder = city.folder / "trustee-1"
    backup = shutil.copytree(folder, city.folder / "backup")
    inode = (folder / "place").stat().st_ino
    shutil.copytree(backup, folder, dirs_exist_ok=True)
    assert (folder / "place").stat().st_ino == inode
    with pytest.raises(UserError, match="is a copy or a restored backup"):
        city.load(folder).due(city.view())


def put_back(backup: Path, folder: Path) -> None:
    """The old contents in the old files, and newer files removed, by somebody who then makes the journal believe its folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            old = backup / path.relative_to(folder)
            if old.exists():
                path.write_bytes(old.read_bytes())
            else:
                path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    with Journal.open(folder) as journal:
        journal.settle()


def test_a_journal_that_knows_less_than_the_ledger_is_refused(finished: Finished) -> None:
    city, committee = finished()
    folder, backup = city.folder / "trustee-1", city.folder / "backup"
    shutil.copytree(folder, backup)
    city.closed_poll(committee, [[1]])
    city.run()
    put_back(backup, folder)
    with pytest.raises(UserError, match=r"decrypted poll .* already, but the journal does not know it"):
        city.due(1)


def test_a_journal_that_knows_less_than_the_folder_is_refused(finished: Finished) -> None:
    city, committee = finished()
    journal = city.folder / "trustee-1" / "journal"
    before = journal.read_bytes()
    city.closed_poll(committee, [[1]])
    city.due(1)
    journal.write_bytes(before)
    with pytest.raises(UserError, match="is a copy"):
        city.due(1)
    with Journal.open(city.folder / "trustee-1") as opened:
        opened.settle()
    with pytest.raises(UserError, match="the journal does not know it"):
        city.due(1)


def test_a_backup_restored_by_rsync_is_refused(finished: Finished) -> None:
    """It leaves alone what looks the same, overwrites the rest in place, and removes what is new."""
    city, committee = finished()
    folder, backup = city.folder / "trustee-1", city.folder / "backup"
    shutil.copytree(folder, backup)
    city.closed_poll(committee, [[1]])
    assert len(city.due(1)) == 1  # made, perhaps sent, not in the ledger yet
    sync_in_place(backup, folder)
    with pytest.raises(UserError, match="is a copy or a restored backup"):
        city.load(folder).due(city.view())


@pytest.mark.parametrize("step", ["certificate", "shares", "answer"])
def test_a_folder_that_forgot_a_step_is_refused(finished: Finished, step: str) -> None:
    city, committee = finished()
    path = city.folder / "trustee-1" / "committees" / committee.hex() / f"{step}.json"
    path.unlink()
    with pytest.raises(UserError, match=f"shows a step .{step}. of this trustee"):
        city.due(1)


def test_a_secret_that_does_not_belong_to_the_key_is_not_used(finished: Finished) -> None:
    city, committee = finished()
    path = city.folder / "trustee-1" / "committees" / committee.hex() / "answer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"secret": "01" + 31 * "00"}))
    city.closed_poll(committee, [[1]])
    with pytest.raises(UserError, match="does not belong to the key"):
        city.due(1)


def test_adopting_a_backup_gives_up_what_it_may_have_forgotten(finished: Finished) -> None:
    city, committee = finished()
    folder, backup = city.folder / "trustee-1", city.folder / "backup"
    early = city.closed_poll(committee, [[1]])
    city.run()
    still_open = city.open_poll(committee, [[2]], days=30)
    shutil.copytree(folder, backup)
    newer = city.form()
    city.run()
    sent = city.closed_poll(committee, [[3]])
    city.round(2, 3)
    unsent = city.closed_poll(committee, [[4]])
    assert len(city.due(1)) == 1
    shutil.rmtree(folder)

    restored = city.load(backup)
    city.final = False
    with pytest.raises(UserError, match="not final"):
        restored.adopt(city.view())
    city.final = True
    restored.adopt(city.view())
    lost = {words[1] for words in events(backup, "lost-poll")}
    assert lost == {sent.hex(), unsent.hex()}
    assert [words[1] for words in events(backup, "lost-committee")] == [newer.hex()]
    city.trustees[0] = restored
    city.close(still_open)
    assert len(city.due(1)) == 1
    on_newer = city.closed_poll(newer, [[5]])
    city.run()
    assert (1, 0) in city.decryptions(early) and (1, 0) in city.decryptions(still_open)
    assert (1, 0) not in city.decryptions(unsent) and (1, 0) not in city.decryptions(on_newer)
    assert city.result(unsent, [2, 3]) == [[4, 0]]
    with pytest.raises(UserError, match="is a copy"):
        city.load(shutil.copytree(backup, city.folder / "again")).due(city.view())


def test_adopting_that_was_cut_short_settles_nothing(finished: Finished) -> None:
    """As long as not all is given up that must be, the folder stays a copy."""
    city, committee = finished()
    backup = shutil.copytree(city.folder / "trustee-1", city.folder / "backup")
    polls = [city.closed_poll(committee, [[1]]) for _ in range(2)]
    assert len(city.due(1)) == 2
    copy, view = city.folder / "copy", city.view()

    def ready() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)

    settled = 0
    for _ in crashes(lambda: city.load(copy).adopt(view), ready, (BEFORE, AFTER, TORN, FULL)):
        with Journal.open(copy) as journal:
            settled += journal.settled
            lost = {words[1] for words in journal.events if words[0] == "lost-poll"}
        if journal.settled:
            assert lost == {poll.hex() for poll in polls}
            continue
        with pytest.raises(UserError, match="is a copy"):
            city.load(copy).due(view)
        city.load(copy).adopt(view)
        assert city.load(copy).due(view) == []
    assert settled > 1


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
