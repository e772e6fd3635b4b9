"""Fixtures of the trustee's tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from veche.trustee.trustee import Trustee

from .ledger import InCommittee, Ledger


class City:
    """A ledger, and the trustees that serve it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.trustees: list[Trustee] = []

    def found(self, n: int, t: int, mode: str = "pedersen") -> InCommittee:
        """Begin a committee of all new trustees; ``run`` makes its key."""
        while len(self.trustees) < n:
            number = len(self.trustees) + 1
            self.trustees.append(Trustee.create(self.folder / f"trustee-{number}", f"Trustee {number}"))
        return self.ledger.add_committee(mode, t, [trustee.institution for trustee in self.trustees[:n]])

    def round(self, *absent: int) -> int:
        """Every trustee but these (from 1) hands in what is due; how many entries that was."""
        count = 0
        for number, trustee in enumerate(self.trustees, 1):
            if number not in absent:
                for data in trustee.due(self.ledger):
                    self.ledger.hand_in(data)
                    count += 1
        return count

    def run(self, *absent: int) -> None:
        while self.round(*absent):
            pass


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


@pytest.fixture
def finished(city: City) -> Callable[..., tuple[City, InCommittee]]:
    def make(n: int = 3, t: int = 2, mode: str = "pedersen") -> tuple[City, InCommittee]:
        committee = city.found(n, t, mode)
        city.run()
        assert committee.finished
        return city, committee

    return make
