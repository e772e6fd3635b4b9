"""Whole ledgers: an honest one, and what an operator could publish who has the log's key, step by step of docs/protocol.md, 6.1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import veche_kernel as kernel
from doctor import (
    ORIGIN,
    block_of,
    change,
    drop,
    drop_block,
    edit,
    find,
    flip,
    frame_before,
    frame_of,
    head,
    insert,
    publish,
    replace,
    sign_anew,
)
from doctored_city import ATTACHMENT, NEW_RULES, City

from veche.engine.embedded import LOG_KEY, EmbeddedEngine
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest, encode
from veche.ledger.entries.ballot import read_ballot
from veche.ledger.entries.charter import RegistrarSeat, read_charter
from veche.ledger.entries.poll import Choice
from veche.ledger.shape import Text
from veche.ledger.signing import sign
from veche.log import merkle
from veche.log.checkpoint import SignedCheckpoint, cosign
from veche.log.note import Signature as NoteSignature
from veche.log.source import Folder, write_export
from veche.world import GENESIS, VALIDATORS, Played, World

Entries = list[bytes]


@dataclass(frozen=True)
class Doctored:
    """A ledger as its operator would have it: its entries, under a checkpoint by this key and name, and what else they did.

    ``step``: what must refuse it, with which ``exit`` code, at which ``entry``. ``rule``: of the entry, in steps L5 and L6.
    """

    file: str
    name: str
    entries: Entries
    step: str | None = None
    entry: int | None = None
    rule: str | None = None
    exit: int = 1
    log_key: SigningKey | None = None
    origin: str = ORIGIN
    spoil: Callable[[Path], None] = lambda folder: None
    raw: bool = False
    """Whether blocks name the frames that they are given; else those of the entries, so that nothing is amiss but what is to be."""

    def described(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("file", "name", "exit", "step", "entry", "rule")}

    def write(self, city: City, folder: Path, to: Path) -> None:
        """As one exported file (docs/protocol.md, section 5)."""
        publish(folder, self.entries, self.origin, self.log_key or city.log_key, self.raw)
        (folder / "attachment").mkdir()
        (folder / "attachment" / digest(ATTACHMENT).hex()).write_bytes(ATTACHMENT)
        self.spoil(folder)
        source = Folder(folder)
        write_export(to / self.file, source.names(), source)


def ledgers(city: City) -> list[Doctored]:
    """Where nothing of the rest is needed to refuse it, the log ends behind what was doctored."""
    return [
        Doctored("honest.tar", "an honest ledger", city.entries, exit=0),
        Doctored("honest-beginning.tar", "its beginning: the charter and its block", city.entries[:2], exit=0),
        Doctored("newer-rules.tar", "rules came into force that version 1 does not know", newer_rules(city), exit=3),
        *charters(city),
        *witnessed(city),
        *files(city),
        *blocks(city),
        *frames(city),
        *handed_in(city),
        *many_registrars(),
        *offices(city),
        *derived(city),
    ]


def newer_rules(city: City) -> Entries:
    height, time, *_ = decode(city.entries[2])[1]
    return [*city.entries[:4], encode(["block", [height + 1, NEW_RULES, time]])]


# L1: charters that all their offices signed


def refounded(city: City, changes: dict[int, Any], **poll_class: Any) -> Entries:
    """A ledger of nothing but its charter, with other fields: by their place, those of its class by their names."""
    old = read_charter(city.entries[0]).classes[0]
    body = decode(city.entries[0])[1]
    body[6] = [replace_fields(old, **poll_class).body()]
    for place, value in changes.items():
        body[place] = value
    watching = [observer_key(i) for i in range(sum(office[1] == "observer" for office in body[4]))]
    running = [validator_key(i) for i in range(sum(office[1] == "validator" for office in body[4]))]
    keys = [*city.organisers, *city.trustees, *city.registrars, *watching, *running]
    return [sign(b"", "charter", body, keys), city.entries[1]]


def offices_of(city: City) -> list[list[Any]]:
    """The rows of its charter."""
    rows: list[list[Any]] = decode(city.entries[0])[1][4]
    return rows


def run_by(city: City, operator: str) -> list[Any]:
    """The charter's engine, run by this institution."""
    engine: list[Any] = decode(city.entries[0])[1][7]
    return [*engine[:2], operator, *engine[3:]]


def networked(
    city: City,
    count: int,
    first: Mapping[int, Any] = {},
    missing: int = 0,
    surplus: int = 0,
    change_rows: Callable[[list[Any]], list[Any]] = lambda rows: rows,
) -> Entries:
    """The same on a network of so many validators. ``first``: other fields of the first's row; ``missing`` and ``surplus``: so many
    offices too few or too many."""
    rows: list[list[Any]] = [
        [f"Validator {i:02}", votes_key(i).public, f"http://validator{i}:8080", f"{i:040x}@validator{i}:26656"] for i in range(count)
    ]  # fmt: skip
    for place, value in first.items():
        rows[0][place] = value
    offices = [[f"Validator {i:02}", "validator", validator_key(i).public] for i in range(count - missing + surplus)]
    return refounded(city, {4: [*offices_of(city), *offices], 7: ["cometbft", 5, change_rows(rows)]})


def validator_key(number: int) -> SigningKey:
    """The ledger key of a validator, which everybody can make."""
    return SigningKey(digest(f"validator {number}".encode()))


def votes_key(number: int) -> SigningKey:
    return SigningKey(digest(f"votes {number}".encode()))


def networks(city: City) -> list[Doctored]:
    """A ledger of four validators, with three cosignatures and with what else can lie under its head."""
    entries = networked(city, 4)
    over = head(entries, ORIGIN, city.log_key).checkpoint

    def by(number: int, key: SigningKey | None = None) -> NoteSignature:
        name = f"{ORIGIN}/validator/{validator_key(number).public.hex()[:16]}"
        return cosign(over, name, key or validator_key(number), GENESIS + number)

    def case(file: str, name: str, *lines: NoteSignature, step: str | None = "L2") -> Doctored:
        note = SignedCheckpoint(over, lines).to_bytes()
        spoil = rewritten("checkpoint", lambda _: note)
        return Doctored(f"{file}.tar", name, entries, step=step, exit=0 if step is None else 1, spoil=spoil)

    third = by(2)
    witness = cosign(over, f"{ORIGIN}/witness/{validator_key(2).public.hex()[:16]}", validator_key(2), GENESIS)
    own_log = head(entries, ORIGIN, validator_key(2)).signatures[0]
    stranger = NoteSignature(third.name, third.key_id, by(2, validator_key(7)).data)
    endless = NoteSignature(third.name, third.key_id, b"\xff" + third.data[1:])
    return [
        case("charter-cometbft", "a ledger of four validators, of whom three cosigned its head", by(0), by(1), by(3), step=None),
        case("charter-cosigned-all", "all four did, and one that is no validator", *map(by, range(5)), step=None),
        case("cosigned-two", "two of four cosigned its head", by(0), by(1)),
        case("cosigned-foreign", "two of four cosigned its head, and two that are no validators", by(0), by(1), by(4), by(5)),
        case("cosigned-votes", "the third cosigned with its consensus key", by(0), by(1),
             cosign(over, f"{ORIGIN}/validator/{votes_key(2).public.hex()[:16]}", votes_key(2), GENESIS)),
        case("cosigned-witness", "the third cosigned as a witness", by(0), by(1), witness),
        case("cosigned-log", "the third signed as a log does, without a time", by(0), by(1), own_log),
        case("cosigned-name", "somebody else cosigned in the third's name", by(0), by(1), stranger),
        case("cosigned-false", "a fourth cosignature is false", by(0), by(1), by(3), stranger),
        case("cosigned-no-time", "the third cosigned at no time", by(0), by(1), endless),
    ]  # fmt: skip


def changed_validators() -> list[Doctored]:
    """A network of four, of whom one was replaced by its own word, one is gone, and one came; each change with the head that was kept."""
    fresh = [SigningKey(digest(f"fresh {number}".encode())) for number in range(4)]

    def change(world: World, action: str, place: int, key: bytes, *more: SigningKey, votes: bytes = b"") -> bytes:
        name = [*VALIDATORS[:4], "Zoo"][place]
        body = [action, name, "validator", key, world.ledger.size, *([votes] if votes else [])]
        return sign(world.id, "office", body, [*world.organisers, world.trustees[0].key, *more])

    with (
        TemporaryDirectory() as name,
        World(Path(name), trustees=(1, 1), registrars=(1, 1, 0), test=1000, engine=Played(4)) as world,
    ):
        assert isinstance(world.engine, EmbeddedEngine)
        old = list(world.head_keys)
        world.submit(change(world, "rotate", 1, fresh[0].public, old[1], votes=fresh[1].public))
        world.engine.sign_with(fresh[0])
        early = change(
            world, "rotate", 2, fresh[3].public, old[2], votes=SigningKey(digest(b"votes")).public
        )  # a second one within two weeks
        world.engine.tick()
        lately = world.ledger.size
        world.wait(1210)
        world.submit(change(world, "retire", 3, old[3].public, old[3]))
        world.wait(1210)
        world.submit(change(world, "add", 4, fresh[2].public, votes=fresh[3].public))
        world.wait(1210)
        world.engine.sign_with(fresh[2])
        world.say("notice", [b"", ["We go on.", "Продолжаем."], []], world.organisers[0])
        world.engine.tick()
        entries = list(world.check().log.entries())
        heads = {path.name: path.read_bytes() for path in (Path(name) / "ledger" / "head").iterdir()}
        succession, ledger = world.ledger.state.succession, world.id
        institutions = [*world.organisers, world.trustees[0].key]
    signers = {key.public: key for key in (*old, *fresh)}

    def note(over: Entries, size: int, keys: Sequence[SigningKey] | None = None) -> bytes:
        """The head of so many of these entries, signed by whom it should be, or by these keys."""
        made = head(over[:size], ORIGIN, old[0]).checkpoint
        keys = [signers[one.key] for one in succession.validators(size)] if keys is None else keys
        return SignedCheckpoint(
            made, tuple(cosign(made, f"{ORIGIN}/validator/{key.public.hex()[:16]}", key, GENESIS) for key in keys)
        ).to_bytes()

    def case(
        file: str, said: str, over: Entries = entries, step: str | None = None, entry: int | None = None, rule: str | None = None,
        signed: Sequence[SigningKey] | None = None, kept: dict[str, bytes] = heads,
    ) -> Doctored:  # fmt: skip
        def spoil(folder: Path) -> None:
            (folder / "checkpoint").write_bytes(note(over, len(over), signed))
            (folder / "head").mkdir()
            for size, content in kept.items():
                if int(size) <= len(over):
                    (folder / "head" / size).write_bytes(content)

        return Doctored(
            f"{file}.tar", said, over, step=step, entry=entry, rule=rule, exit=0 if step is None else 1, spoil=spoil
        )

    at = [find(entries, "validators", number) for number in range(3)]
    sizes = [str(place + 1) for place in at]
    rows = decode(entries[at[0]])[1]
    others = [[*rows[0][:2], SigningKey(digest(b"votes")).public], *rows[1:]]
    block, again = next_block(entries[: at[0]]), [*entries[:lately], next_block(entries[:lately])]

    def handed_in(file: str, said: str, entry: bytes) -> Doctored:
        """One more office entry, in a block of its own, within two weeks after the first change."""
        return case(file, said, [*again, entry], "L5", len(again), "office")

    def office_of(name: str, action: str, key: bytes, *more: Any) -> bytes:
        return sign(ledger, "office", [action, name, "validator", key, 99, *more], institutions)

    def office(action: str, key: bytes, *more: Any) -> bytes:
        return office_of(VALIDATORS[0], action, key, *more)

    new, first = SigningKey(digest(b"new")).public, {sizes[0]: heads[sizes[0]]}

    def twice(votes: bytes = b"", height: int = 1, time: int = GENESIS) -> bytes:
        """The last of the four, or another, has voted for two blocks of a height."""
        return encode(["double-signing", [votes or rows[3][2], height, time]])

    url_of, peer_of = ([row[place] for row in decode(entries[0])[1][7][2]] for place in (2, 3))

    def moved(url: str = "", peer: str = "", by: SigningKey = old[0]) -> bytes:
        """The first of the four says where it is found, or another key does; without a word where the first is now, or the third."""
        place = 2 if by is old[2] else 0
        return sign(ledger, "address", [url or url_of[place], peer or peer_of[place], 0], [by])

    gone, told = office_of(VALIDATORS[3], "retire", old[3].public), encode(["validators", rows[:3]])
    said = sign(ledger, "notice", [b"", ["So it is.", "Так и есть."], []], institutions[:1])
    return [
        case("validators-changed", "a network whose validators changed three times, and the heads that say so"),
        case("validators-just-changed", "its head is the one behind which the first others sign", entries[: at[0] + 1]),
        case("validators-changed-block", "the next block appends nothing, and the new set signs", entries[: at[0] + 2]),
        case("changed-new-set", "the head with the change is signed by the new set already", entries[: at[0] + 1], "L2", signed=[fresh[0], old[2], old[3]]),
        case("changed-old-set", "those sign who are no validators any more", entries, "L2", signed=[old[1], old[3], old[0]]),
        case("changed-two", "two of four sign", entries, "L2", signed=[old[0], fresh[0]]),
        case("kept-missing", "the last head is missing behind which others became validators", entries, "L10", kept={size: heads[size] for size in sizes[:2]}),
        case("kept-none", "no such head is there", entries, "L2", kept={}, signed=[fresh[0], fresh[2], old[2]]),
        case("kept-two", "the first such head has two signatures of four", entries, "L10", kept={**heads, sizes[0]: note(entries, at[0] + 1, old[:2])}),
        case("kept-new-set", "the second such head is signed by two of its set and by one who was of the set before", entries, "L10",
             kept={**heads, sizes[1]: note(entries, at[1] + 1, [old[0], old[2], old[1]])}),
        case("kept-size", "such a head is of another size than its name", entries, "L10", kept={**heads, sizes[1]: heads[sizes[0]]}),
        case("kept-elsewhere", "a head is kept behind which nobody changed", entries, "L10", kept={**heads, str(at[0] + 2): note(entries, at[0] + 2)}),
        case("kept-rewritten", "such a head is of a log in which another validator came", entries, "L10",
             kept={**heads, sizes[0]: note(replace(entries, at[0], encode(["validators", others])), at[0] + 1)}),
        case("kept-form", "such a head is no signed note", entries, "L10", kept={**heads, sizes[2]: b"head"}),
        case("validators-others", "other validators are said than there are", [*entries[: at[0]], encode(["validators", others])], "L7", at[0], kept={}),
        case("validators-order-changed", "the new validators are not in order", [*entries[: at[0]], encode(["validators", rows[::-1]])], "L7", at[0], kept={}),
        case("validators-unsaid", "the validators changed, and the block does not say so", [*entries[: at[0]], block], "L7", at[0], kept={}),
        case("validators-missing", "the log breaks off where the new validators are to be said", entries[: at[0]], "L7", at[0]),
        case("validators-unchanged", "a block says who the validators are though nobody has changed",
             [*entries[: at[0] + 1], entries[at[0] + 1], entries[at[0]]], "L7", at[0] + 2),
        case("validators-not-last", "something stands behind the new validators in their block", [*entries[: at[0] + 1], early], "L7", at[0] + 1),
        case("validators-double-signing", "one has voted twice, and three institutions retire it at once, within two weeks", [*again, twice(), gone, told],
             kept={**first, str(lately + 4): note([*again, twice(), gone, told], lately + 4, [old[0], fresh[0], old[2]])}),
        case("validators-retire-waits", "three institutions retire one who has not; that waits", [*again, gone], kept=first),
        case("double-signing-again", "it is said twice that one has voted twice", [*again, twice(), twice()], "L5", len(again) + 1, "double-signing", kept=first),
        case("double-signing-stranger", "somebody is said to have voted twice who is no validator", [*again, twice(votes=new)], "L5", len(again), "double-signing", kept=first),
        case("double-signing-later", "one is said to have voted twice at the height of this very block", [*again, twice(height=99_999)], "L5", len(again), "double-signing", kept=first),
        case("double-signing-time", "one is said to have voted twice at a time to come", [*again, twice(time=2**40)], "L5", len(again), "double-signing", kept=first),
        case("double-signing-behind", "it is said behind what was handed in", [*again, said, twice()], "L5", len(again) + 1, "double-signing", kept=first),
        case("validators-address", "one says where it is found from now on", [*again, moved("http://elsewhere", f"{9:040x}@elsewhere:1")], kept=first),
        case("validators-address-own", "one keeps its url, and another one its id at another host",
             [*again, moved(peer=f"{9:040x}@elsewhere:1"), moved("http://elsewhere", by=old[2])], kept=first),
        case("address-url", "one is to be found where another is", [*again, moved(url_of[2])], "L5", len(again), "address", kept=first),
        case("address-node", "one is to be the node that another is", [*again, moved(peer=peer_of[2])], "L5", len(again), "address", kept=first),
        case("address-form", "one is to be found at no address", [*again, moved("http://validator/path")], "L5", len(again), "shape", kept=first),
        case("address-former", "a key that holds no seat any more says where a validator is found", [*again, moved(by=old[1])], "L5", len(again), "authority", kept=first),
        case("address-organiser", "an organiser says where a validator is found", [*again, moved(by=institutions[0])], "L5", len(again), "authority", kept=first),
        handed_in("validators-second", "a second validator of four changes within two weeks", early),
        handed_in("validator-no-votes", "a validator is to get a ledger key and no consensus key", office("rotate", new)),
        handed_in("validator-votes-used", "a validator's consensus key is another's already", office("rotate", new, rows[2][2])),
        handed_in("validator-votes-former", "a validator's consensus key was another's before",
                  office("rotate", new, decode(entries[0])[1][7][2][1][1])),
        handed_in("validator-key-votes", "a validator is to cosign with a consensus key", office("rotate", rows[2][2], new)),
        handed_in("validator-retire-votes", "a consensus key is named where one retires", office("retire", old[0].public, new)),
    ]  # fmt: skip


def restarted() -> list[Doctored]:
    """A network of four that has lost two and goes on with two others in their places, and what a restart must not do."""
    fresh = [SigningKey(digest(f"fresh {number}".encode())) for number in range(4)]
    with (
        TemporaryDirectory() as name,
        World(Path(name), trustees=(1, 1), registrars=(1, 1, 0), engine=Played(4)) as world,
    ):
        world.say("notice", [b"", ["All is well.", "Всё хорошо."], []], world.organisers[0])
        entries = list(world.check().log.entries())
        old, ledger, state = list(world.head_keys), world.id, world.ledger.state
        institutions = [*world.organisers, world.trustees[0].key]
        found = {row.institution: row for row in state.validator_rows()}
        rows = [[one.institution, one.key, *found[one.institution][1:]] for one in state.validators()]
    for number in (2, 3):
        rows[number][1:3] = fresh[number].public, fresh[number - 2].public
    height, last, *_ = decode(entries[-2])[1]
    over, time = len(entries), last + 3600
    block = encode(["block", [height + 10, time, last]])
    told = encode(["validators", [row[:3] for row in rows]])
    now = [*old[:2], *fresh[2:]]

    def restart(signers: Sequence[SigningKey] = (*institutions, *old[:2]), **other: Any) -> bytes:
        root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
        said = {"size": over, "root": root, "height": height + 10, "time": time, "rows": rows} | other
        return sign(ledger, "restart", [*said.values()], list(signers))

    def note(log: Entries, keys: Sequence[SigningKey]) -> bytes:
        made = head(log, ORIGIN, old[0]).checkpoint
        lines = (cosign(made, f"{ORIGIN}/validator/{key.public.hex()[:16]}", key, GENESIS) for key in keys)
        return SignedCheckpoint(made, tuple(lines)).to_bytes()

    def case(
        file: str, said: str, log: Entries, step: str | None = None, entry: int | None = None, rule: str | None = None,
        signed: Sequence[SigningKey] = now, kept: int | None = over + 3, by: Sequence[SigningKey] = now,
        more: Sequence[tuple[int, Sequence[SigningKey]]] = (),
    ) -> Doctored:  # fmt: skip
        """``kept``: the size of the head that is kept, signed ``by`` these; None if none is. ``more``: the same of others."""

        def spoil(folder: Path) -> None:
            (folder / "checkpoint").write_bytes(note(log, signed))
            for number, keys in [*([] if kept is None else [(kept, by)]), *more]:
                (folder / "head").mkdir(exist_ok=True)
                (folder / "head" / str(number)).write_bytes(note(log[:number], keys))

        return Doctored(
            f"{file}.tar", said, log, step=step, entry=entry, rule=rule, exit=0 if step is None else 1, spoil=spoil
        )

    whole = [*entries, block, restart(), told]
    on = encode(["block", [height + 11, time + 1, time]])
    notice = sign(ledger, "notice", [b"", ["We go on.", "Продолжаем."], []], institutions[:1])
    early = encode(["block", [height + 10, last + 600, last]])
    beside = [*entries, block, notice, restart(), told]
    size, few = over + 1, [*institutions, old[0]]
    shorter: dict[str, Any] = {
        "size": over - 2,
        "root": merkle.root([merkle.leaf_hash(entry) for entry in entries[:-2]]),
    }
    another = [*entries[:-1], notice, block, restart(), told]
    again = [[*rows[0][:2], fresh[0].public, *rows[0][3:]], *rows[1:3], [*rows[3][:2], fresh[3].public, *rows[3][3:]]]
    # Behind the accepted head two who were validators before it restart the network for themselves, with a key of their own.
    thief, accepted = fresh[1], [*whole, on]
    alone = [[rows[0][0], thief.public, SigningKey(digest(b"votes")).public, *rows[0][3:]]]
    stolen = [*institutions, *old[2:], thief]
    later: dict[str, Any] = {"height": height + 30, "time": time + 7200, "rows": alone}
    theirs = [
        encode(["block", [height + 30, time + 7200, time + 1]]),
        encode(["validators", [row[:3] for row in alone]]),
    ]

    def restarted_again(**where: Any) -> Entries:
        return [*accepted, theirs[0], restart(stolen, **later, **where), theirs[1]]

    there: dict[str, Any] = {
        "size": len(accepted),
        "root": head(accepted, ORIGIN, old[0]).checkpoint.root,
    }
    return [
        case("validators-restarted", "two of four validators were lost, and the network goes on with two others", [*whole, on, notice]),
        case("validators-just-restarted", "its head is the one that ends with the restart", whole),
        case("restart-old-set", "the head that ends with it is signed by those before", [*whole, on], "L10", by=[*old]),
        case("restart-one", "one validator of four signed it", [*entries, block, restart(few), told], "L10"),
        case("restart-one-returns", "the same, of one that comes back with a new consensus key",
             [*entries, block, restart([*institutions, old[0]], rows=again), encode(["validators", [row[:3] for row in again]])], "L10"),
        case("restart-institutions", "two institutions signed it, and three must", [*entries, block, restart(old[:2]), told], "L5", size, "authority"),
        case("restart-unsigned", "one goes on with its key that has not signed it", [*entries, block, restart([*institutions, old[0], old[3]]), told], "L5", size, "restart"),
        case("restart-rewritten", "it is of a log in which the last entry was another", another, "L10"),
        case("restart-shorter", "it goes on from before the last block, which stands in the log all the same",
             [*entries, block, restart(**shorter), told], "L10"),
        case("restart-alive", "the network has not stood still", [*entries, early, restart(time=last + 600), told], "L5", size, "restart"),
        case("restart-beat", "there was a block shortly before", [*entries, encode(["block", [height + 10, time, time - 700]]), restart(), told], "L5", size, "restart"),
        case("restart-height", "it is of another height", [*entries, block, restart(height=height + 11), told], "L5", size, "restart"),
        case("restart-beside", "something else was handed in to its block", beside, "L10", kept=over + 4),
        case("restart-before", "something stands behind it in its block", [*entries, block, restart(), notice, told], "L5", size + 1, "restart",
             signed=old[:3], kept=None),
        case("restart-unsaid", "its block does not say who the validators are now", [*entries, block, restart()], "L7", size + 1, signed=old[:3], kept=None),
        case("restart-others", "its block says other validators than it", [*entries, block, restart(), encode(["validators", [row[:3] for row in again]])], "L10"),
        case("restart-kept", "the head that ends with it is not kept", [*whole, on], "L2", kept=None),
        case("restart-key", "one is to cosign with the consensus key of another",
             [*entries, block, restart(rows=[*rows[:3], [rows[3][0], rows[0][2], *rows[3][2:]]]), encode(["validators", [*(row[:3] for row in rows[:3]), [rows[3][0], *rows[0][2:3], rows[3][2]]]])],
             "L5", size, "restart", signed=now[:3], by=now[:3]),
        case("restart-order", "its rows are not in order", [*entries, block, restart(rows=rows[::-1]), encode(["validators", [row[:3] for row in rows[::-1]]])], "L5", size, "restart"),
        case("restart-twice", "the same restart once more", [*whole, on, encode(["block", [height + 20, time + 3601, time + 1]]), restart(), told], "L5", over + 5, "repeated",
             signed=now),
        case("restart-former", "those who were validators before it restart the network once more, from a size of their day", restarted_again(), "L10",
             signed=[thief], more=[(over + 7, [thief])]),
        case("restart-former-hidden", "the same from the last block, and the head is hidden along which readers come to the validators of now",
             restarted_again(**there), "L5", over + 5, "authority", signed=[thief], kept=over + 7, by=[thief]),
        case("restart-former-kept", "the same, and that head is there", restarted_again(**there), "L10", signed=[thief], more=[(over + 7, [thief])]),
    ]  # fmt: skip


def added_classes(city: City) -> list[Doctored]:
    """Classes that are added to a ledger of nothing but its charter, and a committee that is asked of them."""
    begun = refounded(city, {})
    ledger, there = digest(begun[0]), read_charter(begun[0]).classes[0]
    fortnight = GENESIS + 14 * 86_400

    def block(height: int, time: int, previous: int) -> bytes:
        return encode(["block", [height, time, previous]])

    def add(signers: Sequence[SigningKey] = city.institutions, **changes: Any) -> bytes:
        return sign(ledger, "class", replace_fields(there, **{"name": "another", **changes}).body(), list(signers))

    def asked(name: str = "another") -> bytes:
        return sign(ledger, "committee", [name, "pedersen", 0], city.organisers[:1])

    start = [*begun, block(1, GENESIS, GENESIS)]

    def refused(file: str, said: str, entry: bytes, rule: str = "class") -> Doctored:
        return Doctored(f"{file}.tar", said, [*start, entry], step="L5", entry=len(start), rule=rule)

    def rules(later: int = 0) -> bytes:
        return sign(ledger, "rules", [2, fortnight + later], city.institutions)

    def withdraw(more: Sequence[SigningKey] = ()) -> bytes:
        return sign(ledger, "rules-withdrawal", [2], [*city.institutions, *more])

    announced = [*start, rules()]
    late = block(2, fortnight + 1, fortnight + 1)
    said = sign(ledger, "notice", [b"", ["We go on.", "Идём дальше."], []], city.organisers[:1])
    used, early = ([*start, add(), block(2, time, time), asked()] for time in (fortnight, fortnight - 1))
    return [
        Doctored("charter-class-added.tar", "two weeks after a class was added a committee is asked of it", used, exit=0),
        Doctored("charter-rules-withdrawn.tar", "rules that were withdrawn do not come into force", [*announced, withdraw(), late, said], exit=0),
        Doctored("rules-withdrawn-late.tar", "rules that are in force are withdrawn", [*start, rules(), block(2, fortnight, fortnight), withdraw()], exit=3),
        Doctored("rules-withdrawn-twice.tar", "rules are withdrawn that were withdrawn", [*announced, withdraw(), withdraw(city.registrars[-1:])],
                 step="L5", entry=len(announced) + 1, rule="repeated"),
        Doctored("rules-withdrawn-again.tar", "the version that was withdrawn is announced once more", [*announced, withdraw(), rules(1)],
                 step="L5", entry=len(announced) + 1, rule="rules"),
        refused("rules-withdrawn-none", "rules are withdrawn that nobody announced", withdraw(), "rules"),
        Doctored("class-early.tar", "a committee is asked of a class a second too early", early, step="L5", entry=len(early) - 1, rule="class"),
        refused("class-few", "two institutions add a class", add(city.organisers), "authority"),
        refused("class-there", "a class is added of which there is one already", add(name=there.name)),
        refused("class-respelt", "a class is added whose name is another's in another spelling", add(name=there.name.upper())),
        refused("class-institution", "a class names an institution in another spelling than the charter",
                add(trustees=(there.trustees[0].upper(), *there.trustees[1:]))),
        refused("class-arithmetic", "a class is added in which one trustee decrypts alone and one may be corrupt", add(t=1, f_t=1)),
        refused("class-witnessed", "a class is added that wants witnessed heads, and there are no witnesses", add(witnessed=True)),
    ]  # fmt: skip


def handed_over(city: City) -> list[Doctored]:
    """A ledger of one process that three institutions hand over to a network of four."""
    begun = refounded(city, {})
    ledger = digest(begun[0])
    start = [*begun, encode(["block", [1, GENESIS, GENESIS]])]

    def row(number: int, **other: Any) -> list[Any]:
        made = {"name": f"Validator {number:02}", "key": validator_key(number).public, "votes": votes_key(number).public,
                "url": f"http://validator{number}:8080", "peer": f"{number:040x}@validator{number}:26656", **other}  # fmt: skip
        return list(made.values())

    def engine(rows: list[list[Any]], signers: Sequence[SigningKey] = city.institutions) -> bytes:
        return sign(ledger, "engine", rows, list(signers))

    four = [row(number) for number in range(4)]
    new = encode(["validators", [one[:3] for one in four]])
    over = [*start, engine(four), new]
    after = [*over, encode(["block", [2, GENESIS, GENESIS]])]

    def case(
        file: str, said: str, entries: Entries, by: Sequence[SigningKey], step: str | None = None, keep: bool = True
    ) -> Doctored:
        """Under a head by these validators, or by the log's key alone."""
        last = head(entries, ORIGIN, city.log_key)
        if by:
            lines = [cosign(last.checkpoint, f"{ORIGIN}/validator/{key.public.hex()[:16]}", key, GENESIS) for key in by]
            last = SignedCheckpoint(last.checkpoint, tuple(lines))
        kept = head(over, ORIGIN, city.log_key)

        def spoil(folder: Path) -> None:
            (folder / "checkpoint").write_bytes(last.to_bytes())
            if keep:
                (folder / "head").mkdir()
                (folder / "head" / str(len(over))).write_bytes(kept.to_bytes())

        return Doctored(f"{file}.tar", said, entries, step=step, exit=0 if step is None else 1, spoil=spoil)

    def refused(file: str, said: str, entry: bytes, rule: str = "engine") -> Doctored:
        return Doctored(f"{file}.tar", said, [*start, entry], step="L5", entry=len(start), rule=rule)

    three = [validator_key(number) for number in range(3)]
    others = [row(0), row(1, key=city.organisers[0].public), row(2)]
    return [
        case("charter-handed-over", "a ledger goes on as a network, and the log's key has signed for the last time", over, []),
        case("charter-network", "three of the four validators sign the next head", after, three),
        case("handed-over-log", "the log's key signs once more", after, [], "L2"),
        case("handed-over-early", "the validators sign the head that hands the ledger over", over, three, "L2", keep=False),
        case("handed-over-unkept", "the last head by the log's key is not kept", after, three, "L2", keep=False),
        Doctored("engine-twice.tar", "a network is handed over", [*after, engine(others)], step="L5", entry=len(after), rule="engine",
                 spoil=case("", "", [*after, engine(others)], three).spoil),
        refused("engine-few", "two institutions hand the ledger over", engine(four, city.organisers), "authority"),
        refused("engine-order", "the validators are not in order", engine(four[::-1])),
        refused("engine-key-office", "a validator's ledger key is an organiser's", engine(others)),
        refused("engine-key-twice", "a validator cosigns and votes with one key", engine([row(0, votes=validator_key(0).public), row(1)])),
        refused("engine-url", "two validators have one address", engine([row(0), row(1, url="http://validator0:8080")])),
        refused("engine-respelt", "a validator is an institution in another spelling",
                engine([row(0, name=read_charter(begun[0]).classes[0].trustees[0].upper())])),
        refused("engine-none", "nobody is to run it", engine([]), "shape"),
    ]  # fmt: skip


def next_block(entries: Entries) -> bytes:
    """A block at the time of the last one."""
    height, time, *_ = decode(entries[block_of(entries, len(entries) - 1)])[1]
    return encode(["block", [height + 1, time, time]])


def charters(city: City) -> list[Doctored]:
    seats = tuple(
        RegistrarSeat(name, source) for name, source in zip("ABCD", ("bank", "bank", "bank", "post"), strict=True)
    )
    city_class = read_charter(city.entries[0]).classes[0]
    respelt = tuple(
        seat._replace(source=f"{seat.source}  A" if i else f"{seat.source} a")
        for i, seat in enumerate(city_class.registrars)
    )
    cases: list[tuple[str, str, Entries]] = [
        ("trustees-fork", "2 of 3 trustees, one of whom may be corrupt: with a fork the operator reads votes",
         refounded(city, {}, trustees=("T", "U", "V"), t=2, f_t=1)),
        ("trustees-absent", "4 of 4 trustees, one of whom may be corrupt and refuse every result",
         refounded(city, {}, trustees=("T", "U", "V", "W"), t=4, f_t=1)),
        ("sources-refuse", "permits of two sources are wanted, and the one registrar of the second may refuse",
         refounded(city, {}, registrars=seats, k=3, f=1, sources=2)),
        ("notice-long", "no committee lives as long as polls are to be announced ahead", refounded(city, {}, notice=7_862_401)),
        ("margin-long", "trustees are to wait longer than an hour", refounded(city, {}, margin=3601)),
        ("witnesses-few", "one witness of three may be corrupt",
         refounded(city, {4: [*offices_of(city), *observers(city, 3)], 8: [1]})),
        ("witnesses-operator", "of four witnesses one is the operator's, and one may be corrupt",
         refounded(city, {7: run_by(city, "Observer 0"), 4: [*offices_of(city), *observers(city, 4)], 8: [1]})),
        ("witnesses-respelt", "of four witnesses one is the operator's, whose name is spelt in another way",
         refounded(city, {7: run_by(city, "OBSERVER\u00a00"), 4: [*offices_of(city), *observers(city, 4)], 8: [1]})),
        ("sources-respelt", "two identity sources are one, spelt in two ways", refounded(city, {}, registrars=respelt)),
        ("trustee-respelt", "one institution is registrar and trustee of the same polls, spelt in two ways",
         refounded(city, {}, trustees=(city_class.trustees[0], city_class.registrars[0].institution.upper()))),
        ("classes-respelt", "two classes have one name, spelt in two ways",
         refounded(city, {6: [city_class.body(), replace_fields(city_class, name="City").body()]})),
        ("witnesses-none", "a class wants witnessed heads, and the charter asks for no witnesses",
         refounded(city, {}, witnessed=True)),
        ("engine-unknown", "the engine is one that nobody knows", refounded(city, {7: ["raft", 1]})),
        ("engine-log-missing", "nobody is to sign the heads", refounded(city, {7: ["embedded", 1]})),
        ("engine-validators-missing", "the engine is CometBFT, and no validator is named", refounded(city, {7: ["cometbft", 1, []]})),
        ("validator-embedded", "one process makes the blocks, and there is a validator beside it",
         refounded(city, {4: [*offices_of(city), ["Validator 0", "validator", validator_key(0).public]]})),
        ("validator-no-office", "a validator has no ledger key", networked(city, 4, missing=1)),
        ("validator-unnamed", "a validator's office is none of the engine's", networked(city, 4, surplus=1)),
        ("validators-order", "the validators are not in order", networked(city, 4, change_rows=lambda rows: rows[::-1])),
        ("validators-65", "there are 65 validators", networked(city, 65)),
        ("votes-office", "a validator votes with the key of an organiser", networked(city, 4, {1: city.organisers[0].public})),
        ("votes-own", "a validator votes with its ledger key", networked(city, 4, {1: validator_key(0).public})),
        ("votes-shared", "two validators vote with one key", networked(city, 4, {1: votes_key(1).public})),
        ("votes-anybody", "a validator votes with a key for which anybody can sign", networked(city, 4, {1: b"\x01" + bytes(31)})),
        ("url-path", "a validator's address has a path", networked(city, 4, {2: "http://validator/"})),
        ("url-shared", "two validators have one address", networked(city, 4, {2: "http://validator1:8080"})),
        ("peer-odd", "peers find a validator at no port", networked(city, 4, {3: f"{0:040x}@validator0"})),
        ("peer-shared", "two validators are one node", networked(city, 4, {3: f"{1:040x}@elsewhere:26656"})),
    ]  # fmt: skip
    return [
        *(Doctored(f"{file}.tar", name, entries, step="L1", entry=0) for file, name, entries in cases),
        Doctored(
            "charter-test.tar", "a test ledger, on which a day takes 87 seconds", refounded(city, {9: 1000}), exit=0
        ),
        *networks(city),
        *changed_validators(),
        *restarted(),
        *added_classes(city),
        *handed_over(city),
    ]


def witnessed(city: City) -> list[Doctored]:
    """A ledger of its charter, which asks for the one witness there is, with what lies beside it as cosigned by them (L9)."""
    offices = [*offices_of(city), *observers(city, 1)]
    entries = refounded(city, {4: offices, 8: [0]}, witnessed=True)
    witness, time = observer_key(0), GENESIS + 60
    own = head(entries, ORIGIN, city.log_key)
    longer = head([*entries, *city.entries[2:4]], ORIGIN, city.log_key)
    other = head([entries[0], entries[0]], ORIGIN, city.log_key)
    line = cosign(own.checkpoint, f"{ORIGIN}/witness/{witness.public.hex()[:16]}", witness, time)
    by_another = cosign(own.checkpoint, line.name, observer_key(1), time)

    def case(file: str, name: str, content: bytes, step: str | None = "L9", key: bytes = witness.public) -> Doctored:
        def spoil(folder: Path) -> None:
            (folder / "witness").mkdir()
            (folder / "witness" / key.hex()).write_bytes(content)

        return Doctored(f"{file}.tar", name, entries, step=step, exit=0 if step is None else 1, spoil=spoil)

    def under(signed: SignedCheckpoint) -> bytes:
        return signed.add(cosign(signed.checkpoint, line.name, witness, time)).to_bytes()

    flipped = NoteSignature(line.name, line.key_id, flip(line.data, 8 * 8))
    endless = NoteSignature(line.name, line.key_id, b"\xff" + line.data[1:])
    stranger = NoteSignature(line.name, line.key_id, by_another.data)
    body = ["retire", "Observer 0", "observer", witness.public, 0]
    retired = [
        *entries,
        encode(["block", [1, GENESIS + 1, GENESIS]]),
        sign(digest(entries[0]), "office", body, city.institutions),
    ]
    return [
        Doctored("witness-retired.tar", "the one witness is to leave", retired, step="L5", entry=3, rule="office"),
        case("charter-witnesses", "its one witness cosigned its head", under(own), None),
        case("charter-witnesses-ahead", "its one witness cosigned a larger head, which this copy does not reach", under(longer), None),
        case("charter-witnesses-others", "beside it lies a file of a key that is no witness's", b"?", None, city.organisers[0].public),
        case("cosigned-another", "its witness cosigned another root of the same size", under(other)),
        case("cosigned-flipped", "a bit of the cosignature is another", own.add(flipped).to_bytes()),
        case("cosigned-endless", "the cosignature has a time beyond 2^63", own.add(endless).to_bytes()),
        case("cosigned-stranger", "somebody else cosigned in the witness's name", own.add(stranger).to_bytes()),
        case("cosigned-by-none", "the head is signed by the log's key alone", own.to_bytes()),
        case("cosigned-only", "the head is cosigned, and not signed by the log's key", SignedCheckpoint(own.checkpoint, (line,)).to_bytes()),
        case("cosigned-form", "what lies under the witness's key is no signed note", b"cosigned"),
    ]  # fmt: skip


def observers(city: City, count: int) -> list[list[Any]]:
    """Offices of observers, with keys that everybody can make."""
    return [[f"Observer {i}", "observer", observer_key(i).public] for i in range(count)]


def observer_key(number: int) -> SigningKey:
    return SigningKey(digest(f"observer {number}".encode()))


def many_registrars() -> list[Doctored]:
    """A city in which a first ballot shows twenty permits, which leave less room for its proofs than there is without (poll-size).

    It has a block a minute, and no poll that lasts less (poll-dates).
    """

    def asked(answers: int) -> list[Choice]:
        return [Choice(Text("?", "?"), tuple(Text(f"{i}", f"{i}") for i in range(answers)), 1, 1, False)] * 4

    with (
        TemporaryDirectory() as name,
        World(Path(name), citizens={"Arbat": 2}, trustees=(1, 1), registrars=(20, 20, 0), seconds=60) as world,
    ):
        world.announce(asked(45), committee=world.form_committee("single"))
        poll = world.ledger.entry(world.ledger.size - 1)
        minute = edit(poll, [1, 6], decode(poll)[1][5] + 60)
        world.submit(sign_anew(world.id, minute, *world.organisers))
        entries = list(world.check().log.entries())
        log_key = SigningKey.load(Path(name) / "ledger" / LOG_KEY)
        longer = edit(poll, [1, 3], [question.body() for question in asked(47)])
        shorter = edit(poll, [1, 6], decode(poll)[1][5] + 59)
        too_long, too_short = (sign_anew(world.id, entry, *world.organisers) for entry in (longer, shorter))

    def case(file: str, name: str, entry: bytes, rule: str) -> Doctored:
        return Doctored(file, name, [*entries, entry], step="L5", entry=len(entries), rule=rule, log_key=log_key)

    return [
        Doctored("ballot-fits.tar", "a poll whose longest ballot fits into an entry with twenty permits, and one that lasts one block", entries,
                 exit=0, log_key=log_key),
        case("ballot-too-long.tar", "a poll whose ballot fits into an entry, but not with twenty permits", too_long, "poll-size"),
        case("poll-too-short.tar", "a poll that may be over before the next block", too_short, "poll-dates"),
    ]  # fmt: skip


# L1 to L3 and L8: the files


def rewritten(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Another content of one file; of no other file is anything known, so all the rest stays as it was."""

    def spoil(folder: Path) -> None:
        (path,) = folder.glob(name)
        path.write_bytes(change(path.read_bytes()))

    return spoil


def files(city: City) -> list[Doctored]:
    short = city.entries[:4]
    other = SigningKey(digest(b"another key"))
    false = head(city.entries[:2] * 2, ORIGIN, city.log_key).to_bytes()

    def remove(folder: Path) -> None:
        (folder / "tile/0/000.p/4").unlink()

    return [
        Doctored(
            "checkpoint-form.tar",
            "the checkpoint's size has a zero too much",
            short,
            step="L1",
            spoil=rewritten("checkpoint", lambda note: note.replace(b"\n4\n", b"\n04\n")),
        ),
        Doctored(
            "charter-unsigned.tar",
            "an office's signature is not under the charter",
            change(short, 0, [2], decode(short[0])[2][1:]),
            step="L1",
            entry=0,
        ),
        Doctored(
            "another-founder.tar",
            "whoever took the log over put their own log key into the charter",
            change(short, 0, [1, 7, 3], other.public),
            step="L1",
            entry=0,
            log_key=other,
        ),
        Doctored("another-key.tar", "the checkpoint is not signed by the log's key", short, step="L2", log_key=other),
        Doctored(
            "another-origin.tar", "the checkpoint is of another log", short, step="L2", origin="veche.example/town"
        ),
        Doctored(
            "another-root.tar",
            "the checkpoint has the root of other entries",
            short,
            step="L3",
            spoil=rewritten("checkpoint", lambda note: false),
        ),
        Doctored(
            "bundle-changed.tar",
            "an entry is another than its hash says",
            short,
            step="L3",
            spoil=rewritten("tile/entries/000.p/*", lambda data: flip(data, 8 * len(data) - 300)),
        ),
        Doctored(
            "hash-changed.tar",
            "a hash is another than its entry's",
            short,
            step="L3",
            spoil=rewritten("tile/0/000.p/*", lambda data: flip(data, 8 * len(data) - 300)),
        ),
        Doctored("tile-missing.tar", "a tile of hashes is missing", short, step="L3", spoil=remove),
        Doctored(
            "attachment-changed.tar",
            "an attachment is another than its name says",
            short,
            step="L8",
            spoil=rewritten("attachment/*", lambda data: data + b"And more.\n"),
        ),
    ]


# L4: blocks


def blocks(city: City) -> list[Doctored]:
    entries = city.entries
    short, block = entries[:6], 4
    height, time, previous, *_ = decode(short[block])[1]
    halt = block_of(entries, find(entries, "ballot", -1)) - 1
    resumed = decode(entries[halt])[1][1]
    return [
        Doctored(
            "time-back.tar",
            "a block is older than the one before",
            change(short, block, [1, 2], previous - 1),
            step="L4",
            entry=block,
        ),
        Doctored(
            "height-again.tar",
            "a block's height is not greater than that of the one before",
            change(short, block, [1, 0], height - 1),
            step="L4",
            entry=block,
        ),
        Doctored(
            "empty-block.tar",
            "a block appends nothing and follows no halt",
            [*short, encode(["block", [height + 1, time + 1, time]])],
            step="L4",
            entry=len(short) + 1,
        ),
        Doctored(
            "only-a-block.tar",
            "of a block and its entry, the entry was dropped",
            drop(entries[: block + 4], block + 1),
            step="L4",
            entry=block + 1,
        ),
        Doctored(
            "void-put-off.tar",
            "a block left out what fell due at the time of the block before",
            drop_block(entries, find(entries, "void"))[: find(entries, "void") + 1],
            step="L4",
            entry=find(entries, "void") - 1,
        ),
        Doctored(
            "halt-hidden.tar",
            "the log says that there was no halt, so that the poll closes early",
            [
                *entries[:halt],
                encode(["block", [decode(entries[halt])[1][0], resumed, resumed - 600]]),
                *entries[halt + 2 : halt + 3],
            ],
            step="L4",
            entry=halt,
        ),
    ]


# L5 and L6: what was handed in


def handed_in(city: City) -> list[Doctored]:
    """One of each; more, as single entries, in doctored.json."""
    entries, poll = city.entries, city.polls["poll"]
    announced, cancel = find(entries, "poll"), find(entries, "cancel")
    first, last = find(entries, "ballot", 0, poll.id), find(entries, "ballot", -1, poll.id)
    tally = find(entries, "tally")
    late = entries[last]
    return [
        Doctored(
            "poll-changed.tar",
            "a poll is open an hour longer than its organisers signed",
            change(entries[: announced + 1], announced, [1, 6], poll.definition.closes + 3600),
            step="L5",
            entry=announced,
            rule="signature",
        ),
        Doctored(
            "cancelled-by-two.tar",
            "two institutions cancel a poll, and the charter wants three",
            replace(entries[: cancel + 1], cancel, sign_anew(city.id, entries[cancel], *city.organisers)),
            step="L5",
            entry=cancel,
            rule="authority",
        ),
        Doctored(
            "ballot-twice.tar",
            "a ballot stands there twice",
            insert(entries[: first + 1], first, entries[first]),
            step="L6",
            entry=first + 1,
            rule="turn",
        ),
        Doctored(
            "first-ballot-dropped.tar",
            "a voter's first ballot was dropped, and their re-vote is there",
            drop_block(entries[: last + 1], first),
            step="L6",
            entry=last - 2,
            rule="permits",
        ),
        Doctored(
            "ballot-late.tar",
            "a ballot comes after the closing",
            [*entries[: tally + 2], late],
            step="L6",
            entry=tally + 2,
            rule="not-open",
        ),
    ]


# What a block names of all that is no ballot


def frames(city: City) -> list[Doctored]:
    entries = city.entries
    cancel, voted = find(entries, "cancel"), find(entries, "ballot")
    block = block_of(entries, len(entries) - 1)
    known = frame_before(entries, block)
    alone = next(at for at in range(1, block) if at not in known and decode(entries[at])[0] == "block")
    count, root = frame_of(entries, known)

    def case(file: str, name: str, count: int, root: bytes) -> Doctored:
        said = encode(["block", [*decode(entries[block])[1][:3], count, root]])
        log = [*entries[:block], said, entries[block + 1]]
        return Doctored(f"frame-{file}.tar", f"a block names a frame {name}", log, step="L4", entry=block, raw=True)

    return [
        case("count", "of one entry more than it has", count + 1, root),
        case("root", "of another root", count, bytes(32)),
        case("cancel", "without a cancellation", *frame_of(entries, [at for at in known if at != cancel])),
        case("ballot", "with a ballot in it", *frame_of(entries, sorted([*known, voted]))),
        case("block", "with a block in it that has ballots alone", *frame_of(entries, sorted([*known, alone]))),
        case("order", "in another order", *frame_of(entries, [*known[:-2], known[-1], known[-2]])),
        case("own", "with itself in it", *frame_of(entries, [*known, block])),
    ]


# What becomes of offices


def offices(city: City) -> list[Doctored]:
    entries = city.entries
    add, effect, objected = find(entries, "office"), find(entries, "office-effect"), find(entries, "office", -1)
    height, time, previous, *_ = decode(entries[effect - 1])[1]
    early = encode(["block", [height, time - 60, previous - 60]])
    return [
        Doctored(
            "office-early.tar",
            "a change of an office takes effect a minute early",
            [*entries[: effect - 1], early, entries[effect]],
            step="L7",
            entry=effect,
        ),
        Doctored(
            "office-late.tar",
            "a change of an office did not take effect when it was to",
            [*entries[: effect - 1], *entries[effect + 1 :]],
            step="L4",
            entry=effect - 1,
        ),
        Doctored(
            "office-other-key.tar",
            "an office gets another key than was asked for",
            change(entries[: effect + 1], effect, [1, 4], bytes(kernel.BASE)),
            step="L7",
            entry=effect,
        ),
        Doctored(
            "office-objection-dropped.tar",
            "an objection was dropped, and nothing takes effect: the log is shorter",
            drop_block(entries, objected),
            step="L7",
            entry=effect - 1,
        ),
        Doctored(
            "office-at-once.tar",
            "an office speaks before two weeks have passed",
            [*entries[: add + 1], entries[-1]],
            step="L5",
            entry=add + 1,
            rule="authority",
        ),
    ]


# L7: what is derived


def derived(city: City) -> list[Doctored]:
    entries, poll = city.entries, city.polls["poll"]
    tally, few, result = find(entries, "tally"), find(entries, "too-few"), find(entries, "result")
    void, committee_void = find(entries, "void"), find(entries, "committee-void")
    second = find(entries, "ballot", 1, poll.id)
    at_tally = entries[: few + 1]
    name, counted, root, cells = decode(entries[tally])[1]
    sums = cells[0][1]
    counting = [read_ballot(entries[find(entries, "ballot", i, poll.id)]).ballot for i in (1, 2, 3)]
    unweighted = kernel.Sums(2)
    unweighted.add([poll.frozen.kernel.load(ballot) for ballot in counting])
    one_more = sums[:32] + kernel.point_add(sums[32:64], kernel.BASE) + sums[64:]
    return [
        Doctored(
            "ballot-dropped.tar",
            "a ballot was dropped, and its block with it",
            drop_block(at_tally, second),
            step="L7",
            entry=tally - 2,
        ),
        Doctored(
            "tally-counts.tar",
            "the tally counts one ballot more",
            change(at_tally, tally, [1, 1], counted + 1),
            step="L7",
            entry=tally,
        ),
        Doctored(
            "tally-sums.tar",
            "the tally has a vote more for the first answer",
            change(at_tally, tally, [1, 3, 0, 1], one_more),
            step="L7",
            entry=tally,
        ),
        Doctored(
            "tally-weights.tar",
            "the tally forgot that a ballot of the second group weighs two",
            change(at_tally, tally, [1, 3, 0, 1], unweighted.to_bytes()),
            step="L7",
            entry=tally,
        ),
        Doctored(
            "tally-hidden.tar",
            "a tally that somebody would rather not have is said to have too few ballots",
            replace(at_tally, tally, encode(["too-few", [name, counted, root]])),
            step="L7",
            entry=tally,
        ),
        Doctored(
            "result-changed.tar",
            "the result says something else",
            change(entries[: result + 1], result, [1, 2, 0], decode(entries[result])[1][2][0][::-1]),
            step="L5",
            entry=result,
            rule="result",
        ),
        Doctored("result-missing.tar", "nobody has handed the result in yet", entries[: result - 1], exit=0),
        Doctored(
            "void-unasked.tar",
            "a poll is void for which n - f registrars published permit keys",
            insert(entries[: void + 1], void, encode(["void", [city.polls["few"].id, decode(entries[void])[1][1]]])),
            step="L7",
            entry=void,
        ),
        Doctored(
            "void-denied.tar",
            "a poll without permit keys is void for another reason than that",
            change(entries[: void + 1], void, [1, 1], "because"),
            step="L7",
            entry=void,
        ),
        Doctored(
            "committee-lives-on.tar",
            "a committee with a complaint is not void",
            drop(entries[: committee_void + 3], committee_void),
            step="L7",
            entry=committee_void,
        ),
        Doctored(
            "result-from-nowhere.tar",
            "a result of a poll that is still open",
            insert(entries[: second + 1], second + 1, entries[result]),
            step="L5",
            entry=second + 1,
            rule="result",
        ),
    ]
