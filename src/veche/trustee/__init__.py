"""The trustee's side: a part in the making of a committee's key, and in the decryption of each tally.

- :mod:`trustee`   the office in its folder: keys, duties, and what it refuses
- :mod:`ceremony`  the steps of one key generation
- :mod:`journal`   what was decrypted, written down before, so that no tally of a poll is decrypted beside another
- :mod:`view`      what it wants to know of the ledger: verified, by whoever verifies

It talks to nobody but the ledger. It imports no rule, no verifier (a view is handed in, and ``veche.audit.view`` makes one), no
other role, no engine, and not the command line.
"""
