"""The record by the sheet: every row of the days that were asked for, once, in order, and nobody named unasked."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from callback.adapters.store.exports import SHEETS
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import callbacks, journal
from callback.domain.callback import Leg, LegKind, Text
from callback.domain.ids import CallSid
from tests.support.record import NOW, SUPPORT, promised

ADA, NAME = "+14155550188", "Zoë Unmistakable"
DAY = timedelta(days=1)


def fill(store: SqlStore) -> str:
    with store.begin() as work:
        made = promised(work, ADA, name=NAME, token="tok-ada", context={"note": NAME})
        work.put_leg(Leg(CallSid("CA1"), LegKind.INBOUND, SUPPORT, "arrived", ADA, NOW))
        work.put_leg(Leg(CallSid("CA2"), LegKind.INBOUND, SUPPORT, "arrived", "", NOW))
        work.add_text(Text("tx1", made.id, "promised", ADA, f"{NAME}: see /c/tok-ada", NOW))
        return made.id


def sheet(store: SqlStore, name: str, *, numbers: bool = False, days: int = 0) -> list[dict[str, object]]:
    """Two days of it, so many after today."""
    with store.look() as work:
        columns = work.sheets()[name]
        rows = work.read_out(name, since=NOW + (days - 1) * DAY, until=NOW + (days + 1) * DAY, numbers=numbers)
        return [dict(zip(columns, row, strict=True)) for row in rows]


def test_nobody_is_named_unless_that_is_asked_for(store: SqlStore) -> None:
    made = fill(store)
    (row,) = sheet(store, "callbacks")
    assert (row["id"], row["number"], row["name"], row["context"]) == (made, "+1415•••0188", None, None)
    assert [leg["number"] for leg in sheet(store, "calls")] == ["+1415•••0188", None]
    assert sheet(store, "texts")[0]["body"] is None
    everything = repr([sheet(store, name) for name in SHEETS])
    for never in (ADA, NAME, "tok-ada"):
        assert never not in everything


def test_with_numbers_everything_is_in_clear_but_what_opens_doors(store: SqlStore) -> None:
    fill(store)
    (row,) = sheet(store, "callbacks", numbers=True)
    assert (row["number"], row["name"], row["context"]) == (ADA, NAME, {"note": NAME})
    assert sheet(store, "texts", numbers=True)[0]["body"] == f"{NAME}: see /c/tok-ada"
    with store.look() as work:
        columns = {column for names in work.sheets().values() for column in names}
    assert columns.isdisjoint({"token", "token_hash", "number_hash"})


def test_a_value_that_no_key_opens_is_left_out(store: SqlStore) -> None:
    fill(store)
    with store.engine.begin() as connection:
        connection.execute(update(callbacks).values(number=b"damaged"))
    assert sheet(store, "callbacks", numbers=True)[0]["number"] is None


def test_rows_are_read_as_they_are_needed_and_each_once(store: SqlStore) -> None:
    count = 2_500
    with store.engine.begin() as connection:
        connection.execute(
            insert(journal),
            [
                {"at": NOW + 9 * DAY + timedelta(seconds=second % 60), "kind": "call", "subject": f"CA{second}",
                 "before": None, "after": "arrived", "reason": "", "cause": "", "queue": "support", "data": {}}
                for second in range(count)
            ],
        )  # fmt: skip
    rows = sheet(store, "journal", days=9)
    assert len({row["seq"] for row in rows}) == len(rows) == count
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)  # type: ignore[type-var]
    with store.look() as work:
        assert work.sheet_rows("journal", since=NOW + 8 * DAY, until=NOW + 10 * DAY) == count
        first = work.read_out("journal", since=NOW + 9 * DAY, until=NOW + 10 * DAY)
        assert next(first)
        first.close()  # type: ignore[attr-defined]
        assert work.sheet_rows("journal", since=NOW + 20 * DAY, until=NOW + 21 * DAY) == 0


@pytest.mark.parametrize("name", sorted(SHEETS))
def test_every_sheet_can_be_read_empty(store: SqlStore, name: str) -> None:
    assert sheet(store, name, days=30) == []
