"""The heads that witnesses cosigned, compared with a log that holds. docs/protocol.md, sections 2.1, 5 and 6.1 (L9).

A witness cosigns only what goes on from everything they cosigned before. So where a quorum cosigned heads of this log of at
least some size, no other ledger of that size was witnessed, unless more of them are corrupt than the charter reckons with.
"""

from dataclasses import dataclass

from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.engine import EMBEDDED
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.heads import Succession, cosigned_policy, witness_verifier
from veche.ledger.poll_state import PollState
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, is_by
from veche.log.cosigned import MOST, cosigners, read_cosigned
from veche.log.log import Log
from veche.log.source import WITNESS
from veche.permit.threshold import quorum
from veche.texts import Message, Said

STEP = "L9"


@dataclass(frozen=True)
class Cosigned:
    """The newest head that a witness cosigned: its size, and the time by the witness's clock, in seconds since 1970."""

    institution: str
    size: int
    time: int


@dataclass(frozen=True)
class Outside:
    """The newest head that somebody cosigned of whom the ledger says nothing: a witness that serves many logs (C2SP tlog-witness).

    ``name`` is what they call themselves, ``vkey`` their key: it is worth what the reader knows of it.
    """

    name: str
    vkey: str
    size: int
    time: int


@dataclass(frozen=True)
class Witnesses:
    """Who witnesses a ledger: ``seats`` of them, of whom ``quorum`` must agree; both 0 if its charter asks for none.

    ``outside``: who else cosigned heads; they count in no quorum. ``alone``: whether one key signs the ledger's heads, so that its owner can
    show different people different ledgers if nobody vouches.
    """

    seats: int
    quorum: int
    cosigned: tuple[Cosigned, ...]
    outside: tuple[Outside, ...] = ()
    alone: bool = False

    def count(self, size: int, time: int = 0) -> int:
        """How many cosigned a head with the first ``size`` entries in it, at ``time`` or later by their own clocks."""
        return sum(head.size >= size and head.time >= time for head in self.cosigned)

    def vouch(self, size: int, time: int = 0) -> bool:
        """Whether a quorum did."""
        return self.quorum > 0 and self.count(size, time) >= self.quorum

    @property
    def size(self) -> int:
        """How many of the first entries a quorum vouches for."""
        sizes = sorted((head.size for head in self.cosigned), reverse=True)
        return sizes[self.quorum - 1] if 0 < self.quorum <= len(sizes) else 0


def read_witnesses(log: Log, state: State) -> Witnesses:
    """The witnesses of a ledger that holds, with the heads beside it that they cosigned.

    Heads that are larger than this copy, and those by suspended or other keys, are not counted. Raises DoesNotHold (L9) if one was not made by
    whom it is named after, or is of another log: then somebody shows different ledgers to different people.
    """
    charter = state.charter
    outside, alone = _read_outside(log, state), state.engine_name == EMBEDDED
    if charter.witnesses is None:
        return Witnesses(0, 0, (), outside, alone)
    seats = state.witnesses()
    found = []
    for key, institution in seats.items():
        name = f"{WITNESS}{key.hex()}"
        data = log.source.get(name)
        if data is None:
            continue
        try:
            signed = SignedCheckpoint.parse(data)
            if signed.checkpoint.size > log.size:
                continue  # by whom it must be signed, only a newer copy knows
            time = _time_of(signed, state.succession, key)
        except DoesNotHold as error:
            raise DoesNotHold(
                STEP,
                name,
                Message(
                    "{name}, of the witness {institution}: {value}",
                    name=name,
                    institution=institution,
                    value=error.said,
                ),
                error.advice,
            ) from None
        _check_root(log, signed.checkpoint, institution, name)
        if not state.offices[key].is_suspended(state.get("time")):
            found.append(Cosigned(institution, signed.checkpoint.size, time))
    return Witnesses(len(seats), quorum(len(seats), charter.witnesses), tuple(found), outside, alone)


def _read_outside(log: Log, state: State) -> tuple[Outside, ...]:
    """Who cosigned heads of this log without an office in it, as far as what lies there is theirs: of other files nothing is said.

    Raises DoesNotHold (L9) if one cosigned a final head of another log: so much is proved, whoever they are.
    """
    found = []
    for key in [one for one in cosigners(log.source) if one not in state.offices][:MOST]:
        cosigned = read_cosigned(log.source, key)
        if cosigned is None or (head := cosigned.signed.checkpoint).size > log.size:
            continue
        if not is_by(cosigned.signed, state.succession.policy(head.size)):
            continue
        name = cosigned.verifier.name
        _check_root(log, head, name, f"{WITNESS}{key.hex()}")
        found.append(Outside(name, str(cosigned.verifier), head.size, cosigned.time))
    return tuple(found)


def identify(log: Log, state: State, signed: SignedCheckpoint) -> tuple[bytes, Cosigned]:
    """Which witness cosigned this head of a ledger: their key, and what they say. Raises UserError if none did, DoesNotHold (L9)."""
    charter, head = state.charter, signed.checkpoint
    lines = {(line.name, line.key_id) for line in signed.signatures}
    for key, institution in state.witnesses().items():
        verifier = witness_verifier(charter.origin, key)
        if (verifier.name, verifier.key_id) in lines:
            time = _time_of(signed, state.succession, key)
            if head.size > log.size:
                raise UserError(
                    Message(
                        "The head is of {size} entries, and this copy of the ledger has {size2}.",
                        size=head.size,
                        size2=log.size,
                    ),
                    Message("Get a newer copy."),
                )
            _check_root(log, head, institution, Message("the cosigned head"))
            return key, Cosigned(institution, head.size, time)
    raise UserError(
        Message("No witness of this ledger cosigned this head."),
        Message("Witnesses are its observers, but for those who run it: veche ledger show."),
    )


def size_of(log: Log, poll: PollState) -> int:
    """How many of the first entries tell all that a voter's device encrypts for: the poll and its permit keys, the last of them."""
    missing = len(poll.permit_keys)
    size = poll.number + 1
    for number, data in enumerate(log.entries(size) if missing else (), size):
        if not is_ballot(data) and (item := decode(data))[0] == PermitKeys.kind and item[1][0] == poll.id:
            missing, size = missing - 1, number + 1
            if not missing:
                break
    return size


def _time_of(signed: SignedCheckpoint, succession: Succession, key: bytes) -> int:
    return signed.verify(cosigned_policy(succession.policy(signed.checkpoint.size), key))[
        witness_verifier(succession.charter.origin, key)
    ]


def _check_root(log: Log, head: Checkpoint, institution: str, where: Said) -> None:
    if log.root(head.size) != head.root:
        raise DoesNotHold(
            STEP,
            where,
            Message(
                "The witness {institution} cosigned another ledger: at size {size} the roots differ, and both are signed.",
                institution=institution,
                size=head.size,
            ),
            Message(
                "Keep this copy and that file, and show both to others: someone shows different people different ledgers."
            ),
        )
