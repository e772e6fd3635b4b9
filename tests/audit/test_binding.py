"""The file beside an archive: whatever is changed in it is refused. (For the attack it answers: scenarios/colluding_trustee.py.)"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veche.audit.binding import binding_json, verify_binding
from veche.audit.export import write_archive
from veche.ballot.archive.archive import Archive
from veche.errors import DoesNotHold
from veche.ledger.codec import decode, encode

from .city import City

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def archive(large: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A poll with two cells."""
    return write_archive(large.verified, large.poll("courtyard"), tmp_path_factory.mktemp("bound") / "poll.bel").archive


@pytest.fixture(scope="module")
def good(large: City) -> bytes:
    return binding_json(large.verified, large.poll("courtyard"))


def check(archive: Path, content: bytes) -> None:
    with Archive.open(archive) as opened:
        verify_binding(opened, content)


def refused(archive: Path, content: bytes) -> DoesNotHold:
    with pytest.raises(DoesNotHold) as caught:
        check(archive, content)
    error = caught.value
    assert (
        error.message.startswith("Beside the archive, ") and error.message.endswith(".") and "\n" not in error.message
    )
    return error


def test_it_holds_and_is_documented(archive: Path, good: bytes) -> None:
    check(archive, good)
    found = json.loads(good)
    assert set(found) == {"format", "ledger", "poll", "phi", "tally", "shares", "cells"}
    assert [share["trustee"] for share in found["shares"]] == [1, 3] and len(found["shares"][0]["parts"]) == 3
    both = zip(*found["cells"], strict=True)
    assert [[sum(numbers) for numbers in zip(*rows, strict=True)] for rows in both] == [[1, 9, 4, 0], [0, 10, 0, 0]]


def _tally(change: Callable[[list[Any]], None]) -> Change:
    def apply(found: dict[str, Any]) -> None:
        item = decode(bytes.fromhex(found["tally"]))
        change(item[1])
        found["tally"] = encode(item).hex()

    return apply


def _flip(text: str, at: int) -> str:
    return text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :]


CHANGES: list[tuple[str, Change]] = [
    ("B1", lambda f: f.update(format="veche-bound-v2")),
    ("B1", lambda f: f.update(more=1)),
    ("B1", lambda f: f.pop("cells")),
    ("B1", lambda f: f.update(phi=_flip(f["phi"], 42))),
    ("B1", lambda f: f.update(poll="00" * 32)),
    ("B1", lambda f: f.update(ledger="00")),
    ("B1", lambda f: f.update(tally="xyz")),
    ("B1", lambda f: f.update(tally=f["tally"].upper())),
    ("B2", lambda f: f.update(tally=f["tally"] + "00")),
    ("B2", lambda f: f.update(tally=encode(["too-few", [b"", 1, b""]]).hex())),
    ("B2", _tally(lambda body: body.__setitem__(0, bytes(32)))),
    ("B2", _tally(lambda body: body.__setitem__(1, body[1] + 1))),
    ("B2", _tally(lambda body: body[3].pop())),
    ("B2", _tally(lambda body: body[3].reverse() or body[3].pop())),
    ("B3", _tally(lambda body: body.__setitem__(2, bytes(32)))),  # the proofs hash the whole entry
    ("B3", _tally(lambda body: body[3].reverse())),
    ("B3", lambda f: f["shares"].pop()),
    ("B3", lambda f: f["shares"].append(f["shares"][0])),
    ("B3", lambda f: f["shares"].reverse() or f["shares"][0].update(trustee=2)),
    ("B3", lambda f: f["shares"][0]["parts"].pop()),
    ("B3", lambda f: f["shares"][0]["parts"][0].update(bound=f["shares"][1]["parts"][0]["bound"])),
    ("B3", lambda f: f["shares"][0]["parts"][0].update(factors=f["shares"][1]["parts"][0]["factors"])),
    ("B3", lambda f: f["shares"][0]["parts"][1].update(factors="00")),
    ("B1", lambda f: f["shares"][0]["parts"][1].update(factors="")),
    ("B4", lambda f: f["cells"].pop()),
    ("B4", lambda f: f["cells"].reverse()),
    ("B4", lambda f: f["cells"][0][0].__setitem__(0, 7)),
    ("B4", lambda f: f["cells"][0][0].__setitem__(0, -1)),
    ("B4", lambda f: f["cells"][0][0].__setitem__(0, 2**300)),
    ("B4", lambda f: f["cells"][0].pop()),
]


@pytest.mark.parametrize(("step", "change"), CHANGES)
def test_what_is_changed_is_refused(archive: Path, good: bytes, step: str, change: Change) -> None:
    found = json.loads(good)
    change(found)
    assert refused(archive, json.dumps(found).encode()).step == step


def test_a_key_that_stands_twice(archive: Path, good: bytes) -> None:
    """One reader would check the first tally, another the last."""
    twice = good.replace(b'"tally":', b'"tally": "00", "tally":', 1)
    assert json.loads(twice) == json.loads(good)
    assert refused(archive, twice).step == "B1"
    check(archive, b"\xef\xbb\xbf" + good)


def test_every_digit_counts(archive: Path, good: bytes) -> None:
    """Of all that is in hexadecimal but the ledger's id, of which the archive knows nothing."""
    found = json.loads(good)
    for share in (0, 1):
        for part in (0, 1, 2):
            for name in ("factors", "bound"):
                text = found["shares"][share]["parts"][part][name]
                at = (7 * share + 31 * part) % len(text)
                changed = json.loads(good)
                changed["shares"][share]["parts"][part][name] = _flip(text, at)
                assert refused(archive, json.dumps(changed).encode()).step == "B3"


def test_another_polls_file_is_refused(archive: Path, large: City) -> None:
    assert refused(archive, binding_json(large.verified, large.poll("speed"))).step == "B1"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=200) | st.sampled_from([b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"format":1}'])
)
def test_anything_else_gets_a_plain_sentence(archive: Path, content: bytes) -> None:
    assert refused(archive, content).step == "B1"
