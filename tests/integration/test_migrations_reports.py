"""What was counted for reports before they had months is added up by the migration that brings them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import (
    report_days,
    report_hours,
    report_months,
    report_part_spreads,
    report_spreads,
)
from tests.support.counted import fill
from tests.support.record import NOW, SECRET

COUNTED = (report_hours, report_days, report_months, report_spreads, report_part_spreads)
BEFORE = "0018"


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
