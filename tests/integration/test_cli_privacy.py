"""`callback export` and `callback erase` as people and programs use them."""

import csv
import json
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callback import doctor, wiring
from callback.adapters.store import migrate
from callback.domain.callback import Agent, Callback, Entry, Leg, LegKind, Served, Source
from callback.domain.erasure import Stage
from callback.domain.ids import AgentKey, CallSid, QueueKey
from callback.flows import enrol
from callback.lab import trace
from callback.settings import load
from tests.support.command_line import CommandLine
from tests.support.emulator import ACCOUNT_SID, AUTH_TOKEN, Emulator, running_emulator
from tests.support.emulator import NUMBER as OWN

ADA, BOB, NAME = "+12015550123", "+12015550177", "Zoë Unmistakable"
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
DAYS = (
    "--from", f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}",
    "--to", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}",
)  # fmt: skip
"""Whatever is written during this run, by any clock; it may go on beyond midnight."""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record without anything in it, to be copied."""
    path = tmp_path_factory.mktemp("record") / "empty.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    with running_emulator() as emulator:
        yield emulator


@pytest.fixture
def quiet(tmp_path: Path, redis_url: str, record: Path, carrier: Emulator) -> CommandLine:
    """A queue, and a carrier."""
    shutil.copy(record, tmp_path / "callback.sqlite3")
    line = CommandLine(
        tmp_path, REDIS_URL=redis_url, DATABASE_URL=f"sqlite:///{tmp_path / 'callback.sqlite3'}",
        TWILIO_ACCOUNT_SID=ACCOUNT_SID, TWILIO_AUTH_TOKEN=AUTH_TOKEN, TWILIO_API_BASE_URL=carrier.url,
    )  # fmt: skip
    line.ok("queue", "add", "support", "--number", OWN, "--policy", '{"offer_at_waiting": 1}')
    return line


@pytest.fixture
def line(quiet: CommandLine) -> CommandLine:
    """Two promises."""
    with house(quiet) as built:
        for number, name in ((ADA, NAME), (BOB, "Somebody Else")):
            promise(built, number, name=name)
    return quiet


def promise(built: wiring.Built, number: str, **wish: Any) -> Callback:
    made, _ = enrol.request(
        built.house, queue=QueueKey("support"), number=number, source=Source.CONSOLE, idempotency=None, cause="test",
        **wish,
    )  # fmt: skip
    return made


@contextmanager
def house(line: CommandLine) -> Iterator[wiring.Built]:
    built = wiring.build(load(line.settings))
    try:
        yield built
    finally:
        built.store.close()
        built.redis.close()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- one person -----------------------------------------------------------------------------------------------------


def test_everything_that_is_held_on_one_person_is_told_as_json_and_of_nobody_else(line: CommandLine) -> None:
    told = json.loads(line.ok("export", "--number", "+1 201-555-0123"))
    assert told["number"] == ADA
    assert set(told["held"]) == {"callbacks", "texts", "journal", "exports"}
    callback = told["held"]["callbacks"]["rows"][0]
    assert (callback["number"], callback["name"], callback["state"]) == (ADA, NAME, "waiting")
    assert told["held"]["callbacks"]["what"]
    assert callback["created_at"].endswith("Z")
    text = json.dumps(told)
    for never in ("token", "number_hash", "Somebody Else", BOB):
        assert never not in text
    assert json.loads(line.ok("export", "--callback", callback["id"], "--json"))["number"] == ADA


def test_a_file_is_its_owners_alone_and_never_written_over_unasked(line: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "ada.json"
    line.ok("export", "--number", ADA, "--out", str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text())["number"] == ADA
    out.write_text("mine")
    assert "there already" in line.refused("export", "--number", ADA, "--out", str(out))
    assert out.read_text() == "mine"
    line.ok("export", "--number", ADA, "--out", str(out), "--force")
    assert json.loads(out.read_text())["number"] == ADA


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--number", ADA, "--callback", "cb1"),
        ("--number", ADA, "--from", TODAY),
        ("--from", TODAY),
        ("--from", TODAY, "--out", "a", "--trace", "b.csv"),
        ("--from", TODAY, "--to", "2020-01-01", "--out", "a"),
    ],
)
def test_whoever_asks_for_two_things_or_none_is_told_how(line: CommandLine, words: tuple[str, ...]) -> None:
    line.refused("export", *words, code=2)


def test_a_callback_that_is_not_there_is_said_so(line: CommandLine) -> None:
    assert "there is no callback" in line.refused("export", "--callback", "cb404")
    assert "there is no callback" in line.refused("erase", "--callback", "cb404", "--yes")


# --- some days ------------------------------------------------------------------------------------------------------


def test_days_are_files_in_which_nobody_is_named(line: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "days"
    done = line.data("export", *DAYS, "--out", str(out))
    assert {Path(file["path"]).name: file["rows"] for file in done["files"]} == {
        "callbacks.csv": 2, "attempts.csv": 0, "calls.csv": 0, "texts.csv": 2, "wrap_ups.csv": 0, "ratings.csv": 0,
        "predictions.csv": 0, "journal.csv": done["files"][-2]["rows"], "acts.csv": done["files"][-1]["rows"],
    }  # fmt: skip
    rows = read(out / "callbacks.csv")
    assert {row["number"] for row in rows} == {"'+1201•••0123", "'+1201•••0177"}
    assert {row["name"] for row in rows} == {""}
    everything = "".join(path.read_text() for path in out.iterdir())
    for never in (ADA, BOB, NAME, "2015550123", "/c/"):
        assert never not in everything
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert "data.export" in (out / "acts.csv").read_text(), "the export itself is an act"


def test_with_numbers_is_with_names_and_words_too_and_one_line_a_row(line: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "days"
    line.ok("export", *DAYS, "--out", str(out), "--format", "jsonl", "--with-numbers")
    rows = [json.loads(text) for text in (out / "callbacks.jsonl").read_text().splitlines()]
    assert {(row["number"], row["name"]) for row in rows} == {(ADA, NAME), (BOB, "Somebody Else")}
    assert "token" not in rows[0]
    assert (out / "texts.jsonl").read_text().count("body") == 2


def test_days_without_anything_are_files_with_a_head(line: CommandLine, tmp_path: Path) -> None:
    done = line.data("export", "--from", "2020-01-01", "--out", str(tmp_path / "none"))
    assert {file["rows"] for file in done["files"]} == {0}
    assert (tmp_path / "none" / "callbacks.csv").read_text().startswith("id,queue,state,number,")
    assert "there already" in line.refused("export", "--from", "2020-01-01", "--out", str(tmp_path / "none"))


# --- a trace ---------------------------------------------------------------------------------------------------------


def test_a_trace_of_the_house_is_what_backtest_reads(quiet: CommandLine, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=200)
    micros = round(began.timestamp() * 1_000_000)
    told = [("call", "CA1", None, "arrived", 0), ("call", "CA1", "arrived", "waiting", 5),
            ("call", "CA1", "waiting", "bridged", 65), ("agent", "ann", "reserved", "busy", 65),
            ("call", "CA1", "bridged", "completed", 165), ("agent", "ann", "busy", "wrap_up", 165),
            ("agent", "ann", "wrap_up", "available", 185)]  # fmt: skip
    with house(quiet) as built, built.store.begin() as work:
        work.put_agent(Agent(AgentKey("ann"), "Ann", "client:ann", (Served(QueueKey("support")),)), began)
        for kind, subject, before, after, second in told:
            data = {"joined": micros, "score": micros, "agent": "ann", "entry": "CA1"}
            at = began + timedelta(seconds=second)
            work.write(Entry(at, kind, subject, before, after, "test", "CA1", "support", data))
    out = tmp_path / "a.csv"
    words = ("--from", f"{began:%Y-%m-%d}", "--trace", str(out), "--queue", "support")
    assert quiet.data("export", *words)["files"] == [{"path": str(out), "rows": 1}]
    (row,) = trace.read(out)
    assert (row.call_id, row.queue, row.outcome, row.agent) == ("CA1", "support", "answered", "ann")
    assert row.waited_s == pytest.approx(65)
    assert row.handled_s == pytest.approx(120)
    assert "there already" in quiet.refused("export", *words)
    assert "no queue" in quiet.refused("export", *words[:-1], "nobody", "--force", code=2)


# --- erasing ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_there_is_and_changes_nothing(line: CommandLine) -> None:
    held = line.data("erase", "--number", ADA, "--dry-run")
    assert held["number"] == "+1201•••0123"
    assert held["held"] == {"callbacks": 1, "texts": 1, "journal": 1}
    assert len(held["open_callbacks"]) == 1
    assert json.loads(line.ok("export", "--number", ADA))["held"]["callbacks"]["rows"][0]["name"] == NAME
    assert "1 open: cancelled first" in line.ok("erase", "--number", ADA, "--dry-run")


def test_it_asks_before_it_forgets(line: CommandLine) -> None:
    done = line.run("erase", "--number", ADA, typed="n\n")
    assert done.exit_code == 1
    assert "Forget all of it?" in done.stderr
    assert json.loads(line.ok("export", "--number", ADA))["held"]["callbacks"]
    assert "add --yes" in line.refused("erase", "--number", ADA, "--json", code=2)


def test_somebody_is_forgotten_here_and_at_the_carrier(line: CommandLine, carrier: Emulator, tmp_path: Path) -> None:
    client = carrier.client()
    sid = carrier.call_in(from_=ADA)
    carrier.act(sid, "hang_up")
    carrier.wait(sid, "ended")
    kept = carrier.call_in(from_=BOB)
    carrier.act(kept, "hang_up")
    carrier.wait(kept, "ended")
    with house(line) as built, built.store.begin() as work:
        now = datetime.now(UTC)
        work.put_leg(Leg(CallSid(sid), LegKind.INBOUND, QueueKey("support"), "abandoned", ADA, now, ended_at=now))
        work.suppress(ADA, "did not ask", now)
    line.ok("export", "--number", ADA, "--out", str(tmp_path / "ada.json"))

    done = line.data("erase", "--number", ADA, "--yes")

    assert done["done"]
    assert done["erased"] == {"texts": 1, "exports": 1, "calls": 1, "callbacks": 1}
    assert [export["place"] for export in done["exports"]] == [str(tmp_path / "ada.json")]
    assert client.calls.list(from_=ADA) == []
    assert [call.sid for call in client.calls.list(from_=BOB)] == [kept]
    again = json.loads(line.ok("export", "--number", ADA))
    assert set(again["held"]) == {"suppressed", "exports"}, "what protects them, and this very export"
    with house(line) as built, built.store.look() as work:
        assert [act.what for act in work.acts(what="data.erase")] == ["data.erase"]
        assert ADA not in repr(work.acts(limit=100))
        assert work.erasures()[0].stage is Stage.DONE
    assert "done" in line.ok("erase", "--list")
    assert line.data("audit")["ok"]
    assert "stays: is never rung" in line.ok("erase", "--number", ADA, "--yes")


def test_a_carrier_that_cannot_be_reached_is_left_to_the_workers(line: CommandLine) -> None:
    words = ("erase", "--number", ADA, "--yes")
    done = line.run(*words, TWILIO_API_BASE_URL="http://127.0.0.1:9")
    assert done.exit_code == 1
    assert "forgotten here; at the carrier not yet" in done.stdout
    (known,) = line.data("erase", "--list")
    assert (known["stage"], known["error"]) == ("blanked", "no connection to the carrier")
    assert line.data(*words, "--not-at-carrier")["id"] == known["id"], "the same wish, brought to its end"


def test_whoever_is_on_the_phone_is_forgotten_later(line: CommandLine) -> None:
    with house(line) as built, built.store.begin() as work:
        leg = Leg(CallSid("CA5"), LegKind.INBOUND, QueueKey("support"), "bridged", BOB, datetime.now(UTC))
        work.put_leg(leg)
    done = line.run("erase", "--number", BOB, "--yes")
    assert done.exit_code == 1
    assert "they are on the phone with us" in done.stdout
    with house(line) as built, built.store.begin() as work:
        work.put_leg(replace(leg, ended_at=datetime.now(UTC)))
    assert line.data("erase", "--number", BOB, "--yes")["done"]


def test_our_own_number_is_not_forgotten(line: CommandLine) -> None:
    assert "a number of this house" in line.refused("erase", "--number", OWN, "--yes")


def test_without_knowing_who_nobody_is_forgotten(line: CommandLine) -> None:
    line.refused("erase", code=2)
    line.refused("erase", "--number", ADA, "--callback", "cb1", code=2)
    assert line.data("erase", "--list") == []


def test_the_doctor_says_whom_nobody_has_forgotten_for_a_day(line: CommandLine) -> None:
    line.run("erase", "--number", ADA, "--yes", TWILIO_API_BASE_URL="http://127.0.0.1:9")
    with house(line) as built:
        with built.store.look() as work:
            (wish,) = work.erasures()
        assert list(doctor.forgetting([wish], wish.asked_at + timedelta(hours=23))) == []
        (check,) = doctor.forgetting([wish], wish.asked_at + timedelta(days=2))
    assert check.verdict is doctor.Verdict.WARN
    assert "no connection to the carrier" in check.found
