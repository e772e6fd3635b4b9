"""Ed25519's prime-order group in plain Python: slow, short, and sharing nothing with the kernel that it is compared with.

Extended coordinates (Hisil, Wong, Carter, Dawson, ASIACRYPT 2008); encodings of RFC 8032, section 5.1.
"""

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add(a: Point, b: Point) -> Point:
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(a: Point) -> Point:
    return -a[0] % P, a[1], a[2], -a[3] % P


def mul(k: int, a: Point) -> Point:
    result = NEUTRAL
    while k:
        if k & 1:
            result = add(result, a)
        a = add(a, a)
        k >>= 1
    return result


def same(a: Point, b: Point) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def encode(a: Point) -> str:
    """Belenios's text: hexadecimal, big-endian, the parity of x on top."""
    inverse = pow(a[2], -1, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return f"{y + ((x & 1) << 255):064x}"


def decode(text: str) -> Point:
    """The point of the prime-order subgroup that ``text`` spells canonically; ValueError if there is none."""
    a = decode_any(text)
    if encode(a) != text or not same(mul(Q, a), NEUTRAL):
        raise ValueError("not an element of the group")
    return a


def decode_any(text: str) -> Point:
    """A point of the curve, of whatever order."""
    if len(text) != 64 or text != text.lower():
        raise ValueError("not 64 lowercase digits")
    number = int(text, 16)
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= P:
        raise ValueError("y is not reduced")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (v * x * x - u) % P:
        raise ValueError("not on the curve")
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


BASE = decode_any(f"{4 * pow(5, -1, P) % P:064x}")


def small_order() -> dict[int, Point]:
    """A point of each small order 2, 4, 8: (any point)·q has an order that divides 8."""
    found: dict[int, Point] = {}
    y = 2
    while len(found) < 3:
        try:
            point = mul(Q, decode_any(f"{y:064x}"))
        except ValueError:
            point = NEUTRAL
        for _ in range(3):
            order = next(k for k in (1, 2, 4, 8) if same(mul(k, point), NEUTRAL))
            if order > 1:
                found.setdefault(order, point)
            point = add(point, point)
        y += 1
    return found
