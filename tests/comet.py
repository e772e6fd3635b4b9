"""Worlds on CometBFT, under a clock that is moved by hand: a build of it that reads the time in a file."""

import asyncio
import math
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import lock_descriptor
from google.protobuf.message import Message as Asked

from veche.clock import Clock
from veche.durable import make_folder
from veche.engine.block_clock import BlockClock
from veche.engine.cometbft.abci_pb2 import RequestCommit
from veche.engine.cometbft.application import Application
from veche.engine.cometbft.engine import CometEngine
from veche.engine.cometbft.home import make_keys
from veche.engine.cometbft.launch import Launch
from veche.engine.engine import Engine as RunningEngine
from veche.keys import SigningKey
from veche.ledger.entries.engine import Engine, Network
from veche.ledger.ledger import Ledger
from veche.world import VALIDATORS, validator_row

ROOT = Path(__file__).parents[1]
MODULE = "github.com/cometbft/cometbft"
CLOCK = "VECHE_TEST_CLOCK"


NOW = """// Now is the time in the file, which must be there: one that stands still, or with a sign by how much this machine's is off.
func Now() time.Time {
	said, err := os.ReadFile(os.Getenv("VECHE_TEST_CLOCK"))
	if err != nil {
		panic(err)
	}
	text := strings.TrimSpace(string(said))
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(err)
	}
	if strings.ContainsAny(text[:1], "+-") {
		return Canonical(time.Now().Add(time.Duration(seconds) * time.Second))
	}
	return Canonical(time.Unix(seconds, 0))
}
"""
IMPORTED = f'"time"\n\n\tcmttime "{MODULE}/types/time"\n'
"""Where a block's time is held against Go's own clock: it is asked of this one instead."""


def builder() -> ModuleType:
    """cometbft/build.py, which is in no package."""
    sys.path.insert(0, str(ROOT / "cometbft"))
    try:
        import build
    finally:
        sys.path.pop(0)
    return build


@cache
def program() -> Path:
    """CometBFT with another clock, built from a copy of its sources. Go remembers what it compiled: only the first time takes a minute."""
    build = builder()
    folder = ROOT / "build" / "cometbft-clock"
    binary = folder / "veche-cometbft"
    make_folder(folder)
    with (folder / "lock").open("w") as lock:  # the tests run in several processes
        lock_descriptor(lock.fileno(), blocking=True)
        sources = [*sorted(build.HERE.glob("*.go")), build.HERE / "go.mod"]
        wanted = NOW + IMPORTED + "".join(file.read_text() for file in sources)
        made = folder / "made"
        if not made.exists() or made.read_text() != wanted:
            theirs = Path(build.go("list", "-m", "-f", "{{.Dir}}", MODULE).strip())
            shutil.rmtree(folder / "cometbft", ignore_errors=True)
            for package in theirs.rglob("*"):
                if (
                    package.is_file()
                    and package.suffix not in (".md", ".png", ".json")
                    and not package.name.endswith("_test.go")
                ):
                    copy = folder / "cometbft" / package.relative_to(theirs)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(package, copy)
            clock = folder / "cometbft" / "types/time/time.go"
            text, count = re.subn(r"// Now returns.*?\n}\n", NOW, clock.read_text(encoding="utf-8"), flags=re.DOTALL)
            assert count == 1
            clock.write_text(text.replace('"sort"', '"os"\n\t"sort"\n\t"strconv"\n\t"strings"'), encoding="utf-8")
            tolerance = folder / "cometbft" / "state/validation.go"
            text = tolerance.read_text(encoding="utf-8")
            assert text.count("time.Now()") == 2
            text = text.replace("time.Now()", "cmttime.Now()").replace('"time"\n', IMPORTED, 1)
            tolerance.write_text(text, encoding="utf-8")
            module = (build.HERE / "go.mod").read_text(encoding="utf-8")
            (folder / "go.mod").write_text(f"{module}\nreplace {MODULE} => {folder / 'cometbft'}\n", encoding="utf-8")
            shutil.copyfile(build.HERE / "go.sum", folder / "go.sum")
            build.build(binary, "-modfile", str(folder / "go.mod"))
            made.write_text(wanted)
    return binary


class OnCometBFT:
    """One validator; its clock is the world's."""

    validators = 1

    def choose(self, folder: Path, seconds: int, keys: Sequence[SigningKey]) -> Engine:
        made = make_keys(folder)
        return Network(seconds, (validator_row(VALIDATORS[0], made.votes, 0, made.node),))

    def make(self, ledger: Ledger, keys: Sequence[SigningKey], clock: Clock) -> RunningEngine:
        return engine(ledger, keys[0], BlockClock(ledger, clock))


def engine(ledger: Ledger, key: SigningKey, clock: Callable[[], int]) -> CometEngine:
    """An engine whose CometBFT reads this clock, too."""
    file = ledger.folder / "clock"

    def read() -> int:
        now = clock()
        draft = file.with_suffix(".draft")
        draft.write_text(f"{now}\n")
        draft.replace(file)
        return now

    read()
    return HeldEngine(ledger, key, read, 0, Launch([program()], {CLOCK: str(file)}))


class HeldEngine(CometEngine):
    """Makes a block when there is something to say, and no other: so it is at rest when everybody has their answer.

    CometBFT is not told that a block is committed before the next one is wanted; for it, the ledger is slow.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.late, self.orderly, self.patience = 0, False, math.inf

    async def answer(self, application: Application, asked: Asked) -> Asked:
        answer = await super().answer(application, asked)
        if isinstance(asked, RequestCommit):
            await application.wanted()
            while self._waiting.stopping and application.idle.is_set():  # it will be ended here, at rest
                await asyncio.sleep(0.01)
        return answer
