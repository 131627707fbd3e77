"""A plan of agents worked out in a process of its own: `python -m callback.lab.planner`, JSON in and JSON out.

A plan takes seconds of arithmetic, which would hold up every phone call that a web process answers meanwhile. So the
console hands over what it read from the record, and nothing of the environment: this process opens no connection and
knows no secret. What cannot be planned is answered with a reason, not with a failure.
"""

import json
import os
import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

GENTLY = 10
"""Calls go first; a plan still gets done on a machine that is never idle."""


def main() -> None:
    """Reads one question and writes its answer."""
    os.nice(GENTLY)
    json.dump(answer(json.load(sys.stdin)), sys.stdout)


def answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The forecast of a day and its plan, or `why` there is none: `nothing_known`, `nobody_expected`, `unreachable`.

    `asked` has `traffic` (lists of the fields of `ports.Traffic`), `zone`, `day`, `policy`, `target`, `callbacks`,
    `take_up`, `promise_s`, `shrinkage` and `max_occupancy`.
    """
    from callback.domain import policies
    from callback.lab import forecasting, staffing
    from callback.lab.manydays import Offering
    from callback.ports import Traffic

    policy = policies.parse(asked["policy"])
    traffic = [Traffic(datetime.fromisoformat(at), *counts) for at, *counts in asked["traffic"]]
    history = forecasting.History.recorded(traffic, ZoneInfo(asked["zone"]), policy.wrap_up_s)
    try:
        said = forecasting.forecast(
            history, date.fromisoformat(asked["day"]), hours=policy.hours,
            prior_handle_s=policy.prior_handle_s, prior_patience_s=policy.prior_patience_s,
        )  # fmt: skip
    except ValueError:
        return {"why": "nothing_known"}
    if said.calls <= 0:
        return {"why": "nobody_expected", "forecast": said.as_json()}
    offers = asked["callbacks"] and policy.offer_at_wait_s is not None and policy.accepting
    offering = Offering.of(policy, take_up=asked["take_up"], promise_s=asked["promise_s"]) if offers else None
    limits = staffing.Limits(asked["shrinkage"], asked["max_occupancy"])
    try:
        plan = staffing.plan(said, staffing.Target.parse(asked["target"]), offering=offering, limits=limits)
    except ValueError:
        return {"why": "unreachable", "forecast": said.as_json()}
    return {"forecast": said.as_json(), "plan": plan.as_json()}


if __name__ == "__main__":
    main()
