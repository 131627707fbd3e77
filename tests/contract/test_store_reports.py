"""What reports count, on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callback.adapters.store.reports_punctual import shifts
from callback.adapters.store.reports_spreads import stretches
from callback.adapters.store.sql_store import SqlStore
from callback.domain.desk import Talk
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, Token
from callback.domain.judged import Tally
from callback.domain.rating import Rating
from callback.domain.reports import Sums, What
from callback.domain.said import Moment
from callback.domain.tallying import DayOf, HourOf, SpreadOf
from callback.ports import Hour, Punctuality, ReportMark, Span
from tests.support.predictions import a_prediction
from tests.support.record import NOW, SUPPORT, promised

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)
MARK = ReportMark(7, NOW, "first")


def hour(queue: str, day: date, at: int) -> HourOf:
    return HourOf(queue, datetime(day.year, day.month, day.day, at, tzinfo=UTC), day, at)


def count(store: SqlStore, **found: object) -> None:
    empty: dict[str, object] = {"hours": {}, "days": {}, "spreads": {}, "open": {}, "mark": MARK}
    with store.begin() as work:
        work.count_report(**(empty | found))  # type: ignore[arg-type]


def test_sums_are_added_to_what_is_there(store: SqlStore) -> None:
    for _ in range(2):
        count(
            store,
            hours={hour("support", DAY, 9): {"offered": 2, "wait_s": 1.5}, hour("billing", DAY, 9): {"offered": 1}},
            days={
                DayOf("support", "", DAY): {"offered": 2, "wait_s": 1.5}, DayOf("billing", "", DAY): {"offered": 1},
                DayOf("support", "ann", DAY): {"talks": 1}, DayOf("", "ann", NEXT): {"free_s": 5.0},
                DayOf("", "", NEXT): {"free_s": 5.0}, DayOf("support", "bob", DAY): {"talks": 0},
            },
        )  # fmt: skip
    both, one_day = Span(DAY, NEXT), Span(DAY, DAY)
    with store.look() as work:
        assert work.report(both, "") == [("", Sums(offered=6, wait_s=3.0, free_s=10.0))]
        assert work.report(both, "day") == [(DAY, Sums(offered=6, wait_s=3.0)), (NEXT, Sums(free_s=10.0))]
        assert work.report(both, "queue") == [("billing", Sums(offered=2)), ("support", Sums(offered=4, wait_s=3.0))]
        assert work.report(both, "agent") == [("ann", Sums(talks=2, free_s=10.0))]
        assert work.report(Span(DAY, NEXT, agent="ann"), "day") == [(DAY, Sums(talks=2)), (NEXT, Sums(free_s=10.0))]
        assert work.report(Span(DAY, NEXT, ("billing",)), "day") == [(DAY, Sums(offered=2))]
        assert work.report(one_day, "hour") == [(9, Sums(offered=6, wait_s=3.0))]
        assert work.report(Span(DAY, DAY, before_hour=9), "hour") == []
        assert work.report(Span(DAY, NEXT, before_hour=9), "hour") == [(9, Sums(offered=6, wait_s=3.0))]
        assert work.first_reported() == DAY


def test_of_nothing_there_is_no_report(store: SqlStore) -> None:
    with store.look() as work:
        assert work.report_mark() is None
        assert work.first_reported() is None
        assert all(work.report(Span(DAY, NEXT), by) == [] for by in ("", "day", "queue", "agent", "hour"))
        assert all(work.report_spreads(Span(DAY, NEXT), by) == [] for by in ("", "day", "queue", "agent", "hour"))
        assert work.punctuality("", since=NOW, until=NOW + timedelta(days=1)) == []


def test_spreads_are_put_together_step_by_step(store: SqlStore) -> None:
    live, other = SpreadOf("support", DAY, What.LIVE), SpreadOf("billing", DAY, What.BACK)
    count(store, spreads={live: {3: 1, 20: 2}, other: {1: 1}})
    count(store, spreads={live: {20: 1, 21: 1}})
    with store.look() as work:
        assert work.report_spreads(Span(DAY, DAY), "queue") == [
            ("billing", What.BACK, {1: 1}), ("support", What.LIVE, {3: 1, 20: 3, 21: 1}),
        ]  # fmt: skip
        assert work.report_spreads(Span(DAY, DAY, ("billing",)), "") == [("", What.BACK, {1: 1})]
        assert work.report_spreads(Span(DAY, NEXT), "day") == [
            (DAY, What.BACK, {1: 1}), (DAY, What.LIVE, {3: 1, 20: 3, 21: 1}),
        ]  # fmt: skip
        assert work.report_spreads(Span(NEXT, NEXT), "day") == []


def test_spreads_of_hours_and_agents_are_read_by_whole_months_and_single_days(store: SqlStore) -> None:
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1), DAY]
    for step, day in enumerate(days):
        morning = SpreadOf("support", day, What.LIVE, hour=9)
        count(store, spreads={morning: {step: 1}, SpreadOf("support", day, What.BACK, agent="ann"): {step: 2}})
    count(store, spreads={SpreadOf("billing", DAY, What.LIVE, hour=17): {9: 1}})
    with store.look() as work:
        long, short = Span(days[0], DAY), Span(date(2026, 2, 2), DAY)
        at_nine, at_five = (9, What.LIVE, dict.fromkeys(range(5), 1)), (17, What.LIVE, {9: 1})
        assert work.report_spreads(long, "hour") == [at_nine, at_five]
        assert work.report_spreads(Span(days[0], DAY, ("billing",)), "hour") == [at_five]
        assert work.report_spreads(Span(days[0], DAY, before_hour=10), "hour") == [at_nine]
        assert work.report_spreads(short, "hour") == [(9, What.LIVE, {2: 1, 3: 1, 4: 1}), at_five]
        assert work.report_spreads(long, "agent") == [("ann", What.BACK, dict.fromkeys(range(5), 2))]
        one = replace(long, agent="ann")
        assert work.report_spreads(one, "day") == [(day, What.BACK, {step: 2}) for step, day in enumerate(days)]
        assert work.report_spreads(one, "") == [("", What.BACK, dict.fromkeys(range(5), 2))]
        assert work.report_spreads(replace(long, agent="bob"), "day") == []


def test_a_stretch_is_whole_months_with_single_days_around_them() -> None:
    def cut(first: date, last: date) -> list[tuple[str, int]]:
        return [(grain.value, (end - begin).days + 1) for grain, begin, end in stretches(first, last)]

    assert cut(date(2026, 1, 1), date(2026, 12, 31)) == [("month", 365)]
    assert cut(date(2026, 1, 31), date(2026, 3, 2)) == [("day", 1), ("month", 28), ("day", 2)]
    assert cut(date(2026, 1, 2), date(2026, 2, 27)) == [("day", 57)]
    assert cut(DAY, DAY) == [("day", 1)]


def test_what_a_caller_said_is_kept_once_a_callback(store: SqlStore) -> None:
    with store.begin() as work:
        callback = promised(work)
        first = work.put_rating(Rating(callback.id, SUPPORT, AgentKey("ann"), 2, NOW, NOW))
        later = work.put_rating(replace(first, score=5, changed_at=NOW + timedelta(hours=1)))
    with store.look() as work:
        assert work.rating(callback.id) == later
        assert work.rating(CallbackId("none")) is None


def test_what_goes_on_is_kept_until_it_is_over_and_the_mark_moves_with_it(store: SqlStore) -> None:
    with store.begin() as work:
        assert work.first_report_mark(ReportMark(0, NOW, "first"))
        assert not work.first_report_mark(MARK)
    count(store, open={"call:CA1": {"at": 1}, "agent:ann": {"is": "busy"}})
    count(store, open={"call:CA1": None, "agent:ann": {"is": "available"}, "call:CA9": None})
    with store.begin() as work:
        assert work.report_open(["call:CA1", "agent:ann"]) == {"agent:ann": {"is": "available"}}
        assert work.report_mark(lock=True) == MARK
        work.clear_report()
    with store.look() as work:
        assert work.report_open(["agent:ann"]) == {}
        assert work.report_mark() is None


def test_what_the_journal_does_not_tell_is_looked_up(store: SqlStore) -> None:
    talk = Talk(Token("t1"), AgentKey("ann"), SUPPORT, EntryId("CA1"), CallSid("CA1"), CallSid("CA2"), NOW, held_s=12.5)
    with store.begin() as work:
        callback = promised(work)
        work.put_talk(talk)
        work.add_predictions([a_prediction("CA1", offering=True), a_prediction("CA2", offering=False)])
    with store.look() as work:
        assert work.held_s(["t1", "t2"]) == {"t1": 12.5}
        assert work.joined([callback.id, "none"]) == {callback.id: callback.joined_at}
        assert work.offered(["CA1", "CA2", "CA3"]) == {"CA1"}
        assert work.offered([]) == set()


def test_how_punctual_promises_were_is_counted_by_the_hour(store: SqlStore) -> None:
    tally, later = Tally(told=3, kept=1, late=2, late_s=60.0), NOW + timedelta(hours=1)
    with store.begin() as work:
        work.add_tallies({Hour(SUPPORT, NOW, Moment.PROMISE, ""): tally, Hour(SUPPORT, NOW, Moment.HOLD, ""): tally})
        work.add_tallies({Hour(QueueKey("billing"), later, Moment.PROMISE, "3"): tally})
    one, evening = Punctuality(1, 0, 2, 0, 0.0, 60.0), later + timedelta(hours=1)
    with store.look() as work:
        assert work.punctuality("", since=NOW, until=later) == [("", one)]
        assert work.punctuality("", since=NOW, until=evening) == [("", one + one)]
        assert work.punctuality("", since=NOW, until=evening, queues=["billing"]) == [("", one)]
        assert work.punctuality("hour", since=NOW, until=evening) == [(9, one), (10, one)]
        assert work.punctuality("day", since=NOW, until=evening) == [(NOW.date(), one + one)]
        assert work.punctuality("queue", since=NOW, until=evening) == [("billing", one), ("support", one)]


def test_a_clock_that_is_set_has_its_own_days_and_hours(store: SqlStore) -> None:
    """New York: the night of 8 March 2026, at 2:00 (7:00 UTC), from five hours behind to four."""
    zone, once = ZoneInfo("America/New_York"), Tally(told=1, kept=1)
    hours = [datetime(2026, 3, 8, 4, tzinfo=UTC) + timedelta(hours=more) for more in (0, 1, 2, 3, 24)]
    with store.begin() as work:
        work.add_tallies({Hour(SUPPORT, at, Moment.PROMISE, ""): once for at in hours})
    since, until = datetime(2026, 3, 7, tzinfo=zone), datetime(2026, 3, 11, tzinfo=zone)
    with store.look() as work:
        by_day = work.punctuality("day", since=since, until=until, zone=zone)
        by_hour = work.punctuality("hour", since=since, until=until, zone=zone)
    assert [(day.day, found.kept) for day, found in by_day] == [(7, 1), (8, 3), (9, 1)]
    assert [(hour, found.kept) for hour, found in by_hour] == [(0, 2), (1, 1), (3, 1), (23, 1)]


def test_shifts_end_with_the_whole_hour_in_which_a_clock_is_set() -> None:
    def told(zone: str, first: date, last: date) -> list[tuple[datetime, float]]:
        since, until = (datetime.combine(day, time(), ZoneInfo(zone)) for day in (first, last))
        return [(end, shift / timedelta(hours=1)) for end, shift in shifts(since, until, ZoneInfo(zone))]

    year = date(2025, 6, 1), date(2026, 6, 1)
    assert told("Asia/Shanghai", *year) == [(datetime(2026, 5, 31, 16, tzinfo=UTC), 8)]
    assert told("Europe/Berlin", *year) == [
        (datetime(2025, 10, 26, 1, tzinfo=UTC), 2), (datetime(2026, 3, 29, 1, tzinfo=UTC), 1),
        (datetime(2026, 5, 31, 22, tzinfo=UTC), 2),
    ]  # fmt: skip
    assert [shift for _, shift in told("Australia/Lord_Howe", *year)] == [10.5, 11, 10.5]
    assert told("Australia/Adelaide", *year)[0] == (datetime(2025, 10, 4, 17, tzinfo=UTC), 9.5)


def test_a_year_is_the_same_in_months_and_in_days(store: SqlStore) -> None:
    days = [date(2025, 3, 3) + timedelta(days=9 * number) for number in range(40)]
    count(
        store,
        hours={hour("support", day, 9): {"offered": number} for number, day in enumerate(days, 1)},
        days={DayOf("support", agent, day): {"talks": 1, "talk_s": 0.5} for day in days for agent in ("", "ann")},
        spreads={SpreadOf("support", day, What.LIVE): {7: 1, number: 1} for number, day in enumerate(days, 10)},
    )
    span = Span(days[1], days[-2])
    of_all, of_ann = Sums(talks=38, talk_s=19.0), [("ann", Sums(talks=38, talk_s=19.0))]
    steps = {7: 38, **dict.fromkeys(range(11, 49), 1)}
    with store.look() as work:
        assert work.report(span, "") == [("", of_all)]
        assert work.report(span, "agent") == of_ann
        assert work.report(replace(span, agent="ann"), "") == [("", of_all)]
        assert work.report(span, "queue") == [("support", of_all)]
        assert work.report(span, "hour") == [(9, Sums(offered=sum(range(2, 40))))]
        assert work.report_spreads(span, "") == [("", What.LIVE, steps)]
        assert work.report_spreads(span, "queue") == [("support", What.LIVE, steps)]
        assert work.report_spreads(replace(span, queues=("support", "billing")), "") == [("", What.LIVE, steps)]
        assert len(work.report_spreads(span, "day")) == len(work.report(span, "day")) == 38
