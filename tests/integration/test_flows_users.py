"""What becomes of administrators who act on each other at the same moment, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from callback.domain.access import LastAdministrator
from callback.domain.acts import Doer
from callback.flows import users
from callback.ports import User
from tests.support.house import StagedHouse, on_both
from tests.support.waiting import eventually

ADA, BOB = "ada@example.com", "bob@example.com"


@on_both
def test_of_two_administrators_who_shut_each_other_out_at_once_one_stays(staged: StagedHouse) -> None:
    def shut_out(pair: tuple[str, str]) -> bool:
        try:
            users.disable(staged.house, Doer(pair[0], "admin"), pair[1])
        except LastAdministrator:
            return False
        return True

    for _ in range(5):
        with staged.house.store.begin() as work:
            for email in (ADA, BOB):
                work.put_user(User(email, "admin", "hash"))
        with ThreadPoolExecutor(2) as both:
            done = list(both.map(shut_out, ((ADA, BOB), (BOB, ADA))))
        assert sorted(done) == [False, True]
        with staged.house.store.look() as work:
            assert [one.disabled for one in work.users()].count(False) == 1


@pytest.mark.parametrize("staged", ["postgresql"], indirect=True)
def test_whoever_sets_a_password_and_whoever_shuts_them_out_do_not_wait_for_each_other(staged: StagedHouse) -> None:
    store = staged.sql
    token = users.invite(staged.house, Doer(ADA, "admin"), BOB, role="viewer", agent=None).token

    def waits() -> bool:
        with store.engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            return bool(found.scalar_one())

    with ThreadPoolExecutor(1) as other:
        with store.begin() as work:
            work.users_to_change()
            accepted = other.submit(users.accept, staged.house, token, "hash")
            eventually(waits)
            work.put_user(User(BOB, "viewer", "", disabled=True))
            work.drop_welcome(BOB)
        assert accepted.result() is None
