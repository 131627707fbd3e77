"""Opening hours and holidays of a queue, with the fortnight that they come to shown beside them as they are typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import days, hours
from callback.domain.days import DayOpen, Why
from callback.domain.policy import Queue
from callback.flows import look
from callback.flows.configure import Overtaken
from callback.web import languages
from callback.web.admin import doing, fields, plans, thresholds
from callback.web.admin.staffing import day_of
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import fragment, page

NAMES_IN = {"en": "en_US", "zh": "zh_CN"}
"""In which the names of holidays are asked for, where the library has them."""
OLD_ZONES = ("Etc/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/", "SystemV/", "posix/", "right/")


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/hours", endpoint="hours")(opening)
    console.post("/queues/<key>/hours")(save_hours)
    console.post("/queues/<key>/hours/days")(hours_days)


@dataclass(frozen=True)
class DayShown:
    """A day of the fortnight: when it is open, and why it is unlike its weekday."""

    day: str
    times: str
    notes: Sequence[str]
    unlike: bool


@signed_in(Role.VIEWER)
def opening(key: str) -> str:
    """The page; with the hours of another queue filled in, if the address names one."""
    queue = recorded_queue(key)
    other = _other(request.args.get("copy", ""))
    rules = other.policy.hours if other else queue.policy.hours
    if other:
        flash(gettext("These are the hours of %(queue)s. They are not saved yet.", queue=other.name))
    return _page(queue, fields.write_hours(rules, _zone(queue)), "", dirty=other is not None)


@signed_in(Role.SUPERVISOR)
def save_hours(key: str) -> AnyResponse | tuple[str, int]:
    """Save the opening hours, or have them take effect later; or the form again with what to mend."""
    form = _filled(key)
    try:
        rules = fields.read_hours(form)
        mistakes = thresholds.save(key, _changed(key, rules))
    except fields.Unreadable as unreadable:
        mistakes = {"hours": str(unreadable)}
    except Overtaken as overtaken:
        theirs = fields.said("hours", overtaken.queue.policy.hours)
        meanwhile = gettext(
            "Somebody else saved other hours meanwhile: %(hours)s. Save again to replace them.", hours=theirs
        )
        return _page(overtaken.queue, form, meanwhile), 409
    if mistakes:
        shown = _page(recorded_queue(key), form, mistakes.get("hours", ""), wrong_time=mistakes.get("from", ""))
        return shown, 422
    return redirect(url_for("admin.hours", key=key), 303)


@signed_in(Role.SUPERVISOR)
def hours_days(key: str) -> AnyResponse | tuple[str, int]:
    """The fortnight that the form comes to as it is typed; for a browser without scripts with the page around it."""
    queue = recorded_queue(key)
    form = _filled(key)
    rules, mistake = _read(form)
    if "HX-Request" not in request.headers:
        return _page(queue, form, mistake), 422 if mistake else 200
    languages.in_zone(_zone(queue))
    told = [] if mistake else fortnight(rules)
    return fragment("admin/hours_days.html", queue=queue, mistake=mistake, fortnight=told)


# --- what was typed -----------------------------------------------------------------------------------------------


def _filled(key: str) -> dict[str, str]:
    """The form that was sent; what it lacks is as it was when it was made."""
    return fields.filled_hours(request.form, thresholds.based_on(key).hours, _zone(recorded_queue(key)))


def _read(form: Mapping[str, str]) -> tuple[Mapping[str, Any] | None, str]:
    """The hours of a form, or what is wrong with them."""
    try:
        rules = fields.read_hours(form)
    except fields.Unreadable as unreadable:
        return None, str(unreadable)
    return rules, "; ".join(hours.validate_hours(rules) if rules is not None else [])


def _changed(key: str, rules: Mapping[str, Any] | None) -> dict[str, Any]:
    """Nothing where they are what they were when the form was made."""
    return {} if _plain(thresholds.based_on(key).hours) == _plain(rules) else {"hours": rules}


def _plain(rules: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without what is empty, so that two ways of writing the same are the same."""
    if rules is None:
        return None
    weekly = {day: [list(span) for span in spans] for day, spans in rules["weekly"].items() if spans}
    return {name: value for name, value in {**rules, "weekly": weekly}.items() if value}


def _other(key: str) -> Queue | None:
    with house().store.look() as work:
        return next((queue for queue in work.queues() if queue.key == key), None)


# --- what is shown ------------------------------------------------------------------------------------------------


def fortnight(rules: Mapping[str, Any] | None) -> list[DayShown]:
    """The coming days, today first."""
    zone = hours.zone_of(rules) or languages.zone()
    today = house().clock.now().astimezone(zone).date()
    spoken = NAMES_IN.get(languages.language())
    return [_day(one, today) for one in days.coming(rules, today, language=spoken)]


def _day(one: DayOpen, today: date) -> DayShown:
    times = ", ".join(f"{opening}–{closing}" for opening, closing in one.spans) or gettext("closed")
    if one.spans == (("00:00", "24:00"),):
        times = gettext("all day")
    name = gettext("Today") if one.day == today else day_of(one.day)
    return DayShown(name, times, list(_notes(one)), one.why is not Why.USUAL or bool(one.clock_s))


def _notes(one: DayOpen) -> list[str]:
    notes = [one.holiday] if one.holiday else []
    if one.why is Why.OPEN_DATE:
        notes.append(gettext("open all the same"))
    if one.why is Why.CLOSED_DATE:
        notes.append(gettext("closed by hand"))
    if one.clock_s > 0:
        notes.append(gettext("clocks go forward: %(minutes)s min are missing", minutes=one.clock_s // 60))
    if one.clock_s < 0:
        notes.append(gettext("clocks go back: %(minutes)s min come twice", minutes=-one.clock_s // 60))
    return notes


def _page(queue: Queue, form: Mapping[str, str], mistake: str, *, dirty: bool = True, wrong_time: str = "") -> str:
    languages.in_zone(_zone(queue))
    rules, wrong = (queue.policy.hours, "") if request.method == "GET" and not dirty else _read(form)
    with house().store.look() as work:
        others = [one for one in work.queues() if one.key != queue.key]
    return page(
        "admin/hours.html", queue=queue, tab="hours", days=fields.DAY_NAMES, form=form, mistake=mistake or wrong,
        fortnight=[] if wrong else fortnight(rules), others=others, countries=countries(languages.language()),
        zones=zones(), dirty=dirty, now_open=doing.open_until(look.queue_now(house(), queue)), wrong_time=wrong_time,
        planned=[one for one in plans.waiting(queue) if "hours" in one.plan.changes],
        refused=[one for one in plans.refused([queue]) if "hours" in one.plan.changes],
    )  # fmt: skip


def _zone(queue: Queue) -> str:
    return languages.queue_zone(queue) or "UTC"


@lru_cache(maxsize=4)
def countries(language: str) -> list[tuple[str, str]]:
    """Those whose public holidays are known: code and name, by name."""
    from holidays.utils import list_supported_countries

    names = Locale.parse("zh_Hans_CN" if language == "zh" else "en").territories
    known = list_supported_countries(include_aliases=False)
    return sorted(((code, str(names.get(code, code))) for code in known if len(code) == 2), key=lambda one: one[1])


@lru_cache(maxsize=1)
def zones() -> list[str]:
    """Zones by the names that people know them by."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(OLD_ZONES))
