"""Which agents take which kinds of calls, as far as what they took tells.

Of a dozen agents at work, three may speak the caller's language. Nobody writes that down in recorded traffic, and what
is written down in a house is not always what is done. But an agent who took a hundred calls and none of a kind that is
a tenth of all does not take that kind. Those who wait for the three stand in each other's way; those who wait for the
others hardly do.
"""

from collections.abc import Collection, Mapping

AGENT_FADE, ALL_FADE = 1 - 1 / 200, 1 - 1 / 2000
"""The last 200 calls of an agent say what they take, the last 2,000 of all what there was to take."""
PRIOR_CALLS = 5.0
"""An agent of whom nothing is known takes everything, as if seen at so many calls."""
FULLY_AT = 0.5
"""Who takes half of a fair share of a kind is fully able: there are habits, and turns in who is free."""

Group = int | None


class Skills:
    """Told of each call that an agent takes."""

    def __init__(self) -> None:
        self._took: dict[str, dict[Group, float]] = {}
        self._all: dict[Group, float] = {}
        self._able: dict[str, dict[Group, float]] = {}

    def took(self, agent: str, group: Group) -> None:
        """An agent begins to talk with a caller of this group."""
        if not agent:
            return
        mine = self._took.setdefault(agent, {})
        _fade(mine, AGENT_FADE, group)
        _fade(self._all, ALL_FADE, group)
        calls, everything = sum(mine.values()) + PRIOR_CALLS, sum(self._all.values())
        self._able[agent] = {
            one: min((mine.get(one, 0.0) * everything / count + PRIOR_CALLS) / calls / FULLY_AT, 1.0)
            for one, count in self._all.items()
        }

    def able(self, agent: str, group: Group) -> float:
        """How far this agent takes calls of this group: 1 fully or unknown, near 0 where they never do."""
        known = self._able.get(agent)
        return 1.0 if known is None else known.get(group, 1.0)

    def rivals(self, group: Group, ahead: Mapping[Group, int], agents: Collection[str]) -> float:
        """How many of those ahead, counted by group, will take an agent from somebody of `group`.

        Whoever can be taken by all of these agents counts for the share of them who could take the other as well.
        """
        if len(self._all) < 2 or not agents:
            return float(sum(ahead.values()))
        mine = [self.able(agent, group) for agent in agents]
        count = 0.0
        for theirs, many in ahead.items():
            able = [self.able(agent, theirs) for agent in agents]
            both = sum(one * other for one, other in zip(mine, able, strict=True))
            count += many * both / max(sum(able), 1e-3)
        return count


def _fade(counts: dict[Group, float], keep: float, group: Group) -> None:
    for one in counts:
        counts[one] *= keep
    counts[group] = counts.get(group, 0.0) + 1
