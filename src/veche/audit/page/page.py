"""The report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere.

English and Russian are both in it; two radio buttons and the style sheet show one of them. Everything that comes from the
ledger is escaped. Look and words: those of the portal.
"""

from collections.abc import Iterable

from veche.audit.page.poll import poll_html
from veche.audit.page.words import CANNOT_SHOW_WORDS, STATUS, STEPS_WORDS, both, moment, number, say
from veche.audit.report import LedgerReport
from veche.texts import Words

MARK = (
    '<svg class="mark" viewBox="0 0 40 40" aria-hidden="true"><circle cx="20" cy="20" r="16.5" fill="none" stroke="currentColor" '
    'stroke-width="4"/><circle cx="25.2" cy="25.2" r="6.6" fill="currentColor"/></svg>'
)

STYLE = """
:root{--sheet:#F1F5F4;--paper:#FFF;--sunk:#E3EAE8;--ink:#14201E;--ink2:#465350;--patina:#0B5F5A;--wash:#DFF0EC;--bronze:#85480A;
--bronze-wash:#FCEFD9;--deep:#0A3F3C;--line:#C9D4D1;--edge:#6B7875;--bar:#2A7D76;color-scheme:light}
@media(prefers-color-scheme:dark){:root{--sheet:#0F1514;--paper:#18201E;--sunk:#25302D;--ink:#EDF2F0;--ink2:#B3BFBB;--patina:#6FCFC4;
--wash:#14332F;--bronze:#F0B667;--bronze-wash:#38290F;--line:#37433F;--edge:#86928E;--bar:#4FA79E;color-scheme:dark}}
*{box-sizing:border-box}
body{margin:0;background:var(--sheet);color:var(--ink);font:400 17px/26px "Golos Text",Golos,system-ui,sans-serif;
font-variant-numeric:tabular-nums lining-nums}
.mast{background:var(--deep);color:#fff}.mast div,main{max-width:832px;margin:0 auto;padding:0 16px}
.mast div{display:flex;align-items:center;gap:12px;min-height:64px;font-weight:700;font-size:22px}
.mast small{font-weight:400;font-size:15px;color:#B9D6D1}.mark{width:34px;height:34px;flex:none}
.lang{max-width:832px;margin:0 auto;padding:8px 16px 0;display:flex;gap:8px;justify-content:flex-end}
.pick{position:absolute;opacity:0;pointer-events:none}
.lang label{min-height:44px;padding:9px 12px;border-radius:4px;color:var(--patina);text-decoration:underline;cursor:pointer}
#en:checked~.lang label[for=en],#ru:checked~.lang label[for=ru]{color:var(--ink);font-weight:600;text-decoration:none}
#en:focus-visible~.lang label[for=en],#ru:focus-visible~.lang label[for=ru],summary:focus-visible,a:focus-visible{
outline:3px solid #FFC53D;outline-offset:3px;box-shadow:0 0 0 3px var(--ink)}
#en:checked~main [lang=ru],#ru:checked~main [lang=en],#en:checked~.mast [lang=ru],#ru:checked~.mast [lang=en]{display:none}
main{padding-top:16px;padding-bottom:64px}h1,h2,h3,p{margin:0}
h1{font-size:29px;line-height:35px;letter-spacing:-.015em;text-wrap:balance;margin:8px 0}
h2{font-size:22px;line-height:28px;text-wrap:balance}h3{font-size:19px;line-height:26px;font-weight:600;margin:24px 0 8px;white-space:pre-line}
section{background:var(--paper);border-top:3px solid var(--ink);padding:24px 16px;margin-top:32px}
.lead{font-size:18px;line-height:28px;color:var(--ink2);margin:8px 0}
.small{font-size:15px;line-height:22px;color:var(--ink2)}
.tag{display:inline-block;font-weight:600;font-size:15px;line-height:22px;padding:2px 10px;border-radius:4px;background:var(--sunk);margin-bottom:8px}
.tag.decided{background:var(--wash);color:var(--patina)}.tag.open,.tag.counting{background:var(--bronze-wash);color:var(--bronze)}
.warning{background:var(--bronze-wash);color:var(--bronze);padding:12px 16px;margin:12px 0}
.answer{margin:12px 0}.answer p:first-child{display:flex;justify-content:space-between;gap:16px}.answer b{white-space:nowrap}
.answers{padding-left:20px;margin:0}
.bar{display:block;width:100%;height:22px;margin:4px 0}.track{fill:var(--sunk)}.fill{fill:var(--bar)}
.columns text{font:14px system-ui,sans-serif;fill:var(--ink2)}.grid{stroke:var(--line)}.columns{display:block}.w648{display:none}
.said{margin:12px 0;white-space:pre-line}
details{margin-top:16px;border-top:1px solid var(--line);padding-top:8px}
summary{cursor:pointer;color:var(--patina);min-height:24px;padding:6px 0}
.wide{overflow-x:auto;margin:12px 0}table{border-collapse:collapse;width:100%;font-size:15px;line-height:22px}
th,td{text-align:left;vertical-align:top;padding:6px 16px 6px 0;border-bottom:1px solid var(--line)}th{color:var(--ink2);font-weight:600}
code{font:14px/20px "IBM Plex Mono",ui-monospace,monospace;overflow-wrap:anywhere}
a{color:var(--patina)}ol,ul.plain{padding-left:24px;margin:8px 0}li{margin:6px 0}
.ok{color:var(--patina);font-weight:700}.step{white-space:nowrap}
@media(min-width:720px){section{padding:32px 40px}h1{font-size:40px;line-height:46px}h2{font-size:26px;line-height:32px}
.w328{display:none}.w648{display:block}#en:checked~main .w328[lang=en],#ru:checked~main .w328[lang=ru]{display:none}}
@media print{body{background:#fff;color:#000}.lang{display:none}section{break-inside:avoid-page}}
"""


def page(report: LedgerReport) -> str:
    """The whole page on a ledger."""
    polls = (poll_html(poll) for poll in report.polls)
    return document(report.name, [*_verdict(report), *polls, *_notices(report), *_steps(report)])


def document(name: Words, parts: Iterable[str]) -> str:
    """A page around these parts, in both languages."""
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Veche: {_plain(name)}</title><style>{STYLE}</style></head><body>",
            '<input class="pick" type="radio" name="lang" id="en" checked><input class="pick" type="radio" name="lang" id="ru">',
            f'<header class="mast"><div>{MARK}<span>Veche <small>{say("verification report", "отчёт о проверке")}</small></span></div></header>',
            '<div class="lang"><label for="en" lang="en">English</label><label for="ru" lang="ru">Русский</label></div>',
            "<main>",
            *parts,
            "</main></body></html>\n",
        ]
    )


def _plain(words: Words) -> str:
    return both(Words(words.en, words.en))


def _verdict(report: LedgerReport) -> list[str]:
    rows = [
        (say("Ledger", "Реестр"), f"<code>{report.ledger}</code>"),
        (say("Origin", "Имя журнала"), f"<code>{_plain(Words(report.origin, report.origin))}</code>"),
        (say("Entries", "Записей"), both(number(report.size))),
        (say("Root", "Корень"), f"<code>{report.root}</code>"),
        (say("Last block", "Последний блок"), both(moment(report.time))),
        (say("Key of the log", "Ключ журнала"), f"<code>{report.log_key}</code>"),
        (say("Checked with", "Проверено программой"), f"<code>{report.program}</code>"),
    ]
    facts = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    polls = "".join(
        f'<tr><td><a href="#p{poll.id}">{both(poll.title)}</a></td><td>{both(STATUS[poll.status])}</td>'
        f"<td>{both(number(poll.counted))}</td></tr>"
        for poll in report.polls
    )
    index = (
        f'<div class="wide"><table><thead><tr><th scope="col">{say("Poll", "Голосование")}</th><th scope="col">'
        f'{say("State", "Состояние")}</th><th scope="col">{say("Counted", "Засчитано")}</th></tr></thead><tbody>{polls}</tbody></table></div>'
        if len(report.polls) > 1
        else ""
    )
    return [
        f"<h1>{both(report.name)}</h1>",
        '<p class="lead"><span class="ok" aria-hidden="true">✓</span> '
        + say(
            f"Every one of the {number(report.size).en} entries was checked, and everything holds.",
            f"Проверены все записи, их {number(report.size).ru}. Всё верно.",
        )
        + "</p>",
        f'<div class="wide"><table><tbody>{facts}</tbody></table></div>',
        f'<p class="small">{say("Compare entries and root with what another node shows.", "Сравните число записей и корень с тем, что показывает другой узел.")}</p>',
        index,
    ]


def _notices(report: LedgerReport) -> list[str]:
    if not report.notices:
        return []
    said = "".join(
        f'<p class="said">{both(notice.text)}<br><span class="small">{both(moment(notice.time))}, '
        f"{say('entry', 'запись')} {notice.entry}</span></p>"
        for notice in report.notices
    )
    return [f"<section><h2>{say('Notices', 'Сообщения')}</h2>{said}</section>"]


def _steps(report: LedgerReport) -> list[str]:
    steps = "".join(
        f'<tr><td class="step"><span class="ok">✓</span> {step}</td><td>{both(STEPS_WORDS[step])}</td></tr>'
        for step in report.steps
    )
    limits = "".join(f"<li>{both(words)}</li>" for words in CANNOT_SHOW_WORDS)
    return [
        f"<section><h2>{say('What was checked', 'Что проверено')}</h2>"
        f'<div class="wide"><table><tbody>{steps}</tbody></table></div></section>',
        f"<section><h2>{say('What no ledger can show', 'Чего не покажет никакой реестр')}</h2><ul class='plain'>{limits}</ul></section>",
    ]
