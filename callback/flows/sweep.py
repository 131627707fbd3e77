"""Whatever died between two steps is found here and goes on: the one loop that makes every other step optional.

Runs every `SWEEP_S` seconds; two at once do no harm, since each step is guarded where it acts. One thing that cannot be
mended stops none of the others: see `poison`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from callback.domain.ids import AgentKey, QueueKey
from callback.flows import ahead, due, leases, match, persist, promises, silence, tell
from callback.flows import asked as asked_again
from callback.flows.book import NO_QUEUE
from callback.flows.poison import Round
from callback.flows.wary import Wary
from callback.ports import House, Reservation


@dataclass(frozen=True)
class Swept:
    """What one sweep did, for its log line."""

    lapsed: int
    wrapped: int
    due: int
    asked: int
    texts: int


def sweep(house: House) -> Swept:
    """One round. In a line that is not whole, whoever is missing looks as if lost: nobody is judged then."""
    if not house.line.standing(NO_QUEUE, None).whole:
        return Swept(0, 0, 0, 0, 0)
    house = replace(house, carrier=Wary(house.carrier, house.clock))
    going = Round(house)
    going.step("recording", lambda: persist.persist(house))
    lapsed = house.line.lapsed(now=house.clock.now())
    recovered = recover(house, going, lapsed.reservations)
    wrapped = free(house, going, lapsed.wrapped)
    started = going.step("due", lambda: due.start_due(house, going) + due.rested(house, going))
    asked = going.step("asking again", lambda: asked_again.look(house, going))  # by the round that `silence` notes
    asked += silence.ask(house, going)
    queues = all_queues(house)
    going.step("counting promises", lambda: promises.count(house, queues))
    texts = going.step("reminding", lambda: tell.tell_next(house, going, queues))
    texts += going.step("texting", lambda: tell.resend(house, going))
    for queue in queues:
        going.step(f"matching {queue}", partial(match.run, house, queue))
        going.step(f"dialling ahead {queue}", partial(ahead.run, house, queue))
    return Swept(recovered, wrapped, started, asked, texts)


def recover(house: House, going: Round, lapsed: Iterable[Reservation]) -> int:
    """Reservations whose holder died."""
    return sum(going.step("recovering", partial(leases.recover, house, pairing)) for pairing in lapsed)


def free(house: House, going: Round, agents: Iterable[AgentKey]) -> int:
    """Agents whose wrap-up is over take the next."""
    return sum(going.step("freeing", partial(match.run_agent, house, agent)) for agent in agents)


def all_queues(house: House) -> list[QueueKey]:
    """Every queue there is."""
    return [QueueKey(queue.key) for queue in house.line.configuration()[1]]
