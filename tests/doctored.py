"""What is in vectors/doctored.json and the folder beside it, read as any program can (vectors/README.md)."""

import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

from doctor import publish

from veche.keys import SigningKey

VECTORS = Path(__file__).parents[1] / "vectors"
FOLDER = VECTORS / "doctored"
INDEX = json.loads((VECTORS / "doctored.json").read_text(encoding="utf-8"))
LEDGERS = INDEX["ledgers"]
FOLDERS = INDEX["folders"]


def unpack(file: str, folder: Path) -> Path:
    """The files of a ledger of this folder."""
    with tarfile.open(FOLDER / file) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / member.name).write_bytes(content.read())
    return folder


def odd(steps: list[list[str]], folder: Path) -> Path:
    """The honest ledger's folder after these steps (vectors/README.md)."""
    unpack("honest.tar", folder)
    for what, name, *rest in steps:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if what == "remove":
            path.unlink()
        elif what == "move":
            path.rename(folder / rest[0])
        elif what == "write":
            path.write_bytes(bytes.fromhex(rest[0]))
        elif what == "append":
            with path.open("ab") as file:
                file.write(bytes.fromhex(rest[0]))
        elif what == "stretch":
            os.truncate(path, int(rest[0]))
        elif what == "link":
            path.symlink_to(rest[0])
        elif what == "pipe":
            os.mkfifo(path)
        else:
            assert what == "folder"
            path.mkdir()
    return folder


def entries_of(folder: Path) -> list[bytes]:
    """All entries of a small ledger: one bundle of them, each behind its length in two bytes."""
    (bundle,) = (folder / "tile/entries").rglob("[0-9]*[0-9]")
    data, found = bundle.read_bytes(), []
    while data:
        end = 2 + int.from_bytes(data[:2], "big")
        found.append(data[2:end])
        data = data[end:]
    return found


@dataclass(frozen=True)
class OneMore:
    """The honest log up to ``size``, then these entries, of which the last is to be judged; ``rule`` None: it is admitted."""

    name: str
    rule: str | None
    size: int
    then: list[bytes]

    @property
    def is_ballot(self) -> bool:
        return self.then[-1].startswith(b"\x87\x66ballot")

    @property
    def place(self) -> int:
        """Of the entry that is to be judged."""
        return self.size + len(self.then) - 1

    def publish(self, honest: list[bytes], folder: Path) -> Path:
        """As a ledger: whoever has the log's key can do that, and it is in the index."""
        log_key = SigningKey(bytes.fromhex(INDEX["log_key_seed"]))
        return publish(folder, [*honest[: self.size], *self.then], INDEX["origin"], log_key, raw=True)


ENTRIES = [
    OneMore(row["name"], row["rule"], row["size"], [bytes.fromhex(entry) for entry in row["then"]])
    for row in INDEX["entries"]
]
