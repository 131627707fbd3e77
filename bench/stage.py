"""The ground of a benchmark: a Redis and a database of its own, the house on them, and a furnished queue.

The queue is as the targets want it: staffed, nobody free, its wait below the threshold, so that nobody is offered
a callback and nobody is connected at once.
"""

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from callback import settings, wiring
from callback.adapters.store import migrate
from callback.domain.callback import Agent, Served
from callback.domain.ids import AgentKey, CallSid, QueueKey, new_token, token_hash
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.flows import configure
from callback.ports import ApiToken
from callback.web.credentials import new_token as new_api_token
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer, valkey_binary

DATABASES = ("postgresql", "sqlite")
SUPPORT = QueueKey("support")
NUMBER = "+12015550100"
ACCOUNT = "AC" + "5" * 32
CARRIER_TOKEN = "carrier-token"
NEVER_S = 86_400
"""A threshold that no wait of a benchmark reaches."""
TALKING = 20
"""Agents who talk."""


@dataclass(frozen=True)
class Stage:
    """Where a benchmark plays. `env` is the environment of our processes, `built` the house in this one."""

    database: str
    redis: RedisServer
    built: wiring.Built
    settings: settings.Settings
    env: Mapping[str, str]
    token: str

    @property
    def base(self) -> str:
        """Of our web server."""
        return self.settings.public_base_url

    def furnish(self, idle: int = 0, serving: tuple[QueueKey, ...] = (SUPPORT,)) -> None:
        """An empty line with the queue `support`: some agents talk, and `idle` ones are not there yet."""
        self.built.redis.flushall()
        house, now = self.built.house, self.built.house.clock.now()
        talking = [_agent(f"talks{n}", n, serving) for n in range(TALKING)]
        absent = [_agent(f"a{n}", 1000 + n, serving) for n in range(idle)]
        with house.store.begin() as work:
            work.put_queue(SUPPORT, "Support", (NUMBER,), now)
            work.put_policy(SUPPORT, _policy(), by="bench", why="out of reach", at=now)
            for agent in (*talking, *absent):
                work.put_agent(agent, now)
        configure.publish(house)
        for agent in talking:
            self._talk(agent.key, serving[0])

    def _talk(self, agent: AgentKey, queue: QueueKey) -> None:
        line, now = self.built.house.line, self.built.house.clock.now()
        line.presence(agent, AgentStatus.AVAILABLE, now=now)
        token = new_token()
        line.arrive(
            queue, CallSid("CA" + secrets.token_hex(16)), credit_s=0, number_hash="", language="en", lease_s=3600,
            token=token, now=now,
        )  # fmt: skip
        line.bridge(token, now=now)


def _policy() -> Policy:
    return replace(Policy(), offer_at_wait_s=NEVER_S, stop_offering_at_wait_s=NEVER_S)


def _agent(key: str, number: int, serving: tuple[QueueKey, ...]) -> Agent:
    return Agent(AgentKey(key), key, f"+1201556{number:04}", tuple(Served(queue, 1) for queue in serving))


@contextmanager
def stage(database: str, carrier: str = "http://127.0.0.1:9") -> Iterator[Stage]:
    """Everything, empty, while the block runs. `carrier` is the address of what plays the carrier's REST API."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _redis() as redis, _record(database, folder) as url:
        migrate.upgrade(url)
        port = free_port()
        env = {
            "DATABASE_URL": url,
            "REDIS_URL": redis.url,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
            "SECRET_KEY": "a secret of thirty-two characters!",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": CARRIER_TOKEN,
            "TWILIO_API_BASE_URL": carrier,
            "CARRIER_CALLS_PER_SECOND": "1000",
            "VAR_DIR": folder,
        }
        known = settings.load(env)
        built = wiring.build(known)
        token = new_api_token()
        with built.store.begin() as work:
            work.put_token(ApiToken("bench", "admin", token_hash(token)))
        yield Stage(database, redis, built, known, env, token)
        built.store.close()
        built.redis.close()


@contextmanager
def _redis() -> Iterator[RedisServer]:
    server = RedisServer(valkey_binary())
    try:
        yield server.start()
    finally:
        server.close()


@contextmanager
def _record(database: str, folder: str) -> Iterator[str]:
    if database == "sqlite":
        yield f"sqlite:///{Path(folder) / 'callback.sqlite3'}"
        return
    server = PostgresServer()
    try:
        server.start()
        yield server.url(server.create_database())
    finally:
        server.close()
