"""Charts drawn on the server, as SVG: readable without scripts, in light and dark, and by whoever listens.

Colours and fonts are classes of the style sheet. Each chart has a title and a description, and stands beside a table
with the same figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 760, 260
LEFT, RIGHT, TOP, BOTTOM = 68, 8, 14, 34
TICKS = 4
WIDEST = 28


@dataclass(frozen=True)
class Bars:
    """A group of bars over one label; None leaves a gap."""

    label: str
    values: tuple[float | None, ...]
    title: str


@dataclass(frozen=True)
class Dot:
    """A share with the interval in which its true value lies. `faint`: too few to judge."""

    label: str
    value: float
    low: float
    high: float
    title: str
    faint: bool = False


def bars(groups: Sequence[Bars], *, title: str, describe: str, names: Sequence[str], unit: str) -> Markup:
    """Grouped bars from 0 up. `names` are those of a group's bars, `unit` stands at the axis."""
    top = _nice(max((value or 0 for group in groups for value in group.values), default=0) or 1)
    step = (WIDTH - LEFT - RIGHT) / max(len(groups), 1)
    parts = [*_axis([top * at / TICKS for at in range(TICKS + 1)], 0, top, unit)]
    for at, group in enumerate(groups):
        wide = min(step * 0.76 / len(names), WIDEST)
        begin = LEFT + (at + 0.5) * step - wide * len(names) / 2
        parts.append(Markup("<g><title>{}</title>").format(group.title))
        for which, value in enumerate(group.values):
            if value is not None:
                y = _y(value, 0, top)
                left = begin + which * wide
                parts.append(
                    Markup('<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                        which, left, y, max(wide - 1.5, 1), HEIGHT - BOTTOM - y
                    )
                )
        parts.append(Markup("</g>"))
    parts += _labels([group.label for group in groups], step)
    return _drawn(parts, title, describe)


def dots(points: Sequence[Dot], *, wanted: float, title: str, describe: str) -> Markup:
    """Shares with their intervals, and a line at the `wanted` share. From 0 to 100 %."""
    step = (WIDTH - LEFT - RIGHT) / max(len(points), 1)
    line = _y(wanted, 0, 1)
    parts = [
        *_axis([at / TICKS for at in range(TICKS + 1)], 0, 1, "%", 100),
        Markup('<line class="wanted" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
            LEFT, WIDTH - RIGHT, line, line
        ),
    ]
    for at, point in enumerate(points):
        x = LEFT + (at + 0.5) * step
        kind = "dot faint" if point.faint else "dot"
        parts.append(Markup('<g class="{}"><title>{}</title>').format(kind, point.title))
        parts.append(
            Markup('<line x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(
                x, x, _y(point.low, 0, 1), _y(point.high, 0, 1)
            )
        )
        parts.append(Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5"/></g>').format(x, _y(point.value, 0, 1)))
    parts += _labels([point.label for point in points], step)
    return _drawn(parts, title, describe)


def _drawn(parts: Sequence[Markup], title: str, describe: str) -> Markup:
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        WIDTH, HEIGHT, f"{title}. {describe}"
    )
    return Markup("").join([head, *parts, Markup("</svg>")])


def _axis(values: Sequence[float], low: float, high: float, unit: str, times: float = 1) -> Iterator[Markup]:
    for value in values:
        y = _y(value, low, high)
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH - RIGHT, y, y)
        yield Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            LEFT - 8, y + 4, f"{value * times:g} {unit}".strip()
        )


def _labels(labels: Sequence[str], step: float) -> Iterator[Markup]:
    every = max(ceil(len(labels) * 46 / (WIDTH - LEFT - RIGHT)), 1)
    for at in range(0, len(labels), every):
        yield Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            LEFT + (at + 0.5) * step, HEIGHT - BOTTOM + 20, escape(labels[at])
        )


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - BOTTOM - (min(max(value, low), high) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _nice(value: float) -> float:
    """The next round number up that four steps divide well."""
    unit = 10 ** int(log10(value)) if value >= 1 else 1
    return next((step * unit for step in (1, 2, 4, 6, 8, 10, 12, 16) if step * unit >= value), 20 * unit)
