"""What becomes of administrators who act on each other at the same moment, on both databases."""

from concurrent.futures import ThreadPoolExecutor

from callback.domain.access import LastAdministrator
from callback.domain.acts import Doer
from callback.flows import users
from callback.ports import User
from tests.support.house import StagedHouse, on_both

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
