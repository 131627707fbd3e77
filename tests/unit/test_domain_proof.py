"""One-time codes: what is right, what is wrong, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from callback.domain import proof
from callback.domain.ids import CallbackId
from callback.domain.proof import NumberChange, Verdict, judge

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
BOTH = NumberChange(CallbackId("cb1"), "+12015550177", "new", "old", NOW)
ONE = replace(BOTH, old_hash="")


@pytest.mark.parametrize(
    ("change", "new", "old", "verdict"),
    [
        (BOTH, "new", "old", Verdict.RIGHT),
        (BOTH, "new", "", Verdict.WRONG),
        (BOTH, "", "old", Verdict.WRONG),
        (BOTH, "old", "new", Verdict.WRONG),
        (ONE, "new", "", Verdict.RIGHT),
        (ONE, "new", "anything", Verdict.RIGHT),
        (ONE, "", "", Verdict.WRONG),
    ],
)
def test_both_codes_count_where_there_are_two(change: NumberChange, new: str, old: str, verdict: Verdict) -> None:
    assert judge(change, new, old, NOW)[0] is verdict


def test_after_five_wrong_ones_the_right_one_is_good_for_nothing() -> None:
    change = ONE
    found = []
    for _ in range(proof.TRIES):
        verdict, change = judge(change, "wrong", "", NOW)
        found.append(verdict)
    assert found == [Verdict.WRONG] * 4 + [Verdict.SPENT]
    assert judge(change, "new", "", NOW) == (Verdict.SPENT, change)


def test_after_ten_minutes_too() -> None:
    assert judge(ONE, "new", "", NOW + timedelta(minutes=9, seconds=59))[0] is Verdict.RIGHT
    assert judge(ONE, "new", "", NOW + timedelta(minutes=10)) == (Verdict.EXPIRED, ONE)


def test_another_code_can_be_had_after_a_minute() -> None:
    assert proof.wait_to_send(None, NOW) == timedelta(0)
    assert proof.wait_to_send(NOW, NOW + timedelta(seconds=20)) == timedelta(seconds=40)
    assert proof.wait_to_send(NOW, NOW + timedelta(minutes=2)) == timedelta(0)


def test_the_number_is_in_no_text_about_the_change() -> None:
    assert "5550177" not in repr(BOTH)
