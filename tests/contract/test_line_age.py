"""How the line tells its own age, and how it is filled again: on the fake, on Valkey and on the oldest Redis."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from callback.domain.ids import AgentKey, CallSid, EntryId, Token
from callback.domain.lifecycle import AgentStatus
from callback.ports import Stand
from tests.support.line_scene import SUPPORT, Scene, agent, queue

ADA, BO = AgentKey("ada"), AgentKey("bo")
AVAILABLE, AWAY, BUSY, OFFLINE = AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.BUSY, AgentStatus.OFFLINE


def whole(scene: Scene, number: int = 5) -> None:
    scene.line.begin_rebuild(number, "0")
    assert scene.line.end_rebuild(number) is not None


def stand(scene: Scene, entry: str, **more: object) -> Stand:
    at = scene.clock.now()
    leg = None if entry.startswith("cb") else CallSid(entry)
    fields = {"entry": EntryId(entry), "queue": SUPPORT, "score": 1_000, "joined_at": at, "language": "zh", "leg": leg}
    return Stand(**{**fields, **more})  # type: ignore[arg-type]


def resume(scene: Scene, who: Stand, phase: str = "ringing") -> bool:
    return scene.line.resume(who, phase=phase, lease_s=60, now=scene.clock.now())


# --- the number -------------------------------------------------------------------------------------------------------


def test_a_line_that_nobody_numbered_has_no_number_and_serves(scene: Scene) -> None:
    scene.staff("ada")
    scene.hold("CA1")
    age = scene.line.age()
    assert (age.number, age.unsure, age.configured) == (None, "", True)
    assert scene.line.agent(ADA).token is not None


def test_the_number_grows_by_one_from_the_records_or_the_next(scene: Scene) -> None:
    whole(scene)
    assert [scene.line.age(5).number, scene.line.age(5).number, scene.line.age(6).number] == [5, 6, 6]
    assert scene.line.age().number == 7


@pytest.mark.parametrize("expected", [3, 6, 9, None])
def test_a_number_that_is_neither_changes_nothing(scene: Scene, expected: int | None) -> None:
    whole(scene)
    assert scene.line.age(expected).number == 5
    assert scene.line.age().number == 5


def test_a_line_that_is_unsure_does_not_count(scene: Scene) -> None:
    whole(scene)
    assert scene.line.doubt(6)
    assert scene.line.age(5).unsure == "lost"
    assert scene.line.age(5).number == 5


def test_a_line_that_is_not_behind_is_not_doubted(scene: Scene) -> None:
    whole(scene)
    assert not scene.line.doubt(5)
    assert scene.line.age().unsure == ""


# --- unsure -----------------------------------------------------------------------------------------------------------


def test_nobody_is_paired_and_no_number_counts_while_the_line_is_unsure(scene: Scene) -> None:
    scene.staff("ada")
    whole(scene)
    scene.line.doubt(9)
    standing = scene.hold("CA1")
    assert (standing.place, standing.reservation, standing.whole) == ("hold", None, False)
    assert scene.arrive("CA2").reservation is None
    assert scene.line.match(SUPPORT, lease_s=10, token=Token("rs9"), now=scene.clock.now()) is None
    assert scene.line.match_agent(ADA, lease_s=10, token=Token("rs9"), now=scene.clock.now()) is None
    assert scene.line.agent(ADA).status is AVAILABLE


def test_after_a_rebuild_the_line_serves_again(scene: Scene) -> None:
    scene.staff("ada")
    scene.line.doubt(9)
    scene.hold("CA1")
    whole(scene, 10)
    standing = scene.line.standing(SUPPORT, EntryId("CA1"))
    assert standing.whole
    found = scene.line.match(SUPPORT, lease_s=10, token=Token("rs9"), now=scene.clock.now())
    assert found is not None
    assert (found.entry, scene.line.age().number) == ("CA1", 10)


def test_only_the_rebuild_that_began_last_ends(scene: Scene) -> None:
    scene.line.begin_rebuild(3, "0")
    scene.line.begin_rebuild(4, "0")
    assert scene.line.end_rebuild(3) is None
    assert scene.line.age().unsure != ""
    assert scene.line.end_rebuild(4) is not None


def test_emptying_the_line_does_not_make_it_sure(scene: Scene) -> None:
    scene.line.begin_rebuild(3, "0")
    scene.line.clear()
    assert scene.line.end_rebuild(3) is not None


def test_what_is_told_after_a_loss_comes_after_all_that_the_record_has(scene: Scene) -> None:
    mark = "9999999999999-7"  # of a server whose clock was far ahead
    scene.line.begin_rebuild(3, mark)
    scene.staff("ada")
    assert scene.line.drain(mark, 10)


# --- who is in touch with us ------------------------------------------------------------------------------------------


def test_a_caller_on_hold_and_one_in_the_menu_stand_where_they_stood(scene: Scene) -> None:
    scene.staff()
    assert resume(scene, stand(scene, "CA2", score=7))
    assert resume(scene, stand(scene, "CA1", score=3, in_menu=True))
    found = [(one.entry, one.place, one.score, one.live) for one in scene.line.listing(SUPPORT)]
    assert found == [("CA1", "menu", 3, True), ("CA2", "hold", 7, True)]


def test_a_caller_who_came_back_by_themselves_stays_as_they_are(scene: Scene) -> None:
    scene.hold("CA1", score=5)
    assert resume(scene, stand(scene, "CA1", score=5, in_menu=True))
    assert scene.line.standing(SUPPORT, EntryId("CA1")).place == "hold"


def test_a_promise_whose_caller_holds_leaves_its_place_among_those_to_be_rung(scene: Scene) -> None:
    scene.enter("cb1")
    assert resume(scene, stand(scene, "cb1", leg=CallSid("CA7"), number_hash="h" * 32))
    (found,) = scene.line.listing(SUPPORT)
    assert (found.entry, found.place, found.live) == ("cb1", "hold", True)


def test_a_phone_that_rings_does_so_under_its_own_token(scene: Scene) -> None:
    scene.staff("ada")
    scene.line.begin_rebuild(3, "0")
    assert resume(scene, stand(scene, "cb1", token=Token("rs7"), agent=ADA))
    pairing = scene.line.reservation(Token("rs7"))
    assert pairing is not None
    assert (pairing.entry, pairing.agent, pairing.phase, pairing.score) == ("cb1", ADA, "ringing", 1_000)
    assert pairing.lease_until == scene.clock.now() + timedelta(seconds=60)
    assert scene.line.agent(ADA).token == "rs7"
    assert resume(scene, stand(scene, "cb1", token=Token("rs7"), agent=ADA)), "a repeat changes nothing"


def test_a_talk_goes_on_since_when_it_began_and_ends_as_any_other(scene: Scene) -> None:
    scene.staff("ada")
    since = scene.clock.now() - timedelta(minutes=3)
    assert resume(scene, stand(scene, "CA1", token=Token("rs7"), agent=ADA, bridged_at=since))
    pairing = scene.line.reservation(Token("rs7"))
    assert pairing is not None
    assert (pairing.phase, pairing.lease_until, pairing.bridged_at) == ("busy", None, since)
    assert scene.line.agent(ADA).status is BUSY
    view = scene.line.complete(Token("rs7"), wrap_up_s=20, now=scene.clock.now())
    assert view is not None
    assert view.status is AgentStatus.WRAP_UP


def test_an_agent_is_in_one_pairing_and_a_caller_in_one(scene: Scene) -> None:
    scene.staff("ada", "bo")
    scene.line.begin_rebuild(3, "0")
    assert resume(scene, stand(scene, "cb1", token=Token("rs7"), agent=ADA))
    assert not resume(scene, stand(scene, "cb2", token=Token("rs8"), agent=ADA)), "she is with somebody else"
    assert not resume(scene, stand(scene, "cb1", token=Token("rs9"), agent=BO)), "he is with somebody else"
    assert not resume(scene, stand(scene, "cb3", token=Token("rs9"), agent=AgentKey("nobody")))
    assert scene.line.agent(BO).token is None


def test_what_was_dissolved_a_moment_ago_does_not_come_back(scene: Scene) -> None:
    """Whoever fills the line read the record before that."""
    scene.staff("ada", "bo")
    scene.line.begin_rebuild(3, "0")
    given_back, over = (stand(scene, f"cb{number}", token=Token(f"rs{number}"), agent=ADA) for number in (7, 8))
    assert resume(scene, given_back)
    assert scene.line.release(
        Token("rs7"), entry_to="gone", agent_to=None, reason="unknown outcome", now=scene.clock.now()
    )
    assert not resume(scene, given_back)
    assert resume(scene, replace(over, bridged_at=scene.clock.now()))
    assert scene.line.complete(Token("rs8"), wrap_up_s=0, now=scene.clock.now())
    assert not resume(scene, over)
    assert scene.line.agent(ADA).token is None
    assert resume(scene, stand(scene, "cb9", token=Token("rs9"), agent=ADA))


# --- agents -----------------------------------------------------------------------------------------------------------


def seat(scene: Scene, **wishes: tuple[AgentStatus, datetime]) -> None:
    scene.line.seat({AgentKey(key): wish for key, wish in wishes.items()}, now=scene.clock.now())


def configured(scene: Scene) -> None:
    scene.staff("ada", "bo")
    scene.line.clear()
    scene.line.begin_rebuild(3, "0")
    scene.line.configure([queue()], [agent("ada"), agent("bo")])


def test_agents_are_what_they_asked_to_be_and_whoever_is_idle_longest_is_first(scene: Scene) -> None:
    configured(scene)
    now = scene.clock.now()
    seat(scene, ada=(AVAILABLE, now - timedelta(minutes=1)), bo=(AVAILABLE, now - timedelta(minutes=9)))
    assert scene.line.agent(ADA).since == now - timedelta(minutes=1)
    scene.line.end_rebuild(3)
    reservation = scene.hold("CA1").reservation
    assert reservation is not None
    assert reservation.agent == BO


def test_whoever_spoke_meanwhile_stays_as_they_said(scene: Scene) -> None:
    configured(scene)
    scene.presence("ada", AWAY)
    seat(scene, ada=(AVAILABLE, scene.clock.now()), nobody=(AVAILABLE, scene.clock.now()))
    assert scene.line.agent(ADA).status is AWAY
    assert scene.line.agent(BO).status is OFFLINE


def test_whoever_talks_goes_afterwards_where_they_wanted(scene: Scene) -> None:
    configured(scene)
    assert resume(scene, stand(scene, "CA1", token=Token("rs7"), agent=ADA, bridged_at=scene.clock.now()))
    seat(scene, ada=(AWAY, scene.clock.now()))
    assert scene.line.agent(ADA).status is BUSY
    view = scene.line.complete(Token("rs7"), wrap_up_s=20, now=scene.clock.now())
    assert view is not None
    assert view.status is AWAY


def test_whoever_was_wrapping_up_goes_on_to_the_end(scene: Scene) -> None:
    configured(scene)
    now = scene.clock.now()
    asked, span = now - timedelta(hours=1), (now - timedelta(seconds=5), now + timedelta(seconds=15))
    wishes = {ADA: (AVAILABLE, asked), BO: (AWAY, asked)}
    scene.line.seat(wishes, now=now, wrapping={ADA: span, BO: span, AgentKey("nobody"): span})
    ada = scene.line.agent(ADA)
    assert (ada.status, ada.since, ada.wrap_until, ada.wanted) == (AgentStatus.WRAP_UP, *span, AVAILABLE)
    assert scene.line.agent(BO).status is AWAY
    assert scene.line.standing(SUPPORT, None).agents[AgentStatus.WRAP_UP] == 1
    assert scene.line.lapsed(now=now + timedelta(seconds=14)).wrapped == ()
    assert scene.line.lapsed(now=now + timedelta(seconds=15)).wrapped == (ADA,)
    assert scene.line.agent(ADA).status is AVAILABLE
