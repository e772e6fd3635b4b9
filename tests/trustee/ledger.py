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
from veche.ballot.decryption import Share, alphas_of, betas_of, check_share, open_tally, parts
from veche.ledger import entry
from veche.log import merkle

PHI = "A" * 43


@dataclass
class InCommittee:
    id: bytes
    mode: str
    threshold: int
    trustees: list[str]
    certificates: dict[int, list[Any]] = field(default_factory=dict)
    shares: dict[int, list[Any]] = field(default_factory=dict)
    keys: dict[int, list[Any]] = field(default_factory=dict)
    complaints: list[list[Any]] = field(default_factory=list)
    void: bool = False

    @property
    def parameters(self) -> Committee:
        return Committee(self.id, self.mode, len(self.trustees), self.threshold)

    @property
    def finished(self) -> bool:
        return len(self.keys) == len(self.trustees) and not self.void

    def _all(self, bodies: dict[int, list[Any]], kind: Any) -> list[Any]:
        return [kind.from_fields(bodies[i][2:]) for i in sorted(bodies)]

    def public_key(self) -> bytes:
        return public_key(self.parameters, self._all(self.keys, Key), self._all(self.shares, Shares))

    def admit(self, kind: str, body: list[Any]) -> None:
        index, fields = body[1], body[2:]
        certificates = self._all(self.certificates, Certificate)
        shares = self._all(self.shares, Shares)
        if kind == "committee-certificate":
            assert index not in self.certificates
            check_certificate(self.parameters, index, Certificate.from_fields(fields), certificates)
            self.certificates[index] = body
        elif kind == "committee-shares":
            assert index not in self.shares
            check_shares(self.parameters, index, Shares.from_fields(fields), certificates)
            self.shares[index] = body
        elif kind == "committee-key":
            assert index not in self.keys
            if self.mode == SINGLE:
                check_single_key(self.parameters, index, Key.from_fields(fields), self._all(self.keys, Key))
            else:
                check_key(self.parameters, index, Key.from_fields(fields), certificates, shares)
            self.keys[index] = body
        else:
            assert kind == "committee-complaint"
            self.complaints.append(body)
            self.void = True


@dataclass
class InPoll:
    id: bytes
    committee: bytes
    phi: str = PHI
    tally: bytes | None = None
    cancelled: bool = False
    finished: bool = False
    shares: dict[tuple[int, int], Share] = field(default_factory=dict)

    @property
    def decryptions(self) -> set[tuple[int, int]]:
        return set(self.shares)

    def sums(self) -> list[bytes]:
        assert self.tally is not None
        return parts([cell[1] for cell in entry.decode(self.tally)[1][3]])


class Ledger:
    def __init__(self) -> None:
        self.ledger = entry.digest(b"charter")
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
        data = entry.encode(["committee", ["class", mode, len(self.committees)]])
        self.entries.append(data)
        self.committees.append(InCommittee(entry.digest(data), mode, threshold, trustees))
        return self.committees[-1]

    def add_poll(self, committee: InCommittee, cells: list[list[int]], kind: str = "tally") -> InPoll:
        """A closed poll whose cells hold these numbers."""
        data = entry.encode(["poll", [len(self.polls)]])
        poll = InPoll(entry.digest(data), committee.id)
        poll.tally = make_tally(poll.id, committee, cells, kind)
        self.entries += [data, poll.tally]
        self.polls.append(poll)
        return poll

    def hand_in(self, data: bytes) -> None:
        kind, body, _ = item = entry.decode(data)
        pairs = entry.signatures(item)
        entry.check_signatures(entry.signed_message(self.ledger, kind, body), pairs)
        assert len(pairs) == 1
        assert data not in self.entries, "repeated"
        if kind == "decryption":
            poll = next(poll for poll in self.polls if poll.id == body[0])
            committee = next(c for c in self.committees if c.id == poll.committee)
            _, index, tally, part, *fields = body
            assert poll.tally is not None and tally == entry.digest(poll.tally) and (index, part) not in poll.shares
            share = Share.from_fields(fields)
            check_share(committee.keys[index][2], alphas_of(poll.sums()[part]), poll.phi, tally, part, share)
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


def make_tally(poll: bytes, committee: InCommittee, cells: list[list[int]], kind: str = "tally") -> bytes:
    if kind == "too-few":
        return entry.encode([kind, [poll, 1, bytes(32)]])
    key = committee.public_key()
    sums = [b"".join(encrypt(key, number) for number in cell) for cell in cells]
    return entry.encode([kind, [poll, 20, bytes(32), [[[[i, 20]], cell] for i, cell in enumerate(sums)]]])
