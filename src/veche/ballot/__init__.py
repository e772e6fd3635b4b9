"""The Belenios protocol on Ed25519: from the key of the trustees to the result of a poll. docs/protocol.md, sections 2 and 3.

Group arithmetic and the proofs of ballots are the kernel's (``veche_kernel.Election`` seals and checks ballots); here is what is
around them. In the order of a poll:

- :mod:`committee`   trustees make a key together, so that any t of n can decrypt and fewer cannot
- :mod:`channel`     how a trustee sends another a share of it
- :mod:`election`    what is asked, in which group, under which key: hashed into every proof
- :mod:`decryption`  shares of the decryption of a tally, their proofs, and the result
- :mod:`documents`   what trustees say in Belenios's JSON
- :mod:`canonical`   the one spelling of all these as JSON
- :mod:`archive`     a finished poll as one file, in and out

These modules are public; they know no ledger, and import nothing of Veche but its errors. How to vote is the kernel's and
:mod:`veche.voter`'s; what is checked of an archive, and in which steps, is :mod:`veche.audit`'s.
"""

__all__ = ["archive", "canonical", "channel", "committee", "decryption", "documents", "election"]
