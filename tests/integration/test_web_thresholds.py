"""The thresholds console over HTTP: what a field does now, previews, versions, conflicts, hours, stopping it all."""

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callback.domain.ids import QueueKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.planned import PlanState
from callback.domain.policy import Policy
from callback.flows import planned
from callback.web.errands import ERRANDS, Errands, Stopped, Told, in_a_child
from tests.support.waiting import eventually
from tests.support.web_house import WebHouse, send, signed_in

PAGE = "/admin/queues/support"


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    bare_web.queue()
    return bare_web


def policy(web: WebHouse, queue: str = "support") -> Policy:
    with web.store.begin() as work:
        return work.queue(QueueKey(queue)).policy


def text(client: Any, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.get_data(as_text=True))


def test_each_field_says_what_it_does_now(web: WebHouse) -> None:
    web.agent(status=AgentStatus.AVAILABLE)
    client = signed_in(web)
    assert "A free agent takes whoever calls now." in text(client, PAGE)
    for at in range(4):
        web.promise(f"+1201555014{at}")
    now = text(client, f"{PAGE}/now")
    assert re.search(r'id="doing-offer_at_wait_s" hx-swap-oob="true">(Offering: t|T)he wait is', now), now
    assert "3 wait now." in now or "4 wait now." in now
    send(client, f"{PAGE}/switch/dialing", to="off")
    assert "promises wait for dialling." in text(client, PAGE)


def test_a_page_from_before_a_box_was_there_leaves_what_the_box_stands_for(web: WebHouse) -> None:
    client = signed_in(web)
    assert send(client, f"{PAGE}/policy", base="1", offer_at_wait_s="240").status_code == 303
    assert (policy(web).ask_rating, policy(web).closing_guard) == (True, True)
    send(client, f"{PAGE}/policy", base="2", attempts="5", ask_rating_there="1", closing_guard_there="1")
    assert (policy(web).ask_rating, policy(web).closing_guard) == (False, False)
    refused = send(client, f"{PAGE}/policy", base="3", attempts="none").get_data(as_text=True)
    assert not re.search(r'name="ask_rating" role="switch" checked', refused)
    send(client, f"{PAGE}/policy", base="3", ask_rating="on", ask_rating_there="1")
    refused = send(client, f"{PAGE}/policy", base="4", attempts="none").get_data(as_text=True)
    assert re.search(r'name="ask_rating" role="switch" checked', refused)
    refused = send(client, f"{PAGE}/policy", base="4", attempts="none", ask_rating_there="1").get_data(as_text=True)
    assert not re.search(r'name="ask_rating" role="switch" checked', refused)


def test_a_form_of_hours_changes_only_what_it_has(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, f"{PAGE}/hours", base="1", timezone="Europe/London", mon="09:00-17:00")
    assert policy(web).hours is None, "a page without the box does not say that it is off"
    week = {"timezone": "Europe/London", "mon": "09:00-17:00", "holidays": "GB", "closed_dates": "2031-12-24"}
    send(client, f"{PAGE}/hours", base="1", always_open_there="1", **week)
    send(client, f"{PAGE}/hours", base="2", tue="10:00-16:00")
    kept = policy(web).hours
    assert kept is not None
    assert kept["weekly"] == {"mon": [["09:00", "17:00"]], "tue": [["10:00", "16:00"]]}
    assert (kept["timezone"], kept["holidays"], kept["closed_dates"]) == ("Europe/London", "GB", ["2031-12-24"])


def test_a_cap_of_nothing_is_said_to_be_switched_off(web: WebHouse) -> None:
    web.queue(max_outstanding=0)
    shown = text(signed_in(web), PAGE)
    assert "Switched off: with 0, nobody is offered a callback." in shown
    assert "No callback may be open here: the limit is 0." in shown
    assert "As many callbacks are open" not in shown


def test_a_switch_is_turned_only_by_a_form_that_says_which_way(web: WebHouse) -> None:
    assert send(signed_in(web), f"{PAGE}/switch/dialing").status_code == 400
    assert policy(web).dialing


def test_a_form_of_a_queue_without_its_numbers_leaves_them(web: WebHouse) -> None:
    assert send(signed_in(web, "admin"), f"{PAGE}/edit", name="Help").status_code == 303
    with web.store.begin() as work:
        queue = work.queue(QueueKey("support"))
    assert (queue.name, queue.numbers) == ("Help", ("+12015550100",))


def test_two_who_save_other_fields_both_get_them(web: WebHouse) -> None:
    client = signed_in(web)
    assert send(client, f"{PAGE}/policy", base="1", offer_at_wait_s="240", closing_guard="on").status_code == 303
    assert send(client, f"{PAGE}/policy", base="1", attempts="5", closing_guard="on").status_code == 303
    assert (policy(web).offer_at_wait_s, policy(web).attempts) == (240, 5)


def test_who_saves_the_same_field_sees_both_values_and_may_insist(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, f"{PAGE}/policy", base="1", offer_at_wait_s="240", closing_guard="on")
    typed = {"offer_at_wait_s": "300", "attempts": "4", "closing_guard": "on", "why": "my turn"}
    refused = send(client, f"{PAGE}/policy", base="1", **typed)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 409
    assert "Somebody else saved meanwhile" in page
    assert "240 seconds" in page
    assert 'name="offer_at_wait_s" value="300"' in page
    assert 'name="attempts" value="4"' in page
    assert 'value="my turn"' in page
    assert policy(web).offer_at_wait_s == 240
    assert 'name="base" value="2"' in page
    assert send(client, f"{PAGE}/policy", base="2", **typed).status_code == 303
    assert (policy(web).offer_at_wait_s, policy(web).attempts) == (300, 4)


def test_a_preview_saves_nothing_and_leads_to_saving_it(web: WebHouse) -> None:
    client = signed_in(web)
    sent = send(
        client, f"{PAGE}/preview", base="1", offer_at_wait_s="30", closing_guard="on", traffic="example", why="calmer"
    )
    assert sent.status_code == 303
    page = text(client, sent.headers["Location"] + "&wait=1")
    assert policy(web).offer_at_wait_s == 180
    assert "This day is made up" in page
    for word in ("Callbacks offered", "Unserved at closing", "Agents idle", "data-chart", 'value="calmer"'):
        assert word in page, word
    change = json.dumps({"offer_at_wait_s": 30})
    assert 'value="30"' in text(client, f"{PAGE}?change={change}"), "and back to the form"
    assert send(client, f"{PAGE}/policy", base="1", change=change, why="calmer").status_code == 303
    assert policy(web).offer_at_wait_s == 30


def test_without_a_record_a_preview_says_so_and_makes_nothing_up(web: WebHouse) -> None:
    client = signed_in(web)
    change = json.dumps({"offer_at_wait_s": 30})
    assert "Nobody is on record for that day." in text(client, f"{PAGE}/preview?change={change}&wait=1")
    assert "no record yet to forecast" in text(client, f"{PAGE}/preview?change={change}&traffic=forecast&wait=1")
    assert "this is what is in force" in text(client, f"{PAGE}/preview")
    assert client.get(f"{PAGE}/preview?change=nonsense").status_code == 400
    assert client.get(f'{PAGE}/preview?change={{"attempts":0}}').status_code == 400
    assert client.get(f"{PAGE}/preview?version=99").status_code == 404


def test_a_mistake_is_told_at_the_form_instead_of_a_preview(web: WebHouse) -> None:
    answer = send(signed_in(web), f"{PAGE}/preview", base="1", attempts="none", closing_guard="on")
    assert answer.status_code == 422
    assert 'name="attempts" value="none"' in answer.get_data(as_text=True)


def test_any_two_versions_stand_side_by_side(web: WebHouse) -> None:
    client = signed_in(web)
    for wait in ("200", "220", "240"):
        send(client, f"{PAGE}/policy", offer_at_wait_s=wait, closing_guard="on", why=f"to {wait}")
    page = text(client, f"{PAGE}/versions?from=1&to=4")
    assert page.count("to 220") == 1
    compared = page[page.index("<tbody>") : page.index("</tbody>")]
    assert "180 seconds" in compared
    assert "240 seconds" in compared
    assert "200 seconds" not in compared
    assert "They are the same." in text(client, f"{PAGE}/versions?from=2&to=2")
    assert "proposed" in text(client, f"{PAGE}/preview?version=1&traffic=example&wait=1")


def test_the_fortnight_of_the_hours_is_shown_as_they_are_typed(web: WebHouse) -> None:
    web.queue(
        "billing",
        "Billing",
        ("+12015550101",),
        hours={"timezone": "Europe/London", "weekly": {"mon": [["10:00", "11:00"]]}},
    )
    client = signed_in(web)
    typed = {"timezone": "Europe/London", "mon": "09:00-17:00", "tue": "09:00-17:00", "always_open_there": "1"}
    shown = send(client, f"{PAGE}/hours/days", **typed).get_data(as_text=True)
    assert shown.count("09:00–17:00") == 4
    assert policy(web).hours is None
    wrong = send(client, f"{PAGE}/hours/days", timezone="Mars/Base", always_open_there="1")
    assert wrong.status_code == 422
    copied = text(client, f"{PAGE}/hours?copy=billing")
    assert 'value="10:00-11:00"' in copied
    assert "These are the hours of Billing." in copied


def test_hours_that_somebody_else_saved_meanwhile_are_not_lost(web: WebHouse) -> None:
    client = signed_in(web)
    week = {"timezone": "Europe/London", "mon": "09:00-17:00", "always_open_there": "1"}
    assert send(client, f"{PAGE}/hours", base="1", **week).status_code == 303
    refused = send(client, f"{PAGE}/hours", base="1", **{**week, "mon": "10:00-17:00"})
    assert refused.status_code == 409
    assert "Monday 09:00-17:00" in refused.get_data(as_text=True)
    assert 'value="10:00-17:00"' in refused.get_data(as_text=True)


def test_everything_stops_and_goes_on_as_it_was(web: WebHouse) -> None:
    web.queue("billing", "Billing", ("+12015550101",), accepting=False)
    web.queue("closed", "Closed", ("+12015550102",), accepting=False, dialing=False)
    web.promise()
    client = signed_in(web)
    asked = text(client, "/admin/stop")
    assert "2 queues promise no callbacks and ring nobody." in asked
    assert "1 callback that is promised keeps its place" in asked
    send(client, "/admin/stop", why="a fire drill")
    assert "2 queues are stopped." in text(client, "/admin")
    assert "already" in text(client, "/admin/stop")
    send(client, f"{PAGE}/policy", offer_at_wait_s="240", closing_guard="on")
    send(client, "/admin/start")
    assert (policy(web).accepting, policy(web).dialing, policy(web).offer_at_wait_s) == (True, True, 240)
    assert (policy(web, "billing").accepting, policy(web, "billing").dialing) == (False, True)
    assert not policy(web, "closed").dialing
    with web.store.begin() as work:
        assert {act.what for act in work.acts(limit=9)} >= {"policy.stop", "policy.start"}


def test_the_queue_in_trouble_comes_first(web: WebHouse) -> None:
    web.queue("aaa", "Calm", ("+12015550103",))
    web.promise()
    page = text(signed_in(web), "/admin")
    assert "Nobody is signed in, and people wait." in page
    assert page.index("Support") < page.index("Calm")


# --- changes that take effect later -------------------------------------------------------------------------------


def in_two_hours(web: WebHouse) -> str:
    return (web.clock.now() + timedelta(hours=2)).astimezone(ZoneInfo("America/New_York")).strftime("%Y-%m-%dT%H:%M")


def test_a_change_takes_effect_at_its_time_once_and_keeps_what_others_saved(web: WebHouse) -> None:
    client = signed_in(web)
    at = in_two_hours(web)
    send(client, f"{PAGE}/policy", base="1", offer_at_wait_s="60", closing_guard="on", why="the sale", **{"from": at})
    page = text(client, PAGE)
    assert "the sale" in page
    assert "Take it back" in page
    assert (policy(web).offer_at_wait_s, planned.put_in_force(web.house)) == (180, 0)
    send(client, f"{PAGE}/policy", attempts="5", closing_guard="on")
    web.wait(2 * 3600 + 1)
    assert planned.put_in_force(web.house) == 1
    assert planned.put_in_force(web.house) == 0
    assert (policy(web).offer_at_wait_s, policy(web).attempts) == (60, 5)
    with web.store.look() as work:
        version = work.policies(QueueKey("support"))[0]
        assert (version.by, version.why, version.version) == ("supervisor@example.com", "the sale", 3)
        assert work.acts(limit=1)[0].what == "policy.effect"
    assert web.line.configuration()[1][0].policy.offer_at_wait_s == 60
    assert "Take it back" not in text(signed_in(web), PAGE)


def test_two_keepers_at_once_make_one_version(web: WebHouse) -> None:
    at = web.clock.now() + timedelta(hours=1)
    planned.plan(web.house, QueueKey("support"), {"attempts": 7}, at=at, by="test")
    web.wait(3601)
    with web.store.look() as work:
        due = work.plans_due(web.clock.now())
    assert [planned.apply(web.house, one) for one in (*due, *due)] == [True, False]
    with web.store.look() as work:
        assert work.queue(QueueKey("support")).version == 2


def test_who_dies_in_the_middle_leaves_it_to_the_next(web: WebHouse) -> None:
    at = web.clock.now() + timedelta(hours=1)
    planned.plan(web.house, QueueKey("support"), {"attempts": 7}, at=at, by="test")
    web.wait(3601)

    with web.store.look() as work:
        due = work.plans_due(web.clock.now())

    def dies() -> None:
        with web.store.begin() as work:
            assert planned.applied(web.house, work, due[0])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        dies()
    assert policy(web).attempts == 3
    assert planned.put_in_force(web.house) == 1
    assert policy(web).attempts == 7


def test_a_planned_change_is_taken_back(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, f"{PAGE}/policy", base="1", attempts="9", closing_guard="on", **{"from": in_two_hours(web)})
    found = re.search(r'action="([^"]+/take-back)"', text(client, PAGE))
    assert found
    assert send(client, found[1]).status_code == 303
    assert send(client, found[1]).status_code == 303
    web.wait(3 * 3600)
    assert planned.put_in_force(web.house) == 0
    assert policy(web).attempts == 3


def test_who_plans_what_somebody_else_has_saved_otherwise_sees_both_values(web: WebHouse) -> None:
    client = signed_in(web)
    send(client, f"{PAGE}/policy", base="1", attempts="4", closing_guard="on")
    late = {"attempts": "9", "closing_guard": "on", "from": in_two_hours(web)}
    refused = send(client, f"{PAGE}/policy", base="1", **late)
    assert refused.status_code == 409
    assert f'value="{late["from"]}"' in refused.get_data(as_text=True)
    assert send(client, f"{PAGE}/policy", base="2", **late).status_code == 303


def test_hours_take_effect_later_once_and_can_be_compared_and_reverted(web: WebHouse) -> None:
    client = signed_in(web)
    week = {"timezone": "Europe/London", "mon": "09:00-17:00", "closed_dates": "2031-12-24", "why": "winter"}
    week["always_open_there"] = "1"
    wrong = send(client, f"{PAGE}/hours", base="1", **week, **{"from": "2001-01-01T09:00"})
    assert wrong.status_code == 422
    assert "Choose a time to come" in wrong.get_data(as_text=True)
    assert 'value="09:00-17:00"' in wrong.get_data(as_text=True)
    for _ in range(2):
        assert send(client, f"{PAGE}/hours", base="1", **week, **{"from": in_two_hours(web)}).status_code == 303
    page = text(client, f"{PAGE}/hours")
    assert page.count("Take it back") == 2
    assert "closed on 2031-12-24" in page
    assert policy(web).hours is None
    taken_back = re.search(r'action="([^"]+/take-back)"', page)
    assert taken_back
    assert send(client, taken_back[1]).status_code == 303
    web.wait(2 * 3600 + 1)
    client = signed_in(web)
    assert [planned.put_in_force(web.house) for _ in range(2)] == [1, 0]
    rules = policy(web).hours
    assert rules is not None
    assert rules["weekly"] == {"mon": [["09:00", "17:00"]]}
    assert web.line.configuration()[1][0].policy.hours == rules
    assert "Monday 09:00-17:00; closed on 2031-12-24" in text(client, f"{PAGE}/versions?from=1&to=2")
    assert send(client, f"{PAGE}/revert/1").status_code == 303
    assert policy(web).hours is None


def test_a_planned_change_that_is_refused_is_shown_until_somebody_takes_note(web: WebHouse) -> None:
    client, viewer = signed_in(web), signed_in(web, role="viewer")
    at = web.clock.now() + timedelta(hours=1)
    made = planned.plan(web.house, QueueKey("support"), {"attempts": 7}, at=at, by="sue@example.com", why="the sale")
    with web.store.begin() as work:  # the rules of a later release accept less than those of the day it was planned
        work.end_plan(made.id, PlanState.TAKEN_BACK, at=at)
        work.add_plan(replace(made, id="pl-old", changes={"attempts": 999}))
    web.wait(3601)
    assert [planned.put_in_force(web.house) for _ in range(2)] == [0, 0]
    client, viewer = signed_in(web), signed_in(web, role="viewer")
    for path in ("/admin", PAGE):
        page = text(client, path)
        assert "a planned change did not take effect" in page
        assert "the sale" in page
        assert "did not take effect" not in text(viewer, path)
    seen = f"{PAGE}/planned/pl-old/seen"
    assert [send(one, seen).status_code for one in (viewer, client, client)] == [403, 303, 303]
    assert "did not take effect" not in text(client, "/admin")
    with web.store.look() as work:
        last = work.acts(limit=2)
    assert [one.what for one in last] == ["policy.noted", "policy.refused"]
    assert policy(web).attempts == 3


@pytest.mark.parametrize("wrong", ["yesterday", "2001-01-01T09:00", "2999-01-01T09:00"])
def test_a_time_that_cannot_be_is_said_at_its_field(web: WebHouse, wrong: str) -> None:
    answer = send(signed_in(web), f"{PAGE}/policy", base="1", attempts="9", closing_guard="on", **{"from": wrong})
    assert answer.status_code == 422
    assert "Choose a time to come" in answer.get_data(as_text=True)
    assert 'name="attempts" value="9"' in answer.get_data(as_text=True)


# --- queues by hand -----------------------------------------------------------------------------------------------


def test_a_queue_is_added_and_named_anew_by_an_administrator_alone(web: WebHouse) -> None:
    assert signed_in(web).get("/admin/queues/new").status_code == 403
    client = signed_in(web, "admin")
    made = send(client, "/admin/queues/new", key="Sales", name="Sales", numbers="+1 201 555 0102")
    assert made.headers["Location"] == "/admin/queues/sales/hours"
    for wrong in ({"key": "new"}, {"key": "a b"}, {"key": "support"}, {"name": ""}, {"numbers": "12"}):
        fields = {"key": "other", "name": "Other", "numbers": "", **wrong}
        assert send(client, "/admin/queues/new", **fields).status_code == 422, wrong
    send(client, "/admin/queues/sales/edit", name="Sales and more", numbers="")
    with web.store.look() as work:
        found = work.queue(QueueKey("sales"))
    assert (found.name, found.numbers, found.version) == ("Sales and more", (), 1)


# --- one preview at a time ----------------------------------------------------------------------------------------


class SlowChild:
    """A rehearsal that goes on until it is let go, and says how far it is."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.go_on = threading.Event()

    def __call__(self, module: str, asked: str, told: Told) -> str:
        while not self.go_on.wait(0.01):
            self.told.append(told(40))
            if not self.told[-1]:
                raise Stopped
        return json.dumps({"why": "no_traffic"})


def another_process(web: WebHouse) -> Any:
    """A browser of the same person that reaches another web process."""
    child = SlowChild()
    child.go_on.set()
    web.app.extensions[ERRANDS] = Errands(child)
    return signed_in(web)


def preview_of(attempts: int) -> str:
    return f"{PAGE}/preview?change={json.dumps({'attempts': attempts})}"


def test_everybody_has_one_preview_at_a_time_whichever_process_serves_them(web: WebHouse) -> None:
    child = SlowChild()
    web.app.extensions[ERRANDS] = Errands(child)
    client = signed_in(web)
    assert "0 %" in text(client, preview_of(5))
    eventually(lambda: child.told, every_s=0.01, what="it says how far it is")
    now = f"{PAGE}/preview/now?change={json.dumps({'attempts': 5})}"
    assert "40 %" in text(client, now)
    other = another_process(web)
    assert "40 %" in text(other, preview_of(5)), "seen from the other process, and not begun again"
    assert "Another preview of yours" in text(other, preview_of(6))
    admin = signed_in(web, role="admin")
    assert "Nobody is on record" in text(admin, f"{preview_of(6)}&wait=1"), "somebody else has one of their own"
    child.go_on.set()
    eventually(lambda: "Nobody is on record" in text(other, preview_of(5)), every_s=0.01, what="its answer")
    assert "Another preview of yours" not in text(other, preview_of(7))


def test_a_preview_can_be_stopped_and_a_page_that_still_looks_begins_none(web: WebHouse) -> None:
    child = SlowChild()
    web.app.extensions[ERRANDS] = Errands(child)
    client = signed_in(web)
    assert "Stop it" in text(client, preview_of(5))
    stopped = send(client, f"{PAGE}/preview/stop", change=json.dumps({"attempts": 5}), then="form")
    assert stopped.status_code == 303
    assert 'name="attempts" value="5"' in text(client, stopped.headers["Location"]).replace("  ", " ")
    eventually(lambda: child.told and not child.told[-1], every_s=0.01, what="the child ends")
    now = f"{PAGE}/preview/now?change={json.dumps({'attempts': 5})}"
    eventually(lambda: "The preview was stopped." in text(client, now), every_s=0.01, what="it says so")
    child.go_on.set()
    other = send(client, f"{PAGE}/preview/stop", change=json.dumps({"attempts": 6}), then="preview")
    assert "/preview?" in other.headers["Location"]


def test_a_process_that_died_keeps_nobody_from_the_next_preview_for_long(web: WebHouse) -> None:
    client = signed_in(web)
    assert web.house.runs.begin("somebody", "a", for_s=1.5)
    assert not web.house.runs.begin("somebody", "b", for_s=60)
    eventually(lambda: web.house.runs.begin("somebody", "b", for_s=60), every_s=0.01, what="it is over")
    assert not web.house.runs.tell("somebody", "a", 10, for_s=60), "whoever comes back has lost it"
    assert "Nobody is on record" in text(client, f"{preview_of(5)}&wait=1")


def test_a_child_is_followed_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = 'import sys,time\nsys.stdin.read()\nprint("percent 7",flush=True)\ntime.sleep(60)\n'
    (tmp_path / "slow_errand.py").write_text(slow)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard: list[int] = []

    def told(percent: int) -> bool:
        heard.append(percent)
        return False

    with pytest.raises(Stopped):
        in_a_child("slow_errand", "{}", told)
    assert heard == [7]
