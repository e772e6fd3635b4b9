"""Entries handed in from other processes: none is lost, none takes effect twice, whatever crashes in between."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from faults import AFTER, BEFORE, Operation, crashes
from node import Node

from veche.engine.embedded import LOG_KEY, EmbeddedEngine, create_ledger
from veche.engine.engine import Answer
from veche.engine.inbox import Inbox, _read, engine_runs, hand_in, outcomes
from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.office import Role
from veche.ledger.ledger import Ledger
from veche.ledger.shape import Text
from veche.ledger.signing import sign

from .conftest import Engine, fails, inside, ok


class Office:
    """A ledger with one organiser, who has things to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, log_key = SigningKey.generate(), SigningKey.generate()
        log_key.save(folder / LOG_KEY)
        others = [SigningKey.generate() for _ in range(2)]
        city = PollClass("city", (RegistrarSeat("R", "source"),), 1, 0, 1, ("T",), 1, 0, 2, 0, 86_400, 1)
        offices = (
            OfficeSeat("City", Role.ORGANISER, self.key.public),
            OfficeSeat("R", Role.REGISTRAR, others[0].public),
            OfficeSeat("T", Role.TRUSTEE, others[1].public),
        )
        charter = Charter(
            "veche.example/inbox",
            Text("Inbox", "Ящик"),
            int(time.time()),
            offices,
            1,
            (city,),
            Embedded(1, "City", log_key.public),
        )
        entry = sign(b"", "charter", charter.body(), [self.key, *others])
        self.id = digest(entry)
        self.log_key = log_key
        create_ledger(folder, entry, log_key).close()

    def notice(self, number: int, poll: bytes = b"") -> bytes:
        text = f"Notice {number}."
        return sign(self.id, "notice", [poll, [text, text], []], [self.key])

    def ledger(self) -> Ledger:
        return Ledger(self.folder)

    def entries(self) -> list[bytes]:
        with self.ledger() as ledger:
            return [ledger.entry(number) for number in range(ledger.size)]

    def answer(self, entry: bytes) -> Any:
        """Its line in the file of answers that has its name."""
        for line in self.answer_file(entry).read_text().splitlines():
            name, _, answer = line.partition(" ")
            if name == name_of(entry):
                return json.loads(answer)
        raise AssertionError("no answer")

    def answer_file(self, entry: bytes) -> Path:
        return self.folder / "outbox" / f"{name_of(entry)}.answer"

    def put(self, entry: bytes) -> Path:
        """What :func:`hand_in` has done when its process dies."""
        Inbox(self.folder)
        path = self.folder / "inbox" / f"{name_of(entry)}.entry"
        path.write_bytes(entry)
        return path


def name_of(entry: bytes) -> str:
    return hashlib.sha256(entry).hexdigest()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "ledger")


@pytest.fixture
def serving(office: Office) -> Iterator[list[int]]:
    """Another thread runs the engine, with the lock: the answer counts how many entries it served at a time."""
    counts: list[int] = []
    stop = threading.Event()
    with office.ledger() as ledger, EmbeddedEngine(ledger, office.log_key, pause=60) as engine:
        inbox = Inbox(office.folder)

        def serve() -> None:
            while not stop.is_set():
                if served := inbox.serve(engine):
                    counts.append(served)
                time.sleep(0.005)

        thread = threading.Thread(target=serve)
        thread.start()
        yield counts
        stop.set()
        thread.join()


def test_nobody_runs_the_engine_so_whoever_hands_in_does(office: Office) -> None:
    assert not engine_runs(office.folder)
    numbers = hand_in(office.folder, [office.notice(1), office.notice(2)])
    entries = office.entries()
    assert [entries[number] for number in numbers] == [office.notice(1), office.notice(2)]
    assert not list((office.folder / "inbox").iterdir())


def test_an_engine_that_runs_serves_others(office: Office, serving: list[int]) -> None:
    assert engine_runs(office.folder)
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda i: hand_in(office.folder, [office.notice(i)])[0], range(24)))
    for _ in range(500):  # the last answer is out before its server has counted it
        if sum(serving) == 24:
            break
        time.sleep(0.01)
    assert len(set(numbers)) == 24 == sum(serving)


def test_refusals_are_told_with_rule_and_hint(office: Office) -> None:
    good, bad = office.notice(1), office.notice(2, poll=bytes(32))
    first, second = outcomes(office.folder, [bad, good])
    assert isinstance(first, Refused) and first.rule == "unknown-poll" and isinstance(second, int)
    with pytest.raises(Refused, match="no poll with this id"):
        hand_in(office.folder, [bad])


def test_what_an_engine_was_too_busy_for_is_handed_in_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can fill the places of somebody's next ballot for a moment; nobody who hands one in is stopped by that."""
    submit, busy = EmbeddedEngine.submit, [Refused("busy", "Too many.", "Again.") for _ in range(3)]

    def crowded(engine: EmbeddedEngine, entry: bytes) -> Answer:
        if not busy:
            return submit(engine, entry)
        answer = Answer(threading.Condition())
        answer.give(busy.pop())
        return answer

    monkeypatch.setattr(EmbeddedEngine, "submit", crowded)
    first, second = outcomes(office.folder, [office.notice(1), office.notice(2)])
    assert not busy and isinstance(first, int) and isinstance(second, int)
    busy += [Refused("busy", "Too many.", "Again.") for _ in range(10_000)]
    with pytest.raises(Refused, match="Too many"):
        hand_in(office.folder, [office.notice(3)], timeout=0.2)


def test_the_same_bytes_again_get_the_same_answer(office: Office) -> None:
    assert hand_in(office.folder, [office.notice(1)]) == hand_in(office.folder, [office.notice(1)])
    assert office.entries().count(office.notice(1)) == 1


def test_an_old_refusal_is_not_repeated_when_things_have_changed(office: Office) -> None:
    entry = office.notice(1)
    office.put(entry)
    refusal = '{"rule": "not-open", "message": ["Not yet.", "Рано."], "hint": ["", ""]}'
    office.answer_file(entry).write_text(f"{name_of(entry)} {refusal}\n")
    assert hand_in(office.folder, [entry]) == [3]


def test_a_crash_before_the_block_leaves_the_entry_waiting(office: Office) -> None:
    waiting = office.put(office.notice(1))
    assert hand_in(office.folder, [office.notice(2)])  # whoever is the engine next serves what was left
    assert not waiting.exists()
    assert office.entries().count(office.notice(1)) == 1 and "number" in office.answer(office.notice(1))


def test_a_crash_between_block_and_answer_is_answered_from_the_ledger(office: Office) -> None:
    entry = office.notice(1)
    waiting = office.put(entry)
    with Node(office.folder) as node:
        (number,) = node.block(int(time.time()), [entry])
    assert waiting.exists() and not office.answer_file(entry).exists()
    hand_in(office.folder, [office.notice(2)])
    assert office.answer(entry) == {"number": number} and not waiting.exists()
    assert office.entries().count(entry) == 1


def test_a_crash_between_answer_and_removal_takes_no_effect_twice(office: Office) -> None:
    (number,) = hand_in(office.folder, [office.notice(1)])
    waiting = office.put(office.notice(1))
    hand_in(office.folder, [office.notice(2)])
    assert office.answer(office.notice(1)) == {"number": number} and not waiting.exists()
    assert office.entries().count(office.notice(1)) == 1


def test_a_refusal_that_was_answered_before_a_crash_stands(office: Office) -> None:
    """The poll may have opened since: whoever was told no has not asked again."""
    entry = office.notice(1)
    waiting = office.put(entry)
    refusal = {"rule": "not-open", "message": ["Not yet.", "Рано."], "hint": ["", ""]}
    office.answer_file(entry).write_text(f"{name_of(entry)} {json.dumps(refusal)}\n")
    hand_in(office.folder, [office.notice(2)])
    assert not waiting.exists() and office.answer(entry) == refusal
    assert entry not in office.entries()


@pytest.fixture
def again(office: Office) -> Callable[[], None]:
    """Puts the office's folder back to what it was when this was asked for first."""
    kept = office.folder.with_name("kept")

    def put_back() -> None:
        if not kept.exists():
            shutil.copytree(office.folder, kept)
        shutil.rmtree(office.folder)
        shutil.copytree(kept, office.folder)

    return put_back


def test_a_crash_at_any_operation_while_answering(office: Office, again: Callable[[], None]) -> None:
    """Two entries are in the ledger and not answered; the next engine dies while it answers; the one after puts it right."""
    entries = [office.notice(1), office.notice(2)]
    for entry in entries:
        office.put(entry)
    with Node(office.folder) as node:
        numbers = node.block(int(time.time()), entries)
    opened: list[Ledger] = []

    def ready() -> None:
        again()
        opened[:] = [office.ledger()]

    for _ in crashes(lambda: Inbox(office.folder).recover(opened[0]), ready):
        opened[0].close()
        hand_in(office.folder, [office.notice(3)])
        assert [office.answer(entry) for entry in entries] == [{"number": number} for number in numbers]
        assert all(office.entries().count(entry) == 1 for entry in entries)
        assert not list((office.folder / "inbox").iterdir())
    opened[0].close()


def test_a_crash_at_any_operation_while_handing_in(office: Office, again: Callable[[], None]) -> None:
    """Whoever hands in dies, perhaps as the engine; whoever comes next, with the same entry or another, is answered."""
    entry = office.notice(1)
    boxes = office.folder / "inbox", office.folder / "outbox"  # the ledger's own files have tests of their own

    def only(operation: Operation) -> bool:
        return operation.path in boxes or operation.path.parent in boxes

    for disk in crashes(lambda: hand_in(office.folder, [entry]), again, (BEFORE, AFTER), only):
        (number,) = hand_in(office.folder, [entry])
        hand_in(office.folder, [office.notice(2)])
        entries = office.entries()
        assert entries[number] == entry and entries.count(entry) == 1, disk.stopped
        assert not list((office.folder / "inbox").iterdir())


@pytest.mark.parametrize("kind", ["wrong name", "too long", "link", "folder", "no entry", "unfinished"])
def test_what_is_no_entry_harms_nobody(office: Office, kind: str, tmp_path: Path) -> None:
    Inbox(office.folder)
    place = office.folder / "inbox"
    path = place / f"{'0' * 64}.entry"
    if kind == "wrong name":
        path.write_bytes(office.notice(1))
    elif kind == "too long":
        data = os.urandom(70_000)
        path = place / f"{name_of(data)}.entry"
        path.write_bytes(data)
    elif kind == "link":
        (tmp_path / "secret").write_bytes(office.notice(1))
        path = place / f"{name_of(office.notice(1))}.entry"
        path.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        path.mkdir()
    elif kind == "no entry":
        path = place / f"{name_of(b'x')}.entry"
        path.write_bytes(b"x")
    else:
        (place / "x.entry.1.unfinished").write_bytes(b"half")
    assert hand_in(office.folder, [office.notice(2)]) == [3]
    assert not path.exists() and not list(place.iterdir())
    assert office.entries().count(office.notice(1)) == 0
    aside = office.folder / "set-aside" / ("x.entry.1.unfinished" if kind == "unfinished" else path.name)
    if kind != "no entry":  # which bears the name of an entry, and was answered as one
        assert aside.is_symlink() if kind == "link" else aside.exists(), "nothing is lost"
    if kind == "link":
        assert (tmp_path / "secret").exists()


def test_a_running_engine_says_what_happens_and_to_nobody(office: Office) -> None:
    """Lines for a machine, as the standard error is no terminal here; what was handed in is in none of them."""
    Inbox(office.folder)
    entry = office.notice(1)
    junk = office.folder / "inbox" / f"{'5' * 64}.entry"
    junk.write_bytes(b"a secret that is no entry")
    quiet = ok("ledger", "run", "--ledger", office.folder, "--once")
    (line,) = map(json.loads, quiet.err.splitlines())
    assert (line["level"], line["event"]) == ("warning", "moved what is no entry out of the inbox")
    assert line["files"] == 1 and Path(line["folder"], junk.name).read_bytes() == b"a secret that is no entry"
    office.put(entry)
    told = ok("ledger", "run", "--ledger", office.folder, "--seconds", "0.5", "--verbose")
    events = [json.loads(line) for line in told.err.splitlines()]
    assert [event["event"] for event in events] == ["the engine runs", "grown", "the engine ended"]
    assert events[1]["entries"] == 2 and events[2]["size"] == len(office.entries())
    for secret in ("55555", "a secret", name_of(entry), entry.hex(), "Notice"):
        assert secret not in quiet.err + told.err


def test_stale_files_are_forgotten(office: Office) -> None:
    hand_in(office.folder, [office.notice(1)])
    (answer,) = (office.folder / "outbox").iterdir()
    left = office.folder / "inbox" / f".{'a' * 64}.entry.unfinished"
    left.write_bytes(b"half")
    old = time.time() - 30 * 86_400
    for path in (answer, left):
        os.utime(path, (old, old))
    hand_in(office.folder, [office.notice(2)])
    assert not answer.exists() and not left.exists()


def test_an_engine_that_does_not_answer(office: Office) -> None:
    with office.ledger(), pytest.raises(UserError, match="has not answered"):
        hand_in(office.folder, [office.notice(1)], timeout=0.2)
    assert hand_in(office.folder, [office.notice(2)])
    assert "number" in office.answer(office.notice(1))


def test_without_an_engine_and_without_the_key_nothing_is_left_behind(office: Office) -> None:
    (office.folder / LOG_KEY).unlink()
    with pytest.raises(UserError, match="nothing was handed in"):
        hand_in(office.folder, [office.notice(1)])
    assert not (office.folder / "inbox").exists()


def test_processes_that_hand_in_at_once_take_turns_as_the_engine(office: Office, tmp_path: Path) -> None:
    files = []
    for number in range(6):
        files.append(tmp_path / f"{number}.entry")
        files[-1].write_bytes(office.notice(number))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda file: ok("ledger", "submit", file, "-l", office.folder, "--json").json, files))
    numbers = [answer["entry"] for answer in answers]
    entries = office.entries()
    assert [entries[number] for number in numbers] == [file.read_bytes() for file in files]


def test_an_engine_that_is_killed_loses_nothing(office: Office, engines: list[Engine]) -> None:
    handed: list[bytes] = []
    stop = threading.Event()

    def hand_in_all() -> None:
        number = 0
        while not stop.is_set():
            hand_in(office.folder, [office.notice(number)], timeout=60)
            handed.append(office.notice(number))
            number += 1

    thread = threading.Thread(target=hand_in_all)
    engines.append(Engine(office.folder))
    thread.start()
    for _ in range(3):
        before = len(handed)
        for _ in range(6000):  # it is killed in the midst of its work, however fast this machine is
            if len(handed) > before + 1:
                break
            time.sleep(0.01)
        engines[-1].crash()
        engines.append(Engine(office.folder))
    stop.set()
    thread.join()
    assert engines[-1].stop().code == 0
    entries = office.entries()
    assert len(handed) > 3
    for entry in handed:
        assert entries.count(entry) == 1


def test_whoever_looks_whether_an_engine_runs_disturbs_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking takes the lock for a moment, in which another cannot open the ledger, and must not give up."""
    tries = 0

    def opened(folder: Path) -> Ledger:
        nonlocal tries
        tries += 1
        if tries > 2:
            return Ledger(folder)
        with (folder / "lock").open() as file:  # as engine_runs does
            fcntl.flock(file, fcntl.LOCK_SH)
            return Ledger(folder)

    monkeypatch.setattr("veche.engine.inbox.Ledger", opened)
    assert hand_in(office.folder, [office.notice(1)]) == [3]
    assert tries == 3


def test_one_engine_at_a_time(office: Office, engines: list[Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veche.cli.ledger.PATIENCE", 0.3)
    engines.append(Engine(office.folder))
    fails(2, "Another program is writing", "ledger", "run", "--ledger", office.folder, run=inside)
    stopped = engines[0].stop()
    assert stopped.code == 0 and "all of them published" in stopped.out and not stopped.err


def test_one_bad_name_stops_nobody(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that no answer can have, folders, pipes, sockets, links to themselves, what cannot be read, or is gone: all at once."""
    Inbox(office.folder)
    inbox, outbox = office.folder / "inbox", office.folder / "outbox"
    (inbox / f"{'n' * 243}.entry").write_bytes(office.notice(1))
    (inbox / "карта.entry").write_bytes(b"x")
    (inbox / f"{'1' * 64}.entry").mkdir()
    full = inbox / f"{'2' * 64}.entry"
    full.mkdir()
    (full / "in it").write_bytes(b"")
    os.mkfifo(inbox / f"{'3' * 64}.entry")
    (inbox / f"{'4' * 64}.entry").symlink_to(f"{'4' * 64}.entry")
    monkeypatch.chdir(inbox)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{'5' * 64}.entry")
    office.put(office.notice(2)).chmod(0)
    gone = office.put(office.notice(3))
    in_the_way = office.put(office.notice(4))
    (office.folder / "set-aside").mkdir()
    (office.folder / "set-aside" / "карта.entry").write_bytes(b"another")
    (outbox / in_the_way.with_suffix(".answer").name / "folder").mkdir(parents=True)
    os.utime(outbox / in_the_way.with_suffix(".answer").name, (0, 0))  # stale: it would be removed if it were an answer

    def read(path: Path) -> bytes | None:
        if path == gone:
            path.unlink(missing_ok=True)
        return _read(path)

    monkeypatch.setattr("veche.engine.inbox._read", read)
    for number in range(10, 12):
        assert hand_in(office.folder, [office.notice(number)])
    entries = office.entries()
    assert [entries.count(office.notice(number)) for number in (1, 3, 4, 10, 11)] == [0, 0, 1, 1, 1]
    assert not list(inbox.iterdir())
    aside = {path.name: path for path in (office.folder / "set-aside").iterdir()}
    assert aside.keys() >= {f"{'n' * 243}.entry", full.name, f"{'3' * 64}.entry", f"{'5' * 64}.entry"}
    assert [aside[name].read_bytes() for name in ("карта.entry", "карта.entry.1")] == [b"another", b"x"]
    assert (aside[full.name] / "in it").exists()
    assert sorted(path.suffix for path in outbox.iterdir() if path.is_dir()) == [".answer"]


def test_what_stands_in_the_way_of_setting_aside_loses_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the place of the folder: then all stays where it was put. Of a flood no more than so many are kept."""
    mistaken = office.put(b"").with_name("roll.csv")
    mistaken.write_bytes(b"person,district\n")
    (office.folder / "set-aside").write_bytes(b"")
    assert hand_in(office.folder, [office.notice(1)]) and mistaken.read_bytes() == b"person,district\n"
    (office.folder / "set-aside").unlink()
    monkeypatch.setattr("veche.engine.inbox.MOST_ASIDE", 2)
    for number in range(3):
        mistaken.with_name(f"{number}.csv").write_bytes(b"x")
    assert hand_in(office.folder, [office.notice(2)])
    assert len(list((office.folder / "set-aside").iterdir())) == 2
    assert not list((office.folder / "inbox").iterdir())


def test_a_batch_is_answered_with_few_flushes(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = 0
    real = os.fsync

    def count(descriptor: int) -> None:
        nonlocal flushed
        flushed += threading.current_thread() is threading.main_thread()
        real(descriptor)

    def flushes(first: int, many: int) -> int:
        nonlocal flushed
        for number in range(first, first + many):
            office.put(office.notice(number))
        flushed = 0
        assert inbox.serve(engine) == many
        return flushed

    monkeypatch.setattr(os, "fsync", count)
    with office.ledger() as ledger, EmbeddedEngine(ledger, office.log_key, pause=60) as engine:
        inbox = Inbox(office.folder)
        flushes(0, 1)
        assert flushes(1, 100) == flushes(200, 1) == 2  # the engine has a thread of its own
    entries = office.entries()
    assert all(entries[office.answer(office.notice(i))["number"]] == office.notice(i) for i in (1, 50, 100, 200))


@pytest.mark.parametrize(
    "answer", ["", "no", "{}", '{"number": "1"}', '{"rule": 1, "message": 2, "hint": 3}', "[" * 100_000, "9" * 5000]
)
def test_an_answer_that_is_none_is_waited_for(office: Office, answer: str) -> None:
    entry = office.notice(1)
    Inbox(office.folder)
    office.answer_file(entry).write_text(f"{name_of(entry)} {answer}\n")
    with office.ledger(), pytest.raises(UserError, match="has not answered"):
        hand_in(office.folder, [entry], timeout=0.1)


def test_an_operator_who_puts_a_pipe_there_holds_nobody_up(office: Office) -> None:
    entry = office.notice(1)
    Inbox(office.folder)
    os.mkfifo(office.answer_file(entry))
    (office.folder / "lock").unlink()
    os.mkfifo(office.folder / "lock")
    assert not engine_runs(office.folder)
    (office.folder / LOG_KEY).unlink()
    with pytest.raises(UserError, match="nothing was handed in"):
        hand_in(office.folder, [entry], timeout=0.1)
