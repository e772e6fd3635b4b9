"""The ledger's own witnesses, by a node's address: what they cosign gets to every node within moments, and what they did not gets nowhere."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.conftest import PROGRAM, environment, fails_inside, ok_inside
from engine.stage import TRAMS, Stage

from veche.clock import by_hand
from veche.keys import SigningKey
from veche.ledger.heads import witness_verifier
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, cosign, sign
from veche.log.cosigned import CosignedHead, read_cosigned
from veche.log.source import Folder
from veche.node.copying import Forked
from veche.witness.witness import Witness
from veche.world import World

from .conftest import Client, running
from .test_following import following, until, url_of


@dataclass
class Watched:
    """A ledger that one institution keeps, with ballots that are not handed in yet, and its witness's folder."""

    stage: Stage
    office: Path

    @property
    def key(self) -> SigningKey:
        return Witness.load(self.office).key

    @property
    def name(self) -> str:
        return f"witness/{self.key.public.hex()}"

    def cosigned(self, head: Checkpoint, by: SigningKey | None = None, seconds: int = 1) -> SignedCheckpoint:
        """This head, signed with the ledger's own key, with the witness's line, made with their key or another."""
        verifier = witness_verifier(head.origin, self.key.public)
        line = cosign(head, verifier.name, by or self.key, int(time.time()) + seconds)
        return SignedCheckpoint(head, (sign(head, self.stage.key), type(line)(line.name, verifier.key_id, line.data)))


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    folder = tmp_path / "city"
    with World(folder, citizens={"Centre": 2}, registrars=(1, 1, 0), witnesses=(1, 0)) as world:
        world.cosign()
        poll = world.poll([TRAMS], committee=world.form_committee(), days=1)
        world.wait_until(poll.definition.opens)
        world.cosign()
        ballots = [world.entry(citizen, poll, [[1, 0]]) for citizen in world.citizens]
    shutil.rmtree(folder / "ledger" / "witness")
    return Watched(Stage(folder / "ledger", world.now, ballots), folder / "witness-1")


def vote(door: Client, ballot: bytes) -> None:
    door.wait(door.hand_in(ballot).json["entry"], "final")


def there(folder: Path, watched: Watched) -> CosignedHead | None:
    return read_cosigned(Folder(folder), watched.key.public)


def has_newest(folder: Path, watched: Watched) -> bool:
    found = there(folder, watched)
    return found is not None and found.signed.checkpoint == Folder(folder).checkpoint().checkpoint


@contextmanager
def witnessing(office: Path, address: tuple[str, int]) -> Iterator[subprocess.Popen[str]]:
    words = [*PROGRAM, "witness", "cosign", str(office), "--ledger", url_of(address), "--every", "1"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_witness_at_a_node_cosigns_by_itself_though_it_is_killed_and_every_follower_has_it(
    watched: Watched, tmp_path: Path
) -> None:
    office, ledger, copy = watched.office, watched.stage.folder, tmp_path / "copy"
    with running(watched.stage) as door, following(watched.stage, copy, door.address) as (made, _):
        with witnessing(office, door.address) as process:
            until(lambda: has_newest(ledger, watched), made, seconds=180)
            vote(door, watched.stage.ballots[0])
            until(lambda: has_newest(ledger, watched) and has_newest(copy, watched), made, seconds=180)
            process.send_signal(signal.SIGKILL)
        vote(door, watched.stage.ballots[1])
        assert not has_newest(ledger, watched)
        with witnessing(office, made.address):  # beside the follower: it gets to who keeps the ledger all the same
            until(lambda: has_newest(copy, watched) and has_newest(ledger, watched), made, seconds=180)
        told = ok_inside("verify", copy, "--json").json["witnesses"]["cosigned"]
        assert [one["institution"] for one in told] == ["Election observers"]
    shutil.copytree(office, tmp_path / "restored")
    fails_inside(2, "is a copy or a restored backup", "witness", "cosign", tmp_path / "restored", "--ledger", ledger)


def test_what_is_not_by_a_witness_or_not_of_this_log_is_neither_kept_nor_served(watched: Watched) -> None:
    signed = Folder(watched.stage.folder).checkpoint()
    head, thief = signed.checkpoint, SigningKey.generate()
    with running(watched.stage) as door:

        def hand_in(signed: SignedCheckpoint, name: str = watched.name) -> int:
            return door.ask("POST", f"/{name}", signed.to_bytes(), Content_Type="text/plain").status

        assert hand_in(watched.cosigned(head, thief)) == 403
        verifier = witness_verifier(head.origin, thief.public)
        foreign = signed.add(cosign(head, verifier.name, thief, 12))
        assert hand_in(foreign) == 403 and hand_in(foreign, f"witness/{thief.public.hex()}") == 403
        unsigned = SignedCheckpoint(head, watched.cosigned(head).signatures[1:])
        assert hand_in(unsigned) == 409
        assert hand_in(watched.cosigned(Checkpoint(head.origin, head.size, bytes(32)))) == 409
        assert hand_in(watched.cosigned(Checkpoint(head.origin, head.size + 9, bytes(32)))) == 429
        assert door.get(f"/{watched.name}").status == 404
        assert hand_in(watched.cosigned(head, seconds=5)) == 204
        newest = door.get(f"/{watched.name}").body
        assert hand_in(watched.cosigned(head, seconds=2)) == 204, "an older one changes nothing"
        assert door.get(f"/{watched.name}").body == newest


def test_two_histories_are_an_alarm_for_the_witness_and_proof_for_a_follower(watched: Watched, tmp_path: Path) -> None:
    """The witness refuses the second; and a follower that hears of a cosigned head of another history stops, with both as evidence."""
    stage, copy = watched.stage, tmp_path / "copy"
    other = stage.copy(tmp_path / "other")
    with running(stage) as door:
        vote(door, stage.ballots[0])
        witness = Witness.load(watched.office)
        witness.cosign(Folder(stage.folder), lambda: by_hand(time.time()))
    with running(other) as second:
        vote(second, stage.ballots[1])
        fails_inside(1, "was rewritten", "witness", "cosign", watched.office, "--ledger", url_of(second.address))
        assert second.get(f"/{watched.name}").status == 404
    head = Folder(stage.folder).checkpoint().checkpoint
    with pytest.raises(Forked), running(stage) as door, following(stage, copy, door.address) as (made, mine):
        wrong = watched.cosigned(Checkpoint(head.origin, head.size, bytes(32)))
        assert mine.ask("POST", f"/{watched.name}", wrong.to_bytes(), Content_Type="text/plain").status == 409
        until(lambda: False, made)
