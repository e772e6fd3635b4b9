"""Charts of the report as SVG: result bars and turnout columns. Colours come from the page; text is never scaled."""

from html import escape

from veche.audit.page.words import SHORT_EN, SHORT_RU, number
from veche.audit.poll_report import HOUR, Step
from veche.texts import utc

WIDTHS = (328, 648)
"""Two are drawn and the page shows one, so that text has its size on a phone too."""
HEIGHT = 180
LINES = 4


def bar(tenths: int, label: str) -> str:
    """A bar on its track, which is 100 %. ``label`` (plain text) says it in words."""
    width = min(tenths, 1000)
    return (
        f'<svg class="bar" viewBox="0 0 1000 22" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<rect class="track" width="1000" height="22"/><rect class="fill" width="{width}" height="22"/></svg>'
    )


def turnout(steps: list[Step], step: int) -> str:
    """Columns of counted ballots by day or hour, zero-based, in both widths and languages."""
    return "".join(_columns(steps, step, width, lang) for width in WIDTHS for lang in ("en", "ru"))


def _columns(steps: list[Step], step: int, width: int, lang: str) -> str:
    unit = _unit(max(column.ballots for column in steps))
    top = unit * LINES
    left, floor, roof = 56, HEIGHT - 26, 10
    room = (width - left) / len(steps)
    gap = 2 if room >= 6 else 0
    parts = []
    for line in range(LINES + 1):
        y = floor - (floor - roof) * line / LINES
        value = number(unit * line)
        parts.append(f'<line class="grid" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 5:.1f}" text-anchor="end">{getattr(value, lang)}</text>')
    for place, column in enumerate(steps):
        height = (floor - roof) * column.ballots / top
        x = left + room * place
        parts.append(
            f'<rect class="fill" x="{x + gap / 2:.2f}" y="{floor - height:.2f}" width="{room - gap:.2f}" height="{height:.2f}"/>'
        )
    for place in _labelled(len(steps), 7 if step > HOUR else 12, room):
        anchor = "start" if place == 0 else "end" if place == len(steps) - 1 else "middle"
        x = left + room * (0 if place == 0 else place + 1 if anchor == "end" else place + 0.5)
        text = _label(steps[place].start, step, lang)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    label = "Counted ballots over time" if lang == "en" else "Засчитанные бюллетени по времени"
    return (
        f'<svg class="columns w{width}" lang="{lang}" width="{width}" height="{HEIGHT}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


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


def _label(time: int, step: int, lang: str) -> str:
    at = utc(time)
    day = f"{at.day} {(SHORT_EN if lang == 'en' else SHORT_RU)[at.month - 1]}"
    return day if step > HOUR else f"{day}, {at:%H:%M}"
