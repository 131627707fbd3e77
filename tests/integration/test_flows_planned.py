"""A change that was planned takes effect by the right of whoever planned it, as they have it when its time comes."""

from datetime import timedelta

import pytest

from callback.domain.acts import Doer
from callback.domain.ids import QueueKey
from callback.domain.planned import Forfeited
from callback.flows import planned, users
from callback.ports import User
from tests.support.house import SUPPORT, StagedHouse, on_both
from tests.support.web_house import WebHouse, signed_in

ADA, SUE = "ada@example.com", "sue@example.com"
ADMIN = Doer(ADA, "admin")


def planned_by(staged: StagedHouse, by: str) -> None:
    staged.queue()
    with staged.house.store.begin() as work:
        work.put_user(User(ADA, "admin", "hash"))
        work.put_user(User(SUE, "supervisor", "hash"))
    at = staged.clock.now() + timedelta(hours=1)
    planned.plan(staged.house, SUPPORT, {"attempts": 7}, at=at, by=by, role="supervisor")


def comes_about(staged: StagedHouse) -> list[str]:
    """Puts in force what is due; gives why what was refused was."""
    staged.clock.advance(3601)
    made = [planned.put_in_force(staged.house) for _ in range(2)]
    with staged.house.store.look() as work:
        attempts = work.queue(SUPPORT).policy.attempts
    refused = [one.note for one in planned.refused(staged.house)]
    assert (attempts, sum(made)) == ((3, 0) if refused else (7, 1))
    return refused


@on_both
@pytest.mark.parametrize("by", [SUE, "cli:root", "token:crm"])
def test_who_still_may_has_it_take_effect(staged: StagedHouse, by: str) -> None:
    planned_by(staged, by)
    assert comes_about(staged) == []


@on_both
def test_of_somebody_who_was_disabled_it_does_not_take_effect(staged: StagedHouse) -> None:
    planned_by(staged, SUE)
    users.disable(staged.house, ADMIN, SUE)
    assert comes_about(staged) == [Forfeited.DISABLED]
    users.enable(staged.house, ADMIN, SUE)
    assert comes_about(staged) == [Forfeited.DISABLED], "refused once, it is over"


def test_who_was_disabled_for_a_while_has_it_take_effect(staged: StagedHouse) -> None:
    planned_by(staged, SUE)
    users.disable(staged.house, ADMIN, SUE)
    users.enable(staged.house, ADMIN, SUE)
    assert comes_about(staged) == []


def test_of_somebody_who_may_not_any_more_it_does_not_take_effect(staged: StagedHouse) -> None:
    planned_by(staged, SUE)
    users.change(staged.house, ADMIN, SUE, role="viewer", agent=None)
    assert comes_about(staged) == [Forfeited.ROLE]


def test_of_somebody_unknown_it_does_not_take_effect(staged: StagedHouse) -> None:
    planned_by(staged, "nobody@example.com")
    assert comes_about(staged) == [Forfeited.GONE]


def test_supervisors_are_told_why(web: WebHouse) -> None:
    web.user(SUE)
    at = web.clock.now() + timedelta(hours=1)
    planned.plan(web.house, QueueKey("support"), {"attempts": 7}, at=at, by=SUE)
    users.disable(web.house, ADMIN, SUE)
    web.wait(3601)
    assert planned.put_in_force(web.house) == 0
    page = signed_in(web).get("/admin").get_data(as_text=True)
    assert "a planned change did not take effect" in page
    assert "Whoever planned it cannot sign in any more." in page
