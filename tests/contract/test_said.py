"""What callers are told, on its way to the record: on the servers we support."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.keys import BOARD, SAID
from callback.adapters.line.said import BATCH, RedisSaid
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.said import Moment, Saying
from callback.domain.wait import UNKNOWN, Measured, Wait
from tests.support.record import NOW
from tests.support.waiting import eventually


def saying(subject: str = "CA1", **changed: Any) -> Saying:
    simple = Wait(200.0, 100.0, "qlm")
    given: dict[str, Any] = {
        "at": NOW, "queue": QueueKey("support"), "subject": subject, "moment": Moment.ARRIVAL, "told": True,
        "position": 4, "joined_at": NOW - timedelta(seconds=5), "agents": {AgentStatus.BUSY: 2},
        "measured": Measured(10, 2000.5, 2, 600), "live": 3, "outstanding": 1, "offering_before": False,
        "wait": Wait(120.0, 60.0, "learnt", "7", simple, (30.0, 60.0, 110.0, 160.0, 200.0)), "offering": True,
        "reason": "wait", "sentence": "offering: 您好", "policy_version": 3,
        "promised": (NOW, NOW + timedelta(minutes=5)),
    }  # fmt: skip
    return Saying(**given | changed)


@pytest.fixture(params=["redis_url", "redis62_url"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with make_client(request.getfixturevalue(request.param), timeout_s=10) as client:
        yield client


def drained(said: RedisSaid, after: str = "0") -> list[Saying]:
    return [one for _, batch in said.drain(after, 100) for one in batch]


def came(said: RedisSaid, wanted: Saying) -> bool:
    return drained(said)[-1:] == [wanted]


def test_what_was_noted_comes_out_as_it_went_in_and_once_flushed_only(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=None)
    bare = saying(joined_at=None, position=None, promised=None, wait=UNKNOWN, moment=Moment.HOLD)
    said.note(saying())
    said.note(bare)
    assert drained(said) == []
    said.flush()
    assert drained(said) == [saying(), bare]


def test_many_go_in_few_entries_and_are_read_on_from_a_mark(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=None)
    for at in range(2 * BATCH + 1):
        said.note(saying(f"CA{at}"))
    said.flush()
    batches = said.drain("0", 2)
    assert [len(batch) for _, batch in batches] == [BATCH, BATCH]
    assert [one.subject for one in drained(said, batches[-1][0])] == [f"CA{2 * BATCH}"]
    said.forget(batches[-1][0])
    assert client.xlen(SAID) == 1


def test_what_cannot_be_read_costs_itself_alone(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=None)
    said.note(saying("CA1"))
    said.flush()
    entries: Any = client.xrange(SAID)
    [(_, fields)] = entries
    client.xadd(SAID, {"rows": fields["rows"][:-1] + ',{"of": "a later version"}]'})
    client.xadd(SAID, {"rows": "damaged"})
    client.xadd(SAID, {"other": "fields"})
    assert [one.subject for one in drained(said)] == ["CA1", "CA1"]
    assert len(said.drain("0", 100)) == 4


def test_while_redis_is_away_the_oldest_go_and_are_counted(own_redis: Any) -> None:
    with make_client(own_redis.url, timeout_s=5) as client:
        said = RedisSaid(client, every_s=None, most=3)
        client.ping()
        own_redis.kill()
        for at in range(5):
            said.note(saying(f"CA{at}"))
        said.flush()
        own_redis.start()
        eventually(client.ping)
        said.flush()
        assert [one.subject for one in drained(said)] == ["CA2", "CA3", "CA4"]
        assert client.hget(BOARD, "count|said_dropped") == "2"
        said.flush()
        assert client.hget(BOARD, "count|said_dropped") == "2"


def test_it_is_sent_by_itself_in_a_moment(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=0.01)
    for subject in ("CA1", "CA2"):
        said.note(saying(subject))
        eventually(partial(came, said, saying(subject)))


def test_a_process_that_was_forked_sends_its_own_notes_and_not_its_parents(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=None)
    said.note(saying("CA1"))
    child = os.fork()
    if child == 0:  # pragma: no cover -- in a process of its own
        said.note(saying("CA2"))
        said.flush()
        os._exit(0)
    os.waitpid(child, 0)
    said.flush()
    assert [one.subject for one in drained(said)] == ["CA2", "CA1"]


def test_what_nobody_can_write_holds_up_nothing(client: redis.Redis) -> None:
    said = RedisSaid(client, every_s=None)
    said.note(saying("CA1")._replace(sentence=object()))  # type: ignore[arg-type]
    said.note(saying("CA2"))
    said.flush()
    assert drained(said) == [saying("CA2")]


def test_a_note_costs_the_webhook_microseconds(redis_url: str) -> None:
    with make_client(redis_url, timeout_s=10) as client:
        said = RedisSaid(client, every_s=None)
        one = saying()
        began = time.thread_time()
        for _ in range(1000):
            said.note(one)
        assert (time.thread_time() - began) / 1000 < 100e-6
