"""The carrier's refusals and status words: what each means for us."""

import json

import pytest

from callback.adapters.telephony import words
from callback.adapters.telephony.errors import refusal
from callback.adapters.telephony.words import AnsweredBy, CallStatus, LegEnd, QueueEnd
from callback.domain.callback import SPENT, Outcome
from callback.ports import CarrierBusy, CarrierError, CarrierStopped, LegGone, NumberUndialable, OutcomeUnknown


def body(code: int, message: str = "No.") -> str:
    return json.dumps({"code": code, "message": message, "status": 400})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        *((400, code, NumberUndialable) for code in (21211, 21214, 21215, 21216, 21217, 13224, 21610, 21614)),
        (401, 20003, CarrierStopped),
        (403, 20003, CarrierStopped),
        (400, 21210, CarrierStopped),
        (429, 20429, CarrierBusy),
        (429, 0, CarrierBusy),
        (404, 20404, LegGone),
        (400, 21220, LegGone),
        (500, 20500, OutcomeUnknown),
        (503, 21211, OutcomeUnknown),
        (502, 0, OutcomeUnknown),
        (400, 21205, CarrierError),
        (400, 0, CarrierError),
        (302, 0, CarrierError),
    ],
)
def test_a_refusal_becomes_the_class_that_says_what_to_do(status: int, code: int, kind: type[CarrierError]) -> None:
    error = refusal(status, body(code), {})

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (401, "<html>who are you</html>", CarrierStopped),
        (404, "", LegGone),
        (429, "slow down", CarrierBusy),
        (503, "<html>", OutcomeUnknown),
        (400, "[]", CarrierError),
        (400, '{"code": "21211", "message": null}', CarrierError),
    ],
)
def test_an_answer_that_is_not_the_carriers_is_judged_by_its_status(
    status: int, text: str, kind: type[CarrierError]
) -> None:
    error = refusal(status, text, {})

    assert type(error) is kind
    assert error.code == 0


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({}, 1),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0.2"}, 1),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "86400"}, 60),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "nan"}, 1),
        ({"Retry-After": "inf"}, 60),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:30 GMT", "Date": "Mon, 02 Mar 2026 09:00:10 GMT"}, 20),
        ({"Retry-After": "Mon, 02 Mar 2026 09:00:30 GMT"}, 1),
    ],
)
def test_too_much_at_once_says_when_to_come_back(headers: dict[str, str], pause_s: float) -> None:
    error = refusal(429, body(20429), headers)

    assert isinstance(error, CarrierBusy)
    assert error.retry_after_s == pause_s


def test_one_pause_is_not_everybodys() -> None:
    refusal(429, body(20429), {"Retry-After": "30"})

    assert CarrierBusy("busy").retry_after_s == 1


@pytest.mark.parametrize("number", ["+12015550123", "201-555-0123", "+1 (201) 555 0123"])
def test_an_error_never_tells_a_number(number: str) -> None:
    error = refusal(400, body(21211, f"The 'To' number {number} is not a valid phone number."), {})

    assert str(error) == "400: The 'To' number (number) is not a valid phone number."


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("busy", Outcome.BUSY),
        ("no-answer", Outcome.NO_ANSWER),
        ("failed", Outcome.FAILED),
        ("canceled", Outcome.CANCELLED),
    ],
)
def test_a_call_nobody_answered_ended_as_its_status_says(word: str, outcome: Outcome) -> None:
    assert words.UNANSWERED[words.call_status(word)] is outcome


def test_a_call_that_was_cancelled_by_us_spends_no_attempt() -> None:
    assert words.UNANSWERED[CallStatus.CANCELED] not in SPENT


def test_completed_says_only_that_it_ended() -> None:
    assert CallStatus.COMPLETED in words.ENDED
    assert CallStatus.COMPLETED not in words.UNANSWERED


def test_every_end_but_completed_has_an_outcome() -> None:
    assert words.UNANSWERED.keys() == words.ENDED - {CallStatus.COMPLETED}


def test_a_status_nobody_has_heard_of_is_refused() -> None:
    with pytest.raises(ValueError, match="daydreaming"):
        words.call_status("daydreaming")


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("human", AnsweredBy.PERSON),
        ("unknown", AnsweredBy.PERSON),
        ("", AnsweredBy.PERSON),
        ("a_new_word", AnsweredBy.PERSON),
        ("machine_start", AnsweredBy.MACHINE),
        ("machine_end_beep", AnsweredBy.MACHINE),
        ("machine_end_silence", AnsweredBy.MACHINE),
        ("machine_end_other", AnsweredBy.MACHINE),
        ("fax", AnsweredBy.MACHINE),
    ],
)
def test_whoever_is_not_surely_a_machine_is_a_person(word: str, who: AnsweredBy) -> None:
    assert words.answered_by(word) is who


@pytest.mark.parametrize(
    ("word", "end"),
    [
        ("completed", LegEnd.TALKED),
        ("answered", LegEnd.TALKED),
        ("busy", LegEnd.MISSED),
        ("no-answer", LegEnd.MISSED),
        ("canceled", LegEnd.MISSED),
        ("failed", LegEnd.FAILED),
    ],
)
def test_an_agents_leg_ended_as_dial_says(word: str, end: LegEnd) -> None:
    assert words.DIAL_CALL_STATUS[word] is end


def test_every_reason_to_leave_the_carriers_queue_is_known() -> None:
    assert words.QUEUE_RESULT == {
        "leave": QueueEnd.LEFT,
        "bridged": QueueEnd.TAKEN,
        "bridging-in-process": QueueEnd.TAKEN,
        "redirected": QueueEnd.TAKEN,
        "redirected-from-bridged": QueueEnd.TAKEN,
        "hangup": QueueEnd.HUNG_UP,
        "error": QueueEnd.TROUBLE,
        "queue-full": QueueEnd.TROUBLE,
        "system-error": QueueEnd.TROUBLE,
    }
