"""Changes of policies that take effect later, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.errors import NotFound, Stale
from callback.domain.ids import QueueKey
from callback.domain.planned import Planned, PlanState
from callback.domain.policy import Policy
from tests.support.record import NOW

SUPPORT = QueueKey("planning")
PLAN = Planned(
    "pl1", SUPPORT, {"offer_at_wait_s": 60, "hours": None, "retry_delays_s": [5]}, NOW + timedelta(hours=1),
    "sue@example.com", "supervisor", "the sale begins", NOW,
)  # fmt: skip


def test_a_plan_is_due_at_its_time_and_ends_once(store: SqlStore) -> None:
    with store.begin() as work:
        work.put_queue(SUPPORT, "Planning", None, NOW)
        work.add_plan(PLAN)
        work.add_plan(replace(PLAN, id="pl0", effective_at=NOW + timedelta(hours=2)))
    with store.look() as work:
        assert work.plan("pl1") == PLAN
        assert [plan.id for plan in work.plans(SUPPORT)] == ["pl1", "pl0"]
        assert not [plan for plan in work.plans_due(NOW) if plan.queue == SUPPORT]
        assert "pl1" in [plan.id for plan in work.plans_due(NOW + timedelta(hours=1))]
    with store.begin() as work:
        assert work.end_plan("pl1", PlanState.APPLIED, at=NOW, version=2)
        assert not work.end_plan("pl1", PlanState.TAKEN_BACK, at=NOW, by="late@example.com")
        assert work.plan("pl1").state is PlanState.APPLIED
        assert work.plan("pl1").version == 2
        with pytest.raises(NotFound):
            work.plan("pl9")


def test_a_plan_that_was_refused_is_told_until_somebody_takes_note(store: SqlStore) -> None:
    key = QueueKey("refusing")
    with store.begin() as work:
        work.put_queue(key, "Refusing", None, NOW)
        work.add_plan(replace(PLAN, id="pl5", queue=key))
        assert not work.note_plan("pl5", by="ann@example.com"), "it waits"
        assert work.end_plan("pl5", PlanState.REFUSED, at=NOW, note="wait: too long")
    with store.look() as work:
        assert [plan.note for plan in work.refused_plans() if plan.queue == key] == ["wait: too long"]
    with store.begin() as work:
        assert work.note_plan("pl5", by="ann@example.com")
        assert not work.note_plan("pl5", by="bob@example.com")
        assert (work.plan("pl5").state, work.plan("pl5").ended_by) == (PlanState.NOTED, "ann@example.com")
        assert not [plan for plan in work.refused_plans() if plan.queue == key]


def test_a_policy_follows_the_version_it_was_made_on(store: SqlStore) -> None:
    key = QueueKey("following")
    with store.begin() as work:
        work.put_queue(key, "Following", None, NOW)
        assert work.put_policy(key, Policy(attempts=4), by="a", why="", at=NOW, following=1).version == 2
        with pytest.raises(Stale):
            work.put_policy(key, Policy(attempts=5), by="b", why="", at=NOW, following=1)
        with pytest.raises(NotFound):
            work.put_policy(QueueKey("none"), Policy(), by="b", why="", at=NOW, following=1)
        assert work.queue(key).policy.attempts == 4
