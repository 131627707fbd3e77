"""Reports by audience: what came and how it was served (operations), what it was worth (management), and how agents
worked. Each figure with its meaning, a chart, a table and a file."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, url_for
from flask_login import current_user

from callback.domain.reports import TARGETS
from callback.flows import reported
from callback.flows.reported import Counted, Report
from callback.ports import Span
from callback.web import languages
from callback.web.admin import reports_drawn
from callback.web.admin.measure import Asked, Measure
from callback.web.admin.measures import BY_KEY, GROUPS, MEASURES, NO_QUEUE, OF_AGENTS, OF_WAITS
from callback.web.admin.reports_asked import OF_ONE, Wish, wish_of
from callback.web.as_csv import csv_file
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, covers, signed_in
from callback.web.pages import page

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
    wish = wish_of()
    shown = [one.key for one in MEASURES if one.group == wish.table] or COLUMNS
    return _page("admin/reports.html", wish, "operations", shown)


@signed_in(Role.VIEWER)
def reports_management() -> str:
    """What it was worth, and how it compares with the time before. Nobody is named here."""
    return _page("admin/reports_management.html", wish_of(by="week"), "management", OF_WORTH)


@signed_in(Role.SUPERVISOR)
def reports_agents() -> str:
    """Everybody who works, side by side; or one of them, by day."""
    wish = wish_of(by="agent")
    return _page("admin/reports_agents.html", wish, "agents", OF_DAYS, chosen=wish.names.get(wish.span.agent, ""))


@signed_in(Role.VIEWER)
def reports_csv() -> Response:
    """Every figure, by the parts that were asked for."""
    return _csv(wish_of(), MEASURES)


@signed_in(Role.SUPERVISOR)
def reports_agents_csv() -> Response:
    """Every figure of agents, by agent, or of one by day."""
    return _csv(wish_of(by="agent"), OF_AGENTS)


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
        bys=[one for one in reports_drawn.bys() if not wish.span.agent or one[0] in OF_ONE],
        by_said=dict(reports_drawn.bys()).get(wish.by, gettext("Agent")),
        queue_choices=[("", gettext("All queues")), *((queue.key, queue.name) for queue in wish.queues)],
        targets_named=[(target, gettext("%(seconds)s seconds", seconds=target)) for target in TARGETS],
        span_said=_span_said(wish.span),
        figures=reports_drawn.figures(wish, found),
        rows=_table(wish, found, columns),
        sides=reports_drawn.sides(found),
        times=reports_drawn.times(wish, found) if tab == "operations" else None,
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


def _table(wish: Wish, found: Report | None, columns: Sequence[str]) -> Iterator[tuple[Any, str, list[str]]]:
    """The parts, each with its key, its name and its figures in words."""
    shown = [BY_KEY[key] for key in columns]
    for key, part in found.parts if found is not None else ():
        yield key, reports_drawn.label(wish, key), [one.said(part, wish.asked) for one in shown]


# --- as a file ------------------------------------------------------------------------------------------------------


def _csv(wish: Wish, measures: Sequence[Measure]) -> Response:
    found = reported.report(house(), wish.span, wish.by, languages.zone(), compared=False)
    span = f"{wish.span.first}-{wish.span.last}"
    return csv_file(f"report-{span}-by-{wish.by}.csv", _rows(wish, found, measures))


def _rows(wish: Wish, found: Report, measures: Sequence[Measure]) -> Iterator[list[Any]]:
    yield [wish.by, *(["name"] if wish.by in ("queue", "agent") else []), *(one.key for one in measures)]
    for key, part in found.parts:
        name = [reports_drawn.label(wish, key)] if wish.by in ("queue", "agent") else []
        yield [_plain_key(key), *name, *_values(part, measures, wish.asked)]


def _plain_key(key: Any) -> Any:
    return key.isoformat() if isinstance(key, date) else key


def _values(part: Counted, measures: Sequence[Measure], asked: Asked) -> list[Any]:
    found = (one.value(part, asked) for one in measures)
    return [round(value, 4) if isinstance(value, float) else value for value in found]
