"""k institutions take every seat: of the registrars, so that twenty people who do not exist win a poll; of the trustees, so that
every ballot is read.

Three of the city's institutions are enough to change offices. Where a change takes effect at once, they replace the keys of
both registrars by keys of their own on a Monday morning, announce a poll, publish a roll of twenty, sign permits for twenty people whom
they made up, and win. Or they replace the keys of all trustees; the next committee is they alone, and what it decrypts nobody knows.
Everything is signed as the charter wants it, and the auditor finds no fault.

In Veche what the holder of a key did not sign waits for two weeks. Whoever is awake objects, alone. A poll that was announced, and a
committee that was asked for, keep the keys that they began with, so that waiting for a good moment does not help either. Where a seat is
filled because nobody holds it any more, auditors warn at every poll in which it has a part.
"""

import json
from pathlib import Path

import pytest
import veche_kernel as kernel
from city import NO, TRAMS, city, refused

from veche.audit.report import report_ledger
from veche.ballot.decryption import alphas_of, betas_of, open_tally, parts
from veche.keys import SigningKey
from veche.ledger.block import Block
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.office import OfficeAction, OfficeChange, Role
from veche.ledger.poll_state import PollState
from veche.ledger.rules.office import OfficeRule, _replace
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.permit.blind_rsa import IssuerKey, blind_sign
from veche.permit.seed import Seed
from veche.trustee.trustee import Trustee
from veche.trustee.view import LedgerView
from veche.voter.voter import Voter, seal
from veche.world import DAY, World

GHOSTS = 20


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive rule: what k institutions sign takes effect at once, whether or not the holder signs too."""

    def admit(rule: OfficeRule, state: State, block: Block, signed: SignedEntry[OfficeChange]) -> None:
        signed.together(state.charter.k)
        change = signed.entry
        seat = change.institution, change.role
        retired = change.action == OfficeAction.RETIRE
        _replace(state, state.key_of(*seat), None if retired else change.key, b"", seat, None)

    monkeypatch.setattr(OfficeRule, "admit", admit)


def take(world: World, role: Role) -> dict[str, SigningKey]:
    """Three institutions, none of them in this role, ask for keys of their own in all seats of it. The keys."""
    keys = {key.public: key for key in world.office_keys}
    ring = {name: keys[key] for name, other, key in world.charter.offices if other != role}
    signers = list(ring.values())[: world.charter.k]
    taken = {name: SigningKey.generate() for name, other, _ in world.charter.offices if other == role}
    for name, key in taken.items():
        world.say("office", ["rotate", name, role, key.public, 0], *signers)
    return taken


def object_to(world: World, role: Role, taken: dict[str, SigningKey], *holders: SigningKey) -> None:
    """Who holds a seat and is awake objects."""
    for (name, key), holder in zip(taken.items(), holders, strict=True):
        world.say("office", ["object", name, role, key.public, 0], holder)


def stuff(world: World, poll: PollState, taken: dict[str, SigningKey]) -> None:
    """Twenty people who do not exist vote against the trams, with permits by keys that the ring made."""
    issuers = [IssuerKey.generate() for _ in taken]
    for key, issuer in zip(taken.values(), issuers, strict=True):
        world.say("permit-key", [poll.id, [[issuer.modulus, GHOSTS, bytes(32)]]], key)
    world.wait_until(poll.definition.opens)
    for _ in range(GHOSTS):
        voter = Voter(Seed.generate())
        collected = voter.collect_permits(
            poll.frozen, poll.permit_keys, 0, lambda registrar, blinded: blind_sign(issuers[registrar], blinded)
        )
        permits = list(collected.permits.values())
        ballot = voter.prove(poll.frozen, seal(poll.frozen, NO))
        world.submit(voter.cast(poll.id, 0, ballot, permits, 1))


def test_twenty_people_who_do_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive rule: they win, and the auditor finds no fault."""
    at_once(monkeypatch)
    with city(tmp_path) as world:
        committee = world.form_committee()
        taken = take(world, Role.REGISTRAR)
        poll = world.announce([TRAMS], committee=committee, days=1)
        stuff(world, poll, taken)
        world.wait_until(poll.closing)
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.total == ((0, GHOSTS),)


def test_the_registrars_stay(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        committee = world.form_committee()
        taken = take(world, Role.REGISTRAR)
        poll = world.announce([TRAMS], committee=committee, days=1)
        with refused("authority"):
            stuff(world, poll, taken)
        for registrar in range(2):
            world.submit(world.permit_keys(registrar, poll))
        object_to(world, Role.REGISTRAR, taken, *(registrar.office for registrar in world.registrars))
        world.wait(15 * DAY)
        with refused("authority"):
            stuff(world, world.announce([TRAMS], committee=committee, days=1), taken)


def test_a_poll_that_was_announced_before(tmp_path: Path) -> None:
    """Nobody objects, and both seats are taken: the poll that waits for its permit keys meanwhile awaits them of those who left."""
    with city(tmp_path, notice=20 * DAY) as world:
        poll = world.announce([TRAMS], committee=world.form_committee(), days=1)
        taken = take(world, Role.REGISTRAR)
        world.wait(15 * DAY)
        assert {key.public for key in taken.values()} <= {
            key for key, held in world.check().state.offices.items() if held.active
        }
        with refused("authority"):
            stuff(world, poll, taken)
        for registrar in range(2):
            world.submit(world.permit_keys(registrar, poll))

        # Seats that nobody defends are theirs, for the polls to come, and every report says so.
        stuff(world, world.announce([TRAMS], committee=poll.definition.committee, days=1), taken)
        before, after = (
            [str(warning) for warning in poll.warnings if "without the holder" in str(warning)]
            for poll in report_ledger(world.check()).polls
        )
        assert before == []
        for warning, name in zip(after, taken, strict=True):
            assert warning.startswith(f"{name} (registrar) was given its key without the holder of the office")


def ask_the_ring(world: World, rings: list[Trustee]) -> bytes:
    """Ask for a committee, and let those who took the trustees' seats make its key. Its id."""
    honest, world.trustees = world.trustees, rings
    try:
        return world.form_committee()
    finally:
        world.trustees = honest


def read_a_ballot(rings: list[Trustee], committee: bytes, poll: PollState, ballot: bytes) -> list[int]:
    """What two of those who made the key read in one ballot."""
    sums = kernel.Sums(2)
    sums.add([poll.frozen.kernel.load(read_ballot(ballot).ballot)])
    [part] = parts([sums.to_bytes()])
    shares = {}
    for index, trustee in enumerate(rings[:2], 1):
        kept = json.loads((trustee._folder / "committees" / committee.hex() / "answer.json").read_text())
        secret = bytes.fromhex(kept["secret"])
        shares[index] = [kernel.point_mul(secret, alpha) for alpha in alphas_of(part)]
    return open_tally(betas_of(part), shares, "pedersen", 1)


class Ring(Trustee):
    """A trustee's program that signs with the key it has, whoever holds the seat."""

    def _check_office(self, view: LedgerView) -> None:
        pass

    def _sign(self, ledger: bytes, held: bytes, statement: bytes) -> bytes:
        return super()._sign(ledger, self.key.public, statement)


def in_their_name(folder: Path, taken: dict[str, SigningKey]) -> list[Trustee]:
    """Trustees' programs for those who hold these keys."""
    made: list[Trustee] = []
    for number, (name, key) in enumerate(taken.items()):
        made.append(Ring.create(folder / f"ring-{number}", name))
        made[-1].add_key(key)
    return made


def test_every_ballot_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The naive rule: a poll looks like any other, and its ballots are open."""
    at_once(monkeypatch)
    with city(tmp_path) as world:
        rings = in_their_name(tmp_path, take(world, Role.TRUSTEE))
        committee = ask_the_ring(world, rings)
        poll = world.poll([TRAMS], committee=committee, days=1)
        world.wait_until(poll.definition.opens)
        ballot = world.ledger.entry(world.vote(world.citizens[0], poll, NO))
        assert read_a_ballot(rings, committee, poll, ballot) == [0, 1]
        world.check()


def test_the_trustees_stay(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        taken = take(world, Role.TRUSTEE)
        with refused("authority"):
            ask_the_ring(world, in_their_name(tmp_path, taken))
        # The committee that was asked for keeps the trustees of that moment, whatever becomes of their seats.
        world.trustees_act()
        (committee,) = world.ledger.state.committees()
        assert committee.finished is not None
        object_to(world, Role.TRUSTEE, taken, *(trustee.key for trustee in world.trustees))
        world.wait(15 * DAY)
        assert not {key.public for key in taken.values()} & set(world.check().state.offices)


def test_a_committee_that_was_asked_for_before(tmp_path: Path) -> None:
    """Nobody objects, and all seats are taken: the old trustees decrypt, and the new ones cannot keep them from it."""
    with city(tmp_path) as world:
        committee = world.form_committee()
        poll = world.poll([TRAMS], committee=committee, days=20)
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens[:3]:
            world.vote(citizen, poll, NO)
        taken = take(world, Role.TRUSTEE)
        world.wait_until(poll.closing)
        assert all(world.ledger.state.offices[key.public].active for key in taken.values())
        world.trustees_act()
        found = world.check().state.poll(poll.id)
        assert found is not None and found.result is not None
        assert found.result.total == ((0, 3),)
