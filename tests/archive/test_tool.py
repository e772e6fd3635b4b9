"""Polls that belenios-tool runs from their keys to their results: good archives, whoever made them."""

import json
from pathlib import Path
from typing import Any

import pytest

from veche.audit.archive import verify_archive
from veche.ballot.canonical import encode
from veche.ballot.election import Election
from veche.errors import Unsupported, UserError

from .assemble import take_apart
from .belenios_tool import Poll

JOIN: dict[str, Any] = {"answers": ["for", "against"], "min": 1, "max": 1, "question": "Join?"}
CLUBS: dict[str, Any] = {"answers": ["Chess", "Choir", "Go"], "min": 0, "max": 2, "question": "Clubs"}
SPEAKER: dict[str, Any] = {"answers": ["Ida", "Joe"], "blank": True, "min": 1, "max": 1, "question": "Speaker"}


def template(*questions: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"description": "About", "name": "A poll", "questions": list(questions), **more}


def decided(poll: Poll, owners: list[int]) -> None:
    """Closes the poll, decrypts and publishes it; the tool and the verifier agree on the result."""
    poll.close()
    for owner in owners:
        poll.decrypt(owner)
    result = poll.publish()
    poll.verify()
    for path in (poll.archive, poll.folder):
        assert verify_archive(path).result.decode() == result


def test_a_poll_with_single_trustees_and_revotes(tmp_path: Path) -> None:
    poll = Poll(tmp_path, singles=3, template=template(JOIN, CLUBS)).setup()
    for voter, choices in ((0, [[1, 0], [1, 1, 0]]), (1, [[0, 1], [0, 0, 0]]), (0, [[0, 1], [0, 0, 1]])):
        poll.vote(voter, choices)
    decided(poll, [2, 3, 1])
    report = verify_archive(poll.archive)
    assert (report.ballots, report.counted, report.total_weight, report.shares) == (3, 2, 2, 3)
    assert report.result == b'{"result":[[0,2],[0,0,1]]}'


@pytest.mark.parametrize("owners", [[1, 2, 4], [4, 3, 2, 1]])
def test_a_poll_with_a_committee_beside_a_single_trustee(tmp_path: Path, owners: list[int]) -> None:
    poll = Poll(tmp_path, singles=1, committee=(2, 3)).setup()
    poll.vote(1, [[1, 0]])
    decided(poll, owners)
    assert verify_archive(poll.archive).trustees == "1 single, 2 of 3"


def test_a_poll_of_a_committee_alone(tmp_path: Path) -> None:
    poll = Poll(tmp_path, singles=0, committee=(2, 3)).setup()
    poll.vote(0, [[0, 1]])
    decided(poll, [3, 1])


def test_a_poll_with_weights_and_blank_answers(tmp_path: Path) -> None:
    weights = ["20000", "0", "1", "7"]
    poll = Poll(tmp_path, voters=weights, template=template(SPEAKER, JOIN)).setup()
    for voter, choice in enumerate(
        [[[1, 0, 0], [1, 0]], [[0, 1, 0], [0, 1]], [[0, 0, 1], [0, 1]], [[1, 0, 0], [1, 0]]]
    ):
        poll.vote(voter, choice)
    decided(poll, [1])
    report = verify_archive(poll.archive)
    assert (report.counted, report.total_weight) == (4, 20008)
    assert report.result == b'{"result":[[20007,0,1],[20007,1]]}'


def test_a_poll_in_which_nobody_votes(tmp_path: Path) -> None:
    decided(Poll(tmp_path, template=template(JOIN, SPEAKER)).setup(), [1])


def test_a_poll_for_nobody(tmp_path: Path) -> None:
    decided(Poll(tmp_path, voters=[]).setup(), [1])


def test_texts_with_all_that_must_be_escaped(tmp_path: Path) -> None:
    text = "".join(map(chr, range(1, 0x100))) + "\u2028\ufeff\U0001f95a"
    asked = template(JOIN | {"question": text, "blank": False}, administrator=text, credential_authority="C/A")
    poll = Poll(tmp_path, uuid="1" * 44, template=asked | {"name": text}).setup()
    poll.vote(0, [[0, 1]])
    decided(poll, [1])
    raw = take_apart(poll.archive.read_bytes()).data("Setup", 0, 0)
    election = Election.from_json(raw)
    assert election.to_json() == raw
    assert [election.name, election.administrator, election.questions[0].question] == [text] * 3
    assert encode(text) in raw


def test_an_election_of_ours_is_the_tools(tmp_path: Path) -> None:
    """The text that ``to_json`` writes is the one that the tool writes, and so is its fingerprint."""
    poll = Poll(tmp_path, template=template(SPEAKER, CLUBS)).setup()
    raw = take_apart(poll.archive.read_bytes()).data("Setup", 0, 0)
    content = json.loads(raw)
    from veche.ballot.election import Question

    ours = Election(
        description="About",
        name="A poll",
        public_key=content["public_key"],
        questions=[
            Question(answers=["Ida", "Joe"], blank=True, min=1, max=1, question="Speaker"),
            Question(answers=["Chess", "Choir", "Go"], min=0, max=2, question="Clubs"),
        ],
        uuid=poll.uuid,
    )
    assert ours.to_json() == raw
    (tmp_path / "text").write_bytes(raw)
    assert poll.run("sha256-b64", stdin=raw.decode()).strip() == ours.fingerprint


def test_another_group_gets_no_verdict(tmp_path: Path) -> None:
    poll = Poll(tmp_path, group="BELENIOS-2048").setup()
    poll.vote(0, [[0, 1]])
    poll.close()
    poll.decrypt(1)
    poll.publish()
    poll.verify()
    with pytest.raises(Unsupported, match="BELENIOS-2048"):
        verify_archive(poll.archive)


def test_another_kind_of_question_gets_no_verdict(tmp_path: Path) -> None:
    asked = template({"type": "NonHomomorphic", "value": {"answers": ["a", "b"], "question": "Order?"}})
    poll = Poll(tmp_path, template=asked).setup()
    poll.vote(0, [[1, 2]])
    poll.close()
    with pytest.raises(Unsupported, match="NonHomomorphic"):
        verify_archive(poll.archive)
    poll.event("Shuffle", poll.run("election", "shuffle", "--trustee-id", "1"))
    poll.event("EndShuffles")
    poll.decrypt(1)
    poll.publish()
    poll.verify()
    with pytest.raises(Unsupported, match="shuffles"):
        verify_archive(poll.archive)


def test_a_poll_under_way(tmp_path: Path) -> None:
    poll = Poll(tmp_path).setup()
    with pytest.raises(Unsupported, match="ballot box was not closed"):
        verify_archive(poll.archive)
    poll.vote(0, [[0, 1]])
    with pytest.raises(Unsupported, match="ballot box was not closed"):
        verify_archive(poll.archive)
    poll.event("EndBallots")
    with pytest.raises(Unsupported, match="not summed"):
        verify_archive(poll.archive)


# Files


def test_paths_that_lead_to_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        verify_archive(tmp_path / "missing.bel")
    with pytest.raises(UserError, match="holds 0 archives"):
        verify_archive(tmp_path)
    for name in ("a.bel", "b.bel"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match="holds 2 archives"):
        verify_archive(tmp_path)
    with pytest.raises(UserError, match="no file"):
        verify_archive("/dev/null")
    with pytest.raises(UserError):
        verify_archive("a\0b")
    with pytest.raises(UserError):
        verify_archive("x" * 5000)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UserError):
        verify_archive(tmp_path / "loop")
