"""Keys for which anybody can sign: with a point of small order as key, R = g^S and any S sign every message."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import veche_kernel as kernel
from nacl import bindings

from veche.errors import Refused
from veche.keys import SigningKey
from veche.ledger import shape
from veche.ledger.entries.charter import OfficeSeat
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.office import Role

from .branch import Branch
from .life import Life
from .test_charter import CHARTER, refused

At = Callable[[str], Branch]
ORDER_2 = (2**255 - 20).to_bytes(32, "little")
ORDER_4 = bytes(32)
IDENTITY_ELSEWISE = (2**255 - 18).to_bytes(32, "little")  # y = p + 1
MIXED = bindings.crypto_core_ed25519_add(kernel.BASE, ORDER_2)
NO_POINT = b"\x02" + bytes(31)
KEYS = [kernel.IDENTITY, ORDER_2, ORDER_4, IDENTITY_ELSEWISE, MIXED, NO_POINT]


@pytest.mark.parametrize("key", KEYS)
def test_no_office_and_no_log_has_such_a_key(life: Life, at: At, key: bytes) -> None:
    branch = at("founded")
    branch.refuses_to_say("shape", "office", ["add", "Newspaper", "observer", key, 0], *life.institutions)
    refused("shape", replace(CHARTER, engine=Embedded(1, "City hall", key)))
    refused("shape", replace(CHARTER, offices=(OfficeSeat("A", Role.OBSERVER, key), *CHARTER.offices[1:])))


def test_keys_of_people_are_keys() -> None:
    for _ in range(100):
        shape.office_key(SigningKey.generate().public, "The key")


@pytest.mark.parametrize("text", ["a\x00b", "a\u202eb", "a\u200bb", "\ufeffa", "a\x7f", "a\u2028b", "a\u2066b"])
def test_what_is_not_seen_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        shape.word(text, "A word")
    with pytest.raises(Refused):
        shape.text([text, "а"], "A text")


def test_spaces() -> None:
    """The no-break space of Russian typography is welcome inside."""
    assert shape.word("60\u00a0км/ч", "A word") == "60\u00a0км/ч"
    assert shape.text(["a\nb", "№\u00a05"], "A text").en == "a\nb"
    for wrong in (" a", "a\u00a0", ""):
        with pytest.raises(Refused):
            shape.word(wrong, "A word")
