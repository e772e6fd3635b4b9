"""How a person begins, signs and hands in the restart of a network: what is asked of each copy before anything is signed in it.

See :mod:`veche.audit.restarting`, and docs/adr/0023-restart.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from veche import clock
from veche.audit.restarting import ROOM, check_kept, commit_to, height_of, lay_out, lead_on, reach, restart_ledger
from veche.cli import options, together
from veche.cli.earnest import say_if_test
from veche.cli.entry_file import OnItsWay, read_on_its_way
from veche.cli.reading import Reading, read_ledger
from veche.cli.signing import consider
from veche.cli.verify import progress_bar
from veche.engine.inbox import open_ledger
from veche.engine.publishing import LOG_KEY
from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.entries.engine import ValidatorRow
from veche.ledger.entries.network import Founder
from veche.ledger.entries.office import Role
from veche.ledger.entries.restart import Restart
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import SignedCheckpoint
from veche.log.source import open_source
from veche.terminal.say import say
from veche.texts import Message


def begin_restart(
    coming: Sequence[Founder],
    lost: Sequence[str],
    folder: Path,
    keys: Sequence[Path],
    output: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """Begin the entry in the folder of a validator, from all that is durable there. ``coming``: with new keys or addresses; ``lost``: who
    do not go on with theirs. Raises UserError, Refused, DoesNotHold."""
    ledger, _ = open_ledger(folder, 0)
    with ledger:
        if not ledger.state.validators():
            say_if_test(ledger.state.charter)
            raise UserError(
                Message("One process runs this ledger, without validators."),
                Message("Start it again: veche ledger run --ledger {folder}", folder=folder),
            )
        check_kept(folder, ledger.state.succession, ledger.root)
        head = lay_out(ledger)
        founders = _founders(ledger, coming, lost)
        time = max(clock.system().time, ledger.time)
        entry = Restart(head.size, head.root, height_of(ledger) + ROOM, time, founders)
    with _reading(folder, entry) as reading:
        what = Message(
            "the network goes on from {size} entries with {count} validators", size=head.size, count=len(founders)
        )
        commit = partial(_commit, folder, keys, entry, reading)
        together.begin(entry, reading, keys, output, yes, as_json, what, commit)
    if not as_json:
        say(
            Message(
                "Over a third of the validators have to be among them, and each that goes on with its key, in its own folder."
            )
        )


def _founders(ledger: Ledger, coming: Sequence[Founder], lost: Sequence[str]) -> tuple[Founder, ...]:
    state = ledger.state
    rows: dict[str, ValidatorRow] = {row.institution: row for row in state.validator_rows()}
    names = [one.institution for one in state.validators()]
    for name in lost:
        if name not in names:
            raise UserError(
                Message("{institution} is no validator.", institution=name),
                Message("See who is: veche ledger show"),
            )
    found = {founder.row.institution: founder for founder in coming}
    for one in state.validators():
        if one.institution in lost or one.institution in found:
            continue
        if one.institution not in rows:
            raise UserError(
                Message("{institution} has never said where it is found.", institution=one.institution),
                Message('Give its row in a file, as "veche network keys" prints one, with the keys that it has.'),
            )
        found[one.institution] = Founder(one.key, rows[one.institution])
    return tuple(sorted(found.values(), key=lambda founder: founder.row.institution))


def sign_restart(file: Path, folder: Path, keys: Sequence[Path], yes: bool, as_json: bool) -> bytes:
    """Sign a restart after showing it, if it goes on from the ledger in this folder; what the file holds then. Raises as
    :func:`begin_restart`."""
    with read_ledger(folder) as known:
        way: OnItsWay[Restart] = read_on_its_way(file, known.id, Restart)
    with _reading(folder, way.entry) as reading:
        signers = [options.load_key(key) for key in keys]
        for signer in signers:
            reading.holder(signer.public)
        consider(way.entry, reading, [one.public for one in signers], yes, way.signed, err=as_json)
        _commit(folder, keys, way.entry, reading)
        return way.sign(reading.id, signers)


@contextmanager
def _reading(folder: Path, restart: Restart) -> Iterator[Reading]:
    """The ledger in a folder with all from which the restart goes on. Raises DoesNotHold if that is not all that is final there."""
    with read_ledger(folder) as known:
        source = open_source(folder)
        log = reach(source, known.log, restart)
        if log is known.log:
            yield known
            return
        state = lead_on(known.state, log, known.size)
        with closing(state.db):
            yield Reading(source, SignedCheckpoint(log.head, ()), state)


def _commit(folder: Path, keys: Sequence[Path], restart: Restart, reading: Reading) -> None:
    """Whoever signs with a validator's key that goes on binds its folder to the restart. Raises UserError for a key elsewhere."""
    going_on = {founder.key for founder in restart.founders}
    own = SigningKey.load(folder / LOG_KEY).public if (folder / LOG_KEY).is_file() else b""
    for path in keys:
        signer = options.load_key(path)
        office = reading.state.offices.get(signer.public)
        if office is None or office.role is not Role.VALIDATOR:
            continue
        if signer.public == own:
            commit_to(folder, signer, restart, reading.log)
        elif signer.public in going_on:
            raise UserError(
                Message(
                    "The key of {institution} as validator signs a restart in that validator's own folder.",
                    institution=office.institution,
                ),
                Message("Sign there: veche ledger sign FILE --ledger FOLDER --key FOLDER/log.key"),
            )


def submit_restart(folder: Path, entry: bytes) -> int | Refused:
    """Lead a validator's ledger on with a restart that all have signed; the number of the entry. Raises UserError, DoesNotHold."""
    try:
        with progress_bar(Message("Checking entries")) as progress:
            return restart_ledger(folder, entry, progress)
    except Refused as refused:
        return refused
