"""How a screen on a wall stays signed in for weeks: a token of its own, exchanged once for a pass that opens nothing
but the wallboard.

`/wall?token=…` is opened once on the screen. The token leaves the address at once (a redirect), and what stays in the
browser is a signed pass for the paths below `/wall`, good for thirty days from its last use. It holds the token's hash,
which is looked up again all the time: a new token of the same name ends it. Only a viewer's token is taken, so that
nobody hangs an administrator's on a wall.
"""

import threading
from collections.abc import Callable
from functools import wraps
from time import monotonic
from typing import Any, TypeVar, cast

import structlog
from flask import current_app, g, redirect, request, url_for
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.ids import token_hash
from callback.web import tokens_used
from callback.web.context import house, options
from callback.web.guards import Forbidden, Guard, Role, signed_in

LIFE_S = 30 * 24 * 60 * 60
RENEWED_AFTER_S = 24 * 60 * 60
LOOKED_UP_EVERY_S = 15.0
PASSES = "callback.passes"
View = TypeVar("View", bound=Callable[..., Any])
_log = structlog.get_logger("callback.web")


def watching(view: View) -> View:
    """Guards a page of the wallboard: somebody signed in as a viewer at least, or a screen with a pass."""
    for_people = signed_in(Role.VIEWER)(view)

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if "token" in request.args:
            return _exchange(request.args["token"])
        if not current_user.is_authenticated and has_pass():
            return _renewed(view(*args, **kwargs))
        return for_people(*args, **kwargs)

    checked.guard = Guard("session", Role.VIEWER)  # type: ignore[attr-defined]
    return cast(View, checked)


def has_pass() -> bool:
    """Whether this browser holds a pass whose token still stands. Looked up once in a while for all its requests; while
    the record is away, as it was known last. Raises StoreUnavailable where it never was."""
    mark = _mark()
    return mark is not None and _passes().stands(mark)


def still_good() -> Callable[[], bool]:
    """Whether the pass of this request still stands, for whoever asks again and again: its signature is read once."""
    mark, passes = _mark(), _passes()
    return lambda: mark is not None and passes.stands(mark)


def _passes() -> "Passes":
    found: Passes = current_app.extensions.setdefault(PASSES, Passes())
    return found


class Passes:
    """What this process knows of tokens: by their hashes, since when and whether they stand."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}
        self._looking = threading.Lock()

    def stands(self, mark: str) -> bool:
        """As known lately, or looked up now: by one request, while the others wait for it or take what was known."""
        known = self._known.get(mark)
        if known is not None and (monotonic() - known[0] < LOOKED_UP_EVERY_S or self._looking.locked()):
            return known[1]
        with self._looking:
            again = self._known.get(mark)
            if again is None or again is known:
                self._look_up(mark, known)
        return self._known[mark][1]

    def _look_up(self, mark: str, known: tuple[float, bool] | None) -> None:
        try:
            token = house().store.ask(lambda work: work.token(mark))
        except ConnectionError:
            if known is None:
                raise
            self._known[mark] = (monotonic(), known[1])
            return
        self._known[mark] = (monotonic(), token is not None and token.role == Role.VIEWER)
        if token is not None:
            tokens_used.note_now(token)


def by_pass() -> bool:
    """Whether nobody is signed in here, and a pass shows the page."""
    return not current_user.is_authenticated


def _exchange(token: str) -> AnyResponse:
    """A pass for the token, and the same page without the token in its address."""
    kept = request.args.to_dict(flat=False)
    kept.pop("token")
    mark = token_hash(token.strip())
    found = house().store.ask(lambda work: work.token(mark))
    if found is None or found.role != Role.VIEWER:
        _log.warning("wall.refused", address=request.remote_addr)
        raise Forbidden("a screen needs the token of a viewer: `callback token add NAME --role viewer` prints one")
    _log.info("wall.admitted", name=found.name)
    answer = redirect(url_for("wall.wall", **kept), 303)  # type: ignore[arg-type]
    return _with_pass(answer, mark)


def _renewed(answer: Any) -> Any:
    if g.get("pass_age_s", 0) < RENEWED_AFTER_S:
        return answer
    return _with_pass(current_app.make_response(answer), cast(str, _mark()))


def _with_pass(answer: AnyResponse, mark: str) -> AnyResponse:
    answer.set_cookie(
        _name(),
        _signer().dumps([mark, round(house().clock.now().timestamp())]),
        max_age=LIFE_S,
        path="/wall",
        secure=options().https,
        httponly=True,
        samesite="Strict",
    )
    return answer


def _mark() -> str | None:
    """The hash of the token that the pass was given for; None without a good pass."""
    try:
        mark, made = _signer().loads(request.cookies.get(_name(), ""))
    except (BadSignature, TypeError, ValueError):
        return None
    g.pass_age_s = house().clock.now().timestamp() - made
    return str(mark) if g.pass_age_s <= LIFE_S else None


def _name() -> str:
    return "__Secure-callback-wall" if options().https else "callback-wall"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(options().secret_key, salt="a pass for the wallboard")
