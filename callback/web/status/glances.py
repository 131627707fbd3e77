"""A page that looks again and finds nothing new, on the shortest way.

Thousands of pages are open while a line is long, each looks twice a minute, and nearly always the answer is that all is
as before. Through the framework and the record that answer costs more than joining the line does. So a process
remembers what it showed to whom, and while the line itself, asked each time, gives the same words, it says so without
either. Whatever else it may be (another state, another day, other words) goes the way of all others, and a test holds
the two ways against each other.

Of the row, only what changes their place in line is noticed at once: who has changed number or language elsewhere sees
that here after ten minutes at most.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

from callback.domain.callback import Callback
from callback.domain.errors import CallbackError
from callback.domain.ids import EntryId
from callback.domain.policy import Queue
from callback.flows import outlook
from callback.flows.look import CallbackNow
from callback.ports import House
from callback.web import told
from callback.web.armour import HSTS
from callback.web.context import HOUSE, house
from callback.web.languages import zone
from callback.web.status.found import Found

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EXTENSION = "callback.glances"
GOOD_FOR = timedelta(minutes=30)
MOST = 20_000
"""So many are remembered, about a kilobyte each."""
ROBOTS, NOT_INDEXED = "X-Robots-Tag", "noindex, nofollow"
_PATH = re.compile(r"/c/([A-Za-z0-9_-]+)/now")


@dataclass(frozen=True)
class Glance:
    """What was shown to one page, and what its words depended on."""

    etag: str
    callback: Callback
    queue: Queue
    gist: Hashable
    zone: tzinfo
    at: datetime


class Glances:
    """WSGI in front of an application: answers what it can, and passes everything else on."""

    def __init__(self, app: "WSGIApplication", house: House, *, hsts: bool) -> None:
        self._app, self._house = app, house
        self._known: OrderedDict[tuple[bytes, str], Glance] = OrderedDict()
        self._headers = [
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            (ROBOTS, NOT_INDEXED),
        ]
        if hsts:
            self._headers.append(("Strict-Transport-Security", HSTS))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """One request."""
        if environ["PATH_INFO"].startswith("/c/"):
            told_before = self._same(environ)
            if told_before is not None:
                start_response("304 NOT MODIFIED", [*self._headers, *told_before])
                return []
        return self._app(environ, start_response)

    def remember(self, token: str, query: str, glance: Glance) -> None:
        """This was shown, or would be."""
        key = _key(token, query)
        self._known[key] = glance
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)

    def _same(self, environ: "WSGIEnvironment") -> list[tuple[str, str]] | None:
        """The headers of "as before"; None where that is not sure."""
        wanted, path = environ.get("HTTP_IF_NONE_MATCH"), _PATH.fullmatch(environ["PATH_INFO"])
        if not wanted or path is None or environ["REQUEST_METHOD"] != "GET":
            return None
        known = self._known.get(_key(path[1], environ.get("QUERY_STRING", "")))
        now = self._house.clock.now()
        if known is None or f'"{known.etag}"' != wanted or now - known.at > GOOD_FOR:
            return None
        try:
            same = self._gist(known, now) == known.gist
        except (ConnectionError, CallbackError):
            return None
        return [("ETag", wanted), ("Updated", f"{now.astimezone(known.zone):%H:%M:%S}")] if same else None

    def _gist(self, known: Glance, now: datetime) -> Hashable:
        callback = known.callback
        standing = self._house.line.standing(callback.queue, EntryId(callback.id))
        self._house.book.check(standing.config)
        queue = self._house.book.queue(callback.queue)
        if standing.place != "due" or not standing.whole or queue is not known.queue:
            return None
        wait = outlook.wait_at(self._house, queue, standing, now)
        seen = CallbackNow(callback, standing.position, wait, 0)
        return told.gist(seen, now.astimezone(known.zone).date(), now)


def install(app: Flask) -> None:
    """In front of the application."""
    glances = Glances(app.wsgi_app, app.extensions[HOUSE], hsts=bool(app.extensions.get("callback.hsts")))
    app.extensions[EXTENSION] = glances
    app.wsgi_app = glances  # type: ignore[method-assign]


def remember(found: Found) -> None:
    """What this page shows, if it is somebody's who simply stands in line."""
    callback, now, here = found.seen.callback, found.now, zone()
    gist = told.gist(found.seen, now.astimezone(here).date(), now)
    if gist is not None and callback.next_attempt_at is None and found.queue is house().book.queue(callback.queue):
        glances = cast(Glances, current_app.extensions[EXTENSION])
        glances.remember(found.token, found.query, Glance(found.etag, callback, found.queue, gist, here, now))


def _key(token: str, query: str) -> tuple[bytes, str]:
    """The link is not kept in clear, not even here."""
    return hashlib.sha256(token.encode()).digest(), query
