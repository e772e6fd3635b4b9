"""The stranger's reader of a log's folder: the signed checkpoint and the tiles (section 5, C2SP)."""

import base64
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from .cbor import Refused, need
from .group import sha, signed
from .offices import Offices

WIDTH = 256
NOTE, ATTACHMENT, ENTRY = 128 * 1024, 64 * 1024 * 1024, 65535
SPACES = {0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


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
    except ValueError:
        raise Refused("the checkpoint has bad base64") from None
    need(base64.b64encode(data).decode() == said, "the checkpoint has base64 that is not canonical")
    return data


def put_right(note: bytes) -> bytes:
    """A note in its one form, if mail or an editor changed nothing but that."""
    try:
        text = note.decode("utf-16") if note[:2] in (b"\xff\xfe", b"\xfe\xff") else note.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        return note
    rows = [row for row in (each.strip(" \t") for each in text.replace("\r", "\n").split("\n")) if row]
    dashes = [at for at, row in enumerate(rows) if row[0] == "\u2014"]
    if not "".join(rows).strip("\0"):
        return b""
    if not dashes or dashes[0] < 3:
        return note
    rows.insert(dashes[0], "")
    if dashes[0] > 3:
        rows.insert(dashes[0] - 3, "")
    return "".join(row + "\n" for row in rows).encode()


def checkpoint(note: bytes) -> tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]:
    """A signed note's origin, size, root, signed text and signatures (name, key hash and signature)."""
    try:
        said = note.decode()
    except UnicodeDecodeError:
        raise Refused("the checkpoint is not UTF-8") from None
    body, gap, tail = said.rpartition("\n\n")
    need(gap and tail.endswith("\n"), "the checkpoint is not a signed note")
    need(all(c == "\n" or c >= " " for c in said), "the checkpoint has a control character")
    lines = body.split("\n")
    need(len(lines) == 3, "the checkpoint does not have exactly three lines")
    origin, size, head = lines
    need(re.fullmatch("0|[1-9][0-9]{0,18}", size) and int(size) < 2**63, "the checkpoint's size is not a number")
    need(len(_base64(head)) == 32, "the checkpoint's root is not a hash")
    signatures = []
    for line in tail[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "a signature line of the checkpoint is malformed")
        name, data = parts[1], _base64(parts[2])
        odd = "+" in name or any(ord(c) in SPACES for c in name)
        need(1 <= len(name.encode()) <= 255 and not odd, "a signature line of the checkpoint has no name")
        need(len(data) >= 5, "a signature line of the checkpoint is too short")
        signatures.append((name, data))
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


def check_final(
    origin: str, log_key: bytes, validators: list[bytes], body: bytes, signatures: list[tuple[str, bytes]]
) -> None:
    """The log's key signed it, or over two thirds of the validators cosigned it."""
    if not validators:
        check_signature(origin, log_key, body, signatures)
        return
    count = sum(cosigned_by(f"{origin}/validator/{key.hex()[:16]}", key, body, signatures) for key in validators)
    need(3 * count > 2 * len(validators), "too few validators cosigned the checkpoint")


def cosigned_by(name: str, key: bytes, body: bytes, signatures: list[tuple[str, bytes]]) -> bool:
    """Did a validator or a witness cosign it, at some time? C2SP tlog-cosignature, kind 4."""
    mark = sha(name.encode() + b"\n\x04" + key)[:4]
    ours = [data[4:] for who, data in signatures if who == name and data[:4] == mark]
    for data in ours:
        need(len(data) == 72 and data[0] < 128, "a cosignature has another length or an endless time")
        text = b"cosignature/v1\ntime %d\n" % int.from_bytes(data[:8], "big") + body
        need(signed(key, text, data[8:]), "a cosignature does not hold")
    return bool(ours)


def cosigned(folder: Path, offices: Offices, entries: list[bytes]) -> None:
    """Every head that a witness cosigned is one of this log (L9)."""
    origin = offices.origin
    for key in offices.witnesses():
        note = _file(folder, f"witness/{key.hex()}", NOTE)
        if note is not None:
            name, size, head, body, signatures = checkpoint(note)
            need(name == origin, "a head that a witness cosigned is of another log")
            if size > len(entries):
                continue
            check_final(origin, offices.log_key, offices.ledger_keys(size), body, signatures)
            by_witness = cosigned_by(f"{origin}/witness/{key.hex()[:16]}", key, body, signatures)
            need(by_witness, "a head is not cosigned by the witness that it is named after")
            need(root([leaf(entry) for entry in entries[:size]]) == head, "a witness cosigned another ledger")
    strangers = [name for name in _names(folder / "witness") if re.fullmatch("[0-9a-f]{64}", name)]
    for key in sorted(key for key in map(bytes.fromhex, strangers) if key not in offices.seen)[:64]:
        try:
            name, size, head, body, signatures = checkpoint(_file(folder, f"witness/{key.hex()}", NOTE) or b"")
            need(name == origin and size <= len(entries), "it says nothing of this log")
            check_final(origin, offices.log_key, offices.ledger_keys(size), body, signatures)
            need(any(cosigned_by(who, key, body, signatures) for who, _ in signatures), "it is not by this key")
        except Refused:
            continue  # of what nobody has to look at, only a proof is looked at
        need(root([leaf(entry) for entry in entries[:size]]) == head, "a witness from outside cosigned another ledger")


def kept(folder: Path, offices: Offices, entries: list[bytes]) -> None:
    """Every head behind which others became validators is there, signed by those before (L10); and no other is."""
    named = sorted(int(name) for name in _names(folder / "head") if re.fullmatch("[1-9][0-9]{0,18}", name))
    present = [size for size in named if size <= len(entries) and _file(folder, f"head/{size}", NOTE)]
    wanted = offices.changed
    need(set(present) <= set(wanted), "a kept head is none behind which the validators changed")
    early = {size for size in wanted if size < len(entries) or size in offices.restarts}
    need(early <= set(present), "a kept head is missing")
    for size in present:
        origin, own, head, body, signatures = checkpoint(_file(folder, f"head/{size}", NOTE) or b"")
        need((origin, own) == (offices.origin, size), "a kept head is another's")
        check_final(origin, offices.log_key, offices.ledger_keys(size), body, signatures)
        need(root([leaf(entry) for entry in entries[:size]]) == head, "a kept head is of another log")


def _names(folder: Path) -> list[str]:
    """What lies in a folder that is one."""
    there = os.path.lexists(folder) and stat.S_ISDIR(folder.lstat().st_mode)
    return [each.name for each in folder.iterdir()] if there else []


def _place(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03d}")
    return "/".join(parts)


def _file(folder: Path, name: str, limit: int) -> bytes | None:
    """A public file; None if it is not there. It is a file of bounded size in folders that are folders, not links."""
    for part in reversed(Path(name).parents[:-1]):
        if not os.path.lexists(folder / part) or not stat.S_ISDIR((folder / part).lstat().st_mode):
            return None
    path = folder / name
    if not os.path.lexists(path):
        return None
    need(stat.S_ISREG(path.lstat().st_mode), f"{name} is not a file")
    with path.open("rb") as opened:
        content = opened.read(limit + 1)
    need(len(content) <= limit, f"{name} is too long")
    if name == "checkpoint" or name.startswith(("witness/", "head/")):
        content = put_right(content)
    return content or None


def _tile(folder: Path, level: str, index: int, width: int) -> tuple[bytes, int]:
    """A tile and its width: this one, or the narrowest wider one if the log has grown since the checkpoint."""
    for wider in range(width, WIDTH + 1):
        name = f"tile/{level}/{_place(index)}" + ("" if wider == WIDTH else f".p/{wider}")
        content = _file(folder, name, wider * (2 + ENTRY if level == "entries" else 32))
        if content is not None:
            return content, wider
    raise Refused(f"tile {index} of level {level} is missing")


def _widths(size: int) -> Iterator[int]:
    for at in range(0, size, WIDTH):
        yield min(WIDTH, size - at)


def _entries(folder: Path, size: int) -> list[bytes]:
    entries = []
    for index, width in enumerate(_widths(size)):
        (data, real), at = _tile(folder, "entries", index, width), 0
        for _ in range(width):
            length = int.from_bytes(data[at : at + 2], "big")
            need(at + 2 + length <= len(data), f"bundle {index}, a tile of entries, is too short")
            entries.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        need(real > width or at == len(data), f"bundle {index}, a tile of entries, is too long")
    return entries


def read(folder: Path) -> tuple[str, bytes, list[tuple[str, bytes]], list[bytes]]:
    """Origin, signed text and signatures of the checkpoint, and the entries that it commits to."""
    note = _file(folder, "checkpoint", NOTE)
    if note is None:
        raise Refused("there is no checkpoint")
    origin, size, head, body, signatures = checkpoint(note)
    entries = _entries(folder, size)
    hashes = [leaf(entry) for entry in entries]
    need(root(hashes) == head, "the entries do not have the checkpoint's root")
    for level in range(8):
        for index, width in enumerate(_widths(len(hashes))):
            want = b"".join(hashes[index * WIDTH : index * WIDTH + width])
            have, real = _tile(folder, str(level), index, width)
            if real > width:
                have = have[: 32 * width]
            need(have == want, f"hash tile {index} of level {level} is wrong")
        hashes = [root(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - WIDTH + 1, WIDTH)]
    return origin, body, signatures, entries


def attachments(folder: Path) -> None:
    """Attachments may be missing; those that are there have their hash. What has another name is none."""
    if not os.path.lexists(folder / "attachment") or not stat.S_ISDIR((folder / "attachment").lstat().st_mode):
        return
    for name in sorted(path.name for path in (folder / "attachment").iterdir()):
        if re.fullmatch("[0-9a-f]{64}", name):
            content = _file(folder, f"attachment/{name}", ATTACHMENT)
            need(content is None or sha(content).hex() == name, f"the attachment {name} is not what was announced")
