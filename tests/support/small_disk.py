"""A disk that is full when a test says so: a small file system in memory, mounted for the test.

Mounting needs root. Where that is missing the test fails and says so: nothing else fills up as a disk does, for every
file at once and with the same errors.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_BALLAST = ".ballast"


class SmallDisk:
    """A folder on a file system of `size_kb`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, leave: int = 0) -> None:
        """Whatever is free is taken, except `leave` bytes: from now on no file grows."""
        free = shutil.disk_usage(self.folder).free - leave
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            try:
                while free > 0:
                    free -= ballast.write(b"\0" * min(free, 4096))
            except OSError:
                return

    def free(self) -> None:
        """Somebody has made room."""
        (self.folder / _BALLAST).unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size_kb: int = 8192) -> Iterator[SmallDisk]:
    """A new file system at `folder`. Raises AssertionError where it cannot be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(
            f"a full disk needs a file system of its own, and mounting one needs root (this is user {os.geteuid()}): "
            f"{done.stderr.strip()}"
        )
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
