"""A look at a batch of entries before they come to a block: what is dear is checked, and who listens is told whether there is a chance."""

from collections.abc import Sequence

from veche.engine.waiting import Job, Waiting
from veche.errors import Refused
from veche.ledger.checks import Verdict
from veche.ledger.ledger import Ledger


class Look:
    """Made on the thread that owns the ledger, :meth:`run` on any, once; then :meth:`tell` on the first again.

    ``jobs``: those that go on; at first all.
    """

    def __init__(self, ledger: Ledger, jobs: Sequence[Job], time: int | None = None) -> None:
        """``time``: by which polls are open; that of the ledger's last block by default."""
        self.jobs = list(jobs)
        self._entries = [entry for entry, _ in jobs if entry is not None]
        self._check = ledger.check(self._entries, time)
        self._unwritten = {
            entry: refused
            for entry, answer in jobs
            if entry is not None
            and answer.listener is not None
            and (refused := ledger.why_unwritten(entry)) is not None
        }
        self._verdicts: dict[bytes, Verdict] = {}

    def run(self) -> None:
        self._verdicts = dict(zip(self._entries, self._check.run(), strict=True))

    def tell(self, waiting: Waiting) -> None:
        """Tell those who listen. What has no chance goes no further: its answer is given here."""
        left: list[Job] = []
        for job in self.jobs:
            entry, answer = job
            refused = None
            if entry is not None and answer.listener is not None:
                refused = self._against(entry)
                answer.listener.looked(refused, self._check.closing.get(entry))
            if refused is None:
                left.append(job)
            else:
                waiting.answer([job], [refused])
        self.jobs = left

    def _against(self, entry: bytes) -> Refused | None:
        verdict = self._verdicts.get(entry)
        if isinstance(verdict, Refused):
            return verdict
        return self._check.against.get(entry) or self._unwritten.get(entry)
