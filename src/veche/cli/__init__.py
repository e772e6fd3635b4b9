"""The command line, one command group per file. ``main`` is the program ``veche``."""

from veche.cli.group import main

__all__ = ["main"]
