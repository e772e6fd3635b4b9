"""One poll on the report page: what was asked, bars and tables of the result, turnout, accounts, what the city said."""

from collections.abc import Iterable, Sequence

from veche.audit.page.chart import bar, turnout
from veche.audit.page.words import OUTCOME, STATUS, ballots, both, moment, number, percent, percents, say, votes
from veche.audit.poll_report import PollReport, Question
from veche.texts import Words


def poll_html(poll: PollReport) -> str:
    """The section of a poll."""
    parts = [
        f'<section class="poll" id="p{poll.id}">',
        f'<p class="tag {poll.status}">{both(STATUS[poll.status])}</p><h2>{both(poll.title)}</h2>',
        _lead(poll),
        *(
            f'<p class="warning">{say("Look at this:", "Обратите внимание:")} {both(warning)}</p>'
            for warning in poll.warnings
        ),
        *(_question(poll, question) for question in poll.questions),
        _turnout(poll),
        *(_said(poll) if poll.statements else []),
        _cells(poll),
        _groups(poll),
        _trustees(poll),
        _facts(poll),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _lead(poll: PollReport) -> str:
    count = ballots(poll.counted)
    if poll.people:
        share = percent(percents([poll.counted], poll.people)[0])
        english = f"{count.en} counted, {share.en} of the roll."
        russian = f"Засчитано: {count.ru}, {share.ru} списка участников."
    else:
        english, russian = f"{count.en} counted.", f"Засчитано: {count.ru}."
    if any(group.weight != 1 for group in poll.groups):
        english += " A ballot weighs as much as its group says, so there are more votes than ballots."
        russian += " Бюллетень весит столько, сколько задано для его группы, поэтому голосов больше, чем бюллетеней."
    if poll.status == "open":
        english, russian = f"So far {count.en}, each voter once.", f"Пока {count.ru}, каждый голосующий учтён один раз."
    if poll.status == "too-few":
        english += f" Fewer than {poll.smallest} ballots: to keep them secret they are not opened."
        russian += f" Это меньше {poll.smallest}: чтобы сохранить тайну, их не вскрывают."
    if poll.status == "counting":
        done = sum(trustee.shared for trustee in poll.trustees)
        english += f" {done} of {len(poll.trustees)} trustees have added their share; {poll.threshold} are needed."
        russian += f" Свою долю внесли {done} из {len(poll.trustees)} хранителей ключа, нужно {poll.threshold}."
    if poll.status == "cancelled":
        english += " No ballot will ever be opened."
        russian += " Ни один бюллетень вскрыт не будет."
    return f'<p class="lead">{say(english, russian)}</p>'


def _question(poll: PollReport, question: Question) -> str:
    rows = [(answer.text, answer.votes) for answer in question.answers]
    if question.blank_allowed:
        rows.append((Words("Left blank", "Без ответа"), question.blank))
    head = f"<h3>{both(question.text)}</h3>"
    known = [value for _, value in rows if value is not None]
    if len(known) < len(rows):
        return head + f"<ul class='answers'>{''.join(f'<li>{both(text)}</li>' for text, _ in rows)}</ul>"
    shares = percents(known, poll.weight)
    lines = []
    for (text, _), value, tenths in zip(rows, known, shares, strict=True):
        share, count = percent(tenths), votes(value)
        lines.append(
            f'<div class="answer"><p><span>{both(text)}</span><b>{both(share)}</b></p>'
            f'{bar(tenths, f"{text.en} / {text.ru}: {share.en}, {count.en}")}<p class="small">{both(count)}</p></div>'
        )
    note = ""
    if question.most > 1:
        limit = say(
            f"Up to {question.most} answers could be chosen, so the shares may add to over 100%.",
            f"Можно было выбрать до {question.most} ответов, поэтому доли могут давать в сумме больше 100\u00a0%.",
        )
        note = f'<p class="small">{limit}</p>'
    table = _table(
        [say("Answer", "Ответ"), say("Votes", "Голоса"), say("Share", "Доля")],
        [[both(text), both(number(v)), both(percent(t))] for (text, _), v, t in zip(rows, known, shares, strict=True)],
    )
    return head + "".join(lines) + note + _folded(say("The same as a table", "То же в таблице"), table)


def _turnout(poll: PollReport) -> str:
    if not poll.turnout:
        return ""
    table = _table(
        [say("From (UTC)", "С (UTC)"), say("Counted ballots", "Засчитано бюллетеней")],
        [[both(moment(step.start)), both(number(step.ballots))] for step in poll.turnout],
    )
    title = say("When the counted ballots were cast", "Когда поданы засчитанные бюллетени")
    return f"<h3>{title}</h3>{turnout(poll.turnout, poll.turnout_step)}" + _folded(
        say("The same as a table", "То же в таблице"), table
    )


def _said(poll: PollReport) -> Iterable[str]:
    yield f"<h3>{say('What was said', 'Что сказано')}</h3>"
    for said in poll.statements:
        head = OUTCOME.get(said.status) or (
            Words("Cancelled", "Отменено") if said.kind == "cancel" else Words("Notice", "Сообщение")
        )
        due = ""
        if said.status == "will":
            due = f" {say('by', 'до')} {both(moment(said.due))}"
        yield (
            f'<p class="said"><b>{both(head)}{due}</b><br>{both(said.text)}<br>'
            f'<span class="small">{both(moment(said.time))}, {say("entry", "запись")} {said.entry}</span></p>'
        )


def _cells(poll: PollReport) -> str:
    """Results of groups that were counted apart; those with too few ballots were added to others before the count."""
    if not poll.cells:
        return ""
    tables = []
    for position, question in enumerate(poll.questions):
        blank = [Words("Left blank", "Без ответа")] if question.blank_allowed else []
        head = [
            say("Group", "Группа"),
            *(both(text) for text in [*blank, *(answer.text for answer in question.answers)]),
        ]
        rows = [
            [_names(poll, cell.groups), *(both(number(value)) for value in cell.result[position])]
            for cell in poll.cells
        ]
        tables.append(f"<p>{both(question.text)}</p>{_table(head, rows)}")
    return _folded(say("Results by group", "Итоги по группам"), "".join(tables))


def _names(poll: PollReport, groups: Sequence[int]) -> str:
    return " + ".join(both(poll.groups[group].name) for group in groups)


def _groups(poll: PollReport) -> str:
    unknown = say("not said", "не сообщено")
    rows = []
    for group in poll.groups:
        for account in group.accounts:
            issued = unknown if account.issued is None else both(number(account.issued))
            rows.append(
                [
                    f"{both(group.name)} (×{group.weight})" if group.weight != 1 else both(group.name),
                    both(Words(account.registrar, account.registrar)),
                    both(number(account.used)),
                    issued,
                    both(number(account.people)),
                ]
            )
    head = [
        say("Group", "Группа"),
        say("Registrar", "Регистратор"),
        say("Voters admitted", "Допущено голосовавших"),
        say("Permits issued", "Выдано допусков"),
        say("On the roll", "В списке участников"),
    ]
    note = say(
        "Each number is at most the one to the right of it; the rules refuse anything else.",
        "Каждое число не больше того, что справа от него: иного правила не допускают.",
    )
    return (
        _folded(
            say("Ballots, permits and rolls", "Бюллетени, допуски и списки"),
            _table(head, rows) + f'<p class="small">{note}</p>',
        )
        if rows
        else ""
    )


def _trustees(poll: PollReport) -> str:
    title = say(
        f"Trustees: {poll.threshold} of {len(poll.trustees)} open the sum together",
        f"Хранители ключа: сумму вскрывают {poll.threshold} из {len(poll.trustees)} вместе",
    )
    rows = [
        [
            str(trustee.index),
            both(Words(trustee.institution, trustee.institution)),
            say("yes", "да") if trustee.shared else say("no", "нет"),
        ]
        for trustee in poll.trustees
    ]
    head = ["№", say("Institution", "Учреждение"), say("Added the share", "Доля внесена")]
    return _folded(title, _table(head, rows))


def _facts(poll: PollReport) -> str:
    rows = [
        [say("Opened", "Начало"), both(moment(poll.opens))],
        [say("Closing", "Окончание"), both(moment(poll.closing))],
        *([[say("Decided", "Подсчитано"), both(moment(poll.decided))]] if poll.decided is not None else []),
        [
            say("Ballots in the ledger, with those that were replaced", "Бюллетеней в реестре, вместе с заменёнными"),
            both(number(poll.ballots)),
        ],
        [say("Poll", "Голосование"), f"<code>{poll.id}</code>, {say('entry', 'запись')} {poll.entry}"],
        [say("Belenios election", "Выборы Belenios"), f"<code>{poll.uuid}</code>"],
        [say("Fingerprint of the election", "Отпечаток выборов"), f"<code>{poll.fingerprint}</code>"],
    ]
    return _folded(say("For the record", "Для проверки"), _table([], rows))


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>{content}</details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    top = f"<thead><tr>{titles}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'
