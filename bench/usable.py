"""How long it takes until a ledger can be read that has so many ballots behind it: ``python -m bench.usable POLLS BALLOTS``.

Prints JSON. The polls are played: announced, voted in, tallied, decrypted. The ballots are sham: leaves of the log's tree that nobody
asks for. They stand before the block in which the polls are tallied, so all numbers behind them, and what
blocks name of the frame, are those of a ledger with so many ballots; the head is signed anew. What is measured begins with nothing but
the node's address and ends with all polls and their results read and checked.
"""

import functools
import http.server
import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from veche.audit.ledger import verify_ledger
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.block import UNREAD
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Choice
from veche.ledger.frame import Framing, Item, bundles_of, by_block, frame_name, pack_items
from veche.ledger.machine import Machine
from veche.ledger.shape import Text
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.log import Log
from veche.log.merkle import leaf_hash
from veche.log.source import Folder
from veche.log.tiles import ENTRIES, WIDTH, Edge, Tile, pack
from veche.node.framing import fetch_frame
from veche.node.web import Wire
from veche.world import World

VOTERS = 3


def play(folder: Path, polls: int) -> SigningKey:
    """A city with so many decided polls; the key of its log."""
    with World(folder, citizens={"Centre": VOTERS}, registrars=(2, 2, 0)) as world:
        committee = world.form_committee()
        questions = [
            Choice(Text(f"Question {at}?", f"Вопрос {at}?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
            for at in range(polls)
        ]
        made = [world.poll([one], committee=committee, days=1) for one in questions]
        world.wait_until(made[-1].definition.opens + 60)
        for poll in made:
            for citizen in world.citizens:
                world.vote(citizen, poll, [[1, 0]])
        world.wait_until(made[-1].closing + 60)
        world.trustees_act()
        world.wait(60)
        world.check()
        return world.head_keys[0]


def moved(log: Log, ballots: int) -> tuple[list[Item], int]:
    """The frame's items of the log with so many sham ballots before the block of the first tally, and where that stands."""
    whole = verify_ledger(log.source)
    framing = Framing(whole.state.charter.halt)
    blocks = [framing.take(block) for block in by_block(Item(*one) for one in enumerate(log.entries()))]
    place = next(block[0].number for block in blocks for item in block if item.entry.startswith(b"\x82\x65tally"))
    again = _Again(log)
    items: list[Item] = []
    for block in filter(None, blocks):
        shift = ballots if block[0].number >= place else 0
        items += again.take([Item(number + shift, entry) for number, entry in block])
    return items, place


class _Again:
    """Makes blocks anew whose entries stand elsewhere: each names another frame than before."""

    def __init__(self, log: Log) -> None:
        state = State(sqlite3.connect("", isolation_level=None))
        state.prepare()
        state.put("unread", 1)
        self.machine = Machine(state, log.entry, log.root)

    def take(self, block: Sequence[Item]) -> list[Item]:
        if block[0].number == 0:
            self.machine.genesis(block[0].entry)
            own = list(block)
        else:
            try:
                self.machine.follow_frame(block)
            except Refused as refused:
                if refused.rule != "block":
                    raise
            own = [Item(block[0].number, self.machine.block.appended[0]), *block[1:]]
        self.machine.end()
        return own


def lay_out(folder: Path, log: Log, items: list[Item], place: int, ballots: int, key: SigningKey) -> tuple[bytes, int]:
    """What a node with that ledger would answer, as files; the ledger's id, and the bytes of the frame."""
    entries = {item.number: item.entry for item in items}
    for number, entry in enumerate(log.entries()):
        entries.setdefault(number if number < place else number + ballots, entry)
    size = log.size + ballots
    edge, rows = Edge(), []
    for start in range(0, size, WIDTH):
        hashes = [leaf_hash(entries.get(number) or sham(number)) for number in range(start, min(size, start + WIDTH))]
        rows += list(edge.extend(hashes))
    for row in (*rows, *edge.partial()):
        _write(folder / row.tile.name, b"".join(row.hashes))
    for start in range(0, size, WIDTH):
        numbers = range(start, min(size, start + WIDTH))
        if any(number in entries for number in numbers):  # nobody asks for the others
            bundle = pack([entries.get(number) or sham(number) for number in numbers])
            _write(folder / Tile(ENTRIES, start // WIDTH, len(numbers)).name, bundle)
    last = max(number for number, entry in entries.items() if entry.startswith(b"\x82\x65block"))
    framed = [item for item in items if item.number < last]
    for index, width in bundles_of(len(framed)):
        _write(folder / frame_name(index, width), pack_items(framed[index * WIDTH : index * WIDTH + width]))
    head = Checkpoint(log.head.origin, size, edge.root())
    _write(folder / "checkpoint", SignedCheckpoint(head, (sign(head, key),)).to_bytes())
    _write(folder / "heads", b"[]")
    return digest(log.entry(0)), sum(len(item.entry) for item in framed)


def sham(number: int) -> bytes:
    """What stands for a ballot that nobody asks for."""
    return UNREAD + number.to_bytes(8)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def main() -> None:
    polls, ballots = int(sys.argv[1]), int(sys.argv[2])
    city, door = Path("build/bench/usable/city"), Path("build/bench/usable/door")
    for folder in (city, door):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    key = play(city, polls)
    source = Folder(city / "ledger")
    log = Log(source, source.checkpoint().checkpoint)
    items, place = moved(log, ballots)
    ledger, size = lay_out(door, log, items, place, ballots, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(door)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    start, used = perf_counter(), process_time()
    with Wire() as wire:
        found = fetch_frame(wire, f"http://127.0.0.1:{server.server_port}", ledger)
    spent = {"wall": perf_counter() - start, "cpu": process_time() - used}
    decided = [poll for poll in found.state.polls() if poll.result is not None]
    assert len(decided) == polls and found.head.size >= ballots and found.state.unread
    server.shutdown()
    print(json.dumps({**spent, "bytes": size, "items": len(items)}))


if __name__ == "__main__":
    main()
