"""Runs the scripts of `lua/` by their hash, one round trip each, and assembles them from their parts.

A server that lost its script cache (a restart, a failover) answers NOSCRIPT; then the source itself is sent, once. Such
a server may have lost its last second too, or stand on an old dump. So before any script runs on it, it is asked
whether it is the one for which the line was found whole (`lua/doubt.lua`): no script can have run there before that.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, cast

import redis
from redis.exceptions import NoScriptError

from callback.adapters.line.client import LineAway
from callback.adapters.line.keys import EVENTS
from callback.adapters.line.lanes import Lanes

_FOLDER = files("callback.adapters.line") / "lua"
_INCLUDE = re.compile(r"^-- @include (?P<part>_\w+\.lua)\n", re.MULTILINE)


def source_of(name: str) -> str:
    """A script's whole text."""
    return assembled(_text(f"{name}.lua"))


def assembled(text: str) -> str:
    """`text` with each part in place of its first `-- @include _part.lua`, together with what that includes, once."""
    return _with_parts(text, set())


def _with_parts(text: str, seen: set[str]) -> str:
    def part(found: re.Match[str]) -> str:
        wanted = found["part"]
        if wanted in seen:
            return ""
        seen.add(wanted)
        return _with_parts(_text(wanted), seen)

    return _INCLUDE.sub(part, text)


def _text(file: str) -> str:
    return (_FOLDER / file).read_text("utf-8")


@cache
def _prepared(name: str) -> tuple[str, str]:
    source = source_of(name)
    return source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """The scripts of one server."""

    def __init__(self, client: redis.Redis) -> None:
        lanes = Lanes(client)
        self._ask, self._begin = lanes.ask, lanes.begin

    def run(self, name: str, *arguments: str | float) -> list[Any]:
        """The reply of `lua/NAME.lua`: a flat list whose first element is a `Result`. Raises redis.RedisError."""
        source, digest = _prepared(name)
        try:
            reply = self._ask("EVALSHA", digest, 1, EVENTS, *arguments)
        except NoScriptError:
            self._ask("EVAL", _prepared("doubt")[0], 1, EVENTS, "restarted", "")
            reply = self._ask("EVAL", source, 1, EVENTS, *arguments)
        return cast(list[Any], reply)

    def begin(self, name: str, *arguments: str | float) -> Callable[[], list[Any]]:
        """As `run`, but the server is at work when this returns: the reply is what the result gives, which must be
        called once. A connection that broke meanwhile is asked once more."""
        answer = self._begin("EVALSHA", _prepared(name)[1], 1, EVENTS, *arguments)

        def reply() -> list[Any]:
            try:
                return cast(list[Any], answer())
            except (NoScriptError, redis.ConnectionError) as lost:
                if isinstance(lost, LineAway):
                    raise
                return self.run(name, *arguments)

        return reply
