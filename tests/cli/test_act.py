"""``veche trustee act`` and ``veche registrar act``: what is due is done, once or for as long as they are to stay."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veche.cli import acting, signing
from veche.cli.acting import Awaited, Round
from veche.engine.inbox import Unanswered
from veche.errors import Refused, UserError
from veche.ledger.codec import decode, encode
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.texts import Localizable, Verbatim
from veche.world import World

from .city import found, poll_draft, sleep_until
from .conftest import PROGRAM, Answer, Engine, environment, fails, inside, ok

JOIN = Choice(Text("Join?", "Вступить?"), (Text("For", "За"), Text("Against", "Против")), 1, 1, False)


class Office:
    """An office that stays, in a process of its own."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, words), "--wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
            # A shell's background job has it ignored, and hands that on.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def stop(self) -> Answer:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        return Answer(self.process.returncode, out, err)


@pytest.fixture
def offices() -> Iterator[list[Office]]:
    started: list[Office] = []
    yield started
    for office in started:
        if office.process.poll() is None:
            office.process.kill()
            office.process.communicate()


def until(what: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.2)


def test_a_poll_that_nobody_has_to_be_told_of(tmp_path: Path, engines: list[Engine], offices: list[Office]) -> None:
    """Trustees and registrars stay; the city asks for a key and publishes a poll; an engine ends, and another begins."""
    city = found(tmp_path, run=inside)
    ledger = ("--ledger", city.ledger)
    engines.append(Engine(city.ledger))
    offices += [Office("trustee", "act", place, *ledger) for place in city.trustees]
    offices += [Office("registrar", "act", place, *ledger) for place in city.registrars]
    one, two = city.organisers
    committee = ok("committee", "form", "--class", "pilot", "--key", one, *ledger, "--json", run=inside).json[
        "committee"
    ]

    def steps() -> Any:
        answer = inside("committee", "show", committee, *ledger, "--json")  # what was taken is published a moment later
        return answer.json["steps"] if answer.code == 0 else {}

    until(lambda: bool(steps()))
    assert engines[0].stop().code == 0
    engines.append(Engine(city.ledger))
    until(lambda: len(steps().get("committee-key", [])) == 3)

    draft, entry = tmp_path / "poll.toml", tmp_path / "poll.entry"
    opens = time.time() + 15
    draft.write_text(poll_draft(committee[:10], opens, opens + 4), encoding="utf-8")
    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    ok("poll", "sign", draft, "--key", one, *ledger, run=inside)
    ok("poll", "sign", entry, "--key", two, *ledger, run=inside)
    poll = ok("poll", "publish", entry, *ledger, "--json", run=inside).json["poll"]

    def kinds() -> list[str]:
        return [
            row["kind"]
            for row in ok("ledger", "log", "--ledger", city.ledger, "--from", "0", "--json", run=inside).json
        ]

    until(lambda: kinds().count("permit-key") == 2, opens - time.time())
    sleep_until(opens + 5)
    until(lambda: kinds().count("issuance") == 2)
    assert kinds().count("too-few") == 1
    for office in offices:
        answer = office.stop()
        assert answer.code == 0 and answer.out.endswith("Stopped.\n"), answer
        assert "Traceback" not in answer.err and "Error" not in answer.err
    assert (
        "is accounted for after" in answer.out and answer.out.count("permit-key for") == 1 and poll[:12] in answer.out
    )


# The loop, with a ledger that is looked at and not there


class Ledger:
    """What acting sees of a ledger: a head, and how often it was verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.head, self.verified = 1, 0
        self.answers: list[object] = []
        self.handed_in: list[bytes] = []
        self.shown: list[tuple[bytes, int]] = []  # what is shown, and how much was handed in before
        self.looks, self.slept = 0, 0.0
        self.events: list[Callable[[], None]] = []
        monkeypatch.setattr(acting, "verified_copies", self._verify)
        monkeypatch.setattr(acting, "_shown", lambda path: [b"%d" % self.head])
        monkeypatch.setattr(acting, "outcomes", self._outcomes)
        monkeypatch.setattr(signing, "show_signed", self._show)
        monkeypatch.setattr(acting, "wait_until_published", lambda path, number: None)
        clock = SimpleNamespace(monotonic=lambda: self.slept, sleep=self._sleep)
        monkeypatch.setattr(acting, "clock_time", clock)

    def _verify(self, copies: Sequence[Path], before: object) -> Any:
        self.verified += 1
        self.slept += 1.0
        return SimpleNamespace(
            head=SimpleNamespace(size=self.head), source=None, state=SimpleNamespace(db=SimpleNamespace(close=int)),
            check_fresh=lambda now: None,
        )  # fmt: skip

    def _show(self, entry: bytes, state: object) -> None:
        self.shown.append((entry, len(self.handed_in)))

    def _outcomes(self, path: Path, entries: Sequence[bytes]) -> list[object]:
        self.handed_in += entries
        answer = self.answers.pop(0)
        if isinstance(answer, Unanswered):
            raise answer
        self.head += 1
        return [answer] * len(entries)

    def _sleep(self, seconds: float) -> None:
        self.looks += 1
        self.slept += seconds
        if self.looks == 500:
            assert self.events, "nothing happens any more"
            self.looks = 0
            self.events.pop(0)()


def end() -> None:
    raise KeyboardInterrupt


ENTRY = encode(["permit-key", [bytes(32), []], []])


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return Ledger(monkeypatch)


def stay(look: Callable[[Any], Round]) -> None:
    acting.act([Path("ledger")], look, wait=True)


def test_nothing_is_verified_again_as_long_as_nothing_changes(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    def grow() -> None:
        ledger.head += 1

    ledger.events = [grow, end]
    stay(lambda verified: Round("Office"))
    assert ledger.verified == 2
    assert ledger.slept > 2 * 450 * acting.SLOWEST, "it looks ever less often"
    assert (
        capsys.readouterr().out == "“Office”: verified 1 entries; nothing is due. It waits; Ctrl-C ends it.\nStopped.\n"
    )


def test_a_ledger_that_never_rests_is_verified_a_part_of_the_time(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = iter(range(10**9))
    monkeypatch.setattr(acting, "_shown", lambda path: [b"%d" % next(heads)])
    ledger.events = [end]
    stay(lambda verified: Round("Office"))
    assert ledger.verified <= ledger.slept / (1 + acting.REST) + 1 and ledger.verified > 10


def test_what_nobody_takes_is_handed_in_again_and_is_the_same(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.answers = [Unanswered("No engine runs."), Unanswered("No engine runs."), Unanswered("No engine runs."), 7]
    ledger.events = [end]
    stay(lambda verified: Round("Office", [ENTRY] if ledger.head == 1 else []))
    assert ledger.handed_in == [ENTRY] * 4 and ledger.shown == [(ENTRY, 0)], "shown once, before"
    said = capsys.readouterr().out
    assert said.count("No engine runs. It waits for the engine.") == 1 and "is entry 7" in said
    with pytest.raises(Unanswered):
        ledger.answers = [Unanswered("No engine runs.")]
        acting.act([Path("ledger")], lambda verified: Round("Office", [ENTRY]))


def test_who_stays_does_the_rest_when_something_is_refused(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    other = encode(["issuance", [bytes(32), []], []])
    ledger.answers = [Refused("permit-key", "It is too late."), 9]

    def look(verified: Any) -> Round:
        return Round("Office", [ENTRY] if ledger.head < 5 else [ENTRY, other] if ledger.head == 5 else [ENTRY])

    def grow() -> None:
        ledger.head = 5

    ledger.events = [grow, end]
    stay(look)
    answer = capsys.readouterr()
    assert answer.err.count("It is too late.") == 1 and "issuance for" in answer.out
    assert ledger.handed_in == [ENTRY, other], "what was refused is not handed in again and again"


def test_once_a_refusal_ends_it(ledger: Ledger) -> None:
    ledger.answers = [Refused("permit-key", "It is too late.")]
    with pytest.raises(Refused, match="too late"):
        acting.act([Path("ledger")], lambda verified: Round("Office", [ENTRY]))
    assert ledger.handed_in == [ENTRY]


def test_what_the_office_itself_refuses_ends_it_though_it_stays(ledger: Ledger) -> None:
    """A clock that was moved, a folder that is a copy: a person has to look."""

    def look(verified: Any) -> Round:
        raise UserError("This machine's clock was moved.")

    with pytest.raises(UserError, match="clock was moved"):
        stay(look)


def test_a_margin_that_is_over_is_seen_by_the_clock_alone(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "system", lambda: SimpleNamespace(time=ledger.slept))
    ledger.answers, ledger.events = [3], [end]

    def look(verified: Any) -> Round:
        if ledger.head > 1:
            return Round("Office")
        return Round("Office", [ENTRY]) if ledger.slept >= 50 else Round("Office", next=50)

    stay(look)
    assert ledger.handed_in == [ENTRY] and ledger.verified == 2


@pytest.mark.parametrize("says", [True, False])
def test_a_person_at_a_terminal_is_asked_and_who_stays_or_says_yes_is_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, says: bool
) -> None:
    asked: list[str] = []

    def confirm(question: Localizable, err: bool) -> bool:
        asked.append(str(question))
        return says

    monkeypatch.setattr(signing, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(signing, "confirm", confirm)

    def look(verified: Any) -> Round:
        return Round("Office", [ENTRY] if ledger.head == 1 else [])

    ledger.answers = [7]
    if says:
        acting.act([Path("ledger")], look)
        assert ledger.handed_in == [ENTRY] and asked == ["Hand this in?"]
        return
    with pytest.raises(UserError, match="Nothing was handed in"):
        acting.act([Path("ledger")], look)
    assert not ledger.handed_in and ledger.shown == [(ENTRY, 0)]
    acting.act([Path("ledger")], look, yes=True)
    ledger.answers, ledger.events, ledger.head = [8], [end], 1
    stay(look)
    assert ledger.handed_in == [ENTRY] * 2 and len(asked) == 1


def test_nobody_waits_for_what_cannot_come_in_time(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A poll that closes in a week: it is said, and a minute's patience is not spent on it."""
    monkeypatch.setattr(acting, "system", lambda: SimpleNamespace(time=1000 + ledger.slept))
    acting.act(
        [Path("ledger")],
        lambda verified: Round("Office", awaited=[Awaited(Verbatim("after Sunday"), 2000)]),
        timeout=60,
    )
    assert ledger.slept == 1.0 and capsys.readouterr().out == "“Office”: after Sunday\n"
    acting.act(
        [Path("ledger")], lambda verified: Round("Office", awaited=[Awaited(Verbatim("soon"), 1030)]), timeout=60
    )
    assert 61 <= ledger.slept < 70
    acting.act([Path("ledger")], lambda verified: Round("Office", awaited=[Awaited(Verbatim("others"))]), timeout=60)
    assert ledger.slept > 120


def test_wait_and_timeout_contradict_each_other(ledger: Ledger) -> None:
    with pytest.raises(UserError, match="--wait has no end"):
        acting.act([Path("ledger")], lambda verified: Round("Office"), wait=True, timeout=1)


# Entries in files: the act on a machine that has a copy, the hand-in elsewhere


def test_a_trustee_and_a_registrar_offline(tmp_path: Path) -> None:
    city = found(tmp_path, run=inside)
    ledger, copy = ("--ledger", city.ledger), tmp_path / "copy.tar"
    one, two = city.organisers
    committee = ok("committee", "form", "--class", "pilot", "--key", one, *ledger, "--json", run=inside).json[
        "committee"
    ]

    def act(role: str, place: Path, folder: Path) -> Answer:
        copy.unlink(missing_ok=True)
        ok("export", "--ledger", city.ledger, copy, run=inside)
        return ok(role, "act", place, "--ledger", copy, "-o", folder, run=inside)

    for step in ("certificate", "shares", "key"):
        for number, place in enumerate(city.trustees):
            folder = tmp_path / f"from-{number}"
            folder.mkdir(exist_ok=True)
            said = act("trustee", place, folder).out
            path = folder / f"committee-{step}-{committee[:12]}.entry"
            first = path.read_bytes()
            assert str(path) in said and "is entry" not in said
            assert f"(committee-{step})" in said and committee in said, "all that is signed is shown"
            act("trustee", place, folder)  # again: the same bytes, and no complaint
            path.unlink()
            act("trustee", place, folder)
            assert path.read_bytes() == first, "one trustee says one thing in each step"
        for number in range(3):
            ok(
                "ledger",
                "submit",
                tmp_path / f"from-{number}" / f"committee-{step}-{committee[:12]}.entry",
                *ledger,
                run=inside,
            )

    (tmp_path / "map.geojson").write_text("{}", encoding="utf-8")
    draft, entry = tmp_path / "poll.toml", tmp_path / "poll.entry"
    draft.write_text(poll_draft(committee[:10], time.time() + 60, time.time() + 90), encoding="utf-8")
    ok("poll", "sign", draft, "--key", one, *ledger, run=inside)
    ok("poll", "sign", entry, "--key", two, *ledger, run=inside)
    poll = ok("poll", "publish", entry, *ledger, "--json", run=inside).json["poll"]
    folder = tmp_path / "keys"
    folder.mkdir()
    act("registrar", city.registrars[0], folder)
    (path,) = folder.iterdir()
    first = path.read_bytes()
    assert path.name == f"permit-key-{poll[:12]}.entry" and decode(first)[0] == "permit-key"
    path.unlink()
    act("registrar", city.registrars[0], folder)
    assert path.read_bytes() == first
    fails(2, "copy of its public files", "registrar", "act", city.registrars[0], "--ledger", copy, run=inside)
    ok("ledger", "submit", path, *ledger, run=inside)
    assert "is accounted for after" in ok("registrar", "act", city.registrars[0], *ledger, run=inside).out
    idle = ok(
        "trustee", "act", city.trustees[0], *ledger, "--timeout", "5", run=inside
    ).out  # and it does not wait for that
    assert f"{poll[:12]} is decrypted after" in idle and "nothing is due" not in idle
    shown = ok("registrar", "open", city.registrars[1], poll, *ledger, "-o", folder / "second.entry", run=inside).out
    assert "permit keys for a poll (permit-key)" in shown and "Modulus: " in shown
    path.write_bytes(b"something else")
    fails(2, "exists already", "registrar", "act", city.registrars[1], *ledger, "-o", folder, run=inside)


# What a registrar's desk does, and leaves to a person


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A city whose registrars have done nothing yet, and whose time is now; its engine is at rest."""
    with World(tmp_path, citizens={"Centre": 3, "North": 2}, genesis=int(time.time()) - 600) as made:
        yield made


def act(world: World, folder: Path) -> Answer:
    world.engine.tick()
    out = world.folder / "out"
    out.mkdir(exist_ok=True)
    return inside("registrar", "act", folder, "--ledger", world.folder / "ledger", "-o", out)


def test_a_poll_of_a_district_that_is_on_no_roll_is_left_to_a_person(world: World) -> None:
    committee = world.form_committee()
    world.announce([JOIN], committee=committee, districts=(("Nowhere", 1),))
    good = world.announce([JOIN], committee=committee, districts=(("Centre", 1), ("North", 1)), days=8)
    answer = act(world, world.folder / "registrar-1")
    assert answer.code == 2 and "no district “Nowhere”" in answer.err
    assert [path.name for path in (world.folder / "out").iterdir()] == [f"permit-key-{good.id.hex()[:12]}.entry"]


def test_everyone_is_everyone_only_if_no_district_is_called_so(world: World) -> None:
    poll = world.announce([JOIN], committee=world.form_committee())
    assert poll.definition.groups[0].name == ("Everyone", "Все")
    act(world, world.folder / "registrar-1")
    (path,) = (world.folder / "out").iterdir()
    assert decode(path.read_bytes())[1][1][0][1] == 5


def test_an_old_copy_of_a_registrar_says_that_it_is_one(world: World) -> None:
    first = world.announce([JOIN], committee=world.form_committee())
    copy = world.folder / "copy"
    shutil.copytree(world.folder / "registrar-1", copy)
    world.submit(world.permit_keys(0, first))
    answer = act(world, copy)
    assert answer.code == 2 and "has not made" in answer.err


def test_a_key_of_no_office_acts_for_nobody(world: World, tmp_path: Path) -> None:
    ok("registrar", "init", tmp_path / "stranger", run=inside)
    answer = act(world, tmp_path / "stranger")
    assert answer.code == 2 and "is not the key of an office in this ledger" in answer.err
