"""The account's numbers: the fake and the carrier's own API mean the same."""

from collections.abc import Iterator

import pytest

from callback.adapters.outside import Outside
from callback.adapters.telephony.numbers import NumbersNow, OwnNumbers
from callback.domain.numbers import Wrong, webhooks_for, wrong_with
from callback.ports import CarrierStopped, Numbers
from tests.fakes.numbers import FakeNumbers
from tests.support.emulator import ACCOUNT_SID, AUTH_TOKEN, Application, running_emulator

FIRST, SECOND = "+12025550100", "+12025550101"
ELSEWHERE = "https://elsewhere.example/voice"


@pytest.fixture(params=["fake", "real"])
def numbers(request: pytest.FixtureRequest) -> Iterator[Numbers]:
    """Two numbers whose calls go elsewhere."""
    if request.param == "fake":
        fake = FakeNumbers()
        fake.own(FIRST, SECOND, voice_url=ELSEWHERE)
        yield fake
        return
    with running_emulator("--voice-url", ELSEWHERE, numbers=(SECOND, FIRST)) as carrier:
        yield NumbersNow(lambda: OwnNumbers(ACCOUNT_SID, AUTH_TOKEN, carrier.url))


def test_numbers_are_listed_found_and_pointed_somewhere_else(numbers: Numbers) -> None:
    assert [one.number for one in numbers.all()] == [FIRST, SECOND]
    assert numbers.find("+12025550999") is None
    found = numbers.find(SECOND)
    assert found is not None
    wanted = webhooks_for("https://calls.example.com", "support")
    assert wrong_with(found, wanted) == [Wrong.CALLS]
    pointed = numbers.point(found, wanted)
    assert (pointed.number, pointed.webhooks) == (SECOND, wanted)
    again = numbers.find(SECOND)
    assert again is not None
    assert wrong_with(again, wanted) == []
    first = numbers.find(FIRST)
    assert first is not None
    assert first.webhooks.voice_url == ELSEWHERE


def test_a_refusal_of_the_account_is_told_by_its_class(numbers: Numbers) -> None:
    if isinstance(numbers, FakeNumbers):
        numbers.away = CarrierStopped("refused", 20003)
        with pytest.raises(CarrierStopped):
            numbers.all()
        return
    with running_emulator(numbers=(FIRST,)) as carrier:
        refused = NumbersNow(lambda: OwnNumbers(ACCOUNT_SID, "not-it", carrier.url))
        with pytest.raises(CarrierStopped):
            refused.all()


def test_an_address_leads_here_where_our_own_health_check_answers() -> None:
    site = Application()
    try:
        site.documents["/healthz"] = (200, '{"status": "ok"}', "application/json")
        assert Outside().answers(site.url) is None
        site.documents["/healthz"] = (200, "<html>", "text/html")
        assert "something else answers there" in (Outside().answers(site.url) or "")
    finally:
        site.close()
    assert Outside().answers("http://127.0.0.1:9")
