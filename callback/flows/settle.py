"""The outcome is recorded: the talk is over, or the attempt is, and the promise is kept, tried again, or given up.

Every function may run twice, late, or beside itself: the record's guarded moves and the line's fencing tokens let one
win, and the others change nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from callback.domain import retry
from callback.domain.callback import Attempt, Callback, Outcome, Text
from callback.domain.desk import PASSED, Stage, Talk
from callback.domain.ids import AttemptId, CallbackId, CallSid, EntryId, Token, is_callback, new_token
from callback.domain.lifecycle import ENDS, AgentStatus, CallState, Event, State
from callback.domain.workday import Unanswered
from callback.flows import handed, match, talks, together
from callback.flows.book import NO_QUEUE
from callback.flows.hook import Place
from callback.flows.text import compose
from callback.flows.together import Met
from callback.ports import Appointment, CarrierError, House, Reservation, Work

TOLD_WITHIN = timedelta(seconds=15)
"""An agent who waited for a caller has heard by then that nobody comes."""


class Ending(Enum):
    """How a talk ended, for the promise that it was to keep."""

    OVER = auto()  # kept
    CUT_OFF = auto()  # the agent's side fell away: the caller is back at the front
    ALONE = auto()  # there was no agent any more when the caller came, who hung up in the end: promised still
    UNKNOWN = auto()  # whether there was one, only the carrier knows, which cannot be asked now


@dataclass(frozen=True)
class Told:
    """What whoever reports the end of a talk knows of it."""

    caller_there: bool | None
    said_cut_off: bool
    leg: CallSid | None
    met: bool | None  # whether agent and caller were together; None: not told
    leg_asks: bool = False  # the caller's leg, if it is still there, asks now what comes next


def talk_over(
    house: House,
    token: Token,
    *,
    caller_there: bool | None,
    cause: str,
    said_cut_off: bool = False,
    leg: CallSid | None = None,
    met: bool | None = None,
    leg_asks: bool = False,
) -> bool:
    """The conversation of `token` ended: the agent wraps up. Within the policy's cut-off of bridging (or where the desk
    says so), and unless the caller is known to be gone, it never really began: the caller is back at the front, on
    `leg` as whoever reports it knows. `met`: what the report says about both having been there. `leg_asks`: as for
    `agent_missed`. False: settled before, or nothing can be settled until the carrier is asked, or until the caller's
    leg goes where it was passed on to.
    """
    pairing = house.line.reservation(token)
    if pairing is None or pairing.phase != "busy":
        return False
    asked = handed.consultation(house, pairing)
    if asked is not None:
        handed.asked_in_vain(house, pairing, asked)
        return True
    told = Told(caller_there, said_cut_off, leg, met, leg_asks)
    talk = talks.of(house, token)
    if talk is None or caller_there is False:
        over = settled(house, pairing, told, cause)
    elif talk.together and caller_there is None and not said_cut_off:  # the agent has left the two others
        return handed_on(house, pairing, talk, cause)
    elif talk.wish in PASSED and caller_there is None:
        return False
    else:  # an agent who is gone while the caller is on hold has not ended the talk: the caller is still there
        held = Told(None, said_cut_off=True, leg=talk.call, met=met)
        over = settled(house, pairing, held if talk.alone else told, cause)
    if over and talk is not None:
        leave_nobody(house, pairing, talk)
    return over


def handed_on(house: House, pairing: Reservation, talk: Talk, cause: str) -> bool:
    """The caller stays with whoever was asked; a promise to them is kept. False: it had happened before."""
    view = handed.hand_on(house, pairing, talk)
    if view is None:
        return False
    if is_callback(pairing.entry):
        close_callback(house, CallbackId(pairing.entry), Ending.OVER, cause=cause, now=house.clock.now())
    if view.status is AgentStatus.AVAILABLE:
        match.run_agent(house, pairing.agent)
    return True


def leave_nobody(house: House, pairing: Reservation, talk: Talk) -> None:
    """Nobody stays in a room, or hears the music of an agent, without the other."""
    if talk.stage is not Stage.NONE:
        handed.let_go(house, talk)
    if talk.room:  # whoever told of the end: an agent's leg that has ended as well is left as it is
        house.dispatch.hang_up(talk.agent_leg)
    if talk.alone and house.line.standing(pairing.queue, pairing.entry).place == "hold":
        house.dispatch.redirect(talk.call, house.urls.step("back", **Place.paired(pairing).query()))


def settled(house: House, pairing: Reservation, told: Told, cause: str) -> bool:
    """The line and the record follow, in this order."""
    now, token, caller_there = house.clock.now(), pairing.token, told.caller_there
    policy = house.book.queue(pairing.queue).policy
    room = None if told.met or caller_there else together.unproved(house, pairing)
    early = was_cut_off(pairing, policy.cut_off_s, now)
    ending, leg = how(house, pairing, told, room, early=early)
    if ending is Ending.UNKNOWN and caller_there is None:
        return False
    entry_to = "hold" if ending is Ending.CUT_OFF else "gone"
    view = house.line.complete(
        token,
        wrap_up_s=policy.wrap_up_s,
        now=now,
        entry_to=entry_to,
        leg=leg,
        again=new_token() if told.leg_asks else None,
        lease_s=house.knobs.lease_s,
    )
    if view is None:
        return False
    if is_callback(pairing.entry):
        close_callback(house, CallbackId(pairing.entry), ending, cause=cause, now=now)
    if view.status is AgentStatus.AVAILABLE:
        match.run_agent(house, pairing.agent)
    if ending is Ending.CUT_OFF and not told.leg_asks:
        match.run(house, pairing.queue)
    if room is not None:
        empty(house, pairing, room, caller_there, leg if ending is Ending.CUT_OFF else None)
    return True


def how(
    house: House, pairing: Reservation, told: Told, room: Attempt | None, *, early: bool
) -> tuple[Ending, CallSid | None]:
    """How it ended, and the caller's leg where they are back in line on it."""
    there, leg = told.caller_there, told.leg
    if early or told.said_cut_off:
        there, leg = whether_there(house, pairing, told)
        if there is not False:
            return Ending.CUT_OFF, leg
    if told.met is None and there is not True and room is not None:
        met = together.met(house, room, room.bridged_at or pairing.bridged_at)
        if met is Met.UNKNOWN:
            return Ending.UNKNOWN, leg
        if met is Met.NO:
            there, leg = whether_there(house, pairing, replace(told, caller_there=there, leg=leg))
            return (Ending.ALONE if there is False else Ending.CUT_OFF), leg
    return Ending.OVER, leg


def whether_there(house: House, pairing: Reservation, told: Told) -> tuple[bool | None, CallSid | None]:
    """Whether the caller is still on the line, and on which leg. The desk is believed without asking the carrier."""
    if told.caller_there is not None:
        return told.caller_there, told.leg
    leg = told.leg or leg_of(house, pairing)
    return (None if told.said_cut_off else on_the_line(house, leg)), leg


def empty(house: House, pairing: Reservation, room: Attempt, caller_there: bool | None, held: CallSid | None) -> None:
    """Nobody stays alone in a conference that may never have begun. Where the caller told of the end, the agent is let
    go; where the agent did, the caller, back in line on the leg `held`, hears our music, unless somebody was free for
    them."""
    if caller_there is not None and room.agent_call is not None:
        house.dispatch.hang_up(room.agent_call)
    elif held is not None and house.line.standing(pairing.queue, pairing.entry).place == "hold":
        house.dispatch.redirect(held, house.urls.step("back", **Place.paired(pairing).query()))


def was_cut_off(pairing: Reservation, cut_off_s: float, now: datetime) -> bool:
    """Whether the talk ended so soon after bridging that the policy calls it cut off (0: never)."""
    bridged = pairing.bridged_at
    return bridged is not None and cut_off_s > 0 and now - bridged < timedelta(seconds=cut_off_s)


def leg_of(house: House, pairing: Reservation) -> CallSid | None:
    """The caller's leg; of somebody whom we rang, the record knows it."""
    if pairing.leg is not None or not is_callback(pairing.entry):
        return pairing.leg
    with house.store.begin() as work:
        return work.callback(CallbackId(pairing.entry)).leg


def on_the_line(house: House, leg: CallSid | None) -> bool | None:
    """Whether the caller's leg is still up, as the carrier has it: when they hang up, the agent's leg ends as well, and
    its report may come first. None: nobody can say."""
    if leg is None:
        return None
    try:
        found = house.carrier.fetch(leg)
    except CarrierError:
        return None
    return found is not None and found.status == "in-progress"


def close_callback(house: House, id: CallbackId, ending: Ending, *, cause: str, now: datetime) -> None:
    """The promise was kept, or has to be kept again; or whoever asks the carrier next finds that out."""
    if ending is Ending.UNKNOWN:
        return
    with house.store.begin() as work:
        callback = work.callback(id, lock=True)
        if ending is Ending.OVER:
            if callback.attempt:
                work.save_attempt(replace(work.attempt(callback.attempt), outcome=Outcome.TALKED, ended_at=now))
            work.move(replace(callback, leg=None), Event.COMPLETE, reason="talked", cause=cause, at=now)
            return
        reason = "the agent's side was cut off" if ending is Ending.CUT_OFF else "the agent was gone before they came"
        work.move(replace(callback, agent=None), Event.CUT_OFF, reason=reason, cause=cause, at=now)
    if ending is Ending.ALONE and callback.leg is not None:
        hung_up(house, EntryId(id), callback.leg)


def attempt_over(
    house: House, id: AttemptId, outcome: Outcome, *, cause: str, error: str = "", delay: timedelta | None = None
) -> Callback | None:
    """An attempt ended without a talk: again by the policy's rule, or unreached. None: it was over before.

    `delay` is the least until the next one may start, for refusals that the policy's retry delays are not about:
    whoever is refused again and again comes back less and less often.
    """
    now = house.clock.now()
    with house.store.begin() as work:
        callback = work.callback(work.attempt(id).callback, lock=True)  # always before its attempts: no deadlock
        attempt = work.attempt(id)
        if attempt.outcome is not None:
            return None
        work.save_attempt(replace(attempt, outcome=outcome, ended_at=now, error=error))
        if callback.attempt != attempt.id or callback.state in ENDS:
            return None
        moved = record_miss(house, work, callback, outcome, cause=cause, delay=delay)
        text = unreached_text(house, work, moved, now)
    if outcome is not Outcome.AGENT_MISSED:
        let_agent_go(house, attempt)
    if moved is not None and not still_on_the_phone(house, attempt, outcome):
        back_in_line(house, moved, attempt.token)
    if text is not None:
        house.dispatch.text(text.id)
    return moved


def let_agent_go(house: House, attempt: Attempt) -> None:
    """agent_first: whoever waits in the conference hears that nobody comes, instead of waiting on."""
    if attempt.agent_call:
        house.dispatch.redirect(attempt.agent_call, house.urls.step("agent/unreached"), or_end=True)


def still_on_the_phone(house: House, attempt: Attempt, outcome: Outcome) -> bool:
    """agent_first: whether the agent is just being told. Rung for the next now, their telephone would be engaged and
    they would count as away; so the pairing stands until their leg has ended (`agentfirst.status`), or its lease."""
    if not attempt.agent_call or not attempt.token or outcome is Outcome.AGENT_MISSED:
        return False
    return house.line.extend(attempt.token, until=house.clock.now() + TOLD_WITHIN)


def record_miss(
    house: House, work: Work, callback: Callback, outcome: Outcome, *, cause: str, delay: timedelta | None
) -> Callback | None:
    """Move the row by the retry rule."""
    now = house.clock.now()
    verdict = retry.after(callback, outcome, house.book.queue(callback.queue).policy, now)
    at = verdict.next_attempt_at
    changed = replace(
        callback,
        attempt=None,
        leg=None,
        agent=None,
        attempts_left=verdict.attempts_left,
        score=verdict.score,
        next_attempt_at=at if delay is None else max(now + delay, at or now),
    )
    event = refused_event(callback.state, outcome, verdict.event)
    return work.move(changed, event, reason=verdict.reason, cause=cause, at=now, data={"outcome": outcome.value})


def refused_event(state: State, outcome: Outcome, usual: Event) -> Event:
    """The event that tells it best in this state."""
    if outcome is Outcome.UNDIALABLE:
        return Event.UNDIALABLE
    if state is State.RESERVED:
        return Event.RELEASE
    if outcome is Outcome.REFUSED and state is State.DIALING:
        return Event.REFUSED
    return usual


def unreached_text(house: House, work: Work, moved: Callback | None, now: datetime) -> Text | None:
    """Whoever could not be reached is told so, where a text can be delivered."""
    if moved is None or moved.state is not State.UNREACHED:
        return None
    return compose(work, house, house.book.queue(moved.queue), moved, "unreached", now)


def back_in_line(house: House, callback: Callback, token: Token | None) -> None:
    """After the record moved: the line follows, and whoever is free is matched again."""
    now = house.clock.now()
    due = callback.due(now)
    entry_to = "gone" if callback.state is not State.WAITING else "due" if due else "later"
    pairing = house.line.reservation(token) if token else None
    released = (
        pairing is not None
        and pairing.entry == EntryId(callback.id)
        and house.line.release(
            pairing.token,
            entry_to=entry_to,
            agent_to=None,
            reason=callback.end_reason or "not reached",
            now=now,
            score=callback.score,
        )
    )
    if not released and entry_to == "gone":
        house.line.leave(EntryId(callback.id), reason=callback.state, now=now)
    elif not released:
        stand(house, callback, due=due, now=now)
    if pairing is not None:
        match.run_agent(house, pairing.agent)
    match.run(house, callback.queue)


def book(house: House, callback: Callback) -> None:
    """A scheduled promise, which stands in no line: its number is known to whoever answers it."""
    house.line.book([Appointment(callback.queue, callback.id, house.store.number_hash(callback.number))])


def stand(house: House, callback: Callback, *, due: bool, now: datetime, replaces: CallSid | None = None) -> None:
    """Into the line at the place its columns say; that of the call it `replaces` is free then."""
    house.line.enter(
        callback.queue,
        EntryId(callback.id),
        score=callback.score,
        joined_at=callback.joined_at,
        due=due,
        number_hash=house.store.number_hash(callback.number),
        replaces=EntryId(replaces) if replaces else None,
        now=now,
    )


def hung_up(house: House, entry: EntryId, call: CallSid) -> None:
    """The leg of somebody with a promise ended before a talk: a spent attempt when we had rung them, else the promise
    simply stands as before they rang in (or were cut off). Where the line knows that they talked on it, the record
    missed the beginning, and this is the end of their talk.
    """
    now, talk = house.clock.now(), talk_of(house, entry)
    with house.store.begin() as work:
        callback = work.callback(CallbackId(entry), lock=True)
        there = callback.state is State.ANSWERED and callback.leg == call
        attempt = work.attempt(callback.attempt) if callback.attempt else None
        spent = attempt is not None and attempt.bridged_at is None
        if there and not spent and talk is None:
            if attempt is not None and attempt.outcome is None:
                work.save_attempt(replace(attempt, outcome=Outcome.HUNG_UP, ended_at=now))
            standing = replace(callback, leg=None, attempt=None, agent=None, next_attempt_at=None)
            moved = work.move(standing, Event.HANG_UP, reason="hung up on hold", cause=f"call {call}", at=now)
            callback = moved or callback
    if not there:
        follow(house, callback, call)
    elif talk is not None:
        talk_over(house, talk.token, caller_there=False, cause=f"call {call}")
    elif spent and attempt is not None:
        attempt_over(house, attempt.id, Outcome.HUNG_UP, cause=f"call {call}")
    else:
        pairing = house.line.leave(EntryId(callback.id), reason="hung up on hold", now=now).reservation
        back_in_line(house, callback, pairing.token if pairing else None)


def talk_of(house: House, entry: EntryId) -> Reservation | None:
    """The talk that somebody is in, as the line knows it."""
    pairing = house.line.standing(NO_QUEUE, entry).reservation
    return pairing if pairing is not None and pairing.phase == "busy" else None


def follow(house: House, callback: Callback, call: CallSid) -> None:
    """A leg is gone that its row does not speak of any more: whoever moved the row died before the line followed."""
    now = house.clock.now()
    standing = house.line.standing(callback.queue, EntryId(callback.id))
    pairing = standing.reservation
    on_leg = standing.place in ("menu", "hold") or (pairing is not None and pairing.leg == call)
    if not on_leg or callback.state not in (*ENDS, State.WAITING, State.SCHEDULED):
        return
    house.line.leave(EntryId(callback.id), reason="the leg is gone", now=now)
    if callback.state is State.WAITING:
        stand(house, callback, due=callback.due(now), now=now)
    elif callback.state is State.SCHEDULED:
        book(house, callback)
    if pairing is not None:
        match.run_agent(house, pairing.agent)
    match.run(house, callback.queue)


def caller_gone(house: House, pairing: Reservation, call: CallSid) -> None:
    """The caller left while the agent's phone rang: the agent is free again, through no fault of theirs."""
    if is_callback(pairing.entry):
        hung_up(house, pairing.entry, call)
    else:
        house.line.leave(pairing.entry, reason=CallState.ABANDONED, now=house.clock.now())
        match.run_agent(house, pairing.agent)


def agent_missed(
    house: House, pairing: Reservation, *, reason: str = Unanswered.MISSED, leg_asks: bool = False
) -> None:
    """The agent did not press their key: away with a notice, and the caller is first in line again. `leg_asks`: the
    answer that the caller's leg waits for takes them to another agent who is free; a worker who sent the leg there as
    well would forestall that answer, or cut it off."""
    house.line.release(
        pairing.token,
        entry_to="hold",
        agent_to=AgentStatus.AWAY,
        reason=reason,
        now=house.clock.now(),
        again=new_token() if leg_asks else None,
        lease_s=house.knobs.lease_s,
    )
    if not leg_asks:
        match.run(house, pairing.queue)
