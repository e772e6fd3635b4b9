"""The Merkle tree of the ledger, as RFC 6962 (section 2.1) and RFC 9162 define it, over SHA-256.

A tree is named by its *size*, the number of leaves, and by its *root*. All hashes are 32 bytes, indices count from
zero. Whoever holds a root can check that an entry is at an index (*inclusion*) and that a larger tree only appended to
a smaller one (*consistency*), each with about log2(size) hashes.

Proofs are described first as ranges of leaves (:func:`inclusion_ranges`, :func:`consistency_ranges`), the hashes of
which make the proof. So the same few lines serve a list of leaf hashes here and hash tiles on disk.
"""

import hashlib
from collections.abc import Sequence

from veche.errors import DoesNotHold
from veche.texts import Message, Said

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf, SHA-256(0x00 || data) (RFC 6962, section 2.1)."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node, SHA-256(0x01 || left || right) (RFC 6962, section 2.1)."""
    return _sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """The largest power of two smaller than ``size`` (``size`` > 1): where RFC 6962 divides a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def next_level(hashes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours in pairs; a last one without neighbour moves up as it is."""
    level = [_sha256(b"\x01" + hashes[i] + hashes[i + 1]).digest() for i in range(0, len(hashes) - 1, 2)]
    if len(hashes) % 2:
        level.append(hashes[-1])
    return level


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over these leaf hashes (RFC 6962, section 2.1); SHA-256 of nothing for no leaves."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level: Sequence[bytes] = leaf_hashes
    while len(level) > 1:
        level = next_level(level)
    return level[0]


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges ``(start, end)`` of leaves whose roots prove that leaf ``index`` is in the tree of ``size`` leaves.

    From the leaf up to the root (RFC 6962, section 2.1.1). Raises ``ValueError`` unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of size {size}")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The ranges ``(start, end)`` of leaves whose roots prove that the tree of ``new`` leaves extends that of ``old``.

    In the order of RFC 6962, section 2.1.2; none for ``old`` = 0 (any tree extends the empty one) and for ``old`` =
    ``new``. Raises ``ValueError`` unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of size {new} cannot extend one of size {old}")
    if old == 0:
        return []
    start, end, ranges = 0, new, []
    while old < end:
        middle = start + split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # the old tree's last subtree: the verifier of the whole old tree knows it already
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree over ``leaf_hashes``, from the leaf up; ``ValueError`` if not."""
    return [root(leaf_hashes[start:end]) for start, end in inclusion_ranges(index, len(leaf_hashes))]


def consistency_proof(leaf_hashes: Sequence[bytes], old: int, new: int) -> list[bytes]:
    """The proof that the tree of the first ``new`` leaves extends that of the first ``old``; ``ValueError`` if not."""
    if new > len(leaf_hashes):
        raise ValueError(f"no tree of size {new} over {len(leaf_hashes)} leaves")
    return [root(leaf_hashes[start:end]) for start, end in consistency_ranges(old, new)]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with this hash is at ``index`` of the tree of ``size`` leaves that has this ``root``.

    RFC 9162, section 2.1.3.2. Raises :class:`~veche.errors.DoesNotHold` (step ``merkle``) if it is not.
    """
    where = Message("inclusion of {index} in {size}", index=str(index), size=str(size))
    if not 0 <= index < size:
        raise DoesNotHold("merkle", where, Message("a tree of size {size} has no leaf {index}", size=size, index=index))
    _check_hashes(where, (leaf_hash, *proof, root))
    node, last, current = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise DoesNotHold("merkle", where, Message("the inclusion proof is too long"))
        if node % 2 or node == last:
            current = node_hash(sibling, current)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise DoesNotHold("merkle", where, Message("the inclusion proof is too short"))
    if current != root:
        raise DoesNotHold("merkle", where, Message("the inclusion proof does not lead to the root"))


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of ``new_size`` leaves with ``new_root`` begins with that of ``old_size`` and ``old_root``.

    RFC 9162, section 2.1.4.2, and with an empty proof: equal trees, and an old tree without leaves. Raises
    :class:`~veche.errors.DoesNotHold` (step ``merkle``) if it does not: then somebody rewrote the log.
    """
    where = Message("consistency of {old} with {new}", old=str(old_size), new=str(new_size))
    if not 0 <= old_size <= new_size:
        raise DoesNotHold(
            "merkle",
            where,
            Message(
                "a tree of size {new_size} cannot extend one of size {old_size}", new_size=new_size, old_size=old_size
            ),
        )
    _check_hashes(where, (old_root, *proof, new_root))
    if (old_size == 0 and old_root != EMPTY_ROOT) or (new_size == 0 and new_root != EMPTY_ROOT):
        raise DoesNotHold("merkle", where, Message("a tree without leaves has another root"))
    if old_size in (0, new_size):
        if proof:
            raise DoesNotHold("merkle", where, Message("the consistency proof should be empty"))
        if old_size == new_size and old_root != new_root:
            raise DoesNotHold("merkle", where, Message("two different trees have the same size"))
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # a perfect old tree is itself the first subtree
        path.insert(0, old_root)
    if not path:
        raise DoesNotHold("merkle", where, Message("the consistency proof is too short"))
    node, last = old_size - 1, new_size - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise DoesNotHold("merkle", where, Message("the consistency proof is too long"))
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node % 2 == 0 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise DoesNotHold("merkle", where, Message("the consistency proof is too short"))
    if old != old_root:
        raise DoesNotHold("merkle", where, Message("the consistency proof does not lead to the old root"))
    if new != new_root:
        raise DoesNotHold("merkle", where, Message("the consistency proof does not lead to the new root"))


class Frontier:
    """The right edge of a tree: all that is needed to append leaves and to name the root.

    It holds the roots of the perfect subtrees that the leaves so far divide into, largest first: one for each bit
    that is set in the size. Appending costs one node hash on average.
    """

    __slots__ = ("_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf, given by its 32-byte hash."""
        size = self.size
        subtrees = self._subtrees
        while size & 1:  # each trailing one bit is a subtree as large as the one in hand
            leaf_hash = _sha256(b"\x01" + subtrees.pop() + leaf_hash).digest()
            size >>= 1
        subtrees.append(leaf_hash)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree over all leaves so far."""
        if not self._subtrees:
            return EMPTY_ROOT
        current = self._subtrees[-1]
        for subtree in self._subtrees[-2::-1]:
            current = node_hash(subtree, current)
        return current

    def copy(self) -> "Frontier":
        """An independent frontier of the same tree: to try entries that may be thrown away."""
        other = Frontier()
        other.size, other._subtrees = self.size, self._subtrees.copy()
        return other

    def to_bytes(self) -> bytes:
        """Eight bytes of size, big-endian, then the subtree roots, largest first."""
        return self.size.to_bytes(8, "big") + b"".join(self._subtrees)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """The inverse of :meth:`to_bytes`; raises :class:`~veche.errors.DoesNotHold` on another length."""
        frontier = cls()
        frontier.size = int.from_bytes(data[:8], "big")
        if len(data) != 8 + HASH_SIZE * frontier.size.bit_count():
            raise DoesNotHold(
                "merkle",
                Message("the edge of the tree"),
                Message("{data} bytes are no frontier of size {size}", data=len(data), size=frontier.size),
            )
        frontier._subtrees = [data[i : i + HASH_SIZE] for i in range(8, len(data), HASH_SIZE)]
        return frontier


def _check_hashes(where: Said, hashes: Sequence[bytes]) -> None:
    if any(len(h) != HASH_SIZE for h in hashes):
        raise DoesNotHold("merkle", where, Message("a hash is not {hash_size} bytes long", hash_size=HASH_SIZE))
