"""A trustee's journal: what was seen and decrypted, written down before anything was done upon it.

A :class:`veche.durable.journal.Journal`, which knows a copy of its folder, with these events:

    settled                                  a person said that this folder is the one, or it is new
    ledger <ledger>                          the one ledger that this trustee serves
    head <size> <root> <time> <steady> <boot>
                                             a final head of that ledger, and what the two clocks (:class:`veche.clock.Reading`)
                                             said when it was seen; the next must go on from it, and the clocks, too
    clock <time> <steady> <boot>             a person said that the clock is right now
    decrypt <poll> <tally>                   the one tally of this poll, under the head last written down
    lost-poll <poll>                         never decrypted any more, see ``Trustee.adopt``
    lost-committee <committee>               no part taken any more, see ``Trustee.adopt``

It also refuses if the ledger shows work of this trustee that the folder does not know. Beyond what no journal can detect,
the same secrets may be used by another program: keep the machine's snapshots off, and the key on one machine.
"""

from veche import durable
from veche.clock import Reading, WrongClock
from veche.errors import UserError
from veche.texts import N_, SECOND, Message, Moment


class Journal(durable.Journal):
    """The open journal of a trustee's folder."""

    KINDS = {"settled": 0, "ledger": 1, "head": 5, "clock": 3, "decrypt": 2, "lost-poll": 1, "lost-committee": 1}
    NAME = N_("The trustee's journal")

    def check_place(self) -> None:
        """Raise UserError if the folder is a copy of the one that this journal was written in."""
        if not self.settled:
            raise UserError(
                Message(
                    "{folder} is a copy or a restored backup; another one may have decrypted with the same key.",
                    folder=self._folder,
                ),
                Message(
                    "Use the original folder. If it is gone for good, adopt this one: polls that closed meanwhile are left to the "
                    "other trustees."
                ),
            )

    def check_clock(self, now: Reading) -> None:
        """Raise WrongClock if the clock is behind the newest line, or was moved since the first line of this run of the machine."""
        readings: list[Reading] = []
        for words in self.events:
            if words[0] == "clock":
                readings = []
            if words[0] in ("head", "clock"):
                readings.append(_reading(words))
        hint = Message(
            "Look at another clock, and set this one if it is wrong. If it is right, say so: veche trustee clock"
        )
        if readings and now.time < readings[-1].time:
            raise WrongClock(
                Message(
                    "This machine's clock says {time}, but this trustee saw the ledger at {seen}.",
                    time=Moment(now.time, SECOND),
                    seen=Moment(readings[-1].time, SECOND),
                ),
                hint,
            )
        for reading in readings:
            if reading.boot == now.boot:
                reading.check_step(now, hint)
                break


def _reading(words: list[str]) -> Reading:
    """The clocks in a line of the journal, at its end."""
    return Reading.parse(words[-3:])
