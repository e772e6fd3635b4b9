"""What a machine's clock says, and when it cannot be believed.

The ledger's times come from one clock, the engine's, and what a block says is said for ever: a reading ahead closes every poll
that is open. A trustee who decrypts too early reads what is still being voted on. So neither believes a clock that was moved:
a second clock, which only ever goes forward and which nobody can set, runs beside it from the start of the machine.

    read = system()            this machine's two clocks; a world whose time is moved by hand has its own
    Reading.check_step         raises WrongClock if the clock was moved against the other since an earlier reading

What is left, at the start of a machine and where it has no such clock: a person who looks at another one.
"""

import sys
import time as clock_time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from veche.errors import UserError
from veche.texts import SECOND, Localizable, Message, Moment, Said, duration

STEP = 300
"""Seconds by which a clock may be moved against the one that cannot be set; NTP corrects less at a time."""
AHEAD = 300
"""Seconds by which a ledger's last block may be ahead of a reader's clock before they are warned."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class WrongClock(UserError):
    """This machine's clock, or that of whoever wrote the ledger, is wrong; a person must look."""


class Reading(NamedTuple):
    """Both clocks at one moment, in whole seconds: ``time`` since 1970, ``steady`` since some moment of the machine's run ``boot``."""

    time: int
    steady: int
    boot: str

    def check_step(self, now: "Reading", hint: Said) -> None:
        """Raise WrongClock, with this hint, if between this reading and ``now`` the clock was moved by more than STEP."""
        moved = (now.time - self.time) - (now.steady - self.steady)
        if self.boot == now.boot and abs(moved) > STEP:
            raise WrongClock(
                Message(
                    "This machine's clock was moved {way} by {moved} since {since}; it says {now} now.",
                    way=Message("ahead") if moved > 0 else Message("back"),
                    moved=about(abs(moved)),
                    since=Moment(self.time, SECOND),
                    now=Moment(now.time, SECOND),
                ),
                hint,
            )

    def words(self) -> list[str]:
        """As words without spaces, for files."""
        return [str(self.time), str(self.steady), self.boot]

    @classmethod
    def parse(cls, words: list[str]) -> Self:
        """What :meth:`words` gave. Raises ValueError."""
        time, steady, boot = words
        return cls(int(time), int(steady), boot)


Clock = Callable[[], Reading]


def system() -> Reading:
    """This machine's clocks."""
    if sys.platform == "win32" or _STEADY is None:
        steady = clock_time.monotonic()
    else:
        steady = clock_time.clock_gettime(_STEADY)
    return Reading(int(clock_time.time()), int(steady), _boot())


def by_hand(time: float, moved: float = 0) -> Reading:
    """The clocks of a machine whose time is moved by hand, and was set wrong by ``moved`` seconds since its start."""
    return Reading(int(time), int(time - moved), "by-hand")


def ahead(last_block: int, now: int) -> int:
    """By how many seconds a ledger's last block is ahead of a reader's clock; 0 if that is no more than clocks differ."""
    return last_block - now if last_block > now + AHEAD else 0


def named_ahead(seconds: int) -> Message:
    """What a reader is told about a ledger that is ahead of their clock by so much."""
    return Message(
        "The ledger's last block is {duration} ahead of this machine's clock. If this clock is right, the ledger's is wrong, and"
        " closes polls too early: tell its operator and the trustees.",
        duration=about(seconds),
    )


def about(seconds: int) -> Localizable:
    """A duration as people say it: whole days, hours or minutes."""
    unit = next((unit for unit in (86_400, 3600, 60) if seconds >= 2 * unit), 1)
    return duration(seconds // unit * unit)


# The clock that goes on while the machine sleeps, where there is one.
_STEADY: int | None = getattr(clock_time, "CLOCK_BOOTTIME", getattr(clock_time, "CLOCK_MONOTONIC", None))


@cache
def _boot() -> str:
    """What tells one run of the machine from the next; where nothing does, one run of this program."""
    try:
        return _BOOT.read_text(encoding="ascii").strip().replace("-", "")
    except OSError:
        return uuid.uuid4().hex
