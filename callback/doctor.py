"""Every setting and connection checked, each with what it means and how to mend it. Changes nothing, shows no secret.

The checks go from the inside out: the environment, the disk, the record, Redis, the carrier, our own address as the
world sees it, and the processes that do the work. What needs something that failed before is not tried.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import click
from kombu.exceptions import OperationalError

from callback import wiring
from callback.adapters.dispatch import DIAL, MESSAGES, PERSIST, SWEEP, make_celery
from callback.adapters.line import server
from callback.adapters.line.client import make_client
from callback.adapters.line.keys import BEAT_LOCK
from callback.adapters.outside import Outside
from callback.adapters.store import migrate
from callback.adapters.store.errors import StoreUnavailable
from callback.adapters.store.sql_store import DATABASE_FAULTS, SqlStore
from callback.domain.access import ADMIN, WhoMust, must_use_two_step
from callback.domain.callback import Agent
from callback.domain.condition import Part, Severity
from callback.domain.erasure import Erasure, Stage
from callback.domain.ids import QueueKey
from callback.domain.numbers import OwnNumber, Wrong, calls_from, on_this_machine, served, webhooks_for, wrong_with
from callback.domain.policy import Queue
from callback.domain.table import GOOD_FOR
from callback.embedded import EmbeddedRedisError, live_url, server_path
from callback.flows import condition, first_use
from callback.ports import Board, CarrierError, CarrierStopped, User, Waits
from callback.settings import Settings, SettingsError, load, masked

OLDEST_REDIS = (6, 2)
CLOCK_OFF_S = 1.0
CARRIER_OFF_S = 1.5
"""Its answers tell whole seconds only."""


class Verdict(StrEnum):
    """Of one check. A warning does not stop the service."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was found, and how to mend it where it needs mending."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"name": self.name, "verdict": self.verdict, "found": self.found, "remedy": self.remedy}


Checks = Iterator[Check]
COLORS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def report(checks: Sequence[Check], *, color: bool) -> str:
    """The checks as lines: verdict, name, what was found, and below it how to mend it."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        verdict = check.verdict.ljust(4)
        shown = click.style(verdict, fg=COLORS[check.verdict]) if color else verdict
        lines.append(f"{shown}  {check.name.ljust(width)}  {check.found}")
        if check.remedy:
            lines.append(f"{'':{width + 8}}{check.remedy}")
    return "\n".join(lines)


@dataclass
class Patient:
    """What is known so far. `queues` is None until the record has told them, `redis_url` and how far Redis' clock
    is ahead of ours until it answers."""

    settings: Settings
    redis_url: str | None = None
    redis_ahead_s: float = 0.0
    queues: list[Queue] | None = None
    agents: list[Agent] = field(default_factory=list)

    @property
    def absent(self) -> Verdict:
        """What it means that a process does not run: in development nobody may have started it yet."""
        return Verdict.FAIL if self.settings.production else Verdict.WARN


SHOWN = 5
"""So many of those who lack something are named."""
FORGOTTEN_WITHIN = timedelta(days=1)
"""Somebody who is not forgotten by then is waiting for somebody to mend something."""


def examine(environ: Mapping[str, str]) -> list[Check]:
    """All checks."""
    try:
        settings = load(environ)
    except SettingsError as wrong:
        return [Check(each.name, Verdict.FAIL, each.problem, each.remedy) for each in wrong.mistakes]
    patient = Patient(settings)
    checks = [Check("settings", Verdict.OK, f"{settings.callback_env}, all valid"), outside_numbers(settings)]
    parts: tuple[Callable[[Patient], Checks], ...] = (
        disk,
        record,
        line,
        staffing,
        carrier,
        address,
        workers,
        conditions,
    )
    for part in parts:
        checks.extend(part(patient))
    return checks


def outside_numbers(settings: Settings) -> Check:
    """How often telephones outside are rung for callers: of the house's guards the one that is its own to measure."""
    number, agent = settings.outside_per_number, settings.outside_per_agent
    told = f"rung {number} times a day each at most, {agent} times for one agent"
    found = told if number and agent else "never rung for callers"
    return Check("numbers outside", Verdict.OK, f"{found} (OUTSIDE_PER_NUMBER, OUTSIDE_PER_AGENT)")


# --- the disk and the record ------------------------------------------------------------------------------------


def disk(patient: Patient) -> Checks:
    """The folder of everything that this machine keeps."""
    folder = patient.settings.var_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
    except OSError as refused:
        remedy = "Free some space there, let this user write to it, or set VAR_DIR to another folder"
        yield Check("var folder", Verdict.FAIL, f"{folder} cannot be written: {refused.strerror}", remedy)
        return
    yield Check("var folder", Verdict.OK, f"{folder} can be written")


def record(patient: Patient) -> Checks:
    """The database: reachable, and with the tables of this version."""
    settings = patient.settings
    store = SqlStore(
        settings.database_url, settings.secret_key.get_secret_value(), retired_keys=settings.retired_keys, pool_size=2
    )
    where = masked(settings.database_url)
    try:
        store.ping()
        found, needed = migrate.current(settings.database_url), migrate.newest()
        if not migrate.serves(found):
            yield Check(
                "database", Verdict.FAIL, f"{where} is {_revision(found)}, not {needed}", "Run `callback migrate`"
            )
            return
        with store.begin() as work:
            patient.queues, patient.agents = work.queues(), work.agents()
            wishes, users = work.erasures(), work.users()
            rule, protected = work.two_step_rule(), work.second_steps()
    except (StoreUnavailable, *DATABASE_FAULTS) as away:
        remedy = "Start the server, and check the host, user and password in DATABASE_URL"
        yield Check("database", Verdict.FAIL, f"{where} cannot be used: {_first_line(away)}", remedy)
        return
    finally:
        store.close()
    yield Check("database", Verdict.OK, f"{where} at revision {found}")
    yield from forgetting(wishes, datetime.now(UTC))
    yield from signing_in(users, rule, protected)


def signing_in(users: Sequence[User], rule: WhoMust, protected: AbstractSet[str]) -> Checks:
    """Whether somebody can administer the house, and whoever needs two-step sign-in by its rule has it. `protected`:
    the addresses of those who have it."""
    able = [user for user in users if not user.disabled and user.password_hash]
    administrators = [user for user in able if user.role == ADMIN]
    if administrators:
        who = "1 administrator" if len(administrators) == 1 else f"{len(administrators)} administrators"
        yield Check("administrators", Verdict.OK, f"{who} can sign in")
    else:
        invited = [user for user in users if user.role == ADMIN and not user.disabled]
        told = "the only ones have not set a password yet" if invited else "nobody who may sign in is one"
        yield Check("administrators", Verdict.WARN, told, "Add one: `callback user add EMAIL --role admin`")
    needing = [user for user in able if must_use_two_step(rule, user.role)]
    without = sorted(user.email for user in needing if user.email not in protected)
    if without:
        told = f"{len(without)} of {len(needing)} who must use it have not set it up: {', '.join(without[:SHOWN])}"
        more = f" and {len(without) - SHOWN} more" if len(without) > SHOWN else ""
        remedy = (
            "They are asked to at their next sign-in; who has lost the app: "
            "`callback user add EMAIL --role ROLE --reset-two-step`"
        )
        yield Check("two-step sign-in", Verdict.WARN, told + more, remedy)
    elif needing:
        yield Check("two-step sign-in", Verdict.OK, f"all {len(needing)} who must use it have set it up")


def forgetting(wishes: Sequence[Erasure], now: datetime) -> Checks:
    """Whether anybody has waited for long to be forgotten."""
    late = [wish for wish in wishes if wish.stage is not Stage.DONE and now - wish.asked_at > FORGOTTEN_WITHIN]
    if late:
        why = f": {late[-1].error}" if late[-1].error else ""
        told = f"{len(late)} waiting to be forgotten, the first since {late[-1].asked_at:%Y-%m-%d}{why}"
        yield Check("erasures", Verdict.WARN, told, "Mend what it says; `callback erase --list` shows how far each is")


def _revision(found: str | None) -> str:
    return f"at revision {found}" if found else "empty"


def _first_line(error: BaseException) -> str:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return said[0] if said else type(error).__name__


# --- Redis ------------------------------------------------------------------------------------------------------


def line(patient: Patient) -> Checks:
    """Redis: reachable, new enough, and set up so that it forgets nothing."""
    settings = patient.settings
    url = settings.redis_url or live_url(settings.var_dir / "redis")
    if url is None:
        yield _embedded()
        return
    client = make_client(url)
    try:
        found = server.inspect(client)
    except server.FAULTS as away:
        remedy = "Start it, and check the host, port and password in REDIS_URL"
        yield Check("redis", Verdict.FAIL, f"{masked(url)} does not answer: {away}", remedy)
        return
    finally:
        client.close()
    patient.redis_url, patient.redis_ahead_s = url, found.clock_ahead_s
    yield from of_redis(found, masked(url))


def _embedded() -> Check:
    try:
        server_path()
    except EmbeddedRedisError as missing:
        return Check("redis", Verdict.FAIL, "none is named, and none can be embedded", str(missing))
    return Check("redis", Verdict.OK, "embedded, not running now: `callback run` starts it")


def of_redis(found: server.Server, where: str) -> Checks:
    """What a server says of itself, judged."""
    if found.version < OLDEST_REDIS:
        yield Check("redis", Verdict.FAIL, f"{found} at {where} is too old", "Use Redis 6.2 or newer, or Valkey")
    else:
        yield Check("redis", Verdict.OK, f"{found} at {where}")
    if found.appendonly is not True:
        remedy = "Set `appendonly yes`: without it a restart loses who is on the line, until `callback rebuild` ran"
        told = "keeps no log of its writes" if found.appendonly is False else "does not tell whether it logs its writes"
        yield Check("redis persistence", Verdict.WARN, told, remedy)
    else:
        yield Check("redis persistence", Verdict.OK, "every write is logged")
    yield _eviction(found.eviction)
    off = found.clock_ahead_s
    if abs(off) > CLOCK_OFF_S:
        remedy = "Run a time service (chrony, systemd-timesyncd) on both machines; the line goes by Redis's clock"
        yield Check("clocks", Verdict.WARN, f"Redis's clock is {off:+.1f} s from this machine's", remedy)
    else:
        yield Check("clocks", Verdict.OK, f"Redis's clock is {off * 1000:+.0f} ms from this machine's")


def _eviction(policy: str | None) -> Check:
    if policy == "noeviction":
        return Check("redis eviction", Verdict.OK, "nothing is ever evicted")
    if policy is None:
        return Check("redis eviction", Verdict.WARN, "not told", "Make sure that maxmemory-policy is noeviction")
    remedy = "Set `maxmemory-policy noeviction`: a full Redis would forget people in line, and tasks"
    return Check("redis eviction", Verdict.FAIL, f"maxmemory-policy is {policy}", remedy)


# --- queues and agents ------------------------------------------------------------------------------------------


def staffing(patient: Patient) -> Checks:
    """Queues that nobody serves, and ones that cannot call back."""
    if patient.queues is None:
        return
    if not patient.queues:
        yield Check("queues", Verdict.WARN, "there are none", "Add one: `callback queue add KEY --number +1…`")
    for queue in patient.queues:
        name = f"queue {queue.key}"
        if not served(queue, patient.agents):
            remedy = f"Add one: `callback agent add NAME --contact +1… --queue {queue.key}`"
            yield Check(name, Verdict.WARN, "no agent serves it", remedy)
        else:
            yield Check(name, Verdict.OK, "has agents")
        if calls_from(queue, patient.settings.twilio_caller_id) is None:
            remedy = f"Run `callback queue add {queue.key} --number +1…`, or set TWILIO_CALLER_ID"
            yield Check(name, Verdict.FAIL, "no number leads to it or calls back for it", remedy)


# --- the carrier ------------------------------------------------------------------------------------------------


def carrier(patient: Patient) -> Checks:
    """The account's credentials, our caller id, and where the numbers' webhooks go."""
    settings = patient.settings
    if settings.simulated:
        yield Check("carrier", Verdict.OK, "no account is set: `callback run` simulates the carrier")
        return
    numbers = wiring.own_numbers(settings)
    try:
        own = {number.number: number for number in numbers.all()}
    except CarrierError as refused:
        yield _refused(refused)
        return
    finally:
        numbers.close()
    yield Check("carrier", Verdict.OK, f"the credentials work; the account has {len(own)} numbers")
    yield from of_softphones(settings, patient.agents)
    yield from of_carrier_clock(numbers.clock_ahead_s, patient.redis_ahead_s)
    yield from _caller_id(settings, own)
    for queue in patient.queues or ():
        for number in queue.numbers:
            yield _webhooks(settings, queue.key, number, own.get(number))


def of_carrier_clock(carrier_s: float | None, redis_s: float) -> Checks:
    """Whether the carrier and Redis, by whose clock we go, agree: a call whose answer was lost is looked for in the
    carrier's record from 2 s before we asked (`flows.reconcile.SKEW`). Both are ahead of ours by so many seconds."""
    if carrier_s is None:
        return
    off = carrier_s - redis_s
    if abs(off) > CARRIER_OFF_S:
        remedy = "Run a time service on the machine of Redis: calls whose answer was lost are looked for by time"
        yield Check("carrier's clock", Verdict.WARN, f"it is {off:+.1f} s from Redis's", remedy)
    else:
        yield Check("carrier's clock", Verdict.OK, "it agrees with Redis's")


def of_softphones(settings: Settings, agents: Sequence[Agent]) -> Checks:
    """Whether agents whose telephone is the page can use it."""
    clients = [agent.key for agent in agents if agent.contact.startswith("client:")]
    if settings.twilio_api_key_sid is not None:
        yield Check("softphones", Verdict.OK, f"an API key signs the tokens of {len(clients)} agents")
    elif clients:
        told = f"no API key is set, so that {', '.join(clients)} cannot be rung in our page"
        remedy = "Set TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET, unless another application registers them"
        yield Check("softphones", Verdict.OK, told, remedy)


def _refused(error: CarrierError) -> Check:
    if error.code == 20003 or isinstance(error, CarrierStopped):
        remedy = (
            "Copy TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN from the carrier's console again (an API key is no Auth "
            "Token); if they are right, the account is suspended or closed"
        )
        return Check("carrier", Verdict.FAIL, f"it refuses our credentials (error {error.code})", remedy)
    remedy = (
        "Check the way to the internet from here, TWILIO_API_BASE_URL where it is set, and the carrier's status page"
    )
    return Check("carrier", Verdict.FAIL, f"it gives no usable answer: {error}", remedy)


def _caller_id(settings: Settings, own: Mapping[str, OwnNumber]) -> Checks:
    if settings.twilio_caller_id is None:
        yield Check("caller id", Verdict.OK, "the first number of each queue calls back")
    elif settings.twilio_caller_id in own:
        yield Check("caller id", Verdict.OK, f"{settings.twilio_caller_id} belongs to the account")
    else:
        remedy = "Set TWILIO_CALLER_ID to a number of the account, unless you have verified it there: else error 21210"
        yield Check("caller id", Verdict.WARN, f"{settings.twilio_caller_id} is no number of the account", remedy)


_MISSING = {
    Wrong.FALLBACK: "no fallback when we are away",
    Wrong.ENDS: "we are not told when its calls end",
    Wrong.TEXTS: "its texts go elsewhere",
}


def _webhooks(settings: Settings, queue: str, number: str, found: OwnNumber | None) -> Check:
    name = f"number {number}"
    mend = f"Run `callback twilio provision --number {number} --queue {queue}`"
    wrong = wrong_with(found, webhooks_for(settings.public_base_url, queue))
    if not wrong:
        return Check(name, Verdict.OK, f"leads to {queue}")
    if found is None:
        return Check(name, Verdict.FAIL, "is no number of the account", "Buy it there, or take it from the queue")
    if Wrong.BYPASSED in wrong:
        return Check(name, Verdict.FAIL, f"its {found.bypassed} takes its calls elsewhere", mend)
    if Wrong.CALLS in wrong:
        return Check(name, Verdict.FAIL, f"its calls go to {found.webhooks.voice_url or 'nowhere'}, not here", mend)
    return Check(name, Verdict.WARN, "; ".join(_MISSING[one] for one in wrong), mend)


# --- our own address --------------------------------------------------------------------------------------------


def address(patient: Patient) -> Checks:
    """PUBLIC_BASE_URL: leads here, and from the internet where the carrier is the real one."""
    settings = patient.settings
    base = settings.public_base_url
    real = not settings.simulated and settings.twilio_api_base_url is None
    if real and on_this_machine(base):
        remedy = "Set PUBLIC_BASE_URL to the https address that leads here from the internet"
        yield Check("public address", Verdict.FAIL, f"{base} cannot be reached by the carrier", remedy)
        return
    trouble = Outside().answers(base)
    if trouble is None:
        yield Check("public address", Verdict.OK, f"{base} leads here")
    else:
        remedy = "Start the web (`callback run` or `callback web`), and check the proxy, its certificate and the name"
        yield Check("public address", patient.absent, f"{base}/healthz: {trouble}", remedy)


# --- the processes ----------------------------------------------------------------------------------------------


def workers(patient: Patient) -> Checks:
    """Somebody takes every kind of work, and the beat ticks."""
    if patient.redis_url is None:
        return
    yield _consumers(patient, patient.redis_url)
    client = make_client(patient.redis_url)
    try:
        ticks = server.alive(client, BEAT_LOCK)
    except server.FAULTS as away:
        yield Check("beat", Verdict.FAIL, f"Redis does not answer any more: {away}", "Look at Redis's log")
        return
    finally:
        client.close()
    if ticks:
        yield Check("beat", Verdict.OK, "ticks")
    else:
        remedy = "Start it: `callback run`, or the beat process of the Procfile. Without it nothing lost is found again"
        yield Check("beat", patient.absent, "does not tick", remedy)


ASKED_ALREADY = frozenset({Part.LINE, Part.RECORD, Part.WORKERS, Part.BEAT, Part.ESTIMATOR})
"""What other checks ask directly, instead of going by what was noticed."""


def conditions(patient: Patient) -> Checks:
    """What the processes have noticed: a carrier that refuses, a line being rebuilt, something set aside."""
    if patient.redis_url is None or patient.queues is None:
        return
    built = wiring.build(patient.settings.with_redis(patient.redis_url))
    try:
        yield estimator(
            built.house.board,
            built.house.waits,
            built.house.clock.now(),
            [QueueKey(queue.key) for queue in patient.queues],
        )
        yield furnished(first_use.progress(built.house), patient.settings.public_base_url)
        found = [one for one in condition.look(built.house) if one.part not in ASKED_ALREADY]
    finally:
        built.store.close()
        built.redis.close()
    for one in found:
        verdict = Verdict.FAIL if one.severity is Severity.BAD else Verdict.WARN
        since = f", since {one.since:%Y-%m-%d %H:%M:%S} UTC" if one.since else ""
        detail = f" ({one.detail})" if one.detail else ""
        yield Check(one.part, verdict, f"{one.words.title}{detail}{since}", one.words.remedy)
    if not found:
        yield Check("condition", Verdict.OK, "nothing was noticed")


def furnished(progress: first_use.Progress, base: str) -> Check:
    """How far the first use has come, as its page in the console shows it."""
    wrong = [step for step, mark in progress.marks.items() if mark is first_use.Mark.WRONG]
    told = f"{progress.done} of {len(first_use.Step)} steps are done"
    if wrong:
        return Check("first use", Verdict.WARN, f"{told}; to be mended: {', '.join(wrong)}", f"See {base}/admin/start")
    return Check("first use", Verdict.OK, told if progress.at is None else f"{told}, next: {progress.at}")


def estimator(board: Board, waits: Waits, now: datetime, queues: Sequence[QueueKey]) -> Check:
    """Whether anybody learns the waits, and of how many queues what was learnt is announced now. A house without one
    announces the simple rule, which is worth a warning and no failure."""
    remedy = "Start it: `callback run`, or the estimator process of the Procfile"
    heard = board.read().beats.get(condition.ESTIMATE)
    if heard is None:
        return Check("estimator", Verdict.WARN, "none was ever seen: waits are announced by the simple rule", remedy)
    silent_s = (now - heard).total_seconds()
    if silent_s > condition.ESTIMATE_S:
        told = f"silent since {heard:%Y-%m-%d %H:%M:%S} UTC: waits are announced by the simple rule"
        return Check("estimator", Verdict.WARN, told, f"{remedy}, and look at its log")
    tables = [table for table in map(waits.table, queues) if table is not None and now - table.at < GOOD_FOR]
    told = f"at work, heard of {max(silent_s, 0):.0f} s ago; speaks for {len(tables)} of {len(queues)} queues"
    return Check("estimator", Verdict.OK, told if len(tables) == len(queues) else f"{told}, still learns the others")


def _consumers(patient: Patient, url: str) -> Check:
    remedy = "Start them: `callback run`, or the worker process of the Procfile"
    app = make_celery(url)
    try:
        answers = app.control.inspect(timeout=1.0).active_queues() or {}
    except (OSError, OperationalError, *server.FAULTS) as away:
        return Check("workers", Verdict.FAIL, f"cannot be asked: {away}", "Check REDIS_URL")
    finally:
        app.close()
    if not answers:
        return Check("workers", patient.absent, "none answers", remedy)
    consumed = {queue["name"] for queues in answers.values() for queue in queues}
    missing = sorted({DIAL, MESSAGES, SWEEP, PERSIST} - consumed)
    if missing:
        return Check("workers", patient.absent, f"nobody takes the work of {', '.join(missing)}", remedy)
    return Check("workers", Verdict.OK, f"{len(answers)} at work")
