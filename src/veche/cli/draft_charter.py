"""The draft of a charter: what ``veche charter new`` writes, and how it becomes the body of the ``charter`` entry."""

import time as clock_time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from veche.audit.dangers import charter_dangers
from veche.cli.draft import BothTexts, Count, Duration, PublicKey, Table, read_draft
from veche.errors import UserError
from veche.ledger.entries.charter import CHALLENGE, MARGIN, Charter, OfficeSeat, PollClass, RegistrarSeat
from veche.ledger.entries.engine import Embedded, Engine, Network, ValidatorRow
from veche.ledger.entries.network import Founder
from veche.ledger.entries.office import Role
from veche.ledger.shape import office_key
from veche.terminal.say import spoken
from veche.texts import N_, Message

TEMPLATE = N_("""\
# The draft of a charter: entry 0 of a ledger, which fixes what no organiser may choose later. Edit it, then let every
# office in it sign:   veche charter sign {name} --key office.key
# Keys are the 64 digits that "veche office keygen", "veche ledger keygen", "veche trustee init", "veche registrar init" and
# "veche witness init" print.

origin = "veche.example/city"          # the log's name: no spaces, best a domain that is yours
name = {{ en = "The city's ledger", ru = "Реестр города" }}
log_key = "{log_key}"    # from: veche ledger keygen
operator = "City hall: computing"      # the institution that runs the log and holds this key. In a network there is neither of
                                       # the two, but a part [[validator]] for each institution that runs it
k = 3                                  # so many institutions together change the offices or cancel a poll: more than one
                                       # owner has (what stands before ": " in their names)
seconds = 1                            # between two blocks
# witnesses = 1                        # Observers (not the operator's) cosign heads, and so many of them may be corrupt: 1 takes
                                       # 4 observers, 2 take 7. Without witnesses the operator and a few voters can read a vote.
# test = 1000                          # a test ledger, on which all times are divided by this; leave it out in earnest

# Every office: organiser, registrar, trustee or observer.
[[office]]
institution = "City hall: polls office"
role = "organiser"
key = ""

[[office]]
institution = "City hall: legal office"
role = "organiser"
key = ""

[[office]]
institution = "Civil registry"
role = "registrar"
key = ""

[[office]]
institution = "Post office"
role = "registrar"
key = ""

[[office]]
institution = "University"
role = "trustee"
key = ""

[[office]]
institution = "Bar association"
role = "trustee"
key = ""

[[office]]
institution = "Journalists' union"
role = "trustee"
key = ""

[[office]]
institution = "Chamber of engineers"
role = "trustee"
key = ""

# [[office]]                           # a witness, if there are any: one such part for each
# institution = "Election observers"
# role = "observer"
# key = ""

# [[validator]]                        # a network has 1 to 64 of them, best at least 4: over two thirds must agree
# institution = "City hall: computing"
# key = ""                             # its ledger key, which signs heads of the ledger; from: veche ledger keygen
# votes = ""                           # its consensus key, with which CometBFT decides blocks
# url = "https://node.example"         # its public address
# peer = "ID@node.example:26656"       # where CometBFT's other nodes find it

# A class of poll: who guards it. An institution is never registrar and trustee of the same class.
[[class]]
name = "pilot"
registrars = [                         # a ballot needs permits of k of them; f of them may cheat
    {{ institution = "Civil registry", source = "passport office" }},
    {{ institution = "Post office", source = "address register" }},
]
k = 2                                  # 2k > n + f, and n - f >= k
f = 0
sources = 2                            # different identity sources that a ballot's permits come from
trustees = ["University", "Bar association", "Journalists' union", "Chamber of engineers"]
t = 3                                  # so many trustees decrypt together; f_t of them may be corrupt or absent:
f_t = 1                                # 2t > n + f_t, and n - f_t >= t (1 takes 4 trustees, 2 take 7)
smallest = 20                          # fewer ballots than this are never decrypted
notice = "0 seconds"                   # from publication to opening, at least
longest = "30 days"                    # from opening to closing, at most
organisers = 2                         # signatures under a poll
challenge = "14 days"                  # after a result people can ask registrars for their rows so long
margin = "1 hour"                      # trustees wait so long after a closing by their own clocks, at most 1 hour
# witnessed = true                     # nobody acts but under heads that witnesses cosigned ("veche witness cosign")
""")
"""In the reader's language: what is translated are the comments."""


class OfficeTable(Table, frozen=True, kw_only=True):
    """``[[office]]``: an institution in one role, with the key for it."""

    institution: str
    role: str
    key: PublicKey


class ValidatorTable(Table, frozen=True, kw_only=True):
    """``[[validator]]``: an institution that runs the network, with its ledger key, its consensus key and its addresses."""

    institution: str
    key: PublicKey
    votes: PublicKey
    url: str
    peer: str


class RegistrarTable(Table, frozen=True, kw_only=True):
    """A registrar of a class, and how it knows who somebody is."""

    institution: str
    source: str


class ClassTable(Table, frozen=True, kw_only=True):
    """``[[class]]``: who guards the polls of this class."""

    name: str
    registrars: list[RegistrarTable]
    k: Count
    f: Count
    sources: Count
    trustees: list[str]
    t: Count
    f_t: Count
    smallest: Count
    notice: Duration
    longest: Duration
    organisers: Count
    challenge: Duration = Duration(CHALLENGE)
    margin: Duration = Duration(MARGIN)
    witnessed: bool = False


class CharterDraft(Table, frozen=True, kw_only=True):
    """The whole draft."""

    origin: str
    name: BothTexts
    log_key: PublicKey | None = None
    operator: str | None = None
    k: Count
    seconds: Count = 1
    witnesses: Count | None = None
    test: Count = Count(0)
    office: list[OfficeTable] = []
    validator: list[ValidatorTable] = []
    classes: list[ClassTable] = msgspec.field(name="class", default_factory=list)


def template(name: str, log_key: str) -> str:
    """A draft to start from."""
    return spoken(Message(TEMPLATE, name=name, log_key=log_key))


def read_charter(path: Path) -> Charter:
    """A charter, not signed yet, from its draft; its time is now. Raises UserError, and Refused for one with which no ledger begins."""
    draft = read_draft(path, CharterDraft)
    if not draft.office or not draft.classes:
        raise UserError(
            Message("In {path}: a charter has offices and classes.", path=path),
            Message("Add parts that begin with [[office]] and [[class]]."),
        )
    made = Charter(
        draft.origin, draft.name.text, int(clock_time.time()),
        (
            *(OfficeSeat(office.institution, Role.named(office.role, "charter"), bytes(office.key)) for office in draft.office),
            *(OfficeSeat(validator.institution, Role.VALIDATOR, bytes(validator.key)) for validator in draft.validator),
        ),
        draft.k, tuple(_class(table) for table in draft.classes), _engine(draft, path),
        draft.witnesses, draft.test,
    )  # fmt: skip
    return Charter.parse(made.body())


def _engine(draft: CharterDraft, path: Path) -> Engine:
    if draft.validator and draft.log_key is None and draft.operator is None:
        rows = [ValidatorRow(one.institution, bytes(one.votes), one.url, one.peer) for one in draft.validator]
        return Network(draft.seconds, tuple(sorted(rows)))
    if draft.log_key is None or draft.operator is None or draft.validator:
        raise UserError(
            Message("In {path}: a charter has either operator and log_key, or validators.", path=path),
            Message("Give the first two for one process, or parts that begin with [[validator]] for a network."),
        )
    return Embedded(draft.seconds, draft.operator, bytes(draft.log_key))


def _engine_json(engine: Engine) -> dict[str, Any]:
    common = {"name": engine.name, "seconds": engine.seconds}
    if isinstance(engine, Embedded):
        return {**common, "operator": engine.operator, "log_key": engine.log_key.hex()}
    return {**common, "validators": [{**row._asdict(), "votes": row.votes.hex()} for row in engine.validators]}


def charter_json(charter: Charter) -> dict[str, Any]:
    return {
        "origin": charter.origin,
        "name": charter.name._asdict(),
        "time": charter.time,
        "engine": _engine_json(charter.engine),
        "k": charter.k,
        "warnings": [str(danger) for danger in charter_dangers(charter)],
        "witnesses": charter.witnesses,
        "test": charter.test,
        "offices": [{"institution": name, "role": role, "key": key.hex()} for name, role, key in charter.offices],
        "classes": [
            {**asdict(c), "registrars": [{"institution": name, "source": source} for name, source in c.registrars]}
            for c in charter.classes
        ],
    }


class ClassDraft(Table, frozen=True, kw_only=True):
    """A draft of a class alone."""

    classes: list[ClassTable] = msgspec.field(name="class", default_factory=list)


def read_class(path: Path) -> PollClass:
    """The class in a draft that has one part [[class]]. Raises UserError, and Refused for one that is none."""
    draft = read_draft(path, ClassDraft)
    if len(draft.classes) != 1:
        raise UserError(
            Message("In {path}: one class is added at a time.", path=path),
            Message("Write one part that begins with [[class]], as in a charter's draft."),
        )
    return _class(draft.classes[0])


class ValidatorsDraft(Table, frozen=True, kw_only=True):
    """What "veche network keys" printed, of one validator or several."""

    validator: list[ValidatorTable] = []


def read_validators(path: Path) -> list[Founder]:
    """The validators in a file with parts [[validator]]. Raises UserError if there are none, and Refused for one that can be none."""
    draft = read_draft(path, ValidatorsDraft)
    if not draft.validator:
        raise UserError(
            Message("In {path}: there is no validator.", path=path),
            Message('Give what "veche network keys" printed, or several of these in one file.'),
        )
    rows = [(one.key, [one.institution, bytes(one.votes), one.url, one.peer]) for one in draft.validator]
    return [Founder(office_key(bytes(key), "A ledger key"), ValidatorRow.parse(row)) for key, row in rows]


def _class(table: ClassTable) -> PollClass:
    registrars = tuple(RegistrarSeat(registrar.institution, registrar.source) for registrar in table.registrars)
    made = PollClass(
        table.name, registrars, table.k, table.f, table.sources, tuple(table.trustees), table.t, table.f_t,
        table.smallest, int(table.notice), int(table.longest), table.organisers, int(table.challenge), int(table.margin),
        table.witnessed,
    )  # fmt: skip
    return PollClass.parse(made.body())
