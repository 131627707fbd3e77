"""Each invariant broken on purpose, and what is nearly the same and legal: an audit tells the two apart."""

from itertools import pairwise
from typing import Any

import pytest

from callback.domain.audit import Invariant
from callback.domain.callback import Entry
from tests.support.journals import Written, at

LIFECYCLE, TWICE, CANCELLED = Invariant.LIFECYCLE, Invariant.TWICE, Invariant.CANCELLED
PLACE, AGENT = Invariant.PLACE, Invariant.AGENT


@pytest.fixture
def written() -> Written:
    """A queue that dials, and `ann` who serves it."""
    made = Written()
    made.queue()
    made.agent("ann")
    return made


def go(written: Written, who: str, *states: str, joined: float = 1, attempt: str = "at1", **data: Any) -> None:
    """A promise through these states."""
    for before, after in pairwise(states):
        more = data | ({"attempt": attempt} if after in ("reserved", "dialing", "answered", "bridged") else {})
        written.moves(who, before, after, joined=joined, **more)


# --- states -----------------------------------------------------------------------------------------------------------


def test_a_promise_kept_breaks_nothing(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    go(written, "cb1", "waiting", "reserved", "dialing", "answered", "bridged")
    written.talks("ann", "cb1", "rs1")
    written.freed("ann", "busy", "cb1", "rs1", "wrap_up")
    go(written, "cb1", "bridged", "completed")
    written.row("agent", "ann", "wrap_up", "available", "wrap_up_over", queue="")
    assert written.breaches() == []


@pytest.mark.parametrize(
    "states", [("waiting", "answered", "dialing"), ("waiting", "completed"), ("waiting", "bridged")]
)
def test_a_move_that_no_table_knows_is_found(written: Written, states: tuple[str, ...]) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", *states)
    assert written.kinds() == [LIFECYCLE]


def test_a_promise_whose_row_is_missing_in_between_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "reserved", "dialing")
    (breach,) = written.breaches()
    assert breach.text == "cb1 went from reserved to dialing () when it was waiting"


def test_a_promise_does_not_begin_in_the_middle(written: Written) -> None:
    go(written, "cb1", "waiting", "reserved")
    assert written.kinds() == [LIFECYCLE]


def test_a_promise_that_has_ended_does_not_go_on(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "waiting", "unreached")
    go(written, "cb1", "unreached", "waiting")
    assert written.kinds() == [LIFECYCLE]


def test_a_rebuild_excuses_no_gap_in_a_promise(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "reserved", "dialing")
    written.emptied()
    assert written.kinds() == [LIFECYCLE]


@pytest.mark.parametrize(
    ("before", "after"), [("arrived", "waiting"), ("reserved", "bridged"), ("waiting", "completed")]
)
def test_a_live_call_that_jumps_is_found(written: Written, before: str, after: str) -> None:
    written.holds("CA1", joined=1)
    written.call("CA1", before, after, joined=1)
    assert LIFECYCLE in written.kinds()


def test_a_live_call_does_not_go_on_after_its_end(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.call("CA1", "waiting", "abandoned", joined=1)
    written.call("CA1", "waiting", "callback", joined=1)
    assert written.kinds() == [LIFECYCLE]


def test_a_leg_that_was_thought_gone_may_come_back(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.call("CA1", "waiting", "abandoned", joined=1)
    written.call("CA1", None, "waiting", "back_in_line", joined=1)
    assert written.kinds() == []


@pytest.mark.parametrize(("before", "after"), [("available", "busy"), ("away", "available"), ("available", "wrap_up")])
def test_an_agent_who_jumps_is_found(written: Written, before: str, after: str) -> None:
    written.row("agent", "ann", before, after, queue="")
    assert LIFECYCLE in written.kinds()


def test_after_a_rebuild_agents_and_calls_begin_anew(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.emptied()
    written.agent("ann")
    written.call("CA1", None, "waiting", "back_in_line", joined=1)
    assert written.kinds() == []


def test_a_promise_that_left_a_place_it_was_not_in_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.stands("cb1", "later", "due", "due", joined=1)
    assert written.kinds() == [LIFECYCLE]


def test_a_row_that_nothing_of_ours_wrote_is_found_and_stops_nobody(written: Written) -> None:
    written.row("agent", "ann", "available", "on the moon")
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == [LIFECYCLE, Invariant.ORDER]


def test_news_of_queues_that_concern_no_order_are_passed_over(written: Written) -> None:
    written.row("queue", "support", "1", "2", "policy", "sue")
    written.row("queue", "line", None, "rebuilt", "whole", "rebuild 2", queue="", waiting=3)
    written.row("queue", "carrier", None, "stopped", "refused", queue="")
    assert written.kinds() == []


# --- dials ------------------------------------------------------------------------------------------------------------


def test_an_attempt_that_is_dialled_a_second_time_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "waiting", "reserved", "dialing", "waiting", "reserved", "dialing")
    assert written.kinds() == [TWICE]


def test_a_second_attempt_is_another_dial(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "waiting", "reserved", "dialing", "waiting")
    go(written, "cb1", "waiting", "reserved", "dialing", attempt="at2")
    assert written.kinds() == []


def test_a_telephone_that_rings_for_two_callbacks_at_once_is_found(written: Written) -> None:
    for who in ("cb1", "cb2"):
        written.promise(who, joined=1, number="n1")
        go(written, who, "waiting", "reserved", "dialing", attempt=f"at of {who}")
    (breach,) = written.breaches()
    assert breach.kind is TWICE
    assert breach.text == "cb2 rings a telephone that rings already for cb1"


@pytest.mark.parametrize("over", ["waiting", "answered", "cancelled"])
def test_one_after_the_other_a_telephone_may_ring_for_two(written: Written, over: str) -> None:
    for who in ("cb1", "cb2"):
        written.promise(who, joined=1, number="n1")
        go(written, who, "waiting", "reserved", "dialing", over, attempt=f"at of {who}")
    assert written.kinds() == []


def test_a_telephone_rings_on_while_the_outcome_is_unknown(written: Written) -> None:
    for who in ("cb1", "cb2"):
        written.promise(who, joined=1, number="n1")
        go(written, who, "waiting", "reserved", "dialing", "reconciling", attempt=f"at of {who}")
    assert written.kinds() == [TWICE]


@pytest.mark.parametrize("after", ["reserved", "dialing", "answered", "bridged"])
def test_whatever_rings_after_a_cancel_is_found(written: Written, after: str) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "waiting", "cancelled")
    written.moves("cb1", "waiting", after, joined=1)
    assert written.kinds() == [CANCELLED]


def test_a_bridge_after_a_cancel_is_found_in_the_line_too(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    go(written, "cb1", "waiting", "reserved", "dialing", "answered", "cancelled")
    written.now += 5
    written.talks("ann", "cb1", "rs1")
    assert written.kinds() == [CANCELLED]


def test_a_key_and_a_cancel_may_cross(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    go(written, "cb1", "waiting", "reserved", "dialing", "answered", "cancelled")
    written.now -= 1
    written.talks("ann", "cb1", "rs1")
    assert written.kinds() == []


# --- places -----------------------------------------------------------------------------------------------------------


def test_a_promise_that_falls_back_without_a_reason_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.moves("cb1", "waiting", "scheduled", "anything", joined=60)
    (breach,) = written.breaches()
    assert (breach.kind, breach.text) == (PLACE, "cb1 lost its place: 59.000 s back (anything)")


def test_a_promise_that_jumps_ahead_without_a_reason_is_found(written: Written) -> None:
    written.promise("cb1", joined=60)
    written.moves("cb1", "waiting", "scheduled", "anything", joined=1)
    assert written.kinds() == [PLACE]


def test_a_missed_callback_may_go_back_and_a_moved_one_anywhere(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=60)
    go(written, "cb1", "waiting", "reserved", "dialing")
    written.moves("cb1", "dialing", "waiting", "no answer", joined=90, outcome="no_answer")
    written.moves("cb2", "waiting", "scheduled", "moved to the front by sue", joined=0)
    assert written.kinds() == []


def test_a_promise_in_another_place_than_the_record_gave_it_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.stands("cb1", "due", "due", joined=30)
    (breach,) = written.breaches()
    assert breach.text == "cb1 went 29.000 s back, to a place that the record never gave it (entered)"


def test_the_line_may_still_show_the_place_before_the_last(written: Written) -> None:
    written.promise("cb1", joined=1)
    go(written, "cb1", "waiting", "reserved", "dialing")
    written.moves("cb1", "dialing", "waiting", "no answer", joined=90, outcome="no_answer")
    written.stands("cb1", "due", "hold", "on_hold", joined=1)
    written.stands("cb1", "hold", "due", joined=90)
    assert written.kinds() == []


def test_a_live_call_keeps_its_place_even_through_a_lost_line(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.emptied()
    written.call("CA1", None, "waiting", "back_in_line", joined=2)
    (breach,) = written.breaches()
    assert (breach.kind, breach.text) == (PLACE, "CA1 went 1.000 s back (back_in_line)")


# --- agents -----------------------------------------------------------------------------------------------------------


def test_an_agent_with_two_pairings_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb1", "rs1")
    written.paired("ann", "cb2", "rs2")
    assert AGENT in written.kinds()


def test_somebody_with_two_agents_is_found(written: Written) -> None:
    written.agent("bob")
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.paired("bob", "cb1", "rs2")
    assert AGENT in written.kinds()


def test_a_token_that_stands_for_another_pair_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb1", "rs1")
    written.freed("ann", "reserved", "cb1", "rs1")
    written.paired("ann", "cb2", "rs1")
    assert AGENT in written.kinds()


def test_a_token_that_comes_again_is_found_unless_the_line_was_rebuilt(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.freed("ann", "reserved", "cb1", "rs1")
    written.stands("cb1", "reserved", "due", "given up", joined=1)
    written.paired("ann", "cb1", "rs1")
    assert written.kinds() == [AGENT]


def test_a_token_that_a_rebuild_brings_back_is_no_second_one(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.emptied()
    written.agent("ann")
    written.stands("cb1", "", "due", "back_in_line", joined=1)
    written.paired("ann", "cb1", "rs1", reason="resumed")
    assert written.kinds() == []


def test_an_agent_who_talks_under_another_token_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.talks("ann", "cb1", "rs2")
    assert written.kinds() == [AGENT]


def test_an_agent_who_is_freed_of_somebody_else_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.freed("ann", "reserved", "cb1", "rs2")
    assert written.kinds() == [AGENT]


@pytest.mark.parametrize(("talks", "seconds"), [(False, 700), (True, 5 * 3600)])
def test_an_agent_who_is_kept_for_ever_is_found(written: Written, seconds: float, *, talks: bool) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    if talks:
        written.talks("ann", "cb1", "rs1")
    assert written.kinds(reserved_most_s=600) == []
    written.now += seconds
    (breach,) = written.breaches(reserved_most_s=600)
    assert breach.kind is AGENT
    assert breach.text.startswith(f"ann has been {'busy' if talks else 'reserved'} with cb1 since")


def test_a_breach_says_when_and_where() -> None:
    written = Written()
    written.rows.append(Entry(at(7), "callback", "cb1", "waiting", "reserved", "why", "test", "billing", {}, seq=41))
    (breach,) = written.breaches()
    assert (breach.subject, breach.queue, breach.at, breach.seq) == ("cb1", "billing", at(7), 41)
