"""One process whose clock is wrong, by libfaketime: minutes off for a worker, at will for a Redis.

Redis is the clock of the whole house, so a Redis that believes it is the last night of summer time puts everybody
there.
"""

from datetime import UTC, datetime
from pathlib import Path

PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib64/faketime/libfaketime.so.1")


def library() -> str:
    """The library to load first. Raises AssertionError where it is not installed."""
    found = [path for pattern in PLACES for path in Path("/").glob(pattern.lstrip("/"))]
    assert found, "libfaketime is missing: apt-get install faketime (make chaos does, as root)"
    return str(found[0])


def off_by(seconds: float) -> dict[str, str]:
    """The surroundings of a process whose clock is so far off. What measures spans runs true."""
    return {"LD_PRELOAD": library(), "FAKETIME": f"{seconds:+.0f}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Dial:
    """A clock's dial that can be turned while a program runs by it."""

    def __init__(self, folder: Path) -> None:
        self._offset = folder / "offset"
        self._folder = folder
        self.turn_by(0)

    def turn_by(self, seconds: float) -> None:
        """So many seconds from the true time, from now on."""
        draft = self._offset.with_suffix(".new")
        draft.write_text(f"{seconds:+.3f}s\n", encoding="utf-8")
        draft.replace(self._offset)
        self.seconds = seconds

    def turn_to(self, moment: datetime) -> None:
        """It is that moment now."""
        self.turn_by((moment - datetime.now(UTC)).total_seconds())

    def program(self, binary: Path) -> Path:
        """A program that does what `binary` does, by this clock."""
        wrapped = self._folder / binary.name
        surroundings = {
            "LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": str(self._offset), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        lines = ["#!/bin/sh", *(f"export {name}='{value}'" for name, value in surroundings.items())]
        wrapped.write_text("\n".join([*lines, f'exec {binary} "$@"', ""]), encoding="utf-8")
        wrapped.chmod(0o700)
        return wrapped
