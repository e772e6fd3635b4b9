"""What enough shares leave of a tally: g to each number of its result. docs/protocol.md, section 2.6.

To find the numbers is a search, of seconds in the largest polls; to check them is none. So whoever likes searches, beside the
blocks, and hands the result in; whoever makes or verifies a block checks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veche.ballot import decryption
from veche.ledger.entries.result import Numbers, Result
from veche.ledger.poll_state import CommitteeState, PollState


@dataclass(frozen=True)
class Opening:
    """Of a poll (its id) whose tally the shares of these ``trustees`` open.

    ``parts``: for each part of the tally g to its numbers. ``most``: for each part the greatest number that it can hold, the weight of
    its ballots. ``questions``: how many numbers each question has.
    """

    poll: bytes
    trustees: tuple[int, ...]
    parts: tuple[tuple[bytes, ...], ...]
    most: tuple[int, ...]
    questions: tuple[int, ...]

    @classmethod
    def of(cls, poll: PollState, committee: CommitteeState) -> "Opening":
        """Of a poll that has ``openers``. It takes a millisecond or less for each number, and no search."""
        tally = poll.tally
        assert tally is not None and poll.openers, "a poll that is opened has a tally and shares"
        parts = []
        for part, sums in enumerate(tally.parts):
            factors = {trustee: poll.shares[trustee][part].share.points() for trustee in poll.openers}
            parts.append(tuple(decryption.open_points(decryption.betas_of(sums), factors, committee.mode)))
        groups = poll.definition.groups
        weights = [sum(member.counted * groups[member.group].weight for member in cell.members) for cell in tally.cells]
        most = (sum(weights), *(weights if len(weights) > 1 else ()))
        questions = tuple(question.ciphertexts for question in poll.definition.questions)
        return cls(poll.id, poll.openers, tuple(parts), most, questions)

    def find(self) -> Result:
        """Search for the numbers: the one result that :meth:`holds`. Raises DoesNotHold if there is none, which cannot be."""
        found = [decryption.find_numbers(points, most) for points, most in zip(self.parts, self.most, strict=True)]
        total, *cells = (self._by_question(numbers) for numbers in found)
        return Result(self.poll, self.trustees, total, tuple(cells))

    def holds(self, result: Result) -> bool:
        """Whether this is the result: by its trustees, and with the numbers that their shares open."""
        parts = (result.total, *result.cells)
        return (
            result.trustees == self.trustees
            and len(parts) == len(self.parts)
            and all(tuple(map(len, numbers)) == self.questions for numbers in parts)
            and all(
                decryption.are_numbers(points, [number for question in numbers for number in question])
                for points, numbers in zip(self.parts, parts, strict=True)
            )
        )

    def _by_question(self, numbers: Sequence[int]) -> Numbers:
        left = iter(numbers)
        return tuple(tuple(next(left) for _ in range(count)) for count in self.questions)
