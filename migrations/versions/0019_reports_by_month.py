"""What reports count, by the month as well, and spreads of all queues together: a year is read in few rows.

Only adds, so that a version which knows nothing of it runs beside one that does. What was counted before is added up
here. What such a version still counts afterwards is in no month: once the last one has gone,
`callback reports rebuild` counts everything anew.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
phase = "expand"

Data = sa.JSON().with_variant(JSONB(), "postgresql")
SECONDS = ("wait_s", "left_s", "back_s", "ring_s", "talk_s", "hold_s", "wrap_s", "work_s", "free_s")
COUNTS = (
    "offered", "answered", "abandoned", "short", "took", "turned_away", "shown", "in_5", "in_10", "in_15", "in_20",
    "in_30", "in_45", "in_60", "in_90", "in_120", "in_180", "in_300", "promised", "completed", "unreached",
    "cancelled", "expired", "failed", "met", "back", "talks", "back_talks", "missed", "declined", "transfers",
    "announced", "said", "resolved", "rated", "satisfied",
)  # fmt: skip
SUMS = (*COUNTS, *SECONDS)
KEY = ("month", "agent", "hour", "queue")
SPREADS = sa.table("report_spreads", *(sa.column(name) for name in ("queue", "what")), sa.column("day", sa.Date),
                   sa.column("steps", Data))  # fmt: skip
PARTS = sa.table("report_part_spreads", *(sa.column(name) for name in ("by", "grain", "queue", "part", "what")),
                 sa.column("day", sa.Date), sa.column("steps", Data))  # fmt: skip
PROMISES = sa.text("moment = 'promise'")
OF_PROMISES = ["hour", "queue", "kept", "early", "late", "unrung", "early_s", "late_s"]


def upgrade() -> None:
    op.create_table(
        "report_months",
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("agent", sa.String, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("queue", sa.String, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in COUNTS),
        *(sa.Column(name, sa.Float, nullable=False, server_default="0") for name in SECONDS),
        sa.PrimaryKeyConstraint("month", "agent", "hour", "queue", name="pk_report_months"),
    )
    op.create_index("ix_report_days_agent", "report_days", ["agent", "day"])
    op.create_index("ix_report_part_spreads_part", "report_part_spreads", ["by", "part", "queue", "grain", "day"])
    op.create_index(
        "ix_prediction_hours_promise", "prediction_hours", OF_PROMISES,
        postgresql_where=PROMISES, sqlite_where=PROMISES,
    )  # fmt: skip
    if op.get_bind().execute(sa.text("SELECT 1 FROM report_days LIMIT 1")).scalar():
        add_up()


def add_up() -> None:
    """What was counted before."""
    add_months("report_days", sa.column("agent"), sa.literal_column("-1"))
    add_months("report_hours", sa.literal_column("''"), sa.column("hour"))
    for rows in slices(all_queues(PARTS, ("by", "grain", "day", "part", "what"))):
        op.bulk_insert(PARTS, rows)
    for rows in slices(all_queues(SPREADS, ("day", "what"))):
        op.bulk_insert(SPREADS, rows)
    for rows in slices(months()):
        op.bulk_insert(PARTS, rows)


def add_months(name: str, agent: Any, hour: Any) -> None:
    months, days = (sa.table(one, *map(sa.column, (*KEY, "day", *SUMS))) for one in ("report_months", name))
    if op.get_bind().dialect.name == "sqlite":
        month: Any = sa.func.date(days.c.day, sa.literal_column("'start of month'"))
    else:
        month = sa.cast(sa.func.date_trunc(sa.literal_column("'month'"), days.c.day), sa.Date)
    key = (month, agent, hour, days.c.queue)
    rows = sa.select(*key, *(sa.func.sum(days.c[one]) for one in SUMS)).group_by(*map(sa.text, "1234"))
    op.execute(sa.insert(months).from_select([*KEY, *SUMS], rows.select_from(days)))


def all_queues(table: Any, key: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """What belongs to no queue yet, of every queue."""
    columns = [table.c[name] for name in key]
    rows = op.get_bind().execute(sa.select(*columns, table.c.steps).order_by(*columns)).all()
    for of, some in groupby(rows, lambda row: row[:-1]):
        yield {**dict(zip(key, of, strict=True)), "queue": "", "steps": together(row[-1] for row in some)}


def months() -> Iterator[dict[str, Any]]:
    """Of each queue, and of all: a month's days together."""
    c = SPREADS.c
    rows = op.get_bind().execute(sa.select(c.queue, c.what, c.day, c.steps).order_by(c.queue, c.what, c.day)).all()
    for (queue, what, month), some in groupby(rows, lambda row: (row.queue, row.what, row.day.replace(day=1))):
        steps = together(row.steps for row in some)
        yield {"by": "hour", "grain": "month", "day": month, "queue": queue, "part": "", "what": what, "steps": steps}


def together(spreads: Iterable[dict[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for spread in spreads:
        found.update(spread)
    return {step: found[step] for step in sorted(found, key=int)}


def slices(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    known = list(rows)
    return (known[at : at + 1_000] for at in range(0, len(known), 1_000))


def downgrade() -> None:
    op.drop_index("ix_prediction_hours_promise", "prediction_hours")
    op.drop_index("ix_report_part_spreads_part", "report_part_spreads")
    op.drop_index("ix_report_days_agent", "report_days")
    op.drop_table("report_months")
    op.execute("DELETE FROM report_spreads WHERE queue = ''")
    op.execute("DELETE FROM report_part_spreads WHERE queue = '' OR part = ''")
