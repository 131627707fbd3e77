"""The tests' own servers: what every other test stands on."""

import psycopg
import pytest
import redis

from tests.support.postgres import PostgresServer
from tests.support.redis_server import RedisServer


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty_at_the_start_of_each_test(redis_url: str, turn: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", turn)


def test_the_oldest_supported_redis_is_6_2(redis62_url: str) -> None:
    with redis.Redis.from_url(redis62_url) as client:
        assert client.info("server")["redis_version"].startswith("6.2")


def test_a_killed_redis_comes_back_empty_at_the_same_address(own_redis: RedisServer) -> None:
    own_redis.command("SET", "kept", "no")
    own_redis.kill()
    own_redis.start()
    assert own_redis.command("EXISTS", "kept") == ":0"


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_its_own_postgresql_database(pg_url: str, turn: int) -> None:
    with psycopg.connect(pg_url.replace("+psycopg", "")) as session:
        session.execute("CREATE TABLE only_mine (turn int)")


def test_a_killed_postgresql_recovers_what_was_committed(own_postgres: PostgresServer) -> None:
    url = own_postgres.url().replace("+psycopg", "")
    with psycopg.connect(url) as session:
        session.execute("CREATE TABLE kept (it int)")
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(url) as session:
        assert session.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_database_of_each_kind_is_offered(database_url: str) -> None:
    assert database_url.split(":", maxsplit=1)[0] in {"sqlite", "postgresql+psycopg"}
