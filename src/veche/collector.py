"""The garbage collector of a process whose work is to go through very many entries."""

import gc

_YOUNG = 20_000
"""Objects made between two looks: ballots come by the thousand, and live as long as their batch."""


def relax() -> None:
    """Look for garbage less often, from now on. Measured with ``make bench``: a tenth of what the engine does itself."""
    gc.set_threshold(_YOUNG)
