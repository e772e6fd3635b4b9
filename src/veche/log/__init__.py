"""The log: everything C2SP. It knows no rule, and could be a package of its own."""
