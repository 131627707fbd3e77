"""The caller's page, `/c/TOKEN`: where they stand, kept up to date by itself, and the one button that matters.

The link is the key: whoever has it sees a place and a masked number, and may cancel. It is never logged, never stored
in clear, never cached, never sent on as a referrer, and stops working a day after the callback ended. GET changes
nothing, because message previews fetch links. Everything works without a script; with one, the page refreshes in place.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import phone
from callback.domain.callback import Callback
from callback.domain.errors import AlreadyBridged, Unreadable
from callback.domain.policy import Queue
from callback.flows import cancel as changes
from callback.flows import look
from callback.web import languages, told
from callback.web.context import house, options
from callback.web.guards import public

REFRESH_S = 15
READABLE_AFTER_END = timedelta(days=1)
FORM_LIFE_S = 24 * 60 * 60
LINK = "the link itself is the key: 144 random bits, kept as a hash"


def blueprint() -> Blueprint:
    """`/c/TOKEN` and what belongs to it."""
    page = Blueprint("status", __name__, url_prefix="/c")
    page.get("/<token>")(show)
    page.get("/<token>/now")(fragment)
    page.get("/<token>/cancel")(ask_cancel)
    page.post("/<token>/cancel")(post_cancel)
    return page


@dataclass(frozen=True)
class Found:
    """A link that leads somewhere: the callback, its queue, and what to say."""

    token: str
    callback: Callback
    queue: Queue
    told: told.Told
    now: datetime
    etag: str

    def values(self) -> Mapping[str, Any]:
        """What the template needs."""
        own = house().knobs.caller_id or next(iter(self.queue.numbers), "")
        return {
            "token": self.token,
            "callback": self.callback,
            "queue": self.queue,
            "told": self.told,
            "now": self.now,
            "etag": self.etag,
            "own": own,
            "steps": told.steps(),
            "refresh_s": REFRESH_S,
            "zone": str(languages.zone()),
        }


@public(LINK)
def show(token: str) -> Response:
    """The whole page."""
    found = _find(token)
    return _nobody() if found is None else Response(render_template("status.html", **found.values()))


@public(LINK)
def fragment(token: str) -> AnyResponse:
    """The part that changes; 304 while it has not."""
    found = _find(token)
    if found is None:
        return _nobody()
    answer = Response(render_template("status_now.html", **found.values(), partial=True))
    answer.set_etag(found.etag)
    answer.headers["Updated"] = languages.clock(found.now, seconds=True)
    return answer.make_conditional(request)


@public(LINK)
def ask_cancel(token: str) -> Response:
    """Are you sure?"""
    found = _find(token)
    if found is None:
        return _nobody()
    return Response(render_template("status_cancel.html", **found.values(), proof=_proofs().dumps(_mark(token))))


@public(LINK)
def post_cancel(token: str) -> AnyResponse:
    """Yes. Only with the proof that our own form carried."""
    found = _find(token)
    if found is None:
        return _nobody()
    if not _proved(token, request.form.get("proof", "")):
        return redirect(url_for("status.ask_cancel", token=token, lang=_asked()), HTTPStatus.SEE_OTHER)
    with suppress(AlreadyBridged):  # too late: the page shows what is the case instead
        changes.cancel(house(), found.callback.id, reason="cancelled on the caller's page", cause="status page")
    return redirect(url_for("status.show", token=token, lang=_asked()), HTTPStatus.SEE_OTHER)


def _find(token: str) -> Found | None:
    """The callback of a link. None where there is none, or it ended too long ago: both look the same from outside."""
    try:
        with house().store.begin() as work:
            callback = work.callback_by_token(token)
    except Unreadable:
        abort(_in_trouble())
    now = house().clock.now()
    if callback is None or (callback.ended_at is not None and now - callback.ended_at > READABLE_AFTER_END):
        return None
    queue = house().book.queue(callback.queue)
    languages.speak(callback.language)
    languages.in_zone(phone.zone_of(callback.number) or languages.queue_zone(queue))
    seen = look.callback_now(house(), callback)
    words = told.tell(seen, now)
    return Found(token, seen.callback, queue, words, now, _etag(words))


def _etag(words: told.Told) -> str:
    shown = (words, languages.language())
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:20]


def _nobody() -> Response:
    return Response(render_template("status_unknown.html"), HTTPStatus.NOT_FOUND)


def _in_trouble() -> Response:
    """Their callback is there and cannot be read: nothing more can be said of it, and nothing changed."""
    return Response(render_template("status_trouble.html", told=told.trouble()), HTTPStatus.OK)


def _asked() -> str | None:
    asked = request.args.get("lang")
    return asked if asked in languages.LANGUAGES else None


def _proofs() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(options().secret_key, salt="status page cancel")


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _proved(token: str, proof: str) -> bool:
    try:
        return bool(_proofs().loads(proof, max_age=FORM_LIFE_S) == _mark(token))
    except BadSignature:
        return False
