"""docs/operating.md: its commands exist, its figures are those that a node gives, and what it says of files is so."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import click
import pytest

from veche.cli import main
from veche.engine.cometbft import home
from veche.engine.publishing import LOG_KEY
from veche.log import cosigner
from veche.node import batch, intake
from veche.node.intake import Intake
from veche.node.metrics import Metrics
from veche.node.peers import Peers

DOCS = Path(__file__).parents[1] / "docs"
PAGES = (DOCS / "operating.md", DOCS / "ru" / "operating.md")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[list[str]]:
    """Every veche command line of the page."""
    lines = [shlex.split(line, comments=True) for block in blocks(PAGES[0], "sh") for line in block.splitlines()]
    return [line[1:] for line in lines if line and Path(line[0]).name == "veche"]


def figures(tmp_path: Path) -> set[str]:
    """All that a node can give."""
    asked = SimpleNamespace(height=1, vouched=1, behind=0.0, waiting=0, refused={"cast": 1})
    made = Metrics(cast(Intake, asked), cast(Peers, SimpleNamespace(offset=0.1, rules={"aa": 1})), tmp_path)
    return {sample.name for metric in made.collect() for sample in metric.samples}


def test_each_command_parses() -> None:
    found = commands()
    assert len(found) >= 12
    for words in found:
        parse(words)


def parse(words: list[str]) -> None:
    """Raises click.UsageError for options and arguments that do not fit; whether the files are there is not looked at."""
    group, rest, context = cast(click.Command, main), list(words), click.Context(main)
    while isinstance(group, click.Group):
        inner = group.get_command(context, rest[0])
        assert inner is not None, words
        group, rest = inner, rest[1:]
    try:
        group.make_context(words[0], rest)
    except click.BadParameter as error:
        if "does not exist" not in error.format_message():
            raise


@pytest.mark.parametrize("words", ["node run --nothing x", "office rotate --role validator", "ledger init"])
def test_what_does_not_exist_is_found(words: str) -> None:
    with pytest.raises(click.UsageError):
        parse(words.split())


@pytest.mark.parametrize("page", PAGES, ids=["en", "ru"])
def test_figures_are_those_of_a_node(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(veche_\w+)` \|", text, re.MULTILINE))
    assert table == figures(tmp_path)
    (rules,) = blocks(page, "yaml")
    assert set(re.findall(r"\bveche_\w+", text)) <= table
    woken = set(re.findall(r"^\| `(veche_\w+)` \|.*\|[^|]*\*\*[^|]*\|$", text, re.MULTILINE))
    assert woken == set(re.findall(r"veche_\w+", rules)) and len(woken) == 3, "what wakes somebody, and nothing else"


@pytest.mark.parametrize("page", PAGES, ids=["en", "ru"])
def test_files_and_limits_are_those_of_the_program(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    keys = [f"{home.FOLDER}/{path}" for path in (home._KEY, home._NODE_KEY, home._STATE)]
    for name in (LOG_KEY, f"{cosigner.FOLDER}/", *keys):
        assert f"| `{name}` |" in text, name
    assert f"{intake.DISK_FREE >> 20} " in text and f"port {home.P2P_PORT}" in text.replace("порт ", "port ")
    (nginx,) = blocks(page, "nginx")
    (room,) = re.findall(r"client_max_body_size ([0-9]+)m;", nginx)
    assert int(room) << 20 > batch.MOST_BYTES and "access_log off;" in nginx and "proxy_buffering off;" in nginx


def test_both_languages_say_the_same_commands() -> None:
    for language in ("sh", "yaml", "nginx"):
        en, ru = ([re.sub("#.*|summary: .*", "", block) for block in blocks(page, language)] for page in PAGES)
        assert en and en == ru, language
