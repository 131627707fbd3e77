"""`callback rehearse` as people and programs use it: from a file, and from a day of the journal."""

import json
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callback.adapters.store import migrate
from callback.adapters.store.sql_store import SqlStore
from callback.domain.callback import Entry
from callback.domain.policy import Policy
from callback.lab.engine import Engine, Setting
from callback.lab.journalled import Journal
from callback.lab.line import Agent
from callback.lab.people import TakeUp
from tests.support.command_line import KEY, CommandLine
from tests.support.rehearsals import AT_ONCE, START, person, seats
from tests.support.traffic import crowd, save

FIGURES = {
    "offers", "take_up", "live_mean_s", "live_p50_s", "live_p90_s", "callback_mean_s", "callback_p50_s",
    "callback_p90_s", "service_level", "abandonment", "unserved_at_closing", "dials", "idle",
}  # fmt: skip


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def words(folder: Path, policy: dict[str, Any], *more: str, calls: int = 300) -> list[str]:
    trace = save(crowd(calls, agents=3), folder / "A.csv")
    (folder / "P.json").write_text(json.dumps(policy))
    return ["rehearse", "--trace", str(trace), "--policy", str(folder / "P.json"), *more]


def against(folder: Path, policy: dict[str, Any]) -> list[str]:
    (folder / "Q.json").write_text(json.dumps(policy))
    return ["--against", str(folder / "Q.json")]


def test_a_policy_is_played_beside_what_was_recorded(line: CommandLine, tmp_path: Path) -> None:
    told = line.data(*words(tmp_path, {"accepting": False, "wrap_up_s": 0}))
    assert told["policies"]["P"].keys() >= FIGURES
    assert told["policies"]["P"]["live_mean_s"] == pytest.approx(told["recorded"]["live_mean_s"], rel=0.1)
    assert told["differences"] == {}
    assert told["callers"] == 300
    assert sum(piece["arrived"] for piece in told["policies"]["P"]["course"]) == 300


def test_two_policies_stand_side_by_side_with_their_difference(line: CommandLine, tmp_path: Path) -> None:
    asked = words(tmp_path, {"accepting": False}, *against(tmp_path, {"offer_at_wait_s": 30}), "--prove")
    told = line.data(*asked)
    assert told["policies"]["P"]["offers"] == 0 < told["policies"]["Q"]["offers"]
    assert told["differences"]["Q"]["offers"]["mean"] == told["policies"]["Q"]["offers"]
    assert told["policies"]["Q"]["breaches"] == 0
    text = line.ok(*asked)
    assert "Q - P" in text
    assert "callbacks offered" in text
    assert "- agents: 3 are named" in text


def test_several_runs_give_intervals_and_the_same_seed_the_same_figures(line: CommandLine, tmp_path: Path) -> None:
    asked = words(tmp_path, {"accepting": False}, *against(tmp_path, {"offer_at_wait_s": 30}), "--runs", "3")
    told = line.data(*asked)
    assert told == line.data(*asked)
    dials = told["differences"]["Q"]["dials"]
    assert dials["low"] < dials["mean"] < dials["high"]
    assert "[" in line.ok(*asked)


def test_a_bad_policy_is_named_field_by_field_with_its_file(line: CommandLine, tmp_path: Path) -> None:
    said = line.refused(*words(tmp_path, {"offer_at_wait": 3, "attempts": 0}))
    assert "P.json cannot be used" in said
    assert "offer_at_wait is not a policy field; did you mean offer_at_wait_s?" in said
    assert "attempts must be" in said


@pytest.mark.parametrize(("text", "told"), [("{", "P.json is not JSON"), ("[]", "must be an object of policy fields")])
def test_a_file_that_is_no_policy_is_refused(line: CommandLine, tmp_path: Path, text: str, told: str) -> None:
    asked = words(tmp_path, {})
    (tmp_path / "P.json").write_text(text)
    assert told in line.refused(*asked)


def test_a_trace_that_cannot_be_read_is_refused_with_the_line(line: CommandLine, tmp_path: Path) -> None:
    asked = words(tmp_path, {})
    (tmp_path / "A.csv").write_text("call_id,queue\n")
    assert "line 1: no column" in line.refused(*asked)


def test_it_has_to_be_told_what_to_play(line: CommandLine, tmp_path: Path) -> None:
    assert "give --trace A.csv, or --day" in line.refused("rehearse", code=2)
    assert "--day needs --queue" in line.refused("rehearse", "--day", "2026-03-02", code=2)
    asked = words(tmp_path, {}, "--queue", "sales")
    assert "the traffic has no queue 'sales'; it has q" in line.refused(*asked, code=2)


def test_a_trace_without_anybody_says_so(line: CommandLine, tmp_path: Path) -> None:
    asked = words(tmp_path, {})
    save([], tmp_path / "A.csv")
    assert "0 callers" in line.ok(*asked)


def test_a_day_of_5_000_calls_takes_no_more_than_a_moment(line: CommandLine, tmp_path: Path) -> None:
    asked = words(tmp_path, {"offer_at_wait_s": 60, "stop_offering_at_wait_s": 30}, calls=5000)
    began = time.process_time()
    line.ok(*asked)
    assert time.process_time() - began < 5  # about 1 s where nobody else works


# --- a day of the journal -----------------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> CommandLine:
    """A house whose journal has a morning of 60 callers."""
    url = f"sqlite:///{tmp_path / 'callback.sqlite3'}"
    line = CommandLine(tmp_path, DATABASE_URL=url)
    migrate.upgrade(url)
    store = SqlStore(url, KEY)
    told: list[Entry] = []
    on_duty, dice = seats(2, 3000, "support"), random.Random(4)
    people = [person(n, 30.0 * n, dice.expovariate(1 / 70), queue="support", willing=dice.random()) for n in range(60)]
    policy = Policy(offer_at_wait_s=30, stop_offering_at_wait_s=20, wrap_up_s=0)
    journal = Journal({"support": policy}, [Agent(seat.agent, seat.queues) for seat in on_duty], START, told.append)
    Engine(Setting(people, on_duty, {"support": policy}, TakeUp.constant(0.5), AT_ONCE), journal).run()
    with store.begin() as work:
        for row in told:
            work.write(row)
    store.close()
    return line


def furnish(house: CommandLine, redis_url: str) -> CommandLine:
    line = CommandLine(house.folder, **{**house.settings, "REDIS_URL": redis_url})
    line.ok("queue", "add", "support", "--number", "+12015550100", "--policy", '{"offer_at_wait_s": 30}')
    for at in range(2):
        line.ok("agent", "add", f"a{at:03d}", "--contact", f"+1201555020{at}", "--queue", "support")
    return line


def test_a_day_of_the_journal_is_played_under_the_policy_in_force_and_another(
    house: CommandLine, redis_url: str, tmp_path: Path
) -> None:
    line = furnish(house, redis_url)
    (tmp_path / "P.json").write_text('{"accepting": false}')
    asked = ["rehearse", "--day", "2026-03-02", "--queue", "support", "--policy", str(tmp_path / "P.json")]
    told = line.data(*asked)
    assert told["callers"] == 60
    assert list(told["policies"]) == ["in force", "P"]
    assert told["policies"]["in force"]["offers"] > 0 == told["policies"]["P"]["offers"]
    assert any("2 were there, when the journal says so" in note for note in told["notes"])
    assert timedelta(seconds=told["interval_s"]) == timedelta(minutes=15)


def test_a_day_on_which_nobody_rang_and_a_queue_that_is_not_there(house: CommandLine, redis_url: str) -> None:
    line = furnish(house, redis_url)
    assert "0 callers" in line.ok("rehearse", "--day", "2026-04-02", "--queue", "support")
    assert "no queue" in line.refused("rehearse", "--day", "2026-03-02", "--queue", "sales")
