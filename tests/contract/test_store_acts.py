"""The audit log on both databases: appended with what it records, read newest first, and never changed."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from callback.adapters.store.sql_store import SqlStore
from callback.domain.acts import Act, Doer, What, act
from tests.support.record import NOW, SUPPORT

ADA = Doer("ada@example.com", "supervisor")


def test_an_act_comes_back_as_it_was_done_and_the_newest_is_first(store: SqlStore) -> None:
    saved = act(
        ADA, What.POLICY_SAVE, SUPPORT, NOW, queue=SUPPORT, before={"attempts": 3}, after={"attempts": 2}, cause="ü"
    )
    made = act(Doer("cli:root"), What.TOKEN_SAVE, "demo", NOW + timedelta(seconds=1), after={"role": "viewer"})
    with store.begin() as work:
        work.act(saved)
        work.act(made)
    with store.look() as work:
        newest, oldest = work.acts()
    assert oldest == Act(
        NOW, "ada@example.com", "supervisor", "policy.save", SUPPORT, SUPPORT, {"attempts": 3}, {"attempts": 2}, "ü",
        seq=oldest.seq,
    )  # fmt: skip
    assert newest.seq > oldest.seq
    assert newest.before is None


def test_an_act_that_is_rolled_back_was_not_done(store: SqlStore) -> None:
    def fails() -> None:
        with store.begin() as work:
            work.act(act(ADA, What.STOP_EVERYTHING, "", NOW))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with store.look() as work:
        assert work.acts() == []


def test_the_log_is_read_in_pages_and_by_who_what_where_and_when(store: SqlStore) -> None:
    with store.begin() as work:
        for minute in range(6):
            doer = ADA if minute % 2 else Doer("token:demo", "admin")
            what = What.POLICY_SAVE if minute < 3 else What.CALLBACK_CANCEL
            work.act(act(doer, what, f"s{minute}", NOW + timedelta(minutes=minute), queue="a" if minute == 5 else ""))
    with store.look() as work:
        first = work.acts(limit=4)
        assert [one.subject for one in first] == ["s5", "s4", "s3", "s2"]
        assert [one.subject for one in work.acts(before=first[-1].seq)] == ["s1", "s0"]
        assert [one.subject for one in work.acts(by=ADA.by)] == ["s5", "s3", "s1"]
        assert [one.subject for one in work.acts(what="policy.save")] == ["s2", "s1", "s0"]
        assert [one.subject for one in work.acts(queue="a")] == ["s5"]
        assert [one.subject for one in work.acts(subject="s4")] == ["s4"]
        since, until = NOW + timedelta(minutes=1), NOW + timedelta(minutes=3)
        assert [one.subject for one in work.acts(since=since, until=until)] == ["s2", "s1"]


@pytest.mark.parametrize("statement", ["UPDATE acts SET cause = 'nothing'", "DELETE FROM acts"])
def test_the_database_refuses_to_change_or_delete_what_was_done(store: SqlStore, statement: str) -> None:
    with store.begin() as work:
        work.act(act(ADA, What.STOP_EVERYTHING, "", NOW))
    with pytest.raises(DBAPIError, match="only ever appended to"), store.engine.begin() as connection:
        connection.execute(text(statement))
    with store.look() as work:
        assert len(work.acts()) == 1
