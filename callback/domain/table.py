"""What an estimator says of every place of a queue, written down so that a call only has to look a place up.

Row by row: the wait that remains for whoever stands at a place, and, in the last row, the wait of somebody who joins
now. No row promises less than the row before it, so that nobody hears a longer wait because somebody ahead has left.
Beyond the last row the simple rule says how much each further caller adds. A table is good for seconds: it carries when
it was made, and for which configuration of the queues.
"""

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from callback.domain.errors import InvalidInput
from callback.domain.wait import LEVELS, Wait

FORM = 1
"""Of what is written: a table of another form is not read."""
GOOD_FOR = timedelta(seconds=15)
"""Older than this a table says nothing any more."""
EACH = 40
"""So many places have a row each; beyond them rows lie further and further apart."""
STRIDE = 1.15
_NUMBERS = 5
_OUTER = 2.5631
"""Standard deviations between the 10th and the 90th percentile of a normal law."""

Row = tuple[float, float, float, float, float]
"""Mean, p10, p50, p80 and p90 in seconds."""
Simple = Callable[[int], Wait]
"""What the simple rule says with so many ahead."""


@dataclass(frozen=True)
class Table:
    """The waits of one queue: `rows[i]` at place `places[i]`, places rising from 1, the last one a newcomer's.

    `config` is the version of the queues' configuration, `model` that of the learnt model ("" where the simple rule was
    better lately), `share` how much of the model is in the numbers, `waits` how many waits it was learnt from.
    """

    at: datetime
    config: int
    places: tuple[int, ...]
    rows: tuple[Row, ...]
    basis: str
    model: str
    share: float
    waits: int

    def holds(self, now: datetime, config: int) -> bool:
        """Whether it still says something: made a moment ago, and for this configuration."""
        return -GOOD_FOR < now - self.at < GOOD_FOR and self.config == config

    def wait(self, position: int, simple: Simple) -> Wait:
        """The wait at a place, counted from 1. `simple` stands beside it, and goes on from the last row."""
        ruled = simple(position - 1)
        if not ruled.known:
            return ruled
        row = self._row(position, ruled, simple)
        sd = max(row[4] - row[1], 0.0) / _OUTER
        return Wait(row[0], sd, self.basis, model=self.model, simple=ruled, points=row[1:])

    def _row(self, position: int, ruled: Wait, simple: Simple) -> Row:
        last = self.places[-1]
        if position > last:
            base = simple(last - 1)
            rise = [max(a - b, 0.0) for a, b in zip(_row_of(ruled), _row_of(base), strict=True)]
            return _row([a + b for a, b in zip(self.rows[-1], rise, strict=True)])
        above = bisect_left(self.places, position)
        if self.places[above] == position or above == 0:
            return self.rows[above]
        low, high = self.places[above - 1], self.places[above]
        share = (position - low) / (high - low)
        pairs = zip(self.rows[above - 1], self.rows[above], strict=True)
        return _row([a + share * (b - a) for a, b in pairs])


def grid(last: int) -> list[int]:
    """The places that get a row: each of the first `EACH`, then fewer and fewer, and the last."""
    places = list(range(1, min(last, EACH) + 1))
    while places[-1] < last:
        places.append(min(max(places[-1] + 1, round(places[-1] * STRIDE)), last))
    return places


def rising(rows: Sequence[Sequence[float]]) -> list[Row]:
    """The rows nearest to these of which none has a number below that of the row before (pool adjacent violators), and
    whose quantiles are in order."""
    columns = [_rising([row[number] for row in rows]) for number in range(_NUMBERS)]
    return [_row([mean, *sorted(quantiles)]) for mean, *quantiles in zip(*columns, strict=True)]


def _rising(values: Sequence[float]) -> list[float]:
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, count = max(value, 0.0), 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    return [mean for mean, count in blocks for _ in range(count)]


# --- written down -----------------------------------------------------------------------------------------------


def written(table: Table) -> str:
    """The table as text for `read`."""
    return json.dumps(
        {
            "form": FORM,
            "at": table.at.timestamp(),
            "config": table.config,
            "places": table.places,
            "rows": [[round(number, 2) for number in row] for row in table.rows],
            "basis": table.basis,
            "model": table.model,
            "share": table.share,
            "waits": table.waits,
        },
        separators=(",", ":"),
    )


def read(text: str) -> Table:
    """A table from `written`. Raises InvalidInput for what is none: the simple rule stands in for it."""
    try:
        found = json.loads(text)
        if found["form"] != FORM:
            raise InvalidInput("table", "is of another form")
        return _checked(
            Table(
                at=datetime.fromtimestamp(found["at"], UTC),
                config=int(found["config"]),
                places=tuple(int(place) for place in found["places"]),
                rows=tuple(_row(row) for row in found["rows"]),
                basis=str(found["basis"]),
                model=str(found["model"]),
                share=float(found["share"]),
                waits=int(found["waits"]),
            )
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        raise InvalidInput("table", "is damaged") from error


def _checked(table: Table) -> Table:
    sound = len(table.places) == len(table.rows) > 0 and table.places[0] == 1
    sound = sound and all(low < high for low, high in zip(table.places, table.places[1:], strict=False))
    if not sound or not all(math.isfinite(number) and number >= 0 for row in table.rows for number in row):
        raise ValueError("rows that fit no places")
    return table


def _row(numbers: Sequence[float]) -> Row:
    mean, p10, p50, p80, p90 = (float(number) for number in numbers)
    return (mean, p10, p50, p80, p90)


def _row_of(wait: Wait) -> Row:
    return _row([wait.mean or 0.0, *(wait.quantile(level) or 0.0 for level in LEVELS)])
