"""Order, as an audit sees it: each way of passing somebody over is caught, and each rule that allows it is named."""

import pytest

from callback.domain.audit import Invariant, Overtaking, Since
from callback.domain.order import Rule
from tests.support.journals import Written, at

ORDER = Invariant.ORDER


@pytest.fixture
def written() -> Written:
    """A queue that dials, and `ann` who serves it."""
    made = Written()
    made.queue()
    made.agent("ann")
    return made


def test_whoever_is_served_first_come_first_breaks_nothing(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA1", "rs1", joined=1)
    assert written.kinds() == []
    assert written.overtakings() == {}


def test_somebody_on_hold_who_is_passed_over_is_found_with_their_row(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    (breach,) = written.breaches()
    assert (breach.kind, breach.subject, breach.seq, breach.queue) == (ORDER, "CA1", written.rows[-1].seq, "support")
    assert breach.text == "CA2 was served before CA1, on hold in support"


def test_a_due_promise_that_is_passed_over_is_found(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.holds("CA3", joined=3)
    written.serves_live("ann", "CA3", "rs1", joined=3)
    (breach,) = written.breaches()
    assert "CA3 was served before cb1 and 1 more, due in support" in breach.text


def test_of_two_with_one_score_the_id_decides(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=1)
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == [ORDER]


def test_whoever_waits_in_another_queue_of_the_agent_counts_too(written: Written) -> None:
    written.queue("billing")
    written.serves("ann", "support", "billing")
    written.holds("CA1", joined=1, queue="billing")
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == [ORDER]


def test_whoever_waits_in_a_queue_that_the_agent_does_not_serve_is_not_passed(written: Written) -> None:
    written.queue("billing")
    written.holds("CA1", joined=1, queue="billing")
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == []


def test_an_agent_gets_nobody_from_a_queue_they_do_not_serve(written: Written) -> None:
    written.queue("billing")
    written.holds("CA1", joined=1, queue="billing")
    written.serves_live("ann", "CA1", "rs1", joined=1, queue="billing")
    assert written.kinds() == [ORDER]


def test_an_agent_who_serves_a_queue_no_longer_gets_nobody_from_it(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.serves("ann", "billing")
    written.serves_live("ann", "CA1", "rs1", joined=1)
    assert written.kinds() == [ORDER]


def test_a_place_that_was_left_is_no_place(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.promise("cb1", joined=2)
    written.holds("CA3", joined=3)
    written.call("CA1", "waiting", "abandoned", joined=1)
    written.stands("cb1", "due", "gone", "hung up", joined=2)
    written.serves_live("ann", "CA3", "rs1", joined=3)
    assert written.kinds() == []


def test_nobody_is_served_who_is_for_later(written: Written) -> None:
    written.promise("cb1", joined=1, due=False)
    written.paired("ann", "cb1", "rs1")
    assert written.kinds() == [ORDER]


def test_nobody_is_served_who_stands_nowhere(written: Written) -> None:
    written.paired("ann", "cb1", "rs1")
    assert written.kinds() == [ORDER]


def test_no_promise_is_served_while_its_queue_rests(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.queue(dialing=False)
    written.paired("ann", "cb1", "rs1")
    assert written.kinds() == [ORDER]


# --- overtakings by a rule --------------------------------------------------------------------------------------------


def test_whoever_is_in_the_menu_is_passed_by_that_rule(written: Written) -> None:
    written.call("CA1", None, "arrived", "arrived", joined=1)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == []
    assert written.overtakings() == {"in_menu": 1}


def test_a_newcomer_whom_a_free_agent_takes_from_the_menu_breaks_nothing(written: Written) -> None:
    written.call("CA1", None, "arrived", "arrived", joined=1)
    written.serves_live("ann", "CA1", "rs1", joined=1, before="arrived")
    assert written.kinds() == []


def test_whoever_is_not_due_is_passed_by_that_rule(written: Written) -> None:
    written.promise("cb1", joined=1, due=False)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == []
    assert written.overtakings() == {"not_due": 1}


def test_promises_are_passed_while_their_queue_rests(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.queue(dialing=False)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == []
    assert written.overtakings() == {"dialing_off": 1}


def test_whoever_asked_for_later_is_passed_by_their_own_wish(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.moves("cb1", "waiting", "scheduled", "the caller asked for later", joined=1)
    written.stands("cb1", "due", "gone", "the caller asked for later", joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == []
    assert written.overtakings() == {"callers_wish": 1}


@pytest.mark.parametrize(
    ("reason", "rule"), [("quiet hours", "quiet_hours"), ("the number is in use", "unreachable"), ("else", "not_due")]
)
def test_why_somebody_is_put_off_names_the_rule(written: Written, reason: str, rule: str) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    written.freed("ann", "reserved", "cb1", "rs1")
    written.stands("cb1", "reserved", "later", reason, joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb2", "rs2")
    assert written.kinds() == []
    assert written.overtakings() == {rule: 1}


def test_whoever_was_served_while_a_telephone_rang_in_vain_passed_its_owner(written: Written) -> None:
    written.agent("bob")
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb1", "rs1")
    written.paired("bob", "cb2", "rs2")
    written.freed("ann", "reserved", "cb1", "rs1")
    written.stands("cb1", "reserved", "due", "no answer", joined=1)
    assert written.overtakings() == {"unreachable": 1}
    assert written.kinds() == []


def test_whoever_is_dialled_with_an_unknown_outcome_is_passed_as_unreachable(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.paired("ann", "cb1", "rs1")
    for before, after in (("waiting", "reserved"), ("reserved", "dialing"), ("dialing", "reconciling")):
        written.moves("cb1", before, after, joined=1, attempt="at1")
    written.freed("ann", "reserved", "cb1", "rs1")
    written.promise("cb2", joined=2)
    written.paired("ann", "cb2", "rs2")
    assert written.overtakings() == {"unreachable": 1}


def test_a_credit_takes_somebody_before_those_who_came_first(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2, credit=300)
    written.serves_live("ann", "CA2", "rs1", joined=2, credit=300)
    assert written.kinds() == []
    assert written.overtakings() == {"credit": 1}


def test_a_promise_that_was_moved_ahead_passes_by_that_rule(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.moves("cb2", "waiting", "scheduled", "moved to the front by sue", joined=0)
    written.moves("cb2", "scheduled", "waiting", "due", joined=0)
    written.stands("cb2", "due", "due", "moved to the front by sue", joined=2, credit=2)
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == []
    assert written.overtakings() == {"moved": 1}


def test_a_move_passes_by_that_rule_although_the_line_never_says_why(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.moves("cb2", "waiting", "waiting", "moved to the front", joined=0)
    written.stands("cb2", "due", "due", "entered", joined=2, credit=2)
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == []
    assert written.overtakings() == {"moved": 1}


def test_each_overtaking_is_told_on_demand(written: Written) -> None:
    written.call("CA1", None, "arrived", "arrived", joined=1)
    written.promise("cb2", joined=2, due=False)
    written.holds("CA3", joined=3)
    written.serves_live("ann", "CA3", "rs1", joined=3)
    listed: list[Overtaking] = []
    audit = written.audit(listed=listed)
    when, seq = at(written.now), written.rows[-1].seq
    assert listed == [
        Overtaking(Rule.IN_MENU, "support", "CA3", "CA1", when, seq),
        Overtaking(Rule.NOT_DUE, "support", "CA3", "cb2", when, seq),
    ]
    assert sum(audit.findings.overtakings.values()) == 2


def test_what_was_before_the_time_asked_for_is_read_and_not_told(written: Written) -> None:
    written.call("CA1", None, "arrived", "arrived", joined=1)
    written.holds("CA2", joined=2)
    written.holds("CA3", joined=3)
    written.serves_live("ann", "CA3", "rs1", joined=3)
    later = written.rows[-1].seq + 1
    for since in (Since(seq=later), Since(at=at(written.now + 0.5))):
        found = written.audit(since).finish(at(written.now + 1000))
        assert (found.breaches, sum(found.overtakings.values())) == ([], 0)
    assert written.kinds() == [ORDER]


# --- a line that was lost ---------------------------------------------------------------------------------------------


def test_a_line_that_was_emptied_has_nobody_in_it(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.emptied()
    written.queue()
    written.agent("ann")
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    assert written.kinds() == []


def test_nobody_is_judged_between_the_beginning_and_the_end_of_emptying(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2)
    written.row("queue", "line", None, "clearing", queue="")
    written.serves_live("ann", "CA2", "rs1", joined=2)
    written.row("queue", "line", None, "cleared", queue="")
    assert written.kinds() == []


def test_a_pairing_that_a_rebuild_brings_back_was_judged_before(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    written.paired("ann", "cb1", "rs1")
    written.emptied()
    written.queue()
    written.agent("ann")
    written.row("queue", "line", None, "restored", queue="", places=[["support", "cb2", "due", str(10**15 * 2)]])
    written.stands("cb1", "", "due", "back_in_line", joined=1)
    written.paired("ann", "cb1", "rs1", reason="resumed")
    assert [kind for kind in written.kinds() if kind is not Invariant.PLACE] == []


def test_places_restored_in_one_row_are_places(written: Written) -> None:
    written.promise("cb1", joined=1)
    written.promise("cb2", joined=2)
    scores = {row.subject: row.data["score"] for row in written.rows if row.kind == "callback"}
    written.emptied()
    written.queue()
    written.agent("ann")
    places = [["support", who, "due", str(score), str(score)] for who, score in scores.items()]
    written.row("queue", "line", None, "restored", queue="", places=places)
    assert written.kinds() == []
    written.paired("ann", "cb2", "rs1")
    assert written.kinds() == [ORDER]


def test_what_a_lost_line_did_wrong_is_excused_by_the_rebuild_and_only_then(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.call("CA1", None, "waiting", "back_in_line", joined=1)
    assert written.kinds() == [Invariant.LIFECYCLE]
    written.emptied()
    assert written.kinds() == []
    assert len(written.audit().findings.excused) == 1


def test_a_rebuild_long_afterwards_excuses_nothing(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.call("CA1", None, "waiting", "back_in_line", joined=1)
    written.now += 300
    written.emptied()
    assert written.kinds() == [Invariant.LIFECYCLE]


def test_what_happened_a_moment_ago_is_not_decided_yet(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.holds("CA2", joined=2)
    written.serves_live("ann", "CA2", "rs1", joined=2)
    found = written.audit().finish(at(written.now + 1))
    assert (found.breaches, [doubt.kind for doubt in found.doubts]) == ([], [ORDER])


def test_an_event_in_quarantine_explains_one_contradiction(written: Written) -> None:
    written.holds("CA1", joined=1)
    written.row("queue", "quarantine", None, "quarantined", "unreadable", "event 1-1", queue="")
    written.call("CA1", "reserved", "bridged", joined=1)
    written.call("CA1", "reserved", "waiting", joined=1)
    assert written.kinds() == [Invariant.LIFECYCLE]
