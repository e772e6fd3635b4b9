"""The key of this machine: it begins a ledger, and signs the heads under which whatever the engine made durable becomes public."""

from collections.abc import Callable, Sequence
from pathlib import Path

from veche.clock import STEP, Clock, WrongClock, system
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.entries.engine import COMETBFT, Embedded
from veche.ledger.entries.office import Role
from veche.ledger.heads import validator_verifier
from veche.ledger.ledger import Ledger
from veche.ledger.publication import Publication
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.cosigner import Cosigner
from veche.log.note import Signer
from veche.logs import log
from veche.texts import SECOND, Message, Moment

LOG_KEY = "log.key"
"""The file beside a ledger that holds the key with which this machine signs its heads, mode 0600: the log's, or a validator's ledger key."""


class Publishing:
    """What an engine has that signs a ledger's heads. ``published``: the head of what was published by it."""

    def __init__(
        self, ledger: Ledger, keys: Sequence[SigningKey], told: Callable[[SignedCheckpoint], None] = lambda head: None
    ) -> None:
        """``keys``: the log's, or a validator's; of several validators where a network is played in one process. ``told``: is told of
        each head that is published.

        Raises UserError if one of them is not a key that signs heads of the ledger.
        """
        self._ledger, self._told = ledger, told
        self._keys: dict[Signer, Cosigner | None] = {}
        for key in keys:
            self.add(key)
        self._publication = Publication(ledger.folder)
        self.published: Checkpoint | None = None

    def add(self, key: SigningKey) -> None:
        """A further key, of a validator that was named since. Each signs the heads for which it is one. Raises UserError."""
        cosigns = check_signs(self._ledger.state, key)
        name = validator_verifier(self._ledger.state.charter.origin, key.public).name
        self._keys[key] = Cosigner(self._ledger.folder, name, key) if cosigns else None

    @property
    def alone(self) -> bool:
        """Whether the signatures that are made here make a head final, without those of other machines."""
        policy = self._ledger.state.succession.policy(self._ledger.size)
        return len({key.public for key in self._keys} & {verifier.public for verifier in policy.power}) >= policy.quorum

    def sign(self, time: int) -> SignedCheckpoint:
        """The ledger's head with the signatures of the keys that are here, made at this time; without those of keys that have signed
        larger ones. Raises as :meth:`Cosigner.cosign`."""
        head, succession = self._ledger.head, self._ledger.state.succession
        wanted = {verifier.public for verifier in succession.policy(head.size).power}
        lines = [
            sign(head, key) if cosigner is None else cosigner.cosign(head, self._ledger.root, time)
            for key, cosigner in tuple(self._keys.items())  # one may be added meanwhile
            if key.public in wanted
        ]
        return SignedCheckpoint(head, tuple(line for line in lines if line is not None))

    def learn(self, signed: SignedCheckpoint) -> None:
        """A head that somebody else has. If a key that is here has signed it and forgotten, it knows that again.

        A head of another log says nothing of this one, though one key signs both: a cosignature does not say under which name it was
        given. Raises as :meth:`Cosigner.learn`.
        """
        if signed.checkpoint.origin != self._ledger.state.charter.origin:
            return
        for cosigner in tuple(self._keys.values()):
            if cosigner is not None and cosigner.learn(signed, self._ledger.root, self._ledger.size):
                log().warning("what was cosigned here is known from others only", size=signed.checkpoint.size)

    def lacks(self, size: int) -> list[int]:
        """See :meth:`Publication.lacks`."""
        return self._publication.lacks(self._ledger, size)

    def publish(self, time: int) -> None:
        """Sign the ledger's head at this time, and publish everything under it. Raises as :meth:`Publication.publish`."""
        if self._ledger.head != self.published:
            self.publish_signed(self.sign(time))

    def publish_signed(self, signed: SignedCheckpoint) -> None:
        """Publish what is under a final head of this ledger. Raises as :meth:`Publication.publish`."""
        self._publication.publish(self._ledger, signed)
        self.published = signed.checkpoint
        self._told(signed)


def create_ledger(
    folder: Path, charter: bytes, key: SigningKey, clock: Clock = system, others: Sequence[SigningKey] = ()
) -> Ledger:
    """Begin a ledger in a folder, with this charter entry, and publish it, unless others have to sign its head, too. ``others``: see :class:`Publishing`.

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
        publishing = Publishing(ledger, (key, *others))
        if publishing.alone:
            publishing.publish(now)
    except BaseException:
        ledger.close()
        raise
    return ledger


def check_signs(state: State, key: SigningKey) -> bool:
    """Whether this key cosigns, as a validator's by whatever entry, or is the log's. In a network one that has no seat is to have it
    yet, and signs nothing before. Raises UserError if it is none of these."""
    office, engine = state.offices.get(key.public), state.charter.engine
    if office is not None and office.role is Role.VALIDATOR:
        return True
    if state.engine_name == COMETBFT and not (isinstance(engine, Embedded) and engine.log_key == key.public):
        return True
    check_key(state.charter, key)
    return False


def check_key(charter: Charter, key: SigningKey) -> None:
    """Raises UserError if this key signs no heads by this charter."""
    if isinstance(charter.engine, Embedded):
        if charter.engine.log_key != key.public:
            raise UserError(
                Message("This is not the log's key that the charter names."),
                Message("Give the key file that belongs to the charter."),
            )
    elif key.public not in {validator.key for validator in charter.validators}:
        raise UserError(
            Message("This is not the key of a validator that the charter names."),
            Message("Give the key file that belongs to the charter."),
        )
