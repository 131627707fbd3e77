"""One queue's thresholds on one page: what each does and what they do now, the switches, the hours, the history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.acts import What
from callback.domain.errors import InvalidInput
from callback.domain.ids import QueueKey
from callback.domain.policy import Policy, Queue
from callback.flows import configure, look
from callback.ports import PolicyVersion
from callback.web import languages
from callback.web.acting import doer
from callback.web.admin import fields, pacing
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import back, fragment, page

SWITCHES = ("accepting", "dialing")
HISTORY = 20


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>")(queue)
    console.get("/queues/<key>/now")(queue_now)
    console.post("/queues/<key>/policy")(save_policy)
    console.post("/queues/<key>/hours")(save_hours)
    console.post("/queues/<key>/switch/<name>")(switch)
    console.post("/queues/<key>/revert/<int:version>")(revert)
    console.post("/stop")(stop_everything)


@dataclass(frozen=True)
class Change:
    """One field that a version changed, before and after."""

    field: Any
    before: str
    after: str


@signed_in(Role.VIEWER)
def queue(key: str) -> str:
    """The page."""
    return _page(recorded_queue(key), {}, {})


@signed_in(Role.VIEWER)
def queue_now(key: str) -> AnyResponse:
    """The part of it that changes by itself."""
    found = recorded_queue(key)
    return fragment("admin/queue_now.html", queue=found, seen=look.queue_now(house(), found))


@signed_in(Role.SUPERVISOR)
def save_policy(key: str) -> AnyResponse | tuple[str, int]:
    """Save the thresholds: a new version, or the form again with what to mend."""
    changes, mistakes = fields.read_fields(request.form)
    if not mistakes:
        mistakes = _save(key, changes)
    if mistakes:
        return _page(recorded_queue(key), request.form, mistakes), 422
    return redirect(url_for("admin.queue", key=key), 303)


@signed_in(Role.SUPERVISOR)
def save_hours(key: str) -> AnyResponse | tuple[str, int]:
    """Save the opening hours."""
    try:
        mistakes = _save(key, {"hours": fields.read_hours(request.form)})
    except fields.Unreadable as mistake:
        mistakes = {"hours": str(mistake)}
    if mistakes:
        return _page(recorded_queue(key), request.form, mistakes), 422
    return redirect(url_for("admin.queue", key=key) + "#hours", 303)


@signed_in(Role.SUPERVISOR)
def switch(key: str, name: str) -> AnyResponse:
    """Turn accepting or dialling on or off, at once."""
    if name not in SWITCHES:
        abort(404)
    on = request.form.get("to") == "on"
    configure.put_policy(
        house(), QueueKey(key), {name: on}, **_by(What.POLICY_SWITCH), why=f"switched {'on' if on else 'off'}"
    )
    return back("admin.queue", key=key)


@signed_in(Role.SUPERVISOR)
def revert(key: str, version: int) -> AnyResponse:
    """Make an earlier version the next one."""
    earlier = next((one for one in _history(key) if one.version == version), None)
    if earlier is None:
        abort(404)
    changes = policies.to_json(earlier.policy)
    why = f"back to version {version}"
    configure.put_policy(house(), QueueKey(key), changes, **_by(What.POLICY_REVERT), why=why)
    flash(gettext("Version %(version)s is in force again.", version=version))
    return redirect(url_for("admin.queue", key=key), 303)


@signed_in(Role.SUPERVISOR)
def stop_everything() -> AnyResponse:
    """Every queue stops accepting and dialling; nothing that is promised is lost."""
    with house().store.begin() as work:
        queues = work.queues()
    for one in queues:
        off = dict.fromkeys(SWITCHES, False)
        configure.put_policy(house(), QueueKey(one.key), off, **_by(What.STOP_EVERYTHING), why="stop everything")
    flash(gettext("Everything is stopped: nothing is promised and nobody is rung until you switch it on again."))
    return redirect(url_for("admin.overview"), 303)


def _by(what: What) -> dict[str, Any]:
    """Who does this, for the version and for the audit log."""
    return {"by": doer().by, "role": doer().role, "what": what}


def _save(key: str, changes: Mapping[str, Any]) -> dict[str, str]:
    """Save what differs; by field what the rules refuse."""
    now = policies.to_json(recorded_queue(key).policy)
    changed = {name: value for name, value in changes.items() if now[name] != value}
    if not changed:
        flash(gettext("Nothing was changed."))
        return {}
    try:
        saved = configure.put_policy(
            house(), QueueKey(key), changed, **_by(What.POLICY_SAVE), why=request.form.get("why", "").strip()[:200]
        )
    except InvalidInput as refused:
        found = getattr(refused, "mistakes", [(refused.field, str(refused))])
        return {name: message[:1].upper() + message[1:] for name, message in found}
    flash(gettext("Saved as version %(version)s. It is in force.", version=saved.version))
    return {}


def _page(found: Queue, typed: Mapping[str, str], mistakes: Mapping[str, str]) -> str:
    zone = languages.queue_zone(found) or "UTC"
    form = {**fields.write_fields(found.policy), **fields.write_hours(found.policy.hours, zone), **typed}
    return page(
        "admin/queue.html",
        pacing=pacing.shown(found),
        queue=found,
        seen=look.queue_now(house(), found),
        groups=fields.GROUPS,
        days=fields.DAY_NAMES,
        form=form,
        mistakes=mistakes,
        history=_with_changes(_history(found.key)),
        tab="thresholds",
    )


def _history(key: str) -> list[PolicyVersion]:
    with house().store.begin() as work:
        return work.policies(QueueKey(key), limit=HISTORY + 1)


def _with_changes(versions: Sequence[PolicyVersion]) -> list[tuple[PolicyVersion, list[Change]]]:
    """Newest first, each with what it changed against the one before."""
    ordered = sorted(versions, key=lambda one: one.version, reverse=True)
    before = [*ordered[1:], None]
    return [
        (one, _changes(previous.policy, one.policy) if previous else [])
        for one, previous in zip(ordered, before, strict=True)
    ][:HISTORY]


def _changes(before: Policy, after: Policy) -> list[Change]:
    old, new = policies.to_json(before), policies.to_json(after)
    return [
        Change(
            fields.FIELDS[name].label if name in fields.FIELDS else name,
            fields.as_text(old[name]),
            fields.as_text(new[name]),
        )
        for name in new
        if old[name] != new[name]
    ]
