"""Signing in to the console and the desk: a password, a code where two-step sign-in is on, and failures that are
counted.

A browser that its owner has signed in with before has tries of its own (`browsers`), which nobody elsewhere can use up.
Where somebody at that browser has, it counts as any other: nobody is worse off for being known. All others are counted
by address, by account and address together, and by account from wherever they come: the first two keep whoever guesses
to their own tries, the last bounds what can be guessed at an account in a day from very many addresses. The more it
was, the longer is the wait. Who succeeds is not counted.

Codes are counted with passwords, so that a second step is no second set of tries. They are counted by password as well,
fifty a day from wherever they come: whoever knows somebody's password does not get a million tries at their code, and a
new password ends the count. So that they do not get the owner's tries either, the fifty are parted. Thirty are for
browsers of which nothing is known, ten of them at most from one address: one place cannot use them up for all others.
Twenty are kept for browsers that the owner has signed in with before, ten at most for each; nobody becomes such a
browser while the second step is on without having passed it. They are bounded together all the same, since before it
was on a password was enough. Whoever guesses from three places or more still keeps the owner out of a browser that is
new to us, until the next day or until they have a new password: to let in more tries there would be to give them to
whoever guesses.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import cast

import structlog
from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from callback.ports import User
from callback.web import browsers, sessions, two_step
from callback.web.armour import same_origin
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.credentials import password_matches
from callback.web.guards import Role, public
from callback.web.limits import EXTENSION, Limits, address, minutes, too_often

PER_ADDRESS = "30 per minute; 300 per hour"
PER_ACCOUNT_AND_ADDRESS = "5 per minute; 30 per hour; 60 per day"
PER_ACCOUNT = "40 per 10 minutes; 80 per hour; 240 per day"
PER_KNOWN_BROWSER = "10 per minute; 30 per hour; 100 per day"
CODES_BY_STRANGERS, CODES_BY_ONE_PLACE = "30 per day", "10 per day"
CODES_BY_KNOWN, CODES_BY_ONE_KNOWN = "20 per day", "10 per day"
"""At one password: of all browsers of that kind together, and of one address, or one such browser."""
Budget = tuple[str, ...]
"""Rules, and whom they count."""
Way = list[Budget]
"""A try takes of all of these."""
HOMES = {Role.AGENT: "agent.desk"}
"""Where somebody of that role is taken; everybody else to the console."""
_log = structlog.get_logger("callback.web")


class SignInForm(FlaskForm):
    """Who, and the proof."""

    email = EmailField(lazy_gettext("Email"), [InputRequired(), Length(max=254)])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(), Length(max=200)])


def install(app: Flask) -> None:
    """Sessions, the door, and the counting at it."""
    sessions.install(app)
    app.extensions["callback.sign_in"] = _show_the_door
    app.extensions["callback.set_up"] = _show_the_set_up
    door = Blueprint("sign_in", __name__)
    door.get("/sign-in")(get_sign_in)
    door.post("/sign-in", endpoint="post_sign_in")(_counted(post_sign_in, _tries_at_a_password))
    door.get("/sign-in/code")(get_code)
    door.post("/sign-in/code", endpoint="post_code")(_counted(post_code, _tries_at_a_code))
    door.post("/sign-out")(post_sign_out)
    app.register_blueprint(door)


@public("the door itself")
def get_sign_in() -> AnyResponse | str:
    """The form."""
    if current_user.is_authenticated:
        return redirect(_home(current_user.role))
    return _form(SignInForm(), "")


@public("the door itself; failures are counted")
def post_sign_in() -> AnyResponse:
    """In, with a fresh session, or to the second step; or the form again, with one sentence that tells nobody which
    half was wrong."""
    form = SignInForm()
    if not form.validate_on_submit():
        return Response(_form(form, gettext("Enter your email and your password.")), 422)
    email = form.email.data.strip().lower()
    with house().store.look() as work:
        user = work.user(email)
    if not password_matches(user.password_hash if user else None, form.password.data) or user is None or user.disabled:
        _log.warning("sign_in.refused", address=request.remote_addr)
        return Response(_form(form, gettext("This email and password do not match an account.")), 422)
    return admit(user)


@public("the second step of the door; shown only to whom the first admitted")
def get_code() -> AnyResponse | str:
    """The form for a code."""
    return _code_form("") if sessions.half() else _back_to_the_door()


@public("the second step of the door; failures are counted")
def post_code() -> AnyResponse:
    """In, or the form again."""
    user = sessions.half_user()
    if user is None:
        return _back_to_the_door()
    if not two_step.admits(user.email, request.form.get("code", "")):
        _log.warning("sign_in.code_refused", address=request.remote_addr)
        return Response(_code_form(gettext("This code is not right, or was used already.")), 422)
    return _in(user)


@public("ends whatever session there is")
def post_sign_out() -> AnyResponse:
    """Out."""
    sessions.end()
    return redirect(url_for("sign_in.get_sign_in"), 303)


def admit(user: User) -> AnyResponse:
    """Somebody whose password was right: in, or to the second step where they have one."""
    with house().store.look() as work:
        two_steps = user.email in work.second_steps()
    if two_steps:
        sessions.begin_half(user)
        return redirect(url_for("sign_in.get_code", next=request.args.get("next")), 303)
    return _in(user)


def _in(user: User) -> AnyResponse:
    sessions.begin(user)
    browsers.remember(user)
    return redirect(_next(user.role), 303)


def _back_to_the_door() -> AnyResponse:
    return redirect(url_for("sign_in.get_sign_in", next=request.args.get("next")), 303)


def _show_the_door() -> AnyResponse:
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.get_sign_in")})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("sign_in.get_sign_in", next=wanted), 303)


def _show_the_set_up() -> AnyResponse:
    """For whoever must use two-step sign-in and has not set it up: nothing else is open."""
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": url_for("account.two_step")})
    return redirect(url_for("account.two_step"), 303)


def _form(form: SignInForm, complaint: str) -> str:
    return render_template("sign_in.html", form=form, complaint=complaint)


def _code_form(complaint: str) -> str:
    return render_template("sign_in_code.html", complaint=complaint, email=sessions.half())


def _next(role: str) -> str:
    wanted = request.args.get("next", "")
    return wanted if wanted and same_origin(wanted, options().public_base_url) else _home(role)


def _home(role: str) -> str:
    return url_for(HOMES.get(cast(Role, role), "admin.overview"))


# --- the counting -----------------------------------------------------------------------------------------------------


def _counted(view: Callable[[], AnyResponse], ways: Callable[[], list[Way]]) -> Callable[[], AnyResponse]:
    """A try takes of each budget before it is judged, in the first way that is open, and gives back where it was right,
    or was not judged at all."""

    @wraps(view)
    def tried() -> AnyResponse:
        limits: Limits = current_app.extensions[EXTENSION]
        taken: list[Budget] = []
        failed = False
        try:
            waits_s = _take(limits, ways(), taken)
            if waits_s:
                return _too_many(min(waits_s))
            answer = view()
            failed = answer.status_code >= 400
            return answer
        finally:
            for budget in [] if failed else taken:
                limits.give_back(*budget)

    return tried


def _take(limits: Limits, ways: list[Way], taken: list[Budget]) -> list[float]:
    """Of the budgets of one way, added to `taken`. What it gives: nothing; or how long each way stays closed."""
    waits_s: list[float] = []
    for way in ways:
        for budget in way:
            wait_s = limits.take(*budget)
            if wait_s:
                break
            taken.append(budget)
        else:
            return []
        waits_s.append(wait_s)
        while taken:
            limits.give_back(*taken.pop())
    return waits_s


def _tries_at_a_password() -> list[Way]:
    email = request.form.get("email", "").strip().lower()
    browser = browsers.known_to(email)
    as_anybody: Way = [*_here(email), (PER_ACCOUNT, "account", _who(email))]
    return [_known(email, browser), as_anybody] if browser else [as_anybody]


def _tries_at_a_code() -> list[Way]:
    email, password = sessions.half(), sessions.half_of() or "nobody"
    browser = browsers.known_to(email)
    as_known: Way = [
        *_known(email, browser),
        (CODES_BY_ONE_KNOWN, "password", password, "browser", browser),
        (CODES_BY_KNOWN, "password", password, "known"),
    ]
    as_anybody: Way = [
        *_here(email),
        (CODES_BY_ONE_PLACE, "password", password, "address", address()),
        (CODES_BY_STRANGERS, "password", password, "strangers"),
    ]
    return [as_known, as_anybody] if browser else [as_anybody]


def _known(email: str, browser: str) -> Way:
    return [(PER_KNOWN_BROWSER, "browser", browser, _who(email))]


def _here(email: str) -> Way:
    return [(PER_ADDRESS, "address", address()), (PER_ACCOUNT_AND_ADDRESS, "account", _who(email), address())]


def _who(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()


def _too_many(wait_s: float) -> Response:
    complaint = too_often(wait_s)
    at_the_code = request.endpoint == "sign_in.post_code"
    shown = _code_form(complaint) if at_the_code else _form(SignInForm(), complaint)
    return Response(shown, 429, headers={"Retry-After": str(minutes(wait_s) * 60)})
