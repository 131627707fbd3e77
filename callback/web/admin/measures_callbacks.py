"""The figures of promises: made, kept, and how it was. docs/reports.md has the formulas."""

from callback.domain.reports import What, ratio
from callback.flows.reported import Counted
from callback.web.admin.measure import Asked, Measure, just, of, quantile_of
from callback.web.catalogue import gettext
from callback.web.figures import Unit


def _punctual(found: Counted, _: Asked) -> float | None:
    one = found.punctual
    return ratio(one.kept, one.kept + one.early + one.late)


def _late(found: Counted, _: Asked) -> float | None:
    return ratio(found.punctual.late_s, found.punctual.late)


CALLBACKS: tuple[Measure, ...] = (
    Measure(
        "promised",
        "callbacks",
        lambda: gettext("Callbacks promised"),
        Unit.COUNT,
        of("promised"),
        just(lambda: gettext("Promises made by phone, by program or by hand, counted in the hour they were made.")),
    ),
    Measure(
        "completed",
        "callbacks",
        lambda: gettext("Completed"),
        Unit.COUNT,
        of("completed"),
        just(lambda: gettext("Of these promises, those whose caller talked with an agent.")),
        1,
    ),
    Measure(
        "unreached",
        "callbacks",
        lambda: gettext("Not reached"),
        Unit.COUNT,
        of("unreached"),
        just(lambda: gettext("All attempts were used up.")),
        -1,
    ),
    Measure(
        "cancelled",
        "callbacks",
        lambda: gettext("Cancelled"),
        Unit.COUNT,
        of("cancelled"),
        just(lambda: gettext("Called off, mostly by the caller.")),
    ),
    Measure(
        "expired",
        "callbacks",
        lambda: gettext("Expired"),
        Unit.COUNT,
        of("expired"),
        just(lambda: gettext("We came too late to ring at all.")),
        -1,
    ),
    Measure(
        "failed",
        "callbacks",
        lambda: gettext("Could not be dialled"),
        Unit.COUNT,
        of("failed"),
        just(lambda: gettext("The number cannot be rung.")),
        -1,
    ),
    Measure(
        "open",
        "callbacks",
        lambda: gettext("Still open"),
        Unit.COUNT,
        of("open"),
        just(lambda: gettext("Promises of these days that have not ended yet.")),
    ),
    Measure(
        "take_up",
        "callbacks",
        lambda: gettext("Take-up"),
        Unit.SHARE,
        of("take_up"),
        just(lambda: gettext("Took a callback, of those callers to whom one was offered.")),
    ),
    Measure(
        "reached",
        "callbacks",
        lambda: gettext("Reached"),
        Unit.SHARE,
        of("reached"),
        just(lambda: gettext("Completed, of all promises that ended and were not cancelled.")),
        1,
    ),
    Measure(
        "punctuality",
        "callbacks",
        lambda: gettext("Punctuality"),
        Unit.SHARE,
        _punctual,
        just(lambda: gettext("First rung within the promised window, of those rung.")),
        1,
    ),
    Measure(
        "late",
        "callbacks",
        lambda: gettext("Late by"),
        Unit.SECONDS,
        _late,
        just(lambda: gettext("How long after the promised window we first rang, on average over those rung too late.")),
        -1,
    ),
    Measure(
        "back_mean",
        "callbacks",
        lambda: gettext("Time to agent, called back"),
        Unit.SECONDS,
        of("back_mean_s"),
        just(
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
        Unit.SECONDS,
        quantile_of(What.BACK, 0.5),
        just(lambda: gettext("Half of them had their agent sooner. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "back_p90",
        "callbacks",
        lambda: gettext("Long time to agent, called back"),
        Unit.SECONDS,
        quantile_of(What.BACK, 0.9),
        just(lambda: gettext("Nine of ten of them had their agent sooner. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "saved",
        "callbacks",
        lambda: gettext("Hours on hold saved"),
        Unit.COUNT,
        lambda found, _: found.sums.back_s / 3600,
        just(
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
        Unit.SHARE,
        of("satisfaction"),
        just(lambda: gettext("Rated 4 or 5 of 5 on the caller's page, of those who said how their callback was.")),
        1,
    ),
    Measure(
        "rated",
        "callbacks",
        lambda: gettext("Ratings"),
        Unit.COUNT,
        of("rated"),
        just(lambda: gettext("Callers who said how their callback was, counted in the hour of the promise.")),
    ),
    Measure(
        "rated_share",
        "callbacks",
        lambda: gettext("Said how it was"),
        Unit.SHARE,
        of("rated_share"),
        just(lambda: gettext("Callers who said how it was, of those whose callback was completed.")),
    ),
)
