"""The figures of reports: what each is called, how it follows from what is counted, how it is written, and what it
means, in the reader's language. docs/reports.md has the formulas."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callback.domain.reports import What, ratio
from callback.flows.reported import Counted
from callback.web.catalogue import gettext, ngettext
from callback.web.figures import Unit, said

Words = Callable[[], str]
NOISE = 0.05
"""A change by less than this part is not called better or worse: it may be chance."""


@dataclass(frozen=True)
class Asked:
    """What a reader sets: the seconds of the service level (and the share it should reach), and what an agent's hour
    costs."""

    target_s: int = 20
    goal: float = 0.8
    hourly: float | None = None


@dataclass(frozen=True)
class Measure:
    """One figure. `better`: 1 where more is better, -1 where less is, 0 where neither."""

    key: str
    group: str
    label: Words
    unit: Unit
    value: Callable[[Counted, Asked], float | None]
    meaning: Callable[[Asked], str]
    better: int = 0

    def said(self, found: Counted | None, asked: Asked) -> str:
        """As people read it; a dash for what nobody knows."""
        return said(None if found is None else self.value(found, asked), self.unit)

    def change(self, found: Counted, before: Counted | None, asked: Asked) -> str:
        """How it has changed: in points for shares, in seconds for times, in per cent for counts."""
        now = self.value(found, asked)
        then = None if before is None else self.value(before, asked)
        if now is None or then is None:
            return ""
        if self.unit is Unit.SHARE:
            points = round(100 * (now - then))
            return ngettext("%(change)s point", "%(change)s points", abs(points), change=_signed(points))
        if self.unit is Unit.SECONDS:
            return _sign(round(now) - round(then)) + said(abs(round(now) - round(then)), self.unit)
        return gettext("%(change)s%%", change=_signed(round(100 * (now - then) / then))) if then else ""

    def turn(self, found: Counted, before: Counted | None, asked: Asked) -> str:
        """Whether that change is for the better ("good") or the worse; "" where it is neither, or too small to tell."""
        now = self.value(found, asked)
        then = None if before is None else self.value(before, asked)
        if not self.better or now is None or then is None or abs(now - then) <= NOISE * max(abs(then), abs(now)):
            return ""
        return "good" if (now > then) == (self.better > 0) else "worse"


def _signed(number: int) -> str:
    return f"{_sign(number)}{abs(number)}"


def _sign(number: float) -> str:
    return "+" if number > 0 else "−" if number < 0 else "±"


def _of(name: str) -> Callable[[Counted, Asked], float | None]:
    return lambda found, _: getattr(found.sums, name)


def _spread(what: What, share: float) -> Callable[[Counted, Asked], float | None]:
    return lambda found, _: found.quantile(what, share)


def _cost(found: Counted, asked: Asked) -> float | None:
    return None if asked.hourly is None else found.sums.cost_per_call(asked.hourly)


def _punctual(found: Counted, _: Asked) -> float | None:
    one = found.punctual
    return ratio(one.kept, one.kept + one.early + one.late)


def _late(found: Counted, _: Asked) -> float | None:
    return ratio(found.punctual.late_s, found.punctual.late)


def _just(words: Words) -> Callable[[Asked], str]:
    return lambda _: words()


GROUPS: Mapping[str, Words] = {
    "calls": lambda: gettext("Calls"),
    "waits": lambda: gettext("Waiting"),
    "callbacks": lambda: gettext("Callbacks"),
    "agents": lambda: gettext("Agents"),
}

_COUNT, _S, _SHARE, _MONEY = Unit.COUNT, Unit.SECONDS, Unit.SHARE, Unit.MONEY
MEASURES: tuple[Measure, ...] = (
    Measure(
        "offered",
        "calls",
        lambda: gettext("Calls offered"),
        _COUNT,
        _of("offered"),
        _just(
            lambda: gettext(
                "Callers who joined the line on the phone, counted in the hour they "
                "joined. Whoever was passed on counts once."
            )
        ),
    ),
    Measure(
        "answered",
        "calls",
        lambda: gettext("Answered"),
        _COUNT,
        _of("answered"),
        _just(lambda: gettext("Callers who held the line and talked with an agent.")),
        1,
    ),
    Measure(
        "abandoned",
        "calls",
        lambda: gettext("Abandoned"),
        _COUNT,
        _of("abandoned"),
        _just(lambda: gettext("Callers who hung up before an agent was there, the short ones included.")),
        -1,
    ),
    Measure(
        "short",
        "calls",
        lambda: gettext("Short abandons"),
        _COUNT,
        _of("short"),
        _just(lambda: gettext("Hung up within 5 seconds: a wrong number or a second thought. They count in no share.")),
    ),
    Measure(
        "took",
        "calls",
        lambda: gettext("Took a callback"),
        _COUNT,
        _of("took"),
        _just(lambda: gettext("Callers who hung up with our promise to ring them.")),
    ),
    Measure(
        "turned_away",
        "calls",
        lambda: gettext("Turned away"),
        _COUNT,
        _of("turned_away"),
        _just(lambda: gettext("Callers who left the line because nobody could serve them, such as after closing.")),
        -1,
    ),
    Measure(
        "service_level",
        "waits",
        lambda: gettext("Service level"),
        _SHARE,
        lambda found, asked: found.sums.service_level(asked.target_s),
        lambda asked: gettext(
            "Answered within %(seconds)s seconds, of those answered and those who "
            "gave up. Short abandons and callbacks are "
            "left out.",
            seconds=asked.target_s,
        ),
        1,
    ),
    Measure(
        "asa",
        "waits",
        lambda: gettext("Average speed of answer"),
        _S,
        _of("asa_s"),
        _just(lambda: gettext("The mean wait of those answered, from joining the line until the agent was there.")),
        -1,
    ),
    Measure(
        "wait_p50",
        "waits",
        lambda: gettext("Typical wait"),
        _S,
        _spread(What.LIVE, 0.5),
        _just(lambda: gettext("Half of those answered waited no longer. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "wait_p90",
        "waits",
        lambda: gettext("Long wait"),
        _S,
        _spread(What.LIVE, 0.9),
        _just(lambda: gettext("Nine of ten of those answered waited no longer. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "abandonment",
        "waits",
        lambda: gettext("Abandonment"),
        _SHARE,
        _of("abandonment"),
        _just(lambda: gettext("Abandoned, of all calls offered; short abandons are left out of both.")),
        -1,
    ),
    Measure(
        "patience",
        "waits",
        lambda: gettext("Typically hung up after"),
        _S,
        _spread(What.LEFT, 0.5),
        _just(lambda: gettext("Half of those who hung up did so sooner. Exact to 5 percent.")),
    ),
    Measure(
        "promised",
        "callbacks",
        lambda: gettext("Callbacks promised"),
        _COUNT,
        _of("promised"),
        _just(lambda: gettext("Promises made by phone, by program or by hand, counted in the hour they were made.")),
    ),
    Measure(
        "completed",
        "callbacks",
        lambda: gettext("Completed"),
        _COUNT,
        _of("completed"),
        _just(lambda: gettext("Of these promises, those whose caller talked with an agent.")),
        1,
    ),
    Measure(
        "unreached",
        "callbacks",
        lambda: gettext("Not reached"),
        _COUNT,
        _of("unreached"),
        _just(lambda: gettext("All attempts were used up.")),
        -1,
    ),
    Measure(
        "cancelled",
        "callbacks",
        lambda: gettext("Cancelled"),
        _COUNT,
        _of("cancelled"),
        _just(lambda: gettext("Called off, mostly by the caller.")),
    ),
    Measure(
        "expired",
        "callbacks",
        lambda: gettext("Expired"),
        _COUNT,
        _of("expired"),
        _just(lambda: gettext("We came too late to ring at all.")),
        -1,
    ),
    Measure(
        "failed",
        "callbacks",
        lambda: gettext("Could not be dialled"),
        _COUNT,
        _of("failed"),
        _just(lambda: gettext("The number cannot be rung.")),
        -1,
    ),
    Measure(
        "open",
        "callbacks",
        lambda: gettext("Still open"),
        _COUNT,
        _of("open"),
        _just(lambda: gettext("Promises of these days that have not ended yet.")),
    ),
    Measure(
        "take_up",
        "callbacks",
        lambda: gettext("Take-up"),
        _SHARE,
        _of("take_up"),
        _just(lambda: gettext("Took a callback, of those callers to whom one was offered.")),
    ),
    Measure(
        "reached",
        "callbacks",
        lambda: gettext("Reached"),
        _SHARE,
        _of("reached"),
        _just(lambda: gettext("Completed, of all promises that ended and were not cancelled.")),
        1,
    ),
    Measure(
        "punctuality",
        "callbacks",
        lambda: gettext("Punctuality"),
        _SHARE,
        _punctual,
        _just(lambda: gettext("First rung within the promised window, of those rung.")),
        1,
    ),
    Measure(
        "late",
        "callbacks",
        lambda: gettext("Late by"),
        _S,
        _late,
        _just(
            lambda: gettext("How long after the promised window we first rang, on average over those rung too late.")
        ),
        -1,
    ),
    Measure(
        "back_mean",
        "callbacks",
        lambda: gettext("Time to agent, called back"),
        _S,
        _of("back_mean_s"),
        _just(
            lambda: gettext(
                "From joining the line until the agent, on average over those called back who asked for no time "
                "of their own."
            )
        ),
        -1,
    ),
    Measure(
        "back_p50",
        "callbacks",
        lambda: gettext("Typical time to agent, called back"),
        _S,
        _spread(What.BACK, 0.5),
        _just(lambda: gettext("Half of them had their agent sooner. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "back_p90",
        "callbacks",
        lambda: gettext("Long time to agent, called back"),
        _S,
        _spread(What.BACK, 0.9),
        _just(lambda: gettext("Nine of ten of them had their agent sooner. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "saved",
        "callbacks",
        lambda: gettext("Hours on hold saved"),
        _COUNT,
        lambda found, _: found.sums.back_s / 3600,
        _just(
            lambda: gettext(
                "All the time that those called back did not have to hold: from joining the line until their agent."
            )
        ),
        1,
    ),
    Measure(
        "satisfaction",
        "callbacks",
        lambda: gettext("Satisfaction (CSAT)"),
        _SHARE,
        _of("satisfaction"),
        _just(lambda: gettext("Rated 4 or 5 of 5 on the caller's page, of those who said how their callback was.")),
        1,
    ),
    Measure(
        "rated",
        "callbacks",
        lambda: gettext("Ratings"),
        _COUNT,
        _of("rated"),
        _just(lambda: gettext("Callers who said how their callback was, counted in the hour of the promise.")),
    ),
    Measure(
        "rated_share",
        "callbacks",
        lambda: gettext("Said how it was"),
        _SHARE,
        _of("rated_share"),
        _just(lambda: gettext("Callers who said how it was, of those whose callback was completed.")),
    ),
    Measure(
        "talks",
        "agents",
        lambda: gettext("Talks"),
        _COUNT,
        _of("talks"),
        _just(
            lambda: gettext(
                "Talks of agents with callers, counted in the hour they began. Whoever is passed on talks twice."
            )
        ),
        1,
    ),
    Measure(
        "back_talks",
        "agents",
        lambda: gettext("Of them callbacks"),
        _COUNT,
        _of("back_talks"),
        _just(lambda: gettext("Talks with people whom we rang.")),
    ),
    Measure(
        "aht",
        "agents",
        lambda: gettext("Average handling time"),
        _S,
        _of("aht_s"),
        _just(lambda: gettext("Talk, hold and wrap-up of one talk, on average.")),
    ),
    Measure(
        "talk",
        "agents",
        lambda: gettext("Talk"),
        _S,
        _of("spoken_s"),
        _just(lambda: gettext("Without the time on hold.")),
    ),
    Measure(
        "hold",
        "agents",
        lambda: gettext("Hold"),
        _S,
        _of("mean_hold_s"),
        _just(lambda: gettext("While callers heard music in a talk, on average over all talks.")),
    ),
    Measure(
        "wrap_up",
        "agents",
        lambda: gettext("Wrap-up"),
        _S,
        _of("mean_wrap_s"),
        _just(lambda: gettext("After a talk, until the agent was ready.")),
    ),
    Measure(
        "ring",
        "agents",
        lambda: gettext("Ring"),
        _S,
        _of("mean_ring_s"),
        _just(lambda: gettext("From a call being an agent's until they talked. Not part of the handling time.")),
        -1,
    ),
    Measure(
        "missed",
        "agents",
        lambda: gettext("Missed"),
        _COUNT,
        _of("missed"),
        _just(lambda: gettext("Rings that the agent did not take.")),
        -1,
    ),
    Measure(
        "declined",
        "agents",
        lambda: gettext("Declined"),
        _COUNT,
        _of("declined"),
        _just(lambda: gettext("Rings that the agent declined.")),
        -1,
    ),
    Measure(
        "transfers",
        "agents",
        lambda: gettext("Transfers"),
        _COUNT,
        _of("transfers"),
        _just(lambda: gettext("Callers who were passed on to another queue, agent or telephone.")),
    ),
    Measure(
        "announced",
        "agents",
        lambda: gettext("Introduced"),
        _COUNT,
        _of("announced"),
        _just(lambda: gettext("Of the transfers, those after a talk with whoever took the caller.")),
    ),
    Measure(
        "occupancy",
        "agents",
        lambda: gettext("Occupancy"),
        _SHARE,
        _of("occupancy"),
        _just(
            lambda: gettext(
                "Time ringing, talking and wrapping up, of that and the time "
                "available. Free time belongs to no queue, so it is "
                "known of everybody and of agents only."
            )
        ),
    ),
    Measure(
        "first_contact",
        "agents",
        lambda: gettext("First contact"),
        _SHARE,
        _of("first_contact"),
        _just(lambda: gettext("Settled at once, of the talks for which the agent said so.")),
        1,
    ),
    Measure(
        "cost",
        "agents",
        lambda: gettext("Cost per talk"),
        _MONEY,
        _cost,
        _just(
            lambda: gettext(
                "Agents' time at work for one talk, at the hourly cost typed in above. "
                "The carrier's minutes are not in it."
            )
        ),
        -1,
    ),
)
BY_KEY = {measure.key: measure for measure in MEASURES}
NO_QUEUE = frozenset({"occupancy"})
"""Figures that are not known of a queue."""
OF_WAITS = ("wait_p50", "wait_p90", "back_p50", "back_p90")
"""Of an agent, the waits of those whom they took."""
OF_AGENTS = (
    *(measure for measure in MEASURES if measure.group == "agents"),
    *(BY_KEY[key] for key in (*OF_WAITS, "satisfaction", "rated")),
)
