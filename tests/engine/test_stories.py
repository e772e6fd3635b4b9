"""Some of the stories in scenarios/ on CometBFT. All of them: VECHE_ENGINE=cometbft .venv/bin/pytest scenarios."""

from collections.abc import Callable
from pathlib import Path

import city
import pytest
from test_halt_across_closing import test_the_story as a_halt_across_closing
from test_kept_back_ballot import test_the_story as a_ballot_kept_back
from test_lone_ballot import test_one_ballot_in_a_poll as one_ballot_in_a_poll
from test_two_tallies import test_the_story as two_tallies


@pytest.mark.parametrize("story", [a_halt_across_closing, a_ballot_kept_back, one_ballot_in_a_poll, two_tallies])
def test_a_story_on_cometbft(story: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city, "ENGINE", "cometbft")
    story(tmp_path)
