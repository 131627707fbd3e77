"""The reports' pages: what is asked, who may ask it, and the same figures as a file."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from callback.flows import reported
from callback.ports import Span
from tests.support.clock import ManualClock
from tests.support.counted import fill
from tests.support.web_house import WebHouse, signed_in

PAGE = "/admin/reports"


@pytest.fixture
def web(redis_url: str, sqlite_url: str, clock: ManualClock) -> Iterator[WebHouse]:
    house = WebHouse(redis_url, sqlite_url, clock, "http://callback.test")
    house.queue()
    house.queue("billing", "Billing", ("+12015550101",))
    house.agent("ann")
    yield house
    house.close()


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_data(as_text=True))


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(answer))))


def test_an_empty_house_is_told_kindly(web: WebHouse) -> None:
    client = signed_in(web, "supervisor")
    for path in (PAGE, f"{PAGE}/management", f"{PAGE}/agents"):
        said = text(client.get(path))
        assert "No reports yet" in said
        assert "<table" not in said


def test_every_figure_stands_with_its_meaning_beside_the_days_before(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=14)
    client = signed_in(web, "viewer")
    said = text(client.get(PAGE))
    assert "Answered within 20 seconds, of those answered" in said
    assert "against before" in said
    assert "The last of them counts until" in said
    assert said.count("data-chart") == 3
    said = text(client.get(f"{PAGE}?period=yesterday&target=60&queue=billing&by=hour&show=asa"))
    assert "Answered within 60 seconds, of those answered" in said
    assert 'value="billing" selected' in said
    assert "The last of them counts until" not in said
    said = text(client.get(f"{PAGE}?period=28&by=week&lang=zh"))
    assert "Answered within" not in said
    said = text(client.get(f"{PAGE}/management?period=28&hourly=36,5"))
    assert "Rated 4 or 5 of 5" in said


def test_one_place_on_the_axis_is_no_picture(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=2)
    said = text(signed_in(web, "viewer").get(f"{PAGE}?period=yesterday&by=day"))
    assert "data-chart" not in said
    assert "Service level" in said


def test_what_cannot_be_asked_is_said_in_words(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=2)
    client = signed_in(web, "viewer")
    for wrong in ("from=2026-02-30&to=2026-03-01", "from=2026-03-02&to=2026-03-01", "from=1970-01-01&to=2026-03-01"):
        assert "Choose two days in the past" in text(client.get(f"{PAGE}?period=own&{wrong}"))
    assert "Choose two days" not in text(client.get(f"{PAGE}?period=own&from=2026-03-01&to=2026-03-02"))
    assert "Write an amount" in text(client.get(f"{PAGE}/management?hourly=much"))
    assert "Nothing in these days" in text(client.get(f"{PAGE}?period=own&from=2020-01-01&to=2020-01-02"))
    assert text(client.get(f"{PAGE}?by=nothing&target=7&show=none&queue=none&period=x"))


def test_a_file_has_every_figure_and_agrees_with_the_page(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=3)
    client = signed_in(web, "viewer")
    by_day = rows(client.get(f"{PAGE}.csv?period=7&by=day"))
    [*_, today] = by_day
    assert {"day", "offered", "service_level", "wait_p90", "reached", "aht", "occupancy", "cost"} <= today.keys()
    first = web.clock.now().date() - timedelta(days=6)
    found = reported.report(web.house, Span(first, web.clock.now().date()), "day", web.clock.now().tzinfo)  # type: ignore[arg-type]
    assert sum(int(row["offered"]) for row in by_day) == found.whole.sums.offered > 0
    by_queue = rows(client.get(f"{PAGE}.csv?period=7&by=queue"))
    assert [(row["queue"], row["name"]) for row in by_queue] == [("billing", "Billing"), ("support", "Support")]
    assert sum(int(row["offered"]) for row in by_queue) == found.whole.sums.offered
    by_hour = rows(client.get(f"{PAGE}.csv?period=7&by=hour"))
    assert sum(int(row["answered"]) for row in by_hour) == found.whole.sums.answered


def test_waits_are_told_of_every_part_in_table_chart_and_file(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=35)
    client = signed_in(web, "supervisor")
    waits = ("wait_p50", "wait_p90", "back_p50", "back_p90")
    for by in ("hour", "day", "week", "queue"):
        busy = [row for row in rows(client.get(f"{PAGE}.csv?period=28&by={by}")) if int(row["answered"]) > 20]
        assert busy
        assert all(0 < float(row["wait_p50"]) < float(row["wait_p90"]) for row in busy)
        assert all(0 < float(row["back_p50"]) < float(row["back_p90"]) for row in busy)
        said = text(client.get(f"{PAGE}?period=28&by={by}&table=waits"))
        assert said.split('id="parts"')[1].split("</thead>")[0].count("Long wait") == 1
    for path in ("agents.csv?period=28", "agents.csv?period=28&agent=ann&by=week"):
        parts = [row for row in rows(client.get(f"{PAGE}/{path}")) if int(row["talks"]) > 50]
        assert len(parts) >= 2
        assert all(float(row[key]) > 0 for row in parts for key in waits)
    said = text(client.get(f"{PAGE}/agents?period=28&show=back_p90"))
    assert "Long time to agent, called back" in said.split("figcaption")[1]


def test_the_days_before_have_their_waits_as_well(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=14)
    client = signed_in(web, "viewer")
    for period in ("7", "own&from=2026-02-24&to=2026-02-26"):
        row = (
            text(client.get(f"{PAGE}?period={period}"))
            .split("Half of those answered waited no longer")[1]
            .split("</tr>")[0]
        )
        assert row.count(":") >= 3, "now, before and the change"


def test_agents_are_for_supervisors_and_nobody_else(web: WebHouse) -> None:
    fill(web.store, web.clock.now(), days=3, agents=("ann", "=cmd"))
    viewer, supervisor = signed_in(web, "viewer"), signed_in(web, "supervisor")
    for path in (f"{PAGE}/agents", f"{PAGE}/agents.csv"):
        assert viewer.get(path).status_code == 403
        assert signed_in(web, "agent", agent="ann").get(path).status_code == 403
    assert f"{PAGE}/agents" not in text(viewer.get(PAGE))
    said = text(supervisor.get(f"{PAGE}/agents"))
    assert "agent=ann" in said
    said = text(supervisor.get(f"{PAGE}/agents?agent=ann"))
    assert "In parts" in said
    assert "Occupancy" in said
    named = rows(supervisor.get(f"{PAGE}/agents.csv"))
    assert [row["agent"] for row in named] == ["'=cmd", "ann"]
    assert "day" in next(iter(rows(supervisor.get(f"{PAGE}/agents.csv?agent=ann"))))
