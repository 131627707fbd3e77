"""What callers are told, from the step that tells it into the record, joined there to what happens.

A step notes it in memory and goes on. A keeper reads the stream of it, and the journal behind the same mark: each new
prediction is joined to what the journal knows of its subject already, and each new line of the journal to the
predictions that wait for it. One transaction under one lock does both, so that none slips between the two, and each is
judged once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

import structlog

from callback.domain import wait
from callback.domain.callback import Callback, Entry
from callback.domain.errors import NotFound
from callback.domain.ids import CallSid, EntryId, QueueKey
from callback.domain.judged import NOTHING, Tally, change, made
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.offer import Decision, Reason
from callback.domain.policy import Queue
from callback.domain.said import (
    OFFERED_WITHIN,
    PARTED,
    TELLING,
    Happened,
    Moment,
    Prediction,
    Saying,
    parted,
    prediction,
    settle,
)
from callback.flows import poison
from callback.flows.hook import Place
from callback.flows.outlook import Outlook, closes_in_s, present
from callback.ports import Hour, House, SaidMark, Standing, Work

BATCHES = 10
"""Batches of the stream that are written at once: 500 predictions at the most, so that a slow record takes them too."""
MOST = 100
"""Transactions in one round, should there be so much to do."""
ENTRIES = 1_000
"""Lines of the journal that are read at once."""
SLICE = 2_000
"""Predictions that are forgotten in one transaction, so that nobody waits for it."""
KINDS = ("call", "callback")
_log = structlog.get_logger("callback.said")


# --- said -------------------------------------------------------------------------------------------------------


def tell(
    house: House,
    queue: Queue,
    subject: str,
    moment: Moment,
    standing: Standing,
    outlook: Outlook,
    now: datetime,
    *,
    told: bool = True,
    joined_at: datetime | None = None,
    promised: tuple[datetime, datetime] | None = None,
) -> None:
    """Somebody is told their wait now, or (not `told`) an offer was decided for them. Costs no round trip."""
    house.said.note(
        Saying(
            at=now,
            queue=QueueKey(queue.key),
            subject=subject,
            moment=moment,
            told=told,
            position=standing.position if standing.whole else None,
            joined_at=joined_at or standing.joined_at,
            agents=standing.agents,
            measured=standing.measured,
            live=standing.live,
            outstanding=standing.callbacks,
            offering_before=standing.offering,
            wait=outlook.wait,
            offering=outlook.decision.offering,
            reason=outlook.decision.reason,
            sentence=outlook.decision.sentence,
            policy_version=queue.version,
            promised=promised,
        )
    )


def promise(
    house: House, queue: Queue, callback: Callback, standing: Standing, outlook: Outlook, now: datetime
) -> None:
    """A promise was made, with its window. One for a later time says nothing about the wait."""
    window = (callback.promised_from, callback.promised_to)
    later = callback.state is State.SCHEDULED
    tell(
        house,
        queue,
        callback.id,
        Moment.PROMISE,
        standing,
        replace(outlook, wait=wait.UNKNOWN) if later else outlook,
        now,
        joined_at=None if later else callback.joined_at,
        promised=(window[0], window[1]) if window[0] is not None and window[1] is not None else None,
    )


def moved(house: House, callback: Callback, now: datetime) -> None:
    """A promise was moved to another time, at the caller's wish: a promise of its own."""
    queue = house.book.queue(callback.queue)
    standing = house.line.standing(callback.queue, None)
    promise(house, queue, callback, standing, present(house, queue, standing, now), now)


def refused(house: House, place: Place, call: CallSid, reason: str, sentence: str) -> None:
    """They wanted to be called back, and nobody could promise it any more."""
    queue, now = house.book.queue(place.queue), house.clock.now()
    standing = house.line.standing(place.queue, EntryId(call))
    outlook = present(house, queue, standing, now)
    decision = Decision(False, Reason(reason), sentence)
    tell(house, queue, call, Moment.REFUSED, standing, replace(outlook, decision=decision), now, told=False)


# --- recorded ---------------------------------------------------------------------------------------------------


@dataclass
class _Changes:
    """What one transaction adds: sums, and predictions that have changed."""

    tallies: defaultdict[Hour, Tally] = field(default_factory=lambda: defaultdict(lambda: NOTHING))
    judged: int = 0

    def count(self, said: Prediction, tally: Tally) -> None:
        hour = Hour(said.queue, said.at.replace(minute=0, second=0, microsecond=0), said.moment, said.model)
        self.tallies[hour] += tally
        self.judged += tally.ours.scored

    def settle(self, said: Prediction, news: Sequence[Happened]) -> Prediction:
        done = settle(said, news)
        if done != said:
            self.count(said, change(said, done))
        return done


def record(house: House) -> int:
    """Write down what was said since the last time, and join what has happened; returns how many predictions. What
    comes meanwhile is left to the next time, so that others get their turn."""
    written = 0
    for _ in range(MOST):
        if not news(house):
            break
        try:
            new, more = write(house, BATCHES)
        except Exception as fault:
            if poison.excused(house, fault):
                raise
            new, more = write_one(house)  # the next round begins behind the batch that spoils this one
        written += new
        if not more:
            break
    return written


def news(house: House) -> bool:
    """Whether there is anything to write: asked without taking anybody's turn to write."""
    with house.store.look() as work:
        mark = work.said_mark()
        return work.last_seq() > mark.seq or bool(house.said.drain(mark.stream, 1))


def write_one(house: House) -> tuple[int, bool]:
    """One batch by itself; passed over where the record refuses what it says."""
    try:
        return write(house, 1)
    except Exception as fault:
        if poison.excused(house, fault):
            raise
        with house.store.begin() as work:
            mark = work.said_mark(lock=True)
            drained = house.said.drain(mark.stream, 1)
            if not drained:
                raise
            work.set_said_mark(replace(mark, stream=drained[0][0]))
        _log.error("said.refused", entry=drained[0][0], lost=len(drained[0][1]), error=str(fault))
        return 0, True


def write(house: House, batches: int) -> tuple[int, bool]:
    """One transaction's worth; returns how many predictions were new, and whether there is surely more."""
    with house.store.begin() as work:
        mark = work.said_mark(lock=True)
        drained = house.said.drain(mark.stream, batches)
        entries = work.journal(after=mark.seq, limit=ENTRIES)
        upto = entries[-1].seq if entries else mark.seq
        new = [predicted(house, one) for _, batch in drained for one in batch]
        changes = _Changes()
        join(work, changes, entries)
        added = add(work, changes, new, upto)
        judge_parted(work, changes, takings(work, entries, added, upto))
        work.add_tallies(changes.tallies)
        last = drained[-1][0] if drained else mark.stream
        work.set_said_mark(SaidMark(last, upto, mark.written + len(new), mark.judged + changes.judged))
    if drained:
        house.said.forget(last)
    return len(new), len(drained) == batches or len(entries) == ENTRIES


def predicted(house: House, said: Saying) -> Prediction:
    """With the one input that the webhook did not stop to note: it is known from the policy, unless that has changed
    since."""
    try:
        queue = house.book.queue(said.queue)
    except NotFound:
        return prediction(said)
    same = queue.version == said.policy_version
    return prediction(said, closes_in_s(queue.policy, said.at) if same else None)


def join(work: Work, changes: _Changes, entries: Iterable[Entry]) -> None:
    """What has happened, to the predictions that wait for it."""
    happened: defaultdict[str, list[Happened]] = defaultdict(list)
    for entry in entries:
        if entry.kind in KINDS and entry.after in TELLING:
            happened[entry.subject].append(Happened(entry.subject, entry.after, entry.at))
    waiting = work.unsettled(happened)
    settled = [(before, changes.settle(before, happened[before.subject])) for before in waiting]
    work.save_predictions([after for before, after in settled if after != before])


def add(work: Work, changes: _Changes, new: Sequence[Prediction], upto: int) -> list[Prediction]:
    """New predictions, with what the journal knows of their subjects already, as far as it has been read."""
    happened: defaultdict[str, list[Happened]] = defaultdict(list)
    for one in work.happened({said.subject for said in new}, upto=upto):
        happened[one.subject].append(one)
    for said in new:
        changes.count(said, made(said))
    settled = [changes.settle(said, happened[said.subject]) for said in new]
    work.add_predictions(settled)
    return settled


def takings(work: Work, entries: Sequence[Entry], added: Iterable[Prediction], upto: int) -> list[Entry]:
    """The rows by which agents were taken for somebody: those that are news, and where a new prediction is of somebody
    who left before them, those from there on."""
    left = [said.fate_at for said in added if said.fate in PARTED and said.fate_at is not None]
    rows: Iterable[Entry] = entries
    if left:
        rows = work.journal(after=work.seq_before(min(left)), limit=ENTRIES, kind="agent")
    return [row for row in rows if row.kind == "agent" and row.after == AgentStatus.RESERVED and row.seq <= upto]


def judge_parted(work: Work, changes: _Changes, rows: Sequence[Entry]) -> None:
    """Whoever left before an agent was theirs, by the agents who were taken since."""
    for queue in sorted({row.queue for row in rows}):
        mine = [row for row in rows if row.queue == queue]
        gone = work.parted(QueueKey(queue), since=mine[0].at - OFFERED_WITHIN)
        taken = work.taken(mine) if gone else []
        known = []
        for before, score in gone:
            after = reduce(lambda said, one, score=score: parted(said, score, one), taken, before)  # type: ignore[misc]
            if after != before:
                changes.count(before, change(before, after))
                known.append(after)
        work.save_predictions(known)


def forget_old(house: House) -> int:
    """A slice of what is older than the installation keeps; returns how many."""
    before = house.clock.now() - timedelta(days=house.knobs.predictions_days)
    with house.store.begin() as work:
        return work.forget_predictions(before=before, limit=SLICE)
