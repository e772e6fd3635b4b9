"""Where other nodes are: what a node knows of them, who told it, and whom it asks next.

An address is http or https, a host and perhaps a port. Addresses come from anybody, so they are bounded: of one node few in an hour, of
one range of the network few at all, none that leads into this machine's own network unless its person typed it. A name is resolved once,
when the address is learnt, and from then on asked where it was found, so that nobody makes it another's.
"""

import ipaddress
import random
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from veche.durable import PRIVATE, replace
from veche.engine.place import NODES
from veche.errors import Refused, UserError
from veche.ledger.entries.engine import url_address
from veche.texts import Localizable, Message

FILE = NODES
"""In the ledger's folder: what is known over restarts."""
MOST, MOST_BYTES = 256, 128 << 10
"""Addresses that are known at a time, and bytes of the file."""
FROM_ONE, HOUR = 4, 3600
"""New addresses that one node tells within so many seconds; of more it is not believed."""
OF_A_RANGE = 4
"""Addresses of one range of the network (16 bits of IPv4, 32 of IPv6) that are known at a time."""
TOLD, TOLD_FOR = 16, 86_400
"""Addresses that are told to others, and seconds since they answered last."""
ASKED = 6
"""Nodes that are asked at a time."""
INSTITUTIONS = 2
"""How many of these are institutions' or typed, where others are known."""
FORGOTTEN = 8
"""Times in a row that a node does not answer, after which it is forgotten."""

Resolve = Callable[[str, int], Sequence[str]]
"""Where a host is: its IP addresses. Raises OSError."""


class Known(msgspec.Struct):
    """One address. ``ip``: where it was found, empty if it is asked anew each time; ``typed``: by this node's person. ``answered``: when it
    did last, in seconds since 1970; ``failed``: how often it did not since."""

    url: str
    ip: str = ""
    typed: bool = False
    answered: float = 0
    failed: int = 0

    @property
    def range(self) -> str:
        """The range of the network in which it is; its own if that is not known."""
        return network_range(self.ip) if self.ip else self.url


def as_address(text: str) -> str:
    """An address as people type it, in its one form. Raises UserError if it is none."""
    url = text.strip().rstrip("/").lower()
    url = url if "://" in url else f"http://{url}"
    if not is_url(url):
        raise UserError(
            Message("{text!r} is no address of a node.", text=text[:200]),
            Message("Give http:// or https://, a host, and perhaps a port: http://node.example:8080"),
        )
    return url


def is_url(text: str) -> bool:
    """Whether this is an address in the one form that they have in the ledger, too."""
    try:
        url_address(text)
    except Refused:
        return False
    return True


def host_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def network_range(ip: str) -> str:
    address = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network((address, 16 if address.version == 4 else 32), strict=False))


def _range_or_self(ip: str) -> str:
    try:
        return network_range(ip)
    except ValueError:
        return ip


def is_public(ip: str) -> bool:
    """Whether this is an address on the open network: not of this machine, its own network, or for many at once."""
    address = ipaddress.ip_address(ip)
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or is_public(str(mapped)))


def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class AddressBook:
    """What one node knows of others. Any thread may use it. ``institutions``: the addresses that the ledger names."""

    def __init__(self, folder: Path, resolve: Resolve = resolve) -> None:
        """``folder``: the ledger's. A file that is damaged is as none."""
        self._file, self._resolve, self._lock = folder / FILE, resolve, threading.Lock()
        self.institutions: frozenset[str] = frozenset()
        self._unsaved = False
        self._told: dict[str, list[float]] = {}  # when each node told of a new one
        self._liars: dict[str, Localizable] = {}  # why each was left
        self._known: dict[str, Known] = {}
        with suppress(OSError, msgspec.MsgspecError):
            data = self._file.read_bytes() if self._file.stat().st_size <= MOST_BYTES else b""
            self._known = {
                one.url: one for one in msgspec.json.decode(data, type=list[Known])[:MOST] if is_url(one.url)
            }

    def type(self, urls: Iterable[str]) -> None:
        """Addresses that this node's person gave."""
        with self._lock:
            for url in urls:
                self._known.setdefault(url, Known(url)).typed = True

    def hear(self, by: str, urls: Sequence[str], now: float) -> int:
        """The node at ``by`` tells of others; how many of them are new and believed."""
        taken = 0
        for url in urls[:TOLD]:
            if not is_url(url):
                continue
            with self._lock:
                if len(self._told) > MOST:
                    self._told = {one: when for one, when in self._told.items() if now - when[-1] < HOUR}
                told = [when for when in self._told.get(by, []) if now - when < HOUR]
                if url in self._known or url in self.institutions or url in self._liars or len(told) >= FROM_ONE:
                    continue
                self._told[by] = [*told, now]  # it counts whatever comes of it: a lookup costs something
            ip = self._found(url)
            if ip is None:
                continue
            with self._lock:
                made = Known(url, ip)
                same = sum(one.range == made.range for one in self._known.values() if not one.typed)
                if same < OF_A_RANGE and self._room():
                    self._known[url] = made
                    taken += 1
        return taken

    def announce(self, url: str, remote: str, now: float) -> bool:
        """A node tells of itself; whether it is believed, which it is if it asks from where its address leads."""
        with self._lock:
            one = self._known.get(url)
            if one is not None:
                one.answered = now if one.ip == remote else one.answered
                return one.ip == remote
        by = _range_or_self(remote)
        self.hear(by, [url], now)
        with self._lock:
            one = self._known.get(url)
            if one is None or one.ip != remote:
                self._known.pop(url, None)
                return False
            one.answered, self._unsaved = now, True
        return True

    def _found(self, url: str) -> str | None:
        """Where it is, if all of that is on the open network."""
        try:
            found = self._resolve(*host_port(url))
            return found[0] if found and all(is_public(ip) for ip in found) else None
        except (OSError, ValueError, UnicodeError):
            return None

    def _room(self) -> bool:
        """Whether one more may be known; whoever never answered makes room."""
        if len(self._known) < MOST:
            return True
        worst = max(
            (one for one in self._known.values() if not one.typed and not one.answered),
            key=lambda one: one.failed,
            default=None,
        )
        if worst is not None:
            del self._known[worst.url]
        return worst is not None

    def is_spared(self, url: str) -> bool:
        """Whether this is an institution's node, or one that this node's person typed: it is asked for what nobody else has."""
        with self._lock:
            one = self._known.get(url)
            return url in self.institutions or one is None or one.typed

    def choose(self, most: int = ASKED) -> list[str]:
        """Whom to ask now, so many at most: citizens' nodes first, each in another range of the network, and a few of those that nobody else told of."""
        with self._lock:
            sure = [*self.institutions, *(one.url for one in self._known.values() if one.typed)]
            sure = [url for url in dict.fromkeys(sure) if url not in self._liars]
            others = [one for one in self._known.values() if not one.typed and one.url not in self.institutions]
            random.shuffle(sure)
            random.shuffle(others)
            others.sort(key=lambda one: one.failed)
            chosen: dict[str, str] = {}
            for one in others:
                chosen.setdefault(one.range, one.url)
            citizens = list(chosen.values())[: most - INSTITUTIONS]
            return [*citizens, *sure[: INSTITUTIONS if citizens else ASKED]]

    def pinned(self, host: str) -> str | None:
        """Where a host was found; None if it is to be resolved anew."""
        with self._lock:
            for one in self._known.values():
                if one.ip and not one.typed and host_port(one.url)[0] == host:
                    return one.ip
        return None

    def note(self, url: str, answered: bool, now: float) -> None:
        """Whether a node answered."""
        with self._lock:
            one = self._known.get(url)
            if one is None:
                return
            one.answered, one.failed = (now, 0) if answered else (one.answered, one.failed + 1)
            if one.failed >= FORGOTTEN and not one.typed:
                del self._known[url]

    def leave(self, url: str, why: Localizable) -> None:
        """A node lied: it is not asked again while this program runs, whoever tells of it."""
        with self._lock:
            self._liars[url] = why
            one = self._known.get(url)
            if one is not None and not one.typed:
                del self._known[url]

    def left(self) -> dict[str, Localizable]:
        """The nodes that lied, and what does not hold of what they showed."""
        with self._lock:
            return dict(self._liars)

    def told(self, now: float) -> list[str]:
        """What is told to others: nodes on the open network that answered lately."""
        with self._lock:
            good = [one.url for one in self._known.values() if one.ip and now - one.answered < TOLD_FOR]
        random.shuffle(good)
        return good[:TOLD]

    def all(self) -> list[Known]:
        """Everything that is known, and those that the ledger names."""
        with self._lock:
            named = [Known(url) for url in sorted(self.institutions) if url not in self._known]
            return [*self._known.values(), *named]

    def save_new(self) -> None:
        """Write it down, if a node has told of itself that was not known. Raises UserError if the disk refuses."""
        if self._unsaved:
            self.save()

    def save(self) -> None:
        """Write it down. Raises UserError if the disk refuses."""
        with self._lock:
            self._unsaved = False
            data = msgspec.json.encode(list(self._known.values()))
        replace(self._file, data, PRIVATE)
