"""Two-step sign-in and one's own account: set up, asked for, guessed at, replayed, taken away, and required."""

import re
from dataclasses import replace
from typing import Any

import pyotp
from flask import session

from callback.web import limits
from callback.web.sessions import HALF_S, StillIn
from tests.support.web_house import PASSWORD, WebHouse, form_token, send, signed_in

ADA = "admin@example.com"


def post(client: Any, path: str, **fields: Any) -> Any:
    """A form of one's account."""
    return client.post(path, data={"csrf_token": form_token(client.get("/account")), **fields})


def set_up(web: WebHouse, client: Any) -> tuple[str, list[str]]:
    """Two-step sign-in on: the secret and the recovery codes."""
    assert post(client, "/account/two-step/begin", password=PASSWORD).status_code == 303
    page = client.get("/account/two-step").get_data(as_text=True)
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7 ]+)"', page)
    assert secret, page
    plain = secret[1].replace(" ", "")
    answer = post(client, "/account/two-step/confirm", code=code(web, plain))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert "Your password alone" not in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    web.wait(30)  # that code is used up
    return plain, re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", answer.get_data(as_text=True))


def code(web: WebHouse, secret: str, away: int = 0) -> str:
    return pyotp.TOTP(secret).at(web.clock.now(), counter_offset=away)


def password_step(web: WebHouse, email: str = ADA) -> Any:
    """A browser that has passed the first step."""
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    answer = client.post("/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": token})
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    return client


def code_step(client: Any, said: str, address: str = "127.0.0.1") -> Any:
    token = form_token(client.get("/sign-in/code"))
    return client.post(
        "/sign-in/code", data={"code": said, "csrf_token": token}, environ_overrides={"REMOTE_ADDR": address}
    )


def recorded(web: WebHouse, subject: str = ADA) -> list[str]:
    with web.store.look() as work:
        return [act.what for act in reversed(work.acts(subject=subject))]


def forgiven(web: WebHouse) -> None:
    """A minute later, as far as tries are counted."""
    limits.install(web.app.extensions, web.options)


# --- the second step --------------------------------------------------------------------------------------------------


def test_after_the_password_a_code_is_asked_for_and_the_session_is_a_new_one(web: WebHouse) -> None:
    secret, _ = set_up(web, signed_in(web, "admin"))
    client = password_step(web)
    assert client.get("/admin").status_code == 303
    assert client.get("/account").status_code == 303
    before = form_token(client.get("/sign-in/code"))
    with client.session_transaction() as kept:
        kept["planted"] = "yes"
    assert code_step(client, code(web, secret)).status_code == 303
    assert client.get("/admin").status_code == 200
    with client.session_transaction() as kept:
        assert not {"planted", "half"} & set(kept)
    assert client.post("/account/sign-out-everywhere", data={"csrf_token": before}).status_code == 400


def test_a_code_is_good_half_a_minute_early_and_late_and_once(web: WebHouse) -> None:
    secret, _ = set_up(web, signed_in(web, "admin"))
    web.wait(300)
    for away, status in ((-2, 422), (2, 422), (-1, 303), (-1, 422), (1, 303), (0, 422)):
        assert code_step(password_step(web), code(web, secret, away)).status_code == status, away


def test_wrong_codes_are_counted_with_wrong_passwords_and_only_against_who_sends_them(web: WebHouse) -> None:
    secret, _ = set_up(web, signed_in(web, "admin"))
    client = password_step(web)
    guesses = [code_step(client, "000000" if n % 2 else "nonsense", "192.0.2.9").status_code for n in range(6)]
    assert guesses == [422] * 5 + [429]
    page = code_step(client, code(web, secret), "192.0.2.9")
    assert page.status_code == 429
    assert "Too many attempts" in page.get_data(as_text=True)
    assert code_step(password_step(web), code(web, secret)).status_code == 303


def test_a_recovery_code_lets_in_once_as_it_is_typed(web: WebHouse) -> None:
    _, codes = set_up(web, signed_in(web, "admin"))
    assert len(codes) == len(set(codes)) == 10
    assert code_step(password_step(web), f" {codes[0].upper().replace('-', ' ')} ").status_code == 303
    client = password_step(web)
    assert code_step(client, codes[0]).status_code == 422
    assert code_step(client, codes[1]).status_code == 303
    assert "8 recovery codes are left" in client.get("/account").get_data(as_text=True)
    assert recorded(web) == ["user.two_step_on", "user.recovery_code_used", "user.recovery_code_used"]


def test_the_first_step_is_over_after_a_while_with_the_password_and_with_the_account(web: WebHouse) -> None:
    secret, _ = set_up(web, signed_in(web, "admin"))
    late, changed, shut_out = (password_step(web) for _ in range(3))
    token = form_token(late.get("/sign-in/code"))
    other = web.user("carl@example.com", "admin")
    web.wait(HALF_S + 1)
    assert late.post("/sign-in/code", data={"code": code(web, secret), "csrf_token": token}).location == "/sign-in"
    changed, shut_out = password_step(web), password_step(web)
    tokens = [form_token(one.get("/sign-in/code")) for one in (changed, shut_out)]
    carl = signed_in(web, "admin")  # a session of Ada's needs her code
    assert carl.get("/admin").status_code == 303
    client = web.app.test_client()
    first = form_token(client.get("/sign-in"))
    client.post("/sign-in", data={"email": other, "password": PASSWORD, "csrf_token": first})
    assert send(client, f"/admin/users/{ADA}/disable").status_code == 303
    for half, csrf in zip((changed, shut_out), tokens, strict=True):
        answer = half.post("/sign-in/code", data={"code": code(web, secret), "csrf_token": csrf})
        assert answer.location == "/sign-in"


def test_without_the_first_step_there_is_no_second(web: WebHouse) -> None:
    stranger = web.app.test_client()
    assert stranger.get("/sign-in/code").location == "/sign-in"
    token = form_token(stranger.get("/sign-in"))
    assert stranger.post("/sign-in/code", data={"code": "000000", "csrf_token": token}).location == "/sign-in"
    assert stranger.post("/sign-in/code", data={"code": "000000"}).status_code == 400


def test_an_unknown_an_invited_and_a_disabled_user_are_answered_alike(web: WebHouse) -> None:
    set_up(web, signed_in(web, "admin"))
    web.user("carl@example.com", "viewer")
    with web.store.begin() as work:
        carl = work.user("carl@example.com")
        assert carl is not None
        work.put_user(replace(carl, disabled=True))
        work.put_user(replace(carl, email="dan@example.com", password_hash=""))
    answers = set()
    for email, password in (
        ("nobody@example.com", PASSWORD), ("carl@example.com", PASSWORD), ("dan@example.com", ""), (ADA, "wrong"),
        ("dan@example.com", PASSWORD),
    ):  # fmt: skip
        client = web.app.test_client()
        token = form_token(client.get("/sign-in"))
        said = client.post("/sign-in", data={"email": email, "password": password or " ", "csrf_token": token})
        found = re.search(r'role="alert"><p>([^<]+)', said.get_data(as_text=True))
        answers.add((said.status_code, found and found[1]))
    assert answers == {(422, "This email and password do not match an account.")}


# --- one's own account ------------------------------------------------------------------------------------------------


def test_it_is_off_until_a_code_was_shown_and_needs_the_password_each_time(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    assert post(ada, "/account/two-step/begin", password="guess").status_code == 422
    assert post(ada, "/account/two-step/begin", password=PASSWORD).status_code == 303
    assert post(ada, "/account/two-step/confirm", code="000000").status_code == 422
    assert signed_in(web, "admin").get("/admin").status_code == 200
    forgiven(web)
    secret, codes = set_up(web, ada)
    for path in ("/account/two-step/off", "/account/two-step/codes"):
        assert post(ada, path, password="guess").status_code == 422
    forgiven(web)
    again = post(ada, "/account/two-step/codes", password=PASSWORD).get_data(as_text=True)
    assert not any(one in again for one in codes)
    assert code_step(password_step(web), codes[0]).status_code == 422
    assert post(ada, "/account/two-step/off", password=PASSWORD).status_code == 303
    assert signed_in(web, "admin").get("/admin").status_code == 200
    assert secret not in repr(recorded(web))
    assert recorded(web) == ["user.two_step_on", "user.recovery_codes", "user.two_step_off"]


def test_another_phone_takes_over_only_once_it_has_shown_a_code(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    old, _ = set_up(web, ada)
    assert post(ada, "/account/two-step/begin", password=PASSWORD).status_code == 303
    assert code_step(password_step(web), code(web, old)).status_code == 303
    new, _ = set_up(web, ada)
    assert new != old
    assert code_step(password_step(web), code(web, old)).status_code == 422
    assert code_step(password_step(web), code(web, new)).status_code == 303


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(web: WebHouse) -> None:
    ada, other = signed_in(web, "admin"), signed_in(web, "admin")
    new = {"new": "violet kettle 9 moss", "again": "violet kettle 9 moss"}
    assert post(ada, "/account/password", password="guess", **new).status_code == 422
    assert post(ada, "/account/password", password=PASSWORD, new="short", again="short").status_code == 422
    assert other.get("/admin").status_code == 200
    assert post(ada, "/account/password", password=PASSWORD, **new).status_code == 303
    assert (ada.get("/admin").status_code, other.get("/admin").status_code) == (200, 303)


def test_a_password_is_not_guessed_at_from_a_desk_left_open(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    for _ in range(5):
        post(ada, "/account/two-step/begin", password="guess")
    answer = post(ada, "/account/two-step/begin", password=PASSWORD)
    assert answer.status_code == 422
    assert "Too many attempts" in answer.get_data(as_text=True)


def test_signing_out_is_for_good_here_and_everywhere(web: WebHouse) -> None:
    ada, other = signed_in(web, "admin"), signed_in(web, "admin")
    kept = other.get_cookie("callback")
    assert kept is not None
    other.post("/sign-out", data={"csrf_token": form_token(other.get("/account"))})
    thief = web.app.test_client()
    thief.set_cookie("callback", kept.value)
    assert thief.get("/admin").status_code == 303
    third = signed_in(web, "admin")
    assert "In 2 browsers" in ada.get("/account").get_data(as_text=True)
    assert post(ada, "/account/sign-out-everywhere").status_code == 303
    assert {one.get("/admin").status_code for one in (ada, third)} == {303}


def test_pages_that_are_open_learn_of_a_sign_out_elsewhere(web: WebHouse) -> None:
    ada, other = signed_in(web, "admin"), signed_in(web, "admin")
    known: list[Any] = []
    for client in (ada, other):
        with client.session_transaction() as kept:
            known.append(kept["_user_id"])
    still = StillIn(every_s=0)

    def stand() -> list[bool]:
        found = []
        for who in known:
            with web.app.test_request_context("/"):
                session["_user_id"] = who
                found.append(still("admin"))
        return found

    assert stand() == [True, True]
    other.post("/sign-out", data={"csrf_token": form_token(other.get("/account"))})
    assert stand() == [True, False]
    post(ada, "/account/sign-out-everywhere")
    assert stand() == [False, False]


def test_no_other_site_changes_an_account(web: WebHouse) -> None:
    ada = signed_in(web, "admin")
    for path in ("password", "sign-out-everywhere", "two-step/begin", "two-step/confirm", "two-step/off"):
        assert ada.post(f"/account/{path}", data={"password": PASSWORD}).status_code == 400


def test_an_agent_has_an_account_too(web: WebHouse) -> None:
    ann = signed_in(web, "agent", "ann")
    assert "Two-step sign-in" in ann.get("/account").get_data(as_text=True)


# --- required ---------------------------------------------------------------------------------------------------------


def test_whoever_must_and_has_not_is_led_to_set_it_up_before_anything_else(web: WebHouse) -> None:
    ada, sue = signed_in(web, "admin"), signed_in(web, "supervisor")
    assert "Set up two-step sign-in" in ada.get("/admin").get_data(as_text=True)
    assert send(ada, "/admin/users/two-step", must="king").status_code == 422
    assert send(ada, "/admin/users/two-step", must="admins").status_code == 303
    assert (ada.get("/admin").location, sue.get("/admin").status_code) == ("/account/two-step", 200)
    part = ada.get("/admin/now", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/account/two-step")
    secret, _ = set_up(web, ada)
    assert ada.get("/admin").status_code == 200
    assert post(ada, "/account/two-step/off", password=PASSWORD).status_code == 422
    client = password_step(web)
    assert code_step(client, code(web, secret)).status_code == 303
    assert send(ada, "/admin/users/two-step", must="everyone").status_code == 303
    assert sue.get("/wall").location == "/account/two-step"
    assert recorded(web, "") == ["house.two_step", "house.two_step"]


def test_an_administrator_resets_it_for_whoever_lost_their_phone(web: WebHouse) -> None:
    web.user("carl@example.com", "admin")
    set_up(web, sue := signed_in(web, "supervisor"))
    ada = signed_in(web, "admin")
    assert send(ada, "/admin/users/supervisor@example.com/reset-two-step").status_code == 303
    assert sue.get("/admin").status_code == 303
    assert signed_in(web, "supervisor").get("/admin").status_code == 200
