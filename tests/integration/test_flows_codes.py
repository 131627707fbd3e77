"""One-time codes on their way: sent once, not kept, and not sent when they are good for nothing any more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from callback.domain import proof
from callback.flows import account, renumber
from callback.ports import CarrierStopped
from tests.support.clock import ManualClock
from tests.support.house import ADA, OWN, StagedHouse, stage

NEW = "+12015550177"


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue()
        yield house


def kept(staged: StagedHouse) -> dict[str, tuple[str, str]]:
    """Of each text with a code: its status and what is left of its body."""
    with staged.sql.engine.connect() as connection:
        ids = connection.exec_driver_sql("SELECT id FROM messages WHERE kind LIKE 'code%%'").scalars().all()
    with staged.sql.look() as work:
        return {one.kind: (one.status, one.body) for one in map(work.text, ids)}


def test_a_code_goes_to_either_telephone_and_is_not_kept(staged: StagedHouse) -> None:
    callback = staged.promise()
    renumber.begin(staged.house, callback, NEW)
    staged.work()
    sent = {one.to: one.body for one in staged.carrier.texts[1:]}
    assert sorted(sent) == sorted([ADA, NEW])
    assert all(body[:6].isdigit() and "10 minutes" in body and "http" not in body for body in sent.values())
    assert sent[ADA][:6] != sent[NEW][:6]
    assert kept(staged) == {"code": ("sent", ""), "code_old": ("sent", "")}


def test_a_code_that_waited_too_long_is_not_sent_any_more(staged: StagedHouse) -> None:
    renumber.begin(staged.house, staged.promise(), NEW)
    staged.clock.advance(proof.LIFE.total_seconds() + 1)
    staged.work()
    assert len(staged.carrier.texts) == 1, "the promise alone"
    assert kept(staged) == {"code": ("failed", ""), "code_old": ("failed", "")}


def test_no_code_is_promised_while_the_carrier_refuses_us(staged: StagedHouse) -> None:
    callback = staged.promise()
    account.refused(staged.house, OWN, CarrierStopped("401", 20003))
    with pytest.raises(renumber.Unchanged) as no:
        renumber.begin(staged.house, callback, NEW)
    assert no.value.why is renumber.No.NOT_NOW
