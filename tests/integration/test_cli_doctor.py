"""What the doctor finds, on real servers: healthy, sick in each way, and away."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from callback import doctor
from callback.adapters.line.board import RedisBoard
from callback.adapters.line.client import make_client
from callback.adapters.line.server import Server
from callback.adapters.line.waits import RedisWaits
from callback.adapters.store import migrate
from callback.domain.access import WhoMust
from callback.domain.ids import QueueKey
from callback.domain.table import Table
from callback.embedded import EmbeddedRedis
from callback.flows.condition import ESTIMATE
from callback.ports import User
from tests.support.clock import ManualClock
from tests.support.command_line import CommandLine
from tests.support.emulator import ACCOUNT_SID, AUTH_TOKEN, Application, Emulator, running_emulator
from tests.support.installation import ACCOUNT, CARRIER_TOKEN, NUMBER, SECRET, Installation
from tests.support.redis_server import RedisServer, valkey_binary
from tests.support.waiting import eventually

OWN, STRAY = "+12025550100", "+12025550101"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Emulator]:
    with running_emulator("--voice-url", "https://elsewhere.example/voice", numbers=(OWN, STRAY)) as running:
        yield running


@pytest.fixture
def site() -> Iterator[Application]:
    application = Application()
    application.documents["/healthz"] = (200, '{"status": "ok"}', "application/json")
    yield application
    application.close()


def found(line: CommandLine, **more: str) -> dict[str, dict[str, str]]:
    """The checks by name, as JSON."""
    done = line.run("doctor", "--json", **more)
    told = json.loads(done.stdout)
    assert done.exit_code == (0 if told["ok"] else 1)
    assert told["ok"] is not any(check["verdict"] == "fail" for check in told["checks"])
    assert all(check["remedy"] for check in told["checks"] if check["verdict"] != "ok")
    return {check["name"]: check for check in told["checks"]}


def verdicts(checks: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: check["verdict"] for name, check in checks.items()}


@pytest.mark.slow
def test_a_whole_installation_at_work_is_healthy_and_the_doctor_says_who_died(tmp_path: Path) -> None:
    redis = RedisServer(valkey_binary(), "--appendonly", "yes").start()
    home = Installation(tmp_path, redis.url, f"sqlite:///{tmp_path / 'callback.sqlite3'}")
    line = CommandLine(
        tmp_path, SECRET_KEY=SECRET, REDIS_URL=redis.url, DATABASE_URL=home.database_url, PUBLIC_BASE_URL=home.base,
        TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=CARRIER_TOKEN, TWILIO_API_BASE_URL=home.carrier.base,
        TWILIO_CALLER_ID=NUMBER,
    )  # fmt: skip
    try:
        home.start()
        line.ok("queue", "add", "support", "--number", NUMBER)
        line.ok("agent", "add", "ada", "--contact", "client:ada", "--queue", "support")
        line.ok("twilio", "provision", "--number", NUMBER, "--queue", "support")
        eventually(lambda: found(line)["beat"]["verdict"] == "ok", within_s=20, what="the beat ticks")
        assert {name for name, verdict in verdicts(found(line)).items() if verdict != "ok"} == {
            "estimator",
            "administrators",
        }
        assert "carrier's clock" in found(line)
        assert line.run("doctor").exit_code == 0
        for name in ("worker", "beat", "web"):
            home.kill(name)
        eventually(lambda: found(line)["beat"]["verdict"] == "warn", within_s=20, what="the beat's lock ends")
        sick = {name for name, verdict in verdicts(found(line)).items() if verdict != "ok"}
        assert sick == {"workers", "beat", "public address", "estimator", "administrators"}
    finally:
        home.stop()
        redis.close()


def test_an_estimator_is_missed_where_there_is_none_and_when_it_falls_silent(
    redis_url: str, clock: ManualClock
) -> None:
    client = make_client(redis_url, timeout_s=10)
    board, waits = RedisBoard(client, clock, every_s=0), RedisWaits(client, clock, every_s=0)

    def told() -> tuple[str, str]:
        check = doctor.estimator(board, waits, clock.now(), [QueueKey("sales"), QueueKey("support")])
        assert bool(check.remedy) is (check.verdict != "ok")
        return check.verdict, check.found

    assert told() == ("warn", "none was ever seen: waits are announced by the simple rule")
    board.beat(ESTIMATE)
    assert told() == ("ok", "at work, heard of 0 s ago; speaks for 0 of 2 queues, still learns the others")
    table = Table(clock.now(), 3, (1,), ((1, 1, 1, 2, 3),), "model", "2", 0.75, 900)
    waits.leave({QueueKey("sales"): table, QueueKey("support"): table})
    clock.advance(10)
    assert told() == ("ok", "at work, heard of 10 s ago; speaks for 2 of 2 queues")
    clock.advance(30)
    verdict, found = told()
    assert verdict == "warn"
    assert found.startswith("silent since ")


ADMIN = User("ada@example.com", "admin", "a hash")


@pytest.mark.parametrize(
    ("users", "rule", "protected", "told"),
    [
        ([], WhoMust.NOBODY, set(), {"administrators": "warn"}),
        ([replace(ADMIN, disabled=True)], WhoMust.ADMINS, set(), {"administrators": "warn"}),
        ([replace(ADMIN, password_hash="")], WhoMust.ADMINS, set(), {"administrators": "warn"}),
        ([replace(ADMIN, role="supervisor")], WhoMust.ADMINS, set(), {"administrators": "warn"}),
        ([ADMIN], WhoMust.NOBODY, set(), {"administrators": "ok"}),
        ([ADMIN], WhoMust.ADMINS, set(), {"administrators": "ok", "two-step sign-in": "warn"}),
        ([ADMIN], WhoMust.ADMINS, {ADMIN.email}, {"administrators": "ok", "two-step sign-in": "ok"}),
    ],
)
def test_somebody_must_be_able_to_administer_and_have_the_second_step_that_the_house_wants(
    users: list[User], rule: WhoMust, protected: set[str], told: dict[str, str]
) -> None:
    checks = list(doctor.signing_in(users, rule, protected))
    assert {check.name: check.verdict for check in checks} == told
    assert all("`callback user add" in check.remedy for check in checks if check.verdict != "ok")


def test_who_lacks_the_second_step_is_counted_and_a_few_are_named() -> None:
    users = [replace(ADMIN, email=f"user{at}@example.com", role="viewer") for at in range(8)]
    _, check = doctor.signing_in(users, WhoMust.EVERYONE, {"user0@example.com"})
    assert check.found.startswith("7 of 8 who must use it have not set it up: user1@example.com, ")
    assert check.found.endswith(" and 2 more")


def test_every_mistake_in_the_environment_is_a_check_of_its_own_and_no_secret_is_shown(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, PORT="x", LEASE_S="0", DATABASE_URL="mysql://sue:hush@db/x", SECRET_KEY="hush-hush")
    checks = found(line)
    assert verdicts(checks) == {"PORT": "fail", "LEASE_S": "fail", "DATABASE_URL": "fail"}
    assert "hush" not in line.run("doctor").output


def test_a_fresh_clone_is_told_to_migrate_and_what_runs_by_itself(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    checks = found(line)
    assert checks["database"]["remedy"] == "Run `callback migrate`"
    assert "empty" in checks["database"]["found"]
    assert "embedded" in checks["redis"]["found"]
    assert "simulates" in checks["carrier"]["found"]
    assert verdicts(checks)["public address"] == "warn"
    line.ok("migrate")
    assert verdicts(found(line))["queues"] == "warn"
    assert "rung 20 times a day each at most" in found(line)["numbers outside"]["found"]
    assert "never" in found(line, OUTSIDE_PER_AGENT="0")["numbers outside"]["found"]
    with EmbeddedRedis(tmp_path / "var" / "redis"):
        running = found(line)
    assert running["redis"]["found"].startswith("Valkey ")
    assert verdicts(running)["redis persistence"] == "ok"
    assert (running["workers"]["found"], running["beat"]["found"]) == ("none answers", "does not tick")


def test_servers_that_are_away_are_told_without_their_passwords(tmp_path: Path) -> None:
    line = CommandLine(
        tmp_path, DATABASE_URL="postgresql://sue:hush@127.0.0.1:1/x", REDIS_URL="redis://:hush@127.0.0.1:1/0"
    )
    checks = found(line)
    assert (verdicts(checks)["database"], verdicts(checks)["redis"]) == ("fail", "fail")
    assert "hush" not in json.dumps(checks)
    assert "workers" not in checks


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, VAR_DIR="/proc/none/var", DATABASE_URL=f"sqlite:///{tmp_path}/x.sqlite3")
    assert verdicts(found(line))["var folder"] == "fail"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"SECRET_KEY": "numbers:1"}, "SECRET_KEY begins with numbers:"),
        ({"DATABASE_URL": "sqlite:////proc/none/x.sqlite3"}, "/proc/none cannot be used"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0?socket_timeout=x"}, "Is REDIS_URL right"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told_without_a_traceback(
    tmp_path: Path, sqlite_url: str, wrong: dict[str, str], told: str
) -> None:
    line = CommandLine(tmp_path, DATABASE_URL=sqlite_url, REDIS_URL="redis://127.0.0.1:1/0")
    assert told in line.refused("migrate", **wrong)


def test_a_redis_that_may_forget_is_told(tmp_path: Path, sqlite_url: str, own_redis: RedisServer) -> None:
    migrate.upgrade(sqlite_url)
    line = CommandLine(tmp_path, REDIS_URL=own_redis.url, DATABASE_URL=sqlite_url)
    assert verdicts(found(line))["redis persistence"] == "warn"
    own_redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    checks = found(line)
    assert checks["redis eviction"]["verdict"] == "fail"
    assert "allkeys-lru" in checks["redis eviction"]["found"]


@pytest.mark.parametrize(
    ("server", "name", "verdict"),
    [
        (Server("Redis", (6, 0, 16), True, "noeviction", 0.0), "redis", "fail"),
        (Server("Redis", (6, 2, 0), True, "noeviction", 0.0), "redis", "ok"),
        (Server("Redis", (7, 4, 0), None, "noeviction", 0.0), "redis persistence", "warn"),
        (Server("Redis", (7, 4, 0), True, None, 0.0), "redis eviction", "warn"),
        (Server("Redis", (7, 4, 0), True, "noeviction", -600.0), "clocks", "warn"),
        (Server("Valkey", (9, 1, 0), True, "noeviction", 0.2), "clocks", "ok"),
    ],
)
def test_what_a_redis_says_of_itself_is_judged(server: Server, name: str, verdict: str) -> None:
    assert {check.name: check.verdict for check in doctor.of_redis(server, "redis://there")}[name] == verdict


@pytest.mark.parametrize(
    ("carrier_s", "redis_s", "verdicts"),
    [(0.4, 0.1, ["ok"]), (0.4, -3.0, ["warn"]), (-600.0, -600.2, ["ok"]), (None, -600.0, [])],
)
def test_the_carrier_and_redis_should_agree_on_the_time(
    carrier_s: float | None, redis_s: float, verdicts: list[str]
) -> None:
    assert [check.verdict for check in doctor.of_carrier_clock(carrier_s, redis_s)] == verdicts


def test_numbers_that_lead_elsewhere_are_told_with_the_command_that_mends_them(
    tmp_path: Path, sqlite_url: str, redis_url: str, carrier: Emulator, site: Application
) -> None:
    line = CommandLine(
        tmp_path, REDIS_URL=redis_url, DATABASE_URL=sqlite_url, PUBLIC_BASE_URL=site.url,
        TWILIO_ACCOUNT_SID=ACCOUNT_SID, TWILIO_AUTH_TOKEN=AUTH_TOKEN, TWILIO_API_BASE_URL=carrier.url,
    )  # fmt: skip
    line.ok("migrate")
    line.ok("queue", "add", "support", "--number", OWN, "--number", "+12025550199")
    line.ok("queue", "add", "mute")
    checks = found(line, TWILIO_CALLER_ID="+12025550198")
    assert checks[f"number {OWN}"]["verdict"] == "fail"
    assert checks[f"number {OWN}"]["remedy"] == f"Run `callback twilio provision --number {OWN} --queue support`"
    assert checks["number +12025550199"]["found"] == "is no number of the account"
    assert checks["caller id"]["verdict"] == "warn"
    assert checks["queue support"]["verdict"] == "warn"
    assert checks["public address"]["verdict"] == "ok"
    assert [check.found for check in doctor.examine(line.settings) if check.name == "queue mute"] == [
        "no agent serves it",
        "no number leads to it or calls back for it",
    ]
    carrier.client().incoming_phone_numbers.list(phone_number=OWN)[0].update(voice_url=f"{site.url}/voice/incoming")
    assert checks_of(line, OWN) == ("warn", True)
    line.ok("twilio", "provision", "--number", OWN, "--queue", "support")
    assert checks_of(line, OWN) == ("ok", False)


def checks_of(line: CommandLine, number: str) -> tuple[str, bool]:
    check = found(line)[f"number {number}"]
    return check["verdict"], bool(check["remedy"])


def test_refused_credentials_are_explained(tmp_path: Path, carrier: Emulator) -> None:
    line = CommandLine(
        tmp_path, TWILIO_ACCOUNT_SID=ACCOUNT_SID, TWILIO_AUTH_TOKEN="not-it", TWILIO_API_BASE_URL=carrier.url
    )
    check = found(line)["carrier"]
    assert "20003" in check["found"]
    assert "suspended" in check["remedy"]
    assert "not-it" not in json.dumps(check)
    away = found(line, TWILIO_API_BASE_URL="http://127.0.0.1:1")["carrier"]
    assert (away["verdict"], "no usable answer" in away["found"]) == ("fail", True)


@pytest.mark.parametrize("answer", [(200, "<html>"), (200, '["ok"]'), (200, '{"status": "lost"}'), (502, "gone")])
def test_an_address_that_leads_elsewhere_is_told(tmp_path: Path, site: Application, answer: tuple[int, str]) -> None:
    site.documents["/healthz"] = answer
    assert found(CommandLine(tmp_path, PUBLIC_BASE_URL=site.url))["public address"]["verdict"] == "warn"


def test_a_loopback_address_cannot_serve_the_real_carrier(tmp_path: Path) -> None:
    settings = doctor.load(
        {"VAR_DIR": str(tmp_path), "TWILIO_ACCOUNT_SID": ACCOUNT_SID, "TWILIO_AUTH_TOKEN": AUTH_TOKEN}
    )
    checks = list(doctor.address(doctor.Patient(settings)))
    assert [(check.name, check.verdict) for check in checks] == [("public address", "fail")]


def test_in_production_a_process_that_does_not_run_is_a_failure(tmp_path: Path) -> None:
    settings = doctor.load(
        {
            "VAR_DIR": str(tmp_path),
            "CALLBACK_ENV": "production",
            "SECRET_KEY": "k" * 40,
            "DATABASE_URL": "postgresql://db/x",
            "REDIS_URL": "redis://r",
            "PUBLIC_BASE_URL": "https://127.0.0.1:1",
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_API_BASE_URL": "http://127.0.0.1:1",
        }
    )
    assert [check.verdict for check in doctor.address(doctor.Patient(settings))] == ["fail"]


def test_the_report_puts_each_remedy_below_what_it_mends() -> None:
    checks = [
        doctor.Check("redis", doctor.Verdict.OK, "fine"),
        doctor.Check("database", doctor.Verdict.FAIL, "is empty", "Run it"),
    ]
    assert doctor.report(checks, color=False).splitlines() == [
        "ok    redis     fine",
        "fail  database  is empty",
        "                Run it",
    ]
    assert "\x1b[31m" in doctor.report(checks, color=True)
