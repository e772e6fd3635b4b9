"""The trustee's program: a process of its own, with its own key file, that talks to nobody but the ledger.

The trustee's folder, all of it private (mode 0600; whoever reads it is the trustee):

    office.key                  the Ed25519 key by which the ledger knows the trustee
    office-2.key, ...           the keys that replaced it; what is to be said is signed by the one that holds the seat
    institution                 the institution's name in the charter
    journal, place              what was decrypted, see journal.py
    committees/<committee>/     the secrets and entries of key generation, see ceremony.py
    decryptions/<poll>/<part>   the statements with the decryption shares: kind and body, without a signature

A trustee's duty is to decrypt nothing but the one tally of a closed poll: the sums of at least m ballots, under a final
checkpoint, of a ledger that they checked themselves. So the program takes a verified view, never a tally from a caller.
"""

from collections.abc import Sequence
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Self

from veche.ballot.decryption import alphas_of, make_share
from veche.clock import Clock, Reading, system
from veche.durable import read_private, settle, write_private
from veche.errors import DoesNotHold, Refused, UserError
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.decryption import Decryption
from veche.ledger.signing import sign
from veche.office import check_goes_on, create_office, load_office
from veche.texts import Message
from veche.trustee.ceremony import Ceremony
from veche.trustee.journal import Journal
from veche.trustee.view import LedgerView, PollView


class Trustee:
    """One trustee's office. ``keys`` sign its entries, the oldest first; ``institution`` is its name in the charter."""

    def __init__(self, folder: Path, institution: str, keys: Sequence[SigningKey], clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self.institution = institution
        self.keys = list(keys)

    @property
    def key(self) -> SigningKey:
        """The newest key."""
        return self.keys[-1]

    def __repr__(self) -> str:
        return f"Trustee({self.institution!r}, {self.key!r})"

    @classmethod
    def create(cls, folder: Path, institution: str, clock: Clock = system) -> Self:
        """Make a new office in a new folder. Raises UserError if there is one, or if the name cannot be used."""
        create_office(folder, institution, Journal, "trustee")
        return cls.load(folder, clock)

    @classmethod
    def load(cls, folder: Path, clock: Clock = system) -> Self:
        """Open an office. Raises UserError if a file is missing, damaged, or readable by others."""
        institution, first = load_office(folder, "trustee")
        later = list(takewhile(Path.exists, (folder / f"office-{number}.key" for number in count(2))))
        trustee = cls(folder, institution, [first, *map(SigningKey.load, later)], clock)
        with Journal.open(folder):
            return trustee

    def add_key(self, key: SigningKey | None = None) -> SigningKey:
        """Keep one more key, a new one if none is given: the offices put it in the place of the one that holds the seat.

        What is to be said is signed by whichever holds it then. Raises UserError.
        """
        added = key or SigningKey.generate()
        if added.public in {one.public for one in self.keys}:
            raise UserError(
                Message("This key is in the folder {folder} already.", folder=self._folder),
                Message("Leave --key out, and a new one is made."),
            )
        added.save(self._folder / f"office-{len(self.keys) + 1}.key")
        self.keys.append(added)
        return added

    def due(self, view: LedgerView) -> list[bytes]:
        """The signed entries that this trustee should hand in now. Asked again, it answers the same bytes.

        None under a checkpoint that is not final, none for what the class wants witnessed and is not yet; none for polls
        that were cancelled or had too few ballots, or that are to wait (``waiting``).
        A share that the result did not wait for is handed in all the same: who gives none is named in reports.
        Raises UserError if the folder is not what it was (copied, restored, damaged), no key of it holds the institution's
        seat, or the view is older than one seen before; WrongClock if this machine's clock was moved, until
        ``confirm_clock``; DoesNotHold if the ledger does not go on from the head seen last, or shows a second tally of a
        poll: an alarm, nothing is signed. The head is written down first, so that the next one is held against it.
        """
        with Journal.open(self._folder) as journal:
            journal.check_place()
            now = self._clock()
            journal.check_clock(now)
            self._check_office(view)
            check_goes_on(journal, "trustee", view.ledger, view.size, view.root_at)
            if not view.final:  # what may still change is no ground to reveal anything: neither shares nor sums
                return []
            ceremonies = self._ceremonies(view)
            _note_head(journal, view, now)
            entries = []
            for committee, ceremony in ceremonies.items():
                if not journal.about("lost-committee", committee):
                    entries += ceremony.due()
            for poll in view.polls:
                if poll.committee in ceremonies and not journal.about("lost-committee", poll.committee):
                    entries += self._decrypt(journal, poll, ceremonies[poll.committee], now)
            return entries

    def waiting(self, view: LedgerView) -> dict[bytes, int]:
        """The polls that this trustee decrypts later, and from when on by their clock (seconds since 1970).

        The block of a tally says when the poll closed, and was written by whoever runs the engine. So a trustee waits until
        their own clock has passed that time, by the class's margin: no false time opens a poll while people vote. Of a poll that is still
        to close it is the closing that the ledger names, and that margin.
        """
        with Journal.open(self._folder) as journal:
            now, committees = self._clock(), self._ceremonies(view)
            return {
                poll.id: (poll.tally_time if poll.closes is None else poll.closes) + poll.margin
                for poll in view.polls
                if poll.committee in committees
                and (poll.closes is not None or _too_early(poll, now))
                and not any(journal.about(kind, poll.id) for kind in ("decrypt", "lost-poll"))
                and not journal.about("lost-committee", poll.committee)
            }

    def confirm_clock(self) -> None:
        """Go on although the clock was moved: the word of a person who looked at another one. Raises UserError for a copied folder."""
        with Journal.open(self._folder) as journal:
            journal.check_place()
            journal.append("clock", *self._clock().words())

    def adopt(self, view: LedgerView) -> None:
        """Go on in a folder that was moved to another disk, or restored, when the original is gone for good.

        What the other installation may have done and this one does not know is given up: polls that have a tally which
        this journal does not name are never decrypted here, and committees of which the ledger knows more than this
        folder are left. The view must be of today: this is the person's word, for which ``due`` asks by refusing first.
        Raises UserError if the view is not final, and as ``due`` does for ledgers.
        """
        with Journal.open(self._folder) as journal:
            if not view.final:
                raise UserError(
                    Message("The checkpoint of this ledger is not final yet."), Message("Try again when it is.")
                )
            self._check_office(view)
            check_goes_on(journal, "trustee", view.ledger, view.size, view.root_at)
            ceremonies = self._ceremonies(view)
            _note_head(journal, view, self._clock())
            for committee, ceremony in ceremonies.items():
                if ceremony.unknown():
                    journal.append("lost-committee", committee.hex())
            for poll in view.polls:
                if poll.committee in ceremonies and poll.tally and not journal.about("decrypt", poll.id):
                    journal.append("lost-poll", poll.id.hex())
            journal.settle()

    def _check_office(self, view: LedgerView) -> None:
        """Some key of this folder must hold the institution's seat, or be kept by a committee of it."""
        held = dict(view.trustee_keys)
        for committee in view.committees:
            held |= {key: committee.trustees[index - 1] for index, key in committee.trustee_keys.items()}
        names = {held[key.public] for key in self.keys if key.public in held}
        if not names:
            raise UserError(
                Message(
                    "The key {public}… is not the key of a trustee in this ledger.", public=self.key.public.hex()[:16]
                ),
                Message(
                    "See whose keys are: veche ledger show. If the offices replaced the key, its file belongs into this folder."
                ),
            )
        if self.institution not in names:
            raise UserError(
                Message(
                    "This is the key of {list}; the folder says that it is that of {institution}.",
                    list=", ".join(sorted(names)),
                    institution=self.institution,
                ),
                Message("Correct the name in {folder}.", folder=self._folder / "institution"),
            )

    def _ceremonies(self, view: LedgerView) -> dict[bytes, Ceremony]:
        """The trustee's part in each committee that is not void, by the committee's id."""
        made = {}
        for committee in view.committees:
            if self.institution in committee.trustees and not committee.void:
                index = committee.trustees.index(self.institution) + 1
                signer = partial(self._sign, view.ledger, committee.trustee_keys[index])
                made[committee.id] = Ceremony(self._folder, signer, committee, index)
        return made

    def _sign(self, ledger: bytes, held: bytes, statement: bytes) -> bytes:
        """An entry that says this, signed by the key that holds the seat. Raises UserError if it is not here."""
        for key in self.keys:
            if key.public == held:
                kind, body = decode(statement)
                return sign(ledger, kind, body, [key])
        raise UserError(
            Message(
                "The key {held}… holds the seat of {institution}, and {folder} does not have it.",
                held=held.hex()[:16],
                institution=self.institution,
                folder=self._folder,
            ),
            Message(
                "If the offices replaced the key, its file belongs into this folder, as the next of office-2.key, "
                "office-3.key, …"
            ),
        )

    def _decrypt(self, journal: Journal, poll: PollView, ceremony: Ceremony, now: Reading) -> list[bytes]:
        """The decryption shares of one poll that the ledger does not show yet. The checkpoint is final."""
        if poll.tally is None or not poll.witnessed or journal.about("lost-poll", poll.id):
            return []
        tally = poll.tally.hash
        known = journal.about("decrypt", poll.id)
        where = Message("poll {poll}…", poll=poll.id.hex()[:16])
        if known and known[2] != tally.hex():
            raise DoesNotHold(
                "decryption",
                where,
                Message("The ledger shows another tally of this poll than the one that was decrypted."),
                Message(
                    "One poll has one tally: the ledger was forked. Keep both copies, and tell the other trustees."
                ),
            )
        missing = poll.missing.get(ceremony.index, ())
        folder = self._folder / "decryptions" / poll.id.hex()
        if not known and (len(missing) < len(poll.tally.parts) or folder.exists()):
            raise UserError(
                Message("This trustee decrypted {where} already, but the journal does not know it.", where=where),
                Message(
                    "It is an old backup, or somebody else uses the key. Use the folder where the program ran last."
                ),
            )
        if not known and _too_early(poll, now):
            return []
        if not known:
            journal.append("decrypt", poll.id.hex(), tally.hex())
        # From here on this is the poll's one tally. After a crash the parts that have no file yet are made then.
        secret = ceremony.secret()
        entries = []
        for part, sums in enumerate(poll.tally.parts):
            path = folder / str(part)
            if not path.exists():
                share = make_share(secret, alphas_of(sums), poll.phi, tally, part)
                made = Decryption(poll.id, ceremony.index, tally, part, share)
                write_private(path, encode([made.kind, made.body()]))
            if part in missing:
                settle(path, self._folder)
                try:
                    entries.append(ceremony.sign(read_private(path)))
                except (Refused, ValueError):
                    raise UserError(
                        Message("The file {path} is damaged.", path=path),
                        Message("No second share is made: this poll is left to the other trustees."),
                    ) from None
        return entries


def _too_early(poll: PollView, now: Reading) -> bool:
    """Whether there is a tally that this trustee's clock has not passed by the class's margin."""
    return poll.tally is not None and now.time < poll.tally_time + poll.margin


def _note_head(journal: Journal, view: LedgerView, now: Reading) -> None:
    """Write down the ledger that this trustee serves, and its head, unless it is the one seen last."""
    if not journal.about("ledger", view.ledger):
        journal.append("ledger", view.ledger.hex())
    head = ["head", str(view.size), view.root_at(view.size).hex()]
    last = journal.last("head")
    if not last or last[:3] != head:
        journal.append(*head, *now.words())
