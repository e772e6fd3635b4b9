"""What programs do to files on their way: what they leave beside them, what they make of texts, and what a file is instead.

File managers and editors leave files of their own in every folder (:func:`is_litter`): those are looked at nowhere. Mail and
editors change the form of a text, and nothing that it says (:func:`as_text`). What is no file of ours at all is named
(:func:`what_else`), so that nobody takes a web page that was saved for a ledger that does not hold.
"""

import codecs
import re

from veche.texts import Message

_LITTER = re.compile(
    # macOS, also on disks of others; Windows; KDE, GNOME and NFS; editors
    r"\.DS_Store|\._.*|__MACOSX|\.AppleDouble|\.fseventsd|\.Spotlight-V100|\.Trashes|\.TemporaryItems"
    r"|(eh)?Thumbs\.db|desktop\.ini|\$RECYCLE\.BIN|System Volume Information"
    r"|\.directory|\.Trash(-\d+)?|\.goutputstream-.*|\.nfs[0-9a-f]+|lost\+found"
    r"|.*~|#.*#|\.#.*|\..*\.sw[a-z]|~\$.*|\.~lock\..*",
    re.IGNORECASE | re.DOTALL,
)
_UTF16 = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
_QUOTED_PRINTABLE = re.compile(rb"=(E2=80=94|3D)|=\r?\n")
_MAIL = re.compile(
    rb"(From|To|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Content-Type): ?\S", re.IGNORECASE
)
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)\b", re.IGNORECASE)


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name was left by a file manager or an editor, and says nothing."""
    return _LITTER.fullmatch(name) is not None


def as_text(data: bytes) -> str:
    """A text in UTF-8, or in UTF-16 with its byte-order mark, as some editors save it. The mark is left out. Raises ValueError."""
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def only_line(data: bytes) -> str:
    """What a file of one line says, however its line ends. Raises ValueError."""
    return as_text(data).strip()


def what_else(data: bytes) -> Message | None:
    """What a file is instead of what was wanted, as a sentence; None if there is nothing to say of it."""
    for sign, said in _SIGNS:
        if data.startswith(sign):
            return said
    if not data:
        return Message("It is empty.")
    if not data.strip(b"\0"):
        return Message("It holds nothing but zeros: it was not written to its end.")
    if _PAGE.match(data):
        return Message("It is a web page: perhaps a server's answer in the place of the file.")
    lines = data.split(b"\n")
    if all(line.startswith(b">") for line in lines if line.strip()):
        return Message("It was quoted in a mail: each line begins with >.")
    if _MAIL.match(lines[0]):
        return Message("It is a whole mail: save what is attached to it.")
    if data.isascii() and b"\0" not in data and _QUOTED_PRINTABLE.search(data):
        return Message("It is in quoted-printable, as mail is sent: save the attachment with a mail program.")
    return None


_SIGNS = (
    (b"PK\x03\x04", Message("It is a zip file: unpack it first.")),
    (b"\x1f\x8b", Message("It is compressed (gzip): unpack it first.")),
    (b"BZh", Message("It is compressed (bzip2): unpack it first.")),
    (b"\xfd7zXZ\0", Message("It is compressed (xz): unpack it first.")),
    (b"\x28\xb5\x2f\xfd", Message("It is compressed (zstd): unpack it first.")),
    (b"7z\xbc\xaf\x27\x1c", Message("It is a 7z file: unpack it first.")),
    (b"Rar!", Message("It is a rar file: unpack it first.")),
    (b"%PDF-", Message("It is a PDF.")),
    (b"\x00\x05\x16\x07", Message("It is what macOS keeps beside a file, under its name with ._ before it; not the file.")),
)  # fmt: skip
