"""Which validators are ready for a version of the rules: each node says in its status which is the newest that it knows.

What a node says is not signed. It is advice for whoever is about to sign a ``rules`` entry, and whoever lies about it hurts the ledger
no more than by staying away.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

from veche.ledger.state import State
from veche.texts import Listed, Localizable, Message, Verbatim

SECONDS, MOST = 5, 65_536
"""Seconds within which a node answers, and bytes of its answer that are read."""


def ask(state: State) -> dict[str, int | None]:
    """The newest version that each validator's node knows, by institution; None of one that does not say it."""
    urls = {row.institution: row.url for row in state.validator_rows()}
    names = [one.institution for one in state.validators()]
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return dict(zip(names, pool.map(lambda name: _known(urls.get(name, "")), names), strict=True))


def _known(url: str) -> int | None:
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        with closing(kind(parts.hostname, parts.port, timeout=SECONDS)) as connection:
            connection.request("GET", "/status")
            answer = connection.getresponse()
            said = json.loads(answer.read(MOST)) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    known = said.get("rules") if isinstance(said, dict) else None
    return known if type(known) is int and 0 < known < 1 << 53 else None


def said_of(found: Mapping[str, int | None]) -> Iterator[Localizable]:
    """What they said, line by line."""
    for name, known in found.items():
        if known is None:
            yield Message("  {institution}: does not say it", institution=name)
        else:
            yield Message("  {institution}: knows version {version}", institution=name, version=known)


def dangers(state: State, version: int) -> Iterator[Localizable]:
    """What is to be looked at before this version is announced: who is not ready, if anybody is not."""
    found = ask(state)
    late = [name for name, known in found.items() if known is None or known < version]
    if not late:
        return
    yield Message(
        "Of {all} validators these do not say that they know version {version}: {list}.",
        all=len(found),
        version=version,
        list=Listed(tuple(map(Verbatim, late))),
    )
    if 3 * len(late) >= len(found):
        yield Message(
            "If they do not by that day, the ledger stands still from then on. It can be withdrawn until then."
        )
