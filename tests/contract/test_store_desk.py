"""Talks and wrap-ups on both databases: found by their token and their agent, notes and numbers sealed."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind
from callback.domain.desk import Talk, Wish, WrapUp
from callback.domain.ids import AgentKey, CallSid, EntryId, Token
from callback.domain.lifecycle import CallState
from tests.support.record import NOW, SUPPORT, promised

ADA = AgentKey("ada")
CALLER = CallSid("CA" + "1" * 32)
NUMBER = "+12025550123"
TALK = Talk(Token("rs1"), ADA, SUPPORT, EntryId(CALLER), CALLER, CallSid("CA" + "2" * 32), NOW)
WRAP_UP = WrapUp(Token("rs1"), ADA, SUPPORT, EntryId(CALLER), CALLER, NOW, "solved", True, "wants a refund", NOW)


def test_a_talk_is_kept_by_its_token_and_its_number_sealed(store: SqlStore) -> None:
    passed = replace(TALK, wish=Wish.NUMBER, to=NUMBER, room=2, held_s=3.5, holds=1, passed_at=NOW)
    with store.begin() as work:
        work.put_talk(TALK)
        work.put_talk(passed)
    with store.begin() as work:
        assert work.talk(TALK.token, lock=True) == passed
        assert work.talk(Token("rs2")) is None
        assert work.talks(ADA, since=NOW, until=NOW + timedelta(hours=1)) == [passed]
        assert work.talks(ADA, since=NOW + timedelta(seconds=1), until=NOW + timedelta(hours=1)) == []
    with store.engine.connect() as connection:
        sealed = connection.execute(text('SELECT "to" FROM talks')).scalar_one()
    assert NUMBER.encode() not in bytes(sealed)


def test_a_wrap_up_can_be_written_again_and_its_notes_are_sealed(store: SqlStore) -> None:
    again = replace(WRAP_UP, code="to be continued", resolved=None, notes="")
    with store.begin() as work:
        work.put_wrap_up(WRAP_UP)
    with store.engine.connect() as connection:
        sealed = connection.execute(text("SELECT notes FROM wrap_ups")).scalar_one()
    assert b"refund" not in bytes(sealed)
    with store.begin() as work:
        assert work.wrap_up(WRAP_UP.token) == WRAP_UP
        work.put_wrap_up(again)
    with store.look() as work:
        assert work.wrap_ups(ADA, since=NOW, until=NOW + timedelta(seconds=1)) == [again]
        assert work.wrap_ups(AgentKey("bo"), since=NOW, until=NOW + timedelta(seconds=1)) == []


def test_what_a_number_had_before_is_told_newest_first_with_what_came_of_it(store: SqlStore) -> None:
    earlier = NOW - timedelta(days=2)
    with store.begin() as work:
        work.put_leg(
            Leg(CALLER, LegKind.INBOUND, SUPPORT, CallState.COMPLETED, NUMBER, earlier, agent=ADA, token=Token("rs1"))
        )
        work.put_leg(Leg(CallSid("CA9"), LegKind.INBOUND, SUPPORT, CallState.CALLBACK, NUMBER, earlier))
        work.put_wrap_up(WRAP_UP)
        made = promised(work, NUMBER)
        told = work.earlier(NUMBER, but=EntryId("none"))
        assert [(one.live, one.state, one.code, one.resolved) for one in told] == [
            (False, "waiting", "", None),
            (True, "completed", "solved", True),
        ]
        assert [one.live for one in work.earlier(NUMBER, but=EntryId(made.id))] == [True]
        assert work.earlier("+12025550199", but=EntryId("none")) == []
