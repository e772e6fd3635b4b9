"""The times of blocks: this machine's clock, as long as it can be believed.

A block's time is said for ever. One reading ahead closes every poll that is open, and a clock behind the last block leaves the
ledger standing still. So no block is made by a clock that was moved against the one which nobody can set, from the first start of
an engine in this run of the machine on (which a file beside the ledger remembers), nor by a clock that is far beyond the last
block when the engine starts: that is what an outage looks like, and a person must say that it was one.
"""

from contextlib import suppress

from veche.clock import STEP, Clock, Reading, WrongClock, about, system
from veche.durable import PRIVATE, replace
from veche.ledger.ledger import Ledger
from veche.texts import SECOND, Message, Moment

OUTAGE = 3600
"""Seconds after the last block from which on a start is taken for one after an outage. What closes meanwhile has moved by rule."""
FILE = "engine.clock"
"""The file beside a ledger that says what the clocks said when an engine first started in this run of the machine."""
_HINT = Message(
    "Look at another clock. If this one is wrong, set it and start again. If it is right, say so: veche ledger run --after-outage"
)


class BlockClock:
    """Gives the next block's time when it is called. Raises WrongClock, then and when it is made."""

    def __init__(self, ledger: Ledger, clock: Clock = system, after_outage: bool = False) -> None:
        """``after_outage``: a person says that the clock is right, however far it is beyond the last block."""
        self._clock = clock
        path, now = ledger.folder / FILE, clock()
        if ledger.time > now.time + STEP:
            raise WrongClock(
                Message(
                    "The ledger's last block is of {time}, {ahead} ahead of this machine's clock.",
                    time=Moment(ledger.time, SECOND),
                    ahead=about(ledger.time - now.time),
                ),
                Message(
                    "Set this clock if it is wrong. If it is right, the ledger was written by one that was ahead; it goes on when "
                    "this clock has come to that time."
                ),
            )
        first = None
        with suppress(OSError, ValueError):
            first = Reading.parse(path.read_text(encoding="ascii").split())
        if first is None or first.boot != now.boot or after_outage:
            first = now
            replace(path, f"{' '.join(now.words())}\n".encode(), PRIVATE)
        self._first = first
        if ledger.height and not after_outage and now.time > ledger.time + OUTAGE:
            raise WrongClock(
                Message(
                    "The ledger's last block is of {time}; this machine's clock says {now}. Either the engine did not run for so "
                    "long, or the clock is ahead, and would close every open poll.",
                    time=Moment(ledger.time, SECOND),
                    now=Moment(now.time, SECOND),
                ),
                _HINT,
            )
        self()

    def __call__(self) -> int:
        now = self._clock()
        self._first.check_step(now, _HINT)
        return now.time
