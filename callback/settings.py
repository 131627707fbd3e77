"""What the environment says, read once and checked as a whole.

Everything that differs between a laptop, a test and production is one frozen `Settings`. All mistakes are reported
together, each with the way to mend it, because a deployment that fails five times for five typos is an hour lost.
Secrets and the passwords in addresses never appear in a repr, a log or an error.
"""

import ipaddress
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

MASK = "***"
SECRET_LENGTH = 32
LONGEST_SHOWN = 80
_NEVER_SHOWN = frozenset(
    {"SECRET_KEY", "SECRET_KEY_OLD", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY_SECRET", "DATABASE_URL", "REDIS_URL"}
)


class Environment(StrEnum):
    """Where this runs. `production` refuses what is only convenient in development."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in the environment: which variable, what is wrong, how to mend it. It never shows a secret."""

    name: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name} {self.problem}. {self.remedy}"


class SettingsError(Exception):
    """The environment cannot be used; `mistakes` has every reason."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def masked(url: str) -> str:
    """`url` with its password hidden, for logs and `callback doctor`."""
    head, at, host = url.rpartition("@")
    if not at:
        return url
    scheme, mark, account = head.partition("://")
    return f"{scheme}{mark}{account.partition(':')[0]}:{MASK}@{host}"


def _database(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and rest:
        _port_of_host(re.split("[/?]", rest)[0])
        return f"postgresql+psycopg://{rest}"
    if scheme in {"sqlite", "sqlite+pysqlite"}:
        if rest.lstrip("/") in {"", ":memory:"}:
            raise ValueError("names a database in memory, which web and workers cannot share")
        return url
    raise ValueError("is neither a PostgreSQL (psycopg) nor a SQLite address")


def _port_of_host(host: str) -> None:
    """Refuses `USER:PASSWORD@HOST:PORT` with what is no port; an IPv6 address stands in brackets."""
    _, colon, port = host.rpartition("@")[2].rpartition("]")[2].rpartition(":")
    if colon and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= 65_535):
        raise ValueError("has no port from 1 to 65535 after the host's name")


def _redis(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not a Redis address")
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise ValueError("names no socket")
    if parts.scheme != "unix":
        _port_of_host(parts.netloc)
        if not re.fullmatch("/?[0-9]{0,5}", parts.path):
            raise ValueError("has no number of a database after the host")
    return url


def _secret(key: SecretStr) -> SecretStr:
    if key.get_secret_value().startswith("numbers:"):
        raise ValueError("begins with numbers:, and such a key seals nothing: its place is the end of SECRET_KEY_OLD")
    return key


def _web_address(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an http or https address")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be an address without user, query or fragment")
    _ = parts.port  # raises ValueError when it is no port
    return parts


def _base(url: str) -> str:
    _web_address(url)
    return url.rstrip("/")


def _origin(url: str) -> str:
    if _web_address(url).path.rstrip("/"):
        raise ValueError("must be scheme, host and port only")
    return url.rstrip("/")


def _e164(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a telephone number") from None
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if written != number or not phonenumbers.is_possible_number(parsed):
        raise ValueError("is not a possible telephone number in E.164")
    return number


def _crm(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or "{" in parts.netloc:
        raise ValueError("is not an https address")
    if "{number}" not in url:
        raise ValueError("has no {number} in it")
    return url


def _codes(text: str) -> str:
    names = [part.rpartition(":") for part in text.split(",") if part.strip()]
    if not names or any(not name.strip() or word.strip() not in ("yes", "no") for name, _, word in names):
        raise ValueError("is no list of names that end in :yes or :no")
    if len({name.strip() for name, _, _ in names}) < len(names):
        raise ValueError("has a name twice")
    return text


def _absolute(folder: Path) -> Path:
    try:
        return folder.expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with the home of a user who is not known") from None


def _folder(folder: Path) -> Path:
    """A folder that is there, or could be."""
    path = _absolute(folder)
    try:
        nearest = next(one for one in (path, *path.parents) if one.exists())
    except OSError as refused:
        raise ValueError(f"cannot be a folder: {refused.strerror}") from None
    if not nearest.is_dir():
        raise ValueError(f"cannot be a folder: {nearest} is none")
    return path


def _retired(keys: SecretStr) -> SecretStr:
    *earlier, last = (key.strip() for key in keys.get_secret_value().split(","))
    if any(key.startswith("numbers:") for key in earlier):
        raise ValueError("has a key with numbers: that is not the last")
    if last.startswith("numbers:") and not re.fullmatch("numbers:[0-9a-f]{64}", last):
        raise ValueError("has a key with numbers: that is not what `callback reseal --number-key` prints")
    return keys


def _days(days: float) -> float:
    if 0 < days < 1:
        raise ValueError("is less than a day, within which numbers are needed to dial and to count by")
    return days


Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Settings(BaseSettings):
    """The environment, parsed. Field names are the variables' names in lower case; get one from `load`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_database)]
    redis_url: Annotated[str, AfterValidator(_redis)] | None = None
    public_base_url: Annotated[str, AfterValidator(_base)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    secret_key: Annotated[SecretStr, AfterValidator(_secret)]
    secret_key_old: Annotated[SecretStr, AfterValidator(_retired)] | None = None
    twilio_account_sid: Annotated[str, Field(pattern="^AC[0-9A-Za-z]+$")] | None = None
    twilio_auth_token: SecretStr | None = None
    twilio_caller_id: Annotated[str, AfterValidator(_e164)] | None = None
    twilio_api_key_sid: Annotated[str, Field(pattern="^SK[0-9A-Za-z]+$")] | None = None
    twilio_api_key_secret: SecretStr | None = None
    twilio_api_base_url: Annotated[str, AfterValidator(_origin)] | None = None
    callback_env: Environment = Environment.DEVELOPMENT
    carrier_calls_per_second: Positive = 1.0
    sweep_s: Positive = 1.0
    lease_s: Positive = 10.0
    carrier_queue_s: Seconds = 30.0
    reconcile_margin_s: Seconds = 10.0
    workers_gone_s: Positive = 30.0
    predictions_days: Annotated[float, Field(ge=1, le=3_650, allow_inf_nan=False)] = 90.0
    retention_days: Annotated[float, AfterValidator(_days), Field(ge=0, le=3_650, allow_inf_nan=False)] = 0.0
    retention_at_carrier: bool = False
    outside_per_number: Annotated[int, Field(ge=0, le=100_000)] = 20
    outside_per_agent: Annotated[int, Field(ge=0, le=100_000)] = 60
    crm_url: Annotated[str, AfterValidator(_crm)] | None = None
    wrap_up_codes: Annotated[str, AfterValidator(_codes)] | None = None
    demo_speed: Positive = 10.0
    demo_seed: int = 1
    var_dir: Annotated[Path, AfterValidator(_folder)] = Path("var")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the signature is pydantic-settings' own
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` passes: nothing is read from the process behind its back."""
        return (init_settings,)

    @property
    def production(self) -> bool:
        """Whether development defaults are refused."""
        return self.callback_env is Environment.PRODUCTION

    @property
    def simulated(self) -> bool:
        """Whether there is no carrier account, so that the emulator and its people take its place."""
        return self.twilio_account_sid is None

    @property
    def emulated_carrier(self) -> str | None:
        """The carrier's address where it is one on this machine, and this is no production: then it is no real one."""
        base = self.twilio_api_base_url
        local = base is not None and _loopback(urlsplit(base).hostname or "")
        return base if local and not self.production else None

    @property
    def sqlite(self) -> bool:
        """Whether the record is a SQLite file: threads instead of green threads, one writer at a time."""
        return self.database_url.startswith("sqlite")

    @property
    def retired_keys(self) -> list[str]:
        """The secret keys that were in force before, newest first: what they sealed can still be read."""
        old = self.secret_key_old.get_secret_value() if self.secret_key_old else ""
        return [key.strip() for key in old.split(",") if key.strip()]

    @property
    def embedded_redis(self) -> bool:
        """Whether no Redis was named, so that `callback run` brings its own below `var_dir`."""
        return self.redis_url is None

    def with_redis(self, url: str) -> Self:
        """The same settings with the address of a Redis that was found or started."""
        return self.model_copy(update={"redis_url": _redis(url)})

    def bound_s(self, ring_timeout_s: float) -> float:
        """Seconds within which anything lost is found again: sweep + ring + the carrier's own queue + margin."""
        return self.sweep_s + ring_timeout_s + self.carrier_queue_s + self.reconcile_margin_s

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Shows everything but the passwords in addresses; pydantic hides the secrets themselves."""
        for name, value in super().__repr_args__():
            shown = masked(value) if name in {"database_url", "redis_url"} and value else value
            yield name, shown


_REMEDIES = {
    "DATABASE_URL": "Set it to postgresql://USER:PASSWORD@HOST/NAME (or sqlite:////absolute/path for one machine)",
    "REDIS_URL": "Set it to redis://:PASSWORD@HOST:6379/0 (rediss:// for TLS, unix:// for a socket)",
    "PUBLIC_BASE_URL": "Set it to the address the carrier reaches, such as https://calls.example.com",
    "PORT": "Set it to a free port from 1 to 65535, or unset it for 8000",
    "SECRET_KEY_OLD": "Set it to the keys in force before, newest first, with commas between them, or unset it",
    "SECRET_KEY": "Set it to the output of: openssl rand -hex 32",
    "TWILIO_ACCOUNT_SID": "Copy the Account SID from the carrier's console, or unset both credentials to simulate",
    "TWILIO_AUTH_TOKEN": "Copy the Auth Token from the carrier's console, or unset both credentials to simulate",
    "TWILIO_CALLER_ID": "Set it to a number of the account in E.164, such as +12015550123",
    "TWILIO_API_BASE_URL": "Set it to scheme, host and port (http://127.0.0.1:8010), or unset it for the carrier's own",
    "TWILIO_API_KEY_SID": "Copy the SID of an API key from the carrier's console, or unset both to do without",
    "TWILIO_API_KEY_SECRET": "Copy the secret of the API key, or unset both: agents then have no telephone in the page",
    "CALLBACK_ENV": "Set it to development or production",
    "CARRIER_CALLS_PER_SECOND": "Set it to the account's pace of creating calls, such as 1",
    "SWEEP_S": "Set it to seconds above 0, such as 1",
    "LEASE_S": "Set it to seconds above 0, such as 10",
    "CARRIER_QUEUE_S": "Set it to seconds, such as 30",
    "RECONCILE_MARGIN_S": "Set it to seconds, such as 10",
    "WORKERS_GONE_S": "Set it to seconds above 0, such as 30",
    "PREDICTIONS_DAYS": "Set it to days from 1 to 3650, such as 90",
    "RETENTION_DAYS": "Set it to days from 1 to 3650, such as 180, or to 0 to keep numbers and names",
    "RETENTION_AT_CARRIER": "Set it to true or false",
    "OUTSIDE_PER_NUMBER": "Set it to calls a day, such as 20, or to 0 so that no telephone outside is rung for callers",
    "OUTSIDE_PER_AGENT": "Set it to calls a day, such as 60, or to 0 so that no agent has telephones outside rung",
    "CRM_URL": "Set it to an https address with {number} in it, such as https://crm.example/search?phone={number}",
    "WRAP_UP_CODES": "Set it to names with :yes or :no, such as solved:yes, call again:no",
    "DEMO_SPEED": "Set it to a number above 0, such as 10",
    "DEMO_SEED": "Set it to a whole number, such as 1",
    "VAR_DIR": "Set it to a folder this program may write to",
}


def load(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` describes; unknown names are ignored and an empty value counts as unset.

    In development a missing SECRET_KEY is made once and kept in `VAR_DIR/secret_key`, readable by its owner alone.
    Raises SettingsError with every mistake at once.
    """
    given = {name: environ[name].strip() for name in _REMEDIES if environ.get(name, "").strip()}
    values = _with_defaults(given)
    mistakes = [*_field_mistakes(values), *_cross_mistakes(given)]
    if mistakes:
        raise SettingsError(mistakes)
    if "SECRET_KEY" not in given:
        values["SECRET_KEY"] = _kept_secret(Path(values["VAR_DIR"]))
    return _parse(values)


def _with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    """What is derived from other variables, filled in; a placeholder stands for the secret until all else is right."""
    folder = _home_of(given.get("VAR_DIR", "var"))
    derived = {
        "VAR_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder}/callback.sqlite3",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{_port_or_default(given)}",
        "SECRET_KEY": MASK,
    }
    return derived | dict(given)


def _home_of(folder: str) -> str:
    try:
        return str(_absolute(Path(folder)))
    except ValueError:  # told as a mistake of the variable itself
        return folder


def _port_or_default(given: Mapping[str, str]) -> str:
    port = given.get("PORT", "8000")
    return port if re.fullmatch("[0-9]{1,5}", port) and int(port) <= 65_535 else "8000"


def _parse(values: Mapping[str, str]) -> Settings:
    return Settings(**{name.lower(): value for name, value in values.items()})  # type: ignore[arg-type]


def _field_mistakes(values: Mapping[str, str]) -> list[Mistake]:
    """What is wrong with single variables."""
    try:
        _parse(values)
    except ValidationError as refused:
        return [_mistake(str(error["loc"][0]).upper(), error["msg"], values) for error in refused.errors()]
    return []


def _mistake(name: str, message: str, values: Mapping[str, str]) -> Mistake:
    problem = message.removeprefix("Value error, ").replace("Input should", "should").replace("String should", "should")
    value = masked(values[name])
    short = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
    shown = "" if name in _NEVER_SHOWN else f" (it is {short!r})"
    return Mistake(name, problem + shown, _REMEDIES[name])


_TOGETHER = (("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), ("TWILIO_API_KEY_SID", "TWILIO_API_KEY_SECRET"))


def _cross_mistakes(given: Mapping[str, str]) -> Iterator[Mistake]:
    """What is wrong between variables, judged from the raw values so that it is told together with the rest."""
    for pair in _TOGETHER:
        for one, other in (pair, pair[::-1]):
            if one in given and other not in given:
                yield Mistake(other, f"is missing while {one} is set", _REMEDIES[other])
    if "TWILIO_API_BASE_URL" in given and not given.keys() & {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"}:
        yield Mistake(
            "TWILIO_API_BASE_URL",
            "is set without an account",
            "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN too, or unset it",
        )
    if given.get("CALLBACK_ENV") == Environment.PRODUCTION:
        yield from _production_mistakes(given)


def _production_mistakes(given: Mapping[str, str]) -> Iterator[Mistake]:
    """The development defaults and conveniences that production refuses."""
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "PUBLIC_BASE_URL",
        "SECRET_KEY",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
    ):
        if name not in given:
            yield Mistake(name, "is required in production", _REMEDIES[name])
    if given.get("DATABASE_URL", "").startswith("sqlite"):
        yield Mistake("DATABASE_URL", "is SQLite, which production refuses", _REMEDIES["DATABASE_URL"])
    if 0 < len(given.get("SECRET_KEY", "")) < SECRET_LENGTH:
        yield Mistake("SECRET_KEY", f"is shorter than {SECRET_LENGTH} characters", _REMEDIES["SECRET_KEY"])
    for name in ("PUBLIC_BASE_URL", "TWILIO_API_BASE_URL"):
        if _plain_and_remote(given.get(name, "")):
            yield Mistake(name, "is http, which production allows on this machine only", "Use https")


def _plain_and_remote(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not _loopback(parts.hostname or "")
    except ValueError:  # told already as a mistake of the variable itself
        return False


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _kept_secret(folder: Path) -> str:
    """The development secret of `folder`, made by whichever process comes first."""
    path = folder / "secret_key"
    try:
        if not path.exists():
            _create_secret(path)
        secret = path.read_text().strip()
    except OSError as refused:
        problem = f"cannot be kept in {path}: {refused.strerror}"
        raise SettingsError([Mistake("SECRET_KEY", problem, _REMEDIES["VAR_DIR"])]) from None
    if len(secret) < SECRET_LENGTH:
        raise SettingsError(
            [Mistake("SECRET_KEY", f"in {path} is too short", "Remove that file to have a new one made")]
        )
    return secret


def _create_secret(path: Path) -> None:
    """Writes a new secret under another name and links it into place, so that nobody ever reads half of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")  # mode 600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_LENGTH))
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first: its secret is the one
    finally:
        Path(draft).unlink()
