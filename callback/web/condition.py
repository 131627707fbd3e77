"""The banner: what is wrong with the house as a whole, on every page of those who work in it, and whom it concerns.

It is fetched again every few seconds, by itself: a wallboard stays open all day. It needs neither the line nor the
record, so it tells of their absence too.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, current_app, request, session

from callback.domain.condition import Condition, Part
from callback.flows.condition import Crier
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house
from callback.web.guards import public

REFRESH_S = 5
_CRIER = "callback.crier"


@dataclass(frozen=True)
class Told:
    """A condition in the reader's language."""

    title: str
    meaning: str
    remedy: str
    severity: str
    since: str
    detail: str


def install(app: Flask) -> None:
    """What every page may ask for: `conditions()`."""
    app.extensions[_CRIER] = Crier()
    app.jinja_env.globals.update(conditions=conditions, banner_refresh_s=REFRESH_S)


def blueprint() -> Blueprint:
    """`/condition`."""
    here = Blueprint("condition", __name__)
    here.get("/condition")(banner)
    return here


@public("names nobody; only to a browser with a signed session, which is all that can be told without the record")
def banner() -> Response:
    """The banner, or nothing."""
    if "_user_id" not in session:
        return Response(status=204)
    languages.in_zone(request.args.get("zone"))
    return Response(current_app.jinja_env.get_template("banner_now.html").render())


def look() -> list[Condition]:
    """What is out of order now; what is new goes into the log."""
    crier: Crier = current_app.extensions[_CRIER]
    return crier.cry(house())


def conditions() -> list[Told]:
    """What is out of order, in the reader's language."""
    return [_told(one) for one in look()]


def _moment(since: datetime, now: datetime) -> str:
    """With the zone where that is nobody's own."""
    return languages.moment(since, now) + (" UTC" if languages.zone() is UTC else "")


def _told(one: Condition) -> Told:
    words, now = one.words, house().clock.now()
    since = "" if one.since is None else gettext("since %(time)s", time=_moment(one.since, now))
    return Told(gettext(words.title), gettext(words.meaning), gettext(words.remedy), one.severity, since, _detail(one))


def _detail(one: Condition) -> str:
    """As it is shown, with the one word in it that languages differ in."""
    word, _, code = shown_detail(one).partition(" ")
    return gettext("error %(code)s", code=code) if word == "error" else shown_detail(one)


def shown_detail(one: Condition) -> str:
    """The detail, unless it is what a client said: that may name hosts and accounts, and is for the log."""
    return "" if one.part in (Part.LINE, Part.RECORD) else one.detail
