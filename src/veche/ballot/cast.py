"""The cast signature: what makes an audited ballot worthless to whoever saw it. docs/protocol.md, section 3.1.

A Schnorr signature by the credential over everything else in the ballot entry. It is carried as its commitment R (divided
by eight, like every point of a ballot) and its response z, so that many are verified in one multi-scalar multiplication.
"""

import veche_kernel as kernel

EIGHTH = pow(8, -1, kernel.ORDER).to_bytes(32, "little")


def cast_sign(secret: bytes, prefix: bytes) -> bytes:
    """The 64 bytes R/8 ‖ z by the credential's secret; ``prefix`` is ``veche-cast-v1|hash|``."""
    challenge, response = kernel.schnorr_prove(secret, prefix)
    commitment = kernel.double_mul_vartime(challenge, kernel.base_mul(secret), response)  # public values only
    return kernel.point_mul(EIGHTH, commitment) + response
