"""Who stands where: joining the line, holding in it, and promises that keep a place."""

from datetime import timedelta

import pytest

from callback.adapters.line.events import CallEvent
from callback.adapters.line.micros import to_micros
from callback.domain.ids import AgentKey, CallbackId, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, CallState
from callback.ports import Appointment
from tests.support.line_scene import BILLING, SUPPORT, Scene

AVAILABLE, RESERVED = AgentStatus.AVAILABLE, AgentStatus.RESERVED
NUMBER = "f" * 32


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


def test_the_language_of_a_leg_is_told_wherever_it_stands(scene: Scene) -> None:
    scene.arrive("CA1", language="en")
    assert scene.line.standing(SUPPORT, EntryId("CA1")).language == "en"
    assert scene.hold("CA1", language="zh").language == "zh"
    assert scene.hold("CA1").language == "zh"


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


def test_who_stands_behind_promises_is_told_how_many_of_them_may_be_rung(scene: Scene) -> None:
    scene.holding("CA1")
    scene.enter("cb1", due=False)
    scene.enter("cb2")
    scene.enter("cb3")
    for entry, ahead in (("CA1", (0, 0)), ("cb2", (0, 1)), ("cb3", (1, 1))):
        standing = scene.line.standing(SUPPORT, EntryId(entry))
        assert (standing.due_ahead, standing.later_ahead) == ahead
    newcomer = scene.line.standing(SUPPORT, None)
    assert (newcomer.due_ahead, newcomer.later_ahead) == (2, 1)
    arriving = scene.arrive("CA9")
    assert (arriving.due_ahead, arriving.later_ahead) == (2, 1)


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


def test_an_appointment_is_told_though_it_stands_in_no_line(scene: Scene) -> None:
    scene.line.book([booking("cb1"), booking("cb2", "e" * 32), booking("cb3", "")])
    first = scene.arrive("CA1", number=NUMBER)
    assert (first.open_callback, first.position, first.callbacks) == ("cb1", 1, 0)
    assert scene.arrive("CA2", number="e" * 32).open_callback == "cb2"
    assert scene.arrive("CA3", BILLING, number=NUMBER).open_callback is None
    scene.leave("cb1")
    assert scene.arrive("CA4", number=NUMBER).open_callback is None


def test_appointments_are_drawn_without_doubles_until_they_stand_or_leave(scene: Scene) -> None:
    assert scene.line.booked(10) == []
    scene.line.book([booking("cb1"), booking("cb2", "e" * 32), booking("cb3", "c" * 32), booking("cb4", "")])
    assert sorted(scene.line.booked(10)) == ["cb1", "cb2", "cb3"]
    assert len(set(scene.line.booked(2))) == 2
    scene.leave("cb1")
    scene.enter("cb2", number="e" * 32)
    assert scene.line.booked(10) == ["cb3"]


def test_an_appointment_is_told_by_its_newest_number(scene: Scene) -> None:
    scene.line.book([booking("cb1")])
    scene.line.book([booking("cb1", "e" * 32)])
    assert scene.arrive("CA1", number=NUMBER).open_callback is None
    assert scene.arrive("CA2", number="e" * 32).open_callback == "cb1"


@pytest.mark.parametrize("number", [NUMBER, ""])
def test_whose_time_has_come_is_told_until_they_leave(scene: Scene, number: str) -> None:
    scene.line.book([booking("cb1")])
    scene.enter("cb1", number=number)
    assert scene.line.book([booking("cb1", "e" * 32)]) == 1, "too late: they stand in line"
    assert scene.arrive("CA1", number=NUMBER).open_callback == "cb1"
    scene.leave("cb1")
    assert scene.arrive("CA2", number=NUMBER).open_callback is None


def test_who_holds_instead_of_an_appointment_is_told_until_they_leave(scene: Scene) -> None:
    scene.line.book([booking("cb1")])
    scene.hold("cb1", leg="CA9")
    assert scene.arrive("CA1", number=NUMBER).open_callback == "cb1"
    scene.leave("cb1")
    assert scene.arrive("CA2", number=NUMBER).open_callback is None


def test_an_appointment_is_forgotten_with_its_number_and_with_the_line(scene: Scene) -> None:
    scene.line.book([booking("cb1"), booking("cb2", "e" * 32)])
    assert scene.line.forget_person(NUMBER) == []
    assert scene.arrive("CA1", number=NUMBER).open_callback is None
    scene.line.clear()
    assert scene.arrive("CA2", number="e" * 32).open_callback is None


def booking(entry: str, number: str = NUMBER) -> Appointment:
    return Appointment(SUPPORT, CallbackId(entry), number)


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


def test_a_number_is_forgotten_and_whoever_waits_by_it_is_told(scene: Scene) -> None:
    scene.line.remember_language("hash", "zh")
    scene.line.remember_language("other", "zh")
    scene.enter("cb1", number="hash")
    scene.enter("cb2", number="other")
    assert scene.line.forget_person("hash") == ["cb1"]
    assert scene.arrive("CA1", number="hash").language == ""
    assert scene.arrive("CA2", number="other").language == "zh"
    assert scene.order() == ["cb1", "cb2", "CA1", "CA2"]
    scene.leave("cb1")
    assert scene.line.forget_person("hash") == []
    assert scene.line.forget_person("nobody's") == []
