"""The line again from the record: the same places, the same promises, the same talks, and nobody rung in between."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from callback import wiring
from callback.adapters.store import migrate
from callback.domain.callback import Attempt, Callback, Leg, LegKind, Served, Source
from callback.domain.ids import (
    AgentKey,
    CallbackId,
    CallSid,
    EntryId,
    QueueKey,
    Token,
    new_attempt_id,
    new_callback_id,
    new_token,
)
from callback.domain.lifecycle import AgentStatus, CallState, Event, State
from callback.domain.order import score
from callback.flows import configure, persist, presence, rebuild, settle
from callback.ports import House, Waiting
from callback.settings import load
from tests.support.web_house import WrittenDown

SUPPORT, BILLING, ADA = QueueKey("support"), QueueKey("billing"), AgentKey("ada")
AVAILABLE, AWAY, OFFLINE, BUSY = AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.OFFLINE, AgentStatus.BUSY
LEASE_S = 10.0


class Scene:
    """A house with a real line and a real record, and short words for what happens in it."""

    def __init__(self, built: wiring.Built, dispatch: WrittenDown) -> None:
        self.built, self.house, self.dispatch = built, built.house, dispatch
        for key in (SUPPORT, BILLING):
            configure.put_queue(self.house, key, name=key.title(), by="test")

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    def agent(self, key: str = "ada", status: AgentStatus = AVAILABLE, queue: QueueKey = SUPPORT) -> AgentKey:
        agent = AgentKey(key)
        configure.put_agent(self.house, agent, name=key, contact=f"client:{key}", queues=[Served(queue)], by="test")
        presence.set_presence(self.house, agent, status)
        return agent

    def promise(self, number: str, joined_at: datetime | None = None, credit_s: float = 0, **more: object) -> Callback:
        """In the record and, as `enrol` does it, in the line."""
        joined = joined_at or self.now
        callback = Callback(
            id=new_callback_id(),
            queue=SUPPORT,
            state=State.WAITING,
            number=number,
            joined_at=joined,
            score=score(joined, credit_s),
            language="en",
            source=Source.CALL,
            attempts_left=3,
            created_at=joined,
        )
        with self.house.store.begin() as work:
            made = work.add_callback(
                replace(callback, **more), event=Event.PROMISE, reason="test", cause="test"  # type: ignore[arg-type]
            )  # fmt: skip
        due = made.next_attempt_at is None or made.next_attempt_at <= self.now
        settle.stand(self.house, made, due=due, now=self.now)
        return made

    def dialled(self, number: str = "+12015550123", agent: AgentKey = ADA) -> tuple[Callback, Token]:
        """A promise whose phone rings, paired with `agent`."""
        made = self.promise(number)
        token = new_token()
        pairing = self.house.line.match_agent(agent, lease_s=LEASE_S, token=token, now=self.now)
        assert pairing is not None
        assert pairing.entry == made.id
        attempt = Attempt(new_attempt_id(), made.id, 1, "customer_first", self.now, token, agent, asked_at=self.now)
        with self.house.store.begin() as work:
            work.add_attempt(attempt)
            taken = replace(made, attempt=attempt.id, attempts_made=1, agent=agent)
            reserved = work.move(taken, Event.RESERVE, reason="test", cause="test", at=self.now)
            assert reserved is not None
            dialing = work.move(reserved, Event.DIAL, reason="test", cause="test", at=self.now)
            assert dialing is not None
        return dialing, token

    def talking(self, since: datetime, number: str = "+12015550123") -> tuple[Callback, Token]:
        """A promise that is being kept."""
        callback, token = self.dialled(number)
        leg = CallSid("CA" + "7" * 32)
        with self.house.store.begin() as work:
            answered = work.move(replace(callback, leg=leg), Event.ANSWER, reason="test", cause="test", at=since)
            assert answered is not None
            assert answered.attempt is not None
            work.save_attempt(replace(work.attempt(answered.attempt), bridged_at=since, call=leg))
            bridged = work.move(answered, Event.BRIDGE, reason="test", cause="test", at=since)
            assert bridged is not None
        assert self.house.line.bridge(token, now=since)
        return bridged, token

    def caller(self, call: str, queue: QueueKey = SUPPORT) -> CallSid:
        """Somebody live, on hold, and in the record."""
        sid, now = CallSid(call), self.now
        self.house.line.hold(
            queue, EntryId(sid), sid, score=score(now), joined_at=now, language="zh", lease_s=LEASE_S,
            token=new_token(), now=now,
        )  # fmt: skip
        persist.persist(self.house)
        return sid

    def listing(self, queue: QueueKey = SUPPORT) -> list[Waiting]:
        return self.house.line.listing(queue, limit=5_000)

    def lose_redis(self) -> None:
        self.built.redis.flushall()

    def state_of(self, callback: CallbackId) -> State:
        with self.house.store.begin() as work:
            return work.callback(callback).state

    def wish_of(self, agent: AgentKey = ADA) -> AgentStatus:
        with self.house.store.begin() as work:
            return work.presences()[agent][0]


@pytest.fixture
def scene(redis_url: str, sqlite_url: str) -> Iterator[Scene]:
    migrate.upgrade(sqlite_url)
    dispatch = WrittenDown()
    settings = load({"REDIS_URL": redis_url, "DATABASE_URL": sqlite_url, "SECRET_KEY": "k" * 40})
    built = wiring.build(settings, dispatch)
    yield Scene(built, dispatch)
    built.store.close()
    built.redis.close()


def numbers(count: int) -> list[str]:
    return [f"+1201{5_000_000 + number:07d}" for number in range(count)]


def test_a_thousand_who_wait_stand_exactly_where_they_stood(scene: Scene) -> None:
    dice = random.Random(4)
    start = scene.now - timedelta(hours=2)
    for number in numbers(1000):
        joined = start + timedelta(seconds=dice.choice([dice.randrange(7000), 60]))  # some share one moment
        retry = dice.random() < 0.2
        scene.promise(
            number,
            joined,
            credit_s=dice.choice([0, 0, 0, 300]),
            next_attempt_at=scene.now + timedelta(minutes=5) if retry else None,
            attempts_left=2 if retry else 3,
        )
    before = scene.listing()
    scene.lose_redis()
    told: list[int] = []
    done = rebuild.rebuild(scene.house, told.append)
    assert scene.listing() == before
    assert (len(before), done.waiting, told) == (1000, 1000, [1000])
    assert {waiting.place for waiting in before} == {"due", "later"}


def test_a_second_rebuild_on_a_line_that_is_whole_changes_nothing(scene: Scene) -> None:
    for number in numbers(20):
        scene.promise(number)
    before = scene.listing()
    assert rebuild.rebuild(scene.house) == rebuild.rebuild(scene.house)
    assert scene.listing() == before


def test_whoever_rings_in_again_is_told_of_their_promise(scene: Scene) -> None:
    made = scene.promise("+12015550123")
    scene.lose_redis()
    rebuild.rebuild(scene.house)
    arrived = scene.house.line.arrive(
        SUPPORT, CallSid("CA1"), credit_s=0, number_hash=scene.house.store.number_hash("+12015550123"), language="en",
        lease_s=LEASE_S, token=new_token(), now=scene.now,
    )  # fmt: skip
    assert arrived.open_callback == made.id


def test_promises_for_later_and_promises_kept_do_not_stand_in_line(scene: Scene) -> None:
    later = scene.promise("+12015550123")
    kept = scene.promise("+12015550124")
    with scene.house.store.begin() as work:
        work.move(later, Event.SCHEDULE, reason="test", cause="test", at=scene.now)
        work.move(kept, Event.CANCEL, reason="test", cause="test", at=scene.now)
    assert rebuild.rebuild(scene.house).waiting == 0
    assert scene.listing() == []


def test_agents_are_what_they_last_asked_to_be(scene: Scene) -> None:
    for key, status in (("ada", AVAILABLE), ("bo", AWAY), ("chen", OFFLINE)):
        scene.agent(key, status)
    configure.put_agent(
        scene.house, AgentKey("new"), name="New", contact="client:new", queues=[Served(SUPPORT)], by="test"
    )
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    now = {view.key: view.status for view in scene.house.line.agents()}
    assert now == {"ada": AVAILABLE, "bo": AWAY, "chen": OFFLINE, "new": OFFLINE}
    assert (done.agents, done.queues) == (4, 2)


def test_a_lost_line_that_was_only_configured_again_does_not_make_the_record_forget_who_was_at_work(
    scene: Scene,
) -> None:
    scene.agent()
    persist.persist(scene.house)
    scene.lose_redis()
    configure.publish(scene.house)
    persist.persist(scene.house)
    assert scene.wish_of() is AVAILABLE
    rebuild.rebuild(scene.house)
    assert scene.house.line.agent(ADA).status is AVAILABLE


def test_nobody_is_matched_before_everybody_stands(scene: Scene) -> None:
    scene.agent()
    persist.persist(scene.house)
    scene.house.line.presence(ADA, OFFLINE, now=scene.now)
    promises = [scene.promise(number, scene.now - timedelta(seconds=60 - at)) for at, number in enumerate(numbers(30))]
    scene.lose_redis()
    rebuild.rebuild(scene.house)
    pairing = scene.house.line.agent(ADA).token
    assert pairing is not None
    reserved = scene.house.line.reservation(pairing)
    assert reserved is not None
    assert reserved.entry == promises[0].id
    assert ("connect", pairing) in scene.dispatch.asked


def test_a_talk_about_a_promise_goes_on_under_its_own_token_and_ends_as_any_other(scene: Scene) -> None:
    scene.agent()
    since = scene.now - timedelta(minutes=3)
    talk, token = scene.talking(since)
    waiting = scene.promise("+12015550999")
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    assert (done.paired, done.left) == (1, ())
    agent = scene.house.line.agent(ADA)
    assert (agent.status, agent.token) == (BUSY, token)
    pairing = scene.house.line.reservation(token)
    assert pairing is not None
    assert (pairing.entry, pairing.phase, pairing.bridged_at) == (talk.id, "busy", since)
    assert [one.entry for one in scene.listing()] == [waiting.id]
    assert settle.talk_over(scene.house, token, caller_there=False, cause="test")
    assert scene.state_of(talk.id) is State.COMPLETED
    assert scene.house.line.agent(ADA).status is AgentStatus.WRAP_UP


def test_what_an_agent_asked_for_during_a_talk_still_comes_true_when_it_ends(scene: Scene) -> None:
    scene.agent()
    _, token = scene.talking(scene.now - timedelta(minutes=3))
    presence.set_presence(scene.house, ADA, AWAY)
    rebuild.rebuild(scene.house)
    assert scene.wish_of() is AWAY
    settle.talk_over(scene.house, token, caller_there=False, cause="test")
    assert scene.house.line.agent(ADA).status is AWAY


def test_a_live_talk_goes_on_and_the_record_of_when_it_began_stays(scene: Scene) -> None:
    scene.agent()
    call = scene.caller("CA" + "5" * 32)
    token = scene.house.line.agent(ADA).token
    assert token is not None
    scene.house.line.bridge(token, now=scene.now)
    persist.persist(scene.house)
    with scene.house.store.begin() as work:
        before = work.leg(call)
    scene.lose_redis()
    assert rebuild.rebuild(scene.house).paired == 1
    assert scene.house.line.agent(ADA).status is BUSY
    with scene.house.store.begin() as work:
        assert work.leg(call) == before
    assert settle.talk_over(scene.house, token, caller_there=False, cause="test")
    assert scene.house.line.agent(ADA).status is AgentStatus.WRAP_UP


def test_a_phone_that_rings_keeps_its_reservation(scene: Scene) -> None:
    scene.agent()
    callback, token = scene.dialled()
    persist.persist(scene.house)
    scene.lose_redis()
    assert rebuild.rebuild(scene.house).paired == 1
    pairing = scene.house.line.reservation(token)
    assert pairing is not None
    assert (pairing.entry, pairing.phase, pairing.agent) == (callback.id, "ringing", ADA)
    assert pairing.lease_until is not None
    assert pairing.lease_until > scene.now + timedelta(seconds=25)


def test_callers_on_hold_are_back_before_they_ask(scene: Scene) -> None:
    first = scene.caller("CA" + "1" * 32)
    scene.promise("+12015550123")
    last = scene.caller("CA" + "2" * 32)
    before = scene.listing()
    scene.lose_redis()
    assert rebuild.rebuild(scene.house).holding == 2
    assert scene.listing() == before
    assert [before[0].entry, before[2].entry] == [first, last]


def test_a_called_back_caller_on_hold_stands_there_again(scene: Scene) -> None:
    scene.agent()
    callback, token = scene.dialled()
    leg = CallSid("CA" + "7" * 32)
    with scene.house.store.begin() as work:
        work.move(replace(callback, leg=leg, agent=None), Event.ANSWER, reason="test", cause="test", at=scene.now)
    scene.house.line.release(token, entry_to="hold", agent_to=AWAY, reason="missed the ring", now=scene.now)
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    assert (done.holding, done.paired) == (1, 0)
    assert [(one.entry, one.place, one.live) for one in scene.listing()] == [(callback.id, "hold", True)]


def answered_without_agent(scene: Scene, number: str = "+12015550123") -> Callback:
    """Rung with ada reserved, who was then taken away from them; they have picked up. Their row still has her token."""
    callback, token = scene.dialled(number)
    assert scene.house.line.release(token, entry_to="later", agent_to=None, reason="somebody before them has answered",
                                    now=scene.now)  # fmt: skip
    leg = CallSid("CA" + "8" * 32)
    with scene.house.store.begin() as work:
        moved = work.move(replace(callback, leg=leg), Event.ANSWER, reason="test", cause="test", at=scene.now)
    assert moved is not None
    return moved


def test_an_agent_who_talks_stays_with_them_whoever_they_were_reserved_for_before(scene: Scene) -> None:
    scene.agent()
    first = answered_without_agent(scene)
    talk, token = scene.talking(scene.now, "+12015550124")
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    assert (done.paired, done.holding) == (1, 1)
    agent = scene.house.line.agent(ADA)
    assert (agent.status, agent.token) == (BUSY, token)
    assert scene.house.line.standing(SUPPORT, EntryId(talk.id)).place == "busy"
    assert [one.entry for one in scene.listing()] == [first.id]


def test_an_agent_who_was_given_to_somebody_else_stays_with_them(scene: Scene) -> None:
    scene.agent()
    first = answered_without_agent(scene)
    second, token = scene.dialled("+12015550124")
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    assert (done.paired, done.holding) == (1, 1)
    pairing = scene.house.line.reservation(token)
    assert pairing is not None
    assert (pairing.entry, pairing.agent) == (second.id, ADA)
    assert [one.entry for one in scene.listing()] == [first.id]


def test_somebody_who_was_given_another_agent_while_they_held_stays_with_that_one(scene: Scene) -> None:
    scene.agent()
    first = answered_without_agent(scene)
    scene.house.line.presence(ADA, AWAY, now=scene.now)
    bo, token, leg = scene.agent("bo"), new_token(), first.leg
    assert leg is not None
    held = scene.house.line.hold(
        SUPPORT, EntryId(first.id), leg, score=first.score, joined_at=first.joined_at, language="en", lease_s=LEASE_S,
        token=token, now=scene.now,
    )  # fmt: skip
    assert held.reservation is not None
    persist.persist(scene.house)
    scene.lose_redis()
    assert rebuild.rebuild(scene.house).paired == 1
    pairing = scene.house.line.reservation(token)
    assert pairing is not None
    assert (pairing.entry, pairing.agent, pairing.leg) == (first.id, bo, leg)


def test_a_reservation_that_is_given_back_while_the_line_is_filled_stays_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.agent()
    callback, token = scene.dialled()
    persist.persist(scene.house)
    scene.lose_redis()
    stand_all = rebuild.stand_all

    def meanwhile(*filling: object) -> None:
        """The carrier's answer is unknown: the agent is let go."""
        stand_all(*filling)  # type: ignore[arg-type]
        with scene.house.store.begin() as work:
            found = work.callback(callback.id)
            work.move(found, Event.LOST, reason="test", cause="test", at=scene.now)
        assert scene.house.line.release(
            token, entry_to="gone", agent_to=None, reason="unknown outcome", now=scene.now
        )  # fmt: skip

    monkeypatch.setattr(rebuild, "stand_all", meanwhile)
    done = rebuild.rebuild(scene.house)
    assert done.left == (callback.id,)
    assert scene.house.line.agent(ADA).token is None
    assert scene.house.line.reservation(token) is None


def test_what_cannot_be_paired_again_is_left_to_the_sweep_and_named(scene: Scene) -> None:
    scene.agent()
    scene.agent("bo")
    callback, _ = scene.dialled()
    with scene.house.store.begin() as work:
        found = work.callback(callback.id)
        assert found.attempt is not None
        work.save_attempt(replace(work.attempt(found.attempt), agent=AgentKey("gone")))
        work.save(replace(found, agent=AgentKey("gone")))
    persist.persist(scene.house)
    scene.lose_redis()
    done = rebuild.rebuild(scene.house)
    assert (done.paired, done.left) == (0, (callback.id,))
    assert scene.house.line.agent(AgentKey("bo")).status is AVAILABLE
    assert scene.listing() == []


def test_an_agent_who_exists_no_longer_stops_nothing(scene: Scene) -> None:
    with scene.house.store.begin() as work:
        now = scene.now
        work.put_leg(
            Leg(
                CallSid("CA" + "9" * 32), LegKind.INBOUND, SUPPORT, CallState.BRIDGED, "", now, joined_at=now,
                score=score(now), agent=AgentKey("gone"), token=new_token(), bridged_at=now,
            )
        )  # fmt: skip
    done = rebuild.rebuild(scene.house)
    assert (done.paired, done.holding) == (0, 0)


def test_whose_row_is_damaged_keeps_nobody_else_from_standing_again(scene: Scene) -> None:
    bad, *others = [scene.promise(number) for number in numbers(5)]
    with scene.built.store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE callbacks SET joined_at = 'never' WHERE id = '{bad.id}'")
    scene.lose_redis()
    assert rebuild.rebuild(scene.house).waiting == 4
    assert [waiting.entry for waiting in scene.listing()] == [other.id for other in others]


def test_the_line_takes_many_promises_as_it_takes_each_of_them(scene: Scene) -> None:
    def waiting(house: House) -> list[Waiting]:
        return house.line.listing(SUPPORT, limit=100)

    for at, number in enumerate(numbers(10)):
        scene.promise(number, next_attempt_at=scene.now + timedelta(seconds=100 * at - 500))
    one_by_one = waiting(scene.house)
    scene.lose_redis()
    with scene.house.store.look() as record:
        assert scene.house.line.restore(record.placed(), now=scene.now) == 10
    assert waiting(scene.house) == one_by_one
