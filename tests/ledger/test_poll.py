"""`poll`: what organisers may publish. docs/protocol.md, section 2.5."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from veche.ledger.codec import MAX_ENTRY, digest
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.permit_key import LARGEST_COUNT
from veche.ledger.entries.poll import BALLOT_ROOM, MAX_CELLS, MAX_GROUPS, PERMIT_ROOM, Choice, Group
from veche.ledger.shape import Text
from veche.permit.blind_rsa import IssuerKey
from veche.world import DAY

from .branch import Branch
from .life import Life, text

At = Callable[[str], Branch]
QUARTER = 92 * DAY


def refused(life: Life, branch: Branch, rule: str, **changes: Any) -> None:
    branch.refuses(rule, life.publish(branch, **changes))


def question(answers: int, blank: bool = False) -> Choice:
    return Choice(text("What?"), tuple(text(f"Answer {i}") for i in range(answers)), 1, 1, blank)


def districts(count: int, weight: int = 1) -> tuple[Group, ...]:
    return tuple(Group(text(f"District {i}"), weight) for i in range(count))


def test_a_poll_is_published_and_frozen(life: Life, at: At) -> None:
    branch = at("formed")
    entry = life.publish(branch)
    branch.admit(entry)
    found = branch.poll(digest(entry))
    assert (found.phase, found.closing, found.number) == ("announced", found.definition.closes, len(branch.entries) - 1)
    branch.refuses("repeated", entry)


def test_who_signs_a_poll(life: Life, at: At) -> None:
    branch = at("formed")
    body = life.definition(branch).body()
    branch.refuses_to_say("authority", "poll", body, life.organisers[0])
    branch.refuses_to_say("authority", "poll", body, *life.institutions)
    branch.refuses_to_say("authority", "poll", body, *life.organisers, life.institutions[0])


def test_notice(life: Life, at: At) -> None:
    branch, notice = at("formed"), life.world.poll_class.notice
    now = branch.time + 1
    refused(life, branch, "poll-dates", opens=now + notice - 1)
    branch.admit(life.publish(branch, opens=now + notice))


def test_a_poll_does_not_open_in_the_block_that_publishes_it(life: Life) -> None:
    """A class for pilots may want no notice at all. The registrars' keys still come in a block before the opening."""
    branch = life.formed.branch()
    poll_class = branch.state.charter.classes[0]
    object.__setattr__(poll_class, "notice", 0)
    now = branch.time + 1
    refused_entry = life.publish(branch, opens=now, closes=now + 60)
    (answer,) = branch.block(refused_entry, time=now)
    assert not isinstance(answer, int) and answer.rule == "poll-dates"
    (answer,) = branch.block(life.publish(branch, opens=now + 1, closes=now + 60), time=now)
    assert isinstance(answer, int)
    branch.close()


def test_duration(life: Life, at: At) -> None:
    branch, longest = at("formed"), life.world.poll_class.longest
    opens = branch.time + 7200
    refused(life, branch, "poll-dates", opens=opens, closes=opens + longest + 1)
    refused(life, branch, "poll-dates", opens=opens, closes=opens)
    refused(life, branch, "poll-dates", opens=opens, closes=opens - 1)
    refused(life, branch, "shape", opens=opens, closes=2**53)
    branch.branch().admit(life.publish(branch, opens=opens, closes=opens + 1))
    slow = branch.branch()
    object.__setattr__(slow.state.charter, "engine", Embedded(60, slow.state.charter.operators[0], slow.log_key.public))
    refused(life, slow, "poll-dates", opens=opens, closes=opens + 59)
    slow.admit(life.publish(slow, opens=opens, closes=opens + 60))
    branch.admit(life.publish(branch, opens=opens, closes=opens + longest))


def test_the_committee(life: Life, at: At) -> None:
    branch = at("formed")
    refused(life, branch, "poll-committee", committee=bytes(32))
    refused(life, branch, "shape", committee=bytes(31))
    branch.say("committee", ["city", "pedersen", 9], life.organisers[0])
    refused(life, branch, "poll-committee", committee=digest(branch.entries[-1]))
    branch.beat_until(branch.time + 8 * DAY)  # it is void now
    assert branch.kinds()[-1] == "committee-void"
    refused(life, branch, "poll-committee", committee=digest(branch.entries[-3]))


def test_a_committee_is_fresh_for_a_quarter(life: Life, at: At) -> None:
    branch = at("formed")
    committee = branch.state.committee(life.committee)
    assert committee is not None and committee.finished is not None
    last = committee.finished + QUARTER
    refused(life, branch, "poll-committee", opens=last + 1, closes=last + DAY)
    branch.beat_until(last - DAY)
    refused(life, branch, "poll-committee", opens=last + 1, closes=last + DAY)
    branch.admit(life.publish(branch, opens=last, closes=last + 20 * DAY))


def test_an_unknown_class(life: Life, at: At) -> None:
    refused(life, at("formed"), "class", class_name="village")


ALIKE = [
    ("Yes", "Yes"), ("Yes", "YES"), ("Yes we do", "Yes  we\u00a0do"), ("Caf\u00e9", "CAFE\u0301"), ("Straße", "STRASSE"),
    ("\uff39es", "Yes"), ("A\u1680B", "a b"), ("Й", "и\u0306"),
]  # fmt: skip
"""What nobody can tell apart, in pairs."""
APART = [
    ("Yes", "No"),
    ("Yesno", "Yes no"),
    ("50 км/ч", "5О км/ч"),
    ("\u10a0", "\u2d00"),
    ("\U0001f600", "\U0001f601"),
    ("е", "ё"),
]
UNSEEN = [
    "\u00ad",
    "\u034f",
    "\u061c",
    "\u115f",
    "\u1160",
    "\u180e",
    "\u2800",
    "\u3164",
    "\ufe0f",
    "\uffa0",
    "\U000e0041",
    "A\u3164",
]


def line(english: str) -> Text:
    return Text(english, "Заголовок")


def answers(english: Sequence[str]) -> Choice:
    return Choice(text("What?"), tuple(Text(one, f"Ответ {i}") for i, one in enumerate(english)), 1, 1, False)


TEXTS: Sequence[tuple[str, Any]] = [
    ("title", Text("", "")),
    ("title", Text("English only", "")),
    ("title", Text("t" * 501, "t")),
    ("title", Text("bell\x07", "t")),
    ("title", Text("right\u202eleft", "t")),
    ("background", Text("b" * 20_001, "b")),
    ("background", Text("English only", "")),
    ("questions", ()),
    ("questions", (question(65),)),
    ("questions", (question(0),)),
    ("questions", (Choice(text("What?"), (text("A"),), 1, 0, False),)),
    ("questions", (Choice(text("What?"), (text("A"), text("B")), 2, 1, False),)),
    ("questions", (Choice(text("What?"), (text("A"),), 0, 2, False),)),
    ("questions", (Choice(Text("", ""), (text("A"),), 0, 1, False),)),
    ("questions", (Choice(text("What?"), (Text("", ""),), 0, 1, False),)),
    ("groups", ()),
    ("groups", (Group(text("A"), 0),)),
    ("groups", (Group(text("A"), 2**40 + 1),)),
    ("groups", (Group(text("A"), 1), Group(text("A"), 1))),
    ("groups", districts(MAX_GROUPS + 1)),
    ("title", line("Speed limit\n000000000000  decided  All agreed")),
    ("title", line(" Speed limit")),
    ("title", line("Speed limit\u3000")),
    ("title", line("\u3000")),
    ("title", line("\u0301\u034e")),
    ("title", line("\u0301Speed limit")),
    ("title", line("\u1dc4")),
    ("background", Text("\u0301\n", "\u20dd")),
    ("background", Text("\n \u2003", "\u2003")),
    ("background", Text("\n", "\n")),
    ("questions", (Choice(Text("What?\nNow.", "Что?"), (text("A"), text("B")), 1, 1, False),)),
    *(("questions", (answers(pair),)) for pair in ALIKE),
    *(("questions", (answers([seen, "B"]),)) for seen in UNSEEN),
    ("questions", (answers(["A"]),)),
    ("questions", (Choice(text("What?"), (text("A"),), 0, 1, False),)),
    ("questions", (Choice(text("What?"), (text("A"), text("B")), 2, 2, False),)),
    *(("groups", (Group(Text(one, "Первый"), 1), Group(Text(two, "Второй"), 1))) for one, two in ALIKE),
    ("groups", (Group(Text("First", "Центр"), 1), Group(Text("Second", "центр"), 1))),
    ("attachments", (("plan.pdf", bytes(31)),)),
    ("attachments", (("", bytes(32)),)),
    ("opens", 2**53),
]


@pytest.mark.parametrize(("name", "value"), TEXTS)
def test_shape(name: str, value: Any, life: Life, at: At) -> None:
    refused(life, at("formed"), "shape", **{name: value})


def test_a_question_of_an_unknown_type(life: Life, at: At) -> None:
    branch = at("formed")
    body = life.definition(branch).body()
    body[3][0][0] = "rank"
    branch.refuses_to_say("shape", "poll", body, *life.organisers)
    branch.refuses_to_say("shape", "poll", [*life.definition(branch).body(), 0], *life.organisers)


def test_everything_that_may_be_said(life: Life, at: At) -> None:
    branch = at("formed")
    questions = (
        question(3, blank=True),
        Choice(text("And?"), (text('"quoted" \\ / é'),), 1, 1, True),
        *map(answers, APART),
    )
    attachments = (("plan.pdf", bytes(32)), ("plan.pdf", bytes(32)))
    background = Text("Two\nlines", "Две\nстроки")
    branch.admit(life.publish(branch, background=background, questions=questions, groups=districts(7, 3), attachments=attachments))  # fmt: skip


def test_answers_times_groups(life: Life, at: At) -> None:
    """What makes the tally too long for an entry cannot be published: a poll must not fail at its closing."""
    branch = at("formed")
    assert MAX_CELLS == 900
    refused(life, branch, "poll-size", questions=(question(10),), groups=districts(91))
    refused(life, branch, "poll-size", questions=(question(9, blank=True),), groups=districts(91))
    branch.admit(life.publish(branch, questions=(question(9, blank=True),), groups=districts(90)))


def test_the_longest_ballot(life: Life, at: At) -> None:
    branch = at("formed")
    refused(life, branch, "poll-size", questions=(question(52),) * 4)
    branch.admit(life.publish(branch, questions=(question(50),) * 4))
    size = branch.poll(digest(branch.entries[-1])).frozen.kernel.ballot_size
    assert 50_000 < size <= 60_000 < MAX_ENTRY


def test_a_first_ballot_with_its_permits_fits(life: Life, at: At) -> None:
    """Of a class with many registrars the permits of a ballot are long, too: such a poll could be opened, and nobody vote."""
    import cbor2

    branch, registrars = at("formed"), 20
    object.__setattr__(branch.state.charter.classes[0], "k", registrars)
    most = BALLOT_ROOM - PERMIT_ROOM * registrars
    permits = [[31, bytes(32), bytes(512)]] * registrars
    assert len(cbor2.dumps(["ballot", bytes(32), MAX_GROUPS - 1, bytes(most), permits, 32, bytes(64)])) <= MAX_ENTRY
    assert len(cbor2.dumps(["ballot", bytes(32), 199, bytes(most), permits[:-1] * 2, 32, bytes(64)])) > MAX_ENTRY
    refused(life, branch, "poll-size", questions=(question(47),) * 4)
    branch.admit(life.publish(branch, questions=(question(45),) * 4))
    assert 51_000 < branch.poll(digest(branch.entries[-1])).frozen.kernel.ballot_size <= most


def test_weights_with_which_somebody_can_vote(life: Life, at: At) -> None:
    """A registrar's rolls are refused when people x weights are too much: with one voter a group, and m in all, they must not be."""
    branch = at("formed")
    city = branch.state.charter.classes[0]
    room, smallest = LARGEST_COUNT * city.k // len(city.registrars), city.smallest

    def weights(*numbers: int) -> tuple[Group, ...]:
        return tuple(Group(text(f"District {i}"), weight) for i, weight in enumerate(numbers))

    assert smallest == 3
    for heavy in ((room // 3 + 1,), (room,), (room - 1, 1), (room - 2, 1, 2), (room,) * 3):
        refused(life, branch, "poll-size", groups=weights(*heavy))
    for light in ((room // 3,), (room - 2, 1), (room - 2, 1, 1), (room - 9, 1, 1, 7)):
        branch.branch().admit(life.publish(branch, groups=weights(*light)))
    branch.admit(life.publish(branch, groups=weights(room - 2, 1)))
    poll = digest(branch.entries[-1])
    for registrar in life.world.registrars:
        rows = [[IssuerKey.generate().modulus, people, bytes(32)] for people in (1, 2)]
        branch.say("permit-key", [poll, rows], registrar.office)


def test_every_entry_of_the_largest_poll_fits(life: Life, at: At) -> None:
    """The largest permit-key, tally, decryption and result of all admissible polls are below 65,535 bytes."""
    import cbor2

    big, widest = 2**40, 0
    for groups in range(1, MAX_GROUPS + 1):
        count = MAX_CELLS // groups
        permit_key = cbor2.dumps(["permit-key", [bytes(32), [[bytes(256), big, bytes(32)]] * groups], [[bytes(32), bytes(64)]]])  # fmt: skip
        cells = [[[[group, big]], bytes(64 * count)] for group in range(groups)]
        tally = cbor2.dumps(["tally", [bytes(32), big, bytes(32), cells]])
        result = cbor2.dumps(["result", [bytes(32), list(range(1, 33)), [[big] * count], [[[big] * count]] * groups]])
        widest = max(widest, len(permit_key), len(tally), len(result))
    ciphertexts = 208  # more make a ballot of over 60,000 bytes
    share = cbor2.dumps(["decryption", [bytes(32), 32, bytes(32), 0, bytes(32 * ciphertexts), bytes(64 * ciphertexts), bytes(64 * ciphertexts)], [[bytes(32), bytes(64)]]])  # fmt: skip
    assert 60_000 < max(widest, len(share)) <= MAX_ENTRY
    refused(life, at("formed"), "poll-size", questions=(question(62, blank=True),) * 3 + (question(20),))
