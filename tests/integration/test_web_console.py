"""Signing in, the console, the desk and the wallboard over HTTP."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from callback.domain.ids import AgentKey, QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.policy import Policy
from callback.ports import User
from tests.support.clock import ManualClock
from tests.support.redis_server import RedisServer
from tests.support.web_house import PASSWORD, WebHouse, form_token, signed_in


def policy(web: WebHouse) -> Policy:
    with web.store.begin() as work:
        return work.queue(QueueKey("support")).policy


def send(client: FlaskClient, page: str, path: str, **fields: Any) -> Any:
    """Submit a form of `page` to `path`."""
    return client.post(path, data={"csrf_token": form_token(client.get(page)), **fields})


def thresholds(client: FlaskClient) -> dict[str, str]:
    """The thresholds form as a browser would send it back."""
    page = client.get("/admin/queues/support").get_data(as_text=True)
    form = page[page.index('class="thresholds"') : page.index('id="hours"')]
    fields = dict(re.findall(r'<input id="[^"]+" name="([^"]+)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]+)" selected', options)
        assert chosen, name
        fields[name] = chosen[1]
    fields |= dict(re.findall(r'<input type="hidden" name="(\w+_there)" value="([^"]*)"', form))
    fields |= dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)"[^>]*checked', form), "on")
    return fields


# --- signing in -------------------------------------------------------------------------------------------------


def test_a_stranger_is_shown_the_door_and_comes_back_to_where_they_wanted(web: WebHouse) -> None:
    client, email = web.app.test_client(), web.user()
    sent = client.get("/admin/agents")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/sign-in?next=/admin/agents")
    token = form_token(client.get(sent.headers["Location"]))
    done = client.post(sent.headers["Location"], data={"email": email, "password": PASSWORD, "csrf_token": token})
    assert done.headers["Location"] == "/admin/agents"


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x()"])
def test_nobody_is_led_off_site(web: WebHouse, wanted: str) -> None:
    client, email = web.app.test_client(), web.user()
    token = form_token(client.get("/sign-in"))
    done = client.post("/sign-in", query_string={"next": wanted},
                       data={"email": email, "password": PASSWORD, "csrf_token": token})  # fmt: skip
    assert done.headers["Location"] == "/admin"


@pytest.mark.parametrize(("email", "password"), [("sue@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_a_wrong_half_is_not_told_apart(web: WebHouse, email: str, password: str) -> None:
    web.user()
    client = web.app.test_client()
    answer = send(client, "/sign-in", "/sign-in", email=email, password=password)
    assert answer.status_code == 422
    assert "do not match an account" in answer.get_data(as_text=True)


def test_a_form_without_our_token_is_refused(web: WebHouse) -> None:
    client = web.app.test_client()
    assert client.post("/sign-in", data={"email": web.user(), "password": PASSWORD}).status_code == 400
    inside = signed_in(web)
    assert inside.post("/admin/queues/support/switch/dialing", data={"to": "off"}).status_code == 400
    assert policy(web).dialing


def test_guessing_is_stopped_but_the_victim_still_gets_in(web: WebHouse) -> None:
    email = web.user()
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    guesses = [
        client.post("/sign-in", data={"email": email, "password": "guess", "csrf_token": token}).status_code
        for _ in range(7)
    ]
    assert guesses == [422] * 5 + [429] * 2
    victim = web.app.test_client()
    elsewhere = {"REMOTE_ADDR": "10.1.2.3"}
    token = form_token(victim.get("/sign-in", environ_base=elsewhere))
    done = victim.post(
        "/sign-in", data={"email": email, "password": PASSWORD, "csrf_token": token}, environ_base=elsewhere
    )
    assert done.status_code == 303


def test_failures_are_counted_for_all_processes_together(redis_url: str, sqlite_url: str, clock: ManualClock) -> None:
    processes = [WebHouse(redis_url, sqlite_url, clock, "http://localhost", limits_url=redis_url) for _ in range(2)]
    answers = []
    for turn in range(6):
        client = processes[turn % 2].app.test_client()
        answers.append(send(client, "/sign-in", "/sign-in", email="sue@example.com", password="guess").status_code)
    assert answers == [422] * 5 + [429]
    for process in processes:
        process.close()


def test_without_redis_failures_are_still_counted(own_redis: RedisServer, sqlite_url: str, clock: ManualClock) -> None:
    web = WebHouse(own_redis.url, sqlite_url, clock, "http://localhost", limits_url=own_redis.url)
    client = web.app.test_client()
    token = form_token(client.get("/sign-in"))
    own_redis.kill()
    guess = {"email": "sue@example.com", "password": "guess", "csrf_token": token}
    assert [client.post("/sign-in", data=guess).status_code for _ in range(6)] == [422] * 5 + [429]
    web.close()


def test_the_session_is_a_new_one_after_signing_in(web: WebHouse) -> None:
    client = web.app.test_client()
    before = form_token(client.get("/sign-in"))
    with client.session_transaction() as session:
        session["planted"] = "yes"
    client.post("/sign-in", data={"email": web.user(), "password": PASSWORD, "csrf_token": before})
    with client.session_transaction() as session:
        assert "planted" not in session
    refused = client.post("/admin/queues/support/switch/dialing", data={"to": "off", "csrf_token": before})
    assert refused.status_code == 400


def test_a_session_ends_when_nobody_is_there_and_at_the_end_of_the_day(web: WebHouse) -> None:
    client = signed_in(web)
    web.wait(29 * 60)
    assert client.get("/admin").status_code == 200
    web.wait(29 * 60)
    assert client.get("/admin/now", headers={"HX-Request": "true"}).status_code == 200
    web.wait(2 * 60)
    gone = client.get("/admin/now", headers={"HX-Request": "true"})
    assert (gone.status_code, gone.headers["HX-Redirect"]) == (401, "/sign-in")
    client = signed_in(web)
    for _ in range(12 * 60 // 20 - 1):
        web.wait(20 * 60)
        assert client.get("/wall/now").status_code == 200
    web.wait(21 * 60)
    assert client.get("/wall").status_code == 303


def test_a_session_ends_with_the_account_and_with_the_password(web: WebHouse) -> None:
    client = signed_in(web)
    with web.store.begin() as work:
        known = work.user("supervisor@example.com")
        assert known is not None
        work.put_user(User(known.email, known.role, "another hash"))
    assert client.get("/admin").status_code == 303
    client = signed_in(web)
    with web.store.begin() as work:
        known = work.user("supervisor@example.com")
        assert known is not None
        work.put_user(User(known.email, known.role, known.password_hash, disabled=True))
    assert client.get("/admin").status_code == 303


def test_signing_out_ends_it(web: WebHouse) -> None:
    client = signed_in(web)
    assert send(client, "/admin", "/sign-out").status_code == 303
    assert client.get("/admin").status_code == 303


def test_cookies_are_for_this_host_alone_where_there_is_encryption(
    redis_url: str, sqlite_url: str, clock: ManualClock
) -> None:
    web = WebHouse(redis_url, sqlite_url, clock, "https://callback.example", production=True)
    answer = web.app.test_client().get("/sign-in", base_url="https://callback.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-callback=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    web.close()


# --- roles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("viewer", "/admin", 200),
        ("viewer", "/wall", 200),
        ("viewer", "/agent", 403),
        ("agent", "/agent", 200),
        ("agent", "/admin", 403),
        ("agent", "/wall", 403),
        ("supervisor", "/agent", 403),
        ("admin", "/admin/queues/support", 200),
    ],
)
def test_pages_by_role(web: WebHouse, role: str, path: str, status: int) -> None:
    assert signed_in(web, role, "ann" if role == "agent" else None).get(path).status_code == status


def test_a_viewer_sees_thresholds_but_changes_none(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    page = client.get("/admin/queues/support").get_data(as_text=True)
    assert "Save thresholds" not in page
    assert '<fieldset class="card" disabled>' in page
    assert send(client, "/admin", "/admin/queues/support/policy", attempts="1").status_code == 403
    assert policy(web).attempts == 3


# --- thresholds -------------------------------------------------------------------------------------------------


def test_every_policy_field_is_on_the_page(web: WebHouse) -> None:
    page = signed_in(web).get("/admin/queues/support").get_data(as_text=True)
    elsewhere = {"hours", "accepting", "dialing"}
    for name in set(Policy.__dataclass_fields__) - elsewhere:
        assert f'name="{name}"' in page, name


def test_a_form_that_nobody_touched_changes_nothing(web: WebHouse) -> None:
    client = signed_in(web)
    before = policy(web)
    answer = send(client, "/admin", "/admin/queues/support/policy", **thresholds(client))
    assert answer.status_code == 303
    assert policy(web) == before
    with web.store.begin() as work:
        assert len(work.policies(QueueKey("support"))) == 1
    assert "Nothing was changed." in client.get("/admin/queues/support").get_data(as_text=True)


def test_a_changed_threshold_is_in_force_and_in_the_history(web: WebHouse) -> None:
    client = signed_in(web)
    changed = {**thresholds(client), "offer_at_wait_s": "420", "quiet_hours": "21:00-09:00", "why": "Monday morning"}
    assert send(client, "/admin", "/admin/queues/support/policy", **changed).status_code == 303
    assert policy(web).offer_at_wait_s == 420
    assert policy(web).quiet_hours == ("21:00", "09:00")
    page = client.get("/admin/queues/support").get_data(as_text=True)
    assert "Saved as version" in page
    assert "Monday morning" in page
    assert "supervisor@example.com" in page
    assert "<del>180 seconds</del> → <ins>420 seconds</ins>" in page


def test_an_empty_field_switches_a_rule_off_and_a_missing_box_as_well(web: WebHouse) -> None:
    client = signed_in(web)
    fields = {**thresholds(client), "offer_at_wait_s": "", "allowed_countries": "", "retry_delays_s": ""}
    del fields["closing_guard"]
    send(client, "/admin", "/admin/queues/support/policy", **fields)
    now = policy(web)
    assert (now.offer_at_wait_s, now.allowed_countries, now.retry_delays_s, now.closing_guard) == (
        None,
        None,
        (),
        False,
    )


def test_what_cannot_be_saved_is_marked_and_what_was_typed_stays(web: WebHouse) -> None:
    client = signed_in(web)
    fields = {**thresholds(client), "attempts": "0", "wrap_up_s": "45", "quiet_hours": "at night"}
    answer = send(client, "/admin", "/admin/queues/support/policy", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="45"' in page
    assert 'value="at night"' in page
    assert "aria-invalid" in page
    assert policy(web).wrap_up_s == 20


def test_hours_are_written_by_the_day(web: WebHouse) -> None:
    client = signed_in(web)
    week = {"mon": "09:00-12:00, 13:00-18:00", "tue": "", "timezone": "Asia/Shanghai", "holidays": "cn"}
    week["always_open_there"] = "1"
    assert send(client, "/admin", "/admin/queues/support/hours", **week).status_code == 303
    hours = policy(web).hours
    assert hours is not None
    assert hours["weekly"] == {"mon": [["09:00", "12:00"], ["13:00", "18:00"]]}
    assert (hours["timezone"], hours["holidays"]) == ("Asia/Shanghai", "CN")
    for wrong in ({"mon": "nine to five"}, {"mon": "09:00-25:00"}, {"timezone": "Mars/Base"}):
        answer = send(client, "/admin", "/admin/queues/support/hours", **{**week, **wrong})
        assert answer.status_code == 422, wrong
    assert send(client, "/admin", "/admin/queues/support/hours", always_open="on").status_code == 303
    assert policy(web).hours is None


def test_the_switches_and_the_way_back(web: WebHouse) -> None:
    client = signed_in(web)
    for name in ("accepting", "dialing"):
        send(client, "/admin", f"/admin/queues/support/switch/{name}", to="off")
    assert (policy(web).accepting, policy(web).dialing) == (False, False)
    assert send(client, "/admin", "/admin/queues/support/switch/attempts", to="off").status_code == 404
    assert send(client, "/admin", "/admin/queues/support/revert/1").status_code == 303
    assert policy(web).accepting
    assert send(client, "/admin", "/admin/queues/support/revert/99").status_code == 404


def test_stopping_everything_reaches_every_queue(web: WebHouse) -> None:
    web.queue("billing", "Billing", ("+12015550101",))
    client = signed_in(web)
    assert send(client, "/admin", "/admin/stop").status_code == 303
    with web.store.begin() as work:
        assert [(queue.policy.accepting, queue.policy.dialing) for queue in work.queues()] == [(False, False)] * 2


# --- the line ---------------------------------------------------------------------------------------------------


def test_live_and_promised_stand_in_one_list_with_masked_numbers(web: WebHouse) -> None:
    web.caller()
    web.wait(1)
    web.promise(name="Ada")
    page = signed_in(web).get("/admin/queues/support/line/now").get_data(as_text=True)
    assert "on the line" in page
    assert "+12015550123" not in page
    assert "Ada" in page
    assert page.index("called in") < page.index("Ada")


def test_somebody_is_added_by_hand_and_taken_out_again(web: WebHouse) -> None:
    client = signed_in(web)
    add = "/admin/queues/support/callbacks"
    assert send(client, "/admin", add, number="(201) 555-0123", language="zh", note="VIP").status_code == 303
    with web.store.begin() as work:
        made = work.callbacks(number="+12015550123").items[0]
    assert (made.source, made.language, made.context) == ("console", "zh", {"note": "VIP"})
    assert "is in line already" in _flashed(client, add, number="+12015550123")
    assert send(client, "/admin", add, number="+19005550123").status_code == 422
    assert send(client, "/admin", add, number="").status_code == 422
    page = client.get(f"/admin/callbacks/{made.id}").get_data(as_text=True)
    assert "console:supervisor@example.com" in page
    assert send(client, "/admin", f"/admin/callbacks/{made.id}/cancel").status_code == 303
    with web.store.begin() as work:
        assert work.callback(made.id).state == "cancelled"
        causes = [entry.cause for entry in work.journal(after=0, kind="callback", subject=made.id)]
    assert set(causes) == {"console:supervisor@example.com"}


def _flashed(client: FlaskClient, path: str, **fields: Any) -> str:
    send(client, "/admin", path, **fields)
    return str(client.get("/admin").get_data(as_text=True))


def test_names_cannot_bring_markup_along(web: WebHouse) -> None:
    web.promise(name="<script>alert(1)</script>", context={"<b>": "<img src=x onerror=alert(1)>"})
    client = signed_in(web)
    with web.store.begin() as work:
        made = work.callbacks(number="+12015550123").items[0]
    for path in ("/admin/queues/support/line", f"/admin/callbacks/{made.id}"):
        page = client.get(path).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


# --- agents, the desk, the wallboard ----------------------------------------------------------------------------


def test_a_supervisor_sets_somebodys_presence(web: WebHouse) -> None:
    client = signed_in(web)
    assert send(client, "/admin", "/admin/agents/ann/presence", status="available").status_code == 303
    assert web.line.agent(AgentKey("ann")).status is AgentStatus.AVAILABLE
    assert send(client, "/admin", "/admin/agents/ann/presence", status="busy").status_code == 422
    assert send(client, "/admin", "/admin/agents/nobody/presence", status="away").status_code == 404


def test_the_desk_says_who_is_next_and_then_who_is_coming(web: WebHouse) -> None:
    web.promise(name="Ada", context={"order": "A-7"})
    client = signed_in(web, "agent", "ann")
    assert "Who is next" in client.get("/agent").get_data(as_text=True)
    assert "Ada" not in client.get("/agent").get_data(as_text=True)
    assert send(client, "/agent", "/agent/presence", status="available").status_code == 303
    page = client.get("/agent").get_data(as_text=True)
    assert "A caller is coming to you" in page
    assert all(words in page for words in ("Ada", "A-7", "+1 201-555-0123"))
    assert send(client, "/agent", "/agent/presence", status="busy").status_code == 422


def test_wrap_up_ends_at_a_button(web: WebHouse) -> None:
    web.agent(status=AgentStatus.AVAILABLE)
    web.promise()
    token = web.line.agent(AgentKey("ann")).token
    assert token is not None
    web.line.bridge(token, now=web.clock.now())
    client = signed_in(web, "agent", "ann")
    assert "We were cut off" in client.get("/agent").get_data(as_text=True)
    web.line.complete(token, wrap_up_s=60, now=web.clock.now())
    assert "Ready now" in client.get("/agent").get_data(as_text=True)
    send(client, "/agent", "/agent/presence", status="available")
    assert web.line.agent(AgentKey("ann")).status is AgentStatus.AVAILABLE


def test_an_agent_who_missed_a_ring_is_told_why_they_are_away(web: WebHouse) -> None:
    web.agent(status=AgentStatus.AVAILABLE)
    web.promise()
    token = web.line.agent(AgentKey("ann")).token
    assert token is not None
    away, now = AgentStatus.AWAY, web.clock.now()
    web.line.release(token, entry_to="due", agent_to=away, reason="missed the ring", now=now)
    client = signed_in(web, "agent", "ann")
    assert "A call rang and was not taken" in client.get("/agent").get_data(as_text=True)
    send(client, "/agent", "/agent/presence", status="available")
    send(client, "/agent", "/agent/presence", status="away")
    assert "A call rang and was not taken" not in client.get("/agent").get_data(as_text=True)


def test_an_agent_who_is_not_talking_cannot_be_cut_off(web: WebHouse) -> None:
    client = signed_in(web, "agent", "ann")
    assert send(client, "/agent", "/agent/cut-off").status_code == 303
    assert "You are not on a call any more." in client.get("/agent").get_data(as_text=True)


def test_an_account_without_an_agent_has_no_desk(web: WebHouse) -> None:
    assert signed_in(web, "agent").get("/agent").status_code == 403


def test_the_wallboard_shows_at_most_six_numbers_a_queue(web: WebHouse) -> None:
    web.caller()
    page = signed_in(web, "viewer").get("/wall").get_data(as_text=True)
    assert page.count('class="tile ') == 6
    assert "offer at 3:00" in page


def test_the_console_speaks_chinese_when_asked(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, "/admin", "/language/zh")
    for path in ("/admin", "/admin/queues/support", "/admin/queues/support/line", "/admin/agents", "/wall"):
        assert '<html lang="zh-Hans">' in client.get(path).get_data(as_text=True)
    assert "保存阈值" in client.get("/admin/queues/support").get_data(as_text=True)


def test_an_unknown_page_is_a_page_and_not_a_stack_trace(web: WebHouse) -> None:
    answer = web.app.test_client().get("/nosuch")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


# --- sessions and refreshes that run side by side -----------------------------------------------------------------


def test_a_refresh_on_its_way_does_not_put_back_a_session_that_was_changed_since(web: WebHouse) -> None:
    client = signed_in(web)
    client.get("/admin")  # gets the form's token
    for path in ("/admin/now", "/condition", "/wall/now", "/admin/agents/now"):
        refreshed = client.get(path, headers={"HX-Request": "true"})
        assert refreshed.status_code in (200, 204)
        assert "Set-Cookie" not in refreshed.headers, path


# --- light and dark ---------------------------------------------------------------------------------------------


def test_light_or_dark_is_chosen_for_the_session_and_stands_in_the_page_itself(web: WebHouse) -> None:
    client = signed_in(web)
    assert "data-theme" not in client.get("/admin").get_data(as_text=True)
    send(client, "/admin", "/theme", theme="dark")
    assert '<html lang="en" data-theme="dark">' in client.get("/admin").get_data(as_text=True)
    send(client, "/admin", "/sign-out")
    send(client, "/sign-in", "/sign-in", email="supervisor@example.com", password=PASSWORD)
    assert "data-theme" not in client.get("/admin").get_data(as_text=True)
    send(client, "/admin", "/theme", theme="dark")
    send(client, "/admin", "/theme", theme='"><script>')
    assert "data-theme" not in client.get("/admin").get_data(as_text=True)


def test_only_sections_that_exist_and_that_one_may_see_are_in_the_bar(web: WebHouse) -> None:
    bar = signed_in(web, "viewer").get("/admin").get_data(as_text=True).split("</nav>")[0]
    assert 'href="/admin/agents"' in bar
    assert 'href="/wall"' in bar
    assert "/admin/users" not in bar
    assert 'class="sections"' not in signed_in(web, "agent", "ann").get("/agent").get_data(as_text=True)
