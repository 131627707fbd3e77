"""A browser that somebody has signed in with before: it has tries of its own at their account.

Without that, whoever sits at the same address, or sends from very many, could use up all tries and so shut the owner
out. A signed cookie says whose password was right here, and which password that was: with a new one, whoever knew the
old has no more tries than anybody. It opens nothing by itself, and it is kept when somebody signs out.
"""

import secrets

from flask import Response, after_this_request, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from callback.domain.ids import token_hash
from callback.ports import User
from callback.web.context import house, options
from callback.web.sessions import mark

LIFE_S = 180 * 24 * 60 * 60
MOST = 20
"""So many people may share a browser, as at a desk that is worked at in shifts."""


def known_to(email: str) -> str:
    """The name of this browser, where this user has signed in with it; "" where not."""
    name, of = _kept()
    if not of:
        return ""
    with house().store.look() as work:
        user = work.user(email)
    return name if user is not None and _whose(user) in of else ""


def remember(user: User) -> None:
    """They are in: the answer at hand says so to the browser."""
    name, of = _kept()
    kept = [name or secrets.token_urlsafe(12), [*(one for one in of if one != _whose(user)), _whose(user)][-MOST:]]

    @after_this_request
    def tell(answer: Response) -> Response:
        answer.set_cookie(
            _cookie(), _signer().dumps(kept), max_age=LIFE_S, secure=options().https, httponly=True, samesite="Lax"
        )
        return answer


def _kept() -> tuple[str, list[str]]:
    try:
        name, of = _signer().loads(request.cookies.get(_cookie(), ""), max_age=LIFE_S)
    except (BadSignature, TypeError, ValueError):
        return "", []
    return str(name), [str(one) for one in of]


def _whose(user: User) -> str:
    return token_hash(f"{user.email}\n{mark(user)}")[:22]


def _cookie() -> str:
    return "__Host-callback-known" if options().https else "callback-known"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(options().secret_key, salt="a browser that is known")
