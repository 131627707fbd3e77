"""How many agents a day to come needs in a queue, with and without callbacks: chart, table, CSV.

The past is counted by the record; the plan itself is worked out beside this process (`errands`), and the page fills in
when it is there. A browser without scripts is given a link that waits.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from math import isfinite
from typing import Any

from babel.dates import format_date, get_day_names
from flask import Blueprint, Response, request
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy, Queue
from callback.domain.uptake import LATELY, Uptake
from callback.web import charts, languages
from callback.web.as_csv import csv_file
from callback.web.catalogue import gettext, ngettext
from callback.web.context import house, recorded_queue
from callback.web.errands import Errand, errands
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment, page

PLANNER = "callback.lab.planner"
WEEKS = 27
"""So far back the record is read."""
FURTHEST_DAYS = 60
WAIT_S, AT_FIRST_S = 100.0, 0.3
"""How long a browser without scripts waits, and every other one before it is told that it takes a moment."""
TARGET = re.compile(r"(p?[1-9]\d?(\.\d+)?/\d{1,5})|(abandon/[1-9]\d?(\.\d+)?)")


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/staffing")(staffing)
    console.get("/queues/<key>/staffing/plan")(staffing_plan)
    console.get("/queues/<key>/staffing.csv")(staffing_csv)
    console.add_app_template_filter(percent_of)


@dataclass(frozen=True)
class Wish:
    """What is asked for, as the form says it; shares in per cent, the promise in minutes."""

    day: date
    target: str = "80/20"
    callbacks: bool = True
    take_up: float = 50
    promise: float = 30
    shrinkage: float = 0
    occupancy: float = 100

    def query(self) -> dict[str, str]:
        """The same as the query of a page."""
        numbers = {name: f"{getattr(self, name):g}" for name in _NUMBERS}
        return {
            "day": self.day.isoformat(),
            "target": self.target,
            "callbacks": "on" if self.callbacks else "off",
        } | numbers


_NUMBERS: Mapping[str, tuple[float, float]] = {
    "take_up": (0, 100), "promise": (1, 480), "shrinkage": (0, 90), "occupancy": (10, 100),
}  # fmt: skip


@signed_in(Role.VIEWER)
def staffing(key: str) -> str:
    """The page. With `wait` it has the plan in it, however long that takes."""
    queue = recorded_queue(key)
    wish, mistakes = _wish(queue)
    values = _values(queue, wish, WAIT_S if "wait" in request.args else AT_FIRST_S) if not mistakes else {}
    return page(
        "admin/staffing.html", queue=queue, tab="staffing", wish=wish, mistakes=mistakes,
        latest=date_there(queue) + timedelta(days=FURTHEST_DAYS), offers=_offers(queue.policy),
        about_take_up=_about_take_up(_uptake(queue)), **values,
    )  # fmt: skip


@signed_in(Role.VIEWER)
def staffing_plan(key: str) -> AnyResponse:
    """The part that fills in."""
    queue = recorded_queue(key)
    wish, mistakes = _wish(queue)
    values = {} if mistakes else _values(queue, wish, AT_FIRST_S)
    return fragment("admin/staffing_plan.html", queue=queue, wish=wish, mistakes=mistakes, **values)


@signed_in(Role.VIEWER)
def staffing_csv(key: str) -> Response | tuple[str, int]:
    """The plan by quarter of an hour."""
    queue = recorded_queue(key)
    wish, mistakes = _wish(queue)
    answer = None if mistakes else _errand(queue, wish, WAIT_S).answer
    if not answer or "plan" not in answer:
        return "", 404
    languages.in_zone(languages.queue_zone(queue))
    return csv_file(f"staffing-{key}-{wish.day}.csv", _lines(answer))


# --- what is asked --------------------------------------------------------------------------------------------------


def _wish(queue: Queue) -> tuple[Wish, dict[str, str]]:
    """From the query, and what is wrong with it by field."""
    asked, mistakes = request.args, {}
    day = _day(asked.get("day", ""), date_there(queue) + timedelta(days=1))
    if day is None or day > date_there(queue) + timedelta(days=FURTHEST_DAYS):
        mistakes["day"] = gettext("Choose a day, at most %(days)s days from now.", days=FURTHEST_DAYS)
    target = asked.get("target", "80/20").strip().lower()
    if not TARGET.fullmatch(target):
        mistakes["target"] = gettext("Write it like 80/20, p90/60 or abandon/5.")
    numbers = {}
    for name, (low, high) in _NUMBERS.items():
        usual = _uptake(queue).percent if name == "take_up" and not asked.get(name) else getattr(Wish, name)
        numbers[name] = _number(asked.get(name, ""), usual)
        if not low <= numbers[name] <= high:
            mistakes[name] = gettext("Write a number from %(low)s to %(high)s.", low=f"{low:g}", high=f"{high:g}")
    callbacks = asked.get("callbacks", "off" if "target" in asked else "on") == "on"
    return Wish(day or date_there(queue), target, callbacks and _offers(queue.policy), **numbers), mistakes


def _day(text: str, otherwise: date) -> date | None:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        return None


def _number(text: str, otherwise: float) -> float:
    try:
        number = float(text.replace(",", ".")) if text else otherwise
    except ValueError:
        return -1.0
    return number if isfinite(number) else -1.0


def _offers(policy: Policy) -> bool:
    """Whether this policy offers callbacks by the wait."""
    return policy.offer_at_wait_s is not None and policy.accepting


def date_there(queue: Queue) -> date:
    """The day it is where the queue is; the page speaks in its zone from now on."""
    languages.in_zone(languages.queue_zone(queue))
    return house().clock.now().astimezone(languages.zone()).date()


def _uptake(queue: Queue) -> Uptake:
    with house().store.look() as work:
        return work.uptake(QueueKey(queue.key), since=house().clock.now() - LATELY)


def _about_take_up(learnt: Uptake) -> str:
    """What the field's number rests on."""
    if not learnt.offers:
        return gettext("Of those who are offered a callback. No offer is on record: half of them is a guess.")
    return ngettext(
        "Of those who are offered a callback. Learnt from %(num)d offer of the last weeks: %(share)s%%.",
        "Of those who are offered a callback. Learnt from %(num)d offers of the last weeks: %(share)s%%.",
        learnt.offers, share=learnt.percent,
    )  # fmt: skip


def _errand(queue: Queue, wish: Wish, wait_s: float) -> Errand:
    """The plan for this wish, begun now if nobody asked for it lately."""
    languages.in_zone(languages.queue_zone(queue))
    zone = languages.zone()
    begins = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in (wish.day, date_there(queue))]
    until = min(begins)
    with house().store.look() as work:
        traffic = work.traffic(QueueKey(queue.key), since=until - timedelta(weeks=WEEKS), until=until)
    asked = {
        "traffic": [[one.at.isoformat(), *astuple(one)[1:]] for one in traffic],
        "zone": str(zone), "day": wish.day.isoformat(), "policy": policies.to_json(queue.policy),
        "target": wish.target, "callbacks": wish.callbacks, "take_up": wish.take_up / 100,
        "promise_s": wish.promise * 60, "shrinkage": wish.shrinkage / 100, "max_occupancy": wish.occupancy / 100,
    }  # fmt: skip
    return errands().ask(PLANNER, asked, wait_s=wait_s)


# --- what is told ---------------------------------------------------------------------------------------------------


def percent_of(share: float | None) -> str:
    """A share in per cent, with one decimal where it is near none or all."""
    if share is None:
        return "–"
    return f"{100 * share:.0f}%" if 0.1 <= share <= 0.95 else f"{100 * share:.1f}%"


def _values(queue: Queue, wish: Wish, wait_s: float) -> dict[str, Any]:
    errand = _errand(queue, wish, wait_s)
    if not errand.done.is_set():
        return {"working": True}
    answer = errand.answer or {"why": "failed"}
    told = {"answer": answer, "doubts": list(doubts_of(answer)), "day_name": day_of(wish.day)}
    if "plan" not in answer:
        return told
    slots = [_slot(one) for one in answer["plan"]["intervals"]]
    return told | {"plan": answer["plan"], "slots": slots, "chart": _chart(slots, wish.callbacks)}


@dataclass(frozen=True)
class SlotShown:
    """A quarter of an hour as the table has it."""

    time: str
    calls: float
    handle_s: float
    without: int
    callbacks: int | None
    good: float | None
    good_callbacks: float | None
    took: float
    called_s: float | None

    @property
    def saved(self) -> int:
        """Agents that callbacks save."""
        return 0 if self.callbacks is None else self.without - self.callbacks


def _slot(one: Mapping[str, Any]) -> SlotShown:
    return SlotShown(
        languages.clock(datetime.fromisoformat(one["begins"])), one["calls"], one["handle_s"], one["paid_without"],
        one["paid_callbacks"], one["good_without"], one["good_callbacks"], one["took"], one["called_s"],
    )  # fmt: skip


def _chart(slots: Sequence[SlotShown], both: bool) -> Markup:
    """Agents by quarter of an hour."""
    names = [gettext("without callbacks"), gettext("with callbacks")][: 2 if both else 1]
    groups = []
    for slot in slots:
        values = (slot.without, slot.callbacks)[: len(names)]
        title = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
        # With callbacks is the filled bar: it is what a planner may roster.
        groups.append(charts.Bars(slot.time, tuple(reversed(values)), f"{slot.time}: {title}"))
    return charts.bars(
        groups, title=gettext("Agents by quarter of an hour"), describe=gettext("The table has the same figures."),
        names=names, unit="",
    )  # fmt: skip


def doubts_of(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a planner should know about the forecast."""
    for doubt, about in answer.get("forecast", {}).get("doubts", ()):
        yield _DOUBTS[doubt](about)


def _days_left_out(about: str) -> str:
    return ngettext(
        "%(num)d day was left out, since it was unlike its weekday: closed, an outage, or something special.",
        "%(num)d days were left out, since they were unlike their weekdays: closed, an outage, or something special.",
        int(about),
    )


def _few_days(about: str) -> str:
    return ngettext(
        "Only %(num)d day of this queue is on record. With less than two weeks this is hardly more than a guess.",
        "Only %(num)d days of this queue are on record. With less than two weeks this is hardly more than a guess.",
        int(about),
    )


_DOUBTS: Mapping[str, Callable[[str], str]] = {
    "closed": lambda _: gettext("The queue is closed on that day."),
    "few_days": _few_days,
    "no_such_weekday": lambda about: gettext(
        "No %(weekday)s of this queue is on record: it is taken as the mean of the other days.", weekday=_weekday(about)
    ),
    "odd_days": _days_left_out,
    "old": lambda about: gettext(
        "The last usable day is %(day)s: much may have changed since.", day=day_of(date.fromisoformat(about))
    ),
}


def day_of(day: date) -> str:
    """A day with its weekday, as the language writes it."""
    return str(format_date(day, "EEEE, MMM d" if languages.language() == "en" else "M月d日EEEE", locale=_locale()))


def _weekday(english: str) -> str:
    names = get_day_names("wide", locale="en")
    local = get_day_names("wide", locale=_locale())
    return next((str(local[number]) for number, name in names.items() if name == english), english)


def _locale() -> str:
    return "en" if languages.language() == "en" else "zh"


def _lines(answer: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The CSV: forecast and plan by quarter of an hour."""
    forecast = {one["begins"]: one for one in answer["forecast"]["intervals"]}
    names = [
        "erlang", "without", "paid_without", "good_without", "callbacks", "paid_callbacks", "good_callbacks", "took",
        "called_s",
    ]  # fmt: skip
    yield ["begins", "calls", "low", "high", "handle_s", "patience_s", *names]
    for one in answer["plan"]["intervals"]:
        said = forecast[one["begins"]]
        begins = datetime.fromisoformat(one["begins"]).astimezone(languages.zone()).isoformat()
        figures = [said[name] for name in ("calls", "low", "high", "handle_s", "patience_s")]
        yield [begins, *map(_plain, figures), *(_plain(one[name]) for name in names)]


def _plain(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
