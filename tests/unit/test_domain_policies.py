"""Policies: what may be sent, what is refused and how that is said, and that nothing is lost on the way."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callback.domain.errors import InvalidInput
from callback.domain.policies import InvalidPolicy, effective_stop, from_json, parse, shown, to_json
from callback.domain.policy import Policy

CONTRACT: dict[str, Any] = json.loads(
    """
    {"offer_at_wait_s": 180, "stop_offering_at_wait_s": 120, "offer_quantile": "p80", "offer_at_waiting": null,
     "max_outstanding": null, "hours": null, "closing_guard": true,
     "accepting": true, "dialing": true, "dial_mode": "customer_first", "confirm_human": "press_1",
     "wait_tolerance_s": 2, "max_wait_probability": 0.03,
     "attempts": 3, "retry_delays_s": [300, 900], "missed_place": "keep", "ring_timeout_s": 25, "wrap_up_s": 20,
     "cut_off_s": 10, "prior_handle_s": 240, "prior_patience_s": 600, "priority_credit_s": {"vip": 300},
     "quiet_hours": null, "allowed_countries": ["own"], "languages": ["en", "zh"]}
    """
)
ADDED: dict[str, Any] = {"ask_rating": True}
"""Beside the contract's, each so that nothing changes for whoever does not know of it."""
OFFICE = {
    "timezone": "Asia/Shanghai",
    "weekly": {"mon": [["09:00", "18:00"]], "fri": [["22:00", "02:00"]]},
    "holidays": "CN",
    "closed_dates": ["2026-12-24"],
    "open_dates": [],
}


def test_the_defaults_are_those_of_the_contract_field_by_field() -> None:
    assert list(to_json(Policy()).items()) == [*CONTRACT.items(), *ADDED.items()]


def test_programs_see_the_contract_alone_until_something_else_was_changed() -> None:
    assert shown(Policy()) == CONTRACT
    assert shown(replace(Policy(), ask_rating=False)) == {**CONTRACT, "ask_rating": False}


def test_sending_the_whole_contract_changes_nothing() -> None:
    assert parse(CONTRACT) == Policy()


def test_a_subset_leaves_the_rest_as_it_was() -> None:
    base = parse({"attempts": 5, "hours": OFFICE})
    assert parse({"wrap_up_s": 0}, base) == parse({"attempts": 5, "hours": OFFICE, "wrap_up_s": 0})


@pytest.mark.parametrize(
    "changes",
    [
        {"offer_at_wait_s": None},
        {"offer_at_wait_s": 0},
        {"offer_at_wait_s": 2.5},
        {"stop_offering_at_wait_s": None},
        {"stop_offering_at_wait_s": 9999},
        {"offer_at_waiting": 4},
        {"max_outstanding": 0},
        {"hours": OFFICE},
        {"hours": {"timezone": "UTC", "weekly": {}}},
        {"dial_mode": "dial_ahead"},
        {"confirm_human": "off"},
        {"retry_delays_s": []},
        {"retry_delays_s": [0.5]},
        {"cut_off_s": 0},
        {"max_wait_probability": 0},
        {"priority_credit_s": {}},
        {"quiet_hours": ["21:00", "09:00"]},
        {"allowed_countries": None},
        {"allowed_countries": ["own", "CN"]},
        {"languages": ["zh"]},
        {"ask_rating": False},
    ],
)
def test_what_may_be_sent_comes_back_as_it_was_sent(changes: dict[str, Any]) -> None:
    sent = json.loads(json.dumps(changes))
    assert to_json(parse(sent)) == CONTRACT | ADDED | changes


@pytest.mark.parametrize(
    ("changes", "mended_by"),
    [
        ({"offer_at_wait": 3}, "did you mean offer_at_wait_s?"),
        ({"colour": "red"}, "is not a policy field"),
        ({"offer_at_wait_s": "180"}, "must be a number of seconds, at least 0"),
        ({"offer_at_wait_s": -1}, "at least 0"),
        ({"offer_at_wait_s": True}, "must be a number"),
        ({"offer_at_wait_s": float("nan")}, "must be a number"),
        ({"wrap_up_s": float("inf")}, "at most"),
        ({"wrap_up_s": 10**400}, "at most"),
        ({"wrap_up_s": None}, "must be a number"),
        ({"offer_quantile": "p95"}, "one of p50, p80, p90"),
        ({"offer_quantile": ["p50"]}, "one of p50, p80, p90"),
        ({"offer_at_waiting": 2.5}, "whole number"),
        ({"attempts": 0}, "at least 1"),
        ({"ring_timeout_s": 601}, "at most 600"),
        ({"ring_timeout_s": 2.5}, "whole number"),
        ({"accepting": 1}, "true or false"),
        ({"accepting": None}, "true or false"),
        ({"dial_mode": "auto"}, "agent_first, customer_first, dial_ahead"),
        ({"max_wait_probability": 3}, "at most 1"),
        ({"retry_delays_s": 300}, "must be a list"),
        ({"retry_delays_s": [300, -1]}, "at least 0"),
        ({"prior_handle_s": 0}, "more than 0"),
        ({"priority_credit_s": None}, "object of seconds by priority"),
        ({"priority_credit_s": {"vip": "much"}}, "vip must be a number"),
        ({"priority_credit_s": {" ": 1}}, "needs a name"),
        ({"quiet_hours": ["21:00"]}, "two times"),
        ({"quiet_hours": ["9pm", "09:00"]}, "HH:MM"),
        ({"quiet_hours": ["00:00", "24:00"]}, "null switches quiet hours off"),
        ({"allowed_countries": []}, "at least one"),
        ({"allowed_countries": ["usa"]}, "alpha-2"),
        ({"allowed_countries": [["US"]]}, "alpha-2"),
        ({"allowed_countries": "US"}, "must be a list"),
        ({"languages": ["fr"]}, "one of en, zh"),
        ({"languages": []}, "at least one"),
        ({"hours": []}, "timezone and weekly"),
        ({"hours": {"timezone": "Mars/Olympus", "weekly": {}}}, "IANA"),
    ],
)
def test_a_bad_value_is_refused_with_how_to_mend_it(changes: dict[str, Any], mended_by: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(changes)
    assert refused.value.field == next(iter(changes))
    assert mended_by in str(refused.value)


def test_all_mistakes_are_told_together() -> None:
    with pytest.raises(InvalidPolicy) as refused:
        parse({"attempts": 0, "accepting": True, "dialing": "yes", "nonsense": 1})
    assert [field for field, _ in refused.value.mistakes] == ["attempts", "dialing", "nonsense"]
    assert "attempts: " in str(refused.value)
    assert "dialing: must be true or false" in str(refused.value)


def test_whole_seconds_may_be_written_as_a_fraction() -> None:
    ring = parse({"ring_timeout_s": 25.0}).ring_timeout_s
    assert (ring, type(ring)) == (25, int)


def test_the_json_shares_nothing_with_the_policy() -> None:
    sent = {"hours": json.loads(json.dumps(OFFICE))}
    policy = parse(sent)
    sent["hours"]["weekly"]["mon"] = []
    to_json(policy)["hours"]["weekly"]["mon"] = []
    assert policy.hours == OFFICE


def test_a_stored_policy_of_another_version_of_the_product_can_be_read() -> None:
    assert from_json({"attempts": 4, "field_of_tomorrow": 1}) == parse({"attempts": 4})


@pytest.mark.parametrize(
    ("start", "stop", "effective"),
    [(180, 120, 120), (180, 240, 180), (180, None, 180), (None, 120, None), (0, 0, 0)],
)
def test_a_stop_above_the_start_counts_as_equal(
    start: float | None, stop: float | None, effective: float | None
) -> None:
    assert effective_stop(Policy(offer_at_wait_s=start, stop_offering_at_wait_s=stop)) == effective


seconds = st.one_of(st.integers(0, 10**6), st.floats(0, 1e6))
changes = st.fixed_dictionaries(
    {},
    optional={
        "offer_at_wait_s": st.none() | seconds,
        "stop_offering_at_wait_s": st.none() | seconds,
        "offer_quantile": st.sampled_from(["p50", "p80", "p90"]),
        "offer_at_waiting": st.none() | st.integers(0, 1000),
        "accepting": st.booleans(),
        "attempts": st.integers(1, 20),
        "retry_delays_s": st.lists(seconds, max_size=4),
        "priority_credit_s": st.dictionaries(st.text("abc", min_size=1), seconds),
        "quiet_hours": st.none() | st.just(["21:00", "09:00"]),
        "allowed_countries": st.none() | st.lists(st.sampled_from(["own", "US", "CN"]), min_size=1),
        "hours": st.none() | st.just(OFFICE),
    },
)


@given(changes)
def test_a_policy_survives_the_round_trip_through_json(sent: dict[str, Any]) -> None:
    policy = parse(sent)
    assert from_json(json.loads(json.dumps(to_json(policy)))) == policy
    assert parse(to_json(policy)) == policy
