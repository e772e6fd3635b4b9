"""A registrar's whole life: rolls, polls, permits, crashes, crowds, cheats, issuance, erasing."""

import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from nacl.bindings import crypto_scalarmult_ed25519_base_noclamp

from veche.errors import Refused, UserError
from veche.keys import SigningKey
from veche.ledger.entries.permit_key import GroupIssuance, GroupPermitKey
from veche.permit.blind_rsa import IssuerKey, blind_sign, prepare, verify
from veche.permit.derive import credential_secret
from veche.permit.message import permit_message
from veche.permit.permit import Permit
from veche.permit.request import PermitRequest
from veche.permit.row_proof import RowProof
from veche.permit.seed import Seed
from veche.registrar import registrar as registrar_module
from veche.registrar.registrar import Registrar

POLL, DISTRICTS = b"\x0a" * 32, ["Arbat", "Presnya"]
ROLL = "person,name,district\nann,Ann,Arbat\nboris,,Arbat\nvera,Vera,Presnya\ngleb,,Khamovniki\n"


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    path = tmp_path / "roll.csv"
    path.write_text(ROLL)
    return path


@pytest.fixture
def registrar(tmp_path: Path, roll: Path) -> Iterator[Registrar]:
    with Registrar.create(tmp_path / "registrar") as registrar:
        registrar.import_roll(roll)
        yield registrar


class Voter:
    def __init__(self, person: str, seed: Seed | None = None) -> None:
        self.person, self.seed = person, seed or Seed.generate()

    def ask(self, keys: list[GroupPermitKey], group: int, poll: bytes = POLL) -> PermitRequest:
        credential = crypto_scalarmult_ed25519_base_noclamp(credential_secret(self.seed, poll))
        return PermitRequest(self.seed, poll, group, credential, keys[group].modulus)

    def collect(self, registrar: Registrar, keys: list[GroupPermitKey], group: int, poll: bytes = POLL) -> Permit:
        request = self.ask(keys, group, poll)
        permit = request.finish(0, registrar.issue(self.person, poll, request.blinded, group))
        credential = crypto_scalarmult_ed25519_base_noclamp(credential_secret(self.seed, poll))
        message = permit_message(poll, group, credential)
        verify(keys[group].modulus, prepare(message, permit.prefix), permit.signature)
        return permit


def test_a_poll_from_opening_to_erasing(registrar: Registrar, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    keys = registrar.open_poll(POLL, DISTRICTS, progress=lambda made, wanted: steps.append((made, wanted)))
    assert steps == [(1, 2), (2, 2)]
    assert [key.people for key in keys] == [2, 1]
    assert len({key.modulus for key in keys}) == 2
    for person, group in [("ann", 0), ("boris", 0), ("vera", 1)]:
        assert registrar.group_of(person, POLL) == group
        proof = registrar.proof_for(person, POLL)
        proof.verify_on_roll(POLL, group, keys[group].modulus, keys[group].people, keys[group].root)
        assert proof.issuance is None
    Voter("ann").collect(registrar, keys, 0)
    Voter("vera").collect(registrar, keys, 1)

    issuance = registrar.issuance(POLL)
    assert [row.issued for row in issuance] == [1, 1]
    assert registrar.issuance(POLL) == issuance
    for person, group, served in [("ann", 0, True), ("boris", 0, False), ("vera", 1, True)]:
        proof = RowProof.from_json(registrar.proof_for(person, POLL).to_json())
        proof.verify_on_roll(POLL, group, keys[group].modulus, keys[group].people, keys[group].root)
        proof.verify_issuance(issuance[group].root)
        assert proof.issuance is not None and proof.issuance.served is served

    registrar.erase(POLL)
    registrar.erase(POLL)
    assert not (tmp_path / "registrar" / "keys" / POLL.hex()).exists()
    calls: list[Callable[[], object]] = [
        lambda: registrar.issue("ann", POLL, b""),
        lambda: registrar.proof_for("ann", POLL),
        lambda: registrar.issuance(POLL),
        lambda: registrar.group_of("ann", POLL),
        lambda: registrar.open_poll(POLL, DISTRICTS),
    ]
    for call in calls:
        with pytest.raises(Refused, match="erased"):
            call()


def test_an_erased_request_is_in_no_file(registrar: Registrar, tmp_path: Path) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    blinded = Voter("ann").ask(keys, 0).blinded
    registrar.issue("ann", POLL, blinded)

    def found() -> list[Path]:
        return [path for path in (tmp_path / "registrar").glob("registrar.db*") if blinded[:40] in path.read_bytes()]

    assert found()
    registrar.issuance(POLL)
    registrar.erase(POLL)
    assert not found()


def test_one_permit_per_person_and_poll(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    ann = Voter("ann")
    first = ann.collect(registrar, keys, 0)
    assert ann.collect(registrar, keys, 0) == first
    assert Voter("ann", ann.seed).collect(registrar, keys, 0) == first
    with pytest.raises(Refused, match="already have a permit") as refused:
        Voter("ann").collect(registrar, keys, 0)
    assert refused.value.rule == "permit-once"
    assert "seed" in refused.value.hint
    other = registrar.open_poll(bytes(32), DISTRICTS)
    Voter("ann").collect(registrar, other, 0, bytes(32))


def test_names_are_compared_in_one_form(registrar: Registrar, roll: Path) -> None:
    roll.write_text("person,district\n\u0439,\u0439\n")
    registrar.import_roll(roll, decide=lambda _: None)
    keys = registrar.open_poll(POLL, ["\u0438\u0306"])
    voter = Voter(" \u0438\u0306 ")
    voter.collect(registrar, keys, 0)
    with pytest.raises(Refused, match="already"):
        Voter("\u0439").collect(registrar, keys, 0)


def test_a_crash_between_writing_down_and_answering_loses_nothing(
    registrar: Registrar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    ann = Voter("ann")

    class PowerCut(Exception):
        pass

    def fail(*_: object) -> bytes:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(registrar_module, "blind_sign", fail)
        with pytest.raises(PowerCut):
            registrar.issue("ann", POLL, ann.ask(keys, 0).blinded)
    with Registrar(tmp_path / "registrar") as again:
        with pytest.raises(Refused, match="already"):
            Voter("ann").collect(again, keys, 0)
        ann.collect(again, keys, 0)
        assert again.issuance(POLL)[0].issued == 1


def test_nothing_is_signed_that_is_not_written_down(
    registrar: Registrar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    written: list[tuple[str, bytes]] = []

    def look_then_sign(key: IssuerKey, blinded: bytes) -> bytes:
        database = sqlite3.connect(tmp_path / "registrar" / "registrar.db")
        written.extend(database.execute("SELECT person, blinded FROM request").fetchall())
        database.close()
        return blind_sign(key, blinded)

    monkeypatch.setattr(registrar_module, "blind_sign", look_then_sign)
    blinded = Voter("ann").ask(keys, 0).blinded
    registrar.issue("ann", POLL, blinded, 0)
    assert written == [("ann", blinded)]


def test_the_person_decides_the_group(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    ann = Voter("ann")
    request = ann.ask(keys, 1)
    with pytest.raises(Refused, match="vote in group 0") as refused:
        registrar.issue("ann", POLL, request.blinded, 1)
    assert refused.value.rule == "group"
    ann.collect(registrar, keys, 0)  # the mistake has not used up the permit


def test_a_request_for_another_group_that_says_nothing_of_it_gives_no_permit(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    request = Voter("ann").ask(keys, 1)
    blinded = min(request.blinded, b"\x7f" + request.blinded[1:])  # in range for every key
    answer = registrar.issue("ann", POLL, blinded)
    with pytest.raises(Exception, match="not signed by this registrar's key"):
        request.finish(0, answer)


def test_strangers_get_nothing(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    for person in ["eve", "gleb", "ANN", "", "ann\n\x00", "x" * 5000]:
        calls: list[Callable[[str], object]] = [
            lambda person: registrar.issue(person, POLL, Voter(person).ask(keys, 0).blinded),
            lambda person: registrar.proof_for(person, POLL),
            lambda person: registrar.group_of(person, POLL),
        ]
        for call in calls:
            with pytest.raises(Refused) as refused:
                call(person)
            assert refused.value.rule == "roll"
    with pytest.raises(Refused) as refused:
        registrar.issue("ann", b"\x0b" * 32, Voter("ann").ask(keys, 0).blinded)
    assert refused.value.rule == "unknown-poll"
    assert [row.issued for row in registrar.issuance(POLL)] == [0, 0]


def test_a_malformed_request_does_not_use_up_the_permit(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    for blinded in [b"", bytes(256), b"\xff" * 256, b"\x01" * 255, b"\x01" * 257, keys[0].modulus]:
        with pytest.raises(Refused) as refused:
            registrar.issue("ann", POLL, blinded)
        assert refused.value.rule == "shape"
    Voter("ann").collect(registrar, keys, 0)


def test_after_closing_nobody_new_is_served_but_answers_are_repeated(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    ann = Voter("ann")
    permit = ann.collect(registrar, keys, 0)
    with pytest.raises(Refused) as refused:
        registrar.erase(POLL)
    assert refused.value.rule == "not-closed"
    issuance = registrar.issuance(POLL)
    with pytest.raises(Refused) as refused:
        Voter("boris").collect(registrar, keys, 0)
    assert refused.value.rule == "closed"
    assert ann.collect(registrar, keys, 0) == permit
    assert registrar.issuance(POLL) == issuance


def test_a_crash_while_closing(registrar: Registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    registrar.open_poll(POLL, DISTRICTS)
    with monkeypatch.context() as patch:
        patch.setattr(registrar, "_tree", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            registrar.issuance(POLL)
    with pytest.raises(Refused, match="issuance"):
        registrar.erase(POLL)
    assert [type(row) for row in registrar.issuance(POLL)] == [GroupIssuance, GroupIssuance]


def test_a_crash_while_opening(registrar: Registrar, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def look_then_fail(*arguments: Any) -> None:
        made.extend(arguments[3])
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(registrar, "_publish", look_then_fail)
        with pytest.raises(ZeroDivisionError):
            registrar.open_poll(POLL, DISTRICTS)
    keys = registrar.open_poll(POLL, DISTRICTS)
    assert [key.modulus for key in keys] == made
    assert registrar.open_poll(POLL, DISTRICTS) == keys


def test_an_open_poll_keeps_its_groups_and_its_roll(registrar: Registrar, roll: Path) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    for groups, everyone in [(DISTRICTS[::-1], False), (["Arbat"], False), (["Arbat"], True)]:
        with pytest.raises(Refused, match="other groups"):
            registrar.open_poll(POLL, groups, everyone=everyone)
    roll.write_text("person,district\nann,Presnya\nzoya,Arbat\n")
    registrar.import_roll(roll, decide=lambda _: None)
    registrar.import_roll(roll, decide=lambda _: None)
    assert registrar.districts() == {"Arbat": 1, "Presnya": 1}
    assert registrar.group_of("ann", POLL) == 0
    with pytest.raises(Refused):
        registrar.group_of("zoya", POLL)
    registrar.proof_for("ann", POLL).verify_on_roll(POLL, 0, keys[0].modulus, 2, keys[0].root)
    later = b"\x0c" * 32
    registrar.open_poll(later, DISTRICTS)
    assert registrar.group_of("ann", later) == 1


def test_a_poll_for_everyone(registrar: Registrar) -> None:
    (key,) = registrar.open_poll(POLL, ["the whole city"], everyone=True)
    assert key.people == 4
    Voter("gleb").collect(registrar, [key], 0)
    assert registrar.issuance(POLL)[0].issued == 1
    issuance = registrar.proof_for("gleb", POLL).issuance
    assert issuance is not None and issuance.served


@pytest.mark.parametrize("groups", [[], ["Arbat", "Arbat"], ["Arbat", ""], ["Atlantis"], ["Ar\nbat"]])
def test_groups_that_cannot_be(registrar: Registrar, groups: list[str]) -> None:
    with pytest.raises(UserError):
        registrar.open_poll(POLL, groups)
    with pytest.raises(UserError):
        registrar.open_poll(POLL, DISTRICTS, everyone=True)
    with pytest.raises(UserError):
        registrar.open_poll(b"short", DISTRICTS)


def test_a_crowd_of_threads_gets_one_permit_a_person(registrar: Registrar) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    voters = [Voter("ann") for _ in range(8)]
    answers: list[bytes] = []
    refusals: list[str] = []
    start = threading.Barrier(8)

    def ask(voter: Voter) -> None:
        request = voter.ask(keys, 0)
        start.wait()
        try:
            answers.append(registrar.issue("ann", POLL, request.blinded, 0))
        except Refused as refused:
            refusals.append(refused.rule)

    threads = [threading.Thread(target=ask, args=[voter]) for voter in voters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 1
    assert refusals == ["permit-once"] * 7


def _ask_in_a_process(folder: Path, start: "Barrier", results: "Queue[str]") -> None:
    with Registrar(folder) as registrar:
        keys = registrar.open_poll(POLL, DISTRICTS)
        request = Voter("ann").ask(keys, 0)
        start.wait()
        try:
            registrar.issue("ann", POLL, request.blinded, 0)
            results.put("served")
        except Refused as refused:
            results.put(refused.rule)


def test_two_processes_open_one_poll_alike_and_serve_a_person_once(registrar: Registrar, tmp_path: Path) -> None:
    context = get_context("spawn")
    start = context.Barrier(2)
    results: Queue[str] = context.Queue()
    processes = [
        context.Process(target=_ask_in_a_process, args=(tmp_path / "registrar", start, results)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    answers = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    assert answers == ["permit-once", "served"]
    assert registrar.issuance(POLL)[0].issued == 1


def test_a_key_file_that_is_missing_wrong_or_open_to_others(registrar: Registrar, tmp_path: Path) -> None:
    keys = registrar.open_poll(POLL, DISTRICTS)
    folder = tmp_path / "registrar"
    path = folder / "keys" / POLL.hex() / "0.pem"
    good = path.read_bytes()
    blinded = Voter("ann").ask(keys, 0).blinded

    def damage(content: bytes | None, mode: int = 0o600) -> None:
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
            path.chmod(mode)
        with Registrar(folder) as again, pytest.raises(UserError):
            again.issue("ann", POLL, blinded)

    damage(None)
    damage(good[:200])
    damage(good, 0o640)
    damage((path.parent / "1.pem").read_bytes())
    path.write_bytes(good)
    with Registrar(folder) as again:
        assert again.issue("ann", POLL, blinded)


def test_a_changed_database_is_noticed(registrar: Registrar, tmp_path: Path) -> None:
    registrar.open_poll(POLL, DISTRICTS)
    issuance = registrar.issuance(POLL)
    assert issuance[0].issued == 0
    database = sqlite3.connect(tmp_path / "registrar" / "registrar.db")
    with database:
        database.execute("INSERT INTO request VALUES (?, 'ann', x'01')", [POLL.hex()])
    database.close()
    with Registrar(tmp_path / "registrar") as again, pytest.raises(Exception, match="no longer leads"):
        again.proof_for("ann", POLL)


def test_the_folder(tmp_path: Path, registrar: Registrar, roll: Path) -> None:
    folder = tmp_path / "registrar"
    registrar.open_poll(POLL, DISTRICTS)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in [folder / "office.key", folder / "registrar.db", *folder.glob("keys/*/*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.glob("keys/*/*")) == ["0.pem", "1.pem"]
    assert not list(folder.glob("keys/*/.*"))
    with pytest.raises(UserError, match="already"):
        Registrar.create(folder)
    with pytest.raises(UserError):
        Registrar(tmp_path / "nowhere")
    with Registrar(folder) as again:
        assert again.office.public == registrar.office.public
    for place in (tmp_path / "trustee", tmp_path / "litter"):
        place.mkdir()
        SigningKey.generate().save(place / ("office.key" if place.name == "trustee" else "other.key"))
        before = sorted(place.iterdir())
        with pytest.raises(
            UserError, match="not a registrar's folder" if place.name == "trustee" else "no registrar in the folder"
        ):
            Registrar(place)
        with pytest.raises(UserError, match="already" if place.name == "trustee" else "not empty"):
            Registrar.create(place)
        assert sorted(place.iterdir()) == before
    with Registrar.create(tmp_path / "new") as empty, pytest.raises(UserError, match="no roll"):
        empty.open_poll(POLL, DISTRICTS)


def test_another_database(tmp_path: Path, roll: Path) -> None:
    folder = tmp_path / "other"
    with Registrar.create(folder, f"sqlite:///{tmp_path}/city.db") as registrar:
        registrar.import_roll(roll)
    assert stat.S_IMODE((folder / "database.url").stat().st_mode) == 0o600
    assert not (folder / "registrar.db").exists()
    with Registrar(folder) as registrar:
        assert registrar.districts() == {"Arbat": 2, "Khamovniki": 1, "Presnya": 1}


@pytest.mark.parametrize("url", ["", "nonsense", "nosuch://secret@host/x", "sqlite:////nowhere/at/all/x.db"])
def test_databases_that_cannot_be(tmp_path: Path, url: str) -> None:
    with pytest.raises(UserError) as error:
        Registrar.create(tmp_path / "registrar", url)
    assert "secret" not in error.value.message
    assert not (tmp_path / "registrar" / "office.key").exists()


def test_there_is_no_write_ahead_log_which_several_writers_can_damage(registrar: Registrar, tmp_path: Path) -> None:
    """SQLite before 3.51.3 can lose pages of a write-ahead log that two connections reset at once; docs/adr/0009."""
    registrar.open_poll(POLL, DISTRICTS)
    folder = tmp_path / "registrar"
    with Registrar(folder) as second:
        keys = second.open_poll(POLL, DISTRICTS)
        Voter("ann").collect(second, keys, 0)
        assert (folder / "registrar.db").read_bytes()[18:20] == b"\x01\x01"  # file format: 2 would be a write-ahead log
        assert not list(folder.glob("registrar.db-[ws]*"))
