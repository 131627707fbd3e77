"""The console's pages on how true the announced waits were: figures, charts, reasons and CSV."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind
from callback.domain.ids import CallSid, QueueKey
from callback.domain.judged import change, made
from callback.domain.said import Happened, Moment, settle
from callback.ports import Hour
from tests.support.clock import ManualClock
from tests.support.predictions import a_prediction, fill
from tests.support.web_house import WebHouse, signed_in

SUPPORT = "/admin/queues/support/waits"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    yield house
    house.close()


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_data(as_text=True))


def test_nothing_says_so_a_dozen_are_too_few_and_a_hundred_are_judged(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    said = text(client.get(SUPPORT))
    assert "0 callers were told a wait." in said
    assert "Nothing can be judged yet." in said
    assert "Nothing was promised in these days." in said
    fill(web.store, web.clock, 12)
    assert "12 waits: too few to judge how often the range held." in text(client.get(f"{SUPPORT}?days=1"))
    fill(web.store, web.clock, 100, actual_s=300)
    said = text(client.get(f"{SUPPORT}?days=1"))
    assert "held less often than it should" in said
    assert "11% (6 to 18%)" in said
    assert said.count("<svg") == 2
    said = text(client.get(f"{SUPPORT}?lang=zh"))
    assert "区间命中率低于应有水平" in said
    assert "callers were told" not in said
    said = text(client.get("/admin/waits?days=30"))
    assert "11% (6 to 18%)" in said


def test_why_a_number_was_said_and_whether_its_promise_was_kept_stands_in_plain_words(web: WebHouse) -> None:
    now = web.clock.now()
    late = {"promised_from": now - timedelta(minutes=9), "promised_to": now - timedelta(minutes=5)}
    fill(web.store, web.clock, 2, moment=Moment.PROMISE, **late)
    fill(web.store, web.clock, 1)
    said = text(signed_in(web, "viewer").get(SUPPORT))
    for words in (
        "told: 1 to 4 min", "one of ten within 0:20, half within 1:30, eight of ten within 2:30, nine of ten within 3",
        "1:40 on average", "model 7", "The simple rule said", "one of ten within 0:30, half within 2:00",
        "model 7, learnt from 900 waits", "1 on a call", "The wait had reached the threshold.",
        "an agent was there after 1:40", "within the range", "offering: the wait is long",
        "0% (0 to 66%)", "too few to judge", "2 · by", "rung, not talked yet", "too late",
    ):  # fmt: skip
        assert words in said, words
    said = text(signed_in(web, "viewer").get(f"{SUPPORT}?lang=zh"))
    assert "模型 7，学自 900 次等待" in said
    assert "learnt from" not in said


def test_whoever_left_is_judged_and_told_apart(web: WebHouse) -> None:
    row = a_prediction("CA9")
    left = settle(row, [Happened("CA9", "abandoned", row.at + timedelta(seconds=60))])
    known = replace(left, offered_s=150.0)
    hour = Hour(row.queue, row.at.replace(minute=0, second=0, microsecond=0), row.moment, row.model)
    with web.store.begin() as work:
        work.add_predictions([known])
        work.add_tallies({hour: made(row) + change(row, left) + change(left, known)})
    fill(web.store, web.clock, 3)
    said = text(signed_in(web, "viewer").get(SUPPORT))
    for words in ("4, of them 1 of callers who left", "An agent would have been there", "after 2:30", "1:30 → 2:30"):
        assert words in said, words
    answer = web.app.test_client().get("/api/v1/queues/support/waits?days=30", headers=web.token("viewer"))
    assert answer.get_json()["judged_parted"] == 1


def test_the_figures_and_the_predictions_as_csv(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    rows = fill(web.store, web.clock, 3)
    figures = list(csv.DictReader(io.StringIO(text(client.get(f"{SUPPORT}.csv?days=1")))))
    assert sum(int(one["told"]) for one in figures) == 3
    assert {(one["model"], one["mae_s"], one["coverage"]) for one in figures} == {("7", "10.0", "1.0")}
    answer = web.app.test_client().get("/api/v1/queues/support/waits?days=2", headers=web.token("viewer"))
    assert answer.get_json()["told"] == 3
    assert answer.get_json()["announced"]["mae_s"] == 10
    found = list(csv.DictReader(io.StringIO(text(client.get("/admin/queues/support/predictions.csv?days=1")))))
    assert [one["subject"] for one in found] == [row.subject for row in rows]
    assert (found[0]["fate"], found[0]["actual_s"], found[0]["promised_to"]) == ("connected", "100.0", "")


def test_a_call_whose_number_cannot_be_read_is_shown_with_the_way_to_mend_it(web: WebHouse, sqlite_url: str) -> None:
    call, now = CallSid("CA" + "2" * 32), web.clock.now()
    stranger = SqlStore(sqlite_url, "a secret that is gone, long enough for everybody")
    with stranger.begin() as work:
        work.put_leg(Leg(call, LegKind.INBOUND, QueueKey("support"), "ended", "+12015550177", now, now, waited_s=95.0))
        work.add_predictions([a_prediction(call)])
    stranger.close()
    said = text(signed_in(web, "viewer").get(f"/admin/calls/{call}"))
    for words in ("Number unreadable", "<code translate=\"no\">callback reseal</code>", "SECRET_KEY_OLD", "1:35",
                  "told: 1 to 4 min"):  # fmt: skip
        assert words in said, words


def test_a_callers_page_shows_what_they_were_told_and_why(web: WebHouse) -> None:
    client = signed_in(web, "viewer")
    call = CallSid("CA" + "1" * 32)
    made = web.promise()
    with web.store.begin() as work:
        now = web.clock.now()
        work.put_leg(Leg(call, LegKind.INBOUND, made.queue, "waiting", "+12015550177", now, now))
        work.add_predictions([a_prediction(call), replace(a_prediction(made.id), moment=Moment.PROMISE)])
    said = text(client.get(f"/admin/calls/{call}"))
    assert "told: 1 to 4 min" in said
    assert "+12015550177" not in said
    assert "What was said, and why" in text(client.get(f"/admin/callbacks/{made.id}"))
    assert client.get("/admin/calls/CAnobody").status_code == 404


def test_a_callback_whose_record_cannot_be_read_is_shown_with_the_way_to_mend_it(web: WebHouse) -> None:
    made = web.promise()
    web.tear(made.id)
    said = text(signed_in(web, "supervisor").get(f"/admin/callbacks/{made.id}"))
    for words in ("Number unreadable", "<code translate=\"no\">callback reseal</code>", "SECRET_KEY_OLD",
                  "/admin/trouble", "/admin/queues/support/line", "asked through a program"):  # fmt: skip
        assert words in said, words
    assert signed_in(web, "supervisor").get("/admin/callbacks/cbnobody").status_code == 404
