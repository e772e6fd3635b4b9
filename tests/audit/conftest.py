"""Cities that the tests of this folder share; they are made once."""

import pytest

from .city import City, large_city, small_city


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> City:
    return large_city(tmp_path_factory.mktemp("large") / "city")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> City:
    return small_city(tmp_path_factory.mktemp("small") / "city")
