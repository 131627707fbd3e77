"""Who takes whom: the next in line, the agent who is free, and queues that share agents."""

from datetime import timedelta

from callback.domain.callback import Served
from callback.domain.ids import AgentKey, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from tests.support.line_scene import BILLING, SUPPORT, Scene, agent, queue

AVAILABLE, RESERVED = AgentStatus.AVAILABLE, AgentStatus.RESERVED
AWAY = AgentStatus.AWAY


def test_a_caller_who_arrives_at_a_free_agent_is_reserved_at_once(scene: Scene) -> None:
    scene.staff("ada")
    standing = scene.arrive("CA1")
    pairing = standing.reservation
    assert (standing.place, standing.position, standing.live) == ("reserved", None, 0)
    assert pairing is not None
    assert (pairing.agent, pairing.entry, pairing.queue, pairing.leg) == ("ada", "CA1", SUPPORT, "CA1")
    assert (pairing.phase, pairing.at, pairing.joined_at) == ("reserved", scene.clock.now(), scene.clock.now())
    assert pairing.lease_until == scene.clock.now() + timedelta(seconds=10)
    assert pairing.score == standing.score
    assert scene.line.agent(AgentKey("ada")).token == pairing.token
    assert standing.agents[RESERVED] == 1


def test_arriving_again_gives_the_same_reservation(scene: Scene) -> None:
    scene.staff("ada", "bob")
    assert scene.arrive("CA1").reservation == scene.arrive("CA1").reservation
    assert scene.statuses() == {RESERVED: 1, AVAILABLE: 1}


def test_a_caller_in_the_menu_is_not_matched_but_keeps_their_place(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.holding("CA2")
    scene.staff("ada")
    assert scene.matched().entry == "CA2"
    assert scene.match() is None


def test_a_caller_on_hold_who_stands_before_is_taken_before_a_newcomer(scene: Scene) -> None:
    scene.holding("CA1")
    scene.staff("ada")
    assert scene.arrive("CA2").reservation is None
    assert scene.matched().entry == "CA1"


def test_holding_pairs_at_once_where_an_agent_is_free(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.staff("ada")
    standing = scene.hold("CA1")
    assert standing.place == "reserved"
    assert standing.reservation is not None


def test_the_lowest_score_is_taken_first_live_or_promised(scene: Scene) -> None:
    scene.holding("CA1")
    scene.enter("cb2")
    scene.holding("CA3")
    scene.staff("ada", "bob", "cyd")
    assert [scene.matched().entry for _ in range(3)] == ["CA1", "cb2", "CA3"]
    assert scene.match() is None


def test_the_agent_who_is_idle_longest_is_taken_first(scene: Scene) -> None:
    scene.staff("cyd", "bob", "ada")
    scene.presence("cyd", AWAY)
    scene.presence("cyd")
    scene.holding("CA1", "CA2", "CA3")
    pairings = [scene.line.standing(SUPPORT, EntryId(call)).reservation for call in ("CA1", "CA2", "CA3")]
    assert [pairing.agent for pairing in pairings if pairing] == ["bob", "ada", "cyd"]


def test_the_first_level_is_taken_before_the_second_however_long_it_is_idle(scene: Scene) -> None:
    scene.staff(agent("sub", Served(SUPPORT, 2)), agent("ada", Served(SUPPORT, 1)))
    assert getattr(scene.arrive("CA1").reservation, "agent", None) == "ada"
    assert getattr(scene.arrive("CA2").reservation, "agent", None) == "sub"


def test_an_agent_of_two_queues_takes_the_lowest_score_of_both(scene: Scene) -> None:
    scene.holding("CA1", queue=BILLING)
    scene.holding("CA2")
    scene.staff(agent("ada", SUPPORT, BILLING))
    pairing = scene.matched(SUPPORT)
    assert (pairing.entry, pairing.queue) == ("CA1", BILLING)
    assert scene.statuses(SUPPORT) == scene.statuses(BILLING) == {RESERVED: 1}


def test_an_agent_takes_nobody_from_a_queue_they_do_not_serve(scene: Scene) -> None:
    scene.holding("CA1", queue=BILLING)
    scene.staff("ada")
    assert scene.match(BILLING) is None
    assert scene.match_agent("ada") is None
    assert scene.place("CA1") == ("hold", 1)


def test_a_newcomer_does_not_overtake_a_caller_of_the_agents_other_queue(scene: Scene) -> None:
    scene.holding("CA1", queue=BILLING)
    scene.staff(agent("ada", SUPPORT, BILLING))
    assert scene.arrive("CA2").reservation is None
    assert scene.match_agent("ada") is not None
    assert scene.place("CA1")[0] == "reserved"


def test_an_agent_is_matched_by_name(scene: Scene) -> None:
    scene.holding("CA1", "CA2")
    scene.staff("ada", "bob")
    pairing = scene.match_agent("bob")
    assert pairing is not None
    assert (pairing.agent, pairing.entry) == ("bob", "CA1")
    assert scene.match_agent("bob") is None


def test_only_a_queue_that_dials_has_its_callbacks_matched(scene: Scene) -> None:
    scene.enter("cb1")
    scene.holding("CA2")
    scene.staff("ada", "bob", queues=(queue(SUPPORT, dialing=False),))
    assert scene.matched().entry == "CA2"
    assert scene.match() is None
    scene.line.configure((queue(SUPPORT, dialing=True),), (agent("ada"), agent("bob")))
    assert scene.matched().entry == "cb1"


def test_a_callback_on_a_leg_is_matched_though_its_queue_does_not_dial(scene: Scene) -> None:
    scene.staff(queues=(queue(SUPPORT, dialing=False),))
    scene.enter("cb1")
    scene.hold("cb1", leg="CA77")
    scene.staff("ada", queues=(queue(SUPPORT, dialing=False),))
    assert scene.matched().entry == "cb1"


def test_matching_again_with_the_same_token_gives_the_same_reservation(scene: Scene) -> None:
    scene.holding("CA1", "CA2")
    scene.staff("ada", "bob")
    token, now = Token("rs-twice"), scene.clock.now()
    first = scene.line.match(SUPPORT, lease_s=10, token=token, now=now)
    assert first is not None
    assert scene.line.match(SUPPORT, lease_s=10, token=token, now=now) == first
    assert scene.line.match_agent(AgentKey("bob"), lease_s=10, token=token, now=now) == first
    assert scene.statuses() == {RESERVED: 1, AVAILABLE: 1}


def test_whoever_comes_free_is_paired_in_the_same_step(scene: Scene) -> None:
    scene.staff("ada")
    scene.presence("ada", AgentStatus.AWAY)
    scene.enter("cb1")
    view, pairing = scene.come_free("ada")
    assert pairing is not None
    assert (pairing.entry, pairing.agent, pairing.phase) == ("cb1", "ada", "reserved")
    assert (view.status, view.wanted, view.token) == (RESERVED, AVAILABLE, pairing.token)
    assert view == scene.line.agent(AgentKey("ada"))


def test_coming_free_again_with_the_same_token_gives_the_same_reservation(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.enter("cb2")
    token, now = Token("rs-twice"), scene.clock.now()
    first = scene.line.come_free(AgentKey("ada"), lease_s=10, token=token, now=now)
    assert first[1] is not None
    assert scene.line.come_free(AgentKey("ada"), lease_s=10, token=token, now=now) == first
    assert scene.statuses() == {RESERVED: 1}


def test_whoever_comes_free_in_an_empty_line_waits(scene: Scene) -> None:
    scene.staff("ada")
    scene.presence("ada", AgentStatus.OFFLINE)
    view, pairing = scene.come_free("ada")
    assert (view.status, pairing) == (AVAILABLE, None)


def test_whoever_is_taken_already_stays_so_and_is_available_afterwards(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.enter("cb2")
    taken = scene.talking()
    scene.presence("ada", AgentStatus.AWAY)
    view, pairing = scene.come_free("ada")
    assert pairing is None
    assert (view.status, view.wanted, view.token) == (AgentStatus.BUSY, AVAILABLE, taken.token)


def test_nobody_is_matched_with_an_agent_who_is_not_available(scene: Scene) -> None:
    scene.holding("CA1")
    scene.staff("ada")
    scene.presence("ada", AWAY)
    assert scene.match() is None
    assert scene.match_agent("ada") is None


# --- an agent who is kept for a phone that rings ----------------------------------------------------------------------


def rung(scene: Scene, entry: str, seconds: float = 60, queue: str = SUPPORT) -> None:
    """Somebody who is rung before an agent is free."""
    scene.enter(entry, queue, due=False)
    assert scene.line.expect(EntryId(entry), until=scene.clock.now() + timedelta(seconds=seconds))


def test_a_free_agent_is_kept_for_a_phone_that_rings_before_whoever_holds(scene: Scene) -> None:
    rung(scene, "cb1")
    scene.holding("CA2")
    scene.enter("cb3")
    scene.staff("ada")
    assert scene.match() is None
    assert scene.match_agent("ada") is None
    assert scene.arrive("CA4").reservation is None
    assert scene.statuses() == {AVAILABLE: 1}


def test_nobody_is_kept_from_whoever_stands_before_the_phone(scene: Scene) -> None:
    scene.holding("CA1")
    rung(scene, "cb2")
    scene.staff("ada")
    assert scene.matched().entry == "CA1"


def test_as_many_agents_are_kept_as_phones_ring(scene: Scene) -> None:
    rung(scene, "cb1")
    rung(scene, "cb2")
    for call in ("CA3", "CA4"):
        scene.holding(call)
    scene.staff("ada", "bob", "cyd")
    assert scene.matched().entry == "CA3"
    assert scene.match() is None


def test_whoever_was_rung_and_answers_has_the_agent_who_was_kept(scene: Scene) -> None:
    rung(scene, "cb1")
    scene.holding("CA2")
    scene.staff("ada")
    assert scene.match() is None
    assert scene.hold("cb1").reservation is not None


def test_whoever_answers_first_has_the_agent_though_a_phone_rings_before_them(scene: Scene) -> None:
    rung(scene, "cb1")
    rung(scene, "cb2")
    scene.staff("ada")
    assert scene.hold("cb2").reservation is not None


def test_whoever_answers_first_does_not_go_before_whoever_holds_between(scene: Scene) -> None:
    rung(scene, "cb1")
    scene.holding("CA2")
    rung(scene, "cb3")
    scene.staff("ada")
    assert scene.hold("cb3").reservation is None
    assert scene.match() is None


def test_an_agent_is_kept_until_the_time_that_was_said_and_no_longer(scene: Scene) -> None:
    rung(scene, "cb1", seconds=30)
    scene.holding("CA2")
    scene.staff("ada")
    scene.clock.advance(20)
    assert scene.match() is None
    scene.clock.advance(20)
    assert scene.matched().entry == "CA2"


def test_a_phone_that_was_not_answered_keeps_nobody_though_its_caller_stands_where_they_stood(scene: Scene) -> None:
    rung(scene, "cb1")
    scene.holding("CA2")
    scene.staff("ada")
    scene.enter("cb1", due=False)
    assert scene.matched().entry == "CA2"


def test_a_promise_that_has_left_keeps_nobody(scene: Scene) -> None:
    rung(scene, "cb1")
    scene.holding("CA2")
    scene.staff("ada")
    scene.line.leave(EntryId("cb1"), reason="cancelled", now=scene.clock.now())
    assert scene.matched().entry == "CA2"


def test_only_who_stands_aside_can_be_expected(scene: Scene) -> None:
    scene.enter("cb1")
    assert not scene.line.expect(EntryId("cb1"), until=scene.clock.now())
    assert not scene.line.expect(EntryId("cb2"), until=scene.clock.now())


def test_where_one_agent_is_kept_the_next_who_is_not_is_paired(scene: Scene) -> None:
    scene.line.configure([queue(SUPPORT), queue(BILLING)], [agent("ada", SUPPORT, BILLING), agent("bob", SUPPORT)])
    rung(scene, "cb1", queue=BILLING)
    scene.holding("CA2")
    for key in ("ada", "bob"):
        scene.line.presence(AgentKey(key), AVAILABLE, now=scene.clock.advance(1))
    assert (scene.matched().agent, scene.statuses()) == ("bob", {AVAILABLE: 1, RESERVED: 1})


def test_a_newcomer_has_the_free_agent_who_is_not_kept_for_a_phone_of_another_queue(scene: Scene) -> None:
    rung(scene, "cb1", queue=BILLING)
    scene.staff(agent("ada", SUPPORT, BILLING), "bob")
    assert getattr(scene.arrive("CA2").reservation, "agent", None) == "bob"


def test_nobody_is_kept_for_phones_that_others_are_idle_for_in_each_of_their_queues(scene: Scene) -> None:
    third = QueueKey("third")
    rung(scene, "cb1", queue=BILLING)
    rung(scene, "cb2")
    staff = agent("ada", SUPPORT, BILLING, third), agent("bob"), agent("cyd", BILLING)
    scene.staff(*staff, queues=(queue(), queue(BILLING), queue(third)))
    assert getattr(scene.arrive("CA3", third).reservation, "agent", None) == "ada"


def test_an_agent_is_kept_for_a_phone_that_nobody_else_serves_though_others_are_idle(scene: Scene) -> None:
    third = QueueKey("third")
    for number in (1, 2):
        rung(scene, f"cb{number}")
    rung(scene, "cb3", queue=BILLING)
    staff = agent("ada", SUPPORT, BILLING, third), *(agent(key, BILLING) for key in ("bob", "cyd", "dan"))
    scene.staff(*staff, queues=(queue(), queue(BILLING), queue(third)))
    assert scene.arrive("CA4", third).reservation is None


def test_an_agent_who_is_kept_for_another_queue_is_no_free_agent_here(scene: Scene) -> None:
    rung(scene, "cb1")
    both = agent("ada", SUPPORT, BILLING)
    scene.staff(both)
    assert scene.line.standing(QueueKey(BILLING), None).kept == 1
    assert scene.line.standing(QueueKey(SUPPORT), None).kept == 0, "there the phone itself stands before them"
    arrived = scene.arrive("CA2", BILLING)
    assert (arrived.reservation, arrived.kept, arrived.agents[AVAILABLE]) == (None, 1, 1)
    scene.staff(both, agent("bob", SUPPORT))
    assert scene.line.standing(QueueKey(BILLING), None).kept == 0, "bob is there for the phone"
