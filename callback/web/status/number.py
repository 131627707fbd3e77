"""Another number: typed, proved by the codes that were texted, and rung from then on."""

from datetime import timedelta
from http import HTTPStatus

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.proof import Verdict
from callback.domain.wishes import Wish
from callback.flows import renumber
from callback.flows.renumber import No, Open, Unchanged
from callback.web.catalogue import gettext, ngettext
from callback.web.context import house
from callback.web.guards import public
from callback.web.limits import address
from callback.web.status.found import LINK, Found, act, find, nobody, spend, too_often
from callback.web.status.wishes import CAUSE

CODES_PER_ADDRESS = "10 per hour; 30 per day"
CODES_IN_ALL = "300 per hour"
"""Of the whole installation: whatever goes wrong, it costs no more than this."""


@public(LINK)
def ask_number(token: str) -> Response:
    """Which?"""
    found = find(token)
    return nobody() if found is None else found.page("status_number.html", complaint="", typed="")


@public(LINK)
def post_number(token: str) -> AnyResponse:
    """This one: codes are sent."""
    return act(token, "number", "status.ask_number", _number)


@public(LINK)
def ask_code(token: str) -> AnyResponse:
    """The codes, please."""
    found = find(token)
    if found is None:
        return nobody()
    change = renumber.find(house(), found.callback) if Wish.NUMBER in found.wishes else None
    return _code_form(found, change) if change else found.to("status.ask_number")


@public(LINK)
def post_code(token: str) -> AnyResponse:
    """Here they are."""
    return act(token, "code", "status.ask_code", _code)


@public(LINK)
def post_again(token: str) -> AnyResponse:
    """They did not come: once more."""
    return act(token, "code-again", "status.ask_code", _again)


def _number(found: Found) -> AnyResponse:
    typed = request.form.get("number", "").strip()[:40]
    try:
        number = renumber.read(house(), found.callback, typed)
        renumber.refuse(house(), found.callback, number)  # what is never sent is not counted
        if wait_s := _wait_to_text():
            return too_often(found, wait_s)
        renumber.begin(house(), found.callback, number)
    except Unchanged as no:
        if no.why is No.TOO_SOON:
            return found.to("status.ask_code")
        complaint = _said(no.why)
        return found.page("status_number.html", HTTPStatus.UNPROCESSABLE_ENTITY, complaint=complaint, typed=typed)
    return found.to("status.ask_code")


def _again(found: Found) -> AnyResponse:
    try:
        renumber.refuse(house(), found.callback, None)
        if wait_s := _wait_to_text():
            return too_often(found, wait_s)
        renumber.again(house(), found.callback)
    except Unchanged as no:
        change = renumber.find(house(), found.callback)
        if change is None:
            return found.to("status.ask_number")
        complaint = _wait(no.wait) if no.why is No.TOO_SOON else _said(no.why)
        return _code_form(found, change, complaint)
    return found.to("status.ask_code")


def _code(found: Found) -> AnyResponse:
    new, old = (request.form.get(name, "")[:20] for name in ("new", "old"))
    try:
        verdict, _ = renumber.prove(house(), found.callback, new, old, cause=CAUSE)
    except Unchanged as no:
        if no.why is No.NO_CHANGE:
            return found.to("status.ask_number")
        complaint = _said(no.why)
        return found.page("status_number.html", HTTPStatus.UNPROCESSABLE_ENTITY, complaint=complaint, typed="")
    if verdict is Verdict.RIGHT:
        return found.to("status.show", did="number")
    change = renumber.find(house(), found.callback)
    return _code_form(found, change, _judged(verdict, change)) if change else found.to("status.ask_number")


def _wait_to_text() -> float:
    """Two limits beside those of the callback and of the number: 0 where both allow one more."""
    return spend("codes", CODES_PER_ADDRESS, address()) or spend("codes", CODES_IN_ALL, "everybody")


def _code_form(found: Found, change: Open, complaint: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if complaint else HTTPStatus.OK
    return found.page("status_code.html", status, open=change, complaint=complaint)


def _judged(verdict: Verdict, change: Open | None) -> str:
    if verdict is Verdict.EXPIRED:
        return gettext("These codes are too old. Have new ones sent.")
    left = change.change.tries_left if change else 0
    if verdict is Verdict.SPENT or not left:
        return gettext("Too many wrong codes. Have new ones sent.")
    return ngettext(
        "That is not right. You have %(num)d try left.", "That is not right. You have %(num)d tries left.", left
    )


def _wait(wait: timedelta) -> str:
    seconds = max(round(wait.total_seconds()), 1)
    return ngettext(
        "A code is on its way. You can have another in %(num)d second.",
        "A code is on its way. You can have another in %(num)d seconds.",
        seconds,
    )


def _said(why: No) -> str:
    words = {
        No.INVALID: gettext("That is not a telephone number we know. Check the digits, and the country code."),
        No.REFUSED: gettext("We cannot ring that number. Please give another."),
        No.NO_TEXTS: gettext("That number cannot get texts, so that no code reaches it. Please give a mobile number."),
        No.SAME: gettext("That is the number we ring already."),
        No.TOO_MANY: gettext("No more codes can be sent for this. Please call us if you need another number."),
        No.NOT_NOW: gettext("We cannot send texts at the moment. Please try again later, or call us."),
        No.TAKEN: gettext("That number is waiting for a callback of its own already."),
    }
    return words.get(why, gettext("Nothing was changed."))
