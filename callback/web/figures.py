"""Charts as data: what `charts.js` draws, and the table with the same figures for whoever has no script or listens.

A figure has one horizontal axis (moments, or labels such as hours) and some series over it. Values are in the unit's
base: seconds, shares from 0 to 1, or counts. None leaves a gap.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from callback.web import languages
from callback.web.catalogue import gettext


class Unit(StrEnum):
    """What the values are."""

    SECONDS = "seconds"  # written 2:05
    SHARE = "share"  # written 85%
    COUNT = "count"
    MONEY = "money"  # in the unit that the label names, two decimals


class Kind(StrEnum):
    """How a series is drawn."""

    LINE = "line"
    AREA = "area"
    BARS = "bars"
    STEPS = "steps"
    BAND_LOW = "band_low"  # the lower edge of a range; the next series must be BAND_HIGH
    BAND_HIGH = "band_high"
    LIMIT = "limit"  # a threshold: dashed


@dataclass(frozen=True)
class Series:
    """A name and a value for each place on the axis."""

    label: str
    values: Sequence[float | None]
    kind: Kind = Kind.LINE


@dataclass(frozen=True)
class Figure:
    """`x` are moments (aware) or labels. `top` fixes the upper end of the axis, in the unit. The table has each
    `every`-th of the places, and the last."""

    title: str
    x: Sequence[datetime] | Sequence[str]
    series: Sequence[Series]
    unit: Unit = Unit.COUNT
    about: str = ""
    x_label: str = ""
    top: float | None = None
    every: int = 1
    more: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else charts.js understands: `"live": true` keeps a sliding window and takes news of the stream."""

    @property
    def timed(self) -> bool:
        """Whether the axis is time."""
        return bool(self.x) and isinstance(self.x[0], datetime)

    def as_json(self) -> dict[str, Any]:
        """For charts.js."""
        return {
            "x": [one.timestamp() if isinstance(one, datetime) else one for one in self.x],
            "timed": self.timed,
            "zone": str(languages.zone()),
            "unit": str(self.unit),
            "top": self.top,
            "x_label": self.x_label,
            "series": [
                {"label": one.label, "values": [_short(value) for value in one.values], "kind": str(one.kind)}
                for one in self.series
            ],
            **self.more,
        }

    def rows(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """The table: for each place on the axis its label, and of every series its name and its value in words."""
        for at, place in enumerate(self.x):
            if (len(self.x) - 1 - at) % self.every:
                continue
            label = languages.clock(place) if isinstance(place, datetime) else str(place)
            yield label, [(one.label, said(one.values[at], self.unit)) for one in self.series]


def said(value: float | None, unit: Unit) -> str:
    """A value as people read it; a dash for none."""
    return "–" if value is None else _WRITTEN[unit](value)


@lru_cache(maxsize=1_024)
def _share(percent: str, _language: str) -> str:
    """A page of a year says the same few a thousand times, and the catalogue is slow to ask."""
    return gettext("%(share)s%%", share=percent)


_WRITTEN: Mapping[Unit, Callable[[float], str]] = {
    Unit.SECONDS: languages.duration,
    Unit.SHARE: lambda value: _share(f"{value * 100:.0f}", languages.language()),
    Unit.COUNT: languages.grouped,
    Unit.MONEY: lambda value: languages.grouped(value, 2),
}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
