"""Where a caller's number could get out: a log, Redis, a task; and where one message could go out twice."""

import threading
import traceback
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import redis

from callback.adapters.line.once import RedisOnce
from callback.adapters.telephony.client import TwilioCarrier
from callback.domain.callback import Text
from callback.flows import text
from callback.ports import CarrierBusy
from tests.support.house import ADA, OWN, StagedHouse, on_both
from tests.support.ports import free_port

OTHER = "+12015550177"


def test_a_carrier_that_cannot_be_reached_puts_no_number_into_a_log() -> None:
    carrier = TwilioCarrier("AC" + "1" * 32, "secret", f"http://127.0.0.1:{free_port()}", timeout_s=10)
    with pytest.raises(CarrierBusy) as raised:
        carrier.calls(to=ADA, from_=OWN, since=datetime(2026, 3, 2, tzinfo=UTC))
    carrier.close()
    logged = "".join(traceback.format_exception(raised.value))
    assert ADA.strip("+") not in logged
    assert OWN.strip("+") not in logged


def everything_in(client: redis.Redis) -> str:
    """Keys and values of every kind, as one text."""
    read: dict[str, Any] = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
        "list": lambda key: client.lrange(key, 0, -1),
        "none": lambda key: "",  # its time was over since the keys were listed
    }
    keys = cast(list[str], client.keys("*"))
    return "\n".join(f"{key} {read[cast(str, client.type(key))](key)}" for key in keys)


def test_redis_and_the_tasks_hold_no_number_in_clear(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    leg = staged.ring_in(ADA)
    leg.press("1")
    leg.press("2")
    leg.press(OTHER.removeprefix("+1"))
    leg.press("1")
    staged.holding(ADA)
    staged.available()
    staged.work()
    told = everything_in(staged.redis) + repr(staged.dispatch.done)
    for number in (ADA, OTHER):
        for written in (number, number.removeprefix("+1"), "2 0 1, 5 5 5"):
            assert written not in told


def test_a_document_is_repeated_from_its_sealed_copy(staged: StagedHouse) -> None:
    once = RedisOnce(staged.redis, conceal=staged.sql.conceal, reveal=staged.sql.reveal)
    assert [once.document("n", lambda: "first"), once.document("n", lambda: "second")] == ["first", "first"]
    other = RedisOnce(staged.redis, reveal=lambda _: "")
    assert other.document("n", lambda: "third") == "third", "sealed by a key that is gone"


@on_both
def test_a_text_that_two_workers_take_up_is_sent_once(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    sent_before = len(staged.carrier.texts)
    for number in range(12):
        with staged.sql.begin() as work:
            work.add_text(Text(f"tx{number}", callback.id, "nearly", ADA, "soon", staged.clock.now()))
        together = threading.Barrier(2)

        def send(number: int = number, together: threading.Barrier = together) -> None:
            together.wait(30)
            text.send(staged.house, f"tx{number}")

        workers = [threading.Thread(target=send) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
    assert len(staged.carrier.texts) - sent_before == 12
