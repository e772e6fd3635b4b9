"""The OpenAPI document says what the node does: its routes and limits. That every answer is as described is in tests/fuzz."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from veche.ledger.codec import MAX_ENTRY
from veche.log.note import NOTE_LIMIT
from veche.node import batch
from veche.node.api import Api
from veche.node.explorer.door import Explorer

DOCUMENT = json.loads(files("veche.node").joinpath("openapi.json").read_bytes())


def test_its_routes_are_the_nodes() -> None:
    api = Api.__new__(Api)
    api.explorer = Explorer(Path(), int, api._send)
    routes = {
        (resource.canonical, route.method)
        for route in api.application().router.routes()
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
