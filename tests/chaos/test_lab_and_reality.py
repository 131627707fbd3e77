"""The lab beside a real house: callers ring a running installation, and a rehearsal of its journal comes out alike.

Real processes, real HTTP, real people on the emulated telephone, ten times as fast as in life. The journal of it is
turned into traffic and played under the policy that was in force: the mean times to an agent agree within 10 %.
"""

import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.laws import KEY_EDGES, RING_EDGES, Laws, prior
from callback.domain.lifecycle import ENDS
from callback.domain.policy import Policy
from callback.flows import recorded
from callback.lab.dialling import PICKS_UP
from callback.lab.engine import Engine, Habits, Setting
from callback.lab.journal_trace import JournalTrace, Recorded
from callback.lab.journalled import Journal
from callback.lab.line import Agent
from callback.lab.people import Person, TakeUp, key_of
from callback.lab.tally import Counts
from callback.lab.trace import RETURN, Outcome, Row
from tests.support.chaos.plan import on
from tests.support.installation import SECRET, SHOP_NUMBERS, Installation
from tests.support.people import HUMAN_CHECK, OFFER, READBACK
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

CALLERS = int(os.environ.get("LAB_CALLERS", "150"))
AGENTS, SPEED = 6, 10.0
TALK_S, LOAD = 18.0, 1.05
"""Real seconds."""
RINGS_S, GIVEN_UP_S = 0.9, 3.0
"""Real seconds until somebody picks up, and until the telephone of somebody who does not has rung out."""
PATIENCE_S = 60.0
POLICY: dict[str, Any] = {
    "offer_at_wait_s": 10, "stop_offering_at_wait_s": 6, "prior_handle_s": 20, "prior_patience_s": PATIENCE_S,
    "wrap_up_s": 1, "cut_off_s": 0, "retry_delays_s": [5], "attempts": 2, "ring_timeout_s": 20,
}  # fmt: skip
TAKES, ANSWERS = 0.5, 0.85
RUNS = 5
"""Of the lab: nothing but the length of a ring and the key are left to its dice."""


@dataclass(frozen=True)
class Wish:
    """What somebody would do, and does in both: take an offer, wait, talk (real seconds), and come to the phone."""

    takes: bool
    patience_s: float
    talk_s: float
    answers: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Known(Person):
    """A person of the lab of whom it is known which of their calls are answered."""

    answers: tuple[bool, ...] = ()

    def draw(self, attempt: int, which: int) -> float:
        """As anybody's, but for picking up."""
        die = super(Known, self).draw(attempt, which)
        if which != PICKS_UP:
            return die
        return die * ANSWERS if self.answers[attempt - 1] else 1 - die * (1 - ANSWERS)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    redis = RedisServer(valkey_binary()).start()
    made = Installation(tmp_path, redis.url, f"sqlite:///{tmp_path / 'callback.sqlite3'}", speed=SPEED)
    try:
        yield made.start()
    finally:
        made.stop()
        redis.close()


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_rehearsal_of_a_houses_own_journal_has_its_mean_waits(house: Installation) -> None:
    began = datetime.now(UTC)
    wishes = live_through(house)
    store = SqlStore(house.database_url, SECRET)
    told = list(recorded.entries(store, began - timedelta(minutes=1), datetime.now(UTC) + timedelta(minutes=1)))
    with store.look() as work:
        policy, agents = next(queue.policy for queue in work.queues() if queue.key == "lab"), work.agents()
    store.close()
    reader = JournalTrace()
    for row in told:
        reader.feed(row)
    found = reader.recorded(began, datetime.now(UTC), agents=agents, credits_s={})
    assert len({row.call_id for row in found.rows} & wishes.keys()) >= CALLERS * 0.95
    real = measured(Counts(live_s=[*live(found.rows)], back_s=[*back(found.rows)]))
    lab = [measured(played(found, wishes, told, policy, seed)) for seed in range(RUNS)]
    beside = {name: (real[name], fmean(one[name] for one in lab)) for name in real}
    sys.stderr.write("".join(f"{name}: real {one:.2f}, lab {other:.2f}\n" for name, (one, other) in beside.items()))
    for name, within in (("everybody", 0.1), ("live", 0.15), ("called back", 0.15)):
        assert beside[name][1] == pytest.approx(beside[name][0], rel=within), beside


def played(found: Recorded, wishes: dict[str, Wish], told: list[Entry], policy: Policy, seed: int) -> Counts:
    """The same callers in the lab, with the same wishes; the talks that took place as long as the journal says."""
    talks = {row.call_id.removesuffix(RETURN): row.handled_s for row in found.rows if row.outcome is Outcome.ANSWERED}
    longer_s = fmean(talks[one] - wishes[one].talk_s for one in talks)
    people = [
        Known(
            row.call_id, row.queue, row.priority, row.arrived_at, row.at, wish.patience_s,
            talks.get(row.call_id, wish.talk_s + longer_s), 0.0 if wish.takes else 1.0, key_of(seed, row.call_id),
            wish.answers,
        )
        for row in found.rows
        if (wish := wishes.get(row.call_id)) is not None
    ]  # fmt: skip
    policies = {"lab": replace(policy, ring_timeout_s=round(GIVEN_UP_S))}
    agents = [Agent(seat.agent, seat.queues) for seat in found.roster.seats]
    journal = Journal(policies, agents, people[0].at - 1)
    wrap_s = {"lab": policy.wrap_up_s}
    its_habits = habits(told, found.connect_s or 0.0)
    setting = Setting(people, found.roster.seats, policies, TakeUp.constant(0.5), its_habits, recorded_wrap_up_s=wrap_s)
    counts = Engine(setting, journal).run().whole()
    assert journal.findings().breaches == []
    return counts


def measured(counts: Counts) -> dict[str, float]:
    """Mean seconds to an agent, and how many."""
    everybody = counts.live_s + counts.back_s
    return {
        "everybody": fmean(everybody), "live": fmean(counts.live_s), "called back": fmean(counts.back_s),
        "number live": len(counts.live_s), "number called back": len(counts.back_s),
    }  # fmt: skip


def live(rows: Sequence[Row]) -> Iterator[float]:
    """The waits of those who held until they were served."""
    return (row.waited_s for row in rows if row.outcome is Outcome.ANSWERED and not row.is_return)


def back(rows: Sequence[Row]) -> Iterator[float]:
    """From joining the line to the talk, of those called back."""
    first = {row.call_id: row.at for row in rows}
    served = (row for row in rows if row.outcome is Outcome.ANSWERED and row.is_return)
    return (row.at + row.waited_s - first[row.call_id.removesuffix(RETURN)] for row in served)


def live_through(house: Installation) -> dict[str, Wish]:
    """Everybody rings, and the house serves them. Returns what each of them would do."""
    dice, wishes = random.Random(int(os.environ.get("CHAOS_SEED", "1"))), {}
    number = SHOP_NUMBERS[0]
    house.api("PUT", "/queues/lab", {"name": "Lab", "numbers": [number], "policy": POLICY})
    house.carrier.point(number, house.base)
    for at in range(AGENTS):
        house.hire(f"lab-a{at}", f"Agent {at}", f"+1202555{8000 + at}", "lab")
        house.presence(f"lab-a{at}", "available")
    rate, began, when = LOAD * AGENTS / (TALK_S + 2.0), time.monotonic(), 0.0
    for index in range(CALLERS):
        when += dice.expovariate(rate)
        time.sleep(max(began + when - time.monotonic(), 0.0))
        if index % 10 == 0:
            mind(house)
        wish = Wish(
            dice.random() < TAKES, dice.expovariate(1 / PATIENCE_S), dice.expovariate(1 / TALK_S),
            tuple(dice.random() < ANSWERS for _ in range(POLICY["attempts"])),
        )  # fmt: skip
        wishes[ring(house, number, f"+1212555{1000 + index}", wish, dice)] = wish
    eventually(lambda: served(house), within_s=240, every_s=1, what="everybody is served")
    time.sleep(3)  # the last wrap-ups, and the writing of the journal
    return wishes


def served(house: Installation) -> bool:
    mind(house)
    now = house.api("GET", "/queues/lab")
    open_ones = [one for one in house.callbacks(queue="lab") if one["state"] not in ENDS]
    return now["waiting"] == {"live": 0, "callbacks": 0} and now["agents"]["busy"] == 0 and not open_ones


def mind(house: Installation) -> None:
    """Whoever missed a ring on a crowded machine comes back, and what ended there by itself is started again."""
    house.revive()
    if house.api("GET", "/queues/lab")["agents"]["away"]:
        for at in range(AGENTS):
            if house.api("GET", f"/agents/lab-a{at}")["status"] == "away":
                house.presence(f"lab-a{at}", "available")


def ring(house: Installation, to: str, number: str, wish: Wish, dice: random.Random) -> str:
    talk_s = SPEED * wish.talk_s
    there = {"on_say": [on(HUMAN_CHECK, "1")], "talk_s": talk_s, "after_s": SPEED * RINGS_S * dice.uniform(0.5, 1.5)}
    away = {"answer": "no-answer", "after_s": SPEED * GIVEN_UP_S}
    answers = [there if answered else away for answered in wish.answers]
    house.carrier.do("POST", "endpoints", {"address": number, "behaviours": answers})
    keys = [on(OFFER, "1"), on(READBACK, "1")] if wish.takes else [on(OFFER, "2")]
    behaviour = {"on_say": keys, "talk_s": talk_s, "patience_s": SPEED * wish.patience_s}
    made = house.carrier.do("POST", "call_in", {"from": number, "to": to, "behaviour": behaviour})
    return str(made["sid"])


# --- what the lab is told of this house ---------------------------------------------------------------------------


def habits(told: list[Entry], connect_s: float) -> Habits:
    """The house's own times, as its journal has them: the greeting, the offer, and coming to the phone."""
    stays, takes = menus(told, "waiting"), menus(told, "callback")
    greeting_s, offer_s = (stays[int(share * (len(stays) - 1))] for share in (0.1, 0.9))
    policy = Policy()
    laws = Laws(
        ring=prior(quick(RING_EDGES), mean_s=between(told, "dialing", "answered", RINGS_S), cv=0.3, weight=50),
        key=prior(quick(KEY_EDGES), mean_s=keys_s(told, connect_s), cv=0.3, weight=50),
        talk=prior((0.0, 10.0, 3600.0), mean_s=TALK_S, cv=1, weight=10),
        wrap=prior((0.0, 10.0, 3600.0), mean_s=policy.wrap_up_s, cv=1, weight=10),
    )
    return Habits(
        greeting_s=greeting_s,
        offer_s=offer_s,
        confirm_s=max(takes[len(takes) // 2] - offer_s, 0.0) if takes else 0.0,
        lap_s=4.0,
        connect_s=connect_s,
        agent_answers_s=connect_s,
        answer=ANSWERS,
        laws=laws,
        calls_per_second=50,
    )


def menus(told: list[Entry], to: str) -> list[float]:
    """Seconds from arrival until callers went there from the menu, in order."""
    came = {row.subject: row.at for row in told if row.kind == "call" and row.after == "arrived"}
    went = [row for row in told if row.kind == "call" and row.before == "arrived" and row.after == to]
    return sorted((row.at - came[row.subject]).total_seconds() for row in went if row.subject in came)


def keys_s(told: list[Entry], connect_s: float) -> float:
    """Mean seconds from an answer to the key: the rest of the way to the talk."""
    return max(between(told, "answered", "bridged", 1.0) - connect_s, 0.05)


def between(told: list[Entry], one: str, other: str, default_s: float) -> float:
    """Mean seconds in which callbacks came from one state to the other."""
    at: dict[str, datetime] = {}
    spans: list[float] = []
    for row in told:
        if row.kind == "callback" and row.after == one:
            at[row.subject] = row.at
        elif row.kind == "callback" and row.after == other and row.subject in at:
            spans.append((row.at - at[row.subject]).total_seconds())
    return fmean(spans) if spans else default_s


def quick(edges: tuple[float, ...]) -> tuple[float, ...]:
    """Stretches for people who live so fast: within one, the dice know no better than a constant rate."""
    return tuple(edge / SPEED for edge in edges)
