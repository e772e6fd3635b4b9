"""A ballot's code as a terminal shows it: in full, in nine words of two languages, and as a QR code."""

from collections.abc import Iterator
from io import StringIO

import segno

from veche.words import in_every_language


def code_text(code: bytes) -> str:
    """All of a code in sixteen groups of four digits."""
    return " ".join(code[i : i + 2].hex() for i in range(0, len(code), 2))


def code_lines(code: bytes) -> Iterator[str]:
    """The whole code, and its nine words in each language."""
    yield code_text(code)
    yield from in_every_language(code).values()


def code_picture(code: bytes) -> str:
    """The whole code as a QR code of half blocks, for another device to take from the screen: 64 digits in capital letters."""
    picture = StringIO()
    segno.make_qr(code.hex().upper(), error="m").terminal(picture, compact=True)
    return picture.getvalue()
