"""What stands before a backend and says at once that it is away, so that nobody waits for what others found missing.

Whoever waited in vain opens it. From then on everything in this process fails without asking, and one probe in the
background looks every quarter of a second whether the backend is back: no caller is ever the one who finds out. The
probe has less patience than it takes to open, so that a slow backend is either in use or not, and never by turns.
"""

import os
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic

import structlog

EVERY_S = 0.25
"""Between two probes."""
_log = structlog.get_logger("callback.backends")


def _thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True, name="probe").start()


class Breaker:
    """`ports.Backend`. Safe for threads, green threads and forks.

    Attributes:
        open: whether the backend is away. Ask it before every use.
        opened: how often it has been away. A connection made before the last time is not to be trusted.

    `probe` reaches the backend or raises; `now` tells when it went away; `spawn` runs something beside; `pause` waits
    so many seconds.
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], object],
        *,
        now: Callable[[], datetime],
        spawn: Callable[[Callable[[], None]], None] = _thread,
        pause: Callable[[float], object] | None = None,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self.open = False
        self.opened = 0
        self._name, self._probe, self._now, self._spawn, self._ticks = name, probe, now, spawn, ticks
        self._closed = threading.Event()
        self._pause = pause or self._closed.wait
        self._lock = threading.Lock()
        self._since: datetime | None = None
        self._why = ""
        self._back_at = ticks()
        self._watched_by = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def since(self) -> datetime | None:
        return self._since if self.open else None

    @property
    def why(self) -> str:
        return self._why if self.open else ""

    def failed(self, error: BaseException | str, *, began: float) -> None:
        """Somebody asked at `began` (monotonic seconds) and found the backend away. Nobody else need ask from now on.
        What began before the backend was last seen tells nothing about now."""
        if began >= self._back_at:
            self._went(error)
            self._watch()

    def doubted(self, *, began: float) -> None:
        """Somebody waited in vain who could not wait long: the probe shall look, and says whether it is away."""
        if began >= self._back_at:
            self._watch()

    def works(self) -> None:
        """Somebody has reached the backend."""
        with self._lock:
            self._back_at = self._ticks()
            was, self.open, self._since = self.open, False, None
        if was:
            _log.info("backend.back", backend=self._name)

    def refuse(self) -> bool:
        """As `open`, and takes care that somebody is looking: a child of a fork has not its parent's probe."""
        if self.open and self._watched_by != os.getpid():
            self._watch()
        return self.open

    def close(self) -> None:
        """No more probes."""
        self._closed.set()

    def _went(self, error: BaseException | str) -> None:
        said = str(error).strip().splitlines()
        with self._lock:
            self._why = said[0] if said else type(error).__name__
            if self.open:
                return
            self.open = True
            self.opened += 1
        self._since = self._now()  # may ask the backend itself, which is refused by now
        _log.warning("backend.away", backend=self._name, why=self._why)

    def _watch(self) -> None:
        with self._lock:
            if self._watched_by == os.getpid() or self._closed.is_set():
                return
            self._watched_by = os.getpid()
        self._spawn(self._look_until_it_is_back)

    def _look_until_it_is_back(self) -> None:
        while not self._closed.is_set():
            try:
                self._probe()
            except Exception as error:  # noqa: BLE001 -- whatever it is, the backend cannot be used; told by `why`
                self._went(error)
            else:
                self._watched_by = 0  # first: what fails from here on is looked into again
                self.works()
                return
            self._pause(EVERY_S)
        self._watched_by = 0
