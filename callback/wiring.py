"""Who plays whom: the only place that chooses implementations for the ports."""

from dataclasses import dataclass
from datetime import datetime

import redis

from callback.adapters.disk import FolderDisk
from callback.adapters.dispatch import CeleryDispatch, make_celery
from callback.adapters.line.board import RedisBoard
from callback.adapters.line.client import make_breaker, make_client
from callback.adapters.line.clock import SharedClock
from callback.adapters.line.once import RedisOnce
from callback.adapters.line.redis_line import RedisLine
from callback.adapters.line.runs import RedisRuns
from callback.adapters.line.said import RedisSaid
from callback.adapters.line.waits import RedisWaits
from callback.adapters.outbox import Outbox
from callback.adapters.outside import Outside
from callback.adapters.store.sql_store import SqlStore
from callback.adapters.telephony.client import TwilioCarrier
from callback.adapters.telephony.numbers import NumbersNow, OwnNumbers
from callback.adapters.telephony.signature import SignatureCheck
from callback.adapters.telephony.texts import CatalogueWords
from callback.adapters.telephony.urls import PublicUrls
from callback.flows.book import LineBook
from callback.ports import Dispatch, House, Knobs
from callback.settings import Settings


@dataclass(frozen=True)
class Limits:
    """How long one answer may take before a backend counts as away: Redis' answer, a statement of the record (or the
    wait for SQLite's writers). What one webhook may spend on all it asks is `web.voice.BUDGET_S`
    (`REPORT_S` for a report)."""

    redis_s: float
    record_s: float


WORKERS = Limits(redis_s=1.0, record_s=5.0)
WEB = Limits(redis_s=0.6, record_s=0.75)
"""Somebody is on the phone meanwhile."""


class NoRedis(Exception):
    """No Redis address is known, and none is embedded and running."""


@dataclass(frozen=True)
class Built:
    """A house and the parts of it that its owner has to know by their own types."""

    house: House
    store: SqlStore
    redis: redis.Redis


def build(settings: Settings, dispatch: Dispatch | None = None, *, web: bool = False) -> Built:
    """Everything, from the settings; workers bring a dispatch of their own, and the `web` has less time than others.
    Connects to nothing yet. Raises NoRedis."""
    if settings.redis_url is None:
        raise NoRedis("set REDIS_URL, or start `callback run`, which brings a Redis of its own")
    limits = WEB if web else WORKERS

    def now() -> datetime:
        return clock.now()  # which needs the client, and that the breaker

    away = make_breaker(settings.redis_url, now=now, timeout_s=limits.redis_s)
    client = make_client(settings.redis_url, timeout_s=limits.redis_s, breaker=away)
    clock = SharedClock(client)
    store = SqlStore(
        settings.database_url,
        settings.secret_key.get_secret_value(),
        retired_keys=settings.retired_keys,
        patience_s=limits.record_s,
        clock=clock,
    )
    line = RedisLine(client, clock)
    sent = dispatch or CeleryDispatch(make_celery(settings.redis_url), Outbox() if web else None)
    house = House(
        clock=clock,
        line=line,
        store=store,
        carrier=carrier(settings),
        dispatch=sent,
        once=RedisOnce(client, conceal=store.conceal, reveal=store.reveal),
        urls=PublicUrls(settings.public_base_url),
        words=CatalogueWords(),
        book=LineBook(line, clock, record=store, lost=sent.rebuild),
        backends=tuple(backend for backend in (away, store.breaker) if backend is not None),
        knobs=Knobs(
            calls_per_second=settings.carrier_calls_per_second,
            sweep_s=settings.sweep_s,
            lease_s=settings.lease_s,
            carrier_queue_s=settings.carrier_queue_s,
            reconcile_margin_s=settings.reconcile_margin_s,
            caller_id=settings.twilio_caller_id,
            outside_per_number=settings.outside_per_number,
            outside_per_agent=settings.outside_per_agent,
            gone_s=settings.workers_gone_s,
            predictions_days=settings.predictions_days,
            retention_days=settings.retention_days or None,
            retention_at_carrier=settings.retention_at_carrier,
        ),
        board=RedisBoard(client, clock),
        disk=FolderDisk(settings.var_dir),
        said=RedisSaid(client),
        waits=RedisWaits(client, clock),
        runs=RedisRuns(client),
        numbers=NumbersNow(lambda: own_numbers(settings)),
        outside=Outside(),
    )
    return Built(house, store, client)


def carrier(settings: Settings) -> TwilioCarrier:
    """The carrier's REST side. Without an account every request is refused by it, which the doctor explains."""
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
    return TwilioCarrier(settings.twilio_account_sid or "AC", token, settings.twilio_api_base_url)


def own_numbers(settings: Settings) -> OwnNumbers:
    """The account's numbers and their webhooks."""
    token = settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else ""
    return OwnNumbers(settings.twilio_account_sid or "AC", token, settings.twilio_api_base_url)


def signatures(settings: Settings) -> SignatureCheck:
    """The check of the carrier's webhooks."""
    return SignatureCheck(settings.twilio_auth_token.get_secret_value() if settings.twilio_auth_token else "")
