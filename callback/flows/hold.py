"""On hold: place and wait at intervals, music between, the offer still open on a key, and the way out of the queue."""

from dataclasses import replace
from datetime import timedelta

from callback.domain.callback import Callback
from callback.domain.dialogue import Ask, LeaveQueue, Music, Prompt, Script, Speak
from callback.domain.ids import CallbackId, CallSid, EntryId, is_callback, new_token
from callback.domain.lifecycle import ENDS, CallState
from callback.domain.offer import Decision, Reason
from callback.domain.said import Moment
from callback.flows import bridge, menu, said, settle
from callback.flows.hook import Hook, Place, moment
from callback.flows.outlook import look_and_note, present, wait_prompt
from callback.ports import House, Reservation, Standing

LATEST = timedelta(seconds=15)
"""The carrier gives up a request after this long: none can be later."""
MUSIC_S = 25
"""Music between two announcements. The sum with them stays below a minute: nobody wonders whether we are still
there."""


def wait(house: House, hook: Hook) -> Script:
    """The wait document: also the heartbeat of the leg, and the way back into a line that was lost. A promise that has
    ended meanwhile has no way back."""
    place = Place.of(hook.query)
    ended = ended_promise(house, place)
    if ended is not None:
        return bridge.apology(ended)
    standing = in_place(house, place, hook.call)
    house.book.check(standing.config)
    if standing.reservation is not None and standing.place == "busy":
        return still_busy(house, hook, place, standing.reservation)
    if standing.reservation is not None:
        return Script(place.language, (LeaveQueue(),))
    if standing.place == "reserved":  # a worker is about to redirect this leg
        return Script(place.language, (Music(MUSIC_S),))
    return Script(place.language, (announcement(house, place, standing),), place.queue)


def in_place(house: House, place: Place, leg: CallSid) -> Standing:
    """On hold with this leg in the place that it carries, and paired where an agent is free. Also its heartbeat."""
    return house.line.hold(
        place.queue,
        place.entry,
        leg,
        score=place.score,
        joined_at=moment(place.joined),
        language=place.language,
        lease_s=house.knobs.lease_s,
        token=new_token(),
        now=house.clock.now(),
    )


def still_busy(house: House, hook: Hook, place: Place, pairing: Reservation) -> Script:
    """On hold, and in a talk as far as the line knows: this request is late, or the document at the end of the talk
    failed and nobody has settled it. A caller who is still here then is back in front."""
    bridged = pairing.bridged_at or pairing.at
    if house.clock.now() - bridged > LATEST:
        settle.talk_over(
            house, pairing.token, caller_there=True, cause=f"call {hook.call}", said_cut_off=True, leg=hook.call
        )
    return Script(place.language, (Music(MUSIC_S),))


def ended_promise(house: House, place: Place) -> Callback | None:
    """The promise that this leg waits for, if it was cancelled or has ended otherwise."""
    if not is_callback(place.entry):
        return None
    with house.store.begin() as work:
        callback = work.callback(CallbackId(place.entry))
    return callback if callback.state in ENDS else None


def announcement(house: House, place: Place, standing: Standing) -> Ask:
    """What is said this time, with music after it and the callback on key 1."""
    queue = house.book.queue(place.queue)
    now = house.clock.now()
    outlook = look_and_note(house, queue, standing, now)
    if place.lap or (may_take(place, outlook.decision) and not place.offered):
        said.tell(house, queue, place.entry, Moment.HOLD, standing, outlook, now, told=place.lap > 0)
    told: list[Prompt] = []
    if not place.lap and not place.offered:
        told += menu.language_hint(queue)
    if place.lap:
        if standing.whole and standing.position:
            told.append(Prompt("hold_place", {"position": standing.position}))
        told.append(wait_prompt(outlook.wait, standing, holding=True))
    if may_take(place, outlook.decision):
        told.append(Prompt("hold_offer"))
    elif outlook.decision.reason is Reason.NOT_BEFORE_CLOSING and place.entry.startswith("CA"):
        told.append(Prompt("hold_later"))
    return Ask(tuple(told), place.next_lap().step("held"), music_s=MUSIC_S, timeout=2)


def may_take(place: Place, decision: Decision) -> bool:
    """The offer stays open to whoever had it, as long as a promise could be made, and opens to those whose wait has
    grown. A promise already is one."""
    stays = place.offered and decision.reason in (Reason.BELOW, Reason.FREE_AGENT)
    return (decision.offering or stays) and place.entry.startswith("CA")


def held(house: House, hook: Hook) -> Script:
    """A key while on hold, or none: another lap."""
    place = Place.of(hook.query)
    queue = house.book.queue(place.queue)
    if hook.digits == "1" and place.entry.startswith("CA") and queue.policy.accepting:
        return Script(place.language, (LeaveQueue(),))
    if hook.digits == "9" and len(queue.policy.languages) > 1:
        return wait(house, Hook(hook.form, menu.other_language(house, hook, place).query()))
    return wait(house, hook)


def left(house: House, hook: Hook) -> Script:
    """The leg is out of the carrier's queue. `QueueResult` says why; only `leave` and faults need an answer."""
    place = Place.of(hook.query)
    match hook.form.get("QueueResult", ""):
        case "hangup":
            gone(house, place, hook.call)
            return Script(place.language)
        case "redirected" | "redirected-from-bridged" | "bridged" | "bridging-in-process":
            return Script(place.language)  # the new document is already on its way to the leg
        case "leave":
            return left_by_key(house, hook, place)
    return Script(place.language, (Speak((Prompt("trouble"),)), Music(MUSIC_S), place.hold()), place.queue)


def left_by_key(house: House, hook: Hook, place: Place) -> Script:
    """They left to be connected (we found them an agent) or to be called back."""
    standing = house.line.standing(place.queue, place.entry)
    place = replace(place, language=standing.language or place.language)
    if standing.place == "reserved" and standing.reservation is not None:
        return bridge.connect(house, standing.reservation, place)
    if (
        is_callback(place.entry) or standing.place == "busy"
    ):  # the agent was lost in between, and a promise is not promised again
        return Script(place.language, (place.hold(),))
    queue = house.book.queue(place.queue)
    if present(house, queue, standing, house.clock.now()).decision.reason is Reason.NOT_BEFORE_CLOSING:
        return menu.closing(house, hook, place)
    return menu.take(house, hook, place)


def gone(house: House, place: Place, call: CallSid) -> None:
    """They hung up on hold."""
    if place.entry.startswith("CA"):
        house.line.leave(EntryId(call), reason=CallState.ABANDONED, now=house.clock.now())
    else:
        settle.hung_up(house, place.entry, call)
