"""The figures of calls and of waiting. docs/reports.md has the formulas."""

from callback.domain.reports import What
from callback.web.admin.measure import Measure, just, of, quantile_of
from callback.web.catalogue import gettext
from callback.web.figures import Unit

CALLS: tuple[Measure, ...] = (
    Measure(
        "offered",
        "calls",
        lambda: gettext("Calls offered"),
        Unit.COUNT,
        of("offered"),
        just(
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
        Unit.COUNT,
        of("answered"),
        just(lambda: gettext("Callers who held the line and talked with an agent.")),
        1,
    ),
    Measure(
        "abandoned",
        "calls",
        lambda: gettext("Abandoned"),
        Unit.COUNT,
        of("abandoned"),
        just(lambda: gettext("Callers who hung up before an agent was there, the short ones included.")),
        -1,
    ),
    Measure(
        "short",
        "calls",
        lambda: gettext("Short abandons"),
        Unit.COUNT,
        of("short"),
        just(lambda: gettext("Hung up within 5 seconds: a wrong number or a second thought. They count in no share.")),
    ),
    Measure(
        "took",
        "calls",
        lambda: gettext("Took a callback"),
        Unit.COUNT,
        of("took"),
        just(lambda: gettext("Callers who hung up with our promise to ring them.")),
    ),
    Measure(
        "turned_away",
        "calls",
        lambda: gettext("Turned away"),
        Unit.COUNT,
        of("turned_away"),
        just(lambda: gettext("Callers who left the line because nobody could serve them, such as after closing.")),
        -1,
    ),
)
WAITS: tuple[Measure, ...] = (
    Measure(
        "service_level",
        "waits",
        lambda: gettext("Service level"),
        Unit.SHARE,
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
        Unit.SECONDS,
        of("asa_s"),
        just(lambda: gettext("The mean wait of those answered, from joining the line until the agent was there.")),
        -1,
    ),
    Measure(
        "wait_p50",
        "waits",
        lambda: gettext("Typical wait"),
        Unit.SECONDS,
        quantile_of(What.LIVE, 0.5),
        just(lambda: gettext("Half of those answered waited no longer. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "wait_p90",
        "waits",
        lambda: gettext("Long wait"),
        Unit.SECONDS,
        quantile_of(What.LIVE, 0.9),
        just(lambda: gettext("Nine of ten of those answered waited no longer. Exact to 5 percent.")),
        -1,
    ),
    Measure(
        "abandonment",
        "waits",
        lambda: gettext("Abandonment"),
        Unit.SHARE,
        of("abandonment"),
        just(lambda: gettext("Abandoned, of all calls offered; short abandons are left out of both.")),
        -1,
    ),
    Measure(
        "patience",
        "waits",
        lambda: gettext("Typically hung up after"),
        Unit.SECONDS,
        quantile_of(What.LEFT, 0.5),
        just(lambda: gettext("Half of those who hung up did so sooner. Exact to 5 percent.")),
    ),
)
