"""Every error that Veche raises on purpose, as one tree.

A message is one plain sentence; ``hint`` says what to do next. The command line and the web print
both and nothing else: a traceback is a defect of the program, never an answer to a mistake.

    VecheError
    ├── UserError      something was asked for wrongly: a missing file, an unknown name   (exit 2)
    ├── Refused        the ledger's rules do not admit an entry; ``rule`` names the rule  (exit 1)
    ├── DoesNotHold    a verifier found what must not be; ``step`` of docs/protocol.md    (exit 1)
    └── Unsupported    nothing is wrong, but this program cannot check it                 (exit 3)
"""


class VecheError(Exception):
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UserError(VecheError):
    """What the user gave or asked for cannot be used."""

    exit_code = 2


class Refused(VecheError):
    """An entry that the rules do not admit. ``rule`` is its name in docs/protocol.md."""

    def __init__(self, rule: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.rule = rule


class DoesNotHold(VecheError):
    """A verification step failed: ``step`` as numbered in docs/protocol.md, ``where`` it was found."""

    def __init__(self, step: str, where: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.step = step
        self.where = where


class Unsupported(VecheError):
    """Nothing is known to be wrong, but this program does not know how to check it."""

    exit_code = 3
