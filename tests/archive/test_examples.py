"""The archives beside the design, with what a strict verifier must say of each."""

import csv
from pathlib import Path

import pytest
from belenios import SHARED

from veche.audit.archive import STEPS, verify_archive
from veche.ballot.archive.archive import Archive
from veche.errors import DoesNotHold

from . import reference

FOLDER = SHARED / "belenios"

NAMED = {
    "individual-minus1": ("A7", "ballot 3", "individual proof"),
    "overall-of-another-ballot": ("A7", "ballot 4", "overall proof"),
    "signature-challenge-changed": ("A7", "ballot 4", "signature"),
    "beta-order-4": ("A7", "ballot", "prime-order subgroup"),
    "credential-order-8": ("A6", "credential 5", "prime-order subgroup"),
    "beta-uppercase": ("A7", "ballot 4", "lowercase"),
    "ciphertext-fields-reordered": ("A7", "ballot 4", "alpha"),
    "events-end-twice": ("A2", "event 5", "closed"),
    "events-parent-unknown": ("A2", "event 3", "parent"),
    "tally-counts-twice": ("A8", "the encrypted tally", "sum"),
    "pd-challenge-changed": ("A9", "trustee 2", "proof"),
    "result-vote-moved": ("A10", "the result", "decrypt"),
    "trustee-pok-of-another": ("A5", "trustee 2", "proof"),
    "file-cut": ("A1", "record 17", "cut"),
}


def examples(verdict: str) -> list[tuple[str, str]]:
    with (FOLDER / "expected.tsv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    found = [(row[0], row[3]) for row in rows if row[1] == verdict]
    assert found
    return found


def path(verdict: str, name: str) -> Path:
    return FOLDER / verdict / f"{name}.bel"


@pytest.mark.parametrize(("name", "result"), examples("good"))
def test_a_good_archive_gives_its_result(name: str, result: str) -> None:
    steps: list[tuple[str, int, int]] = []
    report = verify_archive(path("good", name), lambda *progress: steps.append(progress))
    assert report.result.decode() == result
    assert report.cannot_show
    assert [step for step, _, _ in steps] == sorted((s for s, _, _ in steps), key=list(STEPS).index)
    assert all(0 <= done <= total for _, done, total in steps)
    assert steps[-1] == ("A10", 1, 1)


@pytest.mark.parametrize(("name", "reason"), examples("bad"))
def test_a_bad_archive_is_refused_for_what_is_wrong(name: str, reason: str) -> None:
    step, where, words = NAMED[name]
    with pytest.raises(DoesNotHold) as caught:
        verify_archive(path("bad", name))
    error = caught.value
    assert (error.step, where in error.where, words in error.message) == (step, True, True), (reason, error.message)


@pytest.mark.parametrize(("verdict", "name"), [(v, n) for v in ("good", "bad") for n, _ in examples(v)])
def test_the_reference_agrees_with_the_kernel_on_every_ballot(verdict: str, name: str) -> None:
    import veche_kernel

    from veche.ballot.canonical import point_bytes
    from veche.ballot.election import Election

    try:
        archive = Archive.open(path(verdict, name))
    except DoesNotHold:
        assert NAMED[name][0] in ("A1", "A2")
        return
    with archive:
        raw = archive.read(archive.election)
        election = Election.from_json(raw)
        shape = [(len(q.answers), q.min, q.max, bool(q.blank)) for q in election.questions]
        key = point_bytes(election.public_key)
        kernel = veche_kernel.Election(key, election.fingerprint, election.uuid, shape)
        ballots = [archive.read(span) for span in archive.ballots]
        for ballot, checked in zip(ballots, kernel.verify_json_many(ballots), strict=True):
            try:
                credential = reference.check_ballot(raw.decode(), ballot.decode())
            except ValueError:
                assert isinstance(checked, veche_kernel.Failure)
            else:
                assert isinstance(checked, veche_kernel.ArchiveBallot), checked
                assert point_bytes(credential) == checked.credential
