"""Receipts: the proof that an entry is in the ledger, as one small text file (c2sp.org/tlog-proof).

    c2sp.org/tlog-proof@v1
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
    ...

    city.example/ledger
    109482
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — city.example/ledger hI2DJw...

It shows where the entry is and under which head, and nothing of what the entry says: a voter may show it to anyone
without showing a choice. Whoever has the entry, or its hash, and the keys of a policy checks it without the ledger.
"""

from dataclasses import dataclass

from veche.errors import DoesNotHold
from veche.log import merkle, note
from veche.log.checkpoint import SIZE_LIMIT, Policy, SignedCheckpoint
from veche.texts import Message, Said

FILE_EXTENSION = ".tlog-proof"
EXTRA_LIMIT = 4096  # bytes
_HEADER = "c2sp.org/tlog-proof@v1"
_HEAD_LIMIT = 16 * 1024  # bytes before the checkpoint: the extra line and at most 63 hashes


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry's index, its inclusion proof (hashes of 32 bytes, from the leaf up) and the head that it leads to.

    ``extra`` is what other software may have put in: nothing vouches for it, Veche writes none and reads none.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> "Receipt":
        """Read a receipt; nothing is verified yet. Raises :class:`~veche.errors.DoesNotHold` (step ``receipt``,
        ``note`` or ``checkpoint``) on bytes that are not a receipt in its one form."""
        head, empty_line, checkpoint = data.partition(b"\n\n")
        if not empty_line or not head.isascii():
            raise _wrong(Message("the whole"), Message("no empty line follows the proof"))
        if len(head) > _HEAD_LIMIT:
            raise _wrong(
                Message("the whole"), Message("the proof is longer than {head_limit} bytes", head_limit=_HEAD_LIMIT)
            )
        header, *lines = head.decode("ascii").split("\n")
        if header != _HEADER:
            raise _wrong(Message("line 1"), Message("it does not begin with {header}", header=_HEADER))
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _decode(2, lines.pop(0).removeprefix("extra "))
            if not 0 < len(extra) <= EXTRA_LIMIT:
                raise _wrong(
                    Message("line 2"),
                    Message("the extra data is not 1 to {extra_limit} bytes long", extra_limit=EXTRA_LIMIT),
                )
        number = 3 if extra else 2
        index = lines[0].removeprefix("index ") if lines else ""
        plain = index.isascii() and index.isdigit() and len(index) <= 19 and str(int(index)) == index
        if not lines or not lines[0].startswith("index ") or not plain or int(index) >= SIZE_LIMIT:
            raise _wrong(
                Message("line {number}", number=str(number)), Message("the index is not a plain decimal number")
            )
        proof = []
        for at, line in enumerate(lines[1:], number + 1):
            proof.append(_decode(at, line))
            if len(proof[-1]) != merkle.HASH_SIZE:
                raise _wrong(
                    Message("line {at}", at=str(at)),
                    Message("a hash is not {hash_size} bytes long", hash_size=merkle.HASH_SIZE),
                )
        return cls(int(index), tuple(proof), SignedCheckpoint.parse(checkpoint), extra)

    def to_bytes(self) -> bytes:
        lines = [_HEADER]
        if self.extra:
            lines.append(f"extra {note.encode64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [note.encode64(h) for h in self.proof]
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.checkpoint.to_bytes()

    def verify(self, leaf_hash: bytes, policy: Policy) -> None:
        """Check that the entry with this leaf hash is in the ledger, under a head that satisfies the policy.

        Raises :class:`~veche.errors.DoesNotHold`: step ``note`` or ``checkpoint`` for the head and its signatures,
        ``merkle`` for the proof.
        """
        self.checkpoint.verify(policy)
        head = self.checkpoint.checkpoint
        merkle.verify_inclusion(leaf_hash, self.index, head.size, self.proof, head.root)


def verify_receipt(data: bytes, entry: bytes, policy: Policy) -> Receipt:
    """Read a receipt file and check it for this entry (the bytes of it, not the hash); see :meth:`Receipt.verify`."""
    receipt = Receipt.parse(data)
    receipt.verify(merkle.leaf_hash(entry), policy)
    return receipt


def _decode(number: int, text: str) -> bytes:
    try:
        return note.decode64(text)
    except ValueError:
        raise _wrong(Message("line {number}", number=str(number)), Message("it is not in canonical base64")) from None


def _wrong(where: Said, message: Said) -> DoesNotHold:
    return DoesNotHold("receipt", where, Message("This is not a receipt: {value}.", value=message))
