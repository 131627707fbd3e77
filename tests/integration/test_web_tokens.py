"""Tokens in the console: shown once, listed without themselves, and worth nothing once revoked."""

import pytest

from tests.support.web_house import WebHouse, send, signed_in


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """A house with a queue."""
    bare_web.queue()
    return bare_web


def test_a_token_works_from_when_it_is_shown_until_it_is_revoked(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    answer = send(ada, "/admin/tokens", name="crm", role="viewer")
    page = answer.get_data(as_text=True)
    made = "cbk_" + page.partition('value="cbk_')[2].partition('"')[0]
    assert answer.status_code == 201
    assert "no-store" in answer.headers["Cache-Control"]
    asking = {"headers": {"Authorization": f"Bearer {made}"}}
    assert web.app.test_client().get("/api/v1/queues", **asking).status_code == 200
    later = ada.get("/admin/tokens").get_data(as_text=True)
    assert "crm" in later
    assert "cbk_" not in later
    assert send(ada, "/admin/tokens/revoke", name="crm").status_code == 303
    assert web.app.test_client().get("/api/v1/queues", **asking).status_code == 401
    assert send(ada, "/admin/tokens/revoke", name="crm").status_code == 404
    with web.store.look() as work:
        told = work.acts(subject="crm")
    assert [(act.what, act.by) for act in told] == [
        ("token.revoke", "admin@example.com"),
        ("token.save", "admin@example.com"),
    ]
    assert made not in repr(told)


def test_a_name_is_needed_and_taken_once(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert send(ada, "/admin/tokens", name="crm", role="viewer").status_code == 201
    for wrong in ({"name": "crm", "role": "admin"}, {"name": " ", "role": "viewer"}, {"name": "x", "role": "king"}):
        assert send(ada, "/admin/tokens", **wrong).status_code == 422
    with web.store.look() as work:
        assert [(one.name, one.role) for one in work.tokens()] == [("crm", "viewer")]


def test_only_an_administrator_makes_tokens(web: WebHouse) -> None:
    sue = signed_in(web, "supervisor")
    assert sue.get("/admin/tokens").status_code == 403
    assert send(sue, "/admin/tokens", name="crm", role="viewer").status_code == 403
    assert send(sue, "/admin/tokens/revoke", name="crm").status_code == 403
