"""Logs that stop nothing: a process's log file with a bounded size, and a stream that may fail, as on a full disk."""

from pathlib import Path

LIMIT_BYTES = 10_000_000


class LineLog:
    """Appends lines to `path`. Beyond `limit` bytes the file becomes `path.1` (one older file is kept)."""

    def __init__(self, path: Path, limit: int = LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit
        self.lost = 0

    def write(self, lines: list[str]) -> None:
        """Appends `lines`, all or none. Those that cannot be written (a full disk) are counted in `lost` until some can
        be, and then the log says how many are missing."""
        gap = [f"({self.lost} lines lost here: the log could not be written)"] if self.lost else []
        try:
            self._turn_over()
            self._append("".join(f"{line}\n" for line in [*gap, *lines]).encode())
        except OSError:
            self.lost += len(lines)
        else:
            self.lost = 0

    def _append(self, data: bytes) -> None:
        with self._path.open("ab", buffering=0) as file:
            at = file.tell()
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError:
                file.truncate(at)  # no half a line
                raise

    def _turn_over(self) -> None:
        if self._path.exists() and self._path.stat().st_size >= self._limit:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
