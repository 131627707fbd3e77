"""Who waits in a queue, live and promised in the one order they stand in; add somebody by hand, take somebody out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import phone
from callback.domain.acts import What
from callback.domain.callback import Callback, Source
from callback.domain.errors import AlreadyBridged, InvalidInput, NotAccepting, NotFound, NumberRefused, Unreadable
from callback.domain.ids import CallbackId, CallSid, QueueKey, is_callback
from callback.domain.lifecycle import IN_FLIGHT, State
from callback.domain.policy import Queue
from callback.flows import cancel as changes
from callback.flows import enrol, hindsight, look
from callback.ports import Waiting, Work
from callback.web.acting import on_callback
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.pages import back, fragment, page

PAGE = 50


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/line")(line)
    console.get("/queues/<key>/line/now")(line_now)
    console.post("/queues/<key>/callbacks")(add)
    console.get("/callbacks/<id>")(callback)
    console.post("/callbacks/<id>/cancel")(cancel)


@dataclass(frozen=True)
class Row:
    """Somebody in line, or being served: what a supervisor may know."""

    entry: str
    position: int | None
    live: bool
    place: str
    number: str
    name: str
    waited_s: float
    why: str
    attempts: int = 0
    due: datetime | None = None
    cancellable: bool = False


@signed_in(Role.VIEWER)
def line(key: str) -> str:
    """The page."""
    return page("admin/line.html", tab="line", form={}, mistake="", **_values(key))


@signed_in(Role.VIEWER)
def line_now(key: str) -> AnyResponse:
    """The part of it that changes by itself."""
    return fragment("admin/line_now.html", **_values(key))


@signed_in(Role.SUPERVISOR)
def add(key: str) -> AnyResponse | tuple[str, int]:
    """A callback for somebody who asked in another way."""
    form = request.form
    try:
        number = phone.normalise(form.get("number", ""), _region(recorded_queue(key)))
        made, new = enrol.request(
            house(),
            queue=QueueKey(key),
            number=number,
            name=form.get("name", "").strip()[:200],
            language=form.get("language") or None,
            context=_note(form.get("note", "")),
            source=Source.CONSOLE,
            idempotency=None,
            cause=f"console:{current_user.email}",
            along=on_callback(What.CALLBACK_ADD),
        )
    except (InvalidInput, NumberRefused, NotAccepting) as refused:
        return page("admin/line.html", tab="line", form=form, mistake=str(refused), **_values(key)), 422
    shown = phone.mask(made.number)
    flash(
        gettext("%(number)s is in line.", number=shown)
        if new
        else gettext("%(number)s is in line already.", number=shown)
    )
    return redirect(url_for("admin.line", key=key), 303)


@signed_in(Role.VIEWER)
def callback(id: str) -> str:
    """One callback: where it stands, each attempt, and every change with its reason."""
    with house().store.begin() as work:
        found = work.callback(CallbackId(id))
        attempts = work.attempts(found.id)
        journal = work.journal(after=0, limit=200, kind="callback", subject=id)
        queue = work.queue(found.queue)
    seen = look.callback_now(house(), found)
    return page(
        "admin/callback.html",
        queue=queue,
        seen=seen,
        callback=seen.callback,
        attempts=attempts,
        journal=journal,
        told=hindsight.of_callback(house(), found),
        cancellable=_cancellable(seen.callback),
    )


@signed_in(Role.SUPERVISOR)
def cancel(id: str) -> AnyResponse:
    """Take a callback out of the line."""
    try:
        done = changes.cancel(
            house(),
            CallbackId(id),
            reason="removed by a supervisor",
            cause=f"console:{current_user.email}",
            along=on_callback(What.CALLBACK_CANCEL),
        )
    except AlreadyBridged as late:
        flash(str(late), "warn")
        return back("admin.callback", id=id)
    flash(gettext("%(number)s will not be rung.", number=phone.mask(done.number)))
    return redirect(url_for("admin.line", key=done.queue), 303)


def _values(key: str) -> dict[str, Any]:
    found = recorded_queue(key)
    offset = max(request.args.get("from", 0, type=int), 0)
    waiting = house().line.listing(QueueKey(key), offset=offset, limit=PAGE + 1)
    with house().store.begin() as work:
        served = work.callbacks(queue=QueueKey(key), states=IN_FLIGHT, limit=PAGE).items
        later = work.callbacks(queue=QueueKey(key), states={State.SCHEDULED}, limit=PAGE).items
        rows = [_row(work, one, house().clock.now()) for one in waiting[:PAGE]]
    return {
        "queue": found,
        "seen": look.queue_now(house(), found),
        "rows": rows,
        "offset": offset,
        "page_size": PAGE,
        "more": len(waiting) > PAGE,
        "served": [_flight(one) for one in served],
        "scheduled": [_flight(one) for one in later],
    }


def _row(work: Work, one: Waiting, now: datetime) -> Row:
    waited_s = (now - one.joined_at).total_seconds()
    if is_callback(one.entry):
        return _promise(work, one, waited_s)
    return Row(one.entry, one.position, True, one.place, _number(work, CallSid(one.entry)), "", waited_s, "call")


def _number(work: Work, call: CallSid) -> str:
    """Masked; "" where nobody knows it or can read it."""
    try:
        leg = work.leg(call)
    except Unreadable:
        return ""
    return phone.mask(leg.number) if leg is not None else ""


def _promise(work: Work, one: Waiting, waited_s: float) -> Row:
    try:
        found = work.callback(CallbackId(one.entry))
    except (NotFound, Unreadable):  # the line is ahead of the record for a moment, or about to be mended
        return Row(one.entry, one.position, one.live, one.place, "", "", waited_s, "")
    return Row(
        one.entry,
        one.position,
        one.live,
        one.place,
        phone.mask(found.number),
        found.name,
        waited_s,
        str(found.source),
        found.attempts_made,
        found.next_attempt_at,
        cancellable=_cancellable(found),
    )


def _flight(found: Callback) -> Row:
    waited_s = (house().clock.now() - found.joined_at).total_seconds()
    return Row(
        found.id,
        None,
        found.leg is not None,
        str(found.state),
        phone.mask(found.number),
        found.name,
        waited_s,
        str(found.source),
        found.attempts_made,
        found.requested_for,
        cancellable=_cancellable(found),
    )


def _cancellable(found: Callback) -> bool:
    return found.ended_at is None and found.state is not State.BRIDGED


def _region(queue: Queue) -> str | None:
    return phone.region_of(queue.numbers[0]) if queue.numbers else None


def _note(text: str) -> dict[str, str] | None:
    return {"note": text.strip()[:500]} if text.strip() else None
