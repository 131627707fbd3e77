"""Every field of a policy as a supervisor meets it: its group, its name, what it does, and how it is written in a form.

The rules check the values (`domain.policies`); here they are only read from the form and put back into it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _

from callback.domain.hours import DAYS
from callback.domain.policy import Policy


class Unreadable(Exception):
    """A value that cannot be read from the form; its text says how to write it."""


Read = Callable[[str], Any]
Write = Callable[[Any], str]


@dataclass(frozen=True)
class Field:
    """One field. `read` makes the value from what was typed, `write` the other way round."""

    name: str
    label: Any
    help: Any
    read: Read
    write: Write
    unit: Any = ""
    choices: tuple[tuple[str, Any], ...] = ()
    switch: bool = False
    optional: bool = False
    placeholder: str = ""
    more: bool = False  # seldom changed: stands behind a disclosure

    @property
    def numeric(self) -> bool:
        """Whether the keyboard of a phone should show digits."""
        return self.read in (number, optional_number)


@dataclass(frozen=True)
class Group:
    """Fields that belong together."""

    name: str
    title: Any
    about: Any
    fields: tuple[Field, ...] = field(default=())

    @property
    def common(self) -> list[Field]:
        """What most houses set."""
        return [one for one in self.fields if not one.more]

    @property
    def more(self) -> list[Field]:
        """The rest."""
        return [one for one in self.fields if one.more]


def number(text: str) -> float | int:
    """A number as typed."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise Unreadable(str(_("Enter a number."))) from None
    return int(value) if value.is_integer() else value


def optional_number(text: str) -> float | int | None:
    """A number, or nothing: the rule is off."""
    return number(text) if text else None


def numbers(text: str) -> list[float | int]:
    """Numbers with commas between them."""
    return [number(part) for part in _parts(text)]


def words(text: str) -> list[str]:
    """Words with commas between them."""
    return _parts(text)


def countries(text: str) -> list[str] | None:
    """Country codes with commas between them; nothing: all countries."""
    return ["own" if part.lower() == "own" else part.upper() for part in _parts(text)] or None


def credit(text: str) -> dict[str, float | int]:
    """`vip: 300, gold: 120`."""
    pairs = [part.partition(":") for part in _parts(text)]
    if any(not colon for _name, colon, _value in pairs):
        raise Unreadable(str(_("Write each as NAME: SECONDS, with commas between them.")))
    return {name.strip(): number(value.strip()) for name, _colon, value in pairs}


def quiet(text: str) -> list[str] | None:
    """`21:00-09:00`, or nothing."""
    if not text:
        return None
    start, dash, end = text.replace("–", "-").partition("-")
    if not dash:
        raise Unreadable(str(_("Write it as FROM-TO, for example 21:00-09:00.")))
    return [start.strip(), end.strip()]


def shown(value: Any) -> str:
    """A value as it stands in a form."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


def _listed(value: Any) -> str:
    return ", ".join(shown(part) for part in value or ())


def _credits(value: Any) -> str:
    return ", ".join(f"{name}: {shown(seconds)}" for name, seconds in value.items())


def _span(value: Any) -> str:
    return "" if value is None else f"{value[0]}-{value[1]}"


def _seconds(name: str, label: Any, help: Any, *, optional: bool = False, more: bool = False) -> Field:
    read = optional_number if optional else number
    return Field(name, label, help, read, shown, unit=_("seconds"), optional=optional, more=more)


def _choice(name: str, label: Any, help: Any, *choices: tuple[str, Any], more: bool = False) -> Field:
    return Field(name, label, help, str, shown, choices=choices, more=more)


GROUPS: tuple[Group, ...] = (
    Group(
        "offer",
        _("When a callback is offered"),
        _("Any one of these is enough. Whoever a free agent could take at once is never offered one."),
        (
            _seconds(
                "offer_at_wait_s",
                _("Offer at a wait of"),
                _("Callers hear the offer once the estimated wait reaches this. Empty: the wait starts no offer."),
                optional=True,
            ),
            _seconds(
                "stop_offering_at_wait_s",
                _("Stop below a wait of"),
                _("Once offering, go on until the wait falls below this, so that it does not flicker."),
                optional=True,
            ),
            Field(
                "offer_at_waiting",
                _("Offer at a line of"),
                _("Offer once so many callers wait, live or not. Empty: off."),
                optional_number,
                shown,
                unit=_("callers"),
                optional=True,
            ),
            _choice(
                "offer_quantile",
                _("The wait is judged by"),
                _("The careful estimate is one that eight of ten callers do not exceed. A bolder one offers later."),
                ("p50", _("Half wait at most this long")),
                ("p80", _("Eight of ten wait at most this long")),
                ("p90", _("Nine of ten wait at most this long")),
                more=True,
            ),
        ),
    ),
    Group(
        "promise",
        _("What is promised"),
        _("A promise counts from the moment somebody takes the offer, and keeps their place."),
        (
            Field(
                "max_outstanding",
                _("At most"),
                _("No more promises than this may be open at once. Empty: no limit."),
                optional_number,
                shown,
                unit=_("open callbacks"),
                optional=True,
            ),
            Field(
                "closing_guard",
                _("Only what can be kept today"),
                _("Promise nothing that could not be served before closing."),
                bool,
                shown,
                switch=True,
            ),
            Field(
                "priority_credit_s",
                _("Credit by segment"),
                _("Seconds by which a segment moves ahead in line, as NAME: SECONDS."),
                credit,
                _credits,
                placeholder="vip: 300",
                more=True,
            ),
            _seconds(
                "prior_handle_s",
                _("Assumed length of a talk"),
                _("With wrap-up. Used until enough talks were measured."),
                more=True,
            ),
            _seconds(
                "prior_patience_s",
                _("Assumed patience"),
                _("How long callers hold before they hang up, until it was measured."),
                more=True,
            ),
        ),
    ),
    Group(
        "dial",
        _("How we dial"),
        _("Who is dialled first, how we know that a person answered, and what happens when nobody does."),
        (
            _choice(
                "dial_mode",
                _("Order of dialling"),
                _(
                    "Customer first: an agent is reserved while the caller's phone rings. "
                    "Agent first: the agent waits on the line. "
                    "Dial ahead: dialling starts shortly before an agent is free."
                ),
                ("customer_first", _("Customer first")),
                ("agent_first", _("Agent first")),
                ("dial_ahead", _("Dial ahead")),
            ),
            Field(
                "ring_timeout_s",
                _("Let it ring for"),
                _("Longer reaches more people, and more voicemail."),
                number,
                shown,
                unit=_("seconds"),
            ),
            Field(
                "attempts",
                _("Attempts"),
                _("After so many we stop, and tell them by text where that is possible."),
                number,
                shown,
            ),
            Field(
                "retry_delays_s",
                _("Wait between attempts"),
                _("In seconds, with commas between them; the last one repeats. Empty: at once."),
                numbers,
                _listed,
                placeholder="300, 900",
            ),
            _seconds("wrap_up_s", _("Wrap-up"), _("Time after each talk before the next caller. 0: none.")),
            _choice(
                "confirm_human",
                _("A person is confirmed by"),
                _("Keeps voicemail away from agents."),
                ("press_1", _("Pressing 1")),
                ("amd", _("The carrier's detection")),
                ("off", _("Nothing")),
                more=True,
            ),
            _choice(
                "missed_place",
                _("Their place meanwhile"),
                _("Kept: they are next as soon as they can be rung again."),
                ("keep", _("Kept")),
                ("back", _("From the time of the retry")),
                more=True,
            ),
            _seconds(
                "cut_off_s",
                _("Counts as cut off within"),
                _("An agent's line that ends this soon after connecting puts the caller back in line. 0: never."),
                more=True,
            ),
            _seconds(
                "wait_tolerance_s",
                _("Silence tolerated at the answer"),
                _("How long somebody who answered may wait for the agent (dial ahead)."),
                more=True,
            ),
            Field(
                "max_wait_probability",
                _("How often it may be longer"),
                _("The share of those who answer that may wait longer, from 0 to 1: 0.03 is 3 of 100 (dial ahead)."),
                number,
                shown,
                more=True,
            ),
        ),
    ),
    Group(
        "whom",
        _("Who may be called"),
        _("Checked when a callback is promised, and again before it is dialled."),
        (
            Field(
                "allowed_countries",
                _("Countries"),
                _("Two-letter codes with commas between them; own is the country of our number. Empty: every country."),
                countries,
                _listed,
                placeholder="own, CN",
            ),
            Field(
                "quiet_hours",
                _("Quiet hours"),
                _("Nobody is rung between these times, in the zone of the number. Empty: none."),
                quiet,
                _span,
                placeholder="21:00-09:00",
            ),
            Field(
                "languages", _("Languages"), _("en, zh; the first one greets."), words, _listed, placeholder="en, zh"
            ),
        ),
    ),
    Group(
        "after",
        _("After the talk"),
        _("What a caller finds on their page once we have talked."),
        (
            Field(
                "ask_rating",
                _("Ask how it was"),
                _("Their page asks for 1 to 5, for a day. Off: nobody is asked, and answers already given count on."),
                bool,
                shown,
                switch=True,
            ),
        ),
    ),
)
"""The form, top to bottom. Opening hours and the two switches have places of their own."""

FIELDS: Mapping[str, Field] = {field.name: field for group in GROUPS for field in group.fields}

_ELSEWHERE = {"accepting": _("Accepting"), "dialing": _("Dialling"), "hours": _("Opening hours")}

DAY_NAMES = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}


def there(name: str) -> str:
    """The hidden companion of a box: a browser sends nothing for one that is not ticked, and neither does a page that
    was made before there was such a box. With the companion it was there, and without a tick it is meant to be off."""
    return f"{name}_there"


def ticked(form: Mapping[str, str], name: str) -> bool | None:
    """Whether a box is ticked; None: the page that sent the form has no such box, so that what stands must stay."""
    return True if name in form else False if there(name) in form else None


def read_fields(form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The changes in a submitted form, and by field what could not be read. A field that the form lacks altogether is
    in neither: what stands stays."""
    changes: dict[str, Any] = {}
    mistakes: dict[str, str] = {}
    for name, one in FIELDS.items():
        if one.switch:
            if (on := ticked(form, name)) is not None:
                changes[name] = on
        elif name in form:
            try:
                changes[name] = one.read(form[name].strip())
            except Unreadable as mistake:
                mistakes[name] = str(mistake)
    return changes, mistakes


def write_fields(policy: Policy) -> dict[str, str]:
    """The form that shows this policy."""
    return {name: one.write(getattr(policy, name)) for name, one in FIELDS.items()}


def filled_hours(form: Mapping[str, str], stands: Mapping[str, Any] | None, zone: str) -> dict[str, str]:
    """A submitted form of hours with what it lacks altogether taken from the hours that stand; `zone` is for a queue
    that is always open."""
    standing = write_hours(stands, zone)
    if stands is None:
        standing |= dict.fromkeys(DAYS, "")  # the usual week is a proposal, which nobody has made their own yet
    if ticked(form, "always_open") is False:
        standing.pop("always_open", None)
    return {**standing, **form}


def read_hours(form: Mapping[str, str]) -> dict[str, Any] | None:
    """Opening hours from a form that has every field; None: always open. Raises Unreadable."""
    if "always_open" in form:
        return None
    weekly = {day: _intervals(form[day], str(DAY_NAMES[day])) for day in DAYS}
    return {
        "timezone": form["timezone"].strip(),
        "weekly": {day: spans for day, spans in weekly.items() if spans},
        "holidays": form["holidays"].strip().upper() or None,
        "closed_dates": _parts(form["closed_dates"]),
        "open_dates": _parts(form["open_dates"]),
    }


def write_hours(hours: Mapping[str, Any] | None, zone: str) -> dict[str, str]:
    """The form that shows these hours; for a queue that is always open, a usual week to begin with."""
    shown_hours: Mapping[str, Any] = hours or {
        "timezone": zone,
        "weekly": {day: [["09:00", "18:00"]] for day in DAYS[:5]},
    }
    form = {day: ", ".join("-".join(span) for span in shown_hours["weekly"].get(day, ())) for day in DAYS}
    form["timezone"] = shown_hours["timezone"]
    form["holidays"] = shown_hours.get("holidays") or ""
    for name in ("closed_dates", "open_dates"):
        form[name] = ", ".join(shown_hours.get(name) or ())
    if hours is None:
        form["always_open"] = "on"
    return form


def label(name: str) -> Any:
    """What a field is called, those included that have no place in the form."""
    return FIELDS[name].label if name in FIELDS else _ELSEWHERE.get(name, name)


def written(name: str, value: Any) -> str:
    """A value of a field as it stands in the form."""
    return FIELDS[name].write(value)


def said(name: str, value: Any) -> str:
    """A value of a field as people read it, with its unit."""
    if isinstance(value, bool):
        return str(_("on") if value else _("off"))
    if name == "hours":
        return _hours_said(value)
    if value is None or value in ([], {}):
        return "–"
    one = FIELDS.get(name)
    if one is None:
        return json.dumps(value, ensure_ascii=False)
    chosen = dict(one.choices).get(value) if one.choices else None
    return f"{chosen or one.write(value)} {'' if one.choices else one.unit}".strip()


def _hours_said(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return str(_("Always open"))
    form = write_hours(value, "")
    spans = [(str(DAY_NAMES[day]), form[day]) for day in DAYS if form[day]]
    week = [f"{_from_to(days)} {times}" for times, days in _alike(spans)]
    rest = [said(form[name]) for name, said in _REST_SAID.items() if form[name]]
    return "; ".join([*week, *rest])


def _country(code: str) -> str:
    known = get_locale()
    return str(known.territories.get(code, code)) if known else code


_REST_SAID: Mapping[str, Callable[[str], str]] = {
    "holidays": lambda code: str(_("closed on public holidays (%(country)s)", country=_country(code))),
    "closed_dates": lambda dates: str(_("closed on %(dates)s", dates=dates)),
    "open_dates": lambda dates: str(_("open on %(dates)s", dates=dates)),
    "timezone": str,
}


def _alike(spans: list[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Days that follow each other with the same hours, together."""
    return [(times, [day for day, _same in days]) for times, days in groupby(spans, key=lambda one: one[1])]


def _from_to(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]}–{days[-1]}"


def _intervals(text: str, day: str) -> list[list[str]]:
    spans = [part.replace("–", "-").partition("-") for part in _parts(text)]
    if any(not dash for _start, dash, _end in spans):
        raise Unreadable(str(_("%(day)s: write hours as FROM-TO, for example 09:00-12:00, 13:00-18:00.", day=day)))
    return [[start.strip(), end.strip()] for start, _dash, end in spans]
