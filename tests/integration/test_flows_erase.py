"""Somebody is forgotten: afterwards nothing in the house knows them, and everybody else is as before.

Everything is searched: every row with its seals opened, every key and value in Redis, every task, the carrier's records
and the log.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, cast

import pytest
import structlog
from sqlalchemy import select

from callback.adapters.store.sealed import Sealer, Unsealable
from callback.adapters.store.tables import metadata
from callback.domain.acts import Doer, What
from callback.domain.callback import Callback, Served
from callback.domain.erasure import LATE, Erasure, Stage
from callback.domain.errors import InvalidInput, NotFound
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import configure, erase, rebuild
from callback.flows.audit import audit
from callback.ports import CarrierBusy, CarrierStopped
from tests.support.house import ADA, OWN, StagedHouse, on_both
from tests.support.record import SECRET
from tests.support.steps import Killed

BOB, EVE = "+12015550177", "+12015550188"
NAME = "Zoë Unmistakable"
FORMS = ("+12015550123", "12015550123", "2015550123", "201-555-0123", "(201) 555-0123", "2 0 1, 5 5 5, 0 1 2 3", NAME)
DOER = Doer("cli:test")


# --- everything -------------------------------------------------------------------------------------------------


def opened(value: Any, sealer: Sealer, abouts: list[str]) -> str:
    """A value as whoever has the key can read it."""
    if isinstance(value, bytes):
        for about in abouts:
            try:
                return sealer.open(value, about)
            except Unsealable:
                continue
        return value.decode("latin-1")
    return json.dumps(value, ensure_ascii=False, default=str)


def record_of(staged: StagedHouse) -> Iterator[str]:
    """Every value of every row, unsealed."""
    sealer = Sealer([SECRET])
    with staged.sql.engine.connect() as connection:
        for table in metadata.sorted_tables:
            keys = [column.name for column in table.primary_key.columns]
            for row in connection.execute(select(table)):
                values = dict(row._mapping)
                for name, value in values.items():
                    abouts = [f"{table.name}.{name}:{values[key]}" for key in keys]
                    yield f"{table.name}.{name}: {opened(value, sealer, abouts)}"


def line_of(staged: StagedHouse) -> Iterator[str]:
    """Every key and value of Redis, with what is concealed in it revealed."""
    read: dict[str, Any] = {
        "string": staged.redis.get,
        "hash": staged.redis.hgetall,
        "set": staged.redis.smembers,
        "zset": lambda key: staged.redis.zrange(key, 0, -1, withscores=True),
        "stream": staged.redis.xrange,
        "list": lambda key: staged.redis.lrange(key, 0, -1),
        "none": lambda key: "",  # its time was over since the keys were listed
    }
    for key in cast(list[str], staged.redis.keys("*")):
        value = str(read[cast(str, staged.redis.type(key))](key))
        yield f"{key}: {value}"
        for word in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", value):
            if len(word) % 4 == 0 and base64.b64decode(word):
                yield f"{key}: {staged.sql.reveal(word)}"


def carrier_of(staged: StagedHouse) -> Iterator[str]:
    """The carrier's records of calls and texts."""
    yield from (f"call {sid}: {call}" for sid, call in staged.carrier._calls.items())
    yield from (f"text: {text}" for text in staged.carrier.texts)


def where(staged: StagedHouse, number: str = ADA, *, at_carrier: bool = True) -> list[str]:
    """Wherever somebody is found."""
    everything = [*record_of(staged), *line_of(staged), *map(repr, staged.dispatch.waiting)]
    everything += carrier_of(staged) if at_carrier else ()
    known = staged.sql.number_hash(number)
    forms = FORMS if number == ADA else (number, number[2:])
    return [found for found in everything if any(form in found for form in (*forms, known, known[:24]))]


def history(staged: StagedHouse, number: str = ADA) -> Callback:
    """Somebody who rang, chose a language, was promised, told, called back and talked to; and rang in vain."""
    leg = staged.ring_in(number)
    leg.press("9")
    staged.ring_in(number).hang_up()
    leg.press("1")
    leg.press("1")
    leg.hang_up()
    staged.send_texts()
    staged.available()
    staged.work()
    called = staged.outgoing()
    called.ring()
    called.pick_up()
    called.press("1")
    agent = staged.talking(called)
    staged.wait(60)
    called.hang_up()
    agent.hang_up()
    staged.work()
    staged.away()
    staged.journal()
    return staged.by_number(number)


def forget(staged: StagedHouse, number: str = ADA, **how: Any) -> Erasure:
    someone = erase.person(staged.sql, number=number)
    asked = erase.ask(staged.house, someone, doer=DOER, **how)
    return done(staged, asked.id)


def done(staged: StagedHouse, id: str) -> Erasure:
    """As far as it goes without time passing."""
    erasure = erase.go_on(staged.house, id)
    for _ in range(5):
        if erasure.stage is Stage.BLANKED and not erasure.error:
            erasure = erase.go_on(staged.house, id)
    return erasure


def people(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)


# --- the whole of it ----------------------------------------------------------------------------------------------


@on_both
def test_nothing_in_the_house_knows_somebody_who_was_forgotten(staged: StagedHouse) -> None:
    people(staged)
    callback, other = history(staged), history(staged, BOB)
    named = staged.promise(ADA, name=NAME, context={"note": f"call {NAME}"})
    assert where(staged), "the search finds them before"
    rows_before = len(list(record_of(staged)))
    with structlog.testing.capture_logs() as log:
        erasure = forget(staged)
    assert erasure.stage is Stage.DONE
    assert set(erasure.found) >= {"callbacks", "calls", "texts"}
    staged.wait(LATE.total_seconds() + 1)
    erase.keep(staged.house)

    assert where(staged) == []
    assert not any(form in str(log) for form in FORMS)
    assert len(list(record_of(staged))) >= rows_before
    assert staged.state(callback) is State.COMPLETED
    assert staged.state(named) is State.CANCELLED
    assert [entry.reason for entry in staged.journal(named.id)][-1] == erase.WISH
    assert where(staged, BOB)
    assert staged.now(other).number == BOB
    assert staged.order() == []


def test_the_audit_stays_green_and_a_rebuild_works_afterwards(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    waiting = staged.promise(BOB)
    staged.promise(ADA)
    forget(staged)
    report = audit(staged.house)
    assert report.holds, report.breaches
    rebuild.rebuild(staged.house)
    assert staged.order() == [waiting.id]
    assert audit(staged.house).holds


def test_tasks_that_were_on_their_way_end_quietly(staged: StagedHouse) -> None:
    people(staged)
    staged.queue()
    leg = staged.ring_in()
    leg.press("1")
    leg.press("1")
    leg.hang_up()
    staged.journal()
    waiting = [task for task in staged.dispatch.waiting if task.name == "text"]
    assert waiting, "a text is on its way to a worker"
    sent = len(staged.carrier.texts)
    assert forget(staged).stage is Stage.DONE
    staged.dispatch.waiting += waiting
    staged.available()
    staged.work()
    staged.sweep()
    assert len(staged.carrier.texts) == sent
    assert staged.unseen == 0, "nobody is rung"
    assert staged.status() is AgentStatus.AVAILABLE


# --- who is on the phone --------------------------------------------------------------------------------------------


def test_whoever_talks_at_this_moment_is_forgotten_when_the_call_has_ended(staged: StagedHouse) -> None:
    called = staged.called()
    called.pick_up()
    called.press("1")
    agent = staged.talking(called)
    erasure = forget(staged)
    assert (erasure.stage, erasure.error) == (Stage.ASKED, erase.ON_THE_PHONE)
    assert staged.callbacks()[0].number == ADA
    assert called.up, "nobody ends a talk"
    staged.wait(30)
    erase.keep(staged.house)
    assert staged.callbacks()[0].number == ADA

    called.hang_up()
    agent.hang_up()
    staged.work()
    for _ in range(3):
        staged.wait(60)
        erase.keep(staged.house)

    assert [one.number for one in staged.callbacks()] == [""]
    assert where(staged, at_carrier=True) == [found for found in where(staged) if "erasures.number_hash" in found]


def test_a_phone_that_rings_stops_ringing(staged: StagedHouse) -> None:
    called = staged.called()
    erasure = forget(staged)
    assert erasure.stage is Stage.BLANKED
    assert erasure.error == erase.GOING_ON, "the carrier has not ended it yet"
    staged.work()
    assert not called.up
    staged.wait(10)
    erase.keep(staged.house)
    with staged.sql.look() as work:
        assert work.erasure(erasure.id).stage is Stage.DONE


def test_somebody_in_line_without_a_promise_keeps_their_place_until_they_leave(staged: StagedHouse) -> None:
    people(staged)
    leg = staged.holding()
    assert forget(staged).error == erase.ON_THE_PHONE
    assert staged.place(leg.sid) == "hold"


# --- what is away -----------------------------------------------------------------------------------------------


def test_a_carrier_that_is_away_is_asked_again_until_it_has_forgotten(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    staged.carrier.fail_next(CarrierBusy("too much", 20429))
    erasure = forget(staged)
    assert (erasure.stage, erasure.error) == (Stage.BLANKED, "too much")
    assert where(staged, at_carrier=False), "its number, sealed, to ask the carrier by"
    assert staged.callbacks()[0].number == ""
    staged.carrier.fail_next(CarrierStopped("suspended", 20005))
    staged.wait(6)
    erase.keep(staged.house)
    for _ in range(3):
        staged.wait(120)
        erase.keep(staged.house)
    assert list(carrier_of(staged)) == []
    with staged.sql.look() as work:
        assert work.erasure(erasure.id).number == ""


def test_a_process_that_dies_after_any_step_is_followed_by_the_keeper(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    for step in count(1):
        staged.steps.restart()
        staged.promise()
        staged.steps.restart(kill_after=step)
        try:
            forget(staged)
        except Killed:
            staged.steps.restart()
            asked_again = forget(staged) if step == 1 else None  # before it was written down, nobody else knows
            assert asked_again is None or asked_again.stage is Stage.DONE
        else:
            break
        for _ in range(3):
            staged.wait(40)
            erase.keep(staged.house)
        assert [found for found in where(staged) if "erasures." not in found] == [], f"after step {step}"
    assert step > 8, "every step was looked at"


def test_a_line_that_is_away_keeps_nobody_from_being_forgotten_later(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    staged.steps.away = frozenset({"line"})
    erasure = forget(staged)
    assert (erasure.stage, erasure.error) == (Stage.ASKED, "away")
    staged.steps.away = frozenset()
    staged.wait(10)
    for _ in range(3):
        erase.keep(staged.house)
        staged.wait(1)
    assert [found for found in where(staged) if "erasures." not in found] == []


def test_whoever_asks_twice_gets_the_same_answer(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    someone = erase.person(staged.sql, number=ADA)
    first = erase.ask(staged.house, someone, doer=DOER)
    assert erase.ask(staged.house, someone, doer=DOER) == first
    done(staged, first.id)
    assert done(staged, first.id).stage is Stage.DONE
    again = erase.ask(staged.house, someone, doer=DOER)
    assert again.id != first.id
    assert done(staged, again.id).found == {}


def suppressed(staged: StagedHouse) -> bool:
    with staged.sql.look() as work:
        return work.suppressed(ADA)


def test_whoever_asks_for_more_meanwhile_gets_it_and_nothing_is_taken_back(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    with staged.sql.begin() as work:
        work.suppress(ADA, "test", staged.clock.now())
    someone = erase.person(staged.sql, number=ADA)
    first = erase.ask(staged.house, someone, doer=DOER, at_carrier=False)
    here = erase.go_on(staged.house, first.id, here_only=True)
    assert (here.stage, suppressed(staged)) == (Stage.BLANKED, True)
    wider = erase.ask(staged.house, someone, doer=DOER, protection=True)
    assert (wider.id, wider.stage, wider.protection, wider.at_carrier) == (first.id, Stage.ASKED, True, True)
    assert erase.ask(staged.house, someone, doer=DOER, at_carrier=False) == wider, "less than that changes nothing"
    ended = done(staged, first.id)
    assert (ended.stage, suppressed(staged)) == (Stage.DONE, False)
    assert [found for found in where(staged) if "erasures." not in found] == []
    assert ended.found["suppressed"] == 1
    assert ended.found["callbacks"] == here.found["callbacks"], "what was blanked before is told, too"
    with staged.sql.look() as work:
        asked = [one for one in work.acts() if one.what == What.ERASE]
    assert [one.after for one in asked] == [
        {"protection": True, "at_carrier": True},
        {"protection": False, "at_carrier": False},
    ]


def test_what_was_on_its_way_is_looked_for_once_more(staged: StagedHouse) -> None:
    people(staged)
    staged.promise()
    with staged.sql.look() as work:
        sid = next(iter(work.everything(staged.sql.number_hash(ADA))["texts"]))["id"]
        late = work.text(sid)
    erasure = forget(staged)
    with staged.sql.begin() as work:
        work.save_text(late)  # by a worker who had read it before
    assert where(staged)
    staged.wait(LATE.total_seconds() + 1)
    for _ in range(3):
        erase.keep(staged.house)
        staged.wait(10)
    assert where(staged) == []
    with staged.sql.look() as work:
        known = work.erasure(erasure.id)
        assert (known.number_hash, known.next_at, known.stage) == ("", None, Stage.DONE)


# --- who it is ----------------------------------------------------------------------------------------------------


def test_a_callback_leads_to_whoever_is_behind_it(staged: StagedHouse) -> None:
    people(staged)
    callback = history(staged)
    someone = erase.person(staged.sql, callback=callback.id)
    assert someone == erase.person(staged.sql, number="+1 201-555-0123")
    forget(staged)
    with pytest.raises(NotFound, match="names nobody any more"):
        erase.person(staged.sql, callback=callback.id)


@pytest.mark.parametrize("number", [OWN, "12", "nobody"])
def test_a_number_of_ours_or_none_at_all_is_refused(staged: StagedHouse, number: str) -> None:
    people(staged)
    with pytest.raises(InvalidInput):
        erase.ask(staged.house, erase.person(staged.sql, number=number), doer=DOER)


def test_a_row_that_cannot_be_read_is_forgotten_too(staged: StagedHouse) -> None:
    people(staged)
    callback = staged.promise()
    with staged.sql.engine.begin() as connection:
        callbacks = metadata.tables["callbacks"]
        connection.execute(callbacks.update().values(number=b"damaged"))
    someone = erase.person(staged.sql, callback=callback.id)
    assert someone.number == ""
    erasure = done(staged, erase.ask(staged.house, someone, doer=DOER).id)
    assert erasure.stage is Stage.DONE
    assert staged.now(callback).state is State.CANCELLED
    assert staged.now(callback).number == ""
    assert staged.order() == []


def test_the_carrier_is_not_asked_by_the_number_of_somebody_who_works_here(staged: StagedHouse) -> None:
    staged.queue()
    queues = [Served(QueueKey("support"))]
    configure.put_agent(staged.house, AgentKey("eve"), name="Eve", contact=EVE, queues=queues, by="test")
    staged.carrier.receive(to=OWN, from_=EVE)
    assert erase.holdings(staged.house, erase.person(staged.sql, number=EVE)).works_here
    assert forget(staged, EVE).stage is Stage.DONE
    assert any(EVE in found for found in carrier_of(staged))


# --- protection and age -------------------------------------------------------------------------------------------


def test_somebody_who_must_not_be_rung_stays_protected(staged: StagedHouse) -> None:
    people(staged)
    history(staged)
    with staged.sql.begin() as work:
        work.suppress(ADA, "did not ask", staged.clock.now())
    forget(staged)
    with staged.sql.look() as work:
        assert work.suppressed(ADA)
    forget(staged, protection=True)
    with staged.sql.look() as work:
        assert not work.suppressed(ADA)


def test_what_is_too_old_names_nobody_any_more(staged: StagedHouse) -> None:
    people(staged)
    old = history(staged)
    staged.wait(timedelta(days=8).total_seconds())
    new = history(staged, BOB)
    house = replace(staged.house, knobs=replace(staged.house.knobs, retention_days=7, retention_at_carrier=True))
    assert erase.forget_old(staged.house) == 0, "kept, unless it was asked for"
    assert erase.forget_old(house) > 0
    assert erase.forget_old(house) == 0
    assert staged.now(old).number == ""
    assert staged.now(new).number == BOB
    for _ in range(3):
        erase.keep(house)
        staged.wait(1)
    assert not any(ADA in found for found in carrier_of(staged))
    assert any(BOB in found for found in carrier_of(staged))
