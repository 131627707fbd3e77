"""The agent's desk through the test client: what it shows, what each button does, and what it refuses."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from callback.adapters.store.tables import legs
from callback.adapters.telephony.softphone import ApiKey
from callback.domain.desk import CameTo, Stage, Talk, Wish, WrapUp
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token, new_token
from callback.domain.lifecycle import AgentStatus
from callback.flows import configure, handed, persist, talks
from callback.ports import Reservation
from callback.web.app import create_app
from callback.web.desk import caller
from callback.web.hub import Glance
from callback.web.options import DeskOptions
from tests.support.clock import ManualClock
from tests.support.web_house import PASSWORD, WebHouse, form_token

ANN = AgentKey("ann")
KEY = ApiKey("AC" + "0" * 32, "SK" + "1" * 32, "a-secret-that-only-tests-know-and-is-long")
NUMBER = "+12015550142"
LEG = CallSid("CA" + "f" * 32)


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Any:
    crm = "https://crm.example/?phone={number}"
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test", desk=DeskOptions(crm_url=crm, key=KEY))
    house.queue()
    house.agent(status=AgentStatus.AVAILABLE)
    yield house
    house.close()


class Desk:
    """A signed-in agent's browser."""

    def __init__(self, web: WebHouse, agent: str = "ann") -> None:
        self.client: FlaskClient = web.app.test_client()
        email = web.user(f"{agent}@example.com", "agent", agent)
        token = form_token(self.client.get("/sign-in"))
        self.client.post("/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": token})
        self.token = form_token(self.client.get("/agent"))

    def page(self, path: str = "") -> str:
        answer = self.client.get(f"/agent{path}")
        assert answer.status_code == 200, answer.status_code
        return answer.get_data(as_text=True)

    def post(self, path: str, **form: str) -> str:
        """A button: what the page says afterwards."""
        answer = self.client.post(f"/agent/{path}", data={**form, "csrf_token": self.token}, follow_redirects=True)
        assert answer.status_code == 200, answer.status_code
        return answer.get_data(as_text=True)

    def refused(self, path: str, **form: str) -> int:
        return self.client.post(f"/agent/{path}", data={**form, "csrf_token": self.token}).status_code


@pytest.fixture
def desk(web: WebHouse) -> Desk:
    return Desk(web)


def rung(web: WebHouse, number: str = NUMBER) -> Reservation:
    """A caller on the line whom ann gets."""
    call, now = CallSid(f"CA{number[-4:] * 8}"), web.clock.now()
    about: dict[str, Any] = {"lease_s": 30, "now": now, "language": "en", "token": new_token()}
    concealed = web.store.conceal(number)
    hashed = web.store.number_hash(number)
    web.line.arrive(QueueKey("support"), call, credit_s=0, number_hash=hashed, number=concealed, **about)
    pairing = web.line.reservation(Token(web.line.agent(ANN).token or ""))
    assert pairing is not None
    persist.persist(web.house)
    return pairing


def talking(web: WebHouse, number: str = NUMBER) -> Reservation:
    """The same, and they talk."""
    pairing = rung(web, number)
    web.clock.advance(5)
    web.line.bridge(pairing.token, now=web.clock.now(), agent_leg=LEG)
    persist.persist(web.house)
    return pairing


def over(web: WebHouse, pairing: Reservation) -> None:
    """The talk ends after a minute."""
    web.clock.advance(60)
    web.line.complete(pairing.token, wrap_up_s=30, now=web.clock.now())
    persist.persist(web.house)


# --- the switch -----------------------------------------------------------------------------------------------------


def test_an_agent_is_away_for_a_reason_and_back(web: WebHouse, desk: Desk) -> None:
    assert "Away" in (page := desk.post("presence", status="away:lunch"))
    assert 'value="away:lunch" class="small chosen" aria-pressed="true"' in page
    assert web.line.agent(ANN).why == "lunch"
    desk.post("presence", status="available")
    assert (web.line.agent(ANN).status, web.line.agent(ANN).why) == (AgentStatus.AVAILABLE, "")
    assert desk.refused("presence", status="away:nap") == 422
    assert desk.refused("presence", status="busy") == 422


def test_a_wrap_up_can_be_made_longer_and_ended(web: WebHouse, desk: Desk) -> None:
    over(web, talking(web))
    before = web.line.agent(ANN).wrap_until
    assert "Ready now" in desk.page()
    desk.post("longer")
    after = web.line.agent(ANN).wrap_until
    assert before is not None
    assert after is not None
    assert after - before == timedelta(seconds=30)
    for _ in range(40):
        desk.post("longer")
    longest = web.line.agent(ANN)
    assert longest.wrap_until == longest.since + timedelta(minutes=15)
    desk.post("presence", status="available")
    assert "not wrapping up any more" in desk.post("longer")


# --- the caller -----------------------------------------------------------------------------------------------------


def test_what_is_known_of_the_caller_is_there_before_the_ring(web: WebHouse, desk: Desk) -> None:
    over(web, talking(web))
    desk.post("presence", status="available")
    with web.store.begin() as work:
        token = work.journal(after=0, kind="agent", subject=ANN, limit=50)[2].data["token"]
        now = web.clock.now()
        work.put_wrap_up(WrapUp(token, ANN, QueueKey("support"), EntryId("x"), None, now, "solved", True, "", now))
    web.clock.advance(600)
    web.line.presence(ANN, AgentStatus.AVAILABLE, now=web.clock.now())
    number = NUMBER
    call = CallSid("CA" + "7" * 32)
    about: dict[str, Any] = {"lease_s": 30, "now": web.clock.now(), "language": "zh", "token": new_token()}
    web.line.arrive(QueueKey("support"), call, credit_s=0, number_hash="", number=web.store.conceal(number), **about)
    before = caller.mark(Glance(web.house), ANN, [QueueKey("support")])
    persist.persist(web.house)
    assert caller.mark(Glance(web.house), ANN, [QueueKey("support")]) != before, "open pages are told of the number"
    page = desk.page("/now")
    assert "+1 201-555-0142" in page
    assert 'href="https://crm.example/?phone=%2B12015550142" target="_blank" rel="noopener noreferrer"' in page
    assert "Solved" in page
    assert "resolved" in page
    assert "press 1" in page
    assert "简体中文" in page


def test_a_caller_whose_number_cannot_be_read_is_served_as_any_other(web: WebHouse, desk: Desk) -> None:
    rung(web)
    with web.store.engine.begin() as connection:
        connection.execute(update(legs).values(number=b"sealed with a key that is lost"))
    assert "unknown number" in desk.page("/now").lower()
    assert caller.mark(Glance(web.house), ANN, [QueueKey("support")])


def test_declining_puts_the_caller_back_in_front(web: WebHouse, desk: Desk) -> None:
    pairing = rung(web)
    page = desk.post("decline")
    assert web.line.agent(ANN).reason == "declined the call"
    assert "was not taken" not in page
    assert [one.entry for one in web.line.listing(QueueKey("support"))] == [pairing.entry]
    assert "No call is ringing" in desk.post("decline")


def test_hold_transfer_and_hanging_up_say_what_came_of_them(web: WebHouse, desk: Desk) -> None:
    for act in ("hold", "resume", "hang-up", "cut-off"):
        assert "You are not on a call any more." in desk.post(act)
    pairing = talking(web)
    page = desk.page()
    assert "Hold" in page
    assert "Transfer" in page
    assert "nothing has changed" in desk.post("hold")  # the carrier of this house does not listen
    assert "They have heard music" not in desk.page()
    held = lambda talk: replace(talk, wish=Wish.HOLD, held_at=web.clock.now())  # noqa: E731
    assert talks.change(web.house, pairing.token, held) is not None
    page = desk.page()
    assert "Take them back" in page
    assert "They have heard music" in page
    assert "cannot be rung from here" in desk.post("transfer", where="number", to="12")
    assert "Nobody there is free" in desk.post("transfer", where="queue", to="nowhere")
    assert "not free at the moment" in desk.post("transfer", where="agent", to="ann")
    assert desk.refused("transfer", where="space", to="x") == 422
    desk.post("hang-up")
    assert LEG in str(web.dispatch.asked)


def test_the_ways_to_pass_a_caller_on(web: WebHouse, desk: Desk) -> None:
    web.queue("billing", "Billing", ("+12015550101",))
    web.agent("bea", status=AgentStatus.AVAILABLE)
    web.agent("cid", status=AgentStatus.AWAY)
    page = desk.page("/transfer")
    assert 'value="ask:billing"' in page
    assert 'value="send:bea"' in page
    assert ":cid" not in page
    assert ":ann" not in page


def asking(web: WebHouse, pairing: Reservation, **changes: Any) -> None:
    """ann asks bea about her caller."""
    values = {"wish": Wish.HOLD, "stage": Stage.CONSULT, "room": 1, "agent_room": 1, "other": Wish.AGENT, "to": "bea"}
    found = web.line.reservation(pairing.token)
    assert found is not None
    talks.begin(web.house, found)
    assert talks.change(web.house, pairing.token, lambda talk: replace(talk, **{**values, **changes})) is not None


def test_a_colleague_is_asked_and_the_page_says_how_far_that_is(web: WebHouse, desk: Desk) -> None:
    pairing = talking(web)
    assert "Nobody there is free" in desk.post("transfer", where="queue", how="ask:support")
    web.agent("bea", status=AgentStatus.AVAILABLE)
    for where, how in (("agent", "ask:bea"), ("queue", "ask:support")):
        assert "nothing has changed" in desk.post("transfer", where=where, how=how), "she can be asked again"
    assert desk.refused("transfer", where="agent", how="push:bea") == 422
    now = web.clock.now()
    asking(web, pairing)
    page = desk.page()
    assert "Ringing Bea" in page
    assert "Connect them" not in page
    assert "Back to the caller" in page
    asking(web, pairing, other_leg=CallSid("CA9"), other_at=now)
    assert "Connect them" in (page := desk.page())
    assert "Talking with Bea" in page
    assert "nothing has changed" in desk.post("connect")
    asking(web, pairing, stage=Stage.JOIN, wish=Wish.NONE, other_room=1, other_leg=CallSid("CA9"))
    assert "All three on the line" in (page := desk.page())
    assert "Leave them to it" in page
    assert "your caller stays with Bea" in page
    asking(web, pairing, stage=Stage.NONE, wish=Wish.NONE, came_to=CameTo.MISSED, asked_at=now - timedelta(seconds=3))
    assert "Nobody answered." in (page := desk.page())
    assert "Asking the telephone network" in page
    for act in ("back", "connect"):
        assert "not on a call" in desk.post(act)


def test_whoever_is_asked_sees_whose_caller_it_is(web: WebHouse, desk: Desk) -> None:
    web.agent("bea", status=AgentStatus.AVAILABLE)
    pairing = web.line.reservation(talking(web).token)
    assert pairing is not None
    talk = talks.begin(web.house, pairing)
    assert talk is not None
    token = handed.reserve(web.house, talk, AgentKey("bea"), QueueKey("support"))
    assert token is not None
    other = Desk(web, "bea")
    page = other.page()
    assert "Ann would like to talk with you about this caller" in page
    assert "+1 201-555-0142" in page
    web.line.bridge(token, now=web.clock.now(), agent_leg=CallSid("CA9"))
    assert "Talking with Ann" in (page := other.page())
    assert "Transfer" not in page.split('id="now"')[1].split('id="wrap-up"')[0]
    other.post("hang-up")
    assert "CA9" in str(web.dispatch.asked)


@pytest.mark.parametrize(
    ("number", "told"),
    [("+12015550100", "one of our own"), ("+12015550171", "asked never to be rung"),
     ("+12015550172", "limit for calls"), ("+19005550123", "cannot be rung from here")],
)  # fmt: skip
def test_why_a_number_is_not_rung_is_said(web: WebHouse, desk: Desk, number: str, told: str) -> None:
    pairing = talking(web)
    with web.store.begin() as work:
        now = web.clock.now()
        work.suppress("+12015550171", "test", now)
        queue, entry = QueueKey("support"), pairing.entry
        work.put_talk(Talk(Token("rs-old"), ANN, queue, entry, LEG, LEG, now, to="+12015550172", outside=20))
    for how in ("ask", "send"):
        assert told in desk.post("transfer", where="number", how=how, to=number)


@pytest.mark.parametrize("cap", ["outside_per_number", "outside_per_agent"])
def test_a_house_that_rings_nobody_outside_says_so_and_names_no_day(web: WebHouse, cap: str) -> None:
    web.house = replace(web.house, knobs=replace(web.house.knobs, **{cap: 0}))
    web.app = create_app(web.house, web.options)
    desk = Desk(web)
    talking(web)
    assert "switched off here" in desk.page("/transfer")
    assert 'id="to-number"' not in desk.page("/transfer")
    told = desk.post("transfer", where="number", how="ask", to="+12015550172")
    assert "switched off here" in told
    assert "for today" not in told


# --- what is written down -------------------------------------------------------------------------------------------


def test_what_came_of_a_talk_is_written_down_and_changed_until_the_end_of_the_day(web: WebHouse, desk: Desk) -> None:
    pairing = talking(web)
    desk.post(f"talks/{pairing.token}", code="solved", resolved="yes", notes="wants a refund")
    assert web.line.agent(ANN).status is AgentStatus.BUSY
    over(web, pairing)
    assert "wants a refund" in desk.page("/wrap-up")
    page = desk.page(f"/talks/{pairing.token}")
    assert "wants a refund" in page
    desk.post(f"talks/{pairing.token}", code="to be continued", resolved="no", notes="")
    with web.store.look() as work:
        saved = work.wrap_up(pairing.token)
    assert saved is not None
    assert (saved.code, saved.resolved, saved.notes) == ("to be continued", False, "")
    assert web.line.agent(ANN).status is AgentStatus.WRAP_UP, "writing it down ends nothing"
    web.clock.advance(86_400)
    late = Desk(web)
    assert late.refused(f"talks/{pairing.token}", code="solved", resolved="yes", notes="") == 404
    assert late.client.get(f"/agent/talks/{pairing.token}").status_code == 404


def test_nobody_writes_about_the_talk_of_another(web: WebHouse, desk: Desk) -> None:
    web.agent("bea")
    pairing = talking(web)
    over(web, pairing)
    other = Desk(web, "bea")
    assert other.refused(f"talks/{pairing.token}", code="solved", resolved="", notes="") == 404
    assert other.client.get(f"/agent/talks/{pairing.token}").status_code == 404
    assert desk.refused(f"talks/{pairing.token}", code="no such code", resolved="", notes="") == 422
    assert desk.refused(f"talks/{pairing.token}", code="", resolved="perhaps", notes="") == 422
    assert desk.refused(f"talks/{pairing.token}", code="", resolved="", notes="x" * 4001) == 422


def test_a_script_gets_only_the_word_that_it_is_saved(web: WebHouse, desk: Desk) -> None:
    pairing = talking(web)
    form = {"code": "solved", "resolved": "", "notes": "", "csrf_token": desk.token}
    answer = desk.client.post(f"/agent/talks/{pairing.token}", data=form, headers={"HX-Request": "true"})
    assert "Saved at" in answer.get_data(as_text=True)
    assert "<html" not in answer.get_data(as_text=True)


# --- the day --------------------------------------------------------------------------------------------------------


def test_the_days_figures_stand_beside_yesterdays(web: WebHouse, desk: Desk) -> None:
    pairing = talking(web)
    with web.store.begin() as work:
        began = web.clock.now()
        work.put_talk(Talk(pairing.token, ANN, QueueKey("support"), pairing.entry, LEG, LEG, began, held_s=20.0))
    over(web, pairing)
    desk.post(f"talks/{pairing.token}", code="solved", resolved="yes", notes="")
    web.clock.advance(30)
    desk.post("presence", status="available")
    persist.persist(web.house)
    page = desk.page("/day").split("Your talks today")[0]
    shown = {name: page.split(f'{name}<small')[1].split("<strong>")[1].split("<")[0]
             for name in ("Calls", "Ring", "Talk", "Hold", "Wrap-up", "Handling time", "First contact")}  # fmt: skip
    assert shown == {"Calls": "1", "Ring": "0:05", "Talk": "0:40", "Hold": "0:20", "Wrap-up": "0:30",
                     "Handling time": "1:30", "First contact": "100%"}  # fmt: skip


# --- the telephone --------------------------------------------------------------------------------------------------


def with_phone(web: WebHouse, key: str, contact: str) -> Desk:
    configure.put_agent(web.house, AgentKey(key), name=key.title(), contact=contact, queues=[], by="test")
    return Desk(web, key)


def test_a_telephone_in_the_page_gets_a_token_and_its_doors(web: WebHouse, desk: Desk) -> None:
    soft = with_phone(web, "sof", "client:sof")
    page = soft.client.get("/agent")
    assert "vendor/twilio/twilio.min.js" in page.get_data(as_text=True)
    assert "wss://voice-js.roaming.twilio.com" in page.headers["Content-Security-Policy"]
    assert "microphone=(self)" in page.headers["Permissions-Policy"]
    token = soft.client.get("/agent/token")
    assert token.get_json()["identity"] == "sof"
    assert token.headers["Cache-Control"] == "no-store"
    own = desk.client.get("/agent")
    assert "softphone.js" not in own.get_data(as_text=True)
    assert "twilio" not in own.headers["Content-Security-Policy"]
    assert "microphone=()" in own.headers["Permissions-Policy"]
    assert desk.client.get("/agent/token").status_code == 404


def test_without_a_key_an_agent_is_told_that_the_page_is_no_telephone(
    redis_url: str, sqlite_url: str, clock: ManualClock
) -> None:
    web = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    web.queue()
    soft = with_phone(web, "sof", "client:sof")
    page = soft.client.get("/agent").get_data(as_text=True)
    assert "no key for it is set here" in page
    assert soft.client.get("/agent/token").status_code == 404
    web.close()


LONDON: dict[str, Any] = {
    "timezone": "Europe/London", "weekly": {"mon": [["08:00", "18:00"]]}, "closed_dates": [], "open_dates": [],
}  # fmt: skip


def test_all_of_a_desk_tells_the_time_where_its_agents_queues_are(web: WebHouse) -> None:
    """Their day begins at midnight there; the first queue of the house (Support, in New York) is elsewhere."""
    web.queue("tea", "Tea", ("+12015550177",), hours=LONDON)
    web.agent("zoe", queues=("tea",), status=AgentStatus.AVAILABLE)
    desk = Desk(web, "zoe")
    there = web.clock.now().astimezone(ZoneInfo("Europe/London"))
    page = desk.page()
    assert f"{there:%H:%M:%S}</time>" in page
    assert "(Europe/London)" in page
    assert desk.client.get("/agent/now").headers["Updated"] == f"{there:%H:%M:%S}"
    assert "(America/New York)" in Desk(web).page()
