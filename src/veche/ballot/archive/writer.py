"""Writes a Belenios archive, byte for byte as belenios-tool would, from documents that are ready.

The writer keeps the order of events and the chain; it does not check what the documents say (veche.audit.archive does).
"""

from typing import BinaryIO

from veche.ballot.archive.parts import Event, EventType, Owned, SetupData, SizedTally
from veche.ballot.archive.records import first_record, record_bytes
from veche.ballot.canonical import encode, sha256, weight_json


class ArchiveWriter:
    """Appends to ``out`` (the caller's to close); ``time`` (seconds since 1970) is said of every record.

    Call ``setup``, ``ballot`` for each, ``end_ballots``, ``encrypted_tally``, ``partial_decryption`` for each and
    ``result``. A crash leaves a file that is a beginning of the archive, perhaps cut: write it again from the start.
    Raises ValueError for calls in another order.
    """

    def __init__(self, out: BinaryIO, time: int) -> None:
        self._out = out
        self._time = time
        self._height = 0
        self._head: str | None = None
        self._next: tuple[str, ...] = ("Setup",)
        out.write(first_record(time))

    def setup(self, election: bytes, trustees: bytes, credentials: bytes) -> None:
        """What fixes the poll: the JSON of the election, of its trustees, of the list of credentials."""
        data = SetupData(election=sha256(election), trustees=sha256(trustees), credentials=sha256(credentials))
        self._event("Setup", [election, trustees, credentials, encode(data)], ("Ballot", "EndBallots"))

    def ballot(self, ballot: bytes) -> None:
        """A ballot's JSON."""
        self._event("Ballot", [ballot], ("Ballot", "EndBallots"))

    def end_ballots(self) -> None:
        """No more ballots."""
        self._event("EndBallots", [], ("EncryptedTally",))

    def encrypted_tally(self, tally: bytes, num_tallied: int, total_weight: int) -> None:
        """The JSON of the encrypted tally, how many ballots are counted in it, and their weights' sum."""
        sized = SizedTally(
            num_tallied=num_tallied, total_weight=weight_json(total_weight), encrypted_tally=sha256(tally)
        )
        self._event("EncryptedTally", [tally, encode(sized)], ("PartialDecryption",))

    def partial_decryption(self, owner: int, share: bytes) -> None:
        """The JSON of a trustee's share; ``owner`` counts all trustees from 1."""
        owned = Owned(owner=owner, payload=sha256(share))
        self._event("PartialDecryption", [share, encode(owned)], ("PartialDecryption", "Result"))

    def result(self, result: bytes) -> None:
        """The JSON of the result."""
        self._event("Result", [result], ())

    def _event(self, kind: EventType, data: list[bytes], following: tuple[str, ...]) -> None:
        if kind not in self._next:
            raise ValueError(f"{kind} cannot come here in an archive, only {' or '.join(self._next) or 'nothing'}")
        for content in data:
            self._record(content, "data")
        payload = sha256(data[-1]) if data else None
        event = encode(Event(parent=self._head, height=self._height, type=kind, payload=payload))
        self._record(event, "event")
        self._head = sha256(event)
        self._height += 1
        self._next = following

    def _record(self, content: bytes, kind: str) -> None:
        self._out.write(record_bytes(f"{sha256(content)}.{kind}.json".encode(), content, self._time))
