"""The house's clock is put forward by half an hour, as by a machine that was suspended: whoever talks goes on talking,
whoever was being rung is rung again, and nobody needs to mend anything by hand."""

from callback.domain.lifecycle import AgentStatus, State
from tests.support.house import StagedHouse

LEAP_S = 1800


def test_an_agent_who_was_being_rung_when_the_clock_leapt_is_rung_again(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent()
    leg = staged.ring_in()
    staged.wait(LEAP_S)
    staged.sweep()
    staged.sweep()
    assert staged.status() is not AgentStatus.AWAY
    staged.talking(leg)
    assert staged.status() is AgentStatus.BUSY


def test_an_agent_who_talks_while_the_clock_leaps_is_free_when_the_caller_rings_off(staged: StagedHouse) -> None:
    staged.queue(wrap_up_s=0)
    staged.agent()
    leg = staged.talking(staged.ring_in())
    staged.wait(LEAP_S)
    staged.sweep()
    assert staged.status() is AgentStatus.BUSY
    leg.hang_up()
    assert staged.status() is AgentStatus.AVAILABLE


def test_somebody_whose_phone_rings_when_the_clock_leaps_is_called_once_and_talks(staged: StagedHouse) -> None:
    leg = staged.called()
    staged.wait(LEAP_S)
    staged.sweep()
    staged.sweep()
    leg.answer()
    leg.press("1")
    staged.work()
    staged.talking(leg)
    assert staged.status() is AgentStatus.BUSY
    assert staged.state(staged.by_number()) is State.BRIDGED
    assert len(staged.attempts(staged.by_number())) == 1
