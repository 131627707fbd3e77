"""With every worker dead, whoever is live is served all the same: their own requests find them their agent."""

from tests.support.house import ADA, StagedHouse

BEN = "+12015550124"


def test_a_caller_on_hold_whose_agent_is_found_meanwhile_is_connected_by_their_own_next_wait_document(
    staged: StagedHouse,
) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()  # pairs them, and nobody does the work that is handed over
    assert staged.place(leg.sid) == "reserved"
    leg.hold()
    assert leg.dial is not None, leg.document.text
    staged.talking(leg)
    assert staged.pairing().phase == "busy"


def test_a_caller_whose_agent_becomes_free_after_the_reservation_lapsed_is_connected_too(staged: StagedHouse) -> None:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    staged.wait(60)  # the lease is over, and no sweep has looked
    leg.hold()
    assert leg.dial is not None, leg.document.text
    assert staged.talking(leg).bridged


def test_a_newcomer_takes_the_free_agent_at_the_first_document(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    assert leg.dial is not None, leg.document.text
    assert staged.talking(leg).bridged


def test_one_after_the_other_is_served_in_order_while_no_worker_lives(staged: StagedHouse) -> None:
    staged.queue(wrap_up_s=0)
    first, second = staged.holding(), staged.holding(BEN)
    staged.agent()
    for leg in (first, second):
        first.hold() if leg is first else second.hold()
        agent = staged.talking(leg)
        staged.wait(60)
        agent.hang_up()
        leg.dial_ends()
    assert not staged.order()


def test_a_promise_kept_on_hold_by_its_own_caller_is_connected_without_a_worker(staged: StagedHouse) -> None:
    staged.queue()
    promise = staged.promise()
    leg = staged.ring_in(ADA)
    leg.press("2")
    assert leg.queue is not None
    staged.agent()
    leg.hold()
    assert leg.dial is not None, leg.document.text
    staged.talking(leg)
    assert staged.state(promise) == "bridged"
