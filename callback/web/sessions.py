"""Sessions of people: a row in the record for each browser, a signed cookie that names it, and the limits of both.

The row is what counts: whoever signs out, is shut out or gets a new password is out in every place at once, and a
cookie that somebody copied before is worth nothing.
"""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta
from math import inf
from time import monotonic

import structlog
from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from callback.domain.access import ADMIN, must_use_two_step
from callback.domain.ids import token_hash
from callback.ports import Session, User
from callback.web.context import house, options

PREFERENCES = ("language", "theme")
OF_ITSELF = ("/admin", "/condition")
"""What pages of the console ask for without anybody there. Desks and wallboards have the banner too, and refreshing of
their own besides."""
HALF = "half"
HALF_S = 600
"""How long somebody may take between their password and their code."""
_log = structlog.get_logger("callback.web")


class SignedIn(UserMixin):
    """Somebody with a session. `session_hash` names it in the record."""

    def __init__(self, known: Session, key: str) -> None:
        user = known.user
        self.role, self.agent, self.email = user.role, user.agent, user.email
        self.two_step, self.must = known.two_step, known.must
        self.session_hash = token_hash(key)
        self._id = f"{user.email}\n{mark(user)}\n{key}"

    def get_id(self) -> str:
        """The account, a mark of its password, and the session: a new password ends every session of the old one."""
        return self._id

    @property
    def must_set_up(self) -> bool:
        """Whether they have to set up two-step sign-in before anything else."""
        return must_use_two_step(self.must, self.role) and not self.two_step

    @property
    def should_set_up(self) -> bool:
        """Whether they are asked to: an administrator's password alone opens too much. Not in a demonstration."""
        return self.role == ADMIN and not self.two_step and not options().simulated

    @property
    def standing(self) -> str:
        """What they may, as one word that differs when that does."""
        return f"{self.role} {self.agent or ''} {'must set up' if self.must_set_up else ''}".rstrip()


def install(app: Flask) -> None:
    """Whoever's session stands is known in every request."""
    login = LoginManager()
    login.init_app(app, add_context_processor=False)  # it would ask the record before every page, an error's too
    app.jinja_env.globals["current_user"] = current_user
    login.session_protection = None  # addresses change while people walk about; the limits below stand instead
    login.user_loader(load)
    app.extensions["callback.still_in"] = StillIn()
    app.before_request(_end_old_sessions)


def begin(user: User) -> None:
    """A new session, with a new row and nothing of what was in the browser before but preferences: no fixed session, no
    old CSRF token."""
    _anew()
    now, key = house().clock.now(), secrets.token_urlsafe(32)
    with house().store.begin() as work:
        work.open_session(token_hash(key), user.email, now)
        known = work.session(token_hash(key))
        work.forget_sessions(now - timedelta(seconds=options().session_s))  # last: others lock the account first, too
    if known is None or mark(known.user) != mark(user) or known.user.disabled:
        return  # changed this moment: they are not in, and the next page shows them the door
    session["began"] = session["seen"] = now.timestamp()
    session.permanent = True
    login_user(SignedIn(known, key))
    _log.info("sign_in.done", role=user.role)


def end() -> None:
    """Out, in the record as well."""
    if current_user.is_authenticated:
        with house().store.begin() as work:
            work.end_session(current_user.session_hash)
    logout_user()
    session.clear()


def begin_half(user: User) -> None:
    """Their password was right, and a code is still missing."""
    _anew()
    session[HALF] = {"email": user.email, "mark": mark(user), "at": house().clock.now().timestamp()}


def half() -> str:
    """Whose password was right in this browser lately; "" for nobody's."""
    found = session.get(HALF) or {}
    fresh = house().clock.now().timestamp() - found.get("at", -inf) <= HALF_S
    return str(found["email"]) if fresh else ""


def half_of() -> str:
    """Which password of whose it was, without telling either; "" for nobody's."""
    return token_hash(f"{half()}\n{session[HALF]['mark']}") if half() else ""


def half_user() -> User | None:
    """The same as the record has them, as long as that password is still theirs and they are not shut out."""
    email = half()
    if not email:
        return None
    with house().store.look() as work:
        user = work.user(email)
    good = user is not None and not user.disabled and mark(user) == session[HALF]["mark"]
    return user if good else None


def mark(user: User) -> str:
    """Of a password, which differs when it was changed."""
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:16]


def load(id: str) -> SignedIn | None:
    """Whoever this session is of, as long as it stands."""
    key = id.rpartition("\n")[2]
    with house().store.look() as work:
        known = work.session(token_hash(key))
    found = SignedIn(known, key) if known is not None and not known.user.disabled else None
    return found if found is not None and found.get_id() == id else None


class StillIn:
    """Whether the session at hand still stands, and may what it might, for pages that stay open: each is looked up once
    in a while, for all its pages together."""

    def __init__(self, every_s: float = 10.0) -> None:
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
                found = load(who)
                there = found.standing if found is not None else ""
            self._known[who] = (now, there)
        return there == standing


def _anew() -> None:
    kept = {name: session[name] for name in PREFERENCES if name in session}
    end()
    session.update(kept)


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
    console_refresh = by_itself and request.path.startswith(OF_ITSELF)
    if not console_refresh and now - session["seen"] > 30:
        session["seen"] = now
