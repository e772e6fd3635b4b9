"""What the rules remember of one poll, and of one committee."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

import veche_kernel

from veche.ballot.committee import PEDERSEN, Certificate, Committee, Key, Shares
from veche.errors import VecheError
from veche.ledger.entries.charter import Charter, PollClass
from veche.ledger.entries.committee import CertificateStep, Complaint, KeyStep, SharesStep, Step
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.entries.poll import Poll
from veche.ledger.entries.result import Result
from veche.ledger.entries.tally import Tally
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.group_sums import GroupSums
from veche.ledger.life import COMMITTEE_LIFE, POLL_LIFE, CommitteePhase, Phase
from veche.ledger.registrars import SeenRegistrars, enough_published, registrars_that_count
from veche.texts import Message, Said

T = TypeVar("T")

FROM_KEYS = ("counting", "checker")
"""What is derived from a poll's permit keys and kept."""


class Wrong(VecheError):
    """What is remembered is not what follows from the log."""

    def __init__(self, what: Said) -> None:
        """``what`` is wrong, as half a sentence."""
        super().__init__(Message("The state that was derived from the ledger cannot be relied on: {what}.", what=what))
        self.what = what


class LastBallot(NamedTuple):
    """The last accepted ballot of a credential: its group, its turn (the re-vote counter), its number in the log."""

    group: int
    turn: int
    number: int


@dataclass
class PollState:
    """A published poll. ``number`` is that of its entry in the log; ``closing`` is moved by halts, seconds since 1970.

    ``registrar_keys``: the office keys of its registrars (by their index in the class), which it keeps from its announcement.
    ``permit_keys``: by the registrar's index in the class, changed by :meth:`publish` alone. ``groups``: the running sums, in the poll's order.
    ``admitted[registrar, group]``: how many voters this registrar's permits admitted. ``shares[trustee][part]``: what
    trustees (indices from 1) decrypted. ``openers``: the trustees whose shares open the tally, those that were complete when there were
    enough; none before. ``decided``: the time of the result's block. ``contests``: the numbers of the entries
    that object to it. ``changed``: groups of which the sums are not written down yet.
    """

    frozen: FrozenPoll
    number: int
    version: int
    closing: int
    phase: Phase = Phase.ANNOUNCED
    tally: Tally | None = None
    result: Result | None = None
    openers: tuple[int, ...] = ()
    decided: int | None = None
    registrar_keys: dict[int, bytes] = field(default_factory=dict)
    permit_keys: dict[int, PermitKeys] = field(default_factory=dict)
    groups: list[GroupSums] = field(default_factory=list)
    admitted: dict[tuple[int, int], int] = field(default_factory=dict)
    shares: dict[int, dict[int, Decryption]] = field(default_factory=dict)
    contests: list[int] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)

    @property
    def id(self) -> bytes:
        """SHA-256 of the poll's entry."""
        return self.frozen.id

    @property
    def definition(self) -> Poll:
        return self.frozen.definition

    @property
    def poll_class(self) -> PollClass:
        return self.frozen.poll_class

    @property
    def counted(self) -> list[int]:
        """For each group how many ballots count: the last ones of its voters."""
        return [group.counted for group in self.groups]

    @property
    def complete(self) -> list[int]:
        """The trustees, ascending, whose shares of all parts of the tally are there."""
        parts = 0 if self.tally is None else len(self.tally.parts)
        return sorted(trustee for trustee, shares in self.shares.items() if len(shares) == parts)

    def challenge_until(self, charter: Charter) -> int | None:
        """When the challenge window ends (docs/protocol.md, section 2.1), seconds since 1970; None as long as there is no result."""
        return None if self.decided is None else self.decided + charter.lasting(self.poll_class.challenge)

    def registrar(self, key: bytes) -> int | None:
        """The place in the class of the registrar of whom the poll keeps this office key, if it does."""
        return next((place for place, kept in self.registrar_keys.items() if kept == key), None)

    def takes(self, kind: str) -> bool:
        """Whether entries of this kind have a place in the poll's present phase."""
        return kind in POLL_LIFE[self.phase]

    def pass_on(self, kind: str) -> None:
        """Go to the phase to which an entry of this kind leads; the caller has asked :meth:`takes`."""
        self.phase = POLL_LIFE[self.phase][kind]

    def open_at(self, time: int) -> bool:
        """Whether ballots are taken in a block of this time."""
        return self.phase == Phase.ANNOUNCED and self.definition.opens <= time < self.closing

    def is_frozen_at(self, time: int) -> bool:
        """Whether nothing can change any more, in a block of this time, of what the checks of its ballots depend on."""
        return len(self.permit_keys) == len(self.poll_class.registrars) or self.open_at(time)

    @property
    def has_enough_keys(self) -> bool:
        """Whether enough registrars of the class have published their permit keys for the poll to open."""
        return enough_published(self.poll_class, self.permit_keys)

    def publish(self, registrar: int, keys: PermitKeys) -> None:
        """Keep what a registrar published; what followed from the keys that were there before does so no more."""
        self.permit_keys[registrar] = keys
        for name in FROM_KEYS:
            self.__dict__.pop(name, None)

    @cached_property
    def counting(self) -> list[frozenset[int]]:
        """For each group the registrars whose permits are taken. Fixed when the poll opens, as all that follows from the keys."""
        return [
            registrars_that_count(
                self.poll_class, {registrar: keys.groups[group].people for registrar, keys in self.permit_keys.items()}
            )
            for group in range(len(self.definition.groups))
        ]

    def available(self, group: int) -> list[int]:
        """The registrars, ascending, whose permits a first ballot in this group can carry now: their rolls are not used up."""
        return [
            registrar
            for registrar in sorted(self.counting[group])
            if self.admitted.get((registrar, group), 0) < self.permit_keys[registrar].groups[group].people
        ]

    def seen(self, group: int) -> SeenRegistrars:
        """What a voter's device goes by when it chooses registrars."""
        admitted = {registrar: self.admitted.get((registrar, group), 0) for registrar in self.permit_keys}
        return SeenRegistrars(self.available(group), self.groups[group].counted, admitted)

    @cached_property
    def checker(self) -> veche_kernel.BallotChecker:
        """What checks ballots of this poll without any state; to be asked for once :meth:`is_frozen_at` holds."""
        registrars = range(len(self.poll_class.registrars))
        sources = sorted({seat.source for seat in self.poll_class.registrars})
        return veche_kernel.BallotChecker(
            self.frozen.kernel,
            self.id,
            [
                [row.modulus for row in self.permit_keys[registrar].groups] if registrar in self.permit_keys else []
                for registrar in registrars
            ],
            self.poll_class.k,
            [sources.index(seat.source) for seat in self.poll_class.registrars],
            self.poll_class.sources,
        )


@dataclass
class CommitteeState:
    """A key generation. Members count from 1; ``last`` is the time of its last entry, ``key`` that of a finished one.

    ``trustee_keys``: the office keys of its trustees, which it keeps from when it was asked for.
    """

    id: bytes
    number: int
    poll_class: PollClass
    mode: str
    last: int
    phase: CommitteePhase = CommitteePhase.FORMING
    finished: int | None = None
    reason: str = ""
    key: bytes | None = None
    trustee_keys: dict[int, bytes] = field(default_factory=dict)
    certificates: dict[int, Certificate] = field(default_factory=dict)
    shares: dict[int, Shares] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    complaints: dict[int, Complaint] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.poll_class.trustees)

    @property
    def threshold(self) -> int:
        """How many trustees are needed to decrypt."""
        return self.poll_class.t if self.mode == PEDERSEN else self.size

    @property
    def scheme(self) -> Committee:
        """The committee as the ballot protocol knows it."""
        return Committee(self.id, self.mode, self.size, self.poll_class.t)

    @property
    def steps(self) -> dict[str, list[int]]:
        """For each step that somebody has taken, who has."""
        taken: dict[str, Mapping[int, object]] = {
            CertificateStep.kind: self.certificates,
            SharesStep.kind: self.shares,
            KeyStep.kind: self.keys,
            Complaint.kind: self.complaints,
        }
        return {kind: sorted(trustees) for kind, trustees in taken.items() if trustees}

    def takes(self, kind: str) -> bool:
        """Whether entries of this kind have a place in the committee's present phase."""
        return kind in COMMITTEE_LIFE[self.phase]

    def pass_on(self, kind: str) -> None:
        """Go to the phase to which an entry of this kind leads; the caller has asked :meth:`takes`."""
        self.phase = COMMITTEE_LIFE[self.phase][kind]

    def take(self, step: Step) -> None:
        """Keep what a trustee handed in."""
        match step:
            case CertificateStep():
                self.certificates[step.index] = step.certificate
            case SharesStep():
                self.shares[step.index] = step.shares
            case KeyStep():
                self.keys[step.index] = step.key
            case Complaint():
                self.complaints[step.index] = step

    def has_taken(self, step: Step) -> bool:
        """Whether this trustee has taken this step already."""
        return step.index in self.steps.get(step.kind, [])


def in_order(handed_in: dict[int, T]) -> list[T]:
    """What trustees handed in, in the order of their indices."""
    return [item for _, item in sorted(handed_in.items())]
