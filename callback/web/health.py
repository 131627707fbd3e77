"""Operations: is the process up, can it do its work, and what is going on in figures.

The figures are derived at the moment of the scrape from the line and the record, so that they are the same from every
process and survive all of them.
"""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callback.domain.lifecycle import AgentStatus, State
from callback.flows import look
from callback.ports import House
from callback.web.context import house
from callback.web.guards import public

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_log = structlog.get_logger("callback.web")


def blueprint() -> Blueprint:
    """`/healthz`, `/readyz` and `/metrics`."""
    health = Blueprint("health", __name__)
    health.get("/healthz")(healthz)
    health.get("/readyz")(readyz)
    health.get("/metrics")(metrics)
    return health


@public("tells a load balancer that the process lives")
def healthz() -> dict[str, str]:
    """The process is up."""
    return {"status": "ok"}


@public("tells a load balancer whether to send anybody here")
def readyz() -> tuple[dict[str, Any], int]:
    """Whether the line and the record can be reached; both clients give up within a second."""
    parts = {"line": _probe(house().line.configuration), "record": _probe(house().store.ping)}
    ready = all(part["ok"] for part in parts.values())
    answer = {"status": "ok" if ready else "unavailable", "parts": parts}
    return answer, HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE


@public("figures without anybody's number in them; keep it from the internet at the proxy")
def metrics() -> Response:
    """Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(HouseFigures(house()))
    return Response(generate_latest(registry), content_type=METRICS_TYPE)


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


class HouseFigures(Collector):
    """Everything that is counted, read when asked."""

    def __init__(self, house: House) -> None:
        self._house = house

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: a registration must not read the line."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One family after the other."""
        yield from self._queues()
        yield self._agents()
        yield from self._record()

    def _queues(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("callback_waiting", "Who waits in line.", labels=["queue", "kind"])
        agents = GaugeMetricFamily("callback_queue_agents", "Agents of a queue by status.", labels=["queue", "status"])
        wait = GaugeMetricFamily(
            "callback_wait_seconds", "The estimated wait of whoever joins now.", labels=["queue", "quantile"]
        )
        offering = GaugeMetricFamily("callback_offering", "1 while a callback is offered.", labels=["queue"])
        for now in look.queues_now(self._house):
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

    def _agents(self) -> Metric:
        family = GaugeMetricFamily("callback_agents", "Agents by status.", labels=["status"])
        live = [view.status for view in self._house.line.agents()]
        for status in AgentStatus:
            family.add_metric([status], live.count(status))
        return family

    def _record(self) -> Iterator[Metric]:
        states = GaugeMetricFamily("callback_callbacks", "Callbacks in the record by state.", labels=["state"])
        with self._house.store.begin() as work:
            counted = work.counts()
            last = work.last_seq()
        for state in State:
            states.add_metric([state], counted.get(state, 0))
        yield states
        journal = CounterMetricFamily("callback_journal_seq", "The last entry of the journal.")
        journal.add_metric([], last)
        yield journal
