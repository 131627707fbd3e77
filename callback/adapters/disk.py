"""How much room is left where this machine keeps things, as the system tells it: no file is written to find out."""

import os
from pathlib import Path


class FolderDisk:
    """`callback.ports.Disk` of the disk that `folder` is on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def free(self) -> tuple[int, int] | None:
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return None
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
