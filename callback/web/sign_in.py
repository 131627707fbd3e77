"""Signing in to the console and the desk: passwords, sessions and their limits, and failures that are counted.

Failures are counted by account and address together, and by address alone: somebody who guesses at another's account
from elsewhere uses up their own attempts, never the victim's. Who succeeds is not counted.
"""

import hashlib
from contextlib import suppress
from math import inf
from time import monotonic
from typing import cast

import structlog
from flask import Blueprint, Flask, Response, redirect, render_template, request, session, url_for
from flask_babel import lazy_gettext
from flask_limiter import Limiter
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response as AnyResponse
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from callback.ports import User
from callback.web.armour import same_origin
from callback.web.catalogue import gettext
from callback.web.context import house, options
from callback.web.credentials import password_matches
from callback.web.guards import Role, public
from callback.web.limits import address
from callback.web.options import WebOptions

PER_ACCOUNT_AND_ADDRESS = "5 per minute; 30 per hour"
PER_ADDRESS = "30 per minute; 300 per hour"
HOMES = {Role.AGENT: "agent.desk"}
"""Where somebody of that role is taken; everybody else to the console."""
PREFERENCES = ("language", "theme")
_log = structlog.get_logger("callback.web")


class SignedIn(UserMixin):
    """Somebody with a session."""

    def __init__(self, user: User) -> None:
        self.role = user.role
        self.agent = user.agent
        self.email = user.email
        self._id = f"{user.email}\n{hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]}"

    def get_id(self) -> str:
        """The account and a mark of its password: a new password ends every session of the old one."""
        return self._id

    @property
    def standing(self) -> str:
        """What they may, as one word that differs when that does."""
        return f"{self.role} {self.agent or ''}"


class SignInForm(FlaskForm):
    """Who, and the proof."""

    email = EmailField(lazy_gettext("Email"), [InputRequired(), Length(max=254)])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(), Length(max=200)])


def install(app: Flask, options: WebOptions) -> None:
    """Sessions, the door, and the counting at it."""
    login = LoginManager()
    login.init_app(app, add_context_processor=False)  # it would ask the record before every page, an error's too
    app.jinja_env.globals["current_user"] = current_user
    login.session_protection = None  # addresses change while people walk about; the limits below stand instead
    login.user_loader(_load)
    app.extensions["callback.sign_in"] = _show_the_door
    app.extensions["callback.still_in"] = StillIn()
    app.before_request(_end_old_sessions)
    app.config.update(
        RATELIMIT_STORAGE_URI=options.limits_url,
        RATELIMIT_STORAGE_OPTIONS=dict(options.limits_options),
        RATELIMIT_STRATEGY="moving-window",
    )
    limiter = Limiter(address, app=app, in_memory_fallback_enabled=True, key_prefix="sign-in")
    by_address = limiter.shared_limit(PER_ADDRESS, "address", deduct_when=_failed)
    by_account = limiter.shared_limit(PER_ACCOUNT_AND_ADDRESS, "account", key_func=_who_from_where, deduct_when=_failed)
    door = Blueprint("sign_in", __name__)
    door.get("/sign-in")(get_sign_in)
    door.post("/sign-in", endpoint="post_sign_in")(by_address(by_account(post_sign_in)))
    door.post("/sign-out")(post_sign_out)
    app.register_blueprint(door)
    app.register_error_handler(TooManyRequests, _too_many)


@public("the door itself")
def get_sign_in() -> AnyResponse | str:
    """The form."""
    if current_user.is_authenticated:
        return redirect(_home(current_user.role))
    return _form(SignInForm(), "")


@public("the door itself; failures are counted")
def post_sign_in() -> AnyResponse:
    """In, with a fresh session; or the form again, with one sentence that tells nobody which half was wrong."""
    form = SignInForm()
    if not form.validate_on_submit():
        return Response(_form(form, gettext("Enter your email and your password.")), 422)
    email = form.email.data.strip().lower()
    with house().store.begin() as work:
        user = work.user(email)
    if not password_matches(user.password_hash if user else None, form.password.data) or user is None or user.disabled:
        _log.warning("sign_in.refused", address=request.remote_addr)
        return Response(_form(form, gettext("This email and password do not match an account.")), 422)
    _begin_session(user)
    return redirect(_next(user.role), 303)


@public("ends whatever session there is")
def post_sign_out() -> AnyResponse:
    """Out."""
    logout_user()
    session.clear()
    return redirect(url_for("sign_in.get_sign_in"), 303)


def _begin_session(user: User) -> None:
    kept = {name: session[name] for name in PREFERENCES if name in session}
    session.clear()  # nothing else that was in the browser before survives: no fixed session, no old CSRF token
    session.update(kept)
    now = house().clock.now().timestamp()
    session["began"] = session["seen"] = now
    session.permanent = True
    login_user(SignedIn(user))
    _log.info("sign_in.done", role=user.role)


def _load(id: str) -> SignedIn | None:
    email, _, _mark = id.partition("\n")
    with house().store.begin() as work:
        user = work.user(email)
    found = SignedIn(user) if user is not None and not user.disabled else None
    return found if found is not None and found.get_id() == id else None


class StillIn:
    """Whether the account of the session at hand is still one, and may what it might, for pages that stay open: each
    account is looked up once in a while, for all its pages together."""

    def __init__(self, every_s: float = 15.0) -> None:
        self._every_s = every_s
        self._known: dict[str, tuple[float, str]] = {}

    def __call__(self, standing: str) -> bool:
        """As known, or looked up now. While the record is away nobody is turned out."""
        who, now = str(session.get("_user_id", "")), monotonic()
        at, there = self._known.get(who, (-inf, standing))
        if now - at >= self._every_s:
            if len(self._known) > 1000:
                self._known.clear()
            with suppress(ConnectionError):
                found = _load(who)
                there = found.standing if found is not None else ""
            self._known[who] = (now, there)
        return there == standing


def _end_old_sessions() -> None:
    """Twelve hours at most, and half an hour without a request. A wallboard and a desk are open all day: they refresh
    themselves and so stay; the console's own refreshing does not count as somebody being there."""
    if "began" not in session or request.path.startswith(("/static/", "/voice/", "/api/")):
        return
    now, limits = house().clock.now().timestamp(), options()
    if now - session["began"] > limits.session_s or now - session["seen"] > limits.idle_s:
        session.clear()
        return
    by_itself = "HX-Request" in request.headers or "text/event-stream" in request.headers.get("Accept", "")
    console_refresh = by_itself and request.path.startswith("/admin")
    if not console_refresh and now - session["seen"] > 30:
        session["seen"] = now


def _show_the_door() -> AnyResponse:
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": url_for("sign_in.get_sign_in")})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("sign_in.get_sign_in", next=wanted), 303)


def _form(form: SignInForm, complaint: str) -> str:
    return render_template("sign_in.html", form=form, complaint=complaint)


def _next(role: str) -> str:
    wanted = request.args.get("next", "")
    return wanted if wanted and same_origin(wanted, options().public_base_url) else _home(role)


def _home(role: str) -> str:
    return url_for(HOMES.get(cast(Role, role), "admin.overview"))


def _failed(response: Response) -> bool:
    return response.status_code >= 400


def _who_from_where() -> str:
    email = request.form.get("email", "").strip().lower()
    return hashlib.sha256(f"{email}\n{address()}".encode()).hexdigest()


def _too_many(_error: TooManyRequests) -> Response:
    complaint = gettext("Too many attempts from here. Wait a minute, then try again.")
    return Response(_form(SignInForm(), complaint), 429, headers={"Retry-After": "60"})
