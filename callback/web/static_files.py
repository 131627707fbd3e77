"""Scripts, styles and sounds from `callback/web/static`, small on the wire and never asked for twice.

Only these files are compressed: pages carry secrets beside what somebody may have put into the address, and compressing
those together would leak the former (BREACH). An address carries the file's hash, so a browser may keep it for good.
"""

import gzip
import hashlib
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from flask import Blueprint, Response, abort, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from callback.web.guards import public

FOLDER = Path(__file__).parent / "static"
FOR_GOOD = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=300"
_TEXT = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".md": "text/plain",
}


def blueprint() -> Blueprint:
    """`/static/...`, and `asset(name)` for templates."""
    static = Blueprint("assets", __name__)
    static.get("/static/<path:name>")(static_file)
    static.app_template_global("asset")(asset)
    return static


def asset(name: str) -> str:
    """The address of a file, with its hash."""
    return url_for("assets.static_file", name=name, v=_hash(name))


@public("our own scripts, styles and hold music")
def static_file(name: str) -> AnyResponse:
    """A file; text is compressed where the browser takes that."""
    kind = _TEXT.get(Path(name).suffix)
    small = kind is not None and "gzip" in request.headers.get("Accept-Encoding", "")
    answer = Response(
        _compressed(name) if small else _bytes(name), mimetype=kind or guess_type(name)[0] or "text/plain"
    )
    if small:
        answer.headers["Content-Encoding"] = "gzip"
    if kind is not None:
        answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = FOR_GOOD if "v" in request.args else A_WHILE
    answer.set_etag(f"{_hash(name)}{'-gzip' if small else ''}")
    return answer.make_conditional(request)


@lru_cache(maxsize=1)
def version() -> str:
    """Of all these files together: a page that stays open for days learns by it that it is an old one."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".css", ".js"))
    return hashlib.sha256("".join(_hash(str(path.relative_to(FOLDER))) for path in files).encode()).hexdigest()[:12]


@lru_cache(maxsize=64)
def _hash(name: str) -> str:
    return hashlib.sha256(_bytes(name)).hexdigest()[:12]


@lru_cache(maxsize=64)
def _compressed(name: str) -> bytes:
    return gzip.compress(_bytes(name), 9, mtime=0)


@lru_cache(maxsize=64)
def _bytes(name: str) -> bytes:
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        abort(404)
    return path.read_bytes()
