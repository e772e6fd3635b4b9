"""CometBFT, compiled for this machine: where its program is. What it is told and asked is the engine's, in ``veche``."""

from importlib.metadata import version
from pathlib import Path

__version__ = version("veche-cometbft")
PROGRAM = Path(__file__).parent / "veche-cometbft"
"""The program. In a source checkout it is there once ``make cometbft`` has compiled it."""
