"""Before an engine that keeps a ledger alone signs anything: does anybody have a newer head under its key than this folder?

A backup that was put back knows nothing of what was signed since. If its engine went on, there would be two histories under one key, for
good. So all nodes that are known are asked at once, for a few seconds. What counts is this ledger's own signature: whoever has a newer head
that bears it is right, and what is under it is taken back, checked and executed as any copy is, and published under that very head. A node
that is behind is no argument. If nobody answers who could know, a person decides (docs/adr/0032-newest.md).
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from veche.audit.rebuild import begin_taking, end_taking
from veche.engine import place
from veche.engine.inbox import PATIENCE, open_ledger
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.engine import EMBEDDED
from veche.ledger.entries.office import Role
from veche.ledger.ledger import Ledger
from veche.ledger.store import is_public
from veche.ledger.walk import walk
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, is_by
from veche.log.evidence import TwoHistories, evidence_file, read_fork
from veche.log.log import Log, Snapshot
from veche.log.source import WITNESS, Folder, Source
from veche.logs import log as logged
from veche.node.addresses import AddressBook
from veche.node.copying import Forked, copy_ledger
from veche.node.web import NoAnswer, Web, Wire
from veche.texts import SECOND, Localizable, Message, Moment, Said, Words
from veche.words import in_words

SECONDS = 6.0
"""Within which an answer counts."""
ASKED = 32
"""Nodes that are asked: those that a person named first."""
OBSERVERS = 16
"""Observers of whose cosigned heads each is asked."""
NAMED = 3
"""So many of them are named to a person at most."""
TRIES = 5
"""How often what is missing is taken, if the nodes have more each time."""


@dataclass(frozen=True)
class _Told:
    """What one node has: a head under this ledger's own key. ``newer``: of more than is here, or of something else than what is here and
    was never published."""

    url: str
    signed: SignedCheckpoint
    newer: bool


class Newest:
    """What stands between opening a ledger that one engine keeps alone and its first signature.

    ``urls``: of nodes that a person named. ``confirmed``: a person says that nobody has a newer head. ``decided``: people know of two
    histories, and this is the right one. ``say`` is told of what takes long.
    """

    def __init__(
        self,
        folder: Path,
        urls: Iterable[str] = (),
        confirmed: bool = False,
        decided: bool = False,
        say: Callable[[Localizable], None] = lambda said: None,
        seconds: float = SECONDS,
    ) -> None:
        self._folder, self._confirmed, self._decided = folder, confirmed, decided
        self._say, self._seconds = say, seconds
        self._book = AddressBook(folder)
        self._book.type(urls)

    def of(self, ledger: Ledger) -> Ledger:
        """The same ledger, or what has become of it with all that was signed: then it was closed, and opened anew. One of a network is
        left to its validators.

        Raises UserError if a person is wanted, or if there is more that nobody gives; Forked for two histories; and closes it then.
        """
        for _ in range(TRIES):
            try:
                if ledger.state.engine_name != EMBEDDED or not is_public(self._folder):
                    return ledger
                if not self._decided and (found := read_fork(self._folder)) is not None:
                    raise stopped(Forked(found))
                urls = self._urls(ledger)
                told = self._ask_all(ledger, urls)
                newer = [one for one in told if one.newer]
                if not newer:
                    self._must_be_known(ledger, urls, told)
                    self._settle(urls, told)
                    return ledger
                founding = ledger.entry(0)
            except BaseException:
                ledger.close()
                raise
            ledger.close()
            self._take(founding, newer, urls)
            ledger = open_ledger(self._folder, PATIENCE)[0]
        ledger.close()
        raise UserError(
            Message("Nodes have more of this ledger each time that they are asked. Perhaps another engine runs with the same key."),
            Message("Only one may run. Look for the other, and end it, before anything is signed here."),
        )  # fmt: skip

    def _urls(self, ledger: Ledger) -> list[str]:
        """Whom to ask: those that a person named, institutions, then others by chance: a crowd that announced itself last decides nothing."""
        self._book.institutions = frozenset(row.url for row in ledger.state.validator_rows())
        known = self._book.all()
        random.SystemRandom().shuffle(known)
        known.sort(key=lambda one: (not one.typed, one.url not in self._book.institutions))
        return [one.url for one in known][:ASKED]

    def _ask_all(self, ledger: Ledger, urls: Sequence[str]) -> list[_Told]:
        """What they have, as far as they say it in time and it bears this ledger's signature. Raises Forked."""
        if not urls:
            return []
        source = Snapshot(Folder(self._folder))
        own = source.checkpoint()
        until = time.monotonic() + self._seconds
        with Wire(self._book.pinned) as wire, ThreadPoolExecutor(len(urls), "veche-ask") as pool:
            asked = pool.map(lambda url: self._ask(ledger, own, _Brief(Web(wire, url, until))), urls)
            heads = [(url, *found) for url, all_of in zip(urls, asked, strict=True) for found in all_of]
        told = []
        for url, signed, other in heads:
            size = signed.checkpoint.size
            same = size <= ledger.size and ledger.root(size) == signed.checkpoint.root
            if not same and size <= own.checkpoint.size:
                log = Log(source, own.checkpoint)
                other = TwoHistories(signed, own, log.root(size), tuple(log.consistency_proof(size)))
            if other is not None and not self._decided:
                other.keep(self._folder, None)
                raise stopped(Forked(other))
            # What is here and was never published may be given up; what was signed may not.
            told.append(_Told(url, signed, not same and other is None))
        return told

    @classmethod
    def _ask(
        cls, ledger: Ledger, own: SignedCheckpoint, door: Source
    ) -> list[tuple[SignedCheckpoint, TwoHistories | None]]:
        """Heads that bear the ledger's signature, each with what proves that it does not go on from the one here, if it does not. Who shows
        none does not count."""
        charter, succession = ledger.state.charter, ledger.state.succession
        try:
            signed = door.checkpoint()
            if not is_by(signed, succession.policy(signed.checkpoint.size)):
                signed.verify(walk(door, charter, signed).policy(signed.checkpoint.size))
        except (DoesNotHold, NoAnswer) as error:
            logged().warning("a node does not count", node=str(door), reason=error.message)
            return []
        heads = [signed, *cls._cosigned(ledger, door)]
        return [(one, cls._contradiction(own, one, door)) for one in heads]

    @staticmethod
    def _cosigned(ledger: Ledger, door: Source) -> list[SignedCheckpoint]:
        """What observers cosigned, as far as the ledger itself has signed it: that may be newer than the log that this node has."""
        found = []
        observers = [key for key, office in ledger.state.offices.items() if office.role is Role.OBSERVER]
        for key in sorted(observers)[:OBSERVERS]:
            try:
                data = door.get(f"{WITNESS}{key.hex()}")
                signed = None if data is None else SignedCheckpoint.parse(data)
            except (DoesNotHold, NoAnswer):
                continue
            if signed is not None and is_by(signed, ledger.state.succession.policy(signed.checkpoint.size)):
                found.append(signed)
        return found

    @staticmethod
    def _contradiction(own: SignedCheckpoint, signed: SignedCheckpoint, door: Source) -> TwoHistories | None:
        """What proves that a longer log goes on from another one than is here."""
        size = own.checkpoint.size
        if signed.checkpoint.size <= size:
            return None
        try:
            log = Log(door, signed.checkpoint)
            if (root := log.root(size)) != own.checkpoint.root:
                return TwoHistories(own, signed, root, tuple(log.consistency_proof(size)))
        except (DoesNotHold, NoAnswer) as error:
            # It has been signed, whatever this node makes of what is under it: others are asked for that.
            logged().warning("a node shows a newer head alone", node=str(door), reason=error.message)
        return None

    def _must_be_known(self, ledger: Ledger, urls: Sequence[str], told: Sequence[_Told]) -> None:
        """Raise UserError if a person is wanted: what is known does not say whether something newer was signed."""
        if self._confirmed:
            return
        own, moved = Folder(self._folder).checkpoint().checkpoint, place.is_moved(self._folder)
        typed = [one.url for one in self._book.all() if one.typed]
        if moved and not any(one.signed.checkpoint.size >= own.size for one in told):
            raise UserError(
                Message(
                    "The ledger in {folder} was copied, moved or put back from a backup since its engine ran, and {whom}. If anything was signed "
                    "that is not here, going on would make two histories of it for good, and every node would stop.",
                    folder=self._folder,
                    whom=_whom(urls, told),
                ),
                _confirm(own, ledger.time),
            )  # fmt: skip
        if typed and not told and ledger.height:
            raise UserError(
                Message(
                    "None of the nodes that may have a newer head of this ledger answers: {nodes}. If the folder {folder} was put back from a "
                    "backup, going on would make two histories of the ledger for good, and every node would stop.",
                    nodes=", ".join(urls[:NAMED]),
                    folder=self._folder,
                ),
                _confirm(own, ledger.time),
            )  # fmt: skip

    def _settle(self, urls: Sequence[str], told: Sequence[_Told]) -> None:
        """All that can be known is known: this is where the engine runs, and these are the nodes."""
        place.settle(self._folder)
        answered, now = {one.url for one in told}, time.time()
        for url in urls:
            self._book.note(url, url in answered, now)
        if urls:
            self._book.save()

    def _take(self, founding: bytes, newer: Sequence[_Told], urls: Sequence[str]) -> None:
        """Take what is missing, from whoever has it. Raises UserError, Forked."""
        head = max((one.signed.checkpoint for one in newer), key=lambda head: head.size)
        self._say(
            Message(
                "Other nodes have {size} entries under this ledger's own signature, more than this folder. What is missing is taken from "
                "them, and executed.",
                size=head.size,
            )
        )  # fmt: skip
        begin_taking(self._folder)
        try:
            with Wire(self._book.pinned) as wire:
                copy_ledger(self._folder, founding, {url: Web(wire, url) for url in urls})
        except Forked as fork:
            raise stopped(fork) from None
        except VecheError as error:
            raise _missing(head, error.said) from error
        end_taking(self._folder)
        if Folder(self._folder).checkpoint().checkpoint.size < head.size:
            raise _missing(head, Message("their logs end before it"))


class _Brief(Source):
    """A door that is asked each thing once."""

    def __init__(self, door: Web) -> None:
        self._door = door
        self._known: dict[str, bytes | None] = {}

    def __str__(self) -> str:
        return self._door.url

    def names(self, prefix: str = "") -> list[str]:
        return self._door.names(prefix)

    def get(self, name: str) -> bytes | None:
        if name not in self._known:
            self._known[name] = self._door.get(name)
        return self._known[name]


def stopped(fork: Forked) -> Forked:
    """The same, for who makes blocks."""
    fork.advice = Message(
        "Both heads are kept in {file}: show them, and end every other engine that has this key. Nothing is signed here until people have "
        "decided. Then, if this history is the right one: --despite-fork. Whoever has the other one begins anew.",
        file=evidence_file(Path(), None),
    )  # fmt: skip
    return fork


def _missing(head: Checkpoint, why: Said) -> UserError:
    """What was signed is known, and nobody gives it."""
    return UserError(
        Message(
            "This ledger's own key has signed {size} entries, and not all of them are here. None gave what is missing: {why}",
            size=head.size,
            why=why,
        ),
        Message(
            "Nothing may be signed before it is here. Give the address of a node that has it: --from URL. Its head is: {words}",
            words=_words(head),
        ),
    )


def _words(head: Checkpoint) -> Words:
    said = digest(head.text().encode())
    return Words(in_words(said, "en"), in_words(said, "ru"))


def _whom(urls: Sequence[str], told: Sequence[_Told]) -> Message:
    if not urls:
        return Message("no other node is known")
    if told:
        return Message("all nodes that answer are behind it")
    return Message("none of the nodes answers ({nodes})", nodes=", ".join(urls[:NAMED]))


def _confirm(head: Checkpoint, when: int) -> Message:
    return Message(
        "Its last head here has {size} entries, the last block is of {time}; in words: {words}. Look for a newer one: at citizens' nodes (veche node "
        "status), at witnesses, in receipts. If there is one, give the address of a node that has it: --from URL. If there is none, say so: --is-newest",
        size=head.size,
        time=Moment(when, SECOND),
        words=_words(head),
    )  # fmt: skip
