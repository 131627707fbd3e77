"""The lab beside a real house: callers ring a running installation, and a rehearsal of its journal comes out alike.

Real processes, real HTTP, real people on the emulated telephone, ten times as fast as in life. The journal of it is
turned into traffic and played under the policy that was in force: the mean times to an agent agree within 10 %.
"""

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.laws import KEY_EDGES, RING_EDGES, Laws, prior
from callback.domain.policy import Policy
from callback.flows import recorded
from callback.lab.engine import Habits
from callback.lab.journal_trace import JournalTrace
from callback.lab.people import OFFERED
from callback.lab.rehearse import rehearse
from callback.lab.trace import Outcome, Row
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
POLICY: dict[str, Any] = {
    "offer_at_wait_s": 10, "stop_offering_at_wait_s": 6, "prior_handle_s": 20, "prior_patience_s": 60, "wrap_up_s": 1,
    "cut_off_s": 0, "retry_delays_s": [5], "attempts": 2, "ring_timeout_s": 20,
}  # fmt: skip
TAKES, ANSWERS = 0.5, 0.85


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
@pytest.mark.timeout(1200)
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
    rows = [known(row, wishes) for row in found.rows]
    played = rehearse(
        rows,
        {"in force": replace(policy, ring_timeout_s=round(GIVEN_UP_S))},
        roster=found.roster,
        habits=habits(told, found.connect_s or 0.0),
        warm=False,
        take_up=TAKES,
        runs=20,
        prove=True,
    )
    lab, real = played.played["in force"], played.recorded
    everybody = [time_to_agent(real), time_to_agent(lab.figures)]
    told_of = ("live_mean_s", "callback_mean_s", "taken", "abandoned", "called_back", "unreached")
    beside = [f"{name}: real {real[name]}, lab {lab.figures[name]}" for name in told_of]
    sys.stderr.write(
        "\n".join([f"everybody: real {everybody[0]:.2f}, lab {everybody[1]:.2f}", *beside, *played.notes, ""])
    )
    assert len(rows) >= CALLERS * 0.95
    assert lab.figures["breaches"] == 0
    assert everybody[1] == pytest.approx(everybody[0], rel=0.1)
    assert lab.figures["callback_mean_s"] == pytest.approx(real["callback_mean_s"], rel=0.15)
    assert lab.figures["live_mean_s"] == pytest.approx(real["live_mean_s"], rel=0.15)


def time_to_agent(figures: Mapping[str, float | None]) -> float:
    """The mean over everybody who talked, live or called back."""
    live, back = figures["live"] or 0.0, figures["called_back"] or 0.0
    return ((figures["live_mean_s"] or 0.0) * live + (figures["callback_mean_s"] or 0.0) * back) / (live + back)


def live_through(house: Installation) -> dict[str, bool]:
    """Everybody rings, and the house serves them. Returns whether each call would take an offer."""
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
        takes = dice.random() < TAKES
        sid = ring(house, number, f"+1212555{1000 + index}", takes, dice)
        wishes[sid] = takes
    eventually(lambda: served(house), within_s=240, every_s=1, what="everybody is served")
    time.sleep(3)  # the last wrap-ups, and the writing of the journal
    return wishes


def served(house: Installation) -> bool:
    waiting = house.api("GET", "/queues/lab")
    open_ones = [one for one in house.callbacks(queue="lab") if one["state"] not in ("completed", "unreached")]
    return waiting["waiting"] == {"live": 0, "callbacks": 0} and waiting["agents"]["busy"] == 0 and not open_ones


def ring(house: Installation, to: str, number: str, takes: bool, dice: random.Random) -> str:
    talk_s = SPEED * dice.expovariate(1 / TALK_S)
    there = {"on_say": [on(HUMAN_CHECK, "1")], "talk_s": talk_s, "after_s": SPEED * RINGS_S * dice.uniform(0.5, 1.5)}
    away = {"answer": "no-answer", "after_s": SPEED * GIVEN_UP_S}
    answers = [there if dice.random() < ANSWERS else away for _ in range(2)]
    house.carrier.do("POST", "endpoints", {"address": number, "behaviours": answers})
    keys = [on(OFFER, "1"), on(READBACK, "1")] if takes else [on(OFFER, "2")]
    behaviour = {"on_say": keys, "talk_s": talk_s, "patience_s": SPEED * dice.expovariate(1 / 60)}
    made = house.carrier.do("POST", "call_in", {"from": number, "to": to, "behaviour": behaviour})
    return str(made["sid"])


# --- what the lab is told of this house ---------------------------------------------------------------------------


def known(row: Row, wishes: dict[str, bool]) -> Row:
    """With what we know of the caller's mind: who would have declined counts as having been offered."""
    declines = row.outcome is not Outcome.CALLBACK and not wishes.get(row.call_id, True)
    return replace(row, extra={OFFERED: "1"}) if declines else row


def habits(told: list[Entry], connect_s: float) -> Habits:
    """The house's own times, as its journal has them: the greeting, the offer, and coming to the phone."""
    stays, takes = menus(told, "waiting"), menus(told, "callback")
    greeting_s, offer_s = (stays[int(share * (len(stays) - 1))] for share in (0.1, 0.9))
    policy = Policy()
    laws = Laws(
        ring=prior(RING_EDGES, mean_s=RINGS_S + 0.3, cv=0.3, weight=50),
        key=prior(KEY_EDGES, mean_s=keys_s(told, connect_s), cv=0.3, weight=50),
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
    at: dict[str, datetime] = {}
    spans: dict[str, list[float]] = defaultdict(list)
    for row in told:
        if row.kind == "callback" and row.after == "answered":
            at[row.subject] = row.at
        elif row.kind == "callback" and row.after == "bridged" and row.subject in at:
            spans["all"].append((row.at - at[row.subject]).total_seconds())
    return max(fmean(spans["all"]) - connect_s, 0.2) if spans else 1.0
