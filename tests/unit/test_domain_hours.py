"""Opening hours: days, nights, holidays, daylight saving, and the quiet hours of those who are rung."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.hours import DAYS, closes_at, is_open, next_opening, quiet_until, validate_hours

NINE_TO_SIX = [["09:00", "18:00"]]
OFFICE: dict[str, Any] = {
    "timezone": "Asia/Shanghai",
    "weekly": dict.fromkeys(DAYS[:5], NINE_TO_SIX),
    "holidays": "CN",
    "closed_dates": ["2026-12-24"],
    "open_dates": ["2026-10-10"],
}
ALWAYS = {"timezone": "UTC", "weekly": {day: [["00:00", "24:00"]] for day in DAYS}}


def local(zone: str, text: str, fold: int = 0) -> datetime:
    """A wall clock time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def china(text: str) -> datetime:
    return local("Asia/Shanghai", text)


def everyday(zone: str, *intervals: list[str]) -> dict[str, Any]:
    return {"timezone": zone, "weekly": {day: list(intervals) for day in DAYS}}


# --- days and nights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("2026-03-02 08:59:59", False),
        ("2026-03-02 09:00", True),
        ("2026-03-02 17:59:59", True),
        ("2026-03-02 18:00", False),
        ("2026-03-07 12:00", False),  # Saturday
        ("2026-10-01 12:00", False),  # National Day, a Thursday
        ("2026-12-24 12:00", False),  # closed date
        ("2026-10-10 12:00", True),  # open date on a Saturday: the hours of the week's first open day
        ("2026-10-10 19:00", False),
    ],
)
def test_an_office_is_open_when_its_own_clock_says_so(at: str, opened: bool) -> None:
    assert is_open(OFFICE, china(at)) is opened


def test_no_hours_are_all_hours() -> None:
    now = china("2026-03-02 03:00")
    assert is_open(None, now)
    assert next_opening(None, now) == now
    assert closes_at(None, now) is None


@pytest.mark.parametrize(
    ("after", "opens"),
    [
        ("2026-03-02 03:00", "2026-03-02 09:00"),
        ("2026-03-02 09:00", "2026-03-02 09:00"),
        ("2026-03-02 12:34", "2026-03-02 12:34"),
        ("2026-03-02 18:00", "2026-03-03 09:00"),
        ("2026-03-06 18:30", "2026-03-09 09:00"),
        ("2026-12-23 20:00", "2026-12-25 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),  # over the Golden Week
    ],
)
def test_the_next_opening_is_the_first_open_moment(after: str, opens: str) -> None:
    assert next_opening(OFFICE, china(after)) == china(opens)


@pytest.mark.parametrize(
    ("at", "closes"),
    [("2026-03-02 09:00", "2026-03-02 18:00"), ("2026-03-02 17:59", "2026-03-02 18:00"), ("2026-03-02 18:00", None)],
)
def test_a_queue_closes_at_the_end_of_its_interval(at: str, closes: str | None) -> None:
    assert closes_at(OFFICE, china(at)) == (china(closes) if closes else None)


@pytest.mark.parametrize("to", ["02:00", "24:00", "00:00"])
def test_an_interval_may_run_past_midnight_and_belongs_to_the_day_it_starts_on(to: str) -> None:
    friday_night = {"timezone": "UTC", "weekly": {"fri": [["22:00", to]]}}
    end = datetime(2026, 3, 7, 2 if to == "02:00" else 0, tzinfo=UTC)
    assert next_opening(friday_night, end - timedelta(days=1)) == datetime(2026, 3, 6, 22, tzinfo=UTC)
    assert closes_at(friday_night, datetime(2026, 3, 6, 23, tzinfo=UTC)) == end
    assert is_open(friday_night, end - timedelta(seconds=1))
    assert not is_open(friday_night, end)
    assert not is_open({**friday_night, "closed_dates": ["2026-03-06"]}, end - timedelta(seconds=1))
    assert is_open({**friday_night, "closed_dates": ["2026-03-07"]}, end - timedelta(seconds=1))


def test_intervals_that_meet_are_one() -> None:
    hours = {
        "timezone": "UTC",
        "weekly": {"mon": [["20:00", "24:00"]], "tue": [["00:00", "03:00"], ["03:00", "04:00"]]},
    }
    assert closes_at(hours, datetime(2026, 3, 2, 21, tzinfo=UTC)) == datetime(2026, 3, 3, 4, tzinfo=UTC)


def test_a_queue_open_through_weeks_has_no_closing_time() -> None:
    assert closes_at(ALWAYS, datetime(2026, 3, 2, tzinfo=UTC)) is None


def test_a_queue_open_for_some_days_closes_after_them() -> None:
    hours = {**ALWAYS, "closed_dates": ["2026-03-08"]}
    assert closes_at(hours, datetime(2026, 3, 2, 5, tzinfo=UTC)) == datetime(2026, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize("weekly", [{}, {"mon": []}])
def test_a_queue_that_never_opens_says_so(weekly: dict[str, Any]) -> None:
    hours = {"timezone": "UTC", "weekly": weekly}
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert not is_open(hours, now)
    assert next_opening(hours, now) is None
    assert closes_at(hours, now) is None


def test_a_queue_that_opens_on_one_date_only_is_found_months_ahead() -> None:
    hours = {"timezone": "UTC", "weekly": {"sun": NINE_TO_SIX}, "closed_dates": []}
    closed = [date(2026, 1, 4) + timedelta(weeks=n) for n in range(40)]
    hours["closed_dates"] = [day.isoformat() for day in closed]
    assert next_opening(hours, datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 10, 11, 9, tzinfo=UTC)


# --- daylight saving --------------------------------------------------------------------------------------------

NEW_YORK = "America/New_York"  # 8 March 2026: 02:00 → 03:00. 1 November 2026: 02:00 → 01:00


def test_an_opening_inside_the_spring_gap_is_at_its_end() -> None:
    hours = everyday(NEW_YORK, ["02:30", "05:00"])
    assert next_opening(hours, local(NEW_YORK, "2026-03-08 00:00")) == local(NEW_YORK, "2026-03-08 03:00")
    assert closes_at(hours, local(NEW_YORK, "2026-03-08 03:30")) == local(NEW_YORK, "2026-03-08 05:00")


def test_hours_wholly_inside_the_spring_gap_do_not_happen_that_day() -> None:
    hours = everyday(NEW_YORK, ["02:10", "02:50"])
    assert next_opening(hours, local(NEW_YORK, "2026-03-08 00:00")) == local(NEW_YORK, "2026-03-09 02:10")


def test_a_closing_inside_the_spring_gap_is_at_its_beginning() -> None:
    hours = everyday(NEW_YORK, ["01:00", "02:30"])
    assert closes_at(hours, local(NEW_YORK, "2026-03-08 01:30")) == local(NEW_YORK, "2026-03-08 03:00")


def test_a_day_with_a_fold_is_an_hour_longer() -> None:
    hours = everyday(NEW_YORK, ["00:00", "06:00"])
    opens, closes = local(NEW_YORK, "2026-11-01 00:00"), local(NEW_YORK, "2026-11-01 06:00")
    assert closes - opens == timedelta(hours=7)
    assert closes_at(hours, opens) == closes


def test_an_interval_inside_the_fold_happens_twice() -> None:
    hours = everyday(NEW_YORK, ["01:10", "01:50"])
    first, second = local(NEW_YORK, "2026-11-01 01:10"), local(NEW_YORK, "2026-11-01 01:10", fold=1)
    assert second - first == timedelta(hours=1)
    assert next_opening(hours, first - timedelta(hours=1)) == first
    assert closes_at(hours, first) == local(NEW_YORK, "2026-11-01 01:50")
    assert next_opening(hours, first + timedelta(minutes=40)) == second
    assert closes_at(hours, second) == local(NEW_YORK, "2026-11-01 01:50", fold=1)


def test_office_hours_stay_at_nine_local_time_over_the_change() -> None:
    hours = everyday(NEW_YORK, ["09:00", "17:00"])
    before = next_opening(hours, local(NEW_YORK, "2026-03-07 08:00"))
    after = next_opening(hours, local(NEW_YORK, "2026-03-08 08:00"))
    assert before is not None
    assert after is not None
    assert after - before == timedelta(hours=23)


# --- properties -------------------------------------------------------------------------------------------------

clock_times = st.tuples(st.integers(0, 23), st.sampled_from([0, 10, 30, 45])).map(lambda t: f"{t[0]:02}:{t[1]:02}")
intervals = st.tuples(clock_times, clock_times | st.just("24:00")).filter(lambda t: t[0] != t[1]).map(list)
all_hours = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(
            [NEW_YORK, "Asia/Shanghai", "Europe/London", "Australia/Lord_Howe", "America/Santiago"]
        ),
        "weekly": st.dictionaries(st.sampled_from(DAYS), st.lists(intervals, max_size=2), min_size=1),
    },
    optional={"closed_dates": st.lists(st.dates(date(2026, 3, 1), date(2026, 12, 31)).map(date.isoformat), max_size=3)},
)
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


def brute_open(hours: dict[str, Any], at: datetime) -> bool:
    """By the words of the rule: the wall clock reads a time inside an interval of its day, or of the day before."""
    wall = at.astimezone(ZoneInfo(hours["timezone"]))
    now = wall.hour * 60 + wall.minute
    for back in (0, 1):
        day = wall.date() - timedelta(days=back)
        if day.isoformat() in hours.get("closed_dates", []):
            continue
        for opening, closing in hours["weekly"].get(DAYS[day.weekday()], []):
            start = int(opening[:2]) * 60 + int(opening[3:])
            end = int(closing[:2]) * 60 + int(closing[3:])
            end += 1440 if end <= start else 0
            if start <= now + back * 1440 < end:
                return True
    return False


@given(all_hours, moments)
def test_nothing_is_open_outside_what_was_written_down(hours: dict[str, Any], at: datetime) -> None:
    assert validate_hours(hours) == []
    assert is_open(hours, at) is brute_open(hours, at)


@given(all_hours, moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: dict[str, Any], at: datetime) -> None:
    opens = next_opening(hours, at)
    if opens is None:
        assert not any(is_open(hours, at + timedelta(hours=n)) for n in range(24 * 8))
        return
    assert opens >= at
    assert is_open(hours, opens)
    between = min(opens - at, timedelta(days=3))
    assert not any(
        is_open(hours, opens - between * n / 100) for n in range(1, 101) if opens - between * n / 100 < opens
    )


@given(all_hours, moments)
def test_a_closing_time_ends_an_open_stretch(hours: dict[str, Any], at: datetime) -> None:
    closes = closes_at(hours, at)
    if not is_open(hours, at):
        assert closes is None
    elif closes is not None:
        assert closes > at
        assert not is_open(hours, closes)
        assert all(is_open(hours, at + (closes - at) * n / 50) for n in range(50))


# --- quiet hours ------------------------------------------------------------------------------------------------

NIGHT = ("21:00", "09:00")


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-02 20:59", None),
        ("2026-03-02 21:00", "2026-03-03 09:00"),
        ("2026-03-03 03:00", "2026-03-03 09:00"),
        ("2026-03-03 08:59", "2026-03-03 09:00"),
        ("2026-03-03 09:00", None),
    ],
)
def test_nobody_is_rung_in_the_quiet_hours_of_their_zone(at: str, until: str | None) -> None:
    assert quiet_until(NIGHT, "Asia/Shanghai", china(at)) == (china(until) if until else None)


def test_without_quiet_hours_it_is_never_quiet() -> None:
    assert quiet_until(None, "Asia/Shanghai", china("2026-03-02 03:00")) is None


def test_an_unknown_zone_is_taken_as_utc() -> None:
    assert quiet_until(NIGHT, None, datetime(2026, 3, 2, 22, tzinfo=UTC)) == datetime(2026, 3, 3, 9, tzinfo=UTC)


def test_quiet_hours_end_with_the_local_morning_after_the_clocks_changed() -> None:
    at = local(NEW_YORK, "2026-03-07 22:00")
    assert quiet_until(NIGHT, NEW_YORK, at) == local(NEW_YORK, "2026-03-08 09:00")


def test_of_several_zones_all_must_be_awake() -> None:
    coasts = ("America/Los_Angeles", NEW_YORK)
    assert quiet_until(NIGHT, coasts, local(NEW_YORK, "2026-03-03 10:00")) == local(NEW_YORK, "2026-03-03 12:00")
    assert quiet_until(NIGHT, coasts, local(NEW_YORK, "2026-03-03 20:59")) is None
    assert quiet_until(NIGHT, coasts, local(NEW_YORK, "2026-03-03 21:00")) == local(NEW_YORK, "2026-03-04 12:00")


def test_where_zones_leave_no_common_hour_the_first_decides() -> None:
    apart = ("Asia/Shanghai", NEW_YORK)
    busy_day = ("18:00", "10:00")
    assert quiet_until(busy_day, apart, china("2026-03-02 12:00")) is None
    assert quiet_until(busy_day, apart, china("2026-03-02 20:00")) == china("2026-03-03 10:00")


# --- what comes from outside ------------------------------------------------------------------------------------


def test_good_hours_have_no_mistakes() -> None:
    assert validate_hours(OFFICE) == []
    assert validate_hours({"timezone": "UTC", "weekly": {}, "holidays": None}) == []


@pytest.mark.parametrize(
    ("hours", "mistake"),
    [
        (None, "must be null"),
        ([], "must be null"),
        ({"weekly": {}}, "timezone is missing"),
        ({"timezone": "Nowhere/City", "weekly": {}}, "not an IANA zone"),
        ({"timezone": "../etc/passwd", "weekly": {}}, "not an IANA zone"),
        ({"timezone": "America", "weekly": {}}, "not an IANA zone"),
        ({"timezone": 8, "weekly": {}}, "timezone is missing"),
        ({"timezone": "UTC"}, "weekly is missing"),
        ({"timezone": "UTC", "weekly": {"monday": []}}, "weekly.monday is not a day"),
        ({"timezone": "UTC", "weekly": {"mon": "09:00-18:00"}}, "weekly.mon must be a list"),
        ({"timezone": "UTC", "weekly": {"mon": ["09:00", "18:00"]}}, "weekly.mon: an interval is two times"),
        ({"timezone": "UTC", "weekly": {"mon": [["9:00", "18:00"]]}}, "HH:MM"),
        ({"timezone": "UTC", "weekly": {"mon": [["24:00", "18:00"]]}}, "HH:MM"),
        ({"timezone": "UTC", "weekly": {"mon": [["09:00", "24:30"]]}}, "HH:MM"),
        ({"timezone": "UTC", "weekly": {"mon": [["09:00", "09:00"]]}}, "is empty"),
        ({"timezone": "UTC", "weekly": {"mon": [[9, 18]]}}, "HH:MM"),
        ({"timezone": "UTC", "weekly": {}, "holidays": "XX"}, "alpha-2"),
        ({"timezone": "UTC", "weekly": {}, "holidays": ["CN"]}, "alpha-2"),
        ({"timezone": "UTC", "weekly": {}, "closed_dates": "2026-01-01"}, "closed_dates must be a list"),
        ({"timezone": "UTC", "weekly": {}, "closed_dates": ["20260101"]}, "YYYY-MM-DD"),
        ({"timezone": "UTC", "weekly": {}, "open_dates": ["2026-02-30"]}, "YYYY-MM-DD"),
        ({"timezone": "UTC", "weekly": {}, "open_dates": [20260101]}, "YYYY-MM-DD"),
        ({"timezone": "UTC", "weekly": {}, "days": {}}, "days is not known"),
        (
            {"timezone": "UTC", "weekly": {}, "open_dates": ["2026-01-01"], "closed_dates": ["2026-01-01"]},
            "keep one",
        ),
    ],
)
def test_a_mistake_is_told_with_how_to_mend_it(hours: object, mistake: str) -> None:
    mistakes = validate_hours(hours)
    assert len(mistakes) == 1
    assert mistake in mistakes[0]


def test_all_mistakes_of_the_hours_are_told_together() -> None:
    hours = {"timezone": "x", "weekly": {"mon": [["1", "2"]], "xyz": []}, "open_dates": ["today"]}
    assert len(validate_hours(hours)) == 4
