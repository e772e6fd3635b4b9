"""One trustee's part in the key generation of one committee.

Each step is a file that is written once: the secrets that were drawn for it and the statement that commits to them, together,
so a crash leaves both or neither. A statement is an entry's kind and body, and leaves only from such a file, signed by the key
that holds the seat when it leaves. So whatever happens, one trustee says one thing in each step, byte for byte, and never
without holding its secrets; and whose key was replaced meanwhile says the same with the new one.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import veche_kernel as kernel

from veche.ballot.committee import (
    SINGLE,
    Certificate,
    Committee,
    Key,
    Secrets,
    Shares,
    make_certificate,
    make_key,
    make_shares,
    make_single_key,
    open_share,
)
from veche.durable import read_private, settle, write_private
from veche.errors import Refused, UserError
from veche.ledger.codec import decode, encode
from veche.ledger.entries.committee import CertificateStep, Complaint, KeyStep, SharesStep, Step
from veche.ledger.shape import Text
from veche.strict_json import read_json
from veche.texts import N_, Message
from veche.trustee.view import CommitteeView


class Ceremony:
    """The part of the trustee with this index. ``top`` is their folder, of which the caller holds the lock."""

    def __init__(self, top: Path, sign: Callable[[bytes], bytes], view: CommitteeView, index: int) -> None:
        """``sign`` makes an entry of a statement, with the key that holds the seat; it raises UserError."""
        self.index = index
        self.sign = sign
        self._top = top
        self._folder = top / "committees" / view.id.hex()
        self._view = view
        self._committee = Committee(view.id, view.mode, len(view.trustees), view.threshold)

    def due(self) -> list[bytes]:
        """The entry to hand in now, if any: the same bytes until the ledger shows it. Raises UserError as ``check``."""
        self.check()
        if not self._view.witnessed:
            return []
        match self._view.due.get(self.index):
            case CertificateStep.kind:
                return [self._made("certificate", self._make_certificate)]
            case SharesStep.kind:
                return [self._made("shares", self._make_shares)]
            case KeyStep.kind:
                single = self._view.mode == SINGLE
                return [self._made("answer", self._make_single_key if single else self._make_answer)]
        return []

    def check(self) -> None:
        """Raise UserError if the ledger shows a step of this trustee that is not the one in their folder."""
        if step := self.unknown():
            raise UserError(
                Message(
                    "The ledger shows a step ({step}) of this trustee for committee {id}…, but {folder} does not hold it.",
                    step=Message(step),
                    id=self._view.id.hex()[:16],
                    folder=self._folder,
                ),
                Message(
                    "This is an old backup, or somebody else uses the key. Use the folder where the program ran last."
                ),
            )

    def unknown(self) -> str:
        """The step of this trustee that the ledger shows and the folder does not hold; empty if there is none."""
        for name, kept in self._steps():
            seen = kept.get(self.index)
            if seen is not None and not (self._path(name).exists() and self._body(name)[2:] == seen.fields()):
                return name
        return ""

    def secret(self) -> bytes:
        """The secret scalar of this trustee's key in a finished ceremony. Raises UserError if it is not the ledger's."""
        self.check()
        [secret] = self._read("answer", "secret")
        if len(secret) != 32 or kernel.base_mul(secret) != self._view.keys[self.index].key:
            raise UserError(
                Message("The secret in {folder} does not belong to the key in the ledger.", folder=self._folder)
            )
        return secret

    # Steps

    def _make_certificate(self) -> dict[str, str]:
        certificate, secrets = make_certificate(self._committee, self.index)
        return {
            "signing": secrets.signing.hex(),
            "decryption": secrets.decryption.hex(),
            "coefficients": b"".join(secrets.coefficients).hex(),
            "statement": _statement(CertificateStep(self._view.id, self.index, certificate)),
        }

    def _make_shares(self) -> dict[str, str]:
        shares = make_shares(self._committee, self.index, self._secrets(), self._certificates())
        return {"statement": _statement(SharesStep(self._view.id, self.index, shares))}

    def _make_answer(self) -> dict[str, str]:
        """The key, or a complaint against the first dealer whose share does not fit: then there is no secret."""
        secrets = self._secrets()
        received = []
        for dealer in range(1, self._committee.size + 1):
            try:
                received.append(open_share(self._committee, self.index, secrets, dealer, self._view.shares[dealer]))
            except Refused as refused:
                text = Text(refused.said.text("en"), refused.said.text("ru"))
                return {"statement": _statement(Complaint(self._view.id, self.index, dealer, text))}
        key, secret = make_key(self._committee, self.index, secrets, received)
        return {"secret": secret.hex(), "statement": _statement(KeyStep(self._view.id, self.index, key))}

    def _make_single_key(self) -> dict[str, str]:
        key, secret = make_single_key()
        return {"secret": secret.hex(), "statement": _statement(KeyStep(self._view.id, self.index, key))}

    # Files

    def _made(self, name: str, make: Callable[[], dict[str, str]]) -> bytes:
        """The entry of this step. It is made on first use; a crash before the file is there makes a fresh one, unseen."""
        path = self._path(name)
        if not path.exists():
            write_private(path, json.dumps(make()).encode())
        settle(path, self._top)
        return self.sign(self._read(name, "statement")[0])

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _read(self, name: str, *fields: str) -> list[bytes]:
        """These fields of a step's file, each a string of hexadecimal digits."""
        path = self._path(name)
        try:
            content = read_json(read_private(path))
            return [bytes.fromhex(content[field]) for field in fields]
        except (ValueError, TypeError, LookupError):
            raise UserError(
                Message("The file {path} is damaged.", path=path), Message("This committee cannot be served any more.")
            ) from None

    def _steps(self) -> list[tuple[str, Mapping[int, Certificate | Shares | Key]]]:
        return [
            (N_("certificate"), self._view.certificates),
            (N_("shares"), self._view.shares),
            (N_("answer"), self._view.keys),
        ]

    def _body(self, name: str) -> list[Any]:
        try:
            return list(decode(self._read(name, "statement")[0])[1])
        except (Refused, TypeError, LookupError):
            return []

    def _secrets(self) -> Secrets:
        signing, decryption, coefficients = self._read("certificate", "signing", "decryption", "coefficients")
        return Secrets(signing, decryption, tuple(coefficients[i : i + 32] for i in range(0, len(coefficients), 32)))

    def _certificates(self) -> list[Certificate]:
        return [self._view.certificates[i] for i in range(1, self._committee.size + 1)]


def _statement(step: Step) -> str:
    """What is said in a step, without a signature, in hexadecimal digits."""
    return encode([step.kind, step.body()]).hex()
