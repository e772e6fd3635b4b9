"""A network's restart on one copy of its ledger: how the copy comes to the block behind which it goes on, and then goes on.

docs/adr/0023-restart.md says why it is so. Nobody decides blocks meanwhile: each who goes on executes the same one, which holds the
restart, and CometBFT begins behind it with another chain.
"""

from collections.abc import Callable
from pathlib import Path

from veche.audit.ledger import Progress
from veche.audit.rebuild import rebuild
from veche.durable import PRIVATE, remove, replace
from veche.engine.cometbft.home import voted
from veche.engine.inbox import PATIENCE, open_ledger
from veche.engine.publishing import LOG_KEY
from veche.engine.running import RESTART
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries import kind_of
from veche.ledger.entries.restart import Restart
from veche.ledger.entries.validators import Validators
from veche.ledger.following import blocks
from veche.ledger.heads import Succession, validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.machine import Machine
from veche.ledger.state import State
from veche.ledger.store import DATABASE
from veche.ledger.walk import read_kept
from veche.log.checkpoint import Checkpoint
from veche.log.cosigner import Cosigner
from veche.log.log import Log
from veche.log.publish import Publisher
from veche.log.source import Folder, Source, head_name
from veche.log.tiles import CHECKPOINT
from veche.texts import Message

ROOM = 10
"""Heights above the last one here at which a restart's is: others may have come a little further without logging anything."""


def lay_out(ledger: Ledger) -> Checkpoint:
    """Write the tiles of all that is durable here into the ledger's folder, also of what is under no final head, for who signs the
    restart elsewhere; the head of it."""
    Publisher(ledger.folder).lay_out(ledger.growth(ledger.size))
    return ledger.head


def check_kept(folder: Path, succession: Succession, root: Callable[[int], bytes]) -> None:
    """Raise UserError unless every head is kept here with which validators handed over to others: along these readers come to a restart.

    ``succession``: up to where the restart goes on from; ``root``: of the log, by its size. Raises DoesNotHold for a file that is no such
    head, or not signed by over two thirds of them.
    """
    source = Folder(folder)
    for number, _ in succession.changes:
        size = number + 1
        if source.get(head_name(size)) is None:
            raise UserError(
                Message(
                    "The validators changed with entry {number}, and {file} is not here, the head that those before sign: nobody"
                    " could follow a restart behind it.",
                    number=str(number),
                    file=folder / head_name(size),
                ),
                Message(
                    "Copy this file from a validator that has it. If none has it, begin the restart at a validator whose ledger ends"
                    " before that entry."
                ),
            )
        read_kept(source, size, root(size)).verify(succession.policy(size))


def height_of(ledger: Ledger) -> int:
    """The height that this copy has come to, also if the last blocks appended nothing and were not written down: below what it voted for
    last, a validator can help no chain to begin."""
    return max(ledger.height, voted(ledger.folder))


def reach(source: Source, known: Log, restart: Restart) -> Log:
    """The log from which a restart goes on, as it lies in a copy of which ``known`` is what is final.

    Raises DoesNotHold (``consistency``) if it does not go on from that: nothing is ever signed then; and UserError if the copy does
    not have all of it.
    """
    if restart.size < known.size or (restart.size == known.size and restart.root != known.root(known.size)):
        raise _left(known.size)
    if restart.size == known.size:
        return known
    try:
        found = Log(source, Checkpoint(known.head.origin, restart.size, restart.root))
        before = found.root(known.size)
        for _ in found.entries(known.size):
            pass
    except DoesNotHold:
        raise UserError(
            Message(
                "The restart goes on from {size} entries, and this copy does not have them, or has others.",
                size=restart.size,
            ),
            Message("Copy the folder tile from whoever began the restart, over the one here, and try again."),
        ) from None
    if before != known.root(known.size):
        raise _left(known.size)
    return found


def lead_on(state: State, log: Log, start: int) -> State:
    """What the rules remember with all entries of a log, of which ``state`` is that of the first ``start``; in a private database."""
    copy = state.copy()
    machine = Machine(copy, log.entry, log.root)
    for block in blocks(log.entries(start)):
        machine.follow(block)
        machine.end()
    return copy


def commit_to(folder: Path, key: SigningKey, restart: Restart, log: Log) -> None:
    """Before a validator signs with the key beside its ledger: from now on it goes on with this restart or not at all.

    ``log``: from which the restart goes on. Raises UserError if its node runs, if it has signed another restart, or has more than that
    log, or as :func:`check_kept`; DoesNotHold (``consistency``) if it has other entries, or has cosigned another head.
    """
    ledger, _ = open_ledger(folder, 0)
    with ledger:
        _check_behind(ledger, restart, log)
        last = Cosigner(folder, validator_verifier(ledger.state.charter.origin, key.public).name, key).last
        if last is not None and (last.size > restart.size or log.root(last.size) != last.root):
            raise _left(last.size)
        check_kept(folder, _succession(ledger, log), log.root)
        mark, body = folder / RESTART, encode([restart.kind, restart.body()])
        if mark.exists() and mark.read_bytes() != body:
            raise UserError(
                Message("This validator has signed another restart already."),
                Message("If all who signed that have given it up, remove {file}.", file=mark),
            )
        replace(mark, body, PRIVATE)


def _succession(ledger: Ledger, log: Log) -> Succession:
    """Whose signatures heads need up to the end of a log, of which ``ledger`` has the beginning."""
    found = ledger.state.succession
    for number, data in enumerate(log.entries(ledger.size), ledger.size):
        if kind_of(data) == Validators.kind:
            found = found.after(number, Validators.parse(decode(data)[1]))
    return found


def _check_behind(ledger: Ledger, restart: Restart, log: Log) -> None:
    """Raise UserError, DoesNotHold unless a ledger has no more than the log from which a restart goes on."""
    if ledger.size > restart.size or height_of(ledger) >= restart.height:
        raise UserError(
            Message(
                "This ledger has {size} entries and is at block {height}, further than the restart goes on from.",
                size=ledger.size,
                height=height_of(ledger),
            ),
            Message("Begin the restart here, where the log is longest; those who signed the other give it up."),
        )
    if log.root(ledger.size) != ledger.head.root:
        raise _left(ledger.size)


def _left(size: int) -> DoesNotHold:
    return DoesNotHold(
        "consistency",
        Message("entry {seen}", seen=str(size)),
        Message(
            "The restart does not go on from this ledger: it leaves out or changes what is in its first {size} entries.",
            size=size,
        ),
        Message("Sign nothing, keep both as evidence, and raise the alarm."),
    )


def restart_ledger(folder: Path, entry: bytes, progress: Progress | None = None) -> int:
    """Lead the ledger in this folder to the restart, and on with it; the number of the entry, also if it did so before.

    ``entry``: with all its signatures. A folder without a database gets one first, of its public files. A crash at any moment leaves a
    whole ledger, and this can be called again. Raises Refused, UserError, DoesNotHold.
    """
    restart = Restart.parse(decode(entry)[1])
    if not (folder / DATABASE).is_file() and (folder / CHECKPOINT).is_file():
        rebuild(folder, progress, newcomer=True)
    ledger, key = open_ledger(folder, PATIENCE)
    with ledger:
        state = ledger.state
        if state.get_bytes("network") != digest(entry):
            _check_key(key, restart)
            log = _log_of(ledger, restart)
            _check_behind(ledger, restart, log)
            for block in blocks(log.entries(ledger.size)):
                ledger.follow(block)
            done = ledger.execute(restart.height, restart.time, [entry], previous=state.get("time"))
            (answer,) = done.answers
            if isinstance(answer, Refused):
                ledger.discard()
                raise answer
            ledger.commit()
        number = state.succession.began[0] - 2
    remove(folder / RESTART)
    return number


def _log_of(ledger: Ledger, restart: Restart) -> Log:
    """From which a restart goes on, by what lies in a ledger's folder and in its database."""
    if restart.size == ledger.size and restart.root == ledger.head.root:
        lay_out(ledger)
    source = Folder(ledger.folder)
    return reach(source, Log(source, source.checkpoint().checkpoint), restart)


def _check_key(key: SigningKey, restart: Restart) -> None:
    if key.public not in {founder.key for founder in restart.founders}:
        raise UserError(
            Message("The key in {file} is none with which the restart goes on.", file=LOG_KEY),
            Message("Only validators that go on hand a restart in; everybody else follows them."),
        )
