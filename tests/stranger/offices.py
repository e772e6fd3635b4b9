"""The stranger's offices, classes and signatures (sections 2 and 2.1)."""

from collections import Counter
from typing import Any, NamedTuple

from nacl import bindings

from .cbor import Refused, encode, need, number, octets, row, rows, text, word
from .group import sha, signed

ROLES = ("organiser", "registrar", "trustee", "validator", "observer")
VERSION = 1


class Class(NamedTuple):
    """A class of polls."""

    name: str
    registrars: list[tuple[str, str]]
    k: int
    f: int
    sources: int
    trustees: list[str]
    t: int
    f_t: int
    smallest: int
    notice: int
    longest: int
    organisers: int
    challenge: int
    margin: int
    witnessed: int


def read_class(value: object) -> Class:
    """A class of the charter, with its arithmetic."""
    name, registrars, k, f, sources, trustees, t, f_t, smallest, notice, longest, organisers, *more = row(value, 15)
    challenge, margin, witnessed = more
    word(name)
    registrars = [(word(who), word(source)) for who, source in (row(r, 2) for r in rows(registrars, 1, 32))]
    trustees = [word(who) for who in rows(trustees, 1, 32)]
    n, m = len(registrars), len(trustees)
    number(k, 1, n), number(f), number(sources, 1, k), number(t, 1, m), number(f_t)
    number(smallest, 2), number(notice), number(longest, 1), number(organisers, 1, 32)
    number(challenge), number(margin, 0, 3600), number(witnessed, 0, 1)
    need(2 * k > n + f and n - f >= k, f"the registrars of class {name} do not add up")
    need(2 * t > m + f_t and m - f_t >= t, f"the trustees of class {name} do not add up")
    refuse = f
    left = Counter(source for _, source in registrars)
    while left and min(left.values()) <= refuse:  # the worst that f can do: silence the sources that fewest serve
        rarest = min(left, key=lambda source: left[source])
        refuse -= left.pop(rarest)
    need(sources <= len(left), f"class {name} has too few identity sources if {f} refuse")
    names = [who for who, _ in registrars] + trustees
    need(len(set(names)) == len(names), f"an institution is in the lists of class {name} twice")
    return Class(name, registrars, k, f, sources, trustees, t, f_t, smallest, notice, longest, organisers, *more)


class Offices:
    """Who may sign what, from the charter on."""

    def __init__(self, entry: list[Any], raw: bytes) -> None:
        kind, body, signatures = row(entry, 3)
        need(kind == "charter", "the log does not begin with a charter")
        version, self.origin, name, self.time, self.log_key, self.operator, *more = row(body, 12)
        offices, self.k, classes, engine, witnesses, test = more
        need(version == VERSION, "the charter is of another version")
        need(all("!" <= c <= "~" and c != "+" for c in word(self.origin, 100)), "bad origin")
        text(name), number(self.time), self._key(self.log_key)
        need(row(engine, 2)[0] == "embedded" and number(engine[1], 1, 60), "the engine is unknown")
        self.active: dict[bytes, tuple[str, str]] = {}
        self.seen: set[bytes] = set()
        for who, role, key in (row(o, 3) for o in rows(offices, 1, 200)):
            self._add(word(who), role, octets(key, 32))
        number(self.k, 1, len({who for who, _ in self.active.values()}))
        self.test = number(test, 0, 100_000)
        self.classes = {}
        for c in map(read_class, rows(classes, 1, 100)):
            self.classes[c.name] = c._replace(notice=self.lasting(c.notice), longest=self.lasting(c.longest))
        need(len(self.classes) == len(classes), "two classes have one name")
        watching = sum(role == "observer" and who != self.operator for who, role in self.active.values())
        for corrupt in rows(witnesses, 0, 1):
            q = next(q for q in range(watching + number(corrupt) + 1) if 2 * q > watching + corrupt)
            need(watching - corrupt >= q, "there are too few witnesses")
        need(
            bool(witnesses) or not any(c.witnessed for c in self.classes.values()),
            "nobody is to witness what a class wants",
        )
        word(self.operator)
        self.halt = max(self.lasting(600), 10 * engine[1])
        self.versions = {self.time: VERSION}
        self.ledger = ""
        signers = self.signers([kind, body], signatures)
        need(len(signers) == len(self.active), "an office did not sign the charter")
        self.ledger = sha(raw).hex()

    @staticmethod
    def _key(key: object) -> None:
        """Section 2.1: a point of the prime-order subgroup and not the identity."""
        need(bindings.crypto_core_ed25519_is_valid_point(octets(key, 32)), "a key is one for which anybody could sign")

    def _add(self, who: str, role: object, key: bytes) -> None:
        need(role in ROLES, "an office has an unknown role")
        self._key(key)
        need(key not in self.seen, "a key was used before")
        need((who, role) not in self.active.values(), "an institution has two active keys of a kind")
        self.seen.add(key)
        self.active[key] = (who, str(role))

    def signers(self, said: list[Any], signatures: object, role: str = "") -> list[str]:
        """The institutions that signed a statement, all of them with keys of active offices of this role."""
        message = f"veche-entry-v1|{self.ledger}|{sha(encode(said)).hex()}".encode()
        found, last = [], b""
        for key, signature in (row(s, 2) for s in rows(signatures, 1)):
            need(octets(key, 32) > last, "signatures are not in ascending order of the keys")
            last = key
            need(key in self.active, "a statement is signed by a key that holds no office")
            who, held = self.active[key]
            need(not role or held == role, f"a {held} may not sign a {said[0]}")
            need(signed(key, message, octets(signature, 64)), f"the signature of {who} does not hold")
            found.append(who)
        return found

    def holds(self, who: str, role: str) -> bool:
        """Does this institution hold an active key of this role?"""
        return (who, role) in self.active.values()

    def agreed(self, signers: list[str]) -> None:
        """k institutions signed."""
        need(len(set(signers)) >= self.k, "too few institutions signed")

    def change(self, body: list[Any], signers: list[str]) -> None:
        """An `office` entry."""
        action, who, role, key = row(body, 4)
        self.agreed(signers)
        word(who), octets(key, 32)
        held = [each for each, office in self.active.items() if office == (who, role)]
        if action == "retire":
            need(held == [key], "an office that is retired is not there")
            del self.active[key]
            left = {each for each, _ in self.active.values()}
            need(len(left) >= self.k, "too few institutions would be left")
        elif action == "rotate":
            need(held, "an office that is rotated is not there")
            del self.active[held[0]]
            self._add(who, role, key)
        else:
            need(action == "add", "an office entry has an unknown action")
            self._add(who, role, key)

    def lasting(self, seconds: int) -> int:
        """So long something lasts on this ledger."""
        return seconds if self.test == 0 else (seconds + self.test - 1) // self.test

    def announce(self, body: list[Any], signers: list[str], time: int) -> None:
        """A `rules` entry."""
        version, start = row(body, 2)
        self.agreed(signers)
        need(number(start) >= time + self.lasting(14 * 86400), "rules come into force too soon")
        need(number(version, 2, 1000) > max(self.versions.values()), "a version of the rules is not new")
        self.versions[start] = version

    def check_version(self, time: int) -> None:
        """This verifier knows one version only."""
        for start, version in self.versions.items():
            if start <= time and version != VERSION:
                raise Refused(
                    f"from {start} on version {version} of the rules holds, which this verifier does not know"
                )
