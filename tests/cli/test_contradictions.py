"""What is asked for and contradicts what is stored: it is said, and nothing is changed."""

from pathlib import Path

import click
import pytest

from . import conftest
from .city import City, announce, found
from .conftest import Answer, inside
from .test_help import ALL
from .test_odd_files import snapshot


def ok(*args: object) -> Answer:
    return conftest.ok(*args, run=inside)


def fails(code: int, sentence: str, *args: object) -> Answer:
    return conftest.fails(code, sentence, *args, run=inside)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("office", ["registrar", "trustee", "witness", "organiser"])
def test_no_office_opens_the_folder_of_another(office: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    if office == "organiser":
        ok("office", "keygen", folder / "office.key")
    else:
        ok(office, "init", folder, *([] if office == "registrar" else ["--institution", "Office"]))
    roll = tmp_path / "roll.csv"
    roll.write_text("person,district\nann,Arbat\n")
    before = content(folder)
    for command in (
        ("registrar", "show", folder),
        ("registrar", "import", folder, roll),
        ("registrar", "import", folder, roll, "--dry-run"),
        ("trustee", "show", folder),
        ("trustee", "clock", folder, "--yes"),
        ("trustee", "rekey", folder),
        ("witness", "show", folder),
    ):
        if command[0] != office:
            answer = inside(*command)
            assert answer.code == 2 and str(folder) in answer.err, (command, answer)
    for role in ("registrar", "trustee", "witness"):
        answer = inside(role, "init", folder, *([] if role == "registrar" else ["--institution", "Office"]))
        assert answer.code == 2 and "hoose a new folder" in answer.err, (role, answer)
    assert content(folder) == before


def test_a_registrar_whose_database_is_gone_does_not_begin_with_an_empty_one(tmp_path: Path) -> None:
    """Which would sign a second permit for everybody."""
    folder = tmp_path / "registrar"
    ok("registrar", "init", folder)
    (folder / "registrar.db").unlink()
    fails(2, "newest backup", "registrar", "show", folder)
    assert "registrar.db" not in content(folder)


@pytest.mark.parametrize(
    ("one", "other", "command"),
    [
        ("--raw", "--json", "ledger entry 0 --ledger {0} --raw --json"),
        (
            "--key",
            "--ledger",
            "ledger check-receipt {0}/vote.tlog-proof --key veche.example/city+1a2b3c4d+Ab --ledger {0}",
        ),
        ("--once", "--seconds", "ledger run --ledger {0} --once --seconds 3"),
        ("--due", "done", "poll outcome 3fa9 done --text a --text-ru b --due 2027-05-01 --key {0}/key --ledger {0}"),
        ("--due", "not", "poll outcome 3fa9 not --text a --text-ru b --due 2027-05-01 --key {0}/key --ledger {0}"),
    ],
)
def test_options_that_contradict_each_other(one: str, other: str, command: str, tmp_path: Path) -> None:
    """Before anything is read, and nothing is written."""
    fails(2, f"{one} and {other} do not go together.", *command.format(tmp_path).split())
    assert content(tmp_path) == {}


# Every option of every command, held against what is stored


STRANGE = "58" + 31 * "66"
"""A public key of nobody."""
SEAT = ("--institution", "Post office", "--role", "registrar", "--key", "{key}", "-o", "{new}", "-l", "{ledger}")
SAID = ("--text", "A.", "--text-ru", "А.", "--key", "{key}", "-l", "{ledger}")
CASES: dict[tuple[str, str], tuple[int, str, tuple[str, ...]]] = {
    ("poll sign", "output"): (2, "is an entry already", ("{poll entry}", "-o", "{new}", "--key", "{key}", "-l", "{ledger}")),
    ("charter sign", "output"): (2, "is an entry already", ("{charter}", "-o", "{new}", "--key", "{key}")),
    ("node join", "no_page"): (2, "--browser and --no-page do not go together", ("--no-page", "--browser", "-l", "{new}", "--seconds", "0")),
    ("node run", "charter"): (2, "and the address of a node are needed", ("--charter", "{charter}", "-l", "{new}", "--seconds", "0")),
    ("charter show", "folder"): (2, "FILE and --ledger do not go together", ("{charter}", "-l", "{ledger}")),
    ("ledger log", "kind"): (2, "no entry of kind 'bulletin'", ("--kind", "bulletin", "-l", "{ledger}")),
    ("ledger log", "start"): (2, "There is no entry 999", ("--from", "999", "-l", "{ledger}")),
    ("due", "institution"): (2, "is called 'Post'", ("--institution", "Post", "-l", "{ledger}")),
    ("due", "key"): (2, "is that of Civil registry as registrar, not of Post office", ("--institution", "Post office", "--key", "{desk}", "-l", "{ledger}")),
    ("office add", "institution"): (1, "is registrar already", (*SEAT, "--public", STRANGE)),
    ("office rotate", "public"): (1, "is or was the key of an office", (*SEAT, "--public", "{public}")),
    ("office retire", "public"): (1, "is not the active key", (*SEAT, "--public", STRANGE)),
    ("office object", "public"): (1, "No such change of Post office", (*SEAT, "--public", STRANGE)),
    ("office suspend", "public"): (1, "is not, and was not, the key of Post office", (*SEAT, "--public", STRANGE)),
    ("committee form", "class_name"): (1, "'city'", ("--class", "city", "--key", "{key}", "-l", "{ledger}")),
    ("committee form", "mode"): (1, "t must be n", ("--class", "pilot", "--mode", "single", "--key", "{key}", "-l", "{ledger}")),
    ("poll outcome", "due"): (2, "--due and done do not go together", ("{poll}", "done", "--due", "2027-05-01", *SAID)),
    ("registrar open", "everyone"): (2, "a poll for everyone has one group", ("{desk}", "{poll}", "--everyone", "-l", "{ledger}")),
    ("registrar issue", "group"): (1, "You vote in group 0 of this poll, not in 1", ("{desk}", "{poll}", "--person", "person-1", "--group", "1", "--blinded", "02", "-l", "{ledger}")),
    ("registrar issue", "person"): (1, "not on the electoral roll", ("{desk}", "{poll}", "--person", "nobody", "--group", "0", "--blinded", "02", "-l", "{ledger}")),
    ("registrar init", "database"): (2, "holds the roll of a registrar already", ("{new}", "--database", "sqlite:///{desk}/registrar.db")),
    ("trustee rekey", "key"): (2, "is in the folder", ("{trustee}", "--key", "{trustee}/office.key")),
    ("witness cosign", "output"): (2, "roll.csv is not a checkpoint", ("{witness}", "-o", "{roll}", "-l", "{ledger}")),
    ("vote", "receipts"): (2, "With --seal nothing is cast", ("{poll}", "-c", "1", "-c", "1", "--seal", "--receipts", "{new}", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "person"): (2, "for another person than this one", ("{poll}", "-c", "1", "-c", "1", "--seal", "--person", "person-3", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "desks"): (2, "is not a registrar's folder", ("{poll}", "--collect", "--person", "person-1", "--registrar", "{trustee}", "-l", "{ledger}", "--seed", "{new}")),
    ("vote", "group"): (2, "--group belongs to --ask", ("{poll}", "--collect", "--group", "Presnensky", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "request"): (2, "permits of all registrars are kept", ("{poll}", "--ask", "{new}", "--person", "person-1", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "choose"): (2, "is not an answer to question 1", ("{poll}", "-c", "9", "-c", "1", "--seal", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "collect"): (2, "--collect only collects", ("{poll}", "-c", "1", "--collect", "-l", "{ledger}", "--seed", "{seed}")),
    ("vote", "only_seal"): (2, "Leave --seal out, or --collect", ("{poll}", "--seal", "--collect", "-l", "{ledger}", "--seed", "{seed}")),
    ("rules announce", "since"): (1, "must be announced at least", ("2", "--from", "2020-01-01", "--key", "{key}", "-o", "{new}", "-l", "{ledger}")),
    ("export", "poll_id"): (2, "no poll 'ffff'", ("{new}", "--poll", "ffff", "-l", "{ledger}")),
    ("verify", "poll_id"): (2, "no poll 'ffff'", ("{ledger}", "--poll", "ffff")),
    ("verify", "wanted_id"): (1, "another ledger than the one that you named", ("{ledger}", "--id", "ff" * 32)),
    ("verify", "words"): (1, "its charter does not say 'village'", ("{ledger}", "--charter", "Village")),
    ("verify", "beside"): (2, "--bound has no meaning for a ledger", ("{ledger}", "--bound", "{roll}")),
    ("compare", "vkeys"): (2, "is not a verifier key", ("{ledger}", "{ledger}", "--key", "city.example+00000000+AQID")),
    ("trustee act", "timeout"): (2, "--wait has no end", ("{trustee}", "--wait", "--timeout", "1", "-l", "{ledger}")),
    ("registrar act", "timeout"): (2, "--wait has no end", ("{desk}", "--wait", "--timeout", "1", "-l", "{ledger}")),
    ("trustee act", "others"): (2, "cannot be read: No such file", ("{trustee}", "--also", "{new}", "-l", "{ledger}")),
}  # fmt: skip
"""What contradicts what is stored, or another option: the exit code, and what is said."""

EVERYWHERE = {
    "folder": "names what is stored: test_odd_files.py, test_foreign_folder.py",
    "as_json": "how it is said, not what is done",
    "yes": "stands for an answer",
    "output": "a new file, never another's: test_files.py",
    "key": "the key of no office, or of another, signs nothing: test_key_errors.py, test_signing.py",
    "keys": "the same",
    "seed": "names what is stored: test_permits.py, test_permit_mail.py",
    "others": "all must be one ledger: test_act.py",
    "despite_refusal": "goes with what registrars say: test_permits.py",
    "receipts": "a folder that must be there: test_check.py",
    "text": "a text", "text_ru": "a text",
    "institution": "the seat that is meant must be there, or not be: test_key_errors.py", "role": "the same",
    "wait": "how long, not what", "timeout": "how long, not what",
}  # fmt: skip
"""Options that mean the same in all commands, and why they are not tried here one by one."""

ELSEWHERE = {
    ("demo", "svg"): "a new file", ("demo", "embedded"): "which story: test_demo.py", ("vote", "answers"): "test_permit_mail.py", ("find", "seed"): "with a code it must fit: test_check.py",
    ("verify", "receipt"): "tests/audit/test_cli.py", ("verify", "report"): "a new file",
    ("ledger check-receipt", "entry_file"): "must be that of the receipt: test_check.py",
    ("ledger check-receipt", "vkeys"): "above, with --ledger", ("ledger check-receipt", "code_given"): "test_check.py",
    ("ledger entry", "raw"): "above, with --json", ("ledger log", "last"): "fewer are shown if there are fewer",
    ("ledger run", "once"): "above, with --seconds", ("ledger run", "seconds"): "above, with --once",
    ("ledger run", "nodes"): "whom to ask, test_restored.py", ("ledger run", "is_newest"): "the same", ("ledger run", "despite_fork"): "the same",
    ("node run", "is_newest"): "the same", ("node run", "despite_fork"): "the same",
    ("ledger run", "witnesses"): "whom to have cosign, test_litewitness.py", ("node run", "witnesses"): "the same",
    ("ledger run", "after_outage"): "test_clock.py", ("ledger run", "verbose"): "what is said besides",
    ("office add", "public"): "as of rotate", ("poll new", "class_name"): "a draft", ("poll new", "committee"): "a draft",
    ("poll show", "table"): "needs a result: test_results.py", ("charter new", "log_key"): "a draft",
    ("registrar import", "dry_run"): "test_rolls.py", ("registrar issue", "blinded"): "test_permit_mail.py",
    ("registrar issue", "request"): "test_permit_mail.py", ("registrar issue", "code"): "test_permit_mail.py",
    ("node run", "listen"): "where, not what", ("node run", "peer_listen"): "the same", ("node run", "signer"): "the same", ("node run", "metrics"): "the same", ("node run", "nodes"): "the same", ("node run", "verbose"): "what is said besides",
    ("node join", "charter"): "another ledger than is wanted: tests/network/test_citizens.py", ("node join", "listen"): "where, not what",
    ("node join", "public"): "the same", ("node join", "seconds"): "how long, not what", ("node join", "verbose"): "what is said besides",
    ("node join", "browser"): "above, with --no-page", ("node join", "despite_fork"): "what people have decided: tests/network/test_following.py",
    ("node run", "seconds"): "how long, not what", ("node run", "after_outage"): "test_clock.py",
    ("network keys", "url"): "an address of one's own", ("network keys", "peer"): "the same",
    ("network init", "validators"): "a new folder", ("network init", "people"): "the same", ("network init", "test"): "the same",
    ("office address", "url"): "tests/ledger/test_validators.py", ("office address", "peer"): "the same",
    **{(f"office {what}", "votes"): "of a validator and of nobody else: test_validators.py" for what in ("add", "rotate", "retire", "suspend", "object")},
    ("network restart", "lost"): "needs a network: tests/network/test_restart.py",
    ("verify", "promise"): "tests/network/test_promises.py", ("verify", "votes"): "tests/audit/test_votes.py",
    ("poll preview", "rolls"): "test_poll_rolls.py", ("office notice", "name"): "a poll that must be there, as in all commands",
    ("registrar proof", "person"): "test_challenge.py", ("witness cosign", "every"): "how often, not what",
}  # fmt: skip


def test_every_option_is_in_the_table() -> None:
    """A new one is put there by whoever makes it: what can it contradict?"""
    options = {
        (" ".join(words), str(param.name))
        for words, command in ALL.items()
        for param in command.params
        if isinstance(param, click.Option) and not isinstance(command, click.Group)
    }
    known = {*CASES, *ELSEWHERE}
    assert known <= options, known - options
    assert {option for option in options - known if option[1] not in EVERYWHERE} == set()


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A city whose poll is announced, and whose person-1 has permits for it."""
    city: City = found(tmp_path_factory.mktemp("contradictions"), run=inside)
    _, poll = announce(city, run=inside)
    folder = city.folder
    for desk in city.registrars:
        ok("registrar", "open", desk, poll, "-l", city.ledger)
    desks = [word for desk in city.registrars for word in ("--registrar", desk)]
    ok("vote", poll, "-l", city.ledger, "--seed", folder / "seed", "--person", "person-1", *desks, "--collect")
    ok("witness", "init", folder / "witness", "--institution", "Observers")
    return {
        "ledger": str(city.ledger), "poll": poll, "key": str(city.organisers[0]), "desk": str(city.registrars[0]),
        "trustee": str(city.trustees[0]), "witness": str(folder / "witness"), "seed": str(folder / "seed"),
        "poll entry": str(folder / "poll.entry"), "charter": str(folder / "charter.entry"), "roll": str(folder / "roll.csv"),
        "public": ok("office", "public", city.registrars[0]).first,
    }  # fmt: skip


@pytest.mark.parametrize(("command", "option"), CASES)
def test_what_contradicts_what_is_stored(command: str, option: str, places: dict[str, str], tmp_path: Path) -> None:
    code, said, words = CASES[command, option]
    folder = Path(places["ledger"]).parent
    before = snapshot(folder)
    filled = [word.format(**places, new=tmp_path / "new") for word in words]
    fails(code, said, *command.split(), *filled)
    assert snapshot(folder) == before and not (tmp_path / "new").exists()
