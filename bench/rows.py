"""What a benchmark says: one figure, and a baseline measured in the same run."""

import resource
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time


@dataclass(frozen=True)
class Row:
    """``ratio``: how many times better than the baseline, unless the name's documentation says otherwise."""

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    what: str

    def public(self) -> dict[str, object]:
        row = asdict(self)
        row.pop("what")
        return row


def cpu_ms(work: Callable[[], object]) -> float:
    """Milliseconds of processor time, all threads of this process together."""
    start = process_time()
    work()
    return (process_time() - start) * 1000


def child_cpu_ms(command: list[str]) -> float:
    """Milliseconds of processor time of a whole process. It must succeed."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = used()
    subprocess.run(command, check=True, capture_output=True)
    return (used() - start) * 1000


def medians(rounds: int, *works: Callable[[], float]) -> list[float]:
    """The median of each figure over several rounds; in a round all are measured one after the other."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for figures, work in zip(found, works, strict=True):
            figures.append(work())
    return [statistics.median(figures) for figures in found]


def belenios_tool(folder: Path) -> str:
    """belenios-tool 3.0 from Debian, fetched once into ``folder``."""
    script = Path(__file__).parents[2] / "shared" / "tools" / "get-belenios-tool"
    subprocess.run([str(script), str(folder)], check=True, capture_output=True)
    return str(folder / "belenios-tool")
