"""The draft of a poll: what ``veche poll new`` writes, and how it becomes the body of a ``poll`` entry."""

import json
import os
from dataclasses import replace
from pathlib import Path

from veche.cli.draft import Draft, read_draft
from veche.cli.options import parse_hex, read_file
from veche.cli.reading import Reading
from veche.ledger.entry import digest
from veche.ledger.poll import Choice, Group, Poll
from veche.ledger.shape import Text
from veche.log.source import ATTACHMENT_LIMIT

NAMES = ("class", "committee", "opens", "closes", "title", "background", "question", "group", "attachment")
EVERYONE = Text("Everyone", "Все")

TEMPLATE = """\
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

# Who votes: the districts, by the names that they have on the roll, each with the weight of a ballot.
# Without any group everyone on the roll votes, with equal weight.
# [[group]]
# name = {{ en = "Arbat", ru = "Арбат" }}
# weight = 1

# Files that belong to the poll: maps, images, long texts. The ledger holds their hashes.
# [[attachment]]
# name = "map.geojson"
# file = "map.geojson"
"""


def template(name: str, poll_class: str, committee: str, opens: str, closes: str) -> str:
    """A draft to start from. The class and the committee are texts, the dates are in ISO 8601."""
    quoted = [json.dumps(text, ensure_ascii=False) for text in (poll_class, committee)]
    return TEMPLATE.format(name=name, poll_class=quoted[0], committee=quoted[1], opens=opens, closes=closes)


def read_poll(path: Path, reading: Reading) -> tuple[Poll, dict[bytes, bytes]]:
    """A poll from its draft, and its attachments (salt and content) by their hashes.

    The salts are drawn anew each time: sign a draft once, and then the entry that it became. Raises UserError, and
    Refused for what no poll may have.
    """
    draft = read_draft(path, NAMES)
    poll = Poll(
        draft.string("class"), draft.text("title"), draft.text("background", Text("", "")),
        tuple(_question(q) for q in draft.tables("question", ("text", "answers", "min", "max", "blank"))),
        tuple(_group(g) for g in draft.tables("group", ("name", "weight"))) or (Group(EVERYONE, 1),),
        draft.moment("opens"), draft.moment("closes"), reading.committee(draft.string("committee")).id,
    )  # fmt: skip
    if not poll.questions:
        raise draft.wrong("there is no question", "Add a part that begins with [[question]].")
    contents: dict[bytes, bytes] = {}
    rows = []
    for attachment in draft.tables("attachment", ("name", "file", "hash")):
        if "hash" in attachment:
            hashed = parse_hex(attachment.string("hash"), 32, "the hash of an attachment")
        else:
            content = os.urandom(32) + read_file(path.parent / attachment.string("file"), ATTACHMENT_LIMIT - 32)
            hashed = digest(content)
            contents[hashed] = content
        rows.append((attachment.string("name"), hashed))
    return Poll.parse(replace(poll, attachments=tuple(rows)).body()), contents


def _question(draft: Draft) -> Choice:
    return Choice(
        draft.text("text"), tuple(draft.texts("answers")), draft.number("min"), draft.number("max"), draft.truth("blank", False)
    )  # fmt: skip


def _group(draft: Draft) -> Group:
    return Group(draft.text("name"), draft.number("weight") if "weight" in draft else 1)
