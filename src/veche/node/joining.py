"""A node that lacks what the others have, before it runs: the log, CometBFT's blocks, or both. docs/adr/0022-joining.md.

from nothing       the charter and some addresses: the ledger is copied from there, then CometBFT is begun at its head
without blocks     they were lost, or the others keep no longer those that follow on this node's: the same
else               nothing is to be done: CometBFT gets what it lacks from the others by itself
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from veche.audit.rebuild import end_taking
from veche.engine.cometbft.begin import COMMITS_BYTES, Commits, begin, lacks_blocks, must_begin
from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.inbox import PATIENCE, open_ledger
from veche.engine.publishing import LOG_KEY
from veche.errors import DoesNotHold, UserError, VecheError
from veche.keys import SigningKey
from veche.ledger.entries.engine import COMETBFT
from veche.ledger.ledger import Ledger
from veche.ledger.state import State
from veche.ledger.store import DATABASE
from veche.log.source import Source
from veche.node.copying import copy_ledger
from veche.node.web import ONCE, NoAnswer, Web, Wire
from veche.texts import Localizable, Message

TRIES = 10
"""How often the ledger is copied on because it has grown in the meantime."""
PAUSE = 1.0
"""Seconds between two of them."""

NEWEST = "newest"


def others(state: State, key: bytes) -> list[tuple[bytes, str]]:
    """The ledger key and the address of each other validator that has said where it is found."""
    urls = {row.institution: row.url for row in state.validator_rows()}
    found = (one for one in state.validators() if one.key != key)
    return [(one.key, urls[one.institution]) for one in found if one.institution in urls]


class Joining:
    """What a node needs to open its ledger."""

    def __init__(
        self,
        folder: Path,
        charter: bytes | None = None,
        urls: Sequence[str] = (),
        launch: Launch = INSTALLED,
        say: Callable[[Localizable], None] = lambda said: None,
    ) -> None:
        """``charter``: its entry, for a folder without a ledger; ``urls``: nodes beside those that the ledger names. ``say`` is told what
        takes long. ``launch``: how CometBFT runs."""
        self._folder, self._charter, self._urls = folder, charter, urls
        self._launch, self._say = launch, say

    def open(self) -> tuple[Ledger, SigningKey]:
        """Open the ledger, with this machine's key, when everything is there. Raises UserError, and as :func:`copy_ledger`."""
        with Wire() as wire:
            if not (self._folder / DATABASE).exists() and self._charter is not None:
                SigningKey.load(self._folder / LOG_KEY)  # a new folder has its keys first
                self._copy(self._charter, wire, self._urls)
            tries = 0
            while True:
                end_taking(self._folder)
                ledger, key = open_ledger(self._folder, PATIENCE)
                try:
                    if self._charter not in (None, ledger.entry(0)):
                        raise UserError(
                            Message("The ledger in {folder} began with another charter.", folder=self._folder),
                            Message("Give its own, or leave --charter away."),
                        )
                    doors = list(dict.fromkeys([*(url for _, url in others(ledger.state, key.public)), *self._urls]))
                    if not self._needs(ledger, wire, doors) or (why := self._begin(ledger, wire, doors)) is None:
                        return ledger, key
                    founding = ledger.entry(0)
                except BaseException:
                    ledger.close()
                    raise
                ledger.close()
                if tries == TRIES:
                    raise UserError(
                        Message("CometBFT's blocks are missing here, and no other node tells how to go on without them. {why}", why=why.said),
                        Message("Look whether the other validators run, and give the address of a node: --from"),
                    )  # fmt: skip
                if tries:
                    time.sleep(PAUSE)
                tries += 1
                self._copy(founding, wire, doors)

    def _copy(self, charter: bytes, wire: Wire, urls: Iterable[str]) -> None:
        doors: dict[str, Source] = {url: Web(wire, url) for url in urls}
        self._say(Message("The ledger is taken from {nodes}, and executed.", nodes=", ".join(doors)))
        copy_ledger(self._folder, charter, doors)

    def _needs(self, ledger: Ledger, wire: Wire, urls: Sequence[str]) -> bool:
        """Whether CometBFT cannot go on from what it has; from then on it does not try."""
        if ledger.state.engine_name != COMETBFT:
            return False
        if lacks_blocks(ledger):
            return True
        if ledger.height <= ledger.state.get("network_height") or not urls:
            return False  # it begins with the genesis, as everybody did
        with ThreadPoolExecutor(len(urls), "veche-ask") as pool:
            own = str(ledger.height)
            has = dict(zip(urls, pool.map(lambda url: self._ask(wire, url, own) is not None, urls), strict=True))
            newest = zip(urls, pool.map(lambda url: self._ask(wire, url, NEWEST), urls), strict=True)
            ahead = [
                url
                for url, commits in newest
                if commits is not None and commits.height > ledger.height and not has[url]
            ]
        # More than a third of the validators, or a node that a person named while none says that it has the block: one that lies
        # alone keeps nobody from what there is, as when all are started again at once and only its door answers, nor from joining.
        if 3 * len(ahead) > len(ledger.state.validators()) or (set(ahead) & set(self._urls) and not any(has.values())):
            must_begin(self._folder)  # before the ledger goes on without it
            return True
        return False

    def _begin(self, ledger: Ledger, wire: Wire, urls: Sequence[str]) -> VecheError | None:
        """Begin CometBFT at the ledger's head, or later if nothing was added since; why that failed, if it did."""
        self._say(Message("CometBFT begins anew, behind the ledger's last block."))
        why: VecheError = UserError(Message("None was asked."))
        for what in (str(ledger.height), NEWEST):
            for url in urls:
                try:
                    data = wire.get(url, f"commits/{what}", COMMITS_BYTES)
                    if data is None:
                        why = NoAnswer(url, Message("it has no such blocks"))
                        continue
                    begin(ledger, Commits.read(data), self._launch)
                except (DoesNotHold, NoAnswer) as error:
                    why = error
                    continue
                return None
        return why

    @staticmethod
    def _ask(wire: Wire, url: str, what: str) -> Commits | None:
        """What a node says of these blocks now; None if it has none, or says nothing of use."""
        try:
            data = wire.get(url, f"commits/{what}", COMMITS_BYTES, ONCE)
            return None if data is None else Commits.read(data)
        except (DoesNotHold, NoAnswer):
            return None
