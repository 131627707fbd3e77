"""Whatever somebody does in the console or a program does through the API stands in the audit log."""

from typing import Any

from callback.domain.acts import Act
from callback.domain.lifecycle import AgentStatus
from tests.support.web_house import WebHouse, form_token, signed_in


def acts(web: WebHouse) -> list[Act]:
    """Oldest first."""
    with web.store.look() as work:
        return work.acts()[::-1]


def newest(web: WebHouse) -> Act:
    return acts(web)[-1]


def test_every_act_of_the_console_is_recorded_with_who_and_what(web: WebHouse) -> None:
    sue = signed_in(web, "supervisor")

    def send(path: str, **fields: Any) -> Act:
        token = form_token(sue.get("/admin/queues/support"))
        before = len(acts(web))
        assert sue.post(path, data={"csrf_token": token, **fields}).status_code == 303
        assert len(acts(web)) == before + 1
        assert (newest(web).by, newest(web).role) == ("supervisor@example.com", "supervisor")
        return newest(web)

    off = send("/admin/queues/support/switch/accepting", to="off")
    assert (off.what, off.queue, off.after) == ("policy.switch", "support", {"accepting": False, "version": 2})
    back = send("/admin/queues/support/revert/1")
    assert (back.what, back.cause) == ("policy.revert", "back to version 1")
    assert send("/admin/stop").what == "policy.stop"
    assert send("/admin/queues/support/switch/accepting", to="on").before == {"accepting": False, "version": 4}
    send("/admin/queues/support/switch/dialing", to="on")
    away = send("/admin/agents/ann/presence", status="away")
    assert (away.what, away.subject, away.after) == ("agent.presence", "ann", {"status": "away"})
    web.agent(status=AgentStatus.AVAILABLE)
    added = send("/admin/queues/support/callbacks", number="+12015550123", name="Zoë", note="urgent")
    assert (added.what, added.queue) == ("callback.add", "support")
    cancelled = send(f"/admin/callbacks/{added.subject}/cancel")
    assert (cancelled.what, cancelled.subject) == ("callback.cancel", added.subject)
    assert not any(told in repr(acts(web)) for told in ("2015550123", "Zoë", "urgent"))


def test_what_changes_nothing_is_no_act(web: WebHouse) -> None:
    sue = signed_in(web, "supervisor")
    promise = web.promise()
    token = form_token(sue.get("/admin/queues/support"))
    for _ in range(2):
        sue.post(f"/admin/callbacks/{promise.id}/cancel", data={"csrf_token": token})
    assert [one.what for one in acts(web)].count("callback.cancel") == 1


def test_every_change_through_the_api_is_recorded_under_the_tokens_name(web: WebHouse) -> None:
    client, crm = web.app.test_client(), web.token("admin", "crm")
    promise = web.promise()
    before = len(acts(web))
    client.put("/api/v1/queues/sales", json={"name": "Sales", "policy": {"attempts": 2}}, headers=crm)
    client.patch("/api/v1/queues/sales/policy", json={"attempts": 1}, headers=crm)
    bob = {"name": "Bob", "contact": "+12015550188", "queues": ["sales"]}
    client.put("/api/v1/agents/bob", json=bob, headers=crm)
    client.post(f"/api/v1/callbacks/{promise.id}/cancel", headers=crm)
    done = acts(web)[before:]
    assert [one.what for one in done] == [
        "queue.save", "policy.save", "policy.save", "agent.save", "callback.cancel",
    ]  # fmt: skip
    assert {(one.by, one.role) for one in done} == {("token:crm", "admin")}
    assert "2015550188" not in repr(done)
