"""An agent's own figures, today beside yesterday, and the talks of today with what was written down about them."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import NamedTuple

from callback.domain import ownday
from callback.domain.desk import WrapUp
from callback.domain.ids import AgentKey
from callback.domain.reports import NOTHING, Sums
from callback.flows import wrapup
from callback.web import languages
from callback.web.catalogue import gettext
from callback.web.context import house

ROWS = 4_000
"""Of an agent's journal in two days: more than anybody makes."""
SHOWN = 12
Word = Callable[[], str]


class Figure(NamedTuple):
    """One figure as it is read: today, yesterday, and what it means."""

    name: str
    today: str
    before: str
    meaning: str


def begin(now: datetime) -> datetime:
    """Midnight in the zone of the answer at hand."""
    local = now.astimezone(languages.zone())
    return datetime.combine(local.date(), time(), languages.zone()).astimezone(now.tzinfo)


def shown(agent: AgentKey) -> list[Figure]:
    """Today's figures beside yesterday's."""
    today, before = days(agent)
    return [
        Figure(name(), written(value(today)), written(value(before)), meaning())
        for name, written, value, meaning in FIGURES
    ]


def days(agent: AgentKey) -> tuple[Sums, Sums]:
    """Today and yesterday."""
    now = house().clock.now()
    midnight = begin(now)
    yesterday = begin(midnight - timedelta(hours=12))
    since = yesterday - timedelta(hours=12)
    with house().store.look() as work:
        rows = work.journal(after=work.seq_before(since), limit=ROWS, kind="agent", subject=agent)
        held = work.talks(agent, since=since, until=now)
        found = ownday.days(rows, held, work.wrap_ups(agent, since=since, until=now), languages.zone())
    today, before = (at.astimezone(languages.zone()).date() for at in (now, yesterday))
    return found.get(today, NOTHING), found.get(before, NOTHING)


def talks(agent: AgentKey) -> list[WrapUp]:
    """Today's, newest first, with what is written down."""
    since = begin(house().clock.now())
    with house().store.look() as work:
        written = {one.token: one for one in work.wrap_ups(agent, since=since, until=since + timedelta(days=2))}
        return [written.get(one.token, one) for one in wrapup.talks_of(work, agent, since)[:SHOWN]]


def _count(number: float | None) -> str:
    return f"{number or 0:g}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


FIGURES: tuple[tuple[Word, Callable[[float | None], str], Callable[[Sums], float | None], Word], ...] = (
    (
        lambda: gettext("Calls"), _count, lambda day: day.talks - day.back_talks,
        lambda: gettext("Callers on the line whom you talked with."),
    ),
    (
        lambda: gettext("Callbacks"), _count, lambda day: day.back_talks,
        lambda: gettext("Callers whom we rang, and you talked with."),
    ),
    (
        lambda: gettext("Handling time"), languages.duration, lambda day: day.aht_s,
        lambda: gettext("Talk, hold and wrap-up of one call, on average. The ring is not in it."),
    ),
    (
        lambda: gettext("Ring"), languages.duration, lambda day: day.mean_ring_s,
        lambda: gettext("From a call being yours until you talk."),
    ),
    (
        lambda: gettext("Talk"), languages.duration, lambda day: day.spoken_s,
        lambda: gettext("Without the time on hold."),
    ),
    (
        lambda: gettext("Hold"), languages.duration, lambda day: day.mean_hold_s,
        lambda: gettext("While callers heard music."),
    ),
    (
        lambda: gettext("Wrap-up"), languages.duration, lambda day: day.mean_wrap_s,
        lambda: gettext("After a talk, until you are ready."),
    ),
    (
        lambda: gettext("Missed"), _count, lambda day: day.missed,
        lambda: gettext("Rings that nobody took."),
    ),
    (
        lambda: gettext("Declined"), _count, lambda day: day.declined,
        lambda: gettext("Rings that you declined."),
    ),
    (
        lambda: gettext("Transfers"), _count, lambda day: day.transfers,
        lambda: gettext("Callers whom you passed on."),
    ),
    (
        lambda: gettext("Occupancy"), _share, lambda day: day.occupancy,
        lambda: gettext("Time with callers, of that and the time you were available."),
    ),
    (
        lambda: gettext("First contact"), _share, lambda day: day.first_contact,
        lambda: gettext("Resolved at once, of the calls for which you said so."),
    ),
)  # fmt: skip
