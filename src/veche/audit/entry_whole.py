"""All that an entry says, for whoever is about to sign it: no field is left out, and nothing is abbreviated.

It is the one place where an entry is written out whole; tests/terminal/test_whole.py changes every field of every kind, and wants to see it.
Texts are shown in both of the city's languages, whatever language the labels are in. What others have written is a string after a
label of ours, or, where it has several lines, :class:`Foreign`: a terminal and a page mark it each in its own way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from veche.audit.charter_words import consequences
from veche.audit.entry_words import both, reason
from veche.audit.poll_warnings import ROLES
from veche.ballot.committee import Certificate, Key, Shares
from veche.ballot.decryption import Share
from veche.ledger import entries
from veche.ledger.entries.charter import Charter, PollClass
from veche.ledger.entries.engine import Embedded
from veche.ledger.entries.network import Founder
from veche.ledger.entries.office import OfficeAction, Role
from veche.ledger.entries.poll import Choice, Poll
from veche.ledger.entries.result import Numbers
from veche.ledger.entries.statements import OutcomeStatus
from veche.ledger.shape import Attachment, Text
from veche.ledger.state import State
from veche.texts import DATE, EXACT, LAST, N_, Localizable, Message, Moment, Number, Plural, duration, one_line

KINDS = {
    entries.BlockEntry.kind: N_("The beginning of a block"),
    entries.Charter.kind: N_("The charter of a ledger"),
    entries.OfficeChange.kind: N_("A change of an office, or an objection to one"),
    entries.OfficeEffect.kind: N_("A change of an office takes effect"),
    entries.NewClass.kind: N_("A further class of polls"),
    entries.Address.kind: N_("Where a validator is found from now on"),
    entries.EngineChange.kind: N_("The ledger goes on as a network"),
    entries.Restart.kind: N_("A network that has lost a third of its validators goes on"),
    entries.DoubleSigning.kind: N_("A validator has voted for two blocks of one height"),
    entries.Validators.kind: N_("Who the validators are from the next head on"),
    entries.RulesVersion.kind: N_("New rules"),
    entries.RulesWithdrawal.kind: N_("New rules are withdrawn"),
    entries.Notice.kind: N_("A notice"),
    entries.CommitteeCall.kind: N_("The trustees of a class are asked for a key"),
    entries.CertificateStep.kind: N_("Key generation: a trustee's certificate"),
    entries.SharesStep.kind: N_("Key generation: a trustee's shares"),
    entries.KeyStep.kind: N_("Key generation: a trustee's key"),
    entries.Complaint.kind: N_("Key generation: a complaint about a trustee"),
    entries.CommitteeVoid.kind: N_("A committee is void"),
    entries.Poll.kind: N_("A poll"),
    entries.PermitKeys.kind: N_("A registrar's permit keys for a poll"),
    entries.Void.kind: N_("A poll is void"),
    entries.Cancel.kind: N_("A poll is cancelled"),
    entries.Contest.kind: N_("An objection to a poll"),
    entries.Outcome.kind: N_("The city's answer to a poll"),
    entries.Issuance.kind: N_("A registrar's account of its permits for a poll"),
    entries.Tally.kind: N_("The encrypted sums of a poll"),
    entries.TooFew.kind: N_("A poll in which too few voted"),
    entries.Decryption.kind: N_("A trustee's share of a decryption"),
    entries.Result.kind: N_("The result of a poll"),
}
"""What each kind is, in words."""

ACTIONS = {
    OfficeAction.ADD: N_("add: the institution gets an office that it does not have"),
    OfficeAction.ROTATE: N_("rotate: the office gets another key"),
    OfficeAction.RETIRE: N_("retire: the office ends"),
    OfficeAction.SUSPEND: N_("suspend: the key is silent for a while"),
    OfficeAction.OBJECT: N_("object: a change that waits is not to be"),
}
STATUSES = {
    OutcomeStatus.WILL: N_("will: the city is going to do it"),
    OutcomeStatus.DONE: N_("done: the city has done it"),
    OutcomeStatus.NOT: N_("not: the city is not going to do it"),
}
PARTS = {
    Certificate: (
        N_("Key by which the trustee signs in this ceremony"), N_("Key to which shares are encrypted"), N_("Signature of both"),
        N_("Hash of the exponents to come"),
    ),
    Shares: (
        N_("Exponents"), N_("Signature of the exponents"), N_("Signature of all certificates"), N_("Encrypted shares"),
    ),
    Key: (N_("Key"), N_("Proof that its secret is known"), N_("Signature of the key")),
    Share: (N_("Factors"), N_("Proofs as Belenios has them"), N_("Proofs that bind them to the tally")),
}  # fmt: skip
"""What the fields of a trustee's documents are, in their order."""


@dataclass(frozen=True)
class Row(Localizable):
    """A line: what it is about, and what the entry says there: a string is somebody else's. ``depth`` is how far it is moved to the right."""

    label: Localizable
    value: Localizable | str
    depth: int = 0

    def text(self, language: str) -> str:
        value = one_line(self.value) if isinstance(self.value, str) else self.value.text(language)
        return f"{'  ' * self.depth}{self.label.text(language)}: {value}"


@dataclass(frozen=True)
class Heading(Localizable):
    """A line that others belong to."""

    said: Localizable
    depth: int = 0

    def text(self, language: str) -> str:
        return f"{'  ' * self.depth}{self.said.text(language)}:"


@dataclass(frozen=True)
class Foreign(Localizable):
    """A text of several lines that others have written, under a heading of ours."""

    said: str
    depth: int

    def text(self, language: str) -> str:
        return self.said


Files = Callable[[Attachment], Localizable]
"""What is to be said of the file that belongs to an attachment."""


class Whole:
    """Writes entries out. ``state``: of the ledger, for the names behind ids and keys; None for a charter, which has none yet."""

    def __init__(self, state: State | None, files: Files | None = None) -> None:
        self._state = state
        self._files = files

    def lines(self, entry: entries.Entry) -> Iterator[Localizable]:
        """All of it. The first line says what it is."""
        yield Message("{kind} ({word})", kind=Message(KINDS[entry.kind]), word=entry.kind)
        match entry:
            case entries.Charter():
                yield from _charter(entry)
            case entries.Poll():
                yield from self._poll(entry)
            case entries.OfficeChange():
                yield from self._seat(entry.action, entry.institution, entry.role, entry.key, entry.votes)
                yield Row(Message("Number that makes it new"), Number(entry.number))
            case entries.OfficeEffect():
                yield Row(Message("Entry that is the change"), entry.change.hex())
                yield from self._seat(entry.action, entry.institution, entry.role, entry.key, entry.votes)
            case entries.Validators():
                for validator in entry.rows:
                    yield Row(Message("Validator"), validator.institution)
                    yield Row(Message("Ledger key"), validator.key.hex(), 1)
                    yield Row(Message("Consensus key"), validator.votes.hex(), 1)
            case entries.NewClass():
                yield Row(Message("Class"), entry.poll_class.name)
                if self._state is None:
                    yield from _class(None, entry.poll_class)
                else:
                    yield from _class(self._state.charter, entry.poll_class)
                    for said in consequences(self._state.charter, entry.poll_class):
                        yield Row(Message("So"), said, 1)
            case entries.Address():
                yield Row(Message("Address"), entry.url)
                yield Row(Message("Address for other validators"), entry.peer)
                yield Row(Message("Number that makes it new"), Number(entry.number))
            case entries.EngineChange():
                yield from _founders(entry.founders)
            case entries.Restart():
                yield Row(Message("Entries from which it goes on"), Number(entry.size))
                yield Row(Message("Root of the log with them"), entry.root.hex())
                yield Row(Message("Height"), Number(entry.height))
                yield Row(Message("Time"), moment(entry.time))
                yield from _founders(entry.founders)
                if self._state is not None:
                    now = {key for key, _ in entry.founders}
                    for one in self._state.validators():
                        if one.key not in now:
                            yield Row(Message("Key that signs no head any more"), one.key.hex())
                            yield Row(Message("Institution"), one.institution, 1)
            case entries.DoubleSigning():
                whose = None if self._state is None else _whose_votes(self._state, entry.votes)
                yield Row(Message("Institution"), whose or Message("not known"))
                yield Row(Message("Consensus key"), entry.votes.hex())
                yield Row(Message("Height"), Number(entry.height))
                yield Row(Message("Time"), moment(entry.time))
            case entries.RulesWithdrawal():
                yield Row(Message("Version"), Number(entry.version))
            case entries.RulesVersion():
                yield Row(Message("Version"), Number(entry.version))
                yield Row(Message("From"), moment(entry.since))
            case entries.CommitteeCall():
                yield Row(Message("Class"), entry.class_name)
                yield Row(Message("Mode"), _mode(entry.mode))
                yield Row(Message("Number that makes it new"), Number(entry.number))
            case entries.BlockEntry():
                yield Row(Message("Height"), Number(entry.height))
                yield Row(Message("Time"), moment(entry.time))
                yield Row(Message("Time of the block before"), moment(entry.previous))
                yield Row(Message("Entries in the frame before it"), Number(entry.framed))
                yield Row(Message("Root of the frame"), entry.frame.hex())
            case (
                entries.CertificateStep()
                | entries.SharesStep()
                | entries.KeyStep()
                | entries.Complaint()
                | entries.CommitteeVoid()
            ):
                yield from self._step(entry)
            case _:
                yield from self._about_poll(entry)

    def ballot(self, item: list[Any]) -> Iterator[Localizable]:
        """The same of a decoded ballot, which no office signs. What was chosen, nobody sees."""
        _, poll_id, group, ballot, permits, turn, signature = item
        yield Message("{kind} ({word})", kind=Message("A sealed ballot"), word=entries.BALLOT)
        yield from self._poll_id(poll_id)
        yield Row(Message("Of"), self._group(poll_id, group).said)
        yield Row(Message("How many ballots of this voter it is"), Number(turn))
        yield Row(Message("Ballot"), ballot.hex())
        for registrar, prefix, permit in permits:
            yield Heading(Message("Permit of registrar {number}", number=registrar + 1))
            yield Row(Message("Prefix"), prefix.hex(), 1)
            yield Row(Message("Signature"), permit.hex(), 1)
        yield Row(Message("Cast signature"), signature.hex())

    def signers(self, keys: Sequence[bytes], charter: Charter | None = None) -> Iterator[Localizable]:
        """Who has signed before: by the ledger's offices, or in the order of those of a charter that begins none yet."""
        if not keys:
            yield Row(Message("Signed before"), Message("by nobody"))
        offices = (
            {}
            if self._state is None
            else {key: (one.institution, one.role) for key, one in self._state.offices.items()}
        )
        if charter is not None:
            offices = {one.key: (one.institution, one.role) for one in charter.offices}
            keys = [*(key for key in offices if key in keys), *(key for key in keys if key not in offices)]
        for key in keys:
            if key in offices:
                yield Row(Message("Signed"), _holder(*offices[key], key))
            else:
                yield Row(Message("Signed"), Message("by the key {key}", key=key.hex()))

    # Polls and what is said of them

    def _poll(self, poll: Poll) -> Iterator[Localizable]:
        yield Row(Message("Class"), poll.class_name)
        yield from texts(Message("Title"), poll.title)
        yield from texts(Message("Background"), poll.background)
        for number, question in enumerate(poll.questions, 1):
            yield Heading(Message("Question {number}", number=number))
            yield from _question(question)
        for number, group in enumerate(poll.groups, 1):
            yield Heading(Message("Group {number} of voters", number=number))
            yield from texts(Message("Name"), group.name, 1)
            yield Row(Message("Weight of each ballot"), Number(group.weight), 1)
        yield Row(Message("Opens"), moment(poll.opens))
        yield Row(Message("Closes"), moment(poll.closes))
        yield Row(Message("So it is open for"), duration(poll.closes - poll.opens))
        yield from self._committee(poll.committee)
        yield from self._attachments(poll.attachments)

    def _about_poll(self, entry: entries.Entry) -> Iterator[Localizable]:
        match entry:
            case entries.Notice():
                yield from self._poll_id(entry.poll)
                yield from texts(Message("What it says"), entry.text)
                yield from self._attachments(entry.attachments)
            case entries.Outcome():
                yield from self._poll_id(entry.poll)
                yield Row(Message("Answer"), Message(STATUSES[entry.status]))
                yield from texts(Message("What it says"), entry.text)
                yield Row(Message("By"), _promised(entry.due) if entry.due else Message("no day is named"))
                yield from self._attachments(entry.attachments)
            case entries.Cancel() | entries.Contest():
                yield from self._poll_id(entry.poll)
                yield from texts(Message("Why"), entry.text)
            case entries.Void():
                yield from self._poll_id(entry.poll)
                yield Row(Message("Why"), reason(entry.reason))
            case entries.PermitKeys():
                yield from self._poll_id(entry.poll)
                for number, row in enumerate(entry.groups):
                    yield self._group(entry.poll, number)
                    yield Row(Message("People on the roll"), Number(row.people), 1)
                    yield Row(Message("Root of the roll"), row.root.hex(), 1)
                    yield Row(Message("Modulus"), row.modulus.hex(), 1)
            case entries.Issuance():
                yield from self._poll_id(entry.poll)
                for number, account in enumerate(entry.groups):
                    yield self._group(entry.poll, number)
                    yield Row(Message("People who were given a permit"), Number(account.issued), 1)
                    yield Row(Message("Root of the account"), account.root.hex(), 1)
            case entries.TooFew():
                yield from self._poll_id(entry.poll)
                yield Row(Message("Ballots that count"), Number(entry.counted))
                yield Row(Message("Root over their numbers"), entry.root.hex())
            case entries.Tally():
                yield from self._tally(entry)
            case entries.Decryption():
                yield from self._poll_id(entry.poll)
                yield self._trustee(entry.index, self._class_of_poll(entry.poll))
                yield Row(Message("Tally"), entry.tally.hex())
                yield Row(Message("Part of the tally"), Number(entry.part))
                yield from _parts(entry.share)
            case entries.Result():
                yield from self._poll_id(entry.poll)
                for index in entry.trustees:
                    yield self._trustee(index, self._class_of_poll(entry.poll))
                yield from _numbers(Message("All groups together"), entry.total)
                for place, cell in enumerate(entry.cells, 1):
                    yield from _numbers(Message("Groups that are counted together, {number}", number=place), cell)
            case _:
                raise AssertionError(f"a kind that nobody writes out: {entry.kind}")

    def _tally(self, tally: entries.Tally) -> Iterator[Localizable]:
        yield from self._poll_id(tally.poll)
        yield Row(Message("Ballots that count"), Number(tally.counted))
        yield Row(Message("Root over their numbers"), tally.root.hex())
        for place, cell in enumerate(tally.cells, 1):
            yield Heading(Message("Groups that are counted together, {number}", number=place))
            for member in cell.members:
                counted = Plural("{count} ballot", "{count} ballots", member.counted)
                yield Row(self._group(tally.poll, member.group).said, counted, 1)
            yield Row(Message("Encrypted sums"), cell.sums.hex(), 1)

    def _poll_id(self, poll_id: bytes) -> Iterator[Localizable]:
        if not poll_id:
            yield Row(Message("Poll"), Message("about no poll"))
            return
        yield Row(Message("Poll"), poll_id.hex())
        poll = None if self._state is None else self._state.poll(poll_id)
        if poll is None:
            yield Row(Message("Its title"), Message("the ledger has no such poll"), 1)
        else:
            yield from texts(Message("Its title"), poll.definition.title, 1)

    def _group(self, poll_id: bytes, place: int) -> Heading:
        poll = None if self._state is None else self._state.poll(poll_id)
        if poll is None or place >= len(poll.definition.groups):
            return Heading(Message("Group {number} of voters", number=place + 1))
        name = poll.definition.groups[place].name
        return Heading(Message("Group {number} of voters, “{name}”", number=place + 1, name=both(name)))

    def _attachments(self, attachments: tuple[Attachment, ...]) -> Iterator[Localizable]:
        for attachment in attachments:
            yield Row(Message("Attachment"), attachment.name)
            yield Row(Message("Hash of its salt and content"), attachment.hash.hex(), 1)
            if self._files is not None:
                yield Row(Message("The file"), self._files(attachment), 1)

    # Offices and committees

    def _seat(
        self, action: OfficeAction, institution: str, role: Role, key: bytes, votes: bytes
    ) -> Iterator[Localizable]:
        yield Row(Message("What"), Message(ACTIONS[action]))
        yield Row(Message("Institution"), institution)
        yield Row(Message("Role"), Message(ROLES[role]))
        yield Row(_KEY_OF[action](), key.hex())
        if votes:
            yield Row(Message("The new consensus key"), votes.hex())
        if self._state is not None:
            held = self._state.key_of(institution, role)
            yield Row(
                Message("Key that holds the office now"),
                Message("none: nobody holds it") if held is None else held.hex(),
            )
            if held == key:
                yield Row(Message("Look at this"), Message("this is the key that holds the office now"), 1)

    def _committee(self, committee_id: bytes) -> Iterator[Localizable]:
        yield Row(Message("Committee"), committee_id.hex())
        committee = None if self._state is None else self._state.committee(committee_id)
        if committee is None:
            yield Row(Message("Its trustees"), Message("the ledger has no such committee"), 1)
            return
        for index, institution in enumerate(committee.poll_class.trustees, 1):
            yield Row(Message("Trustee {number}", number=index), institution, 1)
        if committee.key is not None:
            yield Row(Message("Its key"), committee.key.hex(), 1)

    def _step(self, entry: Any) -> Iterator[Localizable]:
        yield from self._committee(entry.committee)
        if isinstance(entry, entries.CommitteeVoid):
            yield Row(Message("Why"), reason(entry.reason))
            return
        committee = None if self._state is None else self._state.committee(entry.committee)
        poll_class = None if committee is None else committee.poll_class
        yield self._trustee(entry.index, poll_class)
        match entry:
            case entries.CertificateStep():
                yield from _parts(entry.certificate)
            case entries.SharesStep():
                yield from _parts(entry.shares)
            case entries.KeyStep():
                yield from _parts(entry.key)
            case entries.Complaint():
                accused = self._trustee(entry.against, poll_class)
                yield Row(Message("About"), Message("{label}: {value}", label=accused.label, value=accused.value))
                yield from texts(Message("What it says"), entry.text)

    def _trustee(self, index: int, poll_class: PollClass | None) -> Row:
        known = poll_class is not None and 1 <= index <= len(poll_class.trustees)
        name: Localizable | str = Message("not known")
        if known and poll_class is not None:
            name = poll_class.trustees[index - 1]
        return Row(Message("Trustee {number}", number=index), name)

    def _class_of_poll(self, poll_id: bytes) -> PollClass | None:
        poll = None if self._state is None else self._state.poll(poll_id)
        return None if poll is None else poll.poll_class


def _whose_votes(state: State, votes: bytes) -> str | None:
    """The institution whose consensus key this is or was."""
    return next((office.institution for office in state.offices.values() if office.votes == votes), None)


_KEY_OF: Mapping[OfficeAction, Callable[[], Message]] = {
    OfficeAction.ADD: lambda: Message("The new key"),
    OfficeAction.ROTATE: lambda: Message("The new key"),
    OfficeAction.RETIRE: lambda: Message("The key that ends"),
    OfficeAction.SUSPEND: lambda: Message("The key that is silent"),
    OfficeAction.OBJECT: lambda: Message("The key that the change is about"),
}


def moment(time: int) -> Localizable:
    """A time in words, to the second; what no calendar has room for as a number."""
    return Moment(time, EXACT) if time <= LAST else Message("{seconds} seconds after 1970", seconds=time)


def _promised(due: int) -> Localizable:
    """The day of a promise, as it is said wherever it is shown; and, since all that is signed is shown, how the entry writes it."""
    return (
        Message("{day} (in the entry: {time})", day=Moment(due, DATE), time=moment(due)) if due <= LAST else moment(due)
    )


def texts(label: Localizable, text: Text, depth: int = 0) -> Iterator[Localizable]:
    """A text of others, in both languages."""
    if text == ("", ""):
        yield Row(label, Message("none"), depth)
        return
    yield Heading(label, depth)
    for language, said in ((Message("in English"), text.en), (Message("in Russian"), text.ru)):
        if "\n" in said:
            yield Heading(language, depth + 1)
            yield Foreign(said, depth + 2)
        else:
            yield Row(language, said, depth + 1)


def _founders(founders: Sequence[Founder]) -> Iterator[Row]:
    for key, row in founders:
        yield Row(Message("Validator"), row.institution)
        yield Row(Message("Ledger key"), key.hex(), 1)
        yield Row(Message("Consensus key"), row.votes.hex(), 1)
        yield Row(Message("Address"), row.url, 1)
        yield Row(Message("Address for other validators"), row.peer, 1)


def _charter(charter: Charter) -> Iterator[Localizable]:
    yield Row(Message("Name of the log"), charter.origin)
    yield from texts(Message("Name"), charter.name)
    yield Row(Message("Begins"), moment(charter.time))
    engine = Plural("{name}, {count} second between two blocks at least", "{name}, {count} seconds between two blocks at least",
                    charter.engine.seconds, name=charter.engine.name)  # fmt: skip
    yield Row(Message("Engine"), engine)
    if isinstance(charter.engine, Embedded):
        yield Row(Message("Operator"), charter.engine.operator)
        yield Row(Message("Key of the log"), charter.engine.log_key.hex())
    for validator in charter.engine.validators:
        yield Row(Message("Validator"), validator.institution)
        yield Row(Message("Consensus key"), validator.votes.hex(), 1)
        yield Row(Message("Address"), validator.url, 1)
        yield Row(Message("Address for other validators"), validator.peer, 1)
    yield Row(Message("Institutions that change offices or cancel a poll together"), Number(charter.k))
    if charter.witnesses is None:
        yield Row(Message("Witnesses"), Message("none: nobody but who runs it vouches that all are shown one ledger"))
    else:
        corrupt = Message(
            "the observers but those of who runs it; {corrupt} of them may be corrupt", corrupt=charter.witnesses
        )
        yield Row(Message("Witnesses"), corrupt)
    if charter.test:
        yield Row(Message("Test ledger, all times divided by"), Number(charter.test))
    yield Heading(Message("Offices"))
    for office in charter.offices:
        holds = Message("{institution}, key {key}", institution=office.institution, key=office.key.hex())
        yield Row(Message(ROLES[office.role]), holds, 1)
    for poll_class in charter.classes:
        yield Row(Message("Class"), poll_class.name)
        yield from _class(charter, poll_class)
        for said in consequences(charter, poll_class):
            yield Row(Message("So"), said, 1)


def _class(charter: Charter | None, guards: PollClass) -> Iterator[Localizable]:
    def lasts(label: Localizable, seconds: int) -> Row:
        if charter is None or not charter.test:
            return Row(label, duration(seconds), 1)
        said = Message("{time}, here {test}", time=duration(seconds), test=duration(charter.lasting(seconds)))
        return Row(label, said, 1)

    for seat in guards.registrars:
        known = Message(
            "{institution}, which knows people by: {source}", institution=seat.institution, source=seat.source
        )
        yield Row(Message("Registrar"), known, 1)
    yield Row(Message("Permits that a ballot needs"), Number(guards.k), 1)
    yield Row(Message("Registrars who may cheat"), Number(guards.f), 1)
    yield Row(Message("Identity sources that the permits of a ballot come from"), Number(guards.sources), 1)
    for name in guards.trustees:
        yield Row(Message("Trustee"), name, 1)
    yield Row(Message("Trustees who decrypt together"), Number(guards.t), 1)
    yield Row(Message("Trustees who may be corrupt"), Number(guards.f_t), 1)
    yield Row(Message("Fewest ballots that are decrypted"), Number(guards.smallest), 1)
    yield lasts(Message("From publication to opening, at least"), guards.notice)
    yield lasts(Message("From opening to closing, at most"), guards.longest)
    yield Row(Message("Organisers who sign a poll"), Number(guards.organisers), 1)
    yield lasts(Message("Results can be challenged for"), guards.challenge)
    yield lasts(Message("Trustees wait after a tally for"), guards.margin)
    heads = Message("cosigned by witnesses") if guards.witnessed else Message("as the operator signs them")
    yield Row(Message("Heads under which anybody acts"), heads, 1)


def _question(question: Choice) -> Iterator[Localizable]:
    yield from texts(Message("What is asked"), question.text, 1)
    yield Row(Message("Answers to choose"), Message("{least} to {most}", least=question.least, most=question.most), 1)
    yield Row(Message("It may be left blank"), Message("yes") if question.blank else Message("no"), 1)
    for number, answer in enumerate(question.answers, 1):
        yield from texts(Message("Answer {number}", number=number), answer, 1)


def _numbers(label: Localizable, numbers: Numbers) -> Iterator[Localizable]:
    yield Heading(label)
    for place, row in enumerate(numbers, 1):
        listed = ", ".join(str(number) for number in row)
        yield Row(Message("Question {number}", number=place), listed, 1)


def _parts(document: Certificate | Shares | Key | Share) -> Iterator[Localizable]:
    for label, field in zip(PARTS[type(document)], fields(document), strict=True):
        value = getattr(document, field.name)
        if isinstance(value, bytes):
            yield Row(Message(label), value.hex() or Message("none"))
        else:
            yield Heading(Message(label))
            for number, one in enumerate(value, 1):
                yield Row(Number(number), one.hex(), 1)


def _holder(institution: str, role: Role, key: bytes) -> Message:
    return Message(
        "by {institution} ({role}), key {key}", institution=institution, role=Message(ROLES[role]), key=key.hex()
    )


def _mode(mode: str) -> Localizable | str:
    known = {
        "single": N_("single: all trustees have to decrypt"),
        "pedersen": N_("pedersen: as many trustees decrypt as the class says"),
    }
    return Message(known[mode]) if mode in known else mode
