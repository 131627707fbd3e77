"""What a report is asked for: the days, the parts, the queue or agent, the figure, from the query of its page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import request

from callback.domain.policy import Queue
from callback.domain.reports import TARGETS
from callback.flows import reported
from callback.ports import Span
from callback.web import languages
from callback.web.admin.measure import Asked, Measure
from callback.web.admin.measures import BY_KEY, GROUPS
from callback.web.catalogue import gettext
from callback.web.context import house

OF_ONE = ("day", "week")
"""In what parts one agent is seen."""
FURTHEST_DAYS = 1_100
"""As many days as a report takes at most."""


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


def wish_of(by: str = "") -> Wish:
    """From the query. `by`: in what parts this page is, whatever is asked."""
    with house().store.look() as work:
        queues = sorted(work.queues(), key=lambda one: one.key)
        named = {agent.key: agent.name for agent in work.agents()} if by == "agent" else {}
    languages.in_zone(languages.first_zone(queues))
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
