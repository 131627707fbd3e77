"""An audit of a whole house: the journal, the record and the line say the same, or the difference is found."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, update

from callback.adapters.store.tables import attempts, callbacks
from callback.domain.audit import Invariant, Since
from callback.domain.callback import Callback, Entry, Outcome
from callback.domain.ids import EntryId, new_attempt_id
from callback.domain.lifecycle import State
from callback.domain.order import Rule
from callback.flows import cancel, rebuild
from callback.flows.audit import Report, audit
from tests.support.house import ADA, SUPPORT, StagedHouse, on_both

BOB = "+12015550124"
LOST, TWICE, CANCELLED, AGENT = Invariant.LOST, Invariant.TWICE, Invariant.CANCELLED, Invariant.AGENT


def look(staged: StagedHouse, **asked: object) -> Report:
    """An audit, when whatever the sweep mends would have been mended."""
    staged.wait(60)
    return audit(staged.house, **asked)  # type: ignore[arg-type]


def kinds(report: Report) -> list[Invariant]:
    return [breach.kind for breach in report.breaches]


def change(staged: StagedHouse, callback: Callback, **values: object) -> None:
    """Behind everybody's back."""
    with staged.sql.engine.begin() as connection:
        connection.execute(update(callbacks).where(callbacks.c.id == callback.id).values(**values))


@on_both
def test_a_day_of_work_breaks_nothing_and_every_overtaking_has_its_rule(staged: StagedHouse) -> None:
    staged.queue(wrap_up_s=0)
    staged.agent("ann", free=False)
    waiting = staged.ring_in("+12015550177")
    kept = staged.promise(ADA)
    cancelled = staged.promise(BOB)
    cancel.cancel(staged.house, cancelled.id, reason="no longer needed", cause="test")
    staged.available()
    staged.work()
    customer = staged.outgoing()
    customer.ring()
    customer.pick_up()
    customer.press("1")
    staged.talking(customer)
    report = look(staged, list_overtakings=True)
    assert report.holds, report.breaches
    assert report.line_compared
    assert (report.pairings, report.dials, report.promises) == (1, 1, 1)
    assert report.overtakings == {Rule.IN_MENU: 1}
    (one,) = report.listed
    assert (one.passer, one.passed, one.rule) == (kept.id, waiting.sid, Rule.IN_MENU)


def test_what_is_of_another_queue_or_of_before_is_not_told(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    change(staged, callback, state=State.SCHEDULED)
    assert kinds(look(staged)) == [LOST]
    assert kinds(look(staged, queue="billing")) == []
    assert kinds(look(staged, queue=SUPPORT)) == [LOST]
    assert look(staged, since=Since(seq=10_000)).pairings == 0


@on_both
def test_a_promise_in_another_state_than_its_journal_is_found(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    change(staged, callback, state=State.SCHEDULED)
    (breach,) = look(staged).breaches
    assert breach.kind is LOST
    assert breach.text == f"{callback.id} is scheduled in the record, and waiting in the journal"
    change(staged, callback, state=State.WAITING)


def test_a_promise_that_vanished_from_the_record_is_found(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    change(staged, callback, state=State.EXPIRED, ended_at=staged.clock.now())
    (breach,) = look(staged).breaches
    assert (breach.kind, breach.subject) == (LOST, callback.id)
    assert "no open promise in the record" in breach.text


@pytest.mark.parametrize("waits", [True, False])
def test_a_promise_that_stands_nowhere_is_found_unless_it_waits_for_its_time(
    staged: StagedHouse, *, waits: bool
) -> None:
    staged.queue()
    callback = staged.promise()
    staged.line.leave(EntryId(callback.id), reason="a crash", now=staged.clock.now())
    if waits:
        change(staged, callback, next_attempt_at=staged.clock.now() + timedelta(hours=1))
    assert kinds(look(staged)) == ([] if waits else [LOST])


def test_a_promise_that_stands_nowhere_since_a_moment_ago_is_left_to_the_sweep(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.line.leave(EntryId(callback.id), reason="a crash", now=staged.clock.now())
    assert audit(staged.house).holds


def test_a_promise_in_quarantine_stands_nowhere_and_is_not_lost(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    staged.line.leave(EntryId(callback.id), reason="poison", now=staged.clock.now())
    with staged.sql.begin() as work:
        now = staged.clock.now()
        work.note_failure("callback", callback.id, queue=SUPPORT, step="dial", reason="poison", at=now, hold_at=1)
    assert look(staged).holds


def test_an_agent_in_a_pairing_that_there_is_not_is_found(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.promise()
    token = staged.pairing().token
    staged.redis.delete(f"{{cb}}:r:{token}")
    assert AGENT in kinds(look(staged))


def test_an_agent_whose_lease_nobody_looks_after_is_found(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.promise()
    assert AGENT not in kinds(audit(staged.house))
    staged.wait(30)
    (breach,) = look(staged).breaches
    assert breach.kind is AGENT
    assert breach.text.startswith("ann is reserved although the lease ended")


def dial(staged: StagedHouse, callback: Callback, number: int, begins: float, lasts: float | None) -> None:
    """An attempt behind everybody's back, so many seconds from now."""
    asked = staged.clock.now() + timedelta(seconds=begins)
    row = {
        "id": new_attempt_id(), "callback": callback.id, "number": number, "mode": "customer_first",
        "created_at": asked, "asked_at": asked, "answered_by": "", "error": "",
        "ended_at": None if lasts is None else asked + timedelta(seconds=lasts),
        "outcome": None if lasts is None else Outcome.NO_ANSWER,
    }  # fmt: skip
    with staged.sql.engine.begin() as connection:
        connection.execute(insert(attempts).values(row))


@pytest.mark.parametrize(("first", "found"), [(20, []), (None, [TWICE]), (50, [TWICE]), (31, [])])
@pytest.mark.parametrize("other_queue", [True, False])
def test_two_dials_of_one_telephone_at_once_are_found(
    staged: StagedHouse, first: float | None, found: list[Invariant], *, other_queue: bool
) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    mine = staged.promise()
    theirs = staged.promise(queue="billing") if other_queue else mine
    dial(staged, mine, 1, 0, first)
    dial(staged, theirs, 2, 30, 20)
    assert kinds(look(staged)) == found
    with staged.sql.engine.begin() as connection:
        connection.execute(delete(attempts))


@pytest.mark.parametrize(("seconds", "found"), [(60, [CANCELLED]), (-60, []), (1, [])])
def test_a_dial_after_a_cancel_is_found(staged: StagedHouse, seconds: float, found: list[Invariant]) -> None:
    staged.queue()
    callback = staged.promise()
    cancel.cancel(staged.house, callback.id, reason="no longer needed", cause="test")
    dial(staged, callback, 1, seconds, 5)
    assert kinds(look(staged)) == found


def test_a_line_that_is_rebuilt_is_not_compared_and_afterwards_holds(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    callback = staged.promise()
    staged.wait(1)
    leg = staged.holding("+12015550177")
    staged.journal()
    staged.redis.flushall()
    report = audit(staged.house)
    assert (report.holds, report.line_compared) == (True, False)
    rebuild.rebuild(staged.house)
    report = look(staged)
    assert report.holds, report.breaches
    assert report.line_compared
    assert staged.order() == [callback.id, leg.sid]


def test_what_moves_while_it_is_looked_at_is_looked_at_again(staged: StagedHouse) -> None:
    staged.queue()
    callback = staged.promise()
    looks = 0

    def work_goes_on(_: float) -> None:
        nonlocal looks
        looks += 1
        with staged.sql.begin() as work:
            late = Entry(staged.clock.now(), "callback", callback.id, State.WAITING, State.SCHEDULED, "late", data={})
            work.write(late)

    change(staged, callback, state=State.SCHEDULED)
    staged.wait(60)
    assert audit(replace(staged.house, pause=work_goes_on)).holds
    assert looks == 1
