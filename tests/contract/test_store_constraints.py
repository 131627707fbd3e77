"""What the database refuses by itself, whoever writes: the last guard when the code is wrong."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, delete, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from callback.adapters.store import tables
from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Agent, Entry, Leg, LegKind, Text
from callback.domain.ids import AgentKey, CallSid, QueueKey
from callback.domain.lifecycle import ENDS, Event, State
from callback.ports import ApiToken, User, Work
from tests.support.record import NOW, SUPPORT, an_attempt, promised


def run(store: SqlStore, statement: Any) -> None:
    with store.engine.begin() as connection:
        connection.execute(statement)


def copy_of(connection: Connection, table: Any, **changes: Any) -> dict[str, Any]:
    """A row of `table`, with some values changed."""
    return dict(connection.execute(select(table)).mappings().first() or {}) | changes


@pytest.mark.parametrize(
    ("table", "column", "word"),
    [
        ("callbacks", "state", "lost"),
        ("callbacks", "source", "dream"),
        ("attempts", "mode", "random"),
        ("attempts", "outcome", "fine"),
        ("legs", "kind", "third"),
        ("journal", "kind", "weather"),
        ("agents", "wanted", "busy"),
        ("users", "role", "root"),
        ("tokens", "role", "root"),
    ],
)
def test_a_word_that_no_enum_has_is_refused(store: SqlStore, table: str, column: str, word: str) -> None:
    checks = [check for check in tables.metadata.tables[table].constraints if str(check.name).endswith(f"_{column}")]
    assert checks
    with store.begin() as work:
        fill(work)
    statement = f"UPDATE {table} SET {column} = '{word}'"
    if table == "journal":  # which refuses updates altogether
        statement = (
            'INSERT INTO journal (at, kind, subject, "after", reason, cause, queue, data) '
            f"SELECT at, '{word}', subject, \"after\", reason, cause, queue, data FROM journal"
        )
    with pytest.raises(IntegrityError):
        run(store, text(statement))


def fill(work: Work) -> None:
    """A row in every table that has a word of ours."""
    made = promised(work)
    work.add_attempt(an_attempt(made.id))
    work.put_leg(Leg(CallSid("CA1"), LegKind.INBOUND, SUPPORT, "arrived", made.number, NOW))
    work.put_agent(Agent(AgentKey("ann"), "Ann", "client:ann"), NOW)
    work.put_user(User("a@example.com", "viewer", "hash"))
    work.put_token(ApiToken("t", "viewer", "hash"))


def test_every_state_of_the_lifecycle_is_accepted_with_an_end_exactly_where_it_has_ended(store: SqlStore) -> None:
    with store.begin() as work:
        promised(work)
    for state in State:
        ended = NOW if state in ENDS else None
        run(store, update(tables.callbacks).values(state=state, ended_at=ended))
        with pytest.raises(IntegrityError):
            run(store, update(tables.callbacks).values(state=state, ended_at=None if ended else NOW))


def test_a_second_open_row_for_a_number_is_refused_and_an_ended_one_is_not(store: SqlStore) -> None:
    with store.begin() as work:
        promised(work, origin=CallSid("CA1"), token="t1")
    with store.engine.begin() as connection:
        row = copy_of(connection, tables.callbacks, id="cb2", origin=None, token_hash=None)
    with pytest.raises(IntegrityError):
        run(store, insert(tables.callbacks).values(row))
    run(store, insert(tables.callbacks).values(row | {"state": State.EXPIRED, "ended_at": NOW}))


@pytest.mark.parametrize("same", ["origin", "token_hash"])
def test_an_origin_call_and_a_link_belong_to_one_callback(store: SqlStore, same: str) -> None:
    with store.begin() as work:
        promised(work, origin=CallSid("CA1"), token="t1")
    with store.engine.begin() as connection:
        others = {"origin": "CA2", "token_hash": "other", "number_hash": "other"}
        del others[same]
        row = copy_of(connection, tables.callbacks, id="cb2", **others)
    with pytest.raises(IntegrityError):
        run(store, insert(tables.callbacks).values(row))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE callbacks SET queue = 'none'",
        "UPDATE attempts SET callback = 'none'",
        "UPDATE messages SET callback = 'none'",
        "UPDATE queue_numbers SET queue = 'none'",
        "UPDATE policies SET queue = 'none'",
        "DELETE FROM queues",
        "DELETE FROM callbacks",
        "INSERT INTO idempotency (key, body_hash, callback, at) VALUES ('k', 'b', 'none', '2026-01-01 00:00:00')",
        "INSERT INTO agent_queues (agent, queue, level, rank) VALUES ('none', 'support', 1, 0)",
    ],
)
def test_a_row_that_points_nowhere_is_refused(store: SqlStore, statement: str) -> None:
    with store.begin() as work:
        fill(work)
        work.add_text(Text("tx1", work.callbacks().items[0].id, "promised", "+14155550101", "x", NOW))
    with pytest.raises(IntegrityError):
        run(store, text(statement))


def test_the_journal_cannot_be_rewritten(store: SqlStore) -> None:
    with store.begin() as work:
        work.write(Entry(NOW, "agent", "ann", None, "away", "asked"))
    with pytest.raises(DBAPIError, match="only ever appended to"):
        run(store, text("UPDATE journal SET reason = 'never'"))


def test_a_journal_number_is_never_given_twice(store: SqlStore) -> None:
    with store.begin() as work:
        work.write(Entry(NOW, "agent", "ann", None, "away", "asked"))
        last = work.journal(after=0)[-1].seq
    run(store, delete(tables.journal))
    with store.begin() as work:
        work.write(Entry(NOW, "agent", "ann", None, "away", "asked"))
        assert work.journal(after=0)[-1].seq > last


def test_a_time_without_a_zone_is_refused(store: SqlStore) -> None:
    with store.begin() as work, pytest.raises(StatementError, match="aware times only"):
        work.first_sight(CallSid("CA1"), "ringing", "0", NOW.replace(tzinfo=None))


def test_times_in_another_zone_come_back_as_the_same_moment(store: SqlStore) -> None:
    evening = (NOW + timedelta(microseconds=123_456)).astimezone(ZoneInfo("Asia/Shanghai"))
    with store.begin() as work:
        made = promised(work, next_attempt_at=evening)
    with store.begin() as work:
        found = work.callback(made.id).next_attempt_at
    assert found == evening
    assert found is not None
    assert found.utcoffset() == timedelta(0)


# --- which index a question uses --------------------------------------------------------------------------------

QUESTIONS: dict[str, Any] = {
    "uq_callbacks_open_number": lambda work: work.open_callback(SUPPORT, "+14155550101"),
    "ix_callbacks_open": lambda work: work.in_state([State.WAITING, State.DIALING]),
    "ix_callbacks_ended": lambda work: work.counts(),
    "ix_callbacks_retry": lambda work: work.due_callbacks(NOW),
    "ix_callbacks_requested": lambda work: work.due_callbacks(NOW),
    "ix_callbacks_newest": lambda work: work.callbacks(),
    "ix_callbacks_queue": lambda work: work.callbacks(queue=QueueKey("support")),
    "ix_callbacks_number": lambda work: work.callbacks(number="+14155550101"),
    "ix_callbacks_number_ended": lambda work: work.may_still_ring("+14155550101", (), since=NOW),
    "ix_legs_open": lambda work: work.open_legs(before=NOW),
    "ix_messages_unsent": lambda work: work.unsent_texts(before=NOW),
    "ix_journal_subject": lambda work: work.journal(after=0, kind="callback", subject="cb1"),
}


def plans(store: SqlStore, ask: Any, asked: list[tuple[str, Any]]) -> str:
    """How the database would answer what `ask` asks."""
    with store.begin() as work:
        asked.clear()
        ask(work)
    questions = [each for each in asked if each[0].startswith("SELECT")]
    found = []
    with store.engine.connect() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            explain = "EXPLAIN"
            for faster_on_few_rows in ("enable_seqscan", "enable_sort"):
                connection.exec_driver_sql(f"SET LOCAL {faster_on_few_rows} = off")
        for statement, parameters in questions:
            found += [str(tuple(row)) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]
    return "\n".join(found)


def test_the_questions_of_every_second_are_answered_by_their_indexes(store: SqlStore) -> None:
    asked: list[tuple[str, Any]] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        asked.append((statement, parameters))

    with store.begin() as work:
        for number in range(50):
            work.move(promised(work, f"+1415555{number:04d}"), Event.CANCEL, reason="r", cause="c", at=NOW)
    answered = {index: plans(store, ask, asked) for index, ask in QUESTIONS.items()}
    assert [index for index, plan in answered.items() if index not in plan] == [], answered
