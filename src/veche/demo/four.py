"""What the demo of four institutions tells, in its order. :class:`~veche.demo.network.Town` makes it happen."""

import random
import time as clock_time
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text as Styled

from veche.audit.entry_words import short
from veche.audit.poll_view import view_poll
from veche.demo.audit import show_commands, typed
from veche.demo.city import SEED, Acting, act
from veche.demo.content import EVERYONE, STATION
from veche.demo.joining import compare_logs, tell_of_citizen
from veche.demo.network import Town
from veche.demo.nodes import PATIENCE, Node
from veche.demo.screen import Screen
from veche.demo.story import shares, steps
from veche.ledger.entries.poll import Group, Poll
from veche.ledger.signing import sign
from veche.terminal.results import bars
from veche.texts import Message, Plural, Words

PREPARING = 10
"""Seconds for registrars and citizens between the publication of the poll and its opening."""
OPEN = 35
"""Seconds for which the poll is open. On a slow machine it is longer: two thirds more than all took that came before."""


def tell_of_four(town: Town, screen: Screen) -> None:
    """The whole story, from the charter to the comparison of the logs."""
    with town.running():
        founding(town, screen)
        committee = key(town, screen)
        publication(town, screen, committee)
        ballots = permits(town, screen)
        voting(town, screen, ballots[: len(ballots) // 2])
        joined = citizen(town, screen, ballots[len(ballots) // 2])
        outage(town, screen, ballots[len(ballots) // 2 + 1 :])
        closing(town, screen)
        town.agreed(town.nodes)
    comparison(town, screen)
    look_around(town, screen, joined)


def founding(town: Town, screen: Screen) -> None:
    screen.part(Message("Four institutions begin a ledger"))
    screen.say(
        Message(
            "Each has a home of its own with keys of its own, and runs a node at an address of its own. The charter is all that "
            "they share. A block counts when three of the four agree on it."
        )
    )
    table = Table.grid(padding=(0, 2))
    for institution in town.institutions:
        table.add_row(
            Styled(institution.name, style="bold"), institution.url, Styled(typed(institution.home), style="dim")
        )
    screen.put(table)
    began = clock_time.monotonic()
    town.agreed(town.institutions)
    screen.fact(
        Message(
            "All four run, and agree on entry 0, after {seconds} s. The ledger's id is its hash: {id}…",
            seconds=clock_time.monotonic() - began,
            id=town.world.id.hex()[:24],
        )
    )


def key(town: Town, screen: Screen) -> bytes:
    """The committee's id."""
    world = town.world
    screen.part(Message("Three trustees make a key together, each through another institution's node"))
    request = sign(world.id, "committee", ["city", "pedersen", 0], [world.organisers[0]])
    committee = town.submit(request, town.institutions[0])
    town.agreed(town.institutions)
    steps(screen, act(_trustees(town, (1, 2, 3)), wait=60))
    return committee


def _trustees(town: Town, numbers: Sequence[int]) -> list[Acting]:
    return [Acting.of(town.world, number, town.institutions[number].home) for number in numbers]


def publication(town: Town, screen: Screen, committee: bytes) -> None:
    world, (one, two, *_) = town.world, town.institutions
    screen.part(Message("A poll is published, and frozen"))
    took = int(clock_time.monotonic() - town.began)
    opens = int(clock_time.time()) + world.charter.lasting(world.poll_class.notice) + max(PREPARING, took // 2)
    closes = opens + max(OPEN, took * 5 // 3)
    group = Group(EVERYONE, 1)
    poll = Poll("city", STATION.title, STATION.background, (STATION.question,), (group,), opens, closes, committee)
    made = town.submit(sign(world.id, "poll", poll.body(), list(world.organisers)), one)
    town.look_at_poll(made, one, Message("the poll is in the public files"), lambda _: True)
    for number, institution in ((0, one), (1, two)):
        town.submit(world.permit_keys(number, town.poll), institution)
    town.look_at_poll(
        made, one, Message("the permit keys are in the public files"), lambda seen: len(seen.permit_keys) == 2
    )
    screen.fact(
        Message(
            "{title} It is open for {seconds} seconds: on this test ledger a day is a minute and a half.",
            title=Words(*STATION.title),
            seconds=closes - opens,
        )
    )


def permits(town: Town, screen: Screen) -> list[bytes]:
    """The citizens' ballots, sealed and ready to be handed in."""
    screen.part(Message("Citizens collect permits, and seal their ballots"))
    ballots, chance, answers = [], random.Random(SEED), range(len(STATION.question.answers))
    with screen.progress(Message("Two blind signatures and a ballot each"), len(town.world.citizens)) as bar:
        for citizen in town.world.citizens:
            (chosen,) = chance.choices(answers, STATION.leanings)
            flags = [int(answer == chosen) for answer in answers]
            ballots.append(town.world.entry(citizen, town.poll, [flags]))
            bar.step()
    _wait_until(town, screen, Message("Until the poll opens, in seconds"), town.poll.definition.opens)
    return ballots


def _wait_until(town: Town, screen: Screen, what: Message, time: int) -> None:
    """Until every node has a block of this time."""
    began = clock_time.time()
    left = max(1, time - int(began))

    def there() -> bool | None:
        bar.reach(min(left, int(clock_time.time() - began)), left)
        said = [institution.ask("/status") for institution in town.institutions]
        return all(status is not None and status["time"] >= time for status in said) or None

    with screen.progress(what, left) as bar:
        town.wait(what, there, left + PATIENCE)


def voting(town: Town, screen: Screen, ballots: Sequence[bytes]) -> None:
    screen.part(Message("The poll is open"))
    first, *others = ballots
    entries = [town.hand_in(first, institution) for institution in town.institutions[:3]]
    numbers = {town.final(entry, town.institutions[0]) for entry in entries}
    assert len(numbers) == 1
    screen.fact(
        Message(
            "Anna does not trust any one node, and hands the same ballot in through three. It is in the log once: entry {number}.",
            number=str(numbers.pop()),
        )
    )
    vote(town, screen, others, town.institutions, Message("Ballots through all four nodes"))


def vote(town: Town, screen: Screen, ballots: Sequence[bytes], through: Sequence[Node], what: Message) -> None:
    """Hand in ballots through these nodes in turn, and wait until all are final."""
    began = clock_time.monotonic()
    with screen.progress(what, len(ballots)) as bar:
        taken = []
        for number, ballot in enumerate(ballots):
            at = through[number % len(through)]
            taken.append((town.hand_in(ballot, at), at))
        for entry, at in taken:
            town.final(entry, at)
            bar.step()
    screen.fact(
        Plural(
            "{count} ballot is final after {seconds} s: over two thirds of the institutions have signed a head over it.",
            "{count} ballots are final after {seconds} s: over two thirds of the institutions have signed a head over them.",
            len(ballots),
            seconds=clock_time.monotonic() - began,
        )
    )


def citizen(town: Town, screen: Screen, ballot: bytes) -> Node:
    """The citizen's node."""
    screen.part(Message("A citizen's node joins, and is lied to"), pictured=True)
    at = town.institutions[0]
    made, liar = town.join(at)
    tell_of_citizen(screen, made, liar, at, town.wait)
    vote(town, screen, [ballot], [made], Message("A ballot through the citizen's node, which passes it on"))
    return made


def outage(town: Town, screen: Screen, ballots: Sequence[bytes]) -> None:
    *others, last = town.institutions
    screen.part(Message("One institution's machine fails"), pictured=True)
    last.kill()
    screen.mark("✗", "bold red", Styled(screen.words(Message("{name}: its node is killed (kill -9).", name=last.name))))
    states(town, screen)
    vote(town, screen, ballots[:-1], others, Message("Ballots through the other three"))
    town.start(last)
    began = clock_time.monotonic()
    size = town.agreed(town.institutions)
    screen.fact(
        Message(
            "{name}: back, and with the others again after {seconds} s, at {size} entries.",
            name=last.name,
            seconds=clock_time.monotonic() - began,
            size=size,
        )
    )
    states(town, screen)
    vote(town, screen, ballots[-1:], [last], Message("A ballot through the one that was away"))


def states(town: Town, screen: Screen) -> None:
    """What each node says of itself now."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(screen.words(Message("institution")))
    for title in (Message("height"), Message("entries"), Message("final")):
        table.add_column(screen.words(title), justify="right")
    for institution in town.institutions:
        status = institution.ask("/status")
        said = [str(status[name]) for name in ("height", "size", "final")] if status else ["✗", "", ""]
        table.add_row(Styled(institution.name, style="bold"), *said)
    screen.put(table)


def closing(town: Town, screen: Screen) -> None:
    poll, one = town.poll, town.institutions[0]
    screen.part(Message("The poll closes, and two trustees of three decrypt the sums"), pictured=True)
    _wait_until(town, screen, Message("Until the poll closes, in seconds"), poll.closing)
    town.look_at_poll(poll.id, one, Message("the poll is tallied"), lambda seen: seen.tally is not None)
    town.agreed(town.institutions)
    shares(screen, act(_trustees(town, (1, 3))))
    town.look_at_poll(poll.id, one, Message("the result is in the public files"), lambda seen: seen.result is not None)


def comparison(town: Town, screen: Screen) -> None:
    screen.part(Message("Every copy is verified, and all are compared"), pictured=True)
    copies = compare_logs(screen, town.nodes)
    state = copies[0].state
    poll = state.poll(town.poll.id)
    assert poll is not None
    screen.show("")
    screen.put(Styled(screen.words(STATION.title), style="bold cyan"))
    screen.put(bars(view_poll(state, poll, copies[0].time), screen.lang))


def look_around(town: Town, screen: Screen, citizen: Node) -> None:
    """Commands that work as they stand, from the folder in which the demo was started."""
    screen.part(Message("Now look around yourself"))
    one, two, *_ = (typed(institution.home) for institution in town.institutions)
    copy = typed(citizen.home)
    show_commands(
        screen,
        (
            (Message("a result"), f"poll show {short(town.poll.id)} -l {one}"),
            (Message("the log"), f"ledger log --ledger {one} --last 12"),
            (Message("verify it"), f"verify {two}"),
            (Message("two copies"), f"compare {one} {copy}"),
            (Message("the citizen's node"), f"node status --ledger {copy}"),
        ),
    )
