"""What a caller's page says about their callback: a heading, a sentence, the steps, a window. The template lays it out.

The heading is the state, never a colour alone. A window is a range, never a false minute; where it slipped past what
was promised, both are said.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from callback.domain import hours, phone, spoken, wishes
from callback.domain.callback import Callback
from callback.domain.lifecycle import ENDS, State
from callback.domain.policy import Queue
from callback.domain.rating import SCORES
from callback.domain.wait import Wait
from callback.flows.look import CallbackNow
from callback.web.catalogue import gettext, ngettext
from callback.web.languages import between, ordinal, span, when, window

NEARLY_PLACE = 2
NEARLY_S = 180.0
"""Nearly their turn: at most this place, or half of the people in it are served within so many seconds."""
SLIPPAGE = timedelta(minutes=2)
"""A window that ends so much after the promised one is called late."""
REQUESTED, NEARLY, CALLING, DONE = range(4)
"""Where on the way they are."""


@dataclass(frozen=True)
class Told:
    """The words of the page. `steps` are the names of the steps with those behind them first, `at` which of them is the
    present one; `window` is "" where no honest one exists, `late` where it is as promised. `over`: nothing more comes;
    `ring_us`: so that the page says how to reach us, first of all ("strong"), or besides ("quiet")."""

    heading: str
    lead: str
    steps: tuple[str, ...] = ()
    at: int = REQUESTED
    window: str = ""
    late: str = ""
    over: bool = False
    ring_us: str = ""


def tell(seen: CallbackNow, queue: Queue, now: datetime) -> Told:
    """The words for this callback at this moment, in the answer's language and zone."""
    state = seen.callback.state
    if seen.held:
        return trouble()
    if state is State.WAITING:
        return _waiting(seen, queue, now)
    if state is State.SCHEDULED:
        return _scheduled(seen, now)
    if state in ENDS:
        return _ended(seen.callback)
    return _calling(seen.callback, queue)


def trouble() -> Told:
    """It failed on our side, and no place or time would be honest."""
    lead = gettext("Somebody is looking at it. We are sorry. If it is urgent, please call us.")
    return Told(gettext("We are having trouble with your callback"), lead, steps(), ring_us="quiet")


def steps() -> tuple[str, ...]:
    """The names of the steps, in order."""
    return gettext("Requested"), gettext("Nearly your turn"), gettext("Calling now"), gettext("Done")


def scores() -> tuple[tuple[int, str], ...]:
    """How it may have been, from worst to best, and what each means."""
    words = gettext("Very poor"), gettext("Poor"), gettext("Fair"), gettext("Good"), gettext("Very good")
    return tuple(zip(SCORES, words, strict=True))


# --- in line ----------------------------------------------------------------------------------------------------


def _waiting(seen: CallbackNow, queue: Queue, now: datetime) -> Told:
    due = seen.callback.next_attempt_at
    if due is not None and due > now:
        lead = _why_resting(seen.callback, queue, now)
        return Told(gettext("We ring you again %(when)s", when=when(due, now)), lead, steps())
    if seen.position is None:
        return Told(gettext("You are in line"), gettext("We are looking up your place."), steps())
    expected = _expected(seen.wait, now)
    near = _near(seen.position, seen.wait, seen.at_least_s)
    heading = (
        gettext("You are next") if seen.position == 1 else gettext("%(place)s in line", place=ordinal(seen.position))
    )
    late = _late(seen.callback, expected, now)
    said = window(*expected, now) if expected and not late else ""
    return Told(heading, _lead(near), steps(), NEARLY if near else REQUESTED, said, late)


def gist(seen: CallbackNow, day: date, now: datetime) -> Hashable | None:
    """What the words for somebody in line depend on besides their row and queue: while it is the same, so are they.
    None for whoever does not simply stand in line. `day` is the present one where they are."""
    due = seen.callback.next_attempt_at
    if seen.callback.state is not State.WAITING or seen.position is None or (due is not None and due > now):
        return None
    return place_gist(seen.position, seen.wait, promised_until(seen.callback), day, now)


def place_gist(position: int, wait: Wait | None, until: datetime | None, day: date, now: datetime) -> Hashable:
    """The gist of a place in line with this wait. `until` is the end of what was promised."""
    window = _expected(wait, now)
    shown = window and (spoken.in_fives(*window), window[0] <= now, _slipped(until, window))
    return position, _near(position, wait, 0), shown, day


def promised_until(callback: Callback) -> datetime | None:
    """The end of the window that was promised. Who missed a call that came in time was not promised the next one."""
    promised = callback.promised_from is not None and not callback.attempts_made
    return callback.promised_to if promised else None


def _expected(wait: Wait | None, now: datetime) -> tuple[datetime, datetime] | None:
    return spoken.promise_window(wait, now) if wait is not None else None


def _near(position: int | None, wait: Wait | None, at_least_s: float) -> bool:
    soon = wait is not None and wait.p50 is not None and max(wait.p50, at_least_s) <= NEARLY_S
    return (position or 0) <= NEARLY_PLACE or soon


def _lead(near: bool) -> str:
    if near:
        return gettext("It is nearly your turn. Please keep your phone within reach.")
    return gettext("Your place is kept. We ring you when it is your turn; you need not do anything.")


def _why_resting(callback: Callback, queue: Queue, now: datetime) -> str:
    policy = queue.policy
    if hours.quiet_until(policy.quiet_hours, phone.zones_of(callback.number), now) is not None:
        return gettext("At this hour we ring nobody where you are. You keep your place in line.")
    if not wishes.missed(callback, policy):
        return gettext("We could not ring you just now. You keep your place in line.")
    if policy.missed_place == "keep":
        return gettext("We could not reach you the last time. You keep your place in line.")
    return gettext("We could not reach you the last time. You join the line again then.")


def _late(callback: Callback, expected: tuple[datetime, datetime] | None, now: datetime) -> str:
    """What slipped; "" for as promised."""
    if expected is None or not _slipped(promised_until(callback), expected):
        return ""
    promised = (callback.promised_from or expected[0], callback.promised_to or expected[1])
    before, after = (span(*spoken.in_fives(*one), now) for one in (promised, expected))
    return gettext(
        "Later than we first said: we promised %(before)s, and now expect %(after)s. We are sorry. Your place is kept.",
        before=before,
        after=after,
    )


def _slipped(until: datetime | None, expected: tuple[datetime, datetime]) -> bool:
    return until is not None and expected[0] > until + SLIPPAGE


# --- at another time, on the phone, over ------------------------------------------------------------------------


def _scheduled(seen: CallbackNow, now: datetime) -> Told:
    at = seen.callback.requested_for or now
    lead = gettext("As you asked. We ring you at that time, or as soon after it as an agent is free.")
    begin, end = seen.callback.promised_from, seen.callback.promised_to
    said = between(begin, end) if begin is not None and end is not None else ""
    return Told(gettext("Callback %(when)s", when=when(at, now)), lead, steps(), window=said)


def _calling(callback: Callback, queue: Queue) -> Told:
    state = callback.state
    if state is State.BRIDGED:
        return Told(gettext("You are talking with us"), gettext("You are connected."), steps(), CALLING)
    if state is State.ANSWERED:
        return Told(gettext("You are on the line"), gettext("An agent joins you in a moment."), steps(), CALLING)
    keyed = queue.policy.confirm_human == "press_1" or not callback.proved
    lead = gettext("Please pick up: it is us. Then press 1.") if keyed else gettext("Please pick up: it is us.")
    return Told(gettext("Calling you now"), lead, steps(), CALLING)


def _ended(callback: Callback) -> Told:
    if callback.state is State.COMPLETED:
        lead = gettext("We have talked. Thank you for your patience.")
        return Told(gettext("Done"), lead, steps(), DONE, over=True, ring_us="quiet")
    heading, lead, last = _not_kept(callback)
    way = [gettext("Requested")] + ([gettext("Called")] if callback.attempts_made else []) + [last]
    ring_us = "" if callback.end_reason == wishes.NOT_ASKED else "strong"
    return Told(heading, lead, tuple(way), len(way) - 1, over=True, ring_us=ring_us)


def _not_kept(callback: Callback) -> tuple[str, str, str]:
    """Heading, sentence and last step of a callback that ended without a talk."""
    if callback.end_reason == wishes.NOT_ASKED:
        lead = gettext("We do not ring this number again. We are sorry to have disturbed you.")
        return gettext("We leave you alone"), lead, gettext("Cancelled")
    tried = ngettext("We rang once.", "We rang %(num)d times.", max(callback.attempts_made, 1))
    words = {
        State.CANCELLED: (
            gettext("Your callback is cancelled"),
            gettext("We will not ring you. If you still need us, call us any time."),
            gettext("Cancelled"),
        ),
        State.UNREACHED: (
            gettext("We could not reach you"),
            gettext("%(tried)s We do not ring again. Call us any time: we are glad to talk with you.", tried=tried),
            gettext("Not reached"),
        ),
        State.EXPIRED: (
            gettext("This callback has expired"),
            gettext("We could not keep it in time, and we are sorry. Please call us again."),
            gettext("Expired"),
        ),
        State.FAILED: (
            gettext("This number cannot be called"),
            gettext("The telephone network refuses it. Please call us, from another number if you can."),
            gettext("Not possible"),
        ),
    }
    return words[callback.state]
