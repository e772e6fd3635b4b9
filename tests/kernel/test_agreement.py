"""Batch and single verdicts agree, in words, on hostile ballots: 100,000 of them.

Each kind of mutation says what must become of the ballot: ``ACCEPTED`` (torsion in a stored point changes nothing of
the point that it stands for) or ``REFUSED``. Most are signed anew by the credential's owner, who is the likeliest forger.
"""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import veche_kernel as kernel
from nacl import bindings as sodium

from kernel.ballots import checker, entry, layout, make, number, read, sign, together, value
from kernel.edwards import NON_CANONICAL, TORSION, Q, decode

SMALL = ((2, 1, 1, False),)
BLANK = ((1, 0, 1, True), (1, 1, 1, False))
BATCH = 128
ACCEPTED, REFUSED = "accepted", "refused"
OFF_CURVE = [number(y) for y in range(2, 40) if decode(number(y)) is None]


@dataclass(frozen=True)
class Cast:
    """A ballot taken into words, with the secret of its credential."""

    secret: bytes
    words: tuple[bytes, ...]
    turn: int = 1
    signature: bytes | None = None
    """The cast signature; if there is none yet, the credential's owner signs the entry as it is."""

    def entry(self) -> kernel.BallotEntry:
        return read(entry(b"".join(self.words), self.secret, self.signature, self.turn))

    def with_word(self, place: int, word: bytes) -> "Cast":
        return replace(self, words=(*self.words[:place], word, *self.words[place + 1 :]))


Mutation = Callable[[list[Cast], int], str]


class Mutator:
    """Changes ballots of a batch in place; each method is a kind, and returns what must become of the ballots it touched."""

    def __init__(self, rng: random.Random, questions: tuple[tuple[int, int, int, bool], ...]) -> None:
        self.rng = rng
        self.election = make(*questions)
        self.words = layout(*questions)
        self.points = [i for i, word in enumerate(self.words) if word == "p"]
        self.scalars = [i for i, word in enumerate(self.words) if word == "s"]
        choices = sum(answers + blank for answers, _, _, blank in questions[:1])
        self.ciphertexts = range(1, 1 + 2 * choices)
        first = 1 + 2 * choices
        # Proofs of two branches: A0 B0 A1 B1, a challenge, two responses.
        self.proofs = [first + 7 * i for i in range(choices)]

    def fresh(self, choices: list[list[int]]) -> Cast:
        secret = kernel.scalar_random()
        ballot = self.election.prove(secret, choices, self.election.randomness())
        words = tuple(ballot[i : i + 32] for i in range(0, len(ballot), 32))
        return Cast(secret, words)

    def signed(self, cast: Cast) -> Cast:
        """Signed anew if it can be read at all."""
        try:
            ballot = sign(self.election, cast.secret, b"".join(cast.words))
        except ValueError:
            return cast
        return replace(cast, words=(*cast.words[:-2], ballot[-64:-32], ballot[-32:]))

    def kinds(self) -> dict[str, Mutation]:
        return {name[2:]: getattr(self, name) for name in dir(self) if name.startswith("m_")}

    # What changes nothing.

    def m_nothing(self, batch: list[Cast], i: int) -> str:
        return ACCEPTED

    def m_torsion(self, batch: list[Cast], i: int) -> str:
        place = self.rng.choice(self.points)
        moved = sodium.crypto_core_ed25519_add(batch[i].words[place], self.rng.choice(TORSION[1:]))
        batch[i] = batch[i].with_word(place, moved)
        return ACCEPTED

    def m_torsion_that_cancels(self, batch: list[Cast], i: int) -> str:
        """T in this ballot, -T at the same place in the next: what a combination without the factor eight would not see."""
        place, k = self.rng.choice(self.points), self.rng.randrange(1, 8)
        for ballot, torsion in ((i, TORSION[k]), (i + 1, TORSION[8 - k])):
            moved = sodium.crypto_core_ed25519_add(batch[ballot].words[place], torsion)
            batch[ballot] = batch[ballot].with_word(place, moved)
        return ACCEPTED

    def m_torsion_in_the_cast_signature(self, batch: list[Cast], i: int) -> str:
        cast = batch[i].entry().cast
        r, z = cast[:32], cast[32:]
        batch[i] = replace(batch[i], signature=sodium.crypto_core_ed25519_add(r, self.rng.choice(TORSION[1:])) + z)
        return REFUSED

    def m_signed_again(self, batch: list[Cast], i: int) -> str:
        batch[i] = self.signed(batch[i])
        return ACCEPTED

    # What breaks proofs. The errors of two ballots, or of two equations, may cancel unless weighed at random.

    def m_point_moved(self, batch: list[Cast], i: int) -> str:
        place = self.rng.choice(self.points[1:-1])
        batch[i] = batch[i].with_word(place, kernel.point_add(batch[i].words[place], kernel.BASE))
        return REFUSED

    def m_points_moved_apart(self, batch: list[Cast], i: int) -> str:
        place, offset = self.rng.choice(self.points[1:-1]), kernel.base_mul(kernel.scalar_random())
        for ballot, d in ((i, offset), (i + 1, kernel.point_sub(kernel.IDENTITY, offset))):
            moved = batch[ballot].with_word(place, kernel.point_add(batch[ballot].words[place], d))
            batch[ballot] = self.signed(moved)
        return REFUSED

    def m_points_of_one_ballot_moved_apart(self, batch: list[Cast], i: int) -> str:
        a, b = self.rng.sample(self.points[1:-1], 2)
        offset = kernel.base_mul(kernel.scalar_random())
        cast = batch[i].with_word(a, kernel.point_add(batch[i].words[a], offset))
        batch[i] = cast.with_word(b, kernel.point_sub(cast.words[b], offset))
        return REFUSED

    def m_response_moved(self, batch: list[Cast], i: int) -> str:
        place = self.rng.choice(self.scalars[:-1])
        batch[i] = batch[i].with_word(place, kernel.scalar_add(batch[i].words[place], kernel.scalar_random()))
        return REFUSED

    def m_responses_moved_apart(self, batch: list[Cast], i: int) -> str:
        place, d = self.rng.choice(self.scalars[:-1]), kernel.scalar_random()
        for ballot, change in ((i, d), (i + 1, number(-value(d)))):
            moved = kernel.scalar_add(batch[ballot].words[place], change)
            batch[ballot] = self.signed(batch[ballot].with_word(place, moved))
        return REFUSED

    def m_signature_responses_moved_apart(self, batch: list[Cast], i: int) -> str:
        d = kernel.scalar_random()
        for ballot, change in ((i, d), (i + 1, number(-value(d)))):
            last = len(self.words) - 1
            batch[ballot] = batch[ballot].with_word(last, kernel.scalar_add(batch[ballot].words[last], change))
        return REFUSED

    def m_challenges_split_otherwise(self, batch: list[Cast], i: int) -> str:
        """The stored challenge and the derived one keep their sum."""
        place = self.rng.choice(self.proofs) + 4
        batch[i] = batch[i].with_word(place, kernel.scalar_add(batch[i].words[place], kernel.scalar_random()))
        return REFUSED

    def m_challenge_zero(self, batch: list[Cast], i: int) -> str:
        batch[i] = batch[i].with_word(self.rng.choice(self.proofs) + 4, bytes(32))
        return REFUSED

    def m_commitments_swapped(self, batch: list[Cast], i: int) -> str:
        proof = self.rng.choice(self.proofs)
        a, b = self.rng.sample(range(proof, proof + 4), 2)
        words = batch[i].words
        batch[i] = batch[i].with_word(a, words[b]).with_word(b, words[a])
        return REFUSED

    def m_branches_swapped(self, batch: list[Cast], i: int) -> str:
        """A vote for the other option, if the branches were not bound to their values: A, B, z and c change places."""
        proof = self.rng.choice(self.proofs)
        a0, b0, a1, b1, _, z0, z1 = batch[i].words[proof : proof + 7]
        cast = batch[i]
        for place, word in zip((0, 1, 2, 3, 5, 6), (a1, b1, a0, b0, z1, z0), strict=True):
            cast = cast.with_word(proof + place, word)
        batch[i] = cast
        return REFUSED

    def m_ciphertexts_swapped(self, batch: list[Cast], i: int) -> str:
        a, b = self.rng.sample(list(self.ciphertexts), 2)
        words = batch[i].words
        batch[i] = batch[i].with_word(a, words[b]).with_word(b, words[a])
        return REFUSED

    def m_choices_swapped_with_their_proofs(self, batch: list[Cast], i: int) -> str:
        """Each individual proof stays with its ciphertext; the sum is the same: only the overall hash can tell."""
        a, b = self.ciphertexts[:2], self.ciphertexts[2:4]
        p, q = (range(proof, proof + 7) for proof in self.proofs[:2])
        words = list(batch[i].words)
        for x, y in itertools.chain(zip(a, b, strict=True), zip(p, q, strict=True)):
            words[x], words[y] = words[y], words[x]
        batch[i] = replace(batch[i], words=tuple(words))
        return REFUSED

    def m_identity_point(self, batch: list[Cast], i: int) -> str:
        batch[i] = batch[i].with_word(self.rng.choice(self.points[:-1]), self.rng.choice(TORSION))
        return REFUSED

    def m_all_identities(self, batch: list[Cast], i: int) -> str:
        words = [TORSION[0] if kind == "p" else bytes(32) for kind in self.words]
        batch[i] = replace(batch[i], words=(batch[i].words[0], *words[1:]))
        return REFUSED

    def m_identity_credential(self, batch: list[Cast], i: int) -> str:
        """With a secret of zero everything else could be made to fit."""
        words = (self.rng.choice(TORSION), *batch[i].words[1:])
        batch[i] = replace(batch[i], secret=bytes(32), words=words)
        return REFUSED

    def m_proof_of_another_ballot(self, batch: list[Cast], i: int) -> str:
        proof = self.rng.choice(self.proofs)
        other, words = batch[i - 1].words, batch[i].words
        batch[i] = replace(batch[i], words=(*words[:proof], *other[proof : proof + 7], *words[proof + 7 :]))
        return REFUSED

    def m_ballot_of_another(self, batch: list[Cast], i: int) -> str:
        """A copied ballot under the copier's credential, signed by it."""
        batch[i] = self.signed(replace(batch[i], words=(batch[i].words[0], *batch[i - 1].words[1:])))
        return REFUSED

    def m_point_negated(self, batch: list[Cast], i: int) -> str:
        place = self.rng.choice(self.points[1:-1])
        batch[i] = batch[i].with_word(place, kernel.point_sub(kernel.IDENTITY, batch[i].words[place]))
        return REFUSED

    # What is malformed, or not signed by the credential.

    def m_non_canonical_point(self, batch: list[Cast], i: int) -> str:
        batch[i] = batch[i].with_word(self.rng.choice(self.points), self.rng.choice(NON_CANONICAL))
        return REFUSED

    def m_off_the_curve(self, batch: list[Cast], i: int) -> str:
        batch[i] = batch[i].with_word(self.rng.choice(self.points), self.rng.choice(OFF_CURVE))
        return REFUSED

    def m_unreduced_scalar(self, batch: list[Cast], i: int) -> str:
        place = self.rng.choice(self.scalars)
        value = int.from_bytes(batch[i].words[place], "little") + Q * self.rng.randrange(1, 14)
        batch[i] = batch[i].with_word(place, value.to_bytes(32, "little"))
        return REFUSED

    def m_flipped_bit(self, batch: list[Cast], i: int) -> str:
        place, bit = self.rng.randrange(len(self.words)), self.rng.randrange(256)
        value = int.from_bytes(batch[i].words[place], "little") ^ 1 << bit
        batch[i] = batch[i].with_word(place, value.to_bytes(32, "little"))
        return REFUSED

    def m_length(self, batch: list[Cast], i: int) -> str:
        words = self.rng.choice([(), batch[i].words[:-1], (*batch[i].words, bytes(32)), (*batch[i].words, b"\0")])
        batch[i] = replace(batch[i], words=words)
        return REFUSED

    def m_cast_flipped_bit(self, batch: list[Cast], i: int) -> str:
        value = int.from_bytes(batch[i].entry().cast, "little") ^ 1 << self.rng.randrange(512)
        batch[i] = replace(batch[i], signature=value.to_bytes(64, "little"))
        return REFUSED

    def m_cast_for_another_entry(self, batch: list[Cast], i: int) -> str:
        batch[i] = replace(batch[i], signature=batch[i].entry().cast, turn=2)
        return REFUSED

    def m_cast_of_another(self, batch: list[Cast], i: int) -> str:
        by_another = replace(batch[i], secret=batch[i - 1].secret).entry().cast
        batch[i] = replace(batch[i], signature=by_another)
        return REFUSED

    def m_cast_responses_moved_apart(self, batch: list[Cast], i: int) -> str:
        d = kernel.scalar_random()
        for ballot, change in ((i, d), (i + 1, number(-value(d)))):
            cast = batch[ballot].entry().cast
            r, z = cast[:32], cast[32:]
            batch[ballot] = replace(batch[ballot], signature=r + kernel.scalar_add(z, change))
        return REFUSED


# These touch the ballot and the one after it.
PAIRED = {
    "torsion_that_cancels",
    "points_moved_apart",
    "responses_moved_apart",
    "signature_responses_moved_apart",
    "cast_responses_moved_apart",
}
# What signing anew cannot be combined with: it would undo the change.
UNDONE_BY_SIGNING = {"signature_responses_moved_apart", "identity_credential"}


def batches(
    mutator: Mutator, pool: list[Cast], share: float
) -> Iterator[tuple[list[Cast], dict[int, tuple[str, str]]]]:
    """Endless batches from a pool of good ballots: those mutated, with the place, kind and expectation of each."""
    rng, kinds = mutator.rng, mutator.kinds()
    turn = itertools.cycle(kinds)
    while True:
        batch, touched = rng.sample(pool, BATCH), dict[int, tuple[str, str]]()
        i = 1
        while i < BATCH - 1:
            if rng.random() < share:
                kind = next(turn)
                before = batch[i].words
                expected = kinds[kind](batch, i)
                may_sign = expected == REFUSED and kind not in UNDONE_BY_SIGNING and kind not in PAIRED
                if may_sign and batch[i].words[-2:] == before[-2:] and rng.random() < 0.6:
                    batch[i] = mutator.signed(batch[i])
                for place in (i, i + 1) if kind in PAIRED else (i,):
                    touched[place] = kind, expected
                i += 1
            i += 1
        yield batch, touched


def json_agrees(election: kernel.Election, cast: Cast, verdict: kernel.CheckedBallot | kernel.Failure) -> None:
    """The same ballot without its commitments: Belenios's form, whose check recomputes them."""
    try:
        text = election.to_json(b"".join(cast.words))
    except ValueError as error:
        assert isinstance(verdict, kernel.Failure)
        assert verdict.reason == f"The ballot does not hold: {error}" or verdict.rule == "cast"
        return
    without = election.verify_json_many([text])[0]
    if isinstance(verdict, kernel.CheckedBallot):
        assert isinstance(without, kernel.ArchiveBallot), without
        assert without.tracker == verdict.tracker
    elif verdict.rule != "cast":
        assert isinstance(without, kernel.Failure)


@pytest.mark.parametrize(
    ("questions", "choices", "share", "wanted"),
    [
        (SMALL, [[[1, 0]], [[0, 1]]], 0.03, 1_000),
        (SMALL, [[[1, 0]], [[0, 1]]], 0.9, 96_500),
        (BLANK, [[[1, 0], [1]], [[0, 1], [1]], [[0, 0], [1]]], 0.5, 2_500),
    ],
    ids=["few", "most", "blank"],
)
def test_batch_and_single_agree(
    questions: tuple[tuple[int, int, int, bool], ...], choices: list[list[list[int]]], share: float, wanted: int
) -> None:
    rng = random.Random(wanted)
    mutator = Mutator(rng, questions)
    election = mutator.election
    checks = checker(election)
    pool = [mutator.fresh(rng.choice(choices)) for _ in range(2 * BATCH)]
    seen: Counter[str] = Counter()
    with ThreadPoolExecutor(2) as threads:
        for batch, touched in batches(mutator, pool, share):
            entries = [cast.entry() for cast in batch]
            both_ways = together(checks, entries)
            # One by one: all that were touched, and in each batch two that were not.
            alone = [*touched, *rng.sample([i for i in range(BATCH) if i not in touched], 2)]
            verdicts = threads.map(lambda i, entries=entries: checks.check_one(entries[i]), alone)
            for i, verdict in zip(alone, verdicts, strict=True):
                if i % 8 == 0:
                    json_agrees(election, batch[i], verdict)
                kind, expected = touched.get(i, ("untouched", ACCEPTED))
                seen[kind] += 1
                assert (ACCEPTED if isinstance(verdict, kernel.CheckedBallot) else REFUSED) == expected, (kind, verdict)
                both = both_ways[i]
                if isinstance(verdict, kernel.CheckedBallot):
                    assert isinstance(both, kernel.CheckedBallot), (kind, both)
                    assert (both.tracker, both.credential) == (verdict.tracker, verdict.credential)
                else:
                    assert both == verdict, kind
            assert all(isinstance(both_ways[i], kernel.CheckedBallot) for i in range(BATCH) if i not in touched)
            if sum(seen.values()) - seen["untouched"] >= wanted:
                break
    assert set(seen) == {*mutator.kinds(), "untouched"}
    assert min(seen.values()) >= wanted // 60
