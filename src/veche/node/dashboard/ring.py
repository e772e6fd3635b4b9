"""The nodes as a chart: equal dots around the mark, one a node, this one ringed. docs/adr/0030-dashboard.md.

A dot is filled if its node agrees, hollow if it was not heard lately or is behind, and a red square if what it showed does not hold. It is
drawn here, without text, so it may be scaled; the page says the same in a sentence and in a table.
"""

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from veche.node.dashboard.facts import Seen, Sight

MOST, EACH = 400, 10
"""Above so many nodes a dot is so many."""
INNER, APART = 46, 24
"""Of the first circle the radius, and from one circle to the next; dots on one are as far apart."""
LEAST = 4 * INNER
"""Of the chart the width, in which the dots of few nodes are no larger than those of many."""
RING = Markup(
    '<svg class="nodes" viewBox="{start:.0f} {start:.0f} {size:.0f} {size:.0f}" role="img" aria-label="{label}">'
    '<circle class="mark" r="20"/><circle class="clapper" cx="6.3" cy="6.3" r="8"/>{dots}</svg>'
)
DOT = Markup('<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="6"/>')
SQUARE = Markup('<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="12" height="12"/>')
OWN = Markup(
    '<circle class="agrees" cx="{x:.1f}" cy="{y:.1f}" r="6"/><circle class="own" cx="{x:.1f}" cy="{y:.1f}" r="10"/>'
)


def ring(nodes: Sequence[Seen], label: str) -> Markup:
    """The chart of these nodes and of this one. ``label`` says it in a sentence."""
    dots = dots_of(nodes)
    places = list(_places(len(dots) + 1))
    half = max(LEAST / 2, max(math.hypot(x, y) for x, y in places) + 14)
    drawn = [OWN.format(x=places[0][0], y=places[0][1])]
    for sight, (x, y) in zip(dots, places[1:], strict=True):
        drawn.append(
            SQUARE.format(name=sight, x=x - 6, y=y - 6) if sight is Sight.DIFFERS else DOT.format(name=sight, x=x, y=y)
        )
    return RING.format(start=-half, size=2 * half, label=label, dots=Markup("").join(drawn))


def dots_of(nodes: Sequence[Seen]) -> list[Sight]:
    """What each dot shows: one node, or of many so many at a time, and what disagrees is never rounded away."""
    sights = [one.sight for one in sorted(nodes, key=lambda one: (one.keeper, one.url))]
    if len(sights) <= MOST:
        return sights
    return [sight for sight in Sight for _ in range(math.ceil(sights.count(sight) / EACH))]


def _places(number: int) -> Iterator[tuple[float, float]]:
    """So many places on as few circles around the middle as hold them, each as full as the others, from the top on."""
    radii, room = list[float](), list[int]()
    while sum(room) < number:
        radii.append(INNER + len(radii) * APART)
        room.append(int(2 * math.pi * radii[-1] / APART))
    left = number
    for circle, radius in enumerate(radii):
        here = round(left * room[circle] / sum(room[circle:]))
        left -= here
        for place in range(here):
            turn = 2 * math.pi * place / here - math.pi / 2 + circle * 0.1
            yield radius * math.cos(turn), radius * math.sin(turn)
