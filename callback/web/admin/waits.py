"""How good the announced waits were, by queue: figures, charts, the latest predictions and why each was said, and all
of it as CSV."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime, tzinfo
from typing import Any

from flask import Blueprint, Response, request
from markupsafe import Markup

from callback.domain.callback import Leg
from callback.domain.errors import NotFound, Unreadable
from callback.domain.ids import CallSid, QueueKey
from callback.domain.judged import Errors, Share, Tally
from callback.domain.policy import Queue
from callback.domain.said import Prediction
from callback.flows import hindsight
from callback.flows.hindsight import PERIODS, Hindsight
from callback.ports import Work
from callback.web import charts, languages
from callback.web.admin import why
from callback.web.as_csv import csv_file
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.languages import duration
from callback.web.pages import in_house_zone, page

MODELS = 12
"""The latest models; a page of hundreds would tell nobody anything."""
_FIGURES = ("told", "unknown", "connected", "left", "promised", "ended", "kept", "early", "late", "unrung", "parted")


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/waits")(waits_of_all)
    console.get("/queues/<key>/waits")(waits)
    console.get("/queues/<key>/waits.csv")(waits_csv)
    console.get("/queues/<key>/predictions.csv")(predictions_csv)
    console.get("/calls/<id>")(call)
    for words in (why.percent, why.bias, why.verdict, why.facts, why.fate, why.heard, why.rests_on, share_of):
        console.add_app_template_filter(words)
    console.add_app_template_filter(why.moment, "when_said")
    console.add_app_template_filter(why.model, "model_name")


@signed_in(Role.VIEWER)
def waits(key: str) -> str:
    """One queue."""
    queue, days = recorded_queue(key), _days()
    zone, begin = _since(days, queue)
    found = hindsight.of_queue(house(), QueueKey(key), begin, zone)
    return page(
        "admin/waits.html",
        queue=queue,
        tab="waits",
        days=days,
        periods_of_days=PERIODS,
        found=found,
        named_models=[(why.model(name), tally) for name, tally in found.by_model[:MODELS]],
        named_moments=[(why.moment(one), tally) for one, tally in found.by_moment],
        last=hindsight.last(house(), QueueKey(key)),
        chart_of_errors=_chart_of_errors(found),
        chart_of_ranges=_chart_of_ranges(found),
    )


@signed_in(Role.VIEWER)
def waits_of_all() -> str:
    """Every queue, side by side."""
    days = _days()
    with house().store.look() as work:
        queues = sorted(work.queues(), key=lambda one: one.key)
    _, begin = _since(days, queues[0] if queues else None)
    found = hindsight.of_all(house(), begin)
    rows = [(queue, found.get(QueueKey(queue.key))) for queue in queues]
    return page("admin/waits_of_all.html", rows=rows, days=days, periods_of_days=PERIODS)


@signed_in(Role.VIEWER)
def call(id: str) -> str:
    """A live call: what its caller was told and why, and every change with its reason; also where its number cannot
    be read. Raises NotFound."""
    with house().store.look() as work:
        leg, readable = _leg(work, CallSid(id))
        if leg is None:
            raise NotFound(f"there is no call {id}")
        journal = work.journal(after=0, limit=200, kind="call", subject=id)
        queue = work.queue(leg.queue)
    told = hindsight.of_call(house(), leg.call)
    return page("admin/call.html", queue=queue, leg=leg, readable=readable, told=told, journal=journal)


def _leg(work: Work, call: CallSid) -> tuple[Leg | None, bool]:
    """A leg, and whether its number can be read."""
    try:
        return work.leg(call), True
    except Unreadable:
        return work.leg_without_number(call), False


# --- as CSV -----------------------------------------------------------------------------------------------------


@signed_in(Role.VIEWER)
def waits_csv(key: str) -> Response:
    """The sums by hour, moment and model, with the figures that follow from them."""
    queue, days = recorded_queue(key), _days()
    _, begin = _since(days, queue)
    with house().store.look() as work:
        counted = work.tallies(since=begin, queue=QueueKey(key))
    head = ["queue", "hour", "moment", "model", *_FIGURES]
    head += [f"{whose}{name}" for whose in ("", "simple_") for name in hindsight.errors(Errors())]
    rows: list[list[Any]] = [
        [hour.queue, hour.hour, hour.moment, hour.model, *_counts(tally)] for hour, tally in counted
    ]
    return csv_file(f"waits-{key}.csv", [head, *rows])


@signed_in(Role.VIEWER)
def predictions_csv(key: str) -> Response:
    """Every prediction with its inputs and its outcome, newest first."""
    queue, days = recorded_queue(key), _days()
    _, begin = _since(days, queue)
    names = [one.name for one in fields(Prediction)]
    rows = (
        [_plain(getattr(one, name)) for name in names] for one in hindsight.everything(house(), QueueKey(key), begin)
    )
    return csv_file(f"predictions-{key}.csv", _headed(names, rows))


def _headed(head: list[str], rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    yield head
    yield from rows


def _counts(tally: Tally) -> list[Any]:
    both = [*hindsight.errors(tally.ours).values(), *hindsight.errors(tally.simple).values()]
    return [*(getattr(tally, name) for name in _FIGURES), *(_plain(value) for value in both)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return round(value, 4) if isinstance(value, float) else value


# --- what a page needs ------------------------------------------------------------------------------------------


def _days() -> int:
    asked = request.args.get("days", 7, type=int)
    return asked if asked in PERIODS else 7


def _since(days: int, queue: Queue | None) -> tuple[tzinfo, datetime]:
    in_house_zone(queue)
    zone = languages.zone()
    return zone, hindsight.since(house().clock.now(), days, zone)


def _chart_of_errors(found: Hindsight) -> Markup:
    """The mean absolute error by hour of the day, beside the simple rule's."""
    names = (gettext("announced"), gettext("simple rule"))
    groups = [
        charts.Bars(
            label,
            (_minutes(tally.ours.mae), _minutes(tally.simple.mae)),
            f"{label}: {names[0]} {duration(tally.ours.mae)}, {names[1]} {duration(tally.simple.mae)}",
        )
        for label, tally in found.by_hour
        if tally.ours.scored
    ]
    describe = gettext("The table has the same figures.")
    return charts.bars(
        groups, title=gettext("Off by, hour by hour"), describe=describe, names=names, unit=gettext("min")
    )


def _chart_of_ranges(found: Hindsight) -> Markup:
    """How often the range held, by hour of the day."""
    points = []
    for label, tally in found.by_hour:
        share = tally.ours.coverage
        if share.value is not None and share.interval is not None:
            title = f"{label}: {why.percent(share)}"
            points.append(charts.Dot(label, share.value, *share.interval, title, faint=not share.enough))
    describe = gettext("The table has the same figures.")
    return charts.dots(points, wanted=0.8, title=gettext("How often the range held, by hour"), describe=describe)


def share_of(counts: tuple[int, int]) -> str:
    """So many of so many, as a share with its interval."""
    return why.percent(Share(*counts))


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60
