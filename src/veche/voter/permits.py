"""Permits: whom a device asks, what it keeps, and which of them a first ballot shows. docs/protocol.md, section 4.4.

Whoever can make somebody show other registrars than the rest do, finds their ballot. So a device asks all, and shows those that follow
from its seed and a verified ledger alone. That somebody did not answer changes nothing until the voter says so.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from veche.errors import UserError
from veche.ledger.entries.charter import PollClass
from veche.ledger.entries.permit_key import PermitKeys
from veche.ledger.frozen_poll import FrozenPoll
from veche.ledger.registrars import SeenRegistrars, can_admit
from veche.permit.derive import registrar_order
from veche.permit.permit import Permit
from veche.permit.request import PermitRequest
from veche.permit.seed import Seed
from veche.texts import Message

Ask = Callable[[int, bytes], bytes]
"""Ask registrar number i to sign a blinded message."""

FEWEST_BALLOTS = 20
"""From so many first ballots in a group on, registrars are left out whose permits few of them show."""
ORDERS = 256
"""Orders of the registrars that are tried for one that begins with enough identity sources."""


@dataclass(frozen=True)
class Refusal:
    """What a registrar that gave no permit was asked, and answered: no answer at all is an empty one. Nothing in it is secret."""

    blinded: bytes
    answer: bytes
    error: Exception


@dataclass
class Collected:
    """What a voter's device has of each registrar, by its index in the class."""

    permits: dict[int, Permit] = field(default_factory=dict)
    refusals: dict[int, Refusal] = field(default_factory=dict)


class RegistrarsRefused(UserError):
    """Registrars whose permits other people's ballots show gave none: to be told to the voter before anything is cast.

    ``registrars``: their indices in the class.
    """

    def __init__(self, poll_class: PollClass, registrars: Collection[int]) -> None:
        self.registrars = sorted(registrars)
        names = ", ".join(poll_class.registrars[registrar].institution for registrar in self.registrars)
        super().__init__(
            Message("No permit was given by: {names}. {narrowed}", names=names, narrowed=narrowed(poll_class)),
            Message("Ask again first. To vote all the same: --despite-refusal"),
        )


def narrowed(poll_class: PollClass) -> Message:
    """What it means for a voter that a registrar gave them no permit."""
    n = len(poll_class.registrars)
    return Message(
        "Whoever gives you no permit can tell that your ballot is not among those that show it: it would hide among {some} in {all} of the "
        "group's ballots, instead of all.", some=n - poll_class.k, all=n,
    )  # fmt: skip


def collect_permits(
    seed: Seed,
    poll: FrozenPoll,
    credential: bytes,
    keys: Mapping[int, PermitKeys],
    group: int,
    ask: Ask,
    kept: Mapping[int, Permit],
) -> Collected:
    """Ask every registrar that published keys and whose permit is not kept yet.

    ``keys``: what registrars published, by their index in the class, taken from a verified ledger. Whatever goes wrong with one
    registrar, be it in its key, on the way or in its answer, is its refusal and stops no other.
    """
    found = Collected(dict(kept))
    for registrar in sorted(keys.keys() - kept.keys()):
        blinded = answer = b""
        try:
            request = PermitRequest(seed, poll.id, group, credential, keys[registrar].groups[group].modulus)
            blinded = request.blinded
            answer = ask(registrar, blinded)
            found.permits[registrar] = request.finish(registrar, answer)
        except Exception as error:
            found.refusals[registrar] = Refusal(blinded, answer, error)
    return found


def choose_permits(
    seed: Seed, poll: FrozenPoll, seen: SeenRegistrars, collected: Collected, despite_refusal: bool = False
) -> list[Permit]:
    """The k permits that the voter's first ballot in this group shows, in ascending order of their registrars.

    Raises :class:`RegistrarsRefused` if a permit is missing which the ballot could have to show, unless the voter has said
    that the ballot is to be cast despite that; what the last registrar said, or UserError, if there are too few in any case.
    """
    poll_class, permits = poll.poll_class, collected.permits
    using = registrars_in_use(poll_class, seen)
    missing = using - permits.keys()
    # Those whose permits few show come last: better to be seen than not to vote, and the voter is asked.
    in_hand = [using & permits.keys(), set(seen.available) & permits.keys()]
    possible = [chosen for registrars in (using, *in_hand) if (chosen := _first(seed, poll, registrars)) is not None]
    shown = next((chosen for chosen in possible if permits.keys() >= set(chosen)), None)
    if shown is None:
        for refusal in collected.refusals.values():
            raise refusal.error
        raise UserError(
            Message(
                "A first ballot in this poll needs permits of {k} registrars whose rolls are not used up.",
                k=poll_class.k,
            ),
            Message("Collect more, or try again later."),
        )
    if missing and not despite_refusal:
        raise RegistrarsRefused(poll_class, missing)
    return [permits[registrar] for registrar in shown]


def registrars_in_use(poll_class: PollClass, seen: SeenRegistrars) -> set[int]:
    """The registrars whose permits ballots of a group show: those available, but for those whose permits few show.

    A registrar that serves one person and refuses all others would know that one ballot by its permit. It is left out from
    ``FEWEST_BALLOTS`` ballots on if under half of k/n of them show it, the rarest first, unless the rest could admit nobody.
    """
    using = set(seen.available)
    if seen.ballots >= FEWEST_BALLOTS:
        for registrar in sorted(using, key=lambda registrar: (seen.admitted.get(registrar, 0), registrar)):
            few = 2 * len(poll_class.registrars) * seen.admitted.get(registrar, 0) < poll_class.k * seen.ballots
            if few and can_admit(poll_class, using - {registrar}):
                using.remove(registrar)
    return using


def _first(seed: Seed, poll: FrozenPoll, registrars: Collection[int]) -> list[int] | None:
    """The first k of these in the first order with which they have enough sources; None if there are too few for any."""
    poll_class = poll.poll_class
    if not can_admit(poll_class, registrars):
        return None
    for counter in range(ORDERS):
        order = registrar_order(seed, poll.id, len(poll_class.registrars), counter)
        first = [registrar for registrar in order if registrar in registrars][: poll_class.k]
        if can_admit(poll_class, first):
            return sorted(first)
    return sorted(
        _by_source(
            poll_class, [r for r in registrar_order(seed, poll.id, len(poll_class.registrars), 0) if r in registrars]
        )
    )


def _by_source(poll_class: PollClass, order: list[int]) -> list[int]:
    """For classes in which few choices have enough sources: in this order, leaving out whose source is there already as soon as all
    places that remain are for others."""
    chosen: list[int] = []
    sources: set[str] = set()
    for registrar in order:
        source, places = poll_class.registrars[registrar].source, poll_class.k - len(chosen)
        if places and (source not in sources or places > poll_class.sources - len(sources)):
            chosen.append(registrar)
            sources.add(source)
    return chosen
