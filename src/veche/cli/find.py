"""``veche find``: where a ballot is, by its tracker."""

import base64
import binascii
from pathlib import Path
from typing import Any

import click

from veche.cli import options
from veche.cli.options import ANY_PATH
from veche.cli.reading import Reading, read_ledger
from veche.errors import UserError
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.permit.seed import Seed
from veche.terminal.show import tracker
from veche.voter.voter import Voter


@click.command(short_help="Find a ballot by its tracker.")
@click.argument("text", metavar="[TRACKER]", required=False)
@click.option(
    "--seed", type=ANY_PATH, metavar="FILE", help="Find every ballot that this voter's seed has cast, instead."
)
@options.ledger
@options.json
def find(text: str | None, seed: Path | None, folder: Path, as_json: bool) -> None:
    """Find a ballot in the ledger by its tracker, and say whether it counts.

    \b
    Example:
      veche find 0IjNwQKjH4EKDcHBbHGnZgmJBmvVrpKIGkWyBdNXNR4 --ledger ledger
      veche find --seed voter.seed
    """
    if (text is None) == (seed is None):
        raise UserError("Say what to find: a tracker, or --seed FILE.", 'See "veche find --help".')
    with read_ledger(folder) as reading:
        if text is not None:
            rows = [_by_tracker(reading, text)]
        else:
            assert seed is not None, "one of the two was given"
            rows = _by_seed(reading, Voter(Seed.load(seed)))
        found = [_row(reading, poll, number) for poll, number in rows]
    if as_json:
        options.emit(found)
        return
    for row in found:
        click.echo(f"Entry {row['entry']}, turn {row['turn']}, in poll {row['poll'][:12]}: {row['title']}")
        click.echo(f"  Tracker {row['tracker']}")
        click.echo(f"  {_SAYS[row['state']]}")
    if not found:
        click.echo("This seed has cast no ballot in this ledger.")


_SAYS = {
    "last": "It is the last ballot of its voter: it counts, unless the voter votes again before closing.",
    "counted": "It was counted.",
    "replaced": "Its voter voted again later: the later ballot counts, not this one.",
    "not counted": "The poll is not counted.",
}

_STATES = {Phase.ANNOUNCED: "last", Phase.COUNTING: "counted", Phase.DECIDED: "counted"}
"""What becomes of a voter's last ballot in a poll of this phase."""


def _row(reading: Reading, poll: PollState, number: int) -> dict[str, Any]:
    cast = read_ballot(reading.entry(number))
    ballot = poll.frozen.kernel.load(cast.ballot)
    last = reading.state.last_ballot(poll, ballot.credential)
    state = "replaced" if last is None or last.number != number else _STATES.get(poll.phase, "not counted")
    return {
        "entry": number,
        "poll": poll.id.hex(),
        "title": poll.definition.title.en,
        "turn": cast.turn,
        "tracker": tracker(ballot.tracker),
        "state": state,
    }


def _by_tracker(reading: Reading, text: str) -> tuple[PollState, int]:
    wanted = parse_tracker(text)
    for poll in reading.state.polls():
        number = reading.state.find_tracker(poll, wanted)
        if number is not None and number < reading.size:
            return poll, number
    raise UserError(
        "No ballot in this ledger has this tracker.",
        "Compare every character. If it is right, the ballot never arrived, or this copy of the ledger is older.",
    )


def _by_seed(reading: Reading, voter: Voter) -> list[tuple[PollState, int]]:
    rows = []
    for poll in reading.state.polls():
        last = reading.state.last_ballot(poll, voter.credential(poll.id))
        if last is not None and last.number < reading.size:
            rows.append((poll, last.number))
    return rows


def parse_tracker(text: str) -> bytes:
    """A tracker as Belenios writes it (43 characters of base64), or as 64 hexadecimal digits. Raises UserError."""
    try:
        data = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(f"{text}=", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    if len(data) != 32:
        raise UserError(f"{text[:80]!r} is not a tracker.", "It is 43 letters, digits and the signs + and /.")
    return data
