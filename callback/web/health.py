"""Operations: is the process up, can it do its work, and what is going on in figures.

The figures are derived at the moment of the scrape from the line and the record, so that they are the same from every
process and survive all of them. What cannot be read now is missing from them, and nothing else is.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callback.domain.condition import Condition, Part
from callback.domain.lifecycle import AgentStatus, State
from callback.flows import account, look
from callback.flows.condition import HELD, TICK
from callback.ports import SAID_DROPPED, House
from callback.web import condition
from callback.web.context import house
from callback.web.guards import public
from callback.web.problems import unreachable

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REFUSALS = (account.STOPPED, account.BUSY, account.SILENT)
_log = structlog.get_logger("callback.web")


def blueprint() -> Blueprint:
    """`/healthz`, `/readyz` and `/metrics`."""
    health = Blueprint("health", __name__)
    health.get("/healthz")(healthz)
    health.get("/readyz")(readyz)
    health.get("/metrics")(metrics)
    return health


# --- alive, and ready -------------------------------------------------------------------------------------------


@public("tells a load balancer that the process lives")
def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@public("tells a load balancer whether to send anybody here")
def readyz() -> tuple[dict[str, Any], int]:
    """Whether the line and the record can be reached (both clients give up within a second), which alone decides about
    the status code; and in what condition everything else is."""
    parts = {Part.LINE: _probe(house().line.configuration), Part.RECORD: _probe(house().store.ping)}
    ready = all(part["ok"] for part in parts.values())
    found = {one.part: one for one in reversed(condition.look())}
    answer: dict[str, Any] = {str(part): parts.get(part, {"ok": part not in found}) for part in Part}
    for part, one in found.items():
        answer[part] |= _condition_json(one)
    status = "unavailable" if not ready else "degraded" if found else "ok"
    return {"status": status, "parts": answer}, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


def _condition_json(one: Condition) -> dict[str, Any]:
    said = one.words
    return {
        "word": one.word,
        "severity": str(one.severity),
        "since": look.stamp(one.since),
        "detail": condition.shown_detail(one),
        "title": said.title,
        "meaning": said.meaning,
        "remedy": said.remedy,
    }


def _probe(reach: Callable[[], object]) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        reach()
    except Exception as error:  # noqa: BLE001 -- whatever keeps us from working is the answer
        _log.warning("readiness.lost", part=getattr(reach, "__qualname__", ""), error=type(error).__name__)
        return {"ok": False, "ms": _ms(began), "error": type(error).__name__}
    return {"ok": True, "ms": _ms(began)}


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


# --- figures ----------------------------------------------------------------------------------------------------


@public("figures without anybody's number in them; keep it from the internet at the proxy")
def metrics() -> Response:
    """Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(HouseFigures(house(), condition.look))
    return Response(generate_latest(registry), content_type=METRICS_TYPE)


class HouseFigures(Collector):
    """Everything that is counted, read when asked. `conditions` gives what is out of order."""

    def __init__(self, house: House, conditions: Callable[[], list[Condition]]) -> None:
        self._house = house
        self._conditions = conditions

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: a registration must not read the line."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One family after the other; those that need what is away now are left out."""
        for read in (self._queues, self._agents, self._record):
            try:
                found = list(read())
            except Exception as error:
                if not unreachable(error):
                    raise
                _log.warning("metrics.partial", missing=read.__name__.strip("_"), error=type(error).__name__)
                continue
            yield from found
        yield from self._condition()

    def _queues(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("callback_waiting", "Who waits in line.", labels=["queue", "kind"])
        agents = GaugeMetricFamily("callback_queue_agents", "Agents of a queue by status.", labels=["queue", "status"])
        wait = GaugeMetricFamily(
            "callback_wait_seconds", "The estimated wait of whoever joins now.", labels=["queue", "quantile"]
        )
        offering = GaugeMetricFamily("callback_offering", "1 while a callback is offered.", labels=["queue"])
        for now in look.lines_now(self._house):
            key = now.queue.key
            waiting.add_metric([key, "live"], now.standing.live)
            waiting.add_metric([key, "callback"], now.standing.callbacks)
            offering.add_metric([key], now.outlook.decision.offering)
            for status, count in now.agents().items():
                agents.add_metric([key, status], count)
            for quantile in ("p50", "p80", "p90"):
                seconds = getattr(now.outlook.wait, quantile)
                if seconds is not None:
                    wait.add_metric([key, quantile], seconds)
        yield from (waiting, agents, wait, offering)

    def _agents(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("callback_agents", "Agents by status.", labels=["status"])
        live = [view.status for view in self._house.line.agents()]
        for status in AgentStatus:
            family.add_metric([status], live.count(status))
        yield family

    def _record(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("callback_callbacks", "Callbacks in the record by state.", labels=["state"])
        with self._house.store.begin() as work:
            counted = work.counts()
            last = work.last_seq()
            said = work.said_mark()
        for state in State:
            states.add_metric([state], counted.get(state, 0))
        yield states
        journal = CounterMetricFamily("callback_journal_seq", "The last entry of the journal.")
        journal.add_metric([], last)
        yield journal
        written = CounterMetricFamily("callback_predictions", "Waits that callers were told, in the record.")
        written.add_metric([], said.written)
        judged = CounterMetricFamily("callback_predictions_judged", "Of them, those that were joined to a true wait.")
        judged.add_metric([], said.judged)
        behind = GaugeMetricFamily("callback_predictions_behind", "Lines of the journal not yet joined to them.")
        behind.add_metric([], max(last - said.seq, 0))
        yield from (written, judged, behind)

    def _condition(self) -> Iterator[Metric]:
        """In what condition the house is. Never asks the record, so that it tells of its absence."""
        found, picture, now = self._conditions(), self._house.board.read(), self._house.clock.now()
        up = GaugeMetricFamily("callback_part_up", "0 while a part is out of order.", labels=["part"])
        lasts = GaugeMetricFamily(
            "callback_condition_seconds", "How long a part has been out of order.", labels=["part"]
        )
        for part in Part:
            bad = [one for one in found if one.part is part]
            up.add_metric([part], not bad)
            lasts.add_metric([part], max((_age_s(one.since, now) for one in bad), default=0))
        held = GaugeMetricFamily("callback_quarantined", "What was set aside since it fails again and again.")
        held.add_metric([], picture.counts.get(HELD, 0))
        refusals = CounterMetricFamily(
            "callback_carrier_refusals", "Requests that the carrier did not take, by class.", labels=["kind"]
        )
        for kind in REFUSALS:
            refusals.add_metric([kind], picture.refusals.get(kind, 0))
        lost = CounterMetricFamily(
            "callback_predictions_dropped", "Waits that callers were told and that found no room while Redis was away."
        )
        lost.add_metric([], picture.counts.get(SAID_DROPPED, 0))
        yield from (up, lasts, held, refusals, lost)
        if TICK in picture.beats:
            age = GaugeMetricFamily("callback_sweep_age_seconds", "Seconds since the last round of the sweep.")
            age.add_metric([], _age_s(picture.beats[TICK], now))
            yield age


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0 if since is None else max((now - since).total_seconds(), 0)
