"""What the line tells about itself: measured sums, the stream, listings; its pace, and how it is emptied and filled."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from callback.adapters.line.events import AgentEvent, CallEvent, PlaceEvent, SettingEvent
from callback.adapters.line.micros import from_micros, to_micros
from callback.domain.callback import Served
from callback.domain.ids import AgentKey, CallbackId, EntryId, Token
from callback.domain.lifecycle import AgentStatus, CallState
from callback.ports import Placed
from tests.support.line_scene import BILLING, SUPPORT, Scene, agent, queue

AVAILABLE, RESERVED, BUSY = AgentStatus.AVAILABLE, AgentStatus.RESERVED, AgentStatus.BUSY
WRAP_UP = AgentStatus.WRAP_UP


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


# --- what an audit replays --------------------------------------------------------------------------------------------


def places(scene: Scene) -> list[tuple[str, str, str, str]]:
    """Who left which place for which, and why."""
    told = [told for told in scene.everything() if isinstance(told, PlaceEvent)]
    return [(event.entry, event.before, event.after, event.reason) for event in told]


def settings(scene: Scene) -> list[tuple[str, str, tuple[tuple[str, ...], ...]]]:
    """What else the order depends on."""
    return [(told.subject, told.after, told.rows) for told in scene.everything() if isinstance(told, SettingEvent)]


def test_a_promise_tells_each_place_it_takes_or_leaves_without_an_agent(scene: Scene) -> None:
    scene.staff("ada")
    scene.presence("ada", AgentStatus.AWAY)
    scene.arrive("CA1")
    scene.enter("cb1", due=False, replaces="CA1")
    scene.line.due(EntryId("cb1"), now=scene.clock.now())
    scene.hold("cb1", leg="CA2")
    scene.leave("cb1", "hung up")
    assert places(scene) == [
        ("cb1", "", "later", "callback"),
        ("cb1", "later", "due", "due"),
        ("cb1", "due", "hold", "on_hold"),
        ("cb1", "hold", "gone", "hung up"),
    ]


def test_of_a_pairing_the_agent_tells_and_the_promise_only_where_it_stands_afterwards(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    token = scene.matched().token
    assert places(scene) == [("cb1", "", "due", "entered")]
    scene.release(token, "later", score=7)
    (event,) = [told for told in scene.everything() if isinstance(told, PlaceEvent)]
    assert (event.before, event.after, event.reason, event.score) == ("reserved", "later", "not reached", 7)
    scene.line.due(EntryId("cb1"), now=scene.clock.now())
    scene.complete(scene.talking().token)
    assert places(scene) == [("cb1", "later", "due", "due")]


def test_whatever_changes_no_place_is_not_told(scene: Scene) -> None:
    scene.enter("cb1", score=5)
    at = scene.clock.now()
    scene.everything()
    scene.line.enter(
        SUPPORT, EntryId("cb1"), score=5, joined_at=at, due=True, number_hash="", replaces=None, now=at
    )  # fmt: skip
    scene.line.due(EntryId("cb1"), now=at)
    assert not scene.line.due(EntryId("cb2"), now=at)
    assert scene.everything() == []


def test_places_restored_together_are_told_together(scene: Scene) -> None:
    scene.staff()
    scene.everything()
    at = scene.clock.now()
    micros = to_micros(at)
    soon = at + timedelta(seconds=60)
    scene.line.restore(
        [
            Placed(CallbackId("cb1"), SUPPORT, micros, at, None, "n1"),
            Placed(CallbackId("cb2"), BILLING, micros - 5, at, soon, "n2"),
        ],
        now=at,
    )
    rows = (("support", "cb1", "due", str(micros)), ("billing", "cb2", "later", str(micros - 5), str(micros)))
    assert settings(scene) == [("line", "restored", rows)]
    scene.line.restore([Placed(CallbackId("cb1"), SUPPORT, micros, at, None, "n1")], now=at)
    assert scene.everything() == []


def test_a_promise_that_is_restored_twice_in_one_go_stands_where_it_was_put_last(scene: Scene) -> None:
    scene.staff()
    at = scene.clock.now()
    ids = [CallbackId(f"cb{number}") for number in range(4)]
    first = [Placed(each, SUPPORT, 10 + number, at, None, "") for number, each in enumerate(ids)]
    again = [Placed(ids[3], BILLING, 3, at, None, "n3"), Placed(ids[0], SUPPORT, 20, at, at + timedelta(1), "n0")]
    assert scene.line.restore(first + again, now=at) == 6
    found = [(one.entry, one.place, one.score) for key in (SUPPORT, BILLING) for one in scene.line.listing(key)]
    assert found == [("cb1", "due", 11), ("cb2", "due", 12), ("cb0", "later", 20), ("cb3", "due", 3)]
    assert scene.line.standing(SUPPORT, None).callbacks == 3


def test_what_interrupts_the_reading_of_promises_is_heard_and_spoils_nothing(scene: Scene) -> None:
    def promises() -> Iterator[Placed]:
        for number in range(700):
            yield Placed(CallbackId(f"cb{number}"), SUPPORT, number, at, None, "")
        raise ConnectionError("the record is gone")

    scene.staff()
    at = scene.clock.now()
    with pytest.raises(ConnectionError, match="the record is gone"):
        scene.line.restore(promises(), now=at)
    standing = scene.line.standing(SUPPORT, EntryId("cb5"))
    assert (standing.place, standing.position) == ("due", 6)


def test_what_changes_with_the_configuration_is_told_and_nothing_else(scene: Scene) -> None:
    ada, bob = agent("ada"), agent("bob", Served(SUPPORT, 2), Served(BILLING, 1))
    scene.line.configure([queue(SUPPORT), queue(BILLING, dialing=False)], [ada, bob])
    assert settings(scene) == [
        ("support", "dialing", ()),
        ("billing", "resting", ()),
        ("ada", "serves", (("support", "1"),)),
        ("bob", "serves", (("support", "2"), ("billing", "1"))),
    ]
    scene.line.configure([queue(SUPPORT), queue(BILLING, dialing=False)], [ada, bob])
    assert scene.everything() == []
    scene.line.configure([queue(BILLING)], [agent("ada", BILLING)])
    assert settings(scene) == [
        ("billing", "dialing", ()),
        ("support", "resting", ()),
        ("ada", "serves", (("billing", "1"),)),
        ("bob", "serves", ()),
    ]


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
    assert [scene.line.pace_ahead(bucket, now=now) for bucket in ("calls", "calls", "other")] == [2, 2, 0]
    assert scene.line.take_pace("other", per_second=2, now=now) == 0
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=1.75)) == 0.25
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=10)) == 0
    assert scene.line.take_pace("calls", per_second=2, now=now + timedelta(seconds=10)) == 0.5


def test_whoever_takes_up_a_reservation_to_ring_a_phone_has_a_slot_of_the_pace_with_it(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb1")
    pairing = scene.matched()
    now = scene.clock.now()
    assert scene.line.take_up(pairing.token, "calls", per_second=2, now=now) == (pairing, 0)
    assert scene.line.take_up(pairing.token, "calls", per_second=2, now=now) == (pairing, 0.5)
    assert scene.line.pace_ahead("calls", now=now) == 1


def test_nobody_takes_a_slot_for_a_caller_on_hold_or_for_what_is_under_way_or_over(scene: Scene) -> None:
    scene.holding("CA1")
    scene.staff("ada", "bob")
    held = scene.matched()
    scene.enter("cb1")
    ringing = scene.matched()
    scene.line.extend(ringing.token, until=scene.clock.now(), phase="ringing")
    now = scene.clock.now()
    for token, phase in ((held.token, "reserved"), (ringing.token, "ringing")):
        found = scene.line.take_up(token, "calls", per_second=2, now=now)
        assert found is not None
        assert (found[0].phase, found[1]) == (phase, 0)
    assert scene.line.take_up(Token("rs-nobody"), "calls", per_second=2, now=now) is None
    assert scene.line.pace_ahead("calls", now=now) == 0


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
    assert [fields["to"] for _, fields in scene.line.drain("0", 1000)[told:]] == ["clearing", "cleared"]
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


def test_many_promises_are_restored_as_if_each_had_entered(scene: Scene) -> None:
    scene.staff("ada")
    scene.enter("cb0001", score=1, due=False)
    scene.enter("cb0002", score=0)
    scene.matched()
    now = scene.clock.advance(1)
    placed = [
        Placed(
            id=CallbackId(f"cb{number:04}"),
            queue=SUPPORT if number % 3 else BILLING,
            score=number,
            joined_at=now - timedelta(seconds=number),
            next_attempt_at=(None, now, now + timedelta(seconds=1))[number % 3],
            number_hash=f"hash{number}",
        )
        for number in range(1200)
    ]
    scene.line.restore(placed, now=now)
    scene.line.restore(placed[:10], now=now)
    line = scene.line.listing(SUPPORT, limit=2000)
    expected = [EntryId(one.id) for one in placed if one.queue == SUPPORT and one.score != 2]
    assert [waiting.entry for waiting in line] == expected
    assert [waiting.place for waiting in line[:2]] == ["due", "due"]
    assert {waiting.place for waiting in line if waiting.score % 3 == 2} == {"later"}
    assert {waiting.joined_at for waiting in line} <= {one.joined_at for one in placed}
    assert len(scene.line.listing(BILLING, limit=2000)) == 400
    assert scene.place("cb0002") == ("reserved", None)
    assert scene.arrive("CA1", number="hash4").open_callback == "cb0004"


def test_a_microsecond_is_never_lost(scene: Scene) -> None:
    scene.clock.set(from_micros(1_795_298_976_018_917))
    standing = scene.arrive("CA1", credit=0.000_001)
    assert standing.score == 1_795_298_976_018_917 + 999_999
    assert standing.joined_at == scene.clock.now()
    assert scene.line.listing(SUPPORT)[0].score == standing.score
