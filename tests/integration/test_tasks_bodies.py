"""The tasks as the broker delivers them: each name has a body that takes what is sent, and failing loses nothing.

The house behind them is the real one, on a real Redis and database; the carrier is an address where nobody listens.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from callback import wiring
from callback.adapters.dispatch import ROUTES, CeleryDispatch
from callback.adapters.store.migrate import upgrade
from callback.domain.acts import Doer
from callback.domain.callback import Served, Source
from callback.domain.ids import AgentKey, AttemptId, CallSid, QueueKey, Token, new_token
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import configure, enrol, erase, presence
from callback.flows.tasks import PAUSES_S
from callback.ports import CarrierBusy, House
from tests.fakes.dispatch import BODIES
from workers import celery as workers
from workers import tasks
from workers.rounds import Rounds

OWN, ADA = "+12015550100", "+12015550123"


class Kept:
    """What `CeleryDispatch` needs of an application: keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any], dict[str, Any]]] = []

    def send_task(self, name: str, args: list[Any], **options: Any) -> None:
        self.sent.append((name, args, options))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def house(redis_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch, kept: Kept) -> Iterator[House]:
    """The house that the tasks of this process work in."""
    upgrade(database_url)
    given = {
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "SECRET_KEY": "k" * 40,
        "TWILIO_ACCOUNT_SID": "AC" + "7" * 32,
        "TWILIO_AUTH_TOKEN": "secret",
        "TWILIO_CALLER_ID": OWN,
        "TWILIO_API_BASE_URL": "http://127.0.0.1:9",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    workers.settings.cache_clear()
    built = wiring.build(workers.settings(), CeleryDispatch(kept))
    monkeypatch.setitem(workers._built, os.getpid(), built)
    monkeypatch.setattr(tasks, "rounds", Rounds())
    configure.put_queue(built.house, QueueKey("support"), name="Support", by="test")
    configure.put_agent(
        built.house, AgentKey("ann"), name="Ann", contact="client:ann", queues=[Served(QueueKey("support"))], by="test"
    )
    yield built.house
    built.store.close()
    built.redis.close()
    workers.settings.cache_clear()


def test_every_task_that_is_sent_has_a_body_and_a_queue() -> None:
    bodies = {name for name in workers.app.tasks if name.startswith("workers.tasks.")}
    assert bodies == set(ROUTES)
    assert {f"workers.tasks.{name}" for name in BODIES} <= bodies


def test_what_is_sent_fits_the_body_and_carries_ids_only(house: House, kept: Kept) -> None:
    kept.sent.clear()
    house.dispatch.connect(Token("rs1"), 3, paced=True)
    house.dispatch.dial_customer(AttemptId("at1"), paced=True)
    house.dispatch.hang_up(CallSid("CA1"))
    house.dispatch.redirect(CallSid("CA1"), "http://callback.test/voice/back")
    house.dispatch.text("tx1")
    house.dispatch.persist()
    assert [(name.removeprefix("workers.tasks."), args) for name, args, _ in kept.sent] == [
        ("connect", ["rs1", True]),
        ("dial_customer", ["at1", True]),
        ("hang_up", ["CA1"]),
        ("redirect", ["CA1", "http://callback.test/voice/back", False]),
        ("text", ["tx1"]),
        ("persist", []),
    ]
    assert kept.sent[0][2]["countdown"] == 3


def test_tasks_that_come_late_or_twice_do_nothing(house: House) -> None:
    for _ in range(2):
        tasks.connect(new_token())
        tasks.persist()
        tasks.sweep()
    assert tasks.stand_again() == 0


def test_a_carrier_that_cannot_be_reached_loses_neither_promise_nor_text(house: House, kept: Kept) -> None:
    callback, _ = enrol.request(
        house, queue=QueueKey("support"), number=ADA, source=Source.API, idempotency=None, cause="test"
    )
    presence.set_presence(house, AgentKey("ann"), AgentStatus.AVAILABLE)
    for name, args, _ in list(kept.sent):
        getattr(tasks, name.removeprefix("workers.tasks."))(*args)
    with house.store.begin() as work:
        now = work.callback(callback.id)
        (attempt,) = work.attempts(callback.id)
        (waiting,) = work.unsent_texts(before=house.clock.now())
    assert (now.state, now.attempts_left, str(attempt.outcome)) == (State.WAITING, 3, "refused")
    assert waiting.callback == callback.id
    assert house.line.agent(AgentKey("ann")).status is AgentStatus.AVAILABLE


def test_a_leg_that_cannot_be_ended_now_is_ended_later_and_in_the_end_fails_loudly(house: House, kept: Kept) -> None:
    kept.sent.clear()
    tasks.hang_up(CallSid("CA" + "1" * 32))
    name, args, options = kept.sent[-1]
    assert (name, args) == ("workers.tasks.hang_up", ["CA" + "1" * 32, 1])
    assert 1 <= options["countdown"] < 2
    with pytest.raises(CarrierBusy):
        tasks.hang_up(CallSid("CA" + "1" * 32), len(PAUSES_S))
    assert len(kept.sent) == 1


def test_who_wants_to_be_forgotten_is_gone_on_with_and_a_carrier_that_is_away_asked_again(house: House) -> None:
    made, _ = enrol.request(
        house, queue=QueueKey("support"), number=ADA, source=Source.API, idempotency=None, cause="test"
    )
    wish = erase.ask(house, erase.person(house.store, number=ADA), doer=Doer("cli:test"))
    assert tasks.erase() == 1
    assert tasks.erase() == 0, "the same tick, twice"
    with house.store.look() as work:
        known = work.erasure(wish.id)
        assert work.callback(made.id).number == ""
    assert (known.stage, known.error) == ("blanked", "no connection to the carrier")
    assert known.next_at is not None
