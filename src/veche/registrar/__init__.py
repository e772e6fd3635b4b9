"""The registrar's side: who may vote, and one permit each.

- :mod:`registrar`    the desk in its folder: polls, permits, the issuance, proofs of rows, and the end of it all
- :mod:`keys`         its RSA keys, a file a poll and group
- :mod:`roll_file`    the roll as a city hands it over
- :mod:`roll_import`  bringing a roll into the database
- :mod:`comparison`   two registrars' rolls compared without handing one over
- :mod:`likeness`     names that people take for one another, about which an import asks
- :mod:`store`        the database of people, polls and requests

It reads no ledger: what it must know of a poll it is told. It imports permit, the values of the entries that it has published,
and what is below; no rule, no other role, no engine, and not the command line.
"""
