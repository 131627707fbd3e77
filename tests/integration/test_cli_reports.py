"""`callback reports rebuild`, as people and programs use it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.reports import Sums
from callback.ports import Span
from tests.support.command_line import CommandLine


def test_everything_is_counted_anew_and_nothing_twice(tmp_path: Path, redis_url: str) -> None:
    url = f"sqlite:///{tmp_path / 'callback.sqlite3'}"
    migrate.upgrade(url)
    store, now = SqlStore(url, "a secret of this test"), datetime.now(UTC) - timedelta(minutes=1)
    with store.begin() as work:
        work.write(Entry(now, "call", "CA1", None, "arrived", "arrived", queue="support"))
        work.write(Entry(now, "call", "CA1", "arrived", "abandoned", "abandoned", queue="support"))
    line = CommandLine(tmp_path, REDIS_URL=redis_url, DATABASE_URL=url)
    assert line.data("reports", "rebuild") == {"rows": 2}
    assert "counted 2 rows of the journal" in line.ok("reports", "rebuild")
    ever = Span(date(2000, 1, 1), date(2100, 1, 1))
    with store.look() as work:
        assert work.report(ever, "") == [("", Sums(offered=1, abandoned=1, short=1))]
    store.close()
