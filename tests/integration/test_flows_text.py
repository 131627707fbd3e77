"""Texts: committed with what causes them, sent once, never repeated on a guess, and never to whoever wants none."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from callback.flows import text
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ACCOUNT, ADA, BASE, OWN, StagedHouse, on_both, stage


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    with stage(request, redis_url, tmp_path, clock) as house:
        house.queue()
        yield house


def statuses(staged: StagedHouse) -> list[tuple[str, str]]:
    """Of every text that was written: its status and error."""
    with staged.sql.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT status, error FROM messages ORDER BY created_at").all()
    return [(row[0], row[1]) for row in rows]


def arrives(staged: StagedHouse, body: str, number: str = ADA, sid: str = "SM77", **more: str) -> str:
    form = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": number, "To": OWN, "Body": body, **more}
    return staged.post(f"{BASE}/sms/incoming", form)


def test_texts_wait_while_the_account_is_refused(staged: StagedHouse) -> None:
    staged.carrier.fail_next(CarrierStopped("401", 20003))
    staged.promise()
    staged.pass_time(11)
    assert statuses(staged) == [("queued", "")]
    staged.pass_time(30)
    assert statuses(staged) == [("sent", "")]


@on_both
def test_a_promise_is_confirmed_by_one_text_with_the_callers_own_page(staged: StagedHouse) -> None:
    callback = staged.promise()
    (sent,) = staged.carrier.texts
    assert (sent.to, sent.from_) == (ADA, OWN)
    assert f"{BASE}/c/{callback.token}" in sent.body
    assert statuses(staged) == [("sent", "")]


@on_both
def test_a_text_given_to_two_workers_goes_out_once(staged: StagedHouse) -> None:
    leg = staged.ring_in()
    leg.press("1")
    leg.press("1")
    staged.work("twice")
    assert len(staged.texts()) == 1


@on_both
def test_a_busy_carrier_is_asked_again_by_the_sweep(staged: StagedHouse) -> None:
    staged.carrier.fail_next(CarrierBusy("429", 20429))
    staged.promise()
    assert statuses(staged) == [("queued", "")]
    staged.pass_time(12)
    assert len(staged.texts()) == 1
    assert statuses(staged) == [("sent", "")]


@on_both
@pytest.mark.parametrize("accepted", [True, False])
def test_an_unknown_outcome_is_not_repeated(staged: StagedHouse, accepted: bool) -> None:
    staged.carrier.fail_next(OutcomeUnknown("503"), accepted=accepted)
    staged.promise()
    staged.pass_time(30)
    assert len(staged.texts()) == accepted
    assert statuses(staged) == [("unknown", "503")]


@pytest.mark.parametrize(
    "error", [CarrierError("400", 30000), CarrierStopped("400", 21606)], ids=["refused", "cannot text"]
)
def test_a_refusal_is_kept_with_its_code_and_the_promise_stands(staged: StagedHouse, error: CarrierError) -> None:
    staged.carrier.fail_next(error)
    callback = staged.promise()
    assert statuses(staged) == [("failed", str(error.code))]
    assert staged.place(callback.id) == "due"


@on_both
def test_whom_the_carrier_knows_as_opted_out_is_remembered_and_promised_no_text_again(staged: StagedHouse) -> None:
    staged.carrier.opted_out.add(ADA)
    staged.promise()
    assert statuses(staged) == [("failed", "21610")]
    with staged.sql.begin() as work:
        assert work.opted_out(ADA)


@pytest.mark.parametrize("body", ["STOP", " stop ", "Unsubscribe", "END"])
def test_who_texts_stop_is_left_alone_from_then_on(staged: StagedHouse, body: str) -> None:
    callback = staged.promise()
    assert "<Response/>" in arrives(staged, body)
    staged.work()
    assert len(staged.texts()) == 1
    with staged.sql.begin() as work:
        queue = staged.house.book.queue(callback.queue)
        assert text.compose(work, staged.house, queue, callback, "nearly", staged.clock.now()) is None


def test_the_carriers_own_word_for_an_opt_out_counts_whatever_the_text_says(staged: StagedHouse) -> None:
    arrives(staged, "arrêt", OptOutType="STOP")
    with staged.sql.begin() as work:
        assert work.opted_out(ADA)


@on_both
def test_anything_else_is_answered_with_where_they_stand_once_a_text(staged: StagedHouse) -> None:
    staged.promise()
    for _ in range(3):
        arrives(staged, "where am I?")
    staged.work()
    assert len(staged.texts()) == 2
    arrives(staged, "and now?", sid="SM78")
    staged.work()
    assert len(staged.texts()) == 3


def test_a_stranger_and_a_withheld_number_get_no_answer(staged: StagedHouse) -> None:
    for number in ("+12015559999", "anonymous", ""):
        arrives(staged, "hello", number)
    staged.work()
    assert staged.texts() == []


@pytest.mark.parametrize("word", ["delivered", "undelivered", "failed", "read"])
def test_the_carriers_last_word_on_a_text_is_kept(staged: StagedHouse, word: str) -> None:
    staged.promise()
    url = staged.carrier.texts[0].status_url
    staged.post(url, {"MessageSid": "SM1", "AccountSid": ACCOUNT, "MessageStatus": word, "ErrorCode": "30003"})
    assert statuses(staged) == [(word, "30003")]


def test_a_last_word_that_comes_before_the_carriers_answer_is_not_forgotten(staged: StagedHouse) -> None:
    def delivered(step: str) -> None:
        if step == "carrier.send_text":
            form = {"MessageSid": "SM1", "AccountSid": ACCOUNT, "MessageStatus": "delivered"}
            staged.post(staged.carrier.texts[0].status_url, form)

    staged.steps.between = delivered
    staged.promise()
    assert statuses(staged) == [("delivered", "")]


def test_a_word_on_the_way_changes_nothing(staged: StagedHouse) -> None:
    staged.promise()
    url = staged.carrier.texts[0].status_url
    staged.post(url, {"MessageSid": "SM1", "AccountSid": ACCOUNT, "MessageStatus": "sending"})
    assert statuses(staged) == [("sent", "")]


def test_a_number_that_takes_no_texts_is_not_promised_one_by_voice(staged: StagedHouse) -> None:
    with staged.sql.begin() as work:
        work.opt_out(ADA, staged.clock.now())
    leg = staged.ring_in()
    leg.press("1")
    assert "text" not in leg.press("1").says
    staged.work()
    assert staged.texts() == []


def test_who_could_not_be_reached_is_told_so(staged: StagedHouse) -> None:
    leg = staged.called(attempts=1)
    leg.fails("no-answer")
    staged.work()
    assert len(staged.texts()) == 2
    assert staged.carrier.texts[-1].to == ADA


def test_texts_are_in_the_callers_language(staged: StagedHouse) -> None:
    staged.promise(language="zh", requested_for=staged.clock.now() + timedelta(hours=1))
    assert re_chinese(staged.texts()[0])


def re_chinese(body: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in body)
