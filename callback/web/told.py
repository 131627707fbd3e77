"""What a caller's page says about their callback: a heading, a sentence, a step, a window. The template lays it out.

The heading is the state, never a colour alone. A window is a range, never a false minute; where it slipped past what
was promised, that is said plainly.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from callback.domain import spoken
from callback.domain.lifecycle import ENDS, State
from callback.flows.look import CallbackNow
from callback.web.catalogue import gettext
from callback.web.languages import moment, ordinal

NEARLY_PLACE = 2
NEARLY_S = 180.0
"""Nearly their turn: at most this place, or half of the people in it are served within so many seconds."""
SLIPPAGE = timedelta(minutes=2)
"""A window that ends so much after the promised one is called late."""


class Step(IntEnum):
    """Where on the way they are."""

    REQUESTED = 0
    NEARLY = 1
    CALLING = 2
    DONE = 3


@dataclass(frozen=True)
class Told:
    """The words of the page. `step` is None when the way ended early; `window` is None where no honest one exists."""

    heading: str
    lead: str
    step: Step | None
    window: tuple[datetime, datetime] | None = None
    late: bool = False
    cancellable: bool = True


def tell(seen: CallbackNow, now: datetime) -> Told:
    """The words for this callback at this moment, in the answer's language and zone."""
    state = seen.callback.state
    if seen.held:
        return trouble()
    if state is State.WAITING:
        return _waiting(seen, now)
    if state is State.SCHEDULED:
        return _scheduled(seen, now)
    if state in ENDS:
        return _ended(seen)
    return _calling(state)


def trouble() -> Told:
    """It failed on our side, and no place or time would be honest."""
    lead = gettext("Somebody is looking at it. We are sorry. If it is urgent, please call us.")
    return Told(gettext("We are having trouble with your callback"), lead, Step.REQUESTED)


def steps() -> list[str]:
    """The names of the steps, in order."""
    return [gettext("Requested"), gettext("Nearly your turn"), gettext("Calling now"), gettext("Done")]


def _waiting(seen: CallbackNow, now: datetime) -> Told:
    due = seen.callback.next_attempt_at
    if due is not None and due > now:
        lead = gettext("We could not reach you the last time. You keep your place in line.")
        return Told(gettext("We ring you again %(when)s", when=moment(due, now)), lead, Step.REQUESTED)
    if seen.position is None:
        return Told(gettext("You are in line"), gettext("We are looking up your place."), Step.REQUESTED)
    window = spoken.promise_window(seen.wait, now) if seen.wait is not None else None
    late = _late(seen, window)
    near = seen.position <= NEARLY_PLACE or _soon(seen)
    heading = (
        gettext("You are next") if seen.position == 1 else gettext("%(place)s in line", place=ordinal(seen.position))
    )
    return Told(heading, _lead(near, late), Step.NEARLY if near else Step.REQUESTED, window, late)


def _lead(near: bool, late: bool) -> str:
    if late:
        return gettext("This takes longer than we first said. We are sorry. Your place is kept.")
    if near:
        return gettext("It is nearly your turn. Please keep your phone within reach.")
    return gettext("Your place is kept. We ring you when it is your turn; you need not do anything.")


def _soon(seen: CallbackNow) -> bool:
    return seen.wait is not None and seen.wait.p50 is not None and max(seen.wait.p50, seen.at_least_s) <= NEARLY_S


def _late(seen: CallbackNow, window: tuple[datetime, datetime] | None) -> bool:
    promised = seen.callback.promised_to
    return promised is not None and window is not None and window[0] > promised + SLIPPAGE


def _scheduled(seen: CallbackNow, now: datetime) -> Told:
    at = seen.callback.requested_for or now
    lead = gettext("As you asked. We ring you at that time, or as soon after it as an agent is free.")
    window = (seen.callback.promised_from, seen.callback.promised_to)
    honest = (window[0], window[1]) if window[0] is not None and window[1] is not None else None
    return Told(gettext("Callback %(when)s", when=moment(at, now)), lead, Step.REQUESTED, honest)


def _calling(state: State) -> Told:
    if state is State.BRIDGED:
        return Told(gettext("You are talking with us"), gettext("You are connected."), Step.CALLING, cancellable=False)
    if state is State.ANSWERED:
        return Told(gettext("You are on the line"), gettext("An agent joins you in a moment."), Step.CALLING)
    return Told(gettext("Calling you now"), gettext("Please pick up: it is us."), Step.CALLING)


def _ended(seen: CallbackNow) -> Told:
    words = {
        State.COMPLETED: (gettext("Done"), gettext("We have talked. Thank you for your patience.")),
        State.CANCELLED: (
            gettext("Your callback is cancelled"),
            gettext("We will not ring you. If you still need us, call us any time."),
        ),
        State.UNREACHED: (
            gettext("We could not reach you"),
            gettext("We tried as often as we said and do not ring again. Call us any time."),
        ),
        State.EXPIRED: (
            gettext("This callback has expired"),
            gettext("It could not be kept in time. Please call us again."),
        ),
        State.FAILED: (
            gettext("This number cannot be called"),
            gettext("The telephone network refuses it. Please call us from another number."),
        ),
    }
    heading, lead = words[seen.callback.state]
    step = Step.DONE if seen.callback.state is State.COMPLETED else None
    return Told(heading, lead, step, cancellable=False)
