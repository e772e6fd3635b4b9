"""Odd folders: what else a ledger's folder may hold, and in what form, that no tar file can carry (docs/protocol.md, section 5).

Each begins as the files of honest.tar; ``do`` is what is then done to them, step by step.
"""

import base64
from typing import Any

from doctor import ORIGIN, head
from doctored_city import ATTACHMENT, City

from veche.ledger.codec import digest
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign

NOTE_LIMIT, ATTACHMENT_LIMIT = 128 * 1024, 64 * 1024 * 1024
TERABYTE = 2**40
SPACES = "\u0085\u00a0\u1680\u2000\u2003\u200a\u2028\u2029\u202f\u205f\u3000"

LITTER = (
    ".DS_Store", "._checkpoint", "Thumbs.db", "desktop.ini", ".directory", "checkpoint~", ".checkpoint.swp", "__MACOSX/._checkpoint",
    f"._{'0' * 64}",
)  # fmt: skip
NOTHING = "nothing"
"""In the place of a step: there is nothing to verify."""

Step = tuple[str | int, ...]


def folders(city: City) -> list[dict[str, Any]]:
    """All of them: ``name``, ``exit``, ``step`` and ``do``."""
    return [
        {
            "name": name,
            "exit": 2 if step == NOTHING else 1 if step else 0,
            "step": None if step == NOTHING else step,
            "do": [list(one) for one in do],
        }
        for name, step, do in [
            *lines(city),
            *mailed(city),
            *sizes(city),
            *tiles(city),
            *places(city),
            *attachments(),
            *beside(city),
        ]
    ]


Case = tuple[str, str | None, list[Step]]


def append(path: str, data: bytes) -> Step:
    return ("append", path, data.hex())


def line(name: str, data: bytes = bytes(68)) -> bytes:
    """A signature line of a key that no reader knows."""
    return f"\u2014 {name} {base64.b64encode(data).decode()}\n".encode()


def lines(city: City) -> list[Case]:
    """Lines under the checkpoint that are not the log's."""

    def foreign(name: str, *more: bytes, step: str | None = None) -> Case:
        return name, step, [append("checkpoint", one) for one in more]

    def witnesses(count: int) -> bytes:
        return b"".join(line(f"witness-{number}") for number in range(count))

    note = head(city.entries, ORIGIN, city.log_key)
    own = note.signatures[0]
    forged = note.to_bytes().replace(own.line().encode(), line(own.name, own.key_id + bytes(64)))
    return [
        foreign("a line by a key that nobody knows", line("witness.example/w")),
        foreign("a name in another script", line("Свидетель")),
        foreign("an invisible character in a name, which is no space", line("a\u200bb")),
        foreign("a name of 255 bytes", line("w" * 255)),
        foreign("a name of 256 bytes", line("w" * 256), step="L1"),
        foreign("a name of 256 bytes in 128 characters", line("ы" * 128), step="L1"),
        foreign("no name", line(""), step="L1"),
        foreign("a plus sign in a name", line("a+b"), step="L1"),
        *(foreign(f"a space in a name, U+{ord(c):04X}", line(f"a{c}b"), step="L1") for c in SPACES),
        foreign("a control character in a name", line("a\x1fb"), step="L1"),
        foreign("a line without a signature behind the key's hash", line("a", bytes(4)), step="L1"),
        foreign("a signature of one byte, by a kind of key that nobody knows", line("a", bytes(5))),
        foreign("two lines by one key that nobody knows", line("a") * 2, step="L1"),
        foreign("two keys of one name", line("a"), line("a", b"1234" + bytes(64))),
        foreign("another key of the log's name", line(ORIGIN)),
        foreign("100 lines", witnesses(99)),
        foreign("101 lines", witnesses(100), step="L1"),
        foreign("spare bits in base64", line("a").replace(b"A=\n", b"B=\n"), step="L1"),
        foreign("base64 in another script", "\u2014 a ыыыы\n".encode(), step="L1"),
        foreign("a hyphen instead of a dash", line("a").replace("\u2014".encode(), b"-"), step="L1"),
        foreign("a line that ends in CR LF", line("a").replace(b"\n", b"\r\n")),
        foreign("a last line without an end", line("a")[:-1]),
        foreign("an empty line between two signatures", b"\n" + line("a")),
        foreign("bytes that are not UTF-8", b"\xff\n", step="L1"),
        ("a line of the log's key that does not hold", "L2", [("write", "checkpoint", forged.hex())]),
    ]


def mailed(city: City) -> list[Case]:
    """Checkpoints as mail, editors and copies that were cut short leave them."""
    note = head(city.entries, ORIGIN, city.log_key).to_bytes()
    text = note.decode()

    def changed(name: str, content: bytes, step: str | None = None) -> Case:
        return f"a checkpoint {name}", step, [("write", "checkpoint", content.hex())]

    return [
        changed("with CR LF", note.replace(b"\n", b"\r\n")),
        changed("with CR", note.replace(b"\n", b"\r")),
        changed("with a byte-order mark", b"\xef\xbb\xbf" + note),
        changed("in UTF-16", text.encode("utf-16")),
        changed("in UTF-16, big-endian, with CR LF", b"\xfe\xff" + text.replace("\n", "\r\n").encode("utf-16-be")),
        changed("in UTF-16 without a byte-order mark", text.encode("utf-16-le"), "L1"),
        changed("of which the last byte in UTF-16 is missing", text.encode("utf-16")[:-1], "L1"),
        changed("with empty lines everywhere", b"\n\n" + note.replace(b"\n", b"\n \n\t\n")),
        changed("without an empty line", note.replace(b"\n\n", b"\n")),
        changed("with spaces around its lines", b" " + note.replace(b"\n", b"  \t\n ")),
        changed("with a no-break space at the end of a line", note.replace(b"\n", "\u00a0\n".encode(), 1), "L1"),
        changed("with four lines", text.replace("\n\n", "\nmore\n\n").encode(), "L1"),
        changed("with two lines", b"\n".join(note.split(b"\n")[1:]), "L1"),
        changed("with two byte-order marks", b"\xef\xbb\xbf" * 2 + note, "L2"),
        changed("with a zero at its end", note + b"\0", "L1"),
        changed("in quoted-printable", note.replace("\u2014".encode(), b"=E2=80=94"), "L1"),
        changed("that was cut off", note[:-40], "L1"),
        changed("of no bytes", b"", NOTHING),
        changed("of an empty line", b"\r\n", NOTHING),
        changed("of a byte-order mark", b"\xef\xbb\xbf", NOTHING),
        changed("of zeros", bytes(4096), NOTHING),
    ]


def sizes(city: City) -> list[Case]:
    """Checkpoints that claim more than is there, or less."""

    def claim(size: int, signed: bool) -> list[Step]:
        over = Checkpoint(ORIGIN, size, bytes(32))
        note = SignedCheckpoint(over, (sign(over, city.log_key if signed else city.organisers[0]),))
        return [("write", "checkpoint", note.to_bytes().hex())]

    def spelt(size: str) -> list[Step]:
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n\n".encode()
        return [("write", "checkpoint", (text + line("a")).hex())]

    beginning = head(city.entries[:2], ORIGIN, city.log_key).to_bytes().hex()
    return [
        ("a size of 2^62, signed by the log", "L3", claim(2**62, True)),
        ("a size of 2^62, signed by somebody", "L3", claim(2**62, False)),
        ("the greatest size", "L3", claim(2**63 - 1, True)),
        ("a size of 2^63", "L1", spelt(str(2**63))),
        ("a size of 5,000 digits", "L1", spelt("9" * 5000)),
        ("a size in other digits", "L1", spelt("\u0661\u0662")),
        ("no entry at all", "L1", claim(0, True)),
        ("one entry more than there are", "L3", claim(len(city.entries) + 1, True)),
        ("an older checkpoint, for which wider tiles stand", None, [("write", "checkpoint", beginning)]),
    ]


def tiles(city: City) -> list[Case]:
    """Wider and narrower tiles in the place of one."""
    size = len(city.entries)
    bundle, hashes = "tile/entries/000.p", "tile/0/000.p"
    count = {bundle: sum(2 + len(entry) for entry in city.entries), hashes: 32 * size}
    cases: list[Case] = []
    for folder, what in ((bundle, "bundle"), (hashes, "tile of hashes")):
        own, wider = f"{folder}/{size}", f"{folder}/{size + 1}"
        cases += [
            (f"a wider {what} whose end is wrong", None, [("move", own, wider), append(wider, b"\xff\xff\xff")]),
            (f"a wider {what} that is too short", "L3", [("move", own, wider), ("stretch", wider, count[folder] - 1)]),
            (f"a full {what} in its place", None, [("move", own, f"{folder[:-2]}"), append(folder[:-2], b"\0" * 32)]),
            (f"a narrower {what} only", "L3", [("move", own, f"{folder}/{size - 1}")]),
            (f"a {what} that is too long", "L3", [append(own, b"\0")]),
            (f"a wider {what} that is wrong, beside the right one", None, [("write", wider, "ff")]),
            (f"a wrong {what}, beside a wider one that is right", "L3",
             [("write", wider, (b"\0" * count[folder]).hex()), ("move", own, f"{folder}/{size + 2}"), ("move", wider, own)]),
            (f"a pipe in the place of a wider {what}", None, [("pipe", wider)]),
            (f"a pipe in the place of a wider {what}, before one that is right", "L3",
             [("move", own, f"{folder}/{size + 2}"), ("pipe", wider)]),
        ]  # fmt: skip
    return cases


def places(city: City) -> list[Case]:
    """What stands in the place of a file."""
    cases: list[Case] = []
    for path, step, limit in (
        ("checkpoint", "L1", NOTE_LIMIT),
        (f"tile/entries/000.p/{len(city.entries)}", "L3", len(city.entries) * (2 + 65_535)),
        (f"tile/0/000.p/{len(city.entries)}", "L3", len(city.entries) * 32),
        (f"attachment/{digest(ATTACHMENT).hex()}", "L8", ATTACHMENT_LIMIT),
    ):
        gone = {"L8": None, "L1": NOTHING}.get(step, step)
        up = "../" * path.count("/")
        cases += [
            (f"no {path}", gone, [("remove", path)]),
            (f"{path} has no bytes", gone, [("stretch", path, 0)]),
            (f"{path} is a link to it", step, [("move", path, "moved"), ("link", path, f"{up}moved")]),
            (f"{path} is a link to nowhere", step, [("remove", path), ("link", path, "nowhere")]),
            (f"{path} is a link to itself", step, [("remove", path), ("link", path, path.rpartition("/")[2])]),
            (f"{path} is a pipe", step, [("remove", path), ("pipe", path)]),
            (f"{path} is a folder", step, [("remove", path), ("folder", path)]),
            (f"{path} has a byte more than such a file can have", step, [("stretch", path, limit + 1)]),
            (f"{path} has a terabyte", step, [("stretch", path, TERABYTE)]),
        ]
    for folder in ("tile", "tile/entries", "tile/0", "tile/0/000.p", "attachment"):
        wrong = None if folder == "attachment" else "L3"
        up = "../" * folder.count("/")
        cases += [
            (f"{folder} is a link to it", wrong, [("move", folder, "moved"), ("link", folder, f"{up}moved")]),
            (f"{folder} is a file", wrong, [("move", folder, "moved"), ("write", folder, "00")]),
            (f"{folder} is a pipe", wrong, [("move", folder, "moved"), ("pipe", folder)]),
        ]
    return cases


def attachments() -> list[Case]:
    """What is beside the attachments, and attachments that nobody announced."""
    name = digest(ATTACHMENT).hex()
    other = b"salt" * 8 + b"nobody announced this"
    names = [
        ("a text", "readme.txt"),
        ("a hidden file", f".{name}.unfinished"),
        ("a name in capitals", "A" * 64),
        ("a name of 63 digits", "0" * 63),
        ("a name of 65 digits", "0" * 65),
        ("a name in another script", "карта"),
        ("a folder", f"folder/{'0' * 64}"),
    ]
    odd: list[Case] = [
        (f"beside the attachments: {what}", None, [("write", f"attachment/{path}", "00")]) for what, path in names
    ]
    return [
        *odd,
        ("an attachment that nobody announced", None, [append(f"attachment/{digest(other).hex()}", other)]),
        ("an attachment that nobody announced, of another hash", "L8", [("write", f"attachment/{'0' * 64}", "00")]),
        ("an attachment of no bytes", None, [("write", f"attachment/{'0' * 64}", "")]),
        ("an attachment of one byte", "L8", [("write", f"attachment/{'0' * 64}", "00")]),
        ("beside the attachments: a pipe", None, [("pipe", "attachment/pipe")]),
        ("beside the attachments: a link to them", None, [("link", "attachment/link", ".")]),
    ]


def left_by_others(name: str) -> Case:
    """What a file manager or an editor leaves in every folder."""
    folders = "", "tile/", "tile/entries/", "tile/0/000.p/", "attachment/", "witness/"
    return f"left by others: {name}", None, [("write", f"{folder}{name}", "00") for folder in folders]


def beside(city: City) -> list[Case]:
    """What is beside the ledger's files, where none of them could be."""
    tile = f"tile/0/000.p/{len(city.entries)}"
    return [
        ("a database", None, [("write", "veche.db", "00")]),
        *(left_by_others(name) for name in LITTER),
        ("a full tile of no bytes", None, [("write", "tile/0/000", "")]),
        ("a pipe beside the checkpoint", None, [("pipe", "checkpoint.new")]),
        ("a link to the folder itself", None, [("link", "again", ".")]),
        ("a text among the tiles", None, [("write", "tile/readme.txt", "00")]),
        ("a pipe among the tiles", None, [("pipe", "tile/0/pipe")]),
        ("a tile of a level that there is not", None, [("write", "tile/1/000.p/1", "00")]),
        ("a tile beyond the end", None, [("write", "tile/0/001.p/1", "00")]),
        ("a tile beyond all levels", None, [("write", "tile/64/000", "00")]),
        ("a narrower tile that is wrong", None, [("write", "tile/0/000.p/1", "00")]),
        ("a link to a tile", None, [("link", "tile/0/000", tile.rpartition("/")[2])]),
        (
            "folders in folders",
            None,
            [("write", "tile/0/x001/x002/x003/x004/x005/x006/x007/x008/x009/x010/x011/x012", "00")],
        ),
    ]
