"""Heads of a network: agreed on by consensus, cosigned here, gathered from the other validators, and final with over two thirds.

Consensus agrees on the head of a block with the next block, whose header holds its hash: then each validator cosigns it, and tells the
others. Whoever has over two thirds of the cosignatures publishes. With a key that is enough alone all of it is one step.
"""

from collections.abc import Callable

from veche.engine.publishing import Publishing
from veche.errors import DoesNotHold
from veche.ledger.heads import AGAIN
from veche.ledger.ledger import Ledger
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint
from veche.log.note import Signature, Verifier
from veche.logs import log

GATHERED = 16
"""Heads for which cosignatures are gathered at a time: the newest that consensus has agreed on."""


class Finality:
    """The heads of one ledger, on the thread that owns it. ``agreed``: the newest on which consensus has agreed."""

    def __init__(
        self, ledger: Ledger, publishing: Publishing, spread: Callable[[SignedCheckpoint], None] = lambda signed: None
    ) -> None:
        """``spread`` is given each head with what was cosigned here, for the other validators."""
        self._ledger, self._publishing, self._spread = ledger, publishing, spread
        self.agreed: Checkpoint | None = None
        self._signed = 0  # when the agreed head was cosigned here
        self._gathered: dict[int, SignedCheckpoint] = {}  # by size, in ascending order
        self._early: dict[Verifier, SignedCheckpoint] = {}  # the newest of each validator beyond what is agreed on here
        self._better = False  # whether the published head has got further cosignatures since

    @property
    def alone(self) -> bool:
        """Whether what is signed here is final without others."""
        return self._publishing.alone

    def agree(self, time: int) -> None:
        """Consensus agrees on the ledger's head. ``time``: by this machine's clock. Raises as :meth:`Publishing.publish` does."""
        head = self._ledger.head
        if head == self.agreed and time < self._signed + AGAIN:
            if self._better:
                self._publish(self._gathered[head.size])
            return
        self.agreed, self._signed = head, time
        own = self._publishing.sign(time)
        self._gather(own)
        for verifier, early in list(self._early.items()):
            if early.checkpoint.size <= head.size:
                del self._early[verifier]
                self._gather(early)
        if own.signatures:
            self._spread(own)
        self._try()

    def receive(self, signed: SignedCheckpoint) -> None:
        """A head that another validator has cosigned; lines that are none of theirs count for nothing. Raises as :meth:`agree`."""
        self._publishing.learn(signed)
        lines = self._checked(signed)
        if not lines:
            return
        size = signed.checkpoint.size
        if self.agreed is None or size > self.agreed.size:
            for verifier, line in lines.items():
                before = self._early.get(verifier)
                if before is None or before.checkpoint.size <= size:
                    self._early[verifier] = SignedCheckpoint(signed.checkpoint, (line,))
            return
        self._gather(SignedCheckpoint(signed.checkpoint, tuple(lines.values())))
        self._try()

    def _checked(self, signed: SignedCheckpoint) -> dict[Verifier, Signature]:
        """The lines that validators of this head made."""
        head = signed.checkpoint
        if head.origin != self._ledger.state.charter.origin:
            return {}
        given = {(line.name, line.key_id): line for line in signed.signatures}
        found = {}
        for verifier in self._ledger.state.succession.policy(head.size).power:
            line = given.get((verifier.name, verifier.key_id))
            if line is None:
                continue
            try:
                SignedCheckpoint(head, (line,)).verify(Policy(head.origin, {verifier: 1}, 1))
            except DoesNotHold:
                continue
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
        final = [signed for signed in self._gathered.values() if self._is_final(signed)]
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

    def _is_final(self, signed: SignedCheckpoint) -> bool:
        try:
            signed.verify(self._ledger.state.succession.policy(signed.checkpoint.size))
        except DoesNotHold:
            return False
        return True

    def _publish(self, signed: SignedCheckpoint) -> None:
        self._publishing.publish_signed(signed)
        self._better = False
