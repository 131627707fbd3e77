"""Reports by audience: what came and how it was served (operations), what it was worth (management), and how agents
worked. Each figure with its meaning, a chart, a table and a file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_login import current_user

from callback.domain.policy import Queue
from callback.domain.reports import TARGETS, What
from callback.flows import reported
from callback.flows.reported import Counted, Report
from callback.ports import Span
from callback.web import languages
from callback.web.admin.measures import BY_KEY, GROUPS, MEASURES, NO_QUEUE, OF_AGENTS, OF_WAITS, Asked, Measure
from callback.web.as_csv import csv_file
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.figures import Figure, Kind, Series, Unit, said
from callback.web.guards import Role, covers, signed_in
from callback.web.pages import page

OF_ONE = ("day", "week")
"""In what parts one agent is seen."""
FURTHEST_DAYS = 1_100
"""As many days as a report takes at most."""
COLUMNS = (
    "offered", "answered", "abandoned", "service_level", "wait_p50", "wait_p90", "promised", "reached", "back_p50",
    "back_p90", "aht",
)  # fmt: skip
OF_WORTH = ("offered", "service_level", "promised", "reached", "punctuality", "satisfaction", "first_contact", "cost")
OF_DAYS = (
    "talks", "back_talks", "aht", "talk", "hold", "wrap_up", "missed", "declined", "transfers", "announced",
    "occupancy", "first_contact", "satisfaction", *OF_WAITS,
)  # fmt: skip
CHIEF = {
    "calls": ("offered", "answered"), "waits": ("service_level", "wait_p90"), "callbacks": ("promised", "reached"),
    "agents": ("talks", "aht"),
}  # fmt: skip
"""What stands beside a group's name while it is folded."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/reports")(reports)
    console.get("/reports.csv")(reports_csv)
    console.get("/reports/management")(reports_management)
    console.get("/reports/agents")(reports_agents)
    console.get("/reports/agents.csv")(reports_agents_csv)


@signed_in(Role.VIEWER)
def reports() -> str:
    """Operations."""
    wish = _wish()
    shown = [one.key for one in MEASURES if one.group == wish.table] or COLUMNS
    return _page("admin/reports.html", wish, "operations", shown)


@signed_in(Role.VIEWER)
def reports_management() -> str:
    """What it was worth, and how it compares with the time before. Nobody is named here."""
    return _page("admin/reports_management.html", _wish(by="week"), "management", OF_WORTH)


@signed_in(Role.SUPERVISOR)
def reports_agents() -> str:
    """Everybody who works, side by side; or one of them, by day."""
    wish = _wish(by="agent")
    return _page("admin/reports_agents.html", wish, "agents", OF_DAYS, chosen=wish.names.get(wish.span.agent, ""))


@signed_in(Role.VIEWER)
def reports_csv() -> Response:
    """Every figure, by the parts that were asked for."""
    return _csv(_wish(), MEASURES)


@signed_in(Role.SUPERVISOR)
def reports_agents_csv() -> Response:
    """Every figure of agents, by agent, or of one by day."""
    return _csv(_wish(by="agent"), OF_AGENTS)


# --- what is asked --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """A report as it was asked for, the queues and agents there are, and what is wrong with it, by field."""

    span: Span
    period: str
    by: str
    asked: Asked
    drawn: Measure
    table: str  # the group of figures that the table has; "" the chief ones
    queues: Sequence[Queue]
    names: dict[str, str]
    mistakes: dict[str, str]

    def query(self, **other: str) -> dict[str, str]:
        """The same as the query of a page, with something else in it."""
        same = {
            "period": self.period, "by": self.by, "target": str(self.asked.target_s), "show": self.drawn.key,
            "queue": ",".join(self.span.queues), "agent": self.span.agent, "table": self.table,
            "hourly": "" if self.asked.hourly is None else f"{self.asked.hourly:g}",
        }  # fmt: skip
        if self.period == "own":
            same |= {"from": self.span.first.isoformat(), "to": self.span.last.isoformat()}
        return {name: value for name, value in (same | other).items() if value}

    @property
    def days(self) -> int:
        """How many."""
        return (self.span.last - self.span.first).days + 1


def _wish(by: str = "") -> Wish:
    """From the query. `by`: in what parts this page is, whatever is asked."""
    with house().store.look() as work:
        queues = sorted(work.queues(), key=lambda one: one.key)
        named = {agent.key: agent.name for agent in work.agents()} if by == "agent" else {}
    languages.in_zone(next((zone for queue in queues if (zone := languages.queue_zone(queue))), None))
    today = house().clock.now().astimezone(languages.zone()).date()
    mistakes: dict[str, str] = {}
    period, first, last = _period(today, mistakes)
    known = {queue.key for queue in queues}
    wanted = tuple(key for key in request.args.get("queue", "").split(",") if key in known)
    agent = request.args.get("agent", "") if by == "agent" and request.args.get("agent", "") in named else ""
    return Wish(
        Span(first, last, wanted, agent), period, _by(by, agent, first == last), _asked(mistakes),
        BY_KEY.get(request.args.get("show", ""), BY_KEY["service_level" if by != "agent" else "aht"]),
        request.args.get("table", "") if request.args.get("table", "") in GROUPS else "",
        queues, {str(key): name for key, name in named.items()}, mistakes,
    )  # fmt: skip


def _by(page_is: str, agent: str, one_day: bool) -> str:
    wanted = request.args.get("by", "")
    if page_is:
        return page_is if not agent else wanted if wanted in OF_ONE else "day"
    return wanted if wanted in reported.BY else "hour" if one_day else "day"


def _month_before(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(1)
    return last.replace(day=1), last


PERIODS: dict[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - timedelta(1), today - timedelta(1)),
    "7": lambda today: (today - timedelta(6), today),
    "28": lambda today: (today - timedelta(27), today),
    "month": lambda today: (today.replace(day=1), today),
    "last_month": _month_before,
    "365": lambda today: (today - timedelta(364), today),
}


def _period(today: date, mistakes: dict[str, str]) -> tuple[str, date, date]:
    name = request.args.get("period", "")
    given = request.args.get("from", ""), request.args.get("to", "")
    if name in PERIODS or not any(given):
        name = name if name in PERIODS else "7"
        return name, *PERIODS[name](today)
    try:
        first = date.fromisoformat(given[0] or given[1])
        last = date.fromisoformat(given[1] or given[0])
    except ValueError:
        first = last = date.max
    if not (date(2000, 1, 1) <= first <= last <= today) or (last - first).days > FURTHEST_DAYS:
        mistakes["from"] = gettext("Choose two days in the past, the first before the last, at most three years apart.")
        return "7", *PERIODS["7"](today)
    return "own", first, last


def _asked(mistakes: dict[str, str]) -> Asked:
    target = request.args.get("target", 20, type=int)
    text = request.args.get("hourly", "").strip().replace(",", ".")
    try:
        hourly = float(text) if text else None
    except ValueError:
        hourly = -1.0
    if hourly is not None and not 0 <= hourly <= 100_000:
        mistakes["hourly"] = gettext("Write an amount, such as 32.50.")
        hourly = None
    return Asked(target if target in TARGETS else 20, hourly=hourly)


# --- what is shown --------------------------------------------------------------------------------------------------


def _page(template: str, wish: Wish, tab: str, columns: Sequence[str], **more: Any) -> str:
    with house().store.look() as work:
        begun = work.first_reported()
    found = reported.report(house(), wish.span, wish.by, languages.zone()) if begun is not None else None

    def at(endpoint: str, **other: str) -> str:
        return url_for(endpoint, **wish.query(**other))  # type: ignore[arg-type]

    return page(
        template,
        tab=tab,
        wish=wish,
        found=found,
        begun=begun,
        at=at,
        link=lambda key: at("admin.reports_agents", agent=key),
        tabs=_tabs(at),
        columns=[(BY_KEY[key], BY_KEY[key].label()) for key in columns],
        groups=_groups(),
        chief=lambda key: [BY_KEY[one] for one in CHIEF[key]],
        of_agents=OF_AGENTS,
        tables=_tables(at),
        measures=BY_KEY,
        no_queue=NO_QUEUE if wish.span.queues else (),
        periods=_periods(),
        bys=[one for one in _bys() if not wish.span.agent or one[0] in OF_ONE],
        by_said=dict(_bys()).get(wish.by, gettext("Agent")),
        queue_choices=[("", gettext("All queues")), *((queue.key, queue.name) for queue in wish.queues)],
        targets_named=[(target, gettext("%(seconds)s seconds", seconds=target)) for target in TARGETS],
        span_said=_span_said(wish.span),
        figures=_figures(wish, found),
        rows=_table(wish, found, columns),
        sides=_sides(found),
        times=_times(wish, found) if tab == "operations" else None,
        **more,
    )


def _span_said(span: Span) -> str:
    first, last = (languages.date_of(day) for day in (span.first, span.last))
    return first if span.first == span.last else f"{first} – {last}"


def _tabs(at: Callable[..., str]) -> list[tuple[str, str, str]]:
    same = {"agent": "", "by": "", "show": "", "table": ""}
    tabs = [
        ("operations", gettext("Operations"), at("admin.reports", **same)),
        ("management", gettext("Management"), at("admin.reports_management", **same)),
    ]
    if covers(current_user.role, Role.SUPERVISOR):
        tabs.append(("agents", gettext("Agents"), at("admin.reports_agents", **same)))
    return tabs


def _groups() -> list[tuple[str, str, list[Measure]]]:
    return [(key, label(), [one for one in MEASURES if one.group == key]) for key, label in GROUPS.items()]


def _tables(at: Callable[..., str]) -> list[tuple[str, str, str]]:
    """Which figures the table of the parts has: a choice of links."""
    named = {"": gettext("Main figures")} | {key: label() for key, label in GROUPS.items()}
    return [(key, name, at("admin.reports", table=key) + "#parts") for key, name in named.items()]


def _periods() -> list[tuple[str, str]]:
    return [
        ("today", gettext("Today")), ("yesterday", gettext("Yesterday")), ("7", gettext("7 days")),
        ("28", gettext("28 days")), ("month", gettext("This month")), ("last_month", gettext("Last month")),
        ("365", gettext("A year")), ("own", gettext("From … to …")),
    ]  # fmt: skip


def _bys() -> list[tuple[str, str]]:
    return [
        ("hour", gettext("Hour of the day")), ("day", gettext("Day")), ("week", gettext("Week")),
        ("queue", gettext("Queue")),
    ]  # fmt: skip


def _table(wish: Wish, found: Report | None, columns: Sequence[str]) -> Iterator[tuple[Any, str, list[str]]]:
    """The parts, each with its key, its name and its figures in words."""
    shown = [BY_KEY[key] for key in columns]
    for key, part in found.parts if found is not None else ():
        yield key, _label(wish, key), [one.said(part, wish.asked) for one in shown]


def _label(wish: Wish, key: Any) -> str:
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
    return languages.short_date(key) if isinstance(key, date) else _label(wish, key)


def _figures(wish: Wish, found: Report | None) -> list[Figure]:
    """The volumes, and the figure that is looked at. One place on the axis would be no picture."""
    if found is None or len(found.parts) < 2:
        return []
    places = [_place(wish, key) for key, _ in found.parts]
    head = dict(_bys()).get(wish.by, gettext("Agent"))
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


def _sides(found: Report | None) -> list[tuple[str, list[str]]]:
    """Time to agent of those who held and of those called back, side by side: how many, mean, p50, p90."""
    if found is None:
        return []
    sums = found.whole.sums
    return [
        (gettext("Held the line"), _side(sums.answered, sums.asa_s, found.whole, What.LIVE)),
        (gettext("Called back"), _side(sums.back, sums.back_mean_s, found.whole, What.BACK)),
    ]


def _times(wish: Wish, found: Report | None) -> Figure | None:
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
        Series(label, [part.quantile(what, share) for _, part in found.parts],
               Kind.BARS if alike else Kind.LINE)
        for label, what, share in (kept[2:] if alike else kept)
    ]  # fmt: skip
    places, head = [_place(wish, key) for key, _ in found.parts], dict(_bys())[wish.by]
    return Figure(gettext("Time to an agent"), places, series, Unit.SECONDS, x_label=head)


def _side(count: int, mean_s: float | None, found: Counted, what: What) -> list[str]:
    seconds = (mean_s, found.quantile(what, 0.5), found.quantile(what, 0.9))
    return [said(count, Unit.COUNT), *(said(one, Unit.SECONDS) for one in seconds)]


# --- as a file ------------------------------------------------------------------------------------------------------


def _csv(wish: Wish, measures: Sequence[Measure]) -> Response:
    found = reported.report(house(), wish.span, wish.by, languages.zone(), compared=False)
    span = f"{wish.span.first}-{wish.span.last}"
    return csv_file(f"report-{span}-by-{wish.by}.csv", _rows(wish, found, measures))


def _rows(wish: Wish, found: Report, measures: Sequence[Measure]) -> Iterator[list[Any]]:
    yield [wish.by, *(["name"] if wish.by in ("queue", "agent") else []), *(one.key for one in measures)]
    for key, part in found.parts:
        name = [_label(wish, key)] if wish.by in ("queue", "agent") else []
        yield [_plain_key(key), *name, *_values(part, measures, wish.asked)]


def _plain_key(key: Any) -> Any:
    return key.isoformat() if isinstance(key, date) else key


def _values(part: Counted, measures: Sequence[Measure], asked: Asked) -> list[Any]:
    found = (one.value(part, asked) for one in measures)
    return [round(value, 4) if isinstance(value, float) else value for value in found]
