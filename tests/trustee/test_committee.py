"""The checks of key generation, step by step, on what cheating trustees may publish."""

import dataclasses
import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import veche_kernel as kernel

from veche.ballot import channel
from veche.ballot.committee import (
    Certificate,
    Committee,
    Key,
    Secrets,
    Shares,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    make_certificate,
    make_key,
    make_shares,
    make_single_key,
    open_share,
    public_key,
    verification_key,
)
from veche.errors import Refused

N, T = 3, 2
COMMITTEE = Committee(hashlib.sha256(b"committee").digest(), "pedersen", N, T)
SINGLE = Committee(hashlib.sha256(b"single").digest(), "single", N, N)
TORSION = bytes(32)
"""The point with y = 0, of order 4."""


@dataclass
class Ceremony:
    certificates: list[Certificate]
    secrets: list[Secrets]
    shares: list[Shares]
    keys: list[Key]
    scalars: list[bytes]


@pytest.fixture(scope="module")
def done() -> Ceremony:
    made = [make_certificate(COMMITTEE, i) for i in range(1, N + 1)]
    certificates, secrets = [m[0] for m in made], [m[1] for m in made]
    shares = [make_shares(COMMITTEE, i, secrets[i - 1], certificates) for i in range(1, N + 1)]
    keys = []
    for i in range(1, N + 1):
        received = [open_share(COMMITTEE, i, secrets[i - 1], d, shares[d - 1]) for d in range(1, N + 1)]
        keys.append(make_key(COMMITTEE, i, secrets[i - 1], received))
    return Ceremony(certificates, secrets, shares, [k[0] for k in keys], [k[1] for k in keys])


def test_an_honest_ceremony_holds(done: Ceremony) -> None:
    for i in range(1, N + 1):
        check_certificate(COMMITTEE, i, done.certificates[i - 1], done.certificates[: i - 1])
        check_shares(COMMITTEE, i, done.shares[i - 1], done.certificates)
        check_key(COMMITTEE, i, done.keys[i - 1], done.certificates, done.shares)
    assert [kernel.base_mul(scalar) for scalar in done.scalars] == [key.key for key in done.keys]
    secret = kernel.scalar_add(
        kernel.scalar_add(done.secrets[0].coefficients[0], done.secrets[1].coefficients[0]),
        done.secrets[2].coefficients[0],
    )
    assert kernel.base_mul(secret) == public_key(COMMITTEE, done.keys, done.shares)


def test_fields_and_back(done: Ceremony) -> None:
    assert Certificate.from_fields(done.certificates[0].fields()) == done.certificates[0]
    assert Shares.from_fields(done.shares[0].fields()) == done.shares[0]
    assert Key.from_fields(done.keys[0].fields()) == done.keys[0]


@pytest.mark.parametrize("kind", [Certificate, Shares, Key])
@pytest.mark.parametrize("fields", [[], [b""], [1, 2, 3, 4], [b"", b"", b"", b""], [b"", b"", b"", [1]], ["", "", ""]])
def test_wrong_shapes_are_refused(kind: type[Certificate] | type[Shares] | type[Key], fields: list[object]) -> None:
    with pytest.raises(Refused) as refused:
        kind.from_fields(fields)
    assert refused.value.rule == "shape"


def test_secrets_do_not_show(done: Ceremony) -> None:
    assert repr(done.secrets[0]) == "Secrets()"


# Step 1


def flip(data: bytes, at: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


CERTIFICATES: dict[str, tuple[str, Callable[[Ceremony, Certificate], Certificate]]] = {
    "another verification key": (
        "proof",
        lambda c, x: dataclasses.replace(x, verification=c.certificates[1].verification),
    ),
    "another encryption key": ("proof", lambda c, x: dataclasses.replace(x, encryption=c.certificates[1].encryption)),
    "another trustee's certificate": (
        "proof",
        lambda c, x: dataclasses.replace(c.certificates[1], commitment=bytes(32)),
    ),
    "the identity as encryption key": ("shape", lambda c, x: dataclasses.replace(x, encryption=kernel.IDENTITY)),
    "the identity as verification key": ("shape", lambda c, x: dataclasses.replace(x, verification=kernel.IDENTITY)),
    "an encryption key of small order": ("shape", lambda c, x: dataclasses.replace(x, encryption=TORSION)),
    "a verification key of small order": ("shape", lambda c, x: dataclasses.replace(x, verification=TORSION)),
    "no point at all": ("shape", lambda c, x: dataclasses.replace(x, encryption=b"\xff" * 32)),
    "a changed signature": ("proof", lambda c, x: dataclasses.replace(x, signature=flip(x.signature))),
    "an unreduced response": ("shape", lambda c, x: dataclasses.replace(x, signature=x.signature[:32] + b"\xff" * 32)),
    "a repeated commitment": (
        "commitment",
        lambda c, x: dataclasses.replace(x, commitment=c.certificates[1].commitment),
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_bad_certificates_are_refused(done: Ceremony, name: str) -> None:
    rule, change = CERTIFICATES[name]
    with pytest.raises(Refused) as refused:
        check_certificate(COMMITTEE, 1, change(done, done.certificates[0]), done.certificates[1:])
    assert refused.value.rule == rule


@pytest.mark.parametrize("index", [0, 4])
def test_nobody_outside_the_committee(done: Ceremony, index: int) -> None:
    with pytest.raises(Refused, match="no trustee"):
        check_certificate(COMMITTEE, index, done.certificates[0], [])


def test_a_certificate_is_for_one_committee_shape(done: Ceremony) -> None:
    for other in (Committee(COMMITTEE.id, "pedersen", N, 3), Committee(COMMITTEE.id, "pedersen", 4, T)):
        with pytest.raises(Refused, match="does not hold"):
            check_certificate(other, 1, done.certificates[0], [])


# Step 2


def resigned(
    done: Ceremony, index: int, coefficients: tuple[bytes, ...], commit: bool
) -> tuple[Shares, list[Certificate]]:
    """Shares of ``index`` with other coefficients, signed as they should be; committed to or not."""
    secrets = dataclasses.replace(done.secrets[index - 1], coefficients=coefficients)
    certificates = list(done.certificates)
    if commit:
        exponents = b"".join(kernel.base_mul(c) for c in coefficients)
        commitment = hashlib.sha256(exponents).digest()
        certificates[index - 1] = dataclasses.replace(certificates[index - 1], commitment=commitment)
    return make_shares(COMMITTEE, index, secrets, certificates), certificates


def test_other_exponents_than_committed_are_refused(done: Ceremony) -> None:
    """The rogue dealer: they wait for the others' exponents, then pick their own so that they know the key's secret."""
    mine = kernel.scalar_random()
    shares, certificates = resigned(done, 1, (mine, kernel.scalar_random()), commit=False)
    others = kernel.point_sum([dealer.exponents[:32] for dealer in done.shares[1:]])
    rogue = kernel.point_sub(kernel.base_mul(mine), others)
    chosen = dataclasses.replace(shares, exponents=rogue + shares.exponents[32:])
    assert public_key(COMMITTEE, done.keys, [chosen, *done.shares[1:]]) == kernel.base_mul(mine)
    for bad in (shares, chosen):
        with pytest.raises(Refused) as refused:
            check_shares(COMMITTEE, 1, bad, certificates)
        assert refused.value.rule == "commitment"


def test_rogue_exponents_that_were_committed_to_leave_the_dealer_without_shares(done: Ceremony) -> None:
    """Even with a commitment that fits, nobody can deal shares of exponents whose logarithm they do not know."""
    rogue = kernel.point_sub(kernel.base_mul(kernel.scalar_random()), done.shares[1].exponents[:32])
    shares, certificates = resigned(done, 1, done.secrets[0].coefficients, commit=True)
    exponents = rogue + shares.exponents[32:]
    with pytest.raises(Refused):
        check_shares(COMMITTEE, 1, dataclasses.replace(shares, exponents=exponents), certificates)
    for i in range(2, N + 1):
        with pytest.raises(Refused, match="does not fit"):
            open_share(COMMITTEE, i, done.secrets[i - 1], 1, dataclasses.replace(shares, exponents=exponents))


def test_a_polynomial_of_another_degree_is_refused(done: Ceremony) -> None:
    for degree in (1, 3):
        coefficients = tuple(kernel.scalar_random() for _ in range(degree))
        shares, certificates = resigned(done, 1, coefficients, commit=True)
        with pytest.raises(Refused, match="2 exponents"):
            check_shares(COMMITTEE, 1, shares, certificates)


def test_exponents_outside_the_group_are_refused(done: Ceremony) -> None:
    shares = done.shares[0]
    for point in (TORSION, b"\xff" * 32):
        bad = dataclasses.replace(shares, exponents=shares.exponents[:32] + point)
        certificates = list(done.certificates)
        commitment = hashlib.sha256(bad.exponents).digest()
        certificates[0] = dataclasses.replace(certificates[0], commitment=commitment)
        with pytest.raises(Refused, match="no point"):
            check_shares(COMMITTEE, 1, bad, certificates)


SHARES: dict[str, tuple[str, Callable[[Ceremony, Shares], Shares]]] = {
    "a changed signature": ("proof", lambda c, x: dataclasses.replace(x, signature=flip(x.signature))),
    "a changed signature of the certificates": (
        "proof",
        lambda c, x: dataclasses.replace(x, certificates=flip(x.certificates, 40)),
    ),
    "the signatures exchanged": (
        "proof",
        lambda c, x: dataclasses.replace(x, signature=x.certificates, certificates=x.signature),
    ),
    "another dealer's shares": ("commitment", lambda c, x: c.shares[1]),
    "a share too few": ("shape", lambda c, x: dataclasses.replace(x, shares=x.shares[:2])),
    "a share too many": ("shape", lambda c, x: dataclasses.replace(x, shares=x.shares * 2)),
    "a short share": ("shape", lambda c, x: dataclasses.replace(x, shares=(*x.shares[:2], x.shares[2][:79]))),
}


@pytest.mark.parametrize("name", SHARES)
def test_bad_shares_are_refused(done: Ceremony, name: str) -> None:
    rule, change = SHARES[name]
    with pytest.raises(Refused) as refused:
        check_shares(COMMITTEE, 1, change(done, done.shares[0]), done.certificates)
    assert refused.value.rule == rule


def test_all_must_have_seen_the_same_certificates(done: Ceremony) -> None:
    other, _ = make_certificate(COMMITTEE, 2)
    seen = [done.certificates[0], other, done.certificates[2]]
    shares = make_shares(COMMITTEE, 1, done.secrets[0], seen)
    with pytest.raises(Refused, match="certificates as seen by trustee 1"):
        check_shares(COMMITTEE, 1, shares, done.certificates)
    check_shares(COMMITTEE, 1, shares, seen)


def test_a_step_begins_when_the_one_before_is_complete(done: Ceremony) -> None:
    with pytest.raises(Refused, match="2 of 3 certificates"):
        check_shares(COMMITTEE, 1, done.shares[0], done.certificates[:2])
    with pytest.raises(Refused, match="2 of 3 shares"):
        check_key(COMMITTEE, 1, done.keys[0], done.certificates, done.shares[:2])
    with pytest.raises(Refused, match="2 of 3 keys"):
        public_key(COMMITTEE, done.keys[:2], done.shares)


# The channel


def test_shares_open_in_one_place_only(done: Ceremony) -> None:
    """A share does not open for another recipient, from another dealer, in another committee, or changed."""
    for dealer, recipient in itertools.product(range(1, N + 1), repeat=2):
        sent = done.shares[dealer - 1].shares[recipient - 1]
        for d, r, other in itertools.product(range(1, N + 1), range(1, N + 1), (COMMITTEE.id, SINGLE.id)):
            key = done.secrets[r - 1].decryption
            if (d, r, other) == (dealer, recipient, COMMITTEE.id):
                assert kernel.base_mul(channel.decrypt(other, d, r, key, sent)) == verification_key(
                    [done.shares[dealer - 1]], recipient
                )
            else:
                with pytest.raises(Refused, match="cannot be opened"):
                    channel.decrypt(other, d, r, key, sent)


@pytest.mark.parametrize("at", [0, 31, 32, 63, 64, 79])
def test_a_changed_share_does_not_open(done: Ceremony, at: int) -> None:
    with pytest.raises(Refused) as refused:
        channel.decrypt(COMMITTEE.id, 1, 2, done.secrets[1].decryption, flip(done.shares[0].shares[1], at))
    assert refused.value.rule == "share"


def test_a_share_of_another_length_is_refused(done: Ceremony) -> None:
    with pytest.raises(Refused, match="79 bytes"):
        channel.decrypt(COMMITTEE.id, 1, 2, done.secrets[1].decryption, done.shares[0].shares[1][:79])


def test_a_share_that_is_no_scalar_is_refused(done: Ceremony) -> None:
    sent = channel.encrypt(COMMITTEE.id, 1, 2, done.certificates[1].encryption, b"\xff" * 32)
    bad = dataclasses.replace(done.shares[0], shares=(sent, sent, sent))
    with pytest.raises(Refused, match="below the group's order"):
        open_share(COMMITTEE, 2, done.secrets[1], 1, bad)


def test_a_share_for_another_trustee_does_not_fit(done: Ceremony) -> None:
    """The dealer encrypts f(3) to trustee 2."""
    value = open_share(COMMITTEE, 3, done.secrets[2], 1, done.shares[0])
    sent = channel.encrypt(COMMITTEE.id, 1, 2, done.certificates[1].encryption, value)
    bad = dataclasses.replace(done.shares[0], shares=(done.shares[0].shares[0], sent, done.shares[0].shares[2]))
    with pytest.raises(Refused, match="does not fit the exponents"):
        open_share(COMMITTEE, 2, done.secrets[1], 1, bad)


# Step 3


def test_the_key_must_follow_from_the_exponents(done: Ceremony) -> None:
    """A trustee cannot publish a key of their choice, though they prove that they know its secret and sign it."""
    key, _ = make_key(COMMITTEE, 1, done.secrets[0], [kernel.scalar_random()] * N)
    with pytest.raises(Refused, match="follows from the exponents"):
        check_key(COMMITTEE, 1, key, done.certificates, done.shares)
    with pytest.raises(Refused, match="follows from the exponents"):
        check_key(COMMITTEE, 1, done.keys[1], done.certificates, done.shares)


@pytest.mark.parametrize("part", ["proof", "signature"])
def test_bad_proofs_of_the_key_are_refused(done: Ceremony, part: str) -> None:
    key = done.keys[0]
    for bad in (flip(getattr(key, part)), flip(getattr(key, part), 33), getattr(done.keys[1], part)):
        with pytest.raises(Refused) as refused:
            check_key(COMMITTEE, 1, dataclasses.replace(key, **{part: bad}), done.certificates, done.shares)
        assert refused.value.rule == "proof"
    with pytest.raises(Refused, match="0 bytes instead of 64"):
        check_key(COMMITTEE, 1, dataclasses.replace(key, signature=b""), done.certificates, done.shares)


def test_keys_that_cancel_out_are_refused(done: Ceremony) -> None:
    cancel = kernel.point_sub(kernel.IDENTITY, kernel.point_sum([dealer.exponents[:32] for dealer in done.shares[:2]]))
    shares = [*done.shares[:2], dataclasses.replace(done.shares[2], exponents=cancel + done.shares[2].exponents[32:])]
    with pytest.raises(Refused, match="cancel out"):
        public_key(COMMITTEE, done.keys, shares)


# Mode single


def test_single_keys() -> None:
    keys = [make_single_key()[0] for _ in range(N)]
    for i, key in enumerate(keys, 1):
        check_single_key(SINGLE, i, key, keys[: i - 1])
    assert public_key(SINGLE, keys, []) == kernel.point_sum([key.key for key in keys])


def test_bad_single_keys_are_refused(done: Ceremony) -> None:
    (first, _), (second, secret) = make_single_key(), make_single_key()
    mine = kernel.base_mul(secret)
    bad = {
        "repeats the key": first,
        "does not hold": dataclasses.replace(second, proof=flip(second.proof)),
        "is empty": done.keys[0],
        "is malformed": dataclasses.replace(second, key=TORSION),
    }
    for message, key in bad.items():
        with pytest.raises(Refused, match=message):
            check_single_key(SINGLE, 2, key, [first])
    rogue = dataclasses.replace(second, key=kernel.point_sub(mine, first.key))
    assert public_key(Committee(SINGLE.id, "single", 2, 2), [first, rogue], []) == mine
    with pytest.raises(Refused, match="does not hold"):
        check_single_key(SINGLE, 2, rogue, [first])


def test_the_modes_are_not_mixed(done: Ceremony) -> None:
    key, _ = make_single_key()
    for check in (
        lambda: check_certificate(SINGLE, 1, done.certificates[0], []),
        lambda: check_shares(SINGLE, 1, done.shares[0], done.certificates),
        lambda: check_key(SINGLE, 1, done.keys[0], done.certificates, done.shares),
        lambda: check_single_key(COMMITTEE, 1, key, []),
        lambda: Committee(COMMITTEE.id, "single", 3, 2),
        lambda: Committee(COMMITTEE.id, "pedersen", 2, 3),
        lambda: Committee(COMMITTEE.id, "pedersen", 2, 0),
        lambda: Committee(COMMITTEE.id, "Pedersen", 2, 2),
    ):
        with pytest.raises(Refused) as refused:
            check()
        assert refused.value.rule == "mode"
