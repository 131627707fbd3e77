"""A house learns from its own journal how long things last, and dials by it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from callback.domain.lessons import Lesson, Pupil
from callback.domain.pacing import Calibration
from callback.flows import ahead, lessons
from callback.ports import LessonMark, StoredLesson
from tests.support.clock import ManualClock
from tests.support.house import ADA, SUPPORT, StagedHouse, on_both, stage


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue(dial_mode="dial_ahead", retry_delays_s=[600], wrap_up_s=20, ring_timeout_s=25)
        yield house


def a_day(staged: StagedHouse) -> None:
    """A live call, and a promise that is rung ahead, waits for the agent, and talks."""
    staged.agent()
    caller = staged.ring_in("+12015550999")
    agent = staged.talking(caller)
    staged.wait(60)
    for leg in (caller, agent):
        for word in leg.end():
            staged.tell(word)
    staged.promise(ADA)
    staged.wait(7)
    staged.pass_time(2)
    rung = staged.outgoing()
    rung.ring()
    staged.wait(4)
    rung.answer()
    staged.wait(2)
    rung.press("1")
    staged.pass_time(6, every=lambda: None)  # the agent comes free to the second
    staged.talking(rung)
    staged.wait(10)
    staged.pass_time(1)


def running(staged: StagedHouse) -> Lesson:
    with staged.sql.begin() as work:
        stored = work.running_lesson(SUPPORT)
    assert stored is not None
    return stored.lesson


@on_both
def test_what_lasted_is_read_from_the_journal_once(staged: StagedHouse) -> None:
    a_day(staged)
    assert lessons.learn(staged.house) > 0
    lesson = running(staged)
    seconds = [sum(part.lasted) for part in lesson.laws.parts]
    assert seconds == pytest.approx([4, 2, 60, 20], abs=2)
    assert (lesson.rung, lesson.reached, lesson.served, lesson.missed) == (1, 1, 1, 1)
    assert lessons.learn(staged.house) == 0
    assert running(staged) == lesson


@on_both
def test_two_who_read_at_once_learn_it_once(staged: StagedHouse) -> None:
    a_day(staged)
    with staged.sql.begin() as work:
        work.set_lesson_mark(LessonMark(0, staged.clock.now(), {}))
    pupil = Pupil({}, lambda _: 2)
    before = LessonMark(0, staged.clock.now(), {})
    assert lessons.learn(staged.house) > 0
    assert not lessons.keep(staged.house, before, 5, pupil, {}, staged.clock.now())


def test_the_newest_lesson_is_what_is_dialled_by(staged: StagedHouse) -> None:
    staged.agent()
    queue = staged.house.book.queue(SUPPORT)
    first = lessons.taught(staged.house, queue, agents=1)
    assert first.version == 0
    lesson = Lesson(calibration=Calibration(0.03, factor=0.5))
    for _ in range(100):
        lesson = lesson.saw("talk", 30)
    with staged.sql.begin() as work:
        for version in (1, 2):
            work.put_lesson(StoredLesson(SUPPORT, version, staged.clock.now(), lesson))
    found = lessons.taught(staged.house, queue, agents=1)
    assert found.version == 2
    assert found.epsilon == pytest.approx(0.015)
    assert found.laws.talk.count == pytest.approx(110, rel=0.01)


@on_both
def test_only_the_last_versions_are_kept_and_a_damaged_one_counts_as_none(staged: StagedHouse) -> None:
    with staged.sql.begin() as work:
        for version in range(25):
            work.put_lesson(StoredLesson(SUPPORT, version, staged.clock.now(), Lesson()))
        assert [stored.version for stored in work.lessons(SUPPORT)] == list(range(24, 4, -1))
        assert work.last_lesson_version(SUPPORT) == 24
        assert work.running_lesson(SUPPORT) is not None


def test_a_dial_that_has_to_wait_for_the_carrier_counts_from_when_it_begins(staged: StagedHouse) -> None:
    staged.agent()
    now = staged.clock.now()
    for _ in range(4):
        staged.line.take_pace("calls", per_second=0.5, now=now)
    present = ahead.look(staged.house, staged.house.book.queue(SUPPORT), now)
    assert present.pace_s == 8
    assert ahead.rounded_up(present.pace_s) == 8
    later = ahead.look(staged.house, staged.house.book.queue(SUPPORT), now + timedelta(seconds=7))
    assert later.pace_s == 1
