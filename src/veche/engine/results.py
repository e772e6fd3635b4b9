"""Searching, beside the blocks, for the results of polls that enough trustees have decrypted. Anybody may; so it is sure to be done."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from veche.errors import DoesNotHold
from veche.ledger.opening import Opening
from veche.ledger.state import State
from veche.logs import log


class Results:
    """The searches of one engine, one after the other on a thread of its own."""

    def __init__(self, hand_in: Callable[[bytes], None]) -> None:
        """``hand_in`` is given each result that was found, on that thread."""
        self._hand_in = hand_in
        self._searches: dict[bytes, Future[None]] = {}  # by poll
        self._searcher = ThreadPoolExecutor(1, "veche-result")

    def search(self, state: State) -> None:
        """Begin with those that are not searched for yet; on the thread that owns the state."""
        for poll in state.polls_opened():
            if poll.id not in self._searches:
                self._searches[poll.id] = self._searcher.submit(self._find, state.opening(poll))

    def wait(self) -> None:
        """Until all that are searched for are found and handed in."""
        wait(list(self._searches.values()))

    def done(self) -> bool:
        """Whether none is searched for now."""
        return all(search.done() for search in self._searches.values())

    def close(self) -> None:
        self._searcher.shutdown()

    def _find(self, opening: Opening) -> None:
        try:
            entry = opening.find().encode()
        except DoesNotHold as error:
            log().error("found no result", reason=error.message)
            return
        self._hand_in(entry)
