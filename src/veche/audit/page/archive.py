"""The report on a Belenios archive as one page, in the dress of :mod:`veche.audit.page.page`."""

from collections.abc import Sequence

from veche.audit.archive import CANNOT_SHOW, STEPS, ArchiveReport
from veche.audit.bound import STEPS as BOUND_STEPS
from veche.audit.page.chart import bar
from veche.audit.page.page import document
from veche.audit.page.words import both, number, percent, percents, say
from veche.texts import Words

STEPS_RU = (
    "Файл состоит из записей, записанных байт в байт так, как пишет Belenios; имя каждой — отпечаток её содержимого.",
    "События образуют одну цепь в единственно возможном порядке, и каждое называет данные прямо перед ним.",
    "Каждый документ — JSON в единственном допустимом написании, и все числа в своих пределах.",
    "На вопросы голосования можно ответить, а его группа и версия этой программе известны.",
    "Каждый хранитель доказал, что знает свой ключ; ключи созданы по правилам, а ключ голосования — их произведение.",
    "Каждый ключ голосующего — элемент группы, не нейтральный, назван один раз и с допустимым весом.",
    "Каждый бюллетень, и заменённый тоже, подан ключом из списка, подписан и содержит доказательство допустимого выбора.",
    "Зашифрованный итог — взвешенная сумма последних бюллетеней всех голосовавших, и их ровно столько, сколько сказано.",
    "Каждая доля расшифровки — от другого хранителя и доказана, и долей достаточно.",
    "Результат — именно то, что расшифровывается из итога и долей.",
    "Файл рядом с архивом составлен верно и относится к тому же голосованию.",
    "Запись об итоге в нём называет то же число бюллетеней и ту же сумму, что и архив.",
    "В нём доли именно тех хранителей, что и в архиве, и каждая доказана вместе с шифротекстом, множителем и итогом.",
    "Итоги отдельно подсчитанных групп расшифровываются из этих долей и в сумме дают результат.",
)
STEPS_WORDS = {
    step: Words(english, russian)
    for (step, english), russian in zip({**STEPS, **BOUND_STEPS}.items(), STEPS_RU, strict=True)
}
LIMITS_RU = dict(
    zip(
        CANNOT_SHOW,
        (
            "Что каждый ключ достался человеку с правом голоса, и каждому один: список — это только список ключей.",
            "Что это те бюллетени, которые люди подали, и что все они здесь: каждый может найти свой по его коду.",
            "Когда бюллетени поданы: время в архиве одно, и его выбрал тот, кто архив записал.",
            "Что хранитель и последний голосующий не сговорились о ложной расшифровке: доказательство Belenios не связано ни "
            "с шифротекстом, ни с множителем. В реестре Veche рядом с архивом есть второе доказательство, которое связано.",
            "Что достаточное число хранителей не расшифровало отдельные бюллетени.",
        ),
        strict=True,
    )
)


def archive_page(
    report: ArchiveReport, steps: Sequence[str], limits: Sequence[str], result: Sequence[Sequence[int]]
) -> str:
    """The whole page. ``steps``: what was checked; ``limits``: of :data:`CANNOT_SHOW`; ``result``: votes, question by question."""
    name = Words(report.name or report.uuid, report.name or report.uuid)
    facts = (
        (say("Name of the poll in the archive", "Имя голосования в архиве"), f"<code>{report.uuid}</code>"),
        (say("Fingerprint of the poll", "Отпечаток голосования"), f"<code>{report.election_fingerprint}</code>"),
        (say("Ballots in the archive", "Бюллетеней в архиве"), both(number(report.ballots))),
        (say("Counted", "Засчитано"), both(number(report.counted))),
        (say("Their weight", "Их вес"), both(number(report.total_weight))),
        (say("Keys of voters", "Ключей голосующих"), both(number(report.credentials))),
        (say("Trustees", "Хранители ключа"), both(Words(report.trustees, report.trustees))),
        (say("Shares of the decryption", "Долей расшифровки"), both(number(report.shares))),
    )
    rows = "".join(f"<tr><td>{title}</td><td>{value}</td></tr>" for title, value in facts)
    checked = "".join(
        f'<tr><td class="step"><span class="ok">✓</span> {step}</td><td>{both(STEPS_WORDS[step])}</td></tr>'
        for step in steps
    )
    cannot = "".join(f"<li>{both(Words(limit, LIMITS_RU[limit]))}</li>" for limit in limits)
    return document(
        name,
        [
            f"<h1>{both(name)}</h1>",
            '<p class="lead"><span class="ok" aria-hidden="true">✓</span> '
            + say(
                "This archive was checked from its first byte, and everything holds.",
                "Архив проверен с первого байта. Всё верно.",
            )
            + "</p>",
            *(_question(report, index, votes) for index, votes in enumerate(result)),
            f'<section><h2>{say("The archive", "Архив")}</h2><div class="wide"><table><tbody>{rows}</tbody></table></div></section>',
            f"<section><h2>{say('What was checked', 'Что проверено')}</h2>"
            f'<div class="wide"><table><tbody>{checked}</tbody></table></div></section>',
            f"<section><h2>{say('What an archive alone cannot show', 'Чего архив сам по себе не покажет')}</h2>"
            f"<ul class='plain'>{cannot}</ul></section>",
        ],
    )


def _question(report: ArchiveReport, index: int, votes: Sequence[int]) -> str:
    question = report.election.questions[index]
    blank = [Words("Blank", "Без ответа")] if question.blank else []
    answers = [*blank, *(Words(answer, answer) for answer in question.answers)]
    whole = max(1, report.total_weight)
    parts = [f"<h3>{both(Words(question.question, question.question))}</h3>"]
    for answer, count, share in zip(answers, votes, percents(votes, whole), strict=True):
        value = f"{both(percent(share))} <b>{both(number(count))}</b>"
        parts.append(
            f'<div class="answer"><p><span>{both(answer)}</span><span>{value}</span></p>{bar(share, f"{answer.en}: {percent(share).en}")}</div>'
        )
    return f"<section>{''.join(parts)}</section>"
