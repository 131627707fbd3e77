"""What a line does, on every line there is: the fake, the server we embed, and the oldest Redis we support."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from callback.adapters.line.client import make_client
from callback.adapters.line.events import AgentEvent, CallEvent
from callback.adapters.line.micros import from_micros, to_micros
from callback.adapters.line.redis_line import RedisLine
from callback.domain.callback import Served
from callback.domain.errors import IllegalMove, NotFound
from callback.domain.ids import AgentKey, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, CallState
from callback.ports import Line
from tests.fakes.line import FakeLine
from tests.support.clock import ManualClock
from tests.support.line_scene import BILLING, SUPPORT, Scene, agent, queue

AVAILABLE, RESERVED, BUSY = AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY
WRAP_UP, AWAY, OFFLINE = AgentStatus.WRAP_UP, AgentStatus.AWAY, AgentStatus.OFFLINE


@pytest.fixture(params=["fake", "redis_url", "redis62_url"])
def line(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Line]:
    if request.param == "fake":
        yield FakeLine(clock)
        return
    with make_client(request.getfixturevalue(request.param)) as client:
        yield RedisLine(client, clock)


@pytest.fixture
def scene(line: Line, clock: ManualClock) -> Scene:
    return Scene(line, clock)


# --- joining ------------------------------------------------------------------------------------------------------


def test_a_caller_who_arrives_stands_in_the_menu_behind_everybody(scene: Scene) -> None:
    scene.holding("CA1")
    scene.enter("cb2")
    standing = scene.arrive("CA3")
    assert (standing.place, standing.position, standing.live, standing.callbacks) == ("menu", 3, 2, 1)
    assert standing.joined_at == scene.clock.now()
    assert standing.score == to_micros(scene.clock.now())


def test_arriving_twice_is_arriving_once(scene: Scene) -> None:
    first = scene.arrive("CA1")
    again = scene.arrive("CA1")
    assert (again.place, again.position, again.score, again.joined_at) == ("menu", 1, first.score, first.joined_at)
    assert scene.moves() == [("CA1", None, "arrived")]


def test_credit_puts_a_caller_before_those_who_came_within_it(scene: Scene) -> None:
    scene.holding("CA1")
    scene.clock.advance(301)
    scene.holding("CA2")
    assert scene.arrive("CAvip", credit=300).position == 2
    assert scene.order() == ["CA1", "CAvip", "CA2"]


def test_equal_scores_stand_by_their_ids_wherever_they_are(scene: Scene) -> None:
    scene.enter("cb3", score=1000)
    scene.enter("cb1", score=1000, due=False)
    scene.hold("CB5", score=1000)
    scene.hold("CA4", score=1000)
    assert scene.order() == ["CA4", "CB5", "cb1", "cb3"]
    assert [scene.place(entry)[1] for entry in ("CA4", "CB5", "cb1", "cb3")] == [1, 2, 3, 4]


def test_a_newcomer_would_stand_behind_everybody(scene: Scene) -> None:
    scene.holding("CA1")
    scene.enter("cb2", due=False)
    standing = scene.line.standing(SUPPORT, None)
    assert (standing.place, standing.position, standing.live, standing.callbacks) == ("", 3, 1, 1)


def test_somebody_unknown_stands_nowhere(scene: Scene) -> None:
    assert scene.place("CA9") == ("", None)
    assert scene.leave("CA9").place == ""


def test_queues_do_not_see_each_other(scene: Scene) -> None:
    scene.holding("CA1", queue=BILLING)
    assert scene.arrive("CA2").position == 1
    assert (scene.order(), scene.order(BILLING)) == (["CA2"], ["CA1"])


def test_somebody_is_found_in_their_own_queue_whichever_is_asked_for(scene: Scene) -> None:
    scene.holding("CA1", queue=BILLING)
    standing = scene.line.standing(QueueKey(""), EntryId("CA1"))
    assert (standing.place, standing.position, standing.live) == ("hold", 1, 1)


# --- holding ------------------------------------------------------------------------------------------------------


def test_holding_keeps_the_place(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.holding("CA2")
    joined = scene.line.standing(SUPPORT, EntryId("CA1")).joined_at
    standing = scene.hold("CA1")
    assert (standing.place, standing.position, standing.joined_at) == ("hold", 1, joined)


def test_a_leg_that_the_line_does_not_know_is_back_in_its_place(scene: Scene) -> None:
    scene.holding("CA2")
    early = to_micros(scene.clock.now()) - 60_000_000
    standing = scene.hold("CA1", score=early, language="zh")
    assert (standing.place, standing.position, standing.score) == ("hold", 1, early)
    told = scene.news()[-1]
    assert isinstance(told, CallEvent)
    assert (told.before, told.after, told.language, told.score) == (None, CallState.WAITING, "zh", early)


def test_holding_again_only_shows_that_the_leg_is_there(scene: Scene) -> None:
    scene.holding("CA1", "CA2")
    scene.news()
    assert scene.hold("CA1", score=99).position == 1
    assert scene.moves() == []


def test_a_callback_that_is_answered_holds_in_its_own_place(scene: Scene) -> None:
    scene.enter("cb1")
    scene.holding("CA2")
    scene.staff()
    standing = scene.hold("cb1", leg="CA77", language="zh")
    assert (standing.place, standing.position, standing.live, standing.callbacks) == ("hold", 1, 2, 0)
    scene.staff("ada")
    pairing = scene.matched()
    assert (pairing.entry, pairing.live, pairing.leg, pairing.language) == ("cb1", True, "CA77", "zh")


def test_a_leg_of_a_reserved_callback_is_told_to_whoever_holds_the_reservation(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    pairing = scene.matched()
    assert (pairing.live, pairing.leg) == (False, None)
    standing = scene.hold("cb1", leg="CA77")
    assert standing.place == "reserved"
    assert standing.reservation == scene.line.reservation(pairing.token)
    assert standing.reservation is not None
    assert (standing.reservation.live, standing.reservation.leg) == (True, "CA77")


def test_a_late_wait_document_of_somebody_who_talks_changes_nothing(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    scene.bridge(scene.line.agent(AgentKey("ada")).token or Token(""))
    scene.news()
    assert scene.hold("CA1").place == "busy"
    assert (scene.moves(), scene.order()) == ([], [])


def test_legs_that_fell_silent_are_named(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.holding("CA2", "CA3")
    scene.enter("cb4")
    scene.hold("cb5", leg="CA55", queue=BILLING)
    scene.clock.advance(60)
    before = scene.clock.now()
    scene.hold("CA3")
    assert scene.line.silent(before=before) == [
        (BILLING, "cb5", "CA55"),
        (SUPPORT, "CA1", "CA1"),
        (SUPPORT, "CA2", "CA2"),
    ]


def test_a_long_line_is_asked_for_silence_to_its_end(scene: Scene) -> None:
    calls = [f"CA{number:04}" for number in range(1100)]
    scene.holding(*calls)
    assert [entry for _, entry, _ in scene.line.silent(before=scene.clock.now() + timedelta(1))] == calls


# --- promises -----------------------------------------------------------------------------------------------------


def test_a_callback_takes_the_place_of_the_call_that_asked_for_it(scene: Scene) -> None:
    scene.holding("CA1", "CA2", "CA3")
    score = scene.line.standing(SUPPORT, EntryId("CA2")).score
    standing = scene.enter("cb2", replaces="CA2", score=score)
    assert (standing.place, standing.position) == ("due", 2)
    assert scene.order() == ["CA1", "cb2", "CA3"]
    assert scene.place("CA2") == ("", None)
    assert scene.moves()[-1] == ("CA2", "waiting", "callback")


def test_a_caller_who_is_replaced_while_reserved_frees_the_agent(scene: Scene) -> None:
    scene.staff("ada")
    scene.arrive("CA1")
    assert scene.status("ada") is RESERVED
    scene.enter("cb1", replaces="CA1")
    assert scene.status("ada") is AVAILABLE
    assert scene.moves()[-2:] == [("CA1", "reserved", "callback"), ("ada", "reserved", "available")]


def test_a_promise_for_later_keeps_its_position_and_is_not_matched(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1", due=False)
    scene.enter("cb2")
    assert scene.place("cb1") == ("later", 1)
    assert scene.matched().entry == "cb2"


def test_a_promise_becomes_due(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1", due=False)
    assert scene.line.due(EntryId("cb1"), now=scene.clock.now())
    assert scene.line.due(EntryId("cb1"), now=scene.clock.now())
    assert scene.matched().entry == "cb1"
    assert not scene.line.due(EntryId("cb1"), now=scene.clock.now())
    assert not scene.line.due(EntryId("cb9"), now=scene.clock.now())


def test_entering_again_moves(scene: Scene) -> None:
    scene.enter("cb1")
    scene.enter("cb2")
    standing = scene.enter("cb1", due=False)
    assert (standing.place, standing.position, standing.callbacks) == ("later", 2, 2)
    assert scene.order() == ["cb2", "cb1"]


def test_entering_another_queue_leaves_the_first(scene: Scene) -> None:
    scene.enter("cb1", number="hash")
    scene.enter("cb1", BILLING)
    assert (scene.order(), scene.order(BILLING)) == ([], ["cb1"])
    assert scene.arrive("CA1", number="hash").open_callback is None
    assert scene.arrive("CA2", BILLING, number="hash").open_callback == "cb1"


def test_a_caller_who_hangs_up_on_hold_keeps_the_promise_but_not_the_leg(scene: Scene) -> None:
    scene.hold("cb1", leg="CA77", score=5)
    standing = scene.enter("cb1", score=5)
    assert (standing.place, standing.live, standing.callbacks) == ("due", 0, 1)
    assert not scene.line.listing(SUPPORT)[0].live


def test_entering_while_an_agent_is_reserved_changes_nothing(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    pairing = scene.matched()
    assert scene.enter("cb1", due=False).place == "reserved"
    assert scene.line.reservation(pairing.token) == pairing


def test_whoever_rings_in_is_told_of_their_open_promise(scene: Scene) -> None:
    scene.enter("cb1", number="f" * 32)
    assert scene.arrive("CA1", number="f" * 32).open_callback == "cb1"
    assert scene.arrive("CA2", number="e" * 32).open_callback is None
    assert scene.arrive("CA3").open_callback is None
    assert scene.arrive("CA4", BILLING, number="f" * 32).open_callback is None
    scene.leave("cb1")
    assert scene.arrive("CA5", number="f" * 32).open_callback is None


def test_an_open_promise_is_told_until_its_talk_is_over(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1", number="hash")
    token = scene.talking().token
    assert scene.arrive("CA1", number="hash").open_callback == "cb1"
    scene.complete(token)
    assert scene.arrive("CA2", number="hash").open_callback is None


def test_the_language_that_a_number_chose_is_remembered(scene: Scene) -> None:
    scene.line.remember_language("hash", "zh")
    assert scene.arrive("CA1", number="hash", language="en").language == "zh"
    assert scene.arrive("CA2", number="other", language="en").language == ""
    languages = [told.language for told in scene.news() if isinstance(told, CallEvent)]
    assert languages == ["zh", "en"]


# --- matching -----------------------------------------------------------------------------------------------------


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


def test_nobody_is_matched_with_an_agent_who_is_not_available(scene: Scene) -> None:
    scene.holding("CA1")
    scene.staff("ada")
    scene.presence("ada", AWAY)
    assert scene.match() is None
    assert scene.match_agent("ada") is None


# --- reservations -------------------------------------------------------------------------------------------------


def test_a_stale_token_changes_nothing(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    scene.news()
    stale = Token("rs-stale")
    assert scene.line.reservation(stale) is None
    assert not scene.line.extend(stale, until=scene.clock.now())
    assert not scene.release(stale)
    assert not scene.bridge(stale)
    assert scene.complete(stale) is None
    assert scene.moves() == []
    assert scene.place("CA1") == ("reserved", None)


def test_a_lease_can_be_renewed_and_its_phase_named(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    until = scene.clock.now() + timedelta(seconds=60)
    assert scene.line.extend(token, until=until, phase="ringing")
    assert scene.line.extend(token, until=until)
    pairing = scene.line.reservation(token)
    assert pairing is not None
    assert (pairing.phase, pairing.lease_until) == ("ringing", until)
    assert scene.line.lapsed(now=until - timedelta(seconds=1)).reservations == ()
    assert scene.line.lapsed(now=until).reservations == (pairing,)


def test_lapsed_reservations_are_listed_and_left_as_they_are(scene: Scene) -> None:
    scene.staff("ada", "bob")
    first, second = (scene.arrive(call).reservation for call in ("CA1", "CA2"))
    now = scene.clock.advance(30)
    assert scene.line.lapsed(now=now).reservations == (first, second)
    assert scene.line.lapsed(now=now).reservations == (first, second)
    assert scene.status("ada") is RESERVED


def test_a_released_caller_is_back_in_the_same_place_and_their_agent_is_free_again(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2", "CA3")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.news()
    assert scene.release(token)
    assert scene.order() == ["CA1", "CA2", "CA3"]
    assert scene.status("ada") is AVAILABLE
    assert scene.line.agent(AgentKey("ada")).token is None
    assert scene.moves() == [("ada", "reserved", "available"), ("CA1", "reserved", "waiting")]
    assert not scene.release(token)


def test_an_agent_who_missed_the_ring_is_away_until_they_say_otherwise(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    scene.release(scene.line.agent(AgentKey("ada")).token or Token(""), agent_to=AWAY)
    view = scene.line.agent(AgentKey("ada"))
    assert (view.status, view.wanted, view.since) == (AWAY, AWAY, scene.clock.now())
    assert scene.match() is None
    scene.presence("ada")
    assert scene.matched().entry == "CA1"


def test_a_released_callback_waits_for_its_next_attempt_in_the_place_that_the_policy_gives(scene: Scene) -> None:
    scene.enter("cb1")
    scene.enter("cb2")
    scene.staff("ada")
    token = scene.matched().token
    assert scene.release(token, "later", score=to_micros(scene.clock.now()))
    assert scene.place("cb1") == ("later", 2)
    again = scene.matched()
    assert again.entry == "cb2"
    assert scene.release(again.token, "due")
    assert scene.place("cb2") == ("due", 1)


def test_a_pairing_that_ends_for_good_removes_the_entry(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1", number="hash")
    assert scene.release(scene.matched().token, "gone")
    assert scene.place("cb1") == ("", None)
    assert scene.arrive("CA2", number="hash").open_callback is None


def test_a_live_caller_released_to_nowhere_has_abandoned_unless_the_reason_is_another_end(scene: Scene) -> None:
    scene.staff("ada", "bob")
    scene.holding("CA1", "CA2")
    scene.news()
    for key, reason in (("ada", "gone"), ("bob", "refused")):
        scene.release(scene.line.agent(AgentKey(key)).token or Token(""), "gone", reason=reason)
    assert [move for move in scene.moves() if move[0].startswith("CA")] == [
        ("CA1", "reserved", "abandoned"),
        ("CA2", "reserved", "refused"),
    ]


def test_a_caller_who_never_hung_up_is_never_put_where_callbacks_are_dialled(scene: Scene) -> None:
    scene.staff("ada")
    token = getattr(scene.arrive("CA1").reservation, "token", Token(""))
    with pytest.raises(IllegalMove):
        scene.release(token, "due")
    assert scene.place("CA1") == ("reserved", None)


@pytest.mark.parametrize("status", [RESERVED, BUSY, WRAP_UP])
def test_a_release_cannot_send_the_agent_into_a_call(scene: Scene, status: AgentStatus) -> None:
    scene.staff("ada")
    token = getattr(scene.arrive("CA1").reservation, "token", Token(""))
    with pytest.raises(IllegalMove):
        scene.release(token, "hold", status)
    assert scene.status("ada") is RESERVED


def test_an_answered_callback_whose_leg_is_not_known_keeps_its_place_until_the_leg_holds(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.release(scene.matched().token, "hold")
    assert scene.place("cb1") == ("menu", 1)
    assert scene.match() is None
    assert scene.hold("cb1", leg="CA77").place == "reserved"


def test_a_release_that_comes_after_the_bridge_changes_nothing(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    assert not scene.release(token)
    assert scene.status("ada") is BUSY


# --- talks --------------------------------------------------------------------------------------------------------


def test_a_bridged_caller_has_left_the_line_and_the_agent_is_busy(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.news()
    assert scene.bridge(token)
    at = scene.clock.now()
    assert scene.bridge(token)
    pairing = scene.line.reservation(token)
    assert pairing is not None
    assert (pairing.phase, pairing.lease_until, pairing.bridged_at) == ("busy", None, at)
    assert scene.place("CA1") == ("busy", None)
    assert scene.order() == ["CA2"]
    assert scene.moves() == [("ada", "reserved", "busy"), ("CA1", "reserved", "bridged")]


def test_a_talk_has_no_lease(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    assert scene.line.extend(token, until=scene.clock.now(), phase="ringing")
    assert getattr(scene.line.reservation(token), "phase", "") == "busy"
    assert scene.line.lapsed(now=scene.clock.advance(86_400)).reservations == ()


def test_after_a_talk_the_agent_wraps_up_and_is_then_available(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    view = scene.complete(token, wrap_up=20)
    over = scene.clock.now() + timedelta(seconds=20)
    assert view is not None
    assert (view.status, view.token, view.wrap_until) == (WRAP_UP, None, over)
    assert scene.line.lapsed(now=over - timedelta(seconds=1)).wrapped == ()
    assert scene.line.lapsed(now=over).wrapped == ("ada",)
    assert scene.line.lapsed(now=over).wrapped == ()
    assert scene.status("ada") is AVAILABLE
    assert scene.line.agent(AgentKey("ada")).wrap_until is None
    assert scene.complete(token) is None


def test_without_wrap_up_the_agent_is_available_at_once(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    view = scene.complete(scene.talking().token, wrap_up=0)
    assert view is not None
    assert (view.status, view.wrap_until) == (AVAILABLE, None)


def test_nothing_is_complete_before_it_was_bridged(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    assert scene.complete(token) is None
    assert scene.status("ada") is RESERVED


def test_a_caller_who_was_cut_off_is_back_in_front_on_hold(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.bridge(token)
    scene.news()
    assert scene.complete(token, entry_to="hold") is not None
    assert scene.order() == ["CA1", "CA2"]
    assert scene.place("CA1") == ("hold", 1)
    assert scene.moves() == [("ada", "busy", "wrap_up"), ("CA1", "bridged", "waiting")]
    scene.presence("ada")
    assert scene.matched().entry == "CA1"


def test_a_callback_that_was_cut_off_keeps_its_place_until_its_leg_holds(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.complete(scene.talking().token, wrap_up=0, entry_to="hold")
    assert scene.place("cb1") == ("menu", 1)
    assert scene.hold("cb1", leg="CA77").reservation is not None


# --- leaving ------------------------------------------------------------------------------------------------------


def test_whoever_leaves_is_told_where_they_were(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.holding("CA2")
    scene.enter("cb3")
    scene.enter("cb4", due=False)
    left = [scene.leave(entry) for entry in ("CA1", "CA2", "cb3", "cb4")]
    assert [standing.place for standing in left] == ["menu", "hold", "due", "later"]
    assert [standing.live + standing.callbacks for standing in left] == [3, 2, 1, 0]
    assert scene.leave("CA1").place == ""


@pytest.mark.parametrize(
    ("reason", "end"), [("hung up", "abandoned"), ("callback", "callback"), ("waiting", "abandoned")]
)
def test_a_live_callers_leaving_is_told_as_its_end(scene: Scene, reason: str, end: str) -> None:
    scene.holding("CA1")
    scene.leave("CA1", reason)
    assert scene.moves()[-1] == ("CA1", "waiting", end)


def test_leaving_dissolves_the_reservation_and_frees_the_agent(scene: Scene) -> None:
    scene.staff("ada")
    pairing = scene.arrive("CA1").reservation
    assert pairing is not None
    left = scene.leave("CA1")
    assert (left.place, left.reservation) == ("reserved", pairing)
    assert scene.line.reservation(pairing.token) is None
    assert scene.status("ada") is AVAILABLE
    assert scene.line.lapsed(now=scene.clock.advance(60)).reservations == ()


def test_leaving_in_a_talk_ends_it(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    scene.bridge(scene.line.agent(AgentKey("ada")).token or Token(""))
    assert scene.leave("CA1").place == "busy"
    assert scene.status("ada") is AVAILABLE
    assert scene.moves()[-2:] == [("CA1", "bridged", "completed"), ("ada", "busy", "available")]


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


def test_whether_a_queue_is_offering_is_remembered(scene: Scene) -> None:
    assert not scene.line.standing(SUPPORT, None).offering
    scene.line.set_offering(SUPPORT, True)
    assert scene.line.standing(SUPPORT, None).offering
    scene.line.set_offering(SUPPORT, False)
    assert not scene.arrive("CA1").offering


# --- what is measured ---------------------------------------------------------------------------------------------


def test_a_talk_and_its_wrap_up_are_measured(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.talking().token
    scene.clock.advance(59)
    scene.complete(token, wrap_up=20)
    measured = scene.line.standing(SUPPORT, None).measured
    assert (measured.handled, measured.handled_s) == (1, 80)
    assert (measured.abandoned, measured.waited_s) == (0, 0)


def test_waits_are_measured_of_live_callers_served_or_not(scene: Scene) -> None:
    scene.holding("CA1", "CA2", "CA3")
    scene.enter("cb4", replaces="CA3")
    scene.staff("ada")
    scene.talking()
    scene.leave("CA2")
    measured = scene.line.standing(SUPPORT, None).measured
    waits = (6 - 4, 10 - 0, 11 - 2)  # the replaced, the served, and the one who hung up
    keep = 0.5 ** (1 / 200)
    assert measured.abandoned == pytest.approx(1)
    assert measured.waited_s == pytest.approx(((waits[0] + 0.0) * keep + 9) * keep + 8, abs=1.5)


def test_what_was_measured_fades_by_half_in_two_hundred_conversations(scene: Scene) -> None:
    scene.staff("ada")
    for number in range(201):
        scene.enter(f"cb{number}")
        scene.complete(scene.talking().token, wrap_up=0)
    measured = scene.line.standing(SUPPORT, None).measured
    newest_share = 1 / measured.handled
    assert newest_share == pytest.approx((1 - 0.5 ** (1 / 200)) / (1 - 0.5 ** (201 / 200)), rel=1e-3)
    assert measured.handled_s / measured.handled == pytest.approx(1)


def test_a_talk_that_was_cut_off_is_neither_a_conversation_nor_a_second_wait(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.bridge(token)
    waited = scene.line.standing(SUPPORT, None).measured
    scene.complete(token, entry_to="hold")
    scene.leave("CA1")
    assert scene.line.standing(SUPPORT, None).measured == waited


# --- the stream ---------------------------------------------------------------------------------------------------


def test_the_stream_tells_a_live_call_from_arrival_to_its_end(scene: Scene) -> None:
    scene.arrive("CA1", language="zh")
    joined = scene.clock.now()
    scene.hold("CA1")
    scene.staff("ada")
    token = scene.talking().token
    scene.complete(token)
    calls = [told for told in scene.news() if isinstance(told, CallEvent)]
    assert [(told.before, told.after, told.reason) for told in calls] == [
        (None, CallState.ARRIVED, "arrived"),
        (CallState.ARRIVED, CallState.WAITING, "on_hold"),
        (CallState.WAITING, CallState.RESERVED, "matched"),
        (CallState.RESERVED, CallState.BRIDGED, "bridged"),
        (CallState.BRIDGED, CallState.COMPLETED, "completed"),
    ]
    assert {(told.joined_at, told.score, told.language, told.leg, told.queue) for told in calls} == {
        (joined, to_micros(joined), "zh", "CA1", SUPPORT)
    }
    assert [(told.agent, told.token) for told in calls] == [(None, None)] * 2 + [("ada", token)] * 3
    assert calls[-1].at == scene.clock.now()


def test_the_stream_tells_of_a_callback_only_what_its_agent_does(scene: Scene) -> None:
    scene.staff("ada")
    scene.news()
    scene.enter("cb1")
    token = scene.talking().token
    scene.complete(token)
    told = [news for news in scene.news() if isinstance(news, AgentEvent)]
    assert [(news.before, news.after) for news in told] == [(AVAILABLE, RESERVED), (RESERVED, BUSY), (BUSY, WRAP_UP)]
    assert {(news.agent, news.queue, news.token, news.entry, news.callback) for news in told} == {
        ("ada", SUPPORT, token, "cb1", True)
    }


def test_the_stream_is_read_in_order_from_any_point_and_forgotten_up_to_one(scene: Scene) -> None:
    scene.arrive("CA1")
    scene.arrive("CA2")
    scene.arrive("CA3")
    events = scene.line.drain("0", 10)
    assert [fields["subject"] for _, fields in events] == ["CA1", "CA2", "CA3"]
    assert scene.line.drain(events[0][0], 1) == events[1:2]
    assert scene.line.drain("0", 2) == events[:2]
    scene.line.forget(events[1][0])
    assert scene.line.drain("0", 10) == events[2:]
    assert scene.line.drain(events[2][0], 10) == []


# --- listing, pace, clearing --------------------------------------------------------------------------------------


def test_the_listing_pages_through_the_line_in_order(scene: Scene) -> None:
    for number in range(30):
        match number % 4:
            case 0:
                scene.arrive(f"CA{number:02}")
            case 1:
                scene.holding(f"CA{number:02}")
            case _:
                scene.enter(f"cb{number:02}", due=number % 4 == 2)
    whole = scene.line.listing(SUPPORT)
    assert [waiting.position for waiting in whole] == list(range(1, 31))
    assert [int(waiting.entry[2:]) for waiting in whole] == list(range(30))
    assert [waiting.place for waiting in whole[:4]] == ["menu", "hold", "due", "later"]
    assert [waiting.live for waiting in whole[:4]] == [True, True, False, False]
    pages = [scene.line.listing(SUPPORT, offset=offset, limit=7) for offset in range(0, 35, 7)]
    assert [waiting for page in pages for waiting in page] == whole
    assert scene.line.listing(BILLING) == []


def test_the_pace_gives_each_caller_the_next_slot(scene: Scene) -> None:
    now = scene.clock.now()
    assert [scene.line.take_pace("calls", per_second=2, now=now) for _ in range(4)] == [0, 0.5, 1, 1.5]
    assert scene.line.take_pace("other", per_second=2, now=now) == 0
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=1.75)) == 0.25
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=10)) == 0
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=10)) == 0.5


def test_clearing_empties_the_line_but_not_what_the_record_has_not_read(scene: Scene) -> None:
    scene.staff("ada", "bob", "cyd")
    scene.line.remember_language("hash", "zh")
    scene.arrive("CA1")
    scene.enter("cb1")
    scene.talking()
    scene.enter("cb2")
    scene.matched()
    scene.enter("cb3", number="hash")
    scene.enter("cb4", due=False)
    scene.holding("CA2", queue=BILLING)
    told = len(scene.line.drain("0", 1000))
    scene.line.clear()
    assert scene.line.agents() == []
    assert scene.line.configuration() == (0, [], [])
    assert [scene.place(entry)[0] for entry in ("CA1", "CA2", "cb1", "cb2", "cb3", "cb4")] == [""] * 6
    assert scene.line.lapsed(now=scene.clock.advance(1000)).reservations == ()
    assert len(scene.line.drain("0", 1000)) == told
    assert scene.arrive("CA3", number="hash").open_callback is None


def test_a_cleared_line_takes_everybody_back_in_their_places(scene: Scene) -> None:
    scene.staff()
    scene.enter("cb1", score=10)
    scene.hold("CA2", score=20)
    scene.enter("cb3", score=30, due=False)
    before = scene.line.listing(SUPPORT)
    scene.line.clear()
    for waiting in reversed(before):
        if waiting.live:
            scene.hold(waiting.entry, score=waiting.score)
        else:
            scene.enter(waiting.entry, score=waiting.score, due=waiting.place == "due")
    assert [(now.entry, now.place, now.position) for now in scene.line.listing(SUPPORT)] == [
        (was.entry, was.place, was.position) for was in before
    ]


def test_a_microsecond_is_never_lost(scene: Scene) -> None:
    scene.clock.set(from_micros(1_795_298_976_018_917))
    standing = scene.arrive("CA1", credit=0.000_001)
    assert standing.score == 1_795_298_976_018_917 + 999_999
    assert standing.joined_at == scene.clock.now()
    assert scene.line.listing(SUPPORT)[0].score == standing.score
