"""The page of a node that joins: what a person is told of it, and that an alarm stays to be seen until they have seen it."""

import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from veche.cli.remote import speaking_http
from veche.errors import DoesNotHold
from veche.terminal.say import say
from veche.texts import Message, Verbatim

with speaking_http():
    from veche.node.addresses import AddressBook
    from veche.node.copying import Forked
    from veche.node.dashboard.door import Dashboard, only_one
    from veche.node.dashboard.watch import Watch

PAUSE = 0.5
"""Seconds between two looks whether a person has ended an alarm."""


@contextmanager
def watched(
    folder: Path,
    book: AddressBook,
    charter: bytes,
    over: Callable[[], bool],
    *,
    page: bool,
    browser: bool,
    decided: bool,
) -> Iterator[Watch]:
    """In this ``with`` the node in ``folder`` is watched, and has a ``page``, which is opened in the ``browser``.

    What ends it with two histories, or because what was signed does not hold, is said at once, and stays on the page until ``over()``. ``decided``:
    people know of two histories, and this copy is the right one.
    """
    with ExitStack() as stack:
        stack.enter_context(only_one(folder))
        watch = stack.enter_context(Watch(folder, book, decided))
        watch.introduce(charter)
        if page:
            _tell(stack.enter_context(Dashboard(watch)), browser)
        try:
            yield watch
        except (Forked, DoesNotHold) as error:
            watch.alarm(error)
            if page:
                say(Message("ALARM. {said}", said=error.said), err=True)
                say(Message("The page shows it, with the evidence, until you end this program with Ctrl-C."), err=True)
                while not over():
                    time.sleep(PAUSE)
            raise


def _tell(dashboard: Dashboard, browser: bool) -> None:
    """Where the page is. The link is a secret: it is said to a person, and not to a log."""
    if sys.stdout.isatty():
        say(Message("A page for you alone shows how this node stands:"))
        say(Verbatim(dashboard.link))
    else:
        say(
            Message(
                "A page for you alone shows how this node stands. Open this file in a browser: {file}",
                file=dashboard.file,
            )
        )
    if browser:
        webbrowser.open(dashboard.file.resolve().as_uri())
