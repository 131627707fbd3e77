"""A page that looks again and finds nothing new, on the shortest way.

Thousands of pages are open while a line is long, each looks twice a minute, and nearly always the answer is that all is
as before. Through the framework and the record that answer costs more than joining the line does. So the ETag of a
page says, signed, what its words depend on besides the line; while the line itself, asked each time, gives the same
words, that is said without either, by any process, also one that has never seen the page. Whatever else it may be
(another state, another day, other words) goes the way of all others, and a test holds the two ways against each other.

Of the row, only what changes their place in line is noticed at once: who has changed number or language elsewhere sees
that here after half an hour at most.
"""

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Hashable, Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from flask import Flask, current_app

from callback.domain.errors import CallbackError
from callback.domain.ids import EntryId, QueueKey
from callback.domain.policy import Queue
from callback.flows import outlook
from callback.ports import House
from callback.web import told
from callback.web.armour import HSTS
from callback.web.context import HOUSE, OPTIONS, house
from callback.web.languages import halves, time_of_day, zone
from callback.web.status.found import Found

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EXTENSION = "callback.glances"
GOOD_FOR = timedelta(minutes=30)
ROBOTS, NOT_INDEXED = "X-Robots-Tag", "noindex, nofollow"
SALT = b"what a page was shown, 2"
"""Another number where notes mean something else than before: then those of open pages are not read."""
_PATH = re.compile(r"/c/([A-Za-z0-9_-]+)/now")
_TAG = re.compile(r'(?:W/)?"([0-9a-f]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)"')


@dataclass(frozen=True)
class Note:
    """What a page showed, and what its words depended on: the end of the promised window (as seconds since 1970, None
    where nothing binds), how its times are written, marks of the queue's configuration and of the place, and when that
    was."""

    entry: str
    queue: str
    configured: str
    promised_until: float | None
    zone: str
    halves: bool
    gist: str
    at: int


class Glances:
    """WSGI in front of an application: answers what it can, and passes everything else on."""

    def __init__(self, app: "WSGIApplication", house: House, secret: str, *, hsts: bool) -> None:
        self._app, self._house = app, house
        self._key = hashlib.sha256(SALT + secret.encode()).digest()
        self._configured: dict[str, tuple[Queue, str]] = {}
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

    def tag(self, words: str, token: str, query: str, note: Note) -> str:
        """The ETag of a page that says these words, for this link and no other."""
        written = urlsafe_b64encode(json.dumps(astuple(note)).encode()).rstrip(b"=").decode()
        return f"{words}.{written}.{self._seal(words, token, query, written)}"

    def configured(self, queue: Queue) -> str:
        """A mark of everything in a queue's configuration."""
        known = self._configured.get(queue.key)
        if known is None or known[0] is not queue:
            known = self._configured[queue.key] = queue, _mark(queue)
        return known[1]

    def _seal(self, words: str, token: str, query: str, written: str) -> str:
        text = f"{words}\n{token}\n{query}\n{written}".encode()
        return urlsafe_b64encode(hmac.digest(self._key, text, "sha256")[:18]).decode()

    def _same(self, environ: "WSGIEnvironment") -> list[tuple[str, str]] | None:
        """The headers of "as before"; None where that is not sure."""
        wanted = environ.get("HTTP_IF_NONE_MATCH", "")
        tag, path = _TAG.fullmatch(wanted), _PATH.fullmatch(environ["PATH_INFO"])
        if tag is None or path is None or environ["REQUEST_METHOD"] != "GET":
            return None
        words, written, seal = tag.groups()
        if not hmac.compare_digest(seal, self._seal(words, path[1], environ.get("QUERY_STRING", ""), written)):
            return None
        note = Note(*json.loads(urlsafe_b64decode(written + "==")))
        now = self._house.clock.now()
        if abs(now.timestamp() - note.at) > GOOD_FOR.total_seconds():
            return None
        here = ZoneInfo(note.zone)
        try:
            same = self._gist(note, here, now) == note.gist
        except (ConnectionError, CallbackError):
            return None
        updated = time_of_day(now.astimezone(here), halves=note.halves, seconds=True)
        return [("ETag", wanted), ("Updated", updated)] if same else None

    def _gist(self, note: Note, here: ZoneInfo, now: datetime) -> str | None:
        standing = self._house.line.standing(QueueKey(note.queue), EntryId(note.entry))
        self._house.book.check(standing.config)
        queue = self._house.book.queue(QueueKey(note.queue))
        if standing.place != "due" or not standing.whole or self.configured(queue) != note.configured:
            return None
        if standing.position is None:
            return None
        wait = outlook.wait_at(self._house, queue, standing, now)
        until = None if note.promised_until is None else datetime.fromtimestamp(note.promised_until, UTC)
        return _mark(told.place_gist(standing.position, wait, until, now.astimezone(here).date(), now))


def install(app: Flask) -> None:
    """In front of the application."""
    secret, hsts = app.extensions[OPTIONS].secret_key, bool(app.extensions.get("callback.hsts"))
    glances = Glances(app.wsgi_app, app.extensions[HOUSE], secret, hsts=hsts)
    app.extensions[EXTENSION] = glances
    app.wsgi_app = glances  # type: ignore[method-assign]


def tag(found: Found) -> str:
    """The ETag of this page: with a note of what it depends on, if it is somebody's who simply stands in line."""
    callback, now = found.seen.callback, found.now
    gist = told.gist(found.seen, now.astimezone(zone()).date(), now)
    if gist is None or callback.next_attempt_at is not None or found.queue is not house().book.queue(callback.queue):
        return found.etag
    glances = cast(Glances, current_app.extensions[EXTENSION])
    until = told.promised_until(callback)
    note = Note(
        entry=callback.id,
        queue=callback.queue,
        configured=glances.configured(found.queue),
        promised_until=None if until is None else until.timestamp(),
        zone=str(zone()),
        halves=halves(),
        gist=_mark(gist),
        at=round(now.timestamp()),
    )
    return glances.tag(found.etag, found.token, found.query, note)


def words_of(tag: str) -> str:
    """The words that an ETag of ours stands for."""
    return tag.partition(".")[0]


def _mark(what: Hashable) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]
