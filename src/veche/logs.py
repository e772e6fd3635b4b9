"""What a process that runs for long says of itself, on the standard error.

A person at a terminal gets plain lines, everything else one JSON object a line: ``event``, ``level``, ``timestamp`` and
the event's own fields. Warnings and errors are always said, the rest when it was asked for (:func:`verbose`). What a
command answers is no log: it goes to the standard output.

Logs are copied to places that nobody thinks of. So an event says what happened and how much of it, never to whom: no
secret, no person, no hash or number of an entry. ``FIELDS`` is all that may be said, and whoever adds to it keeps to that.
"""

import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

FIELDS = {
    "entries": "how many entries",
    "files": "how many files",
    "folder": "a folder of this process",
    "node": "the address of a node that was asked",
    "reason": "a sentence of this program's, without anything that was handed in",
    "size": "the number of entries in the ledger",
}

_level = logging.WARNING


def verbose() -> None:
    """From now on say what is only of interest, too."""
    global _level
    _level = logging.INFO


def log() -> "FilteringBoundLogger":
    """What speaks: ``log().warning("dropped a file", reason="…")``. A field that is not in FIELDS is a ValueError."""
    import structlog  # a fifth of a second, which only those pay who have something to say

    def render(logger: "WrappedLogger", method: str, event: "EventDict") -> Any:
        if sys.stderr.isatty():
            return structlog.dev.ConsoleRenderer(colors=False)(logger, method, event)
        return structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event)

    made: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[_known, structlog.processors.add_log_level, structlog.processors.TimeStamper("iso"), render],
        wrapper_class=structlog.make_filtering_bound_logger(_level),
    )
    return made


def _known(logger: "WrappedLogger", method: str, event: "EventDict") -> "EventDict":
    unknown = event.keys() - FIELDS.keys() - {"event"}
    if unknown:
        raise ValueError(f"a log does not say {', '.join(sorted(unknown))}")
    return event
