"""Line charts as SVG, drawn by hand: a few dozen lines instead of a plotting library, for light and dark pages.

A chart follows the reader's colour scheme by itself, also inside an `<img>`. Series are told apart by colour, by their
marks and by a legend beside the chart, in the order in which they are given.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 820, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 224, 56, 58
TICKS = 6
_LIGHT = ("#1d4ed8", "#c2410c", "#047857", "#7e22ce", "#be185d", "#64748b")
_DARK = ("#7aa7ff", "#fb923c", "#34d399", "#c084fc", "#f472b6", "#94a3b8")
_MARKS = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Series:
    """Points to be joined by a line (or not), under one name. `quiet` is drawn thin and without marks."""

    name: str
    points: Sequence[tuple[float, float]]
    line: bool = True
    quiet: bool = False


@dataclass(frozen=True)
class Axis:
    """What one direction means; from `low` to `high`, with `unit` behind each number and a number every `step`."""

    label: str
    low: float
    high: float
    unit: str = ""
    step: float | None = None

    def ticks(self) -> list[float]:
        """Numbers within the axis, round ones and about `TICKS` of them where there is no `step`."""
        rough = (self.high - self.low) / TICKS
        power = 10 ** math.floor(math.log10(rough))
        step = self.step or next(power * round_ for round_ in (1, 2, 2.5, 5, 10) if power * round_ >= rough)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Chart:
    """A title, a line below it that says what is shown, two axes and the series."""

    title: str
    note: str
    x: Axis
    y: Axis
    series: Sequence[Series]

    def svg(self) -> str:
        """The whole document."""
        label = escape(f"{self.title}. {self.note}", {'"': "&quot;"})
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        )
        lines = [head, _style(), f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>']
        lines += [*self._words(), *self._grid()]
        for number, series in enumerate(self.series):
            lines += [*self._series(number, series), *self._legend(number, series)]
        return "\n".join([*lines, "</svg>"]) + "\n"

    def _across(self, value: float) -> float:
        return LEFT + (value - self.x.low) / (self.x.high - self.x.low) * (WIDTH - LEFT - RIGHT)

    def _up(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.y.low) / (self.y.high - self.y.low) * (HEIGHT - TOP - BOTTOM)

    def _words(self) -> Iterator[str]:
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield _text(LEFT, 24, self.title, "title")
        yield _text(LEFT, 42, self.note, "note")
        yield _text(middle, HEIGHT - 14, self.x.label, "note middle")
        turned = f"translate(18 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)"
        yield f'<text class="note middle" transform="{turned}">{escape(self.y.label)}</text>'

    def _grid(self) -> Iterator[str]:
        for value in self.y.ticks():
            at = self._up(value)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            yield _text(LEFT - 8, at + 4, f"{value:g}{self.y.unit}", "tick end")
        for value in self.x.ticks():
            yield _text(self._across(value), HEIGHT - BOTTOM + 18, f"{value:g}{self.x.unit}", "tick middle")
        floor = HEIGHT - BOTTOM
        yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>'

    def _series(self, number: int, series: Series) -> Iterator[str]:
        inside = [(self._across(x), self._up(y)) for x, y in series.points if self._shown(x, y)]
        quiet = " quiet" if series.quiet else ""
        if series.line and len(inside) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in inside)
            yield f'<polyline class="line c{number}{quiet}" points="{path}"/>'
        if not series.quiet:
            yield from (_mark(number, x, y) for x, y in inside)

    def _shown(self, x: float, y: float) -> bool:
        return self.x.low <= x <= self.x.high and self.y.low <= y <= self.y.high

    def _legend(self, number: int, series: Series) -> Iterator[str]:
        x, y = WIDTH - RIGHT + 22, TOP + 12 + 26 * number
        if series.line:
            quiet = " quiet" if series.quiet else ""
            yield f'<line class="line c{number}{quiet}" x1="{x - 10}" x2="{x + 10}" y1="{y}" y2="{y}"/>'
        if not series.quiet:
            yield _mark(number, x, y)
        yield _text(x + 18, y + 4, series.name, "name")


def _mark(number: int, x: float, y: float) -> str:
    colour, kind = f"mark c{number}", _MARKS[number % len(_MARKS)]
    if kind == "circle":
        return f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if kind == "square":
        return f'<rect class="{colour}" x="{x - 3.6:.1f}" y="{y - 3.6:.1f}" width="7.2" height="7.2"/>'
    shape = ((0, -5), (5, 0), (0, 5), (-5, 0)) if kind == "diamond" else ((0, -5), (4.6, 3.6), (-4.6, 3.6))
    points = " ".join(f"{x + right:.1f},{y + down:.1f}" for right, down in shape)
    return f'<polygon class="{colour}" points="{points}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _style() -> str:
    light = "".join(f".c{number}{{--c:{colour}}}" for number, colour in enumerate(_LIGHT))
    dark = "".join(f".c{number}{{--c:{colour}}}" for number, colour in enumerate(_DARK))
    return (
        "<style>"
        "svg{--page:#fff;--ink:#1e293b;--soft:#475569;--rule:#e2e8f0;font:13px system-ui,sans-serif}"
        f"{light}"
        "@media (prefers-color-scheme:dark){"
        f"svg{{--page:#0f172a;--ink:#e2e8f0;--soft:#a3b1c6;--rule:#2b3a52}}{dark}}}"
        ".page{fill:var(--page)}text{fill:var(--soft)}.title{fill:var(--ink);font-size:16px;font-weight:600}"
        ".name{fill:var(--ink)}.tick,.note{font-size:12px}.middle{text-anchor:middle}.end{text-anchor:end}"
        ".grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.line{fill:none;stroke:var(--c);stroke-width:2.2}"
        ".quiet{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:5 4}.mark{fill:var(--c)}"
        "</style>"
    )
