"""What a change of thresholds would come to: a day played under the policy in force and under the proposed one.

The change stands in the address, so the page can be sent to somebody, loaded again, and left for the form. The day is
played beside this process (`errands`, `cli.rehearsed`) by the code of `callback rehearse`; the page fills in when it is
done, and a browser without scripts is given a link that waits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.errors import InvalidInput
from callback.domain.policies import parse
from callback.domain.policy import Policy, Queue
from callback.web import languages
from callback.web.admin import thresholds, versions
from callback.web.admin.staffing import WAIT_S, date_there, day_of, doubts_of
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.errands import Errand, Lease, errands
from callback.web.figures import Figure, Kind, Series, Unit, said
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment, page

REHEARSED = "callback.cli.rehearsed"
AT_FIRST_S = 0.3
RECORDED, FORECAST, EXAMPLE = "recorded", "forecast", "example"
NOW, THEN = "now", "then"
FURTHEST_BACK = 400
"""Days."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.add_app_template_filter(day_of)
    console.post("/queues/<key>/preview")(ask_preview)
    console.get("/queues/<key>/preview")(preview)
    console.get("/queues/<key>/preview/now")(preview_now)
    console.post("/queues/<key>/preview/stop")(stop_preview)


@dataclass(frozen=True)
class Asked:
    """A change, and the day it is tried on."""

    queue: Queue
    changes: Mapping[str, Any]
    proposed: Policy
    traffic: str
    day: date

    def query(self) -> dict[str, str]:
        """The same as the query of a page."""
        return {
            "change": thresholds.write_change(self.changes), "traffic": self.traffic, "day": self.day.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A figure under both policies. `better` is True or False where that can be said, None where it cannot; `sure` is
    whether the difference is more than chance."""

    label: str
    now: str
    then: str
    difference: str = ""
    better: bool | None = None
    sure: bool = True


@signed_in(Role.SUPERVISOR)
def ask_preview(key: str) -> AnyResponse | tuple[str, int]:
    """From the form, as it was typed, to the page of its preview. Nothing is saved."""
    queue = recorded_queue(key)
    changes, mistakes = thresholds.typed(key)
    if not mistakes:
        try:
            parse(changes, queue.policy)
        except InvalidInput as refused:
            mistakes = thresholds.refusals(refused)
    if mistakes:
        return thresholds.shown(queue, {**thresholds.as_typed(changes), **request.form}, mistakes), 422
    kept: dict[str, Any] = {
        name: request.form[name] for name in ("why", "from", "traffic", "day") if request.form.get(name)
    }
    return redirect(url_for("admin.preview", key=key, change=thresholds.write_change(changes), **kept), 303)


@signed_in(Role.VIEWER)
def preview(key: str) -> str:
    """The page. With `wait` it has the result in it, however long that takes."""
    asked = _asked(key)
    languages.in_zone(languages.queue_zone(asked.queue))
    wait_s = WAIT_S if "wait" in request.args else AT_FIRST_S
    return page(
        "admin/preview.html", asked=asked, tab="thresholds",
        compared=versions.differences(asked.queue.policy, asked.proposed), days=_days(asked.queue),
        latest=date_there(asked.queue) + timedelta(days=1), queue=asked.queue, **_values(asked, wait_s),
    )  # fmt: skip


@signed_in(Role.VIEWER)
def preview_now(key: str) -> AnyResponse:
    """The part that fills in."""
    asked = _asked(key)
    languages.in_zone(languages.queue_zone(asked.queue))
    values = _values(asked, AT_FIRST_S, begin=False)
    return fragment("admin/preview_now.html", queue=asked.queue, asked=asked, **values)


@signed_in(Role.SUPERVISOR)
def stop_preview(key: str) -> AnyResponse:
    """Whatever is being played for them ends; back to the form with the change, or to the preview that had to wait."""
    house().runs.stop(_who())
    change = thresholds.write_change(thresholds.read_change(request.form.get("change", "{}")))
    if request.form.get("then") == "preview":
        kept: dict[str, Any] = {name: request.form[name] for name in ("traffic", "day") if request.form.get(name)}
        return redirect(url_for("admin.preview", key=key, change=change, **kept), 303)
    flash(gettext("The preview was stopped. Nothing was saved."))
    return redirect(url_for("admin.queue", key=key, change=change), 303)


def _who() -> str:
    """The one at the page, without saying who it is."""
    return sha256(str(current_user.email).encode()).hexdigest()[:32]


# --- what is asked --------------------------------------------------------------------------------------------------


def _asked(key: str) -> Asked:
    """From the address. Whatever no page of ours wrote there is a bad request."""
    queue = recorded_queue(key)
    changes = _changes(queue)
    try:
        proposed = parse(changes, queue.policy)
    except InvalidInput:
        abort(400)
    today = date_there(queue)
    traffic = request.args.get("traffic", RECORDED)
    if traffic not in (RECORDED, FORECAST, EXAMPLE):
        abort(400)
    usual = today - timedelta(days=1) if traffic == RECORDED else today + timedelta(days=1)
    day = _day(request.args.get("day", ""), usual)
    if traffic == RECORDED and not today - timedelta(days=FURTHEST_BACK) <= day <= today:
        day = today - timedelta(days=1)
    if traffic == FORECAST and not today < day <= today + timedelta(days=60):
        day = today + timedelta(days=1)
    return Asked(queue, changes, proposed, traffic, day)


def _changes(queue: Queue) -> Mapping[str, Any]:
    text = request.args.get("version", "")
    if not text:
        return thresholds.read_change(request.args.get("change", "{}"))
    found = next((one for one in versions.latest(queue.key) if str(one.version) == text), None)
    if found is None:
        abort(404)
    now, then = policies.to_json(queue.policy), policies.to_json(found.policy)
    return {name: value for name, value in then.items() if now[name] != value}


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text) if text else otherwise
    except ValueError:
        return otherwise


def _days(queue: Queue) -> list[tuple[str, str, date]]:
    """The traffic that is offered at a click: its kind, what it is called, and its day."""
    today = date_there(queue)
    return [
        (RECORDED, gettext("Yesterday"), today - timedelta(days=1)),
        (RECORDED, gettext("A week ago"), today - timedelta(days=7)),
        (FORECAST, gettext("Forecast of tomorrow"), today + timedelta(days=1)),
        (EXAMPLE, gettext("An example day"), today),
    ]


def _errand(asked: Asked, wait_s: float, *, begin: bool) -> Errand:
    question = {
        "queue": asked.queue.key, "traffic": asked.traffic, "day": asked.day.isoformat(),
        "zone": str(languages.zone()), NOW: policies.to_json(asked.queue.policy),
        THEN: policies.to_json(asked.proposed),
    }  # fmt: skip
    return errands().ask(REHEARSED, question, wait_s=wait_s, lease=Lease(house().runs, _who()), begin=begin)


# --- what is told ---------------------------------------------------------------------------------------------------


def _values(asked: Asked, wait_s: float, *, begin: bool = True) -> dict[str, Any]:
    if not asked.changes:
        return {"nothing": True}
    errand = _errand(asked, wait_s, begin=begin)
    if errand.busy:
        return {"why": "busy"}
    if not errand.done.is_set():
        return {"working": True, "percent": errand.percent}
    answer = errand.answer or {"why": "stopped" if errand.stopped else "failed"}
    if "why" in answer:
        return {"why": answer["why"]}
    now, then = (answer["policies"][name] for name in (NOW, THEN))
    return {
        "answer": answer, "lines": lines(answer), "doubts": list(doubts_of({"forecast": answer})),
        "waits": waits(now, then), "courses": courses(now["course"], then["course"]),
        "picked_up": said(answer["answer"], Unit.SHARE) if answer["answer"] is not None else "",
    }  # fmt: skip


LABELS: Mapping[str, Callable[[], str]] = {
    "offers": lambda: gettext("Callbacks offered"),
    "take_up": lambda: gettext("Of these taken"),
    "live_mean_s": lambda: gettext("Time to agent, held the line: mean"),
    "live_p50_s": lambda: gettext("Held the line: half within"),
    "live_p90_s": lambda: gettext("Held the line: nine of ten within"),
    "callback_mean_s": lambda: gettext("Time to agent, called back: mean"),
    "callback_p50_s": lambda: gettext("Called back: half within"),
    "callback_p90_s": lambda: gettext("Called back: nine of ten within"),
    "service_level": lambda: gettext("Held the line: answered within 20 s"),
    "abandonment": lambda: gettext("Hung up"),
    "unserved_at_closing": lambda: gettext("Unserved at closing"),
    "unreached": lambda: gettext("Called back, never reached"),
    "dials": lambda: gettext("Calls we place"),
    "idle": lambda: gettext("Agents idle"),
}
SHARES = frozenset({"take_up", "service_level", "abandonment", "idle"})
LESS, MORE = -1, 1
WANTED = {
    "live_mean_s": LESS, "live_p50_s": LESS, "live_p90_s": LESS, "callback_mean_s": LESS, "callback_p50_s": LESS,
    "callback_p90_s": LESS, "service_level": MORE, "abandonment": LESS, "unserved_at_closing": LESS, "unreached": LESS,
}  # fmt: skip
"""Which way is better, where that does not depend on what somebody wants."""


def lines(answer: Mapping[str, Any]) -> Iterator[Line]:
    """The table: every figure under both, and their difference."""
    now, then = (answer["policies"][name] for name in (NOW, THEN))
    for name, label in LABELS.items():
        unit = _unit(name)
        difference = answer["differences"][THEN].get(name)
        yield Line(
            label(), said(now.get(name), unit), said(then.get(name), unit), *_told(name, unit, difference)
        )  # fmt: skip


def _told(name: str, unit: Unit, difference: Mapping[str, float | None] | None) -> tuple[str, bool | None, bool]:
    if difference is None or difference["mean"] is None:
        return "", None, True
    mean, low, high = difference["mean"], difference["low"], difference["high"]
    if abs(mean) < (0.0005 if unit is Unit.SHARE else 0.5):
        return gettext("the same"), None, True
    sure = low is None or high is None or low > 0 or high < 0
    wanted = WANTED.get(name)
    return _signed(mean, unit), None if wanted is None else mean * wanted > 0, sure


def _signed(value: float, unit: Unit) -> str:
    sign = "+" if value > 0 else "−"
    if unit is Unit.SHARE:
        return gettext("%(points)s points", points=f"{sign}{100 * abs(value):.1f}")
    return sign + said(abs(value), unit)


def _unit(name: str) -> Unit:
    return Unit.SECONDS if name.endswith("_s") else Unit.SHARE if name in SHARES else Unit.COUNT


def waits(now: Mapping[str, Any], then: Mapping[str, Any]) -> Figure:
    """Time to agent, of those who held and those who were called back, as bars side by side."""
    kinds = ("live_mean_s", "live_p90_s", "callback_mean_s", "callback_p90_s")
    names = [
        gettext("Held: mean"), gettext("Held: 9 of 10"), gettext("Called back: mean"), gettext("Called back: 9 of 10"),
    ]  # fmt: skip
    return Figure(
        gettext("Time until they have an agent"),
        names,
        [Series(name, [of.get(kind) for kind in kinds], Kind.BARS) for name, of in _both(now, then)],
        Unit.SECONDS,
        about=gettext("From the moment somebody rings until an agent talks to them."),
    )


def courses(now: Sequence[Mapping[str, Any]], then: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """The day as it goes: the wait, who is on the line, and the promises that are open."""
    ats = sorted({piece["at"] for piece in (*now, *then)})
    axis = [datetime.fromisoformat(at) for at in ats]
    parts = (
        ("answered_s", gettext("The wait of those who hold, over the day"), Unit.SECONDS),
        ("live", gettext("On the line"), Unit.COUNT),
        ("promised", gettext("Open callbacks"), Unit.COUNT),
    )
    drawn = []
    for part, title, unit in parts:
        series = []
        for name, course in _both(now, then):
            by_at = {piece["at"]: piece[part] for piece in course}
            series.append(Series(name, [by_at.get(at) for at in ats], Kind.LINE))
        drawn.append(Figure(title, axis, series, unit, x_label=gettext("From")))
    return drawn


def _both(now: Any, then: Any) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return (gettext("in force"), now), (gettext("proposed"), then)
