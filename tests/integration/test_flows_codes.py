"""What callers ask for on their page, below the page: codes on their way, and who comes first, on both databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path
from threading import Barrier

import pytest

from callback.domain import proof
from callback.domain.callback import Callback
from callback.domain.errors import NotAccepting
from callback.domain.lifecycle import State
from callback.flows import account, renumber, wishes
from callback.ports import CarrierStopped
from tests.support.clock import ManualClock
from tests.support.house import ADA, OWN, StagedHouse, on_both, stage

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


def codes(staged: StagedHouse) -> dict[str, str]:
    """The last code that reached each telephone."""
    return {one.to: one.body[:6] for one in staged.carrier.texts if one.body[:6].isdigit()}


@on_both
def test_the_new_telephone_is_the_one_that_rings_from_then_on(staged: StagedHouse) -> None:
    callback = staged.promise()
    renumber.begin(staged.house, callback, NEW)
    staged.work()
    verdict, _ = renumber.prove(staged.house, callback, "000000", "000000", cause="test")
    assert verdict is proof.Verdict.WRONG
    verdict, changed = renumber.prove(staged.house, callback, codes(staged)[NEW], codes(staged)[ADA], cause="test")
    assert (verdict, changed.number, changed.score) == (proof.Verdict.RIGHT, NEW, callback.score)
    assert staged.by_number(NEW).id == callback.id


@on_both
def test_a_number_that_waits_for_itself_keeps_its_own_callback(staged: StagedHouse) -> None:
    mine, theirs = staged.promise(), staged.promise(NEW)
    renumber.begin(staged.house, mine, NEW)
    staged.work()
    with pytest.raises(renumber.Unchanged) as no:
        renumber.prove(staged.house, mine, codes(staged)[NEW], codes(staged)[ADA], cause="test")
    assert no.value.why is renumber.No.TAKEN
    assert (staged.by_number(ADA).id, staged.by_number(NEW).id) == (mine.id, theirs.id)


@pytest.mark.parametrize("staged", ["postgresql"], indirect=True)
def test_of_many_who_give_one_number_at_the_same_moment_no_more_than_its_cap_send_a_code(staged: StagedHouse) -> None:
    crowd = [staged.promise(f"+120155502{at:02}") for at in range(proof.MOST_TO_A_NUMBER + 3)]
    together = Barrier(len(crowd), timeout=20)

    def give(callback: Callback) -> renumber.No | None:
        together.wait()
        try:
            renumber.begin(staged.house, callback, NEW)
        except renumber.Unchanged as no:
            return no.why
        return None

    with ThreadPoolExecutor(len(crowd)) as threads:
        answers = list(threads.map(give, crowd))
    staged.work()
    assert answers.count(None) == proof.MOST_TO_A_NUMBER
    assert set(answers) == {None, renumber.No.TOO_MANY}
    assert sum(one.to == NEW for one in staged.carrier.texts) == proof.MOST_TO_A_NUMBER


@on_both
def test_of_two_who_want_the_last_place_of_a_quarter_one_gets_it(staged: StagedHouse) -> None:
    first, second = staged.promise(), staged.promise(NEW)
    at = wishes.times(staged.house, first, UTC)[4]
    assert wishes.later(staged.house, first, at, cause="test").requested_for == at
    with pytest.raises(NotAccepting) as full:
        wishes.later(staged.house, second, at, cause="test")
    assert full.value.reason == "full"
    back = wishes.ready(staged.house, first, cause="test")
    assert back.state is State.WAITING
    assert wishes.later(staged.house, second, at, cause="test").requested_for == at
