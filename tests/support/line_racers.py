"""Workers who all want the same free agent at the same moment: threads of one process, or processes of their own."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from callback.adapters.line.client import make_client
from callback.adapters.line.redis_line import RedisLine
from callback.domain.ids import AgentKey, CallSid, EntryId, Token
from callback.domain.lifecycle import AgentStatus
from callback.ports import Line
from tests.support.clock import MONDAY_MORNING, ManualClock
from tests.support.line_scene import SUPPORT, agent, queue
from tests.support.racing import racing

ADA = AgentKey("ada")
Answer = tuple[int, Token | None]
"""The number of the race, and the token of the reservation that a racer was given."""


class Barrier(Protocol):
    """Where everybody waits for everybody."""

    def wait(self) -> int: ...


def now_of(race: int) -> datetime:
    """Each race has its own minute."""
    return MONDAY_MORNING + timedelta(minutes=race)


def reach_for(line: Line, race: int, racer: int) -> Token | None:
    """One try at the agent, in one of the ways that exist. What was got for oneself, not what somebody else got."""
    now, token = now_of(race), Token(f"rs-{race}-{racer}")
    match racer % 4:
        case 0:
            got = line.match(SUPPORT, lease_s=10, token=token, now=now)
        case 1:
            got = line.match_agent(ADA, lease_s=10, token=token, now=now)
        case 2:
            call = CallSid(f"CA-early-{race}")
            got = line.hold(
                SUPPORT, EntryId(call), call, score=1, joined_at=now, language="en", lease_s=10, token=token, now=now
            ).reservation
        case _:
            got = line.arrive(
                SUPPORT,
                CallSid(f"CA-{race}-{racer}"),
                credit_s=0,
                number_hash="",
                language="en",
                lease_s=10,
                token=token,
                now=now,
            ).reservation
    return token if got is not None and got.token == token else None


def run(url: str, racer: int, races: int, start: Barrier, answer: Callable[[Answer], object]) -> None:
    """One racer's whole life."""
    with make_client(url, timeout_s=20) as client:
        line = RedisLine(client)
        for race in range(races):
            start.wait()
            answer((race, reach_for(line, race, racer)))
            start.wait()


def race_threads(url: str, racers: int, races: int) -> list[list[Token]]:
    """The tokens won in each race."""
    won: list[Answer] = []
    start = threading.Barrier(racers + 1, timeout=60)
    crowd = [
        threading.Thread(target=run, args=(url, racer, races, start, won.append), daemon=True)
        for racer in range(racers)
    ]
    for racer in crowd:
        racer.start()
    referee(url, races, start)
    for racer in crowd:
        racer.join()
    return winners(won, races)


def race_processes(url: str, racers: int, races: int) -> list[list[Token]]:
    """The same, with processes that share nothing but Redis."""
    context = racing()
    start = context.Barrier(racers + 1, timeout=60)
    answers = context.Queue()
    crowd = [
        context.Process(target=run, args=(url, racer, races, start, answers.put), daemon=True)
        for racer in range(racers)
    ]
    for racer in crowd:
        racer.start()
    referee(url, races, start)
    won = [answers.get(timeout=30) for _ in range(racers * races)]
    for racer in crowd:
        racer.join()
    return winners(won, races)


def referee(url: str, races: int, start: Barrier) -> None:
    """Before each race one agent is free and somebody is due; after it the agent has talked and everybody has gone."""
    with make_client(url, timeout_s=20) as client:
        line = RedisLine(client, ManualClock())
        line.configure((queue(SUPPORT),), (agent(ADA),))
        for race in range(races):
            prepare(line, race)
            start.wait()
            start.wait()
            check_and_clear(line, race)


def prepare(line: Line, race: int) -> None:
    """One agent, one callback."""
    now = now_of(race)
    line.enter(SUPPORT, EntryId(f"cb-{race}"), score=2, joined_at=now, due=True, number_hash="", replaces=None, now=now)
    assert line.presence(ADA, AgentStatus.AVAILABLE, now=now).status is AgentStatus.AVAILABLE


def check_and_clear(line: Line, race: int) -> None:
    """Exactly one pairing is in force, and it can be brought to its end."""
    view = line.agent(ADA)
    assert view.status is AgentStatus.RESERVED
    assert view.token is not None
    assert line.bridge(view.token, now=now_of(race))
    assert line.complete(view.token, wrap_up_s=0, now=now_of(race)) is not None
    line.presence(ADA, AgentStatus.AWAY, now=now_of(race))
    for waiting in line.listing(SUPPORT):
        line.leave(waiting.entry, reason="the race is over", now=now_of(race))


def winners(answers: list[Answer], races: int) -> list[list[Token]]:
    """By race."""
    won: list[list[Token]] = [[] for _ in range(races)]
    for race, token in answers:
        if token is not None:
            won[race].append(token)
    return won
