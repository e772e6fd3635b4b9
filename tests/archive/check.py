"""How the tests of this folder ask for a verdict."""

import pytest

from veche.audit.archive import ArchiveReport, verify
from veche.ballot.archive.archive import Archive
from veche.errors import DoesNotHold, Unsupported

from .assemble import Parts


def verdict(archive: bytes | Parts) -> ArchiveReport:
    content = archive.to_bytes() if isinstance(archive, Parts) else archive
    with Archive.from_bytes(content) as opened:
        return verify(opened)


def refused(archive: bytes | Parts, step: str, words: str) -> DoesNotHold:
    """Asserts that the archive is refused at this step, with a plain sentence that holds these words."""
    with pytest.raises(DoesNotHold) as caught:
        verdict(archive)
    error = caught.value
    assert error.step == step, (error.step, error.message)
    assert words in error.message, error.message
    assert error.message[0].isupper() and error.message.endswith("."), error.message
    assert error.where and "\n" not in error.message and len(error.message) < 400
    return error


def unsupported(archive: bytes | Parts, words: str) -> None:
    """Asserts that the archive gets no verdict."""
    with pytest.raises(Unsupported) as caught:
        verdict(archive)
    assert words in caught.value.message, caught.value.message
