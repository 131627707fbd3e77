"""What a webhook hands over to be sent beside it: somebody on the phone does not wait for the broker.

What is sent this way may be lost, with the process or with a broker that stays silent. So only work may go out here
that the sweep finds again.
"""

import atexit
import os
import queue
import threading
from collections.abc import Callable

import structlog

MOST = 10_000
"""Pieces of work that wait to be sent; beyond, a broker is away and the sweep has to find the rest."""
FLUSH_S = 1.0
"""How long an ending process goes on sending."""
_log = structlog.get_logger("callback.dispatch")


class Outbox:
    """Does pieces of work one after the other, in a thread of its own. Safe for threads, green threads and forks."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(MOST)
        self._lock = threading.Lock()
        self._sender: threading.Thread | None = None
        self._pid = 0

    def post(self, work: Callable[[], None], *, first_s: float = 0) -> None:
        """Soon, and perhaps never. `first_s`: how long whoever posts it lets it go out before they go on, unless others
        are waiting to go out already: then somebody is slow, and it is not worth while."""
        if self._pid != os.getpid():
            self._begin()
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            _log.warning("outbox full; the sweep will find its work")
        if first_s and self._waiting.qsize() <= 1:
            self.flush(first_s)

    def flush(self, within_s: float = FLUSH_S) -> bool:
        """Waits until all is sent; False when it is not within so many seconds."""
        done = threading.Event()
        self.post(done.set)
        return done.wait(within_s)

    def _begin(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._waiting = queue.Queue(MOST)  # a parent's letters are the parent's to send
            self._sender = threading.Thread(target=self._send, args=(self._waiting,), daemon=True, name="outbox")
            self._sender.start()
            self._pid = os.getpid()
            atexit.register(self.flush)

    @staticmethod
    def _send(waiting: "queue.Queue[Callable[[], None]]") -> None:
        while True:
            work = waiting.get()
            try:
                work()
            except Exception:  # noqa: BLE001 -- logged whole; the next must be sent all the same
                _log.exception("not sent")
