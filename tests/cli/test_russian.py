"""A citizen, a clerk and an observer who read Russian are told nothing in English: a whole journey, its mistakes included.

What others have written, command lines, names of files and options, and hexadecimal digits are taken out first; then three words in
Latin letters in a row are a sentence that nobody has translated. tests/test_raw_words.py looks for the same in the source.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from veche.cli import main
from veche.cli.permit_file import PermitFile
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.words import word_list
from veche.world import DAY, ORGANISERS, REGISTRARS, TRUSTEES, WITNESSES, World

from .city import OFFICES, announce, found
from .conftest import Answer

TRAMS = Choice(
    Text("More trams than buses?", "Больше трамваев?"),
    (Text("Yes of course", "Да"), Text("No never", "Нет")),
    1,
    1,
    True,
)
OF_OTHERS = (
    "The city's ledger", "Poll of Centre", "We will build it.", "More trams than buses?", "Yes of course", "No never", "City hall: computing",
    *(name for name, _ in OFFICES), *ORGANISERS, *REGISTRARS, *TRUSTEES, *WITNESSES, "Speed and courtyard", "Which limit?", "What comes first?",
)  # fmt: skip
CODE_WORDS = {*word_list("en")}
"""In which codes are read aloud, nine at a time."""
CODE = re.compile(r"\b[a-z]+( [a-z]+){8}\b")
DIGITS = re.compile(r"\b[0-9a-f]{4}( +[0-9a-f]{4}){3,}\b")
"""A code in its digits, of which some groups may be letters alone."""
LISTED = re.compile(r"(могут стоять): [a-z, ]+\.")
"""Names that a draft may have."""
COMMAND = re.compile(r"veche( +[a-z-]{2,})+( +(--?[a-z-]+|[A-Z]{2,}|[\w./…-]*[./\d…][\w./…-]*|\"[^\"]*\"))*")
NAMES = re.compile(r"\S*[/._=|\d…-]\S*|\(?\b[a-z]+-[a-z]+\)?")
SENTENCE = re.compile(r"\b[A-Za-z]+('[a-z]+)?,? +[A-Za-z]+('[a-z]+)?,? +[A-Za-z]{2,}\b")


def english(text: str) -> list[str]:
    """What in a text looks like an English sentence."""
    for words in OF_OTHERS:
        text = text.replace(words, "")
    text = CODE.sub(lambda code: "" if {*code[0].split()} <= CODE_WORDS else code[0], DIGITS.sub("", text))
    text = NAMES.sub("", COMMAND.sub("", LISTED.sub("", text)))
    return [found[0] for line in text.splitlines() for found in SENTENCE.finditer(line)]


def run(*words: object, stdin: str = "") -> Answer:
    """A command of somebody who reads Russian."""
    result = CliRunner(env={"VECHE_LANG": "ru"}).invoke(
        main, [str(word) for word in words], input=stdin, catch_exceptions=False
    )
    if "--json" not in words:
        assert not english(result.stdout + result.stderr), (words, result.stdout + result.stderr)
    return Answer(result.exit_code, result.stdout, result.stderr)


def ok(*words: object) -> Answer:
    answer = run(*words)
    assert answer.code == 0, (words, answer.err)
    return answer


def refused(*words: object) -> None:
    """A mistake: it ends with an error, which is said in Russian."""
    answer = run(*words)
    assert answer.code in (1, 2, 3) and re.search("[А-Яа-я]{3} ", answer.err), (words, answer)


def test_english_is_seen() -> None:
    assert english("Ошибка: the file is not there.") and english("Было: It was there once.")
    assert not english(
        "Голосование 3fa9: veche poll show 3fa9 --ledger city/ledger\n  Post office (регистратор) abc.def"
    )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, PollState, PollState, list[Path]]]:
    """A decided poll, one that is open at this very hour, and the seeds of voters who have permits for it."""
    folder = tmp_path_factory.mktemp("town")
    with World(folder, citizens={"Centre": 5}, genesis=int(time.time()) - 5 * DAY) as world:
        committee = world.form_committee()
        decided = world.poll([TRAMS], committee=committee, days=1)
        world.wait_until(decided.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, decided, [[0, 1, 0]])
        world.wait_until(decided.closing)
        world.trustees_act()
        world.wait_until(int(time.time()) - 7200)
        world.say(
            "outcome", [decided.id, "will", ["We will build it.", "Построим."], world.now, []], world.organisers[0]
        )
        is_open = world.poll([TRAMS], committee=committee, days=1)
        world.wait_until(int(time.time()) - 60)
        seeds = []
        for number, citizen in enumerate(world.citizens[:2]):
            seed = folder / f"home-{number}" / "voter.seed"
            citizen.voter._seed.save(seed)
            permits = {permit.registrar: permit for permit in world.collect(citizen, is_open)}
            PermitFile(seed, is_open).write(0, permits)
            seeds.append(seed)
    yield folder / "ledger", decided, is_open, seeds


Town = tuple[Path, PollState, PollState, list[Path]]


def test_a_voter_reads_russian(town: Town, tmp_path: Path) -> None:
    ledger, decided, poll, (seed, other) = town
    name, here, mine = poll.id.hex()[:12], ("--ledger", ledger), ("--seed", seed)
    ok("poll", "list", *here)
    ok("poll", "show", name, *here)
    ok("vote", name, *here, *mine, "-c", "2", "--seal")
    ok("cast", name, *here, *mine, "--receipts", tmp_path)
    (receipt,) = tmp_path.glob("*.tlog-proof")
    ok("find", *here, *mine)
    ok("ledger", "check-receipt", receipt, *here)
    ok("verify", ledger, "--receipt", receipt)
    code = ok("vote", name, *here, "--seed", other, "-c", "blank", "--seal", "--json").json["code"]
    ok("open", name, *here, "--seed", other, "--output", tmp_path / "opened.json")
    ok("check", code, tmp_path / "opened.json", *here)
    for mistake in (
        ("vote", name, *here, *mine, "-c", "7", "--seal"),
        ("vote", name, *here, *mine, "-c", "1", "-c", "1", "--seal"),
        ("vote", name, *here, *mine, "--seal"),
        ("vote", name, *here, "--seed", tmp_path / "new.seed", "-c", "1", "--seal"),
        ("vote", "ffffff", *here, *mine, "-c", "1", "--seal"),
        ("vote", "f", *here, *mine, "-c", "1", "--seal"),
        ("vote", name, *here, *mine, "--person", "another", "-c", "1", "--seal"),
        ("vote", name, "--ledger", tmp_path / "nowhere", "-c", "1"),
        ("vote", decided.id.hex()[:12], *here, *mine, "-c", "1"),
        ("cast", name, *here, *mine, "--receipts", tmp_path / "nowhere"),
        ("cast", name, *here, *mine, "--receipts", tmp_path),
        ("open", name, *here, *mine),
        ("check", "abcd", tmp_path / "opened.json", *here),
        ("check", "00" * 32, tmp_path / "opened.json", *here),
        ("find", "00" * 32, *here), ("find", *here), ("find", "раз два три", *here),
        ("ledger", "check-receipt", seed, *here),
    ):  # fmt: skip
        refused(*mistake)


def test_an_observer_reads_russian(town: Town, tmp_path: Path) -> None:
    ledger, decided, *_ = town
    name, here = decided.id.hex()[:12], ("--ledger", ledger)
    ok("verify", ledger, "--report", tmp_path / "report")
    ok("verify", ledger, "--id", ok("ledger", "show", *here, "--json").json["ledger"])
    ok("export", tmp_path / "city.tar", *here)
    ok("export", tmp_path / "trams.bel", "--poll", name, *here)
    ok("verify", tmp_path / "trams.bel", "--bound", tmp_path / "trams.bound.json")
    ok("compare", ledger, tmp_path / "city.tar")
    ok("poll", "show", name, *here)
    ok("due", *here)
    ok("ledger", "show", *here)
    ok("ledger", "log", *here, "--from", "0")
    ok("charter", "show", *here)
    for number in range(ok("ledger", "show", *here, "--json").json["size"]):
        ok("ledger", "entry", number, *here)
    ok("committee", "list", *here)
    committee = ok("committee", "list", *here, "--json").json[0]["committee"]
    ok("committee", "show", committee, *here)
    (tmp_path / "kept").write_bytes((ledger / "checkpoint").read_bytes())
    ok("ledger", "consistency", tmp_path / "kept", *here)
    ok("ledger", "receipt", "1", *here, "-o", tmp_path / "1.tlog-proof")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for mistake in (
        ("verify", tmp_path / "nowhere"), ("verify", damaged), ("verify", __file__), ("verify", ledger, "--poll", "ffff"),
        ("verify", ledger, "--id", "abc"), ("verify", ledger, "--id", "00" * 16), ("verify", ledger, "--charter", "Atlantis"),
        ("verify", ledger, "--bound", __file__), ("verify", ledger, "--receipt", __file__),
        ("compare", ledger, tmp_path / "nowhere"), ("due", *here, "--institution", "Nobody"), ("ledger", "entry", "99999", *here),
        ("ledger", "receipt", "99999", *here), ("ledger", "consistency", __file__, *here), ("committee", "show", "ffffff", *here),
        ("poll", "show", "ffffff", *here), ("poll", "sho"), ("poll", "show"), ("verify", ledger, "b"), ("poll", "list", "--nothing"),
        ("ledger", "check-receipt", tmp_path / "1.tlog-proof", "--key", "abc"),
    ):  # fmt: skip
        refused(*mistake)


def test_a_clerk_reads_russian(tmp_path: Path) -> None:
    """From an empty folder to a poll whose registrars have published their keys."""
    city = found(tmp_path, run)
    here, (one, two) = ("--ledger", city.ledger), city.organisers
    committee, poll = announce(city, run)
    ok("committee", "show", committee[:8], *here)
    for place in city.registrars:
        ok("registrar", "show", place)
        ok("registrar", "open", place, poll[:8], *here)
    ok("trustee", "act", city.trustees[0], *here)
    ok("registrar", "act", city.registrars[0], *here)
    ok("registrar", "proof", city.registrars[0], poll[:8], *here, "--person", "person-1", "-o", tmp_path / "row.json")
    ok("registrar", "check-proof", tmp_path / "row.json", *here)
    ok(
        "office",
        "suspend",
        "--institution",
        "Legal office",
        "--role",
        "organiser",
        "--key",
        two,
        "-o",
        tmp_path / "s.entry",
        *here,
    )
    ok("ledger", "submit", tmp_path / "s.entry", *here)
    ok("ledger", "show", *here)
    ok("ledger", "log", *here, "--from", "0")
    ok("due", *here)
    ok(
        "poll",
        "cancel",
        poll[:8],
        "--text",
        "No never",
        "--text-ru",
        "Нет",
        "--key",
        one,
        "-o",
        tmp_path / "c.entry",
        *here,
    )
    good = (tmp_path / "poll.toml").read_text(encoding="utf-8")
    for number, (old, new) in enumerate((
        ("min = 1", "min = -1"), ("max = 1", "mx = 1"), ("max = 2", 'max = "2"'), ('class = "pilot"', "class = 7"), ("title", "titel"),
        ("opens = ", "opens = 7 #"), ("closes = ", 'closes = "soon" #'), ("answers = [", "answers = 3 #"), ('class = "pilot"', 'class = "pilot'),
        ('committee = "', 'committee = "ffff'), ("text = {", 'text = "a" # {'),
    )):  # fmt: skip
        assert old in good, old
        draft = tmp_path / f"wrong-{number}.toml"
        draft.write_text(good.replace(old, new, 1), encoding="utf-8")
        refused("poll", "preview", draft, *here)
    roll = tmp_path / "wrong.csv"
    roll.write_text("person,district\nperson-1,Arbat\nperson-1,Arbat\n1.0,Arbat\n#REF!,\n", encoding="utf-8")
    for mistake in (
        ("registrar", "import", city.registrars[0], roll), ("registrar", "import", city.registrars[0], tmp_path / "nowhere"),
        ("registrar", "init", city.registrars[0]), ("registrar", "show", tmp_path / "nowhere"), ("registrar", "act", city.trustees[0], *here),
        ("registrar", "issuance", city.registrars[0], poll[:8], *here), ("registrar", "erase", city.registrars[0], poll[:8], "--yes", *here),
        ("registrar", "proof", city.registrars[0], poll[:8], *here, "--person", "nobody", "-o", tmp_path / "x"),
        ("trustee", "init", city.trustees[0], "--institution", "University"), ("trustee", "act", city.ledger, *here),
        ("trustee", "act", city.registrars[0], *here), ("witness", "cosign", city.trustees[0], *here),
        ("poll", "publish", roll, *here), ("poll", "sign", tmp_path / "nowhere.toml", "--key", one, *here),
        ("poll", "result", poll[:8], *here), ("poll", "outcome", poll[:8], "will", "--text", "a", "--text-ru", "б", "--key", one, *here),
        ("ledger", "init", *here, tmp_path / "charter.entry"), ("ledger", "submit", roll, *here),
        ("office", "add", "--institution", "Tax office", "--role", "registrar", "--public", "abcd", "--key", one, "-o", tmp_path / "a", *here),
        ("office", "object", "--institution", "Post office", "--role", "registrar", "--key", one, "-o", tmp_path / "a", *here),
        ("office", "keygen", one), ("charter", "new", tmp_path / "charter.toml"), ("charter", "show", roll),
        ("committee", "form", "--class", "other", "--key", one, *here), ("committee", "form", "--class", "pilot", "--key", roll, *here),
        ("vote", poll[:8], *here, "--seed", tmp_path / "v.seed", "-c", "1", "-c", "1", "--seal"),
    ):  # fmt: skip
        refused(*mistake)
