"""Appointments whose end died between the record and the line: their number is nobody's any more, unasked."""

from callback.domain.callback import Callback
from callback.domain.lifecycle import State
from callback.flows import cancel, stand_again
from tests.integration.test_flows_appointments import appointed, is_known
from tests.support.house import StagedHouse, on_both
from tests.support.steps import Killed

__all__ = ["appointed"]


def known(staged: StagedHouse) -> list[str]:
    return [str(one) for one in staged.line.booked(100)]


@on_both
def test_wherever_a_cancel_dies_the_number_of_the_appointment_is_forgotten_once_it_is_over(
    staged: StagedHouse, appointed: Callback
) -> None:
    left_over = 0
    for kill_after in range(1, 12):
        staged.steps.restart(kill_after)
        died = False
        try:
            cancel.cancel(staged.house, appointed.id, reason="test", cause="test")
        except Killed:
            died = True
        staged.steps.restart()
        over = staged.state(appointed) is State.CANCELLED
        left_over += over and known(staged) == [str(appointed.id)]
        stand_again.stand_again(staged.house)
        assert known(staged) == ([] if over else [str(appointed.id)])
        if over or not died:
            break
    assert left_over, "no step of it left the number behind"
    assert not is_known(staged.ring_in())


def test_what_goes_on_stays_known(staged: StagedHouse, appointed: Callback) -> None:
    staged.promise("+12015550177")
    for _ in range(3):
        stand_again.stand_again(staged.house)
    assert known(staged) == [str(appointed.id)]
    assert is_known(staged.ring_in())


@on_both
def test_of_many_the_record_says_which_have_ended(staged: StagedHouse, appointed: Callback) -> None:
    over = staged.promise("+12015550177")
    cancel.cancel(staged.house, over.id, reason="test", cause="test")
    with staged.sql.look() as work:
        assert work.ended_among([appointed.id, over.id, over.id]) == {over.id}
        assert work.ended_among([]) == set()
