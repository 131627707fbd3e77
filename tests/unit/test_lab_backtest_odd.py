"""The backtest on traffic that is odd, and the promise that no forecast knows what comes after it."""

import math
import random
from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest

from callback.domain.policy import Policy
from callback.lab import backtest
from callback.lab.trace import Outcome, Row, TraceError, parse
from tests.support.traffic import HEADER, crowd, row

DAY = 86400.0
TRAIN, TEST = crowd(450, seed=1), crowd(260, seed=2, start=DAY)


def sane(train: Sequence[Row], test: Sequence[Row]) -> backtest.Report:
    """The report, once every number of it is one that could be announced."""
    report = backtest.run(train, test, policy=Policy())
    assert [one.row.call_id for one in report.predictions] == [one.call_id for one in test if one.waited_s > 0]
    for one in report.predictions:
        assert all(math.isfinite(number) and number >= 0 for number in (*astuple(one.ours), *one.field.values()))
        assert one.ours.p10 <= one.ours.p50 <= one.ours.p80 <= one.ours.p90
    return report


def another_future(seed: int) -> tuple[float, list[Row]]:
    """A moment drawn by these dice, and the traffic to predict with everything otherwise that happens after it."""
    dice = random.Random(seed)
    moment = dice.choice(TEST[60:]).at
    return moment, [_otherwise(one, moment, dice) for one in TEST]


def _otherwise(one: Row, moment: float, dice: random.Random) -> Row:
    if one.at > moment:
        return replace(one, waited_s=dice.expovariate(1 / 200), agent=f"agent{dice.randrange(9)}")
    waits, talks = one.at + one.waited_s > moment, one.at + one.waited_s + one.handled_s > moment
    if waits:
        return replace(one, waited_s=moment - one.at + dice.expovariate(1 / 300), outcome=dice.choice(list(Outcome)))
    return replace(one, handled_s=moment - one.at - one.waited_s + dice.expovariate(1 / 900)) if talks else one


@lru_cache(maxsize=1)
def as_it_was() -> backtest.Report:
    return sane(TRAIN, TEST)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_forecast_until_a_moment_is_the_same_whatever_happens_afterwards(seed: int) -> None:
    moment, other = another_future(seed)
    here, there = (
        [(one.row.call_id, one.ours, one.field) for one in report.predictions if one.row.at <= moment]
        for report in (as_it_was(), sane(TRAIN, other))
    )
    assert len(here) > 20
    assert here == there


def test_without_traffic_to_learn_from_the_simple_rule_begins() -> None:
    first = sane([], TEST).predictions[0]
    assert first.learnt == 0
    assert first.ours.mean > 0


@pytest.mark.parametrize(
    "test",
    [
        [],
        TEST[:1],
        crowd(60, agents=1, start=DAY),
        [row(f"{n}", n, 30.0, outcome=Outcome.ABANDONED) for n in range(50)],
        [row(f"{n}", n * 5.0, 0.0) for n in range(50)],
        [row(f"{n}", n * 5.0, 20.0 + n, agent="") for n in range(50)],
        [row(f"{n}", n * 60.0, 86400.0 * 9) for n in range(20)],
        [row(f"{n}", 7.0, 3.0 * n) for n in range(40)],
        [replace(one, handled_s=0.0) for one in TEST[:50]],
        [replace(one, priority=f"p{n}", queue=f"q{n % 30}") for n, one in enumerate(TEST[:90])],
    ],
    ids=[
        "nothing",
        "one call",
        "one agent",
        "all hang up",
        "nobody waits",
        "nobody named",
        "nine days",
        "at once",
        "no talk",
        "all apart",
    ],
)
@pytest.mark.parametrize("train", [[], TRAIN[:5]], ids=["untaught", "hardly taught"])
def test_odd_traffic_is_forecast_with_numbers_that_could_be_announced(train: list[Row], test: list[Row]) -> None:
    sane(train, test)


def lines(*rows: str) -> list[str]:
    return [f"{HEADER},colour", *rows]


def test_rows_may_come_in_any_order_with_more_columns_than_the_format_knows() -> None:
    rows = parse(lines("b,q,,2026-03-02T09:00:30,answered,5,60,ann,red", "a,q,,2026-03-02T09:00:00,answered,9,60,,"))
    assert [one.call_id for one in rows] == ["a", "b"]
    assert rows[1].extra == {"colour": "red"}
    sane([], rows)


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(TraceError, match="'a' stands twice"):
        parse(lines(*["a,q,,2026-03-02T09:00:00,answered,9,60,,"] * 2))


def test_times_without_a_zone_are_those_of_the_queue_and_a_clock_that_is_set_back_makes_no_wait_negative() -> None:
    zone = ZoneInfo("Europe/Berlin")
    written = ["01:59:50", "02:30:00", "02:59:59", "03:00:01", "03:10:00"]
    rows = parse(lines(*(f"{n},q,,2026-10-25T{at},answered,30,60,ann," for n, at in enumerate(written))), zone=zone)
    assert rows[0].at == pytest.approx(rows[0].arrived_at.timestamp())
    assert rows[3].at - rows[2].at == 3602
    sane([], rows)


def test_a_file_with_a_header_alone_teaches_nothing_and_is_no_mistake() -> None:
    assert parse(lines()) == []
    assert backtest.run(parse(lines()), [], policy=Policy()).scores["callback"] is None
