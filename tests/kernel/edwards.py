"""Edwards25519 in plain Python, slow and short: points outside the prime-order subgroup, which others refuse to make.

Affine coordinates, formulas of RFC 8032, section 5.1. For tests only: nothing here is constant-time.
"""

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

Affine = tuple[int, int]
NEUTRAL: Affine = (0, 1)


def add(a: Affine, b: Affine) -> Affine:
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def mul(n: int, a: Affine) -> Affine:
    result = NEUTRAL
    while n:
        if n & 1:
            result = add(result, a)
        a, n = add(a, a), n >> 1
    return result


def encode(a: Affine) -> bytes:
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Affine | None:
    """The point, if its encoding is canonical and on the curve; of any order."""
    value = int.from_bytes(data, "little")
    y, sign = value & (2**255 - 1), value >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x), y


def order(a: Affine) -> int:
    """1, 2, 4 or 8 for a point of small order, Q times that for others."""
    for cofactor in (1, 2, 4, 8):
        if mul(cofactor, a) == NEUTRAL:
            return cofactor
        if mul(cofactor * Q, a) == NEUTRAL:
            return cofactor * Q
    raise AssertionError("no point of the curve has another order")


def _torsion() -> list[bytes]:
    """The eight points of small order, as multiples of one of order eight: the identity first."""
    y = 2
    while True:
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            small = mul(Q, point)
            if order(small) == 8:
                return [encode(mul(k, small)) for k in range(8)]
        y += 1


TORSION = _torsion()

# Encodings that a lenient decoder would take: y + p for small y on the curve, and the sign bit on x = 0.
NON_CANONICAL = [
    (y + P | sign << 255).to_bytes(32, "little")
    for y in range(19)
    for sign in (0, 1)
    if decode(y.to_bytes(32, "little")) is not None
] + [(y | 1 << 255).to_bytes(32, "little") for y in (1, P - 1)]
