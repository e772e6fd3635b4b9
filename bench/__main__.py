"""``make bench``: measure, print the table that docs/benchmarks.md quotes, write build/bench.json and the plot.

Sizes of the ledgers: SIZES=10000,30000,100000,300000 in the environment; ballots for a network: NETWORK=6000. Five minutes of four
validators are about NETWORK=150000. PARTS="networks" measures that part only (of: ballots ledgers floods blocks networks usable follow); rows of the
others stay in build/bench.json as they are.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib
from rich.console import Console
from rich.table import Table

from bench import ballots, flood
from bench.rows import Row, belenios_tool
from bench.workload import Workload

BUILD = Path("build")
MAIN = 100_000
POLLS, CITIZENS, SAMPLE = 200, 1_900_000, 10_000
"""Of the ledger whose frame is read, and the ballots of which the kernel checks the proofs beside it."""
PROPOSE = 3.0
"""Seconds that CometBFT waits for a proposal and its check (timeout_propose)."""
NETWORK = int(os.environ.get("NETWORK", "6000"))
SIZES = [int(size) for size in os.environ.get("SIZES", "10000,30000,100000,300000").split(",")]


def run(module: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def ballots_alone(console: Console) -> list[Row]:
    console.print("Ballots, and the archive …")
    return ballots.measure(Workload(BUILD / "bench", max(SIZES)), belenios_tool(BUILD / "belenios"), BUILD / "bench")


def ledgers(console: Console) -> list[Row]:
    Workload(BUILD / "bench", max(SIZES))
    rows, growth = grown(console, SIZES)
    plot(growth, BUILD / "bench.svg")
    console.print("Written: build/bench.svg")
    return rows


def grown(console: Console, sizes: list[int]) -> tuple[list[Row], list[tuple[int, dict[str, dict[str, float]]]]]:
    rows, growth = [], []
    for size in sizes:
        console.print(f"A ledger of {size:,} ballots: kernel, engine, verification, kernel again …")
        first = run("bench.ledger", "kernel", str(size))
        found = {what: run("bench.ledger", what, str(size)) for what in ("engine", "verify")}
        second = run("bench.ledger", "kernel", str(size))
        found["kernel"] = {key: (first[key] + second[key]) / 2 for key in first}
        growth.append((size, found))
        rate = {key: size / value["wall"] for key, value in found.items()}
        name = "" if size == MAIN else f".{size}"
        rows += [
            Row(f"engine.embedded{name}", rate["engine"], "ballots/s", rate["kernel"], rate["engine"] / rate["kernel"],
                f"durable, {size:,} ballots; baseline the kernel alone; at least 0.8"),
            Row(f"ledger.verify{name}", found["verify"]["wall"], "s", found["kernel"]["wall"], found["verify"]["wall"] / found["kernel"]["wall"],
                f"{size:,} ballots, {found['verify']['mib']:.0f} MiB; baseline the kernel alone; at most 1.2"),
        ]  # fmt: skip
    return rows, growth


def floods(console: Console) -> list[Row]:
    """What junk costs, beside honest ballots of as many bytes."""
    console.print("16 MB of junk, of each kind …")
    honest = run("bench.flood", "honest")["cost"]
    rows = []
    for kind in flood.KINDS:
        found = run("bench.flood", kind)
        what = f"an honest ballot then waits {found['delay']:.2f} s; baseline honest ballots"
        rows.append(
            Row(f"flood.{kind}", found["cost"] * 1000, "ms CPU a MB", honest * 1000, honest / found["cost"], what)
        )
    return rows


def blocks(console: Console) -> list[Row]:
    """What a full block costs whoever is to vote on it and has seen nothing of it; the baseline is the time that CometBFT gives."""
    console.print("Proposals of 4 MB …")
    found = run("bench.block")
    kinds = {
        "good": f"{found['entries']:.0f} ballots, accepted",
        "false": "as many, of each the last proof false, rejected",
        "last": "good ones, but the last ballot such a one, rejected",
        "junk": "entries of no bytes, rejected",
    }
    return [
        Row(f"block.{kind}", found[kind], "s", PROPOSE, PROPOSE / found[kind], what) for kind, what in kinds.items()
    ]


def networks(console: Console) -> list[Row]:
    """One validator, and four, on this machine's cores; the baseline is the embedded engine with as many ballots, of waits those with one
    validator, of bytes those of a ballot."""
    rows, waits = [], dict[str, float]()
    Workload(BUILD / "bench", NETWORK)
    alone = NETWORK / run("bench.ledger", "engine", str(NETWORK))["wall"]
    for name, validators in (("one", 1), ("four", 4)):
        console.print(f"{NETWORK:,} ballots over HTTP, validators: {validators} …")
        found = run("bench.network", str(validators), str(NETWORK))
        rate, cpu = (
            NETWORK / found["wall"],
            {part: found[part] / NETWORK * 1000 for part in ("nodes", "cometbft", "clients")},
        )
        waits = waits or found
        what = ", ".join(f"{part} {spent:.2f}" for part, spent in cpu.items())
        rows += [
            Row(f"network.{name}", rate, "ballots/s", alone, rate / alone, f"final, lost {found['lost']:.0f}; ms of CPU a ballot: {what}"),
            Row(f"network.{name}.final.p50", found["p50"], "s", waits["p50"], waits["p50"] / found["p50"], "from handing in to a final head, under that load"),
            Row(f"network.{name}.final.p99", found["p99"], "s", waits["p99"], waits["p99"] / found["p99"], "the same"),
            Row(f"network.{name}.disk", found["disk"], "bytes", found["bytes"], found["bytes"] / found["disk"], "a ballot, in one validator's folder"),
            Row(f"network.{name}.wire", found["wire"], "bytes", found["bytes"], found["bytes"] / found["wire"], "a ballot, between all nodes and from their clients"),
        ]  # fmt: skip
    return rows


def follow(console: Console) -> list[Row]:
    """A copy of a ledger, from another node's files to everything checked; the baseline is the kernel's time for the same proofs."""
    console.print(f"A citizen's node copies {MAIN:,} ballots and checks them …")
    Workload(BUILD / "bench", MAIN)
    run("bench.ledger", "engine", str(MAIN))
    proofs = run("bench.ledger", "kernel", str(MAIN))["wall"]
    found = run("bench.follow", str(MAIN))
    what = f"{MAIN:,} ballots, {found['mib']:.0f} MiB; baseline the kernel alone; at most 1.3, and 300 MiB"
    return [Row("follow", found["wall"], "s", proofs, found["wall"] / proofs, what)]


def usable(console: Console) -> list[Row]:
    """From a node's address to polls that can be read; the baseline is the kernel's time for the proofs of the ballots behind them."""
    console.print(f"The frame of a ledger of {POLLS} polls and {CITIZENS:,} ballots …")
    Workload(BUILD / "bench", SAMPLE)
    proofs = run("bench.ledger", "kernel", str(SAMPLE))["wall"] / SAMPLE * CITIZENS
    found = run("bench.usable", str(POLLS), str(CITIZENS))
    what = f"{POLLS} decided polls checked before {CITIZENS:,} ballots (sham); {found['bytes'] / 1000:,.0f} kB; baseline the ballots' proofs"
    return [Row("follow.usable", found["wall"], "s", proofs, proofs / found["wall"], what)]


def plot(growth: list[tuple[int, dict[str, dict[str, float]]]], path: Path) -> None:
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veche"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    sizes = [size for size, _ in growth]
    names = {"kernel": "kernel alone (baseline)", "engine": "embedded engine", "verify": "veche verify"}
    for (key, label), style in zip(names.items(), ("--", "-o", "-s"), strict=True):
        left.plot(sizes, [found[key]["wall"] for _, found in growth], style, label=label)
        right.plot(sizes, [found[key]["mib"] for _, found in growth], style, label=label)
    left.set(xlabel="ballots", ylabel="seconds", title="Time", ylim=0)
    right.set(xlabel="ballots", ylabel="MiB", title="Memory", ylim=0)
    left.legend()
    figure.savefig(path, metadata={"Date": None})


PARTS = {
    "ballots": ballots_alone,
    "ledgers": ledgers,
    "floods": floods,
    "blocks": blocks,
    "networks": networks,
    "usable": usable,
    "follow": follow,
}


def main() -> None:
    console = Console(width=150)
    chosen = os.environ.get("PARTS", "").split() or list(PARTS)
    if unknown := [part for part in chosen if part not in PARTS]:
        sys.exit(f"There is no part {unknown[0]!r}: PARTS are {' '.join(PARTS)}.")
    rows = [row for part in chosen for row in PARTS[part](console)]
    table = Table("name", "value", "unit", "baseline", "ratio", "what")
    for row in rows:
        table.add_row(row.name, f"{row.value:,.3f}", row.unit, f"{row.baseline:,.3f}", f"{row.ratio:.2f}", row.what)
    console.print(table)
    written = BUILD / "bench.json"
    before = json.loads(written.read_text()) if len(chosen) < len(PARTS) and written.exists() else []
    found = {row["name"]: row for row in (*before, *(row.public() for row in rows))}
    written.write_text(json.dumps(list(found.values()), indent=1) + "\n")
    console.print("Written: build/bench.json")


main()
