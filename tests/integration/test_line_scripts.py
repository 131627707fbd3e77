"""How scripts are assembled, run and answered, and what a connection does when the server is not what it was."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.resources import files

import pytest
import redis

from callback.adapters.line.client import make_client
from callback.adapters.line.lanes import Lanes
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.line.results import Result, succeeded
from callback.adapters.line.scripts import Scripts, source_of
from callback.domain.errors import IllegalMove, NotFound
from callback.domain.lifecycle import AGENT_MOVES, CALL_ENDS, AgentStatus
from tests.support.clock import ManualClock
from tests.support.line_scene import SUPPORT, Scene
from tests.support.redis_server import RedisServer
from tests.support.waiting import eventually

LUA = {file.name: file.read_text("utf-8") for file in (files("callback.adapters.line") / "lua").iterdir()}
VERBS = sorted(name for name in LUA if not name.startswith("_"))


# --- the scripts as texts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_takes_and_gives(verb: str) -> None:
    header = LUA[verb].split("\n\n", 1)[0]
    for part in ("KEYS[1]", "ARGV ", "Returns ", "Time "):
        assert re.search(rf"^-- {re.escape(part)}", header, re.MULTILINE), part


@pytest.mark.parametrize("verb", VERBS)
def test_every_part_is_in_a_script_once_and_before_its_use(verb: str) -> None:
    source = source_of(verb.removesuffix(".lua"))
    assert "@include" not in source
    functions = re.findall(r"^local function (\w+)", source, re.MULTILINE)
    assert len(functions) == len(set(functions))
    for function in functions:
        assert source.index(f"local function {function}(") <= source.index(f"{function}(")


@pytest.mark.parametrize("verb", VERBS)
def test_no_script_asks_for_the_time_or_rolls_dice(verb: str) -> None:
    assert not re.search(r"'TIME'|math\.random|RANDOM", source_of(verb.removesuffix(".lua")))


def test_the_scripts_move_agents_as_the_domain_does() -> None:
    words = re.search(r"local AGENT_MOVES = (.*?)\nlocal ", LUA["_agents.lua"], re.DOTALL)
    assert words is not None
    moves = re.findall(r"(\w+)>(\w+)", words[1])
    assert {(AgentStatus(before), AgentStatus(after)) for before, after in moves} == AGENT_MOVES
    assert len(moves) == len(AGENT_MOVES)


def test_the_scripts_name_results_as_python_does() -> None:
    names = re.search(r"^local ([A-Z_, ]+) = ([\d, ]+)$", LUA["_keys.lua"], re.MULTILINE)
    assert names is not None
    pairs = zip(names[1].split(", "), map(int, names[2].split(", ")), strict=True)
    assert dict(pairs) == {result.name: result.value for result in Result}


def test_the_scripts_end_calls_as_the_domain_does() -> None:
    ends = re.search(r"local CALL_ENDS = \{(.*?)\}", LUA["_leaving.lua"])
    assert ends is not None
    assert set(re.findall(r"(\w+) = true", ends[1])) == {end.value for end in CALL_ENDS}


def test_results_that_lateness_explains_are_no_errors() -> None:
    assert succeeded(Result.OK, "it")
    assert not succeeded(Result.STALE, "it")
    assert not succeeded(Result.NONE, "it")
    with pytest.raises(NotFound):
        succeeded(Result.UNKNOWN_AGENT, "ada")
    with pytest.raises(IllegalMove):
        succeeded(Result.ILLEGAL, "it")


# --- the server is not what it was ------------------------------------------------------------------------------------


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with make_client(own_redis.url, timeout_s=20) as client:
        yield client


def test_a_server_that_forgot_the_scripts_gets_them_again(client: redis.Redis, clock: ManualClock) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.arrive("CA1")
    client.script_flush()
    assert scene.arrive("CA2").position == 2
    assert int(client.info("stats")["total_error_replies"]) >= 1
    assert scene.arrive("CA3").position == 3


def test_a_server_that_was_restarted_is_asked_again_without_a_fault(
    own_redis: RedisServer, client: redis.Redis, clock: ManualClock
) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.arrive("CA1")
    own_redis.kill()
    own_redis.start()
    assert scene.arrive("CA2").position == 1
    assert client.ping()


def test_a_server_that_is_gone_is_a_fault_at_once(
    own_redis: RedisServer, client: redis.Redis, clock: ManualClock
) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.arrive("CA1")
    own_redis.kill()
    began = time.monotonic()
    with pytest.raises(redis.RedisError):
        scene.arrive("CA2")
    assert time.monotonic() - began < 5


def test_a_server_that_does_not_answer_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"redis://127.0.0.1:{deaf.getsockname()[1]}/0"
        with make_client(url, timeout_s=0.2) as client:
            began = time.monotonic()
            with pytest.raises(redis.RedisError):
                Scripts(client).run("agents")
            assert 0.2 <= time.monotonic() - began < 5


def test_after_a_late_answer_nobody_reads_what_was_meant_for_another(own_redis: RedisServer) -> None:
    with make_client(own_redis.url, timeout_s=0.8) as client:
        lanes = Lanes(client)
        assert lanes.ask("SET", "mine", "1") == "OK"
        with pytest.raises(redis.TimeoutError):
            lanes.ask("BLPOP", "nothing", 2)
        assert lanes.ask("GET", "mine") == "1"


def test_two_questions_under_way_at_once_get_each_their_own_answer(client: redis.Redis) -> None:
    lanes = Lanes(client)
    first, second = lanes.begin("ECHO", "first"), lanes.begin("ECHO", "second")
    assert lanes.ask("ECHO", "between") == "between"
    assert [second(), first()] == ["second", "first"]


def test_a_question_under_way_that_is_refused_or_too_late_leaves_the_lanes_in_order(own_redis: RedisServer) -> None:
    with make_client(own_redis.url, timeout_s=0.8) as client:
        lanes = Lanes(client)
        with pytest.raises(redis.ResponseError):
            lanes.begin("NOSUCHCOMMAND")()
        with pytest.raises(redis.TimeoutError):
            lanes.begin("BLPOP", "nothing", 2)()
        assert lanes.ask("ECHO", "still here") == "still here"


def test_a_script_under_way_is_run_though_the_server_forgot_it_or_broke_the_connection(own_redis: RedisServer) -> None:
    with make_client(own_redis.url, timeout_s=10) as client, redis.Redis.from_url(own_redis.url) as other:
        scripts = Scripts(client)
        assert scripts.begin("agents")()[0] == Result.OK
        other.script_flush()
        assert scripts.begin("agents")()[0] == Result.OK
        other.client_kill_filter(_type="normal", skipme=True)
        assert scripts.begin("agents")()[0] == Result.OK


def test_a_refused_command_leaves_the_connection_in_order(client: redis.Redis) -> None:
    lanes = Lanes(client)
    with pytest.raises(redis.ResponseError):
        lanes.ask("NOSUCHCOMMAND")
    assert lanes.ask("ECHO", "still here") == "still here"


def test_many_threads_share_the_lanes_without_mixing_their_answers(client: redis.Redis) -> None:
    lanes = Lanes(client)
    wrong: list[str] = []

    def talk(name: str) -> None:
        wrong.extend(answer for turn in range(50) if (answer := lanes.ask("ECHO", f"{name}{turn}")) != f"{name}{turn}")

    crowd = [threading.Thread(target=talk, args=(f"thread {number} ",)) for number in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert wrong == []


def test_more_callers_than_the_librarys_hundred_connections_are_served_at_once(client: redis.Redis) -> None:
    lanes = Lanes(client)
    got: list[str] = []
    crowd = [threading.Thread(target=lambda: got.append(lanes.ask("BLPOP", "gate", 0)[1])) for _ in range(120)]
    with make_client(f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0") as porter:
        for one in crowd:
            one.start()
        eventually(lambda: porter.info("clients")["blocked_clients"] == 120, what="everybody waits at the gate")
        porter.rpush("gate", *("open" for _ in crowd))
        for one in crowd:
            one.join()
    assert got == ["open"] * 120


# --- rows that something else broke -----------------------------------------------------------------------------------


def test_a_row_without_its_entry_stops_nobody_behind_it(client: redis.Redis, clock: ManualClock) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.holding("CA1", "CA2")
    client.delete("{cb}:e:CA1")
    scene.staff("ada")
    assert scene.matched().entry == "CA2"
    assert scene.order() == []


def test_a_lease_without_its_reservation_is_dropped(client: redis.Redis, clock: ManualClock) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.staff("ada")
    scene.arrive("CA1")
    client.delete("{cb}:r:rs1")
    lapsed = scene.line.lapsed(now=clock.advance(60))
    assert (lapsed.reservations, client.zcard("{cb}:leases")) == ((), 0)


def test_everything_of_the_line_is_in_one_slot(client: redis.Redis, clock: ManualClock) -> None:
    scene = Scene(RedisLine(client, clock), clock)
    scene.staff("ada", "bob")
    scene.enter("cb1", number="hash")
    scene.talking()
    scene.arrive("CA2", number="other")
    scene.enter("cb3", due=False)
    scene.line.remember_language("hash", "zh")
    scene.line.set_offering(SUPPORT, True)
    scene.line.take_pace("calls", per_second=1, now=clock.advance(1))
    scene.complete(scene.line.agents()[0].token or scene.token(), wrap_up=20)
    scene.line.lapsed(now=clock.now() + timedelta(seconds=1))
    names = {str(key) for key in client.scan_iter()}
    assert len(names) > 10
    assert {name[:5] for name in names} == {"{cb}:"}
