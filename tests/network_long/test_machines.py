"""Machines that fail: a clock that is off by a minute, a disk that is full, a bit that flips."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .live import LiveCity, LiveHost, city_on

pytestmark = pytest.mark.long
FLIPPING = Path(__file__).with_name("flipping.py")
DISK = 420 << 20
"""Bytes of the small disk: a little more than must be free for a door to take anything in."""


def restart(city: LiveCity, host: LiveHost, skew: int) -> None:
    host.kill()
    host.skew = skew
    city.remote.set_clock()
    host.start()


def test_a_clock_a_minute_slow_and_one_a_minute_fast(tmp_path: Path) -> None:
    """The others' blocks are of the future for a validator whose clock is slow: it names its clock and stops, and comes back when it
    is right. One whose clock is fast goes on, and its figures say how much it is off; what is handed in there is counted."""
    with city_on(tmp_path) as city:
        city.open_poll(600)
        *_, fast, slow = city.everybody
        with city.load():
            city.goes_on()
            restart(city, slow, -61)
            assert city.ends(slow) == 1 and "This machine's clock is a minute or more behind" in slow.said
            city.goes_on(*city.everybody[:3])
            slow.skew = 0
            city.remote.set_clock()
            slow.start()
            city.caught_up(slow)
            restart(city, fast, 60)
            city.caught_up(fast)
            city.goes_on(entries=50)
            said = [host.status()["clock"] for host in (fast, slow)]
            assert 55 < said[0] - said[1] < 65
            late = city.ballot_of(city.reserve[0])
            city.hand_in(late, fast)
            city.remote.wait(lambda: city.is_final(late))
            restart(city, fast, 0)
            city.caught_up(fast)
            city.goes_on()
        city.close()
    city.judge()


class SmallDisk(LiveHost):
    """A host whose ledger lies on a disk of its own."""

    def __init__(self, number: int, folder: Path, *arguments: Any) -> None:
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "disk", str(folder)], check=True)
        super().__init__(number, folder, *arguments)

    @property
    def filler(self) -> Path:
        return self.folder / "filler"

    def fill(self, free: int) -> None:
        """Leave so many bytes free."""
        self.filler.unlink(missing_ok=True)
        with suppress(OSError), self.filler.open("wb", buffering=0) as file:
            while (left := shutil.disk_usage(self.folder).free - free) > 0:
                file.write(bytes(min(left, 1 << 20)))


def may_mount(folder: Path) -> bool:
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "disk", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
        return False
    return subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """While a disk is nearly full its node takes nothing in and goes on; when it is full it stops and says so, and the others go on.
    With room again it comes back."""
    if not may_mount(tmp_path / "disk"):
        pytest.skip("this machine does not allow a small disk to be mounted here")
    with city_on(tmp_path, kinds={3: SmallDisk}) as city:
        small = city.everybody[3]
        assert isinstance(small, SmallDisk)
        try:
            city.open_poll(600)
            with city.load():
                city.goes_on()
                small.fill(100 << 20)
                ballot = city.ballot_of(city.reserve[0])
                city.remote.wait(lambda: small.client.hand_in(b"nothing").status == 503)
                assert small.client.hand_in(ballot.entry).status == 503
                city.hand_in(ballot, *city.everybody[:3])
                city.goes_on()
                small.fill(0)
                code = city.ends(small)
                assert code in (1, 2) and "Traceback" not in small.said, small.said[-2000:]
                assert "no space left" in small.said.lower(), small.said[-2000:]
                city.goes_on(*city.everybody[:3], entries=50)
                small.filler.unlink()
                small.start()
                city.caught_up(small)
                city.goes_on()
            city.close()
            small.stop()
            city.judge()
        finally:
            small.kill() if small.process else None
            subprocess.run(["umount", "--lazy", str(small.folder)], check=True)


class Flipping(LiveHost):
    program = (FLIPPING,)

    def flip(self) -> None:
        (self.folder / "flip").touch()


def test_a_bit_that_flips_between_two_blocks(tmp_path: Path) -> None:
    """After a block is durable a bit of its head flips in the memory of one validator. It cosigns nothing of that, says so and stops;
    started again it has the right head from its disk."""
    with city_on(tmp_path, kinds={3: Flipping}) as city:
        city.open_poll(600)
        flipping = city.everybody[3]
        assert isinstance(flipping, Flipping)
        with city.load():
            city.goes_on()
            flipping.flip()
            assert city.ends(flipping) == 1 and "it has changed by itself" in flipping.said
            city.goes_on(*city.everybody[:3])
            flipping.start()
            city.caught_up(flipping)
            city.goes_on()
        city.close()
        for host in city.everybody:
            assert not list(host.folder.glob("evidence/*")), "nobody has seen a head that is false"
    city.judge()
