"""An agent's own figures, today beside yesterday, and the talks of today with what was written down about them."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import NamedTuple

from callback.domain.callback import Entry
from callback.domain.desk import WrapUp
from callback.domain.ids import AgentKey
from callback.domain.workday import Workday, figures
from callback.flows import wrapup
from callback.ports import Work
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


def days(agent: AgentKey) -> tuple[Workday, Workday]:
    """Today and yesterday."""
    now = house().clock.now()
    midnight = begin(now)
    yesterday = begin(midnight - timedelta(hours=12))
    with house().store.look() as work:
        rows = _rows(work, agent, yesterday)
        return (
            _figures(work, agent, rows, midnight, now),
            _figures(work, agent, rows, yesterday, midnight),
        )


def talks(agent: AgentKey) -> list[WrapUp]:
    """Today's, newest first, with what is written down."""
    since = begin(house().clock.now())
    with house().store.look() as work:
        written = {one.token: one for one in work.wrap_ups(agent, since=since, until=since + timedelta(days=2))}
        return [written.get(one.token, one) for one in wrapup.talks_of(work, agent, since)[:SHOWN]]


def _rows(work: Work, agent: AgentKey, since: datetime) -> list[Entry]:
    return work.journal(after=work.seq_before(since - timedelta(hours=12)), limit=ROWS, kind="agent", subject=agent)


def _figures(work: Work, agent: AgentKey, rows: list[Entry], since: datetime, until: datetime) -> Workday:
    before = [row for row in rows if row.at < since][-1:]
    within = [row for row in rows if since <= row.at < until]
    about = work.talks(agent, since=since, until=until), work.wrap_ups(agent, since=since, until=until)
    return figures([*before, *within], *about, since=since, until=until)


def _count(number: float | None) -> str:
    return f"{number or 0:g}"


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


FIGURES: tuple[tuple[Word, Callable[[float | None], str], Callable[[Workday], float | None], Word], ...] = (
    (
        lambda: gettext("Calls"), _count, lambda day: day.calls,
        lambda: gettext("Callers on the line whom you talked with."),
    ),
    (
        lambda: gettext("Callbacks"), _count, lambda day: day.callbacks,
        lambda: gettext("Callers whom we rang, and you talked with."),
    ),
    (
        lambda: gettext("Handling time"), languages.duration, lambda day: day.aht_s,
        lambda: gettext("Ring, talk, hold and wrap-up of one call, on average."),
    ),
    (
        lambda: gettext("Ring"), languages.duration, lambda day: day.ring_s,
        lambda: gettext("From a call being yours until you talk."),
    ),
    (
        lambda: gettext("Talk"), languages.duration, lambda day: day.talk_s,
        lambda: gettext("Without the time on hold."),
    ),
    (
        lambda: gettext("Hold"), languages.duration, lambda day: day.hold_s,
        lambda: gettext("While callers heard music."),
    ),
    (
        lambda: gettext("Wrap-up"), languages.duration, lambda day: day.wrap_up_s,
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
        lambda: gettext("First contact"), _share, lambda day: day.resolved,
        lambda: gettext("Resolved at once, of the calls for which you said so."),
    ),
)  # fmt: skip
