"""Later, said at the offer or at the answer: always a time at which somebody is at work."""

from datetime import UTC, datetime

from callback.domain.lifecycle import State
from tests.support.house import StagedHouse, fields_of

OFFICE = {"timezone": "UTC", "weekly": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "17:00"]]}}
NEAR_CLOSING = datetime(2026, 3, 2, 16, 45, tzinfo=UTC)
TUESDAY_OPENING = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def test_near_closing_the_times_that_fall_together_are_offered_once(staged: StagedHouse) -> None:
    staged.queue(hours=OFFICE, closing_guard=False)
    staged.clock.set(NEAR_CLOSING)
    asked = staged.ring_in().press("3")
    chosen = fields_of(asked.only("Gather").get("action"))
    assert chosen["k1"] == TUESDAY_OPENING.isoformat()
    assert chosen["k2"] == datetime(2026, 3, 3, 16, 45, tzinfo=UTC).isoformat()
    assert "k3" not in chosen
    assert "press 3" not in asked.says


def test_later_at_the_answer_is_put_off_to_the_next_opening(staged: StagedHouse) -> None:
    staged.clock.set(NEAR_CLOSING)
    leg = staged.called(hours=OFFICE, closing_guard=False)
    leg.answer()
    assert "Tuesday" in leg.press("2").says
    callback = staged.by_number()
    assert callback.state is State.SCHEDULED
    assert callback.requested_for == TUESDAY_OPENING
