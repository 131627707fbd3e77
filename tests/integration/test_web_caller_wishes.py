"""What callers ask for on their page over HTTP: done once, journalled, and refused in words where it cannot be."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from callback.domain import order
from callback.domain.audit import Audit
from callback.domain.callback import Callback, Entry
from callback.domain.ids import CallbackId, EntryId, QueueKey, new_token
from callback.domain.lifecycle import AgentStatus, Event, State
from callback.flows import persist
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # in New Jersey, where the callers are
OFFICE = {
    "timezone": "America/New_York",
    "weekly": {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    """A house in its office hours, with an agent who is busy with somebody else."""
    clock.set(NOON)
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue(hours=OFFICE, closing_guard=False)
    house.agent("bob", status=AgentStatus.AVAILABLE)
    house.promise("+12015550199")
    yield house
    house.close()


@pytest.fixture
def client(web: WebHouse) -> FlaskClient:
    """A browser without cookies."""
    return web.app.test_client()


def ask(client: FlaskClient, callback: Callback, path: str) -> str:
    return client.get(f"/c/{callback.token}/{path}".rstrip("/")).get_data(as_text=True)


def post(client: FlaskClient, callback: Callback, path: str, form: str | None = None, **fields: str) -> TestResponse:
    """Through the form that is shown, with the proof that it carries."""
    shown = ask(client, callback, path if form is None else form)
    action = re.escape(f"/c/{callback.token}/{path}")
    found = re.search(rf'action="{action}[^"]*"[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', shown)
    assert found, shown
    return client.post(f"/c/{callback.token}/{path}", data={"proof": found[1], **fields})


def heading(client: FlaskClient, callback: Callback) -> str:
    found = re.search(r"<h1>(.*?)</h1>", ask(client, callback, ""))
    assert found
    return found[1]


def now_is(web: WebHouse, id: CallbackId) -> Callback:
    with web.store.look() as work:
        return work.callback(id)


def journal(web: WebHouse, id: CallbackId) -> list[Entry]:
    with web.store.look() as work:
        return work.journal(after=0, kind="callback", subject=id)


def place(web: WebHouse, callback: Callback) -> tuple[str, int | None]:
    standing = web.line.standing(callback.queue, EntryId(callback.id))
    return standing.place, standing.position


def ring(web: WebHouse, callback: Callback) -> None:
    """They are being dialled."""
    with web.store.begin() as work:
        fresh = work.callback(callback.id)
        steps = ((Event.RESERVE, "bob is free"), (Event.DIAL, "dialling"))
        work.moves(fresh, steps, cause="test", at=web.clock.now())


def times(page: str) -> list[datetime]:
    return [datetime.fromisoformat(at) for at in re.findall(r'name="at" value="([^"]+)"', page)]


def nothing_changed(web: WebHouse, callback: Callback) -> bool:
    return now_is(web, callback.id) == callback


# --- another time -----------------------------------------------------------------------------------------------


def test_the_times_to_choose_from_have_room_and_are_grouped_by_day(web: WebHouse, client: FlaskClient) -> None:
    page = ask(client, web.promise(), "later")
    assert re.findall(r"<summary>(.*?)</summary>", page) == [
        "Today",
        "Tomorrow",
        "Wed, Mar 4",
        "Thu, Mar 5",
        "Fri, Mar 6",
    ]
    assert times(page)[0] == NOON + timedelta(minutes=30)
    assert times(page)[7:10] == [NOON + timedelta(hours=hours) for hours in (4, 5, 21)]  # then closed until the morning
    assert ">12:30\xa0PM</span>" in page
    assert "Times are in Eastern Time." in page


def test_a_chosen_time_is_the_time_and_the_place_is_kept(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    at = times(ask(client, mine, "later"))[3]
    done = post(client, mine, "later", at=at.isoformat())
    assert (done.status_code, done.headers["Location"]) == (303, f"/c/{mine.token}?did=later")
    moved = now_is(web, mine.id)
    assert (moved.state, moved.requested_for, moved.score) == (State.SCHEDULED, at, mine.score)
    assert (moved.promised_from, moved.promised_to) == (at, at + timedelta(minutes=30))
    assert heading(client, mine) == "Callback at 2:00\xa0PM"
    assert "Done. We have moved your callback." in client.get(done.headers["Location"]).get_data(as_text=True)
    assert [(entry.reason, entry.cause) for entry in journal(web, mine.id)][1:] == [
        ("the caller asked for later", "status page")
    ]
    assert place(web, mine) == ("", None)


def test_asked_twice_it_is_moved_once(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    at = times(ask(client, mine, "later"))[3].isoformat()
    assert [post(client, mine, "later", at=at).status_code for _ in range(2)] == [303, 303]
    assert len(journal(web, mine.id)) == 2


def test_a_time_that_somebody_has_just_taken_is_not_given_twice(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    at = times(ask(client, mine, "later"))[3]
    full = web.promise("+12015550141", requested_for=at)
    refused = post(client, mine, "later", at=at.isoformat())
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert "Somebody has just taken that time." in page
    assert at not in times(page)
    assert nothing_changed(web, mine)
    assert post(client, full, "later", at=at.isoformat()).status_code == 303  # it is theirs


def test_a_time_that_was_never_offered_is_refused(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    no_zone, past, closed = "2026-03-02T17:30", "2026-03-02T09:00:00+00:00", "2026-03-03T04:00:00+00:00"
    for at in ("", "soon", no_zone, past, closed, "9999-12-31T23:00:00-23:00"):
        refused = post(client, mine, "later", at=at)
        assert refused.status_code == 422, at
        assert 'role="alert"' in refused.get_data(as_text=True)
    assert nothing_changed(web, mine)


def test_no_time_is_offered_at_which_nobody_may_be_rung(web: WebHouse, client: FlaskClient) -> None:
    web.queue(quiet_hours=["08:00", "15:00"])
    mine = web.promise()
    assert {at.astimezone(UTC).hour for at in times(ask(client, mine, "later"))} & set(range(13, 20)) == set()
    refused = post(client, mine, "later", at=(NOON + timedelta(hours=1)).isoformat())
    assert refused.status_code == 422
    assert nothing_changed(web, mine)


# --- now --------------------------------------------------------------------------------------------------------


def test_whoever_missed_the_call_is_rung_again_at_once_in_the_same_place(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    web.wait(1)
    behind = web.promise("+12015550141")
    assert heading(client, mine) == "We ring you again at 12:05\xa0PM"
    assert "I missed your call: ring me now" in ask(client, mine, "")
    assert place(web, mine)[0] == "later"
    done = post(client, mine, "ready")
    assert (done.status_code, done.headers["Location"]) == (303, f"/c/{mine.token}?did=ready")
    fresh = now_is(web, mine.id)
    assert (fresh.next_attempt_at, fresh.score, fresh.attempts_left) == (None, mine.score, 2)
    assert (place(web, mine), place(web, behind)) == (("due", 1), ("due", 2))
    assert heading(client, mine) == "You are next"
    last = journal(web, mine.id)[-1]
    assert (last.before, last.after, last.reason, last.cause) == (
        "waiting", "waiting", "the caller is ready now", "status page",
    )  # fmt: skip
    assert "did=ready" not in client.post(f"/c/{mine.token}/ready", data={}).headers["Location"]


def test_ready_twice_is_ready_once(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    shown = re.search(r'ready[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', ask(client, mine, "ready"))
    assert shown
    again = [client.post(f"/c/{mine.token}/ready", data={"proof": shown[1]}).status_code for _ in range(2)]
    assert again == [303, 303]
    assert sum(entry.cause == "status page" for entry in journal(web, mine.id)) == 1


def test_a_free_agent_takes_them_at_once(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    web.agent("ann", status=AgentStatus.AVAILABLE)
    post(client, mine, "ready")
    assert place(web, mine)[0] == "reserved"
    assert web.dispatch.asked[-1][0] == "connect"
    assert heading(client, mine) == "Calling you now"


def test_whoever_had_asked_for_a_later_time_joins_the_end_of_the_line(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise(requested_for=NOON + timedelta(hours=3))
    others = []
    for digit in range(3):
        web.wait(19)
        others.append(web.promise(f"+1201555014{digit}"))
    web.wait(3)
    page = ask(client, mine, "ready")
    assert "join the end of the line now." in page
    assert "You would be 4th in line." in page
    post(client, mine, "ready")
    fresh = now_is(web, mine.id)
    assert (fresh.state, fresh.requested_for, fresh.joined_at) == (State.WAITING, None, NOON + timedelta(seconds=60))
    assert fresh.score == order.score(fresh.joined_at)
    assert fresh.promised_to is not None
    assert [place(web, one)[1] for one in (*others, mine)] == [1, 2, 3, 4]
    assert heading(client, mine) == "4th in line"


def test_the_audit_finds_nobody_overtaken(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    later = web.promise("+12015550141", requested_for=NOON + timedelta(hours=3))
    web.promise("+12015550142")
    web.wait(60)
    for one in (mine, later):
        post(client, one, "ready")
    web.agent("ann", status=AgentStatus.AVAILABLE)
    web.house.line.match(QueueKey("support"), lease_s=10, token=new_token(), now=web.clock.now())
    persist.persist(web.house)
    audit = Audit()
    with web.store.look() as work:
        for row in work.journal(after=0, limit=1000):
            audit.feed(row)
    assert audit.finish(web.clock.now()).breaches == []
    assert audit.rows > 10


def test_nobody_is_rung_early_when_the_queue_is_closed(web: WebHouse, client: FlaskClient, clock: ManualClock) -> None:
    mine = web.promise(requested_for=NOON + timedelta(days=1))
    clock.set(NOON + timedelta(hours=8))
    page = ask(client, mine, "ready")
    assert "We are closed now." in page
    assert "<button" not in page.partition("<footer>")[0]
    clock.set(NOON)
    proof = re.search(r'ready[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', ask(client, mine, "ready"))
    assert proof
    clock.set(NOON + timedelta(hours=8))
    refused = client.post(f"/c/{mine.token}/ready", data={"proof": proof[1]})
    assert refused.status_code == 409
    assert nothing_changed(web, mine)


def test_nor_when_an_appointment_given_up_could_not_be_kept_today(web: WebHouse, client: FlaskClient) -> None:
    web.queue(hours=OFFICE, closing_guard=True)
    mine = web.promise(requested_for=NOON + timedelta(days=1))
    web.clock.set(NOON + timedelta(hours=5, minutes=58))
    assert "We could not reach you any more before we close." in ask(client, mine, "ready")


# --- never again ------------------------------------------------------------------------------------------------


def test_whoever_did_not_ask_for_it_is_never_rung_again(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    done = post(client, mine, "not-me")
    assert done.headers["Location"] == f"/c/{mine.token}?did=not_me"
    with web.store.look() as work:
        assert work.suppressed(mine.number)
        assert work.callback(mine.id).state is State.CANCELLED
    last = journal(web, mine.id)[-1]
    assert (last.reason, last.cause) == ("the caller did not ask for it", "status page")
    page = ask(client, mine, "")
    assert "We leave you alone" in page
    assert "tel:" not in page
    assert "not-me" not in page


def test_also_after_it_was_over(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    with web.store.begin() as work:
        work.move(work.callback(mine.id), Event.EXPIRE, reason="too old", cause="test", at=web.clock.now())
    post(client, mine, "not-me")
    with web.store.look() as work:
        assert work.suppressed(mine.number)
    assert "not-me" not in ask(client, mine, "")
    assert heading(client, mine) == "This callback has expired"


# --- all of them ------------------------------------------------------------------------------------------------


def test_what_came_too_late_changes_nothing_and_says_so(web: WebHouse, client: FlaskClient) -> None:
    mine = web.missed(web.promise())
    proofs = {}
    for path in ("later", "ready", "number"):
        found = re.search(rf'{path}[^>]*>\s*<input type="hidden" name="proof" value="([^"]+)"', ask(client, mine, path))
        assert found
        proofs[path] = found[1]
    ring(web, mine)
    for path, proof in proofs.items():
        fields = {"proof": proof, "at": (NOON + timedelta(hours=1)).isoformat(), "number": "+12015550177"}
        page = client.post(f"/c/{mine.token}/{path}", data=fields, follow_redirects=True).get_data(as_text=True)
        assert "That came too late: nothing was changed." in page
        assert "<h1>Calling you now</h1>" in page
        assert now_is(web, mine.id).state is State.DIALING
        assert "<form" not in ask(client, mine, path).partition("<footer>")[0]


def test_without_the_proof_of_our_own_form_nothing_changes(web: WebHouse, client: FlaskClient) -> None:
    mine, other = web.missed(web.promise()), web.promise("+12015550141")
    theirs = re.search(r'name="proof" value="([^"]+)"', ask(client, other, "cancel"))
    assert theirs
    wanted = {"at": (NOON + timedelta(hours=1)).isoformat(), "language": "zh", "number": "+12015550177"}
    for path in ("cancel", "later", "ready", "not-me", "number", "code", "code-again", "language"):
        for proof in ("", "made up", theirs[1]):
            answer = client.post(f"/c/{mine.token}/{path}", data={"proof": proof, **wanted})
            assert (answer.status_code, "did=" in answer.headers["Location"]) == (303, False)
        assert client.post(f"/c/{'A' * 24}/{path}").status_code == 404
    assert nothing_changed(web, mine)


def test_the_proof_of_one_form_is_none_for_another(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    proof = re.search(r'name="proof" value="([^"]+)"', ask(client, mine, "not-me"))
    assert proof
    assert client.post(f"/c/{mine.token}/cancel", data={"proof": proof[1]}).headers["Location"].endswith("/cancel")
    assert nothing_changed(web, mine)


def test_the_language_is_kept_for_the_texts_and_the_call(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    done = post(client, mine, "language", form="", language="zh")
    assert done.headers["Location"] == f"/c/{mine.token}"
    assert now_is(web, mine.id).language == "zh"
    assert heading(client, mine) == "下一位就是您"


def test_of_what_is_over_only_the_page_changes_its_language(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    post(client, mine, "cancel")
    done = post(client, mine, "language", form="", language="zh")
    assert done.headers["Location"] == f"/c/{mine.token}?lang=zh"
    assert now_is(web, mine.id).language == "en"


def test_somebody_who_hammers_is_slowed_down(web: WebHouse, client: FlaskClient) -> None:
    mine = web.promise()
    statuses = [client.post(f"/c/{mine.token}/language").status_code for _ in range(31)]
    assert statuses == [303] * 30 + [429]
    slow = client.post(f"/c/{mine.token}/later")
    assert slow.headers["Retry-After"] == "60"
    assert "Your place in line is safe." in slow.get_data(as_text=True)
    assert client.get(f"/c/{mine.token}").status_code == 200


def test_no_search_engine_keeps_a_page(web: WebHouse, client: FlaskClient) -> None:
    for path in ("", "/later", "/now"):
        headers = client.get(f"/c/{web.promise().token}{path}").headers
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["Cache-Control"] == "no-store"
