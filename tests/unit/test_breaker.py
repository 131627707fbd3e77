"""The breaker: who opens it, who closes it, and what it spares everybody else."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from callback.adapters.breaker import EVERY_S, Breaker

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Backend:
    """A backend that is there or not, a clock turned by hand, and probes that run when the test says so."""

    def __init__(self) -> None:
        self.there = True
        self.probes = 0
        self.seconds = 100.0
        self.pauses: list[float] = []
        self.waiting: list[Callable[[], None]] = []
        self.after_pause: Callable[[], None] = self.comes_back
        self.breaker = Breaker(
            "line",
            self.probe,
            now=lambda: NOON,
            spawn=self.waiting.append,
            pause=self.pause,
            ticks=lambda: self.seconds,
        )

    def probe(self) -> None:
        self.probes += 1
        if not self.there:
            raise ConnectionRefusedError("nobody listens\non that port")

    def comes_back(self) -> None:
        self.there = True

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.after_pause()

    def goes_away(self) -> None:
        self.there = False
        self.breaker.failed("it does not answer", began=self.seconds)

    def run_probes(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def backend() -> Backend:
    return Backend()


def test_at_first_everything_is_there(backend: Backend) -> None:
    breaker = backend.breaker
    assert (breaker.open, breaker.refuse(), breaker.since, breaker.why, breaker.name) == (
        False,
        False,
        None,
        "",
        "line",
    )


def test_one_who_waited_in_vain_spares_all_others(backend: Backend) -> None:
    backend.goes_away()
    breaker = backend.breaker
    assert (breaker.open, breaker.refuse(), breaker.since, breaker.why) == (True, True, NOON, "it does not answer")
    assert breaker.opened == 1


def test_a_probe_beside_finds_the_return_and_nobody_else_asks(backend: Backend) -> None:
    backend.goes_away()
    assert backend.probes == 0
    backend.run_probes()
    assert backend.pauses == [EVERY_S]
    assert backend.probes == 2
    assert (backend.breaker.open, backend.breaker.since, backend.breaker.why) == (False, None, "")


def test_a_crowd_that_fails_at_once_starts_one_probe(backend: Backend) -> None:
    for _ in range(200):
        backend.goes_away()
    assert len(backend.waiting) == 1
    assert backend.breaker.opened == 1


def test_what_the_probe_hears_is_the_reason_that_is_told(backend: Backend) -> None:
    backend.goes_away()
    seen: list[str] = []

    def look() -> None:
        seen.append(backend.breaker.why)
        backend.there = True

    backend.after_pause = look
    backend.run_probes()
    assert seen == ["nobody listens"]


def test_who_began_to_wait_before_the_return_tells_nothing_about_now(backend: Backend) -> None:
    began = backend.seconds
    backend.goes_away()
    backend.seconds += 1
    backend.run_probes()
    backend.breaker.failed("a timeout of before", began=began)
    backend.breaker.doubted(began=began)
    assert not backend.breaker.open
    assert not backend.waiting


def test_who_was_in_a_hurry_only_has_it_looked_into(backend: Backend) -> None:
    backend.breaker.doubted(began=backend.seconds)
    assert not backend.breaker.open
    backend.run_probes()
    assert (backend.probes, backend.breaker.open, backend.breaker.opened) == (1, False, 0)


def test_a_doubt_that_is_justified_opens(backend: Backend) -> None:
    backend.there = False
    opened: list[bool] = []

    def look() -> None:
        opened.append(backend.breaker.open)
        backend.there = True

    backend.after_pause = look
    backend.breaker.doubted(began=backend.seconds)
    backend.run_probes()
    assert opened == [True]
    assert not backend.breaker.open


def test_it_opens_again_when_the_backend_goes_away_again(backend: Backend) -> None:
    for times in (1, 2, 3):
        backend.seconds += 10
        backend.goes_away()
        assert backend.breaker.opened == times
        backend.run_probes()
        assert not backend.breaker.open


def test_whoever_reaches_it_another_way_closes_it(backend: Backend) -> None:
    backend.goes_away()
    backend.breaker.works()
    assert not backend.breaker.open


def test_the_time_is_asked_for_once_the_breaker_is_open_since_the_clock_may_need_the_backend(backend: Backend) -> None:
    seen: list[bool] = []

    def now() -> datetime:
        seen.append(breaker.open)
        breaker.failed("the clock finds it away as well", began=backend.seconds)
        return NOON

    breaker = Breaker("line", backend.probe, now=now, spawn=backend.waiting.append, ticks=lambda: backend.seconds)
    breaker.failed("gone", began=backend.seconds)
    assert seen == [True]
    assert breaker.since == NOON


def test_a_closed_breaker_looks_no_more(backend: Backend) -> None:
    backend.breaker.close()
    backend.goes_away()
    assert not backend.waiting
    backend.run_probes()
    assert backend.probes == 0


def test_a_real_probe_runs_in_a_thread_of_its_own() -> None:
    asked = threading.Event()

    def probe() -> None:
        assert threading.current_thread() is not threading.main_thread()
        asked.set()

    breaker = Breaker("line", probe, now=lambda: NOON)
    breaker.failed("gone", began=float("inf"))
    assert asked.wait(10)


def test_the_child_of_a_fork_looks_for_itself() -> None:
    breaker = Breaker("line", lambda: None, now=lambda: NOON, spawn=lambda _: None)
    breaker.failed("gone", began=float("inf"))
    watched: list[Callable[[], None]] = []
    breaker._spawn = watched.append
    breaker.refuse()
    assert watched == []  # the parent's probe is under way
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        breaker.refuse()
        os.write(write, str(len(watched)).encode())
        os._exit(0)
    os.waitpid(child, 0)  # and no other child of this process, whose end somebody else wants to hear of
    assert os.read(read, 10) == b"1"
    os.close(read)
    os.close(write)
