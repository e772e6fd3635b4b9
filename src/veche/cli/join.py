"""``veche node join`` and ``status``: a citizen's node, from an address to a copy of the whole ledger that stays up to date."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from veche import logs
from veche.audit.poll_words import vouching
from veche.audit.witnesses import read_witnesses
from veche.cli import options
from veche.cli.earnest import say_if_test
from veche.cli.language import Command
from veche.cli.reading import read_ledger
from veche.cli.remote import speaking_http
from veche.cli.running import Display, say_browser, until_told
from veche.cli.verify import progress_bar, progress_bars
from veche.clock import system
from veche.collector import relax
from veche.durable import make_folder
from veche.engine.following import FarBehind
from veche.engine.publishing import LOG_KEY
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.charter import read_charter
from veche.ledger.reader import read_own
from veche.log.checkpoint import SignedCheckpoint
from veche.log.evidence import read_fork
from veche.terminal.say import language, say
from veche.texts import Localizable, Message, Sentence, Words
from veche.words import from_words, in_words

if TYPE_CHECKING:
    from veche.node.addresses import AddressBook
    from veche.node.dashboard.watch import Watch
    from veche.node.web import Wire

PAUSE = 0.5
"""Seconds between two looks at whether the node is well."""
FRAME_SECONDS = 90
"""Seconds for which all but the ballots is waited for, whoever is slow: then all of it comes together."""
LATELY = 3600
"""Seconds since a node answered, within which it counts as one that answers."""


@click.command(cls=Command)
@click.argument("urls", nargs=-1, metavar="[URL]...")
@options.own_ledger
@click.option(
    "--charter", default="", metavar="FILE|WORDS",
    help="Join no other ledger than the one with this charter: its entry in a file, or the nine words of its fingerprint.",
)  # fmt: skip
@click.option(
    "--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT",
    help="Where the door is by which others read this copy and hand entries in.",
)  # fmt: skip
@click.option(
    "--public", default="", metavar="URL",
    help="Where others find this door, if they can. They are told of it. [default: they cannot]",
)  # fmt: skip
@click.option(
    "--despite-fork",
    is_flag=True,
    help="Go on though two histories of this ledger were found: people have decided that this copy is the right one; if none is here yet, that of the nodes at URL.",
)
@click.option("--browser", is_flag=True, help="Open the page that shows how the node stands in a browser.")
@click.option(
    "--no-page", is_flag=True,
    help="Make no such page. An alarm then ends the node at once; with the page it stays, to be seen, until Ctrl-C.",
)  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0), metavar="N", help="End after so many seconds.")
@click.option("--verbose", is_flag=True, help="Say more on the standard error: JSON, or plain lines on a terminal.")
def join(
    urls: tuple[str, ...],
    folder: Path,
    charter: str,
    listen: str,
    public: str,
    despite_fork: bool,
    browser: bool,
    no_page: bool,
    seconds: float | None,
    verbose: bool,
) -> None:
    """Join the ledger that the node at URL has, or several: copy all of it into the folder of --ledger, check every entry, and stay until
    Ctrl-C. Each new block is checked as it comes, and everything is served on to others.

    Started again, it goes on, and needs no URL: it knows other nodes by then.

    \b
    Example:
      veche node join http://city.example
      veche node join
    """
    with speaking_http():
        from veche.cli.dashboard import watched
        from veche.node.addresses import AddressBook, as_address
        from veche.node.dashboard.facts import Task
        from veche.node.follower import Follower, catch_up, check_no_fork, find_charter, has_copy
        from veche.node.framing import drop_frame
        from veche.node.web import Wire
    if verbose:
        logs.verbose()
    if folder.exists() and not folder.is_dir():
        raise UserError(Message("There is no folder {folder}.", folder=folder))
    options.not_together("--browser", "--no-page", browser and no_page)
    relax()
    if (folder / LOG_KEY).exists():
        raise UserError(
            Message(
                "In {folder} lies the key with which this machine signs heads: it makes blocks and follows nobody.",
                folder=folder,
            ),
            Message("Run its node: veche node run. Or join into another folder, with --ledger."),
        )
    book = AddressBook(folder)
    named = frozenset(map(as_address, urls))
    book.type(named)
    decided = named if despite_fork else None
    own = as_address(public) if public else ""
    end = None if seconds is None else time.monotonic() + seconds
    with until_told() as told, Wire(book.pinned) as wire, ExitStack() as stack:

        def over() -> bool:
            return told() or (end is not None and time.monotonic() >= end)

        founding = find_charter(folder, wire, book)
        _check_charter(founding, charter)
        _introduce(founding)
        make_folder(folder)
        book.save()  # so that it goes on without being told again
        watch = stack.enter_context(
            watched(folder, book, founding, over, page=not no_page, browser=browser, decided=despite_fork)
        )
        if not despite_fork:
            check_no_fork(folder)
        copied, left = has_copy(folder), set[str]()
        while not over():
            if not copied:
                # of two histories it might be that of the other
                early = decided is None and _take_frame(folder, founding, wire, book, watch)
                with (
                    _early_door(folder, listen, watch) if early else nullcontext(),
                    progress_bars(Message("Fetching entries"), Message("Checking entries")) as (fetched, checked),
                ):
                    catch_up(
                        folder, founding, wire, book, _show_head,
                        watch.progress(Task.FETCHING, fetched), watch.progress(Task.CHECKING, checked), decided,
                    )  # fmt: skip
                _say_left(book.left(), left)
                drop_frame(folder)
            copied = False
            try:
                with (
                    Follower(folder, wire, book, listen, own, despite_fork) as made,
                    Display(folder, verbose) as display,
                    watch.following(made),
                ):
                    host, port = made.address
                    say(
                        Message(
                            "This node has a copy of the whole ledger in {folder}, all of it checked, and follows. Its door is at {host}, port {port}.",
                            folder=folder, host=host, port=str(port),
                        )
                    )  # fmt: skip
                    say_browser(made.address)
                    _say_witnesses(folder)
                    while not over():
                        made.check()
                        _say_left(book.left(), left)
                        display.look(0)
                        time.sleep(PAUSE)
            except FarBehind:
                continue
    say(Message("Stopped. Started again, it goes on."))


@contextmanager
def _early_door(folder: Path, listen: str, watch: "Watch") -> Iterator[None]:
    """In this ``with`` a browser finds at the node's door what is here already."""
    from veche.node.early import EarlyDoor

    with EarlyDoor(folder, listen) as door:
        watch.door = door.address
        say_browser(door.address)
        try:
            yield
        finally:
            watch.door = None


def _take_frame(folder: Path, founding: bytes, wire: "Wire", book: "AddressBook", watch: "Watch") -> bool:
    """Take all but the ballots first, from the first node that has it: polls can be read while the ballots come. Whether any had."""
    from veche.node.dashboard.facts import Task
    from veche.node.framing import NotFramed, fetch_frame
    from veche.node.web import NoAnswer

    end = time.monotonic() + FRAME_SECONDS
    for url in book.choose():
        try:
            with progress_bar(Message("Fetching all but the ballots")) as progress:
                fetch_frame(wire, url, digest(founding), watch.progress(Task.FRAMING, progress), folder, end)
        except (NoAnswer, NotFramed):
            continue
        except DoesNotHold as error:
            book.leave(url, error.said)
            continue
        say(
            Message(
                "All but the ballots is here, and checked. Polls can be read while the ballots come: veche poll list --ledger {folder}",
                folder=folder,
            )
        )
        return True
    return False


def _say_witnesses(folder: Path) -> None:
    """Who vouched for one ledger for all, or that nobody did."""
    with read_own(folder) as reader:
        try:
            witnesses = read_witnesses(reader.log, reader.state)
        except DoesNotHold:  # "veche verify" says what
            return
    for said in vouching(witnesses):
        say(said)


def _check_charter(founding: bytes, wanted: str) -> None:
    """Raises UserError if this is not the charter that the person wants."""
    if not wanted:
        return
    if " " in wanted.strip():
        right = digest(founding).startswith(from_words(wanted))
    else:
        right = options.read_file(Path(wanted)) == founding
    if not right:
        raise UserError(
            Message(
                "The node has another ledger: its fingerprint is {words}.", words=in_words(digest(founding), language())
            ),
            Message("Compare it with what the city publishes, or give the address of another node."),
        )


def _introduce(founding: bytes) -> None:
    charter = read_charter(founding)
    say_if_test(charter)
    words = in_words(digest(founding), language())
    say(Message("The ledger is {origin}. Its fingerprint: {words}", origin=charter.origin, words=words))


def _show_head(signed: SignedCheckpoint) -> None:
    head = signed.checkpoint
    words = in_words(digest(head.text().encode()), language())
    say(Message("Its newest head, of {size} entries: {words}", size=head.size, words=words))
    say(Message("Compare both with what the institutions publish."))


def _say_left(found: Mapping[str, Localizable], said: set[str]) -> None:
    """Say of each node that was left, once, that it was and why."""
    for url in found.keys() - said:
        said.add(url)
        say(Message("{url} is left and not asked again: what it shows does not hold. {why}", url=url, why=found[url]))


@click.command(cls=Command)
@options.own_ledger
@options.json
def status(folder: Path, as_json: bool) -> None:
    """Show how the copy in the folder of --ledger stands: how old its head is, which nodes are known, and whether anything contradicts it.

    \b
    Example:
      veche node status
    """
    with speaking_http():
        from veche.node.addresses import AddressBook
        from veche.node.attachments import missing
        from veche.node.copying import Forked
        from veche.node.dashboard.diary import Diary
        from veche.node.dashboard.gather import Others, gather, ledger_of, read
        from veche.node.dashboard.standing import agreement, judge, last_check, rows
    now, kept = system().time, Diary(folder).kept
    try:
        with read_ledger(folder, verified=False) as reading:
            ledger, charter = ledger_of(reading, now), reading.charter
            ledger = replace(ledger, missing=len(missing(reading, folder)))
    except UserError:
        found = read(folder, now, kept)
        if found is None:
            raise
        ledger, charter = found, found.charter  # it is still being copied
        say_if_test(charter)
    others = Others(AddressBook(folder).all(), (), {}, {}, ())
    facts = gather(folder, now, kept, others, ledger)
    standing = judge(facts)
    answering = sum(now - one.answered < LATELY for one in others.known)
    if as_json:
        options.emit(
            {
                "ledger": facts.ledger.hex(), "origin": facts.origin, "size": facts.size, "root": facts.root.hex() or None,
                "age": facts.age, "running": facts.running, "known": len(facts.nodes), "answering": answering,
                "accused": [key.hex() for key in facts.keys], "fork": facts.fork is not None,
                "mood": standing.mood, "says": Words.of(standing.says), "more": [Words.of(one) for one in standing.more],
                "percent": None if facts.work is None else facts.work.percent, "left": facts.left, "missing_attachments": facts.missing,
            }
        )  # fmt: skip
    else:
        say(standing.says)
        for one in standing.more:
            say(one)
        if standing.alarm is not None:
            for one in standing.alarm.todo:
                say(one)
        say(Message("A copy of the ledger {origin}, with {size} entries.", origin=facts.origin, size=facts.size))
        if facts.head:
            say(Message("Its head in words: {words}", words=in_words(facts.head, language())))
        if facts.follows:
            say(Sentence(last_check(facts)))
            say(agreement(facts))
        for row in rows(facts):
            say(Message("{label}: {says}", label=row.label, says=row.says))
    if standing.alarm is not None:
        if not facts.decided and (fork := read_fork(folder)) is not None:
            raise Forked(fork)
        raise VecheError(standing.says, standing.alarm.todo[0])
