"""An order in which anybody's rank is found quickly: the line as an audit replays it.

Sorted keys in chunks of about a thousand: adding, removing and counting cost a few microseconds at any length a line
can have, and need nothing but the standard library.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TypeAlias

Key: TypeAlias = tuple[int, str]
"""A place: score, then entry."""

_CHUNK = 1_000


class Ranked:
    """Keys in order, each once."""

    def __init__(self, chunk: int = _CHUNK) -> None:
        self._chunk = chunk
        self._chunks: list[list[Key]] = []
        self._lasts: list[Key] = []

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def add(self, key: Key) -> None:
        """In its place. A key that is there must not be added again."""
        if not self._chunks:
            self._chunks.append([key])
            self._lasts.append(key)
            return
        at = min(bisect_left(self._lasts, key), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, key)
        self._lasts[at] = chunk[-1]
        if len(chunk) > 2 * self._chunk:
            self._chunks[at : at + 1] = [chunk[: self._chunk], chunk[self._chunk :]]
            self._lasts[at : at + 1] = [chunk[self._chunk - 1], chunk[-1]]

    def remove(self, key: Key) -> None:
        """Raises KeyError."""
        at = bisect_left(self._lasts, key)
        chunk = self._chunks[at] if at < len(self._chunks) else []
        where = bisect_left(chunk, key)
        if where == len(chunk) or chunk[where] != key:
            raise KeyError(key)
        del chunk[where]
        if chunk:
            self._lasts[at] = chunk[-1]
        else:
            del self._chunks[at], self._lasts[at]

    def first(self) -> Key | None:
        """The lowest, None where there is nobody."""
        return self._chunks[0][0] if self._chunks else None

    def count_below(self, key: Key) -> int:
        """How many are lower than `key`."""
        if not self._chunks or key <= self._chunks[0][0]:
            return 0
        at = bisect_left(self._lasts, key)
        before = sum(len(chunk) for chunk in self._chunks[:at])
        return before + (bisect_left(self._chunks[at], key) if at < len(self._chunks) else 0)

    def between(self, low: Key | None, high: Key) -> Iterator[Key]:
        """Those from `low` (None: the first) to below `high`, in order."""
        for at in range(bisect_left(self._lasts, low) if low is not None else 0, len(self._chunks)):
            for key in self._chunks[at]:
                if key >= high:
                    return
                if low is None or key >= low:
                    yield key
