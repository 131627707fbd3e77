"""The waiting list of the console: looked through, searched, and put in another order with a reason."""

from datetime import timedelta
from typing import Any

import pytest

from callback.domain.acts import Act
from callback.domain.callback import Callback
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import State
from callback.flows import move
from callback.web.admin import finding
from tests.support.web_house import WebHouse, send, signed_in

LINE = "/admin/queues/support/line"


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    """A queue with two callbacks, one of them missed once, a caller on hold, and one that is scheduled."""
    bare_web.queue(priority_credit_s={"vip": 300})
    bare_web.promise("+12015550123", name="Ada")
    bare_web.wait(30)
    bare_web.missed(bare_web.promise("+12015550124", name="Grace"))
    bare_web.wait(30)
    bare_web.caller()
    bare_web.promise("+12015550125", name="Barbara", requested_for=bare_web.clock.now() + timedelta(hours=3))
    return bare_web


def named(web: WebHouse, number: str) -> Callback:
    with web.store.look() as work:
        found: Callback = work.callbacks(number=number).items[0]
    return found


def first(web: WebHouse) -> str:
    return web.line.listing(QueueKey("support"))[0].entry


def newest(web: WebHouse) -> Act:
    with web.store.look() as work:
        return work.acts(limit=1)[0]


def text(client: Any, **asked: str) -> str:
    return str(client.get(f"{LINE}/now", query_string=asked).get_data(as_text=True))


def test_each_filter_shows_those_and_nobody_else(web: WebHouse) -> None:
    sue = signed_in(web, "viewer")
    shown = {
        show: tuple(name for name in ("Ada", "Grace", "called in", "Barbara") if name in text(sue, show=show))
        for show in finding.Show
    }
    assert shown == {
        "all": ("Ada", "Grace", "called in", "Barbara"),
        "live": ("called in",),
        "callbacks": ("Ada", "Grace"),
        "due": ("Ada",),
        "resting": ("Grace",),
        "scheduled": ("Barbara",),
        "served": (),
    }
    assert "Change…" not in text(sue)
    assert "before the next" in text(sue)


def test_somebody_is_found_by_number_by_its_end_and_by_name(web: WebHouse) -> None:
    sue = signed_in(web)
    for said, name in (("(201) 555-0125", "Barbara"), ("0124", "Grace"), ("ada", "Ada"), ("GRA", "Grace")):
        page = str(sue.get(LINE, query_string={"q": said}).get_data(as_text=True))
        assert [one for one in ("Ada", "Grace", "Barbara") if f">{one}<" in page] == [name], said
    assert "No open callback" in text(sue, q="Nobody at all")
    assert "No open callback" in text(sue, q="+12015550199")


def test_a_search_tells_no_more_of_a_number_than_its_row_does(web: WebHouse) -> None:
    sue = signed_in(web, "viewer")
    assert "+1201•••0124" in text(sue)
    told = {str(guess): "Grace" in text(sue, q=f"{guess}0124") for guess in range(10)}
    assert set(told.values()) == {True}, "one of them is the digit before"


def test_somebody_is_moved_to_the_front_with_a_reason_that_is_kept(web: WebHouse) -> None:
    sue, grace = signed_in(web), named(web, "+12015550124")
    send(sue, f"/admin/callbacks/{grace.id}/front", why=" ")
    assert first(web) != grace.id
    assert send(sue, f"/admin/callbacks/{grace.id}/front", why="her flight leaves").status_code == 303
    assert first(web) == grace.id
    assert (newest(web).what, newest(web).subject, newest(web).cause) == (
        "callback.move",
        grace.id,
        "her flight leaves",
    )
    assert "moved to the front" in text(sue)
    with web.store.look() as work:
        last = work.journal(after=0, kind="callback", subject=grace.id)[-1]
    assert (last.reason, last.cause) == (move.TO_FRONT, "console:supervisor@example.com")


def test_somebody_scheduled_is_called_now(web: WebHouse) -> None:
    sue, barbara = signed_in(web), named(web, "+12015550125")
    page = str(sue.get(f"/admin/callbacks/{barbara.id}").get_data(as_text=True))
    assert "Call now" in page
    send(sue, f"/admin/callbacks/{barbara.id}/ring", why="she rang the office")
    assert named(web, "+12015550125").state is State.WAITING
    assert newest(web).what == "callback.ring"
    assert first(web) == barbara.id
    send(sue, f"/admin/callbacks/{barbara.id}/cancel")
    assert send(sue, f"/admin/callbacks/{barbara.id}/front", why="again").status_code == 303
    assert "cannot be moved any more" in str(sue.get("/admin").get_data(as_text=True))


def test_only_a_supervisor_may_move_anybody(web: WebHouse) -> None:
    viewer, ada = signed_in(web, "viewer"), named(web, "+12015550123")
    for what in ("front", "ring"):
        assert send(viewer, f"/admin/callbacks/{ada.id}/{what}", why="me first").status_code == 403


def test_a_callback_is_added_for_a_time_and_refused_for_one_that_is_past(web: WebHouse) -> None:
    sue, at = signed_in(web), web.clock.now() + timedelta(hours=2)
    add = "/admin/queues/support/callbacks"
    local = (at - timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")  # New Jersey, where the queue's number is
    assert send(sue, add, number="+12015550150", when=local).status_code == 303
    made = named(web, "+12015550150")
    assert made.state is State.SCHEDULED
    assert made.requested_for == at.replace(second=0, microsecond=0)
    assert send(sue, add, number="+12015550151", when="2020-01-01T10:00").status_code == 422
    assert send(sue, add, number="+12015550151", when="tomorrow").status_code == 422


def test_a_long_line_is_shown_in_pages(web: WebHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PAGE", 1)
    monkeypatch.setattr(finding, "CHUNK", 1)
    sue = signed_in(web)
    head = text(sue, show="callbacks")
    assert "Ada" in head
    assert "Grace" not in head
    assert "from=1" in head
    assert "Grace" in text(sue, show="callbacks", **{"from": "1"})
