"""What those who left would have waited: the offered wait of callers who hung up or took a promise.

To learn from the served alone is to learn from the short waits. But a line that goes on tells what a caller would have
waited who left it: until the first time that somebody who stood behind them is served. The agent of that moment would
have been theirs, or they would have had one before.
"""

from bisect import insort

from callback.domain.floor import Event, Floor, Left, Served

LONGEST_S = 1800.0
"""When nobody from behind is served for so long after the caller left, the line has stopped, and nothing is known."""


class Offered:
    """Follows a floor: to be told of each event just before the floor is."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._left: list[tuple[float, float, str, float]] = []

    def before(self, event: Event) -> list[tuple[str, float]]:
        """Who has become known by this event, and the seconds they would have waited from joining."""
        if isinstance(event, Left) and self._floor.stands(event.call):
            place = self._floor.place(event.call)
            insort(self._left, (place.score, event.at, event.call, place.joined.at))
        if not isinstance(event, Served) or not self._floor.stands(event.call):
            return []
        score = self._floor.place(event.call).score
        over = 0
        while over < len(self._left) and self._left[over][0] < score:
            over += 1
        known = [(call, event.at - joined) for _, at, call, joined in self._left[:over] if event.at - at <= LONGEST_S]
        del self._left[:over]
        return known
