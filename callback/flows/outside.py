"""Telephones outside, rung for a caller: the guards of every dial, and limits that protect whoever is there.

Asked twice, when an agent wants it and when it is rung. A number that many callers are sent to is one that somebody may
not want to be: so it is rung a limited number of times a day, and each agent rings a limited number of such telephones.
At the second time it counts in the step in which it is asked, so that of two who would be the last one is. A limit of 0
is a house that wants no such calls at all, which is said so: tomorrow it is the same.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from callback.domain import phone
from callback.domain.desk import Talk
from callback.domain.errors import NotAccepting, NumberRefused
from callback.domain.policy import Queue
from callback.flows import account, enrol
from callback.flows.book import caller_id
from callback.ports import House, Work

DAY = timedelta(days=1)


def check(house: House, talk: Talk, number: str) -> None:
    """Whether this number may be rung for this caller now. Raises NumberRefused (its kind or country, ours, suppressed,
    `switched_off`, `too_often`), NotAccepting (`stopped`: we ring nobody now)."""
    may_ring(house, house.book.queue(talk.queue), number)
    with house.store.look() as work:
        not_too_often(house, work, talk, number)


def ring(house: House, talk: Talk, queue: Queue, begun: Callable[[Talk], Talk | None]) -> Talk:
    """The number that the talk names is rung now, for a caller of `queue`: counted within the limits, in one step with
    what `begun` makes of the talk. None of it, and it was before: nothing is asked or counted again. Raises as `check`.
    """
    may_ring(house, queue, talk.to)
    with house.store.begin() as work:
        found = work.talk(talk.token, lock=True) or talk
        after = begun(found)
        if after is None:
            return found
        work.alone(f"number {house.store.number_hash(talk.to)}", f"agent {talk.agent}")
        not_too_often(house, work, talk, talk.to)
        return work.put_talk(replace(after, outside=found.outside + 1))


def offered(house: House) -> bool:
    """Whether telephones outside are rung for callers in this house at all."""
    return bool(house.knobs.outside_per_number and house.knobs.outside_per_agent)


def not_too_often(house: House, work: Work, talk: Talk, number: str) -> None:
    """Raises NumberRefused where this number, or numbers by this agent, were rung too often today, or none ever is."""
    if not offered(house):
        raise NumberRefused("switched_off", "numbers outside are never rung for callers here")
    to_number, by_agent = work.rung_outside(number, talk.agent, since=house.clock.now() - DAY)
    if to_number >= house.knobs.outside_per_number or by_agent >= house.knobs.outside_per_agent:
        raise NumberRefused("too_often", "this number, or numbers by this agent, were rung too often today")


def may_ring(house: House, queue: Queue, number: str) -> None:
    """The guard of callbacks: its kind and country, none of ours, which would ring here again, and nobody who asked
    never to be rung by us. Nobody is rung while the carrier is stopped or the queue does not dial."""
    own = caller_id(house, queue)
    phone.check(number, allowed=queue.policy.allowed_countries, own=own)
    enrol.refuse_ours(house, number)
    with house.store.look() as work:
        if work.suppressed(number):
            raise NumberRefused("suppressed", "its owner asked never to be called by us")
    if not queue.policy.dialing or account.stopped(house, own) is not None:
        raise NotAccepting("stopped", "nobody is rung from here at the moment")
