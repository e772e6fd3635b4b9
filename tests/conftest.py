"""Shared fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from catalogues import extracted

from veche import texts

FIRST = (
    "test_guides.py",
    "network/test_four.py",
    "network/test_demo_of_four.py",
    "cli/test_walkthrough.py",
    "dist/test_wheels.py",
    "engine/test_crash_faults.py",
    "engine/test_crash.py",
    "cli/test_demo.py",
    "fuzz/test_http.py",
    "engine/test_stories.py",
    "kernel/test_rust.py",
)
"""Files that take long and have few tests. A worker takes a file at a time: those that came last kept all others waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first, all others in their order."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a node knows of itself is not written among the files of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language more: with Esperanto's numbers and dates, and with each message in brackets."""
    catalog = Catalog("eo")
    for message in extracted():
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        strings = tuple(one if one.startswith("d MMM") else f"[{one}]" for one in ids)
        if message.id:
            catalog.add(message.id, strings if message.pluralizable else strings[0])
    for language in texts.languages()[1:]:
        (tmp_path / language).symlink_to(texts.LOCALE / language)
    folder = tmp_path / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "veche.po").open("wb") as file:
        write_po(file, catalog)
    monkeypatch.setattr(texts, "LOCALE", tmp_path)
    texts.catalogue.cache_clear()
    yield "eo"
    texts.catalogue.cache_clear()
