"""A trustee and the last voter move votes: why a decryption share carries a second proof.

Belenios proves a decryption share with a challenge that hashes the commitments, but neither the ciphertext nor the
factor (weak Fiat-Shamir; Bernhard, Pereira, Warinschi, ASIACRYPT 2012). Trustee 1 of this town uses that. They know
alpha', the product of all alphas cast so far, and

    fixes w and u, and with them the commitments W = g^w and A = alpha'^w g^u,
    learns the challenge c = H(decrypt|phi|X| W,A) before closing,
    tells the last voter to encrypt with randomness r = (u - delta c) / w.

Then alpha = alpha' g^r, and for the *false* factor F = alpha^x g^delta with z = w - x c:

    g^z X^c = W       alpha^z F^c = alpha^w g^(delta c) = alpha'^w g^(w r + delta c) = A,

so the proof (c, z) holds, and the result is off by as many votes as they like. The last voter's ballot is in perfect
order: its randomness is as good as any other.

Run it: python scenarios/colluding_trustee.py
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import veche_kernel as kernel

from veche.ballot.archive.parts import Ciphertext, ResultDocument
from veche.ballot.archive.writer import ArchiveWriter
from veche.ballot.canonical import b64, encode, point_text, scalar_text
from veche.ballot.committee import (
    Certificate,
    Committee,
    Key,
    Shares,
    make_certificate,
    make_key,
    make_shares,
    open_share,
    public_key,
    trustees_json,
)
from veche.ballot.decryption import (
    Share,
    belenios_prefix,
    binding_prefix,
    check_share,
    lagrange,
    make_share,
    open_tally,
    partial_decryption_json,
)
from veche.ballot.election import Election, Question

Q = kernel.ORDER
COMMITTEE = Committee(bytes(32), "pedersen", size=3, threshold=2)
PRESENT = [1, 2]
"""The trustees who will decrypt; 1 is the corrupt one."""
HONEST_VOTES = ["yes", "no", "no", "yes", "no", "no"]
STOLEN = 3
"""How many votes go from no to yes."""


def number(scalar: bytes) -> int:
    return int.from_bytes(scalar, "little")


def scalar(value: int) -> bytes:
    return (value % Q).to_bytes(32, "little")


def belenios_hash(text: bytes) -> bytes:
    """H of docs/protocol.md, section 1."""
    return scalar(int.from_bytes(hashlib.sha256(text).digest(), "big"))


@dataclass
class Town:
    """The poll, and what is public of it."""

    certificates: list[Certificate]
    dealt: list[Shares]
    keys: list[Key]
    secrets: list[bytes]
    """Of the trustees; each knows only their own."""
    election: Election
    box: kernel.Election
    credentials: list[bytes] = field(default_factory=list)
    ballots: list[bytes] = field(default_factory=list)

    @property
    def phi(self) -> str:
        return self.election.fingerprint

    @property
    def y(self) -> bytes:
        return public_key(COMMITTEE, self.keys, self.dealt)

    def sums(self) -> list[tuple[bytes, bytes]]:
        """The encrypted tally of the ballots so far: (alpha, beta) of yes and of no."""
        sums = kernel.ArchiveSums(2)
        sums.add([self.box.verify_json(ballot) for ballot in self.ballots], 1)
        return sums.pairs()


# Act 1: the town founds a committee, and people vote


def found_town() -> Town:
    """Three trustees, two of whom can decrypt; one question."""
    drawn = [make_certificate(COMMITTEE, i) for i in (1, 2, 3)]
    certificates = [certificate for certificate, _ in drawn]
    dealt = [make_shares(COMMITTEE, i, secrets, certificates) for i, (_, secrets) in enumerate(drawn, 1)]
    made = [
        make_key(COMMITTEE, i, own, [open_share(COMMITTEE, i, own, d, shares) for d, shares in enumerate(dealt, 1)])
        for i, (_, own) in enumerate(drawn, 1)
    ]
    keys = [key for key, _ in made]
    y = public_key(COMMITTEE, keys, dealt)
    question = Question(answers=["yes", "no"], min=1, max=1, question="Shall the square be sold?")
    election = Election(
        description="", name="The square", public_key=point_text(y), questions=[question], uuid="Cq5rTQgkvXKJ7Z"
    )
    box = kernel.Election(y, election.fingerprint, election.uuid, [(2, 1, 1, False)])
    return Town(certificates, dealt, keys, [secret for _, secret in made], election, box)


def people_vote(town: Town) -> None:
    for vote in HONEST_VOTES:
        credential = kernel.scalar_random()
        ballot = town.box.prove(credential, [[int(vote == "yes"), int(vote == "no")]], town.box.randomness())
        town.credentials.append(kernel.base_mul(credential))
        town.ballots.append(town.box.to_json(ballot))


# Act 2: just before closing, the trustee fixes the commitments and tells the last voter what to draw


@dataclass
class Plan:
    """What the trustee keeps for one ciphertext."""

    w: int
    challenge: bytes
    delta: int
    randomness: int
    """For the last voter."""


def plan(town: Town, stolen: list[int]) -> list[Plan]:
    """A plan for each ciphertext that its number shall grow by ``stolen``, as Lagrange's coefficient wants it."""
    x = town.keys[0].key
    plans = []
    for (alpha_so_far, _), more in zip(town.sums(), stolen, strict=True):
        delta = -more * pow(lagrange(PRESENT)[1], -1, Q) % Q
        w, u = (number(kernel.scalar_random()) for _ in range(2))
        commitment = kernel.base_mul(scalar(w))
        other = kernel.point_add(kernel.point_mul(scalar(w), alpha_so_far), kernel.base_mul(scalar(u)))
        text = belenios_prefix(town.phi, x) + f"{point_text(commitment)},{point_text(other)}".encode()
        challenge = belenios_hash(text)
        plans.append(Plan(w, challenge, delta, (u - delta * number(challenge)) * pow(w, -1, Q) % Q))
    return plans


# Act 3: the last voter casts a ballot that is valid in every way, with the randomness that they were told


def last_vote(town: Town, vote: str, randomness: list[int]) -> None:
    """A ballot with chosen randomness, proofs made by hand: no kernel offers that, but nobody can forbid it."""
    y, secret = town.y, number(kernel.scalar_random())
    credential = point_text(kernel.base_mul(scalar(secret)))
    numbers = [int(vote == "yes"), int(vote == "no")]
    alphas = [kernel.base_mul(scalar(r)) for r in randomness]
    betas = [
        kernel.point_add(kernel.point_mul(scalar(r), y), kernel.base_mul(scalar(m)))
        for r, m in zip(randomness, numbers, strict=True)
    ]
    texts = [f"{point_text(alpha)},{point_text(beta)}" for alpha, beta in zip(alphas, betas, strict=True)]
    individual = [
        prove_one_of(f"prove|{town.phi}|{credential}|{text}|", y, alpha, beta, r, [0, 1], m)
        for text, alpha, beta, r, m in zip(texts, alphas, betas, randomness, numbers, strict=True)
    ]
    alpha, beta = kernel.point_sum(alphas), kernel.point_sum(betas)
    prefix = f"prove|{town.phi}|{credential}|{','.join(texts)}|{point_text(alpha)},{point_text(beta)}|"
    overall = prove_one_of(prefix, y, alpha, beta, sum(randomness), [1], 1)

    choices = ",".join(
        f'{{"alpha":"{point_text(a)}","beta":"{point_text(b)}"}}' for a, b in zip(alphas, betas, strict=True)
    )
    answer = f'{{"choices":[{choices}],"individual_proofs":[{",".join(individual)}],"overall_proof":{overall}}}'
    body = (
        f'{{"election_uuid":"{town.election.uuid}","election_hash":"{town.phi}","credential":"{credential}",'
        f'"answers":[{answer}]'
    )
    digest = b64(f"{body}}}".encode())
    c, z = kernel.schnorr_prove(scalar(secret), f"sig|{digest}|".encode())
    signature = f'{{"hash":"{digest}","proof":{{"challenge":"{scalar_text(c)}","response":"{scalar_text(z)}"}}}}'
    town.credentials.append(kernel.base_mul(scalar(secret)))
    town.ballots.append(f'{body},"signature":{signature}}}'.encode())


def prove_one_of(prefix: str, y: bytes, alpha: bytes, beta: bytes, r: int, values: list[int], true: int) -> str:
    """Belenios's proof that (alpha, beta) encrypts one of ``values``: the true branch proved, the others simulated."""
    challenges, responses, commitments, w = {}, {}, [], number(kernel.scalar_random())
    for value in values:
        if value == true:
            a, b = kernel.base_mul(scalar(w)), kernel.point_mul(scalar(w), y)
        else:
            c, z = kernel.scalar_random(), kernel.scalar_random()
            less = kernel.point_sub(beta, kernel.base_mul(scalar(value)))
            a = kernel.msm_vartime([z, c], [kernel.BASE, alpha])
            b = kernel.msm_vartime([z, c], [y, less])
            challenges[value], responses[value] = number(c), number(z)
        commitments.append(f"{point_text(a)},{point_text(b)}")
    total = number(belenios_hash((prefix + ",".join(commitments)).encode()))
    challenges[true] = (total - sum(challenges.values())) % Q
    responses[true] = (w - r * challenges[true]) % Q
    branches = [f'{{"challenge":"{challenges[value]}","response":"{responses[value]}"}}' for value in values]
    return f"[{','.join(branches)}]"


# Act 4: after closing, the trustee hands in false factors with proofs that hold


def false_share(town: Town, plans: list[Plan]) -> tuple[bytes, bytes]:
    """The factors and the Belenios proofs of trustee 1."""
    x = town.secrets[0]
    factors, proofs = b"", b""
    for (alpha, _), own in zip(town.sums(), plans, strict=True):
        factors += kernel.point_add(kernel.point_mul(x, alpha), kernel.base_mul(scalar(own.delta)))
        proofs += own.challenge + scalar(own.w - number(x) * number(own.challenge))
    return factors, proofs


def check_naively(town: Town, share: Share) -> None:
    """The rule of Belenios: its own proof and no other. Raises ProofError."""
    x = town.keys[0].key
    for i, ((alpha, _), factor) in enumerate(zip(town.sums(), share.points(), strict=True)):
        c, z = share.proofs[64 * i : 64 * i + 32], share.proofs[64 * i + 32 : 64 * i + 64]
        kernel.dleq_verify(x, alpha, factor, belenios_prefix(town.phi, x), c, z)


def honest_share(town: Town, tally: bytes, index: int) -> Share:
    return make_share(town.secrets[index - 1], [alpha for alpha, _ in town.sums()], town.phi, tally, 0)


def result(town: Town, first: Share, second: Share) -> list[int]:
    """What the two shares decrypt to: yes and no."""
    factors = {PRESENT[0]: first.points(), PRESENT[1]: second.points()}
    return open_tally([beta for _, beta in town.sums()], factors, COMMITTEE.mode, len(town.ballots))


def write_archive(town: Town, shares: list[Share], numbers: list[int], path: Path) -> None:
    """The poll as a Belenios archive, for verifiers made by others."""
    pairs = [Ciphertext(alpha=point_text(alpha), beta=point_text(beta)) for alpha, beta in town.sums()]
    with path.open("wb") as file:
        archive = ArchiveWriter(file, 1_800_000_000)
        trustees = trustees_json(COMMITTEE, town.keys, town.certificates, town.dealt)
        credentials = encode([point_text(credential) for credential in town.credentials])
        archive.setup(town.election.to_json(), trustees, credentials)
        for ballot in town.ballots:
            archive.ballot(ballot)
        archive.end_ballots()
        archive.encrypted_tally(encode([pairs]), len(town.ballots), len(town.ballots))
        for index, share in zip(PRESENT, shares, strict=True):
            archive.partial_decryption(index, partial_decryption_json(share, [2]))
        archive.result(encode(ResultDocument(result=[[*numbers]])))


# Act 5: the rule of Veche wants a proof that hashes the ciphertext, the factor and the tally


def check(town: Town, tally: bytes, share: Share) -> None:
    """The rule of Veche. Raises Refused."""
    check_share(town.keys[0].key, [alpha for alpha, _ in town.sums()], town.phi, tally, 0, share)


def attempts(town: Town, tally: bytes, plans: list[Plan]) -> dict[str, Share]:
    """All that the trustee can think of to get their false factors accepted."""
    factors, proofs = false_share(town, plans)
    honest = honest_share(town, tally, 1)
    return {
        "no binding proofs": Share(factors, proofs, b""),
        "the Belenios proofs again": Share(factors, proofs, proofs),
        "binding proofs of the true factors": Share(factors, proofs, honest.binding),
        "the plan's commitments, hashed with the statement": Share(factors, proofs, from_the_plan(town, tally, plans)),
        "proofs of the true secret for the false factors": Share(
            factors, proofs, from_the_secret(town, tally, factors)
        ),
    }


def from_the_plan(town: Town, tally: bytes, plans: list[Plan]) -> bytes:
    """The trick of act 2 again, with the binding hash. The hash wants alpha and F, so it comes after the randomness:
    delta c has changed, and u = w r + delta c does not hold any more."""
    x, binding = town.keys[0].key, b""
    factors, _ = false_share(town, plans)
    for i, ((alpha, _), own) in enumerate(zip(town.sums(), plans, strict=True)):
        factor = factors[32 * i : 32 * i + 32]
        old = number(own.challenge)
        other = kernel.point_add(
            kernel.point_mul(scalar(own.w), alpha), kernel.base_mul(scalar(own.delta * old))
        )  # the A that was fixed before closing
        prefix = binding_prefix(town.phi, tally, x, i, alpha, factor)
        text = f"{point_text(kernel.base_mul(scalar(own.w)))},{point_text(other)}"
        challenge = belenios_hash(prefix + text.encode())
        binding += challenge + scalar(own.w - number(town.secrets[0]) * number(challenge))
    return binding


def from_the_secret(town: Town, tally: bytes, factors: bytes) -> bytes:
    """The honest prover's steps on a false statement."""
    x, binding = town.keys[0].key, b""
    for i, (alpha, _) in enumerate(town.sums()):
        prefix = binding_prefix(town.phi, tally, x, i, alpha, factors[32 * i : 32 * i + 32])
        _, challenge, response = kernel.dleq_prove(town.secrets[0], alpha, prefix)
        binding += challenge + response
    return binding


def main() -> None:
    town = found_town()
    people_vote(town)
    plans = plan(town, [STOLEN, -STOLEN])
    last_vote(town, "yes", [own.randomness for own in plans])
    tally = bytes(32)
    honest, second = honest_share(town, tally, 1), honest_share(town, tally, 2)
    print(f"Ballots: {len(town.ballots)}. The true result: {result(town, honest, second)} (yes, no).")
    factors, proofs = false_share(town, plans)
    false = Share(factors, proofs, b"")
    check_naively(town, false)
    print(f"Trustee 1 hands in false factors; Belenios's proofs hold; the result: {result(town, false, second)}.")
    for name, share in attempts(town, tally, plans).items():
        try:
            check(town, tally, share)
        except Exception as refused:
            print(f"Veche, {name}: {refused}")
        else:
            raise AssertionError(f"{name} passed")
    check(town, tally, honest)
    print("Veche accepts the true share.")


if __name__ == "__main__":
    main()
