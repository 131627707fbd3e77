"""Where a run of the tests keeps its files: in memory where there is room, so that no commit waits for a disk.

Thousands of tests commit to SQLite, which waits for the disk each time, as it must in production. A test can end a
process but not cut the power, so the waiting proves nothing, and on an ordinary disk it is a third of the whole run.
"""

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

DISK = os.environ.setdefault("TESTS_ON_DISK", tempfile.gettempdir())
"""Where files would be otherwise, and where those belong that somebody will look at afterwards; inherited."""
MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30
"""Several times what a whole run needs."""
KEPT_S = 3600
TAKEN_AWAY_LATER = "pymp-"
"""What `multiprocessing` removes when this process ends, and misses if it is gone."""
PREFIX = f"callback-tests-{os.getuid()}-"


def move_in() -> Path | None:
    """From now on this process, and those it starts, make their temporary files in a new folder in memory.

    Gives that folder, or None where there is no room: then everything stays where it was. What a run left there that
    failed, or was killed, is kept for an hour at least.
    """
    for left in MEMORY.glob(f"{PREFIX}*"):
        ended = not Path("/proc", left.name.removeprefix(PREFIX)).exists()
        if ended and time.time() - left.stat().st_mtime > KEPT_S:
            shutil.rmtree(left, ignore_errors=True)
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return None
    folder = MEMORY / f"{PREFIX}{os.getpid()}"
    folder.mkdir(exist_ok=True)  # open to others: PostgreSQL may run as somebody else, in a folder of its own in there
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    return folder


def move_out(folder: Path) -> None:
    """The end of a run in which nothing failed."""
    os.environ.pop("TMPDIR", None)
    tempfile.tempdir = None
    for path in folder.iterdir():
        if not path.name.startswith(TAKEN_AWAY_LATER):
            shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
