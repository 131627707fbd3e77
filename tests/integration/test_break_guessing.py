"""Guesses at an account, from beside its owner and from everywhere: bounded, and its owner still gets in."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from callback.domain.acts import Doer
from callback.flows import users
from callback.web import sign_in
from tests.integration.test_web_two_step import forgiven
from tests.support.clock import ManualClock
from tests.support.web_house import PASSWORD, WebHouse, form_token, send, signed_in

EMAIL = "supervisor@example.com"
HERE = "127.0.0.1"
NEW = "a longer horse and a newer battery"


def try_it(client: Any, password: str = "guess", address: str = HERE, email: str = EMAIL) -> Any:
    at = {"REMOTE_ADDR": address}
    token = form_token(client.get("/sign-in", environ_base=at))
    return client.post("/sign-in", data={"email": email, "password": password, "csrf_token": token}, environ_base=at)


def test_who_guesses_at_the_same_address_cannot_shut_the_owner_out_of_their_own_browser(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "PER_ADDRESS", "8 per minute")
    owner, stranger = signed_in(web), web.app.test_client()
    send(owner, "/sign-out")
    assert [try_it(stranger).status_code for _ in range(6)] == [422] * 5 + [429]
    for number in range(3):
        try_it(stranger, email=f"{number}@example.com")
    assert try_it(stranger, PASSWORD, email="another@example.com").status_code == 429
    assert try_it(stranger, PASSWORD).status_code == 429
    assert try_it(owner, "mistyped").status_code == 422
    assert try_it(owner, PASSWORD).status_code == 303


def test_from_many_addresses_an_account_is_guessed_at_so_often_a_day_and_no_more(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "PER_ACCOUNT", "8 per day")
    owner, stranger = signed_in(web), web.app.test_client()
    send(owner, "/sign-out")
    guesses = [try_it(stranger, address=f"192.0.2.{number}") for number in range(10)]
    assert [answer.status_code for answer in guesses] == [422] * 8 + [429] * 2
    assert "Please try again in 24 hours." in guesses[-1].get_data(as_text=True)
    assert int(guesses[-1].headers["Retry-After"]) == 24 * 3600
    assert try_it(stranger, PASSWORD, address="192.0.2.200").status_code == 429
    assert try_it(owner, PASSWORD).status_code == 303


def test_who_is_stopped_at_one_address_uses_up_nothing_of_the_whole_account(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "PER_ACCOUNT", "8 per day")
    web.user(EMAIL)
    stranger = web.app.test_client()
    assert [try_it(stranger).status_code for _ in range(20)].count(422) == 5
    assert try_it(web.app.test_client(), PASSWORD, address="192.0.2.1").status_code == 303


def test_a_known_browser_is_no_way_to_guess_without_end(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "PER_KNOWN_BROWSER", "3 per day")
    monkeypatch.setattr(sign_in, "PER_ACCOUNT", "2 per day")
    owner = signed_in(web)
    send(owner, "/sign-out")
    assert [try_it(owner, address=f"192.0.2.{number}").status_code for number in range(7)] == [422] * 5 + [429] * 2


def test_who_guesses_at_the_owners_own_browser_leaves_them_the_tries_that_anybody_has(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "PER_KNOWN_BROWSER", "3 per day")
    owner = signed_in(web)
    send(owner, "/sign-out")
    assert [try_it(owner).status_code for _ in range(4)] == [422] * 4
    assert try_it(owner, PASSWORD).status_code == 303
    send(owner, "/sign-out")
    assert [try_it(owner).status_code for _ in range(6)] == [422] * 4 + [429] * 2


def test_a_browser_is_known_to_whoever_signed_in_with_it_and_to_nobody_else(web: WebHouse) -> None:
    shared = signed_in(web)
    send(shared, "/sign-out")
    web.user("another@example.com")
    stranger = web.app.test_client()
    for _ in range(6):
        try_it(stranger, email="another@example.com")
    assert try_it(shared, PASSWORD, email="another@example.com").status_code == 429
    forgiven(web)
    assert try_it(shared, PASSWORD, email="another@example.com").status_code == 303
    send(shared, "/sign-out")
    for email in (EMAIL, "another@example.com"):
        for _ in range(6):
            try_it(stranger, email=email)
        assert try_it(shared, PASSWORD, email=email).status_code == 303
        send(shared, "/sign-out")


def test_with_another_password_a_browser_is_not_known_any_more(web: WebHouse) -> None:
    thief = signed_in(web)
    send(thief, "/sign-out")
    with web.store.begin() as work:
        (user,) = [one for one in work.users() if one.email == EMAIL]
        work.put_user(type(user)(EMAIL, user.role, "another hash"))
    stranger = web.app.test_client()
    for _ in range(6):
        try_it(stranger)
    assert try_it(thief).status_code == 429


def test_of_many_guesses_at_the_same_moment_no_more_are_judged_than_one_after_the_other(
    redis_url: str, sqlite_url: str, clock: ManualClock
) -> None:
    web = WebHouse(redis_url, sqlite_url, clock, "http://localhost", limits_url=redis_url)
    web.user(EMAIL)
    clients = [web.app.test_client() for _ in range(12)]
    tokens = [form_token(client.get("/sign-in")) for client in clients]
    start = Barrier(len(clients))

    def guess(client: Any, token: str) -> int:
        start.wait()
        form = {"email": EMAIL, "password": "guess", "csrf_token": token}
        return int(client.post("/sign-in", data=form).status_code)

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(guess, clients, tokens))
    assert sorted(answers) == [422] * 5 + [429] * 7
    web.close()


def test_whoever_is_sent_a_link_gets_in_at_a_new_browser_whoever_guesses(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "PER_ACCOUNT", "3 per day")
    web.user(EMAIL)
    stranger, owner = web.app.test_client(), web.app.test_client()
    for number in range(4):
        try_it(stranger, address=f"192.0.2.{number}")
    assert try_it(owner, PASSWORD).status_code == 429
    link = users.reset_password(web.house, Doer("ada@example.com", "admin"), EMAIL)
    token = form_token(owner.get(f"/welcome/{link.token}"))
    new = {"new": NEW, "again": NEW, "csrf_token": token}
    assert owner.post(f"/welcome/{link.token}", data=new).status_code == 303
    assert try_it(owner, NEW).status_code == 303
