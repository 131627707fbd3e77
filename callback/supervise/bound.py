"""Becomes the command it is given, after asking the kernel to end it when its supervisor dies.

Run as a script between the supervisor and each command: setting this in the forked child itself would run Python
between fork and exec, which is unsafe as soon as the supervisor's process has a second thread.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Arguments: the supervisor's pid, then the command. Exits with 127 when the command cannot be run."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    try:
        os.execvp(command[0], command)
    except OSError as refused:
        print(f"error: cannot run {command[0]}: {refused.strerror}", file=sys.stderr)  # noqa: T201 -- no logging here
        sys.exit(127)


if __name__ == "__main__":
    main()
