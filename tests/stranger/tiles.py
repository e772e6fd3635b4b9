"""The stranger's reader of a log's folder: the signed checkpoint and the tiles (section 5, C2SP)."""

import base64
import binascii
from pathlib import Path

from .cbor import Refused, need
from .group import sha, signed

WIDTH = 256


def leaf(data: bytes) -> bytes:
    return sha(b"\0" + data)


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962's tree head over leaf hashes."""
    if not hashes:
        return sha(b"")
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1" + root(hashes[:half]) + root(hashes[half:]))


def _base64(said: str) -> bytes:
    try:
        data = base64.b64decode(said, validate=True)
    except binascii.Error:
        raise Refused("the checkpoint has bad base64") from None
    need(base64.b64encode(data).decode() == said, "the checkpoint has base64 that is not canonical")
    return data


def checkpoint(note: bytes) -> tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]:
    """A signed note's origin, size, root, signed text and signatures (name, key hash and signature)."""
    try:
        said = note.decode()
    except UnicodeDecodeError:
        raise Refused("the checkpoint is not UTF-8") from None
    need(len(note) <= 128 * 1024, "the checkpoint is too long")
    body, gap, tail = said.rpartition("\n\n")
    need(gap and tail.endswith("\n"), "the checkpoint is not a signed note")
    need(all(c == "\n" or c >= " " for c in said), "the checkpoint has a control character")
    lines = body.split("\n")
    need(len(lines) == 3, "the checkpoint does not have exactly three lines")
    origin, size, head = lines
    need(size.isascii() and size.isdigit() and str(int(size)) == size, "the checkpoint's size is not a number")
    need(len(_base64(head)) == 32, "the checkpoint's root is not a hash")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "a signature line of the checkpoint is malformed")
        signatures.append((parts[1], _base64(parts[2])))
    need(
        len({(name, data[:4]) for name, data in signatures}) == len(signatures) <= 100,
        "one key signed the checkpoint twice",
    )
    return origin, int(size), _base64(head), (body + "\n").encode(), signatures


def check_signature(name: str, key: bytes, body: bytes, signatures: list[tuple[str, bytes]]) -> None:
    """The log's key signed the checkpoint; signatures by unknown keys say nothing, as C2SP wants."""
    mark = sha(name.encode() + b"\n\x01" + key)[:4]
    ours = [data[4:] for who, data in signatures if who == name and data[:4] == mark]
    need(ours and all(signed(key, body, s) for s in ours), "the checkpoint is not signed by the log's key")


def _place(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03d}")
    return "/".join(parts)


def _tile(folder: Path, level: str, index: int, width: int) -> tuple[bytes, int]:
    """A tile and its width: this one, or a wider one if the log has grown since the checkpoint."""
    for wider in range(width, WIDTH + 1):
        path = folder / "tile" / level / (_place(index) + ("" if wider == WIDTH else f".p/{wider}"))
        if path.is_file():
            return path.read_bytes(), wider
    raise Refused(f"tile {index} of level {level} is missing")


def _widths(size: int) -> list[int]:
    return [WIDTH] * (size // WIDTH) + ([size % WIDTH] if size % WIDTH else [])


def _entries(folder: Path, size: int) -> list[bytes]:
    entries = []
    for index, width in enumerate(_widths(size)):
        (data, real), at = _tile(folder, "entries", index, width), 0
        for _ in range(real):
            length = int.from_bytes(data[at : at + 2], "big")
            need(at + 2 + length <= len(data), f"bundle {index} is too short")
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        need(at == len(data), f"bundle {index} is too long")
        del entries[index * WIDTH + width :]
    return entries


def read(folder: Path) -> tuple[str, bytes, list[tuple[str, bytes]], list[bytes]]:
    """Origin, signed text and signatures of the checkpoint, and the entries that it commits to."""
    path = folder / "checkpoint"
    need(path.is_file(), "there is no checkpoint")
    origin, size, head, body, signatures = checkpoint(path.read_bytes())
    entries = _entries(folder, size)
    hashes = [leaf(entry) for entry in entries]
    need(root(hashes) == head, "the entries do not have the checkpoint's root")
    for level in range(8):
        for index, width in enumerate(_widths(len(hashes))):
            want = hashes[index * WIDTH : index * WIDTH + width]
            have, real = _tile(folder, str(level), index, width)
            need(
                len(have) == 32 * real and have[: 32 * width] == b"".join(want),
                f"hash tile {index} of level {level} is wrong",
            )
        hashes = [root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
    return origin, body, signatures, entries


def attachments(folder: Path) -> None:
    """Attachments may be missing; those that are there have their hash."""
    for path in sorted((folder / "attachment").glob("*")):
        content = path.read_bytes()
        need(sha(content).hex() == path.name, f"the attachment {path.name} is not what was announced")
