"""Takes archives apart and puts them together again, in ways that no writer of archives would.

An archive is a list of events, each with the texts that come before it; whatever is changed in a text, hashes, heights and
parents are made to fit again, so that a bad archive is bad in one respect only.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

TIME = 1795332027


def sha(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def record(name: str, content: bytes, time: int) -> bytes:
    numbers = ["0000644", "0000000", "0000000", f"{len(content):011o}", f"{time:011o}"]
    head = name.encode().ljust(100, b"\0") + "".join(n + "\0" for n in numbers).encode()
    checksum = sum(head) + 8 * 32 + ord("0")
    head = (head + f"{checksum:06o}\0 0".encode()).ljust(512, b"\0")
    return head + content + bytes(-len(content) % 512)


@dataclass
class Step:
    """An event: its type, the texts before it, and how it departs from what it should be."""

    kind: str
    data: list[bytes] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass
class Parts:
    """An archive as its steps; ``to_bytes`` puts it together."""

    steps: list[Step]
    time: int = TIME

    def to_bytes(self) -> bytes:
        out = [record("BELENIOS", compact({"version": 1, "timestamp": str(self.time)}), self.time)]
        parent = None
        for height, step in enumerate(self.steps):
            out += [record(f"{sha(text)}.data.json", text, self.time) for text in step.data]
            event: dict[str, Any] = {} if parent is None else {"parent": parent}
            event |= {"height": height, "type": step.kind}
            if step.data:
                event["payload"] = sha(step.data[-1])
            text = compact(event | step.changes)
            out.append(record(f"{sha(text)}.event.json", text, self.time))
            parent = sha(text)
        return b"".join(out)

    def find(self, kind: str) -> list[int]:
        return [i for i, step in enumerate(self.steps) if step.kind == kind]

    def with_step(self, index: int, *steps: Step) -> "Parts":
        """The archive with other steps in the place of one."""
        return replace(self, steps=[*self.steps[:index], *steps, *self.steps[index + 1 :]])

    def with_data(self, kind: str, number: int, which: int, text: bytes) -> "Parts":
        """The archive with another text in the place of one: the hashes that name it are made to fit."""
        index = self.find(kind)[number]
        data = list(self.steps[index].data)
        old = sha(data[which]).encode()
        data[which] = text
        if which < len(data) - 1:
            data[-1] = data[-1].replace(old, sha(text).encode())
        return self.with_step(index, Step(kind, data))

    def data(self, kind: str, number: int, which: int) -> bytes:
        return self.steps[self.find(kind)[number]].data[which]


def take_apart(archive: bytes) -> Parts:
    """The steps of a good archive."""
    steps: list[Step] = []
    pending: list[bytes] = []
    time = int(archive[136:147], 8)
    position = 1024
    while position < len(archive):
        size = int(archive[position + 124 : position + 135], 8)
        name = archive[position : position + 100].rstrip(b"\0").decode()
        content = archive[position + 512 : position + 512 + size]
        position += 512 + size + -size % 512
        if name.endswith(".data.json"):
            pending.append(content)
        else:
            steps.append(Step(json.loads(content)["type"], pending))
            pending = []
    return Parts(steps, time)
