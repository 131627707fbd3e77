"""Recorded traffic turned back into what happened, in the order in which it became known.

A trace tells each wait whole: its outcome stands in the row of its arrival. A replay takes it apart into events
(`domain.floor`), so that an estimator that is asked at an arrival has seen everything until then and nothing after.
At the same second what ends comes before what begins. A caller with a promise keeps the place of their first row.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence

from callback.domain.floor import Event, Freed, Joined, Kind, Left, Served
from callback.lab.trace import RETURN, Outcome, Row

TYPE = "type"
"""An extra column that tells kinds of calls of one queue apart, where a trace has it."""

_FREES, _ENDS, _JOINS = range(3)
"""At equal times an agent is freed first, then waits end, then callers join."""


def events(rows: Sequence[Row], credit: Mapping[str, float]) -> Iterator[tuple[Event, Row]]:
    """Everything that happens in `rows` (sorted by arrival), each event with its row, in the order of time.

    `credit` is the head start in seconds of each priority; one that is not named has none. The events of a row are
    joining, then being served or leaving, and after a talk the agent's being free.
    """
    first = {row.call_id: row.at for row in rows if row.outcome is Outcome.CALLBACK}
    due: list[tuple[float, int, int, Event, Row]] = []
    for order, row in enumerate(rows):
        joined = _joined(row, credit, first)
        while due and (due[0][0], due[0][1]) < (row.at, _JOINS):
            yield from _next(due)
        yield joined, row
        heapq.heappush(due, (row.at + row.waited_s, _ENDS, order, _ended(row), row))
        while due and due[0][0] <= row.at and row.waited_s == 0:
            yield from _next(due)
    while due:
        yield from _next(due)


def _next(due: list[tuple[float, int, int, Event, Row]]) -> Iterator[tuple[Event, Row]]:
    """The next event that is due; after it, the end of a talk that it begins becomes due."""
    _, _, order, event, row = heapq.heappop(due)
    yield event, row
    if isinstance(event, Served):
        until = event.at + row.handled_s
        heapq.heappush(due, (until, _FREES, order, Freed(until, row.call_id), row))


def _joined(row: Row, credit: Mapping[str, float], first: Mapping[str, float]) -> Joined:
    return Joined(
        at=row.at,
        call=row.call_id,
        kind=kind(row),
        since=first.get(row.call_id.removesuffix(RETURN), row.at) if row.is_return else row.at,
        credit=credit.get(row.priority, 0.0),
        callback=row.is_return,
    )


def _ended(row: Row) -> Event:
    at = row.at + row.waited_s
    if row.outcome is Outcome.ANSWERED:
        return Served(at, row.call_id, row.agent)
    return Left(at, row.call_id, gave_up=row.outcome is Outcome.ABANDONED)


def kind(row: Row) -> Kind:
    """What sets this caller's chances apart."""
    return Kind(row.queue, row.priority, row.extra.get(TYPE, ""))


def priorities(rows: Iterable[Row]) -> set[str]:
    """The priorities that occur."""
    return {row.priority for row in rows if row.priority}
