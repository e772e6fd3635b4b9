"""What proves that somebody signed two histories of one log, or voted for two blocks of one height: both, with the signatures,
beside the log for good.

Two heads of one size with one validator's cosignatures contradict each other as they are. Of two sizes it takes the proof that the tree
under the longer has another root at the size of the shorter (RFC 6962). Of a validator nothing happens by itself, as with votes:
whoever sees the file shows it to the offices, who may retire it. One file a key is enough, and cannot be flooded. Two final heads
are a *fork* of the log, and lie in a file of their own. The same folder keeps a block that over two thirds have signed and this node
refuses to go on from.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veche.durable import make_folder, replace
from veche.errors import DoesNotHold, UserError
from veche.log.checkpoint import SignedCheckpoint
from veche.log.merkle import verify_consistency
from veche.logs import log
from veche.texts import Message, Words

FOLDER = "evidence"
"""Where the files are, in the ledger's folder: one a validator, under the hexadecimal digits of its key."""
FORK = "fork.json"
"""The file of two final heads that do not go on from one another."""
FAILURE = "does-not-hold.json"
"""The file of what was signed and does not follow from the rules."""
_KEY = re.compile(r"[0-9a-f]{64}")
_VOTES = "votes-"


def evidence_file(ledger: Path, key: bytes | None) -> Path:
    """Where the evidence against the validator with this key is, or that of a fork."""
    return ledger / FOLDER / (FORK if key is None else f"{key.hex()}.json")


def failure_file(ledger: Path) -> Path:
    """Where it is kept that something was signed and does not hold."""
    return ledger / FOLDER / FAILURE


def keep_two_heads(ledger: Path, key: bytes, one: SignedCheckpoint, other: SignedCheckpoint) -> bool:
    """Keep both, unless there is evidence against this key already; whether they were kept. ``ledger``: its folder; both heads are of
    one size, and signed by ``key``. Raises UserError if the disk refuses."""
    file = evidence_file(ledger, key)
    if file.exists():
        return False
    heads = [signed.to_bytes().decode() for signed in (one, other)]
    said: dict[str, object] = {"what": "two-heads", "validator": key.hex(), "size": one.checkpoint.size, "heads": heads}
    _write(file, said)
    return True


@dataclass(frozen=True)
class TwoHistories:
    """Two heads that contradict each other, the shorter first. ``root``: what the tree under the longer has at the size of the shorter, by
    ``proof`` (RFC 6962, consistency; empty if they are of one size)."""

    shorter: SignedCheckpoint
    longer: SignedCheckpoint
    root: bytes
    proof: tuple[bytes, ...]

    def check(self) -> None:
        """Raises DoesNotHold unless they contradict each other. Whose the signatures are is for others to check."""
        short, long = self.shorter.checkpoint, self.longer.checkpoint
        verify_consistency(short.size, self.root, long.size, long.root, self.proof)
        if short.origin != long.origin or short.root == self.root:
            raise DoesNotHold("merkle", Message("the two heads"), Message("these heads contradict nothing"))

    def keep(self, ledger: Path, key: bytes | None) -> bool:
        """Keep them in the ledger's folder: against the validator with this key, or as a fork. As :func:`keep_two_heads`."""
        self.check()
        file = evidence_file(ledger, key)
        if file.exists():
            return False
        said: dict[str, object] = {"what": "two-histories"}
        said |= {} if key is None else {"validator": key.hex()}
        said["heads"] = [signed.to_bytes().decode() for signed in (self.shorter, self.longer)]
        said |= {"root": self.root.hex(), "proof": [one.hex() for one in self.proof]}
        _write(file, said)
        return True


def read_fork(ledger: Path) -> TwoHistories | None:
    """The fork that was found, if one was. Raises UserError if the file cannot be read."""
    file = evidence_file(ledger, None)
    try:
        said = json.loads(file.read_bytes())
        shorter, longer = (SignedCheckpoint.parse(head.encode()) for head in said["heads"])
        return TwoHistories(shorter, longer, bytes.fromhex(said["root"]), tuple(map(bytes.fromhex, said["proof"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DoesNotHold):
        raise UserError(
            Message("The evidence in {file} cannot be read.", file=file), Message("Look what has become of the file.")
        ) from None


@dataclass(frozen=True)
class Failure:
    """Something that does not hold, though those whose signatures count have signed it. ``said``: what, in every language; ``at``: when it
    was found, in seconds since 1970; ``size``: of the ledger that had been checked by then."""

    said: Words
    at: int
    size: int


def keep_failure(ledger: Path, error: DoesNotHold, at: int, size: int, head: SignedCheckpoint) -> None:
    """Keep what does not hold, in the place of what was kept before. ``head``: under which it was found; the rest as :class:`Failure`. Raises UserError if the disk refuses."""
    said: dict[str, object] = {
        "what": "does-not-hold", "at": at, "size": size, "step": error.step, "where": error.where,
        "said": {"en": error.said.text("en"), "ru": error.said.text("ru")}, "head": head.to_bytes().decode(),
    }  # fmt: skip
    _write(failure_file(ledger), said)


def read_failure(ledger: Path) -> Failure | None:
    """What does not hold, if anything was found. A file that is damaged says that something was."""
    file = failure_file(ledger)
    try:
        said = json.loads(file.read_bytes())
        return Failure(Words(str(said["said"]["en"]), str(said["said"]["ru"])), int(said["at"]), int(said["size"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        damaged = Message("The evidence in {file} cannot be read.", file=file)
        return Failure(Words.of(damaged), int(time_of(file)), 1 << 62)


def time_of(file: Path) -> float:
    """When a file was written, in seconds since 1970; 0 if there is none."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def accused(ledger: Path) -> list[bytes]:
    """The keys against which there is evidence."""
    found = (file.stem for file in (ledger / FOLDER).glob("*.json"))
    return sorted(bytes.fromhex(stem) for stem in found if _KEY.fullmatch(stem))


def _write(file: Path, said: dict[str, object]) -> None:
    make_folder(file.parent)
    replace(file, _text(said))


def keep_block(ledger: Path, height: int, block: bytes) -> Path:
    """Keep a block of this height with the votes that decided it, as CometBFT writes them in JSON; the file. Raises UserError if the
    disk refuses."""
    file = ledger / FOLDER / f"block-{height}.json"
    make_folder(file.parent)
    replace(file, block)
    return file


def note_votes(ledger: Path, votes: bytes, chain: str, height: int, block: int) -> None:
    """Write down that the two votes of the validator with this consensus key, for this ``height`` of the ``chain``, lie in a ``block``,
    from which they are still to be taken (:func:`keep_votes`). One of a key is enough. Raises UserError if the disk refuses."""
    file = ledger / FOLDER / f"{_VOTES}{votes.hex()}.json"
    if not file.exists():
        said = {
            "what": "two-votes",
            "validator": votes.hex(),
            "chain": chain,
            "height": height,
            "block": block,
            "votes": [],
        }
        make_folder(file.parent)
        replace(file, _text(said))


def votes_awaited(ledger: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files of two votes that are still to be taken out of their blocks, and what is known of each. One that is damaged is left as it
    is: a node runs without it."""
    for file in sorted((ledger / FOLDER).glob(f"{_VOTES}*.json")):
        try:
            said = json.loads(file.read_bytes())
            awaited = (
                not said["votes"] and bytes.fromhex(said["validator"]) and int(said["block"]) and int(said["height"])
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            log().error("a file of evidence is damaged", folder=str(file.parent))
            continue
        if awaited:
            yield file, said


def keep_votes(file: Path, said: dict[str, Any], votes: Sequence[dict[str, Any]]) -> None:
    """Keep the two votes, as CometBFT writes them in JSON. Raises UserError if the disk refuses."""
    replace(file, _text(said | {"votes": list(votes)}))


def _text(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, indent=2).encode() + b"\n"
