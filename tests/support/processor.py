"""How long a thread was ready to go on and had no processor: on a crowded machine that is nobody's slowness."""

import contextlib
from pathlib import Path

HERE = Path("/proc/thread-self")


def kept_waiting_s(*threads: Path) -> float:
    """Seconds since they began, of these threads together (folders of /proc). 0 for one that is gone."""
    return sum(_of(thread) for thread in threads)


def children(pid: int) -> list[Path]:
    """The first threads of the processes that a process has started."""
    with contextlib.suppress(OSError):
        return [Path("/proc", child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _of(thread: Path) -> float:
    with contextlib.suppress(OSError):
        _ran, waited, _times = (thread / "schedstat").read_text().split()
        return int(waited) / 1e9
    return 0.0
