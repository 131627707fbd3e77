"""What a report shows of its parts beside their table: what each is called, the charts, and both ways to an agent."""

from datetime import date
from typing import Any

from callback.domain.reports import What
from callback.flows.reported import Counted, Report
from callback.web import languages
from callback.web.admin.measures import BY_KEY
from callback.web.admin.reports_asked import Wish
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.figures import Figure, Kind, Series, Unit, said


def bys() -> list[tuple[str, str]]:
    """In what parts a report can be seen, each with its name."""
    return [
        ("hour", gettext("Hour of the day")), ("day", gettext("Day")), ("week", gettext("Week")),
        ("queue", gettext("Queue")),
    ]  # fmt: skip


def label(wish: Wish, key: Any) -> str:
    """What a part is called."""
    if wish.by == "hour":
        return f"{key:02}:00"
    if isinstance(key, date):
        this_year = wish.by == "day" and key.year == wish.span.last.year
        return languages.day(key, house().clock.now()) if this_year else languages.date_of(key)
    if wish.by == "queue":
        return next((queue.name for queue in wish.queues if queue.key == key), str(key))
    return wish.names.get(key, str(key))


def _place(wish: Wish, key: Any) -> str:
    """The same on an axis, where there is little room."""
    return languages.short_date(key) if isinstance(key, date) else label(wish, key)


def figures(wish: Wish, found: Report | None) -> list[Figure]:
    """The volumes, and the figure that is looked at. One place on the axis would be no picture."""
    if found is None or len(found.parts) < 2:
        return []
    places = [_place(wish, key) for key, _ in found.parts]
    head = dict(bys()).get(wish.by, gettext("Agent"))
    drawn = [_figure(wish, found, places, head)]
    if wish.by != "agent" and not wish.span.agent:
        drawn.insert(0, _volumes(found, places, head))
    return drawn


def _volumes(found: Report, places: list[str], head: str) -> Figure:
    keys = ("answered", "abandoned", "took")
    series = [
        Series(BY_KEY[key].label(), [getattr(part.sums, key) for _, part in found.parts], kind)
        for key, kind in zip(keys, (Kind.BARS, Kind.LINE, Kind.LINE), strict=True)
    ]
    return Figure(gettext("What became of callers"), places, series, Unit.COUNT, x_label=head)


def _figure(wish: Wish, found: Report, places: list[str], head: str) -> Figure:
    one, asked = wish.drawn, wish.asked
    kind = Kind.BARS if wish.by in ("queue", "agent") or one.unit is Unit.COUNT else Kind.LINE
    series = [Series(one.label(), [one.value(part, asked) for _, part in found.parts], kind)]
    if one.key == "service_level":
        series.append(Series(gettext("Goal"), [asked.goal] * len(places), Kind.LIMIT))
    top = 1.0 if one.unit is Unit.SHARE else None
    return Figure(one.label(), places, series, one.unit, one.meaning(asked), x_label=head, top=top)


def sides(found: Report | None) -> list[tuple[str, list[str]]]:
    """Time to agent of those who held and of those called back, side by side: how many, mean, p50, p90."""
    if found is None:
        return []
    sums = found.whole.sums
    return [
        (gettext("Held the line"), _side(sums.answered, sums.asa_s, found.whole, What.LIVE)),
        (gettext("Called back"), _side(sums.back, sums.back_mean_s, found.whole, What.BACK)),
    ]


def times(wish: Wish, found: Report | None) -> Figure | None:
    """The same by the parts of the report."""
    if found is None or len(found.parts) < 2:
        return None
    alike = wish.by == "queue"
    kept = [
        (gettext("Held the line, half within"), What.LIVE, 0.5), (gettext("Called back, half within"), What.BACK, 0.5),
        (gettext("Held the line, nine of ten within"), What.LIVE, 0.9),
        (gettext("Called back, nine of ten within"), What.BACK, 0.9),
    ]  # fmt: skip
    series = [
        Series(name, [part.quantile(what, share) for _, part in found.parts],
               Kind.BARS if alike else Kind.LINE)
        for name, what, share in (kept[2:] if alike else kept)
    ]  # fmt: skip
    places, head = [_place(wish, key) for key, _ in found.parts], dict(bys())[wish.by]
    return Figure(gettext("Time to an agent"), places, series, Unit.SECONDS, x_label=head)


def _side(count: int, mean_s: float | None, found: Counted, what: What) -> list[str]:
    seconds = (mean_s, found.quantile(what, 0.5), found.quantile(what, 0.9))
    return [said(count, Unit.COUNT), *(said(one, Unit.SECONDS) for one in seconds)]
