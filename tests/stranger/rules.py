"""The stranger's replay of a log: blocks, what falls due, and the admission of every entry (section 2)."""

from typing import Any

from .cbor import decode, encode, need, number, octets, row, text
from .committee import Committee
from .group import sha
from .offices import Offices, Signer
from .polls import Poll, announce, attachments
from .tiles import leaf, root

DERIVED = ("block", "office-effect", "validators", "double-signing", "committee-void", "void", "tally", "too-few")
ROLES = {
    "address": "validator",
    "committee": "organiser",
    "poll": "organiser",
    "outcome": "organiser",
    "permit-key": "registrar",
    "issuance": "registrar",
    "committee-certificate": "trustee",
    "committee-shares": "trustee",
    "committee-key": "trustee",
    "committee-complaint": "trustee",
    "decryption": "trustee",
}
SEVERAL = ("office", "class", "engine", "restart", "rules", "rules-withdrawal", "cancel", "contest", "poll")


def _framed(number: int, raw: bytes) -> bytes:
    """An entry's leaf in the frame."""
    return leaf(number.to_bytes(8, "big") + leaf(raw))


class Replay:
    """The state of a ledger, entry after entry."""

    def __init__(self, charter: bytes) -> None:
        self.offices = Offices(decode(charter), charter)
        self.index = 0
        self.height = self.time = -1
        self.empty = False  # the block so far appended nothing, and must append something
        self.handed = self.noted = False  # something in the block was handed in, or said by consensus
        self.ended = False  # the block ended with the new validators
        self.began = self.last = 0  # how many entries were before the block; and when the logged block before it was
        self.previous = 0
        self.restarted = False  # the block holds a restart
        self.roots: list[tuple[int, bytes]] = []  # what restarts say of the log, to be held against it in the end
        self.bodies: set[bytes] = set()
        self.moduli: set[bytes] = set()
        self.committees: dict[bytes, Committee] = {}
        self.polls: dict[bytes, Poll] = {}
        self.bodies.add(sha(encode(decode(charter)[:2])))
        self.block = [(0, charter)]  # the entries of the block so far, by their number
        self.stands_alone = False  # it belongs into the log though it append nothing
        self.frame: list[bytes] = []  # the leaves of the frame of the log before this block

    def entry(self, raw: bytes) -> None:
        """One more entry."""
        self.index += 1
        value = decode(raw)
        need(value and isinstance(value[0], str), "an entry does not begin with its kind")
        if value[0] == "block":
            self._block(row(value, 2)[1], raw)
            return
        self.block.append((self.index, raw))
        need(self.height >= 0, "the charter is not followed by its block")
        need(not self.ended, "an entry stands behind the validators with which a block ends")
        self.empty = False
        if due := self._due():
            self._derived(due, value)
            return
        if value[0] == "double-signing":
            votes, height, time = row(row(value, 2)[1], 3)
            need(not self.handed, "a double-signing stands behind what was handed in")
            need(octets(votes, 32) in self.offices.votes.values(), "a double-signing is of no validator")
            need(
                number(height) < self.height and number(time) <= self.time,
                "a double-signing is of later than its block",
            )
            need((votes, height) not in self.offices.accused, "a double-signing is said twice")
            self.offices.accused.add((votes, height))
            self.noted = True
            return
        if value[0] == "validators":
            need(self.restarted or self.offices.changed_set(), "the validators have not changed")
            need(
                value == ["validators", [list(each) for each in self.offices.validators()]], "the validators are others"
            )
            # Behind a restart they sign this very head.
            self.offices.sets.append((self.index - self.restarted, self.offices.validators()))
            self.offices.changed.append(self.index + 1)
            if self.restarted:
                self.offices.restarts.add(self.index + 1)
            self.ended, self.restarted = True, False
            return
        need(value[0] not in (*DERIVED, "charter"), f"a {value[0]} stands where none is due")
        need(not self.restarted, "something stands behind a restart")
        need(value[0] != "restart" or not (self.handed or self.noted), "something stands before a restart")
        self.handed = True
        if value[0] == "ballot":
            poll = self._poll(row(value, 7)[1])
            poll.vote(value, self.index, self.time)
        elif value[0] == "result":
            body = row(row(value, 2)[1], 4)
            self._poll(body[0]).result(body)
        else:
            self._signed(raw, *row(value, 3))

    def end(self) -> None:
        """The log ends with a whole block."""
        need(self.height >= 0, "the charter is not followed by its block")
        need(not self.empty, "the log ends with a block that appends nothing")
        need(not self._due(), "the log ends before something that is due")
        due = self.restarted or self.offices.changed_set()
        need(not due, "the log ends, or the block, before the new validators that are due")

    # Blocks and what falls due (2.2)

    def _block(self, body: object, raw: bytes) -> None:
        *numbers, frame = row(body, 5)
        height, time, previous, framed = (number(v) for v in numbers)
        if self.height < 0:
            charter = [_framed(0, self.block[0][1])]
            need((framed, frame) == (1, root(charter)), "the first block does not name the charter as the frame")
            self.block.append((1, raw))
            need(
                [height, time, previous] == [0, self.offices.time, self.offices.time],
                "the first block is not the charter's",
            )
            self.height, self.time = 0, time
            return
        self.end()
        rest = [(at, data) for at, data in self.block if decode(data)[0] != "ballot"]
        if len(rest) > 1 or self.stands_alone:
            self.frame += [_framed(at, data) for at, data in rest]
        need((framed, frame) == (len(self.frame), root(self.frame)), "a block names another frame than that before it")
        self.block = [(self.index, raw)]
        need(height > self.height, "a block is not higher than the one before")
        need(time >= previous >= self.time, "a block is older than the one before")
        self.offices.check_version(time)
        self.began, self.last, self.previous = self.index, self.time, previous
        self.time = previous
        need(not self._due(), "a block left out what fell due at the time of the block before")
        halt = time - previous > self.offices.halt
        if halt:
            self.offices.stand_still(time - previous)
            for poll in self.polls.values():
                if poll.state == "announced" and poll.closing > previous:
                    poll.closing = max(
                        poll.closing,
                        min(time + self.offices.lasting(3600), poll.published_closing + self.offices.lasting(172_800)),
                    )
        self.handed = self.noted = False
        self.stands_alone = halt or self.ended
        self.height, self.time, self.empty, self.ended = height, time, not halt and not self.ended, False

    def _due(self) -> tuple[str, Offices | Committee | Poll] | None:
        """The next derived entry, if one is due now."""
        if self.offices.due(self.time):
            return "office-effect", self.offices
        for committee in self.committees.values():
            if committee.due(self.time, self._suspended(committee)):
                return "committee-void", committee
        for kind, test in (("void", Poll.void_due), ("tally", Poll.close_due)):
            for poll in self.polls.values():
                if test(poll, self.time):
                    return kind, poll
        return None

    def _suspended(self, committee: Committee) -> int:
        """Until when the last of a committee's keys was suspended."""
        return max(self.offices.suspended.get(key, 0) for key in committee.kept)

    def _derived(self, due: tuple[str, Offices | Committee | Poll], value: list[Any]) -> None:
        """An entry that is due must be exactly what the rules make it."""
        kind, what = due
        if isinstance(what, Offices):
            need(value == what.due(self.time), "a change of an office does not take effect when it should")
            what.take_effect(value[1], self.time)
        elif isinstance(what, Committee):
            (name,) = (each for each, committee in self.committees.items() if committee is what)
            want = [kind, [name, what.due(self.time, self._suspended(what))]]
            need(value == want, "a committee is not made void when it should be")
            what.void = True
        elif kind == "void":
            want = [kind, [what.id, "too few registrars published permit keys before opening"]]
            need(value == want, "a poll is not made void when it should be")
            what.state = "void"
        else:
            need(what.close() == value, "a tally is not what the ballots make it")

    # What is handed in

    def _signed(self, raw: bytes, kind: str, body: Any, signatures: object) -> None:
        need(
            kind in ROLES or kind in (*SEVERAL, "notice"),
            f"the kind {kind} is unknown",
        )
        need(isinstance(body, list) and body, "a body is not an array with something in it")
        signers = self.offices.signers([kind, body], signatures, self.time, ROLES.get(kind, ""))
        need(kind in SEVERAL or len(signers) == 1, f"a {kind} has more than one signature")
        said = sha(encode([kind, body]))
        need(said not in self.bodies, "a statement is played again")
        self.bodies.add(said)
        if kind.startswith("committee-"):
            need(isinstance(body[0], bytes) and body[0] in self.committees, "a committee is unknown")
            self.committees[body[0]].step(kind, body, signers[0].key, self.time)
        elif kind == "committee":
            made = Committee(body, self.offices.known(self.time), self.time, self.offices.lasting)
            for who in made.cls.trustees:
                key = self.offices.held(who, "trustee")
                need(key and not self.offices.is_suspended(key, self.time), "a trustee of a committee has no key")
                made.kept.append(key)
            self.committees[sha(raw)] = made
        elif kind == "office":
            self._office(sha(raw), body, signers)
        elif kind == "poll":
            name, known = sha(raw), self.offices.known(self.time)
            poll = announce(name, body, known, self.committees, [each.who for each in signers], self.time)
            poll.kept = [self.offices.held(who, "registrar") for who, _ in poll.cls.registrars]
            able = [key for key in poll.kept if key and not self.offices.is_suspended(key, self.time)]
            need(len(able) >= len(poll.kept) - poll.cls.f, "too few registrars of a poll have a key")
            self.polls[name] = poll
        else:
            getattr(self, "_" + kind.replace("-", "_"))(body, signers)

    def _poll(self, name: Any) -> Poll:
        need(isinstance(name, bytes) and name in self.polls, "a poll is unknown")
        return self.polls[name]

    def _office(self, entry: bytes, body: list[Any], signers: list[Signer]) -> None:
        exchanged = self.offices.change(entry, body, signers, self.time)
        if exchanged:
            old, new = exchanged
            keepers: list[Committee | Poll] = [*self.committees.values(), *self.polls.values()]
            for each in keepers:
                each.kept = [new if key == old else key for key in each.kept]

    def _engine(self, body: list[Any], signers: list[Signer]) -> None:
        self.offices.hand_over(body, signers)

    def _restart(self, body: list[Any], signers: list[Signer]) -> None:
        size, head, height, time, _ = row(body, 5)
        number(size, 2), octets(head, 32)
        here = [number(size), number(height, 1), number(time)] == [self.began, self.height, self.time]
        need(here, "a restart is of another block")
        stood = self.time - self.previous > self.offices.halt and self.previous == self.last
        need(stood, "a restart is of a network that has not stood still")
        self.roots.append((size, head))
        self.offices.restart(body, signers)
        self.restarted = True

    def _class(self, body: list[Any], signers: list[Signer]) -> None:
        self.offices.add_class(body, signers, self.time)

    def _rules(self, body: list[Any], signers: list[Signer]) -> None:
        self.offices.announce(body, signers, self.time)

    def _address(self, body: list[Any], signers: list[Signer]) -> None:
        self.offices.move(body, signers[0])

    def _rules_withdrawal(self, body: list[Any], signers: list[Signer]) -> None:
        self.offices.withdraw(body, signers, self.time)

    def _notice(self, body: list[Any], signers: list[Signer]) -> None:
        poll, said, files = row(body, 3)
        need(poll == b"" or self._poll(poll), "a notice is about an unknown poll")
        text(said)
        attachments(files)

    def _permit_key(self, body: list[Any], signers: list[Signer]) -> None:
        poll, listed = row(body, 2)
        for modulus in self._poll(poll).permit_key(listed, signers[0].key, self.time):
            need(modulus not in self.moduli, "a modulus was used before")
            self.moduli.add(modulus)

    def _cancel(self, body: list[Any], signers: list[Signer]) -> None:
        name, why = row(body, 2)
        poll = self._poll(name)
        self.offices.agreed(signers)
        text(why)
        need(poll.state == "announced", "a poll that is over is cancelled")
        poll.state = "cancelled"

    def _contest(self, body: list[Any], signers: list[Signer]) -> None:
        name, why = row(body, 2)
        poll = self._poll(name)
        self.offices.agreed(signers)
        text(why)
        need(poll.state in ("tally", "result", "too-few"), "a poll is contested that has no tally")

    def _outcome(self, body: list[Any], signers: list[Signer]) -> None:
        name, status, said, due, files = row(body, 5)
        poll = self._poll(name)
        need(self.time >= poll.closing and poll.state not in ("void", "cancelled"), "an outcome comes before its time")
        need(status in ("will", "done", "not"), "an outcome has an unknown status")
        text(said), number(due)
        attachments(files)

    def _issuance(self, body: list[Any], signers: list[Signer]) -> None:
        name, listed = row(body, 2)
        poll = self._poll(name)
        r = poll.registrar(signers[0].key)
        need(self.time >= poll.closing and poll.state != "void", "an issuance comes before its time")
        need(r in poll.keys and r not in poll.issued, "an issuance comes twice, or from a registrar without keys")
        poll.issued.add(r)
        for group, (issued, head) in enumerate(row(v, 2) for v in row(listed, len(poll.weights))):
            number(issued, poll.admissions[r, group], poll.keys[r][group][1]), octets(head, 32)

    def _decryption(self, body: list[Any], signers: list[Signer]) -> None:
        self._poll(row(body, 7)[0]).decrypt(body, signers[0].key)
