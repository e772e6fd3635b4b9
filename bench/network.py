"""A network of so many validators as processes on this machine, and ballots handed in over HTTP: ``python -m bench.network VALIDATORS BALLOTS``.

Prints JSON. Everything shares this machine's cores: all nodes, all of CometBFT, and whoever hands in. The ballots are made before.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import quantiles

import aiohttp

from bench.workload import Workload
from veche.audit.ledger import verify_ledger
from veche.engine.cometbft.home import make_keys
from veche.engine.publishing import LOG_KEY, create_ledger
from veche.ledger.entries.engine import Network, ValidatorRow
from veche.log.log import Log
from veche.log.source import Folder

HTTP, P2P = 18_080, 18_656
CLIENTS = 512
"""Who hands in at a time, each the next ballot when the last one is kept."""
SAMPLE = 40
"""Of so many ballots one is followed to its final head."""
SOON = 75
"""Seconds from genesis to the opening: enough to begin, and to hand in what comes before."""


class NetworkWorkload(Workload):
    """One whose ledger begins now."""

    def __init__(self, folder: Path, validators: int, count: int) -> None:
        self.homes = [folder / f"validator-{number + 1}" for number in range(validators)]
        self.names = [f"Validator {number:02}" for number in range(validators)]
        self.count = count
        self.genesis, self.notice = int(time.time()), SOON
        super().__init__(folder, 0)

    def engine(self) -> Network:
        rows = []
        for number, (name, home) in enumerate(zip(self.names, self.homes, strict=True)):
            keys, host = make_keys(home), f"127.0.0.{number + 2}"
            rows.append(ValidatorRow(name, keys.votes, f"http://{host}:{HTTP}", f"{keys.node}@{host}:{P2P}"))
        return Network(1, tuple(rows))


def main() -> None:
    validators, count = int(sys.argv[1]), int(sys.argv[2])
    folder = Path("build/bench") / f"network-{validators}"
    shutil.rmtree(folder, ignore_errors=True)
    workload = NetworkWorkload(folder, validators, count)
    keys = [workload.key(name) for name in workload.names]
    for home, key in zip(workload.homes, keys, strict=True):
        key.save(home / LOG_KEY)
        create_ledger(home, workload.charter, key).close()
    with running(workload) as processes:
        found = asyncio.run(measure(workload, processes))
    logs = [verify_ledger(Folder(home)) for home in workload.homes]
    entries = {sha256(entry).digest() for entry in Log(logs[0].source, logs[0].head).entries()}
    handed_in = {sha256(entry).digest() for entry in workload.ballots(count)}
    found["lost"] = float(len(handed_in - entries))
    found["bytes"] = sum(map(len, workload.ballots(count))) / count
    found["disk"] = size_of(workload.homes[0]) / count
    print(json.dumps(found))


@contextmanager
def running(workload: NetworkWorkload) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = []
    try:
        for home in workload.homes:
            with (home / "said").open("wb") as said:
                words = [sys.executable, "-m", "veche", "node", "run", "--ledger", str(home)]
                processes.append(subprocess.Popen(words, stdout=said, stderr=said))
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


async def measure(workload: NetworkWorkload, processes: list[subprocess.Popen[bytes]]) -> dict[str, float]:
    nodes = [f"http://127.0.0.{number + 2}:{HTTP}" for number in range(len(workload.homes))]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for node in nodes:
            while (await status(session, node)) is None:
                await asyncio.sleep(0.1)
        for entry in workload.setup:
            await until_final(session, nodes[0], await hand_in(session, nodes[0], entry))
        workload.make(workload.count)
        while (found := await status(session, nodes[0])) is None or found["time"] < workload.genesis + SOON + 2:
            await asyncio.sleep(0.5)
        ballots = workload.ballots(workload.count)
        used, sent, start = cpu(processes), on_the_wire(), time.perf_counter()
        ahead, follows, waits = iter(enumerate(ballots)), list[asyncio.Task[None]](), list[float]()

        async def follow(node: str, entry: str, since: float) -> None:
            await until_final(session, node, entry)
            waits.append(time.perf_counter() - since)

        async def client() -> None:
            for number, entry in ahead:
                node, since = nodes[number % len(nodes)], time.perf_counter()
                taken = await hand_in(session, node, entry)
                if number % SAMPLE == 0:
                    follows.append(asyncio.create_task(follow(node, taken, since)))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        await asyncio.gather(*follows)
        last = sha256(ballots[-1]).hexdigest()
        await until_final(session, nodes[(len(ballots) - 1) % len(nodes)], last)
        wall = time.perf_counter() - start
        for node in nodes:
            while (found := await status(session, node)) is None or found["waiting"] or found["final"] < found["size"]:
                await asyncio.sleep(0.05)
        spent = {name: after - used[name] for name, after in cpu(processes).items()}
        spent["wire"] = (on_the_wire() - sent) / len(ballots)
    cuts = quantiles(waits, n=100)
    return {"wall": wall, "p50": cuts[49], "p99": cuts[98], **spent}


async def status(session: aiohttp.ClientSession, node: str) -> dict[str, int] | None:
    try:
        async with session.get(f"{node}/status") as answer:
            found: dict[str, int] = await answer.json()
            return found
    except aiohttp.ClientError:
        return None


async def hand_in(session: aiohttp.ClientSession, node: str, entry: bytes) -> str:
    """Until it is kept; the entry's hash."""
    headers = {"Content-Type": "application/octet-stream"}
    while True:
        async with session.post(f"{node}/entries", data=entry, headers=headers) as answer:
            if answer.status == 429:
                await asyncio.sleep(0.2)
                continue
            said = await answer.json()
            if answer.status != 202:
                raise RuntimeError(said)
            return str(said["entry"])


async def until_final(session: aiohttp.ClientSession, node: str, entry: str) -> None:
    while True:
        async with session.get(f"{node}/entries/{entry}") as answer:
            said = await answer.json()
        if said["stage"] == "final":
            return
        if said["stage"] == "refused":
            raise RuntimeError(said)
        await asyncio.sleep(0.1)


def cpu(processes: list[subprocess.Popen[bytes]]) -> dict[str, float]:
    """Seconds of processor time so far: of our programs, of CometBFT, and of whoever hands in."""
    spent = {"nodes": 0.0, "cometbft": 0.0, "clients": time.process_time()}
    ours = {process.pid for process in processes}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        if int(path.parent.name) in ours:
            spent["nodes"] += seconds
        elif int(words[1]) in ours:
            spent["cometbft"] += seconds
    return spent


def on_the_wire() -> int:
    """Bytes that went over loopback so far, with all headers: between clients and nodes, and between nodes; 0 where nobody counts."""
    try:
        lines = Path("/proc/net/dev").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.strip().startswith("lo:")), 0)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
