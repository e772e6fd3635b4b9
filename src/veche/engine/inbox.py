"""How other processes hand entries in: two folders beside the ledger, and whoever holds its lock serves them.

    inbox/<sha256>.entry     an entry that waits; it is named by its hash
    outbox/<sha256>.answer   what became of it, in its line: the hash, and {"number": n}, or {"rule", "message", "hint"} if it was
                             refused. One file has the answers of a whole batch, and the name of each of them

A reader sees a whole file or none (:mod:`veche.durable`). An answer is written when the entry is durable in the ledger,
and only then is the entry taken out of the inbox. Whatever else lies there is moved to ``set-aside/``, under its name, and a line in the log
says so: somebody may have put it there by mistake. What cannot be moved, or stands in the way of an answer, is left alone: it stops
nobody else's entry. A crash before the answer leaves the entry in the inbox; the next engine finds it in the ledger
(:meth:`Inbox.recover`) or hands it in again: the rules refuse a repetition, so no entry can take effect twice.

:func:`hand_in` is for whoever has something to say. If no engine runs and the log's key is at hand, it runs one for the moment.
"""

import hashlib
import json
import os
import re
import stat
import time as clock_time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from veche.durable import (
    FOREIGN,
    UNFINISHED,
    Held,
    drop,
    holder,
    make_folder,
    move_aside,
    replace,
    sync_folder,
    write_shared,
)
from veche.engine import place
from veche.engine.engine import Answer, Engine
from veche.engine.publishing import LOG_KEY
from veche.engine.running import engine_of
from veche.engine.waiting import BATCH, BUSY
from veche.errors import Refused, UserError, VecheError
from veche.handed import is_litter
from veche.keys import SigningKey
from veche.ledger.codec import MAX_ENTRY
from veche.ledger.ledger import Ledger
from veche.ledger.store import DATABASE, must_exist
from veche.logs import log
from veche.strict_json import read_json
from veche.texts import Message, Words, duration, one_line

ENTRY, ANSWER = ".entry", ".answer"
_NAME = re.compile(r"[0-9a-f]{64}\.entry")
_DRAFT = re.compile(rf"\.[0-9a-f]{{64}}\.entry{re.escape(UNFINISHED)}")
_SENTENCE = 2000  # characters
_ANSWERS = BATCH * 16_384
"""The most bytes of a file of answers: what a batch can need, with two sentences of four bytes a character each."""
RECENT = 4 * BATCH
"""How far back an entry may be that a crash left without an answer: at most one batch is served at a time."""
PAUSE = 0.02
PATIENCE = 5.0
"""Seconds for which who stays waits for another command that writes the ledger for a moment."""
_MOMENT = 0.5  # seconds to wait for somebody else who is the engine for a moment
MOST_ASIDE = 1000
"""So many files are kept that are no entries. More than that are no mistake, and dropped: the disk is not theirs."""
KEPT = 7 * 86_400
"""Seconds for which an answer is kept, for whoever asks again."""
CLEANING = 3600
"""Seconds after which a running engine looks for what is stale."""


class Unanswered(UserError):
    """Nobody takes what was handed in, or nobody has answered yet: the same may be handed in again."""


class Inbox:
    """The two folders of one ledger, as the engine's process sees them. Whoever calls ``serve`` holds the ledger's lock."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the ledger's; the two are made in it if they are missing."""
        self._in, self._out, self._aside = folder / "inbox", folder / "outbox", folder / "set-aside"
        self._left: set[str] = set()  # what is in the inbox and cannot be taken out
        for made in (self._in, self._out):
            make_folder(made)

    def recover(self, ledger: Ledger) -> None:
        """Answer what is in the ledger already, after a crash between the block and the answer; drop what has its answer.

        Call it before an engine takes the ledger over.
        """
        self.clean()
        waiting = {path.stem: path for path in self._waiting()}
        has_answer = [
            stem for stem in waiting if self._answer_of(stem).is_file()
        ]  # who asks again takes the old one away
        if has_answer:
            sync_folder(self._out)
        for stem in has_answer:
            self._take_out(waiting.pop(stem))
        if not waiting:
            return
        answers: dict[str, object] = {}
        for number in range(max(0, ledger.size - RECENT), ledger.size):
            stem = hashlib.sha256(ledger.entry(number)).hexdigest()
            if stem in waiting:
                answers[stem] = {"number": number}
        if answers:
            self._answer(answers)
            log().info("answered what a crash had left", entries=len(answers))

    def clean(self) -> None:
        """Drop what is stale: answers that nobody asked for, drafts that nobody finished."""
        now, stale = clock_time.time(), 0
        for path in [*self._in.glob(f"*{UNFINISHED}"), *self._out.iterdir()]:
            with suppress(OSError):  # gone meanwhile, or no file
                if now - path.lstat().st_mtime > KEPT:
                    path.unlink()
                    stale += 1
        if stale:
            log().info("removed stale files", files=stale)

    def serve(self, engine: Engine) -> int:
        """Hand what waits to the engine, at most a batch, and answer it; the answer is how many entries there were.

        Raises what broke the engine, if anything did: then the entries stay in the inbox.
        """
        taken: list[tuple[str, Answer]] = []
        answers: dict[str, object] = {}
        for path in self._waiting()[:BATCH]:
            try:
                data = _read(path)
            except FileNotFoundError:
                continue
            if data is None:
                message = Message("What was handed in is not an entry: it is too long, or its name is not its hash.")
                answers[path.stem] = _refusal(Refused("codec", message))
                self._set_aside([path.name])
            else:
                taken.append((path.stem, engine.submit(data)))
        for stem, future in taken:
            try:
                answers[stem] = {"number": future.result()}
            except Refused as refused:
                answers[stem] = _refusal(refused)
        if answers:
            self._answer(answers)
        return len(taken)

    def _waiting(self) -> list[Path]:
        """The entries that wait, in the order in which they came, as far as the file system tells. Sets aside whatever else is
        there, but for what file managers and editors leave."""
        found, odd = [], []
        with os.scandir(self._in) as there:
            for one in there:
                if _DRAFT.fullmatch(one.name) or one.name in self._left or is_litter(one.name):
                    continue
                try:
                    status = one.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if _NAME.fullmatch(one.name) and stat.S_ISREG(status.st_mode):
                    found.append((status.st_mtime_ns, one.name))
                else:
                    odd.append(one.name)
        self._set_aside(odd)
        return [self._in / name for _, name in sorted(found)]

    def _set_aside(self, names: Sequence[str]) -> None:
        """Move what is no entry out of the inbox, under its name; if that is taken, under it and a number. What cannot be moved stays
        where it is, and is looked at no more."""
        if not names:
            return
        moved = dropped = 0
        try:
            make_folder(self._aside)
            there = sum(1 for _ in self._aside.iterdir())
        except (OSError, VecheError):
            self._left.update(names)
            return
        for name in names:
            if there + moved >= MOST_ASIDE:
                self._take_out(self._in / name)
                dropped += 1
                continue
            try:
                move_aside(self._in / name, self._aside)
            except VecheError:
                if os.path.lexists(self._in / name):
                    self._left.add(name)
            else:
                moved += 1
        if moved:
            log().warning("moved what is no entry out of the inbox", files=moved, folder=str(self._aside))
        if dropped:
            log().warning("dropped what is no entry from the inbox", files=dropped)

    def _take_out(self, path: Path) -> None:
        """Remove what is in the inbox; what cannot be removed is looked at no more."""
        try:
            drop(path)
        except OSError:
            try:
                path.rmdir()
            except OSError:
                self._left.add(path.name)

    def _answer_of(self, stem: str) -> Path:
        return self._out / f"{stem}{ANSWER}"

    def _answer(self, answers: Mapping[str, object]) -> None:
        """Answer all of them, durably, and then take them out of the inbox."""
        lines = [f"{stem} {json.dumps(answer)}\n" for stem, answer in answers.items()]
        left = write_shared(self._out, [self._answer_of(stem).name for stem in answers], "".join(lines).encode())
        if left:
            log().warning("something stands where answers should be", files=len(left))
        for stem in answers:
            self._take_out(self._in / f"{stem}{ENTRY}")


def _refusal(refused: Refused) -> dict[str, object]:
    """A refusal for whoever handed the entry in, in each language: the engine does not know theirs."""
    said, advice = Words.of(refused.said), Words.of(refused.advice)
    return {
        "rule": refused.rule,
        "message": [said.en[:_SENTENCE], said.ru[:_SENTENCE]],
        "hint": [advice.en[:_SENTENCE], advice.ru[:_SENTENCE]],
    }


def hand_in(folder: Path, entries: Sequence[bytes], timeout: float = 60.0) -> list[int]:
    """Hand entries in to the ledger in this folder, in this order; their numbers, once they are durable in it.

    Raises Refused with the first refusal, and UserError if there is no ledger, nobody to write it, or no answer within
    ``timeout`` seconds.
    """
    numbers = []
    for answer in outcomes(folder, entries, timeout):
        if isinstance(answer, Refused):
            raise answer
        numbers.append(answer)
    return numbers


def outcomes(folder: Path, entries: Sequence[bytes], timeout: float = 60.0) -> list[int | Refused]:
    """As :func:`hand_in`, with a refusal in the place of each entry that was refused.

    What an engine is too busy to look at is handed in again until the time is over: a voter's credential can be read in the
    ledger, so anybody can take the places of their next ballot with junk, a moment each time.
    """
    if not (folder / DATABASE).exists():
        raise UserError(
            Message("There is no ledger in {folder}.", folder=folder),
            Message("Give the folder of a ledger, not a copy of its public files."),
        )
    if not engine_runs(folder) and not os.access(folder / LOG_KEY, os.R_OK):
        raise Unanswered(
            Message(
                "No engine writes the ledger in {folder} now, and its key cannot be read here, so nothing was handed in.",
                folder=folder,
            ),
            Message("Ask whoever owns the ledger to start it: veche ledger run"),
        )
    names = [hashlib.sha256(entry).hexdigest() for entry in entries]
    Inbox(folder)
    for name, entry in zip(names, entries, strict=True):
        if isinstance(_answered(folder, name), Refused):  # an old refusal; things may have changed since
            drop(folder / "outbox" / f"{name}{ANSWER}")
        if _answered(folder, name) is None:
            replace(folder / "inbox" / f"{name}{ENTRY}", entry)
    end = clock_time.monotonic() + timeout
    while True:
        answers = [_answered(folder, name) for name in names]
        found = [answer for answer in answers if answer is not None]
        late = clock_time.monotonic() > end
        if len(found) == len(answers) and (late or not any(_busy(answer) for answer in found)):
            return found
        for name, entry, answer in zip(names, entries, answers, strict=True):
            if _busy(answer) and not late:
                drop(folder / "outbox" / f"{name}{ANSWER}")
                replace(folder / "inbox" / f"{name}{ENTRY}", entry)
        if late:
            raise Unanswered(
                Message("The engine has not answered within {time}.", time=duration(round(timeout))),
                Message("What was handed in waits in the ledger's inbox, and goes in when the engine gets to it."),
            )
        if engine_runs(folder) or not os.access(folder / LOG_KEY, os.R_OK):
            clock_time.sleep(PAUSE)
        else:
            _run_for_a_moment(folder)


def _busy(answer: int | Refused | None) -> bool:
    """Whether the engine did not look at an entry, as it had too much of the same credential or poll."""
    return isinstance(answer, Refused) and answer.rule == BUSY


def engine_runs(folder: Path) -> bool:
    """Whether some process writes this ledger now: whether its lock is held. Looking disturbs nobody."""
    return holder(folder / "lock") is not None


def open_ledger(folder: Path, patience: float) -> tuple[Ledger, SigningKey]:
    """Open a ledger to write it, with its log's key; while some process writes it, wait up to ``patience`` seconds. Raises UserError."""
    must_exist(folder)
    key = SigningKey.load(folder / LOG_KEY)
    end = clock_time.monotonic() + patience
    while True:
        try:
            return Ledger(folder), key
        except Held:
            if clock_time.monotonic() > end:
                raise
        clock_time.sleep(PAUSE)


def _run_for_a_moment(folder: Path) -> None:
    """Be the engine for as long as it takes to serve the inbox. Somebody else may be quicker: then they serve it."""
    try:
        ledger, key = open_ledger(folder, _MOMENT)
    except Held:
        return
    with ledger:
        if place.must_ask(folder):
            raise Unanswered(
                Message("No engine runs in {folder}, and before it signs anything it has to look whether others have more.", folder=folder),
                Message("What was handed in waits in the ledger's inbox. Start the engine: veche ledger run, or veche node run"),
            )  # fmt: skip
        inbox = Inbox(folder)
        inbox.recover(ledger)
        with engine_of(ledger, key) as engine:
            if (folder / place.FOLDER).exists():
                place.settle(folder)
            inbox.serve(engine)


def _answered(folder: Path, name: str) -> int | Refused | None:
    """What the engine has answered; None as long as there is no such file with an answer in its form."""
    try:
        with os.fdopen(os.open(folder / "outbox" / f"{name}{ANSWER}", FOREIGN), "rb") as file:
            lines = file.read(_ANSWERS)
    except OSError:
        return None
    found = re.search(rb"^%b (.*)$" % name.encode(), lines, re.MULTILINE)
    try:
        answer: Any = read_json(found[1]) if found else None
    except ValueError:
        return None
    match answer:
        case {"number": int(number)}:
            return number
        case {"rule": str(), "message": [str(en), str(ru)], "hint": [str(do_en), str(do_ru)]}:
            said, advice = Words(one_line(en), one_line(ru)), Words(one_line(do_en), one_line(do_ru))
            return Refused(answer["rule"], said, advice)
    return None


def _read(path: Path) -> bytes | None:
    """An entry from the inbox; None if it cannot be one. A link is followed nowhere. Raises FileNotFoundError if it is gone."""
    try:
        descriptor = os.open(path, FOREIGN)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_ENTRY + 1)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    return data if len(data) <= MAX_ENTRY and hashlib.sha256(data).hexdigest() == path.stem else None
