"""What the demo tells, in its order. :class:`~veche.demo.city.DemoCity` makes it happen."""

import time as clock_time
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text as Styled

from veche.audit.entry_words import short, tracker
from veche.audit.poll_view import view_poll
from veche.audit.poll_words import listing
from veche.demo.audit import forgery, look_around, verification
from veche.demo.citizen import beside, can_run
from veche.demo.city import HALF_DAYS, DemoCity
from veche.demo.content import COURTYARD, HOUSE, OUTCOME, POLLS, SPEED, STATION
from veche.demo.joining import compare_logs, tell_of_citizen
from veche.demo.screen import Screen
from veche.errors import Refused
from veche.ledger.codec import decode
from veche.terminal.results import bars, cells
from veche.texts import Message, Plural, Words
from veche.voter.voter import check_opened, seal
from veche.words import in_every_language
from veche.world import REGISTRARS, TRUSTEES

HOUR = 3600
COUNTED = (STATION, SPEED, COURTYARD, HOUSE)


def tell(city: DemoCity, screen: Screen) -> None:
    """The whole story, from the charter to the verification."""
    with city.running():
        founding(city, screen)
        key(city, screen)
        publication(city, screen)
        permits(city, screen)
        voting(city, screen)
        cheating(city, screen)
        closing(city, screen)
        decryption(city, screen)
        results(city, screen)
        accounts(city, screen)
        city.world.wait_until(int(clock_time.time()))
    citizen(city, screen)
    verified = verification(city, screen)
    forgery(city, screen, verified)
    look_around(city, screen)


def founding(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(Message("A ledger begins"))
    screen.say(
        Message(
            "Its first entry is the charter: it names the offices with their keys, and fixes what no organiser may choose later."
        )
    )
    table = Table.grid(padding=(0, 2))
    registrars, trustees = ", ".join(REGISTRARS[:2]), ", ".join(TRUSTEES[:4])
    rows = (
        (Message("2 organisers"), Message("write polls; two people sign each")),
        (
            Message("2 registrars"),
            Message("{names}: know the residents, hand out permits, never see a vote", names=registrars),
        ),
        (Message("4 trustees"), Message("{names}: hold the key in parts; three suffice", names=trustees)),
    )
    for who, what in rows:
        table.add_row(Styled(screen.words(who), style="bold"), screen.words(what))
    screen.put(table)
    screen.fact(
        Message(
            "Entry 0, signed by all {offices} offices. The ledger's id is its hash: {id}…",
            offices=len(world.charter.offices),
            id=world.id.hex()[:24],
        )
    )


def key(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("The trustees make a key together"))
    screen.say(
        Message(
            "Four processes, each with a folder of its own. Each verifies the whole ledger before it speaks, and they talk "
            "through the ledger only. Nobody ever has the whole key."
        )
    )
    city.committee = city.ask_for_key()
    steps(screen, city.trustees_act((1, 2, 3, 4), wait=60))
    state = city.world.ledger.state.committee(city.committee)
    assert state is not None and state.key is not None
    screen.fact(Message("The public key, to which everybody encrypts: {key}…", key=state.key.hex()[:32]))


def steps(screen: Screen, acting: Iterator[tuple[str, int]]) -> None:
    """What trustees did for a key, as each ends."""
    for name, count in acting:
        screen.fact(
            Plural("{name}: {count} step, each proven", "{name}: {count} steps, each proven", count, name=name),
        )


def publication(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("Five polls are published, and frozen"))
    with screen.progress(
        Message("The registrars publish permit keys and the roots of their rolls"),
        len(POLLS) * len(city.world.registrars),
    ) as bar:
        city.publish(city.committee, bar.step)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(screen.words(Message("poll")))
    table.add_column()
    table.add_column(screen.words(Message("how")))
    table.add_column(screen.words(Message("on the roll")), justify="right")
    for demo, poll in city.polls.items():
        table.add_row(
            short(poll.id),
            Styled(screen.words(demo.title), style="bold"),
            screen.words(demo.kind),
            str(len(city.entitled(demo))),
        )
    screen.put(table)


def permits(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("Citizens collect permits"))
    screen.say(
        Message(
            "A registrar signs one permit per person and poll, blindly: it knows them, but not the pseudonym that it signs. "
            "A ballot needs permits of both registrars, so none of them can invent voters."
        )
    )
    count = len({(id(vote.citizen), vote.poll) for vote in city.votes})
    with screen.progress(Message("Two blind signatures each"), count) as bar:
        city.collect(bar.step)


def voting(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(Message("The polls are open for three days"))
    world.wait_until(city.polls[STATION].definition.opens)
    poll = city.polls[STATION]
    sealed = seal(poll.frozen, [[0, 1, 0]])
    check_opened(poll.frozen, sealed.code, sealed.choices, sealed.randomness)
    screen.fact(
        Message(
            "Anna checks the device first. It seals a ballot and shows its code, “{code}”, and only then hears “check”. Another "
            "device seals the same choice again, “{answer}”, and finds the same code. That ballot is forgotten.",
            code=Words(**in_every_language(sealed.code)),
            answer=Words(*STATION.question.answers[sealed.choices[0].index(1)]),
        )
    )
    began = clock_time.monotonic()
    with screen.progress(
        Message("Ballots sealed, proven, cast and checked"),
        len(city.votes),
    ) as bar:
        for half_day in range(HALF_DAYS):
            accepted = city.vote(half_day, bar.step)
            assert accepted
            world.wait(10 * HOUR)
    again = len(city.votes) - len({(id(vote.citizen), vote.poll) for vote in city.votes})
    screen.fact(
        Plural(
            "{count} ballot in {seconds} s, with the clock and the citizens' devices in it; {again} of them by people who changed "
            "their mind: the last one counts.",
            "{count} ballots in {seconds} s, with the clock and the citizens' devices in it; {again} of them by people who changed "
            "their mind: the last one counts.",
            len(city.votes),
            again=again,
            seconds=clock_time.monotonic() - began,
        )
    )
    vote = next(vote for vote in city.votes if vote.poll is STATION)
    last = world.ledger.state.last_ballot(poll, vote.citizen.voter.credential(poll.id))
    assert last is not None
    entry = world.ledger.entry(last[2])
    city.tracker = tracker(poll.frozen.kernel.load(decode(entry)[3]).tracker)
    screen.fact(
        Message(
            "One of them: entry {number}, {size} bytes, tracker {tracker}. No name, no choice; its owner finds it, and so can you.",
            number=str(last[2]),
            size=len(entry),
            tracker=city.tracker,
        )
    )


def cheating(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("Some cheat"), pictured=True)
    anna, gleb, oleg, vera = city.bystanders(STATION, 4)
    tries: tuple[tuple[Message, Refused], ...] = (
        (Message("Gleb encrypts 1,000 votes instead of one"), city.thousand_votes(gleb, STATION)),
        (Message("A thief puts Anna's permits on a ballot of their own"), city.stolen_permit(anna, STATION)),
        (Message("Oleg asks for permits for a second pseudonym"), city.second_permit(oleg, STATION)),
        (Message("Vera's ballot is kept back on the wire, and released once Vera has voted again"), city.released_later(vera, STATION)),
        (Message("Somebody hands in a copy of Vera's ballot"), city.twice_the_same(vera, STATION)),
        (Message("The city hands in a result of its own"), city.by_the_city(STATION)),
    )  # fmt: skip
    refusals(screen, tries)


def refusals(screen: Screen, tries: tuple[tuple[Message, Refused], ...]) -> None:
    """What was tried, and with which rule and words it was refused."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=5)
    table.add_column(min_width=11, style="red")
    table.add_column(ratio=6, style="dim")
    table.expand = True
    for what, refused in tries:
        table.add_row(Styled("✗", style="bold red"), screen.words(what), refused.rule, screen.words(refused.said))
    screen.put(table)


def closing(city: DemoCity, screen: Screen) -> None:
    world, poll = city.world, city.polls[STATION]
    screen.part(Message("The polls close"))
    world.wait_until(poll.closing)
    tardy = city.bystanders(STATION, 6)[5]
    refusals(
        screen,
        ((Message("Max votes a second too late"), city.too_late(tardy, STATION)),),
    )
    world.engine.tick()
    assert poll.tally is not None
    sums = poll.tally.parts[0]
    screen.fact(
        Message("Four polls are tallied by the ledger itself: it multiplies all ciphertexts, so the sums stay encrypted."),
    )  # fmt: skip
    screen.put(
        Styled(f"{screen.words(STATION.title)}  {sums.hex()[:60]}…", style="dim", no_wrap=True, overflow="ellipsis")
    )


def decryption(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("Three trustees of four decrypt the sums"), pictured=True)
    screen.say(
        Message("The {absent} is on holiday; three suffice. No single ballot is ever decrypted.", absent=TRUSTEES[1])
    )
    shares(screen, city.trustees_act((1, 3, 4)))
    city.world.engine.tick()


def shares(screen: Screen, acting: Iterator[tuple[str, int]]) -> None:
    """What trustees handed in for a result, as each ends."""
    for name, count in acting:
        screen.fact(
            Plural(
                "{name}: verified the ledger, handed in {count} share with two proofs a number",
                "{name}: verified the ledger, handed in {count} shares with two proofs a number",
                count,
                name=name,
            )
        )


def results(city: DemoCity, screen: Screen) -> None:
    screen.part(Message("The results"), pictured=True)
    for demo in COUNTED:
        screen.pictured = demo in (STATION, SPEED)
        poll = view_poll(city.world.ledger.state, city.polls[demo], city.world.now)
        line = Styled.assemble(
            (screen.words(demo.title), "bold cyan"),
            "   ",
            (screen.words(listing(poll)[1]), "dim"),
        )
        screen.show("")
        screen.put(line)
        screen.put(bars(poll, screen.lang))
    screen.show("")
    screen.say(
        Message(
            "Districts and kinds of flats are summed up apart; where fewer than {least} voted, the ledger merged the group with its "
            "neighbour before anything was decrypted.",
            least=city.world.poll_class.smallest,
        )
    )
    poll = view_poll(city.world.ledger.state, city.polls[SPEED], city.world.now)
    screen.put(cells(poll, 0, poll.questions[0], screen.lang))


def citizen(city: DemoCity, screen: Screen) -> None:
    """A citizen's node, where nodes can run at all."""
    screen.part(Message("A citizen's node joins, and is lied to"), pictured=True)
    if not can_run():
        screen.say(
            Message("A node speaks HTTP, and what it needs for that is not installed here: pip install veche[network]")
        )
        return
    with beside(city.folder, city.ledger, screen.lang) as made:
        tell_of_citizen(screen, made.citizen, made.liar, made.own, made.wait)
    compare_logs(screen, (made.own, made.citizen))


def accounts(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(Message("The registrars account for their permits, the city answers"))
    city.account()
    poll = city.polls[STATION]
    accounts = world.ledger.state.issuances(poll)
    issued = [sum(row.issued for row in account.groups) for _, account in sorted(accounts.items())]
    screen.fact(
        Message(
            "{title} {votes} voters, {issued} permits issued, {roll} people on the roll.",
            title=Words(*STATION.title),
            votes=sum(poll.counted),
            issued=" / ".join(map(str, issued)),
            roll=len(world.citizens),
        )
    )
    proof = world.registrars[0].proof_for(city.you.person, poll.id)
    assert proof.issuance is not None
    key = poll.permit_keys[0].groups[0]
    proof.verify_on_roll(poll.id, 0, key.modulus, key.people, key.root)
    proof.verify_issuance(accounts[0].groups[0].root)
    assert proof.issuance.served is False
    screen.fact(
        Message(
            "{person} did not vote. Their own row proves it: no permit was issued in their name.",
            person=city.you.person,
        )
    )
    due = city.polls[SPEED].closing + 160 * 86_400
    world.say("outcome", [city.polls[SPEED].id, "will", list(OUTCOME), due, []], world.organisers[0])
    screen.fact(Message("The city answers in the ledger: “{text}”", text=Words(*OUTCOME)))
