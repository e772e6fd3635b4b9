"""The reports as pages of HTML that need nothing else: no script, no font, no picture from anywhere.

All languages are in a page; radio buttons and the style sheet show one of them. Look and words: those of the portal.
"""

from collections.abc import Mapping, Sequence

from veche.audit.archive import ArchiveReport
from veche.audit.page.render import render
from veche.audit.poll_words import rows
from veche.audit.report import LedgerReport
from veche.texts import Words


def page(report: LedgerReport) -> str:
    """The whole page on a ledger."""
    return render("ledger.html", name=report.name, report=report)


def archive_page(report: ArchiveReport, steps: Mapping[str, str], limits: Sequence[str]) -> str:
    """The whole page on an archive. ``steps``: what was checked, by number; ``limits``: of :data:`CANNOT_SHOW`."""
    questions = [
        {"text": question.text, "rows": rows(question.answers, max(1, report.total_weight))}
        for question in report.questions
    ]
    name = report.name or report.uuid
    return render(
        "archive.html", name=Words(name, name), report=report, steps=steps, limits=limits, questions=questions
    )
