"""The OpenAPI document says what the node does: its routes, and every answer that schemathesis provokes."""

import json
import os
from importlib.resources import files
from typing import Any

import pytest
import schemathesis
from engine.stage import Stage
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from veche.ledger.codec import MAX_ENTRY
from veche.log.note import NOTE_LIMIT
from veche.node import batch
from veche.node.api import Api

from .conftest import running

EXAMPLES = int(os.environ.get("VECHE_FUZZ", "25"))
"""How many requests of each kind are made; more for a night: VECHE_FUZZ=5000."""
DOCUMENT = json.loads(files("veche.node").joinpath("openapi.json").read_bytes())


def test_its_routes_are_the_nodes() -> None:
    routes = {
        (resource.canonical, route.method)
        for route in Api.__new__(Api).application().router.routes()
        if (resource := route.resource) is not None and route.method != "HEAD"
    }
    said = {
        (path, method.upper()) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    }
    assert said == routes


def test_its_limits_are_the_nodes() -> None:
    def most(path: str, kind: str) -> Any:
        return DOCUMENT["paths"][path]["post"]["requestBody"]["content"][kind]["schema"]["maxLength"]

    assert most("/entries", "application/octet-stream") == MAX_ENTRY
    assert most("/batch", "application/cbor") == batch.MOST_BYTES
    assert most("/heads", "text/plain") == NOTE_LIMIT


@schemathesis.serializer("application/cbor")
def as_it_is(_: Any, value: Any) -> Any:
    """What schemathesis makes up is sent as it is."""
    return getattr(value, "data", value) if isinstance(value, bytes) or hasattr(value, "data") else str(value).encode()


def operations() -> list[Any]:
    found: Any = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    return [one.ok() for one in found]


OPERATIONS = operations()


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_whatever_is_asked_the_answer_is_as_described(stage: Stage, operation: Any) -> None:
    with running(stage) as client:
        base = "http://{}:{}".format(*client.address)
        answered = 0

        @settings(
            max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            nonlocal answered
            # What is well formed may still be refused: no schema says what an entry is.
            case.call_and_validate(base_url=base, excluded_checks=[positive_data_acceptance])
            answered += 1

        ask()
        assert answered
        assert client.get("/status").status == 200
