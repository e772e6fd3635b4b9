"""What a hint tells people to run next: with the seed and the ledger that they named, so that it means the same ones."""

import shlex

import click

from veche.cli.options import was_given
from veche.cli.remote import named


def again(*words: str, seed: bool = True) -> str:
    """A command line: ``words`` after ``veche``, and the ``--seed`` and ``--ledger`` that this command was given.

    What was not given on the command line need not be given again. seed: whether that command takes ``--seed``.
    """
    context = click.get_current_context(silent=True)
    wanted = (("--seed", "seed"), ("--ledger", "folder")) if seed else (("--ledger", "folder"),)
    given: list[str] = []
    for option, parameter in wanted:
        if context is not None and was_given(parameter):
            given += [option, shlex.quote(named(context.params[parameter]))]
    return " ".join(["veche", *words, *given])
