"""`committee` and its steps: in order, once each, silent for no longer than a week, void after any complaint. Section 2.3."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import veche_kernel as kernel

from veche.audit.view import View
from veche.ballot.committee import Committee, Secrets, make_certificate, make_shares, make_single_key
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.life import CommitteePhase
from veche.ledger.poll_state import in_order
from veche.trustee.trustee import Trustee
from veche.world import DAY, World

from .branch import Branch
from .life import Life

At = Callable[[str], Branch]
WEEK = 7 * DAY
COMPLAINT = ["The share does not fit.", "Доля не подходит."]


class Ceremony:
    """A key generation on a branch, by three trustees of the world, step by step."""

    def __init__(self, world: World, folder: Path, mode: str) -> None:
        self.branch = Branch.of(world.ledger, SigningKey.load(world.folder / "ledger" / "log.key"))
        self.world, self.folder, self.checks = world, folder, 0
        self.trustees: list[Trustee] = world.trustees
        self.id = digest(self.branch.entries[self.branch.say("committee", ["city", mode, 99], world.organisers[0])])

    def due(self) -> list[bytes]:
        """What each of the trustees would hand in now for this committee, having verified the ledger."""
        self.checks += 1
        view = View(self.branch.check(self.folder / f"ledger-{self.checks}"))
        entries = [entry for trustee in self.trustees for entry in trustee.due(view)]
        return [entry for entry in entries if decode(entry)[1][0] == self.id]

    def step(self) -> list[bytes]:
        """Take one step, all trustees in their order; the entries."""
        entries = self.due()
        for entry in entries:
            self.branch.admit(entry)
        return entries

    @property
    def void(self) -> str | None:
        found = self.branch.state.committee(self.id)
        assert found is not None
        assert bool(found.reason) == (found.phase == CommitteePhase.VOID)
        return found.reason or None

    @property
    def finished(self) -> int | None:
        found = self.branch.state.committee(self.id)
        assert found is not None
        return found.finished


@pytest.fixture
def ceremony(tmp_path: Path) -> Iterator[Ceremony]:
    with World(tmp_path / "world", citizens={"Arbat": 1}, registrars=(1, 1, 0)) as world:
        made = Ceremony(world, tmp_path, "pedersen")
        yield made
    made.branch.check(tmp_path / "audit")
    made.branch.close()


def test_three_steps_and_the_key_is_there(ceremony: Ceremony) -> None:
    for _ in range(3):
        assert ceremony.finished is None
        assert len(ceremony.step()) == 3
    assert ceremony.finished == ceremony.branch.time
    assert ceremony.due() == []


def test_asking_for_a_committee(life: Life, at: At) -> None:
    branch, organiser = at("founded"), life.organisers[0]
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 1], life.institutions[0])
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 1], *life.organisers)
    branch.refuses_to_say("class", "committee", ["village", "pedersen", 1], organiser)
    branch.refuses_to_say("mode", "committee", ["city", "shamir", 1], organiser)
    branch.refuses_to_say("mode", "committee", ["city", "single", 1], organiser)  # t is not n in this class
    branch.refuses_to_say("shape", "committee", ["city", "pedersen"], organiser)
    branch.refuses_to_say("shape", "committee", ["city", "pedersen", b"1"], organiser)
    branch.refuses_to_say("shape", "committee", [["city"], "pedersen", 1], organiser)
    branch.say("committee", ["city", "pedersen", 1], organiser)
    branch.refuses_to_say("repeated", "committee", ["city", "pedersen", 1], life.organisers[1])


def test_a_trustee_without_a_key_cannot_serve(life: Life, at: At) -> None:
    branch = at("founded")
    trustee = life.world.trustees[0]
    branch.say("office", ["retire", trustee.institution, "trustee", trustee.key.public, 0], *life.institutions[:2], life.organisers[0])  # fmt: skip
    branch.refuses_to_say("authority", "committee", ["city", "pedersen", 1], life.organisers[0])


def test_a_step_begins_when_the_one_before_is_complete(ceremony: Ceremony) -> None:
    branch = ceremony.branch
    certificates = ceremony.due()
    for certificate in certificates[:2]:
        branch.admit(certificate)
    early = [ceremony.id, 1, bytes(64), bytes(64), bytes(64), [bytes(80)] * 3]
    branch.refuses_to_say("committee", "committee-shares", early, ceremony.trustees[0].key)
    branch.refuses_to_say("committee", "committee-key", [ceremony.id, 1, bytes(32), bytes(64), bytes(64)], ceremony.trustees[0].key)  # fmt: skip
    branch.refuses_to_say("committee", "committee-complaint", [ceremony.id, 1, 2, COMPLAINT], ceremony.trustees[0].key)
    branch.admit(certificates[2])
    shares = ceremony.due()
    for share in shares[:2]:
        branch.admit(share)
    branch.refuses_to_say("committee", "committee-key", [ceremony.id, 1, bytes(32), bytes(64), bytes(64)], ceremony.trustees[0].key)  # fmt: skip
    branch.refuses_to_say("committee", "committee-complaint", [ceremony.id, 1, 3, COMPLAINT], ceremony.trustees[0].key)
    branch.admit(shares[2])


def test_each_step_once(ceremony: Ceremony) -> None:
    branch = ceremony.branch
    (first, *_), made = ceremony.step(), Committee(ceremony.id, "pedersen", 3, 2)
    branch.refuses("repeated", first)
    another, _ = make_certificate(made, 1)
    branch.refuses_to_say("committee", "committee-certificate", [ceremony.id, 1, *another.fields()], ceremony.trustees[0].key)  # fmt: skip


def test_nobody_takes_anothers_step(ceremony: Ceremony) -> None:
    branch = ceremony.branch
    body = decode(ceremony.due()[0])[1]
    for key in (ceremony.trustees[1].key, ceremony.world.organisers[0]):
        branch.refuses_to_say("authority", "committee-certificate", body, key)
    branch.refuses_to_say("authority", "committee-certificate", body, ceremony.trustees[0].key, ceremony.trustees[1].key)  # fmt: skip
    for index in (0, 4, 2**60):
        branch.refuses_to_say("shape", "committee-certificate", [ceremony.id, index, *body[2:]], ceremony.trustees[0].key)  # fmt: skip
    branch.refuses_to_say("authority", "committee-certificate", [ceremony.id, 2, *body[2:]], ceremony.trustees[0].key)
    # With their own key as trustee 2 the signature inside, which covers the index, does not hold.
    branch.refuses_to_say("proof", "committee-certificate", [ceremony.id, 2, *body[2:]], ceremony.trustees[1].key)


def test_an_unknown_committee(ceremony: Ceremony) -> None:
    body = decode(ceremony.due()[0])[1]
    ceremony.branch.refuses_to_say("committee", "committee-certificate", [bytes(32), *body[1:]], ceremony.trustees[0].key)  # fmt: skip
    ceremony.branch.refuses_to_say("shape", "committee-certificate", [b"", *body[1:]], ceremony.trustees[0].key)


@pytest.mark.parametrize("step", range(3))
def test_one_changed_byte_in_a_step(step: int, ceremony: Ceremony) -> None:
    """Every field of every step is checked by everybody, but the encrypted shares, which only their recipient can open."""
    for _ in range(step):
        ceremony.step()
    kind, body, _ = decode(ceremony.due()[0])
    rules = set()
    for field in range(2, len(body)):
        if isinstance(body[field], bytes) and (kind, field) != ("committee-certificate", 5):
            for at in {0, len(body[field]) // 2, len(body[field]) - 1}:
                changed = bytearray(body[field])
                changed[at] ^= 1
                bad = [*body[:field], bytes(changed), *body[field + 1 :]]
                rules.add(_refused(ceremony.branch, ceremony.trustees[0].key, kind, bad))
            rules.add(_refused(ceremony.branch, ceremony.trustees[0].key, kind, [*body[:field], body[field] + b"\0", *body[field + 1 :]]))  # fmt: skip
    assert rules <= {"proof", "shape", "commitment", "key"}
    rules.add(_refused(ceremony.branch, ceremony.trustees[0].key, kind, body[:-1]))


def _refused(branch: Branch, key: SigningKey, kind: str, body: list[Any]) -> str:
    (answer,) = branch.branch().block(branch.sign(kind, body, key))
    assert not isinstance(answer, int)
    return answer.rule


def test_exponents_other_than_those_committed_to(ceremony: Ceremony) -> None:
    """The rushing dealer: they see the others' exponents and pick their own to fit. Their hash stands in the ledger."""
    branch, made = ceremony.branch, Committee(ceremony.id, "pedersen", 3, 2)
    for entry in ceremony.due()[1:]:
        branch.admit(entry)
    certificate, secrets = make_certificate(made, 1)
    branch.say("committee-certificate", [ceremony.id, 1, *certificate.fields()], ceremony.trustees[0].key)
    others = make_certificate(made, 1)[1]
    chosen = Secrets(secrets.signing, secrets.decryption, others.coefficients)
    found = branch.state.committee(ceremony.id)
    assert found is not None
    certificates = in_order(found.certificates)
    rushed = make_shares(made, 1, chosen, certificates)
    branch.refuses_to_say("commitment", "committee-shares", [ceremony.id, 1, *rushed.fields()], ceremony.trustees[0].key)  # fmt: skip
    honest = make_shares(made, 1, secrets, certificates)
    branch.say("committee-shares", [ceremony.id, 1, *honest.fields()], ceremony.trustees[0].key)


def test_a_repeated_commitment(ceremony: Ceremony) -> None:
    branch, made = ceremony.branch, Committee(ceremony.id, "pedersen", 3, 2)
    first = decode(ceremony.due()[0])
    branch.admit(ceremony.due()[0])
    certificate, _ = make_certificate(made, 2)
    body = [ceremony.id, 2, *certificate.fields()[:3], first[1][5]]
    branch.refuses_to_say("commitment", "committee-certificate", body, ceremony.trustees[1].key)


def test_a_complaint_makes_it_void(ceremony: Ceremony) -> None:
    branch = ceremony.branch
    ceremony.step()
    ceremony.step()
    keys = ceremony.due()
    branch.admit(keys[0])
    branch.refuses_to_say("shape", "committee-complaint", [ceremony.id, 2, 4, COMPLAINT], ceremony.trustees[1].key)
    branch.refuses_to_say("shape", "committee-complaint", [ceremony.id, 2, 0, COMPLAINT], ceremony.trustees[1].key)
    branch.refuses_to_say("shape", "committee-complaint", [ceremony.id, 2, 1, ["", ""]], ceremony.trustees[1].key)
    branch.say("committee-complaint", [ceremony.id, 2, 1, COMPLAINT], ceremony.trustees[1].key)
    assert branch.kinds()[-2:] == ["committee-complaint", "committee-void"]
    assert ceremony.void == "trustee 2 complains about trustee 1"
    branch.refuses("committee", keys[2])
    branch.refuses_to_say("committee", "committee-complaint", [ceremony.id, 3, 1, COMPLAINT], ceremony.trustees[2].key)
    assert ceremony.due() == []


def test_after_all_keys_nobody_complains(ceremony: Ceremony) -> None:
    for _ in range(3):
        ceremony.step()
    ceremony.branch.refuses_to_say("committee", "committee-complaint", [ceremony.id, 2, 1, COMPLAINT], ceremony.trustees[1].key)  # fmt: skip


@pytest.mark.parametrize("step", range(3))
def test_a_weeks_silence_makes_it_void(step: int, ceremony: Ceremony) -> None:
    branch = ceremony.branch
    for _ in range(step):
        ceremony.step()
    late = ceremony.due()
    branch.admit(late[0])
    last = branch.time
    assert branch.beat_until(last + WEEK - 1) == []
    assert branch.branch().beat_until(last + WEEK) == ["committee-void"]
    branch.block(late[1], time=branch.time)  # in the last second
    assert branch.beat_until(branch.time + WEEK - 1) == []
    assert branch.beat_until(branch.time + 1) == ["committee-void"]
    branch.refuses("committee", late[2])
    assert branch.beat_until(branch.time + 2 * WEEK) == []


def test_a_finished_committee_does_not_grow_silent(ceremony: Ceremony) -> None:
    for _ in range(3):
        ceremony.step()
    assert ceremony.branch.beat_until(ceremony.branch.time + 2 * WEEK) == []


def test_a_step_in_the_block_that_makes_it_void_is_too_late(ceremony: Ceremony) -> None:
    branch = ceremony.branch
    entry = ceremony.due()[0]
    (answer,) = branch.block(entry, time=branch.time + WEEK)
    assert not isinstance(answer, int) and answer.rule == "committee"
    assert branch.kinds()[-1] == "committee-void"


# Mode single: t = n, a key each and nothing else


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Ceremony]:
    with World(tmp_path / "world", citizens={"Arbat": 1}, trustees=(3, 3), registrars=(1, 1, 0)) as world:
        made = Ceremony(world, tmp_path, "single")
        yield made
    made.branch.check(tmp_path / "audit")
    made.branch.close()


def test_single(single: Ceremony) -> None:
    branch, committee, trustees = single.branch, single.id, single.trustees
    certificate, _ = make_certificate(Committee(committee, "pedersen", 3, 3), 1)
    branch.refuses_to_say("committee", "committee-certificate", [committee, 1, *certificate.fields()], trustees[0].key)
    branch.refuses_to_say("committee", "committee-complaint", [committee, 1, 2, COMPLAINT], trustees[0].key)
    keys = [make_single_key()[0] for _ in range(3)]
    branch.refuses_to_say("shape", "committee-key", [committee, 1, keys[0].key, keys[0].proof, bytes(64)], trustees[0].key)  # fmt: skip
    branch.refuses_to_say("proof", "committee-key", [committee, 1, keys[0].key, keys[1].proof, b""], trustees[0].key)
    branch.say("committee-key", [committee, 1, *keys[0].fields()], trustees[0].key)
    branch.refuses_to_say("key", "committee-key", [committee, 2, *keys[0].fields()], trustees[1].key)  # a copy
    branch.say("committee-key", [committee, 2, *keys[1].fields()], trustees[1].key)
    found = branch.state.committee(committee)
    assert found is not None and found.finished is None
    branch.say("committee-key", [committee, 3, *keys[2].fields()], trustees[2].key)
    found = branch.state.committee(committee)
    assert found is not None and found.finished == branch.time
    assert found.key == kernel.point_sum([key.key for key in keys])


def test_single_keys_that_cancel_out(single: Ceremony) -> None:
    """Three trustees who conspire for the identity as public key: every ballot would be readable by everybody."""
    branch, committee, trustees = single.branch, single.id, single.trustees
    a, b = kernel.scalar_random(), kernel.scalar_random()
    c = (-sum(int.from_bytes(x, "little") for x in (a, b)) % kernel.ORDER).to_bytes(32, "little")
    entries = []
    for index, secret in enumerate((a, b, c), 1):
        key = kernel.base_mul(secret)
        prefix = f"pok|Ed25519|{key[::-1].hex()}|".encode()
        body = [committee, index, key, b"".join(kernel.schnorr_prove(secret, prefix)), b""]
        entries.append(branch.sign("committee-key", body, trustees[index - 1].key))
    branch.admit(entries[0])
    branch.admit(entries[1])
    branch.refuses("key", entries[2])
    assert branch.beat_until(branch.time + WEEK) == ["committee-void"]
