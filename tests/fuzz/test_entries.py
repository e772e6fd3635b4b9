"""Entries of any bytes, and entries that are nearly right: both verifiers say the same of each, wherever in a city's life it stands."""

import copy
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import cbor2
import pytest
from stranger import cbor
from stranger import city as cities
from stranger.city import City
from stranger.rules import DERIVED, Replay

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.world import STEP

from .bent import EDGES, bent, bent_item
from .rounds import SECONDS, case, rounds

Block = tuple[int, int, list[bytes]]
"""Its height, its time, and what was handed in."""


@pytest.fixture(scope="module")
def keys() -> dict[bytes, SigningKey]:
    """Every key that is made for the cities, by the public one: filled while they are."""
    return {}


@pytest.fixture(scope="module", params=[cities.threshold, cities.single])
def city(
    request: pytest.FixtureRequest, keys: dict[bytes, SigningKey], tmp_path_factory: pytest.TempPathFactory
) -> City:
    made = SigningKey.generate.__func__  # type: ignore[attr-defined]

    def generate(cls: type[SigningKey]) -> SigningKey:
        key: SigningKey = made(cls)
        keys[key.public] = key
        return key

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SigningKey, "generate", classmethod(generate))
        found: City = request.param(tmp_path_factory.mktemp("city") / "city")
    return found


# The codec


def any_item(dice: Random, depth: int = 0) -> Any:
    """Whatever CBOR can say: what entries hold more often than what they do not."""
    match dice.randrange(12):
        case 0 | 1:
            return dice.choice(EDGES)
        case 2 | 3:
            return dice.randbytes(dice.choice((0, 1, 23, 24, 32, 256)))
        case 4 | 5:
            return "".join(
                chr(dice.choice((0x20, 0x61, 0x430, 0x301, 0x1F600, 0x10FFFF))) for _ in range(dice.randrange(30))
            )
        case 6:
            return dice.choice(
                (-1, 1.5, None, True, 2**64, -(2**70), {}, {"a": 1}, cbor2.CBORTag(1, 0), cbor2.undefined)
            )
        case _ if depth < 10:
            return [any_item(dice, depth + 1) for _ in range(dice.choice((0, 1, 1, 2, 3) if depth else (1, 5, 24)))]
        case _:
            return b""


def any_bytes(dice: Random, entries: list[bytes]) -> bytes:
    match dice.randrange(4):
        case 0:
            return dice.randbytes(dice.randrange(80))
        case 1:
            return cbor2.dumps(["ballot", *(any_item(dice) for _ in range(dice.randrange(8)))])
        case 2:
            return bent(dice, cbor2.dumps([dice.choice(("notice", "x")), any_item(dice), any_item(dice)]), entries)
        case _:
            return bent(dice, dice.choice(entries), entries)


def by_stranger(data: bytes) -> Any:
    found = cbor.decode(data)
    cbor.need(found and isinstance(found[0], str), "an entry does not begin with its kind")
    return found


def test_both_read_the_same_entries(city: City) -> None:
    for number in rounds(1000, share=1 / 2):
        with case(number) as dice:
            data = any_bytes(dice, city.entries)
            try:
                ours = decode(data)
            except Refused as refused:
                assert refused.rule == "codec"
                with pytest.raises(cbor.Refused):
                    by_stranger(data)
            else:
                assert by_stranger(data) == ours


# The rules


def blocks(entries: list[bytes]) -> Iterator[Block]:
    """The blocks of a log behind the charter's, with some that appended nothing, which are in no log, so that none seems to be a halt."""
    found: list[Block] = []
    height = time = 0
    for entry in entries[1:]:
        kind, body = decode(entry)[:2]
        if kind == "block":
            while found and time < body[2]:
                height, time = height + 1, min(time + STEP, body[2])
                found.append((height, time, []))
            height, time = body[:2]
            found.append((height, time, []))
        elif kind not in DERIVED:
            found[-1][2].append(entry)
    yield from found[1:]


def nearly(dice: Random, city: City, keys: dict[bytes, SigningKey], entry: bytes) -> bytes:
    """Something like this entry: its bytes changed, or what it says, under signatures that hold."""
    if dice.random() < 0.3:
        return bent(dice, entry, city.entries)
    item = decode(entry)
    if item[0] in ("ballot", "result") or dice.random() < 0.2:
        return cbor2.dumps(bent_item(dice, item))
    signers = [keys[key] for key, _ in item[2] if key in keys]
    if dice.random() < 0.2:
        signers = dice.sample(list(keys.values()), dice.randrange(4))
    body = item[1] if dice.random() < 0.2 else bent_item(dice, item[1])
    return sign(city.id, item[0], body, signers)


def handed_in(data: bytes) -> bool:
    """Whether it can be: what is derived nobody hands in, and in a log it would mean something else."""
    try:
        return decode(data)[0] not in DERIVED
    except Refused:
        return True


class Both:
    """The two verifiers' states of one ledger, block after block."""

    def __init__(self, city: City, folder: Path) -> None:
        self.ledger = Ledger.create(folder, city.entries[0])
        self.ledger.state.db.execute("PRAGMA synchronous=OFF")
        self.stranger = Replay(city.entries[0])
        self.stranger.entry(self.ledger.entry(1))

    def go_on(self, block: Block) -> None:
        executed = self.ledger.execute(*block)
        assert not any(isinstance(answer, Refused) for answer in executed.answers)
        size = self.ledger.size
        self.ledger.commit()
        for number in range(size, self.ledger.size):
            self.stranger.entry(self.ledger.entry(number))

    def judge(self, block: Block, entry: bytes) -> bool:
        """What both say of one more entry behind those of this block."""
        height, time, before = block
        answer = self.ledger.execute(height, time, [*before, entry]).answers[-1]
        assert self.ledger._pending is not None
        log = list(self.ledger._pending.block.appended)
        self.ledger.discard()
        admitted = not isinstance(answer, Refused)
        if not admitted:
            log = [*(one for one in log if decode(one)[0] != "validators"), entry]
        stranger = copy.deepcopy(self.stranger)
        for one in log[:-1]:
            stranger.entry(one)
        try:
            stranger.entry(log[-1])
            if admitted:
                stranger.end()
        except cbor.Refused as refused:
            assert not admitted, f"{refused}: {entry.hex()}"
        else:
            assert admitted, f"{answer}: {entry.hex()}"
        return admitted


def test_both_admit_the_same_entries(city: City, keys: dict[bytes, SigningKey], tmp_path: Path) -> None:
    """A case is a whole life of the city, with an entry that is nearly right in each of its blocks."""
    pool = [entry for entry in city.entries[2:] if handed_in(entry)] + list(city.spare.values())
    said: list[bool] = []
    for number in rounds(1, share=1 / 2, of=said.__len__):
        with case(number) as dice:
            both = Both(city, tmp_path / f"{number}")
            try:
                for height, time, entries in blocks(city.entries):
                    often = 1 if SECONDS == 0 else 4
                    for _ in range(often if entries or dice.random() < 0.01 else 0):  # most blocks are of quiet nights
                        at = dice.randrange(len(entries) + 1)
                        like = entries[at] if at < len(entries) and dice.random() < 0.7 else dice.choice(pool)
                        entry = like if dice.random() < 0.05 else nearly(dice, city, keys, like)
                        if handed_in(entry):
                            said.append(both.judge((height, time, entries[:at]), entry))
                    both.go_on((height, time, entries))
                assert [both.ledger.entry(at) for at in range(both.ledger.size)] == city.entries
            finally:
                both.ledger.close()
    assert len(said) > 20 and any(said)
