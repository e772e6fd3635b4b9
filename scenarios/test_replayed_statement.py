"""An office's old signed statement is played again.

In spring the city said that it would build the tram line. In autumn it says, signed again, that it will not, and why. Somebody
who wants trams, and has no key at all, hands the spring's entry in once more: the signature holds, and where "the last signed
statement counts" the city has just promised trams. The same with `office` entries: the key that was retired because it was stolen
is put back by the entry that once added it. In Veche no signed body is admitted twice, whoever brings it.
"""

from collections.abc import Iterable
from pathlib import Path

from city import YES, city, close, everybody_votes, open_poll, refused

from veche.keys import SigningKey
from veche.ledger.codec import decode
from veche.ledger.signing import add_signature, check_signatures, signatures, signed_message
from veche.world import DAY, World


def last_signed_statement(world: World, entries: Iterable[bytes]) -> str:
    """The naive rule: the status in the last entry whose signatures hold."""
    status = ""
    for entry in entries:
        item = decode(entry)
        check_signatures(signed_message(world.id, item[0], item[1]), signatures(item))
        status = item[1][1]
    return status


def test_the_citys_answer(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        poll = open_poll(world)
        everybody_votes(world, poll, world.citizens[:3], YES)
        close(world, poll)
        world.trustees_act()
        spring = world.ledger.entry(
            world.say("outcome", [poll.id, "will", ["We build it.", "Построим."], 0, []], world.organisers[0])
        )
        autumn = world.ledger.entry(
            world.say("outcome", [poll.id, "not", ["The bridge is weak.", "Мост слаб."], 0, []], world.organisers[0])
        )
        assert last_signed_statement(world, [spring, autumn]) == "not"
        assert last_signed_statement(world, [spring, autumn, spring]) == "will", "the naive rule is fooled"
        with refused("repeated"):
            world.submit(spring)
        # Nor with a further signature, by an office that has been bought: it is the body that is remembered.
        with refused("repeated"):
            world.submit(add_signature(world.id, spring, world.organisers[1]))
        # Nor taken to a ledger of its own: signatures name the ledger.
        with city(tmp_path / "other") as elsewhere, refused("authority"):
            elsewhere.submit(spring)


def test_a_retired_key_stays_retired(tmp_path: Path) -> None:
    with city(tmp_path) as world:
        stolen = SigningKey.generate()
        institutions = world.office_keys[2:5]
        added = world.ledger.entry(
            world.say("office", ["add", "Newspaper", "observer", stolen.public, 1], *institutions)
        )
        world.wait(14 * DAY)
        world.say("notice", [b"", ["Hello.", "Привет."], []], stolen)
        world.say("office", ["retire", "Newspaper", "observer", stolen.public, 2], *institutions, stolen)
        with refused("repeated"):
            world.submit(added)
        with refused("authority"):
            world.say("notice", [b"", ["It is me.", "Это я."], []], stolen)
        # Not even by the institutions themselves: a key that was retired never returns.
        with refused("office"):
            world.say("office", ["add", "Newspaper", "validator", stolen.public, 3], *institutions)
