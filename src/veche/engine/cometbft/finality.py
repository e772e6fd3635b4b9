"""Heads of a network: agreed on by consensus, cosigned here, gathered from the other validators, and final with over two thirds.

Consensus agrees on the head of a block with the next block, whose header holds its hash: then each validator cosigns it, and tells the
others. Whoever has over two thirds of the cosignatures publishes. With a key that is enough alone all of it is one step.
"""

from collections import deque
from collections.abc import Callable

from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold
from veche.ledger.heads import AGAIN
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, is_by
from veche.log.evidence import keep_two_heads
from veche.log.note import Signature, Verifier
from veche.logs import log

GATHERED = 16
"""Heads for which cosignatures are gathered at a time: the newest that consensus has agreed on."""
REMEMBERED = 128
"""Heads of each other validator that are remembered, so that a second one of the same size is known for what it is."""


class Finality:
    """The heads of one ledger, on the thread that owns it. ``agreed``: the newest on which consensus has agreed.

    Any thread may read ``newest``, the newest head that each other validator has cosigned, by its key; and ``lacks``, the sizes of the
    heads that must be kept and are not here, without which nothing is published.
    """

    def __init__(
        self,
        ledger: Ledger,
        publishing: Publishing,
        spread: Callable[[SignedCheckpoint], None] = lambda signed: None,
        silent: bool = False,
    ) -> None:
        """``spread`` is given each head with what was cosigned here, for the other validators. ``silent``: nothing is cosigned before
        :meth:`speak`."""
        self._ledger, self._publishing, self._spread, self._silent = ledger, publishing, spread, silent
        self.newest: dict[bytes, SignedCheckpoint] = {}
        self.lacks: tuple[int, ...] = ()
        self._remembered: dict[Verifier, dict[int, SignedCheckpoint]] = {}  # by size, in the order in which they came
        self._unread: deque[SignedCheckpoint] = deque(maxlen=GATHERED)  # beyond this ledger, by keys unknown to it
        self._known = 0  # how many changes of validators they were held against
        self.agreed: Checkpoint | None = None
        self._signed = 0  # when the agreed head was cosigned here
        self._gathered: dict[int, SignedCheckpoint] = {}  # by size, in ascending order
        self._early: dict[Verifier, SignedCheckpoint] = {}  # the newest of each validator beyond what is agreed on here
        self._contradicted: set[int] = set()  # sizes of which a validator has signed another head
        self._better = False  # whether the published head has got further cosignatures since

    @property
    def alone(self) -> bool:
        """Whether what is signed here is final without others."""
        return self._publishing.alone

    def agree(self, time: int, cosign: bool = True) -> None:
        """Consensus agrees on the ledger's head. ``time``: by this machine's clock; ``cosign``: whether it is to be cosigned here. Raises
        as :meth:`Publishing.publish` does."""
        head, cosign = self._ledger.head, cosign and not self._silent
        if head == self.agreed and not (cosign and time >= self._signed + AGAIN):
            if self._better and self._publishing.published == head:
                self._publish(self._gathered[head.size])
            return
        self.agreed, self._signed = head, time if cosign else 0
        own = self._publishing.sign(time) if cosign else SignedCheckpoint(head, ())
        self._gather(own)
        for verifier, early in list(self._early.items()):
            if early.checkpoint.size <= head.size:
                del self._early[verifier]
                self._gather(early)
        if own.signatures:
            self._spread(own)
        self._try()
        if (known := len(self._ledger.state.succession.changes)) != self._known:
            self._known, unread = known, list(self._unread)
            self._unread.clear()
            for signed in unread:
                self.receive(signed)

    def speak(self) -> None:
        """The others were asked what they have of this validator: from the next block on heads are cosigned."""
        self._silent = False

    def receive(self, signed: SignedCheckpoint) -> None:
        """A head that another validator has cosigned; lines that are none of theirs count for nothing. Raises as :meth:`agree`.

        Anybody may send one: what another signed and is known already or long past costs no check of its signature, and one that is
        false ends it.
        """
        self._publishing.learn(signed)
        lines, size = self._checked(signed), signed.checkpoint.size
        if size > self._ledger.size and self._has_unknown(signed):
            self._unread.append(signed)
        if not lines:
            return
        for verifier, line in lines.items():
            self._remember(verifier, SignedCheckpoint(signed.checkpoint, (line,)))
        if self.agreed is None or size > self.agreed.size:
            for verifier, line in lines.items():
                before = self._early.get(verifier)
                if before is None or before.checkpoint.size <= size:
                    self._early[verifier] = SignedCheckpoint(signed.checkpoint, (line,))
            return
        self._gather(SignedCheckpoint(signed.checkpoint, tuple(lines.values())))
        self._try()

    def _remember(self, verifier: Verifier, signed: SignedCheckpoint) -> None:
        """What another validator has cosigned. Two heads of one size are kept as evidence for good, and it goes on without trusting either."""
        size, remembered = signed.checkpoint.size, self._remembered.setdefault(verifier, {})
        before = remembered.get(size)
        if before is not None and before.checkpoint != signed.checkpoint:
            if keep_two_heads(self._ledger.folder, verifier.public, before, signed):
                log().error("two heads of one size by one validator", size=size)
            return
        remembered[size] = signed
        if len(remembered) > REMEMBERED:
            del remembered[next(iter(remembered))]
        newest = self.newest.get(verifier.public)
        if newest is None or newest.checkpoint.size <= size:
            self.newest[verifier.public] = signed

    def _is_past(self, head: Checkpoint) -> bool:
        """Whether no final head comes of another signature under it."""
        if self.agreed is None or head.size >= self.agreed.size or head.size in self._gathered:
            return False
        return head.size not in self._publishing.lacks(self._ledger.size + 1)

    def _is_outdone(self, head: Checkpoint, verifier: Verifier) -> bool:
        """Whether a larger head of this validator is remembered, and no other of this size, against which this one would be evidence."""
        newest, same = self.newest.get(verifier.public), self._remembered.get(verifier, {}).get(head.size)
        return newest is not None and newest.checkpoint.size > head.size and (same is None or same.checkpoint == head)

    def _is_known(self, head: Checkpoint, line: Signature, verifier: Verifier) -> bool:
        known = self._gathered.get(head.size), self._early.get(verifier)
        return any(one is not None and one.checkpoint == head and line in one.signatures for one in known)

    def _has_unknown(self, signed: SignedCheckpoint) -> bool:
        """Whether there are lines by keys of which this ledger does not know yet that they are validators'."""
        power = self._ledger.state.succession.policy(signed.checkpoint.size).power
        known = {(verifier.name, verifier.key_id) for verifier in power}
        return any((line.name, line.key_id) not in known for line in signed.signatures)

    def _checked(self, signed: SignedCheckpoint) -> dict[Verifier, Signature]:
        """The lines that validators of this head made, and that are new, up to the first that is false."""
        head = signed.checkpoint
        if head.origin != self._ledger.state.charter.origin:
            return {}
        given = {(line.name, line.key_id): line for line in signed.signatures}
        found: dict[Verifier, Signature] = {}
        past = self._is_past(head)
        for verifier in self._ledger.state.succession.policy(head.size).power:
            line = given.get((verifier.name, verifier.key_id))
            if line is None or self._is_known(head, line, verifier) or (past and self._is_outdone(head, verifier)):
                continue
            try:
                SignedCheckpoint(head, (line,)).verify(Policy(head.origin, {verifier: 1}, 1))
            except DoesNotHold:
                return found
            found[verifier] = line
        return found

    def _gather(self, signed: SignedCheckpoint) -> None:
        head = signed.checkpoint
        known = self._gathered.get(head.size)
        if known is None:
            lacked = self._publishing.lacks(self._ledger.size + 1)
            if head != self.agreed and not (head.size in lacked and head.root == self._ledger.root(head.size)):
                return  # of a block that is long past
            self._gathered = dict(sorted({**self._gathered, head.size: signed}.items()))
            for old in [size for size in self._gathered if size not in lacked][:-GATHERED]:
                del self._gathered[old]
        elif known.checkpoint != head:
            if head.size not in self._contradicted:  # whoever lies can do so often
                self._contradicted = {size for size in self._contradicted if size in self._gathered} | {head.size}
                log().error("two heads of one size", size=head.size)
        else:
            newest = {(line.name, line.key_id): line for line in known.signatures}
            for line in signed.signatures:
                before = newest.get((line.name, line.key_id))
                if before is None or before.data[:8] < line.data[:8]:  # the time comes first
                    newest[line.name, line.key_id] = line
                    self._better = True
            self._gathered[head.size] = SignedCheckpoint(head, tuple(newest.values()))

    def _try(self) -> None:
        """Publish the newest head that is final; before it those that must be kept, without which it waits."""
        lacked = self._publishing.lacks(self._ledger.size + 1)
        self.lacks = tuple(lacked)
        policy = self._ledger.state.succession.policy
        final = [signed for signed in self._gathered.values() if is_by(signed, policy(signed.checkpoint.size))]
        newest = [signed for signed in final if not any(size < signed.checkpoint.size for size in lacked)]
        if lacked and newest and newest[-1].checkpoint.size == lacked[0]:
            self._publish(newest[-1])
            self._try()
            return
        published = self._publishing.published
        if newest and (published is None or newest[-1].checkpoint.size > published.size):
            self._publish(newest[-1])
            for old in [one for one in self._gathered if one < newest[-1].checkpoint.size]:
                del self._gathered[old]

    def _publish(self, signed: SignedCheckpoint) -> None:
        self._publishing.publish_signed(signed)
        self._better = False
