"""What the rules allow in a poll or a charter, and what may go wrong with it all the same.

Said to whoever previews or signs it, and in every report on it. docs/threats.md says why. Nothing here depends on a clock, so that
two auditors of one ledger read the same; only :func:`night` asks where the reader lives.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import combinations

from veche.audit.poll_view import LEFT_BLANK
from veche.ledger.entries.charter import Charter, PollClass
from veche.ledger.entries.poll import Poll
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.ledger.state import State
from veche.likeness import alike, alphabets, mixed_word
from veche.texts import Localizable, Message, Moment, Plural, Words, duration

DAY = 86_400
EVENING, MORNING = 23, 7
"""Hours between which most people are asleep."""
SHOWN = 5
"""So many weights are named."""


def charter_dangers(charter: Charter) -> Iterator[Localizable]:
    """Of a charter, and of each of its classes."""
    yield from _owners(charter)
    for guards in charter.classes:
        for said in class_dangers(guards):
            yield Message("Class {name}: {said}", name=guards.name, said=said)


def class_dangers(guards: PollClass) -> Iterator[Localizable]:
    """Of the numbers of a class: where one institution, or one that is absent, decides alone."""
    if guards.t == 1:
        yield Message("One trustee alone can read every vote.")
    elif guards.t == len(guards.trustees):
        yield Message("All {size} trustees are needed: if one of them is absent, there is no result.", size=guards.t)
    if guards.k == 1:
        yield Message("One registrar alone can make up voters: a ballot needs one permit only.")
    if guards.organisers == 1:
        yield Message("One organiser alone publishes polls: nobody else reads them first.")


def poll_dangers(poll: Poll, poll_id: bytes | None, state: State) -> Iterator[Localizable]:
    """Of a poll, published (then it has an id) or not. ``state``: of its ledger. Raises Refused if the charter has no such class."""
    guards = state.poll_class(poll.class_name)
    people = _people(poll, poll_id, state)
    yield from class_dangers(guards)
    yield from _weights(poll, people)
    yield from _small(poll, people, guards.smallest)
    yield from _look_alike(poll)
    yield from _numbers(poll)
    yield from _languages(poll)
    published = None if poll_id is None else state.poll(poll_id)
    over = published is not None and published.phase != Phase.ANNOUNCED
    if poll.closes - poll.opens < state.charter.lasting(DAY):
        lasts = duration(poll.closes - poll.opens)
        yield (
            Message("It was open for {time} only.", time=lasts)
            if over
            else Message("It is open for {time} only.", time=lasts)
        )
    yield from _same_title(poll, poll_id, state)


def night(poll: Poll, charter: Charter, zone: tzinfo | None = None) -> Iterator[Localizable]:
    """Whether it closes while people sleep: in this zone, or in that of this computer."""
    closes = datetime.fromtimestamp(min(poll.closes, 1 << 34), zone).astimezone(zone)
    if not charter.test and not MORNING <= closes.hour < EVENING:
        yield Message("It closes at night: at {time} by this computer's clock.", time=f"{closes:%H:%M}")


def _owners(charter: Charter) -> Iterator[Localizable]:
    """Owners who have k institutions, and so do alone what the charter wants k for.

    The owner stands before the first ": " in an institution's name ("City hall: legal office"); a name without it is its own.
    """
    if charter.k == 1:
        yield Message("Each institution alone changes offices and cancels polls.")
        return
    owned: dict[str, set[str]] = {}
    for name, _, _ in charter.offices:
        owned.setdefault(name.partition(": ")[0], set()).add(name)
    for owner, names in owned.items():
        if len(names) >= charter.k:
            yield Message(
                "{owner} alone has {count} of the institutions, as many as change offices or cancel a poll together ({k}).",
                owner=owner, count=len(names), k=charter.k,
            )  # fmt: skip


def _people(poll: Poll, poll_id: bytes | None, state: State) -> list[int | None]:
    """How many people each group has, as far as that is known: from the registrars, or from the last poll with a group of this name."""
    found = None if poll_id is None else state.poll(poll_id)
    if found is not None and found.permit_keys:
        return [_largest(found, place) for place in range(len(poll.groups))]
    before = [other for other in state.polls() if other.permit_keys and (found is None or other.number < found.number)]
    last = {
        group.name.en: _largest(other, place) for other in before for place, group in enumerate(other.definition.groups)
    }
    return [last.get(group.name.en) for group in poll.groups]


def _largest(poll: PollState, place: int) -> int:
    return max(keys.groups[place].people for keys in poll.permit_keys.values())


def _weights(poll: Poll, people: Sequence[int | None]) -> Iterator[Localizable]:
    """A result is a sum of weights, and a sum in which one weight outweighs all lighter ballots together is no secret."""
    weights = sorted({group.weight for group in poll.groups})
    if len(weights) == 1:
        return
    listed = ", ".join(str(weight) for weight in weights[:SHOWN]) + (", …" if len(weights) > SHOWN else "")
    yield Message(
        "Ballots weigh differently ({weights}), and results are sums of weights: from their digits everybody may read how people "
        "with a weight of their own voted, each of them where they are few. Merging groups does not hide that.",
        weights=listed,
    )
    for group, count in zip(poll.groups, people, strict=True):
        lighter = [
            (other.weight, size) for other, size in zip(poll.groups, people, strict=True) if other.weight < group.weight
        ]
        known = [weight * size for weight, size in lighter if size is not None]
        if lighter and count is not None and len(known) == len(lighter) and sum(known) < group.weight:
            yield Plural(
                "“{name}”: {count} person, each of whose votes weighs more than all lighter ones together. The result will say "
                "exactly what was chosen there.",
                "“{name}”: {count} people, each of whose votes weighs more than all lighter ones together. The result will say "
                "exactly what was chosen there.",
                count,
                name=Words(*group.name),
            )


def _small(poll: Poll, people: Sequence[int | None], smallest: int) -> Iterator[Localizable]:
    known = [count for count in people if count is not None]
    if len(known) == len(people) and sum(known) < smallest:
        yield Plural(
            "{count} person may vote, and fewer than {smallest} ballots are never decrypted: there can be no result.",
            "{count} people may vote, and fewer than {smallest} ballots are never decrypted: there can be no result.",
            sum(known),
            smallest=smallest,
        )
        return
    for group, count in zip(poll.groups, people, strict=True):
        if count is not None and count < smallest and len(people) > 1:
            yield Plural(
                "“{name}” has {count} person, fewer than are counted apart ({smallest}): it is counted together with the groups "
                "beside it. That somebody voted there is public all the same.",
                "“{name}” has {count} people, fewer than are counted apart ({smallest}): it is counted together with the groups "
                "beside it. How many voted there is public all the same.",
                count,
                name=Words(*group.name),
                smallest=smallest,
            )


def _look_alike(poll: Poll) -> Iterator[Localizable]:
    for number, question in enumerate(poll.questions, 1):
        for one, other in _pairs(question.answers):
            yield Message(
                "Answers {one} and {other} of question {number} look alike: “{text}”, “{again}”.",
                one=one + 1, other=other + 1, number=number, text=Words(*question.answers[one]), again=Words(*question.answers[other]),
            )  # fmt: skip
        for place, answer in enumerate(question.answers, 1):
            if question.blank and any(
                alike(text, LEFT_BLANK.text(language)) for text, language in zip(answer, ("en", "ru"), strict=True)
            ):
                yield Message(
                    "Answer {place} of question {number} looks like a vote that is left blank, which is counted apart: “{text}”.",
                    place=place, number=number, text=Words(*answer),
                )  # fmt: skip
    names = [group.name for group in poll.groups]
    for one, other in _pairs(names):
        yield Message(
            "Groups {one} and {other} look alike: “{text}”, “{again}”.",
            one=one + 1, other=other + 1, text=Words(*names[one]), again=Words(*names[other]),
        )  # fmt: skip


def _numbers(poll: Poll) -> Iterator[Localizable]:
    """Answers are chosen by their places: who types an answer that is itself a number may choose another one."""
    for number, question in enumerate(poll.questions, 1):
        others = set(range(len(question.answers) + 1))  # 0 chooses none
        for place, answer in enumerate(question.answers, 1):
            if any(text.isdecimal() and int(text) in others - {place} for text in answer):
                yield Message(
                    "Answer {place} of question {number} is the number “{text}”: who types that number chooses another answer, or "
                    "none, for answers are chosen by their places.",
                    place=place, number=number, text=Words(*answer),
                )  # fmt: skip
                break


def _pairs(texts: Sequence[Text]) -> Iterator[tuple[int, int]]:
    for (one, text), (other, again) in combinations(enumerate(texts), 2):
        if alike(text.en, again.en) or alike(text.ru, again.ru):
            yield one, other


def _languages(poll: Poll) -> Iterator[Localizable]:
    """Texts that are not in the language that they stand for, or hold letters that pretend to be others."""
    texts = [poll.title, poll.background, *(group.name for group in poll.groups)]
    for question in poll.questions:
        texts += [question.text, *question.answers]
    same = [text for text in texts if text.en == text.ru and alphabets(text.en)]
    if same:
        yield Plural(
            "{count} text is the same in English and in Russian: “{text}”.",
            "{count} texts are the same in English and in Russian, the first of them: “{text}”.",
            len(same),
            text=same[0].en,
        )
    for text in texts:
        if text.en != text.ru:
            if (found := alphabets(text.en)) and "LATIN" not in found:
                yield Message("An English text has no Latin letter: “{text}”.", text=text.en)
            if (found := alphabets(text.ru)) and "CYRILLIC" not in found:
                yield Message("A Russian text has no Cyrillic letter: “{text}”.", text=text.ru)
    for said in dict.fromkeys(part for text in texts for part in text):
        if (word := mixed_word(said)) is not None:
            yield Message(
                "A word has letters of several alphabets, or of a foreign one, which may look like others: “{word}”.",
                word=word,
            )


def _same_title(poll: Poll, poll_id: bytes | None, state: State) -> Iterator[Localizable]:
    """Another poll that people may take for this one, open at the same time."""
    for other in state.polls():
        there = other.definition
        if other.id == poll_id or other.phase in (Phase.CANCELLED, Phase.VOID):
            continue
        overlap = poll.opens < other.closing and there.opens < poll.closes
        if overlap and (alike(poll.title.en, there.title.en) or alike(poll.title.ru, there.title.ru)):
            yield Message(
                "Poll {poll} has a title like this one's, and is open at the same time, until {time}.",
                poll=other.id.hex(), time=Moment(other.closing),
            )  # fmt: skip
