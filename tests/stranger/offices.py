"""The stranger's offices, classes and signatures (sections 2 and 2.1)."""

import re
from collections import Counter
from typing import Any, NamedTuple

from nacl import bindings

from .cbor import Refused, encode, line, need, number, octets, row, rows, spelt_once, word
from .group import sha, signed

OWED = ("decryption", "issuance")
"""What a key signs that was retired or is suspended, for polls and committees that kept it."""
KEPT = ("committee-certificate", "committee-shares", "committee-key", "committee-complaint", "permit-key", *OWED)
"""What a key signs that was retired."""
SILENCED = ("notice", "office", *OWED)
"""What a key signs that is suspended."""
DAY = 86_400
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
    shortest: int = 1  # seconds that a poll must be open at least: those between blocks


def read_class(value: object) -> Class:
    """A class of the charter, with its arithmetic."""
    name, registrars, k, f, sources, trustees, t, f_t, smallest, notice, longest, organisers, *more = row(value, 15)
    challenge, margin, witnessed = more
    word(name)
    registrars = [(word(who), word(source)) for who, source in (row(r, 2) for r in rows(registrars, 1, 32))]
    trustees = [word(who) for who in rows(trustees, 1, 32)]
    n, m = len(registrars), len(trustees)
    number(k, 1, n), number(f), number(sources, 1, k), number(t, 1, m), number(f_t)
    number(smallest, 2), number(notice, 0, 7_862_400), number(longest, 1), number(organisers, 1, 32)
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


class Row(NamedTuple):
    """A validator of the charter: institution, consensus key, address, and the id by which peers know it."""

    who: str
    votes: bytes
    url: str
    node: str


HOST = r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"


def read_validator(value: object) -> Row:
    who, votes, url, peer = row(value, 4)
    return Row(word(who), octets(votes, 32), *read_address(url, peer))


def read_address(url: object, peer: object) -> tuple[str, str]:
    """A validator's address, and the id by which peers know it."""
    for said in (word(url, 200), word(peer, 200)):
        need(int((re.findall(r":(\d+)\Z", said) or [1])[0]) <= 65_535, "there is no such port")
    need(re.fullmatch(rf"https?://{HOST}(:[1-9][0-9]{{0,4}})?", word(url, 200), re.ASCII), "an address is odd")
    need(
        re.fullmatch(rf"[0-9a-f]{{40}}@{HOST}:[1-9][0-9]{{0,4}}", word(peer, 200), re.ASCII), "a peer's address is odd"
    )
    return word(url, 200), word(peer, 200)[:40]


class Signer(NamedTuple):
    """Who signed, with which key."""

    who: str
    key: bytes
    suspended: bool


class Waiting(NamedTuple):
    """A change of a seat that takes effect later. ``entry``: SHA-256 of its entry."""

    entry: bytes
    action: str
    key: bytes
    due: int
    votes: list[bytes]


class Offices:
    """Who may sign what, from the charter on."""

    def __init__(self, entry: list[Any], raw: bytes) -> None:
        kind, body, signatures = row(entry, 3)
        need(kind == "charter", "the log does not begin with a charter")
        version, self.origin, name, self.time, offices, self.k, classes, engine, witnesses, test = row(body, 10)
        need(version == VERSION, "the charter is of another version")
        need(all("!" <= c <= "~" and c != "+" for c in word(self.origin, 100)), "bad origin")
        line(name, 500), number(self.time)
        name, pause, *run = rows(engine, 2, 4)
        need((name, len(run)) in {("embedded", 2), ("cometbft", 1)}, "the engine is unknown")
        number(pause, 1, 60)
        self.log_key, self.rows = b"", []
        if name == "embedded":
            self.operators, self.log_key = [word(run[0])], run[1]
            self._key(self.log_key)
        else:
            self.rows = [read_validator(each) for each in rows(run[0], 1, 64)]
            self.operators = [each.who for each in self.rows]
            need(self.operators == sorted(set(self.operators)), "the validators are not in order")
            for own in zip(*(each[1:] for each in self.rows), strict=True):
                need(len(set(own)) == len(own), "two validators share something")
            for each in self.rows:
                self._key(each.votes)
                need(each.votes not in [key for _, _, key in offices], "a validator's key has another use")
        self.active: dict[bytes, tuple[str, str]] = {}
        self.seen: dict[bytes, tuple[str, str]] = {}
        self.suspended: dict[bytes, int] = {}
        self.waiting: dict[tuple[str, str], Waiting] = {}
        for who, role, key in (row(o, 3) for o in rows(offices, 1, 200)):
            self._add(word(who), role, octets(key, 32))
        seats = {who: key for key, (who, role) in self.active.items() if role == "validator"}
        need(sorted(seats) == [each.who for each in self.rows], "the validators' offices are not those of the engine")
        self.votes = {seats[each.who]: each.votes for each in self.rows}
        self.found = {each.who: (each.url, each.node) for each in self.rows}
        self.accused: set[tuple[bytes, int]] = set()
        self.moved: list[int] = []  # when validators changed
        self.sets = [(-1, self.validators())]  # who they were from which entry on
        self.changed: list[int] = []  # the sizes of the log when that was said
        self.restarts: set[int] = set()  # those behind a restart
        number(self.k, 1, len({who for who, _ in self.active.values()}))
        self.test = number(test, 0, 100_000)
        self.classes = {}
        self.since: dict[str, int] = {}
        self.pause = engine[1]
        for c in map(read_class, rows(classes, 1, 100)):
            self.classes[c.name] = self._here(c)
        need(len(self.classes) == len(classes), "two classes have one name")
        watching = sum(role == "observer" and who not in self.operators for who, role in self.active.values())
        self.corrupt = [number(corrupt) for corrupt in rows(witnesses, 0, 1)]
        need(not self.corrupt or self._quorum(watching), "there are too few witnesses")
        self.witnessed = bool(witnesses)
        need(
            bool(witnesses) or not any(c.witnessed for c in self.classes.values()),
            "nobody is to witness what a class wants",
        )
        self.named = {*self.operators, *(who for who, _ in self.seen.values())}
        for c in self.classes.values():
            self.named |= {*c.trustees, *(who for who, _ in c.registrars)}
        spelt_once(self.named)
        spelt_once(self.classes)
        spelt_once(source for c in self.classes.values() for _, source in c.registrars)
        self.halt = max(self.lasting(600), 10 * engine[1])
        self.versions = {VERSION: self.time}
        self.withdrawn: set[int] = set()
        self.ledger = ""
        signers = self.signers([kind, body], signatures, self.time)
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
        self.seen[key] = self.active[key] = (who, str(role))

    def signers(self, said: list[Any], signatures: object, time: int, role: str = "") -> list[Signer]:
        """Who signed a statement, all of them with keys of offices of this role that may sign this kind now."""
        message = f"veche-entry-v1|{self.ledger}|{sha(encode(said)).hex()}".encode()
        found, last = [], b""
        for key, signature in (row(s, 2) for s in rows(signatures, 1)):
            need(octets(key, 32) > last, "signatures are not in ascending order of the keys")
            last = key
            known = key in self.active or (key in self.seen and said[0] in KEPT)
            need(known, "a statement is signed by a key that holds no office")
            silent = self.is_suspended(key, time)
            need(not silent or said[0] in SILENCED, "a statement is signed by a key that is suspended")
            who, held = self.seen[key]
            need(not role or held == role, f"a {held} may not sign a {said[0]}")
            need(signed(key, message, octets(signature, 64)), f"the signature of {who} does not hold")
            found.append(Signer(who, key, silent))
        return found

    def is_suspended(self, key: bytes, time: int) -> bool:
        return time < self.suspended.get(key, 0)

    def held(self, who: str, role: str) -> bytes:
        """The active key of a seat; empty if there is none."""
        return next((key for key, seat in self.active.items() if seat == (who, role)), b"")

    def validators(self) -> list[tuple[str, bytes, bytes]]:
        """Who they are now: institution, ledger key, consensus key."""
        seats = self.active.items()
        return sorted((who, key, self.votes[key]) for key, (who, role) in seats if role == "validator")

    def changed_set(self) -> bool:
        """Are they others than was last said?"""
        return self.validators() != self.sets[-1][1]

    def _here(self, c: Class) -> Class:
        """A class as it is on this ledger."""
        notice, longest = self.lasting(c.notice), self.lasting(c.longest)
        return c._replace(notice=notice, longest=longest, shortest=self.pause)

    def known(self, time: int) -> dict[str, Class]:
        """The classes that are in force."""
        return {name: c for name, c in self.classes.items() if self.since.get(name, 0) <= time}

    def add_class(self, body: list[Any], signers: list[Signer], time: int) -> None:
        """A `class` entry."""
        c = read_class(body)
        self.agreed(signers)
        spelt_once([*self.classes, c.name])
        need(c.name not in self.classes, "a class of this name is spelt in two ways, or twice")
        need(len(self.classes) < 1000, "there are too many classes")
        need(self.witnessed or not c.witnessed, "nobody is to witness what a class wants")
        self.named |= {*c.trustees, *(who for who, _ in c.registrars)}
        spelt_once([*self.named, *(who for who, _ in [*self.seen.values(), *self.waiting])])
        sources = [source for each in (*self.classes.values(), c) for _, source in each.registrars]
        spelt_once(sources)
        self.classes[c.name], self.since[c.name] = self._here(c), time + self.lasting(14 * DAY)

    def _founders(self, body: Any) -> list[tuple[Any, Any]]:
        """The validators with which a network begins or goes on: each with its ledger key."""
        found = [(each[1], read_validator([each[0], *each[2:]])) for each in (row(v, 5) for v in rows(body, 1, 64))]
        names = [each.who for _, each in found]
        need(names == sorted(set(names)), "the validators are not in order")
        for own in zip(*(each[1:] for _, each in found), strict=True):
            need(len(set(own)) == len(own), "two validators share something")
        spelt_once([*self.named, *(who for who, _ in [*self.seen.values(), *self.waiting]), *names])
        return found

    def hand_over(self, body: list[Any], signers: list[Signer]) -> None:
        """An `engine` entry."""
        self.agreed(signers)
        need(not self.validators(), "a network runs it already, so the engine is unknown")
        found = self._founders(body)
        names = [each.who for _, each in found]
        keys = [key for key, each in found for key in (key, each.votes)]
        used = {*self.seen, *(each.key for each in self.waiting.values())}
        need(len(set(keys)) == len(keys) and not used & set(keys), "a validator's key was used before")
        leaving = [each.key for each in self.waiting.values() if each.action == "retire"]
        stay = [key for key in self.witnesses() if key not in leaving and self.seen[key][0] not in names]
        need(not self.corrupt or self._quorum(len(stay)), "too few witnesses would be left")
        for key, each in found:
            self._key(each.votes)
            self._add(each.who, "validator", octets(key, 32))
            self.votes[key], self.found[each.who] = each.votes, (each.url, each.node)

    def restart(self, body: list[Any], signers: list[Signer]) -> None:
        """A `restart` entry, but for where it stands."""
        self.agreed(signers)
        now = {who: (key, votes) for who, key, votes in self.validators()}
        need(now, "a network is restarted that there is not")
        signed_by = {each.key for each in signers}
        count = sum(key in signed_by for key, _ in now.values())
        need(3 * count > len(now), "too few validators signed a restart")
        found = self._founders(body[4])
        names = [each.who for _, each in found]
        keys = [key for key, each in found for key in (key, each.votes)]
        used = {*self.seen, *self.votes.values()}
        used |= {key for each in self.waiting.values() for key in (each.key, *each.votes)}
        for key, each in found:
            self._key(key), self._key(each.votes)
            held, voted = now.get(each.who, (b"", b""))
            need(key == held or key not in used, "a validator's key was used before")
            need(each.votes == voted or each.votes not in used, "a validator's key was used before")
            need(key != held or key in signed_by, "a validator that goes on has not signed")
        need(len(set(keys)) == len(keys), "a validator's key was used before")
        leaving = [each.key for each in self.waiting.values() if each.action == "retire"]
        stay = [key for key in self.witnesses() if key not in leaving and self.seen[key][0] not in names]
        need(not self.corrupt or self._quorum(len(stay)), "too few witnesses would be left")
        self.waiting = {seat: each for seat, each in self.waiting.items() if seat[1] != "validator"}
        for key, _ in now.values():
            del self.active[key]
        for key, each in found:
            if key in self.seen:
                self.active[key] = self.seen[key]
            else:
                self._add(each.who, "validator", octets(key, 32))
            self.votes[key], self.found[each.who] = each.votes, (each.url, each.node)

    def move(self, body: list[Any], signer: Signer) -> None:
        """An `address` entry."""
        url, peer, counter = row(body, 3)
        found = read_address(url, peer)
        number(counter)
        for who, _, _ in self.validators():
            other = self.found.get(who, ("", ""))
            need(
                who == signer.who or (found[0] != other[0] and found[1] != other[1]),
                "an address is another validator's",
            )
        self.found[signer.who] = found

    def ledger_keys(self, size: int) -> list[bytes]:
        """Of the validators who cosign the head of so many entries."""
        (*_, last) = (who for number, who in self.sets if number <= size - 2)
        return [key for _, key, _ in last]

    def _running(self) -> list[str]:
        """Who runs the engine now."""
        return [who for who, _, _ in self.validators()] or self.operators

    def _room(self, time: int) -> bool:
        """May one more validator change?"""
        lately = sum(when > time - self.lasting(14 * DAY) for when in self.moved)
        return lately == 0 or 3 * (lately + 1) < len(self.validators())

    def witnesses(self) -> set[bytes]:
        """The keys of those who cosign heads, if the charter asks for it."""
        offices = self.active.items() if self.witnessed else ()
        return {key for key, (who, role) in offices if role == "observer" and who not in self._running()}

    def _quorum(self, watching: int) -> bool:
        """Are so many witnesses enough?"""
        (corrupt,) = self.corrupt
        q = next(q for q in range(watching + corrupt + 2) if 2 * q > watching + corrupt)
        return watching - corrupt >= q

    def agreed(self, signers: list[Signer]) -> None:
        """k institutions signed."""
        need(len({each.who for each in signers if not each.suspended}) >= self.k, "too few institutions signed")

    def change(self, entry: bytes, body: list[Any], signers: list[Signer], time: int) -> tuple[bytes, bytes] | None:
        """An `office` entry: (old key, new key) if the holder of a key replaced it."""
        action, who, role, key, counter, *votes = rows(body, 5, 6)
        word(who), self._key(key), number(counter)
        need(role in ROLES, "an office has an unknown role")
        seat, held = (who, role), self.held(who, role)
        wanted = role == "validator" and action in ("add", "rotate")
        need(len(votes) == wanted, "a consensus key stands where none is wanted, or is not there")
        for each in votes:
            self._key(each)
        by_holder = bool(held) and held in [each.key for each in signers]
        for each in signers:
            silent = each.suspended and not (action == "object" and each.key == held)
            need(not silent, "a suspended key signs a change of an office")
        if action == "suspend":
            need(self.seen.get(key) == seat, "a key is suspended that was never the seat's")
            if not (by_holder and key == held):
                self.agreed(signers)
            self.suspended[key] = time + self.lasting(30 * DAY)
        elif action == "object":
            need(seat in self.waiting and self.waiting[seat].key == key, "an objection to a change that does not wait")
            if not by_holder:
                self.agreed(signers)
            del self.waiting[seat]
        else:
            self.agreed(signers)
            self._check(action, seat, held, key)
            accused = {votes for votes, _ in self.accused}
            guilty = role == "validator" and action == "retire" and self.votes.get(held) in accused
            if role == "validator":
                self._check_validator(action, seat, held, key, votes)
                need(not by_holder or guilty or self._room(time), "too many validators changed lately")
            if by_holder or guilty:
                self.waiting.pop(seat, None)
                self._replace(action, seat, held, key, votes, time)
                return (held, key) if action == "rotate" else None
            need(seat not in self.waiting, "a second change of a seat waits")
            self.waiting[seat] = Waiting(entry, action, key, time + self.lasting(14 * DAY), votes)
        return None

    def lasting(self, seconds: int) -> int:
        """So long something lasts on this ledger."""
        return seconds if self.test == 0 else (seconds + self.test - 1) // self.test

    def _check(self, action: object, seat: tuple[str, str], held: bytes, key: bytes) -> None:
        """May a change begin?"""
        others = [each for other, each in self.waiting.items() if other != seat]
        if action == "retire":
            need(held == key, "an office that is retired is not there")
            leaving = [key, *(each.key for each in others if each.action == "retire")]
            left = {who for each, (who, _) in self.active.items() if each not in leaving}
            need(len(left) >= self.k, "too few institutions would be left")
            self._check_watching(seat, leaving)
            return
        need(action in ("add", "rotate"), "an office entry has an unknown action")
        need(bool(held) == (action == "rotate"), "an office is not there, or is there already")
        need(key not in self.seen and key not in [each.key for each in others], "a key was used before")
        voting = [*self.votes.values(), *(vote for each in others for vote in each.votes)]
        need(key not in voting, "a key was used before")
        spelt_once([*self.named, *(who for who, _ in [*self.seen.values(), *self.waiting]), seat[0]])

    def _check_watching(self, seat: tuple[str, str], leaving: list[bytes]) -> None:
        """Do enough witnesses stay who do not run the engine?"""
        adding = {who for (who, role), each in self.waiting.items() if role == "validator" and each.action == "add"}
        if seat[1] == "validator" and not leaving:
            adding.add(seat[0])
            leaving = [each.key for each in self.waiting.values() if each.action == "retire"]
        before = self.witnesses()
        stay = {key for key in before if key not in leaving and self.seen[key][0] not in adding}
        touched = seat[0] in adding or (bool(leaving) and leaving[0] in before)
        if before and touched and len(stay) < len(before):
            need(self._quorum(len(stay)), "too few witnesses would be left")

    def _check_validator(
        self, action: object, seat: tuple[str, str], held: bytes, key: bytes, votes: list[bytes]
    ) -> None:
        now = self.validators()
        need(now, "an embedded ledger gets a validator: the role is not there")
        others = [each for (_, role), each in self.waiting.items() if role == "validator"]
        if action == "retire":
            need(len(now) > 1 + sum(each.action == "retire" for each in others), "no validator would be left")
            return
        if action == "add":
            need(len(now) + sum(each.action == "add" for each in others) < 64, "too many validators")
            self._check_watching(seat, [])
        if votes != [self.votes.get(held)]:
            awaited = [each for other, each in self.waiting.items() if other != seat]
            used = [*self.seen, *self.votes.values(), key]
            used += [each for one in awaited for each in (one.key, *one.votes)]
            need(votes[0] not in used, "a consensus key was used before")

    def _replace(
        self, action: str, seat: tuple[str, str], held: bytes, key: bytes, votes: list[bytes], time: int
    ) -> None:
        self.active.pop(held, None)
        if action != "retire":
            self._add(*seat, key)
        if votes:
            (self.votes[key],) = votes
        if seat[1] == "validator":
            self.moved.append(time)

    def due(self, time: int) -> list[Any]:
        """The next `office-effect` that is due, if there is one."""
        for (who, role), each in self.waiting.items():
            if time >= each.due and (role != "validator" or self._room(time)):
                return ["office-effect", [each.entry, each.action, who, role, each.key, *each.votes]]
        return []

    def take_effect(self, body: list[Any], time: int) -> None:
        """A change to which nobody objected."""
        _, action, who, role, key, *votes = body
        del self.waiting[who, role]
        self._replace(action, (who, role), self.held(who, role), key, votes, time)

    def stand_still(self, seconds: int) -> None:
        """A halt counts in nobody's time to object."""
        self.waiting = {seat: each._replace(due=each.due + seconds) for seat, each in self.waiting.items()}

    def announce(self, body: list[Any], signers: list[Signer], time: int) -> None:
        """A `rules` entry."""
        version, start = row(body, 2)
        self.agreed(signers)
        need(number(start) >= time + self.lasting(14 * 86400), "rules come into force too soon")
        need(number(version, 2, 1000) > max(self.versions), "a version of the rules is not new")
        self.versions[version] = start

    def withdraw(self, body: list[Any], signers: list[Signer], time: int) -> None:
        """A `rules-withdrawal` entry."""
        (version,) = row(body, 1)
        self.agreed(signers)
        number(version, 2, 1000)
        known = version in self.versions and version not in self.withdrawn
        need(known and self.versions[version] > time, "a version of the rules is not new any more, or is none")
        self.withdrawn.add(version)

    def check_version(self, time: int) -> None:
        """This verifier knows one version only."""
        for version, start in self.versions.items():
            if version not in self.withdrawn and start <= time and version != VERSION:
                raise Refused(
                    f"from {start} on version {version} of the rules holds, which this verifier does not know"
                )
