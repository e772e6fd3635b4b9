"""Polls at the edge of what the rules admit: people can vote in them, they are tallied, and belenios-tool checks their archives."""

import subprocess
from itertools import chain
from pathlib import Path

import pytest
from belenios import belenios_tool

from veche.audit.archive import verify_archive
from veche.audit.binding import verify_binding
from veche.audit.export import write_archive
from veche.audit.ledger import VerifiedLedger
from veche.ballot.archive.archive import Archive
from veche.ledger.entries.poll import Choice, Group, Poll
from veche.ledger.shape import Text
from veche.world import DAY, World


def answers(count: int) -> tuple[Text, ...]:
    return tuple(Text(f"{number}", f"№ {number}") for number in range(1, count + 1))


def ask(count: int, least: int, most: int, blank: bool) -> Choice:
    return Choice(Text(f"Which of {count}?", f"Что из {count}?"), answers(count), least, most, blank)


SPELLED = Choice(
    Text('"\\" {}[],: \\n \\u0041 </script>', "Ёлка е\u0308лка — «так»? 中文 \U0001f600 \u0378 \u0130 א١"),
    (Text("\\", '"'), Text("\u00e9", "\u0439"), Text("\U0001f600", "'"), Text("\u2d00", "%s {name}")),
    1,
    2,
    True,
)
ODD: dict[str, tuple[tuple[Choice, ...], list[list[list[int]]]]] = {
    "one answer, or blank": ((ask(1, 1, 1, True),), [[[0, 1]], [[1, 0]], [[0, 1]]]),
    "none of them, or blank": ((ask(2, 0, 2, True),), [[[0, 0, 0]], [[1, 0, 0]], [[0, 1, 1]]]),
    "all of them, or blank": ((ask(3, 3, 3, True),), [[[0, 1, 1, 1]], [[1, 0, 0, 0]], [[1, 0, 0, 0]]]),
    "none to all of 64": ((ask(64, 0, 64, False),), [[[0] * 64], [[1] * 64], [[1, 0] * 32]]),
    "40 questions": ((ask(1, 0, 1, True),) * 40, [[[0, 1]] * 40, [[1, 0]] * 40, [[0, 0]] * 40]),
    "texts that programs trip over": ((SPELLED,), [[[0, 1, 0, 0, 1]], [[1, 0, 0, 0, 0]], [[0, 0, 0, 1, 0]]]),
}
"""What is asked, and what each of three people chooses."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[VerifiedLedger, dict[str, bytes]]:
    """A ledger in which all of them were decided, and the polls' ids."""
    folder = tmp_path_factory.mktemp("odd")
    districts = {"Район «№ 1», \\ 'А'": 2, "d\u0301\u0330 \U0001f3d9": 1}
    with World(folder, citizens=districts, trustees=(2, 2), smallest=2) as world:
        committee, opens, ids = world.form_committee("single"), world.now + 2 * 3600, {}
        groups = tuple(Group(Text(name, f"{name}."), weight) for weight, name in enumerate(districts, 1))
        for name, (questions, _) in ODD.items():
            title, background = Text(SPELLED.text.ru, SPELLED.text.en), Text("\nA\n\n", "Б")
            poll = world.publish(Poll("city", title, background, questions, groups, opens, opens + DAY, committee))
            ids[name] = poll.id
            for registrar in range(len(world.registrars)):
                world.submit(world.permit_keys(registrar, poll))
        world.wait_until(opens)
        for name, (_, chosen) in ODD.items():
            found = world.ledger.state.poll(ids[name])
            assert found is not None
            for citizen, choices in zip(world.citizens, chosen, strict=True):
                world.vote(citizen, found, choices)
        world.wait(DAY)
        world.trustees_act()
        return world.check(), ids


@pytest.mark.parametrize("name", ODD)
def test_it_is_decided_and_holds_everywhere(
    name: str, finished: tuple[VerifiedLedger, dict[str, bytes]], tmp_path: Path
) -> None:
    verified, ids = finished
    poll = verified.state.poll(ids[name])
    assert poll is not None and poll.result is not None
    chosen = ODD[name][1]
    weighed = [[weight * flag for flag in chain(*choices)] for weight, choices in zip((1, 1, 2), chosen, strict=True)]
    assert list(chain(*poll.result.total)) == [sum(flags) for flags in zip(*weighed, strict=True)]
    made = write_archive(verified, poll, tmp_path / f"{poll.frozen.uuid}.bel")
    verify_archive(made.archive)
    assert made.binding is not None
    with Archive.open(made.archive) as archive:
        verify_binding(archive, made.binding.read_bytes())
    command = [str(belenios_tool()), "election", "verify"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "all checks passed" in done.stdout + done.stderr, done.stderr
