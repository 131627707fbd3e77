"""Many workers with the same task: each is a process of its own, and all would ask the carrier for the same call.

The carrier is a list in Redis, beside the line's own keys: whoever asks for a call leaves its number there, whatever
the record says.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Served, Source
from callback.domain.ids import AgentKey, CallSid, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.flows import cancel, configure, dial, enrol, presence
from callback.flows.book import LineBook
from callback.ports import CarrierCall, House, NewCall
from tests.fakes.carrier import FakeCarrier
from tests.fakes.dispatch import RecordingDispatch
from tests.support.clock import ManualClock
from tests.support.house import StagedHouse
from tests.support.racing import racing
from tests.support.record import SECRET

CREATED = "asked"
SUPPORT, ANN = QueueKey("support"), AgentKey("ann")


class ListedCarrier(FakeCarrier):
    """Writes down whom it was asked to call, where every process can read it."""

    def __init__(self, clock: ManualClock, listed: redis.Redis) -> None:
        super().__init__(clock)
        self._listed = listed

    def create_call(self, call: NewCall) -> CallSid:
        """See `ports.Carrier`."""
        number = self._listed.rpush(CREATED, call.to)
        return CallSid(f"CA{number:032x}")

    def fetch(self, call: CallSid) -> CarrierCall | None:
        """Nobody's call lasts."""
        return None

    def calls(self, *, to: str, from_: str, since: datetime) -> list[CarrierCall]:
        """Nobody's call lasts."""
        return []


def a_house(redis_url: str, database_url: str) -> tuple[House, redis.Redis, RecordingDispatch]:
    """A worker's house on the shared line and record."""
    clock = ManualClock()
    store = SqlStore(database_url, SECRET)
    staged = StagedHouse(redis_url, store, clock)
    staged.redis.close()
    client = make_client(redis_url, timeout_s=20)
    line, dispatch = RedisLine(client, clock), RecordingDispatch(clock)
    house = replace(
        staged.house,
        line=line,
        store=store,
        book=LineBook(line, clock),
        carrier=ListedCarrier(clock, client),
        dispatch=dispatch,
    )
    return house, client, dispatch


def race(redis_url: str, database_url: str, start: Any, tokens: Any) -> None:
    """One worker's whole life: the same task as everybody, at the same moment."""
    house, client, _ = a_house(redis_url, database_url)
    with client, closing(cast(SqlStore, house.store)):
        while token := tokens.get(timeout=60):
            start.wait()
            dial.connect(house, Token(token), paced=True)  # the clock stands, so the slots of the pace would run out
            start.wait()


def race_to_dial(redis_url: str, database_url: str, *, racers: int, races: int) -> list[list[str]]:
    """Whom the carrier was asked to call in each race."""
    context = racing()
    start = context.Barrier(racers + 1, timeout=60)
    queues = [context.Queue() for _ in range(racers)]
    crowd = [
        context.Process(target=race, args=(redis_url, database_url, start, tokens), daemon=True) for tokens in queues
    ]
    for racer in crowd:
        racer.start()
    try:
        return referee(redis_url, database_url, races, start, queues)
    finally:
        for tokens in queues:
            tokens.put("")
        for racer in crowd:
            racer.join(timeout=20)
            racer.kill()


def referee(redis_url: str, database_url: str, races: int, start: Any, queues: Sequence[Any]) -> list[list[str]]:
    """Before each race somebody is promised a call and an agent becomes free; after it they change their mind."""
    house, client, dispatch = a_house(redis_url, database_url)
    asked: list[list[str]] = []
    with client, closing(cast(SqlStore, house.store)):
        configure.put_queue(house, SUPPORT, name="Support", numbers=("+12015550100",), policy={}, by="race")
        configure.put_agent(house, ANN, name="Ann", contact="client:ann", queues=[Served(SUPPORT, 1)], by="test")
        for number in range(races):
            made, _ = enrol.request(
                house, queue=SUPPORT, number=f"+1201556{number:04d}", source=Source.API, idempotency=None, cause="race"
            )
            dispatch.waiting.clear()
            presence.set_presence(house, ANN, AgentStatus.AVAILABLE)
            (task,) = [task for task in dispatch.waiting if task.name == "connect"]
            for tokens in queues:
                tokens.put(task.args[0])
            start.wait()
            start.wait()
            asked.append(cast(list[str], client.lrange(CREATED, 0, -1)))
            client.delete(CREATED)
            presence.set_presence(house, ANN, AgentStatus.AWAY)
            cancel.cancel(house, made.id, reason="the race is over", cause="race")
    return asked
