"""What a queue's thresholds do at this moment, a sentence for each field that has something to say.

A threshold is understood by its effect: beside each field stands what was measured, and whether that is why callbacks
are offered, refused or held back right now. Fields whose effect shows only at a call (such as countries) say nothing.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from callback.domain import hours, wait
from callback.domain.laws import Law
from callback.domain.offer import Reason
from callback.domain.policies import effective_stop
from callback.domain.wait import Wait
from callback.flows import lessons
from callback.flows.look import QueueNow
from callback.web import languages
from callback.web.admin import pacing
from callback.web.catalogue import gettext, ngettext
from callback.web.context import house

ENOUGH = 5
"""From so many observations on a mean is worth saying."""

Say = Callable[[QueueNow], str]


def doing(seen: QueueNow) -> Mapping[str, str]:
    """By field, for those that have something to say."""
    said = {name: say(seen) for name, say in _SAY.items()} | _measured(seen)
    return {name: text for name, text in said.items() if text}


def open_until(seen: QueueNow) -> str:
    """Whether the queue is open, and until when it stays so."""
    rules, now = seen.queue.policy.hours, seen.now
    if rules is None:
        return gettext("Always open.")
    if hours.is_open(rules, now):
        closing = hours.closes_at(rules, now)
        return gettext("Open until %(time)s.", time=languages.moment(closing, now)) if closing else gettext("Open.")
    opening = hours.next_opening(rules, now)
    if opening is None:
        return gettext("Closed, and it does not open again.")
    return gettext("Closed. It opens %(when)s.", when=languages.when(opening, now))


def span(expected: Wait) -> str:
    """A wait as a range: `9 to 14 min`, or in seconds where nobody waits for two minutes."""
    low, high = (languages.rounded(seconds or 0) for seconds in (expected.p50, expected.p90))
    if high < languages.IN_MINUTES_S:
        return (
            gettext("about %(count)s s", count=low)
            if low == high
            else gettext("%(low)s to %(high)s s", low=low, high=high)
        )
    low, high = -(-low // 60), high // 60
    if low == high:
        return ngettext("about %(num)d min", "about %(num)d min", low)
    return gettext("%(low)s to %(high)s min", low=low, high=high)


def _offer_at_wait(seen: QueueNow) -> str:
    decision, start = seen.outlook.decision, seen.queue.policy.offer_at_wait_s
    if decision.reason is Reason.FREE_AGENT:
        return gettext("A free agent takes whoever calls now.")
    if not seen.outlook.wait.known or start is None:
        return ""
    found = getattr(seen.outlook.wait, seen.queue.policy.offer_quantile)
    words = {"span": span(seen.outlook.wait), "limit": languages.lasting(start)}
    if decision.reason is Reason.WAIT:
        return gettext("Offering: the wait is %(span)s, above %(limit)s.", **words)
    if found is not None and found >= start:
        return gettext("The wait is %(span)s, above %(limit)s; something else forbids the offer.", **words)
    return gettext("The wait is %(span)s, below %(limit)s: it starts no offer.", **words)


def _stop(seen: QueueNow) -> str:
    limit = effective_stop(seen.queue.policy)
    if seen.outlook.decision.reason is not Reason.HYSTERESIS or limit is None:
        return ""
    return gettext("Still offering: the wait has not fallen below %(limit)s.", limit=languages.lasting(limit))


def _waiting(seen: QueueNow) -> str:
    limit, count = seen.queue.policy.offer_at_waiting, seen.standing.live + seen.standing.callbacks
    if limit is None:
        return ngettext("%(num)d waits now.", "%(num)d wait now.", count)
    if seen.outlook.decision.reason is Reason.WAITING:
        return gettext("Offering: %(count)s wait, and %(limit)s are enough.", count=count, limit=limit)
    return gettext("%(count)s of %(limit)s wait now.", count=count, limit=limit)


def _outstanding(seen: QueueNow) -> str:
    limit, count = seen.queue.policy.max_outstanding, seen.standing.callbacks
    if limit == 0:
        return gettext("Switched off: with 0, nobody is offered a callback.")
    if seen.outlook.decision.reason is Reason.FULL:
        return gettext("Full: nobody is offered a callback until one is done.")
    if limit is None:
        return ngettext("%(num)d waits in line now.", "%(num)d wait in line now.", count)
    return gettext("%(count)s of %(limit)s wait in line now.", count=count, limit=limit)


def _guard(seen: QueueNow) -> str:
    if seen.outlook.decision.reason is Reason.NOT_BEFORE_CLOSING:
        return gettext("Refusing: what is promised now could not be kept today.")
    closing = hours.closes_at(seen.queue.policy.hours, seen.now)
    if closing is None or closing - seen.now > timedelta(hours=24):
        return ""
    return gettext("Closing in %(time)s; another promise can be kept.", time=_left(closing - seen.now))


def _dialing(seen: QueueNow) -> str:
    if seen.queue.policy.dialing:
        return ""
    return ngettext(
        "%(num)d promise waits for dialling.", "%(num)d promises wait for dialling.", seen.standing.callbacks
    )


def _accepting(seen: QueueNow) -> str:
    decision = seen.outlook.decision
    return gettext("Offering at the moment.") if decision.offering else ""


def _measured(seen: QueueNow) -> dict[str, str]:
    """What was learnt of rings, keys, talks and patience, beside what is set or assumed."""
    policy, measured = seen.queue.policy, seen.standing.measured
    known = lessons.taught(house(), seen.queue, lessons.staff(house(), seen.queue.key))
    rang, wrapped = known.lesson.laws.ring, known.lesson.laws.wrap
    told: dict[str, str] = {}
    if rang.count >= ENOUGH:
        share = Law(known.laws.ring).so_far(float(policy.ring_timeout_s))[0]
        told["ring_timeout_s"] = gettext(
            "Within %(seconds)s, %(share)s of those rung pick up.",
            seconds=languages.lasting(policy.ring_timeout_s), share=pacing.percent(share, 0),
        )  # fmt: skip
    if wrapped.count >= ENOUGH:
        told["wrap_up_s"] = gettext("On average it takes %(time)s.", time=pacing.average(wrapped))
    if measured.handled >= ENOUGH:
        told["prior_handle_s"] = gettext(
            "Measured and assumed together: %(time)s.", time=languages.duration(wait.mean_handle(measured, policy))
        )
    if measured.abandoned >= ENOUGH:
        told["prior_patience_s"] = gettext(
            "Measured and assumed together: %(time)s.", time=languages.duration(wait.mean_patience(measured, policy))
        )
    return told


def _left(left: timedelta) -> str:
    whole = int(left.total_seconds()) // 60
    if whole < 60:
        return ngettext("%(num)d min", "%(num)d min", max(whole, 1))
    return gettext("%(hours)s h %(minutes)s min", hours=whole // 60, minutes=whole % 60)


_SAY: Mapping[str, Say] = {
    "offer_at_wait_s": _offer_at_wait,
    "stop_offering_at_wait_s": _stop,
    "offer_at_waiting": _waiting,
    "max_outstanding": _outstanding,
    "closing_guard": _guard,
    "accepting": _accepting,
    "dialing": _dialing,
    "hours": open_until,
}

TOLD = (*_SAY, "ring_timeout_s", "wrap_up_s", "prior_handle_s", "prior_patience_s")
"""The fields that may have something to say."""
