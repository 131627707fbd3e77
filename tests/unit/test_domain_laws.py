"""Laws learnt from what was seen: hazards, with censoring, other ends, priors and the stored form."""

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.laws import (
    NOTHING_SEEN,
    RING_EDGES,
    TALK_EDGES,
    WRAP_EDGES,
    End,
    Law,
    Laws,
    Seen,
    expected,
    first_guess,
    prior,
)
from callback.domain.policy import Policy

EDGES = (0.0, 10, 20, 40)


def seen(*observations: tuple[float, End], edges: tuple[float, ...] = EDGES) -> Seen:
    found = Seen.nothing(edges)
    for seconds, end in observations:
        found = found.add(seconds, end)
    return found


def test_an_end_counts_in_its_stretch_and_its_seconds_in_all_before() -> None:
    found = seen((15, End.EVENT), (5, End.OTHER), (50, End.OPEN))
    assert found.events == (0, 1, 0, 0)
    assert found.others == (1, 0, 0, 0)
    assert found.lasted == (25, 15, 20, 10)
    assert found.count == 2


def test_nothing_lasts_less_than_no_time() -> None:
    with pytest.raises(ValueError, match="nothing lasts"):
        Seen.nothing(EDGES).add(-1)
    with pytest.raises(ValueError, match="nothing lasts"):
        Seen.nothing(EDGES).add(math.nan)


def test_an_exponential_law_is_found_again() -> None:
    law = Law(expected(TALK_EDGES, lambda t: -math.expm1(-t / 180), 1))
    for age, span in ((0, 10), (100, 30), (900, 200), (3000, 100)):
        assert law.within(age, span) == pytest.approx(-math.expm1(-span / 180), rel=0.03)


def test_who_is_still_talking_counts_for_the_time_so_far() -> None:
    dice = random.Random(4)
    talks = [dice.expovariate(1 / 100) for _ in range(4000)]
    cut = seen(*((min(t, 60), End.EVENT if t < 60 else End.OPEN) for t in talks), edges=TALK_EDGES)
    assert Law(cut).within(0, 60) == pytest.approx(1 - math.exp(-0.6), rel=0.05)
    ended_only = seen(*((t, End.EVENT) for t in talks if t < 60), edges=TALK_EDGES)
    assert Law(ended_only).within(0, 60) > 0.95  # what looking at the ended alone would say


def test_a_call_that_has_rung_for_long_will_hardly_be_answered() -> None:
    ring = Law(prior(RING_EDGES, mean_s=9, cv=0.45, weight=100, share=0.85))
    assert ring.within(0, 25) == pytest.approx(0.85, abs=0.02)
    assert ring.within(20, 5) < 0.15


def test_who_is_busy_does_not_answer_any_more() -> None:
    half = seen(*([(5, End.EVENT)] * 50), *([(5, End.OTHER)] * 50))
    answered, ringing = Law(half).so_far(10)
    assert answered == pytest.approx((1 - ringing) / 2)
    assert Law(half).within(0, 1000) == answered


@given(st.floats(0, 500), st.floats(0, 200), st.floats(0, 200))
def test_more_time_is_never_less_likely_to_be_enough(age: float, span: float, more: float) -> None:
    for law in map(Law, first_guess(Policy()).parts):
        assert 0 <= law.within(age, span) <= law.within(age, span + more) <= 1


def test_where_nothing_was_ever_seen_nothing_ends() -> None:
    assert Law(Seen.nothing(EDGES)).within(5, 1000) == 0


def test_whoever_outlasts_all_goes_on_as_the_last_went() -> None:
    sure = Law(seen(*([(0.01, End.EVENT)] * 500)))
    assert sure.within(5, 1) == pytest.approx(1)
    assert sure.within(30, 1) == 0  # nobody was ever seen there


def test_a_prior_counts_as_its_weight() -> None:
    guess = prior(TALK_EDGES, mean_s=200, cv=1, weight=10)
    assert guess.count == pytest.approx(10, rel=0.03)
    assert sum(guess.lasted) == pytest.approx(10 * 200, rel=0.05)


def test_measured_talks_outweigh_the_prior() -> None:
    policy = Policy(prior_handle_s=240)
    measured = NOTHING_SEEN
    for _ in range(300):
        measured = Laws(measured.ring, measured.key, measured.talk.add(50), measured.wrap)
    both = first_guess(policy).plus(measured)
    assert Law(both.talk).within(0, 60) > 0.9
    assert Law(first_guess(policy).talk).within(0, 60) < 0.2


def test_what_was_learnt_fades() -> None:
    found = seen((15, End.EVENT), (15, End.EVENT)).faded(0.5)
    assert found.count == 1
    assert found.lasted == (10, 5, 0, 0)


def test_other_stretches_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="other stretches"):
        Seen.nothing(EDGES).plus(Seen.nothing(WRAP_EDGES))


def test_laws_are_stored_as_json_and_read_again() -> None:
    stored = json.dumps(first_guess(Policy()).as_json())
    again = Laws.from_json(json.loads(stored))
    assert again.as_json() == json.loads(stored)
    assert Law(again.ring).within(0, 10) == pytest.approx(Law(first_guess(Policy()).ring).within(0, 10), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 99}, "of version 99"),
        ({"talk": {"edges": [0, 5, 4], "events": [0, 0, 0], "others": [0, 0, 0], "lasted": [0, 0, 0]}}, "in order"),
        ({"talk": {"edges": [0, 5], "events": [0], "others": [0, 0], "lasted": [0, 0]}}, "in order"),
    ],
)
def test_a_damaged_or_unknown_form_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Laws.from_json({**NOTHING_SEEN.as_json(), **change})
