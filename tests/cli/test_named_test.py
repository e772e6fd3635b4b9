"""A test ledger is named as one by every command that has to do with a ledger, in the reader's language, and in its JSON."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from veche.audit.ledger import verify_ledger
from veche.audit.page.page import page
from veche.audit.report import report_ledger
from veche.cli.options import LedgerPath
from veche.cli.reading import read_ledger
from veche.cli.sealed_file import SealedFile
from veche.engine.embedded import LOG_KEY
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.log.source import Folder
from veche.voter.voter import seal as seal_ballot
from veche.world import World

from .city import poll_draft
from .conftest import inside, ok
from .test_help import ALL

DIVISOR = 1000
ENGLISH = "TEST: this is a test ledger. All times are divided by 1,000, and nothing that is decided here counts."
RUSSIAN = "ТЕСТ: это тестовый реестр."
JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


@dataclass(frozen=True)
class Town:
    """A finished city whose ledger is a test, or in earnest, with what its commands are given."""

    folder: Path
    poll: str
    committee: str

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def key(self) -> Path:
        return self.folder / "one.key"

    def file(self, name: str) -> Path:
        return self.folder / name


def made(
    folder: Path,
    divisor: int,
    question: Choice = JOIN,
    more: Callable[[World, bytes], None] = lambda world, committee: None,
) -> Town:
    """One poll with a result; and files of each sort that a command may be given. ``more``: what is said in it besides."""
    genesis = int(time.time()) - (400 if divisor else 3 * 86_400)
    with World(folder, citizens={"Centre": 4}, genesis=genesis, test=divisor) as world:
        committee = world.form_committee()
        poll = world.poll([question], committee=committee, days=1)
        world.wait_until(poll.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, poll, [[1, 0]])
        world.wait_until(poll.closing + 1)
        world.trustees_act()
        world.account(0, poll)
        more(world, committee)
        world.citizens[0].voter._seed.save(folder / "you.seed")
        world.organisers[0].save(folder / "one.key")
        world.organisers[1].save(folder / "two.key")
    town = Town(folder, poll.id.hex(), committee.hex())
    ok("ledger", "run", "--ledger", town.ledger, "--once", "--after-outage", run=inside)
    ledger, draft = ("--ledger", town.ledger), poll_draft(town.committee, time.time() + 7200, time.time() + 7220)
    town.file("map.geojson").write_text("{}", encoding="utf-8")
    town.file("poll.toml").write_text(draft.replace('"pilot"', '"city"'), encoding="utf-8")
    ok("poll", "sign", town.file("poll.toml"), "--key", town.key, *ledger, run=inside)
    shutil.copy(town.file("poll.entry"), town.file("signed.entry"))
    ok("poll", "sign", town.file("signed.entry"), "--key", town.file("two.key"), *ledger, run=inside)
    said = ("--text", "No.", "--text-ru", "Нет.", "--key", town.key)
    ok("poll", "contest", town.poll, *said, "-o", town.file("contest.entry"), *ledger, run=inside)
    ok("registrar", "proof", town.file("registrar-1"), town.poll, "--person", "Centre-0", "-o", town.file("row.json"), *ledger,
       run=inside)  # fmt: skip
    ok("witness", "init", town.file("witness"), "--institution", "Library", run=inside)
    ok("ledger", "receipt", "--ledger", town.ledger, "2", "-o", town.file("two.tlog-proof"), run=inside)
    shutil.copy(town.ledger / "checkpoint", town.file("kept"))
    row = ("--institution", "Bank", "--url", "http://127.0.0.2", "--peer", "127.0.0.2:26656")
    town.file("validator.toml").write_text(
        ok("network", "keys", "--ledger", town.file("own"), *row, run=inside).out, encoding="utf-8"
    )
    for name in ("checkpoint", "tile"):
        town.file("copy").mkdir(exist_ok=True)
        (shutil.copytree if name == "tile" else shutil.copy)(town.ledger / name, town.file("copy") / name)
    verified = verify_ledger(Folder(town.ledger))
    for number, name in ((0, "charter.entry"), (2, "two.entry")):
        town.file(name).write_bytes(verified.log.entry(number))
    for name in ("new-1", "new-2"):
        town.file(name).mkdir()
        shutil.copy(town.ledger / LOG_KEY, town.file(name))
    return town


@pytest.fixture(scope="module")
def test_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return made(tmp_path_factory.mktemp("test"), DIVISOR)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return made(tmp_path_factory.mktemp("earnest"), 0)


def with_key(*words: object) -> Callable[[Town], tuple[object, ...]]:
    return lambda town: (*words, "-l", town.ledger, "--key", town.key)


def at(*words: object) -> Callable[[Town], tuple[object, ...]]:
    return lambda town: (*words, "-l", town.ledger)


def statement(town: Town, name: str) -> tuple[object, ...]:
    said = ("--text", "So.", "--text-ru", "Так.", "--key", town.key)
    return town.poll, *said, "-o", town.file(name), "-l", town.ledger


def office(name: str) -> Callable[[Town], tuple[object, ...]]:
    return lambda town: (
        "--institution", "Library", "--role", "observer", "--public", "58" + 31 * "66", "--key", town.key, "-o", town.file(name),
        "-l", town.ledger,
    )  # fmt: skip


def registrar(*words: object) -> Callable[[Town], tuple[object, ...]]:
    return lambda town: (town.file("registrar-1"), town.poll, *words, "-l", town.ledger)


CALLS: dict[str, Callable[[Town], tuple[object, ...]]] = {
    "vote": lambda town: (town.poll, "-c", "1", "--seal", "-l", town.ledger, "--seed", town.file("you.seed")),
    "cast": lambda town: (town.poll, "-l", town.ledger, "--seed", town.file("you.seed"), "--receipts", town.folder),
    "open": lambda town: (
        town.poll,
        "-l",
        town.ledger,
        "--seed",
        town.file("you.seed"),
        "-o",
        town.file("again.opened"),
    ),
    "check": lambda town: (town.file("code"), town.file("opened"), "-l", town.ledger),
    "find": lambda town: ("--seed", town.file("you.seed"), "-l", town.ledger),
    "verify": lambda town: (town.ledger,),
    "export": lambda town: ("-l", town.ledger, town.file("out.tar")),
    "due": at(),
    "compare": lambda town: (town.ledger, town.file("kept")),
    "ledger init": lambda town: ("-l", town.file("new-1"), town.file("charter.entry")),
    "ledger run": lambda town: ("-l", town.ledger, "--once"),
    "node join": lambda town: ("-l", town.file("copy"), "--listen", "127.0.0.1:0", "--seconds", "0"),
    "node status": lambda town: ("-l", town.ledger),
    "node run": lambda town: ("-l", town.ledger, "--listen", "127.0.0.1:0", "--seconds", "0"),
    "ledger rebuild": lambda town: (
        "-l",
        town.ledger,
    ),
    "ledger sign": lambda town: (town.file("contest.entry"), "-l", town.ledger, "--key", town.file("two.key")),
    "ledger submit": lambda town: (town.file("contest.entry"), "-l", town.ledger),
    "ledger show": lambda town: (
        "-l",
        town.ledger,
    ),
    "ledger log": lambda town: ("-l", town.ledger, "--last", "3"),
    "ledger entry": lambda town: ("-l", town.ledger, "2"),
    "ledger receipt": lambda town: ("-l", town.ledger, "2"),
    "ledger check-receipt": lambda town: (town.file("two.tlog-proof"), "-l", town.ledger),
    "ledger consistency": lambda town: ("-l", town.ledger, town.file("kept")),
    "poll preview": lambda town: (town.file("poll.toml"), "-l", town.ledger),
    "poll sign": lambda town: (town.file("poll.entry"), "-l", town.ledger, "--key", town.key),
    "poll publish": lambda town: (town.file("signed.entry"), "-l", town.ledger),
    "poll list": at(),
    "poll result": lambda town: (town.poll, "-l", town.ledger),
    "poll show": lambda town: (town.poll, "-l", town.ledger),
    "poll cancel": lambda town: statement(town, "cancel.entry"),
    "poll contest": lambda town: statement(town, "another.entry"),
    "poll outcome": lambda town: (
        town.poll,
        "done",
        "--text",
        "Done.",
        "--text-ru",
        "Да.",
        "-l",
        town.ledger,
        "--key",
        town.key,
    ),
    "network hand-over": lambda town: (
        town.file("validator.toml"),
        "-l",
        town.ledger,
        "--key",
        town.key,
        "-o",
        town.file("engine.entry"),
    ),
    "network restart": lambda town: ("-l", town.ledger, "--key", town.key, "-o", town.file("restart.entry")),
    "rules announce": lambda town: (
        "2",
        "--from",
        "2099-01-01",
        "-l",
        town.ledger,
        "--key",
        town.key,
        "-o",
        town.file("rules.entry"),
    ),
    "rules withdraw": lambda town: ("2", "-l", town.ledger, "--key", town.key, "-o", town.file("withdraw.entry")),
    "rules ready": at(),
    "charter sign": lambda town: (town.file("charter.entry"), "--key", town.key),
    "charter show": at(),
    "charter add-class": lambda town: (
        town.file("class.toml"),
        "-l",
        town.ledger,
        "--key",
        town.key,
        "-o",
        town.file("class.entry"),
    ),
    "office add": office("add.entry"),
    "office notice": with_key("--text", "So.", "--text-ru", "Так."),
    "office address": with_key("--url", "https://n1.example", "--peer", f"{1:040x}@n1.example:26656"),
    "office rotate": office("rotate.entry"),
    "office retire": office("retire.entry"),
    "office suspend": office("suspend.entry"),
    "office object": office("object.entry"),
    "committee form": with_key("--class", "city"),
    "committee list": at(),
    "committee show": lambda town: (town.committee, "-l", town.ledger),
    "trustee act": lambda town: (town.file("trustee-1"), "-l", town.ledger),
    "trustee adopt": lambda town: (town.file("trustee-1"), "-l", town.ledger, "--yes"),
    "witness cosign": lambda town: (town.file("witness"), "-l", town.ledger, "-o", town.file("head")),
    "witness publish": lambda town: (town.file("kept"), "-l", town.ledger),
    "registrar act": lambda town: (town.file("registrar-1"), "-l", town.ledger),
    "registrar open": registrar("--everyone"),
    "registrar issue": registrar("--person", "Centre-0", "--group", "0", "--blinded", "00"),
    "registrar issuance": registrar(),
    "registrar proof": lambda town: registrar("--person", "Centre-0", "-o", town.file("again.json"))(town),
    "registrar check-proof": lambda town: (town.file("row.json"), "-l", town.ledger),
    "registrar erase": registrar("--yes"),
}
"""For each command that has to do with a ledger what it may be given. Whether it then does it or refuses is not the question."""

NO_LEDGER = {
    "demo", "ledger keygen", "network keys", "network init", "poll new", "charter new", "office keygen", "office public", "trustee init", "trustee show", "trustee clock", "trustee rekey", "registrar init", "registrar compare-key", "registrar compare-file", "registrar compare",
    "registrar import", "registrar show", "witness init", "witness show",
}  # fmt: skip
"""Those that have to do with none, or not yet."""


def test_each_command_is_one_or_the_other() -> None:
    """A new command is put into one of the two; what takes a ledger cannot be among those that have to do with none."""
    leaves = {" ".join(words): one for words, one in ALL.items() if not isinstance(one, click.Group)}
    assert set(CALLS) | NO_LEDGER == set(leaves) and not set(CALLS) & NO_LEDGER
    takes = {name for name, one in leaves.items() if any(isinstance(param.type, LedgerPath) for param in one.params)}
    assert takes - set(CALLS) == {"ledger keygen", "network keys"}, "make the keys of a ledger that is not there yet"


@pytest.mark.parametrize("name", CALLS)
def test_a_test_ledger_is_named(test_town: Town, name: str) -> None:
    seal(test_town)
    answer = inside(*name.split(), *CALLS[name](test_town))
    assert answer.err.count(ENGLISH) == 1 and RUSSIAN not in answer.err, (answer.out, answer.err)


def test_a_test_ledger_is_named_in_the_reader_s_language(test_town: Town) -> None:
    for name in ("poll list", "poll show", "verify", "due"):
        answer = inside(*name.split(), *CALLS[name](test_town), "--lang", "ru")
        assert answer.err.count(RUSSIAN) == 1 and "TEST" not in answer.err, (answer.out, answer.err)


@pytest.mark.parametrize("name", CALLS)
def test_a_ledger_in_earnest_is_not(town: Town, name: str) -> None:
    seal(town)
    answer = inside(*name.split(), *CALLS[name](town))
    assert "TEST" not in answer.out + answer.err and "ТЕСТ" not in answer.out + answer.err


NOT_ALWAYS = {
    "vote", "cast", "registrar open", "ledger submit", "poll publish", "registrar issuance", "poll outcome", "poll result", "poll cancel",
    "poll contest", "charter add-class", "office notice", "office address", "office add", "office rotate", "office retire", "office suspend", "office object",
    "poll sign", "ledger sign", "network restart", "rules withdraw",
}  # fmt: skip
"""What the ledger may refuse here, because it is late for it or because it has been done."""


@pytest.mark.parametrize(
    "name", [name for name in CALLS if any(param.name == "as_json" for param in ALL[tuple(name.split())].params)]
)
def test_json_says_it_in_a_field(test_town: Town, town: Town, name: str) -> None:
    for place, divisor in ((test_town, DIVISOR), (town, 0)):
        seal(place)
        words = CALLS[name](place)
        for made in (words[words.index("-o") + 1] if "-o" in words else None, place.file("out.tar")):
            if isinstance(made, Path):
                made.unlink(missing_ok=True)
        answer = inside(*name.split(), *words, "--json")
        if answer.code == 0:
            rows = answer.json if isinstance(answer.json, list) else [answer.json]
            assert all(row["test"] == divisor for row in rows), answer.out
        else:
            assert name in NOT_ALWAYS, answer.err


def seal(town: Town) -> None:
    """A ballot that was opened, with its code, for whoever checks it; and one that is sealed."""
    shutil.rmtree(town.file("you.seed.sealed"), ignore_errors=True)
    for name in ("opened", "again.opened"):
        town.file(name).unlink(missing_ok=True)
    with read_ledger(town.ledger) as reading:
        poll = reading.poll(town.poll)  # which has closed: "veche vote" seals nothing for it any more
        waiting = SealedFile(town.file("you.seed"), poll)
        sealed = seal_ballot(poll.frozen, [[1, 0]])
        waiting.write(sealed)
        town.file("code").write_text(sealed.code.hex())
        ok("open", town.poll, "-l", town.ledger, "--seed", town.file("you.seed"), "-o", town.file("opened"), run=inside)
        waiting.write(seal_ballot(poll.frozen, [[1, 0]]))


def test_the_page_says_it_above_and_at_each_poll(test_town: Town, town: Town) -> None:
    report = report_ledger(verify_ledger(Folder(test_town.ledger)))
    text = page(report)
    assert report.values()["test"] == DIVISOR
    assert text.count(ENGLISH) == 1 == text.count(RUSSIAN) and text.index(ENGLISH) < text.index("<h1>")
    assert text.count('class="tag test"') == len(report.polls) and "<title>TEST. Veche" in text
    earnest = report_ledger(verify_ledger(Folder(town.ledger)))
    assert earnest.values()["test"] == 0 and "TEST" not in page(earnest) and 'class="test"' not in page(earnest)


# What follows from the numbers of a class is said to whoever signs, votes or decrypts


PEEK = "the operator can look at the sums at the published closing and then claim a standstill"


@pytest.mark.parametrize("name", ["poll preview", "poll sign", "poll show", "charter show", "ledger show", "verify"])
def test_it_says_who_could_read_votes(town: Town, name: str) -> None:
    said = ok(*name.split(), *CALLS[name](town), run=inside).out if name != "poll sign" else _sign(town)
    assert "2 of the 3 trustees together could read single votes." in said
    assert "1 trustee is enough for whoever shows different trustees different ledgers (a fork)." in said
    assert "1 trustee may be absent" in said and PEEK in said


def _sign(town: Town) -> str:
    return ok(
        "poll",
        "sign",
        town.file("poll.toml"),
        "-o",
        town.file("once-more.entry"),
        "--key",
        town.key,
        "-l",
        town.ledger,
        run=inside,
    ).out


def test_a_trustee_is_told_what_no_witnesses_means(town: Town) -> None:
    answer = ok("trustee", "act", *CALLS["trustee act"](town), run=inside)
    assert (
        answer.err.count(PEEK) == 1 and "Class city: " in answer.err and "and 2 voters can read one vote" in answer.err
    )
