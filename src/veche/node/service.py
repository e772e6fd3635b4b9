"""A node's door, on a thread and a loop of its own beside the engine's."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Self

from veche.engine.engine import Decided, Engine
from veche.engine.following import FollowingEngine
from veche.engine.loops import new_loop
from veche.keys import SigningKey
from veche.ledger.promise import Promise
from veche.ledger.state import State
from veche.log.checkpoint import SignedCheckpoint
from veche.node.addresses import AddressBook
from veche.node.api import Api
from veche.node.carrying import Carrier
from veche.node.chain import Chain
from veche.node.intake import Intake, Way
from veche.node.joining import others
from veche.node.listener import Listener
from veche.node.metrics import Metrics
from veche.node.outbox import Outbox
from veche.node.peers import Peers
from veche.node.published import Published

CONNECTIONS = 2_000
"""How many may be connected at a time; whoever else comes is hung up on, so that files can be opened all the same."""
WATCHERS = 20
"""The same of those who read the node's figures."""


class Service:
    """The door of the node whose engine this is. Make it before the engine begins, and use it in a ``with`` inside the engine's.

    ``address``: where it listens, once it does; ``metrics``: the same of its figures (:mod:`~veche.node.metrics`), if anybody asked for them.
    """

    def __init__(
        self,
        engine: Engine,
        key: SigningKey | None,
        host: str,
        port: int,
        metrics: tuple[str, int] | None = None,
        book: AddressBook | None = None,
    ) -> None:
        """``key``: the log's, or this validator's ledger key; None of a follower. ``metrics``: host and port. A port of 0 is any that is
        free. ``book``: what is known of other nodes, if it is used elsewhere, too."""
        ledger = engine.ledger
        published = Published(ledger.folder)
        self._loop = new_loop()
        self._outbox = Outbox(ledger)
        self._intake = Intake(engine, self._outbox, published.head, self._loop)
        public = b"" if key is None else key.public
        book = AddressBook(ledger.folder) if book is None else book
        self._chain = Chain(engine)
        self._api = Api(engine, self._intake, published, self._chain, public, book)
        self._found = _Found.of(ledger.state, public)
        self._peers: Peers | Carrier
        if isinstance(engine, FollowingEngine):
            self._peers = Carrier(self._intake, engine, book)
        else:
            assert key is not None, "who makes blocks signs their heads"
            self._peers = Peers(key, others(ledger.state, public), self._intake, engine)
            self._peers.untold, self._peers.seated = self._found.untold, self._found.seated
            engine.watch(_Neighbours(engine, public, self._post))
        self._key, self._ledger = key, ledger.id
        self._intake.held, self._intake.spread = self._held, self._peers.tell
        self._door = Listener(self._api.application(), CONNECTIONS)
        self._watched = Listener(Metrics(self._intake, self._peers, ledger.folder).application(), WATCHERS)
        self._thread = threading.Thread(target=self._loop.run_forever, name="veche-node")
        self.address, self.metrics = (host, port), metrics

    def __enter__(self) -> Self:
        """Listen. Raises UserError if that cannot be."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._finish(), self._loop).result()
        self._end()

    @property
    def seated(self) -> bool:
        """Whether this node signs heads: it is a validator, or keeps the ledger alone."""
        return not self._found.validators or self._found.seated

    def check(self) -> None:
        """Raise what the disk refused, if anything."""
        if self._intake.broken is not None:
            raise self._intake.broken
        self._peers.check()

    async def _begin(self) -> None:
        self.address = await self._door.open(self.address, "--listen")
        if self.metrics is not None:
            self.metrics = await self._watched.open(self.metrics, "--metrics")
        self._api.frames.begin()
        await self._peers.begin()
        self._intake.offer_again()

    async def _finish(self) -> None:
        await self._door.close()
        await self._watched.close()
        await self._peers.end()
        await self._intake.close()

    def _post(self, found: "_Found") -> None:
        """On the engine's thread: the validators or their addresses are others now."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._renew, found)

    def _renew(self, found: "_Found") -> None:
        self._found = found
        assert isinstance(self._peers, Peers), "nobody watches a follower's neighbours so"
        self._peers.untold, self._peers.seated = found.untold, found.seated
        self._peers.renew(found.others)
        self._dialling = asyncio.create_task(self._chain.connect(found.peers))

    def _held(self, way: Way) -> None:
        """An entry is kept: promise what can be promised, and pass it on."""
        if self._key is not None and self._found.seated and self._intake.may_promise(way):
            self._intake.promised(way, Promise.make(self._ledger, way.hash, self._intake.height, self._key))
        if way.own:
            self._peers.pass_on(way)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._api.close()
        self._outbox.close()


class _Found(NamedTuple):
    """Who the validators are, and where: ``others`` as :func:`~veche.node.joining.others`, ``peers`` as CometBFT wants them; ``seated``:
    whether this node is one of them; ``untold``: whether they do not know where it is."""

    validators: int
    seated: bool
    untold: bool
    others: list[tuple[bytes, str]]
    peers: tuple[str, ...]

    @classmethod
    def of(cls, state: State, key: bytes) -> "_Found":
        validators = state.validators()
        own = {one.institution for one in validators if one.key == key}
        rows = state.validator_rows()
        peers = tuple(row.peer for row in rows if row.institution not in own)
        untold = bool(validators) and not own & {row.institution for row in rows}
        return cls(len(validators), bool(own), untold, others(state, key), peers)


class _Neighbours:
    """Watches who the validators are, and where (:class:`~veche.engine.engine.Watcher`)."""

    def __init__(self, engine: Engine, key: bytes, renew: Callable[[_Found], None]) -> None:
        self._engine, self._key, self._renew = engine, key, renew
        self._size = engine.ledger.size
        self._found = _Found.of(engine.ledger.state, key)

    def decided(self, decided: Decided) -> None:
        if decided.size == self._size:
            return
        self._size, found = decided.size, _Found.of(self._engine.ledger.state, self._key)
        if found != self._found:
            self._found = found
            self._renew(found)

    def published(self, size: int, vouched: int) -> None: ...

    def cosigned(self, signed: SignedCheckpoint) -> None: ...
