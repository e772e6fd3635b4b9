"""The words of the report page in English and Russian, and how numbers and times are written in each."""

from collections.abc import Sequence
from html import escape

from veche.audit.ledger import CANNOT_SHOW, STEPS
from veche.texts import Words, utc

MONTHS_EN = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MONTHS_RU = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
SHORT_EN = [month[:3] for month in MONTHS_EN]
SHORT_RU = ["янв.", "февр.", "марта", "апр.", "мая", "июня", "июля", "авг.", "сент.", "окт.", "нояб.", "дек."]

STATUS = {
    "announced": Words("announced", "объявлено"),
    "open": Words("open", "идёт"),
    "counting": Words("being counted", "идёт подсчёт"),
    "decided": Words("decided", "подсчитано"),
    "too-few": Words("too few ballots", "слишком мало бюллетеней"),
    "void": Words("void", "не состоялось"),
    "cancelled": Words("cancelled", "отменено"),
}
OUTCOME = {
    "will": Words("The city will do this", "Город обещает"),
    "done": Words("The city has done this", "Город сделал"),
    "not": Words("The city will not do this", "Город этого не сделает"),
}
STEPS_WORDS = {
    step: Words(english, russian)
    for (step, english), russian in zip(
        STEPS.items(),
        (
            "Отметка реестра составлена верно, а журнал под ней начинается с устава, подписанного всеми его учреждениями.",
            "Отметка относится к этому реестру и подписана ключом журнала, который назван в уставе.",
            "Все файлы реестра на месте, и каждый их байт следует из записей — до подписанного корня включительно.",
            "Каждый блок идёт за предыдущим, и время его не раньше.",
            "Каждая запись закодирована единственным образом, подписана теми, кто вправе её вносить, и допущена правилами.",
            "Каждый бюллетень подан вовремя и с достаточным числом допусков, и все его доказательства верны.",
            "Всё выводимое (суммы, итоги, несостоявшееся) — ровно то, что выводят правила: не больше и не меньше.",
            "У каждого приложения, которое здесь есть, именно тот отпечаток, каким оно названо.",
        ),
        strict=True,
    )
}
CANNOT_SHOW_WORDS = [
    Words(english, russian)
    for english, russian in zip(
        CANNOT_SHOW,
        (
            "Что это самое новое состояние реестра и то же самое, которое видят все: сравните размер и корень с другим узлом.",
            "Что каждый допуск выдан человеку с правом голоса, и каждому один: для этого k регистраторов должны быть честны или под "
            "присмотром. Каждый может потребовать у регистратора свою строку списка.",
            "Что устройства голосовавших запечатали именно их выбор и что никто не стоял за спиной.",
            "Что хранители ключа не сговорились и не вскрыли отдельные бюллетени вне реестра.",
        ),
        strict=True,
    )
]


def both(words: Words) -> str:
    """HTML of a text in both languages, of which the page shows one."""
    if words.en == words.ru:
        return escape(words.en)
    return f'<span lang="en">{escape(words.en)}</span><span lang="ru">{escape(words.ru)}</span>'


def say(en: str, ru: str) -> str:
    """As ``both``."""
    return both(Words(en, ru))


def number(value: int) -> Words:
    """305,212 and 305 212 (with a no-break space)."""
    english = f"{value:,}"
    return Words(english, english.replace(",", "\u00a0"))


def percent(tenths: int) -> Words:
    """53.0% and 53,0 % of 530 tenths of a percent."""
    return Words(f"{tenths // 10}.{tenths % 10}%", f"{tenths // 10},{tenths % 10}\u00a0%")


def percents(votes: Sequence[int], whole: int) -> list[int]:
    """Shares of the whole in tenths of a percent. Where they make up the whole, they add to 100 (largest remainder)."""
    if not whole:
        return [0] * len(votes)
    shares = [divmod(1000 * vote, whole) for vote in votes]
    if sum(votes) != whole:
        return [share + (2 * rest >= whole) for share, rest in shares]
    missing = 1000 - sum(share for share, _ in shares)
    first = sorted(range(len(votes)), key=lambda i: -shares[i][1])[:missing]
    return [share + (i in first) for i, (share, _) in enumerate(shares)]


def moment(time: int) -> Words:
    """A time in UTC."""
    at = utc(time)
    clock = f"{at:%H:%M} UTC"
    return Words(
        f"{at.day} {MONTHS_EN[at.month - 1]} {at.year}, {clock}",
        f"{at.day}\u00a0{MONTHS_RU[at.month - 1]} {at.year}\u00a0года, {clock}",
    )


def plural(value: int, one: str, few: str, many: str) -> str:
    """The Russian noun form after a whole number."""
    if value % 100 in range(11, 15):
        return many
    return one if value % 10 == 1 else few if value % 10 in (2, 3, 4) else many


def ballots(value: int) -> Words:
    """21 ballots, 21 бюллетень."""
    count = number(value)
    return Words(
        f"{count.en} {'ballot' if value == 1 else 'ballots'}",
        f"{count.ru}\u00a0{plural(value, 'бюллетень', 'бюллетеня', 'бюллетеней')}",
    )


def votes(value: int) -> Words:
    """As ``ballots``, for votes."""
    count = number(value)
    return Words(
        f"{count.en} {'vote' if value == 1 else 'votes'}",
        f"{count.ru}\u00a0{plural(value, 'голос', 'голоса', 'голосов')}",
    )
