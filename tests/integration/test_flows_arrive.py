"""A call comes in: greeted, offered a callback, put on hold, connected, or told honestly that nobody can help."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callback.adapters.store.errors import StoreUnavailable
from callback.domain.callback import Source
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import journey, stand_again
from callback.flows.hook import micros
from tests.support.house import ADA, BASE, OWN, SUPPORT, StagedHouse, fields_of, on_both
from tests.support.steps import Killed

BOB = "+12015550124"
OFFICE = {"timezone": "UTC", "weekly": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}


@pytest.fixture
def open_house(staged: StagedHouse) -> StagedHouse:
    """Offering, with an agent on duty who is not free."""
    staged.queue()
    staged.agent()
    busy = staged.ring_in("+12015550999")
    staged.talking(busy)
    return staged


# --- arriving -------------------------------------------------------------------------------------------------------


def test_who_arrives_is_greeted_told_the_wait_and_offered_a_callback(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    assert "Thank you for calling Support" in leg.document.says
    assert "press 1" in leg.document.says
    assert leg.document.names == ["Gather"]
    standing = open_house.standing(leg.sid)
    assert (standing.place, standing.position) == ("menu", 1)


def test_who_arrives_when_an_agent_is_free_is_connected_at_once(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    assert leg.document.names == ["Say", "Dial"]
    assert str(staged.pairing().entry) == leg.sid
    staged.talking(leg)
    assert staged.status() is AgentStatus.BUSY


def test_a_number_that_leads_nowhere_is_told_so(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    leg = staged.arriving(to="+12015550777")
    leg.ask(f"{BASE}/voice/incoming")
    assert "nobody can be reached at this number" in leg.heard[0]
    assert not leg.up
    assert staged.order() == []


def test_the_dialled_number_picks_the_queue(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    leg = staged.arriving(to="+12015550101")
    leg.ask(f"{BASE}/voice/incoming")
    assert staged.order("billing") == [leg.sid]


def test_below_the_threshold_nobody_is_offered_anything(staged: StagedHouse) -> None:
    staged.queue(offer_at_wait_s=100_000, stop_offering_at_wait_s=100_000)
    staged.agent()
    staged.talking(staged.ring_in("+12015550999"))
    leg = staged.ring_in()
    assert leg.document.names[-1] == "Enqueue"
    assert "press" not in leg.document.says


def test_nobody_staffed_in_open_hours_is_a_reason_to_offer(staged: StagedHouse) -> None:
    staged.queue(offer_at_wait_s=100_000, stop_offering_at_wait_s=100_000)
    leg = staged.ring_in()
    assert "Nobody is at the phones" in leg.document.says
    assert "press 1" in leg.document.says
    leg.press("1")
    assert "call you back" in leg.press("1").says
    assert staged.by_number().promised_to is None, "a wait that nobody knows promises no time"


def test_out_of_hours_the_next_opening_is_told_and_nobody_joins(staged: StagedHouse) -> None:
    staged.queue(hours=OFFICE)
    staged.clock.set(datetime(2026, 3, 2, 18, 0, tzinfo=UTC))
    leg = staged.ring_in()
    assert "We are closed now" in leg.heard[0]
    assert "9:00" in leg.heard[0]
    assert not leg.up
    assert staged.journal(leg.sid) == []


def test_a_queue_that_never_opens_again_promises_no_opening(staged: StagedHouse) -> None:
    staged.queue(hours={"timezone": "UTC", "weekly": {}})
    leg = staged.ring_in()
    assert "call us another day" in leg.heard[0]


def test_a_repeated_arrival_has_one_place(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    joined = open_house.standing(leg.sid).joined_at
    open_house.wait(3)
    leg.ask(f"{BASE}/voice/incoming?queue=support")
    assert open_house.standing(leg.sid).joined_at == joined
    assert open_house.order() == [leg.sid]


def test_a_vip_stands_before_those_who_joined_less_than_their_credit_earlier(open_house: StagedHouse) -> None:
    early = open_house.holding(BOB)
    open_house.wait(250)
    late = open_house.holding(ADA)
    open_house.wait(10)
    vip = open_house.holding("+12015550125", priority="vip")
    assert open_house.order() == [vip.sid, early.sid, late.sid]


@pytest.mark.parametrize("heard", [True, False], ids=["after the line had heard", "before"])
def test_who_arrives_while_the_line_falls_silent_carries_the_place_of_the_moment_they_came(
    open_house: StagedHouse, monkeypatch: pytest.MonkeyPatch, heard: bool
) -> None:
    came_at, real = open_house.clock.now(), open_house.line.arrive

    def silent(*args: Any, **told: Any) -> None:
        if heard:
            real(*args, **told)
        open_house.wait(0.6)
        raise ConnectionError("the line does not answer")

    monkeypatch.setattr(open_house.line, "arrive", silent)
    leg = open_house.ring_in(priority="vip")
    monkeypatch.undo()
    assert leg.document.says == "We have a technical problem. Please hold."
    carried = fields_of(leg.document.only("Enqueue").get("waitUrl"))
    assert int(carried["j"]) == micros(came_at)
    assert int(carried["s"]) == micros(came_at) - 300_000_000
    leg.hold()
    standing = open_house.standing(leg.sid)
    assert (standing.joined_at, standing.score) == (came_at, int(carried["s"]))


def test_who_arrives_out_of_hours_while_the_line_is_away_is_not_kept_waiting(
    staged: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged.queue(hours=OFFICE)
    staged.clock.set(datetime(2026, 3, 2, 16, 59, 59, 900_000, tzinfo=UTC))

    def closes(*_: Any, **__: Any) -> None:
        raise ConnectionError("the line does not answer")

    monkeypatch.setattr(staged.line, "arrive", closes)
    assert "Enqueue" in staged.ring_in().document.names
    staged.wait(1)
    monkeypatch.setattr("callback.flows.journey.DOCUMENTS", {**journey.DOCUMENTS, "incoming": closes})
    heard = staged.ring_in(BOB).document
    assert heard.names[-1] == "Hangup"
    assert "closed" in heard.says


def test_an_unknown_priority_gives_no_credit(open_house: StagedHouse) -> None:
    first = open_house.holding(BOB)
    open_house.wait(1)
    second = open_house.holding(ADA, priority="king")
    assert open_house.order() == [first.sid, second.sid]


@pytest.mark.parametrize("caller", ["anonymous", "", "+266696687", "restricted"])
def test_who_withholds_their_number_is_asked_for_one(open_house: StagedHouse, caller: str) -> None:
    leg = open_house.ring_in(caller)
    assert "we will ask for your number" in leg.document.says
    asked = leg.press("1")
    assert asked.only("Gather").get("finishOnKey") == "#"
    leg.press("2015550123")
    leg.press("1")
    callback = open_house.by_number()
    assert (callback.number, callback.proved, callback.attempts_left) == (ADA, False, 1)


# --- the menu -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [("", ""), ("7", "5"), ("#", "")])
def test_silence_and_wrong_keys_get_one_repeat_and_then_hold_in_place(
    open_house: StagedHouse, keys: tuple[str, str]
) -> None:
    leg = open_house.ring_in()
    joined = open_house.standing(leg.sid).joined_at
    assert "we did not understand" in leg.press(keys[0]).says
    assert "You keep your place" in leg.press(keys[1]).says
    leg.hold()
    standing = open_house.standing(leg.sid)
    assert (standing.place, standing.joined_at) == ("hold", joined)


def test_key_nine_changes_the_language_and_is_remembered(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    assert leg.document.language == "en-US"
    assert leg.press("9").language == "cmn-CN"
    leg.hang_up()
    assert open_house.ring_in().document.language == "cmn-CN"


def test_another_number_is_read_back_before_it_counts(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    leg.press("2")
    said = leg.press("2015550124").says
    assert "0 1 2 4" in said.replace(",", "")
    leg.press("1")
    callback = open_house.by_number(BOB)
    assert (callback.proved, callback.attempts_left) == (False, 1)


@pytest.mark.parametrize(
    ("keyed", "said"),
    [
        ("123", "not a complete phone number"),
        ("9005551234", "cannot call that number"),
        ("011447911123456", "cannot call that number"),
        ("", "not a complete phone number"),
    ],
)
def test_a_number_we_cannot_ring_is_asked_for_once_more_and_the_place_is_kept(
    open_house: StagedHouse, keyed: str, said: str
) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    leg.press("2")
    assert said in leg.press(keyed).says
    assert said in leg.press(keyed).says
    assert leg.queue is not None
    assert open_house.callbacks() == []
    assert open_house.standing(leg.sid).position == 1


def test_silence_at_the_readback_promises_nothing(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    leg.silence()
    leg.silence()
    assert leg.queue is not None
    assert open_house.callbacks() == []


# --- later ----------------------------------------------------------------------------------------------------------


def test_later_offers_times_and_books_the_chosen_one(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("3")
    leg.press("2")
    leg.press("1")
    callback = open_house.by_number()
    assert callback.state is State.SCHEDULED
    assert callback.requested_for == open_house.clock.now() + timedelta(hours=2)
    assert open_house.order() == []
    assert open_house.path(leg.sid) == ["arrived", "callback"]


def test_times_that_are_chosen_lie_in_opening_hours(open_house: StagedHouse) -> None:
    open_house.policy(hours=OFFICE)
    open_house.clock.set(datetime(2026, 3, 2, 14, 30, tzinfo=UTC))
    leg = open_house.ring_in()
    chosen = fields_of(leg.press("3").only("Gather").get("action"))
    assert [chosen[key] for key in ("k1", "k2", "k3")] == [
        "2026-03-02T15:30:00+00:00", "2026-03-02T16:30:00+00:00", "2026-03-03T14:30:00+00:00",
    ]  # fmt: skip


def test_who_chooses_no_time_holds(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("3")
    leg.press("8")
    leg.silence()
    leg.hold()
    assert open_house.place(leg.sid) == "hold"


@on_both
def test_a_scheduled_promise_stands_in_line_when_its_time_comes_and_not_before(open_house: StagedHouse) -> None:
    at = open_house.clock.now() + timedelta(minutes=30)
    callback = open_house.promise(requested_for=at)
    open_house.wait(30 * 60 - 1)
    open_house.sweep()
    assert open_house.state(callback) is State.SCHEDULED
    open_house.wait(1)
    open_house.sweep()
    assert open_house.state(callback) is State.WAITING
    assert open_house.place(callback.id) == "due"


# --- the promise ----------------------------------------------------------------------------------------------------


@on_both
def test_the_promise_is_committed_and_stands_in_the_callers_place_before_it_is_spoken(open_house: StagedHouse) -> None:
    ahead = open_house.holding(BOB)
    open_house.wait(1)
    leg = open_house.ring_in()
    score = open_house.standing(leg.sid).score
    open_house.wait(1)
    behind = open_house.holding("+12015550125")
    leg.press("1")
    open_house.wait(20)
    open_house.steps.restart()
    said = leg.press("1").says
    assert "call you back" in said
    assert open_house.steps.done[:2] == ["commit", "line.enter"]
    callback = open_house.by_number()
    assert (callback.state, callback.score, callback.origin) == (State.WAITING, score, leg.sid)
    assert open_house.order() == [ahead.sid, callback.id, behind.sid]
    assert open_house.path(leg.sid) == ["arrived", "callback"]
    assert not leg.up


@on_both
def test_where_the_record_fails_at_the_commit_the_caller_hears_trouble_and_holds(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    score = open_house.standing(leg.sid).score
    open_house.steps.fail_commit = StoreUnavailable("away")
    said = leg.press("1").says
    assert "technical problem" in said
    assert "call you back" not in said
    assert open_house.callbacks() == []
    leg.hold()
    standing = open_house.standing(leg.sid)
    assert (standing.place, standing.score) == ("hold", score)


@on_both
def test_a_process_that_dies_after_the_commit_leaves_one_promise_in_the_callers_place(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    score = open_house.standing(leg.sid).score
    open_house.steps.restart(kill_after=1)
    with pytest.raises(Killed):
        leg.press("1")
    open_house.steps.restart()
    assert "call you back" in leg.press("1").says, "the carrier asks again"
    (callback,) = open_house.callbacks()
    assert callback.score == score
    assert open_house.order() == [callback.id]


@on_both
def test_a_promise_that_never_reached_the_line_is_put_there_by_the_sweep(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    open_house.steps.restart(kill_after=1)
    with pytest.raises(Killed):
        leg.press("1")
    open_house.steps.restart()
    leg.hang_up()
    callback = open_house.by_number()
    open_house.wait(6)
    assert stand_again.stand_again(open_house.house) == 1
    assert open_house.order() == [callback.id]
    assert open_house.standing(callback.id).score == callback.score


@on_both
def test_the_same_number_twice_is_one_promise(open_house: StagedHouse) -> None:
    first = open_house.enrolled()
    second = open_house.ring_in("anonymous")
    second.press("1")
    second.press("2015550123")
    assert "call you back" in second.press("1").says
    assert [callback.id for callback in open_house.callbacks()] == [first.id]
    assert open_house.order() == [first.id]
    assert not second.up


@on_both
def test_a_suppressed_number_is_refused_and_the_caller_stays_in_line(open_house: StagedHouse) -> None:
    with open_house.sql.begin() as work:
        work.suppress(ADA, "not me", open_house.clock.now())
    leg = open_house.ring_in()
    leg.press("1")
    assert "cannot call that number" in leg.press("1").says
    assert leg.queue is not None
    assert open_house.callbacks() == []


@pytest.mark.parametrize(
    ("policy", "reason"), [({"accepting": False}, "switched_off"), ({"max_outstanding": 0}, "full")]
)
def test_a_queue_that_takes_no_more_says_so_and_the_caller_stays(
    open_house: StagedHouse, policy: dict[str, Any], reason: str
) -> None:
    leg = open_house.ring_in()
    leg.press("1")
    open_house.policy(**policy)
    leg.press("1")
    assert leg.queue is not None, reason
    assert open_house.callbacks() == []


def test_a_promise_that_cannot_be_kept_before_closing_is_not_made(open_house: StagedHouse) -> None:
    open_house.policy(hours=OFFICE)
    open_house.clock.set(datetime(2026, 3, 2, 16, 58, tzinfo=UTC))
    leg = open_house.ring_in()
    assert "press 1" not in leg.document.says
    leg.press("2")
    assert leg.queue is not None


# --- on hold --------------------------------------------------------------------------------------------------------


def test_on_hold_the_place_is_told_from_the_second_lap_and_key_one_takes_the_callback(open_house: StagedHouse) -> None:
    leg = open_house.holding()
    score = open_house.standing(leg.sid).score
    assert "You are" not in leg.document.says
    open_house.wait(27)
    assert "You are next" in leg.silence().says
    leg.press("1")
    leg.press("1")
    callback = open_house.by_number()
    assert (callback.score, callback.source) == (score, Source.CALL)
    assert open_house.path(leg.sid) == ["arrived", "waiting", "callback"]


def test_who_hangs_up_on_hold_leaves_the_line(open_house: StagedHouse) -> None:
    leg = open_house.holding()
    leg.hang_up()
    assert open_house.order() == []
    assert open_house.path(leg.sid) == ["arrived", "waiting", "abandoned"]


@pytest.mark.parametrize("result", ["queue-full", "error", "system-error", "something new"])
def test_a_leg_that_the_carrier_put_out_of_its_queue_goes_back_to_hold(open_house: StagedHouse, result: str) -> None:
    leg = open_house.holding()
    assert leg.queue is not None
    leg.ask(leg.queue.get("action"), QueueResult=result)
    assert leg.document.names[-1] == "Enqueue"
    assert open_house.place(leg.sid) == "hold"


@pytest.mark.parametrize("result", ["redirected", "bridged", "redirected-from-bridged"])
def test_a_leg_that_left_the_queue_for_another_document_needs_none_here(open_house: StagedHouse, result: str) -> None:
    leg = open_house.holding()
    assert leg.queue is not None
    assert leg.ask(leg.queue.get("action"), QueueResult=result).verbs == ()


def test_a_lost_line_is_entered_again_by_the_place_in_the_callers_own_url(open_house: StagedHouse) -> None:
    leg = open_house.holding()
    before = open_house.standing(leg.sid)
    open_house.redis.flushall()
    open_house.queue()
    leg.hold()
    after = open_house.standing(leg.sid)
    assert (after.place, after.score, after.joined_at) == ("hold", before.score, before.joined_at)


def test_the_wait_document_notices_that_an_agent_became_free(open_house: StagedHouse) -> None:
    leg = open_house.holding()
    open_house.agent("bea", free=False)
    open_house.line.presence(AgentKey("bea"), AgentStatus.AVAILABLE, now=open_house.clock.now())
    leg.hold()
    assert leg.document.names == ["Dial"], "the leg left the queue by itself"
    open_house.talking(leg)
    assert open_house.status("bea") is AgentStatus.BUSY


# --- the number's own status callback -------------------------------------------------------------------------------


def test_an_inbound_leg_that_ends_in_the_menu_leaves_the_line(open_house: StagedHouse) -> None:
    leg = open_house.ring_in()
    leg.hang_up()
    assert open_house.order() == []
    assert open_house.path(leg.sid) == ["arrived", "abandoned"]


def test_the_end_of_a_leg_whose_promise_goes_on_touches_the_promise_not_at_all(open_house: StagedHouse) -> None:
    callback = open_house.enrolled()
    assert open_house.order() == [callback.id]
    assert open_house.journal(callback.id)[-1].after == "waiting"


def test_the_status_of_a_call_to_no_queue_of_ours_is_nothing(staged: StagedHouse) -> None:
    staged.queue()
    staged.queue("billing", numbers=("+12015550101",))
    leg = staged.arriving(to="+12015550777")
    staged.post(f"{BASE}/voice/inbound/status", leg.form(CallStatus="completed"))
    assert staged.journal(leg.sid) == []
    assert staged.house.book.find(None, OWN) is not None
    assert staged.house.book.queue(QueueKey(SUPPORT)).key == SUPPORT
