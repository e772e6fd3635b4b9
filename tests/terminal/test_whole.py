"""Whoever signs sees all that is signed: whatever is changed in an entry of whatever kind, what is shown changes."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any

import pytest

from veche.audit.entry_whole import KINDS
from veche.ballot.committee import Certificate, Key, Shares
from veche.ballot.decryption import Share
from veche.ledger import entries
from veche.ledger.entries.charter import Charter, OfficeSeat, PollClass, RegistrarSeat
from veche.ledger.entries.engine import Embedded, Validator, ValidatorRow
from veche.ledger.entries.network import Founder
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.entries.permit_key import GroupIssuance, GroupPermitKey
from veche.ledger.entries.poll import Choice, Group
from veche.ledger.entries.statements import OutcomeStatus
from veche.ledger.entries.tally import Cell, Member
from veche.ledger.shape import Attachment, Text
from veche.terminal.written import Written
from veche.texts import languages

ID = bytes(range(32))
SAID = Text("So it is.\nAnd so on.", "Так.\nИ так далее.")
PAPERS = (Attachment("map.geojson", ID), Attachment("plan.pdf", ID[::-1]))
CLASS = PollClass(
    "pilot", (RegistrarSeat("Registry", "passports"), RegistrarSeat("Post", "addresses")), 2, 0, 2, ("A", "B", "C", "D"), 3, 1, 20,
    3600, 86_400, 2, 7200, 60, True,
)  # fmt: skip
CHARTER = Charter(
    "veche.example/city", Text("City", "Город"), 1_779_448_000, (OfficeSeat("Hall", Role.ORGANISER, ID),), 1, (CLASS, CLASS),
    Embedded(1, "Hall", ID), 1, 1000,
)  # fmt: skip
POLL = entries.Poll(
    "pilot", Text("Speed", "Скорость"), SAID,
    (Choice(Text("Which?", "Какое?"), (Text("60", "60"), Text("50", "50")), 1, 2, True),
     Choice(Text("When?", "Когда?"), (Text("Now", "Сейчас"),), 0, 1, False)),
    (Group(Text("Arbat", "Арбат"), 1), Group(Text("Centre", "Центр"), 5)), 1_779_448_000, 1_779_548_000, ID, PAPERS,
)  # fmt: skip
SAMPLES: tuple[entries.Entry, ...] = (
    CHARTER,
    POLL,
    entries.BlockEntry(7, 1_779_448_000, 1_779_447_999, 5, ID),
    entries.OfficeChange(OfficeAction.ROTATE, "Registry", Role.REGISTRAR, ID, 3),
    entries.OfficeChange(OfficeAction.ADD, "Bank", Role.VALIDATOR, ID, 3, ID[::-1]),
    entries.OfficeEffect(ID, OfficeAction.RETIRE, "Registry", Role.REGISTRAR, ID),
    entries.OfficeEffect(ID, OfficeAction.ADD, "Bank", Role.VALIDATOR, ID, ID[::-1]),
    entries.NewClass(CLASS),
    entries.EngineChange(
        tuple(
            Founder(ID, ValidatorRow(name, ID[::-1], f"https://{name.lower()}.example", f"{7:040x}@n1.example:26656"))
            for name in ("Bank", "Court")
        )
    ),
    entries.Restart(
        9,
        ID,
        7,
        1_779_448_000,
        (Founder(ID, ValidatorRow("Bank", ID[::-1], "https://n1.example", f"{7:040x}@n1.example:26656")),),
    ),
    entries.RulesWithdrawal(2),
    entries.Address("https://n1.example", f"{7:040x}@n1.example:26656", 3),
    entries.DoubleSigning(ID, 7, 1_779_448_000),
    entries.Validators((Validator("Bank", ID, ID[::-1]), Validator("Court", ID, ID[::-1]))),
    entries.RulesVersion(2, 1_779_448_000),
    entries.Notice(ID, SAID, PAPERS),
    entries.Notice(b"", Text("One", "Один")),
    entries.CommitteeCall("pilot", "pedersen", 4),
    entries.CertificateStep(ID, 1, Certificate(ID, ID, ID * 2, ID)),
    entries.SharesStep(ID, 1, Shares(ID, ID * 2, ID * 2, (ID, ID[::-1]))),
    entries.KeyStep(ID, 1, Key(ID, ID * 2, ID * 2)),
    entries.Complaint(ID, 1, 2, SAID),
    entries.CommitteeVoid(ID, "Nobody came."),
    entries.PermitKeys(ID, (GroupPermitKey(ID, 10, ID), GroupPermitKey(ID[::-1], 20, ID))),
    entries.Void(ID, "Nobody came."),
    entries.Cancel(ID, SAID),
    entries.Contest(ID, SAID),
    entries.Outcome(ID, OutcomeStatus.WILL, SAID, 1_779_448_000, PAPERS),
    entries.Issuance(ID, (GroupIssuance(3, ID), GroupIssuance(4, ID))),
    entries.Tally(ID, 30, ID, (Cell((Member(0, 10), Member(1, 20)), ID * 2), Cell((Member(2, 5),), ID * 2))),
    entries.TooFew(ID, 3, ID),
    entries.Decryption(ID, 1, ID, 0, Share(ID, ID, ID)),
    entries.Result(ID, (1, 3), ((1, 2), (3,)), (((1, 1), (2,)), ((0, 1), (1,)))),
)


def other_values(value: Any) -> Iterator[Any]:
    """The same but for one thing, wherever in it that is."""
    if value is None:
        yield 1
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, StrEnum):
        yield from (one for one in type(value) if one != value)
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield value + "!"
        yield value[:-1]
        yield value[::-1] + "?"
    elif isinstance(value, bytes):
        yield bytes([*value[:-1], value[-1] ^ 1]) if value else ID
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for one in other_values(getattr(value, field.name)):
                yield replace(value, **{field.name: one})
    elif isinstance(value, tuple):
        made = type(value)._make if hasattr(value, "_make") else tuple
        for place, item in enumerate(value):
            for one in other_values(item):
                yield made([*value[:place], one, *value[place + 1 :]])
        if made is tuple and value:
            yield value[:-1]
    else:
        raise AssertionError(f"nobody knows how to change {value!r}")


def shown(entry: entries.Entry, language: str) -> list[str]:
    return [line.text(language) for line in Written(None).lines(entry)]


def test_every_kind_is_here() -> None:
    assert {type(sample) for sample in SAMPLES} == set(entries.KINDS)
    assert set(KINDS) == {kind.kind for kind in entries.KINDS}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_nothing_can_be_changed_unseen(sample: entries.Entry) -> None:
    others = list(other_values(sample))
    assert len(others) >= len(fields(sample))  # type: ignore[arg-type]
    for language in languages():
        before = shown(sample, language)
        for other in others:
            assert shown(other, language) != before, other


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.kind)
def test_both_languages_of_every_text_are_shown_in_either(sample: entries.Entry) -> None:
    """English and Russian texts stand in what a reader of one language is shown."""
    for language in languages():
        lines = "\n".join(shown(sample, language))
        for text in texts_in(sample):
            for line in (*text.en.split("\n"), *text.ru.split("\n")):
                assert line in lines


def texts_in(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from texts_in(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from texts_in(item)


def test_what_others_wrote_is_behind_a_label_or_a_bar() -> None:
    """A background that looks like lines of this very page is marked on each of its lines, however it breaks them."""
    forged = "One.\nClass: city\n✓ everything holds\u2028Opens: never\r\x1b[31m\u202eyenoM"
    entry = replace(POLL, background=Text(forged, forged), title=Text("T\nOpens: now", "Т"))
    lines = "\n".join(shown(entry, "en")).split("\n")
    assert not any(line.lstrip().startswith(("✓", "Opens: n")) for line in lines)
    assert [line for line in lines if line.startswith("Class: ")] == ["Class: pilot"]
    assert all(char.isprintable() for line in lines for char in line)
