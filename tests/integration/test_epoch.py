"""A line that was lost or is not what it was: noticed by itself, filled again by one, and nobody hears of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from callback.domain.callback import Callback
from callback.domain.ids import AgentKey, EntryId
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import cancel, epoch, rebuild, sweep
from callback.flows.book import LineBook
from callback.flows.epoch import State as Line
from callback.ports import Epoch, LineAge
from tests.support.clock import ManualClock
from tests.support.house import SUPPORT, StagedHouse, on_both, stage
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.steps import Killed

AVAILABLE, AWAY, RESERVED = AgentStatus.AVAILABLE, AgentStatus.AWAY, AgentStatus.RESERVED
NOW = ManualClock().now()


def number(at: int) -> str:
    return f"+1201{5_560_000 + at:07d}"


def tick(house: StagedHouse) -> Line:
    """Beat's, and the work that follows at once."""
    found = epoch.tick(house.house)
    house.dispatch.run_all(house.house, only="rebuild")
    return found


def lose(house: StagedHouse) -> None:
    house.redis.flushall()
    house.dispatch.lose_all()


def furnished(house: StagedHouse, count: int = 6) -> list[Callback]:
    """A queue, an agent who is away, and promises."""
    house.queue()
    house.agent(free=False)
    house.away()
    made = []
    for at in range(count):
        house.wait(1)
        made.append(house.promise(number(at)))
    assert tick(house) is Line.WHOLE
    return made


def asked_to_rebuild(house: StagedHouse) -> bool:
    return "rebuild" in house.dispatch.names()


# --- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "line", "found"),
    [
        (Epoch(5, "a", NOW), LineAge(5, "a", "", True), Line.WHOLE),
        (Epoch(5, "a", NOW), LineAge(6, "a", "", True), Line.WHOLE),
        (Epoch(5, "a", NOW), LineAge(9, "a", "", True), Line.WHOLE),
        (Epoch(5, "", NOW), LineAge(5, "", "", True), Line.WHOLE),
        (Epoch(5, "a", NOW), LineAge(5, "", "", True), Line.WHOLE),
        (Epoch(5, "a", NOW), LineAge(4, "a", "", True), Line.LOST),
        (Epoch(5, "a", NOW), LineAge(None, "a", "", False), Line.LOST),
        (Epoch(5, "a", NOW), LineAge(5, "b", "", True), Line.LOST),
        (Epoch(5, "a", NOW), LineAge(5, "a", "restarted", True), Line.LOST),
        (Epoch(5, "a", NOW, NOW + timedelta(seconds=1)), LineAge(4, "a", "rebuilding", True), Line.REBUILDING),
        (Epoch(5, "a", NOW, NOW), LineAge(5, "a", "", True), Line.LOST),
    ],
)
def test_what_two_numbers_tell(known: Epoch, line: LineAge, found: Line) -> None:
    assert epoch.judge(known, line, NOW) is found


# --- noticed ----------------------------------------------------------------------------------------------------------


def test_in_a_healthy_house_the_numbers_grow_and_nothing_is_rebuilt(staged: StagedHouse) -> None:
    furnished(staged)
    for _ in range(30):
        staged.clock.advance(0.5)
        assert epoch.tick(staged.house) is Line.WHOLE
    with staged.sql.begin() as work:
        known = work.epoch()
    assert known is not None
    assert known.number >= 15
    assert not asked_to_rebuild(staged)


def test_ticks_that_overlap_or_die_half_way_do_no_harm(staged: StagedHouse) -> None:
    furnished(staged)
    staged.clock.advance(2)
    staged.steps.restart(kill_after=1)
    with pytest.raises(Killed):
        epoch.tick(staged.house)  # the line has counted, the record has not
    staged.steps.restart()
    assert [epoch.tick(staged.house) for _ in range(3)] == [Line.WHOLE] * 3


@on_both
def test_a_line_that_was_emptied_is_whole_again_at_the_next_tick(staged: StagedHouse) -> None:
    furnished(staged)
    before = staged.order()
    lose(staged)
    assert epoch.state(staged.house) is Line.LOST
    tick(staged)
    assert epoch.state(staged.house) is Line.WHOLE
    assert staged.order() == before
    told = [(entry.after, entry.data.get("waiting")) for entry in staged.journal("line") if "rebuil" in entry.after]
    assert told == [("rebuilding", None), ("rebuilt", 6)]


def test_an_older_line_put_back_into_a_server_that_ran_on_is_noticed(staged: StagedHouse) -> None:
    made = furnished(staged)
    kept = {key: staged.redis.execute_command("DUMP", key, NEVER_DECODE=True) for key in staged.redis.scan_iter("*")}
    staged.clock.advance(5)
    assert tick(staged) is Line.WHOLE
    cancel.cancel(staged.house, made[0].id, reason="not needed", cause="test")
    late = staged.promise(number(99))
    order = staged.order()
    staged.redis.flushall()
    for key, dump in kept.items():
        if dump is not None:  # else its time was over since the keys were listed
            staged.redis.execute_command("RESTORE", key, 0, dump)
    staged.dispatch.lose_all()
    tick(staged)
    assert staged.order() == order
    assert late.id in order
    assert made[0].id not in order


# --- until then -------------------------------------------------------------------------------------------------------


def test_whoever_rings_a_lost_line_is_greeted_and_told_no_number(staged: StagedHouse) -> None:
    furnished(staged)
    lose(staged)
    leg = staged.ring_in(number(50))
    assert leg.heard == ["Thank you for calling Support. We cannot say yet how long the wait will be."]
    assert leg.up
    assert asked_to_rebuild(staged), "nobody waits for beat"
    leg.hold()
    said = leg.hold().says
    assert "number" not in said.lower()
    assert "first" not in said.lower()


def test_a_process_without_a_picture_asks_the_record(staged: StagedHouse) -> None:
    furnished(staged)
    lose(staged)
    book = LineBook(staged.line, staged.clock, record=staged.sql)
    queue = book.find(None, "+12015550100")
    assert queue is not None
    assert queue.key == SUPPORT


def test_whoever_holds_in_a_lost_line_keeps_their_place(staged: StagedHouse) -> None:
    staged.queue()
    first = staged.holding(number(1))
    staged.wait(1)
    second = staged.holding(number(2))
    tick(staged)
    staged.journal()  # the stream is in the record
    lose(staged)
    second.hold()
    assert staged.standing(second.sid).whole is False
    tick(staged)
    assert staged.order() == [first.sid, second.sid]


def test_nobody_is_paired_before_everybody_stands(staged: StagedHouse) -> None:
    made = furnished(staged)
    lose(staged)
    late = staged.holding(number(70))
    staged.available()
    assert staged.dispatch.names().count("connect") == 0
    tick(staged)
    assert staged.pairing().entry == made[0].id
    assert staged.place(late.sid) == "hold"


def test_what_an_agent_says_while_the_line_is_lost_is_what_they_are_afterwards(staged: StagedHouse) -> None:
    furnished(staged, count=0)
    lose(staged)
    staged.available()
    tick(staged)
    assert staged.status() is AVAILABLE


def test_a_new_agent_makes_no_lost_line_look_whole(staged: StagedHouse) -> None:
    made = furnished(staged)
    lose(staged)
    staged.agent("bob")
    late = staged.holding(number(70))
    assert staged.status("bob") is AVAILABLE
    assert staged.place(late.sid) == "hold"
    tick(staged)
    assert staged.pairing("bob").entry == made[0].id


def test_the_sweep_judges_nobody_by_a_lost_line(staged: StagedHouse) -> None:
    furnished(staged)
    lose(staged)
    assert sweep.sweep(staged.house) == sweep.Swept(0, 0, 0, 0, 0)


# --- one at a time, and whoever dies ----------------------------------------------------------------------------------


def test_only_one_rebuilds_and_says_so(staged: StagedHouse) -> None:
    furnished(staged)
    told: list[str] = []

    def beside(step: str) -> None:
        if not told and step == "line.clear":
            with pytest.raises(rebuild.Rebuilding, match="by somebody else"):
                rebuild.rebuild(staged.house)
            assert rebuild.rebuild_if_lost(staged.house) is None
            told.append(step)

    staged.steps.between = beside
    lose(staged)
    rebuild.rebuild(staged.house)
    assert told == ["line.clear"]


def test_a_rebuild_that_dies_after_any_step_is_begun_again_and_ends_well(staged: StagedHouse) -> None:
    staged.queue()
    staged.agent("ann", free=False)
    staged.agent("bob", free=False)
    talking = staged.promise(number(1))
    staged.available("ann")
    staged.work()
    leg = staged.outgoing()
    leg.ring()
    holding = staged.holding(number(2))
    made = [staged.promise(number(at)) for at in range(10, 14)]
    staged.away("bob")
    assert tick(staged) is Line.WHOLE
    staged.journal()
    order, token = staged.order(), staged.pairing("ann").token
    for step in range(1, 100):
        lose(staged)
        staged.steps.restart(kill_after=step)
        try:
            rebuild.rebuild_if_lost(staged.house)
        except Killed:
            pass
        else:
            break
        staged.steps.restart()
        staged.clock.advance(rebuild.CLAIM.total_seconds())
        holding.hold()
        tick(staged)
        assert epoch.state(staged.house) is Line.WHOLE
        assert staged.order() == order, staged.steps.done
        assert (staged.pairing("ann").token, staged.pairing("ann").entry) == (token, talking.id)
        assert staged.status("bob") is AWAY
    staged.steps.restart()
    assert step > 10
    assert [one.id in order for one in made] == [True] * 4


def test_a_line_that_is_lost_again_while_it_is_filled_is_filled_again(staged: StagedHouse) -> None:
    furnished(staged)
    order, lost = staged.order(), []

    def beside(step: str) -> None:
        if step == "line.restore" and not lost:
            lost.append(step)
            staged.redis.flushall()

    staged.steps.between = beside
    lose(staged)
    assert rebuild.rebuild_if_lost(staged.house) is None
    assert epoch.state(staged.house) is not Line.WHOLE
    tick(staged)
    assert staged.order() == order


def test_a_rebuild_given_up_for_dead_changes_nothing_when_it_goes_on(staged: StagedHouse) -> None:
    furnished(staged)
    order = staged.order()

    def beside(step: str) -> None:
        if step == "line.clear" and staged.steps.done.count("line.clear") == 1:
            staged.clock.advance(rebuild.CLAIM.total_seconds() + 1)
            rebuild.rebuild(staged.house)

    staged.steps.between = beside
    lose(staged)
    with pytest.raises(rebuild.Overtaken):
        rebuild.rebuild(staged.house)
    staged.steps.between = None
    assert epoch.state(staged.house) is Line.WHOLE
    assert staged.order() == order


# --- meanwhile --------------------------------------------------------------------------------------------------------


def steps_of_a_rebuild(house: StagedHouse) -> int:
    house.steps.restart()
    lose(house)
    rebuild.rebuild(house.house)
    return len(house.steps.done)


def test_whatever_happens_between_any_two_steps_is_as_the_record_has_it_afterwards(staged: StagedHouse) -> None:
    made = furnished(staged, 40)
    staged.journal()
    count = steps_of_a_rebuild(staged)
    for at in range(1, count):
        victim, later = made[at], number(200 + at)

        def beside(_: str, at: int = at, victim: Callback = victim, later: str = later) -> None:
            if len(staged.steps.done) == at:
                staged.clock.advance(0.01)
                cancel.cancel(staged.house, victim.id, reason="not needed", cause="test")
                staged.promise(later)
                staged.available() if at % 2 else staged.away()

        staged.steps.restart()
        staged.steps.between = beside
        lose(staged)
        rebuild.rebuild(staged.house)
        staged.steps.between = None
        staged.dispatch.lose_all()
        paired = staged.line.agent(AgentKey("ann")).token
        assert staged.status() is (RESERVED if at % 2 else AWAY), f"after step {at}"
        assert bool(paired) == bool(at % 2)
        if paired:
            first = staged.pairing()
            assert first.entry == in_order(staged)[0]
            staged.line.release(first.token, entry_to="due", agent_to=AWAY, reason="test", now=staged.clock.now())
        assert staged.order() == in_order(staged), f"after step {at}"
        assert staged.place(victim.id) == ""
        assert staged.by_number(later).id in staged.order()
        staged.journal()


def in_order(house: StagedHouse) -> list[str]:
    """Who should stand in line, by the record's columns."""
    with house.sql.begin() as work:
        waiting = work.in_state([State.WAITING])
    return [one.id for one in sorted(waiting, key=lambda one: (one.score, one.id))]


# --- the same places --------------------------------------------------------------------------------------------------

PEOPLE = st.lists(
    st.tuples(st.sampled_from(["api", "live", "menu", "later", "scheduled", "retry"]), st.sampled_from(["", "vip"])),
    min_size=1, max_size=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def module_redis() -> Iterator[RedisServer]:
    server = RedisServer(valkey_binary())
    yield server.start()
    server.close()


@given(people=PEOPLE, pauses=st.integers(0, 3))
@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_everybody_stands_where_they_stood(
    request: pytest.FixtureRequest,
    module_redis: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
    people: list[tuple[str, str]],
    pauses: int,
) -> None:
    module_redis.command("FLUSHALL")
    folder: Path = tmp_path_factory.mktemp("record")
    with stage(request, module_redis.url, folder, ManualClock()) as house:
        house.queue(retry_delays_s=[600])
        house.agent("ann", free=False)
        for at, (kind, priority) in enumerate(people):
            arrive(house, kind, priority, number(at))
            house.clock.advance(pauses)
        assert tick(house) is Line.WHOLE
        house.journal()
        before = [(one.entry, one.position, one.score, one.live) for one in house.line.listing(SUPPORT)]
        agents = [(view.key, view.status, view.token) for view in house.line.agents()]
        lose(house)
        tick(house)
        assert [(one.entry, one.position, one.score, one.live) for one in house.line.listing(SUPPORT)] == before
        assert [(view.key, view.status, view.token) for view in house.line.agents()] == agents


def arrive(house: StagedHouse, kind: str, priority: str, who: str) -> None:
    """Somebody of that kind joins."""
    query = {"priority": priority} if priority else {}
    if kind == "api":
        house.promise(who)
    elif kind == "live":
        house.holding(who, **query)
    elif kind == "menu":
        house.ring_in(who, **query)
    elif kind == "scheduled":
        house.promise(who, requested_for=house.clock.now() + timedelta(hours=1))
    elif kind == "later":
        made = house.promise(who)
        with house.sql.begin() as work:
            work.save(replace_retry(work.callback(made.id), house))
        house.line.enter(
            made.queue, EntryId(made.id), score=made.score, joined_at=made.joined_at, due=False,
            number_hash=house.sql.number_hash(who), replaces=None, now=house.clock.now(),
        )  # fmt: skip
    else:
        leg = house.ring_in(who, **query)
        leg.press("1")
        leg.press("1")


def replace_retry(callback: Callback, house: StagedHouse) -> Callback:
    return replace(callback, next_attempt_at=house.clock.now() + timedelta(minutes=9))
