"""Two verifiers that share no line of code: what one says of a ledger, the other says (docs/protocol.md, all of it).

The stranger's was written from the page alone. Nothing of the project is imported into it; a test here checks that.
"""

import ast
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from doctor import ORIGIN, change, drop, drop_block, edit, find, flip, insert, publish, replace, sign_anew, swap

from veche.audit.ledger import verify_ledger
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.signing import sign
from veche.log.source import Folder

from . import city as cities
from . import group
from .cbor import Refused
from .city import City
from .verify import verify

STATES = {"decided": "result", "too-few": "too-few", "void": "void", "cancelled": "cancelled", "counting": "tally"}
Doctor = Callable[[City], list[bytes]]


@pytest.fixture(scope="module")
def threshold(tmp_path_factory: pytest.TempPathFactory) -> City:
    return cities.threshold(tmp_path_factory.mktemp("threshold") / "city")


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> City:
    return cities.single(tmp_path_factory.mktemp("single") / "city")


def agree(city: City, folder: Path) -> None:
    """Both verifiers say the same of every poll."""
    state = verify_ledger(Folder(folder)).state
    found = verify(folder, city.id.hex())
    assert len(found) == len(city.polls)
    for poll in city.polls.values():
        ours = state.poll(poll)
        assert ours is not None
        result = ours.result.body()[2:] if ours.result else []
        assert found[poll.hex()] == (STATES[ours.phase], result)


def both_refuse(folder: Path, why: str | None = None) -> None:
    with pytest.raises(DoesNotHold):
        verify_ledger(Folder(folder))
    with pytest.raises(Refused, match=why):
        verify(folder)


def test_the_stranger_knows_nothing_of_the_project() -> None:
    standard = (
        "base64 binascii collections dataclasses hashlib json math os pathlib re stat stringprep sys typing unicodedata"
    )
    allowed = {*standard.split(), "cryptography", "nacl"}
    here = Path(__file__).parent.glob("*.py")
    files = [path for path in here if path.name != "city.py" and not path.name.startswith("test_")]
    assert len(files) == 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""] if not node.level else []
                assert node.level < 2 and (not node.level or node.module != "city")
            assert {name.partition(".")[0] for name in names} <= allowed, path


def test_a_threshold_city(threshold: City) -> None:
    """Re-votes, a blank vote, two questions, weights, merged groups, an absent trustee, every end of a poll, a halt, void committees."""
    wanted = "committee-complaint committee-void void too-few tally result cancel notice issuance outcome"
    assert {decode(entry)[0] for entry in threshold.entries} >= set(wanted.split())
    agree(threshold, threshold.folder)
    yard = verify(threshold.folder)[threshold.polls["yard"].hex()]
    assert yard == ("result", [[[5, 13, 4, 0], [5, 18, 0]], [[[5, 5, 0, 0], [5, 10, 0]], [[0, 8, 4, 0], [0, 8, 0]]]])


def test_a_single_city(single: City) -> None:
    agree(single, single.folder)


def test_the_beginning_of_a_log(threshold: City, tmp_path: Path) -> None:
    """Wherever a block ends, the log may end; anywhere else both refuse, or both do not mind."""
    rng = random.Random(1)
    for size in rng.sample(range(2, len(threshold.entries)), 8):
        folder = publish(tmp_path / str(size), threshold.entries[:size], ORIGIN, threshold.log_key)
        try:
            verify_ledger(Folder(folder))
        except DoesNotHold:
            with pytest.raises(Refused):
                verify(folder)
        else:
            verify(folder)


def test_a_log_that_grew_while_it_was_copied(threshold: City, tmp_path: Path) -> None:
    """The checkpoint of a shorter log over the tiles of a longer one."""
    short = next(i for i in range(100, 150) if decode(threshold.entries[i])[0] == "block")
    publish(tmp_path / "short", threshold.entries[:short], ORIGIN, threshold.log_key)
    shutil.copytree(threshold.folder / "tile", tmp_path / "grown" / "tile")
    shutil.copyfile(tmp_path / "short" / "checkpoint", tmp_path / "grown" / "checkpoint")
    verify_ledger(Folder(tmp_path / "grown"))
    assert verify(tmp_path / "grown") == verify(tmp_path / "short")


# The doctors: each gets a city and gives the entries of another log, which its operator signs.


def at(city: City, kind: str, nth: int = 0) -> int:
    """The place of an entry of this kind."""
    return find(city.entries, kind, nth)


def cast_late(city: City) -> list[bytes]:
    return insert(city.entries, at(city, "too-few") + 1, city.spare["good"])


def spare(name: str) -> Doctor:
    """A ballot that was never handed in, right after one of the same poll."""

    def doctor(city: City) -> list[bytes]:
        return insert(city.entries, at(city, "ballot", -1) - 1, city.spare[name])

    return doctor


def hide_the_halt(city: City) -> list[bytes]:
    place = next(i for i in range(len(city.entries)) if _gap(city.entries[i]) > 600)
    return change(city.entries, place, [1, 2], decode(city.entries[place])[1][1] - 600)


def _gap(entry: bytes) -> int:
    kind, body, *_ = decode(entry)
    return body[1] - body[2] if kind == "block" else 0


def back_in_time(city: City) -> list[bytes]:
    """The last block says that it came before the one before it."""
    place = at(city, "block", -1)
    return change(city.entries, place, [1, 1], decode(city.entries[place])[1][2] - 1)


def cancel_by_two(city: City) -> list[bytes]:
    entry = sign(city.id, "cancel", [city.polls["speed"], ["No.", "Нет."]], city.organisers)
    return insert(city.entries, at(city, "ballot", -1) + 1, entry)


def poll_without_notice(city: City) -> list[bytes]:
    place = at(city, "poll")
    poll = edit(city.entries[place], [1, 5], decode(city.entries[place - 1])[1][1] + 3599)
    return insert(city.entries, place + 1, sign_anew(city.id, poll, *city.organisers))


def one_organiser(city: City) -> list[bytes]:
    place = at(city, "poll")
    poll = edit(city.entries[place], [1, 6], decode(city.entries[place])[1][6] + 1)
    return insert(city.entries, place + 1, sign_anew(city.id, poll, city.organisers[0]))


def empty_block(city: City) -> list[bytes]:
    _, (height, time, *_) = decode(city.entries[at(city, "block", -1)])
    return [*city.entries, encode(["block", [height + 1, time + 1, time]])]


def other_proofs(city: City) -> list[bytes]:
    """A decryption with the proofs of another one by the same trustee, signed by them."""
    place = at(city, "decryption")
    proofs = decode(city.entries[at(city, "decryption", 1)])[1][6][: len(decode(city.entries[place])[1][6])]
    entry = edit(city.entries[place], [1, 6], proofs)
    return replace(city.entries, place, sign_anew(city.id, entry, city.trustees[0]))


DOCTORS: list[tuple[str, str, Doctor]] = [
    ("a ballot is dropped", "exactly k permits", lambda c: drop_block(c.entries, at(c, "ballot"))),
    ("a re-vote is dropped", "a tally is not", lambda c: drop_block(c.entries, at(c, "ballot", -5))),
    ("a ballot stands there twice", "permits again", lambda c: insert(c.entries, at(c, "ballot") + 1, c.entries[at(c, "ballot")])),
    ("a good ballot more, which nobody tallied", "a tally is not", spare("good")),
    ("a good ballot comes late", "not open", cast_late),
    ("a re-vote comes before the first vote", "exactly k permits", lambda c: swap(c.entries, at(c, "ballot"), at(c, "ballot", -5))),
    ("an older turn", "later turn", spare("old turn")),
    ("turn 33", "between 1 and 32", spare("turn 33")),
    ("permits again", "permits again", spare("permits again")),
    ("no permits", "exactly k", spare("no permits")),
    ("a permit too few", "exactly k", spare("one permit")),
    ("a permit twice", "ascending", spare("one permit twice")),
    ("the permits of another", "a permit does not hold", spare("another's permits")),
    ("a cast signature spelt otherwise", "cast signature", spare("a twisted cast")),
    ("a proof is wrong", "signature does not hold", spare("a response")),
    ("a scalar is not reduced", "not reduced", spare("not reduced")),
    ("a challenge is wrong", "a proof of a ballot", spare("a challenge")),
    ("a commitment is negated", "a proof of a ballot", spare("a commitment")),
    ("a ballot of another poll", "cast signature", spare("elsewhere")),
    ("the tally counts one more", "a tally is not", lambda c: change(c.entries, at(c, "tally"), [1, 1], 6)),
    ("the tally has another root", "a tally is not", lambda c: change(c.entries, at(c, "tally"), [1, 2], bytes(32))),
    ("the result says something else", "not what was decrypted", lambda c: change(c.entries, at(c, "result"), [1, 2, 0, 0], 7)),
    ("a cell is changed", "not what was decrypted", lambda c: change(c.entries, at(c, "result", 1), [1, 3, 0, 0, 0], 6)),
    ("the result names the absent", "other trustees", lambda c: change(c.entries, at(c, "result"), [1, 1], [1, 2])),
    ("the result is there twice", "none to come", lambda c: insert(c.entries, at(c, "result"), c.entries[at(c, "result")])),
    ("too-few becomes a tally", "a tally is not", lambda c: change(c.entries, at(c, "too-few"), [0], "tally")),
    ("the result before the shares", "none to come", lambda c: insert(c.entries, at(c, "decryption"), c.entries[at(c, "result")])),
    ("a void poll lives on", "left out what fell due", lambda c: drop_block(c.entries, at(c, "void"))),
    ("another reason", "not made void", lambda c: change(c.entries, at(c, "void"), [1, 1], "because")),
    ("a void committee lives on", "something that is due", lambda c: drop(c.entries, at(c, "committee-void"))),
    ("a stalled committee lives on", "something that is due", lambda c: drop(c.entries, at(c, "committee-void", 1))),
    ("time goes back", "older", back_in_time),
    ("a block's height again", "not higher", lambda c: change(c.entries, at(c, "block", 9), [1, 0], 1)),
    ("the halt is hidden", "left out what fell due", hide_the_halt),
    ("a block for nothing", "appends nothing", empty_block),
    ("the charter's block is missing", "not the charter's", lambda c: drop(c.entries, 1)),
    ("a cancellation by two", "too few institutions", cancel_by_two),
    ("a poll without notice", "too soon", poll_without_notice),
    ("a poll by one organiser", "too few organisers", one_organiser),
    ("a statement is played again", "played again", lambda c: [*c.entries, c.entries[at(c, "notice")]]),
    ("a key comes before all shares", "before all shares", lambda c: swap(c.entries, at(c, "committee-key"), at(c, "committee-shares", 3))),
    ("another's proofs", "not proved for this tally", other_proofs),
    ("the issuance of another", "signature of", lambda c: change(c.entries, at(c, "issuance"), [2], decode(c.entries[at(c, "issuance", 1)])[2])),
    ("nobody signed the charter", "does not have 1 to", lambda c: change(c.entries, 0, [2], [])),
    ("an indefinite length", "no place in it", lambda c: [*c.entries[:-1], b"\x9f" + c.entries[-1][1:] + b"\xff"]),
    ("nothing at all", "is empty", lambda c: []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "doctor"), [pytest.param(why, doctor, id=name) for name, why, doctor in DOCTORS])
def test_a_doctored_log(threshold: City, tmp_path: Path, why: str, doctor: Doctor) -> None:
    entries = doctor(threshold)
    assert entries != threshold.entries
    both_refuse(publish(tmp_path / "ledger", entries, ORIGIN, threshold.log_key), why)


def test_one_bit_of_any_entry(single: City, tmp_path: Path) -> None:
    """In every entry that is not a block; the charter's text apart, a bit changes what somebody signed or the rules derive."""
    rng = random.Random(2)
    for place, entry in enumerate(single.entries):
        if decode(entry)[0] != "block":
            bit = rng.randrange(8 * len(entry))
            entries = replace(single.entries, place, flip(entry, bit))
            both_refuse(publish(tmp_path / str(place), entries, ORIGIN, single.log_key))


def test_files(single: City, tmp_path: Path) -> None:
    """The checkpoint of another key, a tile that is missing, one that is wrong, an attachment that is not what its name says."""
    both_refuse(publish(tmp_path / "key", single.entries, ORIGIN, SigningKey.generate()), "not signed by the log's key")
    good = publish(tmp_path / "good", single.entries, ORIGIN, single.log_key)
    agree(single, good)
    for name in ("checkpoint", f"tile/0/000.p/{len(single.entries)}", f"tile/entries/000.p/{len(single.entries)}"):
        content = (good / name).read_bytes()
        for bad in (None, content[:-1], content + b"\0", bytes([content[0] ^ 1]) + content[1:]):
            (good / name).unlink()
            if bad is not None:
                (good / name).write_bytes(bad)
            if name != "checkpoint" or bad not in (None, content[:-1]):
                both_refuse(good)
            elif bad is not None:  # an end of a line is no part of what a checkpoint says
                agree(single, good)
            else:
                with pytest.raises(UserError, match="has no checkpoint"):
                    verify_ledger(Folder(good))
                with pytest.raises(Refused):
                    verify(good)
            (good / name).write_bytes(content)
    (good / "attachment").mkdir()
    (good / "attachment" / group.sha(bytes(40)).hex()).write_bytes(bytes(40))
    agree(single, good)
    (good / "attachment" / group.sha(bytes(40)).hex()).write_bytes(bytes(41))
    both_refuse(good)
    with pytest.raises(Refused, match="another ledger"):
        verify(single.folder, "00" * 32)
