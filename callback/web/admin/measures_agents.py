"""The figures of agents at work. docs/reports.md has the formulas."""

from callback.flows.reported import Counted
from callback.web.admin.measure import Asked, Measure, just, of
from callback.web.catalogue import gettext
from callback.web.figures import Unit


def _cost(found: Counted, asked: Asked) -> float | None:
    return None if asked.hourly is None else found.sums.cost_per_call(asked.hourly)


AGENTS: tuple[Measure, ...] = (
    Measure(
        "talks",
        "agents",
        lambda: gettext("Talks"),
        Unit.COUNT,
        of("talks"),
        just(
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
        Unit.COUNT,
        of("back_talks"),
        just(lambda: gettext("Talks with people whom we rang.")),
    ),
    Measure(
        "aht",
        "agents",
        lambda: gettext("Average handling time"),
        Unit.SECONDS,
        of("aht_s"),
        just(lambda: gettext("Talk, hold and wrap-up of one talk, on average.")),
    ),
    Measure(
        "talk",
        "agents",
        lambda: gettext("Talk"),
        Unit.SECONDS,
        of("spoken_s"),
        just(lambda: gettext("Without the time on hold.")),
    ),
    Measure(
        "hold",
        "agents",
        lambda: gettext("Hold"),
        Unit.SECONDS,
        of("mean_hold_s"),
        just(lambda: gettext("While callers heard music in a talk, on average over all talks.")),
    ),
    Measure(
        "wrap_up",
        "agents",
        lambda: gettext("Wrap-up"),
        Unit.SECONDS,
        of("mean_wrap_s"),
        just(lambda: gettext("After a talk, until the agent was ready.")),
    ),
    Measure(
        "ring",
        "agents",
        lambda: gettext("Ring"),
        Unit.SECONDS,
        of("mean_ring_s"),
        just(lambda: gettext("From a call being an agent's until they talked. Not part of the handling time.")),
        -1,
    ),
    Measure(
        "missed",
        "agents",
        lambda: gettext("Missed"),
        Unit.COUNT,
        of("missed"),
        just(lambda: gettext("Rings that the agent did not take.")),
        -1,
    ),
    Measure(
        "declined",
        "agents",
        lambda: gettext("Declined"),
        Unit.COUNT,
        of("declined"),
        just(lambda: gettext("Rings that the agent declined.")),
        -1,
    ),
    Measure(
        "transfers",
        "agents",
        lambda: gettext("Transfers"),
        Unit.COUNT,
        of("transfers"),
        just(lambda: gettext("Callers who were passed on to another queue, agent or telephone.")),
    ),
    Measure(
        "announced",
        "agents",
        lambda: gettext("Introduced"),
        Unit.COUNT,
        of("announced"),
        just(lambda: gettext("Of the transfers, those after a talk with whoever took the caller.")),
    ),
    Measure(
        "occupancy",
        "agents",
        lambda: gettext("Occupancy"),
        Unit.SHARE,
        of("occupancy"),
        just(
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
        Unit.SHARE,
        of("first_contact"),
        just(lambda: gettext("Settled at once, of the talks for which the agent said so.")),
        1,
    ),
    Measure(
        "cost",
        "agents",
        lambda: gettext("Cost per talk"),
        Unit.MONEY,
        _cost,
        just(
            lambda: gettext(
                "Agents' time at work for one talk, at the hourly cost typed in above. "
                "The carrier's minutes are not in it."
            )
        ),
        -1,
    ),
)
