"""Hosts in network namespaces of their own, where the machine allows it: each has one cable, to where the test runs.

Whoever runs the tests is put into a namespace first (``make test-network``), in which there is nothing but loopback: nothing here
touches the machine's own network. Where that is not allowed, hosts are addresses of loopback, as in the short story.
"""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from network.hosts import Place
from network.proxy import Address

HTTP, P2P = 8080, 26_656


def allowed() -> bool:
    """Whether this process is where it may lay cables: in a namespace that has nothing but loopback."""
    devices = [line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    if devices != ["lo"] or not all(map(shutil.which, ("ip", "nsenter", "unshare"))):
        return False
    return subprocess.run(["ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0


class Apart(Place):
    """A namespace with one cable. Wires listen at this side's end of it, and the host at the other. Use it in a ``with``."""

    def __init__(self, number: int) -> None:
        self.outside, self.inside = f"10.77.{number + 1}.1", f"10.77.{number + 1}.2"
        self._cable = f"veche{number + 1}"
        self._ports = iter((HTTP, P2P))

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == own:
            time.sleep(0.01)
        self.enter = ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]
        ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid))
        ip("address", "add", f"{self.outside}/24", "dev", self._cable)
        ip("link", "set", self._cable, "up")
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{self.inside}/24", "dev", "eth0"],
                      ["link", "set", "eth0", "up"], ["route", "add", "default", "via", self.outside]):  # fmt: skip
            ip(*words, within=self.enter)
        return self

    def __exit__(self, *_: object) -> None:
        ip("link", "delete", self._cable)
        self._holder.kill()
        self._holder.wait()

    def port(self) -> int:
        return next(self._ports)

    def is_origin(self, origin: Address, process: int) -> bool:
        return origin[0] == self.inside

    def unplug(self) -> None:
        """Pull the cable: nothing is refused, nothing breaks, and nothing comes."""
        ip("link", "set", self._cable, "down")

    def plug(self) -> None:
        ip("link", "set", self._cable, "up")


def ip(*words: str, within: list[str] | None = None) -> None:
    subprocess.run([*(within or []), "ip", *words], check=True, capture_output=True)
