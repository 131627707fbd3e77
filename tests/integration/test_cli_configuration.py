"""Queues, agents, users and tokens from the command line, on a real record and a real line."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callback import wiring
from callback.adapters.store import migrate
from callback.cli import people
from callback.domain.ids import QueueKey, token_hash
from callback.embedded import EmbeddedRedis, live_url
from callback.ports import SecondStep
from callback.settings import load
from callback.web.credentials import password_matches
from callback.web.guards import Role
from tests.support.command_line import CommandLine

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record without anything in it, to be copied."""
    path = tmp_path_factory.mktemp("record") / "empty.sqlite3"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def line(tmp_path: Path, redis_url: str, migrated: Path) -> CommandLine:
    record = tmp_path / "callback.sqlite3"
    shutil.copy(migrated, record)
    return CommandLine(tmp_path, REDIS_URL=redis_url, DATABASE_URL=f"sqlite:///{record}")


@contextmanager
def house(line: CommandLine) -> Iterator[wiring.Built]:
    built = wiring.build(load(line.settings))
    yield built
    built.store.close()
    built.redis.close()


# --- queues -----------------------------------------------------------------------------------------------------


def test_a_queue_is_added_with_its_numbers_and_policy_and_the_doors_know_it(line: CommandLine) -> None:
    made = line.data(
        "queue", "add", "support", "--name", "Support", "--number", "+12015550100", "--number", "+1 201 555 0101",
        "--policy", '{"wrap_up_s": 5}',
    )  # fmt: skip
    assert (made["key"], made["name"], made["numbers"]) == ("support", "Support", ["+12015550100", "+12015550101"])
    assert (made["policy"]["wrap_up_s"], made["policy"]["attempts"], made["policy_version"]) == (5, 3, 2)
    with house(line) as built:
        published = built.house.book.find(None, "+12015550101")
        assert published is not None
        assert published.policy.wrap_up_s == 5


def test_adding_a_queue_again_changes_only_what_is_said(line: CommandLine) -> None:
    line.ok("queue", "add", "support", "--name", "Support", "--number", "+12015550100")
    again = line.data("queue", "add", "support", "--policy", '{"attempts": 5}')
    assert (again["name"], again["numbers"], again["policy"]["attempts"]) == ("Support", ["+12015550100"], 5)


def test_a_policy_is_read_from_a_file(line: CommandLine, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text('{"offer_at_wait_s": 60}', encoding="utf-8")
    assert line.data("queue", "add", "support", "--policy", f"@{policy}")["policy"]["offer_at_wait_s"] == 60


@pytest.mark.parametrize("policy", ["{", "[1]", "@/nowhere/policy.json"])
def test_a_policy_that_cannot_be_read_is_a_mistake_of_typing(line: CommandLine, policy: str) -> None:
    assert "--policy" in line.refused("queue", "add", "support", "--policy", policy, code=2)


def test_every_mistake_in_a_policy_is_told_and_nothing_is_kept(line: CommandLine) -> None:
    said = line.refused("queue", "add", "support", "--policy", '{"wrap_up": 5, "attempts": 0}')
    assert "wrap_up is not a policy field; did you mean wrap_up_s?" in said
    assert "attempts must be" in said
    assert line.data("queue", "list")["items"] == []


def test_fields_of_a_policy_are_set_as_json_or_as_words_with_who_and_why(line: CommandLine) -> None:
    line.ok("queue", "add", "support")
    changed = line.data(
        "queue", "set", "support", "dial_mode=agent_first", "hours=null", "retry_delays_s=[1, 2]", "--why", "busier"
    )
    assert (changed["policy"]["dial_mode"], changed["policy"]["retry_delays_s"]) == ("agent_first", [1, 2])
    with house(line) as built, built.store.begin() as work:
        newest = work.policies(QueueKey("support"))[0]
    assert (newest.version, newest.why, newest.by.split(":")[0]) == (2, "busier", "cli")


def test_a_field_without_a_value_is_a_mistake_of_typing(line: CommandLine) -> None:
    assert "FIELD=VALUE" in line.refused("queue", "set", "support", "accepting", code=2)


def test_a_queue_that_does_not_exist_is_named(line: CommandLine) -> None:
    assert "there is no queue nowhere" in line.refused("queue", "set", "nowhere", "accepting=false")


def test_a_number_of_another_queue_is_refused_with_its_field(line: CommandLine) -> None:
    line.ok("queue", "add", "support", "--number", "+12015550100")
    assert "numbers: +12015550100 leads to another queue" in line.refused(
        "queue", "add", "billing", "--number", "+12015550100"
    )


@pytest.mark.parametrize("key", ["", "a b", "-x", "x" * 65])
def test_keys_that_could_not_stand_in_a_url_are_refused(line: CommandLine, key: str) -> None:
    assert "letters, digits" in line.refused("queue", "add", "--", key, code=2)


def test_queues_are_listed_as_the_api_lists_them(line: CommandLine) -> None:
    assert "no queue yet" in line.ok("queue", "list")
    line.ok("queue", "add", "support", "--name", "Support", "--number", "+12015550100")
    listed = line.data("queue", "list")
    assert listed["next"] is None
    assert listed["items"][0]["waiting"] == {"live": 0, "callbacks": 0}
    assert "support  Support  +12015550100" in line.ok("queue", "list")


# --- agents -----------------------------------------------------------------------------------------------------


def test_an_agent_is_added_with_queues_and_levels(line: CommandLine) -> None:
    for key in ("support", "billing"):
        line.ok("queue", "add", key)
    made = line.data(
        "agent", "add", "ada", "--name", "Ada", "--contact", "sip:ada@example.com",
        "--queue", "support", "--queue", "billing:2",
    )  # fmt: skip
    assert made["queues"] == [{"key": "support", "level": 1}, {"key": "billing", "level": 2}]
    assert (made["name"], made["contact"], made["status"]) == ("Ada", "sip:ada@example.com", "offline")
    assert [item["key"] for item in line.data("agent", "list")["items"]] == ["ada"]
    assert "support:1, billing:2" in line.ok("agent", "list")


@pytest.mark.parametrize("queue", ["support:0", "support:x", "support:100"])
def test_a_level_that_is_none_is_a_mistake_of_typing(line: CommandLine, queue: str) -> None:
    assert "level" in line.refused("agent", "add", "ada", "--contact", "client:ada", "--queue", queue, code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--contact", "ada"), "contact: give a number like"),
        (("--contact", "client:ada", "--queue", "nowhere"), "queues: there is no queue nowhere"),
    ],
)
def test_what_is_wrong_with_an_agent_is_said(line: CommandLine, words: tuple[str, ...], said: str) -> None:
    assert said in line.refused("agent", "add", "ada", *words)
    assert line.data("agent", "list")["items"] == []


# --- users and tokens -------------------------------------------------------------------------------------------


def test_a_user_is_added_with_a_password_from_standard_input(line: CommandLine) -> None:
    shown = line.data("user", "add", "Sue@Example.com", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert shown == {"email": "sue@example.com", "role": "admin", "agent": None}
    with house(line) as built, built.store.begin() as work:
        kept = work.user("sue@example.com")
    assert kept is not None
    assert password_matches(kept.password_hash, PASSWORD)


def test_a_password_is_asked_for_twice_and_never_shown(line: CommandLine) -> None:
    done = line.run("user", "add", "sue@example.com", "--role", "viewer", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    typo = line.run("user", "add", "bo@example.com", "--role", "viewer", typed=f"{PASSWORD}\nanother one entirely\n")
    assert "do not match" in typo.output
    assert typo.exit_code == 1


def test_a_desk_needs_its_agent(line: CommandLine) -> None:
    words = ("user", "add", "ada@example.com", "--role", "agent", "--password-stdin")
    assert "--agent KEY" in line.refused(*words, typed=PASSWORD, code=2)
    assert "there is no agent ada" in line.refused(*words, "--agent", "ada", typed=PASSWORD)
    line.ok("agent", "add", "ada", "--contact", "client:ada")
    assert line.data(*words, "--agent", "ada", typed=PASSWORD)["agent"] == "ada"


@pytest.mark.parametrize(
    ("words", "typed", "said", "code"),
    [
        (("sue@example.com", "--role", "boss"), PASSWORD, "'boss' is not one of", 2),
        (("sue", "--role", "admin"), PASSWORD, "EMAIL", 2),
        (("sue@example.com", "--role", "admin"), "short", "at least 12 characters", 1),
        (("sue@example.com", "--role", "admin"), "password1234", "among the first to be tried", 1),
        (("suzanne@example.com", "--role", "admin"), "suzanne9999x", "must not have the name", 1),
    ],
)
def test_what_is_wrong_with_a_user_is_said(
    line: CommandLine, words: tuple[str, ...], typed: str, said: str, code: int
) -> None:
    assert said in line.refused("user", "add", *words, "--password-stdin", typed=typed, code=code)


def test_a_token_is_shown_once_and_only_its_hash_is_kept(line: CommandLine) -> None:
    made = line.data("token", "add", "crm", "--role", "supervisor")
    assert (made["name"], made["role"], set(made)) == ("crm", "supervisor", {"name", "role", "token"})
    with house(line) as built, built.store.begin() as work:
        kept = work.token(token_hash(made["token"]))
    assert kept is not None
    assert (kept.name, kept.role) == ("crm", "supervisor")
    assert made["token"].encode() not in Path(line.settings["DATABASE_URL"].removeprefix("sqlite:///")).read_bytes()


def test_whoever_lost_their_phone_is_let_in_from_the_command_line(line: CommandLine) -> None:
    words = ("user", "add", "sue@example.com", "--role", "admin", "--password-stdin")
    line.ok(*words, typed=PASSWORD)
    with house(line) as built, built.store.begin() as work:
        work.put_second_step(SecondStep("sue@example.com", "SECRET", confirmed_at=datetime.now(UTC)))
        work.open_session("a browser", "sue@example.com", datetime.now(UTC))
    line.ok(*words, typed=PASSWORD)
    with house(line) as built, built.store.look() as work:
        assert (work.second_steps(), work.session("a browser")) == ({"sue@example.com"}, None)
    line.ok(*words, "--reset-two-step", typed=PASSWORD)
    with house(line) as built, built.store.look() as work:
        assert work.second_steps() == set()


def test_an_agents_token_names_whom_it_speaks_for(line: CommandLine) -> None:
    assert "--role agent" in line.refused("token", "add", "desk", "--role", "viewer", "--agent", "ada", code=2)
    assert "there is no agent ada" in line.refused("token", "add", "desk", "--role", "agent", "--agent", "ada")
    line.ok("agent", "add", "ada", "--contact", "client:ada")
    made = line.data("token", "add", "desk", "--role", "agent", "--agent", "ada")
    bare = line.data("token", "add", "bare", "--role", "agent")
    with house(line) as built, built.store.begin() as work:
        kept = [work.token(token_hash(one["token"])) for one in (made, bare)]
    assert [one and one.agent for one in kept] == ["ada", None]


def test_without_json_the_token_is_all_that_standard_output_has(line: CommandLine) -> None:
    printed = line.ok("token", "add", "crm", "--role", "admin")
    assert printed.startswith("cbk_")
    assert len(printed.splitlines()) == 1


def test_a_new_token_of_the_same_name_ends_the_old_one(line: CommandLine) -> None:
    old, new = (line.data("token", "add", "crm", "--role", "admin")["token"] for _ in range(2))
    with house(line) as built, built.store.begin() as work:
        assert work.token(token_hash(old)) is None
        assert work.token(token_hash(new)) is not None


def test_the_roles_are_those_of_the_doors() -> None:
    assert set(people.ROLES) == set(Role)


# --- what is around ---------------------------------------------------------------------------------------------


def test_help_names_every_command_and_loads_none_of_them() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom callback.cli import main\n"
        "print(CliRunner().invoke(main, ['--help']).output)\n"
        "heavy = {'flask', 'redis', 'sqlalchemy', 'celery', 'twilio', 'pydantic'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    for command in ("run", "web", "migrate", "doctor", "queue", "agent", "user", "token", "twilio", "rebuild"):
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"  {command} ")]
        assert lines, command
        assert lines[0].rstrip().endswith("."), lines[0]
        assert not lines[0].endswith("..."), lines[0]
    assert done.stdout.rstrip().endswith("[]")


def test_a_database_without_tables_is_told_before_anything_is_tried(tmp_path: Path, redis_url: str) -> None:
    line = CommandLine(tmp_path, REDIS_URL=redis_url)
    for words in (("queue", "list"), ("token", "add", "x", "--role", "admin"), ("rebuild",)):
        assert "the database is empty" in line.refused(*words)
        assert "callback migrate" in line.refused(*words)


def test_a_migration_is_told_and_publishes_the_configuration(line: CommandLine, tmp_path: Path, redis_url: str) -> None:
    assert line.data("migrate") == {"from": migrate.newest(), "to": migrate.newest(), "published": True}
    fresh = CommandLine(tmp_path / "fresh", REDIS_URL=redis_url)
    assert f"the database is at {migrate.newest()} (was empty)" in fresh.ok("migrate")


def test_a_migration_goes_on_without_redis_and_says_so(line: CommandLine) -> None:
    done = line.run("migrate", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.exit_code == 0
    assert "Redis is away" in done.stderr
    assert line.data("migrate", REDIS_URL="redis://127.0.0.1:1/0")["published"] is False


def test_servers_that_are_away_are_named_without_their_passwords(line: CommandLine) -> None:
    said = line.refused("queue", "list", REDIS_URL="redis://:hush@127.0.0.1:1/0")
    assert "Redis cannot be used" in said
    said += line.refused("queue", "list", DATABASE_URL="postgresql://sue:hush@127.0.0.1:1/x")
    assert "the record is unavailable" in said
    assert "hush" not in said


def test_mistakes_in_the_environment_are_told_together(line: CommandLine) -> None:
    said = line.refused("queue", "list", PORT="x", SWEEP_S="-1")
    assert "PORT" in said
    assert "SWEEP_S" in said


def test_without_a_redis_one_is_embedded_for_the_command_and_kept_on_disk(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("migrate")
    line.ok("queue", "add", "support")
    folder = tmp_path / "var" / "redis"
    assert live_url(folder) is None
    with EmbeddedRedis(folder) as redis:
        assert [item["key"] for item in line.data("queue", "list")["items"]] == ["support"]
        assert live_url(folder) == redis.url


def test_a_line_that_was_lost_is_configured_before_a_command_asks_it(line: CommandLine) -> None:
    line.ok("agent", "add", "ada", "--contact", "client:ada")
    with house(line) as built:
        built.redis.flushall()
    assert line.data("agent", "list")["items"][0]["status"] == "offline"


def test_a_rebuild_says_what_it_found(line: CommandLine) -> None:
    line.ok("queue", "add", "support")
    line.ok("agent", "add", "ada", "--contact", "client:ada", "--queue", "support")
    found = line.data("rebuild")
    assert found == {"queues": 1, "agents": 1, "waiting": 0, "holding": 0, "paired": 0, "left": []}
    assert "0 callbacks" in line.ok("rebuild")


def test_a_rebuild_beside_another_is_refused_plainly(line: CommandLine) -> None:
    line.ok("queue", "add", "support")
    with house(line) as built:
        now = built.house.clock.now()
        with built.store.begin() as work:
            assert work.claim_rebuild(now, now + timedelta(minutes=1))
    assert "being rebuilt by somebody else" in line.refused("rebuild")


def test_what_is_typed_stands_in_the_audit_log_and_no_secret_or_number_with_it(line: CommandLine) -> None:
    line.data("queue", "add", "support", "--number", "+12015550100")
    line.run("queue", "set", "support", "attempts=2", "--why", "fewer")
    line.run("agent", "add", "ann", "--contact", "+12015550199", "--queue", "support")
    line.run("user", "add", "sue@example.com", "--role", "supervisor", "--password-stdin", typed=PASSWORD)
    made = line.data("token", "add", "crm", "--role", "viewer")
    with house(line) as built, built.store.look() as work:
        acts = work.acts()
    assert [one.what for one in reversed(acts)] == [
        "queue.save", "policy.save", "agent.save", "user.save", "token.save",
    ]  # fmt: skip
    assert all(one.by.startswith("cli") for one in acts)
    assert (acts[3].before, acts[3].after, acts[3].cause) == (
        {"attempts": 3, "version": 1}, {"attempts": 2, "version": 2}, "fewer",
    )  # fmt: skip
    assert not any(secret in repr(acts) for secret in (PASSWORD, made["token"], "2015550199", "argon2"))
