"""Validators that lie, as processes: ``liar.py KIND FOLDER CLOCK LISTEN PEER_LISTEN``. What they do beyond a node's own code stands here.

liar           spoils ballots in its proposals, drops every second one that it takes in, promises all of them, tells clients that
               everything is final, with the receipt of another entry, and cosigns a second head of each size
conspirator    takes every turn of a voter for a new one, as over two thirds may agree to do
"""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from aiohttp import web
from network import host

from veche.engine.cometbft import abci_pb2 as abci
from veche.engine.cometbft import application, engine
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.ledger.heads import validator_verifier
from veche.ledger.rules import ballot
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign
from veche.node import api, peers, service
from veche.node.intake import Way
from veche.node.joining import NEWEST
from veche.node.progress import Progress, Stage
from veche.node.web import FAILED

SPOILED = 200
"""Which byte of a ballot is another one, counted from its end: one of its proofs'."""


def is_dropped(entry: bytes) -> bool:
    return bool(entry[-1] & 1)


def spoil(entry: bytes) -> bytes:
    return entry[:-SPOILED] + bytes([entry[-SPOILED] ^ 1]) + entry[1 - SPOILED :]


class LyingApplication(application.Application):
    """Proposes less than it has, and once in a while a ballot that does not hold."""

    def _prepare(self, asked: abci.RequestPrepareProposal) -> abci.ResponsePrepareProposal:
        proposed = [entry for entry in super()._prepare(asked).txs if not is_dropped(entry)]
        if proposed and len(proposed[-1]) > SPOILED and asked.height % 3 == 0:
            proposed.append(spoil(proposed[-1]))
        return abci.ResponsePrepareProposal(txs=proposed)

    def _process(self, asked: abci.RequestProcessProposal) -> abci.ResponseProcessProposal:
        return abci.ResponseProcessProposal(status=abci.ResponseProcessProposal.ACCEPT)


class LyingPeers(peers.Peers):
    """Keeps ballots to itself, and tells the others of a second head of each size."""

    def pass_on(self, way: Way) -> None:
        if not is_dropped(way.entry):
            super().pass_on(way)

    def tell(self, head: bytes) -> None:
        super().tell(head)
        honest = SignedCheckpoint.parse(head)
        other = Checkpoint(honest.checkpoint.origin, honest.checkpoint.size, bytes(32))
        key = SigningKey.load(Path(sys.argv[-4]) / LOG_KEY)
        line = cosign(other, validator_verifier(other.origin, key.public).name, key, int(time.time()))
        false = SignedCheckpoint(other, (line,)).to_bytes()
        for peer in self._all:
            self._tasks.append(asyncio.create_task(self._lie(peer, false)))

    async def _lie(self, peer: peers.Peer, head: bytes) -> None:
        with suppress(*FAILED):
            await peer._post(self._session, "/heads", head, "text/plain")


class LyingApi(api.Api):
    """Says that everything is final, as its receipt gives that of entry 0, and that the others are far ahead of whoever starts."""

    async def _stage(self, request: web.Request) -> web.Response:
        return api._progress(Progress(request.match_info["hash"], Stage.FINAL, 1))

    async def _commits(self, request: web.Request) -> web.Response:
        if request.match_info["height"] != NEWEST:
            raise web.HTTPNotFound
        said = {"signed_header": {"header": {"height": "999999"}}}
        return web.json_response({"at": said, "next": said})

    async def _receipt(self, request: web.Request) -> web.Response:
        receipt = await self._read(self._published.receipt, 0)
        return web.Response(body=receipt, content_type="text/plain")


def lie() -> None:
    changed: Any = engine
    changed.Application = LyingApplication
    changed = service
    changed.Peers, changed.Api = LyingPeers, LyingApi


def conspire() -> None:
    changed: Any = ballot
    changed._check_again = lambda entry, last: None


if __name__ == "__main__":
    {"liar": lie, "conspirator": conspire}[sys.argv[1]]()
    host.main()
