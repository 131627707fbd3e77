"""What recorded traffic says about its people and agents, and what is drawn for the rest."""

import random
from statistics import fmean

import pytest

from callback.domain.laws import RING_EDGES, first_guess
from callback.domain.policy import Policy
from callback.lab import duty
from callback.lab.dialling import Ends
from callback.lab.people import OFFERED, PATIENCE_S, QUOTED, Census, TakeUp, dice, fit, key_of
from callback.lab.survival import Patience
from callback.lab.trace import Outcome, Row
from tests.support.traffic import MONDAY, crowd, row

NINE = MONDAY.timestamp()


def census(rows: list[Row], take_up: float | None = None) -> Census:
    return Census(rows, prior_patience_s=600, take_up=take_up, usual=0.5)


def offered(call: str, at: float, *, took: bool, said: float = 120) -> Row:
    found = row(call, at, waited=100, outcome=Outcome.CALLBACK if took else Outcome.ANSWERED)
    return Row(**{**{name: getattr(found, name) for name in Row.__slots__}, "extra": {OFFERED: "1", QUOTED: str(said)}})


# --- patience -----------------------------------------------------------------------------------------------------


def test_patience_is_learnt_from_waits_that_service_cut_short() -> None:
    numbers = random.Random(1)
    waits = []
    for _ in range(5000):
        patience, service = numbers.expovariate(1 / 300), numbers.expovariate(1 / 150)
        waits.append((min(patience, service), patience < service))
    learnt = Patience.learn(waits, prior_s=600)
    assert learnt.still_there(200) == pytest.approx(2.718281828 ** (-200 / 300), abs=0.03)
    beyond = [learnt.draw(numbers.random(), 150) for _ in range(4000)]
    assert min(beyond) >= 150
    assert fmean(beyond) == pytest.approx(450, rel=0.08)


def test_where_nobody_ever_hung_up_the_first_guess_speaks() -> None:
    assert Patience.learn([], prior_s=600).draw(0.5) == pytest.approx(600 * 0.6931, rel=0.01)


def test_whoever_hung_up_is_exactly_as_patient_as_they_were_and_whoever_was_served_more() -> None:
    rows = [row(f"left{n}", n, waited=30 + n, outcome=Outcome.ABANDONED) for n in range(40)]
    rows += [row(f"served{n}", n, waited=50) for n in range(40)]
    people = {one.id: one for one in census(rows).crowd(1).people}
    assert [people[f"left{n}"].patience_s for n in range(40)] == [30 + n for n in range(40)]
    assert all(people[f"served{n}"].patience_s >= 50 for n in range(40))


def test_whose_patience_is_told_has_that() -> None:
    told = row("a", 0, waited=20)
    told = Row(**{**{name: getattr(told, name) for name in Row.__slots__}, "extra": {PATIENCE_S: "12.5"}})
    assert census([told]).crowd(1).people[0].patience_s == 12.5


# --- talks and dice -----------------------------------------------------------------------------------------------


def test_whoever_did_not_talk_gets_a_talk_of_those_like_them() -> None:
    rows = [row(f"a{n}", n, handled=10, queue="sales") for n in range(40)]
    rows += [row(f"b{n}", n, handled=500, queue="support") for n in range(40)]
    rows += [row("x", 50, waited=5, outcome=Outcome.ABANDONED, queue="sales")]
    people = {one.id: one for one in census(rows).crowd(1).people}
    assert people["x"].handle_s == 10
    assert people["b3"].handle_s == 500


def test_the_talk_of_a_callback_is_that_of_its_second_row() -> None:
    rows = [row("a", 0, waited=60, outcome=Outcome.CALLBACK), row("a-r", 60, waited=200, handled=77)]
    (only,) = census(rows).crowd(1).people
    assert only.handle_s == 77


def test_a_seed_gives_the_same_people_and_another_row_changes_nobody_else() -> None:
    rows = crowd(50)
    first, again = census(rows).crowd(3).people, census(rows[:-1]).crowd(3).people
    assert [one.key for one in first][:-1] == [one.key for one in again]
    assert census(rows).crowd(3).people == first
    assert census(rows).crowd(4).people != first


def test_dice_are_uniform_and_their_streams_apart() -> None:
    drawn = [dice(key_of(1, str(number)), which) for number in range(2000) for which in range(4)]
    assert fmean(drawn) == pytest.approx(0.5, abs=0.015)
    assert len(set(drawn)) == len(drawn)


# --- taking an offer ----------------------------------------------------------------------------------------------


def test_take_up_is_told_or_guessed_and_says_so() -> None:
    assert census(crowd(5), take_up=0.3).take_up.chance(60) == pytest.approx(0.3)
    guessed = census(crowd(5))
    assert guessed.take_up.chance(None) == pytest.approx(0.5)
    assert "a guess" in guessed.notes[-1]


def test_take_up_is_learnt_from_who_was_offered_what() -> None:
    numbers = random.Random(2)
    truth = TakeUp(level=-1.5, slope=1.0)
    rows = []
    for number in range(1500):
        said = numbers.uniform(0, 1200)
        rows.append(offered(f"c{number}", number, took=numbers.random() < truth.chance(said), said=said))
    learnt = census(rows).take_up
    for said in (60.0, 300.0, 900.0):
        assert learnt.chance(said) == pytest.approx(truth.chance(said), abs=0.06)


def test_offers_of_one_same_wait_teach_no_slope() -> None:
    learnt = fit([(120.0, number % 4 == 0) for number in range(200)])
    assert learnt.chance(120) == pytest.approx(0.25, abs=0.02)


def test_whoever_took_an_offer_takes_it_again_and_whoever_declined_does_not() -> None:
    rows = [offered(f"c{number}", number, took=number % 3 == 0) for number in range(90)]
    found = census(rows)
    people = found.crowd(1).people
    chance = found.take_up.chance(120)
    assert [one.willing < chance for one in people] == [number % 3 == 0 for number in range(90)]


def test_without_a_column_for_offers_the_share_is_of_those_who_waited_as_long() -> None:
    rows = [row(f"c{number}", number, waited=60, outcome=Outcome.CALLBACK) for number in range(10)]
    rows += [row(f"w{number}", number, waited=90) for number in range(30)]
    rows += [row(f"s{number}", number, waited=5) for number in range(100)]
    assert census(rows).take_up.chance(None) == pytest.approx(0.25)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_constant_take_up_holds_for_every_wait(share: float) -> None:
    assert TakeUp.constant(share).chance(1000) == pytest.approx(share)


def test_a_share_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        TakeUp.constant(1.2)


# --- being reached ------------------------------------------------------------------------------------------------


def test_rings_follow_the_law_they_are_drawn_from() -> None:
    ring = Ends.of(first_guess(Policy()).ring)
    drawn = [ring.after((number + 0.5) / 4000) for number in range(4000)]
    answered = [seconds for seconds in drawn if seconds is not None]
    assert len(answered) / 4000 == pytest.approx(0.8, abs=0.02)
    assert fmean(answered) == pytest.approx(10, rel=0.1)
    assert max(answered) <= 2 * RING_EDGES[-1]
    told = [ring.after((number + 0.5) / 4000, share=0.5) for number in range(4000)]
    assert sum(seconds is not None for seconds in told) == 2000


# --- agents -------------------------------------------------------------------------------------------------------


def test_an_agent_is_there_from_their_first_talk_to_their_last() -> None:
    (seat,) = duty.infer([row("a", 0, 0, 60), row("b", 200, 0, 60)]).seats
    assert seat.shifts == [(NINE, NINE + 260)]


def test_a_long_pause_is_a_break_and_so_is_one_beside_callers_who_wait() -> None:
    rows = [row("a", 0, 0, 60), row("b", 8000, 0, 60)]
    assert len(duty.infer(rows).seats[0].shifts) == 2
    beside = [row("a", 0, 0, 60), row("w", 100, 700, 60, agent="bo"), row("b", 2900, 0, 60)]
    assert len(duty.infer(beside).seats[0].shifts) == 2
    quiet = [row("a", 0, 0, 60), row("w", 850, 0, 60, agent="bo"), row("b", 2900, 0, 60)]
    assert len(duty.infer(quiet).seats[0].shifts) == 1


def test_a_short_pause_beside_callers_who_wait_is_work_on_the_talk_before() -> None:
    roster = duty.infer([row("a", 0, 0, 60), row("w", 10, 500, 60, agent="bo"), row("b", 20, 100, 60)])
    ann = next(seat for seat in roster.seats if seat.agent == "ann")
    assert len(ann.shifts) == 1
    assert roster.more_work_s == {"a": 60}


def test_an_agent_serves_the_queues_in_which_they_were_seen() -> None:
    roster = duty.infer([row("a", 0), row("b", 100, queue="sales"), row("c", 50, agent="bo")])
    assert {seat.agent: set(seat.queues) for seat in roster.seats} == {"ann": {"q", "sales"}, "bo": {"q"}}


def test_without_names_there_are_as_many_as_talked_at_once_in_each_quarter() -> None:
    rows = [row("a", 0, 0, 60, agent=""), row("b", 10, 0, 60, agent=""), row("c", 1000, 0, 60, agent="")]
    first, second = duty.infer(rows).seats
    assert first.shifts == [(NINE, NINE + 1800)]
    assert second.shifts == [(NINE, NINE + 900)]


def test_a_few_talks_that_name_nobody_have_somebody_for_as_long_as_they_last() -> None:
    rows = [row(f"n{n}", 100.0 * n, 0, 60) for n in range(20)]
    rows += [row("x", 50, 0, 60, agent=""), row("y", 80, 0, 60, agent="")]
    nameless = [seat for seat in duty.infer(rows).seats if seat.agent != "ann"]
    assert [len(seat.shifts) for seat in nameless] == [1, 1]
    assert nameless[0].shifts == [(NINE + 50, NINE + 110)]


def test_where_nobody_talked_there_is_nobody() -> None:
    assert duty.infer([row("a", 0, 30, outcome=Outcome.ABANDONED)]).seats == []
