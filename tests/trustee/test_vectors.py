"""The vectors of key generation and decryption: made by another implementation, and judged alike by ours."""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from veche.ballot.committee import (
    Certificate,
    Committee,
    Key,
    Secrets,
    Shares,
    check_certificate,
    check_key,
    check_shares,
    check_single_key,
    make_key,
    open_share,
    public_key,
    trustees_json,
    verification_key,
)
from veche.ballot.decryption import (
    Share,
    alphas_of,
    betas_of,
    binding_prefix,
    check_share,
    lagrange,
    open_tally,
    partial_decryption_json,
    parts,
)
from veche.errors import Refused

FOLDER = Path(__file__).resolve().parents[2] / "vectors"


def read(name: str) -> Any:
    """The file, with bytes where it has hexadecimal digits."""

    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(item) for item in value]
        if isinstance(value, dict):
            return {key: value[key] if key in ("name", "lagrange") else convert(value[key]) for key in value}
        if isinstance(value, str):
            try:
                return bytes.fromhex(value)
            except ValueError:
                return value
        return value

    return convert(json.loads((FOLDER / name).read_text()))


@pytest.mark.parametrize("name", ["committee", "decryption"])
def test_the_files_are_what_the_scripts_make(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    made = importlib.import_module(f"make_{name}").make()
    assert made == (FOLDER / f"{name}.json").read_text()


COMMITTEE = read("committee.json")
PEDERSEN, SINGLE = COMMITTEE["pedersen"], COMMITTEE["single"]
THREE = Committee(PEDERSEN["committee"], "pedersen", PEDERSEN["size"], PEDERSEN["threshold"])
TWO = Committee(SINGLE["committee"], "single", 2, 2)
SECRETS = [Secrets(t["signing"], t["decryption"], tuple(t["coefficients"])) for t in PEDERSEN["trustees"]]
CERTIFICATES = [Certificate.from_fields(trustee["certificate"]) for trustee in PEDERSEN["trustees"]]
SHARES = [Shares.from_fields(trustee["shares"]) for trustee in PEDERSEN["trustees"]]
KEYS = [Key.from_fields(trustee["key"]) for trustee in PEDERSEN["trustees"]]
SINGLE_KEYS = [Key.from_fields(fields) for fields in SINGLE["keys"]]


def test_the_ceremony_holds() -> None:
    for i, trustee in enumerate(PEDERSEN["trustees"], 1):
        check_certificate(THREE, i, CERTIFICATES[i - 1], CERTIFICATES[: i - 1])
        check_shares(THREE, i, SHARES[i - 1], CERTIFICATES)
        check_key(THREE, i, KEYS[i - 1], CERTIFICATES, SHARES)
        received = [open_share(THREE, i, SECRETS[i - 1], d, dealt) for d, dealt in enumerate(SHARES, 1)]
        key, secret = make_key(THREE, i, SECRETS[i - 1], received)
        assert (key.key, secret) == (trustee["key"][0], trustee["secret"])
        assert verification_key(SHARES, i) == key.key
    assert public_key(THREE, KEYS, SHARES) == PEDERSEN["public_key"]
    assert trustees_json(THREE, KEYS, CERTIFICATES, SHARES).decode() == PEDERSEN["trustees_json"]


def test_single_keys_hold() -> None:
    for i, key in enumerate(SINGLE_KEYS, 1):
        check_single_key(TWO, i, key, SINGLE_KEYS[: i - 1])
    assert public_key(TWO, SINGLE_KEYS, []) == SINGLE["public_key"]
    assert trustees_json(TWO, SINGLE_KEYS, [], []).decode() == SINGLE["trustees_json"]


def take(step: str, index: int, fields: list[Any]) -> None:
    """Check what trustee ``index`` handed in at this step in place of their own."""
    if step == "certificate":
        check_certificate(THREE, index, Certificate.from_fields(fields), CERTIFICATES[: index - 1])
    elif step == "shares":
        check_shares(THREE, index, Shares.from_fields(fields), CERTIFICATES)
    elif step == "share":
        check_shares(THREE, index, Shares.from_fields(fields), CERTIFICATES)  # nobody else sees anything wrong
        open_share(THREE, 3, SECRETS[2], index, Shares.from_fields(fields))
        try:
            open_share(THREE, 2, SECRETS[1], index, Shares.from_fields(fields))
        except Refused as refused:
            assert refused.rule == "share"
            raise
    elif step == "key":
        check_key(THREE, index, Key.from_fields(fields), CERTIFICATES, SHARES)
    else:
        assert step == "single"
        check_single_key(TWO, index, Key.from_fields(fields), SINGLE_KEYS[: index - 1])


@pytest.mark.parametrize("row", COMMITTEE["failures"], ids=lambda row: f"{row['step']}: {row['name']}")
def test_what_must_be_refused_in_key_generation(row: dict[str, Any]) -> None:
    steps: dict[str, Sequence[Certificate | Shares | Key]] = {
        "certificate": CERTIFICATES,
        "shares": SHARES,
        "share": SHARES,
        "key": KEYS,
        "single": SINGLE_KEYS,
    }
    own = steps[row["step"]][row["index"] - 1]
    take(row["step"], row["index"], own.fields())
    with pytest.raises(Refused) as refused:
        take(row["step"], row["index"], row["fields"])
    assert refused.value.rule == row["rule"]


DECRYPTION = read("decryption.json")
SUMS = [b"".join(part) for part in DECRYPTION["sums"]]


def check(index: int, part: int, fields: list[bytes]) -> None:
    public = DECRYPTION["keys"][index - 1]
    share = Share.from_fields(fields)
    check_share(public, alphas_of(SUMS[part]), DECRYPTION["phi"], DECRYPTION["tally"], part, share)


def test_shares_hold_and_open() -> None:
    assert parts(SUMS[1:]) == SUMS
    for index, shares in enumerate(DECRYPTION["shares"], 1):
        for part, fields in enumerate(shares):
            check(index, part, fields)
    for row in DECRYPTION["results"]:
        assert [str(value) for value in lagrange(row["trustees"]).values()] == row["lagrange"]
        for part, numbers in enumerate(row["numbers"]):
            shares = {i: Share.from_fields(DECRYPTION["shares"][i - 1][part]).points() for i in row["trustees"]}
            assert open_tally(betas_of(SUMS[part]), shares, "pedersen", 100) == numbers


def test_the_texts() -> None:
    share = Share.from_fields(DECRYPTION["shares"][0][0])
    assert partial_decryption_json(share, [1, 1]).decode() == DECRYPTION["partial_decryption"]
    prefix = binding_prefix(
        DECRYPTION["phi"],
        DECRYPTION["tally"],
        DECRYPTION["keys"][0],
        0,
        alphas_of(SUMS[0])[0],
        share.points()[0],
    )
    assert prefix.decode() == DECRYPTION["bound_prefix"]


@pytest.mark.parametrize("row", DECRYPTION["failures"], ids=lambda row: row["name"])
def test_what_must_be_refused_in_decryption(row: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        check(row["index"], row["part"], row["fields"])
    assert refused.value.rule == row["rule"]
    if row["name"].startswith("a false factor"):
        assert "Binding proof 1" in refused.value.message
