"""First use by the pages alone, without scripts: every step, verified and failing, left and come back to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callback.domain.callback import Attempt, Entry, Outcome, Source
from callback.domain.ids import AgentKey, CallSid, QueueKey, new_attempt_id
from callback.domain.lifecycle import AgentStatus, Event
from callback.flows import configure, enrol, first_use, journey, presence
from callback.flows.first_use import Mark, Step
from callback.flows.hook import Hook
from callback.ports import CarrierBusy, CarrierStopped, NumberUndialable
from callback.web.app import create_app
from callback.web.options import DeskOptions
from tests.fakes.carrier import FakeCarrier
from tests.fakes.numbers import FakeNumbers, FakeOutside
from tests.support.web_house import OWN, WebHouse, form_token, signed_in

OTHER = "+12015550199"
ANN = "+12015550111"
DONE = [Mark.DONE]


class Fresh:
    """An empty house with a carrier in memory, and an administrator's browser."""

    def __init__(self, web: WebHouse, **options: Any) -> None:
        self.web = web
        self.carrier, self.numbers, self.outside = FakeCarrier(web.clock), FakeNumbers(), FakeOutside()
        self.numbers.own(OWN, OTHER)
        self.paused: list[float] = []
        house = replace(
            web.house, carrier=self.carrier, numbers=self.numbers, outside=self.outside, pause=self.paused.append
        )
        web.house = self.house = house
        web.app = create_app(house, replace(web.options, simulated=True, **options))
        web.app.testing = True
        self.admin = signed_in(web, "admin")

    def get(self, path: str, status: int = 200, client: Any = None) -> str:
        answer = (client or self.admin).get(f"/admin/start{path}")
        assert answer.status_code == status, answer.get_data(as_text=True)
        text: str = answer.get_data(as_text=True)
        return text

    def post(self, path: str, status: int = 303, client: Any = None, **form: Any) -> Any:
        someone = client or self.admin
        token = form_token(someone.get("/admin/start"))
        answer = someone.post(f"/admin/start{path}", data={"csrf_token": token, **form})
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer

    def queue(self) -> None:
        self.post("/queue", name="Support", key="support", languages="en", **USUAL)

    def agent(self) -> None:
        self.post("/agent", name="Ann Lee", key="ann", kind="own", contact=ANN)

    def hook(self, step: str, **form: str) -> Any:
        """The carrier asks for what the last call's URL names, or reports on it."""
        _sid, call = self.carrier.created[-1]
        query = dict(part.split("=") for part in call.url.partition("?")[2].split("&"))
        hook = Hook({"CallSid": "CA1", "Direction": "outbound-api", **form}, query)
        table: dict[str, Callable[..., Any]] = {**journey.DOCUMENTS, **journey.REPORTS}
        return table[step](self.house, hook)

    def marks(self) -> list[Mark]:
        found = first_use.progress(self.house)
        return [found.marks[step] for step in Step]


USUAL: dict[str, Any] = {"offer_at_wait_s": "180", "attempts": "3", "ring_timeout_s": "25"}


@pytest.fixture
def fresh(bare_web: WebHouse) -> Fresh:
    return Fresh(bare_web)


# --- the way in and out -----------------------------------------------------------------------------------------


def test_an_empty_house_leads_its_administrator_here_and_nobody_else(fresh: Fresh) -> None:
    led = fresh.admin.get("/admin")
    assert (led.status_code, led.location) == (302, "/admin/start")
    assert "Welcome" in fresh.get("")
    for role in ("viewer", "supervisor"):
        assert signed_in(fresh.web, role).get("/admin").status_code == 200
    fresh.post("/say/all/dismissed")
    assert fresh.admin.get("/admin").status_code == 200
    assert "Do not show this again" not in fresh.get("")


def test_a_house_with_a_queue_is_not_taken_over_but_told_how_far_it_is(fresh: Fresh) -> None:
    fresh.queue()
    overview = fresh.admin.get("/admin")
    assert overview.status_code == 200
    assert "Setting up: 1 of 5 steps is done." in overview.get_data(as_text=True)
    assert "Setting up: 1 of 5" not in signed_in(fresh.web, "supervisor").get("/admin").get_data(as_text=True)
    fresh.post("/say/all/dismissed")
    assert "Setting up: 1 of 5" not in fresh.admin.get("/admin").get_data(as_text=True)


def test_supervisors_look_and_change_nothing_and_viewers_do_not_come_here(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    supervisor = signed_in(fresh.web, "supervisor")
    for step in ("", *(f"/{step}" for step in Step)):
        shown = fresh.get(step, client=supervisor)
        assert "Administrators do these steps." in shown
        assert 'action="/admin/start' not in shown or "disabled" in shown
    for path in (
        "/queue",
        "/hours",
        "/agent",
        "/agent/ann/ring",
        "/number/point",
        "/number/check",
        "/say/all/dismissed",
    ):
        token = form_token(supervisor.get("/admin/agents"))
        assert supervisor.post(f"/admin/start{path}", data={"csrf_token": token}).status_code == 403
    fresh.get("", 403, client=signed_in(fresh.web, "viewer"))


def test_a_step_is_left_for_later_and_come_back_to(fresh: Fresh) -> None:
    fresh.queue()
    went = fresh.post("/say/hours/skipped")
    assert went.location == "/admin/start/agent"
    assert fresh.marks() == [Mark.DONE, Mark.SKIPPED, Mark.OPEN, Mark.OPEN, Mark.OPEN]
    assert "left for later" in fresh.get("")
    assert first_use.progress(fresh.house).at is Step.AGENT
    fresh.post("/hours", timezone="Europe/Berlin", mon="09:00-17:00", always_open_there="1")
    assert fresh.marks()[1] is Mark.DONE


def test_what_nobody_knows_is_not_found(fresh: Fresh) -> None:
    fresh.post("/say/queue/sung", 404)
    fresh.post("/say/tea/skipped", 404)
    for step in ("hours", "agent", "number", "call"):
        assert fresh.admin.get(f"/admin/start/{step}").location == "/admin/start/queue"


# --- queue and hours --------------------------------------------------------------------------------------------


def test_a_queue_is_made_with_its_thresholds_and_verified_on_the_line(fresh: Fresh) -> None:
    assert 'value="180"' in fresh.get("/queue")
    refused = fresh.post("/queue", 422, name="", key="Not this", languages="en", offer_at_wait_s="soon")
    said = refused.get_data(as_text=True)
    assert "Use small letters" in said
    assert "Give it a name." in said
    assert "Enter a number." in said
    fresh.post("/queue", 422, name="Support", key="support", languages="en", **{**USUAL, "attempts": "0"})
    made = fresh.post("/queue", name="Support", key="support", languages="zh, en", **{**USUAL, "attempts": "2"})
    assert made.location == "/admin/start/queue?queue=support"
    assert "it is published to the line" in fresh.get("/queue")
    with fresh.house.store.look() as work:
        policy = work.queue(QueueKey("support")).policy
    assert (policy.languages, policy.attempts) == (("zh", "en"), 2)
    assert fresh.marks()[0] is Mark.DONE


def test_a_queue_that_the_line_does_not_have_is_told(fresh: Fresh) -> None:
    fresh.queue()
    with fresh.house.store.begin() as work:
        work.put_queue(QueueKey("support"), "Renamed", None, fresh.web.clock.now())
    assert "It is not published to the line yet." in fresh.get("/queue")
    assert fresh.marks()[0] is Mark.WRONG
    configure.publish(fresh.house)
    assert fresh.marks()[0] is Mark.DONE


def test_hours_are_saved_meant_to_be_always_or_warned_of(fresh: Fresh) -> None:
    fresh.queue()
    assert "A new queue is always open." in fresh.get("/hours")
    fresh.post("/say/hours/confirmed")
    assert fresh.marks()[1] is Mark.DONE
    assert (
        "from 9 to five"
        not in fresh.post("/hours", 422, always_open_there="1", mon="from 9 to five").get_data(as_text=True)[:200]
    )
    fresh.post("/hours", timezone="UTC", always_open_there="1")
    assert "It never opens." in fresh.get("/hours")
    assert fresh.marks()[1] is Mark.WRONG
    fresh.post("/hours", timezone="UTC", mon="09:00-17:00", holidays="DE")
    assert "It never opens." not in fresh.get("/hours")
    fresh.post("/hours", always_open="on", timezone="UTC")
    assert fresh.marks()[1] is Mark.DONE


# --- the agent's telephone --------------------------------------------------------------------------------------


def test_a_telephone_is_proved_by_answering_and_pressing_1(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    assert "not tested yet" in fresh.get("/agent")
    fresh.post("/agent/ann/ring")
    _sid, call = fresh.carrier.created[-1]
    assert (call.to, call.from_) == (ANN, OWN)  # the account's first number, since none leads here yet
    shown = fresh.get("/agent")
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert "It rings now" in shown
    script = fresh.hook("agent/test")
    assert [prompt.id for prompt in script.verbs[0].prompts] == ["ring_test", "ring_test_key"]
    assert fresh.get("/agent/now").count("not yet") == 1
    fresh.hook("agent/test/key", Digits="1")
    fresh.hook("agent/test/status", CallStatus="completed")
    assert "the telephone works" in fresh.get("/agent")
    assert fresh.marks()[2] is Mark.DONE
    with fresh.house.store.look() as work:
        told = [(act.what, act.by) for act in work.acts(subject="ann")]
    assert told == [
        ("agent.rang", "agent:ann"), ("agent.rang", "agent:ann"), ("agent.rang", "agent:ann"),
        ("agent.ring", "admin@example.com"), ("agent.save", "admin@example.com"),
    ]  # fmt: skip


def test_another_key_is_asked_once_more_and_a_repeat_tells_nothing_twice(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    fresh.post("/agent/ann/ring")
    fresh.hook("agent/test")
    fresh.hook("agent/test")
    again = fresh.hook("agent/test/key", Digits="7")
    assert again.verbs[0].action.query["t"] == "1"
    with fresh.house.store.look() as work:
        assert len(work.acts(subject="ann", what="agent.rang")) == 1


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("busy", "The line was engaged."),
        ("no-answer", "Nobody answered."),
        ("failed", "The call failed."),
        ("completed", "no key was pressed"),
    ],
)
def test_a_telephone_that_is_not_proved_says_what_to_look_at(fresh: Fresh, status: str, advice: str) -> None:
    fresh.queue()
    fresh.agent()
    fresh.post("/agent/ann/ring")
    if status == "completed":
        fresh.hook("agent/test")
    fresh.hook("agent/test/status", CallStatus=status)
    assert advice in fresh.get("/agent")
    assert fresh.marks()[2] is Mark.OPEN


def test_a_ring_of_which_nothing_is_heard_points_at_the_address(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    fresh.post("/agent/ann/ring")
    fresh.web.clock.advance(60)
    assert "Nothing was heard of this ring." in fresh.get("/agent")


def test_another_telephone_has_to_be_proved_again(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    fresh.post("/agent/ann/ring")
    fresh.hook("agent/test/key", Digits="1")
    assert fresh.marks()[2] is Mark.DONE
    configure.put_agent(fresh.house, AgentKey("ann"), name="Ann", contact="client:ann", queues=[], by="test")
    assert fresh.marks()[2] is Mark.OPEN


def test_rings_are_capped_and_refusals_told(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    for error, said in (
        (CarrierBusy("much to do"), "The carrier did not take the call"),
        (NumberUndialable("no", 21211), "error 21211"),
        (CarrierStopped("no", 20003), "error 20003"),
    ):
        fresh.carrier.fail_next(error)
        fresh.post("/agent/ann/ring")
        assert said in fresh.get("/agent")
        fresh.web.clock.advance(5)
    for _ in range(4):
        fresh.post("/agent/ann/ring")
        fresh.web.clock.advance(5)
    assert "rung often enough" in fresh.get("/agent")
    assert len(fresh.carrier.created) == 2
    fresh.web.clock.advance(3600)
    fresh.admin = signed_in(fresh.web, "admin")
    fresh.post("/agent/ann/ring")
    assert len(fresh.carrier.created) == 3


def test_nobody_is_rung_in_a_call_or_from_no_number(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    fresh.numbers.owned.clear()
    fresh.post("/agent/ann/ring")
    assert "There is no number to ring from yet" in fresh.get("/agent")
    fresh.numbers.own(OWN)
    fresh.post("/number/point", number=OWN)
    presence.set_presence(fresh.house, AgentKey("ann"), AgentStatus.AVAILABLE)
    fresh.web.promise()
    assert fresh.house.line.agent(AgentKey("ann")).status is AgentStatus.RESERVED
    fresh.post("/agent/ann/ring")
    assert "They are in a call." in fresh.get("/agent")
    assert not fresh.carrier.created


def test_agents_have_telephones_of_three_kinds(fresh: Fresh) -> None:
    fresh.queue()
    assert "Give a number" in fresh.post("/agent", 422, name="Ann", kind="own", contact="ann").get_data(as_text=True)
    assert "begin with a letter" in fresh.post("/agent", 422, name="!", kind="page").get_data(as_text=True)
    fresh.post("/agent", name="Ann Lee", kind="page")
    fresh.post("/agent", name="Bo", kind="sip", contact="bo@example.com")
    assert "already" in fresh.post("/agent", 422, name="Bo", kind="page").get_data(as_text=True)
    with fresh.house.store.look() as work:
        assert {one.contact for one in work.agents()} == {"client:ann", "sip:bo@example.com"}
    fresh.post("/agent/ann/ring")
    fresh.hook("agent/test/status", CallStatus="no-answer")
    assert "Sign in as this agent in another window" in fresh.get("/agent")
    fresh.post("/agent/bo/ring")
    fresh.hook("agent/test/status", CallStatus="failed")
    assert "The SIP address did not answer." in fresh.get("/agent")


# --- the number -------------------------------------------------------------------------------------------------


def test_a_number_is_pointed_here_as_the_command_does_it(fresh: Fresh) -> None:
    fresh.queue()
    assert "goes nowhere" in fresh.get("/number")
    fresh.post("/number/check")
    assert "No number leads to this queue yet." in fresh.get("/number")
    fresh.post("/number/point", number=OWN)
    assert "/voice/incoming?queue=support" in fresh.numbers.owned[OWN].webhooks.voice_url
    assert fresh.marks()[3] is Mark.DONE
    shown = fresh.get("/number")
    assert "leads here" in shown
    with fresh.house.store.look() as work:
        assert work.queue(QueueKey("support")).numbers == (OWN,)
        assert work.acts(what="number.point")[0].subject == OWN


def test_what_is_wrong_with_a_number_is_said_and_mended(fresh: Fresh) -> None:
    fresh.queue()
    configure.put_queue(fresh.house, QueueKey("support"), name="Support", numbers=(OWN, "+12015550177"), by="test")
    fresh.numbers.own(OWN, voice_url="https://elsewhere.example/voice")
    shown = fresh.get("/number")
    assert "Its calls go to elsewhere.example, not here." in shown
    assert "It is no number of the carrier&#39;s account." in shown
    fresh.numbers.own(OWN, bypassed="trunk_sid")
    assert "An application or a trunk" in fresh.get("/number")
    fresh.numbers.own(OWN, voice_url="http://localhost/voice/incoming?queue=other")
    assert "to another queue" in fresh.get("/number")
    fresh.numbers.own(OWN, voice_url="http://localhost/voice/incoming?queue=support")
    assert "No fallback" in fresh.get("/number")
    assert fresh.marks()[3] is Mark.OPEN
    fresh.post("/number/point", number=OWN)
    fresh.post("/number/point", number="+12015550177")
    assert "It is no number" in fresh.get("/number")
    assert fresh.marks()[3] is Mark.DONE


def test_a_number_of_another_queue_stays_there(fresh: Fresh) -> None:
    fresh.queue()
    configure.put_queue(fresh.house, QueueKey("zoo"), name="Zoo", numbers=(OTHER,), by="test")
    assert "leads to Zoo" in fresh.get("/number")
    fresh.post("/number/point", number=OTHER)
    assert "Take it from there first." in fresh.get("/number")
    assert fresh.numbers.owned[OTHER].webhooks.voice_url == ""


def test_a_carrier_that_refuses_or_is_away_is_told(fresh: Fresh) -> None:
    fresh.queue()
    fresh.numbers.away = CarrierStopped("no", 20003)
    assert "refuses the account" in fresh.get("/number")
    fresh.post("/number/check")
    assert fresh.marks()[3] is Mark.OPEN
    fresh.numbers.away = CarrierBusy("later")
    fresh.post("/number/point", number=OWN)
    assert "gives no usable answer" in fresh.get("/number")
    fresh.numbers.away = None
    fresh.numbers.owned.clear()
    assert "has no number" in fresh.get("/number")


def test_the_address_is_tried_and_says_how(bare_web: WebHouse) -> None:
    fresh = Fresh(bare_web)
    fresh.queue()
    assert "Tried from this machine: the address leads here." in fresh.get("/number")
    fresh.outside.wrong = "Connection refused"
    assert "does not lead here (Connection refused)" in fresh.get("/number")
    fresh.agent()
    fresh.post("/agent/ann/ring")
    fresh.hook("agent/test")
    assert "Proved: the carrier has asked here itself" in fresh.get("/number")


def test_a_real_carrier_cannot_reach_this_machine(bare_web: WebHouse) -> None:
    fresh = Fresh(bare_web)
    bare_web.app = create_app(fresh.house, replace(bare_web.options, simulated=False))
    fresh.admin = signed_in(bare_web, "admin")
    fresh.queue()
    assert "the carrier cannot reach it" in fresh.get("/number")
    fresh.post("/number/point", number=OWN)
    assert not fresh.numbers.owned[OWN].webhooks.voice_url


# --- the test call ----------------------------------------------------------------------------------------------


def furnished(fresh: Fresh) -> None:
    fresh.queue()
    fresh.agent()
    fresh.post("/number/point", number=OWN)


def called(fresh: Fresh, call: str, *states: str) -> None:
    """What the journal tells of a call, as the stream brings it."""
    with fresh.house.store.begin() as work:
        for before, state in zip((None, *states), states, strict=False):
            work.write(Entry(fresh.web.clock.now(), "call", call, before, state, "test", queue="support"))


def test_a_test_call_is_watched_stage_by_stage(fresh: Fresh) -> None:
    furnished(fresh)
    assert "Nothing is watched yet." in fresh.get("/call")
    fresh.post("/say/call/watching")
    shown = fresh.get("/call")
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert "does the number lead here?" in shown
    call = CallSid("CA" + "7" * 32)
    called(fresh, call, "arrived")
    assert "The caller hears the greeting." in fresh.get("/call/now")
    promised, _ = enrol.request(
        fresh.house, queue=QueueKey("support"), number="+12125550123", source=Source.CALL, idempotency=None,
        cause="test",
    )  # fmt: skip
    with fresh.house.store.begin() as work:
        work.save(replace(work.callback(promised.id), origin=call))
    assert "Set the agents available." in fresh.get("/call/now")
    fresh.post("/call/presence/available")
    assert fresh.house.line.agent(AgentKey("ann")).status is AgentStatus.RESERVED
    connect(fresh, promised.id)
    shown = fresh.get("/call")
    assert "It works." in shown
    assert 'http-equiv="refresh"' not in shown
    assert fresh.marks()[4] is Mark.DONE
    assert fresh.marks()[2] is Mark.DONE  # who talked has a telephone that rings
    assert fresh.admin.get("/admin").status_code == 200
    assert "Setting up:" not in fresh.admin.get("/admin").get_data(as_text=True)


def connect(fresh: Fresh, id: Any, until: Outcome | None = None) -> None:
    now = fresh.web.clock.now()
    with fresh.house.store.begin() as work:
        callback = work.callback(id)
        attempt = work.add_attempt(Attempt(new_attempt_id(), id, 1, "customer_first", now, asked_at=now))
        rung = replace(callback, attempt=attempt.id, attempts_made=1)
        way = (Event.RESERVE, Event.DIAL, Event.ANSWER, Event.BRIDGE, Event.COMPLETE)
        for event in way[: 2 if until else 5]:
            moved = work.move(rung, event, reason="test", cause="test", at=now)
            assert moved is not None
            rung = moved
        answered = None if until else now
        work.save_attempt(replace(attempt, answered_at=answered, bridged_at=answered, outcome=until or Outcome.TALKED))


def test_a_call_that_is_connected_at_once_or_given_up_says_why(fresh: Fresh) -> None:
    furnished(fresh)
    fresh.post("/say/call/watching")
    called(fresh, "CA1", "arrived", "abandoned")
    assert "hung up before a callback was promised" in fresh.get("/call")
    called(fresh, "CA2", "arrived", "reserved", "bridged")
    assert "You were connected at once" in fresh.get("/call")


def test_what_stands_in_the_way_of_a_test_call_is_said(fresh: Fresh) -> None:
    furnished(fresh)
    fresh.post("/say/call/watching")
    fresh.post("/hours", timezone="UTC", sun="09:00-09:01", always_open_there="1")
    assert "The queue is closed now" in fresh.get("/call")
    fresh.post("/hours", always_open="on")
    called(fresh, "CA1", "arrived")
    fresh.post("/call/presence/available")
    assert "An agent is at work" in fresh.get("/call")
    fresh.post("/call/presence/away")
    configure.put_policy(fresh.house, QueueKey("support"), {"accepting": False}, by="test")
    assert "Accepting is switched off" in fresh.get("/call")
    fresh.post("/call/presence/dancing", 404)
    fresh.web.clock.advance(timedelta(hours=2).total_seconds())
    fresh.admin = signed_in(fresh.web, "admin")
    assert "Nothing is watched yet." in fresh.get("/call")


def test_simulated_people_are_offered_on_an_emulated_carrier_alone(bare_web: WebHouse) -> None:
    fresh = Fresh(bare_web)
    furnished(fresh)
    assert "simulated" not in fresh.get("/call")
    fresh.post("/call/pretend", 404)
    fresh.post("/agent/ann/pretend", 404)
    bare_web.app = create_app(
        fresh.house, replace(bare_web.options, simulated=True, desk=DeskOptions(stand_in="http://127.0.0.1:9"))
    )
    fresh.admin = signed_in(bare_web, "admin")
    assert "Let a simulated caller ring" in fresh.get("/call")
    fresh.post("/call/pretend")
    assert "The emulated carrier does not answer." in fresh.get("/call")
    assert "Let somebody simulated answer" in fresh.get("/agent")
    fresh.post("/agent/ann/pretend")
    assert "The emulated carrier does not answer." in fresh.get("/agent")


def test_a_house_that_is_ready_says_what_comes_next(fresh: Fresh) -> None:
    furnished(fresh)
    fresh.post("/say/hours/confirmed")
    connect(fresh, fresh.web.promise().id)
    assert fresh.marks() == DONE * 5
    shown = fresh.get("")
    assert "Ready for callers" in shown
    assert "Put the wallboard on a screen" in shown
