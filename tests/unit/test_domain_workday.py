"""An agent's day in figures, from rows of the journal; and the outcomes that an installation may choose."""

from datetime import UTC, datetime, timedelta

import pytest

from callback.domain.callback import Entry
from callback.domain.desk import USUAL_CODES, Code, Talk, WrapUp, codes, known
from callback.domain.errors import InvalidInput
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.ownday import days
from callback.domain.reports import NOTHING, Sums
from callback.domain.workday import DECLINED

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN, SUPPORT = AgentKey("ann"), QueueKey("support")


def row(after: str, second: float, *, reason: str = "", entry: str = "") -> Entry:
    data = {"token": "rs1", "entry": entry} if entry else {}
    return Entry(NINE + timedelta(seconds=second), "agent", ANN, None, after, reason, entry, SUPPORT, data)


def day(*rows: Entry, talks: list[Talk] | None = None, wrap_ups: list[WrapUp] | None = None) -> Sums:
    return days(rows, talks or [], wrap_ups or [], UTC).get(NINE.date(), NOTHING)


def a_talk(passed_at: datetime | None = None, held_s: float = 0) -> Talk:
    leg = CallSid("CA1")
    return Talk(Token("rs1"), ANN, SUPPORT, EntryId("CA1"), leg, leg, NINE, passed_at=passed_at, held_s=held_s)


def a_wrap_up(resolved: bool | None) -> WrapUp:
    return WrapUp(Token("rs1"), ANN, SUPPORT, EntryId("CA1"), None, NINE, "", resolved, "", NINE)


def test_a_day_on_which_nothing_happened_has_no_means() -> None:
    assert day() == NOTHING
    assert (day().aht_s, day().occupancy, day().first_contact) == (None, None, None)


def test_a_call_is_counted_with_its_parts_and_the_ring_is_not_handling() -> None:
    found = day(
        row("available", 0), row("reserved", 100, entry="CA1"), row("busy", 110, entry="CA1"),
        row("wrap_up", 210, entry="CA1"), row("available", 240), row("offline", 1000), talks=[a_talk(held_s=40)],
    )  # fmt: skip
    assert (found.talks, found.back_talks) == (1, 0)
    assert (found.mean_ring_s, found.spoken_s, found.mean_hold_s, found.mean_wrap_s) == (10, 60, 40, 30)
    assert found.aht_s == 60 + 40 + 30
    assert found.occupancy == pytest.approx(140 / 1000)


def test_a_talk_over_midnight_belongs_to_the_day_on_which_it_began() -> None:
    midnight = 15 * 3600.0
    talk = row("busy", midnight - 10, entry="CA1"), row("wrap_up", midnight + 50), row("available", midnight + 70)
    found = days(talk, [], [], UTC)
    assert (found[NINE.date()].talks, found[NINE.date()].aht_s, found[NINE.date()].work_s) == (1, 80, 10)
    assert (found[NINE.date() + timedelta(1)].talks, found[NINE.date() + timedelta(1)].work_s) == (0, 70)


def test_callbacks_missed_declined_and_passed_on_are_told_apart() -> None:
    found = day(
        row("reserved", 0, entry="cb1"), row("busy", 1, entry="cb1"), row("available", 2),
        row("reserved", 3, entry="CA2"), row("away", 4, reason="missed the ring"), row("available", 5),
        row("reserved", 6, entry="CA2"), row("away", 7, reason=DECLINED), row("away", 8, reason="presence"),
        talks=[a_talk(passed_at=NINE), a_talk()],
    )  # fmt: skip
    assert (found.talks, found.back_talks, found.missed, found.declined, found.transfers) == (1, 1, 1, 1, 1)


def test_first_contact_resolution_is_over_those_of_whom_it_was_said() -> None:
    assert day(wrap_ups=[a_wrap_up(True), a_wrap_up(False), a_wrap_up(None)]).first_contact == 0.5
    assert day(wrap_ups=[a_wrap_up(None)]).first_contact is None


def test_outcomes_are_read_from_one_line() -> None:
    assert codes("solved:yes, call again : no") == (Code("solved", True), Code("call again", False))
    assert known("", codes(USUAL_CODES))
    assert known("solved", codes(USUAL_CODES))
    assert not known("unheard of", codes(USUAL_CODES))


@pytest.mark.parametrize("text", ["", "solved", "solved:perhaps", ":yes", "solved:yes,solved:no"])
def test_a_list_of_outcomes_that_says_too_little_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        codes(text)
