"""The command line as people and programs use it: in this process, with an environment of its own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from callback.cli import main

KEY = "k" * 40


class CommandLine:
    """Runs `callback` with the settings given."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings: Mapping[str, str] = {"VAR_DIR": str(folder / "var"), "SECRET_KEY": KEY, **settings}

    def run(self, *words: str, typed: str = "", **more: str) -> Result:
        """One command, whatever comes of it."""
        done = CliRunner().invoke(main, words, input=typed, env={**self.settings, **more})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def ok(self, *words: str, typed: str = "", **more: str) -> str:
        """What a command that succeeds prints."""
        done = self.run(*words, typed=typed, **more)
        assert done.exit_code == 0, done.output
        return done.stdout

    def data(self, *words: str, typed: str = "", **more: str) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.ok(*words, "--json", typed=typed, **more))

    def refused(self, *words: str, typed: str = "", code: int = 1, **more: str) -> str:
        """What a command that fails says."""
        done = self.run(*words, typed=typed, **more)
        assert done.exit_code == code, done.output
        return done.stderr
