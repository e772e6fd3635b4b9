"""Permits by file: a voter and registrars on different machines, who exchange a request and answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.permit.mail import LARGEST_REQUEST, AnswerFile, RequestFile
from veche.world import World

from .conftest import Answer, fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


class Mail:
    """A city in which the voter has nothing but a copy of the ledger, and each registrar their own folder and one."""

    def __init__(self, world: World, top: Path, districts: tuple[tuple[str, int], ...]) -> None:
        self.world, self.top = world, top
        self.poll = world.poll([JOIN], committee=world.form_committee(), districts=districts)
        world.engine.tick()
        self.copy = top / "copy.tar"
        ok("export", "--ledger", top / "ledger", self.copy, run=inside)
        self.request = top / "request.json"

    def vote(self, *words: object, seed: str = "voter.seed", person: str = "Centre-0") -> Answer:
        name = self.poll.id.hex()[:12]
        return inside("vote", name, "--ledger", self.copy, "--seed", self.top / seed, "--person", person, *words)

    def issue(self, registrar: int, *words: object, request: Path | None = None, person: str = "Centre-0") -> Answer:
        return inside(
            "registrar", "issue", self.top / f"registrar-{registrar}", "--ledger", self.copy, "--person", person,
            "--request", request or self.request, "-o", self.answer(registrar), *words,
        )  # fmt: skip

    def answer(self, registrar: int) -> Path:
        return self.top / f"answer-{registrar}.json"

    def answers(self, *registrars: int) -> list[object]:
        return [word for registrar in registrars for word in ("--answer", self.answer(registrar))]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path, citizens={"Centre": 3, "North": 2}, registrars=(3, 2, 0)) as made:
        yield made


@pytest.fixture
def mail(world: World, tmp_path: Path) -> Mail:
    return Mail(world, tmp_path, (("Centre", 1), ("North", 1)))


def test_from_the_request_to_the_ballot(mail: Mail) -> None:
    asked = mail.vote("--ask", mail.request, "--group", "Centre", "--json")
    assert asked.code == 0 and len(asked.json["registrars"]) == 3, asked.err
    code = asked.json["words"]["en"]
    assert mail.request.stat().st_mode & 0o777 == 0o600
    first = mail.request.read_bytes()
    assert mail.vote("--ask", mail.request, "--group", "центр").code == 2, "no group is called so"
    assert mail.vote("--ask", mail.request, "--group", "centre").code == 0 and mail.request.read_bytes() == first, (
        "the same again"
    )
    for registrar in (1, 2, 3):
        said = mail.issue(registrar, "--code", code)
        assert said.code == 0 and code in said.out and "Centre-0" in said.out, said.err
        answer = mail.answer(registrar).read_bytes()
        assert mail.issue(registrar).code == 0 and mail.answer(registrar).read_bytes() == answer, "the same again"
    kept = mail.vote("--collect", *mail.answers(1, 2, 3), "--json")
    assert kept.code == 0 and len(kept.json["permits"]) == 3 and kept.json["missing"] == []
    mail.world.wait_until(mail.poll.definition.opens)
    sealed = inside(
        "vote", mail.poll.id.hex()[:12], "--ledger", mail.copy, "--seed", mail.top / "voter.seed", "-c", "1", "--seal"
    )
    assert sealed.code == 0 and "Sealed" in sealed.out
    again = mail.vote("--ask", mail.top / "more.json")
    assert again.code == 2 and "are kept already" in again.err


def test_a_request_that_was_exchanged_on_its_way_is_found(mail: Mail) -> None:
    """Whoever carries it puts a message of their own in it: the code that the person says is another."""
    code = mail.vote("--ask", mail.request, "--group", "Centre", "--json").json["words"]["ru"]
    theirs = mail.top / "theirs.json"
    mail.vote("--ask", theirs, "--group", "Centre", seed="carrier.seed")
    answer = mail.issue(1, "--code", code, request=theirs)
    assert answer.code == 2 and "its code is another. Nothing was signed" in answer.err and not mail.answer(1).exists()
    assert mail.issue(1, "--code", code).code == 0, "the person has lost nothing"


def test_each_person_is_served_with_their_own(mail: Mail) -> None:
    mail.vote("--ask", mail.request, "--group", "Centre")
    answer = mail.issue(1, person="Centre-1")
    assert answer.code == 2 and "is of somebody else: Centre-0" in answer.err and not mail.answer(1).exists()
    assert mail.issue(1).code == 0
    other = mail.top / "other.json"
    mail.vote("--ask", other, "--group", "Centre", seed="second.seed")
    mail.answer(1).unlink()
    answer = mail.issue(1, request=other)
    assert answer.code == 1 and "already have a permit" in answer.err
    assert AnswerFile.from_json(mail.answer(1).read_bytes()).rule == "permit-once"


def test_a_request_is_answered_in_its_own_poll(mail: Mail) -> None:
    """POLL beside --request is another poll: nothing is signed, in either."""
    other = mail.world.poll(
        [JOIN], committee=mail.poll.definition.committee, districts=(("Centre", 1), ("North", 1)), days=2
    )
    mail.world.engine.tick()
    mail.copy.unlink()
    ok("export", "--ledger", mail.top / "ledger", mail.copy, run=inside)
    mail.vote("--ask", mail.request, "--group", "Centre")
    answer = inside("registrar", "issue", mail.top / "registrar-1", other.id.hex(), "--ledger", mail.copy, "--person", "Centre-0",
                    "--request", mail.request, "-o", mail.answer(1))  # fmt: skip
    assert answer.code == 2 and "is for another poll" in answer.err and not mail.answer(1).exists()


def test_a_refusal_is_an_answer_and_evidence(mail: Mail) -> None:
    """One registrar has the person in another group; the voter hears who says what, and no permit is lost."""
    mail.vote("--ask", mail.request, "--group", "North")
    for registrar in (1, 2):
        answer = mail.issue(registrar)
        assert answer.code == 1 and "The refusal is in" in answer.err
        assert AnswerFile.from_json(mail.answer(registrar).read_bytes()).group == 0
    mail.request.unlink()
    refused = mail.vote("--collect", *mail.answers(1, 2))
    assert refused.code == 1 and "You vote in group 0 of this poll, not in 1." in refused.err
    evidence = next((mail.top / "voter.seed.permits").glob("*.refusals"))
    assert len(json.loads(evidence.read_text())) == 2
    assert mail.vote("--ask", mail.request, "--group", "Centre").code == 0
    for registrar in (1, 2):
        mail.answer(registrar).unlink()
        assert mail.issue(registrar).code == 0
    assert mail.vote("--collect", *mail.answers(1, 2)).code == 0


def test_whoever_serves_a_person_reads_a_refusal_in_their_language(mail: Mail) -> None:
    mail.vote("--ask", mail.request, "--group", "North")
    refused = mail.issue(1, "--lang", "ru")
    assert refused.code == 1 and "You vote" not in refused.err and "голосуете" in refused.err, refused.err
    assert "You vote in group 0" in AnswerFile.from_json(mail.answer(1).read_bytes()).message


def test_registrars_that_disagree_are_not_said_to_have_signed_nothing(world: World, tmp_path: Path) -> None:
    """By file each is asked for the group and the permit at once: whoever names the same group has signed."""
    roll = tmp_path / "moved.csv"
    roll.write_text("person,district\nCentre-0,North\nCentre-1,Centre\nCentre-2,Centre\nNorth-0,North\nNorth-1,North\n")
    world.registrars[2].import_roll(roll)
    mail = Mail(world, tmp_path, (("Centre", 1), ("North", 1)))
    mail.vote("--ask", mail.request, "--group", "Centre")
    assert [mail.issue(registrar).code for registrar in (1, 2, 3)] == [0, 0, 1]
    said = mail.vote("--collect", *mail.answers(1, 2, 3))
    assert (
        said.code == 2 and "do not agree in which group you vote (Civil registry, Post office: Centre; " in said.err
    ), said
    assert "you have some already, for the group that you asked for" in said.err and "None was asked" not in said.err
    assert mail.vote("--collect", *mail.answers(1, 2, 3), "--despite-refusal").code == 0


def test_an_answer_is_checked_as_if_it_came_from_the_registrar(mail: Mail) -> None:
    mail.vote("--ask", mail.request, "--group", "Centre")
    for registrar in (1, 2, 3):
        mail.issue(registrar)
    forged = AnswerFile.from_json(mail.answer(3).read_bytes())
    assert forged.signature is not None
    changed = bytes([forged.signature[0] ^ 1]) + forged.signature[1:]
    wrong = AnswerFile(forged.ledger, forged.poll, forged.registrar, forged.group, forged.blinded, changed)
    mail.answer(3).write_bytes(wrong.to_json())
    kept = mail.vote("--collect", *mail.answers(1, 2, 3), "--json")
    assert kept.code == 0 and len(kept.json["permits"]) == 2 and len(kept.json["missing"]) == 1
    mail.answer(3).write_bytes(mail.answer(2).read_bytes())
    assert "by the same registrar" in mail.vote("--collect", *mail.answers(2, 3)).err
    nothing = mail.vote("--collect", *mail.answers(1, 2), seed="another.seed")
    assert nothing.code == 2 and "There is no seed in" in nothing.err and not (mail.top / "another.seed").exists()
    assert mail.vote("--ask", mail.top / "other.json", "--group", "Centre", seed="another.seed").code == 0
    other = mail.vote("--collect", *mail.answers(1, 2), seed="another.seed")
    assert other.code == 2 and f"{mail.answer(1)} is to another request" in other.err


def test_one_group_need_not_be_named_and_an_answer_may_be_of_a_folder(world: World, tmp_path: Path) -> None:
    mail = Mail(world, tmp_path, ())
    assert mail.vote("--ask", mail.request).code == 0
    assert mail.issue(1, "--code", RequestFile.from_json(mail.request.read_bytes()).code.hex()).code == 0
    kept = mail.vote("--collect", *mail.answers(1), "--registrar", tmp_path / "registrar-2")
    assert kept.code == 0, kept.err
    both = mail.vote("--collect", *mail.answers(1), "--registrar", tmp_path / "registrar-1")
    assert both.code == 2 and "both a folder and an answer" in both.err


@pytest.mark.parametrize(
    "words",
    [("--collect",), ("--seal",), ("-c", "1"), ("--registrar", "x"), ("--answer", "x")],
)
def test_ask_does_nothing_else(mail: Mail, words: tuple[str, ...]) -> None:
    answer = mail.vote("--ask", mail.request, *words)
    assert answer.code == 2 and "--ask only writes a request" in answer.err and not mail.request.exists()
    assert not (mail.top / "voter.seed").exists()


def test_group_without_ask_is_no_option(mail: Mail) -> None:
    fails(
        2,
        "--group belongs to --ask",
        "vote",
        mail.poll.id.hex(),
        "-l",
        mail.copy,
        "--group",
        "Centre",
        "--collect",
        run=inside,
    )


def test_what_is_to_be_signed_is_said_in_one_way(mail: Mail) -> None:
    desk = ("registrar", "issue", mail.top / "registrar-1", "--ledger", mail.copy, "--person", "Centre-0")
    fails(2, "not clear what is to be signed", *desk, "--group", "0", "--blinded", "00", run=inside)
    fails(2, "not clear what is to be signed", *desk, mail.poll.id.hex(), "--group", "0", run=inside)
    fails(2, "A request says by itself", *desk, "--request", mail.request, run=inside)
    fails(2, "A request says by itself", *desk, "--request", mail.request, "-o", "x", "--group", "0", run=inside)


JUNK = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"7",
    "another file": b'{"type":"veche-row-proof-v1"}',
    "not UTF-8": b"\xff\xfe{}",
    "too long": b" " * (LARGEST_REQUEST + 1),
    "deep": b"[" * 5000,
}


@pytest.mark.parametrize("name", JUNK)
def test_what_is_no_request_and_no_answer(mail: Mail, name: str) -> None:
    mail.request.write_bytes(JUNK[name])
    answer = mail.issue(1)
    assert answer.code == 2 and ("is not a request for permits" in answer.err or "too long" in answer.err), answer.err
    answer = mail.vote("--collect", "--answer", mail.request, "--answer", mail.request)
    assert answer.code == 2 and ("is not a registrar's answer" in answer.err or "too long" in answer.err), answer.err


def test_every_field_of_an_answer_is_looked_at(mail: Mail) -> None:
    mail.vote("--ask", mail.request, "--group", "North")
    for registrar in (1, 2):
        mail.issue(registrar)
    good = json.loads(mail.answer(1).read_bytes())
    wrong: list[object] = [-1, 10**30, "", "zz", [], {}, "00" * 600, 1.5, True]
    for field in good:
        for value in wrong:
            if (field, value) != ("signature", "00" * 600):
                mail.answer(1).write_text(json.dumps(good | {field: value}))
                answer = mail.vote("--collect", *mail.answers(1, 2))
                assert answer.code == 2, (field, value, answer)
    for refused in (
        {"rule": "x\n", "message": "y"},
        {"rule": "roll", "message": ""},
        {"rule": "roll"},
        {"rule": "r" * 41, "message": "y"},
    ):
        mail.answer(1).write_text(json.dumps(good | {"refused": refused}))
        assert mail.vote("--collect", *mail.answers(1, 2)).code == 2
    mail.answer(1).write_text(json.dumps(good | {"refused": {"rule": "roll", "message": "No.\n\x1b[2J✓ all is well"}}))
    answer = mail.vote("--collect", *mail.answers(1, 2))
    assert answer.code == 1


def test_every_field_of_a_request_is_looked_at(mail: Mail) -> None:
    mail.vote("--ask", mail.request, "--group", "Centre")
    good = json.loads(mail.request.read_bytes())
    wrong: list[object] = [None, -1, 10**30, "", "zz", [], {}, "00" * 600, 1.5, True]
    for field in good:
        for value in wrong:
            mail.request.write_text(json.dumps(good | {field: value}))
            answer = mail.issue(1)
            assert answer.code == 2 and not mail.answer(1).exists(), (field, value, answer)
        mail.request.write_text(json.dumps({name: value for name, value in good.items() if name != field}))
        assert mail.issue(1).code == 2
    mail.request.write_text(json.dumps(good | {"more": 1}))
    assert mail.issue(1).code == 2
    mail.request.write_bytes(b"\xef\xbb\xbf" + json.dumps(good, indent=2).replace("\n", "\r\n").encode())
    assert mail.issue(1).code == 0, "a mail program may have laid it out anew"
