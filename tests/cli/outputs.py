"""Runs command lines with outputs that fail, each in a child of this process: what tests/cli/test_ways.py starts.

A line of the standard input is a command's name and its words, between tabs. A line of the answer: its name, which output failed, its exit
code, the one that it has when all is well, and the end of what it said on the standard error.
"""

import os
import sys
import tempfile

import click

from veche.cli.group import COMMANDS, main

OUTPUTS = ("closed", "full", "gone")


def run(words: list[str], output: str) -> tuple[int, str]:
    """The exit code of a command line in a child whose standard output is this, and what it said."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if not child:
            devices(output, said.fileno())
            code = 99
            try:
                main(words)
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else 98
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), said.read().decode("utf-8", "replace")


def devices(output: str, said: int) -> None:
    """Put this in the place of the standard streams."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(said, 2)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    if output == "closed":
        os.close(1)
        sys.stdout = sys.__stdout__ = None  # type: ignore[misc]  # as Python has it then
        return
    if output == "gone":
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
    else:
        os.dup2(os.open("/dev/full" if output == "full" else os.devnull, os.O_WRONLY), 1)
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False, encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115


if __name__ == "__main__":
    for command in COMMANDS:
        main.get_command(click.Context(main), command)  # imported once, for all
    for line in sys.stdin.read().splitlines():
        name, *words = line.split("\t")
        run(words, "well")
        plain, _ = run(words, "well")  # the second time: what was done is refused, or is there already
        for output in OUTPUTS:
            code, said = run(words, output)
            print(name, output, code, plain, " ".join(said.split())[-300:], sep="\t", flush=True)
    sys.exit(0)
