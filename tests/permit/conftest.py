"""Keys that take a while to make, made once."""

import pytest

from veche.permit.blind_rsa import IssuerKey


@pytest.fixture(scope="session")
def key() -> IssuerKey:
    return IssuerKey.generate()


@pytest.fixture(scope="session")
def other_key() -> IssuerKey:
    return IssuerKey.generate()
