"""An observer's program that witnesses: it cosigns heads of the ledger, and never two that contradict each other."""
