"""CometBFT's folder beside a ledger: what it is told, and its keys. docs/adr/0018-engine-over-cometbft.md.

    cometbft/config/    genesis.json, config.toml, and the keys of votes and of the node
    cometbft/data/      its own: blocks, and what it voted last

The genesis follows from the charter byte for byte, so that institutions that share nothing else begin the same chain.
"""

import base64
import hashlib
import ipaddress
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from veche.durable import PRIVATE, PRIVATE_FOLDER, make_folder, must_be_new, read_private, replace, write_private
from veche.errors import UserError
from veche.keys import SigningKey
from veche.ledger.ledger import Ledger
from veche.ledger.state import State
from veche.log.checkpoint import Checkpoint
from veche.texts import Message

FOLDER = "cometbft"
"""CometBFT's folder, in that of the ledger."""
MOST_BYTES = 4 << 20
"""Bytes of a block."""
POWER = 1000
"""Of each validator. With 1, the median of an even number of times would be an extreme one."""
P2P_PORT = 26_656
"""Where CometBFT listens by custom."""
GATHER = 400
"""Milliseconds for which several validators gather entries after a block, before the next one is proposed."""
EVIDENCE_BLOCKS = 100_000
"""Blocks for which a validator can be shown to have voted twice."""


class Keys(NamedTuple):
    """The consensus key (Ed25519), and the id by which other nodes know this one (40 hexadecimal digits)."""

    votes: bytes
    node: str


_KEY = Path("config") / "priv_validator_key.json"
VOTED = "priv_validator_state.json"
"""The file of CometBFT's data that says what this validator voted last."""
_STATE = Path("data") / VOTED
_NODE_KEY = Path("config") / "node_key.json"


def app_hash(head: Checkpoint) -> bytes:
    """What the validators agree on: SHA-256 of the text of the head to which a block leads."""
    return hashlib.sha256(head.text().encode()).digest()


def chain_id(origin: bytes) -> str:
    """The chain's name, from the id of the ledger, or of the entry that restarted it (:func:`chain_of`)."""
    return f"veche-{origin.hex()[:40]}"


def chain_of(ledger: Ledger) -> str:
    """The name of a ledger's chain. Behind a restart it is another: no vote of the chain before is one of this."""
    return chain_id(ledger.state.get_bytes("network") or ledger.id)


def data_folder(ledger: Ledger) -> str:
    """Where CometBFT keeps the chain's blocks, in its folder: each chain has its own, and those of the one before stay as they are."""
    return f"data-{chain_of(ledger)[-40:][:16]}" if ledger.state.succession.restarts else "data"


def genesis(ledger: Ledger) -> bytes:
    """The chain's first file: it begins with the charter's block, or behind the one that handed the ledger over to a network, or
    restarted it."""
    state = ledger.state
    first, validators = state.succession.began
    head = Checkpoint(state.charter.origin, first, ledger.root(first))
    height, time = state.get("network_height"), state.get("network_time", state.charter.time)
    return _json(
        {
            "genesis_time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "chain_id": chain_of(ledger),
            "initial_height": str(height + 1),
            "consensus_params": {
                "block": {"max_bytes": str(MOST_BYTES), "max_gas": "-1"},
                "evidence": {
                    "max_age_num_blocks": str(EVIDENCE_BLOCKS),
                    "max_age_duration": str(14 * 86_400 * 10**9),
                    "max_bytes": "65536",
                },
                "validator": {"pub_key_types": ["ed25519"]},
                "version": {"app": "1"},
                "abci": {"vote_extensions_enable_height": "0"},
            },
            "validators": [
                {
                    "address": _address(validator.votes),
                    "pub_key": _public(validator.votes),
                    "power": str(POWER),
                    "name": validator.institution,
                }
                for validator in validators
            ],
            "app_hash": app_hash(head).hex().upper(),
        }
    )


class Peering(NamedTuple):
    """Where CometBFT listens (``host:port``) and whom it keeps connected to (``id@host:port``)."""

    listen: str = "127.0.0.1:0"
    others: Sequence[str] = ()

    @classmethod
    def of(cls, state: State, key: bytes, listen: str = "") -> "Peering":
        """That of the validator with this ledger key. ``listen``: elsewhere than its peer's address says, which others then reach
        through something in between. A name is no place to listen at: then it is every address of this machine."""
        rows = {row.institution: row for row in state.validator_rows()}
        office = state.offices.get(key)
        own = "" if office is None else office.institution
        others = [row.peer for name, row in rows.items() if name != own]
        if not others:
            return cls()
        if own not in rows:  # it has not said yet where it is found
            return cls(listen or f"0.0.0.0:{P2P_PORT}", others)
        host, _, port = rows[own].peer.partition("@")[2].rpartition(":")
        try:
            ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            host = "0.0.0.0"
        return cls(listen or f"{host}:{port}", others)


def config(pause: float, socket: Path, peering: Peering, data: str = "data", signer: str = "") -> bytes:
    """CometBFT's settings: with the application at this socket, and so many seconds between blocks when there is nothing to say. It
    answers questions at a socket beside that one (:func:`questions`), where nobody else comes.
    ``data``: where blocks are (:func:`data_folder`); what was voted last stays in one place. ``signer``: see :func:`prepare`.

    One validator makes a block as soon as it has something to say; several gather for a moment, or they would do little but vote.
    """
    waits = f"tcp://{signer}" if signer else ""
    commit, skip = (GATHER, "false") if peering.others else (0, "true")
    return f"""\
# Written anew at each start, by veche.
priv_validator_laddr = "{waits}"
proxy_app = "unix://{socket}"
abci = "socket"
moniker = "veche"
log_level = "error"
log_format = "json"
db_backend = "goleveldb"
db_dir = "{data}"
filter_peers = false
[rpc]
laddr = "unix://{questions(socket)}"
unsafe = true
[p2p]
laddr = "tcp://{peering.listen}"
persistent_peers = "{",".join(peering.others)}"
persistent_peers_max_dial_period = "5s"
pex = false
addr_book_strict = false
allow_duplicate_ip = true
flush_throttle_timeout = "10ms"
send_rate = 20480000
recv_rate = 20480000
[mempool]
type = "nop"
broadcast = false
[statesync]
enable = false
[blocksync]
adaptive_sync = false
[storage]
discard_abci_responses = true
[tx_index]
indexer = "null"
[consensus]
wal_file = "{data}/cs.wal/wal"
create_empty_blocks = true
create_empty_blocks_interval = "{int(1000 * pause)}ms"
timeout_commit = "{commit}ms"
skip_timeout_commit = {skip}
double_sign_check_height = 0
""".encode()


def questions(socket: Path) -> Path:
    """Where CometBFT answers questions, and is told whom to connect to, beside the application's socket."""
    return socket.with_name("questions")


def make_keys(folder: Path) -> Keys:
    """Make CometBFT's keys of a validator in a ledger's folder; what the charter says of them.

    The key of votes comes last: a crash leaves none of it, and making them begins again. Raises UserError if there is one.
    """
    home = folder / FOLDER
    for below in ("config", "data"):
        make_folder(home / below, PRIVATE_FOLDER)
    must_be_new(home / _KEY)
    replace(home / _STATE, _json({"height": "0", "round": 0, "step": 0}), PRIVATE)
    node, votes = SigningKey.generate(), SigningKey.generate()
    replace(home / _NODE_KEY, _json({"priv_key": _secret(node)}), PRIVATE)
    key = {"address": _address(votes.public), "pub_key": _public(votes.public), "priv_key": _secret(votes)}
    write_private(home / _KEY, _json(key))
    return Keys(votes.public, _address(node.public).lower())


def prepare(ledger: Ledger, key: bytes, socket: Path, pause: float, listen: str = "", signer: str = "") -> Path:
    """Write what CometBFT is told into its folder, and look whether its keys are there; the folder.

    ``key``: the ledger key of this validator, which may have its seat yet to come; ``listen``: see :class:`Peering`; ``signer``: where
    CometBFT waits for a program on another machine (``host:port``) that has key and state of votes, which are then not looked for here.
    Raises UserError if its key of votes is missing or is not the seat's, or that of another seat than the ledger key; or if what it voted last is missing: whoever votes without
    knowing that may contradict themselves.
    """
    home = ledger.folder / FOLDER
    office = ledger.state.offices.get(key)
    if not signer and _key_of(home / _KEY) != (_key_of(home / _KEY) if office is None else office.votes):
        raise UserError(
            Message("The key of votes in {folder} is not the one that the ledger names.", folder=str(home)),
            Message("Give the ledger's own folder, with the key that was made for this seat."),
        )
    if not signer and office is None:
        _check_whose(ledger.state, key, home)
    if not signer and not (home / _STATE).is_file():
        raise UserError(
            Message("What this validator voted last is missing: {file}", file=str(home / _STATE)),
            Message(
                "Do not start it, and do not make an empty one: it could vote twice, which is what others take for fraud. If the file is"
                " lost, make new keys in a new folder (veche network keys), and have the seat given them (veche office rotate)."
            ),
        )
    replace(home / "config" / "genesis.json", genesis(ledger), PRIVATE)
    data = data_folder(ledger)
    make_folder(home / data, PRIVATE_FOLDER)
    settings = config(pause, socket, Peering.of(ledger.state, key, listen), data, signer)
    replace(home / "config" / "config.toml", settings, PRIVATE)
    return home


def voted(folder: Path) -> int:
    """The height for which the validator of this ledger's folder voted last, 0 if nothing says so: it votes for no lower one again."""
    try:
        return int(json.loads((folder / FOLDER / _STATE).read_bytes())["height"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0


def _check_whose(state: State, key: bytes, home: Path) -> None:
    """Raise UserError if a ledger key that has no seat lies beside the key of votes of one, and is not to have that seat."""
    votes = _key_of(home / _KEY)
    seats = {office.votes: (name, office.institution) for name, office in state.offices.items() if office.active}
    if votes in seats and key not in {change.key for change in state.office_changes.values()}:
        named, institution = seats[votes]
        raise UserError(
            Message(
                "The ledger key beside the ledger is not that of {institution}, whose key of votes is in {folder}. The ledger names {key}.",
                institution=institution,
                folder=str(home),
                key=named.hex(),
            ),
            Message(
                "Put that ledger key into log.key. For another seat, make both keys in a new folder: veche network keys"
            ),
        )


def _key_of(path: Path) -> bytes:
    """The public key in a file of :func:`make_keys`. Raises UserError."""
    try:
        key: Any = json.loads(read_private(path))
        seed = base64.b64decode(key["priv_key"]["value"], validate=True)[:32]
        return SigningKey(seed).public
    except (ValueError, KeyError, TypeError):
        raise UserError(Message("{file} is not a key of votes of CometBFT.", file=str(path))) from None


def address(public: bytes) -> bytes:
    """By which CometBFT names a validator with this consensus key, and a node with this key."""
    return hashlib.sha256(public).digest()[:20]


def _address(public: bytes) -> str:
    return address(public).hex().upper()


def _public(public: bytes) -> dict[str, str]:
    return {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(public).decode()}


def _secret(key: SigningKey) -> dict[str, str]:
    """Go's form of a secret key: the seed and the public key."""
    return {"type": "tendermint/PrivKeyEd25519", "value": base64.b64encode(key.seed + key.public).decode()}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n"
