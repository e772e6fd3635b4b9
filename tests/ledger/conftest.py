"""The city's life, lived once; and the branches that a test makes, each judged by the auditor when the test is over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .branch import Branch
from .life import Life, live

# These tests share their machine with others: how long an example takes says nothing.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return live(tmp_path_factory.mktemp("life"))


@pytest.fixture
def at(life: Life, tmp_path: Path) -> Iterator[Callable[[str], Branch]]:
    """``at("open")``: a branch of that stage of the city's life. The auditor checks it when the test has passed."""
    made: list[Branch] = []

    def branch(stage: str) -> Branch:
        template: Branch = getattr(life, stage)
        made.append(template.branch())
        return made[-1]

    yield branch
    for number, found in enumerate(made):
        found.check(tmp_path / f"audit-{number}")
        found.close()
