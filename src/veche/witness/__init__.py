"""An observer's program that witnesses: it cosigns heads of the ledger, and never two that contradict each other.

- :mod:`witness`  the office in its folder, and what it cosigns
- :mod:`journal`  each head, written down before it is cosigned

It judges no entry: every auditor does. It imports no verifier, no other role, no engine, and not the command line.
"""
