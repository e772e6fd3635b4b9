"""The exact bytes that a permit signs (docs/protocol.md, section 4.1).

``veche-permit-v1|`` hex(poll) ``|`` group in decimal ``|`` hex(credential): who holds the credential may vote in this
group of this poll. Poll and credential are 32 bytes, hex is lowercase, the group an index from zero.
"""


def permit_message(poll: bytes, group: int, credential: bytes) -> bytes:
    """The message of a permit, without the prefix.

    credential: the point as RFC 8032 writes it, not divided by eight. Raises ValueError if the poll
    or the credential is not 32 bytes or the group is negative.
    """
    if len(poll) != 32 or len(credential) != 32 or group < 0:
        raise ValueError("a poll and a credential are 32 bytes each, a group is an index from zero")
    return f"veche-permit-v1|{poll.hex()}|{group}|{credential.hex()}".encode()
