"""One installation for all journeys of a test process, and a way to open shops in it."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.installation import Installation, OpenShop, Shop
from tests.support.redis_server import RedisServer, valkey_binary

API_KEY, API_SECRET = "SK" + "1" * 32, "a-secret-of-a-key-that-only-tests-know"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Redis, SQLite, the carrier, web, worker and beat, all real, people twenty times as fast as in life."""
    folder = tmp_path_factory.mktemp("home")
    redis = RedisServer(valkey_binary()).start()
    house = Installation(
        folder, redis.url, f"sqlite:///{folder / 'callback.sqlite3'}", speed=20,
        settings={"TWILIO_API_KEY_SID": API_KEY, "TWILIO_API_KEY_SECRET": API_SECRET},
        carrier_options=("--api-key", f"{API_KEY}:{API_SECRET}"),
    )  # fmt: skip
    try:
        yield house.start()
    finally:
        house.stop()
        redis.close()


@pytest.fixture
def home(installation: Installation, to_come: Counter[str]) -> Iterator[Installation]:
    """The installation, which ends with the last test that uses it."""
    yield installation
    to_come["home"] -= 1
    if not to_come["home"]:
        installation.stop()


@pytest.fixture
def open_shop(home: Installation) -> Iterator[OpenShop]:
    """Opens shops, and closes them at the end of the test."""
    shops: list[Shop] = []

    def opened(agents: int = 1, **policy: object) -> Shop:
        shops.append(home.shop(agents, **policy))
        return shops[-1]

    yield opened
    for shop in shops:
        shop.close()
