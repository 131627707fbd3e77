"""`callback backtest` as people and programs use it."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from callback.lab.trace import Outcome, Row
from tests.support.command_line import CommandLine
from tests.support.traffic import HEADER, crowd, save

COLUMNS = "call_id,queue,arrived_at,waited_s,outcome,p10,p50,p80,p90,mean,cisco,genesys,asterisk,les,hol,ql,qlm,last10"
DAY = 86400.0


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def traffic(folder: Path, train: list[Row], test: list[Row]) -> list[str]:
    """The words that name both files and the place of the predictions."""
    files = save(train, folder / "train.csv"), save(test, folder / "test.csv")
    return ["backtest", "--train", str(files[0]), "--test", str(files[1]), "--out", str(folder / "out.csv")]


def written(folder: Path) -> list[dict[str, str]]:
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_is_written_for_each_call_that_had_to_wait(line: CommandLine, tmp_path: Path) -> None:
    test = crowd(300, seed=2, start=DAY)
    line.ok(*traffic(tmp_path, crowd(300), test))
    rows = written(tmp_path)
    assert ",".join(rows[0]) == COLUMNS
    assert [row["call_id"] for row in rows] == [row.call_id for row in test if row.waited_s > 0]
    assert all(float(row["p10"]) <= float(row["p50"]) <= float(row["p80"]) <= float(row["p90"]) for row in rows)


def test_the_scores_are_those_of_the_file_that_was_written(line: CommandLine, tmp_path: Path) -> None:
    data = line.data(*traffic(tmp_path, crowd(300), crowd(300, seed=2, start=DAY)))
    rows = written(tmp_path)
    for name, column in (("callback", "mean"), ("asterisk", "asterisk")):
        errors = [float(row[column]) - float(row["waited_s"]) for row in rows]
        rase = (sum(error**2 for error in errors) / len(errors)) ** 0.5
        assert data["scores"][name]["rase"] == pytest.approx(rase, abs=0.02)
    inside = sum(float(row["p10"]) <= float(row["waited_s"]) <= float(row["p90"]) for row in rows) / len(rows)
    assert data["scores"]["callback"]["coverage"] == pytest.approx(inside, abs=0.01)


def test_no_prediction_knows_what_comes_after_it(line: CommandLine, tmp_path: Path) -> None:
    test = crowd(400, seed=2, start=DAY)
    line.ok(*traffic(tmp_path, crowd(300), test))
    honest = written(tmp_path)
    moment = test[200].at
    changed = [row if row.at + row.waited_s <= moment else longer(row, moment) for row in test if row.at <= moment]
    line.ok(*traffic(tmp_path, crowd(300), changed))
    predicted = [forecast(row) for row in written(tmp_path)]
    assert len(predicted) > 50
    assert predicted == [forecast(row) for row in honest][: len(predicted)]


def longer(row: Row, moment: float) -> Row:
    """The same row as far as it was known at `moment`, and everything later otherwise."""
    return replace(row, waited_s=row.waited_s + 1000, outcome=Outcome.ABANDONED, handled_s=0.0)


def forecast(row: dict[str, str]) -> dict[str, str]:
    return {name: cell for name, cell in row.items() if name not in ("waited_s", "outcome")}


def test_the_same_files_give_the_same_predictions(line: CommandLine, tmp_path: Path) -> None:
    words = traffic(tmp_path, crowd(300), crowd(300, seed=2, start=DAY))
    line.ok(*words)
    first = written(tmp_path)
    line.ok(*words)
    assert written(tmp_path) == first


def test_traffic_of_the_same_days_counts_as_earlier(line: CommandLine, tmp_path: Path) -> None:
    data = line.data(*traffic(tmp_path, crowd(300), crowd(300, seed=2)))
    assert "1 week(s) earlier" in data["notes"][0]


def test_the_table_names_ours_and_the_field(line: CommandLine, tmp_path: Path) -> None:
    told = line.ok(*traffic(tmp_path, crowd(300), crowd(300, seed=2, start=DAY)))
    for name in ("callback", *COLUMNS.split(",")[-8:]):
        assert f"\n{name} " in told


def test_priorities_are_told_or_learnt(line: CommandLine, tmp_path: Path) -> None:
    words = traffic(tmp_path, crowd(3000, credit=90.0), crowd(100, seed=2, start=9 * DAY, credit=90.0))
    assert line.data(*words)["credit_s"]["vip"] == pytest.approx(90, abs=8)
    words = traffic(tmp_path, crowd(100, credit=90.0), crowd(100, seed=2, start=9 * DAY, credit=90.0))
    assert line.data(*words, "--credit", "vip=30")["credit_s"] == {"vip": 30}


def test_traffic_in_which_nobody_waits_has_no_scores(line: CommandLine, tmp_path: Path) -> None:
    quiet = crowd(20, agents=50)
    assert "nothing to score" in line.ok(*traffic(tmp_path, quiet, quiet))
    assert line.data(*traffic(tmp_path, [], []))["scores"]["callback"] is None


def test_a_file_that_is_no_trace_is_refused_in_plain_words(line: CommandLine, tmp_path: Path) -> None:
    words = traffic(tmp_path, crowd(10), crowd(10))
    (tmp_path / "test.csv").write_text(f"{HEADER}\n1,q,,2026-03-02T09:00:00,answered,soon,1,a\n")
    told = line.refused(*words)
    assert "test.csv" in told
    assert "line 2: waited_s 'soon' is no duration" in told


@pytest.mark.parametrize(("option", "value"), [("--timezone", "Mars/Olympus"), ("--credit", "vip")])
def test_a_wrong_option_is_refused(line: CommandLine, tmp_path: Path, option: str, value: str) -> None:
    assert "give" in line.refused(*traffic(tmp_path, crowd(5), crowd(5)), option, value, code=2)
