"""The right to vote: blind-signed permits, and what everybody can check about those who sign them.

A *registrar* knows who may vote and signs one permit per person and poll without seeing what it signs. A ballot that
carries permits of k of n registrars is admitted; nobody can say whose it is. In the order in which they are used:

- :mod:`threshold`  which n, k and f are safe
- :mod:`seed`       the secret of a voter, from which all their devices derive everything
- :mod:`derive`     credential, prefix, salt and blinding factor
- :mod:`message`    the exact bytes that a permit signs
- :mod:`blind_rsa`  RFC 9474: blind, sign, finalise, verify
- :mod:`request`    a voter asks one registrar for one permit
- :mod:`mail`       the same by file, where voter and registrar are on different machines
- :mod:`permit`     the finished permits of a ballot and how they are checked
- :mod:`roll`       the salted trees by which a person finds their own row and nobody else's
- :mod:`row_proof`  the file that proves a person's row

These modules are public: a registrar, or a voter's device, may be written on them without the rest of Veche. They know no
ledger and no ballot; of the log they import its Merkle trees.
"""

__all__ = ["blind_rsa", "derive", "mail", "message", "permit", "request", "roll", "row_proof", "seed", "threshold"]
