"""An operator who has the log's key publishes a doctored log, with tiles and checkpoint that fit: the rules refuse it, step by step.

What the ledger alone cannot show is tested too: an operator who rewrites history before anyone saw it is found by a receipt.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import veche_kernel

from veche.audit.ledger import VerifiedLedger, verify_ledger
from veche.audit.receipt import check_receipt
from veche.audit.report import report_ledger
from veche.errors import DoesNotHold, Unsupported
from veche.keys import SigningKey
from veche.ledger.codec import decode, encode
from veche.ledger.entries.ballot import is_ballot, read_ballot
from veche.ledger.signing import sign as sign_entry
from veche.log import merkle
from veche.log.checkpoint import Checkpoint, SignedCheckpoint, sign
from veche.log.log import Log
from veche.log.source import Folder

from .city import NEW_RULES, City, rewrite

Doctor = Callable[[City, list[bytes]], None]


def find(entries: list[bytes], kind: str, poll: bytes = b"", number: int = 0) -> int:
    """The place of the number-th entry of this kind (of this poll)."""
    found = [
        i
        for i, data in enumerate(entries)
        if (item := decode(data))[0] == kind and (not poll or poll in (item[1], item[1][0]))
    ]
    return found[number]


def change(entries: list[bytes], at: int, where: list[int], value: object) -> None:
    """Put another value into an entry, at a path of indices."""
    item = decode(entries[at])
    inner = item
    for step in where[:-1]:
        inner = inner[step]
    assert inner[where[-1]] != value
    inner[where[-1]] = value
    entries[at] = encode(item)


def publish(city: City, folder: Path, doctor: Doctor) -> Path:
    entries = city.entries()
    doctor(city, entries)
    assert entries != city.entries()
    return rewrite(folder / "doctored", entries, city.log_key)


def pull(city: City, entries: list[bytes]) -> bytes:
    """Take a ballot out of the log, and the block before it, so that no empty block is left."""
    at = find(entries, "ballot", city.polls["poll"], 2)
    assert decode(entries[at - 1])[0] == "block" and decode(entries[at + 1])[0] == "block"
    ballot = entries[at]
    del entries[at - 1 : at + 1]
    return ballot


def drop_ballot(city: City, entries: list[bytes]) -> None:
    pull(city, entries)


def drop_superseded(city: City, entries: list[bytes]) -> None:
    at = find(entries, "ballot", city.polls["poll"], 0)
    del entries[at - 1 : at + 1]


def drop_ballot_only(city: City, entries: list[bytes]) -> None:
    del entries[find(entries, "ballot", city.polls["poll"], 2)]


def swap_own(city: City, entries: list[bytes]) -> None:
    """The two ballots of one voter."""
    first, last = find(entries, "ballot", city.polls["poll"], 0), find(entries, "ballot", city.polls["poll"], -1)
    assert read_ballot(entries[first]).turn == 1 and read_ballot(entries[last]).turn == 2
    entries[first], entries[last] = entries[last], entries[first]


def too_early(city: City, entries: list[bytes]) -> None:
    ballot = pull(city, entries)
    entries.insert(find(entries, "poll", number=2) + 1, ballot)


def too_late(city: City, entries: list[bytes]) -> None:
    ballot = pull(city, entries)
    entries.insert(find(entries, "tally") + 2, ballot)


def between_derived(city: City, entries: list[bytes]) -> None:
    """Before the tally, in the block that closes the poll."""
    ballot = pull(city, entries)
    entries.insert(find(entries, "tally"), ballot)


def twice(city: City, entries: list[bytes]) -> None:
    at = find(entries, "ballot", city.polls["poll"], 2)
    entries.insert(at, entries[at])


def twice_superseded(city: City, entries: list[bytes]) -> None:
    """A ballot that was replaced comes back after the one that replaced it."""
    first, last = find(entries, "ballot", city.polls["poll"], 0), find(entries, "ballot", city.polls["poll"], -1)
    entries.insert(last + 1, entries[first])


def foreign_ballot(city: City, entries: list[bytes]) -> None:
    """A ballot of one poll, said to be of another."""
    change(entries, find(entries, "ballot", city.polls["few"]), [1], city.polls["poll"])


def turn_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "ballot", city.polls["poll"], 1), [5], 7)


def permits_dropped(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "ballot", city.polls["poll"], 1), [4], [])


def proof_changed(city: City, entries: list[bytes]) -> None:
    """And cast anew, as a thief of the credential might do."""
    at = find(entries, "ballot", city.polls["poll"], 1)
    ballot = bytearray(decode(entries[at])[3])
    ballot[-1] ^= 1
    change(entries, at, [3], bytes(ballot))


def counted_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "tally"), [1, 1], 5)


def root_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "tally"), [1, 2], bytes(32))


def sums_changed(city: City, entries: list[bytes]) -> None:
    """One more vote for the first answer: beta is multiplied by g."""
    at = find(entries, "tally")
    sums = decode(entries[at])[1][3][0][1]
    more = veche_kernel.point_add(sums[32:64], veche_kernel.BASE)
    change(entries, at, [1, 3, 0, 1], sums[:32] + more + sums[64:])


def result_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "result"), [1, 2, 0], [4, 0])


def result_trustees_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "result"), [1, 1], [2, 1])


def result_dropped(city: City, entries: list[bytes]) -> None:
    del entries[find(entries, "result")]


def result_twice(city: City, entries: list[bytes]) -> None:
    at = find(entries, "result")
    entries.insert(at, entries[at])


def result_at_the_end(city: City, entries: list[bytes]) -> None:
    """The log ends where a result is due."""
    del entries[find(entries, "result") :]


def decryption_changed(city: City, entries: list[bytes]) -> None:
    at = find(entries, "decryption")
    factors = decode(entries[at])[1][4]
    change(entries, at, [1, 4], factors[32:] + factors[:32])


def decryption_dropped(city: City, entries: list[bytes]) -> None:
    del entries[find(entries, "decryption", number=1)]


def too_few_opened(city: City, entries: list[bytes]) -> None:
    """A tally of one ballot: what its trustees would need to open it."""
    at = find(entries, "too-few")
    poll, counted, root = decode(entries[at])[1]
    ballot = entries[find(entries, "ballot", city.polls["few"])]
    sums = veche_kernel.Sums(4)
    sums.add([city.poll("few").frozen.kernel.load(read_ballot(ballot).ballot)])
    entries[at] = encode(["tally", [poll, counted, root, [[[[0, 1]], sums.to_bytes()]]]])


def too_few_of_enough(city: City, entries: list[bytes]) -> None:
    """A result that somebody would rather not have."""
    at = find(entries, "tally")
    entries[at] = encode(["too-few", decode(entries[at])[1][:3]])


def cancel_removed(city: City, entries: list[bytes]) -> None:
    at = find(entries, "cancel")
    del entries[at - 1 : at + 1]


def cancel_by_too_few(city: City, entries: list[bytes]) -> None:
    at = find(entries, "cancel")
    item = decode(entries[at])
    entries[at] = encode([*item[:2], item[2][:2]])


def closed_early(city: City, entries: list[bytes]) -> None:
    """The block that closes says that it came before closing."""
    at = find(entries, "tally")
    while decode(entries[at])[0] != "block":
        at -= 1
    change(entries, at, [1, 1], city.poll("poll").closing - 1)


def closed_never(city: City, entries: list[bytes]) -> None:
    """The tally and all that follows is dropped, and the ledger goes on."""
    at = find(entries, "tally")
    while decode(entries[at])[0] != "block":
        at -= 1
    height, time, previous = decode(entries[at])[1]
    del entries[at:]
    entries.append(encode(["block", [height, time, previous]]))
    entries.append(city.entries()[find(city.entries(), "issuance")])


def time_goes_back(city: City, entries: list[bytes]) -> None:
    at = find(entries, "ballot", city.polls["poll"], 1) - 1
    change(entries, at, [1, 1], decode(entries[at])[1][2] - 1)


def height_repeats(city: City, entries: list[bytes]) -> None:
    at = find(entries, "ballot", city.polls["poll"], 1) - 1
    change(entries, at, [1, 0], 1)


def time_is_huge(city: City, entries: list[bytes]) -> None:
    entries.append(encode(["block", [2**64 - 1, 2**64 - 1, 2**64 - 1]]))


def empty_block(city: City, entries: list[bytes]) -> None:
    height, time, _ = decode(entries[find(entries, "block", number=-1)])[1]
    entries.append(encode(["block", [height + 1, time + 1, time]]))


def other_signature(city: City, entries: list[bytes]) -> None:
    """The log's own key is no office's."""
    at = find(entries, "issuance")
    entries[at] = sign_entry(city.verified.ledger, "issuance", decode(entries[at])[1], [city.log_key])


def repeated_statement(city: City, entries: list[bytes]) -> None:
    at = find(entries, "issuance")
    entries.insert(at + 1, entries[at])


def second_charter(city: City, entries: list[bytes]) -> None:
    entries.insert(5, entries[0])


def poll_changed(city: City, entries: list[bytes]) -> None:
    change(entries, find(entries, "poll"), [1, 6], city.poll("poll").definition.closes + 3600)


def unknown_kind(city: City, entries: list[bytes]) -> None:
    entries.append(encode(["correction", [city.polls["poll"]]]))


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
    ("L7", result_changed, "result"),
    ("L7", result_trustees_changed, "result"),
    ("L7", result_dropped, "result"),
    ("L7", result_twice, "result"),
    ("L7", result_at_the_end, "breaks off"),
    ("L5", decryption_changed, "signature"),
    ("L7", decryption_dropped, "result"),
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
        verify_ledger(Folder(publish(small, tmp_path, doctor)))
    error = caught.value
    assert (error.step, words in error.message) == (step, True), (error.step, error.message)
    assert error.where.startswith("entry ") and error.message.startswith("Entry ") and error.message.endswith(".")


def test_the_untouched_log_holds(small: City, tmp_path: Path) -> None:
    """So that it is what was changed that is refused above."""
    verified = verify_ledger(Folder(rewrite(tmp_path / "same", small.entries(), small.log_key)))
    assert (verified.head, verified.ledger) == (small.verified.head, small.verified.ledger)


def test_another_founder_is_another_ledger(small: City, tmp_path: Path) -> None:
    """Whoever replaces the charter needs the keys of all its offices."""
    entries = small.entries()
    other = SigningKey.generate()
    charter = decode(entries[0])
    charter[1][4] = other.public
    entries[0] = encode(charter)
    with pytest.raises(DoesNotHold) as caught:
        verify_ledger(Folder(rewrite(tmp_path / "other", entries, other)))
    assert (caught.value.step, caught.value.where) == ("L1", "entry 0")


def test_newer_rules_stop_an_older_program(small: City, tmp_path: Path) -> None:
    """No verdict is given on what follows rules that this program does not know; what came before them holds."""
    height, time, _ = decode(small.entries()[find(small.entries(), "block", number=-1)])[1]
    entries = [*small.entries(), encode(["block", [height + 1, NEW_RULES, time]])]
    with pytest.raises(Unsupported, match="rules version 2"):
        verify_ledger(Folder(rewrite(tmp_path / "new", entries, small.log_key)))


def test_an_issuance_that_is_missing_is_no_lie_and_is_said(small: City, tmp_path: Path) -> None:
    """A registrar may be late, and an operator may keep its entry back: both look the same, and a warning says it."""
    entries = small.entries()
    at = find(entries, "issuance")
    assert [decode(entry)[0] for entry in entries[at:]] == ["issuance", "block", "issuance"]
    del entries[at + 1 :]
    verified = verify_ledger(Folder(rewrite(tmp_path / "late", entries, small.log_key)))
    poll = next(poll for poll in report_ledger(verified).polls if poll.id == small.polls["poll"].hex())
    assert [warning.text("en").split(" has not")[0] for warning in poll.warnings] == ["Post office"]


def test_a_log_rewritten_before_anyone_looked_is_found_by_a_receipt(small: City, tmp_path: Path) -> None:
    """Two ballots of different voters change places: rules, sums and even the tally are the same, and so the log holds.

    But a voter has a receipt: a head that the log's key signed, which is no earlier state of this log. That is what receipts, witnesses
    and other nodes' copies are for.
    """
    entries = small.entries()
    number = find(entries, "ballot", small.polls["poll"], 1)
    entries[number], entries[number + 2] = entries[number + 2], entries[number]
    assert is_ballot(entries[number]) and is_ballot(entries[number + 2])
    receipt = _receipt(small.verified, small, number, number + 4)
    check_receipt(small.verified, receipt)
    forged = verify_ledger(Folder(rewrite(tmp_path / "swapped", entries, small.log_key)))
    with pytest.raises(DoesNotHold, match="another ledger") as caught:
        check_receipt(forged, receipt)
    assert caught.value.step == "R"


def _receipt(verified: VerifiedLedger, city: City, number: int, size: int) -> bytes:
    root = merkle.root([merkle.leaf_hash(entry) for entry in city.entries()[:size]])
    head = Checkpoint(verified.head.origin, size, root)
    return (
        Log(verified.source, verified.head)
        .receipt(number, SignedCheckpoint(head, (sign(head, city.log_key),)))
        .to_bytes()
    )
