"""Key generation and decryption written a second time, from docs/protocol.md and the Belenios specification alone.

With libsodium for the group and plain integers for the rest; nothing of the veche package. Nothing is random: every
scalar comes from SHA-512 of a label, so whoever has the vectors can follow each value. Not for real keys.
"""

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)

Q = 2**252 + 27742317777372353535851937790883648493


def draw(label: str) -> int:
    """A scalar that depends on the label."""
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "little") % Q


def scalar(value: int) -> bytes:
    return (value % Q).to_bytes(32, "little")


def base(value: int) -> bytes:
    return crypto_scalarmult_ed25519_base_noclamp(scalar(value))


def mul(value: int, point: bytes) -> bytes:
    return crypto_scalarmult_ed25519_noclamp(scalar(value), point)


def total(points: list[bytes]) -> bytes:
    result = points[0]
    for point in points[1:]:
        result = crypto_core_ed25519_add(result, point)
    return result


def minus(a: bytes, b: bytes) -> bytes:
    return crypto_core_ed25519_sub(a, b)


def text(point: bytes) -> str:
    return point[::-1].hex()


def h(message: str) -> int:
    return int.from_bytes(hashlib.sha256(message.encode()).digest(), "big") % Q


def schnorr(secret: int, prefix: str, label: str) -> bytes:
    w = draw(f"{label} w")
    c = h(prefix + text(base(w)))
    return scalar(c) + scalar(w - secret * c)


def equality(secret: int, alpha: bytes, prefix: str, label: str) -> bytes:
    w = draw(f"{label} w")
    c = h(f"{prefix}{text(base(w))},{text(mul(w, alpha))}")
    return scalar(c) + scalar(w - secret * c)


def signed(secret: int, message: str, label: str) -> bytes:
    return schnorr(secret, f"sigmsg|{message}|", label)


def proof_json(proof: bytes) -> dict[str, str]:
    return {
        "challenge": str(int.from_bytes(proof[:32], "little")),
        "response": str(int.from_bytes(proof[32:], "little")),
    }


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def hkdf(key: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, an empty salt and one block of output."""
    extracted = hmac.new(bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def seal(committee: bytes, dealer: int, recipient: int, key: bytes, value: int, label: str) -> bytes:
    e = draw(f"{label} e")
    point = base(e)
    secret = hkdf(point + mul(e, key), f"veche-share-v1|{committee.hex()}|{dealer}|{recipient}".encode())
    return point + ChaCha20Poly1305(secret).encrypt(bytes(12), scalar(value), None)


class Ceremony:
    """A committee in mode pedersen: every value of it, public and secret."""

    def __init__(self, label: str, size: int, threshold: int) -> None:
        self.label, self.size, self.threshold = label, size, threshold
        self.id = hashlib.sha256(label.encode()).digest()
        members = range(1, size + 1)
        self.signing = [draw(f"{label} {j} sk") for j in members]
        self.decryption = [draw(f"{label} {j} dk") for j in members]
        self.coefficients = [[draw(f"{label} {j} a{k}") for k in range(threshold)] for j in members]
        self.encryption = [base(dk) for dk in self.decryption]
        self.exponents = [[base(a) for a in row] for row in self.coefficients]
        self.certificates = [self.certificate(j) for j in members]
        self.shares = [self.deal(j) for j in members]
        self.secrets = [sum(self.f(i, j) for i in members) % Q for j in members]
        self.keys = [self.key(j) for j in members]
        self.public_key = total([row[0] for row in self.exponents])

    def f(self, dealer: int, x: int) -> int:
        return sum(a * pow(x, k, Q) for k, a in enumerate(self.coefficients[dealer - 1])) % Q

    def certificate_message(self, j: int) -> str:
        context = {"group": "Ed25519", "size": self.size, "threshold": self.threshold, "index": j}
        verification, encryption = base(self.signing[j - 1]), self.encryption[j - 1]
        return compact({"context": context, "verification": text(verification), "encryption": text(encryption)})

    def certificate(self, j: int) -> list[bytes]:
        signature = signed(self.signing[j - 1], self.certificate_message(j), f"{self.label} {j} certificate")
        commitment = hashlib.sha256(b"".join(self.exponents[j - 1])).digest()
        return [base(self.signing[j - 1]), self.encryption[j - 1], signature, commitment]

    def certs_json(self) -> list[dict[str, object]]:
        return [
            {"message": self.certificate_message(j), "signature": proof_json(self.certificates[j - 1][2])}
            for j in range(1, self.size + 1)
        ]

    def exponents_message(self, j: int) -> str:
        return compact({"coefexps": [text(point) for point in self.exponents[j - 1]]})

    def deal(self, j: int) -> list[Any]:
        sk, label = self.signing[j - 1], f"{self.label} {j}"
        seen = compact({"certs": self.certs_json(), "coefexps": [text(point) for point in self.exponents[j - 1]]})
        sealed = [
            seal(self.id, j, i, self.encryption[i - 1], self.f(j, i), f"{label} to {i}")
            for i in range(1, self.size + 1)
        ]
        exponents = b"".join(self.exponents[j - 1])
        signature = signed(sk, self.exponents_message(j), f"{label} exponents")
        return [exponents, signature, signed(sk, f"certs_sig|{seen}", f"{label} certificates"), sealed]

    def key(self, j: int) -> list[bytes]:
        x, label = self.secrets[j - 1], f"{self.label} {j}"
        key = base(x)
        proof = schnorr(x, f"pok|Ed25519|{text(key)}|", f"{label} pok")
        return [key, proof, signed(self.signing[j - 1], text(key), f"{label} key")]

    def trustees_json(self) -> str:
        """The archive's text, built as objects and written compactly."""
        members = range(self.size)
        value = {
            "threshold": self.threshold,
            "certs": self.certs_json(),
            "coefexps": [
                {"message": self.exponents_message(j + 1), "signature": proof_json(self.shares[j][1])} for j in members
            ],
            "signatures": [proof_json(self.shares[j][2]) for j in members],
            "verification_keys": [
                {"pok": proof_json(proof), "public_key": text(key), "signature": proof_json(signature)}
                for key, proof, signature in self.keys
            ],
        }
        return compact([["Pedersen", value]])


def single(label: str, size: int) -> list[list[bytes]]:
    """The keys of a committee in mode single."""
    rows = []
    for j in range(1, size + 1):
        x = draw(f"{label} {j} x")
        key = base(x)
        rows.append([key, schnorr(x, f"pok|Ed25519|{text(key)}|", f"{label} {j} pok"), b""])
    return rows


def single_json(keys: list[list[bytes]]) -> str:
    return compact([["Single", {"pok": proof_json(proof), "public_key": text(key)}] for key, proof, _ in keys])


def binding_prefix(phi: str, tally: bytes, public: bytes, i: int, alpha: bytes, factor: bytes) -> str:
    return f"veche-decrypt-v1|{phi}|{tally.hex()}|{text(public)}|{i}|{text(alpha)},{text(factor)}|"


def share(secret: int, alphas: list[bytes], phi: str, tally: bytes, part: int, label: str) -> list[bytes]:
    """Factors, Belenios proofs (part 0), binding proofs."""
    public, count = base(secret), len(alphas)
    factors = [mul(secret, alpha) for alpha in alphas]
    belenios = [
        equality(secret, alpha, f"decrypt|{phi}|{text(public)}|", f"{label} {part} {j} belenios")
        for j, alpha in enumerate(alphas)
    ]
    bound = [
        equality(
            secret,
            alpha,
            binding_prefix(phi, tally, public, part * count + j, alpha, factor),
            f"{label} {part} {j} bound",
        )
        for j, (alpha, factor) in enumerate(zip(alphas, factors, strict=True))
    ]
    return [b"".join(factors), b"".join(belenios) if part == 0 else b"", b"".join(bound)]


def hexed(value: object) -> object:
    """The same value with hexadecimal digits in place of bytes, for JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [hexed(item) for item in value]
    if isinstance(value, dict):
        return {name: hexed(item) for name, item in value.items()}
    return value
