"""A ledger in memory for the trustee's tests: it admits what trustees hand in as the rules do, and is a verified view.

Organisers, ballots and time are left out: committees, polls and tallies are put in by hand.
"""

from dataclasses import dataclass, field
from typing import Any

import veche_kernel as kernel

from veche.ballot.committee import (
    SINGLE,
    Certificate,
    Committee,
    Key,
    Shares,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    public_key,
)
from veche.ballot.decryption import Share, alphas_of, betas_of, check_share, open_tally
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries.tally import Cell, Member, Tally, TooFew
from veche.ledger.poll_state import in_order
from veche.ledger.signing import check_signatures, signatures, signed_message
from veche.log import merkle

PHI = "A" * 43


@dataclass
class InCommittee:
    id: bytes
    mode: str
    threshold: int
    trustees: list[str]
    certificates: dict[int, Certificate] = field(default_factory=dict)
    shares: dict[int, Shares] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    complaints: list[list[Any]] = field(default_factory=list)
    void: bool = False

    @property
    def parameters(self) -> Committee:
        return Committee(self.id, self.mode, len(self.trustees), self.threshold)

    @property
    def finished(self) -> bool:
        return len(self.keys) == len(self.trustees) and not self.void

    def public_key(self) -> bytes:
        return public_key(self.parameters, in_order(self.keys), in_order(self.shares))

    def admit(self, kind: str, body: list[Any]) -> None:
        index, fields = body[1], body[2:]
        certificates, shares = in_order(self.certificates), in_order(self.shares)
        if kind == "committee-certificate":
            assert index not in self.certificates
            self.certificates[index] = certificate = Certificate.from_fields(fields)
            check_certificate(self.parameters, index, certificate, certificates)
        elif kind == "committee-shares":
            assert index not in self.shares
            self.shares[index] = dealt = Shares.from_fields(fields)
            check_shares(self.parameters, index, dealt, certificates)
        elif kind == "committee-key":
            assert index not in self.keys
            key = Key.from_fields(fields)
            if self.mode == SINGLE:
                check_single_key(self.parameters, index, key, in_order(self.keys))
            else:
                check_key(self.parameters, index, key, certificates, shares)
            self.keys[index] = key
        else:
            assert kind == "committee-complaint"
            self.complaints.append(body)
            self.void = True


@dataclass
class InPoll:
    id: bytes
    committee: bytes
    phi: str = PHI
    tally: Tally | None = None
    cancelled: bool = False
    finished: bool = False
    shares: dict[tuple[int, int], Share] = field(default_factory=dict)

    @property
    def decryptions(self) -> set[tuple[int, int]]:
        return set(self.shares)

    def sums(self) -> tuple[bytes, ...]:
        assert self.tally is not None
        return self.tally.parts


class Ledger:
    def __init__(self) -> None:
        self.ledger = digest(b"charter")
        self.entries: list[bytes] = [b"charter"]
        self.committees: list[InCommittee] = []
        self.polls: list[InPoll] = []
        self.final = True

    @property
    def size(self) -> int:
        return len(self.entries)

    def root_at(self, size: int) -> bytes:
        return merkle.root([merkle.leaf_hash(data) for data in self.entries[:size]])

    def add_committee(self, mode: str, threshold: int, trustees: list[str]) -> InCommittee:
        data = encode(["committee", ["class", mode, len(self.committees)]])
        self.entries.append(data)
        self.committees.append(InCommittee(digest(data), mode, threshold, trustees))
        return self.committees[-1]

    def add_poll(self, committee: InCommittee, cells: list[list[int]], kind: str = "tally") -> InPoll:
        """A closed poll whose cells hold these numbers."""
        data = encode(["poll", [len(self.polls)]])
        poll = InPoll(digest(data), committee.id)
        made = make_tally(poll.id, committee, cells, kind)
        poll.tally = made if isinstance(made, Tally) else None
        self.entries += [data, made.encode()]
        self.polls.append(poll)
        return poll

    def hand_in(self, data: bytes) -> None:
        kind, body, _ = item = decode(data)
        pairs = signatures(item)
        check_signatures(signed_message(self.ledger, kind, body), pairs)
        assert len(pairs) == 1
        assert data not in self.entries, "repeated"
        if kind == "decryption":
            poll = next(poll for poll in self.polls if poll.id == body[0])
            committee = next(c for c in self.committees if c.id == poll.committee)
            _, index, tally, part, *fields = body
            assert poll.tally is not None and tally == poll.tally.hash and (index, part) not in poll.shares
            share = Share.from_fields(fields)
            check_share(committee.keys[index].key, alphas_of(poll.sums()[part]), poll.phi, tally, part, share)
            poll.shares[index, part] = share
        else:
            next(committee for committee in self.committees if committee.id == body[0]).admit(kind, body)
        self.entries.append(data)

    def result(self, poll: InPoll, trustees: list[int], bound: int = 1000) -> list[list[int]]:
        """The numbers of every part, from the shares of these trustees."""
        mode = next(c.mode for c in self.committees if c.id == poll.committee)
        return [
            open_tally(betas_of(sums), {i: poll.shares[i, part].points() for i in trustees}, mode, bound)
            for part, sums in enumerate(poll.sums())
        ]


def encrypt(key: bytes, number: int, randomness: bytes | None = None) -> bytes:
    """An ElGamal ciphertext of g^number, alpha and beta: 64 bytes."""
    r = randomness or kernel.scalar_random()
    m = number.to_bytes(32, "little")
    return kernel.base_mul(r) + kernel.point_add(kernel.point_mul(r, key), kernel.base_mul(m))


def make_tally(poll: bytes, committee: InCommittee, cells: list[list[int]], kind: str = "tally") -> Tally | TooFew:
    if kind == "too-few":
        return TooFew(poll, 1, bytes(32))
    key = committee.public_key()
    sums = [b"".join(encrypt(key, number) for number in cell) for cell in cells]
    return Tally(poll, 20, bytes(32), tuple(Cell((Member(i, 20),), cell) for i, cell in enumerate(sums)))
