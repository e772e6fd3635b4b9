"""A node's own page: it says what is so in one of three moods, to its person and to nobody else, and changes nothing."""

import http.client
import json
import re
import stat
import webbrowser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from audit.test_report import read
from cli.conftest import inside, ok
from doctor import publish
from engine.stage import Stage

from veche.cli.dashboard import watched
from veche.durable import Lock
from veche.errors import DoesNotHold
from veche.ledger.codec import decode, encode
from veche.ledger.entries.charter import read_charter
from veche.ledger.entries.engine import Embedded
from veche.ledger.heads import STALE
from veche.log.evidence import FAILURE, evidence_file, keep_failure, read_failure
from veche.log.source import Folder
from veche.node.addresses import AddressBook
from veche.node.copying import Forked
from veche.node.dashboard.diary import FILE, LONGEST, OF_A_KIND, Diary
from veche.node.dashboard.door import LINK, Dashboard
from veche.node.dashboard.facts import Accused, Broken, Facts, Fork, Keeper, Seen, Sight, Task, Work
from veche.node.dashboard.pages import Shown, page
from veche.node.dashboard.ring import EACH, MOST, dots_of
from veche.node.dashboard.standing import DISK_LOW, LONELY, Mood, judge, rows
from veche.node.dashboard.watch import Watch
from veche.node.follower import Follower
from veche.texts import Message, Verbatim, Words, languages

from .conftest import Answer, Client, running
from .others import serving
from .test_following import following, lying, until, url_of
from .test_node import log_of

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'
NOW = 1_800_000_000
FACTS = Facts(
    NOW, "veche.example/city", Words("City", "Город"), 0, bytes(32), 1_284_406, bytes(32), bytes(32), 12, True, None, NOW - 12, 0,
    (Seen("http://203.0.113.5:8080", Keeper.CITIZEN, Sight.AGREES, NOW - 12),), 9_400_000_000, 61_000_000_000,
)  # fmt: skip
FORK = Fork((bytes(32), b"\1" * 32), (100, 120), NOW - 60)


@dataclass
class Browser:
    """Asks for the page as its person's browser would."""

    dashboard: Dashboard

    @property
    def path(self) -> str:
        return "/" + self.dashboard.link.split("/", 3)[3]

    @property
    def host(self) -> str:
        return self.dashboard.link.split("/")[2]

    @property
    def address(self) -> tuple[str, int]:
        name, port = self.host.split(":")
        return name, int(port)

    def ask(self, path: str, method: str = "GET", host: str | None = None, **headers: str) -> Answer:
        with closing(http.client.HTTPConnection(*self.address, timeout=60)) as connection:
            connection.putrequest(method, path, skip_host=True)
            for header, value in ({"Host": self.host if host is None else host} | headers).items():
                connection.putheader(header.replace("_", "-"), value)
            connection.endheaders()
            got = connection.getresponse()
            return Answer(got.status, dict(got.getheaders()), got.read())

    def page(self, language: str = "en") -> str:
        answer = self.ask(f"{self.path}/{language}")
        assert answer.status == 200, answer
        return answer.body.decode()


@contextmanager
def shown(folder: Path, made: Follower | None = None, now: float = NOW, decided: bool = False) -> Iterator[Browser]:
    """The page of the node in a folder; of one that follows, if it does."""
    with (
        Watch(
            folder, made.book if made is not None else AddressBook(folder), decided, clock=lambda: now, every=0.1
        ) as watch,
        Dashboard(watch) as dashboard,
    ):
        if made is None:
            yield Browser(dashboard)
        else:
            with watch.following(made):
                yield Browser(dashboard)


# Who is let in


def test_the_page_is_its_persons_alone(tmp_path: Path) -> None:
    """Not without the token, by no other name that leads here, from no other page in the same browser; and nothing acts."""
    with shown(tmp_path) as browser:
        good = f"{browser.path}/en"
        assert browser.ask(good).status == 200
        for path in (
            "/",
            "/en",
            "/explorer/en",
            f"/{'A' * 43}/en",
            good[:10] + good[11:],
            good.replace("/en", "x/en"),
            "/%2e%2e",
        ):
            answer = browser.ask(path)
            assert answer.status == 403 and browser.path[1:] not in answer.body.decode(), path
        for host in ("localhost:80", f"evil.example:{browser.host.split(':')[1]}", f"127.0.0.1:{1}", ""):
            assert browser.ask(good, host=host).status == 421, host
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"https://{browser.host}"):
            assert browser.ask(good, Origin=origin).status == 403, origin
        assert browser.ask(good, Origin=f"http://{browser.host}", Sec_Fetch_Site="same-origin").status == 200
        assert browser.ask(good, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="script").status == 403
        assert browser.ask(good, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="iframe").status == 403
        assert (
            browser.ask(good, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="document").status == 200
        )  # the file that leads here
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "CONNECT"):
            assert browser.ask(good, method, Origin=f"http://{browser.host}").status in (405, 400), method
        answer = browser.ask(good)
        with closing(http.client.HTTPConnection(*browser.address, timeout=60)) as connection:  # told at once, and again
            connection.request("GET", f"{browser.path}/live")
            events = connection.getresponse()
            assert [events.readline() for _ in range(4)][0::3] == [b"event: head\n", b"event: head\n"]
        assert "Set-Cookie" not in answer.headers and answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert (
            answer.headers["Referrer-Policy"] == "no-referrer" and "Access-Control-Allow-Origin" not in answer.headers
        )
        begun = browser.ask(browser.path, Accept_Language="ru-RU,ru;q=0.9,en;q=0.5")
        assert begun.status == 302 and begun.headers["Location"] == f"{browser.path}/ru"
        assert browser.ask(f"{browser.path}/evidence/..%2fdashboard.json").status == 404


def test_each_start_has_a_link_of_its_own_which_its_user_alone_reads(tmp_path: Path) -> None:
    links = []
    for _ in range(2):
        with shown(tmp_path) as browser:
            file = tmp_path / LINK
            assert stat.S_IMODE(file.stat().st_mode) == 0o600 and browser.dashboard.link in file.read_text()
            links.append(browser.path)
        assert not file.exists()
        assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert links[0] != links[1] and all(len(link) > 40 for link in links)


# What it says


MOODS = {
    "right": (FACTS, Mood.RIGHT, "Everything this node has checked is right."),
    "framing": (replace(FACTS, work=Work(Task.FRAMING, 1, 3)), Mood.BUSY, "33% of it is fetched"),
    "framed": (replace(FACTS, framed=True), Mood.BUSY, "ballots are not re-checked yet"),
    "fetching": (replace(FACTS, work=Work(Task.FETCHING, 340, 1000)), Mood.BUSY, "34% fetched"),
    "checking": (replace(FACTS, work=Work(Task.CHECKING, 999, 1000)), Mood.BUSY, "99% checked"),
    "ended": (replace(FACTS, running=False), Mood.BUSY, "does not run"),
    "alone": (replace(FACTS, nodes=(), checked=0), Mood.BUSY, "No other node is known"),
    "unanswered": (replace(FACTS, checked=0), Mood.BUSY, "No other node has answered yet"),
    "lonely": (replace(FACTS, checked=NOW - LONELY - 1), Mood.BUSY, "No other node answers"),
    "asleep": (replace(FACTS, woke=NOW - 5), Mood.BUSY, "was asleep"),
    "old": (replace(FACTS, age=STALE + 1), Mood.BUSY, "5 minutes old"),
    "young": (replace(FACTS, age=STALE), Mood.RIGHT, "is right"),
    "embedded": (replace(FACTS, age=None), Mood.RIGHT, "is right"),
    "full": (replace(FACTS, free=DISK_LOW - 1), Mood.BUSY, "nearly full"),
    "not all": (replace(FACTS, unchecked=21), Mood.BUSY, "21 entries have not been re-checked"),
    "accused": (replace(FACTS, accused=(Accused("City archive", "evidence/ab.json"),)), Mood.BUSY, "City archive has signed two histories"),
    "a witness": (replace(FACTS, trouble=Verbatim("Another root.")), Mood.BUSY, "What a witness cosigned does not fit this ledger: Another root."),
    "liars": (replace(FACTS, nodes=(*FACTS.nodes, Seen("http://liar.example", Keeper.CITIZEN, Sight.DIFFERS))), Mood.RIGHT, "is right"),
    "an institution's": (replace(FACTS, nodes=(), checked=0, follows=False), Mood.RIGHT, "is right"),
    "fork": (replace(FACTS, fork=FORK), Mood.ALARM, "Two different histories"),
    "decided": (replace(FACTS, fork=FORK, decided=True), Mood.BUSY, "was told that its copy is the right one"),
    "broken": (replace(FACTS, broken=Broken(Verbatim("Entry 7 is odd."), NOW)), Mood.ALARM, "Entry 7 is odd."),
    "fork of one that ended": (replace(FACTS, fork=FORK, running=False, checked=0), Mood.ALARM, "Two different histories"),
}  # fmt: skip


@pytest.mark.parametrize("name", MOODS)
def test_a_mood_follows_from_facts(name: str) -> None:
    """Red is for signed heads that contradict and for proofs that fail; the page and the terminal have it from one place."""
    facts, mood, words = MOODS[name]
    standing = judge(facts)
    assert (
        standing.mood is mood and words in str(standing.says) and (mood is Mood.ALARM) == (standing.alarm is not None)
    )
    for language in languages():
        html = page(Shown(facts, [], None, {}), language, "/t")
        parsed = read(html)
        text = " ".join(said for _, said in parsed.texts)
        assert (standing.says.text(language) in text) and html.count("<h1") == 1
        assert ('role="alert"' in html) == (mood is Mood.ALARM) == ('class="alarm"' in html)
        title = re.search(r"<title>(.*?)</title>", html)
        assert title is not None and title[1].startswith({"en": "Alarm", "ru": "Тревога"}[language]) == (
            mood is Mood.ALARM
        )
        for tag, attribute, value in parsed.attributes:
            assert not attribute.startswith("on") and attribute != "style", (tag, attribute)
            if attribute in ("href", "src", "data-live"):
                assert re.match(r"/t/|#", value), (tag, attribute, value)


def test_what_others_wrote_is_shown_as_it_is() -> None:
    facts = replace(
        FACTS, name=Words(HOSTILE, HOSTILE), nodes=(Seen(HOSTILE, Keeper.TYPED, Sight.DIFFERS),),
        accused=(Accused(HOSTILE, "evidence/x.json"),), keys=(bytes(32),), broken=Broken(Verbatim(HOSTILE), NOW),
    )  # fmt: skip
    for language in languages():
        html = page(Shown(facts, [], None, {"x.json": Message("{what}", what=HOSTILE)}), language, "/t")
        read(html)
        assert (
            "<img" not in html
            and "<script>alert" not in html
            and "49" not in html.partition("<main")[2].partition("7*7")[0][-200:]
        )
        assert html.count("onerror=alert(1)&gt;") + html.count("onerror=alert(1)>") >= 4
        assert "onerror=alert(1)>" not in html


def test_of_many_nodes_a_dot_is_several_and_no_liar_is_rounded_away() -> None:
    few = [Seen(f"http://{number}.example", Keeper.CITIZEN, Sight.AGREES) for number in range(MOST)]
    assert len(dots_of(few)) == MOST
    many = [*few, *few, Seen("http://liar.example", Keeper.CITIZEN, Sight.DIFFERS)]
    dots = dots_of(many)
    assert (dots.count(Sight.AGREES), dots.count(Sight.DIFFERS)) == (2 * MOST // EACH, 1)
    html = page(Shown(replace(FACTS, nodes=tuple(many)), [], None, {}), "en", "/t")
    assert "One dot is 10 nodes." in html and html.count("<rect") == 2  # one is the legend's


def test_the_diary_is_bounded_whatever_others_do(tmp_path: Path) -> None:
    """Ten thousand liars push out no result, and what they say of themselves is cut; over restarts, and if the file is damaged."""
    diary = Diary(tmp_path)
    diary.note("poll", Message("The result of the poll “{title}” is in the ledger.", title="Trams"), NOW)
    for number in range(10_000):
        diary.note("liar", Verbatim(f"{number} {'x' * 10_000}"), NOW + number)
    diary.agreed({f"http://{number}.example": NOW + number for number in range(10_000)})
    diary.save()
    assert (tmp_path / FILE).stat().st_size < 1 << 17
    lines = Diary(tmp_path).lines()
    assert (
        len(lines) == OF_A_KIND + 1 and lines[0].en.startswith("9999 ") and all(len(one.en) <= LONGEST for one in lines)
    )
    assert lines[-1].says.text("ru") == "Итог голосования «Trams» в реестре."
    for damaged in (b"{", b"[" * 100_000, b'{"lines":[{"at":"x"}]}', bytes(2 << 20)):
        (tmp_path / FILE).write_bytes(damaged)
        assert Diary(tmp_path).lines() == []


# A node that runs


def test_the_page_of_a_node_that_follows(stage: Stage, tmp_path: Path) -> None:
    """It shows its head in the words that others show, goes on by itself, leads to the explorer, and names a liar that it left."""
    copy, honest = tmp_path / "copy", True

    def told(path: str, body: bytes) -> bytes:
        return body if honest or path != "/checkpoint" else body[:-9]

    with running(stage) as client, lying(client, told) as (liar, _):
        with following(stage, copy, client.address, liar) as (made, _), shown(copy, made, stage.now) as browser:
            until(lambda: re.search("2 of [0-9]+ known agree", browser.page()) is not None, made)
            before = browser.page()
            client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
            size = client.get("/status").json["final"]
            until(lambda: f"Head of {size} entries" in browser.page(), made)
            assert f"Head of {size} entries" not in before
            found = re.search(r'href="(http://127\.0\.0\.1:\d+)/explorer/en"', browser.page())
            assert found is not None and found[1] == url_of(made.address)
            honest = False
            left = f"does not hold: {url_of(liar)}"  # this machine may have others at the validators' addresses
            until(lambda: left in browser.page(), made)
            until(lambda: re.search("[1-9] disagree", browser.page()) is not None, made)
            until(lambda: f"неверно: {url_of(liar)}" in browser.page("ru"), made)
        kept = json.loads((copy / FILE).read_bytes())
        assert kept["agreed"][url_of(client.address)] and kept["work"] is None
        with shown(copy, now=stage.now) as browser:  # what happened is there after a restart
            assert left in browser.page()


def test_a_fork_is_red_over_restarts_and_its_evidence_can_be_saved(stage: Stage, tmp_path: Path) -> None:
    other, copy = stage.copy(tmp_path / "other"), tmp_path / "copy"
    with running(stage) as client, running(other) as forked:
        client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
        forked.wait(forked.hand_in(stage.ballots[1]).json["entry"], "final")
        with pytest.raises(Forked), following(stage, copy, client.address) as (made, _):
            made.book.type([url_of(forked.address)])
            until(lambda: False, made)
    for _ in range(2):
        with shown(copy, now=stage.now) as browser:
            html = browser.page()
            assert 'role="alert"' in html and "Two different histories" in html
            found = re.search(r'href="([^"]+/evidence/fork\.json)"', html)
            assert found is not None
            saved = browser.ask(found[1])
            assert saved.status == 200 and saved.body == evidence_file(copy, None).read_bytes()
            assert saved.headers["Content-Disposition"].startswith("attachment")
            assert saved.headers["X-Content-Type-Options"] == "nosniff"
    with shown(copy, now=stage.now, decided=True) as browser:
        assert 'role="alert"' not in browser.page() and "was told that its copy is the right one" in browser.page()


def test_what_does_not_hold_is_red_until_the_ledger_has_gone_on(stage: Stage, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with running(stage) as client, following(stage, copy, client.address) as (made, _):
        size = Folder(copy).checkpoint().checkpoint.size
        error = DoesNotHold("L4", "entry 9", Message("There is no such page."))
        keep_failure(copy, error, stage.now, size, made.engine.head)
        said = json.loads((copy / "evidence" / FAILURE).read_bytes())
        assert said["step"] == "L4" and said["head"].startswith("veche.example/")
        with shown(copy, made, stage.now) as browser:
            assert 'role="alert"' in browser.page() and "Тревога" in browser.page("ru")
            assert browser.ask(f"{browser.path}/evidence/{FAILURE}").status == 200
            client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")
            until(lambda: 'role="alert"' not in browser.page(), made)
    (copy / "evidence" / FAILURE).write_bytes(b"{")
    assert read_failure(copy) is not None  # a damaged file is no reason to say that all is well
    with shown(copy, now=stage.now) as browser:
        assert 'role="alert"' in browser.page()


def test_a_copy_that_was_not_checked_to_its_end_is_not_called_right(stage: Stage, tmp_path: Path) -> None:
    """It was killed while it checked what it had fetched."""
    with stage.open() as ledger:
        founding, size = ledger.entry(0), ledger.size
    for file in stage.folder.glob("veche.db*"):
        file.unlink()
    watch = Watch(stage.folder, AddressBook(stage.folder), clock=lambda: stage.now)
    watch.introduce(founding)
    facts = watch.facts()
    assert facts is not None and (facts.size, facts.left) == (size, size)
    entries = next(iter(rows(facts)))
    assert judge(replace(facts, follows=False)).mood is Mood.BUSY and "not all checked here" in str(entries.says)
    watch.progress(Task.CHECKING, lambda done, all_: None)(size - 1, size)
    facts = watch.facts()
    assert facts is not None and facts.left == 1


def test_catching_up_is_shown_from_the_beginning(stage: Stage, tmp_path: Path) -> None:
    """Before there is a copy, and with how much is done; polls that come later are told of, those of before are not."""
    with running(stage) as client:
        charter = client.get("/charter").body
    watch = Watch(tmp_path, AddressBook(tmp_path), clock=lambda: stage.now, every=0.1)
    with watch, Dashboard(watch) as dashboard:
        browser = Browser(dashboard)
        assert "looks for its ledger" in browser.page()
        watch.introduce(charter)
        told: list[tuple[int, int]] = []
        watch.progress(Task.CHECKING, lambda done, all_: told.append((done, all_)))(50, 200)
        assert told == [(50, 200)]
        until(lambda: "25% checked" in browser.page())
        watch.progress(Task.FETCHING, lambda done, all_: None)(190, 200)  # the rest still comes meanwhile
        with Lock(tmp_path / "lock", Message("It is made.")):  # as whoever copies holds it
            status = ok("node", "status", "-l", tmp_path, "--json", run=inside).json
        assert (status["mood"], status["percent"], status["root"]) == ("busy", 25, None)
        assert "25% checked" in status["says"]["en"]
        assert '<progress max="100" value="25"' in browser.page() and "Догоняем: проверено 25" in browser.page("ru")


@pytest.mark.parametrize("ended", [False, True])
def test_what_happened_is_told_once_and_of_what_was_before_nothing(ended: bool, stage: Stage, tmp_path: Path) -> None:
    """A poll that closes while the machine sleeps, or while the node does not run."""
    with stage.open() as ledger:
        closing = max(poll.closing for poll in ledger.state.polls())
    now = stage.now

    def begun() -> Watch:
        return Watch(stage.folder, AddressBook(stage.folder), clock=lambda: now, every=60)

    watch = begun()
    watch.look()
    assert watch.diary.lines() == []  # what was before is in the explorer
    watch.diary.save()
    now = closing + 1
    watch = begun() if ended else watch
    for _ in range(3):
        watch.look()
    assert Counter(line.kind for line in watch.diary.lines()) == ({"poll": 1} if ended else {"poll": 1, "sleep": 1})
    assert any("has closed" in line.en and "Окончено" in line.ru for line in watch.diary.lines())
    facts = watch.facts()
    assert facts is not None and (facts.woke > 0) == (not ended)


def test_what_was_signed_and_does_not_hold_stays_to_be_seen(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with the error, after its person has seen it, and the head is kept with it. The link is in no command line."""
    copy, opened, looked = stage.copy(tmp_path / "copy").folder, list[str](), list[str]()
    monkeypatch.setattr(webbrowser, "open", opened.append)
    charter = Folder(copy).checkpoint()

    def over() -> bool:
        (link,) = re.findall(r'href="(http://[^"]+)"', (copy / LINK).read_text())
        name, port = link.split("/")[2].split(":")
        looked.append(Client((name, int(port))).get("/" + link.split("/", 3)[3] + "/en").body.decode())
        return True

    with stage.open() as ledger:
        founding = ledger.entry(0)
    with (
        pytest.raises(DoesNotHold, match="Entry 7 is odd"),
        watched(copy, AddressBook(copy), founding, over, page=True, browser=True, decided=False),
    ):
        raise DoesNotHold("L4", "entry 7", Message("Entry 7 is odd."))
    assert opened == [(copy / LINK).resolve().as_uri()]
    assert len(looked) == 1 and 'role="alert"' in looked[0] and "Entry 7 is odd." in looked[0]
    said = capsys.readouterr()
    assert "ALARM. Entry 7 is odd." in said.err and "http://" not in said.out + said.err
    kept = json.loads((copy / "evidence" / FAILURE).read_bytes())
    assert kept["head"] == charter.to_bytes().decode() and kept["size"] == charter.checkpoint.size


def test_an_operator_who_signs_what_the_rules_refuse_is_seen_in_red(stage: Stage, tmp_path: Path) -> None:
    """The head is final and goes on from all that came before; only executing it shows that it is wrong. It is red then, and after a restart."""
    entries, copy = log_of(stage.folder), tmp_path / "copy"
    charter = read_charter(entries[0])
    if not isinstance(charter.engine, Embedded):
        pytest.skip("whoever has the one key shows it: two thirds of validators would do the same")
    kind, body = decode(next(one for one in reversed(entries) if one.startswith(b"\x82\x65block")))
    block = encode([kind, [body[0] + 1, stage.now, body[1], *body[3:]]])
    forged = publish(tmp_path / "forged", [*entries, block, stage.ballots[0][:-1] + b"?"], charter.origin, stage.key)
    files: dict[str, bytes | Callable[[], bytes]] = {
        f"/{path.relative_to(forged).as_posix()}": path.read_bytes() for path in forged.rglob("*") if path.is_file()
    }
    with (
        running(stage) as client,
        serving({**files, "/charter": entries[0], "/heads": b"[]", "/nodes": b"[]"}) as liar,
        pytest.raises(DoesNotHold, match="does not hold"),
        following(stage, copy, client.address) as (made, _),
        watched(copy, made.book, entries[0], bool, page=False, browser=False, decided=False) as watch,
        watch.following(made),
    ):
        made.book.type([liar])
        until(lambda: False, made)
    said = json.loads((copy / "evidence" / FAILURE).read_bytes())
    assert said["head"].encode() == files["/checkpoint"]
    with shown(copy, now=stage.now) as browser:
        assert 'role="alert"' in browser.page() and "The block from entry" in browser.page()
