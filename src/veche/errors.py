"""Every error that Veche raises on purpose, as one tree.

A message is one plain sentence; ``hint`` says what to do next. The command line and the web print
both and nothing else: a traceback is a defect of the program, never an answer to a mistake.

    VecheError
    ├── UserError      something was asked for wrongly (a missing file), or the machine failed (exit 2)
    ├── Refused        the ledger's rules do not admit an entry; ``rule`` names the rule  (exit 1)
    ├── DoesNotHold    a verifier found what must not be; ``step`` of docs/protocol.md    (exit 1)
    └── Unsupported    nothing is wrong, but this program cannot check it                 (exit 3)

What is said is a :class:`veche.texts.Localizable`, ``said`` and ``advice``, for whoever knows the reader's language. ``message``,
``hint`` and ``str`` of an error are the same in English, for logs and scripts.
"""

from veche.texts import N_, Localizable, Message, Said, Verbatim, one_line


class VecheError(Exception):
    exit_code = 1

    def __init__(self, message: Said, hint: Said = "") -> None:
        super().__init__(message)
        self.said = _said(message)
        self.advice = _said(hint)

    @property
    def message(self) -> str:
        return str(self.said)

    @property
    def hint(self) -> str:
        return str(self.advice)

    def __str__(self) -> str:
        return self.message


class UserError(VecheError):
    """What the user gave or asked for cannot be used."""

    exit_code = 2


class Refused(VecheError):
    """An entry that the rules do not admit. ``rule`` is its name in docs/protocol.md."""

    def __init__(self, rule: str, message: Said, hint: Said = "") -> None:
        super().__init__(message, hint)
        self.rule = rule


class DoesNotHold(VecheError):
    """A verification step failed: ``step`` as numbered in docs/protocol.md, ``where`` it was found (``place``: in any language)."""

    def __init__(self, step: str, where: Said, message: Said, hint: Said = "") -> None:
        super().__init__(message, hint)
        self.step = step
        self.place = _said(where)

    @property
    def where(self) -> str:
        return str(self.place)


class Unsupported(VecheError):
    """Nothing is known to be wrong, but this program does not know how to check it."""

    exit_code = 3


SYSTEM = (
    N_("No such file or directory"), N_("Permission denied"), N_("Operation not permitted"), N_("Is a directory"), N_("Not a directory"),
    N_("File exists"), N_("Directory not empty"), N_("No space left on device"), N_("Disk quota exceeded"), N_("Read-only file system"),
    N_("File name too long"), N_("Too many open files"), N_("Input/output error"), N_("Too many levels of symbolic links"),
    N_("Broken pipe"), N_("Bad file descriptor"), N_("File too large"), N_("Connection refused"),
    N_("embedded null byte"), N_("database disk image is malformed"), N_("file is not a database"),
)  # fmt: skip
"""What systems and libraries most often say of a file, for the catalogues; other words of theirs stay as they are."""


def because(error: Exception) -> Localizable:
    """Why something failed, by an exception's own words, for a sentence of ours."""
    if isinstance(error, VecheError):
        return error.said
    if isinstance(reason := getattr(error, "reason", None), Localizable):
        return reason
    words = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Message(words) if words in SYSTEM else Verbatim(one_line(words))


def _said(what: Said) -> Localizable:
    return Verbatim(what) if isinstance(what, str) else what
