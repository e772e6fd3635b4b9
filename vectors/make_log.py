"""Make log_merkle.json, log_checkpoint.json, log_receipt.json and log_tiles.json: python vectors/make_log.py

They are for whoever reads the ledger in another language. Nothing is random: keys come from SHA-256 of a label. Every
case either holds or has one ``fault``; where the specification (c2sp.org) leaves a reader free to accept the fault, and
Veche does not, the case is ``strict``. tests/interop checks all of them with software made by others.

log_merkle.json: ``leaves`` (hexadecimal), ``roots`` of the first 0, 1, 2... of them, ``inclusion``, ``consistency``.
log_checkpoint.json: a signed ``note`` and the ``policies`` that it must satisfy, all of them: an origin, verifier keys
with their power, and a quorum; ``times`` of the cosignatures by known keys.
log_receipt.json: a ``receipt`` of an ``entry`` (hexadecimal), and policies.
log_tiles.json: ``names`` of tiles; the tiles of trees by ``size``; ``bundles`` of ``width`` entries, in hexadecimal.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from veche.keys import SigningKey
from veche.log import merkle, note
from veche.log.checkpoint import Checkpoint, Policy, SignedCheckpoint, cosign, sign
from veche.log.note import COSIGNATURE, ED25519, Note, Signature, Verifier
from veche.log.receipt import Receipt
from veche.log.tiles import ENTRIES, Tile, pack, tiles_of

ORIGIN = "city.example/ledger"
WITNESSES = ["one.example/witness", "two.example/witness", "three.example/witness"]
TIME = 1_767_225_600


def key(label: str) -> SigningKey:
    return SigningKey(hashlib.sha256(f"veche log vectors: {label}".encode()).digest())


LOG = key("log")
LOG_POLICY = Policy.log(ORIGIN, LOG.public)
WITNESS_POLICY = Policy(ORIGIN, {Verifier(name, COSIGNATURE, key(name).public): 1 for name in WITNESSES}, 2)

ENTRY_LIST = [b"", b"\x00", b"ballot", b"\xff" * 40, b"poll", b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"]
LEAVES = [merkle.leaf_hash(entry) for entry in ENTRY_LIST]


def head_of(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, merkle.root(LEAVES[:size]))


def signed(size: int, witnesses: int = 0) -> SignedCheckpoint:
    head = head_of(size)
    lines = [cosign(head, name, key(name), TIME + i) for i, name in enumerate(WITNESSES[:witnesses])]
    return SignedCheckpoint(head, (sign(head, LOG), *lines))


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def merkle_file() -> dict[str, Any]:
    inclusion, consistency = [], []

    def add_inclusion(fault: str | None, leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
        case: dict[str, Any] = {"fault": fault, "leaf_hash": leaf.hex(), "index": index, "size": size}
        inclusion.append({**case, "proof": [h.hex() for h in proof], "root": root.hex()})

    def add_consistency(
        fault: str | None, old: int, old_root: bytes, new: int, root: bytes, proof: list[bytes]
    ) -> None:
        case: dict[str, Any] = {
            "fault": fault,
            "old": old,
            "old_root": old_root.hex(),
            "new": new,
            "new_root": root.hex(),
        }
        consistency.append({**case, "proof": [h.hex() for h in proof]})

    for size, index in [(1, 0), (2, 0), (2, 1), (3, 2), (7, 4), (8, 3), (8, 7), (13, 0), (13, 8), (13, 12)]:
        add_inclusion(
            None, LEAVES[index], index, size, merkle.inclusion_proof(LEAVES[:size], index), head_of(size).root
        )
    root = head_of(13).root
    proof = merkle.inclusion_proof(LEAVES, 9)
    add_inclusion("another leaf", LEAVES[8], 9, 13, proof, root)
    add_inclusion("another index", LEAVES[9], 8, 13, proof, root)
    add_inclusion("an index outside the tree", LEAVES[9], 13, 13, proof, root)
    add_inclusion("the root of another size", LEAVES[9], 9, 13, proof, head_of(12).root)
    add_inclusion("a hash is changed", LEAVES[9], 9, 13, [*proof[:-1], flip(proof[-1])], root)
    add_inclusion("a hash is missing", LEAVES[9], 9, 13, proof[:-1], root)
    add_inclusion("a hash too many", LEAVES[9], 9, 13, [*proof, root], root)
    add_inclusion("hashes exchanged", LEAVES[9], 9, 13, [proof[1], proof[0], *proof[2:]], root)

    for old, new in [(1, 1), (1, 2), (2, 3), (3, 7), (4, 8), (6, 8), (7, 13), (8, 13), (12, 13), (13, 13)]:
        proof = merkle.consistency_proof(LEAVES, old, new)
        add_consistency(None, old, head_of(old).root, new, head_of(new).root, proof)
    good = (7, head_of(7).root, 13, root)
    proof = merkle.consistency_proof(LEAVES, 7, 13)
    add_consistency("the old root is changed", 7, flip(good[1]), 13, root, proof)
    add_consistency("the new root is changed", 7, good[1], 13, flip(root), proof)
    add_consistency("another old size", 6, good[1], 13, root, proof)
    add_consistency("the sizes are exchanged", 13, root, 7, good[1], proof)
    add_consistency("a hash is changed", *good, [flip(proof[0]), *proof[1:]])
    add_consistency("a hash is missing", *good, proof[:-1])
    add_consistency("a hash too many", *good, [*proof, root])
    add_consistency("no proof", *good, [])
    add_consistency("two roots of one size", 13, flip(root), 13, root, [])
    roots = [head_of(size).root.hex() for size in range(len(LEAVES) + 1)]
    return {"leaves": [e.hex() for e in ENTRY_LIST], "roots": roots, "inclusion": inclusion, "consistency": consistency}


def policies_of(*policies: Policy) -> list[dict[str, Any]]:
    return [{"origin": p.origin, "keys": {str(v): n for v, n in p.power.items()}, "quorum": p.quorum} for p in policies]


def checkpoint_file() -> dict[str, Any]:
    cases: list[dict[str, Any]] = []
    head, text = head_of(13), head_of(13).text()
    line = sign(head, LOG)
    wide = signed(13, 3)

    def add(fault: str | None, data: str | Note | SignedCheckpoint, *policies: Policy, strict: bool = False) -> None:
        whole = data if isinstance(data, str) else data.to_bytes().decode("utf-8")
        case: dict[str, Any] = {"fault": fault, "strict": strict, "note": whole, "policies": policies_of(*policies)}
        if isinstance(data, SignedCheckpoint) and fault is None:
            known = {(v.name, v.key_id) for p in policies for v in p.power if v.kind == COSIGNATURE}
            lines = [s for s in data.signatures if (s.name, s.key_id) in known]
            case["size"] = data.checkpoint.size
            case["times"] = {s.name: int.from_bytes(s.data[:8], "big") for s in lines}
        cases.append(case)

    def well_signed(body: str) -> Note:
        return Note(body, (note.sign(body, ORIGIN, LOG),))

    add(None, signed(13), LOG_POLICY)
    add(None, signed(0), LOG_POLICY)
    add(None, wide, LOG_POLICY, WITNESS_POLICY)
    add(None, signed(13, 2), LOG_POLICY, WITNESS_POLICY)
    stranger = Signature("stranger.example", b"abcd", b"a kind of signature that is not known yet")
    add(None, signed(13).add(stranger), LOG_POLICY)
    add(None, signed(13).add(Signature(ORIGIN, b"old!", b"a key of the log that was replaced")), LOG_POLICY)

    add("the size is changed", Note(text.replace("13", "14"), (line,)), LOG_POLICY)
    add("the root is changed", Note(Checkpoint(ORIGIN, 13, flip(head.root)).text(), (line,)), LOG_POLICY)
    add("the origin is changed", Note(text.replace("city", "town"), (line,)), LOG_POLICY)
    add("signed by a key of the same name that is not known", Note(text, (sign(head, key("x")),)), LOG_POLICY)
    forged = Signature(ORIGIN, line.key_id, key("x").sign(text.encode()))
    add("signed by another key with the identifier of the log's", Note(text, (forged,)), LOG_POLICY)
    add("the signature is cut", Note(text, (Signature(ORIGIN, line.key_id, line.data[:-1]),)), LOG_POLICY)
    add("no signature of the log, though witnesses signed", Note(text, wide.signatures[1:]), LOG_POLICY)
    add("no signature", text + "\n", LOG_POLICY)
    add("no empty line before the signature", text + line.line(), LOG_POLICY)
    add("the last newline is missing", (text + "\n" + line.line())[:-1], LOG_POLICY)
    add("lines end like on Windows", (text + "\n" + line.line()).replace("\n", "\r\n"), LOG_POLICY)
    add("a line twice", text + "\n" + line.line() * 2, LOG_POLICY, strict=True)
    add("a size with a leading zero", well_signed(text.replace("\n13\n", "\n013\n")), LOG_POLICY)
    add("a size with a sign", well_signed(text.replace("\n13\n", "\n+13\n")), LOG_POLICY)
    add("a size of more than 63 bits", well_signed(text.replace("\n13\n", f"\n{2**63}\n")), LOG_POLICY)
    add("an extension line", well_signed(text + "extension\n"), LOG_POLICY, strict=True)
    add("a root of 31 bytes", well_signed(f"{ORIGIN}\n13\n{note.encode64(head.root[:31])}\n"), LOG_POLICY)
    root64 = note.encode64(head.root)
    loose = root64[:-2] + chr(ord(root64[-2]) + 1) + "="
    add("base64 of the root with spare bits", well_signed(f"{ORIGIN}\n13\n{loose}\n"), LOG_POLICY, strict=True)
    both = (LOG_POLICY, WITNESS_POLICY)
    add("too few witnesses", signed(13, 1), *both)
    one = wide.signatures[1]
    moved = Signature(one.name, one.key_id, (TIME + 9).to_bytes(8, "big") + one.data[8:])
    add("the time of a cosignature is changed", wide.add(moved), *both)
    earlier = cosign(head_of(12), WITNESSES[0], key(WITNESSES[0]), TIME)
    add("a cosignature of another head", wide.add(earlier), *both)
    renamed = Signature(WITNESSES[1], Verifier(WITNESSES[1], COSIGNATURE, key(WITNESSES[1]).public).key_id, one.data)
    add("one witness signs in the place of another", wide.add(renamed), *both)
    plain = Signature(one.name, one.key_id, one.data[:8] + key(WITNESSES[0]).sign(text.encode()))
    add("a cosignature without its prefix", wide.add(plain), *both)
    as_log = Verifier(WITNESSES[0], ED25519, key(WITNESSES[0]).public).key_id
    other_kind = Note(text, (line, Signature(one.name, as_log, one.data), wide.signatures[2]))
    add("a cosignature under the identifier of another kind", other_kind, *both)
    return {"cases": cases}


def receipt_file() -> dict[str, Any]:
    cases: list[dict[str, Any]] = []

    def add(fault: str | None, entry: bytes, receipt: Receipt | str, *policies: Policy, strict: bool = False) -> None:
        text = receipt if isinstance(receipt, str) else receipt.to_bytes().decode("utf-8")
        case: dict[str, Any] = {"fault": fault, "strict": strict, "entry": entry.hex(), "receipt": text}
        cases.append({**case, "policies": policies_of(*(policies or (LOG_POLICY,)))})

    def receipt_of(index: int, head: SignedCheckpoint, extra: bytes = b"") -> Receipt:
        return Receipt(index, tuple(merkle.inclusion_proof(LEAVES[: head.checkpoint.size], index)), head, extra)

    for size, index in [(1, 0), (2, 1), (8, 5), (13, 2), (13, 12)]:
        add(None, ENTRY_LIST[index], receipt_of(index, signed(size)))
    add(None, ENTRY_LIST[2], receipt_of(2, signed(13, 3)), LOG_POLICY, WITNESS_POLICY)
    add(None, ENTRY_LIST[2], receipt_of(2, signed(13), b"whatever: nothing vouches for it"))

    good = receipt_of(9, signed(13))
    entry, text, proof = ENTRY_LIST[9], good.to_bytes().decode("utf-8"), good.proof
    add("another entry", ENTRY_LIST[8], good)
    add("the hash of the entry in its place", LEAVES[9], good)
    add("another index", entry, Receipt(8, proof, signed(13)))
    add("an index outside the tree", entry, Receipt(13, proof, signed(13)))
    add("a hash is changed", entry, Receipt(9, (flip(proof[0]), *proof[1:]), signed(13)))
    add("a hash is missing", entry, Receipt(9, proof[:-1], signed(13)))
    add("a hash too many", entry, Receipt(9, (*proof, proof[0]), signed(13)))
    add("hashes exchanged", entry, Receipt(9, (proof[1], proof[0], *proof[2:]), signed(13)))
    add("the head of another size", entry, Receipt(9, proof, signed(12)))
    add("the head is not signed", entry, text[: text.rindex("— ")])
    stranger = SignedCheckpoint(head_of(13), (sign(head_of(13), key("x")),))
    add("the head is signed by a key that is not known", entry, Receipt(9, proof, stranger))
    add("too few witnesses", entry, receipt_of(9, signed(13, 1)), LOG_POLICY, WITNESS_POLICY)
    add("another version", entry, text.replace("@v1", "@v2"))
    add("no index", entry, text.replace("index 9\n", ""))
    add("a negative index", entry, text.replace("index 9", "index -9"))
    add("an index with a leading zero", entry, text.replace("index 9", "index 09"), strict=True)
    add("no empty line before the head", entry, text.replace("\n\n", "\n", 1))
    add("an empty line before the proof", entry, text.replace("index 9\n", "index 9\n\n"))
    add("lines of the proof end like on Windows", entry, text.replace("\n\n", "\r\n\n", 1), strict=True)
    last = note.encode64(proof[-1])
    loose = last[:-2] + chr(ord(last[-2]) + 1) + "="
    add("base64 of a hash with spare bits", entry, text.replace(last, loose), strict=True)
    add("the receipt is cut", entry, text[:-1])
    return {"cases": cases}


def tiles_file() -> dict[str, Any]:
    bundles: list[dict[str, Any]] = []

    def add(fault: str | None, width: int, data: bytes, entries: list[bytes] | None = None) -> None:
        case: dict[str, Any] = {"fault": fault, "width": width, "data": data.hex()}
        bundles.append(case if entries is None else {**case, "entries": [e.hex() for e in entries]})

    for count in (1, 2, 13):
        add(None, count, pack(ENTRY_LIST[:count]), ENTRY_LIST[:count])
    data = pack(ENTRY_LIST[:4])
    add("the last entry is cut", 4, data[:-1])
    add("a length is cut", 4, pack(ENTRY_LIST[:3]) + b"\x00")
    add("an entry is missing", 4, pack(ENTRY_LIST[:3]))
    add("an entry too many", 4, pack(ENTRY_LIST[:5]))
    add("a byte too many", 4, data + b"\x00")
    add("a length is too large", 4, b"\xff\xff" + data[2:])
    shown = [
        Tile(ENTRIES, 0),
        Tile(ENTRIES, 1234067, 5),
        Tile(0, 999),
        Tile(0, 1000),
        Tile(1, 1234067),
        Tile(63, 7, 255),
    ]
    names = [{"name": t.name, "level": t.level, "index": t.index, "width": t.width} for t in shown]
    sizes = (0, 1, 255, 256, 257, 512, 1000)
    return {
        "names": names,
        "trees": [{"size": size, "tiles": sorted(t.name for t in tiles_of(size))} for size in sizes],
        "bundles": bundles,
    }


def files() -> dict[str, str]:
    """The files by name, as they should be."""
    made = {
        "log_merkle.json": merkle_file(),
        "log_checkpoint.json": checkpoint_file(),
        "log_receipt.json": receipt_file(),
        "log_tiles.json": tiles_file(),
    }
    return {name: json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in made.items()}


if __name__ == "__main__":
    for name, content in files().items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
