"""What a guard may not do while it helps: ring somebody early, ring again whoever has talked, or tell a number."""

from datetime import timedelta

import pytest
import structlog

from callback import logs
from callback.adapters.store.sealed import Sealer
from callback.domain.errors import AlreadyBridged
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel, due, poison
from tests.support.house import ADA, StagedHouse
from tests.support.legs import Leg


def test_who_moves_their_callback_while_a_round_of_the_sweep_is_under_way_is_not_rung_early(
    staged: StagedHouse,
) -> None:
    staged.queue()
    promise = staged.promise(requested_for=staged.clock.now() + timedelta(minutes=5))
    staged.wait(301)
    tomorrow = staged.clock.now() + timedelta(days=1)
    cancel.reschedule(staged.house, promise.id, tomorrow, cause="test")
    due.stand_up(staged.house, promise, staged.clock.now())  # as the round read it before
    assert staged.state(promise) is State.SCHEDULED
    assert staged.place(promise.id) == ""


def test_a_round_that_is_late_does_not_shorten_the_pause_before_the_next_attempt(staged: StagedHouse) -> None:
    leg = staged.called(retry_delays_s=[300])
    before = staged.by_number()
    leg.fails("no-answer")
    due.stand_up(staged.house, before, staged.clock.now())  # as another round found it due a moment ago
    assert staged.now(before).next_attempt_at == staged.clock.now() + timedelta(seconds=300)
    assert staged.place(before.id) == "later"


def talking_unrecorded(staged: StagedHouse) -> Leg:
    """Somebody whom we rang talks, and the record was away when they began: their leg."""
    leg = staged.called(wrap_up_s=0)
    leg.answer()
    leg.press("1")
    agent = leg.agent()
    agent.pick_up()

    def beside(step: str) -> None:
        if step == "line.bridge":
            staged.steps.away = frozenset({"store"})

    staged.steps.between = beside
    assert agent.press("1").verbs == ()
    staged.steps.between, staged.steps.away = None, frozenset()
    return leg


@pytest.mark.parametrize("order", [[0, 1], [1, 0]], ids=["as usual", "the other way round"])
def test_who_talked_while_the_record_was_away_is_not_rung_again(staged: StagedHouse, order: list[int]) -> None:
    leg = talking_unrecorded(staged)
    assert staged.state(staged.by_number()) is State.ANSWERED, "the record missed the beginning"
    staged.wait(60)
    words = leg.end()
    for word in [words[at] for at in order] if len(words) == 2 else words:
        staged.tell(word)
    staged.work()
    assert staged.state(staged.by_number()) is State.COMPLETED
    assert staged.status() is AgentStatus.AVAILABLE
    staged.pass_time(30)
    assert staged.unseen == 0


def test_who_talks_is_not_cancelled_though_the_record_missed_the_beginning(staged: StagedHouse) -> None:
    leg = talking_unrecorded(staged)
    staged.wait(3)
    with pytest.raises(AlreadyBridged):
        cancel.cancel(staged.house, staged.by_number().id, reason="by the API", cause="test")
    assert staged.status() is AgentStatus.BUSY, "in their talk, and free for nobody else"
    assert leg.up


@pytest.mark.parametrize("agents", [0, 1])
def test_a_house_started_with_the_wrong_key_sets_few_aside_for_it(staged: StagedHouse, agents: int) -> None:
    staged.queue()
    made = []
    for last in range(2000, 2012):
        made.append(staged.promise(f"+1201555{last}").id)
        staged.wait(1)
    staged.agent(free=False)
    right, staged.sql._sealer = staged.sql._sealer, Sealer(["a key that somebody made anew by mistake"])
    if agents:
        staged.available()
    staged.pass_time(40)
    staged.sql._sealer = right
    staged.away()
    staged.pass_time(40)
    with staged.sql.begin() as work:
        aside = [one for one in work.quarantine().items if one.kind == "callback"]
        assert any(one.kind == "step" for one in work.failures()), "but somebody is told"
    assert len(aside) <= poison.MANY
    left = [one for one in made if one not in {held.subject for held in aside}]
    assert [entry for entry in staged.order() if entry in left and staged.place(entry) == "due"] == left


def test_what_a_command_logs_of_a_defect_shows_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    def ring(number: str) -> None:
        raise LookupError("a defect", len(number))

    before = structlog.get_config()
    try:
        logs.beside()
        try:
            ring(ADA)
        except LookupError as defect:
            structlog.get_logger("callback.test").error("broke", exc_info=defect)
    finally:
        structlog.configure(**before)
    said = capsys.readouterr().err
    assert "a defect" in said
    assert ADA not in said
