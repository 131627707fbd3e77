"""Every figure of the reports, in the order in which they are shown, and what goes together."""

from collections.abc import Mapping

from callback.web.admin.measure import Measure, Words
from callback.web.admin.measures_agents import AGENTS
from callback.web.admin.measures_callbacks import CALLBACKS
from callback.web.admin.measures_callers import CALLS, WAITS
from callback.web.catalogue import gettext

GROUPS: Mapping[str, Words] = {
    "calls": lambda: gettext("Calls"),
    "waits": lambda: gettext("Waiting"),
    "callbacks": lambda: gettext("Callbacks"),
    "agents": lambda: gettext("Agents"),
}
MEASURES: tuple[Measure, ...] = (*CALLS, *WAITS, *CALLBACKS, *AGENTS)
BY_KEY = {measure.key: measure for measure in MEASURES}
NO_QUEUE = frozenset({"occupancy"})
"""Figures that are not known of a queue."""
OF_WAITS = ("wait_p50", "wait_p90", "back_p50", "back_p90")
"""Of an agent, the waits of those whom they took."""
OF_AGENTS = (
    *AGENTS,
    *(BY_KEY[key] for key in (*OF_WAITS, "satisfaction", "rated")),
)
