"""What a person at the terminal sees of the processes: all of it with a prefix, or only what needs them."""

import os
import re
import signal
from typing import TextIO

from callback.supervise.supervisor import Event, EventKind

COLOURS = ("36", "33", "35", "32", "34", "96", "93", "95")
ERROR = re.compile(r'\b(?:ERROR|CRITICAL)\b|"level": ?"(?:error|critical)"|^Traceback ')
SHOWN_AT_EXIT = 10


class Terminal:
    """Writes events to `stream`, each line under its process's name.

    Unless `verbose`, a process's own lines are shown only when they are errors, and its last ones when it dies; the
    rest is in the log files. Colours are for terminals, and not when NO_COLOR is set.
    """

    def __init__(self, stream: TextIO, *, verbose: bool = False, colour: bool | None = None) -> None:
        self._stream = stream
        self._verbose = verbose
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ if colour is None else colour
        self._names: list[str] = []

    def __call__(self, event: Event) -> None:
        for line in self._lines(event):
            self._write(event.name, line)

    def _lines(self, event: Event) -> list[str]:
        match event.kind:
            case EventKind.LINE:
                return [event.text] if self._verbose or ERROR.search(event.text) else []
            case EventKind.EXITED:
                return self._at_exit(event)
            case _:
                return [f"{event.kind} (pid {event.pid})"] if self._verbose else []

    def _at_exit(self, event: Event) -> list[str]:
        if event.code == 0 and event.restart_in_s is None:
            return []
        again = "" if event.restart_in_s is None else f", starting again in {event.restart_in_s:g} s"
        shown = [] if self._verbose else event.text.splitlines()[-SHOWN_AT_EXIT:]
        return [*shown, f"ended {_how(event.code or 0)}{again}"]

    def _write(self, name: str, line: str) -> None:
        prefix = f"{name:<8}| "
        if self._colour:
            prefix = f"\033[{self._colour_of(name)}m{prefix}\033[0m"
        try:
            self._stream.write(f"{prefix}{line}\n")
            self._stream.flush()
        except OSError:
            self._colour = False  # the terminal is gone; the processes and their logs are not

    def _colour_of(self, name: str) -> str:
        if name not in self._names:
            self._names.append(name)
        return COLOURS[self._names.index(name) % len(COLOURS)]


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
