"""Queues, policies and agents: saved in the record with who and why (and in its audit log), then published to the line
where the doors read."""

import contextlib
from collections.abc import Mapping
from datetime import datetime

from callback.domain import phone, policies
from callback.domain.acts import Doer, What, act, contact_masked
from callback.domain.callback import Agent, Served
from callback.domain.errors import InvalidInput, NotFound, Stale
from callback.domain.ids import AgentKey, QueueKey
from callback.domain.policy import Policy, Queue
from callback.domain.wording import Own, published
from callback.flows import epoch
from callback.flows.book import NO_QUEUE
from callback.ports import House, PolicyVersion, Work

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
        queues, agents, wording = saved(house)
        with contextlib.suppress(Stale):
            house.line.configure(queues, agents, wording=wording, following=version)
            return
    raise Stale("the configuration is being changed by too many at once: what was saved is in force within seconds")


def publish_if_changed(house: House) -> bool:
    """The same where the line has something else than the record: whoever saved it died, or could not reach the line,
    before it was published."""
    _, queues, agents = house.line.configuration()
    if (queues, agents, house.line.wording()) == saved(house):
        return False
    publish(house)
    return True


def saved(house: House) -> tuple[list[Queue], list[Agent], list[Own]]:
    """What the record has, by key."""
    with house.store.look() as work:
        queues, agents, wording = work.queues(), work.agents(), published(work.wordings())
    return sorted(queues, key=lambda queue: queue.key), sorted(agents, key=lambda agent: agent.key), wording


def put_queue(
    house: House,
    key: QueueKey,
    *,
    name: str,
    numbers: tuple[str, ...] | None = None,
    policy: Mapping[str, object] | None = None,
    by: str,
    role: str = "",
    new: bool = False,
) -> Queue:
    """Create or change a queue. `by` and `role`: see `domain.acts.Doer`. Raises InvalidInput, and NameTaken where
    it is to be `new` and there is one."""
    checked = None if numbers is None else tuple(phone.of_ours(number) for number in numbers)
    now = house.clock.now()
    with house.store.begin() as work:
        before = _queue_json(_known_queue(work, key))
        queue = work.put_queue(key, name, checked, now, new=new)
        work.act(act(Doer(by, role), What.QUEUE_SAVE, key, now, queue=key, before=before, after=_queue_json(queue)))
        if policy:
            queue = save_policy(work, queue, policy, Doer(by, role), "with the queue", now)
    publish(house)
    return queue


class Overtaken(Stale):
    """Somebody saved the same fields otherwise since `base`. `queue` is as it is now."""

    def __init__(self, fields: list[str], queue: Queue) -> None:
        super().__init__(f"somebody else has changed {', '.join(fields)} meanwhile: look at it, and save again")
        self.fields, self.queue = fields, queue


def put_policy(
    house: House,
    key: QueueKey,
    changes: Mapping[str, object],
    *,
    by: str,
    role: str = "",
    why: str = "",
    what: What = What.POLICY_SAVE,
    base: int | None = None,
) -> Queue:
    """A new version of a queue's policy. `what` is how the audit log calls it. With `base`, the version that the
    changes were made on, what others saved since stays, unless it is the same fields.

    Raises NotFound, InvalidInput, and Overtaken where it is.
    """
    for _ in range(TRIES):
        with contextlib.suppress(Unlucky):
            queue = _revise(house, key, changes, Doer(by, role), why, what, base)
            publish(house)
            return queue
    raise Stale("this policy is being changed by too many at once: try again")


class Unlucky(Stale):
    """Somebody saved between our reading and our writing: the same again, from what is there now."""


def _revise(
    house: House,
    key: QueueKey,
    changes: Mapping[str, object],
    doer: Doer,
    why: str,
    what: What,
    base: int | None,
) -> Queue:
    with house.store.begin() as work:
        queue = work.queue(key)
        check_base(work, queue, changes, base)
        try:
            return save_policy(work, queue, changes, doer, why, house.clock.now(), what)
        except Stale:
            raise Unlucky("somebody saved meanwhile") from None


def check_base(work: Work, queue: Queue, changes: Mapping[str, object], base: int | None) -> None:
    """Raises Overtaken where somebody saved the same fields otherwise since the version `base`."""
    if base is not None and base != queue.version:
        lost = overtaken(version(work, queue, base).policy, queue.policy, changes)
        if lost:
            raise Overtaken(lost, queue)


def version(work: Work, queue: Queue, number: int) -> PolicyVersion:
    """A version of a queue's policy. Raises NotFound."""
    back = queue.version - number + 1
    if back > 0:
        for one in work.policies(QueueKey(queue.key), limit=back):
            if one.version == number:
                return one
    raise NotFound(f"the queue {queue.key} has no version {number}")


def overtaken(base: Policy, now: Policy, changes: Mapping[str, object]) -> list[str]:
    """The fields that were changed in two ways since `base`: by these changes, and in what is in force now."""
    before, there = policies.to_json(base), policies.to_json(now)
    return [name for name, value in changes.items() if name in there and there[name] not in (before[name], value)]


def save_policy(
    work: Work,
    queue: Queue,
    changes: Mapping[str, object],
    doer: Doer,
    why: str,
    at: datetime,
    what: What = What.POLICY_SAVE,
) -> Queue:
    """The next version within a transaction, with its line in the audit log. Raises InvalidInput, Stale."""
    key = QueueKey(queue.key)
    policy = policies.parse(changes, queue.policy)
    saved = work.put_policy(key, policy, by=doer.by, why=why, at=at, following=queue.version)
    before, after = (policies.to_json(one.policy) | {"version": one.version} for one in (queue, saved))
    work.act(act(doer, what, key, at, queue=key, before=before, after=after, cause=why))
    return saved


def _known_queue(work: Work, key: QueueKey) -> Queue | None:
    try:
        return work.queue(key)
    except NotFound:
        return None


def _queue_json(queue: Queue | None) -> dict[str, object] | None:
    return None if queue is None else {"name": queue.name, "numbers": list(queue.numbers)}


def put_agent(
    house: House,
    key: AgentKey,
    *,
    name: str,
    contact: str,
    queues: list[Served],
    by: str,
    role: str = "",
    new: bool = False,
) -> Agent:
    """Create or change an agent. Raises InvalidInput, naming what is wrong with the contact or the queues, and
    NameTaken where they are to be `new` and there is one."""
    agent = Agent(key=key, name=name, contact=check_contact(contact), queues=tuple(queues))
    now = house.clock.now()
    with house.store.begin() as work:
        for served in queues:
            try:
                work.queue(served.queue)
            except NotFound as missing:
                raise InvalidInput("queues", str(missing)) from None
        before = _agent_json(_known_agent(work, key))
        stored = work.put_agent(agent, now, new=new)
        work.act(act(Doer(by, role), What.AGENT_SAVE, key, now, before=before, after=_agent_json(stored)))
    publish(house)
    return stored


def _known_agent(work: Work, key: AgentKey) -> Agent | None:
    try:
        return work.agent(key)
    except NotFound:
        return None


def _agent_json(agent: Agent | None) -> dict[str, object] | None:
    """Without the name; a number masked."""
    if agent is None:
        return None
    return {"contact": contact_masked(agent.contact), "queues": {one.queue: one.level for one in agent.queues}}


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
