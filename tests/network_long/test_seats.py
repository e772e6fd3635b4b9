"""Validators that change while the network goes on."""

import shutil
from pathlib import Path

import pytest

from veche.engine.cometbft.home import FOLDER, make_keys
from veche.engine.publishing import LOG_KEY
from veche.keys import SigningKey
from veche.log.source import head_name
from veche.world import VALIDATORS

from .live import city_on

pytestmark = pytest.mark.long
KEY = Path(FOLDER) / "config" / "priv_validator_key.json"


def test_a_validator_takes_new_keys_between_two_heads(tmp_path: Path) -> None:
    """The validators are on different continents. During a load a validator's seat gets new keys, both of them, and its node goes on with them. Then another is killed: the new
    keys are needed for every head from there on, and every receipt holds, on either side of the change."""
    with city_on(tmp_path, delay=0.1) as city:
        city.open_poll(600)
        first, *_, changing = city.everybody
        old, new = city.head_keys[3], SigningKey.generate()
        votes = make_keys(tmp_path / "next").votes
        with city.load():
            city.goes_on()
            body = ["rotate", VALIDATORS[3], "validator", new.public, changing.status()["size"], votes]
            city.say("office", body, *city.organisers, city.trustees[0].key, old)
            city.goes_on(*city.everybody[:3])
            changing.kill()
            (changing.folder / LOG_KEY).unlink()
            new.save(changing.folder / LOG_KEY)
            shutil.copy(tmp_path / "next" / KEY, changing.folder / KEY)
            city.look_at_validators()
            changing.start()
            city.caught_up(changing)
            city.goes_on()
            first.kill()
            city.goes_on(*city.everybody[1:], entries=50)
            first.start()
            city.caught_up(first)
        city.close()
    verified = city.judge()
    ((number, _),) = verified.state.succession.changes
    assert all((host.folder / head_name(number + 1)).is_file() for host in city.everybody), (
        "by it readers come to the new set"
    )
