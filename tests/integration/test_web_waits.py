"""The console's pages on how true the announced waits were: figures, charts, reasons and CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callback.domain.callback import Leg, LegKind
from callback.domain.ids import CallSid
from callback.domain.judged import NOTHING, Tally, change, made
from callback.domain.said import Fate, Happened, Moment, Prediction, settle
from callback.ports import Hour
from tests.contract.test_store_told import a_prediction
from tests.support.clock import ManualClock
from tests.support.web_house import WebHouse, signed_in

SUPPORT = "/admin/queues/support/waits"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    yield house
    house.close()


def fill(web: WebHouse, waits: int, *, actual_s: float = 100, **fields: Any) -> list[Prediction]:
    """So many callers were told a wait, a minute apart, and connected after so many seconds."""
    rows, tallies = [], dict[Hour, Tally]()
    for at in range(waits):
        said = a_prediction(f"CA{at:032x}", at=web.clock.now() - timedelta(minutes=at + 1), **fields)
        word = "dialing" if said.moment is Moment.PROMISE else "bridged"
        done = settle(said, [Happened(said.subject, word, said.at + timedelta(seconds=actual_s))])
        hour = Hour(said.queue, said.at.replace(minute=0), said.moment, said.model)
        tallies[hour] = tallies.get(hour, NOTHING) + made(said) + change(said, done)
        rows.append(done)
    with web.store.begin() as work:
        work.add_predictions(list(reversed(rows)))
        work.add_tallies(tallies)
    return rows


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_data(as_text=True))


def test_a_queue_without_a_past_says_so(web: WebHouse) -> None:
    said = text(signed_in(web, "viewer").get(SUPPORT))
    assert "0 callers were told a wait." in said
    assert "Nothing can be judged yet." in said
    assert "Nothing was promised in these days." in said


def test_a_dozen_waits_are_too_few_and_a_hundred_are_judged(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    fill(web, 12)
    assert "12 waits: too few to judge how often the range held." in text(client.get(f"{SUPPORT}?days=1"))
    fill(web, 100, actual_s=300)
    said = text(client.get(f"{SUPPORT}?days=1"))
    assert "held less often than it should" in said
    assert "11 % (6 to 18 %)" in said
    assert said.count("<svg") == 2


def test_why_a_number_was_said_stands_in_plain_words(web: WebHouse) -> None:
    fill(web, 1)
    said = text(signed_in(web, "viewer").get(SUPPORT))
    for words in (
        "told: 1 to 4 min", "p10 0:20, p50 1:30, p80 2:30, p90 3:20, mean 1:40", "model 7", "The simple rule said",
        "p10 0:30, p50 2:00", "learnt", "1 on a call", "The wait had reached the threshold.",
        "an agent was there after 1:40", "within the range", "offering: the wait is long",
    ):  # fmt: skip
        assert words in said, words


def test_promises_are_kept_early_or_late(web: WebHouse) -> None:
    now = web.clock.now()
    late = {"promised_from": now - timedelta(minutes=9), "promised_to": now - timedelta(minutes=5)}
    fill(web, 2, moment=Moment.PROMISE, **late)
    said = text(signed_in(web, "viewer").get(SUPPORT))
    assert "0 % (0 to 66 %)" in said
    assert "too few to judge" in said
    assert "2 · by" in said


def test_all_queues_side_by_side(web: WebHouse) -> None:
    web.queue("billing", "Billing", ("+12015550101",))
    fill(web, 40)
    said = text(signed_in(web, "viewer").get("/admin/waits?days=30"))
    assert "100 % (91 to 100 %)" in said
    assert "Nothing yet." in said


def test_the_figures_and_the_predictions_as_csv(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    rows = fill(web, 3)
    figures = list(csv.DictReader(io.StringIO(text(client.get(f"{SUPPORT}.csv?days=1")))))
    assert sum(int(one["told"]) for one in figures) == 3
    assert {(one["model"], one["mae_s"], one["coverage"]) for one in figures} == {("7", "10.0", "1.0")}
    found = list(csv.DictReader(io.StringIO(text(client.get("/admin/queues/support/predictions.csv?days=1")))))
    assert [one["subject"] for one in found] == [row.subject for row in rows]
    assert (found[0]["fate"], found[0]["actual_s"], found[0]["promised_to"]) == ("connected", "100.0", "")


def test_a_callers_page_shows_what_they_were_told_and_why(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    call = CallSid("CA" + "1" * 32)
    made_it = web.promise()
    with web.store.begin() as work:
        now = web.clock.now()
        work.put_leg(Leg(call, LegKind.INBOUND, made_it.queue, "waiting", "+12015550177", now, now))
        work.add_predictions([a_prediction(call), replace(a_prediction(made_it.id), moment=Moment.PROMISE)])
    assert "told: 1 to 4 min" in text(client.get(f"/admin/calls/{call}"))
    assert "+12015550177" not in text(client.get(f"/admin/calls/{call}"))
    assert "What was said, and why" in text(client.get(f"/admin/callbacks/{made_it.id}"))
    assert client.get("/admin/calls/CAnobody").status_code == 404


def test_in_chinese(web: WebHouse) -> None:
    fill(web, 40, fate=Fate.CONNECTED)
    said = text(signed_in(web, "viewer").get(f"{SUPPORT}?lang=zh"))
    assert "区间" in said
    assert "callers were told" not in said
