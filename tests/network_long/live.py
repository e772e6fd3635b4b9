"""A network of real processes whose time goes by itself, a city on it, and clients who hand in ballots and keep what they are answered."""

import hashlib
import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import cycle
from pathlib import Path
from typing import Any

from cli.conftest import inside, ok
from engine.stage import TRAMS
from network.conftest import Answer, Client
from network.hosts import City, Host, Hosts, Place, Remote, copy_of
from network.proxy import Address, Network

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.audit.promise import Verdict, judge, read_promises
from veche.clock import Clock, Reading, system
from veche.errors import DoesNotHold
from veche.ledger.entries.poll import Group, Poll
from veche.ledger.heads import Succession
from veche.ledger.poll_state import PollState
from veche.ledger.promise import Promise
from veche.ledger.shape import Text
from veche.log.receipt import Receipt, verify_receipt
from veche.log.source import Folder
from veche.world import Citizen

from .apart import Apart, allowed

PATIENCE = 240
"""Seconds for which anything is waited for; other programs may want this machine, too."""
TEST = 1000
"""By what the ledger divides durations."""
DELAY = 0.01
"""Seconds that everything between two hosts is on its way."""
PREPARING = 12
"""Seconds for registrars between the publication of a poll and its opening."""
ANSWER = 10
"""Seconds for which a client waits for a node's answer."""
AGAIN = 20
"""Seconds after which a voter without a receipt hands in again, elsewhere."""
PEOPLE, RESERVE, RATE = 60, 10, 10
"""Citizens who vote in a steady load, others, and ballots a second."""
UNREACHABLE = OSError, http.client.HTTPException, ValueError
"""What comes of asking a node that is not there, or not for long."""


class LiveHost(Host):
    """A host whose clock goes by itself. ``skew``: seconds by which it is wrong; everybody's is ``ahead`` of this machine's.
    ``lies``: whether nothing that it says without a proof is to be believed."""

    lies = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.skew = 0

    def set_clock(self, ahead: int) -> None:
        draft = self.clock.with_suffix(".draft")
        draft.write_text(f"{ahead + self.skew:+d}\n")
        draft.replace(self.clock)

    @property
    def client(self) -> Client:
        return Client((self.place.inside, self.http), timeout=ANSWER)

    def hold(self, others: "Sequence[Host]") -> None:
        """From now on what is sent to and fro between this host and these others does not arrive, and nothing breaks."""

        @cache
        def holds(origin: Address) -> bool:  # said when something comes first: later it may be nobody's
            return any(other.is_origin(origin) for other in others)

        for wire in self.wires:
            wire.holds = holds

    def unplug(self) -> None:
        """Pull its cable, if it has one; else let nothing arrive."""
        if isinstance(self.place, Apart):
            self.place.unplug()
        else:
            for wire in self.wires:
                wire.holds = lambda origin: True

    def plug(self) -> None:
        if isinstance(self.place, Apart):
            self.place.plug()
        else:
            self.hold(())

    def ask(self, path: str) -> Answer | None:
        """What the door answers; None if there is nobody."""
        with suppress(*UNREACHABLE):
            return self.client.get(path)
        return None


class LiveHosts(Hosts):
    """``apart``: whether they are in network namespaces; ``ahead``: seconds by which all clocks are ahead of this machine's."""

    def __init__(
        self, network: Network, resources: ExitStack, validators: int = 4, kinds: Mapping[int, type[LiveHost]] = {}
    ) -> None:
        """``kinds``: which hosts are of another kind, by their numbers."""
        super().__init__(network, validators)
        self._resources, self._kinds = resources, kinds
        self.apart, self.ahead = allowed(), 0

    def host(self, number: int, folder: Path) -> LiveHost:
        place = self._resources.enter_context(Apart(number)) if self.apart else Place(number)
        kind = self._kinds.get(number, LiveHost)
        made = kind(number, folder, folder.parent / f"clock-{number + 1}", self.network, place)
        made.set_clock(self.ahead)
        return made

    def remote(self, folder: Path, clock: Clock) -> Remote:
        return LiveRemote(self, folder, clock)


class LiveRemote(Remote):
    """See :class:`network.hosts.Remote`."""

    hosts: LiveHosts
    pause = 0.2

    @property
    def believed(self) -> list[Host]:
        return [host for host in self.running if isinstance(host, LiveHost) and not host.lies]

    def set_clock(self) -> None:
        for host in self.hosts.all:
            assert isinstance(host, LiveHost)
            host.set_clock(self.hosts.ahead)

    def tick(self) -> int:
        """Until all hosts that run have a final head over all that is in the ledger now, and a block of now."""
        now = self._clock().time
        size = max(int(said["size"]) for host in self.running if (said := host.status()))
        self.wait(lambda: all(_has_come(host, now, size) for host in self.running))
        return size

    def wait(self, until: Callable[[], Any], seconds: float = PATIENCE) -> None:
        super().wait(until, seconds)


def _has_come(host: Host, time: int, size: int) -> bool:
    said = host.status()
    return said is not None and said["time"] >= time and said["final"] >= size


@dataclass
class Ballot:
    """A ballot and what its voter has in hand. ``answers``: what nodes answered, as it was; ``refused``: by which rule, if it was;
    ``handed_in``: when last, by the steady clock."""

    citizen: Citizen
    turn: int
    choice: list[int]
    entry: bytes
    answers: list[bytes] = field(default_factory=list)
    receipt: bytes | None = None
    refused: str = ""
    handed_in: float = 0

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.entry).hexdigest()

    @property
    def promises(self) -> list[Promise]:
        """All that it was answered."""
        return [promise for answer in self.answers if b'"promises"' in answer for promise in read_promises(answer)]


class LiveCity(City):
    """A city whose time goes by itself, and can be hurried on when nobody waits for anything but that. ``ballots``: all that were made;
    ``lies``: how many receipts did not hold."""

    remote: LiveRemote

    def __init__(self, folder: Path, hosts: LiveHosts, **choices: Any) -> None:
        self.live = hosts
        city = {"citizens": {"Centre": PEOPLE + RESERVE}, "registrars": (1, 1, 0), "trustees": (3, 2), "seconds": 6}
        super().__init__(folder, hosts, genesis=int(time.time()), test=TEST, **{**city, **choices})
        self.ballots: list[Ballot] = []
        self.lies = 0
        self.succession: Succession

    @property
    def reserve(self) -> list[Citizen]:
        """Those who do not vote in a steady load."""
        return self.citizens[-RESERVE:]

    @property
    def everybody(self) -> list[LiveHost]:
        return [host for host in self.live.all if isinstance(host, LiveHost)]

    def clock(self) -> Reading:
        now = system()
        self.now = now.time + self.live.ahead
        return Reading(self.now, now.steady + self.live.ahead, now.boot)

    def caught_up(self, host: LiveHost) -> None:
        """Wait until a host has what the others have."""
        size = max(said["final"] for one in self.remote.running if (said := one.status()))
        self.remote.wait(lambda: (said := host.status()) and said["final"] >= size)

    @staticmethod
    def ends(host: LiveHost) -> int:
        """Wait until a host's node has ended by itself; its exit code."""
        assert host.process is not None
        code, host.process = host.process.wait(PATIENCE), None
        return code

    def goes_on(self, *hosts: LiveHost, entries: int = 10) -> None:
        """Wait until these, or all, have so many more entries under a final head."""
        size = max(said["final"] for one in self.remote.running if (said := one.status()))
        wanted = hosts or self.everybody
        self.remote.wait(lambda: all((said := one.status()) and said["final"] >= size + entries for one in wanted))

    def stands_still(self) -> int:
        """The size of the ledger, which is the same at all hosts and in a second."""
        sizes = {int(host.status()["size"]) for host in self.remote.running}
        time.sleep(1)
        assert {int(host.status()["size"]) for host in self.remote.running} == sizes and len(sizes) == 1, sizes
        return sizes.pop()

    def part(self, *sides: Sequence[LiveHost]) -> None:
        """Let nothing arrive that the one side sends to another."""
        for side in sides:
            for host in side:
                host.hold([other for other in self.everybody if other not in side])

    def join(self) -> None:
        for host in self.everybody:
            host.hold(())

    def wait_until(self, time: int) -> None:
        """Hurry on: all clocks go ahead again and again by less than a halt, so that each block is as it would be anyway."""
        while (left := time - self.clock().time) > 0:
            self.live.ahead += min(left, self.charter.halt - 5)
            self.remote.set_clock()
            self.engine.tick()

    def open_poll(self, seconds: int) -> PollState:
        """A poll that is open for so long, as soon as it is; all citizens have their permits."""
        committee = self.form_committee()
        opens = self.clock().time + PREPARING
        group = Group(Text("Everyone", "Все"), 1)
        poll = Poll(
            "city", Text("Trams", "Трамваи"), Text("", ""), (TRAMS,), (group,), opens, opens + seconds, committee
        )
        published = self.publish(poll)
        for registrar in range(len(self.registrars)):
            self.submit(self.permit_keys(registrar, published))
        self.poll_id = published.id
        self.look_at_validators()
        published = self.poll_now
        for citizen in self.citizens:
            self.collect(citizen, published)
        self.remote.wait(lambda: all((said := host.status()) and said["time"] >= opens for host in self.remote.running))
        return self.poll_now

    @property
    def poll_now(self) -> PollState:
        found = self.ledger.state.poll(self.poll_id)
        assert isinstance(found, PollState)
        return found

    # Voters

    def ballot_of(self, citizen: Citizen) -> Ballot:
        """Their next one."""
        turn = citizen.turns.get(self.poll_id, 0) + 1
        choice = [1, 0] if (self.citizens.index(citizen) + turn) % 3 else [0, 1]
        made = Ballot(citizen, turn, choice, self.entry(citizen, self._opened, [choice]))
        self.ballots.append(made)
        return made

    @cached_property
    def _opened(self) -> PollState:
        return self.poll_now

    def hand_in(self, ballot: Ballot, *hosts: LiveHost, seconds: float = PATIENCE) -> None:
        """As a careful voter does: to one node after the other, until one has it, or the rules refuse it."""
        end = time.monotonic() + seconds
        for host in cycle(hosts or self.everybody):
            assert time.monotonic() < end, "no node takes it in"
            with suppress(*UNREACHABLE):
                answer = host.client.hand_in(ballot.entry)
                if answer.status == 202:
                    ballot.answers.append(answer.body)
                    ballot.handed_in = time.monotonic()
                    return
                if answer.status == 422:
                    ballot.refused = answer.json.get("refusal", answer.json)["rule"]
                    return
            time.sleep(0.1)

    @contextmanager
    def load(self, rate: float = RATE) -> Iterator[None]:
        """So many ballots a second, at one node after the other; whoever has voted votes again once their ballot is final."""
        stop, last, nodes = threading.Event(), dict[str, Ballot](), self.everybody

        def vote(citizen: Citizen, number: int) -> None:
            first = number % len(nodes)
            before = last.get(citizen.person)
            if before is None or self.is_final(before):
                last[citizen.person] = self.ballot_of(citizen)
                self.hand_in(last[citizen.person], *nodes[first:], *nodes[:first])

        def go_on(pool: ThreadPoolExecutor) -> None:
            busy: dict[str, Future[None]] = {}
            for number, citizen in enumerate(cycle(self.citizens[:-RESERVE])):
                if stop.wait(1 / rate):
                    return
                if citizen.person not in busy or busy[citizen.person].done():
                    busy[citizen.person] = pool.submit(vote, citizen, number)
                    under_way.append(busy[citizen.person])

        under_way: list[Future[None]] = []
        with ThreadPoolExecutor(32) as pool:
            thread = threading.Thread(target=go_on, args=(pool,))
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()
        for one in under_way:
            one.result()

    def is_final(self, ballot: Ballot) -> bool:
        """Whether some node has given a receipt that holds: what a node says without one is believed by nobody."""
        if ballot.receipt is None and not ballot.refused:
            for host in self.everybody:
                answer = host.ask(f"/entries/{ballot.hash}/receipt")
                if answer is not None and answer.status == 200 and self._holds(answer.body, ballot):
                    ballot.receipt = answer.body
                    break
        return ballot.receipt is not None

    def _holds(self, receipt: bytes, ballot: Ballot) -> bool:
        try:
            size = Receipt.parse(receipt).checkpoint.checkpoint.size
            verify_receipt(receipt, ballot.entry, self.succession.policy(size))
        except DoesNotHold:
            self.lies += 1
            return False
        return True

    def look_at_validators(self) -> None:
        """From now on receipts are held against those whom the ledger names now."""
        self.succession = self.ledger.state.succession

    def all_final(self) -> bool:
        """Whether every ballot that was handed in has its receipt, or was refused. What is not, is handed in again, elsewhere."""
        return all(map(self._has_ended, self.ballots))

    def _has_ended(self, ballot: Ballot) -> bool:
        if ballot.refused or self.is_final(ballot):
            return True
        answers = [answer for host in self.everybody if (answer := host.ask(f"/entries/{ballot.hash}"))]
        known = [answer.json for answer in answers if answer.status == 200]
        ballot.refused = next((said["refusal"]["rule"] for said in known if said["stage"] == "refused"), "")
        if not known or time.monotonic() > ballot.handed_in + AGAIN:
            nodes = self.everybody
            first = len(ballot.answers) % len(nodes)
            self.hand_in(ballot, *nodes[first:], *nodes[:first])
        return bool(ballot.refused)

    @contextmanager
    def at_once(self) -> Iterator[Callable[[Ballot], object]]:
        """Hand ballots in, many at a time; whoever comes too late is refused."""
        under_way: list[Future[None]] = []
        with ThreadPoolExecutor(32) as pool:
            yield lambda ballot: under_way.append(pool.submit(self.hand_in, ballot))
        for one in under_way:
            one.result()

    # The end of each story

    def close(self) -> None:
        """Until every ballot is final, the poll is over and its result is there."""
        self.remote.wait(self.all_final)
        self.wait_until(self.poll_now.closing)
        self.trustees_act()
        self.remote.wait(lambda: self.poll_now.result is not None)
        self.remote.tick()

    def judge(self, liars: Sequence[str] = ()) -> VerifiedLedger:
        """All copies are one ledger, each is verified from its public files alone; each ballot that has a receipt is counted once, and
        no promise is broken but by these institutions. Once the hosts have stopped."""
        copies = [copy_of(host, self.folder / f"copy-{host.number + 1}") for host in self.everybody]
        for copy in copies:
            ok("verify", copy, run=inside)
        verified = [verify_ledger(Folder(copy)) for copy in copies]
        logs = [list(one.log.entries()) for one in verified]
        assert all(log == logs[0] for log in logs), "the logs differ"
        first, hashes = verified[0], [hashlib.sha256(entry).hexdigest() for entry in logs[0]]
        times = Counter(hashes)
        last: dict[str, Ballot] = {}
        for ballot in self.ballots:
            assert times[ballot.hash] == (1 if ballot.receipt else 0) or ballot.refused, (
                ballot.turn,
                times[ballot.hash],
            )
            if ballot.receipt is not None:
                receipt = Receipt.parse(ballot.receipt)
                policy = first.state.succession.policy(receipt.checkpoint.checkpoint.size)
                assert hashes[verify_receipt(ballot.receipt, ballot.entry, policy).index] == ballot.hash
            if times[ballot.hash]:
                last[ballot.citizen.person] = max(
                    last.get(ballot.citizen.person, ballot), ballot, key=lambda one: one.turn
                )
        found = first.state.poll(self.poll_id)
        assert found is not None and found.result is not None
        totals = tuple(sum(ballot.choice[place] for ballot in last.values()) for place in (0, 1))
        assert found.result.total == (totals,), "each voter's last ballot counts, and no other"
        self._judge_promises(first, liars)
        return first

    def _judge_promises(self, verified: VerifiedLedger, liars: Sequence[str]) -> None:
        judged: Counter[str] = Counter()
        for ballot in self.ballots:
            for found in judge(verified, ballot.entry, ballot.promises):
                judged[found.verdict] += 1
                assert found.verdict is not Verdict.BROKEN or found.institution in liars, str(found.said)
        print(f"{len(self.ballots)} ballots; promises: {dict(judged)}")


@contextmanager
def city_on(
    folder: Path, kinds: Mapping[int, type[LiveHost]] = {}, validators: int = 4, delay: float = DELAY, **choices: Any
) -> Iterator[LiveCity]:
    """A city whose network runs; ``delay``: seconds between two hosts, one way. It says on what kind of hosts."""
    with Network(delay) as network, ExitStack() as resources:
        hosts = LiveHosts(network, resources, validators, kinds)
        print(
            "hosts are",
            "network namespaces" if hosts.apart else "addresses of loopback: namespaces are not allowed here",
        )
        with LiveCity(folder, hosts, **choices) as city:
            yield city
