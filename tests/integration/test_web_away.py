"""Pages, programs and texts while a part of us is away: told so plainly, with when to try again. Nothing is lost."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from callback.emulator.signature import sign
from callback.ports import Line, Store
from callback.web import context
from tests.support.clock import ManualClock
from tests.support.processor import HERE, kept_waiting_s
from tests.support.steps import READING, Steps, Watched, WatchedStore
from tests.support.web_house import OWN, PASSWORD, WebHouse, form_token, signed_in

BASE = "http://callback.test"
TOKEN = "the carrier's secret"
AWAY = {"record": {"store"}, "line": {"line"}, "both": {"store", "line"}}


class House(WebHouse):
    """A house whose backends a test can take away."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.steps = Steps()
        self.house = replace(
            self.house,
            store=cast(Store, WatchedStore(self.store, self.steps)),
            line=cast(Line, Watched(self.line, "line", self.steps, READING)),
        )
        self.app.extensions[context.HOUSE] = self.house
        self.app.testing = False  # errors are answered, as in production


@pytest.fixture
def home(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[House]:
    house = House(redis_url, sqlite_url, clock, BASE, carrier_token=TOKEN)
    house.queue()
    house.agent(status=None)
    yield house
    house.close()


def calm(answer: Any, *, program: bool = False) -> None:
    """An answer that tells people what is the case, and programs when to come back."""
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    text = answer.get_data(as_text=True)
    assert "Nothing is lost" in text or "不会丢失" in text
    for word in ("Traceback", "sqlalchemy", "psycopg", "redis", "away"):
        assert word not in text
    if program:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["type"] == "urn:callback:problem:unavailable"


@pytest.mark.parametrize("away", AWAY)
def test_a_caller_who_looks_at_their_page_is_told_that_nothing_is_lost(home: House, away: str) -> None:
    promise = home.promise()
    client = home.app.test_client()
    home.steps.away = frozenset(AWAY[away])
    for path in (f"/c/{promise.token}", f"/c/{promise.token}?lang=zh", f"/c/{promise.token}/cancel"):
        answer = client.get(path)
        if answer.status_code != 200:
            calm(answer)
        assert away == "line" or answer.status_code == 503


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize(
    "path", ["/api/v1/queues", "/api/v1/callbacks", "/api/v1/journal?after=0", "/api/v1/agents/ann"]
)
def test_a_program_gets_a_problem_and_the_time_to_try_again(home: House, path: str, away: str) -> None:
    client, bearer = home.app.test_client(), home.token()
    home.steps.away = frozenset(AWAY[away])
    answer = client.get(path, headers=bearer)
    if away != "line" or path in ("/api/v1/queues", "/api/v1/agents/ann"):
        calm(answer, program=True)
    posted = client.post(
        "/api/v1/callbacks",
        json={"queue": "support", "number": "+12015550123"},
        headers={**bearer, "Idempotency-Key": "1"},
    )
    if away != "line" or posted.status_code != 201:
        calm(posted, program=True)


@pytest.mark.parametrize("away", AWAY)
@pytest.mark.parametrize(
    ("path", "role", "agent"), [("/admin", "supervisor", None), ("/wall", "viewer", None), ("/agent", "agent", "ann")]
)
def test_staff_see_a_page_that_says_so(home: House, path: str, role: str, agent: str | None, away: str) -> None:
    client = signed_in(home, role, agent)
    home.steps.away = frozenset(AWAY[away])
    began = time.monotonic() - kept_waiting_s(HERE)
    answer = client.get(path, follow_redirects=True)
    assert time.monotonic() - kept_waiting_s(HERE) - began < 2
    assert answer.status_code in (200, 503)
    if answer.status_code == 503:
        calm(answer)
    assert away == "line" or answer.status_code == 503


def test_nobody_can_sign_in_while_the_record_is_away_and_is_told_so(home: House) -> None:
    email, client = home.user(), home.app.test_client()
    token = form_token(client.get("/sign-in"))
    home.steps.away = frozenset({"store"})
    sent = {"email": email, "password": PASSWORD, "csrf_token": token}
    calm(client.post("/sign-in", data=sent))
    home.steps.away = frozenset()
    assert client.post("/sign-in", data=sent).status_code == 303


def test_a_text_that_meets_an_absent_record_is_refused_and_taken_when_it_comes_again(home: House) -> None:
    form = {"MessageSid": "SM1", "AccountSid": "", "From": "+12015550123", "To": OWN, "Body": "STOP"}
    url = f"{BASE}/sms/incoming"
    home.steps.away = frozenset({"store"})
    client, signed = home.app.test_client(), {"X-Twilio-Signature": sign(TOKEN, url, form)}
    answer = client.post("/sms/incoming", data=form, headers=signed, base_url=BASE)
    assert answer.status_code == 503
    assert "Traceback" not in answer.get_data(as_text=True)
    home.steps.away = frozenset()
    assert client.post("/sms/incoming", data=form, headers=signed, base_url=BASE).status_code == 200
    with home.store.begin() as work:
        assert work.opted_out("+12015550123")
