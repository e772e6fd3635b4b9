"""A ledger that is named by its node's address: a copy of one's own, on which a command works as on any folder, and the door at which
what it hands in gets to the ledger. docs/adr/0027-by-address.md.

The copy lies among the user's own files, by the ledger's id, and so does what is known of an address: which ledger it had. The second time
the copy goes on. Whatever a node says is checked in the copy: that hides nothing but what came last, and how old its head is says that.

Only whoever names an address needs what HTTP takes (``veche[node]``).
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click
from platformdirs import user_data_path

from veche.clock import system
from veche.durable import Held, make_folder, replace
from veche.engine import inbox
from veche.errors import DoesNotHold, Refused, UserError
from veche.ledger.codec import MAX_ENTRY, decode, digest
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.entries.engine import url_address
from veche.ledger.entries.office import OfficeChange, Role
from veche.ledger.heads import STALE, age, witness_verifier
from veche.ledger.walk import walk
from veche.log.checkpoint import Policy, SignedCheckpoint
from veche.log.cosigned import MOST, cosigned_by, cosigners, is_newer, read_cosigned
from veche.log.evidence import evidence_file, read_fork
from veche.log.log import Log
from veche.log.source import WITNESS, Folder, Source
from veche.log.tiles import CHECKPOINT
from veche.terminal.say import language, say
from veche.texts import Message, duration
from veche.words import in_words

if TYPE_CHECKING:
    from veche.audit.framed import Framed
    from veche.node.copying import Forked
    from veche.node.handing import Heard
    from veche.node.web import Web, Wire

    _Path = Path
else:
    _Path = type(Path())

PATIENCE = 30.0
"""Seconds for which another command may be at work on the same copy."""
ANSWER = 16 << 10
"""Bytes of what a node answers to a cosigned head."""
_REMOTES = "veche.remotes"
_URL = re.compile(r"https?://", re.IGNORECASE)


class CopyPath(_Path):
    """The folder of a copy. ``url``: by which it was named; ``remote``: what is behind it."""

    url: str
    remote: "Remote"


class FramedPath(_Path):
    """A ledger that was read without its ballots. ``url``: of the node that had it."""

    url: str
    found: "Framed"


def is_url(text: str) -> bool:
    """Whether this names a node and no file."""
    return _URL.match(text) is not None


def named(path: Path) -> str:
    """A ledger as the person named it."""
    return path.url if isinstance(path, CopyPath | FramedPath) else str(path)


def copied(text: str) -> CopyPath:
    """The folder of one's own copy of the ledger that the node at this address has, as it is now.

    Raises UserError, DoesNotHold if the node has not what it claims to have, and Forked for two histories.
    """
    url = _as_url(text)
    wire, remotes = _connections()
    founding = _find_charter(wire, url)
    folder = _data() / "ledgers" / digest(founding).hex()
    _remember(url, founding)
    remote = remotes.setdefault(folder, Remote(wire, folder, founding))
    remote.add(url)
    path = CopyPath(folder)
    path.url, path.remote = url, remote
    return path


def skimmed(text: str) -> Path:
    """The ledger that the node at this address has, for whoever only reads: one's own copy, if there is one already; else as far as its frame
    goes, all but the ballots, which takes a second. Another institution's node is asked, too.

    Raises as :func:`copied`; two nodes that contradict each other raise DoesNotHold (``consistency``).
    """
    url = _as_url(text)
    wire, _ = _connections()
    founding = _find_charter(wire, url)
    if (_data() / "ledgers" / digest(founding).hex() / CHECKPOINT).is_file():
        return copied(text)
    _remember(url, founding)
    from veche.cli.verify import progress_bar
    from veche.node.framing import NotFramed, fetch_frame

    try:
        with progress_bar(Message("Fetching all but the ballots")) as progress:
            found = fetch_frame(wire, url, digest(founding), progress)
    except NotFramed:
        return copied(text)
    _ask_another(wire, url, found)
    if (said := _too_old(found.signed, found.state.succession.policy(found.head.size), url)) is not None:
        say(said, err=True)
    say_unread(url)
    path = FramedPath(url)
    path.url, path.found = url, found
    return path


def say_unread(ledger: str) -> None:
    """Say that the ballots of what is shown were not read, and how they are."""
    said = Message(
        "The ballots of this ledger were not read: tallies are shown as they stand in it, and all else was checked. To have the ballots "
        "checked and counted again: veche verify {url}",
        url=ledger,
    )
    say(said, err=True)


def _ask_another(wire: "Wire", url: str, found: "Framed") -> None:
    """Hold what one node has against another institution's, if the ledger names one that answers: what one hides, the other shows."""
    from veche.node.framing import check_agrees
    from veche.node.web import NoAnswer

    for other in (row.url for row in found.state.validator_rows() if row.url != url):
        try:
            ahead = check_agrees(found, wire, other)
        except NoAnswer:
            continue
        except DoesNotHold as error:
            if error.step == "consistency":
                raise
            say(Message("Look at this: what {url} shows does not hold: {why}", url=other, why=error.said), err=True)
            continue
        if ahead:
            say(Message("{other} has newer entries than {url}: ask there, too.", other=other, url=url), err=True)
        return


def look_again(path: Path, patient: bool = False) -> None:
    """Bring a copy up to date; of a folder that is no copy nothing is to be done. ``patient``: a node that does not answer is asked
    the next time. Raises as :func:`copied`."""
    if isinstance(path, CopyPath):
        path.remote.look(patient)


def must_be_folder(path: Path) -> None:
    """Raise UserError if what is to be written into a ledger's folder would go into a copy, where nobody looks."""
    if isinstance(path, CopyPath):
        raise UserError(
            Message("{url} is a node's address: nothing is put into its folder over HTTP.", url=path.url),
            Message("Write it to a file, with -o FILE if the command has that, and send it to whoever runs the node."),
        )


def hand_in(folder: Path, entries: Sequence[bytes], heard: "Heard" = lambda progress: None) -> list[int]:
    """As :func:`veche.engine.inbox.hand_in`; at the door of the node, if the ledger was named by its address."""
    numbers = []
    for answer in outcomes(folder, entries, heard):
        if isinstance(answer, Refused):
            raise answer
        numbers.append(answer)
    return numbers


def outcomes(folder: Path, entries: Sequence[bytes], heard: "Heard" = lambda progress: None) -> list[int | Refused]:
    """As :func:`veche.engine.inbox.outcomes`; at the door of the node, if the ledger was named by its address.

    ``heard``: told of what the node answers meanwhile, promises among it. Raises DoesNotHold (``receipt``) if an entry is not in the
    ledger where the node says that it is.
    """
    if not isinstance(folder, CopyPath):
        return inbox.outcomes(folder, entries)
    return folder.remote.outcomes(folder.url, entries, heard)


class Shown(Source):
    """What one node shows: its head, over the files of the copy, which reach as far at least."""

    def __init__(self, folder: Folder, head: SignedCheckpoint) -> None:
        self._folder, self._head = folder, head

    def names(self, prefix: str = "") -> list[str]:
        return self._folder.names(prefix)

    def get(self, name: str) -> bytes | None:
        return self._head.to_bytes() if name == CHECKPOINT else self._folder.get(name)


class Remote:
    """A copy and the nodes that it comes from: of several all must have one ledger."""

    def __init__(self, wire: "Wire", folder: Path, founding: bytes) -> None:
        self._wire, self._folder, self._founding = wire, folder, founding
        self._urls: list[str] = []
        self._heads: dict[str, SignedCheckpoint] = {}
        self._seen = self._size()  # before this command
        self._told: set[str] = set()
        self._witnesses: set[bytes] = set()
        self._read = 0  # entries that were looked through for witnesses

    def shown(self, url: str) -> Shown:
        """What this node showed last, for whoever compares nodes."""
        return Shown(Folder(self._folder), self._heads[url])

    def add(self, url: str) -> None:
        """One node more, which is asked at once."""
        if url not in self._urls:
            self._urls.append(url)
        self.look()
        if (size := self._heads[url].checkpoint.size) < self._seen:
            self._once(
                Message(
                    "Look at this: {url} shows {size} entries, and {seen} were seen before. It is behind, or hides what came since. Ask "
                    "another node.",
                    url=url, size=size, seen=self._seen,
                )
            )  # fmt: skip

    def look(self, patient: bool = False) -> bool:
        """Bring the copy up to date; whether all nodes were there. Raises as :func:`copied`."""
        from veche.node.web import NoAnswer, Web

        try:
            doors = {url: Web(self._wire, url) for url in self._urls}
            heads = {url: door.checkpoint() for url, door in doors.items()}
            if heads != self._heads:
                self._copy(doors)
                self._heads = heads
            self._fetch_cosigned(doors)
        except NoAnswer as error:
            if not patient:
                raise
            self._once(Message("{why} It is asked again.", why=error.said))
            return False
        self._say_age()
        return True

    def hand_cosigned(self, key: bytes, signed: SignedCheckpoint, patient: bool = False) -> None:
        """Hand in, at every node that was named, a head that the witness with this key cosigned. ``patient``: one that does not take it now is
        told of, and gets the next. Raises NoAnswer, UserError."""
        from veche.node.web import NoAnswer

        for url in self._urls:
            try:
                answer = self._wire.exchange(f"{url}/{WITNESS}{key.hex()}", signed.to_bytes(), "text/plain", ANSWER)
                if answer.status == 204:
                    continue
                if answer.status not in (403, 409):
                    raise NoAnswer(url, Message("HTTP {status}", status=str(answer.status)))
                raise UserError(
                    Message(
                        "{url} does not take what was cosigned: it knows another ledger, or no such witness.", url=url
                    ),
                    Message(
                        "See who its witnesses are (veche ledger show), and compare the ledgers of several nodes: veche compare"
                    ),
                )
            except NoAnswer as error:
                if not patient:
                    raise
                self._once(Message("{why} It is asked again.", why=error.said))

    def outcomes(self, url: str, entries: Sequence[bytes], heard: "Heard") -> list[int | Refused]:
        from veche.node.handing import Window

        answers = Window(self._wire, url).outcomes(entries, heard)
        if not self.look(patient=True):  # whoever looks again sees what became of it
            return answers
        source = Folder(self._folder)
        log = Log(source, source.checkpoint().checkpoint)
        for entry, answer in zip(entries, answers, strict=True):
            if isinstance(answer, int) and (answer >= log.size or log.entry(answer) != entry):
                raise DoesNotHold(
                    "receipt", url,
                    Message("{url} says that what was handed in is entry {number} of the ledger, and it is not.", url=url, number=str(answer)),
                    Message("Hand it in at another node: that does no harm."),
                )  # fmt: skip
        return answers

    @cached_property
    def _charter(self) -> Charter:
        return read_charter(self._founding)

    def _size(self) -> int:
        with suppress(UserError):
            return Folder(self._folder).checkpoint().checkpoint.size
        return 0

    def _copy(self, doors: "dict[str, Web]") -> None:
        from veche.cli.verify import progress_bar
        from veche.node.copying import Copy, Forked

        if (found := read_fork(self._folder)) is not None:
            raise self._stopped(Forked(found))
        with progress_bar(Message("Fetching entries")) as progress:
            end = time.monotonic() + PATIENCE
            while True:
                copy = Copy(self._folder, self._founding, doors, progress)
                try:
                    copy.run()
                except Held:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.1)
                    continue
                except Forked as fork:
                    raise self._stopped(fork) from None
                except UserError:
                    if not copy.left:
                        raise
                if copy.left:  # of several nodes each was named, so none is left out
                    raise next(iter(copy.left.values()))
                return

    def _stopped(self, fork: "Forked") -> "Forked":
        fork.advice = Message(
            "Both heads are kept in {file}: show them. Nothing is done at this address until people have decided. Then remove that file, or "
            "the whole folder if its history is the wrong one.",
            file=evidence_file(self._folder, None),
        )  # fmt: skip
        return fork

    def _fetch_cosigned(self, doors: "dict[str, Web]") -> None:
        """What witnesses cosigned, as far as it is theirs: that it fits this ledger is checked with the rest."""
        folder = Folder(self._folder)
        self._fetch_outside(folder, doors)
        if self._charter.witnesses is None:
            return
        for key in self._observers(Log(folder, folder.checkpoint().checkpoint)):
            name, policy = f"{WITNESS}{key.hex()}", _policy(self._charter.origin, key)
            known = folder.get(name)
            for door in doors.values():
                if (data := door.get(name)) is None or data == known:
                    continue
                try:
                    found = SignedCheckpoint.parse(data)
                    found.verify(policy)
                except DoesNotHold:
                    continue
                if known is None or found.checkpoint.size >= SignedCheckpoint.parse(known).checkpoint.size:
                    make_folder(self._folder / WITNESS)
                    replace(self._folder / name, data, drafts=self._folder)
                    known = data

    def _fetch_outside(self, folder: Folder, doors: "dict[str, Web]") -> None:
        """What others cosigned, if it is by the key that it is named after: what else it says is checked with the rest."""
        for door in doors.values():
            for name in door.names(WITNESS):
                key = bytes.fromhex(name.removeprefix(WITNESS))
                if (data := door.get(name)) is None or data == folder.get(name):
                    continue
                try:
                    signed = SignedCheckpoint.parse(data)
                except DoesNotHold:
                    continue
                found, known = cosigned_by(signed, key), read_cosigned(folder, key)
                if known is None and len(cosigners(folder)) >= MOST:
                    continue
                if found is not None and (known is None or is_newer(found, known)):
                    make_folder(self._folder / WITNESS)
                    replace(self._folder / name, data, drafts=self._folder)

    def _observers(self, log: Log) -> set[bytes]:
        """The keys that are or were those of observers."""
        if not self._read:
            self._witnesses = {office.key for office in self._charter.offices if office.role is Role.OBSERVER}
        for data in log.entries(min(self._read, log.size)):
            if not is_ballot(data) and (item := decode(data))[0] == OfficeChange.kind:
                change = OfficeChange.parse(item[1])
                if change.role is Role.OBSERVER:
                    self._witnesses.add(change.key)
        self._read = log.size
        return self._witnesses

    def _say_age(self) -> None:
        source = Folder(self._folder)
        signed = source.checkpoint()
        policy = walk(source, self._charter, signed).policy(signed.checkpoint.size)
        if (said := _too_old(signed, policy, ", ".join(self._urls))) is not None:
            self._once(said)

    def _once(self, said: Message) -> None:
        if said.message not in self._told:
            self._told.add(said.message)
            say(said, err=True)


def _too_old(signed: SignedCheckpoint, policy: Policy, url: str) -> Message | None:
    """What is said of a head under which nothing would be done; None of one that is fresh, or has no time."""
    if (old := age(signed, policy, system().time)) <= STALE:
        return None
    return Message(
        "Look at this: over two thirds of the validators last vouched {time} ago for what {url} shows. What came since is not "
        "known here: ask another node, too.",
        time=duration(old), url=url,
    )  # fmt: skip


def _policy(origin: str, witness: bytes) -> Policy:
    """By which a head was cosigned by the witness with this key."""
    return Policy.two_thirds(origin, {witness_verifier(origin, witness): 1})


def _as_url(text: str) -> str:
    """An address as people type it, in its one form. Raises UserError if it is none."""
    url = text.strip().rstrip("/").lower()
    try:
        return url_address(url)
    except Refused as refused:
        raise UserError(refused.said, refused.advice) from None


@contextmanager
def speaking_http() -> Iterator[None]:
    """In this ``with``, what is imported needs packages for HTTP. Raises UserError if they are not installed."""
    try:
        yield
    except ModuleNotFoundError:  # nobody else needs them
        raise UserError(
            Message("A node speaks HTTP, and what that takes is not installed."),
            Message("Install it: pip install veche[node]"),
        ) from None


def _connections() -> tuple["Wire", dict[Path, "Remote"]]:
    """Those of this command, and the copies that it has by now."""
    meta = click.get_current_context().find_root().meta
    if _REMOTES not in meta:
        meta[_REMOTES] = _connected(), {}
    wire, remotes = meta[_REMOTES]
    return wire, remotes


def _connected() -> "Wire":
    """Connections, until the command ends. Raises UserError if what they need is not installed."""
    with speaking_http():
        from veche.node.web import Wire
    return click.get_current_context().find_root().with_resource(Wire())


def _data() -> Path:
    return user_data_path("veche", appauthor=False)


def _note(url: str) -> Path:
    return _data() / "nodes" / quote(url, safe="")


def _find_charter(wire: "Wire", url: str) -> bytes:
    """Entry 0, as the node has it. Raises UserError and DoesNotHold."""
    found = wire.get(url, "charter", MAX_ENTRY)
    try:
        if found is None:
            raise Refused("shape", Message("there is nothing of this name"))
        read_charter(found)
    except Refused as refused:
        raise UserError(
            Message("There is no ledger at {url}: {why}", url=url, why=refused.said),
            Message("Give the address of a node, without a path: https://node.example"),
        ) from None
    return found


def _remember(url: str, founding: bytes) -> None:
    """Which ledger this address has, from the first time on. Raises DoesNotHold (L1) if it was another one before."""
    place, ledger = _note(url), digest(founding)
    known = ""
    with suppress(OSError):
        known = place.read_text(encoding="ascii")[:64]
    if known == ledger.hex():
        return
    words = in_words(ledger, language())
    if known:
        raise DoesNotHold(
            "L1", url,
            Message("{url} has another ledger than before: its fingerprint is {words}.", url=url, words=words),
            Message("Compare it with what the city publishes. If the node was given another ledger, remove {file}.", file=place),
        )  # fmt: skip
    make_folder(place.parent)
    replace(place, ledger.hex().encode())
    say(
        Message(
            "{url} has the ledger {origin}. Its fingerprint: {words}\nCompare it with what the city publishes. From now on this address "
            "must have this ledger.",
            url=url, origin=read_charter(founding).origin, words=words,
        ),
        err=True,
    )  # fmt: skip
