"""Whatever an office or a voter says can go to a file first (-o), on a machine that has a copy, and be handed in elsewhere."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from veche.engine.results import Results
from veche.ledger.codec import decode
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.world import DAY, World

from .conftest import Answer, fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city of today: one poll is decrypted and has no result in the ledger, one is open, one is announced; and an export of its ledger."""
    top = tmp_path_factory.mktemp("town")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Results, "search", lambda results, state: None)
        with World(top, citizens={"Centre": 4}, genesis=int(time.time()) - 2 * DAY) as world:
            committee = world.form_committee()
            closed = world.poll([JOIN], committee=committee, days=1)
            opened = world.poll([JOIN], committee=committee, days=9)
            world.wait_until(opened.definition.opens)
            for citizen in world.citizens:
                world.vote(citizen, closed, [[1, 0]])
            world.wait_until(closed.closing)
            for trustee in world.trustees[:2]:
                for entry in trustee.due(world.view()):
                    world.submit(entry)
            world.wait_until(int(time.time()))
            announced = world.announce([JOIN], committee=committee, days=8)
            world.organisers[0].save(top / "one.key")
            world.engine.tick()
    for name, poll in (("closed", closed), ("opened", opened), ("announced", announced)):
        (top / name).write_text(poll.id.hex())
    ok("export", "--ledger", top / "ledger", top / "copy.tar", run=inside)
    return top


def poll(town: Path, name: str) -> str:
    return (town / name).read_text()


SAID = ("--text", "So.", "--text-ru", "Так.")
MAKE: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "result": lambda town: ("poll", "result", poll(town, "closed")),
    "outcome": lambda town: ("poll", "outcome", poll(town, "closed"), "will", *SAID, "--key", town / "one.key"),
    "committee": lambda town: ("committee", "form", "--class", "city", "--key", town / "one.key"),
    "permit-key": lambda town: ("registrar", "open", town / "registrar-1", poll(town, "announced"), "--everyone"),
    "issuance": lambda town: ("registrar", "issuance", town / "registrar-1", poll(town, "closed")),
}


@pytest.mark.parametrize("kind", MAKE)
def test_an_entry_is_made_here_and_handed_in_there(town: Path, tmp_path: Path, kind: str) -> None:
    words, file = (*MAKE[kind](town), "--ledger", town / "copy.tar"), tmp_path / "made.entry"
    assert "copy of its public files" in inside(*words).err, "a copy cannot be written"
    before = (town / "ledger" / "checkpoint").read_bytes()
    said = ok(*words, "-o", file, run=inside).out
    assert "nothing was handed in" in said and f"veche ledger submit {file}" in said
    made = file.read_bytes()
    assert decode(made)[0] == kind and (town / "ledger" / "checkpoint").read_bytes() == before
    ok(*words, "-o", file, run=inside)
    assert file.read_bytes() == made, "again: the same"
    answer = ok("ledger", "submit", file, "--ledger", town / "ledger", "--json", run=inside)
    assert (
        ok("ledger", "entry", "--ledger", town / "ledger", answer.json["entry"], "--json", run=inside).json["kind"]
        == kind
    )
    file.write_text("something else")
    fails(2, "exists already", *words, "-o", file, run=inside)


def test_a_trustee_s_share_by_file_is_one_share_for_ever(town: Path, tmp_path: Path) -> None:
    """Written down in the journal before it is made; the same bytes each time, until the ledger has it."""
    office, folder, name = town / "trustee-3", tmp_path / "out", f"decryption-{poll(town, 'closed')[:12]}-0.entry"
    folder.mkdir()
    words = ("trustee", "act", office, "--ledger", town / "copy.tar", "-o", folder)
    assert name in ok(*words, run=inside).out
    made = (folder / name).read_bytes()
    for _ in range(2):
        (folder / name).unlink()
        ok(*words, run=inside)
        assert (folder / name).read_bytes() == made
    assert (office / "journal").read_text().count(" decrypt ") == 1
    ok("ledger", "submit", folder / name, "--ledger", town / "ledger", run=inside)
    assert "decryption for" not in ok("trustee", "act", office, "--ledger", town / "ledger", run=inside).out


def test_several_files_at_once_and_one_that_is_refused_stops_no_other(town: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.entry" for number in range(3)]
    for number, words in enumerate((("outcome", "will"), ("contest",), ("outcome", "not"))):
        said = ("--text", f"So {number}.", "--text-ru", "Так.", "--key", town / "one.key")
        ok(
            "poll",
            words[0],
            poll(town, "closed"),
            *words[1:],
            *said,
            "-o",
            files[number],
            "-l",
            town / "copy.tar",
            run=inside,
        )
    ledger = ("--ledger", town / "ledger")
    answer = inside("ledger", "submit", *files, *ledger)
    assert answer.code == 1 and answer.out.count("is number") == 2 and f"{files[1]} was refused" in answer.err
    more = tmp_path / "more.entry"
    ok(
        "committee",
        "form",
        "--class",
        "city",
        "--mode",
        "pedersen",
        "--key",
        town / "one.key",
        "-o",
        more,
        *ledger,
        run=inside,
    )
    assert isinstance(ok("ledger", "submit", more, *ledger, "--json", run=inside).json["entry"], int)


def test_a_ballot_goes_by_file_and_its_receipt_comes_with_a_newer_copy(town: Path, tmp_path: Path) -> None:
    name, seed, file = poll(town, "opened")[:12], tmp_path / "voter.seed", tmp_path / "ballot.entry"
    copy = ("--ledger", town / "copy.tar")
    desks = [word for number in (1, 2) for word in ("--registrar", town / f"registrar-{number}")]
    ok("vote", name, *copy, "--seed", seed, "--person", "Centre-0", *desks, "--choose", "1", "--seal", run=inside)

    def cast(*words: object) -> Answer:
        return inside("cast", name, "--seed", seed, "--receipts", tmp_path, *words)

    said = cast(*copy, "-o", file)
    assert said.code == 0 and "nothing was handed in" in said.out and "get your receipt: veche cast" in said.out
    made = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert cast(*copy, "-o", file).code == 0 and file.read_bytes() == made, "this very ballot, and no other"
    assert not list(tmp_path.glob("*.tlog-proof"))
    ok("ledger", "submit", file, "--ledger", town / "ledger", run=inside)
    newer = tmp_path / "newer.tar"
    ok("export", "--ledger", town / "ledger", newer, run=inside)
    answer = cast("--ledger", newer, "--json")
    assert answer.code == 0 and Path(answer.json["receipt"]).exists(), answer.err
    ok("ledger", "check-receipt", answer.json["receipt"], "--ledger", newer, run=inside)
    assert cast("--ledger", newer).code == 2, "nothing is sealed any more"
