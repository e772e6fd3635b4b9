"""What a node says of itself to whoever watches over it, in the text that Prometheus reads. docs/operating.md: what each figure is for.

    GET /metrics    at an address of its own, which is nobody's but the institution's; the public door has it not

Figures of the node alone, and counts: nothing of a person, an address or an entry.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from veche.node.carrying import Carrier
from veche.node.intake import Intake
from veche.node.peers import Peers


class Metrics(Collector):
    """The figures of one node, looked up when they are asked for. On the intake's loop."""

    def __init__(self, intake: Intake, peers: Peers | Carrier, folder: Path) -> None:
        """``folder``: the ledger's, on whose disk there must be room."""
        self._intake, self._peers, self._folder = intake, peers, folder
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def application(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/metrics", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return web.Response(body=generate_latest(self._registry), headers=headers)

    def collect(self) -> Iterator[Metric]:
        intake, offset = self._intake, self._peers.offset
        yield GaugeMetricFamily("veche_height", "Height of the last block.", intake.height)
        if intake.vouched:
            yield GaugeMetricFamily(
                "veche_final_head_age_seconds",
                "Seconds since over two thirds of the validators last vouched for the newest final head.",
                max(0.0, time.time() - intake.vouched),
            )
        yield GaugeMetricFamily(
            "veche_finality_behind_seconds",
            "Seconds for which something has been in the ledger that is under no final head.",
            intake.behind,
        )
        yield GaugeMetricFamily("veche_entries_waiting", "Entries on their way to a block.", intake.waiting)
        refused = CounterMetricFamily("veche_refused", "Entries refused, by the rule.", labels=["rule"])
        for rule, count in sorted(intake.refused.items()):
            refused.add_metric([rule], count)
        yield refused
        if offset is not None:
            yield GaugeMetricFamily(
                "veche_clock_offset_seconds",
                "Seconds by which this machine's clock is ahead of the other validators' (the median of those that answer).",
                offset,
            )
        known = GaugeMetricFamily(
            "veche_validator_rules",
            "The newest version of the rules that a validator says to know; 0: none.",
            labels=["key"],
        )
        for key, version in self._peers.rules.items():
            known.add_metric([key[:16]], version)
        yield known
        free = shutil.disk_usage(self._folder).free
        yield GaugeMetricFamily("veche_disk_free_bytes", "Bytes that are free on the ledger's disk.", free)
