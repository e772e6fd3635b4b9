"""Whose key was replaced, or who once used a wrong one, goes on: what was said is said again, signed by the key that holds the seat."""

from pathlib import Path

import pytest

from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.entries.office import Role
from veche.trustee.trustee import Trustee

from .city import City


def rotate(city: City, number: int, key: bytes) -> None:
    """Put another key in the place of a trustee's, with their signature: it takes effect at once."""
    trustee = city.trustees[number - 1]
    city.ledger.say("office", ["rotate", trustee.institution, Role.TRUSTEE, key, 0], city.organiser, trustee.keys[0])


def signers(entry: bytes) -> list[bytes]:
    return [key for key, _ in decode(entry)[2]]


@pytest.mark.parametrize("mode", ["pedersen", "single"])
def test_a_trustee_whose_key_was_replaced_says_the_same_with_the_new_one(tmp_path: Path, mode: str) -> None:
    """In a step of key generation as in a decryption, whether or not it was handed in with the old one."""
    city = City(tmp_path, 2, 2)
    committee = city.form(mode)
    (before,) = city.due(1)
    key = city.trustees[0].add_key()
    assert city.due(1) == [before]  # as long as the old one holds the seat
    rotate(city, 1, key.public)
    city.trustees[0] = city.load(tmp_path / "trustee-1")
    (after,) = city.due(1)
    assert decode(after)[:2] == decode(before)[:2]
    assert (signers(before), signers(after)) == ([city.trustees[0].keys[0].public], [key.public])
    city.run()

    poll = city.closed_poll(committee, [[1]])
    (before,) = city.due(2)
    key = city.trustees[1].add_key()
    rotate(city, 2, key.public)
    (after,) = city.due(2)
    assert decode(after)[:2] == decode(before)[:2] and signers(after) == [key.public]
    city.run()
    result = city.poll(poll).result
    assert result is not None and result.total == ((1, 0),)


def test_a_key_that_holds_the_seat_and_is_not_here_is_asked_for(city: City) -> None:
    committee = city.form()
    key = SigningKey.generate()
    rotate(city, 1, key.public)
    with pytest.raises(UserError, match="is not the key of a trustee in this ledger"):
        city.due(1)
    key.save(tmp := city.folder / "new.key")
    tmp.rename(city.folder / "trustee-1" / "office-2.key")
    city.trustees[0] = city.load(city.folder / "trustee-1")
    city.run()
    assert city.committee(committee).finished


def test_a_wrong_key_is_told_at_once(city: City) -> None:
    city.form()
    stranger = Trustee.create(city.folder / "stranger", "Trustee 1", city.clock)
    with pytest.raises(UserError, match="is not the key of a trustee in this ledger"):
        stranger.due(city.view())
    with pytest.raises(UserError, match="is not the key of a trustee in this ledger"):
        stranger.adopt(city.view())
    assert "ledger" not in (city.folder / "stranger" / "journal").read_text()


def test_a_misspelt_institution_is_told_at_once(city: City) -> None:
    """Before any committee has asked for anything."""
    (city.folder / "trustee-1" / "institution").write_text("Trustee One\n")
    with pytest.raises(UserError, match="This is the key of Trustee 1; the folder says that it is that of Trustee One"):
        city.load(city.folder / "trustee-1").due(city.view())


def test_a_damaged_share_is_a_plain_sentence(city: City) -> None:
    committee = city.form()
    city.run()
    poll = city.closed_poll(committee, [[1]])
    city.due(1)
    path = city.folder / "trustee-1" / "decryptions" / poll.hex() / "0"
    for damaged in (path.read_bytes()[:-1], b"", b"\xff" * 40):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="is damaged"):
            city.due(1)
