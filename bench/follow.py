"""A citizen's node from nothing to everything checked: ``python -m bench.follow BALLOTS``, after ``python -m bench.ledger engine BALLOTS``.

Prints JSON. The ledger is served as files by a process of its own on this machine, whose two cores it shares.
"""

import functools
import http.server
import json
import resource
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from time import perf_counter, process_time

from veche.collector import relax
from veche.ledger.ledger import Ledger
from veche.log.log import Log
from veche.log.source import Folder
from veche.node.addresses import AddressBook
from veche.node.follower import catch_up, find_charter
from veche.node.web import Wire

LEDGER, COPY = Path("build/bench/ledger"), Path("build/bench/follow")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...


def serve() -> None:
    """The public files, until standard input ends. Prints the port."""
    source = Folder(LEDGER)
    (LEDGER / "charter").write_bytes(Log(source, source.checkpoint().checkpoint).entry(0))
    (LEDGER / "heads").write_bytes(b"[]")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(LEDGER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def main() -> None:
    relax()
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-m", "bench.follow", "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as door:
        assert door.stdout is not None
        port = int(door.stdout.readline())
        book = AddressBook(COPY)
        book.type([f"http://127.0.0.1:{port}"])
        start, used = perf_counter(), process_time()
        with Wire(book.pinned) as wire:
            catch_up(
                COPY, find_charter(COPY, wire, book), wire, book, lambda head: None, lambda *_: None, lambda *_: None
            )
        found = {"wall": perf_counter() - start, "cpu": process_time() - used}
    with Ledger(COPY) as copy:
        size = copy.size
    assert size > int(sys.argv[1]), "it is the whole ledger"
    found["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else main()
