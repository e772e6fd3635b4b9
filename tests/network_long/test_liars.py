"""Validators that lie: one alone, and more than two thirds together."""

import base64
import json
from functools import partial
from pathlib import Path

import pytest
from network.hosts import copy_of

from veche.audit import promise
from veche.audit.ledger import verify_ledger
from veche.audit.promise import Verdict, judge
from veche.engine.cometbft.home import chain_id
from veche.errors import DoesNotHold
from veche.log.source import Folder
from veche.world import VALIDATORS

from .live import LiveHost, city_on
from .votes import who_signed

pytestmark = pytest.mark.long
LIAR = Path(__file__).with_name("liar.py")


class Liar(LiveHost):
    program = (LIAR, "liar")
    lies = True


class Conspirator(LiveHost):
    program = (LIAR, "conspirator")


def test_one_of_four_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One validator proposes ballots that do not hold, drops others, lies to clients and cosigns two heads. The others go on, also when
    all of them are started again at once and nobody answers them but the liar. Whoever asks again elsewhere is counted; both heads are
    kept as evidence; and what it promised and dropped is a broken promise of its own."""
    with city_on(tmp_path, kinds={3: Liar}) as city:
        city.open_poll(600)
        *honest, liar = city.everybody
        key = city.head_keys[3]
        with city.load():
            city.goes_on(*honest, entries=100)
            for host in honest:
                host.kill()
            for host in honest:
                host.start()
            city.remote.wait(lambda: all(host.status() for host in honest))
            city.goes_on(*honest, entries=100)
        dropped = next(ballot for ballot in map(city.ballot_of, city.reserve) if ballot.entry[-1] & 1)
        city.hand_in(dropped, liar)
        city.ballots = [ballot for ballot in city.ballots if ballot.answers]
        city.ballots.remove(dropped)
        city.close()
        assert city.lies, "it has given receipts that do not hold"
        for host in honest:
            evidence = json.loads((host.folder / "evidence" / f"{key.public.hex()}.json").read_text())
            assert evidence["what"] == "two-heads" and len(set(evidence["heads"])) == 2
    verified = city.judge()
    monkeypatch.setattr(promise, "HEIGHTS", 5)  # nobody waits for six hundred blocks
    (judged,) = judge(verified, dropped.entry, dropped.promises)
    assert (judged.verdict, judged.institution) == (Verdict.BROKEN, VALIDATORS[3])


def test_over_two_thirds_sign_what_the_rules_refuse(tmp_path: Path) -> None:
    """Three of four count an older ballot of a voter after a newer one. The fourth refuses it, says so and stops; the block and
    who signed it are kept, and whoever verifies a copy of the three finds it too. Started again it stops again."""
    with city_on(tmp_path, kinds=dict.fromkeys(range(3), Conspirator)) as city:
        city.open_poll(600)
        honest = city.everybody[3]
        for citizen in city.citizens[:5]:
            city.hand_in(city.ballot_of(citizen), honest)
        victim = city.reserve[0]
        first, older, newer = (city.ballot_of(victim) for _ in range(3))
        for ballot in (first, newer):
            city.hand_in(ballot, honest)
            city.remote.wait(partial(city.is_final, ballot))
        city.remote.tick()
        assert honest.client.hand_in(older.entry).json["refusal"]["rule"] == "turn"
        height = honest.status()["height"]
        city.hand_in(older, city.everybody[0])
        code = city.ends(honest)
        assert (
            code == 1
            and "Over two thirds of the validators have signed" in honest.said
            and "Traceback" not in honest.said
        )
        (file,) = (honest.folder / "evidence").glob("block-*.json")
        kept = json.loads(file.read_text())
        assert int(kept["block"]["header"]["height"]) > height and str(file) in honest.said
        assert base64.b64encode(older.entry).decode() in kept["block"]["data"]["txs"]
        keys = [office.votes for office in city.ledger.state.offices.values() if office.votes]
        assert len(who_signed(kept, chain_id(city.id), keys)) >= 3, "whoever has the file can check who signed"
        honest.start()
        assert city.ends(honest) == 1 and honest.said.count("Over two thirds of the validators have signed") == 2
        city.remote.wait(lambda: city.everybody[0].status()["final"] > 0)
        theirs = copy_of(city.everybody[0], tmp_path / "theirs")
    verified = verify_ledger(Folder(copy_of(honest, tmp_path / "honest")))
    assert older.entry not in verified.log.entries() and newer.entry in verified.log.entries()
    with pytest.raises(DoesNotHold, match="turn"):
        verify_ledger(Folder(theirs))
