"""A line in a few words: the tests say who arrives and who is free, and this says the rest."""

from dataclasses import replace
from itertools import count

from callback.adapters.line.events import AgentEvent, CallEvent, PlaceEvent, SettingEvent, parse_event
from callback.adapters.line.micros import to_micros
from callback.domain.callback import Agent, Served
from callback.domain.ids import AgentKey, CallSid, EntryId, QueueKey, Token
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy, Queue
from callback.ports import AgentView, Line, Reservation, Standing
from tests.support.clock import ManualClock

SUPPORT, BILLING = QueueKey("support"), QueueKey("billing")


def queue(key: str = SUPPORT, *, dialing: bool = True) -> Queue:
    """A queue with the default policy."""
    return Queue(key, key.title(), (), replace(Policy(), dialing=dialing), 1)


def agent(key: str, *served: Served | str) -> Agent:
    """An agent; a queue named by its key alone is served at level 1. No queue: support."""
    queues = tuple(each if isinstance(each, Served) else Served(QueueKey(each)) for each in served or (SUPPORT,))
    return Agent(AgentKey(key), key.title(), f"client:{key}", queues)


class Scene:
    """One line and its clock. Every verb happens a second after the one before."""

    def __init__(self, line: Line, clock: ManualClock) -> None:
        self.line, self.clock = line, clock
        self._tokens = (Token(f"rs{number}") for number in count(1))
        self._seen = "0"

    def token(self) -> Token:
        """One that nobody has used."""
        return next(self._tokens)

    def staff(self, *agents: Agent | str, queues: tuple[Queue, ...] = (queue(SUPPORT), queue(BILLING))) -> None:
        """Configures the queues and these agents, and makes each available, one after the other."""
        staff = [agent(each) if isinstance(each, str) else each for each in agents]
        self.line.configure(queues, staff)
        for each in staff:
            self.presence(each.key)

    def presence(self, key: str, status: AgentStatus = AgentStatus.AVAILABLE) -> AgentView:
        """What an agent asks for."""
        return self.line.presence(AgentKey(key), status, now=self.clock.advance(1))

    def arrive(
        self, call: str, queue: str = SUPPORT, *, credit: float = 0, number: str = "", language: str = "en"
    ) -> Standing:
        """A live caller joins."""
        return self.line.arrive(
            QueueKey(queue),
            CallSid(call),
            credit_s=credit,
            number_hash=number,
            language=language,
            lease_s=10,
            token=self.token(),
            now=self.clock.advance(1),
        )

    def hold(self, entry: str, queue: str = SUPPORT, *, leg: str = "", score: int = 0, language: str = "") -> Standing:
        """A leg is on hold; `leg` is the entry itself unless given."""
        now = self.clock.advance(1)
        return self.line.hold(
            QueueKey(queue),
            EntryId(entry),
            CallSid(leg or entry),
            score=score or to_micros(now),
            joined_at=now,
            language=language,
            lease_s=10,
            token=self.token(),
            now=now,
        )

    def holding(self, *calls: str, queue: str = SUPPORT) -> None:
        """These callers arrive and hold, one after the other."""
        for call in calls:
            self.arrive(call, queue)
            self.hold(call, queue)

    def enter(
        self,
        entry: str,
        queue: str = SUPPORT,
        *,
        due: bool = True,
        number: str = "",
        replaces: str | None = None,
        score: int | None = None,
    ) -> Standing:
        """A callback stands in line; its score is the present unless given."""
        now = self.clock.advance(1)
        return self.line.enter(
            QueueKey(queue),
            EntryId(entry),
            score=to_micros(now) if score is None else score,
            joined_at=now,
            due=due,
            number_hash=number,
            replaces=EntryId(replaces) if replaces else None,
            now=now,
        )

    def leave(self, entry: str, reason: str = "hung up") -> Standing:
        """Out of the line."""
        return self.line.leave(EntryId(entry), reason=reason, now=self.clock.advance(1))

    def match(self, queue: str = SUPPORT) -> Reservation | None:
        """Pairs whoever can be paired."""
        return self.line.match(QueueKey(queue), lease_s=10, token=self.token(), now=self.clock.advance(1))

    def matched(self, queue: str = SUPPORT) -> Reservation:
        """The pairing that must be possible now."""
        pairing = self.match(queue)
        assert pairing is not None
        return pairing

    def match_agent(self, key: str) -> Reservation | None:
        """Pairs this agent, if free."""
        return self.line.match_agent(AgentKey(key), lease_s=10, token=self.token(), now=self.clock.advance(1))

    def come_free(self, key: str) -> tuple[AgentView, Reservation | None]:
        """An agent is available, and whom they are paired with."""
        now = self.clock.advance(1)
        return self.line.come_free(AgentKey(key), lease_s=10, token=self.token(), now=now)

    def talking(self, queue: str = SUPPORT) -> Reservation:
        """Pairs the next two and bridges them."""
        pairing = self.matched(queue)
        assert self.bridge(pairing.token)
        return pairing

    def bridge(self, token: Token) -> bool:
        """They talk."""
        return self.line.bridge(token, now=self.clock.advance(1))

    def release(
        self,
        token: Token,
        entry_to: str = "hold",
        agent_to: AgentStatus | None = None,
        *,
        reason: str = "not reached",
        score: int | None = None,
        again: bool = False,
    ) -> bool:
        """A pairing comes to nothing; `again`: who is on hold is paired at once."""
        now, next_ = self.clock.advance(1), self.token() if again else None
        return self.line.release(
            token, entry_to=entry_to, agent_to=agent_to, reason=reason, now=now, score=score, again=next_, lease_s=10
        )

    def complete(
        self, token: Token, *, wrap_up: float = 20, entry_to: str = "gone", leg: str = "", again: bool = False
    ) -> AgentView | None:
        """A talk is over; `again` as in `release`."""
        known, now, next_ = CallSid(leg) or None, self.clock.advance(1), self.token() if again else None
        return self.line.complete(
            token, wrap_up_s=wrap_up, now=now, entry_to=entry_to, leg=known, again=next_, lease_s=10
        )

    def place(self, entry: str) -> tuple[str, int | None]:
        """Where somebody is, and their position."""
        standing = self.line.standing(SUPPORT, EntryId(entry))
        return standing.place, standing.position

    def order(self, queue: str = SUPPORT) -> list[str]:
        """Who stands in line, first to last."""
        return [waiting.entry for waiting in self.line.listing(QueueKey(queue))]

    def status(self, key: str) -> AgentStatus:
        """What an agent is doing."""
        return self.line.agent(AgentKey(key)).status

    def statuses(self, queue: str = SUPPORT) -> dict[AgentStatus, int]:
        """How many agents of a queue are doing what, without the zeros."""
        counted = self.line.standing(QueueKey(queue), None).agents
        return {status: number for status, number in counted.items() if number}

    def news(self) -> list[CallEvent | AgentEvent]:
        """What was told of calls and agents since the last look."""
        return [told for told in self.everything() if isinstance(told, (CallEvent, AgentEvent))]

    def everything(self) -> list[CallEvent | AgentEvent | PlaceEvent | SettingEvent]:
        """The same, with the places of promises and whatever else the order depends on."""
        found = self.line.drain(self._seen, 10_000)
        if found:
            self._seen = found[-1][0]
        return [parse_event(fields) for _, fields in found]

    def moves(self) -> list[tuple[str, str | None, str]]:
        """The same, as (who, before, after)."""
        return [
            (news.call if isinstance(news, CallEvent) else news.agent, news.before, news.after) for news in self.news()
        ]
