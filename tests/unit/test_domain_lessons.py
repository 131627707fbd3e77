"""Lessons for dialling ahead: what a journal teaches, and how the past fades."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callback.domain.callback import Entry
from callback.domain.laws import Law
from callback.domain.lessons import ENOUGH, MOST, NOTHING_LEARNT, Lesson, Pupil, worth_a_version
from callback.domain.pacing import Calibration

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
CALLBACK = "cb_1"


def told(seconds: float, kind: str, subject: str, after: str, reason: str = "", cause: str = "", **data: Any) -> Entry:
    return Entry(NINE + timedelta(seconds=seconds), kind, subject, None, after, reason, cause, "support", data)


def agent(seconds: float, after: str, reason: str = "", **data: Any) -> Entry:
    return told(seconds, "agent", "ann", after, reason, **data)


def promise(seconds: float, after: str, **data: Any) -> Entry:
    return told(seconds, "callback", CALLBACK, after, **data)


def keyed(seconds: float) -> Entry:
    return told(seconds, "queue", "support", "hold", cause=CALLBACK)


def read(*rows: Entry, tolerance_s: float = 2) -> Lesson:
    pupil = Pupil({"support": Lesson(calibration=Calibration(0.03))}, lambda _: tolerance_s)
    for row in rows:
        pupil.read(row)
    return pupil.lessons["support"]


def rung_ahead(*after: Entry) -> Lesson:
    return read(promise(0, "reserved", epsilon=0.04), promise(1, "dialing"), *after)


def counts(lesson: Lesson) -> list[float]:
    return [part.count for part in lesson.laws.parts]


def lasted(lesson: Lesson) -> list[float]:
    return [sum(part.lasted) for part in lesson.laws.parts]


def test_a_talk_and_the_wrap_up_after_it_are_learnt_from_the_agent() -> None:
    lesson = read(agent(0, "busy"), agent(100, "wrap_up"), agent(112, "available", "presence"))
    assert counts(lesson) == [0, 0, 1, 1]
    assert lasted(lesson) == [0, 0, 100, 12]


def test_a_wrap_up_that_the_line_ended_was_only_watched() -> None:
    lesson = read(agent(0, "busy"), agent(100, "wrap_up"), agent(120, "available", "wrap_up_over"))
    assert counts(lesson) == [0, 0, 1, 0]
    assert lasted(lesson) == [0, 0, 100, 20]


@pytest.mark.parametrize("reason", ["rebuilt", "configured", "resumed"])
def test_what_ends_because_the_line_was_lost_teaches_nothing(reason: str) -> None:
    assert counts(read(agent(0, "busy"), agent(100, "offline", reason))) == [0, 0, 0, 0]


def test_who_picks_up_presses_their_key_and_waits_for_an_agent_teaches_ring_key_and_miss() -> None:
    rows = promise(9, "answered"), keyed(15), agent(20, "reserved", entry=CALLBACK), promise(26, "bridged")
    lesson = rung_ahead(*rows)
    assert (lasted(lesson)[:2], lesson.served, lesson.missed) == ([8, 6], 1, 1)
    assert (lesson.rung, lesson.reached) == (1, 1)
    assert lesson.calibration is not None
    assert lesson.calibration.epsilon < Calibration(0.03).epsilon


def test_an_agent_within_the_tolerance_is_no_miss() -> None:
    lesson = rung_ahead(
        promise(9, "answered"), keyed(15), agent(16.5, "reserved", entry=CALLBACK), promise(26, "bridged")
    )
    assert (lesson.served, lesson.missed) == (1, 0)
    assert lesson.calibration is not None
    assert lesson.calibration.epsilon > Calibration(0.03).epsilon


@pytest.mark.parametrize(("seconds", "missed"), [(16, 0), (40, 1)])
def test_who_hangs_up_on_hold_was_missed_if_they_waited_too_long(seconds: float, missed: int) -> None:
    lesson = rung_ahead(promise(9, "answered"), keyed(15), promise(seconds, "waiting"))
    assert (lesson.served, lesson.missed, lesson.reached) == (missed, missed, 1)


def test_who_was_rung_for_a_reserved_agent_says_nothing_about_epsilon() -> None:
    lesson = read(promise(0, "reserved"), promise(1, "dialing"), promise(9, "answered"), promise(20, "bridged"))
    assert (lesson.served, lesson.rung, lesson.reached) == (0, 1, 1)
    assert lesson.calibration == Calibration(0.03)


@pytest.mark.parametrize(
    ("rows", "outcome", "events", "others"),
    [
        ((), "no_answer", (0, 0), (0, 0)),
        ((), "busy", (0, 0), (1, 0)),
        ((promise(9, "answered"),), "no_key", (1, 0), (0, 0)),
        ((promise(9, "answered"),), "hung_up", (1, 0), (0, 1)),
    ],
)
def test_who_is_not_reached_teaches_as_much_as_was_seen(
    rows: tuple[Entry, ...], outcome: str, events: tuple[int, int], others: tuple[int, int]
) -> None:
    lesson = rung_ahead(*rows, promise(26, "waiting", outcome=outcome))
    ring, key = lesson.laws.ring, lesson.laws.key
    assert (sum(ring.events), sum(key.events)) == events
    assert (sum(ring.others), sum(key.others)) == others
    assert (lesson.rung, lesson.reached) == (1, 0)


@pytest.mark.parametrize("end", [{"outcome": "never_placed"}, {"outcome": "cancelled"}])
def test_what_never_rang_to_its_end_teaches_nothing(end: dict[str, str]) -> None:
    lesson = rung_ahead(promise(26, "waiting", **end))
    assert (lesson.rung, counts(lesson)) == (0, [0, 0, 0, 0])


def test_reading_goes_on_where_it_stopped() -> None:
    first = Pupil({}, lambda _: 2)
    for row in (agent(0, "busy"), promise(0, "reserved", epsilon=0.04), promise(1, "dialing")):
        first.read(row)
    second = Pupil({}, lambda _: 2)
    second.recall(first.as_json(), now=NINE)
    assert second.queues() == {"support"}
    for row in (promise(9, "answered"), agent(50, "wrap_up")):
        second.read(row)
    assert lasted(second.lessons["support"]) == [8, 0, 50, 0]


def test_what_has_gone_on_for_hours_is_forgotten() -> None:
    pupil = Pupil({}, lambda _: 2)
    pupil.read(agent(0, "busy"))
    later = Pupil({}, lambda _: 2)
    later.recall(pupil.as_json(), now=NINE + timedelta(hours=3))
    assert later.agents == {}


def talks(times: Iterator[float], lesson: Lesson = NOTHING_LEARNT) -> Lesson:
    for seconds in times:
        lesson = lesson.saw("talk", seconds).aged(timedelta(seconds=10))
    return lesson


def test_the_past_weighs_half_after_two_weeks_and_never_more_than_the_latest() -> None:
    lesson = talks(iter([100.0] * 40))
    assert lesson.aged(timedelta(days=14)).laws.talk.count == pytest.approx(20, rel=0.01)
    many = talks(iter([100.0] * int(MOST + 100)))
    assert many.laws.talk.count <= MOST
    assert many.seen == MOST + 100


def test_a_queue_whose_talks_have_changed_is_followed() -> None:
    lesson = talks(iter([40.0] * 3000))
    lesson = talks(iter([300.0] * 3000), lesson)
    assert 1 - Law(lesson.laws.talk).so_far(150)[1] < 0.3


def test_a_version_is_worth_it_when_enough_more_was_seen() -> None:
    few = talks(iter([100.0] * (ENOUGH - 1)))
    assert not worth_a_version(NOTHING_LEARNT, few)
    assert worth_a_version(NOTHING_LEARNT, few.saw("ring", 5))
    grown = talks(iter([100.0] * 1000))
    assert not worth_a_version(grown, talks(iter([100.0] * 30), grown))
    assert worth_a_version(grown, talks(iter([100.0] * 60), grown))


def test_what_is_stored_reads_as_it_was() -> None:
    lesson = rung_ahead(promise(9, "answered"), keyed(15), promise(26, "bridged"))
    assert Lesson.from_json(lesson.as_json()) == lesson
    with pytest.raises(ValueError, match="version"):
        Lesson.from_json({**lesson.as_json(), "version": 99})
