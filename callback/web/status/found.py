"""A link that leads somewhere: the callback behind it, what its page says, and the proofs that its forms carry."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any

from flask import Response, abort, current_app, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as AnyResponse

from callback.domain import phone, wishes
from callback.domain.callback import Callback
from callback.domain.errors import Stale, Unreadable
from callback.domain.lifecycle import ENDS, State
from callback.domain.policy import Queue
from callback.domain.wishes import Wish
from callback.flows import look
from callback.flows.wishes import TooLate
from callback.web import languages, told
from callback.web.context import house, options
from callback.web.limits import EXTENSION, Limits, address, minutes

READABLE_AFTER_END = timedelta(days=1)
FORM_LIFE_S = 24 * 60 * 60
LINK = "the link itself is the key: 144 random bits, kept as a hash"
OFTEN_S, SELDOM_S = 15, 30
"""How often a page asks for news: near the turn, and far from it."""
FAR_PLACE = 10
FAR = timedelta(hours=1)
WHILE_HELD = {Wish.AGAIN, Wish.NOW, Wish.LATER, Wish.NUMBER}
"""What would be in vain while somebody has to look at the callback first."""
PER_LINK = "30 per minute; 120 per hour"
PER_ADDRESS = "60 per minute; 600 per hour"
"""An address may be shared by everybody on a mobile network."""
SOON = timedelta(minutes=2)
"""Up to here a time of day would say less than "in a moment"."""


@dataclass(frozen=True)
class Found:
    """The callback as it stands now, and what its page says."""

    token: str
    callback: Callback
    queue: Queue
    told: told.Told
    wishes: tuple[Wish, ...]
    now: datetime
    refresh_s: int
    seen: look.CallbackNow
    rated: int | None = None  # how they said it was

    @property
    def query(self) -> str:
        """What stood behind the address: it may name a language."""
        return request.query_string.decode("latin-1")

    @cached_property
    def asks(self) -> bool:
        """Whether the page asks how it was: we have talked, and the queue wants to know."""
        return self.callback.state is State.COMPLETED and self.queue.policy.ask_rating

    @cached_property
    def rings_from(self) -> str:
        """The number that they see when we ring; "" where we have none."""
        return house().knobs.caller_id or next(iter(self.queue.numbers), "")

    @cached_property
    def ring_us(self) -> str:
        """The number to ring us at."""
        return next(iter(self.queue.numbers), "") or self.rings_from

    @cached_property
    def etag(self) -> str:
        """Of everything that the part which changes shows."""
        shown = (
            self.told, self.wishes, languages.language(), self.callback.number, self.rings_from, self.ring_us,
            self.queue.name, self.now.astimezone(languages.zone()).date(), self.rated,
            self.asks,
        )  # fmt: skip
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:20]

    def values(self) -> Mapping[str, Any]:
        """What the templates need."""
        return {
            "found": self,
            "token": self.token,
            "callback": self.callback,
            "queue": self.queue,
            "told": self.told,
            "now": self.now,
            "asked": asked(),
            "refresh_s": self.refresh_s,
            "zone_name": languages.zone_name(),
            "wishes": self.wishes,
            "scores": told.scores() if self.asks else (),
        }

    def proof(self, action: str) -> str:
        """What only a form of ours can carry, for this link and this action."""
        return _proofs().dumps(_mark(self.token, action))

    def page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        """A page about this callback."""
        return Response(render_template(template, **{**self.values(), **values}), status)

    def to(self, endpoint: str, did: str | None = None) -> AnyResponse:
        """Off to another page of this link, which tells what was done."""
        return redirect(url_for(endpoint, token=self.token, lang=asked(), did=did), HTTPStatus.SEE_OTHER)


def find(token: str) -> Found | None:
    """The callback of a link. None where there is none, or it ended too long ago: both look the same from outside."""
    now = house().clock.now()
    try:
        with house().store.look() as work:
            callback = work.callback_by_token(token)
            if callback is None or (callback.ended_at is not None and now - callback.ended_at > READABLE_AFTER_END):
                return None
            held = callback.state in look.MAY_BE_HELD and work.is_held("callback", callback.id)
            alone = callback.state in ENDS and work.suppressed(callback.number)
            rating = work.rating(callback.id) if callback.state is State.COMPLETED else None
    except Unreadable:
        abort(_in_trouble())
    queue = house().book.queue(callback.queue)
    languages.speak(callback.language)
    languages.in_zone(phone.zone_of(callback.number) or languages.queue_zone(queue))
    seen = look.callback_now(house(), callback, held=held)
    words = told.tell(seen, queue, now)
    left_out = WHILE_HELD if seen.held else {Wish.DISOWN} if alone else set()
    choices = tuple(wish for wish in wishes.choices(seen.callback, queue.policy, now) if wish not in left_out)
    rated = None if rating is None else rating.score
    return Found(token, seen.callback, queue, words, choices, now, _refresh_s(seen, now), seen, rated)


def nobody() -> Response:
    """What a link that leads nowhere shows: nothing that tells one from another."""
    return Response(render_template("status_unknown.html"), HTTPStatus.NOT_FOUND)


def asked() -> str | None:
    """The language that the address itself asks for."""
    wanted = request.args.get("lang")
    return wanted if wanted in languages.LANGUAGES else None


def act(token: str, action: str, form: str, do: Callable[[Found], AnyResponse]) -> AnyResponse:
    """Something is to change. Only with the proof that our own form carried, which `form` shows again without it; and
    not too often. Where it came too late, the page shows what is the case instead."""
    found = find(token)
    if found is None:
        return nobody()
    wait_s = spend("post", PER_LINK, _mark(token, "")) or spend("post", PER_ADDRESS, address())
    if wait_s:
        return too_often(found, wait_s)
    if not _proved(token, action, request.form.get("proof", "")):
        return found.to(form)
    try:
        return do(found)
    except TooLate:
        return found.to("status.show", did="too_late")
    except Stale:  # something else has changed it at this very moment: look again, and decide again
        return found.to(form)


def spend(kind: str, rules: str, whom: str) -> float:
    """Counts one more: 0 where these rules allow it, else in how many seconds they will."""
    limits: Limits = current_app.extensions[EXTENSION]
    return limits.spend(rules, "caller's page", kind, whom)


def too_often(found: Found, wait_s: float) -> Response:
    """Slow down, and until when."""
    wait = timedelta(minutes=minutes(wait_s))
    again = languages.when(found.now + wait, found.now) if wait > SOON else ""
    answer = found.page("status_slow.html", HTTPStatus.TOO_MANY_REQUESTS, again=again)
    answer.headers["Retry-After"] = str(round(wait.total_seconds()))
    return answer


def _refresh_s(seen: look.CallbackNow, now: datetime) -> int:
    at = seen.callback.requested_for or seen.callback.next_attempt_at
    far = at is not None and at - now > FAR
    return SELDOM_S if far or (seen.position or 0) > FAR_PLACE else OFTEN_S


def _in_trouble() -> Response:
    """Their callback is there and cannot be read: nothing more can be said of it, and nothing changed."""
    return Response(render_template("status_trouble.html", told=told.trouble()), HTTPStatus.OK)


def _proofs() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(options().secret_key, salt="the caller's page")


def _mark(token: str, action: str) -> str:
    return hashlib.sha256(f"{action}\n{token}".encode()).hexdigest()


def _proved(token: str, action: str, proof: str) -> bool:
    try:
        return bool(_proofs().loads(proof, max_age=FORM_LIFE_S) == _mark(token, action))
    except BadSignature:
        return False
