"""How CometBFT is run beside a ledger: by which program, where it listens, who signs its votes."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from veche.engine.cometbft.home import EVIDENCE_BLOCKS
from veche.errors import UserError
from veche.texts import Message

KEPT_BLOCKS = 2 * EVIDENCE_BLOCKS


@dataclass(frozen=True)
class Launch:
    """``command``: the program, with what comes before its own arguments, if it is another than the installed one; ``environment``: beside
    this process's. ``listen``: where it does (``host:port``), if elsewhere than the ledger says. ``signer``: where it waits for a remote
    signer, see :func:`veche.engine.cometbft.home.prepare`. ``kept``: how many of its blocks it keeps."""

    command: Sequence[str | Path] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    listen: str = ""
    signer: str = ""
    kept: int = KEPT_BLOCKS

    @property
    def words(self) -> Sequence[str | Path]:
        """The program, as it is called. Raises UserError if there is none."""
        return self.command or [program()]


INSTALLED = Launch()
"""The installed program, where the ledger says."""


def program() -> Path:
    """The CometBFT that is installed. Raises UserError if there is none."""
    if sys.platform == "win32":  # it is spoken to by a socket of POSIX
        raise UserError(
            Message("CometBFT, which this ledger's charter names, does not run on Windows."),
            Message("Run a validator on Linux or macOS. To follow the ledger here: veche node join URL"),
        )
    hint = Message("Install it: pip install veche[network]. In a checkout of the sources: make cometbft")
    try:
        import veche_cometbft
    except ImportError:
        raise UserError(Message("CometBFT is not installed, and this ledger's charter names it."), str(hint)) from None
    if not veche_cometbft.PROGRAM.is_file():
        raise UserError(Message("CometBFT is not compiled, and this ledger's charter names it."), str(hint))
    return veche_cometbft.PROGRAM
