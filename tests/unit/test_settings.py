"""The environment as a table of situations: what is read, what is refused, and that nothing secret is ever shown."""

import stat
import threading
from pathlib import Path

import pytest

from callback.settings import _REMEDIES, Settings, SettingsError, load, masked

SID = "AC" + "0" * 32
ACCOUNT = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "carrier-token-never-shown"}
PRODUCTION = {
    **ACCOUNT,
    "CALLBACK_ENV": "production",
    "DATABASE_URL": "postgresql://callback:database-password@db/callback",
    "REDIS_URL": "redis://:redis-password@cache:6379/0",
    "PUBLIC_BASE_URL": "https://calls.example.com",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
}


def refused(environ: dict[str, str]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return caught.value


def names(error: SettingsError) -> list[str]:
    return sorted({mistake.name for mistake in error.mistakes})


@pytest.fixture
def development(tmp_path: Path) -> dict[str, str]:
    return {"VAR_DIR": str(tmp_path / "var")}


def test_an_empty_environment_gives_the_documented_defaults(development: dict[str, str], tmp_path: Path) -> None:
    settings = load(development)
    assert settings.database_url == f"sqlite:///{tmp_path}/var/callback.sqlite3"
    assert settings.redis_url is None
    assert settings.public_base_url == "http://127.0.0.1:8000"
    assert settings.port == 8000
    assert settings.twilio_account_sid is settings.twilio_auth_token is settings.twilio_caller_id is None
    assert settings.twilio_api_base_url is None
    assert settings.carrier_calls_per_second == 1
    assert (settings.sweep_s, settings.lease_s, settings.carrier_queue_s, settings.reconcile_margin_s) == (
        1,
        10,
        30,
        10,
    )
    assert (settings.demo_speed, settings.demo_seed) == (10, 1)
    assert settings.simulated
    assert settings.sqlite
    assert settings.embedded_redis
    assert not settings.production


def test_how_often_telephones_outside_are_rung_is_a_setting(development: dict[str, str]) -> None:
    settings = load(development)
    assert (settings.outside_per_number, settings.outside_per_agent) == (20, 60)
    settings = load({**development, "OUTSIDE_PER_NUMBER": "0", "OUTSIDE_PER_AGENT": "5"})
    assert (settings.outside_per_number, settings.outside_per_agent) == (0, 5)
    wrong = refused({**development, "OUTSIDE_PER_NUMBER": "-1", "OUTSIDE_PER_AGENT": "many"})
    assert names(wrong) == ["OUTSIDE_PER_AGENT", "OUTSIDE_PER_NUMBER"]


def test_what_the_desk_needs_is_checked(development: dict[str, str]) -> None:
    key = {"TWILIO_API_KEY_SID": "SK" + "0" * 32}
    assert names(refused(development | ACCOUNT | key)) == ["TWILIO_API_KEY_SECRET"]
    for wrong in ("http://crm.example/{number}", "https://{number}.example/", "https://crm.example/", "crm"):
        assert names(refused(development | {"CRM_URL": wrong})) == ["CRM_URL"]
    for wrong in ("solved", "solved:maybe", ":yes", "solved:yes,solved:no"):
        assert names(refused(development | {"WRAP_UP_CODES": wrong})) == ["WRAP_UP_CODES"]
    desk = {"CRM_URL": "https://crm.example/?phone={number}", "WRAP_UP_CODES": "solved:yes, call again:no"}
    settings = load(development | ACCOUNT | key | {"TWILIO_API_KEY_SECRET": "never-shown"} | desk)
    assert (settings.crm_url, settings.wrap_up_codes) == (desk["CRM_URL"], desk["WRAP_UP_CODES"])
    assert "never-shown" not in repr(settings)


def test_an_empty_value_counts_as_unset(development: dict[str, str]) -> None:
    blank = dict.fromkeys(("PORT", "SECRET_KEY", "TWILIO_ACCOUNT_SID", "REDIS_URL", "CALLBACK_ENV"), " ")
    assert load(development | blank) == load(development)


def test_names_that_are_not_ours_are_ignored(development: dict[str, str]) -> None:
    assert load(development | {"PATH": "/bin", "TWILIO_API_KEY": "x"}) == load(development)


def test_the_public_address_follows_the_port(development: dict[str, str]) -> None:
    assert load(development | {"PORT": "9001"}).public_base_url == "http://127.0.0.1:9001"


@pytest.mark.parametrize("given", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_postgresql_address_means_psycopg_3(development: dict[str, str], given: str) -> None:
    settings = load(development | {"DATABASE_URL": f"{given}://u:p@h/d?sslmode=require"})
    assert settings.database_url == "postgresql+psycopg://u:p@h/d?sslmode=require"
    assert not settings.sqlite


NONSENSE = (
    "nonsense", "numbers:", "…", "a\nb", "-1", "1e999", "nan", ",", ",,", "a,,b", "http://[", "https://x:99999", "%s",
    "²", "postgresql://[", "postgresql://h:x/d", "sqlite:///[", "redis://[", "redis://h:x/0", "unix://", "https://{number",
    "https://[x/{number}", "9" * 5_000, "~nobody-of-that-name/x", "/dev/null/x", "a:yes,b:maybe", "0x10", "1_000",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(_REMEDIES))
def test_whatever_a_setting_is_set_to_it_is_taken_or_refused_in_one_line(
    name: str, development: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in NONSENSE:
        try:
            load({**development, name: value})
        except SettingsError as error:
            for mistake in error.mistakes:
                assert mistake.remedy
                assert "\n" not in str(mistake)
                assert len(str(mistake)) < 400


def test_addresses_of_one_machine_and_of_ipv6_are_taken(development: dict[str, str]) -> None:
    for database in ("postgresql://u:p%3A@[::1]:5432/d", "postgresql:///d?host=/run/postgresql", "postgresql://h/d"):
        assert load(development | {"DATABASE_URL": database}).database_url
    for redis in ("redis://:p@[::1]:6379/1", "redis://h", "redis://h/", "unix:///run/redis.sock?db=1", "rediss://h:1"):
        assert load(development | {"REDIS_URL": redis}).redis_url == redis


def test_a_trailing_slash_is_no_part_of_an_address(development: dict[str, str]) -> None:
    settings = load(
        development
        | ACCOUNT
        | {"PUBLIC_BASE_URL": "https://calls.example.com/", "TWILIO_API_BASE_URL": "http://127.0.0.1:8010/"}
    )
    assert settings.public_base_url == "https://calls.example.com"
    assert settings.twilio_api_base_url == "http://127.0.0.1:8010"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("DATABASE_URL", "mysql://u:p@h/d"),
        ("DATABASE_URL", "postgresql+psycopg2://u:p@h/d"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "postgresql://u:p@h:port/d"),
        ("DATABASE_URL", "postgresql://u:p@[::1]:0/d"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://h:99999/0"),
        ("REDIS_URL", "redis://h:port/0"),
        ("REDIS_URL", "redis://h/first"),
        ("REDIS_URL", "unix://"),
        ("SECRET_KEY", "numbers:…"),
        ("SECRET_KEY", "numbers:" + "0" * 64),
        ("VAR_DIR", "/dev/null/var"),
        ("VAR_DIR", "~nobody-of-that-name/var"),
        ("VAR_DIR", "v" * 300),
        ("PORT", "9" * 5_000),
        ("PUBLIC_BASE_URL", "calls.example.com"),
        ("PUBLIC_BASE_URL", "https://calls.example.com/?a=b"),
        ("PUBLIC_BASE_URL", "https://user@calls.example.com"),
        ("PUBLIC_BASE_URL", "https://calls.example.com:port"),
        ("CALLBACK_ENV", "staging"),
        ("CARRIER_CALLS_PER_SECOND", "0"),
        ("SWEEP_S", "0"),
        ("LEASE_S", "-1"),
        ("CARRIER_QUEUE_S", "inf"),
        ("RECONCILE_MARGIN_S", "nan"),
        ("DEMO_SPEED", "0"),
        ("DEMO_SEED", "1.5"),
        ("TWILIO_CALLER_ID", "2015550123"),
        ("TWILIO_CALLER_ID", "+1 201 555 0123"),
        ("TWILIO_CALLER_ID", "+1201"),
    ],
)
def test_a_wrong_value_names_its_variable_and_how_to_mend_it(
    development: dict[str, str], name: str, value: str
) -> None:
    error = refused(development | {name: value})
    assert names(error) == [name]
    assert all(mistake.remedy for mistake in error.mistakes)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8010/2010-04-01", "ftp://127.0.0.1", "127.0.0.1:8010"])
def test_the_carriers_address_is_scheme_host_and_port(development: dict[str, str], url: str) -> None:
    assert names(refused(development | ACCOUNT | {"TWILIO_API_BASE_URL": url})) == ["TWILIO_API_BASE_URL"]


@pytest.mark.parametrize(
    ("given", "missing"),
    [("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), ("TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID")],
)
def test_half_an_account_is_refused(development: dict[str, str], given: str, missing: str) -> None:
    assert names(refused(development | {given: ACCOUNT[given]})) == [missing]


def test_a_carrier_address_without_an_account_would_be_ignored_so_it_is_refused(development: dict[str, str]) -> None:
    assert names(refused(development | {"TWILIO_API_BASE_URL": "http://127.0.0.1:8010"})) == ["TWILIO_API_BASE_URL"]


def test_an_account_ends_the_simulation(development: dict[str, str]) -> None:
    assert not load(development | ACCOUNT).simulated


def test_all_mistakes_are_told_together() -> None:
    error = refused(
        {"CALLBACK_ENV": "production", "PORT": "x", "SWEEP_S": "x", "PUBLIC_BASE_URL": "http://example.com"}
    )
    assert names(error) == [
        "DATABASE_URL",
        "PORT",
        "PUBLIC_BASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SWEEP_S",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
    ]
    assert all(str(mistake) in str(error) for mistake in error.mistakes)


def test_a_complete_production_environment_is_accepted() -> None:
    settings = load(PRODUCTION)
    assert settings.production
    assert not settings.embedded_redis


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "REDIS_URL", "PUBLIC_BASE_URL", "SECRET_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
)
def test_production_has_no_default_for(name: str) -> None:
    assert name in names(refused({key: value for key, value in PRODUCTION.items() if key != name}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:////srv/callback.sqlite3"),
        ("SECRET_KEY", "short"),
        ("PUBLIC_BASE_URL", "http://calls.example.com"),
        ("TWILIO_API_BASE_URL", "http://carrier.example.com"),
    ],
)
def test_production_refuses(name: str, value: str) -> None:
    assert names(refused(PRODUCTION | {name: value})) == [name]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_production_may_be_tried_out_on_loopback(host: str) -> None:
    given = {"PUBLIC_BASE_URL": f"http://{host}:8000", "TWILIO_API_BASE_URL": f"http://{host}:8010"}
    assert load(PRODUCTION | given).public_base_url == given["PUBLIC_BASE_URL"]


SECRETS = ["carrier-token-never-shown", "database-password", "redis-password", PRODUCTION["SECRET_KEY"]]


@pytest.mark.parametrize("secret", SECRETS)
def test_settings_never_show_a_secret(secret: str) -> None:
    settings = load(PRODUCTION)
    assert secret not in repr(settings)
    assert secret not in str(settings)


@pytest.mark.parametrize("secret", SECRETS)
def test_errors_never_show_a_secret(secret: str) -> None:
    broken = {name: f"?{value}" for name, value in PRODUCTION.items() if name != "CALLBACK_ENV"}
    assert secret not in str(refused(broken | {"CALLBACK_ENV": "production"}))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pass@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://me:p@ss/w#rd@host/db", "postgresql://me:***@host/db"),
        ("sqlite:////srv/db.sqlite3", "sqlite:////srv/db.sqlite3"),
    ],
)
def test_a_password_in_an_address_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_the_development_secret_is_made_once_and_for_its_owner_alone(
    development: dict[str, str], tmp_path: Path
) -> None:
    first, second = load(development), load(development)
    assert first.secret_key == second.secret_key
    assert len(first.secret_key.get_secret_value()) == 64
    kept = tmp_path / "var" / "secret_key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(kept.parent.iterdir()) == [kept]


def test_processes_that_start_together_agree_on_the_secret(development: dict[str, str]) -> None:
    found: list[Settings] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        found.append(load(development))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({settings.secret_key.get_secret_value() for settings in found}) == 1
    assert len(found) == 8


def test_a_refused_environment_leaves_no_secret_behind(development: dict[str, str], tmp_path: Path) -> None:
    refused(development | {"PORT": "x"})
    assert not (tmp_path / "var").exists()


def test_a_folder_that_cannot_be_written_is_a_mistake_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert names(refused({"VAR_DIR": str(tmp_path / "file" / "var")})) == ["VAR_DIR"]
    assert names(refused({"VAR_DIR": "/proc/none/var"})) == ["SECRET_KEY"]


def test_a_damaged_secret_is_told_instead_of_used(development: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text("half")
    assert "too short" in str(refused(development))


def test_a_redis_that_was_started_completes_the_settings(development: dict[str, str]) -> None:
    settings = load(development).with_redis("redis://:pass@127.0.0.1:7000/0")
    assert settings.redis_url == "redis://:pass@127.0.0.1:7000/0"
    assert not settings.embedded_redis


def test_the_bound_is_the_sum_of_its_parts(development: dict[str, str]) -> None:
    assert load(development).bound_s(ring_timeout_s=25) == 1 + 25 + 30 + 10


def test_keys_of_before_are_read_newest_first_and_never_shown(development: dict[str, str]) -> None:
    settings = load({**development, "SECRET_KEY_OLD": "the-key-of-last-year, the-first-key"})
    assert settings.retired_keys == ["the-key-of-last-year", "the-first-key"]
    assert "the-first-key" not in repr(settings)
    assert load(development).retired_keys == []


@pytest.mark.parametrize(("days", "kept"), [("0", 0), ("1", 1), ("180", 180)])
def test_numbers_and_names_are_kept_unless_days_are_given(development: dict[str, str], days: str, kept: float) -> None:
    assert load({**development, "RETENTION_DAYS": days}).retention_days == kept
    assert load(development).retention_days == 0
    assert not load(development).retention_at_carrier


@pytest.mark.parametrize("days", ["0.5", "-1", "4000", "soon"])
def test_less_than_a_day_would_forget_who_is_being_served(development: dict[str, str], days: str) -> None:
    assert names(refused({**development, "RETENTION_DAYS": days})) == ["RETENTION_DAYS"]
