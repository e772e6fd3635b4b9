"""The rules of the ledger, one file per kind of entry. docs/protocol.md, section 2.

A rule (:class:`veche.ledger.rules.rule.Rule`) admits what offices write; ``ballot.py`` admits ballots; ``due.py`` derives
what falls due as time goes on; ``result.py`` admits results, which nobody signs.
"""

from typing import Any

from veche.ledger.entries import KINDS
from veche.ledger.entries.entry import Derived
from veche.ledger.rules.address import AddressRule
from veche.ledger.rules.cancel import CancelRule
from veche.ledger.rules.committee import CommitteeRule
from veche.ledger.rules.committee_steps import CertificateRule, ComplaintRule, KeyRule, SharesRule
from veche.ledger.rules.contest import ContestRule
from veche.ledger.rules.decryption import DecryptionRule
from veche.ledger.rules.issuance import IssuanceRule
from veche.ledger.rules.network import EngineRule
from veche.ledger.rules.new_class import ClassRule
from veche.ledger.rules.notice import NoticeRule
from veche.ledger.rules.office import OfficeRule
from veche.ledger.rules.outcome import OutcomeRule
from veche.ledger.rules.permit_key import PermitKeyRule
from veche.ledger.rules.poll import PollRule
from veche.ledger.rules.restart import RestartRule
from veche.ledger.rules.rule import Rule
from veche.ledger.rules.version import VersionRule, WithdrawalRule

RULES: tuple[Rule[Any], ...] = (
    OfficeRule(), EngineRule(), RestartRule(), AddressRule(), ClassRule(), VersionRule(), WithdrawalRule(), NoticeRule(), CommitteeRule(), CertificateRule(), SharesRule(), KeyRule(), ComplaintRule(),
    PollRule(), PermitKeyRule(), DecryptionRule(), IssuanceRule(), OutcomeRule(), CancelRule(), ContestRule(),
)  # fmt: skip
"""What offices hand in. Ballots, and what is derived, are not here."""

BY_KIND: dict[str, Rule[Any]] = {rule.entry.kind: rule for rule in RULES}

DERIVED = tuple(entry.kind for entry in KINDS if issubclass(entry, Derived))
"""What nobody hands in."""
