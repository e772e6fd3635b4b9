"""The facts of a node, from its ledger's folder: the same for a node that runs in this process, in another one, or nowhere."""

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from veche.audit.witnesses import Witnesses, read_witnesses
from veche.engine.inbox import engine_runs
from veche.engine.publishing import LOG_KEY
from veche.errors import DoesNotHold, UserError, VecheError
from veche.ledger.codec import digest
from veche.ledger.entries.charter import Charter, read_charter
from veche.ledger.frame import FRAMED
from veche.ledger.heads import age
from veche.ledger.reader import Reader, read_own
from veche.log.checkpoint import Checkpoint
from veche.log.evidence import accused, evidence_file, read_failure, read_fork, time_of
from veche.log.source import Folder
from veche.node.addresses import Known
from veche.node.dashboard.diary import Kept
from veche.node.dashboard.facts import Accused, Broken, Facts, Fork, Keeper, Seen, Sight
from veche.texts import Localizable, Words

LATELY = 3600
"""Seconds since a node agreed, within which it counts as one that does: of many each is asked now and then."""


@dataclass(frozen=True)
class Others:
    """What is known of other nodes: their addresses, those of ``institutions`` among them, when each last agreed and was last no shorter than
    this ledger (``level``), and which were left because what they showed does not hold."""

    known: Collection[Known]
    institutions: Collection[str]
    agreed: Mapping[str, int]
    level: Mapping[str, int]
    liars: Collection[str]


@dataclass(frozen=True)
class Ledger:
    """What the folder's ledger says of itself, as far as it is there. ``unchecked``: entries that are, and nobody has checked here."""

    charter: Charter
    fingerprint: bytes
    size: int = 0
    head: bytes = b""
    root: bytes = b""
    age: int | None = None
    unchecked: int = 0
    names: Mapping[bytes, str] | None = None
    institutions: frozenset[str] = frozenset()
    witnesses: Witnesses | None = None
    missing: int = 0
    trouble: Localizable | None = None


def read(folder: Path, now: int, kept: Kept) -> Ledger | None:
    """The ledger in a folder, by this node's own database, or as far as it is fetched; None if nothing is known of any here."""
    with suppress(VecheError), read_own(folder) as reader:
        return ledger_of(reader, now)
    if not kept.charter:
        return None
    made = Ledger(read_charter(kept.charter), digest(kept.charter))
    with suppress(VecheError, OSError):  # fetched, and not checked yet
        head = Folder(folder).checkpoint().checkpoint
        made = replace(made, size=head.size, head=in_head(head), root=head.root, unchecked=head.size)
    return made


def gather(folder: Path, now: int, kept: Kept, others: Others, ledger: Ledger) -> Facts:
    """The facts now, of the ledger in this folder."""
    charter, keys = ledger.charter, tuple(accused(folder))
    institutions = {*others.institutions, *ledger.institutions}
    agreed = {**kept.agreed, **others.agreed}
    nodes = [
        _seen(one, one.url in institutions, now, agreed.get(one.url, 0), others)
        for one in (*others.known, *(Known(url) for url in sorted(institutions - {one.url for one in others.known})))
    ]
    nodes += [
        Seen(url, Keeper.CITIZEN, Sight.DIFFERS, agreed.get(url, 0))
        for url in sorted(set(others.liars) - {one.url for one in nodes})
    ]
    checked = max((one.agreed for one in nodes), default=0)
    disk = shutil.disk_usage(folder)
    return Facts(
        now, charter.origin, Words(*charter.name), charter.test, ledger.fingerprint, ledger.size, ledger.head, ledger.root,
        ledger.age, engine_runs(folder), kept.work, checked, kept.woke if kept.woke > checked else 0, tuple(nodes),
        used(folder), disk.free,
        accused=tuple(_accused(folder, key, ledger.names or {}) for key in keys), keys=keys,
        fork=_fork(folder), decided=kept.decided, broken=_broken(folder, ledger.size), witnesses=ledger.witnesses,
        trouble=ledger.trouble, unchecked=ledger.unchecked, missing=ledger.missing, follows=not (folder / LOG_KEY).exists(),
        framed=(folder / FRAMED).is_dir(),
    )  # fmt: skip


def ledger_of(reader: Reader, now: int) -> Ledger:
    """What a ledger that holds says of itself."""
    state, head = reader.state, reader.head.checkpoint
    old = age(reader.head, reader.succession.policy(head.size), now) if state.validators() else None
    witnesses: Witnesses | None = None
    trouble: Localizable | None = None
    try:
        witnesses = read_witnesses(reader.log, state)
    except DoesNotHold as error:  # one witness is no more than one institution: it is said, and stops nothing
        trouble = error.said
    return Ledger(
        reader.charter,
        reader.id,
        head.size,
        in_head(head),
        head.root,
        old,
        names={key: office.institution for key, office in state.offices.items()},
        institutions=frozenset(row.url for row in state.validator_rows()),
        witnesses=witnesses,
        trouble=trouble,
    )


def in_head(head: Checkpoint) -> bytes:
    """The digest of a head, of which its nine words are made."""
    return digest(head.text().encode())


def _seen(one: Known, institution: bool, now: int, agreed: int, others: Others) -> Seen:
    keeper = Keeper.INSTITUTION if institution else Keeper.TYPED if one.typed else Keeper.CITIZEN
    if one.url in others.liars:
        return Seen(one.url, keeper, Sight.DIFFERS, agreed)
    level = others.level.get(one.url, agreed)
    return Seen(one.url, keeper, Sight.AGREES if now - level <= LATELY else Sight.BEHIND, agreed)


def _accused(folder: Path, key: bytes, names: Mapping[bytes, str]) -> Accused:
    return Accused(names.get(key, key.hex()[:16]), str(evidence_file(folder, key)))


def _fork(folder: Path) -> Fork | None:
    with suppress(UserError):  # a file that cannot be read is told by _broken
        if (found := read_fork(folder)) is not None:
            heads = found.shorter.checkpoint, found.longer.checkpoint
            since = int(time_of(evidence_file(folder, None)))
            return Fork((in_head(heads[0]), in_head(heads[1])), (heads[0].size, heads[1].size), since)
    return None


def _broken(folder: Path, size: int) -> Broken | None:
    """What does not hold, unless the ledger has gone on since, checked; or that it cannot be read."""
    try:
        read_fork(folder)
    except UserError as error:
        return Broken(error.said, int(time_of(evidence_file(folder, None))))
    found = read_failure(folder)
    return Broken(found.said, found.at) if found is not None and found.size >= size else None


def used(folder: Path) -> int:
    """Bytes of all that is in a folder, as its files say. A file that is gone meanwhile is none."""
    total, waiting = 0, [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as there:
            for one in there:
                if one.is_dir(follow_symlinks=False):
                    waiting.append(Path(one.path))
                else:
                    with suppress(OSError):
                        total += one.stat(follow_symlinks=False).st_size
    return total
