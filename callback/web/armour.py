"""The headers and limits of every answer: what a browser may do with our pages, and how much anybody may send.

Scripts and styles come from our own files alone: nothing inline, so injected markup stays dead. A nonce is made for
each page all the same, so that a page that ever needs one inline element does not need a weaker policy.
"""

import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from callback.web.options import WebOptions

BODY_LIMIT = 64 * 1024
"""Bytes of a request body; whatever is larger is refused unread."""

HSTS = "max-age=31536000; includeSubDomains"
_PRIVATE = ("/c/", "/admin", "/agent", "/wall", "/api/", "/account", "/welcome/", "/sign-in")
_UNTOLD = ("/c/", "/welcome/")
"""Where the address is a secret: no other site is told that somebody comes from it."""


def install(app: Flask, options: WebOptions) -> None:
    """Limits before, headers after."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.config["MAX_FORM_PARTS"] = 200
    app.config["MAX_FORM_MEMORY_SIZE"] = BODY_LIMIT
    if options.trusted_proxies:
        hops = options.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    app.before_request(_refuse_large)
    app.before_request(_refuse_unkeepable)
    app.context_processor(lambda: {"csp_nonce": nonce()})
    app.extensions["callback.hsts"] = options.production and options.https
    app.after_request(_with_headers)


def nonce() -> str:
    """The nonce of this answer's content security policy."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _refuse_large() -> None:
    if (request.content_length or 0) > BODY_LIMIT:
        raise RequestEntityTooLarge(f"at most {BODY_LIMIT // 1024} kB are read")


def _refuse_unkeepable() -> None:
    sent = [request.path, *request.args.keys(), *request.args.values()]
    if not request.path.startswith("/api/"):  # which looks into its JSON itself, and takes no forms
        sent += request.form.values()
    if not all(keepable(text) for text in sent):
        raise BadRequest("the request has characters in it that are none (NUL or half of a pair)")


def keepable(text: str) -> bool:
    """Whether a text can be stored and sent on at all: no database keeps a NUL, nothing half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def allow(*, connect: Iterable[str] = (), media: Iterable[str] = (), microphone: bool = False) -> None:
    """Let the page of this answer reach these origins as well, and use the microphone."""
    g.csp_more = {"connect-src": tuple(connect), "media-src": tuple(media)}
    g.microphone = microphone


def never_sniffed(response: Response) -> Response:
    """The type we name is the type it has."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _with_headers(response: Response) -> Response:
    headers = never_sniffed(response).headers
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Referrer-Policy", "no-referrer" if request.path.startswith(_UNTOLD) else "same-origin")
    if response.mimetype == "text/html":
        headers["Content-Security-Policy"] = _policy()
        headers["X-Frame-Options"] = "DENY"
        microphone = "(self)" if g.get("microphone") else "()"
        headers["Permissions-Policy"] = f"camera=(), geolocation=(), microphone={microphone}, payment=()"
    if request.path.startswith(_PRIVATE):
        headers["Cache-Control"] = "no-store"
    if current_app.extensions["callback.hsts"]:
        headers["Strict-Transport-Security"] = HSTS
    return response


def _policy() -> str:
    mark = f"'nonce-{nonce()}'"
    more = {name: " ".join(origins) for name, origins in g.get("csp_more", {}).items() if origins}
    connect = f"'self' {more.get('connect-src', '')}".strip()
    media = f"media-src {more['media-src']}; " if "media-src" in more else ""
    return (
        f"default-src 'none'; script-src 'self' {mark}; style-src 'self' {mark}; img-src 'self' data:; "
        f"connect-src {connect}; {media}font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "manifest-src 'self'"
    )


def same_origin(url: str, base: str) -> bool:
    """Whether `url` stays with us: relative to the root, without a host of its own, or below `base`."""
    if any(character < " " or character == "\\" for character in url):  # which browsers drop, or take for a slash
        return False
    parts = urlsplit(url)
    if not parts.scheme and not parts.netloc:
        return url.startswith("/") and not url.startswith("//")
    ours = urlsplit(base)
    return (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc)
