"""``veche find``: where a ballot is, by its code, nine words of it, or its tracker."""

from pathlib import Path
from typing import Any

import click

from veche.audit.entry_words import tracker
from veche.cli import options
from veche.cli.ballots import find_ballots
from veche.cli.language import Command
from veche.cli.options import ANY_PATH
from veche.cli.reading import UNWITNESSED, Reading, read_ledger
from veche.errors import DoesNotHold, UserError
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.permit.seed import Seed
from veche.terminal.code import code_lines
from veche.terminal.say import say, spoken
from veche.texts import N_, Message, Verbatim, Words
from veche.voter.voter import Voter


@click.command(cls=Command, short_help="Find a ballot by its code, nine words or its tracker.")
@click.argument("words", metavar="[CODE | NINE WORDS | TRACKER]", nargs=-1)
@click.option("--seed", type=ANY_PATH, metavar="FILE",
              help="Find every ballot that this voter's seed has cast; with a code, see that the ballot found is this voter's.")  # fmt: skip
@options.ledger
@options.json
def find(words: tuple[str, ...], seed: Path | None, folder: Path, as_json: bool) -> None:
    """Find a ballot in the ledger by its code (all of it, or the nine words) or by its tracker, and say whether it counts.

    A code names ciphertexts, not a voter: two devices in league can show two people one code. On a device that has your seed
    add --seed, and the ballot that is found must bear your own credential.

    \b
    Example:
      veche find abbey anchor angel ankle antenna apple apricot archer arena
      veche find 0IjNwQKjH4EKDcHBbHGnZgmJBmvVrpKIGkWyBdNXNR4 --ledger ledger
      veche find --seed voter.seed
    """
    text = " ".join(words)
    if not text and seed is None:
        raise UserError(
            Message("Say what to find: a code, nine words or a tracker, or --seed FILE."),
            Message('See "veche find --help".'),
        )
    voter = Voter(Seed.load(seed)) if seed is not None else None
    with read_ledger(folder) as reading:
        if text:
            places = find_ballots(reading, text)
        else:
            assert voter is not None, "one of the two was given"
            places = _by_seed(reading, voter)
        found = [_row(reading, poll, number, voter) for poll, number in places]
    if text and voter is not None and not any(row["own"] for row in found):
        raise DoesNotHold(
            "code", Message("entry {found}", found=str(found[0]['entry'])), Message("Entry {found} has this code, and it is not your ballot: it bears another credential than this seed gives.", found=str(found[0]['entry'])),
            Message("Your device showed you somebody else's code. Vote again with another device, and report this one."),
        )  # fmt: skip
    if as_json:
        options.emit(found)
        return
    if len(found) > 1 and text:
        say(Message("{found} ballots fit. Compare the whole code.", found=len(found)))
    for row in found:
        say(
            Message(
                "Entry {entry}, turn {turn}, in poll {poll}: {title}",
                entry=str(row["entry"]),
                turn=row["turn"],
                poll=row["poll"][:12],
                title=Words(**row["title"]),
            )
        )
        for line in code_lines(bytes.fromhex(row["code"])):
            say(Message("  Code    {line}", line=line))
        say(Message("  Tracker {row}", row=row["tracker"]))
        told = _SAYS[row["state"]]
        say(Verbatim(f"  {spoken(Message(told))}"))
        if not row["witnessed"]:
            say(Verbatim(f"  {spoken(UNWITNESSED)}"))
        if row.get("own"):
            say(Message("  It bears the credential that this seed gives."))
    if not found:
        say(Message("This seed has cast no ballot in this ledger."))


_SAYS = {
    "last": N_("It is the last ballot of its voter: it counts, unless the voter votes again before closing."),
    "counted": N_("It was counted."),
    "replaced": N_("Its voter voted again later: the later ballot counts, not this one."),
    "not counted": N_("The poll is not counted."),
}

_STATES = {Phase.ANNOUNCED: "last", Phase.COUNTING: "counted", Phase.DECIDED: "counted"}
"""What becomes of a voter's last ballot in a poll of this phase."""


def _row(reading: Reading, poll: PollState, number: int, voter: Voter | None) -> dict[str, Any]:
    cast = read_ballot(reading.entry(number))
    ballot = poll.frozen.kernel.load(cast.ballot)
    last = reading.state.last_ballot(poll, ballot.credential)
    state = "replaced" if last is None or last.number != number else _STATES.get(poll.phase, "not counted")
    (code,) = poll.frozen.kernel.codes([cast.ballot])
    row = {
        "entry": number,
        "poll": poll.id.hex(),
        "title": poll.definition.title._asdict(),
        "turn": cast.turn,
        "code": code.hex(),
        "tracker": tracker(ballot.tracker),
        "state": state,
        "witnessed": not reading.waits_for_witnesses(poll, number),
    }
    return row if voter is None else {**row, "own": ballot.credential == voter.credential(poll.id)}


def _by_seed(reading: Reading, voter: Voter) -> list[tuple[PollState, int]]:
    rows = []
    for poll in reading.state.polls():
        last = reading.state.last_ballot(poll, voter.credential(poll.id))
        if last is not None and last.number < reading.size:
            rows.append((poll, last.number))
    return rows
