"""What somebody would try who wants in, or wants somebody else out: guesses from many places, a desk left open in the
middle of setting up, an account that nobody can reach."""

import html
import re
from typing import Any

import pytest

from callback.web import sign_in
from tests.integration.test_web_two_step import code, code_step, forgiven, password_step, post, set_up
from tests.support.web_house import PASSWORD, WebHouse, form_token, send, signed_in

ODD = "ann/o'neil+desk@example.com"


def test_somebody_with_an_unusual_address_can_be_changed_and_shut_out(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert send(ada, "/admin/users", email=ODD, role="supervisor").status_code == 201
    listed = html.unescape(ada.get("/admin/users").get_data(as_text=True))
    page = next(one for one in re.findall(r'href="(/admin/users/[^"]+)"', listed) if "neil" in one)
    assert ODD in html.unescape(ada.get(page).get_data(as_text=True))
    assert send(ada, page, role="viewer").status_code == 303
    assert send(ada, f"{page}/password").status_code == 201
    assert send(ada, f"{page}/disable").status_code == 303
    with web.store.look() as work:
        found = work.user(ODD)
    assert found is not None
    assert (found.role, found.disabled) == ("viewer", True)


def test_codes_are_not_guessed_at_from_many_places_by_whoever_knows_the_password(web: WebHouse) -> None:
    secret, _ = set_up(web, signed_in(web, "admin"))
    client = password_step(web)
    for n in range(30):
        assert code_step(client, "000000", f"192.0.2.{n}").status_code == 422
    stopped = code_step(client, code(web, secret), "192.0.2.200")
    assert stopped.status_code == 429
    assert "Too many attempts" in stopped.get_data(as_text=True)


def test_whoever_knows_a_password_does_not_use_up_the_codes_of_its_owner(web: WebHouse) -> None:
    owner = signed_in(web, "admin")
    secret, _ = set_up(web, owner)
    thief = password_step(web)
    for n in range(6):
        guesses = [code_step(thief, "000000", f"192.0.2.{n}").status_code for _ in range(6)]
        assert guesses == [422] * 5 + [429]
    assert code_step(thief, code(web, secret), "192.0.2.200").status_code == 429
    at_the_code(owner)
    assert code_step(owner, "000000").status_code == 422
    assert code_step(owner, code(web, secret)).status_code == 303, "a browser that they have signed in with"


def test_codes_tried_at_one_place_leave_some_for_another(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "CODES_BY_ONE_PLACE", "3 per day")
    secret, _ = set_up(web, signed_in(web, "admin"))
    thief, owner = password_step(web), password_step(web)
    assert [code_step(thief, "000000", "192.0.2.1").status_code for _ in range(4)] == [422] * 3 + [429]
    assert code_step(owner, code(web, secret), "192.0.2.2").status_code == 303


def test_codes_at_known_browsers_are_bounded_for_each_and_for_all(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, rule in (("CODES_BY_KNOWN", "5"), ("CODES_BY_ONE_KNOWN", "3"), ("CODES_BY_STRANGERS", "1")):
        monkeypatch.setattr(sign_in, name, f"{rule} per day")
    first, second, third = (signed_in(web, "admin") for _ in range(3))
    set_up(web, third)
    tries = []
    for browser in (first, second, third):
        at_the_code(browser)
        tries.append([code_step(browser, "000000").status_code for _ in range(5)].count(422))
    assert tries == [4, 2, 0]  # the first of them takes what anybody has as well


def at_the_code(client: Any) -> None:
    """Signed out, and past the password again."""
    inside = client.get("/account")
    if inside.status_code == 200:
        client.post("/sign-out", data={"csrf_token": form_token(inside)})
    token = form_token(client.get("/sign-in"))
    done = client.post("/sign-in", data={"email": "admin@example.com", "password": PASSWORD, "csrf_token": token})
    assert done.location == "/sign-in/code"


def test_what_was_begun_in_one_browser_is_neither_seen_nor_confirmed_in_another(web: WebHouse) -> None:
    ada, other = signed_in(web, "admin"), signed_in(web, "admin")
    assert post(ada, "/account/two-step/begin", password=PASSWORD).status_code == 303
    secret = shown(ada)
    assert secret
    assert not shown(other)
    assert post(other, "/account/two-step/confirm", code=code(web, secret)).status_code == 303
    assert password_opens(web)
    assert post(ada, "/account/two-step/confirm", code=code(web, secret)).status_code == 200


def test_what_was_begun_and_left_lying_is_over_after_a_while(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert post(ada, "/account/two-step/begin", password=PASSWORD).status_code == 303
    secret = shown(ada)
    web.wait(601)
    assert not shown(ada)
    assert post(ada, "/account/two-step/confirm", code=code(web, secret)).status_code == 303
    assert password_opens(web)
    forgiven(web)
    set_up(web, ada)


def test_a_viewer_is_told_nobodys_day(web: WebHouse) -> None:
    for role, told in (("viewer", False), ("supervisor", True)):
        for path in ("/admin/agents", "/admin/agents/now"):
            page = signed_in(web, role).get(path, headers={"HX-Request": "true"} if "now" in path else {})
            text = page.get_data(as_text=True)
            assert 'id="agent-ann"' in text
            assert ('data-label="Talk"' in text, 'data-label="Missed"' in text) == (told, told), (role, path)


def shown(client: Any) -> str:
    """The secret that waits, as the page has it."""
    found = re.search(r'id="secret"[^>]*value="([A-Z2-7 ]+)"', client.get("/account/two-step").get_data(as_text=True))
    return found[1].replace(" ", "") if found else ""


def password_opens(web: WebHouse) -> bool:
    return bool(signed_in(web, "admin").get("/admin").status_code == 200)


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in_who_is_not_there(web: WebHouse) -> None:
    ada, ann = signed_in(web, "admin"), signed_in(web, "agent", "ann")
    for _ in range(4):
        web.wait(600)
        for client in (ada, ann):
            client.get("/condition", headers={"HX-Request": "true"})
        ann.get("/agent/now", headers={"HX-Request": "true"})
    assert (ada.get("/admin").status_code, ann.get("/agent").status_code) == (303, 200)
