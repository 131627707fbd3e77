"""What the Redis behind the line is and how it is set up: for whoever has to say what is wrong with it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

FAULTS = (redis.RedisError,)
"""What every use of the line raises when Redis cannot be reached or refuses."""


@dataclass(frozen=True)
class Server:
    """A Redis or Valkey server. `appendonly` and `eviction` are None where it does not tell."""

    name: str
    version: tuple[int, ...]
    appendonly: bool | None
    eviction: str | None
    clock_ahead_s: float

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))}"


def inspect(client: redis.Redis, *, local: Callable[[], float] = time.time) -> Server:
    """Asks the server. `local` gives this machine's seconds since 1970. Raises one of FAULTS."""
    info = client.info()
    sent = local()
    seconds, micros = client.time()
    here = (sent + local()) / 2
    valkey = info.get("valkey_version")
    enabled = info.get("aof_enabled")
    return Server(
        name="Valkey" if valkey else "Redis",
        version=tuple(int(part) for part in str(valkey or info["redis_version"]).split(".")[:3] if part.isdigit()),
        appendonly=None if enabled is None else bool(enabled),
        eviction=info.get("maxmemory_policy"),
        clock_ahead_s=seconds + micros / 1e6 - here,
    )


def alive(client: redis.Redis, key: str) -> bool:
    """Whether `key` exists: locks that their holder renews say so whether it lives. Raises one of FAULTS."""
    return bool(client.exists(key))
