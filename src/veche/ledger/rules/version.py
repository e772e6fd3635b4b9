"""``rules``: k institutions announce the version of the rules from a date on; ``rules-withdrawal``: they take it back."""

from veche.errors import Refused
from veche.ledger.block import Block
from veche.ledger.entries.rules import RulesVersion, RulesWithdrawal
from veche.ledger.rules.rule import Rule
from veche.ledger.signed_entry import SignedEntry
from veche.ledger.state import State
from veche.texts import Message, duration

RULES_NOTICE = 14 * 86_400
"""Seconds between the announcement of a version and the day from which it holds."""


class VersionRule(Rule[RulesVersion]):
    entry = RulesVersion

    def admit(self, state: State, block: Block, signed: SignedEntry[RulesVersion]) -> None:
        signed.together(state.charter.k)
        version, since = signed.entry.version, signed.entry.since
        notice = state.charter.lasting(RULES_NOTICE)
        if since < block.time + notice:
            raise Refused(
                "rules", Message("New rules must be announced at least {notice} ahead.", notice=duration(notice))
            )
        if version <= state.last_version:
            raise Refused(
                "rules",
                Message(
                    "Version {last_version} of the rules is known already; a new one must be greater.",
                    last_version=state.last_version,
                ),
            )
        state.add_version(version, since)


class WithdrawalRule(Rule[RulesWithdrawal]):
    """Before its date only: where a third of the validators missed an upgrade, nobody else could keep the ledger from standing still."""

    entry = RulesWithdrawal

    def admit(self, state: State, block: Block, signed: SignedEntry[RulesWithdrawal]) -> None:
        signed.together(state.charter.k)
        since = state.version_since(signed.entry.version)
        if since is None:
            raise Refused("rules", Message("No such version is announced, or it was withdrawn."))
        if since <= block.time:
            raise Refused("rules", Message("This version of the rules is in force already."))
        state.withdraw_version(signed.entry.version)
