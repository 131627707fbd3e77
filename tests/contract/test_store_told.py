"""The record of what callers were told, on both databases."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.ids import QueueKey
from callback.domain.judged import Errors, Tally, change, made
from callback.domain.said import Fate, Happened, Moment, Prediction, settle
from callback.domain.uptake import Uptake
from callback.ports import Hour, SaidMark
from tests.support.clock import ManualClock
from tests.support.predictions import a_prediction, offers
from tests.support.record import NOW, SUPPORT


def kept(store: SqlStore, rows: Iterable[Prediction]) -> list[Prediction]:
    rows = list(rows)
    with store.begin() as work:
        work.add_predictions(rows)
    with store.look() as work:
        return work.predictions_of({row.subject for row in rows})


def test_a_prediction_comes_back_as_it_went_in(store: SqlStore) -> None:
    row = a_prediction(promised_from=NOW, promised_to=NOW + timedelta(minutes=5), offered_s=3.5)
    [found] = kept(store, [row])
    assert found.seq > 0
    assert replace(found, seq=0) == row


def test_those_whose_fate_is_known_are_not_looked_for_again(store: SqlStore) -> None:
    first, other = kept(store, [a_prediction("CA1"), a_prediction("cb2")])
    done = settle(first, [Happened("CA1", "bridged", NOW + timedelta(seconds=60))])
    with store.begin() as work:
        work.save_predictions([done])
    with store.look() as work:
        assert work.unsettled(["CA1", "cb2", "CA3"]) == [other]
        [found] = work.predictions_of(["CA1"])
    assert found == done
    assert (found.fate, found.actual_s, found.talked_at) == (Fate.CONNECTED, 60, NOW + timedelta(seconds=60))


def test_what_happened_is_read_from_the_journal_in_order_and_up_to_a_point(store: SqlStore) -> None:
    with store.begin() as work:
        for subject, after in (("CA1", "arrived"), ("CA1", "bridged"), ("CA2", "abandoned"), ("CA1", "completed")):
            work.write(Entry(NOW, "call", subject, None, after, "test", queue=SUPPORT))
        work.write(Entry(NOW, "agent", "CA1", None, "busy", "of another kind", queue=SUPPORT))
    with store.look() as work:
        last = work.last_seq()
        assert [one.after for one in work.happened(["CA1"], upto=last)] == ["bridged", "completed"]
        assert [one.after for one in work.happened(["CA1", "CA2"], upto=last - 2)] == ["bridged", "abandoned"]
        assert work.happened([], upto=last) == []


def test_more_subjects_than_one_question_takes(store: SqlStore) -> None:
    with store.begin() as work:
        work.add_predictions([a_prediction(f"CA{at}") for at in range(600)])
    with store.look() as work:
        assert len(work.unsettled(f"CA{at}" for at in range(600))) == 600


def test_the_sums_of_an_hour_add_up(store: SqlStore) -> None:
    row = a_prediction()
    talked = settle(row, [Happened("CA1", "bridged", NOW + timedelta(seconds=160))])
    hour, other = Hour(SUPPORT, NOW, Moment.ARRIVAL, "7"), Hour(QueueKey("billing"), NOW, Moment.HOLD, "")
    for _ in range(2):
        with store.begin() as work:
            work.add_tallies({hour: made(row) + change(row, talked), other: made(row)})
    with store.look() as work:
        found = dict(work.tallies(since=NOW + timedelta(minutes=30)))
        assert dict(work.tallies(since=NOW, queue=SUPPORT)) == {hour: found[hour]}
        assert work.tallies(since=NOW + timedelta(hours=1)) == []
        assert dict(work.totals(since=NOW)) == found
        assert dict(work.totals(since=NOW, queue=SUPPORT)) == {hour: found[hour]}
        assert work.hours(SUPPORT, Moment.ARRIVAL, since=NOW) == [(NOW, found[hour])]
    assert found[other] == Tally(told=2)
    assert found[hour] == Tally(
        told=2,
        connected=2,
        ours=Errors(2, 7200.0, 140.0, -120.0, 0, 2, 0, 360.0),
        simple=Errors(2, 1800.0, 80.0, -60.0, 0, 0, 0, 420.0),
    )


def test_a_queue_is_paged_from_the_newest(store: SqlStore) -> None:
    kept(store, [a_prediction(f"CA{at}") for at in range(3)] + [a_prediction("CA9", queue=QueueKey("billing"))])
    with store.look() as work:
        newest = work.predictions(SUPPORT, limit=2)
        assert [one.subject for one in newest] == ["CA2", "CA1"]
        assert [one.subject for one in work.predictions(SUPPORT, before=newest[-1].seq)] == ["CA0"]


def test_only_what_is_old_is_forgotten_and_a_slice_at_a_time(store: SqlStore) -> None:
    kept(store, [a_prediction(f"CA{at}", at=NOW + timedelta(days=at)) for at in range(5)])
    with store.begin() as work:
        assert work.forget_predictions(before=NOW + timedelta(days=3), limit=2) == 2
        assert work.forget_predictions(before=NOW + timedelta(days=3), limit=2) == 1
        assert work.forget_predictions(before=NOW + timedelta(days=3), limit=2) == 0
    with store.look() as work:
        assert [one.subject for one in work.predictions(SUPPORT)] == ["CA4", "CA3"]


@pytest.mark.parametrize("lock", [True, False])
def test_the_mark_begins_at_the_end_of_the_journal(store: SqlStore, lock: bool) -> None:
    with store.begin() as work:
        work.write(Entry(NOW, "call", "CA1", None, "arrived", "before anybody kept what was said"))
    with store.begin() as work:
        end = work.last_seq()
        assert work.said_mark(lock=lock) == SaidMark("0", end)
        work.set_said_mark(SaidMark("5-1", end + 7, written=3, judged=1))
    with store.begin() as work:
        assert work.said_mark(lock=lock) == SaidMark("5-1", end + 7, 3, 1)


def test_offers_are_counted_once_a_caller_and_once_it_is_known_what_became_of_them(store: SqlStore) -> None:
    offers(store, ManualClock(NOW), 6, 4)
    with store.begin() as work:
        work.add_predictions(
            [
                a_prediction("CAopen", at=NOW),
                a_prediction("CAnone", at=NOW, offering=False, fate=Fate.CONNECTED, fate_at=NOW),
                a_prediction("CAother", at=NOW, queue=QueueKey("sales"), fate=Fate.PROMISED, fate_at=NOW),
                a_prediction("cb1", at=NOW, moment=Moment.PROMISE, fate=Fate.CONNECTED, fate_at=NOW),
            ]
        )
    with store.look() as work:
        assert work.uptake(SUPPORT, since=NOW - timedelta(days=1)) == Uptake(6, 4)
        assert work.uptake(SUPPORT, since=NOW - timedelta(hours=2, minutes=30)) == Uptake(2, 2)
        assert work.uptake(QueueKey("nobody"), since=NOW) == Uptake(0, 0)
    assert (Uptake().share, Uptake(80, 80).percent) == (0.5, 90)
