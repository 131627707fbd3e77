"""Agents and their skills in the console: added, changed, taken out of service, each time told in the audit log."""

import pytest

from callback.domain.callback import Agent
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from tests.support.web_house import WebHouse, send, signed_in


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """Two queues, and Ann who serves one of them."""
    bare_web.queue()
    bare_web.queue("billing", "Billing", ("+12015550101",))
    bare_web.agent(status=AgentStatus.AVAILABLE)
    return bare_web


def known(web: WebHouse, key: str = "ann") -> Agent:
    with web.store.look() as work:
        return work.agent(AgentKey(key))


def levels(web: WebHouse, key: str = "ann") -> dict[str, int]:
    return {one.queue: one.level for one in known(web, key).queues}


def test_an_agent_is_added_and_changed(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    new = {"key": "bob", "name": "Bob", "contact": "sip:bob@example.com", "level:support": "2"}
    assert send(ada, "/admin/agents/add", **new).status_code == 303
    assert (known(web, "bob").name, levels(web, "bob")) == ("Bob", {"support": 2})
    assert web.house.book.agent(AgentKey("bob")).contact == "sip:bob@example.com"
    page = ada.get("/admin/agents/bob/edit").get_data(as_text=True)
    assert 'value="sip:bob@example.com"' in page
    assert send(ada, "/admin/agents/bob/edit", contact="client:bob").status_code == 303
    assert (known(web, "bob").name, levels(web, "bob")) == ("Bob", {"support": 2}), "what the page lacks stays"
    changed = {"name": "Bo", "contact": "client:bob", "level:support": ""}
    assert send(ada, "/admin/agents/bob/edit", **changed).status_code == 303
    assert (known(web, "bob").name, known(web, "bob").contact, levels(web, "bob")) == ("Bo", "client:bob", {})
    with web.store.look() as work:
        acts = work.acts(subject="bob", what="agent.save")
    assert [act.by for act in acts] == ["admin@example.com"] * 3


def test_what_cannot_be_is_refused_beside_its_field(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    for fields in ({"key": "ann"}, {"key": "a b"}, {"key": ""}, {"key": "cem", "contact": "nowhere"}):
        answer = send(ada, "/admin/agents/add", **{"contact": "+12015550112", **fields})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    assert [agent.key for agent in web.line.configuration()[2]] == ["ann"]
    assert ada.get("/admin/agents/none/edit").status_code == 404


def test_the_matrix_saves_only_what_was_chosen_otherwise(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert "Ann, Billing" in ada.get("/admin/skills").get_data(as_text=True)
    web.agent("bob")
    cells = {
        "was:ann:support": "1", "level:ann:support": "",
        "was:ann:billing": "", "level:ann:billing": "3",
        "was:bob:support": "2", "level:bob:support": "2",
    }  # fmt: skip
    assert send(ada, "/admin/skills", **cells).status_code == 303
    assert (levels(web), levels(web, "bob")) == ({"billing": 3}, {"support": 1})


def test_whoever_is_taken_out_of_service_serves_nobody(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert send(ada, "/admin/agents/ann/retire").status_code == 303
    assert levels(web) == {}
    assert web.line.agent(AgentKey("ann")).status is AgentStatus.OFFLINE
    assert "takes no calls any more" in ada.get("/admin/agents").get_data(as_text=True)


def test_a_supervisor_sees_skills_and_changes_none(web: WebHouse) -> None:
    sue = signed_in(web, "supervisor")
    page = sue.get("/admin/skills").get_data(as_text=True)
    assert "<select" not in page
    assert "Add an agent" not in sue.get("/admin/agents").get_data(as_text=True)
    assert sue.get("/admin/agents/ann/edit").status_code == 403
    for path in ("/admin/skills", "/admin/agents/add", "/admin/agents/ann/edit", "/admin/agents/ann/retire"):
        assert send(sue, path).status_code == 403
