"""Whether a ledger's folder is where its engine ran last, and no copy of it: a restored backup has forgotten what was signed since.

A journal in ``running/``, tied to its place (:mod:`veche.durable.journal`). An engine that keeps a ledger alone writes a line when it
begins, and one an hour while the ledger grows, so that a backup that was put back in whatever way is known as one. A folder without the
journal is taken as it is: its engine never ran, or was of a program before this.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from veche.durable import Journal
from veche.texts import N_

FOLDER = "running"
"""In the ledger's folder: the journal and its place."""
NODES = "nodes.json"
"""Beside it: the other nodes that are known, if any are (:mod:`veche.node.addresses`)."""
EVERY = 3600.0
"""Seconds of a running engine after which a line is written again. A backup that is younger, and put back over the very files, is not known."""


class _Running(Journal):
    """Lines ``settled`` (a new folder, or what is known of others was looked at) and ``runs``."""

    KINDS: ClassVar[Mapping[str, int]] = {"settled": 0, "runs": 0}
    NAME: ClassVar[str] = N_("The journal of the engine's runs")


def is_moved(ledger: Path) -> bool:
    """Whether the ledger in this folder is a copy, or was put back from a backup, since its engine ran. Raises UserError."""
    if not (ledger / FOLDER / "journal").exists():
        return False
    with _Running.open(ledger / FOLDER) as journal:
        return not journal.settled


def settle(ledger: Path) -> None:
    """From now on this is where its engine runs. Raises UserError."""
    if not (ledger / FOLDER / "journal").exists():
        _Running.create(ledger / FOLDER)
        return
    with _Running.open(ledger / FOLDER) as journal:
        if journal.settled:
            journal.append("runs")
        else:
            journal.settle()


def must_ask(ledger: Path) -> bool:
    """Whether more has to be looked at before anything is signed than a command does that runs the engine for a moment."""
    return (ledger / NODES).exists() or is_moved(ledger)


class Place:
    """The line an hour of one engine, where there is a journal."""

    def __init__(self, ledger: Path) -> None:
        self._folder, self._next = ledger / FOLDER, time.monotonic() + EVERY

    def grown(self) -> None:
        """A head was published. Raises UserError if the disk refuses."""
        if time.monotonic() < self._next or not (self._folder / "journal").exists():
            return
        with _Running.open(self._folder) as journal:
            if journal.settled:
                journal.append("runs")
        self._next = time.monotonic() + EVERY
