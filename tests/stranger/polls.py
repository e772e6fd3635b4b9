"""The stranger's polls: announcement, keys, ballots' admission, tally, decryption, result (sections 2.5, 2.6 and 3.2)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import gcd, prod
from typing import Any

from . import ballot as paper
from .ballot import Pair, Question, compact
from .cbor import different, encode, line, need, number, octets, row, rows, text, word
from .committee import Committee, free
from .group import (
    IDENTITY,
    add,
    b64,
    equality,
    g,
    lagrange,
    point,
    power,
    product,
    proof,
    sha,
    spell,
    subtract,
    times_eight,
)
from .offices import Class
from .tiles import leaf, root

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MOST = 2**40
SIEVE = [n >= 2 for n in range(65_536)]
for divisor in range(2, 256):
    SIEVE[divisor * divisor :: divisor] = [False] * len(range(divisor * divisor, 65_536, divisor))
SMALL = prod(n for n, prime in enumerate(SIEVE) if prime)
"""The product of all primes below 65,536."""


def attachments(value: object) -> None:
    for name, digest in (row(a, 2) for a in rows(value, 0, 100)):
        word(name, 200), octets(digest, 32)


def split(data: object, count: int, size: int) -> list[bytes]:
    """Byte strings of one size that stand in one."""
    whole = octets(data, count * size)
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def base58(data: bytes) -> str:
    """44 characters of Bitcoin's alphabet."""
    value, said = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        said = BASE58[digit] + said
    return said.rjust(44, "1")


def both(said: list[str]) -> str:
    return " / ".join(said) if any(said) else ""


def read_question(value: object) -> tuple[Question, dict[str, Any]]:
    """A question's numbers, and the question as Belenios writes it."""
    kind, said, answers, low, high, blank = row(value, 6)
    need(kind == "choice", "a question is of an unknown kind")
    lines = [line(a, 500) for a in rows(answers, 1, 64)]
    different(lines)
    answers = [both(a) for a in lines]
    number(high, 1, len(answers)), number(low, 0, high), number(blank, 0, 1)
    need(blank or (low < len(answers) > 1), "a question leaves nothing to choose")
    flag = {"blank": True} if blank else {}
    json = {"answers": answers, **flag, "min": low, "max": high, "question": both(line(said, 2000))}
    return Question(len(answers), low, high, bool(blank)), json


@dataclass
class Accepted:
    """The last accepted ballot of a credential."""

    entry: int
    group: int
    turn: int
    ciphertexts: list[Pair]


@dataclass
class Poll:
    """A poll and everything that happens to it."""

    id: bytes
    cls: Class
    committee: Committee
    questions: list[Question]
    weights: list[int]
    uuid: str
    phi: str
    opens: int
    published_closing: int
    closing: int
    kept: list[bytes] = field(default_factory=list)  # the office keys of its registrars
    keys: dict[int, list[tuple[bytes, int]]] = field(default_factory=dict)
    ballots: dict[bytes, Accepted] = field(default_factory=dict)
    trackers: set[bytes] = field(default_factory=set)
    admissions: Counter[tuple[int, int]] = field(default_factory=Counter)
    issued: set[int] = field(default_factory=set)
    shares: dict[int, dict[int, list[bytes]]] = field(default_factory=dict)
    openers: list[int] = field(default_factory=list)
    state: str = "announced"  # then void, cancelled, too-few, tally, result
    tally: bytes = b""
    parts: list[list[Pair]] = field(default_factory=list)
    counted: int = 0
    totals: list[Any] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(q.ciphertexts for q in self.questions)

    def registrar(self, signer: bytes) -> int:
        """The place in the class's list, from 0, of the registrar with this key."""
        need(signer in self.kept, "a key is not one of the poll's registrars'")
        return self.kept.index(signer)

    # Before opening

    def permit_key(self, listed: list[Any], signer: bytes, time: int) -> list[bytes]:
        """A registrar's keys and rolls; the moduli are returned, to be compared with all others of the log."""
        r = self.registrar(signer)
        need(time < self.opens and self.state == "announced", "permit keys come too late")
        need(r not in self.keys, "a registrar publishes permit keys twice")
        found = []
        for modulus, people, head in (row(v, 3) for v in row(listed, len(self.weights))):
            need(isinstance(modulus, bytes) and modulus[:1] > b"\0", "a modulus is missing or begins with zero")
            n = int.from_bytes(modulus, "big")
            need(2048 <= n.bit_length() <= 4096 and n & 1, "a modulus is too short, too long or even")
            need(gcd(n, SMALL) == 1, "a modulus has a small prime factor")
            number(people), octets(head, 32)
            found.append((modulus, people))
        weight = sum(people * w for (_, people), w in zip(found, self.weights, strict=True))
        need(weight * len(self.cls.registrars) <= MOST * self.cls.k, "a registrar's rolls weigh too much")
        self.keys[r] = found
        return [modulus for modulus, _ in found]

    def void_due(self, time: int) -> bool:
        return self.state == "announced" and time >= self.opens and not self._enough()

    def _enough(self) -> bool:
        """Whether enough registrars published keys for the poll to open."""
        return len(self.keys) >= len(self.cls.registrars) - self.cls.f

    def _sources(self, registrars: Iterable[int]) -> set[str]:
        return {self.cls.registrars[r][1] for r in registrars}

    def _counts(self, group: int) -> set[int]:
        """The registrars that count in a group: without those whose rolls are too short."""
        people = {r: rolls[group][1] for r, rolls in self.keys.items()}
        left = set(people)
        half = sorted(people.values())[(len(people) + 1) // 2 - 1] / 2
        for size, r in sorted((size, r) for r, size in people.items()):
            rest = left - {r}
            if size < half and len(rest) >= self.cls.k and len(self._sources(rest)) >= self.cls.sources:
                left = rest
        return left

    # Voting

    def vote(self, entry: list[Any], index: int, time: int) -> None:
        """A ballot of this poll (3.2)."""
        _, _, group, data, permits, turn, _ = entry
        need(
            self.state == "announced" and self.opens <= time < self.closing, "a ballot comes when its poll is not open"
        )
        number(group, 0, len(self.weights) - 1), number(turn, 1, 32)
        octets(data, paper.length(self.questions))
        paper.check_cast(entry, times_eight(data[:32]))
        said = paper.check(data, self.questions, self.committee.public, self.uuid, self.phi)
        before = self.ballots.get(said.credential)
        registrars = [self._permit(said.credential, group, p) for p in rows(permits)]
        if before:
            need(not registrars, "a later ballot brings permits again")
            need(group == before.group, "a later ballot is in another group")
            need(turn > before.turn, "a later ballot does not have a later turn")
        else:
            self._first(registrars, group)
        need(said.tracker not in self.trackers, "a ballot is there twice")
        self.trackers.add(said.tracker)
        self.ballots[said.credential] = Accepted(index, group, turn, said.ciphertexts)

    def _permit(self, credential: bytes, group: int, value: object) -> int:
        r, prefix, signature = row(value, 3)
        r = number(r, 0, len(self.cls.registrars) - 1)
        octets(prefix, 32)
        need(r in self.keys, "a permit is by a registrar that published no keys")
        modulus = self.keys[r][group][0]
        octets(signature, len(modulus))
        need(paper.permit(modulus, self.id, group, credential, prefix, signature), "a permit does not hold")
        return r

    def _first(self, registrars: list[int], group: int) -> None:
        need(registrars == sorted(set(registrars)), "permits are not in ascending order of the registrars")
        need(len(registrars) == self.cls.k, "a first ballot does not have exactly k permits")
        sources = {self.cls.registrars[r][1] for r in registrars}
        need(len(sources) >= self.cls.sources, "permits come from too few identity sources")
        need(self._counts(group).issuperset(registrars), "a permit is by a registrar that does not count in the group")
        for r in registrars:
            self.admissions[r, group] += 1
            need(self.admissions[r, group] <= self.keys[r][group][1], "a registrar admitted more than its roll holds")

    # After closing

    def close_due(self, time: int) -> bool:
        return self.state == "announced" and time >= self.closing and not self.void_due(time)

    def close(self) -> list[Any]:
        """What the derived entry must be (2.6)."""
        counted = len(self.ballots)
        entries = sorted(b.entry for b in self.ballots.values())
        head = root([leaf(number.to_bytes(8, "big")) for number in entries])
        if counted < self.cls.smallest:
            self.state = "too-few"
            return ["too-few", [self.id, counted, head]]
        cells = self._cells()
        said = [[members, b"".join(a + b for a, b in self._sums(members))] for members in cells]
        self.parts = [self._sums(members) for members in cells]
        whole = [(product(p[i][0] for p in self.parts), product(p[i][1] for p in self.parts)) for i in range(self.size)]
        self.parts = [whole, *self.parts] if len(cells) > 1 else [whole]
        entry = ["tally", [self.id, counted, head, said]]
        self.state, self.tally, self.counted = "tally", sha(encode(entry)), counted
        return entry

    def _cells(self) -> list[list[list[int]]]:
        """Groups joined in order until each cell has enough ballots."""
        counts = Counter(b.group for b in self.ballots.values())
        cells, current = [], []
        for group in range(len(self.weights)):
            current.append([group, counts[group]])
            if sum(count for _, count in current) >= self.cls.smallest:
                cells.append(current)
                current = []
        cells[-1] += current
        return cells

    def _sums(self, members: list[list[int]]) -> list[Pair]:
        sums = [(IDENTITY, IDENTITY)] * self.size
        for group, _ in members:
            votes = [b.ciphertexts for b in self.ballots.values() if b.group == group]
            w = self.weights[group]
            for i, (a, b) in enumerate(sums):
                alpha, beta = product(v[i][0] for v in votes), product(v[i][1] for v in votes)
                sums[i] = add(a, power(alpha, w)), add(b, power(beta, w))
        return sums

    def decrypt(self, body: list[Any], signer: bytes) -> None:
        """A share of the decryption of a part, with its proofs."""
        _, index, tally, part, factors, proofs, bound = row(body, 7)
        need(self.state in ("tally", "result"), "a decryption comes when there is nothing to decrypt")
        need(tally == self.tally, "a decryption is of another tally")
        number(index, 1, self.committee.n), number(part, 0, len(self.parts) - 1)
        need(self.committee.kept[index - 1] == signer, "a decryption is signed by another trustee")
        mine = self.shares.setdefault(index, {})
        need(part not in mine, "a part is decrypted twice")
        factors = split(factors, self.size, 32)
        bound, proofs = split(bound, self.size, 64), split(proofs, 0 if part else self.size, 64)
        x = self.committee.keys[index]
        start = f"{self.phi}|{spell(x)}|"
        for j, ((alpha, _), factor) in enumerate(zip(self.parts[part], factors, strict=True)):
            point(factor)
            if not part:
                need(equality(f"decrypt|{start}", x, alpha, factor, proof(proofs[j])), "a decryption is not proved")
            i = part * self.size + j
            prefix = f"veche-decrypt-v1|{self.phi}|{tally.hex()}|{spell(x)}|{i}|{spell(alpha)},{spell(factor)}|"
            need(equality(prefix, x, alpha, factor, proof(bound[j])), "a decryption is not proved for this tally")
        mine[part] = factors
        complete = sorted(i for i, mine in self.shares.items() if len(mine) == len(self.parts))
        if not self.openers and len(complete) == self.committee.t:
            self.openers = complete

    def result(self, body: object) -> None:
        """The numbers must be what the shares open the sums to."""
        _, trustees, total, cells = row(body, 4)
        need(self.state == "tally" and self.openers, "a result comes when there is none to come")
        need(trustees == self.openers, "a result is of other trustees")
        row(cells, len(self.parts) - 1)
        for part, numbers in enumerate([total, *cells]):
            flat = []
            for q, answers in zip(self.questions, row(numbers, len(self.questions)), strict=True):
                flat += row(answers, q.ciphertexts)
            for i, value in enumerate(flat):
                lambdas = {j: 1 if self.committee.mode == "single" else lagrange(j, trustees) for j in trustees}
                factor = product(power(self.shares[j][part][i], lambdas[j]) for j in trustees)
                need(g(number(value)) == subtract(self.parts[part][i][1], factor), "a result is not what was decrypted")
        self.state, self.totals = "result", [total, cells]


def announce(
    id: bytes,
    body: list[Any],
    classes: dict[str, Class],
    committees: dict[bytes, Committee],
    signers: list[str],
    time: int,
) -> Poll:
    """A `poll` entry (2.5)."""
    name, title, background, questions, groups, opens, closes, committee, files = row(body, 9)
    need(isinstance(name, str) and name in classes, "a poll is of an unknown class")
    cls = classes[name]
    need(len(signers) >= cls.organisers, "too few organisers signed a poll")
    line(title, 500), text(background, 20_000, empty=True)
    attachments(files)
    read = [read_question(q) for q in rows(questions, 1, 64)]
    named = [(line(n, 200), number(w, 1, MOST)) for n, w in (row(r, 2) for r in rows(groups, 1, 200))]
    different([n for n, _ in named])
    need(number(opens) > time and opens >= time + cls.notice, "a poll opens too soon")
    need(opens + cls.shortest <= number(closes) <= opens + cls.longest, "a poll closes too early or too late")
    need(isinstance(committee, bytes) and committee in committees, "a poll names an unknown committee")
    used = committees[committee]
    need(free(used, cls, opens), "a poll's committee is not finished, not of its class or not fresh")
    shapes = [q for q, _ in read]
    need(sum(q.ciphertexts for q in shapes) * len(named) <= 900, "a poll has too many sums")
    need(paper.length(shapes) <= min(60_000, 65_418 - 552 * cls.k), "a poll's ballot is too long")
    heavy = [weight for _, weight in named]
    least = sum(heavy) + max(0, cls.smallest - len(heavy)) * min(heavy)
    need(least * len(cls.registrars) <= MOST * cls.k, "the weights of a poll are too great for any tally")
    uuid = base58(id)
    election = {
        "version": 1,
        "description": both(background),
        "name": both(title),
        "group": "Ed25519",
        "public_key": spell(used.public),
        "questions": [json for _, json in read],
        "uuid": uuid,
    }
    phi = b64(compact(election).encode())
    return Poll(id, cls, used, shapes, [w for _, w in named], uuid, phi, opens, closes, closes)
