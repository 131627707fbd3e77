"""Who waits in a queue, live and promised in the one order they stand in: looked through, added to by hand, with
somebody put first or taken out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import phone
from callback.domain.acts import What
from callback.domain.callback import Callback, Source
from callback.domain.errors import AlreadyBridged, InvalidInput, NotAccepting, NotFound, NumberRefused, Unreadable
from callback.domain.ids import CallbackId, CallSid, EntryId, QueueKey, is_callback
from callback.domain.lifecycle import IN_FLIGHT, State
from callback.domain.policy import Queue
from callback.flows import cancel as changes
from callback.flows import enrol, hindsight, look, move
from callback.flows.wishes import Hindered
from callback.ports import House, Waiting, Work
from callback.web import languages
from callback.web.acting import on_callback
from callback.web.admin import finding, standing
from callback.web.admin.finding import PAGE, Found, Show
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.limits import in_a_while
from callback.web.pages import back, fragment, page
from callback.web.words import word

WHY_MOST = 200
MOVABLE = frozenset({State.WAITING, State.SCHEDULED})

Move = Callable[..., Callback]
Answer = str | tuple[str, int, dict[str, str]]


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/line")(line)
    console.get("/queues/<key>/line/now")(line_now)
    console.post("/queues/<key>/callbacks")(add)
    console.get("/callbacks/<id>")(callback)
    console.post("/callbacks/<id>/cancel")(cancel)
    console.post("/callbacks/<id>/front")(to_front)
    console.post("/callbacks/<id>/ring")(ring_now)


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
    why: Sequence[str]
    due: datetime | None = None
    cancellable: bool = False


@signed_in(Role.VIEWER)
def line(key: str) -> Answer:
    """The page."""
    values = _values(key)
    shown = page("admin/line.html", tab="line", form={}, mistake="", **values)
    return (shown, 429, {"Retry-After": f"{values['wait_s']:.0f}"}) if "slow" in values else shown


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
            requested_for=_when(form.get("when", ""), recorded_queue(key)),
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
    """One callback: where it stands, each attempt, and every change with its reason; the last two also where its record
    cannot be read. Raises NotFound."""
    with house().store.begin() as work:
        found = _readable(work, CallbackId(id))
        attempts = work.attempts(CallbackId(id))
        journal = work.journal(after=0, limit=200, kind="callback", subject=id)
        key = found.queue if found is not None else QueueKey(journal[-1].queue) if journal else None
        queue = work.queue(key) if key is not None else None
        agents = {agent.key: agent.name for agent in work.agents()} if attempts else {}
    history: dict[str, Any] = {"names": agents, "queue": queue, "attempts": attempts, "journal": journal}
    if found is None:
        return page("admin/callback_unreadable.html", id=id, **history)
    seen = look.callback_now(house(), found)
    return page(
        "admin/callback.html",
        **history,
        seen=seen,
        callback=seen.callback,
        told=hindsight.of_callback(house(), found),
        cancellable=_cancellable(seen.callback),
        movable=seen.callback.state in MOVABLE,
        resting=seen.callback.state is State.SCHEDULED or not seen.callback.due(house().clock.now()),
        why_most=WHY_MOST,
    )


@signed_in(Role.SUPERVISOR)
def to_front(id: str) -> AnyResponse:
    """Before everybody else in the line."""
    return _moved(id, move.to_front, What.CALLBACK_MOVE)


@signed_in(Role.SUPERVISOR)
def ring_now(id: str) -> AnyResponse:
    """The same, whatever time they had asked for or have to wait between attempts."""
    return _moved(id, move.ring_now, What.CALLBACK_RING)


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


def _moved(id: str, act: Move, what: What) -> AnyResponse:
    """Do it with the reason that was given, and go back to the line."""
    why = request.form.get("why", "").strip()[:WHY_MOST]
    if not why:
        flash(gettext("Say why: it is kept in the audit log, beside your name."), "warn")
        return redirect(url_for("admin.callback", id=id) + "#move", 303)
    try:
        done = act(house(), CallbackId(id), cause=f"console:{current_user.email}", along=on_callback(what, cause=why))
    except Hindered as hindered:
        flash(_hindrance(str(hindered.reason)), "warn")
        return redirect(url_for("admin.callback", id=id), 303)
    except AlreadyBridged:
        flash(gettext("It is being rung already, or over: it cannot be moved any more."), "warn")
        return redirect(url_for("admin.callback", id=id), 303)
    flash(gettext("%(number)s is first in line.", number=phone.mask(done.number)))
    return redirect(url_for("admin.line", key=done.queue), 303)


def _hindrance(reason: str) -> str:
    if reason == "quiet":
        return gettext("Where they are, nobody may be rung at this hour.")
    return gettext("The queue is closed now.")


def _values(key: str) -> dict[str, Any]:
    found, asked = recorded_queue(key), request.args
    show, said = finding.wanted(asked.get("show", "")), asked.get("q", "").strip()[:100]
    values: dict[str, Any] = {
        "queue": found,
        "seen": look.queue_now(house(), found),
        "show": show,
        "said": said,
        "kept": {name: value for name, value in asked.items() if name in ("show", "q", "from", "after")},
        "credits": found.policy.priority_credit_s,
    }
    if said:
        return values | _search(found, said)
    if show in (Show.SCHEDULED, Show.SERVED):
        return values | _recorded(found, show, asked.get("after"))
    return values | _line(found, show, max(asked.get("from", 0, type=int), 0))


def _line(queue: Queue, show: Show, offset: int) -> dict[str, Any]:
    """A page of the line, with those who are being served above the first of all."""
    key = QueueKey(queue.key)
    there = finding.places(house(), key, show, offset)
    first = show is Show.ALL and not offset
    with house().store.begin() as work:
        served = work.callbacks(queue=key, states=IN_FLIGHT, limit=PAGE).items if first else ()
        later = work.callbacks(queue=key, states={State.SCHEDULED}, limit=PAGE).items if first else ()
        described = partial(_row, work, queue, house().clock.now())
        rows = [described(one, there.gaps.get(one.entry)) for one in there.rows]
    return {
        "rows": rows,
        "offset": offset,
        "next": {"from": there.next} if there.next is not None else None,
        "served": [_flight(one) for one in served],
        "scheduled": [_flight(one) for one in later],
    }


def _recorded(queue: Queue, show: Show, cursor: str | None) -> dict[str, Any]:
    """Those of whom the line knows nothing, or who are on their way out of it."""
    states = {State.SCHEDULED} if show is Show.SCHEDULED else IN_FLIGHT
    with house().store.begin() as work:
        found = work.callbacks(queue=QueueKey(queue.key), states=states, cursor=cursor, limit=PAGE)
    rows = [_flight(one) for one in found.items]
    return {"recorded": rows, "offset": cursor, "next": {"after": found.next} if found.next else None}


def _search(queue: Queue, said: str) -> dict[str, Any]:
    found: Found = finding.search(house(), queue, said)
    if found.wait_s:
        return {"found": [], "wait_s": found.wait_s, "slow": in_a_while(found.wait_s), "offset": 0, "next": None}
    rows = sorted((_placed(house(), one) for one in found.callbacks), key=lambda row: row.position or 1 << 40)
    return {"found": rows, "partly": found.partly, "looked_at": finding.LOOKED_AT, "offset": 0, "next": None}


def _placed(here: House, found: Callback) -> Row:
    """Somebody whom a search found, with the place they have in the line if they stand in it."""
    there = here.line.standing(found.queue, EntryId(found.id))
    return _flight(found, there.position)


def _row(work: Work, queue: Queue, now: datetime, one: Waiting, gap_s: float | None) -> Row:
    waited_s = (now - one.joined_at).total_seconds()
    found = _promise(work, one)
    why = standing.reasons(one, found, queue.policy.priority_credit_s, gap_s)
    if found is None:
        number = "" if is_callback(one.entry) else _number(work, CallSid(one.entry))
        return Row(one.entry, one.position, one.live, one.place, number, "", waited_s, why)
    return Row(
        one.entry,
        one.position,
        one.live,
        one.place,
        phone.mask(found.number),
        found.name,
        waited_s,
        why,
        found.next_attempt_at,
        cancellable=_cancellable(found),
    )


def _readable(work: Work, id: CallbackId) -> Callback | None:
    """None where its record cannot be read. Raises NotFound."""
    try:
        return work.callback(id)
    except Unreadable:
        return None


def _promise(work: Work, one: Waiting) -> Callback | None:
    """None for a live call; also where the line is ahead of the record for a moment, or about to be mended."""
    if not is_callback(one.entry):
        return None
    try:
        return _readable(work, CallbackId(one.entry))
    except NotFound:
        return None


def _number(work: Work, call: CallSid) -> str:
    """Masked; "" where nobody knows it or can read it."""
    try:
        leg = work.leg(call)
    except Unreadable:
        return ""
    return phone.mask(leg.number) if leg is not None else ""


def _flight(found: Callback, position: int | None = None) -> Row:
    waited_s = (house().clock.now() - found.joined_at).total_seconds()
    return Row(
        found.id,
        position,
        found.leg is not None,
        str(found.state),
        phone.mask(found.number),
        found.name,
        waited_s,
        [word(found.source), *standing.rung(found)],
        found.requested_for or found.next_attempt_at,
        cancellable=_cancellable(found),
    )


def _cancellable(found: Callback) -> bool:
    return found.ended_at is None and found.state is not State.BRIDGED


def _region(queue: Queue) -> str | None:
    return phone.region_of(queue.numbers[0]) if queue.numbers else None


def _when(typed: str, queue: Queue) -> datetime | None:
    """A time of the queue's zone, as a browser sends it; None for as soon as possible. Raises InvalidInput."""
    if not typed.strip():
        return None
    languages.in_zone(languages.queue_zone(queue))
    try:
        at = datetime.fromisoformat(typed.strip()).replace(tzinfo=languages.zone())
    except ValueError:
        raise InvalidInput("when", "is a day and a time") from None
    if at <= house().clock.now():
        raise InvalidInput("when", "choose a time in the future")
    return at.astimezone(UTC)


def _note(text: str) -> dict[str, str] | None:
    return {"note": text.strip()[:500]} if text.strip() else None
