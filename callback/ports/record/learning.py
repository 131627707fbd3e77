"""What was learnt: for dialling ahead, and about waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from callback.domain.ids import QueueKey
from callback.domain.lessons import Lesson
from callback.domain.stored import Stored


@dataclass(frozen=True)
class StoredLesson:
    """What was learnt about a queue for dialling ahead; version 0 goes on being learnt, the others are dialled by."""

    queue: QueueKey
    version: int
    at: datetime
    lesson: Lesson


@dataclass(frozen=True)
class LessonMark:
    """Up to which `seq` the journal was read for the lessons, when, and what was going on then."""

    seq: int
    at: datetime
    open: dict[str, Any]


class Lessons(Protocol):
    """What was learnt for dialling ahead."""

    def lesson_mark(self, *, lock: bool = False) -> LessonMark | None:
        """Where the reading stopped. With `lock`, nobody else moves it until the transaction ends."""
        ...

    def set_lesson_mark(self, mark: LessonMark) -> None: ...
    def lesson(self, queue: QueueKey) -> StoredLesson | None:
        """The newest version; None where there is none that can be read."""
        ...

    def running_lesson(self, queue: QueueKey) -> StoredLesson | None:
        """What goes on being learnt (version 0)."""
        ...

    def lessons(self, queue: QueueKey) -> list[StoredLesson]:
        """The last versions, newest first."""
        ...

    def put_lesson(self, stored: StoredLesson) -> None:
        """Insert or overwrite; only the last 20 versions are kept."""
        ...

    def last_lesson_version(self, queue: QueueKey) -> int:
        """The highest number there is, 0 for none."""
        ...


class WaitModels(Protocol):
    """What was learnt about waits."""

    def put_wait_model(self, pool: str, stored: Stored) -> None:
        """A version of what a pool of agents has taught, in place of one of the same number. Old ones go."""
        ...

    def wait_model(self, pool: str) -> Stored | None:
        """The newest version."""
        ...

    def wait_models(self, pool: str) -> list[Stored]:
        """Every version that is kept, newest first, without the models themselves."""
        ...
