"""Changes at random: whatever is done to an archive, the answer is a verdict in a plain sentence, soon."""

import json
import random
from typing import Any

from belenios import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold, Unsupported, VecheError

from .assemble import Parts, sha
from .check import verdict

EXAMPLES = sorted((SHARED / "belenios" / "good").glob("*.bel"))


def is_refused(archive: bytes | Parts) -> None:
    try:
        report = verdict(archive)
    except (DoesNotHold, Unsupported) as error:
        assert error.message.endswith(".") and "\n" not in error.message
    else:
        raise AssertionError(f"a changed archive passed: {report}")


def test_every_byte_of_an_archive_matters() -> None:
    """Each byte in turn is changed to another at random."""
    content = next(path for path in EXAMPLES if path.stem == "tool30-no-ballots").read_bytes()
    source = random.Random(1)
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= source.randrange(1, 256)
        is_refused(bytes(changed))


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=300, deadline=None)
def test_changed_bytes(path: Any, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[position] ^= data.draw(st.integers(1, 255))
        elif data.draw(st.booleans()):
            del content[position : position + data.draw(st.sampled_from([1, 2, 512, 1024]))]
        else:
            content[position:position] = data.draw(st.binary(min_size=1, max_size=16))
        if not content or bytes(content) == path.read_bytes():
            return
    is_refused(bytes(content))


CHARACTERS = b'0123456789abcdef"{}[],:\\ \n\xff\0-+.eE'


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_changed_documents_of_which_all_hashes_fit(good: Parts, data: st.DataObject) -> None:
    """A character of a document is changed, and everything that names the document is made to fit."""
    places = [(kind, number) for kind in ("Setup", "EncryptedTally", "Result") for number in [0]]
    places += [("Ballot", n) for n in range(4)] + [("PartialDecryption", n) for n in range(4)]
    kind, number = data.draw(st.sampled_from(places))
    documents = good.steps[good.find(kind)[number]].data
    which = data.draw(st.integers(0, len(documents) - 1))
    text = bytearray(documents[which])
    position = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["replace", "insert", "delete"]))
    character = bytes([data.draw(st.sampled_from(CHARACTERS))])
    text[position : position + (change != "insert")] = b"" if change == "delete" else character
    if bytes(text) == documents[which]:
        return
    archive = good.with_data(kind, number, which, bytes(text))
    if (kind, which) == ("Setup", 2):
        # Voter 4 did not vote: nothing in an archive proves what their credential and weight were.
        try:
            assert verdict(archive).result == verdict(good).result
        except VecheError as error:
            assert error.message.endswith(".")
    else:
        is_refused(archive)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_values_of_documents_exchanged(good: Parts, data: st.DataObject) -> None:
    """Two strings or numbers of an archive's documents change places: points for points, proofs for proofs."""
    documents = [(i, w) for i, step in enumerate(good.steps) for w in range(len(step.data)) if (i, w) != (0, 2)]
    a = data.draw(st.sampled_from(documents))
    b = data.draw(st.sampled_from(documents))
    contents = {place: json.loads(good.steps[place[0]].data[place[1]]) for place in {a, b}}
    first, second = data.draw(st.sampled_from(leaves(contents[a]))), data.draw(st.sampled_from(leaves(contents[b])))
    x, y = get(contents[a], first), get(contents[b], second)
    if x == y or (isinstance(x, str) and x.startswith("{")):
        return
    put(contents[a], first, y)
    put(contents[b], second, x)
    archive = good
    for (step, which), content in contents.items():
        kind = archive.steps[step].kind
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        archive = archive.with_data(kind, archive.find(kind).index(step), which, text)
    is_refused(archive)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for k, v in value.items() for leaf in leaves(v, (*path, k))]
    if isinstance(value, list):
        return [leaf for i, v in enumerate(value) for leaf in leaves(v, (*path, i))]
    return [path]


def get(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: tuple[Any, ...], new: Any) -> None:
    get(value, path[:-1])[path[-1]] = new


@given(st.binary(max_size=3000))
@settings(max_examples=200, deadline=None)
def test_anything_at_all(content: bytes) -> None:
    is_refused(content)
    is_refused(b"BELENIOS" + content)


def test_hashes_are_made_to_fit(good: Parts) -> None:
    """The tests above prove nothing if the archives that they make are bad for another reason."""
    same = good.with_data("Ballot", 0, 0, good.data("Ballot", 0, 0))
    for kind, number, which in (("Setup", 0, 1), ("EncryptedTally", 0, 0), ("PartialDecryption", 2, 0)):
        same = same.with_data(kind, number, which, good.data(kind, number, which))
        other = good.with_data(kind, number, which, b"[]")
        assert sha(b"[]") in other.data(kind, number, -1).decode()
    assert same.to_bytes() == good.to_bytes()
    assert verdict(same).counted == 3
