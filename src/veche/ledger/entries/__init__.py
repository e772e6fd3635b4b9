"""What the log's entries say: a frozen dataclass a kind, with ``parse`` and ``body``. docs/protocol.md, section 2.

To read one: ``read_entry(data)``. To add a kind: a class here, in ``KINDS``; a rule in :mod:`veche.ledger.rules`, in its
``RULES``; a row in docs/protocol.md. Ballots, of which there are millions, are read by the kernel (``veche_kernel.read_ballots``).
"""

from typing import Any

from veche.errors import Refused
from veche.ledger.codec import decode
from veche.ledger.entries.address import Address
from veche.ledger.entries.ballot import BALLOT, is_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.charter import Charter
from veche.ledger.entries.committee import (
    CertificateStep,
    CommitteeCall,
    CommitteeVoid,
    Complaint,
    KeyStep,
    SharesStep,
)
from veche.ledger.entries.decryption import Decryption
from veche.ledger.entries.double_signing import DoubleSigning
from veche.ledger.entries.entry import ByOffice, Derived, Entry, Unsigned
from veche.ledger.entries.network import EngineChange
from veche.ledger.entries.new_class import NewClass
from veche.ledger.entries.office import OfficeChange, OfficeEffect
from veche.ledger.entries.permit_key import Issuance, PermitKeys
from veche.ledger.entries.poll import Poll
from veche.ledger.entries.restart import Restart
from veche.ledger.entries.result import Result
from veche.ledger.entries.rules import RulesVersion, RulesWithdrawal
from veche.ledger.entries.statements import Cancel, Contest, Notice, Outcome
from veche.ledger.entries.tally import Tally, TooFew, Void
from veche.ledger.entries.validators import Validators
from veche.texts import Message

KINDS: tuple[type[Entry], ...] = (
    Charter, OfficeChange, OfficeEffect, Validators, EngineChange, Restart, DoubleSigning, Address, NewClass, RulesVersion, RulesWithdrawal, Notice, BlockEntry, CommitteeCall, CertificateStep, SharesStep, KeyStep, Complaint,
    CommitteeVoid, Poll, PermitKeys, Void, Cancel, Contest, Outcome, Issuance, Tally, TooFew, Decryption, Result,
)  # fmt: skip
"""Every kind but the ballot, in the order of docs/protocol.md."""

BY_KIND: dict[str, type[Entry]] = {entry.kind: entry for entry in KINDS}


def kind_of(data: bytes) -> str:
    """The kind of an entry. Raises Refused("codec", ...) if it is none."""
    return BALLOT if is_ballot(data) else str(decode(data)[0])


def read_entry(data: bytes) -> Entry:
    """What an entry that is no ballot says; its signatures are not looked at. Raises Refused."""
    return parse_item(decode(data))


def parse_item(item: list[Any]) -> Entry:
    """As :func:`read_entry`, of a decoded entry. Raises Refused."""
    found = BY_KIND.get(item[0])
    if found is None:
        raise Refused("kind", Message("There is no entry of kind {item!r}.", item=item[0][:40]))
    if len(item) != (2 if issubclass(found, Unsigned) else 3):
        raise Refused("shape", Message("This is not the form of a {item} entry.", item=item[0]))
    return found.parse(item[1])


__all__ = [
    "BALLOT", "BY_KIND", "KINDS", "Address", "BlockEntry", "ByOffice", "Cancel", "CertificateStep", "Charter", "CommitteeCall",
    "CommitteeVoid", "Complaint", "Contest", "Decryption", "Derived", "DoubleSigning", "EngineChange", "Entry", "Issuance", "KeyStep", "NewClass", "Notice", "OfficeChange",
    "OfficeEffect", "Outcome", "PermitKeys", "Poll", "Restart", "Result", "RulesVersion", "RulesWithdrawal", "SharesStep", "Tally", "TooFew", "Unsigned", "Validators", "Void", "is_ballot", "kind_of",
    "parse_item", "read_entry",
]  # fmt: skip
