"""CometBFT begun in the midst of a chain, without the blocks before: by a node that lacks them. docs/adr/0022-joining.md.

What is asked of others is the headers of two blocks with the commits that signed them (:class:`Commits`); who the validators of these are
says the ledger, which was checked before.
"""

import base64
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from veche.durable import PRIVATE, PRIVATE_FOLDER, make_folder, remove, remove_folder, replace, sync_folder
from veche.engine.cometbft.home import FOLDER, VOTED, app_hash, data_folder, genesis
from veche.engine.cometbft.launch import INSTALLED, Launch
from veche.engine.cometbft.process import last_words
from veche.errors import DoesNotHold, UserError
from veche.ledger.codec import decode
from veche.ledger.entries.ballot import is_ballot
from veche.ledger.entries.block import BlockEntry
from veche.ledger.ledger import Ledger
from veche.texts import Message, Verbatim

COMMITS_BYTES = 1 << 18
"""Bytes of two headers with their commits: of 64 validators each is some 20 kB."""
SECONDS = 600
"""For which CometBFT may count whose turn it was."""
_MARK = "beginning"
"""Beside CometBFT's data from when they are found to be of no use until there is a block again: with what a crash leaves meanwhile it
does not start."""


class _Header(msgspec.Struct):
    height: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,18}$")]


class _SignedHeader(msgspec.Struct):
    header: _Header


class _Commit(msgspec.Struct):
    signed_header: _SignedHeader


class Commits(msgspec.Struct):
    """Two blocks that follow one another, as CometBFT tells of them: each header with the commit that signed it."""

    at: msgspec.Raw
    next: msgspec.Raw

    @classmethod
    def read(cls, data: bytes) -> "Commits":
        """Raises DoesNotHold (step ``commits``) on what has another form."""
        try:
            commits = msgspec.json.decode(data, type=cls)
            _ = commits.height
            return commits
        except (msgspec.MsgspecError, RecursionError):
            raise wrong_commits(Message("it is of another form")) from None

    @property
    def height(self) -> int:
        """That of the first of them."""
        return int(msgspec.json.decode(self.at, type=_Commit).signed_header.header.height)


def wrong_commits(why: Message | Verbatim) -> DoesNotHold:
    """The error of what was answered about two blocks, and does not hold."""
    return DoesNotHold(
        "commits",
        Message("the blocks"),
        Message("What was answered about the last blocks does not hold: {why}.", why=why),
    )


def lacks_blocks(ledger: Ledger) -> bool:
    """Whether CometBFT's blocks are not in the folder of a ledger that has some."""
    home = ledger.folder / FOLDER
    began = ledger.height > ledger.state.get("network_height")
    return began and ((home / _MARK).exists() or not (home / data_folder(ledger) / "blockstore.db").is_dir())


def must_begin(folder: Path) -> None:
    """CometBFT's blocks in this ledger's folder are of no use any more: nothing starts from them."""
    make_folder(folder / FOLDER, PRIVATE_FOLDER)
    replace(folder / FOLDER / _MARK, b"", PRIVATE)


def begin(ledger: Ledger, commits: Commits, launch: Launch = INSTALLED) -> None:
    """Begin CometBFT behind the first of these blocks. Then the blocks that it has are removed; what it voted last stays.

    The ledger is moved on to that block. Raises DoesNotHold (step ``commits``) if they do not hold or are not of this ledger's head, and
    UserError if there is no program to do it.
    """
    home = ledger.folder / FOLDER
    anew = home / "anew"
    remove_folder(anew)
    for below in ("config", "data"):
        make_folder(anew / below, PRIVATE_FOLDER)
    replace(anew / "config" / "genesis.json", genesis(ledger), PRIVATE)
    said = {
        "app_hash": _base64(app_hash(ledger.head)),
        "changes": [
            {"height": height, "validators": [_base64(key) for key in keys]} for height, keys in changes(ledger)
        ],
    }
    text = json.dumps(said)[:-1].encode() + b', "at": ' + bytes(commits.at) + b', "next": ' + bytes(commits.next) + b"}"
    height, time = _answer(_run([*launch.words, "begin", "--home", anew], text, launch.environment))
    if height < ledger.height:
        raise wrong_commits(Message("it is about a block before the ledger's last"))
    must_begin(ledger.folder)
    ledger.pass_to(height, time)
    _put(anew / "data", home / data_folder(ledger))
    remove_folder(anew)


def _put(anew: Path, data: Path) -> None:
    """What CometBFT begins with, in the place of what it had."""
    make_folder(data, PRIVATE_FOLDER)
    for path in data.iterdir():
        if path.name != VOTED:
            remove_folder(path) if path.is_dir() else remove(path)
    for path in anew.iterdir():
        if path.name != VOTED:
            path.rename(data / path.name)
    sync_folder(data)


def begun(folder: Path) -> None:
    """CometBFT has stored a block: from now on it starts from what it has. ``folder``: the ledger's."""
    remove(folder / FOLDER / _MARK)


def changes(ledger: Ledger) -> list[tuple[int, list[bytes]]]:
    """With which blocks the validators became others since the network began: heights and consensus keys."""
    first = ledger.state.succession.began[0]
    return [
        (_height_of(ledger, number), [one.votes for one in entry.rows])
        for number, entry in ledger.state.succession.changes
        if number >= first
    ]


def _height_of(ledger: Ledger, number: int) -> int:
    """The height of the block in which an entry stands."""
    while True:
        data = ledger.entry(number)
        if not is_ballot(data):
            kind, body = decode(data)[:2]
            if kind == BlockEntry.kind:
                return BlockEntry.parse(body).height
        number -= 1


def _run(words: Sequence[str | Path], said: bytes, environment: Mapping[str, str]) -> bytes:
    try:
        done = subprocess.run(
            words, input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment},
            timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(Message("CometBFT could not be started: {reason}", reason=str(error))) from None
    if done.returncode:
        raise wrong_commits(Verbatim(last_words(done.stdout)))
    return done.stdout


def _answer(said: bytes) -> tuple[int, int]:
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return int(answer["height"]), int(answer["time"])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
