"""What is wrong with the house as a whole: found by one look, told once, and without any promise meanwhile."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from callback.adapters.line.board import LANES, RedisBoard
from callback.adapters.line.client import make_client
from callback.adapters.line.keys import BEAT_LOCK, BOARD
from callback.domain.condition import WORDS, Condition, Part, Severity
from callback.domain.errors import NotAccepting
from callback.domain.lifecycle import AgentStatus, State
from callback.domain.offer import Reason
from callback.flows import account, condition, look
from callback.ports import CarrierBusy, CarrierStopped, House, OutcomeUnknown
from tests.support.clock import ManualClock
from tests.support.house import ADA, OWN, SUPPORT, StagedHouse, stage
from tests.support.redis_server import RedisServer

OTHER = "+12015550199"
REFUSED = CarrierStopped("401: authenticate", 20003)


@pytest.fixture
def staged(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock) -> Iterator[StagedHouse]:
    """A house that minds its workers."""
    with stage(request, redis_url, tmp_path, clock, gone_s=30) as house:
        house.queue()
        yield house


@dataclass(frozen=True)
class Away:
    """A backend that cannot be reached."""

    name: str
    since: datetime | None
    why: str = "refused"


@dataclass(frozen=True)
class Room:
    """A disk with so many bytes left."""

    left: int
    total: int = 10**12

    def free(self) -> tuple[int, int]:
        return self.left, self.total


def alive(staged: StagedHouse, *lanes: str) -> None:
    """Workers and a beat give their signs of life."""
    staged.house.board.beat(*(lanes or LANES), "tick")
    staged.redis.set(BEAT_LOCK, "beat")


def found(house: House) -> list[tuple[Part, str]]:
    return [(one.part, one.word) for one in condition.look(house)]


def offer(staged: StagedHouse) -> Reason:
    return look.queue_now(staged.house, staged.house.book.queue(SUPPORT)).outlook.decision.reason


# --- workers and the beat -----------------------------------------------------------------------------------------


def test_a_house_that_was_just_started_is_in_no_trouble(staged: StagedHouse) -> None:
    assert found(staged.house) == []


@pytest.mark.parametrize(
    ("silent", "ticking", "expected"),
    [
        ((), True, []),
        (("dial", "messages"), True, [(Part.WORKERS, "gone")]),
        ((*LANES, "tick"), True, [(Part.WORKERS, "gone")]),
        (("sweep", "persist", "tick"), True, [(Part.WORKERS, "lane")]),
        (("tick",), False, [(Part.BEAT, "gone")]),
        (("tick",), True, [(Part.SWEEP, "late")]),
        ((*LANES, "tick"), False, [(Part.WORKERS, "gone"), (Part.BEAT, "gone")]),
    ],
)
def test_who_is_missing_shows_by_whose_signs_of_life_stop(
    staged: StagedHouse, silent: tuple[str, ...], ticking: bool, expected: list[tuple[Part, str]]
) -> None:
    alive(staged)
    staged.wait(11)
    staged.house.board.beat(*({*LANES, "tick"} - set(silent)))
    if not ticking:
        staged.redis.delete(BEAT_LOCK)
    assert found(staged.house) == expected
    for one in condition.look(staged.house):
        assert one.since == staged.clock.now() - timedelta(seconds=11)
    alive(staged)
    assert found(staged.house) == []


def test_signs_of_life_that_never_came_are_missed_from_the_first_look_on(staged: StagedHouse) -> None:
    began = staged.clock.now()
    condition.look(staged.house)
    staged.wait(11)
    (workers, *_) = condition.look(staged.house)
    assert (workers.part, workers.since) == (Part.WORKERS, began)


def test_a_slow_sweep_is_given_as_much_longer_before_it_counts_as_late(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    with stage(request, redis_url, tmp_path, clock, sweep_s=10) as slow:
        alive(slow)
        slow.wait(49)
        assert found(slow.house) == []
        slow.wait(2)
        assert (Part.WORKERS, "gone") in found(slow.house)


def test_a_round_that_fails_is_a_sign_of_life_too(staged: StagedHouse) -> None:
    alive(staged)
    staged.wait(11)
    with pytest.raises(ZeroDivisionError), condition.round_of_the_sweep(staged.house):
        raise ZeroDivisionError
    assert staged.house.board.read().beats["tick"] == staged.clock.now()


def test_nothing_is_promised_once_the_workers_have_been_gone_for_half_a_minute_and_then_again(
    staged: StagedHouse,
) -> None:
    alive(staged)
    staged.wait(30)
    assert offer(staged) is Reason.NOBODY_STAFFED
    staged.wait(1)
    assert offer(staged) is Reason.CANNOT_RING
    heard = staged.ring_in()
    assert heard.document.verb("Gather") is None
    assert heard.document.verb("Enqueue") is not None, "they hold"
    with pytest.raises(NotAccepting, match="nobody can be rung") as refused:
        staged.promise()
    assert refused.value.reason == "cannot_ring"
    alive(staged)
    assert staged.ring_in(OTHER).document.verb("Gather") is not None


def test_a_time_that_lies_ahead_is_promised_all_the_same(staged: StagedHouse) -> None:
    alive(staged)
    staged.wait(60)
    made = staged.promise(requested_for=staged.clock.now() + timedelta(hours=2))
    assert made.state is State.SCHEDULED


def test_who_was_offered_a_callback_before_is_told_that_it_cannot_be_and_holds(staged: StagedHouse) -> None:
    alive(staged)
    caller = staged.ring_in()
    staged.wait(31)
    caller.press("1")
    caller.press("1")
    assert "cannot call anybody back" in caller.document.text
    assert caller.document.verb("Enqueue") is not None
    assert staged.callbacks() == []


def test_on_hold_the_callback_is_not_mentioned_while_nobody_can_be_rung(staged: StagedHouse) -> None:
    alive(staged)
    caller = staged.holding()
    assert "Press 1" in caller.document.says
    staged.wait(31)
    caller.silence()
    assert "Press 1" not in caller.document.says


# --- a carrier that refuses -----------------------------------------------------------------------------------------


def test_a_refused_account_is_met_once_and_burns_no_agents(staged: StagedHouse) -> None:
    alive(staged)
    promises = [staged.promise(f"+1201555{number:04}") for number in range(200, 210)]
    for number in range(5):
        staged.carrier.fail_next(REFUSED)
        staged.agent(f"agent{number}")
    staged.work()
    staged.house.board.beat(*LANES)
    journal = staged.journal()
    assert len([entry for entry in journal if entry.after == "stopped"]) == 1
    moves = [entry for entry in journal if entry.kind == "callback" and entry.after == "dialing"]
    assert len(moves) == 1, "nobody else was dialled in vain"
    assert {staged.status(f"agent{number}") for number in range(5)} == {AgentStatus.AVAILABLE}
    reserved = len([entry for entry in journal if entry.kind == "agent" and entry.after == "reserved"])
    staged.wait(1)
    staged.sweep()
    later = [entry for entry in staged.journal() if entry.kind == "agent" and entry.after == "reserved"]
    assert len(later) == reserved, "no agent is reserved for somebody who cannot be rung"
    assert {staged.now(one).attempts_left for one in promises} == {3}
    assert {staged.now(one).score for one in promises} == {one.score for one in promises}
    (stopped,) = [one for one in condition.look(staged.house) if one.part is Part.CARRIER]
    assert (stopped.word, stopped.severity, stopped.detail) == ("stopped", Severity.BAD, "error 20003")
    assert offer(staged) is Reason.CANNOT_RING


def test_it_is_tried_again_by_one_after_as_long_as_it_has_lasted_and_comes_back_unaided(staged: StagedHouse) -> None:
    for number in range(200, 210):
        staged.promise(f"+1201555{number:04}")
    tries: list[int] = []
    refusals_left = 6
    began = staged.clock.now()

    def refuse() -> None:
        notice = staged.house.board.read().notice(account.ACCOUNT)
        if notice is not None and (at := round((notice.last - began).total_seconds())) not in tries:
            tries.append(at)

    for _ in range(refusals_left):
        staged.carrier.fail_next(REFUSED)
    for number in range(5):
        staged.agent(f"agent{number}")
    staged.work()
    staged.pass_time(200, every=refuse)
    waits = [later - before for before, later in itertools.pairwise(tries)]
    assert len(tries) <= refusals_left
    assert waits == sorted(waits), "each rest is at least as long as the one before"
    assert len(staged.carrier.created) >= 5, "everybody is rung once it works again"
    assert found(staged.house)[:1] != [(Part.CARRIER, "stopped")]
    assert [entry.after for entry in staged.journal(kind="queue") if entry.subject == "carrier"] == [
        "stopped", "working",
    ]  # fmt: skip


def test_a_probe_is_made_though_nobody_is_there_to_be_rung(staged: StagedHouse) -> None:
    staged.carrier.fail_next(REFUSED)
    promise = staged.promise()
    staged.agent()
    staged.send_texts()
    account.refused(staged.house, OWN, REFUSED)
    staged.away()
    assert offer(staged) is Reason.CANNOT_RING
    staged.pass_time(20)
    assert offer(staged) is not Reason.CANNOT_RING
    assert staged.state(promise) is State.WAITING


def test_a_caller_id_that_is_refused_stops_its_own_queues_alone(staged: StagedHouse) -> None:
    staged.queue("sales", (OTHER,))
    staged.agent("ann", "support")
    staged.agent("bob", "sales")
    account.refused(staged.house, OWN, CarrierStopped("400: not verified", 21210))
    staged.promise(ADA, "sales")
    with pytest.raises(NotAccepting):
        staged.promise(ADA, "support")
    staged.work()
    assert [call.from_ for _, call in staged.carrier.created] == [OTHER]
    (stopped,) = condition.look(staged.house)
    assert stopped.detail == f"error 21210 {OWN}"


def test_a_caller_id_that_nobody_uses_any_more_is_forgotten(staged: StagedHouse) -> None:
    account.refused(staged.house, OWN, CarrierStopped("400: not verified", 21210))
    staged.queue(numbers=(OTHER,))
    staged.house.book.check(-1)
    account.tend(staged.house)
    assert found(staged.house) == []


def test_live_callers_are_paired_while_the_carrier_refuses(staged: StagedHouse) -> None:
    account.refused(staged.house, OWN, REFUSED)
    staged.agent()
    caller = staged.ring_in()
    assert caller.document.verb("Dial") is not None, "an agent is rung for them by the document itself"


def test_a_queue_whose_dialling_is_off_stays_so_when_the_carrier_works_again(staged: StagedHouse) -> None:
    staged.promise()
    staged.policy(dialing=False)
    account.refused(staged.house, OWN, REFUSED)
    staged.agent()
    account.accepted(staged.house, OWN)
    staged.sweep()
    assert staged.status() is AgentStatus.AVAILABLE


@pytest.mark.parametrize(
    ("error", "word"), [(CarrierBusy("429", 20429), "busy"), (OutcomeUnknown("503"), "silent")], ids=["busy", "silent"]
)
def test_a_carrier_that_is_strained_is_a_condition_from_the_third_time_on_until_its_next_success(
    staged: StagedHouse, error: CarrierBusy | OutcomeUnknown, word: str
) -> None:
    for _ in range(2):
        account.strained(staged.house, OWN, word, error)
    assert found(staged.house) == []
    account.strained(staged.house, OWN, word, error)
    assert found(staged.house) == [(Part.CARRIER, word)]
    assert offer(staged) is Reason.NOBODY_STAFFED, "promises can be kept all the same"
    assert staged.house.board.read().refusals == {word: 3}
    account.accepted(staged.house, OWN)
    assert found(staged.house) == []


def test_a_probe_that_meets_a_busy_carrier_proves_nothing(staged: StagedHouse) -> None:
    account.refused(staged.house, OWN, REFUSED)
    staged.wait(5)
    account.strained(staged.house, OWN, account.BUSY, CarrierBusy("429", 20429))
    notice = staged.house.board.read().notice(account.ACCOUNT)
    assert notice is not None
    assert (notice.word, notice.last) == (account.STOPPED, staged.clock.now())


# --- backends, disk, line, quarantine -------------------------------------------------------------------------------


def test_a_backend_that_is_away_is_told_with_its_reason(staged: StagedHouse) -> None:
    since = staged.clock.now() - timedelta(seconds=3)
    house = replace(staged.house, backends=(Away("record", since), Away("line", None)))
    assert condition.look(house) == [Condition(Part.RECORD, "away", Severity.BAD, since, "refused")]


def test_without_the_line_nobody_guesses_about_workers(staged: StagedHouse) -> None:
    staged.wait(100)
    house = replace(staged.house, backends=(Away("line", staged.clock.now()),))
    assert found(house) == [(Part.LINE, "away")]


@pytest.mark.parametrize(("left", "word"), [(10**9, None), (50_000_000, "filling"), (500_000, "full"), (0, "full")])
def test_a_disk_is_told_of_before_it_is_full(staged: StagedHouse, left: int, word: str | None) -> None:
    house = replace(staged.house, disk=Room(left))
    assert found(house) == ([(Part.DISK, word)] if word else [])


def test_a_small_disk_with_room_in_it_is_none(staged: StagedHouse) -> None:
    assert found(replace(staged.house, disk=Room(6_000_000, 60_000_000))) == []


def test_a_line_that_is_being_rebuilt_is_told_until_it_is_whole(staged: StagedHouse) -> None:
    condition.line_is(staged.house, "lost")
    assert found(staged.house) == [(Part.EPOCH, "lost")]
    condition.line_is(staged.house, "rebuilding")
    condition.line_is(staged.house, "rebuilding")
    assert found(staged.house) == [(Part.EPOCH, "rebuilding")]
    condition.line_is(staged.house, "whole")
    assert found(staged.house) == []


def test_what_is_in_quarantine_is_counted_by_each_round(staged: StagedHouse) -> None:
    promise = staged.promise()
    now = staged.clock.now()
    with staged.sql.begin() as work:
        failure = work.note_failure(
            "callback", promise.id, queue=SUPPORT, step="connect", reason="KeyError", at=now, hold_at=1
        )
    staged.sweep()
    (held,) = condition.look(staged.house)
    assert (held.part, held.severity, held.detail) == (Part.QUARANTINE, Severity.WARN, "1")
    with staged.sql.begin() as work:
        work.resolve(failure.id, "retried", by="sue", at=now)
    staged.sweep()
    assert found(staged.house) == []


def test_the_worst_is_told_first(staged: StagedHouse) -> None:
    condition.line_is(staged.house, "rebuilding")
    house = replace(staged.house, disk=Room(50_000_000))
    assert [one.severity for one in condition.look(house)] == [Severity.BAD, Severity.WARN]


def test_every_condition_has_words(staged: StagedHouse) -> None:
    assert {part for part, _ in WORDS} == set(Part)
    assert all(words.title and words.meaning and words.remedy for words in WORDS.values())


# --- the board ------------------------------------------------------------------------------------------------------


def test_the_look_takes_no_time_and_keeps_the_last_picture_without_redis(
    own_redis: RedisServer, clock: ManualClock
) -> None:
    board = RedisBoard(make_client(own_redis.url, timeout_s=10), clock, every_s=0)
    board.post("carrier", "stopped", "error 20003", now=clock.now())
    assert board.read().notice("carrier") is not None
    own_redis.kill()
    clock.advance(5)
    assert board.read().notice("carrier") is not None
    board.beat("dial")
    board.count(held=1)
    assert board.tell("line.away")
    assert board.untell("line.away")


def test_a_picture_serves_for_a_second(redis_url: str, clock: ManualClock) -> None:
    board, other = (RedisBoard(make_client(redis_url, timeout_s=10), clock) for _ in range(2))
    assert board.read().notices == ()
    other.post("carrier", "stopped", "error 20003", now=clock.now())
    assert board.read().notices == ()
    clock.advance(1)
    assert [notice.key for notice in board.read().notices] == ["carrier"]


def test_an_old_picture_serves_nobody_while_somebody_reads(own_redis: RedisServer, clock: ManualClock) -> None:
    rested, worker = (RedisBoard(make_client(own_redis.url, timeout_s=5), clock) for _ in range(2))
    rested.read()
    worker.beat(*LANES)
    clock.advance(1800)
    worker.beat(*LANES)
    own_redis.command("CLIENT", "PAUSE", "200")
    with ThreadPoolExecutor(4) as crowd:
        pictures = [seen.result() for seen in [crowd.submit(rested.read) for _ in range(4)]]
    assert {picture.beats["dial"] for picture in pictures} == {clock.now()}


def test_a_notice_keeps_its_beginning_while_it_goes_on_and_a_new_word_begins_anew(
    redis_url: str, clock: ManualClock
) -> None:
    board = RedisBoard(make_client(redis_url, timeout_s=10), clock, every_s=0)
    began = clock.now()
    assert board.post("epoch", "lost", "", now=began)
    assert not board.post("epoch", "lost", "again", now=clock.advance(5))
    (notice,) = board.read().notices
    assert (notice.since, notice.last, notice.times, notice.why) == (began, clock.now(), 2, "again")
    assert board.post("epoch", "rebuilding", "", now=clock.advance(5))
    assert board.read().notices[0].since == clock.now()
    cleared = board.clear("epoch")
    assert cleared is not None
    assert cleared.word == "rebuilding"
    assert board.clear("epoch") is None


def test_one_alone_holds_a_claim(redis_url: str, clock: ManualClock) -> None:
    board = RedisBoard(make_client(redis_url, timeout_s=10), clock)
    assert board.claim("carrier", 60)
    assert not board.claim("carrier", 60)
    board.unclaim("carrier")
    assert board.claim("carrier", 60)


def test_an_emptied_redis_shows_nothing_wrong(staged: StagedHouse) -> None:
    account.refused(staged.house, OWN, REFUSED)
    staged.redis.delete(BOARD)
    assert found(staged.house) == []


# --- the log --------------------------------------------------------------------------------------------------------


def test_the_log_tells_once_that_a_condition_began_and_once_that_it_ended(staged: StagedHouse) -> None:
    criers = [condition.Crier() for _ in range(3)]
    with structlog.testing.capture_logs() as lines:
        condition.line_is(staged.house, "rebuilding")
        for crier in criers * 2:
            crier.cry(staged.house)
        staged.wait(7)
        condition.line_is(staged.house, "whole")
        for crier in criers * 2:
            crier.cry(staged.house)
    told = [(line["event"], line["log_level"], line["part"], line.get("lasted_s")) for line in lines]
    assert told == [("condition.began", "error", "epoch", None), ("condition.ended", "error", "epoch", 7.0)]
