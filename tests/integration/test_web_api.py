"""`/api/v1` over HTTP, on the real line and the real record."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from callback.domain.lifecycle import AgentStatus
from tests.support.clock import ManualClock
from tests.support.web_house import OWN, WebHouse

CALLER = "+12015550123"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house with one queue."""
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    yield house
    house.close()


class Program:
    """A client with a token."""

    def __init__(self, web: WebHouse, role: str = "admin") -> None:
        self._client, self._headers, self._turn = web.app.test_client(), web.token(role), 0

    def __call__(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        return self._client.open(f"/api/v1{path}", method=method, json=json, headers={**self._headers, **headers})

    def ask(self, key: str | None = None, **body: Any) -> TestResponse:
        self._turn += 1
        named = {"Idempotency-Key": key or f"key-{self._turn}"}
        return self("POST", "/callbacks", {"queue": "support", "number": CALLER, **body}, **named)


@pytest.fixture
def api(web: WebHouse) -> Program:
    """An administrator's program."""
    return Program(web)


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = answer.get_json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status
    return document


# --- who may ----------------------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_told(web: WebHouse) -> None:
    answer = web.app.test_client().get("/api/v1/queues")
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_made_up_token_is_refused(web: WebHouse) -> None:
    problem(web.app.test_client().get("/api/v1/queues", headers={"Authorization": "Bearer cbk_nobody"}), 401)


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "allowed"),
    [
        ("viewer", "GET", "/queues", None, True),
        ("viewer", "PATCH", "/queues/support/policy", {"attempts": 2}, False),
        ("viewer", "POST", "/agents/ann/presence", {"status": "away"}, False),
        ("supervisor", "PATCH", "/queues/support/policy", {"attempts": 2}, True),
        ("supervisor", "PUT", "/queues/support", {"name": "Support"}, False),
        ("supervisor", "POST", "/agents/ann/presence", {"status": "away"}, True),
        ("agent", "POST", "/agents/ann/presence", {"status": "away"}, True),
        ("agent", "GET", "/queues", None, False),
        ("agent", "GET", "/agents/ann", None, False),
        ("admin", "PUT", "/queues/support", {"name": "Support"}, True),
    ],
)
def test_roles(web: WebHouse, role: str, method: str, path: str, body: Any, allowed: bool) -> None:
    web.agent()
    answer = Program(web, role)(method, path, body)
    assert (answer.status_code == 200) is allowed, answer.get_data(as_text=True)
    if not allowed:
        problem(answer, 403)


# --- queues and policies ----------------------------------------------------------------------------------------


def test_a_queue_is_created_and_described_in_the_contracts_words(api: Program) -> None:
    answer = api("PUT", "/queues/billing", {"name": "Billing", "numbers": ["+12015550101"], "policy": {"attempts": 5}})
    assert answer.status_code == 200
    queue = api("GET", "/queues/billing").get_json()
    assert answer.get_json() == queue
    assert queue["key"] == "billing"
    assert queue["waiting"] == {"live": 0, "callbacks": 0}
    assert queue["agents"] == {"available": 0, "reserved": 0, "busy": 0, "wrap_up": 0, "away": 0, "offline": 0}
    assert queue["wait"] == {"p50": None, "p80": None, "p90": None, "basis": "unknown"}
    assert queue["offering"] is True
    assert queue["offer_reason"]
    assert queue["policy"]["attempts"] == 5
    assert queue["policy"]["retry_delays_s"] == [300, 900]


def test_all_queues_are_listed_by_key(api: Program) -> None:
    api("PUT", "/queues/billing", {"name": "Billing"})
    listed = api("GET", "/queues").get_json()
    assert [queue["key"] for queue in listed["items"]] == ["billing", "support"]
    assert listed["next"] is None


def test_a_patch_changes_what_it_names_and_counts_the_version(api: Program) -> None:
    before = api("GET", "/queues/support").get_json()
    after = api("PATCH", "/queues/support/policy", {"offer_at_wait_s": None, "attempts": 1}).get_json()
    assert after["offer_at_wait_s"] is None
    assert after["attempts"] == 1
    assert after["version"] == before["policy_version"] + 1
    assert after["ring_timeout_s"] == before["policy"]["ring_timeout_s"]


def test_every_mistake_in_a_policy_is_named(api: Program) -> None:
    answer = api("PATCH", "/queues/support/policy", {"attempts": 0, "offer_at_wait": 60, "dial_mode": "fast"})
    assert {mistake["field"] for mistake in problem(answer, 422)["errors"]} == {
        "attempts",
        "offer_at_wait",
        "dial_mode",
    }


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/queues/billing", {"name": "Billing", "colour": "blue"}, "colour"),
        ("/queues/billing", {}, "name"),
        ("/queues/billing", {"name": 7}, "name"),
        ("/queues/billing", {"name": "Billing", "numbers": ["123"]}, "number"),
        ("/queues/bill ing", {"name": "Billing"}, "key"),
        ("/agents/ann", {"name": "Ann", "contact": "nowhere", "queues": []}, "contact"),
        ("/agents/ann", {"name": "Ann", "contact": "sip:ann@example.com", "queues": ["nosuch"]}, "queues"),
    ],
)
def test_a_body_that_cannot_be_accepted_names_the_field(api: Program, path: str, body: Any, field: str) -> None:
    answer = api("PUT", path, body)
    assert field in {mistake["field"] for mistake in problem(answer, 422)["errors"]}


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{not json", "application/json", 400),
        (b"[1]", "application/json", 422),
        (b"attempts=1", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_body_that_is_no_json_object_is_never_taken_for_an_empty_one(
    web: WebHouse, data: bytes, kind: str, status: int
) -> None:
    client = web.app.test_client()
    answer = client.patch("/api/v1/queues/support/policy", data=data, content_type=kind, headers=web.token())
    problem(answer, status)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800"])
def test_what_no_database_can_keep_is_refused_at_the_door(api: Program, text: str) -> None:
    problem(api("PUT", "/queues/billing", {"name": text}), 422)
    problem(api("PATCH", "/queues/support/policy", {"priority_credit_s": {text: 1}}), 422)
    problem(api.ask(context={"note": [text]}), 422)


@pytest.mark.parametrize("path", ["/queues/%00", "/callbacks/%00", "/callbacks?queue=%00", "/journal?subject=%00"])
def test_neither_is_it_taken_from_an_address(api: Program, path: str) -> None:
    problem(api("GET", path), 400)


@pytest.mark.parametrize("path", ["/journal?after=9223372036854775808", "/journal?after=-1", "/journal?limit=0"])
def test_a_number_that_counts_nothing_is_refused(api: Program, path: str) -> None:
    problem(api("GET", path), 422)


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "2026-13-01T00:00:00Z", ""])
def test_a_time_nobody_lives_to_see_is_refused(api: Program, at: str) -> None:
    problem(api.ask(requested_for=at), 422)


def test_an_unknown_queue_is_404_and_an_unknown_path_as_well(api: Program) -> None:
    problem(api("GET", "/queues/nosuch"), 404)
    problem(api("PATCH", "/queues/nosuch/policy", {"attempts": 2}), 404)
    problem(api("GET", "/nosuch"), 404)
    problem(api("DELETE", "/queues/support"), 405)


def test_an_unknown_query_field_is_refused(api: Program) -> None:
    problem(api("GET", "/queues?colour=blue"), 422)
    problem(api("GET", "/callbacks?state=sleeping"), 422)


# --- agents -----------------------------------------------------------------------------------------------------


def test_an_agent_is_created_and_says_they_are_available(api: Program) -> None:
    body = {"name": "Ann", "contact": "client:ann", "queues": ["support", {"key": "support2", "level": 2}]}
    api("PUT", "/queues/support2", {"name": "Second"})
    made = api("PUT", "/agents/ann", body).get_json()
    assert made["queues"] == [{"key": "support", "level": 1}, {"key": "support2", "level": 2}]
    assert made["status"] == "offline"
    for _ in range(2):
        ready = api("POST", "/agents/ann/presence", {"status": "available"})
        assert ready.status_code == 200
        assert ready.get_json()["status"] == "available"
    assert api("GET", "/agents/ann").get_json()["since"].endswith("Z")
    assert api("GET", "/queues/support").get_json()["agents"]["available"] == 1


def test_busy_is_nothing_an_agent_can_ask_for(api: Program, web: WebHouse) -> None:
    web.agent()
    problem(api("POST", "/agents/ann/presence", {"status": "busy"}), 422)
    problem(api("POST", "/agents/ann/presence", {"status": "away", "reason": "nap"}), 422)
    away = api("POST", "/agents/ann/presence", {"status": "away", "reason": "lunch"}).get_json()
    assert (away["status"], away["away_reason"]) == ("away", "lunch")
    problem(api("POST", "/agents/nobody/presence", {"status": "away"}), 404)


def test_a_free_agent_and_somebody_in_line_are_paired_at_once(api: Program, web: WebHouse) -> None:
    web.agent()
    waiting = api.ask().get_json()
    assert waiting["state"] == "waiting"
    assert api("POST", "/agents/ann/presence", {"status": "available"}).get_json()["status"] == "reserved"
    seen = api("GET", f"/callbacks/{waiting['id']}").get_json()
    assert (seen["state"], seen["position"]) == ("reserved", None)
    assert [kind for kind, _ in web.dispatch.asked if kind == "connect"] == ["connect"]


# --- callbacks --------------------------------------------------------------------------------------------------


def test_a_callback_is_promised(api: Program) -> None:
    answer = api.ask(context={"order": 7}, language="zh", name="Li")
    assert answer.status_code == 201
    made = answer.get_json()
    assert (made["state"], made["position"], made["number"]) == ("waiting", 1, CALLER)
    assert made["wait"]["basis"] == "unknown"
    assert made["status_url"].startswith("http://callback.test/c/")
    assert (made["context"], made["language"], made["attempts"]) == ({"order": 7}, "zh", [])
    assert api("GET", f"/callbacks/{made['id']}").get_json() == made


def test_position_counts_everyone_ahead_live_or_not(api: Program, web: WebHouse) -> None:
    web.caller()
    web.wait(1)
    api.ask(number="+12015550141")
    web.wait(1)
    assert api.ask().get_json()["position"] == 3
    assert api("GET", "/queues/support").get_json()["waiting"] == {"live": 1, "callbacks": 2}


def test_the_wait_is_known_once_somebody_works(api: Program, web: WebHouse) -> None:
    web.agent()
    web.agent("bob", status=AgentStatus.AVAILABLE)
    api.ask(number="+12015550141")
    wait = api.ask().get_json()["wait"]
    assert 0 < wait["p50"] < wait["p80"] < wait["p90"]
    assert wait["basis"] != "unknown"


def test_without_an_idempotency_key_nothing_is_promised(api: Program) -> None:
    problem(api("POST", "/callbacks", {"queue": "support", "number": CALLER}), 400)
    problem(api("POST", "/callbacks", {"queue": "support", "number": CALLER}, **{"Idempotency-Key": "k" * 300}), 400)
    assert api("GET", "/callbacks").get_json()["items"] == []


def test_the_same_key_and_body_get_the_first_answer_again(api: Program) -> None:
    first, again = api.ask("same"), api.ask("same")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()


def test_the_same_key_with_another_body_is_refused(api: Program) -> None:
    api.ask("same")
    problem(api.ask("same", number="+12015550141"), 422)


def test_two_programs_may_choose_the_same_key(api: Program, web: WebHouse) -> None:
    assert api.ask("same").status_code == 201
    assert Program(web).ask("same", number="+12015550141").status_code == 201


def test_a_number_that_is_open_already_gets_that_callback(api: Program) -> None:
    first, second = api.ask(), api.ask()
    assert second.status_code == 200
    assert second.get_json()["id"] == first.get_json()["id"]


@pytest.mark.parametrize(
    "policy",
    [
        {"accepting": False},
        {"max_outstanding": 0},
        {"hours": {"timezone": "UTC", "weekly": {"sun": [["09:00", "10:00"]]}}},
    ],
)
def test_a_queue_that_does_not_accept_says_so(api: Program, policy: Any) -> None:
    api("PATCH", "/queues/support/policy", policy)
    problem(api.ask(), 409)


@pytest.mark.parametrize(
    "body",
    [
        {"number": "+19005550123"},
        {"number": "+442079460000"},
        {"number": "nonsense"},
        {"language": "fr"},
        {"requested_for": "2026-03-02T10:00:00"},
        {"requested_for": 1772445600},
        {"colour": "blue"},
    ],
)
def test_what_cannot_be_promised_is_refused_and_names_the_field(api: Program, body: Any) -> None:
    refused = problem(api.ask(**body), 422)
    assert {mistake["field"] for mistake in refused["errors"]} == set(body)


def test_an_unknown_queue_is_404(api: Program) -> None:
    problem(api.ask(queue="nosuch"), 404)


def test_a_callback_can_be_asked_for_later(api: Program) -> None:
    made = api.ask(requested_for="2026-03-02T11:00:00+01:00").get_json()
    assert (made["state"], made["position"]) == ("scheduled", None)
    assert made["requested_for"] == "2026-03-02T10:00:00.000Z"


def test_cancelling_is_repeatable(api: Program) -> None:
    made = api.ask().get_json()
    for _ in range(2):
        answer = api("POST", f"/callbacks/{made['id']}/cancel")
        assert answer.status_code == 200
        assert answer.get_json()["state"] == "cancelled"
    assert api("GET", "/queues/support").get_json()["waiting"]["callbacks"] == 0


def test_a_cancel_with_fields_is_refused(api: Program) -> None:
    made = api.ask().get_json()
    problem(api("POST", f"/callbacks/{made['id']}/cancel", {"reason": "why not"}), 422)
    assert api("POST", f"/callbacks/{made['id']}/cancel", {}).status_code == 200


def test_rescheduling_moves_and_refuses_the_past(api: Program) -> None:
    made = api.ask().get_json()
    moved = api("POST", f"/callbacks/{made['id']}/reschedule", {"at": "2026-03-02T12:00:00Z"})
    assert (moved.status_code, moved.get_json()["state"]) == (200, "scheduled")
    problem(api("POST", f"/callbacks/{made['id']}/reschedule", {"at": "2026-03-01T12:00:00Z"}), 422)
    problem(api("POST", f"/callbacks/{made['id']}/reschedule", {}), 422)
    problem(api("POST", f"/callbacks/{made['id']}/reschedule"), 422)
    problem(api("POST", "/callbacks/cbnobody/reschedule", {"at": "2026-03-02T12:00:00Z"}), 404)


def test_callbacks_are_found_by_queue_state_and_number(api: Program, web: WebHouse) -> None:
    api("PUT", "/queues/billing", {"name": "Billing", "numbers": ["+12015550101"]})
    first = api.ask().get_json()
    api.ask(number="+12015550141")
    api.ask(queue="billing", number="+12015550141")
    api("POST", f"/callbacks/{first['id']}/cancel")

    def found(query: str) -> list[str]:
        return sorted(item["number"] for item in api("GET", f"/callbacks?{query}").get_json()["items"])

    assert found("queue=support") == [CALLER, "+12015550141"]
    assert found("state=waiting") == ["+12015550141"] * 2
    assert found("state=cancelled,waiting&queue=support") == [CALLER, "+12015550141"]
    assert found("number=%2B12015550123") == [CALLER]
    assert found("number=+12015550123") == [CALLER]


def test_a_callback_that_is_being_paired_is_found_as_reserved_and_not_as_waiting(api: Program, web: WebHouse) -> None:
    web.agent(status=AgentStatus.AVAILABLE)
    api.ask()
    assert len(api("GET", "/callbacks?state=reserved").get_json()["items"]) == 1
    assert api("GET", "/callbacks?state=waiting").get_json()["items"] == []


def test_a_list_goes_on_at_its_cursor(api: Program) -> None:
    for number in range(5):
        api.ask(number=f"+1201555014{number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = api("GET", f"/callbacks?limit=2{cursor}").get_json()
        seen += [item["number"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == [f"+1201555014{number}" for number in range(5)]
    problem(api("GET", "/callbacks?cursor=nonsense"), 422)


# --- the journal and the description ----------------------------------------------------------------------------


def test_the_journal_tells_every_change_in_order(api: Program) -> None:
    made = api.ask().get_json()
    api("POST", f"/callbacks/{made['id']}/cancel")
    items = api("GET", "/journal?after=0").get_json()["items"]
    assert [item["seq"] for item in items] == sorted({item["seq"] for item in items})
    mine = [item for item in items if item["subject"] == made["id"]]
    assert [(item["from"], item["to"]) for item in mine] == [(None, "waiting"), ("waiting", "cancelled")]
    assert {"seq", "at", "kind", "subject", "from", "to", "reason", "cause"} <= set(mine[0])
    assert all(item["kind"] == "callback" and item["reason"] and item["cause"].startswith("api:") for item in mine)


def test_the_journal_goes_on_after_a_seq(api: Program) -> None:
    for number in range(3):
        api.ask(number=f"+1201555014{number}")
    everything = api("GET", "/journal").get_json()["items"]
    pages, after = [], 0
    while True:
        page = api("GET", f"/journal?after={after}&limit=2").get_json()
        pages += page["items"]
        if page["next"] is None:
            break
        after = page["next"]
    assert pages == everything
    assert api("GET", f"/journal?after={everything[-1]['seq']}").get_json() == {"items": [], "next": None}


def test_the_api_describes_itself(web: WebHouse) -> None:
    answer = web.app.test_client().get("/api/v1/openapi.json")
    document = answer.get_json()
    assert answer.status_code == 200
    assert document["openapi"].startswith("3.1")
    paths = {path: set(operations) for path, operations in document["paths"].items()}
    assert paths == {
        "/api/v1/queues": {"get"},
        "/api/v1/queues/{key}": {"get", "put"},
        "/api/v1/queues/{key}/policy": {"patch"},
        "/api/v1/queues/{key}/waits": {"get"},
        "/api/v1/agents": {"get"},
        "/api/v1/agents/{key}": {"get", "put"},
        "/api/v1/agents/{key}/presence": {"post"},
        "/api/v1/quarantine": {"get"},
        "/api/v1/quarantine/{id}/retry": {"post"},
        "/api/v1/quarantine/{id}/drop": {"post"},
        "/api/v1/callbacks": {"get", "post"},
        "/api/v1/callbacks/{id}": {"get"},
        "/api/v1/callbacks/{id}/cancel": {"post"},
        "/api/v1/callbacks/{id}/reschedule": {"post"},
        "/api/v1/journal": {"get"},
    }
    asked = document["paths"]["/api/v1/callbacks"]["post"]
    assert {parameter["name"] for parameter in asked["parameters"]} == {"Idempotency-Key"}
    assert {"200", "201", "400", "401", "403", "404", "409", "422"} <= set(asked["responses"])
    assert list(asked["responses"]["409"]["content"]) == ["application/problem+json"]


def test_it_says_what_the_journal_tells_that_is_of_no_one_queue(web: WebHouse) -> None:
    document = web.app.test_client().get("/api/v1/openapi.json").get_json()
    item = document["components"]["schemas"]["JournalItem"]["properties"]
    (asked,) = [one for one in document["paths"]["/api/v1/journal"]["get"]["parameters"] if one["name"] == "subject"]
    for told in (item["kind"], item["subject"], asked, asked["schema"]):
        said = told.get("description", item["subject"]["description"])
        assert all(f"`{subject}`" in said for subject in ("line", "carrier", "quarantine"))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        yield part["$ref"]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for one in inner:
        yield from references(one)


def test_every_reference_in_the_description_leads_somewhere(web: WebHouse) -> None:
    document = web.app.test_client().get("/api/v1/openapi.json").get_json()
    for reference in set(references(document)):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_a_body_beyond_the_limit_is_refused_unread(web: WebHouse) -> None:
    answer = web.app.test_client().post(
        "/api/v1/callbacks", data=b"x" * 70_000, content_type="application/json", headers=web.token()
    )
    problem(answer, 413)


def test_the_queues_own_number_is_in_the_answer(api: Program) -> None:
    assert api("GET", "/queues/support").get_json()["numbers"] == [OWN]
