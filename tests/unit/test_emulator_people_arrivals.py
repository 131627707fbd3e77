"""When simulated people ring: as often as the curve says, the same for the same seed."""

import itertools
import statistics
from collections import Counter

import phonenumbers
import pytest

from callback.emulator.arrivals import Arrivals, DayCurve, Hump, Scenario, curve_for, lognormal, stream
from callback.emulator.persons import CHINESE, Figures, draw_person, story_number
from callback.emulator.speech import Intent

SCENARIOS: tuple[Scenario, ...] = ("steady", "demo", "burst")


def _expected(arrivals: Arrivals, start_s: float, end_s: float) -> float:
    """The integral of the rate, by the midpoint rule."""
    step = (end_s - start_s) / 2000
    return sum(arrivals.rate(start_s + (i + 0.5) * step) * step for i in range(2000))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_arrivals_add_up_to_the_integral_of_the_rate_in_every_part_of_the_day(scenario: Scenario) -> None:
    curve = curve_for(scenario)
    arrivals = Arrivals(curve, agents=40, occupied_s=270.0)
    runs, parts = 40, 6
    part_s = curve.day_s / parts
    counts: Counter[int] = Counter()
    for seed in range(runs):
        times = arrivals.times(stream(seed, "arrivals"))
        counts.update(int(at // part_s) for at in itertools.takewhile(lambda at: at < curve.day_s, times))
    for part in range(parts):
        expected = runs * _expected(arrivals, part * part_s, (part + 1) * part_s)
        assert counts[part] == pytest.approx(expected, abs=4 * expected**0.5 + 1)


def test_the_same_seed_gives_the_same_arrivals_and_another_seed_others() -> None:
    arrivals = Arrivals(curve_for("demo"), agents=3, occupied_s=270.0)

    def first(seed: int) -> list[float]:
        return list(itertools.islice(arrivals.times(stream(seed, "arrivals")), 50))

    assert first(7) == first(7)
    assert first(7) != first(8)
    assert first(7) == sorted(first(7))


def test_the_demo_day_overloads_the_agents_mildly_and_gives_them_time_to_recover() -> None:
    curve = curve_for("demo")
    loads = [curve.load(at) for at in range(0, int(curve.day_s), 30)]
    assert 1.05 <= max(loads) <= 1.2
    assert min(loads) < 0.6
    assert 0.7 < curve.load(0) < 1.05
    rises = [at for at, load in enumerate(loads) if load > 1.0]
    assert rises[0] * 30 / 60 < 15


def test_the_curve_repeats_every_day_and_stays_below_its_ceiling() -> None:
    curve = DayCurve(0.5, (Hump(0.3, 0.1, 0.6), Hump(0.7, 0.1, 0.4)), day_s=1000.0, starts_at=0.2)
    assert curve.load(123.0) == pytest.approx(curve.load(1123.0))
    assert max(curve.load(at) for at in range(1000)) <= curve.ceiling


def test_a_lognormal_draw_has_the_mean_and_variation_asked_for() -> None:
    rng = stream(1, "test")
    drawn = [lognormal(rng, 240.0, 0.8) for _ in range(40_000)]
    assert statistics.fmean(drawn) == pytest.approx(240.0, rel=0.03)
    assert statistics.stdev(drawn) / statistics.fmean(drawn) == pytest.approx(0.8, rel=0.06)


def test_every_number_is_a_valid_fictional_one_of_the_united_states_and_nobodys_twice() -> None:
    numbers = [story_number(index) for index in range(2000)]
    assert len(set(numbers)) == 2000
    for number in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed), number
        assert phonenumbers.region_code_for_number(parsed) == "US", number
        assert number[5:].startswith("55501")


def test_other_numbers_are_valid_and_belong_to_nobody_who_rings() -> None:
    figures = Figures(other_number=1.0, withheld=0.0)
    ringing = {story_number(index) for index in range(2000)}
    for index in range(200):
        other = draw_person(index, figures, seed=1).other_number
        assert other is not None
        assert phonenumbers.is_valid_number(phonenumbers.parse(other))
        assert other not in ringing


def test_people_are_as_varied_as_the_figures_say() -> None:
    figures = Figures()
    people = [draw_person(index, figures, seed=3) for index in range(4000)]

    def share(holds: list[bool]) -> float:
        return sum(holds) / len(holds)

    assert share([person.language == CHINESE for person in people]) == pytest.approx(0.25, abs=0.03)
    assert share([person.withheld for person in people]) == pytest.approx(0.04, abs=0.015)
    assert share([person.wish is Intent.CALLBACK for person in people]) == pytest.approx(0.6, abs=0.04)
    assert statistics.fmean(person.patience_s for person in people) == pytest.approx(600, rel=0.06)
    assert statistics.fmean(person.talk_s for person in people) == pytest.approx(240, rel=0.06)


def test_who_cannot_be_rung_back_does_not_ask_for_it() -> None:
    people = [draw_person(index, Figures(withheld=1.0), seed=3) for index in range(300)]
    assert any(person.other_number is None for person in people)
    assert all(person.wish is Intent.STAY for person in people if person.other_number is None)


def test_a_person_depends_on_the_seed_and_their_place_alone() -> None:
    assert draw_person(17, Figures(), seed=5) == draw_person(17, Figures(), seed=5)
    assert draw_person(17, Figures(), seed=5) != draw_person(17, Figures(), seed=6)


def test_changing_one_figure_changes_no_other_trait() -> None:
    for index in range(100):
        before = draw_person(index, Figures(), seed=5)
        after = draw_person(index, Figures(patience_s=60.0), seed=5)
        assert after.patience_s == pytest.approx(before.patience_s / 10)
        assert (after.talk_s, after.language, after.wish, after.number) == (
            before.talk_s,
            before.language,
            before.wish,
            before.number,
        )
