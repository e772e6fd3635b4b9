"""Which permits a ballot shows: from the seed and the ledger alone, whatever registrars do. docs/protocol.md, section 4.4."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from veche.errors import Refused, UserError
from veche.ledger.entries.charter import PollClass, RegistrarSeat
from veche.ledger.registrars import SeenRegistrars
from veche.permit.derive import registrar_order
from veche.permit.permit import Permit
from veche.permit.seed import Seed
from veche.voter.permits import (
    FEWEST_BALLOTS,
    Collected,
    Refusal,
    RegistrarsRefused,
    choose_permits,
    registrars_in_use,
)

POLL = bytes(range(32))
FOUR = (4, 3, 1)


def seed(number: int) -> Seed:
    return Seed(hashlib.sha256(f"voter {number}".encode()).digest())


def poll_of(n: int, k: int, f: int, sources: str = "", wanted: int = 1) -> Any:
    """As much of a frozen poll as is asked for. ``sources``: a letter for each registrar's; none: each has its own."""
    letters = sources or "".join(chr(ord("a") + i) for i in range(n))
    seats = tuple(RegistrarSeat(f"R{i}", letter) for i, letter in enumerate(letters))
    made = PollClass("c", seats, k, f, wanted, ("T",), 1, 0, 20, 0, 86_400, 1)
    return SimpleNamespace(id=POLL, poll_class=PollClass.parse(made.body()))


def seen(available: Collection[int], ballots: int = 0, admitted: dict[int, int] | None = None) -> SeenRegistrars:
    return SeenRegistrars(available, ballots, admitted or {})


def collected(registrars: Collection[int], refused: Collection[int] = ()) -> Collected:
    permits = {registrar: Permit(registrar, bytes(32), b"") for registrar in registrars}
    refusals = {registrar: Refusal(b"asked", b"", Refused("roll", f"R{registrar} says no.")) for registrar in refused}
    return Collected(permits, refusals)


def shown(number: int, poll: Any, seen: SeenRegistrars, have: Collected, despite: bool = False) -> list[int]:
    return [permit.registrar for permit in choose_permits(seed(number), poll, seen, have, despite)]


ALL = range(4)


def test_the_order_is_what_the_documentation_says() -> None:
    key = hmac.digest(bytes(32), seed(1).secret, "sha256")
    info, out, block = f"veche-v1|registrars|{POLL.hex()}|7".encode(), b"", b""
    for counter in (1, 2):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    drawn = [out[16 * i : 16 * i + 16] for i in ALL]
    assert registrar_order(seed(1), POLL, 4, 7) == [drawn.index(value) for value in sorted(drawn)]


def test_every_choice_is_as_likely() -> None:
    poll = poll_of(*FOUR)
    counts = Counter(tuple(shown(i, poll, seen(ALL), collected(ALL))) for i in range(2000))
    assert len(counts) == 4 and min(counts.values()) > 400  # expected 500, standard deviation 19


def test_only_choices_of_enough_sources_each_as_likely() -> None:
    poll = poll_of(6, 4, 1, "sbsssb", 2)
    counts = Counter(tuple(shown(i, poll, seen(range(6)), collected(range(6)))) for i in range(2800))
    assert len(counts) == 14 and (0, 2, 3, 4) not in counts
    assert min(counts.values()) > 130  # expected 200, standard deviation 14


def test_it_ends_in_a_class_in_which_hardly_any_order_will_do() -> None:
    """Sixteen registrars of one source, and all others are needed."""
    poll = poll_of(32, 17, 0, "x" * 16 + "abcdefghijklmnop", 17)
    for number in range(5):
        chosen = shown(number, poll, seen(range(32)), collected(range(32)))
        assert chosen[1:] == list(range(16, 32)) and chosen[0] < 16
        assert chosen == shown(number, poll, seen(range(32)), collected(range(32)))


def test_a_roll_that_is_used_up_is_replaced_and_nothing_else() -> None:
    poll = poll_of(*FOUR)
    for number in range(20):
        before = shown(number, poll, seen(ALL), collected(ALL))
        left = [registrar for registrar in ALL if registrar != 2]
        after = shown(number, poll, seen(left), collected(ALL))
        assert after == left
        if 2 not in before:
            assert before == after
    with pytest.raises(UserError, match="used up"):
        shown(0, poll, seen([0, 1]), collected(ALL))


def test_a_refusal_is_told_before_anything_is_cast_also_if_the_choice_does_not_need_it() -> None:
    poll = poll_of(*FOUR)
    for number in range(20):
        whole = shown(number, poll, seen(ALL), collected(ALL))
        partly = collected([1, 2, 3], refused=[0])
        with pytest.raises(RegistrarsRefused, match=r"R0.*1 in 4") as refused:
            shown(number, poll, seen(ALL), partly)
        assert refused.value.registrars == [0] and "--despite-refusal" in refused.value.hint
        assert shown(number, poll, seen(ALL), partly, True) == [1, 2, 3]
        # When it answers at a later visit, all is as if it had answered at once.
        assert shown(number, poll, seen(ALL), collected(ALL)) == whole


def test_who_does_not_count_for_anybody_may_refuse() -> None:
    """A roll that is used up, or of which nobody shows permits: nobody is told apart by it."""
    poll = poll_of(*FOUR)
    assert shown(0, poll, seen([1, 2, 3]), collected([1, 2, 3], refused=[0])) == [1, 2, 3]
    rare = seen(ALL, 40, {0: 1, 1: 39, 2: 40, 3: 40})
    assert shown(0, poll, rare, collected([1, 2, 3], refused=[0])) == [1, 2, 3]


def test_too_few_whatever_the_voter_says() -> None:
    poll = poll_of(*FOUR)
    for despite in (False, True):
        with pytest.raises(Refused, match="R0 says no"):
            shown(0, poll, seen(ALL), collected([2, 3], refused=[0, 1]), despite)
        with pytest.raises(UserError, match="needs permits of 3"):
            shown(0, poll, seen(ALL), collected([2, 3]), despite)


def test_who_serves_few_is_left_out() -> None:
    poll = poll_of(*FOUR)
    few = {0: 20, 1: 20, 2: 20, 3: 0}
    assert registrars_in_use(poll.poll_class, seen(ALL, FEWEST_BALLOTS - 1, few)) == {0, 1, 2, 3}
    assert registrars_in_use(poll.poll_class, seen(ALL, FEWEST_BALLOTS, few)) == {0, 1, 2}
    # Half of k/n: three eighths of 24 ballots are nine.
    for count, using in ((9, {0, 1, 2, 3}), (8, {0, 1, 2})):
        assert registrars_in_use(poll.poll_class, seen(ALL, 24, {0: 24, 1: 24, 2: 24, 3: count})) == using


def test_the_rarest_first_and_never_so_many_that_nobody_can_vote() -> None:
    poll = poll_of(*FOUR)
    assert registrars_in_use(poll.poll_class, seen(ALL, 40, {0: 40, 1: 2, 2: 1, 3: 40})) == {0, 1, 3}
    # In this class the four of one source are all shown by a quarter of the ballots, which is under half of 4/7.
    odd = poll_of(7, 4, 0, "xxxxabc", 4)
    even = {0: 10, 1: 11, 2: 10, 3: 9, 4: 40, 5: 40, 6: 40}
    assert registrars_in_use(odd.poll_class, seen(range(7), 40, even)) == {1, 4, 5, 6}


def test_those_who_were_left_out_come_back_before_somebody_cannot_vote() -> None:
    """Twenty people who agree on whom to show cannot make the rest depend on a registrar that refuses."""
    poll = poll_of(7, 5, 1)
    agreed = seen(range(7), 20, {i: 20 if i < 5 else 0 for i in range(7)})
    assert registrars_in_use(poll.poll_class, agreed) == {0, 1, 2, 3, 4}
    partly = collected(range(1, 7), refused=[0])
    with pytest.raises(RegistrarsRefused):
        shown(0, poll, agreed, partly)
    assert len(shown(0, poll, agreed, partly, True)) == 5
