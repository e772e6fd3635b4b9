"""Ballots: their size, their JSON, each equation, openings and sums."""

import hashlib
import json
import random
from collections.abc import Callable

import pytest
import veche_kernel as kernel
from nacl import bindings as sodium

from kernel.ballots import (
    FINGERPRINT,
    KEY,
    KEY_SECRET,
    UUID,
    belenios_hash,
    entry,
    judge,
    layout,
    make,
    number,
    read,
    sign,
    why_not,
)
from kernel.edwards import NON_CANONICAL, TORSION, Q

FIVE_QUESTIONS = ((5, 1, 1, False),)
MIXED_QUESTIONS = ((2, 1, 2, True), (3, 0, 3, False), (1, 1, 1, False))
FIVE, MIXED = make(*FIVE_QUESTIONS), make(*MIXED_QUESTIONS)
MIXED_CHOICES = [
    [[0, 1, 0], [0, 0, 0], [1]],
    [[0, 1, 1], [1, 1, 1], [1]],
    [[1, 0, 0], [0, 1, 0], [1]],
]


def test_sizes() -> None:
    assert FIVE.ballot_size == 1632
    assert FIVE.ciphertext_count == 5
    # One question with blank: 1 + 6 points and for 3 + 1 proofs of two branches 4 points and 3 scalars each; an overall
    # proof of three branches: 6 points, 5 scalars; and the signature.
    assert make((2, 1, 2, True)).ballot_size == 32 * (1 + 6 + 4 * 7 + 11 + 2)
    assert MIXED.ciphertext_count == 3 + 3 + 1


def test_layout() -> None:
    """The parts are where section 3.1 of docs/protocol.md puts them."""
    secret = kernel.scalar_random()
    election = make((2, 1, 1, False))
    randomness = election.randomness()
    ballot = election.prove(secret, [[0, 1]], randomness)
    words = [ballot[i : i + 32] for i in range(0, len(ballot), 32)]
    points = {i: sodium.crypto_scalarmult_ed25519_noclamp(number(8), w) for i, w in enumerate(words[:9])}
    fields = json.loads(election.to_json(ballot))
    answers = fields["answers"][0]

    def text(i: int) -> str:
        return points[i][::-1].hex()

    assert points[0] == kernel.base_mul(secret)
    assert [c[k] for c in answers["choices"] for k in ("alpha", "beta")] == [text(i) for i in range(1, 5)]
    assert points[1] == kernel.base_mul(randomness[:32])
    proof = answers["individual_proofs"][0]
    prefix = f"prove|{FINGERPRINT}|{text(0)}|{text(1)},{text(2)}|"
    digest = belenios_hash((prefix + ",".join(map(text, range(5, 9)))).encode())
    challenges = [int(branch["challenge"]) for branch in proof]
    assert sum(challenges) % Q == digest
    assert words[9] == number(challenges[0])
    assert words[10:12] == [number(int(branch["response"])) for branch in proof]
    assert words[-1] == number(int(fields["signature"]["proof"]["response"]))
    assert words[-3] == number(int(answers["overall_proof"][0]["response"]))


@pytest.mark.parametrize("choices", MIXED_CHOICES)
def test_prove_and_verify(choices: list[list[int]]) -> None:
    for _ in range(10):
        secret = kernel.scalar_random()
        randomness = MIXED.randomness()
        ballot = MIXED.prove(secret, choices, randomness)
        assert len(ballot) == MIXED.ballot_size
        checked = MIXED.verify(ballot)
        assert checked.credential == kernel.base_mul(secret)
        assert checked.tracker == hashlib.sha256(MIXED.to_json(ballot)).digest() == MIXED.load(ballot).tracker
        assert MIXED.codes([ballot]) == [MIXED.code(choices, randomness)]
        assert MIXED.from_json(MIXED.to_json(ballot)) == ballot
        judged = judge(MIXED, entry(ballot, secret))
        assert isinstance(judged, kernel.CheckedBallot)
        assert judged.tracker == checked.tracker


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ([[1, 1, 0], [0, 0, 0], [1]], "question 1: a blank vote chooses nothing else"),
        ([[0, 0, 0], [0, 0, 0], [1]], "question 1: 1 to 2 answers may be chosen, not 0"),
        ([[0, 1, 0], [0, 0, 0], [0]], "question 3: 1 to 1 answers may be chosen, not 0"),
        ([[0, 1, 0], [0, 2, 0], [1]], "question 2: each choice is 0 or 1"),
        ([[0, 1, 0], [0, 0, 0, 0], [1]], "question 2: 3 choices are wanted, not 4"),
        ([[1, 0], [0, 0, 0], [1]], "question 1: 3 choices are wanted, not 2"),
        ([[0, 1, 0], [0, 0, 0]], "the poll has 3 questions, not 2"),
    ],
)
def test_choices_that_are_not_allowed(choices: list[list[int]], reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        MIXED.prove(kernel.scalar_random(), choices, MIXED.randomness())


def test_huge_choices_do_not_wrap() -> None:
    with pytest.raises(ValueError, match="each choice is 0 or 1"):
        make((3, 1, 1, False)).prove(kernel.scalar_random(), [[2**64 - 1, 1, 1]], bytes(96))


def test_a_credential_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        FIVE.prove(bytes(32), [[1, 0, 0, 0, 0]], FIVE.randomness())


def test_ballots_are_fresh() -> None:
    secret = kernel.scalar_random()
    made = [FIVE.prove(secret, [[1, 0, 0, 0, 0]], FIVE.randomness()) for _ in range(20)]
    words = [ballot[i : i + 32] for ballot in made for i in range(32, len(ballot), 32)]
    assert len(set(words)) == len(words), "nothing but the credential is the same in two ballots, or twice in one"


def test_the_code_is_that_of_the_text() -> None:
    """Section 3.3 of docs/protocol.md, written out with libsodium."""
    randomness, choices = MIXED.randomness(), MIXED_CHOICES[0]
    texts = []
    for i, m in enumerate(flag for answers in choices for flag in answers):
        r = randomness[32 * i : 32 * i + 32]
        masked = sodium.crypto_scalarmult_ed25519_noclamp(r, KEY)
        beta = sodium.crypto_core_ed25519_add(masked, kernel.BASE) if m else masked
        texts += [sodium.crypto_scalarmult_ed25519_base_noclamp(r)[::-1].hex(), beta[::-1].hex()]
    text = f"veche-check-v1|{FINGERPRINT}|{','.join(texts)}"
    assert MIXED.code(choices, randomness) == hashlib.sha256(text.encode()).digest()


def test_the_code_tells_ciphertexts_apart_and_nothing_else() -> None:
    """Other choices, other randomness anywhere, another key or poll: another code. Another credential: the same."""
    choices, randomness = [[0, 0, 0, 1, 0]], FIVE.randomness()
    ballots = [FIVE.prove(kernel.scalar_random(), choices, randomness) for _ in range(2)]
    code = FIVE.code(choices, randomness)
    assert FIVE.codes(ballots) == [code, code]
    others = {FIVE.code([[0, 0, 1, 0, 0]], randomness)}
    for i in range(5):
        others.add(FIVE.code(choices, randomness[: 32 * i] + kernel.scalar_random() + randomness[32 * i + 32 :]))
    others.add(kernel.Election(kernel.BASE, FINGERPRINT, UUID, [(5, 1, 1, False)]).code(choices, randomness))
    others.add(kernel.Election(KEY, "A" * 43, UUID, [(5, 1, 1, False)]).code(choices, randomness))
    assert code not in others
    assert len(others) == 8


def test_randomness_that_is_none() -> None:
    choices, randomness = [[0, 0, 0, 1, 0]], FIVE.randomness()
    for make_of in (FIVE.code, lambda *given: FIVE.prove(kernel.scalar_random(), *given)):
        with pytest.raises(ValueError, match="has 160 bytes here, not 159"):
            make_of(choices, randomness[:-1])
        with pytest.raises(ValueError, match="the randomness: a scalar is not reduced"):
            make_of(choices, randomness[:-32] + b"\xff" * 32)
        with pytest.raises(ValueError, match="1 to 1 answers may be chosen, not 2"):
            make_of([[0, 1, 0, 1, 0]], randomness)
    with pytest.raises(ValueError, match="1632"):
        FIVE.codes([bytes(1631)])
    with pytest.raises(ValueError, match="canonical"):
        FIVE.codes([b"\xff" * 1632])


@pytest.mark.parametrize("election", [FIVE, MIXED], ids=["five", "mixed"])
def test_every_scalar_and_point_counts(election: kernel.Election) -> None:
    """Another value in any place, signed anew: the proof that the place belongs to is named, or one that hashes it."""
    secret = kernel.scalar_random()
    choices = [[0, 1, 0, 0, 0]] if election is FIVE else MIXED_CHOICES[0]
    ballot = election.prove(secret, choices, election.randomness())
    assert election.verify(sign(election, secret, ballot))
    words = layout(*(FIVE_QUESTIONS if election is FIVE else MIXED_QUESTIONS))
    assert 32 * len(words) == election.ballot_size
    named = set()
    for place in range(1, len(words) - 2):
        at = 32 * place
        word = ballot[at : at + 32]
        other = kernel.point_add(word, kernel.BASE) if words[place] == "p" else kernel.scalar_add(word, number(1))
        changed = sign(election, secret, ballot[:at] + other + ballot[at + 32 :])
        with pytest.raises(kernel.ProofError, match=r"proof of .* does not hold") as caught:
            election.verify(changed)
        named.add(str(caught.value))
        assert why_not(election, entry(changed, secret)) == ("proofs", str(caught.value))
    proofs = 6 if election is FIVE else (3 + 1 + 1) + (3 + 1) + (1 + 1)
    assert len(named) == proofs
    for at in (len(ballot) - 64, len(ballot) - 32):
        other = kernel.BASE if at == len(ballot) - 64 else kernel.scalar_random()
        with pytest.raises(kernel.ProofError, match=r"^the signature of the ballot does not hold$"):
            election.verify(ballot[:at] + other + ballot[at + 32 :])


def forge(choices: list[list[int]], answers: tuple[int, int, int, bool], pretended: list[list[int]]) -> None:
    """A ballot for ``pretended`` whose last ciphertext is moved to encrypt something else must not pass."""
    election = make(answers)
    secret = kernel.scalar_random()
    ballot = election.prove(secret, pretended, election.randomness())
    beta = 32 * 2 * len(pretended[0])
    eighth = kernel.base_mul(number(pow(8, -1, Q)))
    moved = ballot[:beta] + kernel.point_add(ballot[beta : beta + 32], eighth) + ballot[beta + 32 :]
    with pytest.raises(kernel.ProofError):
        election.verify(sign(election, secret, moved))


def test_a_vote_cannot_be_added() -> None:
    forge([[1, 1]], (2, 1, 1, False), [[1, 0]])
    forge([[0, 1, 1]], (2, 1, 1, True), [[0, 1, 0]])


def test_the_identity_is_no_credential() -> None:
    """Anyone can sign for it; every point of small order is stored for it too."""
    ballot = FIVE.prove(kernel.scalar_random(), [[1, 0, 0, 0, 0]], FIVE.randomness())
    for small in TORSION:
        forged = small + ballot[32:]
        for call in (FIVE.verify, FIVE.load, FIVE.to_json):
            with pytest.raises(ValueError, match="the credential is the identity"):
                call(forged)
        assert why_not(FIVE, entry(forged, bytes(32))) == ("proofs", "the credential is the identity")


def test_malformed_ballots() -> None:
    secret = kernel.scalar_random()
    ballot = FIVE.prove(secret, [[1, 0, 0, 0, 0]], FIVE.randomness())
    off_curve = number(2)
    cases: list[tuple[bytes, str]] = [
        (b"", "a ballot of this poll has 1632 bytes, not 0"),
        (ballot[:-1], "a ballot of this poll has 1632 bytes, not 1631"),
        (ballot + b"\0", "a ballot of this poll has 1632 bytes, not 1633"),
        (ballot[:64] + off_curve + ballot[96:], "a point is not on the curve"),
        (off_curve + ballot[32:], "the credential: a point is not on the curve"),
        (ballot[:-32] + Q.to_bytes(32, "little"), "a scalar is not reduced modulo the group's order"),
    ]
    cases += [(ballot[:32] + bad + ballot[64:], "a point is not in canonical form") for bad in NON_CANONICAL]
    for bad, reason in cases:
        for call in (FIVE.verify, FIVE.load, FIVE.to_json):
            with pytest.raises(ValueError) as caught:
                call(bad)
            assert str(caught.value) == reason
        rule = "shape" if "bytes" in reason else "proofs"
        assert why_not(FIVE, entry(bad, secret)) == (rule, reason)


def test_cast_signatures() -> None:
    secret = kernel.scalar_random()
    ballot = FIVE.prove(secret, [[1, 0, 0, 0, 0]], FIVE.randomness())
    good = read(entry(ballot, secret)).cast
    assert isinstance(judge(FIVE, entry(ballot, secret, good)), kernel.CheckedBallot)
    refused: list[tuple[int, bytes, str]] = [
        (2, good, "the cast signature does not hold"),
        (1, read(entry(ballot, kernel.scalar_random())).cast, "the cast signature does not hold"),
        (1, good[:32] + bytes(32), "the cast signature does not hold"),
        (1, number(2) + good[32:], "the cast signature: a point is not on the curve"),
        (1, NON_CANONICAL[0] + good[32:], "the cast signature: a point is not in canonical form"),
        (1, good[:32] + b"\xff" * 32, "the cast signature: a scalar is not reduced modulo the group's order"),
    ]
    for turn, signature, reason in refused:
        assert why_not(FIVE, entry(ballot, secret, signature, turn)) == ("cast", reason)
    short = kernel.read_ballots([entry(ballot, secret, good[:63])])[0]
    assert isinstance(short, kernel.Failure)
    assert (short.rule, short.reason) == ("shape", "The cast signature must be 64 bytes")


def test_json_must_be_canonical() -> None:
    ballot = FIVE.prove(kernel.scalar_random(), [[0, 1, 0, 0, 0]], FIVE.randomness())
    good = FIVE.to_json(ballot)
    FIVE.verify_json(good)
    fields = json.loads(good)
    assert json.dumps(fields, separators=(",", ":")).encode() == good
    alpha = fields["answers"][0]["choices"][0]["alpha"].encode()
    response = fields["answers"][0]["overall_proof"][0]["response"].encode()
    mixed_order = sodium.crypto_core_ed25519_add(bytes.fromhex(alpha.decode())[::-1], TORSION[1])[::-1].hex().encode()
    changes: list[tuple[bytes, bytes]] = [
        (b'{"election_uuid"', b'{ "election_uuid"'),
        (b"}}", b"}}\n"),
        (b"}}", b"}} "),
        (b"}}", b'},"x":1}'),
        (UUID.encode(), UUID.encode()[:-1] + b"2"),
        (FINGERPRINT.encode(), b"b" * 43),
        (alpha, alpha.upper()),
        (alpha, b"00" + alpha),
        (alpha, alpha[:-1]),
        (alpha, mixed_order),
        (alpha, TORSION[0][::-1].hex().encode()),
        (alpha, NON_CANONICAL[0][::-1].hex().encode()),
        (response, b"0" + response),
        (response, b"+" + response),
        (response, b""),
        (response, str(int(response) + Q).encode()),
        (b'"response":"' + response + b'"', b'"response":' + response),
        (response, str((int(response) + 1) % Q).encode()),
        (b'"hash":"', b'"hash":"x'),
        (b'"overall_proof":[', b'"overall_proof":[ '),
        (b'"individual_proofs":[', b'"individual_proofs":[[],'),
        (fields["signature"]["hash"].encode(), b"A" * 43),
        (fields["signature"]["proof"]["challenge"].encode(), b"1"),
        (fields["credential"].encode(), KEY[::-1].hex().encode()),
    ]
    for old, new in changes:
        assert old in good
        bad = good.replace(old, new, 1) if old != b"}}" else good[:-2] + new
        with pytest.raises(ValueError):
            FIVE.verify_json(bad)
        with pytest.raises(ValueError):
            FIVE.from_json(bad)
        assert isinstance(FIVE.verify_json_many([good, bad])[1], kernel.Failure)
    for length in range(0, len(good), 7):
        with pytest.raises(ValueError):
            FIVE.verify_json(good[:length])


def test_json_of_any_changed_byte_is_refused() -> None:
    ballot = FIVE.prove(kernel.scalar_random(), [[0, 1, 0, 0, 0]], FIVE.randomness())
    good = FIVE.to_json(ballot)
    rng = random.Random(7)
    changed = []
    for at in range(len(good)):
        other = bytes([good[at] ^ 1 << rng.randrange(8)])
        changed.append(good[:at] + other + good[at + 1 :])
    assert all(isinstance(verdict, kernel.Failure) for verdict in FIVE.verify_json_many(changed))


def test_elections_that_cannot_be() -> None:
    for questions in ([], [(0, 0, 0, False)], [(2, 2, 1, False)], [(2, 1, 3, False)], [(2**20, 1, 1, False)]):
        with pytest.raises(ValueError):
            make(*questions)
    bad: list[Callable[[], object]] = [
        lambda: kernel.Election(kernel.IDENTITY, FINGERPRINT, UUID, [(2, 1, 1, False)]),
        lambda: kernel.Election(KEY, FINGERPRINT[:-1], UUID, [(2, 1, 1, False)]),
        lambda: kernel.Election(KEY, FINGERPRINT[:-1] + '"', UUID, [(2, 1, 1, False)]),
        lambda: kernel.Election(KEY, FINGERPRINT, UUID[:-1], [(2, 1, 1, False)]),
        lambda: kernel.Election(KEY, FINGERPRINT, UUID[:-1] + "0", [(2, 1, 1, False)]),
    ]
    for call in bad:
        with pytest.raises(ValueError):
            call()


def test_a_ballot_of_another_election_is_refused() -> None:
    secret = kernel.scalar_random()
    ballot = FIVE.prove(secret, [[0, 1, 0, 0, 0]], FIVE.randomness())
    other_key = kernel.base_mul(kernel.scalar_random())
    for other in (
        kernel.Election(other_key, FINGERPRINT, UUID, [(5, 1, 1, False)]),
        kernel.Election(KEY, "b" * 43, UUID, [(5, 1, 1, False)]),
        kernel.Election(KEY, FINGERPRINT, UUID + "2", [(5, 1, 1, False)]),
        kernel.Election(KEY, FINGERPRINT, UUID, [(5, 2, 2, False)]),
    ):
        assert other.ballot_size == FIVE.ballot_size
        with pytest.raises(kernel.ProofError):
            other.verify(ballot)
        assert why_not(other, entry(ballot, secret))[0] == "proofs"


def test_sums_decrypt_to_the_tally() -> None:
    """With libsodium's arithmetic and the election's secret: the sums are those of the choices, re-votes taken away."""
    rng = random.Random(11)
    votes = [rng.choice(MIXED_CHOICES) for _ in range(40)]
    ballots = [MIXED.prove(kernel.scalar_random(), choices, MIXED.randomness()) for choices in votes]
    checked = [MIXED.verify(ballot) for ballot in ballots]
    sums = kernel.Sums(MIXED.ciphertext_count)
    sums.add(checked)
    sums.subtract([MIXED.ciphertexts(ballot)[1] for ballot in ballots[:10]])
    weighted = kernel.Sums.from_bytes(sums.to_bytes())
    weighted.add_scaled(sums, 6)
    assert len(weighted) == MIXED.ciphertext_count
    flat = [[m for question in choices for m in question] for choices in votes[10:]]
    tally = [sum(column) for column in zip(*flat, strict=True)]
    for pairs, weight in ((sums.pairs(), 1), (weighted.pairs(), 7)):
        messages = [
            sodium.crypto_core_ed25519_sub(beta, sodium.crypto_scalarmult_ed25519_noclamp(KEY_SECRET, alpha))
            for alpha, beta in pairs
        ]
        assert kernel.discrete_logs(messages, 1000) == [weight * count for count in tally]
    assert b"".join(alpha + beta for alpha, beta in sums.pairs()) == sums.to_bytes()


def test_sums_that_do_not_fit() -> None:
    sums = kernel.Sums(5)
    five = FIVE.verify(FIVE.prove(kernel.scalar_random(), [[1, 0, 0, 0, 0]], FIVE.randomness()))
    mixed = MIXED.verify(MIXED.prove(kernel.scalar_random(), MIXED_CHOICES[0], MIXED.randomness()))
    empty = sums.to_bytes()
    assert empty == kernel.IDENTITY * 10
    for call in (
        lambda: sums.add([five, mixed]),
        lambda: sums.subtract([five, mixed]),
        lambda: sums.add_scaled(kernel.Sums(4), 1),
        lambda: kernel.Sums.from_bytes(bytes(63)),
        lambda: kernel.Sums.from_bytes(TORSION[1] * 2),
    ):
        with pytest.raises(ValueError):
            call()
    assert sums.to_bytes() == empty
    sums.add([five])
    sums.subtract([five])
    assert sums.to_bytes() == empty
