"""Who stands where, as the journal tells it: the line once more, outside Redis, for an audit to look at.

Whoever waits lies on a shelf of their queue: on hold or due, who can be served; or under the rule by which somebody
behind them may be served first. So a pairing is judged by looking at the heads of a few shelves.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callback.domain.audit.ranked import Key, Ranked
from callback.domain.lifecycle import State
from callback.domain.order import Rule

HOLD, DUE, MENU, LATER = "hold", "due", "menu", "later"
WAITING = frozenset({HOLD, DUE, MENU, LATER})
"""The places of a queue. `reserved`, `busy` and "" (nowhere) are others."""

LATER_BY = {
    "quiet hours": Rule.QUIET_HOURS,
    "the number is in use": Rule.UNREACHABLE,
    "the caller asked for later": Rule.CALLERS_WISH,
}
"""Why somebody stands in line for later, where the reason of the journal tells more than that it is not their time."""
RUNG_AHEAD = frozenset({State.RESERVED, State.DIALING, State.RECONCILING, State.ANSWERED})
"""dial_ahead: states in which somebody keeps their place while they are being rung without an agent."""
ABSENT = {State.SCHEDULED: Rule.CALLERS_WISH, State.RECONCILING: Rule.UNREACHABLE}
"""Why a promise of this state is out of the line and yet not forgotten."""


@dataclass(slots=True)
class Stand:
    """Somebody with a claim to a place. `state` is of a promise, as the record has it ("" for a live call)."""

    id: str
    queue: str
    score: int
    joined: int
    place: str = ""
    reason: str = ""
    state: str = ""
    token: str = ""
    moved: bool = False  # ahead, by somebody with the right to
    shelf: tuple[str, str] | None = None
    lies_at: int = 0

    @property
    def key(self) -> Key:
        """Their place in the order."""
        return self.score, self.id


def label(stand: Stand) -> str:
    """The shelf somebody lies on: `hold`, `due`, or a rule; "" for none."""
    if stand.place in (HOLD, DUE):
        return stand.place
    if stand.place == MENU:
        return Rule.IN_MENU
    if stand.place == LATER:
        if stand.state in RUNG_AHEAD:
            return Rule.UNREACHABLE
        return LATER_BY.get(stand.reason, Rule.NOT_DUE)
    return "" if stand.place or not stand.state else ABSENT.get(State(stand.state), "")


class Shelves:
    """Everybody who waits, by queue and label, in order."""

    def __init__(self) -> None:
        self._shelves: dict[tuple[str, str], Ranked] = {}

    def put(self, stand: Stand) -> None:
        """Where they belong now."""
        name = label(stand)
        wanted = (stand.queue, name) if name else None
        if stand.shelf == wanted and stand.lies_at == stand.score:
            return
        self.take(stand)
        if wanted is not None:
            self._shelves.setdefault(wanted, Ranked()).add(stand.key)
            stand.shelf, stand.lies_at = wanted, stand.score

    def take(self, stand: Stand) -> None:
        """Off the shelf they lie on, if any."""
        if stand.shelf is not None:
            self._shelves[stand.shelf].remove((stand.lies_at, stand.id))
            stand.shelf = None

    def first(self, queue: str, name: str) -> Key | None:
        """Who is first there."""
        shelf = self._shelves.get((queue, name))
        return shelf.first() if shelf else None

    def count_below(self, queue: str, name: str, key: Key) -> int:
        """How many stand before `key` there."""
        shelf = self._shelves.get((queue, name))
        return shelf.count_below(key) if shelf else 0

    def between(self, queue: str, name: str, low: Key | None, high: Key) -> Iterator[Key]:
        """Who stands from `low` to before `high` there."""
        shelf = self._shelves.get((queue, name))
        return shelf.between(low, high) if shelf else iter(())
