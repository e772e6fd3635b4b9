"""What the wheel's build does besides packing: compile, and say for which machines the binary is."""

import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compile(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # of a source checkout: `make cometbft` compiles
            return
        subprocess.run([sys.executable, Path(self.root) / "build.py"], check=True)
        build_data["tag"] = f"py3-none-{machines()}"
        build_data["pure_python"] = False


def machines() -> str:
    """The binary needs no library of the system: it runs on every Linux, and on every macOS that its Go supports. Raises SystemExit on
    Windows: the node's side of the conversation is a socket of POSIX, and a validator is no laptop."""
    if sys.platform == "win32":
        sys.exit(
            "veche-cometbft is for validators, which run on Linux or macOS. A citizen's node needs veche[node] only."
        )
    if sys.platform == "darwin":
        return f"macosx_12_0_{platform.machine()}"
    return f"manylinux2014_{platform.machine()}.musllinux_1_1_{platform.machine()}"
