"""Exported polls, checked with belenios-tool (the other implementation), with our own archive verifier, and with the binding proofs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from belenios import belenios_tool

from veche.audit.archive import verify_archive
from veche.audit.binding import verify_binding
from veche.audit.export import Exported, ballots_json, binding_path, write_archive
from veche.ballot.archive.archive import Archive
from veche.ballot.archive.writer import ArchiveWriter
from veche.ballot.canonical import point_bytes
from veche.errors import Unsupported, UserError
from veche.ledger.entries import Result, Tally

from .city import City

DECIDED = ("speed", "courtyard", "join")


def belenios(folder: Path, *arguments: str) -> str:
    """Run belenios-tool in a folder; the test fails where it fails."""
    command = [str(belenios_tool()), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"belenios-tool {' '.join(arguments)}: {done.stderr}"
    return done.stdout + done.stderr


def exported(city: City, name: str, folder: Path) -> Exported:
    """The archive of a poll, alone in a folder as belenios-tool wants it."""
    poll = city.poll(name)
    (folder / "archive").mkdir()
    return write_archive(city.verified, poll, folder / "archive" / f"{poll.frozen.uuid}.bel")


def setup_only(archive: Path, folder: Path, extra: str = "") -> Path:
    """A folder with the archive's first event alone, for the tool to check single ballots against. ``extra``: a credential more."""
    folder.mkdir()
    with Archive.open(archive) as full, (folder / archive.name).open("wb") as out:
        credentials = json.loads(full.read(full.credentials)) + ([extra] if extra else [])
        texts = (
            full.read(full.election),
            full.read(full.trustees),
            json.dumps(credentials, separators=(",", ":")).encode(),
        )
        ArchiveWriter(out, full.time).setup(*texts)
    return folder


def check_ballots(city: City, name: str, made: Exported, tmp_path: Path) -> None:
    """Let the tool check every ballot on its own: its ``election verify`` does not wait for the verdicts on ballots."""
    cut = setup_only(made.archive, tmp_path / "cut")
    poll = city.poll(name)
    numbers = city.verified.state.accepted_ballots(poll)
    for ballot in ballots_json(city.verified, poll, numbers):
        (cut / "ballot.json").write_bytes(ballot)
        belenios(cut, "election", "verify-ballot", "--ballot", "ballot.json")
    assert len(numbers) == made.ballots


@pytest.mark.parametrize("name", DECIDED)
def test_a_decided_poll_holds_everywhere(large: City, name: str, tmp_path: Path) -> None:
    """A committee of two out of three with one absent; blanks, two questions, weights, merged groups, re-votes."""
    made = exported(large, name, tmp_path)
    assert "all checks passed" in belenios(made.archive.parent, "election", "verify")
    check_ballots(large, name, made, tmp_path)
    report = verify_archive(made.archive)
    poll = large.poll(name)
    assert poll.result is not None and made.binding == binding_path(made.archive)
    assert json.loads(report.result)["result"] == poll.result.body()[2]
    assert (report.ballots, report.counted, report.shares) == (made.ballots, sum(poll.counted), 2)
    assert report.election_fingerprint == poll.frozen.fingerprint
    with Archive.open(made.archive) as archive:
        verify_binding(archive, made.binding.read_bytes())
        assert archive.time == large.verified.time_of(large.verified.derived["tally", poll.id])


def test_all_trustees_of_a_committee_without_threshold(small: City, tmp_path: Path) -> None:
    made = exported(small, "poll", tmp_path)
    assert "all checks passed" in belenios(made.archive.parent, "election", "verify")
    check_ballots(small, "poll", made, tmp_path)
    assert verify_archive(made.archive).trustees == "1 single, 1 single"


def test_what_the_city_of_the_tests_has(large: City, tmp_path: Path) -> None:
    """So that the tests above mean what they say."""
    assert exported(large, "speed", tmp_path).ballots == 11  # ten voters, one of them twice
    assert [group.weight for group in large.poll("join").definition.groups] == [5, 1, 3]
    cells = body_of(large.poll("courtyard").tally)[3]
    assert [[group for group, _ in members] for members, _ in cells] == [[0], [1, 2]]  # the South has but two voters
    assert body_of(large.poll("speed").result)[1] == [1, 3]
    assert body_of(large.poll("courtyard").result)[2][0][0] == 1  # a blank one


@pytest.mark.parametrize(("name", "ballots"), [("few", 1), ("none", 0)])
def test_too_few_ballots_end_with_the_ballots(large: City, name: str, ballots: int, tmp_path: Path) -> None:
    """Nothing is decrypted, so the archive cannot have a result. belenios-tool accepts what there is; we say what is missing."""
    made = exported(large, name, tmp_path)
    assert (made.ballots, made.binding) == (ballots, None)
    said = belenios(made.archive.parent, "election", "verify")
    assert "no result to check" in said and "all checks passed" in said
    check_ballots(large, name, made, tmp_path)
    with pytest.raises(Unsupported, match="its ballots were not summed"):
        verify_archive(made.archive)


@pytest.mark.parametrize("name", DECIDED)
def test_a_ballot_made_by_belenios_holds_here(large: City, name: str, tmp_path: Path) -> None:
    made = exported(large, name, tmp_path)
    poll = large.poll(name)
    uuid = poll.frozen.uuid
    belenios(tmp_path, "setup", "generate-credentials", "--count", "1", "--uuid", uuid, "--group", "Ed25519")
    private = json.loads(next(tmp_path.glob("*.privcreds")).read_text())["1"]
    public = json.loads(next(tmp_path.glob("*.pubcreds")).read_text())[0].split(",")[0]
    cut = setup_only(made.archive, tmp_path / "cut", public)
    choices = [[1] + [0] * (question.ciphertexts - 1) for question in poll.definition.questions]  # blank where one may
    (cut / "credential").write_text(private)
    (cut / "choice.json").write_text(json.dumps(choices))
    options = ("--privcred", "credential", "--choice", "choice.json")
    done = subprocess.run(
        [str(belenios_tool()), "election", "generate-ballot", *options], cwd=cut, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ballot = done.stdout.rstrip(b"\n")
    assert poll.frozen.kernel.verify_json(ballot).credential == point_bytes(public)
    assert poll.frozen.kernel.to_json(poll.frozen.kernel.from_json(ballot)) == ballot
    with pytest.raises(ValueError):
        poll.frozen.kernel.verify_json(ballot.replace(public.encode(), next(iter(_credentials(made))).encode()))


def _credentials(made: Exported) -> list[str]:
    with Archive.open(made.archive) as archive:
        return [text.split(",")[0] for text in json.loads(archive.read(archive.credentials))]


def test_what_is_not_finished_is_not_exported(large: City, small: City, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cancelled"):
        exported(large, "cancelled", tmp_path)
    assert not list((tmp_path / "archive").iterdir())


def test_nothing_is_replaced_and_nothing_is_left_half(
    large: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = exported(large, "speed", tmp_path)
    folder = made.archive.parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {made.archive.name, binding_path(made.archive).name}
    with pytest.raises(UserError, match="exists already"):
        write_archive(large.verified, large.poll("speed"), made.archive)
    made.archive.unlink()
    with pytest.raises(UserError, match="exists already"):  # the file beside it
        write_archive(large.verified, large.poll("speed"), made.archive)
    binding_path(made.archive).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveWriter, "result", lambda self, result: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(UserError, match="No space left"):
            write_archive(large.verified, large.poll("speed"), made.archive)
    assert not list(folder.iterdir())
    write_archive(large.verified, large.poll("speed"), made.archive)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(UserError, match="no folder"):
        write_archive(large.verified, large.poll("speed"), tmp_path / "nowhere" / "x.bel")


def body_of(entry: Tally | Result | None) -> list[Any]:
    """What the entry says, as the log has it."""
    assert entry is not None
    return entry.body()
