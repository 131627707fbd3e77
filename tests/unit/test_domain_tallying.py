"""What reports count: the sums of any history, read in any pieces, are those of a direct computation over its rows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callback.domain.callback import Entry
from callback.domain.reports import EDGES, NAMES, TARGETS, Sums, What, merged, middle_of, quantile, step_of
from callback.domain.tallying import DayOf, Facts, SpreadOf, Tallying, micros, pieces

BERLIN = ZoneInfo("Europe/Berlin")
BEGAN = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
"""The evening before the clocks are set back."""
QUEUES, AGENTS = ("billing", "support"), ("ann", "bob", "chen")


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def call(subject: str, queue: str, *told: tuple[float, str], reason: str = "") -> list[Entry]:
    """A call's rows: when it came into which state."""
    joined = micros(at(told[0][0]))
    befores = [None, *(state for _, state in told)]
    return [
        Entry(at(second), "call", subject, before, state, reason, queue=queue, data={"joined": joined})
        for (second, state), before in zip(told, befores, strict=False)
    ]


def history(random: Random) -> tuple[list[Entry], Facts]:
    """Calls, promises and agents of two days."""
    rows: list[Entry] = []
    offered, held, joined = set(), {}, {}
    for number in range(120):
        subject, queue, begin = f"CA{number}", random.choice(QUEUES), random.uniform(0, 170_000)
        wait, talk = random.expovariate(1 / 90), random.expovariate(1 / 200)
        ends = random.choice(
            [[(wait, "bridged"), (wait + talk, "completed")], [(wait, "abandoned")], [(wait, "callback")],
             [(0.0, "refused")], [(wait, "bridged"), (wait + 9, "waiting"), (wait + 20, "bridged")],
             [(wait, "bridged"), (wait + 9, "waiting"), (wait + 20, "abandoned")], []]
        )  # fmt: skip
        rows += call(subject, queue, (begin, "arrived"), *((begin + after, state) for after, state in ends))
        if random.random() < 0.5:
            offered.add(subject)
    for number in range(60):
        subject, queue, begin = f"cb{number}", random.choice(QUEUES), random.uniform(0, 150_000)
        first = random.choice(["waiting", "waiting", "scheduled"])
        states = [first, *random.choice([["bridged", "completed"], ["unreached"], ["cancelled"], ["bridged"], []])]
        times = [begin, *sorted(begin + random.uniform(0, 20_000) for _ in states[1:])]
        rows += [
            Entry(at(second), "callback", subject, None if nth == 0 else states[nth - 1], state, "", queue=queue)
            for nth, (second, state) in enumerate(zip(times, states, strict=True))
        ]
        joined[subject] = at(begin - random.uniform(0, 60))
    for agent in AGENTS:
        second, before, token = random.uniform(0, 9_000), "offline", 0
        while second < 170_000:
            after = {"available": ["reserved", "away"], "reserved": ["busy", "busy", "away"],
                     "busy": ["wrap_up", "available"], "wrap_up": ["available"]}.get(before, ["available"])  # fmt: skip
            now, token = random.choice(after), token + (before == "reserved")
            data = {"token": f"{agent}{token}", "entry": random.choice(["CA1", "cb1"])} if now == "busy" else {}
            if now == "busy" and random.random() < 0.3:
                held[f"{agent}{token}"] = random.uniform(0, 90)
            reason = random.choice(["missed the ring", "declined the call", "presence"])
            queue = "support" if now in ("reserved", "busy", "wrap_up") or before in ("reserved", "busy") else ""
            rows.append(Entry(at(second), "agent", agent, before, now, reason, queue=queue, data=data))
            if before == "wrap_up" and random.random() < 0.5:
                noted = {
                    "agent": agent,
                    "began": micros(at(second - 60)),
                    "resolved": random.random() < 0.7,
                    "was": None,
                }
                rows.append(Entry(at(second), "queue", "support", None, "noted", "", queue="support", data=noted))
            second, before = second + random.expovariate(1 / 240), now
    rows.sort(key=lambda row: row.at)
    return [replace(row, seq=nth + 1) for nth, row in enumerate(rows)], Facts(lambda _: BERLIN, offered, held, joined)


def counted(rows: Sequence[Entry], facts: Facts, pieces_of: Iterator[int]) -> dict[DayOf, Sums]:
    """Read in pieces, each by somebody who knows only what was kept."""
    kept, days = {}, defaultdict(Sums)  # type: ignore[var-annotated]
    rest = list(rows)
    while rest:
        size = next(pieces_of)
        one = Tallying(facts, dict(kept))
        for row in rest[:size]:
            one.read(row)
        kept = {key: state for key, state in one.open.items() if state is not None}
        for key, amounts in one.days.items():
            days[key] += Sums(**amounts)  # type: ignore[arg-type]
        rest = rest[size:]
    return dict(days)


def directly(rows: Sequence[Entry], facts: Facts) -> Counter[str]:
    """The same from the rows, subject by subject, without days."""
    found: Counter[str] = Counter()
    of: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for row in rows:
        of[row.kind, row.subject].append(row)
    for (kind, _), own in of.items():
        found.update(DIRECTLY[kind](own, facts))
    return found


def of_a_call(own: Sequence[Entry], facts: Facts) -> dict[str, float]:
    waits = [(row.at - own[0].at).total_seconds() for row in own if row.after == "bridged"][:1]
    end = own[-1].after if own[-1].after in ("completed", "abandoned", "callback", "refused") else ""
    left = (own[-1].at - own[0].at).total_seconds()
    gave_up = end == "abandoned" and not waits
    return {f"in_{target}": sum(wait <= target for wait in waits) for target in TARGETS} | {
        "offered": 1,
        "answered": len(waits),
        "wait_s": sum(waits),
        "shown": end != "" and own[0].subject in facts.offered,
        "abandoned": gave_up,
        "left_s": left * gave_up,
        "short": gave_up and left < 5,
        "took": end == "callback",
        "turned_away": end == "refused",
    }


def of_a_promise(own: Sequence[Entry], facts: Facts) -> dict[str, float]:
    states = [row.after for row in own]
    found: dict[str, float] = {"promised": 1, "met": "bridged" in states}
    found |= {end: states[-1] == end for end in ("completed", "unreached", "cancelled")}
    if "bridged" in states and states[0] == "waiting":
        since = facts.joined[own[0].subject]
        found |= {"back": 1, "back_s": (own[states.index("bridged")].at - since).total_seconds()}
    return found


def of_an_agent(own: Sequence[Entry], facts: Facts) -> Counter[str]:
    found: Counter[str] = Counter()
    for nth, (row, following) in enumerate(pairwise(own)):
        spent = (following.at - row.at).total_seconds()
        rang = row.after == "reserved" and following.after == "away"
        some: dict[str, float] = {
            "work_s": spent * (row.after in ("reserved", "busy", "wrap_up")),
            "free_s": spent * (row.after == "available"),
            "wrap_s": spent * (row.after == "wrap_up"),
            "missed": rang and following.reason == "missed the ring",
            "declined": rang and following.reason == "declined the call",
        }
        found.update(some)
        if row.after == "busy":
            rung_s = (row.at - own[nth - 1].at).total_seconds()
            held = min(facts.held_s.get(row.data["token"], 0), spent)
            talk = {
                "talks": 1,
                "back_talks": row.data["entry"] == "cb1",
                "ring_s": rung_s,
                "talk_s": spent,
                "hold_s": held,
            }
            found.update(talk)
    return found


def of_notes(own: Sequence[Entry], _: Facts) -> dict[str, float]:
    return {"said": len(own), "resolved": sum(row.data["resolved"] for row in own)}


DIRECTLY: dict[str, Callable[[Sequence[Entry], Facts], Any]] = {
    "call": of_a_call, "callback": of_a_promise, "agent": of_an_agent, "queue": of_notes,
}  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_in_whatever_pieces_a_journal_is_read_the_sums_are_those_of_its_rows(seed: int) -> None:
    random = Random(seed)
    rows, facts = history(random)
    pieced = counted(rows, facts, iter(lambda: random.randint(1, 90), 0))
    whole = counted(rows, facts, iter(lambda: len(rows), 0))
    assert pieced.keys() == whole.keys()
    wanted = directly(rows, facts)
    everybody = sum((sums for key, sums in pieced.items() if not key.agent), Sums())
    for name in NAMES:
        assert getattr(everybody, name) == pytest.approx(wanted[name]), name
        for key in whole:
            assert getattr(pieced[key], name) == pytest.approx(getattr(whole[key], name)), (key, name)
    agents = sum((sums for key, sums in pieced.items() if key.agent), Sums())
    assert (agents.talks, agents.resolved) == (everybody.talks, everybody.resolved)
    assert agents.work_s == pytest.approx(everybody.work_s)


def read(rows: Sequence[Entry]) -> Tallying:
    one = Tallying(Facts(lambda _: BERLIN), {})
    for row in rows:
        one.read(row)
    return one


def test_the_day_on_which_the_clock_is_set_back_has_its_hour_twice() -> None:
    rows = [
        row
        for nth in range(28)
        for row in call(f"CA{nth}", "support", (3600 * nth + 60, "arrived"), (3600 * nth + 90, "abandoned"))
    ]
    found = read(rows)
    long_day = [hour for hour in found.hours if hour.day.isoformat() == "2026-10-25"]
    assert [hour.hour for hour in long_day] == [0, 1, 2, 2, *range(3, 24)]
    assert len({hour.at for hour in long_day}) == 25
    assert found.days[DayOf("support", "", long_day[0].day)]["offered"] == 25


def test_the_day_on_which_the_clock_is_set_forward_lacks_an_hour() -> None:
    spring = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    rows = [
        Entry(spring + timedelta(hours=nth), "call", f"CA{nth}", None, "abandoned", "", queue="support")
        for nth in range(23)
    ]
    found = read(rows)
    assert [hour.hour for hour in found.hours] == [0, 1, *range(3, 24)]
    assert len(found.days) == 1


def test_whoever_was_passed_on_is_offered_once_and_whoever_passed_them_on_is_told() -> None:
    rows = call("CA1", "support", (0, "arrived"), (10, "bridged"), (50, "completed"))
    passed = Entry(at(50), "queue", "support", None, "passed_on", "", queue="support", data={"agent": "ann"})
    again = call("CA1", "billing", (50, "waiting"), (70, "bridged"), (90, "completed"), reason="back_in_line")
    found = read([*rows, passed, *again])
    [(key, everybody), (other, ann)] = found.days.items()
    assert (everybody["offered"], everybody["answered"], everybody["transfers"]) == (1, 1, 1)
    assert (key.queue, other.agent, ann["transfers"]) == ("support", "ann", 1)


def test_what_was_noted_anew_replaces_what_was_noted() -> None:
    def noted(resolved: bool | None, was: bool | None) -> Entry:
        data = {"agent": "ann", "began": micros(BEGAN), "resolved": resolved, "was": was}
        return Entry(at(9), "queue", "support", None, "noted", "", queue="support", data=data)

    found = read([noted(True, None), noted(False, True)]).days[DayOf("support", "ann", at(0).astimezone(BERLIN).date())]
    assert (found["said"], found["resolved"]) == (1, 0)
    found = read([noted(True, None), noted(None, True)]).days[DayOf("support", "ann", at(0).astimezone(BERLIN).date())]
    assert (found["said"], found["resolved"]) == (0, 0)


def test_a_long_stretch_falls_into_its_hours() -> None:
    parts = list(pieces(at(7.5), at(7200)))
    assert sum(part for _, part in parts) == pytest.approx(7192.5)
    assert len(parts) == 8


def test_a_quantile_is_off_by_at_most_a_twentieth_or_half_a_second() -> None:
    random = Random(7)
    seconds = sorted(random.lognormvariate(4, 1.5) for _ in range(4000))
    spread = merged([{step_of(one): 1} for one in seconds])
    for share in (0.5, 0.8, 0.9):
        truth = seconds[int(len(seconds) * share) - 1]
        assert quantile(spread, share) == pytest.approx(truth, rel=0.051, abs=0.5)
    assert quantile({}, 0.5) is None


def test_every_target_ends_a_step_and_no_step_is_wider_than_a_tenth() -> None:
    assert set(TARGETS) <= set(EDGES)
    assert all(high / low <= 1.1001 or high - low <= 1 for low, high in pairwise(EDGES))
    assert middle_of(step_of(0)) == 0.5
    assert middle_of(step_of(10**9)) < EDGES[-1]


def test_seconds_are_spread_by_queue_day_and_kind() -> None:
    found = read(
        call("CA1", "support", (0, "arrived"), (20, "bridged"))
        + call("CA2", "support", (0, "arrived"), (8, "abandoned"))
    )
    day = at(0).astimezone(BERLIN)
    assert found.spreads == {
        SpreadOf("support", day.date(), What.LIVE): {step_of(20): 1},
        SpreadOf("support", day.date(), What.LIVE, hour=day.hour): {step_of(20): 1},
        SpreadOf("support", day.date(), What.LEFT): {step_of(8): 1},
        SpreadOf("support", day.date(), What.LEFT, hour=day.hour): {step_of(8): 1},
    }


def test_the_wait_of_whoever_held_or_was_called_back_is_that_of_their_first_agent_too() -> None:
    live = call("CA1", "support", (0, "arrived"), (20, "bridged"))
    live[1] = replace(live[1], data={"agent": "ann"})
    promises = [
        Entry(at(second), "callback", name, before, state, "", queue="support", data={"agent": agent})
        for name, first in (("cb1", "waiting"), ("cb2", "scheduled"))
        for second, before, state, agent in (
            (0, None, first, ""), (300, "answered", "bridged", "bob"), (400, "answered", "bridged", "chen"),
        )
    ]  # fmt: skip
    found = read([*live, *promises])
    assert {(key.agent, key.what): dict(steps) for key, steps in found.spreads.items() if key.agent} == {
        ("ann", What.LIVE): {step_of(20): 1}, ("bob", What.BACK): {step_of(300): 1},
    }  # fmt: skip


def test_what_was_rated_anew_replaces_what_was_said() -> None:
    def rated(score: int, was: int | None) -> Entry:
        data = {"agent": "ann", "made": micros(BEGAN), "score": score, "was": was}
        return Entry(at(9), "queue", "support", None, "rated", "", queue="support", data=data)

    day = at(0).astimezone(BERLIN).date()
    for rows, satisfied in (((rated(5, None),), 1), ((rated(5, None), rated(3, 5)), 0), ((rated(3, None),), 0)):
        found = read(rows).days
        for agent in ("", "ann"):
            assert (found[DayOf("support", agent, day)]["rated"], found[DayOf("support", agent, day)]["satisfied"]) == (
                1, satisfied,
            )  # fmt: skip


def test_figures_follow_from_the_sums() -> None:
    sums = Sums(offered=110, answered=80, abandoned=20, short=5, took=10, shown=25, in_20=57, wait_s=1600)
    assert sums.service_level(20) == pytest.approx(0.6)
    assert sums.abandonment == pytest.approx(1 / 7)
    assert (sums.asa_s, sums.take_up) == (20, 0.4)
    desk = Sums(talks=4, talk_s=800, hold_s=100, wrap_s=200, work_s=1800, free_s=600, said=3, resolved=2)
    assert (desk.aht_s, desk.spoken_s, desk.mean_hold_s, desk.mean_wrap_s) == (250, 175, 25, 50)
    assert desk.occupancy == 0.75
    assert desk.first_contact == pytest.approx(2 / 3)
    assert desk.cost_per_call(30) == pytest.approx(3.75)
    none = Sums()
    assert [none.service_level(20), none.asa_s, none.cost_per_call(1), none.reached] == [None] * 4
    ended = Sums(promised=10, completed=6, unreached=2, cancelled=1, back=5, back_s=50)
    assert (ended.open, ended.reached, ended.back_mean_s) == (1, 0.75, 10)
    said = Sums(completed=8, rated=4, satisfied=3)
    assert (said.satisfaction, said.rated_share) == (0.75, 0.5)
