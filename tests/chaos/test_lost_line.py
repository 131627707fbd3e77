"""Redis loses everything while a crowd waits, in a house of real processes: they stand again by themselves.

On SQLite, and with an agent who is away. `make test` has fault 5 on PostgreSQL, and rebuilds on both in one process.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.installation import FAST, Installation, Shop
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

HUNDREDS = 150
WITHIN_S = 20


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    server = RedisServer(valkey_binary(), "--dir", str(tmp_path / "redis"), "--dbfilename", "dump.rdb").start()
    yield server
    server.close()


@pytest.fixture
def alone(tmp_path: Path, redis: RedisServer) -> Iterator[Installation]:
    """An installation of this test's own."""
    house = Installation(tmp_path, redis.url, f"sqlite:///{tmp_path / 'callback.sqlite3'}", speed=20)
    try:
        yield house.start()
    finally:
        house.stop()


def positions(shop: Shop) -> dict[str, int]:
    """Everybody who waits to be called back, with their place in line."""
    found: dict[str, int] = {}
    cursor = ""
    while True:
        page = shop.home.api("GET", f"/callbacks?queue={shop.key}&state=waiting&limit=50{cursor}")
        found |= {one["number"]: one["position"] for one in page["items"]}
        if page["next"] is None:
            return found
        cursor = f"&cursor={quote(page['next'])}"


def crowd(shop: Shop) -> dict[str, int]:
    for at in range(HUNDREDS):
        body = {"queue": shop.key, "number": f"+1201{5_700_000 + at}"}
        shop.home.api("POST", "/callbacks", body, **{"Idempotency-Key": f"crowd{at}"})
    return positions(shop)


def told(house: Installation) -> list[str]:
    """What the journal says of the line, read by nobody's question to the line itself."""
    house.revive()
    return [one["to"] for one in house.journal(kind="queue", subject="line") if "rebuil" in one["to"]]


@pytest.mark.chaos
@pytest.mark.slow
def test_an_emptied_redis_is_filled_again_and_nobody_moves(alone: Installation, redis: RedisServer) -> None:
    shop = alone.shop(agents=1, **FAST)
    shop.presence(0, "away")
    before = crowd(shop)
    assert sorted(before.values()) == list(range(1, HUNDREDS + 1))
    eventually(lambda: alone.api("GET", f"/agents/{shop.agents[0]}")["status"] == "away", what="she is away")
    time_of_loss = time.monotonic()
    assert redis.command("FLUSHALL") == "+OK"
    eventually(lambda: told(alone) == ["rebuilding", "rebuilt"], within_s=WITHIN_S, what="the line is filled again")
    assert time.monotonic() - time_of_loss < WITHIN_S
    assert positions(shop) == before
    assert shop.agent(0)["status"] == "away"
    shop.presence(0, "available")
    first = min(before, key=lambda number: before[number])
    alone.carrier.person(first)
    alone.carrier.call_to(first, timeout=30)
