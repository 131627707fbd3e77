"""The carrier's refusals: what each means for us."""

import json

import pytest

from callback.adapters.telephony.errors import refusal
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
