"""A day of calls on a real line and record: what was learnt from the journal is what callers are told."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog

from callback.adapters.line.keys import WAITS
from callback.adapters.line.waits import LEADS, RedisWaits
from callback.domain.condition import Part
from callback.domain.ids import CallSid, EntryId, Token
from callback.domain.stored import Stored
from callback.domain.table import GOOD_FOR
from callback.domain.wait import Wait
from callback.flows import condition, configure, estimate, persist
from callback.flows.condition import ESTIMATE, ESTIMATE_S
from callback.flows.estimate import EVERY, Estimation
from callback.flows.look import queue_now
from callback.flows.outlook import expect
from callback.ports import House, Reservation
from tests.support.clock import ManualClock
from tests.support.house import SUPPORT, StagedHouse, on_both
from tests.support.waiting import eventually

LEASE_S = 60.0


class Day:
    """Callers and agents who use the line as the doors and the workers do, without a telephone."""

    def __init__(self, house: House, clock: ManualClock) -> None:
        self._house, self._clock, self._dice = house, clock, random.Random(3)
        self._due: list[tuple[datetime, int, Token | None]] = []
        self._count = 0

    def run(self, calls: int, every_s: float) -> None:
        """So many calls, one every so often; it ends with the last one's arrival."""
        at = self._clock.now()
        for _ in range(calls):
            at += timedelta(seconds=self._dice.expovariate(1 / every_s))
            self._plan(at, None)
        while self._due and self._due[0][0] <= at:
            moment, number, talk = heapq.heappop(self._due)
            self._clock.set(moment)
            if talk is None:
                self._join(CallSid(f"CA{number:032x}"))
            else:
                self._house.line.complete(talk, wrap_up_s=0, now=moment)
                self._talk(self._house.line.match(SUPPORT, lease_s=LEASE_S, token=self._token(), now=moment))
        persist.persist(self._house)

    def _join(self, call: CallSid) -> None:
        line, now = self._house.line, self._clock.now()
        token = self._token()
        standing = line.arrive(
            SUPPORT, call, credit_s=0, number_hash="", language="en", lease_s=LEASE_S, token=token, now=now
        )
        if standing.reservation is None:
            line.hold(
                SUPPORT, EntryId(call), call, score=standing.score, joined_at=now, language="en", lease_s=LEASE_S,
                token=token, now=now,
            )  # fmt: skip
        self._talk(standing.reservation)

    def _talk(self, pairing: Reservation | None) -> None:
        if pairing is not None:
            self._house.line.bridge(pairing.token, now=self._clock.now())
            at = self._clock.now()
            usual_s = 40 if at.minute < 30 else 240  # what no rule knows that has one mean for all talks
            self._plan(at + timedelta(seconds=usual_s * self._dice.uniform(0.8, 1.2)), pairing.token)

    def _plan(self, at: datetime, talk: Token | None) -> None:
        self._count += 1
        heapq.heappush(self._due, (at, self._count, talk))

    def _token(self) -> Token:
        self._count += 1
        return Token(f"rs{self._count:018d}")


@pytest.fixture
def learning(staged: StagedHouse) -> Iterator[StagedHouse]:
    """Two agents at work, and the tables within reach."""
    staged.queue()
    staged.agent("ann")
    staged.agent("bob")
    staged.house = replace(staged.house, waits=RedisWaits(staged.redis, staged.clock, every_s=0))
    with structlog.testing.capture_logs():
        yield staged


def reading_along(house: House) -> Estimation:
    """An estimator that has read everything and said what it expects."""
    estimation = Estimation(house)
    while estimation.turn() == 0:
        pass
    estimation.turn()
    return estimation


def announced(staged: StagedHouse) -> Wait:
    """What somebody is told who calls now."""
    with staged.sql.begin() as work:
        queue = work.queue(SUPPORT)
    return queue_now(staged.house, queue).outlook.wait


def test_after_a_day_of_calls_the_learnt_wait_is_told_and_the_next_estimator_goes_on_with_it(
    learning: StagedHouse,
) -> None:
    Day(learning.house, learning.clock).run(600, 78)
    assert announced(learning).basis.startswith("simple rule")
    first = reading_along(learning.house)

    told = announced(learning)
    assert (len(told.points), told.simple is not None) == (4, True)
    assert told.basis.startswith(("learnt from", "75% learnt", "50% learnt", "25% learnt"))
    with learning.sql.begin() as work:
        [stored] = work.wait_models("support")  # one is kept of a start, however often it has learnt
    model = str(stored.version)
    assert (told.model, stored.waits >= 300) == (model, True)
    assert 0 < stored.errors.mae_s < 1.2 * stored.errors.simple_mae_s
    tell_everybody_in_line(learning)

    assert first.following is not None
    first.following.estimators["support"].standing.model = None  # as if it had enough that is new
    learnt = eventually(lambda: learns_again(learning, first, stored.version), what="it is learnt beside the turns")
    assert learnt is not None
    assert (learnt.version, learnt.waits) == (stored.version + 1, stored.waits)
    stored, model = learnt, str(learnt.version)
    learning.clock.advance(EVERY.total_seconds())
    first.turn()
    assert learning.redis.persist(LEADS), "it leads, however long this machine takes from here"

    second = Estimation(learning.house)  # another process, while the first one leads
    second._house = replace(learning.house, waits=RedisWaits(learning.redis, learning.clock, every_s=0))
    while second.turn() == 0:
        pass
    assert (first.leads, second.leads) == (True, False)
    first.end()
    learning.clock.advance(GOOD_FOR.total_seconds())
    assert announced(learning).model == ""  # nobody renewed it: the simple rule
    second.turn()
    second.turn()
    assert (second.leads, announced(learning).model) == (True, model)
    with learning.sql.begin() as work:
        assert work.wait_models("support")[0] == stored

    configure.put_policy(learning.house, SUPPORT, {"offer_at_wait_s": 77}, by="test")
    assert announced(learning).model == ""  # until it was looked at under this configuration
    learning.clock.advance(3)
    second.turn()
    assert announced(learning).model == model

    learning.redis.hset(WAITS, SUPPORT, "damaged")
    assert announced(learning).basis.startswith("simple rule")


def learns_again(staged: StagedHouse, estimation: Estimation, before: int) -> Stored | None:
    """What is stored once more than before, if it is."""
    estimation.turn()
    with staged.sql.look() as work:
        newest = work.wait_models("support")[0]
    return newest if newest.version > before else None


def tell_everybody_in_line(staged: StagedHouse) -> None:
    """Nobody further back is told less than somebody before them."""
    with staged.sql.begin() as work:
        queue = work.queue(SUPPORT)
    table, now = staged.house.waits.table(SUPPORT), staged.clock.now()
    means = [expect(queue, staged.standing(entry), now, table).mean or 0 for entry in staged.order()]
    assert len(means) > 1
    assert means == sorted(means)


@on_both
def test_an_estimator_follows_calls_and_promises_as_they_come_and_go(learning: StagedHouse) -> None:
    learning.away("bob")
    busy = learning.ring_in("+12015550999")
    learning.talking(busy)
    holding = learning.holding("+12015550111")
    promised = learning.enrolled("+12015550112")
    persist.persist(learning.house)
    estimation = reading_along(learning.house)
    following = estimation.following
    assert following is not None
    floor = following.estimators["support"].watch.floor
    assert [place.entry for place in following.retelling.line("support")] == [holding.sid, promised.id]
    assert (len(floor.talks), floor.staff) == (1, {"ann"})

    busy.hang_up()
    learning.sweep()
    learning.pass_time(25)
    persist.persist(learning.house)
    estimation.turn()
    assert [place.entry for place in following.retelling.line("support")] == [
        waiting for waiting in learning.order() if learning.place(waiting) in ("menu", "hold", "due", "later")
    ]
    assert following.retelling.unread == 0


def test_whoever_the_journal_has_lost_is_found_by_counting(learning: StagedHouse) -> None:
    learning.away("ann")
    learning.away("bob")
    holding = learning.holding("+12015550111")
    persist.persist(learning.house)
    estimation = reading_along(learning.house)
    assert estimation.following is not None
    retelling = estimation.following.retelling
    retelling.places["CAghost"] = replace(retelling.places.pop(holding.sid), entry="CAghost")
    for _ in range(4):
        learning.clock.advance(estimate.LOOK_EVERY.total_seconds())
        estimation.turn()
    assert list(retelling.places) == ["CAghost"]  # as many as there should be: nothing is suspected
    del retelling.places["CAghost"]
    for _ in range(4):
        learning.clock.advance(estimate.LOOK_EVERY.total_seconds())
        estimation.turn()
    assert list(retelling.places) == [holding.sid]


def test_an_estimator_that_falls_silent_is_a_condition_and_a_house_without_one_misses_nothing(
    learning: StagedHouse,
) -> None:
    def missed() -> list[Part]:
        return [one.part for one in condition.look(learning.house) if one.part is Part.ESTIMATOR]

    learning.clock.advance(3600)
    assert missed() == []
    learning.house.board.beat(ESTIMATE)
    assert missed() == []
    learning.clock.advance(ESTIMATE_S + 1)
    assert missed() == [Part.ESTIMATOR]


def test_what_is_away_is_waited_for_and_what_is_wrong_is_not_hidden(learning: StagedHouse) -> None:
    def rest(_: float) -> bool:
        turns.append(learning.steps)
        return len(turns) > 3

    def fail(_: Exception) -> bool:
        return True

    turns: list[object] = []
    broken = replace(learning.house, store=None)  # type: ignore[arg-type]
    estimate.run(broken, rest, fail)
    assert len(turns) == 4
    turns.clear()
    with pytest.raises(AttributeError):
        estimate.run(broken, rest, lambda _: False)
