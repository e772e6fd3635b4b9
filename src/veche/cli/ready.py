"""Which validators are ready for a version of the rules: each node says in its status which is the newest that it knows.

What a node says is not signed. It is advice for whoever is about to sign a ``rules`` entry, and whoever lies about it hurts the ledger
no more than by staying away.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import msgspec

from veche.cli.remote import speaking_http
from veche.errors import DoesNotHold
from veche.ledger.state import State
from veche.texts import Listed, Localizable, Message, Verbatim

if TYPE_CHECKING:
    from veche.node.web import Wire

SECONDS, MOST = 5, 65_536
"""Seconds within which a node has answered, and bytes that its answer may have."""


class _Status(msgspec.Struct):
    """What is looked at of an answer."""

    rules: Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]


def ask(state: State) -> dict[str, int | None]:
    """The newest version that each validator's node knows, by institution; None of one that does not say it. Raises UserError if what HTTP
    takes is not installed."""
    names = [one.institution for one in state.validators()]
    if not names:
        return {}
    with speaking_http():
        from veche.node.web import Wire
    urls = {row.institution: row.url for row in state.validator_rows()}
    with Wire() as wire, ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: _known(wire, urls.get(name, "")), names), strict=True))


def _known(wire: "Wire", url: str) -> int | None:
    from veche.node.web import ONCE, NoAnswer

    if not url:
        return None
    try:
        said = wire.get(url, "status", MOST, ONCE, time.monotonic() + SECONDS)
        return msgspec.json.decode(said or b"", type=_Status).rules
    except (NoAnswer, DoesNotHold, msgspec.MsgspecError, RecursionError):
        return None


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
