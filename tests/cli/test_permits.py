"""``veche vote``: who is asked for permits, what is kept, and what a voter is told when a registrar refuses."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from veche.cli.collecting import permits_to_show
from veche.cli.permit_file import PermitFile
from veche.cli.voter_seed import VoterSeed
from veche.errors import UserError
from veche.ledger.codec import decode
from veche.ledger.entries.poll import Choice
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.permit.seed import Seed
from veche.voter.permits import Collected
from veche.voter.voter import Voter
from veche.world import World

from . import conftest
from .conftest import Answer, inside

TRAMS = Choice(Text("More trams?", "Больше трамваев?"), (Text("Yes", "Да"), Text("No", "Нет")), 1, 1, False)
DISTRICTS = (("Arbat", 1), ("Presnya", 5))


def ok(*args: object) -> Answer:
    return conftest.ok(*args, run=inside)


def fails(code: int, sentence: str, *args: object) -> Answer:
    return conftest.fails(code, sentence, *args, run=inside)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Four registrars, three of whom sign; anna votes in the first group."""
    with World(tmp_path / "city", citizens={"Arbat": 4, "Presnya": 4}, registrars=(4, 3, 1)) as made:
        yield made


def announced(world: World) -> PollState:
    poll = world.poll([TRAMS], committee=world.form_committee(), districts=DISTRICTS, days=1)
    world.engine.tick()
    return poll


def words(world: World, poll: PollState, *registrars: int) -> list[str]:
    """The command of the first citizen of Arbat, who names these registrars."""
    folder = world.folder
    asked = [word for number in registrars for word in ("--registrar", str(folder / f"registrar-{number + 1}"))]
    return ["vote", poll.id.hex(), "--ledger", str(folder / "ledger"), "--seed", str(folder / "seed"),
            *(["--person", "Arbat-0"] if asked else []), *asked]  # fmt: skip


def kept(world: World, poll: PollState) -> list[int]:
    content = json.loads((world.folder / "seed.permits" / poll.id.hex()).read_text())
    assert content["group"] == 0
    return sorted(row[0] for row in content["permits"])


def strike_off(world: World, registrar: int) -> None:
    """The registrar takes Arbat-0 off its roll, for the polls to come."""
    roll = world.folder / "short.csv"
    rows = [f"{c.person},{c.district}" for c in world.citizens if c.person != "Arbat-0"]
    roll.write_text("\n".join(["person,district", *rows]) + "\n")
    world.registrars[registrar].import_roll(roll)


def spent(world: World) -> list[int]:
    """How many permits each registrar has signed."""
    counts = []
    for place in sorted(world.folder.glob("registrar-*/registrar.db")):
        with closing(sqlite3.connect(place)) as database:
            counts.append(database.execute("SELECT count(*) FROM request").fetchone()[0])
    return counts


def test_all_are_asked_and_all_is_kept_for_their_owner_alone(world: World) -> None:
    poll = announced(world)
    assert "No permit yet of: Civil registry. Ask again" in ok(*words(world, poll, 1, 2, 3), "--collect").out
    assert kept(world, poll) == [1, 2, 3]
    assert "Your permits for this poll are kept" in ok(*words(world, poll, 0), "--collect").out
    assert kept(world, poll) == [0, 1, 2, 3]
    folder = world.folder / "seed.permits"
    assert folder.stat().st_mode & 0o077 == 0 and all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_who_is_refused_is_told_by_whom_and_votes_only_after_saying_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    strike_off(world, 0)
    poll = announced(world)
    asked = [*words(world, poll, 0, 1, 2, 3), "-c", "1", "--seal"]
    told = "(Post office, Savings bank, Tax office: Arbat; Civil registry: not on the roll)"
    said = fails(2, told, *asked)
    assert "1 in 4" in said.err and "--despite-refusal" in said.err
    fails(2, told, *asked[:-3], "--collect")
    assert not list(world.folder.glob("seed*")), "nothing was asked, and nothing is left"
    assert spent(world) == [0, 0, 0, 0]
    ok(*words(world, poll, 0, 1, 2, 3), "--collect", "--despite-refusal")
    said = fails(2, "No permit was given by: Civil registry", *words(world, poll), "-c", "1", "--seal")
    assert "1 in 4" in said.err and "--despite-refusal" in said.err
    path = world.folder / "seed.permits" / f"{poll.id.hex()}.refusals"
    assert str(path) in said.err and path.stat().st_mode & 0o077 == 0
    (row,) = json.loads(path.read_text())
    assert set(row) == {"poll", "registrar", "blinded", "answer", "said", "day"}
    assert (row["poll"], row["registrar"], row["answer"]) == (poll.id.hex(), "Civil registry", "")
    assert len(row["blinded"]) == 512 and "not on the electoral roll" in row["said"]
    assert kept(world, poll) == [1, 2, 3]
    # The next day of the same story, in the same words: nothing is there twice.
    fails(2, "No permit was given by: Civil registry", *words(world, poll, 0), "-c", "1", "--seal")
    assert json.loads(path.read_text()) == [row]
    # Not even when nobody is asked any more. Having said so, the voter gets as far as the node.
    fails(2, "No permit was given by: Civil registry", *words(world, poll), "-c", "1", "--seal")
    handed_in: list[bytes] = []

    def take(folder: Path, entries: list[bytes], heard: object) -> list[int]:
        handed_in.extend(entries)
        raise UserError("That is enough.")

    monkeypatch.setattr("veche.cli.cast.hand_in", take)
    ok(*words(world, poll), "-c", "1", "--seal", "--despite-refusal")
    cast = ("cast", *words(world, poll)[1:], "--receipts", world.folder)
    fails(2, "No permit was given by: Civil registry", *cast)
    fails(2, "That is enough", *cast, "--despite-refusal")
    assert [row[0] for row in decode(handed_in.pop())[4]] == [1, 2, 3]


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_the_voter_is_asked(
    answer: bool, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    strike_off(world, 0)
    poll = announced(world)
    ok(*words(world, poll, 0, 1, 2, 3), "--collect", "--despite-refusal")
    file = PermitFile(world.folder / "seed", poll)
    found = file.read()
    assert found is not None
    voter = Voter(Seed.load(world.folder / "seed"))

    monkeypatch.setattr("veche.terminal.say.confirm", lambda question, err: answer)
    try:
        permits = permits_to_show(voter, poll, 0, Collected(found[1]), file, ask=True, despite_refusal=False)
        assert answer and [permit.registrar for permit in permits] == [1, 2, 3]
    except UserError as error:
        assert not answer and "Nothing was cast or sealed." in str(error.said)
    assert "No permit was given by: Civil registry" in capsys.readouterr().err


def test_a_registrar_that_is_not_named_is_one_that_is_silent(world: World) -> None:
    poll = announced(world)
    said = fails(2, "No permit was given by: Tax office", *words(world, poll, 0, 1, 2), "-c", "1", "--seal")
    assert "refusals" not in said.err and not list((world.folder / "seed.permits").glob("*.refusals"))


def test_one_registrar_does_not_say_in_which_group_somebody_votes(world: World) -> None:
    """The first one's roll says Presnya, where ballots weigh five times as much."""
    roll = world.folder / "false.csv"
    rows = [f"{c.person},{'Presnya' if c.person == 'Arbat-0' else c.district}" for c in world.citizens]
    roll.write_text("\n".join(["person,district", *rows]) + "\n")
    world.registrars[0].import_roll(roll)
    poll = announced(world)
    fails(2, "needs permits of 3", *words(world, poll, 0, 1), "--collect")
    said = fails(2, "do not agree in which group", *words(world, poll, 0, 1, 2), "--collect")
    assert "Civil registry: Presnya" in said.err and "Post office, Savings bank: Arbat" in said.err
    assert not (world.folder / "seed.permits").exists()
    for registrar in world.registrars:
        assert registrar.issuance(poll.id)[0].issued == 0, "no permit was spent"


def test_the_group_is_what_k_registrars_say(world: World) -> None:
    roll = world.folder / "false.csv"
    rows = [f"{c.person},{'Presnya' if c.person == 'Arbat-0' else c.district}" for c in world.citizens]
    roll.write_text("\n".join(["person,district", *rows]) + "\n")
    world.registrars[0].import_roll(roll)
    poll = announced(world)
    said = fails(2, "To vote in Arbat all the same", *words(world, poll, 0, 1, 2, 3), "--collect")
    assert "Civil registry: Presnya" in said.err and not (world.folder / "seed").exists()
    assert not (world.folder / "seed.permits").exists(), "no permit was spent"
    ok(*words(world, poll, 0, 1, 2, 3), "--collect", "--despite-refusal")
    assert kept(world, poll) == [1, 2, 3]
    fails(1, "not on the electoral roll", *words(world, poll, 0, 1, 2, 3), "--person", "nobody", "--seed", world.folder / "other", "--collect")  # fmt: skip


def test_what_is_kept_is_erased_when_the_poll_is_decided(world: World) -> None:
    strike_off(world, 0)
    first = announced(world)
    ok(*words(world, first, 0, 1, 2, 3), "--collect", "--despite-refusal")
    folder = world.folder / "seed.permits"
    assert sorted(path.name for path in folder.iterdir()) == [first.id.hex(), f"{first.id.hex()}.refusals"]
    world.wait_until(first.definition.closes)
    second = announced(world)
    ok(*words(world, second, 1, 2, 3), "--collect")  # the first had too few ballots
    assert [path.name for path in folder.iterdir()] == [second.id.hex()]


def files(world: World) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in [*sorted(world.folder.glob("seed*/*")), world.folder / "seed"]}


@pytest.mark.parametrize("other", ["Arbat-1", "nobody", "Arbat-00"])
def test_a_seed_is_one_persons(world: World, other: str) -> None:
    poll = announced(world)
    ok(*words(world, poll, 0, 1, 2), "--collect")
    assert "Arbat-0" not in (world.folder / "seed.person").read_text()
    before = files(world)
    asked = [*words(world, poll, 0, 1, 2, 3), "--person", other]
    for more in (["--collect"], ["-c", "1", "--seal"]):
        fails(2, "for another person than this one", *asked, *more)
    fails(2, "for another person than this one", *words(world, poll), "--person", other, "-c", "1", "--seal")
    assert files(world) == before
    ok(*words(world, poll, 0, 1, 2, 3), "--person", " Arbat-0 ", "--collect")


def test_who_has_voted_is_not_replaced_by_somebody_else(world: World) -> None:
    """Neither with what is kept of the first person, nor where only their seed is."""
    poll = announced(world)
    world.wait_until(poll.definition.opens)
    citizen = world.citizens[0]
    world.vote(citizen, poll, [[1, 0]])
    world.engine.tick()
    citizen.voter._seed.save(world.folder / "seed")
    for person in ("Arbat-1", "nobody"):
        fails(2, "It is not known for whom", *words(world, poll, 0, 1, 2, 3), "--person", person, "-c", "2", "--seal")
        fails(2, "It is not known for whom", *words(world, poll, 0, 1, 2, 3), "--person", person, "--collect")
    assert not (world.folder / "seed.sealed").exists()
    ok(*words(world, poll), "-c", "2", "--seal")


def test_a_seed_that_another_program_uses_meanwhile_stays(tmp_path: Path) -> None:
    """Two votes of one person at once: the first, whom all registrars refuse, takes nothing from the second."""
    seed = tmp_path / "seed"
    first = VoterSeed(seed, quiet=True)
    first.keep("ann")
    second = VoterSeed(seed, quiet=True)
    second.keep("ann")
    first.take_back()
    assert VoterSeed(seed, quiet=True).seed == second.seed
    VoterSeed(seed, quiet=True).check_person("ann", used=True)


def test_a_vote_that_failed_leaves_no_seed(world: World) -> None:
    poll = announced(world)
    asked = words(world, poll, 0, 1, 2, 3)
    fails(2, "Nothing was chosen", *asked, "--seal")
    fails(2, "needs permits of 3", *words(world, poll), "-c", "1", "--seal")
    fails(1, "not on the electoral roll", *asked, "--person", "nobody", "-c", "1", "--seal")
    ok(*asked, "--collect")
    fails(1, "already have a permit", *asked, "--seed", str(world.folder / "second"), "-c", "1", "--seal")
    assert not list(world.folder.glob("second")) and not list(world.folder.glob("second.person"))


def test_who_is_on_the_roll_of_too_few_spends_no_permit(world: World) -> None:
    strike_off(world, 0)
    strike_off(world, 1)
    poll = announced(world)
    for despite in ([], ["--despite-refusal"]):
        said = fails(
            2, "Civil registry, Post office: not on the roll", *words(world, poll, 0, 1, 2, 3), "--collect", *despite
        )
        assert "3 of them must name one group" in said.err
    assert spent(world) == [0, 0, 0, 0] and not list(world.folder.glob("seed*"))


@pytest.mark.parametrize("option", [("--choose", "1"), ("--seal",)])
def test_collecting_is_not_choosing(option: tuple[str, ...], world: World) -> None:
    poll = announced(world)
    fails(2, f"Leave {option[0]} out, or --collect", *words(world, poll, 0, 1, 2), "--collect", *option)
    assert not list(world.folder.glob("seed*"))


def test_a_poll_that_is_over_costs_no_permit(world: World) -> None:
    poll = announced(world)
    world.wait_until(poll.definition.closes)
    for more in (["--collect"], ["-c", "1", "--seal"]):
        fails(2, "takes no ballots any more", *words(world, poll, 0, 1, 2, 3), *more)
    # And that it is over is said before anything that has to do with this terminal is.
    fails(2, "takes no ballots any more", *words(world, poll, 0, 1, 2, 3), "-c", "1")
    fails(2, "no poll 'ffff'", "vote", "ffff", "-c", "1", "-l", str(world.folder / "ledger"))
    assert spent(world) == [0, 0, 0, 0] and not list(world.folder.glob("seed*"))


def test_nothing_is_sealed_again_for_a_poll_that_is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has voted needs no permit to vote again, and would be told to cast what nobody takes."""
    poll = announced(world)
    world.wait_until(poll.definition.opens)
    monkeypatch.setattr(
        "veche.cli.cast.hand_in", lambda folder, entries, heard: [world.submit(entry) for entry in entries]
    )
    monkeypatch.setattr("veche.cli.cast.time.time", lambda: world.now)
    ok(*words(world, poll, 0, 1, 2, 3), "-c", "1", "--seal")
    ok("cast", *words(world, poll)[1:], "--receipts", str(world.folder))
    world.wait_until(poll.definition.closes)
    fails(2, "takes no ballots any more", *words(world, poll), "-c", "2", "--seal")
    assert not [path for path in world.folder.glob("seed.sealed/*") if path.name != "lock"]


def test_what_collecting_says_in_json(world: World) -> None:
    strike_off(world, 0)
    poll = announced(world)
    said = ok(*words(world, poll, 0, 1, 2, 3), "--collect", "--despite-refusal", "--json").json
    assert said["permits"] == ["Post office", "Savings bank", "Tax office"] and not said["voted"]
    (missing,) = said["missing"]
    assert missing["registrar"] == "Civil registry" and "not on the electoral roll" in missing["said"]


def test_what_to_run_next_names_the_seed_and_the_ledger(world: World) -> None:
    """Each hint is run as it stands."""
    poll = announced(world)
    own = ["--seed", str(world.folder / "seed"), "--ledger", str(world.folder / "ledger")]

    def hint(text: str, *command: str) -> None:
        assert " ".join(["veche", *command, *own]) in text, text

    id_ = poll.id.hex()[:12]
    collected = ok(*words(world, poll, 1, 2, 3), "--collect").out
    hint(collected, "vote", id_, "--collect", "--person", "ID", "--registrar", "FOLDER")
    hint(ok(*words(world, poll, 0), "--collect").out, "vote", id_)
    hint(fails(2, "sealed no ballot", "open", id_, *own).err, "vote", id_)
    sealed = ok(*words(world, poll), "-c", "1", "--seal").out
    hint(sealed, "cast", id_)
    hint(sealed, "open", id_)
    hint(fails(2, "sealed a ballot", *words(world, poll), "-c", "1", "--seal").err, "cast", id_)
    spaced = world.folder / "a seed"
    said = fails(2, "sealed no ballot", "open", id_, "--seed", spaced, "--ledger", world.folder / "ledger").err
    assert f"--seed '{spaced}'" in said


def test_a_seed_that_cannot_be_bound_to_a_person_is_not_kept(world: World) -> None:
    poll = announced(world)
    (world.folder / "seed.person").mkdir()
    said = fails(2, "seed.person", *words(world, poll, 0, 1, 2, 3), "--collect")
    assert "Made your seed" not in said.out + said.err
    assert not (world.folder / "seed").exists() and spent(world) == [0, 0, 0, 0]


def test_a_seed_that_is_taken_back_was_never_announced(world: World) -> None:
    poll = announced(world)
    ok(*words(world, poll, 0, 1, 2, 3), "--collect")
    second = world.folder / "second"
    said = fails(1, "already have a permit", *words(world, poll, 0, 1, 2, 3), "--seed", second, "--collect")
    assert "Made your seed" not in said.out + said.err and not second.exists()
    damaged = world.folder / "third.permits"
    damaged.mkdir(mode=0o700)
    (damaged / f"{poll.id.hex()}.refusals").write_text("no JSON")
    (damaged / f"{poll.id.hex()}.refusals").chmod(0o600)
    fails(2, "is damaged", *words(world, poll, 0, 1, 2, 3), "--seed", world.folder / "third", "--collect")
    assert not (world.folder / "third").exists()


def test_who_has_voted_hears_that_registrars_were_not_asked(world: World) -> None:
    poll = announced(world)
    world.wait_until(poll.definition.opens)
    world.vote(world.citizens[0], poll, [[1, 0]])
    world.engine.tick()
    world.citizens[0].voter._seed.save(world.folder / "seed")
    answer = ok(*words(world, poll, 0, 1, 2, 3)[:6], "--registrar", world.folder / "registrar-1", "-c", "1", "--seal")
    assert "no permits are needed, and none were asked for" in answer.err
    assert "no permits" not in ok("open", *words(world, poll)[1:], "-o", world.folder / "opened").err


FAILING = {
    "nobody on the rolls": ("--person", "nobody", "{desks}", "--collect"),
    "no such person as this": ("--person", "a\u200bb", "{desks}", "--collect"),
    "no person": ("{desks}", "--collect"),
    "too few registrars": ("--person", "Arbat-0", "--registrar", "{one}", "--collect"),
    "no registrar": ("--person", "Arbat-0", "--collect"),
    "no folder": ("--person", "Arbat-0", "{desks}", "--registrar", "{nowhere}", "--collect"),
    "a trustee's folder": ("--person", "Arbat-0", "{desks}", "--registrar", "{trustee}", "--collect"),
    "a choice that is none": ("--person", "Arbat-0", "{desks}", "--seal", "-c", "9"),
    "too many choices": ("--person", "Arbat-0", "{desks}", "--seal", "-c", "1", "-c", "1"),
    "nothing chosen": ("--person", "Arbat-0", "{desks}", "--seal"),
    "nobody can be asked": ("--person", "Arbat-0", "{desks}", "-c", "1"),
    "no folder for the receipt": ("--person", "Arbat-0", "{desks}", "-c", "1", "--receipts", "{nowhere}"),
    "a receipt too early": ("--person", "Arbat-0", "{desks}", "-c", "1", "--seal", "--receipts", "."),
    "an answer that is none": ("--person", "Arbat-0", "--answer", "{taken}", "--collect"),
    "a request in the place of a file": ("--person", "Arbat-0", "--group", "Arbat", "--ask", "{taken}"),
    "a request in no folder": ("--person", "Arbat-0", "--group", "Arbat", "--ask", "{taken}/request"),
    "a request for no group": ("--person", "Arbat-0", "--group", "Nowhere", "--ask", "{new}"),
    "a request of nobody": ("--group", "Arbat", "--ask", "{new}"),
    "a request of somebody unseen": ("--person", "\u200b", "--group", "Arbat", "--ask", "{new}"),
}


def test_no_way_of_failing_leaves_a_seed(world: World) -> None:
    poll = announced(world)
    folder = world.folder
    (folder / "taken").write_text("{}")
    places = {"nowhere": folder / "nowhere", "trustee": folder / "trustee-1", "taken": folder / "taken",
              "new": folder / "new", "one": folder / "registrar-1"}  # fmt: skip
    base = words(world, poll)
    desks = words(world, poll, 0, 1, 2, 3)[len(base) + 2 :]
    before = sorted(folder.iterdir())
    for name, given in FAILING.items():
        filled: list[str] = []
        for word in given:
            filled += desks if word == "{desks}" else [word.format_map(places)]
        answer = inside(*base, *filled)
        assert answer.code in (1, 2), (name, answer)
        assert sorted(folder.iterdir()) == before, (name, answer)
        assert "Made your seed" not in answer.out + answer.err, name
