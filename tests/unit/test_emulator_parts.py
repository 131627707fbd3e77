"""Small parts of the emulated carrier on their own: keys, limits, pages, filters, verdicts, scripts."""

import asyncio
import itertools
from collections.abc import Mapping

import pytest

from callback.emulator.account import Account, Verdict, calling_code
from callback.emulator.clock import SimClock
from callback.emulator.errors import CarrierError
from callback.emulator.faults import Rule
from callback.emulator.leg import KeyCollector, Leg
from callback.emulator.pacing import Pacer
from callback.emulator.paging import page, within
from callback.emulator.racing import race
from callback.emulator.scripted import Behaviour
from callback.emulator.signature import sign
from callback.emulator.webhooks import Overrides

DAY = 1_767_225_600.0  # 2026-01-01T00:00:00Z


def test_the_published_example_of_a_signature_comes_out() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    assert sign("12345", "https://example.com/myapp.php?foo=1&bar=2", form) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.mark.parametrize(
    ("fragment", "limits"),
    [
        ("", Overrides()),
        ("#rc=3&ct=200", Overrides(ct=200, rc=3)),
        ("#rc=99&ct=1&rt=99999&tt=99999", Overrides(ct=100, rt=15000, tt=15000, rc=5)),
        ("#rp=4xx,5xx", Overrides(rp=frozenset({"4xx", "5xx"}))),
        ("#nonsense&rc=x", Overrides()),
    ],
)
def test_delivery_limits_are_read_from_the_fragment(fragment: str, limits: Overrides) -> None:
    assert Overrides.of(f"http://example.test/a?b=c{fragment}") == limits


def test_keys_complete_by_number_or_by_the_finish_key() -> None:
    two = KeyCollector(2, "#")
    two.feed("1")
    assert not two.done.is_set()
    two.feed("2")
    assert (two.digits, two.done.is_set()) == ("12", True)
    free = KeyCollector(0, "#")
    for key in "12*#":
        free.feed(key)
    assert (free.digits, free.finished_on, free.done.is_set()) == ("12*", "#", True)


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, True),
        ({"StartTime": "2026-01-01"}, True),
        ({"StartTime": "2025-12-31"}, False),
        ({"StartTime>": "2026-01-01"}, True),
        ({"StartTime>": "2026-01-01T12:00:01Z"}, False),
        ({"StartTime>": "2026-01-01T12:00:00Z"}, True),
        ({"StartTime<": "2026-01-01T12:00:00Z"}, True),
        ({"StartTime<": "2026-01-01T11:59:59Z"}, False),
        ({"StartTime<": "2026-01-01", "StartTime>": "2026-01-01"}, True),
        ({"StartTime": "2026-01-01T12:00:00Z"}, True),
    ],
)
def test_a_time_filter_takes_days_and_seconds(query: Mapping[str, str], passes: bool) -> None:
    assert within(DAY + 12 * 3600 + 0.5, query, "StartTime") is passes


def test_what_has_no_time_passes_no_filter() -> None:
    assert within(None, {}, "StartTime")
    assert not within(None, {"StartTime>": "2020-01-01"}, "StartTime")


def test_a_filter_that_is_no_date_is_refused() -> None:
    with pytest.raises(CarrierError):
        within(DAY, {"StartTime": "yesterday"}, "StartTime")


@pytest.mark.parametrize("query", [{"PageSize": "0"}, {"PageSize": "many"}, {"Page": "-1"}])
def test_a_page_that_cannot_be_is_refused(query: Mapping[str, str]) -> None:
    with pytest.raises(CarrierError):
        page([1], path="/a", query=query, key="items", name_of=str, show=lambda one: {"n": one})


def test_pages_cover_every_entry_once() -> None:
    entries, query, seen = list(range(10)), {"PageSize": "4"}, []
    while query:
        answer = page(entries, path="/a", query=query, key="items", name_of=str, show=lambda one: {"n": one})
        seen += [item["n"] for item in answer["items"]]
        link = answer["next_page_uri"]
        query = dict(part.split("=") for part in link.partition("?")[2].split("&")) if link else {}
    assert seen == entries


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("+14155550123", None),
        ("+861012345678", None),
        ("client:ada", None),
        ("sip:ada@example.test", None),
        ("+1415555012", 21217),
        ("+11155550123", 21217),
        ("4155550123", 21211),
        ("sip:", 21211),
        ("", 21211),
    ],
)
def test_an_address_is_judged_by_its_shape(address: str, code: int | None) -> None:
    assert Account("AC", "t").refusal(address) == code


def test_a_verdict_set_for_an_address_comes_first() -> None:
    account = Account("AC", "t", countries={"1"}, verdicts={"+14155550123": Verdict(call_error=21214)})
    assert account.refusal("+14155550123") == 21214
    assert account.refusal("+442079460000") == 21215


@pytest.mark.parametrize(("number", "code"), [("+14155550123", "1"), ("+861012345678", "86"), ("+35312345678", "353")])
def test_the_calling_code_is_the_longest_known(number: str, code: str) -> None:
    assert calling_code(number) == code


@pytest.mark.parametrize(
    "data",
    [
        {"answers": True},
        {"answer": "perhaps"},
        {"script": [{"dance": True}]},
        {"on_say": [{"match": "a", "press": "1", "soon": True}]},
    ],
)
def test_a_behaviour_that_nobody_knows_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"unknown|must be"):
        Behaviour.from_json(data)


def test_a_rule_counts_only_what_it_strikes() -> None:
    rule = Rule.from_json({"side": "rest", "url": "Calls", "skip": 1, "times": 2})
    asked = [rule.strikes("rest", "POST", "/Calls.json", {}, "") for _ in range(5)]
    assert asked == [False, True, True, False, False]
    assert not rule.strikes("webhook", "POST", "/Calls.json", {}, "")


def test_calls_start_one_after_the_other_at_the_pace() -> None:
    clock = SimClock()

    async def starts() -> list[float]:
        pacer = Pacer(20.0, clock)
        moments: list[float] = []

        async def start() -> None:
            await pacer.turn()
            moments.append(clock.now())

        await asyncio.gather(*(start() for _ in range(4)))
        return moments

    moments = asyncio.run(starts())
    assert all(later - earlier >= 0.045 for earlier, later in itertools.pairwise(moments))


def test_a_race_ends_with_the_first_and_stops_the_others() -> None:
    stopped: list[str] = []

    async def slow(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(name)

    assert asyncio.run(race(slow("a"), asyncio.sleep(0), slow("b"))) == 1
    assert sorted(stopped) == ["a", "b"]


def test_a_leg_ends_once_and_tells_what_happened() -> None:
    told: list[str] = []

    async def live() -> Leg:
        leg = Leg(
            sid="CA1",
            from_="+14155550123",
            to="+12025550100",
            direction="outbound-api",
            clock=SimClock(),
            on_change=lambda leg, what: told.append(f"{what}:{leg.status}") if what == "status" else None,
        )
        await leg.answer()
        leg.ring()
        await leg.answer()
        await leg.decline("busy")
        leg.finish("completed")
        leg.finish("failed")
        return leg

    leg = asyncio.run(live())
    assert told == ["status:ringing", "status:in-progress", "status:completed"]
    assert leg.duration_s == 0
