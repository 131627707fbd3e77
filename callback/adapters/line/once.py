"""A document is computed once: the carrier repeats requests, and a repeat must neither act again nor hear other words.

Usually that costs two round trips: claim the nonce, keep the document. Whoever finds it claimed waits for the other's
answer, but not for long: somebody is on the phone, and every verb behind a document may be repeated.

A document may read a number back, so it is kept sealed.
"""

import time
from collections.abc import Callable, Iterator
from typing import cast

import redis

from callback.adapters import patience
from callback.adapters.line.keys import document

_CLAIMED = "\x00"
_CLAIM_MS = 2_000
"""A claim outlives its holder's death by this much."""
_KEEP_S = 3_600
_WAIT_S = 1.0
_LOOK_EVERY_S = 0.01
_OURS_S = 0.3
"""What is left of a budget for computing the document ourselves, should the other fail."""


class RedisOnce:
    """`callback.ports.Once`. Where Redis is away, documents are simply computed.

    `conceal` and `reveal` seal what is kept; `reveal` gives "" for what it cannot open.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        conceal: Callable[[str], str] = str,
        reveal: Callable[[str], str] = str,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._client = client
        self._conceal, self._reveal = conceal, reveal
        self._monotonic = monotonic
        self._sleep = sleep or _sleep

    def document(self, nonce: str, compute: Callable[[], str]) -> str:
        """The document of this nonce; what `compute` raises is raised, and the nonce is free again."""
        key = document(nonce)
        try:
            mine = self._claim(key)
            known = None if mine else self._wait(key)
        except redis.RedisError:
            return compute()
        if known is not None:
            return known
        return self._computed(key, compute) if mine else compute()

    def forget(self, about: Callable[[str], bool]) -> int:
        """Looks through all that are kept, in steps that stop nobody. Raises redis.RedisError."""
        kept = cast(Iterator[str], self._client.scan_iter(match=document("*"), count=1_000))
        return sum(self._forget_one(key, about) for key in kept)

    def _forget_one(self, key: str, about: Callable[[str], bool]) -> int:
        found = cast(str | None, self._client.get(key))
        if found is None or found == _CLAIMED or not about(self._reveal(found)):
            return 0
        return self._client.delete(key)

    def _claim(self, key: str) -> bool:
        return bool(self._client.set(key, _CLAIMED, nx=True, px=_CLAIM_MS))

    def _wait(self, key: str) -> str | None:
        """The other's document. None: it failed, or took too long."""
        deadline = self._monotonic() + min(_WAIT_S, patience.left() - _OURS_S)
        while True:
            found = cast(str | None, self._client.get(key))
            if found != _CLAIMED:
                return self._reveal(found) or None if found else None
            if self._monotonic() >= deadline:
                return None
            self._sleep(_LOOK_EVERY_S)

    def _computed(self, key: str, compute: Callable[[], str]) -> str:
        try:
            text = compute()
        except BaseException:
            self._quietly(lambda: self._client.delete(key))
            raise
        self._quietly(lambda: self._client.set(key, self._conceal(text), ex=_KEEP_S))
        return text

    def _quietly(self, save: Callable[[], object]) -> None:
        """An answer that is ready is given, whether or not it can be kept for a repeat."""
        try:
            save()
        except redis.RedisError:
            return


def _sleep(seconds: float) -> None:
    """Looked up when it is needed: under green threads `time.sleep` is replaced after this module was loaded."""
    time.sleep(seconds)
