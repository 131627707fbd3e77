"""The audit log as people read it: who did what to what, when, from what to what, and why; as a file as well."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for

from callback.domain.acts import Act, What
from callback.domain.policies import DEFAULTS, to_json
from callback.web import languages
from callback.web.admin import fields
from callback.web.as_csv import csv_file
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import Role, signed_in
from callback.web.pages import in_house_zone, page
from callback.web.words import word

PAGE = 50
CSV_PAGE = 1_000
HEAD = ("seq", "at", "by", "role", "what", "queue", "subject", "before", "after", "cause")

_WORDS: Mapping[str, Callable[[], str]] = {
    What.POLICY_SAVE: lambda: gettext("Thresholds changed"),
    What.POLICY_REVERT: lambda: gettext("Thresholds taken back"),
    What.POLICY_SWITCH: lambda: gettext("Switch turned"),
    What.STOP_EVERYTHING: lambda: gettext("Everything stopped"),
    What.START_AGAIN: lambda: gettext("Started again"),
    What.POLICY_PLAN: lambda: gettext("Change planned"),
    What.POLICY_UNPLAN: lambda: gettext("Planned change taken back"),
    What.POLICY_EFFECT: lambda: gettext("Planned change in force"),
    What.POLICY_REFUSED: lambda: gettext("Planned change refused"),
    What.POLICY_NOTED: lambda: gettext("Refused change seen"),
    What.QUEUE_SAVE: lambda: gettext("Queue saved"),
    What.AGENT_SAVE: lambda: gettext("Agent saved"),
    What.AGENT_PRESENCE: lambda: gettext("Agent's state set"),
    What.AGENT_RING: lambda: gettext("Test ring"),
    What.AGENT_RANG: lambda: gettext("Test ring: what came of it"),
    What.NUMBER_POINT: lambda: gettext("Number pointed here"),
    What.FIRST_USE: lambda: gettext("First use"),
    What.USER_SAVE: lambda: gettext("User saved"),
    What.USER_DISABLE: lambda: gettext("User disabled"),
    What.USER_ENABLE: lambda: gettext("User enabled"),
    What.USER_INVITE: lambda: gettext("User invited"),
    What.USER_RESET: lambda: gettext("User's password reset"),
    What.USER_PASSWORD: lambda: gettext("Own password set"),
    What.USER_TWO_STEP_ON: lambda: gettext("Two-step sign-in turned on"),
    What.USER_TWO_STEP_OFF: lambda: gettext("Two-step sign-in turned off"),
    What.USER_TWO_STEP_RESET: lambda: gettext("User's two-step sign-in reset"),
    What.USER_CODES: lambda: gettext("New recovery codes made"),
    What.USER_CODE_SPENT: lambda: gettext("Recovery code used"),
    What.USER_SIGN_OUT: lambda: gettext("Signed out everywhere"),
    What.TWO_STEP_RULE: lambda: gettext("Rule for two-step sign-in changed"),
    What.TOKEN_SAVE: lambda: gettext("Token made"),
    What.TOKEN_REVOKE: lambda: gettext("Token revoked"),
    What.CALLBACK_ADD: lambda: gettext("Callback added"),
    What.CALLBACK_CANCEL: lambda: gettext("Callback removed"),
    What.CALLBACK_RESCHEDULE: lambda: gettext("Callback put to another time"),
    What.CALLBACK_MOVE: lambda: gettext("Callback moved to the front"),
    What.CALLBACK_RING: lambda: gettext("Callback called now"),
    What.CALLBACK_SEARCH: lambda: gettext("Number searched for"),
    What.HELD_RETRY: lambda: gettext("Set aside: tried again"),
    What.HELD_DROP: lambda: gettext("Set aside: given up"),
    What.PROMPT_SAVE: lambda: gettext("Wording saved"),
    What.PROMPT_REVERT: lambda: gettext("Wording taken back"),
    What.EXPORT: lambda: gettext("Data exported"),
    What.RESEAL: lambda: gettext("Data sealed under the new key"),
    What.ERASE: lambda: gettext("Personal data erased"),
}


LABELS: Mapping[str, Callable[[], str]] = {
    "name": lambda: gettext("Name"),
    "numbers": lambda: gettext("Numbers that lead to it"),
    "contact": lambda: gettext("Reached at"),
    "queues": lambda: gettext("Serves"),
    "role": lambda: gettext("Role"),
    "agent": lambda: gettext("Agent"),
    "disabled": lambda: gettext("Disabled"),
    "version": lambda: gettext("Version"),
}
"""What acts other than on thresholds change, as the pages call it."""
THRESHOLDS = frozenset(to_json(DEFAULTS))


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/acts")(acts)
    console.get("/acts.csv")(acts_csv)


@dataclass(frozen=True)
class Change:
    """One value that differs; "" where there was or is none. `worded`: in the reader's language, not as it is kept."""

    name: str
    before: str
    after: str
    worded: bool = False


@dataclass(frozen=True)
class Asked:
    """What somebody looks for, as they typed it. Days are of the house's zone, `until` the last that is shown."""

    by: str = ""
    what: str = ""
    queue: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, said: Mapping[str, str]) -> "Asked":
        """From an address."""
        return cls(**{name: said.get(name, "").strip()[:200] for name in cls.__dataclass_fields__})

    def query(self) -> dict[str, str]:
        """Back into an address, without what was left empty."""
        return {name: value for name, value in vars(self).items() if value}

    def conditions(self) -> dict[str, Any]:
        """As the record takes them."""
        exact = {name: value for name in ("by", "what", "queue", "subject") if (value := getattr(self, name))}
        return {**exact, "since": _midnight(self.since, 0), "until": _midnight(self.until, 1)}


@signed_in(Role.ADMIN)
def acts() -> str:
    """The page, newest first."""
    in_house_zone()
    asked, before = Asked.of(request.args), request.args.get("before", None, type=int)
    with house().store.look() as work:
        found = work.acts(before=before, limit=PAGE + 1, **asked.conditions())
        queues, people = work.queues(), [user.email for user in work.users()]
    return page(
        "admin/acts.html",
        asked=asked,
        acts=found[:PAGE],
        next=found[PAGE - 1].seq if len(found) > PAGE else None,
        first=before is None,
        queues=queues,
        people=people,
        whats=sorted(((one, said(one)) for one in map(str, What)), key=lambda pair: pair[1]),
        said=said,
        changes=changes,
        link=link,
    )


@signed_in(Role.ADMIN)
def acts_csv() -> Response:
    """Everything that was asked for, as a file."""
    in_house_zone()
    return csv_file("acts.csv", _rows(Asked.of(request.args).conditions()))


def said(what: str) -> str:
    """What was done, in the reader's language; as it stands where this version does not know it."""
    return _WORDS[what]() if what in _WORDS else what


def changes(act: Act) -> list[Change]:
    """What differs, by name."""
    before, after = act.before or {}, act.after or {}
    names = list(dict.fromkeys([*before, *after]))
    told = _threshold if act.what.startswith("policy.") else _value
    worded = THRESHOLDS | LABELS.keys() if told is _threshold else LABELS.keys()
    return [
        Change(_label(name), told(before, name), told(after, name), True) if name in worded
        else Change(name, _text(before, name), _text(after, name))
        for name in names
    ]  # fmt: skip


def link(act: Act) -> str:
    """Where the subject of an act can be looked at; "" where it cannot."""
    kind = act.what.partition(".")[0]
    if kind == "callback":
        return url_for("admin.callback", id=act.subject)
    if kind == "prompt":
        return url_for("admin.prompt", sentence=act.subject, queue=act.queue or None)
    if kind == "agent":
        return url_for("admin.edit_agent", key=act.subject)
    if kind == "user":
        return url_for("admin.user", email=act.subject)
    return url_for("admin.queue", key=act.queue) if kind in ("policy", "queue") and act.queue else ""


def _label(name: str) -> str:
    return LABELS[name]() if name in LABELS else str(fields.label(name))


def _threshold(values: Mapping[str, Any], name: str) -> str:
    """A field of a policy as its form says it; as it was kept where another version kept it otherwise."""
    if name not in values or name not in THRESHOLDS:
        return _value(values, name)
    try:
        return fields.said(name, values[name])
    except (KeyError, TypeError, AttributeError, ValueError):
        return _text(values, name)


def _value(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return word(value) if name == "role" and value else _text(values, name)


def _text(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return ""
    return _plain(values[name])


def _plain(value: Any) -> str:
    """A value as somebody would write it down: `support 1, sales 2` and not its brackets."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(_plain, value)) or "–"
    return "–" if value is None else json.dumps(value)


def _midnight(said: str, days: int) -> datetime | None:
    """The beginning of that day or of one after it; None for what is no day."""
    try:
        day = date.fromisoformat(said) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return datetime.combine(day, time(), languages.zone())


def _rows(conditions: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    yield HEAD
    before: int | None = None
    while True:
        with house().store.look() as work:
            found = work.acts(before=before, limit=CSV_PAGE, **conditions)
        for one in found:
            yield tuple(_cell(getattr(one, name)) for name in HEAD)
        if len(found) < CSV_PAGE:
            return
        before = found[-1].seq


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value
