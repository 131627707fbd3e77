"""Personal data at rest: whoever copies the database reads nobody's number, name, text or link."""

import json
import timeit
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from callback.adapters.store.sealed import Sealer, Unsealable
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import callbacks, metadata
from callback.domain.callback import Agent, Leg, LegKind, Text
from callback.domain.ids import AgentKey, CallSid
from callback.domain.lifecycle import State
from tests.support.record import NOW, SECRET, SUPPORT, promised

NUMBER, OTHER, NAME, LINK, NOTE = "+14155550188", "+14155550189", "Zoë Unmistakable", "tok-unmistakable", "order-4711"
NEW_SECRET = "the secret of the year after"


def fill(store: SqlStore) -> str:
    """One of everything that knows a number; the id of the promise."""
    with store.begin() as work:
        made = promised(work, NUMBER, name=NAME, token=LINK, context={"note": NOTE})
        work.save(replace(made, number=OTHER))
        work.put_leg(Leg(CallSid("CA1"), LegKind.INBOUND, SUPPORT, "arrived", NUMBER, NOW))
        work.add_text(Text("tx1", made.id, "promised", NUMBER, f"see /c/{LINK}", NOW))
        work.put_agent(Agent(AgentKey("zoe"), NAME, NUMBER), NOW)
        work.opt_out(NUMBER, NOW)
        work.suppress(NUMBER, "did not ask", NOW)
        return made.id


def raw(store: SqlStore) -> str:
    """Every value of every row, bytes as text where they are text."""
    with store.engine.connect() as connection:
        values = [
            value for table in metadata.sorted_tables for row in connection.execute(select(table)) for value in row
        ]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)


def test_no_row_shows_a_number_a_name_a_text_or_a_link(store: SqlStore) -> None:
    fill(store)
    rows = raw(store)
    for secret in (NUMBER, NUMBER[1:], OTHER, NAME, "Unmistakable", LINK, NOTE, "/c/", "did not ask"):
        assert (secret in rows) == (secret == "did not ask"), secret


def test_a_rotated_key_opens_what_the_old_one_sealed_and_finds_it(store: SqlStore) -> None:
    made = fill(store)
    rotated = SqlStore(store.engine.url.render_as_string(hide_password=False), NEW_SECRET, retired_keys=[SECRET])
    with rotated.begin() as work:
        found = work.open_callback(SUPPORT, OTHER)
        assert found is not None
        assert (found.id, found.name) == (made, NAME)
        assert work.suppressed(NUMBER)
        work.save(replace(found, name="Another"))
    rotated.close()
    with store.begin() as work, pytest.raises(Unsealable):
        work.callback(found.id)


def test_another_key_opens_nothing(store: SqlStore) -> None:
    made = fill(store)
    other = SqlStore(store.engine.url.render_as_string(hide_password=False), NEW_SECRET)
    with other.begin() as work:
        assert work.open_callback(SUPPORT, OTHER) is None
        with pytest.raises(Unsealable):
            work.callback(made)  # type: ignore[arg-type]
    other.close()


def test_one_damaged_row_keeps_nobody_else_from_being_served(store: SqlStore) -> None:
    with store.begin() as work:
        damaged, other = promised(work, NUMBER, next_attempt_at=NOW), promised(work, OTHER, next_attempt_at=NOW)
    with store.engine.begin() as connection:
        connection.execute(update(callbacks).where(callbacks.c.id == damaged.id).values(number=b"torn"))
    with store.begin() as work:
        assert work.due_callbacks(NOW) == [other]
        assert work.in_state([State.WAITING]) == [other]
        first = work.callbacks(limit=1)
        second = work.callbacks(limit=1, cursor=first.next)
        assert first.items + second.items == (other,)
        assert second.next is None
        with pytest.raises(Unsealable, match=damaged.id):
            work.callback(damaged.id)


def test_a_sealed_value_is_bound_to_its_place() -> None:
    sealer = Sealer([SECRET])
    sealed = sealer.seal(NUMBER, "callbacks.number:cb1")
    assert sealer.open(sealed, "callbacks.number:cb1") == NUMBER
    for place, value in (
        ("callbacks.number:cb2", sealed),
        ("callbacks.number:cb1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("callbacks.number:cb1", b""),
    ):
        with pytest.raises(Unsealable) as refused:
            sealer.open(value, place)
        assert NUMBER not in str(refused.value)


def test_the_same_number_is_sealed_differently_and_hashed_the_same() -> None:
    sealer, again = Sealer([SECRET]), Sealer([SECRET])
    assert sealer.seal(NUMBER, "x") != sealer.seal(NUMBER, "x")
    assert sealer.number_hash(NUMBER) == again.number_hash(NUMBER)
    assert sealer.number_hash(NUMBER) != sealer.number_hash(OTHER)
    assert sealer.number_hash(NUMBER) != Sealer([NEW_SECRET]).number_hash(NUMBER)
    assert len(sealer.number_hash(NUMBER)) == 32


def test_an_empty_context_is_no_value_and_any_other_comes_back() -> None:
    sealer = Sealer([SECRET])
    assert sealer.seal_json({}, "x") is None
    assert sealer.open_json(None, "x") == {}
    context = {"a": [1, None, {"b": "ü"}]}
    assert sealer.open_json(sealer.seal_json(context, "x"), "x") == context
    assert json.dumps(context)


def test_keys_are_needed_and_shown_nowhere(tmp_path: Path) -> None:
    for keys in ([], [""], [SECRET, ""]):
        with pytest.raises(ValueError, match="key"):
            Sealer(keys)
    store = SqlStore("postgresql://user:password@127.0.0.1/db", SECRET)
    for shown in (repr(Sealer([SECRET])), repr(store)):
        assert SECRET not in shown
        assert "password" not in shown


def test_a_number_is_hashed_in_microseconds() -> None:
    hashed = Sealer([SECRET]).number_hash
    fastest = min(timeit.repeat(lambda: hashed(NUMBER), number=1000, repeat=20)) / 1000
    assert fastest < 20e-6  # measured 2 µs; a key derived at every call would take 50


def test_a_number_on_its_way_through_the_line_is_read_by_the_record_alone(sqlite_url: str) -> None:
    store, stranger = SqlStore(sqlite_url, "a secret"), SqlStore(sqlite_url, "another secret")
    concealed = store.conceal("+12015550123")
    assert "2015550123" not in concealed
    assert store.reveal(concealed) == "+12015550123"
    assert stranger.reveal(concealed) == ""
    assert store.reveal("") == ""
    assert store.reveal("no such thing") == ""
