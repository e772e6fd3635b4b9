"""What all long stories need."""

import pytest

from .apart import allowed


@pytest.fixture(scope="session", autouse=True)
def loopback() -> None:
    """In a new network namespace loopback is down until somebody sets it up."""
    allowed()
