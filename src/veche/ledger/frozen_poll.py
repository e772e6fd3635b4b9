"""A published poll with what follows from its entry: all that a ballot depends on, fixed before the poll opens."""

from dataclasses import dataclass
from functools import cached_property

import veche_kernel

from veche.ballot.election import Election, Question
from veche.ledger.codec import decode, digest
from veche.ledger.entries.charter import PollClass
from veche.ledger.entries.poll import Poll

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


@dataclass(frozen=True)
class FrozenPoll:
    """A poll by its id (SHA-256 of its entry). ``key``: the committee's public key, to which ballots are encrypted."""

    id: bytes
    definition: Poll
    poll_class: PollClass
    key: bytes

    @classmethod
    def of_entry(cls, entry: bytes, poll_class: PollClass, key: bytes) -> "FrozenPoll":
        """The poll that an admitted ``poll`` entry published."""
        return cls(digest(entry), Poll.parse(decode(entry)[1]), poll_class, key)

    @cached_property
    def election(self) -> Election:
        """The Belenios election that is derived from the poll, so that its fingerprint covers everything frozen."""
        return belenios_election(self.id, self.definition, self.key)

    @property
    def uuid(self) -> str:
        """The election's uuid: the poll's id in Base58."""
        return self.election.uuid

    @cached_property
    def fingerprint(self) -> str:
        """phi: what every proof about this poll hashes, 43 characters."""
        return self.election.fingerprint

    @cached_property
    def kernel(self) -> veche_kernel.Election:
        """What makes, reads and checks ballots of this poll."""
        questions = [(len(q.answers), q.least, q.most, q.blank) for q in self.definition.questions]
        return veche_kernel.Election(self.key, self.fingerprint, self.uuid, questions)


def uuid_of(poll: bytes) -> str:
    """The Belenios uuid of a poll: its 32-byte id in Base58, always 44 characters."""
    number, digits = int.from_bytes(poll, "big"), ""
    for _ in range(44):
        number, digit = divmod(number, 58)
        digits = BASE58[digit] + digits
    return digits


def belenios_election(poll_id: bytes, poll: Poll, key: bytes) -> Election:
    """The Belenios election that is derived from a poll, so that its fingerprint covers everything frozen."""
    questions = [
        Question(
            answers=[answer.both() for answer in question.answers],
            blank=question.blank or None,
            min=question.least,
            max=question.most,
            question=question.text.both(),
        )
        for question in poll.questions
    ]
    return Election(
        description=poll.background.both(),
        name=poll.title.both(),
        public_key=key[::-1].hex(),
        questions=questions,
        uuid=uuid_of(poll_id),
    )
