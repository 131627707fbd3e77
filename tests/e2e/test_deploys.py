"""A new version comes while people are on the phone: nobody loses a step of a call, whichever version answers."""

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from callback.adapters.store import migrate
from callback.flows.journey import REPORTS
from tests.support.chaos.stillness import Stillness
from tests.support.installation import Shop
from tests.support.people import HUMAN_CHECK, INSISTS, STAYS
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.tree import ROOT
from tests.support.versions import CONTRACTED, EXPANDED, Rollout, migrate_with, the_next

AGENTS = 2
TOO_LATE = re.compile("too slow|longer than there is time|timeout|no time is left|in use")
MOST_LATE = 10
"""Of about 800 webhooks, while a dozen processes start on the same processors."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
"""A dozen processes of three trees start and end; on a crowded machine that takes its time."""


@pytest.fixture
def redis_of_its_own() -> Iterator[str]:
    """A server that no other installation uses."""
    server = RedisServer(valkey_binary()).start()
    yield server.url
    server.close()


@pytest.fixture
def rollout(tmp_path: Path, pg_url: str, redis_of_its_own: str) -> Iterator[Rollout]:
    """An installation of this version, with the next version's tree beside it."""
    home = Rollout(tmp_path, redis_of_its_own, pg_url, speed=20, trees={"next": the_next(tmp_path / "next")})
    try:
        home.start()
        yield home
    finally:
        home.stop()


@pytest.fixture
def stillness() -> Iterator[Stillness]:
    """How long this machine kept everybody waiting."""
    watched = Stillness()
    yield watched
    watched.close()


class Crowd:
    """People who ring one after the other, every second of them to be called back."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.busy = [shop.occupy(at) for at in range(len(shop.agents))]
        self.promised: list[str] = []
        self.held: list[str] = []

    def come(self, count: int) -> None:
        """So many more."""
        for at in range(count):
            number = self.shop.home.new_number()
            answers = [{"match": HUMAN_CHECK, "press": "1"}]
            self.shop.home.carrier.person(number, on_say=answers, talk_s=20, after_s=1)
            takes_it = at % 2 == 0
            call = self.shop.ring(*(INSISTS if takes_it else STAYS), number=number, talk_s=20)
            (self.promised if takes_it else self.held).append(number if takes_it else call)
            self.shop.home.carrier.until(call, "ended" if takes_it else "enqueued")

    def free_the_agents(self) -> None:
        """From here on the line moves."""
        for call in self.busy:
            self.shop.home.carrier.hang_up(call)

    def all_served(self) -> None:
        """Everybody has talked, each was called once at most, and nothing is left over."""
        self.shop.nobody_left(within_s=90)
        for number in self.promised:
            self.shop.in_state(number, "completed")
        assert Counter(self.shop.home.carrier.creations(*self.promised)) == Counter(self.promised)
        for call in self.held:
            assert self.shop.until_told("call", call, "completed")


def steps_lost(home: Rollout) -> list[dict[str, Any]]:
    """Webhooks of which the carrier says that they failed."""
    asked = home.carrier.ledger("webhook")
    return [one for one in asked if one["answer"] is None or one["answer"]["status"] not in (200, 204)]


def late_reports(lost: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of them that nobody listens to, refused because a crowded machine took too long: whatever they would have
    told, the carrier is asked instead."""
    return [
        one
        for one in lost
        if one["answer"] and one["answer"]["status"] == 503
        and is_report(one) and TOO_LATE.search(one["answer"]["body"])
    ]  # fmt: skip


def is_report(asked: dict[str, Any]) -> bool:
    """Whether a webhook only tells us something, and nobody listens to the answer."""
    return urlsplit(asked["url"]).path.removeprefix("/voice/") in REPORTS


def slowest_ms(home: Rollout) -> float:
    """Of all the documents that the carrier has asked for."""
    return max(one["answer"]["ms"] for one in home.carrier.ledger("webhook") if one["answer"] and not is_report(one))


def served_throughout(home: Rollout, still_s: float) -> None:
    """No document failed, and of the reports hardly one, and the slowest was quick enough for the phone, where the
    machine did not stand still."""
    lost = steps_lost(home)
    late = late_reports(lost)
    assert [one for one in lost if one not in late] == []
    assert len(late) <= MOST_LATE, late
    assert slowest_ms(home) < 2000 + 1000 * still_s


def test_no_step_of_a_call_is_lost_while_versions_come_and_go_across_a_migration(
    rollout: Rollout, stillness: Stillness
) -> None:
    """First this version replaces itself on a database of the next, which it leaves as it is. Then the next one serves
    beside it and takes over."""
    began = time.time()
    rollout.trees["2"] = ROOT
    crowd = Crowd(rollout.shop(AGENTS))
    crowd.come(6)
    assert migrate_with(rollout.trees["next"], rollout.database_url, EXPANDED) == EXPANDED
    assert migrate.upgrade(rollout.database_url) == EXPANDED
    rollout.start_processes("web@2", "worker@2")
    crowd.come(2)
    rollout.replace("web", "worker", signal=signal.SIGTERM)
    crowd.come(2)
    rollout.start_processes("web@next", "worker@next")
    crowd.come(4)
    crowd.free_the_agents()
    rollout.replace("web@2", "worker@2", "beat", signal=signal.SIGTERM)
    rollout.start_process("beat@next")
    assert migrate_with(rollout.trees["next"], rollout.database_url) == CONTRACTED
    crowd.all_served()
    served_throughout(rollout, stillness.worst(began, time.time()))
    ended = {rollout.callbacks(number=number)[0]["end_reason"] for number in crowd.promised}
    assert len(ended) == 1, "told alike, whichever version wrote it"
