"""Reports are counted as the house goes on: a keeper reads the journal from where it stopped, and adds what is new.

Exactly once: the sums, what is going on and the mark are one transaction, and whoever finds when it comes to writing
that somebody else has moved the mark throws their own away. Counting anew is clearing everything and reading on.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from callback.domain import hours, phone
from callback.domain.callback import Entry
from callback.domain.ids import new_token
from callback.domain.lifecycle import CALL_ENDS, AgentStatus
from callback.domain.policy import Queue
from callback.domain.tallying import Facts, Open, Tallying, key_of
from callback.ports import House, ReportMark, Work

BATCH = 2_000
"""Rows of the journal that are counted in one transaction."""
MOST = 25
"""Batches in one round, so that others get their turn."""
SETTLED = timedelta(seconds=10)
"""Rows are read once what they rest on is written down: live calls and agents, holds, and what callers were told."""


def keep(house: House) -> int:
    """Count what is new; returns how many rows that was."""
    counted = 0
    for _ in range(MOST):
        rows = count(house)
        counted += rows
        if rows < BATCH:
            break
    return counted


def count(house: House) -> int:
    """One batch; returns how many rows of the journal were new."""
    mark = begin(house)
    with house.store.look() as work:
        rows = settled(work.journal(after=mark.seq, limit=BATCH), house.clock.now())
        if not rows:
            return 0
        known = work.report_open({key_of(row) for row in rows})
        found = Tallying(facts(work, rows, known), {**known})
    for row in rows:
        found.read(row)
    changed = {key: state for key, state in found.open.items() if state != known.get(key)}
    with house.store.begin() as work:
        current = work.report_mark(lock=True)
        if current is None or (current.seq, current.run) != (mark.seq, mark.run):
            return 0
        after = ReportMark(rows[-1].seq, rows[-1].at, mark.run)
        work.count_report(found.hours, found.days, found.spreads, changed, after)
    return len(rows)


def begin(house: House) -> ReportMark:
    """Where the counting stands; at first, at the beginning of the journal."""
    with house.store.look() as work:
        mark = work.report_mark()
    if mark is not None:
        return mark
    with house.store.begin() as work:
        first = ReportMark(0, house.clock.now(), new_token())
        work.first_report_mark(first)
        return work.report_mark() or first


def rebuild(house: House, progress: Callable[[int], None] = lambda _: None) -> int:
    """Count everything anew, from the first row of the journal; returns how many rows. `progress` hears of each batch.
    Reports are incomplete meanwhile, and say how far they are."""
    with house.store.begin() as work:
        work.report_mark(lock=True)
        work.clear_report()
    counted = 0
    while rows := count(house):
        counted += rows
        progress(rows)
    return counted


def mend(house: House) -> list[date]:
    """Add up again whichever of this month and the last is not what its days are; returns their first days.

    A version from before there were months leaves what it counts out of them as long as it runs beside this one. What
    both have counted is in the days: so it takes no counting anew, but an hour of patience. Usually there is nothing to
    do, which is seen without a lock."""
    today = house.clock.now().date() + timedelta(days=1)  # wherever on earth it may be that day already
    since = (today.replace(day=1) - timedelta(days=2)).replace(day=1)
    with house.store.look() as work:
        uneven = work.uneven_months(since)
    for month in uneven:
        with house.store.begin() as work:
            if work.report_mark(lock=True) is not None:  # else everything is being counted anew
                work.add_up_month(month)
    return uneven


# --- what the journal does not tell -----------------------------------------------------------------------------


def settled(rows: Sequence[Entry], now: datetime) -> list[Entry]:
    """Those before the first that is too fresh."""
    fresh = next((at for at, row in enumerate(rows) if row.at > now - SETTLED), len(rows))
    return list(rows[:fresh])


def facts(work: Work, rows: Sequence[Entry], known: Mapping[str, Open]) -> Facts:
    """What is needed beside these rows, and what was going on before them."""
    ended = {row.subject for row in rows if row.kind == "call" and row.after in CALL_ENDS}
    made = {row.subject for row in rows if row.kind == "callback" and row.before is None}
    talks = {str(row.data["token"]) for row in rows if row.after == AgentStatus.BUSY and row.data.get("token")}
    talks |= {state["token"] for state in known.values() if state.get("token")}
    zones = zones_of(work.queues())
    return Facts(
        zone=lambda queue: zones.get(queue, zones[""]),
        offered=work.offered(ended),
        held_s=work.held_s(talks),
        joined=work.joined(made),
    )


def zones_of(queues: Iterable[Queue]) -> dict[str, tzinfo]:
    """By queue; "" is that of the house: the first queue's that has one."""
    found = {queue.key: zone for queue in queues if (zone := zone_of(queue)) is not None}
    return {"": found[min(found)] if found else UTC, **found}


def zone_of(queue: Queue) -> tzinfo | None:
    """Where a queue's people live: by its hours, else by its first number."""
    named = hours.zone_of(queue.policy.hours)
    if named is not None:
        return named
    name = phone.zone_of(queue.numbers[0]) if queue.numbers else None
    return ZoneInfo(name) if name else None
