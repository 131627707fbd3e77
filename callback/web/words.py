"""The product's own words (states, statuses, reasons) in the reader's language.

The words themselves are identifiers and never change; what people read does. A word that is not listed is shown as is.
"""

from collections.abc import Callable

from callback.domain.policies import effective_stop
from callback.domain.policy import Policy
from callback.flows.look import QueueNow
from callback.web.catalogue import gettext
from callback.web.languages import lasting, rounded

Word = Callable[[], str]

_WORDS: dict[str, Word] = {
    # where a callback stands
    "waiting": lambda: gettext("waiting"),
    "scheduled": lambda: gettext("scheduled"),
    "reserved": lambda: gettext("reserved"),
    "dialing": lambda: gettext("dialling"),
    "answered": lambda: gettext("answered"),
    "bridged": lambda: gettext("talking"),
    "reconciling": lambda: gettext("being checked"),
    "completed": lambda: gettext("completed"),
    "cancelled": lambda: gettext("cancelled"),
    "unreached": lambda: gettext("not reached"),
    "expired": lambda: gettext("expired"),
    "failed": lambda: gettext("failed"),
    # where somebody stands in line
    "menu": lambda: gettext("hearing the offer"),
    "hold": lambda: gettext("on hold"),
    "due": lambda: gettext("waiting"),
    "later": lambda: gettext("to be rung later"),
    # what an agent does
    "available": lambda: gettext("available"),
    "busy": lambda: gettext("on a call"),
    "wrap_up": lambda: gettext("wrap-up"),
    "away": lambda: gettext("away"),
    "offline": lambda: gettext("offline"),
    # how somebody's account stands
    "user_active": lambda: gettext("active"),
    "user_invited": lambda: gettext("invited"),
    "user_reset": lambda: gettext("password to be set"),
    "user_disabled": lambda: gettext("disabled"),
    # where a promise comes from
    "call": lambda: gettext("took the offer on the phone"),
    "api": lambda: gettext("asked through a program"),
    "console": lambda: gettext("added by hand"),
    # parts of a policy that stand outside the thresholds' form
    "accepting": lambda: gettext("Accepting"),
    "hours": lambda: gettext("Opening hours"),
    # why a version of a policy was saved, where nobody said
    "created": lambda: gettext("created"),
    "with the queue": lambda: gettext("with the queue"),
    # how an attempt ended
    "talked": lambda: gettext("talked"),
    "no_answer": lambda: gettext("no answer"),
    "voicemail": lambda: gettext("voicemail"),
    "no_key": lambda: gettext("no key pressed"),
    "not_needed": lambda: gettext("no longer needed"),
    "hung_up": lambda: gettext("hung up"),
    "undialable": lambda: gettext("cannot be dialled"),
    "refused": lambda: gettext("refused by the carrier"),
    "superseded": lambda: gettext("rang in meanwhile"),
    "agent_missed": lambda: gettext("the agent missed it"),
    "never_placed": lambda: gettext("never placed"),
    # why an agent is away
    "break": lambda: gettext("break"),
    "lunch": lambda: gettext("lunch"),
    "training": lambda: gettext("training"),
    "paperwork": lambda: gettext("paperwork"),
    # a call that is over
    "abandoned": lambda: gettext("hung up while waiting"),
    # people
    "viewer": lambda: gettext("viewer"),
    "supervisor": lambda: gettext("supervisor"),
    "admin": lambda: gettext("administrator"),
    "agent": lambda: gettext("agent"),
}


_OUTCOMES: dict[str, Word] = {
    "solved": lambda: gettext("Solved"),
    "information given": lambda: gettext("Information given"),
    "to be continued": lambda: gettext("To be continued"),
    "passed on": lambda: gettext("Passed on"),
    "wrong number": lambda: gettext("Wrong number"),
}


def outcome(code: str) -> str:
    """What came of a talk: the usual ones in the reader's language, an installation's own as it wrote them."""
    found = _OUTCOMES.get(code)
    return found() if found else code


def known(name: str) -> bool:
    """Whether this is a word of the product."""
    return name in _WORDS


def word(name: object) -> str:
    """A word of the product as people read it."""
    found = _WORDS.get(str(name))
    return found() if found else str(name).replace("_", " ")


def offer_sentence(now: QueueNow) -> str:
    """Whether the queue offers callbacks at this moment, and why, with the figures it was decided by."""
    decision, policy = now.outlook.decision, now.queue.policy
    wait = getattr(now.outlook.wait, policy.offer_quantile)
    shown = {
        "wait": lambda: _begins(wait, policy),
        "waiting": lambda: gettext(
            "%(count)s wait, at or above %(limit)s.",
            count=now.standing.live + now.standing.callbacks,
            limit=policy.offer_at_waiting,
        ),
        "hysteresis": lambda: _still(wait, policy),
        "below": lambda: _begins(wait, policy),
        "nobody_staffed": lambda: gettext("Nobody is signed in, and the queue is open."),
        "free_agent": lambda: gettext("A free agent takes whoever calls now."),
        "closed": lambda: gettext("The queue is closed."),
        "switched_off": lambda: gettext("New callbacks are switched off."),
        "full": lambda: _full(policy),
        "cannot_ring": lambda: gettext("Nobody can be rung at the moment."),
        "not_before_closing": lambda: gettext("It could not be kept before closing, so the next opening is offered."),
    }
    why = shown.get(str(decision.reason), lambda: decision.sentence)()
    what = gettext("Offering callbacks.") if decision.offering else gettext("Not offering callbacks.")
    return after(what, why)


def _full(policy: Policy) -> str:
    if policy.max_outstanding == 0:
        return gettext("No callback may be open here: the limit is 0.")
    return gettext("As many callbacks are open as are allowed (%(limit)s).", limit=policy.max_outstanding)


def after(first: str, second: str) -> str:
    """Two sentences, one after the other, as the reader's language sets them."""
    return gettext("%(first)s %(second)s", first=first, second=second)


_UP_TO: dict[str, Callable[[str], str]] = {
    "p50": lambda wait: gettext("Half would wait up to %(wait)s", wait=wait),
    "p80": lambda wait: gettext("Eight of ten would wait up to %(wait)s", wait=wait),
    "p90": lambda wait: gettext("Nine of ten would wait up to %(wait)s", wait=wait),
}
"""What the wait is judged by (`offer_quantile`), as people say it."""


def _up_to(wait: float | None, policy: Policy) -> str:
    return gettext("The wait is not known") if wait is None else _UP_TO[policy.offer_quantile](lasting(rounded(wait)))


def _begins(wait: float | None, policy: Policy) -> str:
    if policy.offer_at_wait_s is None:
        return gettext("No threshold of the wait is set.")
    limit = lasting(policy.offer_at_wait_s)
    return gettext("%(expected)s; offers begin at %(limit)s.", expected=_up_to(wait, policy), limit=limit)


def _still(wait: float | None, policy: Policy) -> str:
    limit = lasting(effective_stop(policy) or 0)
    return gettext("%(expected)s; offers end below %(limit)s.", expected=_up_to(wait, policy), limit=limit)
