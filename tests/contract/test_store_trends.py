"""Who stood in a line lately, on both databases."""

from dataclasses import replace
from datetime import timedelta

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind
from callback.domain.ids import CallSid, QueueKey
from callback.domain.said import Fate
from callback.domain.trend import Connected, Stood
from tests.support.predictions import a_prediction
from tests.support.record import NOW, SUPPORT, promised

HOUR = timedelta(hours=1)


def a_leg(number: int, **fields: object) -> Leg:
    made = Leg(CallSid(f"CA{number:032x}"), LegKind.INBOUND, SUPPORT, "waiting", "+14155550101", NOW, joined_at=NOW)
    return replace(made, **fields)  # type: ignore[arg-type]


def test_everybody_who_stood_there_since_is_found_with_when_they_left(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_leg(a_leg(1))
        work.put_leg(a_leg(2, bridged_at=NOW + HOUR, ended_at=NOW + 2 * HOUR))
        work.put_leg(a_leg(3, ended_at=NOW + HOUR))
        work.put_leg(a_leg(4, ended_at=NOW))  # gone before
        work.put_leg(a_leg(5, joined_at=None))  # never in line
        work.put_leg(a_leg(6, queue=QueueKey("billing")))
        work.put_leg(a_leg(7, kind=LegKind.CUSTOMER))
        promised(work)
        promised(work, "+14155550102", requested_for=NOW + 3 * HOUR)
    with store.look() as work:
        found = work.stood(SUPPORT, since=NOW + timedelta(minutes=1))
    assert set(found) == {
        Stood(NOW, None, True), Stood(NOW, NOW + HOUR, True), Stood(NOW, None, False),
        Stood(NOW + 3 * HOUR, None, False),
    }  # fmt: skip
    assert len(found) == 5, "one connected and one who hung up left at the same moment"


def test_whoever_was_connected_since_is_found_with_what_they_were_told(store: SqlStore) -> None:
    after = {"fate": Fate.CONNECTED, "fate_at": NOW + HOUR, "waited_s": 70.0}
    with store.begin() as work:
        work.add_predictions([
            a_prediction("CA1", **after),
            a_prediction("CA2", **{**after, "fate": Fate.LEFT}),
            a_prediction("CA3", **{**after, "fate_at": NOW}),
            a_prediction("CA4"),
            a_prediction("CA5", **after, p50=None),
        ])  # fmt: skip
    with store.look() as work:
        found = work.connected(SUPPORT, since=NOW + timedelta(minutes=1))
    assert found == [Connected(NOW + HOUR, 90.0, 70.0)]
