"""The stranger's committees: key generation alone or with a threshold (section 2.3)."""

from collections.abc import Callable
from typing import Any

from .ballot import compact
from .cbor import need, number, octets, row, text
from .group import IDENTITY, Proof, point, power, product, proof, schnorr, sha, spell
from .offices import Class

SILENT = "no entry of it came in time"


def _public(key: bytes) -> bytes:
    """A key: any point of the group but the identity."""
    need(point(key) != IDENTITY, "a key of a trustee is the identity")
    return key


class Committee:
    """One key generation."""

    def __init__(self, body: list[Any], classes: dict[str, Class], time: int, lasting: Callable[[int], int]) -> None:
        name, self.mode, counter = row(body, 3)
        need(isinstance(name, str) and name in classes, "a committee is of an unknown class")
        self.cls = classes[name]
        self.n, self.t = len(self.cls.trustees), self.cls.t
        need(isinstance(self.mode, str), "a committee has no mode")
        need(self.mode in ("single", "pedersen"), "a committee has an unknown mode")
        need(self.mode == "pedersen" or self.t == self.n, "a single committee wants t = n")
        number(counter)
        self.last = time
        self.week, self.fresh = lasting(604_800), lasting(7_948_800)
        self.kept: list[bytes] = []  # the office keys of its trustees
        self.certificates: dict[int, str] = {}
        self.encryptions: dict[int, bytes] = {}
        self.verification: dict[int, bytes] = {}
        self.commitments: dict[int, bytes] = {}
        self.exponents: dict[int, list[bytes]] = {}
        self.keys: dict[int, bytes] = {}
        self.complaint = ""
        self.void = False
        self.finished: int | None = None
        self.public = b""

    def step(self, kind: str, body: list[Any], signer: bytes, time: int) -> None:
        """An entry of a trustee."""
        size = {"committee-certificate": 6, "committee-shares": 6, "committee-key": 5, "committee-complaint": 4}[kind]
        row(body, size)
        j = number(body[1], 1, self.n)
        need(self.kept[j - 1] == signer, "a step of a committee is signed by another trustee")
        need(not self.void and self.finished is None, "a committee is over")
        if kind == "committee-key" and self.mode == "single":
            self._single(j, *body[2:])
        else:
            need(self.mode == "pedersen", "a single committee has no such step")
            steps: dict[str, Callable[..., None]] = {
                "certificate": self._certificate,
                "shares": self._shares,
                "key": self._key,
                "complaint": self._complain,
            }
            steps[kind.removeprefix("committee-")](j, *body[2:])
        self.last = time
        if len(self.keys) == self.n:
            self.finished = time
            parts = self.keys.values() if self.mode == "single" else (e[0] for e in self.exponents.values())
            self.public = product(parts)
            need(self.public != IDENTITY, "the key of a committee is the identity")

    def due(self, time: int, suspended: int) -> str:
        """Why it is to be made void now, if it is. Until the time ``suspended`` a trustee's key was silenced."""
        if self.void or self.finished is not None:
            return ""
        return self.complaint or (SILENT if time - max(self.last, suspended) >= self.week else "")

    def _single(self, j: int, key: bytes, pok: bytes, signature: bytes) -> None:
        need(j not in self.keys and signature == b"", "a key of a committee is given twice or carries a signature")
        need(key not in self.keys.values(), "a trustee repeats another's key")
        need(
            schnorr(f"pok|Ed25519|{spell(_public(key))}|", key, proof(pok)), "a proof of a trustee's key does not hold"
        )
        self.keys[j] = key

    def _certificate(self, j: int, verification: bytes, encryption: bytes, signature: bytes, commitment: bytes) -> None:
        need(j not in self.certificates, "a certificate is given twice")
        context = {"group": "Ed25519", "size": self.n, "threshold": self.t, "index": j}
        said = {
            "context": context,
            "verification": spell(_public(verification)),
            "encryption": spell(_public(encryption)),
        }
        self.verification[j] = verification
        self.certificates[j] = self._signed(j, compact(said), signature)
        need(commitment not in self.commitments.values(), "a trustee repeats another's commitment")
        self.commitments[j] = octets(commitment, 32)

    def _signed(self, j: int, message: str, signature: bytes) -> str:
        """A signed message as Belenios writes it."""
        c, z = self._signature(j, message, signature)
        return compact({"message": message, "signature": {"challenge": str(c), "response": str(z)}})

    def _signature(self, j: int, message: str, signature: bytes) -> Proof:
        said = proof(signature)
        need(schnorr(f"sigmsg|{message}|", self.verification[j], said), "a trustee's signature does not hold")
        return said

    def _shares(self, j: int, exponents: bytes, signature: bytes, certificates: bytes, shares: list[Any]) -> None:
        need(len(self.certificates) == self.n, "shares come before all certificates")
        need(j not in self.exponents, "shares are given twice")
        octets(exponents, 32 * self.t)
        need(sha(exponents) == self.commitments[j], "exponents do not fit the commitment")
        points = [point(exponents[at : at + 32]) for at in range(0, len(exponents), 32)]
        said = compact([spell(p) for p in points])
        self._signature(j, f'{{"coefexps":{said}}}', signature)
        certs = ",".join(self.certificates[i] for i in range(1, self.n + 1))
        self._signature(j, f'certs_sig|{{"certs":[{certs}],"coefexps":{said}}}', certificates)
        for share in row(shares, self.n):
            octets(share, 80)
        self.exponents[j] = points

    def _key(self, j: int, key: bytes, pok: bytes, signature: bytes) -> None:
        need(len(self.exponents) == self.n, "a key comes before all shares")
        need(j not in self.keys, "a key of a committee is given twice")
        want = product(power(e, j**k) for exponents in self.exponents.values() for k, e in enumerate(exponents))
        need(key == want, "a trustee's key does not fit the exponents")
        need(
            schnorr(f"pok|Ed25519|{spell(_public(key))}|", key, proof(pok)), "a proof of a trustee's key does not hold"
        )
        self._signature(j, spell(key), signature)
        self.keys[j] = key

    def _complain(self, j: int, against: int, why: list[Any]) -> None:
        need(len(self.exponents) == self.n, "a complaint comes before all shares")
        number(against, 1, self.n), text(why, 2000)
        self.complaint = f"trustee {j} complains about trustee {against}"


def free(committee: Committee, cls: Class, opens: int) -> bool:
    """May a poll of this class that opens then use the committee?"""
    return committee.finished is not None and committee.cls is cls and opens <= committee.finished + committee.fresh
