"""Work that takes seconds, done beside the pages that ask for it: in a process of its own, one at a time.

A page asks, shows that it is being worked out, and asks again until the answer is there. Whoever asks the same within
the hour gets the same answer. Answers are kept by each web process for itself; losing them costs a few seconds.
"""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

import structlog
from flask import current_app

ERRANDS = "callback.errands"
KEPT = 64
KEPT_S = 3600.0
LIMIT_S = 300.0
"""A child that takes longer is ended."""
AGAIN_S = 20.0
"""So long after a failure the same is not tried again."""

Json = dict[str, Any]
Child = Callable[[str, str], str]
"""Runs a module with this on its standard input, and gives what it writes."""

_log = structlog.get_logger("callback.errands")


def in_a_child(module: str, asked: str) -> str:
    """The module in a Python of its own. Raises CalledProcessError, TimeoutExpired, OSError."""
    done = subprocess.run(
        [sys.executable, "-m", module], input=asked, capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    return done.stdout


@dataclass
class Errand:
    """Something asked for. `answer` is there once `done` is set; None then: it failed."""

    began: float
    done: threading.Event = field(default_factory=threading.Event)
    answer: Json | None = None


class Errands:
    """The errands of one process."""

    def __init__(self, child: Child = in_a_child, now: Callable[[], float] = monotonic) -> None:
        self._child, self._now = child, now
        self._known: OrderedDict[str, Errand] = OrderedDict()
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def ask(self, module: str, asked: Mapping[str, Any], *, wait_s: float = 0.0) -> Errand:
        """The errand for this question, begun now if it is new; waits up to so many seconds for its answer."""
        text = json.dumps(asked, sort_keys=True)
        key = f"{module} {text}"
        with self._lock:
            errand = self._known.get(key)
            if errand is None or self._stale(errand):
                errand = self._known[key] = Errand(self._now())
                threading.Thread(target=self._run, args=(errand, module, text), daemon=True).start()
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        errand.done.wait(wait_s)
        return errand

    def _stale(self, errand: Errand) -> bool:
        age = self._now() - errand.began
        failed = errand.done.is_set() and errand.answer is None
        return age > (AGAIN_S if failed else KEPT_S)

    def _run(self, errand: Errand, module: str, text: str) -> None:
        try:
            with self._one_at_a_time:
                errand.answer = json.loads(self._child(module, text))
        except (OSError, ValueError, subprocess.SubprocessError) as failure:
            said = getattr(failure, "stderr", "") or ""
            _log.error("an errand failed", module=module, error=str(failure), said=str(said)[-2000:])
        finally:
            errand.done.set()


def errands() -> Errands:
    """Those of the application at hand."""
    return cast(Errands, current_app.extensions.setdefault(ERRANDS, Errands()))
