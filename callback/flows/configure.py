"""Queues, policies and agents: saved in the record with who and why, then published to the line where the doors
read."""

import contextlib
from collections.abc import Mapping

from callback.domain import phone, policies
from callback.domain.callback import Agent, Served
from callback.domain.errors import InvalidInput, NotFound, Stale
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Queue
from callback.flows import epoch
from callback.flows.book import NO_QUEUE
from callback.ports import House

TRIES = 100
"""Whoever is overtaken reads the record again; of those who publish at once, one gets through each time."""


def publish(house: House) -> None:
    """The record's configuration into the line; called after every change, at every start, and by the rebuild. A line
    that was lost is marked first: with a configuration it would look like one in which nobody waits.

    Of two who publish at once, one may have read the record before the other's change was in it, and would take it
    back. So each publishes only what it read after the version that is in force. Raises Stale where that never comes
    about.
    """
    epoch.doubt_if_lost(house)
    for _ in range(TRIES):
        version = house.line.standing(NO_QUEUE, None).config
        queues, agents = saved(house)
        with contextlib.suppress(Stale):
            house.line.configure(queues, agents, following=version)
            return
    raise Stale("the configuration is being changed by too many at once: what was saved is in force within seconds")


def publish_if_changed(house: House) -> bool:
    """The same where the line has something else than the record: whoever saved it died, or could not reach the line,
    before it was published."""
    _, *published = house.line.configuration()
    if published == list(saved(house)):
        return False
    publish(house)
    return True


def saved(house: House) -> tuple[list[Queue], list[Agent]]:
    """What the record has, by key."""
    with house.store.look() as work:
        queues, agents = work.queues(), work.agents()
    return sorted(queues, key=lambda queue: queue.key), sorted(agents, key=lambda agent: agent.key)


def put_queue(
    house: House,
    key: QueueKey,
    *,
    name: str,
    numbers: tuple[str, ...] | None = None,
    policy: Mapping[str, object] | None = None,
    by: str,
) -> Queue:
    """Create or change a queue. Raises InvalidInput."""
    checked = None if numbers is None else tuple(phone.of_ours(number) for number in numbers)
    now = house.clock.now()
    with house.store.begin() as work:
        queue = work.put_queue(key, name, checked, now)
        if policy:
            changed = policies.parse(policy, queue.policy)
            queue = work.put_policy(key, changed, by=by, why="with the queue", at=now)
    publish(house)
    return queue


def put_policy(house: House, key: QueueKey, changes: Mapping[str, object], *, by: str, why: str = "") -> Queue:
    """A new version of a queue's policy. Raises NotFound, InvalidInput."""
    with house.store.begin() as work:
        changed = policies.parse(changes, work.queue(key).policy)
        queue = work.put_policy(key, changed, by=by, why=why, at=house.clock.now())
    publish(house)
    return queue


def put_agent(house: House, key: AgentKey, *, name: str, contact: str, queues: list[Served]) -> Agent:
    """Create or change an agent. Raises InvalidInput, naming what is wrong with the contact or the queues."""
    agent = Agent(key=key, name=name, contact=check_contact(contact), queues=tuple(queues))
    with house.store.begin() as work:
        for served in queues:
            try:
                work.queue(served.queue)
            except NotFound as missing:
                raise InvalidInput("queues", str(missing)) from None
        stored = work.put_agent(agent, house.clock.now())
    publish(house)
    return stored


def check_contact(contact: str) -> str:
    """A number in E.164, `sip:user@host` or `client:identity`. Raises InvalidInput."""
    kind, _, rest = contact.partition(":")
    if kind in ("sip", "client") and rest and not any(char.isspace() for char in rest):
        return contact
    try:
        return phone.of_ours(contact)
    except InvalidInput:
        raise InvalidInput(
            "contact", "give a number like +14155550123, or sip:ada@example.com, or client:ada"
        ) from None
