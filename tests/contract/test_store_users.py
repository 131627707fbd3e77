"""How people come in, on both databases: sessions, second steps, recovery codes, welcome links, tokens' last use."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from callback.adapters.store.sql_store import SqlStore
from callback.domain.access import WhoMust
from callback.domain.ids import AgentKey
from callback.ports import ApiToken, SecondStep, User, WelcomeLink
from tests.support.record import NOW

ADA, BOB = "ada@example.com", "bob@example.com"
HOUR = timedelta(hours=1)


@pytest.fixture
def people(store: SqlStore) -> SqlStore:
    """Two users."""
    with store.begin() as work:
        work.put_user(User(ADA, "admin", "hash"))
        work.put_user(User(BOB, "viewer", "hash"))
    return store


def test_a_session_stands_until_it_is_ended_and_tells_how_its_user_stands_now(people: SqlStore) -> None:
    with people.begin() as work:
        assert work.session("s1") is None
        work.open_session("s1", ADA, NOW)
        work.open_session("s2", ADA, NOW + HOUR)
        work.open_session("s3", BOB, NOW)
        found = work.session("s1")
        assert found is not None
        assert (found.user.email, found.user.signed_in_at) == (ADA, NOW + HOUR)
        assert (found.two_step, found.must) == (False, WhoMust.NOBODY)
        work.put_user(User(ADA, "viewer", "hash", disabled=True))
        work.put_second_step(SecondStep(ADA, "SECRET", "", NOW))
        work.put_two_step_rule(WhoMust.ADMINS)
        work.put_two_step_rule(WhoMust.EVERYONE)
    with people.look() as work:
        found = work.session("s2")
        assert found is not None
        assert (found.user.role, found.user.disabled) == ("viewer", True)
        assert (found.two_step, found.must) == (True, WhoMust.EVERYONE)
        assert work.session_count(ADA) == 2
    with people.begin() as work:
        assert work.end_sessions(ADA, but="s2") == 1
        work.end_session("s3")
        work.end_session("s3")
        assert [work.session(one) is not None for one in ("s1", "s2", "s3")] == [False, True, False]
        work.forget_sessions(NOW + 2 * HOUR)
        assert work.session_count(ADA) == 0


def test_the_secret_of_codes_is_sealed_and_each_code_is_used_once(people: SqlStore) -> None:
    with people.begin() as work:
        assert work.second_step(ADA) is None
        work.put_second_step(SecondStep(ADA, pending="WAITS"))
        assert work.second_steps() == set()
        assert not work.spend_step(ADA, 7)
        work.put_second_step(SecondStep(ADA, "INFORCE", "NEXT", NOW, 7))
        assert work.second_steps() == {ADA}
        assert work.second_step(ADA) == SecondStep(ADA, "INFORCE", "NEXT", NOW, 7)
        assert [work.spend_step(ADA, step) for step in (7, 6, 8, 8)] == [False, False, True, False]
    with people.engine.connect() as connection:
        kept = connection.execute(text("SELECT secret, pending FROM second_steps")).one()
    assert not any(word in bytes(value) for value in kept for word in (b"INFORCE", b"NEXT"))


def test_a_recovery_code_is_used_once_and_new_ones_replace_the_old(people: SqlStore) -> None:
    with people.begin() as work:
        work.put_second_step(SecondStep(ADA, "SECRET", "", NOW))
        work.put_recovery_codes(ADA, ["a", "b"])
        work.put_recovery_codes(BOB, ["a"])
        assert [work.spend_recovery_code(ADA, code) for code in ("a", "a", "c")] == [True, False, False]
        assert (work.recovery_codes_left(ADA), work.recovery_codes_left(BOB)) == (1, 1)
        work.put_recovery_codes(ADA, ["c", "d", "e"])
        assert not work.spend_recovery_code(ADA, "b")
        assert work.recovery_codes_left(ADA) == 3
        assert work.drop_second_step(ADA)
        assert not work.drop_second_step(ADA)
        assert (work.recovery_codes_left(ADA), work.second_step(ADA)) == (0, None)


def test_of_two_who_come_with_the_same_link_or_code_at_once_one_is_admitted(people: SqlStore) -> None:
    with people.begin() as work:
        work.put_welcome(WelcomeLink(ADA, "link", NOW))
        work.put_second_step(SecondStep(ADA, "SECRET", "", NOW))
        work.put_recovery_codes(ADA, ["code"])

    def tries(_: int) -> tuple[bool, bool, bool]:
        with people.begin() as work:
            return work.take_welcome("link") is not None, work.spend_step(ADA, 1), work.spend_recovery_code(ADA, "code")

    with ThreadPoolExecutor(4) as many:
        admitted = list(many.map(tries, range(4)))
    assert [sum(column) for column in zip(*admitted, strict=True)] == [1, 1, 1]


def test_a_welcome_link_is_one_a_user_and_gone_once_taken(people: SqlStore) -> None:
    with people.begin() as work:
        work.put_welcome(WelcomeLink(ADA, "first", NOW))
        work.put_welcome(WelcomeLink(ADA, "second", NOW + HOUR))
        work.put_welcome(WelcomeLink(BOB, "his", NOW))
        assert work.welcome("first") is None
        assert work.welcome("second") == WelcomeLink(ADA, "second", NOW + HOUR)
        assert work.welcomes() == {ADA: NOW + HOUR, BOB: NOW}
        assert work.take_welcome("second") == WelcomeLink(ADA, "second", NOW + HOUR)
        assert work.take_welcome("second") is None
        work.drop_welcome(BOB)
        assert work.welcomes() == {}


def test_a_tokens_last_use_is_noted_once_in_a_while(people: SqlStore) -> None:
    with people.begin() as work:
        work.put_token(ApiToken("crm", "agent", "h1", AgentKey("ann")))
        for minutes in (0, 30, 59, 61):
            work.token_used("h1", NOW + timedelta(minutes=minutes), every=HOUR)
            known = work.token("h1")
            assert known is not None
            assert (known.agent, known.used_at) == ("ann", NOW if minutes < 60 else NOW + timedelta(minutes=61))
        work.token_used("unknown", NOW, every=HOUR)


def test_users_to_change_are_all_of_them_by_address(people: SqlStore) -> None:
    with people.begin() as work:
        assert [one.email for one in work.users_to_change()] == [ADA, BOB]
