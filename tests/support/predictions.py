"""Predictions as a step would have made them, and a queue's past made of them."""

from datetime import timedelta
from typing import Any

from callback.domain.judged import NOTHING, Tally, change, made
from callback.domain.said import Happened, Moment, Prediction, settle
from callback.ports import Clock, Hour, Store
from tests.support.record import NOW, SUPPORT


def a_prediction(subject: str = "CA1", **fields: Any) -> Prediction:
    """Somebody is told to wait one to four minutes on arrival."""
    given: dict[str, Any] = {
        "at": NOW, "queue": SUPPORT, "subject": subject, "moment": Moment.ARRIVAL, "told": True, "place": 3,
        "joined_at": NOW, "mean": 100.0, "p10": 20.0, "p50": 90.0, "p80": 150.0, "p90": 200.0, "simple_mean": 130.0,
        "simple_p10": 30.0, "simple_p50": 120.0, "simple_p80": 180.0, "simple_p90": 240.0, "model": "7",
        "basis": "learnt from 900 waits, model 7", "low_min": 1, "high_min": 4,
        "promised_from": None, "promised_to": None, "offering": True,
        "reason": "wait", "sentence": "offering: the wait is long", "inputs": {"ahead": 2, "agents": {"busy": 1}},
    }  # fmt: skip
    return Prediction(**given | fields)


def fill(store: Store, clock: Clock, waits: int, *, actual_s: float = 100, **fields: Any) -> list[Prediction]:
    """So many callers were told a wait, a minute apart, and connected (or rung) after so many seconds; newest first."""
    rows, tallies = [], dict[Hour, Tally]()
    for at in range(waits):
        said = a_prediction(f"CA{at:032x}", at=clock.now() - timedelta(minutes=at + 1), **fields)
        word = "dialing" if said.moment is Moment.PROMISE else "bridged"
        done = settle(said, [Happened(said.subject, word, said.at + timedelta(seconds=actual_s))])
        hour = Hour(said.queue, said.at.replace(minute=0), said.moment, said.model)
        tallies[hour] = tallies.get(hour, NOTHING) + made(said) + change(said, done)
        rows.append(done)
    with store.begin() as work:
        work.add_predictions(list(reversed(rows)))
        work.add_tallies(tallies)
    return rows


def offers(store: Store, clock: Clock, count: int, taken: int) -> None:
    """So many callers were offered a callback, on arrival and once more on hold, and so many of them took it."""
    rows = []
    for at in range(count):
        word = "callback" if at < taken else "bridged"
        for moment in (Moment.ARRIVAL, Moment.HOLD):
            said = a_prediction(f"CA{at:032x}", at=clock.now() - timedelta(hours=at + 1), moment=moment)
            rows.append(settle(said, [Happened(said.subject, word, said.at + timedelta(seconds=60))]))
    with store.begin() as work:
        work.add_predictions(rows)
