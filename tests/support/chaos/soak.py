"""Thousands of callers while everything of ours dies and comes back, and the carrier says things twice, late or never.

In the end nobody with a promise is lost, nobody was rung twice at once or after a cancel, and every agent is free.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast

import redis

from tests.support.chaos import oracle, pages
from tests.support.chaos.building import Building
from tests.support.chaos.evidence import seconds, story
from tests.support.chaos.oracle import ENDS, Case
from tests.support.chaos.plan import AGENT, KNOWN, Death, Person, Plan, Prank, on
from tests.support.chaos.watch import Seen, Watch
from tests.support.installation import FAST, SHOP_NUMBERS, Refused, http
from tests.support.waiting import eventually

QUEUES = 4
AGENTS = 20
POLICY = {
    **FAST, "ring_timeout_s": 8, "attempts": 3, "retry_delays_s": [2], "prior_handle_s": 20, "offer_at_wait_s": 1,
    "stop_offering_at_wait_s": 1,
}  # fmt: skip
DRAINS_S = 240.0
"""How long after the last caller everybody must have been served."""
TRIES = 20
Tell = Callable[[str], None]


@dataclass
class Result:
    """What a soak came to."""

    callers: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    wishes: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    recoveries_s: list[float] = field(default_factory=list)
    documents: int = 0
    slowest_s: float = 0.0
    seconds: float = 0.0
    story: str = ""


class Soak:
    """One run of a plan in a building."""

    def __init__(self, plan: Plan, building: Building, tell: Tell) -> None:
        self.plan, self.building, self.tell = plan, building, tell
        self.house = building.house
        self.result = Result()
        self.case = Case("", dark=building.dark)
        self.promised: set[str] = set()
        self.arrived: dict[str, str] = {}
        self.renumbered: dict[str, str] = {}
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._over = threading.Event()

    def run(self) -> Result:
        """All of it: people, deaths and pranks by their times, then the drain and the judges."""
        self._furnish()
        watch = Watch(self.house.carrier, self.case, self.building.stillness)
        self._began = time.monotonic()
        minders = [self._start(self._kill_by_plan), self._start(self._prank_by_plan), self._start(self._mind_agents)]
        with ThreadPoolExecutor(24) as threads:
            for person in self.plan.people:
                self._wait_for(person.at_s)
                threads.submit(self._guarded, self._live, person)
        for minder in minders[:2]:
            minder.join()
        self.house.carrier.do("DELETE", "faults")
        self._drain()
        self._over.set()
        minders[2].join()
        self._judge(watch.finish())
        self.result.seconds = time.monotonic() - self._began
        return self.result

    # --- the stage ------------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        for queue in range(QUEUES):
            body = {"name": f"Line {queue + 1}", "numbers": [SHOP_NUMBERS[queue]], "policy": POLICY}
            self.house.api("PUT", f"/queues/soak-{queue}", body)
            self.house.carrier.point(SHOP_NUMBERS[queue], self.house.base)
        for agent in range(AGENTS):
            serves = [f"soak-{agent % QUEUES}", *([f"soak-{(agent + 1) % QUEUES}"] if agent % 3 == 0 else [])]
            body = {"name": f"Agent {agent + 1}", "contact": self._contact(agent), "queues": serves}
            self.house.api("PUT", f"/agents/soak-a{agent}", body)
            self.house.carrier.person(self._contact(agent), **AGENT)
        self.case.agents = tuple(self._contact(agent) for agent in range(AGENTS))

    @staticmethod
    def _contact(agent: int) -> str:
        return f"+12025558{agent:03}"

    def _mind_agents(self) -> None:
        """Agents come to work after a while; whoever missed a ring because something of ours was dead says so."""
        self._wait_for(min(6.0, self.plan.ends_s / 4))
        while not self._over.wait(2.0):
            for agent in range(AGENTS):
                with contextlib.suppress(Refused, OSError):
                    if self.house.api("GET", f"/agents/soak-a{agent}")["status"] in {"away", "offline"}:
                        self.house.presence(f"soak-a{agent}", "available")

    # --- people ---------------------------------------------------------------------------------------------------

    def _live(self, person: Person) -> None:
        self.house.carrier.do("POST", "endpoints", {"address": person.number, "behaviours": list(person.answers)})
        self._count(person.kind)
        if person.rings is None:
            self._ask(person)
        else:
            self._ring(person, person.rings)
        self._change_mind(person)

    def _ring(self, person: Person, behaviour: dict[str, Any]) -> None:
        body = {"from": person.number, "to": SHOP_NUMBERS[person.queue], "behaviour": behaviour}
        sid = self.house.carrier.do("POST", "call_in", body)["sid"]
        self.arrived[sid] = person.number

    def _ask(self, person: Person) -> None:
        """A program asks until it is told something: the key makes it one callback."""
        body = {"queue": f"soak-{person.queue}", "number": person.number}
        if person.has_an_appointment:
            body["requested_for"] = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        made = self._until_told(lambda: self.house.api("POST", "/callbacks", body, Idempotency_Key=person.number))
        if made is not None:
            self.promised.add(person.number)

    def _change_mind(self, person: Person) -> None:
        if person.kind.startswith("cancels by program"):
            self._wait_for(person.at_s + person.then_s)
            self._cancel(person, lambda callback: self.house.api("POST", f"/callbacks/{callback['id']}/cancel"))
        elif person.kind.startswith("cancels on the page"):
            self._wait_for(person.at_s + person.then_s)
            self._cancel(person, pages.cancel)
        elif person.kind.startswith("rings again"):
            self._wait_for(person.at_s + person.then_s)
            self._ring_again(person, "1" if "keeps" in person.kind else "2")
        elif person.kind.startswith("moves it"):
            self._wait_for(person.at_s + person.then_s)
            self._put_off(person)
        elif person.kind == "misses it and says so":
            self._say_so(person)
        elif person.kind == "gives another number":
            self._wait_for(person.at_s + person.then_s)
            self._renumber(person)

    def _ring_again(self, person: Person, key: str) -> None:
        keys = [on(KNOWN, key), on("again|back", "2")]
        self._ring(person, {"on_say": keys, "talk_s": 60, "patience_s": 2400})

    def _put_off(self, person: Person) -> None:
        """Another time, long after the soak; and then they change their mind once more."""
        found = self._mine(person)
        if not found or not self._on_page("later", partial(pages.later, found[0], Random(person.number))):
            return
        self._wait_for(person.at_s + 2 * person.then_s)
        if person.kind.endswith("is ready"):
            self._on_page("ready", partial(pages.ready, found[0]))
        else:
            self._ring_again(person, {"keeps": "1", "holds": "2", "cancels": "3"}[person.kind.split()[-1]])

    def _say_so(self, person: Person) -> None:
        """As soon as the page offers it, within a while."""
        for _ in range(40):
            if any(self._on_page("missed", partial(pages.ready, callback)) for callback in self._mine(person)):
                return
            time.sleep(0.5)

    def _renumber(self, person: Person) -> None:
        found = self._mine(person)
        if not found:
            return
        answers = {"address": person.other_number, "behaviours": list(person.answers)}
        self.house.carrier.do("POST", "endpoints", answers)
        self.renumbered[person.other_number] = person.number
        with contextlib.suppress(AssertionError):  # no code came: the number stays
            self._on_page("number", partial(pages.another_number, self.house, found[0], person.other_number))

    def _mine(self, person: Person) -> list[dict[str, Any]]:
        query = {"queue": f"soak-{person.queue}", "number": person.number}
        found: list[dict[str, Any]] | None = self._until_told(lambda: self.house.callbacks(**query))
        return found or []

    def _on_page(self, wish: str, ask: Callable[[], Any]) -> bool:
        """Whether it was done: not where it is refused, or nobody can be asked."""

        def done() -> bool:
            ask()
            return True

        told = bool(self._until_told(done))
        with self._lock:
            self.result.wishes[wish] += told
        return told

    def _cancel(self, person: Person, how: Callable[[dict[str, Any]], Any]) -> None:
        found = self._mine(person)
        if not found:
            return  # nothing was promised yet
        if self._until_told(lambda: how(found[0])) is not None:
            self.case.cancelled[person.number] = time.time()

    def _until_told(self, ask: Callable[[], Any]) -> Any:
        """The answer, once there is one; None for a refusal. A part of ours that is away is asked again."""
        for _ in range(TRIES):
            try:
                return ask()
            except Refused as refused:
                if refused.status < 500:
                    return None
            except OSError:
                pass
            time.sleep(0.5)
        return None

    # --- deaths and pranks ----------------------------------------------------------------------------------------

    def _kill_by_plan(self) -> None:
        for death in self.plan.deaths:
            self._wait_for(death.at_s)
            self._guarded(self._die, death)

    def _die(self, death: Death) -> None:
        self.result.deaths[death.what] += 1
        building, dice = self.building, Random(death.dice)
        worker = dice.choice(["worker", "worker-2"])
        began = time.monotonic()
        if death.what == "a web process":
            # While one is starting the other serves: with both gone nobody could answer in time.
            eventually(building.webs_serve, within_s=60, every_s=0.1, what="both web processes serve")
            began = time.monotonic()
            building.kill_a_web(dice)
        elif death.what == "a worker's pool":
            building.kill_pool(worker)
        elif death.what in {"a worker", "beat"}:
            name = worker if death.what == "a worker" else "beat"
            building.kill(name)
            time.sleep(death.span_s)
            self.house.start_process(name)
        else:
            with outage(building, death.what):
                time.sleep(death.span_s)
        self._until_serving()
        self.result.recoveries_s.append(time.monotonic() - began)

    def _until_serving(self) -> None:
        """Until the house says that it is ready again."""
        with contextlib.suppress(AssertionError):
            until(lambda: http("GET", f"{self.house.base}/readyz", timeout=5))

    def _prank_by_plan(self) -> None:
        for prank in self.plan.pranks:
            self._wait_for(prank.at_s)
            self._guarded(self._prank, prank)

    def _prank(self, prank: Prank) -> None:
        self.house.carrier.do("POST", "faults", prank.rule)

    # --- the end --------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        """Whoever was put off is ready in the end, whatever came in between; and everybody is served."""
        self._known_by_number()
        deadline = time.monotonic() + DRAINS_S
        while time.monotonic() < deadline:
            for callback in self._listed("scheduled"):
                with contextlib.suppress(Refused, OSError):
                    pages.ready(callback)
            waiting = self._until_told(self._waiting)
            self.tell(f"everybody has rung; {waiting} are left")
            if waiting == 0:
                return
            time.sleep(2)

    def _known_by_number(self) -> None:
        """F: whoever has an appointment is recognised when they ring, once what died has been made up for."""

        line = redis.Redis.from_url(self.building.redis.url, decode_responses=True)

        def unknown() -> list[str]:
            known = cast(dict[str, str], line.hgetall("{cb}:booked"))
            return [one["number"] for one in self._listed("scheduled") if one["id"] not in known]

        try:
            eventually(lambda: not unknown(), within_s=60, every_s=1, what="everybody with an appointment is known")
        except AssertionError:
            self.result.breaches += [f"F: {number} has an appointment and is not known by it" for number in unknown()]

    def _waiting(self) -> int:
        """Who is in line or owed a callback, and the agents not yet free."""
        queues = self.house.api("GET", "/queues")["items"]
        mine = [queue for queue in queues if queue["key"].startswith("soak-")]
        lines: int = sum(sum(queue["waiting"].values()) for queue in mine)
        taken: int = sum(
            self.house.api("GET", f"/agents/soak-a{agent}")["status"] != "available" for agent in range(AGENTS)
        )
        return lines + taken + len(self._listed("waiting,scheduled,reserved,dialing,answered,bridged,reconciling"))

    def _listed(self, states: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for queue in range(QUEUES):
            query = f"/callbacks?queue=soak-{queue}&limit=200" + (f"&state={states}" if states else "")
            page = self.house.api("GET", query)
            found += page["items"]
            while page["next"]:
                page = self.house.api("GET", f"{query}&cursor={page['next']}")
                found += page["items"]
        return found

    def _judge(self, seen: Seen) -> None:
        callbacks = self._listed()
        self.result.states = Counter(callback["state"] for callback in callbacks)
        told = {number for sid, number in self.arrived.items() if sid in seen.promised}
        self.promised |= told
        agents = [self.house.api("GET", f"/agents/soak-a{agent}") for agent in range(AGENTS)]
        numbers = {person.number for person in self.plan.people} | set(self.renumbered)
        self.case.promised = dict.fromkeys(numbers, ENDS)
        seen.evidence.journal = self.house.journal()
        self.result.breaches += [
            *seen.breaches,
            *self._lost(callbacks),
            *oracle.dialled_twice(self.case, seen.evidence),
            *oracle.dialled_after_cancel(self.case, seen.evidence),
            *rung_after_the_end(callbacks, seen),
            *oracle.leaked(agents),
            *oracle.double_booked(self.case, seen.evidence),
            *oracle.broken_chains("L", seen.evidence.chains("callback")),
            *(breach for _, breach in self.building.audited()),
        ]
        self.result.documents, self.result.slowest_s = seen.documents, seen.slowest_s
        if self.result.breaches:
            seen.evidence.webhooks = seen.webhooks
            self.result.story = story(seen.evidence)

    def _lost(self, callbacks: Sequence[dict[str, Any]]) -> Iterator[str]:
        """L: whoever was told so has a callback, and every callback came to an end."""
        has = {callback["number"] for callback in callbacks}
        has |= {self.renumbered[number] for number in has & set(self.renumbered)}
        for number in sorted(self.promised - has):
            yield f"L: {number} was promised a callback that nobody knows of"
        for callback in callbacks:
            if callback["state"] not in ENDS:
                yield f"L: the callback to {callback['number']} is left {callback['state']}"

    # --- time -----------------------------------------------------------------------------------------------------

    def _wait_for(self, at_s: float) -> None:
        time.sleep(max(0.0, self._began + at_s - time.monotonic()))

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=work.__name__, daemon=True)
        thread.start()
        return thread

    def _guarded(self, act: Callable[[Any], None], what: Any) -> None:
        """What fails in a thread is told, and is a breach."""
        try:
            act(what)
        except Exception as failed:  # noqa: BLE001 -- recorded, and the run fails by it
            with self._lock:
                self.result.breaches.append(f"L: {what}: {type(failed).__name__}: {failed}")

    def _count(self, kind: str) -> None:
        with self._lock:
            self.result.callers[kind] += 1
            rung = sum(self.result.callers.values())
        if rung % 20 == 0:
            dead = sum(self.result.deaths.values())
            self.tell(f"{rung} of {len(self.plan.people)} callers, {dead} deaths")


def until(ready: Callable[[], Any], within_s: float = 30.0) -> None:
    """Wait until that raises nothing. Raises AssertionError."""

    def answers() -> bool:
        try:
            ready()
        except (Refused, OSError):
            return False
        return True

    eventually(answers, within_s=within_s, every_s=0.1, what="ready again")


def outage(building: Building, what: str) -> contextlib.AbstractContextManager[None]:
    """A backend is away, or stands still."""
    redis, postgres = building.redis, building.postgres
    ways = {
        "Redis": redis.away, "Redis frozen": redis.frozen,
        "the database": postgres.away, "the database frozen": postgres.frozen,
    }  # fmt: skip
    return ways[what]()


def rung_after_the_end(callbacks: Sequence[dict[str, Any]], seen: Seen) -> Iterator[str]:
    """X: nobody is rung whose callback has ended, by whatever it ended."""
    for callback in callbacks:
        others = [other for other in callbacks if other["number"] == callback["number"]]
        if callback["ended_at"] is None or len(others) > 1:
            continue
        ended = seconds(callback["ended_at"])
        for asked, to in seen.evidence.creations:
            if to == callback["number"] and asked > ended + 0.5:
                yield f"X: {to} was rung {asked - ended:.1f} s after their callback was {callback['state']}"
