"""What the demo tells, in its order. :class:`~veche.demo.city.DemoCity` makes it happen."""

import time as clock_time

from rich.table import Table
from rich.text import Text as Styled

from veche.demo.audit import forgery, look_around, verification
from veche.demo.city import HALF_DAYS, DemoCity
from veche.demo.content import COURTYARD, HOUSE, OUTCOME, POLLS, SPEED, STATION, DemoPoll
from veche.demo.screen import Screen
from veche.errors import Refused
from veche.ledger.entry import decode
from veche.ledger.rules.tally import parts
from veche.ledger.shape import Text
from veche.terminal.bars import bars, in_language
from veche.terminal.show import result_of, short, tally_of, tracker
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
    verified = verification(city, screen)
    forgery(city, screen, verified)
    look_around(city, screen)


def founding(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(Text("A ledger is founded", "Основан реестр"))
    screen.say(
        Text(
            "Its first entry is the charter: it names the offices with their keys, and fixes what no organiser may choose later.",
            "Его первая запись - устав: он называет все органы с их ключами и закрепляет то, чего организатор потом не выбирает.",
        )
    )
    table = Table.grid(padding=(0, 2))
    rows = (
        (Text("2 organisers", "2 организатора"), Text("write polls; two people sign each", "пишут опросы; каждый подписывают двое")),
        (Text("2 registrars", "2 регистратора"), Text(", ".join(REGISTRARS[:2]) + ": know the residents, hand out permits, never see a vote",
                                                     ", ".join(REGISTRARS[:2]) + ": знают жителей, выдают разрешения, голосов не видят")),
        (Text("3 trustees", "3 хранителя"), Text(", ".join(TRUSTEES[:3]) + ": hold the key in parts; two suffice",
                                                ", ".join(TRUSTEES[:3]) + ": хранят ключ по частям; хватит двух")),
    )  # fmt: skip
    for who, what in rows:
        table.add_row(Styled(screen.words(who), style="bold"), screen.words(what))
    screen.put(table)
    screen.fact(
        Text("Entry 0, signed by all {offices} offices. The ledger's id is its hash: {id}…",
             "Запись 0 подписана всеми органами ({offices}). Имя реестра - её хеш: {id}…"),
        offices=len(world.charter.offices), id=world.id.hex()[:24],
    )  # fmt: skip


def key(city: DemoCity, screen: Screen) -> None:
    screen.part(Text("The trustees make the key of the urn", "Хранители создают ключ урны"))
    screen.say(
        Text(
            "Three processes, each with a folder of its own. Each verifies the whole ledger before it speaks, and they talk "
            "through the ledger only. Nobody ever has the whole key.",
            "Три процесса, у каждого своя папка. Каждый сначала сам проверяет весь реестр, а говорят они только через реестр. "
            "Целого ключа нет ни у кого и никогда.",
        )
    )
    city.committee = city.ask_for_key()
    for said in city.trustees_act((1, 2, 3), wait=60):
        steps = len(said.splitlines())
        screen.fact(Text("{name}: {steps} steps, each proven", "{name}: {steps} шага, каждый доказан"),
                    name=said.split(":")[0], steps=steps)  # fmt: skip
    state = city.world.ledger.state.committee(city.committee)
    assert state is not None and state.key is not None
    screen.fact(Text("The public key, to which everybody encrypts: {key}…", "Открытый ключ, на который все шифруют: {key}…"),
                key=state.key.hex()[:32])  # fmt: skip


def publication(city: DemoCity, screen: Screen) -> None:
    screen.part(Text("Five polls are published, and frozen", "Пять опросов опубликованы и больше не меняются"))
    with screen.progress(
        Text(
            "The registrars publish permit keys and sealed rolls", "Регистраторы публикуют ключи и запечатанные списки"
        ),
        len(POLLS) * len(city.world.registrars),
    ) as bar:
        city.publish(city.committee, bar.step)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in (Text("poll", "опрос"), Text("", ""), Text("how", "как"), Text("roll", "в списке")):
        table.add_column(screen.words(name), justify="right" if name.en == "roll" else "left")
    for demo, poll in city.polls.items():
        table.add_row(
            short(poll.id),
            Styled(screen.words(demo.title), style="bold"),
            screen.words(demo.kind),
            str(len(city.entitled(demo))),
        )
    screen.put(table)


def permits(city: DemoCity, screen: Screen) -> None:
    screen.part(Text("Citizens collect permits", "Жители получают разрешения"))
    screen.say(
        Text(
            "A registrar signs one permit per person and poll, blindly: it knows her, but not the pseudonym that it signs. "
            "A ballot needs permits of both registrars, so none of them can invent voters.",
            "Регистратор подписывает по одному разрешению на человека и опрос, вслепую: человека он знает, а псевдоним под "
            "подписью не видит. Бюллетеню нужны разрешения обоих, поэтому избирателей не выдумает ни один.",
        )
    )
    count = len({(id(vote.citizen), vote.poll) for vote in city.votes})
    with screen.progress(Text("Two blind signatures each", "По две слепые подписи"), count) as bar:
        city.collect(bar.step)


def voting(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(Text("The polls are open for three days", "Опросы открыты три дня"))
    world.wait_until(city.polls[STATION].poll.opens)
    poll = city.polls[STATION]
    tester = city.bystanders(STATION, 1)[0]
    sealed = world.seal(tester, poll, [[0, 1, 0]])
    (flags,) = poll.box.kernel.open(sealed.ballot, sealed.opening)
    screen.fact(
        Text("Anna checks her device first: she seals a ballot, opens it, reads “{answer}”, and throws it away.",
             "Анна сперва проверяет своё устройство: запечатывает бюллетень, вскрывает, читает «{answer}» и выбрасывает."),
        answer=screen.words(STATION.question.answers[flags.index(1)]),
    )  # fmt: skip
    began = clock_time.monotonic()
    with screen.progress(
        Text("Ballots sealed, proven, cast and checked", "Бюллетени запечатаны, доказаны, поданы, проверены"),
        len(city.votes),
    ) as bar:
        for half_day in range(HALF_DAYS):
            accepted = city.vote(half_day, bar.step)
            assert accepted
            world.wait(10 * HOUR)
    again = len(city.votes) - len({(id(vote.citizen), vote.poll) for vote in city.votes})
    screen.fact(
        Text("{all} ballots in {seconds:.1f} s, with the clock and the citizens' devices in it; {again} of them by people who changed "
             "their mind: the last one counts.",
             "{all} бюллетеней за {seconds:.1f} с вместе с часами и устройствами жителей; {again} - от передумавших: "
             "считается последний."),
        all=len(city.votes), again=again, seconds=clock_time.monotonic() - began,
    )  # fmt: skip
    vote = next(vote for vote in city.votes if vote.poll is STATION)
    last = world.ledger.state.last_ballot(poll, vote.citizen.voter.credential(poll.id))
    assert last is not None
    entry = world.ledger.entry(last[2])
    city.tracker = tracker(poll.box.kernel.load(decode(entry)[3]).tracker)
    screen.fact(
        Text("One of them: entry {number}, {size} bytes, tracker {tracker}. No name, no choice; its owner finds it, and so can you.",
             "Один из них: запись {number}, {size} байт, номер {tracker}. Ни имени, ни выбора; владелец его найдёт, и вы тоже."),
        number=last[2], size=len(entry), tracker=city.tracker,
    )  # fmt: skip


def cheating(city: DemoCity, screen: Screen) -> None:
    screen.part(Text("Some cheat", "Некоторые жульничают"), pictured=True)
    anna, gleb, oleg, vera = city.bystanders(STATION, 4)
    tries: tuple[tuple[Text, Refused], ...] = (
        (Text("Gleb encrypts 1,000 votes instead of one", "Глеб шифрует 1000 голосов вместо одного"), city.thousand_votes(gleb, STATION)),
        (Text("A thief puts Anna's permits on a ballot of his own", "Вор кладёт разрешения Анны в свой бюллетень"), city.stolen_permit(anna, STATION)),
        (Text("Oleg asks for permits for a second pseudonym", "Олег просит разрешения на второй псевдоним"), city.second_permit(oleg, STATION)),
        (Text("Vera's ballot is kept back on the wire, and released after she voted again",
              "Бюллетень Веры задержали в сети и выпустили, когда она проголосовала снова"), city.released_later(vera, STATION)),
        (Text("Somebody hands in a copy of Vera's ballot", "Кто-то подаёт копию бюллетеня Веры"), city.twice_the_same(vera, STATION)),
        (Text("The city hands in a result of its own", "Город подаёт результат своего сочинения"), city.by_the_city(STATION)),
    )  # fmt: skip
    refusals(screen, tries)


def refusals(screen: Screen, tries: tuple[tuple[Text, Refused], ...]) -> None:
    """What was tried, and with which rule and words it was refused."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=5)
    table.add_column(min_width=11, style="red")
    table.add_column(ratio=6, style="dim")
    table.expand = True
    for what, refused in tries:
        table.add_row(Styled("✗", style="bold red"), screen.words(what), refused.rule, refused.message)
    screen.put(table)


def closing(city: DemoCity, screen: Screen) -> None:
    world, poll = city.world, city.polls[STATION]
    screen.part(Text("The polls close", "Опросы закрываются"))
    world.wait_until(poll.closing)
    tardy = city.bystanders(STATION, 6)[5]
    refusals(
        screen,
        ((Text("Max votes a second too late", "Макс голосует на секунду позже"), city.too_late(tardy, STATION)),),
    )
    world.engine.tick()
    assert poll.tally is not None
    sums = parts(decode(poll.tally)[1][3])[0]
    screen.fact(
        Text("Four polls are tallied by the ledger itself: it multiplies all ciphertexts, so the sums stay encrypted.",
             "Четыре опроса реестр подсчитал сам: он перемножает шифртексты, и суммы остаются зашифрованными."),
    )  # fmt: skip
    screen.put(
        Styled(f"{screen.words(STATION.title)}  {sums.hex()[:60]}…", style="dim", no_wrap=True, overflow="ellipsis")
    )


def decryption(city: DemoCity, screen: Screen) -> None:
    screen.part(
        Text("Two trustees of three decrypt the sums", "Два хранителя из трёх расшифровывают суммы"), pictured=True
    )
    screen.say(
        Text("The {absent} is on holiday; two suffice. No single ballot is ever decrypted.",
             "Третий ({absent}) в отпуске, хватит двух. Отдельный бюллетень не расшифровывают никогда."),
        absent=TRUSTEES[1],
    )  # fmt: skip
    for said in city.trustees_act((1, 3)):
        lines = said.splitlines()
        screen.fact(Text("{name}: verified the ledger, handed in {shares} shares with two proofs a number",
                         "{name}: реестр проверен, подано долей: {shares}, с двумя доказательствами на число"),
                    name=said.split(":")[0], shares=len(lines))  # fmt: skip
    city.world.engine.tick()


def results(city: DemoCity, screen: Screen) -> None:
    screen.part(Text("The results", "Результаты"), pictured=True)
    for demo in COUNTED:
        screen.pictured = demo in (STATION, SPEED)
        poll = city.polls[demo]
        assert result_of(poll) is not None
        counted, entitled = tally_of(poll) or 0, len(city.entitled(demo))
        line = Styled.assemble((screen.words(demo.title), "bold cyan"), "   ",
                               (screen.words(Text("{counted} of {entitled} voted", "голосов {counted} из {entitled}"),
                                             counted=counted, entitled=entitled), "dim"))  # fmt: skip
        screen.show("")
        screen.put(line)
        screen.put(bars(poll, screen.lang))
    screen.show("")
    screen.say(
        Text("Districts and kinds of flats are summed up apart; where fewer than {least} voted, the ledger merged the group with its "
             "neighbour before anything was decrypted.",
             "Районы и виды квартир подсчитаны отдельно; где голосов меньше {least}, реестр слил группу с соседней до "
             "расшифровки."),
        least=city.world.poll_class.smallest,
    )  # fmt: skip
    cells(city, SPEED, screen)


def cells(city: DemoCity, demo: DemoPoll, screen: Screen) -> None:
    """The results of the parts of a poll."""
    poll = city.polls[demo]
    assert poll.tally is not None and poll.result is not None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for answer in demo.question.answers:
        table.add_column(screen.words(answer), justify="right")
    for (members, _), numbers in zip(decode(poll.tally)[1][3], decode(poll.result)[1][3], strict=True):
        name = " + ".join(in_language(poll.poll.groups[group].name, screen.lang) for group, _ in members)
        table.add_row(name, *map(str, numbers[0]))
    screen.put(table)


def accounts(city: DemoCity, screen: Screen) -> None:
    world = city.world
    screen.part(
        Text("The registrars account for their permits, the city answers", "Регистраторы отчитываются, город отвечает")
    )
    city.account()
    poll = city.polls[STATION]
    issued = [
        row[0]
        for row in world.ledger.state.db.execute(
            "SELECT sum(issued) FROM issuance WHERE poll = ? GROUP BY registrar", (poll.entry,)
        )
    ]
    screen.fact(
        Text("{title} {votes} voters, {issued} permits issued, {roll} people on the roll.",
             "{title} Проголосовало {votes}, выдано разрешений {issued}, в списке {roll}."),
        title=screen.words(STATION.title), votes=sum(poll.counted), issued=" / ".join(map(str, issued)), roll=len(world.citizens),
    )  # fmt: skip
    proof = world.registrars[0].proof_for(city.you.person, poll.id)
    assert proof.issuance is not None
    row = world.ledger.state.db.execute(
        "SELECT k.modulus, k.people, k.root, i.root FROM permit_key k JOIN issuance i USING (poll, registrar, grp)"
        " WHERE k.poll = ? AND k.registrar = 0 AND k.grp = 0", (poll.entry,),
    ).fetchone()  # fmt: skip
    proof.verify_on_roll(poll.id, 0, row[0], row[1], row[2])
    proof.verify_issuance(row[3])
    assert proof.issuance.served is False
    screen.fact(
        Text("{person} did not vote. Her own row proves it: no permit was issued in her name.",
             "{person} не голосовала. Это доказывает её строка: на её имя разрешения не выдавали."),
        person=city.you.person,
    )  # fmt: skip
    due = city.polls[SPEED].closing + 160 * 86_400
    world.say("outcome", [city.polls[SPEED].id, "will", list(OUTCOME), due, []], world.organisers[0])
    screen.fact(
        Text("The city answers in the ledger: “{text}”", "Город отвечает в реестре: «{text}»"),
        text=screen.words(OUTCOME),
    )
