"""``veche network``: begin a ledger that several institutions keep."""

import time as clock_time
from collections.abc import Sequence
from pathlib import Path

import click

from veche.cli import options, signing, together
from veche.cli.draft_charter import read_validators
from veche.cli.earnest import say_if_test
from veche.cli.language import CommandGroup
from veche.cli.options import ANY_PATH
from veche.cli.reading import read_ledger
from veche.cli.restarting import begin_restart
from veche.durable import make_folder, must_be_new, replace
from veche.engine.cometbft.home import make_keys
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.entries.charter import MAX_TEST
from veche.ledger.entries.engine import MAX_VALIDATORS, peer_address, url_address
from veche.ledger.entries.network import EngineChange, Founder
from veche.terminal.say import say
from veche.texts import Message
from veche.world import Homes, World, home, settle

CHARTER = "charter.entry"


@click.group(cls=CommandGroup, short_help="Begin a ledger that several institutions keep.")
def network() -> None:
    """Begin a ledger that several institutions keep together, each with a node of its own.

    In earnest each institution makes its own keys and prints its part of the charter's draft; the charter is drafted and signed as
    any other, and each begins its ledger with it ("veche ledger init") and runs its node ("veche node run").

    \b
    Example:
      veche network init town --validators 4      all of it at once on this machine, to look at
      veche network keys --ledger home --institution "City archive" --url https://node.example --peer node.example:26656
    """


@network.command()
@options.own_ledger
@click.option("--institution", required=True, metavar="NAME", help="The institution, as the charter will spell it.")
@click.option("--url", required=True, metavar="URL", help="The public address of its node: https://node.example")
@click.option("--peer", required=True, metavar="HOST:PORT", help="Where the other validators' CometBFT finds its own.")
def keys(folder: Path, institution: str, url: str, peer: str) -> None:
    """Make a validator's keys, and print its part of the charter's draft. The folder of --ledger becomes its ledger.

    \b
    Example:
      veche network keys --institution "City archive" --url https://node.example --peer node.example:26656
    """
    url_address(url)
    peer_address(f"{40 * '0'}@{peer}")
    make_folder(folder)
    must_be_new(folder / LOG_KEY)
    made, key = make_keys(folder), SigningKey.generate()
    key.save(folder / LOG_KEY)
    for line in (
        "[[validator]]", f'institution = "{institution}"', f'key = "{key.public.hex()}"', f'votes = "{made.votes.hex()}"',
        f'url = "{url}"', f'peer = "{made.node}@{peer}"',
    ):  # fmt: skip
        click.echo(line)


@network.command("hand-over")
@click.argument("files", type=ANY_PATH, nargs=-1, required=True, metavar="FILE...")
@options.ledger
@options.key("offices", many=True)
@together.output
@signing.yes
@options.json
def hand_over(
    files: tuple[Path, ...], folder: Path, keys: tuple[Path, ...], output: Path, yes: bool, as_json: bool
) -> None:
    """Begin an entry by which a ledger that one process ran goes on as a network: the same log, the same id. FILE is what
    "veche network keys" printed, of each validator.

    As many institutions sign it as the charter says. With its block the engine ends. Each validator copies the public files into the
    folder with its keys, makes a database of them ("veche ledger rebuild"), and runs its node.

    \b
    Example:
      veche network hand-over archive.toml court.toml bank.toml post.toml --key office.key -o engine.entry
      veche ledger sign engine.entry --key other.key
      veche ledger submit engine.entry
    """
    with read_ledger(folder) as reading:
        founders = tuple(sorted(_founders(files), key=lambda one: one.row.institution))
        what = Message("{count} validators go on with the ledger", count=len(founders))
        together.begin(EngineChange(founders), reading, keys, output, yes, as_json, what)


@network.command()
@click.argument("files", type=ANY_PATH, nargs=-1, metavar="[FILE]...")
@options.own_ledger
@click.option(
    "--lost", multiple=True, metavar="NAME", help="A validator that does not go on with its keys; repeat it for each."
)
@options.key("offices", many=True)
@together.output
@signing.yes
@options.json
def restart(
    files: tuple[Path, ...],
    folder: Path,
    lost: tuple[str, ...],
    keys: tuple[Path, ...],
    output: Path,
    yes: bool,
    as_json: bool,
) -> None:
    """Begin an entry by which a network goes on that has lost a third of its validators, or more, for good: the same log, the same id,
    from its last block on. FILE is what "veche network keys" printed of a validator that comes, or comes back with new keys.

    As many institutions sign it as the charter says, over a third of the validators, and every one that goes on with its keys. Begin it
    in the folder of the validator with the longest log, whose node is stopped. Whoever signs with a validator's key does so in that
    validator's own folder, and does not go on without the restart. Each validator that goes on hands it in for itself.

    \b
    Example:
      veche network restart court.toml --lost "District court" --ledger ledger --key ledger/log.key -o restart.entry
      veche ledger sign restart.entry --ledger ledger --key ledger/log.key      in each validator's folder
      veche ledger submit restart.entry --ledger ledger                         there, too, when all have signed
      veche node run --ledger ledger
    """
    begin_restart(_founders(files), lost, folder, keys, output, yes, as_json)


def _founders(files: Sequence[Path]) -> list[Founder]:
    return [founder for file in files for founder in read_validators(file)]


@network.command()
@click.argument("folder", type=ANY_PATH)
@click.option(
    "--validators",
    type=click.IntRange(1, MAX_VALIDATORS),
    default=4,
    show_default=True,
    help="How many institutions keep the ledger.",
)
@click.option(
    "--people", type=click.IntRange(1, 100_000), default=10, show_default=True, help="How many people are on the roll."
)
@click.option(
    "--test", type=click.IntRange(0, MAX_TEST), default=1000, show_default=True,
    help="By what all durations are divided; 0 for a ledger that is no test.",
)  # fmt: skip
def init(folder: Path, validators: int, people: int, test: int) -> None:
    """Make a whole network in a new FOLDER, to try it out on this machine: with the keys of all its offices, which nobody may hold in one
    hand in earnest.

    The nodes are at 127.0.0.2, 127.0.0.3 and so on, port 8080. Trustees and registrars have folders, the organisers key files.

    \b
    Example:
      veche network init town --validators 4
      veche node run --ledger town/validator-1
    """
    must_be_new(folder)
    make_folder(folder)
    world = World(
        folder, citizens={"Centre": people}, genesis=int(clock_time.time()), test=test, engine=Homes(validators)
    )
    say_if_test(world.charter)
    for registrar in world.registrars:
        registrar.close()
    for number, key in enumerate(world.organisers, 1):
        key.save(folder / f"organiser-{number}.key")
    replace(folder / CHARTER, settle(world))
    say(Message("A network of {count} validators is in {folder}.", count=validators, folder=folder))
    say(Message("Run each of them: veche node run --ledger {folder}", folder=home(folder, 0)))
