"""The console's staffing page: what it asks a child process, what it shows, what it refuses."""

import json
import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from callback.domain.callback import Leg, LegKind
from callback.domain.ids import CallSid, QueueKey
from callback.domain.lifecycle import CallState
from callback.lab import planner
from callback.web.admin.staffing import PLANNER
from callback.web.errands import ERRANDS, MOST, Errands, Told, in_a_child
from tests.support.predictions import offers
from tests.support.web_house import WebHouse, signed_in

PAGE = "/admin/queues/support/staffing"


@pytest.fixture
def web(bare_web: WebHouse) -> WebHouse:
    bare_web.queue()
    return bare_web


def calls(web: WebHouse, days: int) -> None:
    """A call every five minutes from noon to 13:00, on each of the last days."""
    noon = web.clock.now().replace(hour=12, minute=0, second=0, microsecond=0)
    with web.store.begin() as work:
        for day in range(1, days + 1):
            for n in range(12):
                at = noon - timedelta(days=day) + timedelta(minutes=5 * n)
                leg = Leg(CallSid(f"CA{day}-{n}"), LegKind.INBOUND, QueueKey("support"), CallState.COMPLETED, "", at)
                work.put_leg(replace(leg, joined_at=at, waited_s=5.0, handled_s=200.0))


def in_this_process(web: WebHouse) -> list[dict[str, Any]]:
    """Errands are done here, and written down."""
    asked: list[dict[str, Any]] = []

    def child(module: str, text: str, _: Told) -> str:
        assert module == PLANNER
        asked.append(json.loads(text))
        return json.dumps(planner.answer(asked[-1]))

    web.app.extensions[ERRANDS] = Errands(child)
    return asked


def test_tomorrow_is_planned_with_and_without_callbacks(web: WebHouse) -> None:
    calls(web, 21)
    asked = in_this_process(web)
    client = signed_in(web)
    text = client.get(f"{PAGE}?wait=1").get_data(as_text=True)
    assert "agent hours." in text or "Callbacks save no agents" in text
    assert "About 12 callers" in text
    assert "<svg" in text
    assert asked[0]["callbacks"] is True
    assert client.get(f"{PAGE}/plan").get_data(as_text=True).count("Agents with callbacks") > 3
    lines = (
        client.get("/admin/queues/support/staffing.csv?callbacks=on&target=80/20").get_data(as_text=True).splitlines()
    )
    assert lines[0].startswith("begins,calls,low,high,handle_s,patience_s,erlang,without")
    assert len(lines) == 5
    assert len(asked) == 1, "the same question is asked once"


def test_how_many_take_an_offer_is_learnt_and_can_be_told_otherwise(web: WebHouse) -> None:
    calls(web, 21)
    asked = in_this_process(web)
    client = signed_in(web)
    assert "No offer is on record: half of them is a guess." in client.get(PAGE).get_data(as_text=True)
    offers(web.store, web.clock, 80, 60)
    text = client.get(f"{PAGE}?wait=1").get_data(as_text=True)
    assert "Learnt from 80 offers of the last weeks: 70%." in text
    assert 'name="take_up" type="text" value="70"' in text
    client.get(f"{PAGE}?wait=1&take_up=40&callbacks=on&target=80/20")
    assert [one["take_up"] for one in asked] == [0.5, 0.7, 0.4]


def test_little_past_is_said_and_none_is_no_failure(web: WebHouse) -> None:
    in_this_process(web)
    client = signed_in(web)
    assert "Nothing is on record" in client.get(f"{PAGE}?wait=1").get_data(as_text=True)
    calls(web, 3)
    assert "Only 3 days of this queue are on record" in client.get(f"{PAGE}?wait=1").get_data(as_text=True)


def test_mistakes_are_marked_and_nothing_is_worked_out(web: WebHouse) -> None:
    asked = in_this_process(web)
    client = signed_in(web)
    for query in ("target=80", "take_up=x", "promise=0", "day=soon", f"day={date(2100, 1, 1)}", "occupancy=nan"):
        text = client.get(f"{PAGE}?{query}").get_data(as_text=True)
        assert "Please look at the marked fields." in text
        assert 'aria-invalid="true"' in text
    assert client.get("/admin/queues/support/staffing.csv?target=80").status_code == 404
    assert asked == []


def test_a_child_that_dies_is_told_and_not_waited_for(web: WebHouse) -> None:
    def dies(module: str, text: str, told: Told) -> str:
        raise OSError("no such child")

    web.app.extensions[ERRANDS] = Errands(dies)
    client = signed_in(web)
    assert "It could not be worked out." in client.get(f"{PAGE}?wait=1").get_data(as_text=True)


def test_nobody_fills_the_only_place_with_questions_of_their_own() -> None:
    go_on = threading.Event()

    def waits(module: str, text: str, told: Told) -> str:
        go_on.wait(60)
        return text

    errands = Errands(waits)
    taken = [errands.ask(PLANNER, {"day": day}) for day in range(MOST)]
    assert [one.busy for one in (*taken, errands.ask(PLANNER, {"day": MOST}))] == [False] * MOST + [True]
    go_on.set()
    assert errands.ask(PLANNER, {"day": MOST}, wait_s=60).answer == {"day": MOST}, "whoever waits gets a turn"


def test_a_child_knows_nothing_but_what_it_is_asked() -> None:
    asked = {"traffic": [], "zone": "UTC", "day": "2026-03-02", "policy": {}}
    assert json.loads(in_a_child(PLANNER, json.dumps(asked))) == {"why": "nothing_known"}
