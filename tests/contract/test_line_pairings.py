"""What becomes of a pairing: released, bridged, completed, cut off, or left."""

from dataclasses import replace
from datetime import timedelta

import pytest

from callback.adapters.line.micros import to_micros
from callback.domain.errors import IllegalMove
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.ports import Stand
from tests.support.line_scene import SUPPORT, Scene

AVAILABLE, RESERVED, BUSY = AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY
WRAP_UP, AWAY = AgentStatus.WRAP_UP, AgentStatus.AWAY


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


def test_a_released_caller_may_be_paired_again_in_the_same_step(scene: Scene) -> None:
    scene.staff("ada", "bob")
    scene.holding("CA1")
    scene.news()
    assert scene.release(scene.line.agent(AgentKey("ada")).token or Token(""), agent_to=AWAY, again=True)
    pairing = scene.line.standing(SUPPORT, EntryId("CA1")).reservation
    assert pairing is not None
    assert (pairing.agent, pairing.phase) == ("bob", "reserved")
    assert pairing.lease_until == scene.clock.now() + timedelta(seconds=10)
    assert scene.moves() == [
        ("ada", "reserved", "away"), ("CA1", "reserved", "waiting"),
        ("CA1", "waiting", "reserved"), ("bob", "available", "reserved"),
    ]  # fmt: skip


def test_who_is_released_and_finds_nobody_free_waits_in_the_same_place(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2")
    assert scene.release(scene.line.agent(AgentKey("ada")).token or Token(""), agent_to=AWAY, again=True)
    assert scene.place("CA1") == ("hold", 1)
    scene.presence("ada")
    assert scene.matched().entry == "CA1"


@pytest.mark.parametrize("place", ["menu", "due", "later"])
def test_who_is_released_to_elsewhere_than_on_hold_is_not_paired_again(scene: Scene, place: str) -> None:
    scene.staff("ada", "bob")
    scene.enter("cb1")
    assert scene.release(scene.matched().token, place, AWAY, again=True)
    assert scene.place("cb1") == (place, 1)


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


def test_a_talk_knows_the_leg_on_which_the_agent_took_it(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    assert getattr(scene.line.reservation(token), "agent_leg", "") is None
    for leg in (CallSid("CA7"), CallSid("CA8")):
        assert scene.line.bridge(token, now=scene.clock.advance(1), agent_leg=leg)
        assert getattr(scene.line.reservation(token), "agent_leg", "") == "CA7"


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


def test_a_caller_who_was_cut_off_may_be_paired_again_in_the_same_step_before_whoever_waits(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.bridge(token)
    scene.news()
    view = scene.complete(token, wrap_up=0, entry_to="hold", again=True)
    pairing = scene.line.standing(SUPPORT, EntryId("CA1")).reservation
    assert view is not None
    assert pairing is not None
    assert (view.status, view.token) == (RESERVED, pairing.token)
    assert pairing.lease_until == scene.clock.now() + timedelta(seconds=10)
    assert scene.order() == ["CA2"]
    assert scene.moves() == [
        ("ada", "busy", "available"), ("CA1", "bridged", "waiting"),
        ("CA1", "waiting", "reserved"), ("ada", "available", "reserved"),
    ]  # fmt: skip


def test_a_caller_who_was_cut_off_and_finds_nobody_free_is_back_in_front(scene: Scene) -> None:
    scene.staff("ada")
    scene.holding("CA1", "CA2")
    token = scene.line.agent(AgentKey("ada")).token or Token("")
    scene.bridge(token)
    view = scene.complete(token, entry_to="hold", again=True)
    assert view is not None
    assert view.status is WRAP_UP
    assert scene.order() == ["CA1", "CA2"]


def test_a_callback_that_was_cut_off_keeps_its_place_until_its_leg_holds(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.complete(scene.talking().token, wrap_up=0, entry_to="hold")
    assert scene.place("cb1") == ("menu", 1)
    assert scene.hold("cb1", leg="CA77").reservation is not None


def test_a_callback_that_was_cut_off_on_a_leg_that_is_known_can_be_connected_at_once(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    scene.holding("CA2")
    scene.complete(scene.talking().token, wrap_up=0, entry_to="hold", leg="CA77")
    assert scene.place("cb1") == ("hold", 1)
    again = scene.matched()
    assert (again.entry, again.leg, again.live) == ("cb1", "CA77", True)


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


# --- a caller goes on with somebody who was consulted ---------------------------------------------------------------


def consulted(scene: Scene, phase: str = "busy") -> tuple[Token, Token]:
    """ada talks with CA1 and consults bob, on the leg CA7."""
    scene.staff("ada", "bob")
    first = scene.arrive("CA1").reservation
    assert first is not None
    assert scene.bridge(first.token)
    second, now = Token(f"{first.token}.1"), scene.clock.now()
    asking = Stand(EntryId("CA7"), first.queue, to_micros(now), now, "en", CallSid("CA7"))
    other = "bob" if first.agent == "ada" else "ada"
    paired = replace(asking, token=second, agent=AgentKey(other))
    assert scene.line.resume(paired, phase="reserved", lease_s=30, now=now)
    if phase == "busy":
        scene.clock.advance(10)
        assert scene.line.bridge(second, now=scene.clock.now(), agent_leg=CallSid("CA8"))
    return first.token, second


def test_a_caller_goes_on_with_whoever_was_consulted_and_the_first_agent_wraps_up(scene: Scene) -> None:
    first, second = consulted(scene)
    talk = scene.line.reservation(first)
    assert talk is not None
    assert talk.joined_at is not None
    now = scene.clock.advance(30)
    stand = Stand(talk.entry, talk.queue, talk.score, talk.joined_at, "en", CallSid("CA1"))
    view = scene.line.hand_on(first, second, stand, wrap_up_s=20, now=now)
    assert view is not None
    assert (view.key, view.status) == (talk.agent, WRAP_UP)
    assert scene.line.reservation(first) is None
    on = scene.line.reservation(second)
    assert on is not None
    assert (on.entry, on.phase, on.bridged_at, on.score, on.agent_leg) == ("CA1", "busy", now, talk.score, "CA8")
    assert scene.place("CA1") == ("busy", None)
    assert scene.place("CA7") == ("", None)
    assert scene.line.hand_on(first, second, stand, wrap_up_s=20, now=now) is None, "said twice, it happens once"
    scene.complete(second, entry_to="hold")
    assert scene.place("CA1")[0] in ("hold", "reserved"), "cut off, they are back in the place they had"


def test_nobody_goes_on_with_somebody_who_has_not_picked_up(scene: Scene) -> None:
    first, second = consulted(scene, "reserved")
    now = scene.clock.now()
    stand = Stand(EntryId("CA1"), QueueKey("support"), 1, now, "en", CallSid("CA1"))
    assert scene.line.hand_on(first, second, stand, wrap_up_s=20, now=now) is None
    assert scene.line.hand_on(first, Token("rs-none"), stand, wrap_up_s=20, now=now) is None
    talk = scene.line.reservation(first)
    assert talk is not None
    assert talk.phase == "busy"
