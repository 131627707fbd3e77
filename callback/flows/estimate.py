"""The estimator's work: it reads the journal on, learns, and leaves what it expects of every place in line.

Several may run. Each follows the journal, one leads: it alone learns, stores, and leaves tables. When it dies, its lead
ends by itself within seconds, and another goes on with what was stored last. A reader of a table goes by its age, so
that a house without an estimator, or with one that is stuck, says what the simple rule says.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import structlog

from callback.domain import hours
from callback.domain.errors import InvalidInput
from callback.domain.estimator import Estimator
from callback.domain.following import Following, Shape, shape
from callback.domain.ids import QueueKey
from callback.domain.lifecycle import STAFFED
from callback.domain.policy import Queue
from callback.flows.condition import ESTIMATE
from callback.ports import House, Standing, Waiting

PAST = timedelta(days=28)
MOST_ROWS = 400_000
"""So much of the journal is read again at a start, the sooner end of both."""
PAGE = 1_000
REST_S = 0.5
LEAD_S = 6.0
"""Whoever leads says so three times in this."""
EVERY = timedelta(seconds=2)
AT_MOST = timedelta(seconds=0.25)
"""So long a turn makes tables, those that were made longest ago first; the others have to wait for the next one."""
LOOK_EVERY = timedelta(seconds=10)
ATTEND_EVERY = timedelta(seconds=30)
SHAPE_EVERY = timedelta(seconds=15)
RETRY = timedelta(minutes=10)
"""A pool whose estimator failed is tried again after so long."""
LATE_S = 10.0
"""The journal may be this late; the line knows better only about what is older."""
MOST_PLACES = 5_000
TOLD_EVERY = 20_000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger("callback.estimate")


class Estimation:
    """The work, turn by turn."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._following: Following | None = None
        self._seq = self._goal = self._told = 0
        self._leads = False
        self._unsaved: set[str] = set()
        self._learnt: set[str] = set()
        self._learning: threading.Thread | None = None
        self._published: dict[str, datetime] = {}
        self._differs: dict[str, int] = {}
        self._asked: dict[str, datetime] = {}
        self._failed_at: datetime | None = None

    @property
    def following(self) -> Following | None:
        """What is followed; None before the first turn."""
        return self._following

    @property
    def leads(self) -> bool:
        """Whether this one leaves the tables."""
        return self._leads

    def turn(self) -> float:
        """One turn; the seconds to rest before the next. Raises what the line and the record raise when they are away:
        the next turn goes on where this one stopped."""
        self._house.board.beat(ESTIMATE)
        following = self._begun()
        if not self._read(following):
            return 0.0
        self._lead(following)
        self._compare(following)
        if self._leads:
            self._save(following)
            self._publish(following)
            self._learn(following)
        return REST_S

    def end(self) -> None:
        """Somebody else may lead."""
        self._house.waits.resign()

    # --- from the beginning -----------------------------------------------------------------------------------------

    def _begun(self) -> Following:
        """What is followed, from the beginning again where the pools are not what they were."""
        if self._following is None or (self._is_time("shape", SHAPE_EVERY) and self._outdated(self._following)):
            self._following = self._begin()
        return self._following

    def _outdated(self, following: Following) -> bool:
        with self._house.store.look() as work:
            now = shape(work.queues(), work.agents())
        failed = self._failed_at is not None and self._house.clock.now() - self._failed_at > RETRY
        return failed or now != following.shape

    def _begin(self) -> Following:
        now = self._house.clock.now()
        with self._house.store.look() as work:
            queues, agents = work.queues(), work.agents()
            self._goal = work.last_seq()
            self._seq = max(work.seq_before(now - PAST), self._goal - MOST_ROWS)
        self._told, self._failed_at, self._published = self._seq, None, {}
        self._asked["shape"] = now
        shaped = shape(queues, agents)
        _log.info("estimate.begins", pools=len(shaped.keys), rows=self._goal - self._seq)
        return Following(shaped, lambda key: self._estimator(key, shaped, queues), self._failed)

    def _estimator(self, key: str, shaped: Shape, queues: list[Queue]) -> Estimator:
        """Of one pool: from what is stored, where that can be read."""
        mine = sorted((queue for queue in queues if shaped.of_queue[queue.key] == key), key=lambda queue: queue.key)
        policy = mine[0].policy
        with self._house.store.look() as work:
            stored = work.wait_model(key)
        try:
            return Estimator(policy, hours.zone_of(policy.hours) or UTC, stored=stored)
        except InvalidInput as unread:
            _log.warning("estimate.stored_model_unread", pool=key, why=str(unread))
            fresh = Estimator(policy, hours.zone_of(policy.hours) or UTC)
            fresh.version = stored.version if stored is not None else 0
            return fresh

    def _failed(self, key: str, fault: Exception) -> None:
        self._failed_at = self._house.clock.now()
        _log.error("estimate.failed", pool=key, exc_info=fault)

    # --- the journal ------------------------------------------------------------------------------------------------

    def _read(self, following: Following) -> bool:
        """The next page; whether it was the last."""
        with self._house.store.look() as work:
            page = work.journal(after=self._seq, limit=PAGE)
        for row in page:
            following.feed(row)
        if page:
            self._seq = page[-1].seq
        caught_up = len(page) < PAGE
        if not caught_up:
            self._unsaved |= set(following.learn())
            self._progress()
        elif self._told >= 0:
            self._told = -1
            self._caught_up(following)
        return caught_up

    def _progress(self) -> None:
        if self._told >= 0 and self._seq - self._told >= TOLD_EVERY:
            self._told = self._seq
            _log.info("estimate.reads", seq=self._seq, of=self._goal)

    def _caught_up(self, following: Following) -> None:
        models = {key: one.basis() for key, one in following.estimators.items()}
        _log.info("estimate.reads_along", rows=following.rows, not_understood=following.retelling.unread, **models)

    # --- who leads --------------------------------------------------------------------------------------------------

    def _lead(self, following: Following) -> None:
        if not self._is_time("lead", timedelta(seconds=LEAD_S / 3)):
            return
        led, self._leads = self._leads, self._house.waits.lead(LEAD_S)
        if self._leads and not led:
            self._take_over(following)
        if self._leads != led:
            _log.info("estimate.leads" if self._leads else "estimate.follows")

    def _take_over(self, following: Following) -> None:
        """What another has learnt meanwhile counts."""
        for key, estimator in following.estimators.items():
            with self._house.store.look() as work:
                stored = work.wait_model(key)
            if stored is not None and stored.version > estimator.version:
                estimator.adopt(stored)

    def _learn(self, following: Following) -> None:
        """Beside the turns, so that tables go on being left meanwhile. A model changes hands in one step."""
        if self._learning is not None and self._learning.is_alive():
            return
        self._unsaved |= self._learnt
        self._learnt.clear()
        if following.due:
            self._learning = threading.Thread(target=lambda: self._learnt.update(following.learn()), daemon=True)
            self._learning.start()

    def _save(self, following: Following) -> None:
        for key in sorted(self._unsaved & set(following.estimators)):
            estimator = following.estimators[key]
            stored = estimator.store(self._house.clock.now(), self._seq)
            with self._house.store.begin() as work:
                work.put_wait_model(key, stored)
            self._unsaved.discard(key)
            errors = stored.errors
            _log.info(
                "estimate.learnt",
                pool=key,
                model=stored.version,
                waits=stored.waits,
                share=stored.share,
                mae_s=round(errors.mae_s, 1),
                simple_mae_s=round(errors.simple_mae_s, 1),
            )

    # --- what is expected -------------------------------------------------------------------------------------------

    def _publish(self, following: Following) -> None:
        """Every queue that has changed or has not been told of for a while."""
        now = self._house.clock.now()
        changed, following.retelling.changed = following.retelling.changed, set()
        due = [
            queue
            for queue in following.shape.of_queue
            if queue in changed or now - self._published.get(queue, _NEVER) >= EVERY
        ]
        due.sort(key=lambda queue: self._published.get(queue, _NEVER))
        tables = {}
        for number, queue in enumerate(due):
            if self._house.clock.now() - now > AT_MOST:
                following.retelling.changed |= set(due[number:])
                break
            self._published[queue] = now
            standing = self._standing(following, queue)
            expected = following.table(queue, now, standing.config) if standing is not None else None
            tables[QueueKey(queue)] = expected
        if tables:
            self._house.waits.leave(tables)

    def _standing(self, following: Following, queue: str) -> Standing | None:
        """The queue's line as it is; None where there is nothing to be said of it."""
        estimator = following.estimators.get(following.shape.of_queue[queue])
        if estimator is None or not estimator.ready:
            return None
        standing = self._house.line.standing(QueueKey(queue), None)
        return standing if standing.whole else None

    # --- the line knows better --------------------------------------------------------------------------------------

    def _compare(self, following: Following) -> None:
        """Whoever the journal has lost, or has never let go, is found by counting."""
        if self._is_time("look", LOOK_EVERY):
            for queue in following.shape.of_queue:
                self._count(following, queue)
        if self._is_time("attend", ATTEND_EVERY):
            self._attend(following)

    def _count(self, following: Following, queue: str) -> None:
        standing = self._house.line.standing(QueueKey(queue), None)
        known = len(following.retelling.line(queue))
        differs = standing.whole and standing.live + standing.callbacks != known
        self._differs[queue] = self._differs.get(queue, 0) + 1 if differs else 0
        if self._differs[queue] < 3:
            return
        there = [
            (str(one.entry), one.place, one.score, one.joined_at.timestamp()) for one in self._listing(QueueKey(queue))
        ]
        at = self._house.clock.now().timestamp()
        events = following.retelling.correct(queue, there, at, LATE_S)
        following.see(events)
        self._differs[queue] = 0
        _log.warning("estimate.corrected", queue=queue, known=known, there=len(there), events=len(events))

    def _listing(self, queue: QueueKey) -> Iterator[Waiting]:
        offset = 0
        while offset < MOST_PLACES:
            page = self._house.line.listing(queue, offset=offset, limit=500)
            yield from page
            if len(page) < 500:
                return
            offset += len(page)

    def _attend(self, following: Following) -> None:
        now = self._house.clock.now()
        staffed = following.retelling.staffed()
        for view in self._house.line.agents():
            if (now - view.since).total_seconds() > LATE_S:
                (staffed.add if view.status in STAFFED else staffed.discard)(str(view.key))
        following.see(following.retelling.attend(staffed, now.timestamp()))

    def _is_time(self, what: str, every: timedelta) -> bool:
        now = self._house.clock.now()
        if timedelta(0) <= now - self._asked.get(what, _NEVER) < every:
            return False
        self._asked[what] = now
        return True


Rest = Callable[[float], bool]
"""Waits so many seconds; True: it is time to end."""


def run(house: House, rest: Rest, excused: Callable[[Exception], bool]) -> None:
    """Turn after turn until it is time to end. What is `excused`, because the line or the record is away, is waited
    for."""
    estimation, trouble = Estimation(house), ""
    wait_s = 0.0
    while not rest(wait_s):
        try:
            wait_s = estimation.turn()
            trouble = ""
        except Exception as fault:
            if not excused(fault):
                raise
            if trouble != type(fault).__name__:
                trouble = type(fault).__name__
                _log.warning("estimate.waits", why=str(fault))
            wait_s = 1.0
    estimation.end()
