"""Those who were validators once restart the network behind people's back.

A charter with four validators; two of them hand their seats over to others, as institutions do, and the city goes on. Years later their old
machines are found in a cellar, with their keys. Together with k institutions (bribed, or robbed) they take the ledger as it was on the day
before they left, and restart it: over a third of those who were validators then have signed it, and so have k institutions, so it
obeys every rule. It has the city's charter, verifies to its last byte, and everything that was decided since is gone. Who takes whatever
verifies under the right charter for the city's ledger is theirs. Whoever has seen a head since is not: it is no part of what they are
shown, and the head along which readers came to the new validators is missing there. And whoever comes new is shown the newest head in nine
words beside the charter's, before anything is fetched, to be compared with what the institutions publish; the report names the restart first.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from veche.audit.compare import Copy, Relation, compare
from veche.audit.ledger import verify_ledger
from veche.cli import main
from veche.engine.publishing import Publishing
from veche.keys import SigningKey
from veche.ledger.codec import digest
from veche.ledger.ledger import Ledger
from veche.ledger.signing import sign
from veche.log.checkpoint import Checkpoint
from veche.log.evidence import accused
from veche.log.source import Folder
from veche.node.copying import Forked, copy_ledger
from veche.node.heads import Heads
from veche.words import in_words
from veche.world import VALIDATORS, Played, World

LATER, TWO_WEEKS = 3600, 15 * 86_400


class Story(NamedTuple):
    """``then``: the ledger of the day before two validators left; ``seen``: a reader's copy of after that; ``false``: what is shown."""

    world: World
    seen: Path
    false: Path

    @property
    def true(self) -> Folder:
        return Folder(self.world.folder / "ledger")


def say(world: World, number: int) -> None:
    world.say("notice", [b"", [f"Decision {number}.", f"Решение {number}."], []], world.organisers[0])
    world.engine.tick()


def hand_over(world: World, seat: int) -> None:
    """A validator leaves: its old key signs the change, too, so that it holds at once."""
    new = SigningKey.generate()
    world.engine._publishing.add(new)  # type: ignore[attr-defined]
    body = ["rotate", VALIDATORS[seat], "validator", new.public, 0, SigningKey.generate().public]
    world.say("office", body, *world.organisers, world.head_keys[seat])
    world.engine.tick()


def restart_falsely(world: World, then: Path) -> Path:
    """The two, and k institutions, lead the old ledger on by a restart with two validators of their own: themselves."""
    keys = world.head_keys[2:]
    with Ledger(then) as ledger:
        head, height, time = ledger.head, ledger.height + 10, ledger.time + LATER
        state, theirs = ledger.state, {key.public for key in keys}
        found = {row.institution: row for row in state.validator_rows()}
        rows = [
            [one.institution, one.key, *found[one.institution][1:]] for one in state.validators() if one.key in theirs
        ]
        signers = [*world.organisers, world.trustees[0].key, *keys]
        restart = sign(ledger.id, "restart", [head.size, head.root, height, time, rows], signers)
        (answer,) = ledger.execute(height, time, [restart], previous=ledger.state.get("time")).answers
        assert isinstance(answer, int), answer
        ledger.commit()
        Publishing(ledger, keys).publish(time)
    return then


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with World(tmp_path / "city", registrars=(1, 1, 0), engine=Played(4)) as world:
        say(world, 1)
        then = Path(shutil.copytree(world.folder / "ledger", tmp_path / "then"))
        for seat in (2, 3):
            hand_over(world, seat)
            world.wait_until(world.now + TWO_WEEKS)
        say(world, 2)
        seen = tmp_path / "seen"
        copy_ledger(seen, world.ledger.entry(0), {"city": Folder(world.folder / "ledger")})
        say(world, 3)
        yield Story(world, seen, restart_falsely(world, then))


def test_the_naive_rule(story: Story) -> None:
    """The right charter, and it verifies: so it is the city's ledger."""
    false = verify_ledger(Folder(story.false))
    assert false.ledger == story.world.id
    assert false.head.size < story.true.checkpoint().checkpoint.size
    entries = list(false.log.entries())
    assert not any("Решение 2".encode() in entry for entry in entries), "what was decided since is gone"


def test_ours_with_a_head_that_was_seen(story: Story) -> None:
    """A copy is not led on, and what was seen stays; a follower names the two; a comparison tells of two histories."""
    before = (story.seen / "checkpoint").read_bytes()
    with pytest.raises(Forked):
        copy_ledger(story.seen, story.world.ledger.entry(0), {"shown": Folder(story.false)})
    assert (story.seen / "checkpoint").read_bytes() == before
    world = story.world
    heads = Heads(world.folder / "ledger", story.true.checkpoint, lambda: world.ledger.state.succession)
    shown = Folder(story.false)
    assert heads.hear(shown.checkpoint(), shown) is None and heads.fork is None
    assert accused(world.folder / "ledger") == sorted(key.public for key in world.head_keys[2:])
    assert compare(Copy.of("seen", Folder(story.seen)), Copy.of("shown", shown)) is Relation.CONTRADICTS


def test_ours_without_one(story: Story) -> None:
    """The charter's words are the same; the newest head's are not those that institutions publish. And the report begins with the restart."""

    def words(head: Checkpoint) -> str:
        return in_words(digest(head.text().encode()))

    false, true = verify_ledger(Folder(story.false)), verify_ledger(story.true)
    assert false.ledger == true.ledger and words(false.head) != words(true.head)
    report = CliRunner().invoke(main, ["verify", str(story.false)]).output
    assert (
        "The network was restarted" in report
        and "The network was restarted"
        not in CliRunner().invoke(main, ["verify", str(story.world.folder / "ledger")]).output
    )
