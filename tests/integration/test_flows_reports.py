"""Reports are counted from the journal of a real house: once, in whatever rounds, and the same when counted anew."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from callback.adapters.store.sql_store import SqlStore
from callback.adapters.store.tables import report_months
from callback.domain import ownday
from callback.domain.desk import Code, Wish
from callback.domain.ids import AgentKey
from callback.domain.lifecycle import AgentStatus
from callback.domain.reports import Sums, What
from callback.flows import parted, presence, reports, transfer, wrapup
from callback.ports import House, Span
from tests.support.house import OWN, StagedHouse, on_both

ANN = AgentKey("ann")
HERE = ZoneInfo("America/New_York")
"""Where the queue's number is."""
CODES = (Code("solved", True),)
EVER = Span(date(2000, 1, 1), date(2100, 1, 1))


def whole(staged: StagedHouse) -> dict[str, list[tuple[object, Sums]]]:
    with staged.sql.look() as work:
        return {by: work.report(EVER, by) for by in ("", "day", "hour", "queue", "agent")}


def a_day(staged: StagedHouse) -> None:
    """One caller is held and passed on, one is called back, one hangs up; what came of it is written down."""
    staged.queue()
    staged.agent()
    caller = staged.ring_in()
    agent = caller.agent()
    agent.sid = staged.carrier.receive(to=agent.to, from_=OWN)
    staged.legs[agent.sid] = agent
    agent.pick_up()
    agent.press("1")
    token = staged.pairing().token
    staged.wait(60)
    parted.hold(staged.house, ANN)
    staged.follow()
    caller.dial_ends()
    staged.wait(10)
    staged.queue("billing", ("+12015550199",))
    transfer.pass_on(staged.house, ANN, Wish.QUEUE, "billing")
    staged.follow()
    agent.dial_ends()
    staged.journal()
    midnight = staged.clock.now() - timedelta(hours=6)
    wrapup.save(staged.house, ANN, token, "solved", True, "", CODES, since=midnight)
    wrapup.save(staged.house, ANN, token, "solved", False, "", CODES, since=midnight)
    wrapup.save(staged.house, ANN, token, "solved", False, "more", CODES, since=midnight)
    staged.away()
    other = staged.holding("+12025550188")
    staged.wait(30)
    other.hang_up()
    staged.promise("+12025550177")
    staged.wait(5)
    presence.set_presence(staged.house, ANN, AgentStatus.OFFLINE)
    staged.journal()


@on_both
def test_a_day_is_counted_once_and_the_same_when_it_is_counted_anew(staged: StagedHouse) -> None:
    a_day(staged)
    assert reports.keep(staged.house) > 0
    staged.wait(60)
    reports.keep(staged.house)
    assert reports.keep(staged.house) == 0
    first = whole(staged)
    [(_, sums)] = first[""]
    assert (sums.offered, sums.answered, sums.abandoned, sums.promised, sums.open) == (2, 1, 1, 1, 1)
    assert (sums.talks, sums.transfers, sums.said, sums.resolved) == (1, 1, 1, 0)
    assert (round(sums.hold_s), round(sums.talk_s)) == (10, 70)
    assert [key for key, _ in first["agent"]] == ["ann"]
    heard: list[int] = []
    assert reports.rebuild(staged.house, heard.append) == sum(heard) > 10
    assert whole(staged) == first


@on_both
def test_a_month_that_is_not_what_its_days_are_is_added_up_again(staged: StagedHouse) -> None:
    a_day(staged)
    staged.wait(60)
    reports.keep(staged.house)
    first = whole(staged)
    assert reports.mend(staged.house) == []
    with staged.sql.engine.begin() as sql:
        sql.execute(update(report_months).values(offered=0, talk_s=0))
    assert whole(staged) != first
    month = staged.clock.now().astimezone(HERE).date().replace(day=1)
    assert reports.mend(staged.house) == [month]
    assert whole(staged) == first
    assert reports.mend(staged.house) == []


@on_both
def test_the_desk_and_the_report_say_the_same_of_an_agents_day(staged: StagedHouse) -> None:
    a_day(staged)
    staged.wait(60)
    reports.keep(staged.house)
    now = staged.clock.now().astimezone(HERE)
    since, day = now - timedelta(days=1), now.date()
    with staged.sql.look() as work:
        rows = work.journal(after=0, limit=1000, kind="agent", subject=ANN)
        held, written = work.talks(ANN, since=since, until=now), work.wrap_ups(ANN, since=since, until=now)
        [(_, reported)] = work.report(Span(day, day, agent=ANN), "")
    own = ownday.days(rows, held, written, HERE)[day]
    assert own == reported
    assert own.talks == own.transfers == own.said == 1
    assert own.aht_s == pytest.approx(own.talk_s + own.wrap_s)


def test_the_wait_of_somebody_called_back_is_told_by_hour_and_by_agent(staged: StagedHouse) -> None:
    leg = staged.called()
    staged.wait(7)
    leg.pick_up()
    leg.press("1")
    staged.talking(leg)
    staged.wait(40)
    leg.hang_up()
    staged.journal()
    staged.wait(60)
    reports.keep(staged.house)
    with staged.sql.look() as work:
        for by in ("hour", "agent", "queue"):
            [(key, what, spread)] = work.report_spreads(EVER, by)
            assert (what, sum(spread.values())) == (What.BACK, 1)
            assert key == {"hour": staged.clock.now().astimezone(HERE).hour, "agent": "ann", "queue": "support"}[by]


def test_what_somebody_else_has_counted_meanwhile_is_not_counted_again(staged: StagedHouse) -> None:
    a_day(staged)
    staged.wait(60)
    house = staged.house
    reports.begin(house)

    class Quicker:
        """A record in which another keeper has counted just before we write."""

        def __init__(self, store: SqlStore) -> None:
            self.store, self.done = store, False

        def look(self) -> object:
            return self.store.look()

        def begin(self) -> object:
            if not self.done:
                self.done = True
                reports.keep(house)
            return self.store.begin()

    slow = House(**{**vars(house), "store": Quicker(staged.sql)})
    assert reports.count(slow) == 0
    [(_, sums)] = whole(staged)[""]
    assert sums.offered == 2
