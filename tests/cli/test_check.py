"""Commit first, choose second: sealing, casting, opening and checking, and what the files between them are worth."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import segno
from click.testing import CliRunner

from veche.audit.entry_words import code_text
from veche.cli import main
from veche.cli.options import parse_code
from veche.cli.permit_file import PermitFile
from veche.cli.sealed_file import SealedFile
from veche.errors import Refused, UserError
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.permit.seed import Seed
from veche.terminal.code import code_picture
from veche.voter.voter import Voter, seal
from veche.words import LANGUAGES, in_words
from veche.world import Citizen, World

from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)


class Town:
    """A ledger whose one poll is open at this very hour. Each citizen has a folder with a seed and permits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "ledger"
        with World(folder, citizens={"Centre": 20}, genesis=int(time.time()) - 8000) as world:
            self.poll: PollState = world.poll([TRAMS], committee=world.form_committee(), days=1)
            world.wait_until(int(time.time()) - 60)
            self._citizens: Iterator[Citizen] = iter(world.citizens)
            self.homes = []
            for number, citizen in enumerate(world.citizens):
                home = folder / f"home-{number}"
                citizen.voter._seed.save(home / "voter.seed")
                permits = {permit.registrar: permit for permit in world.collect(citizen, self.poll)}
                PermitFile(home / "voter.seed", self.poll).write(0, permits)
                self.homes.append(home)
        self.name = self.poll.id.hex()[:12]


class Home:
    """One of them, who gives commands."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.folder, self.town = folder, town
        self.seed = folder / "voter.seed"
        self.words = ("--ledger", town.folder, "--seed", self.seed)
        self.receipts = ("--receipts", folder)

    def seal(self, choice: int = 1) -> str:
        """Seal, and take down the code."""
        return str(ok("vote", self.town.name, *self.words, "-c", choice, "--seal", "--json").json["code"])

    def cast(self) -> Any:
        return ok("cast", self.town.name, *self.words, *self.receipts, "--json").json

    def open(self) -> Path:
        path = self.folder / "opened.json"
        ok("open", self.town.name, *self.words, "--output", path)
        return path

    def file(self) -> SealedFile:
        return SealedFile(self.seed, self.town.poll)

    def sealed(self) -> Path:
        return self.folder / "voter.seed.sealed" / self.town.poll.id.hex()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def home(town: Town) -> Home:
    return Home(town, town.homes.pop())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to be asked."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def test_sealed_then_cast(home: Home) -> None:
    code = home.seal()
    assert not list(home.folder.glob("vote-*")), "nothing is cast yet"
    cast = home.cast()
    assert (cast["code"], cast["turn"]) == (code, 1)
    assert "The receipt holds" in ok("ledger", "check-receipt", cast["receipt"], *home.words[:2]).out
    assert not home.sealed().exists()
    fails(2, "You have sealed no ballot", "open", home.town.name, *home.words)
    home.seal(2)
    assert home.cast()["turn"] == 2


def test_sealed_then_opened(home: Home) -> None:
    code = home.seal(2)
    path = home.open()
    content = json.loads(path.read_text())
    assert set(content) == {"type", "poll", "choices", "randomness"}
    out = ok("check", code, path, *home.words[:2]).out
    assert "More trams? / Больше трамваев?  ->  No / Нет" in out
    spaced = " ".join(code[i : i + 8].upper() for i in range(0, 64, 8))
    (question,) = ok("check", spaced, path, *home.words[:2], "--json").json["questions"]
    assert [answer["chosen"] for answer in question["answers"]] == [False, True]
    # It is forgotten: nothing is left that could be cast.
    fails(2, "You have sealed no ballot", "cast", home.town.name, *home.words, *home.receipts)
    fails(2, "You have sealed no ballot", "open", home.town.name, *home.words)
    assert not home.sealed().exists()


def test_what_was_cast_is_never_opened(home: Home) -> None:
    """Not even where the program was cut off before the ballot was handed in, or before its receipt was written."""
    voter = Voter(Seed.load(home.seed))
    home.seal()
    permits = PermitFile(home.seed, home.town.poll).read()
    assert permits is not None
    poll = home.town.poll

    def make(sealed: Any) -> bytes:
        return voter.cast(poll.id, permits[0], voter.prove(poll.frozen, sealed), list(permits[1].values()), 1)

    made = home.file().cast(make)  # and here the program ends
    assert b"randomness" not in home.sealed().read_bytes()
    assert b"choices" not in home.sealed().read_bytes()
    fails(2, "nobody can open it any more", "open", home.town.name, *home.words)
    fails(2, "on its way", "vote", home.town.name, *home.words, "-c", "1", "--seal")
    assert home.file().cast(lambda _: b"another").entry == made.entry
    first = home.cast()
    # A second time, from before the receipt: the ledger has it, and says so.
    home.sealed().parent.mkdir(exist_ok=True)
    home.sealed().write_text(
        json.dumps({"type": "veche-cast-v1", "poll": poll.id.hex(), "code": made.code.hex(), "entry": made.entry.hex()})
    )
    home.sealed().chmod(0o600)
    shutil.rmtree(home.town.folder / "outbox")
    assert home.cast()["entry"] == first["entry"]


def test_a_refused_ballot_is_forgotten(home: Home) -> None:
    """Another device with the same seed was quicker: this entry can never come in, and nothing waits for it."""
    home.seal()
    first = home.cast()
    home.seal(2)
    entry = (home.folder / Path(first["receipt"]).name.replace(".tlog-proof", ".entry")).read_bytes()
    changed = bytearray(entry)
    changed[-1] ^= 1
    home.file().cast(lambda _: bytes(changed))
    fails(1, "", "cast", home.town.name, *home.words, *home.receipts)
    assert not home.sealed().exists()
    home.seal(2)
    assert home.cast()["turn"] == 2


def test_nine_words_are_no_whole_code(home: Home) -> None:
    home.seal()
    words = in_words(bytes(32))
    refused = fails(
        2, "could seal two ballots with the same ones", "check", words, home.sealed(), "--ledger", home.town.folder
    )
    assert "64 digits" in refused.err


def test_a_ballot_that_came_after_the_closing_is_not_to_be_sealed_anew(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.seal()

    def closed(*_: object) -> list[int]:
        raise Refused("not-open", "This poll is closed; the ballot came too late.")

    with monkeypatch.context() as late:
        late.setattr("veche.cli.cast.hand_in", closed)
        said = fails(1, "came too late", "cast", home.town.name, *home.words, *home.receipts).err
    advice = said.splitlines()[1]
    assert (
        advice.startswith("Nothing was cast")
        and f"veche poll show {home.town.name}" in advice
        and "seal anew" not in said
    )
    assert not home.sealed().exists()


def test_a_ballot_that_nobody_looked_at_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is too busy says nothing of it: the same entry is cast later."""
    home.seal()
    with monkeypatch.context() as crowded:

        def busy(*_: object) -> list[int]:
            raise Refused("busy", "4 of this credential's ballots are waiting already.")

        crowded.setattr("veche.cli.cast.hand_in", busy)
        fails(1, "Cast it again in a few minutes", "cast", home.town.name, *home.words, *home.receipts)
    entry = json.loads(home.sealed().read_bytes())["entry"]
    first = home.cast()
    cast = home.folder / Path(first["receipt"]).name.replace(".tlog-proof", ".entry")
    assert cast.read_bytes().hex() == entry


def test_the_question_comes_after_the_code(home: Home, terminal: None) -> None:
    words = [str(word) for word in ("vote", home.town.name, *home.words, *home.receipts, "-c", "2")]
    # Whoever goes away without an answer has neither cast nor opened: it waits.
    gone = CliRunner().invoke(main, words, input="")
    assert gone.exit_code == 130
    assert gone.output.index("The code of this ballot") < gone.output.index("Cast this ballot, or check")
    assert home.sealed().exists()
    ok("open", home.town.name, *home.words, "-o", home.folder / "first.json")
    cast = CliRunner().invoke(main, words, input="yes\ncast\n")
    assert cast.exit_code == 0, cast.output
    assert "is entry" in cast.output
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).chdir(home.folder)
        checked = CliRunner().invoke(main, words, input="check\n")
    assert checked.exit_code == 0, checked.output
    assert "nobody can cast it" in checked.output
    (path,) = home.folder.glob("opened-*.json")
    code = checked.output.split('veche check "')[1].split('"')[0]
    asked = CliRunner().invoke(main, ["check", code, "--ledger", str(home.town.folder)], input=f"{path}\n")
    assert asked.exit_code == 0, asked.output
    assert "No / Нет" in asked.output


def test_other_codes_and_other_openings_do_not_fit(home: Home) -> None:
    ledger, code = home.words[:2], home.seal()
    path = home.open()
    good = json.loads(path.read_text())
    fails(1, "its code is another", "check", "0" * 64, path, *ledger)
    fails(2, "is not the whole code", "check", code[:40], path, *ledger)
    fails(2, "is not the whole code", "check", "a b c", path, *ledger)
    fails(2, "What is to be checked?", "check", code, *ledger)
    other = good["randomness"][64:] + good["randomness"][:64]
    for change, exit_code in (
        ({"choices": [[0, 1]]}, 1),
        ({"choices": [[1, 1]]}, 1),
        ({"choices": [[1]]}, 1),
        ({"randomness": other}, 1),
        ({"randomness": other[:-2]}, 1),
        ({"randomness": "ff" * 64}, 1),
        ({"poll": "00" * 32}, 2),
        ({"choices": [[True, False]]}, 2),
        ({"choices": [["1", "0"]]}, 2),
        ({"choices": [[2**70, 0]]}, 2),
        ({"choices": 5}, 2),
        ({"type": "veche-sealed-v1"}, 2),
    ):
        path.write_text(json.dumps({**good, **change}))
        assert inside("check", code, path, *ledger).code == exit_code, change
    (home.folder / "code").write_text(f"{code}\n")
    path.write_text(json.dumps(good))
    ok("check", home.folder / "code", path, *ledger)


def test_whatever_is_left_behind_is_the_voters_own(home: Home) -> None:
    """Readable by nobody else, in folders that nobody else enters; and no link that somebody put there is followed."""
    home.seal()
    assert modes(home.folder)["voter.seed.sealed"] == 0o700
    assert home.sealed().stat().st_mode & 0o777 == 0o600
    opened = home.open()
    home.seal()
    cast = home.cast()
    found = modes(home.folder)
    assert found[opened.name] == found[Path(cast["receipt"]).name] == 0o600
    assert all(mode & 0o077 == 0 for mode in found.values()), found


def test_no_link_is_followed(home: Home, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    home.seal()
    target = home.folder / "opened.json"
    target.symlink_to(victim)
    fails(2, "exists already", "open", home.town.name, *home.words, "-o", target)
    assert home.sealed().exists(), "and the ballot is still sealed"
    target.unlink()
    home.open()
    assert victim.read_text() == "precious"


def test_the_folder_is_the_voters_alone(home: Home, tmp_path: Path) -> None:
    """Made by somebody else before, open to others, or a link to elsewhere: nothing is kept there."""
    folder = home.sealed().parent
    words = ("vote", home.town.name, *home.words, "-c", "1", "--seal")
    folder.mkdir()
    folder.chmod(0o777)
    fails(2, "is not yours alone", *words)
    folder.rmdir()
    (tmp_path / "theirs").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "theirs")
    fails(2, "is not yours alone", *words)
    assert not list((tmp_path / "theirs").iterdir())
    folder.unlink()
    home.seal()


def test_nothing_is_written_through_a_link(home: Home, tmp_path: Path) -> None:
    """A link that somebody put where a command will write, under the file's own name or under that of its draft."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    poll, ledger = home.town.name, home.words[:2]
    home.seal()
    commands: dict[str, tuple[object, ...]] = {
        "city.tar": ("export", "--ledger", home.town.folder, "{}"),
        "page.html": ("verify", home.town.folder, "--report", "{}"),
        "two.tlog-proof": ("ledger", "receipt", "--ledger", home.town.folder, "2", "-o", "{}"),
        "charter.toml": ("charter", "new", "{}"),
        "opened.json": ("open", poll, *home.words, "-o", "{}"),
        "row.json": ("registrar", "proof", home.folder.parent / "registrar-1", poll, "--person", "Centre-0", "-o", "{}", *ledger),
    }  # fmt: skip
    for name, command in commands.items():
        for link in (tmp_path / name, tmp_path / f".{name}.unfinished"):
            link.symlink_to(victim)
            answer = inside(*(tmp_path / name if word == "{}" else word for word in command))
            assert victim.read_text() == "precious", name
            if name != "page.html":  # a report replaces what has its name: the link itself
                assert answer.code == 2, (name, answer)
            link.unlink()


def test_sealed_once(home: Home) -> None:
    """What is sealed is never replaced, and a damaged file says what to do."""
    sealed = seal(home.town.poll.frozen, [[1, 0]])
    home.file().write(sealed)
    with pytest.raises(UserError, match="exists already"):
        home.file().write(seal(home.town.poll.frozen, [[0, 1]]))
    fails(2, "sealed a ballot in this poll already", "vote", home.town.name, *home.words, "-c", "1", "--seal")
    home.sealed().write_bytes(b"{")
    for command in ("cast", "open"):
        fails(2, "is damaged", command, home.town.name, *home.words)
    home.sealed().chmod(0o644)
    fails(2, "can be read by others", "open", home.town.name, *home.words)


def test_found_by_code_and_by_words(home: Home) -> None:
    """The whole code, its words in either language, and the tracker find the entry; with the seed it must be one's own."""
    sealed = ok("vote", home.town.name, *home.words, "-c", "1", "--seal", "--json").json
    code, ledger = sealed["code"], home.words[:2]
    fails(2, "No ballot in this ledger", "find", code, *ledger)
    cast = home.cast()
    names = [code], [cast["tracker"]], *(sealed["words"][language].split() for language in ("en", "ru"))
    for words in names:
        (row,) = ok("find", *words, *ledger, "--json").json
        assert (row["entry"], row["code"], row["state"]) == (cast["entry"], code, "last")
        assert "own" not in row
        assert ok("ledger", "receipt", "--ledger", home.town.folder, *words).out.startswith("c2sp.org/tlog-proof@v1")
    shown = ok("find", code, *home.words).out
    assert sealed["words"]["ru"] in shown and "It bears the credential that this seed gives." in shown
    fails(2, "neither a code nor a tracker", "find", code[:60], *ledger)
    fails(2, "do not belong together", "find", *sealed["words"]["en"].split()[:8], "zebra", *ledger)

    # Another device shows its owner this code, in league with the first one: the seed tells.
    Seed.generate().save(home.folder / "other.seed")
    failed = fails(1, "it is not your ballot", "find", code, *ledger, "--seed", home.folder / "other.seed")
    assert "Vote again with another device" in failed.err


def test_a_receipt_shows_that_what_was_sealed_was_cast(home: Home) -> None:
    code, ledger = home.seal(), home.words[:2]
    receipt = home.cast()["receipt"]
    out = ok("ledger", "check-receipt", receipt, "--code", code, *ledger).out
    assert "what was sealed is what was cast" in out
    assert ok("ledger", "check-receipt", receipt, *ledger, "--json").json["code"] == code
    fails(1, "what was cast is not what was sealed", "ledger", "check-receipt", receipt, "--code", "0" * 64, *ledger)
    fails(2, "Give --ledger", "ledger", "check-receipt", receipt, "--code", code, "--key", "x")
    path = home.folder / "again"
    ok("ledger", "receipt", "--ledger", home.town.folder, code, "-o", path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_code_is_shown_whole_and_as_a_picture(home: Home, terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [str(word) for word in ("vote", home.town.name, *home.words, "-c", "1", "--seal")]
    shown = CliRunner().invoke(main, words).output
    code = json.loads(home.sealed().read_text())["code"]
    assert code_text(bytes.fromhex(code)) in shown
    assert all(in_words(bytes.fromhex(code), language) in shown for language in LANGUAGES)
    picture = code_picture(bytes.fromhex(code))
    assert picture in shown and "▀" in picture


def test_what_the_picture_says() -> None:
    """Another device reads the very digits: segno puts them into the picture as they are."""
    code = bytes(range(32))
    symbol = segno.make_qr(code.hex().upper(), error="m")
    assert (symbol.mode, symbol.version, symbol.error) == ("alphanumeric", 4, "Q")
    assert parse_code(code.hex().upper()) == parse_code(code_text(code)) == code
