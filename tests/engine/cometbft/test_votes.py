"""Two votes for two blocks of one height: found in CometBFT's block, kept beside the log, and checked by anybody."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from veche.engine.cometbft.home import address, chain_id
from veche.engine.cometbft.votes import check_votes, signed_bytes, votes_in
from veche.errors import DoesNotHold
from veche.keys import SigningKey, verify
from veche.log.evidence import FOLDER, keep_votes, note_votes, votes_awaited

KEY = SigningKey(bytes(range(32)))
CHAIN = chain_id(bytes(32))
ZERO = {"hash": "", "parts": {"total": 0, "hash": ""}}


def vote(block: bytes, key: SigningKey = KEY, chain: str = CHAIN, **other: Any) -> dict[str, Any]:
    """As CometBFT writes one in JSON; all zeros for a vote for no block."""
    named = (
        ZERO if not block else {"hash": block.hex().upper(), "parts": {"total": 1, "hash": block[::-1].hex().upper()}}
    )
    made = {
        "type": 2, "height": "7", "round": 0, "block_id": named, "timestamp": "2026-11-27T08:13:31.012345678Z",
        "validator_address": address(key.public).hex().upper(), "validator_index": 1, "extension": None,
    } | other  # fmt: skip
    return made | {"signature": base64.b64encode(key.sign(signed_bytes(made, chain))).decode()}


def file(*votes: dict[str, Any], key: SigningKey = KEY, chain: str = CHAIN) -> bytes:
    return json.dumps({"validator": key.public.hex(), "chain": chain, "votes": votes}).encode()


@pytest.mark.parametrize(
    ("chain", "kind", "height", "wanted"),
    [
        ("", 0, 0, "0d2a0b088092b8c398feffffff01"),
        ("", 2, 1, "210802110100000000000000190100000000000000" + "2a0b088092b8c398feffffff01"),
        ("", 1, 1, "210801110100000000000000190100000000000000" + "2a0b088092b8c398feffffff01"),
        ("test_chain_id", 0, 1, "2e110100000000000000190100000000000000" + "2a0b088092b8c398feffffff01" + "320d746573745f636861696e5f6964"),
    ],
)  # fmt: skip
def test_votes_sign_what_cometbft_says(chain: str, kind: int, height: int, wanted: str) -> None:
    """The vectors of its own tests (types/vote_test.go)."""
    said = {"type": kind, "height": str(height), "round": height, "block_id": ZERO, "timestamp": "0001-01-01T00:00:00Z"}
    assert signed_bytes(said, chain).hex() == wanted


def test_two_votes_prove_it() -> None:
    assert check_votes(file(vote(b"a" * 32), vote(b"b" * 32))) == (KEY.public, 7, CHAIN)
    assert check_votes(file(vote(b"a" * 32), vote(b""))) == (KEY.public, 7, CHAIN), "one of them for no block"
    other = SigningKey(bytes(32))
    for wrong, said in (
        (file(vote(b"a" * 32), vote(b"a" * 32)), "do not contradict"),
        (file(vote(b"a" * 32), vote(b"b" * 32, height="8")), "do not contradict"),
        (file(vote(b"a" * 32), vote(b"b" * 32, round=1)), "do not contradict"),
        (file(vote(b"a" * 32), vote(b"b" * 32, type=1)), "do not contradict"),
        (file(vote(b"a" * 32), vote(b"b" * 32, other)), "does not hold"),
        (file(vote(b"a" * 32), vote(b"b" * 32), key=other), "does not hold"),
        (file(vote(b"a" * 32), vote(b"b" * 32), chain="veche-another"), "does not hold"),
        (file(vote(b"a" * 32)), "no file of two votes"),
        (b"", "no file of two votes"),
        (b"[" * 9999, "no file of two votes"),
        (
            json.dumps({"validator": KEY.public.hex(), "chain": CHAIN, "votes": [{}, {}]}).encode(),
            "no file of two votes",
        ),
    ):
        with pytest.raises(DoesNotHold, match=said) as caught:
            check_votes(wrong)
        assert caught.value.step == "votes"


def test_they_are_taken_out_of_the_block_and_kept(tmp_path: Path) -> None:
    pair = [vote(b"a" * 32), vote(b"b" * 32)]
    of_others = [vote(b"a" * 32, SigningKey(bytes(32))), vote(b"b" * 32, SigningKey(bytes(32)))]
    found = [
        {"type": "tendermint/DuplicateVoteEvidence", "value": {"vote_a": one, "vote_b": other}}
        for one, other in (of_others, pair)
    ]
    block = json.dumps({"block": {"evidence": {"evidence": found}}, "commit": {}}).encode()
    assert votes_in(block, KEY.public, 7) == pair
    assert votes_in(block, KEY.public, 8) == [] == votes_in(b"{}", KEY.public, 7)

    note_votes(tmp_path, KEY.public, CHAIN, 7, 9)
    note_votes(tmp_path, KEY.public, CHAIN, 8, 10)
    for number, damaged in enumerate((b"", b"{", b"[]", b"{}", b'{"votes": []}', b"[" * 100_000)):
        (tmp_path / FOLDER / f"votes-{number}.json").write_bytes(damaged)  # a node starts all the same
    ((path, said),) = votes_awaited(tmp_path)
    assert (path.name, said["height"], said["block"]) == (f"votes-{KEY.public.hex()}.json", 7, 9), "the first is enough"
    keep_votes(path, said, pair)
    assert not list(votes_awaited(tmp_path))
    assert check_votes(path.read_bytes()) == (KEY.public, 7, CHAIN)


def test_a_vote_of_the_real_program_holds() -> None:
    """One of those that decided a block of a network of ours, as CometBFT v0.40.0 printed it."""
    said = {
        "type": 2,
        "height": "36",
        "round": 0,
        "block_id": {
            "hash": "591DDD1ABF861A1A29F6F60527C6581E961372A783A0D87C3A09F52A2E44A03C",
            "parts": {"total": 1, "hash": "2211125A4B5D0495BB862933A526057AF73C4F1A73970442441ADEEAD5B3A946"},
        },
        "timestamp": "2026-11-27T08:19:30.318062985Z",
    }
    key = bytes.fromhex("4c46a2b4445cb45e98f104a5f097c4222c31b7bcbb80b146052568900c3df61d")
    signature = "E9RzldxFJ2B3qob7bngCjxjm4BWlk25VIOQeCqaosqLS1ve4UCnDJvhkNwyC6sGKO1wSVSU67the7VfFv9/FCA=="
    verify(key, signed_bytes(said, "veche-e97d645913ae3659e877c524f02a18992427cda3"), base64.b64decode(signature))
