"""What was learnt for dialling ahead: the running lesson of each queue (version 0), and the versions dialled by.

A row that cannot be read, of another version or damaged, counts as none: the queue begins again from its first guess.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from callback.adapters.store.tables import lesson_mark, lessons
from callback.adapters.store.transaction import Transaction
from callback.domain.ids import QueueKey
from callback.domain.lessons import Lesson
from callback.ports import LessonMark, StoredLesson

KEPT = 20
_ROWS = select(lessons.c.queue, lessons.c.version, lessons.c.at, lessons.c.lesson)
_MARK = select(lesson_mark.c.seq, lesson_mark.c.at, lesson_mark.c.open)


class Lessons(Transaction):
    """The verbs on lessons."""

    def lesson_mark(self, *, lock: bool = False) -> LessonMark | None:
        found = self._sql.execute(_MARK.with_for_update() if lock else _MARK).one_or_none()
        return None if found is None else LessonMark(*found)

    def set_lesson_mark(self, mark: LessonMark) -> None:
        self._upsert(lesson_mark, {"id": 1, "seq": mark.seq, "at": mark.at, "open": mark.open})

    def lesson(self, queue: QueueKey) -> StoredLesson | None:
        newest = _ROWS.where(lessons.c.queue == queue, lessons.c.version > 0).order_by(lessons.c.version.desc())
        return _read(self._sql.execute(newest.limit(1)).one_or_none())

    def running_lesson(self, queue: QueueKey) -> StoredLesson | None:
        return _read(self._sql.execute(_ROWS.where(lessons.c.queue == queue, lessons.c.version == 0)).one_or_none())

    def lessons(self, queue: QueueKey) -> list[StoredLesson]:
        rows = self._sql.execute(
            _ROWS.where(lessons.c.queue == queue, lessons.c.version > 0).order_by(lessons.c.version.desc())
        )
        return [found for found in map(_read, rows) if found is not None]

    def put_lesson(self, stored: StoredLesson) -> None:
        values = {"queue": stored.queue, "version": stored.version, "at": stored.at, "lesson": stored.lesson.as_json()}
        self._upsert(lessons, values)
        old = (lessons.c.queue == stored.queue, lessons.c.version > 0, lessons.c.version <= stored.version - KEPT)
        self._sql.execute(delete(lessons).where(*old))

    def last_lesson_version(self, queue: QueueKey) -> int:
        newest = select(lessons.c.version).where(lessons.c.queue == queue).order_by(lessons.c.version.desc()).limit(1)
        found: int | None = self._sql.execute(newest).scalar()
        return found or 0


def _read(row: Any) -> StoredLesson | None:
    if row is None:
        return None
    at: datetime = row.at
    try:
        return StoredLesson(row.queue, row.version, at, Lesson.from_json(row.lesson))
    except (KeyError, TypeError, ValueError):
        return None
