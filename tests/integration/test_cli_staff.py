"""`callback forecast` and `callback staff` as people and programs use them: from a trace and from the record."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Leg, LegKind
from callback.domain.ids import CallSid, QueueKey
from callback.domain.lifecycle import CallState
from callback.lab import trace
from tests.support.clock import ManualClock
from tests.support.command_line import KEY, CommandLine
from tests.support.predictions import offers

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
AFTER = date(2026, 3, 17)


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def a_trace(folder: Path, weeks: int = 2) -> str:
    """Two busy hours on every weekday, a call every 75 s."""
    rows = [
        f"{day}-{n},support,,{(MONDAY + timedelta(days=day, seconds=75 * n)).isoformat()},answered,5,{99 + n},ann"
        for day in range(7 * weeks + 1)
        if day % 7 < 5
        for n in range(96)
    ]
    file = folder / "past.csv"
    file.write_text("\n".join([",".join(trace.COLUMNS), *rows]), encoding="utf-8")
    return str(file)


def test_a_day_is_staffed_with_and_without_callbacks(line: CommandLine, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"offer_at_wait_s": 30, "stop_offering_at_wait_s": 20}), encoding="utf-8")
    words = (
        "staff",
        "--trace",
        a_trace(tmp_path),
        "--with-callbacks",
        str(policy),
        "--check",
        "2",
        "--shrinkage",
        "0.25",
    )
    data = line.data(*words)
    assert data["day"] == AFTER.isoformat()
    assert len(data["intervals"]) == 8
    busiest = data["intervals"][4]
    assert busiest["without"] >= busiest["erlang"] - 1 >= 2
    assert busiest["paid_without"] > busiest["without"]
    assert busiest["callbacks"] <= busiest["without"]
    assert data["saved_agent_hours"] >= 0
    assert data["with_callbacks"]["agent_hours"] == data["without"]["agent_hours"] - data["saved_agent_hours"]
    assert data["checked"]["without"]["service_level"] > 0.6
    text = line.ok("staff", "--trace", a_trace(tmp_path))
    assert "Tuesday 2026-03-17, target 80/20 in every quarter of an hour" in text
    assert "without callbacks: " in text


def test_a_forecast_is_told_tested_and_drawn(line: CommandLine, tmp_path: Path) -> None:
    past, drawn = a_trace(tmp_path), tmp_path / "day.csv"
    told = line.ok("forecast", "--trace", past, "--out", str(drawn), "--queue", "support")
    assert "Tuesday 2026-03-17: 96 callers" in told
    rows = trace.read(drawn)
    assert 60 < len(rows) < 140
    assert {row.queue for row in rows} == {"support"}
    scores = line.data("forecast", "--trace", past, "--test", str(drawn))
    assert set(scores) == {"callback", "last week", "mean"}
    assert scores["callback"]["days"] == 1


def test_the_record_is_a_past_as_well(line: CommandLine, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'callback.sqlite3'}"
    migrate.upgrade(url)
    now = datetime.now(UTC)
    store = SqlStore(url, KEY)
    with store.begin() as work:
        work.put_queue(QueueKey("support"), "Support", (), now)
        for n in range(60):
            at = now - timedelta(days=1 + n % 3)
            leg = Leg(
                CallSid(f"CA{n}"), LegKind.INBOUND, QueueKey("support"), CallState.COMPLETED, "", at, joined_at=at
            )
            work.put_leg(leg)
    offers(store, ManualClock(now), 20, 15)
    store.close()
    found = CommandLine(tmp_path, DATABASE_URL=url).data("staff", "--queue", "support", "--with-callbacks", "own")
    assert found["day"] == (now.date() + timedelta(days=1)).isoformat()
    assert found["with_callbacks"] is not None
    assert found["take_up"] == {"share": 0.625, "learnt": {"offers": 20, "taken": 15}}
    assert any("hardly more than a guess" in note for note in found["notes"])
    shutil.rmtree(tmp_path / "var", ignore_errors=True)


def test_mistakes_are_told_with_their_remedy(line: CommandLine, tmp_path: Path) -> None:
    past = a_trace(tmp_path)
    assert "say what to look at" in line.refused("staff", code=2)
    assert "write 80/20" in line.refused("staff", "--trace", past, "--target", "80", code=2)
    assert "it has support" in line.refused("staff", "--trace", past, "--queue", "sales", code=2)
    assert "write a day like" in line.refused("staff", "--trace", past, "--day", "tomorrow", code=2)
    assert "no policy of its own" in line.refused("staff", "--trace", past, "--with-callbacks", "own", code=2)
    assert "there is no file" in line.refused("staff", "--trace", past, "--with-callbacks", "x.json", code=2)
    assert "at least a few days before" in line.refused("staff", "--trace", past, "--day", "2026-03-02")
    off = tmp_path / "off.json"
    off.write_text('{"offer_at_wait_s": null}', encoding="utf-8")
    assert "never offers a callback" in line.refused("staff", "--trace", past, "--with-callbacks", str(off))
