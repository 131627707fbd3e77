"""How long the machine itself stood still: a crowded machine makes nobody a liar about two seconds."""

import threading
import time

BEAT_S = 0.02


class Stillness:
    """A thread that beats; the longest pause between two beats beyond the beat itself is the machine's doing."""

    def __init__(self) -> None:
        self._pauses: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="stillness", daemon=True)
        self._thread.start()

    def worst(self, since: float, until: float) -> float:
        """Seconds, over the pauses that ended between two moments of `time.time()`, one second of grace each way."""
        found = [pause for at, pause in self._pauses if since - 1 <= at <= until + 1]
        return max(found, default=0.0)

    def close(self) -> None:
        """No more."""
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        before = time.monotonic()
        while not self._over.wait(BEAT_S):
            now = time.monotonic()
            pause, before = now - before - BEAT_S, now
            if pause > BEAT_S:
                self._pauses.append((time.time(), pause))
