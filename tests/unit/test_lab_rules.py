"""A rehearsal keeps every promise of the product: nobody lost, nobody overtaken without a rule, the same every time."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from callback.domain.policy import Policy
from callback.lab.duty import Seat
from callback.lab.engine import Engine, Habits, Setting
from callback.lab.line import Agent, Caller, Line
from callback.lab.people import Person, TakeUp
from callback.lab.tally import End, Tally
from tests.support.rehearsals import AT_ONCE, person, played, proved, seats

BUSY = Policy(offer_at_wait_s=60, stop_offering_at_wait_s=30, wrap_up_s=10, retry_delays_s=(60, 120))
SLOW = Habits()


def crowd(calls: int = 200, *, rate: float = 0.1, seed: int = 5, queues: Sequence[str] = ("q",)) -> list[Person]:
    """More than eight agents can serve at once; some are important, and all hang up some time."""
    dice, at, people = random.Random(seed), 0.0, []
    for number in range(calls):
        at += dice.expovariate(rate)
        people.append(
            person(
                number, at, dice.expovariate(1 / 90), patience_s=dice.expovariate(1 / 400),
                queue=dice.choice(queues), priority="vip" if dice.random() < 0.1 else "", willing=dice.random(),
            )
        )  # fmt: skip
    return people


POLICIES: dict[str, Policy] = {
    "customer first": BUSY,
    "agent first": replace(BUSY, dial_mode="agent_first"),
    "dialling ahead": replace(BUSY, dial_mode="dial_ahead"),
    "dialling ahead with patience for it": replace(BUSY, dial_mode="dial_ahead", wait_tolerance_s=60),
    "the place is lost with a miss": replace(BUSY, missed_place="back"),
    "retries at once": replace(BUSY, retry_delays_s=(), attempts=2),
    "a few promises at a time": replace(BUSY, max_outstanding=5),
    "nobody is dialled": replace(BUSY, dialing=False),
    "whoever answers is trusted": replace(BUSY, confirm_human="off"),
    "machines are told by their voice": replace(BUSY, confirm_human="amd"),
    "by the number waiting": replace(BUSY, offer_at_wait_s=None, offer_at_waiting=4),
    "no wrap-up": replace(BUSY, wrap_up_s=0),
    "nothing offered": replace(BUSY, accepting=False),
}


@pytest.mark.parametrize("name", POLICIES)
def test_the_audit_finds_nothing_and_everybody_ends_once(name: str) -> None:
    people = crowd()
    tally, journal = proved(people, seats(8, 6000), POLICIES[name], habits=SLOW)
    findings = journal.findings()
    assert findings.breaches == []
    counts = tally.queues["q"]
    assert sum(counts.ends.values()) == len(people)
    assert sum(findings.pairings.values()) >= counts.ends[End.ANSWERED] + counts.ends[End.CALLED_BACK] > 90
    assert counts.taken == sum(counts.ends[end] for end in (End.CALLED_BACK, End.UNREACHED, End.PROMISED))
    assert counts.dials >= counts.picked_up >= counts.ends[End.CALLED_BACK]


def test_dialling_ahead_in_a_blended_line_wastes_less_time_and_few_answer_for_nothing() -> None:
    people = crowd(400)
    ahead, first = (
        played(people, seats(8, 9000), replace(BUSY, dial_mode=mode), habits=SLOW, take_up=0.6)
        for mode in ("dial_ahead", "customer_first")
    )
    counts, usual = ahead.queues["q"], first.queues["q"]
    assert counts.ahead > counts.dials / 2
    assert counts.missed < 0.1 * len(counts.back_s)
    assert ahead.idle_s + ahead.ringing_s < first.idle_s + first.ringing_s
    assert sum(counts.live_s) / len(counts.live_s) < sum(usual.live_s) / len(usual.live_s)


def test_agents_of_several_queues_take_the_first_of_all_they_serve() -> None:
    people = crowd(queues=("sales", "support"))
    on_duty = [
        *seats(3, 6000, "sales", "support"),
        *(replace_agent(one, "s") for one in seats(3, 6000, "support")),
        *(replace_agent(one, "t") for one in seats(2, 6000, "sales")),
    ]
    tally, journal = proved(people, on_duty, replace(BUSY, dial_mode="dial_ahead"), habits=SLOW)
    assert journal.findings().breaches == []
    assert set(tally.queues) == {"sales", "support"}
    assert sum(tally.whole().ends.values()) == len(people)


def replace_agent(seat: Seat, prefix: str) -> Seat:
    return replace(seat, agent=prefix + seat.agent)


def test_an_order_that_is_broken_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Callable[[Line, Agent], Caller | None] = Line.first_for

    def last_for(line: Line, agent: Agent) -> Caller | None:
        first = honest(line, agent)
        held = [one for queue in line.queues.values() for one in queue.who.values() if one.place == "hold"]
        return max(held, key=lambda one: one.key) if first is not None and held else first

    monkeypatch.setattr(Line, "first_for", last_for)
    _, journal = proved(crowd(100), seats(8, 6000), BUSY, habits=SLOW)
    assert {breach.kind.value for breach in journal.findings().breaches} == {"overtaken"}


def told(tally: Tally) -> dict[str, Any]:
    counts = tally.queues["q"]
    return {"ends": counts.ends, "live": counts.live_s, "back": counts.back_s, "idle": tally.idle_s}


@pytest.mark.parametrize("mode", ["customer_first", "dial_ahead"])
def test_the_same_people_under_the_same_policy_end_the_same(mode: str) -> None:
    policy = replace(BUSY, dial_mode=mode)
    first, again = (told(played(crowd(150), seats(8, 3000), policy, habits=SLOW, take_up=0.6)) for _ in range(2))
    assert first == again


def test_credit_puts_a_priority_ahead_of_those_who_came_just_before() -> None:
    people = [person(0, 0, 100), person(1, 10, 60), person(2, 20, 60, priority="vip")]
    counts = played(people, seats(1, 1000), Policy(accepting=False, wrap_up_s=0)).queues["q"]
    assert counts.live_s == pytest.approx([0, 80, 150])


def test_somebody_with_a_promise_is_served_in_their_place_though_others_hold() -> None:
    people = [person(0, 0, 100), person(1, 5, 60, willing=0.0), person(2, 10, 60, willing=0.99)]
    policy = Policy(offer_at_wait_s=1, stop_offering_at_wait_s=1, wrap_up_s=0, confirm_human="off", retry_delays_s=())
    counts = played(people, seats(1, 1000), policy, habits=replace(AT_ONCE, answer=1.0), take_up=0.5).queues["q"]
    assert counts.back_s[0] < counts.live_s[1]
    assert (counts.offers, counts.taken) == (2, 1)


def test_out_of_hours_nobody_is_let_in_and_the_unserved_are_counted_at_closing() -> None:
    hours = {"timezone": "UTC", "weekly": {"mon": [["09:00", "09:10"]]}}
    people = [person(number, 60.0 * number, 400) for number in range(20)]
    policy = Policy(hours=hours, closing_guard=False, wrap_up_s=0, accepting=False)
    counts = played(people, seats(1, 5000), policy).queues["q"]
    assert counts.ends[End.CLOSED] == 10
    assert counts.unserved == 8  # one is served, one talks, and the others wait at ten past nine


def test_before_closing_no_promise_is_made_that_cannot_be_kept() -> None:
    hours = {"timezone": "UTC", "weekly": {"mon": [["09:00", "10:00"]]}}
    people = [person(number, 20.0 * number, 100, willing=0.0) for number in range(150)]
    careless = replace(BUSY, hours=hours, closing_guard=False, prior_handle_s=100)
    kept = [
        played(people, seats(4, 3600), policy, habits=SLOW, take_up=1.0).queues["q"]
        for policy in (careless, replace(careless, closing_guard=True))
    ]
    assert kept[1].taken < kept[0].taken
    assert kept[1].ends[End.PROMISED] < kept[0].ends[End.PROMISED]


def test_in_quiet_hours_nobody_is_rung() -> None:
    policy = replace(BUSY, quiet_hours=("09:00", "10:00"))
    people = [person(number, 5.0 * number, 100, willing=0.0) for number in range(40)]
    tally = played(people, seats(2, 7200), policy, habits=SLOW, take_up=1.0)
    assert min(tally.queues["q"].back_s) > 3000


def test_the_carriers_pace_bounds_the_dials() -> None:
    people = [person(number, 0.1 * number, 30, willing=0.0) for number in range(60)]
    pace = replace(SLOW, calls_per_second=0.02, answer=1.0)
    counts = played(people, seats(30, 2000), BUSY, habits=pace, take_up=1.0).queues["q"]
    assert counts.dials <= 0.02 * (2000 + 3600) + 1


def test_an_agent_who_goes_home_takes_nobody_any_more() -> None:
    people = [person(number, 10.0 * number, 50) for number in range(20)]
    tally = played(people, seats(2, 100), Policy(accepting=False, wrap_up_s=0))
    counts = tally.queues["q"]
    assert counts.ends[End.ANSWERED] + counts.ends[End.WAITING] == 20
    assert counts.ends[End.WAITING] > 10
    assert tally.staffed_s < 2 * 160


def test_without_agents_everybody_waits_and_without_callers_nothing_happens() -> None:
    assert played([person(0, 0, 10)], [], replace(BUSY, accepting=False)).queues["q"].ends == {End.WAITING: 1}
    assert played([person(0, 0, 10)], [], BUSY).queues["q"].ends == {End.PROMISED: 1}
    empty = Engine(Setting([], seats(1, 10), {"q": BUSY}, TakeUp.constant(0.5))).run()
    assert empty.whole().ends == {}
