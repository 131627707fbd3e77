"""A process's log file: lines appended, size bounded, and a full disk no reason to stop anything."""

from pathlib import Path

LIMIT_BYTES = 10_000_000


class LineLog:
    """Appends lines to `path`. Beyond `limit` bytes the file becomes `path.1` (one older file is kept)."""

    def __init__(self, path: Path, limit: int = LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit
        self.lost = 0

    def write(self, lines: list[str]) -> None:
        """Appends `lines`; those that cannot be written (a full disk) are counted in `lost`."""
        try:
            self._turn_over()
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError:
            self.lost += len(lines)

    def _turn_over(self) -> None:
        if self._path.exists() and self._path.stat().st_size >= self._limit:
            self._path.replace(self._path.with_name(self._path.name + ".1"))
