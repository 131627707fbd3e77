"""What was set aside, in the console and over the API: who may look, who decides, and what is said."""

from typing import Any

import pytest

from callback.domain.callback import Callback
from callback.domain.ids import EntryId, QueueKey
from callback.domain.lifecycle import State
from callback.ports import Failure
from tests.support.web_house import WebHouse, form_token, signed_in

ADA, BOB = "+12015550123", "+12015550124"


def two(web: WebHouse) -> tuple[Callback, Callback]:
    """Ada before Bob."""
    ada = web.promise(ADA)
    web.wait(1)
    return ada, web.promise(BOB)


def hold(web: WebHouse, subject: str, kind: str = "callback", step: str = "dialling") -> Failure:
    """It failed once too often, and stands in no line."""
    with web.store.begin() as work:
        failure = work.note_failure(
            kind, subject, queue="support", step=step, reason="KeyError: …", at=web.clock.now(), hold_at=1
        )
    web.line.leave(EntryId(subject), reason="held", now=web.clock.now())
    return failure


def tear(web: WebHouse, made: Callback) -> None:
    """Nobody can read this row."""
    with web.store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE callbacks SET number = CAST('torn' AS BLOB) WHERE id = '{made.id}'")


def order(web: WebHouse) -> list[str]:
    return [one.entry for one in web.line.listing(QueueKey("support"))]


def state(web: WebHouse, made: Callback) -> State:
    with web.store.begin() as work:
        return work.callback(made.id).state


# --- the console --------------------------------------------------------------------------------------------------


def test_the_link_is_there_only_when_there_is_something(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    assert "/admin/trouble" not in client.get("/admin").get_data(as_text=True)
    assert "Nothing is set aside." in client.get("/admin/trouble").get_data(as_text=True)
    hold(web, web.promise(ADA).id)
    assert "/admin/trouble" in client.get("/admin").get_data(as_text=True)


def test_who_is_held_is_masked_and_the_reason_is_in_plain_words(web: WebHouse) -> None:
    ada, bob = two(web)
    hold(web, ada.id)
    hold(web, bob.id)
    hold(web, "1-1", "event", "recording")
    hold(web, "matching support", "step", "matching support")
    tear(web, bob)
    page = signed_in(web, "viewer").get("/admin/trouble").get_data(as_text=True)
    assert ADA not in page
    assert "0123</span>" in page
    assert "Ringing them, or fetching them from hold" in page
    assert "KeyError: …" in page
    assert "was sealed with a key that is not at hand" in page
    assert bob.id in page
    assert "Nobody waits for it." in page
    assert "Bringing callers and agents together" in page
    assert "Try again" not in page, "a viewer decides nothing"
    chinese = signed_in(web, "supervisor").get("/admin/trouble?lang=zh").get_data(as_text=True)
    assert "重试" in chinese
    assert "Try again" not in chinese


def test_a_supervisor_tries_again_and_the_old_place_is_there(web: WebHouse) -> None:
    ada, bob = two(web)
    failure = hold(web, ada.id)
    client = signed_in(web)
    token = form_token(client.get("/admin/trouble"))
    answer = client.post(f"/admin/trouble/{failure.id}/retry", data={"csrf_token": token}, follow_redirects=True)
    assert "It is tried again." in answer.get_data(as_text=True)
    assert order(web) == [ada.id, bob.id]
    with web.store.begin() as work:
        assert work.failure(failure.id).by == "console:supervisor@example.com"


def test_what_is_still_broken_is_not_tried_again(web: WebHouse) -> None:
    ada = web.promise(ADA)
    failure = hold(web, ada.id)
    tear(web, ada)
    client = signed_in(web)
    token = form_token(client.get("/admin/trouble"))
    answer = client.post(f"/admin/trouble/{failure.id}/retry", data={"csrf_token": token}, follow_redirects=True)
    assert "It still cannot be read" in answer.get_data(as_text=True)
    assert order(web) == []


def test_a_supervisor_gives_up_and_the_caller_is_told(web: WebHouse) -> None:
    ada = web.promise(ADA)
    failure = hold(web, ada.id)
    client = signed_in(web)
    token = form_token(client.get("/admin/trouble"))
    sent = len(web.dispatch.asked)
    client.post(f"/admin/trouble/{failure.id}/drop", data={"csrf_token": token})
    assert state(web, ada) is State.CANCELLED
    ((task, text),) = web.dispatch.asked[sent:]
    with web.store.begin() as work:
        assert (task, "a fault on our side" in work.text(text).body) == ("text", True)
    assert "Nothing is set aside." in client.get("/admin/trouble").get_data(as_text=True)


@pytest.mark.parametrize("what", ["retry", "drop"])
def test_a_viewer_decides_nothing(web: WebHouse, what: str) -> None:
    failure = hold(web, web.promise(ADA).id)
    client = signed_in(web, "viewer")
    token = form_token(client.get("/admin/trouble"))
    answer = client.post(f"/admin/trouble/{failure.id}/{what}", data={"csrf_token": token})
    assert answer.status_code == 403


def test_a_torn_row_that_stands_in_line_hides_nobody_else(web: WebHouse) -> None:
    ada, _ = two(web)
    tear(web, ada)
    page = signed_in(web).get("/admin/queues/support/line")
    assert page.status_code == 200
    assert ada.id in page.get_data(as_text=True)
    assert "0124</a>" in page.get_data(as_text=True)


# --- the API ------------------------------------------------------------------------------------------------------


def test_programs_look_try_again_and_give_up(web: WebHouse) -> None:
    ada, bob = two(web)
    first = hold(web, ada.id)
    web.wait(1)
    second = hold(web, bob.id)
    client, head = web.app.test_client(), web.token("supervisor", "robot")
    page: dict[str, Any] = client.get("/api/v1/quarantine?limit=1", headers=head).get_json()
    assert [item["id"] for item in page["items"]] == [second.id]
    rest = client.get(f"/api/v1/quarantine?cursor={page['next']}", headers=head).get_json()
    assert [(item["id"], item["kind"], item["subject"], item["times"]) for item in rest["items"]] == [
        (first.id, "callback", ada.id, 1)
    ]
    assert rest["next"] is None
    for _ in range(2):
        done = client.post(f"/api/v1/quarantine/{first.id}/retry", headers=head).get_json()
        assert (done["resolution"], done["by"]) == ("retried", "api:robot")
    assert order(web) == [ada.id]
    for _ in range(2):
        assert client.post(f"/api/v1/quarantine/{second.id}/drop", headers=head).get_json()["resolution"] == "dropped"
    assert state(web, bob) is State.CANCELLED
    assert client.post("/api/v1/quarantine/qu0/retry", headers=head).status_code == 404
    assert client.get("/api/v1/quarantine?cursor=x", headers=head).status_code == 422
    viewer = web.token("viewer")
    assert client.post(f"/api/v1/quarantine/{first.id}/drop", headers=viewer).status_code == 403


def test_programs_are_told_that_it_is_still_broken_and_a_torn_callback_is_no_stack_trace(web: WebHouse) -> None:
    ada = web.promise(ADA)
    failure = hold(web, ada.id)
    tear(web, ada)
    client, head = web.app.test_client(), web.token("supervisor")
    refused = client.post(f"/api/v1/quarantine/{failure.id}/retry", headers=head)
    assert (refused.status_code, refused.get_json()["type"]) == (409, "urn:callback:problem:still_damaged")
    torn = client.get(f"/api/v1/callbacks/{ada.id}", headers=head)
    assert (torn.status_code, torn.get_json()["type"]) == (500, "urn:callback:problem:unsealable")
    assert client.get("/api/v1/callbacks", headers=head).get_json()["items"] == []


def test_who_is_held_has_no_position(web: WebHouse) -> None:
    ada = web.promise(ADA)
    hold(web, ada.id)
    client, head = web.app.test_client(), web.token("viewer")
    shown = client.get(f"/api/v1/callbacks/{ada.id}", headers=head).get_json()
    assert (shown["state"], shown["position"], shown["wait"]["basis"]) == ("waiting", None, "unknown")
