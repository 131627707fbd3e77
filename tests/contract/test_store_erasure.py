"""What the record forgets of somebody, and what it leaves alone: on both databases, to the byte."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, event, select

from callback.adapters.store.personal import PLACES, SPARED
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import metadata
from callback.domain.callback import Callback, Leg, LegKind, Text
from callback.domain.desk import WrapUp
from callback.domain.erasure import Erasure, Export, Stage
from callback.domain.errors import NotFound
from callback.domain.ids import AgentKey, CallSid, EntryId, Token
from callback.domain.lifecycle import Event, State
from callback.domain.proof import NumberChange
from callback.ports import Work
from tests.support.record import NOW, SUPPORT, a_callback, an_attempt, promised, sqlite_record

ADA, BOB = "+14155550188", "+14155550199"
NAME, NOTE = "Zoë Unmistakable", "order-4711"
LATER = NOW + timedelta(hours=1)


def history(work: Work, number: str, mark: str, name: str = NAME) -> Callback:
    """Somebody who rang, was promised, was rung, was told in a text, and cancelled."""
    made = promised(work, number, name=name, token=f"tok-{mark}", context={"note": NOTE}, origin=CallSid(f"CA{mark}0"))
    attempt = work.add_attempt(an_attempt(made.id))
    work.save_attempt(replace(attempt, call=CallSid(f"CA{mark}1"), ended_at=NOW, error=f"about {name}"))
    work.put_leg(Leg(CallSid(f"CA{mark}0"), LegKind.INBOUND, SUPPORT, "callback", number, NOW, ended_at=NOW))
    work.add_text(
        Text(f"tx{mark}", made.id, "promised", number, f"{name}: see /c/tok-{mark}", NOW, f"SM{mark}", "sent")
    )
    work.put_wrap_up(
        WrapUp(Token(f"t{mark}"), AgentKey("ann"), SUPPORT, EntryId(made.id), CallSid(f"CA{mark}1"), NOW, "done", True,
               f"{name} wants a refund", NOW)
    )  # fmt: skip
    ended = work.move(made, Event.CANCEL, reason="not needed", cause="test", at=NOW)
    assert ended is not None
    return ended


def rows(store: SqlStore) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def changed(before: dict[str, list[tuple[Any, ...]]], after: dict[str, list[tuple[Any, ...]]]) -> dict[str, int]:
    """How many rows of each table are not what they were."""
    return {name: len(set(before[name]) - set(after[name])) for name in before if before[name] != after[name]}


def blank(store: SqlStore, number: str = ADA, **how: Any) -> Any:
    with store.begin() as work:
        return work.blank(store.number_hash(number), **how)


def test_every_column_that_may_name_somebody_is_in_the_list_or_spared_for_a_reason() -> None:
    personal = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) or column.name == "number" or column.name.endswith("hash")
    }
    known = {f"{place.table.name}.{name}" for place in PLACES for name in place.blank or {}}
    whole_rows = {place.table.name for place in PLACES if place.blank == {}}
    left = {name for name in personal - known - set(SPARED) if name.partition(".")[0] not in whole_rows}
    assert left == set(), "add them to `personal.PLACES`, or to `personal.SPARED` with the reason"
    assert set(SPARED) <= personal, "spared, and not there any more"
    assert known.isdisjoint(SPARED)


def test_everything_that_names_somebody_goes_and_its_rows_stay(store: SqlStore) -> None:
    with store.begin() as work:
        made = history(work, ADA, "a")
    before = rows(store)

    found = blank(store)

    after = rows(store)
    assert dict(found.found) == {"attempts": 1, "texts": 1, "wrap_ups": 1, "calls": 1, "callbacks": 1}
    assert set(found.records) == {"CAa0", "CAa1", "SMa"}
    assert {name: len(found) for name, found in before.items()} == {name: len(found) for name, found in after.items()}
    with store.begin() as work:
        gone = work.callback(made.id)
        assert (gone.number, gone.name, gone.token, gone.context) == ("", "", "", {})
        assert (gone.state, gone.score, gone.version) == (made.state, made.score, made.version)
        assert work.callback_by_token("tok-a") is None
        assert work.text("txa").body == work.text("txa").number == ""
        leg = work.leg(CallSid("CAa0"))
        assert leg is not None
        assert leg.number == ""
        assert work.holdings(store.number_hash(ADA)) == {}
        assert work.number_of(made.id) == ("", "")


def test_a_second_time_there_is_nothing_left_to_forget(store: SqlStore) -> None:
    with store.begin() as work:
        history(work, ADA, "a")
    blank(store)
    before = rows(store)
    assert blank(store).rows == 0
    assert rows(store) == before


def test_nobody_elses_row_is_touched(store: SqlStore) -> None:
    with store.begin() as work:
        mine, _ = history(work, ADA, "a"), history(work, BOB, "b")
        work.opt_out(BOB, NOW)
    before = rows(store)
    blank(store)
    assert changed(before, rows(store)) == dict.fromkeys(("attempts", "callbacks", "legs", "messages", "wrap_ups"), 1)
    with store.begin() as work:
        assert work.callbacks(number=BOB).items[0].name == NAME
        assert work.callback(mine.id).name == ""


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from([ADA, BOB, "+14155550177"]), min_size=1, max_size=4), st.data())
def test_whoever_is_forgotten_the_rows_of_all_others_stay_as_they_are(
    store: SqlStore, numbers: list[str], data: st.DataObject
) -> None:
    with store.begin() as work:
        for number in numbers:
            history(work, number, f"{len(everybody(work)):03d}")
        whose = everybody(work)
    gone = data.draw(st.sampled_from(numbers))
    before = rows(store)
    blank(store, gone)
    after = rows(store)
    with store.begin() as work:
        assert everybody(work) == {one: "" if number == gone else number for one, number in whose.items()}
    theirs = sum(number == gone for number in whose.values())
    assert changed(before, after) == dict.fromkeys(("attempts", "callbacks", "legs", "messages", "wrap_ups"), theirs)


def everybody(work: Work) -> dict[str, str]:
    """The number of every callback there is, of the examples before too."""
    return {one.id: one.number for one in work.in_state(State, limit=10_000)}


def test_what_a_program_asked_with_goes_and_nobody_elses(store: SqlStore) -> None:
    with store.begin() as work:
        for number, key in ((ADA, "order +14155550188"), (BOB, "order 2")):
            made = work.add_callback(
                a_callback(number), event=Event.PROMISE, reason="asked for", cause="api", idempotency=(key, "hash")
            )
            work.move(made, Event.CANCEL, reason="not needed", cause="test", at=NOW)
    assert blank(store).found["requests"] == 1
    assert [row[0] for row in rows(store)["idempotency"]] == ["order 2"]


def test_a_number_that_nobody_confirmed_goes_whoever_it_was_typed_for(store: SqlStore) -> None:
    with store.begin() as work:
        mine, theirs = promised(work, BOB), promised(work, "+14155550177")
        for callback, number in ((mine, ADA), (theirs, BOB)):
            work.put_number_change(NumberChange(callback.id, number, "new", "old", NOW, 5))
    assert blank(store).found == {"number_changes": 1}
    with store.begin() as work:
        assert work.number_change(mine.id) is None
        assert work.number_change(theirs.id) is not None


def test_what_is_going_on_is_left_until_it_is_over(store: SqlStore) -> None:
    with store.begin() as work:
        made = promised(work, ADA, name=NAME)
        work.put_leg(Leg(CallSid("CA9"), LegKind.INBOUND, SUPPORT, "waiting", ADA, NOW))
        assert work.unfinished(store.number_hash(ADA)) == ([made.id], 1)
    assert blank(store).rows == 0
    with store.begin() as work:
        assert work.callback(made.id).name == NAME


def test_a_text_that_nobody_sent_is_never_sent(store: SqlStore) -> None:
    with store.begin() as work:
        work.add_text(Text("tx1", None, "status", ADA, "second in line", NOW))
    blank(store)
    with store.begin() as work:
        assert work.unsent_texts(before=LATER) == []
        assert work.text("tx1").status == "failed"


def test_what_protects_somebody_stays_unless_they_want_that_gone_too(store: SqlStore) -> None:
    with store.begin() as work:
        work.opt_out(ADA, NOW)
        work.suppress(ADA, "did not ask", NOW)
    assert blank(store).rows == 0
    with store.begin() as work:
        assert work.suppressed(ADA)
        assert work.opted_out(ADA)
    assert blank(store, protection=True).found == {"opt_outs": 1, "suppressed": 1}
    with store.begin() as work:
        assert not work.suppressed(ADA)


def test_what_came_later_is_not_meant(store: SqlStore) -> None:
    with store.begin() as work:
        history(work, ADA, "a")
    assert blank(store, until=NOW - timedelta(seconds=1)).rows == 0
    assert blank(store, until=NOW).rows == 5


def test_nobody_is_everybody_without_a_number(store: SqlStore) -> None:
    with store.begin() as work:
        history(work, ADA, "a")
    blank(store)
    with store.begin() as work:
        history(work, BOB, "b")
        assert work.blank("").rows == 0
        assert work.everything("") == {}
        assert work.exports_of("") == []


def test_forgotten_callers_are_nobodys_telephone_to_the_audit(store: SqlStore) -> None:
    with store.begin() as work:
        two = [history(work, ADA, mark) for mark in "ab"]
        for one in two:
            work.save_attempt(replace(work.attempts(one.id)[0], asked_at=NOW))
    blank(store)
    with store.begin() as work:
        known = work.number_hashes([one.id for one in two])
        assert len(set(known.values())) == 2
        assert {dial.number_hash for dial in work.dials()} == set(known.values())


def test_everything_that_is_held_on_somebody_is_shown_in_clear(store: SqlStore) -> None:
    with store.begin() as work:
        made = history(work, ADA, "a")
        history(work, BOB, "b", name="Somebody Else")
        work.opt_out(ADA, NOW)
    with store.begin() as work:
        held = work.everything(store.number_hash(ADA))
        assert work.holdings(store.number_hash(ADA)) == {name: len(found) for name, found in held.items()}
    assert held["callbacks"][0]["number"] == ADA
    assert held["callbacks"][0]["context"] == {"note": NOTE}
    assert held["texts"][0]["body"] == f"{NAME}: see /c/tok-a"
    assert held["wrap_ups"][0]["notes"] == f"{NAME} wants a refund"
    assert [row["after"] for row in held["journal"]] == ["waiting", "cancelled"]
    assert {row["subject"] for row in held["journal"]} == {made.id}
    assert set(held) == {"attempts", "texts", "wrap_ups", "calls", "callbacks", "opt_outs", "journal"}
    assert "Somebody Else" not in repr(held)


def test_what_is_too_old_is_blanked_in_slices_and_nothing_newer(store: SqlStore) -> None:
    with store.begin() as work:
        for mark in "abc":
            history(work, ADA, mark)
        open_one = promised(work, BOB, name=NAME)
    with store.begin() as work:
        assert work.blank_old(NOW, 2).rows == 0
    counted = []
    for _ in range(3):
        with store.begin() as work:
            counted.append(work.blank_old(LATER, 2))
    assert [one.found.get("callbacks", 0) for one in counted] == [2, 1, 0]
    assert [one.rows for one in counted] == [11, 4, 0], "of what desks wrote down, the two oldest left besides"
    assert sorted(sid for one in counted for sid in one.records) == sorted(
        f"{kind}{mark}{end}" for mark in "abc" for kind, end in (("CA", "0"), ("CA", "1"), ("SM", ""))
    )
    with store.begin() as work:
        assert work.callback(open_one.id).name == NAME


def test_a_wish_is_kept_until_it_is_done(store: SqlStore) -> None:
    wish = Erasure("er1", store.number_hash(ADA), NOW, "cli:root", number=ADA, next_at=NOW)
    with store.begin() as work:
        work.put_erasure(wish)
        assert work.erasure("er1", lock=True) == wish
        assert work.erasure_of(wish.number_hash) == wish
        assert work.erasures_due(NOW - timedelta(seconds=1)) == []
        assert work.erasures_due(NOW) == ["er1"]
        done = replace(wish, stage=Stage.DONE, number="", number_hash="", next_at=None, found={"calls": 2}, done_at=NOW)
        work.put_erasure(done)
        assert work.erasures() == [done]
        assert work.erasure_of(wish.number_hash) is None
        assert work.erasure_of("") is None
        with pytest.raises(NotFound):
            work.erasure("er2")


def test_an_export_that_may_have_somebody_in_it_is_known_again(store: SqlStore) -> None:
    hour = timedelta(hours=1)
    with store.begin() as work:
        history(work, ADA, "a")
        for export in (
            Export("x1", LATER, "cli", "person", "/tmp/ada.json", store.number_hash(ADA), True),
            Export("x2", LATER, "cli", "person", "/tmp/bob.json", store.number_hash(BOB), True),
            Export("x3", LATER, "cli", "record", "/tmp/day", "", True, NOW - hour, NOW + hour, 9),
            Export("x4", LATER, "cli", "record", "/tmp/masked", "", False, NOW - hour, NOW + hour),
            Export("x5", LATER, "cli", "record", "/tmp/next day", "", True, NOW + hour, NOW + 2 * hour),
            Export("x6", NOW - hour, "cli", "record", "/tmp/before", "", True),
        ):
            work.put_export(export)
        assert [(one.id, one.place) for one in work.exports_of(store.number_hash(ADA))] == [
            ("x1", "/tmp/ada.json"),
            ("x3", "/tmp/day"),
        ]
    blank(store)
    with store.begin() as work:
        assert [one.id for one in work.exports_of(store.number_hash(BOB))] == ["x2"]
        assert work.exports_of(store.number_hash(ADA)) == []


def test_what_is_too_old_is_found_without_reading_what_was_blanked_before(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    with sqlite_record(tmp_path) as store:
        event.listen(store.engine, "before_cursor_execute", note)
        with store.begin() as work:
            work.blank_old(NOW, 100)
        event.remove(store.engine, "before_cursor_execute", note)
        with store.engine.connect() as connection:
            plans = [
                row[-1]
                for statement, values in asked
                if statement.startswith("SELECT")
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            ]
    assert [plan.split(" (")[0] for plan in plans] == [
        f"SEARCH {table} USING INDEX ix_{table}_personal"
        for table in ("callbacks", "legs", "messages", "wrap_ups", "talks")
    ]
