"""What callers may ask for on their page, and the place it gives them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callback.domain import order, wishes
from callback.domain.callback import Callback, Source
from callback.domain.ids import CallbackId, QueueKey
from callback.domain.lifecycle import State
from callback.domain.policy import Policy
from callback.domain.wishes import MOVED, NOT_ASKED, READY, Hindrance, Wish

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 10:00 in New Jersey
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=3)
FREE = {Wish.LATER, Wish.NUMBER, Wish.CANCEL, Wish.DISOWN}


def a_callback(state: State = State.WAITING, **fields: object) -> Callback:
    made = Callback(
        CallbackId("cb1"), QueueKey("support"), state, "+12015550123", EARLIER, order.score(EARLIER), "en", Source.CALL,
        3, EARLIER,
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


MISSED = a_callback(attempts_made=1, attempts_left=2, next_attempt_at=NOW + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("callback", "offered"),
    [
        (a_callback(), FREE),
        (a_callback(State.SCHEDULED, requested_for=LATER), FREE | {Wish.NOW}),
        (MISSED, FREE | {Wish.AGAIN}),
        (a_callback(next_attempt_at=NOW + timedelta(minutes=5)), FREE),  # put off by us, not missed
        (replace(MISSED, next_attempt_at=NOW), FREE),  # due already
        (a_callback(State.RESERVED), {Wish.CANCEL, Wish.DISOWN}),
        (a_callback(State.DIALING), {Wish.CANCEL, Wish.DISOWN}),
        (a_callback(State.RECONCILING), {Wish.CANCEL, Wish.DISOWN}),
        (a_callback(State.ANSWERED), {Wish.CANCEL}),
        (a_callback(State.BRIDGED), set()),
        (a_callback(State.COMPLETED), set()),
        (a_callback(State.FAILED), set()),
        (a_callback(State.UNREACHED), {Wish.DISOWN}),
        (a_callback(State.CANCELLED), {Wish.DISOWN}),
        (a_callback(State.CANCELLED, end_reason=NOT_ASKED), set()),
    ],
)
def test_a_page_offers_what_can_be_done(callback: Callback, offered: set[Wish]) -> None:
    assert set(wishes.choices(callback, Policy(), NOW)) == offered


def test_after_a_miss_the_place_is_the_one_they_had() -> None:
    place = wishes.place_now(MISSED, Policy(), NOW)
    assert (place.score, place.joined_at, place.reason) == (MISSED.score, EARLIER, READY)


def test_where_the_policy_puts_them_back_it_is_now_instead_of_the_retry_time() -> None:
    back = replace(MISSED, score=order.score(NOW + timedelta(minutes=5)))
    place = wishes.place_now(back, Policy(missed_place="back"), NOW)
    assert (place.score, place.reason) == (order.score(NOW), MOVED)


@pytest.mark.parametrize("score", [order.score(EARLIER), order.score(LATER)])
def test_whoever_asked_for_another_time_joins_the_line_now(score: int) -> None:
    scheduled = a_callback(State.SCHEDULED, requested_for=LATER, score=score)
    place = wishes.place_now(scheduled, Policy(), NOW)
    assert (place.score, place.joined_at, place.reason) == (order.score(NOW), NOW, MOVED)


def test_and_with_their_priority() -> None:
    scheduled = a_callback(State.SCHEDULED, requested_for=LATER, priority="vip")
    assert wishes.place_now(scheduled, Policy(), NOW).score == order.score(NOW, 300)


def test_a_later_pressed_at_the_answer_keeps_the_place_since_their_turn_had_come() -> None:
    postponed = a_callback(State.SCHEDULED, requested_for=LATER, attempts_made=1)
    assert wishes.place_now(postponed, Policy(), NOW).reason == READY


def test_nobody_is_rung_when_it_is_night_where_they_are() -> None:
    quiet = Policy(quiet_hours=("09:00", "11:00"))
    assert wishes.hindrance(MISSED, quiet, NOW) is Hindrance.QUIET
    assert wishes.hindrance(MISSED, quiet, NOW + timedelta(hours=2)) is None


def test_nobody_joins_a_line_that_is_closed() -> None:
    closed = Policy(hours={"timezone": "UTC", "weekly": {"tue": [["09:00", "18:00"]]}})
    scheduled = a_callback(State.SCHEDULED, requested_for=LATER)
    assert wishes.hindrance(scheduled, closed, NOW) is Hindrance.CLOSED
    assert wishes.hindrance(MISSED, closed, NOW) is None
