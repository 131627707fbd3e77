"""The days to come as a queue keeps them: any hours, any zone, over the changes of the clock and the date line."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callback.domain import hours
from callback.domain.days import SHOWN, DayOpen, Why, coming

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
    "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca",
)  # fmt: skip
DAYS = st.dates(date(1994, 1, 1), date(2037, 12, 31))
SPANS = st.sampled_from(
    [[], [["09:00", "17:00"]], [["00:00", "24:00"]], [["08:00", "12:00"], ["13:00", "18:30"]], [["22:00", "06:00"]]]
)


@st.composite
def rules(draw: st.DrawFn) -> tuple[dict[str, object], date]:
    first = draw(DAYS)
    near = st.integers(-2, SHOWN + 2).map(lambda days: (first + timedelta(days=days)).isoformat())
    found: dict[str, object] = {
        "timezone": draw(st.sampled_from(ZONES)),
        "weekly": {day: draw(SPANS) for day in hours.DAYS},
        "closed_dates": draw(st.lists(near, max_size=3)),
        "open_dates": draw(st.lists(near, max_size=3)),
    }
    return found, first


def only(zone: str, day: date, **more: object) -> DayOpen:
    weekly = {name: [["09:00", "17:00"]] for name in hours.DAYS}
    (found,) = coming({"timezone": zone, "weekly": weekly, **more}, day, 1)
    return found


@given(st.none() | rules(), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_every_day_is_told_once_and_in_order(drawn: tuple[dict[str, object], date] | None, days: int) -> None:
    known, first = drawn or (None, date(2026, 3, 2))
    assert [one.day for one in coming(known, first, days)] == [first + timedelta(days=n) for n in range(days)]


@given(rules())
@settings(max_examples=60, deadline=None)
def test_what_is_told_of_a_day_is_when_the_queue_is_open(drawn: tuple[dict[str, object], date]) -> None:
    """The one answers the question of a page, the other that of a caller: they never say different things. A day after
    one that is open past midnight begins in the span of the day before."""
    known, first = drawn
    zone = hours.zone_of(known)
    before, *told = coming(known, first - timedelta(days=1), SHOWN + 1)
    assert zone is not None
    for one in told:
        for hour in range(24):
            at = datetime(one.day.year, one.day.month, one.day.day, hour, 20, tzinfo=zone)
            real = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == at.replace(tzinfo=None)
            if real and at.fold == 0:  # a time that the clock shows on that day
                expected = any(inside(at, span) for span in one.spans) or any(past(at, span) for span in before.spans)
                assert hours.is_open(known, at.astimezone(UTC)) is expected, at
        before = one


def inside(at: datetime, span: tuple[str, str]) -> bool:
    opening, closing = span
    return opening <= f"{at:%H:%M}" and (f"{at:%H:%M}" < closing or closing < opening)


def past(at: datetime, span: tuple[str, str]) -> bool:
    opening, closing = span
    return closing < opening and f"{at:%H:%M}" < closing


@given(rules())
@settings(max_examples=60, deadline=None)
def test_a_day_that_is_named_is_open_or_closed_by_hand(drawn: tuple[dict[str, object], date]) -> None:
    known, first = drawn
    for one in coming(known, first):
        written = one.day.isoformat()
        if written in known["open_dates"]:  # type: ignore[operator]
            assert one.why is Why.OPEN_DATE
            assert bool(one.spans) is any(known["weekly"].values())  # type: ignore[attr-defined]
        elif written in known["closed_dates"]:  # type: ignore[operator]
            assert (one.why, one.spans) == (Why.CLOSED_DATE, ())
        else:
            assert one.why is Why.USUAL


@given(st.sampled_from(ZONES), DAYS)
@settings(max_examples=200, deadline=None)
def test_a_change_of_the_clock_is_what_the_day_lacks_or_has_twice(zone: str, day: date) -> None:
    found = coming({"timezone": zone, "weekly": {}}, day, 3)
    rule = hours.zone_of({"timezone": zone, "weekly": {}})
    begin, end = (datetime(at.year, at.month, at.day, tzinfo=rule) for at in (day, day + timedelta(days=3)))
    lasts = end.astimezone(UTC) - begin.astimezone(UTC)
    assert timedelta(days=3) - lasts == timedelta(seconds=sum(one.clock_s for one in found))


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 60),
        ("Europe/Berlin", date(2026, 10, 25), -60),
        ("Europe/Berlin", date(2026, 3, 30), 0),
        ("Australia/Lord_Howe", date(2026, 10, 4), 30),
        ("America/New_York", date(2026, 11, 1), -60),
        ("Asia/Shanghai", date(2026, 3, 29), 0),
        ("Pacific/Apia", date(2011, 12, 30), 24 * 60),  # the day that Samoa left out, when it crossed the date line
        ("Pacific/Apia", date(2011, 12, 31), 0),
    ],
)
def test_how_far_the_clock_is_set(zone: str, day: date, minutes: int) -> None:
    assert only(zone, day).clock_s == 60 * minutes


def test_always_open_is_open_all_day_and_knows_no_holiday() -> None:
    assert coming(None, date(2026, 12, 25), 1) == [DayOpen(date(2026, 12, 25), (("00:00", "24:00"),), Why.USUAL)]


def test_a_holiday_closes_a_day_that_would_be_open_and_is_named() -> None:
    christmas = only("Europe/Berlin", date(2026, 12, 25), holidays="DE")
    assert (christmas.why, christmas.spans) == (Why.HOLIDAY, ())
    assert christmas.holiday
    kept = only("Europe/Berlin", date(2026, 12, 25), holidays="DE", open_dates=["2026-12-25"])
    assert (kept.why, kept.holiday, kept.spans) == (Why.OPEN_DATE, christmas.holiday, (("09:00", "17:00"),))


def test_a_holiday_in_the_next_year_is_known_before_the_year_begins() -> None:
    told = coming({"timezone": "UTC", "weekly": {"fri": [["09:00", "17:00"]]}, "holidays": "US"}, date(2026, 12, 30), 3)
    assert [(one.day.isoformat(), one.why) for one in told if one.holiday] == [("2027-01-01", Why.HOLIDAY)]


def test_a_holiday_on_a_day_that_is_closed_anyhow_is_named_and_decides_nothing() -> None:
    (saturday,) = coming({"timezone": "UTC", "weekly": {}, "holidays": "US"}, date(2026, 7, 4), 1)
    assert (saturday.why, bool(saturday.holiday)) == (Why.USUAL, True)


def test_holidays_are_named_in_the_language_that_is_asked_for_where_it_is_known() -> None:
    rules_there = {"timezone": "Asia/Shanghai", "weekly": {"thu": [["09:00", "17:00"]]}, "holidays": "CN"}
    english, chinese, other = (
        coming(rules_there, date(2026, 10, 1), 1, language=language)[0].holiday for language in ("en_US", "zh_CN", "xx")
    )
    assert "National Day" in english
    assert "国庆" in chinese
    assert other in (english, chinese)
