"""A trustee's folder that was copied, restored or put back is told from the one that goes on."""

import json
import os
import shutil

import pytest
from backups import sync_in_place
from faults import AFTER, BEFORE, FULL, TORN, crashes

from veche.errors import UserError
from veche.trustee.journal import Journal

from .city import Finished, events, put_back

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
