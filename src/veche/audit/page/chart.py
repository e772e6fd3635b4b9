"""Charts of the report as SVG: result bars and turnout columns. Colours come from the page; text is never scaled."""

from markupsafe import Markup

from veche.audit.poll_report import HOUR, TurnoutStep
from veche.texts import DAY_AND_TIME, DAY_OF_MONTH, Message, Moment, Number, languages

WIDTHS = (328, 648)
"""Two are drawn and the page shows one, so that text has its size on a phone too."""
HEIGHT = 180
LINES = 4


BAR = Markup(
    '<svg class="bar" lang="{language}" viewBox="0 0 1000 22" preserveAspectRatio="none" role="img" aria-label="{label}">'
    '<rect class="track" width="1000" height="22"/><rect class="fill" width="{width}" height="22"/></svg>'
)
COLUMNS = Markup(
    '<svg class="columns w{width}" lang="{language}" width="{width}" height="{height}" role="img" aria-label="{label}">'
    "{parts}</svg>"
)
LINE = Markup('<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
COLUMN = Markup('<rect class="fill" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>')
TEXT = Markup('<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>')
"""Everything that is filled in is escaped by Markup."""


def bar(tenths: int, label: str, language: str) -> Markup:
    """A bar on its track, which is 100 %. ``label`` says it in words, in this language."""
    return BAR.format(language=language, label=label, width=min(tenths, 1000))


def turnout(steps: list[TurnoutStep], step: int) -> Markup:
    """Columns of counted ballots by day or hour, zero-based, in both widths and all languages."""
    return Markup("").join(_columns(steps, step, width, language) for width in WIDTHS for language in languages())


def _columns(steps: list[TurnoutStep], step: int, width: int, language: str) -> Markup:
    unit = _unit(max(column.ballots for column in steps))
    top = unit * LINES
    left, floor, roof = 56, HEIGHT - 26, 10
    room = (width - left) / len(steps)
    gap = 2 if room >= 6 else 0
    parts = []
    for line in range(LINES + 1):
        y = floor - (floor - roof) * line / LINES
        parts.append(LINE.format(left=left, right=width, y=y))
        parts.append(TEXT.format(x=left - 8, y=y + 5, anchor="end", text=Number(unit * line).text(language)))
    for place, column in enumerate(steps):
        height = (floor - roof) * column.ballots / top
        x = left + room * place
        parts.append(COLUMN.format(x=x + gap / 2, y=floor - height, width=room - gap, height=height))
    for place in _labelled(len(steps), 7 if step > HOUR else 12, room):
        anchor = "start" if place == 0 else "end" if place == len(steps) - 1 else "middle"
        x = left + room * (0 if place == 0 else place + 1 if anchor == "end" else place + 0.5)
        time = Moment(steps[place].start, DAY_OF_MONTH if step > HOUR else DAY_AND_TIME)
        parts.append(TEXT.format(x=x, y=HEIGHT - 6, anchor=anchor, text=time.text(language)))
    label = Message("Counted ballots over time").text(language)
    return COLUMNS.format(width=width, language=language, height=HEIGHT, label=label, parts=Markup("").join(parts))


def _unit(most: int) -> int:
    """The step of the scale: 1, 2 or 5 times a power of ten, so that LINES steps hold the highest column."""
    unit = 1
    while True:
        for factor in (1, 2, 5):
            if unit * factor * LINES >= most:
                return unit * factor
        unit *= 10


def _labelled(count: int, every: int, room: float) -> list[int]:
    """Which columns have a label below: the first, the last, and some between where there is room."""
    while every * room < 90:
        every *= 2
    inner = [place for place in range(every, count, every) if (count - 1 - place) * room > 90]
    return sorted({0, *inner, count - 1} if count * room > 150 else {0})
