"""What the desk says while an agent asks somebody else about a caller, on either side, and why it cannot be done."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from callback.domain.desk import Stage, Talk, Wish
from callback.domain.errors import CallbackError, NotAccepting, NotFound, NumberRefused
from callback.domain.ids import AgentKey, QueueKey
from callback.flows import handed
from callback.ports import Reservation
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house

SOON = timedelta(seconds=2)
"""What the carrier was asked for has usually been done by then."""


def other(talk: Talk) -> str:
    """Who is asked, as the agent knows them; "" nobody."""
    if talk.stage is Stage.NONE:
        return ""
    if talk.other is Wish.NUMBER:
        return languages.spaced(talk.to)
    second = house().line.reservation(talk.other_token) if talk.other_token else None
    name = name_of(second.agent) if second is not None else ""
    if talk.other is Wish.AGENT:
        return name or name_of(AgentKey(talk.to))
    queue = house().book.queue(QueueKey(talk.to)).name
    return f"{name} · {queue}" if name else queue


def waits(talk: Talk) -> bool:
    """Whether the carrier has been asked for something, and it has not been seen to be done."""
    return late(talk, house().clock.now())


def late(talk: Talk, now: datetime) -> bool:
    """The same at a moment."""
    return talk.asked_at is not None and now - talk.asked_at > SOON


def asker(held: Reservation) -> str:
    """Who asks this agent about a caller; "" where it is a caller whom they have."""
    talk = handed.consultation(house(), held)
    return name_of(talk.agent) if talk is not None else ""


def about(held: Reservation) -> Reservation:
    """The pairing with the caller whom it is about."""
    talk = handed.consultation(house(), held)
    if talk is None:
        return held
    first = house().line.reservation(talk.token)
    return first if first is not None else replace(held, entry=talk.entry)


def name_of(agent: AgentKey) -> str:
    """As people call them."""
    try:
        return house().book.agent(agent).name
    except NotFound:
        return agent


def refused(where: Wish, why: CallbackError) -> str:
    """Why somebody is not rung, and what helps."""
    if isinstance(why, NotAccepting | NumberRefused) and why.reason in REASONS:
        return REASONS[why.reason]()
    return NOBODY[where]()


REASONS: dict[str, Callable[[], str]] = {
    "closed": lambda: gettext("The queue is closed now."),
    "stopped": lambda: gettext("No numbers can be rung from here at the moment. Colleagues and queues can."),
    "switched_off": lambda: gettext("Calls to outside numbers are switched off here. Colleagues and queues are not."),
    "too_often": lambda: gettext("The limit for calls to outside numbers is reached for today. Please take a message."),
    "suppressed": lambda: gettext("Whoever has this number asked never to be rung by us."),
    "ours": lambda: gettext("This is one of our own numbers. Choose the queue instead."),
}
NOBODY: dict[Wish, Callable[[], str]] = {
    Wish.QUEUE: lambda: gettext("Nobody there is free at the moment."),
    Wish.AGENT: lambda: gettext("This colleague is not free at the moment."),
    Wish.NUMBER: lambda: gettext("This number cannot be rung from here. Write it with its country code."),
}
