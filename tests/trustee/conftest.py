"""Fixtures of the trustee's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .city import City


@pytest.fixture
def city(tmp_path: Path) -> City:
    """Three trustees, of whom two decrypt."""
    return City(tmp_path)


@pytest.fixture
def finished(tmp_path: Path) -> Callable[..., tuple[City, bytes]]:
    """``finished(n, t, mode)``: a city and the id of a committee that has its key."""

    def make(n: int = 3, t: int = 2, mode: str = "pedersen") -> tuple[City, bytes]:
        city = City(tmp_path, n, t)
        committee = city.form(mode)
        city.run()
        assert city.committee(committee).finished
        return city, committee

    return make
