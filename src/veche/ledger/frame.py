"""The frame of a log: what it would hold if nobody had voted. docs/protocol.md, section 2.2.

Nearly all of a log is ballots. The frame is all else: megabytes where the log has gigabytes. Each block names how many entries it
has and the root of a tree over them, so that whoever joins takes the frame first, and sees that none of it is missing. docs/adr/0025.
"""

from veche.log.merkle import leaf_hash


def frame_leaf(number: int, hashed: bytes) -> bytes:
    """The leaf hash in the frame's tree of the entry with this number, of which ``hashed`` is the leaf hash in the log's."""
    return leaf_hash(number.to_bytes(8) + hashed)
