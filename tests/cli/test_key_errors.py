"""Keys that are none, or of the wrong office, and signatures that are too few or do not hold: each is answered with a sentence."""

from pathlib import Path
from typing import Any

from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.signing import sign

from .conftest import fails_inside as fails
from .conftest import inside
from .conftest import ok_inside as ok
from .pilot import Pilot, made, pilot

__all__ = ["made", "pilot"]


# Keys and signatures


def test_keys_that_others_can_read_are_refused(pilot: Pilot, tmp_path: Path) -> None:
    one = pilot.city.organisers[0]
    one.chmod(0o644)
    fails(
        2,
        "can be read by others",
        "charter",
        "sign",
        pilot.city.folder / "charter.toml",
        "-k",
        one,
        "-o",
        tmp_path / "x",
    )
    assert not (tmp_path / "x").exists()
    fails(
        2,
        "can be read by others",
        "poll",
        "outcome",
        pilot.poll,
        "will",
        "--text",
        "a",
        "--text-ru",
        "б",
        "-k",
        one,
        *pilot.ledger,
    )
    (pilot.city.ledger / "log.key").chmod(0o644)
    fails(2, "can be read by others", "ledger", "run", "--ledger", pilot.city.ledger, "--once")
    seed = tmp_path / "seed"
    seed.write_text("00" * 32)
    seed.chmod(0o644)
    fails(2, "can be read by others", "vote", pilot.poll, "--seed", seed, "--seal", "-c", "1", "-c", "1", *pilot.ledger)


def test_keys_that_are_none(tmp_path: Path, made: Pilot) -> None:
    key = tmp_path / "office.key"
    fails(2, "cannot be read", "office", "public", key)
    key.write_text("nonsense")
    key.chmod(0o600)
    fails(2, "not a Veche key file", "office", "public", key)
    fails(2, "exists already", "office", "keygen", key)
    stranger = tmp_path / "stranger.key"
    SigningKey.generate().save(stranger)
    fails(2, "is not the key of an office", "committee", "form", "--class", "pilot", "-k", stranger, *made.ledger)
    fails(2, "another office is wanted here: organiser", "committee", "form", "--class", "pilot",
          "-k", made.city.registrars[0], *made.ledger)  # fmt: skip


def test_an_entry_file_with_a_false_signature_is_not_signed_further(pilot: Pilot, tmp_path: Path) -> None:
    one, two = pilot.city.organisers
    entry = tmp_path / "e.entry"
    ok("poll", "cancel", pilot.poll, "--text", "a", "--text-ru", "б", "--key", one, "-o", entry, *pilot.ledger)
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    entry.write_bytes(data)
    fails(1, "does not hold", "ledger", "sign", entry, "--key", two, *pilot.ledger)
    assert entry.read_bytes() == data
    entry.write_bytes(b"not an entry")
    fails(2, "does not hold an entry", "ledger", "sign", entry, "--key", two, *pilot.ledger)
    fails(2, "does not hold an entry", "ledger", "submit", entry, *pilot.ledger)


def test_a_malformed_body_is_refused_by_the_rules(pilot: Pilot, tmp_path: Path) -> None:
    key = SigningKey.load(pilot.city.organisers[0])
    entry = tmp_path / "e.entry"
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    bodies: list[list[Any]] = [[], [1], [b"", [], []], ["x", ["y"]], [[[[]]]]]
    for kind in ("outcome", "poll", "cancel", "office", "notice", "committee", "rules", "permit-key", "decryption"):
        for body in bodies:
            entry.write_bytes(sign(ledger, kind, body, [key]))
            assert inside("ledger", "submit", entry, *pilot.ledger).code == 1
            fails(1, f"{entry}: ", "ledger", "sign", entry, "--key", pilot.city.organisers[1], *pilot.ledger)
            assert len(decode(entry.read_bytes())[2]) == 1
    for item in (["ballot"], ["block", [1, 2, 3]], ["result", []]):
        entry.write_bytes(encode(item))
        assert inside("ledger", "submit", entry, *pilot.ledger).code == 1
        assert inside("ledger", "sign", entry, "--key", pilot.city.organisers[1], *pilot.ledger).code in (1, 2)
        assert entry.read_bytes() == encode(item)


def test_cancelling_takes_as_many_institutions_as_the_charter_says(pilot: Pilot, tmp_path: Path) -> None:
    entry = tmp_path / "e.entry"
    ok(
        "poll",
        "cancel",
        pilot.poll,
        "--text",
        "a",
        "--text-ru",
        "б",
        "-k",
        pilot.city.organisers[0],
        "-o",
        entry,
        *pilot.ledger,
    )
    fails(1, "1 institutions signed; the charter wants 2", "ledger", "submit", entry, *pilot.ledger)
    ok("ledger", "sign", entry, "--key", pilot.city.registrars[0], *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)  # told again what it was told before
    assert ok("poll", "show", pilot.poll, *pilot.ledger, "--json").json["status"] == "cancelled"


def test_objecting_comes_after_the_tally(pilot: Pilot, tmp_path: Path) -> None:
    entry, one = tmp_path / "contest.entry", pilot.city.organisers[0]
    words = ("poll", "contest", pilot.poll, "--text", "a", "--text-ru", "б", "-k", one, "-o", entry, *pilot.ledger)
    fails(1, "nothing to contest", *words)
    assert not entry.exists()
    # Somebody whose program does not ask has signed it all the same.
    ledger = bytes.fromhex(ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["ledger"])
    body = [bytes.fromhex(pilot.poll), ["a", "б"]]
    entry.write_bytes(sign(ledger, "contest", body, [SigningKey.load(one)]))
    fails(1, "nothing to contest", "ledger", "sign", entry, "--key", pilot.city.registrars[0], *pilot.ledger)
    fails(1, "institutions signed", "ledger", "submit", entry, *pilot.ledger)


def test_offices_come_and_go(pilot: Pilot, tmp_path: Path) -> None:
    key = SigningKey.generate().public.hex()
    seat = ("--institution", "Tax office", "--role", "observer")
    one, two = pilot.city.organisers
    signers, others = ("--key", one, "--key", two), ("--key", one, "--key", pilot.city.registrars[0])
    entry = tmp_path / "e.entry"
    for action, signed, refusal in (
        ("rotate", signers, "is not observer"),
        ("add", signers, ""),
        ("add", others, "Another change of Tax office as observer is waiting"),
        ("object", signers, ""),
        ("add", others, ""),
    ):
        public = () if action == "object" else ("--public", key)
        words = ("office", action, *seat, *public, *signed, "-o", entry, *pilot.ledger)
        if refusal:
            fails(1, refusal, *words)
            assert not entry.exists()
            continue
        assert ("takes effect 14 days after" in ok(*words).out) == (action == "add")
        ok("ledger", "submit", entry, *pilot.ledger)
        entry.unlink()
    (change,) = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["changes"]
    assert (change["action"], change["institution"], change["key"]) == ("add", "Tax office", key)
    assert "Waiting: add Tax office (observer)" in ok("ledger", "show", "--ledger", pilot.city.ledger).out
    ends = (*signers, "-o", entry, *pilot.ledger)
    fails(2, "is not a public key", "office", "add", *seat, "--public", "ab", *ends)
    fails(2, "Tax office holds no office as observer", "office", "retire", *seat, *ends)
    fails(2, "No change of Tax office as trustee is waiting", "office", "object", *seat[:3], "trustee", *ends)
    assert not entry.exists()


def test_a_stolen_key(pilot: Pilot, tmp_path: Path) -> None:
    """Its holder silences it alone; whoever signs with it is told at once."""
    _, two = pilot.city.organisers
    key = SigningKey.load(two / "office.key" if two.is_dir() else two).public
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == key.hex()
    ]
    seat = ("--institution", office["institution"], "--role", "organiser")
    entry = tmp_path / "e.entry"
    said = ok("office", "suspend", *seat, "--key", two, "-o", entry, *pilot.ledger).out
    assert "hand it in" in said
    ok("ledger", "submit", entry, *pilot.ledger)
    assert f": {office['institution']} (organiser), {key.hex()}" in ok("ledger", "show", "--ledger", pilot.city.ledger).out  # fmt: skip
    fails(2, "is suspended until", "committee", "form", "--class", "pilot", "--key", two, *pilot.ledger)


def test_the_holder_of_a_key_replaces_it(pilot: Pilot, tmp_path: Path) -> None:
    one, _ = pilot.city.organisers
    desk, new = pilot.city.registrars[0], tmp_path / "new.key"
    public = ok("office", "keygen", new).out.strip()
    old = ok("office", "public", desk).out.strip()
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == old
    ]
    entry = tmp_path / "e.entry"
    words = ("--institution", office["institution"], "--role", "registrar", "--public", public)
    ok("office", "rotate", *words, "--key", one, "--key", desk, "-o", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    shown = ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json
    assert shown["changes"] == []
    assert {(row["key"], row["active"]) for row in shown["offices"]} >= {(old, False), (public, True)}
    fails(2, f"it was that of {office['institution']}", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger)
    fails(2, "is not the key of an office", "office", "retire", *words[:4], "--key", desk, "-o", tmp_path / "x", *pilot.ledger)  # fmt: skip


# Keys that hold no office


def test_who_signs_with_a_key_that_holds_no_office_is_told_at_once(pilot: Pilot, tmp_path: Path) -> None:
    stray, entry, one = tmp_path / "stray.key", tmp_path / "e.entry", pilot.city.organisers[0]
    ok("office", "keygen", stray)
    why = ("--text", "A", "--text-ru", "А")
    for words in (
        ("poll", "cancel", pilot.poll[:8], *why, "-o", entry),
        ("poll", "contest", pilot.poll[:8], *why, "-o", entry),
        ("poll", "outcome", pilot.poll[:8], "not", *why),
        ("committee", "form", "--class", "pilot"),
        ("office", "add", "--institution", "A", "--role", "observer", "--public", "ab" * 32, "-o", entry),
        ("poll", "sign", pilot.city.folder / "poll.entry"),
    ):
        fails(2, "is not the key of an office in this ledger", *words, "--key", stray, *pilot.ledger)
    assert not entry.exists()
    ok("poll", "cancel", pilot.poll[:8], *why, "-o", entry, "--key", one, *pilot.ledger)
    before = entry.read_bytes()
    fails(2, "is not the key of an office", "ledger", "sign", entry, "--key", stray, *pilot.ledger)
    assert entry.read_bytes() == before


def test_a_charter_is_signed_by_offices_that_it_names(pilot: Pilot, tmp_path: Path) -> None:
    stray, made = tmp_path / "stray.key", tmp_path / "c.entry"
    ok("office", "keygen", stray)
    draft, charter = pilot.city.folder / "charter.toml", pilot.city.folder / "charter.entry"
    fails(2, "names no office with the key", "charter", "sign", draft, "--key", stray, "-o", made)
    assert not made.exists()
    before = charter.read_bytes()
    fails(2, "names no office with the key", "charter", "sign", charter, "--key", stray)
    assert charter.read_bytes() == before


def test_an_engine_refuses_another_log_key_before_it_publishes(pilot: Pilot, tmp_path: Path) -> None:
    key, head = pilot.city.ledger / "log.key", pilot.city.ledger / "checkpoint"
    before = head.read_bytes()
    key.unlink()
    SigningKey.generate().save(key)
    fails(2, "not the log's key that the charter names", "ledger", "run", "--ledger", pilot.city.ledger, "--once")
    fails(2, "not the log's key that the charter names", "committee", "form", "--class", "pilot", "--key",
          pilot.city.organisers[0], *pilot.ledger)  # fmt: skip
    assert head.read_bytes() == before


def test_who_holds_an_office_hears_that_others_want_it(pilot: Pilot, tmp_path: Path) -> None:
    desk, entry = pilot.city.registrars[0], tmp_path / "e.entry"
    old = ok("office", "public", desk).first
    (office,) = [
        row
        for row in ok("ledger", "show", "--ledger", pilot.city.ledger, "--json").json["offices"]
        if row["key"] == old
    ]
    seat = ("--institution", office["institution"], "--role", "registrar")
    one, two = pilot.city.organisers
    ok("office", "rotate", *seat, "--public", ok("office", "keygen", tmp_path / "k").first, "--key", one, "--key", two,
       "-o", entry, *pilot.ledger)  # fmt: skip
    ok("ledger", "submit", entry, *pilot.ledger)
    heard = fails(2, "has not closed yet", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger).err
    assert f"others want to rotate the key of {office['institution']} as registrar" in heard
    assert "veche office object" in heard
    entry.unlink()
    ok("office", "object", *seat, "--key", desk, "-o", entry, *pilot.ledger)
    ok("ledger", "submit", entry, *pilot.ledger)
    assert "others want" not in fails(2, "has not closed yet", "registrar", "issuance", desk, pilot.poll[:8], *pilot.ledger).err  # fmt: skip


def test_an_owner_who_has_k_institutions(pilot: Pilot, tmp_path: Path) -> None:
    draft = tmp_path / "charter.toml"
    text = (pilot.city.folder / "charter.toml").read_text(encoding="utf-8")
    assert "Look at this" not in ok("charter", "show", pilot.city.folder / "charter.toml").out
    for name in ("Polls office", "Legal office"):
        text = text.replace(f'"{name}"', f'"City hall: {name}"')
    draft.write_text(text, encoding="utf-8")
    warning = "City hall alone has 2 of the institutions"
    assert warning in ok("charter", "show", draft).out
    assert ok("charter", "show", draft, "--json").json["warnings"] != []
    signed = ok("charter", "sign", draft, "--key", pilot.city.organisers[0], "-o", tmp_path / "c.entry")
    assert warning in signed.out
