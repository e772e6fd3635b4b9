"""City polls that anyone can check. This page is the manual for checking them from Python; ``veche --help`` is the other one.

**A ledger** is a folder, or the one file that ``veche export`` makes of it. Five lines verify it from its bytes up, and say
what its polls decided:

    >>> from pathlib import Path
    >>> import veche
    >>> report = veche.report_ledger(veche.verify_ledger(veche.open_source(Path("city.tar"))))
    >>> for poll in report.polls:
    ...     print(poll.status, poll.title.en, [[answer.votes for answer in question.answers] for question in poll.questions])
    decided Poll of Which station is built first? [[4, 2]]

Nothing is believed: not a verdict of the program that wrote the ledger, nor its totals. :func:`verify_ledger` runs every entry
through the rules once more, checks every proof, and compares all that follows with what is written there. For a large ledger its
``progress`` is called with entries done and entries in all. The answer is a :class:`VerifiedLedger`, of which :func:`report_ledger`
makes plain values, with every text in English and Russian:

    >>> report.size, report.name.en, poll.questions[0].answers[0].text.text("ru")
    (..., "The city's ledger", 'Парк')

What no ledger can show, however well it is verified, is in ``report.cannot_show``. First of all: that yours is the same as
everybody else's. Compare ``report.size`` and ``report.root`` with others.

**An archive** is one finished poll in the form of Belenios, ``veche export --poll`` writes it, and so do others:

    >>> veche.verify_archive("station.bel").result
    b'{"result":[[4,2]]}'

**What does not hold is raised**, at the first place where it does not, never returned. All errors are a :class:`VecheError`, whose
``message`` is a plain sentence and whose ``hint`` says what to do; ``exit_code`` is what the command line answers.

    >>> try:
    ...     veche.verify_ledger(veche.open_source(Path("damaged.tar")))
    ... except veche.DoesNotHold as error:
    ...     print(error.step, error.where, error.exit_code)
    L3 tile/... 1

- :class:`DoesNotHold`  something is there that must not be: ``step`` as in docs/protocol.md, section 6, and ``where``. Exit code 1.
- :class:`UserError`    there is nothing of the kind at this path, or it cannot be read. Exit code 2.
- :class:`Unsupported`  nothing is known to be wrong, but this program cannot check it: newer rules, other groups. Exit code 3.
- :class:`Refused`      of writers, not of verifiers: the rules do not admit an entry. Exit code 1.

These names are the public surface: they change only with a line in CHANGELOG.md. What a name needs is loaded when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from veche.errors import DoesNotHold, Refused, Unsupported, UserError, VecheError

if TYPE_CHECKING:
    from veche.audit.archive import ArchiveReport, verify_archive
    from veche.audit.ledger import VerifiedLedger, verify_ledger
    from veche.audit.report import LedgerReport, report_ledger
    from veche.log.source import Source, open_source

    __version__: str

__all__ = [
    "ArchiveReport",
    "DoesNotHold",
    "LedgerReport",
    "Refused",
    "Source",
    "Unsupported",
    "UserError",
    "VecheError",
    "VerifiedLedger",
    "__version__",
    "open_source",
    "report_ledger",
    "verify_archive",
    "verify_ledger",
]

_HOMES = {
    "ArchiveReport": "veche.audit.archive",
    "LedgerReport": "veche.audit.report",
    "Source": "veche.log.source",
    "VerifiedLedger": "veche.audit.ledger",
    "open_source": "veche.log.source",
    "report_ledger": "veche.audit.report",
    "verify_archive": "veche.audit.archive",
    "verify_ledger": "veche.audit.ledger",
}
"""Where the names are that are loaded when they are first asked for: ``import veche`` alone must not wait for the kernel."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "__version__":  # its home is pyproject.toml
            value = import_module("importlib.metadata").version("veche")
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module 'veche' has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
