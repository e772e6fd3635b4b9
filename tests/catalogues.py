"""What the source says to people, as Babel's extractor finds it; run as a program, brings the catalogues up to date with it.

``make texts`` adds new messages to every catalogue, without a translation, and takes out those that nobody says any more.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from veche.cli.group import main
from veche.cli.language import paragraphs

SOURCE = Path(__file__).parents[1] / "src" / "veche"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"Message": None, "N_": None, "N2_": (1, 2), "Plural": (1, 2), "_": None, "ngettext": (1, 2)}
SHAPES = ("array", "uint", "data", "word", "office_key", "text", "line", "differ", "points")
"""The functions of veche.ledger.shape whose second argument names a part of an entry to people."""


def extracted() -> Catalog:
    """Every message of the source, where it is said, and nothing else."""
    catalog = Catalog(project="veche")
    for name, _, message, _, _ in extract_from_dir(SOURCE, METHODS, keywords=KEYWORDS):
        catalog.add(message, locations=[(name, 1)])
    for name, message in parts_of_entries():
        catalog.add(message, locations=[(name, 1)])
    for path, command in commands(main):
        for text in (
            command.help,
            command.short_help,
            *(param.help for param in command.params if isinstance(param, click.Option)),
        ):
            for paragraph in paragraphs(text) if text else ():
                catalog.add(paragraph, locations=[(f"cli/{path}", 1)])
    return catalog


def parts_of_entries() -> Iterator[tuple[str, str]]:
    """What the literals say that name the parts of entries, and where."""
    for path in sorted((SOURCE / "ledger").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if function in SHAPES and isinstance(node.args[1].value, str):
                    yield path.relative_to(SOURCE).as_posix(), node.args[1].value


def commands(group: click.Group, path: str = "veche") -> Iterator[tuple[str, click.Command]]:
    """The group and every command below it, with how it is called."""
    yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}", command


def update(path: Path, template: Catalog) -> None:
    """Bring a catalogue up to date; the file names its language."""
    with path.open("rb") as file:
        catalog = read_po(file, path.parents[1].name)
    catalog.update(template, no_fuzzy_matching=True, update_creation_date=False)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, include_lineno=False, ignore_obsolete=True, sort_by_file=True)


if __name__ == "__main__":
    for found in SOURCE.glob("locale/*/LC_MESSAGES/veche.po"):
        update(found, extracted())
