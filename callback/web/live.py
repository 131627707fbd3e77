"""Server-sent events: pages that stay open are told what changed, within about a second.

A stream begins with `hello` (the version of the pages), then carries `part` (what is to be shown, the same bytes for
all of one language and zone) or `changed` (ask for your part again), and in between `fresh`: nothing changed, and we
looked. A page that hears neither knows that it is out of date. Where all places are taken the answer is 503, and the
page asks by itself every few seconds instead; so it does without this process, and so a small machine serves few.

A stream ends within a second when the process is asked to end, within seconds when the session is over or its account
is closed, and of its own accord every few minutes: the browser comes back by itself, which tells the session that
somebody is there.
"""

import json
import random
import secrets
import signal
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, cast

from flask import Flask, Response, current_app, request, session, stream_with_context
from flask_login import current_user

from callback.web import languages, static_files
from callback.web.context import HOUSE, house, options
from callback.web.hub import Channel, Full, Hub, Topic

HUB = "callback.hub"
STREAMED = "text/event-stream; charset=utf-8"
HEARTBEAT_S = 15.0
"""Something is sent at least so often, so that whatever stands between keeps the connection."""
LOOK_UP_S = 5.0
"""How soon a stream notices that whoever listens may do so no longer. The end of the process is told to it at once."""
LIFE_S = 600.0
AGAIN_S = 20
MOST_GREEN, MOST_THREADS = 500, 5
"""Streams of one process. Each holds a connection; without green threads it holds one of the few threads as well."""
_BOOT = secrets.token_hex(4)
"""Numbers of values are this process's own: another one's Last-Event-ID says nothing here."""


@dataclass(frozen=True)
class Part:
    """What a value looks like: HTML, and data beside it that is sent only when its `mark` is not the one sent last."""

    html: str
    data: Any = None
    mark: Hashable = None


Write = Callable[[Any], Part]
Still = Callable[[], bool]


def install(app: Flask, *, most: int | None = None) -> None:
    """A hub for this process, which ends its streams when the process is asked to end."""
    ours = Hub(app.extensions[HOUSE], most=_most() if most is None else most)
    app.extensions[HUB] = ours
    app.jinja_env.globals["pages_version"] = static_files.version
    _end_with_the_process(ours)


def hub() -> Hub:
    """Of the running application."""
    return cast(Hub, current_app.extensions[HUB])


def stream(topic: Topic, write: Write | None = None, *, fresh_s: float = 5.0, still: Still | None = None) -> Response:
    """The stream of a topic. `write` puts its value into HTML, within the request, once for each language and zone;
    without it the page is only told that something changed. Something is sent every `fresh_s` as long as we see what is
    shown: the page's own `data-live`. Guard the route as the page itself is guarded; `still` says whether who listens
    still may, where that is not an account's session."""
    if request.method == "HEAD":  # nobody reads it, and so nobody would close it: it would hold its place for good
        return Response(content_type=STREAMED)
    ours = hub()
    try:
        channel = ours.join(topic)
    except Full:
        return _full()
    events = stream_with_context(_events(channel, write, fresh_s, still or _still_in()))
    answer = Response(events, content_type=STREAMED)
    answer.call_on_close(lambda: ours.part(channel))
    answer.headers["X-Accel-Buffering"] = "no"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _full() -> Response:
    answer = Response("all places are taken: ask by yourself\n", HTTPStatus.SERVICE_UNAVAILABLE, mimetype="text/plain")
    answer.headers["Retry-After"] = str(AGAIN_S)
    return answer


def _events(channel: Channel, write: Write | None, fresh_s: float, still: Still) -> Iterator[str]:
    ours, until = hub(), _ends_at()
    seen, spoke = _last_seen(), monotonic()
    news = News(channel, write)
    yield f"retry: {random.randint(1000, 3000)}\n{_event('hello', {'version': static_files.version()})}"  # noqa: S311
    while not ours.closing and monotonic() < until and still():
        if ours.wait(channel, seen, _rest_s(until, spoke + fresh_s)) and not ours.closing:
            seen, spoke = channel.number, monotonic()
            yield news.event()
        elif monotonic() - spoke >= fresh_s and monotonic() - channel.looked_at < fresh_s:
            spoke = monotonic()
            yield _event("fresh", _now())
        elif monotonic() - spoke >= HEARTBEAT_S:
            spoke = monotonic()
            yield ": here\n\n"


def _rest_s(*ends: float) -> float:
    """How long a stream may rest: until the first of these moments, and never so short that it does nothing else."""
    return max(min(LOOK_UP_S, min(ends) - monotonic()), 0.2)


class News:
    """What one stream has been told."""

    def __init__(self, channel: Channel, write: Write | None) -> None:
        self._channel, self._write = channel, write
        self._mark: Hashable = object()

    def event(self) -> str:
        """The newest value, for this reader: the same text for all who read it alike."""
        if self._write is None:
            return _event("changed", _now(), self._channel.number)
        _, put = self._channel.written(_reader(), self._put)
        if put.mark == self._mark:
            return put.without_data
        self._mark = put.mark
        return put.whole

    def _put(self, value: Any) -> "Put":
        part = cast(Write, self._write)(value)
        told, number = {**_now(), "html": part.html}, self._channel.number
        bare = _event("part", told, number)
        whole = bare if part.data is None else _event("part", {**told, "data": part.data}, number)
        return Put(bare, whole, part.mark)


@dataclass(frozen=True)
class Put:
    """A part as it is sent: with its data, and without for whoever has them."""

    without_data: str
    whole: str
    mark: Hashable


def _reader() -> Hashable:
    """What a part's wording depends on."""
    return languages.language(), str(languages.zone())


def _event(name: str, data: dict[str, Any], number: int | None = None) -> str:
    mark = "" if number is None else f"id: {_BOOT}-{number}\n"
    return f"event: {name}\n{mark}data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _now() -> dict[str, str]:
    return {"at": languages.updated(house().clock.now())}


def _last_seen() -> int:
    """What the page shows already, if it was this process that told it."""
    boot, _, number = request.headers.get("Last-Event-ID", "").partition("-")
    return int(number) if boot == _BOOT and number.isascii() and number.isdigit() else 0


def _ends_at() -> float:
    """Monotonic: the stream's own end, or the session's where that is sooner."""
    life = LIFE_S * random.uniform(0.8, 1.0)  # noqa: S311 - so that not all come back at once
    began = session.get("began")
    if began is not None:
        life = min(life, began + options().session_s - house().clock.now().timestamp())
    return monotonic() + life


def _still_in() -> Still:
    """Whether the account behind this page is still one, and may what it might at the beginning: looked at every few
    seconds, for all its pages together."""
    known: Callable[[str], bool] = current_app.extensions["callback.still_in"]
    return partial(known, current_user.standing)


def _most() -> int:
    """Green threads are cheap; of real ones a process has a dozen."""
    from gevent import monkey

    return MOST_GREEN if monkey.is_module_patched("threading") else MOST_THREADS


def _end_with_the_process(ours: Hub) -> None:
    """When a server's worker is told to end, so are its streams: else it would wait for them in vain."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)
    if not callable(before):  # nobody serves here
        return
    tell = before

    def end(number: int, frame: Any) -> None:
        ours.closing = True
        tell(number, frame)

    signal.signal(signal.SIGTERM, end)
