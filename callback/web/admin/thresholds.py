"""One queue's thresholds on one page: what each does, what that comes to now, the switches, and how to change them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import policies
from callback.domain.acts import What
from callback.domain.errors import InvalidInput, NotFound
from callback.domain.ids import QueueKey
from callback.domain.planned import FURTHEST
from callback.domain.policy import Policy, Queue
from callback.flows import configure, look, planned
from callback.flows.configure import Overtaken
from callback.web import languages
from callback.web.acting import doer
from callback.web.admin import fields, pacing, plans, versions
from callback.web.admin.doing import TOLD, doing
from callback.web.admin.versions import Change
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import back, fragment, page

SWITCHES = ("accepting", "dialing")
LATEST = 3
WHY = 200

Values = dict[str, Any]
Mistakes = dict[str, str]


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>")(queue)
    console.get("/queues/<key>/now")(queue_now)
    console.post("/queues/<key>/policy")(save_policy)
    console.post("/queues/<key>/switch/<name>")(switch)


@signed_in(Role.VIEWER)
def queue(key: str) -> str:
    """The page; with changes that were tried in a preview, if the address has any."""
    changes = read_change(request.args.get("change", "{}"))
    return shown(recorded_queue(key), as_typed(changes), {})


@signed_in(Role.VIEWER)
def queue_now(key: str) -> AnyResponse:
    """The parts of it that change by themselves."""
    found = recorded_queue(key)
    languages.in_zone(languages.queue_zone(found))
    seen = look.queue_now(house(), found)
    return fragment("admin/queue_now.html", queue=found, seen=seen, apart=True, told=TOLD, doing=doing(seen))


@signed_in(Role.SUPERVISOR)
def save_policy(key: str) -> AnyResponse | tuple[str, int]:
    """Save the thresholds: a new version, or the form again with what to mend, or with what others saved meanwhile."""
    changes, mistakes = typed(key)
    try:
        mistakes = mistakes or save(key, changes)
    except Overtaken as overtaken:
        return shown(overtaken.queue, as_typed(changes), {}, conflicts_of(overtaken, changes)), 409
    if mistakes:
        return shown(recorded_queue(key), {**as_typed(changes), **request.form}, mistakes), 422
    return redirect(url_for("admin.queue", key=key), 303)


@signed_in(Role.SUPERVISOR)
def switch(key: str, name: str) -> AnyResponse:
    """Turn accepting or dialling on or off, at once."""
    if name not in SWITCHES:
        abort(404)
    if request.form.get("to") not in ("on", "off"):
        abort(400)
    on = request.form["to"] == "on"
    why = f"switched {'on' if on else 'off'}"
    configure.put_policy(house(), QueueKey(key), {name: on}, **by(What.POLICY_SWITCH), why=why)
    return back("admin.queue", key=key)


def by(what: What) -> Values:
    """Who does this, for the version and for the audit log."""
    return {"by": doer().by, "role": doer().role, "what": what}


# --- what was typed -----------------------------------------------------------------------------------------------


def typed(key: str) -> tuple[Values, Mistakes]:
    """The fields that a form changes against the version it was made from (its `base`), and what cannot be read."""
    if "change" in request.form:
        return read_change(request.form["change"]), {}
    values, mistakes = fields.read_fields(request.form)
    before = policies.to_json(based_on(key))
    return {name: value for name, value in values.items() if before[name] != value}, mistakes


def base() -> int | None:
    """The version that a form was made from."""
    text = request.form.get("base", "")
    return int(text) if text.isascii() and text.isdigit() else None


def based_on(key: str) -> Policy:
    """The policy of that version; the one in force where the form names none, or one that is not there."""
    number = base()
    with house().store.look() as work:
        found = work.queue(QueueKey(key))
        if number is None or number == found.version:
            return found.policy
        try:
            return configure.version(work, found, number).policy
        except NotFound:
            return found.policy


def read_change(text: str) -> Values:
    """Changes as an address or a form carries them. Anything else is a bad request."""
    try:
        found = json.loads(text)
    except ValueError:
        abort(400)
    if not isinstance(found, dict) or not found.keys() <= policies.to_json(policies.DEFAULTS).keys():
        abort(400)
    return found


def write_change(changes: Mapping[str, Any]) -> str:
    """The same the other way round."""
    return json.dumps(changes, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def as_typed(changes: Mapping[str, Any]) -> dict[str, str]:
    """Changes as a form would send them."""
    kept = {key: request.form[key] for key in ("why", "from") if key in request.form}
    # only what the form has a place for: hours have a page of their own
    return kept | {name: fields.written(name, value) for name, value in changes.items() if name in fields.FIELDS}


# --- saving -------------------------------------------------------------------------------------------------------


def save(key: str, changes: Mapping[str, Any], what: What = What.POLICY_SAVE) -> Mistakes:
    """Save what was changed; by field what the rules refuse. Raises Overtaken."""
    if not changes:
        flash(gettext("Nothing was changed."))
        return {}
    why = request.form.get("why", "").strip()[:WHY]
    if request.form.get("from"):
        return plan(key, changes, why)
    try:
        saved = configure.put_policy(house(), QueueKey(key), changes, **by(what), why=why, base=base())
    except InvalidInput as refused:
        return refusals(refused)
    flash(gettext("Saved as version %(version)s. It is in force.", version=saved.version))
    return {}


def plan(key: str, changes: Mapping[str, Any], why: str) -> Mistakes:
    """Have them take effect at the time in the form, in the zone of the queue. Raises Overtaken."""
    languages.in_zone(languages.queue_zone(recorded_queue(key)))
    wrong = gettext("Choose a time to come, at most %(days)s days from now.", days=FURTHEST.days)
    try:
        at = datetime.fromisoformat(request.form["from"]).replace(tzinfo=languages.zone())
        planned.plan(house(), QueueKey(key), changes, at=at, by=doer().by, role=doer().role, why=why, base=base())
    except ValueError:
        return {"from": wrong}
    except InvalidInput as refused:
        return {"from": wrong} if refused.field == "from" else refusals(refused)
    flash(gettext("Planned: it takes effect %(when)s.", when=languages.when(at, house().clock.now())))
    return {}


def refusals(refused: InvalidInput) -> Mistakes:
    """By field what is wrong with it."""
    found = getattr(refused, "mistakes", [(refused.field, str(refused))])
    return {name: message[:1].upper() + message[1:] for name, message in found}


def conflicts_of(overtaken: Overtaken, changes: Mapping[str, Any]) -> list[Change]:
    """What is in force now beside what was to be saved."""
    now = policies.to_json(overtaken.queue.policy)
    return [
        Change(fields.label(name), fields.said(name, now[name]), fields.said(name, changes[name]))
        for name in overtaken.fields
    ]


def shown(found: Queue, filled: Mapping[str, str], mistakes: Mapping[str, str], conflicts: Any = ()) -> str:
    """The page, with the form as it was `filled`."""
    languages.in_zone(languages.queue_zone(found))
    seen = look.queue_now(house(), found)
    form = {**fields.write_fields(found.policy), **filled}
    for one in fields.FIELDS.values():
        if one.switch and fields.ticked(filled, one.name) is False:  # a form that was sent leaves out what is off
            form[one.name] = ""
    return page(
        "admin/queue.html",
        pacing=pacing.shown(found),
        queue=found,
        seen=seen,
        doing=doing(seen),
        groups=fields.GROUPS,
        dirty=bool(filled),
        form=form,
        mistakes=mistakes,
        conflicts=conflicts,
        planned=plans.waiting(found),
        refused=plans.refused([found]),
        history=versions.with_changes(versions.latest(found.key, LATEST + 1))[:LATEST],
        tab="thresholds",
    )
