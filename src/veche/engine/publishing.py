"""The log's key: it begins a ledger, and signs the heads under which whatever the engine made durable becomes public."""

from collections.abc import Callable
from pathlib import Path

from veche.clock import STEP, Clock, WrongClock, system
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.ledger import Ledger
from veche.ledger.publication import Publication
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.texts import SECOND, Message, Moment

LOG_KEY = "log.key"
"""The file beside a ledger that holds the key of its log, mode 0600."""


class Publishing:
    """What an engine has that signs a ledger's heads. ``published``: the head of what was published by it."""

    def __init__(self, ledger: Ledger, key: SigningKey, told: Callable[[Checkpoint], None] = lambda head: None) -> None:
        """``told``: is told of each head that is published. Raises UserError if this is not the key that the charter names."""
        check_key(ledger.state.charter, key)
        self._ledger, self._key, self._told = ledger, key, told
        self._publication = Publication(ledger.folder)
        self.published: Checkpoint | None = None

    def publish(self) -> None:
        """Sign the ledger's head, and publish everything under it. Raises as :meth:`Publication.publish`."""
        head = self._ledger.head
        if head != self.published:
            self._publication.publish(self._ledger, SignedCheckpoint(head, (sign(head, self._key),)))
            self.published = head
            self._told(head)


def create_ledger(folder: Path, charter: bytes, key: SigningKey, clock: Clock = system) -> Ledger:
    """Begin a ledger in a folder, with this charter entry, and publish it.

    Raises Refused, UserError, and WrongClock for a charter of the future: the ledger would stand still until then.

    A crash leaves a ledger without charter at most, which is begun by calling this again.
    """
    founding, now = read_charter(charter), clock().time
    check_key(founding, key)
    if founding.time > now + STEP:
        raise WrongClock(
            Message(
                "The charter is dated {time}, and this machine's clock says {now}.",
                time=Moment(founding.time, SECOND),
                now=Moment(now, SECOND),
            ),
            Message(
                "Set the clock if it is wrong, or wait. If the charter's date is wrong, draft it again, for everybody to sign."
            ),
        )
    ledger = Ledger.create(folder, charter)
    try:
        Publishing(ledger, key).publish()
    except BaseException:
        ledger.close()
        raise
    return ledger


def check_key(charter: Charter, key: SigningKey) -> None:
    """Raises UserError if this is not the log's key that the charter names."""
    if charter.log_key != key.public:
        raise UserError(
            Message("This is not the log's key that the charter names."),
            Message("Give the key file that belongs to the charter."),
        )
