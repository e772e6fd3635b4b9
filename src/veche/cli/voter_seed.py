"""The voter's seed at ``veche vote``: made when it is first needed, and bound to the person for whom permits are collected with it.

    SEED           the secret (mode 0600)
    SEED.person    64 hexadecimal digits: HMAC-SHA256 of the person by the seed (mode 0600). It names nobody to whoever reads it alone

Whoever votes again needs no permit and is asked nothing, so a second person at the same computer would replace the first one's
ballot. No seed stays of a vote that failed before a registrar could have signed for it.
"""

import hmac
from contextlib import suppress
from pathlib import Path

from veche.durable import PRIVATE, read_private, remove, replace
from veche.errors import UserError, VecheError, because
from veche.permit.seed import Seed
from veche.registrar.roll_file import clean
from veche.terminal.say import say
from veche.texts import N_, Message


class VoterSeed:
    """A voter's seed file. ``seed``: what is in it, or a new seed (``is_new``) that is nowhere yet."""

    def __init__(self, path: Path, quiet: bool) -> None:
        """Raises UserError if the file cannot be used."""
        self._path, self._quiet = path, quiet
        self._person = path.with_name(path.name + ".person")
        self.is_new = not path.exists()
        self._unbound = not self._person.exists()
        self._bound: tuple[int, int] | None = None  # what keep wrote, so that another's is known
        self.seed = Seed.generate() if self.is_new else Seed.load(path)

    def check_person(self, person: str | None, used: bool) -> None:
        """Raise UserError if the seed is not this person's. used: it has voted or has permits, so it is somebody's."""
        if person is None or self.is_new:
            return
        bound = None if self._unbound else read_private(self._person)
        if bound is None and not used:
            return
        if bound is None or not hmac.compare_digest(bound, self._digest(person)):
            said = N_(
                "The seed {path} has collected permits for another person than this one. Nothing was asked, sealed or replaced."
            )
            if bound is None:
                said = N_(
                    "It is not known for whom the seed {path} has collected permits. Nothing was asked, sealed or replaced."
                )
            raise UserError(
                Message(said, path=self._path),
                Message(
                    "Everybody has a seed of their own: name another file with --seed. If it is your own, leave --person out."
                ),
            )

    def keep(self, person: str) -> None:
        """Before a registrar is asked to sign for this person: write down a new seed, and whose it is."""
        digest = self._digest(person)
        if self.is_new:
            self.seed.save(self._path)
        try:
            replace(self._person, digest, PRIVATE)
        except VecheError:
            self.take_back()
            raise
        self._bound = self._mark()

    def say_if_new(self) -> None:
        """Tell whoever votes for the first time of their seed, once it is clear that it stays."""
        if self.is_new:
            say(
                Message(
                    "Made your seed in {path}. Keep it to yourself: whoever has it votes in your place.",
                    path=self._path,
                ),
                err=self._quiet,
            )

    def take_back(self) -> None:
        """All registrars refused, so nothing was signed for this person: what ``keep`` made is removed again.

        Unless another program of theirs asks for permits with it meanwhile, or has got them: it has bound the seed again.
        """
        if self._bound is not None and self._mark() != self._bound:
            return
        if self.is_new:
            remove(self._path)
        if self._unbound:
            remove(self._person)

    def _mark(self) -> tuple[int, int] | None:
        with suppress(FileNotFoundError):
            status = self._person.stat()
            return status.st_ino, status.st_mtime_ns
        return None

    def _digest(self, person: str) -> bytes:
        try:
            person = clean(person)
        except ValueError as error:
            raise UserError(
                Message("Who you are, --person, {error}.", error=because(error)),
                Message("Say it as the registrars' rolls do."),
            ) from None
        return hmac.digest(self.seed.secret, b"person|" + person.encode(), "sha256").hex().encode() + b"\n"
