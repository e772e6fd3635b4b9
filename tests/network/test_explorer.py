"""The explorer: pages of a played city, which need no script, say what the ledger says, and let no other text speak for them."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from audit.test_report import Strict, read
from engine.stage import Stage

from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.entries.poll import Choice
from veche.ledger.reader import read_own
from veche.ledger.shape import Text
from veche.node.explorer import door, index
from veche.node.explorer.index import FILE, Index
from veche.node.explorer.pages import Page, Pages, assets
from veche.texts import languages
from veche.words import in_words, word_list
from veche.world import EMBEDDED, World

from .conftest import Answer, Client, running

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }}'
"""The rules admit it: nothing but escaping keeps it from doing what it says."""
SPEED = Choice(
    Text(f"Speed? {HOSTILE}", f"Скорость? {HOSTILE}"), (Text("60", "60"), Text(HOSTILE, HOSTILE)), 1, 1, False
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A city with a poll that was decided and one that is open, on the engine of one institution."""
    folder = tmp_path_factory.mktemp("city")
    with World(folder, citizens={"Centre": 4, "North": 4}, registrars=(1, 1, 0), engine=EMBEDDED) as world:
        committee = world.form_committee()
        decided = world.poll([SPEED], committee=committee, districts=[("Centre", 1), ("North", 2)], days=1)
        world.wait_until(decided.definition.opens)
        for citizen in world.citizens:
            world.vote(citizen, decided, [[1, 0]])
        world.vote(world.citizens[0], decided, [[0, 1]])
        world.wait(2 * 86_400)
        world.trustees_act()
        said = [f"It will be done.\n{HOSTILE}", "Будет сделано."]
        world.say("outcome", [decided.id, "will", said, 0, []], world.organisers[0])
        world.say("notice", [b"", said, []], world.organisers[0])
        poll = world.poll([SPEED], committee=committee, days=1)
        world.wait_until(poll.definition.opens)
        ballots = [world.entry(citizen, poll, [[1, 0]]) for _ in range(2) for citizen in world.citizens]
    return Stage(folder / "ledger", world.now, ballots)


@pytest.fixture
def stage(played: Stage, tmp_path: Path) -> Stage:
    return played.copy(tmp_path / "ledger")


@pytest.fixture(scope="module")
def client(played: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A node that has gone through its ledger, and is only asked."""
    with running(played.copy(tmp_path_factory.mktemp("read") / "ledger")) as client:
        indexed(client)
        yield client


def indexed(client: Client) -> None:
    """Wait until pages have all that is in the ledger."""
    end = time.monotonic() + 60
    while "still going through" in client.get(f"/explorer/en/search?q={time.monotonic_ns():016x}").body.decode():
        assert time.monotonic() < end
        time.sleep(0.1)


def shown(answer: Answer) -> Strict:
    """A page that a browser can show without asking anybody else, and without running anything."""
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    html = answer.body.decode()
    page = read(html)
    assert html.startswith("<!doctype html>") and not page.open
    for tag, name, value in page.attributes:
        assert not name.startswith("on") and name != "style", (tag, name)
        if name in ("href", "src", "action", "data-words", "data-lists"):
            assert re.match(r"/(?!/)|#", value), (tag, name, value)
    assert not [text for tag, text in page.texts if tag in ("script", "style") and text.strip()]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"] and "Set-Cookie" not in answer.headers
    return page


def text_of(page: Strict) -> str:
    return " ".join(text for _, text in page.texts)


def links(page: Strict) -> list[str]:
    return [value for tag, name, value in page.attributes if tag == "a" and name == "href"]


def entries_of(stage: Stage) -> list[bytes]:
    with read_own(stage.folder) as reader:
        return list(reader.log.entries())


def test_every_page_that_a_page_leads_to_is_there(client: Client) -> None:
    """In both languages, and with everything that others wrote escaped."""
    waiting, seen, kinds = ["/explorer/en"], set[str](), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.startswith("/explorer/") or "/receipts/" in path:
            continue
        seen.add(path)
        answer = client.get(path)
        if answer.status == 404:  # behind the last entry
            assert "/entries/" in path, path
            continue
        assert answer.status == 200, path
        page = shown(answer)
        assert ("html", "lang", path.split("/")[2]) in page.attributes
        assert b"<script>alert" not in answer.body and b"<img" not in answer.body, path
        kinds.add("/".join(path.split("?")[0].split("/")[3:4]))
        waiting += links(page)
    assert kinds == {"", "blocks", "entries", "polls", "offices", "codes"}
    assert len([path for path in seen if path.startswith("/explorer/ru")]) > 50


def test_hostile_texts_are_shown_as_they_are(client: Client, played: Stage) -> None:
    polls = [link for link in links(shown(client.get("/explorer/ru/polls"))) if re.search(r"/ru/polls/\d+$", link)]
    assert len(polls) == 2
    assert all(f"Скорость? {HOSTILE}" in text_of(shown(client.get(path))) for path in polls)
    notice = max(number for number, data in enumerate(entries_of(played)) if decode(data)[0] == "notice")
    assert f"It will be done.\n{HOSTILE}" in text_of(shown(client.get(f"/explorer/ru/entries/{notice}")))


def test_a_ballot_says_what_became_of_it_and_what_its_words_are(client: Client, played: Stage) -> None:
    entries = entries_of(played)
    numbers = [number for number, data in enumerate(entries) if is_ballot(data)]
    first, last = (shown(client.get(f"/explorer/en/entries/{number}")) for number in (numbers[0], numbers[-1]))
    assert f"replaced by a later one from the same voter, entry {numbers[-1]}" in text_of(first)
    assert "is counted" in text_of(last)
    with read_own(played.folder) as reader:
        (poll,) = [poll for poll in reader.state.polls() if poll.decided is not None]
        (code,) = poll.frozen.kernel.codes([read_ballot(entries[numbers[0]]).ballot])
    assert in_words(code, "en") in text_of(first)
    assert in_words(code, "ru") in text_of(shown(client.get(f"/explorer/ru/entries/{numbers[0]}")))
    receipt = client.get(f"/explorer/receipts/{numbers[0]}")
    assert receipt.status == 200 and receipt.body.startswith(b"c2sp.org/tlog-proof@v1\n")


def test_a_ballot_is_found_by_its_words_without_sending_them(client: Client, played: Stage) -> None:
    """Without a script: a list is chosen, and read by eye. The field for words has no name, so no form ever sends what is in it."""
    codes = shown(client.get("/explorer/en/codes"))
    fields = [value for tag, name, value in codes.attributes if tag == "input" and name == "name"]
    assert fields == [] and ("input", "id", "typed") in codes.attributes
    (path,) = [link for link in links(codes) if re.search(r"/codes/0/0$", link)]
    rows = [value for tag, name, value in shown(client.get(path)).attributes if tag == "tr" and name == "data-code"]
    assert len(rows) == sum(map(is_ballot, entries_of(played))) and rows == sorted(rows)
    words = in_words(bytes.fromhex(rows[0]), "en")
    assert words in text_of(shown(client.get(path)))
    asked = client.ask("GET", "/explorer/en/search?q=" + words.replace(" ", "+"))
    assert asked.status == 404 and words not in text_of(shown(asked))
    pattern = next(value for _, name, value in shown(client.get("/explorer/en")).attributes if name == "pattern")
    assert re.fullmatch(pattern, "48213") and re.fullmatch(pattern, "ab" * 32)
    assert not re.fullmatch(pattern, words) and not re.fullmatch(pattern, "A" * 42 + "/")
    script = assets()["script"].data.decode()
    assert re.findall(r"fetched?\((.*)\)", script)[:1] and "sendBeacon" not in script and "XMLHttp" not in script


@pytest.mark.parametrize("longest", [4, 1 / 512])
def test_many_codes_are_in_many_lists(stage: Stage, monkeypatch: pytest.MonkeyPatch, longest: float) -> None:
    """One word chooses a list, or it takes two: in each list are exactly the ballots that begin so."""
    monkeypatch.setattr(index, "LIST", longest)
    monkeypatch.setattr(Index, "bits", property(lambda self: min(20, int(self.ballots / longest).bit_length())))
    with running(stage) as client:
        indexed(client)
        page = shown(client.get("/explorer/en/codes"))
        lists = [link for link in links(page) if "/codes/" in link or "?first=" in link]
        two = longest < 1
        assert len(lists) == (1024 if two else 4)
        found = []
        with closing(sqlite3.connect(stage.folder / FILE)) as db:
            codes = [code for (code,) in db.execute("SELECT code FROM ballot")]
        for code in codes:
            number = int.from_bytes(code[:5], "big") >> 20  # the first two words
            link = lists[number >> 10 if two else number >> 18]
            if two:
                lower = [one for one in links(shown(client.get(link))) if "/codes/" in one]
                link = lower[(number & 1023) * len(lower) >> 10]
            answer = shown(client.get(link))
            found.append(("tr", "data-code", code.hex()) in answer.attributes)
            bits, place = map(int, link.split("/")[-2:])
            assert all(
                int(value, 16) >> 80 - bits == place for _, name, value in answer.attributes if name == "data-code"
            )
        assert all(found) and len(found) == 9
        assert client.get("/explorer/en/codes/0/0").status == 404  # all of them at once: too long
        assert client.get("/explorer/en/codes/21/0").status == client.get("/explorer/en/codes/20/1048576").status == 404


def test_search(client: Client, played: Stage) -> None:
    def found(text: str) -> list[str]:
        page = shown(client.get(f"/explorer/en/search?q={text}"))
        return [link for link in links(page) if re.search(r"/(entries|blocks)/\d+$", link)]

    assert found("0") == ["/explorer/en/entries/0", "/explorer/en/blocks/0"]
    assert found("99999") == []
    with read_own(played.folder) as reader:
        poll = reader.state.polls()[0]
    assert found(poll.id.hex()) == found(poll.id.hex()[:11]) == found(poll.id.hex()[:8].upper())
    assert found(poll.id.hex()) == [f"/explorer/en/entries/{poll.number}"]
    assert found("0" * 64) == []


def test_what_is_not_there_is_said_in_a_page(client: Client) -> None:
    paths = ["/entries/99999", "/blocks/99999", "/polls/0", "/polls?stage=x", "/codes/0/1", "/nothing", "/blocks?below=x", "/blocks/0?from=99",
             "/entries/1234567890123456", "/codes?first=1", "/search?q=word", "/entries/-1", "/entries/%D9%A3", "/blocks?below=%D9%A3"]  # fmt: skip
    for path in paths:
        for language, said in (("en", "There is no such page."), ("ru", "Такой страницы нет.")):
            answer = client.get(f"/explorer/{language}{path}")
            assert answer.status == 404 and said in text_of(shown(answer)), path
            assert answer.headers["Cache-Control"] == "no-store"


def test_the_language_is_the_browsers(client: Client) -> None:
    def led(wanted: str) -> str:
        answer = client.ask("GET", "/", Accept_Language=wanted)
        assert answer.status == 302 and answer.headers["Vary"] == "Accept-Language"
        return answer.headers["Location"]

    assert led("ru-RU,ru;q=0.9,en;q=0.8") == led("de, ru;q=0.5, en;q=0.2") == "/explorer/ru"
    assert led("en") == led("") == led("de") == led("ru;q=x") == "/explorer/en"
    page = shown(client.get("/explorer/en/polls"))
    assert "/explorer/ru/polls" in links(page)


def test_a_page_is_made_once_for_all_who_ask(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    front = Pages.front

    def counted(pages: Pages) -> Page:
        nonlocal made
        made += 1
        return front(pages)

    monkeypatch.setattr(Pages, "front", counted)
    with running(stage) as client:
        indexed(client)
        answers = [client.get("/explorer/en") for _ in range(5)]
        assert made <= 2 and len({answer.body for answer in answers[1:]}) == 1
        tag = answers[-1].headers["ETag"]
        again = client.ask("GET", "/explorer/en", If_None_Match=tag)
        assert (again.status, again.body) == (304, b"") and again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "public, max-age=5"
        assert client.get("/explorer/en/blocks/0").headers["Cache-Control"] == "public, max-age=86400"
        assert client.get("/explorer/en/entries/0").headers["Cache-Control"] == "public, max-age=86400"
        kinds = [decode(data)[0] for data in entries_of(stage)]
        for kind in ("ballot", "committee-key"):  # of which something may be said later
            answer = client.get(f"/explorer/en/entries/{kinds.index(kind)}")
            assert answer.headers["Cache-Control"] == "public, max-age=5"
        for asset in assets().values():
            file = client.get(asset.path)
            assert file.body == asset.data and "immutable" in file.headers["Cache-Control"]
            assert file.headers["Content-Type"].startswith(asset.kind)
        monkeypatch.setattr(door, "WAITING", 0)
        monkeypatch.setattr(door, "FRESH", -1)
        monkeypatch.setattr(door, "STALE", -1)
        assert client.get("/explorer/en").status == 200  # an old one
        busy = client.get("/explorer/ru/offices")
        assert busy.status == 429 and busy.headers["Retry-After"] and shown(busy)


def test_what_comes_in_is_shown_and_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "FRESH", 0)
    monkeypatch.setattr(door, "LISTENING", 3)
    with running(stage) as client:
        indexed(client)
        taken = [client.wait(client.hand_in(stage.ballots[0]).json["entry"], "final")["number"]]
        page = text_of(shown(client.get(f"/explorer/en/entries/{taken[0]}")))
        assert "It will be counted, unless its voter votes again" in page
        taken.append(client.wait(client.hand_in(stage.ballots[8]).json["entry"], "final")["number"])
        told = client.get("/explorer/live").body.decode()
        assert f'event: head\ndata: {{"size":{taken[1] + 1}}}\n\n' in told
        assert "replaced by a later one" in text_of(shown(client.get(f"/explorer/en/entries/{taken[0]}")))
        indexed(client)
        listed = client.get("/explorer/en/codes/0/0").body.decode()
        row = next(row for row in listed.split("<tr ") if f"/entries/{taken[0]}" in row)
        assert "voted again later" in row


def test_the_index_is_made_again_where_it_does_not_fit(stage: Stage) -> None:
    def blocks() -> int:
        with running(stage) as client:
            indexed(client)
        with closing(sqlite3.connect(stage.folder / FILE)) as db:
            return int(db.execute("SELECT count(*) FROM block").fetchone()[0])

    whole = blocks()
    assert whole > 20
    with closing(sqlite3.connect(stage.folder / FILE)) as db, db:
        db.execute("DELETE FROM block")
        db.execute("UPDATE made SET root = ?", (bytes(32),))  # as if it were of another log
    assert blocks() == whole
    for file in stage.folder.glob(f"{FILE}-*"):
        file.unlink()
    (stage.folder / FILE).write_bytes(b"junk" * 1_000)
    assert blocks() == whole


def test_the_age_of_a_networks_head_is_said(made: Stage, tmp_path: Path) -> None:
    """The clock of this machine is long after the played city's. One institution's log key says no time."""
    with running(made.copy(tmp_path / "aged")) as client:
        network = client.get("/status").json["engine"] == "cometbft"
        assert ("what comes now is not final yet" in text_of(shown(client.get("/explorer/en")))) == network


def test_words_are_those_of_the_program() -> None:
    """What the script knows of words is what the program does."""
    words = assets()["words"].data.decode()
    assert all(word in words for language in languages() for word in word_list(language)[:3])
