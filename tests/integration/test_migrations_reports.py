"""What was counted for reports before they had months is added up by the migration that brings them; and what a version
without months counts beside this one, later from its days."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Table, and_, delete, insert, or_, select

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import (
    report_days,
    report_hours,
    report_months,
    report_part_spreads,
    report_spreads,
)
from callback.domain.reports import Grain
from tests.support.counted import fill
from tests.support.record import NOW, SECRET

FIRST = (NOW - timedelta(days=60)).date().replace(day=1)
COUNTED = (report_hours, report_days, report_months, report_spreads, report_part_spreads)
BEFORE = "0018"
PARTS = report_part_spreads.c
UNKNOWN = {
    report_months: report_months.c.queue.is_not(None),
    report_spreads: report_spreads.c.queue == "",
    report_part_spreads: or_(PARTS.queue == "", and_(PARTS.grain == Grain.MONTH, PARTS.part == "")),
}
"""The rows of which a version before the months knows nothing."""


def counted(url: str) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of the reports, to a thousandth of a second."""
    store = SqlStore(url, SECRET)
    with store.engine.connect() as sql:
        rows = {table.name: {tuple(map(plain, row)) for row in sql.execute(select(table))} for table in COUNTED}
    store.close()
    return rows


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return round(value, 3) if isinstance(value, float) else value


def test_what_was_counted_before_is_in_the_months_and_in_all_queues_together(database_url: str) -> None:
    migrate.upgrade(database_url)
    store = SqlStore(database_url, SECRET)
    fill(store, NOW, days=6, calls=8)
    fill(store, NOW - timedelta(days=40), days=2, calls=8, seed=2)
    store.close()
    before = counted(database_url)
    assert len({row[0] for row in before["report_months"]}) == 3
    migrate.downgrade(database_url, BEFORE)
    migrate.upgrade(database_url)
    assert counted(database_url) == before


def test_what_an_older_version_counted_beside_this_one_is_added_up_from_its_days(database_url: str) -> None:
    migrate.upgrade(database_url)
    store = SqlStore(database_url, SECRET)
    fill(store, NOW - timedelta(days=3), days=3, calls=8)
    known = {table: _rows(store, table) for table in UNKNOWN}
    fill(store, NOW, days=3, calls=8, seed=2)
    both = counted(database_url)
    with store.look() as work:
        assert work.uneven_months(FIRST) == []
    with store.engine.begin() as sql:  # as it is when the second part was counted by the older one
        for table, unknown in UNKNOWN.items():
            sql.execute(delete(table).where(unknown))
            sql.execute(insert(table), known[table])
    assert counted(database_url) != both
    with store.begin() as work:
        uneven = work.uneven_months(FIRST)
        assert uneven
        for month in uneven:
            work.add_up_month(month)
        assert work.uneven_months(FIRST) == []
    store.close()
    assert counted(database_url) == both


def _rows(store: SqlStore, table: Table) -> list[dict[str, Any]]:
    with store.engine.connect() as sql:
        return [dict(row) for row in sql.execute(select(table).where(UNKNOWN[table])).mappings()]
