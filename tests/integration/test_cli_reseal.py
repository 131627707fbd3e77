"""A secret key is replaced: everything sealed again, and the old key thrown away."""

import json
from pathlib import Path

import pytest

from callback.adapters.store import migrate
from callback.settings import SettingsError, load
from tests.support.command_line import KEY, CommandLine

NEW = "n" * 40
ROTATED = {"SECRET_KEY": NEW, "SECRET_KEY_OLD": KEY}


@pytest.fixture
def line(tmp_path: Path, redis_url: str) -> CommandLine:
    """A house with an agent, whose name and telephone are sealed under the old key."""
    record = f"sqlite:///{tmp_path / 'callback.sqlite3'}"
    migrate.upgrade(record)
    line = CommandLine(tmp_path, DATABASE_URL=record, REDIS_URL=redis_url)
    line.ok("agent", "add", "ann", "--name", "Ann", "--contact", "+12015550123")
    return line


def test_after_a_rotation_everything_is_sealed_again_and_the_old_key_can_go(line: CommandLine) -> None:
    assert line.data("reseal", "--dry-run", **ROTATED) == {"left": {"agents": 1}}
    told = line.run("reseal", "--number-key", **ROTATED)
    assert told.exit_code == 0
    assert "sealed again" in told.stdout
    assert "only the last key is needed" in told.stdout
    kept = told.stdout.splitlines()[-1]
    assert kept.startswith("numbers:")
    assert line.data("reseal", **ROTATED) == {"resealed": {}, "unreadable": {}, "meanwhile": {}}
    without = {"SECRET_KEY": NEW, "SECRET_KEY_OLD": kept}
    assert line.data("agent", "list", **without)["items"][0]["name"] == "Ann"
    assert line.data("reseal", "--dry-run", **without) == {"left": {}}


def test_while_a_key_is_missing_nobody_is_told_to_throw_one_away(line: CommandLine) -> None:
    done = line.run("reseal", "--json", SECRET_KEY=NEW)
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"resealed": {}, "unreadable": {"agents": 1}, "meanwhile": {}}
    assert "keep every old key" in line.run("reseal", "--number-key", SECRET_KEY=NEW).stdout
    assert "numbers:" not in line.run("reseal", "--number-key", SECRET_KEY=NEW).stdout


def test_the_key_that_only_finds_numbers_is_printed_by_itself(line: CommandLine) -> None:
    line.refused("reseal", "--number-key", "--json", code=2)


@pytest.mark.parametrize("old", [f"numbers:{'a' * 64},{KEY}", "numbers:short", f"{KEY}, numbers:{'g' * 64}"])
def test_a_key_of_numbers_that_is_none_is_a_mistake_of_the_environment(old: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY_OLD") as wrong:
        load({"VAR_DIR": str(tmp_path), "SECRET_KEY": NEW, "SECRET_KEY_OLD": old})
    assert KEY not in str(wrong.value)
    good = f"{KEY},numbers:{'a' * 64}"
    assert load({"VAR_DIR": str(tmp_path), "SECRET_KEY": NEW, "SECRET_KEY_OLD": good}).retired_keys == good.split(",")
