"""Keys that take a while to make, made once."""

import pytest

from veche.permit.blind_rsa import SigningKey


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
def other_key() -> SigningKey:
    return SigningKey.generate()
