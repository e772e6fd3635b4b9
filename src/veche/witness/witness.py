"""A witness: an observer who cosigns heads of the ledger (c2sp.org/tlog-cosignature), so that nobody is shown a ledger of their own.

The witness's folder, all of it private (mode 0600; whoever has the key can vouch for a fork):

    office.key      the Ed25519 key by which the ledger knows the observer; cosignatures are made with it, too
    institution     the institution's name in the charter
    journal, place  what was cosigned: one root a size, and each head goes on from all before; along which kept heads; see journal.py

A witness does not judge the entries: every auditor does. They vouch that this is the one ledger whose heads they ever saw, and that
its time is not ahead of their own clock. docs/protocol.md, section 5.
"""

from pathlib import Path

from veche.clock import AHEAD, Clock, Reading, WrongClock, system
from veche.durable import make_folder, replace
from veche.errors import DoesNotHold, UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode, digest
from veche.ledger.entries.block import BlockEntry
from veche.ledger.entries.charter import read_charter
from veche.ledger.heads import witness_verifier
from veche.ledger.walk import check_known, walk
from veche.log.checkpoint import SignedCheckpoint, cosign
from veche.log.log import Log, Snapshot
from veche.log.source import WITNESS, Source
from veche.log.tiles import WIDTH
from veche.office import check_goes_on, create_office, load_office
from veche.texts import Message, duration
from veche.witness.journal import Journal


class Witness:
    """One observer's office. ``key`` cosigns; ``institution`` is its name in the charter."""

    def __init__(self, folder: Path, institution: str, key: SigningKey) -> None:
        self._folder = folder
        self.institution = institution
        self.key = key

    @classmethod
    def create(cls, folder: Path, institution: str) -> "Witness":
        """Make a new office in a new folder. Raises UserError if there is one, or if the name cannot be used."""
        create_office(folder, institution, Journal, "witness")
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> "Witness":
        """Open an office. Raises UserError if a file is missing, damaged, or readable by others."""
        institution, key = load_office(folder, "witness")
        return cls(folder, institution, key)

    def cosign(self, source: Source, clock: Clock = system) -> SignedCheckpoint:
        """The ledger's head as it is there, with this witness's cosignature at the time of ``clock``.

        It is in the journal before it is signed. Asked again it cosigns the same head at a later time. Raises UserError if
        the folder is a copy, the ledger another or shorter than what was cosigned, or one of the two clocks wrong; DoesNotHold
        if the head is not final, or the ledger does not go on from what was cosigned: an alarm.
        """
        snapshot = Snapshot(source)
        signed = snapshot.checkpoint()
        head = signed.checkpoint
        if head.size < 2:
            raise UserError(
                Message("The ledger has not even a charter and its block."), Message("Try again when it has begun.")
            )
        log = Log(snapshot, head)
        charter_entry = log.entry(0)
        ledger, charter = digest(charter_entry), read_charter(charter_entry)
        walked = walk(snapshot, charter, signed)
        signers = signed.verify(walked.policy(head.size))
        now = clock()
        _check_time(_last_block(log).time, now.time)
        with Journal.open(self._folder) as journal:
            journal.check_place()
            check_goes_on(journal, "witness", ledger, head.size, log.root)
            kept = {int(words[1]) for words in journal.events if words[0] == "kept"}
            check_known(walked, kept)
            last = journal.last("head")
            if last is None:
                journal.append("ledger", ledger.hex())
            else:
                _check_clock(Reading.parse(last[3:]), now)
            for number, _ in walked.changes:
                if number + 1 not in kept:
                    journal.append("kept", str(number + 1))
            journal.append("head", str(head.size), head.root.hex(), *now.words())
            verifier = witness_verifier(charter.origin, self.key.public)
            # Not by its name alone: a line of that name by another key would make a head that nobody takes.
            known = {(signer.name, signer.key_id) for signer in signers}
            final = (line for line in signed.signatures if (line.name, line.key_id) in known)
            return SignedCheckpoint(head, tuple(final)).add(cosign(head, verifier.name, self.key, now.time))


def put_cosigned(ledger: Path, witness: bytes, signed: SignedCheckpoint) -> Path:
    """Put a head that this witness cosigned beside the ledger in this folder, in the place of an older one. Raises UserError."""
    target = ledger / f"{WITNESS}{witness.hex()}"
    make_folder(target.parent)
    replace(target, signed.to_bytes(), drafts=ledger)
    return target


def _last_block(log: Log) -> BlockEntry:
    for end in range(log.size, 1, -WIDTH):
        for data in reversed(list(log.entries(max(1, end - WIDTH), end))):
            item = decode(data)
            if item[0] == BlockEntry.kind:
                return BlockEntry.parse(item[1])
    raise DoesNotHold("L4", Message("entry 1"), Message("The charter is not followed by its block."))


def _check_time(block: int, now: int) -> None:
    if block > now + AHEAD:
        raise UserError(
            Message("The ledger's time is {ahead} ahead of this machine's clock.", ahead=duration(block - now)),
            Message(
                "Set this machine's clock if it is wrong. If it is not, the ledger's operator closes polls too early: nothing "
                "was cosigned, and the other observers should know."
            ),
        )


def _check_clock(last: Reading, now: Reading) -> None:
    if now.time < last.time:
        raise WrongClock(
            Message(
                "This machine's clock is {behind} behind the last cosignature.", behind=duration(last.time - now.time)
            ),
            Message("Set it right."),
        )
    last.check_step(now, Message("Set it right. If it is right now, start the machine anew: that ends the comparison."))
