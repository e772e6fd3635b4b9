"""Odd files, in every command that reads one: a sentence that names the file, and nothing changed. Never a traceback."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import cbor2
import click
import pytest
from click.testing import CliRunner

from veche.cli import main

from .city import City, announce, found
from .conftest import inside
from .conftest import ok_inside as ok


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A ledger with a poll that opens in an hour, and a receipt of the entry behind its charter's block."""
    made = found(tmp_path_factory.mktemp("odd"), run=inside)
    _, poll = announce(made, run=inside)
    (made.folder / "poll.id").write_text(poll)
    ok("ledger", "receipt", "--ledger", made.ledger, 2, "-o", made.folder / "r.tlog-proof")
    second = CliRunner().invoke(main, ["ledger", "entry", "--ledger", str(made.ledger), "2", "--raw"])
    (made.folder / "r.entry").write_bytes(second.stdout_bytes)
    return made


ENTRIES = {
    "an array of one": ["poll"],
    "no array of two": ["poll", 1],
    "no body": ["poll", [], []],
    "an empty body, signed": ["poll", [], [[bytes(32), bytes(64)]]],
    "a charter of nothing": ["charter", [], [[bytes(32), bytes(64)]]],
    "wrong types": ["poll", [1, "a", b"b", [[]]], [["a", 1]]],
    "a ballot of nothing": ["ballot"],
    "a ballot of numbers": ["ballot", 1, 2, 3, 4, 5, 6],
    "an unknown kind": ["bulletin", [b"x"], [[bytes(32), bytes(64)]]],
    "something derived": ["tally", []],
    "a kind that is no text": [1, [], []],
    "an empty array": [],
    "signatures of nobody": ["notice", [b"", ["a", "б"], []], [[bytes(32), bytes(64)]]],
}
ODD: dict[str, bytes] = {
    "empty": b"",
    "zeros": bytes(4096),
    "bytes": bytes(range(256)),
    "text": "Что-то другое\n".encode(),
    "UTF-16": "Что-то другое\r\n".encode("utf-16"),
    "a web page": b"<!doctype html><html></html>",
    "a JSON list": b'["poll"]',
    "a JSON number": b"7",
    "a JSON object": b'{"poll": 7, "type": [], "permits": {}}',
    "deep JSON": b"[" * 100_000,
    "a zip": b"PK\x03\x04" + bytes(60),
    "far too long": bytes(1 << 21),
    **{name: cbor2.dumps(item) for name, item in ENTRIES.items()},
    "deep CBOR": b"\x81" * 5000,
}

OPENED = b'{"type": "veche-opened-v1", "poll": "00", "choices": [[1]], "randomness": "00"}'
LEDGER, KEY = ("--ledger", "{ledger}"), ("--key", "{key}")
TEXT = ("--text", "A", "--text-ru", "А")
FILES: dict[str, dict[str, tuple[str, ...]]] = {
    "vote": {
        "folder": ("{poll}", "--ledger", "{}", "--seal", "-c", "1"),
        "seed": ("{poll}", *LEDGER, "--seed", "{}", "--seal", "-c", "1"),
        "desks": ("{poll}", *LEDGER, "--seed", "{seed}", "--registrar", "{}", "--person", "1", "--collect"),
        "answers": ("{poll}", *LEDGER, "--seed", "{seed}", "--answer", "{}", "--person", "1", "--collect"),
    },
    "cast": {"folder": ("{poll}", "--ledger", "{}", "--seed", "{seed}"), "seed": ("{poll}", *LEDGER, "--seed", "{}")},
    "open": {"folder": ("{poll}", "--ledger", "{}"), "seed": ("{poll}", *LEDGER, "--seed", "{}")},
    "check": {"file": ("ab" * 32, "{}", *LEDGER), "folder": ("ab" * 32, "{opened}", "--ledger", "{}")},
    "find": {"folder": ("A" * 43, "--ledger", "{}"), "seed": ("--seed", "{}", *LEDGER)},
    "verify": {
        "path": ("{}",), "receipt": ("{ledger}", "--receipt", "{}"), "beside": ("{ledger}", "--bound", "{}"),
        "promise": ("{ledger}", "--promise", "{}", "{roll}"), "votes": ("{ledger}", "--votes", "{}"),
    },
    "export": {"folder": ("{new}", "--ledger", "{}")},
    "ledger check-receipt": {
        "file": ("{}", "--entry", "{entry}", *LEDGER),
        "entry_file": ("{receipt}", "--entry", "{}", *LEDGER),
        "folder": ("{receipt}", "--ledger", "{}"),
    },
    "ledger consistency": {"folder": ("{checkpoint}", "--ledger", "{}"), "checkpoint": ("{}", *LEDGER)},
    "ledger entry": {"folder": ("0", "--ledger", "{}")},
    "ledger init": {"folder": ("{charter}", "--ledger", "{}"), "charter": ("{}", "--ledger", "{keyed}")},
    "ledger log": {"folder": ("--ledger", "{}")},
    "ledger rebuild": {"folder": ("--ledger", "{}")},
    "ledger receipt": {"folder": ("0", "--ledger", "{}")},
    "ledger run": {"folder": ("--once", "--ledger", "{}")},
    "ledger show": {"folder": ("--ledger", "{}")},
    "ledger sign": {
        "file": ("{}", *KEY, *LEDGER), "folder": ("{copy}", *KEY, "--ledger", "{}"), "keys": ("{copy}", "--key", "{}", *LEDGER),
    },
    "ledger submit": {"files": ("{}", *LEDGER), "folder": ("{entry}", "--ledger", "{}")},
    "poll cancel": {"folder": ("{poll}", *TEXT, *KEY, "-o", "{new}", "--ledger", "{}"), "keys": ("{poll}", *TEXT, "--key", "{}", "-o", "{new}", *LEDGER)},
    "poll contest": {"folder": ("{poll}", *TEXT, *KEY, "-o", "{new}", "--ledger", "{}"), "keys": ("{poll}", *TEXT, "--key", "{}", "-o", "{new}", *LEDGER)},
    "poll list": {"folder": ("--ledger", "{}")},
    "poll outcome": {"folder": ("{poll}", "not", *TEXT, *KEY, "--ledger", "{}"), "key": ("{poll}", "not", *TEXT, "--key", "{}", *LEDGER)},
    "poll preview": {"file": ("{}", *LEDGER), "folder": ("{draft}", "--ledger", "{}")},
    "poll publish": {"file": ("{}", *LEDGER), "folder": ("{poll entry}", "--ledger", "{}")},
    "poll result": {"folder": ("{poll}", "--ledger", "{}")},
    "poll show": {"folder": ("{poll}", "--ledger", "{}")},
    "poll sign": {
        "file": ("{}", *KEY, "-o", "{new}", *LEDGER), "folder": ("{draft}", *KEY, "-o", "{new}", "--ledger", "{}"),
        "keys": ("{draft}", "--key", "{}", "-o", "{new}", *LEDGER),
    },
    "charter show": {"file": ("{}",), "folder": ("--ledger", "{}")},
    "charter sign": {"file": ("{}", *KEY, "-o", "{new}"), "keys": ("{charter draft}", "--key", "{}", "-o", "{new}")},
    **{
        f"office {what}": {
            "folder": (*more, "--institution", "A", "--role", "observer", *KEY, "-o", "{new}", "--ledger", "{}"),
            "keys": (*more, "--institution", "A", "--role", "observer", "--key", "{}", "-o", "{new}", *LEDGER),
        }
        for what, more in (
            ("add", ("--public", "ab" * 32)), ("rotate", ("--public", "ab" * 32)), ("retire", ()), ("suspend", ()), ("object", ())
        )
    },
    "office notice": {"key": (*TEXT, "--key", "{}", "-o", "{new}", *LEDGER), "folder": (*TEXT, *KEY, "-o", "{new}", "--ledger", "{}")},
    "office address": {
        "key": ("--url", "https://a.example", "--peer", "a", "--key", "{}", "-o", "{new}", *LEDGER),
        "folder": ("--url", "https://a.example", "--peer", f"{40 * '0'}@a.example:1", *KEY, "-o", "{new}", "--ledger", "{}"),
    },
    "charter add-class": {
        "file": ("{}", *KEY, "-o", "{new}", *LEDGER), "folder": ("{charter draft}", *KEY, "-o", "{new}", "--ledger", "{}"),
    },
    "office public": {"file": ("{}",)},
    "committee form": {"folder": ("--class", "pilot", *KEY, "--ledger", "{}"), "key": ("--class", "pilot", "--key", "{}", *LEDGER)},
    "committee list": {"folder": ("--ledger", "{}")},
    "committee show": {"folder": ("{poll}", "--ledger", "{}")},
    "trustee act": {"office": ("{}", *LEDGER), "folder": ("{trustee}", "--ledger", "{}"), "others": ("{trustee}", *LEDGER, "--also", "{}")},
    "trustee clock": {"office": ("{}",)},
    "trustee rekey": {"office": ("{}",), "key": ("{trustee}", "--key", "{}")},
    "trustee show": {"office": ("{}",)},
    "registrar check-proof": {"file": ("{}", *LEDGER)},
    "registrar act": {"desk": ("{}", *LEDGER), "folder": ("{registrar}", "--ledger", "{}"), "others": ("{registrar}", *LEDGER, "--also", "{}")},
    "registrar compare": {"desk": ("{}", "{odd}", "--key", "{key}"), "file": ("{registrar}", "{}", "--key", "{key}"), "key": ("{registrar}", "{odd}", "--key", "{}")},
    "registrar compare-file": {"desk": ("{}", "--key", "{key}", "-o", "{new}"), "key": ("{registrar}", "--key", "{}", "-o", "{new}")},
    "compare": {"first": ("{}", "{ledger}"), "second": ("{ledger}", "{}")},
    "due": {"folder": ("--ledger", "{}"), "key": (*LEDGER, "--key", "{}")},
    "registrar erase": {"desk": ("{}", "{poll}", *LEDGER), "folder": ("{registrar}", "{poll}", "--ledger", "{}")},
    "node join": {"folder": ("--ledger", "{}", "--listen", "127.0.0.1:0", "--seconds", "0")},
    "node status": {"folder": ("--ledger", "{}")},
    "network hand-over": {
        "files": ("{}", *KEY, "-o", "{new}", *LEDGER), "folder": ("{charter draft}", *KEY, "-o", "{new}", "--ledger", "{}"),
    },
    "network restart": {"files": ("{}", *KEY, "-o", "{new}", *LEDGER), "folder": (*KEY, "-o", "{new}", "--ledger", "{}")},
    "rules announce": {
        "keys": ("2", "--from", "2099-01-01", "--key", "{}", "-o", "{new}", *LEDGER),
        "folder": ("2", "--from", "2099-01-01", *KEY, "-o", "{new}", "--ledger", "{}"),
    },
    "rules withdraw": {"keys": ("2", "--key", "{}", "-o", "{new}", *LEDGER), "folder": ("2", *KEY, "-o", "{new}", "--ledger", "{}")},
    "rules ready": {"folder": ("--ledger", "{}")},
    "node run": {
        "folder": ("--ledger", "{}", "--seconds", "0"),
        "charter": ("--ledger", "{keyed}", "--charter", "{}", "--from", "http://127.0.0.1:1", "--seconds", "0"),
    },
    "registrar import": {"desk": ("{}", "{roll}"), "roll": ("{registrar}", "{}")},
    "registrar issuance": {"desk": ("{}", "{poll}", *LEDGER), "folder": ("{registrar}", "{poll}", "--ledger", "{}")},
    "registrar issue": {"request": ("{registrar}", "--request", "{}", "--person", "person-1", "-o", "{new}", *LEDGER)},
    "registrar open": {"desk": ("{}", "{poll}", *LEDGER), "folder": ("{registrar}", "{poll}", "--ledger", "{}")},
    "registrar proof": {
        "desk": ("{}", "{poll}", "--person", "a", "-o", "{new}", *LEDGER),
        "folder": ("{registrar}", "{poll}", "--person", "a", "-o", "{new}", "--ledger", "{}"),
    },
    "registrar show": {"desk": ("{}",)},
    "witness cosign": {"office": ("{}", *LEDGER), "folder": ("{witness}", "--ledger", "{}")},
    "witness publish": {"file": ("{}", *LEDGER), "folder": ("{checkpoint}", "--ledger", "{}")},
    "witness show": {"office": ("{}",)},
}  # fmt: skip
"""For each command and each of its parameters that names a file to be read: a command line, with {} where the odd file goes."""
WRITTEN = {
    "poll show": {"table"},
    "demo": {"folder", "svg"}, "vote": {"receipts", "request"}, "cast": {"output", "receipts"}, "open": {"output"}, "verify": {"report"}, "export": {"file"},
    "ledger keygen": {"folder"}, "network keys": {"folder"}, "network init": {"folder"}, "ledger receipt": {"output"}, "poll new": {"file"}, "charter new": {"file"}, "office keygen": {"file"},
    "trustee init": {"office"}, "registrar init": {"desk"}, "witness init": {"office"}, "witness cosign": {"output"},
    **{f"poll {what}": {"output"} for what in ("cancel", "contest", "outcome", "result", "sign")}, "charter sign": {"output"},
    **{f"registrar {what}": {"output"} for what in ("act", "compare-file", "issuance", "issue", "open", "proof")},
    "registrar compare-key": {"file"}, "compare": {"output"}, "committee form": {"output"}, "trustee act": {"output"},

    **{f"office {what}": {"output"} for what in ("add", "rotate", "retire", "suspend", "object", "notice", "address")}, "charter add-class": {"output"},
    **{what: {"output"} for what in ("network hand-over", "network restart", "rules announce", "rules withdraw")},
}  # fmt: skip
"""The parameters that name what is to be written."""


ELSEWHERE = {
    "poll preview": {"rolls"}, "charter add-class": {"keys"}, "network hand-over": {"keys"}, "network restart": {"keys"}, "trustee adopt": {"office", "folder", "others"}, "registrar check-proof": {"folder"}, "registrar issue": {"desk", "folder"},
}  # fmt: skip
"""They ask a person first, or look at another file before."""
NAMED = {
    ("verify", "promise"): "this file|odd-file",
    ("verify", "votes"): "votes|odd-file",
    ("verify", "beside"): "--bound has no meaning for a ledger",  # with an archive: tests/audit/test_binding.py
    ("ledger check-receipt", "entry_file"): "inclusion proof|too long",
    ("ledger submit", "files"): "odd-file|[Kk]ey",
    ("ledger sign", "file"): "odd-file|[Kk]ey",
    ("registrar import", "roll"): "roll",
}
"""What names the file where its path does not."""


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        elif command is not None:
            yield " ".join((*names, name)), command


def test_every_command_that_reads_a_file_is_in_the_table() -> None:
    there = {
        name: {str(each.name) for each in command.params if isinstance(each.type, click.Path)}
        for name, command in commands(main)
    }
    known = {name: set(FILES.get(name, {})) | WRITTEN.get(name, set()) for name in {*FILES, *WRITTEN}}
    missing = {name: names - known.get(name, set()) for name, names in there.items()}
    assert {name: names for name, names in missing.items() if names} == ELSEWHERE
    assert not {name: names - there.get(name, set()) for name, names in known.items() if names - there.get(name, set())}


@pytest.fixture
def places(city: City, tmp_path: Path) -> dict[str, str]:
    shutil.copytree(city.ledger, tmp_path / "ledger")
    shutil.copy(city.folder / "r.entry", tmp_path / "copy.entry")
    shutil.copytree(city.registrars[0], tmp_path / "registrar")
    for name, content in (("odd", b"junk"), ("opened", OPENED), ("seed", b"ab" * 32)):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    ok("poll", "new", tmp_path / "draft.toml")
    ok("ledger", "keygen", "--ledger", tmp_path / "keyed")
    ok("witness", "init", tmp_path / "witness", "--institution", "Observers")
    ok("trustee", "init", tmp_path / "trustee", "--institution", "University")
    return {
        "ledger": str(tmp_path / "ledger"), "key": str(city.organisers[0]), "seed": str(tmp_path / "seed"), "odd": str(tmp_path / "odd"), "opened": str(tmp_path / "opened"),
        "archive": str(tmp_path / "a.bel"), "new": str(tmp_path / "new"), "entry": str(city.folder / "r.entry"),
        "receipt": str(city.folder / "r.tlog-proof"), "checkpoint": str(city.ledger / "checkpoint"), "keyed": str(tmp_path / "keyed"),
        "charter": str(city.folder / "charter.entry"), "copy": str(tmp_path / "copy.entry"), "draft": str(tmp_path / "draft.toml"),
        "charter draft": str(city.folder / "charter.toml"), "trustee": str(tmp_path / "trustee"), "witness": str(tmp_path / "witness"),
        "registrar": str(tmp_path / "registrar"), "roll": str(city.folder / "roll.csv"), "poll": (city.folder / "poll.id").read_text(), "poll entry": str(city.folder / "poll.entry"),
    }  # fmt: skip


@pytest.mark.parametrize(("command", "what"), [(name, what) for name, files in FILES.items() for what in files])
def test_odd_files_get_a_sentence(command: str, what: str, places: dict[str, str], tmp_path: Path) -> None:
    odd = tmp_path / "handed" / "odd-file"
    odd.parent.mkdir()
    for name, content in ODD.items():
        for suffix in ("", ".entry", ".json") if command.startswith(("poll", "charter")) and what == "file" else ("",):
            path = odd.with_suffix(suffix)
            path.write_bytes(content)
            path.chmod(0o600)
            words = [word.replace("{}", str(path)) for word in FILES[command][what]]
            words = [places.get(word[1:-1], word) if word.startswith("{") else word for word in words]
            before = snapshot(tmp_path)
            answer = inside(*command.split(), *words)
            assert answer.code in (1, 2), (name, suffix, answer)
            assert answer.err.startswith(("Error: ", "✗ ", "Usage: ")), (name, suffix, answer)
            assert re.search(NAMED.get((command, what), path.name), answer.err), (name, suffix, answer.err)
            assert snapshot(tmp_path) == before, (name, suffix)


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files, but for locks and an engine's answers, which are made by asking."""
    own = ("-shm", "-wal", "lock", ".answer")
    return {
        str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.name.endswith(own)
    }
