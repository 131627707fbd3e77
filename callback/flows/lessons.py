"""Dialling ahead learns: the journal is read on every few seconds, away from every webhook, and its lessons are stored.

The reading is exactly once: whoever finds, when it comes to writing, that somebody else has moved the mark meanwhile
throws their own away. A queue's lesson goes on in its version 0; once it has grown enough to be worth new tables, a
version of its own is written, by which the sweep dials from then on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from callback.domain import wait
from callback.domain.callback import Entry
from callback.domain.errors import NotFound
from callback.domain.ids import QueueKey
from callback.domain.laws import PRIOR_RINGS, Laws, first_guess
from callback.domain.lessons import NOTHING_LEARNT, Lesson, Pupil, worth_a_version
from callback.domain.pacing import DIAL_AHEAD, ROUNDED_S, Calibration, rounded
from callback.domain.policy import Policy, Queue
from callback.domain.promised import FIRST_REACH, KEY_S, Reach
from callback.ports import House, LessonMark, StoredLesson, Work

BATCH = 2000
"""Rows of the journal that are read at once: some ten seconds of a busy house."""
BEHIND = 50_000
"""A house that has a longer past than this begins with its latest rows."""
SETTLED = timedelta(seconds=3)
"""Live calls and agents are written down up to a second late: rows are read once their neighbours are there."""
TALKS_KNOWN = 10
"""From so many talks on their law is known better than by the mean."""
REACH, BUSY = "reach:", "busy:"
"""Figures of the board, by queue: the share that is reached, in thousandths, and the seconds until their key."""


def learn(house: House) -> int:
    """Read on; returns how many rows were new."""
    now = house.clock.now()
    with house.store.look() as work:
        mark = work.lesson_mark() or LessonMark(max(work.last_seq() - BEHIND, 0), now, {})
        rows = settled(work.journal(after=mark.seq, limit=BATCH), now)
        pupil = Pupil({}, lambda queue: tolerance_s(house, queue))
        pupil.recall(mark.open, now=now)
        pupil.lessons = {queue: running(house, work, queue, now) for queue in mentioned(rows, pupil)}
    known = dict(pupil.lessons)
    for row in sorted(rows, key=lambda row: (row.at, row.seq)):
        pupil.read(row)
    if not rows or not keep(house, mark, rows[-1].seq, pupil, known, now):
        return 0
    counts: dict[str, int] = {}
    for queue, lesson in pupil.lessons.items():
        counts |= figures(queue, lesson)
    if counts:
        house.board.count(**counts)
    return len(rows)


def settled(rows: Sequence[Entry], now: datetime) -> list[Entry]:
    """Those before the first that may have neighbours which are not written down yet."""
    fresh = next((at for at, row in enumerate(rows) if row.at > now - SETTLED), len(rows))
    return list(rows[:fresh])


def mentioned(rows: Sequence[Entry], pupil: Pupil) -> set[str]:
    """The queues that something may be learnt about."""
    return {row.queue for row in rows if row.queue} | pupil.queues()


def tolerance_s(house: House, queue: str) -> float:
    """How long somebody may wait after their key, by the policy of now."""
    try:
        return house.book.queue(QueueKey(queue)).policy.wait_tolerance_s
    except NotFound:
        return math.inf


def running(house: House, work: Work, queue: str, now: datetime) -> Lesson:
    """What goes on being learnt about a queue, as it weighs now, aimed at what its policy allows today."""
    stored = work.running_lesson(QueueKey(queue))
    lesson = stored.lesson.aged(now - stored.at) if stored else Lesson()
    try:
        policy = house.book.queue(QueueKey(queue)).policy
    except NotFound:
        return lesson
    if policy.dial_mode != DIAL_AHEAD:
        return lesson
    tuned = lesson.calibration or Calibration.first(policy.max_wait_probability, staff(house, queue))
    return replace(lesson, calibration=tuned.aimed_at(policy.max_wait_probability))


def staff(house: House, queue: str) -> int:
    """How many agents serve a queue."""
    return sum(any(served.queue == queue for served in agent.queues) for agent in house.line.configuration()[2])


def keep(house: House, mark: LessonMark, seq: int, pupil: Pupil, known: Mapping[str, Lesson], now: datetime) -> bool:
    """Write down what was learnt from `mark` to `seq`. False: somebody else has read that meanwhile."""
    with house.store.begin() as work:
        current = work.lesson_mark(lock=True)
        if current is not None and current.seq != mark.seq:
            return False
        work.set_lesson_mark(LessonMark(seq, now, pupil.as_json()))
        queues = {queue.key for queue in work.queues()}
        for key, lesson in pupil.lessons.items():
            if key in queues and lesson is not known.get(key):
                write(work, QueueKey(key), lesson, now)
    return True


def write(work: Work, queue: QueueKey, lesson: Lesson, now: datetime) -> None:
    """The running lesson, and a version of it where it says more than the last one."""
    work.put_lesson(StoredLesson(queue, 0, now, lesson))
    last = work.lesson(queue)
    if last is None or worth_a_version(last.lesson, lesson):
        work.put_lesson(StoredLesson(queue, work.last_lesson_version(queue) + 1, now, lesson))


def figures(queue: str, lesson: Lesson) -> dict[str, int]:
    """What a webhook may know of it without asking the record."""
    reach = reached(lesson)
    return {f"{REACH}{queue}": round(1000 * reach.share), f"{BUSY}{queue}": round(reach.ring_s)}


def reach(house: House, queue: Queue) -> Reach:
    """Whom the queue reaches, as the board has it: for a webhook, which asks nobody."""
    counts = house.board.read().counts
    share, ring_s = counts.get(f"{REACH}{queue.key}"), counts.get(f"{BUSY}{queue.key}")
    return FIRST_REACH if share is None or ring_s is None else Reach(share / 1000, float(ring_s))


def reached(lesson: Lesson) -> Reach:
    """Whom a queue reaches and how long that takes, with the prior as so many attempts."""
    share = (PRIOR_RINGS * FIRST_REACH.share + lesson.reached) / (PRIOR_RINGS + lesson.rung)
    ring = lesson.laws.ring
    rung, lasted = sum(ring.events), sum(low * e for low, e in zip(ring.edges, ring.events, strict=True))
    return Reach(share, (PRIOR_RINGS * FIRST_REACH.ring_s + lasted + KEY_S * rung) / (PRIOR_RINGS + rung))


# --- what is dialled by -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taught:
    """The laws and the epsilon by which a queue dials, and where they are from (version 0: the first guess)."""

    laws: Laws
    epsilon: float
    version: int = 0
    at: datetime | None = None
    lesson: Lesson = NOTHING_LEARNT


def taught(house: House, queue: Queue, agents: int) -> Taught:
    """The newest version; without one the first guess by the queue's mean handle time."""
    key, policy = QueueKey(queue.key), queue.policy
    with house.store.look() as work:
        stored = work.lesson(key)
    lesson = stored.lesson if stored else Lesson()
    handle_s = policy.prior_handle_s
    if lesson.laws.talk.count < TALKS_KNOWN:
        measured = house.line.standing(key, None).measured
        handle_s = rounded(wait.mean_handle(measured, policy), ROUNDED_S)
    tuned = lesson.calibration or Calibration.first(policy.max_wait_probability, agents)
    epsilon = tuned.aimed_at(policy.max_wait_probability).epsilon
    laws = guessed(handle_s, policy.wrap_up_s).plus(lesson.laws)
    return Taught(laws, epsilon, stored.version if stored else 0, stored.at if stored else None, lesson)


@lru_cache(maxsize=64)
def guessed(handle_s: float, wrap_up_s: float) -> Laws:
    """The first guess, which takes some milliseconds to work out."""
    return first_guess(Policy(prior_handle_s=handle_s, wrap_up_s=wrap_up_s))
