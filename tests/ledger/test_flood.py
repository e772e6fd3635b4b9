"""Junk costs next to nothing: what has no chance is refused before anything is made of it, or anything dear is checked.

What is counted here is work, not time, which says nothing on a machine that is shared; the figures are `flood.*` of `make bench`.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
import veche_kernel as kernel
from doctor import cast_anew

from veche.engine import waiting as queue
from veche.engine.embedded import LOG_KEY, EmbeddedEngine
from veche.engine.waiting import MOST_OF_ONE
from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.checks import Checked, Verdict, Verdicts
from veche.ledger.codec import decode, encode
from veche.permit.derive import credential_secret
from veche.permit.seed import Seed
from veche.voter.voter import Voter, seal
from veche.world import Citizen, World

from .branch import Branch
from .life import Life
from .test_ballot import BALLOT, PERMITS, TURN, _negated, changed
from .test_codec import BOMBS

At = Callable[[str], Branch]


@pytest.fixture
def citizen(life: Life) -> Citizen:
    return life.citizens("Arbat")[0]


def asked(branch: Branch, *entries: bytes, known: Verdicts | None = None) -> list[Verdict]:
    """As the engine checks them before a block."""
    return branch.machine.check(entries, known, branch.time, ask=True).run()


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_nothing_is_made_of_what_is_no_entry(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(cbor2, "loads", lambda *words, **named: made.append(words))
    with pytest.raises(Refused) as caught:
        decode(data)
    assert (caught.value.rule, made) == ("codec", [])


def test_no_body_is_read_before_its_signatures_hold(life: Life, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can write the key of an office under 65 kB of points."""
    branch, read = at("open"), cbor2.loads
    body = [b"", ["Long", "Долго"], list(range(2000))]
    longest: list[int] = []

    def loads(data: bytes) -> Any:
        longest.append(len(data))
        return read(data)

    key = life.organisers[0]
    strangers, unsigned = SigningKey.generate(), [[key.public, bytes(64)]]
    monkeypatch.setattr(cbor2, "loads", loads)
    branch.refuses("signature", encode(["notice", body, unsigned]))
    branch.refuses("authority", branch.sign("notice", body, strangers))
    assert max(longest) < 3000
    branch.refuses("shape", branch.sign("notice", body, key))
    assert max(longest) > 5000


def test_no_proof_of_a_ballot_of_a_closed_poll(life: Life, at: At, citizen: Citizen) -> None:
    branch, entry = at("open"), life.ballot(citizen)
    branch.beat_until(branch.poll(life.poll.id).closing)
    assert asked(branch, entry) == [None]
    branch.refuses("not-open", entry)


def test_no_proof_before_the_poll_opens_and_then_it_is_judged(life: Life, at: At, citizen: Citizen) -> None:
    branch, entry, known = at("announced"), life.ballot(citizen), Verdicts()
    assert asked(branch, entry, known=known) == [None] and known.get(entry) is None
    (answer,) = branch.block(entry, time=life.poll.definition.opens, known=known)
    assert isinstance(answer, int) and isinstance(known.get(entry), Checked)


def test_no_proof_before_the_registrars_have_published(life: Life, at: At, citizen: Citizen) -> None:
    """Seen while there were no permit keys, it is judged again when they are there."""
    branch, entry, known = at("keyless"), life.ballot(citizen), Verdicts()
    assert asked(branch, entry, known=known) == [None]
    for keys in life.permit_keys:
        branch.admit(keys)
    (answer,) = branch.block(entry, time=life.poll.definition.opens, known=known)
    assert isinstance(answer, int)


def test_no_proof_of_what_the_state_refuses(life: Life, at: At, citizen: Citizen) -> None:
    branch, entry, known = at("open"), life.ballot(citizen), Verdicts()
    stranger = Voter(Seed.generate())
    branch.admit(entry)
    ballot = stranger.prove(life.poll.frozen, seal(life.poll.frozen, [[1, 0, 0]]))
    fresh = stranger.cast(life.poll.id, 0, ballot, [], 1)
    junk = {
        "turn": entry,
        "group": changed(life, citizen, 2, 1, life.ballot(citizen, turn=2, permits=False)),
        "permits": life.ballot(citizen, turn=2),
    }
    found = asked(branch, *junk.values(), fresh, known=known)
    assert all(isinstance(verdict, kernel.IdentifiedBallot) for verdict in found)
    for rule, data in junk.items():
        branch.refuses(rule, data)
    branch.refuses("permits", fresh)
    # What the state says is not remembered: the same ballots are checked where it says something else.
    assert isinstance(asked(at("open"), entry, known=known)[0], Checked)


def test_no_proof_of_more_voters_than_people(life: Life, at: At) -> None:
    branch = at("open")
    first = life.citizens("Arbat")[0]
    poll = branch.poll(life.poll.id)
    poll.admitted[0, 0] = poll.permit_keys[0].groups[0].people
    assert isinstance(asked(branch, life.ballot(first))[0], kernel.IdentifiedBallot)
    branch.state.forget()


def test_a_credential_is_a_point(life: Life, at: At, citizen: Citizen) -> None:
    """Its ballots can store it in eight ways; who replays one in another way is known all the same."""
    branch, entry = at("open"), life.ballot(citizen)
    branch.admit(entry)
    stored = decode(entry)[BALLOT]
    other = changed(life, citizen, BALLOT, _negated(stored[:32]) + stored[32:], entry)
    assert isinstance(asked(branch, other)[0], kernel.IdentifiedBallot)
    branch.refuses("turn", other)


def test_permits_before_the_cast_signature_of_a_first_ballot(life: Life, at: At, citizen: Citizen) -> None:
    """Anybody can sign for a credential of their own, and nobody can make its permits."""
    item = decode(life.ballot(citizen))
    false = [[registrar, prefix, bytes(len(signature))] for registrar, prefix, signature in item[PERMITS]]
    (verdict,) = asked(at("open"), encode([*item[:PERMITS], false, item[TURN], bytes(64)]))
    assert isinstance(verdict, Refused) and verdict.rule == "permits"


def test_the_cast_signature_before_proofs(life: Life, at: At, citizen: Citizen) -> None:
    branch = at("open")
    branch.admit(life.ballot(citizen))
    item = decode(life.ballot(citizen, turn=2, permits=False))
    item[BALLOT] = item[BALLOT][:-32] + bytes(32)
    (verdict,) = asked(branch, encode(item))
    assert isinstance(verdict, Refused) and verdict.rule == "cast"
    (verdict,) = asked(branch, cast_anew(credential_secret(citizen.voter._seed, life.poll.id), encode(item)))
    assert isinstance(verdict, Refused) and verdict.rule == "proofs"


def test_the_same_entry_many_times_is_checked_once(life: Life, at: At, citizen: Citizen) -> None:
    branch, entry = at("open"), life.ballot(citizen)
    verdicts = asked(branch, *[entry] * 50)
    assert len({id(verdict) for verdict in verdicts}) == 1 and isinstance(verdicts[0], Checked)
    answers = branch.block(*[entry] * 50)
    assert [isinstance(answer, int) for answer in answers] == [True] + [False] * 49


def like_a_ballot(whose: int, number: int) -> bytes:
    return b"\x87\x66ballot\x58\x20" + bytes(32) + b"\x00\x59\x04\x00" + bytes([whose]) * 32 + bytes([number])


def test_no_credential_keeps_an_engine_busy(tmp_path: Path) -> None:
    """Who has voted can make ballots of which the last proof is false, the dearest thing to refuse: four at a time."""
    with World(tmp_path, citizens={"Centre": 2}) as world:
        idle = EmbeddedEngine(world.ledger, SigningKey.load(tmp_path / "ledger" / LOG_KEY), lambda: world.now)
        answers = [idle.submit(like_a_ballot(1, number)) for number in range(MOST_OF_ONE + 1)]
        others = [idle.submit(like_a_ballot(2, number)) for number in range(MOST_OF_ONE)]
        assert [answer.done() for answer in answers] == [False] * MOST_OF_ONE + [True]
        assert not any(answer.done() for answer in others)
        busy = answers[-1].exception()
        assert isinstance(busy, Refused) and busy.rule == "busy" and busy.hint
        answer = world.engine.submit(like_a_ballot(1, 9))
        assert isinstance(refused := answer.exception(), Refused) and refused.rule == "codec"
        for number in range(2 * MOST_OF_ONE):  # one after the other they are all looked at
            answer = world.engine.submit(like_a_ballot(3, number))
            assert isinstance(refused := answer.exception(), Refused) and refused.rule == "codec"


def test_what_lies_in_an_engine_has_a_bound_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ROOM_BYTES", 10_000)
    with World(tmp_path, citizens={"Centre": 2}) as world:
        idle = EmbeddedEngine(world.ledger, SigningKey.load(tmp_path / "ledger" / LOG_KEY), lambda: world.now)
        idle.submit(bytes(10_000))
        waiting = threading.Thread(target=lambda: world.engine.submit(b"") and idle.submit(b"1"), daemon=True)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive() and len(idle._waiting) == 1
        assert idle._waiting.take()
        waiting.join(10)
        assert not waiting.is_alive() and idle._waiting._bytes == 1
