"""Whoever has an appointment and rings in before it is recognised, and may keep it, wait now instead, or cancel.

They stand in no line, so their number is kept beside it, and follows whatever becomes of the line or the appointment.
"""

from datetime import timedelta

import pytest

from callback.domain.acts import Doer
from callback.domain.callback import Callback
from callback.domain.ids import CallbackId, EntryId
from callback.domain.lifecycle import State
from callback.flows import cancel, erase, rebuild, stand_again
from tests.support.house import ADA, StagedHouse
from tests.support.legs import Document, Leg

KEPT = "Your callback stands."


@pytest.fixture
def appointed(staged: StagedHouse) -> Callback:
    """Ada, who is to be called in three hours."""
    staged.queue()
    return staged.promise(requested_for=staged.clock.now() + timedelta(hours=3))


def is_known(heard: Leg | Document) -> bool:
    document = heard if isinstance(heard, Document) else heard.document
    return "Your callback is booked for" in document.says


def test_they_hear_when_they_are_called_and_may_keep_it(staged: StagedHouse, appointed: Callback) -> None:
    leg = staged.ring_in()
    assert is_known(leg)
    assert "In line" not in leg.document.says
    assert KEPT in leg.press("1").says
    assert staged.order() == []
    assert staged.now(appointed) == appointed
    assert is_known(staged.ring_in()), "and so are those who ring once more"
    assert not is_known(staged.ring_in("+12015550177"))


def test_silence_is_asked_once_more_and_gives_nothing_up(staged: StagedHouse, appointed: Callback) -> None:
    leg = staged.ring_in()
    assert is_known(leg.press(""))
    assert KEPT in leg.press("8").says
    assert staged.now(appointed) == appointed


def test_a_place_now_takes_the_place_of_the_appointment(staged: StagedHouse, appointed: Callback) -> None:
    staged.promise("+12015550177")
    staged.wait(1)
    leg = staged.ring_in()
    assert "in line now, instead of later" in leg.press("2").says
    now = staged.now(appointed)
    assert (now.state, now.requested_for, now.leg) == (State.ANSWERED, None, leg.sid)
    assert staged.order()[1:] == [appointed.id], "behind whoever joined before"
    assert "number 2 in line" in staged.ring_in().document.says
    leg.hang_up()
    assert (staged.state(appointed), staged.place(appointed.id)) == (State.WAITING, "due")
    assert "number 2 in line" in staged.ring_in().document.says


def test_whoever_is_free_takes_them_at_once(staged: StagedHouse, appointed: Callback) -> None:
    staged.agent()
    leg = staged.ring_in()
    assert is_known(leg)
    assert "connecting you now" in leg.press("2").says
    assert staged.pairing().entry == EntryId(appointed.id)


def test_a_key_cancels_it_for_those_with_an_appointment_and_for_those_in_line(
    staged: StagedHouse, appointed: Callback
) -> None:
    staged.ring_in().press("3")
    assert staged.state(appointed) is State.CANCELLED
    assert not is_known(staged.ring_in())
    waiting = staged.promise("+12015550177")
    leg = staged.ring_in("+12015550177")
    assert "If you no longer need it, press 3." in leg.document.says
    leg.press("3")
    assert (staged.state(waiting), staged.place(waiting.id)) == (State.CANCELLED, "")


def test_another_time_another_number_and_the_time_itself_keep_them_known(
    staged: StagedHouse, appointed: Callback
) -> None:
    cancel.reschedule(staged.house, appointed.id, staged.clock.now() + timedelta(hours=1), cause="test")
    assert is_known(staged.ring_in())
    staged.wait(3601)
    staged.sweep()
    assert staged.state(appointed) is State.WAITING
    assert "first in line" in staged.ring_in().document.says
    cancel.reschedule(staged.house, appointed.id, staged.clock.now() + timedelta(hours=1), cause="test")
    assert is_known(staged.ring_in())


def test_a_line_that_was_lost_knows_them_again(staged: StagedHouse, appointed: Callback) -> None:
    staged.lose_line()
    rebuild.rebuild(staged.house)
    assert is_known(staged.ring_in())


def test_who_died_before_the_line_heard_of_an_appointment_is_made_up_for(
    staged: StagedHouse, appointed: Callback
) -> None:
    staged.house.line.leave(EntryId(appointed.id), reason="lost", now=staged.clock.now())
    assert not is_known(staged.ring_in())
    stand_again.stand_again(staged.house)
    assert is_known(staged.ring_in())


def test_one_that_has_ended_unheard_of_is_forgotten_by_the_next_call(staged: StagedHouse, appointed: Callback) -> None:
    staged.steps.away = frozenset({"line"})
    with pytest.raises(ConnectionError):
        cancel.cancel(staged.house, CallbackId(appointed.id), reason="test", cause="test")
    staged.steps.away = frozenset()
    assert staged.state(appointed) is State.CANCELLED
    leg = staged.ring_in()
    assert not is_known(leg)
    assert staged.place(leg.sid) == "menu"
    assert not staged.redis.hlen("{cb}:booked")


def test_without_the_record_they_are_served_as_anybody(staged: StagedHouse, appointed: Callback) -> None:
    staged.steps.away = frozenset({"store"})
    leg = staged.ring_in()
    staged.steps.away = frozenset()
    assert not is_known(leg)
    assert staged.place(leg.sid) == "menu"


def test_whoever_is_forgotten_is_known_no_more(staged: StagedHouse, appointed: Callback) -> None:
    someone = erase.person(staged.sql, number=ADA)
    erase.go_on(staged.house, erase.ask(staged.house, someone, doer=Doer("test")).id)
    assert not staged.redis.hlen("{cb}:booked")
    assert not is_known(staged.ring_in())
