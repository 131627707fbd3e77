"""Moved to the front: first in line with the journal's leave, and by no other way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callback.domain import order
from callback.domain.ids import EntryId
from callback.domain.lifecycle import Event, State
from callback.domain.order import Rule
from callback.flows import move, rebuild
from callback.flows.audit import audit
from callback.flows.stand_again import stand_again
from callback.flows.wishes import Hindered, TooLate
from tests.support.house import ADA, StagedHouse

BOB, CEM = "+12015550124", "+12015550125"
SUE = "console:sue@example.com"


@pytest.fixture
def line(staged: StagedHouse) -> StagedHouse:
    """Ada, Bob and Cem wait for an agent in this order."""
    staged.queue(quiet_hours=None)
    staged.agent("ann", free=False)
    for number in (ADA, BOB, CEM):
        staged.promise(number)
        staged.wait(60)
    return staged


def test_whoever_is_moved_is_first_and_their_passing_has_its_name(line: StagedHouse) -> None:
    cem = line.by_number(CEM)
    moved = move.to_front(line.house, cem.id, cause=SUE)
    assert line.order()[0] == cem.id
    assert moved.joined_at == cem.joined_at
    last = line.journal(cem.id)[-1]
    assert (last.reason, last.cause) == (move.TO_FRONT, SUE)
    line.available()
    assert line.pairing().entry == EntryId(cem.id)
    report = audit(line.house, list_overtakings=True)
    assert report.holds, report.breaches
    assert report.overtakings == {Rule.MOVED: 2}
    assert {(one.passer, one.passed) for one in report.listed} == {
        (cem.id, line.by_number(ADA).id),
        (cem.id, line.by_number(BOB).id),
    }


def test_the_last_who_is_moved_is_first_and_the_place_outlives_a_lost_line(line: StagedHouse) -> None:
    ada, bob, cem = (line.by_number(number) for number in (ADA, BOB, CEM))
    move.to_front(line.house, cem.id, cause=SUE)
    move.to_front(line.house, bob.id, cause=SUE)
    move.to_front(line.house, bob.id, cause=SUE)
    assert line.order() == [bob.id, cem.id, ada.id]
    line.lose_line()
    rebuild.rebuild(line.house)
    assert line.order() == [bob.id, cem.id, ada.id]


def test_a_move_that_the_line_never_heard_of_is_carried_out_by_the_sweep(line: StagedHouse) -> None:
    cem, ada = line.by_number(CEM), line.by_number(ADA)
    with line.house.store.begin() as work:
        found = work.callback(cem.id, lock=True)
        ahead = replace(found, score=order.ahead_of(ada.score))
        work.move(ahead, Event.MOVE, reason=move.TO_FRONT, cause=SUE, at=line.clock.now())
    assert line.order()[-1] == cem.id
    line.wait(10)
    assert stand_again(line.house) == 1
    assert line.order()[0] == cem.id
    assert stand_again(line.house) == 0


def test_somebody_scheduled_is_rung_now_and_stands_first(line: StagedHouse) -> None:
    at = line.clock.now() + timedelta(hours=3)
    later = line.promise("+12015550126", requested_for=at)
    with pytest.raises(TooLate):
        move.to_front(line.house, later.id, cause=SUE)
    move.ring_now(line.house, later.id, cause=SUE)
    assert line.state(later) is State.WAITING
    assert line.order()[0] == later.id
    assert line.place(EntryId(later.id)) == "due"
    line.available()
    assert line.pairing().entry == EntryId(later.id)
    assert audit(line.house).holds


def test_nobody_is_rung_at_night_however_much_somebody_wishes(line: StagedHouse) -> None:
    line.policy(quiet_hours=["00:00", "23:59"])
    with pytest.raises(Hindered):
        move.ring_now(line.house, line.by_number(CEM).id, cause=SUE)
    assert line.order()[-1] == line.by_number(CEM).id


def test_whoever_is_being_rung_or_gone_stays_as_they_are(line: StagedHouse) -> None:
    line.available()
    line.work()
    with pytest.raises(TooLate):
        move.to_front(line.house, line.by_number(ADA).id, cause=SUE)
