"""Votes of CometBFT, checked from JSON with nothing of CometBFT's: what it signs is a ``CanonicalVote`` of its types.proto."""

import base64
from datetime import datetime
from typing import Any

from veche.keys import BadSignature, verify

PRECOMMIT = 2
"""Of SignedMsgType."""


def who_signed(kept: Any, chain: str, keys: list[bytes]) -> list[bytes]:
    """Those of these consensus keys whose signatures stand under the block of evidence that a node kept."""
    commit = kept["commit"]
    assert commit["height"] == kept["block"]["header"]["height"]
    found = []
    for vote in commit["signatures"]:
        if not vote["signature"]:
            continue
        said = _canonical(commit, vote["timestamp"], chain)
        for key in keys:
            try:
                verify(key, said, base64.b64decode(vote["signature"]))
            except BadSignature:
                continue
            found.append(key)
    return found


def _canonical(commit: Any, timestamp: str, chain: str) -> bytes:
    block = commit["block_id"]
    parts = _number(1, block["parts"]["total"]) + _bytes(2, bytes.fromhex(block["parts"]["hash"]))
    body = _number(1, PRECOMMIT) + _fixed(2, int(commit["height"])) + _fixed(3, commit["round"])
    body += _bytes(4, _bytes(1, bytes.fromhex(block["hash"])) + _bytes(2, parts))
    body += _bytes(5, _time(timestamp)) + _bytes(6, chain.encode())
    return _varint(len(body)) + body


def _time(text: str) -> bytes:
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return _number(1, seconds) + _number(2, int(fraction.ljust(9, "0") or 0))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value) if value else b""


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | 1) + value.to_bytes(8, "little") if value else b""


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
