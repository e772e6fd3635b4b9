"""Key generation and decryption as trustees do them: through the ledger, each with her own folder."""

import json
from collections.abc import Callable
from itertools import combinations

import pytest
import veche_kernel as kernel

from veche.ballot import channel
from veche.ballot.decryption import alphas_of, check_share
from veche.errors import DoesNotHold, Refused

from .conftest import City
from .ledger import InCommittee

Finished = Callable[..., tuple[City, InCommittee]]


@pytest.mark.parametrize(("t", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 4), (3, 5), (5, 5)])
def test_any_t_trustees_decrypt(finished: Finished, t: int, n: int) -> None:
    city, committee = finished(n, t)
    assert len(committee.certificates) == len(committee.shares) == len(committee.keys) == n
    poll = city.ledger.add_poll(committee, [[3, 0, 17]])
    city.run()
    for some in combinations(range(1, n + 1), t):
        assert city.ledger.result(poll, list(some)) == [[3, 0, 17]]
    if t > 1:
        with pytest.raises(DoesNotHold):
            city.ledger.result(poll, list(range(1, t)))


@pytest.mark.parametrize("n", [1, 3])
def test_single_needs_all(finished: Finished, n: int) -> None:
    city, committee = finished(n, n, "single")
    poll = city.ledger.add_poll(committee, [[2, 5]])
    city.run()
    assert city.ledger.result(poll, list(range(1, n + 1))) == [[2, 5]]
    if n > 1:
        with pytest.raises(DoesNotHold):
            city.ledger.result(poll, [1, 2])


def test_cells_are_decrypted_beside_their_total(finished: Finished) -> None:
    city, committee = finished(3, 2)
    poll = city.ledger.add_poll(committee, [[20, 1], [5, 16], [0, 21]])
    city.run(2)
    assert poll.decryptions == {(i, part) for i in (1, 3) for part in range(4)}
    assert city.ledger.result(poll, [1, 3]) == [[25, 38], [20, 1], [5, 16], [0, 21]]


def test_one_committee_serves_many_polls(finished: Finished) -> None:
    city, committee = finished(3, 2)
    polls = [city.ledger.add_poll(committee, [[i]]) for i in range(3)]
    city.run()
    assert [city.ledger.result(poll, [2, 3]) for poll in polls] == [[[0]], [[1]], [[2]]]


def test_asked_again_a_trustee_answers_the_same_bytes(finished: Finished, city: City) -> None:
    committee = city.found(3, 2)
    for _ in range(3):
        first = [trustee.due(city.ledger) for trustee in city.trustees]
        assert first == [trustee.due(city.ledger) for trustee in city.trustees]
        assert all(len(entries) == 1 for entries in first)
        city.round()
    assert committee.finished
    city.ledger.add_poll(committee, [[1], [2]])
    first = [trustee.due(city.ledger) for trustee in city.trustees]
    assert first == [trustee.due(city.ledger) for trustee in city.trustees]
    assert all(len(entries) == 3 for entries in first)


def test_a_trustee_waits_for_the_step_before(city: City) -> None:
    committee = city.found(3, 2)
    city.run(2)
    assert sorted(committee.certificates) == [1, 3]
    assert not committee.shares
    city.round(1)
    city.round(1)
    assert sorted(committee.shares) == [2, 3]
    assert not committee.keys


def test_a_void_committee_asks_for_nothing(city: City) -> None:
    committee = city.found(3, 2)
    city.round()
    committee.void = True
    assert city.round() == 0


def test_only_members_take_part(finished: Finished) -> None:
    city, _ = finished(3, 2)
    smaller = city.ledger.add_committee("pedersen", 2, ["Trustee 3", "Trustee 1"])
    city.run()
    assert smaller.finished
    poll = city.ledger.add_poll(smaller, [[4]])
    city.run()
    assert poll.decryptions == {(1, 0), (2, 0)}
    assert city.ledger.result(poll, [1, 2]) == [[4]]


def test_a_bad_share_makes_its_recipient_complain(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    committee = city.found(3, 2)
    encrypt_share = channel.encrypt

    def cheat(committee: bytes, dealer: int, recipient: int, key: bytes, share: bytes) -> bytes:
        if (dealer, recipient) == (2, 3):
            share = kernel.scalar_add(share, (1).to_bytes(32, "little"))
        return encrypt_share(committee, dealer, recipient, key, share)

    monkeypatch.setattr(channel, "encrypt", cheat)
    city.run()
    [complaint] = committee.complaints
    assert complaint[:3] == [committee.id, 3, 2]
    assert "does not fit" in complaint[3][0] and complaint[3][1]
    assert committee.void
    again = city.found(3, 2)
    monkeypatch.undo()
    city.run()
    assert again.finished
    assert again.certificates[1].verification != committee.certificates[1].verification, (
        "fresh secrets for a new committee"
    )


def test_secrets_are_in_no_entry_and_no_representation(finished: Finished) -> None:
    city, committee = finished(3, 2)
    city.ledger.add_poll(committee, [[1]])
    city.run()
    said = b"".join(city.ledger.entries).hex() + repr(city.trustees)
    files = list((city.folder / "trustee-1" / "committees").rglob("*.json"))
    assert len(files) == 3
    secrets = []
    for file in files:
        content = json.loads(file.read_text())
        secrets += [content[name] for name in ("signing", "decryption", "secret") if name in content]
        coefficients = content.get("coefficients", "")
        secrets += [coefficients[i : i + 64] for i in range(0, len(coefficients), 64)]
    assert len(secrets) == 5 and all(len(secret) == 64 for secret in secrets)
    assert not [secret for secret in secrets if secret in said]
    secret = next(json.loads(f.read_text())["secret"] for f in files if f.name == "answer.json")
    assert kernel.base_mul(bytes.fromhex(secret)) == committee.keys[1].key


def test_files_are_private(finished: Finished) -> None:
    city, committee = finished(3, 2)
    city.ledger.add_poll(committee, [[1]])
    city.run()
    found = [city.folder / "trustee-1", *(city.folder / "trustee-1").rglob("*")]
    assert len(found) == 13
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_a_share_under_the_wrong_index_is_refused(finished: Finished) -> None:
    city, committee = finished(3, 2)
    poll = city.ledger.add_poll(committee, [[4]])
    city.run()
    assert poll.tally is not None
    with pytest.raises(Refused, match="Belenios proof 1"):
        check_share(committee.keys[2].key, alphas_of(poll.sums()[0]), poll.phi, poll.tally.hash, 0, poll.shares[1, 0])
