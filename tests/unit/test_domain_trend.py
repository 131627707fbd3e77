"""How a line moved: counted from who joined when and left when."""

from datetime import UTC, datetime, timedelta

from callback.domain.trend import Connected, Stood, trend

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW.replace(second=0) - timedelta(minutes=minutes)


def test_it_counts_who_stood_there_at_each_minute_live_and_by_a_promise() -> None:
    stood = [
        Stood(ago(300), None, True),  # before the window, and still there
        Stood(ago(90), ago(60), True),
        Stood(ago(90), ago(89.5), True),  # between two steps
        Stood(ago(30), None, False),
        Stood(ago(-60), None, False),  # an appointment, later
    ]
    found = trend(stood, [], NOW)
    by_minute = {at: (live, waiting) for at, live, waiting in zip(found.at, found.live, found.callbacks, strict=True)}
    assert (len(found.at), found.at[0], found.at[-1]) == (121, ago(120), ago(0))
    assert [by_minute[ago(at)] for at in (120, 90, 89, 61, 60, 30, 0)] == [
        (1, 0), (3, 0), (2, 0), (2, 0), (1, 0), (1, 1), (1, 1),
    ]  # fmt: skip


def test_waits_are_averaged_over_those_who_were_connected_just_before() -> None:
    connected = [Connected(ago(20), 60, 100), Connected(ago(14), 120, 200), Connected(ago(1), 30, 10)]
    found = trend([], connected, NOW)
    told = dict(zip(found.at, zip(found.quoted_s, found.waited_s, strict=True), strict=True))
    assert told[ago(21)] == (None, None)
    assert told[ago(20)] == (60, 100)
    assert told[ago(14)] == (90, 150)
    assert told[ago(10)] == (120, 200)
    assert told[ago(3)] == (None, None)
    assert told[ago(0)] == (30, 10)


def test_an_empty_line_is_a_flat_one() -> None:
    assert set(trend([], [], NOW).live) == {0}
