"""Mistakes, each answered with a sentence and an exit code, and with nothing half-written. Never a traceback."""

import os
import random
import shutil
from pathlib import Path

import pytest

from veche.engine.inbox import hand_in
from veche.keys import SigningKey
from veche.ledger.signing import sign
from veche.log.note import ED25519, Verifier
from veche.log.receipt import Receipt
from veche.trustee.trustee import Trustee

from .city import found
from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok
from .pilot import Pilot, files, made, pilot, raw_entry

__all__ = ["made", "pilot"]

# Ledgers that are not there


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "show", "--ledger", "{}"), ("ledger", "log", "--ledger", "{}"), ("ledger", "entry", "--ledger", "{}", "0"), ("ledger", "receipt", "--ledger", "{}", "0"),
        ("ledger", "run", "--ledger", "{}"), ("poll", "list", "-l", "{}"), ("poll", "show", "abcd", "-l", "{}"),
        ("committee", "list", "-l", "{}"), ("find", "A" * 43, "-l", "{}"), ("charter", "show", "-l", "{}"),
        ("vote", "abcd", "-l", "{}", "--seal", "-c", "1"), ("open", "abcd", "-l", "{}"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["missing", "empty", "file", "garbage"])
def test_no_ledger(words: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    if kind == "empty":
        place.mkdir()
    elif kind == "file":
        place.write_bytes(b"")
    elif kind == "garbage":
        place.mkdir()
        for name in ("veche.db", "checkpoint", "log.key"):
            (place / name).write_bytes(os.urandom(700))
            (place / name).chmod(0o600)
    before = files(tmp_path)
    answer = inside(*(word.format(place) for word in words))
    assert answer.code in (1, 2) and answer.err.startswith("Error: ")
    assert files(tmp_path) == before


def test_a_second_ledger_is_not_begun_in_the_same_folder(pilot: Pilot) -> None:
    before = (pilot.city.ledger / "checkpoint").read_bytes()
    fails(
        2, "There is a ledger in", "ledger", "init", "--ledger", pilot.city.ledger, pilot.city.folder / "charter.entry"
    )
    fails(2, "exists already", "ledger", "keygen", "--ledger", pilot.city.ledger)
    assert (pilot.city.ledger / "checkpoint").read_bytes() == before


def test_a_ledger_needs_its_own_key_and_a_whole_charter(pilot: Pilot, tmp_path: Path) -> None:
    charter = pilot.city.folder / "charter.entry"
    fails(2, "There is no log key", "ledger", "init", "--ledger", tmp_path / "new", charter)
    ok("ledger", "keygen", "--ledger", tmp_path / "new")
    fails(2, "not the log's key", "ledger", "init", "--ledger", tmp_path / "new", charter)
    ok(
        "charter",
        "sign",
        pilot.city.folder / "charter.toml",
        "-k",
        pilot.city.organisers[0],
        "-o",
        tmp_path / "c.entry",
    )
    fails(1, "signed by all", "ledger", "init", "--ledger", tmp_path / "new", tmp_path / "c.entry")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["log.key"]


def test_entries_and_ids_that_are_not_there(pilot: Pilot) -> None:
    fails(2, "has no entry 9999", "ledger", "entry", "--ledger", pilot.city.ledger, 9999)
    fails(2, "has no entry 9999", "ledger", "receipt", "--ledger", pilot.city.ledger, 9999)
    other = "0000" if pilot.poll.startswith("ffff") else "ffff"
    fails(2, f"no poll {other!r}", "poll", "show", other, *pilot.ledger)
    fails(2, "no poll 'ab'", "poll", "show", "ab", *pilot.ledger)
    fails(2, "no committee", "committee", "show", "zzzz", *pilot.ledger)
    fails(2, "No ballot", "find", "A" * 43, *pilot.ledger)
    fails(2, "is neither a code nor a tracker", "find", "nonsense", *pilot.ledger)
    fails(
        2, "is neither a code nor a tracker", "find", "A" * 42 + "B", *pilot.ledger
    )  # the same 32 bytes, spelled otherwise
    fails(2, "Say what to find", "find", *pilot.ledger)
    ok("poll", "show", pilot.poll[:4].upper(), *pilot.ledger)


def test_a_copy_without_the_database_is_verified_and_read(pilot: Pilot, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("checkpoint", "tile"):
        source = pilot.city.ledger / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    assert ok("poll", "list", "-l", copy).out == ok("poll", "list", *pilot.ledger).out
    bundle = next((copy / "tile" / "entries").rglob("*.p/*"))
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    assert inside("poll", "list", "-l", copy).code == 1


def test_a_copy_takes_nothing_in(pilot: Pilot, tmp_path: Path) -> None:
    (pilot.city.ledger / "log.key").unlink()
    entry = pilot.city.folder / "poll.entry"
    before = files(pilot.city.ledger)
    fails(2, "nothing was handed in", "ledger", "submit", entry, *pilot.ledger)
    assert files(pilot.city.ledger) == before
    fails(2, "There is no ledger in", "ledger", "submit", entry, "--ledger", tmp_path)


# Voters and registrars


def test_votes_that_cannot_be(pilot: Pilot, tmp_path: Path) -> None:
    registrars = [word for place in pilot.city.registrars for word in ("--registrar", place)]
    seed = ("--seed", tmp_path / "seed")
    who = ("--person", "person-1", *registrars)

    def vote(*words: object) -> tuple[object, ...]:
        return ("vote", pilot.poll, *pilot.ledger, *seed, "--seal", *words)

    fails(2, "2 questions, and 1", *vote("-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "4", "-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "x", "-c", "1", *who))
    fails(2, "choose 1; 2 answers were chosen", *vote("-c", "1,2", "-c", "1", *who))
    fails(2, "is not an answer to question 1", *vote("-c", "1" * 5000, "-c", "1", *who))
    fails(2, "given twice", *vote("-c", "1,1", "-c", "1", *who))
    fails(2, "cannot be left blank", *vote("-c", "blank", "-c", "1", *who))
    fails(2, "choose 1 to 2; 0 answers were chosen", *vote("-c", "1", "-c", "0", *who))
    fails(2, "Nothing was chosen", *vote(*who))
    fails(2, "needs permits of 2 registrars", *vote("-c", "1", "-c", "1"))
    fails(2, "needs permits of 2 registrars", *vote("-c", "1", "-c", "1", *who[:4]))
    fails(1, "not on the electoral roll", *vote("-c", "1", "-c", "1", "--person", "nobody", *registrars))
    fails(2, "nothing was cast", "vote", pilot.poll, *pilot.ledger, "-c", "1", "--receipts", tmp_path / "elsewhere")
    fails(2, "Nobody can be asked here", "vote", pilot.poll, *pilot.ledger, *seed, "-c", "1", "-c", "1", *who)
    fails(2, "have sealed no ballot", "open", pilot.poll, *pilot.ledger, *seed[:2])
    ok(*vote("-c", "1", "-c", "1", *who))
    fails(2, "sealed a ballot in this poll already", *vote("-c", "1", "-c", "1", *who))
    fails(2, "not open yet. Your ballot stays sealed", "cast", pilot.poll, *pilot.ledger, *seed)
    ok("open", pilot.poll, *pilot.ledger, *seed[:2], "-o", tmp_path / "opened")
    # The registrar has signed for this seed now; another seed of the same person gets nothing.
    fails(
        1,
        "already have a permit",
        "vote",
        pilot.poll,
        *pilot.ledger,
        "--seed",
        tmp_path / "other",
        "--seal",
        "-c",
        "1",
        "-c",
        "1",
        *who,
    )
    assert not list(tmp_path.glob("vote-*"))
    ok("vote", pilot.poll, *pilot.ledger, *seed, "--collect", *who)
    (kept,) = (tmp_path / "seed.permits").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_bytes(b"{")
    fails(2, "are damaged", *vote("-c", "1", "-c", "1", *who))


def test_registrars_mistakes(pilot: Pilot, tmp_path: Path) -> None:
    place = pilot.city.registrars[0]
    fails(2, "holds the key of an office already", "registrar", "init", place)
    fails(2, "cannot be read", "registrar", "import", place, tmp_path / "roll.csv")
    (tmp_path / "roll.csv").write_text("person,district\na,Arbat\na,Arbat\n", encoding="utf-8")
    fails(2, "line 3", "registrar", "import", place, tmp_path / "roll.csv")
    assert "line 3" in fails(2, "line 3", "registrar", "import", place, tmp_path / "roll.csv", "--dry-run").out
    desk = tmp_path / "desk"
    ok("registrar", "init", desk)
    (tmp_path / "roll.csv").write_text("person,district\na,Arbat\nA,Arbat\n", encoding="utf-8")
    asked = ("registrar", "import", desk, tmp_path / "roll.csv")
    for more in [(), ("--dry-run",), ("--json",), ("--json", "--dry-run")]:
        fails(2, "'A' looks like 'a' in line 2", *asked, *more)
    assert "1  Arbat" not in ok("registrar", "show", desk).out
    ok(*asked, "--yes", "--dry-run")
    assert "2 people (2 new" in ok(*asked, "--yes").out
    fails(2, "There is no folder", "registrar", "show", tmp_path / "nowhere")
    fails(2, "has not closed yet", "registrar", "issuance", place, pilot.poll, *pilot.ledger)
    fails(
        1,
        "not on the electoral roll",
        "registrar",
        "proof",
        place,
        pilot.poll,
        "--person",
        "x",
        "-o",
        tmp_path / "p",
        *pilot.ledger,
    )
    fails(2, "is not hexadecimal", "registrar", "issue", place, pilot.poll, "--person", "person-1", "--group", 0, "--blinded", "x",
          *pilot.ledger)  # fmt: skip
    fails(
        1,
        "",
        "registrar",
        "issue",
        place,
        pilot.poll,
        "--person",
        "person-1",
        "--group",
        0,
        "--blinded",
        "ab",
        *pilot.ledger,
    )
    fails(1, "has not been made", "registrar", "erase", place, pilot.poll, "--yes", *pilot.ledger)
    assert inside("registrar", "erase", place, pilot.poll, *pilot.ledger).code == 130  # nobody said yes
    ok("registrar", "proof", place, pilot.poll, "--person", "person-1", "-o", tmp_path / "row", *pilot.ledger)
    assert "accounted for yet" in ok("registrar", "check-proof", tmp_path / "row", *pilot.ledger).out
    text = (tmp_path / "row").read_text()
    (tmp_path / "row").write_text(text.replace("person-1", "person-3"))
    assert inside("registrar", "check-proof", tmp_path / "row", *pilot.ledger).code == 1
    (tmp_path / "row").write_text("{}")
    fails(2, "not a proof of a row", "registrar", "check-proof", tmp_path / "row", *pilot.ledger)


def test_trustees_mistakes(made: Pilot, tmp_path: Path) -> None:
    place = made.city.trustees[0]
    fails(2, "is not empty", "trustee", "init", place, "--institution", "University")
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    fails(2, "is a copy or a restored backup", "trustee", "act", copy, *made.ledger)
    assert inside("trustee", "adopt", copy, *made.ledger).code == 130
    ok("trustee", "adopt", copy, "--yes", *made.ledger)
    fails(2, "", "trustee", "act", tmp_path / "nowhere", *made.ledger)
    stranger = Trustee.create(tmp_path / "stranger", "Nobody")
    fails(2, "is not the key of a trustee in this ledger", "trustee", "act", tmp_path / "stranger", *made.ledger)
    assert stranger.key.public.hex() in ok("trustee", "show", tmp_path / "stranger").out
    added = ok("trustee", "rekey", tmp_path / "stranger").first
    assert ok("trustee", "show", tmp_path / "stranger").out.splitlines()[-1] == f"Public key {added}"
    ok("trustee", "rekey", tmp_path / "stranger", "--key", made.city.trustees[0])
    said = fails(2, "This is the key of University", "trustee", "act", tmp_path / "stranger", *made.ledger)
    assert "Correct the name in" in said.err


# Receipts


def test_receipts_that_do_not_hold(pilot: Pilot, tmp_path: Path) -> None:
    receipt, entry = tmp_path / "r.tlog-proof", tmp_path / "r.entry"
    ok("ledger", "receipt", "--ledger", pilot.city.ledger, 3, "-o", receipt)
    entry.write_text(ok("ledger", "entry", "--ledger", pilot.city.ledger, 3, "--json").out)
    fails(1, "", "ledger", "check-receipt", receipt, *pilot.ledger)  # not the entry's bytes
    entry.write_bytes(raw_entry(pilot))
    ok("ledger", "check-receipt", receipt, *pilot.ledger)
    vkey = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["vkeys"][0]
    ok("ledger", "check-receipt", receipt, "--key", vkey)
    fails(2, "is not a verifier key", "ledger", "check-receipt", receipt, "--key", "nonsense")
    fails(2, "is damaged", "ledger", "check-receipt", receipt, "--key", str(vkey).replace("pilot", "other"))
    stranger = Verifier("veche.example/pilot", ED25519, SigningKey.generate().public)
    fails(1, "0 of 1 signed", "ledger", "check-receipt", receipt, "--key", stranger)
    good = receipt.read_bytes()
    parsed = Receipt.parse(good)
    receipt.write_bytes(good.replace(b"index 3", b"index 2"))
    fails(1, "", "ledger", "check-receipt", receipt, *pilot.ledger)
    for position in range(0, len(good), 7):
        receipt.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        assert inside("ledger", "check-receipt", receipt, *pilot.ledger).code in (1, 2), position
    receipt.write_bytes(good)
    fails(2, "cannot be read", "ledger", "check-receipt", receipt, "--entry", tmp_path / "gone", *pilot.ledger)
    # A ledger that was cut, or that another history took the place of, does not go on from the receipt's checkpoint.
    other = found(tmp_path / "other", run=inside)
    fails(2, "is of another ledger", "ledger", "check-receipt", receipt, "--ledger", other.ledger)
    assert parsed.index == 3


def test_a_ledger_that_was_rewritten_does_not_go_on(pilot: Pilot, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes((pilot.city.ledger / "checkpoint").read_bytes())
    key = SigningKey.load(pilot.city.organisers[0])
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    # Two copies of the city, each with its log's key, go on in different ways.
    fork = tmp_path / "fork"
    shutil.copytree(pilot.city.ledger, fork)
    for place, text in ((pilot.city.ledger, "One."), (fork, "Another.")):
        hand_in(place, [sign(ledger, "notice", [b"", [text, text], []], [key])])
        ok("ledger", "consistency", "--ledger", place, kept)
    kept.write_bytes((fork / "checkpoint").read_bytes())
    fails(1, "was rewritten", "ledger", "consistency", "--ledger", pilot.city.ledger, kept)
    kept.write_bytes(b"nonsense")
    fails(2, "is not a checkpoint", "ledger", "consistency", "--ledger", pilot.city.ledger, kept)
    fails(2, "cannot be read", "ledger", "consistency", "--ledger", pilot.city.ledger, tmp_path / "gone")


# Anything at all


def test_no_file_whatever_brings_forth_a_traceback(pilot: Pilot, tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "file"
    commands = (
        ("ledger", "check-receipt", path, "--entry", path, *pilot.ledger),
        ("ledger", "consistency", "--ledger", pilot.city.ledger, path),
        ("ledger", "submit", path, *pilot.ledger),
        ("ledger", "sign", path, "-k", pilot.city.organisers[0], *pilot.ledger),
        ("charter", "show", path),
        ("poll", "preview", path, *pilot.ledger),
        ("registrar", "check-proof", path, *pilot.ledger),
        ("registrar", "import", pilot.city.registrars[0], path),
        ("check", "0" * 64, path, *pilot.ledger),
        ("check", path, path, *pilot.ledger),
        ("poll", "list", "--ledger", path),
    )
    seeds = [
        b"", b"\n", b"{}", b"[]", b"\xff" * 40, b"\x83" * 200, b"[" * 5000, b"\x83fpoll\x80\x80", b"\x82gcharter\x80",
        b"\x83gcharter\x89\x01\x02\x03\x04\x05\x06\x07\x08\x09\x80", (pilot.city.folder / "poll.toml").read_bytes(),
        (pilot.city.folder / "charter.entry").read_bytes(), (pilot.city.ledger / "checkpoint").read_bytes(),
    ]  # fmt: skip
    for seed in seeds:
        for _ in range(3):
            data = bytearray(seed)
            for _ in range(rng.randrange(3)):
                if data:
                    data[rng.randrange(len(data))] = rng.randrange(256)
            for suffix in ("", ".toml", ".json", ".entry"):
                path.with_suffix(suffix).write_bytes(data)
                for words in commands:
                    inside(*(path.with_suffix(suffix) if word == path else word for word in words))


def test_a_file_that_is_no_secret_is_not_to_be_made_private(pilot: Pilot, tmp_path: Path) -> None:
    """What a file is comes before who may read it: an archive stays as open as it is."""
    archive = tmp_path / "speed.bel"
    archive.write_bytes(b"BELENIOS" + bytes(1000))
    archive.chmod(0o644)
    words = ("vote", pilot.poll, *pilot.ledger, "--seal", "-c", "1", "-c", "1", "--seed", archive)
    assert "chmod" not in fails(2, "does not hold a seed", *words).err
    key = ("poll", "outcome", pilot.poll, "not", "--text", "a", "--text-ru", "b", *pilot.ledger, "--key", archive)
    assert "chmod" not in fails(2, "is not a Veche key file", *key).err


def test_a_class_that_the_charter_does_not_have(pilot: Pilot, tmp_path: Path) -> None:
    """Said at once, and not that it has no committee, nor after all that would be signed."""
    draft = tmp_path / "poll.toml"
    ok("poll", "new", draft, "--class", "city")
    refused = fails(1, "no class 'city'", "poll", "preview", draft, *pilot.ledger)
    assert "It has: pilot." in refused.err
    key = ("--key", pilot.city.organisers[0])
    refused = fails(1, "no class 'city'", "committee", "form", "--class", "city", *key, *pilot.ledger)
    assert refused.out == ""
