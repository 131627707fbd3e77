"""A stage: one shop with its people, on which one trial plays; and a round: several stages struck by one fault."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from tests.support.chaos import evidence, oracle
from tests.support.chaos.building import Building
from tests.support.chaos.oracle import Case
from tests.support.chaos.outcome import Outcome
from tests.support.installation import Installation, Refused, Shop
from tests.support.people import INSISTS, TALKS
from tests.support.waiting import eventually

T = TypeVar("T")
COMPLETED = frozenset({"completed"})
SETTLES_S = 60.0
"""Whatever was struck is well again within this, or it is a breach."""
LISTED = 200


@dataclass
class Stage:
    """One trial: its shop, its dice, what was promised to whom, and how it went."""

    house: Installation
    shop: Shop
    rng: Random
    trial: int
    case: Case
    point: str = ""
    struck_at: float = 0.0
    well_at: float | None = None
    trouble: list[str] = field(default_factory=list)

    # --- people ---------------------------------------------------------------------------------------------------

    def promise(self, *ends: str, by: str | None = None, **behaviour: Any) -> str:
        """Somebody is promised a callback, by telephone or through the API, and answers our call like this."""
        number = self.house.new_number()
        self.house.carrier.person(number, **(behaviour or {"script": TALKS}))
        if (by or self.rng.choice(("phone", "api"))) == "phone":
            self.house.carrier.until(self.shop.ring(*INSISTS, number=number), "ended", timeout=40)
        else:
            self.ask(number)
        self.case.promised[number] = frozenset(ends) or COMPLETED
        return number

    def ask(self, number: str, **more: Any) -> dict[str, Any]:
        """A program asks for a callback."""
        body = {"queue": self.shop.key, "number": number, **more}
        made: dict[str, Any] = self.house.api("POST", "/callbacks", body, Idempotency_Key=f"{self.shop.key}-{number}")
        return made

    def cancel(self, number: str) -> bool:
        """Cancel through the API; whether it was acknowledged. From that moment on nothing may ring them."""
        callback = self.shop.callback(number)["id"]
        try:
            self.house.api("POST", f"/callbacks/{callback}/cancel")
        except Refused as refused:
            if refused.status != 409:
                raise
            return False
        self.case.cancelled[number] = time.time()
        self.case.promised[number] = frozenset({"cancelled"})
        return True

    def served(self, number: str, *, within_s: float = SETTLES_S) -> None:
        """They talk at last, and ring off."""
        self.talking(number, within_s=within_s)
        self.rings_off(number)

    def served_in_turn(self, *numbers: str) -> None:
        """One agent serves them all: whoever talks first rings off first."""
        waiting = list(numbers)
        while waiting:
            first = eventually(
                lambda: next(filter(self.bridged, waiting), ""),
                within_s=SETTLES_S, every_s=0.1, what=f"one of {', '.join(waiting)} talks",
            )  # fmt: skip
            self.served(first)
            waiting.remove(first)

    def talking(self, number: str, *, within_s: float = SETTLES_S) -> str:
        """The sid of the leg on which they talk at last. The record hears of it soon, or, where it was too slow just
        then, at the end."""
        leg = eventually(lambda: self.bridged(number), within_s=within_s, every_s=0.1, what=f"{number} talks")
        with contextlib.suppress(AssertionError):
            self.shop.in_state(number, "bridged", within_s=5)
        return leg

    def bridged(self, number: str) -> str:
        """The leg to that number which talks now, "" for none."""
        legs = self.house.carrier.calls_to(number)
        return next((leg["sid"] for leg in reversed(legs) if leg["bridged_with"]), "")

    def rings_off(self, number: str) -> None:
        """They have talked enough."""
        self.house.carrier.hang_up(self.bridged(number) or self.house.carrier.call_to(number))
        self.shop.in_state(number, "completed", within_s=40)

    def fault(self, **rule: Any) -> str:
        """The carrier misbehaves from now on; returns the rule's id."""
        made: dict[str, str] = self.house.carrier.do("POST", "faults", rule)
        return made["id"]

    def mend(self, rule: str) -> None:
        """The carrier behaves again."""
        self.house.carrier.do("DELETE", f"faults/{rule}")

    # --- how it goes ----------------------------------------------------------------------------------------------

    def strike(self, point: str) -> None:
        """Now it happens, at this point."""
        self.point, self.struck_at = point, time.time()

    def well(self) -> None:
        """All is well again."""
        self.well_at = self.well_at or time.time()

    def random_pause(self, low_s: float, high_s: float) -> float:
        """Let a random time pass, so that the fault strikes anywhere; returns it."""
        span = self.rng.uniform(low_s, high_s)
        time.sleep(span)
        return span

    @property
    def recovered_s(self) -> float | None:
        """Seconds from the fault until all was well."""
        return None if self.well_at is None or not self.struck_at else round(self.well_at - self.struck_at, 2)


@dataclass
class Round:
    """Some stages in one building, struck together."""

    building: Building
    fault: int
    seed: int
    trials: range
    stages: list[Stage] = field(default_factory=list)
    stories: dict[int, str] = field(default_factory=dict)

    @property
    def house(self) -> Installation:
        """The installation they share."""
        return self.building.house

    @property
    def rng(self) -> Random:
        """Dice of the whole round."""
        return Random(f"{self.seed}:{self.fault}:{self.trials.start}")

    def turn(self, ways: Sequence[T], size: int = 5) -> T:
        """One of these, another one in each round of so many trials, so that all of them come to their turn."""
        return ways[(self.trials.start // size + self.seed) % len(ways)]

    def open(self, agents: int = 1, **policy: Any) -> list[Stage]:
        """A shop for each trial."""

        def one(trial: int) -> Stage:
            shop = self.house.shop(agents, **{"ring_timeout_s": 5, **policy})
            contacts = tuple(shop.contact(at) for at in range(agents))
            return Stage(
                self.house, shop, Random(f"{self.seed}:{self.fault}:{trial}"), trial, Case(shop.key, agents=contacts)
            )

        self.stages = together(self.trials, one)
        return self.stages

    def each(self, act: Callable[[Stage], T]) -> list[T | None]:
        """Do something on every stage at once; what fails on one is its own breach and stops no other."""

        def one(stage: Stage) -> T | None:
            if stage.trouble:
                return None
            try:
                return act(stage)
            except (AssertionError, Refused, OSError) as failed:
                stage.trouble.append(f"L: not well within its time: {type(failed).__name__}: {failed}"[:2000])
                return None

        return together(self.stages, one)

    def close(self) -> list[Outcome]:
        """Wait until nobody is left, judge, and close the shops."""
        self.each(lambda stage: stage.shop.nobody_left(within_s=SETTLES_S))
        seen = self.building.seen()
        for queue, breach in self.building.audited():
            accused = [stage for stage in self.stages if stage.shop.key == queue] or self.stages[:1]
            accused[0].trouble.append(breach)
        outcomes = [self._judged(stage, seen) for stage in self.stages]
        for stage in self.stages:
            stage.shop.policy(dialing=False, accepting=False)
        together(self.stages, lambda stage: [stage.house.presence(agent, "offline") for agent in stage.shop.agents])
        self.house.carrier.do("POST", "reset", {})
        return outcomes

    def _judged(self, stage: Stage, seen: evidence.Evidence) -> Outcome:
        case = stage.case
        case.dark = self.building.dark
        case.still_s = self.building.stillness.worst(self.building.since, time.time())
        callbacks = self.house.api("GET", f"/callbacks?queue={stage.shop.key}&limit={LISTED}")["items"]
        agents = [stage.shop.agent(at) for at in range(len(stage.shop.agents))]
        addresses = {stage.shop.number, *case.promised, *case.agents}
        mine = evidence.part(seen, addresses, stage.shop.key)
        breaches = (*stage.trouble, *oracle.judge(case, mine, callbacks, agents))
        if breaches:
            self.stories[stage.trial] = evidence.story(mine)
        return Outcome(self.fault, stage.trial, self.seed, stage.point, stage.recovered_s, breaches)


def together(items: Sequence[Any], act: Callable[[Any], T]) -> list[T]:
    """Act on all at once, each in a thread of its own; the results in order."""
    if not items:
        return []
    with ThreadPoolExecutor(len(items)) as threads:
        return list(threads.map(act, items))


@contextmanager
def rule(stage: Stage, **how: Any) -> Iterator[str]:
    """The carrier misbehaves meanwhile."""
    made = stage.fault(**how)
    try:
        yield made
    finally:
        stage.mend(made)
