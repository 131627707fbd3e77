"""Cancel, another time, now, or never: each a page that says what will happen, and a button that does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus
from itertools import groupby

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import offer, spoken, wishes
from callback.domain.errors import AlreadyBridged, InvalidInput, NotAccepting
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import State
from callback.domain.wishes import Hindrance, Wish
from callback.flows import cancel as changes
from callback.flows import outlook
from callback.flows import wishes as flow
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import public
from callback.web.status.found import LINK, Found, act, find, nobody

CAUSE = "status page"


@dataclass(frozen=True)
class Day:
    """The times of a day to choose from."""

    name: str
    times: tuple[datetime, ...]


# --- cancel -----------------------------------------------------------------------------------------------------


@public(LINK)
def ask_cancel(token: str) -> Response:
    """Are you sure?"""
    found = find(token)
    return nobody() if found is None else found.page("status_cancel.html")


@public(LINK)
def post_cancel(token: str) -> AnyResponse:
    """Yes."""
    return act(token, "cancel", "status.ask_cancel", _cancel)


def _cancel(found: Found) -> AnyResponse:
    if found.callback.state is State.CANCELLED:
        return found.to("status.show")
    try:
        changes.cancel(house(), found.callback.id, reason="cancelled on the caller's page", cause=CAUSE)
    except AlreadyBridged:
        return found.to("status.show", did="too_late")
    return found.to("status.show")


# --- another time -----------------------------------------------------------------------------------------------


@public(LINK)
def ask_later(token: str) -> Response:
    """When?"""
    found = find(token)
    return nobody() if found is None else _later_form(found)


@public(LINK)
def post_later(token: str) -> AnyResponse:
    """Then."""
    return act(token, "later", "status.ask_later", _later)


def _later(found: Found) -> AnyResponse:
    at = _moment(request.form.get("at", ""))
    if at is None:
        return _later_form(found, gettext("Please choose a time."))
    try:
        flow.later(house(), found.callback, at, cause=CAUSE)
    except (InvalidInput, NotAccepting) as no:
        full = isinstance(no, NotAccepting) and no.reason == offer.Reason.FULL
        taken = gettext("Somebody has just taken that time. These are the times with room now.")
        return _later_form(found, taken if full else gettext("That time cannot be had. Please choose another."))
    return found.to("status.show", did="later")


def _moment(written: str) -> datetime | None:
    """What one of our own forms wrote, in UTC; None for anything else."""
    try:
        at = datetime.fromisoformat(written)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _later_form(found: Found, complaint: str = "") -> Response:
    movable = Wish.LATER in found.wishes
    times = flow.times(house(), found.callback, languages.zone()) if movable else ()
    status = HTTPStatus.UNPROCESSABLE_ENTITY if complaint else HTTPStatus.OK
    return found.page("status_later.html", status, days=_days(times, found.now), complaint=complaint)


def _days(times: Iterable[datetime], now: datetime) -> list[Day]:
    def local(at: datetime) -> date:
        return at.astimezone(languages.zone()).date()

    return [Day(languages.day(day, now), tuple(found)) for day, found in groupby(times, local)]


# --- now --------------------------------------------------------------------------------------------------------


@public(LINK)
def ask_ready(token: str) -> Response:
    """What it means to be ready before the time."""
    found = find(token)
    return nobody() if found is None else _ready_page(found)


@public(LINK)
def post_ready(token: str) -> AnyResponse:
    """Ring me."""
    return act(token, "ready", "status.ask_ready", _ready)


def _ready(found: Found) -> AnyResponse:
    try:
        flow.ready(house(), found.callback, cause=CAUSE)
    except flow.Hindered as no:
        return _ready_page(found, Hindrance(no.reason), HTTPStatus.CONFLICT)
    return found.to("status.show", did="ready")


def _ready_page(found: Found, hindrance: Hindrance | None = None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """What would happen: at once in their place, or at the end of the line, with the wait from there."""
    callback, queue = found.callback, found.queue
    joins = window = None
    if Wish.NOW in found.wishes:
        standing = house().line.standing(QueueKey(queue.key), None)
        hindrance = hindrance or flow.hindered(house(), queue, callback, standing, found.now)
        if not callback.attempts_made:
            joins = standing.position if standing.whole else None
            window = spoken.promise_window(outlook.wait_at(house(), queue, standing, found.now), found.now)
    elif Wish.AGAIN in found.wishes:
        hindrance = hindrance or wishes.hindrance(callback, queue.policy, found.now)
    said = languages.window(*window, found.now) if window else ""
    return found.page("status_ready.html", status, joins=joins, window=said, why=_why(hindrance))


def _why(hindrance: Hindrance | None) -> str:
    words = {
        Hindrance.CLOSED: gettext("We are closed now. We ring you at the time you asked for."),
        Hindrance.CLOSING: gettext("We could not reach you any more before we close. Your time stands."),
        Hindrance.QUIET: gettext("At this hour we ring nobody where you are. We ring you as planned."),
    }
    return words[hindrance] if hindrance is not None else ""


# --- never again ------------------------------------------------------------------------------------------------


@public(LINK)
def ask_disown(token: str) -> Response:
    """Are you sure that this was not you?"""
    found = find(token)
    return nobody() if found is None else found.page("status_disown.html")


@public(LINK)
def post_disown(token: str) -> AnyResponse:
    """Yes: leave me alone."""
    return act(token, "not-me", "status.ask_disown", _disown)


def _disown(found: Found) -> AnyResponse:
    if not wishes.disownable(found.callback):
        return found.to("status.show")
    try:
        flow.disown(house(), found.callback, cause=CAUSE)
    except AlreadyBridged:
        return found.to("status.show", did="too_late")
    return found.to("status.show", did="not_me")
