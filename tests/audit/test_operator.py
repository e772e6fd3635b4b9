"""An operator who has the log's key publishes a doctored log, with tiles and checkpoint that fit: the rules refuse it, step by step.

What the ledger alone cannot show is tested too: an operator who rewrites history before anyone saw it is found by a receipt.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import veche_kernel
from doctor import ORIGIN, block_of, change, drop, drop_block, find, head, insert, publish, replace, sign_anew, swap

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.audit.receipt import check_receipt
from veche.audit.report import report_ledger
from veche.errors import DoesNotHold, Unsupported
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.log.log import Log
from veche.log.receipt import Receipt
from veche.log.source import Folder

from .city import NEW_RULES, City

Doctor = Callable[[City, list[bytes]], list[bytes]]
"""Gets a city and its entries, and gives the entries of the log that its operator would rather show."""


def doctored(city: City, folder: Path, doctor: Doctor) -> Path:
    entries = doctor(city, city.entries())
    assert entries != city.entries()
    return publish(folder / "doctored", entries, ORIGIN, city.log_key)


def ballot_of(city: City, entries: list[bytes], number: int) -> int:
    """The place of a ballot in the poll that has a result."""
    return find(entries, "ballot", number, city.polls["poll"])


def pull(city: City, entries: list[bytes]) -> tuple[bytes, list[bytes]]:
    """A ballot, and the log without it."""
    at = ballot_of(city, entries, 2)
    return entries[at], drop_block(entries, at)


def drop_ballot(city: City, entries: list[bytes]) -> list[bytes]:
    return pull(city, entries)[1]


def drop_superseded(city: City, entries: list[bytes]) -> list[bytes]:
    return drop_block(entries, ballot_of(city, entries, 0))


def drop_ballot_only(city: City, entries: list[bytes]) -> list[bytes]:
    return drop(entries, ballot_of(city, entries, 2))


def swap_own(city: City, entries: list[bytes]) -> list[bytes]:
    """The two ballots of one voter."""
    first, last = ballot_of(city, entries, 0), ballot_of(city, entries, -1)
    assert read_ballot(entries[first]).turn == 1 and read_ballot(entries[last]).turn == 2
    return swap(entries, first, last)


def too_early(city: City, entries: list[bytes]) -> list[bytes]:
    ballot, entries = pull(city, entries)
    return insert(entries, find(entries, "poll", 2) + 1, ballot)


def too_late(city: City, entries: list[bytes]) -> list[bytes]:
    ballot, entries = pull(city, entries)
    return insert(entries, find(entries, "tally") + 2, ballot)


def between_derived(city: City, entries: list[bytes]) -> list[bytes]:
    """Before the tally, in the block that closes the poll."""
    ballot, entries = pull(city, entries)
    return insert(entries, find(entries, "tally"), ballot)


def twice(city: City, entries: list[bytes]) -> list[bytes]:
    at = ballot_of(city, entries, 2)
    return insert(entries, at, entries[at])


def twice_superseded(city: City, entries: list[bytes]) -> list[bytes]:
    """A ballot that was replaced comes back after the one that replaced it."""
    first, last = ballot_of(city, entries, 0), ballot_of(city, entries, -1)
    return insert(entries, last + 1, entries[first])


def foreign_ballot(city: City, entries: list[bytes]) -> list[bytes]:
    """A ballot of one poll, said to be of another."""
    return change(entries, find(entries, "ballot", about=city.polls["few"]), [1], city.polls["poll"])


def turn_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, ballot_of(city, entries, 1), [5], 7)


def permits_dropped(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, ballot_of(city, entries, 1), [4], [])


def proof_changed(city: City, entries: list[bytes]) -> list[bytes]:
    """And cast anew, as a thief of the credential might do."""
    at = ballot_of(city, entries, 1)
    ballot = decode(entries[at])[3]
    return change(entries, at, [3], ballot[:-1] + bytes([ballot[-1] ^ 1]))


def counted_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, find(entries, "tally"), [1, 1], 5)


def root_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, find(entries, "tally"), [1, 2], bytes(32))


def sums_changed(city: City, entries: list[bytes]) -> list[bytes]:
    """One more vote for the first answer: beta is multiplied by g."""
    at = find(entries, "tally")
    sums = decode(entries[at])[1][3][0][1]
    more = veche_kernel.point_add(sums[32:64], veche_kernel.BASE)
    return change(entries, at, [1, 3, 0, 1], sums[:32] + more + sums[64:])


def result_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, find(entries, "result"), [1, 2, 0], [4, 0])


def result_trustees_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, find(entries, "result"), [1, 1], [2, 1])


def result_twice(city: City, entries: list[bytes]) -> list[bytes]:
    at = find(entries, "result")
    return insert(entries, at, entries[at])


def result_too_early(city: City, entries: list[bytes]) -> list[bytes]:
    """Before the last share that it needs, though it says what will come."""
    return insert(entries, find(entries, "decryption", 1), entries[find(entries, "result")])


def decryption_changed(city: City, entries: list[bytes]) -> list[bytes]:
    at = find(entries, "decryption")
    factors = decode(entries[at])[1][4]
    return change(entries, at, [1, 4], factors[32:] + factors[:32])


def decryption_dropped(city: City, entries: list[bytes]) -> list[bytes]:
    return drop_block(entries, find(entries, "decryption", 1))


def too_few_opened(city: City, entries: list[bytes]) -> list[bytes]:
    """A tally of one ballot: what its trustees would need to open it."""
    at = find(entries, "too-few")
    poll, counted, root = decode(entries[at])[1]
    ballot = entries[find(entries, "ballot", about=city.polls["few"])]
    sums = veche_kernel.Sums(4)
    sums.add([city.poll("few").frozen.kernel.load(read_ballot(ballot).ballot)])
    return replace(entries, at, encode(["tally", [poll, counted, root, [[[[0, 1]], sums.to_bytes()]]]]))


def too_few_of_enough(city: City, entries: list[bytes]) -> list[bytes]:
    """A result that somebody would rather not have."""
    at = find(entries, "tally")
    return replace(entries, at, encode(["too-few", decode(entries[at])[1][:3]]))


def cancel_removed(city: City, entries: list[bytes]) -> list[bytes]:
    return drop_block(entries, find(entries, "cancel"))


def cancel_by_too_few(city: City, entries: list[bytes]) -> list[bytes]:
    at = find(entries, "cancel")
    return change(entries, at, [2], decode(entries[at])[2][:2])


def closed_early(city: City, entries: list[bytes]) -> list[bytes]:
    """The block that closes says that it came before closing."""
    return change(entries, block_of(entries, find(entries, "tally")), [1, 1], city.poll("poll").closing - 1)


def closed_never(city: City, entries: list[bytes]) -> list[bytes]:
    """The tally and all that follows is dropped, and the ledger goes on."""
    at = block_of(entries, find(entries, "tally"))
    return [*entries[: at + 1], entries[find(entries, "issuance")]]


def time_goes_back(city: City, entries: list[bytes]) -> list[bytes]:
    at = ballot_of(city, entries, 1) - 1
    return change(entries, at, [1, 1], decode(entries[at])[1][2] - 1)


def height_repeats(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, ballot_of(city, entries, 1) - 1, [1, 0], 1)


def time_is_huge(city: City, entries: list[bytes]) -> list[bytes]:
    return [*entries, encode(["block", [2**64 - 1, 2**64 - 1, 2**64 - 1]])]


def empty_block(city: City, entries: list[bytes]) -> list[bytes]:
    height, time, *_ = decode(entries[find(entries, "block", -1)])[1]
    return [*entries, encode(["block", [height + 1, time + 1, time]])]


def other_signature(city: City, entries: list[bytes]) -> list[bytes]:
    """The log's own key is no office's."""
    at = find(entries, "issuance")
    return replace(entries, at, sign_anew(city.verified.ledger, entries[at], city.log_key))


def repeated_statement(city: City, entries: list[bytes]) -> list[bytes]:
    at = find(entries, "issuance")
    return insert(entries, at + 1, entries[at])


def second_charter(city: City, entries: list[bytes]) -> list[bytes]:
    return insert(entries, 5, entries[0])


def poll_changed(city: City, entries: list[bytes]) -> list[bytes]:
    return change(entries, find(entries, "poll"), [1, 6], city.poll("poll").definition.closes + 3600)


def unknown_kind(city: City, entries: list[bytes]) -> list[bytes]:
    return [*entries, encode(["correction", [city.polls["poll"]]])]


CASES: list[tuple[str, Doctor, str]] = [
    ("L7", drop_ballot, "tally"),
    ("L6", drop_superseded, "permits"),
    ("L4", drop_ballot_only, "appends nothing"),
    ("L6", swap_own, "permits"),
    ("L6", too_early, "not-open"),
    ("L7", too_late, "tally"),
    ("L7", between_derived, "tally"),
    ("L6", twice, "turn"),
    ("L6", twice_superseded, "turn"),
    ("L6", foreign_ballot, "shape"),
    ("L6", turn_changed, "cast"),
    ("L6", permits_dropped, "cast"),
    ("L6", proof_changed, "cast"),
    ("L7", counted_changed, "tally"),
    ("L7", root_changed, "tally"),
    ("L7", sums_changed, "tally"),
    ("L5", result_changed, "result"),
    ("L5", result_trustees_changed, "result"),
    ("L5", result_twice, "result"),
    ("L5", result_too_early, "result"),
    ("L5", decryption_changed, "signature"),
    ("L5", decryption_dropped, "result"),
    ("L7", too_few_opened, "too-few"),
    ("L7", too_few_of_enough, "tally"),
    ("L7", cancel_removed, "too-few"),
    ("L5", cancel_by_too_few, "authority"),
    ("L7", closed_early, "tally"),
    ("L7", closed_never, "tally"),
    ("L4", time_goes_back, "does not follow"),
    ("L4", height_repeats, "does not follow"),
    ("L4", time_is_huge, "The height must be a number"),
    ("L4", empty_block, "appends nothing"),
    ("L5", other_signature, "authority"),
    ("L5", repeated_statement, "repeated"),
    ("L7", second_charter, "charter"),
    ("L5", poll_changed, "signature"),
    ("L5", unknown_kind, "kind"),
]


@pytest.mark.parametrize(("step", "doctor", "words"), CASES, ids=[doctor.__name__ for _, doctor, _ in CASES])
def test_a_doctored_log_is_refused(small: City, tmp_path: Path, step: str, doctor: Doctor, words: str) -> None:
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(doctored(small, tmp_path, doctor)))
    error = caught.value
    assert (error.step, words in error.message) == (step, True), (error.step, error.message)
    assert error.where.startswith("entry ") and error.message.startswith("Entry ") and error.message.endswith(".")


def test_the_untouched_log_holds(small: City, tmp_path: Path) -> None:
    """So that it is what was changed that is refused above."""
    verified = verify_ledger(Folder(publish(tmp_path / "same", small.entries(), ORIGIN, small.log_key)))
    assert (verified.head, verified.ledger) == (small.verified.head, small.verified.ledger)


def test_another_founder_is_another_ledger(small: City, tmp_path: Path) -> None:
    """Whoever replaces the charter needs the keys of all its offices."""
    other = SigningKey.generate()
    entries = change(small.entries(), 0, [1, 4], other.public)
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(publish(tmp_path / "other", entries, ORIGIN, other)))
    assert (caught.value.step, caught.value.where) == ("L1", "entry 0")


def test_newer_rules_stop_an_older_program(small: City, tmp_path: Path) -> None:
    """No verdict is given on what follows rules that this program does not know; what came before them holds."""
    height, time, *_ = decode(small.entries()[find(small.entries(), "block", -1)])[1]
    entries = [*small.entries(), encode(["block", [height + 1, NEW_RULES, time]])]
    with pytest.raises(Unsupported, match="rules version 2"):
        verify_ledger(Folder(publish(tmp_path / "new", entries, ORIGIN, small.log_key)))


def test_an_issuance_that_is_missing_is_no_lie_and_is_said(small: City, tmp_path: Path) -> None:
    """A registrar may be late, and an operator may keep its entry back: both look the same, and a warning says it."""
    entries = small.entries()
    at = find(entries, "issuance")
    assert [decode(entry)[0] for entry in entries[at:]] == ["issuance", "block", "issuance"]
    del entries[at + 1 :]
    verified = verify_ledger(Folder(publish(tmp_path / "late", entries, ORIGIN, small.log_key)))
    poll = next(poll for poll in report_ledger(verified).polls if poll.id == small.polls["poll"].hex())
    assert [said.split(" has not")[0] for warning in poll.warnings if " has not" in (said := warning.text("en"))] == [
        "Post office"
    ]


def test_a_log_rewritten_before_anyone_looked_is_found_by_a_receipt(small: City, tmp_path: Path) -> None:
    """Two ballots of different voters change places: rules, sums and even the tally are the same, and so the log holds.

    But a voter has a receipt: a head that the log's key signed, which is no earlier state of this log. That is what receipts, witnesses
    and other nodes' copies are for.
    """
    entries = small.entries()
    number = ballot_of(small, entries, 1)
    entries = swap(entries, number, number + 2)
    assert is_ballot(entries[number]) and is_ballot(entries[number + 2])
    receipt = _receipt(small.verified, small, number, number + 4)
    check_receipt(small.verified, Receipt.parse(receipt))
    forged = verify_ledger(Folder(publish(tmp_path / "swapped", entries, ORIGIN, small.log_key)))
    with pytest.raises(DoesNotHold, match="another ledger") as caught:
        check_receipt(forged, Receipt.parse(receipt))
    assert caught.value.step == "R"


def _receipt(verified: VerifiedLedger, city: City, number: int, size: int) -> bytes:
    signed = head(city.entries()[:size], verified.head.origin, city.log_key)
    return Log(verified.source, verified.head).receipt(number, signed).to_bytes()
