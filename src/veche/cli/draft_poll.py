"""The draft of a poll: what ``veche poll new`` writes, and how it becomes the body of a ``poll`` entry."""

import json
import os
from pathlib import Path

import msgspec

from veche.audit.entry_words import short
from veche.cli.draft import BothTexts, Count, Digest, Instant, Table, read_draft
from veche.cli.options import read_file
from veche.cli.poll_attachments import SALT
from veche.cli.reading import Reading
from veche.errors import UserError
from veche.ledger.codec import digest
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.shape import Attachment, Text
from veche.log.source import ATTACHMENT_LIMIT
from veche.terminal.say import spoken
from veche.texts import N_, Message

EVERYONE = Text("Everyone", "Все")

TEMPLATE = N_("""\
# The draft of a poll. Edit it, then:
#     veche poll preview {name}          see it as voters will
#     veche poll sign {name} --key ...   make the entry and sign it; a second organiser signs the entry too
# What is signed and published is frozen: a change is a new poll. Texts are in English and Russian, both.

class = {poll_class}
committee = {committee}      # the trustees' key: an id, or its beginning; see: veche committee list
opens = {opens}
closes = {closes}

title = {{ en = "Speed limit inside the Garden Ring", ru = "Скорость внутри Садового кольца" }}

[background]
en = \"\"\"
Drivers may do 60 km/h on the streets inside the Garden Ring. Which limit do you want?\"\"\"
ru = \"\"\"
На улицах внутри Садового кольца разрешены 60 км/ч. Какое ограничение вам нужно?\"\"\"

# One such part for each question. blank = true lets a voter say: none of these.
[[question]]
text = {{ en = "Which speed limit do you want?", ru = "Какое ограничение скорости вам нужно?" }}
answers = [
    {{ en = "Keep 60 km/h", ru = "Оставить 60 км/ч" }},
    {{ en = "50 km/h", ru = "50 км/ч" }},
    {{ en = "40 km/h", ru = "40 км/ч" }},
]
min = 1
max = 1
blank = false

# Who votes: the districts, by the names that they have on the roll in one of the languages, each with the weight of a ballot.
# Without any group everyone on the roll votes, with equal weight.
# [[group]]
# name = {{ en = "Arbat", ru = "Арбат" }}
# weight = 1

# Files that belong to the poll: maps, images, long texts. The ledger holds their hashes.
# [[attachment]]
# name = "map.geojson"
# file = "map.geojson"
""")
"""In the reader's language: what is translated are the comments."""


class QuestionTable(Table, frozen=True, kw_only=True):
    """``[[question]]``: choose ``min`` to ``max`` of the answers, or none of them if it may be blank."""

    text: BothTexts
    answers: list[BothTexts]
    min: Count
    max: Count
    blank: bool = False


class GroupTable(Table, frozen=True, kw_only=True):
    """``[[group]]``: who votes."""

    name: BothTexts
    weight: Count = 1


class AttachmentTable(Table, frozen=True, kw_only=True):
    """``[[attachment]]``: a file beside the draft, or the hash of one that was attached before."""

    name: str
    file: str | None = None
    hash: Digest | None = None


class PollDraft(Table, frozen=True, kw_only=True):
    """The whole draft."""

    poll_class: str = msgspec.field(name="class")
    committee: str
    opens: Instant
    closes: Instant
    title: BothTexts
    background: BothTexts = BothTexts(en="", ru="")
    question: list[QuestionTable] = []
    group: list[GroupTable] = []
    attachment: list[AttachmentTable] = []


def template(name: str, poll_class: str, committee: str, opens: str, closes: str) -> str:
    """A draft to start from. The class and the committee are texts, the dates are in ISO 8601."""
    quoted = [json.dumps(text, ensure_ascii=False) for text in (poll_class, committee)]
    return spoken(Message(TEMPLATE, name=name, poll_class=quoted[0], committee=quoted[1], opens=opens, closes=closes))


def read_poll(path: Path, reading: Reading) -> tuple[Poll, dict[bytes, bytes]]:
    """A poll from its draft, and its attachments (salt and content) by their hashes.

    The salts are drawn anew each time: sign a draft once, and then the entry that it became. Raises UserError, and
    Refused for what no poll may have.
    """
    draft = read_draft(path, PollDraft)
    if not draft.question:
        raise UserError(
            Message("In {path}: there is no question.", path=path), Message("Add a part that begins with [[question]].")
        )
    reading.state.poll_class(draft.poll_class)  # before anything is said of a class that is not there
    if not draft.committee.strip():
        raise _no_committee(path, draft.poll_class, reading)
    contents: dict[bytes, bytes] = {}
    rows = []
    for attachment in draft.attachment:
        if attachment.hash is not None:
            hashed = bytes(attachment.hash)
        elif attachment.file is not None:
            content = os.urandom(SALT) + read_file(path.parent / attachment.file, ATTACHMENT_LIMIT - SALT)
            hashed = digest(content)
            contents[hashed] = content
        else:
            raise UserError(
                Message("In {path}: {name!r} has no file.", path=path, name=attachment.name),
                Message('Name it: file = "..."'),
            )
        rows.append(Attachment(attachment.name, hashed))
    poll = Poll(
        draft.poll_class, draft.title.text, draft.background.text,
        tuple(_choice(question) for question in draft.question),
        tuple(Group(group.name.text, group.weight) for group in draft.group) or (Group(EVERYONE, 1),),
        int(draft.opens), int(draft.closes), reading.committee(draft.committee).id, tuple(rows),
    )  # fmt: skip
    return Poll.parse(poll.body()), contents


def _no_committee(path: Path, poll_class: str, reading: Reading) -> UserError:
    """A draft names no committee: which ones there are to be named."""
    able = [one for one in reading.state.committees() if one.finished is not None and one.poll_class.name == poll_class]
    if able:
        hint = Message('Write the trustees\' key there: committee = "{id}"', id=short(able[-1].id))
    else:
        hint = Message(
            "Class {name!r} has none with a finished key yet. Ask the trustees for one: veche committee form --class {name} --key FILE",
            name=poll_class,
        )
    return UserError(Message("In {path}: no committee is named.", path=path), hint)


def _choice(question: QuestionTable) -> Choice:
    answers = tuple(answer.text for answer in question.answers)
    return Choice(question.text.text, answers, question.min, question.max, question.blank)
