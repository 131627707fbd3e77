"""The building in which the trials of one test process play: everything twice, and everything mortal.

A web of two processes, two workers, beat, the carrier, a Redis and a PostgreSQL that keep their data, as production
has them. It is pulled down and built anew only when a trial has left it broken.
"""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

from tests.support.chaos import evidence
from tests.support.chaos.servers import KeepingRedis, MortalPostgres, children
from tests.support.chaos.stillness import Stillness
from tests.support.installation import Installation, Refused, http
from tests.support.waiting import eventually

MEMBERS = ("carrier", "web", "worker", "worker-2", "beat")
WEBS = 2
GREEN = ("--workers", str(WEBS), "--worker-class", "gevent", "--worker-connections", "1000")
SPEED = 20.0
WELL_S = 90.0
"""Within this the house is well again by itself, whatever was done to it; a failing carrier is named for a minute."""
LETTERS = {
    "lifecycle": "L", "lost": "L", "dialled_twice": "D", "dialled_after_cancel": "X", "place_lost": "F",
    "overtaken": "F", "agent_booked_twice": "A",
}  # fmt: skip
"""The invariants that the product's own audit names."""


class Building:
    """One installation with its servers. `redis` is another program for it, as by a clock that can be turned."""

    def __init__(self, folder: Path, *, concurrency: int = 3, redis: Path | None = None) -> None:
        self._folder = folder
        self._redis_program = redis
        self._concurrency = concurrency
        self._built = 0
        self.stillness = Stillness()
        self.redis: KeepingRedis
        self.postgres: MortalPostgres
        self.house: Installation
        self.dark: list[float] = []
        self.since = time.time()
        self.revived: list[str] = []
        self._marks = (0, 0)
        self._standing = False
        self._hands = threading.Lock()
        self._over = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._supervisor.start()

    def ready(self) -> "Building":
        """Built, if it does not stand; a new account of what is seen begins."""
        if not self._standing:
            self._build()
        self.until_well()
        self.dark, self.since = [], time.time()
        self._marks = evidence.marks(self.house)
        return self

    def seen(self) -> evidence.Evidence:
        """What the witnesses saw since `ready`."""
        return evidence.gather(self.house, self._marks)

    def audited(self) -> list[tuple[str, str]]:
        """What `callback audit` holds against this building since `ready`: the queue ("" for none), and what."""
        found = self.house.audit(since=self._marks[1])["breaches"]
        return [
            (one["queue"], f"{LETTERS[one['invariant']]}: audit: {one['text']} (seq {one['seq']})") for one in found
        ]

    def pull_down(self) -> None:
        """End everything; the next `ready` builds anew."""
        if self._standing:
            with self._hands:
                self._standing = False
                self.house.stop()
            self.redis.close()
            self.postgres.close()

    def close(self) -> None:
        """The end."""
        self.pull_down()
        self._over.set()
        self._supervisor.join()
        self.stillness.close()

    def until_well(self) -> None:
        """Wait until the house says of itself that nothing is amiss. Raises AssertionError with what it says."""
        said: list[Any] = []

        def well() -> bool:
            try:
                said.append(http("GET", f"{self.house.base}/readyz", timeout=10))
            except (Refused, OSError) as refused:
                said.append(str(refused))
                return False
            return bool(said[-1]["status"] == "ok")

        try:
            eventually(well, within_s=WELL_S, every_s=0.2)
        except AssertionError:
            raise AssertionError(f"the house is not well: {said[-1]}\n{self.house.logs(8)}") from None

    def _supervise(self) -> None:
        """Whatever ends by itself is started again, as `callback run` and every platform does."""
        while not self._over.wait(0.5):
            with self._hands:
                if self._standing:
                    self.revived += self.house.revive()

    # --- ways to die ----------------------------------------------------------------------------------------------

    def kill_a_web(self, dice: Random) -> None:
        """One of the web's processes, at once: its requests in hand get no answer, and another starts in its place."""
        self.dark.append(time.time())
        os.kill(dice.choice(children(self.house.pid("web"))), signal.SIGKILL)

    def webs_serve(self) -> bool:
        """Whether both of the web's processes are there and have said that they are ready."""
        said = (self.house.folder / "web.log").read_text(errors="replace")
        alive = children(self.house.pid("web"))
        return len(alive) == WEBS and all(f'"pid": {pid}, "event": "web.ready"' in said for pid in alive)

    def kill(self, name: str) -> None:
        """One member and all its processes, until somebody starts it again."""
        with self._hands:
            self.house.kill(name)

    def kill_pool(self, worker: str) -> None:
        """The processes of a worker, at once: the tasks in their hands are handed out again."""
        for child in children(self.house.pid(worker)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def kill_workers(self) -> None:
        """Both at one moment."""
        for name in ("worker", "worker-2"):
            self.kill(name)

    def revive_workers(self) -> None:
        """Both."""
        for name in ("worker", "worker-2"):
            self.house.start_process(name)

    def _build(self) -> None:
        self._built += 1
        folder = self._folder / f"building-{self._built}"
        folder.mkdir(parents=True)
        self.redis = self._line(folder)
        self.redis.start()
        self.postgres = MortalPostgres()
        self.postgres.start()
        self.house = self._furnished(folder)
        try:
            self.house.start()
        except BaseException:
            self._standing = True
            self.pull_down()
            raise
        self._standing = True

    def _line(self, folder: Path) -> KeepingRedis:
        """The Redis that is to serve it."""
        return KeepingRedis(self._redis_program)

    def _furnished(self, folder: Path) -> Installation:
        """The processes that are to live in it."""
        return Installation(
            folder, self.redis.url, self.postgres.url(self.postgres.create_database()), speed=SPEED, members=MEMBERS,
            web_options=GREEN, concurrency=self._concurrency,
        )  # fmt: skip
