"""What people see in a terminal, for the command line and the demo.

- :mod:`definition`  a poll's definition as voters see it
- :mod:`written`  all that an entry says, for whoever is about to sign it
- :mod:`poll_text`  what a ledger says of its polls: one whole, or all in a list
- :mod:`results`  the result of a poll as bars, and by group
- :mod:`say`   sentences, in the language of whoever reads them, no wider than their terminal
- :mod:`foreign`  longer texts of others, each line marked
- :mod:`code`  a ballot's code: in full, in nine words, as a QR code
- :mod:`running`  what a running ledger shows

It shows values that others made: it imports no rule, and neither the command line nor the demo.
"""
