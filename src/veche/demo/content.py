"""What the demo's city votes on. After real polls of the city of Moscow (2015 to 2024); where the press named no options, the
options are made up in their spirit. No person in it is real."""

from dataclasses import dataclass

from veche.ledger.entries.poll import Choice, Group
from veche.ledger.shape import Text

EVERYONE = Text("Everyone", "Все жители")

ARBAT = Text("Arbat", "Арбат")
TVERSKOY = Text("Tverskoy", "Тверской")
PRESNENSKY = Text("Presnensky", "Пресненский")
VOYKOVSKY = Text("Voykovsky", "Войковский")
ONE_ROOM = Text("House 12, flats with one room", "Дом 12, однокомнатные квартиры")
TWO_ROOMS = Text("House 12, flats with two rooms", "Дом 12, двухкомнатные квартиры")
THREE_ROOMS = Text("House 12, flats with three rooms", "Дом 12, трёхкомнатные квартиры")

PEOPLE = {ARBAT: 120, TVERSKOY: 130, PRESNENSKY: 110, VOYKOVSKY: 104, ONE_ROOM: 14, TWO_ROOMS: 16, THREE_ROOMS: 6}
"""How many live where: 500 in all."""


@dataclass(frozen=True)
class DemoPoll:
    """A poll, and how the demo's citizens vote in it.

    ``groups``: none means everyone. ``turnout``: the part of those entitled who vote. ``leanings``: for each answer how much
    it is liked, beside the others. ``blank``: the part of the ballots that are left blank. ``days``: from opening to closing.
    """

    title: Text
    background: Text
    question: Choice
    groups: tuple[Group, ...]
    turnout: float
    leanings: tuple[int, ...]
    kind: Text
    blank: float = 0.0
    days: int = 3


STATION = DemoPoll(
    Text("Rename the metro station Voykovskaya?", "Переименовать станцию метро «Войковская»?"),
    Text(
        "The station bears the name of a man who took part in the murder of the last tsar's family. Some want another name, "
        "others do not want history to be rewritten. What was asked in November 2015 is asked again here.",
        "Станция названа именем участника расправы над семьёй последнего царя. Одни хотят другого имени, другие против "
        "переписывания истории. Здесь снова задан вопрос ноября 2015 года.",
    ),
    Choice(
        Text("Should the station be renamed?", "Нужно ли переименовать станцию?"),
        (
            Text("Yes", "Да"),
            Text("No", "Нет"),
            Text("Specialists should decide", "Пусть решают специалисты"),
        ),
        1,
        1,
        False,
    ),
    (),
    0.72,
    (35, 53, 12),
    Text("one of three", "один из трёх"),
)

SPEED = DemoPoll(
    Text("Speed limit inside the Garden Ring", "Скорость внутри Садового кольца"),
    Text(
        "Drivers may do 60 km/h on the streets inside the Garden Ring. The three districts there decide which limit is to hold.",
        "На улицах внутри Садового кольца разрешены 60 км/ч. Три тамошних района решают, какое ограничение должно действовать.",
    ),
    Choice(
        Text("Which limit do you want?", "Какое ограничение вам нужно?"),
        (
            Text("Keep 60 km/h", "Оставить 60 км/ч"),
            Text("50 km/h", "50 км/ч"),
            Text("40 km/h", "40 км/ч"),
            Text("30 km/h, near schools only", "30 км/ч, но только у школ"),
        ),
        1,
        1,
        False,
    ),
    (Group(ARBAT, 1), Group(TVERSKOY, 1), Group(PRESNENSKY, 1)),
    0.45,
    (27, 41, 12, 20),
    Text("one of four, by district", "один из четырёх, по районам"),
)

COURTYARD = DemoPoll(
    Text("Which courtyard works come first?", "Какие работы во дворах начать первыми?"),
    Text(
        "There is money for three kinds of works in the courtyards of Voykovsky this year. Choose up to three.",
        "В этом году денег хватит на три вида работ во дворах Войковского района. Выберите не больше трёх.",
    ),
    Choice(
        Text("Choose up to three, or none of these", "Выберите до трёх или ничего из этого"),
        (
            Text("Playground", "Детская площадка"),
            Text("Lighting", "Освещение"),
            Text("Benches", "Скамейки"),
            Text("Trees", "Деревья"),
            Text("Pedestrian crossing", "Пешеходный переход"),
            Text("Bicycle racks", "Велопарковки"),
            Text("Dog run", "Площадка для собак"),
            Text("Ramp for prams and wheelchairs", "Пандус для колясок"),
        ),
        1,
        3,
        True,
    ),
    (Group(VOYKOVSKY, 1),),
    0.7,
    (20, 18, 9, 22, 11, 6, 7, 13),
    Text("up to three of eight, or blank; one district", "до трёх из восьми или пусто; один район"),
    blank=0.05,
)

HOUSE = DemoPoll(
    Text("House 12: join the renovation programme?", "Дом 12: войти в программу реновации?"),
    Text(
        "The house can join the programme: it is pulled down, and every flat gets one in a new house. A vote weighs as much as "
        "the flat has of the house.",
        "Дом может войти в программу: его снесут, и за каждую квартиру дадут квартиру в новом доме. Голос весит столько, "
        "сколько занимает квартира в доме.",
    ),
    Choice(
        Text("Should House 12 join?", "Войти ли дому 12 в программу?"),
        (Text("For", "За"), Text("Against", "Против")),
        1,
        1,
        False,
    ),
    (Group(ONE_ROOM, 33), Group(TWO_ROOMS, 52), Group(THREE_ROOMS, 71)),
    0.95,
    (62, 38),
    Text("for or against, weighed by the flat's share", "за или против, вес по доле квартиры"),
)

BUS = DemoPoll(
    Text("Route of the new bus line 117", "Маршрут нового автобуса 117"),
    Text(
        "The new line links Voykovsky and Presnensky. Three routes are possible; which one shall it take?",
        "Новая линия свяжет Войковский и Пресненский районы. Возможны три маршрута; какой выбрать?",
    ),
    Choice(
        Text("Which route?", "Какой маршрут?"),
        (
            Text("The northern route", "Северный"),
            Text("The central route", "Через центр"),
            Text("Along the river bank", "По набережной"),
        ),
        1,
        1,
        False,
    ),
    (),
    0.06,
    (30, 25, 45),
    Text("one of three; stays open for you", "один из трёх; открыто для вас"),
    days=12,
)

POLLS = (STATION, SPEED, COURTYARD, HOUSE, BUS)

OUTCOME = Text(
    "The limit becomes 50 km/h on 1 May 2027; 60 signs are replaced before. A report follows in June.",
    "С 1 мая 2027 года ограничение станет 50 км/ч, до этого заменят 60 знаков. Отчёт последует в июне.",
)
