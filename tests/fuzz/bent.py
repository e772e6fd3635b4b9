"""What is bent until it is nearly right: bytes, and the items of CBOR."""

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

EDGES = (0, 1, 23, 24, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1)


def bent(dice: Random, data: bytes, others: Sequence[bytes] = (b"",)) -> bytes:
    """These bytes with one to three small changes; ``others``: of which a part may get into them."""
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(len(found) + 1) if dice.random() < 0.7 else dice.randrange(min(len(found), 60) + 1)
        match dice.randrange(7):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(found):
                found[at] = dice.choice((0, 0x17, 0x18, 0x3B, 0x5B, 0x7F, 0x80, 0x9F, 0xC2, 0xF6, 0xFF))
            case 2:
                del found[at : at + dice.choice((1, 2, 32, len(found)))]
            case 3:
                found[at:at] = dice.randbytes(dice.choice((1, 2, 32)))
            case 4:
                found[at:at] = found[at : at + dice.choice((1, 32, 64))]
            case 5:
                other = dice.choice(others)
                start = dice.randrange(len(other) + 1)
                found[at:] = other[start : start + dice.choice((1, 32, len(other)))]
            case _:
                found += dice.randbytes(dice.randrange(4))
    return bytes(found)


def other_item(dice: Random, item: Any) -> Any:
    """An item in the place of this one: often of the same type."""
    if dice.random() < 0.2:
        item = dice.choice((0, b"", "", []))
    match item:
        case bool():
            return not item
        case int():
            return dice.choice((*EDGES, item + 1, max(0, item - 1), item ^ 1))
        case bytes():
            return dice.choice(
                (b"", item[:-1], item + b"\0", dice.randbytes(len(item)), bytes(len(item)), bent(dice, item))
            )
        case str():
            odd = (
                "",
                " ",
                item + " ",
                item.upper(),
                item[::-1],
                item + "\u0301",
                "a\u202eb",
                "\0",
                "ａ",
                item + item,
                "x" * 300,
            )
            return dice.choice(odd)
        case _:
            return dice.choice((*EDGES[:4], b"", "", [], [item]))


def bent_item(dice: Random, item: Any) -> Any:
    """A copy of an array with one to three small changes anywhere in it."""
    root = copy.deepcopy(item)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        array = root
        while any(isinstance(one, list) and one for one in array) and dice.random() < 0.75:
            array = dice.choice([one for one in array if isinstance(one, list) and one])
        at = dice.randrange(len(array) + 1)
        match dice.randrange(6):
            case 0 if at < len(array):
                del array[at]
            case 1 if at < len(array):
                array.insert(at, copy.deepcopy(array[at]))
            case 2 if len(array) > 1:
                other = dice.randrange(len(array))
                at = min(at, len(array) - 1)
                array[at], array[other] = array[other], array[at]
            case 3:
                array.append(other_item(dice, 0))
            case _ if at < len(array):
                array[at] = other_item(dice, array[at])
            case _:
                array.append(dice.choice(EDGES))
    return root
