"""A citizen's node beside those of institutions, and a node that lies to it. Nothing here prints."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from veche.demo.nodes import Found, Listening, Node, ending, url_at, wait
from veche.ledger.codec import digest
from veche.ledger.entries.ballot import is_ballot
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint
from veche.log.log import Log, Snapshot
from veche.log.publish import Publisher
from veche.log.source import Folder, kept_heads
from veche.texts import Localizable, Message, Words
from veche.words import in_words
from veche.world import OPERATOR, address

NAME = Words("Lena", "Лена")
HOST, LIARS = "127.0.0.9", "127.0.0.7"
"""Where the citizen's node is on this machine, and where the door that lies."""


@dataclass
class Citizen(Node):
    """A citizen's node: it joins at the addresses that were typed, and no other ledger than the one with this fingerprint."""

    typed: Sequence[str] = ()
    fingerprint: str = ""

    @property
    def words(self) -> Sequence[str]:
        return *self.joining, "--listen", str(urlsplit(self.url).netloc)

    @property
    def joining(self) -> Sequence[str]:
        """What the citizen types, after ``veche``."""
        return "node", "join", *self.typed, "--charter", self.fingerprint

    def said_of(self, url: str) -> str | None:
        """The sentence that the node said of another, in the language in which it was started; None if it has said nothing yet."""
        text = self.said.read_text(encoding="utf-8") if self.said.exists() else ""
        return next((line for line in text.splitlines() if url in line and not line.startswith("{")), None)


def make_citizen(folder: Path, charter: bytes, typed: Sequence[str], lang: str) -> Citizen:
    """The node of a citizen, to be started. ``charter``: the entry. Raises UserError."""
    fingerprint = in_words(digest(charter), lang)
    return Citizen(
        NAME.text(lang), folder / "citizen", url_at(HOST), folder / "citizen.txt", typed=typed, fingerprint=fingerprint
    )


@dataclass(frozen=True)
class Liar:
    """A door of the demo's own, that shows a ledger as it is not. ``left_out``: the number of the ballot that it leaves out; its log has
    one entry less, is otherwise whole, and has a root that nobody signed: under it stand the signatures of the true head."""

    url: str
    left_out: int


@contextmanager
def lying(folder: Path, honest: Path) -> Iterator[Liar]:
    """The door, while it is open. ``honest``: the folder of the ledger of which it lies; ``folder``: where it puts what it shows."""
    source = Snapshot(Folder(honest))
    head = source.checkpoint()
    entries = list(Log(source, head.checkpoint).entries())
    left_out = next(number for number, entry in enumerate(entries) if is_ballot(entry))
    charter = entries[0]
    del entries[left_out]
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    false = Checkpoint(head.checkpoint.origin, len(entries), root)
    Publisher(folder).publish(0, entries, SignedCheckpoint(false, head.signatures))
    shown = Folder(folder)
    kept = str([size for size, _ in kept_heads(source)]).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            found = {"charter": charter, "heads": kept, "nodes": b"[]"}.get(name)
            if found is None:
                found = source.get(name) if name.startswith("head/") else shown.get(name)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None: ...

    parts = urlsplit(url_at(LIARS))
    with ThreadingHTTPServer((str(parts.hostname), int(parts.port or 0)), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="veche-demo-liar")
        thread.start()
        try:
            yield Liar(parts.geturl(), left_out)
        finally:
            server.shutdown()
            thread.join()


def can_run() -> bool:
    """Whether what nodes speak HTTP with is installed."""
    return find_spec("aiohttp") is not None


@dataclass(frozen=True)
class Beside:
    """A citizen's node beside that of the one institution that keeps the ledger, and the door that lies to it."""

    folder: Path
    own: Node
    citizen: Citizen
    liar: Liar

    def wait(self, what: Localizable, until: Callable[[], Found | None]) -> Found:
        """See :func:`veche.demo.nodes.wait`."""
        return wait((self.own, self.citizen), what, until, self.folder)


@contextmanager
def beside(folder: Path, ledger: Path, lang: str) -> Iterator[Beside]:
    """The nodes, while they run: of the ledger in this folder, whose engine has ended before. Raises UserError, VecheError."""
    own = Listening(OPERATOR, ledger, url_at(address(0)), folder / "node.txt")
    source = Folder(ledger)
    charter = Log(source, source.checkpoint().checkpoint).entry(0)
    with lying(folder / "lie", ledger) as liar:
        made = Beside(folder, own, make_citizen(folder, charter, (liar.url, own.url), lang), liar)
        with ending(lambda: (made.own, made.citizen)):
            own.start(lang)
            made.wait(Message("the city's node answers"), own.size)
            made.citizen.start(lang)
            yield made
