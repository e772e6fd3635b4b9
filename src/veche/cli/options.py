"""Options and output that many commands share."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from veche.cli.answer import OPTION, emit
from veche.cli.remote import copied, is_url, skimmed
from veche.errors import Refused, UserError, because
from veche.handed import as_text
from veche.keys import SigningKey
from veche.terminal.say import spoken
from veche.texts import Localizable, Message

__all__ = [
    "ANY_PATH",
    "LEDGER_PATH",
    "LedgerPath",
    "answer_key",
    "despite_refusal",
    "emit",
    "json",
    "key",
    "ledger",
    "load_key",
    "must_take_receipt",
    "naming",
    "own_ledger",
    "parse_code",
    "parse_hex",
    "read_file",
    "receipts",
    "seed",
    "skimmed_ledger",
]  # fmt: skip

Command = TypeVar("Command", bound=Callable[..., Any])


class AnyPath(click.Path):
    """A path. An empty one, as a script has it whose variable is not set, is not the folder in which one happens to be."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            raise UserError(
                Message("An empty path names nothing."), Message("Name a file or a folder; . is the one you are in.")
            )
        return super().convert(value, param, ctx)


class Day(click.ParamType[date]):
    """A date as ISO 8601 writes it."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date()
        except ValueError:
            said = Message(
                "{value!r} is not a date: write the year, the month and the day, such as 2027-05-01.",
                value=str(value)[:40],
            )
            self.fail(spoken(said), param, ctx)


class LedgerPath(AnyPath):
    """A ledger's folder, an export of it, or the address of its node, which becomes a copy (:mod:`veche.cli.remote`). A command that has
    such a parameter names a test ledger as one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and is_url(value) and not (ctx is not None and ctx.resilient_parsing):
            return self.remote(value)
        return super().convert(value, param, ctx)

    def remote(self, url: str) -> Path:
        """The folder that stands for a node's address. Raises VecheError."""
        return copied(url)


class OwnLedgerPath(LedgerPath):
    """The folder of a ledger that is written here, and no node's address."""

    def remote(self, url: str) -> Path:
        raise UserError(
            Message("{url} is a node's address, and this is done in the folder of a ledger.", url=url),
            Message("Name the folder, on the machine on which it is: --ledger FOLDER"),
        )


class SkimmedPath(LedgerPath):
    """The same for who only reads: of a ledger that is named by an address the ballots need not be fetched."""

    def remote(self, url: str) -> Path:
        return skimmed(url)


LEDGER_PATH = LedgerPath()
ANY_PATH = AnyPath()
"""Whether a file is there is said by whoever opens it, in a sentence of its own."""

ledger = click.option(
    "--ledger", "-l", "folder", type=LEDGER_PATH, envvar="VECHE_LEDGER", default="ledger", show_default=True,
    show_envvar=True, metavar="FOLDER|URL", help="The ledger: its folder, the address of its node, or (for reading only) an export of it.",
)  # fmt: skip

skimmed_ledger = click.option(
    "--ledger", "-l", "folder", type=SkimmedPath(), envvar="VECHE_LEDGER", default="ledger", show_default=True,
    show_envvar=True, metavar="FOLDER|URL",
    help="The ledger: its folder, an export of it, or the address of its node, from which all but the ballots is taken.",
)  # fmt: skip

own_ledger = click.option(
    "--ledger", "-l", "folder", type=OwnLedgerPath(), envvar="VECHE_LEDGER", default="ledger", show_default=True,
    show_envvar=True, metavar="FOLDER", help="The folder of the ledger.",
)  # fmt: skip

also = click.option(
    "--also", "others", type=LEDGER_PATH, multiple=True, metavar="FOLDER|URL", envvar="VECHE_ALSO", show_envvar=True,
    help="Another copy of the ledger, or node of it, from somebody else: all must be one ledger, or nothing is done. Give one wherever you can; repeat it.",
)  # fmt: skip

entry_output = click.option(
    "--output", "-o", type=ANY_PATH, metavar="FILE",
    help='Write the entry to FILE, and hand nothing in: "veche ledger submit" does, where the ledger is.',
)  # fmt: skip

json = click.option(OPTION, "as_json", is_flag=True, help="Answer in JSON, for scripts.")


seed = click.option("--seed", type=ANY_PATH, default="voter.seed", show_default=True, metavar="FILE",
                    help="Your one secret, from which everything is derived.")  # fmt: skip

despite_refusal = click.option(
    "--despite-refusal", is_flag=True,
    help="Vote though a registrar refuses a permit or names another group, and though that narrows down which ballot is yours.",
)  # fmt: skip

receipts = click.option(
    "--receipts", type=ANY_PATH, default=".", metavar="FOLDER", help="Where the receipt goes. [default: here]"
)


def key(role: str, many: bool = False) -> Callable[[Command], Command]:
    """``--key FILE``, the key of an office that signs."""
    more = " More than one may sign at once: repeat it." if many else ""
    return click.option(
        "--key", "-k", "keys" if many else "key", type=ANY_PATH, required=True, multiple=many, metavar="FILE",
        help=f"The key file of the {role} that signs.{more}",
    )  # fmt: skip


def head_keys(why: str) -> Callable[[Command], Command]:
    """``--key VKEY``, whose signatures a ledger's heads need, where there is no ledger that says it."""
    return click.option(
        "--key", "vkeys", multiple=True, metavar="VKEY",
        help=f'A key that signs the heads, as "veche ledger show" prints it; repeat it for each that it prints. {why}',
    )  # fmt: skip


def load_key(path: Path) -> SigningKey:
    """An office's key: a key file, or the folder of a registrar or trustee that has one in it. Raises UserError."""
    if path.is_dir():
        if not (path / "office.key").exists():
            raise UserError(
                Message("There is no office's key in the folder {folder}.", folder=path),
                Message("Name a key file, or the folder of a registrar, trustee or witness."),
            )
        path /= "office.key"
    return SigningKey.load(path)


def answer_key(public: bytes, as_json: bool) -> None:
    """What a command answers that makes or shows a key: its public half."""
    if as_json:
        emit({"public": public})
    else:
        click.echo(public.hex())


def not_together(one: str, other: str, both: bool) -> None:
    """Raise UserError if ``both`` of two options were given of which one says what the other denies."""
    if both:
        raise UserError(
            Message("{one} and {other} do not go together.", one=one, other=other), Message("Give one of the two.")
        )


def only_of_draft(output: Path | None, file: Path) -> None:
    """Raise UserError if it was said where a new entry goes, and ``file`` is one already, which gets its signature where it is."""
    if output is not None:
        raise UserError(
            Message("{file} is an entry already: it gets its signature where it is.", file=file),
            Message("Leave --output out. To keep it as it was, copy it first."),
        )


def was_given(parameter: str) -> bool:
    """Whether this option of the command that runs stands on its command line."""
    return click.get_current_context().get_parameter_source(parameter) == ParameterSource.COMMANDLINE


def parse_hex(text: str, size: int, what: Localizable) -> bytes:
    """``size`` bytes as hexadecimal digits. ``what`` they are: a public key. Raises UserError."""
    try:
        data = bytes.fromhex(text.strip())
    except ValueError:
        data = b""
    if len(data) != size:
        raise UserError(
            Message("{text!r} is not {what}.", text=text[:80], what=what),
            Message("It should be {digits} hexadecimal digits.", digits=2 * size),
        )
    return data


def parse_code(text: str) -> bytes:
    """A ballot's whole code: 64 hexadecimal digits, with or without spaces, or a file that holds them. Raises UserError."""
    path = Path(text)
    digits = _digits(path) if len(text) < 64 and path.is_file() else text
    return parse_hex("".join(digits.split()), 32, Message("the whole code of a ballot"))


def _digits(path: Path) -> str:
    try:
        return as_text(read_file(path, 1000))
    except ValueError:
        raise UserError(Message("{file} does not hold the code of a ballot.", file=path)) from None


def must_take_receipt(folder: Path) -> None:
    """To be asked before a ballot is cast: its receipt can be written there. Raises UserError."""
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise UserError(
            Message("The receipt cannot be written to {folder}, so nothing was cast.", folder=folder),
            Message("Name a folder: --receipts"),
        )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What is wrong with what a file says names the file: of several that were given it would not be clear which is meant."""
    try:
        yield
    except (UserError, Refused) as error:
        error.said = Message("{path}: {why}", path=path, why=error.said)
        raise


def read_file(path: Path, limit: int = 1 << 20) -> bytes:
    """The content of a file that the user named. Raises UserError if it cannot be read or is far too long."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise UserError(
            Message("The file {path} cannot be read: {strerror}.", path=path, strerror=because(error)),
            Message("Check the path."),
        ) from None
    if len(data) > limit:
        raise UserError(
            Message("The file {path} is too long to be what is wanted here.", path=path), Message("Check the path.")
        )
    return data
