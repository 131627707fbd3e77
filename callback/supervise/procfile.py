"""The Procfile as commands: what a platform runs is what `callback run` runs."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from honcho.environ import parse_procfile

from callback.supervise.process import Command


def commands_from(procfile: Path, env: Mapping[str, str]) -> dict[str, Command]:
    """Each line of `procfile` (one command, no pipeline) by its name; the shell runs it, so that `${NAME:-4}` works.

    The programs of this environment are found first. Raises ValueError when a name is used twice, OSError when the file
    cannot be read.
    """
    try:
        lines: dict[str, str] = parse_procfile(procfile.read_text(encoding="utf-8")).processes
    except AssertionError:
        raise ValueError(f"{procfile} names a process twice") from None
    programs = str(Path(sys.executable).parent)
    whole = {**env, "PATH": os.pathsep.join((programs, env.get("PATH", os.defpath))), "PYTHONUNBUFFERED": "1"}
    return {
        name: Command(("/bin/sh", "-c", f"exec {line}"), env=whole, cwd=procfile.parent) for name, line in lines.items()
    }
