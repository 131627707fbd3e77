"""What reports count, and how callers found it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Protocol

from callback.domain.ids import CallbackId
from callback.domain.rating import Rating
from callback.domain.reports import Spread, Sums, What
from callback.domain.tallying import DayOf, HourOf, Open, SpreadOf


@dataclass(frozen=True)
class ReportMark:
    """How far the journal was counted for the reports: up to which `seq`, when that row was written, and which counting
    it is: another after each that began anew."""

    seq: int
    at: datetime
    run: str


@dataclass(frozen=True)
class Span:
    """What a report is about: days by the queues' own clocks, both ends included, some queues (none: all), and an agent
    ("": everybody). `before_hour`: of the last day, only the hours before this one."""

    first: date
    last: date
    queues: tuple[str, ...] = ()
    agent: str = ""
    before_hour: int | None = None


@dataclass(frozen=True)
class Punctuality:
    """Windows that were promised: rung within, before and after them, and ended before anybody rang; seconds in all."""

    kept: int
    early: int
    late: int
    unrung: int
    early_s: float
    late_s: float

    def __add__(self, other: "Punctuality") -> "Punctuality":
        return Punctuality(
            self.kept + other.kept, self.early + other.early, self.late + other.late, self.unrung + other.unrung,
            self.early_s + other.early_s, self.late_s + other.late_s,
        )  # fmt: skip


class Counted(Protocol):
    """What reports count."""

    def report_mark(self, *, lock: bool = False) -> ReportMark | None:
        """None: nothing was counted yet. `lock` holds it until the end of the transaction."""
        ...

    def first_report_mark(self, mark: ReportMark) -> bool:
        """False: there is one."""
        ...

    def report_open(self, keys: Iterable[str]) -> dict[str, Open]:
        """What was going on with these, where anything was."""
        ...

    def count_report(
        self,
        hours: Mapping[HourOf, Mapping[str, float]],
        days: Mapping[DayOf, Mapping[str, float]],
        spreads: Mapping[SpreadOf, Spread],
        open: Mapping[str, Open | None],
        mark: ReportMark,
    ) -> None:
        """Adds to what is counted already, keeps what goes on (None: it is over), and moves the mark."""
        ...

    def uneven_months(self, since: date) -> list[date]:
        """The first days of the months from `since` (itself a first day) that hold something else than their days."""
        ...

    def add_up_month(self, month: date) -> None:
        """Makes the month of this first day anew from its days. Whoever calls it holds the mark."""
        ...

    def clear_report(self) -> None:
        """Nothing is counted any more, and there is no mark."""
        ...

    def held_s(self, tokens: Iterable[str]) -> dict[str, float]:
        """How long these talks were on hold, where they were."""
        ...

    def joined(self, promises: Iterable[str]) -> dict[str, datetime]:
        """When the callers of these promises joined the line."""
        ...

    def offered(self, calls: Iterable[str]) -> set[str]:
        """Those of them that were offered a callback, as far back as what was said is kept."""
        ...

    def report(self, span: Span, by: str) -> list[tuple[Any, Sums]]:
        """Sums by "hour" (of the clock; of everybody only), "day", "queue" or "agent", each with its key; "" all
        together. Only what there is. `before_hour` counts for hours only."""
        ...

    def report_spreads(self, span: Span, by: str) -> list[tuple[Any, What, Spread]]:
        """The spreads of seconds, by the keys of `report`; of agents the waits of those whom they took alone.
        `before_hour` counts for hours only."""
        ...

    def first_reported(self) -> date | None:
        """The first day of which anything is counted."""
        ...

    def punctuality(
        self, by: str, *, since: datetime, until: datetime, queues: Sequence[str] = (), zone: tzinfo = UTC
    ) -> list[tuple[Any, Punctuality]]:
        """Of the promises that were made in whole hours from `since` to before `until`: by "day" or "hour" of the clock
        in a zone, by "queue", or ("") all together. Only what there is."""
        ...


class Ratings(Protocol):
    """How it was."""

    def put_rating(self, rating: Rating) -> Rating:
        """Written down, instead of what the same caller said before."""
        ...

    def rating(self, callback: CallbackId) -> Rating | None:
        """None: they said nothing."""
        ...
