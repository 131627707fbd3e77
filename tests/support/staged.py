"""A house in the middle of its day: two queues, agents in every status, and a caller in every state.

Pages are photographed and judged against it. It stands still: the clock is turned by hand, and nobody works on it.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callback.domain.acts import Doer
from callback.domain.callback import Attempt, Callback, Leg, LegKind, Outcome
from callback.domain.ids import AgentKey, CallbackId, CallSid, EntryId, QueueKey, new_attempt_id
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.domain.said import Moment
from callback.flows import cancel, persist, renumber, users
from callback.ports import ApiToken, SecondStep, Work
from tests.support import counted
from tests.support.predictions import fill
from tests.support.staged_desks import stage_desks
from tests.support.web_house import OWN, WebHouse

SUPPORT = QueueKey("support")
HOURS: dict[str, Any] = {
    "timezone": "Europe/London",
    "weekly": {day: [["08:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "holidays": "GB",
    "closed_dates": [],
    "open_dates": [],
}
AGENTS = (
    ("ann", AgentStatus.AVAILABLE), ("bob", AgentStatus.AVAILABLE), ("chen", AgentStatus.AVAILABLE),
    ("dora", AgentStatus.AWAY), ("eve", AgentStatus.OFFLINE),
)  # fmt: skip
A_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NAMES = ("Ada Lovelace", "王小明", "Zoë Müller", "", "Grace Hopper", "李娜", "", "Alan Turing")


@dataclass
class Staged:
    """Whom a page of one person is shown by: the callback of each state, the call on hold, what was set aside."""

    web: WebHouse
    by_state: dict[str, Callback] = field(default_factory=dict)
    call: str = ""
    held: str = ""
    talk: str = ""
    welcome: str = ""


def stage(web: WebHouse) -> Staged:
    """Puts everybody into an empty house."""
    staged = Staged(web)
    web.numbers.own("+12015550100", voice_url=f"{web.options.public_base_url}/voice/incoming?queue=support")
    web.numbers.own("+12015550101", voice_url="https://elsewhere.example/voice")
    web.numbers.own("+12015550199")
    web.queue("support", "Support", hours=HOURS, offer_at_wait_s=120, stop_offering_at_wait_s=60)
    web.queue("billing", "账单 Billing", ("+12015550101",), accepting=False)
    web.queue("sales", "Sales", ("+12015550102",), offer_at_waiting=4)
    _agents(web)
    fill(web.store, web.clock, 40, actual_s=130)
    fill(web.store, web.clock, 20, actual_s=700, moment=Moment.PROMISE)
    counted.fill(web.store, web.clock.now(), days=60, queues=("support", "sales"), zone=ZoneInfo("Europe/London"))
    _line(staged)
    _ended(staged)
    _aside(staged)
    stage_desks(web)
    _users(staged)
    web.wait(137)
    return staged


def _agents(web: WebHouse) -> None:
    for key, status in AGENTS:
        web.agent(key, queues=("support", "sales"))
        if status is not AgentStatus.OFFLINE:
            web.agent(key, queues=("support", "sales"), status=status)


def _users(staged: Staged) -> None:
    """Somebody invited, somebody shut out, somebody and somebody between two steps."""
    web = staged.web
    now = web.clock.now()
    staged.welcome = users.invite(web.house, Doer("test"), "ada@example.com", role="supervisor", agent=None).token
    for email, role in (
        ("gone@example.com", "viewer"),
        ("viewer@example.com", "viewer"),
        ("half@example.com", "viewer"),
    ):
        web.user(email, role)
    users.disable(web.house, Doer("test"), "gone@example.com")
    with web.store.begin() as work:
        work.put_second_step(SecondStep("half@example.com", A_SECRET, confirmed_at=now))
        work.put_token(ApiToken("crm", "viewer", "0" * 64, used_at=now))
        work.put_token(ApiToken("ann", "agent", "1" * 64, AgentKey("ann")))


def _line(staged: Staged) -> None:
    """Two are paired with agents, one of them talks; then the line grows."""
    web = staged.web
    for at in range(3):
        staged.call = web.caller()
        _known_leg(web, staged.call, f"+1201555{4100 + at}")
        web.wait(20)
    talking = next(view for view in web.line.agents() if view.token)
    staged.talk = talking.token or ""
    if talking.token:
        web.line.bridge(talking.token, now=web.clock.now())
    persist.persist(web.house)
    for at, name in enumerate(NAMES):
        made = web.promise(f"+1201555{4200 + at}", name=name, language="zh" if at % 3 == 1 else "en")
        staged.by_state["waiting"] = made
        if at % 3 == 0:
            staged.call = web.caller()
            _known_leg(web, staged.call, f"+1201555{4300 + at}")
        web.wait(45)
    web.promise("+12015554400", queue="sales", name="Katherine Johnson")
    asked = web.clock.now() + timedelta(hours=3)
    staged.by_state["scheduled"] = web.promise("+12015554401", requested_for=asked, name="Barbara Liskov")
    staged.by_state["changing"] = web.promise("+12015554402", queue="sales", name="Katherine Johnson")
    renumber.begin(web.house, staged.by_state["changing"], "+12015554403")


def _known_leg(web: WebHouse, call: str, number: str) -> None:
    now = web.clock.now()
    with web.store.begin() as work:
        work.put_leg(Leg(CallSid(call), LegKind.INBOUND, SUPPORT, "waiting", number, now, joined_at=now, language="en"))


def _ended(staged: Staged) -> None:
    """One of each state that a page can show."""
    number = iter(range(4500, 4600))

    def new() -> Callback:
        return staged.web.promise(f"+1201555{next(number)}", name="Edsger Dijkstra")

    ways: dict[str, tuple[Event, ...]] = {
        "dialing": (Event.RESERVE, Event.DIAL),
        "answered": (Event.RESERVE, Event.DIAL, Event.ANSWER),
        "bridged": (Event.RESERVE, Event.DIAL, Event.ANSWER, Event.BRIDGE),
        "completed": (Event.RESERVE, Event.DIAL, Event.ANSWER, Event.BRIDGE, Event.COMPLETE),
        "unreached": (Event.RESERVE, Event.DIAL, Event.EXHAUST),
        "missed": (Event.RESERVE, Event.DIAL, Event.MISS),
        "failed": (Event.UNDIALABLE,),
        "expired": (Event.EXPIRE,),
    }
    for word, events in ways.items():
        staged.by_state[word] = _led(staged.web, new(), events)
    staged.by_state["torn"] = _led(staged.web, new(), ways["completed"])
    staged.web.tear(staged.by_state["torn"].id)
    gone = new()
    staged.by_state["cancelled"] = cancel.cancel(staged.web.house, gone.id, reason="asked for", cause="test")


def _led(web: WebHouse, callback: Callback, events: tuple[Event, ...]) -> Callback:
    """Along these events, in the record; out of the line unless it ends there."""
    with web.store.begin() as work:
        attempt = _attempt(work, web, callback, events) if Event.DIAL in events else None
        for event in events:
            callback = _moved(work, web, callback, event, attempt)
    if callback.state is not State.WAITING:
        web.line.leave(EntryId(callback.id), reason="no longer needed", now=web.clock.now())
    return callback


def _moved(work: Work, web: WebHouse, callback: Callback, event: Event, attempt: Attempt | None) -> Callback:
    now = web.clock.now()
    ends = event in {Event.COMPLETE, Event.EXHAUST, Event.EXPIRE, Event.UNDIALABLE}
    changed = replace(
        callback,
        attempt=attempt.id if attempt and not ends and event is not Event.MISS else None,
        attempts_made=1 if attempt else 0,
        attempts_left=0 if event is Event.EXHAUST else callback.attempts_left,
        ended_at=now if ends else None,
        end_reason=str(event) if ends else "",
        next_attempt_at=now + timedelta(minutes=15) if event is Event.MISS else None,
    )
    return work.move(changed, event, reason="no longer needed", cause="test", at=now) or callback


def _attempt(work: Work, web: WebHouse, callback: Callback, events: tuple[Event, ...]) -> Attempt:
    now = web.clock.now()
    over = events[-1] in {Event.COMPLETE, Event.EXHAUST, Event.MISS}
    outcome = Outcome.TALKED if Event.COMPLETE in events else Outcome.NO_ANSWER
    return work.add_attempt(
        Attempt(
            new_attempt_id(), callback.id, 1, "customer_first", now, agent=AgentKey("ann"), asked_at=now,
            answered_at=now + timedelta(seconds=9) if Event.ANSWER in events else None,
            ended_at=now + timedelta(seconds=30) if over else None, outcome=outcome if over else None,
        )
    )  # fmt: skip


def _aside(staged: Staged) -> None:
    web = staged.web
    made = web.promise("+12015554600", name="Held")
    web.line.leave(EntryId(made.id), reason="held", now=web.clock.now())
    with web.store.begin() as work:
        failures = [
            work.note_failure(
                "callback", made.id, queue="support", step="dialling", reason="RuntimeError: a defect over …",
                at=web.clock.now(), hold_at=3,
            ) for _ in range(3)
        ]  # fmt: skip
    staged.held = failures[-1].id
    staged.by_state["held"] = replace(made, id=CallbackId(made.id))


__all__ = ["OWN", "SUPPORT", "Staged", "stage"]
