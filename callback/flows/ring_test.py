"""An agent's telephone is rung to see whether calls would reach them: they answer and press 1, as for a caller.

It goes the way of every leg to an agent: the same request to the carrier, at the same shared pace, with documents and
reports that come back to our own address. So what is proved is the whole way there and back. What happened is told by
the audit log alone: who asked for the ring, and what arrived here of it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from callback.domain.acts import Act, Doer, What, act, contact_masked
from callback.domain.callback import Agent
from callback.domain.dialogue import Ask, HangUp, Prompt, Script, Speak, Step
from callback.domain.errors import CallbackError
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Queue
from callback.flows import account, ask, bridge
from callback.flows.book import caller_id
from callback.flows.hook import Hook
from callback.ports import CarrierError, House, NewCall, Work

AN_HOUR = 5
"""So often one agent is rung for a test within an hour."""
A_DAY = 40
"""And all of them within a day: a test is no way to have the house ring strangers."""
RING_S = 25
SILENT_AFTER = timedelta(seconds=RING_S + 20)
"""When nothing arrived here for so long after the carrier was asked, nothing will."""
LONGEST_PACE_S = 3.0
"""The longest that somebody at a page waits for the carrier's pace."""
RINGS = "test rings"
"""What everybody counts and writes down by turns."""
OVER = frozenset({"busy", "failed", "no-answer", "canceled", "completed"})


class Refusal(StrEnum):
    """Why a telephone is not rung now."""

    TOO_OFTEN = "too_often"
    BUSY = "busy"  # they are in a call
    NO_NUMBER = "no_number"  # there is none to ring from
    PACE = "pace"  # the carrier has too much to do
    CARRIER = "carrier"  # it refused


class NotRung(CallbackError):
    """A telephone was not rung. `why` says it to people, `detail` is the carrier's own word."""

    def __init__(self, why: Refusal, detail: str = "") -> None:
        super().__init__(f"the telephone was not rung: {why} {detail}".rstrip())
        self.why, self.detail = why, detail


class Heard(StrEnum):
    """What arrived here of a test ring."""

    ANSWERED = "answered"
    PRESSED = "pressed"
    ENDED = "ended"


@dataclass(frozen=True)
class Ring:
    """The last test of an agent's telephone. `how` it ended is the carrier's last word; `current`: the telephone is
    still the one that was rung."""

    at: datetime
    answered_at: datetime | None = None
    pressed_at: datetime | None = None
    ended_at: datetime | None = None
    how: str = ""
    current: bool = True

    @property
    def proved(self) -> bool:
        """Whether calls reach this agent, as far as a test can tell."""
        return self.pressed_at is not None and self.current

    def going_on(self, now: datetime) -> bool:
        """Whether more may arrive."""
        return self.pressed_at is None and self.ended_at is None and now - self.at < SILENT_AFTER


# --- asking -----------------------------------------------------------------------------------------------------


def ring(house: House, key: AgentKey, doer: Doer) -> None:
    """Have it rung. Raises NotFound, NotRung."""
    with house.store.look() as work:
        agent = work.agent(key)
        queue = first_queue(work.queues(), agent)
    own = rings_from(house, queue)
    if own is None:
        raise NotRung(Refusal.NO_NUMBER)
    if house.line.agent(key).status in (AgentStatus.RESERVED, AgentStatus.BUSY):
        raise NotRung(Refusal.BUSY)
    if house.line.pace_ahead(ask.PACE, now=house.clock.now()) > LONGEST_PACE_S:
        raise NotRung(Refusal.PACE)
    test = secrets.token_urlsafe(9)
    noted(house, agent, test, doer)
    keep_pace(house)
    call = NewCall(
        to=agent.contact,
        from_=own,
        url=house.urls.step("agent/test", g=key, i=test, l=language_of(queue)),
        status_url=house.urls.step("agent/test/status", g=key, i=test),
        timeout=RING_S,
    )
    try:
        house.carrier.create_call(call)
    except CarrierError as error:
        account.noticed(house, own, error)
        tell(house, key, test, Heard.ENDED, "", how=f"refused {error.code}")
        raise NotRung(Refusal.CARRIER, str(error.code or error)) from error
    account.accepted(house, own)


def first_queue(queues: list[Queue], agent: Agent) -> Queue | None:
    """For which they are rung: the first that they serve, else the first there is."""
    serves = {one.queue for one in agent.queues}
    return next((queue for queue in queues if queue.key in serves), queues[0] if queues else None)


def rings_from(house: House, queue: Queue | None) -> str | None:
    """The number that calls back; before one leads anywhere, the first of the account."""
    own = house.knobs.caller_id if queue is None else caller_id(house, queue)
    if own is not None:
        return own
    try:
        found = house.numbers.all()
    except CarrierError as error:
        raise NotRung(Refusal.CARRIER, str(error.code or error)) from error
    return found[0].number if found else None


def language_of(queue: Queue | None) -> str:
    """What they are spoken to in."""
    return bridge.agents_language(queue) if queue else "en"


def keep_pace(house: House) -> None:
    """Take a place in the carrier's pace: of a ring that may be, since a place that is taken is nobody else's."""
    wait_s = ask.pace_s(house)
    if wait_s:
        house.pause(wait_s)


def noted(house: House, agent: Agent, test: str, doer: Doer) -> None:
    """In the audit log, before the carrier is asked: two who ask at once are counted one after the other. Raises
    NotRung where it was asked too often lately."""
    now = house.clock.now()
    with house.store.begin() as work:
        work.alone(RINGS)
        lately = work.acts(what=What.AGENT_RING, since=now - timedelta(days=1), limit=A_DAY)
        theirs = [one for one in lately if one.subject == agent.key and one.at > now - timedelta(hours=1)]
        if len(lately) >= A_DAY or len(theirs) >= AN_HOUR:
            raise NotRung(Refusal.TOO_OFTEN)
        after = {"contact": contact_masked(agent.contact), "test": test}
        work.act(act(doer, What.AGENT_RING, agent.key, now, after=after))


# --- what arrives -----------------------------------------------------------------------------------------------


def answered(house: House, hook: Hook) -> Script:
    """Somebody or something picked up: what this is, and the key that proves a person."""
    if not hook.tries:
        tell(house, AgentKey(hook.query["g"]), hook.query["i"], Heard.ANSWERED, hook.call)
    again = {name: hook.query[name] for name in ("g", "i", "l")} | {"t": str(hook.tries)}
    told = (Prompt("ring_test"), Prompt("ring_test_key"))
    return Script(hook.query["l"], (Ask(told, Step("agent/test/key", again)),))


def key(house: House, hook: Hook) -> Script:
    """1: calls reach them. Anything else is asked once more."""
    language = hook.query["l"]
    if hook.digits == "1":
        tell(house, AgentKey(hook.query["g"]), hook.query["i"], Heard.PRESSED, hook.call)
        return Script(language, (Speak((Prompt("ring_test_done"),)), HangUp()))
    if hook.tries < bridge.REPEATS:
        return answered(house, hook.again())
    return Script(language, (Speak((Prompt("no_key"),)), HangUp()))


def status(house: House, hook: Hook) -> None:
    """The leg ended."""
    if hook.status in OVER:
        tell(house, AgentKey(hook.query["g"]), hook.query["i"], Heard.ENDED, hook.call, how=hook.status)


def tell(house: House, key: AgentKey, test: str, heard: Heard, call: str, *, how: str = "") -> None:
    """What arrived, once, by the telephone's own hand."""
    now = house.clock.now()
    after = {"test": test, "heard": str(heard)} | ({"how": how} if how else {})
    with house.store.begin() as work:
        work.alone(RINGS)
        if any(one.after == after for one in of_agent(work, key)):
            return
        cause = f"call {call}" if call else ""
        work.act(act(Doer(f"agent:{key}", "agent"), What.AGENT_RANG, key, now, after=after, cause=cause))


# --- looking back -----------------------------------------------------------------------------------------------


def last(house: House, agent: Agent) -> Ring | None:
    """The last test of an agent's telephone; None: there was none."""
    with house.store.look() as work:
        return last_of(of_agent(work, agent.key), agent)


def of_agent(work: Work, key: AgentKey) -> list[Act]:
    """What the audit log tells of them lately, newest first."""
    return work.acts(subject=key, limit=40)


def last_of(acts: list[Act], agent: Agent) -> Ring | None:
    """The same from what the audit log tells of them, newest first."""
    asked = next((one for one in acts if one.what == What.AGENT_RING), None)
    if asked is None:
        return None
    test = values(asked).get("test")
    heard = {values(one)["heard"]: one for one in acts if one.what == What.AGENT_RANG and values(one)["test"] == test}
    at = {name: one.at for name, one in heard.items()}
    ended = heard.get(Heard.ENDED)
    return Ring(
        at=asked.at,
        answered_at=at.get(Heard.ANSWERED),
        pressed_at=at.get(Heard.PRESSED),
        ended_at=at.get(Heard.ENDED),
        how=str(values(ended).get("how", "")) if ended else "",
        current=values(asked).get("contact") == contact_masked(agent.contact) and not moved_since(acts, asked),
    )


def moved_since(acts: list[Act], asked: Act) -> bool:
    """Whether their telephone was changed after that."""
    saved = (one for one in acts if one.what == What.AGENT_SAVE and one.seq > asked.seq)
    return any("contact" in values(one) for one in saved)


def values(act: Act) -> Mapping[str, object]:
    """What an act left behind."""
    return act.after or {}
