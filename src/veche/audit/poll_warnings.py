"""What holds in a poll and should be looked at all the same: what is missing, late or odd.

Nothing here is a proof of anything: a warning says where an auditor should ask. ``now`` is always the time of the ledger's
last block, so that two auditors of one ledger read the same warnings.
"""

from collections.abc import Iterator

from veche.audit.poll_report import DAY, PollReport
from veche.texts import Words

ANSWER = 14 * DAY
"""Within this time after closing the city says what it will do."""
COUNT = 7 * DAY
"""Trustees who take longer than this are late."""


def poll_warnings(poll: PollReport, now: int) -> list[Words]:
    """The warnings of one poll, as of the time ``now`` (seconds since 1970)."""
    return [*_issuance(poll), *_rolls(poll), *_closing(poll), *_count(poll, now), *_answer(poll, now)]


def _issuance(poll: PollReport) -> Iterator[Words]:
    """After closing every registrar accounts for its permits; until then counted <= issued <= roll is not known."""
    if poll.closed is None:
        return
    silent = {account.registrar: None for group in poll.groups for account in group.accounts if account.issued is None}
    for name in silent:
        yield Words(
            f"{name} has not said how many permits it issued: nobody can compare them with the ballots and the roll yet.",
            f"Регистратор «{name}» не сообщил, сколько выдано допусков: пока их нельзя сверить с бюллетенями и списком.",
        )


def _rolls(poll: PollReport) -> Iterator[Words]:
    for group in poll.groups:
        if len({account.people for account in group.accounts}) > 1:
            numbers = "; ".join(f"{account.registrar}: {account.people}" for account in group.accounts)
            yield Words(
                f"The registrars have rolls of different lengths for “{group.name.en}” ({numbers}).",
                f"Списки участников у регистраторов разной длины, группа «{group.name.ru}» ({numbers}).",
            )


def _closing(poll: PollReport) -> Iterator[Words]:
    if poll.closing != poll.closes:
        minutes = (poll.closing - poll.closes) // 60
        yield Words(
            f"The ledger stood still, so the poll closed {minutes} minutes later than published.",
            f"Реестр не работал, поэтому голосование окончилось на {minutes} мин. позже объявленного.",
        )


def _count(poll: PollReport, now: int) -> Iterator[Words]:
    if poll.status == "counting" and poll.closed is not None and now > poll.closed + COUNT:
        done = sum(trustee.shared for trustee in poll.trustees)
        yield Words(
            f"The count is late: the poll closed over a week ago, and {done} of the {poll.threshold} trustees that are "
            "needed have added their share.",
            f"Подсчёт запаздывает: голосование окончилось больше недели назад, а свою долю внесли {done} из {poll.threshold} "
            "нужных хранителей ключа.",
        )


def _answer(poll: PollReport, now: int) -> Iterator[Words]:
    said = [statement for statement in poll.statements if statement.kind == "outcome"]
    if poll.closed is not None and poll.status != "cancelled" and not said and now > poll.closed + ANSWER:
        yield Words(
            "The city's answer is late: the poll closed over two weeks ago, and nobody has said what will be done.",
            "Город запаздывает с ответом: голосование окончилось больше двух недель назад, а что будет сделано, не сказано.",
        )
    if said and said[-1].status == "will" and said[-1].due < now:
        yield Words(
            "What the city promised is late: the day that it named has passed.",
            "Город не сделал обещанного в срок: названный день прошёл.",
        )
