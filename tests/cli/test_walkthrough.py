"""A pilot from the first key to the verified result: every step a command in a process of its own, with the real clock.

Each role has its own folder with its own key. Two trustees of three decrypt. What the commands print is what the next
ones are given, as a person would copy it.
"""

import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .city import found, poll_draft, sleep_until
from .conftest import PROGRAM, Engine, environment, fails, ok

Given = TypeVar("Given")
Got = TypeVar("Got")


def in_pairs(act: Callable[[Given], Got], many: Iterable[Given]) -> list[Got]:
    """Two people at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(act, many))


def test_a_pilot_from_the_first_key_to_the_verified_result(tmp_path: Path, engines: list[Engine]) -> None:
    began = time.monotonic()
    city = found(tmp_path)
    pace = (time.monotonic() - began) / 20  # seconds a command: there are about twenty in it
    ledger = ("--ledger", city.ledger)
    engines.append(Engine(city.ledger))
    one, two = city.organisers

    # The trustees make a key, each in a process of its own, at the same time.
    committee = ok("committee", "form", "--class", "pilot", "--key", one, *ledger, "--json").json["committee"]
    acting = [
        subprocess.Popen(
            [*PROGRAM, "trustee", "act", str(place), "--timeout", "60", *map(str, ledger)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        )
        for place in city.trustees
    ]  # fmt: skip
    for process in acting:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        assert out.count("is entry") == 3
    assert ok("committee", "show", committee[:8], *ledger, "--json").json["finished"] is not None

    # Two organisers sign the same entry, one after the other.
    (tmp_path / "map.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    draft, entry = tmp_path / "poll.toml", tmp_path / "poll.entry"
    # As long as it takes on this machine now, twice over: five commands and two pairs, then ten in pairs and seven.
    opens = time.time() + 4 + 22 * pace
    closes = opens + 4 + 36 * pace
    draft.write_text(poll_draft(committee[:10], opens, closes), encoding="utf-8")
    assert "Which limit? / Какое ограничение?" in ok("poll", "preview", draft, *ledger).out
    assert "1 more organiser must sign" in ok("poll", "sign", draft, "--key", one, *ledger).out
    fails(1, "organisers signed", "poll", "publish", entry, *ledger)
    assert "Publish it" in ok("poll", "sign", entry, "--key", two, *ledger).out
    poll = ok("poll", "publish", entry, *ledger, "--json").json["poll"]
    in_pairs(lambda place: ok("registrar", "open", place, poll[:6], *ledger), city.registrars)

    # Citizens: permits before opening, votes after, one of them twice, one who checks their device first.
    registrars = [word for place in city.registrars for word in ("--registrar", place)]

    def vote(person: int, *words: object) -> dict[str, Any]:
        seed = tmp_path / f"voter-{person}.seed"
        who = ("--person", f"person-{person}", *registrars)
        sealed = ok("vote", poll[:8], *ledger, "--seed", seed, *who, *words, "--seal", "--json").json
        cast = ok("cast", poll[:8], *ledger, "--seed", seed, "--receipts", tmp_path, "--json").json
        assert cast["code"] == sealed["code"]
        return dict(cast)

    def seed(person: int) -> tuple[str, Path]:
        return "--seed", tmp_path / f"voter-{person}.seed"

    in_pairs(
        lambda person: ok(
            "vote", poll[:8], *ledger, *seed(person), "--person", f"person-{person}", *registrars, "--collect"
        ),
        range(2),
    )
    assert time.time() < opens, "the machine is too slow for this test: open the poll later"
    sleep_until(opens + 1)
    votes = in_pairs(
        lambda person: vote(person, "-c", str(1 + person % 3), "-c", "1,3" if person else "blank"), range(5)
    )
    again = vote(0, "-c", "2", "-c", "2")
    ok("vote", poll[:8], *ledger, *seed(2), "-c", "1", "-c", "1", "--seal")
    code = ok("vote", poll[:8], *ledger, *seed(1), "-c", "3", "-c", "blank", "--seal", "--json").json["code"]
    assert time.time() < closes, "the machine is too slow for this test: give the poll more seconds"
    opened = ok("open", poll[:8], *ledger, *seed(1), "--output", tmp_path / "opened.json")
    assert "nobody can cast it" in opened.out
    assert "40" in ok("check", code, tmp_path / "opened.json", *ledger).out
    fails(2, "You have sealed no ballot", "cast", poll[:8], *ledger, *seed(1), "--receipts", tmp_path)

    # Tracker and receipt.
    assert "replaced" in ok("find", votes[0]["tracker"], *ledger, "--json").out
    assert ok("find", again["tracker"], *ledger, "--json").json[0]["state"] in ("last", "counted")
    assert "The receipt holds" in ok("ledger", "check-receipt", again["receipt"], *ledger).out
    vkey = ok("ledger", "show", "--ledger", city.ledger, "--json").json["vkeys"][0]
    assert "The receipt holds" in ok("ledger", "check-receipt", again["receipt"], "--key", vkey).out
    kept = tmp_path / "kept-checkpoint"
    kept.write_bytes((city.ledger / "checkpoint").read_bytes())

    # Closed: nobody votes any more; two trustees of three decrypt; the registrars account for their permits.
    sleep_until(closes + 3)
    fails(2, "takes no ballots any more", "vote", poll[:8], *ledger, *seed(1), "-c", "1", "-c", "1", "--seal")
    fails(1, "closed", "cast", poll[:8], *ledger, *seed(2), "--receipts", tmp_path)
    for place in city.trustees[:2]:
        assert "decryption" in ok("trustee", "act", place, *ledger).out
    shown = ok("poll", "show", poll[:8], *ledger, "--json").json
    assert shown["status"] == "decided" and shown["counted"] == 5
    assert [[answer["votes"] for answer in question["answers"]] for question in shown["questions"]] == [
        [1, 3, 1],
        [4, 1, 4, 0],
    ]
    assert [group["counted"] for group in shown["groups"]] == [2, 3] and shown["people"] == 6
    late = ok("poll", "show", poll[:8], *ledger).out
    assert "No share from: " in late
    assert "decryption" in ok("trustee", "act", city.trustees[2], *ledger).out  # not needed, and taken all the same
    assert "nothing is due" in ok("trustee", "act", city.trustees[2], *ledger).out
    assert "No share from: " not in ok("poll", "show", poll[:8], *ledger).out
    for place in city.registrars:
        assert ok("registrar", "issuance", place, poll[:8], *ledger, "--json").json["groups"] == [
            {"name": {"en": "Arbat", "ru": "Арбат"}, "issued": 2},
            {"name": {"en": "Presnensky", "ru": "Пресненский"}, "issued": 3},
        ]
    for person, served in ((0, True), (5, False)):
        row = tmp_path / f"row-{person}.json"
        ok("registrar", "proof", city.registrars[0], poll[:8], *ledger, "--person", f"person-{person}", "-o", row)
        assert ok("registrar", "check-proof", row, *ledger, "--json").json["served"] is served
    ok("poll", "outcome", poll[:8], "will", "--text", "50 from May.", "--text-ru", "50 с мая.", "--due", "2027-05-01",
       "--key", one, *ledger)  # fmt: skip
    assert "50 from May." in ok("poll", "show", poll[:8], *ledger).out
    for place in city.registrars:
        ok("registrar", "erase", place, poll[:8], "--yes", *ledger)

    # The ledger goes on from what was kept, and holds as a whole.
    assert "nothing was changed" in ok("ledger", "consistency", "--ledger", city.ledger, kept).out
    assert engines[0].stop().code == 0
    ok("verify", city.ledger)
    assert "Speed and courtyard" in ok("ledger", "log", "--ledger", city.ledger, "--kind", "poll").out
