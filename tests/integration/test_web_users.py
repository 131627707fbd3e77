"""Users in the console: invited by a link that works once, given a role, shut out, and one administrator at least."""

import re
from typing import Any

import pytest

from callback.domain.acts import Act
from callback.ports import User
from tests.support.web_house import PASSWORD, WebHouse, form_token, send, signed_in

SUE = "sue@example.com"
NEW_PASSWORD = "violet kettle 9 moss"


def link_in(answer: Any) -> str:
    """The welcome link that the answer shows, as a path."""
    found = re.search(r'value="http://localhost(/welcome/[^"]+)"', answer.get_data(as_text=True))
    assert found, answer.get_data(as_text=True)
    return found[1]


def invite(web: WebHouse, ada: Any, email: str = SUE, role: str = "supervisor", agent: str = "") -> str:
    answer = send(ada, "/admin/users", email=email, role=role, agent=agent)
    assert answer.status_code == 201
    assert "no-store" in answer.headers["Cache-Control"]
    return link_in(answer)


def set_password(web: WebHouse, link: str, password: str = NEW_PASSWORD, again: str | None = None) -> Any:
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    fields = {"csrf_token": token, "new": password, "again": password if again is None else again}
    return client.post(link, data=fields)


def sign_in(web: WebHouse, email: str = SUE, password: str = NEW_PASSWORD) -> tuple[Any, Any]:
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    return client, client.post("/sign-in", data={"email": email, "password": password, "csrf_token": token})


def known(web: WebHouse, email: str = SUE) -> User:
    with web.store.look() as work:
        found = work.user(email)
    assert found is not None
    return found


def acts(web: WebHouse, subject: str = SUE) -> list[Act]:
    with web.store.look() as work:
        return list(reversed(work.acts(subject=subject)))


# --- invited ----------------------------------------------------------------------------------------------------------


def test_whoever_is_invited_sets_a_password_once_and_signs_in(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    link = invite(web, ada, email=" Sue@Example.com ")
    assert "invited" in ada.get("/admin/users").get_data(as_text=True)
    shown = [web.app.test_client().get(link) for _ in range(3)]  # looking, as previews do, changes nothing
    assert all(SUE in page.get_data(as_text=True) for page in shown)
    assert (shown[0].headers["Referrer-Policy"], shown[0].headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert set_password(web, link).status_code == 303
    for again in (web.app.test_client().get(link), set_password(web, link, "another kettle 9 moss")):
        assert again.status_code == 404
        assert SUE not in again.get_data(as_text=True)
    client, answer = sign_in(web)
    assert (answer.status_code, client.get("/admin").status_code) == (303, 200)
    assert known(web).signed_in_at == web.clock.now()
    assert [(act.what, act.by) for act in acts(web)] == [
        ("user.invite", "admin@example.com"), ("user.password", SUE),
    ]  # fmt: skip
    assert link.rpartition("/")[2] not in repr(acts(web))


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        ("short", None, "at least 12"),
        ("password1234", None, "among the first"),
        (NEW_PASSWORD, "something else 99", "not the same"),
    ],
)
def test_a_weak_password_is_refused_and_the_link_stays_good(
    web: WebHouse, password: str, again: str | None, told: str
) -> None:
    link = invite(web, signed_in(web, "admin"))
    answer = set_password(web, link, password, again)
    assert answer.status_code == 422
    assert told in answer.get_data(as_text=True)
    assert set_password(web, link).status_code == 303


def test_a_link_dies_after_a_day_with_another_link_and_with_the_account(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    first = invite(web, ada)
    second = link_in(send(ada, f"/admin/users/{SUE}/password"))
    assert [web.app.test_client().get(one).status_code for one in (first, second)] == [404, 200]
    send(ada, f"/admin/users/{SUE}/disable")
    assert set_password(web, second).status_code == 404
    send(ada, f"/admin/users/{SUE}/enable")
    third = link_in(send(ada, f"/admin/users/{SUE}/password"))
    web.wait(24 * 3600 - 1)
    assert web.app.test_client().get(third).status_code == 200
    web.wait(1)
    assert set_password(web, third).status_code == 404
    assert known(web).password_hash == ""


def test_the_link_alone_sets_nothing_without_the_forms_token(web: WebHouse) -> None:
    link = invite(web, signed_in(web, "admin"))
    stranger = web.app.test_client()
    assert stranger.post(link, data={"new": NEW_PASSWORD, "again": NEW_PASSWORD}).status_code == 400
    assert known(web).password_hash == ""


def test_what_cannot_be_is_refused_beside_its_field(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    invite(web, ada)
    for fields in (
        {"email": SUE}, {"email": "nobody"}, {"email": ""}, {"email": "bob@example.com", "role": "king"},
        {"email": "bob@example.com", "role": "agent"}, {"email": "bob@example.com", "role": "agent", "agent": "none"},
    ):  # fmt: skip
        answer = send(ada, "/admin/users", **{"role": "viewer", **fields})
        assert answer.status_code == 422
    assert ada.get("/admin/users/nobody@example.com").status_code == 404
    invite(web, ada, "bob@example.com", "agent", "ann")
    assert known(web, "bob@example.com").agent == "ann"


# --- changed and shut out ---------------------------------------------------------------------------------------------


def test_a_changed_role_holds_from_the_next_page_on(web: WebHouse) -> None:
    ada, sue = signed_in(web, "admin"), signed_in(web, "supervisor")
    assert send(ada, "/admin/users/supervisor@example.com").status_code == 303
    with web.store.look() as work:
        assert {user.email: user.role for user in work.users()}["supervisor@example.com"] == "supervisor"
    assert send(ada, "/admin/users/supervisor@example.com", role="viewer").status_code == 303
    assert sue.post("/admin/stop", data={"csrf_token": form_token(sue.get("/admin"))}).status_code == 403
    told = acts(web, "supervisor@example.com")[-1]
    assert (told.what, told.before, told.after) == ("user.save", {"role": "supervisor"}, {"role": "viewer"})


def test_whoever_is_disabled_is_out_at_once_and_in_again_as_before(web: WebHouse) -> None:
    ada, sue = signed_in(web, "admin"), signed_in(web, "supervisor")
    assert send(ada, "/admin/users/supervisor@example.com/disable").status_code == 303
    assert sue.get("/admin").status_code == 303
    assert sign_in(web, "supervisor@example.com", PASSWORD)[1].status_code == 422
    assert send(ada, "/admin/users/supervisor@example.com/enable").status_code == 303
    assert sue.get("/admin").status_code == 303  # what was ended stays ended
    assert sign_in(web, "supervisor@example.com", PASSWORD)[1].status_code == 303


def test_a_reset_password_is_worth_nothing_and_ends_every_session(web: WebHouse) -> None:
    ada, sue = signed_in(web, "admin"), signed_in(web, "supervisor")
    link = link_in(send(ada, "/admin/users/supervisor@example.com/password"))
    assert sue.get("/admin").status_code == 303
    assert sign_in(web, "supervisor@example.com", PASSWORD)[1].status_code == 422
    assert set_password(web, link).status_code == 303
    assert sign_in(web, "supervisor@example.com")[1].status_code == 303


def test_the_last_administrator_stays_one(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    invite(web, ada, "bob@example.com", "admin")  # who cannot sign in yet, and so does not count
    for path, fields in (
        ("/admin/users/admin@example.com", {"role": "viewer"}), ("/admin/users/admin@example.com/disable", {}),
    ):  # fmt: skip
        answer = send(ada, path, **fields)
        assert answer.status_code == 409
        assert "last administrator" in answer.get_data(as_text=True)
    assert (known(web, "admin@example.com").role, known(web, "admin@example.com").disabled) == ("admin", False)
    web.user("carl@example.com", "admin")
    assert send(ada, "/admin/users/admin@example.com", role="viewer").status_code == 303
    assert ada.get("/admin/users").status_code == 403
    assert ada.get("/admin").status_code == 200


def test_nobody_resets_themselves_here(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    for what in ("password", "reset-two-step"):
        assert send(ada, f"/admin/users/admin@example.com/{what}").status_code == 409
    assert ada.get("/admin").status_code == 200


def test_only_administrators_see_and_change_users(web: WebHouse) -> None:
    sue = signed_in(web, "supervisor")
    assert sue.get("/admin/users").status_code == 403
    assert sue.get("/admin/users/supervisor@example.com").status_code == 403
    for path in ("", "/two-step", "/x", "/x/disable", "/x/enable", "/x/password", "/x/reset-two-step"):
        assert send(sue, f"/admin/users{path}", role="admin", email="x@example.com").status_code == 403


def test_tokens_of_somebody_are_named_where_they_are_disabled(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    send(ada, "/admin/tokens", name="crm", role="viewer")
    assert "crm" in ada.get("/admin/users/admin@example.com").get_data(as_text=True)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_a_tokens_last_use_is_shown_and_costs_no_write_within_the_hour(web: WebHouse) -> None:
    ada, asking = signed_in(web, "admin"), web.token("viewer", "crm")

    def used() -> Any:
        web.app.test_client().get("/api/v1/queues", headers=asking).close()
        with web.store.look() as work:
            return next(one.used_at for one in work.tokens() if one.name == "crm")

    assert "never" in ada.get("/admin/tokens").get_data(as_text=True)
    first = used()
    assert first == web.clock.now()
    web.wait(59 * 60)
    assert used() == first
    web.wait(60)
    assert used() == web.clock.now()


def test_a_token_of_one_agent_speaks_for_that_one_alone_and_one_without_for_all(web: WebHouse) -> None:
    web.agent("bob")
    ada = signed_in(web, "admin")
    assert send(ada, "/admin/tokens", name="none", role="viewer", agent="ann").status_code == 422
    page = send(ada, "/admin/tokens", name="desk", role="agent", agent="ann").get_data(as_text=True)
    made = "cbk_" + page.partition('value="cbk_')[2].partition('"')[0]
    for asking, agent, status in (
        ({"Authorization": f"Bearer {made}"}, "ann", 200),
        ({"Authorization": f"Bearer {made}"}, "bob", 403),
        (web.token("agent"), "ann", 200),
        (web.token("supervisor"), "bob", 200),
    ):
        answer = web.app.test_client().post(
            f"/api/v1/agents/{agent}/presence", json={"status": "available"}, headers=asking
        )
        assert answer.status_code == status
