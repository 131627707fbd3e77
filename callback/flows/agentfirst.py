"""agent_first: the agent is rung and presses their key, then the caller is dialled with the agent on the line.

The two meet in a conference named after the attempt, which ends as soon as one of them leaves.
"""

from dataclasses import replace
from datetime import timedelta

from callback.domain.callback import Attempt, Outcome
from callback.domain.dialogue import HangUp, Prompt, Script, Speak, Step
from callback.domain.errors import NumberBusy
from callback.domain.ids import AttemptId, CallbackId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.domain.policy import Queue
from callback.domain.workday import Unanswered
from callback.flows import account, ask, bridge, reconcile, settle
from callback.flows.book import caller_id
from callback.flows.hook import Hook
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, House, NewCall, OutcomeUnknown, Reservation

UNHEARD = frozenset({"busy", "failed", "no-answer", "canceled", "completed"})


def ring_agent(house: House, attempt: Attempt, queue: Queue, pairing: Reservation) -> None:
    """Ask the carrier for the agent's leg."""
    own = caller_id(house, queue)
    call = NewCall(
        to=house.book.agent(pairing.agent).contact,
        from_=own or "",
        url=house.urls.step("agent/first", a=attempt.id, l=bridge.agents_language(queue)),
        status_url=house.urls.step("agent/first/status", a=attempt.id),
        timeout=queue.policy.ring_timeout_s,
    )
    try:
        sid = house.carrier.create_call(call)
    except OutcomeUnknown as lost:
        account.strained(house, own, account.SILENT, lost)
        return  # if it rings, its document finds the attempt; else the lease lapses and the sweep goes on
    except (CarrierBusy, CarrierStopped) as refused:  # the agent's phone never rang
        ask.carrier_said_no(house, attempt.id, refused, own)
        return
    except CarrierError as error:
        missed(house, attempt, reason=f"the agent's phone could not be rung ({error.code})")
        return
    with house.store.begin() as work:
        work.save_attempt(replace(work.attempt(attempt.id), agent_call=sid))
    account.accepted(house, own)


def missed(house: House, attempt: Attempt, *, reason: str, agent_to: AgentStatus | None = AgentStatus.AWAY) -> None:
    """The agent is away with a notice, unless it was no fault of theirs; the caller, never dialled, is first in line
    again."""
    if attempt.token:
        now = house.clock.now()
        house.line.release(attempt.token, entry_to="due", agent_to=agent_to, reason=reason, now=now)
    settle.attempt_over(house, attempt.id, Outcome.AGENT_MISSED, cause=reason)


def whisper(house: House, hook: Hook) -> Script:
    """The agent picked up: who is next, and the key that starts the dialling."""
    attempt, state = load(house, hook)
    pairing = house.line.reservation(attempt.token) if attempt.token else None
    if pairing is None or state is not State.RESERVED:
        return Script("en", (Speak((Prompt("whisper_gone"),)), HangUp()))
    return bridge.introduce(house, hook, pairing, Step("agent/first/key", {"a": attempt.id}))


def key(house: House, hook: Hook) -> Script:
    """1: wait in the conference while the caller is rung."""
    language = hook.query.get("l", "en")
    if hook.digits != "1":
        if hook.tries < bridge.REPEATS:
            return whisper(house, hook.again())
        return Script(language, (HangUp(),))
    attempt, state = load(house, hook)
    if state is not State.RESERVED or not attempt.token or not keep(house, attempt):
        return Script(language, (Speak((Prompt("whisper_gone"),)), HangUp()))
    house.dispatch.dial_customer(attempt.id)
    room = bridge.room(attempt, after=Step("agent/after", {"r": attempt.token}), role="agent")
    return Script(language, (Speak((Prompt("whisper_ringing"),)), room))


def keep(house: House, attempt: Attempt) -> bool:
    """Renew the lease for as long as the caller's phone may ring."""
    queue = house.book.queue(callback_queue(house, attempt))
    until = house.clock.now() + timedelta(seconds=reconcile.bound_s(house, queue) + bridge.PROMPT_S)
    return attempt.token is not None and house.line.extend(attempt.token, until=until, phase="ringing")


def rung(house: House, pairing: Reservation) -> Attempt | None:
    """The attempt for which this pairing's agent is being rung. None: the caller is, or nobody yet."""
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry))
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    mine = attempt is not None and attempt.token == pairing.token and callback.state is State.RESERVED
    return attempt if mine else None


def callback_queue(house: House, attempt: Attempt) -> QueueKey:
    """The queue of the callback that this attempt is for."""
    with house.store.begin() as work:
        return work.callback(attempt.callback).queue


def load(house: House, hook: Hook) -> tuple[Attempt, State | None]:
    """The attempt and the state of its callback; None where it is superseded. Binds the agent's leg."""
    with house.store.begin() as work:
        attempt = work.attempt(AttemptId(hook.query["a"]))
        callback = work.callback(attempt.callback)
        if attempt.agent_call is None and hook.call:
            attempt = work.save_attempt(replace(attempt, agent_call=hook.call))
    return attempt, callback.state if callback.attempt == attempt.id else None


def dial_customer(house: House, id: AttemptId, *, paced: bool = False, sure: bool = False) -> None:
    """The agent is on the line: now ring the caller, if that is still wanted. `sure` as in `dial.begin`."""
    now = house.clock.now()
    if not paced:
        wait_s = ask.pace_s(house)
        if wait_s:
            house.dispatch.dial_customer(id, delay_s=wait_s, paced=True)
            return
    try:
        with house.store.begin() as work:
            attempt = work.attempt(id)
            callback = work.callback(attempt.callback, lock=True)
            if callback.attempt != id or callback.state is not State.RESERVED:
                return
            queue = house.book.queue(callback.queue)
            if not sure:
                reconcile.rule_out(work, callback.number, reconcile.bound_s(house, queue), now)
            attempt = work.save_attempt(replace(attempt, asked_at=now))
            reason = "the agent is on the line" if attempt.agent else "an agent will probably be free"
            work.move(callback, Event.DIAL, reason=reason, cause=f"attempt {id}", at=now)
    except NumberBusy as busy:  # since the agent was rung
        settle.attempt_over(house, id, Outcome.REFUSED, cause=str(busy), delay=ask.NUMBER_BUSY)
        return
    except reconcile.Unsure as doubt:
        if not reconcile.still_up(house, doubt):
            dial_customer(house, id, paced=True, sure=True)
            return
        settle.attempt_over(house, id, Outcome.REFUSED, cause=str(doubt), delay=reconcile.STILL_UP)
        return
    ask.ask_carrier(house, attempt, callback.number, queue, callback.language)


def after(house: House, hook: Hook) -> Script:
    """The agent is out of the conference: the talk is over, or never was."""
    token = Token(hook.query["r"])
    pairing = house.line.reservation(token)
    if pairing is not None and pairing.phase == "busy":
        outlived = hook.status == "in-progress" or None  # the conference ended, and so it had begun
        settle.talk_over(house, token, caller_there=None, cause=f"call {hook.call}", met=outlived)
    elif pairing is not None:
        agent_left(house, pairing)
    return Script("en", (HangUp(),))


def agent_left(house: House, pairing: Reservation) -> None:
    """The agent hung up while the caller was being rung: the caller, if they answer, waits for another agent. Nobody is
    blamed whose caller had been given up, so that they were let go."""
    with house.store.begin() as work:
        callback = work.callback(CallbackId(pairing.entry))
        attempt = work.attempt(callback.attempt) if callback.attempt else None
    if attempt is None or attempt.token != pairing.token:
        settle.back_in_line(house, callback, pairing.token)
        return
    now = house.clock.now()
    reason = Unanswered.LEFT
    house.line.release(pairing.token, entry_to="gone", agent_to=AgentStatus.AWAY, reason=reason, now=now)


def unreached(_: House, __: Hook) -> Script:
    """The agent's leg, after the caller could not be reached."""
    return Script("en", (Speak((Prompt("whisper_unreached"),)), HangUp()))


def told(house: House, attempt: Attempt) -> None:
    """The agent has heard that nobody comes, and their telephone is free: now the pairing ends."""
    if attempt.token is None or house.line.reservation(attempt.token) is None:
        return
    with house.store.begin() as work:
        callback = work.callback(attempt.callback)
    settle.back_in_line(house, callback, attempt.token)


def status(house: House, hook: Hook) -> None:
    """The agent's leg ended: without a key, the ring was missed; after it, the conference says the rest."""
    if hook.status not in UNHEARD:
        return
    attempt, state = load(house, hook)
    if state is State.RESERVED:
        missed(house, attempt, reason=Unanswered.MISSED)
    elif state is State.BRIDGED and attempt.token:
        settle.talk_over(house, attempt.token, caller_there=None, cause=f"call {hook.call}")
    elif attempt.outcome is not None:
        told(house, attempt)
    elif attempt.token:  # gone before they were in the conference, whose end would have told
        pairing = house.line.reservation(attempt.token)
        if pairing is not None and pairing.phase != "busy":
            agent_left(house, pairing)
