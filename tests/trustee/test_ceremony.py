"""Key generation and decryption as trustees do them: through the ledger, each with a folder of their own."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
import veche_kernel as kernel

from veche.ballot import channel
from veche.ballot.decryption import alphas_of, check_share
from veche.errors import DoesNotHold, Refused
from veche.ledger.entries.charter import PollClass
from veche.ledger.life import CommitteePhase
from veche.world import DAY

from .city import City

Finished = Callable[..., tuple[City, bytes]]


@pytest.mark.parametrize(("t", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 4), (3, 5), (5, 5)])
def test_any_t_trustees_decrypt(finished: Finished, t: int, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if 2 * t <= n:  # no charter may say so, and the key would be as good as any
        monkeypatch.setattr(PollClass, "_check", lambda self: None)
    city, committee = finished(n, t)
    made = city.committee(committee)
    assert len(made.certificates) == len(made.shares) == len(made.keys) == n
    poll = city.closed_poll(committee, [[3, 0, 17]])
    city.run()
    for some in combinations(range(1, n + 1), t):
        assert city.result(poll, some) == [[3, 0, 17]]
    if t > 1:
        with pytest.raises(DoesNotHold):
            city.result(poll, range(1, t))


@pytest.mark.parametrize("n", [1, 3])
def test_single_needs_all(finished: Finished, n: int) -> None:
    city, committee = finished(n, n, "single")
    poll = city.closed_poll(committee, [[2, 5]])
    city.run()
    assert city.result(poll, range(1, n + 1)) == [[2, 5]]
    if n > 1:
        with pytest.raises(DoesNotHold):
            city.result(poll, [1, 2])


def test_cells_are_decrypted_beside_their_total(finished: Finished) -> None:
    city, committee = finished(3, 2)
    poll = city.closed_poll(committee, [[20, 1], [5, 16], [0, 21]])
    city.run(2)
    assert city.decryptions(poll) == {(i, part) for i in (1, 3) for part in range(4)}
    assert city.result(poll, [1, 3]) == [[25, 38], [20, 1], [5, 16], [0, 21]]


def test_one_committee_serves_many_polls(finished: Finished) -> None:
    city, committee = finished(3, 2)
    polls = [city.closed_poll(committee, [[i]]) for i in range(3)]
    city.run()
    assert [city.result(poll, [2, 3]) for poll in polls] == [[[0, 0]], [[1, 0]], [[2, 0]]]


def test_asked_again_a_trustee_answers_the_same_bytes(city: City) -> None:
    committee = city.form()
    for _ in range(3):
        first = [city.due(number) for number in (1, 2, 3)]
        assert first == [city.due(number) for number in (1, 2, 3)]
        assert all(len(entries) == 1 for entries in first)
        city.round()
    assert city.committee(committee).finished
    city.closed_poll(committee, [[1], [2]])
    first = [city.due(number) for number in (1, 2, 3)]
    assert first == [city.due(number) for number in (1, 2, 3)]
    assert all(len(entries) == 3 for entries in first)


def test_a_trustee_waits_for_the_step_before(city: City) -> None:
    committee = city.form()
    city.run(2)
    assert sorted(city.committee(committee).certificates) == [1, 3]
    assert not city.committee(committee).shares
    city.round(1)
    city.round(1)
    assert sorted(city.committee(committee).shares) == [2, 3]
    assert not city.committee(committee).keys


def test_a_void_committee_asks_for_nothing(city: City) -> None:
    committee = city.form()
    city.round()
    city.ledger.beat_until(city.ledger.time + 8 * DAY)
    assert city.committee(committee).phase == CommitteePhase.VOID
    assert city.round() == 0


def test_only_members_take_part(tmp_path: Path) -> None:
    city = City(tmp_path, others={"smaller": ["Trustee 3", "Trustee 1"]})
    city.form()
    city.run()
    smaller = city.form(class_name="smaller")
    city.run()
    assert city.committee(smaller).finished
    poll = city.closed_poll(smaller, [[4]])
    city.run()
    assert city.decryptions(poll) == {(1, 0), (2, 0)}
    assert city.result(poll, [1, 2]) == [[4, 0]]


def test_a_bad_share_makes_its_recipient_complain(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    committee = city.form()
    encrypt_share = channel.encrypt

    def cheat(committee: bytes, dealer: int, recipient: int, key: bytes, share: bytes) -> bytes:
        if (dealer, recipient) == (2, 3):
            share = kernel.scalar_add(share, (1).to_bytes(32, "little"))
        return encrypt_share(committee, dealer, recipient, key, share)

    monkeypatch.setattr(channel, "encrypt", cheat)
    city.run()
    void = city.committee(committee)
    [complaint] = void.complaints.values()
    assert (complaint.committee, complaint.index, complaint.against) == (committee, 3, 2)
    assert "does not fit" in complaint.text.en and complaint.text.ru
    assert void.phase == CommitteePhase.VOID
    again = city.form()
    monkeypatch.undo()
    city.run()
    finished = city.committee(again)
    assert finished.finished
    assert finished.certificates[1].verification != void.certificates[1].verification, (
        "fresh secrets for a new committee"
    )


def test_secrets_are_in_no_entry_and_no_representation(finished: Finished) -> None:
    city, committee = finished(3, 2)
    city.closed_poll(committee, [[1]])
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
    assert kernel.base_mul(bytes.fromhex(secret)) == city.committee(committee).keys[1].key


def test_files_are_private(finished: Finished) -> None:
    city, committee = finished(3, 2)
    city.closed_poll(committee, [[1]])
    city.run()
    found = [city.folder / "trustee-1", *(city.folder / "trustee-1").rglob("*")]
    assert len(found) == 14
    assert [path for path in found if path.stat().st_mode & 0o077] == []


def test_a_share_under_the_wrong_index_is_refused(finished: Finished) -> None:
    city, committee = finished(3, 2)
    poll = city.closed_poll(committee, [[4]])
    city.run()
    tally, phi = city.tally(poll), city.poll(poll).frozen.fingerprint
    with pytest.raises(Refused, match="Belenios proof 1"):
        key = city.committee(committee).keys[2].key
        check_share(key, alphas_of(tally.parts[0]), phi, tally.hash, 0, city.share(poll, 1, 0))
