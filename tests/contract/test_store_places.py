"""Everybody who waits, read for a rebuild: in one go, beside whoever writes, on both databases."""

from contextlib import closing
from datetime import timedelta

from callback.adapters.store.sql_store import SqlStore
from callback.domain.lifecycle import Event
from callback.ports import Placed
from tests.support.record import NOW, SUPPORT, promised

MANY = 2_500
"""More than are fetched at once."""


def fill(store: SqlStore) -> None:
    with store.begin() as work:
        for number in range(MANY):
            promised(work, f"+1415556{number:04}")


def test_places_are_what_the_columns_say(store: SqlStore) -> None:
    soon = NOW + timedelta(minutes=5)
    with store.begin() as work:
        made = promised(work, next_attempt_at=soon)
        promised(work, "+14155550102", requested_for=soon)
        ended = promised(work, "+14155550103")
        work.move(ended, Event.CANCEL, reason="test", cause="test", at=NOW)
    with store.look() as record:
        (place,) = record.placed()
    assert place == Placed(made.id, SUPPORT, made.score, made.joined_at, soon, store.number_hash(made.number))
    assert place.joined_at.tzinfo == NOW.tzinfo


def test_everybody_is_read_as_they_were_while_others_write(store: SqlStore) -> None:
    fill(store)
    with store.look() as record, closing(record.placed()) as places:
        first = next(places)
        with store.begin() as work:
            promised(work, "+14155550100")
            work.move(work.callback(first.id), Event.CANCEL, reason="test", cause="test", at=NOW)
        assert len({first.id, *(place.id for place in places)}) == MANY
    with store.look() as record:
        assert first.id not in {place.id for place in record.placed()}


def test_whoever_stops_reading_leaves_the_connection_to_others(store: SqlStore) -> None:
    fill(store)
    for turn in range(3):
        with store.look() as record, closing(record.placed()) as places:
            next(places)
        with store.begin() as work:
            promised(work, f"+1415555020{turn}")
    with store.look() as record:
        assert sum(1 for _ in record.placed()) == MANY + 3
