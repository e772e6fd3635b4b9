"""What a registrar hands in for a poll, its keys and its account, whether a person asks for it or ``veche registrar act``."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from veche.audit.due import Due, Duty, registrars_due
from veche.audit.entry_words import short
from veche.audit.ledger import VerifiedLedger
from veche.cli.acting import Awaited, Round
from veche.cli.draft_poll import EVERYONE
from veche.cli.reading import tell_of_change
from veche.clock import system
from veche.errors import UserError, VecheError
from veche.ledger.entries.permit_key import Issuance, PermitKeys
from veche.ledger.life import Phase
from veche.ledger.poll_state import PollState
from veche.ledger.shape import Text
from veche.registrar.registrar import Registrar, group_names
from veche.texts import Listed, Message, Moment


def permit_keys(opened: Registrar, poll: PollState, everyone: bool) -> PermitKeys:
    """The keys of a poll, made and fixed with the roll as it stands; the same as before if that was done before.

    ``everyone``: whatever the poll's one group is called, all on the roll vote. Raises UserError and Refused.
    """
    names = [group.name for group in poll.definition.groups]
    if everyone:
        groups = group_names([name.en for name in names], everyone)
    else:
        districts = opened.districts().keys()
        groups = group_names([district_of(name, districts) for name in names], everyone)
    return PermitKeys(poll.id, tuple(opened.open_poll(poll.id, groups, everyone=everyone)))


def are_all(groups: Sequence[Text], districts: Collection[str]) -> bool:
    """Whether a poll with these groups is for all people on the roll: its one group is called Everyone, and no district is."""
    return list(groups) == [EVERYONE] and not {*EVERYONE} & {*districts}


def district_of(name: Text, districts: Collection[str]) -> str:
    """The district that is called as a group is, in English or in Russian. Raises UserError if there is none, or one of each."""
    names = list(dict.fromkeys(group_names([one], everyone=False)[0] for one in name))
    found = [called for called in names if called in districts]
    if len(found) > 1:
        raise UserError(
            Message(
                "The roll has a district “{english}” and a district “{russian}”, and this poll has one group of both names.",
                english=found[0],
                russian=found[1],
            ),
            Message("Call the district on the roll by one name."),
        )
    if not found:
        quoted = Listed(tuple(Message("“{name}”", name=one) for one in names), " / ")
        near = [each for one in names for each in get_close_matches(one, districts, 1)]
        quoted = Listed(tuple(Message("“{name}”", name=one) for one in names), " / ")
        raise UserError(
            Message("The roll has no district {names}, for which this poll has a group.", names=quoted),
            Message("A district on it is called “{name}”. The group and the district must have one name.", name=near[0])
            if near
            else Message("See how its districts are called: veche registrar show FOLDER"),
        )
    return found[0]


def account(opened: Registrar, poll: PollState) -> Issuance:
    """The account of a poll that has closed; from then on no permit is signed. Raises UserError as :func:`check_keys`."""
    check_keys(opened, poll)
    return Issuance(poll.id, tuple(opened.issuance(poll.id)))


def check_keys(opened: Registrar, poll: PollState) -> None:
    """Raise UserError if the ledger has permit keys of this registrar that this folder did not make: it is a copy that is too old."""
    place = poll.registrar(opened.office.public)
    shown = None if place is None else poll.permit_keys.get(place)
    if shown is not None and opened.published(poll.id) != list(shown.groups):
        raise UserError(
            Message(
                "The ledger shows permit keys of this registrar for poll {poll} that its folder has not made.",
                poll=short(poll.id),
            ),
            Message(
                "This is an old backup, or somebody else uses the key. Use the folder and the database where the keys were made."
            ),
        )


class Look:
    """What a registrar makes of verified ledgers."""

    def __init__(self, opened: Registrar) -> None:
        self._opened = opened
        self._greeted = False

    def __call__(self, verified: VerifiedLedger) -> Round:
        public = self._opened.office.public
        office = verified.state.offices.get(public)
        if office is None:
            raise UserError(
                Message("The key {key}… is not the key of an office in this ledger.", key=public.hex()[:16]),
                Message("See whose keys are: veche ledger show"),
            )
        if not self._greeted:
            tell_of_change(verified.state, public)
            self._greeted = True
        made, now = Round(office.institution), max(system().time, verified.time)
        for poll in verified.state.polls():
            place = poll.registrar(public)
            if place is None:
                continue
            try:
                check_keys(self._opened, poll)
            except VecheError as trouble:
                made.troubles.append(trouble)
                continue
            for one in registrars_due(verified, poll, now):
                if one.key == public:
                    self._take(verified, poll, one, now, made)
            if place in poll.permit_keys and poll.phase == Phase.ANNOUNCED:
                said = Message(
                    "{poll} is accounted for after {time}, when it has closed.",
                    poll=short(poll.id),
                    time=Moment(poll.closing),
                )
                made.awaited.append(Awaited(said, poll.closing))
        return made

    def _take(self, verified: VerifiedLedger, poll: PollState, one: Due, now: int, made: Round) -> None:
        """Do one thing that is due of it, or say when it can be done."""
        if not one.can_be_done(now):
            said = Message("{poll} can be served from {time} on.", poll=short(poll.id), time=Moment(one.since))
            made.awaited.append(Awaited(said, one.since))
            made.next = min(made.next, one.since)
            return
        try:
            if one.duty is Duty.PERMIT_KEY:
                entry: PermitKeys | Issuance = self._keys(poll)
            else:
                entry = account(self._opened, poll)
        except VecheError as trouble:
            made.troubles.append(trouble)
            return
        made.entries.append(entry.sign(verified.ledger, [self._opened.office]))

    def _keys(self, poll: PollState) -> PermitKeys:
        """Its keys as they were made before, or new ones: for everyone if the poll's one group is called that and no district is."""
        before = self._opened.published(poll.id)
        if before is not None:
            return PermitKeys(poll.id, tuple(before))
        names = [group.name for group in poll.definition.groups]
        return permit_keys(self._opened, poll, are_all(names, self._opened.districts()))
