"""Ends what a killed supervisor left behind: the grandchildren that the kernel's parent-death signal does not reach.

Run as a script. It reads process groups from its standard input, `+123` when one starts and `-123` when it is gone. The
end of the input is the supervisor's end, however it came about: every group still listed is asked to end, then killed.
"""

import contextlib
import os
import signal
import sys
import time


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(groups: set[int], grace_s: float) -> None:
    for leader in groups:  # the leader alone: it knows how to end its own
        with contextlib.suppress(ProcessLookupError):
            os.kill(leader, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while any(map(_exists, groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Argument: seconds between asking and killing."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line.startswith("+") else groups.discard)(group)
    _end(groups, float(sys.argv[1]))


if __name__ == "__main__":
    main()
