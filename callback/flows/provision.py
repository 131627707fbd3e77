"""A number of the account is pointed here, and leads to a queue: what the command line and the console both do."""

from dataclasses import dataclass

from callback.domain import phone
from callback.domain.acts import Doer, What, act
from callback.domain.errors import InvalidInput
from callback.domain.ids import QueueKey
from callback.domain.numbers import OwnNumber, Webhooks, Wrong, bare, webhooks_for, wrong_with
from callback.domain.policy import Queue
from callback.flows import configure
from callback.ports import House


class NotOurs(InvalidInput):
    """A number of somebody else."""

    def __init__(self, number: str) -> None:
        super().__init__("number", f"{number} is no number of this account")


@dataclass(frozen=True)
class Way:
    """A number as the carrier has it, and where its events should go."""

    found: OwnNumber
    queue: Queue
    wanted: Webhooks

    @property
    def wrong(self) -> list[Wrong]:
        """What is wrong with it now."""
        return wrong_with(self.found, self.wanted)


def look_up(house: House, number: str, key: QueueKey) -> Way:
    """What there is. Raises InvalidInput, NotFound, NotOurs and `CarrierError`."""
    with house.store.look() as work:
        queue = work.queue(key)
    normal = phone.of_ours(number)
    found = house.numbers.find(normal)
    if found is None:
        raise NotOurs(normal)
    return Way(found, queue, webhooks_for(house.urls.base, key))


def point(house: House, way: Way, doer: Doer) -> OwnNumber:
    """The number among those of the queue, and then its webhooks sent here; in the audit log with what they were.
    Raises InvalidInput where it leads to another queue, before anything is changed at the carrier, and `CarrierError`.
    """
    key, number = QueueKey(way.queue.key), way.found.number
    if number not in way.queue.numbers:
        numbers = (*way.queue.numbers, number)
        configure.put_queue(house, key, name=way.queue.name, numbers=numbers, by=doer.by, role=doer.role)
    pointed = house.numbers.point(way.found, way.wanted)
    before = bare(way.found.webhooks) | ({way.found.bypassed: "set"} if way.found.bypassed else {})
    at = house.clock.now()
    with house.store.begin() as work:
        work.act(act(doer, What.NUMBER_POINT, number, at, queue=key, before=before, after=bare(way.wanted)))
    return pointed
