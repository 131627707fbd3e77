"""What callers are told is kept with its inputs and its decision, and joined to what happened, in a staged house."""

from datetime import timedelta
from typing import Any

import pytest

from callback.adapters.line.keys import SAID
from callback.domain.ids import QueueKey
from callback.domain.judged import Tally
from callback.domain.said import Fate, Moment, Prediction
from callback.flows import cancel, persist
from callback.flows import said as saying
from callback.ports import SaidMark
from tests.support.house import ADA, SUPPORT, StagedHouse, on_both
from tests.support.legs import Leg


def recorded(staged: StagedHouse, *subjects: str) -> list[Prediction]:
    """All of these, after the keeper's rounds."""
    keep(staged)
    with staged.sql.look() as work:
        return work.predictions_of(subjects) if subjects else work.predictions(SUPPORT)


def keep(staged: StagedHouse) -> int:
    """The keeper's rounds: the journal, then what was said."""
    persist.persist(staged.house)
    staged.house.said.flush()
    return saying.record(staged.house)


def counted(staged: StagedHouse, moment: Moment) -> Tally:
    with staged.sql.look() as work:
        found = work.tallies(since=staged.clock.now() - timedelta(days=1), queue=QueueKey(SUPPORT))
    return sum((tally for hour, tally in found if hour.moment is moment), Tally())


def busy(staged: StagedHouse, **policy: Any) -> Leg:
    """Everybody who can work is at work: the caller with whom they talk."""
    staged.queue(**{"wrap_up_s": 0, **policy})
    staged.agent()
    leg = staged.ring_in("+12015550199")
    staged.talking(leg)
    return leg


def test_a_caller_is_told_offered_and_connected_and_all_of_it_is_kept(staged: StagedHouse) -> None:
    talker = busy(staged)
    leg = staged.holding(ADA)
    [told] = recorded(staged, leg.sid)
    assert (told.moment, told.told, told.place, told.offering, told.reason) == (Moment.ARRIVAL, True, 1, True, "wait")
    assert told.mean is not None
    assert told.simple_mean is not None
    assert told.sentence.startswith("offering: the wait")
    assert told.inputs["agents"] == {"busy": 1}
    assert told.inputs["ahead"] == 0
    assert (told.fate, told.actual_s) == (None, None)
    staged.wait(90)
    talker.hang_up()
    staged.work()
    staged.talking(leg)
    [done] = recorded(staged, leg.sid)
    assert (done.fate, done.actual_s) == (Fate.CONNECTED, done.waited_s)
    assert done.waited_s is not None
    assert done.waited_s >= 90
    found = counted(staged, Moment.ARRIVAL)
    assert (found.told, found.connected, found.ours.scored) == (1, 1, 1)


def test_whoever_hangs_up_is_counted_and_not_judged(staged: StagedHouse) -> None:
    busy(staged)
    leg = staged.holding(ADA)
    staged.wait(30)
    leg.hang_up()
    [gone] = recorded(staged, leg.sid)
    assert (gone.fate, gone.waited_s, gone.actual_s, gone.offered_s) == (Fate.LEFT, 30, None, None)
    found = counted(staged, Moment.ARRIVAL)
    assert (found.left, found.ours.scored) == (1, 0)


BOB, EVE = "+12015550124", "+12015550125"


@on_both
def test_whoever_hung_up_is_judged_by_the_agent_who_would_have_been_theirs(staged: StagedHouse) -> None:
    talker = busy(staged)
    leg, behind = staged.holding(ADA), staged.holding(BOB)
    staged.wait(30)
    leg.hang_up()
    assert recorded(staged, leg.sid)[0].offered_s is None
    staged.wait(60)
    talker.hang_up()
    staged.work()
    staged.talking(behind)
    for _ in range(2):  # a second look changes nothing
        [gone] = recorded(staged, leg.sid)
        assert (gone.fate, gone.waited_s, gone.actual_s) == (Fate.LEFT, 30, None)
        assert gone.offered_s == pytest.approx(90, abs=1)
        found = counted(staged, Moment.ARRIVAL)
        assert (found.left, found.connected, found.ours.scored, found.parted) == (1, 1, 2, 1)


def test_whoever_took_a_callback_is_judged_by_when_its_turn_came(staged: StagedHouse) -> None:
    talker = busy(staged)
    staged.wait(10)
    callback = staged.enrolled(ADA)
    staged.wait(200)
    talker.hang_up()
    staged.work()
    staged.outgoing().ring()
    [arrival] = recorded(staged, callback.origin or "")
    assert (arrival.fate, arrival.actual_s) == (Fate.PROMISED, None)
    assert arrival.offered_s == pytest.approx(200, abs=1)
    assert counted(staged, Moment.ARRIVAL).parted == 1


def test_an_agent_who_sat_idle_meanwhile_would_have_been_theirs_and_nobody_is_after_half_an_hour(
    staged: StagedHouse,
) -> None:
    talker = busy(staged)
    leg = staged.holding(ADA)
    staged.wait(30)
    leg.hang_up()
    staged.wait(60)
    talker.hang_up()
    staged.work()
    staged.wait(300)
    staged.talking(staged.ring_in(BOB))
    [gone] = recorded(staged, leg.sid)
    assert gone.offered_s == pytest.approx(90, abs=1)


def test_of_a_line_that_stopped_nobody_can_tell(staged: StagedHouse) -> None:
    talker = busy(staged)
    leg = staged.holding(ADA)
    staged.wait(30)
    leg.hang_up()
    staged.wait(1900)
    talker.hang_up()
    staged.work()
    staged.talking(staged.ring_in(EVE))
    [gone] = recorded(staged, leg.sid)
    assert gone.offered_s is None
    assert counted(staged, Moment.ARRIVAL).parted == 0


@on_both
def test_a_promise_is_joined_to_its_ring_and_its_talk_and_its_call_became_it(staged: StagedHouse) -> None:
    talker = busy(staged)
    callback = staged.enrolled(ADA)
    [told] = recorded(staged, callback.id)
    assert (told.moment, told.place) == (Moment.PROMISE, 1)
    assert (told.promised_from, told.promised_to) == (callback.promised_from, callback.promised_to)
    [arrival] = recorded(staged, callback.origin or "")
    assert arrival.fate is Fate.PROMISED
    staged.wait(200)
    talker.hang_up()
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    [rung] = recorded(staged, callback.id)
    assert rung.actual_s == 200
    assert (rung.fate, rung.rang_at) == (None, callback.created_at + timedelta(seconds=200))
    staged.wait(10)
    leg.answer()
    leg.press("1")
    staged.talking(leg)
    [done] = recorded(staged, callback.id)
    assert (done.fate, done.actual_s, done.waited_s) == (Fate.CONNECTED, 200, 210)
    found = counted(staged, Moment.PROMISE)
    assert (found.told, found.windows, found.ours.scored) == (1, 1, 1)


def test_an_announcement_on_hold_is_kept_and_music_alone_is_not(staged: StagedHouse) -> None:
    busy(staged)
    leg = staged.holding(ADA)
    staged.wait(30)
    leg.silence()
    assert [one.moment for one in recorded(staged, leg.sid)] == [Moment.ARRIVAL, Moment.HOLD]


def test_a_promise_that_is_refused_is_kept_with_its_reason(staged: StagedHouse) -> None:
    busy(staged)
    leg = staged.ring_in(ADA)
    leg.press("1")
    staged.policy(accepting=False)
    leg.press("1")
    arrival, refused = recorded(staged, leg.sid)
    assert (refused.moment, refused.told, refused.offering, refused.reason) == (
        Moment.REFUSED, False, False, "switched_off",
    )  # fmt: skip
    assert arrival.offering


def test_a_time_that_was_asked_for_is_a_window_and_no_forecast(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent(free=False)
    at = staged.clock.now() + timedelta(hours=2)
    callback = staged.promise(ADA, requested_for=at)
    [told] = recorded(staged, callback.id)
    assert (told.mean, told.promised_from, told.joined_at) == (None, at, None)
    staged.wait(60)
    cancel.reschedule(staged.house, callback.id, at + timedelta(hours=1), cause="test")
    first, second = recorded(staged, callback.id)
    assert (first.fate, second.fate, second.promised_from) == (Fate.MOVED, None, at + timedelta(hours=1))


def test_later_pressed_at_the_answer_is_another_promise_with_a_window_of_its_own(staged: StagedHouse) -> None:
    leg = staged.called()
    callback = staged.by_number()
    leg.answer()
    staged.wait(5)
    leg.press("2")
    again = [one for one in recorded(staged, callback.id) if one.moment is Moment.PROMISE][-1]
    assert again.promised_from == staged.now(callback).requested_for
    staged.clock.advance(30 * 60)
    staged.sweep()
    [rung] = [one for one in recorded(staged, callback.id) if one.promised_from == again.promised_from]
    assert rung.rang_at == again.promised_from


def test_what_happened_before_the_keeper_came_is_joined_when_it_comes(staged: StagedHouse) -> None:
    busy(staged)
    leg = staged.holding(ADA)
    leg.hang_up()
    persist.persist(staged.house)
    with staged.sql.begin() as work:  # the keeper has read the journal to its end, and the stream is late
        work.set_said_mark(SaidMark("0", work.last_seq()))
    [gone] = recorded(staged, leg.sid)
    assert gone.fate is Fate.LEFT
    assert counted(staged, Moment.ARRIVAL).left == 1


def test_a_second_keeper_writes_nothing_twice(staged: StagedHouse) -> None:
    busy(staged)
    leg = staged.holding(ADA)
    staged.house.said.flush()
    batches = staged.house.said.drain("0", 10)
    assert keep(staged) == 1
    for _, batch in batches:  # as if the stream had not been trimmed when its keeper died
        for one in batch:
            staged.house.said.note(one)
    assert staged.redis.xlen(SAID) == 0
    assert saying.record(staged.house) == 0
    assert len(recorded(staged, leg.sid)) == 2  # noted twice, and therefore there twice


def test_what_the_record_refuses_is_passed_over(staged: StagedHouse) -> None:
    busy(staged)
    staged.holding(ADA)
    staged.house.said.flush()
    [(_, batch)] = staged.house.said.drain("0", 10)
    staged.house.said.note(batch[0]._replace(sentence="\ud800"))  # no database can write half a character
    staged.house.said.flush()
    staged.house.said.note(batch[0]._replace(subject="CAnext"))
    assert keep(staged) == 2
    assert recorded(staged)[0].subject == "CAnext"


@pytest.mark.parametrize(("days", "left"), [(89, 1), (91, 0)])
def test_what_is_older_than_the_installation_keeps_is_forgotten(staged: StagedHouse, days: int, left: int) -> None:
    busy(staged)
    leg = staged.holding(ADA)
    recorded(staged, leg.sid)
    staged.clock.advance(days * 86_400)
    saying.forget_old(staged.house)
    with staged.sql.look() as work:
        assert len(work.predictions_of([leg.sid])) == left
