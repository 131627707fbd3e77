"""One request of the carrier for each step that we hand out, made ready by the call that leads to it.

Whoever adds a step adds its request here: tests compare these with the table of steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from callback.domain.acts import Doer
from callback.domain.desk import Wish
from callback.domain.ids import AgentKey
from callback.emulator.twiml import Mode
from callback.flows import consult, parted, ring_test, transfer
from tests.support.house import ACCOUNT, BASE, StagedHouse
from tests.support.legs import Leg, Word


@dataclass(frozen=True)
class Ready:
    """A request that the carrier is about to send, and where its document is executed."""

    url: str
    form: dict[str, str]
    mode: Mode = Mode.CALL


def _offered(staged: StagedHouse, **policy: object) -> Leg:
    staged.queue(**policy)  # type: ignore[arg-type]
    return staged.ring_in()


def _pressing(leg: Leg, digits: str) -> Ready:
    mode = Mode.WAIT if leg.queue is not None else Mode.CALL
    return Ready(leg.document.only("Gather").get("action"), leg.form(Digits=digits), mode)


def _told(word: Word | None) -> Ready:
    assert word is not None
    return Ready(*word)


def incoming(staged: StagedHouse) -> Ready:
    staged.queue()
    return Ready(f"{BASE}/voice/incoming?queue=support", staged.arriving().form())


def offer(staged: StagedHouse) -> Ready:
    return _pressing(_offered(staged), "1")


def confirm(staged: StagedHouse) -> Ready:
    leg = _offered(staged)
    leg.press("1")
    return _pressing(leg, "1")


def number(staged: StagedHouse) -> Ready:
    leg = _offered(staged)
    leg.press("1")
    leg.press("2")
    return _pressing(leg, "2015550124")


def later(staged: StagedHouse) -> Ready:
    leg = _offered(staged)
    leg.press("3")
    return _pressing(leg, "2")


def already(staged: StagedHouse) -> Ready:
    staged.queue()
    staged.promise()
    return _pressing(staged.ring_in(), "2")


def wait(staged: StagedHouse) -> Ready:
    staged.queue()
    leg = staged.holding()
    assert leg.queue is not None
    return Ready(leg.queue.get("waitUrl"), leg.form(QueuePosition="1"), Mode.WAIT)


def held(staged: StagedHouse) -> Ready:
    staged.queue()
    return _pressing(staged.holding(), "")


def left(staged: StagedHouse) -> Ready:
    staged.queue()
    leg = staged.holding()
    assert leg.queue is not None
    return Ready(leg.queue.get("action"), leg.form(QueueResult="leave"))


def connect(staged: StagedHouse) -> Ready:
    staged.queue()
    leg = staged.holding()
    staged.agent()
    staged.dispatch.run_all(staged.house)
    return Ready(staged.carrier.redirected[-1][1], leg.form())


def back(staged: StagedHouse) -> Ready:
    staged.queue()
    leg = staged.holding()
    assert leg.queue is not None
    return Ready(leg.queue.get("waitUrl").replace("/voice/wait", "/voice/back"), leg.form())


def _agent_rung(staged: StagedHouse) -> Leg:
    staged.queue()
    staged.agent()
    return staged.ring_in()


def dialled(staged: StagedHouse) -> Ready:
    leg = _agent_rung(staged)
    return Ready(leg.document.only("Dial").get("action"), leg.form(DialCallStatus="no-answer"))


def agent_whisper(staged: StagedHouse) -> Ready:
    agent = _agent_rung(staged).agent()
    return Ready(agent.url, agent.form(), Mode.WHISPER)


def agent_key(staged: StagedHouse) -> Ready:
    agent = _agent_rung(staged).agent()
    agent.pick_up()
    return Ready(agent.document.only("Gather").get("action"), agent.form(Digits="1"), Mode.WHISPER)


def agent_status(staged: StagedHouse) -> Ready:
    leg = _agent_rung(staged)
    agent = staged.talking(leg)
    staged.wait(60)
    return _told(agent.report("completed"))


def _agent_first(staged: StagedHouse) -> Leg:
    staged.queue(dial_mode="agent_first")
    staged.agent(free=False)
    staged.promise()
    staged.available()
    staged.work()
    return staged.outgoing()


def agent_first(staged: StagedHouse) -> Ready:
    agent = _agent_first(staged)
    agent.ring()
    return Ready(agent.url, agent.form(CallStatus="in-progress"))


def agent_first_key(staged: StagedHouse) -> Ready:
    agent = _agent_first(staged)
    agent.answer()
    return _pressing(agent, "1")


def agent_first_status(staged: StagedHouse) -> Ready:
    return _told(_agent_first(staged).report("no-answer"))


def agent_after(staged: StagedHouse) -> Ready:
    agent = _agent_first(staged)
    agent.answer()
    agent.press("1")
    return Ready(agent.document.only("Dial").get("action"), agent.form(DialCallStatus="completed"))


def agent_met_status(staged: StagedHouse) -> Ready:
    agent = _agent_first(staged)
    agent.answer()
    agent.press("1")
    staged.work()
    leg = staged.outgoing()
    leg.answer()
    leg.press("1")
    assert agent.dial is not None
    return _told(agent.conference_starts())


def _parted(staged: StagedHouse) -> tuple[Leg, Leg]:
    """A talk whose agent has just put the caller on hold: neither leg has noticed."""
    leg = _agent_rung(staged)
    agent = leg.agent()
    agent.sid = staged.carrier.receive(to=agent.to, from_=agent.from_)
    staged.legs[agent.sid] = agent
    agent.pick_up()
    agent.press("1")
    staged.wait(60)
    assert parted.hold(staged.house, AgentKey("ann")) is parted.Said.DONE
    return leg, agent


def desk_room(staged: StagedHouse) -> Ready:
    _, agent = _parted(staged)
    return Ready(staged.carrier.redirected[-1][1], agent.form())


def desk_after(staged: StagedHouse) -> Ready:
    _, agent = _parted(staged)
    staged.follow()
    assert agent.dial is not None
    return Ready(agent.dial.get("action"), agent.form(DialCallStatus="completed"))


def desk_caller(staged: StagedHouse) -> Ready:
    leg, _ = _parted(staged)
    staged.follow()
    leg.dial_ends()
    return _pressing(leg, "")


def desk_forwarded(staged: StagedHouse) -> Ready:
    leg, _ = _parted(staged)
    staged.follow()
    transfer.pass_on(staged.house, AgentKey("ann"), Wish.NUMBER, "+12025550177")
    leg.dial_ends()
    return Ready(leg.document.only("Dial").get("action"), leg.form(DialCallStatus="no-answer"))


def _asking(staged: StagedHouse) -> tuple[Leg, Leg]:
    """ann, whose caller is on hold, is about to ring bea."""
    leg, agent = _parted(staged)
    staged.follow()
    leg.dial_ends()
    staged.agent("bea")
    assert transfer.consult(staged.house, AgentKey("ann"), Wish.AGENT, "bea") is parted.Said.DONE
    return leg, agent


def _asked(staged: StagedHouse) -> tuple[Leg, Leg]:
    """bea's telephone rings for ann."""
    _, agent = _asking(staged)
    staged.follow()
    other = agent.agent()
    other.sid = staged.carrier.receive(to=other.to, from_=other.from_)
    staged.legs[other.sid] = other
    return agent, other


def desk_consult(staged: StagedHouse) -> Ready:
    _, agent = _asking(staged)
    return Ready(staged.carrier.redirected[-1][1], agent.form())


def desk_consulted(staged: StagedHouse) -> Ready:
    agent, _ = _asked(staged)
    assert agent.dial is not None
    return Ready(agent.dial.get("action"), agent.form(DialCallStatus="no-answer"))


def desk_other(staged: StagedHouse) -> Ready:
    _, other = _asked(staged)
    return Ready(other.url, other.form(), Mode.WHISPER)


def desk_other_key(staged: StagedHouse) -> Ready:
    _, other = _asked(staged)
    other.pick_up()
    return replace(_pressing(other, "1"), mode=Mode.WHISPER)


def desk_other_joined(staged: StagedHouse) -> Ready:
    _, agent = _parted(staged)
    staged.follow()
    assert transfer.consult(staged.house, AgentKey("ann"), Wish.NUMBER, "+12025550177") is parted.Said.DONE
    staged.follow()
    other = agent.agent()
    return Ready(other.url, other.form(), Mode.WHISPER)


def desk_other_room(staged: StagedHouse) -> Ready:
    _, other = _asked(staged)
    other.pick_up()
    other.press("1")
    assert consult.connect(staged.house, AgentKey("ann")) is parted.Said.DONE
    return Ready(staged.carrier.redirected[-1][1], other.form())


def desk_other_after(staged: StagedHouse) -> Ready:
    ready = desk_other_room(staged)
    other = staged.legs[staged.carrier.redirected[-1][0]]
    other.ask(ready.url)
    assert other.dial is not None
    return Ready(other.dial.get("action"), other.form(DialCallStatus="completed"))


def agent_unreached(staged: StagedHouse) -> Ready:
    agent = _agent_first(staged)
    agent.answer()
    return Ready(staged.house.urls.step("agent/unreached"), agent.form())


def _ring_test(staged: StagedHouse) -> Leg:
    staged.queue()
    ring_test.ring(staged.house, staged.agent(), Doer("ada@example.com", "admin"))
    return staged.outgoing()


def agent_test(staged: StagedHouse) -> Ready:
    leg = _ring_test(staged)
    leg.ring()
    return Ready(leg.url, leg.form(CallStatus="in-progress"))


def agent_test_key(staged: StagedHouse) -> Ready:
    leg = _ring_test(staged)
    leg.answer()
    return _pressing(leg, "1")


def agent_test_status(staged: StagedHouse) -> Ready:
    return _told(_ring_test(staged).report("no-answer"))


def fallback(staged: StagedHouse) -> Ready:
    staged.queue()
    leg = staged.holding()
    assert leg.queue is not None
    url = staged.house.urls.step("fallback")
    return Ready(url, leg.form(ErrorUrl=leg.queue.get("action"), ErrorCode="11200"))


def callback(staged: StagedHouse) -> Ready:
    leg = staged.called()
    return Ready(leg.url, leg.form(CallStatus="in-progress"))


def callback_key(staged: StagedHouse) -> Ready:
    leg = staged.called()
    leg.answer()
    return _pressing(leg, "1")


def status(staged: StagedHouse) -> Ready:
    return _told(staged.called().report("no-answer"))


def inbound_status(staged: StagedHouse) -> Ready:
    staged.queue()
    return _told(staged.ring_in().report("completed"))


def sms(staged: StagedHouse) -> Ready:
    staged.queue()
    staged.promise()
    url = staged.carrier.texts[-1].status_url
    return Ready(url, {"MessageSid": "SM1", "MessageStatus": "delivered", "AccountSid": ACCOUNT})


REQUESTS: dict[str, Callable[[StagedHouse], Ready]] = {
    "incoming": incoming,
    "offer": offer,
    "confirm": confirm,
    "number": number,
    "later": later,
    "already": already,
    "wait": wait,
    "held": held,
    "left": left,
    "connect": connect,
    "back": back,
    "dialled": dialled,
    "agent/whisper": agent_whisper,
    "agent/key": agent_key,
    "agent/first": agent_first,
    "agent/first/key": agent_first_key,
    "agent/after": agent_after,
    "agent/met/status": agent_met_status,
    "agent/unreached": agent_unreached,
    "agent/test": agent_test,
    "agent/test/key": agent_test_key,
    "desk/room": desk_room,
    "desk/after": desk_after,
    "desk/caller": desk_caller,
    "desk/forwarded": desk_forwarded,
    "desk/consult": desk_consult,
    "desk/consulted": desk_consulted,
    "desk/other": desk_other,
    "desk/other/key": desk_other_key,
    "desk/other/joined": desk_other_joined,
    "desk/other/room": desk_other_room,
    "desk/other/after": desk_other_after,
    "fallback": fallback,
    "callback": callback,
    "callback/key": callback_key,
    "status": status,
    "inbound/status": inbound_status,
    "agent/status": agent_status,
    "agent/test/status": agent_test_status,
    "agent/first/status": agent_first_status,
    "sms": sms,
}
