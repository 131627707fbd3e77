"""Telephones outside that callers are passed on to: rung so often a day, whoever wishes at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from callback.domain.desk import CameTo, Talk, Wish
from callback.domain.errors import NumberRefused
from callback.domain.ids import Token
from callback.flows import consult, outside, transfer
from callback.flows.parted import Said
from tests.integration.test_flows_asking_again import OUTSIDE, rung
from tests.integration.test_flows_transfer import ANN, live_talk, the_talk
from tests.support.house import SUPPORT, StagedHouse, on_both
from tests.support.record import waits_for_a_lock
from tests.support.steps import Killed
from tests.support.waiting import eventually


def already_rung(staged: StagedHouse, times: int) -> Talk:
    """Somebody else's talk, with so many rings of the number."""
    with staged.sql.begin() as work:
        here = staged.pairing()
        talk = Talk(Token("rs-old"), "bea", here.queue, here.entry, here.leg, here.leg, staged.clock.now(),  # type: ignore[arg-type]
                    wish=Wish.NUMBER, to=OUTSIDE, outside=times)  # fmt: skip
        return work.put_talk(talk)


@on_both
def test_who_wished_while_there_was_one_left_is_first_in_line_when_it_is_gone(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    most = staged.house.knobs.outside_per_number
    other = already_rung(staged, most - 1)
    assert transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE) is Said.DONE
    with staged.sql.begin() as work:
        work.put_talk(replace(other, outside=most))
    staged.follow()
    assert (caller.dial, staged.place(caller.sid)) == (None, "hold")
    assert rung(staged, OUTSIDE) == (most, 0)
    assert transfer.settled(the_talk(staged), CameTo.RUNG) is None
    staged.house.once.forget(lambda _: True)
    caller.ask(staged.carrier.redirected[-1][1])
    assert caller.dial is None
    assert the_talk(staged).came_to is CameTo.REFUSED


@on_both
def test_the_last_ring_of_the_day_is_made_and_counted_once_however_often_it_is_asked_for(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    most = staged.house.knobs.outside_per_number
    already_rung(staged, most - 1)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    staged.follow()
    assert caller.dial is not None
    assert staged.house.once.forget(lambda _: True)
    caller.ask(staged.carrier.redirected[-1][1])
    assert caller.dial is not None
    assert rung(staged, OUTSIDE) == (most, 1)


def test_a_consultation_has_the_last_ring_of_the_day_as_well(staged: StagedHouse) -> None:
    live_talk(staged)
    most = staged.house.knobs.outside_per_number
    already_rung(staged, most - 1)
    assert transfer.consult(staged.house, ANN, Wish.NUMBER, OUTSIDE) is Said.DONE
    staged.follow()
    assert the_talk(staged).came_to is CameTo.NOTHING
    assert rung(staged, OUTSIDE) == (most, 1)


def test_wherever_the_refusal_of_a_consultation_dies_the_number_is_not_rung(staged: StagedHouse) -> None:
    _, agent = live_talk(staged)
    most = staged.house.knobs.outside_per_number
    other = already_rung(staged, most - 1)
    transfer.consult(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    with staged.sql.begin() as work:
        work.put_talk(replace(other, outside=most))
    asked = next(url for sid, url in staged.carrier.redirected if sid == agent.sid)
    for kill_after in range(1, 12):
        staged.steps.restart(kill_after)
        try:
            agent.redirected(asked)
        except Killed:
            staged.steps.restart()
        assert OUTSIDE not in str(agent.dial)
        staged.house.once.forget(lambda _: True)
    assert rung(staged, OUTSIDE) == (most, 0)
    assert the_talk(staged).came_to is CameTo.REFUSED


@pytest.mark.parametrize("staged", ["postgresql"], indirect=True)
def test_of_two_who_would_be_the_last_one_waits_and_is_refused(staged: StagedHouse) -> None:
    live_talk(staged)
    most = staged.house.knobs.outside_per_number
    other = already_rung(staged, most - 1)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    talk, queue = the_talk(staged), staged.house.book.queue(SUPPORT)

    def ring() -> bool:
        try:
            outside.ring(staged.house, talk, queue, lambda found: consult.rings(found, 1))
        except NumberRefused as refused:
            return refused.reason != "too_often"
        return True

    with ThreadPoolExecutor(1) as second:
        with staged.sql.begin() as work:
            work.alone(f"number {staged.sql.number_hash(OUTSIDE)}")
            rings = second.submit(ring)
            eventually(lambda: waits_for_a_lock(staged.sql))
            work.put_talk(replace(other, outside=most))
        assert not rings.result()
    assert rung(staged, OUTSIDE) == (most, 0)


# --- the end of such a ring, while a part of us is away -------------------------------------------------------------


@pytest.mark.parametrize("away", [{"store"}, {"line"}, {"store", "line"}], ids=["record", "line", "both"])
def test_nobody_took_it_while_a_part_of_us_is_away_and_they_are_first_in_line_afterwards(
    staged: StagedHouse, away: set[str]
) -> None:
    caller, _ = live_talk(staged)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    staged.follow()
    late = staged.holding("+12025550188")
    staged.steps.away = frozenset(away)
    caller.dial_ends("no-answer")
    assert caller.queue is not None
    assert caller.up
    staged.steps.away = frozenset()
    caller.hold()
    assert staged.order() == [caller.sid, late.sid]


def test_who_has_talked_elsewhere_is_done_whatever_is_away(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    staged.follow()
    assert caller.dial is not None
    url = caller.dial.get("action")
    staged.steps.away = frozenset({"store", "line"})
    assert "<Hangup />" in staged.post(url, caller.form(DialCallStatus="completed"))
    staged.steps.away = frozenset()
    caller.hang_up()
    staged.pass_time(60)
    assert staged.order() == []


def test_a_wish_that_meets_an_outage_is_done_when_that_is_over(staged: StagedHouse) -> None:
    caller, _ = live_talk(staged)
    transfer.pass_on(staged.house, ANN, Wish.NUMBER, OUTSIDE)
    staged.steps.away = frozenset({"store"})
    staged.follow()
    assert caller.document.names == ["Gather"]
    staged.steps.away = frozenset()
    caller.silence()
    assert caller.document.only("Dial").children[0].text == OUTSIDE
    assert rung(staged, OUTSIDE) == (1, 1)
