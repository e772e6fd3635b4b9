"""``veche node``: an institution's node, or the one of a ledger that one institution keeps; and a citizen's, which follows."""

from pathlib import Path

import click

from veche import logs
from veche.cli import options
from veche.cli.earnest import say_if_test
from veche.cli.entry_file import read_entry
from veche.cli.join import join, status
from veche.cli.language import CommandGroup
from veche.cli.newest import said_by_a_person
from veche.cli.options import ANY_PATH
from veche.cli.outside import outside_witnesses
from veche.cli.remote import speaking_http
from veche.cli.running import Display, say_browser, serve, until_told
from veche.collector import relax
from veche.engine.inbox import Inbox
from veche.errors import UserError, VecheError
from veche.ledger.entries.engine import url_address
from veche.ledger.store import DATABASE
from veche.terminal.say import say
from veche.texts import Message


@click.group(cls=CommandGroup, short_help="Run a ledger's node, with a door for everybody.")
def node() -> None:
    """Run a node: the engine of a ledger, and a door over HTTP by which entries come in and everybody reads what is public. Or join a
    ledger that others keep, check all of it, and pass it on.

    \b
    Example:
      veche node join http://city.example
      veche node status
    """


node.add_command(join)
node.add_command(status)


@node.command()
@options.own_ledger
@click.option(
    "--listen", default="", metavar="HOST:PORT",
    help="Where the door is. [default: where the charter says, if that is http; else 127.0.0.1:8080]",
)  # fmt: skip
@click.option(
    "--peer-listen", default="", metavar="HOST:PORT", help="Where CometBFT listens. [default: where the charter says]"
)
@click.option(
    "--signer", default="", metavar="HOST:PORT",
    help="Where CometBFT waits for a remote signer, which has the key of votes: an address that only the signer can reach.",
)  # fmt: skip
@click.option(
    "--metrics", default="", metavar="HOST:PORT",
    help="Where Prometheus finds the node's figures, at /metrics: an address that only you can reach. [default: nowhere]",
)  # fmt: skip
@click.option(
    "--charter", type=ANY_PATH, metavar="FILE",
    help="The signed charter, for a folder that has keys and no ledger yet: it is taken from the nodes of --from.",
)  # fmt: skip
@click.option(
    "--from", "nodes", multiple=True, metavar="URL",
    help="The address of another node that has the ledger, beside those that the ledger itself names. May be repeated.",
)  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0), metavar="N", help="End after so many seconds.")
@click.option(
    "--after-outage", is_flag=True, help="Go on although the last block is long ago: this machine's clock is right."
)
@said_by_a_person
@outside_witnesses
@click.option("--verbose", is_flag=True, help="Say more on the standard error: JSON, or plain lines on a terminal.")
def run(
    folder: Path,
    listen: str,
    peer_listen: str,
    signer: str,
    metrics: str,
    charter: Path | None,
    nodes: tuple[str, ...],
    seconds: float | None,
    after_outage: bool,
    is_newest: bool,
    despite_fork: bool,
    witnesses: tuple[str, ...],
    verbose: bool,
) -> None:
    """Run the node of a ledger until Ctrl-C: agree with the other institutions on blocks, take in what is handed in over HTTP or through
    the folder's inbox, publish.

    A node that lacks the ledger, or blocks that the others keep no more, takes what is missing from them first, checked. One whose key has
    no seat yet follows, and votes from when its seat takes effect.

    One that keeps a ledger alone asks the nodes that it knows for the newest head under its key before it signs anything, and takes back
    what a restored backup lacks. If nobody answers who could know, a person looks, and says so: --is-newest.

    \b
    Example:
      veche node run --ledger home
      veche node run --ledger home --charter charter.entry --from https://node.example
    """
    with speaking_http():
        from veche.engine.cometbft.launch import Launch
        from veche.node.node import Node
        from veche.node.tlog_witness import OutsideWitness
    if verbose:
        logs.verbose()
    relax()
    for url in nodes:
        url_address(url)
    if (charter is None) != (not nodes) and not (folder / DATABASE).exists():
        raise UserError(
            Message("There is no ledger in {folder}. To take it from others, the charter and the address of a node are needed.", folder=folder),
            Message("Give both: --charter and --from"),
        )  # fmt: skip
    made = Node(
        folder, listen, launch=Launch(listen=peer_listen, signer=signer), metrics=metrics, after_outage=after_outage,
        is_newest=is_newest, despite_fork=despite_fork,
        charter=None if charter is None else read_entry(charter, "charter")[0], nodes=nodes, say=say,
        witnesses=[OutsideWitness.parse(text) for text in witnesses],
    )  # fmt: skip
    try:
        with until_told() as told:
            say_if_test(made.ledger.state.charter)
            inbox = Inbox(folder)
            inbox.recover(made.ledger)
            with made, Display(folder, verbose) as display:
                host, port = made.address
                said = Message(
                    "The node of the ledger in {folder} runs, at {host}, port {port}.",
                    folder=folder,
                    host=host,
                    port=str(port),
                )
                say(said)
                say_browser(made.address)
                if not made.seated:
                    say(
                        Message(
                            "Its key has no seat as validator yet: it follows, and votes from when the seat takes effect."
                        )
                    )
                if made.metrics is not None:
                    host, port = made.metrics
                    say(Message("Its figures are at http://{host}:{port}/metrics.", host=host, port=str(port)))
                logs.log().info("the node runs", folder=str(folder))
                serve(inbox, made.engine, made.check, display, told, seconds)
    except VecheError as error:
        logs.log().error("the node broke", folder=str(folder), reason=error.message)
        raise
    say(Message("Stopped. What was taken in and is in no block yet is kept."))
