"""An agent's own day in figures, from what the journal tells of them.

Each row says when they came into a status, so the time until the next row was spent in it. A talk begins with `busy`,
a ring with `reserved`; a ring that ends elsewhere was missed, declined, or lost to a caller who hung up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise, zip_longest

from callback.domain.callback import Entry
from callback.domain.desk import Talk, Wish, WrapUp
from callback.domain.ids import EntryId, Token, consults_for, is_callback
from callback.domain.lifecycle import AgentStatus


class Unanswered(StrEnum):
    """Why an agent is away who was rung: the words are those of the journal."""

    MISSED = "missed the ring"
    LEFT = "hung up before the caller"
    DECLINED = "declined the call"


MISSED = frozenset({Unanswered.MISSED, Unanswered.LEFT})
"""What the agent did not choose, and may not have noticed."""
DECLINED = Unanswered.DECLINED


@dataclass(frozen=True)
class Workday:
    """Counts and seconds. A mean, or a share from 0 to 1, is None where nothing was counted.

    `ring_s`, `talk_s`, `hold_s` and `wrap_up_s` are means per talk (talk without hold); `aht_s` is their sum.
    """

    calls: int = 0
    callbacks: int = 0
    missed: int = 0
    declined: int = 0
    transfers: int = 0
    ring_s: float | None = None
    talk_s: float | None = None
    hold_s: float | None = None
    wrap_up_s: float | None = None
    aht_s: float | None = None
    occupancy: float | None = None
    resolved: float | None = None


def figures(
    rows: Sequence[Entry], talks: Sequence[Talk], wrap_ups: Iterable[WrapUp], *, since: datetime, until: datetime
) -> Workday:
    """The day from `since` to before `until`.

    Args:
        rows: the agent's rows of the journal, in order; one from before `since` tells how the day began.
        talks: those of theirs that were held or passed on.
        wrap_ups: what they wrote down.

    Occupancy is the time at work (ringing, talking, wrapping up) over that and the time available. First-contact
    resolution is over the talks of which it was said.
    """
    spent = seconds(rows, since, until)
    asked = [(row, end) for row, end in pairwise(rows) if row.after == AgentStatus.BUSY and only_asked_in(row, end)]
    begun = [
        row
        for row in rows
        if row.after == AgentStatus.BUSY and since <= row.at < until and all(row is not one for one, _ in asked)
    ]
    callbacks = sum(is_callback(EntryId(str(row.data.get("entry", row.cause)))) for row in begun)
    away = [row.reason for row in rows if row.after == AgentStatus.AWAY and since <= row.at < until]
    held = sum(talk.held_s for talk in talks)
    said = [one.resolved for one in wrap_ups if one.resolved is not None]
    ring, talk, wrap_up, free = (spent[status] for status in STATUSES)
    at_work = ring + talk + wrap_up
    talk -= sum(max((min(end.at, until) - max(row.at, since)).total_seconds(), 0.0) for row, end in asked)
    count = len(begun)
    return Workday(
        calls=count - callbacks,
        callbacks=callbacks,
        missed=sum(reason in MISSED for reason in away),
        declined=away.count(DECLINED),
        transfers=sum(one.wish not in (Wish.NONE, Wish.HOLD) for one in talks),
        ring_s=mean(ring, count),
        talk_s=mean(max(talk - held, 0), count),
        hold_s=mean(held, count),
        wrap_up_s=mean(wrap_up, count),
        aht_s=mean(ring + talk + wrap_up, count),
        occupancy=mean(at_work, at_work + free),
        resolved=mean(sum(said), len(said)),
    )


def only_asked(token: str, entry: str, end: Entry) -> bool:
    """Whether a colleague asked them about a caller from then on until `end`, and they did not take the caller: that is
    time at work, and no talk. Whoever takes the caller ends the talk with them."""
    return consults_for(Token(token)) is not None and end.data.get("entry") == entry


def only_asked_in(row: Entry, end: Entry) -> bool:
    """The same of a row with which they became busy."""
    token, entry = str(row.data.get("token", "")), str(row.data.get("entry", row.cause))
    return only_asked(token, entry, end)


STATUSES = (AgentStatus.RESERVED, AgentStatus.BUSY, AgentStatus.WRAP_UP, AgentStatus.AVAILABLE)


def seconds(rows: Sequence[Entry], since: datetime, until: datetime) -> dict[AgentStatus, float]:
    """How long they were in each status."""
    spent = dict.fromkeys(AgentStatus, 0.0)
    for row, following in zip_longest(rows, rows[1:]):
        begin, stop = max(row.at, since), min(following.at, until) if following else until
        spent[AgentStatus(row.after)] += max((stop - begin).total_seconds(), 0)
    return spent


def mean(total: float, count: float) -> float | None:
    """None of nothing."""
    return total / count if count else None
