"""The command line in the language of whoever reads it: ``--lang`` on every command, help texts, and click's own words.

Help is translated paragraph by paragraph, so that a changed example leaves the rest as it is. tests/catalogues.py finds all of it.
"""

import copy
import inspect
from collections.abc import Sequence

import click
from click import core, decorators, exceptions, formatting, parser, termui, types

from veche.terminal.say import choose_language, language
from veche.texts import N2_, N_, catalogue, languages

OF_CLICK = (
    N_("Usage:"), N_("Options"), N_("Commands"), N_("[OPTIONS]"), N_("COMMAND [ARGS]..."), N_("Show this message and exit."),
    N_("Show the version and exit."), N_("env var: {var}"), N_("default: {default}"), N_("required"), N_("(dynamic)"),
    N_("Aborted!"), N_("Error: {message}"), N_("Error: The two entered values do not match."), N_("Error: invalid input"),
    N_("Repeat for confirmation"), N_("Missing command."), N_("Option {name!r} does not take a value."),
    N_("Argument {name!r} takes {nargs} values."), N_("Try '{command} {option}' for help."), N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"), N_("Missing argument"), N_("Missing option"), N_("Missing parameter"),
    N_("Missing {param_type}"), N_("Missing parameter: {param_name}"), N_("No such option {name!r}."),
    N_("No such command {name!r}."), N_("unknown error"), N_("Could not open file {filename!r}: {message}"),
    N_("Choose from:\n\t{choices}"), N_("{value!r} is not a valid {number_type}."), N_("{value} is not in the range {range}."),
    N_("{value!r} is not a valid boolean. Recognized values: {states}"), N_("file"), N_("directory"), N_("path"),
    N_("{name} {filename!r} does not exist."), N_("{name} {filename!r} is a file."), N_("{name} {filename!r} is a directory."),
    N_("{name} {filename!r} is not readable."), N_("{name} {filename!r} is not writable."),
)  # fmt: skip
"""What click says to people. tests/cli/test_language.py holds it against click's source."""

OF_CLICK_COUNTED = (
    N2_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    N2_("Takes {nargs} values but 1 was given.", "Takes {nargs} values but {len} were given."),
    N2_("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    N2_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    N2_("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
    N2_("{value!r} does not match the format {format}.", "{value!r} does not match the formats {formats}."),
)


def _gettext(message: str) -> str:
    return catalogue(language()).gettext(message)


def _ngettext(one: str, many: str, count: int) -> str:
    return catalogue(language()).ngettext(one, many, count)


for module in (core, decorators, exceptions, formatting, parser, termui, types):
    # Click asks the catalogues that gettext keeps for the whole process, and these are read from compiled files only.
    for name, ours in (("_", _gettext), ("ngettext", _ngettext)):
        if hasattr(module, name):
            setattr(module, name, ours)


def asked_for(arguments: Sequence[str]) -> str | None:
    """The language of ``--lang``, wherever it stands: what is said of the other arguments is said in it, too."""
    for at, argument in enumerate(arguments):
        given = argument.removeprefix("--lang=") if argument.startswith("--lang=") else None
        if argument == "--lang" and at + 1 < len(arguments):
            given = arguments[at + 1]
        if given in languages():
            return given
    return None


def _choose(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        choose_language(value)


LANG = click.Option(
    ["--lang"], type=click.Choice(languages()), is_eager=True, expose_value=False, callback=_choose,
    help=N_("Speak this language. [default: VECHE_LANG, or that of the system]"),
)  # fmt: skip


def paragraphs(text: str) -> list[str]:
    """A help text as it is translated: piece by piece."""
    return inspect.cleandoc(text).split("\n\n")


def translated(text: str | None) -> str | None:
    return text and "\n\n".join(_gettext(part) for part in paragraphs(text))


class Command(click.Command):
    """A command that explains itself in every language."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *params, of_click = super().get_params(ctx)
        return [*params, LANG, of_click]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [_gettext(piece) for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        click.Command(None, help=translated(self.help)).format_help_text(ctx, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        told = click.Command(None, help=translated(self.help), short_help=translated(self.short_help))
        return told.get_short_help_str(limit)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for param in self.get_params(ctx):
            if isinstance(param, click.Option):
                told = copy.copy(param)
                told.help = translated(param.help)
                rows.append(told.get_help_record(ctx))
        with formatter.section(_gettext("Options")):
            formatter.write_dl([row for row in rows if row is not None])


class CommandGroup(Command, click.Group):
    """A group of commands whose list shows what each is for in a whole sentence, and does not break off."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            assert command is not None
            rows.append((name, command.get_short_help_str(limit=1000)))
        with formatter.section(_gettext("Commands")):
            formatter.write_dl(rows)
