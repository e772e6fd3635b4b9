"""The log: everything C2SP. It knows no rule of the ledger, and could be a package of its own.

A *log* is a list of entries that only grows, under a *head*: its size and the root of a Merkle tree over all entries, signed as a
*checkpoint*. Whoever keeps a head can tell whether a later one says anything else about what was there before. From below:

- :mod:`merkle`      RFC 6962: roots, inclusion and consistency proofs, and the frontier by which a tree grows
- :mod:`note`        signed notes: a text and the lines of those who sign it
- :mod:`checkpoint`  the head as a signed note, and the policy that says whose signatures a reader demands
- :mod:`receipt`     the proof that one entry is in the log, as a file: ``verify_receipt`` needs the entry and a policy, and no log
- :mod:`tiles`       how entries and hashes are cut into files of bounded size
- :mod:`source`      where the files are read from: ``open_source`` takes a folder or an export
- :mod:`log`         entries and proofs out of the tiles, each checked against a head; ``check_tiles`` checks every byte
- :mod:`cosigned`    cosigned heads beside a log, by whomever
- :mod:`cosigner`    a validator's cosignatures: never two roots of one size
- :mod:`evidence`    two heads of one size by one validator, kept for good
- :mod:`publish`     the writer's side: tiles, then the checkpoint, so that a crash never leaves less than was promised

Each module is public with all its names that do not begin with an underscore. What does not hold is raised as
:class:`~veche.errors.DoesNotHold`; its ``step`` is ``merkle``, ``note``, ``checkpoint``, ``receipt``, ``tiles`` or ``export``.
"""

__all__ = [
    "checkpoint",
    "cosigned",
    "cosigner",
    "evidence",
    "log",
    "merkle",
    "note",
    "publish",
    "receipt",
    "source",
    "tiles",
]
