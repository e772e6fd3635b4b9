"""The engine that a charter names: one process with the log's key, or a network of validators. docs/protocol.md, section 2.1."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

from veche.errors import Refused
from veche.ledger import shape
from veche.texts import Message

EMBEDDED, COMETBFT = "embedded", "cometbft"
"""Names of engines."""
MAX_VALIDATORS = 64
"""The most validators of a network: their cosignatures and those of witnesses fit into a checkpoint."""
MAX_ADDRESS = 200
"""The most characters of a validator's addresses."""
_HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
_URL = re.compile(rf"https?://{_HOST}(?::([1-9][0-9]{{0,4}}))?")
_PEER = re.compile(rf"([0-9a-f]{{40}})@{_HOST}:([1-9][0-9]{{0,4}})")


class Validator(NamedTuple):
    """A validator as those know it who check heads: ``key`` (the ledger key, that of its office) cosigns them, ``votes`` (the
    consensus key) decides blocks; both are Ed25519."""

    institution: str
    key: bytes
    votes: bytes


class ValidatorRow(NamedTuple):
    """What a charter says of a validator beside its office: the consensus key, the public HTTP address, and CometBFT's ``id@host:port``."""

    institution: str
    votes: bytes
    url: str
    peer: str

    @property
    def node(self) -> str:
        """The id by which other nodes know this one."""
        return self.peer.partition("@")[0]

    @classmethod
    def parse(cls, item: Any) -> "ValidatorRow":
        """Raises Refused."""
        row = shape.array(item, "A validator", 4, 4)
        institution = shape.word(row[0], "A validator's institution")
        votes = shape.office_key(row[1], "A consensus key")
        return cls(institution, votes, url_address(row[2]), peer_address(row[3]))


@dataclass(frozen=True)
class Embedded:
    """One process, run by the institution ``operator``, which makes a block every so many ``seconds`` at most; ``log_key`` signs heads."""

    seconds: int
    operator: str
    log_key: bytes

    name: ClassVar[str] = EMBEDDED
    validators: ClassVar[tuple[ValidatorRow, ...]] = ()

    def body(self) -> list[Any]:
        return [EMBEDDED, self.seconds, self.operator, self.log_key]

    @property
    def operators(self) -> tuple[str, ...]:
        """The institutions that run it."""
        return (self.operator,)


@dataclass(frozen=True)
class Network:
    """CometBFT, run by ``validators``, of which over two thirds agree on each block; ``seconds`` between two blocks at most."""

    seconds: int
    validators: tuple[ValidatorRow, ...]

    name: ClassVar[str] = COMETBFT

    def body(self) -> list[Any]:
        return [COMETBFT, self.seconds, [list(row) for row in self.validators]]

    @property
    def operators(self) -> tuple[str, ...]:
        """The institutions that run it."""
        return tuple(row.institution for row in self.validators)

    def check_order(self, rule: str) -> None:
        """Raise Refused with this rule unless the rows are in order and nobody shares a key or an address with another."""
        names = [row.institution for row in self.validators]
        if any(one >= other for one, other in pairwise(names)):
            raise Refused(rule, Message("The validators must be in ascending order of their institutions, each once."))
        for own in ("votes", "url", "node"):
            if len({getattr(row, own) for row in self.validators}) < len(self.validators):
                raise Refused(rule, Message("Two validators share a consensus key, an address or a node's id."))


Engine = Embedded | Network


def read_engine(item: Any) -> Engine:
    """The engine in a charter. Raises Refused."""
    row = shape.array(item, "The engine", 2, 4)
    seconds = shape.uint(row[1], "The engine's seconds between blocks", 1, 60)
    if row[0] == EMBEDDED and len(row) == 4:
        return Embedded(seconds, shape.word(row[2], "The operator"), shape.office_key(row[3], "The log's key"))
    if row[0] == COMETBFT and len(row) == 3:
        rows = shape.array(row[2], "The validators", 1, MAX_VALIDATORS)
        made = Network(seconds, tuple(ValidatorRow.parse(one) for one in rows))
        made.check_order("charter")
        return made
    raise Refused(
        "charter", Message("This program does not know the engine {engine!r}, or what is said of it.", engine=row[0])
    )


def url_address(item: Any) -> str:
    """The public HTTP address of a node: scheme, host, and a port if it is another than usual. Raises Refused("shape", ...)."""
    said = shape.word(item, "An address", MAX_ADDRESS)
    found = _URL.fullmatch(said)
    if found is None or int(found[1] or 1) > 65_535:
        raise shape.refuse(
            Message("{said!r} is not the address of a node.", said=said),
            Message(
                "It is of the form https://node.example or http://node.example:8080, in lower case and without a path."
            ),
        )
    return said


def peer_address(item: Any) -> str:
    """Where CometBFT finds another: ``id@host:port``. Raises Refused("shape", ...)."""
    said = shape.word(item, "A peer's address", MAX_ADDRESS)
    found = _PEER.fullmatch(said)
    if found is None or int(found[2]) > 65_535:
        raise shape.refuse(
            Message("{said!r} is not the address of a peer.", said=said),
            Message("It is of the form ID@node.example:26656, ID being 40 hexadecimal digits."),
        )
    return said
