"""The audit log as a page and a file, for administrators: found by who, what, to what and when, with what differs."""

from typing import Any

import pytest

from callback.domain.acts import Doer, What, act
from callback.web.admin import acts as log
from tests.support.web_house import WebHouse, signed_in

SUE, TIM = Doer("sue@example.com", "supervisor"), Doer("token:crm", "admin")


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """Sue changes thresholds on one day; on the next a program saves an agent."""
    bare_web.queue()
    with bare_web.store.begin() as work:
        before, after = {"attempts": 3, "accepting": True}, {"attempts": 2, "accepting": False}
        saved = act(
            SUE,
            What.POLICY_SAVE,
            "support",
            bare_web.clock.now(),
            queue="support",
            before=before,
            after=after,
            cause="<quiet>",
        )
        work.act(saved)
    bare_web.wait(86_400)
    with bare_web.store.begin() as work:
        work.act(act(TIM, What.AGENT_SAVE, "ann", bare_web.clock.now(), after={"contact": "=1+1"}))
    return bare_web


def rows(client: Any, **asked: str) -> str:
    page = str(client.get("/admin/acts", query_string=asked).get_data(as_text=True))
    return page.partition("<tbody>")[2].partition("</tbody>")[0]


def test_each_act_is_told_with_what_differs(web: WebHouse) -> None:
    found = rows(signed_in(web, "admin"))
    assert found.index("Agent saved") < found.index("Thresholds changed")
    for told in (
        "sue@example.com",
        "Attempts</span> <del>3</del> → 2",
        "Accepting</span> <del>on</del> → off",
        "&lt;quiet&gt;",
        "token:crm",
    ):
        assert told in found
    assert "<quiet>" not in found


def test_it_is_found_by_who_what_where_and_when(web: WebHouse) -> None:
    ada, day = signed_in(web, "admin"), web.clock.now().date().isoformat()
    for asked in (
        {"by": "sue@example.com"},
        {"what": "policy.save"},
        {"queue": "support", "by": "sue@example.com"},
        {"subject": "support", "what": "policy.save"},
    ):
        found = rows(ada, **asked)
        assert "Thresholds changed" in found, asked
        assert "Agent saved" not in found, asked
    assert "Thresholds changed" not in rows(ada, since=day)
    assert "Agent saved" in rows(ada, since=day, until=day)
    assert rows(ada, until="2001-01-01") == ""
    assert "Agent saved" in rows(ada, since="whenever")


def test_it_is_read_in_pages_and_saved_as_a_file(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = signed_in(web, "admin")
    monkeypatch.setattr(log, "PAGE", 1)
    monkeypatch.setattr(log, "CSV_PAGE", 1)
    newest = ada.get("/admin/acts").get_data(as_text=True)
    assert "before=" in newest
    assert "Thresholds changed" not in newest.partition("<tbody>")[2]
    seq = int(newest.partition("before=")[2].partition('"')[0])
    assert "Thresholds changed" in rows(ada, before=str(seq))
    file = ada.get("/admin/acts.csv?what=agent.save")
    assert file.headers["Content-Disposition"] == 'attachment; filename="acts.csv"'
    head, row = file.get_data(as_text=True).splitlines()
    assert head == ",".join(log.HEAD)
    assert "token:crm,admin,agent.save,,ann," in row


def test_only_an_administrator_reads_it(web: WebHouse) -> None:
    for role in ("viewer", "supervisor"):
        assert signed_in(web, role).get("/admin/acts").status_code == 403
    assert "Audit log" not in signed_in(web, "supervisor").get("/admin").get_data(as_text=True)
    assert 'href="/admin/acts"' in signed_in(web, "admin").get("/admin/tokens").get_data(as_text=True)
