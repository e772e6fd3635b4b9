"""The main command: finds the command files, and turns every error into a plain sentence.

Each file of this package that is named in ``COMMANDS`` exposes one click command or group of the file's name. It is imported
when it is asked for, so that ``veche vote`` does not wait for what only a registrar needs.

Exit codes (docs/protocol.md, section 6): 0 done, 1 refused or does not hold, 2 asked for wrongly or the machine failed, 3 cannot be
checked by this program, 130 interrupted, 141 whoever read the output went away.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from veche.cli.answer import begin, emit_error
from veche.cli.language import CommandGroup, asked_for
from veche.cli.streams import FAILED, Streams
from veche.errors import VecheError, because
from veche.terminal.say import choose_language, say_error
from veche.texts import Message

COMMANDS = (
    "demo", "vote", "cast", "open", "check", "find", "verify", "compare", "export", "due", "ledger", "node", "network", "poll", "charter", "office", "rules", "committee", "trustee", "registrar", "witness",
)  # fmt: skip
"""In the order of ``veche --help``: first what everybody wants, then the offices."""

INTERRUPTED = 130
DEBUG = "VECHE_DEBUG"
"""Set in the environment, it shows where an unexpected error came from."""


class Commands(CommandGroup):
    """The group ``veche``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if importlib.util.find_spec(_module(name)) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(_module(cmd_name))
        command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")  # open_: the other is Python's
        assert isinstance(command, click.Command)
        return command

    def main(self, args: Sequence[str] | None = None, *names: Any, **extra: Any) -> Any:
        """Run a command line and exit. Nothing but a plain sentence ever tells of a mistake."""
        given = list(sys.argv[1:] if args is None else args)
        streams = Streams()
        choose_language(asked_for(given))
        begin()
        code = streams.exit_code(self._run(given, extra))
        if streams.failure is not None:
            say_error(
                Message("Not all of the output could be written: {why}.", why=because(streams.failure)),
                Message("What was asked for was done, or refused, all the same."),
            )
        sys.exit(code)

    def _run(self, given: list[str], extra: dict[str, Any]) -> int:
        """Run a command line; the answer is its exit code."""
        try:
            code = super().main(given, **{**extra, "prog_name": "veche", "standalone_mode": False})
        except click.exceptions.Exit as leaving:
            return leaving.exit_code
        except click.ClickException as mistake:
            mistake.show()
            emit_error(mistake, mistake.exit_code, given)
            return mistake.exit_code
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED
        except Exception as error:
            code = explain(error)
            emit_error(error, code, given)
            return code
        return code if isinstance(code, int) else 0


def _module(command: str) -> str:
    return f"veche.cli.{command}"


def explain(error: Exception) -> int:
    """Say on the standard error what went wrong and what to do next; the answer is the exit code."""
    if os.environ.get(DEBUG):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, VecheError):
        say_error(error.said, error.advice)
        return error.exit_code
    if isinstance(error, OSError):
        file = f"{error.filename}: " if error.filename else ""
        say_error(
            Message("{file}{why}.", file=file, why=because(error)), Message("Check the path, and that you may use it.")
        )
        return FAILED
    said = Message(
        "Veche met something that it does not expect: {kind}: {error}", kind=type(error).__name__, error=str(error)
    )
    say_error(
        said, Message("That is a defect of the program. Set {variable}=1 to see where, and report it.", variable=DEBUG)
    )
    return FAILED


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="veche", message="%(prog)s %(version)s")
def main() -> None:
    """Veche: city referendums that anyone can check.

    New here? "veche demo --embedded" plays a whole city in front of your eyes, in less than a minute, and leaves a ledger to look around in.

    Every command explains itself: "veche poll --help", "veche poll new --help".
    """
