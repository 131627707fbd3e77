"""Agents' presence, and the configuration that says who serves what."""

from datetime import timedelta

import pytest

from callback.adapters.line.events import AgentEvent
from callback.domain.callback import Served
from callback.domain.errors import NotFound, Stale
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from tests.support.line_scene import BILLING, SUPPORT, Scene, agent, queue

AVAILABLE, RESERVED, BUSY = AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY
AWAY, OFFLINE = AgentStatus.AWAY, AgentStatus.OFFLINE


# --- agents -------------------------------------------------------------------------------------------------------


def test_an_agent_starts_offline(scene: Scene) -> None:
    scene.line.configure((queue(),), (agent("ada"),))
    view = scene.line.agent(AgentKey("ada"))
    assert (view.status, view.wanted, view.since) == (OFFLINE, OFFLINE, scene.clock.now())
    assert scene.statuses() == {OFFLINE: 1}
    assert scene.moves() == [("ada", None, "offline")]


def test_presence_repeated_changes_nothing(scene: Scene) -> None:
    scene.staff("ada")
    since = scene.line.agent(AgentKey("ada")).since
    scene.news()
    assert scene.presence("ada").since == since
    assert scene.moves() == []


def test_available_ends_the_wrap_up(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.complete(scene.talking().token, wrap_up=100)
    view = scene.presence("ada")
    assert (view.status, view.wrap_until) == (AVAILABLE, None)
    assert scene.line.lapsed(now=scene.clock.advance(200)).wrapped == ()


@pytest.mark.parametrize("wanted", [AWAY, OFFLINE])
def test_away_and_offline_end_the_wrap_up_at_once(scene: Scene, wanted: AgentStatus) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.complete(scene.talking().token)
    assert scene.presence("ada", wanted).status is wanted


@pytest.mark.parametrize("wanted", [AWAY, OFFLINE])
def test_away_and_offline_wait_for_the_end_of_a_call(scene: Scene, wanted: AgentStatus) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    view = scene.presence("ada", wanted)
    assert (view.status, view.wanted) == (RESERVED, wanted)
    scene.bridge(token)
    assert scene.presence("ada", wanted).status is BUSY
    assert getattr(scene.complete(token), "status", None) is wanted


@pytest.mark.parametrize("wanted", [AWAY, OFFLINE])
def test_a_pairing_that_comes_to_nothing_leaves_the_agent_where_they_wanted(scene: Scene, wanted: AgentStatus) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    scene.presence("ada", wanted)
    scene.release(token, "due")
    assert scene.status("ada") is wanted


def test_whoever_changes_their_mind_in_a_call_is_available_after_it(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    scene.presence("ada", AWAY)
    scene.presence("ada")
    assert getattr(scene.complete(token, wrap_up=0), "status", None) is AVAILABLE


def test_an_unknown_agent_is_an_error(scene: Scene) -> None:
    with pytest.raises(NotFound):
        scene.presence("nobody")
    with pytest.raises(NotFound):
        scene.status("nobody")
    with pytest.raises(NotFound):
        scene.match_agent("nobody")


def test_all_agents_are_listed_by_key(scene: Scene) -> None:
    scene.staff("cyd", "ada", "bob")
    assert [view.key for view in scene.line.agents()] == ["ada", "bob", "cyd"]


def test_agents_are_counted_in_each_queue_they_serve(scene: Scene) -> None:
    scene.staff("ada", agent("bob", SUPPORT, BILLING), agent("cyd", BILLING))
    scene.presence("cyd", AWAY)
    scene.enter("cb1")
    scene.talking()
    assert scene.statuses(SUPPORT) == {BUSY: 1, AVAILABLE: 1}
    assert scene.statuses(BILLING) == {AVAILABLE: 1, AWAY: 1}


# --- configuration ------------------------------------------------------------------------------------------------


def test_the_configuration_is_read_as_it_was_published(scene: Scene) -> None:
    queues = (queue(BILLING, dialing=False), queue(SUPPORT))
    agents = (agent("ada", SUPPORT), agent("bob", Served(BILLING, 2), SUPPORT))
    version = scene.line.configure(queues, agents)
    assert scene.line.configuration() == (version, list(queues), list(agents))


def test_every_publication_has_a_new_version_that_every_standing_tells(scene: Scene) -> None:
    assert scene.line.configuration() == (0, [], [])
    first = scene.line.configure((queue(),), ())
    second = scene.line.configure((queue(),), ())
    assert second > first > 0
    assert scene.line.standing(SUPPORT, None).config == second
    assert scene.arrive("CA1").config == second


def test_who_publishes_after_another_version_than_the_one_in_force_changes_nothing(scene: Scene) -> None:
    first = scene.line.configure((queue(),), (agent("ada"),), following=0)
    second = scene.line.configure((queue(),), (agent("ada"), agent("bob")), following=first)
    for overtaken in (0, first):
        with pytest.raises(Stale):
            scene.line.configure((queue(),), (), following=overtaken)
    assert scene.line.configuration() == (second, [queue()], [agent("ada"), agent("bob")])


def test_configuring_again_keeps_what_agents_do(scene: Scene) -> None:
    scene.staff("ada", "bob")
    scene.enter("cb1")
    scene.talking()
    scene.news()
    scene.line.configure((queue(), queue(BILLING)), (agent("ada", BILLING), agent("bob", SUPPORT, BILLING)))
    assert scene.moves() == []
    assert (scene.statuses(SUPPORT), scene.statuses(BILLING)) == ({AVAILABLE: 1}, {BUSY: 1, AVAILABLE: 1})


def test_an_agent_who_is_no_longer_configured_goes_offline_and_serves_nothing(scene: Scene) -> None:
    scene.staff("ada", "bob")
    scene.line.configure((queue(),), (agent("bob"),))
    assert scene.status("ada") is OFFLINE
    assert scene.statuses() == {AVAILABLE: 1}


def test_an_agent_who_is_taken_out_during_a_call_goes_offline_after_it(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    scene.line.configure((queue(),), ())
    assert scene.status("ada") is BUSY
    assert getattr(scene.complete(token), "status", None) is OFFLINE


def test_promises_rest_while_they_are_told_to_and_the_next_configuration_goes_by_the_policy(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    assert scene.line.set_dialing(SUPPORT, False, now=scene.clock.now())
    assert not scene.line.set_dialing(SUPPORT, False, now=scene.clock.now())
    assert scene.match() is None
    scene.staff("ada")
    assert scene.matched().entry == "cb1"


def test_promises_that_rested_are_paired_again(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.line.set_dialing(SUPPORT, False, now=scene.clock.now())
    assert scene.line.set_dialing(SUPPORT, True, now=scene.clock.now())
    assert scene.matched().entry == "cb1"
    assert not scene.line.set_dialing(QueueKey("nobody knows it"), True, now=scene.clock.now())


def test_whether_a_queue_is_offering_is_remembered(scene: Scene) -> None:
    assert not scene.line.standing(SUPPORT, None).offering
    scene.line.set_offering(SUPPORT, True)
    assert scene.line.standing(SUPPORT, None).offering
    scene.line.set_offering(SUPPORT, False)
    assert not scene.arrive("CA1").offering


def test_an_agent_is_known_to_be_away_for_a_reason_they_did_not_choose(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.release(scene.matched().token, "due", AWAY, reason="missed the ring")
    view = scene.line.agent(AgentKey("ada"))
    assert (view.status, view.reason) == (AWAY, "missed the ring")
    assert scene.presence("ada").reason == "presence"


# --- what the desk adds ---------------------------------------------------------------------------------------------


def test_why_they_are_away_is_kept_until_the_next_wish(scene: Scene) -> None:
    scene.staff("ada")
    now = scene.clock.advance(1)
    assert scene.line.presence(AgentKey("ada"), AWAY, now=now, why="lunch").why == "lunch"
    assert scene.line.agent(AgentKey("ada")).why == "lunch"
    assert [event.why for event in scene.news() if isinstance(event, AgentEvent)][-1] == "lunch"
    assert scene.presence("ada").why == ""
    assert scene.presence("ada", AWAY).why == ""


def test_why_they_leave_after_a_call_is_told_when_they_do(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    scene.line.presence(AgentKey("ada"), AWAY, now=scene.clock.advance(1), why="break")
    scene.news()
    scene.complete(token)
    assert [event.why for event in scene.news() if isinstance(event, AgentEvent)] == ["break"]


def test_whoever_missed_a_ring_gave_no_reason(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    scene.line.presence(AgentKey("ada"), AWAY, now=scene.clock.advance(1), why="break")
    scene.line.release(token, entry_to="due", agent_to=AWAY, reason="missed the ring", now=scene.clock.advance(1))
    assert scene.line.agent(AgentKey("ada")).why == ""


def test_a_wrap_up_can_be_made_longer(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.complete(scene.talking().token, wrap_up=10)
    until = scene.clock.now() + timedelta(seconds=60)
    view = scene.line.wrap(AgentKey("ada"), until)
    assert view is not None
    assert view.wrap_until == until
    assert scene.line.lapsed(now=scene.clock.advance(30)).wrapped == ()
    assert scene.line.lapsed(now=scene.clock.advance(40)).wrapped == (AgentKey("ada"),)


def test_nobody_wraps_up_longer_who_does_not_wrap_up(scene: Scene) -> None:
    scene.staff("ada")
    assert scene.line.wrap(AgentKey("ada"), scene.clock.advance(60)) is None
    with pytest.raises(NotFound):
        scene.line.wrap(AgentKey("nobody"), scene.clock.now())
