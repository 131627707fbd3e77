"""What an offer may not promise: more than the policy's most, or more than can be kept before closing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from callback.domain.callback import Source
from callback.domain.errors import NotAccepting
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import State
from callback.flows import enrol
from tests.support.house import ADA, SUPPORT, StagedHouse, fields_of, on_both

OFFICE = {"timezone": "UTC", "weekly": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}
NEAR_CLOSING = datetime(2026, 3, 2, 16, 58, tzinfo=UTC)
TUESDAY_NINE = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
BOB, CYD = "+12015550124", "+12015550125"


def closing_soon(staged: StagedHouse, **policy: Any) -> None:
    """Two minutes before closing, with one agent who talks: today is full."""
    staged.queue(hours=OFFICE, **policy)
    staged.clock.set(NEAR_CLOSING)
    staged.agent()
    staged.talking(staged.ring_in("+12015550999"))


# --- the most ---------------------------------------------------------------------------------------------------


@on_both
def test_of_two_who_take_the_last_place_at_once_exactly_one_gets_it(staged: StagedHouse) -> None:
    staged.queue(max_outstanding=3)
    for number in (ADA, BOB):
        staged.promise(number)

    def take(number: str) -> str:
        try:
            staged.promise(number)
        except NotAccepting as no:
            return no.reason
        else:
            return "promised"

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, (f"+1201555013{last}" for last in range(6))))
    assert sorted(taken) == ["full"] * 5 + ["promised"]
    assert len(staged.callbacks()) == 3


def test_an_appointment_and_a_phone_that_rings_count_against_the_most(staged: StagedHouse) -> None:
    staged.queue(max_outstanding=2)
    staged.agent()
    staged.promise(ADA)
    staged.work()
    assert staged.state(staged.by_number()) is State.DIALING
    later = datetime(2099, 1, 1, tzinfo=UTC).replace(year=staged.clock.now().year, month=3, day=9)
    staged.promise(BOB, requested_for=later)
    with pytest.raises(NotAccepting):
        staged.promise(CYD)
    staged.sweep()
    said = staged.ring_in(CYD).document.says
    assert "press 1" not in said, "nobody is offered what they cannot have"


def test_a_repeat_at_the_most_still_gets_the_first_answer(staged: StagedHouse) -> None:
    staged.queue(max_outstanding=1)
    made, _ = enrol.request(
        staged.house, queue=QueueKey(SUPPORT), number=ADA, source=Source.API, idempotency=("k", "b"), cause="test"
    )
    again, new = enrol.request(
        staged.house, queue=QueueKey(SUPPORT), number=ADA, source=Source.API, idempotency=("k", "b"), cause="test"
    )
    assert (again.id, new) == (made.id, False)


# --- hysteresis -------------------------------------------------------------------------------------------------


def test_somebody_near_the_front_does_not_end_an_offer_that_goes_on(staged: StagedHouse) -> None:
    staged.queue(offer_at_wait_s=400, stop_offering_at_wait_s=300, offer_quantile="p50")
    staged.agent()
    staged.talking(staged.ring_in("+12015550999"))
    first = staged.holding(ADA)
    staged.holding(BOB)
    assert "press 1" in staged.ring_in(CYD).document.says
    assert staged.standing(first.sid).offering
    first.hold()
    assert staged.standing(first.sid).offering, "the first in line waits less than the last"


# --- before closing ---------------------------------------------------------------------------------------------


def test_who_cannot_be_called_back_today_is_offered_the_next_opening(staged: StagedHouse) -> None:
    closing_soon(staged)
    leg = staged.ring_in()
    said = leg.document.says
    assert "We close soon" in said
    assert "To be called back on Tuesday, March 3, at 4:00 AM, press 3. To stay on the line, press 2." in said
    assert "press 1" not in said
    assert "Your number is" in leg.press("3").says
    assert "We will call you back at" in leg.press("1").says
    callback = staged.by_number()
    assert (callback.state, callback.requested_for) == (State.SCHEDULED, TUESDAY_NINE)
    assert staged.order() == []


def test_silence_and_wrong_keys_repeat_that_question_once_and_keep_the_place(staged: StagedHouse) -> None:
    closing_soon(staged)
    leg = staged.ring_in()
    repeated = leg.press("1").says
    assert "we did not understand" in repeated
    assert "press 3" in repeated
    assert "You keep your place" in leg.press("").says
    leg.hold()
    assert staged.place(leg.sid) == "hold"


def test_the_question_is_asked_in_chinese_as_well(staged: StagedHouse) -> None:
    closing_soon(staged)
    leg = staged.ring_in()
    assert "请按 3" in leg.press("9").says
    assert "请按 3" in leg.press("8").says
    leg.press("3")
    leg.press("1")
    assert staged.by_number().requested_for == TUESDAY_NINE


def test_who_holds_is_told_of_the_next_opening_and_takes_it_by_key(staged: StagedHouse) -> None:
    closing_soon(staged)
    leg = staged.holding()
    assert "once we are open again" in leg.hold().says
    leg.press("1")
    leg.press("3")
    leg.press("1")
    assert staged.by_number().requested_for == TUESDAY_NINE


def test_a_queue_that_does_not_open_within_a_week_says_that_nobody_can_call_back(staged: StagedHouse) -> None:
    closing_soon(staged)
    staged.policy(hours={**OFFICE, "closed_dates": ["2026-03-03", "2026-03-09"]})
    leg = staged.ring_in()
    assert "could not keep a promise" in leg.heard[-1]
    assert "press 3" not in leg.heard[-1]
    assert leg.queue is not None


def test_no_quarter_of_an_hour_takes_more_appointments_than_it_can_hold(staged: StagedHouse) -> None:
    closing_soon(staged)
    found = []
    for last in range(4):
        leg = staged.ring_in(f"+1201555014{last}")
        leg.press("3")
        leg.press("1")
        found.append(staged.by_number(f"+1201555014{last}").requested_for)
    assert [at.strftime("%H:%M") for at in found if at] == ["09:00", "09:15", "09:30", "09:45"]


def test_who_loses_the_last_place_of_a_quarter_is_told_the_next_one(staged: StagedHouse) -> None:
    closing_soon(staged)
    first, second = staged.ring_in(ADA), staged.ring_in(BOB)
    for leg in (first, second):
        leg.press("3")
    assert "4:00 AM" in first.press("1").says
    assert "4:15 AM" in second.press("1").says


def test_times_by_key_three_at_a_usual_offer_have_room_as_well(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    staged.talking(staged.ring_in("+12015550999"))
    for number in (ADA, BOB):
        leg = staged.ring_in(number)
        chosen = fields_of(leg.press("3").only("Gather").get("action"))["k1"]
        leg.press("1")
        leg.press("1")
        assert staged.by_number(number).requested_for == datetime.fromisoformat(chosen)
    both = [staged.by_number(number).requested_for for number in (ADA, BOB)]
    assert both[0] != both[1]
