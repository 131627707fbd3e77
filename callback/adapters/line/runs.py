"""Long computations that pages ask for: who has one going, how far it is, and its answer for whoever asks the same.

Beside the line and not in it: losing all of it costs a few seconds of arithmetic.
"""

import redis

from callback.adapters.line.keys import TAG
from callback.ports import Run


class RedisRuns:
    """`callback.ports.Runs`. What somebody has going is a key with a time of its own: `what` and how much is done."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def begin(self, who: str, what: str, *, for_s: float) -> bool:
        try:
            return bool(self._client.set(_going(who), f"{what} 0", nx=True, px=round(for_s * 1000)))
        except redis.RedisError:
            return True  # nobody else can be asked

    def running(self, who: str) -> Run | None:
        try:
            found = self._client.get(_going(who))
        except redis.RedisError:
            return None
        what, _, percent = str(found or "").partition(" ")
        return Run(what, int(percent)) if found else None

    def tell(self, who: str, what: str, percent: int, *, for_s: float) -> bool:
        try:
            if not self._is(who, what):
                return False
            return bool(self._client.set(_going(who), f"{what} {percent}", xx=True, px=round(for_s * 1000)))
        except redis.RedisError:
            return True

    def end(self, who: str, what: str) -> None:
        try:
            if self._is(who, what):
                self._client.delete(_going(who))
        except redis.RedisError:
            return  # it ends by itself

    def stop(self, who: str) -> None:
        try:
            self._client.delete(_going(who))
        except redis.RedisError:
            return

    def keep(self, what: str, answer: str, *, for_s: float) -> None:
        try:
            self._client.set(_answer(what), answer, px=round(for_s * 1000))
        except redis.RedisError:
            return

    def answer(self, what: str) -> str | None:
        try:
            found = self._client.get(_answer(what))
        except redis.RedisError:
            return None
        return str(found) if found else None

    def _is(self, who: str, what: str) -> bool:
        running = self.running(who)
        return running is not None and running.what == what


def _going(who: str) -> str:
    return f"{TAG}run:{who}"


def _answer(what: str) -> str:
    return f"{TAG}answer:{what}"
