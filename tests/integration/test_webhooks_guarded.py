"""Every webhook believes the carrier alone: what is not signed, or is another account's, changes nothing."""

from typing import Any, cast

import pytest

from callback.emulator.signature import sign
from callback.flows import journey
from callback.web.guards import guard_of
from tests.support.carrier_requests import REQUESTS
from tests.support.house import ACCOUNT, ADA, BASE, CARRIER_TOKEN, OWN, StagedHouse

STEPS = sorted([*journey.DOCUMENTS, *journey.REPORTS])

FOR_EVER = -1
"""What Redis says of the time that a key has left which does not end."""


def everything(staged: StagedHouse) -> Any:
    """Whatever a webhook could change."""
    return (
        staged.callbacks(),
        [staged.attempts(callback) for callback in staged.callbacks()],
        staged.journal(),
        staged.line.agents(),
        staged.line.listing(staged.house.book.queue(staged.line.configuration()[1][0].key).key),  # type: ignore[arg-type]
        staged.dispatch.waiting,
        {key for key in keys(staged) if staged.redis.ttl(key) == FOR_EVER},
    )


def keys(staged: StagedHouse) -> set[str]:
    """Of the line. Some of them end by themselves, by the server's own clock."""
    return set(cast(list[str], staged.redis.keys()))


def text_message(staged: StagedHouse) -> tuple[str, dict[str, str]]:
    staged.queue()
    staged.promise()
    form = {"MessageSid": "SM2", "AccountSid": ACCOUNT, "From": ADA, "To": OWN, "Body": "STOP"}
    return f"{BASE}/sms/incoming", form


def request_of(staged: StagedHouse, step: str) -> tuple[str, dict[str, str]]:
    if step == "sms/incoming":
        return text_message(staged)
    ready = REQUESTS[step](staged)
    return ready.url, ready.form


def test_every_step_has_a_request_here() -> None:
    assert set(REQUESTS) == set(STEPS)


def test_no_route_of_the_carrier_is_left_out(staged: StagedHouse) -> None:
    signed = {
        rule.rule
        for rule in staged.app.url_map.iter_rules()
        if (guard := guard_of(staged.app.view_functions[rule.endpoint])) and guard.kind == "carrier signature"
    }
    assert signed == {"/voice/<path:step>", "/sms/incoming"}


@pytest.mark.parametrize("step", [*STEPS, "sms/incoming"])
def test_a_webhook_that_is_not_the_carriers_is_refused_and_changes_nothing(staged: StagedHouse, step: str) -> None:
    url, form = request_of(staged, step)
    stranger = {**form, "AccountSid": "AC" + "0" * 32}
    before, there = everything(staged), keys(staged)
    attempts = [
        (form, None),
        (form, ""),
        (form, sign("another secret", url, form)),
        (form, sign(CARRIER_TOKEN, url.replace("callback.test", "evil.test"), form)),
        ({**form, "Digits": "9", "From": "+12015559999"}, sign(CARRIER_TOKEN, url, form)),
        (stranger, sign(CARRIER_TOKEN, url, stranger)),
    ]
    assert [staged.request(url, given, signature).status_code for given, signature in attempts] == [403] * 6
    tampered = url + "&q=billing" if "?" in url else url + "?q=billing"
    assert staged.request(tampered, form, sign(CARRIER_TOKEN, url, form)).status_code == 403
    assert everything(staged) == before
    assert keys(staged) <= there
    assert staged.request(url, form, sign(CARRIER_TOKEN, url, form)).status_code in (200, 204)


def test_a_step_that_does_not_exist_is_not_found_even_for_the_carrier(staged: StagedHouse) -> None:
    staged.queue()
    url = f"{BASE}/voice/nonsense"
    form = staged.arriving().form()
    assert staged.request(url, form, sign(CARRIER_TOKEN, url, form)).status_code == 404


@pytest.mark.parametrize("step", STEPS)
def test_a_webhook_is_asked_by_post_alone(staged: StagedHouse, step: str) -> None:
    assert staged.client.get(f"/voice/{step}", base_url=BASE).status_code == 405


def test_another_installations_url_with_a_port_is_the_same_signature(staged: StagedHouse) -> None:
    """The carrier signs an address with or without its port."""
    url, form = request_of(staged, "incoming")
    with_port = url.replace("callback.test", "callback.test:80")
    assert staged.request(url, form, sign(CARRIER_TOKEN, with_port, form)).status_code == 200
