"""Dialling ahead on a queue's page: what the rule sees and decides now, what it has learnt, who waited too long."""

from dataclasses import dataclass

from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse

from callback.domain.laws import Law, Seen
from callback.domain.pacing import DIAL_AHEAD, Decision
from callback.domain.policy import Queue
from callback.flows import ahead
from callback.flows.ahead import Present
from callback.web.catalogue import gettext
from callback.web.context import house, recorded_queue
from callback.web.guards import Role, signed_in
from callback.web.languages import in_seconds
from callback.web.pages import fragment

FEW = 30
"""Fewer than this who were rung ahead say next to nothing about a share."""


def routes(console: Blueprint) -> None:
    """Adds this part to the console."""
    console.get("/queues/<key>/pacing")(pacing)


@dataclass(frozen=True)
class Shown:
    """A line of the list: its name, its figure, and what the figure is about."""

    name: str
    figure: str
    about: str = ""


@signed_in(Role.VIEWER)
def pacing(key: str) -> AnyResponse:
    """The part of the thresholds' page that is about dialling ahead."""
    queue = recorded_queue(key)
    return fragment("admin/pacing.html", queue=queue, pacing=shown(queue))


def shown(queue: Queue) -> dict[str, object]:
    """What the page tells."""
    present = ahead.present(house(), queue)
    in_force = queue.policy.dial_mode == DIAL_AHEAD
    return {
        "in_force": in_force,
        "verdict": verdict(queue, present) if in_force else gettext("Off: an agent is kept before a phone rings."),
        "floor": floor(present) if in_force else [],
        "learnt": learnt(queue, present),
        "missed": missed(queue, present) if in_force else None,
        "version": present.taught.version,
        "taught_at": present.taught.at,
    }


def verdict(queue: Queue, present: Present) -> str:
    """Whether the next of those who are due may be rung now, and why not."""
    if not queue.policy.dialing:
        return gettext("Dialling is switched off.")
    if ahead.hindered(house(), queue):
        return gettext("The carrier lets nobody dial at the moment.")
    if not present.sight.agents:
        return gettext("No agent serves this queue.")
    if present.decision is None:
        return gettext("Nobody is waiting to be rung.")
    return _why(present.decision)


def _why(decision: Decision) -> str:
    chances = {"miss": percent(decision.miss), "epsilon": percent(decision.epsilon)}
    if not decision.dials:
        return gettext(
            "Nobody more is rung now: the chance that they would wait too long for an agent is %(miss)s, "
            "and at most %(epsilon)s is allowed.",
            **chances,
        )
    if decision.miss > decision.epsilon:
        return gettext("The next is rung now, for an agent who is idle and whom nobody waits for.")
    return gettext(
        "The next is rung now: the chance that they would wait too long for an agent is %(miss)s, "
        "and at most %(epsilon)s is allowed.",
        **chances,
    )


def floor(present: Present) -> list[Shown]:
    """What the rule sees."""
    seen, decision = present.sight.floor, present.decision
    busy = len(seen.talks_s) + len(seen.wraps)
    soon = gettext("about %(count)s of them soon enough", count=f"{decision.free_soon:.1f}") if decision else ""
    ready = (
        gettext("about %(count)s of them will be ready by then", count=f"{decision.ready_soon:.1f}") if decision else ""
    )
    lines = [
        Shown(gettext("Agents idle"), str(seen.idle)),
        Shown(gettext("Agents talking or wrapping up"), str(busy), soon),
        Shown(gettext("Phones ringing"), str(seen.under_way), ready),
        Shown(gettext("Waiting for their turn to be rung"), str(len(present.sight.due))),
    ]
    if decision:
        before = gettext("each takes an agent first")
        lines.insert(3, Shown(gettext("Ahead of the next to be rung"), str(decision.waiting), before))
    if present.sight.pace_s:
        lines.append(Shown(gettext("The carrier's pace allows the next call in"), in_seconds(present.sight.pace_s)))
    return lines


def learnt(queue: Queue, present: Present) -> list[Shown]:
    """The laws in force, the first guess included, and by how many observations each is held."""
    laws, seen = present.taught.laws, present.taught.lesson.laws
    timeout = float(queue.policy.ring_timeout_s)
    return [
        Shown(gettext("Half of those who pick up do so within"), within(laws.ring, timeout), observed(seen.ring)),
        Shown(gettext("Pick up at all"), percent(Law(laws.ring).so_far(timeout)[0], 0), observed(seen.ring)),
        Shown(gettext("Half of those who press their key do so within"), within(laws.key, 60), observed(seen.key)),
        Shown(gettext("A talk lasts on average"), average(laws.talk), observed(seen.talk)),
        Shown(gettext("Wrap-up lasts on average"), average(laws.wrap), observed(seen.wrap)),
    ]


def missed(queue: Queue, present: Present) -> str:
    """How many of those who were rung ahead waited too long, beside what the policy allows."""
    lesson, policy = present.taught.lesson, queue.policy
    if lesson.served < FEW:
        return gettext("%(count)s were rung ahead so far: too few to judge.", count=round(lesson.served))
    return gettext(
        "%(share)s of %(count)s who were rung ahead waited longer than %(tolerance)s after their key. "
        "The thresholds allow %(allowed)s.",
        share=percent(lesson.missed / lesson.served),
        count=round(lesson.served),
        tolerance=in_seconds(policy.wait_tolerance_s),
        allowed=percent(policy.max_wait_probability),
    )


def within(seen: Seen, longest_s: float) -> str:
    """The age by which half of those have come to it who do so by `longest_s`."""
    law, tenths = Law(seen), range(1, int(longest_s * 10) + 1)
    half = law.so_far(longest_s)[0] / 2
    return in_seconds(next((n / 10 for n in tenths if law.so_far(n / 10)[0] >= half), longest_s)) if half else "–"


def average(seen: Seen) -> str:
    """Seconds spent for each that ended."""
    return in_seconds(sum(seen.lasted) / seen.count) if seen.count else "–"


def observed(seen: Seen) -> str:
    """By how many it is held."""
    if seen.count < 1:
        return gettext("first guess")
    return gettext("first guess and %(count)s seen", count=round(seen.count))


def percent(share: float, digits: int = 1) -> str:
    """A share as a figure."""
    return f"{100 * share:.{digits}f}%"
