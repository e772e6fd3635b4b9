"""The Merkle tree against a recursive reading of RFC 6962, for every pair of small sizes and for random large ones."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veche.errors import DoesNotHold
from veche.log import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word; takes entries, not leaf hashes."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < n:
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    n = len(leaves)
    if n == 1:
        return []
    k = 1
    while 2 * k < n:
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], complete: bool) -> list[bytes]:
    """RFC 6962, section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if complete else [naive_root(leaves)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], complete), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def entries(n: int) -> list[bytes]:
    return [b"entry %d" % i for i in range(n)]


SMALL = 41
ENTRIES = entries(SMALL)
LEAVES = [merkle.leaf_hash(e) for e in ENTRIES]
ROOTS = [naive_root(ENTRIES[:n]) for n in range(SMALL)]


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_known_roots() -> None:
    """The roots that the Certificate Transparency reference implementation publishes for its test leaves."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]
    for size, root in roots.items():
        assert merkle.root(hashes[:size]).hex() == root


def test_roots_and_frontier() -> None:
    frontier = merkle.Frontier()
    for n in range(SMALL):
        assert merkle.root(LEAVES[:n]) == ROOTS[n] == frontier.root()
        assert frontier.size == n
        again = merkle.Frontier.from_bytes(frontier.to_bytes())
        assert (again.size, again.root(), again.to_bytes()) == (n, ROOTS[n], frontier.to_bytes())
        copy = frontier.copy()
        frontier.append(LEAVES[n])
        assert copy.root() == ROOTS[n]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=600))
def test_root_of_any_entries(data: list[bytes]) -> None:
    hashes = [merkle.leaf_hash(d) for d in data]
    frontier = merkle.Frontier()
    for h in hashes:
        frontier.append(h)
    assert merkle.root(hashes) == naive_root(data) == frontier.root()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_frontier_refuses_other_lengths(data: bytes) -> None:
    size = int.from_bytes(data[:8], "big")
    if len(data) == 8 + 32 * size.bit_count():
        assert merkle.Frontier.from_bytes(data).to_bytes() == data
    else:
        with pytest.raises(DoesNotHold):
            merkle.Frontier.from_bytes(data)


def test_every_inclusion_proof() -> None:
    for size in range(1, SMALL):
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES[:size], index)
            assert proof == naive_path(index, ENTRIES[:size])
            merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_wrong_inclusion_is_refused() -> None:
    """Any other leaf, index, root or proof: one hash less, more or changed, or two exchanged."""
    for size in range(1, 20):
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES[:size], index)
            good = (LEAVES[index], index, size, proof, ROOTS[size])
            bad: list[tuple[bytes, int, int, list[bytes], bytes]] = [
                (flip(LEAVES[index], 0), *good[1:]),
                (LEAVES[index][:-1], *good[1:]),
                (*good[:4], ROOTS[size - 1]),
                (*good[:4], flip(ROOTS[size], 31)),
                (*good[:3], [*proof, LEAVES[0]], ROOTS[size]),
                (*good[:3], [LEAVES[0], *proof], ROOTS[size]),
                (LEAVES[index], -1, *good[2:]),
                (LEAVES[index], size, *good[2:]),
            ]
            bad += [(LEAVES[index], other, *good[2:]) for other in range(size) if other != index]
            bad += [(*good[:3], proof[:i] + proof[i + 1 :], ROOTS[size]) for i in range(len(proof))]
            bad += [(*good[:3], [*proof[:i], flip(p, 7), *proof[i + 1 :]], ROOTS[size]) for i, p in enumerate(proof)]
            bad += [(*good[:3], [*proof[:i], p + b"\x00", *proof[i + 1 :]], ROOTS[size]) for i, p in enumerate(proof)]
            if len(proof) > 1:
                bad.append((*good[:3], proof[::-1], ROOTS[size]))
            for case in bad:
                with pytest.raises(DoesNotHold) as error:
                    merkle.verify_inclusion(*case)
                assert error.value.step == "merkle"


def test_no_byte_moves_between_a_leaf_and_its_sibling() -> None:
    """A node's hash is over both its children: with other lengths they could be divided elsewhere."""
    for size in range(2, 20):
        proof = merkle.inclusion_proof(LEAVES[:size], 0)
        moved = [LEAVES[0][31:] + proof[0], *proof[1:]]
        with pytest.raises(DoesNotHold, match="not 32 bytes"):
            merkle.verify_inclusion(LEAVES[0][:31], 0, size, moved, ROOTS[size])


def test_no_consistency_proof_at_all() -> None:
    for new in range(2, SMALL):
        for old in range(1, new):
            with pytest.raises(DoesNotHold, match="too short"):
                merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], [])


def test_every_consistency_proof() -> None:
    for new in range(SMALL):
        for old in range(new + 1):
            proof = merkle.consistency_proof(LEAVES, old, new)
            assert proof == (naive_subproof(old, ENTRIES[:new], True) if old else [])
            merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], proof)


def test_wrong_consistency_is_refused() -> None:
    for new in range(1, 25):
        for old in range(new + 1):
            proof = merkle.consistency_proof(LEAVES, old, new)
            good = (old, ROOTS[old], new, ROOTS[new], proof)
            bad: list[tuple[int, bytes, int, bytes, list[bytes]]] = [
                (old, flip(ROOTS[old], 3), *good[2:]),
                (*good[:4], [*proof, LEAVES[0]]),
                (*good[:4], [LEAVES[0], *proof]),
                (old, ROOTS[old][:31], *good[2:]),
                (-1, *good[1:]),
                (new + 1, *good[1:]),
            ]
            if old:  # any tree extends the empty one
                bad.append((*good[:3], flip(ROOTS[new], 3), proof))
            bad += [(*good[:4], proof[:i] + proof[i + 1 :]) for i in range(len(proof))]
            bad += [(*good[:4], [*proof[:i], flip(p, 9), *proof[i + 1 :]]) for i, p in enumerate(proof)]
            bad += [(*good[:4], [*proof[:i], p[1:], *proof[i + 1 :]]) for i, p in enumerate(proof)]
            for case in bad:
                with pytest.raises(DoesNotHold):
                    merkle.verify_consistency(*case)


def test_old_root_is_bound_to_its_size() -> None:
    for new in range(2, 25):
        for old in range(1, new):
            proof = merkle.consistency_proof(LEAVES, old, new)
            for other in range(new + 1):
                if other != old:
                    with pytest.raises(DoesNotHold):
                        merkle.verify_consistency(other, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_such_leaf(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_ranges(index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_no_such_trees(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="cannot extend"):
        merkle.consistency_ranges(old, new)


def test_no_tree_beyond_the_leaves() -> None:
    with pytest.raises(ValueError, match="no tree"):
        merkle.consistency_proof(LEAVES, 3, SMALL + 1)
