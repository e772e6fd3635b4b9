"""A node on either engine, and somebody who asks it over HTTP."""

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine.conftest import KINDS, run
from engine.stage import Stage, make_stage

from veche.node.service import Service
from veche.world import EngineKind


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> EngineKind:
    return KINDS[request.param]


@pytest.fixture(scope="module")
def made(kind: EngineKind, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return make_stage(kind, tmp_path_factory.mktemp("city"))


@pytest.fixture
def stage(made: Stage, tmp_path: Path) -> Stage:
    """A copy of what the module's fixture made, for one test."""
    return made.copy(tmp_path / "ledger")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks one node, in a connection for each question."""

    def __init__(self, address: tuple[str, int], metrics: tuple[str, int] | None = None, timeout: float = 60) -> None:
        """``metrics``: where the node's figures are; ``timeout``: seconds for which an answer is waited for."""
        self.address, self._metrics, self._timeout = address, metrics, timeout

    def figures(self) -> dict[str, float]:
        """What Prometheus reads, by name and labels."""
        assert self._metrics is not None
        answer = Client(self._metrics).get("/metrics")
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        with closing(http.client.HTTPConnection(*self.address, timeout=self._timeout)) as connection:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            got = connection.getresponse()
            return Answer(got.status, dict(got.getheaders()), got.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def hand_in(self, entry: bytes) -> Answer:
        return self.ask("POST", "/entries", entry, Content_Type="application/octet-stream")

    def wait(self, entry: str, stage: str, seconds: float = 180, refused: bool = False) -> Any:
        """Ask again and again until the entry has come so far; ``refused``: or until it is refused."""
        end = time.monotonic() + seconds
        while (said := self.get(f"/entries/{entry}").json)["stage"] != stage and not (
            refused and said["stage"] == "refused"
        ):
            assert time.monotonic() < end and said["stage"] != "refused", said
            time.sleep(0.02)
        return said


@contextmanager
def running(stage: Stage) -> Iterator[Client]:
    """The node of a stage, at the time when that stopped."""
    with stage.open() as ledger:
        engine = run(ledger, stage.key, lambda: stage.now)
        service = Service(engine, stage.key, "127.0.0.1", 0, ("127.0.0.1", 0))
        with engine, service:
            yield Client(service.address, service.metrics)
            service.check()
