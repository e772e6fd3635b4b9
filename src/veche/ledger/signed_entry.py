"""An entry that offices wrote, read and with its signatures checked: what rules are asked to admit."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from veche.errors import Refused
from veche.ledger.codec import digest
from veche.ledger.entries.entry import ByOffice
from veche.ledger.entries.office import Role
from veche.texts import Message

E_co = TypeVar("E_co", bound=ByOffice, covariant=True)


@dataclass(frozen=True)
class SigningOffice:
    """An office that signed, with this key. ``suspended``: the key counts in no k (docs/protocol.md, section 2.1)."""

    key: bytes
    institution: str
    role: Role
    suspended: bool


@dataclass(frozen=True)
class SignedEntry(Generic[E_co]):
    """``data`` are the entry's bytes, ``entry`` what it says, ``signers`` whose signatures it bears: all hold.

    ``unfinished``: it is on its way to further signers, so that too few are no reason to refuse it yet.
    """

    data: bytes
    entry: E_co
    signers: tuple[SigningOffice, ...]
    unfinished: bool = False

    @property
    def id(self) -> bytes:
        """SHA-256 of the entry: the id of the poll or committee that it begins."""
        return digest(self.data)

    def by(self, role: Role) -> list[str]:
        """The institutions that signed in this role."""
        return [signer.institution for signer in self.signers if signer.role == role]

    def only(self, role: Role) -> SigningOffice:
        """The one office that signed, in this role. Raises Refused("authority", ...)."""
        if len(self.signers) != 1 or self.signers[0].role != role:
            raise Refused(
                "authority",
                Message("A {kind} entry is signed by one {role}, and nobody else.", kind=self.entry.kind, role=role),
            )
        return self.signers[0]

    def bears(self, key: bytes | None) -> bool:
        """Whether this key is among those that signed."""
        return any(signer.key == key for signer in self.signers)

    def together(self, k: int) -> None:
        """Raise Refused("authority", ...) unless offices of at least k institutions signed."""
        names = {signer.institution for signer in self.signers if not signer.suspended}
        if len(names) < k and not self.unfinished:
            raise Refused(
                "authority",
                Message("{names} institutions signed; the charter wants {k}.", names=len(names), k=k),
                Message("Collect more signatures."),
            )
