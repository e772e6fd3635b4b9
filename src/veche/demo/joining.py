"""What both demos tell of a citizen's node: it joins, one node lies to it and is left, and in the end its copy is as all others."""

import time as clock_time
from collections.abc import Callable, Sequence
from typing import Protocol

from rich.table import Table
from rich.text import Text as Styled

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.demo.audit import program
from veche.demo.citizen import NAME, Citizen, Liar
from veche.demo.nodes import Found, Node
from veche.demo.screen import Screen
from veche.errors import VecheError
from veche.log.log import Log
from veche.log.source import Folder
from veche.texts import Localizable, Message


class Wait(Protocol):
    """Waits until there is something."""

    def __call__(self, what: Localizable, until: Callable[[], Found | None], /) -> Found: ...


def tell_of_citizen(screen: Screen, citizen: Citizen, liar: Liar, at: Node, wait: Wait) -> None:
    """What the citizen types, what the node says of the door that lies, and that it has everything. ``at``: an honest node."""
    began = clock_time.monotonic()
    screen.say(
        Message(
            "Lena types two addresses, and the ledger's fingerprint as the city has published it. Behind the first is no institution: "
            "the demo plays a node that lies. It leaves out a ballot, entry {number}, and shows the rest as if that were all.",
            number=str(liar.left_out),
        )
    )
    first, second, *rest = citizen.joining
    fingerprint = rest.pop()
    screen.command(" ".join([program(), first, second, *rest, f'"{fingerprint}"']))
    sentence = wait(Message("the citizen's node has left the one that lies"), lambda: citizen.said_of(liar.url))
    screen.mark(
        "✗",
        "bold red",
        Styled(screen.words(Message("Lena's node says: {sentence}", sentence=sentence))),
    )
    size = wait(
        Message("the citizen's node has everything"),
        lambda: size if (size := citizen.size()) is not None and size == at.size() else None,
    )
    screen.fact(
        Message(
            "After {seconds} s there is a copy of all {size} entries, each of them checked by Lena's own node. It stays, and serves them to others.",
            seconds=clock_time.monotonic() - began,
            size=size,
        )
    )


def compare_logs(screen: Screen, nodes: Sequence[Node]) -> list[VerifiedLedger]:
    """Every copy verified from its files, and their logs compared byte for byte. Raises VecheError if they differ."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in (Message("whose node"), Message("entries"), Message("root of the log")):
        table.add_column(screen.words(title))
    copies: list[VerifiedLedger] = []
    for node in nodes:
        copies.append(verified := verify_ledger(Folder(node.home)))
        table.add_row(
            Styled(screen.words(NAME) if isinstance(node, Citizen) else node.name, style="bold"),
            str(verified.head.size),
            verified.head.root.hex()[:48] + "…",
        )
    screen.put(table)
    first, *others = (list(Log(copy.source, copy.head).entries()) for copy in copies)
    if any(other != first for other in others):
        raise VecheError(Message("The logs of these nodes differ."))
    size, total = len(first), sum(map(len, first))
    if len(copies) == 2:
        screen.fact(
            Message("Both logs are the same, byte for byte: {size} entries, {bytes} bytes.", size=size, bytes=total)
        )
    else:
        screen.fact(
            Message(
                "All {copies} logs are the same, byte for byte: {size} entries, {bytes} bytes.",
                copies=len(copies),
                size=size,
                bytes=total,
            )
        )
    return copies
