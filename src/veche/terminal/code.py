"""A ballot's code as a terminal shows it: in full, in nine words of two languages, and as a QR code."""

from collections.abc import Iterator
from io import StringIO

import segno

from veche.audit.entry_words import code_text
from veche.words import in_every_language


def code_lines(code: bytes) -> Iterator[str]:
    """The whole code, and its nine words in each language."""
    yield code_text(code)
    yield from in_every_language(code).values()


def code_picture(code: bytes) -> str:
    """The whole code as a QR code of half blocks, for another device to take from the screen: 64 digits in capital letters."""
    picture = StringIO()
    segno.make_qr(code.hex().upper(), error="m").terminal(picture, compact=True)
    return picture.getvalue()
